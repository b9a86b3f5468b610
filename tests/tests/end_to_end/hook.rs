//! A place that people are told at: a webhook on this machine, which can be down.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use std::io::BufReader;
use std::net::TcpListener;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use tests::bootstrap::http::{self, Exchange};

/// The name of its secret.
pub const SECRET_NAME: &str = "cs-ops/hook";
/// What both sides know.
const KEY: &[u8] = b"thirty-two bytes for a test only";

/// What it heard while it was up.
pub struct Hook {
    pub url: String,
    down: Arc<AtomicBool>,
    heard: Arc<Mutex<Vec<(String, Value)>>>,
}

impl Hook {
    /// Listens on loopback for as long as the test runs. What is not signed as the Standard Webhooks specification says is
    /// refused.
    pub fn listen() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/cs-ops", listener.local_addr().unwrap());
        let hook = Self { url, down: Arc::default(), heard: Arc::default() };
        let (down, heard) = (hook.down.clone(), hook.heard.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let Ok(Some(exchange)) = Exchange::read(&mut BufReader::new(&stream)) else { continue };
                let status = if down.load(Ordering::Relaxed) {
                    503
                } else if let Some(told) = verified(&exchange) {
                    heard.lock().unwrap().push(told);
                    200
                } else {
                    401
                };
                http::answer(&stream, status, &[("connection", "close".to_owned())], "").ok();
            }
        });
        hook
    }

    /// The secret as it is kept.
    pub fn secret() -> String {
        format!("whsec_{}", STANDARD.encode(KEY))
    }

    /// From now on it answers 503, or not.
    pub fn is_down(&self, down: bool) {
        self.down.store(down, Ordering::Relaxed);
    }

    /// The bodies in the order in which they came.
    pub fn heard(&self) -> Vec<Value> {
        self.heard.lock().unwrap().iter().map(|(_, body)| body.clone()).collect()
    }

    /// The ids of the messages in the order in which they came.
    pub fn ids(&self) -> Vec<String> {
        self.heard.lock().unwrap().iter().map(|(id, _)| id.clone()).collect()
    }
}

/// The message's id and body, if it is signed with the key.
fn verified(exchange: &Exchange) -> Option<(String, Value)> {
    let id = exchange.header("webhook-id")?;
    let body = std::str::from_utf8(&exchange.body).ok()?;
    let signed = format!("{id}.{}.{body}", exchange.header("webhook-timestamp")?);
    let digest = STANDARD.decode(exchange.header("webhook-signature")?.strip_prefix("v1,")?).ok()?;
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, KEY);
    aws_lc_rs::hmac::verify(&key, signed.as_bytes(), &digest).ok()?;
    Some((id.to_owned(), serde_json::from_str(body).ok()?))
}

//! The issuer's key set over HTTPS, through the connections that the AWS clients use.

use crate::http::jwks::{JwksUrl, KeySource, KeySourceError, MAX_SET_BYTES};
use crate::lambda::connection::Connection;
use async_trait::async_trait;
use aws_smithy_types::body::SdkBody;
use http::header::ACCEPT;
use http_body_util::{BodyExt, Limited};
use std::error::Error;
use std::time::Duration;

/// From the question to the last byte of the answer.
const TIMEOUT: Duration = Duration::from_secs(3);

/// A key set at an address.
#[derive(Debug, Clone)]
pub struct KeysAt {
    connection: Connection,
    url: JwksUrl,
}

impl KeysAt {
    /// The key set at this address. Nothing is sent yet.
    pub const fn new(connection: Connection, url: JwksUrl) -> Self {
        Self { connection, url }
    }

    async fn fetch(&self) -> Result<Vec<u8>, Box<dyn Error + Send + Sync>> {
        let request = http::Request::get(self.url.as_str()).header(ACCEPT, "application/json").body(SdkBody::empty())?;
        let answer = self.connection.send(request).await?;
        if !answer.status().is_success() {
            return Err(format!("the issuer answered {} at `{}`", answer.status(), self.url.as_str()).into());
        }
        let body = Limited::new(answer.into_body(), MAX_SET_BYTES).collect().await?;
        Ok(body.to_bytes().to_vec())
    }
}

#[async_trait]
impl KeySource for KeysAt {
    async fn keys(&self) -> Result<String, KeySourceError> {
        let fetched = tokio::time::timeout(TIMEOUT, self.fetch()).await;
        let bytes = fetched.map_err(Into::into).flatten().map_err(KeySourceError::Unavailable)?;
        String::from_utf8(bytes).map_err(|error| KeySourceError::Unusable(error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::net::TcpListener;

    /// Answers one request and gives back what was asked.
    fn issuer(answer: String) -> (JwksUrl, std::thread::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = JwksUrl::new(&format!("http://{}/keys.json", listener.local_addr().unwrap())).unwrap();
        let thread = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut asked = [0; 1024];
            let length = stream.read(&mut asked).unwrap();
            // The other side may hang up in the middle of an answer that is too long.
            stream.write_all(answer.as_bytes()).ok();
            String::from_utf8_lossy(&asked[..length]).into_owned()
        });
        (url, thread)
    }

    fn ok(body: &str) -> String {
        format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len())
    }

    async fn ask(answer: String) -> (Result<String, KeySourceError>, String) {
        let (url, thread) = issuer(answer);
        let keys = KeysAt::new(Connection::default(), url).keys().await;
        (keys, thread.join().unwrap())
    }

    #[tokio::test]
    async fn the_key_set_is_fetched_from_its_address() {
        let (keys, asked) = ask(ok(r#"{"keys":[]}"#)).await;
        assert_eq!(keys.unwrap(), r#"{"keys":[]}"#);
        assert!(asked.starts_with("GET /keys.json HTTP/1.1\r\n"), "{asked}");
    }

    #[tokio::test]
    async fn an_answer_other_than_success_is_no_key_set() {
        let (keys, _) = ask("HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n".into()).await;
        assert!(matches!(keys, Err(KeySourceError::Unavailable(_))));
    }

    #[tokio::test]
    async fn a_key_set_beyond_the_limit_is_not_read() {
        let (keys, _) = ask(ok(&" ".repeat(MAX_SET_BYTES + 1))).await;
        assert!(matches!(keys, Err(KeySourceError::Unavailable(_))));
    }

    #[tokio::test]
    async fn an_issuer_that_is_not_there_is_unavailable() {
        let url = {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            JwksUrl::new(&format!("http://{}/keys.json", listener.local_addr().unwrap())).unwrap()
        };
        let keys = KeysAt::new(Connection::default(), url).keys().await;
        assert!(matches!(keys, Err(KeySourceError::Unavailable(_))));
    }
}

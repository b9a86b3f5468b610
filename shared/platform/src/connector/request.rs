//! What goes out and what comes back, and the port that carries it.

use crate::connector::secret::Secret;
use async_trait::async_trait;
use serde_json::Value;
use std::fmt;
use std::time::Duration;

/// From the first byte of a request to the last one of its response.
pub const TIMEOUT: Duration = Duration::from_secs(5);
/// The most of a response that is read, in bytes. What is longer is no answer.
pub const MAX_RESPONSE_BYTES: usize = 64 * 1024;

/// A request to a destination. `Debug` shows no secret.
#[derive(Clone, PartialEq, Eq)]
pub struct OutboundRequest {
    /// The method.
    pub method: &'static str,
    /// The address; never holds a secret.
    pub url: String,
    /// The headers; some are secrets.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: String,
    /// Is signed with the function's own rights, for this service of AWS in this region.
    pub aws: Option<(&'static str, String)>,
    /// Everything in headers and body that nobody may see.
    pub(super) secrets: Vec<Secret>,
}

impl OutboundRequest {
    /// A request with a JSON body.
    pub fn json(method: &'static str, url: String, body: &Value) -> Self {
        let headers = vec![("content-type", "application/json"), ("accept", "application/json")];
        let headers = headers.into_iter().map(|(name, value)| (name, value.to_owned())).collect();
        Self { method, url, headers, body: body.to_string(), aws: None, secrets: Vec::new() }
    }

    /// A request with some other text.
    pub fn text(method: &'static str, url: String, media_type: &str, body: String) -> Self {
        let headers = vec![("content-type", media_type.to_owned())];
        Self { method, url, headers, body, aws: None, secrets: Vec::new() }
    }

    /// With this header.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// With a header that says something and then a secret: `Bearer …`.
    #[must_use]
    pub fn authorization(self, scheme: &str, secret: &Secret) -> Self {
        let value = format!("{scheme} {}", secret.reveal());
        self.header("authorization", value).hiding(secret)
    }

    /// It holds this secret somewhere.
    #[must_use]
    pub fn hiding(mut self, secret: &Secret) -> Self {
        self.secrets.push(secret.clone());
        self
    }

    /// A text of the request as others may see it.
    pub fn shown(&self, text: &str) -> String {
        self.secrets.iter().map(Secret::reveal).filter(|secret| !secret.is_empty()).fold(
            text.to_owned(),
            |text, secret| {
                let quoted = Value::from(secret).to_string();
                text.replace(secret, "***").replace(quoted.trim_matches('"'), "***")
            },
        )
    }
}

impl fmt::Debug for OutboundRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let headers: Vec<_> = self.headers.iter().map(|(name, value)| (name, self.shown(value))).collect();
        f.debug_struct("OutboundRequest")
            .field("method", &self.method)
            .field("url", &self.url)
            .field("headers", &headers)
            .field("body", &self.shown(&self.body))
            .finish_non_exhaustive()
    }
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OutboundResponse {
    /// The HTTP status.
    pub status: u16,
    /// The header `Retry-After`, where there was one.
    pub retry_after: Option<String>,
    /// The body.
    pub body: String,
}

impl OutboundResponse {
    /// The body as JSON, where it is some.
    pub fn json(&self) -> Option<Value> {
        serde_json::from_str(&self.body).ok()
    }
}

/// Why nothing came back.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    /// Not in time.
    #[error("it did not answer within {} s", TIMEOUT.as_secs())]
    TimedOut,
    /// It cannot be reached, or the connection broke.
    #[error("it cannot be reached")]
    Unreachable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// What came back is longer than is read.
    #[error("it answered with more than {MAX_RESPONSE_BYTES} bytes")]
    TooLong,
}

/// Carries requests to destinations. It follows no redirect, and ends after [`TIMEOUT`].
#[async_trait]
pub trait Transport: Send + Sync {
    /// Sends a request and gives back what came back, whatever its status.
    async fn send(&self, request: OutboundRequest) -> Result<OutboundResponse, TransportError>;
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_request_shows_no_secret_wherever_it_stands_and_however_it_is_written() {
        let secret = Secret::new("s3\"cret");
        let request = OutboundRequest::json("POST", "https://x.example/".into(), &json!({ "key": secret.reveal() }))
            .authorization("Bearer", &secret)
            .hiding(&Secret::new(""));
        let shown = format!("{request:?}");
        assert!(!shown.contains("cret") && shown.contains("Bearer ***"), "{shown}");
        assert!(request.body.contains("s3\\\"cret"));
    }
}

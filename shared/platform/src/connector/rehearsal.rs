//! A rehearsal: nothing leaves the machine. What would have been sent is written down without its secrets, and every
//! destination answers as it would if all went well.

use crate::connector::request::{OutboundRequest, OutboundResponse, Transport, TransportError};
use async_trait::async_trait;
use serde_json::{Value, json};

/// Takes a line of JSON for each request that would have been sent.
pub type Sink = Box<dyn Fn(&Value) -> Result<(), std::io::Error> + Send + Sync>;

/// Writes down what would have been sent.
pub struct Rehearsal(pub Sink);

#[async_trait]
impl Transport for Rehearsal {
    async fn send(&self, request: OutboundRequest) -> Result<OutboundResponse, TransportError> {
        let body = request.shown(&request.body);
        let body = serde_json::from_str(&body).unwrap_or(Value::String(body));
        let (key, answer) = played(&request);
        let line = json!({ "method": request.method, "url": request.url, "id": key, "body": body });
        (self.0)(&line).map_err(|error| TransportError::Unreachable(error.into()))?;
        Ok(answer)
    }
}

/// The id under which a destination keeps what it hears, and its own words for having done so.
pub fn played(request: &OutboundRequest) -> (String, OutboundResponse) {
    let body: Value = serde_json::from_str(&request.body).unwrap_or_default();
    let header = |wanted: &str| {
        request.headers.iter().find(|(name, _)| *name == wanted).map(|(_, value)| value.clone()).unwrap_or_default()
    };
    let text = |pointer: &str| body.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    let answer = |status, body: Value| OutboundResponse { status, retry_after: None, body: body.to_string() };
    let url = request.url.as_str();
    if url.ends_with("/services/oauth2/token") {
        ("login".to_owned(), answer(200, json!({ "access_token": "rehearsed-hush" })))
    } else if url.starts_with("https://slack.com/") {
        (text("/metadata/event_payload/id"), answer(200, json!({ "ok": true, "channel": "C1", "ts": "1.2" })))
    } else if url.starts_with("https://events.pagerduty.com/") {
        let key = text("/dedup_key");
        (key.clone(), answer(202, json!({ "status": "success", "message": "Event processed", "dedup_key": key })))
    } else if url.contains("/api/now/import/") {
        let row = json!({ "transform_map": "cs-ops", "table": "incident", "status": "inserted", "sys_id": "s1" });
        (text("/u_correlation_id"), answer(201, json!({ "import_set": "ISET1", "result": [row] })))
    } else if url.contains("/sobjects/") {
        let created = json!({ "id": "a00", "success": true, "created": true, "errors": [] });
        (url.rsplit('/').next().unwrap_or_default().to_owned(), answer(201, created))
    } else if url.contains("/v2/email/") {
        (text("/EmailTags/0/Value"), answer(200, json!({ "MessageId": "ses-1" })))
    } else {
        (header("webhook-id"), OutboundResponse { status: 204, ..OutboundResponse::default() })
    }
}

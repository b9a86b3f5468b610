//! A channel in Slack, by `chat.postMessage`. Slack answers 200 whatever happened; what happened stands in the body.
//!
//! Slack keeps no ids of ours: a message of which the answer was lost is posted twice. Its id stands in its metadata, so
//! that both can be told to be one.

use crate::connector::request::{OutboundRequest, OutboundResponse};
use crate::connector::secret::Secret;
use crate::connector::{Wording, about, garbage};
use domain::delivery::{Answer, Cause, retry_after};
use jiff::Timestamp;
use serde_json::{Value, json};

/// The request that tells it.
pub fn request(channel: &str, wording: &Wording<'_>, secret: &Secret) -> OutboundRequest {
    let text = escaped(&format!("{}\n{}", wording.title, wording.text));
    let (what, id) = about(wording.notice);
    let body = json!({
        "channel": channel, "text": text, "unfurl_links": false, "unfurl_media": false,
        "metadata": {
            "event_type": "cs_ops_escalation",
            "event_payload": { "id": wording.id, what: id, "record": wording.record },
        },
    });
    OutboundRequest::json("POST", "https://slack.com/api/chat.postMessage".into(), &body)
        .authorization("Bearer", secret)
}

/// The three characters that Slack reads as more than text: nobody is mentioned by the words of a case.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// What a success by status means.
pub fn answer(response: &OutboundResponse, now: Timestamp) -> Answer {
    let Some(body) = response.json() else { return garbage() };
    let error = body.get("error").and_then(Value::as_str);
    match (body.get("ok").and_then(Value::as_bool), error) {
        (Some(true), _) => {
            let text = |name: &str| body.get(name).and_then(Value::as_str);
            let id = text("channel").zip(text("ts")).map(|(channel, at)| format!("{channel}/{at}"));
            Answer::Delivered { external_id: id }
        }
        (Some(false), Some(error)) => {
            let asked = response.retry_after.as_deref().and_then(|text| retry_after(text, now));
            // An error of Slack is a word; anything else may be whatever it was sent.
            let is_word = error.len() <= 60 && error.chars().all(|c| c.is_ascii_lowercase() || c == '_');
            let shown = if is_word { error } else { "with an error that is none of Slack's" };
            Answer::failed(cause(error, asked), format!("it answered {shown}"))
        }
        _ => garbage(),
    }
}

fn cause(error: &str, retry_after: Option<jiff::SignedDuration>) -> Cause {
    match error {
        "ratelimited" | "rate_limited" | "message_limit_exceeded" => Cause::Throttled { retry_after },
        "internal_error" | "fatal_error" | "service_unavailable" | "request_timeout" | "team_added_to_org" => {
            Cause::Down { retry_after }
        }
        "msg_too_long" | "no_text" | "invalid_blocks" | "metadata_too_large" | "invalid_metadata_format" => {
            Cause::Refused
        }
        // A token, a channel or a right: the same for every message.
        _ => Cause::Closed,
    }
}

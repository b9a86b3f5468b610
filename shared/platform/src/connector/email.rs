//! Mail by SES (API v2), with the function's own rights: the transport signs the request.
//!
//! SES keeps no ids of ours: a message of which the answer was lost is sent twice. Its id stands in its headers and tags,
//! and its record's id ties all mails of an escalation into one thread.

use crate::connector::request::{OutboundRequest, OutboundResponse};
use crate::connector::{Wording, about, garbage};
use domain::delivery::Answer;
use serde_json::{Value, json};

/// The request that tells it.
pub fn request(region: &str, from: &str, to: &[String], wording: &Wording<'_>) -> OutboundRequest {
    let header = |name: &str, value: String| json!({ "Name": name, "Value": value });
    let (what, id) = about(wording.notice);
    let text = format!("{}\n\n{what} {id}\n", wording.text);
    let body = json!({
        "FromEmailAddress": from,
        "Destination": { "ToAddresses": to },
        "Content": { "Simple": {
            "Subject": { "Data": wording.title, "Charset": "UTF-8" },
            "Body": { "Text": { "Data": text, "Charset": "UTF-8" } },
            "Headers": [
                header("X-Cs-Ops-Message", wording.id.clone()),
                header("References", format!("<{}@cs-ops>", wording.record)),
                header("Auto-Submitted", "auto-generated".to_owned()),
            ],
        } },
        "EmailTags": [{ "Name": "cs-ops-message", "Value": wording.id }],
    });
    let url = format!("https://email.{region}.amazonaws.com/v2/email/outbound-emails");
    OutboundRequest { aws: Some(("ses", region.to_owned())), ..OutboundRequest::json("POST", url, &body) }
}

/// What a success by status means.
pub fn answer(response: &OutboundResponse) -> Answer {
    let body = response.json();
    match body.as_ref().and_then(|body| body.get("MessageId")).and_then(Value::as_str) {
        Some(id) => Answer::Delivered { external_id: Some(id.to_owned()) },
        None => garbage(),
    }
}

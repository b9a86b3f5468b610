//! A service in PagerDuty, by its Events API v2. The record's id is the `dedup_key`: all that is told of an escalation is
//! one incident, and a repeat is the same one. The secret is the routing key, which stands in the body.

use crate::connector::request::{OutboundRequest, OutboundResponse};
use crate::connector::secret::Secret;
use crate::connector::{Wording, about, garbage};
use domain::delivery::{Answer, Told};
use domain::signal::Severity;
use serde_json::{Value, json};

/// The longest summary that is taken, in characters.
const MAX_SUMMARY: usize = 1_024;

/// The request that tells it.
pub fn request(wording: &Wording<'_>, secret: &Secret) -> OutboundRequest {
    let notice = wording.notice;
    let action = match notice.told {
        Told::Page { .. } | Told::Effect { .. } => "trigger",
        // Who is put off is not to be called by the service's own policy either.
        Told::HandedOver { .. } | Told::Acknowledged { .. } | Told::Snoozed { .. } => "acknowledge",
        Told::Resolved { .. } => "resolve",
    };
    let severity = match notice.severity {
        Some(Severity::Critical) => "critical",
        Some(Severity::High) => "error",
        Some(Severity::Medium) => "warning",
        Some(Severity::Low) | None => "info",
    };
    let summary: String = format!("{}: {}", wording.title, wording.text).chars().take(MAX_SUMMARY).collect();
    let mut body = json!({ "routing_key": secret.reveal(), "event_action": action, "dedup_key": wording.record });
    if let ("trigger", Some(body)) = (action, body.as_object_mut()) {
        let (what, id) = about(notice);
        let mut details =
            json!({ what: id, "message": wording.id, "case": notice.case, "breach_at": wording.breach_at });
        if let (Told::Page { step, repeats, person, .. }, Some(details)) = (&notice.told, details.as_object_mut()) {
            let more = [("step", json!(step)), ("repeats", json!(repeats)), ("person", json!(person))];
            details.extend(more.map(|(name, value)| (name.to_owned(), value)));
        }
        let payload = json!({
            "summary": summary, "source": notice.account, "severity": severity, "timestamp": notice.at,
            "component": "cs-ops", "custom_details": details,
        });
        body.insert("payload".to_owned(), payload);
        body.insert("client".to_owned(), "cs-ops".into());
    }
    OutboundRequest::json("POST", "https://events.pagerduty.com/v2/enqueue".into(), &body).hiding(secret)
}

/// What a success by status means.
pub fn answer(response: &OutboundResponse) -> Answer {
    let body = response.json();
    let text = |name: &str| body.as_ref().and_then(|body| body.get(name)).and_then(Value::as_str);
    match text("status") {
        Some("success") => Answer::Delivered { external_id: text("dedup_key").map(str::to_owned) },
        _ => garbage(),
    }
}

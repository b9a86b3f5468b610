//! A service in PagerDuty, by its Events API v2. The record's id is the `dedup_key`: all that is told of an escalation is
//! one incident, and a repeat is the same one. The secret is the routing key, which stands in the body.

use crate::connector::request::{OutboundRequest, OutboundResponse};
use crate::connector::secret::Secret;
use crate::connector::{Wording, garbage};
use domain::delivery::{Answer, Told};
use domain::signal::Severity;
use serde_json::{Value, json};

/// The longest summary that is taken, in characters.
const MAX_SUMMARY: usize = 1_024;

/// The request that tells it.
pub fn request(wording: &Wording<'_>, secret: &Secret) -> OutboundRequest {
    let notice = wording.notice;
    let action = match notice.told {
        Told::Page { .. } => "trigger",
        Told::Acknowledged { .. } => "acknowledge",
        Told::Resolved { .. } => "resolve",
    };
    let severity = match notice.severity {
        Severity::Critical => "critical",
        Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low => "info",
    };
    let summary: String = format!("{}: {}", wording.title, wording.text).chars().take(MAX_SUMMARY).collect();
    let mut body = json!({ "routing_key": secret.reveal(), "event_action": action, "dedup_key": wording.record });
    if let (Told::Page { step, repeats, .. }, Some(body)) = (&notice.told, body.as_object_mut()) {
        let details = json!({
            "escalation": notice.escalation, "message": wording.id, "case": notice.case, "step": step,
            "repeats": repeats, "breach_at": wording.breach_at,
        });
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

//! A ServiceNow instance, by the Import Set API: a row goes into a staging table, and its transform map, which coalesces
//! on `u_correlation_id`, makes one record of all rows with the same one. The secret is `user:password`.
//!
//! The staging table has these columns: `u_correlation_id`, `u_correlation_display`, `u_message_id`, `u_escalation`,
//! `u_execution`, `u_account`, `u_case`, `u_state`, `u_severity`, `u_role`, `u_sla_due`, `u_short_description`,
//! `u_description` and `u_close_notes`.

use crate::connector::request::{OutboundRequest, OutboundResponse};
use crate::connector::secret::Secret;
use crate::connector::{Wording, about, garbage, state};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::delivery::{Answer, Cause, Told};
use domain::signal::Severity;
use serde_json::{Value, json};

/// The request that tells it.
pub fn request(instance: &str, table: &str, wording: &Wording<'_>, secret: &Secret) -> OutboundRequest {
    let notice = wording.notice;
    let (role, outcome) = match &notice.told {
        Told::Page { role, .. } => (Some(role.name()), None),
        Told::Effect { role, .. } => (role.as_deref(), None),
        Told::Resolved { outcome } => (None, Some(outcome)),
        _ => (None, None),
    };
    let level = |severity| match severity {
        Severity::Critical => "1",
        Severity::High => "2",
        Severity::Medium => "3",
        Severity::Low => "4",
    };
    let (what, id) = about(notice);
    // A clock that is not for it to know is not in it: an empty field would empty its own.
    let mut body = json!({
        "u_correlation_id": wording.record, "u_correlation_display": "cs-ops", "u_message_id": wording.id,
        format!("u_{what}"): id, "u_account": notice.account, "u_case": notice.case, "u_state": state(notice),
        "u_short_description": wording.title, "u_description": wording.text,
    });
    if let Some(body) = body.as_object_mut() {
        let more = [
            ("u_sla_due", wording.breach_at.map(|at| at.strftime("%Y-%m-%d %H:%M:%S").to_string())),
            ("u_severity", notice.severity.map(|severity| level(severity).to_owned())),
            ("u_close_notes", outcome.cloned()),
            ("u_role", role.map(str::to_owned)),
        ];
        for (name, value) in more {
            body.extend(value.map(|value| (name.to_owned(), value.into())));
        }
    }
    let encoded = Secret::new(STANDARD.encode(secret.reveal()));
    OutboundRequest::json("POST", format!("{instance}/api/now/import/{table}"), &body)
        .authorization("Basic", &encoded)
        .hiding(secret)
}

/// What a success by status means: each row has a result of its own.
pub fn answer(response: &OutboundResponse) -> Answer {
    let body = response.json();
    let row = body.as_ref().and_then(|body| body.get("result")).and_then(|rows| rows.get(0));
    let text = |name: &str| row.and_then(|row| row.get(name)).and_then(Value::as_str);
    match text("status") {
        Some("inserted" | "updated" | "ignored") => {
            Answer::Delivered { external_id: text("sys_id").map(str::to_owned) }
        }
        // The transform map or a rule of the table: the same for every row, and somebody has to repair it.
        Some("error") => Answer::failed(Cause::Closed, "its transform map refused the row"),
        _ => garbage(),
    }
}

//! The bodies of escalate's routes, and escalations as events tell them.

use crate::event::EscalationBody;
use domain::escalation::{By, Cause, Escalation, EscalationPolicies, Status};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An escalation as it is now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EscalationItem {
    /// Which one.
    pub escalation: String,
    /// The account.
    pub account: String,
    /// `case` or `rule`.
    pub cause: String,
    /// The case's or the rule's id.
    pub cause_id: String,
    /// `critical`, `high`, `medium` or `low`.
    #[schemars(with = "String")]
    pub severity: domain::signal::Severity,
    /// Why, in plain words.
    pub reason: String,
    /// `open`, `acknowledged` or `resolved`.
    pub status: String,
    /// Who acknowledged or resolved it, if somebody did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// The step of its policy, from 0.
    pub step: u32,
    /// The role that is told at this step.
    pub role: String,
    /// When it was opened.
    #[schemars(with = "String")]
    pub opened_at: Timestamp,
    /// When the next clock runs out, if one runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub breach_at: Option<Timestamp>,
    /// Seconds until then; negative once it has run out. As of the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds_to_breach: Option<i64>,
}

impl EscalationItem {
    /// An escalation as of a moment.
    pub fn of(escalation: &Escalation, policies: &EscalationPolicies, now: Timestamp) -> Self {
        let (cause, cause_id) = match &escalation.cause {
            Cause::Case { case } => ("case", case.id.to_string()),
            Cause::Rule { rule, .. } => ("rule", rule.to_string()),
        };
        let by = match &escalation.status {
            Status::Open => None,
            Status::Acknowledged { by, .. } | Status::Resolved { by, .. } => Some(by_name(by)),
        };
        Self {
            escalation: escalation.id.to_string(),
            account: escalation.account.to_string(),
            cause: cause.to_owned(),
            cause_id,
            severity: escalation.severity,
            reason: escalation.reason.clone(),
            status: escalation.status.name().to_owned(),
            by,
            step: escalation.step,
            role: escalation.role(policies).name().to_owned(),
            opened_at: escalation.opened_at,
            breach_at: escalation.breach_at(policies, now),
            seconds_to_breach: None,
        }
        .seen_at(now)
    }

    /// The same with the time to breach as of another moment.
    #[must_use]
    pub fn seen_at(mut self, now: Timestamp) -> Self {
        self.seconds_to_breach = self.breach_at.map(|at| at.duration_since(now).as_secs());
        self
    }
}

/// An escalation as events tell it, as of a moment.
pub fn event_body(escalation: &Escalation, policies: &EscalationPolicies, now: Timestamp) -> EscalationBody {
    EscalationBody {
        escalation: escalation.id.clone(),
        severity: escalation.severity,
        step: escalation.step,
        role: escalation.role(policies).name().to_owned(),
        reason: escalation.reason.clone(),
        opened_at: escalation.opened_at,
        breach_at: escalation.breach_at(policies, now),
    }
}

/// Who did it, as it is written.
pub fn by_name(by: &By) -> String {
    match by {
        By::Person(person) => person.to_string(),
        By::Case => "the case".to_owned(),
    }
}

/// `GET /escalations/active`: the next to breach first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ActiveEscalations {
    /// The moment that this speaks of.
    #[schemars(with = "String")]
    pub as_of: Timestamp,
    /// The escalations of this page.
    pub escalations: Vec<EscalationItem>,
    /// Give this as `cursor` for the next page; absent on the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// `POST /escalations/{id}/acknowledge` wants an empty object; `resolve` wants the outcome.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EscalationActionRequest {
    /// For `resolve`: how it ended, in 1 to 500 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
}

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
    /// `case`, `rule` or `person`.
    pub cause: String,
    /// The case's or the rule's id; the key of who broke the glass.
    pub cause_id: String,
    /// `critical`, `high`, `medium` or `low`.
    #[schemars(with = "String")]
    pub severity: domain::signal::Severity,
    /// Why, in plain words.
    pub reason: String,
    /// `open`, `acknowledged`, `snoozed` or `resolved`.
    pub status: String,
    /// Who acknowledged, snoozed or resolved it, if somebody did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// The step of its policy, from 0.
    pub step: u32,
    /// The role that is told at this step.
    pub role: String,
    /// Who was told when, the latest last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub told: Vec<ToldBody>,
    /// Until when nobody is told, where it is put off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub snoozed_until: Option<Timestamp>,
    /// Who is asked to take it over, if somebody is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handed_to: Option<String>,
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
            Cause::Person { key, .. } => ("person", key.to_string()),
        };
        let by = match &escalation.status {
            Status::Open => None,
            Status::Acknowledged { by, .. } | Status::Resolved { by, .. } => Some(by_name(by)),
            Status::Snoozed { by, .. } => Some(by.to_string()),
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
            told: Vec::new(),
            snoozed_until: match &escalation.status {
                Status::Snoozed { until, .. } => Some(*until),
                _ => None,
            },
            handed_to: escalation.handover.as_ref().map(|handover| handover.to.to_string()),
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

/// That somebody was told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ToldBody {
    /// When.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// Who.
    pub person: String,
    /// For whom they stand in, if they do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instead_of: Option<String>,
    /// As what.
    pub role: String,
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

/// `POST /escalations/{id}/acknowledge`, `unacknowledge`, `accept` and `reopen` want an empty object; `resolve` wants the
/// outcome, `snooze` the moment and `hand-over` the person.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EscalationActionRequest {
    /// For `resolve`: how it ended, in 1 to 500 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
    /// For `snooze`: until when nobody is told, at most 7 days ahead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub until: Option<Timestamp>,
    /// For `hand-over`: who is asked to take it over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub to: Option<domain::id::PersonId>,
}

/// `POST /accounts/{id}/break-glass`: executives are told at once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BreakGlassRequest {
    /// Why, in 1 to 500 characters.
    pub reason: String,
    /// Tells this emergency from others of the account: who breaks the glass again with the same key joins the same
    /// escalation.
    pub key: String,
}

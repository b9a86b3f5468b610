//! The bodies of trigger's routes, and calls to action as events tell them.

use crate::event::CtaBody;
use domain::cta::{Action, Cta};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A call to action as it is now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CtaItem {
    /// Which one.
    pub cta: String,
    /// The account.
    pub account: String,
    /// The rule that opened it.
    pub rule: String,
    /// `risk`, `lifecycle`, `expansion` or `objective`.
    pub cta_type: String,
    /// Why, and what to do.
    pub reason: String,
    /// What the rule saw when it last fired.
    pub evidence: Vec<String>,
    /// `critical`, `high`, `medium` or `low`.
    #[schemars(with = "String")]
    pub severity: domain::signal::Severity,
    /// How sure the rule is, 0-100.
    pub confidence_percent: u32,
    /// The larger, the more urgent: yearly revenue × severity × confidence.
    pub priority: i64,
    /// Who has it, if anybody.
    pub owner: Option<String>,
    /// `open`, `snoozed`, `closed` or `dismissed`.
    pub status: String,
    /// When the episode began.
    #[schemars(with = "String")]
    pub opened_at: Timestamp,
    /// When anything about it last changed.
    #[schemars(with = "String")]
    pub updated_at: Timestamp,
    /// When it is due.
    #[schemars(with = "String")]
    pub due_at: Timestamp,
    /// How often the rule has fired in this episode.
    pub fired: u32,
    /// How often the cause came back within the cool-off.
    pub reopened: u32,
}

impl From<&Cta> for CtaItem {
    fn from(cta: &Cta) -> Self {
        Self {
            cta: cta.id.to_string(),
            account: cta.account.to_string(),
            rule: cta.rule.to_string(),
            cta_type: cta.kind.name().to_owned(),
            reason: cta.reason.clone(),
            evidence: cta.evidence.clone(),
            severity: cta.severity,
            confidence_percent: cta.confidence_percent,
            priority: cta.priority,
            owner: cta.owner.as_ref().map(ToString::to_string),
            status: cta.status.name().to_owned(),
            opened_at: cta.opened_at,
            updated_at: cta.updated_at,
            due_at: cta.due_at,
            fired: cta.fired,
            reopened: cta.reopened,
        }
    }
}

impl From<&Cta> for CtaBody {
    fn from(cta: &Cta) -> Self {
        Self {
            cta: cta.id.clone(),
            rule: cta.rule.clone(),
            cta_type: cta.kind.name().to_owned(),
            reason: cta.reason.clone(),
            status: cta.status.name().to_owned(),
            priority: cta.priority,
            owner: cta.owner.as_ref().map(ToString::to_string),
            opened_at: cta.opened_at,
            due_at: cta.due_at,
            fired: cta.fired,
        }
    }
}

/// `GET /ctas`: in the order of their ids.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CtaPage {
    /// The calls to action of this page that match; there may be none, and still a next page.
    pub ctas: Vec<CtaItem>,
    /// Give this as `cursor` for the next page; absent on the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// `POST /ctas/{id}/snooze`: puts it off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SnoozeRequest {
    /// Until when, at most 90 days ahead.
    #[schemars(with = "String")]
    pub until: Timestamp,
    /// Why.
    pub reason: String,
}

/// `POST /ctas/{id}/close`: what was asked is done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CloseRequest {
    /// What came of it.
    pub outcome: String,
}

/// `POST /ctas/{id}/dismiss`: refuses it; the cause is not repeated within the cool-off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DismissRequest {
    /// Why.
    pub cause: String,
}

/// `POST /ctas/{id}/{action}`: the body that belongs to the action.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum CtaActionRequest {
    /// For `snooze`.
    Snooze(SnoozeRequest),
    /// For `close`.
    Close(CloseRequest),
    /// For `dismiss`.
    Dismiss(DismissRequest),
}

impl From<SnoozeRequest> for Action {
    fn from(request: SnoozeRequest) -> Self {
        Self::Snooze { until: request.until, reason: request.reason }
    }
}

impl From<CloseRequest> for Action {
    fn from(request: CloseRequest) -> Self {
        Self::Close { outcome: request.outcome }
    }
}

impl From<DismissRequest> for Action {
    fn from(request: DismissRequest) -> Self {
        Self::Dismiss { cause: request.cause }
    }
}

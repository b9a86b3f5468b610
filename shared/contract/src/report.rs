//! The bodies of report's routes.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `GET /performance/live`: what is, as of a moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LivePerformance {
    /// The moment that this speaks of.
    #[schemars(with = "String")]
    pub as_of: Timestamp,
    /// How many accounts there are.
    pub accounts: u64,
    /// How many of them are in each band, the best first; then those with too little data (`provisional`) and those
    /// that were not scored yet (`unscored`).
    pub bands: Vec<BandCount>,
    /// The biggest falls of the last 30 days that have not been made good, the biggest first.
    pub falls: Vec<Fall>,
    /// Open calls to action, the most urgent first.
    pub open_ctas: Vec<OpenCta>,
    /// How many there are in all; the list holds at most 100.
    pub open_cta_count: u64,
    /// Open escalations, the next to breach first.
    pub open_escalations: Vec<OpenEscalation>,
    /// How many there are in all; the list holds at most 100.
    pub open_escalation_count: u64,
}

/// How many accounts are in a band.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BandCount {
    /// The band.
    pub band: String,
    /// How many.
    pub accounts: u64,
}

/// An account whose score fell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Fall {
    /// Which account.
    pub account: String,
    /// What people call it.
    pub name: String,
    /// The band that it is in now.
    pub band: String,
    /// Its score now.
    pub score: String,
    /// How many points it fell.
    pub fell: String,
    /// When it came down.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// Why, the largest part first.
    pub reasons: Vec<String>,
}

/// An open call to action.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OpenCta {
    /// Which one.
    pub cta: String,
    /// The account.
    pub account: String,
    /// What people call the account.
    pub name: String,
    /// The rule that opened it.
    pub rule: String,
    /// Why.
    pub reason: String,
    /// The larger, the more urgent.
    pub priority: i64,
    /// Who has it, if anybody.
    pub owner: Option<String>,
    /// When it was opened.
    #[schemars(with = "String")]
    pub opened_at: Timestamp,
    /// When it is due.
    #[schemars(with = "String")]
    pub due_at: Timestamp,
}

/// An open escalation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OpenEscalation {
    /// Which one.
    pub escalation: String,
    /// The account.
    pub account: String,
    /// What people call the account.
    pub name: String,
    /// `critical`, `high`, `medium` or `low`.
    #[schemars(with = "String")]
    pub severity: domain::signal::Severity,
    /// `open` or `acknowledged`.
    pub status: String,
    /// The role that was told last.
    pub role: String,
    /// Why.
    pub reason: String,
    /// When it was opened.
    #[schemars(with = "String")]
    pub opened_at: Timestamp,
    /// When its next clock runs out, if one runs.
    #[schemars(with = "Option<String>")]
    pub breach_at: Option<Timestamp>,
    /// Seconds from `as_of` to that; negative once it is breached.
    pub seconds_to_breach: Option<i64>,
}

/// One line of `GET /accounts/{id}/timeline`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TimelineEntry {
    /// When it happened.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// The fact's name.
    pub fact: String,
    /// In plain words.
    pub text: String,
    /// The event.
    pub event_id: String,
    /// One id from the first request to the last effect.
    pub correlation_id: String,
}

/// `GET /accounts/{id}/timeline`, the newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Timeline {
    /// Which account.
    pub account: String,
    /// The moment that this speaks of.
    #[schemars(with = "String")]
    pub as_of: Timestamp,
    /// What happened.
    pub entries: Vec<TimelineEntry>,
    /// Give this as `cursor` for the next page; absent on the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// `GET /health` and `GET /ready`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Status {
    /// `ok` or `unavailable`.
    pub status: String,
    /// What was looked at, each `ok` or the reason why not.
    pub checks: std::collections::BTreeMap<String, String>,
}

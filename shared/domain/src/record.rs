//! What is kept of an account: one record for each function that writes, each in an item of its own.

use crate::account::{LifecycleStage, Money};
use crate::allocation::Allocated;
use crate::analytics::watch::Watch;
use crate::audit;
use crate::contact::Contacts;
use crate::cta::Episodes;
use crate::day::Day;
use crate::escalation::{Escalation, Role};
use crate::experiment::Exposures;
use crate::health::{HealthState, Overrides};
use crate::id::{CaseId, EscalationId, ExecutionId, PlaybookId, SourceId};
use crate::playbook::Execution;
use crate::quality::{Quality, detect::Told};
use crate::risk::account::standing::Standings;
use crate::risk::model::Kind;
use crate::segment::Memberships;
use crate::series::Series;
use crate::signal::Severity;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What came in about an account. Writer: ingest.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct AccountRecord {
    /// What its days amounted to.
    pub series: Series,
    /// What each source's days amounted to.
    #[serde(default, skip_serializing_if = "Quality::is_empty")]
    pub quality: Quality,
    /// Its cases that are not resolved.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub open_cases: BTreeMap<CaseId, Severity>,
    /// The silent sources that were reported, each with the last day on which it spoke.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub reported_silent: BTreeMap<SourceId, Day>,
    /// The findings on its data that were reported.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub reported_findings: Told,
}

impl AccountRecord {
    /// Whether a case of critical severity is open.
    pub fn has_open_critical_case(&self) -> bool {
        self.open_cases.values().any(|severity| *severity == Severity::Critical)
    }
}

/// An account's health. Writer: score.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HealthRecord {
    /// The health with its parts.
    pub health: HealthState,
    /// What people say, until it ends or is taken back; what ended goes with the next score.
    #[serde(default, skip_serializing_if = "Overrides::is_empty")]
    pub overrides: Overrides,
    /// The end of the chain of decisions.
    pub audit: audit::Head,
    /// The facts that it rests on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<Seen>,
    /// Where its risks stand.
    #[serde(default, skip_serializing_if = "Standings::is_empty")]
    pub risks: Standings,
    /// What is watched of its days.
    #[serde(default, skip_serializing_if = "Watch::is_empty")]
    pub watch: Watch,
    /// What it pays a year, as it was last seen: more of it is an outcome.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arr: Option<Money>,
    /// On which day each outcome was last recorded.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub happened: BTreeMap<Kind, Day>,
}

/// Which versions of an account's facts were looked at: equal ones hold the same facts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// The version of its description.
    pub account: u64,
    /// The version of what came in about it.
    pub series: u64,
}

/// What rules and segments came to on an account: its episodes with their calls to action, and the segments that it is in.
/// Both are decided by the same look, and cost one write together. Writer: trigger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EpisodeRecord {
    /// The latest episode of each rule.
    pub episodes: Episodes,
    /// The segments that it is in.
    #[serde(default, skip_serializing_if = "Memberships::is_empty")]
    pub segments: Memberships,
    /// The experiments that it was exposed to.
    #[serde(default, skip_serializing_if = "Exposures::is_empty")]
    pub exposures: Exposures,
    /// The end of the chain of decisions.
    pub audit: audit::Head,
}

/// An account's executions of playbooks. Writer: trigger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExecutionRecord {
    /// Those that run; what has ended is in the list of all alone.
    pub running: BTreeMap<ExecutionId, Execution>,
    /// When an execution of each playbook last ended.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub ended: BTreeMap<PlaybookId, Timestamp>,
    /// The stage that the account was last seen in, where a playbook asks for how long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stay: Option<Stay>,
    /// When the customer was reached, whichever execution did it.
    #[serde(default, skip_serializing_if = "Contacts::is_empty")]
    pub contacts: Contacts,
    /// The end of the chain of decisions.
    pub audit: audit::Head,
}

/// A stage of an account's life, and since when it was seen in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stay {
    /// The stage.
    pub stage: LifecycleStage,
    /// Since when.
    pub since: Timestamp,
}

/// An account's escalations. Writer: escalate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EscalationRecord {
    /// By id; the latest that ended are kept, so that late news of their causes open no others.
    pub escalations: BTreeMap<EscalationId, Escalation>,
    /// When each will next have something to say: where its due work lies.
    pub due: BTreeMap<EscalationId, Timestamp>,
    /// The end of the chain of decisions.
    pub audit: audit::Head,
}

/// Who looks after an account. Writer: escalate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AllocationRecord {
    /// By what they are for it.
    pub by_role: BTreeMap<Role, Allocated>,
    /// The end of the chain of decisions.
    pub audit: audit::Head,
}

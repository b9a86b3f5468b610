//! Facts on the bus: what happened, in the past tense.
//!
//! On EventBridge an event is `source` = `cs-ops.<function>`, `detail-type` = the fact's name and `detail` =
//! `{ meta, data }`. A released shape is never changed; a new one raises [`SCHEMA_VERSION`].

pub use crate::capacity::CapacityAlert;
pub use crate::delivery::{DeliveryGivenUp, DestinationDown, DestinationRecovered};
pub use crate::experiments::ExperimentExposed;
pub use crate::membership::{SegmentEntered, SegmentLeft};
pub use crate::risk::{AnomalyFound, RiskChanged};
pub use crate::workflow::{
    EffectRequested, PlaybookFinished, PlaybookReplanned, PlaybookStarted, PlaybookStuck, StepCompleted, StepOpened,
    StepOverdue,
};

use crate::message::{MessageError, read};
use domain::fixed::Quantity;
use domain::id::{AccountId, CaseId, CauseId, CtaId, EscalationId, PersonId, RuleId, TenantId};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The version of the shapes in this file.
pub const SCHEMA_VERSION: u32 = 1;

/// A function of the set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum FunctionName {
    /// Takes facts in.
    Ingest,
    /// Scores health.
    Score,
    /// Decides what to start.
    Trigger,
    /// Drives people.
    Escalate,
    /// Says what is and what was achieved.
    Report,
}

impl FunctionName {
    /// All five, in the order of the data.
    pub const ALL: [Self; 5] = [Self::Ingest, Self::Score, Self::Trigger, Self::Escalate, Self::Report];

    /// The name as it is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ingest => "ingest",
            Self::Score => "score",
            Self::Trigger => "trigger",
            Self::Escalate => "escalate",
            Self::Report => "report",
        }
    }
}

/// Which stream of the operations hub a fact belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Topic {
    /// Automation of customer success processes.
    WorkflowEvents,
    /// Changes in the demand for people.
    CapacitySignals,
    /// Operational anomalies.
    PerformanceAlerts,
}

/// What every event says about itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Meta {
    /// Made from the cause: the same fact published twice has the same id.
    #[schemars(with = "String")]
    pub event_id: CauseId,
    /// Whose it is.
    #[schemars(with = "String")]
    pub tenant: TenantId,
    /// Which account it is about, where it is about one.
    #[schemars(with = "Option<String>")]
    pub account: Option<AccountId>,
    /// When it happened.
    #[schemars(with = "String")]
    pub occurred_at: Timestamp,
    /// One id from the first request to the last effect.
    pub correlation_id: String,
    /// The message that brought it about.
    pub causation_id: String,
    /// The version of the shape of `data`.
    pub schema_version: u32,
    /// Which stream it belongs to.
    pub topic: Topic,
}

macro_rules! facts {
    ($($(#[$doc:meta])* $name:ident by $function:ident on $topic:ident;)*) => {
        /// What happened. The name is EventBridge's `detail-type`.
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
        #[serde(tag = "detail-type", content = "data")]
        pub enum Fact {$(
            $(#[$doc])* $name($name),
        )*}

        impl Fact {
            /// The names of all facts.
            pub const NAMES: &'static [&'static str] = &[$(stringify!($name)),*];

            /// The fact's name.
            pub const fn name(&self) -> &'static str {
                match self {$(Self::$name(_) => stringify!($name)),*}
            }

            /// The function that publishes it.
            pub const fn function(&self) -> FunctionName {
                match self {$(Self::$name(_) => FunctionName::$function),*}
            }

            /// The stream it belongs to.
            pub const fn topic(&self) -> Topic {
                match self {$(Self::$name(_) => Topic::$topic),*}
            }

            /// Reads a fact's data, which lie at `detail.data` of a message.
            pub(crate) fn parse(name: &str, data: &str) -> Result<Self, MessageError> {
                match name {
                    $(stringify!($name) => read("detail.data", data).map(Self::$name),)*
                    _ => Err(MessageError {
                        path: "detail-type".into(),
                        reason: format!("there is no fact `{name}`"),
                    }),
                }
            }

            /// For each fact: its name, who publishes it and the JSON Schema of its data.
            pub fn schemas() -> Vec<(&'static str, FunctionName, schemars::Schema)> {
                vec![$((stringify!($name), FunctionName::$function, schemars::schema_for!($name))),*]
            }
        }

        $(impl From<$name> for Fact {
            fn from(data: $name) -> Self {
                Self::$name(data)
            }
        })*
    };
}

facts! {
    /// New signals of an account were recorded.
    SignalsRecorded by Ingest on WorkflowEvents;
    /// An account was created or its description changed.
    AccountChanged by Ingest on WorkflowEvents;
    /// A support case was opened.
    CaseOpened by Ingest on WorkflowEvents;
    /// A support case changed.
    CaseChanged by Ingest on WorkflowEvents;
    /// A source stopped sending.
    SourceSilent by Ingest on PerformanceAlerts;
    /// What is unusual about a source's data began or ended.
    DataQualityChanged by Ingest on PerformanceAlerts;
    /// Records were refused and put aside.
    RecordsQuarantined by Ingest on PerformanceAlerts;
    /// An account's health was scored and is not what it was.
    HealthScored by Score on WorkflowEvents;
    /// An account has no health any more, for it is no customer any more.
    HealthBlanked by Score on WorkflowEvents;
    /// An account's band changed.
    BandChanged by Score on PerformanceAlerts;
    /// The level of an account's churn or expansion risk changed.
    RiskChanged by Score on PerformanceAlerts;
    /// Something is unusual about a metric of an account.
    AnomalyFound by Score on PerformanceAlerts;
    /// A scheduled run over the portfolio ended.
    ScoreRunCompleted by Score on WorkflowEvents;
    /// A call to action was opened.
    CtaOpened by Trigger on WorkflowEvents;
    /// A call to action was updated.
    CtaUpdated by Trigger on WorkflowEvents;
    /// A call to action ended.
    CtaClosed by Trigger on WorkflowEvents;
    /// A rule asks for people.
    EscalationRequested by Trigger on WorkflowEvents;
    /// Another set of rules holds.
    RulesActivated by Trigger on WorkflowEvents;
    /// A rule is held: it opens nothing until a person releases it.
    RuleHeld by Trigger on PerformanceAlerts;
    /// A person let a rule go on that was held.
    RuleReleased by Trigger on WorkflowEvents;
    /// A playbook was begun on an account.
    PlaybookStarted by Trigger on WorkflowEvents;
    /// A step is to be done.
    StepOpened by Trigger on WorkflowEvents;
    /// A step was done, decided or left out.
    StepCompleted by Trigger on WorkflowEvents;
    /// A step is late.
    StepOverdue by Trigger on WorkflowEvents;
    /// Steps are due on other days than before.
    PlaybookReplanned by Trigger on WorkflowEvents;
    /// Nothing is settled although a step is past due.
    PlaybookStuck by Trigger on WorkflowEvents;
    /// Somebody is to be told something.
    EffectRequested by Trigger on WorkflowEvents;
    /// An execution ended.
    PlaybookFinished by Trigger on WorkflowEvents;
    /// An account entered a segment.
    SegmentEntered by Trigger on WorkflowEvents;
    /// An account left a segment.
    SegmentLeft by Trigger on WorkflowEvents;
    /// An account was exposed to an experiment.
    ExperimentExposed by Trigger on WorkflowEvents;
    /// An escalation was opened.
    EscalationOpened by Escalate on CapacitySignals;
    /// Somebody took it on.
    EscalationAcknowledged by Escalate on WorkflowEvents;
    /// The next step was reached, because nobody took it on.
    EscalationAdvanced by Escalate on CapacitySignals;
    /// News of its case changed an escalation: its severity, or when its clocks run out.
    EscalationUpdated by Escalate on WorkflowEvents;
    /// A clock passed a warning mark.
    SlaWarned by Escalate on PerformanceAlerts;
    /// A clock ran out.
    SlaBreached by Escalate on PerformanceAlerts;
    /// An escalation ended.
    EscalationResolved by Escalate on WorkflowEvents;
    /// A destination fails again and again, and is left alone for a while.
    DestinationDown by Escalate on PerformanceAlerts;
    /// A destination answers again.
    DestinationRecovered by Escalate on PerformanceAlerts;
    /// Something was not told to a destination, and will not be.
    DeliveryGivenUp by Escalate on PerformanceAlerts;
    /// Somebody gave it back, put it off, handed it over, took it over or opened it again, or it woke.
    EscalationMoved by Escalate on WorkflowEvents;
    /// Somebody looks after an account from now on.
    AccountAllocated by Escalate on CapacitySignals;
    /// How full people are has changed: a role is fuller than is good, or is not any more.
    CapacityAlert by Report on CapacitySignals;
}

/// New signals of an account were recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SignalsRecorded {
    /// How many were new.
    pub added: u32,
    /// The metrics that they report.
    pub metrics: Vec<String>,
    /// The time of the oldest new signal.
    #[schemars(with = "String")]
    pub oldest: Timestamp,
    /// The time of the newest new signal.
    #[schemars(with = "String")]
    pub newest: Timestamp,
    /// What was reported of the metrics that key figures are made of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reported: Vec<MetricReported>,
}

/// What new signals of an account report of a metric that key figures are made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MetricReported {
    /// The metric.
    #[schemars(with = "String")]
    pub metric: domain::signal::Metric,
    /// How many signals report it.
    pub count: u32,
    /// Their sum.
    #[schemars(with = "String")]
    pub sum: Quantity,
    /// The latest value.
    #[schemars(with = "String")]
    pub latest: Quantity,
    /// The time of that.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// Answers of 9 and 10, where it is how likely somebody would recommend.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub promoters: u32,
    /// Answers up to 6.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub detractors: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
const fn is_zero(count: &u32) -> bool {
    *count == 0
}

/// An account was created or its description changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AccountChanged {
    /// Whether it is new.
    pub created: bool,
    /// The account as it is now.
    pub account: crate::signal::AccountBody,
}

/// A support case was opened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CaseOpened {
    /// Which case.
    #[schemars(with = "String")]
    pub case: CaseId,
    /// `critical`, `high`, `medium` or `low`.
    #[schemars(with = "String")]
    pub severity: domain::signal::Severity,
    /// When the customer opened it.
    #[schemars(with = "String")]
    pub opened_at: Timestamp,
}

/// A support case changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CaseChanged {
    /// Which case.
    #[schemars(with = "String")]
    pub case: CaseId,
    /// `critical`, `high`, `medium` or `low`.
    #[schemars(with = "String")]
    pub severity: domain::signal::Severity,
    /// Where it is now: `opened`, `responded`, `waiting_on_customer`, `in_progress` or `resolved`.
    #[schemars(with = "String")]
    pub status: domain::signal::CaseStatus,
    /// Since when.
    #[schemars(with = "String")]
    pub changed_at: Timestamp,
    /// When the customer opened it.
    #[schemars(with = "String")]
    pub opened_at: Timestamp,
    /// What this news did for the first time; nothing where it did neither.
    #[serde(default, skip_serializing_if = "CaseTurns::is_nothing")]
    pub turns: CaseTurns,
}

/// The turns that a case took with some news: each is told by one fact alone, so that they can be counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct CaseTurns {
    /// It was answered for the first time: seconds from its opening.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answered_after_seconds: Option<u64>,
    /// It was resolved: seconds from its opening.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resolved_after_seconds: Option<u64>,
    /// It was resolved without ever waiting on the customer or having been resolved before.
    pub at_first_contact: bool,
    /// It came back after it was resolved.
    pub reopened: bool,
}

impl CaseTurns {
    /// Whether it took none.
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}

/// A source stopped sending: its own fact, never a risk of the account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SourceSilent {
    /// Which source.
    pub source: String,
    /// Its last signal.
    #[schemars(with = "String")]
    pub last_seen: Timestamp,
    /// How often it used to send, in seconds.
    pub cadence_seconds: i64,
}

/// What is unusual about a source's data began or ended: of one account, or without an account of all together. Never a
/// risk of the account, and told once for each beginning and end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DataQualityChanged {
    /// Which source.
    pub source: String,
    /// `volume`, `null_rate`, `invalid_rate`, `schema_drift` or `value_drift`.
    pub kind: String,
    /// Of which metric, where it is about one.
    pub metric: Option<String>,
    /// `began` or `ended`.
    pub status: String,
    /// `notice`, `warning` or `severe`, while it is so.
    pub severity: Option<String>,
    /// The first day on which it was so (2026-11-22).
    pub since: String,
    /// What is so, with the numbers, in plain words.
    pub text: String,
}

/// Records were refused and put aside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RecordsQuarantined {
    /// How many.
    pub count: u32,
    /// Their ids, for release.
    pub quarantine_ids: Vec<String>,
}

/// One part of a score, or of a change of score, for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReasonBody {
    /// The measure.
    pub measure: String,
    /// How many points it moved the score.
    pub points: String,
    /// The reason in plain words.
    pub text: String,
}

/// An account's health was scored and is not what it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HealthScored {
    /// 0-100, six decimal places at most.
    pub score: String,
    /// The score before, if there was one.
    pub previous: Option<String>,
    /// The band that the account is in.
    pub band: String,
    /// Share of the scorecard's weight with fresh data, in hundredths of a percent.
    pub coverage_basis_points: u32,
    /// Too little data: fires nothing.
    pub provisional: bool,
    /// The scorecard's hash.
    pub scorecard: String,
    /// The run that scored it, or nothing when news did.
    pub run: Option<String>,
    /// Why it moved, the largest part first; the parts add up to the difference.
    pub reasons: Vec<ReasonBody>,
}

/// An account has no health any more, for it is no customer any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HealthBlanked {
    /// Its last score.
    pub last_score: String,
    /// Its last band, if it had one.
    pub last_band: Option<String>,
}

/// An account's band changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BandChanged {
    /// The band before, if there was one.
    pub from: Option<String>,
    /// The band now.
    pub to: String,
    /// The score now.
    pub score: String,
    /// Why the score moved.
    pub reasons: Vec<ReasonBody>,
}

/// A scheduled run over the portfolio ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ScoreRunCompleted {
    /// Which run.
    pub run: String,
    /// How many accounts were looked at.
    pub accounts: u64,
    /// How many scores changed.
    pub changed: u64,
}

/// Another set of rules holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RulesActivated {
    /// The version of the set.
    pub version: String,
    /// The version that held before.
    pub before: String,
    /// The dry run that it is based on.
    pub dry_run: String,
    /// Who activated it.
    pub by: String,
    /// Why, in plain words.
    pub reason: String,
}

/// A rule is held: it opens nothing until a person releases it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RuleHeld {
    /// The rule.
    #[schemars(with = "String")]
    pub rule: RuleId,
    /// The version of its set.
    pub version: String,
    /// Why, in plain words.
    pub reason: String,
}

/// A person let a rule go on that was held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RuleReleased {
    /// The rule.
    #[schemars(with = "String")]
    pub rule: RuleId,
    /// Who.
    pub by: String,
    /// Why, in plain words.
    pub reason: String,
}

/// A call to action as events tell it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CtaBody {
    /// Which call to action.
    #[schemars(with = "String")]
    pub cta: CtaId,
    /// The rule that opened it.
    #[schemars(with = "String")]
    pub rule: RuleId,
    /// `risk`, `lifecycle`, `expansion` or `objective`.
    pub cta_type: String,
    /// Why, in plain words.
    pub reason: String,
    /// `open` or `snoozed`.
    pub status: String,
    /// The larger, the more urgent: yearly revenue at stake × severity × confidence.
    pub priority: i64,
    /// Who has it, if anybody.
    pub owner: Option<String>,
    /// When the episode began.
    #[schemars(with = "String")]
    pub opened_at: Timestamp,
    /// When it is due.
    #[schemars(with = "String")]
    pub due_at: Timestamp,
    /// How often the rule has fired in this episode.
    pub fired: u32,
}

/// A call to action was opened, or a cooled-off episode was opened again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CtaOpened {
    /// The call to action.
    pub cta: CtaBody,
    /// Whether an earlier episode goes on.
    pub reopened: bool,
}

/// A call to action was updated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CtaUpdated {
    /// The call to action.
    pub cta: CtaBody,
}

/// A call to action ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CtaClosed {
    /// Which call to action.
    #[schemars(with = "String")]
    pub cta: CtaId,
    /// `cleared`, `closed` or `dismissed`.
    pub how: String,
    /// Why.
    pub reason: String,
}

/// A rule asks for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EscalationRequested {
    /// The rule.
    #[schemars(with = "String")]
    pub rule: RuleId,
    /// The call to action of the same episode, if there is one.
    #[schemars(with = "Option<String>")]
    pub cta: Option<CtaId>,
    /// The same cause never opens two escalations.
    pub deduplication_key: String,
    /// `critical`, `high`, `medium` or `low`.
    #[schemars(with = "String")]
    pub severity: domain::signal::Severity,
    /// Why, in plain words.
    pub reason: String,
}

/// An escalation as events tell it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EscalationBody {
    /// Which escalation.
    #[schemars(with = "String")]
    pub escalation: EscalationId,
    /// `critical`, `high`, `medium` or `low`.
    #[schemars(with = "String")]
    pub severity: domain::signal::Severity,
    /// The step it is at, from 0.
    pub step: u32,
    /// The role that is told at this step.
    pub role: String,
    /// Why, in plain words.
    pub reason: String,
    /// When it was opened.
    #[schemars(with = "String")]
    pub opened_at: Timestamp,
    /// When the next clock runs out, if one runs.
    #[schemars(with = "Option<String>")]
    pub breach_at: Option<Timestamp>,
}

/// An escalation was opened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EscalationOpened {
    /// The escalation.
    pub escalation: EscalationBody,
}

/// Somebody took it on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EscalationAcknowledged {
    /// The escalation.
    pub escalation: EscalationBody,
    /// Who.
    pub by: String,
}

/// The next step was reached, because nobody took it on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EscalationAdvanced {
    /// The escalation.
    pub escalation: EscalationBody,
}

/// News of its case changed an escalation: its severity, or when its clocks run out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EscalationUpdated {
    /// The escalation as it is now.
    pub escalation: EscalationBody,
    /// Whether somebody has taken it on.
    pub acknowledged: bool,
}

/// A clock passed a warning mark.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SlaWarned {
    /// The escalation.
    pub escalation: EscalationBody,
    /// `first_response`, `next_response` or `resolution`.
    pub clock: String,
    /// 50 or 75.
    pub percent: u32,
}

/// A clock ran out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SlaBreached {
    /// The escalation.
    pub escalation: EscalationBody,
    /// `first_response`, `next_response` or `resolution`.
    pub clock: String,
}

/// An escalation ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EscalationResolved {
    /// The escalation.
    pub escalation: EscalationBody,
    /// How it ended.
    pub outcome: String,
}

/// Somebody gave it back, put it off, handed it over, took it over or opened it again, or it woke.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EscalationMoved {
    /// The escalation.
    pub escalation: EscalationBody,
    /// `given_back`, `snoozed`, `woke`, `handed_over`, `accepted`, `reopened`, `raised` to the next tier or `clocks_set`.
    pub how: String,
    /// Whether somebody has it now.
    pub acknowledged: bool,
    /// Who did it; nobody where it woke or was raised.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub by: Option<PersonId>,
    /// Who is asked to take it over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub to: Option<PersonId>,
    /// Until when nobody is told, or by when a hand-over has to be accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub until: Option<Timestamp>,
}

/// Somebody looks after an account from now on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AccountAllocated {
    /// As what.
    pub role: String,
    /// Who.
    #[schemars(with = "String")]
    pub person: PersonId,
    /// Who did so before, if anybody did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub replaces: Option<PersonId>,
    /// Who decided it.
    #[schemars(with = "String")]
    pub by: PersonId,
    /// Why a vice president let it be more than the limit, if one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exception: Option<String>,
}

/// A fact with what it says about itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// What every event says.
    pub meta: Meta,
    /// What happened.
    #[serde(flatten)]
    pub fact: Fact,
}

/// Where an event comes from: what its id and its `meta` are made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// Whose it is.
    pub tenant: TenantId,
    /// One id from the first request to the last effect.
    pub correlation_id: String,
    /// The message, request or tick that brought it about.
    pub causation_id: String,
}

impl Event {
    /// Makes an event whose id follows from its cause, its account, its name and `key`, which tells apart several facts
    /// of one name from one cause.
    pub fn new(
        cause: &Cause,
        account: Option<&AccountId>,
        key: &str,
        occurred_at: Timestamp,
        fact: impl Into<Fact>,
    ) -> Self {
        let fact = fact.into();
        let seed = format!(
            "{}#{}#{}#{}#{key}",
            cause.tenant,
            cause.causation_id,
            account.map_or("", AccountId::as_str),
            fact.name()
        );
        Self {
            meta: Meta {
                event_id: crate::message::cause_id(&seed),
                tenant: cause.tenant.clone(),
                account: account.cloned(),
                occurred_at,
                correlation_id: cause.correlation_id.clone(),
                causation_id: cause.causation_id.clone(),
                schema_version: SCHEMA_VERSION,
                topic: fact.topic(),
            },
            fact,
        }
    }

    /// EventBridge's `source`.
    pub fn source(&self) -> String {
        format!("cs-ops.{}", self.fact.function().as_str())
    }

    /// EventBridge's `detail`: `{ meta, data }`.
    pub fn detail(&self) -> Result<String, serde_json::Error> {
        let mut detail = serde_json::to_value(self)?;
        if let Some(detail) = detail.as_object_mut() {
            detail.remove("detail-type");
        }
        serde_json::to_string(&detail)
    }

    /// The cause of what this event brings about.
    pub fn as_cause(&self) -> Cause {
        Cause {
            tenant: self.meta.tenant.clone(),
            correlation_id: self.meta.correlation_id.clone(),
            causation_id: self.meta.event_id.to_string(),
        }
    }
}

//! Signals: single facts about an account at a time, and the catalogue of metrics that they report.
//!
//! A [`Signal`] that exists is valid: its value lies in its metric's range and its unit is the metric's. Where a signal
//! says more than a number (a case, a meeting, a competitor), the [`Detail`] holds it.

use crate::fixed::Quantity;
use crate::id::{CaseId, CategoryId, MeetingId, PersonId, SignalId, SourceId};
use crate::priority::Priority;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What a signal speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// How people use the product.
    Usage,
    /// How the product performs.
    Performance,
    /// A support case.
    Case,
    /// An answer to a survey.
    Survey,
    /// A meeting with the customer.
    Meeting,
    /// A step that was reached.
    Milestone,
    /// A business outcome of the customer.
    Outcome,
    /// A competitor was seen.
    Competitive,
    /// The contract.
    Commercial,
}

/// The unit of a metric, as a source must name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Parts of a hundred.
    Percent,
    /// Whole things.
    Count,
    /// Thousandths of a second.
    Milliseconds,
    /// Minutes.
    Minutes,
    /// Hours.
    Hours,
    /// Days.
    Days,
    /// Users moved in an hour.
    UsersPerHour,
    /// An answer from 0 to 10.
    Rating,
    /// From −100 (negative) to 100 (positive).
    Sentiment,
    /// Money of the tenant's currency.
    Currency,
}

/// How the signals of one day become one bucket of the series.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fold {
    /// Values are added up.
    Sum,
    /// Values are averaged: sum and count are kept.
    Mean,
    /// The latest value of the day stands (by time, then by id).
    Last,
    /// The largest value of the day stands.
    Max,
}

macro_rules! metrics {
    ($($(#[$doc:meta])* $name:ident $text:literal: $kind:ident, $unit:ident, $min:literal ..= $max:literal, $fold:ident;)*) => {
        /// What is measured. The catalogue fixes each metric's kind, unit, range and daily fold.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Metric {$(
            $(#[$doc])* $name,
        )*}

        impl Metric {
            /// Every metric, in the order of the catalogue.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The metric's name as it is written.
            pub const fn name(self) -> &'static str {
                match self {$(Self::$name => $text),*}
            }

            /// What kind of signal reports it.
            pub const fn kind(self) -> Kind {
                match self {$(Self::$name => Kind::$kind),*}
            }

            /// The unit in which it is reported.
            pub const fn unit(self) -> Unit {
                match self {$(Self::$name => Unit::$unit),*}
            }

            /// The lowest and highest value, both possible.
            pub const fn range(self) -> (Quantity, Quantity) {
                match self {$(Self::$name => (Quantity::whole($min), Quantity::whole($max))),*}
            }

            /// How a day's signals become one bucket.
            pub const fn fold(self) -> Fold {
                match self {$(Self::$name => Fold::$fold),*}
            }
        }
    };
}

metrics! {
    /// People who used the product that day.
    ActiveUsers "active_users": Usage, Count, 0..=100_000_000, Sum;
    /// People who may use the product.
    LicensedUsers "licensed_users": Usage, Count, 0..=100_000_000, Last;
    /// Sign-ins that day.
    Logins "logins": Usage, Count, 0..=1_000_000_000, Sum;
    /// Times that a feature was used that day.
    FeatureUses "feature_uses": Usage, Count, 0..=1_000_000_000, Sum;
    /// Share of the licensed features that are in use.
    FeatureAdoption "feature_adoption": Usage, Percent, 0..=100, Last;
    /// Share of the trained people who finished their training.
    TrainingCompletion "training_completion": Usage, Percent, 0..=100, Last;
    /// Purchases or transactions that day.
    Purchases "purchases": Usage, Count, 0..=1_000_000_000, Sum;
    /// Share of the time in which the service answered.
    Uptime "uptime": Performance, Percent, 0..=100, Mean;
    /// Share of the migrations that succeeded.
    MigrationSuccess "migration_success": Performance, Percent, 0..=100, Mean;
    /// Share of the requests that failed.
    ErrorRate "error_rate": Performance, Percent, 0..=100, Mean;
    /// Time for the interface to answer.
    ResponseTime "response_time": Performance, Milliseconds, 0..=3_600_000, Mean;
    /// Users moved per hour.
    Throughput "throughput": Performance, UsersPerHour, 0..=1_000_000, Mean;
    /// Time to roll back.
    RollbackTime "rollback_time": Performance, Minutes, 0..=100_000, Mean;
    /// A support case changed; the value is 1.
    CaseEvent "case_event": Case, Count, 1..=1, Sum;
    /// Cases of critical or high severity opened that day. Derived from case events.
    SevereIncidents "severe_incidents": Case, Count, 0..=1_000_000, Sum;
    /// How likely somebody would recommend the product, 0-10.
    NpsAnswer "nps_answer": Survey, Rating, 0..=10, Mean;
    /// Net promoter score of the day's answers: +100 for 9-10, 0 for 7-8, −100 for 0-6. Derived from the answers.
    NetPromoter "net_promoter": Survey, Sentiment, -100..=100, Mean;
    /// Share of satisfied answers.
    Csat "csat": Survey, Percent, 0..=100, Mean;
    /// How positive what a customer said is.
    Sentiment "sentiment": Survey, Sentiment, -100..=100, Mean;
    /// A meeting took place, was missed or was declined; the value is 1.
    MeetingEvent "meeting_event": Meeting, Count, 1..=1, Sum;
    /// Executive meetings held that day. Derived from meeting events.
    ExecutiveMeetingsHeld "executive_meetings_held": Meeting, Count, 0..=1_000, Sum;
    /// Executive meetings missed or declined that day. Derived from meeting events.
    ExecutiveMeetingsMissed "executive_meetings_missed": Meeting, Count, 0..=1_000, Sum;
    /// Time until an executive replied.
    ExecutiveReplyTime "executive_reply_time": Meeting, Hours, 0..=10_000, Mean;
    /// The executive sponsor was replaced; the value is 1.
    SponsorReplaced "sponsor_replaced": Milestone, Count, 1..=1, Sum;
    /// People migrated in the pilot so far.
    PilotUsers "pilot_users": Milestone, Count, 0..=1_000_000, Last;
    /// A named step was reached; the value is 1.
    MilestoneReached "milestone_reached": Milestone, Count, 1..=1, Sum;
    /// Cost saved against the baseline.
    CostSaving "cost_saving": Outcome, Percent, -100..=100, Last;
    /// Days from start to first value.
    TimeToValue "time_to_value": Outcome, Days, 0..=10_000, Last;
    /// Effort saved against the baseline.
    EffortReduction "effort_reduction": Outcome, Percent, -100..=100, Last;
    /// Share of the audit trail that is complete.
    AuditCompleteness "audit_completeness": Outcome, Percent, 0..=100, Last;
    /// How sure the source is that a competitor is present.
    CompetitorSeen "competitor_seen": Competitive, Percent, 0..=100, Max;
    /// How willing the customer is to be a reference.
    ReferenceWillingness "reference_willingness": Commercial, Percent, 0..=100, Last;
    /// How likely the renewal is.
    RenewalProbability "renewal_probability": Commercial, Percent, 0..=100, Last;
    /// The contract ended (churn, value 0) or goes on (renewal or expansion, the new yearly amount).
    ContractValue "contract_value": Commercial, Currency, 0..=1_000_000_000, Last;
    /// People migrated so far, the pilot's among them.
    MigratedUsers "migrated_users": Milestone, Count, 0..=100_000_000, Last;
}

impl Metric {
    /// Metrics that are computed from others and that no source may report.
    pub const DERIVED: &'static [Self] =
        &[Self::SevereIncidents, Self::NetPromoter, Self::ExecutiveMeetingsHeld, Self::ExecutiveMeetingsMissed];

    /// The metric with this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|metric| metric.name() == name)
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How bad a case is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Production is down.
    Critical,
    /// Degraded.
    High,
    /// Minor.
    Medium,
    /// A question.
    Low,
}

impl Severity {
    /// All of them, the worst first.
    pub const ALL: [Self; 4] = [Self::Critical, Self::High, Self::Medium, Self::Low];

    /// The severity as it is written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::High => "high",
            Self::Medium => "medium",
            Self::Low => "low",
        }
    }
}

/// Where a case is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CaseStatus {
    /// Opened, nobody answered yet.
    Opened,
    /// Somebody gave a first answer.
    Responded,
    /// Waiting on the customer: clocks pause.
    WaitingOnCustomer,
    /// Work goes on after waiting.
    InProgress,
    /// Solved.
    Resolved,
}

/// By which way a customer and those who help them speak of a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// Letters.
    Email,
    /// Words at once, while somebody is there.
    Chat,
    /// A call.
    Phone,
    /// The support pages.
    Portal,
    /// The line for emergencies: open at any hour.
    Emergency,
}

impl Channel {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Email, Self::Chat, Self::Phone, Self::Portal, Self::Emergency];

    /// The channel as it is written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Chat => "chat",
            Self::Phone => "phone",
            Self::Portal => "portal",
            Self::Emergency => "emergency",
        }
    }
}

/// What news of a case say beside how bad it is and where it is; each part only where its source says it.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct About {
    /// By which way they came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<Channel>,
    /// Its impact and urgency, from which its severity follows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<Priority>,
    /// What it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<CategoryId>,
    /// Who works on it there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assignee: Option<PersonId>,
}

impl About {
    /// Whether nothing is said.
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}

/// What became of a meeting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MeetingResult {
    /// It took place.
    Held,
    /// They did not come.
    Missed,
    /// They said no.
    Declined,
}

/// What a signal says beyond its number.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Detail {
    /// Nothing more.
    None,
    /// For [`Metric::CaseEvent`].
    Case {
        /// Which case.
        case: CaseId,
        /// How bad it is.
        severity: Severity,
        /// Where it is now.
        status: CaseStatus,
        /// What more is said of it.
        #[serde(default, skip_serializing_if = "About::is_nothing")]
        about: About,
    },
    /// For [`Metric::MeetingEvent`].
    Meeting {
        /// Which meeting.
        meeting: MeetingId,
        /// What became of it.
        result: MeetingResult,
        /// Whether an executive was invited.
        executive: bool,
    },
    /// For [`Metric::CompetitorSeen`].
    Competitor {
        /// Who was seen.
        competitor: String,
        /// From when on the sighting no longer counts.
        expires_at: Timestamp,
    },
    /// For [`Metric::MilestoneReached`]: which step.
    Milestone {
        /// The step's name.
        milestone: String,
    },
}

/// One fact about an account at a time.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Signal {
    /// When it was so.
    pub at: Timestamp,
    /// The system that says it.
    pub source: SourceId,
    /// What that system calls it.
    pub id: SignalId,
    /// What was measured.
    pub metric: Metric,
    /// How much.
    pub value: Quantity,
    /// What more there is to say.
    pub detail: Detail,
}

/// Why a signal cannot be accepted. `field` is the path in the record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{field}` {reason}")]
pub struct SignalError {
    /// The path of the field.
    pub field: &'static str,
    /// What is wrong with it and what would be right.
    pub reason: String,
}

/// The longest free text in a signal, in bytes.
pub const MAX_TEXT: usize = 128;
/// How far a source's clock may be ahead of ours, in seconds.
pub const MAX_AHEAD_SECONDS: i64 = 300;
/// How old a signal may be when it comes in, in days: older ones could not change any score.
pub const MAX_AGE_DAYS: i32 = 400;

impl Signal {
    /// Checks a signal against the catalogue and the clock.
    pub fn check(&self, unit: Unit, now: Timestamp) -> Result<(), SignalError> {
        let refuse = |field, reason| Err(SignalError { field, reason });
        if Metric::DERIVED.contains(&self.metric) {
            return refuse("metric", format!("`{}` is computed here and cannot be reported", self.metric));
        }
        if unit != self.metric.unit() {
            return refuse("unit", format!("of `{}` must be `{}`", self.metric, name_of(self.metric.unit())));
        }
        let (min, max) = self.metric.range();
        if self.value < min || self.value > max {
            return refuse("value", format!("is {}; `{}` lies between {min} and {max}", self.value, self.metric));
        }
        if self.at.as_second() > now.as_second().saturating_add(MAX_AHEAD_SECONDS) {
            return refuse(
                "at",
                format!("is more than {MAX_AHEAD_SECONDS} seconds in the future; check the source's clock"),
            );
        }
        if crate::day::Day::of(now).since(crate::day::Day::of(self.at)) > MAX_AGE_DAYS {
            return refuse("at", format!("is more than {MAX_AGE_DAYS} days in the past"));
        }
        let fits = match (self.metric, &self.detail) {
            (Metric::CaseEvent, detail) => matches!(detail, Detail::Case { .. }),
            (Metric::MeetingEvent, detail) => matches!(detail, Detail::Meeting { .. }),
            (Metric::CompetitorSeen, detail) => matches!(detail, Detail::Competitor { .. }),
            (Metric::MilestoneReached, detail) => matches!(detail, Detail::Milestone { .. }),
            (_, detail) => matches!(detail, Detail::None),
        };
        if !fits {
            return refuse("detail", format!("is not what `{}` needs", self.metric));
        }
        match &self.detail {
            Detail::Competitor { competitor, .. } => check_text("detail.competitor", competitor),
            Detail::Milestone { milestone } => check_text("detail.milestone", milestone),
            Detail::None | Detail::Case { .. } | Detail::Meeting { .. } => Ok(()),
        }
    }
}

fn check_text(field: &'static str, text: &str) -> Result<(), SignalError> {
    if text.trim().is_empty() || text.len() > MAX_TEXT || text.chars().any(char::is_control) {
        let reason = format!("has {} bytes; give 1 to {MAX_TEXT} without control characters", text.len());
        return Err(SignalError { field, reason });
    }
    Ok(())
}

/// The written name of a unit.
pub const fn name_of(unit: Unit) -> &'static str {
    match unit {
        Unit::Percent => "percent",
        Unit::Count => "count",
        Unit::Milliseconds => "milliseconds",
        Unit::Minutes => "minutes",
        Unit::Hours => "hours",
        Unit::Days => "days",
        Unit::UsersPerHour => "users_per_hour",
        Unit::Rating => "rating",
        Unit::Sentiment => "sentiment",
        Unit::Currency => "currency",
    }
}

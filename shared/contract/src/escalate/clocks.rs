//! Clocks as escalate's routes tell them, with how probable it is that they breach.

use domain::escalation::{Escalation, EscalationPolicies};
use domain::signal::Severity;
use domain::sla::breach::{Basis, Calibration, Prediction};
use domain::sla::{Clock, ClockKind, ClockState};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The clocks of an escalation's case as of a moment.
pub(super) fn clocks(escalation: &Escalation, policies: &EscalationPolicies, now: Timestamp) -> Vec<ClockBody> {
    let mut latest: Vec<ClockBody> = Vec::new();
    for clock in escalation.clocks(policies) {
        // Of the answers to a customer who came back, the latest.
        latest.retain(|known| known.clock != clock.kind);
        latest.push(ClockBody::of(&clock, now));
    }
    latest
}

/// A clock of a case, as of a moment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ClockBody {
    /// `first_response`, `next_response` or `resolution`.
    #[schemars(with = "String")]
    pub clock: ClockKind,
    /// `running`, `paused`, `met` or `breached`.
    #[schemars(with = "String")]
    pub state: ClockState,
    /// When it began.
    #[schemars(with = "String")]
    pub started_at: Timestamp,
    /// When what it measures was reached, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub stopped_at: Option<Timestamp>,
    /// How long it may run.
    pub target_seconds: u32,
    /// Time that counts.
    pub elapsed_seconds: i64,
    /// Time that it stood still.
    pub paused_seconds: i64,
    /// Time outside of the hours that count.
    pub closed_seconds: i64,
    /// When it runs out or ran out, as things stand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub breach_at: Option<Timestamp>,
    /// How probable it is that it breaches, where it has not stopped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub breach: Option<PredictionBody>,
}

impl ClockBody {
    fn of(clock: &Clock, now: Timestamp) -> Self {
        let reading = clock.at(now);
        Self {
            clock: clock.kind,
            state: reading.state,
            started_at: clock.started_at,
            stopped_at: clock.stopped_at,
            target_seconds: clock.target_seconds,
            elapsed_seconds: reading.elapsed_millis / 1_000,
            paused_seconds: reading.paused_millis / 1_000,
            closed_seconds: reading.closed_millis / 1_000,
            breach_at: clock.reaches(domain::sla::Mark::BREACH),
            breach: None,
        }
    }
}

/// How probable it is that a clock breaches.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PredictionBody {
    /// From 0 to 100.
    pub probability_percent: f64,
    /// `history`: from clocks that were open for as long; `used_time`: the share of the target that is used, for there are too
    /// few of them; `breached`: it has.
    pub basis: String,
    /// How many recorded clocks were open for as long, where that is the basis.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clocks: Option<u32>,
}

impl From<Prediction> for PredictionBody {
    fn from(prediction: Prediction) -> Self {
        let (basis, clocks) = match prediction.basis {
            Basis::History { clocks } => ("history", Some(clocks)),
            Basis::UsedTime => ("used_time", None),
            Basis::Breached => ("breached", None),
        };
        let probability_percent = f64::from(prediction.probability.get()) / 100.0;
        Self { probability_percent, basis: basis.to_owned(), clocks }
    }
}

/// How well probabilities held: the record of clocks that have stopped, played again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CalibrationBody {
    /// `first_response`, `next_response` or `resolution`.
    #[schemars(with = "String")]
    pub clock: ClockKind,
    /// `critical`, `high`, `medium` or `low`.
    #[schemars(with = "String")]
    pub severity: Severity,
    /// How many predictions the record allows to look at.
    pub predictions: u64,
    /// The share of them that breached, whatever was said.
    pub base_rate_percent: f64,
    /// The mean square of what was said less what came: 0 is perfect, 0.25 is who always says half.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub brier: Option<f64>,
    /// What was said, what came and of how many, by tenths of the probability, in words.
    pub text: String,
}

impl CalibrationBody {
    /// That of the clocks of a kind and a severity.
    pub fn of(clock: ClockKind, severity: Severity, calibration: &Calibration) -> Self {
        let brier = calibration.brier().and_then(|brier| u32::try_from(brier).ok());
        Self {
            clock,
            severity,
            predictions: calibration.count(),
            base_rate_percent: f64::from(calibration.base_rate().get()) / 100.0,
            brier: brier.map(|brier| f64::from(brier) / 10_000.0),
            text: calibration.to_string(),
        }
    }
}

//! The bodies of score's routes, and health as events tell it.

use crate::event::ReasonBody;
use domain::day::Day;
use domain::health::{Contribution, DimensionScore, HealthState, Reason, State};
use domain::id::AccountId;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

impl From<&Reason> for ReasonBody {
    fn from(reason: &Reason) -> Self {
        Self {
            measure: reason.measure.clone().unwrap_or_default(),
            points: reason.delta.to_string(),
            text: reason.text.clone(),
        }
    }
}

/// `GET /accounts/{id}/health`: the score with everything that it is made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HealthAnswer {
    /// Which account.
    pub account: String,
    /// The moment that this speaks of.
    #[schemars(with = "String")]
    pub as_of: Timestamp,
    /// When the score came about.
    #[schemars(with = "String")]
    pub scored_at: Timestamp,
    /// 0-100, six decimal places at most.
    pub score: String,
    /// `champion`, `healthy`, `at_risk`, `critical` or `emergency`; absent until a score was not provisional.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub band: Option<String>,
    /// The score before caps: what the contributions add up to, to the last digit.
    pub uncapped: String,
    /// The caps that lowered it.
    pub caps: Vec<CapBody>,
    /// Share of the scorecard's weight that rests on fresh data, in hundredths of a percent.
    pub coverage_basis_points: u16,
    /// Coverage is too low: the score fires nothing.
    pub provisional: bool,
    /// The oldest day that a held value rests on; absent when all data are fresh.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub stale_since: Option<Day>,
    /// The dimensions; their contributions add up to `uncapped`.
    pub dimensions: Vec<DimensionBody>,
    /// The measures; those of a dimension add up to its contribution.
    pub measures: Vec<MeasureBody>,
    /// The scorecard's name and version.
    pub scorecard: String,
    /// The fingerprint of the scorecard's content.
    pub scorecard_hash: String,
}

/// A cap that lowered the score.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CapBody {
    /// Which cap.
    pub cap: String,
    /// The highest score that it allows.
    pub at_most: String,
}

/// A dimension's part in the score.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DimensionBody {
    /// Which dimension.
    pub dimension: String,
    /// Its share of the score in the scorecard, in hundredths of a percent.
    pub weight_basis_points: u16,
    /// Its points; absent when none of its measures counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub points: Option<String>,
    /// How much of the score it brings.
    pub contribution: String,
}

/// A measure's part in the score.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MeasureBody {
    /// Which dimension.
    pub dimension: String,
    /// Which measure.
    pub measure: String,
    /// What it rests on: `present`, `held`, `neutral`, `penalised`, `excluded` or `not_applicable`.
    pub state: String,
    /// The measure's value, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// The unit of the value.
    pub unit: String,
    /// Whether the value reaches its target.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_target: Option<bool>,
    /// What the value is worth, 0-100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub points: Option<String>,
    /// Its share of the dimension in the scorecard, in hundredths of a percent.
    pub weight_basis_points: u16,
    /// How much of the score it brings.
    pub contribution: String,
    /// Days since its last data, where it ever had any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub age_days: Option<i32>,
}

impl HealthAnswer {
    /// An account's health as of a moment.
    pub fn of(account: &AccountId, state: &HealthState, as_of: Timestamp) -> Self {
        let health = &state.health;
        let today = Day::of(as_of);
        Self {
            account: account.to_string(),
            as_of,
            scored_at: state.scored_at,
            score: health.score.to_string(),
            band: state.band.map(|band| band.band.to_string()),
            uncapped: health.uncapped.to_string(),
            caps: health
                .caps
                .iter()
                .map(|cap| CapBody { cap: cap.cap.clone(), at_most: cap.at_most.to_string() })
                .collect(),
            coverage_basis_points: health.coverage.value(),
            provisional: health.provisional,
            stale_since: health.stale_since,
            dimensions: health.dimensions.iter().map(DimensionBody::from).collect(),
            measures: health.measures.iter().map(|measure| MeasureBody::of(measure, today)).collect(),
            scorecard: health.scorecard.clone(),
            scorecard_hash: health.scorecard_hash.to_string(),
        }
    }
}

impl From<&DimensionScore> for DimensionBody {
    fn from(dimension: &DimensionScore) -> Self {
        Self {
            dimension: dimension.dimension.clone(),
            weight_basis_points: dimension.weight.value(),
            points: dimension.points.map(|points| points.to_string()),
            contribution: dimension.contribution.to_string(),
        }
    }
}

impl MeasureBody {
    fn of(measure: &Contribution, today: Day) -> Self {
        Self {
            dimension: measure.dimension.clone(),
            measure: measure.measure.clone(),
            state: state_name(measure.state).to_owned(),
            value: measure.value.map(|value| value.to_string()),
            unit: measure.unit.clone(),
            on_target: measure.on_target,
            points: measure.points.map(|points| points.to_string()),
            weight_basis_points: measure.weight.value(),
            contribution: measure.contribution.to_string(),
            age_days: measure.age_days(today),
        }
    }
}

const fn state_name(state: State) -> &'static str {
    match state {
        State::Present => "present",
        State::Held => "held",
        State::Neutral => "neutral",
        State::Penalised => "penalised",
        State::Excluded => "excluded",
        State::NotApplicable => "not_applicable",
    }
}

/// A score as it was, with the scorecard of that day. Never rewritten.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HistoryEntry {
    /// When it was scored.
    #[schemars(with = "String")]
    pub scored_at: Timestamp,
    /// The score.
    pub score: String,
    /// The band.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub band: Option<String>,
    /// Share of the weight with fresh data, in hundredths of a percent.
    pub coverage_basis_points: u16,
    /// Too little data: fired nothing.
    pub provisional: bool,
    /// The fingerprint of the scorecard's content.
    pub scorecard_hash: String,
    /// Why it moved; the parts add up to the difference from the score before.
    pub reasons: Vec<ReasonBody>,
}

/// `GET /accounts/{id}/health/history`, the newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HistoryPage {
    /// Which account.
    pub account: String,
    /// The scores.
    pub entries: Vec<HistoryEntry>,
    /// Give this as `cursor` for the next page; absent on the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

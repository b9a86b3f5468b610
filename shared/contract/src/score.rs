//! The bodies of score's routes, and health as events tell it.

use crate::event::ReasonBody;
use crate::scorecard::{Purpose, ScorecardFile};
use domain::band::Band;
use domain::day::Day;
use domain::fixed::{Points, Quantity};
use domain::health::{
    AppliedCap, Contribution, DimensionScore, Entry, Health, HealthState, Outlook, Override, Reach, Reason, State,
    Step, Word, confidence,
};
use domain::id::AccountId;
use domain::scorecard::Scorecard;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

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
    /// 0-100, six decimal places at most: what a person says, else what was computed. Absent of an account that has left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<String>,
    /// `champion`, `healthy`, `at_risk`, `critical` or `emergency`: what a person says, else what was computed. Absent until
    /// a score was not provisional, and of an account that has left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub band: Option<String>,
    /// The band as it was computed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub computed_band: Option<String>,
    /// Since when the account is no customer any more: then everything else here is what it last was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub blank_since: Option<Timestamp>,
    /// What moved since a week ago, in a sentence; absent where there is no score of then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    /// The smallest changes that would bring the score into the next band; absent in the highest one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_band: Option<NextBand>,
    /// What it is made of.
    #[serde(flatten)]
    pub made_of: HealthBody,
}

/// What a score is made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HealthBody {
    /// The score as it was computed, after caps.
    pub computed: String,
    /// The score before caps: what the contributions add up to, to the last digit.
    pub uncapped: String,
    /// The caps that lowered it.
    pub caps: Vec<CapBody>,
    /// What people say, with reason, author and end.
    pub overrides: Vec<OverrideBody>,
    /// Share of the scorecard's weight that rests on fresh data, in hundredths of a percent.
    pub coverage_basis_points: u16,
    /// The same, where data count the less the older they are: 10,000 when all are of today.
    pub confidence_basis_points: u16,
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
    /// The fingerprint of the scorecard's content: `GET /scorecards/{hash}`.
    pub scorecard_hash: String,
}

/// A person's word over what was computed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OverrideBody {
    /// `score`, `band` or the name of a measure.
    pub subject: String,
    /// The points that a person gives a score or a measure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub points: Option<String>,
    /// The band that a person gives.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub band: Option<String>,
    /// Why.
    pub reason: String,
    /// Who.
    pub author: String,
    /// When it was said.
    #[schemars(with = "String")]
    pub set_at: Timestamp,
    /// Until when it holds.
    #[schemars(with = "String")]
    pub expires_at: Timestamp,
}

/// `PUT /accounts/{id}/health/overrides/{subject}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OverrideRequest {
    /// For a score or a measure: what it is worth, 0-100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<f64>")]
    pub points: Option<Points>,
    /// For the band: `champion`, `healthy`, `at_risk`, `critical` or `emergency`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub band: Option<Band>,
    /// Why, in 1 to 500 characters.
    pub reason: String,
    /// Until when it holds: at most 366 days from now.
    #[schemars(with = "String")]
    pub expires_at: Timestamp,
}

/// What it would take to be a band higher.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NextBand {
    /// The band.
    pub band: String,
    /// `open`: the changes that are named would do it, where caps are named after their end. `waiting`: the score is there,
    /// and the band follows after some more scheduled runs. `provisional`: too little is known for the band to move.
    /// `overridden`: a person's word holds the band or the score.
    /// `out_of_reach`: even the best values of all that is known today would not do it.
    pub status: String,
    /// Where it is waiting: after how many scheduled runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runs_left: Option<u8>,
    /// Where a person's word holds it: until when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub until: Option<Timestamp>,
    /// What it would take by what was computed.
    #[serde(flatten)]
    pub reach: ReachBody,
}

impl From<&domain::health::NextBand> for NextBand {
    fn from(next: &domain::health::NextBand) -> Self {
        let (status, runs_left, until) = match next.outlook {
            Outlook::Open => ("open", None, None),
            Outlook::Waiting { runs_left } => ("waiting", Some(runs_left), None),
            Outlook::Overridden { until } => ("overridden", None, Some(until)),
            Outlook::OutOfReach => ("out_of_reach", None, None),
            Outlook::Provisional => ("provisional", None, None),
        };
        let reach = ReachBody::from(&next.reach);
        Self { band: next.band.to_string(), status: status.to_owned(), runs_left, until, reach }
    }
}

/// What it would take to reach a score.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReachBody {
    /// The lowest score there.
    pub score: String,
    /// Caps that would have to end.
    pub caps: Vec<String>,
    /// Measures of which each alone would do it, the one that has to bring the least in front.
    pub alone: Vec<StepBody>,
    /// Where none does it alone: the fewest that do it together. Empty where even all would not.
    pub together: Vec<StepBody>,
}

/// A measure moved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StepBody {
    /// Which measure.
    pub measure: String,
    /// The unit of its value.
    pub unit: String,
    /// Where it stands.
    pub from: String,
    /// Where it would have to stand, at the least.
    pub to: String,
    /// What that brings to the score.
    pub gain: String,
}

/// `GET /accounts/{id}/maturity`: how much of the product an account makes its own, by a scorecard of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MaturityAnswer {
    /// Which account.
    pub account: String,
    /// The moment that this speaks of.
    #[schemars(with = "String")]
    pub as_of: Timestamp,
    /// 0-100.
    pub score: String,
    /// 1 to 5. From 4 on it is one to ask into beta and advisory programmes.
    pub level: u8,
    /// The smallest changes that would bring it a level higher; absent at the highest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_level: Option<ReachBody>,
    /// What it is made of.
    #[serde(flatten)]
    pub made_of: HealthBody,
}

/// A score of an account at a moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ScoreThen {
    /// When it was scored.
    #[schemars(with = "String")]
    pub scored_at: Timestamp,
    /// The score.
    pub score: String,
    /// The band that held.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub band: Option<String>,
    /// The account had left: `score` is its last one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub blank: bool,
    /// The fingerprint of the scorecard.
    pub scorecard_hash: String,
}

/// `GET /accounts/{id}/health/difference`: why one score is another one than an earlier one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DifferenceAnswer {
    /// Which account.
    pub account: String,
    /// The earlier score.
    pub from: ScoreThen,
    /// The later score.
    pub to: ScoreThen,
    /// By how much it moved.
    pub difference: String,
    /// What moved it, the largest first; the parts add up to `difference` to the last digit.
    pub changes: Vec<ReasonBody>,
    /// The same in a sentence.
    pub sentence: String,
}

/// `POST /accounts/{id}/health/what-if`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WhatIfRequest {
    /// Measures and the values that they would have today, in the measure's unit.
    #[schemars(with = "BTreeMap<String, f64>")]
    pub values: BTreeMap<String, Quantity>,
}

/// What the score would be. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WhatIfAnswer {
    /// Which account.
    pub account: String,
    /// The moment that this speaks of.
    #[schemars(with = "String")]
    pub as_of: Timestamp,
    /// The score as it is now; absent where nothing is known today.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub now: Option<String>,
    /// The score as it would be.
    pub score: String,
    /// The band in which that lies, dwell and margin aside.
    pub band: String,
    /// What moves it; the parts add up to the difference.
    pub changes: Vec<ReasonBody>,
    /// What it would be made of.
    #[serde(flatten)]
    pub made_of: HealthBody,
}

/// `POST /accounts/{id}/health/rescore`: a past moment scored anew.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RescoreRequest {
    /// The moment.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// The scorecard; the one that holds now where none is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scorecard: Option<ScorecardFile>,
}

/// A past moment scored anew, from what is known today of the days up to it, beside what was scored then. What was scored
/// then is not touched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RescoreAnswer {
    /// Which account.
    pub account: String,
    /// The moment that it speaks of.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// When this was found out.
    #[schemars(with = "String")]
    pub rescored_at: Timestamp,
    /// The score.
    pub score: String,
    /// The band in which that lies, dwell and margin aside.
    pub band: String,
    /// What was scored then, where something was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scored_then: Option<ScoreThen>,
    /// What makes it another score than then; the parts add up to the difference.
    pub changes: Vec<ReasonBody>,
    /// What it is made of.
    #[serde(flatten)]
    pub made_of: HealthBody,
}

/// `GET /accounts/{id}/health/rescores`, the latest moment first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RescorePage {
    /// Which account.
    pub account: String,
    /// Past moments scored anew.
    pub entries: Vec<RescoreAnswer>,
    /// Give this as `cursor` for the next page; absent on the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// `GET /accounts/{id}/health/evidence`: the days that a measure's value rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EvidenceAnswer {
    /// Which account.
    pub account: String,
    /// Which measure.
    pub measure: String,
    /// Its value today, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// The unit of the value.
    pub unit: String,
    /// What it rests on: `present`, `held`, `neutral`, `penalised`, `excluded`, `not_applicable` or `overridden`.
    pub state: String,
    /// The first day that the measure looks at: of a value that is held, up to the day that it is of.
    #[schemars(with = "String")]
    pub window_from: Day,
    /// The last day that it looks at.
    #[schemars(with = "String")]
    pub window_to: Day,
    /// Days since its last data, where it ever had any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub age_days: Option<i32>,
    /// The days with data, the newest first; the signals of a day: `GET /accounts/{id}/signals/{day}`.
    pub days: Vec<EvidenceDay>,
}

/// What is known of a metric on a day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EvidenceDay {
    /// The day.
    #[schemars(with = "String")]
    pub day: Day,
    /// How many days ago.
    pub age_days: i32,
    /// The metric.
    pub metric: String,
    /// How many values went in.
    pub values: u32,
    /// Their sum.
    pub sum: String,
}

/// `GET /scorecards`: those that hold now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ScorecardList {
    /// The scorecards.
    pub scorecards: Vec<ScorecardItem>,
}

/// A scorecard that holds now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ScorecardItem {
    /// Its name and version.
    pub version: String,
    /// The fingerprint of its content.
    pub hash: String,
    /// What it scores.
    pub purpose: Purpose,
    /// How many measures it has.
    pub measures: usize,
}

/// `GET /scorecards/{hash}`: a scorecard by which something is or was scored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ScorecardAnswer {
    /// The fingerprint of its content.
    pub hash: String,
    /// Its content, as it is checked and fingerprinted: weights in hundredths of a percent.
    pub content: serde_json::Value,
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
    /// What it rests on: `present`, `held`, `neutral`, `penalised`, `excluded`, `not_applicable` or `overridden`.
    pub state: String,
    /// What it would be worth without a person's word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub computed_points: Option<String>,
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
    /// An account's health as of a moment, by the scorecard that it was scored by.
    pub fn of(account: &AccountId, state: &HealthState, scorecard: &Scorecard, as_of: Timestamp) -> Self {
        let health = &state.health;
        Self {
            account: account.to_string(),
            as_of,
            scored_at: state.scored_at,
            score: state.blank_since.is_none().then(|| health.score.to_string()),
            band: state.shown_band().map(|band| band.to_string()),
            computed_band: state.band.map(|band| band.band.to_string()),
            blank_since: state.blank_since,
            summary: None,
            next_band: None,
            made_of: HealthBody::of(health, scorecard, as_of),
        }
    }
}

impl HealthBody {
    /// What a health is made of, as of a moment, by the scorecard that it was scored by.
    pub fn of(health: &Health, scorecard: &Scorecard, as_of: Timestamp) -> Self {
        let today = Day::of(as_of);
        let cap = |cap: &AppliedCap| CapBody { cap: cap.cap.clone(), at_most: cap.at_most.to_string() };
        Self {
            computed: health.computed.to_string(),
            uncapped: health.uncapped.to_string(),
            caps: health.caps.iter().map(cap).collect(),
            overrides: health.overrides.iter().map(OverrideBody::from).collect(),
            coverage_basis_points: health.coverage.value(),
            confidence_basis_points: confidence(health, scorecard, today).value(),
            provisional: health.provisional,
            stale_since: health.stale_since,
            dimensions: health.dimensions.iter().map(DimensionBody::from).collect(),
            measures: health.measures.iter().map(|measure| MeasureBody::of(measure, today)).collect(),
            scorecard: health.scorecard.clone(),
            scorecard_hash: health.scorecard_hash.to_string(),
        }
    }
}

impl From<&Override> for OverrideBody {
    fn from(said: &Override) -> Self {
        let (points, band) = match &said.word {
            Word::Score(points) | Word::Measure { points, .. } => (Some(points.to_string()), None),
            Word::Band(band) => (None, Some(band.to_string())),
        };
        Self {
            subject: said.word.subject().to_owned(),
            points,
            band,
            reason: said.reason.clone(),
            author: said.author.to_string(),
            set_at: said.set_at,
            expires_at: said.expires_at,
        }
    }
}

impl From<&Reach> for ReachBody {
    fn from(reach: &Reach) -> Self {
        let steps = |steps: &[Step]| steps.iter().map(StepBody::from).collect();
        Self {
            score: reach.score.to_string(),
            caps: reach.caps.clone(),
            alone: steps(&reach.alone),
            together: steps(&reach.together),
        }
    }
}

impl From<&Step> for StepBody {
    fn from(step: &Step) -> Self {
        Self {
            measure: step.measure.clone(),
            unit: step.unit.clone(),
            from: step.from.to_string(),
            to: step.to.to_string(),
            gain: step.gain.to_string(),
        }
    }
}

impl From<&Entry> for ScoreThen {
    fn from(entry: &Entry) -> Self {
        Self {
            scored_at: entry.scored_at,
            score: entry.score.to_string(),
            band: entry.band.map(|band| band.to_string()),
            blank: entry.blank,
            scorecard_hash: entry.scorecard.to_string(),
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
            computed_points: measure.computed.and_then(|computed| computed.points).map(|points| points.to_string()),
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

/// A state as it is written.
pub const fn state_name(state: State) -> &'static str {
    match state {
        State::Present => "present",
        State::Held => "held",
        State::Neutral => "neutral",
        State::Penalised => "penalised",
        State::Excluded => "excluded",
        State::NotApplicable => "not_applicable",
        State::Overridden => "overridden",
    }
}

/// A score as it was, with the scorecard of that day. Never rewritten.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HistoryEntry {
    /// When, how much, in which band, by which scorecard.
    #[serde(flatten)]
    pub then: ScoreThen,
    /// The score as it was computed, where a person said otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub computed: Option<String>,
    /// Share of the weight with fresh data, in hundredths of a percent.
    pub coverage_basis_points: u16,
    /// Too little data: fired nothing.
    pub provisional: bool,
    /// Why it moved; the parts add up to the difference from the score before.
    pub reasons: Vec<ReasonBody>,
}

impl HistoryEntry {
    /// An entry of history with the reasons of then.
    pub fn of(entry: &Entry, reasons: Vec<ReasonBody>) -> Self {
        Self {
            then: entry.into(),
            computed: (entry.computed != entry.score).then(|| entry.computed.to_string()),
            coverage_basis_points: entry.coverage.value(),
            provisional: entry.provisional,
            reasons,
        }
    }
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

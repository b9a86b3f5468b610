//! Health: one score of an account, made of contributions that add up to it to the last digit.
//!
//! A measure without data is never zero: the scorecard says what its absence means, and coverage says how much of the
//! weight rests on fresh data. Where nothing at all is known there is no score. All arithmetic is in whole millionths;
//! a mean is rounded half to even once, and what rounding leaves over goes to the largest remainders.

mod decision;
mod difference;
mod value;

pub use decision::{BandChange, Decision, HealthState, REASON_DAYS, Trigger, assess, decide};
pub use difference::{Cause, Change, Reason, difference, reasons, shortfalls};

use crate::account::Account;
use crate::day::Day;
use crate::digest::Digest;
use crate::fixed::{Points, Quantity, divide_half_even};
use crate::scorecard::{Absence, BasisPoints, CapCondition, Dimension, Measure, Scorecard};
use crate::series::Series;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What a score is computed from, besides the time.
#[derive(Debug, Clone, Copy)]
pub struct Inputs<'a> {
    /// What is known of the account by day.
    pub series: &'a Series,
    /// The account.
    pub account: &'a Account,
    /// What is measured and how.
    pub scorecard: &'a Scorecard,
    /// Whether a case of critical severity is open.
    pub open_critical_case: bool,
}

/// What a measure's part in the score rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Fresh data.
    Present,
    /// The last value, whose freshness has not ended.
    Held,
    /// No fresh data; counts as the neutral points.
    Neutral,
    /// No fresh data; counts as no points.
    Penalised,
    /// No fresh data; left out.
    Excluded,
    /// The measure does not count for this account at this time.
    NotApplicable,
}

/// A measure's part in the score.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contribution {
    /// Which dimension.
    pub dimension: String,
    /// Which measure.
    pub measure: String,
    /// What it rests on.
    pub state: State,
    /// The measure's value, where there is one.
    pub value: Option<Quantity>,
    /// The unit of the value, for people.
    pub unit: String,
    /// Whether the value reaches its target.
    pub on_target: Option<bool>,
    /// What the value is worth, or what its absence counts as.
    pub points: Option<Points>,
    /// Its share of the dimension in the scorecard.
    pub weight: BasisPoints,
    /// How much of the score it brings.
    pub contribution: Points,
    /// The last day of which data are known.
    pub as_of: Option<Day>,
}

impl Contribution {
    /// Days since the last data.
    pub fn age_days(&self, today: Day) -> Option<i32> {
        self.as_of.map(|as_of| today.since(as_of))
    }
}

/// A dimension's part in the score.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DimensionScore {
    /// Which dimension.
    pub dimension: String,
    /// Its share of the score in the scorecard.
    pub weight: BasisPoints,
    /// Its points; none when none of its measures counts.
    pub points: Option<Points>,
    /// How much of the score it brings.
    pub contribution: Points,
}

/// A cap that lowers the score.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppliedCap {
    /// Which cap.
    pub cap: String,
    /// The highest score it allows.
    pub at_most: Points,
}

/// The health of an account at a moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// The score, 0-100.
    pub score: Points,
    /// The score before caps: what the contributions add up to.
    pub uncapped: Points,
    /// The caps that lowered it.
    pub caps: Vec<AppliedCap>,
    /// The share of the weight that rests on fresh data.
    pub coverage: BasisPoints,
    /// Whether coverage is too low for the score to change a band or fire anything.
    pub provisional: bool,
    /// The oldest day that a held value rests on: the score is not of today alone.
    pub stale_since: Option<Day>,
    /// The dimensions, in the order of the scorecard. Their contributions add up to `uncapped`.
    pub dimensions: Vec<DimensionScore>,
    /// The measures, in the order of the scorecard. Those of a dimension add up to its contribution.
    pub measures: Vec<Contribution>,
    /// The scorecard's name and version.
    pub scorecard: String,
    /// The fingerprint of the scorecard's content.
    pub scorecard_hash: Digest,
}

/// The health at this moment, from what is known of the days up to it. None where nothing is known: that is not zero.
pub fn compute(inputs: &Inputs<'_>, now: Timestamp) -> Option<Health> {
    let scorecard = inputs.scorecard;
    let mut measures: Vec<Vec<Contribution>> = Vec::with_capacity(scorecard.dimensions().len());
    for dimension in scorecard.dimensions() {
        measures.push(dimension.measures.iter().map(|measure| read(inputs, dimension, measure, now)).collect());
    }
    if !measures.iter().flatten().any(|part| matches!(part.state, State::Present | State::Held)) {
        return None;
    }
    let coverage = coverage(scorecard, &measures);
    let (uncapped, dimensions) = weigh(scorecard, &mut measures);
    let caps = caps(inputs, uncapped);
    let held = measures.iter().flatten().filter(|part| part.state == State::Held);
    Some(Health {
        score: caps.iter().map(|cap| cap.at_most).min().unwrap_or(uncapped),
        uncapped,
        caps,
        coverage,
        provisional: coverage < scorecard.minimum_coverage(),
        stale_since: held.filter_map(|part| part.as_of).min(),
        dimensions,
        measures: measures.into_iter().flatten().collect(),
        scorecard: scorecard.version().to_owned(),
        scorecard_hash: scorecard.hash(),
    })
}

/// Finds a measure's value and what it is worth. Its contribution follows when all are known.
fn read(inputs: &Inputs<'_>, dimension: &Dimension, measure: &Measure, now: Timestamp) -> Contribution {
    let reading = value::read(inputs, measure, now);
    let points = match reading.state {
        State::Present | State::Held => reading.value.map(|value| measure.curve.points(value)),
        State::Neutral => Some(inputs.scorecard.neutral_points()),
        State::Penalised => Some(Points::MIN),
        State::Excluded | State::NotApplicable => None,
    };
    Contribution {
        dimension: dimension.id.clone(),
        measure: measure.id.clone(),
        state: reading.state,
        value: reading.value,
        unit: measure.unit.clone(),
        on_target: reading.value.map(|value| measure.target.is_met_by(value)),
        points,
        weight: measure.weight,
        contribution: Points::ZERO,
        as_of: reading.as_of,
    }
}

/// The share of the applicable weight that rests on fresh data, rounded down.
fn coverage(scorecard: &Scorecard, measures: &[Vec<Contribution>]) -> BasisPoints {
    let (mut fresh, mut all) = (0_u64, 0_u64);
    for (dimension, parts) in scorecard.dimensions().iter().zip(measures) {
        for part in parts.iter().filter(|part| part.state != State::NotApplicable) {
            let weight = u64::from(dimension.weight.value()) * u64::from(part.weight.value());
            all += weight;
            fresh += if part.state == State::Present { weight } else { 0 };
        }
    }
    let share = (fresh * u64::from(BasisPoints::WHOLE.value())).checked_div(all).unwrap_or_default();
    u16::try_from(share).ok().and_then(BasisPoints::new).unwrap_or_default()
}

/// The score, and what each dimension and measure brings to it.
fn weigh(scorecard: &Scorecard, measures: &mut [Vec<Contribution>]) -> (Points, Vec<DimensionScore>) {
    let mut dimensions: Vec<DimensionScore> = Vec::with_capacity(measures.len());
    for (dimension, parts) in scorecard.dimensions().iter().zip(&*measures) {
        let weighed = parts.iter().filter_map(|part| part.points.map(|points| (part.weight, points)));
        dimensions.push(DimensionScore {
            dimension: dimension.id.clone(),
            weight: dimension.weight,
            points: mean(weighed),
            contribution: Points::ZERO,
        });
    }
    let weighed = || dimensions.iter().map(|part| (part.weight, part.points));
    let score = mean(weighed().filter_map(|(weight, points)| Some((weight, points?)))).unwrap_or_default();
    let shares: Vec<i128> = weighed().map(|(weight, points)| share(weight, points)).collect();
    for (part, contribution) in dimensions.iter_mut().zip(apportion(score, &shares)) {
        part.contribution = contribution;
    }
    for (dimension, parts) in dimensions.iter().zip(measures) {
        let shares: Vec<i128> = parts.iter().map(|part| share(part.weight, part.points)).collect();
        for (part, contribution) in parts.iter_mut().zip(apportion(dimension.contribution, &shares)) {
            part.contribution = contribution;
        }
    }
    (score, dimensions)
}

fn share(weight: BasisPoints, points: Option<Points>) -> i128 {
    points.map_or(0, |points| i128::from(weight.value()) * i128::from(points.micros()))
}

/// The weighted mean, rounded half to even. None of nothing.
fn mean(parts: impl Iterator<Item = (BasisPoints, Points)>) -> Option<Points> {
    let (mut sum, mut weights) = (0_i128, 0_i128);
    for (weight, points) in parts {
        sum += share(weight, Some(points));
        weights += i128::from(weight.value());
    }
    let mean = i64::try_from(divide_half_even(sum, weights)).unwrap_or_default();
    (weights > 0).then(|| Points::from_micros(mean))
}

/// Splits a total in proportion to shares, to the last millionth: what rounding down leaves over goes to the largest
/// remainders, to the earlier of equals. Nothing goes to a share of zero.
fn apportion(total: Points, shares: &[i128]) -> Vec<Points> {
    let all: i128 = shares.iter().sum();
    if all == 0 {
        return vec![Points::ZERO; shares.len()];
    }
    let total = i128::from(total.micros());
    let mut parts: Vec<i128> = shares.iter().map(|share| (share * total).div_euclid(all)).collect();
    let left_over = usize::try_from(total - parts.iter().sum::<i128>()).unwrap_or_default();
    let mut by_remainder: Vec<(usize, i128)> =
        shares.iter().map(|share| (share * total).rem_euclid(all)).enumerate().collect();
    by_remainder.sort_by(|(_, a), (_, b)| b.cmp(a));
    for (place, _) in by_remainder.into_iter().take(left_over) {
        if let Some(part) = parts.get_mut(place) {
            *part += 1;
        }
    }
    parts.into_iter().map(|part| Points::from_micros(i64::try_from(part).unwrap_or_default())).collect()
}

/// The caps that hold and lower this score.
fn caps(inputs: &Inputs<'_>, uncapped: Points) -> Vec<AppliedCap> {
    let holds = |when| match when {
        CapCondition::OpenCriticalCase => inputs.open_critical_case,
    };
    let lowers = inputs.scorecard.caps().iter().filter(|cap| holds(cap.when) && cap.at_most < uncapped);
    lowers.map(|cap| AppliedCap { cap: cap.id.clone(), at_most: cap.at_most }).collect()
}

/// What absence means for a measure whose data are not fresh.
const fn absent(absence: Absence) -> State {
    match absence {
        Absence::Exclude | Absence::Hold => State::Excluded,
        Absence::Neutral => State::Neutral,
        Absence::Penalise => State::Penalised,
    }
}

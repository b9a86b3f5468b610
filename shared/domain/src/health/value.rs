//! A measure's value as of a moment: from which data ([`evidence`]), how fresh, and what stands in when there are none.

use super::{Inputs, State, absent};
use crate::day::Day;
use crate::fixed::{ONE, Quantity, divide_half_even};
use crate::page::Bucket;
use crate::scorecard::{Absence, Formula, Measure};
use crate::series::Series;
use crate::signal::Metric;
use jiff::Timestamp;

/// What a measure reads from the series.
#[derive(Clone)]
pub(super) struct Reading {
    pub state: State,
    pub value: Option<Quantity>,
    pub as_of: Option<Day>,
}

/// Fresh data in the window are present; fresh data before it are held where the scorecard says so; else it is absent.
pub(super) fn read(inputs: &Inputs<'_>, measure: &Measure, now: Timestamp) -> Reading {
    let today = Day::of(now);
    if !measure.applies.to(inputs.account, today) {
        return Reading { state: State::NotApplicable, value: None, as_of: None };
    }
    let as_of = last_day(measure.formula, inputs.series, today);
    let fresh = as_of.filter(|day| today.since(*day) <= i32::from(measure.freshness_days));
    let value_on = |day: Day| value(measure.formula, inputs.series, day, u32::from(measure.window_days), now);
    let (state, value) = match fresh.map(|day| (value_on(today), day)) {
        Some((Some(value), _)) => (State::Present, Some(value)),
        Some((None, day)) if measure.absence == Absence::Hold => match value_on(day) {
            Some(value) => (State::Held, Some(value)),
            None => (State::Excluded, None),
        },
        _ => (absent(measure.absence), None),
    };
    Reading { state, value, as_of }
}

/// The days that a measure's value rests on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// The first day that the measure looks at.
    pub first: Day,
    /// The last one: today, or the day that a held value is of.
    pub last: Day,
    /// What is known of its metrics on the days that count, by metric and day.
    pub days: Vec<(Metric, Day, Bucket)>,
}

/// What a measure's value rests on: the data of its window, or the one day that stands for it, whenever that was.
pub fn evidence(inputs: &Inputs<'_>, measure: &Measure, now: Timestamp) -> Evidence {
    let (series, reading) = (inputs.series, read(inputs, measure, now));
    let last = reading.as_of.filter(|_| reading.state == State::Held).unwrap_or_else(|| Day::of(now));
    let first = last.plus(1 - i32::from(measure.window_days));
    let on = |metric, day: Day| series.bucket(metric, day).map(|bucket| (metric, day, bucket));
    let window = |metric| {
        let buckets = series.buckets(metric, first, last).iter();
        buckets.map(move |(day, bucket)| (metric, *day, *bucket)).collect::<Vec<_>>()
    };
    let one = |metric| series.last_day_with(metric, last).and_then(|day| on(metric, day));
    let days = match measure.formula {
        Formula::Mean(metric) | Formula::Sum(metric) => window(metric),
        Formula::NetPromoter { .. } => window(Metric::NetPromoter),
        Formula::Latest(metric) => one(metric).into_iter().filter(|(_, day, _)| *day >= first).collect(),
        Formula::DaysSince(metric) => one(metric).into_iter().collect(),
        Formula::Share { part, whole } => window(part).into_iter().chain(one(whole)).collect(),
        Formula::Quotient { numerator, denominator } => window(numerator)
            .into_iter()
            .filter_map(|above| on(denominator, above.1).map(|below| [above, below]))
            .flatten()
            .collect(),
        Formula::CompetitorExposure => {
            let seen = series.competitor(now).map(|sighting| Day::of(sighting.at));
            seen.and_then(|day| on(Metric::CompetitorSeen, day)).into_iter().collect()
        }
    };
    Evidence { first, last, days }
}

/// The last day of which the formula's data are known.
fn last_day(formula: Formula, series: &Series, today: Day) -> Option<Day> {
    let leading = series.last_known_day(formula.leading_metric(), today)?;
    match formula {
        Formula::Quotient { denominator, .. } => Some(leading.min(series.last_known_day(denominator, today)?)),
        _ => Some(leading),
    }
}

/// The formula's value over `days` days up to `last`. Only asked when something is known lately.
fn value(formula: Formula, series: &Series, last: Day, days: u32, now: Timestamp) -> Option<Quantity> {
    match formula {
        Formula::Mean(metric) => series.window(metric, last, days).mean(),
        Formula::Sum(metric) => Some(series.window(metric, last, days).total()),
        Formula::Latest(metric) => {
            let (day, value) = series.latest(metric, last)?;
            (i64::from(last.since(day)) < i64::from(days)).then_some(value)
        }
        Formula::Share { part, whole } => {
            let part = series.window(part, last, days).mean()?;
            let (_, whole) = series.latest(whole, last)?;
            ratio(i128::from(part.micros()) * 100, i128::from(whole.micros()))
        }
        Formula::Quotient { numerator, denominator } => quotient(series, numerator, denominator, last, days),
        Formula::DaysSince(metric) => {
            let day = series.last_day_with(metric, last)?;
            Some(Quantity::whole(last.since(day)))
        }
        Formula::NetPromoter { minimum_answers } => {
            let window = series.window(Metric::NetPromoter, last, days);
            window.mean().filter(|_| window.count >= u64::from(minimum_answers))
        }
        Formula::CompetitorExposure => {
            Some(series.competitor(now).map_or(Quantity::ZERO, |sighting| sighting.confidence))
        }
    }
}

/// One sum by another over the days on which both are known.
fn quotient(series: &Series, numerator: Metric, denominator: Metric, last: Day, days: u32) -> Option<Quantity> {
    let back = i32::try_from(days).unwrap_or(i32::MAX);
    let (mut above, mut below) = (0_i128, 0_i128);
    for (day, bucket) in series.buckets(numerator, last.plus(1_i32.saturating_sub(back)), last) {
        if let Some(other) = series.bucket(denominator, *day) {
            above += i128::from(bucket.sum);
            below += i128::from(other.sum);
        }
    }
    ratio(above, below)
}

/// A quotient of millionths, rounded half to even. None by nothing, or past what a quantity holds.
fn ratio(above: i128, below: i128) -> Option<Quantity> {
    let micros = (below != 0).then(|| divide_half_even(above * i128::from(ONE), below))?;
    i64::try_from(micros).ok().map(Quantity::from_micros)
}

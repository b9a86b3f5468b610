//! Readings: what a feature of an account is now, how old it is, and what words need to tell of it.

use super::condition::days;
use super::decline;
use super::facts::{Facts, value};
use super::feature::{self, Feature, UNKNOWN};
use super::leaf::{Bounds, Direction, MeasurePart, MonthDay, Statistic};
use super::statistics::{deviations, line, median, nearest_rank, quantity};
use crate::day::Day;
use crate::fixed::{ONE, Points, Quantity, divide_half_even};
use crate::health::Health;
use crate::page::Bucket;
use crate::signal::{Fold, Metric};

/// A feature of an account at a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reading {
    /// What is compared; [`UNKNOWN`] where it cannot be said.
    pub value: i64,
    /// The latest day of the data that it rests on.
    pub data: Option<Day>,
    /// The day on which what it says was last seen.
    pub seen: Option<Day>,
    /// What words need besides.
    pub note: Note,
}

/// What words need besides the value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Note {
    /// Nothing.
    None,
    /// The day after which events count.
    Since(Day),
    /// How many values, and their mean.
    Average { count: u64, mean: Quantity },
    /// How many values on how many days, and how far their line falls.
    Line { count: u64, days: usize, fall: Quantity },
    /// How many recent days and days of history; the value of each, where there are enough.
    Usual { recent: usize, history: usize, of: Option<(Quantity, Quantity)> },
    /// Who was seen, how surely, and until when it counts.
    Sighting { competitor: String, confidence: Quantity, until: Day },
    /// Of a decline.
    Decline(decline::Note),
    /// How many values there are, and what they amount to.
    Statistic { count: u64, amount: Option<Quantity> },
    /// On how many days each window has data, and the mean of each.
    Windows { days: (usize, usize), means: Option<(Quantity, Quantity)> },
    /// How many days are known, and the first that broke the row.
    Row { known: usize, broken: Option<(Day, Quantity)> },
    /// Why a part of the health is not known.
    Health(Missing),
}

/// Why a part of the health is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Missing {
    NotScored,
    Provisional,
    NoSuchPart,
    NoValue,
}

impl Reading {
    /// Not known, with no more to say.
    pub const UNREAD: Self = Self { value: UNKNOWN, data: None, seen: None, note: Note::None };

    /// Whether it can be said.
    pub const fn is_known(&self) -> bool {
        self.value != UNKNOWN
    }

    const fn known(value: i64) -> Self {
        Self { value, data: None, seen: None, note: Note::None }
    }

    fn unknown(note: Note) -> Self {
        Self { note, ..Self::UNREAD }
    }

    const fn of(mut self, day: Day) -> Self {
        self.data = Some(day);
        self.seen = Some(day);
        self
    }

    fn with(mut self, note: Note) -> Self {
        self.note = note;
        self
    }
}

/// Keeps a value off the place of the unknown.
fn kept(value: i128) -> i64 {
    i64::try_from(value).unwrap_or(if value < 0 { UNKNOWN + 1 } else { i64::MAX }).max(UNKNOWN + 1)
}

impl Feature {
    /// Reads it. Total: whatever is known of the account, there is a reading.
    pub fn read(&self, facts: &Facts<'_>) -> Reading {
        let (account, today) = (facts.account, facts.today());
        let flag = |is: bool| Reading::known(i64::from(is));
        match self {
            Self::Segment => Reading::known(feature::segment(account.segment)),
            Self::Stage => Reading::known(feature::stage(account.stage)),
            Self::Arr => Reading::known(kept(i128::from(account.arr.cents()) * i128::from(ONE / 100))),
            Self::DaysToRenewal => match account.renewal_on {
                Some(day) => Reading::known(i64::from(day.since(today)) * ONE),
                None => Reading::UNREAD,
            },
            Self::HasRenewalDate => flag(account.renewal_on.is_some()),
            Self::HasOwner => flag(account.owner.is_some()),
            Self::Owner(of) => flag(account.owner.as_ref().is_some_and(|owner| of.contains(owner))),
            Self::Account(of) => flag(of.contains(&account.id)),
            Self::Named(of) => flag(of.contains(&account.name)),
            Self::Weekday => Reading::known(i64::from(today.weekday())),
            Self::MonthDay => Reading::known(i64::from(MonthDay::of(today).number())),
            Self::Today => Reading::known(i64::from(today.number())),
            Self::Entered | Self::Left | Self::Band => self.standing(facts),
            Self::Score => part(facts, |health| Ok(health.score.micros())),
            Self::Dimension(name) => part(facts, |health| points(health, name)),
            Self::Measure(name, of) => measure(facts, name, *of),
            Self::Competitor => competitor(facts),
            _ => self.series(facts),
        }
    }

    fn standing(&self, facts: &Facts<'_>) -> Reading {
        let Some(standing) = facts.standing else { return Reading::UNREAD };
        let place = match self {
            Self::Entered if standing.from.is_some_and(|from| from <= standing.band) => standing.band.place() + 8,
            Self::Left => standing.from.map_or(8, |from| from.place()),
            _ => standing.band.place(),
        };
        let value = if standing.provisional { UNKNOWN } else { place };
        Reading::known(value).of(Day::of(standing.since))
    }

    fn series(&self, facts: &Facts<'_>) -> Reading {
        let today = facts.today();
        match self {
            Self::Decline(windows) => decline::read(windows, facts),
            Self::Count { metric, days, since_last } => count(facts, *metric, *days, *since_last),
            Self::Average { metric, days, least_values } => average(facts, *metric, *days, *least_values),
            Self::Statistic { metric, statistic, days, least_values } => {
                amount(facts, *metric, *statistic, *days, *least_values)
            }
            Self::Trend { metric, days, least_values, direction } => {
                trend(facts, *metric, *days, *least_values, *direction)
            }
            Self::AbovePercentile { metric, recent, history, percentile, least } => {
                let usual = |history: &[i128]| nearest_rank(history, *percentile);
                let far = |now: i128, usual: i128, _: &[i128]| kept(now - usual);
                compare(facts, *metric, (*recent, *history), *least, today, usual, far)
            }
            Self::Deviations { metric, recent, history, least, least_change } => {
                let last = if metric.fold() == Fold::Sum { today.plus(-1) } else { today };
                let far = |now: i128, usual: i128, history: &[i128]| {
                    if (now - usual).abs() < i128::from(least_change.micros()) {
                        return 0;
                    }
                    kept(deviations(now, history))
                };
                compare(facts, *metric, (*recent, *history), *least, last, median, far)
            }
            Self::Change { metric, days, least_days, direction, percent } => {
                change(facts, *metric, *days, *least_days, *direction, *percent)
            }
            Self::Sustained { metric, days, bounds } => sustained(facts, *metric, *days, bounds),
            Self::Age(metric) => match facts.last_day_with(*metric) {
                Some(latest) => Reading {
                    value: i64::from(today.since(latest)),
                    data: Some(latest),
                    seen: Some(today),
                    note: Note::None,
                },
                None => Reading::UNREAD,
            },
            _ => Reading::UNREAD,
        }
    }
}

/// The days with values of a window that ends today.
fn window(facts: &Facts<'_>, metric: Metric, length: u32) -> impl Iterator<Item = (Day, Bucket)> {
    facts.days(metric, facts.today().plus(1).plus(-days(length)), facts.today())
}

/// Events that did not happen leave no data: none is zero, not unknown.
fn count(facts: &Facts<'_>, metric: Metric, length: u32, since_last: Option<Metric>) -> Reading {
    let reset = since_last.and_then(|metric| facts.last_day_with(metric));
    let found = window(facts, metric, length).filter(|(day, _)| reset.is_none_or(|last| *day > last));
    let (sum, latest) = found.fold((0_i128, None), |(sum, _), (day, bucket)| (sum + i128::from(bucket.sum), Some(day)));
    // Whole events.
    let events = sum / i128::from(ONE) * i128::from(ONE);
    let reading = Reading::known(kept(events)).with(reset.map_or(Note::None, Note::Since));
    latest.map_or(reading.clone(), |latest| reading.of(latest))
}

/// How many values, their sum, and the latest day that has some.
fn values(found: impl Iterator<Item = (Day, Bucket)>) -> (u64, i128, Option<Day>) {
    found.fold((0, 0, None), |(count, sum, _), (day, bucket)| {
        (count + u64::from(bucket.count), sum + i128::from(bucket.sum), Some(day))
    })
}

fn average(facts: &Facts<'_>, metric: Metric, length: u32, least_values: u32) -> Reading {
    let (count, sum, Some(latest)) = values(window(facts, metric, length)) else { return Reading::UNREAD };
    let mean = quantity(divide_half_even(sum, i128::from(count)));
    let value = if count < u64::from(least_values) { UNKNOWN } else { kept(sum.div_euclid(i128::from(count))) };
    Reading::known(value).of(latest).with(Note::Average { count, mean })
}

fn amount(facts: &Facts<'_>, metric: Metric, statistic: Statistic, length: u32, least_values: u32) -> Reading {
    let found: Vec<(Day, Bucket)> = window(facts, metric, length).collect();
    let (count, sum, Some(latest)) = values(found.iter().copied()) else {
        return Reading::unknown(Note::Statistic { count: 0, amount: None });
    };
    let days = || found.iter().map(|(_, bucket)| value(metric, *bucket));
    let count = if metric.fold() == Fold::Sum { u64::try_from(found.len()).unwrap_or(u64::MAX) } else { count };
    let amount = match statistic {
        Statistic::Mean => Some(sum.div_euclid(i128::from(count.max(1)))),
        Statistic::Sum => Some(sum),
        Statistic::Latest => days().next_back(),
        Statistic::Lowest => days().min(),
        Statistic::Highest => days().max(),
        Statistic::Median => {
            let mut days: Vec<i128> = days().collect();
            days.sort_unstable();
            Some(nearest_rank(&days, 50))
        }
    };
    let amount = kept(amount.unwrap_or_default());
    let value = if count < u64::from(least_values) { UNKNOWN } else { amount };
    let note = Note::Statistic { count, amount: Some(Quantity::from_micros(amount)) };
    Reading::known(value).of(latest).with(note)
}

fn trend(facts: &Facts<'_>, metric: Metric, length: u32, least_values: u32, direction: Direction) -> Reading {
    let found: Vec<(Day, Bucket)> = window(facts, metric, length).collect();
    let (count, _, Some(latest)) = values(found.iter().copied()) else { return Reading::UNREAD };
    let reading = Reading::UNREAD.of(latest);
    if count < u64::from(least_values) {
        return reading.with(Note::Line { count, days: found.len(), fall: Quantity::ZERO });
    }
    let points: Vec<(i128, i128)> =
        found.iter().map(|(day, bucket)| (i128::from(day.number()), value(metric, *bucket))).collect();
    let line = line(&points, direction);
    let note = Note::Line { count, days: points.len(), fall: quantity(line.fall) };
    let far = if direction == Direction::Fall { line.fall } else { -line.fall };
    Reading { value: if line.is_no_chance { kept(far) } else { 0 }, ..reading.with(note) }
}

/// The recent median against what the history makes usual.
fn compare(
    facts: &Facts<'_>,
    metric: Metric,
    (recent, history): (u32, u32),
    least: (u32, u32),
    last: Day,
    usual: impl Fn(&[i128]) -> i128,
    far: impl Fn(i128, i128, &[i128]) -> i64,
) -> Reading {
    let values = |first: Day, last: Day| {
        let mut values: Vec<i128> = facts.days(metric, first, last).map(|(_, bucket)| value(metric, bucket)).collect();
        values.sort_unstable();
        values
    };
    let recent_from = last.plus(1).plus(-days(recent));
    let recent = values(recent_from, last);
    let history = values(recent_from.plus(-days(history)), recent_from.plus(-1));
    let enough = |values: &[i128], least: u32| u32::try_from(values.len()).unwrap_or(u32::MAX) >= least.max(1);
    let note = |of| Note::Usual { recent: recent.len(), history: history.len(), of };
    let latest = facts.days(metric, recent_from, last).last().map(|(day, _)| day);
    let (Some(latest), true, true) = (latest, enough(&recent, least.0), enough(&history, least.1)) else {
        return Reading::unknown(note(None));
    };
    let (now, usual) = (nearest_rank(&recent, 50), usual(&history));
    Reading::known(far(now, usual, &history)).of(latest).with(note(Some((quantity(now), quantity(usual)))))
}

/// The mean daily values of two neighbouring windows of whole days. Cross-multiplied, so that nothing is rounded before the
/// last step, which rounds down: what is at least so much is so exactly.
fn change(facts: &Facts<'_>, metric: Metric, length: u32, least_days: u32, way: Direction, percent: bool) -> Reading {
    let last = facts.today().plus(-1);
    let middle = last.plus(-days(length));
    let of = |last: Day| {
        let found = facts.days(metric, last.plus(1).plus(-days(length)), last);
        found.fold((0_usize, 0_i128, None), |(days, sum, _), (day, bucket)| {
            (days + 1, sum.saturating_add(value(metric, bucket)), Some(day))
        })
    };
    let ((days_before, before, _), (days_after, after, latest)) = (of(middle), of(last));
    let note = |means| Note::Windows { days: (days_before, days_after), means };
    let least = usize::try_from(least_days.max(1)).unwrap_or(usize::MAX);
    let Some(latest) = latest.filter(|_| days_before >= least && days_after >= least) else {
        return Reading::unknown(note(None));
    };
    let (n_before, n_after) = (i128::try_from(days_before).unwrap_or(1), i128::try_from(days_after).unwrap_or(1));
    let means = (quantity(divide_half_even(before, n_before)), quantity(divide_half_even(after, n_after)));
    let reading = Reading::UNREAD.of(latest).with(note(Some(means)));
    let (was, is) = (before.saturating_mul(n_after), after.saturating_mul(n_before));
    let far = if way == Direction::Fall { was.saturating_sub(is) } else { is.saturating_sub(was) };
    let value = if percent {
        let hundred = 100 * i128::from(ONE);
        far.checked_mul(hundred).and_then(|far| far.checked_div_euclid(was.saturating_abs()))
    } else {
        far.checked_div_euclid(n_before * n_after)
    };
    Reading { value: value.map_or(UNKNOWN, kept), ..reading }
}

/// One day that is known to break the row breaks it, whatever the others are; a day that is not known may have.
fn sustained(facts: &Facts<'_>, metric: Metric, length: u32, bounds: &Bounds) -> Reading {
    let last = facts.today().plus(-1);
    let (low, high) = bounds.range();
    let mut known = 0;
    let (mut latest, mut broken) = (None, None);
    for (day, bucket) in facts.days(metric, last.plus(1).plus(-days(length)), last) {
        known += 1;
        latest = Some(day);
        let value = kept(value(metric, bucket));
        if value < low || value > high {
            broken = Some((day, Quantity::from_micros(value)));
        }
    }
    let all = usize::try_from(length).is_ok_and(|length| known == length);
    let value = if broken.is_some() { 0 } else { if all { 1 } else { UNKNOWN } };
    let reading = Reading::known(value).with(Note::Row { known, broken });
    latest.map_or(reading.clone(), |latest| reading.of(latest))
}

/// As sure as the surest sighting that has not expired.
fn competitor(facts: &Facts<'_>) -> Reading {
    let Some(seen) = facts.series.competitor(facts.now) else { return Reading::known(-1) };
    let (competitor, until) = (seen.competitor.clone(), Day::of(seen.expires_at));
    let note = Note::Sighting { competitor, confidence: seen.confidence, until };
    Reading::known(seen.confidence.micros()).of(Day::of(seen.at)).with(note)
}

/// A part of a health that may fire something.
fn part(facts: &Facts<'_>, of: impl FnOnce(&Health) -> Result<i64, Missing>) -> Reading {
    let value = match facts.health {
        None => Err(Missing::NotScored),
        Some(health) if health.provisional => Err(Missing::Provisional),
        Some(health) => of(health),
    };
    value.map_or_else(|missing| Reading::unknown(Note::Health(missing)), Reading::known)
}

fn points(health: &Health, name: &str) -> Result<i64, Missing> {
    let dimension = health.dimensions.iter().find(|one| one.dimension == *name).ok_or(Missing::NoSuchPart)?;
    dimension.points.map(Points::micros).ok_or(Missing::NoValue)
}

fn measure(facts: &Facts<'_>, name: &str, of: MeasurePart) -> Reading {
    let find = |health: &Health| health.measures.iter().position(|one| one.measure == *name);
    let found = facts.health.and_then(|health| health.measures.get(find(health)?));
    let reading = part(facts, |_| {
        let found = found.ok_or(Missing::NoSuchPart)?;
        let micros = match of {
            MeasurePart::Points => found.points.map(Points::micros),
            MeasurePart::Value => found.value.map(Quantity::micros),
        };
        micros.ok_or(Missing::NoValue)
    });
    found.and_then(|found| found.as_of).map_or(reading.clone(), |as_of| reading.of(as_of))
}

//! The rolling series of an account: what its days amounted to, at most [`WINDOW_DAYS`] back from the newest one.
//!
//! The series is a function of the set of its days: setting them in any order, any number of times, gives the same
//! series and the same bytes. Every question is asked as of a day and never looks past it, so the past can be asked
//! for again. As JSON it is compact: days and values are variable-length integers in base 64.

mod stored;

use crate::day::Day;
use crate::fixed::{Quantity, divide_half_even};
use crate::id::SourceId;
use crate::page::{Bucket, DayFold, Sighting};
use crate::signal::{Fold, Metric};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How many days the series goes back, its newest included.
pub const WINDOW_DAYS: i32 = 400;
/// From how many days of speaking on a source's usual gap is known.
pub const MINIMUM_DAYS_FOR_A_GAP: usize = 3;

/// What is known of an account, by metric and day.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "stored::Series", into = "stored::Series")]
pub struct Series {
    newest: Option<Day>,
    /// By day, ascending. Never an empty list.
    metrics: BTreeMap<Metric, Vec<(Day, Bucket)>>,
    /// The days on which each source spoke, ascending. Never an empty list.
    sources: BTreeMap<SourceId, Vec<Day>>,
    sightings: BTreeMap<Day, Vec<Sighting>>,
}

/// What a metric amounts to over some days.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Which metric.
    pub metric: Metric,
    /// On how many of the days something is known, be it "none".
    pub days_with_data: u32,
    /// How many values went in.
    pub count: u64,
    /// Their sum, in millionths of the unit.
    pub sum: i128,
}

/// A source that has said nothing for more than twice its usual gap.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SilentSource {
    /// Which source.
    pub source: SourceId,
    /// The last day on which it spoke.
    pub last_day: Day,
    /// Nine of ten of its gaps are no longer than this, in days.
    pub usual_gap_days: i32,
}

impl Window {
    /// The sum, in the unit of the metric.
    pub fn total(&self) -> Quantity {
        quantity(self.sum)
    }

    /// The mean: of a metric that is added up, per day with data; of any other, per value. Rounded half to even.
    pub fn mean(&self) -> Option<Quantity> {
        let parts = match self.metric.fold() {
            Fold::Sum => u64::from(self.days_with_data),
            Fold::Mean | Fold::Last | Fold::Max => self.count,
        };
        (parts > 0).then(|| quantity(divide_half_even(self.sum, i128::from(parts))))
    }
}

fn quantity(micros: i128) -> Quantity {
    Quantity::from_micros(i64::try_from(micros).unwrap_or(if micros < 0 { i64::MIN } else { i64::MAX }))
}

impl Series {
    /// Puts a day's fold in the place of what was known of that day. Says whether the series is another one now.
    pub fn set(&mut self, day: Day, fold: DayFold) -> bool {
        if self.newest.is_some_and(|newest| newest.since(day) >= WINDOW_DAYS) {
            return false;
        }
        let mut changed = false;
        for metric in Metric::ALL {
            changed |= set_bucket(&mut self.metrics, *metric, day, fold.buckets.get(metric).copied());
        }
        changed |= self.set_sources(day, &fold);
        let before = if fold.sightings.is_empty() {
            self.sightings.remove(&day).unwrap_or_default()
        } else {
            self.sightings.insert(day, fold.sightings.clone()).unwrap_or_default()
        };
        changed |= before != fold.sightings;
        if self.newest.is_none_or(|newest| newest < day) {
            self.newest = Some(day);
            self.trim(day);
            changed = true;
        }
        changed
    }

    fn set_sources(&mut self, day: Day, fold: &DayFold) -> bool {
        let mut changed = false;
        for source in &fold.sources {
            let days = self.sources.entry(source.clone()).or_default();
            if let Err(place) = days.binary_search(&day) {
                days.insert(place, day);
                changed = true;
            }
        }
        for (source, days) in &mut self.sources {
            if !fold.sources.contains(source)
                && let Ok(place) = days.binary_search(&day)
            {
                days.remove(place);
                changed = true;
            }
        }
        self.sources.retain(|_, days| !days.is_empty());
        changed
    }

    /// Forgets what is older than the window. What is forgotten depends on the newest day alone, not on the order.
    fn trim(&mut self, newest: Day) {
        let first = newest.plus(1 - WINDOW_DAYS);
        for buckets in self.metrics.values_mut() {
            buckets.drain(..buckets.partition_point(|(day, _)| *day < first));
        }
        for days in self.sources.values_mut() {
            days.drain(..days.partition_point(|day| *day < first));
        }
        self.metrics.retain(|_, buckets| !buckets.is_empty());
        self.sources.retain(|_, days| !days.is_empty());
        self.sightings = self.sightings.split_off(&first);
    }

    /// The newest day of which anything is known.
    pub const fn newest(&self) -> Option<Day> {
        self.newest
    }

    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.metrics.is_empty() && self.sources.is_empty()
    }

    /// The metrics of which something is known.
    pub fn metrics(&self) -> impl Iterator<Item = Metric> {
        self.metrics.keys().copied()
    }

    /// What is known of a metric on a day.
    pub fn bucket(&self, metric: Metric, day: Day) -> Option<Bucket> {
        let buckets = self.metrics.get(&metric)?;
        let place = buckets.binary_search_by_key(&day, |(day, _)| *day).ok()?;
        buckets.get(place).map(|(_, bucket)| *bucket)
    }

    /// What is known of a metric from `first` to `last`, by day, both included.
    pub fn buckets(&self, metric: Metric, first: Day, last: Day) -> &[(Day, Bucket)] {
        let all = self.metrics.get(&metric).map_or(&[][..], Vec::as_slice);
        let from = all.partition_point(|(day, _)| *day < first);
        let to = all.partition_point(|(day, _)| *day <= last);
        all.get(from..to).unwrap_or_default()
    }

    /// What a metric amounts to over `days` days, the last of which is `last`.
    pub fn window(&self, metric: Metric, last: Day, days: u32) -> Window {
        let back = i32::try_from(days).unwrap_or(i32::MAX);
        let mut window = Window { metric, days_with_data: 0, count: 0, sum: 0 };
        for (_, bucket) in self.buckets(metric, last.plus(1_i32.saturating_sub(back)), last) {
            window.days_with_data += 1;
            window.count += u64::from(bucket.count);
            window.sum += i128::from(bucket.sum);
        }
        window
    }

    /// The last day, `today` at the latest, of which a metric is known, be it "none that day".
    pub fn last_known_day(&self, metric: Metric, today: Day) -> Option<Day> {
        self.buckets(metric, Day::from_number(i32::MIN), today).last().map(|(day, _)| *day)
    }

    /// The last day, `today` at the latest, on which a metric had a value.
    pub fn last_day_with(&self, metric: Metric, today: Day) -> Option<Day> {
        let buckets = self.buckets(metric, Day::from_number(i32::MIN), today);
        buckets.iter().rev().find(|(_, bucket)| bucket.count > 0).map(|(day, _)| *day)
    }

    /// The latest value of a metric of which the day's last or largest value stands, with its day.
    pub fn latest(&self, metric: Metric, today: Day) -> Option<(Day, Quantity)> {
        let day = self.last_day_with(metric, today)?;
        self.window(metric, day, 1).mean().map(|value| (day, value))
    }

    /// Every competitor sighting that is kept, by day; of a day the surest first.
    pub fn sightings(&self) -> impl Iterator<Item = &Sighting> {
        self.sightings.values().flatten()
    }

    /// The surest sighting of a competitor that counts at this moment.
    pub fn competitor(&self, now: Timestamp) -> Option<&Sighting> {
        let seen = self.sightings.range(..=Day::of(now)).flat_map(|(_, sightings)| sightings);
        seen.filter(|sighting| sighting.expires_at > now).max()
    }

    /// The days on which a source spoke, ascending.
    pub fn days_of(&self, source: &SourceId) -> &[Day] {
        self.sources.get(source).map_or(&[], Vec::as_slice)
    }

    /// Who has spoken of this account.
    pub fn sources(&self) -> impl Iterator<Item = &SourceId> {
        self.sources.keys()
    }

    /// Sources that have said nothing for more than twice their usual gap, as of `today`.
    pub fn silent_sources(&self, today: Day) -> Vec<SilentSource> {
        let silent = |(source, days): (&SourceId, &Vec<Day>)| {
            let days = days.get(..days.partition_point(|day| *day <= today))?;
            let (last_day, usual_gap_days) = (*days.last()?, usual_gap(days)?);
            (today.since(last_day) > usual_gap_days.saturating_mul(2)).then(|| SilentSource {
                source: source.clone(),
                last_day,
                usual_gap_days,
            })
        };
        self.sources.iter().filter_map(silent).collect()
    }
}

/// The gap between two days of speaking that nine of ten gaps do not exceed: a source that rests at weekends has 3.
fn usual_gap(days: &[Day]) -> Option<i32> {
    if days.len() < MINIMUM_DAYS_FOR_A_GAP {
        return None;
    }
    let mut gaps: Vec<i32> = days.windows(2).filter_map(|pair| Some(pair.last()?.since(*pair.first()?))).collect();
    gaps.sort_unstable();
    gaps.get((gaps.len() * 9).div_ceil(10).saturating_sub(1)).copied()
}

fn set_bucket(
    metrics: &mut BTreeMap<Metric, Vec<(Day, Bucket)>>,
    metric: Metric,
    day: Day,
    bucket: Option<Bucket>,
) -> bool {
    let Some(bucket) = bucket else {
        let Some(buckets) = metrics.get_mut(&metric) else { return false };
        let Ok(place) = buckets.binary_search_by_key(&day, |(day, _)| *day) else { return false };
        buckets.remove(place);
        if buckets.is_empty() {
            metrics.remove(&metric);
        }
        return true;
    };
    let buckets = metrics.entry(metric).or_default();
    match buckets.binary_search_by_key(&day, |(day, _)| *day) {
        Err(place) => buckets.insert(place, (day, bucket)),
        Ok(place) => match buckets.get_mut(place) {
            Some((_, present)) if *present != bucket => *present = bucket,
            _ => return false,
        },
    }
    true
}

//! The rolling series of an account: what its days amounted to, at most [`WINDOW_DAYS`] back from the newest one.
//!
//! The series is a function of the set of its days: setting them in any order, any number of times, gives the same
//! series and the same bytes. Every question is asked as of a day and never looks past it, so the past can be asked
//! for again. As JSON it is compact: days and values are variable-length integers in base 64.

pub(crate) mod stored;

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

    /// The oldest day of which a metric is known.
    pub fn first_day(&self) -> Option<Day> {
        self.metrics.values().filter_map(|buckets| buckets.first().map(|(day, _)| *day)).min()
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::Page;
    use crate::page::fixtures::*;
    use crate::signal::Signal;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn spoke(source: &str) -> DayFold {
        DayFold { sources: BTreeSet::from([SourceId::new(source).unwrap()]), ..DayFold::default() }
    }

    #[test]
    fn the_window_of_the_series_is_the_longest_of_a_scorecard() {
        assert_eq!(WINDOW_DAYS, i32::from(crate::scorecard::MAX_DAYS));
    }

    #[test]
    fn a70_a_window_counts_its_last_day_and_so_many_in_all() {
        let days = [("2026-03-01", "10"), ("2026-03-02", "20"), ("2026-03-05", "60")];
        let series = series(daily(Metric::ActiveUsers, days.map(|(text, value)| (day(text), value))));
        let window = |last: &str, days| {
            let window = series.window(Metric::ActiveUsers, day(last), days);
            (
                window.days_with_data,
                window.count,
                window.total().to_string(),
                window.mean().map(|mean| mean.to_string()),
            )
        };
        assert_eq!(window("2026-03-05", 4), (2, 2, "80".into(), Some("40".into())));
        assert_eq!(window("2026-03-05", 5), (3, 3, "90".into(), Some("30".into())));
        assert_eq!(window("2026-03-04", 2), (0, 0, "0".into(), None));
        assert_eq!(series.last_day_with(Metric::ActiveUsers, day("2026-03-04")), Some(day("2026-03-02")));
        assert_eq!(series.bucket(Metric::ActiveUsers, day("2026-03-03")), None);
        assert_eq!(
            series.latest(Metric::ActiveUsers, day("2026-03-09")),
            Some((day("2026-03-05"), Quantity::whole(60)))
        );
    }

    #[test]
    fn a_day_known_to_have_none_is_known_but_has_no_value() {
        let mut series = Series::default();
        let fold =
            DayFold { buckets: BTreeMap::from([(Metric::SevereIncidents, Bucket::default())]), ..DayFold::default() };
        series.set(Day::from_number(9), fold);
        assert_eq!(series.last_known_day(Metric::SevereIncidents, Day::from_number(9)), Some(Day::from_number(9)));
        assert_eq!(series.last_day_with(Metric::SevereIncidents, Day::from_number(9)), None);
    }

    #[test]
    fn setting_a_day_again_replaces_it_and_says_whether_that_changed_anything() {
        let signals = [signal("a", "1", at("2026-03-02T09:00:00Z"), Metric::Logins, "4")];
        let mut page = Page::new(day("2026-03-02"));
        page.merge(signals);
        let mut series = Series::default();
        assert!(series.set(page.day(), page.fold()));
        assert!(!series.set(page.day(), page.fold()));
        assert!(series.set(page.day(), DayFold::default()));
        assert!(series.is_empty());
    }

    #[test]
    fn the_surest_sighting_counts_until_it_expires() {
        let series = series([
            competitor("1", at("2026-03-01T09:00:00Z"), "85", at("2026-03-10T00:00:00Z")),
            competitor("2", at("2026-03-02T09:00:00Z"), "30", at("2026-04-10T00:00:00Z")),
        ]);
        let seen = |text| series.competitor(at(text)).map(|sighting| sighting.confidence.to_string());
        assert_eq!(seen("2026-02-28T23:00:00Z"), None);
        assert_eq!(seen("2026-03-09T23:59:59Z").as_deref(), Some("85"));
        assert_eq!(seen("2026-03-10T00:00:00Z").as_deref(), Some("30"));
        assert_eq!(seen("2026-04-10T00:00:00Z"), None);
    }

    #[test]
    fn half_a_year_of_twelve_metrics_is_small() {
        let metrics = [
            (Metric::ActiveUsers, 1_234_000_000),
            (Metric::Logins, 2_731_000_000),
            (Metric::Uptime, 99_950_000),
            (Metric::ErrorRate, 183_412),
            (Metric::ResponseTime, 62_310_000),
            (Metric::Throughput, 131_000_000),
            (Metric::FeatureAdoption, 88_500_000),
            (Metric::TrainingCompletion, 95_250_000),
            (Metric::Csat, 96_000_000),
            (Metric::Sentiment, 48_000_000),
            (Metric::FeatureUses, 25_310_000_000),
            (Metric::LicensedUsers, 1_800_000_000),
        ];
        let mut series = Series::default();
        for number in 0..180 {
            let sum = |base: i64| base + i64::from(number) * 10_000;
            let buckets = metrics.map(|(metric, base)| (metric, Bucket { count: 1, sum: sum(base) }));
            series.set(Day::from_number(20_454 + number), DayFold { buckets: buckets.into(), ..spoke("telemetry") });
        }
        let bytes = serde_json::to_vec(&series).unwrap().len();
        assert!(bytes <= 15_000, "{bytes} bytes");
    }

    #[test]
    fn a_stored_series_that_was_tampered_with_is_refused() {
        let good = r#"{"metrics":{"logins":"A9C/AgA"},"sources":{}}"#;
        assert!(serde_json::from_str::<Series>(good).is_ok());
        for bad in ["", "!", "AwD", "gICAgICAgICAgICAgICAgA"] {
            let text = good.replace("A9C/AgA", bad);
            assert!(serde_json::from_str::<Series>(&text).is_err(), "{bad}");
        }
        assert!(serde_json::from_str::<Series>(&good.replace("logins", "no_such")).is_err());
    }

    fn any_bucket() -> impl Strategy<Value = Bucket> {
        (any::<u32>(), any::<i64>()).prop_map(|(count, sum)| Bucket { count, sum })
    }

    proptest! {
        #[test]
        fn what_is_stored_is_read_back(
            days in prop::collection::btree_map(-500_i32..500, (any_bucket(), any::<bool>()), 0..40),
        ) {
            let mut series = Series::default();
            for (day, (bucket, named)) in days {
                let mut fold = spoke(if named { "crm" } else { "desk" });
                fold.buckets.insert(Metric::Logins, bucket);
                series.set(Day::from_number(day), fold);
            }
            let bytes = serde_json::to_vec(&series).unwrap();
            prop_assert_eq!(serde_json::from_slice::<Series>(&bytes).unwrap(), series);
        }

        #[test]
        fn any_order_of_signals_and_days_gives_the_same_bytes(
            signals in prop::collection::vec(any_signal(900), 0..80),
            seed in any::<u64>(),
            batch in 1_usize..9,
        ) {
            let mut shuffled = signals.clone();
            shuffled.extend(signals.iter().take(10).cloned());
            shuffled.sort_by_key(|signal| crate::digest::Digest::of("shuffle", [&seed.to_be_bytes()[..], format!("{signal:?}").as_bytes()]));
            // As signals arrive: each batch goes to its pages, and the touched days are folded anew.
            let mut pages: BTreeMap<Day, Page> = BTreeMap::new();
            let mut arrived = Series::default();
            for batch in shuffled.chunks(batch) {
                let mut touched = BTreeSet::new();
                for signal in batch {
                    let day = Day::of(signal.at);
                    pages.entry(day).or_insert_with(|| Page::new(day)).merge([signal.clone()]);
                    touched.insert(day);
                }
                for day in touched {
                    arrived.set(day, pages[&day].fold());
                }
            }
            prop_assert_eq!(serde_json::to_vec(&arrived).unwrap(), serde_json::to_vec(&series(signals)).unwrap());
        }

        #[test]
        fn a70_windows_equal_brute_force(
            signals in prop::collection::vec(any_signal(60), 0..80),
            last in 0_i32..70,
            days in 1_u32..70,
        ) {
            let last = Day::from_number(20_454 + last);
            let series = series(signals.clone());
            let mut unique: BTreeMap<_, Signal> = BTreeMap::new();
            for signal in signals {
                let name = (signal.source.clone(), signal.id.clone());
                if unique.get(&name).is_none_or(|present| *present < signal) {
                    unique.insert(name, signal);
                }
            }
            for metric in [Metric::Logins, Metric::Uptime] {
                let first = last.plus(1 - i32::try_from(days).unwrap());
                let inside = |signal: &&Signal| signal.metric == metric && (first..=last).contains(&Day::of(signal.at));
                let found: Vec<&Signal> = unique.values().filter(inside).collect();
                let window = series.window(metric, last, days);
                prop_assert_eq!(window.count, found.len() as u64);
                prop_assert_eq!(window.sum, found.iter().map(|signal| i128::from(signal.value.micros())).sum::<i128>());
                let distinct: BTreeSet<Day> = found.iter().map(|signal| Day::of(signal.at)).collect();
                prop_assert_eq!(window.days_with_data as usize, distinct.len());
            }
        }
    }
}

//! The watch over an account: the detector of [`super::anomaly`], led over the finished days of its metrics.
//!
//! What is found follows from the series alone: the same days give the same findings, in whichever order, batches and
//! repetitions their signals came. The series is the memory, and it is bounded; kept beside it is only up to which day it
//! was looked at, a fingerprint of what was looked at, and what was told last of each metric. A day that became another
//! one, because something came late, has the metric looked at anew, and tells nothing twice.
//!
//! A working day on which as little is done as at weekends is taken for a holiday, up to three in a row: nobody has to
//! know the calendars of customers. A fall to just that is told three working days later.

mod days_off;

use super::anomaly::{Direction, Settings, Severity, State, View};
use crate::day::{Day, SECONDS};
use crate::fixed::{ONE, Quantity};
use crate::page::Bucket;
use crate::series::{Series, WINDOW_DAYS};
use crate::signal::{Fold, Metric};
use days_off::DaysOff;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What is watched: what comes by itself every day, as many values as days. What people say now and then has no usual day.
pub const WATCHED: [Metric; 8] = [
    Metric::ActiveUsers,
    Metric::Logins,
    Metric::FeatureUses,
    Metric::Purchases,
    Metric::Uptime,
    Metric::ErrorRate,
    Metric::ResponseTime,
    Metric::Throughput,
];

/// What happened longer ago is not told any more: history that is imported tells of no old days.
pub const TOLD_WITHIN_DAYS: i32 = 5;

/// Something unusual about a metric of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Anomaly {
    /// Of which metric.
    pub metric: Metric,
    /// On which day.
    pub on: Day,
    /// What it was.
    pub value: Quantity,
    /// What was expected.
    pub expected: Quantity,
    /// What showed it.
    pub view: View,
    /// On which side.
    pub direction: Direction,
    /// How bad.
    pub severity: Severity,
    /// How far it lies beyond all that was seen, by the detector's measure.
    pub score: Quantity,
    /// How sure it is, 0-100: half where it just passes the threshold. A rank, not a chance.
    pub confidence_percent: u32,
}

/// What is kept of the watch over an account.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Watch {
    /// What was looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    seen: Option<Seen>,
    /// What was told last of each metric.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    told: BTreeMap<Metric, Told>,
}

/// Which days were looked at. Nothing rests on it but that they need not be looked at again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Seen {
    /// The last of them.
    through: Day,
    /// What they came to, as a number: other data have another one.
    fingerprint: u64,
}

/// What was told last of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Told {
    on: Day,
    severity: Severity,
}

impl Watch {
    /// Whether nothing is kept.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Looks at the days that are over. What is returned has not been told; none where all of it was looked at before.
    pub fn look(&self, series: &Series, today: Day) -> (Self, Vec<Anomaly>) {
        let last = today.plus(-1);
        let seen = Some(Seen { through: last, fingerprint: fingerprint(series, last) });
        if self.seen == seen {
            return (self.clone(), Vec::new());
        }
        let mut watch = Self { seen, told: self.told.clone() };
        let mut new = Vec::new();
        for metric in WATCHED {
            for anomaly in anomalies(series, metric, last) {
                if last.since(anomaly.on) < TOLD_WITHIN_DAYS && watch.is_news(&anomaly) {
                    watch.told.insert(metric, Told { on: anomaly.on, severity: anomaly.severity });
                    new.push(anomaly);
                }
            }
        }
        new.sort_by(|a, b| b.score.cmp(&a.score).then_with(|| a.metric.cmp(&b.metric)));
        (watch, new)
    }

    /// The detector keeps quiet for a while after a finding. Late data may move that finding to a neighbouring day: then it
    /// is the same, unless it is worse.
    fn is_news(&self, anomaly: &Anomaly) -> bool {
        let quiet = i32::try_from(Settings::daily().refractory).unwrap_or(i32::MAX);
        self.told.get(&anomaly.metric).is_none_or(|told| {
            anomaly.on.since(told.on) >= quiet || (anomaly.on > told.on && anomaly.severity > told.severity)
        })
    }
}

/// Everything unusual about a metric up to a day, the earliest first.
pub fn anomalies(series: &Series, metric: Metric, last: Day) -> Vec<Anomaly> {
    let settings = Settings::daily();
    let (mut state, mut days_off) = (State::default(), DaysOff::default());
    let mut found = Vec::new();
    for (day, bucket) in series.buckets(metric, last.plus(1 - WINDOW_DAYS), last) {
        let Some(value) = value(metric, *bucket) else { continue };
        if metric.fold() == Fold::Sum && days_off.is_one(*day, value) {
            continue;
        }
        let Some(finding) = state.observe(&settings, i64::from(day.number()) * SECONDS, value) else { continue };
        let rounded = |value: f64| Quantity::from_f64(value).unwrap_or_default();
        let sure = 100.0 * finding.score / (finding.score + settings.threshold);
        found.push(Anomaly {
            metric,
            on: *day,
            value: rounded(value),
            // What never was cannot be expected.
            expected: rounded(finding.expected).clamp(metric.range().0, metric.range().1),
            view: finding.view,
            direction: finding.direction,
            severity: finding.severity,
            score: rounded(finding.score),
            confidence_percent: u32::try_from(rounded(sure).micros() / ONE).unwrap_or_default().min(100),
        });
    }
    found
}

/// What a day came to.
pub(crate) fn value(metric: Metric, bucket: Bucket) -> Option<f64> {
    let sum = Quantity::from_micros(bucket.sum).to_f64();
    match metric.fold() {
        Fold::Sum => Some(sum),
        Fold::Mean | Fold::Last | Fold::Max => (bucket.count > 0).then(|| sum / f64::from(bucket.count)),
    }
}

/// FNV-1a by words of what is watched. It tells whether anything has changed, and nothing rests on it but that.
fn fingerprint(series: &Series, last: Day) -> u64 {
    let mut hash = 0xCBF2_9CE4_8422_2325_u64;
    let mut word = |word: u64| hash = (hash ^ word).wrapping_mul(0x0000_0100_0000_01B3).rotate_left(29);
    for (place, metric) in (0_u64..).zip(WATCHED) {
        for (day, bucket) in series.buckets(metric, last.plus(1 - WINDOW_DAYS), last) {
            word(place << 48 | u64::from(day.number().cast_unsigned()));
            word(u64::from(bucket.count));
            word(bucket.sum.cast_unsigned());
        }
    }
    hash
}

impl Anomaly {
    /// What it is, in a sentence without a full stop.
    pub fn sentence(&self) -> String {
        let Self { metric, on, value, expected, .. } = self;
        let (value, expected) = (value.rounded(2), expected.rounded(2));
        let metric = metric.name().replace('_', " ");
        match self.view {
            View::Point | View::Range => format!("{metric} came to {value} on {on}; {expected} was to be expected"),
            View::Few => format!("{metric} has moved for some days: {value} on {on}; {expected} was to be expected"),
            View::Many => format!("{metric} has moved for weeks: {value} on {on}; {expected} was to be expected"),
            View::Season => {
                format!("{metric} is not what it is on this weekday: {value} on {on}; {expected} was to be expected")
            }
        }
    }
}

#[cfg(test)]
mod tests;

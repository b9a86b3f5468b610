//! What a rule may ask: the account, its past, its standing, and the time.

use crate::account::Account;
use crate::band::Band;
use crate::day::Day;
use crate::fixed::divide_half_even;
use crate::health::Health;
use crate::page::Bucket;
use crate::series::Series;
use crate::signal::{Fold, Metric};
use jiff::Timestamp;

/// Everything that a condition looks at.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// The account.
    pub account: &'a Account,
    /// What was measured.
    pub series: &'a Series,
    /// Its health, once it was scored.
    pub health: Option<&'a Health>,
    /// Its band, once it has one.
    pub standing: Option<Standing>,
    /// The moment of the evaluation.
    pub now: Timestamp,
}

impl<'a> Facts<'a> {
    /// The day of the evaluation.
    pub fn today(&self) -> Day {
        Day::of(self.now)
    }

    /// The days from `first` to `last` on which a metric has values.
    pub(super) fn days(&self, metric: Metric, first: Day, last: Day) -> impl Iterator<Item = (Day, Bucket)> + 'a {
        self.series.buckets(metric, first, last).iter().filter(|(_, bucket)| bucket.count > 0).copied()
    }

    /// The latest day, today at the latest, on which a metric has a value.
    pub(super) fn last_day_with(&self, metric: Metric) -> Option<Day> {
        self.series.last_day_with(metric, self.today())
    }
}

/// A day's value in millionths: the mean of a metric that is averaged, else what it amounts to.
pub(super) fn value(metric: Metric, bucket: Bucket) -> i128 {
    match metric.fold() {
        Fold::Mean => divide_half_even(i128::from(bucket.sum), i128::from(bucket.count)),
        Fold::Sum | Fold::Last | Fold::Max => i128::from(bucket.sum),
    }
}

/// Which band an account is in, and how it came there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// The band now.
    pub band: Band,
    /// The band before, if there was one.
    pub from: Option<Band>,
    /// Since when it is in this band.
    pub since: Timestamp,
    /// Too little data: fires nothing.
    pub provisional: bool,
}

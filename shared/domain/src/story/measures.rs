//! What an account's numbers come to, for those who compare accounts.

use crate::day::Day;
use crate::fixed::{Quantity, divide_half_even};
use crate::series::Series;
use crate::signal::Metric;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The metrics of which the latest value counts.
pub const LATEST: &[Metric] = &[
    Metric::LicensedUsers,
    Metric::FeatureAdoption,
    Metric::TrainingCompletion,
    Metric::CostSaving,
    Metric::TimeToValue,
    Metric::EffortReduction,
    Metric::ReferenceWillingness,
    Metric::RenewalProbability,
];
/// The metrics of which the mean of the last days counts.
pub const MEANS: &[Metric] =
    &[Metric::ActiveUsers, Metric::Logins, Metric::Uptime, Metric::ErrorRate, Metric::ResponseTime];
/// What people answer, with the highest value that is a complaint: six of ten does not recommend.
pub const ANSWERS: &[(Metric, Quantity)] = &[
    (Metric::NpsAnswer, Quantity::whole(6)),
    (Metric::NetPromoter, Quantity::whole(-1)),
    (Metric::Csat, Quantity::whole(59)),
    (Metric::Sentiment, Quantity::whole(-1)),
];
/// Over how many days a mean is taken.
const MEAN_DAYS: u32 = 28;
/// Over how many days answers are counted.
const ANSWER_DAYS: u32 = 90;

/// Whether anything that is kept follows from a metric.
pub fn measured(metric: Metric) -> bool {
    LATEST.contains(&metric) || MEANS.contains(&metric) || ANSWERS.iter().any(|(answer, _)| *answer == metric)
}

/// Answers of the last 90 days.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answers {
    /// How many.
    pub count: u64,
    /// Their sum, in millionths.
    pub sum: i64,
    /// On how many days they were a complaint on average.
    pub bad_days: u32,
    /// The last such day.
    pub last_bad: Option<Day>,
}

impl Answers {
    /// Their mean.
    pub fn mean(&self) -> Option<Quantity> {
        let micros = (self.count > 0).then(|| divide_half_even(i128::from(self.sum), i128::from(self.count)))?;
        i64::try_from(micros).ok().map(Quantity::from_micros)
    }
}

/// What an account's numbers come to: a function of its series alone, as of the newest day of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Measures {
    /// The newest day of the series.
    pub as_of: Day,
    /// The first day on which people had licences, as far as the series goes back.
    pub licensed_on: Option<Day>,
    /// The first day on which somebody used the product, as far as the series goes back.
    pub first_use: Option<Day>,
    /// By metric: the latest value, or the mean of the last 28 days.
    pub values: BTreeMap<Metric, Quantity>,
    /// What people answered in the last 90 days.
    pub answers: BTreeMap<Metric, Answers>,
}

impl Measures {
    /// What a series comes to; nothing where it is empty.
    pub fn of(series: &Series) -> Option<Self> {
        let as_of = series.newest()?;
        let first = |metric| {
            let all = series.buckets(metric, Day::from_number(i32::MIN), as_of);
            all.iter().find(|(_, bucket)| bucket.count > 0 && bucket.sum > 0).map(|(day, _)| *day)
        };
        let latest = LATEST.iter().filter_map(|metric| Some((*metric, series.latest(*metric, as_of)?.1)));
        let means = MEANS.iter().filter_map(|metric| Some((*metric, series.window(*metric, as_of, MEAN_DAYS).mean()?)));
        Some(Self {
            as_of,
            licensed_on: first(Metric::LicensedUsers),
            first_use: first(Metric::ActiveUsers),
            values: latest.chain(means).collect(),
            answers: ANSWERS
                .iter()
                .filter_map(|(metric, bad)| Some((*metric, answers(series, *metric, *bad)?)))
                .collect(),
        })
    }

    /// A value of which the latest or the mean is kept.
    pub fn value(&self, metric: Metric) -> Option<Quantity> {
        self.values.get(&metric).copied()
    }

    /// How many of the licensed people use the product on a day, in percent.
    pub fn active_percent(&self) -> Option<Quantity> {
        let (active, licensed) = (self.value(Metric::ActiveUsers)?, self.value(Metric::LicensedUsers)?);
        let micros = (licensed.micros() > 0)
            .then(|| divide_half_even(i128::from(active.micros()) * 100_000_000, i128::from(licensed.micros())))?;
        i64::try_from(micros).ok().map(Quantity::from_micros)
    }
}

fn answers(series: &Series, metric: Metric, bad: Quantity) -> Option<Answers> {
    let as_of = series.newest()?;
    let window = series.window(metric, as_of, ANSWER_DAYS);
    let back = i32::try_from(ANSWER_DAYS).unwrap_or(i32::MAX);
    let buckets = series.buckets(metric, as_of.plus(1_i32.saturating_sub(back)), as_of);
    let is_bad = |bucket: &crate::page::Bucket| {
        bucket.count > 0 && i128::from(bucket.sum) <= i128::from(bad.micros()) * i128::from(bucket.count)
    };
    let mut bad_days = buckets.iter().filter(|(_, bucket)| is_bad(bucket));
    (window.count > 0).then(|| Answers {
        count: window.count,
        sum: i64::try_from(window.sum).unwrap_or(i64::MAX),
        bad_days: u32::try_from(bad_days.clone().count()).unwrap_or(u32::MAX),
        last_bad: bad_days.next_back().map(|(day, _)| *day),
    })
}

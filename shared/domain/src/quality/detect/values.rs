//! Values: a metric whose level or spread has moved against its own past, or which repeats one value.
//!
//! Level: the median of the last week against the medians of the weeks before it, in robust standard deviations: of those
//! medians, of the days around them, and at least a tenth of the level; six of them, so at least 60 %. Weeks, because
//! weekdays differ. Spread: the median deviation of the last two weeks against every two weeks before. Whether the world
//! has changed or the source has, nobody can tell from here: it is a finding about data, and no risk.

use super::{Finding, Past, Verdict, Weight};
use crate::day::Day;
use crate::quality::statistics::{TO_DEVIATION, median, median_deviation};
use crate::series::Series;
use crate::signal::{Fold, Metric};

const WEEKS: i32 = 8;
const MINIMUM_WEEKS: usize = 4;
const MINIMUM_DAYS_OF_A_WEEK: usize = 4;
const DEVIATIONS: f64 = 6.0;
/// The least standard deviation, as a share of the level.
const LEAST_SHARE: f64 = 0.1;
/// Days, and times what was the largest spread.
const SPREAD_DAYS: i32 = 14;
const MINIMUM_DAYS_OF_A_SPREAD: usize = 10;
const SPREADS: f64 = 4.0;
/// The chance with which values that repeat themselves do so without a fault.
const CHANCE: f64 = 1e-6;

pub(super) fn verdict(past: &Past<'_>, series: &Series, metric: Metric) -> Verdict {
    let values = Values { series, metric, last: past.settled };
    let Some(level) = values.level() else {
        return Verdict::Insufficient(format!(
            "{MINIMUM_WEEKS} weeks are needed, and {MINIMUM_DAYS_OF_A_WEEK} days of the last"
        ));
    };
    match level.or_else(|| values.repeats()).or_else(|| values.spread()) {
        Some((days, text)) => {
            let since = past.settled.plus(1 - days);
            Verdict::Found(Finding { weight: Weight::Warning, since, text })
        }
        None => Verdict::Usual,
    }
}

struct Values<'a> {
    series: &'a Series,
    metric: Metric,
    last: Day,
}

/// For how many days it is so, and what.
type Found = Option<(i32, String)>;

impl Values<'_> {
    /// What is known of `days` days, `back` days before the last one.
    fn of(&self, days: i32, back: i32) -> Vec<f64> {
        let last = self.last.plus(-back);
        let buckets = self.series.buckets(self.metric, last.plus(1 - days), last).iter().map(|(_, bucket)| *bucket);
        let buckets = buckets.filter(|bucket| bucket.count > 0);
        #[expect(clippy::cast_precision_loss, reason = "statistics; what goes out is rounded")]
        let micros = buckets.map(|bucket| match self.metric.fold() {
            Fold::Mean => bucket.sum as f64 / f64::from(bucket.count),
            Fold::Sum | Fold::Last | Fold::Max => bucket.sum as f64,
        });
        micros.map(|micros| micros / 1e6).collect()
    }

    /// Nothing where too little is known.
    fn level(&self) -> Option<Found> {
        let enough = |week: &Vec<f64>| week.len() >= MINIMUM_DAYS_OF_A_WEEK;
        let now = median(&Some(self.of(7, 0)).filter(enough)?)?;
        let weeks: Vec<Vec<f64>> = (1..=WEEKS).map(|week| self.of(7, 7 * week)).filter(enough).collect();
        let levels: Vec<f64> = weeks.iter().filter_map(|week| median(week)).collect();
        let residual = |week: &Vec<f64>| {
            let middle = median(week).unwrap_or_default();
            week.iter().map(move |value| (value - middle).abs()).collect::<Vec<_>>()
        };
        let usual = median(&levels).filter(|level| levels.len() >= MINIMUM_WEEKS && *level != 0.0)?;
        let around = median(&weeks.iter().flat_map(residual).collect::<Vec<_>>())?;
        // The median of seven days varies by 1.2533 / √7 of what the days vary by.
        let scale = (TO_DEVIATION * median_deviation(&levels)?).max(TO_DEVIATION * around * 0.474);
        let scale = scale.max(LEAST_SHARE * usual.abs());
        let found = (now - usual).abs() >= DEVIATIONS * scale;
        let words = || (7, format!("is {} a day in the last week, usually {}", number(now), number(usual)));
        Some(found.then(words))
    }

    /// One value again and again, of a metric that hardly ever repeats one.
    fn repeats(&self) -> Found {
        let recent = self.of(SPREAD_DAYS, 0);
        let (last, before) = (recent.last()?, self.of(7 * WEEKS, SPREAD_DAYS));
        let run = recent.iter().rev().take_while(|value| *value == last).count();
        let same = before.windows(2).filter(|pair| pair.first() == pair.last()).count();
        if before.len() < 2 * MINIMUM_DAYS_OF_A_SPREAD || run < 5 {
            return None;
        }
        let count = |number: usize| f64::from(u32::try_from(number).unwrap_or(u32::MAX));
        let share = (count(same) + 1.0) / (count(before.len()) + 1.0);
        let chance = share.powi(i32::try_from(run).unwrap_or(i32::MAX).saturating_sub(1));
        let days = i32::try_from(run).unwrap_or(i32::MAX);
        (chance < CHANCE).then(|| {
            (
                days,
                format!("is {} on each of the last {run} days, and hardly ever repeated a value before", number(*last)),
            )
        })
    }

    fn spread(&self) -> Found {
        let spread = |back: i32| {
            let values = self.of(SPREAD_DAYS, back);
            median_deviation(&values).filter(|_| values.len() >= MINIMUM_DAYS_OF_A_SPREAD)
        };
        let (now, middle) = (spread(0)?, median(&self.of(SPREAD_DAYS, 0))?);
        let before: Vec<f64> = (1..=3).filter_map(|block| spread(SPREAD_DAYS * block)).collect();
        let largest =
            before.iter().copied().max_by(f64::total_cmp).filter(|largest| before.len() == 3 && *largest > 0.0)?;
        let found = now > SPREADS * largest && now > LEAST_SHARE * middle.abs();
        let words = || {
            format!("spreads by {} in the last {SPREAD_DAYS} days, by {} at most before", number(now), number(largest))
        };
        found.then(|| (SPREAD_DAYS, words()))
    }
}

/// Rounded to what people compare.
fn number(value: f64) -> String {
    let text = format!("{value:.2}");
    text.strip_suffix(".00").map_or(text.clone(), str::to_owned)
}

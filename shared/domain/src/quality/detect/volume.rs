//! Volume: the records of a day against the same weekday of the eight weeks before, by median and median deviation.
//!
//! A day is unusual when it has at most half or at least twice what is usual, lies four robust standard deviations off,
//! and six of those that mere counting has: a source of few records a day is never told for having had none.

use super::{Finding, Past, Verdict, Weight};
use crate::day::Day;
use crate::quality::statistics::{TO_DEVIATION, count_distance, median, median_deviation};

/// How many weeks are looked back.
const WEEKS: i32 = 8;
/// How many of them must be known.
const MINIMUM_WEEKS: usize = 4;
const DEVIATIONS: f64 = 4.0;
const COUNTING_DEVIATIONS: f64 = 6.0;

const NAMES: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

pub(super) fn verdict(past: &Past<'_>) -> Verdict {
    let day = past.settled;
    let known = same_weekday(past, day);
    let name = NAMES.get(usize::from(day.weekday())).copied().unwrap_or_default();
    let (Some(usual), Some(deviation)) = (median(&known), median_deviation(&known)) else {
        return Verdict::Insufficient(format!("no {name} is known before {day}"));
    };
    if known.len() < MINIMUM_WEEKS {
        return Verdict::Insufficient(format!("{} weeks are known, {MINIMUM_WEEKS} are needed", known.len()));
    }
    let records = f64::from(past.on(day).records());
    let scale = TO_DEVIATION * deviation.max(usual * relative_deviation(past, day));
    let is_far = (records - usual).abs() >= DEVIATIONS * scale
        && count_distance(records, usual).abs() >= COUNTING_DEVIATIONS
        && (records <= usual / 2.0 || records >= usual * 2.0);
    if !is_far {
        return Verdict::Usual;
    }
    let weight = if records <= usual / 10.0 { Weight::Severe } else { Weight::Warning };
    let text = format!("{records} records on {day}, usually {usual:.0} on a {name} ({} weeks)", known.len());
    Verdict::Found(Finding { weight, since: day, text })
}

/// What came on this weekday in the weeks before, as far back as the source is known.
fn same_weekday(past: &Past<'_>, day: Day) -> Vec<f64> {
    let Some((first, _)) = past.days.first() else {
        return Vec::new();
    };
    let days = (1..=WEEKS).map(|week| day.plus(-7 * week)).filter(|earlier| earlier >= first);
    days.map(|earlier| f64::from(past.on(earlier).records())).collect()
}

/// How far the days of the weeks before lay from what was usual on their weekdays, as a share of that.
fn relative_deviation(past: &Past<'_>, day: Day) -> f64 {
    let mut shares = Vec::new();
    for back in 0..7 {
        let known = same_weekday(past, day.plus(-back));
        let Some(usual) = median(&known).filter(|usual| *usual > 0.0) else { continue };
        shares.extend(known.iter().map(|records| (records - usual).abs() / usual));
    }
    median(&shares).unwrap_or_default()
}

//! Rates: the share of records that were refused for one reason in the last week, against the weeks before.
//!
//! A share is unusual when it is at least twice the usual one and two in a hundred more, and lies six standard deviations
//! off the share that both times together have. A source that always was like this is as ever, and its numbers say how
//! it is.

use super::{Finding, Past, Verdict, Weight};
use crate::quality::SourceDay;
use crate::quality::statistics::share_distance;

/// The days that are compared: the last week, today included.
const RECENT_DAYS: i32 = 7;
const MINIMUM_RECENT: u32 = 5;
const MINIMUM_BEFORE: u32 = 50;
const MINIMUM_DAYS_BEFORE: usize = 7;
const DEVIATIONS: f64 = 6.0;
const MINIMUM_RISE: f64 = 0.02;

/// Which records are counted.
#[derive(Clone, Copy)]
pub(super) enum Count {
    Missing,
    Invalid,
    Unfit,
}

impl Count {
    const fn of(self, day: SourceDay) -> u32 {
        match self {
            Self::Missing => day.missing,
            Self::Invalid => day.invalid,
            Self::Unfit => day.unfit,
        }
    }

    const fn words(self) -> &'static str {
        match self {
            Self::Missing => "lacked a field",
            Self::Invalid => "said what cannot be",
            Self::Unfit => "had a unit, a metric or a field that does not belong there",
        }
    }
}

pub(super) fn verdict(past: &Past<'_>, count: Count) -> Verdict {
    let first = past.today.plus(1 - RECENT_DAYS);
    let (before, recent) = past.days.split_at(past.days.partition_point(|(day, _)| *day < first));
    let sum = |days: &[(_, SourceDay)], of: &dyn Fn(SourceDay) -> u32| {
        days.iter().fold(0_u32, |sum, (_, day)| sum.saturating_add(of(*day)))
    };
    let (all, all_before) = (sum(recent, &|day| day.records()), sum(before, &|day| day.records()));
    if all_before < MINIMUM_BEFORE || before.len() < MINIMUM_DAYS_BEFORE {
        return Verdict::Insufficient(format!(
            "{all_before} records on {} days are known from before, {MINIMUM_BEFORE} on {MINIMUM_DAYS_BEFORE} are needed",
            before.len()
        ));
    }
    if all < MINIMUM_RECENT {
        return Verdict::Insufficient(format!("{all} records in {RECENT_DAYS} days, {MINIMUM_RECENT} are needed"));
    }
    let (hit, hit_before) = (sum(recent, &|day| count.of(day)), sum(before, &|day| count.of(day)));
    let (share, usual) = (f64::from(hit) / f64::from(all), f64::from(hit_before) / f64::from(all_before));
    let distance = share_distance((hit.into(), all.into()), (hit_before.into(), all_before.into()));
    if distance < DEVIATIONS || share < 2.0 * usual || share < usual + MINIMUM_RISE {
        return Verdict::Usual;
    }
    let since = recent.iter().find(|(_, day)| count.of(*day) > 0).map_or(first, |(day, _)| *day);
    let weight = if share >= 0.5 { Weight::Severe } else { Weight::Warning };
    let text = format!(
        "{hit} of {all} records in {RECENT_DAYS} days {} ({:.1} %), usually {:.1} %",
        count.words(),
        share * 100.0,
        usual * 100.0
    );
    Verdict::Found(Finding { weight, since, text })
}

//! Counts by month: bounded, and the same whatever the order in which they are told.

use super::Counts;
use crate::day::Day;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// How many months are kept: the latest one that something was counted in, and the year before it.
pub const KEPT_MONTHS: i32 = 13;

/// A month of the calendar, in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Month(i32);

impl Month {
    /// The month in which a moment lies.
    pub fn of(moment: Timestamp) -> Self {
        let date = TimeZone::UTC.to_datetime(moment).date();
        Self(i32::from(date.year()) * 12 + i32::from(date.month()) - 1)
    }

    /// Its first day.
    pub fn first_day(self) -> Day {
        // The years of a `Timestamp` are those of a date.
        format!("{self}-01").parse().unwrap_or_default()
    }

    /// The month so many months earlier.
    #[must_use]
    pub const fn before(self, months: i32) -> Self {
        Self(self.0.saturating_sub(months))
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.0.div_euclid(12), self.0.rem_euclid(12) + 1)
    }
}

/// What was counted, by month.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Monthly(BTreeMap<Month, Counts>);

impl Monthly {
    /// Counts what happened in a month. A month that is too old by then is forgotten, whether it is told first or last.
    pub fn add(&mut self, month: Month, counts: &Counts) {
        if counts.is_empty() {
            return;
        }
        self.0.entry(month).or_default().merge(counts);
        if let Some(latest) = self.0.keys().next_back().copied() {
            self.0 = self.0.split_off(&latest.before(KEPT_MONTHS - 1));
        }
    }

    /// What was counted from a month to another, both included.
    pub fn between(&self, from: Month, until: Month) -> Counts {
        let mut sum = Counts::default();
        if from <= until {
            self.0.range(from..=until).for_each(|(_, counts)| sum.merge(counts));
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::super::Counter;
    use super::*;
    use proptest::prelude::*;

    fn one(counter: Counter) -> Counts {
        let mut counts = Counts::default();
        counts.add(counter, 1);
        counts
    }

    #[test]
    fn a_month_is_told_by_its_year_and_number() {
        let month = Month::of("2026-01-31T23:59:59Z".parse().unwrap());
        assert_eq!((month.to_string(), month.before(1).to_string()), ("2026-01".into(), "2025-12".into()));
        assert_eq!(month.before(1).first_day().to_string(), "2025-12-01");
    }

    proptest! {
        #[test]
        fn any_order_gives_the_same_counts_and_they_are_those_of_the_latest_months(
            (all, shuffled) in prop::collection::vec((0_i32..40, 0_usize..3), 1..40)
                .prop_flat_map(|all| (Just(all.clone()), Just(all).prop_shuffle()))
        ) {
            let fold = |facts: &[(i32, usize)]| {
                let mut monthly = Monthly::default();
                for (month, counter) in facts {
                    monthly.add(Month(*month), &one(Counter::ALL[*counter]));
                }
                monthly
            };
            let (there, back) = (fold(&all), fold(&shuffled));
            prop_assert_eq!(&there, &back);
            let latest = all.iter().map(|(month, _)| *month).max().unwrap();
            for counter in 0..3 {
                let plain = all.iter().filter(|(month, one)| *one == counter && *month > latest - KEPT_MONTHS).count();
                let sum = there.between(Month(i32::MIN), Month(i32::MAX)).get(Counter::ALL[counter]);
                prop_assert_eq!(sum, plain as u64);
            }
        }
    }
}

//! Cohorts: customers who started in the same month, and what became of them month by month.

use super::{Ledger, Movements, share_of};
use crate::day::Day;
use crate::fixed::Quantity;
use jiff::civil::Date;
use jiff::{ToSpan as _, tz::TimeZone};
use std::collections::BTreeMap;

/// Customers who started in the same month.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cohort {
    /// The first day of that month.
    pub month: Date,
    /// How many started.
    pub customers: u64,
    /// What there was of them at the end of each later month that is over, the first one after the month of the start.
    pub ages: Vec<Age>,
}

/// What there is of a cohort after some months.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Age {
    /// How many months after the one of the start.
    pub months: u32,
    /// The share of customers that are still there, in one.
    pub logo: Option<Quantity>,
    /// The share of revenue that stayed, growth left out.
    pub gross: Option<Quantity>,
    /// With growth.
    pub net: Option<Quantity>,
}

/// Every month in which somebody started, the oldest first, as it stands at the end of `today`. Revenue is held against
/// what was paid at the end of the month of the start; who left in that month counts as left from the first age on.
pub fn cohorts<'a>(ledgers: impl IntoIterator<Item = &'a Ledger>, today: Day) -> Vec<Cohort> {
    let mut by_month: BTreeMap<Date, Vec<&Ledger>> = BTreeMap::new();
    for ledger in ledgers {
        if let Some(day) = ledger.started().filter(|day| *day <= today) {
            by_month.entry(month_of(day)).or_default().push(ledger);
        }
    }
    by_month.into_iter().map(|(month, ledgers)| cohort(month, &ledgers, today)).collect()
}

fn cohort(month: Date, ledgers: &[&Ledger], today: Day) -> Cohort {
    let customers = ledgers.len() as u64;
    let last_of = |months: u32| last_day(month, months);
    let ages = (1..).map_while(|months| {
        let (first, end) = (last_of(0)?, last_of(months).filter(|end| *end <= today)?);
        let there = ledgers.iter().filter(|ledger| ledger.on(end).cents() > 0).count() as u64;
        let moved =
            ledgers.iter().fold(Movements::default(), |sum, ledger| sum.plus(Movements::of(ledger, first, end)));
        Some(Age {
            months,
            logo: share_of(there, customers),
            gross: moved.gross_retention(),
            net: moved.net_retention(),
        })
    });
    Cohort { month, customers, ages: ages.collect() }
}

/// The first day of the month in which a day lies.
pub(super) fn month_of(day: Day) -> Date {
    day.start().to_zoned(TimeZone::UTC).date().first_of_month()
}

/// The last day of the month that lies so many months later.
fn last_day(month: Date, months: u32) -> Option<Day> {
    let last = month.checked_add(i64::from(months).months()).ok()?.last_of_month();
    last.to_zoned(TimeZone::UTC).ok().map(|start| Day::of(start.timestamp()))
}

#[cfg(test)]
mod tests {
    use super::super::tests::ledger;
    use super::*;

    fn day(text: &str) -> i32 {
        let date: Date = text.parse().unwrap();
        Day::of(date.to_zoned(TimeZone::UTC).unwrap().timestamp()).number()
    }

    fn told(cohort: &Cohort) -> Vec<String> {
        let text = |share: Option<Quantity>| share.map_or("-".to_owned(), |share| share.to_string());
        let line = |age: &Age| format!("{}: {} {} {}", age.months, text(age.logo), text(age.gross), text(age.net));
        cohort.ages.iter().map(line).collect()
    }

    #[test]
    fn a117_the_golden_table_of_cohorts() {
        let ledgers = [
            // January: 100 that grows to 150 in March, 300 that leaves in February, 400 that halves in March.
            ledger(&[(day("2026-01-10"), 100), (day("2026-03-05"), 150)]),
            ledger(&[(day("2026-01-31"), 300), (day("2026-02-28"), 0)]),
            ledger(&[(day("2026-01-01"), 400), (day("2026-03-31"), 200)]),
            // February: one that left in its first month, one that stays.
            ledger(&[(day("2026-02-02"), 50), (day("2026-02-20"), 0)]),
            ledger(&[(day("2026-02-03"), 70)]),
            // After today.
            ledger(&[(day("2026-05-01"), 70)]),
        ];
        let cohorts = cohorts(&ledgers, Day::from_number(day("2026-04-29")));
        let months: Vec<String> =
            cohorts.iter().map(|cohort| format!("{} {}", cohort.month, cohort.customers)).collect();
        assert_eq!(months, ["2026-01-01 3", "2026-02-01 2"]);
        // 800 at the end of January: 500 of it stayed in February, 100 + 200 in March, 350 with growth.
        assert_eq!(told(&cohorts[0]), ["1: 0.666667 0.625 0.625", "2: 0.666667 0.375 0.4375"]);
        assert_eq!(told(&cohorts[1]), ["1: 0.5 1 1"], "April is not over");
    }
}

//! What customers pay and how that moves: movements between two days, retention of revenue and of customers, and cohorts
//! by the month in which a customer started.
//!
//! A [`Ledger`] holds what one account paid a year from each day on. Everything else is added up from ledgers in whole
//! cents, so the identity holds to the cent: what there was at the end is what there was at the beginning, with what is
//! new, came back and grew, without what shrank and left. Gross retention is what stayed of the revenue at the beginning,
//! growth left out; net retention counts growth too. Neither counts customers who were not there at the beginning
//! (<https://www.saasmetricsboard.com/net-revenue-retention>).

mod cohort;
mod renewal;

pub use cohort::{Age, Cohort, cohorts};
pub use renewal::{
    Backtest, Due, Expected, Forecast, INTERVAL_PERCENT, LEAST_OUTCOMES, Outcome, PastRenewal, SETTLED_AFTER_DAYS,
    forecast,
};

use crate::account::Money;
use crate::day::Day;
use crate::fixed::{ONE, Quantity, divide_half_even};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The most changes that a ledger keeps: those of six years of months. The oldest is forgotten first, but for the first
/// payment, which says when the customer started.
pub const MAX_LEVELS: usize = 72;

/// What an account pays a year, from each day on until the next.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Ledger(BTreeMap<Day, Level>);

/// What was said last on a day: of the same moment, the larger amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Level {
    at: Timestamp,
    arr: Money,
}

impl Ledger {
    /// From a moment on the account pays so much a year; nothing where it left. Told twice it is the same, and it may be
    /// told in any order. Says whether the ledger is another one now.
    pub fn set(&mut self, at: Timestamp, arr: Money) -> bool {
        let (day, level) = (Day::of(at), Level { at, arr });
        if self.0.get(&day).is_some_and(|known| *known >= level) {
            return false;
        }
        self.0.insert(day, level);
        while self.0.len() > MAX_LEVELS {
            let started = self.started();
            let oldest = self.0.keys().copied().find(|day| Some(*day) != started);
            oldest.and_then(|day| self.0.remove(&day));
        }
        self.0.get(&day) == Some(&level)
    }

    /// What it paid a year at the end of a day.
    pub fn on(&self, day: Day) -> Money {
        self.0.range(..=day).next_back().map(|(_, level)| level.arr).unwrap_or_default()
    }

    /// The first day on which it paid.
    pub fn started(&self) -> Option<Day> {
        self.0.iter().find(|(_, level)| level.arr.cents() > 0).map(|(day, _)| *day)
    }
}

/// What moved between the ends of two days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Movements {
    /// What was paid a year at the beginning.
    pub start: Money,
    /// What came from customers who had never paid before.
    pub new: Money,
    /// What came from customers who had left before the beginning.
    pub returned: Money,
    /// By how much those who were there at the beginning pay more.
    pub expansion: Money,
    /// By how much they pay less and stay.
    pub contraction: Money,
    /// What those paid who left.
    pub churn: Money,
    /// What is paid a year at the end.
    pub end: Money,
    /// How many customers there were at the beginning.
    pub customers: u64,
    /// How many of them left.
    pub left: u64,
}

impl Movements {
    /// One account's movement from the end of one day to the end of another.
    pub fn of(ledger: &Ledger, from: Day, until: Day) -> Self {
        let (start, end) = (ledger.on(from), ledger.on(until));
        let mut moved = Self { start, end, customers: u64::from(start.cents() > 0), ..Self::default() };
        let change = Money::from_cents(end.cents().saturating_sub(start.cents()));
        let loss = Money::from_cents(start.cents().saturating_sub(end.cents()));
        match (start.cents() > 0, end.cents() > 0) {
            (false, true) if ledger.started().is_some_and(|day| day <= from) => moved.returned = change,
            (false, true) => moved.new = change,
            (true, false) => (moved.churn, moved.left) = (loss, 1),
            (true, true) if change.cents() > 0 => moved.expansion = change,
            (true, true) => moved.contraction = loss,
            (false, false) => {}
        }
        moved
    }

    /// Two portfolios' movements, added.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self {
            start: add(self.start, other.start),
            new: add(self.new, other.new),
            returned: add(self.returned, other.returned),
            expansion: add(self.expansion, other.expansion),
            contraction: add(self.contraction, other.contraction),
            churn: add(self.churn, other.churn),
            end: add(self.end, other.end),
            customers: self.customers.saturating_add(other.customers),
            left: self.left.saturating_add(other.left),
        }
    }

    /// Gross revenue retention: the share of the revenue at the beginning that stayed, in one; none without any.
    pub fn gross_retention(&self) -> Option<Quantity> {
        share(self.start.cents() - self.contraction.cents() - self.churn.cents(), self.start.cents())
    }

    /// Net revenue retention: with what those who were there pay more.
    pub fn net_retention(&self) -> Option<Quantity> {
        let stayed = self.start.cents() - self.contraction.cents() - self.churn.cents();
        share(stayed + self.expansion.cents(), self.start.cents())
    }

    /// Logo retention: the share of customers that stayed.
    pub fn logo_retention(&self) -> Option<Quantity> {
        share_of(self.customers.saturating_sub(self.left), self.customers)
    }
}

/// What moved in a portfolio.
pub fn movements<'a>(ledgers: impl IntoIterator<Item = &'a Ledger>, from: Day, until: Day) -> Movements {
    ledgers.into_iter().fold(Movements::default(), |sum, ledger| sum.plus(Movements::of(ledger, from, until)))
}

const fn add(one: Money, other: Money) -> Money {
    Money::from_cents(one.cents().saturating_add(other.cents()))
}

/// A part of a whole, in one, rounded half to even at the sixth place.
pub fn share(part: i64, whole: i64) -> Option<Quantity> {
    let micros = (whole > 0).then(|| divide_half_even(i128::from(part) * i128::from(ONE), i128::from(whole)))?;
    i64::try_from(micros).ok().map(Quantity::from_micros)
}

fn share_of(part: u64, whole: u64) -> Option<Quantity> {
    share(i64::try_from(part).ok()?, i64::try_from(whole).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    pub(super) fn ledger(levels: &[(i32, i64)]) -> Ledger {
        let mut ledger = Ledger::default();
        levels.iter().for_each(|(day, dollars)| {
            ledger.set(Day::from_number(*day).start(), Money::from_cents(dollars * 100));
        });
        ledger
    }

    fn dollars(money: Money) -> i64 {
        money.cents() / 100
    }

    fn between(ledgers: &[Ledger], from: i32, until: i32) -> Movements {
        movements(ledgers, Day::from_number(from), Day::from_number(until))
    }

    #[test]
    fn a126_the_golden_table_of_movements_gives_gross_and_net_retention() {
        let ledgers = [
            ledger(&[(0, 100)]),
            ledger(&[(0, 200), (40, 260)]),
            ledger(&[(0, 300), (50, 250)]),
            ledger(&[(0, 400), (60, 0)]),
            ledger(&[(70, 90)]),
            ledger(&[(-90, 50), (-10, 0), (80, 70)]),
        ];
        let moved = between(&ledgers, 30, 120);
        let told = [moved.start, moved.new, moved.returned, moved.expansion, moved.contraction, moved.churn, moved.end];
        assert_eq!(told.map(dollars), [1000, 90, 70, 60, 50, 400, 770]);
        assert_eq!(moved.gross_retention().unwrap().to_string(), "0.55");
        assert_eq!(moved.net_retention().unwrap().to_string(), "0.61");
        assert_eq!((moved.customers, moved.left), (4, 1));
        assert_eq!(moved.logo_retention().unwrap().to_string(), "0.75");
    }

    #[test]
    fn of_one_day_what_was_said_last_stands_whichever_came_first() {
        let at = |seconds| Timestamp::from_second(seconds).unwrap();
        for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0]] {
            let mut ledger = Ledger::default();
            let said = [(at(10), 5), (at(20), 7), (at(20), 6)];
            order.iter().for_each(|index| {
                ledger.set(said[*index].0, Money::from_cents(said[*index].1));
            });
            assert_eq!(ledger.on(Day::from_number(0)).cents(), 7, "{order:?}");
            assert!(!ledger.set(at(10), Money::from_cents(9)), "an older word comes late");
        }
    }

    #[test]
    fn without_revenue_at_the_beginning_there_is_no_retention() {
        let moved = between(&[ledger(&[(70, 90)])], 30, 120);
        assert_eq!((moved.gross_retention(), moved.net_retention(), moved.logo_retention()), (None, None, None));
    }

    #[test]
    fn a_ledger_forgets_its_oldest_changes_and_never_its_start() {
        let many = i32::try_from(MAX_LEVELS).unwrap() * 2;
        let full = ledger(&(0..many).map(|day| (day, 100 + i64::from(day))).collect::<Vec<_>>());
        assert_eq!(full.started(), Some(Day::from_number(0)));
        assert_eq!(dollars(full.on(Day::from_number(many))), i64::from(99 + many));
        assert_eq!(full.0.len(), MAX_LEVELS);
    }

    proptest! {
        #[test]
        fn a126_the_identity_holds_to_the_cent_and_any_order_gives_the_same(
            histories in prop::collection::vec(prop::collection::btree_map(0_i32..400, 0_i64..5_000, 0..8), 0..12),
            from in 0_i32..400,
            days in 0_i32..200,
        ) {
            let ledgers: Vec<Ledger> = histories.iter().map(|history| ledger(&history.clone().into_iter().collect::<Vec<_>>())).collect();
            let backwards: Vec<Ledger> =
                histories.iter().map(|history| ledger(&history.clone().into_iter().rev().collect::<Vec<_>>())).collect();
            prop_assert_eq!(&ledgers, &backwards);
            let moved = between(&ledgers, from, from + days);
            let came = moved.new.cents() + moved.returned.cents() + moved.expansion.cents();
            let went = moved.contraction.cents() + moved.churn.cents();
            prop_assert_eq!(moved.start.cents() + came - went, moved.end.cents());
            // A plain recomputation from the histories.
            let level = |history: &BTreeMap<i32, i64>, day: i32| history.range(..=day).next_back().map_or(0, |(_, arr)| *arr);
            let stayed: i64 = histories.iter().map(|history| level(history, from).min(level(history, from + days))).sum();
            let start: i64 = histories.iter().map(|history| level(history, from)).sum();
            prop_assert_eq!(moved.gross_retention(), share(stayed, start));
            if let (Some(gross), Some(net)) = (moved.gross_retention(), moved.net_retention()) {
                prop_assert!(gross <= net && gross.micros() <= ONE, "{} {}", gross, net);
            }
        }
    }
}

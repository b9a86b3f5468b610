//! The sample portfolio: sixty accounts over 180 days, made on the fly from a seed, with what was planted in it.
//!
//! The same seed gives the same records, byte for byte, on every machine; each day is made without the days before it.
//! The records come as a real feed would bring them: about one in ten twice, late by up to three days, or out of order.
//! Every record is valid when it arrives. The sample starts on Monday, 2026-01-05.

mod assess;
mod desk;
mod dice;
mod relations;
mod story;
mod support;
mod usage;

pub use assess::{Assessment, Seen, assess, by_rule};

use contract::signal::{AccountBody, SignalBody};
use desk::Desk;
use domain::day::Day;
use domain::id::AccountId;
use jiff::Timestamp;
use serde::Serialize;
use story::Actor;

/// How many accounts the sample has.
pub const ACCOUNTS: usize = 60;
/// How many days it lasts.
pub const DAYS: i32 = 180;
/// The first day, a Monday.
pub const START: Day = Day::from_number(20_458);
/// The seed where none is given.
pub const DEFAULT_SEED: u64 = 1;
/// What [`Seen::rule`] is for a clock of a case that ran out.
pub const SLA_BREACH: &str = "sla-breach";

/// What [`Seen::rule`] is for an unusual day of a metric.
pub fn unusual(metric: &str) -> String {
    format!("unusual {metric}")
}

/// How late a record may come, in days.
const LATEST_DAYS: i32 = 3;

/// Something that the generator put into the sample, and what the system should make of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Planted {
    /// In which account.
    pub account: AccountId,
    /// What should be seen.
    pub what: What,
    /// The first day on which it may be seen.
    pub from: Day,
    /// The day by which it must be seen.
    pub by: Day,
}

/// What should be seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// This rule fires, or [`SLA_BREACH`].
    Rule(String),
    /// Nothing, however it looks.
    Nothing,
}

/// A record on its way in.
#[derive(Debug, Clone, PartialEq)]
pub struct Arrival {
    /// When it arrives: never before it was so.
    pub at: Timestamp,
    /// The record.
    pub signal: SignalBody,
}

/// The sample under one seed.
#[derive(Debug, Clone)]
pub struct Portfolio {
    /// The accounts as they are on the first day.
    pub accounts: Vec<(AccountId, AccountBody)>,
    /// The first day.
    pub start: Day,
    /// What was planted, by account.
    pub planted: Vec<Planted>,
    seed: u64,
    cast: Vec<Actor>,
}

impl Portfolio {
    /// The sample under this seed.
    pub fn generate(seed: u64) -> Self {
        let cast = story::cast(seed, START);
        Self {
            accounts: cast.iter().map(|actor| (actor.id.clone(), actor.body.clone())).collect(),
            start: START,
            planted: cast.iter().flat_map(|actor| actor.planted(START)).collect(),
            seed,
            cast,
        }
    }

    /// The last day.
    pub const fn end(&self) -> Day {
        self.start.plus(DAYS - 1)
    }

    /// The accounts whose description changes on this day, as the CRM would put them: a stage is reached, a contract is
    /// renewed or ends. The first day's descriptions are [`Portfolio::accounts`].
    pub fn changes_of(&self, day: Day) -> Vec<(AccountId, AccountBody)> {
        let day = day.since(self.start);
        let changed = |actor: &Actor| Some((actor.id.clone(), actor.change(day, self.start)?));
        if (1..DAYS).contains(&day) { self.cast.iter().filter_map(changed).collect() } else { Vec::new() }
    }

    /// The records that arrive on this day, in the order of their arrival. Days outside the sample have none.
    pub fn signals_of(&self, day: Day) -> Vec<SignalBody> {
        self.arrivals_of(day).into_iter().map(|arrival| arrival.signal).collect()
    }

    /// The records that arrive on this day with the time of their arrival, in that order.
    pub fn arrivals_of(&self, day: Day) -> Vec<Arrival> {
        let number = day.since(self.start);
        if !(0..DAYS).contains(&number) {
            return Vec::new();
        }
        let mut arrivals: Vec<Arrival> = ((number - LATEST_DAYS - 1).max(0)..=number)
            .flat_map(|written| self.cast.iter().flat_map(move |actor| self.written(actor, written)))
            .filter(|arrival| Day::of(arrival.at) == day)
            .collect();
        arrivals.sort_by(|a, b| {
            let key = |arrival: &Arrival| {
                (arrival.at, arrival.signal.account.clone(), arrival.signal.source.clone(), arrival.signal.id.clone())
            };
            key(a).cmp(&key(b))
        });
        arrivals
    }

    /// The records of what happened to one account on one day, whenever they arrive.
    fn written(&self, actor: &Actor, day: i32) -> Vec<Arrival> {
        let desk = Desk { seed: self.seed, start: self.start, actor, day };
        let mut records = usage::records(&desk);
        records.extend(relations::records(&desk));
        records.extend(support::records(&desk));
        let mut dice = desk.dice(90);
        records.into_iter().flat_map(|record| arrivals(&mut dice, record)).collect()
    }
}

/// One record in ten comes twice, late or a little after its neighbours. Cases do not come late: a late answer to a case
/// would be a breach of its clock, and rightly so.
fn arrivals(dice: &mut dice::Dice, signal: SignalBody) -> Vec<Arrival> {
    const HOUR: i64 = 3_600;
    let fate = dice.between(0, 999);
    let (late, apart) = (dice.between(24 * HOUR, i64::from(LATEST_DAYS) * 24 * HOUR), dice.between(60, 48 * HOUR));
    let after = |seconds: i64| {
        let at = Timestamp::from_second(signal.at.as_second() + seconds).unwrap_or(signal.at);
        Arrival { at, signal: signal.clone() }
    };
    match fate {
        0..34 => vec![after(0), after(apart)],
        34..67 if signal.case.is_none() => vec![after(late)],
        67..100 if signal.case.is_none() => vec![after(apart % (3 * HOUR))],
        _ => vec![after(0)],
    }
}

#[cfg(test)]
mod tests;

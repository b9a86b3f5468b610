//! The quality of what the sources send: what each day of each source amounted to, and what follows from it.
//!
//! [`Quality`] keeps [`WINDOW_DAYS`] days of every source: how many records came, how many were refused and for what,
//! which metrics they reported, in which hours they lie. It is a function of the set of the days' pages: setting days in
//! any order, any number of times, gives the same bytes. Its size depends on the sources alone. Those of many accounts
//! add up ([`Quality::add`]), so one type serves an account and a tenant. What is unusual in it is found by [`detect`],
//! who is silent by [`silence`], and [`score`] makes one number of it.
//!
//! All of it goes by the moments that records name, not by those at which they came: that is the price of being the same
//! in any order. A source that delivers a week of days at once looks silent in between.

pub mod detect;
pub mod score;
pub mod silence;
mod statistics;
mod stored;

use crate::day::Day;
use crate::id::SourceId;
use crate::signal::Metric;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// How many days are kept, the newest included: eight weeks to compare with, and the one that is compared.
pub const WINDOW_DAYS: i32 = 63;

/// Why a record was refused, as far as the quality of its source is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// A field that is needed is not there, or null.
    Missing,
    /// Its shape is another one: a unit, a metric or a field that does not belong there.
    Unfit,
    /// What it says cannot be.
    Invalid,
}

/// What one source said of one account, or of all accounts of a tenant, on one UTC day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SourceDay {
    /// Records that were taken in.
    pub accepted: u32,
    /// Records that lacked a field.
    pub missing: u32,
    /// Records of another shape.
    pub unfit: u32,
    /// Records that say what cannot be.
    pub invalid: u32,
    /// The metrics that were reported: one bit for each of the catalogue, in its order.
    metrics: u64,
    /// The hours in which the records lie: one bit for each.
    hours: u32,
}

impl SourceDay {
    /// One more record that was taken in.
    pub fn accept(&mut self, metric: Metric, at: Timestamp) {
        self.accepted = self.accepted.saturating_add(1);
        self.metrics |= bit(metric);
        self.hours |= 1 << at.as_second().div_euclid(3600).rem_euclid(24);
    }

    /// One more record that was refused.
    pub const fn refuse(&mut self, why: Refusal) {
        let count = match why {
            Refusal::Missing => &mut self.missing,
            Refusal::Unfit => &mut self.unfit,
            Refusal::Invalid => &mut self.invalid,
        };
        *count = count.saturating_add(1);
    }

    /// All records that came.
    pub const fn records(&self) -> u32 {
        self.accepted.saturating_add(self.missing).saturating_add(self.unfit).saturating_add(self.invalid)
    }

    /// Whether this metric was reported.
    pub const fn reports(&self, metric: Metric) -> bool {
        self.metrics & bit(metric) != 0
    }

    const fn plus(self, other: Self) -> Self {
        Self {
            accepted: self.accepted.saturating_add(other.accepted),
            missing: self.missing.saturating_add(other.missing),
            unfit: self.unfit.saturating_add(other.unfit),
            invalid: self.invalid.saturating_add(other.invalid),
            metrics: self.metrics | other.metrics,
            hours: self.hours | other.hours,
        }
    }
}

const fn bit(metric: Metric) -> u64 {
    1 << metric as u32
}

/// The days of every source.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "stored::Quality", into = "stored::Quality")]
pub struct Quality {
    newest: Option<Day>,
    /// By day, ascending. Never an empty list, never a day without a record.
    sources: BTreeMap<SourceId, Vec<(Day, SourceDay)>>,
}

impl Quality {
    /// Puts what a day amounted to in the place of what was known of it. Says whether anything is another now.
    pub fn set(&mut self, day: Day, told: &BTreeMap<SourceId, SourceDay>) -> bool {
        if self.newest.is_some_and(|newest| newest.since(day) >= WINDOW_DAYS) {
            return false;
        }
        let named: BTreeSet<SourceId> = self.sources.keys().chain(told.keys()).cloned().collect();
        let mut changed = false;
        for source in named {
            let amount = told.get(&source).copied().filter(|day| day.records() > 0);
            changed |= put(self.sources.entry(source).or_default(), day, amount);
        }
        self.advance(day);
        changed
    }

    /// Adds what is known of other accounts. The order in which they are added makes no difference.
    pub fn add(&mut self, other: &Self) {
        for (source, days) in &other.sources {
            let own = self.sources.entry(source.clone()).or_default();
            for (day, amount) in days {
                let sum = find(own, *day).map_or(*amount, |known| known.plus(*amount));
                put(own, *day, Some(sum));
            }
        }
        if let Some(newest) = other.newest {
            self.advance(newest);
        }
    }

    /// Forgets what is older than the window, which ends with the newest day.
    fn advance(&mut self, day: Day) {
        let newest = self.newest.map_or(day, |newest| newest.max(day));
        self.newest = Some(newest);
        let first = newest.plus(1 - WINDOW_DAYS);
        for days in self.sources.values_mut() {
            days.drain(..days.partition_point(|(day, _)| *day < first));
        }
        self.sources.retain(|_, days| !days.is_empty());
    }

    /// Whether nothing is known.
    pub const fn is_empty(&self) -> bool {
        self.newest.is_none()
    }

    /// Who has sent anything.
    pub fn sources(&self) -> impl Iterator<Item = &SourceId> {
        self.sources.keys()
    }

    /// The days of a source, ascending.
    pub fn days(&self, source: &SourceId) -> &[(Day, SourceDay)] {
        self.sources.get(source).map_or(&[], Vec::as_slice)
    }

    /// This source alone.
    #[must_use]
    pub fn only(&self, source: &SourceId) -> Self {
        let days = self.sources.get(source).map(|days| (source.clone(), days.clone()));
        Self { newest: self.newest, sources: days.into_iter().collect() }
    }

    /// Whether this source reports a metric that no other one reports.
    fn is_alone_with(&self, source: &SourceId, metric: Metric) -> bool {
        let reports = |days: &[(Day, SourceDay)]| days.iter().any(|(_, day)| day.reports(metric));
        self.sources.iter().all(|(other, days)| reports(days) == (other == source))
    }
}

/// What is known of a day.
fn find(days: &[(Day, SourceDay)], day: Day) -> Option<SourceDay> {
    let place = days.binary_search_by_key(&day, |(day, _)| *day).ok()?;
    days.get(place).map(|(_, amount)| *amount)
}

fn put(days: &mut Vec<(Day, SourceDay)>, day: Day, amount: Option<SourceDay>) -> bool {
    match (days.binary_search_by_key(&day, |(day, _)| *day), amount) {
        (Ok(place), None) => drop(days.remove(place)),
        (Err(place), Some(amount)) => days.insert(place, (day, amount)),
        (Ok(place), Some(amount)) => match days.get_mut(place) {
            Some((_, known)) if *known != amount => *known = amount,
            _ => return false,
        },
        (Err(_), None) => return false,
    }
    true
}

#[cfg(test)]
mod tests;

//! What an account was: its band at the end of each week, what was begun for it, and what became of that.
//!
//! All of it is bounded, and all of it is a function of the set of what was told: the latest stays, whatever the order.

use crate::band::Band;
use crate::day::{Day, SECONDS};
use crate::id::{CtaId, ExperimentId};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// How many weeks are kept, besides where the account was before them.
pub const KEPT_WEEKS: i32 = 53;
/// The most of each kind of moment that is kept, the latest.
pub const KEPT_MOMENTS: usize = 60;

/// Where an account is in the portfolio.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// It was not scored yet.
    Unscored,
    /// Its score is from too little data.
    Provisional,
    /// In a band.
    In(Band),
    /// It is no customer any more.
    Left,
}

/// Where it was at some moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Seen {
    at: Timestamp,
    place: Place,
}

/// What an account was.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Past {
    first_heard: Option<Timestamp>,
    /// By the Monday of each week, where it was last.
    weeks: BTreeMap<Day, Seen>,
    rises: BTreeSet<Timestamp>,
    losses: BTreeSet<Timestamp>,
    risks: BTreeSet<(Timestamp, CtaId)>,
    held_out: BTreeSet<(Timestamp, ExperimentId)>,
    opportunities: BTreeSet<(Timestamp, CtaId)>,
    first_opportunity: Option<Timestamp>,
    renewals: BTreeSet<Day>,
}

/// What became of something that was begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Its days are not over.
    Pending,
    /// The account rose in its days, and is a customer still.
    Succeeded,
    /// It did not.
    Failed,
}

impl Past {
    /// The account was heard of.
    pub(super) fn heard(&mut self, at: Timestamp) -> bool {
        earliest(&mut self.first_heard, at)
    }

    /// It was in a place.
    pub(super) fn was(&mut self, at: Timestamp, place: Place) -> bool {
        let lost = place == Place::Left && keep(&mut self.losses, at);
        self.was_last(Seen { at, place }) || lost
    }

    fn was_last(&mut self, seen: Seen) -> bool {
        let week = monday(Day::of(seen.at));
        if self.weeks.get(&week).is_some_and(|known| *known >= seen) {
            return false;
        }
        self.weeks.insert(week, seen);
        let latest = self.weeks.keys().next_back().copied().unwrap_or(week);
        let first = latest.plus(-7 * (KEPT_WEEKS - 1));
        // Where it was before the first week that is kept is where it was at its beginning.
        let before: Vec<Day> = self.weeks.range(..first).map(|(week, _)| *week).collect();
        before.iter().rev().skip(1).for_each(|week| {
            self.weeks.remove(week);
        });
        self.weeks.get(&week) == Some(&seen)
    }

    /// It rose to a better band.
    pub(super) fn rose(&mut self, at: Timestamp) -> bool {
        keep(&mut self.rises, at)
    }

    /// Something was begun about a risk.
    pub(super) fn begun(&mut self, at: Timestamp, cta: CtaId) -> bool {
        keep(&mut self.risks, (at, cta))
    }

    /// Nothing was begun, so that it can be seen what happens then.
    pub(super) fn held_out(&mut self, at: Timestamp, experiment: ExperimentId) -> bool {
        keep(&mut self.held_out, (at, experiment))
    }

    /// An opportunity was found.
    pub(super) fn opportunity(&mut self, at: Timestamp, cta: CtaId) -> bool {
        let first = earliest(&mut self.first_opportunity, at);
        keep(&mut self.opportunities, (at, cta)) || first
    }

    /// A day was named on which its contract ends.
    pub(super) fn renewal(&mut self, on: Day) -> bool {
        keep(&mut self.renewals, on)
    }

    /// Where it was at the end of a day's week; nothing where nothing was heard of it by the end of that day.
    pub fn place(&self, day: Day) -> Option<Place> {
        let seen = self.weeks.range(..=monday(day)).next_back().map(|(_, seen)| seen.place);
        let was_heard = self.first_heard.is_some_and(|at| Day::of(at) <= day);
        seen.or(was_heard.then_some(Place::Unscored))
    }

    /// The band in which it was at the end of a day's week.
    pub fn band(&self, day: Day) -> Option<Band> {
        match self.place(day)? {
            Place::In(band) => Some(band),
            Place::Unscored | Place::Provisional | Place::Left => None,
        }
    }

    /// What became of the risks since a moment that something was begun about, within so many days each.
    pub fn interventions(&self, since: Timestamp, days: i32, now: Timestamp) -> impl Iterator<Item = Verdict> {
        self.risks.iter().filter(move |(at, _)| *at >= since).map(move |(at, _)| self.judge(*at, days, now))
    }

    /// What became of it where nothing was begun, within the same days.
    pub fn without(&self, since: Timestamp, days: i32, now: Timestamp) -> impl Iterator<Item = Verdict> {
        self.held_out.iter().filter(move |(at, _)| *at >= since).map(move |(at, _)| self.judge(*at, days, now))
    }

    /// When opportunities were found.
    pub fn opportunities(&self) -> impl Iterator<Item = Timestamp> {
        self.opportunities.iter().map(|(at, _)| *at)
    }

    /// When the first one was found.
    pub const fn first_opportunity(&self) -> Option<Timestamp> {
        self.first_opportunity
    }

    /// The days that were named for the end of its contract, the earliest first.
    pub fn renewals(&self) -> impl Iterator<Item = Day> {
        self.renewals.iter().copied()
    }

    fn judge(&self, began: Timestamp, days: i32, now: Timestamp) -> Verdict {
        let window = SignedDuration::from_secs(i64::from(days) * SECONDS);
        let Some(end) = began.checked_add(window).ok().filter(|end| *end <= now) else { return Verdict::Pending };
        let inside = |moments: &BTreeSet<Timestamp>| moments.range(began..=end).any(|at| *at > began);
        if inside(&self.rises) && !inside(&self.losses) { Verdict::Succeeded } else { Verdict::Failed }
    }
}

/// The Monday of a day's week.
pub fn monday(day: Day) -> Day {
    day.plus(-i32::from(day.weekday()))
}

fn earliest(field: &mut Option<Timestamp>, at: Timestamp) -> bool {
    let earlier = field.is_none_or(|known| at < known);
    if earlier {
        *field = Some(at);
    }
    earlier
}

fn keep<T: Ord + Clone>(all: &mut BTreeSet<T>, one: T) -> bool {
    let new = all.insert(one.clone());
    if all.len() > KEPT_MOMENTS {
        all.pop_first();
    }
    new && all.contains(&one)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn day(text: &str) -> Day {
        text.parse().unwrap()
    }

    fn cta(name: &str) -> CtaId {
        CtaId::new(name).unwrap()
    }

    #[test]
    fn a_week_says_where_an_account_was_at_its_end_and_those_after_it_the_same() {
        let mut past = Past::default();
        past.heard(at("2026-01-07T10:00:00Z"));
        past.was(at("2026-01-15T10:00:00Z"), Place::In(Band::Healthy));
        past.was(at("2026-01-13T10:00:00Z"), Place::In(Band::Critical));
        let told = |text| past.place(day(text));
        assert_eq!(told("2026-01-06"), None, "nothing was heard of it by then");
        assert_eq!(told("2026-01-11"), Some(Place::Unscored));
        assert_eq!(told("2026-01-18"), Some(Place::In(Band::Healthy)), "the last of the week");
        assert_eq!(told("2026-03-01"), Some(Place::In(Band::Healthy)));
    }

    #[test]
    fn what_is_older_than_the_weeks_that_are_kept_is_where_they_begin() {
        let mut past = Past::default();
        let first = day("2025-01-06");
        for week in 0..70 {
            let place = if week % 2 == 0 { Place::In(Band::Healthy) } else { Place::In(Band::AtRisk) };
            past.was(first.plus(7 * week).start(), place);
        }
        assert_eq!(past.weeks.len(), usize::try_from(KEPT_WEEKS).unwrap() + 1);
        assert_eq!(past.band(first.plus(7 * 17)), Some(Band::AtRisk), "the week of number 16 is kept as the beginning");
        assert!(!past.was(first.start(), Place::Provisional), "what is older yet changes nothing");
    }

    #[test]
    fn a23_a_success_is_a_rise_within_the_days_and_no_loss() {
        let mut past = Past::default();
        let now = at("2026-03-01T00:00:00Z");
        past.begun(at("2026-01-01T00:00:00Z"), cta("a"));
        past.begun(at("2026-02-15T00:00:00Z"), cta("b"));
        past.held_out(at("2026-01-01T00:00:00Z"), ExperimentId::new("calls").unwrap());
        let judged = |past: &Past| -> Vec<Verdict> { past.interventions(Timestamp::MIN, 30, now).collect() };
        past.rose(at("2026-01-01T00:00:00Z"));
        past.rose(at("2026-01-31T00:00:01Z"));
        assert_eq!(judged(&past), [Verdict::Failed, Verdict::Pending], "neither before nor after the days");
        past.rose(at("2026-01-31T00:00:00Z"));
        assert_eq!(judged(&past), [Verdict::Succeeded, Verdict::Pending]);
        assert_eq!(past.without(Timestamp::MIN, 30, now).collect::<Vec<_>>(), [Verdict::Succeeded]);
        past.was(at("2026-01-20T00:00:00Z"), Place::Left);
        assert_eq!(judged(&past), [Verdict::Failed, Verdict::Pending], "who left was not won back");
        assert_eq!(past.interventions(at("2026-02-01T00:00:00Z"), 30, now).count(), 1);
    }
}

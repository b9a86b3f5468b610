//! Two scorecards side by side over a portfolio: who would be in another band, how often each raises an alert, and, where
//! it is recorded who left, which of them saw it coming ([`judgement`]).
//!
//! Each account is scored by both at steps of days through the same past; between two looks the score is taken to have
//! been what the later one says, so bands with their margins and dwells follow as by daily runs. What is compared is what
//! the scorecards compute: people's words are left out. Of the past so are caps and measures that count in some stages or
//! before the renewal alone, for it is not kept which cases were open, in which stage an account was, and when it would
//! have renewed: what became of it later must not be known to its earlier scores. Where all data have aged, the last score
//! stands as provisional. What accounts come to adds up in any order and stays small, however large the portfolio.

mod judgement;

pub use judgement::Judgement;

use crate::account::{Account, LifecycleStage, Money};
use crate::band::{Band, BandState, advance};
use crate::day::{Day, SECONDS};
use crate::fixed::Points;
use crate::health::{Inputs, Overrides, compute, compute_past};
use crate::id::AccountId;
use crate::record::AccountRecord;
use crate::scorecard::Scorecard;
use crate::series::Series;
use crate::signal::Metric;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The longest past that is looked at, in days: older days are forgotten.
pub const MAX_DAYS: u16 = 365;
/// The longest step, in days.
pub const MAX_STEP: u16 = 28;
/// How many accounts are named.
pub const MOVERS: usize = 20;

/// What a comparison looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// How many days of the past.
    pub days: u16,
    /// Every so many days an account is scored; with 1 as often as daily runs do.
    pub step_days: u16,
    /// A score is judged by whether the account left within so many days after it.
    pub horizon_days: u16,
    /// An account in this band or a lower one is an alert.
    pub alert_at: Band,
}

impl Terms {
    /// What is wrong with them: the field, and why.
    pub fn faults(&self) -> Vec<(&'static str, String)> {
        let fault = |name, value: u16, least: u16, most: u16| {
            (value < least || value > most).then(|| (name, format!("is {value}; give {least} to {most}")))
        };
        let champions = (self.alert_at == Band::Champion)
            .then(|| ("alert_at", "is champion, so that everybody is an alert; give a lower band".to_owned()));
        let days = fault("days", self.days, 7, MAX_DAYS);
        if days.is_some() {
            // What the others may be depends on it.
            return days.into_iter().chain(champions).collect();
        }
        let step = fault("step_days", self.step_days, 1, MAX_STEP.min(self.days));
        // What the horizon may be depends on both.
        let horizon = if step.is_some() { None } else { fault("horizon_days", self.horizon_days, 1, self.earliest()) };
        step.into_iter().chain(horizon).chain(champions).collect()
    }

    /// How many days ago the earliest look lies.
    pub const fn earliest(&self) -> u16 {
        let step = if self.step_days == 0 { 1 } else { self.step_days };
        self.days / step * step
    }

    /// How many days ago each look lies, the earliest first.
    fn looks(&self) -> impl Iterator<Item = u16> {
        let step = self.step_days.max(1);
        (0..=self.days / step).rev().map(move |number| number.saturating_mul(step))
    }

    /// How many days ago the look lies that is judged: the last one of which it is known what came within the horizon. It
    /// is the same one for everybody, so that those who left are not judged by a later day than those who stayed.
    const fn judged_look(&self) -> u16 {
        let step = if self.step_days == 0 { 1 } else { self.step_days };
        self.horizon_days.div_ceil(step).saturating_mul(step)
    }
}

/// What two scorecards make of a portfolio. Accounts add up in any order.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Comparison {
    /// Customers that were scored by either.
    pub accounts: u64,
    /// Customers of which neither knows anything within the days.
    pub unscored: u64,
    /// Accounts that have left.
    pub left: u64,
    /// Those of them of which nobody recorded when: nothing is judged by them.
    pub left_undated: u64,
    /// How many are in which band by the one and by the other, in the order of the bands.
    pub moves: Vec<Move>,
    /// Those whose score differs most.
    pub movers: Vec<Mover>,
    /// How many are scored by both.
    pub scored_by_both: u64,
    /// By how much their scores differ, candidate less today's, added up in millionths.
    pub shift_micros: i64,
    /// By the scorecard that holds.
    pub today: Side,
    /// By the candidate.
    pub candidate: Side,
}

/// What one of the scorecards makes of a portfolio.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Side {
    /// How often an account fell into the alert bands within the days.
    pub alerts: u64,
    /// How many customers are there today.
    pub alerting: u64,
    /// How many have too little data today.
    pub provisional: u64,
    /// How well it told who would leave.
    pub judgement: Judgement,
}

/// How many accounts are in one band by today's scorecard and in another by the candidate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Move {
    /// By today's; none where it has no band.
    pub from: Option<Band>,
    /// By the candidate.
    pub to: Option<Band>,
    /// How many.
    pub accounts: u64,
    /// What they pay in a year.
    pub arr: Money,
}

/// An account whose score differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mover {
    /// Which account.
    pub account: AccountId,
    /// Its score by today's scorecard.
    pub today: Points,
    /// Its score by the candidate.
    pub candidate: Points,
    /// Its band by today's scorecard.
    pub from: Option<Band>,
    /// Its band by the candidate.
    pub to: Option<Band>,
}

impl Mover {
    const fn difference(&self) -> i64 {
        self.candidate.minus(self.today).micros()
    }
}

impl Comparison {
    /// What one account comes to.
    pub fn of(
        account: &Account,
        record: &AccountRecord,
        [today, candidate]: [&Scorecard; 2],
        terms: &Terms,
        now: Timestamp,
    ) -> Self {
        let mut sum = Self::default();
        let left_on = left_on(account, record, Day::of(now));
        let left = left_on.is_some() || account.stage == LifecycleStage::Churned;
        let course = |scorecard| Course::of(account, record, scorecard, terms, left_on, now);
        if left && left_on.is_none() {
            return Self { left: 1, left_undated: 1, ..sum };
        }
        let courses = [course(today), course(candidate)];
        for (side, course) in [&mut sum.today, &mut sum.candidate].into_iter().zip(&courses) {
            side.add_course(course, left_on, terms, now);
        }
        if left {
            return Self { left: 1, ..sum };
        }
        let [by_today, by_candidate] = courses.map(|course| course.last);
        sum.add_today(account, by_today, by_candidate);
        sum
    }

    /// Where a customer stands today by both.
    fn add_today(&mut self, account: &Account, today: Option<Look>, candidate: Option<Look>) {
        if today.is_none() && candidate.is_none() {
            self.unscored = 1;
            return;
        }
        self.accounts = 1;
        let band = |look: Option<Look>| look.and_then(|look| look.band);
        let (from, to) = (band(today), band(candidate));
        self.moves.push(Move { from, to, accounts: 1, arr: account.arr });
        if let (Some(today), Some(candidate)) = (today, candidate) {
            let mover = Mover { account: account.id.clone(), today: today.score, candidate: candidate.score, from, to };
            self.scored_by_both = 1;
            self.shift_micros = mover.difference();
            self.movers.extend((mover.difference() != 0).then_some(mover));
        }
    }

    /// Adds what other accounts come to.
    pub fn add(&mut self, other: Self) {
        self.accounts += other.accounts;
        self.unscored += other.unscored;
        self.left += other.left;
        self.left_undated += other.left_undated;
        self.scored_by_both += other.scored_by_both;
        self.shift_micros = self.shift_micros.saturating_add(other.shift_micros);
        self.today.add(other.today);
        self.candidate.add(other.candidate);
        let mut moves: BTreeMap<(Option<Band>, Option<Band>), (u64, i64)> = BTreeMap::new();
        for moved in self.moves.drain(..).chain(other.moves) {
            let (accounts, cents) = moves.entry((moved.from, moved.to)).or_default();
            *accounts += moved.accounts;
            *cents = cents.saturating_add(moved.arr.cents());
        }
        let moved = |((from, to), (accounts, cents))| Move { from, to, accounts, arr: Money::from_cents(cents) };
        self.moves = moves.into_iter().map(moved).collect();
        self.movers.extend(other.movers);
        self.movers.sort_by(|one, other| {
            let by = |mover: &Mover| std::cmp::Reverse(mover.difference().saturating_abs());
            by(one).cmp(&by(other)).then_with(|| one.account.cmp(&other.account))
        });
        self.movers.truncate(MOVERS);
    }

    /// How many customers would be in another band.
    pub fn changed_band(&self) -> u64 {
        self.moves.iter().filter(|moved| moved.from != moved.to).map(|moved| moved.accounts).sum()
    }
}

impl Side {
    fn add_course(&mut self, course: &Course, left_on: Option<Day>, terms: &Terms, now: Timestamp) {
        self.alerts += course.alerts;
        if left_on.is_none() {
            self.alerting += u64::from(course.last.is_some_and(|look| look.alerting));
            self.provisional += u64::from(course.last.is_some_and(|look| look.provisional));
        }
        if let Some(day) = left_on.filter(|day| Day::of(now).since(*day) < i32::from(terms.days)) {
            let looked_at = i32::from(terms.earliest()) - Day::of(now).since(day);
            self.judgement.add_leaver(course.alerting_since.map(|since| day.since(since)), looked_at);
        }
        // Whoever had left before the judged look has none.
        if let Some((looked_on, look)) = &course.judged {
            let leaves = left_on.is_some_and(|day| day.since(*looked_on) <= i32::from(terms.horizon_days));
            self.judgement.add_judged(leaves, look.map(|look| (look.score, look.alerting)));
        }
    }

    fn add(&mut self, other: Self) {
        self.alerts += other.alerts;
        self.alerting += other.alerting;
        self.provisional += other.provisional;
        self.judgement.add(other.judgement);
    }
}

/// How an account stood at a look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Look {
    score: Points,
    band: Option<Band>,
    provisional: bool,
    alerting: bool,
}

/// An account's way through the looks, by one scorecard.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Course {
    /// How it stands at the last look.
    last: Option<Look>,
    /// How often it fell into the alert bands.
    alerts: u64,
    /// Since when it has been there, if it is.
    alerting_since: Option<Day>,
    /// The look that is judged, with its day, if it was a customer then of whom anything was known.
    judged: Option<(Day, Option<Look>)>,
}

impl Course {
    fn of(
        account: &Account,
        record: &AccountRecord,
        scorecard: &Scorecard,
        terms: &Terms,
        left_on: Option<Day>,
        now: Timestamp,
    ) -> Self {
        let mut course = Self::default();
        let mut band: Option<BandState> = None;
        let nobodys = Overrides::default();
        for back in terms.looks() {
            let Ok(then) = now.checked_sub(SignedDuration::from_secs(i64::from(back) * SECONDS)) else { continue };
            let day = Day::of(then);
            if left_on.is_some_and(|left_on| day >= left_on) {
                break;
            }
            let is_today = back == 0;
            let open_critical_case = is_today && record.has_open_critical_case();
            let inputs = Inputs { series: &record.series, account, scorecard, open_critical_case, overrides: &nobodys };
            let health = if is_today { compute(&inputs, then) } else { compute_past(&inputs, then) };
            let look = health.map(|health| {
                if !health.provisional {
                    let bands = scorecard.bands();
                    let runs = 0..terms.step_days.min(bands.dwell_runs.into()).max(1);
                    band = Some(band.map_or_else(
                        || BandState::at_rest(bands.of(health.score)),
                        |state| runs.fold(state, |state, _| advance(state, health.score, true, bands)),
                    ));
                }
                let band = band.map(|state| state.band);
                let alerting = band.is_some_and(|band| band <= terms.alert_at);
                Look { score: health.score, band, provisional: health.provisional, alerting }
            });
            course.see(day, look, back == terms.earliest());
            if back == terms.judged_look() && was_known(&record.series, day) {
                course.judged = Some((day, course.last));
            }
        }
        course
    }

    /// Where nothing is known any more the last score stands, as provisional.
    fn see(&mut self, day: Day, look: Option<Look>, is_first: bool) {
        let stands = self.last.map(|last| Look { provisional: true, ..last });
        let Some(now) = look.or(stands) else { return };
        // Whoever comes into sight there falls into it; whoever is there at the first look has been there before.
        let was_there = is_first || self.last.is_some_and(|last| last.alerting);
        self.alerts += u64::from(now.alerting && !was_there);
        self.alerting_since = if now.alerting { self.alerting_since.or(Some(day)) } else { None };
        self.last = Some(now);
    }
}

/// The day on which an account left, if that is recorded: the first of those on which its contract has been worth nothing
/// until now. Where it never was worth anything, the stage says whether it has left: a pilot is worth nothing either.
pub(crate) fn left_on(account: &Account, record: &AccountRecord, today: Day) -> Option<Day> {
    let contracts = record.series.buckets(Metric::ContractValue, Day::from_number(i32::MIN), today).iter().rev();
    let known: Vec<_> = contracts.filter(|(_, bucket)| bucket.count > 0).collect();
    let was_worth = known.iter().any(|(_, bucket)| bucket.sum > 0);
    let nothing = known.iter().take_while(|(_, bucket)| bucket.sum == 0).last().map(|(day, _)| *day);
    nothing.filter(|_| was_worth || account.stage == LifecycleStage::Churned)
}

/// Whether anything was known on this day: else the account was not there yet.
pub(crate) fn was_known(series: &Series, day: Day) -> bool {
    series.metrics().any(|metric| series.last_known_day(metric, day).is_some())
}

#[cfg(test)]
mod tests;

//! Two rule sets side by side over a portfolio: which calls to action each would have open now, who would be asked to do
//! how much, which rules would be held back, and, over days of the past, how often each would have asked and which of
//! those who left it saw coming.
//!
//! Now is the account as it is, with the calls to action that are open: both sets decide about it once ([`decide`]). The past
//! is gone through look by look from a clean slate, on the facts up to each look and on the scores that were kept then; the
//! description of an account is the one of today, for the one of then is not kept, and one that has left is looked at as a
//! customer until the day on which it left. Nothing is done with any of it. What accounts come to adds up in any order and
//! stays small, however large the portfolio.

mod panel;
mod replay;

pub use panel::{Panel, People};
pub use replay::Scored;

use crate::account::{Account, LifecycleStage};
use crate::comparison::{Judgement, left_on};
use crate::cta::{Cta, Episodes, decide};
use crate::day::Day;
use crate::digest::Digest;
use crate::health::Health;
use crate::id::{AccountId, RuleId, TenantId};
use crate::record::AccountRecord;
use crate::rule::{Facts, RuleSet, Standing, Truth};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The longest past that is replayed, in days: older days are forgotten.
pub const MAX_DAYS: u16 = 365;
/// The longest step, in days.
pub const MAX_STEP: u16 = 28;
/// How many changes are named.
pub const NAMED: usize = 100;

/// Which part of the past is replayed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// The last day that is replayed.
    pub until: Day,
    /// How many days before it; none where the past is not replayed.
    pub days: u16,
    /// Every so many days both sets look.
    pub step_days: u16,
    /// Whoever had a call to action about a risk is judged by whether it left within so many days.
    pub horizon_days: u16,
}

impl Terms {
    /// What is wrong with them today: the field, and why.
    pub fn faults(&self, today: Day) -> Vec<(&'static str, String)> {
        let mut faults = Vec::new();
        let mut within = |name, value: u16, least: u16, most: u16| {
            if value < least || value > most {
                faults.push((name, format!("is {value}; give {least} to {most}")));
            }
        };
        within("days", self.days, 0, MAX_DAYS);
        within("step_days", self.step_days, 1, MAX_STEP);
        if self.days > 0 && self.days <= MAX_DAYS {
            within("horizon_days", self.horizon_days, 1, self.days);
        }
        let ago = today.since(self.until);
        if ago < 0 || ago + i32::from(self.days) > i32::from(MAX_DAYS) {
            let reason = format!("is {}; what is replayed has to lie within the last {MAX_DAYS} days", self.until);
            faults.push(("until", reason));
        }
        faults
    }

    /// How many days before the end each look lies, the earliest first.
    fn looks(&self) -> impl Iterator<Item = u16> {
        let step = self.step_days.max(1);
        let looks = if self.days == 0 { 0 } else { self.days / step + 1 };
        (0..looks).rev().map(move |number| number.saturating_mul(step))
    }

    /// How many days before the end the earliest look lies.
    const fn earliest(&self) -> u16 {
        let step = if self.step_days == 0 { 1 } else { self.step_days };
        self.days / step * step
    }

    /// How many days before the end the look lies that is judged: the last one of which it is known what came.
    const fn judged_look(&self) -> u16 {
        let step = if self.step_days == 0 { 1 } else { self.step_days };
        self.horizon_days.div_ceil(step).saturating_mul(step)
    }
}

/// What is known of an account.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// Its tenant.
    pub tenant: &'a TenantId,
    /// As the CRM describes it.
    pub account: &'a Account,
    /// What came in about it.
    pub record: &'a AccountRecord,
    /// Its health now.
    pub health: Option<&'a Health>,
    /// Its band now.
    pub standing: Option<Standing>,
    /// Its calls to action now.
    pub episodes: &'a Episodes,
    /// Its scores of the past, the earliest first.
    pub scores: &'a [Scored],
}

/// What two rule sets make of a portfolio, the active one first. Accounts add up in any order.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Backtest {
    /// Customers that were looked at.
    pub accounts: u64,
    /// Accounts that have left.
    pub left: u64,
    /// Those of them of which nobody recorded when: nothing is judged by them.
    pub left_undated: u64,
    /// What each rule comes to.
    pub rules: BTreeMap<RuleId, [Tally; 2]>,
    /// What would be another call to action now, the most urgent first.
    pub changes: Vec<Change>,
    /// How much each person would have been asked, or is asked at once where nothing was replayed.
    pub people: People,
    /// How well each told who would leave.
    pub judgements: [Judgement; 2],
    /// What the candidate said of some of the accounts.
    pub panel: Panel,
}

/// What a rule comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Tally {
    /// Customers on which its call to action would be open or snoozed now.
    pub live: u64,
    /// Those of them on which it would be opened now.
    pub opens: u64,
    /// Customers of which it cannot say anything.
    pub unknown: u64,
    /// Those of them of which it could, were the data fresh.
    pub stale: u64,
    /// How often it would have opened or reopened in the days that were replayed.
    pub opened: u64,
}

/// A call to action that one set would have now and the other not, or not with the same priority.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// The account.
    pub account: AccountId,
    /// The rule.
    pub rule: RuleId,
    /// Its priority by the active set, if it would be live.
    pub before: Option<i64>,
    /// Its priority by the candidate, if it would be live.
    pub after: Option<i64>,
}

impl Change {
    fn weight(&self) -> i64 {
        self.before.unwrap_or(0).max(self.after.unwrap_or(0))
    }
}

/// What a set has live on an account now.
struct Live {
    priorities: BTreeMap<RuleId, i64>,
    opened: Vec<RuleId>,
    unknown: Vec<(RuleId, bool)>,
}

impl Backtest {
    /// What one account comes to.
    pub fn of(known: &Known<'_>, sets: [&RuleSet; 2], terms: &Terms, now: Timestamp) -> Self {
        let mut sum = Self::default();
        let Known { account, record, .. } = *known;
        let today = Day::of(now);
        let left_on = left_on(account, record, today);
        let left = left_on.is_some() || account.stage == LifecycleStage::Churned;
        if left {
            sum.left = 1;
            sum.left_undated = u64::from(left_on.is_none());
        } else {
            sum.accounts = 1;
            sum.add_now(known, sets, terms, now);
        }
        if terms.days > 0 && (!left || left_on.is_some()) {
            for (side, set) in sets.into_iter().enumerate() {
                sum.add_past(known, set, side, terms, left_on);
            }
        }
        sum
    }

    fn add_now(&mut self, known: &Known<'_>, sets: [&RuleSet; 2], terms: &Terms, now: Timestamp) {
        let live = sets.map(|set| live(known, set, now));
        for (side, live) in live.iter().enumerate() {
            for rule in live.priorities.keys() {
                self.tally(rule, side, |tally| tally.live += 1);
            }
            for rule in &live.opened {
                self.tally(rule, side, |tally| tally.opens += 1);
                if terms.days == 0 {
                    self.people.add(known.account.owner.as_ref(), side);
                }
            }
            for (rule, stale) in &live.unknown {
                self.tally(rule, side, |tally| {
                    tally.unknown += 1;
                    tally.stale += u64::from(*stale);
                });
            }
        }
        let [before, after] = &live;
        let rules = before
            .priorities
            .keys()
            .chain(after.priorities.keys().filter(|rule| !before.priorities.contains_key(*rule)));
        for rule in rules {
            let change = Change {
                account: known.account.id.clone(),
                rule: rule.clone(),
                before: before.priorities.get(rule).copied(),
                after: after.priorities.get(rule).copied(),
            };
            if change.before != change.after {
                self.changes.push(change);
            }
        }
        self.panel.add(&known.account.id, fingerprint(&after.priorities));
    }

    fn add_past(&mut self, known: &Known<'_>, set: &RuleSet, side: usize, terms: &Terms, left_on: Option<Day>) {
        let course = replay::course(known, set, terms, left_on);
        for rule in course.opened {
            self.tally(&rule, side, |tally| tally.opened += 1);
            self.people.add(known.account.owner.as_ref(), side);
        }
        let Some(judgement) = self.judgements.get_mut(side) else { return };
        if let Some(day) = left_on.filter(|day| (0..i32::from(terms.days)).contains(&terms.until.since(*day))) {
            let looked_at = i32::from(terms.earliest()) - terms.until.since(day);
            judgement.add_leaver(course.at_risk_since.map(|since| day.since(since)), looked_at);
        }
        if let Some((day, at_risk)) = course.judged {
            let leaves = left_on.is_some_and(|left| left.since(day) <= i32::from(terms.horizon_days));
            judgement.add_verdict(leaves, at_risk);
        }
    }

    fn tally(&mut self, rule: &RuleId, side: usize, change: impl FnOnce(&mut Tally)) {
        let sides = self.rules.entry(rule.clone()).or_default();
        if let Some(tally) = sides.get_mut(side) {
            change(tally);
        }
    }

    /// Adds what other accounts come to.
    pub fn add(&mut self, other: Self) {
        self.accounts += other.accounts;
        self.left += other.left;
        self.left_undated += other.left_undated;
        for (rule, sides) in other.rules {
            for (side, more) in sides.into_iter().enumerate() {
                self.tally(&rule, side, |tally| tally.add(more));
            }
        }
        self.changes.extend(other.changes);
        let order = |change: &Change| (std::cmp::Reverse(change.weight()), change.account.clone(), change.rule.clone());
        self.changes.sort_by_cached_key(order);
        self.changes.truncate(NAMED);
        self.people.join(other.people);
        let [active, candidate] = &mut self.judgements;
        let [more_active, more_candidate] = other.judgements;
        active.add(more_active);
        candidate.add(more_candidate);
        self.panel.join(other.panel);
    }

    /// The rules that the candidate holds back, each with why.
    pub fn held(&self, limits: &crate::rulebook::Limits) -> BTreeMap<RuleId, crate::rulebook::Cause> {
        let judged = |(rule, [_, candidate]): (&RuleId, &[Tally; 2])| {
            let cause = limits.judge(candidate.opens, candidate.stale, self.accounts)?;
            Some((rule.clone(), cause))
        };
        self.rules.iter().filter_map(judged).collect()
    }
}

impl Tally {
    const fn add(&mut self, other: Self) {
        self.live += other.live;
        self.opens += other.opens;
        self.unknown += other.unknown;
        self.stale += other.stale;
        self.opened += other.opened;
    }
}

/// What a set would have live on an account, were it to decide now.
fn live(known: &Known<'_>, set: &RuleSet, now: Timestamp) -> Live {
    let Known { tenant, account, record, health, standing, episodes, .. } = *known;
    let facts = Facts { account, series: &record.series, health, standing, now };
    let look = set.look(&facts);
    let decision = decide(tenant, account, set, episodes, &look.outcomes(), now);
    let stale = stale(set, &facts);
    let unknown = look.said().filter(|said| said.when == Truth::Unknown);
    let unknown = unknown.map(|said| (said.rule.id.clone(), stale.contains(&said.rule.id)));
    let priority = |cta: &Cta| (cta.rule.clone(), cta.priority);
    Live {
        opened: decision.opened().cloned().collect(),
        unknown: unknown.collect(),
        priorities: decision.episodes.live().into_iter().map(priority).collect(),
    }
}

/// The rules that can say nothing of an account because data that they rest on have aged: on the day of those data they
/// said something. Where there never was enough nothing has aged.
pub fn stale<'a>(set: &'a RuleSet, facts: &Facts<'_>) -> BTreeSet<&'a RuleId> {
    let look = set.look(facts);
    let mut unknown: BTreeMap<i32, BTreeSet<&RuleId>> = BTreeMap::new();
    for said in look.said().filter(|said| said.when == Truth::Unknown) {
        for step in look.trace(&said.rule.id).into_iter().filter(|step| step.truth == Truth::Unknown) {
            if let Some(age) = step.age_days.filter(|age| *age > 0) {
                unknown.entry(age).or_default().insert(&said.rule.id);
            }
        }
    }
    let said_then = |(age, rules): (i32, BTreeSet<&'a RuleId>)| {
        let now = facts.now.checked_sub(SignedDuration::from_hours(24 * i64::from(age))).unwrap_or(facts.now);
        let then = set.look(&Facts { now, ..*facts });
        let known = then.said().filter(|said| said.when != Truth::Unknown).map(|said| &said.rule.id);
        known.filter(|rule| rules.contains(rule)).collect::<Vec<_>>()
    };
    unknown.into_iter().flat_map(said_then).collect()
}

/// What the candidate has live on an account now: compared with what was written down of some when it was tried, it tells
/// how much the portfolio has changed.
pub fn said_of(known: &Known<'_>, candidate: &RuleSet, now: Timestamp) -> Digest {
    fingerprint(&live(known, candidate, now).priorities)
}

/// Which rules have something live: what an account pays may change without another rule speaking.
fn fingerprint(priorities: &BTreeMap<RuleId, i64>) -> Digest {
    Digest::of("live rules", priorities.keys().map(RuleId::as_str))
}

#[cfg(test)]
mod tests;

//! When a playbook may begin on an account. Every reason against it is named at once.

use super::Playbook;
use super::step::RENEWAL;
use crate::account::LifecycleStage;
use crate::day::Day;
use crate::rule::{Condition, CtaKind, Facts, Truth};
use jiff::Timestamp;
use serde::Serialize;
use std::collections::BTreeSet;

/// When a playbook may begin.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Entry {
    /// Only where this is true; unknown is not true.
    pub when: Option<Condition>,
    /// Not while a call to action of these kinds is to be done.
    pub not_while_open: BTreeSet<CtaKind>,
    /// Only when the account has been in its stage of life for so many days.
    pub days_in_stage: u32,
    /// Not again within so many days after it ended.
    pub again_after_days: u32,
}

/// What is known of an account when somebody wants to begin a playbook.
#[derive(Debug, Clone, Copy)]
pub struct Situation<'a> {
    /// The account.
    pub facts: Facts<'a>,
    /// The kinds of the calls to action that are to be done.
    pub open: &'a BTreeSet<CtaKind>,
    /// Since when the account has been in its stage.
    pub in_stage_since: Option<Timestamp>,
    /// Whether this playbook runs on this account.
    pub is_running: bool,
    /// When it last ended on this account.
    pub ended_at: Option<Timestamp>,
}

/// Why a playbook may not begin now.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Closed {
    /// One at a time.
    #[error("it is running on this account already")]
    Running,
    /// The condition is false.
    #[error("its condition is not met: {0}")]
    Condition(String),
    /// The condition cannot be answered.
    #[error("its condition is not known to be met: {0}")]
    Unknown(String),
    /// Something else comes first.
    #[error("a call to action of the kind `{}` is to be done first", .0.name())]
    Cta(CtaKind),
    /// The account came into its stage too short a time ago.
    #[error("the account has been `{stage}` {since}; it has to be so for {needed} days")]
    Stage {
        /// The stage.
        stage: &'static str,
        /// For how long, in plain words.
        since: String,
        /// For how many days it has to be.
        needed: u32,
    },
    /// It ended too short a time ago.
    #[error("it ended on {0} and may not begin again before {1}")]
    Again(Day, Day),
    /// Its days are counted from a date that nobody knows.
    #[error("the account has no `{RENEWAL}`, and days of this playbook are counted from it")]
    NoRenewal,
    /// Only what brings customers back begins with somebody who left.
    #[error("the account is no customer any more")]
    Churned,
}

/// Every reason against beginning now.
pub fn refusals(playbook: &Playbook, situation: &Situation<'_>) -> Vec<Closed> {
    let (entry, facts) = (&playbook.entry, &situation.facts);
    let today = facts.today();
    let mut refusals = Vec::new();
    if situation.is_running {
        refusals.push(Closed::Running);
    }
    match &entry.when {
        Some(condition) => refusals.extend(condition_refuses(condition, facts)),
        None if facts.account.stage == LifecycleStage::Churned => refusals.push(Closed::Churned),
        None => {}
    }
    refusals.extend(entry.not_while_open.intersection(situation.open).copied().map(Closed::Cta));
    let days = |since: Timestamp| today.since(Day::of(since));
    let long_enough = situation.in_stage_since.is_some_and(|since| days(since) >= signed(entry.days_in_stage));
    if entry.days_in_stage > 0 && !long_enough {
        let since = situation.in_stage_since.map_or_else(
            || "for a time that is not known".to_owned(),
            |since| format!("since {}, {} days", Day::of(since), days(since)),
        );
        let stage = facts.account.stage.name();
        refusals.push(Closed::Stage { stage, since, needed: entry.days_in_stage });
    }
    if let Some(ended) = situation.ended_at.map(Day::of) {
        let again = ended.plus(signed(entry.again_after_days));
        if today < again {
            refusals.push(Closed::Again(ended, again));
        }
    }
    if playbook.needs_renewal() && facts.account.renewal_on.is_none() {
        refusals.push(Closed::NoRenewal);
    }
    refusals
}

fn condition_refuses(condition: &Condition, facts: &Facts<'_>) -> Option<Closed> {
    let verdict = condition.evaluate(facts);
    let why = verdict.reasons().join("; ");
    match verdict.truth {
        Truth::True => None,
        Truth::False => Some(Closed::Condition(why)),
        Truth::Unknown => Some(Closed::Unknown(why)),
    }
}

fn signed(days: u32) -> i32 {
    i32::try_from(days).unwrap_or(i32::MAX)
}

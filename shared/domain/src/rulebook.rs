//! Which rules hold for a tenant, and which of them a kill switch holds back.
//!
//! A rule that would open calls to action on too large a share of the portfolio, or that could say nothing of too many
//! accounts because their data have aged, is held: it opens nothing and refires nothing, what it had opened goes its way,
//! and it is told. It stays held until a person releases it, or activates rules by a dry run that looked at it since.

use crate::digest::Digest;
use crate::id::{CauseId, PersonId, RuleId};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How long after a release a rule is not held again: what it would open then has time to be opened.
pub const RELEASED_FOR: SignedDuration = SignedDuration::from_hours(24);
/// The oldest dry run by which rules can be activated.
pub const TRIED_WITHIN: SignedDuration = SignedDuration::from_hours(24 * 7);

/// When a rule is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// The largest share of the portfolio on which a rule may open calls to action within a day, in percent.
    pub opens_percent: u64,
    /// On so many accounts it may in any case: a small portfolio has large shares.
    pub opens_at_least: u64,
    /// The largest share of the portfolio whose data may be too old for it, in percent.
    pub stale_percent: u64,
    /// On so many accounts they may in any case.
    pub stale_at_least: u64,
    /// The largest share of the portfolio that may have changed between a dry run and its activation, in percent.
    pub changed_percent: u64,
}

impl Limits {
    /// What holds where nothing else is said.
    pub const DEFAULT: Self =
        Self { opens_percent: 10, opens_at_least: 10, stale_percent: 50, stale_at_least: 10, changed_percent: 10 };

    /// Whether a rule that would open on so many accounts, and whose data have aged on so many, is held.
    pub fn judge(&self, opens: u64, stale: u64, customers: u64) -> Option<Cause> {
        if opens > self.opens_at_least && opens * 100 > customers * self.opens_percent {
            return Some(Cause::Flood { opens, customers });
        }
        let is_stale = stale > self.stale_at_least && stale * 100 > customers * self.stale_percent;
        is_stale.then_some(Cause::Stale { accounts: stale, customers })
    }
}

/// Why a rule is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "cause", rename_all = "snake_case")]
pub enum Cause {
    /// It would open too much at once.
    Flood {
        /// On so many accounts.
        opens: u64,
        /// Of so many.
        customers: u64,
    },
    /// Its data have aged.
    Stale {
        /// On so many accounts.
        accounts: u64,
        /// Of so many.
        customers: u64,
    },
}

impl std::fmt::Display for Cause {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Flood { opens, customers } => {
                write!(f, "it would open calls to action on {opens} of {customers} customers within a day")
            }
            Self::Stale { accounts, customers } => {
                write!(f, "the data that it needs are too old on {accounts} of {customers} customers")
            }
        }
    }
}

/// That a rule is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// Why.
    pub cause: Cause,
    /// Since when.
    pub since: Timestamp,
}

/// That a person released a rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release {
    /// Who.
    pub by: PersonId,
    /// When.
    pub at: Timestamp,
    /// Why.
    pub reason: String,
}

/// That a set of rules was made the one that holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Activation {
    /// The set's version.
    pub version: Digest,
    /// The dry run that it is based on.
    pub dry_run: CauseId,
    /// Who activated it.
    pub by: PersonId,
    /// When.
    pub at: Timestamp,
    /// Why.
    pub reason: String,
}

/// Which rules hold for a tenant. Writer: trigger.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Rulebook {
    /// The set that was activated; none where the one holds that was deployed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active: Option<Activation>,
    /// The rules that are held.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub held: BTreeMap<RuleId, Hold>,
    /// The latest release of each rule.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub released: BTreeMap<RuleId, Release>,
    /// How many customers there were when all of them were last looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customers: Option<u64>,
}

impl Rulebook {
    /// Whether a rule may be held now: not within a day after its release.
    pub fn may_hold(&self, rule: &RuleId, now: Timestamp) -> bool {
        let released = self.released.get(rule).is_some_and(|release| now.duration_since(release.at) < RELEASED_FOR);
        !released && !self.held.contains_key(rule)
    }

    /// Holds a rule. Says whether it was not held before.
    pub fn hold(&mut self, rule: &RuleId, cause: Cause, now: Timestamp) -> bool {
        let may = self.may_hold(rule, now);
        if may {
            self.held.insert(rule.clone(), Hold { cause, since: now });
        }
        may
    }

    /// A person lets a rule go on. Nothing where it is not held.
    pub fn release(&mut self, rule: &RuleId, release: Release) -> Option<Hold> {
        let hold = self.held.remove(rule)?;
        self.released.insert(rule.clone(), release);
        Some(hold)
    }

    /// Makes a set the one that holds, with those of its rules held that the dry run found to be too loud or too old, and
    /// those that were held after it had looked, at `tried_at`. Gives back the rules of the set that go on by that.
    pub fn activate(
        &mut self,
        activation: Activation,
        found: &BTreeMap<RuleId, Cause>,
        tried_at: Timestamp,
        is_in_set: impl Fn(&RuleId) -> bool,
    ) -> Vec<RuleId> {
        let since = activation.at;
        let before = std::mem::take(&mut self.held);
        let found = found.iter().map(|(rule, cause)| (rule.clone(), Hold { cause: *cause, since }));
        self.held.extend(found);
        let mut let_go = Vec::new();
        for (rule, hold) in before.into_iter().filter(|(rule, _)| is_in_set(rule)) {
            if hold.since > tried_at {
                self.held.insert(rule, hold);
            } else if !self.held.contains_key(&rule) {
                let_go.push(rule);
            }
        }
        self.released.clear();
        self.active = Some(activation);
        let_go
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn rule() -> RuleId {
        RuleId::new("loud").unwrap()
    }

    fn release() -> Release {
        Release { by: PersonId::new("ann").unwrap(), at: NOW, reason: "it is right".into() }
    }

    #[test]
    fn a_rule_is_held_above_the_share_and_above_the_least_number() {
        let judge = |opens, customers| Limits::DEFAULT.judge(opens, 0, customers);
        assert_eq!(judge(10, 20), None, "ten it may open in any case");
        assert_eq!(judge(11, 20), Some(Cause::Flood { opens: 11, customers: 20 }));
        assert_eq!((judge(100, 1_000), judge(101, 1_000).is_some()), (None, true));
        let stale = |stale| Limits::DEFAULT.judge(0, stale, 100);
        assert_eq!((stale(50), stale(51)), (None, Some(Cause::Stale { accounts: 51, customers: 100 })));
    }

    #[test]
    fn an_activation_lets_go_what_the_dry_run_looked_at_and_nothing_that_was_held_since() {
        let day = SignedDuration::from_hours(24);
        let [before, since, found, gone] = ["before", "since", "found", "gone"].map(|name| RuleId::new(name).unwrap());
        let stale = Cause::Stale { accounts: 60, customers: 100 };
        let mut book = Rulebook::default();
        assert!([&before, &found, &gone].iter().all(|rule| book.hold(rule, stale, NOW)));
        assert!(book.hold(&since, stale, NOW + day * 2));
        let activation = Activation {
            version: Digest::of("rules", ["set"]),
            dry_run: CauseId::new("tried").unwrap(),
            by: PersonId::new("ann").unwrap(),
            at: NOW + day * 3,
            reason: "tried".into(),
        };
        let let_go = book.activate(activation, &[(found.clone(), stale)].into(), NOW + day, |rule| *rule != gone);
        assert_eq!(let_go, [before]);
        let held: Vec<_> = book.held.into_iter().map(|(rule, hold)| (rule, hold.since)).collect();
        assert_eq!(held, [(found, NOW + day * 3), (since, NOW + day * 2)]);
    }

    #[test]
    fn a_rule_that_was_released_is_not_held_again_within_a_day() {
        let mut book = Rulebook::default();
        let flood = Cause::Flood { opens: 11, customers: 20 };
        assert!(book.hold(&rule(), flood, NOW) && !book.hold(&rule(), flood, NOW));
        assert_eq!(book.release(&rule(), release()).map(|hold| hold.cause), Some(flood));
        assert_eq!(book.release(&rule(), release()), None);
        assert!(!book.hold(&rule(), flood, NOW + SignedDuration::from_hours(23)));
        assert!(book.hold(&rule(), flood, NOW + SignedDuration::from_hours(24)));
    }
}

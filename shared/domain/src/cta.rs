//! Calls to action and their episodes: what the outcomes of the rules change on one account.
//!
//! At most one episode is open for each rule of an account. A cause that goes on, or comes again within the cool-off,
//! stays in its episode and keeps its call to action; the id follows from tenant, account, rule and episode number, so
//! that deciding again gives the same. Unknown opens nothing and clears nothing.

pub mod action;
mod decide;

pub use action::{Action, ActionError};
pub use decide::{Decision, decide};

use crate::account::Money;
use crate::digest::Digest;
use crate::id::{AccountId, CtaId, PersonId, RuleId, TenantId};
use crate::rule::{CtaKind, Evidence};
use crate::signal::Severity;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What somebody is asked to do about an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cta {
    /// Follows from its cause.
    pub id: CtaId,
    /// About which account.
    pub account: AccountId,
    /// The rule that opened it.
    pub rule: RuleId,
    /// What it is about.
    pub kind: CtaKind,
    /// Why, and what to do, in plain words.
    pub reason: String,
    /// What the rule saw when it last fired.
    pub evidence: Vec<String>,
    /// How bad it is.
    pub severity: Severity,
    /// How sure the rule is, 0-100.
    pub confidence_percent: u32,
    /// The larger, the more urgent.
    pub priority: i64,
    /// Who has it, if anybody.
    pub owner: Option<PersonId>,
    /// Where it is.
    pub status: Status,
    /// When the episode began.
    pub opened_at: Timestamp,
    /// When anything about it last changed.
    pub updated_at: Timestamp,
    /// When it is due.
    pub due_at: Timestamp,
    /// How often the rule has fired in this episode.
    pub fired: u32,
    /// How often the cause came back within the cool-off.
    pub reopened: u32,
}

/// Where a call to action is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum Status {
    /// To be done.
    Open,
    /// Put off.
    Snoozed {
        /// It is open again from here on.
        until: Timestamp,
        /// Why it was put off.
        reason: String,
    },
    /// Ended, with what came of it.
    Closed {
        /// When.
        at: Timestamp,
        /// What came of it, in plain words.
        outcome: String,
        /// Whether the cause ended by itself.
        cleared: bool,
    },
    /// Refused, with the reason: not repeated within the cool-off.
    Dismissed {
        /// When.
        at: Timestamp,
        /// Why.
        cause: String,
    },
}

impl Status {
    /// The status as it is written.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Snoozed { .. } => "snoozed",
            Self::Closed { .. } => "closed",
            Self::Dismissed { .. } => "dismissed",
        }
    }

    /// Whether it is still to be done, now or later.
    pub const fn is_live(&self) -> bool {
        matches!(self, Self::Open | Self::Snoozed { .. })
    }

    /// When it ended.
    pub const fn ended_at(&self) -> Option<Timestamp> {
        match self {
            Self::Closed { at, .. } | Self::Dismissed { at, .. } => Some(*at),
            Self::Open | Self::Snoozed { .. } => None,
        }
    }
}

/// One run of a cause, from opening to closing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Episode {
    /// Counts the episodes of this rule on this account, from 1.
    pub number: u32,
    /// The episode's call to action.
    pub cta: Cta,
    /// What the rule rested on when it was last looked at.
    pub evidence: Option<Evidence>,
    /// Since when the condition has been false without a break.
    pub false_since: Option<Timestamp>,
    /// Since when the condition has not been true (false or unknown) without a break.
    pub not_true_since: Option<Timestamp>,
    /// Whether the cause paused after a person ended the episode: only then can it come back.
    pub paused: bool,
}

/// The latest episode of each rule of an account.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Episodes {
    by_rule: BTreeMap<RuleId, Episode>,
}

impl Episodes {
    /// The latest episode of a rule.
    pub fn of(&self, rule: &RuleId) -> Option<&Episode> {
        self.by_rule.get(rule)
    }

    /// The latest episodes, by rule.
    pub fn iter(&self) -> impl Iterator<Item = &Episode> {
        self.by_rule.values()
    }

    /// The call to action with this id, if it is of a latest episode.
    pub fn cta(&self, id: &CtaId) -> Option<&Cta> {
        self.iter().map(|episode| &episode.cta).find(|cta| cta.id == *id)
    }

    /// The calls to action that are still to be done, the most urgent first.
    pub fn live(&self) -> Vec<&Cta> {
        let mut live: Vec<&Cta> = self.iter().map(|episode| &episode.cta).filter(|cta| cta.status.is_live()).collect();
        live.sort_by(|a, b| b.priority.cmp(&a.priority).then_with(|| a.id.cmp(&b.id)));
        live
    }

    /// Whether a call to action about a risk is still to be done.
    pub fn is_at_risk(&self) -> bool {
        self.iter().any(|episode| episode.cta.kind == CtaKind::Risk && episode.cta.status.is_live())
    }
}

/// What became of a call to action.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum CtaChange {
    /// A new episode began, or an earlier one goes on.
    Opened {
        /// As it is now.
        cta: Cta,
        /// Whether an earlier episode goes on.
        reopened: bool,
    },
    /// It fired again, or a person changed it.
    Updated {
        /// As it is now.
        cta: Cta,
    },
    /// It ended.
    Closed {
        /// As it is now.
        cta: Cta,
        /// How it ended.
        how: Ending,
        /// Why, in plain words.
        reason: String,
    },
}

impl CtaChange {
    /// The call to action as it is now.
    pub const fn cta(&self) -> &Cta {
        match self {
            Self::Opened { cta, .. } | Self::Updated { cta } | Self::Closed { cta, .. } => cta,
        }
    }
}

/// How a call to action ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// The cause ended by itself.
    Cleared,
    /// A person did what was asked.
    Closed,
    /// A person refused.
    Dismissed,
}

impl Ending {
    /// The ending as it is written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cleared => "cleared",
            Self::Closed => "closed",
            Self::Dismissed => "dismissed",
        }
    }
}

/// A rule asks for people, once in an episode.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EscalationRequest {
    /// The rule.
    pub rule: RuleId,
    /// The call to action of the same episode.
    pub cta: CtaId,
    /// How bad it is.
    pub severity: Severity,
    /// Who is needed and for what, in plain words.
    pub reason: String,
    /// When.
    pub at: Timestamp,
}

impl EscalationRequest {
    /// The same cause never opens two escalations.
    pub fn deduplication_key(&self) -> &str {
        self.cta.as_str()
    }
}

/// The id of an episode's call to action.
fn cta_id(tenant: &TenantId, account: &AccountId, rule: &RuleId, number: u32) -> Result<CtaId, crate::id::IdError> {
    let number = number.to_string();
    let digest = Digest::of("cta", [tenant.as_str(), account.as_str(), rule.as_str(), &number]);
    CtaId::new(format!("cta-{}", digest.short()))
}

/// Yearly revenue at stake (in whole currency units, at least 1) × severity (8, 4, 2, 1) × confidence (0-100).
pub fn priority(arr: Money, severity: Severity, confidence_percent: u32) -> i64 {
    let weight = match severity {
        Severity::Critical => 8,
        Severity::High => 4,
        Severity::Medium => 2,
        Severity::Low => 1,
    };
    (arr.cents() / 100).max(1).saturating_mul(weight).saturating_mul(i64::from(confidence_percent.min(100)))
}

/// That many days later; a moment past the end of time is the end of time.
fn days_after(moment: Timestamp, days: u32) -> Timestamp {
    moment.checked_add(SignedDuration::from_hours(24 * i64::from(days))).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests;

//! Rules: typed conditions over what is known of an account, and what a rule asks for when its condition is true.
//!
//! A rule set that exists is valid: ids are unique, windows and depth have limits, no rule contradicts itself, and its version
//! follows from its content. It is compiled once. Evaluation is three-valued and keeps its trace; [`crate::cta`] decides what
//! the outcomes change.

mod check;
mod columns;
pub mod condition;
mod decline;
pub mod facts;
mod feature;
pub mod leaf;
mod look;
mod program;
mod questions;
mod reach;
mod reading;
mod set;
mod statistics;
pub mod verdict;
mod words;

pub use columns::Answers;
pub use condition::Condition;
pub use facts::{Facts, Standing};
pub use feature::Input;
pub use look::Step;
pub use questions::Questions;
pub use set::{Look, Outcome, Portfolio, RuleAnswers, RuleSet, Said};
pub use verdict::{Evidence, Finding, Truth, Verdict};

use crate::id::{ExperimentId, RuleId};
use crate::signal::Severity;
use serde::{Deserialize, Serialize};

/// The most rules of a set.
pub const MAX_RULES: usize = 200;
/// The longest period of a rule, in days.
pub const MAX_DAYS: u32 = 400;
/// The longest reason, in characters.
pub const MAX_REASON: usize = 500;

/// What a call to action is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CtaKind {
    /// The account may be lost.
    Risk,
    /// A step of the account's way is due.
    Lifecycle,
    /// The account may grow.
    Expansion,
    /// A goal that was agreed with the customer.
    Objective,
}

impl CtaKind {
    /// The kind as it is written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Risk => "risk",
            Self::Lifecycle => "lifecycle",
            Self::Expansion => "expansion",
            Self::Objective => "objective",
        }
    }
}

/// The call to action that a rule opens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CtaTemplate {
    /// What it is about.
    pub kind: CtaKind,
    /// Why, and what to do, in plain words.
    pub reason: String,
    /// How bad it is.
    pub severity: Severity,
    /// Days from opening until it is due: working days where the rules have a calendar.
    pub due_in_days: u32,
    /// The experiment that says for whom it is opened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub experiment: Option<ExperimentId>,
}

/// The escalation that a rule asks for when it opens an episode.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EscalationTemplate {
    /// How bad it is.
    pub severity: Severity,
    /// Who is needed and for what, in plain words.
    pub reason: String,
}

/// A condition and what it asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Rule {
    /// The rule's name.
    pub id: RuleId,
    /// Opens an episode when true.
    pub when: Condition,
    /// Keeps an episode open while true; `when` itself where nothing is given.
    pub stays_while: Option<Condition>,
    /// What it opens.
    pub cta: CtaTemplate,
    /// An episode ends when its condition has been false for so many days.
    pub clear_days: u32,
    /// An episode ends when its condition has not been true (false or unknown) for so many days.
    pub lapse_days: u32,
    /// A cause that comes back within so many days after the end goes on with the same episode.
    pub cool_off_days: u32,
    /// What more it asks for when a new episode opens.
    pub escalation: Option<EscalationTemplate>,
}

/// A fault of a rule set, with the path to it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{path}` {reason}")]
pub struct RuleFault {
    /// Where: `rules[2].when.any[0].days`.
    pub path: String,
    /// What is wrong and what would be right.
    pub reason: String,
}

/// Names every fault of a condition that can be seen in it alone: what is out of range or too large.
pub fn faults_of(condition: &Condition, path: &str) -> Vec<RuleFault> {
    let mut faults = check::Faults::default();
    check::condition(condition, path, &mut faults);
    faults.into_list()
}

#[cfg(test)]
mod tests;

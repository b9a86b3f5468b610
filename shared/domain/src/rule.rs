//! Rules: typed conditions over what is known of an account, and what a rule asks for when its condition is true.
//!
//! A rule set that exists is valid: ids are unique, windows and depth have limits, and its version follows from its
//! content. Evaluation is three-valued and returns its trace; [`crate::cta`] decides what the outcomes change.

pub mod condition;
mod decline;
pub mod facts;
mod leaves;
pub mod verdict;

pub use condition::Condition;
pub use facts::{Facts, Standing};
pub use verdict::{Evidence, Finding, Truth, Verdict};

use crate::account::LifecycleStage;
use crate::digest::Digest;
use crate::fixed::Quantity;
use crate::id::RuleId;
use crate::signal::{Metric, Severity};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

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
    /// Days from opening until it is due.
    pub due_in_days: u32,
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

/// A versioned set of rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleSet {
    name: String,
    version: Digest,
    rules: BTreeMap<RuleId, Rule>,
}

/// What a rule says of an account now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// The rule.
    pub rule: RuleId,
    /// Whether its condition is true, and why.
    pub when: Verdict,
    /// Whether an open episode stays open.
    pub stays: Truth,
}

impl RuleSet {
    /// Checks the rules and gives the set its version. Names every fault at once.
    pub fn new(name: impl Into<String>, rules: Vec<Rule>) -> Result<Self, Vec<RuleFault>> {
        Self::with_paths(
            name,
            rules.into_iter().enumerate().map(|(index, rule)| (format!("rules[{index}]"), rule)).collect(),
        )
    }

    /// The same for rules that come from somewhere: each with the path by which its faults are named.
    pub fn with_paths(name: impl Into<String>, rules: Vec<(String, Rule)>) -> Result<Self, Vec<RuleFault>> {
        let name = name.into();
        let mut faults = Faults::default();
        if rules.is_empty() || rules.len() > MAX_RULES {
            faults.add("rules", format!("has {} rules; give 1 to {MAX_RULES}", rules.len()));
        }
        let mut by_id = BTreeMap::new();
        for (path, rule) in rules {
            check(&rule, &path, &mut faults);
            if by_id.contains_key(&rule.id) {
                faults.add(&format!("{path}.id"), format!("`{}` is taken by an earlier rule", rule.id));
            }
            by_id.insert(rule.id.clone(), rule);
        }
        match Digest::of_json("rules", &(&name, &by_id)) {
            Ok(version) if faults.0.is_empty() => return Ok(Self { name, version, rules: by_id }),
            Ok(_) => {}
            Err(error) => faults.add("rules", error.to_string()),
        }
        Err(faults.0)
    }

    /// What people call the set.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Follows from the content: another set has another version.
    pub const fn version(&self) -> Digest {
        self.version
    }

    /// The rules in the order of their ids.
    pub fn rules(&self) -> impl Iterator<Item = &Rule> {
        self.rules.values()
    }

    /// The rule with this id.
    pub fn get(&self, id: &RuleId) -> Option<&Rule> {
        self.rules.get(id)
    }

    /// What every rule says, in the order of their ids.
    pub fn evaluate(&self, facts: &Facts<'_>) -> Vec<Outcome> {
        self.rules().map(|rule| evaluate(rule, facts)).collect()
    }
}

/// What one rule says. No rule speaks of an account that is no longer a customer.
fn evaluate(rule: &Rule, facts: &Facts<'_>) -> Outcome {
    if facts.account.stage == LifecycleStage::Churned {
        let when = Verdict::leaf(Finding::new("lifecycle stage", Truth::False, "is no longer a customer"));
        return Outcome { rule: rule.id.clone(), when, stays: Truth::False };
    }
    let when = rule.when.evaluate(facts);
    let stays =
        rule.stays_while.as_ref().map_or(when.truth, |condition| condition.evaluate(facts).truth.or(when.truth));
    Outcome { rule: rule.id.clone(), when, stays }
}

fn check(rule: &Rule, path: &str, faults: &mut Faults) {
    rule.when.check(&format!("{path}.when"), faults);
    if let Some(condition) = &rule.stays_while {
        condition.check(&format!("{path}.stays_while"), faults);
    }
    faults.between(path, "cta.due_in_days", rule.cta.due_in_days, 0, MAX_DAYS);
    faults.between(path, "clear_days", rule.clear_days, 0, MAX_DAYS);
    faults.between(path, "lapse_days", rule.lapse_days, rule.clear_days.max(1), MAX_DAYS);
    faults.between(path, "cool_off_days", rule.cool_off_days, 0, MAX_DAYS);
    faults.words(path, "cta.reason", &rule.cta.reason);
    if let Some(escalation) = &rule.escalation {
        faults.words(path, "escalation.reason", &escalation.reason);
    }
}

/// Every fault of a condition that stands elsewhere than in a rule. `path` is where it stands.
pub fn faults_of(condition: &Condition, path: &str) -> Vec<RuleFault> {
    let mut faults = Faults::default();
    condition.check(path, &mut faults);
    faults.0
}

/// Every fault found so far.
#[derive(Default)]
struct Faults(Vec<RuleFault>);

impl Faults {
    fn add(&mut self, path: &str, reason: String) {
        self.0.push(RuleFault { path: path.to_owned(), reason });
    }

    fn between(&mut self, path: &str, field: &str, value: u32, least: u32, most: u32) {
        if value < least || value > most {
            self.add(&format!("{path}.{field}"), format!("is {value}; give {least} to {most}"));
        }
    }

    fn days(&mut self, path: &str, field: &str, days: u32) {
        self.between(path, field, days, 1, MAX_DAYS);
    }

    fn in_range(&mut self, path: &str, field: &str, metric: Metric, value: Quantity) {
        let (least, most) = metric.range();
        if value < least || value > most {
            self.add(&format!("{path}.{field}"), format!("is {value}; `{metric}` lies between {least} and {most}"));
        }
    }

    fn words(&mut self, path: &str, field: &str, text: &str) {
        let length = text.chars().count();
        if text.trim().is_empty() || length > MAX_REASON {
            self.add(&format!("{path}.{field}"), format!("has {length} characters; say it in 1 to {MAX_REASON}"));
        }
    }
}

#[cfg(test)]
mod tests;

//! Experiments: which accounts get what is decided by a hash, and what becomes of them is counted by arm.
//!
//! An account belongs to an arm from the start; it is exposed when a rule with the experiment would first open a call to
//! action for it. From then on it keeps its arm, whatever happens to the weights, for as long as there is that arm. Whoever
//! is held out is exposed like the others, and nothing is opened for it.

mod arms;
mod tally;

pub use arms::{Experiments, HOLD_OUT, MAX_EXPERIMENTS, MAX_VARIANTS};
pub use tally::{Guardrail, Measured, Tally};

use crate::account::LifecycleStage;
use crate::id::{ArmId, ExperimentId, RuleId, TenantId};
use crate::rule::{Facts, Finding, Outcome, RuleSet, Truth};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// A question that is put to accounts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Experiment {
    /// The experiment's name.
    pub id: ExperimentId,
    /// What is to be found out, in plain words.
    pub description: String,
    /// The share of accounts for which nothing is opened, in percent.
    pub hold_out_percent: u32,
    /// What is tried.
    pub variants: Vec<Variant>,
    /// When it does harm.
    pub guardrail: Guardrail,
}

/// Something that is tried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Variant {
    /// The variant's name.
    pub id: ArmId,
    /// Its share of accounts, in percent.
    pub weight_percent: u32,
    /// What people are asked to do, in plain words.
    pub asks: String,
}

/// The experiments that an account was exposed to.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Exposures(BTreeMap<ExperimentId, Exposure>);

/// That an account was exposed to an experiment, and what became of it since.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exposure {
    /// To which arm it belongs.
    pub arm: ArmId,
    /// The rule that acted, or would have.
    pub rule: RuleId,
    /// When.
    pub at: Timestamp,
    /// When the cause was first seen to be gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cleared_at: Option<Timestamp>,
    /// When it was seen to be no customer any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_at: Option<Timestamp>,
}

impl Exposure {
    /// Whether nothing is opened for it.
    pub fn is_held_out(&self) -> bool {
        self.arm.as_str() == HOLD_OUT
    }
}

impl Exposures {
    /// Whether the account was exposed to nothing.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The exposure to an experiment.
    pub fn of(&self, experiment: &ExperimentId) -> Option<&Exposure> {
        self.0.get(experiment)
    }
}

/// What a look at an account comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trial {
    /// The exposures as they are now.
    pub exposures: Exposures,
    /// To which experiments it is exposed since this look.
    pub exposed: Vec<ExperimentId>,
    /// The exposures that are not as they were.
    pub changed: Vec<ExperimentId>,
    /// What the rules say as far as the account's arms let them: none where that is what they say anyway.
    pub outcomes: Option<Vec<Outcome>>,
}

/// One look at one account.
#[derive(Debug, Clone, Copy)]
pub struct Look<'a> {
    /// Whose account.
    pub tenant: &'a TenantId,
    /// The experiments that there are.
    pub experiments: &'a Experiments,
    /// The rules, some of them with experiments.
    pub rules: &'a RuleSet,
    /// What is known of the account.
    pub facts: &'a Facts<'a>,
}

impl Look<'_> {
    /// Looks. `outcomes` is what the rules say, and `opened` names those of them that would open something by it.
    pub fn run(&self, before: &Exposures, outcomes: &[Outcome], opened: &BTreeSet<&RuleId>) -> Trial {
        let mut trial = Trial { exposures: before.clone(), exposed: Vec::new(), changed: Vec::new(), outcomes: None };
        self.follow(&mut trial.exposures, outcomes);
        for outcome in outcomes.iter().filter(|outcome| outcome.when.truth.is_true()) {
            self.act(&outcome.rule, opened.contains(&outcome.rule), outcomes, &mut trial);
        }
        let is_other = |(id, exposure): &(&ExperimentId, &Exposure)| before.of(id) != Some(*exposure);
        trial.changed = trial.exposures.0.iter().filter(is_other).map(|(id, _)| id.clone()).collect();
        trial
    }

    /// What became of the account; the first time counts.
    fn follow(&self, exposures: &mut Exposures, outcomes: &[Outcome]) {
        let now = self.facts.now;
        for exposure in exposures.0.values_mut() {
            if self.facts.account.stage == LifecycleStage::Churned {
                exposure.left_at = exposure.left_at.or(Some(now));
            } else if outcomes.iter().any(|one| one.rule == exposure.rule && one.stays == Truth::False) {
                exposure.cleared_at = exposure.cleared_at.or(Some(now));
            }
        }
    }

    /// A rule says yes: it opens a call to action, or goes on with one.
    fn act(&self, rule: &RuleId, opens: bool, outcomes: &[Outcome], trial: &mut Trial) {
        let wanted = self.rules.get(rule).and_then(|rule| rule.cta.experiment.as_ref());
        let Some(experiment) = wanted.and_then(|id| self.experiments.get(id)) else { return };
        let kept = trial.exposures.of(&experiment.id).filter(|kept| self.experiments.has(experiment, &kept.arm));
        let arm = match kept {
            Some(kept) => kept.arm.clone(),
            None if !opens => return,
            None => {
                let Some(arm) = self.experiments.assign(self.tenant, &experiment.id, &self.facts.account.id) else {
                    return;
                };
                let (rule, at) = (rule.clone(), self.facts.now);
                let exposure = Exposure { arm: arm.clone(), rule, at, cleared_at: None, left_at: None };
                trial.exposures.0.insert(experiment.id.clone(), exposure);
                trial.exposed.push(experiment.id.clone());
                arm
            }
        };
        if !opens && arm.as_str() == HOLD_OUT {
            // What was open before the experiment goes on.
            return;
        }
        let outcomes = trial.outcomes.get_or_insert_with(|| outcomes.to_vec());
        for outcome in outcomes.iter_mut().filter(|outcome| outcome.rule == *rule) {
            match experiment.variants.iter().find(|variant| variant.id == arm) {
                Some(Variant { id, asks, .. }) => {
                    let why = format!("`{id}` is tried: {asks}");
                    let leaf = format!("experiment {}", experiment.id);
                    outcome.when.trace.push(Finding::new(leaf, outcome.when.truth, why));
                }
                // What is not known opens nothing.
                None => (outcome.when.truth, outcome.stays) = (Truth::Unknown, Truth::Unknown),
            }
        }
    }
}

#[cfg(test)]
mod tests;

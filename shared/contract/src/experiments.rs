//! Experiments: the file that becomes [`domain::experiment::Experiments`], or says everything that is wrong with it; the fact
//! that tells an exposure, and the answer that counts them.

use crate::document;
use crate::problem::Fault;
use crate::rules::hinted;
use domain::experiment::{Experiment, Experiments, Exposure, Guardrail, HOLD_OUT, Measured, Tally, Variant};
use domain::id::{ArmId, ExperimentId, RuleId};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// Reads an experiments file. Names every fault with its path.
#[cfg(feature = "yaml")]
pub fn read(text: &str) -> Result<Experiments, Vec<Fault>> {
    experiments(document::yaml(text)?)
}

/// Makes experiments of a file.
pub fn experiments(file: ExperimentsFile) -> Result<Experiments, Vec<Fault>> {
    let (mut read, mut faults) = (Vec::new(), Vec::new());
    for (index, value) in file.experiments.into_iter().enumerate() {
        let path = format!("experiments[{index}]");
        match document::shape::<ExperimentFile>(&path, value) {
            Ok(file) => read.push((path, file.into())),
            Err(fault) => faults.push(hinted(fault)),
        }
    }
    match Experiments::with_paths(file.name, read) {
        Ok(experiments) if faults.is_empty() => return Ok(experiments),
        Ok(_) => {}
        Err(more) => faults.extend(more.into_iter().map(|fault| Fault::new(fault.path, fault.reason))),
    }
    Err(faults)
}

/// An experiments file as it is written; its experiments are read one by one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExperimentsFile {
    /// What people call the set.
    pub name: String,
    /// The experiments.
    #[schemars(with = "Vec<ExperimentFile>")]
    pub experiments: Vec<Value>,
}

/// A question that is put to accounts; a rule's call to action names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExperimentFile {
    /// The experiment's name.
    #[schemars(with = "String")]
    pub id: ExperimentId,
    /// What is to be found out, in plain words.
    pub description: String,
    /// The share of accounts for which nothing is opened, in percent.
    pub hold_out_percent: u32,
    /// What is tried; with the share that is held out the weights make 100.
    pub variants: Vec<VariantFile>,
    /// When it does harm.
    #[serde(default)]
    pub guardrail: GuardrailFile,
}

/// Something that is tried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VariantFile {
    /// The variant's name.
    #[schemars(with = "String")]
    pub id: ArmId,
    /// Its share of accounts, in percent.
    pub weight_percent: u32,
    /// What people are asked to do, in plain words: the call to action says so.
    pub asks: String,
}

/// When an experiment does harm: those who were held out fare better by so much.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct GuardrailFile {
    /// `left` (the fewer leave the better) or `cleared` (the more causes are gone the better).
    #[schemars(with = "String")]
    pub by: Measured,
    /// By how many percentage points at least.
    pub margin_percent: u32,
    /// With fewer accounts in either arm nothing is said.
    pub least_exposed: u32,
}

impl Default for GuardrailFile {
    fn default() -> Self {
        let Guardrail { by, margin_percent, least_exposed } = Guardrail::default();
        Self { by, margin_percent, least_exposed }
    }
}

impl From<ExperimentFile> for Experiment {
    fn from(file: ExperimentFile) -> Self {
        let GuardrailFile { by, margin_percent, least_exposed } = file.guardrail;
        let variant = |VariantFile { id, weight_percent, asks }| Variant { id, weight_percent, asks };
        Self {
            id: file.id,
            description: file.description,
            hold_out_percent: file.hold_out_percent,
            variants: file.variants.into_iter().map(variant).collect(),
            guardrail: Guardrail { by, margin_percent, least_exposed },
        }
    }
}

/// An account was exposed to an experiment: a rule acted on it for the first time, or would have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ExperimentExposed {
    /// Which experiment.
    #[schemars(with = "String")]
    pub experiment: ExperimentId,
    /// To which arm the account belongs.
    #[schemars(with = "String")]
    pub arm: ArmId,
    /// Whether nothing was opened for it.
    pub held_out: bool,
    /// The rule that acted, or would have.
    #[schemars(with = "String")]
    pub rule: RuleId,
    /// The hash of the experiments' definitions.
    pub definitions: String,
}

/// An account's line in the log of an experiment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExposureItem {
    /// Which account.
    pub account: String,
    /// The exposure, and what became of the account.
    pub exposure: Exposure,
}

/// `GET /experiments/{id}`: how many accounts of each arm there are, and what became of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ExperimentAnswer {
    /// Which experiment.
    pub experiment: String,
    /// What is to be found out.
    pub description: String,
    /// The hash of the experiments' definitions.
    pub definitions: String,
    /// The moment of the answer.
    #[schemars(with = "String")]
    pub as_of: Timestamp,
    /// Whether every exposure was counted; there may be too many for one answer.
    pub complete: bool,
    /// The arms: those held out first, then the variants as they are written, then arms that there are no more.
    pub arms: Vec<ArmBody>,
    /// The variants that do harm: those who were held out fare better by the guardrail's margin. No test of significance.
    pub warnings: Vec<String>,
}

/// An arm of an experiment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ArmBody {
    /// `hold_out`, or a variant.
    pub arm: String,
    /// Its share of accounts, in percent.
    pub weight_percent: u32,
    /// How many accounts were exposed.
    pub exposed: u32,
    /// For how many of them the cause was seen to be gone since.
    pub cleared: u32,
    /// How many of them are no customers any more.
    pub left: u32,
}

impl ExperimentAnswer {
    /// The counts of an experiment. `complete` says whether they hold every exposure.
    pub fn of(
        experiment: &Experiment,
        definitions: String,
        mut by_arm: BTreeMap<ArmId, Tally>,
        complete: bool,
        as_of: Timestamp,
    ) -> Self {
        let warnings = experiment.warnings(&by_arm);
        let mut take = |arm: &str| {
            let found = by_arm.keys().find(|one| one.as_str() == arm).cloned();
            found.and_then(|arm| by_arm.remove(&arm)).unwrap_or_default()
        };
        let body = |arm: &str, weight_percent, tally: Tally| {
            let Tally { exposed, cleared, left } = tally;
            ArmBody { arm: arm.to_owned(), weight_percent, exposed, cleared, left }
        };
        let mut arms = vec![body(HOLD_OUT, experiment.hold_out_percent, take(HOLD_OUT))];
        for variant in &experiment.variants {
            arms.push(body(variant.id.as_str(), variant.weight_percent, take(variant.id.as_str())));
        }
        arms.extend(by_arm.into_iter().map(|(arm, tally)| body(arm.as_str(), 0, tally)));
        let (id, description) = (experiment.id.to_string(), experiment.description.clone());
        Self { experiment: id, description, definitions, as_of, complete, arms, warnings }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "
name: mine
experiments:
  - id: calls
    description: Does a call help more than a mail, and either more than nothing?
    hold_out_percent: 10
    variants:
      - { id: call, weight_percent: 45, asks: Call them within a day. }
      - { id: mail, weight_percent: 45, asks: Write to them. }
    guardrail: { by: cleared, margin_percent: 10, least_exposed: 100 }
";

    #[test]
    fn a141_an_experiments_file_is_read() {
        let experiments = read(FILE).unwrap();
        let calls = experiments.iter().next().unwrap();
        assert_eq!((calls.hold_out_percent, calls.variants[1].asks.as_str()), (10, "Write to them."));
        assert_eq!(calls.guardrail, Guardrail { by: Measured::Cleared, margin_percent: 10, least_exposed: 100 });
        let (start, end) = (FILE.find("    guardrail").unwrap(), FILE.len());
        let without = read(&FILE.replace(&FILE[start..end], "")).unwrap();
        assert_eq!(without.iter().next().unwrap().guardrail, Guardrail::default());
        assert_ne!(without.version(), experiments.version());
    }

    #[test]
    fn a15_every_fault_of_every_experiment_is_named_with_its_path() {
        let faults = |from: &str, to: &str| -> Vec<(String, String)> {
            let faults = read(&FILE.replace(from, to)).unwrap_err();
            faults.into_iter().map(|fault| (fault.path, fault.reason)).collect()
        };
        let check = |from: &str, to: &str, path: &str, reason: &str| {
            assert_eq!(faults(from, to), [(path.to_owned(), reason.to_owned())]);
        };
        let field = "unknown field `variant`; did you mean `variants`?";
        check("    variants:", "    variant:", "experiments[0].variant", field);
        let by = "unknown variant `clear`; did you mean `cleared`?";
        check("by: cleared", "by: clear", "experiments[0].guardrail.by", by);
        let sum = "has shares of 95 % in all; `hold_out_percent` and the weights make 100";
        check("hold_out_percent: 10", "hold_out_percent: 5", "experiments[0]", sum);
        let taken = "`call` is taken by an earlier variant";
        check("id: mail", "id: call", "experiments[0].variants[1].id", taken);
    }
}

//! The experiments that there are, and the arm of each account.

use super::{Experiment, Variant};
use crate::digest::Digest;
use crate::id::{AccountId, ArmId, ExperimentId, TenantId};
use crate::rule::RuleFault;
use std::collections::{BTreeMap, BTreeSet};

/// The most experiments of a set.
pub const MAX_EXPERIMENTS: usize = 20;
/// The most variants of an experiment.
pub const MAX_VARIANTS: usize = 8;
/// The arm of those for whom nothing is opened.
pub const HOLD_OUT: &str = "hold_out";
/// The longest text, in characters.
const MAX_WORDS: usize = 500;

/// A versioned set of experiments. One that exists is valid: names are unique and shares add up to the whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Experiments {
    name: String,
    version: Digest,
    by_id: BTreeMap<ExperimentId, Drawn>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Drawn {
    experiment: Experiment,
    /// A ticket for each percent of an arm.
    tickets: Vec<(u64, ArmId)>,
}

impl Experiments {
    /// No experiments.
    pub fn none() -> Self {
        Self { name: "none".into(), version: Digest::of("experiments", ["none"]), by_id: BTreeMap::new() }
    }

    /// Checks the experiments, each with the path by which its faults are named, and gives the set its version. Names every
    /// fault at once.
    pub fn with_paths(name: impl Into<String>, experiments: Vec<(String, Experiment)>) -> Result<Self, Vec<RuleFault>> {
        let name = name.into();
        let mut faults = Faults::default();
        if experiments.len() > MAX_EXPERIMENTS {
            let reason = format!("has {} experiments; give at most {MAX_EXPERIMENTS}", experiments.len());
            faults.add("experiments", reason);
        }
        let (mut by_id, mut all) = (BTreeMap::new(), Vec::new());
        for (path, experiment) in experiments {
            faults.of(&experiment, &path);
            if by_id.contains_key(&experiment.id) {
                faults.add(&format!("{path}.id"), format!("`{}` is taken by an earlier experiment", experiment.id));
            }
            all.push(experiment.clone());
            by_id.insert(experiment.id.clone(), Drawn { tickets: tickets(&experiment), experiment });
        }
        all.sort_by(|a, b| a.id.cmp(&b.id));
        match Digest::of_json("experiments", &(&name, &all)) {
            Ok(version) if faults.0.is_empty() => return Ok(Self { name, version, by_id }),
            Ok(_) => {}
            Err(error) => faults.add("experiments", error.to_string()),
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

    /// The experiments in the order of their ids.
    pub fn iter(&self) -> impl Iterator<Item = &Experiment> {
        self.by_id.values().map(|drawn| &drawn.experiment)
    }

    /// The experiment with this id.
    pub fn get(&self, id: &ExperimentId) -> Option<&Experiment> {
        self.by_id.get(id).map(|drawn| &drawn.experiment)
    }

    /// Whether an experiment has this arm.
    pub fn has(&self, experiment: &Experiment, arm: &ArmId) -> bool {
        self.by_id.get(&experiment.id).is_some_and(|drawn| drawn.tickets.iter().any(|(_, of)| of == arm))
    }

    /// The arm of an account: that of the ticket whose hash with the account is the highest.
    ///
    /// Each percent is a ticket of its own. A share that shrinks loses tickets, and only accounts that held one of these go
    /// elsewhere; one that grows wins accounts for itself alone. Nothing but the account's own name counts, so other accounts
    /// change nothing (highest random weight: Thaler and Ravishankar, A Name-Based Mapping Scheme for Rendezvous, 1996).
    pub fn assign(&self, tenant: &TenantId, experiment: &ExperimentId, account: &AccountId) -> Option<ArmId> {
        let drawn = self.by_id.get(experiment)?;
        let own = number(&["account", tenant.as_str(), experiment.as_str(), account.as_str()]);
        let best = drawn.tickets.iter().max_by_key(|(ticket, _)| (mixed(own ^ ticket), *ticket));
        best.map(|(_, arm)| arm.clone())
    }
}

fn tickets(experiment: &Experiment) -> Vec<(u64, ArmId)> {
    let held_out = ArmId::new(HOLD_OUT).ok().map(|arm| (arm, experiment.hold_out_percent));
    let variants = experiment.variants.iter().map(|variant| (variant.id.clone(), variant.weight_percent));
    let arms = held_out.into_iter().chain(variants);
    arms.flat_map(|(arm, percent)| {
        (0..percent.min(100)).map(move |index| {
            let ticket = number(&["ticket", arm.as_str(), &index.to_string()]);
            (ticket, arm.clone())
        })
    })
    .collect()
}

fn number(parts: &[&str]) -> u64 {
    let digest = Digest::of("experiment", parts);
    digest.as_bytes().first_chunk().copied().map_or(0, u64::from_be_bytes)
}

/// Every bit of the result depends on every bit of the number (the finaliser of SplitMix64: Steele, Lea and Flood, Fast
/// Splittable Pseudorandom Number Generators, 2014).
const fn mixed(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

#[derive(Default)]
struct Faults(Vec<RuleFault>);

impl Faults {
    fn add(&mut self, path: &str, reason: String) {
        self.0.push(RuleFault { path: path.to_owned(), reason });
    }

    fn words(&mut self, path: String, text: &str) {
        let length = text.chars().count();
        if text.trim().is_empty() || length > MAX_WORDS {
            self.add(&path, format!("has {length} characters; say it in 1 to {MAX_WORDS}"));
        }
    }

    fn between(&mut self, path: String, value: u32, low: u32, high: u32) {
        if value < low || value > high {
            self.add(&path, format!("is {value}; give {low} to {high}"));
        }
    }

    fn of(&mut self, experiment: &Experiment, path: &str) {
        let Experiment { description, hold_out_percent, variants, guardrail, .. } = experiment;
        self.words(format!("{path}.description"), description);
        if variants.is_empty() || variants.len() > MAX_VARIANTS {
            let reason = format!("has {} variants; give 1 to {MAX_VARIANTS}", variants.len());
            self.add(&format!("{path}.variants"), reason);
        }
        let mut names = BTreeSet::new();
        for (index, Variant { id, weight_percent, asks }) in variants.iter().enumerate() {
            let at = |field: &str| format!("{path}.variants[{index}].{field}");
            if id.as_str() == HOLD_OUT {
                self.add(&at("id"), format!("`{HOLD_OUT}` is the arm for which nothing is opened"));
            } else if !names.insert(id) {
                self.add(&at("id"), format!("`{id}` is taken by an earlier variant"));
            }
            self.between(at("weight_percent"), *weight_percent, 1, 100);
            self.words(at("asks"), asks);
        }
        let weights = variants.iter().map(|variant| variant.weight_percent);
        let sum = weights.fold(*hold_out_percent, u32::saturating_add);
        if sum != 100 {
            self.add(path, format!("has shares of {sum} % in all; `hold_out_percent` and the weights make 100"));
        }
        self.between(format!("{path}.guardrail.margin_percent"), guardrail.margin_percent, 1, 100);
        self.between(format!("{path}.guardrail.least_exposed"), guardrail.least_exposed, 1, 1_000_000);
    }
}

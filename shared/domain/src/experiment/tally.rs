//! What became of the accounts of each arm, and when those who were left alone fare better.

use super::{Experiment, Exposure, HOLD_OUT};
use crate::id::ArmId;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// By what the arms are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Measured {
    /// The cause was gone: the more the better.
    Cleared,
    /// The account is no customer any more: the fewer the better.
    Left,
}

/// When an experiment does harm: those who were held out fare better by so much.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Guardrail {
    /// By what.
    pub by: Measured,
    /// By how many percentage points at least.
    pub margin_percent: u32,
    /// With fewer accounts in either arm nothing is said.
    pub least_exposed: u32,
}

impl Default for Guardrail {
    fn default() -> Self {
        Self { by: Measured::Left, margin_percent: 5, least_exposed: 50 }
    }
}

/// How many accounts of an arm there are, and of how many something became.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// How many were exposed.
    pub exposed: u32,
    /// Of how many the cause was seen to be gone.
    pub cleared: u32,
    /// How many are no customers any more.
    pub left: u32,
}

impl Tally {
    /// With one more account.
    pub fn count(&mut self, exposure: &Exposure) {
        let add = |sum: &mut u32, is: bool| *sum = sum.saturating_add(u32::from(is));
        add(&mut self.exposed, true);
        add(&mut self.cleared, exposure.cleared_at.is_some());
        add(&mut self.left, exposure.left_at.is_some());
    }

    const fn of(&self, measured: Measured) -> u32 {
        match measured {
            Measured::Cleared => self.cleared,
            Measured::Left => self.left,
        }
    }
}

impl Experiment {
    /// The variants that do harm, in words: a reason to stop, which people decide. It compares shares as they are; it is no
    /// test of significance.
    pub fn warnings(&self, by_arm: &BTreeMap<ArmId, Tally>) -> Vec<String> {
        let Guardrail { by, margin_percent, least_exposed } = self.guardrail;
        let enough = |tally: &&Tally| tally.exposed >= least_exposed.max(1);
        let held_out = by_arm.iter().find(|(arm, _)| arm.as_str() == HOLD_OUT).map(|(_, tally)| tally);
        let Some(held_out) = held_out.filter(enough) else { return Vec::new() };
        let hundredths = |tally: &Tally| i64::from(tally.of(by)) * 10_000 / i64::from(tally.exposed.max(1));
        let mut warnings = Vec::new();
        for variant in &self.variants {
            let Some(tally) = by_arm.get(&variant.id).filter(enough) else { continue };
            // Shares are compared crosswise, so that nothing is rounded before.
            let products = [(held_out, tally), (tally, held_out)]
                .map(|(one, other)| i128::from(one.of(by)) * i128::from(other.exposed) * 100);
            let [held, tried] = products;
            let ahead = if by == Measured::Cleared { held - tried } else { tried - held };
            let whole = i128::from(held_out.exposed) * i128::from(tally.exposed);
            if ahead >= i128::from(margin_percent) * whole {
                let verb = if by == Measured::Cleared { "cleared" } else { "left" };
                let share = |tally: &Tally| format!("{}.{:02} %", hundredths(tally) / 100, hundredths(tally) % 100);
                warnings.push(format!(
                    "stop `{}`: of those held out {} {verb}, of those with it {}; {margin_percent} points are the limit",
                    variant.id,
                    share(held_out),
                    share(tally)
                ));
            }
        }
        warnings
    }
}

//! Conditions that ask no action: named questions about an account, compiled together.

use super::RuleFault;
use super::check::{self, Faults};
use super::condition::Condition;
use super::facts::Facts;
use super::look::Seen;
use super::program::{Program, Stack};
use super::reach::{Left, alone};
use super::verdict::{Truth, Verdict};

/// Several conditions, each of which can be true and can be false.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Questions {
    conditions: Vec<Condition>,
    program: Program,
}

impl Questions {
    /// Compiles conditions, each with the path by which its faults are named. Accounts that left are asked too.
    pub fn new(conditions: Vec<(String, Condition)>) -> Result<Self, Vec<RuleFault>> {
        let mut faults = Faults::default();
        for (path, condition) in &conditions {
            let mut own = Faults::default();
            check::condition(condition, path, &mut own);
            if own.is_empty() {
                alone(condition, path, &Left::with_churned(), &mut own);
            }
            faults.extend(own);
        }
        if !faults.is_empty() {
            return Err(faults.into_list());
        }
        let conditions: Vec<Condition> = conditions.into_iter().map(|(_, condition)| condition).collect();
        let program = Program::of(&conditions);
        Ok(Self { conditions, program })
    }

    /// What each says of an account, in the order in which they were given.
    pub fn answers(&self, facts: &Facts<'_>) -> Vec<Truth> {
        let (seen, mut stack) = (Seen::all(&self.program, facts), Stack::default());
        self.program.conditions().iter().map(|of| seen.truth(&self.program, of, &mut stack)).collect()
    }

    /// The same in words, with what each rests on.
    pub fn verdicts(&self, facts: &Facts<'_>) -> Vec<Verdict> {
        let seen = Seen::all(&self.program, facts);
        let each = self.conditions.iter().zip(self.program.conditions());
        each.map(|(condition, of)| seen.verdict(&self.program, condition, of)).collect()
    }

    /// What one of them says, in words; only what it needs is read.
    pub fn verdict(&self, place: usize, facts: &Facts<'_>) -> Option<Verdict> {
        let (condition, of) = (self.conditions.get(place)?, self.program.conditions().get(place)?);
        Some(Seen::some(&self.program, &[of], facts).verdict(&self.program, condition, of))
    }
}

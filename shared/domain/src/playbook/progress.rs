//! How far an execution has come, and how well it keeps to its playbook.

use super::Playbook;
use super::execution::{Execution, StepState};
use super::step::Step;
use crate::day::Day;
use jiff::Timestamp;

/// How far an execution has come. Counts what people settle: tasks and gates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Settled: done, decided or left out.
    pub settled: u32,
    /// Of so many; what the way goes past or a gate bars is left out.
    pub of: u32,
    /// Done or decided in time, not left out.
    pub kept: u32,
    /// Settled, or open and late: what can be said to be kept or not.
    pub judged: u32,
}

impl Progress {
    /// The progress at a moment.
    pub fn of(playbook: &Playbook, execution: &Execution, now: Timestamp) -> Self {
        let mut progress = Self { settled: 0, of: 0, kept: 0, judged: 0 };
        let today = Day::of(now);
        for Step { id, .. } in playbook.in_order().filter(|step| step.kind.is_for_people()) {
            let Some(record) = execution.steps.get(id) else { continue };
            let (settled, kept, judged) = match &record.state {
                StepState::Passed { .. } | StepState::Barred { .. } => continue,
                StepState::Done { .. } | StepState::Approved { .. } | StepState::Refused { .. } => {
                    (1, u32::from(!record.late), 1)
                }
                StepState::Skipped { .. } | StepState::Withheld { .. } => (1, 0, 1),
                StepState::Open { .. } => (0, 0, u32::from(record.due_on.is_some_and(|due| due < today))),
                StepState::Pending | StepState::Branched { .. } => (0, 0, 0),
            };
            progress.settled += settled;
            progress.of += 1;
            progress.kept += kept;
            progress.judged += judged;
        }
        progress
    }

    /// Settled, in hundredths of a percent; all of nothing is all.
    pub const fn completion_basis_points(&self) -> u32 {
        share(self.settled, self.of)
    }

    /// Adherence, in hundredths of a percent: kept of what can be judged; nothing where nothing can.
    pub const fn adherence_basis_points(&self) -> Option<u32> {
        if self.judged == 0 { None } else { Some(share(self.kept, self.judged)) }
    }
}

const fn share(part: u32, whole: u32) -> u32 {
    match part.saturating_mul(10_000).checked_div(whole) {
        Some(share) => share,
        None => 10_000,
    }
}

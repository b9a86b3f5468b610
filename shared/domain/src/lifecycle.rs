//! The customer's way: its stages with their days, the milestones of each, and the gate at its end.
//!
//! A playbook whose steps belong to stages is such a way; its running copy says how far a customer has come. A stage is
//! left through its gate alone: days pass, stages do not.

use crate::account::LifecycleStage;
use crate::day::Day;
use crate::id::StepId;
use crate::playbook::{Draft, Execution, Playbook, StepKind, StepState};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// A stage of the way. Days are counted from the start, which is day 1.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StageWindow {
    /// Which stage.
    pub stage: LifecycleStage,
    /// Its first day.
    pub from_day: u32,
    /// Its last day.
    pub to_day: u32,
    /// The gate through which it is left.
    pub gate: StepId,
}

/// How far a customer has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Journey {
    /// Today's number, from 1.
    pub day: i32,
    /// The stage that the customer is in: the first whose gate is not opened.
    pub stage: LifecycleStage,
    /// The stage that belongs to this day.
    pub expected: LifecycleStage,
    /// Its stages.
    pub stages: Vec<StageProgress>,
}

/// How far a stage has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StageProgress {
    /// Which stage.
    pub stage: LifecycleStage,
    /// Milestones that were reached.
    pub reached: u32,
    /// Milestones that are to be reached; those that were skipped or lie on another way are left out.
    pub of: u32,
    /// Those that are late today.
    pub late: Vec<StepId>,
    /// When its gate was opened.
    pub left_on: Option<Day>,
}

/// How far a customer has come on a way; nothing where the playbook has no stages.
pub fn journey(playbook: &Playbook, execution: &Execution, today: Day) -> Option<Journey> {
    let day = today.since(Day::of(execution.started_at)).saturating_add(1);
    let stages: Vec<StageProgress> =
        playbook.stages.iter().map(|window| progress(playbook, execution, window, today)).collect();
    let after = LifecycleStage::Steady;
    let stage = stages.iter().find(|progress| progress.left_on.is_none()).map_or(after, |progress| progress.stage);
    let expected = playbook
        .stages
        .iter()
        .find(|window| day <= i32::try_from(window.to_day).unwrap_or(i32::MAX))
        .map_or(after, |window| window.stage);
    (!stages.is_empty()).then_some(Journey { day, stage, expected, stages })
}

fn progress(playbook: &Playbook, execution: &Execution, window: &StageWindow, today: Day) -> StageProgress {
    let mut progress = StageProgress { stage: window.stage, reached: 0, of: 0, late: Vec::new(), left_on: None };
    if let Some(StepState::Approved { at, .. }) = execution.steps.get(&window.gate).map(|record| &record.state) {
        progress.left_on = Some(Day::of(*at));
    }
    let of_stage =
        |step: &&crate::playbook::Step| step.stage == Some(window.stage) && matches!(step.kind, StepKind::Task { .. });
    for step in playbook.in_order().filter(of_stage) {
        let Some(record) = execution.steps.get(&step.id) else { continue };
        match &record.state {
            StepState::Done { .. } => (progress.reached, progress.of) = (progress.reached + 1, progress.of + 1),
            StepState::Pending | StepState::Open { .. } => {
                progress.of += 1;
                if record.due_on.is_some_and(|due| due < today) {
                    progress.late.push(step.id.clone());
                }
            }
            _ => {}
        }
    }
    progress
}

/// Looks at the stages of a playbook as it is written.
pub(crate) fn check(draft: &Draft, ancestors: &[BTreeSet<usize>], faults: &mut crate::playbook::Faults) {
    let places: BTreeMap<&StepId, usize> =
        draft.steps.iter().enumerate().map(|(place, step)| (&step.id, place)).collect();
    let mut next_day = 1;
    let mut gates: Vec<(LifecycleStage, usize)> = Vec::new();
    for (index, window) in draft.stages.iter().enumerate() {
        let path = format!("stages[{index}]");
        if window.from_day != next_day || window.to_day < window.from_day {
            let reason = format!("is {} to {}; begin on day {next_day} and end later", window.from_day, window.to_day);
            faults.add(format!("{path}.from_day"), reason);
        }
        next_day = window.to_day.saturating_add(1);
        if gates.iter().any(|(stage, _)| *stage == window.stage) {
            faults.add(format!("{path}.stage"), format!("`{}` is an earlier stage", window.stage.name()));
        }
        let gate = places.get(&window.gate).and_then(|place| Some((*place, draft.steps.get(*place)?)));
        match gate {
            Some((place, step)) if matches!(step.kind, StepKind::Gate { .. }) && step.stage == Some(window.stage) => {
                gates.push((window.stage, place));
            }
            _ => faults.add(format!("{path}.gate"), format!("`{}` is no gate of this stage", window.gate)),
        }
    }
    for (place, step) in draft.steps.iter().enumerate() {
        let Some(stage) = step.stage else { continue };
        let Some(number) = draft.stages.iter().position(|window| window.stage == stage) else {
            faults.add(format!("steps[{place}].stage"), format!("`{}` is not among the stages", stage.name()));
            continue;
        };
        let earlier = number.checked_sub(1).and_then(|before| draft.stages.get(before));
        let gate = earlier.and_then(|window| places.get(&window.gate));
        if let (Some(gate), Some(before)) = (gate, ancestors.get(place))
            && !before.contains(gate)
        {
            let reason = format!("belongs to `{}`, but does not come after the gate of the stage before", stage.name());
            faults.add(format!("steps[{place}].after"), reason);
        }
    }
}

#[cfg(test)]
mod tests;

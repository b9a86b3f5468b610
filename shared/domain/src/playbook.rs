//! Playbooks: templates of steps for people and machine, and their running copies.
//!
//! A playbook that exists is whole: every name in it is known, no step waits for itself, each step is reached on some
//! way, every way ends, and nothing goes out to a customer but behind a gate that somebody opened. Its version follows
//! from its content. What a running copy does next is decided by [`decide`] alone, from state, command, facts and time.

mod advance;
mod check;
mod command;
mod decide;
pub mod entry;
pub mod evidence;
pub mod execution;
mod nearest;
pub mod parameter;
mod progress;
pub mod step;
mod ways;

pub(crate) use check::Faults;
pub use command::{Command, Deed, Refusal};
pub use decide::{Decision, decide, start};
pub use entry::{Entry, Situation};
pub use evidence::{Evidence, EvidenceKind, Shown};
pub use execution::{Change, Does, EffectRequest, Execution, Status, StepRecord, StepState, What};
pub use parameter::{Parameter, ParameterKind, Value};
pub use progress::Progress;
pub use step::{Anchor, Arm, Ask, Due, Effect, RENEWAL, Step, StepKind};

use crate::destination::Destinations;
use crate::digest::Digest;
use crate::escalation::policy::Role;
use crate::id::{PlaybookId, StepId};
use crate::lifecycle::StageWindow;
use crate::rule::CtaKind;
use crate::signal::Severity;
use serde::Serialize;
use std::collections::BTreeMap;

/// The most steps of a playbook.
pub const MAX_STEPS: usize = 60;
/// The most parameters of a playbook.
pub const MAX_PARAMETERS: usize = 30;
/// The most playbooks of a set.
pub const MAX_PLAYBOOKS: usize = 50;
/// The longest period of a playbook, in days.
pub const MAX_DAYS: u32 = 1_000;
/// The longest words of a playbook, in characters.
pub const MAX_WORDS: usize = 500;

/// A fault of a playbook, with the path to it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{path}` {reason}")]
pub struct PlaybookFault {
    /// Where: `steps[2].after`.
    pub path: String,
    /// What is wrong and what would be right.
    pub reason: String,
}

/// The call to action that a step which is late opens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Overdue {
    /// What it is about.
    pub kind: CtaKind,
    /// How bad it is.
    pub severity: Severity,
    /// Days from opening until it is due.
    pub due_in_days: u32,
}

/// When an execution that does not move is told, and when people are asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Stuck {
    /// So many days past due without anything settled, it is told, and the step goes to its owner's deputy.
    pub tell_after_days: u32,
    /// So many days past due without anything settled, people are asked for.
    pub escalate_after_days: u32,
    /// How bad that is.
    pub severity: Severity,
}

/// A playbook as it is written, not yet looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Draft {
    /// Its name.
    pub id: PlaybookId,
    /// What people call it.
    pub title: String,
    /// What it is for.
    pub objective: String,
    /// What somebody gives to begin it.
    pub parameters: Vec<Parameter>,
    /// When it may begin.
    pub entry: Entry,
    /// What a step that is late opens.
    pub overdue: Overdue,
    /// What happens where nothing happens.
    pub stuck: Stuck,
    /// Who stands in for whom.
    pub deputies: BTreeMap<Role, Role>,
    /// The stages of the customer's way, where it is one.
    pub stages: Vec<StageWindow>,
    /// The steps.
    pub steps: Vec<Step>,
}

/// A playbook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Playbook {
    draft: Draft,
    version: Digest,
    /// The steps in an order in which each comes after all that it follows, by their places in the draft.
    order: Vec<usize>,
}

impl Playbook {
    /// Checks the playbook and gives it its version. Names every fault at once.
    pub fn new(draft: Draft) -> Result<Self, Vec<PlaybookFault>> {
        let order = check::check(&draft)?;
        match Digest::of_json("playbook", &draft) {
            Ok(version) => Ok(Self { draft, version, order }),
            Err(error) => Err(vec![PlaybookFault { path: "steps".into(), reason: error.to_string() }]),
        }
    }

    /// Follows from the content: another playbook has another version.
    pub const fn version(&self) -> Digest {
        self.version
    }

    /// The step with this name.
    pub fn step(&self, id: &StepId) -> Option<&Step> {
        self.draft.steps.iter().find(|step| step.id == *id)
    }

    /// The steps in an order in which each comes after all that it follows.
    pub fn in_order(&self) -> impl Iterator<Item = &Step> {
        self.order.iter().filter_map(|place| self.draft.steps.get(*place))
    }

    /// The evidence with this name, wherever it is asked for.
    pub fn evidence(&self, name: &str) -> Option<&Evidence> {
        self.draft.steps.iter().flat_map(|step| &step.evidence).find(|evidence| evidence.name == name)
    }

    /// Whether a day of it is counted from the account's renewal date.
    pub fn needs_renewal(&self) -> bool {
        self.draft
            .steps
            .iter()
            .flat_map(Step::days)
            .any(|(_, due)| matches!(&due.from, Anchor::Date(name) if name == RENEWAL))
    }

    /// Whoever stands in for a role.
    pub fn deputy(&self, role: Role) -> Option<Role> {
        self.draft.deputies.get(&role).copied()
    }

    /// The branch or gate that chooses a step, if one does.
    fn chooser(&self, id: &StepId) -> Option<&Step> {
        self.draft.steps.iter().find(|step| step.choices().any(|(_, to)| to.contains(id)))
    }
}

impl std::ops::Deref for Playbook {
    type Target = Draft;
    fn deref(&self) -> &Draft {
        &self.draft
    }
}

/// The playbooks of a tenant, by name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Playbooks(BTreeMap<PlaybookId, Playbook>);

impl Playbooks {
    /// A set of these, each name once.
    pub fn new(playbooks: impl IntoIterator<Item = Playbook>) -> Result<Self, Vec<PlaybookFault>> {
        let (mut set, mut faults) = (BTreeMap::new(), Vec::new());
        for (index, playbook) in playbooks.into_iter().enumerate() {
            if set.contains_key(&playbook.id) {
                let reason = format!("`{}` is taken by an earlier playbook", playbook.id);
                faults.push(PlaybookFault { path: format!("playbooks[{index}].id"), reason });
            }
            set.insert(playbook.id.clone(), playbook);
        }
        if set.len() > MAX_PLAYBOOKS {
            let reason = format!("has {} playbooks; give at most {MAX_PLAYBOOKS}", set.len());
            faults.push(PlaybookFault { path: "playbooks".into(), reason });
        }
        if faults.is_empty() { Ok(Self(set)) } else { Err(faults) }
    }

    /// The playbook with this name.
    pub fn get(&self, id: &PlaybookId) -> Option<&Playbook> {
        self.0.get(id)
    }

    /// Says that a name is not known and which one is nearest.
    pub fn unknown(&self, id: &str) -> String {
        nearest::unknown(id, self.0.keys().map(PlaybookId::as_str))
    }

    /// Every destination that a step names and that is none; a fault is led by the playbook's name.
    pub fn without_destination(&self, destinations: &Destinations) -> Vec<PlaybookFault> {
        let mut faults = Vec::new();
        for playbook in self.iter() {
            for (index, step) in playbook.draft.steps.iter().enumerate() {
                let StepKind::Effect(effect) = &step.kind else { continue };
                if let Some(id) = effect.destination().filter(|id| destinations.get(id).is_none()) {
                    let path = format!("{}.steps[{index}].{}.destination", playbook.id, effect.name());
                    let known = destinations.all().map(|destination| destination.id.as_str());
                    faults.push(PlaybookFault { path, reason: nearest::unknown(id.as_str(), known) });
                }
            }
        }
        faults
    }

    /// The playbooks in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = &Playbook> {
        self.0.values()
    }
}

#[cfg(test)]
mod tests;

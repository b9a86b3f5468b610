//! The steps of a playbook: what kind each is, what it waits for, whose it is and when it is due.

use super::evidence::Evidence;
use crate::account::LifecycleStage;
use crate::escalation::policy::Role;
use crate::id::{DestinationId, StepId};
use crate::rule::Condition;
use crate::signal::Severity;
use serde::Serialize;
use std::collections::BTreeSet;

/// One step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// Its name in the playbook.
    pub id: StepId,
    /// What is to be done, in plain words; `{parameter}` is filled in.
    pub title: String,
    /// What kind of step it is.
    pub kind: StepKind,
    /// It begins when all of these are settled.
    pub after: BTreeSet<StepId>,
    /// Whose it is; nobody's where the machine does it.
    pub owner: Option<Role>,
    /// The last day on which it is in time.
    pub due: Option<Due>,
    /// What has to be shown.
    pub evidence: Vec<Evidence>,
    /// Where people read how it is done.
    pub article: Option<String>,
    /// The stage of the customer's way that it belongs to.
    pub stage: Option<LifecycleStage>,
}

/// What kind of step it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StepKind {
    /// Somebody does something. Ends by itself where it is `automatic` and what was measured shows it.
    Task {
        /// Ends as soon as what was measured shows it; all its evidence is measured.
        automatic: bool,
    },
    /// Nothing happens until a day.
    Wait {
        /// The day.
        until: Due,
    },
    /// The way divides: the first arm whose question is answered with yes is taken.
    Branch {
        /// The ways, asked in this order.
        arms: Vec<Arm>,
        /// What is taken where no arm is.
        otherwise: BTreeSet<StepId>,
        /// While an answer is unknown the branch waits so many days; after that unknown counts as no.
        patience_days: u32,
    },
    /// The machine does something, once.
    Effect(Effect),
    /// Somebody has to say yes. What comes after a gate that was refused is barred.
    Gate {
        /// Evidence of other steps without which nobody can say yes.
        requires: Vec<String>,
        /// What is done where the answer is no.
        refused: BTreeSet<StepId>,
    },
}

impl StepKind {
    /// The kind as it is written.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Task { .. } => "task",
            Self::Wait { .. } => "wait",
            Self::Branch { .. } => "branch",
            Self::Effect(_) => "effect",
            Self::Gate { .. } => "gate",
        }
    }

    /// Whether people settle it.
    pub const fn is_for_people(&self) -> bool {
        matches!(self, Self::Task { .. } | Self::Gate { .. })
    }
}

/// One way of a branch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Arm {
    /// When it is taken.
    pub when: Ask,
    /// The steps that begin then.
    pub to: BTreeSet<StepId>,
}

/// A question that a branch asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Ask {
    /// About the account.
    Account(Condition),
    /// Whether a parameter has this value, as it is written.
    Parameter {
        /// Which one.
        name: String,
        /// The value.
        is: String,
    },
}

/// What the machine does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Tells somebody of our own people.
    Notify {
        /// Whom.
        role: Role,
        /// What, in plain words; `{parameter}` is filled in.
        text: String,
        /// Where it is told; nowhere outside where none is named.
        #[serde(skip_serializing_if = "Option::is_none")]
        destination: Option<DestinationId>,
    },
    /// Tells the customer. Only behind a gate.
    Outreach {
        /// What, in plain words; `{parameter}` is filled in.
        text: String,
        /// Where it is told; nowhere outside where none is named.
        #[serde(skip_serializing_if = "Option::is_none")]
        destination: Option<DestinationId>,
    },
    /// Asks for people.
    Escalate {
        /// How bad it is.
        severity: Severity,
        /// Who is needed and for what; `{parameter}` is filled in.
        reason: String,
    },
}

impl Effect {
    /// The effect as it is written.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Notify { .. } => "notify",
            Self::Outreach { .. } => "outreach",
            Self::Escalate { .. } => "escalate",
        }
    }

    /// Where it is told, outside.
    pub const fn destination(&self) -> Option<&DestinationId> {
        match self {
            Self::Notify { destination, .. } | Self::Outreach { destination, .. } => destination.as_ref(),
            Self::Escalate { .. } => None,
        }
    }

    /// Its words.
    pub const fn text(&self) -> &String {
        match self {
            Self::Notify { text, .. } | Self::Outreach { text, .. } => text,
            Self::Escalate { reason, .. } => reason,
        }
    }
}

/// A day, so many days after (or before, when negative) another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Due {
    /// The other day.
    pub from: Anchor,
    /// How many days after it.
    pub days: i32,
}

/// What a day is counted from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Anchor {
    /// The day on which the execution began.
    Start,
    /// The day on which an earlier step was settled; while it is not, the day on which it is due.
    Step(StepId),
    /// A date that may move: [`RENEWAL`] of the account, or a parameter that is a date.
    Date(String),
}

/// The account's renewal date, by which a playbook names it.
pub const RENEWAL: &str = "renewal_on";

impl Step {
    /// The steps that this one chooses among: they begin only where it names them.
    pub fn choices(&self) -> impl Iterator<Item = (String, &BTreeSet<StepId>)> {
        let (arms, one) = match &self.kind {
            StepKind::Branch { arms, otherwise, .. } => (arms.as_slice(), Some(("otherwise".to_owned(), otherwise))),
            StepKind::Gate { refused, .. } => (&[][..], Some(("refused".to_owned(), refused))),
            _ => (&[][..], None),
        };
        arms.iter().enumerate().map(|(index, arm)| (format!("arms[{index}].to"), &arm.to)).chain(one)
    }

    /// Every day that it names, with the field that names it.
    pub fn days(&self) -> impl Iterator<Item = (&'static str, &Due)> {
        let until = match &self.kind {
            StepKind::Wait { until } => Some(("until", until)),
            _ => None,
        };
        self.due.as_ref().map(|due| ("due", due)).into_iter().chain(until)
    }
}

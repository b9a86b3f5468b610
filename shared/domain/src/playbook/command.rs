//! What people do with an execution, and why it may be refused.

use super::PlaybookFault;
use super::parameter::Value;
use crate::id::{PersonId, StepId};
use std::collections::BTreeMap;

/// The longest reason, in characters.
pub const MAX_REASON: usize = 500;

/// What comes to an execution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Time passes, or something is known that was not: see what follows.
    Look,
    /// Somebody settles a step.
    Settle {
        /// Which.
        step: StepId,
        /// How.
        deed: Deed,
        /// Who.
        by: PersonId,
    },
    /// Somebody ends it.
    Cancel {
        /// Who.
        by: PersonId,
        /// Why.
        reason: String,
    },
}

/// How somebody settles a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deed {
    /// A task was done.
    Complete {
        /// What shows it.
        evidence: BTreeMap<String, Value>,
    },
    /// A task, a wait or an effect that is held back is left out.
    Skip {
        /// Why.
        reason: String,
    },
    /// A gate is opened.
    Approve {
        /// What shows that it may be.
        evidence: BTreeMap<String, Value>,
    },
    /// A gate stays shut.
    Refuse {
        /// Why.
        reason: String,
    },
}

impl Deed {
    /// The deed as it is written.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Complete { .. } => "complete",
            Self::Skip { .. } => "skip",
            Self::Approve { .. } => "approve",
            Self::Refuse { .. } => "refuse",
        }
    }
}

/// Why a command is refused. Trying again does not help while nothing else happens.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No such step.
    #[error("{0}")]
    NoSuchStep(String),
    /// It has ended.
    #[error("the execution is {0}")]
    Ended(&'static str),
    /// Something before it is not settled.
    #[error("`{step}` is not open; first settle {}", .waits_for.join(", "))]
    NotOpen {
        /// The step.
        step: StepId,
        /// What it waits for.
        waits_for: Vec<String>,
    },
    /// It is settled.
    #[error("`{step}` is {state} already")]
    Settled {
        /// The step.
        step: StepId,
        /// How it was settled.
        state: &'static str,
    },
    /// Another kind of step.
    #[error("cannot {deed} `{step}`, which is a {kind}")]
    OtherKind {
        /// What was asked.
        deed: &'static str,
        /// The step.
        step: StepId,
        /// What it is.
        kind: &'static str,
    },
    /// What is shown is not what is needed.
    #[error("the evidence is not enough")]
    Evidence(Vec<PlaybookFault>),
    /// A reason is needed.
    #[error("the reason has {0} characters; say it in 1 to {MAX_REASON}")]
    Words(usize),
}

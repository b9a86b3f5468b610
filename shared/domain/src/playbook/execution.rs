//! A running copy of a playbook: where each step is, what was shown, and what has happened, one change after another.

use super::evidence::Shown;
use super::parameter::Value;
use super::ways::{Fate, YES};
use crate::account::LifecycleStage;
use crate::contact::Held;
use crate::cta::Cta;
use crate::day::Day;
use crate::digest::Digest;
use crate::escalation::policy::Role;
use crate::id::{
    AccountId, CauseId, CtaId, DestinationId, ExecutionId, IdError, PersonId, PlaybookId, RuleId, StepId, TenantId,
};
use crate::signal::Severity;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A running copy of a playbook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Execution {
    /// Follows from what started it.
    pub id: ExecutionId,
    /// On which account.
    pub account: AccountId,
    /// A copy of which playbook.
    pub playbook: PlaybookId,
    /// Of which version: it goes on with this one, whatever comes later.
    pub version: Digest,
    /// What was given to start it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub arguments: BTreeMap<String, Value>,
    /// When it began.
    pub started_at: Timestamp,
    /// Who began it.
    pub started_by: PersonId,
    /// In which stage of its life the account was then.
    pub started_in: LifecycleStage,
    /// Where it is.
    pub status: Status,
    /// Where each step is.
    pub steps: BTreeMap<StepId, StepRecord>,
    /// What was shown, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub evidence: BTreeMap<String, Shown>,
    /// When a step was last settled.
    pub progressed_at: Timestamp,
    /// That it does not move, while it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stuck: Option<Standstill>,
    /// How many changes there were.
    pub changes: u64,
}

/// Where an execution is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum Status {
    /// Something is still to be settled.
    Running,
    /// All is settled.
    Completed {
        /// Since when.
        at: Timestamp,
    },
    /// All is settled, and a gate was refused.
    Refused {
        /// Since when.
        at: Timestamp,
    },
    /// It was ended before all was settled.
    Cancelled {
        /// When.
        at: Timestamp,
        /// Who ended it; nobody where the customer left.
        by: Option<PersonId>,
        /// Why.
        reason: String,
    },
}

impl Status {
    /// The status as it is written.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Completed { .. } => "completed",
            Self::Refused { .. } => "refused",
            Self::Cancelled { .. } => "cancelled",
        }
    }

    /// When it ended.
    pub const fn ended_at(&self) -> Option<Timestamp> {
        match self {
            Self::Running => None,
            Self::Completed { at } | Self::Refused { at } | Self::Cancelled { at, .. } => Some(*at),
        }
    }
}

/// An execution that does not move.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standstill {
    /// The step that it waits for.
    pub step: StepId,
    /// Whether people were asked for.
    pub escalated: bool,
}

/// Where a step is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepRecord {
    /// Where it is.
    #[serde(flatten)]
    pub state: StepState,
    /// The last day on which it is in time, as things are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_on: Option<Day>,
    /// Whether it was settled later than that.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub late: bool,
    /// Whether it went to its owner's deputy.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub with_deputy: bool,
    /// That what it sends to the customer is held back, and until when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held: Option<Held>,
    /// The call to action that it opened when it was late.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cta: Option<Cta>,
}

/// Where a step is, and since when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum StepState {
    /// Something before it is not settled.
    Pending,
    /// It is to be done.
    Open {
        /// Since when.
        since: Timestamp,
    },
    /// It was done.
    Done {
        /// When.
        at: Timestamp,
        /// By whom; by nobody where the machine did it.
        by: Option<PersonId>,
    },
    /// It was left out.
    Skipped {
        /// When.
        at: Timestamp,
        /// By whom.
        by: PersonId,
        /// Why.
        reason: String,
    },
    /// It was not sent, for the customer does not want to be reached.
    Withheld {
        /// When that was found.
        at: Timestamp,
        /// Why, in plain words.
        reason: String,
    },
    /// The gate was opened.
    Approved {
        /// When.
        at: Timestamp,
        /// By whom.
        by: PersonId,
    },
    /// The gate stays shut.
    Refused {
        /// When.
        at: Timestamp,
        /// By whom.
        by: PersonId,
        /// Why.
        reason: String,
    },
    /// The branch took an arm; the one behind the last is `otherwise`.
    Branched {
        /// When.
        at: Timestamp,
        /// Which arm, from 0.
        arm: usize,
    },
    /// The way goes past it.
    Passed {
        /// Since when.
        at: Timestamp,
    },
    /// A gate before it was refused.
    Barred {
        /// Since when.
        at: Timestamp,
    },
}

impl StepState {
    /// The state as it is written.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Open { .. } => "open",
            Self::Done { .. } => "done",
            Self::Skipped { .. } => "skipped",
            Self::Withheld { .. } => "withheld",
            Self::Approved { .. } => "approved",
            Self::Refused { .. } => "refused",
            Self::Branched { .. } => "branched",
            Self::Passed { .. } => "passed",
            Self::Barred { .. } => "barred",
        }
    }

    /// When it was settled.
    pub const fn settled_at(&self) -> Option<Timestamp> {
        match self {
            Self::Pending | Self::Open { .. } => None,
            Self::Done { at, .. }
            | Self::Skipped { at, .. }
            | Self::Withheld { at, .. }
            | Self::Approved { at, .. }
            | Self::Refused { at, .. }
            | Self::Branched { at, .. }
            | Self::Passed { at }
            | Self::Barred { at } => Some(*at),
        }
    }

    /// What became of it, and which choice was taken there; nothing while it is not settled. What was skipped or
    /// withheld counts as done: it blocks nothing.
    pub(super) const fn fate(&self) -> Option<(Fate, usize)> {
        match self {
            Self::Pending | Self::Open { .. } => None,
            Self::Done { .. } | Self::Skipped { .. } | Self::Withheld { .. } | Self::Refused { .. } => {
                Some((Fate::Taken, 0))
            }
            Self::Approved { .. } => Some((Fate::Taken, YES)),
            Self::Branched { arm, .. } => Some((Fate::Taken, *arm)),
            Self::Passed { .. } => Some((Fate::Passed, 0)),
            Self::Barred { .. } => Some((Fate::Barred, 0)),
        }
    }
}

/// Something that happened to an execution.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Counts the changes of an execution, from 1, without a gap.
    pub number: u64,
    /// When.
    pub at: Timestamp,
    /// What.
    #[serde(flatten)]
    pub what: What,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum What {
    /// It began.
    Started,
    /// A step is to be done.
    Opened {
        /// Which.
        step: StepId,
    },
    /// What a step sends to the customer is held back, and goes later.
    Held {
        /// Which.
        step: StepId,
    },
    /// A step was settled.
    Settled {
        /// Which.
        step: StepId,
    },
    /// Steps are due on other days than before, because a date moved or an earlier step was settled on another day.
    Moved {
        /// Which.
        steps: Vec<StepId>,
    },
    /// A step is late.
    Late {
        /// Which.
        step: StepId,
    },
    /// A step is late no more, for it is due on a later day.
    InTimeAgain {
        /// Which.
        step: StepId,
    },
    /// Nothing is settled although a step is past due; it went to its owner's deputy where there is one.
    Stuck {
        /// The step that it waits for.
        step: StepId,
    },
    /// People were asked for, because nothing was settled for longer.
    Escalated {
        /// The step that it waits for.
        step: StepId,
    },
    /// It ended.
    Finished,
}

impl What {
    /// The change as it is written.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::Opened { .. } => "opened",
            Self::Held { .. } => "held",
            Self::Settled { .. } => "settled",
            Self::Moved { .. } => "moved",
            Self::Late { .. } => "late",
            Self::InTimeAgain { .. } => "in_time_again",
            Self::Stuck { .. } => "stuck",
            Self::Escalated { .. } => "escalated",
            Self::Finished => "finished",
        }
    }

    /// The step that it is about, where it is about one.
    pub const fn step(&self) -> Option<&StepId> {
        match self {
            Self::Opened { step }
            | Self::Held { step }
            | Self::Settled { step }
            | Self::Late { step }
            | Self::InTimeAgain { step }
            | Self::Stuck { step }
            | Self::Escalated { step } => Some(step),
            Self::Started | Self::Moved { .. } | Self::Finished => None,
        }
    }
}

/// Something that the machine is to do outside of the execution.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EffectRequest {
    /// The same effect always has the same key: whoever knows it has done it.
    pub key: String,
    /// The step.
    pub step: StepId,
    /// What is to be done.
    pub does: Does,
}

/// What the machine is to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "does", rename_all = "snake_case")]
pub enum Does {
    /// Tell somebody of our own people.
    Notify {
        /// Whom.
        role: Role,
        /// What.
        text: String,
        /// Where, outside.
        destination: Option<DestinationId>,
    },
    /// Tell the customer.
    Outreach {
        /// What.
        text: String,
        /// Where, outside.
        destination: Option<DestinationId>,
    },
    /// Ask for people.
    Escalate {
        /// How bad it is.
        severity: Severity,
        /// Who is needed and for what.
        reason: String,
    },
}

impl Execution {
    /// The id of the execution that this cause starts: the same cause starts one.
    pub fn id_of(
        tenant: &TenantId,
        playbook: &PlaybookId,
        account: &AccountId,
        cause: &CauseId,
    ) -> Result<ExecutionId, IdError> {
        let parts = [tenant.as_str(), playbook.as_str(), account.as_str(), cause.as_str()];
        ExecutionId::new(format!("exec-{}", Digest::of("execution", parts).short()))
    }

    /// Whether something is still to be settled.
    pub const fn is_running(&self) -> bool {
        matches!(self.status, Status::Running)
    }

    /// The key of a step's effect.
    pub(super) fn key(&self, step: &StepId) -> String {
        format!("{}/{step}", self.id)
    }

    /// The id of the call to action that a late step opens.
    pub(super) fn cta_id(&self, step: &StepId) -> Result<CtaId, IdError> {
        CtaId::new(format!("cta-{}", Digest::of("step", [self.id.as_str(), step.as_str()]).short()))
    }

    /// What stands in the place of a rule where a playbook opens a call to action or asks for people.
    pub fn rule(&self) -> Result<RuleId, IdError> {
        RuleId::new(format!("{PLAYBOOK_RULE}{}", self.playbook))
    }

    /// The calls to action that it holds open.
    pub fn open_ctas(&self) -> impl Iterator<Item = &Cta> {
        self.steps.values().filter_map(|record| record.cta.as_ref()).filter(|cta| cta.status.is_live())
    }
}

/// What the name of a rule begins with that is a playbook.
pub const PLAYBOOK_RULE: &str = "playbook:";

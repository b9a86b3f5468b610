//! What events say of executions.

use crate::execution::StepItem;
use domain::id::{DestinationId, ExecutionId, PlaybookId, StepId};
use domain::playbook::{Execution, Playbook, Progress};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An execution as events tell it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ExecutionBody {
    /// Which execution.
    #[schemars(with = "String")]
    pub execution: ExecutionId,
    /// The playbook.
    #[schemars(with = "String")]
    pub playbook: PlaybookId,
    /// The playbook's version.
    pub version: String,
    /// `running`, `completed`, `refused` or `cancelled`.
    pub status: String,
    /// When it began.
    #[schemars(with = "String")]
    pub started_at: Timestamp,
    /// Settled of what people settle, in hundredths of a percent.
    pub completion_basis_points: u32,
    /// Done in time of what can be judged, in hundredths of a percent; nothing where nothing can.
    pub adherence_basis_points: Option<u32>,
}

/// A step as events tell it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StepBody {
    /// Which step.
    #[schemars(with = "String")]
    pub step: StepId,
    /// What is to be done.
    pub title: String,
    /// `task`, `wait`, `branch`, `effect` or `gate`.
    pub kind: String,
    /// `open`, `done`, `skipped`, `withheld` (the customer does not want to be reached), `approved`, `refused` or
    /// `branched`; a step that moved may be `pending` still.
    pub state: String,
    /// Whose it is, by role.
    pub owner: Option<String>,
    /// The last day on which it is in time.
    pub due_on: Option<String>,
    /// Whether it is late, or was settled late.
    pub late: bool,
    /// Who settled it; nobody where the machine did.
    pub by: Option<String>,
    /// Why it was skipped, refused or withheld.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A playbook was begun on an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PlaybookStarted {
    /// The execution.
    pub execution: ExecutionBody,
    /// Who began it.
    pub started_by: String,
}

/// A step is to be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StepOpened {
    /// The execution.
    pub execution: ExecutionBody,
    /// The step.
    pub step: StepBody,
}

/// A step was done, decided or left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StepCompleted {
    /// The execution.
    pub execution: ExecutionBody,
    /// The step.
    pub step: StepBody,
}

/// A step is late. Told once for each day on which it was due.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StepOverdue {
    /// The execution.
    pub execution: ExecutionBody,
    /// The step.
    pub step: StepBody,
}

/// Steps are due on other days than before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PlaybookReplanned {
    /// The execution.
    pub execution: ExecutionBody,
    /// The steps, with the days on which they are due now.
    pub steps: Vec<StepBody>,
}

/// Nothing is settled although a step is past due.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PlaybookStuck {
    /// The execution.
    pub execution: ExecutionBody,
    /// The step that it waits for; its owner is the deputy where there is one.
    pub step: StepBody,
}

/// Somebody is to be told something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EffectRequested {
    /// The same effect always has the same key: whoever knows it has done it.
    pub key: String,
    /// The execution.
    #[schemars(with = "String")]
    pub execution: ExecutionId,
    /// The step.
    #[schemars(with = "String")]
    pub step: StepId,
    /// `notify` (somebody of our own people) or `outreach` (the customer).
    pub effect: String,
    /// Whom, by role, where it is somebody of our own people.
    pub role: Option<String>,
    /// What.
    pub text: String,
    /// Where it is told, outside.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub destination: Option<DestinationId>,
}

/// An execution ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PlaybookFinished {
    /// The execution.
    pub execution: ExecutionBody,
    /// Why, where it was cancelled.
    pub reason: Option<String>,
}

impl ExecutionBody {
    /// The execution at a moment.
    pub fn of(playbook: &Playbook, execution: &Execution, now: Timestamp) -> Self {
        let progress = Progress::of(playbook, execution, now);
        Self {
            execution: execution.id.clone(),
            playbook: execution.playbook.clone(),
            version: execution.version.to_string(),
            status: execution.status.name().to_owned(),
            started_at: execution.started_at,
            completion_basis_points: progress.completion_basis_points(),
            adherence_basis_points: progress.adherence_basis_points(),
        }
    }
}

impl StepBody {
    /// A step of an execution at a moment; nothing where it has no such step.
    pub fn of(playbook: &Playbook, execution: &Execution, id: &StepId, now: Timestamp) -> Option<Self> {
        let StepItem { title, kind, state, owner, due_on, late, by, reason, .. } =
            StepItem::of(playbook, execution, id, now)?;
        Some(Self { step: id.clone(), title, kind, state, owner, due_on, late, by, reason })
    }
}

//! The bodies of the routes of executions.

use domain::fixed::Quantity;
use domain::id::{PersonId, StepId};
use domain::lifecycle;
use domain::playbook::{Change, Deed, Execution, Playbook, Progress, Shown, Status, Step, StepState, Value, What};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// `POST /execute/{workflow_id}`: on which account, and with what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExecuteRequest {
    /// The account.
    pub account: String,
    /// The playbook's parameters, by name.
    #[serde(default)]
    pub parameters: BTreeMap<String, ValueBody>,
}

/// A value that somebody gives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum ValueBody {
    /// A text, a link, a word, or a day such as 2026-11-22.
    Text(String),
    /// Yes or no.
    Flag(bool),
    /// A number.
    Number(#[schemars(with = "f64")] Quantity),
}

impl From<ValueBody> for Value {
    fn from(body: ValueBody) -> Self {
        match body {
            ValueBody::Text(text) => Self::Text(text),
            ValueBody::Flag(flag) => Self::Flag(flag),
            ValueBody::Number(number) => Self::Number(number),
        }
    }
}

/// Values by name, as the domain takes them.
pub fn values(bodies: BTreeMap<String, ValueBody>) -> BTreeMap<String, Value> {
    bodies.into_iter().map(|(name, body)| (name, body.into())).collect()
}

/// `POST /executions/{id}/steps/{step}/complete` and `…/approve`: what shows it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EvidenceRequest {
    /// The evidence, by name.
    #[serde(default)]
    pub evidence: BTreeMap<String, ValueBody>,
}

/// `POST /executions/{id}/steps/{step}/skip` and `…/refuse`, `POST /executions/{id}/cancel` and `POST /rules/{id}/release`:
/// why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReasonRequest {
    /// Why.
    pub reason: String,
}

/// `POST /executions/{id}/steps/{step}/{action}`: the body that belongs to the action.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum StepActionRequest {
    /// For `skip` and `refuse`.
    Reason(ReasonRequest),
    /// For `complete` and `approve`.
    Evidence(EvidenceRequest),
}

impl EvidenceRequest {
    /// A task was done.
    pub fn complete(self) -> Deed {
        Deed::Complete { evidence: values(self.evidence) }
    }

    /// A gate is opened.
    pub fn approve(self) -> Deed {
        Deed::Approve { evidence: values(self.evidence) }
    }
}

/// An execution as it was when it last changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ExecutionItem {
    /// Which one.
    pub execution: String,
    /// The account.
    pub account: String,
    /// The playbook.
    pub playbook: String,
    /// Its title.
    pub title: String,
    /// The version of the playbook: it goes on with this one.
    pub version: String,
    /// `running`, `completed`, `refused` (a gate was) or `cancelled`.
    pub status: String,
    /// Why it was cancelled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What was given to start it.
    pub parameters: BTreeMap<String, String>,
    /// When it began.
    #[schemars(with = "String")]
    pub started_at: Timestamp,
    /// Who began it.
    pub started_by: String,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub ended_at: Option<Timestamp>,
    /// Settled of what people settle, in hundredths of a percent.
    pub completion_basis_points: u32,
    /// Done in time of what can be judged, in hundredths of a percent; nothing where nothing can.
    pub adherence_basis_points: Option<u32>,
    /// The step that it waits for, past due and without anything settled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stuck_on: Option<String>,
    /// How many changes there were: what `GET /executions/{id}/events` has to tell.
    pub changes: u64,
    /// Its steps, each behind all that it follows.
    pub steps: Vec<StepItem>,
    /// How far the customer has come, where the playbook is a customer's way.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stages: Vec<StageItem>,
}

/// A step as it was when the execution last changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StepItem {
    /// Which one.
    pub step: String,
    /// What is to be done.
    pub title: String,
    /// `task`, `wait`, `branch`, `effect` or `gate`.
    pub kind: String,
    /// `pending`, `open`, `done`, `skipped`, `withheld` (the customer does not want to be reached), `approved`, `refused`,
    /// `branched`, `passed` (the way goes past it) or `barred` (a gate before it was refused).
    pub state: String,
    /// Whose it is, by role; the deputy's where it went there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// The last day on which it is in time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_on: Option<String>,
    /// Whether it is late, or was settled late.
    pub late: bool,
    /// When it was opened or settled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub at: Option<Timestamp>,
    /// Who settled it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Why it was skipped, refused or withheld, or is held back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Until when what it sends to the customer is held back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub held_until: Option<Timestamp>,
    /// What has to be shown, by name, and what was.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub evidence: BTreeMap<String, Option<String>>,
    /// Where people read how it is done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub article: Option<String>,
}

/// A stage of the customer's way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StageItem {
    /// Which one.
    pub stage: String,
    /// Milestones that were reached.
    pub reached: u32,
    /// Of so many.
    pub of: u32,
    /// The day on which its gate was opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_on: Option<String>,
}

/// `GET /executions`: in the order of their ids.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ExecutionPage {
    /// The executions of this page that match; there may be none, and still a next page.
    pub executions: Vec<ExecutionItem>,
    /// Give this as `cursor` for the next page; absent on the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// `POST /execute/{workflow_id}`: what was accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Executed {
    /// The execution: `GET /executions/{id}` says how it is.
    pub execution: String,
    /// Where it is.
    pub status: String,
}

/// The data of one event of `GET /executions/{id}/events`. Its `id` is the change's number, its `event` is `what`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ExecutionEvent {
    /// Counts the changes of the execution, from 1, without a gap.
    pub number: u64,
    /// When.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// `started`, `opened`, `held`, `settled`, `moved`, `late`, `in_time_again`, `stuck`, `escalated` or `finished`.
    pub what: String,
    /// The steps that it is about, each as it was then.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<StepItem>,
    /// Where the execution was then.
    pub status: String,
}

impl ExecutionItem {
    /// The execution at a moment.
    pub fn of(playbook: &Playbook, execution: &Execution, now: Timestamp) -> Self {
        let progress = Progress::of(playbook, execution, now);
        let reason = match &execution.status {
            Status::Cancelled { reason, .. } => Some(reason.clone()),
            _ => None,
        };
        let journey = lifecycle::journey(playbook, execution, domain::day::Day::of(now));
        let stages = journey.into_iter().flat_map(|journey| journey.stages).map(|stage| StageItem {
            stage: stage.stage.name().to_owned(),
            reached: stage.reached,
            of: stage.of,
            left_on: stage.left_on.map(|day| day.to_string()),
        });
        Self {
            execution: execution.id.to_string(),
            account: execution.account.to_string(),
            playbook: execution.playbook.to_string(),
            title: playbook.title.clone(),
            version: execution.version.to_string(),
            status: execution.status.name().to_owned(),
            reason,
            parameters: execution.arguments.iter().map(|(name, value)| (name.clone(), value.to_string())).collect(),
            started_at: execution.started_at,
            started_by: execution.started_by.to_string(),
            ended_at: execution.status.ended_at(),
            completion_basis_points: progress.completion_basis_points(),
            adherence_basis_points: progress.adherence_basis_points(),
            stuck_on: execution.stuck.as_ref().map(|stuck| stuck.step.to_string()),
            changes: execution.changes,
            steps: playbook.in_order().filter_map(|step| StepItem::of(playbook, execution, &step.id, now)).collect(),
            stages: stages.collect(),
        }
    }
}

impl StepItem {
    /// A step of an execution at a moment; nothing where it has no such step.
    pub fn of(playbook: &Playbook, execution: &Execution, id: &StepId, now: Timestamp) -> Option<Self> {
        let (step, record) = (playbook.step(id)?, execution.steps.get(id)?);
        let owner =
            step.owner.map(|role| if record.with_deputy { playbook.deputy(role).unwrap_or(role) } else { role });
        let (by, reason) = who_and_why(&record.state);
        let held = record.held.as_ref();
        let open = match &record.state {
            StepState::Open { since } => Some(*since),
            _ => None,
        };
        let today = domain::day::Day::of(now);
        Some(Self {
            step: id.to_string(),
            title: domain::playbook::parameter::filled(&step.title, &execution.arguments),
            kind: step.kind.name().to_owned(),
            state: record.state.name().to_owned(),
            owner: owner.map(|role| role.name().to_owned()),
            due_on: record.due_on.map(|day| day.to_string()),
            late: record.late || (open.is_some() && record.due_on.is_some_and(|due| due < today)),
            at: open.or(record.state.settled_at()),
            by: by.map(ToString::to_string),
            reason: reason.or_else(|| held.map(|held| held.reason.clone())),
            held_until: held.map(|held| held.until),
            evidence: evidence(step, execution),
            article: step.article.clone(),
        })
    }
}

fn who_and_why(state: &StepState) -> (Option<&PersonId>, Option<String>) {
    match state {
        StepState::Done { by, .. } => (by.as_ref(), None),
        StepState::Approved { by, .. } => (Some(by), None),
        StepState::Skipped { by, reason, .. } | StepState::Refused { by, reason, .. } => {
            (Some(by), Some(reason.clone()))
        }
        StepState::Withheld { reason, .. } => (None, Some(reason.clone())),
        _ => (None, None),
    }
}

fn evidence(step: &Step, execution: &Execution) -> BTreeMap<String, Option<String>> {
    let words = |shown: &Shown| match shown {
        Shown::Document(link) => link.clone(),
        Shown::Number(number) => number.to_string(),
        Shown::Measured { value, on } => format!("{value} on {on}"),
    };
    step.evidence.iter().map(|asked| (asked.name.clone(), execution.evidence.get(&asked.name).map(words))).collect()
}

impl ExecutionEvent {
    /// A change, with the execution as it was behind it.
    pub fn of(playbook: &Playbook, execution: &Execution, change: &Change) -> Self {
        let steps: Vec<&StepId> = match &change.what {
            What::Moved { steps } => steps.iter().collect(),
            what => what.step().into_iter().collect(),
        };
        Self {
            number: change.number,
            at: change.at,
            what: change.what.name().to_owned(),
            steps: steps.into_iter().filter_map(|id| StepItem::of(playbook, execution, id, change.at)).collect(),
            status: execution.status.name().to_owned(),
        }
    }
}

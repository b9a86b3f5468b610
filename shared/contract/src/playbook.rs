//! A playbook's file: YAML that becomes a [`domain::playbook::Playbook`], or says everything that is wrong with it.
//!
//! Each step is read by itself, so a step that has not the shape of a step does not hide the faults of the others.

use crate::document;
use crate::problem::Fault;
use crate::rules::ConditionFile;
use domain::account::LifecycleStage;
use domain::escalation::policy::Role;
use domain::fixed::Quantity;
use domain::id::{DestinationId, PlaybookId, StepId};
use domain::lifecycle::StageWindow;
use domain::playbook as book;
use domain::rule::CtaKind;
use domain::signal::{Metric, Severity};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// The playbooks that hold where none were given.
pub fn built_in() -> Result<Vec<PlaybookFile>, Vec<Fault>> {
    document::built_in(include_str!(concat!(env!("OUT_DIR"), "/playbooks.json")))
}

/// Reads a playbook's file as it is written.
#[cfg(feature = "yaml")]
pub fn read(text: &str) -> Result<PlaybookFile, Vec<Fault>> {
    document::yaml(text)
}

/// A playbook as it is written; its steps are read one by one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PlaybookFile {
    /// The playbook's name: `POST /execute/{workflow_id}` starts it by this.
    #[schemars(with = "String")]
    pub id: PlaybookId,
    /// What people call it.
    pub title: String,
    /// What it is for.
    pub objective: String,
    /// What somebody gives to begin it.
    #[serde(default)]
    pub parameters: Vec<ParameterFile>,
    /// When it may begin.
    #[serde(default)]
    pub entry: EntryFile,
    /// The call to action that a step which is late opens.
    pub overdue: OverdueFile,
    /// What happens where nothing happens.
    pub stuck: StuckFile,
    /// Who stands in for whom.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, String>")]
    pub deputies: BTreeMap<Role, Role>,
    /// The stages of the customer's way, where it is one.
    #[serde(default)]
    pub stages: Vec<StageFile>,
    /// The steps.
    #[schemars(with = "Vec<StepFile>")]
    pub steps: Vec<Value>,
}

/// Something that is given to begin a playbook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ParameterFile {
    /// Its name: small letters, digits and `_`.
    pub name: String,
    /// What it is, in plain words.
    pub title: String,
    /// Which values it takes.
    pub kind: ParameterKindFile,
    /// Whether nothing begins without it.
    #[serde(default)]
    pub required: bool,
}

/// Which values a parameter takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ParameterKindFile {
    /// Any text.
    Text,
    /// A link that begins with https://.
    Link,
    /// Yes or no.
    Flag,
    /// A day such as 2026-11-22.
    Date,
    /// One of these words.
    Choice(Vec<String>),
    /// A number, both ends possible.
    Number(RangeFile),
}

/// A range of numbers, both ends possible.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RangeFile {
    /// The least.
    #[schemars(with = "f64")]
    pub least: Quantity,
    /// The most.
    #[schemars(with = "f64")]
    pub most: Quantity,
}

/// When a playbook may begin.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EntryFile {
    /// Only where this is true; unknown is not true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<ConditionFile>")]
    pub when: Option<Value>,
    /// Not while a call to action of these kinds is to be done.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub not_while_open: Vec<CtaKind>,
    /// Only when the account has been in its stage of life for so many days.
    #[serde(default)]
    pub days_in_stage: u32,
    /// Not again within so many days after it ended.
    #[serde(default)]
    pub again_after_days: u32,
}

/// The call to action that a step which is late opens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OverdueFile {
    /// `risk`, `lifecycle`, `expansion` or `objective`.
    #[serde(rename = "type")]
    #[schemars(with = "String")]
    pub kind: CtaKind,
    /// `critical`, `high`, `medium` or `low`.
    #[schemars(with = "String")]
    pub severity: Severity,
    /// Days from opening until it is due.
    pub due_in_days: u32,
}

/// When an execution that does not move is told, and when people are asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StuckFile {
    /// So many days past due without anything settled, it is told, and the step goes to its owner's deputy.
    pub tell_after_days: u32,
    /// So many days past due without anything settled, people are asked for.
    pub escalate_after_days: u32,
    /// `critical`, `high`, `medium` or `low`.
    #[schemars(with = "String")]
    pub severity: Severity,
}

/// A stage of the customer's way. Days are counted from the start, which is day 1.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StageFile {
    /// `onboarding`, `expansion`, `optimization`, `steady` or `churned`.
    #[schemars(with = "String")]
    pub stage: LifecycleStage,
    /// Its first day.
    pub from_day: u32,
    /// Its last day.
    pub to_day: u32,
    /// The gate through which it is left.
    #[schemars(with = "String")]
    pub gate: StepId,
}

/// One step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StepFile {
    /// Its name in the playbook.
    #[schemars(with = "String")]
    pub id: StepId,
    /// What is to be done, in plain words; `{parameter}` is filled in.
    pub title: String,
    /// What kind of step it is.
    pub kind: KindFile,
    /// It begins when all of these are settled.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub after: BTreeSet<StepId>,
    /// Whose it is, by role.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub owner: Option<Role>,
    /// The last day on which it is in time.
    #[serde(default)]
    pub due: Option<DueFile>,
    /// What has to be shown.
    #[serde(default)]
    pub evidence: Vec<EvidenceFile>,
    /// Where people read how it is done: a link that begins with https://.
    #[serde(default)]
    pub article: Option<String>,
    /// The stage of the customer's way that it belongs to.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub stage: Option<LifecycleStage>,
}

/// What kind of step it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum KindFile {
    /// Somebody does something.
    Task,
    /// A task that ends as soon as what was measured shows it.
    AutomaticTask,
    /// Nothing happens until a day.
    Wait(DueFile),
    /// The way divides: the first arm whose question is answered with yes is taken.
    Branch(BranchFile),
    /// Somebody of our own people is told.
    Notify(NotifyFile),
    /// The customer is told. Only behind a gate.
    Outreach(OutreachFile),
    /// People are asked for.
    Escalate(EscalateFile),
    /// Somebody has to say yes.
    Gate(GateFile),
}

/// A day, so many days after (or before, when negative) another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DueFile {
    /// `start`, `renewal_on`, `step:<name>`, or a parameter that is a date.
    #[schemars(with = "String")]
    pub from: AnchorFile,
    /// How many days after it.
    pub days: i32,
}

/// What a day is counted from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AnchorFile(book::Anchor);

const START: &str = "start";
const STEP: &str = "step:";

impl TryFrom<String> for AnchorFile {
    type Error = domain::id::IdError;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        Ok(Self(match text.strip_prefix(STEP) {
            Some(step) => book::Anchor::Step(StepId::new(step)?),
            None if text == START => book::Anchor::Start,
            None => book::Anchor::Date(text),
        }))
    }
}

impl From<AnchorFile> for String {
    fn from(anchor: AnchorFile) -> Self {
        match anchor.0 {
            book::Anchor::Start => START.into(),
            book::Anchor::Step(step) => format!("{STEP}{step}"),
            book::Anchor::Date(name) => name,
        }
    }
}

/// A branch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BranchFile {
    /// The ways, asked in this order.
    pub arms: Vec<ArmFile>,
    /// What is taken where no arm is.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub otherwise: BTreeSet<StepId>,
    /// While an answer is unknown the branch waits so many days; after that unknown counts as no.
    #[serde(default)]
    pub patience_days: u32,
}

/// One way of a branch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ArmFile {
    /// When it is taken.
    pub when: AskFile,
    /// The steps that begin then.
    #[schemars(with = "Vec<String>")]
    pub to: BTreeSet<StepId>,
}

/// A question that a branch asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum AskFile {
    /// About the account.
    Account(#[schemars(with = "ConditionFile")] Value),
    /// Whether a parameter has a value.
    Parameter(IsFile),
}

/// A parameter and the value that it may have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IsFile {
    /// Which one.
    pub name: String,
    /// The value.
    pub is: String,
}

/// Somebody of our own people is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NotifyFile {
    /// Whom, by role.
    #[schemars(with = "String")]
    pub role: Role,
    /// What, in plain words; `{parameter}` is filled in.
    pub text: String,
    /// Where it is told, outside: a destination's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub destination: Option<DestinationId>,
}

/// The customer is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OutreachFile {
    /// What, in plain words; `{parameter}` is filled in.
    pub text: String,
    /// Where it is told, outside: a destination's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub destination: Option<DestinationId>,
}

/// People are asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EscalateFile {
    /// `critical`, `high`, `medium` or `low`.
    #[schemars(with = "String")]
    pub severity: Severity,
    /// Who is needed and for what; `{parameter}` is filled in.
    pub reason: String,
}

/// A gate.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GateFile {
    /// Evidence of other steps without which nobody can say yes.
    #[serde(default)]
    pub requires: Vec<String>,
    /// What is done where the answer is no.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub refused: BTreeSet<StepId>,
}

/// One thing that has to be shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EvidenceFile {
    /// Its name, one in the whole playbook: small letters, digits and `_`.
    pub name: String,
    /// What counts.
    pub kind: EvidenceKindFile,
}

/// What counts as evidence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum EvidenceKindFile {
    /// A link to a document.
    Document,
    /// A number, both ends possible.
    Number(RangeFile),
    /// What was measured last, if that is fresh.
    Metric(ThresholdFile),
}

/// What a metric has to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ThresholdFile {
    /// Which metric.
    #[schemars(with = "String")]
    pub metric: Metric,
    /// Not less than this.
    #[serde(default)]
    #[schemars(with = "Option<f64>")]
    pub at_least: Option<Quantity>,
    /// Not more than this.
    #[serde(default)]
    #[schemars(with = "Option<f64>")]
    pub at_most: Option<Quantity>,
    /// Older values show nothing.
    pub within_days: u32,
}

mod into;

#[cfg(test)]
mod tests;

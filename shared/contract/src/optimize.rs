//! The bodies of `POST /optimize`.

use crate::experiments::ExperimentFile;
use domain::flow::{Proposal, StepFlow};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Over what it is looked, and what is wanted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct OptimizeRequest {
    /// How many days back, 7 to 365.
    pub days: u32,
    /// Whether the draft of an experiment is wanted that tries the best option against doing nothing. Nothing is begun by
    /// it: a person gives the draft to trigger with its experiments.
    pub draft_experiment: bool,
}

impl Default for OptimizeRequest {
    fn default() -> Self {
        Self { days: 90, draft_experiment: false }
    }
}

/// `POST /optimize`: where work waits, and what could be done about it. Nothing is changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OptimizeAnswer {
    /// The moment that this speaks of.
    #[schemars(with = "String")]
    pub as_of: Timestamp,
    /// The first moment that is looked at.
    #[schemars(with = "String")]
    pub since: Timestamp,
    /// The step that holds the others up; absent where nothing waited.
    pub constraint: Option<String>,
    /// Every step, the one for which work waited the longest in all first.
    pub steps: Vec<FlowBody>,
    /// What could be done: the constraint's options first, of each step the highest return first.
    pub options: Vec<OptionBody>,
    /// What the options rest on, in plain words.
    pub assumptions: Vec<String>,
    /// The draft of an experiment, where it was asked for and the constraint is work that a rule opens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub experiment: Option<ExperimentDraft>,
}

/// What went through a step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FlowBody {
    /// Which step.
    pub step: String,
    /// How many pieces of work were there at some time.
    pub pieces: u64,
    /// How many of them came within the days.
    pub came: u64,
    /// How many of them were done within the days.
    pub done: u64,
    /// For how many seconds they waited before somebody began, all together.
    pub waiting_seconds: u64,
    /// For how many seconds they were worked on, all together.
    pub working_seconds: u64,
    /// How many were there on average.
    pub in_step: String,
    /// How many there should have been by Little's law: how many came times how long each was there.
    pub by_littles_law: String,
    /// By how many percent of the greater the two differ: what was there before the days, or is there after them.
    pub difference_percent: u64,
}

/// Something that could be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OptionBody {
    /// About which step.
    pub step: String,
    /// Whether that is the constraint: what is done about another brings nothing before this one is wider.
    pub constraint: bool,
    /// `add_person`, `share_out`, `automate` or `end_cause`.
    pub measure: String,
    /// In plain words.
    pub words: String,
    /// By how many hours in 90 days less is waited.
    pub hours: u64,
    /// What that is worth, in cents.
    pub benefit_cents: i64,
    /// What it costs, in cents.
    pub cost_cents: i64,
    /// What is left of the benefit for the cost, in percent.
    pub return_percent: Option<String>,
}

/// An experiment as it would be given to trigger. It is not registered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ExperimentDraft {
    /// Always false: a person gives the draft to trigger, which owns experiments.
    pub registered: bool,
    /// What to do with it.
    pub how: String,
    /// The rule whose call to action is to name the experiment.
    pub rule: String,
    /// The experiment, as the experiments file takes it.
    pub experiment: ExperimentFile,
}

impl From<&StepFlow> for FlowBody {
    fn from(flow: &StepFlow) -> Self {
        let (one, other) = (flow.in_step.micros(), flow.by_littles_law.micros());
        let (less, more) = (one.min(other), one.max(other));
        let difference = if more > 0 { i128::from(more - less) * 100 / i128::from(more) } else { 0 };
        Self {
            step: flow.step.clone(),
            pieces: flow.pieces,
            came: flow.came,
            done: flow.done,
            waiting_seconds: flow.waiting,
            working_seconds: flow.working,
            in_step: flow.in_step.to_string(),
            by_littles_law: flow.by_littles_law.to_string(),
            difference_percent: u64::try_from(difference).unwrap_or_default(),
        }
    }
}

impl From<&Proposal> for OptionBody {
    fn from(proposal: &Proposal) -> Self {
        Self {
            step: proposal.step.clone(),
            constraint: proposal.constraint,
            measure: proposal.measure.name().to_owned(),
            words: proposal.measure.words().to_owned(),
            hours: proposal.hours,
            benefit_cents: proposal.benefit.cents(),
            cost_cents: proposal.cost.cents(),
            return_percent: crate::capacity::percent(proposal.return_on_cost),
        }
    }
}

//! What a command does to an execution. Pure: the same state, command, facts and moment decide the same, and a command
//! that is repeated changes nothing.

use super::advance::Run;
use super::command::{Command, Deed, MAX_REASON, Refusal};
use super::evidence::{Evidence, Shown};
use super::execution::{Change, Does, EffectRequest, Execution, Status, StepRecord, StepState, What};
use super::parameter::Value;
use super::step::{Step, StepKind};
use super::{Playbook, PlaybookFault, nearest};
use crate::contact::{Contacts, Door};
use crate::cta::CtaChange;
use crate::id::{ExecutionId, PersonId, StepId};
use crate::rule::Facts;
use jiff::Timestamp;
use std::collections::BTreeMap;

/// What has changed, and what is to be done about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// The execution as it is now.
    pub execution: Execution,
    /// What happened, in order.
    pub changes: Vec<Change>,
    /// What the machine is to do.
    pub effects: Vec<EffectRequest>,
    /// What became of the calls to action of late steps.
    pub ctas: Vec<CtaChange>,
    /// When the customer was reached, with what goes out now.
    pub contacts: Contacts,
}

impl Decision {
    /// Whether something goes out to the customer now.
    pub fn reaches_the_customer(&self) -> bool {
        self.effects.iter().any(|effect| matches!(effect.does, Does::Outreach { .. }))
    }
}

/// Begins an execution. Whether it may begin is [`super::entry`]'s business; that the arguments fit is
/// [`super::parameter::arguments`]'.
pub fn start(
    playbook: &Playbook,
    id: ExecutionId,
    arguments: BTreeMap<String, Value>,
    by: PersonId,
    facts: &Facts<'_>,
    door: &Door<'_>,
) -> Decision {
    let pending = || StepRecord {
        state: StepState::Pending,
        due_on: None,
        late: false,
        with_deputy: false,
        held: None,
        cta: None,
    };
    let execution = Execution {
        id,
        account: facts.account.id.clone(),
        playbook: playbook.id.clone(),
        version: playbook.version(),
        arguments,
        started_at: facts.now,
        started_by: by,
        started_in: facts.account.stage,
        status: Status::Running,
        steps: playbook.in_order().map(|step| (step.id.clone(), pending())).collect(),
        evidence: BTreeMap::new(),
        progressed_at: facts.now,
        stuck: None,
        changes: 0,
    };
    let mut run = Run::new(playbook, execution, facts, door);
    run.note(What::Started);
    run.plan_all();
    run.advance();
    run.decision()
}

/// Decides on a command. The execution goes on with the version of the playbook that it began with.
pub fn decide(
    playbook: &Playbook,
    execution: &Execution,
    command: &Command,
    facts: &Facts<'_>,
    door: &Door<'_>,
) -> Result<Decision, Refusal> {
    let mut run = Run::new(playbook, execution.clone(), facts, door);
    run.advance();
    match command {
        Command::Look => {}
        Command::Settle { step, deed, by } => {
            let Some(found) = playbook.step(step) else {
                let known = playbook.in_order().map(|step| step.id.as_str());
                return Err(Refusal::NoSuchStep(nearest::unknown(step.as_str(), known)));
            };
            settle(&mut run, found, deed, by)?;
        }
        Command::Cancel { by, reason } => cancel(&mut run, by, reason)?,
    }
    run.advance();
    Ok(run.decision())
}

fn cancel(run: &mut Run<'_>, by: &PersonId, reason: &str) -> Result<(), Refusal> {
    match &run.execution.status {
        Status::Cancelled { by: Some(who), reason: why, .. } if who == by && why == reason => return Ok(()),
        Status::Running => {}
        ended => return Err(Refusal::Ended(ended.name())),
    }
    words(reason)?;
    run.end(Status::Cancelled { at: run.facts.now, by: Some(by.clone()), reason: reason.to_owned() });
    Ok(())
}

fn settle(run: &mut Run<'_>, step: &Step, deed: &Deed, by: &PersonId) -> Result<(), Refusal> {
    let state = run.state(&step.id);
    if is_so(run, step, &state, deed, by) {
        return Ok(());
    }
    let fits = match deed {
        Deed::Complete { .. } => matches!(step.kind, StepKind::Task { .. }),
        Deed::Skip { .. } => matches!(step.kind, StepKind::Task { .. } | StepKind::Wait { .. } | StepKind::Effect(_)),
        Deed::Approve { .. } | Deed::Refuse { .. } => matches!(step.kind, StepKind::Gate { .. }),
    };
    if !fits {
        let (deed, kind) = (deed.name(), step.kind.name());
        return Err(Refusal::OtherKind { deed, step: step.id.clone(), kind });
    }
    if state.settled_at().is_some() {
        return Err(Refusal::Settled { step: step.id.clone(), state: state.name() });
    }
    if !run.execution.is_running() {
        return Err(Refusal::Ended(run.execution.status.name()));
    }
    if state == StepState::Pending {
        return Err(Refusal::NotOpen { step: step.id.clone(), waits_for: run.waits_for(step) });
    }
    let (at, by) = (run.facts.now, by.clone());
    let next = match deed {
        Deed::Complete { evidence } => {
            show(run, step, evidence)?;
            StepState::Done { at, by: Some(by) }
        }
        Deed::Approve { evidence } => {
            show(run, step, evidence)?;
            StepState::Approved { at, by }
        }
        Deed::Skip { reason } => StepState::Skipped { at, by, reason: words(reason)? },
        Deed::Refuse { reason } => StepState::Refused { at, by, reason: words(reason)? },
    };
    run.settle(&step.id, next);
    Ok(())
}

/// Whether the step is as somebody asks for it to be, by that person and with that evidence: then it is a repeat.
fn is_so(run: &Run<'_>, step: &Step, state: &StepState, deed: &Deed, by: &PersonId) -> bool {
    let shown = |given: &BTreeMap<String, Value>| {
        given.iter().all(|(name, value)| run.execution.evidence.get(name).is_some_and(|shown| is_value(shown, value)))
            && step.evidence.iter().all(|asked| asked.is_measured() || given.contains_key(&asked.name))
    };
    match (state, deed) {
        (StepState::Done { by: Some(who), .. }, Deed::Complete { evidence })
        | (StepState::Approved { by: who, .. }, Deed::Approve { evidence }) => who == by && shown(evidence),
        (StepState::Skipped { by: who, reason, .. }, Deed::Skip { reason: asked })
        | (StepState::Refused { by: who, reason, .. }, Deed::Refuse { reason: asked }) => who == by && reason == asked,
        _ => false,
    }
}

fn is_value(shown: &Shown, value: &Value) -> bool {
    match (shown, value) {
        (Shown::Document(link), Value::Text(text)) => link == text,
        (Shown::Number(number), Value::Number(given)) => number == given,
        _ => false,
    }
}

/// Takes in what is shown for a step, or says everything that is wrong with it.
fn show(run: &mut Run<'_>, step: &Step, given: &BTreeMap<String, Value>) -> Result<(), Refusal> {
    let requires: &[String] = match &step.kind {
        StepKind::Gate { requires, .. } => requires,
        _ => &[],
    };
    let required = requires.iter().filter_map(|name| run.playbook.evidence(name));
    let asked: BTreeMap<&str, (&Evidence, bool)> = required
        .map(|evidence| (evidence.name.as_str(), (evidence, true)))
        .chain(step.evidence.iter().map(|evidence| (evidence.name.as_str(), (evidence, false))))
        .collect();
    let mut faults = Vec::new();
    let mut fault =
        |name: &str, reason: String| faults.push(PlaybookFault { path: format!("evidence.{name}"), reason });
    for name in given.keys().filter(|name| !asked.contains_key(name.as_str())) {
        fault(name, nearest::unknown(name, asked.keys().copied()));
    }
    let mut shown = BTreeMap::new();
    for (name, (evidence, earlier)) in &asked {
        let given = given.get(*name);
        if *earlier && given.is_none() && run.execution.evidence.contains_key(*name) {
            continue;
        }
        match evidence.examine(given, run.facts) {
            Ok(seen) => drop(shown.insert((*name).to_owned(), seen)),
            Err(reason) => fault(name, reason),
        }
    }
    if !faults.is_empty() {
        return Err(Refusal::Evidence(faults));
    }
    run.execution.evidence.extend(shown);
    Ok(())
}

fn words(reason: &str) -> Result<String, Refusal> {
    let length = reason.chars().count();
    if reason.trim().is_empty() || length > MAX_REASON { Err(Refusal::Words(length)) } else { Ok(reason.to_owned()) }
}

/// Whether a moment lies behind the last day on which a step is in time.
pub(super) fn late(record: &StepRecord, at: Timestamp) -> bool {
    record.due_on.is_some_and(|due| due < crate::day::Day::of(at))
}

impl Run<'_> {
    /// Where a step is.
    pub(super) fn state(&self, step: &StepId) -> StepState {
        self.execution.steps.get(step).map_or(StepState::Pending, |record| record.state.clone())
    }
}

//! How a playbook's file becomes a playbook.

use super::{
    ArmFile, AskFile, BranchFile, DueFile, EntryFile, EscalateFile, EvidenceFile, EvidenceKindFile, GateFile, IsFile,
    KindFile, NotifyFile, OutreachFile, OverdueFile, ParameterFile, ParameterKindFile, PlaybookFile, RangeFile,
    StageFile, StageWindow, StepFile, StuckFile, ThresholdFile, book,
};
use crate::document;
use crate::problem::Fault;
use crate::rules::{Reader, Vocabulary};
use domain::account::LifecycleStage;
use domain::id::StepId;
use domain::rule::Condition;
use serde_json::Value;

impl TryFrom<PlaybookFile> for book::Playbook {
    type Error = Vec<Fault>;

    /// Names every fault with its path.
    fn try_from(file: PlaybookFile) -> Result<Self, Vec<Fault>> {
        let mut faults = Vec::new();
        let steps = file.steps.into_iter().enumerate().map(|(index, value)| step(index, value, &mut faults)).collect();
        let draft = book::Draft {
            id: file.id,
            title: file.title,
            objective: file.objective,
            parameters: file.parameters.into_iter().map(Into::into).collect(),
            entry: entry(file.entry, &mut faults),
            overdue: file.overdue.into(),
            stuck: file.stuck.into(),
            deputies: file.deputies,
            stages: file.stages.into_iter().map(Into::into).collect(),
            steps,
        };
        match Self::new(draft) {
            Ok(playbook) if faults.is_empty() => Ok(playbook),
            Ok(_) => Err(faults),
            Err(more) => {
                faults.extend(more.into_iter().map(|fault| Fault::new(fault.path, fault.reason)));
                Err(faults)
            }
        }
    }
}

/// A step; where it has not the shape of one, a task in its place, so that the paths and names of the others hold.
fn step(index: usize, value: Value, faults: &mut Vec<Fault>) -> book::Step {
    let id = value.get("id").and_then(Value::as_str).and_then(|id| StepId::new(id).ok());
    let path = format!("steps[{index}]");
    match document::shape::<StepFile>(&path, value) {
        Ok(step) => step_of(&path, step, faults),
        Err(fault) => {
            faults.push(fault);
            let id = id.or_else(|| StepId::new(format!("steps-{index}")).ok());
            let id = id.unwrap_or_else(|| unreachable!("digits and letters are an id"));
            book::Step {
                title: id.to_string(),
                id,
                kind: book::StepKind::Task { automatic: false },
                after: Default::default(),
                owner: Some(domain::escalation::policy::Role::CustomerSuccessManager),
                due: None,
                evidence: Vec::new(),
                article: None,
                stage: None,
            }
        }
    }
}

/// A condition: the one place where the files of playbooks are read as rules are. Where it is faulty, any other takes its
/// place, so that the rest can be looked at.
fn condition(path: &str, value: Value, faults: &mut Vec<Fault>) -> Condition {
    // Which measures there are is not known here: every name passes.
    let vocabulary = Vocabulary::default();
    let mut reader = Reader::new(&vocabulary);
    let read = reader.root(path, value);
    faults.extend(reader.into_faults());
    read.unwrap_or_else(|| Condition::Stage([LifecycleStage::Steady].into()))
}

fn step_of(path: &str, file: StepFile, faults: &mut Vec<Fault>) -> book::Step {
    book::Step {
        id: file.id,
        title: file.title,
        kind: kind(path, file.kind, faults),
        after: file.after,
        owner: file.owner,
        due: file.due.map(Into::into),
        evidence: file.evidence.into_iter().map(Into::into).collect(),
        article: file.article,
        stage: file.stage,
    }
}

fn kind(path: &str, file: KindFile, faults: &mut Vec<Fault>) -> book::StepKind {
    match file {
        KindFile::Task => book::StepKind::Task { automatic: false },
        KindFile::AutomaticTask => book::StepKind::Task { automatic: true },
        KindFile::Wait(until) => book::StepKind::Wait { until: until.into() },
        KindFile::Branch(BranchFile { arms, otherwise, patience_days }) => {
            let arms = arms.into_iter().enumerate().map(|(index, ArmFile { when, to })| {
                let when = match when {
                    AskFile::Account(value) => {
                        let path = format!("{path}.arms[{index}].when.account");
                        book::Ask::Account(condition(&path, value, faults))
                    }
                    AskFile::Parameter(IsFile { name, is }) => book::Ask::Parameter { name, is },
                };
                book::Arm { when, to }
            });
            book::StepKind::Branch { arms: arms.collect(), otherwise, patience_days }
        }
        KindFile::Notify(NotifyFile { role, text, destination }) => {
            book::StepKind::Effect(book::Effect::Notify { role, text, destination })
        }
        KindFile::Outreach(OutreachFile { text, destination }) => {
            book::StepKind::Effect(book::Effect::Outreach { text, destination })
        }
        KindFile::Escalate(EscalateFile { severity, reason }) => {
            book::StepKind::Effect(book::Effect::Escalate { severity, reason })
        }
        KindFile::Gate(GateFile { requires, refused }) => book::StepKind::Gate { requires, refused },
    }
}

fn entry(file: EntryFile, faults: &mut Vec<Fault>) -> book::Entry {
    book::Entry {
        when: file.when.map(|value| condition("entry.when", value, faults)),
        not_while_open: file.not_while_open.into_iter().collect(),
        days_in_stage: file.days_in_stage,
        again_after_days: file.again_after_days,
    }
}

impl From<DueFile> for book::Due {
    fn from(file: DueFile) -> Self {
        Self { from: file.from.0, days: file.days }
    }
}

impl From<ParameterFile> for book::Parameter {
    fn from(file: ParameterFile) -> Self {
        let kind = match file.kind {
            ParameterKindFile::Text => book::ParameterKind::Text,
            ParameterKindFile::Link => book::ParameterKind::Link,
            ParameterKindFile::Flag => book::ParameterKind::Flag,
            ParameterKindFile::Date => book::ParameterKind::Date,
            ParameterKindFile::Choice(words) => book::ParameterKind::Choice(words),
            ParameterKindFile::Number(RangeFile { least, most }) => book::ParameterKind::Number { least, most },
        };
        Self { name: file.name, title: file.title, kind, required: file.required }
    }
}

impl From<EvidenceFile> for book::Evidence {
    fn from(file: EvidenceFile) -> Self {
        let kind = match file.kind {
            EvidenceKindFile::Document => book::EvidenceKind::Document,
            EvidenceKindFile::Number(RangeFile { least, most }) => book::EvidenceKind::Number { least, most },
            EvidenceKindFile::Metric(ThresholdFile { metric, at_least, at_most, within_days }) => {
                book::EvidenceKind::Metric { metric, at_least, at_most, within_days }
            }
        };
        Self { name: file.name, kind }
    }
}

impl From<OverdueFile> for book::Overdue {
    fn from(OverdueFile { kind, severity, due_in_days }: OverdueFile) -> Self {
        Self { kind, severity, due_in_days }
    }
}

impl From<StuckFile> for book::Stuck {
    fn from(StuckFile { tell_after_days, escalate_after_days, severity }: StuckFile) -> Self {
        Self { tell_after_days, escalate_after_days, severity }
    }
}

impl From<StageFile> for StageWindow {
    fn from(StageFile { stage, from_day, to_day, gate }: StageFile) -> Self {
        Self { stage, from_day, to_day, gate }
    }
}

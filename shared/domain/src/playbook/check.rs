//! Looks at a playbook as it is written, and names everything that is wrong with it.

use super::evidence::{Evidence, EvidenceKind, check_link};
use super::nearest::unknown;
use super::parameter::{Parameter, ParameterKind, names_in};
use super::step::{Anchor, Ask, Due, Effect, RENEWAL, Step, StepKind};
use super::ways::{self, Fate, MAX_WAYS};
use super::{Draft, MAX_DAYS, MAX_PARAMETERS, MAX_STEPS, MAX_WORDS, PlaybookFault};
use crate::rule::{self, Condition};
use std::collections::{BTreeMap, BTreeSet};

/// The most evidence of a step.
const MAX_EVIDENCE: usize = 10;

/// The longest name of a playbook or a step, in characters.
const MAX_ID: usize = 50;

/// An order of the steps, or every fault.
pub(super) fn check(draft: &Draft) -> Result<Vec<usize>, Vec<PlaybookFault>> {
    let mut faults = Faults::default();
    faults.short("id", draft.id.as_str());
    faults.words("title", &draft.title);
    faults.words("objective", &draft.objective);
    check_parameters(&draft.parameters, &mut faults);
    check_settings(draft, &mut faults);
    faults.between("steps", "steps", draft.steps.len(), 1, MAX_STEPS);
    let names = Names::of(draft, &mut faults);
    for (place, step) in draft.steps.iter().enumerate() {
        check_step(step, &format!("steps[{place}]"), &names, &mut faults);
    }
    let order = check_ways(draft, &mut faults);
    if let Some(order) = &order {
        crate::lifecycle::check(draft, &ways::ancestors(&ways::follows(draft), order), &mut faults);
    }
    match order {
        Some(order) if faults.0.is_empty() => Ok(order),
        _ => Err(faults.0),
    }
}

/// Every fault found so far.
#[derive(Default)]
pub(crate) struct Faults(Vec<PlaybookFault>);

impl Faults {
    pub(crate) fn add(&mut self, path: impl Into<String>, reason: impl Into<String>) {
        self.0.push(PlaybookFault { path: path.into(), reason: reason.into() });
    }

    fn between<T: PartialOrd + std::fmt::Display>(&mut self, path: &str, what: &str, value: T, least: T, most: T) {
        if value < least || value > most {
            self.add(path, format!("is {value} {what}; give {least} to {most}"));
        }
    }

    fn words(&mut self, path: &str, text: &str) {
        let length = text.chars().count();
        if text.trim().is_empty() || length > MAX_WORDS {
            self.add(path, format!("has {length} characters; say it in 1 to {MAX_WORDS}"));
        }
    }

    /// Ids are put together: with one another they have to be ids still.
    fn short(&mut self, path: &str, id: &str) {
        if id.len() > MAX_ID {
            self.add(path, format!("has {} characters; give at most {MAX_ID}", id.len()));
        }
    }

    /// A name of a parameter or of evidence.
    fn name(&mut self, path: &str, name: &str) {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if name.is_empty() || name.len() > 64 || !name.chars().all(plain) {
            let shown: String = name.chars().take(80).collect();
            self.add(path, format!("is `{shown}`; a name has 1 to 64 small letters, digits and _"));
        }
    }

    /// The faults of a condition: the one place where a playbook has a rule's condition looked at.
    fn condition(&mut self, path: &str, condition: &Condition) {
        self.0.extend(
            rule::faults_of(condition, path)
                .into_iter()
                .map(|fault| PlaybookFault { path: fault.path, reason: fault.reason }),
        );
    }
}

/// What can be named.
struct Names<'a> {
    steps: BTreeSet<&'a str>,
    parameters: BTreeMap<&'a str, &'a ParameterKind>,
    evidence: BTreeSet<&'a str>,
}

impl<'a> Names<'a> {
    fn of(draft: &'a Draft, faults: &mut Faults) -> Self {
        let (mut steps, mut evidence) = (BTreeSet::new(), BTreeSet::new());
        for (place, step) in draft.steps.iter().enumerate() {
            if !steps.insert(step.id.as_str()) {
                faults.add(format!("steps[{place}].id"), format!("`{}` is taken by an earlier step", step.id));
            }
            for (index, asked) in step.evidence.iter().enumerate() {
                if !evidence.insert(asked.name.as_str()) {
                    let reason = format!("`{}` is taken by earlier evidence", asked.name);
                    faults.add(format!("steps[{place}].evidence[{index}].name"), reason);
                }
            }
        }
        let parameters = draft.parameters.iter().map(|parameter| (parameter.name.as_str(), &parameter.kind)).collect();
        Self { steps, parameters, evidence }
    }

    fn text(&self, path: &str, text: &str, faults: &mut Faults) {
        faults.words(path, text);
        for name in names_in(text).filter(|name| !self.parameters.contains_key(name)) {
            faults.add(path, unknown(name, self.parameters.keys().copied()));
        }
    }
}

fn check_parameters(parameters: &[Parameter], faults: &mut Faults) {
    faults.between("parameters", "parameters", parameters.len(), 0, MAX_PARAMETERS);
    let mut seen = BTreeSet::new();
    for (index, parameter) in parameters.iter().enumerate() {
        let path = format!("parameters[{index}]");
        faults.name(&format!("{path}.name"), &parameter.name);
        faults.words(&format!("{path}.title"), &parameter.title);
        if !seen.insert(&parameter.name) || parameter.name == RENEWAL {
            faults.add(format!("{path}.name"), format!("`{}` is taken", parameter.name));
        }
        match &parameter.kind {
            ParameterKind::Number { least, most } if least > most => {
                faults.add(format!("{path}.most"), format!("is {most}, below the least, {least}"));
            }
            ParameterKind::Choice(words) => {
                faults.between(&format!("{path}.choice"), "words", words.len(), 1, 30);
                for (place, word) in words.iter().enumerate() {
                    faults.words(&format!("{path}.choice[{place}]"), word);
                }
            }
            _ => {}
        }
    }
}

fn check_settings(draft: &Draft, faults: &mut Faults) {
    if let Some(condition) = &draft.entry.when {
        faults.condition("entry.when", condition);
    }
    faults.between("entry.days_in_stage", "days", draft.entry.days_in_stage, 0, MAX_DAYS);
    faults.between("entry.again_after_days", "days", draft.entry.again_after_days, 0, MAX_DAYS);
    faults.between("overdue.due_in_days", "days", draft.overdue.due_in_days, 0, MAX_DAYS);
    let stuck = &draft.stuck;
    faults.between("stuck.tell_after_days", "days", stuck.tell_after_days, 1, MAX_DAYS);
    faults.between("stuck.escalate_after_days", "days", stuck.escalate_after_days, stuck.tell_after_days, MAX_DAYS);
    for (role, _) in draft.deputies.iter().filter(|(role, deputy)| role == deputy) {
        faults.add(format!("deputies.{}", role.name()), "stands in for itself; name another role");
    }
}

fn check_step(step: &Step, path: &str, names: &Names<'_>, faults: &mut Faults) {
    faults.short(&format!("{path}.id"), step.id.as_str());
    names.text(&format!("{path}.title"), &step.title, faults);
    let named = step.after.iter().map(|id| ("after".to_owned(), id));
    let chosen = step.choices().flat_map(|(field, to)| to.iter().map(move |id| (field.clone(), id)));
    for (field, id) in named.chain(chosen).filter(|(_, id)| !names.steps.contains(id.as_str())) {
        faults.add(format!("{path}.{field}"), unknown(id.as_str(), names.steps.iter().copied()));
    }
    for (field, due) in step.days() {
        check_due(due, &format!("{path}.{field}"), names, faults);
    }
    if let Some(article) = &step.article
        && let Err(reason) = check_link(article)
    {
        faults.add(format!("{path}.article"), reason);
    }
    if step.kind.is_for_people() && step.owner.is_none() {
        faults.add(format!("{path}.owner"), "is missing; say which role it falls to");
    }
    faults.between(&format!("{path}.evidence"), "pieces", step.evidence.len(), 0, MAX_EVIDENCE);
    if !step.evidence.is_empty() && !step.kind.is_for_people() {
        faults.add(
            format!("{path}.evidence"),
            format!("is asked for by a {}; only tasks and gates ask", step.kind.name()),
        );
    }
    for (index, evidence) in step.evidence.iter().enumerate() {
        check_evidence(evidence, &format!("{path}.evidence[{index}]"), faults);
    }
    check_kind(step, path, names, faults);
}

fn check_kind(step: &Step, path: &str, names: &Names<'_>, faults: &mut Faults) {
    match &step.kind {
        StepKind::Task { automatic: true }
            if step.evidence.is_empty() || !step.evidence.iter().all(Evidence::is_measured) =>
        {
            faults.add(format!("{path}.automatic"), "ends by itself only where all its evidence is measured");
        }
        StepKind::Task { .. } | StepKind::Wait { .. } => {}
        StepKind::Branch { arms, patience_days, .. } => {
            faults.between(&format!("{path}.arms"), "arms", arms.len(), 1, 8);
            faults.between(&format!("{path}.patience_days"), "days", *patience_days, 0, MAX_DAYS);
            for (index, arm) in arms.iter().enumerate() {
                let path = format!("{path}.arms[{index}]");
                if arms.iter().take(index).any(|earlier| earlier.when == arm.when) {
                    faults.add(format!("{path}.when"), "is asked by an earlier arm, so this one is never taken");
                }
                check_ask(&arm.when, &format!("{path}.when"), names, faults);
            }
        }
        StepKind::Effect(effect) => names.text(&format!("{path}.{}", effect.name()), effect.text(), faults),
        StepKind::Gate { requires, .. } => {
            for (index, name) in requires.iter().enumerate().filter(|(_, name)| !names.evidence.contains(name.as_str()))
            {
                faults.add(format!("{path}.requires[{index}]"), unknown(name, names.evidence.iter().copied()));
            }
        }
    }
}

fn check_ask(ask: &Ask, path: &str, names: &Names<'_>, faults: &mut Faults) {
    match ask {
        Ask::Account(condition) => faults.condition(&format!("{path}.account"), condition),
        Ask::Parameter { name, is } => match names.parameters.get(name.as_str()) {
            None => faults.add(format!("{path}.parameter"), unknown(name, names.parameters.keys().copied())),
            Some(ParameterKind::Choice(words)) if !words.contains(is) => {
                faults.add(format!("{path}.is"), unknown(is, words.iter().map(String::as_str)));
            }
            Some(_) => {}
        },
    }
}

fn check_due(due: &Due, path: &str, names: &Names<'_>, faults: &mut Faults) {
    let most = i32::try_from(MAX_DAYS).unwrap_or(i32::MAX);
    faults.between(&format!("{path}.days"), "days", due.days, -most, most);
    match &due.from {
        Anchor::Date(name) if name != RENEWAL => match names.parameters.get(name.as_str()) {
            Some(ParameterKind::Date) => {}
            Some(_) => faults.add(format!("{path}.from"), format!("counts from `{name}`, which is no date")),
            None => {
                let dates =
                    names.parameters.iter().filter(|(_, kind)| ***kind == ParameterKind::Date).map(|(name, _)| *name);
                faults.add(format!("{path}.from"), unknown(name, dates.chain([RENEWAL, "start"])));
            }
        },
        Anchor::Step(id) if !names.steps.contains(id.as_str()) => {
            faults.add(format!("{path}.from"), unknown(id.as_str(), names.steps.iter().copied()));
        }
        _ => {}
    }
}

fn check_evidence(evidence: &Evidence, path: &str, faults: &mut Faults) {
    faults.name(&format!("{path}.name"), &evidence.name);
    match &evidence.kind {
        EvidenceKind::Number { least, most } if least > most => {
            faults.add(format!("{path}.most"), format!("is {most}, below the least, {least}: no number is right"));
        }
        EvidenceKind::Metric { metric, at_least, at_most, within_days } => {
            faults.between(&format!("{path}.within_days"), "days", *within_days, 1, crate::rule::MAX_DAYS);
            let (lowest, highest) = metric.range();
            for (field, value) in [("at_least", at_least), ("at_most", at_most)] {
                if let Some(value) = value.filter(|value| *value < lowest || *value > highest) {
                    let reason = format!("is {value}; `{metric}` lies between {lowest} and {highest}");
                    faults.add(format!("{path}.{field}"), reason);
                }
            }
            match (at_least, at_most) {
                (None, None) => faults.add(path, "has no threshold; give at_least, at_most or both"),
                (Some(least), Some(most)) if least > most => {
                    faults.add(format!("{path}.at_most"), format!("is {most}, below {least}: no value is right"));
                }
                _ => {}
            }
        }
        _ => {}
    }
}

/// What can only be seen on the ways as a whole.
fn check_ways(draft: &Draft, faults: &mut Faults) -> Option<Vec<usize>> {
    let follows = ways::follows(draft);
    let name = |place: &usize| draft.steps.get(*place).map_or("", |step| step.id.as_str());
    let order = match ways::order(&follows) {
        Ok(order) => order,
        Err(circle) => {
            let names: Vec<&str> = circle.iter().chain(circle.first()).map(name).collect();
            let path = format!("steps[{}].after", circle.first().copied().unwrap_or_default());
            faults.add(path, format!("waits for itself: {}", names.join(" after ")));
            return None;
        }
    };
    let ancestors = ways::ancestors(&follows, &order);
    let empty = BTreeSet::new();
    for (place, step) in draft.steps.iter().enumerate() {
        let before: BTreeSet<&str> = ancestors.get(place).unwrap_or(&empty).iter().map(name).collect();
        for (field, due) in step.days() {
            if let Anchor::Step(id) = &due.from
                && !before.contains(id.as_str())
                && draft.steps.iter().any(|step| step.id == *id)
            {
                let reason = format!("counts from `{id}`, which does not come before this step");
                faults.add(format!("steps[{place}].{field}.from"), reason);
            }
        }
        let choosers = draft.steps.iter().filter(|other| other.choices().any(|(_, to)| to.contains(&step.id))).count();
        if choosers > 1 {
            faults.add(
                format!("steps[{place}]"),
                format!("`{}` is chosen in {choosers} places; choose it in one", step.id),
            );
        }
    }
    check_each_way(draft, &order, &follows, &ancestors, faults);
    Some(order)
}

fn check_each_way(
    draft: &Draft,
    order: &[usize],
    follows: &[BTreeSet<usize>],
    ancestors: &[BTreeSet<usize>],
    faults: &mut Faults,
) {
    let (mut reached, mut unguarded) = (BTreeSet::new(), BTreeSet::new());
    let is_gate = |place: usize| draft.steps.get(place).is_some_and(|step| matches!(step.kind, StepKind::Gate { .. }));
    let counted = ways::each(draft, order, follows, |fates, chosen| {
        let opened = |gate: &usize| {
            is_gate(*gate) && fates.get(*gate) == Some(&Fate::Taken) && chosen.get(*gate) == Some(&ways::YES)
        };
        for (place, _) in fates.iter().enumerate().filter(|(_, fate)| **fate == Fate::Taken) {
            reached.insert(place);
            if !ancestors.get(place).is_some_and(|before| before.iter().any(opened)) {
                unguarded.insert(place);
            }
        }
    });
    if counted.is_none() {
        return faults.add("steps", format!("divide into more than {MAX_WAYS} ways; use fewer branches and gates"));
    }
    for (place, step) in draft.steps.iter().enumerate() {
        if !reached.contains(&place) {
            faults.add(format!("steps[{place}]"), format!("`{}` is reached on no way", step.id));
        }
        if unguarded.contains(&place) && matches!(step.kind, StepKind::Effect(Effect::Outreach { .. })) {
            let reason = format!(
                "`{}` reaches the customer on a way without a gate that was opened; put a gate before it",
                step.id
            );
            faults.add(format!("steps[{place}].outreach"), reason);
        }
    }
}

//! What follows by itself: steps open, waits end, branches choose, effects happen, dates move, steps are late.
//!
//! One pass goes through the steps in an order in which each comes after all that it follows, so that one pass is enough:
//! a second one at the same moment changes nothing.

use super::Playbook;
use super::decide::{Decision, late};
use super::execution::{Change, Does, EffectRequest, Execution, Standstill, Status, StepRecord, StepState, What};
use super::parameter::filled;
use super::step::{Anchor, Arm, Ask, Due, Effect, RENEWAL, Step, StepKind};
use super::ways::{self, Fate};
use crate::account::LifecycleStage;
use crate::contact::{Contacts, Door, Held, Judgement};
use crate::cta::{self, Cta, CtaChange, Ending};
use crate::day::Day;
use crate::id::StepId;
use crate::rule::{Facts, Truth};
use std::collections::BTreeSet;

/// An execution on its way through one decision.
pub(super) struct Run<'a> {
    pub(super) playbook: &'a Playbook,
    pub(super) facts: &'a Facts<'a>,
    pub(super) execution: Execution,
    door: &'a Door<'a>,
    contacts: Contacts,
    changes: Vec<Change>,
    effects: Vec<EffectRequest>,
    ctas: Vec<CtaChange>,
    moved: Vec<StepId>,
}

impl<'a> Run<'a> {
    pub(super) fn new(playbook: &'a Playbook, execution: Execution, facts: &'a Facts<'a>, door: &'a Door<'a>) -> Self {
        let (changes, effects, ctas, moved) = Default::default();
        let contacts = door.contacts.clone();
        Self { playbook, facts, execution, door, contacts, changes, effects, ctas, moved }
    }

    pub(super) fn decision(self) -> Decision {
        let Self { execution, changes, effects, ctas, contacts, .. } = self;
        Decision { execution, changes, effects, ctas, contacts }
    }

    pub(super) fn note(&mut self, what: What) {
        self.execution.changes = self.execution.changes.saturating_add(1);
        self.changes.push(Change { number: self.execution.changes, at: self.facts.now, what });
    }

    /// The first plan: nothing has moved by it.
    pub(super) fn plan_all(&mut self) {
        for step in self.playbook.in_order() {
            self.plan(step);
        }
        self.moved.clear();
    }

    /// Lets everything happen that follows from what is.
    pub(super) fn advance(&mut self) {
        if !self.execution.is_running() {
            return;
        }
        if self.facts.account.stage == LifecycleStage::Churned && self.execution.started_in != LifecycleStage::Churned {
            let reason = "the account is no customer any more".to_owned();
            return self.end(Status::Cancelled { at: self.facts.now, by: None, reason });
        }
        let playbook = self.playbook;
        for step in playbook.in_order() {
            self.plan(step);
            self.reach(step);
            self.work(step);
        }
        if !self.moved.is_empty() {
            let steps = std::mem::take(&mut self.moved);
            self.note(What::Moved { steps });
        }
        for step in playbook.in_order() {
            self.watch(step);
        }
        if self.execution.steps.values().all(|record| record.state.settled_at().is_some()) {
            let at = self.facts.now;
            let no = |record: &StepRecord| matches!(record.state, StepState::Refused { .. } | StepState::Barred { .. });
            let refused = self.execution.steps.values().any(no);
            self.end(if refused { Status::Refused { at } } else { Status::Completed { at } });
        }
        self.watch_standstill();
    }

    /// When an unsettled step is due, as things are now.
    fn plan(&mut self, step: &Step) {
        let due_on = match &step.kind {
            StepKind::Wait { until } => self.day(until),
            _ => step.due.as_ref().and_then(|due| self.day(due)),
        };
        if let Some(record) = self.execution.steps.get_mut(&step.id)
            && record.state.settled_at().is_none()
            && record.due_on != due_on
        {
            record.due_on = due_on;
            self.moved.push(step.id.clone());
        }
    }

    fn day(&self, due: &Due) -> Option<Day> {
        let from = match &due.from {
            Anchor::Start => Some(Day::of(self.execution.started_at)),
            Anchor::Step(id) => {
                let record = self.execution.steps.get(id)?;
                record.state.settled_at().map(Day::of).or(record.due_on)
            }
            Anchor::Date(name) if name == RENEWAL => self.facts.account.renewal_on,
            Anchor::Date(name) => match self.execution.arguments.get(name) {
                Some(super::Value::Date(day)) => Some(*day),
                _ => None,
            },
        };
        from.map(|from| from.plus(due.days))
    }

    /// The unsettled steps that a step waits for.
    pub(super) fn waits_for(&self, step: &Step) -> Vec<String> {
        let unsettled = |id: &&StepId| self.state(id).settled_at().is_none();
        let chooser = self.playbook.chooser(&step.id).map(|chooser| &chooser.id);
        let before: BTreeSet<&StepId> = step.after.iter().chain(chooser).filter(unsettled).collect();
        before.into_iter().map(|id| format!("`{id}`")).collect()
    }

    /// Opens a step, or goes past it, when all that it follows is settled.
    fn reach(&mut self, step: &Step) {
        if self.state(&step.id) != StepState::Pending {
            return;
        }
        let chooser = self.playbook.chooser(&step.id).map(|chooser| &chooser.id);
        let before: BTreeSet<&StepId> = step.after.iter().chain(chooser).collect();
        let link = |id: &&StepId| {
            let (fate, choice) = self.state(id).fate()?;
            Some(ways::link(self.playbook.step(id)?, fate, choice, &step.id))
        };
        let Some(links) = before.iter().map(link).collect::<Option<Vec<_>>>() else { return };
        let at = self.facts.now;
        match ways::fate_of(&links) {
            Fate::Taken => {
                self.set(&step.id, StepState::Open { since: at });
                if !matches!(step.kind, StepKind::Effect(_) | StepKind::Branch { .. }) {
                    self.note(What::Opened { step: step.id.clone() });
                }
            }
            Fate::Passed => self.settle(&step.id, StepState::Passed { at }),
            Fate::Barred => self.settle(&step.id, StepState::Barred { at }),
        }
    }

    fn set(&mut self, id: &StepId, state: StepState) {
        if let Some(record) = self.execution.steps.get_mut(id) {
            record.state = state;
        }
    }

    /// Settles a step.
    pub(super) fn settle(&mut self, id: &StepId, state: StepState) {
        let at = self.facts.now;
        if let Some(record) = self.execution.steps.get_mut(id) {
            record.late = late(record, at) && !matches!(state, StepState::Passed { .. } | StepState::Barred { .. });
            record.state = state;
            record.held = None;
        }
        self.execution.progressed_at = at;
        self.execution.stuck = None;
        self.note(What::Settled { step: id.clone() });
        self.close_cta(id, "the step was settled");
    }

    /// What an open step does by itself.
    fn work(&mut self, step: &Step) {
        let StepState::Open { since } = self.state(&step.id) else { return };
        let (at, today) = (self.facts.now, self.facts.today());
        let done = StepState::Done { at, by: None };
        match &step.kind {
            StepKind::Task { automatic: true } => {
                let facts = self.facts;
                let seen =
                    step.evidence.iter().map(|asked| Some((asked.name.clone(), asked.examine(None, facts).ok()?)));
                if let Some(seen) = seen.collect::<Option<Vec<_>>>() {
                    self.execution.evidence.extend(seen);
                    self.settle(&step.id, done);
                }
            }
            StepKind::Wait { .. } => {
                let due_on = self.execution.steps.get(&step.id).and_then(|record| record.due_on);
                if due_on.is_some_and(|due| due <= today) {
                    self.settle(&step.id, done);
                }
            }
            StepKind::Branch { arms, patience_days, .. } => {
                let waited = today.since(Day::of(since)) >= i32::try_from(*patience_days).unwrap_or(i32::MAX);
                if let Some(arm) = self.choose(arms, waited) {
                    self.settle(&step.id, StepState::Branched { at, arm });
                }
            }
            StepKind::Effect(effect) => self.affect(step, effect),
            StepKind::Task { automatic: false } | StepKind::Gate { .. } => {}
        }
    }

    /// Does something, once. What goes to the customer passes the door before.
    fn affect(&mut self, step: &Step, effect: &Effect) {
        let at = self.facts.now;
        if matches!(effect, Effect::Outreach { .. }) {
            match self.door.policy.judge(&self.facts.account.contact, &self.contacts, at) {
                Judgement::Go => self.door.policy.note(&mut self.contacts, at),
                Judgement::Hold(held) => return self.hold(&step.id, held),
                Judgement::Refuse(reason) => return self.settle(&step.id, StepState::Withheld { at, reason }),
            }
        }
        let (key, does) = (self.execution.key(&step.id), self.does(effect));
        self.effects.push(EffectRequest { key, step: step.id.clone(), does });
        self.settle(&step.id, StepState::Done { at, by: None });
    }

    /// Tells that something goes out later: once for each reason and moment.
    fn hold(&mut self, id: &StepId, held: Held) {
        let Some(record) = self.execution.steps.get_mut(id) else { return };
        let held = Some(held);
        if record.held != held {
            record.held = held;
            self.note(What::Held { step: id.clone() });
        }
    }

    /// The first arm whose answer is yes. While an answer before it is unknown none is taken, until that was waited for.
    fn choose(&self, arms: &[Arm], waited: bool) -> Option<usize> {
        for (index, arm) in arms.iter().enumerate() {
            match self.answer(&arm.when) {
                Truth::True => return Some(index),
                Truth::Unknown if !waited => return None,
                Truth::Unknown | Truth::False => {}
            }
        }
        Some(arms.len())
    }

    fn answer(&self, ask: &Ask) -> Truth {
        match ask {
            Ask::Account(condition) => condition.evaluate(self.facts).truth,
            Ask::Parameter { name, is } => {
                Truth::known(self.execution.arguments.get(name).is_some_and(|value| value.to_string() == *is))
            }
        }
    }

    fn does(&self, effect: &Effect) -> Does {
        let text = filled(effect.text(), &self.execution.arguments);
        match effect {
            Effect::Notify { role, destination, .. } => {
                Does::Notify { role: *role, text, destination: destination.clone() }
            }
            Effect::Outreach { destination, .. } => Does::Outreach { text, destination: destination.clone() },
            Effect::Escalate { severity, .. } => Does::Escalate { severity: *severity, reason: text },
        }
    }

    /// Tells once that a step is late, and once that it is so no more.
    fn watch(&mut self, step: &Step) {
        let Some(record) = self.execution.steps.get(&step.id) else { return };
        let told = record.cta.as_ref().is_some_and(|cta| cta.status.is_live());
        let open = matches!(record.state, StepState::Open { .. }) && step.kind.is_for_people();
        match (open && late(record, self.facts.now), told) {
            (true, false) => {
                self.note(What::Late { step: step.id.clone() });
                self.open_cta(step);
            }
            (false, true) => {
                self.note(What::InTimeAgain { step: step.id.clone() });
                self.close_cta(&step.id, "the step is due on a later day");
            }
            _ => {}
        }
    }

    fn open_cta(&mut self, step: &Step) {
        let (facts, overdue) = (self.facts, &self.playbook.overdue);
        // Both are made of our own digits and of names whose length was looked at.
        let (Ok(id), Ok(rule)) = (self.execution.cta_id(&step.id), self.execution.rule()) else { return };
        let Some(record) = self.execution.steps.get_mut(&step.id) else { return };
        let owner = step.owner.map_or("nobody", |role| role.name());
        let due = record.due_on.map(|due| due.to_string()).unwrap_or_default();
        let before = record.cta.take();
        let reopened = before.as_ref().map(|before| before.reopened.saturating_add(1));
        let cta = Cta {
            id,
            account: facts.account.id.clone(),
            rule,
            kind: overdue.kind,
            reason: format!(
                "{}: {} was due on {due} and falls to the {owner}.",
                self.playbook.title,
                filled(&step.title, &self.execution.arguments)
            ),
            evidence: vec![format!("execution {}, step {}", self.execution.id, step.id)],
            severity: overdue.severity,
            confidence_percent: 100,
            priority: cta::priority(facts.account.arr, overdue.severity, 100),
            owner: facts.account.owner.clone(),
            status: cta::Status::Open,
            opened_at: before.as_ref().map_or(facts.now, |before| before.opened_at),
            updated_at: facts.now,
            due_at: facts.today().plus(i32::try_from(overdue.due_in_days).unwrap_or(i32::MAX)).start(),
            fired: before.as_ref().map_or(1, |before| before.fired.saturating_add(1)),
            reopened: reopened.unwrap_or_default(),
        };
        record.cta = Some(cta.clone());
        self.ctas.push(CtaChange::Opened { cta, reopened: reopened.is_some() });
    }

    fn close_cta(&mut self, id: &StepId, reason: &str) {
        let at = self.facts.now;
        let cta = self.execution.steps.get_mut(id).and_then(|record| record.cta.as_mut());
        let Some(cta) = cta.filter(|cta| cta.status.is_live()) else { return };
        cta.status = cta::Status::Closed { at, outcome: reason.to_owned(), cleared: true };
        cta.updated_at = at;
        self.ctas.push(CtaChange::Closed { cta: cta.clone(), how: Ending::Cleared, reason: reason.to_owned() });
    }

    /// Ends the execution, with everything that it holds open.
    pub(super) fn end(&mut self, status: Status) {
        self.execution.status = status;
        self.execution.stuck = None;
        self.note(What::Finished);
        let playbook = self.playbook;
        for step in playbook.in_order() {
            self.close_cta(&step.id, "the execution ended");
        }
    }

    /// Finds out whether nothing is settled although something is past due; tells it once, and asks for people once.
    fn watch_standstill(&mut self) {
        if !self.execution.is_running() {
            return;
        }
        let playbook = self.playbook;
        let due = |step: &&'a Step| {
            let record = self.execution.steps.get(&step.id)?;
            let open = matches!(record.state, StepState::Open { .. }) && step.kind.is_for_people();
            record.due_on.filter(|_| open).map(|due| (due, *step))
        };
        let waits = playbook.in_order().filter_map(|step| due(&step)).min_by_key(|(due, _)| *due);
        let quiet_since = |due: Day| due.max(Day::of(self.execution.progressed_at));
        let days = waits.map_or(0, |(due, _)| self.facts.today().since(quiet_since(due)));
        let reached = |limit: u32| days >= i32::try_from(limit).unwrap_or(i32::MAX);
        let stuck = &playbook.stuck;
        let Some((due, step)) = waits.filter(|_| reached(stuck.tell_after_days)) else {
            self.execution.stuck = None;
            return;
        };
        let before = self.execution.stuck.take();
        let escalated = before.as_ref().is_some_and(|before| before.escalated);
        let escalate = reached(stuck.escalate_after_days);
        if before.is_none() {
            self.note(What::Stuck { step: step.id.clone() });
            let has_deputy = step.owner.and_then(|role| playbook.deputy(role)).is_some();
            if let Some(record) = self.execution.steps.get_mut(&step.id) {
                record.with_deputy = has_deputy;
            }
        }
        // Another step may be due first by now: a standstill is told once, and named by what it waits for now.
        let step_id = step.id.clone();
        if escalate && !escalated {
            self.note(What::Escalated { step: step_id.clone() });
            let title = filled(&step.title, &self.execution.arguments);
            let reason = format!("{} stands still: {title} was due on {due}.", playbook.title);
            // One for each standstill: it is named by the number of its change.
            let key = format!("{}/stuck/{}", self.execution.key(&step_id), self.execution.changes);
            let does = Does::Escalate { severity: stuck.severity, reason };
            self.effects.push(EffectRequest { key, step: step_id.clone(), does });
        }
        self.execution.stuck = Some(Standstill { step: step_id, escalated: escalated || escalate });
    }
}

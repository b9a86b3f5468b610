//! The outbox: what destinations are to be told is committed with the decision that tells it, and goes out from there
//! ([`crate::deliver`]).
//!
//! Pages go where their step says, else where the routes lead; what became of an escalation is told to whoever keeps
//! records, and reaches those that heard of it. What a step of a playbook says to a destination goes the same way, once
//! for each effect.

use crate::change::Change;
use crate::{Plan, route};
use async_trait::async_trait;
use contract::event::{DeliveryGivenUp, EffectRequested, Event};
use contract::message::{Deliver, Task, Work, cause_id};
use domain::delivery::{About, Delivery, DestinationState, Notice, Told};
use domain::destination::Destination;
use domain::escalation::{self, By, Escalation, EscalationFact, Status, Step, What};
use domain::id::{AccountId, DestinationId, SourceId, TenantId};
use jiff::{SignedDuration, Timestamp};
use platform::function::{Failure, Ports};
use platform::keys;
use platform::once::{self, Decide, Effect};
use platform::table::{self, Expect, Item, Key, Range, Write};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// How long it is kept what a destination was told, and what was given up, in days.
const KEPT_DAYS: i64 = 90;
/// The most that one change tells: what more fell due at once is told by its latest.
const MAX_NOTICES: usize = 80;

/// What a destination was told of one of its records: an escalation, or an effect of a playbook.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Thread {
    /// Its own id of the record, where it gave one.
    pub external_id: Option<String>,
    /// What it has last been told, and when.
    pub told: Option<(String, Timestamp)>,
    /// Something is under way, of which one hears until then.
    pub in_flight_until: Option<Timestamp>,
}

impl Thread {
    /// Where it is kept what a destination was told of the record that a notice belongs to.
    pub fn key(notice: &Notice) -> Key {
        keys::thread(&notice.tenant, &notice.destination, &notice.record())
    }

    /// The write that keeps it in the place of what was found.
    pub fn put(&self, notice: &Notice, found: Option<&Item>, now: Timestamp) -> Result<Write, Failure> {
        let (key, body) = (Self::key(notice), table::body(self)?);
        Ok(Write::Put { key, expect: Expect::of(found), body, expires_at: kept_until(now) })
    }
}

/// Until when it is kept what was told by now.
pub fn kept_until(now: Timestamp) -> Option<Timestamp> {
    now.checked_add(SignedDuration::from_hours(24 * KEPT_DAYS)).ok()
}

/// The writes by which destinations will be told what happened to an escalation, which now is this one.
pub fn writes(change: &Change<'_>, escalation: &Escalation, facts: &[EscalationFact]) -> Result<Vec<Write>, Failure> {
    notices(change, escalation, facts).into_iter().map(|notice| waits(notice, change.now)).collect()
}

/// The write by which a notice waits for its first try.
fn waits(notice: Notice, now: Timestamp) -> Result<Write, Failure> {
    let key = keys::outbox(&notice, now);
    Ok(Write::Put { key, expect: Expect::Absent, body: table::body(&Delivery::new(notice))?, expires_at: None })
}

/// What destinations are told: of several pages of one role that fell due together the last, and nothing that is not so
/// any more.
fn notices(change: &Change<'_>, escalation: &Escalation, facts: &[EscalationFact]) -> Vec<Notice> {
    let destinations = &change.plan.destinations;
    let mut notices = BTreeMap::new();
    for fact in facts.iter().filter(|_| !destinations.is_empty()) {
        let Some((told, to)) = telling(change, escalation, fact) else { continue };
        for destination in to.into_iter().filter_map(|id| destinations.get(id)) {
            let notice = notice(change, escalation, destination, told.clone(), fact.at);
            if destination.wants(&notice) && notice.still_holds(Some(escalation)) {
                let role = if let Told::Page { role, .. } = &told { Some(*role) } else { None };
                notices.insert((destination.id.clone(), told.name(), role), notice);
            }
        }
    }
    let mut notices: Vec<Notice> = notices.into_values().collect();
    notices.sort_by_key(|notice| notice.at);
    let too_many = notices.len().saturating_sub(MAX_NOTICES);
    if too_many > 0 {
        tracing::warn!(escalation = %escalation.id, too_many, "too much fell due at once: the latest is told");
    }
    notices.drain(..too_many);
    notices
}

type Telling<'a> = (Told, BTreeSet<&'a DestinationId>);

/// What a fact tells, and where; nothing where it concerns nobody outside.
fn telling<'a>(change: &Change<'a>, escalation: &Escalation, fact: &EscalationFact) -> Option<Telling<'a>> {
    let plan = change.plan;
    let policy = plan.policies.policy(escalation);
    let page = |number: u32, repeats: u32| {
        let step = policy.step(number);
        let (role, people) = route::told(plan, escalation, fact)?;
        // The others of a shift are there for when the first is not; where a tier waits to open nobody is called.
        let duty = people.into_iter().next()?;
        let told = Told::Page { role, person: Some(duty.person), step: number, repeats };
        Some((told, of_step(plan, step, escalation)))
    };
    let everywhere = || plan.destinations.all().map(|destination| &destination.id).collect();
    match &fact.what {
        What::Opened | What::Reopened { .. } | What::Raised { .. } => page(0, 0),
        What::Advanced { step, repeats, .. } => page(*step, *repeats),
        What::GivenBack { .. } | What::Woke => page(escalation.step, 0),
        What::HandedOver { by, to, .. } => {
            let told = Told::HandedOver { by: by.clone(), to: to.clone() };
            Some((told, of_step(plan, policy.step(escalation.step), escalation)))
        }
        What::Acknowledged { by } => Some((Told::Acknowledged { by: contract::escalate::by_name(by) }, everywhere())),
        What::Accepted { by } => Some((Told::Acknowledged { by: by.to_string() }, everywhere())),
        What::Snoozed { by, until } => Some((Told::Snoozed { by: by.clone(), until: *until }, everywhere())),
        What::Resolved { outcome } => Some((Told::Resolved { outcome: outcome.clone() }, everywhere())),
        What::ClocksSet { .. } | What::SlaWarned { .. } | What::SlaBreached { .. } => None,
    }
}

/// Where a step is told: where it says, else where the routes lead.
fn of_step<'a>(plan: &'a Plan, step: &'a Step, escalation: &Escalation) -> BTreeSet<&'a DestinationId> {
    if step.destinations.is_empty() {
        plan.destinations.of(step.role, escalation.severity)
    } else {
        step.destinations.iter().collect()
    }
}

fn notice(
    change: &Change<'_>,
    escalation: &Escalation,
    destination: &Destination,
    told: Told,
    at: Timestamp,
) -> Notice {
    let case = match &escalation.cause {
        escalation::Cause::Case { case } => Some(case),
        escalation::Cause::Rule { .. } | escalation::Cause::Person { .. } => None,
    };
    let by_case = match &escalation.status {
        Status::Open | Status::Snoozed { .. } => false,
        Status::Acknowledged { by, .. } | Status::Resolved { by, .. } => *by == By::Case,
    };
    let latest = || -> Option<SourceId> { case?.news().next_back().map(|news| news.source.clone()) };
    Notice {
        tenant: change.cause.tenant.clone(),
        account: escalation.account.clone(),
        about: About::Escalation(escalation.id.clone()),
        destination: destination.id.clone(),
        told,
        at,
        severity: Some(escalation.severity),
        reason: escalation.reason.clone(),
        case: case.map(|case| case.id.clone()),
        breach_at: escalation.breach_at(&change.plan.policies, change.now),
        said_by: if by_case { latest() } else { None },
    }
}

/// What a step of a playbook says to a destination will be told there, once; where there is no such destination that is
/// told as a fact.
pub async fn effect(
    ports: &Ports,
    plan: &Plan,
    event: &Event,
    account: &AccountId,
    asked: &EffectRequested,
) -> Result<(), Failure> {
    let Some(destination) = &asked.destination else { return Ok(()) };
    let (key, step, effect) = (asked.key.clone(), asked.step.clone(), asked.effect.clone());
    let notice = Notice {
        tenant: event.meta.tenant.clone(),
        account: account.clone(),
        about: About::Execution(asked.execution.clone()),
        destination: destination.clone(),
        told: Told::Effect { key, step, effect, role: asked.role.clone() },
        at: event.meta.occurred_at,
        severity: None,
        reason: asked.text.clone(),
        case: None,
        breach_at: None,
        said_by: None,
    };
    let head = keys::destination(&event.meta.tenant, destination);
    let is_known = plan.destinations.get(destination).is_some();
    once::handle(ports, &head, &event.meta.event_id, &Enqueue { ports, event, notice, is_known }).await?;
    Ok(())
}

struct Enqueue<'a> {
    ports: &'a Ports,
    event: &'a Event,
    notice: Notice,
    is_known: bool,
}

#[async_trait]
impl Decide for Enqueue<'_> {
    type State = DestinationState;

    async fn decide(&self, state: Option<DestinationState>) -> Result<Option<Effect<DestinationState>>, Failure> {
        let (Self { notice, .. }, now) = (self, self.ports.clock.now());
        // Asked for again: its record is there, whatever became of the message.
        if self.ports.table.get(&Thread::key(notice)).await?.is_some() {
            return Ok(None);
        }
        let mut effect = Effect::new(state.unwrap_or_default(), Vec::new());
        effect.writes.push(Thread::default().put(notice, None, now)?);
        if self.is_known {
            effect.writes.push(waits(notice.clone(), now)?);
        } else {
            let fact = given_up(&Delivery::new(notice.clone()), "there is no such destination");
            let (cause, key) = (self.event.as_cause(), fact.message.clone());
            effect.events.push(Event::new(&cause, Some(&notice.account), &key, now, fact));
        }
        Ok(Some(effect))
    }
}

/// That nobody will hear this.
pub fn given_up(delivery: &Delivery, reason: &str) -> DeliveryGivenUp {
    let notice = &delivery.notice;
    let execution = match &notice.about {
        About::Execution(id) => Some(id.clone()),
        About::Escalation(_) => None,
    };
    DeliveryGivenUp {
        message: notice.id(),
        destination: notice.destination.clone(),
        escalation: notice.escalation().cloned(),
        execution,
        told: notice.told.name().to_owned(),
        attempts: delivery.attempts,
        reason: reason.to_owned(),
    }
}

/// Sets the work by which destinations are told what waits for them by now. The same occasion sets the same work.
pub async fn wake(ports: &Ports, plan: &Plan, tenant: &TenantId, occasion: &str) -> Result<(), Failure> {
    let mut work = Vec::new();
    for destination in plan.destinations.all() {
        for urgent in [true, false] {
            if waiting(ports, tenant, &destination.id, urgent, 1).await?.is_empty() {
                continue;
            }
            work.push(Work {
                work_id: cause_id(&format!("{tenant}#deliver#{}#{urgent}#{occasion}", destination.id)),
                tenant: tenant.clone(),
                correlation_id: occasion.to_owned(),
                task: Task::Deliver(Deliver { destination: destination.id.clone(), urgent }),
            });
        }
    }
    if !work.is_empty() {
        ports.queue.send(&work).await?;
    }
    Ok(())
}

/// What waits for a destination by now, the first to be tried first.
pub async fn waiting(
    ports: &Ports,
    tenant: &TenantId,
    destination: &DestinationId,
    urgent: bool,
    limit: usize,
) -> Result<Vec<Item>, Failure> {
    let last = format!("{}\u{10FFFF}", keys::time(ports.clock.now()));
    let partition = keys::outbox_partition(tenant, destination, urgent);
    let range = Range { last, ..Range::prefix(partition, "") }.limit(limit);
    Ok(ports.table.query(&range).await?.items)
}

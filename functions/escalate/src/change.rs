//! What a change of an escalation comes to: the account's record, the entry by which it is listed, its due work, the
//! events that tell it, and the link in the chain of decisions.

use crate::{Plan, clock, history, outbox, route};
use contract::escalate::{EscalationItem, EscalationLine, ToldBody, by_name, event_body};
use contract::event::{
    Cause, EscalationAcknowledged, EscalationAdvanced, EscalationMoved, EscalationOpened, EscalationResolved,
    EscalationUpdated, Event, Fact, SlaBreached, SlaWarned,
};
use domain::audit::{self, Record};
use domain::digest::Digest;
use domain::escalation::{self, Escalation, EscalationFact, Status, What};
use domain::id::{AccountId, EscalationId, PersonId, TenantId};
use domain::record::EscalationRecord;
use jiff::{SignedDuration, Timestamp};
use platform::function::{Failure, Ports};
use platform::keys;
use platform::once::Effect;
use platform::table::{self, Expect, Write};
use serde::{Deserialize, Serialize};

/// How long an escalation that ended is listed, in days.
const LISTED_DAYS: i64 = 90;
/// How long what happened to an escalation is kept in its timeline, in days.
const LOGGED_DAYS: i64 = 400;

/// How much of what has ended an account keeps in mind, so that late news of the same cause opens no other: the latest,
/// up to so many pieces of news in all. With more of it the account's record would outgrow what the table takes.
const KEPT_NEWS: usize = 800;
/// What an escalation takes beside the news of its case, in pieces of news.
const OWN_SIZE: usize = 8;

/// How many of those who were told are listed: the latest.
const MAX_TOLD: usize = 50;

/// A piece of due work: which escalation to look at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Due {
    /// The account.
    pub account: AccountId,
    /// The escalation.
    pub escalation: EscalationId,
    /// What asked for the look: two looks may fall due at one moment.
    #[serde(default)]
    pub asked_by: String,
}

/// The moment after, as keys tell moments apart.
fn later(now: Timestamp) -> Timestamp {
    now.checked_add(SignedDuration::from_millis(1)).unwrap_or(now)
}

/// The account's record before anything was escalated.
pub fn nothing_yet(tenant: &TenantId, account: &AccountId) -> EscalationRecord {
    EscalationRecord {
        escalations: Default::default(),
        due: Default::default(),
        audit: audit::Head::start(tenant, account),
    }
}

/// Where a change comes from and when it is made.
pub struct Change<'a> {
    pub ports: &'a Ports,
    pub plan: &'a Plan,
    pub cause: &'a Cause,
    pub account: &'a AccountId,
    pub now: Timestamp,
    pub door: Door,
}

/// By which door a change comes: what becomes of the escalation's due work follows from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// A message, which is delivered again until all is done: due work moves with the change.
    Queue,
    /// The clock, which deletes the due work that it came for once all is done.
    Clock,
    /// A person, who may not ask again: due work is left for the next tick, which publishes what may not have gone out.
    Http,
}

impl Change<'_> {
    /// The effect of an escalation that became another one, or nothing where it did not.
    pub async fn effect(
        &self,
        mut record: EscalationRecord,
        mut escalation: Escalation,
        facts: &[EscalationFact],
    ) -> Result<Option<Effect<EscalationRecord>>, Failure> {
        let routed = route::again(self, &mut escalation, facts).await?;
        let waited = record.due.get(&escalation.id).copied();
        let mut writes = self.due(&mut record, &escalation)?;
        let waits = record.due.get(&escalation.id).copied();
        if record.escalations.get(&escalation.id) == Some(&escalation) && waits == waited {
            return Ok(None);
        }
        if waited.is_none() && waits.is_some() {
            writes.extend(clock::begin(self.ports, &self.cause.tenant, self.now).await?);
        }
        let known = record.escalations.get(&escalation.id);
        writes.extend(route::writes(&self.cause.tenant, known, &escalation)?);
        writes.extend(history::writes(self, known, &escalation).await?);
        writes.push(self.entry(&escalation, facts).await?);
        if !facts.is_empty() {
            let link = self.link(&record.audit, &escalation, facts, routed)?;
            writes.push(self.log(link.seq, &escalation, facts, routed)?);
            let key = keys::audit(&self.cause.tenant, self.account, "escalate", link.seq);
            writes.push(Write::Put { key, expect: Expect::Absent, body: table::body(&link)?, expires_at: None });
            record.audit = link.head();
        }
        writes.extend(outbox::writes(self, &escalation, facts)?);
        let mut events: Vec<Event> = facts.iter().map(|fact| self.event(&escalation, fact)).collect();
        events.extend(self.update(record.escalations.get(&escalation.id), &escalation, facts));
        record.escalations.insert(escalation.id.clone(), escalation);
        forget_the_oldest(&mut record);
        Ok(Some(Effect { state: record, writes, events }))
    }

    async fn entry(&self, escalation: &Escalation, facts: &[EscalationFact]) -> Result<Write, Failure> {
        let key = keys::escalation_index(&self.cause.tenant, &escalation.id);
        let found = self.ports.table.get(&key).await?;
        let ended = !escalation.status.is_active();
        let listed_until = self.now.checked_add(SignedDuration::from_hours(24 * LISTED_DAYS)).ok();
        let mut item = EscalationItem::of(escalation, &self.plan.policies, self.now);
        item.told =
            found.as_ref().map(table::read::<EscalationItem>).transpose()?.map_or_else(Vec::new, |item| item.told);
        item.told.extend(facts.iter().flat_map(|fact| self.told(escalation, fact)));
        let too_many = item.told.len().saturating_sub(MAX_TOLD);
        item.told.drain(..too_many);
        let body = table::body(&item)?;
        Ok(Write::Put { key, expect: Expect::of(found.as_ref()), body, expires_at: listed_until.filter(|_| ended) })
    }

    /// Who is told by a fact: whoever its case goes to, or those on duty for its step, by the roster, at its moment.
    fn told(&self, escalation: &Escalation, fact: &EscalationFact) -> Vec<ToldBody> {
        let Some((role, people)) = route::told(self.plan, escalation, fact) else { return Vec::new() };
        let body = |duty: domain::roster::Duty| ToldBody {
            at: fact.at,
            person: duty.person.to_string(),
            instead_of: duty.instead_of.map(|person| person.to_string()),
            role: role.name().to_owned(),
        };
        // The others of a shift are there for when the first is not.
        people.into_iter().take(1).map(body).collect()
    }

    /// The lines of the escalation's timeline that say what happened.
    fn log(
        &self,
        sequence: u64,
        escalation: &Escalation,
        facts: &[EscalationFact],
        routed: bool,
    ) -> Result<Write, Failure> {
        let mut reasons = if routed { route::reasons(escalation) } else { Vec::new() };
        let line = |fact: &EscalationFact| {
            let told = self.told(escalation, fact);
            // Why it goes to them stands beside the first that were told.
            let reasons = if told.is_empty() { Vec::new() } else { std::mem::take(&mut reasons) };
            EscalationLine { at: fact.at, text: name(&fact.what), told, reasons }
        };
        let lines: Vec<EscalationLine> = facts.iter().map(line).collect();
        let expires_at = self.now.checked_add(SignedDuration::from_hours(24 * LOGGED_DAYS)).ok();
        let key = keys::escalation_log(&self.cause.tenant, &escalation.id, sequence);
        Ok(Write::Put { key, expect: Expect::Absent, body: table::body(&lines)?, expires_at })
    }

    /// Moves the escalation's due work to where it belongs now.
    fn due(&self, record: &mut EscalationRecord, escalation: &Escalation) -> Result<Vec<Write>, Failure> {
        let tenant = &self.cause.tenant;
        let key = |at| keys::due(tenant, at, self.account, &escalation.id);
        let before = record.due.remove(&escalation.id);
        let next = match self.door {
            Door::Http => Some(self.now),
            // A tick is about to look anyway.
            Door::Queue if before.is_some_and(|before| before <= self.now) => before,
            Door::Queue => escalation.next_due(&self.plan.policies).map(|at| at.max(self.now)),
            // The place that it came for is deleted afterwards, so it is no place for the next.
            Door::Clock => escalation.next_due(&self.plan.policies).map(|at| at.max(later(self.now))),
        };
        record.due.extend(next.map(|next| (escalation.id.clone(), next)));
        let mut writes = Vec::new();
        if before.map(key) == next.map(key) {
            return Ok(writes);
        }
        if self.door != Door::Clock {
            writes.extend(before.map(|at| Write::Delete { key: key(at) }));
        }
        if let Some(next) = next {
            let asked_by = self.cause.causation_id.clone();
            let due = Due { account: self.account.clone(), escalation: escalation.id.clone(), asked_by };
            let body = table::body(&due)?;
            writes.push(Write::Put { key: key(next), expect: Expect::Absent, body, expires_at: None });
        }
        Ok(writes)
    }

    fn link(
        &self,
        chain: &audit::Head,
        escalation: &Escalation,
        facts: &[EscalationFact],
        routed: bool,
    ) -> Result<audit::Link, Failure> {
        let inputs_hash =
            Digest::of_json("escalation", escalation).map_err(|error| Failure::Unhandled(error.to_string()))?;
        let broken = match &escalation.cause {
            escalation::Cause::Person { by, .. } => Some(format!("{by} broke the glass: {}", escalation.reason)),
            _ => None,
        };
        let record = Record {
            at: self.now,
            what: "escalation".to_owned(),
            inputs_hash,
            config_hash: self.plan.policies.version(),
            outcome: format!("{} is {}", escalation.id, escalation.status.name()),
            reasons: broken
                .into_iter()
                .chain(facts.iter().map(|fact| format!("{} at {}", name(&fact.what), fact.at)))
                .chain(routed.then(|| route::reasons(escalation)).into_iter().flatten())
                .collect(),
        };
        Ok(audit::append(chain, record))
    }

    /// What has changed without a fact that says where the escalation is now: those who list it have to learn of it.
    fn update(&self, known: Option<&Escalation>, escalation: &Escalation, facts: &[EscalationFact]) -> Option<Event> {
        let is_mark = |fact: &EscalationFact| matches!(fact.what, What::SlaWarned { .. } | What::SlaBreached { .. });
        let before = event_body(known?, &self.plan.policies, self.now);
        let body = event_body(escalation, &self.plan.policies, self.now);
        if before == body || !facts.iter().all(is_mark) {
            return None;
        }
        let acknowledged = matches!(escalation.status, Status::Acknowledged { .. });
        let key = format!("{}#updated", escalation.id);
        let fact = EscalationUpdated { escalation: body, acknowledged };
        Some(Event::new(self.cause, Some(self.account), &key, self.now, fact))
    }

    fn event(&self, escalation: &Escalation, fact: &EscalationFact) -> Event {
        let body = event_body(escalation, &self.plan.policies, self.now);
        let acknowledged = matches!(escalation.status, Status::Acknowledged { .. });
        let moved =
            |how: &str, by: Option<&PersonId>, to: Option<&PersonId>, until: Option<Timestamp>| EscalationMoved {
                escalation: body.clone(),
                how: how.to_owned(),
                acknowledged,
                by: by.cloned(),
                to: to.cloned(),
                until,
            };
        let told: Fact = match &fact.what {
            What::GivenBack { by } => moved("given_back", Some(by), None, None).into(),
            What::Snoozed { by, until } => moved("snoozed", Some(by), None, Some(*until)).into(),
            What::Woke => moved("woke", None, None, None).into(),
            What::HandedOver { by, to, accept_by } => moved("handed_over", Some(by), Some(to), Some(*accept_by)).into(),
            What::Accepted { by } => moved("accepted", Some(by), None, None).into(),
            What::Reopened { by } => moved("reopened", Some(by), None, None).into(),
            What::Raised { .. } => moved("raised", None, None, None).into(),
            What::ClocksSet { by, .. } => moved("clocks_set", Some(by), None, None).into(),
            What::Opened => EscalationOpened { escalation: body }.into(),
            What::Acknowledged { by } => EscalationAcknowledged { escalation: body, by: by_name(by) }.into(),
            What::Advanced { .. } => EscalationAdvanced { escalation: body }.into(),
            What::SlaWarned { clock, percent } => {
                SlaWarned { escalation: body, clock: clock.name().to_owned(), percent: u32::from(*percent) }.into()
            }
            What::SlaBreached { clock } => SlaBreached { escalation: body, clock: clock.name().to_owned() }.into(),
            What::Resolved { outcome } => EscalationResolved { escalation: body, outcome: outcome.clone() }.into(),
        };
        // Several marks may be passed at one moment: what and when tell them apart.
        let key = format!("{}#{}#{}", escalation.id, name(&fact.what), fact.at);
        Event::new(self.cause, Some(self.account), &key, fact.at, told)
    }
}

fn forget_the_oldest(record: &mut EscalationRecord) {
    let ended = record.escalations.values().filter_map(|escalation| match &escalation.status {
        Status::Resolved { at, .. } => Some((*at, escalation.id.clone(), size(escalation))),
        _ => None,
    });
    let mut ended: Vec<_> = ended.collect();
    ended.sort_unstable();
    let mut kept = 0_usize;
    for (_, id, size) in ended.into_iter().rev() {
        kept = kept.saturating_add(size);
        if kept > KEPT_NEWS {
            record.escalations.remove(&id);
        }
    }
}

fn size(escalation: &Escalation) -> usize {
    match &escalation.cause {
        escalation::Cause::Case { case } => OWN_SIZE + case.news().count(),
        escalation::Cause::Rule { .. } | escalation::Cause::Person { .. } => OWN_SIZE,
    }
}

fn name(what: &What) -> String {
    match what {
        What::Opened => "opened".to_owned(),
        What::Acknowledged { by } => format!("acknowledged by {}", by_name(by)),
        What::Advanced { step, role, repeats } => format!("told {} at step {step}, repeat {repeats}", role.name()),
        What::GivenBack { by } => format!("given back by {by}"),
        What::Snoozed { by, until } => format!("put off by {by} until {until}"),
        What::Woke => "woke".to_owned(),
        What::HandedOver { by, to, accept_by } => format!("handed over by {by} to {to} until {accept_by}"),
        What::Accepted { by } => format!("taken over by {by}"),
        What::Reopened { by } => format!("opened again by {by}"),
        What::Raised { tier, reason } => format!("raised to tier {}: {reason}", tier.number()),
        What::ClocksSet { by, since } => format!("clocks set by {by} to count from {since}"),
        What::SlaWarned { clock, percent } => format!("{} at {percent} percent", clock.name()),
        What::SlaBreached { clock } => format!("{} breached", clock.name()),
        What::Resolved { outcome } => format!("resolved: {outcome}"),
    }
}

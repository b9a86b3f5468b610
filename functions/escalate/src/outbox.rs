//! The outbox: what destinations are to be told is committed with the decision that tells it, and goes out from there.
//!
//! A try is claimed before it is made, in one commit with the destination's breaker and its rate: of two that want the
//! same one gets it, and a claim of which nothing is heard is tried again, under the same ids. The claim holds only if
//! the escalation is still the one that was looked at, so nobody is paged for what somebody had by then. Nothing leaves
//! the outbox but delivered, void, or given up and told as a fact.

use crate::change::Change;
use crate::lookup;
use async_trait::async_trait;
use contract::event::{Cause, DeliveryGivenUp, DestinationDown, DestinationRecovered, Event, Fact};
use contract::message::{Deliver, Task, Work, cause_id};
use domain::breaker::{self, Permit};
use domain::delivery::{Answer, Delivery, DeliveryPolicy, DestinationState, Next, Notice, Told};
use domain::destination::{Destination, Destinations};
use domain::escalation::{self, By, Escalation, EscalationFact, EscalationPolicies, Role, Status, What};
use domain::id::{CauseId, DestinationId, SourceId, TenantId};
use jiff::{SignedDuration, Timestamp};
use platform::connector::Connector;
use platform::function::{Failure, Ports};
use platform::keys;
use platform::once::{self, Decide, Effect, Outcome};
use platform::table::{self, Expect, Item, Key, Range, Write};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError};

/// The most tries that one message of the queue makes.
const MAX_TRIES: usize = 500;
/// How many of those that wait are read at once.
const PAGE: usize = 25;
/// How long it is kept what was told of an escalation, and what was given up, in days.
const KEPT_DAYS: i64 = 90;

/// What decides how an escalation goes, and where it is told.
pub struct Book {
    policies: EscalationPolicies,
    pub destinations: Destinations,
    pub connector: Option<Arc<Connector>>,
}

impl Book {
    /// These policies; nobody is told anywhere.
    pub fn new(policies: EscalationPolicies) -> Self {
        Self { policies, destinations: Destinations::none(), connector: None }
    }
}

impl Deref for Book {
    type Target = EscalationPolicies;
    fn deref(&self) -> &EscalationPolicies {
        &self.policies
    }
}

/// What a destination was told of an escalation.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
struct Thread {
    /// Its own id of the record, where it gave one.
    external_id: Option<String>,
    /// What it has last been told, and when.
    told: Option<(String, Timestamp)>,
    /// Something is under way, of which one hears until then.
    in_flight_until: Option<Timestamp>,
}

/// The writes by which destinations will be told what happened to an escalation, which now is this one.
pub fn writes(change: &Change<'_>, escalation: &Escalation, facts: &[EscalationFact]) -> Result<Vec<Write>, Failure> {
    let notices = notices(change, escalation, facts);
    let put = |notice: Notice| {
        let key = keys::outbox(&notice.tenant, &notice.destination, change.now, &notice.id());
        Ok(Write::Put { key, expect: Expect::Absent, body: table::body(&Delivery::new(notice))?, expires_at: None })
    };
    notices.into_iter().map(put).collect()
}

/// What destinations are told: of several pages of one role that fell due together the last, and nothing that is not so
/// any more.
fn notices(change: &Change<'_>, escalation: &Escalation, facts: &[EscalationFact]) -> Vec<Notice> {
    let book = change.policies;
    let mut notices = BTreeMap::new();
    for fact in facts {
        let (told, to) = match &fact.what {
            What::Opened => page(book, escalation, book.policy(escalation).step(0).role, 0, 0),
            What::Advanced { step, role, repeats } => page(book, escalation, *role, *step, *repeats),
            What::Acknowledged { by } => {
                (Told::Acknowledged { by: contract::escalate::by_name(by) }, everybody_told(book, escalation))
            }
            What::Resolved { outcome } => {
                (Told::Resolved { outcome: outcome.clone() }, everybody_told(book, escalation))
            }
            What::SlaWarned { .. } | What::SlaBreached { .. } => continue,
        };
        for destination in to.into_iter().filter_map(|id| book.destinations.get(id)) {
            let notice = notice(change, escalation, destination, told.clone(), fact.at);
            if destination.wants(&notice) && notice.still_holds(Some(escalation)) {
                let role = if let Told::Page { role, .. } = &told { Some(*role) } else { None };
                notices.insert((destination.id.clone(), told.name(), role), notice);
            }
        }
    }
    notices.into_values().collect()
}

type Telling<'a> = (Told, BTreeSet<&'a DestinationId>);

fn page<'a>(book: &'a Book, escalation: &Escalation, role: Role, step: u32, repeats: u32) -> Telling<'a> {
    (Told::Page { role, step, repeats }, book.destinations.of(role, escalation.severity))
}

/// Where the roles were told that had their turn.
fn everybody_told<'a>(book: &'a Book, escalation: &Escalation) -> BTreeSet<&'a DestinationId> {
    let policy = book.policy(escalation);
    let last = escalation.step.min(policy.last());
    (0..=last).flat_map(|step| book.destinations.of(policy.step(step).role, escalation.severity)).collect()
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
        escalation::Cause::Rule { .. } => None,
    };
    let by_case = match &escalation.status {
        Status::Open => false,
        Status::Acknowledged { by, .. } | Status::Resolved { by, .. } => *by == By::Case,
    };
    let latest = || -> Option<SourceId> { case?.news().next_back().map(|news| news.source.clone()) };
    Notice {
        tenant: change.cause.tenant.clone(),
        account: escalation.account.clone(),
        escalation: escalation.id.clone(),
        destination: destination.id.clone(),
        told,
        at,
        severity: escalation.severity,
        reason: escalation.reason.clone(),
        case: case.map(|case| case.id.clone()),
        breach_at: escalation.breach_at(change.policies, change.now),
        said_by: if by_case { latest() } else { None },
    }
}

/// Sets the work by which destinations are told what waits for them by now. The same occasion sets the same work.
pub async fn wake(ports: &Ports, book: &Book, tenant: &TenantId, occasion: &str) -> Result<(), Failure> {
    let mut work = Vec::new();
    for destination in book.destinations.all() {
        let waiting = waiting(ports, tenant, &destination.id, 1).await?;
        if !waiting.is_empty() {
            work.push(Work {
                work_id: cause_id(&format!("{tenant}#deliver#{}#{occasion}", destination.id)),
                tenant: tenant.clone(),
                correlation_id: occasion.to_owned(),
                task: Task::Deliver(Deliver { destination: destination.id.clone() }),
            });
        }
    }
    if !work.is_empty() {
        ports.queue.send(&work).await?;
    }
    Ok(())
}

async fn waiting(
    ports: &Ports,
    tenant: &TenantId,
    destination: &DestinationId,
    limit: usize,
) -> Result<Vec<Item>, Failure> {
    let last = format!("{}\u{10FFFF}", keys::time(ports.clock.now()));
    let range = Range { last, ..Range::prefix(keys::outbox_partition(tenant, destination), "") }.limit(limit);
    Ok(ports.table.query(&range).await?.items)
}

/// Tells a destination what waits for it, until there is nothing more, it is not to be asked, or time is up. What then
/// waits still is found by the next tick.
pub async fn deliver(
    ports: &Ports,
    book: &Book,
    tenant: &TenantId,
    id: &DestinationId,
    until: Timestamp,
) -> Result<(), Failure> {
    let (Some(destination), Some(connector)) = (book.destinations.get(id), &book.connector) else {
        // It was taken out of the file. What waits for it waits until it is back.
        tracing::warn!(destination = %id, "there is no such destination any more");
        return Ok(());
    };
    let post = Post { ports, tenant, destination, connector, policy: DeliveryPolicy::DEFAULT };
    let mut tries = 0;
    loop {
        let items = waiting(ports, tenant, id, PAGE).await?;
        if items.is_empty() {
            return Ok(());
        }
        for item in items {
            tries += 1;
            if tries > MAX_TRIES || ports.clock.now() >= until || !post.try_one(&item).await? {
                return Ok(());
            }
        }
    }
}

struct Post<'a> {
    ports: &'a Ports,
    tenant: &'a TenantId,
    destination: &'a Destination,
    connector: &'a Connector,
    policy: DeliveryPolicy,
}

/// A try that was claimed.
struct Claimed {
    delivery: Delivery,
    permit: Permit,
    key: Key,
}

impl Post<'_> {
    /// Tries one; says whether the next one may be looked at.
    async fn try_one(&self, item: &Item) -> Result<bool, Failure> {
        let head = keys::destination(self.tenant, &self.destination.id);
        // A message may come to lie in the same place again: its tries tell one time from another.
        let Delivery { attempts, .. } = table::read(item)?;
        let named = |what: &str| cause_id(&format!("{}#{what}#{attempts}#{}#{}", self.tenant, item.key.pk, item.key.sk));
        let claim = Claim { post: self, key: &item.key, made: Mutex::default(), wait: Mutex::default() };
        let outcome = once::handle(self.ports, &head, &named("claim"), &claim).await?;
        if take(&claim.wait) {
            return Ok(false);
        }
        let claimed = if outcome == Outcome::Done { take(&claim.made) } else { None };
        let Some(claimed) = claimed else { return Ok(true) };
        let answer = self.connector.deliver(self.destination, &claimed.delivery.notice).await;
        if let Answer::Failed { reason, .. } = &answer {
            let (destination, notice) = (&self.destination.id, claimed.delivery.notice.id());
            tracing::warn!(%destination, notice, %reason, "not delivered");
        }
        let id = named("settle");
        let settle = Settle { post: self, claimed: &claimed, answer: &answer, id: &id };
        once::handle(self.ports, &head, &id, &settle).await?;
        Ok(true)
    }

    fn thread_key(&self, notice: &Notice) -> Key {
        keys::thread(self.tenant, &notice.escalation, &self.destination.id)
    }

    async fn thread(&self, notice: &Notice) -> Result<(Option<Item>, Thread), Failure> {
        let item = self.ports.table.get(&self.thread_key(notice)).await?;
        let thread = item.as_ref().map(table::read).transpose()?.unwrap_or_default();
        Ok((item, thread))
    }

    fn put_thread(&self, notice: &Notice, found: Option<&Item>, thread: &Thread) -> Result<Write, Failure> {
        let (key, body) = (self.thread_key(notice), table::body(thread)?);
        Ok(Write::Put { key, expect: Expect::of(found), body, expires_at: self.kept_until() })
    }

    fn kept_until(&self) -> Option<Timestamp> {
        self.ports.clock.now().checked_add(SignedDuration::from_hours(24 * KEPT_DAYS)).ok()
    }

    fn place(&self, notice: &Notice, due: Timestamp) -> Key {
        keys::outbox(self.tenant, &self.destination.id, due, &notice.id())
    }

    /// The writes that move a message to another moment.
    fn moved(&self, item: &Item, delivery: &Delivery, due: Timestamp) -> Result<Vec<Write>, Failure> {
        let (key, body) = (self.place(&delivery.notice, due), table::body(delivery)?);
        if key == item.key {
            return Ok(vec![Write::Put { key, expect: Expect::of(Some(item)), body, expires_at: None }]);
        }
        let put = Write::Put { key, expect: Expect::Absent, body, expires_at: None };
        Ok(vec![Write::Delete { key: item.key.clone() }, put])
    }
}

fn take<T: Default>(place: &Mutex<T>) -> T {
    std::mem::take(&mut *place.lock().unwrap_or_else(PoisonError::into_inner))
}

fn set<T>(place: &Mutex<T>, value: T) {
    *place.lock().unwrap_or_else(PoisonError::into_inner) = value;
}

/// Takes a message for a try, or finds that there is none to be made.
struct Claim<'a> {
    post: &'a Post<'a>,
    key: &'a Key,
    made: Mutex<Option<Claimed>>,
    /// The destination is not to be asked now.
    wait: Mutex<bool>,
}

#[async_trait]
impl Decide for Claim<'_> {
    type State = DestinationState;

    async fn decide(&self, state: Option<DestinationState>) -> Result<Option<Effect<DestinationState>>, Failure> {
        // A race that was lost left its own finding.
        take(&self.made);
        let Post { ports, tenant, destination, policy, .. } = self.post;
        let (state, now) = (state.unwrap_or_default(), ports.clock.now());
        let Some(item) = ports.table.get(self.key).await? else { return Ok(None) };
        let delivery: Delivery = table::read(&item)?;
        let notice = &delivery.notice;
        let with = |state, writes| Ok(Some(Effect { state, writes, events: Vec::new() }));
        let (head, escalation) = lookup(ports, tenant, &notice.account, &notice.escalation).await?;
        let (found, thread) = self.post.thread(notice).await?;
        let is_page = matches!(notice.told, Told::Page { .. });
        // What became of it is of no interest to who never heard of it.
        if !notice.still_holds(escalation.as_ref()) || (!is_page && found.is_none()) {
            return with(state, vec![Write::Delete { key: item.key.clone() }]);
        }
        // What was told before is heard of first: a record is never closed before it is opened.
        if let Some(until) = thread.in_flight_until.filter(|until| *until > now && !is_page) {
            return with(state, self.post.moved(&item, &delivery, until)?);
        }
        let Ok((state, permit)) = state.ask(policy, destination.limit, now) else {
            set(&self.wait, true);
            return Ok(None);
        };
        let (begun, due) = delivery.begun(policy, now);
        let mut writes = self.post.moved(&item, &begun, due)?;
        let in_flight = Thread { in_flight_until: Some(due), ..thread };
        writes.push(self.post.put_thread(notice, found.as_ref(), &in_flight)?);
        let key = keys::escalations(tenant, &notice.account);
        writes.push(Write::Check { key, expect: Expect::of(head.as_ref()) });
        let key = self.post.place(notice, due);
        set(&self.made, Some(Claimed { delivery: begun, permit, key }));
        with(state, writes)
    }
}

/// Writes down what became of a try.
struct Settle<'a> {
    post: &'a Post<'a>,
    claimed: &'a Claimed,
    answer: &'a Answer,
    id: &'a CauseId,
}

#[async_trait]
impl Decide for Settle<'_> {
    type State = DestinationState;

    async fn decide(&self, state: Option<DestinationState>) -> Result<Option<Effect<DestinationState>>, Failure> {
        let Post { ports, destination, policy, .. } = self.post;
        let (state, now) = (state.unwrap_or_default(), ports.clock.now());
        let Claimed { delivery, permit, key } = self.claimed;
        let (state, change) = state.answered(*permit, self.answer, policy, now);
        let mut events: Vec<Event> = change.map(|change| self.changed(change, now)).into_iter().collect();
        let Some(item) = ports.table.get(key).await? else {
            // It took so long that somebody else has tried it again.
            return Ok(Some(Effect { state, writes: Vec::new(), events }));
        };
        let notice = &delivery.notice;
        let (found, thread) = self.post.thread(notice).await?;
        let mut thread = Thread { in_flight_until: None, ..thread };
        let mut writes = match delivery.answered(self.answer, policy, now) {
            Next::Done { external_id } => {
                thread.told = Some((notice.told.name().to_owned(), now));
                thread.external_id = external_id.or(thread.external_id);
                vec![Write::Delete { key: item.key.clone() }]
            }
            Next::Again(delivery, due) => self.post.moved(&item, &delivery, due)?,
            Next::GivenUp { reason } => {
                let fact = DeliveryGivenUp {
                    message: notice.id(),
                    destination: destination.id.clone(),
                    escalation: notice.escalation.clone(),
                    told: notice.told.name().to_owned(),
                    attempts: delivery.attempts,
                    reason,
                };
                events.push(Event::new(&self.cause(), Some(&notice.account), &fact.message.clone(), now, fact));
                vec![Write::Delete { key: item.key.clone() }, self.kept(delivery).await?]
            }
        };
        writes.push(self.post.put_thread(notice, found.as_ref(), &thread)?);
        Ok(Some(Effect { state, writes, events }))
    }
}

impl Settle<'_> {
    fn cause(&self) -> Cause {
        Cause {
            tenant: self.post.tenant.clone(),
            correlation_id: self.claimed.delivery.notice.escalation.to_string(),
            causation_id: self.id.to_string(),
        }
    }

    fn changed(&self, change: breaker::Change, now: Timestamp) -> Event {
        let destination = self.post.destination.id.clone();
        let fact: Fact = match (change, self.answer) {
            (breaker::Change::Recovered { down_since }, _) => DestinationRecovered { destination, down_since }.into(),
            (breaker::Change::Down, Answer::Failed { reason, .. }) => {
                DestinationDown { destination, reason: reason.clone() }.into()
            }
            (breaker::Change::Down, Answer::Delivered { .. }) => {
                DestinationDown { destination, reason: String::new() }.into()
            }
        };
        Event::new(&self.cause(), None, self.post.destination.id.as_str(), now, fact)
    }

    /// What was given up, for whoever wants to see what nobody heard.
    async fn kept(&self, delivery: &Delivery) -> Result<Write, Failure> {
        let key = keys::given_up(self.post.tenant, &delivery.notice.id());
        let found = self.post.ports.table.get(&key).await?;
        let body = table::body(delivery)?;
        Ok(Write::Put { key, expect: Expect::of(found.as_ref()), body, expires_at: self.post.kept_until() })
    }
}

//! From the outbox to a destination: one try at a time, each claimed before it is made.
//!
//! A claim is one commit with the destination's breaker and its rate: of two that want the same try one gets it, and a
//! claim of which nothing is heard is tried again, under the same ids. The claim holds only if the escalation is still
//! the one that was looked at, so nobody is paged for what somebody had by then. Nothing leaves the outbox but delivered,
//! void, or given up and told as a fact.

use crate::outbox::{Thread, given_up, kept_until, waiting};
use crate::{Plan, lookup};
use async_trait::async_trait;
use contract::event::{Cause, DestinationDown, DestinationRecovered, Event, Fact};
use contract::message::{Deliver, cause_id};
use domain::breaker::{self, Permit};
use domain::delivery::{Answer, Delivery, DeliveryPolicy, DestinationState, Next, Notice};
use domain::destination::Destination;
use domain::id::{CauseId, TenantId};
use jiff::Timestamp;
use platform::connector::Connector;
use platform::function::{Failure, Ports};
use platform::keys;
use platform::metrics::Metric;
use platform::once::{self, Decide, Effect, Outcome};
use platform::table::{self, Expect, Item, Key, Write};
use std::sync::{Mutex, PoisonError};

/// The most tries that one message of the queue makes.
const MAX_TRIES: usize = 500;
/// How many of those that wait are read at once.
const PAGE: usize = 25;

/// Tells a destination what waits for it, until there is nothing more, it is not to be asked, or time is up. What then
/// waits still is found by the next tick.
pub async fn deliver(
    ports: &Ports,
    plan: &Plan,
    tenant: &TenantId,
    asked: &Deliver,
    until: Timestamp,
) -> Result<(), Failure> {
    let (Some(destination), Some(connector)) = (plan.destinations.get(&asked.destination), &plan.connector) else {
        // It was taken out of the file. What waits for it waits until it is back.
        tracing::warn!(destination = %asked.destination, "there is no such destination any more");
        return Ok(());
    };
    let post = Post { ports, tenant, destination, connector, policy: DeliveryPolicy::DEFAULT };
    let mut tries = 0;
    loop {
        // What is urgent goes first, also where the destination takes little.
        let mut items = waiting(ports, tenant, &destination.id, true, PAGE).await?;
        if items.is_empty() && !asked.urgent {
            items = waiting(ports, tenant, &destination.id, false, PAGE).await?;
        }
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

/// Why a destination is not to be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wait {
    /// It is left alone for a while.
    Down,
    /// It was asked as often as it may be, or wants to be left alone.
    Rate,
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
        let named =
            |what: &str| cause_id(&format!("{}#{what}#{attempts}#{}#{}", self.tenant, item.key.pk, item.key.sk));
        let claim = Claim { post: self, key: &item.key, made: Mutex::default(), wait: Mutex::default() };
        let outcome = once::handle(self.ports, &head, &named("claim"), &claim).await?;
        if let Some(wait) = take(&claim.wait) {
            if wait == Wait::Down {
                self.ports.metrics.record(&[(Metric::DestinationsDown, 1)]);
            }
            return Ok(false);
        }
        let claimed = if outcome == Outcome::Done { take(&claim.made) } else { None };
        let Some(claimed) = claimed else { return Ok(true) };
        let answer = self.connector.deliver(self.destination, &claimed.delivery.notice).await;
        match &answer {
            Answer::Delivered { .. } => self.ports.metrics.record(&[(Metric::NoticesDelivered, 1)]),
            Answer::Failed { reason, .. } => {
                let (destination, notice) = (&self.destination.id, claimed.delivery.notice.id());
                tracing::warn!(%destination, notice, %reason, "not delivered");
                self.ports.metrics.record(&[(Metric::NoticesFailed, 1)]);
            }
        }
        let id = named("settle");
        let settle = Settle { post: self, claimed: &claimed, answer: &answer, id: &id };
        once::handle(self.ports, &head, &id, &settle).await?;
        Ok(true)
    }

    async fn thread(&self, notice: &Notice) -> Result<(Option<Item>, Thread), Failure> {
        let item = self.ports.table.get(&Thread::key(notice)).await?;
        let thread = item.as_ref().map(table::read).transpose()?.unwrap_or_default();
        Ok((item, thread))
    }

    /// The writes that move a message to another moment.
    fn moved(&self, item: &Item, delivery: &Delivery, due: Timestamp) -> Result<Vec<Write>, Failure> {
        let (key, body) = (keys::outbox(&delivery.notice, due), table::body(delivery)?);
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
    wait: Mutex<Option<Wait>>,
}

#[async_trait]
impl Decide for Claim<'_> {
    type State = DestinationState;

    async fn decide(&self, state: Option<DestinationState>) -> Result<Option<Effect<DestinationState>>, Failure> {
        // A race that was lost left its own finding.
        take(&self.made);
        let Post { ports, destination, policy, .. } = self.post;
        let (state, now) = (state.unwrap_or_default(), ports.clock.now());
        let Some(item) = ports.table.get(self.key).await? else { return Ok(None) };
        let delivery: Delivery = table::read(&item)?;
        let notice = &delivery.notice;
        let with = |state, writes| Ok(Some(Effect { state, writes, events: Vec::new() }));
        let (still_holds, check) = self.still_holds(notice).await?;
        let (found, thread) = self.post.thread(notice).await?;
        // What became of it is of no interest to who never heard of it.
        if !still_holds || (!notice.told.stands_alone() && found.is_none()) {
            return with(state, vec![Write::Delete { key: item.key.clone() }]);
        }
        // What was told before is heard of first: a record is never closed before it is opened.
        let in_flight = thread.in_flight_until.filter(|until| *until > now && !notice.told.stands_alone());
        if let Some(until) = in_flight {
            return with(state, self.post.moved(&item, &delivery, until)?);
        }
        let Ok((state, permit)) = state.ask(policy, destination.limit, now) else {
            let is_down = !matches!(state.breaker.state(), breaker::State::Closed { .. });
            set(&self.wait, Some(if is_down { Wait::Down } else { Wait::Rate }));
            return Ok(None);
        };
        let (begun, due) = delivery.begun(policy, now);
        let mut writes = self.post.moved(&item, &begun, due)?;
        let in_flight = Thread { in_flight_until: Some(due), ..thread };
        writes.push(in_flight.put(notice, found.as_ref(), now)?);
        writes.extend(check);
        let key = keys::outbox(notice, due);
        set(&self.made, Some(Claimed { delivery: begun, permit, key }));
        with(state, writes)
    }
}

impl Claim<'_> {
    /// Whether it is still so, and the write that holds only as long as that was looked at.
    async fn still_holds(&self, notice: &Notice) -> Result<(bool, Option<Write>), Failure> {
        let Some(id) = notice.escalation() else { return Ok((notice.still_holds(None), None)) };
        let Post { ports, tenant, .. } = self.post;
        let (head, escalation) = lookup(ports, tenant, &notice.account, id).await?;
        let key = keys::escalations(tenant, &notice.account);
        let check = Write::Check { key, expect: Expect::of(head.as_ref()) };
        Ok((notice.still_holds(escalation.as_ref()), Some(check)))
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
        let Post { ports, policy, .. } = self.post;
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
                let fact = given_up(delivery, &reason);
                events.push(Event::new(&self.cause(), Some(&notice.account), &fact.message.clone(), now, fact));
                vec![Write::Delete { key: item.key.clone() }, self.kept(delivery).await?]
            }
        };
        writes.push(thread.put(notice, found.as_ref(), now)?);
        Ok(Some(Effect { state, writes, events }))
    }
}

impl Settle<'_> {
    fn cause(&self) -> Cause {
        Cause {
            tenant: self.post.tenant.clone(),
            correlation_id: self.claimed.delivery.notice.record(),
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
                DestinationDown { destination, reason: "it answered, but too late".to_owned() }.into()
            }
        };
        Event::new(&self.cause(), None, self.post.destination.id.as_str(), now, fact)
    }

    /// What was given up, for whoever wants to see what nobody heard.
    async fn kept(&self, delivery: &Delivery) -> Result<Write, Failure> {
        let key = keys::given_up(self.post.tenant, &delivery.notice.id());
        let found = self.post.ports.table.get(&key).await?;
        let body = table::body(delivery)?;
        let expires_at = kept_until(self.post.ports.clock.now());
        Ok(Write::Put { key, expect: Expect::of(found.as_ref()), body, expires_at })
    }
}

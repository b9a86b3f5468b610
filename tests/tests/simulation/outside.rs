//! The world outside of a morning: a webhook that is down for an hour, fails and loses receipts, and what it heard.
//!
//! At the very moment of each message it must still be so; a repeat is the same message under the same id; and in the end
//! everybody who is said to have been told was told.

use async_trait::async_trait;
use contract::escalate::EscalationItem;
use contract::event::{Event, Fact};
use domain::destination::{Destination, Destinations, Kind, Route, SlaOwner};
use domain::escalation::Status;
use domain::id::{AccountId, DestinationId, EscalationId, TenantId};
use domain::rate::RateLimit;
use domain::record::EscalationRecord;
use escalate::Escalate;
use jiff::Timestamp;
use local::clock::StandingClock;
use local::faults::{Fault, Faults};
use local::host::at_once;
use platform::clock::Clock;
use platform::connector::{
    Connector, OutboundRequest, OutboundResponse, Secret, SecretError, Secrets, Transport, TransportError,
};
use platform::function::Ports;
use platform::table::embedded::EmbeddedTable;
use platform::table::{self, Item, Range, Table};
use platform::{keys, once};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

/// What arrived there.
struct Heard {
    message: String,
    body: Value,
    /// It has it.
    taken: bool,
}

/// The destination, and what it needs to know whether a message is true.
pub struct Outside {
    faults: Arc<Faults>,
    clock: Arc<StandingClock>,
    table: Arc<EmbeddedTable>,
    down: std::ops::Range<Timestamp>,
    heard: Mutex<Vec<Heard>>,
    /// What was not so when it was told. The host takes a panic for a crash, so it is kept for later.
    untrue: Mutex<Vec<String>>,
}

impl Outside {
    /// Nothing was heard yet.
    pub fn new(
        faults: Arc<Faults>,
        clock: Arc<StandingClock>,
        table: Arc<EmbeddedTable>,
        down: std::ops::Range<Timestamp>,
    ) -> Self {
        Self { faults, clock, table, down, heard: Mutex::default(), untrue: Mutex::default() }
    }

    /// The function with this as its only destination, for everything that people are told.
    pub fn connected(self: Arc<Self>, ports: Ports) -> Result<Escalate, String> {
        let hook = Destination {
            id: DestinationId::new("hook").unwrap(),
            kind: Kind::Webhook { url: "https://hooks.example/x".into() },
            secret: Some("s".into()),
            limit: RateLimit { per_minute: 60, burst: 60 },
            source: None,
            sla_owner: SlaOwner::Us,
        };
        let route = Route { to: vec![hook.id.clone()], ..Route::default() };
        let destinations = Destinations::new(vec![hook], vec![route]).unwrap();
        let connector = Connector::new(self, Arc::new(Vault), ports.clock.clone());
        let escalate = Escalate::new(ports).map_err(|error| error.to_string())?;
        Ok(escalate.reaching(destinations, Arc::new(connector)))
    }

    /// Where an escalation is at this very moment.
    async fn status(&self, data: &Value) -> Option<Status> {
        let account = AccountId::new(data["account"].as_str()?).ok()?;
        let id = EscalationId::new(data["escalation"].as_str()?).ok()?;
        let item = self.table.get(&keys::escalations(&tenant(), &account)).await.ok()??;
        let record: EscalationRecord = once::state_of(&item).ok()?;
        record.escalations.get(&id).map(|known| known.status.clone())
    }

    /// Whether it takes a message, and what is answered.
    fn fate(&self) -> (bool, Result<OutboundResponse, TransportError>) {
        let status = |status| Ok(OutboundResponse { status, retry_after: None, body: String::new() });
        if self.down.contains(&self.clock.now()) || self.faults.strikes(Fault::DestinationFailure) {
            return (false, if self.faults.below(2) == 0 { status(503) } else { Err(TransportError::TimedOut) });
        }
        (true, if self.faults.strikes(Fault::LostReceipt) { Err(TransportError::TimedOut) } else { status(204) })
    }

    /// Whoever the list says was told was told outside, but for what was over before it could be told. Says how many pages
    /// there were.
    pub fn assert_everybody_was_told<'a>(&self, events: impl Iterator<Item = &'a Event>) -> usize {
        assert_eq!(*self.untrue.lock().unwrap(), [""; 0], "this was told, and was not so any more");
        let heard = self.heard.lock().unwrap();
        assert_repeats_are_the_same(&heard);
        for partition in ["OUTBOX#hook#urgent", "OUTBOX#hook#standard", "UNDELIVERED"] {
            assert_eq!(self.items(partition), [], "{partition} is not empty");
        }
        let ends = ends(events);
        let mut pages = 0;
        for item in self.items("ESCALATION") {
            let listed: EscalationItem = table::read(&item).unwrap();
            for told in &listed.told {
                let is_this = |one: &&Heard| {
                    let (body, data) = (&one.body, &one.body["data"]);
                    body["type"] == "escalation.page"
                        && data["escalation"] == json!(listed.escalation)
                        && (&data["role"], &data["person"]) == (&json!(told.role), &json!(told.person))
                        && body["timestamp"] == json!(told.at)
                };
                if heard.iter().filter(is_this).any(|one| one.taken) {
                    pages += 1;
                    continue;
                }
                let had = ends.get(&listed.escalation).is_some_and(|end| *end >= told.at);
                let later = listed.told.iter().any(|other| other.role == told.role && other.at > told.at);
                assert!(had || later, "{} of {} was not told of {}", told.role, listed.escalation, told.at);
            }
        }
        pages
    }

    fn items(&self, partition: &str) -> Vec<Item> {
        let range = Range::prefix(keys::tenant_partition(&tenant(), partition), "");
        at_once(table::query_all(self.table.as_ref(), range)).unwrap().unwrap()
    }
}

#[async_trait]
impl Transport for Outside {
    async fn send(&self, request: OutboundRequest) -> Result<OutboundResponse, TransportError> {
        let message = request.headers.iter().find(|(name, _)| *name == "webhook-id").unwrap().1.clone();
        let body: Value = serde_json::from_str(&request.body).unwrap();
        if body["data"]["escalation"].is_string() {
            let known = self.status(&body["data"]).await;
            let holds = known.as_ref().is_some_and(|status| match body["type"].as_str() {
                Some("escalation.page") => *status == Status::Open,
                Some(other) => other.strip_prefix("escalation.") == Some(status.name()),
                None => false,
            });
            if !holds {
                self.untrue.lock().unwrap().push(format!("{known:?}: {body}"));
            }
        }
        let (taken, answer) = self.fate();
        self.heard.lock().unwrap().push(Heard { message, body, taken });
        answer
    }
}

/// The latest moment at which somebody had an escalation, or it ended.
fn ends<'a>(events: impl Iterator<Item = &'a Event>) -> BTreeMap<String, Timestamp> {
    let mut ends = BTreeMap::new();
    for event in events {
        let escalation = match &event.fact {
            Fact::EscalationAcknowledged(fact) => &fact.escalation,
            Fact::EscalationResolved(fact) => &fact.escalation,
            Fact::EscalationMoved(fact) => &fact.escalation,
            _ => continue,
        };
        let end = ends.entry(escalation.escalation.to_string()).or_insert(event.meta.occurred_at);
        *end = event.meta.occurred_at.max(*end);
    }
    ends
}

/// A message is one thing, whatever happened on the way, and one thing is one message.
fn assert_repeats_are_the_same(heard: &[Heard]) {
    let mut said: BTreeMap<&str, &Value> = BTreeMap::new();
    for one in heard {
        assert_eq!(*said.entry(&one.message).or_insert(&one.body), &one.body, "under one id");
    }
    let mut things = BTreeSet::new();
    for body in said.values() {
        assert!(things.insert(body.to_string()), "this has two ids: {body}");
    }
}

fn tenant() -> TenantId {
    TenantId::new(super::TENANT).unwrap()
}

struct Vault;

#[async_trait]
impl Secrets for Vault {
    async fn secret(&self, _: &str) -> Result<Secret, SecretError> {
        Ok(Secret::new("whsec_aHVzaGh1c2hodXNoaHVzaGh1c2hodXNo"))
    }
}

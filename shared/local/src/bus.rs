//! The bus of the local host: each event goes, in EventBridge's envelope, to every queue whose rule takes it.

use crate::faults::{Fault, Faults};
use crate::queue::{MAX_MESSAGE_BYTES, Queues};
use crate::wiring::RuleWiring;
use async_trait::async_trait;
use contract::event::Event;
use jiff::Timestamp;
use platform::bus::{Bus, BusError};
use platform::clock::Clock;
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;
use std::cell::LazyCell;
use std::future::pending;
use std::sync::Arc;

/// The bus.
pub struct LocalBus {
    /// Which events go where.
    pub rules: Arc<[RuleWiring]>,
    /// The queues behind it.
    pub queues: Arc<Queues>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// The faults that strike at it.
    pub faults: Arc<Faults>,
    /// Is told of every event that goes out.
    pub witness: Witness,
}

/// Is told of events.
pub type Witness = Arc<dyn Fn(&Event) + Send + Sync>;

/// A witness that forgets everything.
pub fn nobody() -> Witness {
    Arc::new(|_| ())
}

/// An event as EventBridge puts it into a queue.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Envelope<'a> {
    version: &'static str,
    id: &'a str,
    detail_type: &'static str,
    source: &'a str,
    account: &'static str,
    time: String,
    region: &'static str,
    resources: [&'static str; 0],
    detail: Box<RawValue>,
}

/// An event on its way to the queues.
struct Parcel {
    source: String,
    detail_type: &'static str,
    body: String,
}

#[async_trait]
impl Bus for LocalBus {
    async fn publish(&self, events: &[Event]) -> Result<(), BusError> {
        let now = self.clock.now();
        let parcels = events.iter().map(|event| parcel(event, now)).collect::<Result<Vec<_>, _>>()?;
        if self.faults.strikes(Fault::CrashAfterCommit) {
            return pending().await;
        }
        let sent = parcels.len();
        let fails = self.faults.strikes(Fault::BusFailure);
        let taken = if fails { usize::try_from(self.faults.below(sent as u64)).unwrap_or(0) } else { sent };
        for (event, parcel) in events.iter().zip(&parcels).take(taken) {
            (self.witness)(event);
            self.deliver(event, parcel, now);
        }
        if fails {
            return Err(BusError::NotTaken { sent, failed: sent.saturating_sub(taken), reason: "injected".into() });
        }
        if self.faults.strikes(Fault::CrashAfterPublish) {
            return pending().await;
        }
        Ok(())
    }
}

impl LocalBus {
    fn deliver(&self, event: &Event, parcel: &Parcel, now: Timestamp) {
        let fact = LazyCell::new(|| serde_json::to_value(&event.fact).unwrap_or_default());
        for rule in self.rules.iter() {
            if rule.pattern.matches(&parcel.source, parcel.detail_type, || fact.get("data").unwrap_or(&Value::Null)) {
                self.queues.send(&rule.queue, parcel.body.clone(), now);
            }
        }
    }
}

fn parcel(event: &Event, now: Timestamp) -> Result<Parcel, BusError> {
    let unwritable = |error: serde_json::Error| BusError::Unavailable(error.into());
    let source = event.source();
    let detail = event.detail().and_then(RawValue::from_string).map_err(unwritable)?;
    let envelope = Envelope {
        version: "0",
        id: event.meta.event_id.as_str(),
        detail_type: event.fact.name(),
        source: &source,
        account: "000000000000",
        time: format!("{now:.0}"),
        region: "local",
        resources: [],
        detail,
    };
    let body = serde_json::to_string(&envelope).map_err(unwritable)?;
    if body.len() > MAX_MESSAGE_BYTES {
        return Err(BusError::TooLarge(event.meta.event_id.to_string()));
    }
    Ok(Parcel { source, detail_type: event.fact.name(), body })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::StandingClock;
    use crate::host::at_once;
    use crate::wiring::{Pattern, QueueWiring, SourcePattern};
    use contract::event::{Cause, RecordsQuarantined, ScoreRunCompleted};
    use contract::message::{Incoming, Lane};
    use std::collections::BTreeMap;

    fn event(run: &str) -> Event {
        let cause = Cause {
            tenant: domain::id::TenantId::new("t").unwrap(),
            correlation_id: "c".into(),
            causation_id: "m".into(),
        };
        let fact = ScoreRunCompleted { run: run.into(), accounts: 1, changed: 0 };
        Event::new(&cause, None, run, "2026-01-01T00:00:00Z".parse().unwrap(), fact)
    }

    fn bus(sources: Vec<SourcePattern>, detail_types: &[&str], faults: Arc<Faults>) -> LocalBus {
        let queue = QueueWiring {
            name: "facts".into(),
            consumer: "report".into(),
            lane: Lane::Standard,
            batch_size: 1,
            max_receive_count: 5,
            visibility_seconds: 60,
            dead_letters: "dead".into(),
        };
        let detail_types = detail_types.iter().map(|&name| name.into()).collect();
        let pattern = Pattern { sources, detail_types, data: BTreeMap::new() };
        LocalBus {
            rules: [RuleWiring { name: "rule".into(), pattern, queue: "facts".into() }].into(),
            queues: Arc::new(Queues::new(&[queue], Faults::none())),
            clock: Arc::new(StandingClock::new("2026-01-01T00:00:01.500Z".parse().unwrap())),
            faults,
            witness: nobody(),
        }
    }

    fn everything(faults: Arc<Faults>) -> LocalBus {
        bus(vec![SourcePattern::Prefix("cs-ops.".into())], &[], faults)
    }

    #[test]
    fn an_event_arrives_as_it_was_published_in_eventbridges_envelope() {
        let bus = everything(Faults::none());
        at_once(bus.publish(&[event("r1")])).unwrap().unwrap();
        let body = bus.queues.receive(bus.clock.now()).unwrap().body;
        let envelope: serde_json::Value = serde_json::from_str(&body).unwrap();
        assert_eq!(envelope["detail-type"], "ScoreRunCompleted");
        assert_eq!(envelope["source"], "cs-ops.score");
        assert_eq!(envelope["time"], "2026-01-01T00:00:01Z");
        assert_eq!(Incoming::parse(&body).unwrap(), Incoming::Fact(Box::new(event("r1"))));
    }

    #[test]
    fn a144_a_rule_takes_what_its_pattern_says_and_nothing_else() {
        let exactly = |source: &str| vec![SourcePattern::Exactly(source.into())];
        for (sources, types, taken) in [
            (exactly("cs-ops.score"), vec!["ScoreRunCompleted"], 1),
            (exactly("cs-ops.score"), vec!["HealthScored"], 0),
            (exactly("cs-ops.ingest"), vec!["ScoreRunCompleted"], 0),
            (exactly("cs-ops"), vec![], 0),
        ] {
            let bus = bus(sources.clone(), &types, Faults::none());
            at_once(bus.publish(&[event("r1")])).unwrap().unwrap();
            assert_eq!(bus.queues.waiting(), taken, "{sources:?} {types:?}");
        }
    }

    #[test]
    fn a_failing_bus_takes_only_some_and_says_so() {
        let bus = everything(Faults::seeded(3, [(Fault::BusFailure, 1000)].into()));
        let events: Vec<Event> = (0..10).map(|n| event(&n.to_string())).collect();
        let Err(BusError::NotTaken { sent: 10, failed, .. }) = at_once(bus.publish(&events)).unwrap() else { panic!() };
        assert_eq!(bus.queues.waiting(), 10 - failed);
        assert!(failed > 0);
    }

    #[test]
    fn an_event_over_the_limit_is_refused() {
        let cause = Cause {
            tenant: domain::id::TenantId::new("t").unwrap(),
            correlation_id: "c".into(),
            causation_id: "m".into(),
        };
        let fact = RecordsQuarantined { count: 1, quarantine_ids: vec!["x".repeat(MAX_MESSAGE_BYTES)] };
        let large = Event::new(&cause, None, "", "2026-01-01T00:00:00Z".parse().unwrap(), fact);
        let bus = everything(Faults::none());
        assert!(matches!(at_once(bus.publish(&[large])), Some(Err(BusError::TooLarge(_)))));
    }
}

//! The host with five toy functions: `ingest` counts its work and tells of it, `report` counts what it hears,
//! `escalate` writes down its ticks, `trigger` fails every tick.

use super::*;
use crate::bus::nobody;
use crate::faults::{Fault, Rates};
use crate::wiring::{Pattern, QueueWiring, RouteWiring, RuleWiring, SourcePattern};
use async_trait::async_trait;
use contract::event::{Event, SignalsRecorded};
use contract::message::{Lane, Sweep, Task, Work, cause_id};
use domain::id::{AccountId, TenantId};
use platform::http::{Caller, Method, Problem, Route};
use platform::keys;
use platform::once::{Decide, Effect, handle};
use platform::table::embedded::EmbeddedTable;
use platform::table::{Expect, Key, Write};

struct Toy {
    name: FunctionName,
    ports: Ports,
}

struct Count<'a> {
    message: &'a Incoming,
    tells: bool,
    now: Timestamp,
}

#[async_trait]
impl Decide for Count<'_> {
    type State = BTreeSet<String>;

    async fn decide(&self, state: Option<Self::State>) -> Result<Option<Effect<Self::State>>, Failure> {
        let mut state = state.unwrap_or_default();
        state.insert(self.message.id().to_string());
        let fact =
            SignalsRecorded { added: 1, metrics: Vec::new(), oldest: self.now, newest: self.now, reported: Vec::new() };
        let event = Event::new(&self.message.as_cause(), None, "", self.now, fact);
        Ok(Some(Effect::new(state, self.tells.then_some(event).into_iter().collect())))
    }
}

fn tenant() -> TenantId {
    TenantId::new("t").unwrap()
}

fn counter(name: &str) -> Key {
    keys::of_tenant(&tenant(), "COUNT", name)
}

const ROUTES: &[Route] = &[Route::new(Method::Get, "/health", "Says that it is there.")];

#[async_trait]
impl Function for Toy {
    fn name(&self) -> FunctionName {
        self.name
    }

    fn routes(&self) -> &'static [Route] {
        if self.name == FunctionName::Report { ROUTES } else { &[] }
    }

    fn ports(&self) -> &Ports {
        &self.ports
    }

    async fn call(&self, _: &Caller, _: &Request) -> Result<Response, Problem> {
        Response::json(200, &self.ports.clock.now())
    }

    async fn message(&self, message: &Incoming, _: Timestamp) -> Result<(), Failure> {
        if let Incoming::Work(work) = message
            && let Task::Sweep(Sweep { run, .. }) = &work.task
        {
            assert_ne!(run, "panic");
            if run == "poison" {
                return Err(Failure::Unhandled("it is poison".into()));
            }
        }
        let count = Count { message, tells: self.name == FunctionName::Ingest, now: self.ports.clock.now() };
        handle(&self.ports, &counter(self.name.as_str()), message.id(), &count).await.map(drop)
    }

    async fn tick(&self, tick: &Tick) -> Result<(), Failure> {
        if self.name == FunctionName::Trigger {
            return Err(Failure::Unhandled("it never works".into()));
        }
        let key = keys::of_tenant(&tenant(), "TICKS", tick.time.to_string());
        let body = serde_json::to_vec(&self.ports.clock.now()).unwrap().into();
        let write = Write::Put { key, expect: Expect::Absent, body, expires_at: None };
        Ok(self.ports.table.commit(vec![write]).await?)
    }
}

fn toy(name: FunctionName, ports: Ports) -> Result<Arc<dyn Function>, String> {
    Ok(Arc::new(Toy { name, ports }))
}

fn wiring() -> Wiring {
    let queue = |name: &str, consumer: &str| QueueWiring {
        name: name.into(),
        consumer: consumer.into(),
        lane: Lane::Standard,
        batch_size: 10,
        max_receive_count: 3,
        visibility_seconds: 180,
        dead_letters: format!("{name}Dead"),
    };
    let schedule = |function: &str, tick: &str, every_seconds| ScheduleWiring {
        name: format!("{tick}-rule"),
        function: function.into(),
        tick: tick.into(),
        every_seconds,
    };
    Wiring {
        routes: vec![RouteWiring {
            function: "report".into(),
            method: "GET".into(),
            path: "/api/v1/cs-ops/health".into(),
        }],
        queues: vec![queue("Signals", "ingest"), queue("Facts", "report")],
        rules: vec![RuleWiring {
            name: "all".into(),
            pattern: Pattern {
                sources: vec![SourcePattern::Prefix("cs-ops.".into())],
                detail_types: Vec::new(),
                data: BTreeMap::new(),
            },
            queue: "Facts".into(),
        }],
        schedules: vec![schedule("escalate", "due_clock", 600)],
    }
}

fn start() -> Timestamp {
    "2026-01-01T00:00:00Z".parse().unwrap()
}

fn after(seconds: i64) -> Timestamp {
    Timestamp::from_second(start().as_second() + seconds).unwrap()
}

struct Stage {
    host: Host,
    table: Arc<EmbeddedTable>,
}

fn stage(wiring: Wiring, faults: Arc<Faults>) -> Stage {
    let clock = Arc::new(StandingClock::new(start()));
    let table = Arc::new(EmbeddedTable::memory(clock.clone()).unwrap());
    let parts =
        Parts { wiring, table: table.clone(), clock, faults, metrics: Arc::new(metrics::Nowhere), witness: nobody() };
    Stage { host: Host::new(parts, toy).unwrap(), table }
}

impl Stage {
    fn send(&self, run: &str) {
        let account = AccountId::new("acme").unwrap();
        let task = Task::Sweep(Sweep { run: run.into(), at: start(), shard: 0, after: Some(account) });
        let work = Work { work_id: cause_id(run), tenant: tenant(), correlation_id: "c".into(), task };
        self.host.queues().send("Signals", serde_json::to_string(&work).unwrap(), self.host.now());
    }

    fn counted(&self, name: &str) -> usize {
        let item = at_once(self.table.get(&counter(name))).unwrap().unwrap();
        item.map_or(0, |item| platform::once::state_of::<BTreeSet<String>>(&item).unwrap().len())
    }

    fn ticks(&self) -> Vec<(String, Timestamp)> {
        let items = self.table.export().unwrap().map(Result::unwrap).filter(|item| item.key.pk == "T#t#TICKS");
        items.map(|item| (item.key.sk.clone(), serde_json::from_slice(&item.body).unwrap())).collect()
    }
}

#[test]
fn work_goes_through_a_function_and_its_facts_to_the_next() {
    let mut stage = stage(wiring(), Faults::none());
    for run in ["1", "2", "2"] {
        stage.send(run);
    }
    stage.host.pump();
    assert_eq!((stage.counted("ingest"), stage.counted("report")), (2, 2));
    assert_eq!(stage.host.queues().waiting(), 0);
}

#[test]
fn a6_one_poison_message_among_ten_ends_in_the_dead_letters_and_nine_have_their_effect() {
    let mut stage = stage(wiring(), Faults::none());
    for n in 0..9 {
        stage.send(&n.to_string());
    }
    stage.send("poison");
    stage.host.pump();
    assert_eq!((stage.counted("ingest"), stage.counted("report")), (9, 9));
    stage.host.advance(after(180 * 3));
    let letters = stage.host.queues().dead_letters();
    assert_eq!(letters.len(), 1);
    assert_eq!((letters[0].received, letters[0].reason.as_str()), (3, "cannot be handled: it is poison"));
    assert_eq!(stage.host.queues().waiting(), 0);
}

#[test]
fn a_message_that_cannot_be_read_is_a_dead_letter_that_says_where() {
    let mut stage = stage(wiring(), Faults::none());
    stage.host.queues().send("Signals", r#"{"work":"sweep","data":7}"#.into(), start());
    stage.host.advance(after(3600));
    let reason = &stage.host.queues().dead_letters()[0].reason;
    assert!(reason.starts_with("message is malformed at `"), "{reason}");
}

#[test]
fn a_function_that_panics_is_gone_for_one_message_and_back_for_the_next() {
    let mut stage = stage(wiring(), Faults::none());
    for run in ["1", "panic", "2"] {
        stage.send(run);
    }
    stage.host.advance(after(180 * 3));
    assert_eq!(stage.counted("ingest"), 2);
    assert_eq!(stage.host.queues().dead_letters()[0].reason, "cannot be handled: the function went away");
}

#[test]
fn a41_ticks_come_at_their_slots_and_at_their_own_times() {
    let mut stage = stage(wiring(), Faults::none());
    stage.host.advance(after(599));
    assert_eq!(stage.ticks(), []);
    stage.host.advance(after(1800));
    let at = |seconds| (after(seconds).to_string(), after(seconds));
    assert_eq!(stage.ticks(), [at(600), at(1200), at(1800)]);
    assert_eq!(stage.host.now(), after(1800));
}

#[test]
fn a_tick_that_fails_is_tried_twice_more_and_then_reported() {
    let mut wiring = wiring();
    wiring.schedules[0].function = "trigger".into();
    let mut stage = stage(wiring, Faults::none());
    stage.host.advance(after(600 + 179));
    assert_eq!(stage.host.missed_ticks(), []);
    stage.host.advance(after(600 + 180));
    let missed = stage.host.missed_ticks();
    assert_eq!(missed.len(), 1);
    assert_eq!(missed[0].input, r#"{"tick":"due_clock","time":"2026-01-01T00:10:00Z"}"#);
    assert_eq!(missed[0].reason, "cannot be handled: it never works");
}

#[test]
fn a144_a_crash_between_commit_and_publish_loses_no_event_and_doubles_none() {
    for fault in [Fault::CrashAfterCommit, Fault::CrashAfterPublish, Fault::LostAnswer, Fault::BusFailure] {
        let faults = Faults::seeded(1, [(fault, 1000)].into());
        let mut stage = stage(wiring(), faults.clone());
        stage.send("1");
        stage.host.pump();
        assert_eq!(stage.counted("ingest"), 1, "{fault:?}");
        assert!(stage.host.queues().waiting() > 0, "{fault:?}");
        faults.stop();
        stage.host.advance(after(180 * 3));
        assert_eq!((stage.counted("ingest"), stage.counted("report")), (1, 1), "{fault:?}");
        assert_eq!((stage.host.queues().waiting(), stage.host.queues().dead_letters()), (0, Vec::new()), "{fault:?}");
    }
}

#[test]
fn with_faults_the_same_seed_gives_the_same_bytes_and_the_end_is_as_without() {
    let rates: Rates = Fault::ALL.map(|fault| (fault, 100)).into();
    let run = |faults: Arc<Faults>| {
        let mut stage = stage(wiring(), faults.clone());
        for n in 0..40 {
            stage.send(&n.to_string());
            stage.host.advance(after(n * 30));
        }
        stage.host.advance(after(10_000));
        faults.stop();
        stage.host.queues().redrive(stage.host.now());
        stage.host.advance(after(20_000));
        let bytes: Vec<_> = stage.table.export().unwrap().map(|item| format!("{:?}", item.unwrap())).collect();
        (bytes, faults.struck(), stage.counted("ingest"), stage.counted("report"), stage.host.queues().waiting())
    };
    let (bytes, struck, ingested, reported, waiting) = run(Faults::seeded(3, rates.clone()));
    assert_eq!((ingested, reported, waiting), (40, 40, 0));
    // The toys put no work on their own queues and tell no destination, so these alone cannot fail.
    let absent = [Fault::QueueFailure, Fault::DestinationFailure, Fault::LostReceipt];
    assert!(Fault::ALL.iter().all(|fault| struck.contains_key(fault) != absent.contains(fault)), "{struck:?}");
    assert_eq!(bytes, run(Faults::seeded(3, rates.clone())).0);
    assert_ne!(bytes, run(Faults::seeded(4, rates)).0);
}

#[test]
fn a_template_that_does_not_fit_the_functions_is_refused_with_every_difference() {
    let mut wiring = wiring();
    wiring.routes[0].path = "/api/v1/cs-ops/helth".into();
    wiring.rules[0].queue = "Nowhere".into();
    wiring.schedules[0].function = "scale".into();
    let clock = Arc::new(StandingClock::new(start()));
    let table = Arc::new(EmbeddedTable::memory(clock.clone()).unwrap());
    let parts =
        Parts { wiring, table, clock, faults: Faults::none(), metrics: Arc::new(metrics::Nowhere), witness: nobody() };
    let error = Host::new(parts, toy).map(drop).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the template and the functions do not fit together: GET /api/v1/cs-ops/health of `report` is not in the \
         template; GET /api/v1/cs-ops/helth of `report` is in the template alone; `due_clock-rule` feeds `scale`, which \
         is not there; rule `all` feeds `Nowhere`, which no function consumes"
    );
}

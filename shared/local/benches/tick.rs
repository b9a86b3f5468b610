//! What a minute's tick of the clocks costs: `cargo bench -p local --bench tick -- [clocks]`, by default beside 10,000 and
//! 100,000 open clocks.
//!
//! For each size a table in a file holds that many open cases, one on an account each, laid down as escalate leaves them.
//! They fall due over a day; in each of the minutes that are measured the same number is, whatever the size: first none, then
//! ten, then a hundred. The function, its table and its decisions are the real ones; nobody listens to the events. What is on
//! the disk at the end of a tick is part of its time.
//!
//! Rates tell of this machine; the ratio of the time for the same due work between two sizes travels. It is the claim: the
//! cost of a tick grows with what is due, not with what is open.

use async_trait::async_trait;
use contract::event::Event;
use contract::message::Work;
use domain::account::{Account, LifecycleStage, Money, Segment};
use domain::audit;
use domain::case::{Case, News};
use domain::escalation::{Cause, Escalation, EscalationPolicies};
use domain::id::{AccountId, CaseId, SignalId, SourceId, TenantId};
use domain::record::EscalationRecord;
use domain::signal::{About, CaseStatus, Severity};
use escalate::Escalate;
use jiff::{SignedDuration, Timestamp};
use local::clock::StandingClock;
use platform::bus::{Bus, BusError};
use platform::function::{Function, Ports, Tick};
use platform::keys;
use platform::metrics::Nowhere;
use platform::queue::{Queue, QueueError};
use platform::table::embedded::{Durability, EmbeddedTable};
use platform::table::{self, Expect, Item, Key, MAX_WRITES, Page, Range, Table, TableError, Write};
use serde_json::json;
use std::collections::BTreeMap;
use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// The sizes that are compared unless one is named.
const SIZES: [u64; 2] = [10_000, 100_000];
/// How many clocks fall due in the minutes that are measured.
const DUE: [u64; 3] = [0, 10, 100];
/// How often each is measured, in a minute of its own.
const ROUNDS: u64 = 5;
/// When the first of the measured minutes is, in minutes after the beginning.
const FIRST_MINUTE: u64 = 30;

type Problem = Box<dyn Error>;

fn main() -> Result<(), Problem> {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => compare(&SIZES),
        [clocks] => compare(&[clocks.parse()?]),
        _ => Err("give one number of clocks, or none".into()),
    }
}

fn compare(sizes: &[u64]) -> Result<(), Problem> {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    println!("{:>9} {:>6} {:>12} {:>12} {:>12}", "open", "due", "ms a tick", "reads", "commits");
    let mut medians: Vec<(u64, Vec<f64>)> = Vec::new();
    for clocks in sizes {
        let stage = Stage::fill(&folder.path().join(format!("{clocks}.redb")), *clocks)?;
        let mut of_size = Vec::new();
        for (place, due) in (0_u64..).zip(DUE) {
            let mut took = Vec::new();
            let mut counted = (0, 0);
            for round in 0..ROUNDS {
                took.push(stage.tick(minute(place, round), due)?);
                counted = stage.table.take();
            }
            took.sort_unstable();
            let median = took.get(took.len() / 2).copied().unwrap_or_default().as_secs_f64() * 1e3;
            println!("{clocks:>9} {due:>6} {median:>12.3} {:>12} {:>12}", counted.0, counted.1);
            of_size.push(median);
        }
        medians.push((*clocks, of_size));
    }
    for pair in medians.windows(2) {
        let [(few, small), (many, large)] = pair else { continue };
        for (due, (small, large)) in DUE.iter().zip(small.iter().zip(large)) {
            println!("time of a tick with {due} due, {many} : {few} open clocks: {:.2}", large / small);
        }
    }
    Ok(())
}

/// The measured minute of a round, after the beginning.
const fn minute(place: u64, round: u64) -> u64 {
    FIRST_MINUTE + (place * ROUNDS + round) * 2
}

/// Escalate on a table in a file.
struct Stage {
    escalate: Escalate,
    table: Arc<Counting>,
    clock: Arc<StandingClock>,
    told: Arc<Deaf>,
}

impl Stage {
    fn fill(file: &std::path::Path, clocks: u64) -> Result<Self, Problem> {
        let clock = Arc::new(StandingClock::new(begin()?));
        let store = EmbeddedTable::open(file, clock.clone())?;
        store.set_durability(Durability::OnFlush);
        let table = Arc::new(Counting { table: store, reads: AtomicU64::new(0), commits: AtomicU64::new(0) });
        let told = Arc::new(Deaf(AtomicU64::new(0)));
        let ports = Ports {
            table: table.clone(),
            bus: told.clone(),
            queue: told.clone(),
            clock: clock.clone(),
            metrics: Arc::new(Nowhere),
            answers: Arc::default(),
        };
        let policies = contract::escalation::built_in().map_err(|faults| format!("{faults:?}"))?;
        let mut writes = vec![put(keys::tenant_entry(&tenant()?), &json!({}))?];
        for (number, due_at) in (0_u64..).zip(moments(clocks)?) {
            writes.extend(open_case(number, due_at, &policies)?);
            if writes.len() + 5 > MAX_WRITES {
                at_once(table.table.commit(std::mem::take(&mut writes)))?;
            }
            if number.is_multiple_of(10_000) {
                // What was not put on the disk yet waits in memory.
                table.table.flush()?;
            }
        }
        at_once(table.table.commit(writes))?;
        table.table.flush()?;
        let stage = Self { escalate: Escalate::new(ports)?, table, clock, told };
        // The first tick of all finds where due work begins.
        stage.tick(FIRST_MINUTE - 2, 0)?;
        stage.table.take();
        Ok(stage)
    }

    /// One tick, and how long it took; so many clocks speak by it.
    fn tick(&self, minute: u64, due: u64) -> Result<Duration, Problem> {
        let time = begin()? + SignedDuration::from_mins(i64::try_from(minute)?);
        self.clock.move_to(time);
        let began = now();
        at_once(async {
            let told = self.escalate.tick(&Tick { tick: "due_clock".to_owned(), time }).await;
            told.map_err(|failure| TableError::Refused(failure.to_string()))
        })?;
        self.table.table.flush()?;
        let took = now().duration_since(began);
        let told = self.told.0.swap(0, Ordering::Relaxed);
        if told == due { Ok(took) } else { Err(format!("{told} events of {due} that were due").into()) }
    }
}

fn begin() -> Result<Timestamp, Problem> {
    Ok("2026-03-02T12:00:00Z".parse()?)
}

fn tenant() -> Result<TenantId, Problem> {
    Ok(TenantId::new("bench")?)
}

/// When each clock speaks next: in the measured minutes as many as is wanted, all others over the day that follows.
fn moments(clocks: u64) -> Result<Vec<Timestamp>, Problem> {
    let mut seconds = Vec::new();
    for (place, due) in (0_u64..).zip(DUE) {
        for round in 0..ROUNDS {
            seconds.extend((0..due).map(|_| minute(place, round) * 60 - 30));
        }
    }
    // The first of them in the hour of the measured minutes.
    let later = |number: u64| 3_560 + number * 79_200 / clocks.max(1);
    let missing = clocks.checked_sub(u64::try_from(seconds.len())?).ok_or("too few clocks for what is due")?;
    seconds.extend((0..missing).map(later));
    let begin = begin()?;
    seconds.into_iter().map(|seconds| Ok(begin + SignedDuration::from_secs(i64::try_from(seconds)?))).collect()
}

/// A case that somebody has taken on, and whose resolution comes to half of its time at a moment.
fn open_case(number: u64, due_at: Timestamp, policies: &EscalationPolicies) -> Result<Vec<Write>, Problem> {
    let (tenant, account) = (tenant()?, AccountId::new(format!("account-{number:07}"))?);
    // Twenty-four hours are half of what a question has.
    let opened_at = due_at - SignedDuration::from_hours(24);
    let news = |at: Timestamp, status| -> Result<News, Problem> {
        Ok(News {
            at,
            status,
            severity: Severity::Low,
            source: SourceId::new("desk")?,
            id: SignalId::new(at.to_string())?,
            about: About::default(),
        })
    };
    let (mut case, _) = Case::new(CaseId::new(format!("case-{number}"))?, news(opened_at, CaseStatus::Opened)?);
    case.record(news(opened_at + SignedDuration::from_mins(5), CaseStatus::Responded)?);
    let answered = opened_at + SignedDuration::from_mins(5);
    let (escalation, _) =
        Escalation::open(&tenant, &account, Cause::Case { case }, Severity::Low, "bench", policies, answered)?;
    let due = escalation.next_due(policies).ok_or("nothing is due")?;
    if due != due_at {
        return Err(format!("due at {due}, not at {due_at}").into());
    }
    let item = contract::escalate::EscalationItem::of(&escalation, policies, answered);
    let id = escalation.id.clone();
    let record = EscalationRecord {
        escalations: BTreeMap::from([(id.clone(), escalation)]),
        due: BTreeMap::from([(id.clone(), due)]),
        audit: audit::Head::start(&tenant, &account),
    };
    let described = Account {
        id: account.clone(),
        name: format!("Account {number}"),
        arr: Money::from_cents(0),
        segment: Segment::MidMarket,
        stage: LifecycleStage::Steady,
        renewal_on: None,
        owner: None,
        contact: Default::default(),
    };
    Ok(vec![
        put(keys::profile(&tenant, &account), &json!({ "state": described }))?,
        put(keys::escalations(&tenant, &account), &json!({ "state": record }))?,
        put(keys::escalation_index(&tenant, &id), &item)?,
        put(keys::due(&tenant, due, &account, &id), &json!({ "account": account, "escalation": id }))?,
    ])
}

fn put(key: Key, value: &impl serde::Serialize) -> Result<Write, Problem> {
    Ok(Write::Put { key, expect: Expect::Absent, body: table::body(value)?, expires_at: None })
}

/// A bus and a queue to which nobody listens, counting events.
struct Deaf(AtomicU64);

#[async_trait]
impl Bus for Deaf {
    async fn publish(&self, events: &[Event]) -> Result<(), BusError> {
        self.0.fetch_add(events.len() as u64, Ordering::Relaxed);
        Ok(())
    }
}

#[async_trait]
impl Queue for Deaf {
    async fn send(&self, _: &[Work]) -> Result<(), QueueError> {
        Ok(())
    }
}

/// The table, counting what it is asked.
struct Counting {
    table: EmbeddedTable,
    reads: AtomicU64,
    commits: AtomicU64,
}

impl Counting {
    fn take(&self) -> (u64, u64) {
        (self.reads.swap(0, Ordering::Relaxed), self.commits.swap(0, Ordering::Relaxed))
    }
}

#[async_trait]
impl Table for Counting {
    async fn get(&self, key: &Key) -> Result<Option<Item>, TableError> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        self.table.get(key).await
    }

    async fn query(&self, range: &Range) -> Result<Page, TableError> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        self.table.query(range).await
    }

    async fn commit(&self, writes: Vec<Write>) -> Result<(), TableError> {
        self.commits.fetch_add(1, Ordering::Relaxed);
        self.table.commit(writes).await
    }
}

/// The embedded table answers at once.
fn at_once<T>(future: impl Future<Output = Result<T, TableError>>) -> Result<T, Problem> {
    Ok(local::host::at_once(future).ok_or("the table went away")??)
}

#[expect(clippy::disallowed_methods, reason = "how long something takes is told by the machine's clock")]
fn now() -> Instant {
    Instant::now()
}

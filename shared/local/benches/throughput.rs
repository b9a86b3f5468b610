//! How many signals a second come through all five functions on the embedded table: `cargo bench -p local`.
//!
//! Sixty accounts of the sample with a month behind them; then its next signals, each with everything that follows from
//! it: recorded, scored, ruled, escalated, reported, until every queue is empty. In memory, and in a file with every
//! commit on the disk. Beside it, round by round in the same run, bare redb in a loop:
//!
//! - the JSON of the same signals, one a transaction, and a thousand a transaction: what storing alone would take;
//! - the very commits that the functions made of the signals: what the store takes of the end-to-end time.
//!
//! The rates tell of this machine; the ratios travel.

use async_trait::async_trait;
use contract::ingest::{SignalsAnswer, SignalsRequest};
use contract::signal::SignalBody;
use domain::day::Day;
use local::bus::nobody;
use local::client::{Ask, Client};
use local::clock::StandingClock;
use local::command::TEMPLATE;
use local::faults::Faults;
use local::functions;
use local::host::{Host, Parts};
use local::play;
use local::sample::{DEFAULT_SEED, Portfolio, START};
use local::wiring::Wiring;
use platform::metrics::Nowhere;
use platform::table::embedded::{Durability, EmbeddedTable};
use platform::table::{Item, Key, Page, Range, Table, TableError, Write};
use redb::{Database, TableDefinition};
use std::collections::{BTreeMap, VecDeque};
use std::error::Error;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Days of the sample that are played before anything is measured.
const PAST_DAYS: i32 = 30;
/// Days whose signals are sent while it is measured.
const MEASURED_DAYS: i32 = 30;
/// How often everything is measured, in turn.
const ROUNDS: usize = 7;
/// Signals of a round that go in requests of [`REQUEST`].
const TOGETHER: usize = 1_000;
/// Signals of a round that go in requests of their own.
const ALONE: usize = 100;
/// The most signals of a request that the API takes.
const REQUEST: usize = contract::ingest::MAX_RECORDS;
/// The large transaction of the bare loop.
const LARGE: usize = 1_000;

type Problem = Box<dyn Error>;

fn main() -> Result<(), Problem> {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let mut stages = [Stage::new("in memory", None)?, Stage::new("durable", Some(folder.path()))?];
    for _ in 0..ROUNDS {
        for stage in &mut stages {
            stage.round()?;
        }
    }
    for stage in &stages {
        stage.print();
    }
    Ok(())
}

/// A host with a past, and the bare database that it is compared with, on the same kind of store.
struct Stage {
    name: &'static str,
    host: Host,
    client: Client,
    recorder: Arc<Recorder>,
    signals: VecDeque<SignalBody>,
    bare: Database,
    requests: u64,
    results: BTreeMap<What, Vec<Measured>>,
}

/// What is measured, in the order of the table that is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum What {
    BareAlone,
    BareLarge,
    Together,
    TogetherCommits,
    Alone,
    AloneCommits,
}

#[derive(Debug, Clone, Copy)]
struct Measured {
    signals: usize,
    commits: usize,
    bytes: usize,
    took: Duration,
}

impl Stage {
    fn new(name: &'static str, folder: Option<&Path>) -> Result<Self, Problem> {
        let clock = Arc::new(StandingClock::new(START.start()));
        let (table, bare) = match folder {
            None => (
                EmbeddedTable::memory(clock.clone())?,
                Database::builder().create_with_backend(redb::backends::InMemoryBackend::new())?,
            ),
            Some(folder) => (
                EmbeddedTable::open(&folder.join("functions.redb"), clock.clone())?,
                Database::create(folder.join("bare.redb"))?,
            ),
        };
        let table = Arc::new(table);
        let recorder = Arc::new(Recorder { table: table.clone(), commits: Mutex::default() });
        let parts = Parts {
            wiring: Wiring::read(TEMPLATE, &BTreeMap::new())?.no_faster_than(900),
            table: recorder.clone(),
            clock: clock.clone(),
            faults: Faults::none(),
            metrics: Arc::new(Nowhere),
            witness: nobody(),
        };
        let (mut host, client) = (Host::new(parts, functions::build)?, play::client(clock)?);
        let portfolio = Portfolio::generate(DEFAULT_SEED);
        table.set_durability(Durability::OnFlush);
        for day in 0..PAST_DAYS {
            play::day(&mut host, &client, &portfolio, DEFAULT_SEED, START.plus(day))?;
        }
        host.advance(START.plus(PAST_DAYS + MEASURED_DAYS).start());
        table.flush()?;
        table.set_durability(Durability::EachCommit);
        recorder.take();
        let days = (PAST_DAYS..PAST_DAYS + MEASURED_DAYS).map(|day: i32| -> Day { START.plus(day) });
        let signals = days.flat_map(|day| portfolio.signals_of(day)).collect();
        Ok(Self { name, host, client, recorder, signals, bare, requests: 0, results: BTreeMap::new() })
    }

    /// Everything once, on the next signals of the sample.
    fn round(&mut self) -> Result<(), Problem> {
        self.end_to_end(TOGETHER, REQUEST, What::Together, What::TogetherCommits)?;
        self.end_to_end(ALONE, 1, What::Alone, What::AloneCommits)
    }

    /// Sends signals and waits until nothing more follows from them; then stores the same in a bare loop.
    fn end_to_end(&mut self, count: usize, request: usize, what: What, commits: What) -> Result<(), Problem> {
        if self.signals.len() < count {
            return Err("the sample has too few signals for so many rounds".into());
        }
        let signals: Vec<SignalBody> = self.signals.drain(..count).collect();
        let began = now();
        for signals in signals.chunks(request) {
            self.send(signals)?;
        }
        let took = now().duration_since(began);
        let made = self.recorder.take();
        let bytes = made.iter().flatten().map(size).sum();
        self.keep(what, Measured { signals: count, commits: made.len(), bytes, took });
        self.replay(commits, count, &made)?;
        if what == What::Together {
            self.store(What::BareLarge, &signals, LARGE)?;
        } else {
            self.store(What::BareAlone, &signals, 1)?;
        }
        Ok(())
    }

    fn send(&mut self, signals: &[SignalBody]) -> Result<(), Problem> {
        self.requests += 1;
        let id = format!("bench-{}", self.requests);
        let ask = Ask { function: "ingest", method: "POST", route: "/signals", parameters: &[], id: &id };
        let answer: SignalsAnswer =
            self.client.expect(&self.host, &ask, &SignalsRequest { signals: signals.to_vec() })?;
        if let Some(refused) = answer.results.iter().find(|result| !result.errors.is_empty()) {
            return Err(format!("a signal was refused: {:?}", refused.errors).into());
        }
        self.host.pump();
        if self.host.queues().dead_letters().is_empty() { Ok(()) } else { Err("a message was not handled".into()) }
    }

    /// The signals' JSON in the bare database, so many in a transaction.
    fn store(&mut self, what: What, signals: &[SignalBody], together: usize) -> Result<(), Problem> {
        let mut rows = Vec::with_capacity(signals.len());
        for (place, signal) in signals.iter().enumerate() {
            let key = format!("{}#{}#{}#{place}", signal.account, signal.source, signal.id);
            rows.push((key, serde_json::to_vec(signal)?));
        }
        let began = now();
        for rows in rows.chunks(together) {
            let transaction = self.bare.begin_write()?;
            {
                let mut table = transaction.open_table(SIGNALS)?;
                for (key, body) in rows {
                    table.insert(key.as_str(), body.as_slice())?;
                }
            }
            transaction.commit()?;
        }
        let took = now().duration_since(began);
        let bytes = rows.iter().map(|(key, body)| key.len() + body.len()).sum();
        let commits = rows.chunks(together).count();
        self.keep(what, Measured { signals: signals.len(), commits, bytes, took });
        Ok(())
    }

    /// The functions' commits in the bare database: the same keys and bytes in the same transactions, unconditionally.
    fn replay(&mut self, what: What, signals: usize, commits: &[Vec<Write>]) -> Result<(), Problem> {
        let began = now();
        for writes in commits {
            let transaction = self.bare.begin_write()?;
            {
                let mut table = transaction.open_table(ITEMS)?;
                for write in writes {
                    let key = (write.key().pk.as_str(), write.key().sk.as_str());
                    match write {
                        Write::Put { body, .. } => drop(table.insert(key, body.as_ref())?),
                        Write::Delete { .. } => drop(table.remove(key)?),
                        Write::Check { .. } => {}
                    }
                }
            }
            transaction.commit()?;
        }
        let took = now().duration_since(began);
        let bytes = commits.iter().flatten().map(size).sum();
        self.keep(what, Measured { signals, commits: commits.len(), bytes, took });
        Ok(())
    }

    fn keep(&mut self, what: What, measured: Measured) {
        self.results.entry(what).or_default().push(measured);
    }

    fn print(&self) {
        println!("\n{}", self.name);
        println!(
            "{:<52} {:>10} {:>12} {:>12} {:>8} {:>8}",
            "", "signals/s", "commits/sig.", "bytes/sig.", "x alone", "x 1,000"
        );
        for (what, rounds) in &self.results {
            let sum = |part: fn(&Measured) -> usize| rounds.iter().map(part).sum::<usize>() as f64;
            let signals = sum(|round| round.signals);
            println!(
                "{:<52} {:>10.0} {:>12.2} {:>12.0} {:>8.3} {:>8.3}",
                what.name(),
                median(rounds.iter().map(Measured::rate).collect()),
                sum(|round| round.commits) / signals,
                sum(|round| round.bytes) / signals,
                self.ratio(*what, What::BareAlone),
                self.ratio(*what, What::BareLarge),
            );
        }
    }

    /// The median of the ratios round by round.
    fn ratio(&self, what: What, unit: What) -> f64 {
        let (Some(what), Some(unit)) = (self.results.get(&what), self.results.get(&unit)) else { return f64::NAN };
        median(what.iter().zip(unit).map(|(what, unit)| what.rate() / unit.rate()).collect())
    }
}

impl What {
    const fn name(self) -> &'static str {
        match self {
            Self::BareAlone => "bare redb: the signals, one a transaction",
            Self::BareLarge => "bare redb: the signals, 1,000 a transaction",
            Self::Together => "through the five functions, 500 a request",
            Self::TogetherCommits => "bare redb: the commits of these",
            Self::Alone => "through the five functions, one a request",
            Self::AloneCommits => "bare redb: the commits of these",
        }
    }
}

impl Measured {
    fn rate(&self) -> f64 {
        self.signals as f64 / self.took.as_secs_f64()
    }
}

const SIGNALS: TableDefinition<'static, &str, &[u8]> = TableDefinition::new("signals");
const ITEMS: TableDefinition<'static, (&str, &str), &[u8]> = TableDefinition::new("items");

/// The table, with what was committed to it.
struct Recorder {
    table: Arc<EmbeddedTable>,
    commits: Mutex<Vec<Vec<Write>>>,
}

impl Recorder {
    fn take(&self) -> Vec<Vec<Write>> {
        std::mem::take(&mut self.commits.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[async_trait]
impl Table for Recorder {
    async fn get(&self, key: &Key) -> Result<Option<Item>, TableError> {
        self.table.get(key).await
    }

    async fn query(&self, range: &Range) -> Result<Page, TableError> {
        self.table.query(range).await
    }

    async fn commit(&self, writes: Vec<Write>) -> Result<(), TableError> {
        let kept = writes.clone();
        self.table.commit(writes).await?;
        self.commits.lock().unwrap_or_else(PoisonError::into_inner).push(kept);
        Ok(())
    }
}

fn size(write: &Write) -> usize {
    let key = write.key().pk.len() + write.key().sk.len();
    if let Write::Put { body, .. } = write { key + body.len() } else { 0 }
}

fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers.get(numbers.len() / 2).copied().unwrap_or(f64::NAN)
}

#[expect(clippy::disallowed_methods, reason = "how long something takes is told by the machine's clock")]
fn now() -> Instant {
    Instant::now()
}

//! What a month costs for a million accounts: `cargo bench -p local --bench cost`.
//!
//! Sixty accounts of the sample with a month behind them; then one month more, hour by hour with every schedule, and
//! everything counted that AWS charges for: calls of functions, read and write units of the table as DynamoDB measures
//! them, events, calls of queues, requests of the API. Times the price list that is built in. What the sample cannot count
//! is said with its assumption: how long a call takes, how many bytes it logs, how many messages come in one batch.

use async_trait::async_trait;
use contract::event::Event;
use domain::day::SECONDS;
use domain::running_cost::{Meter, Usage, per_million_accounts};
use local::bus::Witness;
use local::clock::StandingClock;
use local::command::TEMPLATE;
use local::faults::Faults;
use local::functions;
use local::host::{Host, Parts};
use local::play;
use local::sample::{DEFAULT_SEED, Portfolio, START};
use local::wiring::Wiring;
use platform::metrics::{Kept, Metric};
use platform::table::embedded::{Durability, EmbeddedTable};
use platform::table::{Item, Key, Page, Range, Table, TableError, Write};
use std::collections::BTreeMap;
use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Days of the sample that are played before anything is counted.
const PAST_DAYS: i32 = 30;
/// Days that are counted: a month.
const COUNTED_DAYS: i32 = 30;
/// A call takes so many thousandths of a second, with half a gigabyte: an assumption, as in `infra/README.md`.
const CALL_MILLISECONDS: u64 = 100;
const CALL_MEGABYTES: u64 = 512;
/// A call logs so many bytes: an assumption, as in `infra/README.md`.
const CALL_LOG_BYTES: u64 = 2_000;
/// Queue calls of a message: sent by the bus or a function, received and deleted, each message in a batch of its own.
const QUEUE_CALLS: u64 = 3;

fn main() -> Result<(), Box<dyn Error>> {
    let clock = Arc::new(StandingClock::new(START.start()));
    let table = Arc::new(EmbeddedTable::memory(clock.clone())?);
    table.set_durability(Durability::OnFlush);
    let metered = Arc::new(Metered { table, reads: AtomicU64::new(0), writes: AtomicU64::new(0) });
    let (kept, events) = (Arc::new(Kept::default()), Arc::new(AtomicU64::new(0)));
    let wiring = Wiring::read(TEMPLATE, &BTreeMap::new())?;
    let calls_by_schedules: u64 = wiring
        .schedules
        .iter()
        .map(|schedule| u64::from(COUNTED_DAYS.unsigned_abs()) * SECONDS.unsigned_abs() / schedule.every_seconds)
        .sum();
    let told = events.clone();
    let witness: Witness = Arc::new(move |_: &Event| {
        told.fetch_add(1, Ordering::Relaxed);
    });
    // The clock of escalate calls every minute; whatever the portfolio, that is counted and not played.
    let parts = Parts {
        wiring: wiring.no_faster_than(3_600),
        table: metered.clone(),
        clock: clock.clone(),
        faults: Faults::none(),
        metrics: kept.clone(),
        witness,
    };
    let (mut host, client) = (Host::new(parts, functions::build)?, play::client(clock)?);
    let portfolio = Portfolio::generate(DEFAULT_SEED);
    let mut play = |days: std::ops::Range<i32>| -> Result<u64, Box<dyn Error>> {
        let mut records = 0;
        for day in days {
            records += play::day(&mut host, &client, &portfolio, DEFAULT_SEED, START.plus(day))?;
        }
        Ok(records)
    };
    play(0..PAST_DAYS)?;
    let before = Counts::of(&metered, &kept, &events);
    let records = play(PAST_DAYS..PAST_DAYS + COUNTED_DAYS)?;
    let counted = Counts::of(&metered, &kept, &events).since(&before);
    print(records, calls_by_schedules, &counted, portfolio.accounts.len() as u64)
}

fn print(records: u64, by_schedules: u64, counted: &Counts, accounts: u64) -> Result<(), Box<dyn Error>> {
    // A request of a feed holds five hundred records at most; the sample's come by the day.
    let requests = records.div_ceil(500).max(COUNTED_DAYS.unsigned_abs().into());
    let calls = counted.messages + requests;
    let usage = Usage {
        accounts,
        counted: BTreeMap::from([
            (Meter::FunctionCalls, calls),
            (Meter::FunctionGigabyteMilliseconds, calls * CALL_MILLISECONDS * CALL_MEGABYTES / 1_024),
            (Meter::TableReads, counted.reads),
            (Meter::TableWrites, counted.writes),
            (Meter::BusEvents, counted.events),
            (Meter::QueueCalls, counted.messages * QUEUE_CALLS),
            (Meter::ApiRequests, requests),
            (Meter::LogMegabytes, calls * CALL_LOG_BYTES / 1_000_000),
        ]),
    };
    let prices = contract::prices::built_in().map_err(|faults| format!("{faults:?}"))?;
    let cost = per_million_accounts(&usage, &prices).ok_or("the sample has no accounts")?;
    println!("{} of {}: {accounts} accounts, {records} records in {COUNTED_DAYS} days", prices.name, prices.read_on);
    println!("{:<36} {:>14} {:>16} {:>20}", "", "counted", "for an account", "$ for a million");
    for (meter, count) in &usage.counted {
        let dollars = cost.cents.get(meter).copied().unwrap_or_default() as f64 / 100.0;
        let each = *count as f64 / accounts as f64;
        println!("{:<36} {count:>14} {each:>16.1} {dollars:>20.2}", format!("{meter:?}"));
    }
    println!("{:<36} {:>14} {:>16} {:>20.2}", "a month", "", "", cost.total_cents as f64 / 100.0);
    println!("and {by_schedules} calls by schedules, whatever the portfolio");
    Ok(())
}

/// What was counted.
#[derive(Debug, Clone, Copy)]
struct Counts {
    reads: u64,
    writes: u64,
    messages: u64,
    events: u64,
}

impl Counts {
    fn of(table: &Metered, metrics: &Kept, events: &AtomicU64) -> Self {
        Self {
            reads: table.reads.load(Ordering::Relaxed),
            writes: table.writes.load(Ordering::Relaxed),
            messages: metrics.total(Metric::MessagesHandled),
            events: events.load(Ordering::Relaxed),
        }
    }

    const fn since(&self, before: &Self) -> Self {
        Self {
            reads: self.reads - before.reads,
            writes: self.writes - before.writes,
            messages: self.messages - before.messages,
            events: self.events - before.events,
        }
    }
}

/// The table, counting the units that DynamoDB would charge: a strongly consistent read for every 4 KiB of an item or of a
/// page, a write for every KiB of an item, twice that in a transaction.
struct Metered {
    table: Arc<EmbeddedTable>,
    reads: AtomicU64,
    writes: AtomicU64,
}

impl Metered {
    fn read(&self, bytes: usize) {
        self.reads.fetch_add(bytes.div_ceil(4_096).max(1) as u64, Ordering::Relaxed);
    }
}

fn size(item: &Item) -> usize {
    item.key.pk.len() + item.key.sk.len() + item.body.len() + 32
}

#[async_trait]
impl Table for Metered {
    async fn get(&self, key: &Key) -> Result<Option<Item>, TableError> {
        let found = self.table.get(key).await?;
        self.read(found.as_ref().map_or(0, size));
        Ok(found)
    }

    async fn query(&self, range: &Range) -> Result<Page, TableError> {
        let page = self.table.query(range).await?;
        self.read(page.items.iter().map(size).sum());
        Ok(page)
    }

    async fn commit(&self, writes: Vec<Write>) -> Result<(), TableError> {
        let units = |write: &Write| match write {
            Write::Put { key, body, .. } => (key.pk.len() + key.sk.len() + body.len() + 32).div_ceil(1_024) as u64,
            Write::Delete { .. } | Write::Check { .. } => 1,
        };
        let factor = if writes.len() > 1 { 2 } else { 1 };
        self.writes.fetch_add(writes.iter().map(units).sum::<u64>() * factor, Ordering::Relaxed);
        self.table.commit(writes).await
    }
}

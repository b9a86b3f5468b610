//! What a scheduled scoring run costs: `cargo bench -p local --bench run -- [accounts]`, by default with 10,000 and
//! 100,000 accounts.
//!
//! For each size a process of its own fills a table in a file with accounts that have a month of signals behind them,
//! laid down as ingest leaves them; another one opens the file and lets the host fire two runs: in the first every account
//! is scored for the first time, in the second, a minute later, nothing has changed; then the portfolio is scored by
//! another scorecard beside the one that holds, in a dry run over four weeks, and the built-in rules are replayed over them.
//! The functions, their sweep, the queue and the bus are the real ones; nobody listens to the events, so only what is named
//! is measured. What is on the disk at the end of a run is part of its time, and the peak of memory is each run's own.
//!
//! Rates tell of this machine and of what else it does; the ratio of the processor time for one account between two sizes
//! travels.

use async_trait::async_trait;
use bytes::Bytes;
use contract::backtest::RulesDryRunRequest;
use contract::comparison::DryRunRequest;
use contract::message::cause_id;
use domain::account::{Account, LifecycleStage, Money, Segment};
use domain::day::Day;
use domain::fixed::{Points, Quantity};
use domain::id::{AccountId, PersonId, SignalId, SourceId, TenantId};
use domain::page::Page as DayPage;
use domain::record::AccountRecord;
use domain::signal::{Detail, Kind, Metric, Signal};
use jiff::{SignedDuration, Timestamp};
use local::bus::nobody;
use local::client::Client;
use local::clock::StandingClock;
use local::command::TEMPLATE;
use local::faults::Faults;
use local::functions;
use local::host::{Host, Parts};
use local::wiring::Wiring;
use platform::clock::Clock;
use platform::keys;
use platform::metrics::Nowhere;
use platform::table::embedded::{Durability, EmbeddedTable};
use platform::table::{self, Expect, Item, Key, MAX_WRITES, Page, Range, Table, TableError, Write};
use serde_json::json;
use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// The sizes that are compared unless one is named.
const SIZES: [u64; 2] = [10_000, 100_000];
/// Days of signals behind each account.
const DAYS: i32 = 30;
/// The accounts are the same whenever this is.
const SEED: u64 = 1;
/// Out of so many values one is missing.
const MISSING: u64 = 7;
/// The daily measures, each with the range of an account's own level.
const DAILY: [(Metric, i32, i32); 14] = [
    (Metric::ActiveUsers, 5, 900),
    (Metric::Logins, 20, 4_000),
    (Metric::FeatureUses, 50, 20_000),
    (Metric::FeatureAdoption, 20, 100),
    (Metric::TrainingCompletion, 40, 100),
    (Metric::Uptime, 96, 100),
    (Metric::MigrationSuccess, 85, 100),
    (Metric::ErrorRate, 0, 3),
    (Metric::ResponseTime, 30, 300),
    (Metric::Throughput, 60, 200),
    (Metric::Csat, 50, 100),
    (Metric::CostSaving, 10, 90),
    (Metric::EffortReduction, 10, 95),
    (Metric::AuditCompleteness, 80, 100),
];

type Problem = Box<dyn Error>;

fn main() -> Result<(), Problem> {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["fill", file, accounts] => fill(Path::new(file), accounts.parse()?),
        ["run", file, accounts] => run(Path::new(file), accounts.parse()?),
        [] => compare(&SIZES),
        [accounts] => compare(&[accounts.parse()?]),
        _ => Err("give one number of accounts, or none".into()),
    }
}

/// Measures each size in processes of its own, and prints what they say.
fn compare(sizes: &[u64]) -> Result<(), Problem> {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let mut costs: Vec<(u64, Vec<f64>)> = Vec::new();
    println!(
        "{:>9} {:<18} {:>10} {:>10} {:>10} {:>9} {:>10} {:>9} {:>11} {:>10}",
        "accounts",
        "run",
        "accounts/s",
        "us/account",
        "cpu us/a.",
        "reads/a.",
        "commits/a.",
        "bytes/a.",
        "run's calls",
        "peak RSS"
    );
    for accounts in sizes {
        let file = folder.path().join(format!("{accounts}.redb"));
        child("fill", &file, *accounts)?;
        let lines = child("run", &file, *accounts)?;
        let mut micros = Vec::new();
        for line in lines.lines() {
            let (cost, text) = line.split_once('\t').ok_or("a line without its cost")?;
            micros.push(cost.parse()?);
            println!("{text}");
        }
        costs.push((*accounts, micros));
        std::fs::remove_file(file)?;
    }
    for pair in costs.windows(2) {
        let [(few, small), (many, large)] = pair else { continue };
        for (name, (small, large)) in ["first", "second", "dry", "rules' dry"].iter().zip(small.iter().zip(large)) {
            println!("processor time for one account, {many} : {few} accounts, {name} run: {:.2}", large / small);
        }
    }
    Ok(())
}

fn child(what: &str, file: &Path, accounts: u64) -> Result<String, Problem> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg(what).arg(file).arg(accounts.to_string()).stderr(Stdio::inherit());
    let output = command.output()?;
    if output.status.success() { Ok(String::from_utf8(output.stdout)?) } else { Err(format!("`{what}` failed").into()) }
}

fn noon() -> Result<Timestamp, Problem> {
    Ok("2026-03-02T12:00:00Z".parse()?)
}

fn tenant() -> Result<TenantId, Problem> {
    Ok(TenantId::new("bench")?)
}

/// Lays down accounts as ingest leaves them: description, series, and the place in the portfolio.
fn fill(file: &Path, accounts: u64) -> Result<(), Problem> {
    let table = EmbeddedTable::open(file, Arc::new(StandingClock::new(noon()?)))?;
    table.set_durability(Durability::OnFlush);
    let mut writes = vec![put(keys::tenant_entry(&tenant()?), table::body(&json!({}))?)];
    for number in 0..accounts {
        writes.extend(account(number)?);
        if writes.len() + 3 > MAX_WRITES || number + 1 == accounts {
            at_once(table.commit(std::mem::take(&mut writes)))?;
        }
        tell("filled", number + 1, accounts);
    }
    Ok(table.flush()?)
}

fn account(number: u64) -> Result<[Write; 3], Problem> {
    let tenant = tenant()?;
    let id = AccountId::new(format!("account-{number:07}"))?;
    let mut dice = Dice(SEED.wrapping_mul(0x9e37_79b9).wrapping_add(number));
    let account = Account {
        id: id.clone(),
        name: format!("Account {number}"),
        arr: Money::from_cents(i64::try_from(dice.below(50_000_000))?),
        segment: Segment::Enterprise,
        stage: LifecycleStage::Steady,
        renewal_on: None,
        owner: None,
        contact: Default::default(),
    };
    let record = record(&mut dice)?;
    // As many handled messages as there were days.
    let handled: Vec<_> = (0..DAYS).map(|day| cause_id(&format!("{number}-{day}"))).collect();
    Ok([
        put(keys::profile(&tenant, &id), table::body(&json!({ "state": account, "handled": [handled.first()] }))?),
        put(keys::series(&tenant, &id), table::body(&json!({ "state": record, "handled": handled }))?),
        put(keys::shard_entry(&tenant, &id), table::body(&json!({}))?),
    ])
}

fn record(dice: &mut Dice) -> Result<AccountRecord, Problem> {
    let today = Day::of(noon()?);
    let levels: Vec<_> =
        DAILY.iter().map(|(metric, low, high)| (*metric, *low, *high, dice.between(*low, *high))).collect();
    let mut record = AccountRecord::default();
    for back in (0..DAYS).rev() {
        let day = today.plus(-back);
        let mut page = DayPage::new(day);
        let mut signals = Vec::new();
        for (metric, low, high, level) in &levels {
            if dice.below(MISSING) == 0 {
                continue;
            }
            let swing = (high - low) / 10;
            signals.push(Signal {
                at: day.start(),
                source: SourceId::new(if metric.kind() == Kind::Usage { "telemetry" } else { "monitoring" })?,
                id: SignalId::new(metric.name())?,
                metric: *metric,
                value: Quantity::whole((level + dice.between(-swing, swing)).clamp(*low, *high)),
                detail: Detail::None,
            });
        }
        page.merge(signals);
        record.series.set(day, page.fold());
    }
    Ok(record)
}

fn put(key: Key, body: Bytes) -> Write {
    Write::Put { key, expect: Expect::Absent, body, expires_at: None }
}

/// Fires two runs, and prints a line for each with what it cost.
fn run(file: &Path, accounts: u64) -> Result<(), Problem> {
    let clock = Arc::new(StandingClock::new(noon()?));
    let store = Arc::new(EmbeddedTable::open(file, clock.clone())?);
    store.set_durability(Durability::OnFlush);
    let table = Arc::new(Counting { table: store.clone(), counts: Counts::default(), accounts });
    let every_minute = BTreeMap::from([("ScoreSchedule".to_owned(), "rate(1 minute)".to_owned())]);
    let mut wiring = Wiring::read(TEMPLATE, &every_minute)?;
    wiring.rules.clear();
    wiring.schedules.retain(|schedule| schedule.tick == "score_run");
    let parts = Parts {
        wiring,
        table: table.clone(),
        clock: clock.clone(),
        faults: Faults::none(),
        metrics: Arc::new(Nowhere),
        witness: nobody(),
    };
    let mut host = Host::new(parts, functions::build)?;
    eprintln!("{accounts} accounts: {} MiB when opened", memory("VmRSS")? / 1024);
    for name in ["first: all changed", "second: none did"] {
        let (began, worked) = begin()?;
        host.advance(clock.now() + SignedDuration::from_mins(1));
        store.flush()?;
        let took = Took::since(began, worked)?;
        if host.queues().waiting() + host.queues().dead_letters().len() > 0 {
            return Err("a message was not handled".into());
        }
        println!("{}", line(name, accounts, &took, &table.counts.take())?);
    }
    let (began, worked) = begin()?;
    let visited = try_another(&mut host, clock.clone(), accounts)?;
    store.flush()?;
    println!("{}", line("dry run: 2 x 5", accounts, &Took::since(began, worked)?, &table.counts.take())?);
    if visited != accounts {
        return Err(format!("{visited} of {accounts} accounts were compared").into());
    }
    let (began, worked) = begin()?;
    let visited = try_other_rules(&mut host, clock, accounts)?;
    store.flush()?;
    println!("{}", line("rules: 2 x 5 days", accounts, &Took::since(began, worked)?, &table.counts.take())?);
    if visited != accounts {
        return Err(format!("{visited} of {accounts} accounts were looked at").into());
    }
    let scored = table.counts.scored.load(Ordering::Relaxed);
    if scored == accounts { Ok(()) } else { Err(format!("{scored} of {accounts} accounts were scored").into()) }
}

/// Compares the built-in scorecard with one of other edges, over the portfolio and four weeks.
fn try_another(host: &mut Host, clock: Arc<StandingClock>, accounts: u64) -> Result<u64, Problem> {
    let faults = |faults: Vec<_>| format!("{faults:?}");
    let mut candidate = contract::scorecard::file(contract::scorecard::DEFAULT).map_err(faults)?;
    candidate.version = "candidate".to_owned();
    candidate.bands.at_risk = Points::whole(72);
    let request = DryRunRequest { days: 28, ..DryRunRequest::of(candidate) };
    let client = Client::new(tenant()?, PersonId::new("bench")?, clock)?;
    let mut told = 0;
    let answer = local::dry_run::scorecard(host, &client, "dry-run", &request, |visited| {
        if visited * 20 / accounts > told {
            told = visited * 20 / accounts;
            eprintln!("compared {visited} of {accounts} accounts");
        }
    })?;
    Ok(answer.found.accounts)
}

/// Compares the built-in rules with themselves but for a name, over the portfolio, now and at five days of four weeks.
fn try_other_rules(host: &mut Host, clock: Arc<StandingClock>, accounts: u64) -> Result<u64, Problem> {
    let mut candidate = contract::rules::file(contract::rules::DEFAULT).map_err(|faults| format!("{faults:?}"))?;
    candidate.name = "candidate".to_owned();
    let request = RulesDryRunRequest { days: 28, step_days: 7, ..RulesDryRunRequest::of(candidate) };
    let client = Client::new(tenant()?, PersonId::new("bench")?, clock)?;
    let mut told = 0;
    let answer = local::dry_run::rules(host, &client, "rules-dry-run", &request, |visited| {
        if visited * 20 / accounts > told {
            told = visited * 20 / accounts;
            eprintln!("tried on {visited} of {accounts} accounts");
        }
    })?;
    Ok(answer.found.accounts)
}

/// The clocks at the beginning of a measurement, whose peak of memory is its own.
fn begin() -> Result<(Instant, Duration), Problem> {
    // Linux begins the peak anew from what is in memory now.
    std::fs::write("/proc/self/clear_refs", "5")?;
    Ok((now(), processor_time()?))
}

struct Took {
    wall: Duration,
    processor: Duration,
}

impl Took {
    fn since(began: Instant, worked: Duration) -> Result<Self, Problem> {
        Ok(Self { wall: now().duration_since(began), processor: processor_time()?.saturating_sub(worked) })
    }
}

fn line(name: &str, accounts: u64, took: &Took, counted: &Counted) -> Result<String, Problem> {
    let each = |count: u64| count as f64 / accounts as f64;
    let micros = |took: Duration| took.as_secs_f64() * 1e6 / accounts as f64;
    let processor = micros(took.processor);
    Ok(format!(
        "{processor}\t{accounts:>9} {name:<18} {:>10.0} {:>10.1} {processor:>10.1} {:>9.3} {:>10.3} {:>9.0} {:>11} {:>6} MiB",
        accounts as f64 / took.wall.as_secs_f64(),
        micros(took.wall),
        each(counted.reads),
        each(counted.commits),
        each(counted.bytes),
        counted.of_runs,
        memory("VmHWM")? / 1024,
    ))
}

/// How long this process has worked, in the program and in the kernel for it.
fn processor_time() -> Result<Duration, Problem> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let (_, behind_name) = stat.rsplit_once(')').ok_or("the kernel does not say")?;
    let ticks = behind_name.split_whitespace().skip(11).take(2).map(str::parse::<u64>).sum::<Result<u64, _>>()?;
    // Linux tells of hundredths of a second, whatever its own clock.
    Ok(Duration::from_millis(10 * ticks))
}

/// What the kernel says of this process, in KiB.
fn memory(name: &str) -> Result<u64, Problem> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    Ok(line.and_then(|line| line.split_whitespace().next()).ok_or("the kernel does not say")?.parse()?)
}

/// The table, counting what it is asked.
struct Counting {
    table: Arc<EmbeddedTable>,
    counts: Counts,
    accounts: u64,
}

#[derive(Default)]
struct Counts {
    reads: AtomicU64,
    commits: AtomicU64,
    bytes: AtomicU64,
    /// Calls for the run itself: its shards, its progress, its lock.
    of_runs: AtomicU64,
    /// Entries of the score history.
    scored: AtomicU64,
}

struct Counted {
    reads: u64,
    commits: u64,
    bytes: u64,
    of_runs: u64,
}

impl Counts {
    fn take(&self) -> Counted {
        let take = |count: &AtomicU64| count.swap(0, Ordering::Relaxed);
        Counted {
            reads: take(&self.reads),
            commits: take(&self.commits),
            bytes: take(&self.bytes),
            of_runs: take(&self.of_runs),
        }
    }
}

impl Counting {
    fn read(&self, pk: &str) {
        if is_account(pk) {
            let done = self.counts.reads.fetch_add(1, Ordering::Relaxed) + 1;
            tell("looked at", done, self.accounts);
        } else {
            self.counts.of_runs.fetch_add(1, Ordering::Relaxed);
        }
    }
}

fn is_account(pk: &str) -> bool {
    pk.contains("#A#")
}

#[async_trait]
impl Table for Counting {
    async fn get(&self, key: &Key) -> Result<Option<Item>, TableError> {
        self.read(&key.pk);
        self.table.get(key).await
    }

    async fn query(&self, range: &Range) -> Result<Page, TableError> {
        self.read(&range.pk);
        self.table.query(range).await
    }

    async fn commit(&self, writes: Vec<Write>) -> Result<(), TableError> {
        if writes.iter().any(|write| is_account(&write.key().pk)) {
            self.counts.commits.fetch_add(1, Ordering::Relaxed);
            let bytes =
                writes.iter().map(|write| if let Write::Put { body, .. } = write { body.len() as u64 } else { 0 });
            self.counts.bytes.fetch_add(bytes.sum(), Ordering::Relaxed);
            let scored = writes.iter().filter(|write| write.key().sk.starts_with("score#")).count();
            self.counts.scored.fetch_add(scored as u64, Ordering::Relaxed);
        } else {
            self.counts.of_runs.fetch_add(1, Ordering::Relaxed);
        }
        self.table.commit(writes).await
    }
}

fn tell(what: &str, done: u64, of: u64) {
    if done.is_multiple_of((of / 20).max(1)) {
        eprintln!("{what} {done} of {of} accounts");
    }
}

/// SplitMix64, so that the accounts are the same on every machine.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit.max(1)
    }

    fn between(&mut self, low: i32, high: i32) -> i32 {
        low + i32::try_from(self.below(u64::try_from(high - low + 1).unwrap_or(1))).unwrap_or(0)
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

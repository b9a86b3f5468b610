//! Import: a table of facts goes in through the same door as everything else, with a verdict for every record.
//!
//! [`rows`] reads the file, [`mapper`] makes signals of its rows as a mapping says, [`door`] takes them in batches, and
//! [`journal`] keeps how far it came and what was refused. An import that was killed goes on where it stopped when it is
//! started again; what was sent twice counts once, because a record's id follows from the record.
//!
//! With [`Order::ByTime`] time passes as the data say: records are taken in the order of their time, and what is
//! scheduled on the way happens then.

pub mod door;
pub mod journal;
pub mod mapper;
pub mod rows;

#[cfg(test)]
mod tests;

use crate::wiring::Wiring;
use contract::ingest::{MAX_RECORDS, RecordResult, SignalsAnswer, Verdict};
use contract::problem::Fault;
use contract::signal::SignalBody;
use domain::day::Day;
use domain::id::{AccountId, TenantId};
use door::{Door, DoorError};
use indicatif::ProgressBar;
use jiff::{SignedDuration, Timestamp};
use journal::{Journal, JournalError, Position, Refusal};
use mapper::Mapper;
use platform::clock::Clock;
use rows::{Rows, RowsError};
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read as _;
use std::iter::Peekable;
use std::path::{Path, PathBuf};

/// The most records that are put in the order of their time.
pub const MAX_SORTED: usize = 1_000_000;
/// The most bytes of a batch, below what the door takes.
const MAX_BATCH_BYTES: usize = 900_000;
/// What a record has beyond its row, in bytes: the names of its fields.
const RECORD_BYTES: usize = 400;
/// Scoring runs this often while time passes as the data say, in seconds.
pub const WEEK_SECONDS: u64 = 7 * 86_400;

/// In which order records are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// As they stand in the file.
    AsWritten,
    /// By their time, and time passes with them.
    ByTime,
}

/// What is imported.
#[derive(Debug, Clone)]
pub struct Options {
    /// The file.
    pub file: PathBuf,
    /// The mapping.
    pub mapping: PathBuf,
    /// Whose facts these are.
    pub tenant: TenantId,
    /// The folder of the two files beside the import: its position and what was refused.
    pub output: PathBuf,
    /// In which order.
    pub order: Order,
}

impl Options {
    /// Where the refused records are written.
    pub fn refused(&self) -> PathBuf {
        self.output.join(format!("{}.refused.ndjson", name_of(&self.file)))
    }

    /// Where it is written how far the import has come.
    pub fn position(&self) -> PathBuf {
        self.output.join(format!("{}.position.json", name_of(&self.file)))
    }
}

fn name_of(file: &Path) -> String {
    file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// Why an import cannot begin or go on. What was done stays done; starting it again goes on behind it.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The mapping cannot be used.
    #[error("mapping `{}` cannot be used:{}", .path.display(), listed(.faults))]
    Mapping {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        faults: Vec<Fault>,
    },
    /// The file cannot be read.
    #[error(transparent)]
    Rows(#[from] RowsError),
    /// There are too many records to put them in order.
    #[error("has more than {MAX_SORTED} records; sort the file by time and split it, or import it as it is written")]
    TooMany,
    /// The files beside the import.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The door did not take a batch.
    #[error(transparent)]
    Door(#[from] DoorError),
}

/// Faults for people: each on its line, behind its path.
pub fn listed(faults: &[Fault]) -> String {
    let place = |fault: &Fault| if fault.path.is_empty() { String::new() } else { format!("{}: ", fault.path) };
    faults.iter().map(|fault| format!("\n  {}{}", place(fault), fault.reason)).collect()
}

/// What an import did, over all its starts, and how fast this start was.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    /// Records of the file.
    pub records: u64,
    /// Records that were accepted.
    pub accepted: u64,
    /// Records that stand twice in the file.
    pub duplicates: u64,
    /// Records that were refused.
    pub refused: u64,
    /// Records that an earlier start had done.
    pub resumed_behind: u64,
    /// Seconds that this start took.
    pub seconds: f64,
    /// Records of this start in each second.
    pub records_per_second: f64,
}

/// A record on its way.
struct Item {
    line: u64,
    original: String,
    signal: Result<SignalBody, Vec<Fault>>,
}

impl Item {
    fn at(&self) -> Option<Timestamp> {
        self.signal.as_ref().ok().map(|signal| signal.at)
    }
}

/// An import, ready to run.
pub struct Import {
    items: Peekable<Box<dyn Iterator<Item = Result<Item, ImportError>>>>,
    accounts: Mapper,
    journal: Journal,
    order: Order,
    rows: u64,
    first: Option<Timestamp>,
    /// Accounts that this import has met: each is described now, by this import or by somebody before.
    described: BTreeSet<AccountId>,
    /// Records that were sent, by their content.
    sent: BTreeSet<[u8; 16]>,
}

impl Import {
    /// Reads the mapping, opens the file, and goes behind what an earlier start has done.
    pub fn open(options: &Options) -> Result<Self, ImportError> {
        let text = std::fs::read_to_string(&options.mapping).map_err(|error| unreadable(&options.mapping, &error))?;
        let mapper = || mapper_of(&options.mapping, &text);
        let accounts = mapper()?;
        let (name, lines) = survey(options, &text)?;
        let rows = Rows::open(&options.file, accounts.file(), &accounts.columns())?;
        let items = items(rows, mapper()?, options.file.clone());
        let journal = Journal::open(&name, &options.position(), &options.refused())?;
        let done = usize::try_from(journal.position.done).unwrap_or(usize::MAX);
        let (items, first): (Box<dyn Iterator<Item = _>>, _) = match options.order {
            Order::AsWritten => (Box::new(items), None),
            Order::ByTime => {
                let sorted = by_time(items)?;
                // Records without a time come first and say nothing of when the data begin.
                let first = sorted.iter().skip(done).find_map(Item::at);
                (Box::new(sorted.into_iter().map(Ok)), first)
            }
        };
        let mut import = Self {
            items: items.peekable(),
            accounts,
            journal,
            order: options.order,
            rows: lines,
            first,
            described: BTreeSet::new(),
            sent: BTreeSet::new(),
        };
        import.skip_done()?;
        Ok(import)
    }

    /// Whether an earlier start did all of it: then there is nothing left to send.
    pub const fn is_complete(&self) -> bool {
        self.journal.position.complete
    }

    /// Whether an earlier start began it.
    pub const fn was_begun(&self) -> bool {
        self.journal.position.starts > 0
    }

    /// In the order of time: the time of the first record that is still to be done. A clock that shows a later moment is
    /// too late.
    pub const fn first_moment(&self) -> Option<Timestamp> {
        self.first
    }

    /// How many lines the file has, for a progress bar.
    pub const fn lines(&self) -> u64 {
        self.rows
    }

    /// Takes in what is left.
    pub fn run(mut self, door: &mut dyn Door, clock: &dyn Clock, bar: &ProgressBar) -> Result<Summary, ImportError> {
        let (started, resumed_behind) = (clock.now(), self.journal.position.done);
        if self.is_complete() {
            return Ok(self.summary(resumed_behind, 0.0));
        }
        self.journal.begin()?;
        bar.set_position(resumed_behind);
        let mut last = None;
        loop {
            let batch = self.next_batch()?;
            if batch.is_empty() {
                break;
            }
            if let Some(moment) = moment_of(&batch).filter(|_| self.order == Order::ByTime) {
                bar.set_message(format!("import, {}", Day::of(moment)));
                last = Some(moment);
            }
            self.take(door, &batch)?;
            bar.set_position(self.journal.position.done);
        }
        if let Some(last) = last {
            // One more week, so that the last records are scored too.
            door.pass_to(
                last.saturating_add(SignedDuration::from_secs(i64::try_from(WEEK_SECONDS).unwrap_or(0)))
                    .unwrap_or(last),
            );
            door.settle()?;
        }
        self.journal.position.complete = true;
        self.journal.save(0)?;
        Ok(self.summary(resumed_behind, clock.now().duration_since(started).as_secs_f64()))
    }

    #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
    fn summary(&self, resumed_behind: u64, seconds: f64) -> Summary {
        let position = &self.journal.position;
        Summary {
            records: position.done,
            accepted: position.accepted,
            duplicates: position.duplicates,
            refused: position.refused,
            resumed_behind,
            seconds,
            records_per_second: (position.done - resumed_behind) as f64 / seconds.max(0.001),
        }
    }

    /// Reads past what is done, and keeps what it needs to know of it.
    fn skip_done(&mut self) -> Result<(), ImportError> {
        for _ in 0..self.journal.position.done {
            let Some(item) = self.items.next() else { break };
            if let Ok(signal) = item?.signal {
                self.sent.insert(fingerprint(&signal));
                self.described.insert(signal.account);
            }
        }
        Ok(())
    }

    /// The next records: at most as many as the door takes, and of one day where time passes with them.
    fn next_batch(&mut self) -> Result<Vec<Item>, ImportError> {
        let mut batch: Vec<Item> = Vec::new();
        let mut bytes = 0;
        while let Some(next) = self.items.peek() {
            if let Ok(next) = next {
                bytes += next.original.len() + RECORD_BYTES;
                let other_day =
                    self.order == Order::ByTime && batch.first().is_some_and(|first| day_of(first) != day_of(next));
                if batch.len() == MAX_RECORDS || other_day || (!batch.is_empty() && bytes > MAX_BATCH_BYTES) {
                    break;
                }
            }
            let Some(item) = self.items.next() else { break };
            batch.push(item?);
        }
        Ok(batch)
    }

    /// Takes one batch in and makes that last.
    fn take(&mut self, door: &mut dyn Door, batch: &[Item]) -> Result<(), ImportError> {
        if let Some(moment) = moment_of(batch).filter(|_| self.order == Order::ByTime) {
            door.pass_to(moment);
        }
        let mut sent: Vec<&Item> = Vec::new();
        let mut signals: Vec<SignalBody> = Vec::new();
        for item in batch {
            match &item.signal {
                Err(errors) => self.refuse(item, errors.clone(), None)?,
                Ok(signal) if !self.sent.insert(fingerprint(signal)) => self.journal.position.duplicates += 1,
                Ok(signal) => {
                    self.describe(door, &signal.account)?;
                    sent.push(item);
                    signals.push(signal.clone());
                }
            }
        }
        if !signals.is_empty() {
            let key = self.key(&signals);
            let answer = door.post_signals(&key, &signals)?;
            self.hear(&sent, &answer)?;
        }
        door.settle()?;
        Ok(self.journal.save(u64::try_from(batch.len()).unwrap_or_default())?)
    }

    /// Names a batch by its content and place: sent again by a later start, it is the same request and has the same
    /// consequences to the byte.
    fn key(&self, signals: &[SignalBody]) -> String {
        let Position { import, done, .. } = &self.journal.position;
        format!("{import}-{done}-{}", hex(&fingerprint(&signals)))
    }

    /// Describes an account that nobody has described. What somebody has said of an account, the mapping does not
    /// know better.
    fn describe(&mut self, door: &mut dyn Door, account: &AccountId) -> Result<(), ImportError> {
        if let Some(body) = self.accounts.account(account).filter(|_| !self.described.contains(account)) {
            let key = format!("{}-{}", self.journal.position.import, hex(&fingerprint(&(account, &body))));
            door.put_new_account(&key, account, &body)?;
            self.described.insert(account.clone());
        }
        Ok(())
    }

    /// Every record gets its verdict; one without an answer counts as refused.
    fn hear(&mut self, sent: &[&Item], answer: &SignalsAnswer) -> Result<(), ImportError> {
        for (index, item) in sent.iter().enumerate() {
            match answer.results.iter().find(|result| result.index == index) {
                Some(RecordResult { verdict: Verdict::Accepted, .. }) => self.journal.position.accepted += 1,
                Some(RecordResult { verdict: Verdict::Duplicate, .. }) => self.journal.position.duplicates += 1,
                Some(RecordResult { quarantine_id, errors, .. }) => {
                    let id = quarantine_id.as_ref().map(ToString::to_string);
                    self.refuse(item, errors.iter().map(|fault| without_index(fault, index)).collect(), id)?;
                }
                None => self.refuse(item, vec![Fault::new("", "has no verdict in the answer")], None)?,
            }
        }
        Ok(())
    }

    fn refuse(&mut self, item: &Item, errors: Vec<Fault>, quarantine_id: Option<String>) -> Result<(), ImportError> {
        Ok(self.journal.refuse(&Refusal { line: item.line, errors, quarantine_id, original: item.original.clone() })?)
    }
}

/// The wiring of an import in which time passes as the data say: scoring and the rules once a week, and no clock of
/// minutes, for there is nobody to be told.
pub fn weekly(mut wiring: Wiring) -> Wiring {
    wiring.schedules.retain(|schedule| matches!(schedule.tick.as_str(), "score_run" | "rule_sweep"));
    for schedule in &mut wiring.schedules {
        schedule.every_seconds = WEEK_SECONDS;
    }
    wiring
}

fn mapper_of(path: &Path, text: &str) -> Result<Mapper, ImportError> {
    let refused = |faults| ImportError::Mapping { path: path.to_owned(), faults };
    let file = contract::mapping::read(text).map_err(refused)?;
    Mapper::new(file).map_err(refused)
}

fn unreadable(path: &Path, error: &std::io::Error) -> ImportError {
    RowsError::File { path: path.to_owned(), reason: error.to_string() }.into()
}

/// The import's name, which follows from the file's content, the mapping, the order and the tenant; and how many lines
/// there are.
fn survey(options: &Options, mapping: &str) -> Result<(String, u64), ImportError> {
    let Options { file: path, order, tenant, .. } = options;
    let mut file = File::open(path).map_err(|error| unreadable(path, &error))?;
    let mut hash = Sha256::new();
    hash.update(format!("{tenant}#{order:?}#{}#{mapping}#", mapping.len()));
    let (mut lines, mut buffer) = (0_u64, vec![0; 64 * 1024]);
    loop {
        let read = file.read(&mut buffer).map_err(|error| unreadable(path, &error))?;
        let Some(bytes) = buffer.get(..read).filter(|bytes| !bytes.is_empty()) else { break };
        hash.update(bytes);
        lines += bytes.iter().map(|byte| u64::from(*byte == b'\n')).sum::<u64>();
    }
    let hash: [u8; 32] = hash.finalize().into();
    Ok((format!("import-{}", hex(hash.split_at(12).0)), lines))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The records of the file, in its order.
fn items(mut rows: Rows, mut mapper: Mapper, path: PathBuf) -> impl Iterator<Item = Result<Item, ImportError>> {
    std::iter::from_fn(move || {
        let row = match rows.next_row()? {
            Ok(row) => row,
            Err(error) => return Some(Err(unreadable(&path, &error))),
        };
        let signal = match &row.values {
            Ok(values) => mapper.signal(values),
            Err(reason) => Err(vec![Fault::new("", reason.as_str())]),
        };
        Some(Ok(Item { line: row.line, original: row.original, signal }))
    })
}

/// The records by their time; those without one come first, then those of one moment in the order of the file.
fn by_time(items: impl Iterator<Item = Result<Item, ImportError>>) -> Result<Vec<Item>, ImportError> {
    let mut sorted = Vec::new();
    for item in items {
        if sorted.len() == MAX_SORTED {
            return Err(ImportError::TooMany);
        }
        sorted.push(item?);
    }
    sorted.sort_by_key(|item| (item.at(), item.line));
    Ok(sorted)
}

fn day_of(item: &Item) -> Option<Day> {
    item.at().map(Day::of)
}

/// The time of the latest record.
fn moment_of(batch: &[Item]) -> Option<Timestamp> {
    batch.iter().filter_map(Item::at).max()
}

/// What tells a record, or a batch, from every other one.
fn fingerprint(content: &impl Serialize) -> [u8; 16] {
    let hash: [u8; 32] = Sha256::digest(serde_json::to_vec(content).unwrap_or_default()).into();
    let mut short = [0; 16];
    short.copy_from_slice(hash.split_at(16).0);
    short
}

/// The place in the request means nothing to a reader of the refused records.
fn without_index(fault: &Fault, index: usize) -> Fault {
    let path = fault.path.strip_prefix(&format!("signals[{index}]")).unwrap_or(&fault.path);
    Fault::new(path.trim_start_matches('.'), fault.reason.as_str())
}

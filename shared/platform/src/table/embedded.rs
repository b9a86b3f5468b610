//! The table on redb, an ordered store in one file or in memory: the table of one machine.
//!
//! It keeps the port's promises: a commit is one write transaction, so all of its writes happen or none; two commits
//! never interleave; an expired item is absent, whether it was swept away yet or not. By default a commit is on the disk
//! when it returns; [`Durability::OnFlush`] leaves that to [`EmbeddedTable::flush`], for hosts and bulk loads, and
//! a crash then loses whole commits from the newest backwards, never parts of one.
//!
//! What waits for a flush waits in memory and goes to the store in key order, in one transaction: an item that was written
//! several times is stored once, and neighbours share the pages above them.
//!
//! Beside the items lie *notes*: what the host of this machine writes down for itself. No function sees them, and they
//! are not part of the state's export.

mod waiting;

use super::{Expect, Item, Key, MAX_PAGE, Page, Range, Table, TableError, Write, check_limits};
use crate::clock::Clock;
use async_trait::async_trait;
use bytes::Bytes;
use jiff::Timestamp;
use redb::{Database, ReadableDatabase as _, ReadableTable, TableDefinition};
use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use waiting::{Change, Waiting};

/// What lies at a key: version, expiry in epoch seconds, body.
type Row<'a> = (u64, Option<i64>, &'a [u8]);

const ITEMS: TableDefinition<'static, (&str, &str), Row<'static>> = TableDefinition::new("items");
const NOTES: TableDefinition<'static, &str, &[u8]> = TableDefinition::new("notes");

/// How much of the file is kept in memory: the inner pages of some hundred thousand accounts, and not the accounts.
const CACHE_BYTES: usize = 128 * 1024 * 1024;

/// The longest partition name, in bytes: DynamoDB's limit.
const MAX_PARTITION_BYTES: usize = 2048;
/// The longest place in a partition, in bytes: DynamoDB's limit.
const MAX_PLACE_BYTES: usize = 1024;

/// When a commit is on the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// When it returns.
    EachCommit,
    /// When the next [`EmbeddedTable::flush`] returns, or some thousand commits later.
    OnFlush,
}

/// Why a data file could not be opened. It was left as it was.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process holds it.
    #[error("data file `{}` is in use by another process; stop that one first, or name another data folder", .0.display())]
    InUse(PathBuf),
    /// It is damaged, or something else than a table of this program.
    #[error(
        "data file `{}` cannot be read: {reason}; nothing in it was changed; move it away to start afresh, put a good \
         copy in its place, or name another data folder", .path.display()
    )]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The system does not let it be opened or made.
    #[error("data file `{}` cannot be opened or made", .path.display())]
    System {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
}

/// The table on redb.
pub struct EmbeddedTable {
    database: Database,
    clock: Arc<dyn Clock>,
    waiting: Mutex<Waiting>,
}

impl EmbeddedTable {
    /// A table in memory: gone with the process.
    pub fn memory(clock: Arc<dyn Clock>) -> Result<Self, TableError> {
        let database =
            Database::builder().create_with_backend(redb::backends::InMemoryBackend::new()).map_err(refused)?;
        Self::with_tables(database, clock)
    }

    /// A table in a file, which is made when there is none. The whole file is checked first: a damaged or foreign one is
    /// refused and left untouched.
    pub fn open(path: &Path, clock: Arc<dyn Clock>) -> Result<Self, OpenError> {
        let unreadable = |reason: String| OpenError::Unreadable { path: path.to_owned(), reason };
        let mut builder = Database::builder();
        builder.set_cache_size(CACHE_BYTES).set_check_integrity_on_open(true);
        let database = builder.create(path).map_err(|error| match error {
            redb::DatabaseError::DatabaseAlreadyOpen => OpenError::InUse(path.to_owned()),
            redb::DatabaseError::Storage(redb::StorageError::Io(source))
                if source.kind() != std::io::ErrorKind::InvalidData =>
            {
                OpenError::System { path: path.to_owned(), source }
            }
            other => unreadable(other.to_string()),
        })?;
        Self::with_tables(database, clock).map_err(|error| unreadable(error.to_string()))
    }

    fn with_tables(database: Database, clock: Arc<dyn Clock>) -> Result<Self, TableError> {
        let reading = database.begin_read().map_err(storage)?;
        let tables = reading.list_tables().map_err(storage)?;
        let names: Vec<String> = tables.map(|table| redb::TableHandle::name(&table).to_owned()).collect();
        reading.close().map_err(storage)?;
        if !names.is_empty() && !names.iter().any(|name| name == redb::TableHandle::name(&ITEMS)) {
            return Err(TableError::Refused(format!("it is a database of another program, with tables {names:?}")));
        }
        let transaction = database.begin_write().map_err(storage)?;
        transaction.open_table(ITEMS).map_err(refused)?;
        transaction.open_table(NOTES).map_err(refused)?;
        transaction.commit().map_err(storage)?;
        Ok(Self { database, clock, waiting: Mutex::new(Waiting::new()) })
    }

    /// From now on commits are on the disk at this moment.
    pub fn set_durability(&self, durability: Durability) {
        self.waiting().durability = durability;
    }

    /// Puts everything committed so far on the disk.
    pub fn flush(&self) -> Result<(), TableError> {
        self.store(&mut self.waiting(), redb::Durability::Immediate)
    }

    /// Whether everything that was committed is on the disk.
    pub fn is_flushed(&self) -> bool {
        self.waiting().is_flushed()
    }

    // Nobody panics while holding it, so what a poisoned lock guards is whole.
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands what waits to the store. Where that fails, it waits on.
    fn store(&self, waiting: &mut Waiting, durability: redb::Durability) -> Result<(), TableError> {
        let mut transaction = self.database.begin_write().map_err(storage)?;
        transaction.set_durability(durability).map_err(storage)?;
        waiting.write(&transaction)?;
        transaction.commit().map_err(storage)?;
        waiting.was_written(durability);
        Ok(())
    }

    /// Takes a commit in. Where the store fails, what it refused stays committed and goes there with the next.
    fn keep(&self, waiting: &mut Waiting, change: &Change<'_>) -> Result<(), TableError> {
        if waiting.is_full() {
            self.store(waiting, redb::Durability::Immediate)?;
        }
        waiting.take_in(change);
        if waiting.durability == Durability::EachCommit || waiting.is_full() {
            self.store(waiting, redb::Durability::Immediate)?;
        }
        Ok(())
    }

    /// What the store holds, with all that waited.
    fn stored(&self) -> Result<redb::ReadOnlyTable<(&'static str, &'static str), Row<'static>>, TableError> {
        let mut waiting = self.waiting();
        if !waiting.is_empty() {
            self.store(&mut waiting, redb::Durability::None)?;
        }
        self.items()
    }

    fn items(&self) -> Result<redb::ReadOnlyTable<(&'static str, &'static str), Row<'static>>, TableError> {
        self.database.begin_read().map_err(storage)?.open_table(ITEMS).map_err(storage)
    }

    /// Every item that has not expired, in key order: the state of the whole system, the same bytes for the same state.
    pub fn export(&self) -> Result<impl Iterator<Item = Result<Item, TableError>> + use<>, TableError> {
        let now = self.now();
        let rows = self.stored()?.range_owned::<(&str, &str)>(..).map_err(storage)?;
        Ok(rows.filter_map(move |row| match row {
            Ok((key, row)) => {
                let (pk, sk) = key.value();
                live(row.value(), now).map(|row| Ok(item(pk, sk, row)))
            }
            Err(error) => Some(Err(storage(error))),
        }))
    }

    /// Deletes what has expired, and says how many items that were.
    pub fn sweep(&self) -> Result<u64, TableError> {
        let now = self.now();
        let mut waiting = self.waiting();
        self.store(&mut waiting, redb::Durability::None)?;
        let transaction = self.database.begin_write().map_err(storage)?;
        let mut swept = 0;
        transaction
            .open_table(ITEMS)
            .map_err(storage)?
            .retain(|_, row| {
                let keep = live(row, now).is_some();
                swept += u64::from(!keep);
                keep
            })
            .map_err(storage)?;
        transaction.commit().map_err(storage)?;
        waiting.was_written(redb::Durability::Immediate);
        Ok(swept)
    }

    /// A note of the host.
    pub fn note(&self, name: &str) -> Result<Option<Bytes>, TableError> {
        let waiting = self.waiting();
        if let Some(note) = waiting.note(name) {
            return Ok(note.cloned());
        }
        let notes = self.database.begin_read().map_err(storage)?.open_table(NOTES).map_err(storage)?;
        let note = notes.get_owned(name).map_err(storage)?;
        Ok(note.map(|note| Bytes::copy_from_slice(note.value())))
    }

    /// Writes a note of the host, or removes it.
    pub fn set_note(&self, name: &str, text: Option<&[u8]>) -> Result<(), TableError> {
        self.keep(&mut self.waiting(), &Change::Note(name, text))
    }

    fn now(&self) -> i64 {
        self.clock.now().as_second()
    }
}

#[async_trait]
impl Table for EmbeddedTable {
    async fn get(&self, key: &Key) -> Result<Option<Item>, TableError> {
        check_key(key)?;
        self.read(&self.waiting(), key, |row| item(&key.pk, &key.sk, row))
    }

    async fn query(&self, range: &Range) -> Result<Page, TableError> {
        let Some((lower, upper)) = bounds(range) else {
            return Ok(Page::default());
        };
        // Seldom does one who asks for a range wait for what lies in it.
        let concerned = self.waiting().concerns(range);
        let items = if concerned { self.stored()? } else { self.items()? };
        let rows = ReadableTable::range::<(&str, &str)>(&items, (lower, upper)).map_err(storage)?;
        if range.descending { self.page(rows.rev(), range.limit) } else { self.page(rows, range.limit) }
    }

    async fn commit(&self, writes: Vec<Write>) -> Result<(), TableError> {
        check_limits(&writes)?;
        writes.iter().try_for_each(|write| check_key(write.key()))?;
        if writes.is_empty() {
            return Ok(());
        }
        let mut waiting = self.waiting();
        let lost = self.lost_races(&waiting, &writes)?;
        if !lost.is_empty() {
            return Err(TableError::Conflict(lost));
        }
        self.keep(&mut waiting, &Change::Items(&writes))
    }
}

impl EmbeddedTable {
    /// The row at a key that has not expired: one that waits, or the store's.
    fn read<T>(&self, waiting: &Waiting, key: &Key, read: impl FnOnce(Row<'_>) -> T) -> Result<Option<T>, TableError> {
        let now = self.now();
        if let Some(stored) = waiting.item(key) {
            return Ok(stored.and_then(|stored| live(stored.row(), now)).map(read));
        }
        let items = self.items()?;
        let row = ReadableTable::get(&items, (key.pk.as_str(), key.sk.as_str())).map_err(storage)?;
        Ok(row.and_then(|row| live(row.value(), now).map(read)))
    }

    /// The keys at which an expectation does not hold.
    fn lost_races(&self, waiting: &Waiting, writes: &[Write]) -> Result<Vec<Key>, TableError> {
        let mut lost = Vec::new();
        for write in writes {
            let (Write::Put { key, expect, .. } | Write::Check { key, expect }) = write else { continue };
            let version = self.read(waiting, key, |(version, ..)| version)?;
            let holds = match expect {
                Expect::Absent => version.is_none(),
                Expect::Version(expected) => version == Some(*expected),
            };
            if !holds {
                lost.push(key.clone());
            }
        }
        Ok(lost)
    }

    fn page<'r>(&self, rows: impl Iterator<Item = StoredRow<'r>>, limit: usize) -> Result<Page, TableError> {
        let (now, limit) = (self.now(), limit.clamp(1, MAX_PAGE));
        let mut page = Page::default();
        for row in rows {
            let (key, row) = row.map_err(storage)?;
            let (pk, sk) = key.value();
            let Some(row) = live(row.value(), now) else { continue };
            if page.items.len() == limit {
                page.next = page.items.last().map(|item| item.key.sk.clone());
                break;
            }
            page.items.push(item(pk, sk, row));
        }
        Ok(page)
    }
}

type StoredRow<'r> = Result<
    (redb::AccessGuard<'r, (&'static str, &'static str)>, redb::AccessGuard<'r, Row<'static>>),
    redb::StorageError,
>;

type Bounds<'a> = (Bound<(&'a str, &'a str)>, Bound<(&'a str, &'a str)>);

/// Where a query's next page begins and ends, or nothing where that is no range at all.
fn bounds(range: &Range) -> Option<Bounds<'_>> {
    let pk = range.pk.as_str();
    let (mut lower, mut upper) =
        (Bound::Included((pk, range.first.as_str())), Bound::Included((pk, range.last.as_str())));
    let (mut first, mut last, mut open) = (range.first.as_str(), range.last.as_str(), false);
    match range.after.as_deref() {
        Some(after) if range.descending && after <= last => {
            (upper, last, open) = (Bound::Excluded((pk, after)), after, true)
        }
        Some(after) if !range.descending && after >= first => {
            (lower, first, open) = (Bound::Excluded((pk, after)), after, true)
        }
        _ => {}
    }
    (first < last || (first == last && !open)).then_some((lower, upper))
}

/// A row that has not expired.
fn live(row: Row<'_>, now: i64) -> Option<Row<'_>> {
    row.1.is_none_or(|expires_at| expires_at > now).then_some(row)
}

fn item(pk: &str, sk: &str, (version, expires_at, body): Row<'_>) -> Item {
    Item {
        key: Key { pk: pk.to_owned(), sk: sk.to_owned() },
        version,
        body: Bytes::copy_from_slice(body),
        expires_at: expires_at.and_then(|seconds| Timestamp::from_second(seconds).ok()),
    }
}

/// Refuses what the other table would refuse.
fn check_key(key: &Key) -> Result<(), TableError> {
    let fits = |part: &str, most: usize| !part.is_empty() && part.len() <= most;
    if fits(&key.pk, MAX_PARTITION_BYTES) && fits(&key.sk, MAX_PLACE_BYTES) {
        Ok(())
    } else {
        Err(TableError::Refused(format!("key {key:?} is empty or too long in a part")))
    }
}

fn refused(error: impl Into<redb::Error>) -> TableError {
    TableError::Refused(error.into().to_string())
}

fn storage(error: impl Into<redb::Error>) -> TableError {
    match error.into() {
        corrupt @ redb::Error::Corrupted(_) => TableError::Refused(format!("the data file is damaged: {corrupt}")),
        other => TableError::Unavailable(Box::new(other)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::pin::pin;
    use std::sync::atomic::{AtomicI64, Ordering};
    use std::task::{Context, Poll, Waker};
    use waiting::MOST_UNFLUSHED;

    struct HandClock(AtomicI64);

    impl Clock for HandClock {
        fn now(&self) -> Timestamp {
            Timestamp::from_second(self.0.load(Ordering::Relaxed)).unwrap()
        }
    }

    fn clock() -> Arc<HandClock> {
        Arc::new(HandClock(AtomicI64::new(1_700_000_000)))
    }

    /// This table never waits: its futures are ready at the first look.
    fn now<T>(future: impl Future<Output = T>) -> T {
        match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(value) => value,
            Poll::Pending => panic!("the embedded table waited"),
        }
    }

    fn put(sk: &str, expect: Expect, body: &str) -> Write {
        Write::Put {
            key: Key { pk: "T#t".into(), sk: sk.into() },
            expect,
            body: Bytes::copy_from_slice(body.as_bytes()),
            expires_at: None,
        }
    }

    fn opening(path: &Path) -> OpenError {
        EmbeddedTable::open(path, clock()).map(drop).unwrap_err()
    }

    #[test]
    fn a_closed_table_opens_with_what_it_had() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.redb");
        {
            let table = EmbeddedTable::open(&path, clock()).unwrap();
            now(table.commit(vec![put("a", Expect::Absent, "1")])).unwrap();
            table.set_note("loaded", Some(b"12")).unwrap();
        }
        let table = EmbeddedTable::open(&path, clock()).unwrap();
        assert_eq!(now(table.get(&Key { pk: "T#t".into(), sk: "a".into() })).unwrap().unwrap().body, "1");
        assert_eq!(table.note("loaded").unwrap().unwrap(), "12");
        table.set_note("loaded", None).unwrap();
        assert_eq!(table.note("loaded").unwrap(), None);
    }

    #[test]
    fn commits_do_not_wait_for_a_flush_without_end() {
        let table = EmbeddedTable::memory(clock()).unwrap();
        table.set_durability(Durability::OnFlush);
        for number in 0..MOST_UNFLUSHED {
            now(table.commit(vec![put(&number.to_string(), Expect::Absent, "1")])).unwrap();
            assert!(!table.is_flushed());
        }
        let lost = vec![put("0", Expect::Absent, "2")];
        assert!(matches!(now(table.commit(lost)), Err(TableError::Conflict(_))));
        assert!(!table.is_flushed(), "a lost race puts nothing on the disk");
        now(table.commit(vec![put("last", Expect::Absent, "1")])).unwrap();
        assert!(table.is_flushed());
    }

    #[test]
    fn commits_without_a_flush_are_lost_whole_and_with_one_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let (path, copy) = (folder.path().join("state.redb"), folder.path().join("copy.redb"));
        let table = EmbeddedTable::open(&path, clock()).unwrap();
        table.set_durability(Durability::OnFlush);
        now(table.commit(vec![put("a", Expect::Absent, "1"), put("b", Expect::Absent, "1")])).unwrap();
        assert!(!table.is_flushed());
        table.flush().unwrap();
        assert!(table.is_flushed());
        now(table.commit(vec![put("a", Expect::Version(1), "2"), put("b", Expect::Version(1), "2")])).unwrap();
        // What a crash would leave behind: the file as it is at this moment.
        std::fs::copy(&path, &copy).unwrap();
        let after_crash = EmbeddedTable::open(&copy, clock()).unwrap();
        let bodies: Vec<Bytes> = after_crash.export().unwrap().map(|item| item.unwrap().body).collect();
        assert_eq!(bodies, ["1", "1"]);
    }

    #[test]
    fn an_item_that_waits_is_read_as_it_is_and_one_that_was_deleted_while_waiting_is_gone() {
        let table = EmbeddedTable::memory(clock()).unwrap();
        now(table.commit(vec![put("a", Expect::Absent, "1"), put("b", Expect::Absent, "1")])).unwrap();
        table.set_durability(Durability::OnFlush);
        let (a, b) = (Key { pk: "T#t".into(), sk: "a".into() }, Key { pk: "T#t".into(), sk: "b".into() });
        now(table.commit(vec![put("a", Expect::Version(1), "2"), Write::Delete { key: b.clone() }])).unwrap();
        assert_eq!(now(table.get(&a)).unwrap().unwrap().body, "2");
        assert_eq!(now(table.get(&b)).unwrap(), None);
        now(table.commit(vec![put("b", Expect::Absent, "3")])).unwrap();
        let range = Range::prefix("T#t", "");
        let bodies = |page: Page| page.items.into_iter().map(|item| item.body).collect::<Vec<_>>();
        assert_eq!(bodies(now(table.query(&range)).unwrap()), ["2", "3"]);
        assert!(!table.is_flushed(), "a look puts nothing on the disk");
        now(table.commit(vec![Write::Delete { key: a.clone() }])).unwrap();
        table.flush().unwrap();
        assert_eq!(now(table.get(&a)).unwrap(), None);
        assert_eq!(bodies(now(table.query(&range)).unwrap()), ["3"]);
    }

    #[test]
    fn the_export_is_in_key_order_and_leaves_out_what_expired_and_notes() {
        let clock = clock();
        let table = EmbeddedTable::memory(clock.clone()).unwrap();
        let expiring = Write::Put {
            key: Key { pk: "T#t".into(), sk: "a".into() },
            expect: Expect::Absent,
            body: Bytes::new(),
            expires_at: Some(Timestamp::from_second(1_700_000_010).unwrap()),
        };
        now(table.commit(vec![put("c", Expect::Absent, ""), expiring, put("b", Expect::Absent, "")])).unwrap();
        table.set_note("n", Some(b"")).unwrap();
        let places =
            |table: &EmbeddedTable| table.export().unwrap().map(|item| item.unwrap().key.sk).collect::<Vec<_>>();
        assert_eq!(places(&table), ["a", "b", "c"]);
        assert_eq!(table.sweep().unwrap(), 0);
        clock.0.fetch_add(10, Ordering::Relaxed);
        assert_eq!(places(&table), ["b", "c"]);
        assert_eq!(table.sweep().unwrap(), 1);
        assert_eq!(table.sweep().unwrap(), 0);
    }

    #[test]
    fn a_foreign_file_is_named_and_left_byte_for_byte() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.redb");
        std::fs::write(&path, "this is a letter to my aunt").unwrap();
        let error = opening(&path);
        assert!(matches!(error, OpenError::Unreadable { .. }), "{error:?}");
        assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
        assert_eq!(std::fs::read(&path).unwrap(), b"this is a letter to my aunt");
    }

    #[test]
    fn a_database_of_another_program_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.redb");
        {
            let other = Database::create(&path).unwrap();
            let transaction = other.begin_write().unwrap();
            transaction.open_table(TableDefinition::<u64, u64>::new("theirs")).unwrap();
            transaction.commit().unwrap();
        }
        let error = opening(&path).to_string();
        assert!(error.contains("another program") && error.contains("theirs"), "{error}");
    }

    #[test]
    fn a_damaged_file_is_refused_at_start_wherever_it_is_damaged() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.redb");
        {
            let table = EmbeddedTable::open(&path, clock()).unwrap();
            let body = "x".repeat(1000);
            now(table.commit((0..100).map(|n| put(&format!("{n:03}"), Expect::Absent, &body)).collect())).unwrap();
        }
        let good = std::fs::read(&path).unwrap();
        let body_at = good.windows(8).position(|window| window == b"xxxxxxxx").unwrap();
        let mut flipped = good.clone();
        flipped[body_at] ^= 1;
        for (what, bad) in [
            ("a flipped bit in an item", flipped),
            ("a cut end", good[..good.len() / 2].to_vec()),
            ("a header of noise", {
                let mut bad = good.clone();
                bad[9..512].fill(0x5a);
                bad
            }),
        ] {
            std::fs::write(&path, &bad).unwrap();
            let error = opening(&path);
            assert!(matches!(error, OpenError::Unreadable { .. }), "{what}: {error:?}");
            assert_eq!(std::fs::read(&path).unwrap(), bad, "{what}");
        }
        std::fs::write(&path, &good).unwrap();
        EmbeddedTable::open(&path, clock()).unwrap();
    }

    #[test]
    fn no_flipped_byte_brings_the_program_down_or_another_state_up() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.redb");
        let bodies = |table: &EmbeddedTable| table.export().unwrap().map(|item| item.unwrap().body).collect::<Vec<_>>();
        let expected = {
            let table = EmbeddedTable::open(&path, clock()).unwrap();
            now(table.commit((0..20).map(|n| put(&format!("{n:03}"), Expect::Absent, &"y".repeat(n * 50))).collect()))
                .unwrap();
            bodies(&table)
        };
        let good = std::fs::read(&path).unwrap();
        let used = good.iter().enumerate().filter(|(_, byte)| **byte != 0).map(|(at, _)| at);
        let mut refused = 0;
        for at in used.step_by(487) {
            let mut bad = good.clone();
            bad[at] ^= 0x41;
            std::fs::write(&path, &bad).unwrap();
            match EmbeddedTable::open(&path, clock()) {
                Ok(table) => assert_eq!(bodies(&table), expected, "byte {at}"),
                Err(error) => {
                    assert!(matches!(error, OpenError::Unreadable { .. }), "byte {at}: {error:?}");
                    refused += 1;
                }
            }
        }
        assert!(refused > 10, "only {refused} were refused");
    }

    #[test]
    fn a_data_file_in_use_is_said_to_be_in_use() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.redb");
        let _held = EmbeddedTable::open(&path, clock()).unwrap();
        assert!(matches!(opening(&path), OpenError::InUse(_)));
    }

    #[test]
    fn of_many_threads_that_want_the_same_version_one_gets_it() {
        let table = EmbeddedTable::memory(clock()).unwrap();
        let won = std::thread::scope(|scope| {
            let racers: Vec<_> = (0..8)
                .map(|n| {
                    scope.spawn({
                        let table = &table;
                        move || now(table.commit(vec![put("a", Expect::Absent, &n.to_string())])).is_ok()
                    })
                })
                .collect();
            racers.into_iter().filter(|_| true).map(|racer| racer.join().unwrap()).filter(|won| *won).count()
        });
        assert_eq!(won, 1);
    }

    #[cfg(feature = "conformance")]
    mod conformance {
        use super::*;
        use crate::table::conformance::{CASES, Fixture};

        fn run(table: EmbeddedTable) {
            let clock = clock();
            for case in CASES {
                let fixture = Fixture::new(&table, clock.now(), case.name);
                now((case.run)(&fixture)).unwrap_or_else(|reason| panic!("{}: {reason}", case.name));
            }
        }

        #[test]
        fn the_table_in_memory_keeps_the_promises() {
            run(EmbeddedTable::memory(clock()).unwrap());
        }

        #[test]
        fn what_waits_for_a_flush_keeps_the_promises() {
            let folder = tempfile::tempdir().unwrap();
            let table = EmbeddedTable::open(&folder.path().join("state.redb"), clock()).unwrap();
            table.set_durability(Durability::OnFlush);
            run(table);
        }

        #[test]
        fn the_table_in_a_file_keeps_the_promises() {
            let folder = tempfile::tempdir().unwrap();
            run(EmbeddedTable::open(&folder.path().join("state.redb"), clock()).unwrap());
        }
    }
}

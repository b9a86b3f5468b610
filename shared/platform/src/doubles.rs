//! Ports for unit tests: the embedded table in memory, a bus and a queue that remember, a clock that is set by hand, and
//! one failure on demand at each of them.

use crate::bus::{Bus, BusError};
use crate::clock::Clock;
use crate::function::Ports;
use crate::http::Caller;
use crate::metrics::Kept;
use crate::queue::{Queue, QueueError};
use crate::table::embedded::EmbeddedTable;
use crate::table::{self, Expect, Item, Key, Page, Range, Table, TableError, Write};
use async_trait::async_trait;
use contract::event::Event;
use contract::message::Work;
use domain::id::{PersonId, TenantId};
use jiff::Timestamp;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The ports, with their hands still on them.
#[derive(Clone)]
pub struct Doubles {
    /// The table.
    pub table: Arc<FaultyTable>,
    bus: Arc<RememberingBus>,
    queue: Arc<RememberingQueue>,
    clock: Arc<HandClock>,
    /// What was measured.
    pub metrics: Arc<Kept>,
}

impl Default for Doubles {
    fn default() -> Self {
        Self::new()
    }
}

impl Doubles {
    /// Fresh ports at 2026-01-05T00:00:00Z.
    #[expect(clippy::expect_used, reason = "for tests: a table in memory always opens")]
    pub fn new() -> Self {
        let clock = Arc::new(HandClock(Mutex::new(Timestamp::from_second(1_767_571_200).expect("a moment"))));
        let inner = EmbeddedTable::memory(clock.clone()).expect("a table in memory");
        Self {
            table: Arc::new(FaultyTable {
                inner,
                conflicts: AtomicUsize::new(0),
                commits_left: AtomicUsize::new(usize::MAX),
                calls: Mutex::default(),
            }),
            bus: Arc::default(),
            queue: Arc::default(),
            clock,
            metrics: Arc::default(),
        }
    }

    /// The ports as a function takes them.
    pub fn ports(&self) -> Ports {
        Ports {
            table: self.table.clone(),
            bus: self.bus.clone(),
            queue: self.queue.clone(),
            clock: self.clock.clone(),
            metrics: self.metrics.clone(),
            answers: Arc::default(),
        }
    }

    /// Sets the clock.
    pub fn set_now(&self, now: Timestamp) {
        *locked(&self.clock.0) = now;
    }

    /// What the clock shows.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Everything published so far.
    pub fn published(&self) -> Vec<Event> {
        locked(&self.bus.events).clone()
    }

    /// Everything sent to the own queue and not taken yet.
    pub fn take_work(&self) -> Vec<Work> {
        std::mem::take(&mut *locked(&self.queue.0))
    }

    /// Puts a value in the place of what the table has there, as another function would.
    #[expect(clippy::expect_used, reason = "for tests")]
    pub fn put(&self, key: &Key, value: &impl serde::Serialize) {
        let found = block_on(self.table.get(key)).expect("a table in memory answers");
        let body = table::body(value).expect("JSON");
        let write = Write::Put { key: key.clone(), expect: Expect::of(found.as_ref()), body, expires_at: None };
        block_on(self.table.commit(vec![write])).expect("nobody else writes");
    }

    /// What the table has in this place.
    #[expect(clippy::expect_used, reason = "for tests")]
    pub fn value(&self, key: &Key) -> Option<serde_json::Value> {
        let item = block_on(self.table.get(key)).expect("a table in memory answers");
        item.map(|item| table::read(&item).expect("JSON"))
    }

    /// The next publication fails.
    pub fn fail_next_publish(&self) {
        self.bus.fail.store(true, Ordering::SeqCst);
    }

    /// How often the table was asked since this was last called.
    pub fn take_calls(&self) -> Calls {
        std::mem::take(&mut *locked(&self.table.calls))
    }

    /// After so many more commits the table takes no other, until this is called again.
    pub fn fail_commits_after(&self, count: usize) {
        self.table.commits_left.store(count, Ordering::SeqCst);
    }

    /// Nothing fails any more.
    pub fn heal(&self) {
        self.table.commits_left.store(usize::MAX, Ordering::SeqCst);
        self.table.conflicts.store(0, Ordering::SeqCst);
        self.bus.fail.store(false, Ordering::SeqCst);
    }

    /// The next so many commits lose their race.
    pub fn conflict_next_commits(&self, count: usize) {
        self.table.conflicts.store(count, Ordering::SeqCst);
    }
}

/// Somebody of a tenant. What scopes allow is the edge's business, which was passed.
#[expect(clippy::expect_used, reason = "for tests")]
pub fn caller(tenant: &str, subject: &str) -> Caller {
    Caller {
        tenant: TenantId::new(tenant).expect("an id"),
        subject: PersonId::new(subject).expect("an id"),
        scopes: BTreeSet::new(),
    }
}

/// Runs a future that never waits for anything outside this thread.
#[expect(clippy::panic, reason = "for tests")]
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    match future.as_mut().poll(&mut std::task::Context::from_waker(std::task::Waker::noop())) {
        std::task::Poll::Ready(value) => value,
        std::task::Poll::Pending => panic!("the future waits for something outside this thread"),
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How often the table was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Calls {
    /// Items and pages of ranges that were read.
    pub reads: usize,
    /// Commits that were tried.
    pub commits: usize,
}

/// The embedded table, counting its calls, losing races and failing on demand.
pub struct FaultyTable {
    inner: EmbeddedTable,
    conflicts: AtomicUsize,
    commits_left: AtomicUsize,
    calls: Mutex<Calls>,
}

#[async_trait]
impl Table for FaultyTable {
    async fn get(&self, key: &Key) -> Result<Option<Item>, TableError> {
        locked(&self.calls).reads += 1;
        self.inner.get(key).await
    }

    async fn query(&self, range: &Range) -> Result<Page, TableError> {
        locked(&self.calls).reads += 1;
        self.inner.query(range).await
    }

    async fn commit(&self, writes: Vec<Write>) -> Result<(), TableError> {
        locked(&self.calls).commits += 1;
        let left = self.conflicts.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        if left.is_ok() {
            return Err(TableError::Conflict(writes.iter().map(|write| write.key().clone()).collect()));
        }
        let left = self.commits_left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        if left.is_err() {
            return Err(TableError::Unavailable("on demand".into()));
        }
        self.inner.commit(writes).await
    }
}

#[derive(Default)]
struct RememberingBus {
    events: Mutex<Vec<Event>>,
    fail: AtomicBool,
}

#[async_trait]
impl Bus for RememberingBus {
    async fn publish(&self, events: &[Event]) -> Result<(), BusError> {
        if self.fail.swap(false, Ordering::SeqCst) {
            return Err(BusError::NotTaken { sent: events.len(), failed: events.len(), reason: "on demand".into() });
        }
        locked(&self.events).extend_from_slice(events);
        Ok(())
    }
}

#[derive(Default)]
struct RememberingQueue(Mutex<Vec<Work>>);

#[async_trait]
impl Queue for RememberingQueue {
    async fn send(&self, work: &[Work]) -> Result<(), QueueError> {
        locked(&self.0).extend_from_slice(work);
        Ok(())
    }
}

struct HandClock(Mutex<Timestamp>);

impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        *locked(&self.0)
    }
}

/// A table in which nothing may be written but some partitions: whoever writes elsewhere fails.
pub struct GuardedTable {
    /// The table behind it.
    pub table: Arc<dyn Table>,
    /// The partitions.
    pub writable: &'static [&'static str],
}

#[async_trait]
impl Table for GuardedTable {
    async fn get(&self, key: &Key) -> Result<Option<Item>, TableError> {
        self.table.get(key).await
    }

    async fn query(&self, range: &Range) -> Result<Page, TableError> {
        self.table.query(range).await
    }

    async fn commit(&self, writes: Vec<Write>) -> Result<(), TableError> {
        match writes.iter().find(|write| !self.writable.contains(&write.key().pk.as_str())) {
            Some(write) => Err(TableError::Refused(format!("{:?} may not be written", write.key()))),
            None => self.table.commit(writes).await,
        }
    }
}

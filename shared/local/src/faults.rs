//! Faults, from a seed: what a cloud does to programs, done on purpose and the same way every time.
//!
//! All randomness of the local host is drawn here. Without rates nothing is drawn and nothing happens. A crash is a
//! future that never becomes ready: the host drops it, as a Lambda function is dropped when its machine goes away.

use async_trait::async_trait;
use jiff::SignedDuration;
use platform::table::{Item, Key, Page, Range, Table, TableError, Write};
use std::collections::BTreeMap;
use std::future::pending;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// A kind of fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// A message is delivered twice.
    Duplicate,
    /// A message comes late.
    Delay,
    /// A message overtakes others.
    Reorder,
    /// A commit is told that it lost a race.
    Conflict,
    /// The table is asked too often.
    Throttle,
    /// A commit is done, but its answer does not arrive.
    LostAnswer,
    /// The bus takes nothing, or only some.
    BusFailure,
    /// The queue takes nothing, or only some.
    QueueFailure,
    /// The function goes away before a commit.
    CrashBeforeCommit,
    /// The function goes away between a commit and what was to follow it.
    CrashAfterCommit,
    /// The function goes away when its events have gone out.
    CrashAfterPublish,
    /// The function's time is nearly over when a message comes.
    ShortTime,
    /// A destination outside does not take what it is told.
    DestinationFailure,
    /// A destination outside takes what it is told, and nobody hears that it did.
    LostReceipt,
}

impl Fault {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::Duplicate,
        Self::Delay,
        Self::Reorder,
        Self::Conflict,
        Self::Throttle,
        Self::LostAnswer,
        Self::BusFailure,
        Self::QueueFailure,
        Self::CrashBeforeCommit,
        Self::CrashAfterCommit,
        Self::CrashAfterPublish,
        Self::ShortTime,
        Self::DestinationFailure,
        Self::LostReceipt,
    ];
}

/// How often each fault strikes, in thousandths of its occasions.
pub type Rates = BTreeMap<Fault, u64>;

/// The dice, and what they brought about.
#[derive(Debug)]
pub struct Faults {
    rates: Rates,
    active: AtomicBool,
    dice: Mutex<Dice>,
    struck: Mutex<BTreeMap<Fault, u64>>,
}

impl Faults {
    /// No faults.
    pub fn none() -> Arc<Self> {
        Self::seeded(0, Rates::new())
    }

    /// Faults at these rates. The same seed gives the same faults in the same run.
    pub fn seeded(seed: u64, rates: Rates) -> Arc<Self> {
        Arc::new(Self { rates, active: AtomicBool::new(true), dice: Mutex::new(Dice(seed)), struck: Mutex::default() })
    }

    /// From now on nothing strikes.
    pub fn stop(&self) {
        self.active.store(false, Ordering::Relaxed);
    }

    /// How often each fault struck.
    pub fn struck(&self) -> BTreeMap<Fault, u64> {
        self.struck.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether this fault strikes now.
    pub fn strikes(&self, fault: Fault) -> bool {
        let Some(rate) = self.rates.get(&fault).filter(|_| self.active.load(Ordering::Relaxed)) else { return false };
        let strikes = self.below(1000) < *rate;
        if strikes {
            *self.struck.lock().unwrap_or_else(PoisonError::into_inner).entry(fault).or_default() += 1;
        }
        strikes
    }

    /// A number below the limit.
    pub fn below(&self, limit: u64) -> u64 {
        self.dice.lock().unwrap_or_else(PoisonError::into_inner).below(limit)
    }

    /// How long a message is late: up to five minutes.
    pub fn delay(&self) -> SignedDuration {
        SignedDuration::from_secs(i64::try_from(self.below(300)).unwrap_or(0).saturating_add(1))
    }
}

/// SplitMix64: small, fast, and the same on every machine. Not for secrets.
#[derive(Debug)]
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit.max(1)
    }
}

/// A table at which faults strike.
pub struct FaultyTable {
    /// The table behind it.
    pub table: Arc<dyn Table>,
    /// The faults.
    pub faults: Arc<Faults>,
}

impl FaultyTable {
    fn before(&self) -> Result<(), TableError> {
        if self.faults.strikes(Fault::Throttle) { Err(TableError::Throttled(None)) } else { Ok(()) }
    }
}

#[async_trait]
impl Table for FaultyTable {
    async fn get(&self, key: &Key) -> Result<Option<Item>, TableError> {
        self.before()?;
        self.table.get(key).await
    }

    async fn query(&self, range: &Range) -> Result<Page, TableError> {
        self.before()?;
        self.table.query(range).await
    }

    async fn commit(&self, writes: Vec<Write>) -> Result<(), TableError> {
        self.before()?;
        if self.faults.strikes(Fault::Conflict) {
            return Err(TableError::Conflict(writes.iter().map(|write| write.key().clone()).collect()));
        }
        if self.faults.strikes(Fault::CrashBeforeCommit) {
            return pending().await;
        }
        self.table.commit(writes).await?;
        if self.faults.strikes(Fault::CrashAfterCommit) {
            return pending().await;
        }
        if self.faults.strikes(Fault::LostAnswer) {
            return Err(TableError::Unavailable("the answer was lost".into()));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_strikes_the_same_way_and_another_does_not() {
        let run = |seed| {
            let faults = Faults::seeded(seed, Rates::from([(Fault::Delay, 300)]));
            (0..200).map(|_| faults.strikes(Fault::Delay)).collect::<Vec<_>>()
        };
        assert_eq!(run(7), run(7));
        assert_ne!(run(7), run(8));
    }

    #[test]
    fn a_fault_strikes_about_as_often_as_its_rate_says_and_is_counted() {
        let faults = Faults::seeded(1, Rates::from([(Fault::Conflict, 100)]));
        let struck = (0..10_000).filter(|_| faults.strikes(Fault::Conflict)).count();
        assert!((900..1_100).contains(&struck), "{struck}");
        assert_eq!(faults.struck(), BTreeMap::from([(Fault::Conflict, struck as u64)]));
    }

    #[test]
    fn nothing_strikes_without_a_rate_or_when_stopped() {
        assert!(!(0..1000).any(|_| Faults::none().strikes(Fault::Delay)));
        let faults = Faults::seeded(1, Rates::from([(Fault::Delay, 1000)]));
        assert!(faults.strikes(Fault::Delay));
        faults.stop();
        assert!(!faults.strikes(Fault::Delay));
    }
}

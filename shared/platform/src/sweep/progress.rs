//! How far a run has come in one shard: the sums of the pages that are done, and the pages that are not. A page is known
//! by the account behind which it begins.
//!
//! Each page names the one after it and is recorded before that one is sent, so a shard is done when no page is open.
//! Nothing is kept of a page that is done: the record is as small at the end of a large portfolio as at the beginning.
//! Guarantee: however often a page is delivered, it is counted once.

use crate::function::Failure;
use crate::table::{self, Item};
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What the visits of a run add up to, account by account and shard by shard: in any order the same.
pub trait Sum: Clone + Default + Serialize + DeserializeOwned + Send + Sync {
    /// Adds what other visits came to.
    fn add(&mut self, other: Self);
}

/// Where there is nothing to add up.
impl Sum for () {
    fn add(&mut self, (): Self) {}
}

/// The record of a shard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Progress<S> {
    /// The pages that are not done, and how each was tried: one that was not may not have been sent.
    open: BTreeMap<String, Option<Tried>>,
    /// Where the furthest page begins.
    frontier: String,
    /// How many accounts were visited.
    pub(super) accounts: u64,
    /// When it last got further.
    pub(super) moved_at: Option<Timestamp>,
    /// What their visits came to.
    #[serde(default)]
    pub(super) sum: S,
}

/// A page that was tried and has to come back. It ends where it ended: whoever was added in front of its end belongs to
/// it, and nobody falls between it and the next one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Tried {
    /// Its last account, behind which the next page begins; none where it is the last page.
    pub(super) until: Option<String>,
}

/// What the visits of a page that is done came to.
pub(super) struct Visited<S> {
    pub(super) accounts: u64,
    pub(super) sum: S,
}

impl<S: Sum> Progress<S> {
    /// What was recorded; where nothing was, the first page is open.
    pub(super) fn of(item: Option<&Item>) -> Result<Self, Failure> {
        let begun = || Self {
            open: BTreeMap::from([(String::new(), None)]),
            frontier: String::new(),
            accounts: 0,
            moved_at: None,
            sum: S::default(),
        };
        Ok(item.map(table::read).transpose()?.unwrap_or_else(begun))
    }

    /// Whether a page was gone through without a failure.
    pub(super) fn is_done(&self, begin: &str) -> bool {
        !self.open.contains_key(begin)
    }

    /// How an open page was tried before, if it was.
    pub(super) fn tried(&self, begin: &str) -> Option<&Tried> {
        self.open.get(begin)?.as_ref()
    }

    /// Whether every page is done.
    pub(super) fn is_complete(&self) -> bool {
        self.open.is_empty()
    }

    /// The page that may still have to be sent. There is one at most, for a page is known when the one before was tried.
    pub(super) fn to_send(&self) -> Option<&str> {
        self.open.iter().find(|(_, tried)| tried.is_none()).map(|(begin, _)| begin.as_str())
    }

    /// Records an open page that was tried, and the page after it: done where `visited` says what became of its
    /// accounts, else to come back.
    pub(super) fn settle(&mut self, begin: &str, next: Option<&str>, visited: Option<&Visited<S>>, now: Timestamp) {
        if let Some(visited) = visited {
            self.open.remove(begin);
            self.accounts += visited.accounts;
            self.sum.add(visited.sum.clone());
        } else {
            self.open.insert(begin.to_owned(), Some(Tried { until: next.map(str::to_owned) }));
        }
        // A page that comes back names the one after it once more, which may be done already.
        if let Some(next) = next.filter(|next| *next > self.frontier.as_str()) {
            self.open.insert(next.to_owned(), None);
            next.clone_into(&mut self.frontier);
        }
        self.moved_at = Some(now);
    }
}

/// When a shard last got further.
pub(super) fn moved_at(record: &Item) -> Result<Option<Timestamp>, Failure> {
    /// A shard's record, whatever its visits add up to.
    #[derive(Deserialize)]
    struct Moved {
        moved_at: Option<Timestamp>,
    }
    Ok(table::read::<Moved>(record)?.moved_at)
}

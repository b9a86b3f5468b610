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
use std::ops::Bound;

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
    /// The pages that are not done. Of one that nobody has tried nobody knows where it ends.
    open: BTreeMap<String, Option<Bounded>>,
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

/// A page whose end is known: it was tried and has to come back, or it is the rest of such a one. It ends where it ended:
/// whoever was added in front of its end belongs to it, and nobody falls between it and the next one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Bounded {
    /// Its last account, behind which the next page begins; none where it is the last page.
    pub(super) until: Option<String>,
    /// Whether nobody has tried it: then it may not have been sent. One that was tried comes back by itself.
    #[serde(default)]
    is_new: bool,
}

/// A page that was gone through, perhaps not to its end.
pub(super) struct Gone<'a, S> {
    /// Where it begins.
    pub(super) begin: &'a str,
    /// How it stood before.
    pub(super) was: Option<Bounded>,
    /// The last account that was visited; none where it was the last of the shard.
    pub(super) until: Option<&'a str>,
    /// Whether it had to stop before its end.
    pub(super) stopped: bool,
    /// What the visits came to; none where one failed.
    pub(super) visited: Option<Visited<S>>,
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

    /// How an open page is bounded, if it is.
    pub(super) fn bounded(&self, begin: &str) -> Option<&Bounded> {
        self.open.get(begin)?.as_ref()
    }

    /// Whether every page is done.
    pub(super) fn is_complete(&self) -> bool {
        self.open.is_empty()
    }

    /// The page behind `begin` that may still have to be sent. Only one: for one message that was handed out, one goes out
    /// at most, so they do not become more.
    pub(super) fn to_send(&self, begin: &str) -> Option<&str> {
        let behind = self.open.range::<str, _>((Bound::Excluded(begin), Bound::Unbounded));
        let may_wait = |page: &Option<Bounded>| page.as_ref().is_none_or(|page| page.is_new);
        behind.into_iter().find(|(_, page)| may_wait(page)).map(|(begin, _)| begin.as_str())
    }

    /// Records an open page that was gone through, and the page after it. Whoever else went through it meanwhile was
    /// first, and that stands: then nothing is recorded.
    pub(super) fn settle(&mut self, gone: &Gone<'_, S>, now: Timestamp) -> bool {
        if self.is_done(gone.begin) || self.bounded(gone.begin) != gone.was.as_ref() {
            return false;
        }
        if let Some(visited) = &gone.visited {
            self.open.remove(gone.begin);
            self.accounts += visited.accounts;
            self.sum.add(visited.sum.clone());
        } else {
            let tried = Bounded { until: gone.until.map(str::to_owned), is_new: false };
            self.open.insert(gone.begin.to_owned(), Some(tried));
        }
        match (gone.until, &gone.was) {
            (Some(until), Some(was)) if gone.stopped => {
                self.open.insert(until.to_owned(), Some(Bounded { is_new: true, ..was.clone() }));
            }
            // A page that comes back names the one after it once more, which may be done already.
            (Some(until), _) if until > self.frontier.as_str() => {
                self.open.insert(until.to_owned(), None);
                until.clone_into(&mut self.frontier);
            }
            _ => {}
        }
        self.moved_at = Some(now);
        true
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

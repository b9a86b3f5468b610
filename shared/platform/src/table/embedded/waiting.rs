//! What is committed and not in the store yet: by key the latest row, by name the latest note. It is small, for it goes to
//! the store before it holds more than some megabytes.

use super::{Durability, ITEMS, NOTES, Row, storage};
use crate::table::{Key, Range, TableError, Write};
use bytes::Bytes;
use jiff::Timestamp;
use std::collections::BTreeMap;

/// The most commits that wait for a flush.
pub(super) const MOST_UNFLUSHED: u32 = 4096;
/// The most bytes of bodies that wait in memory.
const MOST_BYTES: usize = 16 * 1024 * 1024;

/// What waits, and how long it may.
pub(super) struct Waiting {
    pub(super) durability: Durability,
    /// What lies at a key now, or nothing where it was deleted.
    items: BTreeMap<Key, Option<Stored>>,
    notes: BTreeMap<String, Option<Bytes>>,
    /// How long the bodies are that came since the store took some.
    bytes: usize,
    /// How many commits are not on the disk, whether the store has them or not.
    commits: u32,
}

/// A row that the store does not have yet.
pub(super) struct Stored {
    version: u64,
    expires_at: Option<i64>,
    body: Bytes,
}

impl Stored {
    pub(super) fn row(&self) -> Row<'_> {
        (self.version, self.expires_at, &self.body)
    }
}

/// One commit.
pub(super) enum Change<'a> {
    Items(&'a [Write]),
    Note(&'a str, Option<&'a [u8]>),
}

impl Waiting {
    pub(super) const fn new() -> Self {
        Self {
            durability: Durability::EachCommit,
            items: BTreeMap::new(),
            notes: BTreeMap::new(),
            bytes: 0,
            commits: 0,
        }
    }

    /// What waits at a key: a row, or that it was deleted.
    pub(super) fn item(&self, key: &Key) -> Option<Option<&Stored>> {
        self.items.get(key).map(Option::as_ref)
    }

    /// What waits under a name: a note, or that it was removed.
    pub(super) fn note(&self, name: &str) -> Option<Option<&Bytes>> {
        self.notes.get(name).map(Option::as_ref)
    }

    /// Whether anything waits in a range.
    pub(super) fn concerns(&self, range: &Range) -> bool {
        let at = |sk: &str| Key { pk: range.pk.clone(), sk: sk.to_owned() };
        range.first <= range.last && self.items.range(at(&range.first)..=at(&range.last)).next().is_some()
    }

    /// Whether everything is in the store, on the disk or not.
    pub(super) fn is_empty(&self) -> bool {
        self.items.is_empty() && self.notes.is_empty()
    }

    /// Whether everything is on the disk.
    pub(super) const fn is_flushed(&self) -> bool {
        self.commits == 0
    }

    /// Whether no more may wait.
    pub(super) const fn is_full(&self) -> bool {
        self.commits > MOST_UNFLUSHED || self.bytes > MOST_BYTES
    }

    pub(super) fn take_in(&mut self, change: &Change<'_>) {
        self.commits = self.commits.saturating_add(1);
        match change {
            Change::Items(writes) => writes.iter().for_each(|write| self.take_in_write(write)),
            Change::Note(name, text) => drop(self.notes.insert((*name).to_owned(), text.map(Bytes::copy_from_slice))),
        }
    }

    fn take_in_write(&mut self, write: &Write) {
        match write {
            Write::Put { key, expect, body, expires_at } => {
                let stored = Stored {
                    version: expect.next_version(),
                    expires_at: expires_at.map(Timestamp::as_second),
                    body: body.clone(),
                };
                self.bytes += body.len();
                self.items.insert(key.clone(), Some(stored));
            }
            Write::Delete { key } => drop(self.items.insert(key.clone(), None)),
            Write::Check { .. } => {}
        }
    }

    /// Writes all of it, in key order.
    pub(super) fn write(&self, transaction: &redb::WriteTransaction) -> Result<(), TableError> {
        let mut items = transaction.open_table(ITEMS).map_err(storage)?;
        for (key, stored) in &self.items {
            let key = (key.pk.as_str(), key.sk.as_str());
            match stored {
                Some(stored) => items.insert(key, stored.row()).map(drop).map_err(storage)?,
                None => items.remove(key).map(drop).map_err(storage)?,
            }
        }
        let mut notes = transaction.open_table(NOTES).map_err(storage)?;
        for (name, text) in &self.notes {
            match text {
                Some(text) => notes.insert(name.as_str(), text.as_ref()).map(drop).map_err(storage)?,
                None => notes.remove(name.as_str()).map(drop).map_err(storage)?,
            }
        }
        Ok(())
    }

    /// The store has all of it.
    pub(super) fn was_written(&mut self, durability: redb::Durability) {
        self.items.clear();
        self.notes.clear();
        self.bytes = 0;
        if matches!(durability, redb::Durability::Immediate) {
            self.commits = 0;
        }
    }
}

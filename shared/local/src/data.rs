//! The data folder: the table in a file, and what the host writes down for itself beside it, so that a host which is
//! stopped and started again goes on with what it had. One process at a time: the table's file is locked.

use crate::configuration::Texts;
use crate::host::Host;
use crate::queue::Held;
use crate::sample::{Planted, Seen};
use domain::day::Day;
use domain::id::AccountId;
use jiff::Timestamp;
use platform::clock::Clock;
use platform::table::TableError;
use platform::table::embedded::{EmbeddedTable, OpenError};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The file of the table, in the data folder.
pub const TABLE_FILE: &str = "state.redb";

const STANDING: &str = "standing";
const QUEUES: &str = "queues";
const CONFIGURATION: &str = "configuration";

/// Why the data folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// The folder cannot be made.
    #[error("data folder `{}` cannot be made; name another one with --data", .path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The table's file cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The table fails.
    #[error(transparent)]
    Table(#[from] TableError),
    /// What the host wrote down cannot be read.
    #[error(
        "what the host wrote down in the data folder cannot be read (`{name}`): {reason}; move the folder away to start afresh"
    )]
    Note {
        /// Which note.
        name: &'static str,
        /// Why.
        reason: String,
    },
}

/// Where the host stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// What the data folder was filled with.
    pub content: Content,
    /// What time it was.
    pub now: Timestamp,
}

/// What a data folder was filled with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "content", rename_all = "snake_case")]
pub enum Content {
    /// The sample portfolio.
    Sample(Played),
    /// Facts that come in as they happen: time is the wall's.
    Own,
    /// Facts of the past that were imported in the order of their time: time stands where they end.
    History,
}

/// How far the sample was played.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Played {
    /// The seed of the sample.
    pub seed: u64,
    /// How many of its days are done.
    pub days: i32,
    /// How many records came in.
    pub records: u64,
    /// What the functions made of it.
    pub seen: Vec<Sighting>,
}

/// Something that the functions made of the facts, as it is written down.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Sighting {
    /// On which account.
    pub account: AccountId,
    /// By which rule.
    pub rule: String,
    /// When.
    pub at: Timestamp,
}

impl Played {
    /// Nothing was played yet.
    pub const fn nothing(seed: u64) -> Self {
        Self { seed, days: 0, records: 0, seen: Vec::new() }
    }

    /// Rule by rule, how much of what was planted was found.
    pub fn assessment(&self, planted: &[Planted]) -> std::collections::BTreeMap<String, crate::sample::Assessment> {
        let seen: Vec<Seen> = self
            .seen
            .iter()
            .map(|seen| Seen { account: seen.account.clone(), rule: seen.rule.clone(), on: Day::of(seen.at) })
            .collect();
        crate::sample::by_rule(planted, &seen)
    }
}

/// Opens the table of a data folder, or one in memory.
pub fn open(folder: Option<&Path>, clock: Arc<dyn Clock>) -> Result<Arc<EmbeddedTable>, DataError> {
    let Some(folder) = folder else {
        return Ok(Arc::new(EmbeddedTable::memory(clock)?));
    };
    std::fs::create_dir_all(folder).map_err(|source| DataError::Folder { path: folder.to_owned(), source })?;
    Ok(Arc::new(EmbeddedTable::open(&folder.join(TABLE_FILE), clock)?))
}

/// Where the host stood when it was stopped.
pub fn standing(table: &EmbeddedTable) -> Result<Option<Standing>, DataError> {
    read(table, STANDING)
}

/// Writes down where the host stands, and what its queues hold.
pub fn keep(table: &EmbeddedTable, host: &Host, content: &Content) -> Result<(), DataError> {
    write(table, STANDING, &Standing { content: content.clone(), now: host.now() })?;
    write(table, QUEUES, &host.queues().hold())
}

/// The configuration files that the folder was given.
pub fn configuration(table: &EmbeddedTable) -> Result<Option<Texts>, DataError> {
    read(table, CONFIGURATION)
}

/// Writes down which configuration files the folder was given.
pub fn remember_configuration(table: &EmbeddedTable, texts: &Texts) -> Result<(), DataError> {
    write(table, CONFIGURATION, texts)
}

/// Puts back what the queues held.
pub fn restore_queues(table: &EmbeddedTable, host: &Host) -> Result<(), DataError> {
    if let Some(held) = read::<Held>(table, QUEUES)? {
        host.queues().restore(held, host.now());
    }
    Ok(())
}

fn read<T: for<'de> Deserialize<'de>>(table: &EmbeddedTable, name: &'static str) -> Result<Option<T>, DataError> {
    let note = table.note(name)?;
    let read = |note: bytes::Bytes| serde_json::from_slice(&note);
    note.map(read).transpose().map_err(|error| DataError::Note { name, reason: error.to_string() })
}

fn write<T: Serialize>(table: &EmbeddedTable, name: &'static str, value: &T) -> Result<(), DataError> {
    let text = serde_json::to_vec(value).map_err(|error| DataError::Note { name, reason: error.to_string() })?;
    Ok(table.set_note(name, Some(&text))?)
}

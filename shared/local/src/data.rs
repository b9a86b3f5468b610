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
use platform::table::embedded::{Durability, EmbeddedTable, OpenError};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

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

/// Puts on the disk what the table holds, where the host stands and what its queues hold, together.
pub fn keep(table: &EmbeddedTable, host: &Host, content: &Content) -> Result<(), DataError> {
    write(table, STANDING, &Standing { content: content.clone(), now: host.now() })?;
    write(table, QUEUES, &host.queues().hold())?;
    Ok(table.flush()?)
}

/// How often the host's time is written down while nothing else happens, in seconds.
const KEPT_EVERY_SECONDS: i64 = 60;

/// Writes down, before an answer goes out, all that it set going: what the table holds and what the queues hold come on
/// the disk together, so that a host which is killed has all of an answer or nothing of it.
pub struct Keeper {
    table: Arc<EmbeddedTable>,
    content: Content,
    kept: Mutex<Option<(Held, Timestamp)>>,
}

impl Keeper {
    /// Keeps this table from now on. Commits wait for [`Keeper::keep`] to be on the disk.
    pub fn new(table: Arc<EmbeddedTable>, content: Content) -> Self {
        table.set_durability(Durability::OnFlush);
        Self { table, content, kept: Mutex::default() }
    }

    /// Puts everything on the disk, when something changed or a minute passed.
    pub fn keep(&self, host: &Host) -> Result<(), DataError> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let (held, now) = (host.queues().hold(), host.now());
        let stands = |(before, at): &(Held, Timestamp)| {
            *before == held && now.duration_since(*at).as_secs() < KEPT_EVERY_SECONDS
        };
        if self.table.is_flushed() && kept.as_ref().is_some_and(stands) {
            return Ok(());
        }
        keep(&self.table, host, &self.content)?;
        *kept = Some((held, now));
        Ok(())
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::StandingClock;
    use crate::sample::START;

    fn refusal(folder: &Path) -> String {
        open(Some(folder), Arc::new(StandingClock::new(START.start()))).map(drop).unwrap_err().to_string()
    }

    #[test]
    fn a_data_folder_that_cannot_be_used_is_named_and_left_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(TABLE_FILE);
        std::fs::write(&file, b"somebody's notes").unwrap();
        assert!(refusal(folder.path()).contains(&file.display().to_string()), "{}", refusal(folder.path()));
        let below_a_file = file.join("data");
        assert!(refusal(&below_a_file).contains("name another one with --data"), "{}", refusal(&below_a_file));
        assert_eq!(std::fs::read(&file).unwrap(), b"somebody's notes");
    }

    #[test]
    fn a_note_of_the_host_that_cannot_be_read_is_named_with_what_to_do() {
        let table = open(None, Arc::new(StandingClock::new(START.start()))).unwrap();
        assert_eq!(standing(&table).unwrap(), None);
        table.set_note(STANDING, Some(br#"{"now":"soon"}"#)).unwrap();
        let refusal = standing(&table).unwrap_err().to_string();
        assert!(refusal.contains("`standing`") && refusal.contains("move the folder away"), "{refusal}");
    }

    fn export(table: &EmbeddedTable) -> String {
        let mut text = Vec::new();
        crate::command::write_state(table, &mut text).unwrap();
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn a_host_that_is_killed_has_all_of_an_answer_or_nothing_of_it() {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(StandingClock::new(START.start()));
        let table = open(Some(folder.path()), clock.clone()).unwrap();
        let parts = crate::host::Parts {
            wiring: crate::wiring::Wiring::read(crate::command::TEMPLATE, &std::collections::BTreeMap::new()).unwrap(),
            table: table.clone(),
            clock: clock.clone(),
            faults: crate::faults::Faults::none(),
            metrics: Arc::new(platform::metrics::Nowhere),
            witness: crate::bus::nobody(),
        };
        let mut host = Host::new(parts, crate::functions::build).unwrap();
        let client = crate::play::client(clock).unwrap();
        let keeper = Keeper::new(table.clone(), Content::Own);
        let describe = |host: &mut Host, account: &str| {
            let body = serde_json::json!({
                "name": account, "arr_cents": 1, "segment": "enterprise", "stage": "steady",
            });
            let ask = crate::client::Ask {
                function: "ingest",
                method: "PUT",
                route: "/accounts/{id}",
                parameters: &[("id", account)],
                id: account,
            };
            client.expect::<_, serde_json::Value>(host, &ask, &body).unwrap();
        };
        // What a crash would leave behind: the file as it is at this moment.
        let after_crash = || {
            let copy = tempfile::tempdir().unwrap();
            std::fs::copy(folder.path().join(TABLE_FILE), copy.path().join(TABLE_FILE)).unwrap();
            let table = open(Some(copy.path()), Arc::new(StandingClock::new(START.start()))).unwrap();
            let waiting = read::<Held>(&table, QUEUES).unwrap();
            (export(&table), waiting)
        };
        describe(&mut host, "acme");
        host.pump();
        keeper.keep(&host).unwrap();
        let answered = (export(&table), Some(host.queues().hold()));
        assert!(answered.0.contains("acme"));
        assert_eq!(after_crash(), answered);

        // In the middle of an answer: what ingest wrote, and a message that nobody handled yet.
        describe(&mut host, "globex");
        assert!(export(&table).contains("globex") && host.queues().waiting() > 0);
        assert_eq!(after_crash(), answered);

        // Answered before everything was handled: the message is there again.
        keeper.keep(&host).unwrap();
        assert_eq!(after_crash(), (export(&table), Some(host.queues().hold())));
        assert!(host.queues().waiting() > 0);
    }
}

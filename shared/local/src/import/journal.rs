//! How far an import has come, and what it refused: two files that survive being killed between any two steps.
//!
//! The position is replaced in one step after each batch. It holds how long the file of refused records was then; what
//! stands behind that was written by a batch that is sent again, and is cut off.

use contract::problem::Fault;
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// Why the files beside an import cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("cannot {doing} `{path}`: {reason}")]
pub struct JournalError {
    doing: &'static str,
    path: PathBuf,
    reason: String,
}

/// How far an import has come.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Position {
    /// Names the file's content, the mapping, the order and the tenant: another import starts at the beginning.
    pub import: String,
    /// How often this import was started.
    pub starts: u32,
    /// How many records are done.
    pub done: u64,
    /// How many of them were accepted.
    pub accepted: u64,
    /// How many of them stand twice in the file.
    pub duplicates: u64,
    /// How many of them were refused.
    pub refused: u64,
    /// How long the file of refused records is.
    pub refused_bytes: u64,
    /// Whether all records are done.
    pub complete: bool,
}

/// A record that was refused, in the file of refused records.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// The line of the imported file.
    pub line: u64,
    /// Why.
    pub errors: Vec<Fault>,
    /// Where it lies in quarantine, where it got that far.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quarantine_id: Option<String>,
    /// As it stands in the file.
    pub original: String,
}

/// The two files.
pub struct Journal {
    /// How far the import has come.
    pub position: Position,
    position_path: PathBuf,
    refused_path: PathBuf,
    refused: Option<File>,
}

impl Journal {
    /// Reads how far the import of this name has come; any other one starts at the beginning. Nothing is written yet.
    pub fn open(import: &str, position_path: &Path, refused_path: &Path) -> Result<Self, JournalError> {
        let mut position = match std::fs::read(position_path) {
            Ok(bytes) => serde_json::from_slice::<Position>(&bytes)
                .map_err(|error| fault("read", position_path, &format!("{error}; remove it to start anew")))?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Position::default(),
            Err(error) => return Err(fault("read", position_path, &error)),
        };
        if position.import != import {
            position = Position { import: import.to_owned(), ..Position::default() };
        }
        let (position_path, refused_path) = (position_path.to_owned(), refused_path.to_owned());
        Ok(Self { position, position_path, refused_path, refused: None })
    }

    /// Begins another start: from here on the files are written.
    pub fn begin(&mut self) -> Result<(), JournalError> {
        self.position.starts = self.position.starts.saturating_add(1);
        let refused = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&self.refused_path)
            .map_err(|error| fault("open", &self.refused_path, &error))?;
        refused.set_len(self.position.refused_bytes).map_err(|error| fault("shorten", &self.refused_path, &error))?;
        self.refused = Some(refused);
        self.write()
    }

    fn refused(&self) -> Result<&File, JournalError> {
        self.refused.as_ref().ok_or_else(|| fault("write", &self.refused_path, &"the import was not begun"))
    }

    /// Adds a refused record.
    pub fn refuse(&mut self, refusal: &Refusal) -> Result<(), JournalError> {
        let failed = |reason: &dyn std::fmt::Display| fault("write", &self.refused_path, reason);
        let mut line = serde_json::to_vec(refusal).map_err(|error| failed(&error))?;
        line.push(b'\n');
        self.refused()?.write_all(&line).map_err(|error| failed(&error))?;
        self.position.refused += 1;
        self.position.refused_bytes += u64::try_from(line.len()).unwrap_or_default();
        Ok(())
    }

    /// Makes the position last.
    pub fn save(&mut self, records: u64) -> Result<(), JournalError> {
        self.refused()?.sync_data().map_err(|error| fault("write", &self.refused_path, &error))?;
        self.position.done += records;
        self.write()
    }

    fn write(&self) -> Result<(), JournalError> {
        let failed = |reason: &dyn std::fmt::Display| fault("write", &self.position_path, reason);
        let bytes = serde_json::to_vec(&self.position).map_err(|error| failed(&error))?;
        let beside = self.position_path.with_extension("new");
        let mut file = File::create(&beside).map_err(|error| failed(&error))?;
        file.write_all(&bytes).and_then(|()| file.sync_data()).map_err(|error| failed(&error))?;
        std::fs::rename(&beside, &self.position_path).map_err(|error| failed(&error))
    }
}

fn fault(doing: &'static str, path: &Path, reason: &dyn std::fmt::Display) -> JournalError {
    JournalError { doing, path: path.to_owned(), reason: reason.to_string() }
}

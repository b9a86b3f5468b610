//! `cs-ops export`: every item that has not expired, one JSON object a line, in the order of the keys. The same state
//! gives the same bytes.

use super::DATA;
use clap::Args;
use jiff::Timestamp;
use platform::table::Item;
use platform::table::embedded::EmbeddedTable;
use serde::Serialize;
use serde_json::value::RawValue;
use std::error::Error;
use std::io::{BufWriter, Write};
use std::path::PathBuf;

/// What is exported.
#[derive(Debug, Args)]
pub struct Export {
    /// The data folder
    #[arg(long, value_name = "FOLDER", default_value = DATA)]
    data: PathBuf,
}

#[derive(Serialize)]
struct Line<'a> {
    pk: &'a str,
    sk: &'a str,
    version: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<Timestamp>,
    body: &'a RawValue,
}

impl Export {
    pub(super) fn execute(self, out: &mut impl Write) -> Result<(), Box<dyn Error>> {
        let (table, _) = super::open_filled(&self.data)?;
        write(&table, &mut BufWriter::new(out))
    }
}

/// Writes the state of a table.
pub fn write(table: &EmbeddedTable, out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    for item in table.export()? {
        let Item { key, version, body, expires_at } = item?;
        let body: &RawValue =
            serde_json::from_slice(&body).map_err(|error| format!("item {key:?} is not JSON: {error}"))?;
        serde_json::to_writer(&mut *out, &Line { pk: &key.pk, sk: &key.sk, version, expires_at, body })?;
        out.write_all(b"\n")?;
    }
    Ok(out.flush()?)
}

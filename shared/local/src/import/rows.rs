//! The rows of a file, one by one: each with its line, its original text and its values by column.
//!
//! A row that cannot be read is a row with a fault; the rows behind it are read all the same.

use contract::mapping::{Format, MappingFile};
use serde_json::Value;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// The longest row, in bytes.
pub const MAX_ROW_BYTES: usize = 64 * 1024;

/// Why a file cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum RowsError {
    /// The system says so.
    #[error("cannot read `{path}`: {reason}")]
    File {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        reason: String,
    },
    /// The mapping names a column that the file does not have.
    #[error("the mapping names the column `{column}`, which the file does not have; it has {}", .has.join(", "))]
    Column {
        /// The column.
        column: String,
        /// The file's columns.
        has: Vec<String>,
    },
}

/// A row of the file.
#[derive(Debug)]
pub struct Row {
    /// The line on which it begins, from 1.
    pub line: u64,
    /// As it stands in the file.
    pub original: String,
    /// Its values, or why it has none.
    pub values: Result<Values, String>,
}

/// The values of a row.
#[derive(Debug)]
pub enum Values {
    /// By the columns' places.
    Csv(csv::StringRecord, std::sync::Arc<BTreeMap<String, usize>>),
    /// By the fields' names.
    Json(Value),
}

impl Values {
    /// The value in a column; nothing where it is absent, empty or null.
    pub fn get(&self, column: &str) -> Option<Cow<'_, str>> {
        let text = match self {
            Self::Csv(record, places) => Cow::Borrowed(record.get(*places.get(column)?)?.trim()),
            Self::Json(object) => {
                // A field whose own name has dots goes before a path of that name.
                let value =
                    object.get(column).or_else(|| column.split('.').try_fold(object, |value, name| value.get(name)))?;
                match value {
                    Value::String(text) => Cow::Borrowed(text.trim()),
                    Value::Number(number) => Cow::Owned(number.to_string()),
                    Value::Bool(yes) => Cow::Borrowed(if *yes { "true" } else { "false" }),
                    Value::Null | Value::Array(_) | Value::Object(_) => return None,
                }
            }
        };
        Some(text).filter(|text| !text.is_empty())
    }
}

/// Reads the rows of a file.
pub enum Rows {
    /// Of a CSV file; the second handle fetches originals.
    Csv {
        /// The reader.
        reader: Box<csv::Reader<File>>,
        /// Where each column stands.
        places: std::sync::Arc<BTreeMap<String, usize>>,
        /// The same file once more.
        originals: File,
    },
    /// Of a file of JSON lines.
    Ndjson {
        /// The reader.
        reader: BufReader<File>,
        /// The line that was read last.
        line: u64,
    },
}

impl Rows {
    /// Opens the file. Columns that the mapping names must be there.
    pub fn open(path: &Path, mapping: &MappingFile, columns: &[String]) -> Result<Self, RowsError> {
        let fault = |reason: String| RowsError::File { path: path.to_owned(), reason };
        let open = || File::open(path).map_err(|error| fault(error.to_string()));
        if mapping.format == Format::Ndjson {
            return Ok(Self::Ndjson { reader: BufReader::new(open()?), line: 0 });
        }
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(mapping.columns.is_none())
            .flexible(true)
            .delimiter(u8::try_from(mapping.delimiter.unwrap_or(',')).unwrap_or(b','))
            .from_reader(open()?);
        let names: Vec<String> = match &mapping.columns {
            Some(columns) => columns.clone(),
            None => reader
                .headers()
                .map_err(|error| fault(error.to_string()))?
                .iter()
                .map(|name| name.trim().to_owned())
                .collect(),
        };
        if let Some(column) = columns.iter().find(|column| !names.contains(column)) {
            return Err(RowsError::Column { column: column.clone(), has: names });
        }
        let places = names.into_iter().enumerate().map(|(place, name)| (name, place)).collect();
        Ok(Self::Csv { reader: Box::new(reader), places: std::sync::Arc::new(places), originals: open()? })
    }

    /// The next row; nothing at the end of the file.
    pub fn next_row(&mut self) -> Option<std::io::Result<Row>> {
        match self {
            Self::Csv { reader, places, originals } => next_csv(reader, places, originals).transpose(),
            Self::Ndjson { reader, line } => next_json(reader, line).transpose(),
        }
    }
}

fn next_csv(
    reader: &mut csv::Reader<File>,
    places: &std::sync::Arc<BTreeMap<String, usize>>,
    originals: &mut File,
) -> std::io::Result<Option<Row>> {
    let mut record = csv::ByteRecord::new();
    if !reader.read_byte_record(&mut record)? {
        return Ok(None);
    }
    let (from, line) = record.position().map_or((0, 0), |position| (position.byte(), position.line()));
    let length = usize::try_from(reader.position().byte().saturating_sub(from)).unwrap_or(usize::MAX);
    let mut original = vec![0; length.min(MAX_ROW_BYTES)];
    originals.seek(SeekFrom::Start(from))?;
    originals.read_exact(&mut original)?;
    let original = String::from_utf8_lossy(&original).trim_matches(['\r', '\n']).to_owned();
    let values = if length > MAX_ROW_BYTES {
        Err(too_long())
    } else if record.len() != places.len() {
        Err(format!("has {} values; the file has {} columns", record.len(), places.len()))
    } else {
        let text = csv::StringRecord::from_byte_record(record).map_err(|_| "is not UTF-8".to_owned());
        text.map(|record| Values::Csv(record, places.clone()))
    };
    Ok(Some(Row { line, original, values }))
}

fn next_json(reader: &mut BufReader<File>, line: &mut u64) -> std::io::Result<Option<Row>> {
    loop {
        let mut bytes = Vec::new();
        // One byte more than allowed, and the end of the line, tell a long row from one that just fits.
        let limit = u64::try_from(MAX_ROW_BYTES).unwrap_or(u64::MAX) + 2;
        if reader.by_ref().take(limit).read_until(b'\n', &mut bytes)? == 0 {
            return Ok(None);
        }
        *line += 1;
        let too_many = !bytes.ends_with(b"\n") && bytes.len() > MAX_ROW_BYTES;
        if too_many {
            skip_line(reader)?;
        }
        let original = String::from_utf8_lossy(&bytes).trim_matches(['\r', '\n']).to_owned();
        if original.trim().is_empty() {
            continue;
        }
        let values = if too_many {
            Err(too_long())
        } else {
            match serde_json::from_slice::<Value>(&bytes) {
                Ok(value @ Value::Object(_)) => Ok(Values::Json(value)),
                Ok(_) => Err("is not a JSON object".to_owned()),
                Err(error) => Err(format!("is not JSON: {error}")),
            }
        };
        return Ok(Some(Row { line: *line, original, values }));
    }
}

fn skip_line(reader: &mut BufReader<File>) -> std::io::Result<()> {
    loop {
        let (used, done) = {
            let buffer = reader.fill_buf()?;
            match buffer.iter().position(|byte| *byte == b'\n') {
                Some(end) => (end + 1, true),
                None => (buffer.len(), buffer.is_empty()),
            }
        };
        reader.consume(used);
        if done {
            return Ok(());
        }
    }
}

fn too_long() -> String {
    format!("is longer than {MAX_ROW_BYTES} bytes")
}

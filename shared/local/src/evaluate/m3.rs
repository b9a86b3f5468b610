//! The series of the M3 competition, as the parts that are measured on them read them.

use super::{Problem, text};
use std::path::Path;

const FILE: &str = "m3.csv";

/// One series with its end, which is never shown to what is measured.
pub(super) struct Series {
    /// Values a year; 0 where that is not said.
    pub frequency: usize,
    pub known: Vec<f64>,
    pub end: Vec<f64>,
}

impl Series {
    /// The season that there may be.
    pub(super) fn period(&self) -> usize {
        self.frequency.max(1)
    }

    /// The known values, none of them missing.
    pub(super) fn values(&self) -> Vec<Option<f64>> {
        self.known.iter().copied().map(Some).collect()
    }
}

/// All series of the folder.
pub(super) fn series(folder: &Path) -> Result<Vec<Series>, Problem> {
    let text = text(folder, FILE)?;
    let wrong = |reason: String| Problem::Malformed { path: folder.join(FILE), reason };
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let mut series = Vec::new();
    for (row, record) in reader.records().enumerate() {
        let record = record.map_err(|error| wrong(error.to_string()))?;
        let field = |place: usize| record.get(place).unwrap_or_default();
        let numbers = |place: usize| -> Result<Vec<f64>, Problem> {
            let parsed = field(place).split_whitespace().map(str::parse).collect::<Result<Vec<f64>, _>>();
            parsed.map_err(|error| wrong(format!("row {}: {error}", row + 2)))
        };
        let frequency = match field(1) {
            "OTHER" => 0,
            _ => field(2).parse().map_err(|error| wrong(format!("row {}: {error}", row + 2)))?,
        };
        series.push(Series { frequency, known: numbers(5)?, end: numbers(6)? });
    }
    Ok(series)
}

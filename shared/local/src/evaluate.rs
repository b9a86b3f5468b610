//! How good the predictions are on data that nobody here made: one part per task, each measured on a public set, ours
//! beside the best figure that others reach on exactly the same file.
//!
//! A part learns on training parts alone and is measured on the test part once; it never chooses anything by what it is
//! measured on. A part whose file is not there is skipped, and said to be.

mod anomaly;
mod change_point;
mod churn;
mod expansion;
mod folds;
mod forecast;
mod lapse;
mod m3;
mod trend;

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// One measured figure.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// What is predicted, such as `churn`.
    pub task: &'static str,
    /// The data set and the part of it, such as `Telco`.
    pub set: String,
    /// What is measured, such as `AUC`.
    pub figure: String,
    /// What this program reaches.
    pub ours: f64,
    /// What the best of the others reaches; not a number where there is nothing to compare with.
    pub theirs: f64,
    /// Who the best of the others is.
    pub theirs_by: &'static str,
    /// Which side is the better one.
    pub better: Better,
}

/// Which side of a figure is the better one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Better {
    /// The more the better.
    Higher,
    /// The less the better.
    Lower,
    /// Good from the first to the second, both included: the coverage of an interval.
    Within(f64, f64),
}

impl Row {
    /// How the two compare: `ahead`, `equal`, `behind`; `holds` or `misses` its range; nothing where there is nothing to
    /// compare with. Figures that are printed alike are equal.
    pub fn verdict(&self) -> &'static str {
        let equal = rounded(self.ours) == rounded(self.theirs);
        match self.better {
            Better::Within(low, high) if (low..=high).contains(&self.ours) => "holds",
            Better::Within(..) => "misses",
            _ if self.theirs.is_nan() => "",
            _ if equal => "equal",
            Better::Higher if self.ours > self.theirs => "ahead",
            Better::Lower if self.ours < self.theirs => "ahead",
            Better::Higher | Better::Lower => "behind",
        }
    }
}

/// Why a part has no figures.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// Its file is not in the folder.
    #[error("`{}` is not there", .0.display())]
    Missing(PathBuf),
    /// Its file cannot be read.
    #[error("`{}` cannot be read", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// Its file is not what it should be.
    #[error("`{}` is not as expected: {reason}", .path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        reason: String,
    },
    /// Nothing could be computed.
    #[error("{0}")]
    Failed(String),
}

/// One task on one set.
#[derive(Debug, Clone, Copy)]
pub struct Part {
    /// Its name, as it is asked for.
    pub name: &'static str,
    /// Measures it on the files of a folder.
    pub measure: fn(&Path) -> Result<Vec<Row>, Problem>,
}

/// Every part, in the order in which they are printed.
pub const PARTS: &[Part] = &[
    Part { name: "churn", measure: churn::measure },
    Part { name: "lapse", measure: lapse::measure },
    Part { name: "expansion", measure: expansion::measure },
    Part { name: "forecast", measure: forecast::measure },
    Part { name: "trend", measure: trend::measure },
    Part { name: "anomaly", measure: anomaly::measure },
    Part { name: "change-point", measure: change_point::measure },
];

/// The text of a file of the folder.
pub fn text(folder: &Path, name: &str) -> Result<String, Problem> {
    let path = folder.join(name);
    std::fs::read_to_string(&path).map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => Problem::Missing(path),
        _ => Problem::Unreadable { path, source },
    })
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Parts with figures.
    pub measured: usize,
    /// Parts whose file is not there.
    pub skipped: usize,
    /// Parts that could not be measured though their file is there.
    pub failed: usize,
}

/// Measures the parts and prints each table as soon as it is there.
pub fn run(out: &mut impl Write, folder: &Path, parts: &[Part]) -> io::Result<Tally> {
    let mut tally = Tally::default();
    for part in parts {
        match (part.measure)(folder) {
            Ok(rows) => {
                tally.measured += 1;
                writeln!(out, "{}\n", table(&rows))?;
            }
            Err(problem @ Problem::Missing(_)) => {
                tally.skipped += 1;
                writeln!(out, "{}: skipped, {problem}\n", part.name)?;
            }
            Err(problem) => {
                tally.failed += 1;
                let causes = std::iter::successors(std::error::Error::source(&problem), |cause| cause.source());
                let text = causes.fold(problem.to_string(), |text, cause| format!("{text}: {cause}"));
                writeln!(out, "{}: not measured, {text}\n", part.name)?;
            }
        }
        out.flush()?;
    }
    let Tally { measured, skipped, failed } = tally;
    writeln!(out, "{measured} measured, {skipped} skipped, {failed} not measured")?;
    Ok(tally)
}

fn table(rows: &[Row]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(["task", "set", "figure", "ours", "theirs", "by", "better", ""]);
    for row in rows {
        let better = match row.better {
            Better::Higher => "higher".to_owned(),
            Better::Lower => "lower".to_owned(),
            Better::Within(low, high) => format!("{low} to {high}"),
        };
        let (ours, theirs) = (rounded(row.ours), rounded(row.theirs));
        let words = [row.task, &row.set, &row.figure, &ours, &theirs, row.theirs_by, &better, row.verdict()];
        table.add_row(words.map(str::to_owned));
    }
    for column in [3, 4] {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

/// Four decimals, two from ten on; nothing for what is not there.
fn rounded(figure: f64) -> String {
    match figure {
        _ if figure.is_nan() => String::new(),
        _ if figure.abs() < 10.0 => format!("{figure:.4}"),
        _ => format!("{figure:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(ours: f64, theirs: f64, better: Better) -> Row {
        Row { task: "t", set: "s".to_owned(), figure: "f".to_owned(), ours, theirs, theirs_by: "x", better }
    }

    #[track_caller]
    fn check(ours: f64, theirs: f64, better: Better, verdict: &str) {
        assert_eq!(row(ours, theirs, better).verdict(), verdict);
    }

    #[test]
    fn figures_are_judged_by_their_better_side() {
        check(0.9, 0.8, Better::Higher, "ahead");
        check(0.8, 0.9, Better::Higher, "behind");
        check(0.9, 0.8, Better::Lower, "behind");
        check(0.8, 0.9, Better::Lower, "ahead");
        check(0.800_01, 0.8, Better::Lower, "equal");
        check(0.8, f64::NAN, Better::Higher, "");
        check(0.8, 0.7, Better::Within(0.77, 0.83), "holds");
        check(0.84, f64::NAN, Better::Within(0.77, 0.83), "misses");
        check(f64::NAN, 0.5, Better::Higher, "behind");
    }

    #[test]
    fn a_part_without_its_file_is_skipped_and_said_to_be_and_one_that_fails_is_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let parts = [
            Part { name: "absent", measure: |folder| text(folder, "no.csv").map(|_| Vec::new()) },
            Part { name: "wrong", measure: |_| Err(Problem::Failed("nothing to learn from".to_owned())) },
            Part { name: "there", measure: |_| Ok(vec![row(0.851_23, 0.85, Better::Higher)]) },
        ];
        let mut out = Vec::new();
        let tally = run(&mut out, folder.path(), &parts).unwrap();
        assert_eq!(tally, Tally { measured: 1, skipped: 1, failed: 1 });
        let out = String::from_utf8(out).unwrap();
        assert!(out.contains("absent: skipped, `") && out.contains("no.csv` is not there"), "{out}");
        assert!(out.contains("wrong: not measured, nothing to learn from"), "{out}");
        assert!(out.contains("0.8512") && out.contains("0.8500") && out.contains("ahead"), "{out}");
    }
}

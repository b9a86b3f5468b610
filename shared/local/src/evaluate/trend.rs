//! Trend direction on the M3 competition: is the next year above the last one? Accuracy against the share of series for
//! which something is said, the surest first.

use super::m3;
use super::{Better, Problem, Row};
use domain::analytics::forecast::forecast;
use std::path::Path;

const GROUPS: [(usize, &str, f64); 2] = [(12, "monthly", 0.672), (4, "quarterly", 0.753)];
/// Shares of the series for which something is said.
const COVERAGES: [(usize, &str); 4] =
    [(100, "accuracy"), (80, "accuracy, surest 80 %"), (60, "accuracy, surest 60 %"), (40, "accuracy, surest 40 %")];

/// Measures both groups.
pub(super) fn measure(folder: &Path) -> Result<Vec<Row>, Problem> {
    let all = m3::series(folder)?;
    let mut rows = Vec::new();
    for (frequency, name, theirs) in GROUPS {
        let mut said = Vec::new();
        for series in all.iter().filter(|series| series.frequency == frequency) {
            said.extend(direction(series)?);
        }
        said.sort_by(|one, other| other.0.total_cmp(&one.0));
        for (coverage, figure) in COVERAGES {
            let count = said.len() * coverage / 100;
            let right = said.iter().take(count).filter(|(_, right)| *right).count();
            let (theirs, theirs_by) = if coverage == 100 { (theirs, "STL with ETS") } else { (f64::NAN, "") };
            rows.push(Row {
                task: "trend direction",
                set: format!("M3 {name}"),
                figure: figure.to_owned(),
                ours: right as f64 / count as f64,
                theirs,
                theirs_by,
                better: Better::Higher,
            });
        }
    }
    Ok(rows)
}

/// How sure the direction is, and whether it is the right one.
fn direction(series: &m3::Series) -> Result<Option<(f64, bool)>, Problem> {
    let period = series.period();
    let (Some(last), Some(next)) =
        (series.known.get(series.known.len().saturating_sub(period)..), series.end.get(..period))
    else {
        return Ok(None);
    };
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let expected = forecast(&series.values(), period, period).map_err(|error| Problem::Failed(error.to_string()))?;
    let outlook = expected.outlook(mean(last));
    Ok(Some((outlook.confidence, outlook.rises == (mean(next) > mean(last)))))
}

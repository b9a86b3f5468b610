//! Expansion on the Caravan set (4,649 customers, of whom 6 in a hundred buy), as a ranking: who should be asked first. Its
//! accuracy would say nothing, for nobody to buy is right of 94 in a hundred.

use super::folds::{mean, predict};
use super::{Better, Problem, Row, text};
use crate::examples::{Columns, Sheet};
use domain::risk::measure;
use domain::risk::model::Kind;
use std::path::Path;

const FILE: &str = "caravan.csv";

/// Measures it.
pub fn measure(folder: &Path) -> Result<Vec<Row>, Problem> {
    let malformed =
        |error: &dyn std::error::Error| Problem::Malformed { path: folder.join(FILE), reason: error.to_string() };
    let sheet = Sheet::read(&text(folder, FILE)?).map_err(|error| malformed(&error))?;
    let columns = Columns { outcome: "Purchase", happened: "Yes", protected: &[], left_out: &["fold"] };
    let examples = sheet.examples(&columns).map_err(|error| malformed(&error))?;
    let folds = sheet.column("fold").map_err(|error| malformed(&error))?;
    let folds: Vec<u8> =
        folds.iter().map(|fold| fold.parse()).collect::<Result<_, _>>().map_err(|error| malformed(&error))?;
    let all = predict(Kind::Expansion, &examples, &folds, true)?;
    let row = |figure: &str, ours: f64, (theirs, theirs_by): (f64, &'static str), better: Better| Row {
        task: "expansion",
        set: "Caravan".to_owned(),
        figure: figure.to_owned(),
        ours,
        theirs,
        theirs_by,
        better,
    };
    Ok(vec![
        row("AUC", mean(&all, measure::auc), (0.7593, "mean of seven"), Better::Higher),
        row("log loss", mean(&all, measure::log_loss), (0.2004, "small LightGBM"), Better::Lower),
        row("lift in the top tenth", mean(&all, measure::lift_in_top_tenth), (3.55, "small LightGBM"), Better::Higher),
    ])
}

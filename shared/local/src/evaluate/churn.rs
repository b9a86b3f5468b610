//! Churn on the Telco set (5,639 rows of a fictional company), each fold predicted from the others.
//!
//! The figures to compare with are of the best of eight learners, which saw every attribute, the protected ones too. What it
//! costs not to look at those is measured beside it.

use super::folds::{mean, pooled, predict};
use super::{Better, Problem, Row, text};
use crate::examples::{Columns, Sheet};
use domain::risk::measure;
use domain::risk::model::Kind;
use std::path::Path;

const FILE: &str = "telco.csv";
const PROTECTED: [&str; 4] = ["female", "senior_citizen", "partner", "dependents"];
const EBM: &str = "explainable boosting machine";

/// Measures it.
pub fn measure(folder: &Path) -> Result<Vec<Row>, Problem> {
    let malformed =
        |error: &dyn std::error::Error| Problem::Malformed { path: folder.join(FILE), reason: error.to_string() };
    let sheet = Sheet::read(&text(folder, FILE)?).map_err(|error| malformed(&error))?;
    let columns = Columns { outcome: "churn", happened: "Yes", protected: &PROTECTED, left_out: &["fold"] };
    let examples = sheet.examples(&columns).map_err(|error| malformed(&error))?;
    let folds = sheet.column("fold").map_err(|error| malformed(&error))?;
    let folds: Vec<u8> =
        folds.iter().map(|fold| fold.parse()).collect::<Result<_, _>>().map_err(|error| malformed(&error))?;
    let row = |set: &str, figure: &str, ours: f64, (theirs, theirs_by): (f64, &'static str), better: Better| Row {
        task: "churn",
        set: set.to_owned(),
        figure: figure.to_owned(),
        ours,
        theirs,
        theirs_by,
        better,
    };
    let (all, set) = (predict(Kind::Churn, &examples, &folds, true)?, "Telco");
    let known = pooled(&all, |fold| &fold.known);
    let issued = pooled(&all, |fold| &fold.issued);
    let surest = pooled(&all, |fold| &fold.surest);
    let share = |of: &[measure::Known]| of.len() as f64 / known.len() as f64;
    let figure = |figure: Option<f64>| figure.unwrap_or(f64::NAN);
    let nobody = (f64::NAN, "");
    let mut rows = vec![
        row(set, "AUC", mean(&all, measure::auc), (0.8523, EBM), Better::Higher),
        row(set, "log loss", mean(&all, measure::log_loss), (0.4069, EBM), Better::Lower),
        row(set, "Brier", mean(&all, measure::brier), (0.1323, EBM), Better::Lower),
        row(
            set,
            "calibration error",
            figure(measure::calibration_error(&known, 10)),
            (0.0099, "mean of five"),
            Better::Lower,
        ),
        row(set, "accuracy", mean(&all, measure::accuracy), (0.8039, EBM), Better::Higher),
        row(
            set,
            "accuracy of the surest, by the others' threshold",
            figure(measure::accuracy(&surest)),
            (0.8634, "mean of five"),
            Better::Higher,
        ),
        row(set, "coverage of the surest", share(&surest), (0.8, "mean of five"), Better::Higher),
        row(set, "accuracy of what is issued", figure(measure::accuracy(&issued)), nobody, Better::Within(0.85, 1.0)),
        row(set, "coverage of what is issued", share(&issued), nobody, Better::Higher),
    ];
    let (fair, set) = (predict(Kind::Churn, &examples, &folds, false)?, "Telco without protected attributes");
    rows.extend([
        row(set, "AUC", mean(&fair, measure::auc), (0.8523, EBM), Better::Higher),
        row(set, "log loss", mean(&fair, measure::log_loss), (0.4069, EBM), Better::Lower),
        row(set, "Brier", mean(&fair, measure::brier), (0.1323, EBM), Better::Lower),
    ]);
    Ok(rows)
}

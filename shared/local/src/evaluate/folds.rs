//! A set in folds: each fold is predicted by a model that learnt from the others alone.

use super::Problem;
use domain::risk::examples::Examples;
use domain::risk::measure::{self, Known};
use domain::risk::model::Kind;
use domain::risk::real::chance;
use domain::risk::train::{Recipe, train};
use std::collections::BTreeSet;

/// The seed of every model that is measured.
const SEED: u64 = 1;

/// What was predicted of one fold.
#[derive(Debug)]
pub struct Fold {
    /// Chance and outcome of each of its examples.
    pub known: Vec<Known>,
    /// Those about which the model did not abstain.
    pub issued: Vec<Known>,
    /// Those as sure as the surest four fifths of the held-out examples of the other folds.
    pub surest: Vec<Known>,
}

/// Predicts each fold.
pub fn predict(kind: Kind, examples: &Examples, folds: &[u8], with_protected: bool) -> Result<Vec<Fold>, Problem> {
    let names: BTreeSet<u8> = folds.iter().copied().collect();
    let failed = |error: &dyn std::error::Error| Problem::Failed(error.to_string());
    let mut all = Vec::new();
    for name in names {
        let rows = |inside: bool| {
            folds
                .iter()
                .enumerate()
                .filter(|(_, fold)| (**fold == name) == inside)
                .map(|(row, _)| row)
                .collect::<Vec<_>>()
        };
        let test = examples.select(&rows(true));
        let recipe = Recipe { seed: SEED, with_protected };
        let trained = train(kind, &examples.select(&rows(false)), recipe).map_err(|error| failed(&error))?;
        let mut sure: Vec<f64> = trained.held.iter().map(|(chance, _)| measure::sureness(*chance)).collect();
        sure.sort_by(f64::total_cmp);
        let enough = sure.get(sure.len() / 5).copied().unwrap_or(1.0);
        let mut fold = Fold { known: Vec::new(), issued: Vec::new(), surest: Vec::new() };
        for (row, outcome) in test.outcomes().iter().enumerate() {
            let log_odds = trained.model.log_odds(|name| test.value(row, name));
            let known = (chance(log_odds.to_f64()), *outcome);
            fold.known.push(known);
            if measure::sureness(known.0) >= trained.model.least_sureness.to_f64() {
                fold.issued.push(known);
            }
            if measure::sureness(known.0) >= enough {
                fold.surest.push(known);
            }
        }
        all.push(fold);
    }
    Ok(all)
}

/// The mean of a figure over the folds.
pub fn mean(folds: &[Fold], figure: impl Fn(&[Known]) -> Option<f64>) -> f64 {
    folds.iter().map(|fold| figure(&fold.known).unwrap_or(f64::NAN)).sum::<f64>() / folds.len() as f64
}

/// What the folds hold together.
pub fn pooled(folds: &[Fold], of: impl Fn(&Fold) -> &Vec<Known>) -> Vec<Known> {
    folds.iter().flat_map(|fold| of(fold).iter().copied()).collect()
}

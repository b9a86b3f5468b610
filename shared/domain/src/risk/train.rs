//! Trains a model: boosted tables and smoothed ones, their weighted mean as one set of tables.
//!
//! The same examples and recipe give the same model, byte for byte. Figures in its record are measured on held-out
//! examples; nothing that is not among the examples is looked at.

use super::additive::{Grid, Tables};
use super::boost::{Boosting, Shape, boost};
use super::examples::{Examples, Feature};
use super::logistic::Design;
use super::measure::{self, Known};
use super::model::{Kind, Model, Pair, Record, Single, rounded};
use super::real::{Generator, chance, cost};
use super::scale::Scale;
use super::smooth::smooth;
use crate::fixed::Quantity;

/// The least number of examples to which it happened, and of those to which it did not.
pub const LEAST_OUTCOMES: usize = 30;
/// The share of its predictions that shall be right.
pub const RIGHT: f64 = 0.85;
/// The most pairs of a model.
pub const MOST_PAIRS: usize = 40;
/// How many parts the examples are divided into; each learner learns that many times without one of them.
const PARTS: usize = 8;
/// How often they are divided anew, for more learners that differ.
const DIVISIONS: usize = 2;
/// The weights that the boosted tables may have, in tenths; the smoothed ones have the rest.
const WEIGHTS: [u8; 6] = [2, 3, 4, 5, 6, 8];
/// The weight that they have unless another one is better by more than a standard error. Of held-out examples a few runs of
/// boosting speak alone, and seem a little worse than the mean of all that is used.
const WEIGHT: u8 = 7;

/// Each feature in turn, slowly, and each time at a fifth of its cuts: the mean of many such trees is smooth.
const TURNS: Boosting = Boosting {
    shape: Shape::Turns,
    rate: 0.03,
    ridge: 1.0,
    least: 2.0,
    cuts: 0.2,
    share: 1.0,
    rounds: 1000,
    patience: 30,
};
/// What two features say together that neither says alone: the best of a few and the best beside it.
const BEST: Boosting = Boosting {
    shape: Shape::Best,
    rate: 0.04,
    ridge: 10.0,
    least: 5.0,
    cuts: 1.0,
    share: 0.25,
    rounds: 2000,
    patience: 50,
};

/// How a model is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recipe {
    /// The seed of every choice that is left to chance.
    pub seed: u64,
    /// Whether protected attributes are shown to it.
    pub with_protected: bool,
}

/// Why no model is made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TrainError {
    /// Too little is known.
    #[error("{happened} outcomes of `{}` and {others} without are too few to learn from; it takes {LEAST_OUTCOMES} of each", kind.name())]
    TooFew {
        /// What should be predicted.
        kind: Kind,
        /// To how many it happened.
        happened: usize,
        /// To how many it did not.
        others: usize,
    },
}

/// A model, and what was predicted of each example while it was held out.
#[derive(Debug, Clone)]
pub struct Trained {
    /// The model.
    pub model: Model,
    /// The held-out chance and the outcome of each example, in their order.
    pub held: Vec<Known>,
}

/// Trains.
pub fn train(kind: Kind, examples: &Examples, recipe: Recipe) -> Result<Trained, TrainError> {
    let happened = examples.happened();
    let others = examples.outcomes().len() - happened;
    if happened.min(others) < LEAST_OUTCOMES {
        return Err(TrainError::TooFew { kind, happened, others });
    }
    let mut generator = Generator::new(recipe.seed);
    let parts = divide(examples.outcomes(), PARTS, &mut generator);
    let protected = examples.protected();
    let (shown, dropped) = if recipe.with_protected || protected.is_empty() {
        (examples.clone(), Vec::new())
    } else {
        (examples.unprotected(), protected)
    };
    let outcomes = shown.outcomes();
    let scales = shown.features().iter().map(|feature| Scale::of(&feature.values, outcomes)).collect();
    let grid = Grid::new(&shown, scales);
    let (mut tables, mut held) = learn(&grid, outcomes, &parts, &mut generator);
    let calibrated = calibrate(&mut tables, &mut held, outcomes);
    tables.purify(&grid);
    let known: Vec<Known> =
        held.iter().zip(outcomes).map(|(log_odds, outcome)| (chance(*log_odds), *outcome)).collect();
    let least_sureness = least_sureness(&known);
    let sure: Vec<Known> =
        known.iter().copied().filter(|(chance, _)| measure::sureness(*chance) >= least_sureness).collect();
    let dropping_costs = (!dropped.is_empty()).then(|| dropping_costs(examples, &grid, &joined(&parts)));
    let record = Record {
        examples: outcomes.len() as u64,
        happened: happened as u64,
        auc: figure(measure::auc(&known)),
        log_loss: figure(measure::log_loss(&known)),
        brier: figure(measure::brier(&known)),
        coverage: rounded(sure.len() as f64 / known.len().max(1) as f64),
        accuracy: figure(measure::accuracy(&sure)),
        calibrated,
        dropped,
        dropping_costs,
    };
    let features = shown.features().iter().zip(&tables.singles).enumerate();
    let single = |(at, (feature, table)): (usize, (&Feature, &Vec<f64>))| Single {
        name: feature.name.clone(),
        scale: grid.scales.get(at).cloned().unwrap_or_else(|| Scale::Words(Vec::new())),
        table: table.iter().copied().map(rounded).collect(),
        examples: grid.counts(at),
    };
    let pair = |((first, second), table): (&(usize, usize), &Vec<f64>)| Pair {
        first: *first,
        second: *second,
        table: table.iter().copied().map(rounded).collect(),
    };
    let model = Model {
        kind,
        seed: recipe.seed,
        record,
        base: rounded(tables.base),
        features: features.map(single).collect(),
        pairs: tables.pairs.iter().map(pair).collect(),
        least_sureness: rounded(least_sureness),
    };
    Ok(Trained { model, held: known })
}

/// Divides examples into parts with about the same share of outcomes.
pub fn divide(outcomes: &[bool], parts: usize, generator: &mut Generator) -> Vec<Vec<usize>> {
    let mut order = Vec::with_capacity(outcomes.len());
    for side in [true, false] {
        let mut rows: Vec<usize> =
            outcomes.iter().enumerate().filter(|(_, outcome)| **outcome == side).map(|(row, _)| row).collect();
        generator.shuffle(&mut rows);
        order.extend(rows);
    }
    (0..parts).map(|part| order.iter().copied().skip(part).step_by(parts.max(1)).collect()).collect()
}

/// The mean of the learners and of what they said about held-out examples, weighted.
fn learn(grid: &Grid, outcomes: &[bool], parts: &[Vec<usize>], generator: &mut Generator) -> (Tables, Vec<f64>) {
    let mut more = parts.to_vec();
    for _ in 1..DIVISIONS {
        more.extend(divide(outcomes, PARTS, generator));
    }
    let turns = boost(grid, outcomes, &more, None, &TURNS, generator);
    let pairs = boost(grid, outcomes, &more, Some(&turns.parts), &BEST, generator);
    let smooth = smooth(grid, outcomes, &[], &joined(parts));
    let mean = |weight: u8| -> Vec<f64> {
        let weight = f64::from(weight) / 10.0;
        let held = pairs.held.iter().zip(&smooth.held);
        held.map(|(boosted, smooth)| weight * boosted + (1.0 - weight) * smooth).collect()
    };
    let (weight, held) = weighed(mean, outcomes);
    let share = f64::from(weight) / 10.0;
    let mut tables = Tables::zero(grid);
    tables.add(&turns.tables, share);
    tables.add(&pairs.tables, share);
    tables.add(&smooth.tables, 1.0 - share);
    tables.purify(grid);
    let keep = tables.strongest(grid, MOST_PAIRS);
    tables.pairs.retain(|pair, _| keep.contains(pair));
    (tables, held)
}

/// The weight that suits the held-out examples best, and what is said about them with it.
fn weighed(mean: impl Fn(u8) -> Vec<f64>, outcomes: &[bool]) -> (u8, Vec<f64>) {
    let usual = mean(WEIGHT);
    // By how much another weight is better, in its own standard errors.
    let gain = |weight: &u8| {
        let gains: Vec<f64> = mean(*weight)
            .iter()
            .zip(&usual)
            .zip(outcomes)
            .map(|((held, usual), outcome)| cost(*usual, *outcome) - cost(*held, *outcome))
            .collect();
        let count = gains.len().max(2) as f64;
        let mean = gains.iter().sum::<f64>() / count;
        let spread = gains.iter().map(|gain| (gain - mean).powi(2)).sum::<f64>() / (count - 1.0);
        (mean, mean > (spread / count).sqrt())
    };
    let better = WEIGHTS.into_iter().map(|weight| (gain(&weight), weight)).filter(|((_, sure), _)| *sure);
    match better.max_by(|a, b| a.0.0.total_cmp(&b.0.0)) {
        Some((_, weight)) => (weight, mean(weight)),
        None => (WEIGHT, usual),
    }
}

/// Parts two by two: smoothing is slow, and held-out examples do not need more.
fn joined(parts: &[Vec<usize>]) -> Vec<Vec<usize>> {
    parts.chunks(2).map(<[_]>::concat).collect()
}

/// Stretches and shifts the log-odds to the held-out outcomes (Platt, 1999), if that predicts the one half of them better
/// when learnt from the other half, both ways round together. The tables stay tables.
fn calibrate(tables: &mut Tables, held: &mut [f64], outcomes: &[bool]) -> bool {
    let design = Design { columns: 2, rows: held.iter().map(|log_odds| vec![(0, 1.0), (1, *log_odds)]).collect() };
    let fit = |rows: &[usize]| design.fit(outcomes, rows, &[(1, 1, 1e-6)], vec![0.0, 1.0], 30).coefficients;
    let half = |side: usize| (0..held.len()).filter(|row| row % 2 == side).collect::<Vec<_>>();
    let halves = [half(0), half(1)];
    let mut gained = 0.0;
    for [learnt, other] in [[&halves[0], &halves[1]], [&halves[1], &halves[0]]] {
        let coefficients = fit(learnt);
        for row in other {
            if let (Some(log_odds), Some(outcome)) = (held.get(*row), outcomes.get(*row)) {
                gained += cost(*log_odds, *outcome) - cost(design.log_odds(*row, &coefficients), *outcome);
            }
        }
    }
    let [shift, stretch] = *fit(&(0..held.len()).collect::<Vec<_>>()) else { return false };
    if gained <= 0.0 || stretch <= 0.0 {
        return false;
    }
    tables.base = shift + stretch * tables.base;
    for value in tables.singles.iter_mut().chain(tables.pairs.values_mut()).flatten() {
        *value *= stretch;
    }
    for log_odds in held {
        *log_odds = shift + stretch * *log_odds;
    }
    true
}

/// The least sureness at which predictions are right often enough, with a standard error to spare; above everything
/// where no sureness is enough.
fn least_sureness(known: &[Known]) -> f64 {
    let mut sorted = known.to_vec();
    sorted.sort_by(|a, b| measure::sureness(b.0).total_cmp(&measure::sureness(a.0)));
    let (mut right, mut least) = (0.0, 1.1);
    for (at, (chance, outcome)) in sorted.iter().enumerate() {
        right += f64::from(u8::from((*chance >= 0.5) == *outcome));
        let count = at as f64 + 1.0;
        let error = (RIGHT * (1.0 - RIGHT) / count).sqrt();
        if right / count >= RIGHT + error {
            least = measure::sureness(*chance);
        }
    }
    least
}

/// How much area under the curve it costs to drop the protected attributes, by the smooth learner without pairs.
fn dropping_costs(examples: &Examples, without: &Grid, parts: &[Vec<usize>]) -> Quantity {
    let outcomes = examples.outcomes();
    let scales = examples.features().iter().map(|feature| Scale::of(&feature.values, outcomes)).collect();
    let with = Grid::new(examples, scales);
    let auc = |grid: &Grid| {
        let held = smooth(grid, outcomes, &[], parts).held;
        measure::auc(&held.into_iter().zip(outcomes.iter().copied()).collect::<Vec<_>>()).unwrap_or(0.5)
    };
    rounded(auc(&with) - auc(without))
}

fn figure(figure: Option<f64>) -> Quantity {
    figure.map_or(Quantity::ZERO, rounded)
}

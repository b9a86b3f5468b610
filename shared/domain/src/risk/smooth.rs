//! A smooth additive model: neighbouring bins of a number stay close to each other, kinds and pairs stay close to zero, and
//! how close is learnt for each table from the examples themselves (empirical Bayes by the update of Wood and Fasiolo,
//! 2017). What says nothing is smoothed away.

#![expect(clippy::indexing_slicing, reason = "bins, cells and columns are numbered here")]

use super::additive::{Grid, Tables};
use super::logistic::{Design, Fit, quadratic};
use super::real::cost;
use super::scale::Scale;
use std::collections::BTreeMap;

/// How many coarse steps a number has where it acts together with another feature.
const STEPS: usize = 8;
/// How often the smoothing is improved.
const UPDATES: usize = 10;
/// What keeps the level of a table of neighbours where it is.
const LEVEL: f64 = 0.02;

/// What is thought of a table's roughness before it is seen, as so much freedom with so much roughness: of a feature with
/// two kinds, its own examples say next to nothing about how much to smooth it.
struct Prior {
    freedom: f64,
    roughness: f64,
}
/// Of neighbours: steps of a tenth.
const NEIGHBOURS: Prior = Prior { freedom: 3.0, roughness: 0.03 };
/// Of kinds and pairs: a third of a unit of log-odds.
const KINDS: Prior = Prior { freedom: 2.0, roughness: 0.2 };

/// No prior: what says nothing is smoothed away.
const NOTHING: Prior = Prior { freedom: 0.0, roughness: 0.0 };

/// What smoothing gives.
#[derive(Debug, Clone)]
pub struct Smooth {
    /// Fitted to all examples.
    pub tables: Tables,
    /// For each example the log-odds of the fit that did not see it; each is held out once.
    pub held: Vec<f64>,
}

/// One table and the columns of its cells.
struct Term {
    what: What,
    /// The column of each cell that has examples.
    columns: BTreeMap<usize, usize>,
    /// Cells of its penalty, by column.
    penalty: Vec<(usize, usize, f64)>,
    strength: f64,
}

#[derive(Clone, Copy)]
enum What {
    Single(usize),
    Pair(usize, usize),
}

/// Fits the features and these pairs of them, from a prior or without one: whichever says more of held-out examples. What
/// is said about these knows nothing of them, not even how much to smooth.
pub fn smooth(grid: &Grid, outcomes: &[bool], pairs: &[(usize, usize)], held_out: &[Vec<usize>]) -> Smooth {
    let coarse: Vec<Vec<usize>> = (0..grid.features()).map(|feature| coarse(grid, feature)).collect();
    let (mut terms, design) = lay_out(grid, pairs, &coarse);
    let mut tries = [true, false].map(|prior| (prior, held(&design, &mut terms, outcomes, held_out, prior)));
    let price = |held: &[f64]| held.iter().zip(outcomes).map(|(held, outcome)| cost(*held, *outcome)).sum::<f64>();
    if price(&tries[1].1) < price(&tries[0].1) {
        tries.swap(0, 1);
    }
    let [(prior, held), _] = tries;
    let all: Vec<usize> = (0..grid.rows).collect();
    let coefficients = fit(&design, &mut terms, outcomes, &all, prior);
    Smooth { tables: tables(grid, &terms, &coarse, &coefficients), held }
}

/// What is said about held-out examples.
fn held(design: &Design, terms: &mut [Term], outcomes: &[bool], held_out: &[Vec<usize>], prior: bool) -> Vec<f64> {
    let mut held = vec![0.0; outcomes.len()];
    for part in held_out {
        let mut is_held = vec![false; outcomes.len()];
        for row in part {
            is_held[*row] = true;
        }
        let learnt: Vec<usize> = (0..outcomes.len()).filter(|row| !is_held[*row]).collect();
        let coefficients = fit(design, terms, outcomes, &learnt, prior);
        for row in part {
            held[*row] = design.log_odds(*row, &coefficients);
        }
    }
    held
}

/// Learns coefficients and how much to smooth them.
fn fit(design: &Design, terms: &mut [Term], outcomes: &[bool], rows: &[usize], prior: bool) -> Vec<f64> {
    for term in terms.iter_mut() {
        term.strength = if matches!(term.what, What::Single(_)) { 2.0 } else { 20.0 };
    }
    let mut coefficients = vec![0.0; design.columns];
    for update in 0..UPDATES {
        let steps = if update == 0 { 3 } else { 1 };
        let fit = design.fit(outcomes, rows, &penalty(terms), coefficients, steps);
        let moved = improve(terms, &fit, prior);
        coefficients = fit.coefficients;
        if moved < 0.05 {
            break;
        }
    }
    design.fit(outcomes, rows, &penalty(terms), coefficients, 6).coefficients
}

/// The coarse step of each group of a feature; kinds stay what they are.
fn coarse(grid: &Grid, feature: usize) -> Vec<usize> {
    let width = grid.group_width(feature);
    match grid.scales[feature] {
        Scale::Numbers(_) if width > STEPS + 1 => {
            (0..width).map(|group| if group == 0 { 0 } else { 1 + (group - 1) * STEPS / (width - 1) }).collect()
        }
        _ => (0..width).collect(),
    }
}

fn lay_out(grid: &Grid, pairs: &[(usize, usize)], coarse: &[Vec<usize>]) -> (Vec<Term>, Design) {
    let mut design = Design { columns: 1, rows: vec![vec![(0, 1.0)]; grid.rows] };
    let mut terms = Vec::new();
    let whats = (0..grid.features()).map(What::Single).chain(pairs.iter().map(|(a, b)| What::Pair(*a, *b)));
    for what in whats {
        let cell = |row: usize| match what {
            What::Single(feature) => usize::from(grid.bins[feature][row]),
            What::Pair(a, b) => {
                pair_cell(coarse[a][usize::from(grid.grouped[a][row])], coarse[b][usize::from(grid.grouped[b][row])])
            }
        };
        let mut columns: BTreeMap<usize, usize> = (0..grid.rows).map(|row| (cell(row), 0)).collect();
        for column in columns.values_mut() {
            *column = design.columns;
            design.columns += 1;
        }
        for (row, known) in design.rows.iter_mut().enumerate() {
            known.push((columns[&cell(row)], 1.0));
        }
        let penalty = match what {
            What::Single(feature) => single_penalty(&columns, matches!(grid.scales[feature], Scale::Numbers(_))),
            What::Pair(a, b) => {
                let number = |feature: usize| matches!(grid.scales[feature], Scale::Numbers(_));
                pair_penalty(&columns, number(a), number(b))
            }
        };
        terms.push(Term { what, columns, penalty, strength: 1.0 });
    }
    (terms, design)
}

const fn pair_cell(a: usize, b: usize) -> usize {
    a * 256 + b
}

fn single_penalty(columns: &BTreeMap<usize, usize>, number: bool) -> Vec<(usize, usize, f64)> {
    let mut penalty: Vec<(usize, usize, f64)> =
        columns.values().map(|column| (*column, *column, if number { LEVEL } else { 1.0 })).collect();
    if number {
        let known: Vec<usize> = columns.iter().filter(|(bin, _)| **bin > 0).map(|(_, column)| *column).collect();
        for pair in known.windows(2) {
            neighbours(&mut penalty, pair[0], pair[1]);
        }
    }
    penalty
}

fn pair_penalty(columns: &BTreeMap<usize, usize>, first: bool, second: bool) -> Vec<(usize, usize, f64)> {
    let mut penalty: Vec<(usize, usize, f64)> = columns.values().map(|column| (*column, *column, 1.0)).collect();
    for (cell, column) in columns {
        for (number, step, at) in [(first, pair_cell(1, 0), cell / 256), (second, 1, cell % 256)] {
            if let Some(other) = columns.get(&(cell + step)).filter(|_| number && at > 0) {
                neighbours(&mut penalty, *column, *other);
            }
        }
    }
    penalty
}

/// The square of the difference of two neighbours.
fn neighbours(penalty: &mut Vec<(usize, usize, f64)>, one: usize, other: usize) {
    penalty.extend([(one, one, 1.0), (other, other, 1.0), (one, other, -1.0)]);
}

fn penalty(terms: &[Term]) -> Vec<(usize, usize, f64)> {
    terms.iter().flat_map(|term| term.penalty.iter().map(|(a, b, value)| (*a, *b, value * term.strength))).collect()
}

/// Improves the strength of each term's penalty; says how far the farthest went, as a logarithm.
fn improve(terms: &mut [Term], fit: &Fit, prior: bool) -> f64 {
    let inverse = fit.factor.inverse();
    let mut farthest = 0.0_f64;
    for term in terms {
        let cells: Vec<(usize, usize)> = term.penalty.iter().map(|(a, b, _)| (*a, *b)).collect();
        let covariances = inverse.squared(&cells);
        let trace: f64 = term
            .penalty
            .iter()
            .zip(&covariances)
            .map(|((a, b, value), covariance)| value * covariance * if a == b { 1.0 } else { 2.0 })
            .sum();
        let freedom = (term.columns.len() as f64 - term.strength * trace).max(1e-6);
        let roughness = quadratic(&term.penalty, &fit.coefficients).max(1e-12);
        let prior = match term.what {
            _ if !prior => NOTHING,
            What::Single(_) if term.penalty.iter().any(|(a, b, _)| a != b) => NEIGHBOURS,
            _ => KINDS,
        };
        let next = ((freedom + prior.freedom) / (roughness + prior.roughness))
            .clamp(1e-2, 1e5)
            .clamp(term.strength / 10.0, term.strength * 10.0);
        // A table that is smoothed away is smoothed ever more; that is no reason to go on.
        if next < 1e4 {
            farthest = farthest.max((super::real::ln(next) - super::real::ln(term.strength)).abs());
        }
        term.strength = next;
    }
    farthest
}

fn tables(grid: &Grid, terms: &[Term], coarse: &[Vec<usize>], coefficients: &[f64]) -> Tables {
    let mut tables = Tables::zero(grid);
    tables.base = coefficients[0];
    for term in terms {
        let value = |cell: usize| term.columns.get(&cell).map_or(0.0, |column| coefficients[*column]);
        match term.what {
            What::Single(feature) => {
                for (bin, cell) in tables.singles[feature].iter_mut().enumerate() {
                    *cell = value(bin);
                }
            }
            What::Pair(a, b) => {
                let width = grid.group_width(b);
                for (at, cell) in tables.pair(grid, (a, b)).iter_mut().enumerate() {
                    *cell = value(pair_cell(coarse[a][at / width], coarse[b][at % width]));
                }
            }
        }
    }
    tables
}

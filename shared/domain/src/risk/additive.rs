//! An additive model while it is made: examples as bins, and one table of log-odds per feature and per pair of features.
//!
//! Every learner gives such tables, so that the weighted mean of several is again one additive model.

#![expect(
    clippy::indexing_slicing,
    reason = "bins and groups are made here, below the lengths of the tables they index"
)]

use super::examples::Examples;
use super::scale::{Scale, groups};
use std::collections::BTreeMap;

/// Examples as bins.
#[derive(Debug, Clone)]
pub struct Grid {
    /// The scale of each feature.
    pub scales: Vec<Scale>,
    /// For each feature the bin of each example.
    pub bins: Vec<Vec<u8>>,
    /// For each feature the group of each bin, for pairs.
    pub groups: Vec<Vec<usize>>,
    /// For each feature the group of each example.
    pub grouped: Vec<Vec<u8>>,
    /// How many examples.
    pub rows: usize,
}

fn small(number: usize) -> u8 {
    u8::try_from(number).unwrap_or(u8::MAX)
}

impl Grid {
    /// Puts examples on scales that belong to their features.
    pub fn new(examples: &Examples, scales: Vec<Scale>) -> Self {
        let rows = examples.outcomes().len();
        let bin = |(feature, scale): (&super::examples::Feature, &Scale)| -> Vec<u8> {
            (0..rows).map(|row| small(scale.bin(feature.values.at(row)))).collect()
        };
        let bins: Vec<Vec<u8>> = examples.features().iter().zip(&scales).map(bin).collect();
        let groups: Vec<Vec<usize>> = scales.iter().map(|scale| groups(scale.bins())).collect();
        let group =
            |(bins, groups): (&Vec<u8>, &Vec<usize>)| bins.iter().map(|bin| small(groups[usize::from(*bin)])).collect();
        let grouped = bins.iter().zip(&groups).map(group).collect();
        Self { scales, bins, groups, grouped, rows }
    }

    /// How many features.
    pub fn features(&self) -> usize {
        self.scales.len()
    }

    /// How many bins a feature has.
    pub fn width(&self, feature: usize) -> usize {
        self.scales[feature].bins()
    }

    /// How many examples are in each bin of a feature.
    pub fn counts(&self, feature: usize) -> Vec<u64> {
        let mut counts = vec![0; self.width(feature)];
        for bin in &self.bins[feature] {
            counts[usize::from(*bin)] += 1;
        }
        counts
    }

    /// How many groups a feature has.
    pub fn group_width(&self, feature: usize) -> usize {
        self.groups[feature].last().map_or(1, |last| last + 1)
    }
}

/// Two features, the lower one first.
pub type FeaturePair = (usize, usize);

/// Tables of log-odds.
#[derive(Debug, Clone, PartialEq)]
pub struct Tables {
    /// What every account has.
    pub base: f64,
    /// Per feature and bin.
    pub singles: Vec<Vec<f64>>,
    /// Per pair of features, the lower one first: row by row of the first one's groups.
    pub pairs: BTreeMap<FeaturePair, Vec<f64>>,
}

impl Tables {
    /// Tables of zeros, no pairs.
    pub fn zero(grid: &Grid) -> Self {
        let singles = (0..grid.features()).map(|feature| vec![0.0; grid.width(feature)]).collect();
        Self { base: 0.0, singles, pairs: BTreeMap::new() }
    }

    /// The table of a pair, made if it is not there.
    pub fn pair(&mut self, grid: &Grid, pair: FeaturePair) -> &mut Vec<f64> {
        self.pairs.entry(pair).or_insert_with(|| vec![0.0; grid.group_width(pair.0) * grid.group_width(pair.1)])
    }

    /// Adds another one's log-odds `times` over.
    pub fn add(&mut self, other: &Self, times: f64) {
        self.base += other.base * times;
        for (table, other) in self.singles.iter_mut().zip(&other.singles) {
            add(table, other, times);
        }
        for (pair, other) in &other.pairs {
            let table = self.pairs.entry(*pair).or_insert_with(|| vec![0.0; other.len()]);
            add(table, other, times);
        }
    }

    /// The log-odds of each example.
    pub fn log_odds(&self, grid: &Grid) -> Vec<f64> {
        let mut sums = vec![self.base; grid.rows];
        for (table, bins) in self.singles.iter().zip(&grid.bins) {
            for (sum, bin) in sums.iter_mut().zip(bins) {
                *sum += table[usize::from(*bin)];
            }
        }
        for ((first, second), table) in &self.pairs {
            let width = grid.group_width(*second);
            for (sum, (a, b)) in sums.iter_mut().zip(grid.grouped[*first].iter().zip(&grid.grouped[*second])) {
                *sum += table[usize::from(*a) * width + usize::from(*b)];
            }
        }
        sums
    }

    /// Moves what a pair says about one of its features alone to that feature, and what a feature says about everybody to
    /// the base, by the examples' own frequencies: every sum stays what it is, and every table's mean is zero
    /// (Lengerich and others, 2020). Cells and bins without examples say nothing.
    pub fn purify(&mut self, grid: &Grid) {
        let Self { base, singles, pairs } = self;
        for ((first, second), table) in pairs.iter_mut() {
            let (height, width) = (grid.group_width(*first), grid.group_width(*second));
            let mut weights = vec![0.0; height * width];
            for (a, b) in grid.grouped[*first].iter().zip(&grid.grouped[*second]) {
                weights[usize::from(*a) * width + usize::from(*b)] += 1.0;
            }
            for (value, weight) in table.iter_mut().zip(&weights) {
                if *weight == 0.0 {
                    *value = 0.0;
                }
            }
            let (mut rows, mut columns) = (vec![0.0; height], vec![0.0; width]);
            for _ in 0..PURIFYING {
                let mut farthest = 0.0_f64;
                for (row, moved) in rows.iter_mut().enumerate() {
                    let mean = take_mean(table, &weights, (0..width).map(|column| row * width + column));
                    *moved += mean;
                    farthest = farthest.max(mean.abs());
                }
                for (column, moved) in columns.iter_mut().enumerate() {
                    let mean = take_mean(table, &weights, (0..height).map(|row| row * width + column));
                    *moved += mean;
                    farthest = farthest.max(mean.abs());
                }
                if farthest < 1e-9 {
                    break;
                }
            }
            for (feature, moved) in [(*first, rows), (*second, columns)] {
                for (value, group) in singles[feature].iter_mut().zip(&grid.groups[feature]) {
                    *value += moved[*group];
                }
            }
        }
        for (table, bins) in singles.iter_mut().zip(&grid.bins) {
            let mut weights = vec![0.0; table.len()];
            for bin in bins {
                weights[usize::from(*bin)] += 1.0;
            }
            let bins = table.len();
            *base += take_mean(table, &weights, 0..bins);
            for (value, weight) in table.iter_mut().zip(&weights) {
                if *weight == 0.0 {
                    *value = 0.0;
                }
            }
        }
    }

    /// The pairs that say most, the strongest first: by the root of the mean of their squares over the examples.
    pub fn strongest(&self, grid: &Grid, most: usize) -> Vec<FeaturePair> {
        let strength = |((first, second), table): (&FeaturePair, &Vec<f64>)| {
            let width = grid.group_width(*second);
            let cells = grid.grouped[*first].iter().zip(&grid.grouped[*second]);
            let squares: f64 = cells.map(|(a, b)| table[usize::from(*a) * width + usize::from(*b)].powi(2)).sum();
            ((*first, *second), squares)
        };
        let mut pairs: Vec<_> = self.pairs.iter().map(strength).collect();
        pairs.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        pairs.into_iter().take(most).map(|(pair, _)| pair).collect()
    }
}

/// How often rows and columns of a pair take turns at most.
const PURIFYING: usize = 200;

fn add(table: &mut [f64], other: &[f64], times: f64) {
    for (value, other) in table.iter_mut().zip(other) {
        *value += other * times;
    }
}

/// Takes the weighted mean of some cells out of them.
fn take_mean(table: &mut [f64], weights: &[f64], cells: impl Iterator<Item = usize> + Clone) -> f64 {
    let (sum, weight) = cells
        .clone()
        .fold((0.0, 0.0), |(sum, weight), cell| (sum + table[cell] * weights[cell], weight + weights[cell]));
    if weight == 0.0 {
        return 0.0;
    }
    let mean = sum / weight;
    for cell in cells {
        if weights[cell] > 0.0 {
            table[cell] -= mean;
        }
    }
    mean
}

//! Boosting of trees that ask about one feature or two, so that the sum of all trees is a table per feature and per pair.
//!
//! All parts of a division of the examples learn side by side, round by round, each without its held-out examples, and all
//! stop at the round that predicts the held-out ones best. The model is the mean of the parts'.

#![expect(clippy::indexing_slicing, reason = "features, bins and rows come from the grid, whose lengths they keep")]

use super::additive::{Grid, Tables};
use super::real::{Generator, chance, cost};

/// How trees are grown.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Boosting {
    /// How a round goes.
    pub shape: Shape,
    /// How much of each step is taken.
    pub rate: f64,
    /// What is added to the curvature of each leaf.
    pub ridge: f64,
    /// The least curvature of a leaf (a quarter of an example at even odds).
    pub least: f64,
    /// The share of the cuts that a question looks at: with fewer of them trees differ more, and their mean is smoother.
    pub cuts: f64,
    /// The share of the features that a round looks at.
    pub share: f64,
    /// The most rounds.
    pub rounds: usize,
    /// Stop after so many rounds without a better one.
    pub patience: usize,
}

/// How a round goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Every feature in turn grows a tree of three leaves of its own.
    Turns,
    /// One tree of four leaves asks about the feature that helps most, then each side about its best one.
    Best,
}

/// What boosting gives.
#[derive(Debug, Clone)]
pub struct Boosted {
    /// The mean of all parts.
    pub tables: Tables,
    /// For each example the mean log-odds of the parts that did not learn from it.
    pub held: Vec<f64>,
    /// For each part its log-odds of every example, for another learner to go on from.
    pub parts: Vec<Vec<f64>>,
}

/// A yes-or-no question: bins (or groups) up to `last` on the one side.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Split {
    feature: usize,
    last: usize,
    gain: f64,
    low: f64,
    high: f64,
}

/// A step of one round.
#[derive(Debug, Clone)]
enum Step {
    /// What is added to each bin of a feature.
    Bins(usize, Vec<f64>),
    /// The groups of the first feature up to `last`, split by the low question; the others by the high one.
    Groups { feature: usize, last: usize, low: Side, high: Side },
}

#[derive(Debug, Clone, Copy)]
enum Side {
    All(f64),
    Split(Split),
}

/// Sums of slopes and curvatures of one feature's bins.
#[derive(Debug, Clone, Default)]
struct Sums {
    slopes: Vec<f64>,
    curves: Vec<f64>,
}

struct Part {
    learnt: Vec<usize>,
    held: Vec<usize>,
    log_odds: Vec<f64>,
    best_held: Vec<f64>,
    slopes: Vec<f64>,
    curves: Vec<f64>,
    generator: Generator,
    steps: Vec<Step>,
    /// How many steps there were after each round.
    ends: Vec<usize>,
    base: f64,
}

/// Learns from the examples of a grid. `held_out` names for each part the examples it does not learn from; `start` are
/// log-odds to begin with, per part and example.
pub fn boost(
    grid: &Grid,
    outcomes: &[bool],
    held_out: &[Vec<usize>],
    start: Option<&[Vec<f64>]>,
    how: &Boosting,
    generator: &mut Generator,
) -> Boosted {
    let mut parts: Vec<Part> = held_out
        .iter()
        .enumerate()
        .map(|(at, held)| Part::new(outcomes, held, start.map(|start| &start[at]), generator.bits()))
        .collect();
    let mut best = (f64::INFINITY, 0);
    let mut asked: Vec<usize> = (0..grid.features()).collect();
    for round in 1..=how.rounds {
        for part in &mut parts {
            if how.share < 1.0 {
                generator.shuffle(&mut asked);
            }
            part.round(grid, outcomes, how, &asked[..share(how.share, grid.features())]);
        }
        let (sum, count) =
            parts.iter().fold((0.0, 0), |(sum, count), part| (sum + part.cost(outcomes), count + part.held.len()));
        let mean = sum / count.max(1) as f64;
        if mean < best.0 - 1e-7 {
            best = (mean, round);
            for part in &mut parts {
                part.best_held = part.held.iter().map(|row| part.log_odds[*row]).collect();
            }
        } else if round >= best.1 + how.patience {
            break;
        }
    }
    let (mut held, mut times) = (vec![0.0; grid.rows], vec![0.0_f64; grid.rows]);
    let mut tables = Tables::zero(grid);
    let mut ends = Vec::with_capacity(parts.len());
    for (at, part) in parts.iter().enumerate() {
        for (row, log_odds) in part.held.iter().zip(&part.best_held) {
            held[*row] += log_odds;
            times[*row] += 1.0;
        }
        let learnt = part.tables(grid, best.1);
        let mut end = learnt.log_odds(grid);
        if let Some(start) = start {
            end.iter_mut().zip(&start[at]).for_each(|(end, start)| *end += start);
        }
        ends.push(end);
        tables.add(&learnt, 1.0 / parts.len() as f64);
    }
    for (sum, times) in held.iter_mut().zip(&times) {
        *sum /= times.max(1.0);
    }
    Boosted { tables, held, parts: ends }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a few hundred")]
fn share(share: f64, of: usize) -> usize {
    ((share * of as f64).ceil() as usize).clamp(of.min(4), of)
}

impl Part {
    fn new(outcomes: &[bool], held: &[usize], start: Option<&Vec<f64>>, seed: u64) -> Self {
        let rows = outcomes.len();
        let mut is_held = vec![false; rows];
        for row in held {
            is_held[*row] = true;
        }
        let learnt: Vec<usize> = (0..rows).filter(|row| !is_held[*row]).collect();
        let some = learnt.iter().filter(|row| outcomes[**row]).count() as f64;
        let base =
            if start.is_some() { 0.0 } else { super::real::log_odds((some + 0.5) / (learnt.len() as f64 + 1.0)) };
        let log_odds = start.cloned().unwrap_or_else(|| vec![base; rows]);
        let best_held = held.iter().map(|row| log_odds[*row]).collect();
        let (slopes, curves) = (vec![0.0; rows], vec![0.0; rows]);
        Self {
            learnt,
            held: held.to_vec(),
            log_odds,
            best_held,
            slopes,
            curves,
            generator: Generator::new(seed),
            steps: Vec::new(),
            ends: vec![0],
            base,
        }
    }

    fn cost(&self, outcomes: &[bool]) -> f64 {
        self.held.iter().map(|row| cost(self.log_odds[*row], outcomes[*row])).sum()
    }

    fn look(&mut self, outcomes: &[bool]) {
        for row in &self.learnt {
            let chance = chance(self.log_odds[*row]);
            self.slopes[*row] = f64::from(u8::from(outcomes[*row])) - chance;
            self.curves[*row] = chance * (1.0 - chance);
        }
    }

    fn round(&mut self, grid: &Grid, outcomes: &[bool], how: &Boosting, asked: &[usize]) {
        match how.shape {
            Shape::Turns => {
                for feature in asked {
                    self.look(outcomes);
                    let sums = self.sums(&grid.bins[*feature], grid.width(*feature), &self.learnt);
                    let table = three_leaves(&sums, how, &mut self.generator);
                    for (log_odds, bin) in self.log_odds.iter_mut().zip(&grid.bins[*feature]) {
                        *log_odds += table[usize::from(*bin)];
                    }
                    self.steps.push(Step::Bins(*feature, table));
                }
            }
            Shape::Best => {
                self.look(outcomes);
                if let Some(step) = self.four_leaves(grid, how, asked) {
                    apply(&step, grid, &mut self.log_odds);
                    self.steps.push(step);
                }
            }
        }
        self.ends.push(self.steps.len());
    }

    fn sums(&self, bins: &[u8], width: usize, rows: &[usize]) -> Sums {
        let mut sums = Sums { slopes: vec![0.0; width], curves: vec![0.0; width] };
        for row in rows {
            let bin = usize::from(bins[*row]);
            sums.slopes[bin] += self.slopes[*row];
            sums.curves[bin] += self.curves[*row];
        }
        sums
    }

    fn four_leaves(&mut self, grid: &Grid, how: &Boosting, asked: &[usize]) -> Option<Step> {
        let all: Vec<Sums> = asked
            .iter()
            .map(|feature| self.sums(&grid.grouped[*feature], grid.group_width(*feature), &self.learnt))
            .collect();
        let root = best(asked, &all, how, &mut self.generator)?;
        let groups = &grid.grouped[root.feature];
        let low: Vec<usize> =
            self.learnt.iter().copied().filter(|row| usize::from(groups[*row]) <= root.last).collect();
        let low: Vec<Sums> =
            asked.iter().map(|feature| self.sums(&grid.grouped[*feature], grid.group_width(*feature), &low)).collect();
        let high: Vec<Sums> = all.iter().zip(&low).map(|(all, low)| all.without(low)).collect();
        let mut side =
            |sums: &[Sums], leaf: f64| best(asked, sums, how, &mut self.generator).map_or(Side::All(leaf), Side::Split);
        Some(Step::Groups {
            feature: root.feature,
            last: root.last,
            low: side(&low, root.low),
            high: side(&high, root.high),
        })
    }

    fn tables(&self, grid: &Grid, round: usize) -> Tables {
        let mut tables = Tables::zero(grid);
        tables.base = self.base;
        for step in &self.steps[..self.ends[round]] {
            match step {
                Step::Bins(feature, values) => {
                    for (value, more) in tables.singles[*feature].iter_mut().zip(values) {
                        *value += more;
                    }
                }
                Step::Groups { feature, last, low, high } => {
                    add_side(&mut tables, grid, (*feature, 0..last + 1), low);
                    add_side(&mut tables, grid, (*feature, last + 1..grid.group_width(*feature)), high);
                }
            }
        }
        tables
    }
}

impl Sums {
    fn without(&self, other: &Self) -> Self {
        let minus = |of: &[f64], other: &[f64]| of.iter().zip(other).map(|(of, other)| of - other).collect();
        Self { slopes: minus(&self.slopes, &other.slopes), curves: minus(&self.curves, &other.curves) }
    }
}

fn apply(step: &Step, grid: &Grid, log_odds: &mut [f64]) {
    let Step::Groups { feature, last, low, high } = step else { return };
    for (row, group) in grid.grouped[*feature].iter().enumerate() {
        let side = if usize::from(*group) <= *last { low } else { high };
        log_odds[row] += match side {
            Side::All(value) => *value,
            Side::Split(split) if usize::from(grid.grouped[split.feature][row]) <= split.last => split.low,
            Side::Split(split) => split.high,
        };
    }
}

/// Adds one side of a tree: the groups `within` of a feature, split by another one.
fn add_side(tables: &mut Tables, grid: &Grid, (feature, within): (usize, std::ops::Range<usize>), side: &Side) {
    let value = |split: &Split, group: usize| if group <= split.last { split.low } else { split.high };
    match side {
        Side::Split(split) if split.feature != feature => {
            let (first, second) = (feature.min(split.feature), feature.max(split.feature));
            let width = grid.group_width(second);
            let other_width = grid.group_width(split.feature);
            let table = tables.pair(grid, (first, second));
            for group in within {
                for other in 0..other_width {
                    let (a, b) = if first == feature { (group, other) } else { (other, group) };
                    table[a * width + b] += value(split, other);
                }
            }
        }
        _ => {
            for (cell, group) in tables.singles[feature].iter_mut().zip(&grid.groups[feature]) {
                if within.contains(group) {
                    *cell += match side {
                        Side::All(value) => *value,
                        Side::Split(split) => value(split, *group),
                    };
                }
            }
        }
    }
}

/// The best question of all features that are asked about.
fn best(asked: &[usize], sums: &[Sums], how: &Boosting, generator: &mut Generator) -> Option<Split> {
    let splits = asked
        .iter()
        .zip(sums)
        .filter_map(|(feature, sums)| best_split(*feature, sums, 0, sums.slopes.len(), how, generator));
    splits.reduce(|best, split| if split.gain > best.gain { split } else { best })
}

/// The best question about the bins from `from` to before `to`.
fn best_split(
    feature: usize,
    sums: &Sums,
    from: usize,
    to: usize,
    how: &Boosting,
    generator: &mut Generator,
) -> Option<Split> {
    let total = (from..to).fold((0.0, 0.0), |(slope, curve), bin| (slope + sums.slopes[bin], curve + sums.curves[bin]));
    let worth = |slope: f64, curve: f64| slope * slope / (curve + how.ridge);
    let whole = worth(total.0, total.1);
    let (mut slope, mut curve) = (0.0, 0.0);
    let mut best: Option<Split> = None;
    for last in from..to.saturating_sub(1) {
        slope += sums.slopes[last];
        curve += sums.curves[last];
        let (other_slope, other_curve) = (total.0 - slope, total.1 - curve);
        if curve < how.least || other_curve < how.least || (how.cuts < 1.0 && generator.share() >= how.cuts) {
            continue;
        }
        let gain = worth(slope, curve) + worth(other_slope, other_curve) - whole;
        if gain > best.map_or(1e-12, |best| best.gain) {
            let leaf = |slope: f64, curve: f64| how.rate * slope / (curve + how.ridge);
            best = Some(Split { feature, last, gain, low: leaf(slope, curve), high: leaf(other_slope, other_curve) });
        }
    }
    best
}

/// What a tree of three leaves adds to each bin of its feature.
fn three_leaves(sums: &Sums, how: &Boosting, generator: &mut Generator) -> Vec<f64> {
    let width = sums.slopes.len();
    let mut table = vec![0.0; width];
    let Some(first) = best_split(0, sums, 0, width, how, generator) else { return table };
    let sides = [(0, first.last + 1, first.low), (first.last + 1, width, first.high)];
    let second = sides.map(|(from, to, _)| best_split(0, sums, from, to, how, generator));
    let gain = |side: usize| second[side].map_or(0.0, |split| split.gain);
    let split_side = usize::from(gain(1) > gain(0));
    for (side, (from, to, leaf)) in sides.into_iter().enumerate() {
        for (bin, cell) in table.iter_mut().enumerate().take(to).skip(from) {
            *cell = match second[side] {
                Some(split) if side == split_side => {
                    if bin <= split.last {
                        split.low
                    } else {
                        split.high
                    }
                }
                _ => leaf,
            };
        }
    }
    table
}

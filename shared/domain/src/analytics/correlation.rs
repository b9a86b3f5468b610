//! What goes with what: rank correlation of Spearman at several lags, with a guard against finds by chance.
//!
//! Two series that each go on as they were correlate by chance far more often than their number of values says. So the
//! number of values is corrected by how much each repeats itself (Bartlett), and the chances of all lags and pairs are
//! corrected for their number (Benjamini and Hochberg).

use super::numeric::{at, mean, number, rounded, student_both_tails};
use std::ops::RangeInclusive;

/// The fewest pairs of values that a correlation rests on.
pub const FEWEST_PAIRS: usize = 10;
/// The longest lag looked at.
pub const LONGEST_LAG: usize = 90;
/// The share of finds that may be by chance, unless said otherwise.
pub const FALSE_FINDS: f64 = 0.05;

/// Two series over the same steps; what is missing is `None`.
pub type Pair<'a> = (&'a [Option<f64>], &'a [Option<f64>]);

/// The correlation of two series at one lag.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Lagged {
    /// How many steps the first series goes before the second.
    pub lag: usize,
    /// Pairs of values.
    pub pairs: usize,
    /// As how many independent pairs they count.
    pub independent: f64,
    /// Spearman's rho, from -1 to 1.
    pub rho: f64,
    /// The chance of a rho at least as far from zero between series that have nothing to do with each other.
    pub chance: f64,
}

/// A correlation with its chance corrected for the number of tests.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Find {
    /// Which pair of series, by its place.
    pub pair: usize,
    /// The correlation.
    pub lagged: Lagged,
    /// The share of finds by chance among all that are at least as clear.
    pub corrected: f64,
}

/// The correlation of `first` with what `second` was `lag` steps later, for each lag. Lags with too few pairs, and series
/// that are all alike, have none.
pub fn lagged(first: &[Option<f64>], second: &[Option<f64>], lags: RangeInclusive<usize>) -> Vec<Lagged> {
    let (from, to) = (*lags.start(), (*lags.end()).min(LONGEST_LAG));
    (from..=to).filter_map(|lag| correlation(first, second, lag)).collect()
}

/// The correlations of many pairs of series that are no chance at a false-find share of `share`, the clearest first.
pub fn finds(pairs: &[Pair<'_>], lags: RangeInclusive<usize>, share: f64) -> Vec<Find> {
    let mut all: Vec<(usize, Lagged)> = Vec::new();
    for (pair, (first, second)) in pairs.iter().enumerate() {
        all.extend(lagged(first, second, lags.clone()).into_iter().map(|lagged| (pair, lagged)));
    }
    let corrected = corrected(&all.iter().map(|(_, lagged)| lagged.chance).collect::<Vec<_>>());
    let mut found: Vec<Find> = all
        .into_iter()
        .zip(corrected)
        .map(|((pair, lagged), corrected)| Find { pair, lagged, corrected: rounded(corrected) })
        .filter(|find| find.corrected <= share)
        .collect();
    found.sort_by(|one, other| {
        let clear = |find: &Find| (find.lagged.chance, -find.lagged.rho.abs());
        let (one_clear, other_clear) = (clear(one), clear(other));
        one_clear.0.total_cmp(&other_clear.0).then(one_clear.1.total_cmp(&other_clear.1))
    });
    found
}

/// Chances corrected for their number (Benjamini and Hochberg 1995), in the same order.
pub fn corrected(chances: &[f64]) -> Vec<f64> {
    let mut order: Vec<(usize, f64)> = chances.iter().copied().enumerate().collect();
    order.sort_by(|one, other| other.1.total_cmp(&one.1));
    let count = chances.len();
    let mut result = vec![1.0; count];
    let mut least = 1.0_f64;
    for (place, (index, chance)) in order.into_iter().enumerate() {
        least = least.min(chance * number(count) / number(count - place));
        if let Some(slot) = result.get_mut(index) {
            *slot = least;
        }
    }
    result
}

fn correlation(first: &[Option<f64>], second: &[Option<f64>], lag: usize) -> Option<Lagged> {
    let finite = |value: &Option<f64>| value.filter(|value| value.is_finite());
    let (one, other): (Vec<f64>, Vec<f64>) = first
        .iter()
        .zip(second.iter().skip(lag))
        .filter_map(|(one, other)| Some((finite(one)?, finite(other)?)))
        .unzip();
    let pairs = one.len();
    if pairs < FEWEST_PAIRS {
        return None;
    }
    let (one, other) = (ranks(&one), ranks(&other));
    let rho = pearson(&one, &other)?;
    let independent = independent(&one, &other);
    let chance = chance(rho, independent);
    let (independent, rho, chance) = (rounded(independent), rounded(rho), rounded(chance));
    Some(Lagged { lag, pairs, independent, rho, chance })
}

/// The chance of a rho at least as far from zero, by Student's distribution.
fn chance(rho: f64, independent: f64) -> f64 {
    let freedom = independent - 2.0;
    student_both_tails(rho * (freedom / ((1.0 + rho) * (1.0 - rho)).max(0.0)).sqrt(), freedom)
}

/// The rank of each value; equal values share the mean of theirs.
fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<(usize, f64)> = values.iter().copied().enumerate().collect();
    order.sort_by(|one, other| one.1.total_cmp(&other.1));
    let mut ranks = vec![0.0; values.len()];
    let mut before = 0;
    for group in order.chunk_by(|one, other| one.1 == other.1) {
        let rank = number(before) + (number(group.len()) + 1.0) / 2.0;
        for (place, _) in group {
            if let Some(slot) = ranks.get_mut(*place) {
                *slot = rank;
            }
        }
        before += group.len();
    }
    ranks
}

/// The correlation of two lists; nothing where one of them is all alike.
fn pearson(one: &[f64], other: &[f64]) -> Option<f64> {
    let (middle, centre) = (mean(one), mean(other));
    let (mut over, mut left, mut right) = (0.0, 0.0, 0.0);
    for (x, y) in one.iter().zip(other) {
        over += (x - middle) * (y - centre);
        left += (x - middle).powi(2);
        right += (y - centre).powi(2);
    }
    (left > 0.0 && right > 0.0).then(|| (over / (left.sqrt() * right.sqrt())).clamp(-1.0, 1.0))
}

/// As how many independent pairs they count: fewer where both repeat themselves, never more than there are, never fewer
/// than three.
fn independent(one: &[f64], other: &[f64]) -> f64 {
    let n = one.len();
    let repeats = |values: &[f64]| -> Vec<f64> {
        let middle = mean(values);
        let at_lag = |lag: usize| -> f64 {
            values.iter().zip(values.iter().skip(lag)).map(|(x, y)| (x - middle) * (y - middle)).sum()
        };
        let whole = at_lag(0);
        (0..=n / 4).map(|lag| if whole > 0.0 { at_lag(lag) / whole } else { 0.0 }).collect()
    };
    let (one, other) = (repeats(one), repeats(other));
    // Only what both do for certain: what is less than two deviations of chance is none.
    let edge = 2.0 / number(n).sqrt();
    let sum: f64 = (1..=n / 4)
        .map(|lag| (at(&one, lag), at(&other, lag), lag))
        .filter(|(x, y, _)| x.abs() > edge && y.abs() > edge)
        .map(|(x, y, lag)| (1.0 - number(lag) / number(n)) * x * y)
        .sum();
    (number(n) / (1.0 + 2.0 * sum).max(1.0)).max(3.0)
}

#[cfg(test)]
mod tests;

//! The scale of a feature: how its values fall into bins.
//!
//! Bin 0 is for what is unknown, and for kinds that were too rare to learn about or never seen; it never means zero.

use super::examples::{Value, Values};
use super::real::log_odds;
use crate::fixed::Quantity;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The most bins of a feature, bin 0 among them.
pub const MOST_BINS: usize = 65;
/// The most groups that the bins of a feature fall into where two features act together, group 0 (bin 0) among them.
pub const MOST_GROUPS: usize = 25;
/// A kind with fewer examples is too rare.
const RARE: usize = 5;

/// How the values of a feature fall into bins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scale {
    /// Bin 1 reaches up to the first edge, which belongs to it, and so on; the last bin has no end.
    Numbers(Vec<Quantity>),
    /// The kind of each bin from bin 1 on.
    Words(Vec<String>),
}

impl Scale {
    /// The scale of values: numbers in bins of about equal numbers of examples, kinds in the order of how often what is
    /// predicted happened to them.
    pub fn of(values: &Values, outcomes: &[bool]) -> Self {
        match values {
            Values::Numbers(numbers) => {
                Self::Numbers(edges(numbers.iter().flatten().map(|number| number.micros()).collect()))
            }
            Values::Words(words) => Self::Words(kinds(words, outcomes)),
        }
    }

    /// How many bins there are, bin 0 among them.
    pub fn bins(&self) -> usize {
        match self {
            Self::Numbers(edges) => edges.len() + 2,
            Self::Words(words) => words.len() + 1,
        }
    }

    /// The bin of a value.
    pub fn bin(&self, value: Value<'_>) -> usize {
        match (self, value) {
            (Self::Numbers(edges), Value::Number(number)) => 1 + edges.partition_point(|edge| *edge < number),
            (Self::Words(words), Value::Word(word)) => {
                words.iter().position(|known| known == word).map_or(0, |at| at + 1)
            }
            _ => 0,
        }
    }

    /// What a bin holds, in words.
    pub fn words(&self, bin: usize) -> String {
        match self {
            Self::Words(words) => {
                bin.checked_sub(1).and_then(|at| words.get(at)).cloned().unwrap_or_else(|| "unknown".to_owned())
            }
            Self::Numbers(_) if bin == 0 => "unknown".to_owned(),
            Self::Numbers(edges) => {
                let low = bin.checked_sub(2).and_then(|at| edges.get(at));
                match (low, bin.checked_sub(1).and_then(|at| edges.get(at))) {
                    (None, None) => "any".to_owned(),
                    (None, Some(high)) => format!("up to {high}"),
                    (Some(low), None) => format!("above {low}"),
                    (Some(low), Some(high)) => format!("above {low} up to {high}"),
                }
            }
        }
    }
}

/// The group of each bin: bin 0 alone, the others in runs of about equal length.
pub fn groups(bins: usize) -> Vec<usize> {
    let known = bins.saturating_sub(1);
    let most = MOST_GROUPS - 1;
    let group = |bin: usize| if known <= most { bin + 1 } else { 1 + bin * most / known };
    std::iter::once(0).chain((0..known).map(group)).collect()
}

/// Edges halfway between neighbouring values, as many as there is room for.
fn edges(mut micros: Vec<i64>) -> Vec<Quantity> {
    micros.sort_unstable();
    let mut distinct = micros.clone();
    distinct.dedup();
    let between = |low: i64, high: i64| Quantity::from_micros(i64::midpoint(low, high));
    let pairs = distinct.iter().zip(distinct.iter().skip(1));
    // The edges stand between bins 1 and 2, and so on.
    let room = MOST_BINS - 2;
    if distinct.len() <= room + 1 {
        return pairs.map(|(low, high)| between(*low, *high)).collect();
    }
    let mut edges = Vec::new();
    for cut in 1..=room {
        let at = cut * micros.len() / (room + 1);
        let (Some(value), Some(before)) = (micros.get(at), at.checked_sub(1).and_then(|at| micros.get(at))) else {
            continue;
        };
        // A value that many examples share goes into one bin: the edge moves below it.
        let low = if before < value {
            *before
        } else {
            match distinct.partition_point(|other| other < value).checked_sub(1).and_then(|at| distinct.get(at)) {
                Some(low) => *low,
                None => continue,
            }
        };
        let edge = between(low, *value);
        if edges.last().is_none_or(|last| *last < edge) {
            edges.push(edge);
        }
    }
    edges
}

/// The kinds with enough examples, the rarest left out where there are too many, in the order of their smoothed log-odds.
fn kinds(words: &[Option<String>], outcomes: &[bool]) -> Vec<String> {
    let mut counts: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for (word, outcome) in words.iter().zip(outcomes) {
        if let Some(word) = word {
            let count = counts.entry(word).or_default();
            count.0 += 1;
            count.1 += usize::from(*outcome);
        }
    }
    let mut kinds: Vec<(&str, usize, usize)> =
        counts.into_iter().map(|(word, (all, some))| (word, all, some)).collect();
    kinds.retain(|(_, all, _)| *all >= RARE);
    kinds.sort_by_key(|(_, all, _)| std::cmp::Reverse(*all));
    kinds.truncate(MOST_BINS - 1);
    let base = outcomes.iter().filter(|outcome| **outcome).count() as f64 / outcomes.len().max(1) as f64;
    let rate = |all: usize, some: usize| log_odds((some as f64 + 10.0 * base) / (all as f64 + 10.0));
    kinds.sort_by(|a, b| rate(a.1, a.2).total_cmp(&rate(b.1, b.2)).then(a.0.cmp(b.0)));
    kinds.into_iter().map(|(word, _, _)| word.to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(values: impl IntoIterator<Item = i32>) -> Values {
        Values::Numbers(values.into_iter().map(|value| Some(Quantity::whole(value))).collect())
    }

    #[test]
    fn few_values_have_a_bin_each_and_the_unknown_has_its_own() {
        let scale = Scale::of(&numbers([1, 2, 2, 5]), &[false; 4]);
        assert_eq!(scale.bins(), 4);
        let bins = [1, 2, 3, 4, 5, 99].map(|value| scale.bin(Value::Number(Quantity::whole(value))));
        assert_eq!(bins, [1, 2, 2, 3, 3, 3]);
        assert_eq!(scale.bin(Value::Unknown), 0);
        assert_eq!(scale.bin(Value::Word("1")), 0);
        assert_eq!(scale.words(2), "above 1.5 up to 3.5");
    }

    #[test]
    fn many_values_fall_into_bins_that_rise_with_them() {
        let scale = Scale::of(&numbers(0..10_000), &[false; 10_000]);
        assert_eq!(scale.bins(), MOST_BINS);
        let bins: Vec<usize> = (0..10_000).map(|value| scale.bin(Value::Number(Quantity::whole(value)))).collect();
        assert!(bins.is_sorted() && bins.first() == Some(&1) && bins.last() == Some(&(MOST_BINS - 1)));
        let groups = groups(scale.bins());
        assert!(groups.is_sorted() && groups.first() == Some(&0) && groups.get(1) == Some(&1));
        assert_eq!(groups.last(), Some(&(MOST_GROUPS - 1)));
    }

    #[test]
    fn a_value_that_most_examples_share_has_one_bin() {
        let scale = Scale::of(&numbers(std::iter::repeat_n(0, 5000).chain(1..5000)), &[false; 9999]);
        assert_eq!(scale.bin(Value::Number(Quantity::ZERO)), 1);
        assert!(scale.bin(Value::Number(Quantity::whole(400))) > 1);
    }

    #[test]
    fn kinds_stand_in_the_order_of_their_outcomes_and_rare_ones_are_unknown() {
        let words = |word: &str, count| std::iter::repeat_n(Some(word.to_owned()), count);
        let values = Values::Words(words("often", 10).chain(words("never", 10)).chain(words("rare", 4)).collect());
        let outcomes: Vec<bool> = (0..24).map(|row| row < 8).collect();
        let scale = Scale::of(&values, &outcomes);
        assert_eq!(scale, Scale::Words(vec!["never".to_owned(), "often".to_owned()]));
        assert_eq!((scale.bin(Value::Word("rare")), scale.bin(Value::Word("new"))), (0, 0));
    }
}

//! A trained model: what it looks up for an account, and why it says what it says.
//!
//! A prediction is a sum of table cells in whole millionths of log-odds, so the reasons add up to it exactly. The same
//! artifact gives the same bytes and the same fingerprint everywhere.

use super::examples::Value;
use super::real;
use super::scale::{Scale, groups};
use crate::digest::Digest;
use crate::fixed::Quantity;
use serde::{Deserialize, Serialize};

/// What is predicted. The two are never blended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The account leaves.
    Churn,
    /// The account buys more.
    Expansion,
}

impl Kind {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Churn, Self::Expansion];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Churn => "churn",
            Self::Expansion => "expansion",
        }
    }
}

/// A model, as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Model {
    /// What it predicts.
    pub kind: Kind,
    /// The seed it was trained with.
    pub seed: u64,
    /// What it learnt from, and how good it was on examples held out of that.
    pub record: Record,
    /// The log-odds of every account.
    pub base: Quantity,
    /// Features.
    pub features: Vec<Single>,
    /// Pairs of features.
    pub pairs: Vec<Pair>,
    /// The chance of its side from which on it predicts; where it is less sure it abstains.
    pub least_sureness: Quantity,
}

/// What a model learnt from, and how good it was on examples held out of that.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// How many examples.
    pub examples: u64,
    /// To how many of them it happened.
    pub happened: u64,
    /// Area under the curve.
    pub auc: Quantity,
    /// Mean cost in natural units.
    pub log_loss: Quantity,
    /// Mean square error.
    pub brier: Quantity,
    /// The share of examples about which it predicts.
    pub coverage: Quantity,
    /// The share of those predictions that are right.
    pub accuracy: Quantity,
    /// Whether it was calibrated, because that helped.
    pub calibrated: bool,
    /// Protected attributes that it was not shown.
    pub dropped: Vec<String>,
    /// How much area under the curve that costs (negative: it helps); nothing where nothing was dropped.
    pub dropping_costs: Option<Quantity>,
}

/// The table of a feature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Single {
    /// The feature.
    pub name: String,
    /// Its bins.
    pub scale: Scale,
    /// Log-odds per bin.
    pub table: Vec<Quantity>,
    /// How many examples were in each bin, for the watch on drift.
    pub examples: Vec<u64>,
}

/// The table of two features.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pair {
    /// The one, as a place among the features.
    pub first: usize,
    /// The other.
    pub second: usize,
    /// Log-odds, row by row of the first one's groups.
    pub table: Vec<Quantity>,
}

/// Why a model cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ModelError {
    /// A table has not one cell per bin.
    #[error("the table of `{0}` does not fit its bins")]
    Table(String),
    /// The edges of a feature do not rise.
    #[error("the edges of `{0}` do not rise")]
    Edges(String),
    /// A pair names a feature that is not there.
    #[error("pair {0} names a feature that is not there")]
    Pair(usize),
}

/// What a model says about an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assessment {
    /// The sum of the base and all reasons.
    pub log_odds: Quantity,
    /// The chance, between 0 and 1.
    pub chance: Quantity,
    /// Which side it takes; nothing where it is not sure enough.
    pub predicts: Option<bool>,
    /// Why, the strongest first.
    pub reasons: Vec<Reason>,
}

/// What one feature, or two together, add.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// The name of the feature, or of both.
    pub of: String,
    /// The feature or features, and what they are.
    pub what: String,
    /// What that adds to the log-odds.
    pub log_odds: Quantity,
}

impl Model {
    /// Its fingerprint.
    pub fn digest(&self) -> Result<Digest, serde_json::Error> {
        Digest::of_json("risk model", self)
    }

    /// Refuses tables that do not fit.
    pub fn check(&self) -> Result<(), ModelError> {
        for single in &self.features {
            if single.table.len() != single.scale.bins() || single.examples.len() != single.scale.bins() {
                return Err(ModelError::Table(single.name.clone()));
            }
            if let Scale::Numbers(edges) = &single.scale
                && !edges.is_sorted_by(|low, high| low < high)
            {
                return Err(ModelError::Edges(single.name.clone()));
            }
        }
        for (at, pair) in self.pairs.iter().enumerate() {
            let (Some(first), Some(second)) = (self.features.get(pair.first), self.features.get(pair.second)) else {
                return Err(ModelError::Pair(at));
            };
            if pair.table.len() != width(&first.scale) * width(&second.scale) {
                return Err(ModelError::Table(format!("{} and {}", first.name, second.name)));
            }
        }
        Ok(())
    }

    /// The log-odds alone: one look-up per table.
    pub fn log_odds<'a>(&self, value: impl Fn(&str) -> Value<'a>) -> Quantity {
        let bins = self.bins(value);
        self.cells(&bins).fold(self.base, |sum, (_, cell)| sum.plus(cell))
    }

    /// What it says about an account, with reasons.
    pub fn assess<'a>(&self, value: impl Fn(&str) -> Value<'a>) -> Assessment {
        let bins = self.bins(value);
        let mut log_odds = self.base;
        let mut reasons = Vec::new();
        for (table, cell) in self.cells(&bins) {
            log_odds = log_odds.plus(cell);
            if cell != Quantity::ZERO {
                reasons.push(Reason { of: self.name(table), what: self.words(table, &bins), log_odds: cell });
            }
        }
        reasons.sort_by(|a, b| {
            b.log_odds
                .micros()
                .unsigned_abs()
                .cmp(&a.log_odds.micros().unsigned_abs())
                .then_with(|| a.what.cmp(&b.what))
        });
        let chance = rounded(real::chance(log_odds.to_f64()));
        let side = log_odds > Quantity::ZERO;
        let sureness = chance.max(Quantity::whole(1).minus(chance));
        let predicts = (sureness >= self.least_sureness).then_some(side);
        Assessment { log_odds, chance, predicts, reasons }
    }

    /// The log-odds of the share of its examples to which it happened: what is usual.
    pub fn usual(&self) -> Quantity {
        rounded(real::log_odds(self.record.happened as f64 / self.record.examples.max(1) as f64))
    }

    fn bins<'a>(&self, value: impl Fn(&str) -> Value<'a>) -> Vec<usize> {
        self.features.iter().map(|single| single.scale.bin(value(&single.name))).collect()
    }

    /// What each table says about the bins of an account.
    fn cells<'a>(&'a self, bins: &'a [usize]) -> impl Iterator<Item = (Table<'a>, Quantity)> {
        let singles = self.features.iter().zip(bins).enumerate();
        let singles =
            singles.map(|(at, (single, bin))| (Table::Single(at), single.table.get(*bin).copied().unwrap_or_default()));
        let pairs = self.pairs.iter().map(|pair| (Table::Pair(pair), self.pair_cell(pair, bins).unwrap_or_default()));
        singles.chain(pairs)
    }

    fn pair_cell(&self, pair: &Pair, bins: &[usize]) -> Option<Quantity> {
        let group = |feature: usize| {
            let bin = bins.get(feature)?;
            groups(self.features.get(feature)?.scale.bins()).get(*bin).copied()
        };
        let width = width(&self.features.get(pair.second)?.scale);
        pair.table.get(group(pair.first)? * width + group(pair.second)?).copied()
    }

    fn name(&self, table: Table<'_>) -> String {
        let one = |at: usize| self.features.get(at).map_or("", |single| &single.name);
        match table {
            Table::Single(at) => one(at).to_owned(),
            Table::Pair(pair) => format!("{} with {}", one(pair.first), one(pair.second)),
        }
    }

    fn words(&self, table: Table<'_>, bins: &[usize]) -> String {
        let one = |at: usize| match (self.features.get(at), bins.get(at)) {
            (Some(single), Some(bin)) => format!("{} {}", single.name, single.scale.words(*bin)),
            _ => String::new(),
        };
        match table {
            Table::Single(at) => one(at),
            Table::Pair(pair) => format!("{} together with {}", one(pair.first), one(pair.second)),
        }
    }
}

#[derive(Clone, Copy)]
enum Table<'a> {
    Single(usize),
    Pair(&'a Pair),
}

/// How many groups a scale has.
fn width(scale: &Scale) -> usize {
    groups(scale.bins()).last().map_or(1, |last| last + 1)
}

/// A result of the trainer as it goes out. What is not finite does not come out of it.
pub(super) fn rounded(value: f64) -> Quantity {
    Quantity::from_f64(value).unwrap_or_default()
}

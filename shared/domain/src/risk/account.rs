//! The risk of one account: by the model that holds, else by the scorecard, and it is said which and why.
//!
//! A model gives a chance, with reasons in log-odds that add up to it exactly. The scorecard gives points, which are no
//! chance: without outcomes nobody knows how often accounts with so many points leave. The two are never mixed into one
//! number, and neither are churn and expansion.

use super::examples::Value;
use super::ledger::Entry;
use super::model::{Assessment, Kind, Model};
use crate::account::{Account, Segment};
use crate::day::Day;
use crate::digest::Digest;
use crate::fixed::{Points, Quantity};
use crate::health::{self, Health, State};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

pub mod standing;

/// A model says nothing of an account of which it knows fewer of its features than one in so many.
pub const LEAST_KNOWN: usize = 2;

/// What a model may look at: the account's measures by name, as numbers, and what the account is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Traits {
    numbers: BTreeMap<String, Quantity>,
    segment: Segment,
}

impl Traits {
    /// What is known of an account today. A measure that does not rest on data is unknown, whatever it counts as.
    pub fn of(account: &Account, health: &Health, today: Day) -> Self {
        let known = health.measures.iter().filter(|part| matches!(part.state, State::Present | State::Held));
        let mut numbers: BTreeMap<String, Quantity> =
            known.filter_map(|part| Some((part.measure.clone(), part.value?))).collect();
        if let Some(renewal) = account.renewal_on {
            numbers.insert("days_to_renewal".to_owned(), Quantity::whole(renewal.since(today)));
        }
        Self { numbers, segment: account.segment }
    }

    /// One of them.
    pub fn value(&self, name: &str) -> Value<'_> {
        match (name, self.numbers.get(name)) {
            ("segment", _) => Value::Word(self.segment.name()),
            (_, Some(number)) => Value::Number(*number),
            (_, None) => Value::Unknown,
        }
    }

    /// How many of a model's features are known.
    fn known(&self, model: &Model) -> usize {
        model.features.iter().filter(|single| self.value(&single.name) != Value::Unknown).count()
    }
}

/// Why no model was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fallback {
    /// None was trained: there were too few outcomes, or nobody has.
    NoModel,
    /// The model that there is predicts something else.
    OtherKind,
    /// Too few of its features are known of this account.
    TooLittleKnown,
}

/// The risk of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Risk {
    /// By a model.
    Learnt {
        /// Which artifact.
        model: Digest,
        /// What it says.
        assessment: Assessment,
    },
    /// By the scorecard.
    Scored {
        /// Why not by a model.
        because: Fallback,
        /// Of churn, what is missing to full health; of expansion, the health itself. No chance.
        points: Points,
        /// The name and version of the scorecard.
        scorecard: String,
        /// What the points are made of, the most first: with `base` they add up to them.
        reasons: Vec<Part>,
    },
}

/// What one thing adds to a risk: log-odds by a model, points by the scorecard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// What it is called.
    pub of: String,
    /// What it is, in plain words.
    pub what: String,
    /// What it adds.
    pub adds: Quantity,
}

/// The model that holds, with its fingerprint, so that it is not made anew for each account.
#[derive(Debug, Clone, Copy)]
pub struct Holding<'a> {
    /// The model.
    pub model: &'a Model,
    /// Its fingerprint.
    pub digest: Digest,
}

/// The models that hold, each with its fingerprint. The two are never mixed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Models {
    by_kind: BTreeMap<Kind, (Model, Digest)>,
}

impl Models {
    /// None: the scorecard stands in.
    pub const fn none() -> Self {
        Self { by_kind: BTreeMap::new() }
    }

    /// Takes a model in. Gives back the one of its kind that was there.
    pub fn insert(&mut self, model: Model) -> Result<Option<Model>, serde_json::Error> {
        let digest = model.digest()?;
        Ok(self.by_kind.insert(model.kind, (model, digest)).map(|(model, _)| model))
    }

    /// The model of a kind.
    pub fn of(&self, kind: Kind) -> Option<Holding<'_>> {
        self.by_kind.get(&kind).map(|(model, digest)| Holding { model, digest: *digest })
    }
}

/// Assesses an account.
pub fn risk(kind: Kind, holding: Option<Holding<'_>>, traits: &Traits, health: &Health) -> Risk {
    let because = match holding {
        None => Fallback::NoModel,
        Some(Holding { model, .. }) if model.kind != kind => Fallback::OtherKind,
        Some(Holding { model, .. }) if traits.known(model) * LEAST_KNOWN < model.features.len() => {
            Fallback::TooLittleKnown
        }
        Some(Holding { model, digest }) => {
            return Risk::Learnt { model: digest, assessment: model.assess(|name| traits.value(name)) };
        }
    };
    let points = match kind {
        Kind::Churn => Points::MAX.minus(health.score),
        Kind::Expansion => health.score,
    };
    let mut reasons: Vec<Part> = health::shortfalls(health).into_iter().map(|reason| points_of(kind, reason)).collect();
    let missing = Points::MAX.minus(health.score).micros();
    let missing = Quantity::from_micros(if kind == Kind::Churn { missing } else { missing.saturating_neg() });
    let sum = reasons.iter().fold(Quantity::ZERO, |sum, part| sum.plus(part.adds));
    // Each part is rounded; the millionths that this leaves are the largest one's.
    if let Some(largest) = reasons.first_mut() {
        largest.adds = largest.adds.plus(missing.minus(sum));
    }
    Risk::Scored { because, points, scorecard: health.scorecard.clone(), reasons }
}

/// What takes health away adds to the risk that an account leaves, and takes from the prospect that it grows.
pub(crate) fn points_of(kind: Kind, reason: health::Reason) -> Part {
    let micros = match kind {
        Kind::Churn => reason.delta.micros().saturating_neg(),
        Kind::Expansion => reason.delta.micros(),
    };
    let of = reason.measure.unwrap_or_else(|| "score".to_owned());
    Part { of, what: reason.text, adds: Quantity::from_micros(micros) }
}

impl Risk {
    /// What an account has of which nothing else is known: log-odds by a model, points by the scorecard.
    pub fn base(&self, kind: Kind, models: &Models) -> Quantity {
        match (self, kind) {
            (Self::Learnt { .. }, _) => models.of(kind).map(|holding| holding.model.base).unwrap_or_default(),
            (Self::Scored { .. }, Kind::Churn) => Quantity::ZERO,
            (Self::Scored { .. }, Kind::Expansion) => Quantity::from_micros(Points::MAX.micros()),
        }
    }

    /// What it is made of, the most first. With the base the parts add up to the log-odds or the points, to the last digit.
    pub fn parts(&self) -> Vec<Part> {
        match self {
            Self::Learnt { assessment, .. } => {
                let part = |reason: &super::model::Reason| Part {
                    of: reason.of.clone(),
                    what: reason.what.clone(),
                    adds: reason.log_odds,
                };
                assessment.reasons.iter().map(part).collect()
            }
            Self::Scored { reasons, .. } => reasons.clone(),
        }
    }

    /// Log-odds by a model, points by the scorecard.
    pub fn total(&self) -> Quantity {
        match self {
            Self::Learnt { assessment, .. } => assessment.log_odds,
            Self::Scored { points, .. } => Quantity::from_micros(points.micros()),
        }
    }

    /// Which artifact gave it; none where the scorecard did.
    pub const fn model(&self) -> Option<Digest> {
        match self {
            Self::Learnt { model, .. } => Some(*model),
            Self::Scored { .. } => None,
        }
    }

    /// What goes into the ledger of outcomes. What the scorecard says is no prediction.
    pub fn entry(&self, account: &Account, kind: Kind, today: Day, until: Day) -> Option<Entry> {
        let Self::Learnt { model, assessment } = self else { return None };
        Some(Entry {
            account: account.id.clone(),
            kind,
            model: *model,
            predicted_on: today,
            until,
            chance: assessment.chance,
            issued: assessment.predicts.is_some(),
        })
    }
}

#[cfg(test)]
mod tests;

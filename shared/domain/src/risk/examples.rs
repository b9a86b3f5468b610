//! What is learnt from: features of accounts as they were known at one time, and what happened to the accounts after it.

use crate::fixed::Quantity;
use std::collections::BTreeSet;

/// One value of one feature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value<'a> {
    /// Measured.
    Number(Quantity),
    /// One of a few kinds.
    Word(&'a str),
    /// Not known, which is neither zero nor a kind.
    Unknown,
}

/// The values of one feature, one per example.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Values {
    /// Measured.
    Numbers(Vec<Option<Quantity>>),
    /// One of a few kinds.
    Words(Vec<Option<String>>),
}

/// A feature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Feature {
    /// Its name.
    pub name: String,
    /// Whether it is a protected attribute of a person, such as sex or age.
    pub protected: bool,
    /// Its values.
    pub values: Values,
}

/// Features and outcomes of the same length.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Examples {
    features: Vec<Feature>,
    outcomes: Vec<bool>,
}

/// Why examples cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExamplesError {
    /// A feature has not one value per outcome.
    #[error("feature `{name}` has {values} values for {outcomes} outcomes")]
    Length {
        /// The feature.
        name: String,
        /// How many it has.
        values: usize,
        /// How many it should have.
        outcomes: usize,
    },
    /// Two features have one name.
    #[error("feature `{0}` is there twice")]
    Twice(String),
    /// More than can be held.
    #[error("{0} features are too many; the most is 500")]
    TooMany(usize),
}

impl Values {
    fn len(&self) -> usize {
        match self {
            Self::Numbers(numbers) => numbers.len(),
            Self::Words(words) => words.len(),
        }
    }

    /// The value of an example.
    pub fn at(&self, row: usize) -> Value<'_> {
        match self {
            Self::Numbers(numbers) => numbers.get(row).copied().flatten().map_or(Value::Unknown, Value::Number),
            Self::Words(words) => words.get(row).and_then(Option::as_deref).map_or(Value::Unknown, Value::Word),
        }
    }

    fn select(&self, rows: &[usize]) -> Self {
        match self {
            Self::Numbers(of) => Self::Numbers(rows.iter().map(|row| of.get(*row).copied().flatten()).collect()),
            Self::Words(of) => Self::Words(rows.iter().map(|row| of.get(*row).cloned().flatten()).collect()),
        }
    }
}

impl Examples {
    /// The most features.
    pub const MOST_FEATURES: usize = 500;

    /// Features and outcomes that belong together.
    pub fn new(features: Vec<Feature>, outcomes: Vec<bool>) -> Result<Self, ExamplesError> {
        if features.len() > Self::MOST_FEATURES {
            return Err(ExamplesError::TooMany(features.len()));
        }
        let mut names = BTreeSet::new();
        for feature in &features {
            let (values, outcomes) = (feature.values.len(), outcomes.len());
            if values != outcomes {
                return Err(ExamplesError::Length { name: feature.name.clone(), values, outcomes });
            }
            if !names.insert(&feature.name) {
                return Err(ExamplesError::Twice(feature.name.clone()));
            }
        }
        Ok(Self { features, outcomes })
    }

    /// The features.
    pub fn features(&self) -> &[Feature] {
        &self.features
    }

    /// The outcomes.
    pub fn outcomes(&self) -> &[bool] {
        &self.outcomes
    }

    /// How often what is predicted happened.
    pub fn happened(&self) -> usize {
        self.outcomes.iter().filter(|outcome| **outcome).count()
    }

    /// These examples alone, in this order; what is not there is left out.
    #[must_use]
    pub fn select(&self, rows: &[usize]) -> Self {
        let rows: Vec<usize> = rows.iter().copied().filter(|row| *row < self.outcomes.len()).collect();
        let features =
            self.features.iter().map(|feature| Feature { values: feature.values.select(&rows), ..feature.clone() });
        Self {
            features: features.collect(),
            outcomes: rows.iter().filter_map(|row| self.outcomes.get(*row).copied()).collect(),
        }
    }

    /// The same without protected attributes.
    #[must_use]
    pub fn unprotected(&self) -> Self {
        let features = self.features.iter().filter(|feature| !feature.protected).cloned().collect();
        Self { features, outcomes: self.outcomes.clone() }
    }

    /// The names of the protected attributes.
    pub fn protected(&self) -> Vec<String> {
        self.features.iter().filter(|feature| feature.protected).map(|feature| feature.name.clone()).collect()
    }

    /// The value of a feature of an example.
    pub fn value(&self, row: usize, name: &str) -> Value<'_> {
        let feature = self.features.iter().find(|feature| feature.name == name);
        feature.map_or(Value::Unknown, |feature| feature.values.at(row))
    }
}

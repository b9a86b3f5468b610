//! Risk: two models, churn and expansion, never blended, each a sum of tables in log-odds.
//!
//! A model is trained offline ([`train`]) and looked up per account ([`model`]). It says what it was right about on examples
//! held out of its training, and abstains where it is not sure enough. Training is floating point from a seed and rounded
//! at its end; looking up is sums of whole numbers.

pub mod account;
mod additive;
mod boost;
mod cholesky;
pub mod contest;
pub mod drift;
pub mod examples;
pub mod ledger;
mod logistic;
pub mod measure;
pub mod model;
pub mod real;
pub mod scale;
mod smooth;
pub mod train;

#[cfg(test)]
mod tests;

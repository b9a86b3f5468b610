//! Risk.

pub mod additive;
pub mod boost;
mod cholesky;
pub mod examples;
pub mod logistic;
pub mod measure;
pub mod real;
pub mod scale;
pub mod smooth;

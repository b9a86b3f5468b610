//! The watch on drift: whether the accounts of today are still like those a model learnt from.

use super::examples::Value;
use super::model::Model;
use super::real::ln;
use crate::fixed::Quantity;

/// Fewer accounts say nothing about drift.
pub const LEAST_ACCOUNTS: usize = 30;

/// How far a feature moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Drift {
    /// Too few accounts to say.
    Unknown,
    /// An index below 0.1.
    None,
    /// An index from 0.1 on.
    Some,
    /// An index from 0.25 on: the model should be trained again.
    Strong,
}

/// How far one feature moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    /// The feature.
    pub name: String,
    /// Its population stability index: the sum over bins of the change of the share times that of its logarithm.
    pub index: Quantity,
    /// In words.
    pub drift: Drift,
}

/// How far each feature of a model moved, in the model's order. `value` gives the value of an account's feature.
pub fn drift<'a>(model: &Model, accounts: usize, value: impl Fn(usize, &str) -> Value<'a>) -> Vec<Moved> {
    let moved = |single: &super::model::Single| {
        let mut now = vec![0_u64; single.scale.bins()];
        for account in 0..accounts {
            if let Some(count) = now.get_mut(single.scale.bin(value(account, &single.name))) {
                *count += 1;
            }
        }
        let index = index(&single.examples, &now);
        let drift = match index {
            _ if accounts < LEAST_ACCOUNTS => Drift::Unknown,
            _ if index < 0.1 => Drift::None,
            _ if index < 0.25 => Drift::Some,
            _ => Drift::Strong,
        };
        Moved { name: single.name.clone(), index: super::model::rounded(index), drift }
    };
    model.features.iter().map(moved).collect()
}

/// The index over runs of bins with about a tenth of the examples each: of thin bins chance alone would make it large.
fn index(then: &[u64], now: &[u64]) -> f64 {
    let total = |of: &[u64]| of.iter().sum::<u64>().max(1) as f64;
    let (all_then, all_now) = (total(then), total(now));
    let (mut sum, mut run) = (0.0, (0.0, 0.0));
    let close = |(a, b): (f64, f64)| {
        // What is empty then and now has not moved, however few accounts there were then and many there are now.
        if a + b == 0.0 {
            return 0.0;
        }
        // Half an account more in each run: a run that is empty on one side is far, not infinitely far.
        let (a, b) = ((a + 0.5) / (all_then + 5.0), (b + 0.5) / (all_now + 5.0));
        (b - a) * (ln(b) - ln(a))
    };
    for (at, (then, now)) in then.iter().zip(now).enumerate() {
        run = (run.0 + *then as f64, run.1 + *now as f64);
        // Bin 0 is what is unknown, and stands for itself.
        if at == 0 || run.0 >= all_then / 10.0 {
            sum += close(run);
            run = (0.0, 0.0);
        }
    }
    sum + close(run)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stays_is_at_zero_and_what_moves_is_far() {
        assert!(index(&[0, 50, 50], &[0, 500, 500]).abs() < 0.01);
        assert!(index(&[0, 50, 50], &[0, 90, 10]) > 0.25);
        assert!(index(&[0, 50, 50], &[60, 20, 20]) > 0.25, "what becomes unknown drifts");
    }
}

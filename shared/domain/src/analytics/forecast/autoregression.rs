//! An autoregression of the differences (Burg's method, order by Akaike's criterion): what momentum or swinging back there
//! is in recent changes.

use super::ensemble::Model;
use crate::analytics::numeric::{at, mean, number};

/// The longest memory, in values.
const MOST_ORDERS: usize = 13;

/// A fitted model.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Autoregression {
    drift: f64,
    weights: Vec<f64>,
}

impl Autoregression {
    /// The order with the least criterion. Half of the mean change is taken to go on: less than all of it, for trends end.
    pub(super) fn fit(values: &[f64]) -> Self {
        let changes: Vec<f64> = values.iter().zip(values.iter().skip(1)).map(|(one, next)| next - one).collect();
        let drift = 0.5 * mean(&changes);
        let centred: Vec<f64> = changes.iter().map(|change| change - drift).collect();
        let n = centred.len();
        let most = MOST_ORDERS.min((n / 4).max(1));
        let power = centred.iter().map(|value| value * value).sum::<f64>() / number(n.max(1));
        let (mut forward, mut backward) = (centred.clone(), centred);
        let (mut weights, mut noise) = (Vec::<f64>::new(), power);
        let criterion = |noise: f64, order: usize| {
            let k = number(order + 1);
            number(n) * noise.max(1e-300).ln() + 2.0 * k + 2.0 * k * (k + 1.0) / (number(n) - k - 1.0).max(1.0)
        };
        let mut best = (criterion(noise, 0), weights.clone());
        for order in 1..=most {
            let (mut over, mut under) = (0.0, 0.0);
            for (f, b) in forward.iter().skip(order).zip(backward.iter().skip(order - 1)) {
                over += f * b;
                under += f * f + b * b;
            }
            if under <= 0.0 {
                break;
            }
            let reflection = 2.0 * over / under;
            let next: Vec<f64> = (0..order)
                .map(|k| {
                    if k + 1 == order { reflection } else { at(&weights, k) - reflection * at(&weights, order - 2 - k) }
                })
                .collect();
            weights = next;
            noise *= 1.0 - reflection * reflection;
            let (old_forward, old_backward) = (forward.clone(), backward.clone());
            for t in order..n {
                if let Some(value) = forward.get_mut(t) {
                    *value = at(&old_forward, t) - reflection * at(&old_backward, t - 1);
                }
                if let Some(value) = backward.get_mut(t) {
                    *value = at(&old_backward, t - 1) - reflection * at(&old_forward, t);
                }
            }
            let now = criterion(noise, order);
            if now < best.0 {
                best = (now, weights.clone());
            }
        }
        Self { drift, weights: best.1 }
    }
}

impl Model for Autoregression {
    fn roll(&self, values: &[f64], from: usize, horizon: usize, path: &mut dyn FnMut(&[f64])) {
        let mut ahead = vec![0.0; horizon];
        let mut changes: Vec<f64> = Vec::new();
        for seen in from..=values.len() {
            changes.clear();
            let known = values.get(..seen).unwrap_or_default();
            // Newest first.
            for back in 0..self.weights.len() {
                let change = if back + 1 < known.len() {
                    at(known, known.len() - 1 - back) - at(known, known.len() - 2 - back)
                } else {
                    self.drift
                };
                changes.push(change);
            }
            changes.reverse();
            let mut level = known.last().copied().unwrap_or(0.0);
            for place in &mut ahead {
                let change = self.drift
                    + self.weights.iter().zip(changes.iter().rev()).map(|(w, c)| w * (c - self.drift)).sum::<f64>();
                changes.push(change);
                level += change;
                *place = level;
            }
            path(&ahead);
        }
    }
}

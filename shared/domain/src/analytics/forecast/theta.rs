//! The dynamic optimised Theta model (Fiorucci, Pellegrini, Louzada, Petropoulos and Koehler 2016): simple smoothing of a
//! theta line whose coefficients move with every value.

use super::ensemble::Model;
use crate::analytics::numeric::{at, minimise, number};

/// A fitted model.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Theta {
    level: f64,
    alpha: f64,
    theta: f64,
}

/// Where the model is after some values.
#[derive(Debug, Clone, Copy)]
struct State {
    seen: f64,
    level: f64,
    middle: f64,
    intercept: f64,
    slope: f64,
    /// (1 − alpha) to the power of `seen`.
    decay: f64,
}

impl Theta {
    /// The parameters with the least squared one-step errors, after the first three.
    pub(super) fn fit(values: &[f64]) -> Self {
        let first = at(values, 0);
        let spread = values.iter().fold(0.0_f64, |most, value| most.max((value - first).abs())).max(1e-12);
        let model = |p: &[f64]| Self { level: first + spread * at(p, 0), alpha: at(p, 1), theta: at(p, 2) };
        let bounds = [(-1.0, 1.0), (0.1, 0.99), (1.0, 100.0)];
        let (found, _) = minimise(&[0.0, 0.5, 2.0], &bounds, 400, |p| model(p).squares(values));
        model(&found)
    }

    fn start(self) -> State {
        State { seen: 0.0, level: self.level, middle: 0.0, intercept: 0.0, slope: 0.0, decay: 1.0 }
    }

    fn expected(self, state: &State) -> f64 {
        let rest = (1.0 - state.decay * (1.0 - self.alpha)) / self.alpha;
        state.level + (1.0 - 1.0 / self.theta) * (state.decay * state.intercept + rest * state.slope)
    }

    fn after(self, state: &State, value: f64) -> State {
        let seen = state.seen + 1.0;
        let middle = ((seen - 1.0) * state.middle + value) / seen;
        let slope = if seen < 2.0 {
            0.0
        } else {
            ((seen - 2.0) * state.slope + 6.0 * (value - state.middle) / seen) / (seen + 1.0)
        };
        State {
            seen,
            level: self.alpha * value + (1.0 - self.alpha) * state.level,
            middle,
            intercept: middle - slope * (seen + 1.0) / 2.0,
            slope,
            decay: state.decay * (1.0 - self.alpha),
        }
    }

    fn squares(self, values: &[f64]) -> f64 {
        let mut state = self.start();
        let mut sum = 0.0;
        for (place, value) in values.iter().enumerate() {
            if place >= 3 {
                sum += (value - self.expected(&state)).powi(2);
            }
            state = self.after(&state, *value);
        }
        sum / number(values.len().max(1))
    }
}

impl Model for Theta {
    fn roll(&self, values: &[f64], from: usize, horizon: usize, path: &mut dyn FnMut(&[f64])) {
        let mut state = self.start();
        let mut ahead = vec![0.0; horizon];
        for seen in 0..=values.len() {
            if seen >= from {
                let mut future = state;
                for place in &mut ahead {
                    *place = self.expected(&future);
                    future = self.after(&future, *place);
                }
                path(&ahead);
            }
            if let Some(value) = values.get(seen) {
                state = self.after(&state, *value);
            }
        }
    }
}

#[cfg(test)]
mod tests;

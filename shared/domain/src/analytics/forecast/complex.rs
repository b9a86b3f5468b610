//! Complex exponential smoothing (Svetunkov, Kourentzes and Ord 2022) without a season: a level and the information left in
//! past errors, smoothed by one complex number. It goes with a trend or without one, whichever the data show.

use super::ensemble::Model;
use crate::analytics::numeric::{at, minimise, number};

/// A fitted model.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Complex {
    real: f64,
    imaginary: f64,
    level: f64,
    information: f64,
}

impl Complex {
    /// The parameters with the least squared one-step errors; where the series begins is found by running it forth, back
    /// and forth again.
    pub(super) fn fit(values: &[f64]) -> Self {
        let bounds = [(0.01, 1.8), (0.01, 1.9)];
        let (point, _) =
            minimise(&[1.3, 1.0], &bounds, 240, |p| Self::started(values, at(p, 0), at(p, 1)).squares(values));
        Self::started(values, at(&point, 0), at(&point, 1))
    }

    fn started(values: &[f64], real: f64, imaginary: f64) -> Self {
        let head = values.get(..values.len().min(3)).unwrap_or_default();
        let level = head.iter().sum::<f64>() / number(head.len().max(1));
        let mut model = Self { real, imaginary, level, information: level / 1.1 };
        for value in values {
            model.step(*value);
        }
        for value in values.iter().rev() {
            model.step(*value);
        }
        // What comes before the first value, seen from the other side.
        Self { real, imaginary, ..model }
    }

    #[inline]
    fn step(&mut self, value: f64) -> f64 {
        let (level, information) = (self.level, self.information);
        let error = value - level;
        self.level = level - (1.0 - self.imaginary) * information + (self.real - self.imaginary) * error;
        self.information = level + (1.0 - self.real) * information + (self.real + self.imaginary) * error;
        error
    }

    fn squares(mut self, values: &[f64]) -> f64 {
        values.iter().map(|value| self.step(*value).powi(2)).sum()
    }
}

impl Model for Complex {
    fn roll(&self, values: &[f64], from: usize, horizon: usize, path: &mut dyn FnMut(&[f64])) {
        let mut state = *self;
        let mut ahead = vec![0.0; horizon];
        for seen in 0..=values.len() {
            if seen >= from {
                let mut future = state;
                for place in &mut ahead {
                    *place = future.level;
                    future.step(*place);
                }
                path(&ahead);
            }
            if let Some(value) = values.get(seen) {
                state.step(*value);
            }
        }
    }
}

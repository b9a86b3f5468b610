//! A model of block means: the same series looked at in quarters or years, where the noise is less and the trend shows.

use super::ensemble::Model;
use crate::analytics::numeric::{at, mean, number};

/// A model fitted on the means of blocks of values.
pub(super) struct Aggregated<M> {
    inner: M,
    block: usize,
}

/// The means of whole blocks, the last one ending with the last value.
fn blocks(values: &[f64], block: usize) -> Vec<f64> {
    let skipped = values.len() % block.max(1);
    values.get(skipped..).unwrap_or_default().chunks(block.max(1)).map(mean).collect()
}

impl<M: Model> Aggregated<M> {
    /// Fits a model on block means.
    pub(super) fn fit(values: &[f64], block: usize, fit: impl FnOnce(&[f64]) -> M) -> Self {
        Self { inner: fit(&blocks(values, block)), block: block.max(1) }
    }
}

impl<M: Model> Model for Aggregated<M> {
    fn roll(&self, values: &[f64], from: usize, horizon: usize, path: &mut dyn FnMut(&[f64])) {
        let reach = horizon.div_ceil(self.block) + 1;
        let mut ahead = vec![0.0; horizon];
        for seen in from..=values.len() {
            let means = blocks(values.get(..seen).unwrap_or_default(), self.block);
            let last = means.last().copied().unwrap_or(0.0);
            self.inner.roll(&means, means.len(), reach, &mut |coarse| {
                for (step, place) in ahead.iter_mut().enumerate() {
                    // In blocks, from the centre of the last known one.
                    let far = (number(step) + 0.5) / number(self.block) + 0.5;
                    let whole = (step + step + 1 + self.block) / (2 * self.block);
                    let before = if whole == 0 { last } else { at(coarse, whole - 1) };
                    *place = before + (at(coarse, whole) - before) * (far - number(whole));
                }
            });
            path(&ahead);
        }
    }
}

//! The models side by side on one series, and their mean.

use super::aggregated::Aggregated;
use super::autoregression::Autoregression;
use super::complex::Complex;
use super::season::{self, Indices};
use super::smoothing;
use super::theta::Theta;

/// A period from which on the blocks of one period are worth a look of their own.
const LONG_PERIOD: usize = 7;
/// The fewest blocks that make a series.
const FEWEST_BLOCKS: usize = 5;

/// A fitted model that can be run over the values it was fitted on.
pub(super) trait Model {
    /// Calls `path` with what was expected of the next `horizon` values after the first `from` values, after one more, and
    /// so on to all of them.
    fn roll(&self, values: &[f64], from: usize, horizon: usize, path: &mut dyn FnMut(&[f64]));
}

/// A model and its share.
struct Member {
    share: f64,
    without_season: bool,
    model: Box<dyn Model>,
}

/// All families of models on one series. Every family has the same share.
pub(super) struct Ensemble {
    season: Indices,
    members: Vec<Member>,
}

impl Ensemble {
    /// Fits every family.
    pub(super) fn fit(values: &[f64], period: usize) -> Self {
        let season =
            if season::is_seasonal(values, period) { season::indices(values, period, true) } else { Indices::none() };
        let flat = flattened(values, &season);
        let mut families: Vec<Vec<Member>> = Vec::new();
        let alone = |model: Box<dyn Model>| vec![Member { share: 1.0, without_season: true, model }];
        families.push(alone(Box::new(Theta::fit(&flat))));
        families.push(alone(Box::new(Complex::fit(&flat))));
        families.push(alone(Box::new(Autoregression::fit(&flat))));
        if period >= LONG_PERIOD && values.len() >= FEWEST_BLOCKS * period {
            families.push(alone(Box::new(Aggregated::fit(&flat, period, Theta::fit))));
        }
        let forms = smoothing::fit(values, period);
        if !forms.is_empty() {
            families.push(
                forms
                    .into_iter()
                    .map(|(share, form)| Member { share, without_season: false, model: Box::new(form) })
                    .collect(),
            );
        }
        let count = families.len() as f64;
        let members =
            families.into_iter().flatten().map(|member| Member { share: member.share / count, ..member }).collect();
        Self { season, members }
    }

    /// The mean path after the first `from` values, after one more, and so on: `horizon` values for each.
    pub(super) fn roll(&self, values: &[f64], from: usize, horizon: usize) -> Vec<Vec<f64>> {
        let flat = flattened(values, &self.season);
        let mut paths = vec![vec![0.0; horizon]; (values.len() + 1).saturating_sub(from)];
        for member in &self.members {
            let data = if member.without_season { &flat } else { values };
            let mut rest = paths.iter_mut();
            let mut seen = from;
            member.model.roll(data, from, horizon, &mut |path| {
                for (offset, (sum, value)) in rest.next().into_iter().flatten().zip(path).enumerate() {
                    let value = if member.without_season { self.season.with(seen + offset, *value) } else { *value };
                    *sum += member.share * value;
                }
                seen += 1;
            });
        }
        paths
    }
}

fn flattened(values: &[f64], season: &Indices) -> Vec<f64> {
    values.iter().enumerate().map(|(place, value)| season.without(place, *value)).collect()
}

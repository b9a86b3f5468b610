//! Exponential smoothing in state-space form (Hyndman, Koehler, Ord and Snyder 2008): level, trend and season with additive
//! or multiplicative errors. All forms are fitted and weighed by how likely they are, corrected for their size.

use super::ensemble::Model;
use super::season;
use crate::analytics::numeric::{at, mean, minimise, number};

/// How a trend goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trend {
    None,
    Damped,
}

/// How a season acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Season {
    None,
    Additive,
    Multiplicative,
}

/// One form with its parameters.
#[derive(Debug, Clone)]
pub(super) struct Smoothing {
    season: Season,
    alpha: f64,
    beta: f64,
    gamma: f64,
    phi: f64,
    level: f64,
    slope: f64,
    indices: Vec<f64>,
    /// Whether errors grow with the level.
    relative: bool,
    /// Akaike's criterion, corrected for short series.
    criterion: f64,
}

/// Every form that fits, with its weight of evidence; the weights add to 1. Forms without weight are left out.
pub(super) fn fit(values: &[f64], period: usize) -> Vec<(f64, Smoothing)> {
    let positive = values.iter().all(|value| *value > 0.0);
    let mut forms = Vec::new();
    for season in [Season::None, Season::Additive, Season::Multiplicative] {
        if season != Season::None && (period < 2 || values.len() < 2 * period + 2) {
            continue;
        }
        if season == Season::Multiplicative && !positive {
            continue;
        }
        // A trend that goes on for ever goes wrong far ahead; where there is one, the other families carry it.
        for trend in [Trend::None, Trend::Damped] {
            for relative in [false, true] {
                // Factors with additive errors are unstable; relative errors need a level that is not zero.
                if (relative && !positive) || (season == Season::Multiplicative && !relative) {
                    continue;
                }
                forms.extend(Smoothing::fit(values, period, trend, season, relative));
            }
        }
    }
    let least = forms.iter().map(|form| form.criterion).fold(f64::INFINITY, f64::min);
    let mut weighed: Vec<(f64, Smoothing)> = forms
        .into_iter()
        .map(|form| (((least - form.criterion) / 2.0).exp(), form))
        .filter(|(weight, _)| *weight > 0.01)
        .collect();
    let sum: f64 = weighed.iter().map(|(weight, _)| weight).sum();
    weighed.iter_mut().for_each(|(weight, _)| *weight /= sum);
    weighed
}

impl Smoothing {
    fn fit(values: &[f64], period: usize, trend: Trend, season: Season, relative: bool) -> Option<Self> {
        let seasons = if season == Season::None { 0 } else { period };
        let parameters = 3 + if trend == Trend::None { 0 } else { 2 } + usize::from(trend == Trend::Damped) + seasons;
        let spare = values.len().checked_sub(parameters + 2)?;
        let indices = if seasons > 0 {
            season::indices(values, period, season == Season::Multiplicative)
        } else {
            season::Indices::none()
        };
        let flat: Vec<f64> = values
            .iter()
            .enumerate()
            .take(10.max(2 * seasons))
            .map(|(place, value)| if seasons > 0 { indices.without(place, *value) } else { *value })
            .collect();
        let (level, slope) = line(&flat);
        let level = if trend == Trend::None { mean(&flat) } else { level };
        let spread =
            flat.iter().fold(0.0_f64, |most, value| most.max((value - level).abs())).max(level.abs() * 0.05).max(1e-12);
        let build = |p: &[f64]| Self {
            season,
            alpha: at(p, 0),
            level: level + spread * at(p, 1),
            beta: if trend == Trend::None { 0.0 } else { at(p, 0) * at(p, 2) },
            slope: if trend == Trend::None { 0.0 } else { slope + spread * 0.2 * at(p, 3) },
            phi: match trend {
                Trend::None => 1.0,
                Trend::Damped => at(p, 4),
            },
            gamma: if seasons > 0 { (1.0 - at(p, 0)) * p.last().copied().unwrap_or(0.0) } else { 0.0 },
            indices: if seasons > 0 { indices.values.clone() } else { Vec::new() },
            relative,
            criterion: 0.0,
        };
        let mut start = vec![0.3, 0.0];
        let mut bounds = vec![(1e-4, 0.9999), (-1.0, 1.0)];
        if trend != Trend::None {
            start.extend([0.1, 0.0]);
            bounds.extend([(1e-4, 0.9999), (-1.0, 1.0)]);
        }
        if trend == Trend::Damped {
            start.push(0.95);
            bounds.push((0.8, 0.98));
        }
        if seasons > 0 {
            start.push(0.05);
            bounds.push((1e-4, 0.9999));
        }
        let mut scratch = build(&start);
        let (point, likelihood) = minimise(&start, &bounds, 200 * start.len(), |p| {
            let next = build(p);
            scratch.clone_from(&next);
            scratch.unlikeliness(values)
        });
        if likelihood >= f64::MAX {
            return None;
        }
        let k = number(parameters);
        let criterion = likelihood + 2.0 * k + 2.0 * k * (k + 1.0) / number(spare + 1);
        Some(Self { criterion, ..build(&point) })
    }

    /// Minus twice the logarithm of the likelihood, less what is the same for all forms.
    fn unlikeliness(&mut self, values: &[f64]) -> f64 {
        let (mut level, mut slope) = (self.level, self.slope);
        let (mut squares, mut logarithms) = (0.0, 0.0);
        let mut place = 0;
        for value in values {
            let expected = self.step(&mut level, &mut slope, place, *value);
            let error = value - expected;
            if self.relative {
                squares += (error / expected).powi(2);
                logarithms += expected.abs().ln();
            } else {
                squares += error * error;
            }
            place += 1;
            if place >= self.indices.len() {
                place = 0;
            }
        }
        let n = number(values.len());
        n * squares.max(n * 1e-24).ln() + 2.0 * logarithms
    }

    /// What was expected of a value; the states become those after it.
    #[inline]
    fn step(&mut self, level: &mut f64, slope: &mut f64, place: usize, value: f64) -> f64 {
        let base = *level + self.phi * *slope;
        let index = at(&self.indices, place);
        let (expected, shown) = match self.season {
            Season::None => (base, 1.0),
            Season::Additive => (base + index, 1.0),
            Season::Multiplicative => (base * index, index),
        };
        let error = value - expected;
        *level = base + self.alpha * error / shown;
        *slope = self.phi * *slope + self.beta * error / shown;
        if let Some(index) = self.indices.get_mut(place) {
            *index += self.gamma * if self.season == Season::Multiplicative { error / base } else { error };
        }
        expected
    }
}

/// Intercept (one step before the first value) and slope of the least-squares line.
fn line(values: &[f64]) -> (f64, f64) {
    let n = number(values.len());
    let (middle, centre) = (mean(values), (n + 1.0) / 2.0);
    let (mut over, mut under) = (0.0, 0.0);
    for (value, x) in values.iter().zip(1_u32..) {
        let x = f64::from(x) - centre;
        over += x * (value - middle);
        under += x * x;
    }
    let slope = if under > 0.0 { over / under } else { 0.0 };
    (middle - slope * centre, slope)
}

impl Model for Smoothing {
    fn roll(&self, values: &[f64], from: usize, horizon: usize, path: &mut dyn FnMut(&[f64])) {
        let mut now = self.clone();
        let (mut level, mut slope) = (self.level, self.slope);
        let period = self.indices.len().max(1);
        let mut ahead = vec![0.0; horizon];
        for seen in 0..=values.len() {
            if seen >= from {
                let (mut base, mut step) = (level, slope);
                for (offset, place) in ahead.iter_mut().enumerate() {
                    step *= self.phi;
                    base += step;
                    let index = at(&now.indices, (seen + offset) % period);
                    *place = match self.season {
                        Season::None => base,
                        Season::Additive => base + index,
                        Season::Multiplicative => base * index,
                    };
                }
                path(&ahead);
            }
            if let Some(value) = values.get(seen) {
                now.step(&mut level, &mut slope, seen % period, *value);
            }
        }
    }
}

#[cfg(test)]
pub(super) mod tests;

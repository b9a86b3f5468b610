//! The backtest of a forecast on its own series: fitted again on beginnings of the series, held against what came.

use super::ensemble::Ensemble;
use super::naive;
use super::{Skill, rounded};
use crate::analytics::numeric::number;

/// How often the models are fitted again.
const REFITS: usize = 4;
/// The fewest values that they are fitted on.
const FEWEST: usize = 4;

/// What the errors were.
pub(super) struct Backtest {
    /// The expected square of the error one step ahead, and how much each further step adds.
    variance: (f64, f64),
    ours: f64,
    naive: f64,
    pairs: usize,
}

/// How many deviations reach as far as four of five, and nineteen of twenty, values. Wider than those of the normal
/// distribution, as errors are, and the more so the shorter the series; found on the beginnings of the series of the M3
/// competition, whose ends they were not shown.
pub(super) fn multiples(values: usize) -> (f64, f64) {
    let n = number(values.max(1));
    (1.25 * (1.0 + 2.5 / n), 2.2 * (1.0 + 6.0 / n))
}

impl Backtest {
    /// Fits on beginnings of the second half of the series, each used until the next one. `relative` measures errors as
    /// shares of what was expected.
    pub(super) fn run(values: &[f64], period: usize, steps: usize, relative: bool) -> Self {
        let n = values.len();
        let season = if period > 1 { 2 * period + 2 } else { 0 };
        let first = (n / 2).max(FEWEST).max(season).min(n.saturating_sub(1));
        let mut errors = vec![(0.0, 0.0); steps];
        let mut backtest = Self { variance: (0.0, 0.0), ours: 0.0, naive: 0.0, pairs: 0 };
        for part in 0..REFITS {
            let (from, to) = (first + (n - first) * part / REFITS, first + (n - first) * (part + 1) / REFITS);
            let (Some(known), Some(until)) = (values.get(..from), values.get(..to.saturating_sub(1))) else { continue };
            if from >= to {
                continue;
            }
            for (offset, path) in Ensemble::fit(known, period).roll(until, from, steps).iter().enumerate() {
                backtest.hold(values, (from + offset, period), path, relative, &mut errors);
            }
        }
        backtest.variance = growth(&errors);
        backtest
    }

    fn hold(
        &mut self,
        values: &[f64],
        (seen, period): (usize, usize),
        path: &[f64],
        relative: bool,
        errors: &mut [(f64, f64)],
    ) {
        let ahead = values.get(seen..).unwrap_or_default();
        for (step, ((expected, actual), sum)) in path.iter().zip(ahead).zip(errors).enumerate() {
            let error = actual - expected;
            if !error.is_finite() {
                continue;
            }
            let unit = if relative { expected.abs().max(1e-9) } else { 1.0 };
            sum.0 += (error / unit).powi(2);
            sum.1 += 1.0;
            self.ours += error.abs();
            self.naive += (actual - naive(values, seen, period, step)).abs();
            self.pairs += 1;
        }
    }

    /// The deviation of the error, `step` steps after the next one.
    pub(super) fn deviation(&self, step: usize) -> f64 {
        (self.variance.0 + self.variance.1 * number(step)).sqrt()
    }

    /// How the errors compare with those of the seasonal naive forecast.
    pub(super) fn skill(&self) -> Skill {
        let ratio = rounded(self.ours / self.naive);
        match ratio {
            _ if self.pairs < REFITS || !ratio.is_finite() => Skill::Unknown,
            ratio if ratio < 1.0 => Skill::Better { ratio },
            ratio => Skill::NotBetter { ratio },
        }
    }
}

/// The line through the mean squares of the errors over the steps, nearer steps counting more; it never falls.
fn growth(errors: &[(f64, f64)]) -> (f64, f64) {
    let (mut w, mut x, mut y, mut xx, mut xy) = (0.0, 0.0, 0.0, 0.0, 0.0);
    for (step, (squares, count)) in errors.iter().enumerate() {
        if *count > 0.0 {
            let (place, weight, square) = (number(step), count / (1.0 + number(step)).powi(2), squares / count);
            w += weight;
            x += weight * place;
            y += weight * square;
            xx += weight * place * place;
            xy += weight * place * square;
        }
    }
    if w <= 0.0 {
        return (0.0, 0.0);
    }
    let under = w * xx - x * x;
    let slope = if under > 1e-12 * w * w { (w * xy - x * y) / under } else { 0.0 };
    if slope <= 0.0 {
        return (y / w, 0.0);
    }
    let first = errors.iter().map(|(squares, count)| squares / count.max(1.0)).next().unwrap_or(0.0);
    (((y - slope * x) / w).max(0.3 * first), slope)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_through_the_squares_grows_or_stays() {
        let rising: Vec<(f64, f64)> = (0..5).map(|step| (2.0 * (1.0 + f64::from(step)), 2.0)).collect();
        let (first, more) = growth(&rising);
        assert!((first - 1.0).abs() < 1e-12 && (more - 1.0).abs() < 1e-12);
        assert_eq!(growth(&[(8.0, 2.0), (2.0, 2.0)]).1, 0.0);
        assert_eq!(growth(&[]), (0.0, 0.0));
    }
}

//! Forecasts: the mean of several families of models, with intervals as wide as the errors that such forecasts made.
//!
//! The families are exponential smoothing (all damped forms, weighed by evidence), the dynamic optimised Theta model,
//! complex exponential smoothing, an autoregression of the changes and, for long periods, Theta on block means. The widths
//! come from a backtest on the series itself: the models are fitted again on the beginnings of the series, and what they
//! expected is held against what came. The same backtest says whether the forecast is better than repeating the last
//! season. Nothing panics; the same input gives the same output.

mod aggregated;
mod autoregression;
mod backtest;
mod complex;
mod ensemble;
mod prepare;
mod season;
mod smoothing;
mod theta;

use super::numeric::{at, mean, normal_tail, rounded};
use backtest::Backtest;
use ensemble::Ensemble;

/// The fewest known values that a forecast rests on.
pub const FEWEST_VALUES: usize = 6;
/// The most steps ahead.
pub const MOST_STEPS: usize = 400;
/// The most values looked at, the newest ones; four periods where that is more.
pub const MOST_VALUES: usize = 512;

/// What is expected of the steps after a series.
#[derive(Debug, Clone, PartialEq)]
pub struct Forecast {
    /// One per step ahead, the next one first.
    pub steps: Vec<Step>,
    /// How it does beside the seasonal naive forecast.
    pub skill: Skill,
    /// How many values it rests on.
    pub values: usize,
}

/// What is expected of one step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Step {
    /// The middle.
    pub expected: f64,
    /// Where four of five values are to lie.
    pub eighty: (f64, f64),
    /// Where nineteen of twenty values are to lie.
    pub ninety_five: (f64, f64),
}

/// How a forecast does beside the seasonal naive one (the value one period before), in the backtest on the series itself.
/// The ratio is the mean absolute error of the forecast over that of the naive one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Skill {
    /// Its errors are smaller.
    Better {
        /// Less than one.
        ratio: f64,
    },
    /// Its errors are not smaller: who repeats the last season knows as much.
    NotBetter {
        /// One or more.
        ratio: f64,
    },
    /// The series is too short, or the naive forecast makes no errors, or none are made by either.
    Unknown,
}

/// Which way a series goes: the mean of the next period beside that of the last one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Outlook {
    /// Whether more is expected.
    pub rises: bool,
    /// The chance that this is so, from 0.5 to 1.
    pub confidence: f64,
}

/// Why there is no forecast.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ForecastError {
    /// Too little is known.
    #[error("insufficient: {have} values are known, {need} are needed")]
    Insufficient {
        /// Known values.
        have: usize,
        /// Needed values.
        need: usize,
    },
}

/// Expects the next `steps` values of a series, with a season of `period` values (1 for none). Missing values and what is
/// not a finite number are filled in from around them; those before the first known value are left out.
pub fn forecast(values: &[Option<f64>], period: usize, steps: usize) -> Result<Forecast, ForecastError> {
    let series = prepare::prepared(values, period)?;
    let (values, period) = (series.values.as_slice(), series.period);
    let steps = steps.min(MOST_STEPS);
    let models = Ensemble::fit(values, period);
    let mut path = models.roll(values, values.len(), steps).pop().unwrap_or_default();
    let naive = |step: usize| naive(values, values.len(), period, step);
    for (step, value) in path.iter_mut().enumerate() {
        // What has run away knows nothing.
        if !value.is_finite() || value.abs() > 1e3 {
            *value = naive(step);
        }
    }
    let positive = values.iter().all(|value| *value > 0.0);
    let floor = if values.iter().all(|value| *value >= 0.0) { 0.0 } else { f64::NEG_INFINITY };
    let backtest = Backtest::run(values, period, steps, positive);
    let steps = path
        .iter()
        .enumerate()
        .map(|(step, expected)| {
            let unit = if positive { expected.abs() } else { 1.0 };
            let around = |times: f64| {
                let width = times * unit * backtest.deviation(step);
                let low = (expected - width).max(floor);
                (rounded(low * series.scale), rounded((expected + width) * series.scale))
            };
            let (eighty, ninety_five) = backtest::multiples(values.len());
            Step {
                expected: rounded(expected.max(floor) * series.scale),
                eighty: around(eighty),
                ninety_five: around(ninety_five),
            }
        })
        .collect();
    Ok(Forecast { steps, skill: backtest.skill(), values: values.len() })
}

impl Forecast {
    /// Which way the mean of the next period goes beside `last`, the mean of the last one.
    pub fn outlook(&self, last: f64) -> Outlook {
        let expected: Vec<f64> = self.steps.iter().map(|step| step.expected).collect();
        let widths: Vec<f64> = self.steps.iter().map(|step| step.eighty.1 - step.expected).collect();
        let difference = mean(&expected) - last;
        // Errors of neighbouring steps go together, so those of the mean are hardly smaller.
        let deviation = mean(&widths) / backtest::multiples(self.values).0;
        let confidence = if deviation > 0.0 { 1.0 - normal_tail(difference.abs() / deviation) } else { 1.0 };
        Outlook { rises: difference > 0.0, confidence: rounded(confidence) }
    }
}

/// What was there one period before, as of `seen` values, `step` steps ahead.
fn naive(values: &[f64], seen: usize, period: usize, step: usize) -> f64 {
    let period = period.max(1).min(seen.max(1));
    at(values, (seen + step % period).saturating_sub(period))
}

#[cfg(test)]
mod tests;

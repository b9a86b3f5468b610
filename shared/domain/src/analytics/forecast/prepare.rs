//! A series made ready: without gaps, not too long, its largest value of size 1.

use super::{FEWEST_VALUES, ForecastError, MOST_VALUES};
use crate::analytics::numeric::at;

/// The longest season, in values.
const LONGEST_PERIOD: usize = 400;

/// A series that the models can work on.
pub(super) struct Prepared {
    /// All finite, none larger than 1.
    pub values: Vec<f64>,
    /// What they have to be multiplied by.
    pub scale: f64,
    /// The season that there can be: 1 for none.
    pub period: usize,
}

/// Fills in what is missing, keeps the newest values and scales them.
pub(super) fn prepared(values: &[Option<f64>], period: usize) -> Result<Prepared, ForecastError> {
    let period = if (2..=LONGEST_PERIOD).contains(&period) { period } else { 1 };
    let most = MOST_VALUES.max(4 * period);
    let newest = values.get(values.len().saturating_sub(most)..).unwrap_or_default();
    let clean: Vec<Option<f64>> = newest.iter().map(|value| value.filter(|value| value.is_finite())).collect();
    let have = clean.iter().flatten().count();
    if have < FEWEST_VALUES {
        return Err(ForecastError::Insufficient { have, need: FEWEST_VALUES });
    }
    let first = clean.iter().position(Option::is_some).unwrap_or(0);
    let known = clean.get(first..).unwrap_or_default();
    let scale = known.iter().flatten().fold(0.0_f64, |most, value| most.max(value.abs()));
    let scale = if scale > 0.0 { scale } else { 1.0 };
    let known: Vec<Option<f64>> = known.iter().map(|value| value.map(|value| value / scale)).collect();
    Ok(Prepared { values: filled(&known, period), scale, period })
}

/// A gap takes what was there one period before; without a season, and in the first period, the line across it.
fn filled(values: &[Option<f64>], period: usize) -> Vec<f64> {
    let mut full: Vec<f64> = Vec::with_capacity(values.len());
    for (place, value) in values.iter().enumerate() {
        let value = value.unwrap_or_else(|| match place.checked_sub(period) {
            Some(before) if period > 1 => at(&full, before),
            _ => across(values, place, full.last().copied().unwrap_or(0.0)),
        });
        full.push(value);
    }
    full
}

fn across(values: &[Option<f64>], place: usize, last: f64) -> f64 {
    let ahead =
        values.iter().skip(place).enumerate().find_map(|(distance, value)| value.map(|value| (distance, value)));
    // The step to the next known value, in equal parts; after the last one, no step.
    ahead.map_or(last, |(distance, next)| last + (next - last) / crate::analytics::numeric::number(distance + 1))
}

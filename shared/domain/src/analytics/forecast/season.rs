//! The season taken out of a series and put back: whether there is one (autocorrelation at the period), and its indices
//! (classical decomposition by centred moving averages).

use crate::analytics::numeric::{at, mean, number};

/// One season, as factors or as summands.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Indices {
    /// One index per place in the period, the first for the first value; factors average 1, summands 0.
    pub values: Vec<f64>,
    /// Whether they are factors.
    pub multiplicative: bool,
}

impl Indices {
    /// No season.
    pub(super) fn none() -> Self {
        Self { values: vec![1.0], multiplicative: true }
    }

    fn index(&self, place: usize) -> f64 {
        at(&self.values, place % self.values.len().max(1))
    }

    /// The value at a place, without its season.
    pub(super) fn without(&self, place: usize, value: f64) -> f64 {
        if self.multiplicative { value / self.index(place) } else { value - self.index(place) }
    }

    /// The value at a place, with its season.
    pub(super) fn with(&self, place: usize, value: f64) -> f64 {
        if self.multiplicative { value * self.index(place) } else { value + self.index(place) }
    }
}

/// Whether the autocorrelation at the period is more than one deviation of chance (Bartlett's formula), of at least two
/// periods. That is soon so; what is only noise in the indices is then taken out of them.
pub(super) fn is_seasonal(values: &[f64], period: usize) -> bool {
    if period < 2 || values.len() < 2 * period {
        return false;
    }
    let middle = mean(values);
    let correlation = |lag: usize| -> f64 {
        values.iter().zip(values.iter().skip(lag)).map(|(one, other)| (one - middle) * (other - middle)).sum()
    };
    let whole = correlation(0);
    if whole <= 0.0 {
        return false;
    }
    let before: f64 = (1..period).map(|lag| (correlation(lag) / whole).powi(2)).sum();
    (correlation(period) / whole).abs() > 1.0 * ((1.0 + 2.0 * before) / number(values.len())).sqrt()
}

/// The indices of a series of at least two periods. `multiplicative` asks for factors; values that are not all positive
/// get summands.
pub(super) fn indices(values: &[f64], period: usize, multiplicative: bool) -> Indices {
    if period < 2 || values.len() < 2 * period {
        return Indices::none();
    }
    let multiplicative = multiplicative && values.iter().all(|value| *value > 0.0);
    let trend = centred(values, period);
    let mut sums = vec![(0.0, 0.0); period];
    for (place, (value, trend)) in values.iter().zip(&trend).enumerate() {
        let (Some(trend), Some(sum)) = (trend, sums.get_mut(place % period)) else { continue };
        sum.0 += if multiplicative { value / trend } else { value - trend };
        sum.1 += 1.0;
    }
    let neutral = f64::from(u8::from(multiplicative));
    let raw: Vec<f64> = sums.iter().map(|(sum, count)| if *count > 0.0 { sum / count } else { neutral }).collect();
    let middle = mean(&raw);
    let keep = shrinkage(values, &trend, &raw, multiplicative);
    let raw: Vec<f64> = raw.iter().map(|index| middle + keep * (index - middle)).collect();
    let values: Vec<f64> =
        raw.iter().map(|index| if multiplicative { (index / middle).max(0.01) } else { index - middle }).collect();
    if values.iter().all(|value| value.is_finite()) { Indices { values, multiplicative } } else { Indices::none() }
}

/// How much of the indices is more than noise (James and Stein).
fn shrinkage(values: &[f64], trend: &[Option<f64>], raw: &[f64], multiplicative: bool) -> f64 {
    let period = raw.len();
    let (mut squares, mut count) = (0.0, 0.0);
    for (place, (value, trend)) in values.iter().zip(trend).enumerate() {
        let Some(trend) = trend else { continue };
        let ratio = if multiplicative { value / trend } else { value - trend };
        squares += (ratio - at(raw, place % period)).powi(2);
        count += 1.0;
    }
    let m = number(period);
    let middle = mean(raw);
    let spread: f64 = raw.iter().map(|index| (index - middle).powi(2)).sum();
    let noise = squares / (count - m).max(1.0) / (count / m);
    if spread > 0.0 { (1.0 - (m - 3.0).max(0.0) * noise / spread).clamp(0.0, 1.0) } else { 0.0 }
}

/// The mean over one period around each place; nothing where the series does not reach that far.
fn centred(values: &[f64], period: usize) -> Vec<Option<f64>> {
    let half = period / 2;
    let even = period.is_multiple_of(2);
    (0..values.len())
        .map(|place| {
            let window = values.get(place.checked_sub(half)?..=place + half)?;
            let ends = if even { 0.5 * (at(window, 0) + at(window, 2 * half)) } else { 0.0 };
            let sum: f64 = window.iter().sum();
            Some((sum - ends) / number(period))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_planted_season_is_found_exactly_and_a_line_has_none() {
        let season = [0.8, 1.1, 1.3, 0.8];
        let values: Vec<f64> = (0..40).map(|t| 100.0 * season[t % 4]).collect();
        assert!(is_seasonal(&values, 4));
        let found = indices(&values, 4, true);
        for (one, other) in found.values.iter().zip(season) {
            assert!((one - other).abs() < 1e-12, "{found:?}");
        }
        assert!((found.with(2, found.without(2, 130.0)) - 130.0).abs() < 1e-12);
        assert!(!is_seasonal(&[1.0; 40], 7) && !is_seasonal(&values, 1));
    }

    #[test]
    fn values_that_are_not_positive_get_summands() {
        let values: Vec<f64> = (0..40).map(|t| [-1.0, 1.0][t % 2]).collect();
        assert_eq!(indices(&values, 2, true), Indices { values: vec![-1.0, 1.0], multiplicative: false });
        assert_eq!(indices(&[1.0, 2.0], 2, true), Indices::none());
    }
}

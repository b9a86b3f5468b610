//! Trends: the slope of Theil and Sen with its range, and the test of Mann and Kendall whether it could be chance.
//!
//! Both look at pairs of values, so a wild value moves them little. A trend is up or down when it is no chance and when it
//! is large enough to matter; otherwise the series is flat.

use super::numeric::{median, normal_quantile, normal_tail, number, rounded};

/// The windows in which trends are looked for, in days.
pub const WINDOWS: [i32; 3] = [7, 30, 90];
/// The most values of a window.
pub const MOST_VALUES: usize = 400;

/// When a trend counts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TrendSettings {
    /// The chance below which it is no chance.
    pub significance: f64,
    /// How much of the middle value it has to amount to over the whole window, as a share.
    pub dead_band: f64,
    /// The share of the window's days that have to be known, and never fewer than five.
    pub coverage: f64,
}

impl Default for TrendSettings {
    fn default() -> Self {
        Self { significance: 0.05, dead_band: 0.05, coverage: 0.5 }
    }
}

/// Which way a series goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// More and more.
    Up,
    /// Less and less.
    Down,
    /// Neither, as far as can be told.
    Flat,
}

/// The trend of one window.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Trend {
    /// Known values.
    pub values: usize,
    /// Change a day: the middle of all slopes between two values.
    pub slope: f64,
    /// Where the slope lies in nineteen of twenty cases.
    pub range: (f64, f64),
    /// Kendall's tau between day and value, from -1 to 1.
    pub tau: f64,
    /// The chance that values without a trend would show one at least as clear.
    pub chance: f64,
    /// Which way it goes.
    pub direction: Direction,
}

/// Why there is no trend.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("insufficient: {have} values are known, {need} are needed")]
pub struct Insufficient {
    /// Known values.
    pub have: usize,
    /// Needed values.
    pub need: usize,
}

/// The trend of the `window` days up to `today`, both counted in days. Values should be without their season.
pub fn trend(points: &[(i32, f64)], today: i32, window: i32, settings: TrendSettings) -> Result<Trend, Insufficient> {
    let known: Vec<(f64, f64)> = points
        .iter()
        .filter(|(day, value)| *day <= today && today.saturating_sub(*day) < window && value.is_finite())
        .map(|(day, value)| (f64::from(*day), *value))
        .take(MOST_VALUES)
        .collect();
    // A share of a few days is a few days.
    let need =
        (1..=MOST_VALUES).find(|need| number(*need) >= settings.coverage * f64::from(window)).unwrap_or(1).max(5);
    let too_little = Insufficient { have: known.len(), need };
    if known.len() < need {
        return Err(too_little);
    }
    let sen = theil_sen(&known).ok_or(too_little)?;
    let (tau, chance) = mann_kendall(&known);
    let middle = median(&mut known.iter().map(|(_, value)| *value).collect::<Vec<_>>()).abs();
    let matters = (sen.slope * f64::from(window)).abs() > settings.dead_band * middle;
    let direction = match sen.slope {
        slope if !matters || chance >= settings.significance || slope == 0.0 => Direction::Flat,
        slope if slope > 0.0 => Direction::Up,
        _ => Direction::Down,
    };
    Ok(Trend {
        values: known.len(),
        slope: rounded(sen.slope),
        range: (rounded(sen.low), rounded(sen.high)),
        tau: rounded(tau),
        chance: rounded(chance),
        direction,
    })
}

/// The line of Theil and Sen.
struct Sen {
    slope: f64,
    low: f64,
    high: f64,
}

/// The middle of the slopes of all pairs, and their ranks at 95 % (Sen 1968, with the correction for ties).
fn theil_sen(points: &[(f64, f64)]) -> Option<Sen> {
    let mut slopes: Vec<f64> = Vec::with_capacity(points.len() * points.len() / 2);
    for (place, (x, y)) in points.iter().enumerate() {
        for (later_x, later_y) in points.iter().skip(place + 1) {
            if later_x != x {
                // Halved first, for the difference of two huge values may be endless.
                slopes.push((later_y / 2.0 - y / 2.0) / ((later_x - x) / 2.0));
            }
        }
    }
    slopes.sort_unstable_by(f64::total_cmp);
    let count = number(slopes.len());
    let n = number(points.len());
    let ties = |of: fn(&(f64, f64)) -> f64| ties(points.iter().map(of).collect()).large / 18.0;
    let spread =
        (n * (n - 1.0) * (2.0 * n + 5.0) / 18.0 - ties(|point| point.0) - ties(|point| point.1)).max(0.0).sqrt();
    let reach = normal_quantile(0.975) * spread;
    let rank = |rank: f64| {
        let rank = rank.round_ties_even();
        slopes
            .iter()
            .zip(0_u32..)
            .take_while(|(_, place)| f64::from(*place) <= rank.max(0.0))
            .last()
            .map(|(slope, _)| *slope)
    };
    let (low, high) = (rank(((count - reach) / 2.0).round_ties_even() - 1.0)?, rank((count + reach) / 2.0)?);
    Some(Sen { slope: median(&mut slopes), low, high })
}

/// Sums over groups of equal values of size t.
struct Ties {
    /// t(t − 1)/2
    pairs: f64,
    /// t(t − 1)(t − 2)
    triples: f64,
    /// t(t − 1)(2t + 5)
    large: f64,
}

fn ties(mut values: Vec<f64>) -> Ties {
    values.sort_unstable_by(f64::total_cmp);
    let mut sums = Ties { pairs: 0.0, triples: 0.0, large: 0.0 };
    for group in values.chunk_by(|one, other| one == other) {
        let t = number(group.len());
        sums.pairs += t * (t - 1.0) / 2.0;
        sums.triples += t * (t - 1.0) * (t - 2.0);
        sums.large += t * (t - 1.0) * (2.0 * t + 5.0);
    }
    sums
}

/// Kendall's tau (b) and the chance of one at least as far from zero, by the normal distribution with ties corrected.
fn mann_kendall(points: &[(f64, f64)]) -> (f64, f64) {
    let mut surplus = 0.0;
    for (place, (x, y)) in points.iter().enumerate() {
        for (later_x, later_y) in points.iter().skip(place + 1) {
            let sign = |one: f64, other: f64| f64::from(i8::from(other > one) - i8::from(other < one));
            surplus += sign(*x, *later_x) * sign(*y, *later_y);
        }
    }
    let n = number(points.len());
    let all = n * (n - 1.0) / 2.0;
    let (x, y) =
        (ties(points.iter().map(|point| point.0).collect()), ties(points.iter().map(|point| point.1).collect()));
    let untied = (all - x.pairs) * (all - y.pairs);
    if untied <= 0.0 {
        return (0.0, 1.0);
    }
    let pairs = n * (n - 1.0);
    let variance = (pairs * (2.0 * n + 5.0) - x.large - y.large) / 18.0
        + 2.0 * x.pairs * y.pairs / pairs
        + x.triples * y.triples / (9.0 * pairs * (n - 2.0));
    (surplus / untied.sqrt(), 2.0 * normal_tail(surplus.abs() / variance.sqrt()))
}

#[cfg(test)]
mod tests;

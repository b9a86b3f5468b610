//! Seasons: what weekdays, months and holidays add to a series, of at least two cycles; otherwise it is insufficient.
//!
//! The season is taken apart by STL (Cleveland, Cleveland, McRae and Terpenning 1990), robustly, so that a wild value is
//! not taken for a season.

use super::numeric::{at, mean, median, number, robust_deviation, rounded};
use super::trend::Insufficient;
use jiff::ToSpan;
use std::collections::BTreeMap;

/// The most days looked at, the newest ones.
pub const MOST_DAYS: i32 = 4_000;
/// The strength from which on a season is worth taking out.
pub const STRONG: f64 = 0.3;

/// What each place of a cycle adds.
#[derive(Debug, Clone, PartialEq)]
pub struct Season {
    /// One summand per place, Monday or January first.
    pub adds: Vec<f64>,
    /// The share of what varies beside the trend that the season explains, from 0 to 1.
    pub strength: f64,
    /// How many whole cycles it rests on.
    pub cycles: usize,
}

/// What a holiday adds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Holiday {
    /// To what the weekday and the trend would have.
    pub adds: f64,
    /// How often it was seen.
    pub seen: usize,
}

/// What each weekday adds, Monday first. Points are (day since 1970-01-01, value).
pub fn weekdays(points: &[(i32, f64)]) -> Result<Season, Insufficient> {
    let (first, values) = daily(points);
    // 1970-01-01 was a Thursday.
    season(&values, 7, first.saturating_add(3))
}

/// What each month adds to the mean of its days, January first. Months that are not over count as they are.
pub fn months(points: &[(i32, f64)]) -> Result<Season, Insufficient> {
    let mut sums: BTreeMap<i32, (f64, f64)> = BTreeMap::new();
    for (day, value) in finite(points) {
        let Ok(date) = jiff::civil::date(1970, 1, 1).checked_add(day.days()) else { continue };
        let (sum, count) = sums.entry(i32::from(date.year()) * 12 + i32::from(date.month()) - 1).or_default();
        *sum += value;
        *count += 1.0;
    }
    let means: Vec<(i32, f64)> = sums.into_iter().map(|(month, (sum, count))| (month, sum / count)).collect();
    let (first, values) = daily(&means);
    season(&values, 12, first)
}

/// What a holiday adds that was on these days, at least two of which are known.
pub fn holiday(points: &[(i32, f64)], days: &[i32]) -> Result<Holiday, Insufficient> {
    let (first, values) = daily(points);
    let places: Vec<usize> = days
        .iter()
        .filter_map(|day| usize::try_from(day.saturating_sub(first)).ok())
        .filter(|place| values.get(*place).is_some_and(Option::is_some))
        .collect();
    if places.len() < 2 {
        return Err(Insufficient { have: places.len(), need: 2 });
    }
    // The holidays themselves must not shape what is usual.
    let usual: Vec<Option<f64>> =
        values.iter().enumerate().map(|(place, value)| value.filter(|_| !places.contains(&place))).collect();
    let parts = decompose(&usual, 7)?;
    let mut adds: Vec<f64> = places
        .iter()
        .filter_map(|place| {
            Some(values.get(*place).copied().flatten()? - at(&parts.season, *place) - at(&parts.trend, *place))
        })
        .collect();
    Ok(Holiday { adds: rounded(median(&mut adds)), seen: places.len() })
}

fn season(values: &[Option<f64>], period: usize, first: i32) -> Result<Season, Insufficient> {
    let parts = decompose(values, period)?;
    let start = usize::try_from(i64::from(first).rem_euclid(i64::try_from(period).unwrap_or(1))).unwrap_or(0);
    let adds = (0..period)
        .map(|place| {
            let begin = (place + period - start) % period;
            rounded(mean(&parts.season.iter().copied().skip(begin).step_by(period).collect::<Vec<_>>()))
        })
        .collect();
    Ok(Season { adds, strength: rounded(parts.strength), cycles: values.len() / period })
}

/// A series taken apart.
struct Parts {
    season: Vec<f64>,
    trend: Vec<f64>,
    strength: f64,
}

/// Of at least two cycles, at least half of whose values are known, every place of the cycle twice or more.
fn decompose(values: &[Option<f64>], period: usize) -> Result<Parts, Insufficient> {
    let have = values.iter().flatten().count();
    let need = (2 * period).max(values.len() / 2);
    let insufficient = Insufficient { have, need };
    let twice = (0..period).all(|place| values.iter().skip(place).step_by(period).flatten().count() >= 2);
    if have < need || !twice {
        return Err(insufficient);
    }
    let full = filled(values, period);
    let scale = full.iter().fold(0.0_f64, |most, value| most.max(value.abs()));
    if scale <= 0.0 {
        return Ok(Parts { season: vec![0.0; full.len()], trend: vec![0.0; full.len()], strength: 0.0 });
    }
    let scaled: Vec<f64> = full.iter().map(|value| value / scale).collect();
    let parts = stl(&scaled, period, 10 * full.len() + 1).map_err(|_| insufficient)?;
    let of = |part: &[f64]| part.iter().map(|value| value * scale).collect::<Vec<f64>>();
    let strength = strength(parts.seasonal(), parts.remainder());
    Ok(Parts { season: of(parts.seasonal()), trend: of(parts.trend()), strength })
}

/// One less the share of the robust variance beside the trend that is left without the season.
fn strength(season: &[f64], rest: &[f64]) -> f64 {
    let both: Vec<f64> = season.iter().zip(rest).map(|(season, rest)| season + rest).collect();
    let spread = |values: &[f64]| robust_deviation(values, median(&mut values.to_vec()));
    let share = (spread(rest) / spread(&both)).powi(2);
    if share.is_finite() { (1.0 - share).max(0.0) } else { 0.0 }
}

/// STL with robustness, every value fitted, the way statsmodels has it.
fn stl(values: &[f64], period: usize, seasonal_length: usize) -> Result<stlrs::StlResult<f64>, stlrs::Error> {
    stlrs::Stl::params()
        .seasonal_length(seasonal_length)
        .seasonal_degree(1)
        .trend_degree(1)
        .low_pass_degree(1)
        .seasonal_jump(1)
        .trend_jump(1)
        .low_pass_jump(1)
        .inner_loops(2)
        .outer_loops(15)
        .robust(true)
        .fit(values, period)
}

fn finite(points: &[(i32, f64)]) -> impl Iterator<Item = (i32, f64)> {
    points.iter().copied().filter(|(_, value)| value.is_finite())
}

/// The values of all days from the first known one to the last, of the newest days at most; of several on a day the last.
fn daily(points: &[(i32, f64)]) -> (i32, Vec<Option<f64>>) {
    let by_day: BTreeMap<i32, f64> = finite(points).collect();
    let Some((newest, _)) = by_day.last_key_value() else { return (0, Vec::new()) };
    let oldest = newest.saturating_sub(MOST_DAYS - 1);
    let Some((first, _)) = by_day.range(oldest..).next() else { return (0, Vec::new()) };
    (*first, (*first..=*newest).map(|day| by_day.get(&day).copied()).collect())
}

/// A gap takes the middle of the known values at its place in the cycle.
fn filled(values: &[Option<f64>], period: usize) -> Vec<f64> {
    let usual: Vec<f64> = (0..period)
        .map(|place| median(&mut values.iter().skip(place).step_by(period).flatten().copied().collect::<Vec<_>>()))
        .collect();
    values.iter().enumerate().map(|(place, value)| value.unwrap_or_else(|| at(&usual, place % period))).collect()
}

/// A value without what its weekday adds; as it is where the season is not worth taking out.
pub fn without_weekday(season: &Season, day: i32, value: f64) -> f64 {
    let place = usize::try_from(i64::from(day).saturating_add(3).rem_euclid(7)).unwrap_or(0);
    if season.strength >= STRONG && number(season.cycles) >= 2.0 { value - at(&season.adds, place) } else { value }
}

#[cfg(test)]
mod tests;

//! Anomalies, value by value: how far a value, or what the recent values come to, lies beyond everything seen so far.
//!
//! Five views of the series each have a robust size: the error against the level of the moment, the shift of the last few
//! and of the last many values against the long run, the drift of recent errors against the seasonal profile, and the
//! breach of the range. Each size is held against the largest one seen, which slowly fades: how seldom an error is, by the
//! series' own measure, without assuming a distribution. The score is the logarithm of that ratio, weighed by view: at a
//! weight of one, 0.7 is twice as far as ever. After a finding there is quiet for a while, unless something much larger comes.
//!
//! The state has a constant size and depends on the values in order of time alone: folding them one by one, or in parts,
//! is the same, and a value that is not newer than the newest one changes nothing.

use super::numeric::{at, rounded};
use serde::{Deserialize, Serialize};

/// The most places of a seasonal profile.
pub const MOST_PLACES: usize = 48;
/// Larger values are taken to be this large.
const LARGEST: f64 = 1e150;
/// The highest score.
const HIGHEST: f64 = 10.0;

/// How a series is watched. The shares are weights of the newest value in a running mean: 0.1 remembers some ten values.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// How long a season is, in seconds.
    pub cycle: i64,
    /// In how many places it is divided; at most [`MOST_PLACES`].
    pub places: usize,
    /// How many values are learned from before anything is found.
    pub least: u32,
    /// For how many values there is quiet after a finding.
    pub refractory: u32,
    /// The score above which something is a finding.
    pub threshold: f64,
    /// By how much a score must exceed the last finding to break the quiet.
    pub louder: f64,
    /// The share of the largest size that fades with each value.
    pub fading: f64,
    /// The share by which the largest size follows a larger one: with all of it, what grows step by step hides itself.
    pub yielding: f64,
    /// Memory of the level of the moment.
    pub level: f64,
    /// Memory of the last few values.
    pub few: f64,
    /// Memory of the last many values.
    pub many: f64,
    /// Memory of the long run.
    pub long: f64,
    /// Memory of the size of errors.
    pub spread: f64,
    /// Memory of the seasonal profile.
    pub profile: f64,
    /// The share of the long spread below which an error is nothing.
    pub floor: f64,
    /// The weight of each view: point, few, many, season, range.
    pub weights: [f64; VIEWS],
}

/// How many views there are.
pub const VIEWS: usize = 5;

impl Settings {
    /// For one value a day, with weekdays.
    pub const fn daily() -> Self {
        Self {
            cycle: 7 * 86_400,
            places: 7,
            least: 35,
            refractory: 14,
            threshold: 0.5,
            louder: 0.7,
            fading: 0.002,
            yielding: 0.1,
            level: 0.1,
            few: 0.3,
            many: 0.1,
            long: 0.01,
            spread: 0.03,
            profile: 0.1,
            floor: 0.05,
            weights: [0.5, 0.5, 0.5, 0.7, 0.7],
        }
    }

    /// For values every few minutes, with hours of the day.
    pub const fn dense() -> Self {
        Self {
            cycle: 86_400,
            places: 24,
            least: 100,
            refractory: 132,
            threshold: 0.06,
            louder: 0.8,
            fading: 0.000_15,
            yielding: 1.0,
            level: 0.02,
            few: 0.05,
            many: 0.005_5,
            long: 0.002_2,
            spread: 0.008,
            profile: 0.012_5,
            floor: 0.01,
            weights: [0.2, 0.75, 2.7, 0.2, 0.9],
        }
    }
}

/// What showed the anomaly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum View {
    /// One value far from the level of the moment.
    Point,
    /// The last few values lie elsewhere.
    Few,
    /// The last many values lie elsewhere.
    Many,
    /// Recent values are not what they were at this place of the season.
    Season,
    /// A value outside of everything seen.
    Range,
}

const EVERY_VIEW: [View; VIEWS] = [View::Point, View::Few, View::Many, View::Season, View::Range];

/// On which side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// More than expected.
    Up,
    /// Less than expected.
    Down,
}

/// How bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Beyond what was seen.
    Low,
    /// Far beyond it: a score above 0.6.
    Medium,
    /// Nothing near it was seen: a score above 1.
    High,
}

/// An anomaly.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Finding {
    /// The weighed logarithm of how far it lies beyond the largest seen, at most 10.
    pub score: f64,
    /// What showed it.
    pub view: View,
    /// On which side.
    pub direction: Direction,
    /// How bad.
    pub severity: Severity,
    /// What was expected of the value: the profile at this place of the season where there is one, else the level.
    pub expected: f64,
}

/// One place of the season.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
struct Place {
    level: f64,
    seen: u32,
}

/// What is remembered of a series: the same size however long it is.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct State {
    seen: u32,
    newest: Option<i64>,
    level: f64,
    few: f64,
    many: f64,
    long: f64,
    long_spread: f64,
    spread: f64,
    season_spread: f64,
    drift: f64,
    high: f64,
    low: f64,
    profile: Vec<Place>,
    largest: [f64; VIEWS],
    quiet: u32,
    loudest: f64,
}

/// What a value is beside the state: for each view its size and its sign.
struct Sizes {
    sizes: [f64; VIEWS],
    signs: [f64; VIEWS],
    residual: f64,
    error: f64,
    floor: f64,
    expected: f64,
}

impl State {
    /// Takes in a value at a time (seconds). Nothing comes of a value that is not newer than the newest one or is not a
    /// finite number.
    pub fn observe(&mut self, settings: &Settings, time: i64, value: f64) -> Option<Finding> {
        if !value.is_finite() || self.newest.is_some_and(|newest| time <= newest) {
            return None;
        }
        let value = value.clamp(-LARGEST, LARGEST);
        self.newest = Some(time);
        if self.seen == 0 {
            self.begin(settings, value);
        }
        self.seen = self.seen.saturating_add(1);
        let place = place(settings, time);
        let sizes = self.sizes(settings, place, value);
        let finding = self.judge(settings, &sizes);
        self.learn(settings, place, value, &sizes);
        finding
    }

    /// How many values went in.
    pub const fn seen(&self) -> u32 {
        self.seen
    }

    fn begin(&mut self, settings: &Settings, value: f64) {
        for mean in [&mut self.level, &mut self.few, &mut self.many, &mut self.long, &mut self.high, &mut self.low] {
            *mean = value;
        }
        self.profile = vec![Place::default(); settings.places.clamp(1, MOST_PLACES)];
    }

    /// The weight of the newest value: at first that of a plain mean.
    fn weight(&self, share: f64) -> f64 {
        share.max(1.0 / f64::from(self.seen.max(1)))
    }

    /// Moves the means that look at the value itself, and measures it in every view.
    fn sizes(&mut self, settings: &Settings, place: usize, value: f64) -> Sizes {
        let few = self.weight(settings.few);
        self.long_spread += self.weight(settings.long) * ((value - self.long).abs() - self.long_spread);
        self.few += few * (value - self.few);
        self.many += self.weight(settings.many) * (value - self.many);
        // Never nothing, so that sizes of series that stand still are finite.
        let tiny = 1e-9 * (1e-9 + self.long.abs());
        let floor = settings.floor * self.long_spread + tiny;
        let known = self.profile.get(place).copied().unwrap_or_default();
        let residual = if known.seen > 0 { value - known.level } else { 0.0 };
        self.drift += few * (residual - self.drift);
        let error = value - self.level;
        let breach = if value > self.high { value - self.high } else { (value - self.low).min(0.0) };
        let season = if known.seen >= 2 { self.drift / (self.season_spread + floor) } else { 0.0 };
        let shift = |mean: f64| (mean - self.long) / (self.long_spread + tiny);
        let range = self.high - self.low + tiny;
        let signed = [error / (self.spread + floor), shift(self.few), shift(self.many), season, breach / range];
        let expected = if known.seen >= 2 { known.level } else { self.level };
        Sizes { sizes: signed.map(f64::abs), signs: signed, residual, error, floor, expected }
    }

    /// The view that says most, if it says enough.
    fn judge(&mut self, settings: &Settings, sizes: &Sizes) -> Option<Finding> {
        let (mut score, mut of) = (0.0, None);
        for (index, view) in EVERY_VIEW.into_iter().enumerate() {
            let (size, largest) = (at(&sizes.sizes, index), at(&self.largest, index));
            let loud = match view {
                View::Range => size,
                _ if largest > 0.0 => (size / largest).ln(),
                _ => 0.0,
            };
            let loud = (loud * at(&settings.weights, index)).min(HIGHEST);
            if loud > score {
                (score, of) = (loud, Some((view, at(&sizes.signs, index))));
            }
        }
        self.quiet = self.quiet.saturating_sub(1);
        if self.quiet == 0 {
            self.loudest = 0.0;
        }
        let is_loud = score > settings.threshold && (self.quiet == 0 || score > self.loudest + settings.louder);
        let (view, sign) = of.filter(|_| is_loud && self.seen > settings.least)?;
        self.quiet = settings.refractory;
        self.loudest = self.loudest.max(score);
        let severity = match score {
            score if score > 1.0 => Severity::High,
            score if score > 0.6 => Severity::Medium,
            _ => Severity::Low,
        };
        let direction = if sign < 0.0 { Direction::Down } else { Direction::Up };
        Some(Finding { score: rounded(score), view, direction, severity, expected: rounded(sizes.expected) })
    }

    /// What the value teaches. Errors are cut where they are wild, so that one value does not make the next ones usual.
    fn learn(&mut self, settings: &Settings, place: usize, value: f64, sizes: &Sizes) {
        let is_new = self.seen < settings.least;
        for (largest, size) in self.largest.iter_mut().zip(sizes.sizes) {
            *largest *= 1.0 - settings.fading;
            if size > *largest {
                let share = if is_new { 1.0 } else { settings.yielding };
                *largest += share * (size - *largest);
            }
        }
        let middle = f64::midpoint(self.high, self.low);
        self.high = (self.high - (self.high - middle) * settings.fading).max(value);
        self.low = (self.low + (middle - self.low) * settings.fading).min(value);
        let cut = |spread: f64, size: f64| {
            if is_new { size } else { size.min(5.0 * (spread + sizes.floor)) }
        };
        let furthest = 50.0 * (self.spread + sizes.floor);
        self.level += self.weight(settings.level) * sizes.error.clamp(-furthest, furthest);
        self.spread += self.weight(settings.spread) * (cut(self.spread, sizes.error.abs()) - self.spread);
        self.season_spread +=
            self.weight(settings.spread) * (cut(self.season_spread, sizes.residual.abs()) - self.season_spread);
        self.long += self.weight(settings.long) * (value - self.long);
        if let Some(known) = self.profile.get_mut(place) {
            known.seen = known.seen.saturating_add(1);
            known.level += settings.profile.max(1.0 / f64::from(known.seen)) * (value - known.level);
        }
    }
}

/// In which place of its season a time lies.
fn place(settings: &Settings, time: i64) -> usize {
    let cycle = settings.cycle.max(1);
    let places = i128::try_from(settings.places.clamp(1, MOST_PLACES)).unwrap_or(1);
    usize::try_from(i128::from(time.rem_euclid(cycle)) * places / i128::from(cycle)).unwrap_or(0)
}

#[cfg(test)]
mod tests;

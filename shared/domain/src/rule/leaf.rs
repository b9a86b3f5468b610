//! What the leaves of a condition ask, one type for each kind of question.

use crate::day::Day;
use crate::fixed::Quantity;
use crate::signal::Metric;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Between which limits a number has to lie. What is not given does not limit it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize)]
pub struct Bounds {
    /// This or more.
    pub at_least: Option<Quantity>,
    /// More than this.
    pub above: Option<Quantity>,
    /// This or less.
    pub at_most: Option<Quantity>,
    /// Less than this.
    pub below: Option<Quantity>,
}

impl Bounds {
    /// The smallest and the largest number that lie between them, in millionths.
    pub fn range(&self) -> (i64, i64) {
        let micros = |bound: Option<Quantity>, step: i64| bound.map(|bound| bound.micros().saturating_add(step));
        let low = micros(self.at_least, 0).max(micros(self.above, 1)).unwrap_or(i64::MIN + 1);
        let high = [micros(self.at_most, 0), micros(self.below, -1)].into_iter().flatten().min().unwrap_or(i64::MAX);
        (low, high)
    }

    /// The limits by the names under which they are written.
    pub fn named(&self) -> impl Iterator<Item = (&'static str, Quantity)> {
        let all =
            [("at_least", self.at_least), ("above", self.above), ("at_most", self.at_most), ("below", self.below)];
        all.into_iter().filter_map(|(name, bound)| Some((name, bound?)))
    }
}

impl fmt::Display for Bounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (name, bound)) in self.named().enumerate() {
            let joint = if index > 0 { " and " } else { "" };
            write!(f, "{joint}{} {bound}", name.replace('_', " "))?;
        }
        Ok(())
    }
}

/// The mean daily value of the last `days` whole days lies below that of the `days` before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Declined {
    /// What is measured.
    pub metric: Metric,
    /// The length of each of the two windows.
    pub days: u32,
    /// By how much at least, in hundredths of a percent: 2000 is 20 %.
    pub by_basis_points: u32,
    /// Below this daily mean in the earlier window nothing is called a decline.
    pub floor: Quantity,
    /// Each window needs data on so many days.
    pub least_days: u32,
    /// Older data says nothing about today.
    pub fresh_days: u32,
    /// The weekday profile comes from so many weeks before the two windows.
    pub profile_weeks: u32,
    /// One cycle of the year, in weeks; the same windows one cycle ago show a holiday.
    pub cycle_weeks: u32,
    /// How deep a fall one cycle ago counts as a holiday, in hundredths of a percent.
    pub holiday_basis_points: u32,
}

/// At least so many events in the last days.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Counted {
    /// What is counted.
    pub metric: Metric,
    /// The window, in days, today counted.
    pub days: u32,
    /// How many.
    pub at_least: u32,
    /// Only events after the last day of this one count.
    pub since_last: Option<Metric>,
}

/// The mean over the last days is below a limit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AverageBelow {
    /// What is averaged.
    pub metric: Metric,
    /// The window, in days, today counted.
    pub days: u32,
    /// The limit itself is not below it.
    pub below: Quantity,
    /// With fewer values nothing can be said.
    pub least_values: u32,
}

/// Daily values fall or rise over the last days: by so much along their line, and in more pairs than chance would have it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Trend {
    /// What is measured.
    pub metric: Metric,
    /// The window, in days, today counted.
    pub days: u32,
    /// By how much at least over the span of the values.
    pub by: Quantity,
    /// With fewer values nothing can be said.
    pub least_values: u32,
}

/// The median of the last days is above a percentile of the account's own history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AboveUsual {
    /// What is measured.
    pub metric: Metric,
    /// The recent window, in days, today counted.
    pub recent_days: u32,
    /// The history before it, in days.
    pub history_days: u32,
    /// Which percentile of the history.
    pub percentile: u32,
    /// With fewer recent days nothing can be said.
    pub least_recent: u32,
    /// With fewer days of history nothing can be said.
    pub least_history: u32,
}

/// A sighting that has not expired, by a source that is sure enough.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CompetitorSeen {
    /// How sure at least, in percent.
    pub confidence_at_least: Quantity,
}

/// No data for so many days, though there was some before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Absent {
    /// What is not reported.
    pub metric: Metric,
    /// For how many days.
    pub days: u32,
}

/// What many values become.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Statistic {
    /// Their mean: of a metric that is added up, per day with data; of any other, per value. To the millionth, rounded
    /// down.
    Mean,
    /// Their sum.
    Sum,
    /// The value of the latest day.
    Latest,
    /// The lowest value of a day.
    Lowest,
    /// The highest value of a day.
    Highest,
    /// The value of a day that half of the days do not exceed.
    Median,
}

impl Statistic {
    /// Every statistic.
    pub const ALL: [Self; 6] = [Self::Mean, Self::Sum, Self::Latest, Self::Lowest, Self::Highest, Self::Median];

    /// The statistic as it is written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mean => "mean",
            Self::Sum => "sum",
            Self::Latest => "latest",
            Self::Lowest => "lowest",
            Self::Highest => "highest",
            Self::Median => "median",
        }
    }
}

/// What the last days amount to lies between limits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Value {
    /// What is measured.
    pub metric: Metric,
    /// What its values become.
    pub statistic: Statistic,
    /// The window, in days, today counted.
    pub days: u32,
    /// With fewer values (of a metric that is added up: days) nothing can be said.
    pub least_values: u32,
    /// The limits.
    pub bounds: Bounds,
}

/// A measure of the account's health lies between limits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Measure {
    /// Which measure of the scorecard.
    pub measure: String,
    /// Its points, or its value in its own unit.
    pub of: MeasurePart,
    /// The limits.
    pub bounds: Bounds,
}

/// What of a measure is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MeasurePart {
    /// What it is worth, 0-100.
    Points,
    /// What was measured, in its unit.
    Value,
}

/// The score of health, or of one of its dimensions, lies between limits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Score {
    /// Which dimension; the whole score where none is named.
    pub dimension: Option<String>,
    /// The limits.
    pub bounds: Bounds,
}

/// Which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Down.
    Fall,
    /// Up.
    Rise,
}

/// By how much.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// In the metric's unit.
    Amount(Quantity),
    /// Of what it was before, in hundredths of a percent.
    BasisPoints(u32),
}

/// The mean daily value of the last whole days lies so far from that of as many days before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Changed {
    /// What is measured.
    pub metric: Metric,
    /// The length of each of the two windows.
    pub days: u32,
    /// Which way.
    pub direction: Direction,
    /// By how much at least.
    pub by: Change,
    /// Each window needs data on so many days.
    pub least_days: u32,
}

/// On each of the last whole days the value lay between limits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Sustained {
    /// What is measured.
    pub metric: Metric,
    /// For how many days, up to yesterday.
    pub days: u32,
    /// The limits.
    pub bounds: Bounds,
}

/// Which side of the usual.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// Above it.
    High,
    /// Below it.
    Low,
    /// Above or below.
    Either,
}

/// The median of the last days lies so many robust deviations from the median of the account's own history.
///
/// A deviation is the median absolute deviation over 0.6745, which is the standard deviation where values are normal
/// (Iglewicz and Hoaglin, How to Detect and Handle Outliers, 1993). Where more than half of the history is one value, it is
/// the mean absolute deviation times 1.2533 instead.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unusual {
    /// What is measured.
    pub metric: Metric,
    /// Which side counts.
    pub side: Side,
    /// How many deviations at least.
    pub by_deviations: Quantity,
    /// The recent window, in days; of a metric that is added up whole days only.
    pub recent_days: u32,
    /// The history before it, in days.
    pub history_days: u32,
    /// With fewer recent days nothing can be said.
    pub least_recent: u32,
    /// With fewer days of history nothing can be said.
    pub least_history: u32,
    /// A smaller distance from the median is usual, in the metric's unit.
    pub least_change: Quantity,
}

/// A day of the year, written `12-24`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct MonthDay(u16);

/// Why a text is not a day of the year.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a day of the year; write it as 12-24")]
pub struct MonthDayError(String);

impl MonthDay {
    /// The day of the year of a day.
    pub fn of(day: Day) -> Self {
        let date = jiff::tz::TimeZone::UTC.to_datetime(day.start()).date();
        Self(u16::from(date.month().unsigned_abs()) * 100 + u16::from(date.day().unsigned_abs()))
    }

    /// Month × 100 + day: later in the year is more.
    pub const fn number(self) -> u16 {
        self.0
    }
}

impl std::str::FromStr for MonthDay {
    type Err = MonthDayError;
    fn from_str(text: &str) -> Result<Self, MonthDayError> {
        let refuse = || MonthDayError(text.chars().take(40).collect());
        // A leap year has them all.
        let day: Day = format!("2024-{text}").parse().map_err(|_| refuse())?;
        let read = Self::of(day);
        if read.to_string() == text { Ok(read) } else { Err(refuse()) }
    }
}

impl fmt::Display for MonthDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}-{:02}", self.0 / 100, self.0 % 100)
    }
}

impl Serialize for MonthDay {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A part of the year, both days included; it goes over the turn of the year where it ends before it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Season {
    /// Its first day.
    pub from: MonthDay,
    /// Its last day.
    pub to: MonthDay,
}

/// Some days on end, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Dates {
    /// The first day; from ever where there is none.
    pub from: Option<Day>,
    /// The last day; for ever where there is none.
    pub to: Option<Day>,
}

/// A day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Weekday {
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

impl Weekday {
    /// All of them, Monday first, as [`Day::weekday`] counts them.
    pub const ALL: [Self; 7] =
        [Self::Monday, Self::Tuesday, Self::Wednesday, Self::Thursday, Self::Friday, Self::Saturday, Self::Sunday];

    /// The day as it is written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Monday => "monday",
            Self::Tuesday => "tuesday",
            Self::Wednesday => "wednesday",
            Self::Thursday => "thursday",
            Self::Friday => "friday",
            Self::Saturday => "saturday",
            Self::Sunday => "sunday",
        }
    }
}

//! Conditions as they are written: an operator with what it needs. What they hold is read in turn.

use super::names;
use domain::fixed::Quantity;
use domain::rule::leaf::Bounds;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A question about an account: one operator with what it needs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ConditionFile {
    /// Every one is true.
    All(#[schemars(with = "Vec<ConditionFile>")] Vec<Value>),
    /// At least one is true.
    Any(#[schemars(with = "Vec<ConditionFile>")] Vec<Value>),
    /// It is false.
    Not(#[schemars(with = "Box<ConditionFile>")] Value),
    /// So many are true, of what was seen within the last days where a window is given.
    AtLeast(AtLeastFile),
    /// A daily value fell, with the season removed.
    Declined(DeclinedFile),
    /// Events happened so often.
    Counted(CountedFile),
    /// The mean of answers is too low.
    AverageBelow(AverageBelowFile),
    /// Values go down, more than chance would have it.
    TrendsDown(TrendFile),
    /// Values go up, more than chance would have it.
    TrendsUp(TrendFile),
    /// Values are above what is usual for this account.
    AboveUsual(AboveUsualFile),
    /// Values are far from what is usual for this account.
    Unusual(UnusualFile),
    /// A competitor was seen, and that still counts.
    CompetitorSeen(CompetitorSeenFile),
    /// Nothing was reported for so many days.
    Absent(AbsentFile),
    /// What the last days amount to lies between limits.
    Value(ValueFile),
    /// The mean daily value rose or fell.
    Changed(ChangedFile),
    /// A value lay between limits on each of the last whole days.
    Sustained(SustainedFile),
    /// The score, or one of a dimension, lies between limits.
    Score(ScoreFile),
    /// A measure of the health lies between limits.
    Measure(MeasureLimitsFile),
    /// The account came down into this band and is in it.
    BandEntered(#[schemars(schema_with = "names::bands")] String),
    /// The account left this band for the one in which it is.
    BandLeft(#[schemars(schema_with = "names::bands")] String),
    /// The account is in this band or a lower one.
    BandAtMost(#[schemars(schema_with = "names::bands")] String),
    /// The account is in this band or a higher one.
    BandAtLeast(#[schemars(schema_with = "names::bands")] String),
    /// The account fits the segment of this name, or, where a list is given, is of one of these kinds of customer.
    Segment(#[schemars(schema_with = "names::segments")] SegmentNames),
    /// The account is in one of these stages.
    Stage(#[schemars(schema_with = "names::stages")] Vec<String>),
    /// The annual recurring revenue lies between limits.
    Arr(BoundsFile),
    /// The days until the contract ends lie between limits; negative after its end.
    DaysToRenewal(BoundsFile),
    /// It is known when the contract ends, or it is not.
    HasRenewalDate(bool),
    /// Somebody looks after the account, or nobody does.
    HasOwner(bool),
    /// One of these people looks after the account.
    Owner(Vec<String>),
    /// The account is one of these.
    Account(Vec<String>),
    /// People call the account by one of these names.
    Named(Vec<String>),
    /// Today is one of these days of the week, in UTC.
    Weekday(#[schemars(schema_with = "names::weekdays")] Vec<String>),
    /// Today is in this part of the year, in UTC.
    Season(SeasonFile),
    /// Today is one of these days, in UTC.
    Dates(DatesFile),
}

/// A segment of the tenant's own making by its name, or a list of kinds of customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, expecting = "give the name of a segment, or a list of kinds of customer")]
pub enum SegmentNames {
    /// What the segments file calls so.
    Named(String),
    /// Kinds of customer.
    Kinds(Vec<String>),
}

/// So many of several conditions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AtLeastFile {
    /// How many must be true.
    pub count: u32,
    /// What was seen earlier is left out; nothing is where no window is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within_days: Option<u32>,
    /// The conditions.
    #[schemars(with = "Vec<ConditionFile>")]
    pub of: Vec<Value>,
}

/// A fall between two neighbouring windows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeclinedFile {
    /// What is measured.
    #[schemars(schema_with = "names::metrics")]
    pub metric: String,
    /// The length of each window.
    pub days: u32,
    /// By how much at least.
    pub by_percent: Percent,
    /// Below this daily mean before, nothing is called a decline.
    #[schemars(with = "f64")]
    pub floor: Quantity,
    /// Each window needs data on so many days.
    pub least_days: u32,
    /// Older data says nothing about today.
    pub fresh_days: u32,
    /// The weekday profile comes from so many weeks before.
    pub profile_weeks: u32,
    /// One cycle of the year.
    pub cycle_weeks: u32,
    /// How deep a fall one cycle ago counts as a holiday.
    pub holiday_percent: Percent,
}

/// So many events in a window.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CountedFile {
    /// What is counted.
    #[schemars(schema_with = "names::metrics")]
    pub metric: String,
    /// The window.
    pub days: u32,
    /// How many.
    pub at_least: u32,
    /// Only events after the last day of this one count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "names::metrics")]
    pub since_last: Option<String>,
}

/// A mean below a limit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AverageBelowFile {
    /// What is averaged.
    #[schemars(schema_with = "names::metrics")]
    pub metric: String,
    /// The window.
    pub days: u32,
    /// The limit.
    #[schemars(with = "f64")]
    pub below: Quantity,
    /// The unit of the limit; the metric's own is meant, and another is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "names::units")]
    pub unit: Option<String>,
    /// With fewer values nothing can be said.
    pub least_values: u32,
}

/// A fall or a rise along the line through the values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TrendFile {
    /// What is measured.
    #[schemars(schema_with = "names::metrics")]
    pub metric: String,
    /// The window.
    pub days: u32,
    /// By how much at least.
    #[schemars(with = "f64")]
    pub by: Quantity,
    /// The unit of the limit; the metric's own is meant, and another is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "names::units")]
    pub unit: Option<String>,
    /// With fewer values nothing can be said.
    pub least_values: u32,
}

/// A median above a percentile of the account's own history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AboveUsualFile {
    /// What is measured.
    #[schemars(schema_with = "names::metrics")]
    pub metric: String,
    /// The recent window.
    pub recent_days: u32,
    /// The history before it.
    pub history_days: u32,
    /// Which percentile.
    pub percentile: u32,
    /// With fewer recent days nothing can be said.
    pub least_recent: u32,
    /// With fewer days of history nothing can be said.
    pub least_history: u32,
}

/// A sighting by a source that is sure enough.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CompetitorSeenFile {
    /// How sure at least, in percent.
    #[schemars(with = "f64")]
    pub confidence_at_least: Quantity,
}

/// No data for so many days.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AbsentFile {
    /// What is not reported.
    #[schemars(schema_with = "names::metrics")]
    pub metric: String,
    /// For how many days.
    pub days: u32,
}

/// Values far from the median of the account's own history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UnusualFile {
    /// What is measured.
    #[schemars(schema_with = "names::metrics")]
    pub metric: String,
    /// `high`, `low` or `either`.
    #[schemars(schema_with = "names::sides")]
    pub side: String,
    /// How many robust deviations at least; 3.5 is customary.
    #[schemars(with = "f64")]
    pub by_deviations: Quantity,
    /// The recent window.
    pub recent_days: u32,
    /// The history before it.
    pub history_days: u32,
    /// With fewer recent days nothing can be said.
    pub least_recent: u32,
    /// With fewer days of history nothing can be said.
    pub least_history: u32,
    /// A smaller distance from the median is usual, in the metric's unit.
    #[serde(default)]
    #[schemars(with = "f64")]
    pub least_change: Quantity,
}

/// A rise or fall between two neighbouring windows of whole days: by a percentage or by an amount.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangedFile {
    /// What is measured.
    #[schemars(schema_with = "names::metrics")]
    pub metric: String,
    /// The length of each window.
    pub days: u32,
    /// `rise` or `fall`.
    #[schemars(schema_with = "names::directions")]
    pub direction: String,
    /// By how many percent at least, with two decimal places at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<f64>")]
    pub by_percent: Option<Quantity>,
    /// By how much at least, in the metric's unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<f64>")]
    pub by: Option<Quantity>,
    /// The unit of `by`; the metric's own is meant, and another is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "names::units")]
    pub unit: Option<String>,
    /// Each window needs data on so many days.
    pub least_days: u32,
}

/// A part of the year; it goes over the turn of the year where it ends before it begins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SeasonFile {
    /// Its first day, such as `12-15`.
    pub from: String,
    /// Its last day.
    pub to: String,
}

/// Some days on end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DatesFile {
    /// The first day, such as `2026-12-15`; from ever where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The last day; for ever where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
}

/// Limits, and the unit in which they are given, besides what is compared.
macro_rules! bounded {
    ($($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty,)* })*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields)]
        pub struct $name {
            $($(#[$field_doc])* pub $field: $type,)*
            /// This or more.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            #[schemars(with = "Option<f64>")]
            pub at_least: Option<Quantity>,
            /// More than this.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            #[schemars(with = "Option<f64>")]
            pub above: Option<Quantity>,
            /// This or less.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            #[schemars(with = "Option<f64>")]
            pub at_most: Option<Quantity>,
            /// Less than this.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            #[schemars(with = "Option<f64>")]
            pub below: Option<Quantity>,
            /// The unit of the limits; that of what is compared is meant, and another is refused.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            #[schemars(schema_with = "names::units")]
            pub unit: Option<String>,
        }

        impl $name {
            /// The limits.
            pub fn bounds(&self) -> Bounds {
                Bounds { at_least: self.at_least, above: self.above, at_most: self.at_most, below: self.below }
            }
        }
    )*};
}

bounded! {
    /// Limits alone.
    BoundsFile {}

    /// What the last days amount to.
    ValueFile {
        /// What is measured.
        #[schemars(schema_with = "names::metrics")]
        metric: String,
        /// `mean`, `sum`, `latest`, `lowest`, `highest` or `median`.
        #[schemars(schema_with = "names::statistics")]
        statistic: String,
        /// The window, today counted.
        days: u32,
        /// With fewer values (of a metric that is added up: days) nothing can be said.
        #[serde(default = "one")]
        least_values: u32,
    }

    /// A value day after day, up to yesterday.
    SustainedFile {
        /// What is measured.
        #[schemars(schema_with = "names::metrics")]
        metric: String,
        /// For how many days on end.
        days: u32,
    }

    /// The score of health.
    ScoreFile {
        /// Which dimension; the whole score where none is named.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        dimension: Option<String>,
    }

    /// A measure of health.
    MeasureLimitsFile {
        /// Which measure of the scorecard.
        measure: String,
        /// `points` or `value`.
        #[schemars(schema_with = "names::measure_parts")]
        of: String,
    }
}

const fn one() -> u32 {
    1
}

/// A percentage with two decimal places at most, from 0 to 100.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "Quantity", into = "Quantity")]
#[schemars(with = "f64")]
pub struct Percent(pub(super) u32);

impl TryFrom<Quantity> for Percent {
    type Error = String;
    fn try_from(percent: Quantity) -> Result<Self, String> {
        let basis_points = u32::try_from(percent.micros() / 10_000).ok().filter(|points| *points <= 10_000);
        match basis_points {
            Some(points) if percent.micros() % 10_000 == 0 => Ok(Self(points)),
            _ => Err(format!("is {percent}; give 0 to 100 with two decimal places at most")),
        }
    }
}

impl From<Percent> for Quantity {
    fn from(percent: Percent) -> Self {
        Self::from_micros(i64::from(percent.0) * 10_000)
    }
}

//! Features: the numbers that conditions compare, apart from what they are compared with.
//!
//! A leaf is a feature and a [`Test`] of it. Leaves of many rules that look at the same thing share one feature, which is
//! read once for an account; the same features make the columns of a dry run, and the variables of the check for
//! contradictions. Every value is a whole number: millionths of a unit, or a place in a list.

use super::condition::{Condition, days};
use super::leaf::{Bounds, Change, Direction, MeasurePart, Side, Statistic};
use crate::account::{LifecycleStage, Segment};
use crate::band::Band;
use crate::fixed::{ONE, Quantity};
use crate::id::{AccountId, PersonId};
use crate::signal::Metric;
use std::collections::BTreeSet;

/// The value of what is not known.
pub(super) const UNKNOWN: i64 = i64::MIN;

/// What is compared.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Feature {
    /// How far a daily value fell between two windows, in percent, with the season removed.
    Decline(Decline),
    /// How many events.
    Count { metric: Metric, days: u32, since_last: Option<Metric> },
    /// The mean of all values.
    Average { metric: Metric, days: u32, least_values: u32 },
    /// What the values of some days amount to.
    Statistic { metric: Metric, statistic: Statistic, days: u32, least_values: u32 },
    /// How far the line through the values goes one way; nothing where that could be chance.
    Trend { metric: Metric, days: u32, least_values: u32, direction: Direction },
    /// How far the recent median lies above a percentile of the history.
    AbovePercentile { metric: Metric, recent: u32, history: u32, percentile: u32, least: (u32, u32) },
    /// How many deviations the recent median lies from that of the history.
    Deviations { metric: Metric, recent: u32, history: u32, least: (u32, u32), least_change: Quantity },
    /// How far the mean daily value went one way: in percent of what it was, or in its unit.
    Change { metric: Metric, days: u32, least_days: u32, direction: Direction, percent: bool },
    /// 1 where the value lay between limits on every day.
    Sustained { metric: Metric, days: u32, bounds: Bounds },
    /// How sure the surest sighting is; −1 where none counts.
    Competitor,
    /// Days since a metric last had a value.
    Age(Metric),
    /// The band; 8 more where it was not entered from above.
    Entered,
    /// The band before this one; 8 where there was none.
    Left,
    /// The band.
    Band,
    /// The score.
    Score,
    /// The points of a dimension.
    Dimension(String),
    /// The points or the value of a measure.
    Measure(String, MeasurePart),
    /// The segment's place.
    Segment,
    /// The stage's place.
    Stage,
    /// Annual recurring revenue.
    Arr,
    /// Days until the contract ends.
    DaysToRenewal,
    /// 1 where the contract's end is known.
    HasRenewalDate,
    /// 1 where somebody looks after it.
    HasOwner,
    /// 1 where one of them looks after it.
    Owner(BTreeSet<PersonId>),
    /// 1 where it is one of them.
    Account(BTreeSet<AccountId>),
    /// 1 where it has one of these names.
    Named(BTreeSet<String>),
    /// The weekday's place.
    Weekday,
    /// Month × 100 + day.
    MonthDay,
    /// The number of the day.
    Today,
}

/// What the decline of a metric is read from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Decline {
    pub metric: Metric,
    pub days: u32,
    pub floor: Quantity,
    pub least_days: u32,
    pub fresh_days: u32,
    pub profile_weeks: u32,
    pub cycle_weeks: u32,
    pub holiday_basis_points: u32,
}

/// What kind of news can change what a rule says, besides the passing of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Input {
    /// Signals of a metric.
    Metric(Metric),
    /// A new score.
    Health,
    /// A new band.
    Band,
    /// The description of the account.
    Account,
    /// Nothing but the calendar.
    Calendar,
}

/// Which values make a leaf true.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Test {
    /// Those from the first to the second.
    Within(i64, i64),
    /// All others.
    Outside(i64, i64),
    /// The places whose bits are set.
    OneOf(u64),
}

impl Test {
    /// Whether a known value passes. Without a branch on the value: which way it goes cannot be foreseen.
    pub const fn passes(self, value: i64) -> bool {
        match self {
            Self::Within(low, high) => (low <= value) & (value <= high),
            Self::Outside(low, high) => (value < low) | (high < value),
            Self::OneOf(mask) => value >= 0 && value < 64 && (mask >> value) & 1 == 1,
        }
    }

    fn bounds(bounds: &Bounds) -> Self {
        let (low, high) = bounds.range();
        Self::Within(low, high)
    }

    const fn at_least(low: i64) -> Self {
        Self::Within(low, i64::MAX)
    }

    fn places(places: impl IntoIterator<Item = i64>) -> Self {
        Self::OneOf(places.into_iter().fold(0, |mask, place| mask | 1 << place))
    }

    /// Whether a 0 or 1 is what was asked for.
    fn is(wanted: bool) -> Self {
        Self::Within(i64::from(wanted), i64::from(wanted))
    }
}

impl Band {
    /// Its place, the worst first.
    pub(super) fn place(self) -> i64 {
        match self {
            Self::Emergency => 0,
            Self::Critical => 1,
            Self::AtRisk => 2,
            Self::Healthy => 3,
            Self::Champion => 4,
        }
    }
}

/// The place of a segment.
pub(super) const fn segment(segment: Segment) -> i64 {
    match segment {
        Segment::Enterprise => 0,
        Segment::MidMarket => 1,
        Segment::SmallBusiness => 2,
    }
}

/// The place of a stage.
pub(super) const fn stage(stage: LifecycleStage) -> i64 {
    match stage {
        LifecycleStage::Onboarding => 0,
        LifecycleStage::Expansion => 1,
        LifecycleStage::Optimization => 2,
        LifecycleStage::Steady => 3,
        LifecycleStage::Churned => 4,
    }
}

/// Whole things in millionths.
pub(super) fn whole(number: u32) -> i64 {
    i64::from(number) * ONE
}

/// Hundredths of a percent in millionths of a percent.
pub(super) fn percent(basis_points: u32) -> i64 {
    i64::from(basis_points) * 10_000
}

/// What a leaf compares, and with what. None of what joins conditions.
pub(super) fn lower(leaf: &Condition) -> Option<(Feature, Test)> {
    Some(match leaf {
        Condition::All(_) | Condition::Any(_) | Condition::Not(_) | Condition::AtLeast(_) => return None,
        Condition::BandEntered(band) => (Feature::Entered, Test::places([band.place()])),
        Condition::BandLeft(band) => (Feature::Left, Test::places([band.place()])),
        Condition::BandAtMost(band) => (Feature::Band, Test::Within(0, band.place())),
        Condition::BandAtLeast(band) => (Feature::Band, Test::at_least(band.place())),
        Condition::Segment(of) => (Feature::Segment, Test::places(of.iter().map(|one| segment(*one)))),
        Condition::Stage(of) => (Feature::Stage, Test::places(of.iter().map(|one| stage(*one)))),
        Condition::Score(leaf) => {
            let feature = leaf.dimension.clone().map_or(Feature::Score, Feature::Dimension);
            (feature, Test::bounds(&leaf.bounds))
        }
        Condition::Measure(leaf) => (Feature::Measure(leaf.measure.clone(), leaf.of), Test::bounds(&leaf.bounds)),
        Condition::Arr(bounds) => (Feature::Arr, Test::bounds(bounds)),
        Condition::DaysToRenewal(bounds) => (Feature::DaysToRenewal, Test::bounds(bounds)),
        Condition::HasRenewalDate(wanted) => (Feature::HasRenewalDate, Test::is(*wanted)),
        Condition::HasOwner(wanted) => (Feature::HasOwner, Test::is(*wanted)),
        Condition::Owner(of) => (Feature::Owner(of.clone()), Test::is(true)),
        Condition::Account(of) => (Feature::Account(of.clone()), Test::is(true)),
        Condition::Named(of) => (Feature::Named(of.clone()), Test::is(true)),
        Condition::Weekday(of) => {
            let places = (0..).zip(super::leaf::Weekday::ALL).filter(|(_, day)| of.contains(day));
            (Feature::Weekday, Test::places(places.map(|(place, _)| place)))
        }
        Condition::Season(season) => {
            let (from, to) = (i64::from(season.from.number()), i64::from(season.to.number()));
            (Feature::MonthDay, if from <= to { Test::Within(from, to) } else { Test::Outside(to + 1, from - 1) })
        }
        Condition::Dates(dates) => {
            let number = |day: crate::day::Day| i64::from(day.number());
            let (from, to) = (dates.from.map_or(UNKNOWN + 1, number), dates.to.map_or(i64::MAX, number));
            (Feature::Today, Test::Within(from, to))
        }
        _ => return series(leaf),
    })
}

/// The same of the leaves that look at the series.
fn series(leaf: &Condition) -> Option<(Feature, Test)> {
    let trend = |leaf: &super::leaf::Trend, direction| {
        let feature =
            Feature::Trend { metric: leaf.metric, days: leaf.days, least_values: leaf.least_values, direction };
        // A line that stays level goes no way.
        (feature, Test::at_least(leaf.by.micros().max(1)))
    };
    Some(match leaf {
        Condition::Declined(leaf) => {
            let windows = Decline {
                metric: leaf.metric,
                days: leaf.days,
                floor: leaf.floor,
                least_days: leaf.least_days,
                fresh_days: leaf.fresh_days,
                profile_weeks: leaf.profile_weeks,
                cycle_weeks: leaf.cycle_weeks,
                holiday_basis_points: leaf.holiday_basis_points,
            };
            (Feature::Decline(windows), Test::at_least(percent(leaf.by_basis_points)))
        }
        Condition::Counted(leaf) => {
            let feature = Feature::Count { metric: leaf.metric, days: leaf.days, since_last: leaf.since_last };
            (feature, Test::at_least(whole(leaf.at_least)))
        }
        Condition::AverageBelow(leaf) => {
            let feature = Feature::Average { metric: leaf.metric, days: leaf.days, least_values: leaf.least_values };
            (feature, Test::Within(UNKNOWN + 1, leaf.below.micros().saturating_sub(1)))
        }
        Condition::TrendsDown(leaf) => trend(leaf, Direction::Fall),
        Condition::TrendsUp(leaf) => trend(leaf, Direction::Rise),
        Condition::AboveUsual(leaf) => {
            let feature = Feature::AbovePercentile {
                metric: leaf.metric,
                recent: leaf.recent_days,
                history: leaf.history_days,
                percentile: leaf.percentile,
                least: (leaf.least_recent, leaf.least_history),
            };
            (feature, Test::at_least(1))
        }
        Condition::Unusual(leaf) => {
            let feature = Feature::Deviations {
                metric: leaf.metric,
                recent: leaf.recent_days,
                history: leaf.history_days,
                least: (leaf.least_recent, leaf.least_history),
                least_change: leaf.least_change,
            };
            let far = leaf.by_deviations.micros().max(1);
            let test = match leaf.side {
                Side::High => Test::at_least(far),
                Side::Low => Test::Within(UNKNOWN + 1, -far),
                Side::Either => Test::Outside(1 - far, far - 1),
            };
            (feature, test)
        }
        Condition::CompetitorSeen(leaf) => {
            (Feature::Competitor, Test::at_least(leaf.confidence_at_least.micros().max(0)))
        }
        Condition::Absent(leaf) => (Feature::Age(leaf.metric), Test::at_least(i64::from(days(leaf.days)))),
        Condition::Value(leaf) => {
            let feature = Feature::Statistic {
                metric: leaf.metric,
                statistic: leaf.statistic,
                days: leaf.days,
                least_values: leaf.least_values,
            };
            (feature, Test::bounds(&leaf.bounds))
        }
        Condition::Changed(leaf) => {
            let (percent, by) = match leaf.by {
                Change::Amount(by) => (false, by.micros()),
                Change::BasisPoints(by) => (true, percent(by)),
            };
            let feature = Feature::Change {
                metric: leaf.metric,
                days: leaf.days,
                least_days: leaf.least_days,
                direction: leaf.direction,
                percent,
            };
            (feature, Test::at_least(by))
        }
        Condition::Sustained(leaf) => {
            (Feature::Sustained { metric: leaf.metric, days: leaf.days, bounds: leaf.bounds }, Test::is(true))
        }
        _ => return None,
    })
}

impl Feature {
    /// What news changes it.
    pub fn inputs(&self) -> Vec<Input> {
        let mut inputs = match self {
            Self::Competitor => vec![Metric::CompetitorSeen],
            Self::Count { metric, since_last, .. } => std::iter::once(*metric).chain(*since_last).collect(),
            _ => self.metric().into_iter().collect(),
        };
        if !inputs.is_empty() {
            return inputs.drain(..).map(Input::Metric).collect();
        }
        vec![match self {
            Self::Entered | Self::Left | Self::Band => Input::Band,
            Self::Score | Self::Dimension(_) | Self::Measure(..) => Input::Health,
            Self::Weekday | Self::MonthDay | Self::Today => Input::Calendar,
            _ => Input::Account,
        }]
    }

    /// The metric whose series it is read from, where it is one.
    pub const fn metric(&self) -> Option<Metric> {
        match self {
            Self::Decline(Decline { metric, .. })
            | Self::Count { metric, .. }
            | Self::Average { metric, .. }
            | Self::Statistic { metric, .. }
            | Self::Trend { metric, .. }
            | Self::AbovePercentile { metric, .. }
            | Self::Deviations { metric, .. }
            | Self::Change { metric, .. }
            | Self::Sustained { metric, .. }
            | Self::Age(metric) => Some(*metric),
            _ => None,
        }
    }
}

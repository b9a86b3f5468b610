//! Scorecards: what is measured, how values become points, and how points become one score.
//!
//! A [`Scorecard`] that exists is sound: weights of each group add to one, curves are monotone, targets reach their
//! points, edges are in order. It is named by its content's hash, so that every score says what it was scored by.

mod check;
mod set;

pub use set::Scorecards;

use crate::account::{Account, LifecycleStage};
use crate::band::Bands;
use crate::day::Day;
use crate::digest::Digest;
use crate::fixed::{Points, Quantity, divide_half_even};
use crate::signal::Metric;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;

/// A share in hundredths of a percent: 10,000 is the whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BasisPoints(u16);

impl BasisPoints {
    /// All of it.
    pub const WHOLE: Self = Self(10_000);

    /// From hundredths of a percent, at most 10,000.
    pub const fn new(value: u16) -> Option<Self> {
        if value <= Self::WHOLE.0 { Some(Self(value)) } else { None }
    }

    /// Hundredths of a percent.
    pub const fn value(self) -> u16 {
        self.0
    }
}

impl fmt::Display for BasisPoints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = Quantity::from_micros(i64::from(self.0) * 10_000);
        write!(f, "{percent} %")
    }
}

/// Points that a value on its target has at least.
pub const POINTS_AT_TARGET: Points = Points::whole(80);
/// The most dimensions of a scorecard, and the most measures of a dimension.
pub const MAX_MEMBERS: usize = 50;
/// The longest window or freshness, in days: what the series keeps.
pub const MAX_DAYS: u16 = 400;

/// How a measure's value comes from the series.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Formula {
    /// The mean over the window: of metrics that are added up, per day with data; of others, per value.
    Mean(Metric),
    /// The sum over the window. Where something is known lately and nothing lies in the window, it is zero.
    Sum(Metric),
    /// The latest value in the window.
    Latest(Metric),
    /// In percent: the mean of `part` over the window, of the latest `whole`, which stands until it is reported anew.
    Share {
        /// What is counted.
        part: Metric,
        /// Of how many.
        whole: Metric,
    },
    /// One sum divided by another, over those days of the window on which both are known.
    Quotient {
        /// What is divided.
        numerator: Metric,
        /// By what.
        denominator: Metric,
    },
    /// Days since the metric last had a value.
    DaysSince(Metric),
    /// The net promoter score of the window's answers; unknown with fewer answers than this.
    NetPromoter {
        /// From how many answers on it says something.
        minimum_answers: u32,
    },
    /// The confidence of the surest competitor sighting that has not expired; zero when all have.
    CompetitorExposure,
}

impl Formula {
    /// The metrics that it looks at.
    pub fn metrics(self) -> impl Iterator<Item = Metric> {
        let other = match self {
            Self::Share { whole, .. } => Some(whole),
            Self::Quotient { denominator, .. } => Some(denominator),
            _ => None,
        };
        std::iter::once(self.leading_metric()).chain(other)
    }

    /// The metric whose last known day is the age of the value.
    pub const fn leading_metric(self) -> Metric {
        match self {
            Self::Mean(metric) | Self::Sum(metric) | Self::Latest(metric) | Self::DaysSince(metric) => metric,
            Self::Share { part, .. } => part,
            Self::Quotient { numerator, .. } => numerator,
            Self::NetPromoter { .. } => Metric::NetPromoter,
            Self::CompetitorExposure => Metric::CompetitorSeen,
        }
    }
}

/// What becomes of a measure without fresh data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Absence {
    /// Left out: the others' weights grow in proportion, coverage falls.
    Exclude,
    /// The last value stands until its freshness ends; then it is left out.
    Hold,
    /// Counts as the scorecard's neutral points.
    Neutral,
    /// Counts as no points.
    Penalise,
}

/// What a value should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// This or more.
    AtLeast(Quantity),
    /// This or less.
    AtMost(Quantity),
    /// Less than this.
    Below(Quantity),
}

impl Target {
    /// Whether a value reaches the target.
    pub fn is_met_by(self, value: Quantity) -> bool {
        match self {
            Self::AtLeast(target) => value >= target,
            Self::AtMost(target) => value <= target,
            Self::Below(target) => value < target,
        }
    }

    /// The target's number.
    pub const fn value(self) -> Quantity {
        match self {
            Self::AtLeast(target) | Self::AtMost(target) | Self::Below(target) => target,
        }
    }
}

/// Values and their points, straight lines between them, level beyond the first and the last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Curve(pub Vec<(Quantity, Points)>);

impl Curve {
    /// The points of a value, rounded half to even to millionths. A curve without knots gives none.
    pub fn points(&self, value: Quantity) -> Points {
        let after = self.0.partition_point(|(knot, _)| *knot <= value);
        let below = after.checked_sub(1).and_then(|place| self.0.get(place));
        match (below, self.0.get(after)) {
            (Some((v0, p0)), Some((v1, p1))) => {
                let rise = i128::from(p1.minus(*p0).micros());
                let run = i128::from(v1.micros()) - i128::from(v0.micros());
                let along = i128::from(value.micros()) - i128::from(v0.micros());
                let gained = divide_half_even(rise * along, run);
                p0.plus(Points::from_micros(i64::try_from(gained).unwrap_or_default()))
            }
            (Some((_, points)), None) | (None, Some((_, points))) => *points,
            (None, None) => Points::ZERO,
        }
    }
}

/// For which accounts a measure counts at all. What is not set does not restrict.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Applies {
    /// Only in these stages.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub stages: BTreeSet<LifecycleStage>,
    /// Only from so many days before the renewal until the renewal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub renewal_within_days: Option<u16>,
}

impl Applies {
    /// Whether the measure counts for this account today.
    pub fn to(&self, account: &Account, today: Day) -> bool {
        let stage_fits = self.stages.is_empty() || self.stages.contains(&account.stage);
        let renewal_fits = self.renewal_within_days.is_none_or(|within| {
            account.renewal_on.is_some_and(|renewal| (0..=i32::from(within)).contains(&renewal.since(today)))
        });
        stage_fits && renewal_fits
    }
}

/// One number on 0-100.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Measure {
    /// Its name, unique in the scorecard: lower case, words joined by `_`.
    pub id: String,
    /// The unit of its value, for people.
    pub unit: String,
    /// How its value comes about.
    pub formula: Formula,
    /// Over how many days.
    pub window_days: u16,
    /// For how many days data are fresh: today's have age 0.
    pub freshness_days: u16,
    /// What becomes of it without fresh data.
    pub absence: Absence,
    /// Its share of the dimension.
    pub weight: BasisPoints,
    /// What its value should be.
    pub target: Target,
    /// How its value becomes points.
    pub curve: Curve,
    /// For which accounts it counts.
    #[serde(default)]
    pub applies: Applies,
}

/// A group of measures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dimension {
    /// Its name, unique in the scorecard.
    pub id: String,
    /// Its share of the score.
    pub weight: BasisPoints,
    /// Its measures.
    pub measures: Vec<Measure>,
}

/// When a cap holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CapCondition {
    /// While a case of critical severity is open.
    OpenCriticalCase,
}

/// A rule that the score is at most so much under a condition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cap {
    /// Its name, unique in the scorecard.
    pub id: String,
    /// When it holds.
    pub when: CapCondition,
    /// The highest score then.
    pub at_most: Points,
}

/// What a scorecard says, unchecked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Draft {
    /// Its name and version, such as `default-1`.
    pub version: String,
    /// The groups of measures.
    pub dimensions: Vec<Dimension>,
    /// What limits the score.
    pub caps: Vec<Cap>,
    /// Where bands begin and end.
    pub bands: Bands,
    /// Below this coverage a score is provisional.
    pub minimum_coverage: BasisPoints,
    /// What a measure counts whose absence is [`Absence::Neutral`].
    pub neutral_points: Points,
}

/// What is wrong with a scorecard, and where.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
#[error("`{path}` {reason}")]
pub struct Problem {
    /// The path in the scorecard, such as `dimensions[0].measures[2].curve`.
    pub path: String,
    /// What is wrong and what would be right.
    pub reason: String,
}

/// A sound scorecard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scorecard {
    content: Draft,
    hash: Digest,
}

impl Scorecard {
    /// Checks a draft. All problems are named at once, in the order of the file.
    pub fn new(draft: Draft) -> Result<Self, Vec<Problem>> {
        let problems = check::problems(&draft);
        if !problems.is_empty() {
            return Err(problems);
        }
        let unwritable = |error: serde_json::Error| vec![Problem { path: String::new(), reason: error.to_string() }];
        let hash = Digest::of_json("scorecard", &draft).map_err(unwritable)?;
        Ok(Self { content: draft, hash })
    }

    /// Its name and version.
    pub fn version(&self) -> &str {
        &self.content.version
    }

    /// All that it says.
    pub const fn content(&self) -> &Draft {
        &self.content
    }

    /// The fingerprint of its content.
    pub const fn hash(&self) -> Digest {
        self.hash
    }

    /// The groups of measures.
    pub fn dimensions(&self) -> &[Dimension] {
        &self.content.dimensions
    }

    /// The measure of this name.
    pub fn measure(&self, id: &str) -> Option<&Measure> {
        self.dimensions().iter().flat_map(|dimension| &dimension.measures).find(|measure| measure.id == id)
    }

    /// What limits the score.
    pub fn caps(&self) -> &[Cap] {
        &self.content.caps
    }

    /// Where bands begin and end.
    pub const fn bands(&self) -> &Bands {
        &self.content.bands
    }

    /// Below this coverage a score is provisional.
    pub const fn minimum_coverage(&self) -> BasisPoints {
        self.content.minimum_coverage
    }

    /// What a measure counts whose absence is [`Absence::Neutral`].
    pub const fn neutral_points(&self) -> Points {
        self.content.neutral_points
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::band::tests::BANDS;
    use proptest::prelude::*;

    pub(crate) fn basis(value: u16) -> BasisPoints {
        BasisPoints::new(value).unwrap()
    }

    pub(crate) fn curve(knots: &[(i32, i32)]) -> Curve {
        Curve(knots.iter().map(|(value, points)| (Quantity::whole(*value), Points::whole(*points))).collect())
    }

    /// A measure whose points are its value: the mean of its metric over seven days.
    pub(crate) fn measure(id: &str, metric: Metric, weight: u16) -> Measure {
        Measure {
            id: id.to_owned(),
            unit: "%".to_owned(),
            formula: Formula::Mean(metric),
            window_days: 7,
            freshness_days: 7,
            absence: Absence::Exclude,
            weight: basis(weight),
            target: Target::AtLeast(Quantity::whole(90)),
            curve: curve(&[(0, 0), (100, 100)]),
            applies: Applies::default(),
        }
    }

    pub(crate) fn dimension(id: &str, weight: u16, measures: Vec<Measure>) -> Dimension {
        Dimension { id: id.to_owned(), weight: basis(weight), measures }
    }

    /// The four dimensions of the house, with one measure each.
    pub(crate) fn draft() -> Draft {
        Draft {
            version: "test-1".to_owned(),
            dimensions: vec![
                dimension("technical_performance", 3_000, vec![measure("uptime", Metric::Uptime, 10_000)]),
                dimension("business_outcomes", 3_000, vec![measure("audit", Metric::AuditCompleteness, 10_000)]),
                dimension("user_adoption", 2_000, vec![measure("csat", Metric::Csat, 10_000)]),
                dimension("relationship_strength", 2_000, vec![measure("renewal", Metric::RenewalProbability, 10_000)]),
            ],
            caps: vec![Cap {
                id: "open_critical_case".to_owned(),
                when: CapCondition::OpenCriticalCase,
                at_most: Points::whole(69),
            }],
            bands: BANDS,
            minimum_coverage: basis(5_000),
            neutral_points: Points::whole(50),
        }
    }

    #[track_caller]
    fn check(change: impl FnOnce(&mut Draft), expected: &[&str]) {
        let mut draft = draft();
        change(&mut draft);
        let problems = Scorecard::new(draft).map(|_| ()).err().unwrap_or_default();
        let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
        assert_eq!(problems, expected);
    }

    #[test]
    fn a67_weights_that_do_not_add_to_one_are_refused() {
        check(|_| (), &[]);
        check(
            |draft| draft.dimensions[3].weight = basis(1_999),
            &["`dimensions` have weights that add to 0.9999; they must add to 1"],
        );
        check(
            |draft| draft.dimensions[0].measures[0].weight = basis(9_000),
            &["`dimensions[0].measures` have weights that add to 0.9; they must add to 1"],
        );
    }

    #[test]
    fn every_problem_is_named_at_once() {
        check(
            |draft| {
                draft.version = "Mine!".to_owned();
                draft.dimensions[1].measures[0].window_days = 0;
                draft.dimensions[1].measures[0].curve = curve(&[(0, 0), (0, 101)]);
                draft.dimensions[2].measures[0].formula = Formula::Sum(Metric::Csat);
                draft.dimensions[3].measures[0].id = "csat".to_owned();
                draft.caps[0].at_most = Points::whole(100);
                draft.bands.dwell_runs = 0;
            },
            &[
                "`version` is `Mine!`; give 1 to 64 characters of a-z, 0-9, `_`, `-` and `.`",
                "`dimensions[1].measures[0].window_days` is 0; give 1 to 400",
                "`dimensions[1].measures[0].curve[1]` has 101 points; points lie between 0 and 100",
                "`dimensions[1].measures[0].curve[1]` comes after 0; values must rise",
                "`dimensions[2].measures[0].formula` adds up `csat`, of which only the mean or the latest says something",
                "`dimensions[3].measures[0].id` `csat` is used twice; names must differ",
                "`caps[0].at_most` is 100; give 0 to less than 100",
                "`bands.dwell_runs` is 0; give 1 or more",
            ],
        );
    }

    #[test]
    fn a_curve_goes_one_way_and_gives_a_value_on_target_its_points() {
        let set = |knots: &[(i32, i32)]| {
            let curve = curve(knots);
            move |draft: &mut Draft| draft.dimensions[0].measures[0].curve = curve
        };
        let path = "`dimensions[0].measures[0].curve`";
        check(set(&[(0, 0), (50, 90), (100, 80)]), &[&format!("{path} rises and falls; points must go one way")]);
        check(set(&[(0, 80), (100, 80)]), &[&format!("{path} is level; points must go one way")]);
        check(
            set(&[(0, 80)]),
            &[&format!("{path} has 1 knots; give 2 to 50"), &format!("{path} is level; points must go one way")],
        );
        check(set(&[(0, 100), (100, 85)]), &[&format!("{path} falls, but more is better by its target")]);
        check(
            set(&[(0, 0), (90, 79), (100, 100)]),
            &[&format!("{path} gives 79 points at the target 90; a value on target has at least 80")],
        );
    }

    #[test]
    fn bands_must_rise_and_the_margin_must_be_narrower_than_any() {
        check(
            |draft| draft.bands.healthy = Points::whole(91),
            &["`bands` do not rise; give 0 < critical < at_risk < healthy < champion < 100"],
        );
        check(
            |draft| draft.bands.margin = Points::whole(10),
            &["`bands.margin` is 10; give 0 to less than the narrowest band, 10"],
        );
    }

    #[test]
    fn a_scorecard_is_named_by_its_content() {
        let hash = |change: fn(&mut Draft)| {
            let mut draft = draft();
            change(&mut draft);
            Scorecard::new(draft).unwrap().hash()
        };
        assert_eq!(hash(|_| ()), hash(|_| ()));
        assert_ne!(hash(|_| ()), hash(|draft| draft.dimensions[0].measures[0].freshness_days = 8));
        assert_ne!(hash(|_| ()), hash(|draft| draft.bands.margin = Points::whole(2)));
    }

    #[test]
    fn points_lie_on_straight_lines_and_are_level_beyond_the_ends() {
        let curve = curve(&[(0, 100), (30, 90), (90, 0)]);
        let points = |value: &str| curve.points(value.parse().unwrap()).to_string();
        assert_eq!(points("-5"), "100");
        assert_eq!(points("15"), "95");
        assert_eq!(points("30"), "90");
        assert_eq!(points("31"), "88.5");
        assert_eq!(points("90"), "0");
        assert_eq!(points("900"), "0");
        // A third of ten points: rounded once, half to even.
        assert_eq!(points("10"), "96.666667");
    }

    #[test]
    fn a_measure_counts_where_its_stage_and_renewal_fit() {
        let applies = Applies { stages: BTreeSet::from([LifecycleStage::Steady]), renewal_within_days: Some(90) };
        let today = Day::from_number(20_000);
        let fits = |stage, renewal: Option<i32>| {
            let account = crate::health::tests::account(stage, renewal.map(|days| today.plus(days)));
            applies.to(&account, today)
        };
        assert!(fits(LifecycleStage::Steady, Some(90)));
        assert!(fits(LifecycleStage::Steady, Some(0)));
        assert!(!fits(LifecycleStage::Steady, Some(91)));
        assert!(!fits(LifecycleStage::Steady, Some(-1)));
        assert!(!fits(LifecycleStage::Steady, None));
        assert!(!fits(LifecycleStage::Onboarding, Some(90)));
    }

    proptest! {
        #[test]
        fn a56_points_never_fall_while_a_rising_curve_rises(
            knots in prop::collection::btree_map(-1_000_000_000_i64..1_000_000_000, 0_i64..=100_000_000, 2..9),
            values in (-2_000_000_000_i64..2_000_000_000, -2_000_000_000_i64..2_000_000_000),
        ) {
            let mut points: Vec<i64> = knots.values().copied().collect();
            points.sort_unstable();
            let knots = knots.keys().zip(points);
            let curve = Curve(knots.map(|(value, points)| (Quantity::from_micros(*value), Points::from_micros(points))).collect());
            let of = |value| curve.points(Quantity::from_micros(value));
            prop_assert!(of(values.0.min(values.1)) <= of(values.0.max(values.1)));
        }
    }
}

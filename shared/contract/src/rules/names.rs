//! The names that rules may use, the nearest of them to one that is not known, and their lists for editors.

use crate::problem::Fault;
use domain::account::{LifecycleStage, Segment};
use domain::band::Band;
use domain::experiment::Experiments;
use domain::nearest::nearest;
use domain::rule::Condition;
use domain::rule::leaf::{Statistic, Weekday};
use domain::scorecard::Scorecards;
use domain::segment::Segments;
use domain::signal::{Metric, Unit, name_of};
use schemars::{Schema, SchemaGenerator, json_schema};
use std::collections::{BTreeMap, BTreeSet};

/// The dimensions, measures, segments and experiments that there are. The default knows of no measures and lets every name of
/// one pass; a segment or an experiment that is not known is refused.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Vocabulary {
    pub(super) dimensions: BTreeSet<String>,
    /// Each measure with its units: scorecards may differ.
    pub(super) measures: BTreeMap<String, BTreeSet<String>>,
    /// Each segment with what it stands for.
    pub(super) segments: BTreeMap<String, Condition>,
    pub(super) experiments: BTreeSet<String>,
}

impl Vocabulary {
    /// Those of the scorecards of health.
    pub fn of(scorecards: &Scorecards) -> Self {
        let mut vocabulary = Self::default();
        for dimension in scorecards.of_health().flat_map(|card| card.dimensions()) {
            vocabulary.dimensions.insert(dimension.id.clone());
            for measure in &dimension.measures {
                vocabulary.measures.entry(measure.id.clone()).or_default().insert(unit_name(&measure.unit).to_owned());
            }
        }
        vocabulary
    }

    /// The same with these segments, which conditions may ask for by name.
    #[must_use]
    pub fn with_segments(mut self, segments: &Segments) -> Self {
        self.segments.extend(segments.segments().map(|segment| (segment.id.to_string(), segment.when.clone())));
        self
    }

    /// The same with these experiments, which calls to action may name.
    #[must_use]
    pub fn with_experiments(mut self, experiments: &Experiments) -> Self {
        self.experiments.extend(experiments.iter().map(|experiment| experiment.id.to_string()));
        self
    }

    pub(super) fn is_empty(&self) -> bool {
        self.dimensions.is_empty()
    }
}

/// What a scorecard writes short is what a metric's unit is called.
pub(super) fn unit_name(text: &str) -> &str {
    match text {
        "%" => "percent",
        "ms" => "milliseconds",
        "min" => "minutes",
        "h" => "hours",
        "users/h" => "users_per_hour",
        other => other,
    }
}

/// Why a name is not known, with the nearest one that is.
pub(super) fn unknown<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    let given: String = given.chars().take(80).collect();
    match nearest(&given, &known) {
        Some(near) => format!("`{given}` is not known; did you mean `{near}`?"),
        None if known.len() <= 12 => format!("`{given}` is not known; known are `{}`", known.join("`, `")),
        None => format!("`{given}` is not known"),
    }
}

/// A fault of a shape: where it names something that is not known and what would be, with the nearest of these.
pub(crate) fn hinted(fault: Fault) -> Fault {
    let near = fault.reason.split_once(", expected ").and_then(|(found, expected)| {
        let given = quoted(found).next().filter(|_| found.starts_with("unknown "))?;
        let known: Vec<&str> = quoted(expected).collect();
        nearest(given, &known).map(|near| format!("{found}; did you mean `{near}`?"))
    });
    Fault { reason: near.unwrap_or(fault.reason), ..fault }
}

/// What stands in backticks.
pub(super) fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// Every unit that a limit may be given in.
pub(super) fn all_units() -> impl Iterator<Item = &'static str> {
    let units = [
        Unit::Percent,
        Unit::Count,
        Unit::Milliseconds,
        Unit::Minutes,
        Unit::Hours,
        Unit::Days,
        Unit::UsersPerHour,
        Unit::Rating,
        Unit::Sentiment,
        Unit::Currency,
    ];
    units.into_iter().map(name_of).chain([POINTS])
}

/// The unit of scores.
pub(super) const POINTS: &str = "points";
pub(super) const SEGMENTS: [(&str, Segment); 3] = [
    ("enterprise", Segment::Enterprise),
    ("mid_market", Segment::MidMarket),
    ("small_business", Segment::SmallBusiness),
];
pub(super) const STAGES: [(&str, LifecycleStage); 5] = [
    ("onboarding", LifecycleStage::Onboarding),
    ("expansion", LifecycleStage::Expansion),
    ("optimization", LifecycleStage::Optimization),
    ("steady", LifecycleStage::Steady),
    ("churned", LifecycleStage::Churned),
];

fn one_of<'a>(names: impl IntoIterator<Item = &'a str>) -> Schema {
    json_schema!({ "type": "string", "enum": names.into_iter().collect::<Vec<_>>() })
}

fn some_of<'a>(names: impl IntoIterator<Item = &'a str>) -> Schema {
    json_schema!({ "type": "array", "items": one_of(names) })
}

pub(super) fn metrics(_: &mut SchemaGenerator) -> Schema {
    one_of(Metric::ALL.iter().map(|metric| metric.name()))
}

pub(super) fn bands(_: &mut SchemaGenerator) -> Schema {
    one_of(Band::ALL.map(Band::name))
}

pub(super) fn segments(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "anyOf": [
        { "type": "string", "description": "The name of a segment of the segments file." },
        some_of(SEGMENTS.map(|(name, _)| name)),
    ] })
}

pub(super) fn stages(_: &mut SchemaGenerator) -> Schema {
    some_of(STAGES.map(|(name, _)| name))
}

pub(super) fn weekdays(_: &mut SchemaGenerator) -> Schema {
    some_of(Weekday::ALL.map(Weekday::name))
}

pub(super) fn units(_: &mut SchemaGenerator) -> Schema {
    // A measure of a scorecard may have a unit of its own.
    json_schema!({ "type": "string", "examples": all_units().collect::<Vec<_>>() })
}

pub(super) fn statistics(_: &mut SchemaGenerator) -> Schema {
    one_of(Statistic::ALL.map(Statistic::name))
}

pub(super) fn sides(_: &mut SchemaGenerator) -> Schema {
    one_of(["high", "low", "either"])
}

pub(super) fn directions(_: &mut SchemaGenerator) -> Schema {
    one_of(["rise", "fall"])
}

pub(super) fn measure_parts(_: &mut SchemaGenerator) -> Schema {
    one_of(["points", "value"])
}

pub(super) fn cta_kinds(_: &mut SchemaGenerator) -> Schema {
    one_of(["risk", "lifecycle", "expansion", "objective"])
}

pub(super) fn severities(_: &mut SchemaGenerator) -> Schema {
    one_of(["critical", "high", "medium", "low"])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a15_a_name_that_is_not_known_is_answered_with_the_nearest() {
        let metrics = || Metric::ALL.iter().map(|metric| metric.name());
        assert_eq!(unknown("net_promotr", metrics()), "`net_promotr` is not known; did you mean `net_promoter`?");
        assert_eq!(unknown("pigs", metrics()), "`pigs` is not known");
        assert_eq!(unknown("up", ["rise", "fall"]), "`up` is not known; known are `rise`, `fall`");
    }
}

//! The checks that make a draft a scorecard. All problems are found, each with its path.

use super::{BasisPoints, Curve, Draft, Formula, MAX_DAYS, MAX_MEMBERS, Measure, POINTS_AT_TARGET, Problem, Target};
use crate::band::Bands;
use crate::fixed::{Points, Quantity};
use crate::signal::{Fold, Metric};
use std::collections::BTreeSet;

/// Every problem of a draft, in the order of the file.
pub(super) fn problems(draft: &Draft) -> Vec<Problem> {
    let mut problems = Problems(Vec::new());
    problems.name("version".to_owned(), &draft.version);
    problems.group("dimensions", &draft.dimensions.iter().map(|dimension| dimension.weight).collect::<Vec<_>>());
    for (place, dimension) in draft.dimensions.iter().enumerate() {
        let path = format!("dimensions[{place}]");
        problems.name(format!("{path}.id"), &dimension.id);
        let weights: Vec<_> = dimension.measures.iter().map(|measure| measure.weight).collect();
        problems.group(&format!("{path}.measures"), &weights);
        for (place, measure) in dimension.measures.iter().enumerate() {
            check_measure(&mut problems, &format!("{path}.measures[{place}]"), measure);
        }
    }
    let dimensions = draft.dimensions.iter().enumerate();
    problems
        .names_differ(dimensions.clone().map(|(d, dimension)| (format!("dimensions[{d}].id"), dimension.id.as_str())));
    problems.names_differ(dimensions.flat_map(|(d, dimension)| {
        let path = move |m| format!("dimensions[{d}].measures[{m}].id");
        dimension.measures.iter().enumerate().map(move |(m, measure)| (path(m), measure.id.as_str()))
    }));
    for (place, cap) in draft.caps.iter().enumerate() {
        problems.name(format!("caps[{place}].id"), &cap.id);
        if cap.at_most < Points::MIN || cap.at_most >= Points::MAX {
            problems.add(format!("caps[{place}].at_most"), format!("is {}; give 0 to less than 100", cap.at_most));
        }
    }
    problems.names_differ(draft.caps.iter().enumerate().map(|(c, cap)| (format!("caps[{c}].id"), cap.id.as_str())));
    check_bands(&mut problems, &draft.bands);
    if draft.neutral_points < Points::MIN || draft.neutral_points > Points::MAX {
        problems.add("neutral_points", format!("is {}; points lie between 0 and 100", draft.neutral_points));
    }
    problems.0
}

fn check_measure(problems: &mut Problems, path: &str, measure: &Measure) {
    problems.name(format!("{path}.id"), &measure.id);
    if matches!(measure.id.as_str(), "score" | "band") {
        problems.add(format!("{path}.id"), format!("is `{}`, which names the whole; give another name", measure.id));
    }
    if measure.unit.chars().count() > 32 || measure.unit.chars().any(char::is_control) {
        problems.add(format!("{path}.unit"), "is not a unit; give at most 32 characters");
    }
    for (field, days) in [("window_days", measure.window_days), ("freshness_days", measure.freshness_days)] {
        if !(1..=MAX_DAYS).contains(&days) {
            problems.add(format!("{path}.{field}"), format!("is {days}; give 1 to {MAX_DAYS}"));
        }
    }
    if let Some(reason) = unfit(measure.formula) {
        problems.add(format!("{path}.formula"), reason);
    }
    let curve = check_curve(&measure.curve);
    let sound = curve.is_empty();
    for (place, reason) in curve {
        problems.add(format!("{path}.curve{place}"), reason);
    }
    let at_target = measure.curve.points(measure.target.value());
    if sound && at_target < POINTS_AT_TARGET {
        let target = measure.target.value();
        problems.add(
            format!("{path}.curve"),
            format!(
                "gives {at_target} points at the target {target}; a value on target has at least {POINTS_AT_TARGET}"
            ),
        );
    }
    let falls = measure.curve.0.first().map(|knot| knot.1) > measure.curve.0.last().map(|knot| knot.1);
    if sound && falls == matches!(measure.target, Target::AtLeast(_)) {
        let way = if falls { "falls, but more is better" } else { "rises, but less is better" };
        problems.add(format!("{path}.curve"), format!("{way} by its target"));
    }
}

/// Why a formula says nothing about its metric.
fn unfit(formula: Formula) -> Option<String> {
    let sum_of = |metric: Metric| {
        (metric.fold() != Fold::Sum)
            .then(|| format!("adds up `{metric}`, of which only the mean or the latest says something"))
    };
    match formula {
        Formula::Sum(metric) => sum_of(metric),
        Formula::Quotient { numerator, denominator } => sum_of(numerator).or_else(|| sum_of(denominator)),
        Formula::Latest(metric) if metric.fold() == Fold::Sum => {
            Some(format!("takes the latest `{metric}`, which is added up by the day; use the mean or the sum"))
        }
        Formula::NetPromoter { minimum_answers: 0 } => Some("needs at least 1 answer".to_owned()),
        _ => None,
    }
}

fn check_bands(problems: &mut Problems, bands: &Bands) {
    let edges = [Points::MIN, bands.critical, bands.at_risk, bands.healthy, bands.champion, Points::MAX];
    let narrowest = edges.iter().zip(edges.iter().skip(1)).map(|(low, high)| high.minus(*low)).min();
    let narrowest = narrowest.unwrap_or_default();
    if narrowest <= Points::ZERO {
        problems.add("bands", "do not rise; give 0 < critical < at_risk < healthy < champion < 100");
    } else if bands.margin < Points::ZERO || bands.margin >= narrowest {
        problems
            .add("bands.margin", format!("is {}; give 0 to less than the narrowest band, {narrowest}", bands.margin));
    }
    if bands.dwell_runs == 0 {
        problems.add("bands.dwell_runs", "is 0; give 1 or more");
    }
}

/// What is wrong with a curve: where in it, and what.
fn check_curve(curve: &Curve) -> Vec<(String, String)> {
    let mut problems = Vec::new();
    if curve.0.len() < 2 || curve.0.len() > MAX_MEMBERS {
        problems.push((String::new(), format!("has {} knots; give 2 to {MAX_MEMBERS}", curve.0.len())));
    }
    for (place, (_, points)) in curve.0.iter().enumerate() {
        if *points < Points::MIN || *points > Points::MAX {
            problems.push((format!("[{place}]"), format!("has {points} points; points lie between 0 and 100")));
        }
    }
    let pairs = || curve.0.iter().zip(curve.0.iter().skip(1)).enumerate();
    for (place, ((v0, _), (v1, _))) in pairs() {
        if v0 >= v1 {
            problems.push((format!("[{}]", place + 1), format!("comes after {v0}; values must rise")));
        }
    }
    let rises = pairs().any(|(_, ((_, p0), (_, p1)))| p0 < p1);
    let falls = pairs().any(|(_, ((_, p0), (_, p1)))| p0 > p1);
    if rises == falls {
        let how = if rises { "rises and falls" } else { "is level" };
        problems.push((String::new(), format!("{how}; points must go one way")));
    }
    problems
}

/// The problems found so far.
struct Problems(Vec<Problem>);

impl Problems {
    fn add(&mut self, path: impl Into<String>, reason: impl Into<String>) {
        self.0.push(Problem { path: path.into(), reason: reason.into() });
    }

    fn name(&mut self, path: String, name: &str) {
        let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_-.".contains(c);
        if name.is_empty() || name.len() > 64 || !name.chars().all(fits) {
            let rule = "give 1 to 64 characters of a-z, 0-9, `_`, `-` and `.`";
            self.add(path, format!("is `{}`; {rule}", name.escape_default()));
        }
    }

    fn names_differ<'a>(&mut self, names: impl Iterator<Item = (String, &'a str)>) {
        let mut seen = BTreeSet::new();
        for (path, name) in names {
            if !seen.insert(name) {
                self.add(path, format!("`{}` is used twice; names must differ", name.escape_default()));
            }
        }
    }

    /// Members of a group: some, not too many, with weights that add to one.
    fn group(&mut self, path: &str, weights: &[BasisPoints]) {
        if weights.is_empty() || weights.len() > MAX_MEMBERS {
            self.add(path, format!("has {} members; give 1 to {MAX_MEMBERS}", weights.len()));
        }
        for (place, weight) in weights.iter().enumerate() {
            if weight.value() == 0 {
                self.add(format!("{path}[{place}].weight"), "is zero; leave the member out instead");
            }
        }
        let sum: u64 = weights.iter().map(|weight| u64::from(weight.value())).sum();
        if sum != u64::from(BasisPoints::WHOLE.value()) && !weights.is_empty() {
            let sum = Quantity::from_micros(i64::try_from(sum).unwrap_or_default() * 100);
            self.add(path, format!("have weights that add to {sum}; they must add to 1"));
        }
    }
}

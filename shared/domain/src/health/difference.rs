//! Why a score is another one than before: changes that add up to the difference to the last digit, in plain words.

use super::{AppliedCap, Contribution, Health, Override, State};
use crate::fixed::{Points, Quantity, divide_half_even};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// What changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    /// A measure that counts both times has another value, or its absence began or ended.
    Measure {
        /// As it was.
        before: Box<Contribution>,
        /// As it is.
        after: Box<Contribution>,
    },
    /// Measures count that did not, or the other way round, and the others weigh more or less for it.
    Coverage {
        /// Measures that count no more.
        lost: Vec<String>,
        /// Measures that count now.
        gained: Vec<String>,
    },
    /// The scorecard weighs otherwise.
    Scorecard {
        /// Its version before.
        before: String,
        /// Its version now.
        after: String,
    },
    /// A person says what the score is, or says so no more.
    Override {
        /// What was said before.
        before: Option<Override>,
        /// What is said now.
        after: Option<Override>,
    },
    /// Caps hold now, or hold no more.
    Caps {
        /// Those before.
        before: Vec<AppliedCap>,
        /// Those now.
        after: Vec<AppliedCap>,
    },
}

/// One part of the difference between two scores.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// What changed.
    pub cause: Cause,
    /// By how much it changed the score.
    pub delta: Points,
}

/// A change in plain words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// The measure, where the reason is one.
    pub measure: Option<String>,
    /// What happened, with values.
    pub text: String,
    /// By how much it changed the score.
    pub delta: Points,
}

/// The changes from one health to another. They add up to the difference of the scores exactly; none is zero.
///
/// A measure that counts both times with the same weight changed by the difference of its contributions. Where its
/// weight moved, its own change is that of its points at the new weight, and all the rest is one change of coverage or
/// of the scorecard.
pub fn difference(before: &Health, after: &Health) -> Vec<Change> {
    let mut changes = Vec::new();
    let mut rest = Points::ZERO;
    for new in &after.measures {
        let Some(old) = find(before, new).filter(|old| counts(old) && counts(new)) else {
            rest = rest.plus(new.contribution);
            continue;
        };
        let whole = new.contribution.minus(old.contribution);
        let weight = effective_weight(after, new);
        let own = if weight == effective_weight(before, old) { whole } else { own_change(old, new, weight) };
        rest = rest.plus(whole.minus(own));
        let cause = Cause::Measure { before: Box::new(old.clone()), after: Box::new(new.clone()) };
        changes.push(Change { cause, delta: own });
    }
    for old in &before.measures {
        if !(counts(old) && find(after, old).is_some_and(counts)) {
            rest = rest.minus(old.contribution);
        }
    }
    changes.push(Change { cause: cause_of_the_rest(before, after), delta: rest });
    let capped = after.computed.minus(after.uncapped).minus(before.computed.minus(before.uncapped));
    let caps = Cause::Caps { before: before.caps.clone(), after: after.caps.clone() };
    changes.push(Change { cause: caps, delta: capped });
    let overridden = after.score.minus(after.computed).minus(before.score.minus(before.computed));
    let said = |health: &Health| health.overrides.about("score").cloned();
    changes.push(Change { cause: Cause::Override { before: said(before), after: said(after) }, delta: overridden });
    changes.retain(|change| change.delta != Points::ZERO);
    changes
}

/// The changes in plain words, the largest first.
pub fn reasons(before: &Health, after: &Health) -> Vec<Reason> {
    let mut reasons: Vec<Reason> = difference(before, after).into_iter().map(Reason::from).collect();
    sort(&mut reasons);
    reasons
}

/// What keeps a score from 100, the largest first: for a first score, which has none to compare with.
pub fn shortfalls(health: &Health) -> Vec<Reason> {
    let mut reasons: Vec<Reason> = Vec::new();
    for part in health.measures.iter().filter(|part| counts(part)) {
        let missing = part.points.unwrap_or_default().minus(Points::MAX);
        let delta = times(missing, effective_weight(health, part));
        if delta != Points::ZERO {
            reasons.push(Reason { measure: Some(part.measure.clone()), text: standing(part), delta });
        }
    }
    if health.computed != health.uncapped {
        let delta = health.computed.minus(health.uncapped);
        reasons.push(Reason { measure: None, text: capped(&[], &health.caps), delta });
    }
    if health.score != health.computed {
        let text = overridden(None, health.overrides.about("score"));
        reasons.push(Reason { measure: None, text, delta: health.score.minus(health.computed) });
    }
    sort(&mut reasons);
    reasons
}

fn sort(reasons: &mut [Reason]) {
    let order = |reason: &Reason| (std::cmp::Reverse(reason.delta.micros().unsigned_abs()), reason.measure.is_none());
    reasons.sort_by(|a, b| order(a).cmp(&order(b)).then_with(|| (&a.measure, &a.text).cmp(&(&b.measure, &b.text))));
}

fn find<'a>(health: &'a Health, part: &Contribution) -> Option<&'a Contribution> {
    health.measures.iter().find(|other| other.measure == part.measure && other.dimension == part.dimension)
}

/// Whether a measure's points are part of the score.
const fn counts(part: &Contribution) -> bool {
    part.points.is_some()
}

/// A share of the score: how many of how many parts.
#[derive(Clone, Copy)]
struct Weight {
    of: i128,
    all: i128,
}

impl PartialEq for Weight {
    fn eq(&self, other: &Self) -> bool {
        self.of * other.all == other.of * self.all
    }
}

/// The share of the score that a measure has among those that count.
fn effective_weight(health: &Health, part: &Contribution) -> Weight {
    let in_dimension = health.measures.iter().filter(|other| counts(other) && other.dimension == part.dimension);
    let measures: i128 = in_dimension.map(|other| i128::from(other.weight.value())).sum();
    let counting = health.dimensions.iter().filter(|dimension| dimension.points.is_some());
    let dimensions: i128 = counting.clone().map(|dimension| i128::from(dimension.weight.value())).sum();
    let own = counting.clone().find(|dimension| dimension.dimension == part.dimension);
    let own = own.map_or(0, |dimension| i128::from(dimension.weight.value()));
    Weight { of: own * i128::from(part.weight.value()), all: dimensions * measures }
}

fn own_change(old: &Contribution, new: &Contribution, weight: Weight) -> Points {
    times(new.points.unwrap_or_default().minus(old.points.unwrap_or_default()), weight)
}

fn times(points: Points, weight: Weight) -> Points {
    let micros = divide_half_even(i128::from(points.micros()) * weight.of, weight.all);
    Points::from_micros(i64::try_from(micros).unwrap_or_default())
}

fn cause_of_the_rest(before: &Health, after: &Health) -> Cause {
    if before.scorecard_hash != after.scorecard_hash {
        return Cause::Scorecard { before: before.scorecard.clone(), after: after.scorecard.clone() };
    }
    let names = |health: &Health| -> BTreeSet<String> {
        health.measures.iter().filter(|part| counts(part)).map(|part| part.measure.clone()).collect()
    };
    let (old, new) = (names(before), names(after));
    Cause::Coverage { lost: old.difference(&new).cloned().collect(), gained: new.difference(&old).cloned().collect() }
}

impl From<Change> for Reason {
    fn from(change: Change) -> Self {
        let (measure, text) = match &change.cause {
            Cause::Measure { before, after } => (Some(after.measure.clone()), movement(before, after)),
            Cause::Coverage { lost, gained } => (None, coverage(lost, gained)),
            Cause::Scorecard { before, after } if before == after => {
                (None, format!("the content of scorecard `{after}` changed"))
            }
            Cause::Scorecard { before, after } => (None, format!("scorecard `{after}` took the place of `{before}`")),
            Cause::Caps { before, after } => (None, capped(before, after)),
            Cause::Override { before, after } => (None, overridden(before.as_ref(), after.as_ref())),
        };
        Self { measure, text, delta: change.delta }
    }
}

/// `csat fell from 95 % to 81 %`.
fn movement(before: &Contribution, after: &Contribution) -> String {
    let name = plain(&after.measure);
    match (before.state == State::Overridden, after.state == State::Overridden) {
        (_, true) => return standing(after),
        (true, false) => return format!("{} again, no longer as a person says", standing(after)),
        (false, false) => {}
    }
    match (before.value, after.value) {
        (Some(old), Some(new)) if old != new => {
            let verb = if new < old { "fell" } else { "rose" };
            let (old, new) = apart(old, new);
            format!("{name} {verb} from {} to {}", with_unit(&old, &before.unit), with_unit(&new, &after.unit))
        }
        (None, Some(new)) => format!("{name} has data again and stands at {}", with_unit(&short(new), &after.unit)),
        (Some(old), None) => {
            format!("{name} has no fresh data any more; it last stood at {}", with_unit(&short(old), &before.unit))
        }
        _ => standing(after),
    }
}

fn standing(part: &Contribution) -> String {
    let name = plain(&part.measure);
    match part.value {
        _ if part.state == State::Overridden => {
            format!("{name} is worth {} points as a person says", part.points.unwrap_or_default())
        }
        Some(value) if part.state == State::Held => {
            format!("{name} last stood at {}", with_unit(&short(value), &part.unit))
        }
        Some(value) => format!("{name} stands at {}", with_unit(&short(value), &part.unit)),
        None => format!("{name} has no fresh data"),
    }
}

fn coverage(lost: &[String], gained: &[String]) -> String {
    let list = |names: &[String]| names.iter().map(|name| plain(name)).collect::<Vec<_>>().join(", ");
    match (lost.is_empty(), gained.is_empty()) {
        (false, true) => format!("counts no more: {}", list(lost)),
        (true, false) => format!("counts now: {}", list(gained)),
        (false, false) => format!("counts no more: {}; counts now: {}", list(lost), list(gained)),
        (true, true) => "the weights of the measures moved".to_owned(),
    }
}

fn capped(before: &[AppliedCap], after: &[AppliedCap]) -> String {
    let tightest = |caps: &[AppliedCap]| caps.iter().min_by_key(|cap| cap.at_most).cloned();
    match (tightest(before), tightest(after)) {
        (_, Some(cap)) => format!("capped at {}: {}", cap.at_most, plain(&cap.cap)),
        (Some(cap), None) => format!("no longer capped at {}: {}", cap.at_most, plain(&cap.cap)),
        (None, None) => "no cap".to_owned(),
    }
}

fn overridden(before: Option<&Override>, after: Option<&Override>) -> String {
    match (before, after) {
        (_, Some(word)) => format!("{} says so: {}", word.author, word.reason),
        (Some(word), None) => format!("{} no longer says so", word.author),
        (None, None) => "what was computed moved under what a person says".to_owned(),
    }
}

fn plain(name: &str) -> String {
    name.replace('_', " ")
}

fn with_unit(value: &str, unit: &str) -> String {
    if unit.is_empty() { value.to_owned() } else { format!("{value} {unit}") }
}

/// At most two decimals.
fn short(value: Quantity) -> String {
    trimmed(value.rounded(2))
}

/// Two values that differ, in as few decimals from two on as tell them apart.
fn apart(a: Quantity, b: Quantity) -> (String, String) {
    let places = (2..6).find(|places| a.rounded(*places) != b.rounded(*places)).unwrap_or(6);
    (trimmed(a.rounded(places)), trimmed(b.rounded(places)))
}

fn trimmed(text: String) -> String {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{any_case, four, score, today};
    use super::*;
    use crate::page::fixtures::{daily, series};
    use crate::scorecard::tests::draft;
    use crate::scorecard::{BasisPoints, Draft};
    use crate::signal::Metric;
    use proptest::prelude::*;

    fn health(values: [&'static str; 4]) -> Health {
        score(draft(), &four(values), today()).unwrap()
    }

    fn told(before: &Health, after: &Health) -> Vec<String> {
        reasons(before, after).iter().map(|reason| format!("{}: {}", reason.text, reason.delta)).collect()
    }

    #[test]
    fn reasons_are_told_with_values_the_largest_first() {
        let (before, after) = (health(["80", "90", "70", "60"]), health(["79", "73", "70", "64.5"]));
        let expected = [
            "audit fell from 90 % to 73 %: -5.1",
            "renewal rose from 60 % to 64.5 %: 0.9",
            "uptime fell from 80 % to 79 %: -0.3",
        ];
        assert_eq!(told(&before, &after), expected);
        assert!(told(&before, &before).is_empty());
    }

    #[test]
    fn values_that_differ_late_are_told_apart() {
        let (before, after) = (health(["99.9951", "90", "70", "60"]), health(["99.995", "90", "70", "60"]));
        assert_eq!(told(&before, &after), ["uptime fell from 99.9951 % to 99.995 %: -0.00003"]);
    }

    #[test]
    fn what_no_longer_counts_is_a_change_of_coverage_not_of_a_measure() {
        let before = health(["80", "90", "70", "60"]);
        let metrics = [Metric::Uptime, Metric::Csat, Metric::RenewalProbability].into_iter().zip(["80", "70", "60"]);
        let rest = series(metrics.flat_map(|(metric, value)| daily(metric, [(today(), value)])));
        let after = score(draft(), &rest, today()).unwrap();
        // (0.3 × 80 + 0.2 × 70 + 0.2 × 60) / 0.7 = 71.428571
        assert_eq!(told(&before, &after), ["counts no more: audit: -5.571429"]);
        assert_eq!(told(&after, &before), ["counts now: audit: 5.571429"]);
    }

    #[test]
    fn another_scorecard_is_a_change_of_its_own() {
        let heavier = || {
            let mut heavier = draft();
            heavier.version = "test-2".into();
            heavier.dimensions[0].weight = BasisPoints::new(5_000).unwrap();
            heavier.dimensions[1].weight = BasisPoints::new(1_000).unwrap();
            heavier
        };
        let before = health(["80", "90", "70", "60"]);
        let after = score(heavier(), &four(["80", "90", "70", "50"]), today()).unwrap();
        let expected = ["renewal fell from 60 % to 50 %: -2", "scorecard `test-2` took the place of `test-1`: -2"];
        assert_eq!(told(&before, &after), expected);
    }

    #[test]
    fn a_cap_is_a_change_of_its_own() {
        let before = health(["80", "90", "70", "60"]);
        let at_most = "69".parse().unwrap();
        let caps = vec![AppliedCap { cap: "open_critical_case".into(), at_most }];
        let after = Health { score: at_most, computed: at_most, caps, ..before.clone() };
        assert_eq!(told(&before, &after), ["capped at 69: open critical case: -8"]);
        assert_eq!(told(&after, &before), ["no longer capped at 69: open critical case: 8"]);
    }

    #[test]
    fn a_first_score_is_explained_by_what_it_lacks() {
        let told: Vec<String> = shortfalls(&health(["80", "100", "70", "60"]))
            .iter()
            .map(|reason| format!("{}: {}", reason.text, reason.delta))
            .collect();
        assert_eq!(told, ["renewal stands at 60 %: -8", "csat stands at 70 %: -6", "uptime stands at 80 %: -6"]);
    }

    proptest! {
        #[test]
        fn a67_changes_sum_to_the_difference_exactly(
            (draft, before) in any_case(),
            (other, after) in any_case(),
            same in any::<bool>(),
            days in 0_i32..12,
            cap in prop::option::of(0_i64..100_000_000),
        ) {
            // Under one scorecard or two, with other data or the same data some days later.
            let (card, then): (Draft, _) = if same { (draft.clone(), before.clone()) } else { (other, after) };
            let (Some(before), Some(mut after)) = (score(draft, &before, today()), score(card, &then, today().plus(days))) else {
                return Ok(());
            };
            if let Some(at_most) = cap.map(Points::from_micros).filter(|at_most| *at_most < after.score) {
                after.score = at_most;
                after.caps = vec![AppliedCap { cap: "cap".into(), at_most }];
            }
            let sum = difference(&before, &after).iter().fold(Points::ZERO, |sum, change| sum.plus(change.delta));
            prop_assert_eq!(sum, after.score.minus(before.score));
            let told = reasons(&before, &after).iter().fold(Points::ZERO, |sum, reason| sum.plus(reason.delta));
            prop_assert_eq!(told, after.score.minus(before.score));
        }
    }
}

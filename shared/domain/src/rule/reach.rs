//! Whether a condition can be true and can be false at all, by the values that its features can have.
//!
//! Going through what has to hold together, each feature is narrowed to the values that are left. Where none is left, the
//! condition contradicts itself. Of alternatives what any of them leaves is left, so nothing that could be is ever called
//! impossible; a contradiction between features that have nothing to do with each other here is not found.

use super::check::{Faults, daily_range, sum_range};
use super::condition::{AtLeast, Condition};
use super::feature::{Feature, Test, UNKNOWN, lower};
use super::leaf::{Direction, MeasurePart, Statistic};
use crate::fixed::{ONE, Points, Quantity};
use std::collections::BTreeMap;

/// Names what a rule can never say, and what it always says.
pub(super) fn rule((when, path): (&Condition, &str), stays: Option<(&Condition, &str)>, faults: &mut Faults) {
    let customers = Left::default();
    let Some(left) = alone(when, path, &customers, faults) else { return };
    if let Some((stays, path)) = stays {
        // Alone first: what contradicts itself is not to be blamed on `when`.
        if alone(stays, path, &customers, faults).is_some() {
            Reach { faults: Some(faults) }.hold(stays, true, path, &left);
        }
    }
}

/// Names what a condition by itself can never say and what it always says. Gives what it leaves where it is true.
pub(crate) fn alone(condition: &Condition, path: &str, from: &Left, faults: &mut Faults) -> Option<Left> {
    if !leaves(condition, path, from, faults) {
        return None;
    }
    let left = Reach { faults: Some(faults) }.hold(condition, true, path, from)?;
    if Reach::quietly(condition, false, path, from).is_none() {
        faults.add(path, "is always true where it is known: it says nothing".into());
        return None;
    }
    Some(left)
}

/// Whether a condition can be true of a customer, and whether it can be false.
#[cfg(test)]
pub(super) fn can_be(condition: &Condition) -> (bool, bool) {
    let can = |wanted| Reach::quietly(condition, wanted, "", &Left::default()).is_some();
    (can(true), can(false))
}

/// Whether every leaf can be both true and false.
fn leaves(condition: &Condition, path: &str, from: &Left, faults: &mut Faults) -> bool {
    if let Some((feature, test)) = lower(condition) {
        let lies = from.of(&feature);
        let (yes, no) = (lies.narrowed(test, true), lies.narrowed(test, false));
        if yes.is_none() {
            faults.add(path, "can never be true".into());
        } else if no.is_none() {
            faults.add(path, "is always true where it is known: it says nothing".into());
        }
        return yes.is_some() && no.is_some();
    }
    let mut sound = true;
    for (member, path) in condition.members().unwrap_or_default().iter().zip(paths(condition, path)) {
        sound &= leaves(member, &path, from, faults);
    }
    sound
}

/// The paths of the members.
fn paths(condition: &Condition, path: &str) -> Vec<String> {
    let operator = match condition {
        Condition::Any(_) => "any",
        Condition::AtLeast(_) => "at_least.of",
        Condition::Not(_) => return vec![format!("{path}.not")],
        _ => "all",
    };
    let members = condition.members().unwrap_or_default().len();
    (0..members).map(|index| format!("{path}.{operator}[{index}]")).collect()
}

/// Which values a feature can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lies {
    /// From the first to the second.
    Between(i64, i64),
    /// The places whose bits are set.
    Places(u64),
}

impl Lies {
    /// What is left of it where a test passes, or where it does not. None where nothing is.
    fn narrowed(self, test: Test, passes: bool) -> Option<Self> {
        match self {
            Self::Places(places) => {
                let keep = (0..64).filter(|place| test.passes(i64::from(*place)) == passes);
                let left = places & keep.fold(0_u64, |mask, place| mask | 1 << place);
                (left != 0).then_some(Self::Places(left))
            }
            Self::Between(low, high) => {
                let (low, high) = match (test, passes) {
                    (Test::Within(from, to), true) | (Test::Outside(from, to), false) => (low.max(from), high.min(to)),
                    (Test::Within(from, to), false) | (Test::Outside(from, to), true) => {
                        match (from <= low, to >= high) {
                            (true, true) => return None,
                            (true, false) => (low.max(to.saturating_add(1)), high),
                            (false, true) => (low, high.min(from.saturating_sub(1))),
                            // A hole in the middle: the ends stay.
                            (false, false) => (low, high),
                        }
                    }
                    (Test::OneOf(_), _) => (low, high),
                };
                (low <= high).then_some(Self::Between(low, high))
            }
        }
    }

    /// What either leaves.
    fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Places(one), Self::Places(other)) => Self::Places(one | other),
            (Self::Between(low, high), Self::Between(from, to)) => Self::Between(low.min(from), high.max(to)),
            _ => Self::Between(UNKNOWN, i64::MAX),
        }
    }
}

/// Which values are left of each feature, and the path of who narrowed it last.
#[derive(Debug, Clone, Default)]
pub(crate) struct Left {
    of: BTreeMap<Feature, (Lies, String)>,
    /// Whether accounts that left are meant too.
    with_churned: bool,
}

impl Left {
    /// Of all accounts, also those that are no customers any more.
    pub fn with_churned() -> Self {
        Self { with_churned: true, ..Self::default() }
    }

    fn of(&self, feature: &Feature) -> Lies {
        let is_churned_meant = || match feature {
            Feature::Stage if !self.with_churned => Lies::Places(0b1111),
            _ => lies(feature),
        };
        self.of.get(feature).map_or_else(is_churned_meant, |(lies, _)| *lies)
    }
}

/// Which values a feature can have.
fn lies(feature: &Feature) -> Lies {
    let quantities = |(least, most): (Option<Quantity>, Option<Quantity>)| {
        Lies::Between(least.map_or(UNKNOWN + 1, Quantity::micros), most.map_or(i64::MAX, Quantity::micros))
    };
    match feature {
        Feature::Count { .. } | Feature::Age(_) => Lies::Between(0, i64::MAX),
        Feature::Average { metric, .. } => {
            let (least, most) = metric.range();
            quantities((Some(least), Some(most)))
        }
        Feature::Statistic { metric, statistic: Statistic::Sum, .. } => quantities(sum_range(*metric)),
        Feature::Statistic { metric, .. } => quantities(daily_range(*metric)),
        Feature::Change { metric, direction: Direction::Fall, percent: true, .. }
            if metric.range().0 >= Quantity::ZERO =>
        {
            Lies::Between(UNKNOWN + 1, 100 * ONE)
        }
        Feature::Competitor => Lies::Between(-1, 100 * ONE),
        Feature::Score | Feature::Dimension(_) | Feature::Measure(_, MeasurePart::Points) => {
            Lies::Between(Points::MIN.micros(), Points::MAX.micros())
        }
        Feature::Entered => Lies::Places(0b1_1111_0001_1111),
        Feature::Left => Lies::Places(0b1_0001_1111),
        Feature::Band | Feature::Stage => Lies::Places(0b1_1111),
        Feature::Segment => Lies::Places(0b111),
        Feature::Weekday => Lies::Places(0b111_1111),
        Feature::MonthDay => Lies::Between(101, 1231),
        Feature::Sustained { .. }
        | Feature::HasRenewalDate
        | Feature::HasOwner
        | Feature::Owner(_)
        | Feature::Account(_)
        | Feature::Named(_) => Lies::Between(0, 1),
        _ => Lies::Between(UNKNOWN + 1, i64::MAX),
    }
}

/// What more holds where a leaf is true.
fn implied(leaf: &Condition) -> Vec<(Feature, Test)> {
    // Something was seen at most so many days ago.
    let seen = |metric, days: u32| vec![(Feature::Age(metric), Test::Within(0, i64::from(days).max(1) - 1))];
    match leaf {
        Condition::BandEntered(band) => vec![(Feature::Band, Test::Within(band.place(), band.place()))],
        Condition::BandLeft(band) => vec![(Feature::Band, Test::Outside(band.place(), band.place()))],
        Condition::Owner(_) => vec![(Feature::HasOwner, Test::Within(1, 1))],
        Condition::DaysToRenewal(_) => vec![(Feature::HasRenewalDate, Test::Within(1, 1))],
        Condition::Counted(leaf) => seen(leaf.metric, leaf.days),
        Condition::AverageBelow(leaf) => seen(leaf.metric, leaf.days),
        Condition::TrendsDown(leaf) | Condition::TrendsUp(leaf) => seen(leaf.metric, leaf.days),
        Condition::Value(leaf) => seen(leaf.metric, leaf.days),
        Condition::AboveUsual(leaf) => seen(leaf.metric, leaf.recent_days),
        Condition::Unusual(leaf) => seen(leaf.metric, leaf.recent_days.saturating_add(1)),
        Condition::Changed(leaf) => seen(leaf.metric, leaf.days.saturating_add(1)),
        Condition::Sustained(leaf) => seen(leaf.metric, 2),
        Condition::Declined(leaf) => seen(leaf.metric, leaf.fresh_days.saturating_add(1)),
        _ => Vec::new(),
    }
}

/// Goes through what has to hold.
struct Reach<'a> {
    /// Where contradictions are named; nowhere while only asking.
    faults: Option<&'a mut Faults>,
}

impl Reach<'_> {
    fn quietly(condition: &Condition, wanted: bool, path: &str, left: &Left) -> Option<Left> {
        Reach { faults: None }.hold(condition, wanted, path, left)
    }

    fn fault(&mut self, path: &str, reason: String) -> Option<Left> {
        if let Some(faults) = &mut self.faults {
            faults.add(path, reason);
        }
        None
    }

    /// What is left where a condition is true, or false. None where it cannot be; then that is named.
    fn hold(&mut self, condition: &Condition, wanted: bool, path: &str, left: &Left) -> Option<Left> {
        let paths = paths(condition, path);
        match condition {
            Condition::Not(of) => self.hold(of, !wanted, &format!("{path}.not"), left),
            Condition::All(of) if wanted => self.together(of, true, &paths, left),
            Condition::Any(of) if !wanted => self.together(of, false, &paths, left),
            Condition::Any(of) => self.one_of(of, &paths, left),
            Condition::All(of) => self.not_all(of, path, &paths, left),
            Condition::AtLeast(of) => self.at_least(of, wanted, path, &paths, left),
            _ => self.leaf(condition, wanted, path, left),
        }
    }

    fn leaf(&mut self, leaf: &Condition, wanted: bool, path: &str, left: &Left) -> Option<Left> {
        let (feature, test) = lower(leaf)?;
        let mut all = vec![(feature, test, wanted)];
        if wanted {
            all.extend(implied(leaf).into_iter().map(|(feature, test)| (feature, test, true)));
        }
        let mut left = left.clone();
        for (feature, test, wanted) in all {
            let Some(lies) = left.of(&feature).narrowed(test, wanted) else {
                let by = left.of.get(&feature).map(|(_, by)| by.clone()).unwrap_or_default();
                let reason = format!("contradicts `{by}`: both can never hold at once");
                return self.fault(path, reason);
            };
            left.of.insert(feature, (lies, path.to_owned()));
        }
        Some(left)
    }

    /// Every one of them. What offers no choice goes first: it narrows most.
    fn together(&mut self, of: &[Condition], wanted: bool, paths: &[String], left: &Left) -> Option<Left> {
        let offers_choice = |condition: &Condition| {
            let bare = match condition {
                Condition::Not(of) => of,
                other => other,
            };
            bare.members().is_some()
        };
        let mut left = left.clone();
        for chosen in [false, true] {
            for (member, path) in of.iter().zip(paths).filter(|(member, _)| offers_choice(member) == chosen) {
                left = self.hold(member, wanted, path, &left)?;
            }
        }
        Some(left)
    }

    /// One of them at least: what cannot be is named though others can.
    fn one_of(&mut self, of: &[Condition], paths: &[String], left: &Left) -> Option<Left> {
        let each: Vec<Option<Left>> =
            of.iter().zip(paths).map(|(member, path)| self.hold(member, true, path, left)).collect();
        either(left, each)
    }

    /// One of them at least is false.
    fn not_all(&mut self, of: &[Condition], path: &str, paths: &[String], left: &Left) -> Option<Left> {
        let each = of.iter().zip(paths).map(|(member, path)| Self::quietly(member, false, path, left)).collect();
        let left = either(left, each);
        if left.is_some() { left } else { self.fault(path, "can never be false here".into()) }
    }

    fn at_least(&mut self, of: &AtLeast, wanted: bool, path: &str, paths: &[String], left: &Left) -> Option<Left> {
        let count = usize::try_from(of.count).unwrap_or(usize::MAX);
        if wanted {
            if count == of.of.len() {
                return self.together(&of.of, true, paths, left);
            }
            let can = |(member, path): (&Condition, &String)| self.hold(member, true, path, left).is_some();
            let can = of.of.iter().zip(paths).map(can).filter(|can| *can).count();
            return (can >= count).then(|| left.clone());
        }
        // What is true of old things counts as false in a window.
        if of.within_days.is_some() {
            return Some(left.clone());
        }
        let can = |(member, path): (&Condition, &String)| Self::quietly(member, false, path, left).is_some();
        let can = of.of.iter().zip(paths).map(can).filter(|can| *can).count();
        if can + count > of.of.len() { Some(left.clone()) } else { self.fault(path, "can never be false here".into()) }
    }
}

/// What is left where one of several holds.
fn either(before: &Left, each: Vec<Option<Left>>) -> Option<Left> {
    let mut possible = each.into_iter().flatten();
    let first = possible.next()?;
    let joined = possible.fold(first, |mut joined, other| {
        joined.of.retain(|feature, _| other.of.contains_key(feature));
        for (feature, (lies, _)) in &mut joined.of {
            if let Some((more, _)) = other.of.get(feature) {
                *lies = lies.or(*more);
            }
        }
        joined
    });
    let mut left = before.clone();
    left.of.extend(joined.of);
    Some(left)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::{LifecycleStage, Segment};
    use crate::band::Band;
    use crate::rule::condition::AtLeast;
    use crate::rule::leaf::{Absent, Bounds, Counted, Score};
    use crate::signal::Metric;

    fn score(bounds: Bounds) -> Condition {
        Condition::Score(Score { dimension: None, bounds })
    }

    fn below(points: i32) -> Condition {
        score(Bounds { below: Some(Quantity::whole(points)), ..Bounds::default() })
    }

    fn at_least(points: i32) -> Condition {
        score(Bounds { at_least: Some(Quantity::whole(points)), ..Bounds::default() })
    }

    fn not(of: Condition) -> Condition {
        Condition::Not(Box::new(of))
    }

    fn all(of: impl Into<Vec<Condition>>) -> Condition {
        Condition::All(of.into())
    }

    fn any(of: impl Into<Vec<Condition>>) -> Condition {
        Condition::Any(of.into())
    }

    fn rich() -> Condition {
        Condition::Arr(Bounds { at_least: Some(Quantity::whole(1_000_000)), ..Bounds::default() })
    }

    fn segments<const N: usize>(of: [Segment; N]) -> Condition {
        Condition::Segment(of.into())
    }

    #[track_caller]
    fn check(when: &Condition, stays: Option<&Condition>, expected: &[(&str, &str)]) {
        let mut faults = Faults::default();
        rule((when, "when"), stays.map(|stays| (stays, "stays_while")), &mut faults);
        let found = faults.into_list();
        let found: Vec<(&str, &str)> = found.iter().map(|fault| (fault.path.as_str(), fault.reason.as_str())).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn a15_limits_that_leave_no_number_contradict_each_other() {
        let both = "contradicts `when.all[0]`: both can never hold at once";
        check(&all([below(50), at_least(60)]), None, &[("when.all[1]", both)]);
        check(&all([below(60), at_least(60)]), None, &[("when.all[1]", both)]);
        check(&all([below(61), at_least(60)]), None, &[]);
        check(&all([below(50), not(below(60))]), None, &[("when.all[1].not", both)]);
        let deep = all([rich(), any([all([at_least(60), below(90)]), rich()]), below(50)]);
        let by_last = "contradicts `when.all[2]`: both can never hold at once";
        check(&deep, None, &[("when.all[1].any[0].all[0]", by_last)]);
    }

    #[test]
    fn a15_a_branch_that_can_never_be_taken_is_named() {
        let branch = all([below(50), any([at_least(60), rich()])]);
        check(&branch, None, &[("when.all[1].any[0]", "contradicts `when.all[0]`: both can never hold at once")]);
    }

    #[test]
    fn a15_what_is_out_of_range_can_never_be_true_and_what_covers_it_always_is() {
        check(&below(0), None, &[("when", "can never be true")]);
        let always = "is always true where it is known: it says nothing";
        check(&at_least(0), None, &[("when", always)]);
        check(&not(at_least(0)), None, &[("when.not", always)]);
        check(&any([below(50), at_least(40)]), None, &[("when", always)]);
        check(
            &not(any([below(50), at_least(40)])),
            None,
            &[("when.not.any[1]", "contradicts `when.not.any[0]`: both can never hold at once")],
        );
        check(&any([below(50), at_least(51)]), None, &[]);
    }

    #[test]
    fn a15_segments_and_stages_that_exclude_each_other_never_fire() {
        let both = "contradicts `when.all[0]`: both can never hold at once";
        let apart = all([segments([Segment::Enterprise]), segments([Segment::MidMarket, Segment::SmallBusiness])]);
        check(&apart, None, &[("when.all[1]", both)]);
        let meet = all([segments([Segment::Enterprise, Segment::MidMarket]), segments([Segment::MidMarket])]);
        check(&meet, None, &[]);
        check(&Condition::Stage([LifecycleStage::Churned].into()), None, &[("when", "can never be true")]);
        let entered = all([Condition::BandEntered(Band::AtRisk), Condition::BandAtLeast(Band::Healthy)]);
        check(&entered, None, &[("when.all[1]", both)]);
    }

    #[test]
    fn a15_what_is_absent_cannot_be_counted() {
        let absent = |days| Condition::Absent(Absent { metric: Metric::Logins, days });
        let counted = Condition::Counted(Counted { metric: Metric::Logins, days: 7, at_least: 1, since_last: None });
        check(&all([counted.clone(), absent(6)]), None, &[]);
        let both = "contradicts `when.all[0]`: both can never hold at once";
        check(&all([counted, absent(7)]), None, &[("when.all[1]", both)]);
    }

    #[test]
    fn a15_a_rule_must_be_able_to_stay_when_it_fires() {
        let fires = Condition::BandEntered(Band::AtRisk);
        check(&fires, Some(&Condition::BandAtMost(Band::AtRisk)), &[]);
        let reason = "contradicts `when`: both can never hold at once";
        check(&fires, Some(&Condition::BandAtMost(Band::Critical)), &[("stays_while", reason)]);
    }

    #[test]
    fn a15_of_several_as_many_as_are_asked_for_must_be_able_to_hold() {
        let of = |count, of: Vec<Condition>| Condition::AtLeast(AtLeast { count, within_days: None, of });
        let low = of(2, vec![below(50), at_least(60)]);
        let reason = "contradicts `when.at_least.of[0]`: both can never hold at once";
        check(&low, None, &[("when.at_least.of[1]", reason)]);
        check(&of(1, vec![below(50), at_least(60)]), None, &[]);
        let always = of(1, vec![below(50), at_least(40)]);
        check(&always, None, &[]);
    }
}

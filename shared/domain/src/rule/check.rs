//! What a rule may not be: without limits, out of range, or against itself. Every fault is named, with its path.

use super::condition::{AtLeast, Condition, MAX_DEPTH, MAX_LEAVES, MAX_WIDTH};
use super::leaf::{
    AboveUsual, Bounds, Change, Changed, Declined, Direction, MeasurePart, Statistic, Trend, Unusual, Value,
};
use super::{MAX_DAYS, MAX_REASON, Rule, RuleFault, reach};
use crate::fixed::{Points, Quantity};
use crate::signal::{Fold, Metric};

/// The most of anything that is counted.
const MAX_COUNT: u32 = 1_000_000;
/// The longest name that a condition may hold, in characters.
const MAX_NAME: usize = 128;

/// Names every fault of a rule.
pub(super) fn rule(rule: &Rule, path: &str, faults: &mut Faults) {
    let (when, stays) = (format!("{path}.when"), format!("{path}.stays_while"));
    let before = faults.0.len();
    condition(&rule.when, &when, faults);
    if let Some(condition_of) = &rule.stays_while {
        condition(condition_of, &stays, faults);
    }
    // What is out of range contradicts itself in many ways: one reason is enough.
    if faults.0.len() == before {
        let while_open = rule.stays_while.as_ref().map(|condition| (condition, stays.as_str()));
        reach::rule((&rule.when, &when), while_open, faults);
    }
    faults.between(path, "cta.due_in_days", rule.cta.due_in_days, 0, MAX_DAYS);
    faults.between(path, "clear_days", rule.clear_days, 0, MAX_DAYS);
    faults.between(path, "lapse_days", rule.lapse_days, rule.clear_days.max(1), MAX_DAYS);
    faults.between(path, "cool_off_days", rule.cool_off_days, 0, MAX_DAYS);
    faults.words(path, "cta.reason", &rule.cta.reason);
    if let Some(escalation) = &rule.escalation {
        faults.words(path, "escalation.reason", &escalation.reason);
    }
}

/// Names every fault of a condition but that it contradicts itself.
pub(crate) fn condition(condition: &Condition, path: &str, faults: &mut Faults) {
    let before = faults.0.len();
    nested(condition, path, 1, faults);
    if faults.0.len() == before {
        let leaves = condition.leaves().len();
        if leaves > MAX_LEAVES {
            faults.add(path, format!("asks {leaves} things; give at most {MAX_LEAVES}"));
        }
    }
}

fn nested(condition: &Condition, path: &str, depth: usize, faults: &mut Faults) {
    if depth > MAX_DEPTH {
        return faults.add(path, format!("is nested deeper than {MAX_DEPTH}"));
    }
    match condition {
        Condition::All(of) => members(of, &format!("{path}.all"), depth, faults),
        Condition::Any(of) => members(of, &format!("{path}.any"), depth, faults),
        Condition::Not(of) => nested(of, &format!("{path}.not"), depth + 1, faults),
        Condition::AtLeast(leaf) => at_least(leaf, &format!("{path}.at_least"), depth, faults),
        _ => leaf(condition, path, faults),
    }
}

fn members(of: &[Condition], path: &str, depth: usize, faults: &mut Faults) {
    if of.is_empty() || of.len() > MAX_WIDTH {
        faults.add(path, format!("has {} conditions; give 1 to {MAX_WIDTH}", of.len()));
    }
    for (index, member) in of.iter().enumerate() {
        nested(member, &format!("{path}[{index}]"), depth + 1, faults);
    }
}

fn at_least(leaf: &AtLeast, path: &str, depth: usize, faults: &mut Faults) {
    members(&leaf.of, &format!("{path}.of"), depth, faults);
    if let Some(within_days) = leaf.within_days {
        faults.days(path, "within_days", within_days);
    }
    let most = u32::try_from(leaf.of.len()).unwrap_or(u32::MAX);
    faults.between(path, "count", leaf.count, 1, most);
}

fn leaf(condition: &Condition, path: &str, faults: &mut Faults) {
    let at = |name: &str| format!("{path}.{name}");
    match condition {
        Condition::Declined(leaf) => declined(leaf, &at("declined"), faults),
        Condition::Counted(leaf) => {
            faults.days(&at("counted"), "days", leaf.days);
            faults.between(&at("counted"), "at_least", leaf.at_least, 1, MAX_COUNT);
        }
        Condition::AverageBelow(leaf) => {
            faults.days(&at("average_below"), "days", leaf.days);
            faults.between(&at("average_below"), "least_values", leaf.least_values, 1, MAX_COUNT);
            faults.in_range(&at("average_below"), "below", leaf.metric, leaf.below);
        }
        Condition::TrendsDown(leaf) => trend(leaf, &at("trends_down"), faults),
        Condition::TrendsUp(leaf) => trend(leaf, &at("trends_up"), faults),
        Condition::AboveUsual(leaf) => above_usual(leaf, &at("above_usual"), faults),
        Condition::Unusual(leaf) => unusual(leaf, &at("unusual"), faults),
        Condition::CompetitorSeen(leaf) => {
            let (field, least) = ("confidence_at_least", leaf.confidence_at_least);
            faults.in_range(&at("competitor_seen"), field, Metric::CompetitorSeen, least);
        }
        Condition::Absent(leaf) => faults.days(&at("absent"), "days", leaf.days),
        Condition::Value(leaf) => value(leaf, &at("value"), faults),
        Condition::Changed(leaf) => changed(leaf, &at("changed"), faults),
        Condition::Sustained(leaf) => {
            faults.days(&at("sustained"), "days", leaf.days);
            faults.bounds(&at("sustained"), &leaf.bounds, daily_range(leaf.metric), leaf.metric.name());
        }
        Condition::Score(leaf) => {
            let name = leaf.dimension.as_deref().unwrap_or("the score");
            faults.name(&at("score"), "dimension", name);
            faults.bounds(&at("score"), &leaf.bounds, POINTS, name);
        }
        Condition::Measure(leaf) => {
            faults.name(&at("measure"), "measure", &leaf.measure);
            let range = if leaf.of == MeasurePart::Points { POINTS } else { ANY };
            faults.bounds(&at("measure"), &leaf.bounds, range, &leaf.measure);
        }
        Condition::Arr(bounds) => faults.bounds(&at("arr"), bounds, ANY, "arr"),
        Condition::DaysToRenewal(bounds) => faults.bounds(&at("days_to_renewal"), bounds, ANY, "days_to_renewal"),
        Condition::Segment(of) => faults.list(&at("segment"), of.len(), "segment"),
        Condition::Stage(of) => faults.list(&at("stage"), of.len(), "stage"),
        Condition::Owner(of) => faults.list(&at("owner"), of.len(), "person"),
        Condition::Account(of) => faults.list(&at("account"), of.len(), "account"),
        Condition::Weekday(of) => faults.list(&at("weekday"), of.len(), "day"),
        Condition::Named(of) => {
            faults.list(&at("named"), of.len(), "name");
            of.iter().for_each(|name| faults.name(path, "named", name));
        }
        Condition::Dates(dates) => match (dates.from, dates.to) {
            (None, None) => faults.add(&at("dates"), "names no day; give `from`, `to` or both".into()),
            (Some(from), Some(to)) if to < from => {
                faults.add(&at("dates.to"), format!("is {to}, before `from` {from}"));
            }
            _ => {}
        },
        _ => {}
    }
}

fn declined(leaf: &Declined, path: &str, faults: &mut Faults) {
    faults.days(path, "days", leaf.days);
    faults.between(path, "by_percent", leaf.by_basis_points, 1, 10_000);
    faults.between(path, "least_days", leaf.least_days, 1, leaf.days);
    faults.days(path, "fresh_days", leaf.fresh_days);
    faults.between(path, "profile_weeks", leaf.profile_weeks, 0, 26);
    faults.between(path, "cycle_weeks", leaf.cycle_weeks, 0, 53);
    faults.between(path, "holiday_percent", leaf.holiday_basis_points, 1, 10_000);
    if leaf.floor < Quantity::ZERO {
        faults.add(&format!("{path}.floor"), format!("is {}; a floor is not negative", leaf.floor));
    }
}

fn trend(leaf: &Trend, path: &str, faults: &mut Faults) {
    faults.days(path, "days", leaf.days);
    faults.between(path, "least_values", leaf.least_values, 2, MAX_COUNT);
    faults.not_negative(path, "by", leaf.by, "give how far it goes, without a sign");
}

fn above_usual(leaf: &AboveUsual, path: &str, faults: &mut Faults) {
    faults.days(path, "recent_days", leaf.recent_days);
    faults.days(path, "history_days", leaf.history_days);
    faults.between(path, "percentile", leaf.percentile, 1, 99);
    faults.between(path, "least_recent", leaf.least_recent, 1, leaf.recent_days);
    faults.between(path, "least_history", leaf.least_history, 1, leaf.history_days);
}

fn unusual(leaf: &Unusual, path: &str, faults: &mut Faults) {
    faults.days(path, "recent_days", leaf.recent_days);
    faults.days(path, "history_days", leaf.history_days);
    faults.between(path, "least_recent", leaf.least_recent, 1, leaf.recent_days);
    faults.between(path, "least_history", leaf.least_history, 1, leaf.history_days);
    faults.not_negative(path, "least_change", leaf.least_change, "give a distance, without a sign");
    if leaf.by_deviations <= Quantity::ZERO || leaf.by_deviations > Quantity::whole(1_000) {
        faults.add(&format!("{path}.by_deviations"), format!("is {}; give more than 0 to 1000", leaf.by_deviations));
    }
}

fn value(leaf: &Value, path: &str, faults: &mut Faults) {
    faults.days(path, "days", leaf.days);
    faults.between(path, "least_values", leaf.least_values, 1, MAX_COUNT);
    let range = if leaf.statistic == Statistic::Sum { sum_range(leaf.metric) } else { daily_range(leaf.metric) };
    faults.bounds(path, &leaf.bounds, range, leaf.metric.name());
}

fn changed(leaf: &Changed, path: &str, faults: &mut Faults) {
    faults.days(path, "days", leaf.days);
    faults.between(path, "least_days", leaf.least_days, 1, leaf.days);
    match leaf.by {
        Change::Amount(by) if by > Quantity::ZERO => {}
        Change::Amount(by) => faults.add(&format!("{path}.by"), format!("is {by}; give more than 0, without a sign")),
        Change::BasisPoints(by) => {
            let falls_below_zero = leaf.metric.range().0 < Quantity::ZERO;
            let most = if leaf.direction == Direction::Fall && !falls_below_zero { 10_000 } else { 1_000_000 };
            faults.between(path, "by_percent", by, 1, most);
        }
    }
}

/// Between which values something lies; none where there is no end.
type Range = (Option<Quantity>, Option<Quantity>);

const ANY: Range = (None, None);
const POINTS: Range =
    (Some(Quantity::from_micros(Points::MIN.micros())), Some(Quantity::from_micros(Points::MAX.micros())));

/// Between which values a day's value lies: what is added up may pass the range of what is reported.
pub(super) fn daily_range(metric: Metric) -> Range {
    let (least, most) = metric.range();
    (Some(least), (metric.fold() != Fold::Sum).then_some(most))
}

/// The same of sums.
pub(super) fn sum_range(metric: Metric) -> Range {
    let (least, _) = metric.range();
    ((least >= Quantity::ZERO).then_some(Quantity::ZERO), None)
}

/// Every fault found so far.
#[derive(Default)]
pub(crate) struct Faults(Vec<RuleFault>);

impl Faults {
    pub fn add(&mut self, path: &str, reason: String) {
        self.0.push(RuleFault { path: path.to_owned(), reason });
    }

    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    pub fn into_list(self) -> Vec<RuleFault> {
        self.0
    }

    pub fn between(&mut self, path: &str, field: &str, value: u32, least: u32, most: u32) {
        if value < least || value > most {
            self.add(&format!("{path}.{field}"), format!("is {value}; give {least} to {most}"));
        }
    }

    fn days(&mut self, path: &str, field: &str, days: u32) {
        self.between(path, field, days, 1, MAX_DAYS);
    }

    fn not_negative(&mut self, path: &str, field: &str, value: Quantity, advice: &str) {
        if value < Quantity::ZERO {
            self.add(&format!("{path}.{field}"), format!("is {value}; {advice}"));
        }
    }

    fn in_range(&mut self, path: &str, field: &str, metric: Metric, value: Quantity) {
        let (least, most) = metric.range();
        if value < least || value > most {
            self.add(&format!("{path}.{field}"), format!("is {value}; `{metric}` lies between {least} and {most}"));
        }
    }

    fn bounds(&mut self, path: &str, bounds: &Bounds, (least, most): Range, name: &str) {
        let (low, high) = bounds.range();
        if bounds.named().next().is_none() {
            self.add(path, "gives no limit; give `at_least`, `above`, `at_most` or `below`".into());
        } else if low > high {
            self.add(path, format!("can never be true: nothing is {bounds}"));
        }
        for (field, bound) in bounds.named() {
            let lies = match (least, most) {
                (Some(least), Some(most)) if bound < least || bound > most => format!("between {least} and {most}"),
                (Some(least), None) if bound < least => format!("at {least} or above"),
                (None, Some(most)) if bound > most => format!("at {most} or below"),
                _ => continue,
            };
            self.add(&format!("{path}.{field}"), format!("is {bound}; `{name}` lies {lies}"));
        }
    }

    fn list(&mut self, path: &str, length: usize, what: &str) {
        if length == 0 || length > MAX_WIDTH {
            self.add(
                path,
                format!(
                    "names {} {what}; give 1 to {MAX_WIDTH}",
                    if length == 0 { "no".into() } else { length.to_string() }
                ),
            );
        }
    }

    fn name(&mut self, path: &str, field: &str, name: &str) {
        let length = name.chars().count();
        if name.trim().is_empty() || length > MAX_NAME {
            self.add(&format!("{path}.{field}"), format!("has {length} characters; give 1 to {MAX_NAME}"));
        }
    }

    pub fn words(&mut self, path: &str, field: &str, text: &str) {
        let length = text.chars().count();
        if text.trim().is_empty() || length > MAX_REASON {
            self.add(&format!("{path}.{field}"), format!("has {length} characters; say it in 1 to {MAX_REASON}"));
        }
    }
}

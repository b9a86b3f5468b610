//! Conditions: a tree of typed operators. Its depth and size have limits, so that every evaluation ends soon.

use super::facts::Facts;
use super::verdict::{Evidence, Finding, Truth, Verdict};
use super::{Faults, decline, leaves};
use crate::account::{LifecycleStage, Segment};
use crate::band::Band;
use crate::fixed::Quantity;
use crate::signal::Metric;
use serde::Serialize;
use std::collections::BTreeSet;

/// How deep conditions may be nested.
pub const MAX_DEPTH: usize = 8;
/// How many conditions one operator may hold.
pub const MAX_WIDTH: usize = 32;

/// A question about an account that is answered with true, false or unknown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// Every one is true.
    All(Vec<Condition>),
    /// At least one is true.
    Any(Vec<Condition>),
    /// It is false.
    Not(Box<Condition>),
    /// So many are true of what was seen within the last days.
    AtLeast(AtLeast),
    /// A daily value fell, with the season removed.
    Declined(Declined),
    /// Events happened so often.
    Counted(Counted),
    /// The mean of answers is too low.
    AverageBelow(AverageBelow),
    /// Values go down, more than chance would have it.
    TrendsDown(TrendsDown),
    /// Values are above what is usual for this account.
    AboveUsual(AboveUsual),
    /// A competitor was seen, and that still counts.
    CompetitorSeen(CompetitorSeen),
    /// Nothing was reported for so many days.
    Absent(Absent),
    /// The account came down into this band and is in it.
    BandEntered(Band),
    /// The account is in this band or a lower one.
    BandAtMost(Band),
    /// The account is of one of these segments.
    Segment(BTreeSet<Segment>),
    /// The account is in one of these stages.
    Stage(BTreeSet<LifecycleStage>),
}

/// So many of several conditions, each by what was seen within the last days.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AtLeast {
    /// How many must be true.
    pub count: u32,
    /// What was seen earlier than so many days ago, today counted, is left out.
    pub within_days: u32,
    /// The conditions.
    pub of: Vec<Condition>,
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

/// Daily values fall over the last days: by so much along their line, and in more pairs than chance would have it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TrendsDown {
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

impl Condition {
    /// Answers the question.
    pub fn evaluate(&self, facts: &Facts<'_>) -> Verdict {
        match self {
            Self::All(of) => fold(of.iter().map(|condition| condition.evaluate(facts)), all),
            Self::Any(of) => fold(of.iter().map(|condition| condition.evaluate(facts)), any),
            Self::Not(of) => {
                let inner = of.evaluate(facts);
                Verdict { truth: inner.truth.negated(), evidence: None, confidence_percent: 100, trace: inner.trace }
            }
            Self::AtLeast(of) => at_least(of, facts),
            Self::Declined(leaf) => decline::evaluate(leaf, facts),
            Self::Counted(leaf) => leaves::counted(leaf, facts),
            Self::AverageBelow(leaf) => leaves::average_below(leaf, facts),
            Self::TrendsDown(leaf) => leaves::trends_down(leaf, facts),
            Self::AboveUsual(leaf) => leaves::above_usual(leaf, facts),
            Self::CompetitorSeen(leaf) => leaves::competitor_seen(leaf, facts),
            Self::Absent(leaf) => leaves::absent(leaf, facts),
            Self::BandEntered(band) => leaves::band_entered(*band, facts),
            Self::BandAtMost(band) => leaves::band_at_most(*band, facts),
            Self::Segment(of) => leaves::member("segment", of.contains(&facts.account.segment)),
            Self::Stage(of) => leaves::member("lifecycle stage", of.contains(&facts.account.stage)),
        }
    }

    /// Names every fault with its path.
    pub(super) fn check(&self, path: &str, faults: &mut Faults) {
        check(self, path, 1, faults);
    }
}

/// How two verdicts become one; the traces are joined by [`fold`].
fn fold(verdicts: impl Iterator<Item = Verdict>, join: fn(Verdict, Verdict) -> Verdict) -> Verdict {
    let mut trace = Vec::new();
    let joined = verdicts
        .map(|mut verdict| {
            trace.append(&mut verdict.trace);
            verdict
        })
        .reduce(join);
    match joined {
        Some(verdict) => Verdict { trace, ..verdict },
        None => Verdict::leaf(Finding::new("nothing", Truth::Unknown, "asks for nothing")),
    }
}

/// As sure as the least sure of them.
fn all(one: Verdict, other: Verdict) -> Verdict {
    Verdict {
        truth: one.truth.and(other.truth),
        evidence: both(one.evidence, other.evidence),
        confidence_percent: one.confidence_percent.min(other.confidence_percent),
        trace: Vec::new(),
    }
}

/// As sure as the surest of those that are true.
fn any(one: Verdict, other: Verdict) -> Verdict {
    let (better, worse) = if one.truth >= other.truth { (one, other) } else { (other, one) };
    if better.truth != worse.truth {
        return better;
    }
    Verdict {
        truth: better.truth,
        evidence: both(better.evidence, worse.evidence),
        confidence_percent: better.confidence_percent.max(worse.confidence_percent),
        trace: Vec::new(),
    }
}

fn both(one: Option<Evidence>, other: Option<Evidence>) -> Option<Evidence> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.with(other)),
        (one, other) => one.or(other),
    }
}

/// k of n inside a window: a member that is true of older things counts as false.
fn at_least(of: &AtLeast, facts: &Facts<'_>) -> Verdict {
    let oldest = facts.today().plus(1).plus(-days(of.within_days));
    let mut trace = Vec::new();
    let mut members = Vec::new();
    for condition in &of.of {
        let mut verdict = condition.evaluate(facts);
        if let (Truth::True, Some(evidence)) = (verdict.truth, verdict.evidence)
            && evidence.seen_on < oldest
        {
            verdict.truth = Truth::False;
            let why = format!("was last seen on {}, more than {} days ago", evidence.seen_on, of.within_days);
            verdict.trace.push(Finding::new("window", Truth::False, why));
        }
        trace.append(&mut verdict.trace);
        members.push(verdict);
    }
    let wanted = usize::try_from(of.count).unwrap_or(usize::MAX);
    let are = |truth: Truth| members.iter().filter(|member| member.truth == truth).count();
    let truth = match (are(Truth::True), are(Truth::Unknown)) {
        (sure, _) if sure >= wanted => Truth::True,
        (sure, open) if sure + open < wanted => Truth::False,
        _ => Truth::Unknown,
    };
    let sure = members.iter().filter(|member| member.truth.is_true());
    let evidence = sure.clone().filter_map(|member| member.evidence).reduce(Evidence::with);
    let confidence_percent = sure.map(|member| member.confidence_percent).min().unwrap_or(100);
    Verdict { truth, evidence, confidence_percent, trace }
}

/// A number of days as the calendar takes it; a rule's days are at most [`super::MAX_DAYS`].
pub(super) fn days(days: u32) -> i32 {
    i32::try_from(days).unwrap_or(i32::MAX)
}

fn check(condition: &Condition, path: &str, depth: usize, faults: &mut Faults) {
    if depth > MAX_DEPTH {
        return faults.add(path, format!("is nested deeper than {MAX_DEPTH}"));
    }
    match condition {
        Condition::All(of) => check_members(of, &format!("{path}.all"), depth, faults),
        Condition::Any(of) => check_members(of, &format!("{path}.any"), depth, faults),
        Condition::Not(of) => check(of, &format!("{path}.not"), depth + 1, faults),
        Condition::AtLeast(leaf) => {
            let path = format!("{path}.at_least");
            check_members(&leaf.of, &format!("{path}.of"), depth, faults);
            faults.days(&path, "within_days", leaf.within_days);
            let most = u32::try_from(leaf.of.len()).unwrap_or(u32::MAX);
            faults.between(&path, "count", leaf.count, 1, most);
        }
        Condition::Declined(leaf) => check_declined(leaf, &format!("{path}.declined"), faults),
        Condition::Counted(leaf) => {
            let path = format!("{path}.counted");
            faults.days(&path, "days", leaf.days);
            faults.between(&path, "at_least", leaf.at_least, 1, 1_000_000);
        }
        Condition::AverageBelow(leaf) => {
            let path = format!("{path}.average_below");
            faults.days(&path, "days", leaf.days);
            faults.between(&path, "least_values", leaf.least_values, 1, 1_000_000);
            faults.in_range(&path, "below", leaf.metric, leaf.below);
        }
        Condition::TrendsDown(leaf) => {
            let path = format!("{path}.trends_down");
            faults.days(&path, "days", leaf.days);
            faults.between(&path, "least_values", leaf.least_values, 2, 1_000_000);
            if leaf.by < Quantity::ZERO {
                faults.add(&format!("{path}.by"), format!("is {}; give how far it falls, without a sign", leaf.by));
            }
        }
        Condition::AboveUsual(leaf) => {
            let path = format!("{path}.above_usual");
            faults.days(&path, "recent_days", leaf.recent_days);
            faults.days(&path, "history_days", leaf.history_days);
            faults.between(&path, "percentile", leaf.percentile, 1, 99);
            faults.between(&path, "least_recent", leaf.least_recent, 1, leaf.recent_days);
            faults.between(&path, "least_history", leaf.least_history, 1, leaf.history_days);
        }
        Condition::CompetitorSeen(leaf) => {
            faults.in_range(
                &format!("{path}.competitor_seen"),
                "confidence_at_least",
                Metric::CompetitorSeen,
                leaf.confidence_at_least,
            );
        }
        Condition::Absent(leaf) => faults.days(&format!("{path}.absent"), "days", leaf.days),
        Condition::Segment(of) if of.is_empty() => faults.add(&format!("{path}.segment"), "names no segment".into()),
        Condition::Stage(of) if of.is_empty() => faults.add(&format!("{path}.stage"), "names no stage".into()),
        Condition::Segment(_) | Condition::Stage(_) | Condition::BandEntered(_) | Condition::BandAtMost(_) => {}
    }
}

fn check_members(of: &[Condition], path: &str, depth: usize, faults: &mut Faults) {
    if of.is_empty() || of.len() > MAX_WIDTH {
        faults.add(path, format!("has {} conditions; give 1 to {MAX_WIDTH}", of.len()));
    }
    for (index, member) in of.iter().enumerate() {
        check(member, &format!("{path}[{index}]"), depth + 1, faults);
    }
}

fn check_declined(leaf: &Declined, path: &str, faults: &mut Faults) {
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

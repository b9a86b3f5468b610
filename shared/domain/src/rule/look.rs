//! A look at an account: what every rule says of it, with the trace, and the words for who asks.
//!
//! A look keeps what each leaf said and the reading that it rests on, as numbers. Words are made from them when somebody
//! asks; the account is not asked again.

use super::condition::Condition;
use super::facts::Facts;
use super::program::{Compiled, Program, Said, Stack, at_least, in_window};
use super::reading::Reading;
use super::verdict::{Evidence, Finding, Truth, Verdict};
use super::words::{Moment, say};
use crate::fixed::Quantity;

/// What one leaf of a condition said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// Which leaf of the condition, in the order in which they are written.
    pub leaf: usize,
    /// What it said.
    pub truth: Truth,
    /// What was compared: millionths of its unit, or a place in a list. None where it is not known.
    pub value: Option<Quantity>,
    /// Days since the latest data that it rests on.
    pub age_days: Option<i32>,
}

/// What the tests of a program say of an account.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    readings: Vec<Reading>,
    said: Said,
    moment: Moment,
}

impl Seen {
    /// Reads and tests everything.
    pub fn all(program: &Program, facts: &Facts<'_>) -> Self {
        let readings = program.read(facts);
        let said = program.test(&readings, facts.today());
        Self { readings, said, moment: Moment::of(facts) }
    }

    /// Reads and tests what some conditions need.
    pub fn some(program: &Program, conditions: &[&Compiled], facts: &Facts<'_>) -> Self {
        let readings = program.read_for(conditions, facts);
        let said = program.test_for(conditions, &readings, facts.today());
        Self { readings, said, moment: Moment::of(facts) }
    }

    /// What a condition says.
    pub fn truth(&self, program: &Program, of: &Compiled, stack: &mut Stack) -> Truth {
        let age = |feature: u32| {
            let seen = self.readings.get(feature as usize).and_then(|reading| reading.seen);
            seen.map(|day| self.moment.today.since(day))
        };
        program.run(of, &self.said, age, stack)
    }

    /// What each of its leaves said.
    pub fn steps(&self, program: &Program, of: &Compiled) -> impl Iterator<Item = Step> {
        of.leaves.iter().enumerate().filter_map(|(leaf, place)| {
            let (reading, truth) = self.leaf(program, *place)?;
            let value = reading.is_known().then(|| Quantity::from_micros(reading.value));
            let age_days = reading.data.map(|day| self.moment.today.since(day));
            Some(Step { leaf, truth, value, age_days })
        })
    }

    fn leaf(&self, program: &Program, place: u32) -> Option<(&Reading, Truth)> {
        let test = program.tests().get(place as usize)?;
        let reading = self.readings.get(test.feature as usize)?;
        Some((reading, self.said.of(place as usize)))
    }

    /// What a condition says, in words.
    pub fn verdict(&self, program: &Program, condition: &Condition, of: &Compiled) -> Verdict {
        let mut leaves = of.leaves.iter().map(|place| self.leaf(program, *place));
        let mut next = |leaf: &Condition| {
            let (reading, truth) = leaves.next().flatten().unwrap_or((&Reading::UNREAD, Truth::Unknown));
            say(leaf, truth, reading, &self.moment)
        };
        fold(condition, &self.moment, &mut next)
    }
}

/// One condition by itself.
pub(super) fn verdict_of(condition: &Condition, facts: &Facts<'_>) -> Verdict {
    let program = Program::of([condition]);
    let seen = Seen::all(&program, facts);
    match program.conditions() {
        [of] => seen.verdict(&program, condition, of),
        _ => nothing(),
    }
}

fn nothing() -> Verdict {
    Verdict::leaf(Finding::new("nothing", Truth::Unknown, "asks for nothing"))
}

/// Joins the verdicts of leaves, which come in the order in which they are written.
fn fold(condition: &Condition, moment: &Moment, leaf: &mut impl FnMut(&Condition) -> Verdict) -> Verdict {
    let Some(members) = condition.members() else { return leaf(condition) };
    let mut trace = Vec::new();
    let mut verdicts = Vec::with_capacity(members.len());
    for member in members {
        let mut verdict = fold(member, moment, leaf);
        if let Condition::AtLeast(of) = condition
            && let Some(within_days) = of.within_days
        {
            window(&mut verdict, within_days, moment);
        }
        trace.append(&mut verdict.trace);
        verdicts.push(verdict);
    }
    let joined = match condition {
        Condition::AtLeast(of) => Some(count(of.count, &verdicts)),
        Condition::Not(_) => verdicts.pop().map(|inner| Verdict {
            truth: inner.truth.negated(),
            evidence: None,
            confidence_percent: 100,
            trace: Vec::new(),
        }),
        Condition::Any(_) => verdicts.into_iter().reduce(any),
        _ => verdicts.into_iter().reduce(all),
    };
    joined.map_or_else(nothing, |verdict| Verdict { trace, ..verdict })
}

/// A member that is true of things before the window counts as false, and says so.
fn window(verdict: &mut Verdict, within_days: u32, moment: &Moment) {
    let seen = verdict.evidence.map(|evidence| evidence.seen_on);
    let truth = in_window(verdict.truth, seen.map(|day| moment.today.since(day)), within_days);
    if truth != verdict.truth
        && let Some(seen) = seen
    {
        let why = format!("was last seen on {seen}, more than {within_days} days ago");
        verdict.trace.push(Finding::new("window", Truth::False, why));
    }
    verdict.truth = truth;
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

/// As sure as the least sure of those that are true.
fn count(wanted: u32, members: &[Verdict]) -> Verdict {
    let truth = at_least(wanted, members.iter().map(|member| member.truth));
    let sure = members.iter().filter(|member| member.truth.is_true());
    let evidence = sure.clone().filter_map(|member| member.evidence).reduce(Evidence::with);
    let confidence_percent = sure.map(|member| member.confidence_percent).min().unwrap_or(100);
    Verdict { truth, evidence, confidence_percent, trace: Vec::new() }
}

//! Key figures: what is counted, how a figure follows from it, and what it should be.
//!
//! A figure is computed from counts of recorded facts, never typed in. Its target is a level, or a change against a
//! baseline; without a baseline it says so, and without anything counted it has no value. Counts are added up account by
//! account and month by month, so any order of the facts gives the same figures.

mod registry;

pub use registry::{Draft, Registry, RegistryFault};

use crate::fixed::{ONE, Quantity, divide_half_even};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)*) => {
        /// What is counted.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Counter {$($(#[$doc])* $name),*}

        impl Counter {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// Its name as it is written.
            pub const fn name(self) -> &'static str {
                match self {$(Self::$name => $text),*}
            }
        }
    };
}

counters! {
    /// Calls to action that were opened.
    CtasOpened = "ctas_opened";
    /// Calls to action that somebody carried out.
    CtasCarriedOut = "ctas_carried_out";
    /// Calls to action that somebody found to be of no use.
    CtasDismissed = "ctas_dismissed";
    /// Calls to action whose reason ended by itself.
    CtasEndedByThemselves = "ctas_ended_by_themselves";
    /// Cases that were opened.
    CasesOpened = "cases_opened";
    /// Cases that were resolved.
    CasesResolved = "cases_resolved";
    /// Seconds from the opening to the resolution of cases, all together.
    CaseSeconds = "case_seconds";
    /// Cases that were answered for the first time.
    CasesAnswered = "cases_answered";
    /// Seconds from the opening to the first answer, all together.
    AnswerSeconds = "answer_seconds";
    /// Escalations that were opened.
    EscalationsOpened = "escalations_opened";
    /// Escalations that somebody took on.
    EscalationsTakenOn = "escalations_taken_on";
    /// Times at which the next ones had to be told because nobody took an escalation on.
    EscalationsAdvanced = "escalations_advanced";
    /// Escalations that ended.
    EscalationsResolved = "escalations_resolved";
    /// Clocks of cases that ran out.
    SlaBreaches = "sla_breaches";
    /// Steps of playbooks that were settled.
    StepsSettled = "steps_settled";
    /// Steps of playbooks that were late.
    StepsLate = "steps_late";
    /// Messages of playbooks that went out without anybody's doing.
    EffectsSent = "effects_sent";
    /// Playbooks that were begun.
    PlaybooksStarted = "playbooks_started";
    /// Playbooks that were carried through.
    PlaybooksCompleted = "playbooks_completed";
    /// Playbooks that ended before.
    PlaybooksCancelled = "playbooks_cancelled";
}

/// A figure that is not a count: what the portfolio is at the moment, or what became of its revenue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Given {
    /// The share of scored accounts that are healthy or champions.
    HealthyShare,
    /// Gross revenue retention over a year.
    GrossRetention,
    /// Net revenue retention over a year.
    NetRetention,
    /// The share of customers of a year ago that are still there.
    LogoRetention,
}

/// How a figure follows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Formula {
    /// The share of some counts in others, in percent.
    Share {
        /// What is counted as the part.
        of: Vec<Counter>,
        /// The whole.
        over: Vec<Counter>,
    },
    /// What is not part of a share, in percent: 100 less the share.
    Rest {
        /// What is left out.
        of: Vec<Counter>,
        /// The whole.
        over: Vec<Counter>,
    },
    /// A sum for each of a count.
    Mean {
        /// The sum.
        of: Counter,
        /// For each of these.
        per: Counter,
    },
    /// A count itself.
    Count(Counter),
    /// A figure of the portfolio, in percent.
    Given(Given),
}

/// Which way is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// More is better.
    Up,
    /// Less is better.
    Down,
}

/// What a figure should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// That, or better.
    Level(Quantity),
    /// Better than the baseline by so many percent of it.
    ChangePercent(Quantity),
}

/// A figure as the registry has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kpi {
    /// Its name.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// `percent`, `seconds` or `count`.
    pub unit: String,
    /// How it follows.
    pub formula: Formula,
    /// Which way is better.
    pub direction: Direction,
    /// What it was before; none where nobody has measured it.
    pub baseline: Option<Quantity>,
    /// What it should be.
    pub target: Target,
}

/// How a figure stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// It is what it should be.
    Met,
    /// It is not.
    Missed,
    /// Nothing was counted that it could be told from.
    NoData,
    /// Its target is a change, and nobody has measured what it was before.
    NoBaseline,
}

/// A figure with its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// The value; none where nothing was counted.
    pub value: Option<Quantity>,
    /// The level that it should reach; none without a baseline where one is needed.
    pub target: Option<Quantity>,
    /// How it stands.
    pub standing: Standing,
}

/// How often what happened.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counts(BTreeMap<Counter, u64>);

impl Counts {
    /// Counts more of something.
    pub fn add(&mut self, counter: Counter, more: u64) {
        if more > 0 {
            let count = self.0.entry(counter).or_default();
            *count = count.saturating_add(more);
        }
    }

    /// Adds what was counted elsewhere.
    pub fn merge(&mut self, other: &Self) {
        other.0.iter().for_each(|(counter, more)| self.add(*counter, *more));
    }

    /// How often.
    pub fn get(&self, counter: Counter) -> u64 {
        self.0.get(&counter).copied().unwrap_or_default()
    }

    fn sum(&self, counters: &[Counter]) -> u64 {
        counters.iter().fold(0, |sum, counter| sum.saturating_add(self.get(*counter)))
    }
}

/// What is known of the portfolio, each in one.
pub type Portfolio = BTreeMap<Given, Quantity>;

impl Kpi {
    /// How it stands.
    pub fn read(&self, counts: &Counts, portfolio: &Portfolio) -> Reading {
        let value = self.formula.value(counts, portfolio);
        let target = self.level();
        let standing = match (value, target) {
            (_, None) => Standing::NoBaseline,
            (None, _) => Standing::NoData,
            (Some(value), Some(target)) => {
                let met = match self.direction {
                    Direction::Up => value >= target,
                    Direction::Down => value <= target,
                };
                if met { Standing::Met } else { Standing::Missed }
            }
        };
        Reading { value, target, standing }
    }

    fn level(&self) -> Option<Quantity> {
        let change = match self.target {
            Target::Level(level) => return Some(level),
            Target::ChangePercent(change) => change,
        };
        let baseline = self.baseline?;
        let share = i128::from(baseline.micros()) * i128::from(change.micros());
        let by = Quantity::from_micros(i64::try_from(divide_half_even(share, 100 * i128::from(ONE))).ok()?);
        Some(match self.direction {
            Direction::Up => baseline.plus(by),
            Direction::Down => baseline.minus(by),
        })
    }
}

impl Formula {
    /// The counts that it needs.
    pub fn counters(&self) -> Vec<Counter> {
        match self {
            Self::Share { of, over } | Self::Rest { of, over } => of.iter().chain(over).copied().collect(),
            Self::Mean { of, per } => vec![*of, *per],
            Self::Count(counter) => vec![*counter],
            Self::Given(_) => Vec::new(),
        }
    }

    fn value(&self, counts: &Counts, portfolio: &Portfolio) -> Option<Quantity> {
        match self {
            Self::Share { of, over } => ratio(counts.sum(of), counts.sum(over), 100),
            Self::Rest { of, over } => {
                let whole = counts.sum(over);
                ratio(whole.saturating_sub(counts.sum(of)), whole, 100)
            }
            Self::Mean { of, per } => ratio(counts.get(*of), counts.get(*per), 1),
            Self::Count(counter) => ratio(counts.get(*counter), 1, 1),
            Self::Given(given) => {
                let value = portfolio.get(given)?;
                Some(Quantity::from_micros(value.micros().saturating_mul(100)))
            }
        }
    }
}

fn ratio(part: u64, whole: u64, times: i64) -> Option<Quantity> {
    let part = i128::from(part) * i128::from(ONE) * i128::from(times);
    let micros = (whole > 0).then(|| divide_half_even(part, i128::from(whole)))?;
    i64::try_from(micros).ok().map(Quantity::from_micros)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(of: &[(Counter, u64)]) -> Counts {
        let mut counts = Counts::default();
        of.iter().for_each(|(counter, more)| counts.add(*counter, *more));
        counts
    }

    fn kpi(formula: Formula, direction: Direction, baseline: Option<&str>, target: Target) -> Kpi {
        let baseline = baseline.map(|text| text.parse().unwrap());
        Kpi { id: "k".into(), name: "K".into(), unit: "percent".into(), formula, direction, baseline, target }
    }

    fn told(kpi: &Kpi, counts: &Counts) -> (Option<String>, Option<String>, Standing) {
        let reading = kpi.read(counts, &Portfolio::new());
        let text = |value: Option<Quantity>| value.map(|value| value.to_string());
        (text(reading.value), text(reading.target), reading.standing)
    }

    #[test]
    fn a148_the_precision_of_alerts_is_useful_for_useful_and_dismissed() {
        let useful = vec![Counter::CtasCarriedOut];
        let over = vec![Counter::CtasCarriedOut, Counter::CtasDismissed];
        let target = Target::Level(Quantity::whole(90));
        let kpi = kpi(Formula::Share { of: useful, over }, Direction::Up, None, target);
        let at = |useful, dismissed| {
            told(&kpi, &counts(&[(Counter::CtasCarriedOut, useful), (Counter::CtasDismissed, dismissed)]))
        };
        assert_eq!(at(9, 1), (Some("90".into()), Some("90".into()), Standing::Met));
        assert_eq!(at(8, 1), (Some("88.888889".into()), Some("90".into()), Standing::Missed));
        assert_eq!(at(0, 0), (None, Some("90".into()), Standing::NoData));
    }

    #[test]
    fn a21_a_change_is_held_against_the_baseline_and_without_one_it_says_so() {
        let target = Target::ChangePercent(Quantity::whole(60));
        let fewer = |baseline| kpi(Formula::Count(Counter::EscalationsOpened), Direction::Down, baseline, target);
        let ten = counts(&[(Counter::EscalationsOpened, 10)]);
        assert_eq!(told(&fewer(None), &ten), (Some("10".into()), None, Standing::NoBaseline));
        assert_eq!(told(&fewer(Some("25")), &ten), (Some("10".into()), Some("10".into()), Standing::Met));
        assert_eq!(told(&fewer(Some("24")), &ten), (Some("10".into()), Some("9.6".into()), Standing::Missed));
        let more = kpi(Formula::Count(Counter::EscalationsOpened), Direction::Up, Some("8"), target);
        assert_eq!(told(&more, &ten), (Some("10".into()), Some("12.8".into()), Standing::Missed));
    }

    #[test]
    fn a_mean_a_rest_and_a_figure_of_the_portfolio() {
        let counts = counts(&[(Counter::CaseSeconds, 100), (Counter::CasesResolved, 3), (Counter::SlaBreaches, 1)]);
        let value =
            |formula: Formula, portfolio: &Portfolio| formula.value(&counts, portfolio).map(|value| value.to_string());
        let none = Portfolio::new();
        let mean = Formula::Mean { of: Counter::CaseSeconds, per: Counter::CasesResolved };
        assert_eq!(value(mean, &none).unwrap(), "33.333333");
        let rest = Formula::Rest { of: vec![Counter::SlaBreaches], over: vec![Counter::CasesResolved] };
        assert_eq!(value(rest, &none).unwrap(), "66.666667");
        let known = Portfolio::from([(Given::NetRetention, "1.5".parse().unwrap())]);
        assert_eq!(value(Formula::Given(Given::NetRetention), &known).unwrap(), "150");
        assert_eq!(value(Formula::Given(Given::NetRetention), &none), None);
    }

    #[test]
    fn counts_add_up_in_any_order() {
        let (one, other) =
            (counts(&[(Counter::CasesOpened, 2)]), counts(&[(Counter::CasesOpened, 3), (Counter::StepsLate, 1)]));
        let (mut there, mut back) = (one.clone(), other.clone());
        there.merge(&other);
        back.merge(&one);
        assert_eq!(there, back);
        assert_eq!(there.get(Counter::CasesOpened), 5);
    }

    #[test]
    fn every_counter_is_written_as_its_name() {
        for counter in Counter::ALL {
            assert_eq!(serde_json::to_value(counter).unwrap(), counter.name());
        }
    }
}

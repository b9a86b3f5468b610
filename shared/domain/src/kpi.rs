//! Key figures: what is counted, how a figure follows from it, and what it should be.
//!
//! A figure is computed from counts of recorded facts, never typed in. Its target is a level, or a change against a
//! baseline; without a baseline it says so, and without anything counted it has no value. Counts are added up account by
//! account and month by month, so any order of the facts gives the same figures.

mod counter;
mod monthly;
mod registry;

pub use counter::{Counter, Given};
pub use monthly::{KEPT_MONTHS, Month, Monthly};
pub use registry::{Draft, Registry, RegistryFault};

use crate::fixed::{ONE, Quantity, divide_half_even};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

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
    /// A sum of hundredths of a percent for each of a count, in percent.
    MeanPercent {
        /// The sum.
        of: Counter,
        /// For each of these.
        per: Counter,
    },
    /// A count itself.
    Count(Counter),
    /// One share less another one of the same whole, in percent: what speaks for it, less what speaks against it.
    Balance {
        /// What speaks for it.
        of: Counter,
        /// What speaks against it.
        less: Counter,
        /// The whole.
        over: Counter,
    },
    /// Counts for each account of the portfolio.
    PerAccount(Vec<Counter>),
    /// A figure of the portfolio.
    Given(Given),
    /// No recorded fact tells it: it has no value until one does.
    NotRecorded,
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
    /// The row of the requirements that asks for it: `A21`.
    pub requirement: String,
    /// How it follows from what is recorded, or why it cannot be told, in plain words.
    pub means: String,
    /// `percent`, `seconds`, `count` or `currency`.
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
    /// How many facts or accounts its whole is made of.
    pub counted: u64,
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

    /// Whether nothing was counted.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn sum(&self, counters: &[Counter]) -> u64 {
        counters.iter().fold(0, |sum, counter| sum.saturating_add(self.get(*counter)))
    }
}

/// A figure of the portfolio, in the unit in which it is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known {
    /// What it is.
    pub value: Quantity,
    /// Of how many accounts, or whatever its whole is made of.
    pub of: u64,
}

/// What is known of the portfolio.
pub type Portfolio = BTreeMap<Given, Known>;

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
        Reading { value, target, standing, counted: self.formula.counted(counts, portfolio) }
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
            Self::Mean { of, per } | Self::MeanPercent { of, per } => vec![*of, *per],
            Self::Count(counter) => vec![*counter],
            Self::Balance { of, less, over } => vec![*of, *less, *over],
            Self::PerAccount(counters) => counters.clone(),
            Self::Given(_) | Self::NotRecorded => Vec::new(),
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
            Self::MeanPercent { of, per } => ratio(counts.get(*of), counts.get(*per).saturating_mul(100), 1),
            // Nothing of it happened, where there is something that it could have happened to.
            Self::Count(counter) => {
                let count = counts.get(*counter);
                (count > 0 || accounts(portfolio) > 0).then(|| ratio(count, 1, 1))?
            }
            Self::Balance { of, less, over } => {
                let whole = counts.get(*over);
                Some(ratio(counts.get(*of), whole, 100)?.minus(ratio(counts.get(*less), whole, 100)?))
            }
            Self::PerAccount(counters) => ratio(counts.sum(counters), accounts(portfolio), 1),
            Self::Given(given) => Some(portfolio.get(given)?.value),
            Self::NotRecorded => None,
        }
    }

    fn counted(&self, counts: &Counts, portfolio: &Portfolio) -> u64 {
        match self {
            Self::Share { over, .. } | Self::Rest { over, .. } => counts.sum(over),
            Self::Mean { per: whole, .. }
            | Self::MeanPercent { per: whole, .. }
            | Self::Balance { over: whole, .. }
            | Self::Count(whole) => counts.get(*whole),
            Self::PerAccount(_) => accounts(portfolio),
            Self::Given(given) => portfolio.get(given).map_or(0, |known| known.of),
            Self::NotRecorded => 0,
        }
    }
}

fn accounts(portfolio: &Portfolio) -> u64 {
    portfolio.get(&Given::Accounts).map_or(0, |known| known.of)
}

/// A part of a whole, so many times, rounded half to even at the sixth place; none without a whole.
pub fn ratio(part: u64, whole: u64, times: i64) -> Option<Quantity> {
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
        Kpi {
            id: "k".into(),
            name: "K".into(),
            requirement: "A1".into(),
            means: "what it says".into(),
            unit: "percent".into(),
            formula,
            direction,
            baseline,
            target,
        }
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
        let known = Portfolio::from([
            (Given::NetRetention, Known { value: Quantity::whole(150), of: 7 }),
            (Given::Accounts, Known { value: Quantity::whole(4), of: 4 }),
        ]);
        assert_eq!(value(Formula::Given(Given::NetRetention), &known).unwrap(), "150");
        assert_eq!(value(Formula::Given(Given::NetRetention), &none), None);
        let each = Formula::PerAccount(vec![Counter::CasesResolved, Counter::SlaBreaches]);
        assert_eq!(value(each.clone(), &known).unwrap(), "1");
        assert_eq!((value(each, &none), value(Formula::NotRecorded, &known)), (None, None));
        assert_eq!(Formula::Given(Given::NetRetention).counted(&counts, &known), 7);
    }

    #[test]
    fn a125_promoters_less_detractors_may_be_below_nothing() {
        let nps =
            Formula::Balance { of: Counter::NpsPromoters, less: Counter::NpsDetractors, over: Counter::NpsAnswers };
        let counts = counts(&[(Counter::NpsPromoters, 1), (Counter::NpsDetractors, 2), (Counter::NpsAnswers, 4)]);
        assert_eq!(nps.value(&counts, &Portfolio::new()).unwrap().to_string(), "-25");
        assert_eq!(
            (nps.counted(&counts, &Portfolio::new()), nps.value(&Counts::default(), &Portfolio::new())),
            (4, None)
        );
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
}

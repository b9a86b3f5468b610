//! The ledger of outcomes: what was predicted, when, with which artifact, and what happened.
//!
//! A prediction is judged only once its time has run out or it came true, and only by what happened after it was made.

use super::measure::{Known, accuracy, auc, brier, log_loss};
use super::model::{Kind, rounded};
use super::train::LEAST_OUTCOMES;
use crate::account::Money;
use crate::day::Day;
use crate::digest::Digest;
use crate::fixed::Quantity;
use crate::id::AccountId;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// For how many days a prediction counts.
pub const HORIZON_DAYS: i32 = 180;

/// One prediction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Whose.
    pub account: AccountId,
    /// Of what.
    pub kind: Kind,
    /// With which artifact.
    pub model: Digest,
    /// On which day.
    pub predicted_on: Day,
    /// The last day on which it would count.
    pub until: Day,
    /// The chance that was given.
    pub chance: Quantity,
    /// Whether the model took a side; otherwise it abstained.
    pub issued: bool,
}

/// That it happened to an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Happened {
    /// To which.
    pub account: AccountId,
    /// What.
    pub kind: Kind,
    /// On which day.
    pub on: Day,
}

/// Whether a customer that paid so much buys more by paying so much now: a tenth more. Less is a price that rose.
pub fn is_expansion(before: Money, now: Money) -> bool {
    let (before, now) = (i128::from(before.cents()), i128::from(now.cents()));
    before > 0 && now * 10 >= before * 11
}

/// What happened to accounts. The order in which it is put in changes nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outcomes {
    days: BTreeMap<(AccountId, Kind), BTreeSet<Day>>,
}

impl Outcomes {
    /// Puts one in.
    pub fn insert(&mut self, happened: Happened) {
        self.days.entry((happened.account, happened.kind)).or_default().insert(happened.on);
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.days.values().map(BTreeSet::len).sum()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.days.is_empty()
    }

    /// When what was predicted first happened after that, or else before.
    pub fn after(&self, entry: &Entry) -> Option<Day> {
        let days = self.days.get(&(entry.account.clone(), entry.kind))?;
        days.range(entry.predicted_on.plus(1)..).next().or_else(|| days.last()).copied()
    }
}

/// What is known of a prediction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing yet.
    Open,
    /// It happened so many days after it was predicted.
    Happened(i32),
    /// Its time ran out without it.
    DidNot,
    /// It had happened before it was predicted: nothing was predicted.
    Before,
}

impl Entry {
    /// What is known of it today, given the first day on which it happened to the account.
    pub fn outcome(&self, happened_on: Option<Day>, today: Day) -> Outcome {
        match happened_on.filter(|day| *day <= today) {
            Some(day) if day <= self.predicted_on => Outcome::Before,
            Some(day) if day <= self.until => Outcome::Happened(day.since(self.predicted_on)),
            _ if today > self.until => Outcome::DidNot,
            _ => Outcome::Open,
        }
    }
}

/// How good the predictions of one artifact were.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    /// How many were judged.
    pub judged: u64,
    /// To how many of them it happened.
    pub happened: u64,
    /// How many still wait.
    pub open: u64,
    /// Nothing where too few outcomes of one side are known.
    pub figures: Option<Figures>,
}

/// The figures of a judgement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Figures {
    /// The share to which it happened: what guessing knows.
    pub base_rate: Quantity,
    /// Area under the curve.
    pub auc: Quantity,
    /// Mean cost.
    pub log_loss: Quantity,
    /// Mean square error.
    pub brier: Quantity,
    /// The share of judged predictions that took a side.
    pub coverage: Quantity,
    /// The share of those that were right.
    pub accuracy: Option<Quantity>,
    /// Of those that happened and were predicted, the share that was predicted at least 90 days before.
    pub warned_90_days: Option<Quantity>,
}

/// Judges the predictions of each artifact by what happened after them. `happened_on` gives the day on which what was
/// predicted happened to the account.
pub fn judge(
    entries: &[Entry],
    happened_on: impl Fn(&Entry) -> Option<Day>,
    today: Day,
) -> BTreeMap<(Kind, Digest), Judgement> {
    let mut models: BTreeMap<(Kind, Digest), Vec<(&Entry, Outcome)>> = BTreeMap::new();
    for entry in entries {
        let outcome = entry.outcome(happened_on(entry), today);
        models.entry((entry.kind, entry.model)).or_default().push((entry, outcome));
    }
    models.into_iter().map(|(model, outcomes)| (model, judgement(&outcomes))).collect()
}

fn judgement(outcomes: &[(&Entry, Outcome)]) -> Judgement {
    let open = outcomes.iter().filter(|(_, outcome)| *outcome == Outcome::Open).count();
    let mut judged = Vec::new();
    let mut issued = Vec::new();
    let mut leads = Vec::new();
    for (entry, outcome) in outcomes {
        let happened = match outcome {
            Outcome::Open | Outcome::Before => continue,
            Outcome::Happened(_) => true,
            Outcome::DidNot => false,
        };
        let known: Known = (entry.chance.to_f64(), happened);
        judged.push(known);
        if entry.issued {
            issued.push(known);
        }
        if let (Outcome::Happened(days), true, true) = (outcome, entry.issued, known.0 >= 0.5) {
            leads.push(*days);
        }
    }
    let happened = judged.iter().filter(|(_, happened)| *happened).count();
    let share = |some: usize, all: usize| (all > 0).then(|| rounded(some as f64 / all as f64));
    let figure = |figure: Option<f64>| figure.map_or(Quantity::ZERO, rounded);
    let enough = happened.min(judged.len() - happened) >= LEAST_OUTCOMES;
    let figures = enough.then(|| Figures {
        base_rate: share(happened, judged.len()).unwrap_or_default(),
        auc: figure(auc(&judged)),
        log_loss: figure(log_loss(&judged)),
        brier: figure(brier(&judged)),
        coverage: share(issued.len(), judged.len()).unwrap_or_default(),
        accuracy: accuracy(&issued).map(rounded),
        warned_90_days: share(leads.iter().filter(|days| **days >= 90).count(), leads.len()),
    });
    Judgement { judged: judged.len() as u64, happened: happened as u64, open: open as u64, figures }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(account: usize, chance: &str) -> Entry {
        Entry {
            account: AccountId::new(format!("a{account}")).unwrap(),
            kind: Kind::Churn,
            model: Digest::of("test", ["model"]),
            predicted_on: Day::from_number(1000),
            until: Day::from_number(1180),
            chance: chance.parse().unwrap(),
            issued: true,
        }
    }

    #[test]
    fn a46_only_what_happens_between_prediction_and_its_end_counts() {
        let entry = entry(1, "0.9");
        let day = Day::from_number;
        assert_eq!(entry.outcome(None, day(1180)), Outcome::Open);
        assert_eq!(entry.outcome(None, day(1181)), Outcome::DidNot);
        assert_eq!(entry.outcome(Some(day(1000)), day(1181)), Outcome::Before);
        assert_eq!(entry.outcome(Some(day(1100)), day(1099)), Outcome::Open);
        assert_eq!(entry.outcome(Some(day(1100)), day(1100)), Outcome::Happened(100));
        assert_eq!(entry.outcome(Some(day(1181)), day(1300)), Outcome::DidNot);
    }

    #[test]
    fn a119_what_happened_is_joined_with_what_was_predicted_before_it() {
        let account = AccountId::new("a1").unwrap();
        let mut outcomes = Outcomes::default();
        for day in [1100, 900, 1300] {
            outcomes.insert(Happened { account: account.clone(), kind: Kind::Churn, on: Day::from_number(day) });
        }
        assert_eq!((outcomes.len(), outcomes.after(&entry(1, "0.9"))), (3, Some(Day::from_number(1100))));
        let late = Entry { predicted_on: Day::from_number(1400), ..entry(1, "0.9") };
        assert_eq!(late.outcome(outcomes.after(&late), Day::from_number(1500)), Outcome::Before);
        assert_eq!(outcomes.after(&entry(2, "0.9")), None);
        let grew = |before, now| is_expansion(Money::from_cents(before), Money::from_cents(now));
        assert_eq!((grew(100, 109), grew(100, 110), grew(0, 50), grew(100, 20)), (false, true, false, false));
    }

    #[test]
    fn a119_figures_stand_beside_the_base_rate_and_few_outcomes_have_none() {
        let entries: Vec<Entry> = (0..80).map(|at| entry(at, if at < 35 { "0.9" } else { "0.1" })).collect();
        let number = |account: &AccountId| account.to_string().trim_start_matches('a').parse::<i32>().unwrap();
        let left = |entry: &Entry| {
            let number = number(&entry.account);
            (number < 40).then(|| Day::from_number(1050 + 50 * (number % 2)))
        };
        let judged = judge(&entries, left, Day::from_number(1181));
        let judgement = judged.values().next().unwrap();
        assert_eq!((judged.len(), judgement.judged, judgement.happened, judgement.open), (1, 80, 40, 0));
        let figures = judgement.figures.as_ref().unwrap();
        assert_eq!(figures.base_rate.to_string(), "0.5");
        assert_eq!(figures.accuracy.map(|share| share.to_string()).as_deref(), Some("0.9375"));
        assert_eq!(figures.warned_90_days.map(|share| share.to_string()).as_deref(), Some("0.485714"));
        let early = judge(&entries, left, Day::from_number(1060));
        let early = early.values().next().unwrap();
        assert_eq!((early.judged, early.open, &early.figures), (20, 60, &None));
    }
}

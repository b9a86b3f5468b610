//! The risk of one account: by the model that holds, else by the scorecard, and it is said which and why.
//!
//! A model gives a chance, with reasons in log-odds that add up to it exactly. The scorecard gives points, which are no
//! chance: without outcomes nobody knows how often accounts with so many points leave. The two are never mixed into one
//! number, and neither are churn and expansion.

use super::examples::Value;
use super::ledger::Entry;
use super::model::{Assessment, Kind, Model, Reason};
use crate::account::{Account, Segment};
use crate::day::Day;
use crate::digest::Digest;
use crate::fixed::{Points, Quantity};
use crate::health::{self, Health, State};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A model says nothing of an account of which it knows fewer of its features than one in so many.
pub const LEAST_KNOWN: usize = 2;

/// What a model may look at: the account's measures by name, as numbers, and what the account is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Traits {
    numbers: BTreeMap<String, Quantity>,
    segment: Segment,
}

impl Traits {
    /// What is known of an account today. A measure that does not rest on data is unknown, whatever it counts as.
    pub fn of(account: &Account, health: &Health, today: Day) -> Self {
        let known = health.measures.iter().filter(|part| matches!(part.state, State::Present | State::Held));
        let mut numbers: BTreeMap<String, Quantity> =
            known.filter_map(|part| Some((part.measure.clone(), part.value?))).collect();
        if let Some(renewal) = account.renewal_on {
            numbers.insert("days_to_renewal".to_owned(), Quantity::whole(renewal.since(today)));
        }
        Self { numbers, segment: account.segment }
    }

    /// One of them.
    pub fn value(&self, name: &str) -> Value<'_> {
        match (name, self.numbers.get(name)) {
            ("segment", _) => Value::Word(self.segment.name()),
            (_, Some(number)) => Value::Number(*number),
            (_, None) => Value::Unknown,
        }
    }

    /// How many of a model's features are known.
    fn known(&self, model: &Model) -> usize {
        model.features.iter().filter(|single| self.value(&single.name) != Value::Unknown).count()
    }
}

/// Why no model was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fallback {
    /// None was trained: there were too few outcomes, or nobody has.
    NoModel,
    /// The model that there is predicts something else.
    OtherKind,
    /// Too few of its features are known of this account.
    TooLittleKnown,
}

/// The risk of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Risk {
    /// By a model.
    Learnt {
        /// Which artifact.
        model: Digest,
        /// What it says.
        assessment: Assessment,
    },
    /// By the scorecard.
    Scored {
        /// Why not by a model.
        because: Fallback,
        /// Of churn, what is missing to full health; of expansion, the health itself. No chance.
        points: Points,
        /// The name and version of the scorecard.
        scorecard: String,
        /// What takes health away, the most first; none of expansion.
        reasons: Vec<health::Reason>,
    },
}

/// The model that holds, with its fingerprint, so that it is not made anew for each account.
#[derive(Debug, Clone, Copy)]
pub struct Holding<'a> {
    /// The model.
    pub model: &'a Model,
    /// Its fingerprint.
    pub digest: Digest,
}

/// Assesses an account.
pub fn risk(kind: Kind, holding: Option<Holding<'_>>, traits: &Traits, health: &Health) -> Risk {
    let because = match holding {
        None => Fallback::NoModel,
        Some(Holding { model, .. }) if model.kind != kind => Fallback::OtherKind,
        Some(Holding { model, .. }) if traits.known(model) * LEAST_KNOWN < model.features.len() => {
            Fallback::TooLittleKnown
        }
        Some(Holding { model, digest }) => {
            return Risk::Learnt { model: digest, assessment: model.assess(|name| traits.value(name)) };
        }
    };
    let (points, reasons) = match kind {
        Kind::Churn => (Points::MAX.minus(health.score), health::shortfalls(health)),
        Kind::Expansion => (health.score, Vec::new()),
    };
    Risk::Scored { because, points, scorecard: health.scorecard.clone(), reasons }
}

impl Risk {
    /// What goes into the ledger of outcomes. What the scorecard says is no prediction.
    pub fn entry(&self, account: &Account, kind: Kind, today: Day, until: Day) -> Option<Entry> {
        let Self::Learnt { model, assessment } = self else { return None };
        Some(Entry {
            account: account.id.clone(),
            kind,
            model: *model,
            predicted_on: today,
            until,
            chance: assessment.chance,
            issued: assessment.predicts.is_some(),
        })
    }
}

/// How high a risk is that a model gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Below what is usual among the examples.
    Low,
    /// From what is usual on.
    Raised,
    /// The model takes the side that it will happen.
    High,
}

/// How a risk moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    /// Where it was.
    pub from: Level,
    /// Where it is.
    pub to: Level,
    /// What changed, the largest change first: together exactly the change of the log-odds.
    pub reasons: Vec<Reason>,
}

/// The level of an assessment. A level is left downwards only once the log-odds are a margin below its edge, so that a
/// risk that moves around an edge moves once.
pub fn level(model: &Model, assessment: &Assessment, before: Option<Level>) -> Level {
    let usual = model.usual();
    let margin = |of: Level| if before.is_some_and(|before| before >= of) { MARGIN } else { Quantity::ZERO };
    let raised = assessment.log_odds >= usual.minus(margin(Level::Raised));
    // From high on it stays so until it is more likely that it will not happen.
    let stays = before == Some(Level::High) && assessment.log_odds >= Quantity::ZERO.minus(MARGIN);
    if assessment.predicts == Some(true) || stays {
        Level::High
    } else if raised {
        Level::Raised
    } else {
        Level::Low
    }
}

/// A quarter in log-odds: between even chances and 56 in 100.
const MARGIN: Quantity = Quantity::from_micros(250_000);

/// What is to be told when an account is assessed anew by the same model: nothing unless its level is another one.
pub fn moved(model: &Model, before: &Standing, now: &Assessment) -> Option<Moved> {
    let to = level(model, now, Some(before.level));
    (to != before.level).then(|| Moved { from: before.level, to, reasons: change(&before.reasons, now) })
}

/// What is kept of an assessment to compare the next one with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// Its level.
    pub level: Level,
    /// What each table said.
    pub reasons: BTreeMap<String, Quantity>,
}

impl Standing {
    /// Of an assessment.
    pub fn of(model: &Model, assessment: &Assessment, before: Option<Level>) -> Self {
        let reasons = assessment.reasons.iter().map(|reason| (reason.of.clone(), reason.log_odds)).collect();
        Self { level: level(model, assessment, before), reasons }
    }
}

/// Table by table, what was said minus what was said before.
fn change(before: &BTreeMap<String, Quantity>, now: &Assessment) -> Vec<Reason> {
    let mut gone = before.clone();
    let mut reasons: Vec<Reason> = Vec::new();
    for reason in &now.reasons {
        let then = gone.remove(&reason.of).unwrap_or_default();
        reasons.push(Reason { log_odds: reason.log_odds.minus(then), ..reason.clone() });
    }
    let says_nothing = |(of, then): (String, Quantity)| Reason {
        what: format!("{of} says nothing any more"),
        of,
        log_odds: Quantity::ZERO.minus(then),
    };
    reasons.extend(gone.into_iter().map(says_nothing));
    reasons.retain(|reason| reason.log_odds != Quantity::ZERO);
    reasons.sort_by(|a, b| {
        let size = |reason: &Reason| reason.log_odds.micros().unsigned_abs();
        size(b).cmp(&size(a)).then_with(|| a.of.cmp(&b.of))
    });
    reasons
}

#[cfg(test)]
mod tests;

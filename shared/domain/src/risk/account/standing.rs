//! Where an account's risk stands, and what of it is to be told.
//!
//! A chance moves with every signal; told is a change of level. By a model a level is left downwards only past a margin. By
//! the scorecard it follows the band, which has its own margin and dwell. What is kept changes with the level, with the
//! artifact, and once in [`RECORD_DAYS`] when a prediction goes into the ledger: otherwise nothing is written.

use super::{Models, Part, Risk, points_of};
use crate::account::Account;
use crate::band::Band;
use crate::cta::priority;
use crate::day::Day;
use crate::digest::Digest;
use crate::fixed::{ONE, Quantity};
use crate::health::{BandChange, HealthState};
use crate::risk::ledger::{Entry, HORIZON_DAYS};
use crate::risk::model::{Assessment, Kind, Model};
use crate::signal::Severity;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How often what a model predicts of an account goes into the ledger though its level stays.
pub const RECORD_DAYS: i32 = 30;
/// A quarter in log-odds: between even chances and 56 in 100.
const MARGIN: Quantity = Quantity::from_micros(250_000);

/// How high a risk is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// By a model, below what is usual among the examples. Churn by the scorecard: healthy or better.
    Low,
    /// From what is usual on. Churn by the scorecard: at risk.
    Raised,
    /// The model takes the side that it will happen. Churn by the scorecard: critical or worse.
    High,
}

impl Level {
    /// The level as it is written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Raised => "raised",
            Self::High => "high",
        }
    }

    /// How bad that is; of expansion, how much there is to win.
    pub const fn severity(self) -> Severity {
        match self {
            Self::Low => Severity::Low,
            Self::Raised => Severity::Medium,
            Self::High => Severity::High,
        }
    }

    /// What a band stands for.
    const fn of_band(kind: Kind, band: Band) -> Self {
        match (kind, band) {
            (Kind::Churn, Band::Champion | Band::Healthy) => Self::Low,
            (Kind::Churn, Band::AtRisk) | (Kind::Expansion, Band::Healthy) => Self::Raised,
            (Kind::Churn, Band::Critical | Band::Emergency) | (Kind::Expansion, Band::Champion) => Self::High,
            (Kind::Expansion, Band::AtRisk | Band::Critical | Band::Emergency) => Self::Low,
        }
    }
}

/// What is kept of a risk to compare the next one with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// Its level.
    pub level: Level,
    /// By which artifact; none where by the scorecard.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<Digest>,
    /// What each table of the artifact said when the level came about.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parts: BTreeMap<String, Quantity>,
    /// When a prediction of it last went into the ledger.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recorded_on: Option<Day>,
}

/// Where both risks of an account stand.
pub type Standings = BTreeMap<Kind, Standing>;

/// A change of level.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    /// Of which risk.
    pub kind: Kind,
    /// Where it was; nowhere where this is its first level.
    pub from: Option<Level>,
    /// Where it is.
    pub to: Level,
    /// By what it is told.
    pub risk: Risk,
    /// What changed since the last level, the most first, or all that it is made of where the level before was none or came
    /// from elsewhere.
    pub reasons: Vec<Part>,
    /// Whether `reasons` are changes. By a model they then add up to the change of the log-odds exactly.
    pub since_before: bool,
    /// How sure it is, 0-100: of a model the chance of the likelier side, of the scorecard its coverage.
    pub confidence_percent: u32,
    /// The larger, the more urgent: yearly revenue × severity × confidence.
    pub priority: i64,
}

/// What is asked about an account's risks.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// The account.
    pub account: &'a Account,
    /// Its health as it is now.
    pub health: &'a HealthState,
    /// The band that it entered with that, if it did.
    pub band_change: Option<&'a BandChange>,
    /// The day.
    pub today: Day,
}

/// What is to be kept, told and recorded.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Followed {
    /// Where both stand now.
    pub standings: Standings,
    /// What changed its level.
    pub moved: Vec<Moved>,
    /// What goes into the ledger.
    pub entries: Vec<Entry>,
}

/// Assesses both risks of an account, and says what that changes.
pub fn follow(before: &Standings, models: &Models, question: &Question<'_>) -> Followed {
    let mut followed = Followed::default();
    for kind in Kind::ALL {
        let (standing, moved, entry) = of_kind(kind, before.get(&kind), models, question);
        followed.standings.extend(standing.map(|standing| (kind, standing)));
        followed.moved.extend(moved);
        followed.entries.extend(entry);
    }
    followed
}

fn of_kind(
    kind: Kind,
    before: Option<&Standing>,
    models: &Models,
    question: &Question<'_>,
) -> (Option<Standing>, Option<Moved>, Option<Entry>) {
    let risk = question.risk(kind, models);
    let same = before.filter(|before| before.model == risk.model());
    let Some(level) = question.level(kind, &risk, models, same) else {
        return (before.cloned(), None, None);
    };
    let stays = before.is_some_and(|before| before.level == level);
    let entry = risk
        .entry(question.account, kind, question.today, question.today.plus(HORIZON_DAYS))
        .filter(|_| !stays || same.is_none_or(|before| due(before, question.today)))
        // The first one of a day stands.
        .filter(|_| before.is_none_or(|before| before.recorded_on != Some(question.today)));
    let recorded_on = entry.as_ref().map(|_| question.today).or(before.and_then(|before| before.recorded_on));
    let standing = match same.filter(|before| before.level == level) {
        // The level stays: what it is compared with stays too.
        Some(before) => Standing { recorded_on, ..before.clone() },
        None => Standing {
            level,
            model: risk.model(),
            parts: risk.model().map(|_| sizes(&risk.parts())).unwrap_or_default(),
            recorded_on,
        },
    };
    // An account of which nothing was known and whose risk is low is no news.
    let told = !stays && (before.is_some() || level > Level::Low);
    let moved = told.then(|| question.moved(kind, before, level, risk));
    (Some(standing), moved, entry)
}

fn due(before: &Standing, today: Day) -> bool {
    before.recorded_on.is_none_or(|day| today.since(day) >= RECORD_DAYS)
}

fn sizes(parts: &[Part]) -> BTreeMap<String, Quantity> {
    parts.iter().map(|part| (part.of.clone(), part.adds)).collect()
}

impl Question<'_> {
    /// The risk, by the model of its kind or the scorecard.
    pub fn risk(&self, kind: Kind, models: &Models) -> Risk {
        let traits = super::Traits::of(self.account, &self.health.health, self.today);
        super::risk(kind, models.of(kind), &traits, &self.health.health)
    }

    /// The level of a risk. None where the scorecard has given no band yet.
    pub fn level(&self, kind: Kind, risk: &Risk, models: &Models, before: Option<&Standing>) -> Option<Level> {
        match (risk, models.of(kind)) {
            (Risk::Learnt { assessment, .. }, Some(holding)) => {
                Some(level(holding.model, assessment, before.map(|before| before.level)))
            }
            _ => self.health.shown_band().map(|band| Level::of_band(kind, band)),
        }
    }

    fn moved(&self, kind: Kind, before: Option<&Standing>, to: Level, risk: Risk) -> Moved {
        let same = before.filter(|before| before.model == risk.model());
        let (reasons, since_before) = match (same, risk.model(), self.band_change) {
            (Some(before), Some(_), _) => (change(&before.parts, &risk.parts()), true),
            (Some(_), None, Some(band)) => {
                (band.reasons.iter().map(|reason| points_of(kind, reason.clone())).collect(), true)
            }
            _ => (risk.parts(), false),
        };
        let confidence_percent = match &risk {
            Risk::Learnt { assessment, .. } => sureness_percent(assessment),
            Risk::Scored { .. } => u32::from(self.health.health.coverage.value()) / 100,
        };
        let from = before.map(|before| before.level);
        // A risk that went away is as urgent as nothing; what it was is in `from`.
        let priority = priority(self.account.arr, to.severity(), confidence_percent);
        Moved { kind, from, to, risk, reasons, since_before, confidence_percent, priority }
    }
}

/// The chance of the likelier side, in whole percent.
fn sureness_percent(assessment: &Assessment) -> u32 {
    let other = Quantity::from_micros(ONE).minus(assessment.chance);
    u32::try_from(assessment.chance.max(other).micros() / (ONE / 100)).unwrap_or_default().min(100)
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

/// Part by part, what is said minus what was said before.
fn change(before: &BTreeMap<String, Quantity>, now: &[Part]) -> Vec<Part> {
    let mut gone = before.clone();
    let mut parts: Vec<Part> = Vec::new();
    for part in now {
        let then = gone.remove(&part.of).unwrap_or_default();
        parts.push(Part { adds: part.adds.minus(then), ..part.clone() });
    }
    let says_nothing = |(of, then): (String, Quantity)| Part {
        what: format!("{of} says nothing any more"),
        of,
        adds: Quantity::ZERO.minus(then),
    };
    parts.extend(gone.into_iter().map(says_nothing));
    parts.retain(|part| part.adds != Quantity::ZERO);
    parts.sort_by(|a, b| {
        let size = |part: &Part| part.adds.micros().unsigned_abs();
        size(b).cmp(&size(a)).then_with(|| a.of.cmp(&b.of))
    });
    parts
}

#[cfg(test)]
mod tests;

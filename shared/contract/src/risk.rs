//! Risks, forecasts and anomalies: as score's routes answer them and as events tell them; and the artifact of a model.

use crate::problem::Fault;
use domain::account::Money;
use domain::analytics::anomaly::{self, Direction, View};
use domain::analytics::forecast::ForecastError;
use domain::analytics::watch::Anomaly;
use domain::cta::priority;
use domain::day::Day;
use domain::fixed::Quantity;
use domain::health::ahead::Ahead;
use domain::risk::account::standing::{Level, Moved};
use domain::risk::account::{Fallback, Models, Part, Risk};
use domain::risk::ledger::{self, Figures};
use domain::risk::model::{Kind, Model};
use domain::signal::Severity;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Reads the artifact of a model, as `cs-ops train` writes it. What it says is checked before anybody asks it.
pub fn read(text: &str) -> Result<Model, Vec<Fault>> {
    let model: Model = serde_json::from_str(text).map_err(|error| vec![Fault::new("", error.to_string())])?;
    model.check().map_err(|error| vec![Fault::new("", error.to_string())])?;
    Ok(model)
}

/// Puts models together, one of each kind. A fault's path is the place of its model.
pub fn together(models: Vec<Model>) -> Result<Models, Vec<Fault>> {
    let mut all = Models::none();
    for (place, model) in models.into_iter().enumerate() {
        let kind = model.kind;
        match all.insert(model) {
            Ok(None) => {}
            Ok(Some(_)) => {
                let reason = format!("is the second model of {}; give one", kind.name());
                return Err(vec![Fault::new(format!("[{place}]"), reason)]);
            }
            Err(error) => return Err(vec![Fault::new(format!("[{place}]"), error.to_string())]),
        }
    }
    Ok(all)
}

/// What one thing adds to a risk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RiskPart {
    /// The measure, or the two measures together.
    pub of: String,
    /// How much it adds: log-odds by a model, points by the scorecard. Negative where it takes away.
    pub adds: String,
    /// What it is, in plain words.
    pub text: String,
}

impl From<&Part> for RiskPart {
    fn from(part: &Part) -> Self {
        Self { of: part.of.clone(), adds: part.adds.to_string(), text: part.what.clone() }
    }
}

/// The level of an account's churn or expansion risk changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RiskChanged {
    /// `churn` or `expansion`: never one number of both.
    pub kind: String,
    /// `low`, `raised` or `high`; absent where this is the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// `low`, `raised` or `high`.
    pub to: String,
    /// `up` or `down`.
    pub direction: String,
    /// `high`, `medium` or `low`; of expansion, how much there is to win.
    #[schemars(with = "String")]
    pub severity: Severity,
    /// How sure it is, 0-100: of a model the chance of the likelier side, of the scorecard its coverage.
    pub confidence_percent: u32,
    /// The larger, the more urgent: yearly revenue × severity × confidence.
    pub priority: i64,
    /// `model`, or `scorecard` where no model could be asked.
    pub basis: String,
    /// The fingerprint of the model, or the name of the scorecard.
    pub by: String,
    /// Why no model was asked, in plain words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub because: Option<String>,
    /// The chance by a model, 0-1. The scorecard knows none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chance: Option<String>,
    /// `log_odds` by a model, `points` by the scorecard: the unit of what reasons add.
    pub unit: String,
    /// Whether the reasons say what changed. Else they are all that it is made of.
    pub since_before: bool,
    /// Why, the largest first. By a model they add up exactly.
    pub reasons: Vec<RiskPart>,
}

impl From<&Moved> for RiskChanged {
    fn from(moved: &Moved) -> Self {
        let Basis { basis, by, because, unit } = Basis::of(&moved.risk);
        let chance = match &moved.risk {
            Risk::Learnt { assessment, .. } => Some(assessment.chance.to_string()),
            Risk::Scored { .. } => None,
        };
        let falls = moved.from.is_some_and(|from| moved.to < from);
        Self {
            kind: moved.kind.name().to_owned(),
            from: moved.from.map(|level| level.name().to_owned()),
            to: moved.to.name().to_owned(),
            direction: if falls { "down" } else { "up" }.to_owned(),
            severity: moved.to.severity(),
            confidence_percent: moved.confidence_percent,
            priority: moved.priority,
            basis,
            by,
            because,
            chance,
            unit,
            since_before: moved.since_before,
            reasons: moved.reasons.iter().map(RiskPart::from).collect(),
        }
    }
}

struct Basis {
    basis: String,
    by: String,
    because: Option<String>,
    unit: String,
}

impl Basis {
    fn of(risk: &Risk) -> Self {
        match risk {
            Risk::Learnt { model, .. } => {
                Self { basis: "model".into(), by: model.to_string(), because: None, unit: "log_odds".into() }
            }
            Risk::Scored { because, scorecard, .. } => {
                let because = Some(words(*because).to_owned());
                Self { basis: "scorecard".into(), by: scorecard.clone(), because, unit: "points".into() }
            }
        }
    }
}

/// Why no model was asked.
const fn words(because: Fallback) -> &'static str {
    match because {
        Fallback::NoModel => "there is no model of it: the scorecard stands in, whose points are no chance",
        Fallback::OtherKind => "the model that there is predicts something else: the scorecard stands in",
        Fallback::TooLittleKnown => "too little of what the model looks at is known: the scorecard stands in",
    }
}

/// Something is unusual about a metric of an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AnomalyFound {
    /// Which metric.
    pub metric: String,
    /// On which day (2026-11-22).
    #[schemars(with = "String")]
    pub on: Day,
    /// What it was.
    pub value: String,
    /// What was to be expected.
    pub expected: String,
    /// `up` or `down`.
    pub direction: String,
    /// `high`, `medium` or `low`.
    #[schemars(with = "String")]
    pub severity: Severity,
    /// How far it lies beyond everything that was seen: 0.7 at a weight of one is twice as far.
    pub score: String,
    /// How sure it is, 0-100: half where it just passes the threshold. A rank, not a chance.
    pub confidence_percent: u32,
    /// The larger, the more urgent: yearly revenue × severity × confidence.
    pub priority: i64,
    /// What showed it: `point`, `few`, `many`, `season` or `range`.
    pub shown_by: String,
    /// In plain words.
    pub reason: String,
}

impl AnomalyFound {
    /// An anomaly of an account that pays so much a year.
    pub fn of(found: &Anomaly, arr: Money) -> Self {
        let severity = match found.severity {
            anomaly::Severity::High => Severity::High,
            anomaly::Severity::Medium => Severity::Medium,
            anomaly::Severity::Low => Severity::Low,
        };
        let shown_by = match found.view {
            View::Point => "point",
            View::Few => "few",
            View::Many => "many",
            View::Season => "season",
            View::Range => "range",
        };
        Self {
            metric: found.metric.name().to_owned(),
            on: found.on,
            value: found.value.to_string(),
            expected: found.expected.to_string(),
            direction: if found.direction == Direction::Up { "up" } else { "down" }.to_owned(),
            severity,
            score: found.score.to_string(),
            confidence_percent: found.confidence_percent,
            priority: priority(arr, severity, found.confidence_percent),
            shown_by: shown_by.to_owned(),
            reason: found.sentence(),
        }
    }
}

/// `GET /accounts/{id}/risk`: the risk that the account leaves, and the prospect that it grows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RiskAnswer {
    /// Which account.
    pub account: String,
    /// The moment that this speaks of.
    #[schemars(with = "String")]
    pub as_of: Timestamp,
    /// The account leaves.
    pub churn: RiskBody,
    /// The account buys more.
    pub expansion: RiskBody,
}

/// A risk with everything that it is made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RiskBody {
    /// `low`, `raised` or `high`; absent until a score was not provisional, where the scorecard says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<String>,
    /// `model`, or `scorecard` where no model could be asked.
    pub basis: String,
    /// The fingerprint of the model, or the name of the scorecard.
    pub by: String,
    /// Why no model was asked, in plain words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub because: Option<String>,
    /// The chance by a model, 0-1. The scorecard knows none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chance: Option<String>,
    /// Whether it will happen, where the model is sure enough.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub predicts: Option<bool>,
    /// Whether nothing is predicted: the model is not sure enough, or there is none.
    pub abstains: bool,
    /// `log_odds` by a model, `points` by the scorecard: the unit of what follows.
    pub unit: String,
    /// What an account has of which nothing else is known.
    pub base: String,
    /// The base and all contributions together, to the last digit.
    pub total: String,
    /// What it is made of, the largest first.
    pub contributions: Vec<RiskPart>,
    /// How good the model was on accounts held out of what it learnt from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<RecordBody>,
}

/// How good a model was on accounts held out of what it learnt from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RecordBody {
    /// How many accounts it learnt from.
    pub examples: u64,
    /// To how many of them it happened.
    pub happened: u64,
    /// Area under the curve.
    pub auc: String,
    /// The share of accounts about which it predicts.
    pub coverage: String,
    /// The share of those predictions that were right.
    pub accuracy: String,
}

impl RiskBody {
    /// A risk that stands at a level.
    pub fn of(kind: Kind, risk: &Risk, level: Option<Level>, models: &Models) -> Self {
        let Basis { basis, by, because, unit } = Basis::of(risk);
        let (chance, predicts) = match risk {
            Risk::Learnt { assessment, .. } => (Some(assessment.chance.to_string()), assessment.predicts),
            Risk::Scored { .. } => (None, None),
        };
        let record = risk.model().and_then(|_| models.of(kind)).map(|holding| {
            let record = &holding.model.record;
            RecordBody {
                examples: record.examples,
                happened: record.happened,
                auc: record.auc.to_string(),
                coverage: record.coverage.to_string(),
                accuracy: record.accuracy.to_string(),
            }
        });
        Self {
            level: level.map(|level| level.name().to_owned()),
            basis,
            by,
            because,
            chance,
            predicts,
            abstains: predicts.is_none(),
            unit,
            base: risk.base(kind, models).to_string(),
            total: risk.total().to_string(),
            contributions: risk.parts().iter().map(RiskPart::from).collect(),
            record,
        }
    }
}

/// `GET /accounts/{id}/forecast`: where the account's score goes in the next four weeks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ForecastAnswer {
    /// Which account.
    pub account: String,
    /// The moment that this speaks of.
    #[schemars(with = "String")]
    pub as_of: Timestamp,
    /// By day, tomorrow first; none where too little is known, which `note` says.
    pub points: Vec<ForecastPoint>,
    /// Whether the forecast has been better, on this account's own past, than repeating last week. Where it has not, last
    /// week tells as much.
    pub beats_naive: bool,
    /// On how many scored days it rests.
    pub days: u64,
    /// What is forecast, and by what.
    pub basis: String,
    /// What there is to know about it, in plain words.
    pub note: String,
}

/// What is expected of a day, 0-100.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ForecastPoint {
    /// Which day (2026-11-22).
    #[schemars(with = "String")]
    pub on: Day,
    /// Nineteen of twenty days are to lie above.
    pub low_95: String,
    /// Nine of ten days are to lie above.
    pub low_80: String,
    /// The middle.
    pub middle: String,
    /// Nine of ten days are to lie below.
    pub high_80: String,
    /// Thirty-nine of forty days are to lie below.
    pub high_95: String,
}

/// What is forecast, and by what.
const BASIS: &str = "the score before caps and people's words, each past day scored anew by the scorecard that holds";

impl ForecastAnswer {
    /// What is expected of an account, or why nothing is.
    pub fn of(account: &str, as_of: Timestamp, ahead: &Result<Ahead, ForecastError>) -> Self {
        let answer = |points, beats_naive, days, note: String| Self {
            account: account.to_owned(),
            as_of,
            points,
            beats_naive,
            days,
            basis: BASIS.to_owned(),
            note,
        };
        match ahead {
            Err(error @ ForecastError::Insufficient { have, .. }) => {
                answer(Vec::new(), false, u64::try_from(*have).unwrap_or(u64::MAX), error.to_string())
            }
            Ok(ahead) => {
                let note = match ahead.beats_naive {
                    Some(true) => "better, on this account's past, than repeating last week",
                    Some(false) => "not better, on this account's past, than repeating last week",
                    None => "nothing has moved: there is nothing to be better at than repeating last week",
                };
                let points = ahead.points.iter().map(|point| ForecastPoint {
                    on: point.on,
                    low_95: point.ninety_five.0.rounded(2),
                    low_80: point.eighty.0.rounded(2),
                    middle: point.middle.rounded(2),
                    high_80: point.eighty.1.rounded(2),
                    high_95: point.ninety_five.1.rounded(2),
                });
                let days = u64::try_from(ahead.days).unwrap_or(u64::MAX);
                answer(points.collect(), ahead.beats_naive == Some(true), days, note.to_owned())
            }
        }
    }
}

/// `GET /risks/ledger`: what was predicted, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LedgerAnswer {
    /// The moment that this speaks of.
    #[schemars(with = "String")]
    pub as_of: Timestamp,
    /// For how many days a prediction counts.
    pub horizon_days: i32,
    /// How many outcomes were recorded: accounts that left, and accounts that bought more.
    pub outcomes: u64,
    /// Whether all that is kept was read; else the oldest predictions alone.
    pub complete: bool,
    /// How good each artifact was.
    pub models: Vec<JudgementBody>,
}

/// How good the predictions of an artifact were.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct JudgementBody {
    /// `churn` or `expansion`.
    pub kind: String,
    /// The artifact's fingerprint.
    pub model: String,
    /// How many predictions were judged.
    pub judged: u64,
    /// To how many of them it happened.
    pub happened: u64,
    /// How many still wait.
    pub open: u64,
    /// The figures; absent below thirty outcomes of either side.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub figures: Option<FiguresBody>,
}

/// The figures of a judgement, each a number from 0 to 1 but for the log loss.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FiguresBody {
    /// The share to which it happened: what guessing knows.
    pub base_rate: String,
    /// Area under the curve.
    pub auc: String,
    /// Mean cost.
    pub log_loss: String,
    /// Mean square error.
    pub brier: String,
    /// The share of judged predictions that took a side.
    pub coverage: String,
    /// The share of those that were right.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accuracy: Option<String>,
    /// Of those that happened and were predicted, the share that was predicted at least 90 days before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warned_90_days: Option<String>,
}

impl From<&Figures> for FiguresBody {
    fn from(figures: &Figures) -> Self {
        let text = |figure: Option<Quantity>| figure.map(|figure| figure.to_string());
        Self {
            base_rate: figures.base_rate.to_string(),
            auc: figures.auc.to_string(),
            log_loss: figures.log_loss.to_string(),
            brier: figures.brier.to_string(),
            coverage: figures.coverage.to_string(),
            accuracy: text(figures.accuracy),
            warned_90_days: text(figures.warned_90_days),
        }
    }
}

impl JudgementBody {
    /// A judgement of an artifact.
    pub fn of(kind: Kind, model: domain::digest::Digest, judgement: &ledger::Judgement) -> Self {
        Self {
            kind: kind.name().to_owned(),
            model: model.to_string(),
            judged: judgement.judged,
            happened: judgement.happened,
            open: judgement.open,
            figures: judgement.figures.as_ref().map(FiguresBody::from),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_artifact_that_is_none_is_refused_with_where_it_is_not() {
        let faults = read("{\"kind\": \"churn\"}").unwrap_err();
        assert!(faults[0].reason.contains("missing field"), "{faults:?}");
        assert!(read("{\"kind\": \"love\"}").unwrap_err()[0].reason.contains("love"));
    }

    #[test]
    fn a43_too_little_history_has_no_points_and_says_so() {
        let answer =
            ForecastAnswer::of("acme", Timestamp::UNIX_EPOCH, &Err(ForecastError::Insufficient { have: 3, need: 28 }));
        assert_eq!((answer.points.len(), answer.beats_naive, answer.days), (0, false, 3));
        assert_eq!(answer.note, "insufficient: 3 values are known, 28 are needed");
    }
}

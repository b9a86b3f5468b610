//! Data quality as ingest answers it: sources, findings and the score.

use domain::fixed::Points;
use domain::id::{AccountId, SourceId};
use domain::quality::detect::{Check, Told, Verdict};
use domain::quality::score::{Assessment, PARTS, Score, Share, score};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The data quality that is aimed at, 0-100.
pub const TARGET: Points = Points::whole(95);

/// `GET /accounts/{id}/data-quality`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DataQuality {
    /// Which account.
    pub account: String,
    /// When it was worked out.
    #[schemars(with = "String")]
    pub as_of: Timestamp,
    /// All its sources together.
    pub quality: QualityBody,
    /// The sources that speak of it, by name.
    pub sources: Vec<SourceBody>,
}

/// The score with its parts: complete, fresh, valid and consistent weigh the same, and those of which nothing is known
/// weigh nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct QualityBody {
    /// 0-100, the sum of the parts' points to the last digit; absent where nothing is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<String>,
    /// What is aimed at.
    pub target: String,
    /// Of how many of the four parts anything is known, in hundredths of a percent.
    pub coverage_basis_points: u32,
    /// The parts.
    pub parts: Vec<PartBody>,
}

/// One part of the score.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PartBody {
    /// `complete`, `fresh`, `valid` or `consistent`.
    pub part: String,
    /// How many are as they should be: records, sources, records, checks.
    pub good: u64,
    /// Of how many.
    pub all: u64,
    /// The share, in hundredths of a percent; absent where nothing is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share_basis_points: Option<u32>,
    /// What it adds to the score.
    pub points: String,
}

/// A source, as it speaks of one account or of all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SourceBody {
    /// Which source.
    pub source: String,
    /// Until when it has spoken: the hour of its last record, by the moment that the record names; of a source that gives
    /// totals of days the end of the last one.
    #[schemars(with = "String")]
    pub last_seen: Timestamp,
    /// How long it usually rests at most, in seconds; absent where it has not spoken often enough to say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cadence_seconds: Option<i64>,
    /// Whether it has been silent for nearly twice that.
    pub silent: bool,
    /// Its records of the last 28 days.
    pub records: RecordsBody,
    /// What is unusual about it.
    pub findings: Vec<FindingBody>,
    /// What nobody can say yet, and why.
    pub insufficient: Vec<InsufficientBody>,
    /// Its own score.
    pub quality: QualityBody,
}

/// Records by what became of them. Of one day, account and at most 32 sources at most 200 refused ones are counted; one
/// that names no known account counts nowhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RecordsBody {
    /// Taken in.
    pub accepted: u32,
    /// Refused: a field was missing or null.
    pub missing: u32,
    /// Refused: a unit, a metric or a field that does not belong there.
    pub unfit: u32,
    /// Refused: it says what cannot be.
    pub invalid: u32,
    /// The share that lacked a field, in hundredths of a percent; absent without records.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub null_rate_basis_points: Option<u32>,
}

/// What is unusual about a source, measured by its own past.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FindingBody {
    /// `volume`, `null_rate`, `invalid_rate`, `schema_drift` or `value_drift`.
    pub kind: String,
    /// Of which metric, where it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metric: Option<String>,
    /// `notice`, `warning` or `severe`.
    pub severity: String,
    /// The first day on which it was so (2026-11-22).
    pub since: String,
    /// What is so, with the numbers, in plain words.
    pub text: String,
}

/// A check that came to no verdict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct InsufficientBody {
    /// What was looked at.
    pub kind: String,
    /// Of which metric, where it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metric: Option<String>,
    /// What is missing.
    pub text: String,
}

/// `GET /sources`: every source of the tenant, by name, as of the last watch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SourcesPage {
    /// When it was worked out.
    #[schemars(with = "String")]
    pub as_of: Timestamp,
    /// The sources, over all accounts.
    pub sources: Vec<SourceBody>,
    /// Give this as `cursor` for the next page; absent on the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

impl DataQuality {
    /// The answer for an account. Findings that were told begin when they were told to have begun.
    pub fn of(account: &AccountId, sources: &[Assessment], told: &Told, now: Timestamp) -> Self {
        Self {
            account: account.to_string(),
            as_of: now,
            quality: score(sources).into(),
            sources: sources.iter().map(|source| SourceBody::of(source, told)).collect(),
        }
    }
}

impl SourceBody {
    /// The answer for a source.
    pub fn of(assessment: &Assessment, told: &Told) -> Self {
        let Assessment { source, rhythm, is_silent, records, checks } = assessment;
        let missing = Share { good: records.missing.into(), all: records.records().into() };
        Self {
            source: source.to_string(),
            last_seen: rhythm.last_seen,
            cadence_seconds: rhythm.cadence_hours.map(|hours| hours * 3600),
            silent: *is_silent,
            records: RecordsBody {
                accepted: records.accepted,
                missing: records.missing,
                unfit: records.unfit,
                invalid: records.invalid,
                null_rate_basis_points: missing.basis_points(),
            },
            findings: checks.iter().filter_map(|check| finding(source, check, told)).collect(),
            insufficient: checks.iter().filter_map(insufficient).collect(),
            quality: score(std::slice::from_ref(assessment)).into(),
        }
    }
}

fn finding(source: &SourceId, check: &Check, told: &Told) -> Option<FindingBody> {
    let Verdict::Found(found) = &check.verdict else {
        return None;
    };
    let since = told.get(source).and_then(|told| told.get(&check.subject.to_string())).unwrap_or(&found.since);
    Some(FindingBody {
        kind: check.subject.kind.name().to_owned(),
        metric: check.subject.metric.map(|metric| metric.to_string()),
        severity: found.weight.name().to_owned(),
        since: since.to_string(),
        text: found.text.clone(),
    })
}

fn insufficient(check: &Check) -> Option<InsufficientBody> {
    let Verdict::Insufficient(text) = &check.verdict else {
        return None;
    };
    Some(InsufficientBody {
        kind: check.subject.kind.name().to_owned(),
        metric: check.subject.metric.map(|metric| metric.to_string()),
        text: text.clone(),
    })
}

impl From<Score> for QualityBody {
    fn from(score: Score) -> Self {
        let parts = PARTS.iter().zip(score.shares).zip(score.points);
        let known = Share { good: score.shares.iter().filter(|share| share.all > 0).count() as u64, all: 4 };
        Self {
            score: score.score.map(|score| score.to_string()),
            target: TARGET.to_string(),
            coverage_basis_points: known.basis_points().unwrap_or_default(),
            parts: parts
                .map(|((name, share), points)| PartBody {
                    part: (*name).to_owned(),
                    good: share.good,
                    all: share.all,
                    share_basis_points: share.basis_points(),
                    points: points.to_string(),
                })
                .collect(),
        }
    }
}

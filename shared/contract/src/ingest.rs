//! The bodies of ingest's routes.

use crate::problem::Fault;
use crate::signal::SignalBody;
use domain::day::Day;
use domain::id::{AccountId, CauseId};
use domain::signal::Severity;
use domain::support::{Durations, Support};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The most records in one request.
pub const MAX_RECORDS: usize = 500;

/// `POST /signals`: several records. A single record may also be sent as it is, without the list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SignalsRequest {
    /// 1 to 500 records.
    pub signals: Vec<SignalBody>,
}

/// What became of one record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It will be recorded.
    Accepted,
    /// The same record stands earlier in this request.
    Duplicate,
    /// It was put aside, with the reasons; it can be released when they are mended.
    Refused,
}

/// What became of the record at an index.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RecordResult {
    /// The record's place in the request, from 0.
    pub index: usize,
    /// What became of it.
    pub verdict: Verdict,
    /// Where a refused record lies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub quarantine_id: Option<CauseId>,
    /// Why it was refused.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<Fault>,
}

/// The answer of `POST /signals`: a verdict for every record, in order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SignalsAnswer {
    /// How many will be recorded.
    pub accepted: usize,
    /// How many stand twice in this request.
    pub duplicates: usize,
    /// How many were put aside.
    pub refused: usize,
    /// The verdicts.
    pub results: Vec<RecordResult>,
}

/// `GET /accounts/{id}/signals/{day}`: what came in about an account on one UTC day, by source and id.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SignalsOfDay {
    /// Which account.
    pub account: String,
    /// The day.
    #[schemars(with = "String")]
    pub day: Day,
    /// The signals.
    pub signals: Vec<SignalBody>,
}

/// A record that was put aside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct QuarantinedRecord {
    /// Its name, for release.
    #[schemars(with = "String")]
    pub quarantine_id: CauseId,
    /// When it came in.
    #[schemars(with = "String")]
    pub received_at: Timestamp,
    /// The record as it was sent.
    pub record: String,
    /// Why it was refused.
    pub errors: Vec<Fault>,
}

/// The answer of `GET /quarantine`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct QuarantinePage {
    /// The records.
    pub records: Vec<QuarantinedRecord>,
    /// Give this as `cursor` for the next page; absent on the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// `POST /quarantine/{id}/release`: an empty object releases the record as it is; a `record` takes its place.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReleaseRequest {
    /// The mended record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<SignalBody>,
}

/// The answer of a release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReleaseAnswer {
    /// The record's name in quarantine, which it has left.
    #[schemars(with = "String")]
    pub quarantine_id: CauseId,
    /// What became of it.
    pub verdict: Verdict,
}

/// The answer of `PUT /accounts/{id}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AccountAnswer {
    /// Which account.
    pub id: String,
    /// Whether it is new.
    pub created: bool,
    /// Whether anything is different now.
    pub changed: bool,
}

/// `GET /accounts/{id}/support`: what an account's support came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SupportAnswer {
    /// Which account.
    pub account: String,
    /// The first day that is looked at.
    #[schemars(with = "String")]
    pub from: Day,
    /// The last one: today.
    #[schemars(with = "String")]
    pub to: Day,
    /// Cases opened within the days, by their severity: `critical`, `high`, `medium`, `low`.
    #[schemars(with = "BTreeMap<String, u64>")]
    pub opened: BTreeMap<Severity, u64>,
    /// Cases resolved within the days that still are.
    pub resolved: u64,
    /// How often a case came back within the days after it was resolved.
    pub reopened: u64,
    /// Cases that are open now.
    pub open: u64,
    /// From opening to the first answer, of the cases opened within the days that have one.
    pub first_response: DurationsBody,
    /// From opening to the resolution that stands, of the cases resolved within the days.
    pub resolution: DurationsBody,
    /// How many answers there were to "how content are you".
    pub csat_answers: u64,
    /// Their mean, in percent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub csat_percent: Option<String>,
}

/// How long something took. A percentile is a time that one of them took, by the nearest rank.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DurationsBody {
    /// How many there are.
    pub count: usize,
    /// Half of them took no longer, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p50_seconds: Option<i64>,
    /// Nine of ten took no longer, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p90_seconds: Option<i64>,
}

impl SupportAnswer {
    /// The answer about an account.
    pub fn of(account: &AccountId, from: Day, to: Day, support: &Support) -> Self {
        let durations = |durations: &Durations| DurationsBody {
            count: durations.count(),
            p50_seconds: durations.percentile(50),
            p90_seconds: durations.percentile(90),
        };
        Self {
            account: account.to_string(),
            from,
            to,
            opened: support.opened.clone(),
            resolved: support.resolved,
            reopened: support.reopened,
            open: support.open,
            first_response: durations(&support.first_response),
            resolution: durations(&support.resolution),
            csat_answers: support.csat.map_or(0, |(answers, _)| answers),
            csat_percent: support.csat.map(|(_, mean)| mean.to_string()),
        }
    }
}

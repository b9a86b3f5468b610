//! The bodies of ingest's routes.

use crate::problem::Fault;
use crate::signal::SignalBody;
use domain::day::Day;
use domain::id::CauseId;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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

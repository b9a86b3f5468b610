//! What is kept of an account: one record for each function that writes, each in an item of its own.

use crate::day::Day;
use crate::id::{CaseId, SourceId};
use crate::series::Series;
use crate::signal::Severity;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What came in about an account. Writer: ingest.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct AccountRecord {
    /// What its days amounted to.
    pub series: Series,
    /// Its cases that are not resolved.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub open_cases: BTreeMap<CaseId, Severity>,
    /// The silent sources that were reported, each with the last day on which it spoke.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub reported_silent: BTreeMap<SourceId, Day>,
}

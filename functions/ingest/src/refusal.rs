//! Refused records as the quality of their source counts them: who sent what kind of fault about which account.
//!
//! A record is read again as far as it can be read. One that does not name its source and its account counts nowhere; it
//! lies in quarantine like every other.

use contract::message::RefusedRecord;
use contract::problem::Fault;
use domain::day::Day;
use domain::digest::Digest;
use domain::id::{AccountId, SourceId};
use domain::quality::Refusal;
use serde_json::{Map, Value};

/// The fields of a record.
const FIELDS: [&str; 11] =
    ["source", "id", "account", "at", "metric", "value", "unit", "case", "meeting", "competitor", "milestone"];

/// What can be read of a record that was refused.
pub struct Claim {
    source: SourceId,
    /// Which account it is about.
    pub account: AccountId,
    fields: Map<String, Value>,
}

impl Claim {
    /// Nothing where the record does not say who speaks of whom.
    pub fn read(record: &str) -> Option<Self> {
        let fields: Map<String, Value> = serde_json::from_str(record).ok()?;
        let text = |name: &str| fields.get(name).and_then(Value::as_str);
        let (source, account) = (SourceId::new(text("source")?).ok()?, AccountId::new(text("account")?).ok()?);
        Some(Self { source, account, fields })
    }

    /// What is counted. The same record has the same name, wherever it stands; `place` is where the faults say it does.
    pub fn refused(self, record: &str, place: &str, errors: &[Fault], day: Day) -> RefusedRecord {
        let mut name = Digest::of("refused", [record]).short();
        name.truncate(16);
        RefusedRecord { name, why: self.why(place, errors), source: self.source, day }
    }

    fn why(&self, place: &str, errors: &[Fault]) -> Refusal {
        let path = errors.first().map_or("", |fault| fault.path.as_str());
        let path = path.strip_prefix(place).unwrap_or(path).trim_start_matches('.');
        let field = path.split('.').next().unwrap_or_default();
        if !FIELDS.contains(&field) {
            return if self.fields.contains_key(field) { Refusal::Unfit } else { Refusal::Invalid };
        }
        let mut value = Some(self.fields.get(field).unwrap_or(&Value::Null));
        for part in path.split('.').skip(1) {
            value = value.and_then(|value| value.get(part));
        }
        match (field, value) {
            (_, None | Some(Value::Null)) => Refusal::Missing,
            ("unit" | "metric" | "case" | "meeting" | "competitor" | "milestone", _) => Refusal::Unfit,
            _ => Refusal::Invalid,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::door::read_record;
    use serde_json::json;

    /// What a record is counted as that has this in place of what it should have.
    #[track_caller]
    fn check(field: &str, value: Value, expected: Refusal) {
        let now = "2026-03-02T12:00:00Z".parse().unwrap();
        let mut record = json!({
            "source": "telemetry", "id": "1", "account": "acme", "at": "2026-03-02T09:00:00Z",
            "metric": "case_event", "value": 1, "unit": "count", "case": { "id": "c", "severity": "low", "status": "opened" }
        });
        assert!(read_record(&record.to_string(), "signals[3]", now).is_ok());
        record[field] = value;
        let record = record.to_string();
        let errors = read_record(&record, "signals[3]", now).unwrap_err();
        let refused = Claim::read(&record).unwrap().refused(&record, "signals[3]", &errors, Day::of(now));
        assert_eq!(
            (refused.why, refused.source.as_str(), refused.name.len()),
            (expected, "telemetry", 16),
            "{errors:?}"
        );
    }

    #[test]
    fn a32_what_is_not_there_is_missing_what_does_not_belong_there_is_unfit_and_the_rest_is_invalid() {
        check("value", Value::Null, Refusal::Missing);
        check("unit", Value::Null, Refusal::Missing);
        check("case", Value::Null, Refusal::Missing);
        check("case", json!({ "id": "c", "severity": "low" }), Refusal::Missing);
        check("case", json!({ "id": "c", "severity": null, "status": "opened" }), Refusal::Missing);
        check("unit", json!("percent"), Refusal::Unfit);
        check("metric", json!("mood"), Refusal::Unfit);
        check("colour", json!("red"), Refusal::Unfit);
        check("meeting", json!({ "id": "m", "result": "held", "executive": true }), Refusal::Unfit);
        check("value", json!(7), Refusal::Invalid);
        check("at", json!("2027-03-02T09:00:00Z"), Refusal::Invalid);
    }

    #[test]
    fn who_does_not_say_who_he_is_or_of_whom_he_speaks_counts_nowhere() {
        for record in
            [r#"{"source":"a"}"#, r#"{"source":null,"account":"acme"}"#, r#"{"source":"a","account":"a#b"}"#, "7"]
        {
            assert!(Claim::read(record).is_none(), "{record}");
        }
    }
}

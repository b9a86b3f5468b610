//! From a row to a signal: what the mapping says, checked once before the first row.

use super::rows::Values;
use contract::mapping::{Field, Identity, MappingFile, Moment, Repeats};
use contract::problem::Fault;
use contract::signal::{AccountBody, SignalBody};
use domain::fixed::{ONE, Quantity, divide_half_even};
use domain::id::AccountId;
use domain::signal::{Metric, Unit};
use jiff::civil::{DateTime, Time};
use jiff::fmt::strtime::BrokenDownTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};

/// A mapping that makes sense, and what it has counted so far.
pub struct Mapper {
    file: MappingFile,
    time_of_day: Time,
    zone: TimeZone,
    /// How often each content came, where a repeat is another record.
    repeats: BTreeMap<[u8; 16], u32>,
}

impl Mapper {
    /// Checks the mapping. Names everything that is wrong with it.
    pub fn new(file: MappingFile) -> Result<Self, Vec<Fault>> {
        let mut faults = Vec::new();
        for (path, field) in fields(&file) {
            check_field(path, field, &mut faults);
        }
        if file.value.column.is_some() == file.value.constant.is_some() {
            faults.push(Fault::new("value", "needs `column` or `constant`, one of the two"));
        }
        let unit = file.unit.constant.as_ref();
        if let Some(unit) = unit.filter(|unit| serde_json::from_value::<Unit>(Value::from(unit.as_str())).is_err()) {
            faults.push(Fault::new("unit.constant", format!("`{unit}` is not a unit of the catalogue")));
        }
        if let Some(metric) = file.metric.constant.as_ref().filter(|metric| Metric::named(metric).is_none()) {
            faults.push(Fault::new("metric.constant", format!("`{metric}` is not in the catalogue of metrics")));
        }
        if let Identity::MadeOf { columns, .. } = &file.id
            && columns.is_empty()
        {
            faults.push(Fault::new("id.made_of.columns", "is empty; name the columns that make a record itself"));
        }
        if file.delimiter.is_some_and(|delimiter| !delimiter.is_ascii()) {
            faults.push(Fault::new("delimiter", "is not one character of ASCII"));
        }
        let time_of_day = time_of_day(&file.at, &mut faults);
        let zone = time_zone(&file.at, &mut faults);
        if faults.is_empty() { Ok(Self { file, time_of_day, zone, repeats: BTreeMap::new() }) } else { Err(faults) }
    }

    /// The mapping.
    pub const fn file(&self) -> &MappingFile {
        &self.file
    }

    /// Every column that the mapping reads.
    pub fn columns(&self) -> Vec<String> {
        let mut columns: BTreeSet<String> =
            fields(&self.file).iter().filter_map(|(_, field)| field.column.clone()).collect();
        columns.insert(self.file.at.column.clone());
        columns.extend(self.file.value.column.clone());
        match &self.file.id {
            Identity::Column(column) => columns.extend([column.clone()]),
            Identity::MadeOf { columns: made_of, .. } => columns.extend(made_of.iter().cloned()),
        }
        columns.into_iter().collect()
    }

    /// The signal of a row. Rows must come in the order of the file: a repeat is known by what came before.
    pub fn signal(&mut self, values: &Values) -> Result<SignalBody, Vec<Fault>> {
        let mut faults = Vec::new();
        let id = self.id(values).map_err(|fault| faults.push(fault)).ok();
        let mut object = self.object(values, &mut faults);
        if !faults.is_empty() {
            return Err(faults);
        }
        object.insert("id".into(), id.into());
        serde_path_to_error::deserialize(Value::Object(object)).map_err(|error| vec![Fault::of_shape(".", &error)])
    }

    /// How the account is described, where the mapping describes accounts.
    pub fn account(&self, id: &AccountId) -> Option<AccountBody> {
        let new = self.file.create_accounts.as_ref()?;
        Some(AccountBody {
            name: id.to_string(),
            arr_cents: new.arr_cents,
            segment: new.segment,
            stage: new.stage,
            renewal_on: None,
            owner: None,
            contact: None,
        })
    }

    /// The record as JSON, without its id. What is missing or unknown is told for every field.
    fn object(&self, values: &Values, faults: &mut Vec<Fault>) -> Map<String, Value> {
        let file = &self.file;
        let mut object = Map::new();
        for (path, field) in fields(file) {
            match text(values, field) {
                Ok(text) => put(&mut object, path, if path == "meeting.executive" { flag(&text) } else { text.into() }),
                Err(reason) => faults.push(Fault::new(path, reason)),
            }
        }
        match self.at(values) {
            Ok(at) => {
                put(&mut object, "at", at.to_string().into());
                if let Some(competitor) = &file.competitor {
                    let expires_at =
                        at.checked_add(SignedDuration::from_hours(24 * i64::from(competitor.expires_after_days)));
                    put(&mut object, "competitor.expires_at", expires_at.unwrap_or(at).to_string().into());
                }
            }
            Err(reason) => faults.push(Fault::new("at", reason)),
        }
        match self.value(values) {
            Ok(value) => put(&mut object, "value", value.to_string().into()),
            Err(reason) => faults.push(Fault::new("value", reason)),
        }
        object
    }

    fn at(&self, values: &Values) -> Result<Timestamp, String> {
        let moment = &self.file.at;
        let text = values.get(&moment.column).ok_or_else(|| absent(&moment.column))?;
        let Some(format) = &moment.format else {
            return text.parse().map_err(|error| format!("`{text}` is not a time of RFC 3339: {error}"));
        };
        let wrong = |error: jiff::Error| format!("`{text}` is not written as `{format}`: {error}");
        let parsed = BrokenDownTime::parse(format, text.as_bytes()).map_err(wrong)?;
        if let Ok(moment) = parsed.to_timestamp() {
            return Ok(moment);
        }
        let time = if parsed.hour().is_some() { parsed.to_time().map_err(wrong)? } else { self.time_of_day };
        let civil = DateTime::from_parts(parsed.to_date().map_err(wrong)?, time);
        self.zone.to_ambiguous_timestamp(civil).compatible().map_err(wrong)
    }

    fn value(&self, values: &Values) -> Result<Quantity, String> {
        let number = &self.file.value;
        let Some(column) = &number.column else { return Ok(number.constant.unwrap_or_default()) };
        let text = values.get(column).ok_or_else(|| absent(column))?;
        let value: Quantity = text.parse().map_err(|error| format!("`{text}` {error}"))?;
        let Some(factor) = number.factor else { return Ok(value) };
        let product = divide_half_even(i128::from(value.micros()) * i128::from(factor.micros()), i128::from(ONE));
        i64::try_from(product).map(Quantity::from_micros).map_err(|_| format!("`{text}` is too large"))
    }

    fn id(&mut self, values: &Values) -> Result<String, Fault> {
        let (columns, repeats) = match &self.file.id {
            Identity::Column(column) => {
                let id = values.get(column).ok_or_else(|| Fault::new("id", absent(column)))?;
                return Ok(id.into_owned());
            }
            Identity::MadeOf { columns, repeats } => (columns, *repeats),
        };
        let mut hash = Sha256::new();
        for column in columns {
            let text = values.get(column).unwrap_or_default();
            // With its length, so that values that run into each other stay apart.
            hash.update(text.len().to_be_bytes());
            hash.update(text.as_bytes());
        }
        let hash: [u8; 32] = hash.finalize().into();
        let (short, _) = hash.split_first_chunk::<16>().ok_or_else(|| Fault::new("id", "cannot be made"))?;
        let name: String = short.iter().map(|byte| format!("{byte:02x}")).collect();
        if repeats == Repeats::Same {
            return Ok(name);
        }
        let count = self.repeats.entry(*short).or_insert(0);
        *count += 1;
        Ok(if *count == 1 { name } else { format!("{name}-{count}") })
    }
}

/// Every field of the mapping with its path in the record.
fn fields(file: &MappingFile) -> Vec<(&'static str, &Field)> {
    let mut fields =
        vec![("account", &file.account), ("source", &file.source), ("metric", &file.metric), ("unit", &file.unit)];
    if let Some(case) = &file.case {
        let parts = [
            ("case.id", Some(&case.id)),
            ("case.severity", case.severity.as_ref()),
            ("case.impact", case.impact.as_ref()),
            ("case.urgency", case.urgency.as_ref()),
            ("case.channel", case.channel.as_ref()),
            ("case.category", case.category.as_ref()),
            ("case.assignee", case.assignee.as_ref()),
            ("case.status", Some(&case.status)),
        ];
        fields.extend(parts.into_iter().filter_map(|(path, field)| Some((path, field?))));
    }
    if let Some(meeting) = &file.meeting {
        fields.extend([
            ("meeting.id", &meeting.id),
            ("meeting.result", &meeting.result),
            ("meeting.executive", &meeting.executive),
        ]);
    }
    fields.extend(file.competitor.iter().map(|competitor| ("competitor.name", &competitor.name)));
    fields.extend(file.milestone.iter().map(|milestone| ("milestone", milestone)));
    fields
}

fn text(values: &Values, field: &Field) -> Result<String, String> {
    let Some(column) = &field.column else { return Ok(field.constant.clone().unwrap_or_default()) };
    let text = values.get(column).ok_or_else(|| absent(column))?;
    let text = match &field.values {
        Some(meaning) => {
            meaning.get(text.as_ref()).ok_or_else(|| format!("`{text}` is not among the mapping's values"))?
        }
        None => text.as_ref(),
    };
    Ok(format!("{}{text}", field.prefix.as_deref().unwrap_or_default()))
}

/// `true` and `false` as such; any other word stays a text, which the record's reader refuses.
fn flag(text: &str) -> Value {
    text.parse::<bool>().map_or_else(|_| text.into(), Value::Bool)
}

fn absent(column: &str) -> String {
    format!("column `{column}` has no value")
}

fn put(object: &mut Map<String, Value>, path: &str, value: Value) {
    match path.split_once('.') {
        None => {
            object.insert(path.to_owned(), value);
        }
        Some((outer, inner)) => {
            if let Value::Object(part) = object.entry(outer).or_insert_with(|| Value::Object(Map::new())) {
                part.insert(inner.to_owned(), value);
            }
        }
    }
}

fn check_field(path: &str, field: &Field, faults: &mut Vec<Fault>) {
    if field.column.is_some() == field.constant.is_some() {
        faults.push(Fault::new(path, "needs `column` or `constant`, one of the two"));
    } else if field.column.is_none() && (field.prefix.is_some() || field.values.is_some()) {
        faults.push(Fault::new(path, "has a constant; `prefix` and `values` are for columns"));
    }
}

fn time_of_day(moment: &Moment, faults: &mut Vec<Fault>) -> Time {
    let text = moment.time_of_day.as_deref().unwrap_or("00:00");
    text.parse().unwrap_or_else(|error| {
        faults.push(Fault::new("at.time_of_day", format!("`{text}` is not a time such as 12:00: {error}")));
        Time::midnight()
    })
}

fn time_zone(moment: &Moment, faults: &mut Vec<Fault>) -> TimeZone {
    let name = moment.time_zone.as_deref().unwrap_or("UTC");
    TimeZone::get(name).unwrap_or_else(|error| {
        faults.push(Fault::new("at.time_zone", format!("`{name}` is not a time zone such as Europe/Berlin: {error}")));
        TimeZone::UTC
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAPPING: &str = "
format: ndjson
account: { column: customer.id, prefix: c- }
source: { constant: desk }
id: { column: ticket }
metric: { constant: case_event }
at: { column: when, format: '%d.%m.%Y', time_of_day: '12:30', time_zone: Europe/Berlin }
value: { constant: 1 }
unit: { constant: count }
case:
  id: { column: ticket }
  severity: { column: prio, values: { P1: critical, P2: high } }
  status: { constant: opened }
";

    fn mapper(text: &str) -> Mapper {
        Mapper::new(contract::mapping::read(text).unwrap()).unwrap_or_else(|faults| panic!("{faults:?}"))
    }

    fn json(text: &str) -> Values {
        Values::Json(serde_json::from_str(text).unwrap())
    }

    #[track_caller]
    fn at(format: &str, text: &str, expected: &str) {
        let mapping = MAPPING.replace("'%d.%m.%Y'", &format!("'{format}'"));
        let values = json(&format!(r#"{{"when":"{text}"}}"#));
        assert_eq!(mapper(&mapping).at(&values).unwrap(), expected.parse::<Timestamp>().unwrap(), "{format} {text}");
    }

    #[test]
    fn a_row_becomes_a_signal_with_its_detail() {
        let row = json(r#"{"customer":{"id":7},"ticket":"T-1","when":"22.11.2026","prio":"P1"}"#);
        let signal = mapper(MAPPING).signal(&row).unwrap();
        assert_eq!(signal.account.as_str(), "c-7");
        assert_eq!(signal.at.to_string(), "2026-11-22T11:30:00Z");
        assert_eq!(signal.case.as_ref().unwrap().severity, Some(domain::signal::Severity::Critical));
        signal.check("2026-11-22T12:00:00Z".parse().unwrap()).unwrap();
    }

    #[test]
    fn everything_that_is_missing_in_a_row_is_told_at_once() {
        let faults = mapper(MAPPING).signal(&json(r#"{"ticket":"T-1","when":"2026-11-22","prio":"P9"}"#)).unwrap_err();
        let paths: Vec<&str> = faults.iter().map(|fault| fault.path.as_str()).collect();
        assert_eq!(paths, ["account", "case.severity", "at"], "{faults:?}");
    }

    #[test]
    fn an_id_that_is_none_is_refused_with_its_path() {
        let row = json(r##"{"customer":{"id":"a#b"},"ticket":"T-1","when":"22.11.2026","prio":"P1"}"##);
        assert_eq!(mapper(MAPPING).signal(&row).unwrap_err()[0].path, "account");
    }

    #[test]
    fn times_are_read_as_the_format_says() {
        at("%Y%m%d", "19970101", "1997-01-01T11:30:00Z");
        at("%Y-%m-%d %H:%M", "2026-07-01 08:15", "2026-07-01T06:15:00Z");
        at("%Y-%m-%dT%H:%M:%S%z", "2026-07-01T08:15:00+0000", "2026-07-01T08:15:00Z");
        // An hour that the zone's clocks skip is taken forward.
        at("%Y-%m-%d %H:%M", "2026-03-29 02:30", "2026-03-29T01:30:00Z");
    }

    #[test]
    fn a_factor_is_exact() {
        let mapping = MAPPING.replace("value: { constant: 1 }", "value: { column: n, factor: 0.1 }");
        assert_eq!(mapper(&mapping).value(&json(r#"{"n":"0.3"}"#)).unwrap(), Quantity::from_micros(30_000));
        assert!(mapper(&mapping).value(&json(r#"{"n":"NaN"}"#)).unwrap_err().contains("not a decimal number"));
        assert!(mapper(&mapping).value(&json(r#"{"n":null}"#)).unwrap_err().contains("no value"));
    }

    #[test]
    fn a_repeat_is_the_same_record_or_another_as_the_mapping_says() {
        let made = |repeats: &str| {
            let mapping = MAPPING.replace(
                "{ column: ticket }\nmetric",
                &format!("{{ made_of: {{ columns: [a, b], repeats: {repeats} }} }}\nmetric"),
            );
            let mut mapper = mapper(&mapping);
            ["1,23", "1,23", "12,3"].map(|row| {
                let (a, b) = row.split_once(',').unwrap();
                mapper.id(&json(&format!(r#"{{"a":"{a}","b":"{b}"}}"#))).unwrap()
            })
        };
        let [first, second, other] = made("same");
        assert_eq!(first, second);
        assert_ne!(first, other, "values do not run into each other");
        let [first, second, _] = made("another");
        assert_eq!(second, format!("{first}-2"));
    }

    #[test]
    fn a_mapping_that_makes_no_sense_is_refused_with_every_fault() {
        let mapping = MAPPING
            .replace("{ constant: desk }", "{ constant: desk, column: x }")
            .replace("case_event", "case_events")
            .replace("constant: count", "constant: pieces")
            .replace("Europe/Berlin", "Europe/Bielefeld")
            .replace("12:30", "noon");
        let faults = Mapper::new(contract::mapping::read(&mapping).unwrap()).err().unwrap();
        let paths: Vec<&str> = faults.iter().map(|fault| fault.path.as_str()).collect();
        assert_eq!(
            paths,
            ["source", "unit.constant", "metric.constant", "at.time_of_day", "at.time_zone"],
            "{faults:?}"
        );
    }
}

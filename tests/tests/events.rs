//! The events folder and the types say the same: schemas are made from the types, samples are read by them, rejected
//! samples are refused at the path that they name, invocation payloads fit the functions' doors.
//!
//! A released schema is never edited. `CS_OPS_UPDATE=1` writes the schemas anew while their version is not released.

use contract::event::{Event, Fact, FunctionName, Meta, SCHEMA_VERSION};
use contract::message::{Incoming, MessageError};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../events").join(name)
}

fn read(path: &Path) -> Value {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn files(name: &str) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder(name)).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

fn stem(path: &Path) -> String {
    path.file_stem().unwrap().to_str().unwrap().to_owned()
}

/// The schema of an event's whole `detail`: what every event says, and the fact's data.
fn schema_of(name: &str, function: FunctionName, data: Value) -> Value {
    let mut definitions = Map::new();
    let mut part = |mut schema: Value| {
        let object = schema.as_object_mut().unwrap();
        object.remove("$schema");
        if let Some(Value::Object(own)) = object.remove("$defs") {
            definitions.extend(own);
        }
        schema
    };
    let data = part(data);
    let mut meta = part(serde_json::to_value(schemars::schema_for!(Meta)).unwrap());
    meta["properties"]["schema_version"]["const"] = json!(SCHEMA_VERSION);
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": format!("urn:cs-ops:event:{name}:v{SCHEMA_VERSION}"),
        "title": name,
        "description": format!("`detail` of the event `{name}`, which `cs-ops.{}` publishes. {}", function.as_str(), data["description"].as_str().unwrap()),
        "type": "object",
        "required": ["meta", "data"],
        "properties": { "meta": meta, "data": data },
        "$defs": definitions,
    })
}

fn envelope(name: &str, detail: &Value) -> String {
    json!({
        "version": "0",
        "id": "00000000-0000-4000-8000-000000000000",
        "detail-type": name,
        "source": "cs-ops.test",
        "account": "000000000000",
        "time": "2026-03-16T09:02:11Z",
        "region": "eu-central-1",
        "resources": [],
        "detail": detail,
    })
    .to_string()
}

fn fact(body: &str) -> Result<Event, MessageError> {
    match Incoming::parse(body)? {
        Incoming::Fact(event) => Ok(*event),
        Incoming::Work(work) => panic!("{work:?} is not a fact"),
    }
}

fn validator(name: &str) -> jsonschema::Validator {
    jsonschema::validator_for(&read(&folder("schemas").join(format!("{name}.v{SCHEMA_VERSION}.json")))).unwrap()
}

#[test]
fn a144_the_schemas_in_the_repository_are_those_of_the_types() {
    let update = platform::environment::Environment::process().get("CS_OPS_UPDATE").is_some();
    let mut faults = Vec::new();
    for (name, function, data) in Fact::schemas() {
        let schema = schema_of(name, function, serde_json::to_value(data).unwrap());
        let path = folder("schemas").join(format!("{name}.v{SCHEMA_VERSION}.json"));
        let fault = if !path.exists() {
            "is missing; write it with CS_OPS_UPDATE=1"
        } else if read(&path) != schema {
            "would change"
        } else {
            continue;
        };
        if update {
            std::fs::write(&path, format!("{}\n", serde_json::to_string_pretty(&schema).unwrap())).unwrap();
        } else {
            faults.push(format!("events/schemas/{name}.v{SCHEMA_VERSION}.json {fault}"));
        }
    }
    assert!(
        faults.is_empty(),
        "{}\nA released schema is never edited: raise `SCHEMA_VERSION`, so that a new file stands beside the old one. Only while \
         version {SCHEMA_VERSION} is not released may CS_OPS_UPDATE=1 write it anew.",
        faults.join("\n")
    );
}

#[test]
fn a144_no_schema_is_without_its_fact() {
    let names: BTreeSet<&str> = Fact::NAMES.iter().copied().collect();
    for path in files("schemas") {
        let (name, version) =
            path.file_name().unwrap().to_str().unwrap().trim_end_matches(".json").split_once(".v").unwrap().to_owned();
        let version: u32 = version.parse().unwrap();
        assert!(names.contains(name), "{} is the schema of no fact", path.display());
        assert!(version <= SCHEMA_VERSION, "{} is of a version that does not exist", path.display());
    }
}

#[test]
fn a144_every_fact_has_a_sample_that_its_schema_and_its_reader_take_and_that_survives_the_way_there_and_back() {
    let samples: BTreeSet<String> = files("samples").iter().map(|path| stem(path)).collect();
    assert_eq!(samples, Fact::NAMES.iter().map(|name| (*name).to_owned()).collect(), "one sample for each fact");
    for name in Fact::NAMES {
        let sample = read(&folder("samples").join(format!("{name}.json")));
        let faults: Vec<String> =
            validator(name).iter_errors(&sample).map(|error| format!("{}: {error}", error.instance_path())).collect();
        assert!(faults.is_empty(), "{name} against its schema: {faults:?}");
        let event = fact(&envelope(name, &sample)).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(event.fact.name(), *name);
        assert_eq!(event.meta.topic, event.fact.topic(), "{name} goes to its own topic");
        let back: Value = serde_json::from_str(&event.detail().unwrap()).unwrap();
        assert_eq!(back, sample, "{name} is written as it was read");
        assert_eq!(fact(&envelope(name, &back)).unwrap(), event);
    }
}

#[test]
fn a144_a_reader_of_today_takes_what_a_later_writer_adds() {
    for name in Fact::NAMES {
        let mut sample = read(&folder("samples").join(format!("{name}.json")));
        let before = fact(&envelope(name, &sample)).unwrap();
        sample["meta"]["added_later"] = json!("x");
        sample["data"]["added_later"] = json!({ "y": 1 });
        assert_eq!(fact(&envelope(name, &sample)).unwrap(), before, "{name}");
        assert!(validator(name).is_valid(&sample), "{name}: an addition is no break of the schema");
    }
}

#[test]
fn a144_a_rejected_sample_is_refused_at_the_path_that_it_names() {
    let rejected = files("rejected");
    assert!(rejected.len() >= 10);
    for path in rejected {
        let sample = read(&path);
        let (name, detail) = (sample["detail-type"].as_str().unwrap(), &sample["detail"]);
        let error = fact(&envelope(name, detail)).expect_err(&stem(&path));
        assert_eq!(error.path, sample["path"].as_str().unwrap(), "{}: {error}", stem(&path));
        assert!(error.reason.contains(sample["reason_says"].as_str().unwrap()), "{}: {error}", stem(&path));
        assert_eq!(
            !validator(name).is_valid(detail),
            sample["refused_by_schema"].as_bool().unwrap(),
            "{} by its schema",
            stem(&path)
        );
    }
}

#[test]
fn an_event_of_no_known_fact_is_refused() {
    let sample = read(&folder("samples").join("CtaOpened.json"));
    let error = fact(&envelope("CtaForgotten", &sample)).unwrap_err();
    assert!(error.reason.contains("CtaForgotten"), "{error}");
}

#[test]
fn queue_payloads_hold_messages_that_their_function_can_read() {
    for function in FunctionName::ALL {
        let payload = read(&folder("invocations").join(format!("{}-sqs.json", function.as_str())));
        let records = payload["Records"].as_array().unwrap();
        assert!(!records.is_empty());
        for record in records {
            let body = record["body"].as_str().unwrap();
            let message = Incoming::parse(body).unwrap_or_else(|error| panic!("{}: {error}", function.as_str()));
            if let Incoming::Fact(event) = &message {
                let envelope: Value = serde_json::from_str(body).unwrap();
                assert_eq!(envelope["source"], event.source());
            }
            for field in ["messageId", "receiptHandle", "eventSourceARN"] {
                assert!(record[field].is_string(), "{}: {field}", function.as_str());
            }
        }
    }
}

#[test]
fn http_payloads_name_a_path_that_fits_their_resource() {
    for function in FunctionName::ALL {
        let payload = read(&folder("invocations").join(format!("{}-http.json", function.as_str())));
        let mut path = payload["resource"].as_str().unwrap().to_owned();
        for (name, value) in payload["pathParameters"].as_object().into_iter().flatten() {
            path = path.replace(&format!("{{{name}}}"), value.as_str().unwrap());
        }
        assert_eq!(payload["path"], path.as_str());
        assert!(path.starts_with(platform::http::BASE));
        if let Some(body) = payload["body"].as_str() {
            serde_json::from_str::<Value>(body).unwrap();
        }
    }
}

#[test]
fn tick_payloads_are_ticks_of_a_known_schedule() {
    let mut ticks = BTreeSet::new();
    for path in files("invocations") {
        if stem(&path).ends_with("-tick") {
            let tick: platform::function::Tick = serde_json::from_value(read(&path)).unwrap();
            ticks.insert((stem(&path), tick.tick));
        }
    }
    let expected = [
        ("escalate", "due_clock"),
        ("ingest", "source_watch"),
        ("report", "capacity_watch"),
        ("score", "score_run"),
        ("trigger", "rule_sweep"),
    ];
    assert_eq!(ticks, expected.map(|(function, tick)| (format!("{function}-tick"), tick.to_owned())).into());
}

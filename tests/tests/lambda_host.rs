//! The five programs under a Runtime API, as Lambda runs them: each door, what fails and what does not.

use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use tests::bootstrap::{Bootstrap, SETTINGS, Said};
use tests::localstack::functions;

fn program(code: &Path, name: &str) -> PathBuf {
    code.join(name).join("bootstrap")
}

fn payload(name: &str, door: &str) -> Option<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../events/invocations/{name}-{door}.json"));
    std::fs::read(path).ok().map(|text| serde_json::from_slice(&text).unwrap())
}

fn said(bootstrap: &mut Bootstrap, payload: Value) -> Said {
    bootstrap.call(payload).unwrap().0
}

#[test]
fn the_five_programs_serve_their_doors() {
    let code = functions::place().unwrap();
    for name in functions::NAMES {
        every_door_is_served(&code, name);
    }
    a_bad_message_fails_alone_and_a_bad_batch_as_a_whole(&code);
    a_program_without_settings_names_them_and_does_not_start(&code);
}

/// With a table that holds nothing: what a function makes of it is its own affair, that it answers is the host's.
fn every_door_is_served(code: &Path, name: &str) {
    let mut bootstrap = Bootstrap::start(&program(code, name), &SETTINGS).unwrap();
    let batch = payload(name, "sqs").unwrap();
    // A case of which the table knows nothing comes back to the queue.
    let unknown_case =
        if name == "escalate" { vec![json!({ "itemIdentifier": batch["Records"][0]["messageId"] })] } else { vec![] };
    assert_eq!(said(&mut bootstrap, batch), Said::Answered(json!({ "batchItemFailures": unknown_case })), "{name}");
    assert!(
        bootstrap.asked_of_aws().iter().any(|target| target.starts_with("DynamoDB_20120810.")),
        "{name} asked the table"
    );

    let Said::Answered(answer) = said(&mut bootstrap, payload(name, "http").unwrap()) else {
        panic!("{name} failed on a request")
    };
    assert_eq!(answer["statusCode"], 401, "{name}: the token of the sample is none: {answer}");
    let problem: Value = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
    assert!(problem["type"].as_str().unwrap().starts_with("urn:cs-ops:problem:token"), "{name}: {problem}");

    if let Some(tick) = payload(name, "tick") {
        assert_eq!(said(&mut bootstrap, tick), Said::Answered(json!({})), "{name}");
    }
    let Said::Failed(diagnostic) = said(&mut bootstrap, json!({ "something": "else" })) else {
        panic!("{name} took anything")
    };
    assert_eq!(diagnostic["errorType"], "PayloadError", "{name}");
}

fn a_bad_message_fails_alone_and_a_bad_batch_as_a_whole(code: &Path) {
    let mut bootstrap = Bootstrap::start(&program(code, "ingest"), &SETTINGS).unwrap();
    let bad = json!({ "messageId": "bad", "body": "{\"work\":\"no such work\"}", "eventSource": "aws:sqs" });
    let mut batch = payload("ingest", "sqs").unwrap();
    batch["Records"].as_array_mut().unwrap().push(bad.clone());
    let failures = json!({ "batchItemFailures": [{ "itemIdentifier": "bad" }] });
    assert_eq!(said(&mut bootstrap, batch), Said::Answered(failures));
    let Said::Failed(diagnostic) = said(&mut bootstrap, json!({ "Records": [bad] })) else {
        panic!("a bad batch succeeded")
    };
    assert_eq!(diagnostic["errorType"], "BatchFailed");
    assert!(diagnostic["errorMessage"].as_str().unwrap().contains("message is malformed at"), "{diagnostic}");
}

fn a_program_without_settings_names_them_and_does_not_start(code: &Path) {
    let Err(error) = Bootstrap::start(&program(code, "score"), &[("CS_OPS_TABLE", "t")]) else { panic!("it started") };
    let text = error.to_string();
    for name in ["CS_OPS_BUS", "CS_OPS_SCORES_BULK_QUEUE_URL", "CS_OPS_JWT_ISSUER", "CS_OPS_JWKS_URL"] {
        assert!(text.contains(name), "`{name}` is missing from: {text}");
    }
}

//! The API's description says what the functions answer: `infra/openapi.yaml` is made from their routes.
//!
//! `CS_OPS_UPDATE=1 cargo test -p tests --test openapi` writes it anew.

use contract::event::FunctionName;
use platform::http::{BASE, Method, Route, openapi};
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

const HEAD: &str = "# Made from the functions' routes; do not edit. `CS_OPS_UPDATE=1 cargo test -p tests --test openapi` makes it anew.\n";
/// The parts of the description in the order in which people read them.
const PARTS: [&str; 6] = ["openapi", "info", "servers", "tags", "paths", "components"];

fn functions() -> [(FunctionName, &'static [Route]); 5] {
    [
        (FunctionName::Ingest, ingest::ROUTES),
        (FunctionName::Score, score::ROUTES),
        (FunctionName::Trigger, trigger::ROUTES),
        (FunctionName::Escalate, escalate::ROUTES),
        (FunctionName::Report, report::ROUTES),
    ]
}

fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../infra/openapi.yaml")
}

fn yaml(document: &Value) -> String {
    let parts = document.as_object().unwrap();
    let named: BTreeSet<&str> = parts.keys().map(String::as_str).collect();
    assert_eq!(named, BTreeSet::from(PARTS), "a part of the description is not in the order of parts");
    let written = PARTS.map(|name| {
        let part = Map::from_iter([(name.to_owned(), parts[name].clone())]);
        serde_saphyr::to_string(&Value::Object(part)).unwrap()
    });
    format!("{HEAD}{}", written.concat())
}

#[test]
fn the_description_in_the_repository_is_the_one_made_from_the_routes() {
    let document = openapi::document(&functions()).unwrap();
    let made = yaml(&document);
    let read_again: Value = serde_saphyr::from_str(&made).unwrap();
    assert_eq!(read_again, document, "the text says what the routes say");
    if std::env::var_os("CS_OPS_UPDATE").is_some() {
        std::fs::write(path(), &made).unwrap();
    }
    let kept = std::fs::read_to_string(path()).unwrap_or_default();
    let difference = made.lines().zip(kept.lines()).position(|(made, kept)| made != kept);
    assert!(
        made == kept,
        "infra/openapi.yaml is not what the routes say, from line {} on; run `CS_OPS_UPDATE=1 cargo test -p tests --test openapi`",
        difference.unwrap_or_else(|| kept.lines().count().min(made.lines().count())) + 1,
    );
}

#[test]
fn a142_every_route_asks_for_a_scope_of_its_own_function_but_the_open_ones() {
    let mut open = Vec::new();
    for (function, routes) in functions() {
        for route in routes {
            let right = if route.method == Method::Get || route.asks { "read" } else { "write" };
            match route.scope {
                Some(scope) => assert_eq!(scope, format!("cs-ops.{}.{right}", function.as_str()), "{}", route.path),
                None => open.push(route.path),
            }
        }
    }
    open.sort_unstable();
    assert_eq!(open, ["/dashboard", "/dashboard/{file}", "/health", "/ready"], "what needs no token shows no data");
}

#[test]
fn every_operation_has_a_name_of_its_own_and_what_takes_a_body_says_its_shape() {
    let document = openapi::document(&functions()).unwrap();
    assert_eq!(document["servers"][0]["url"], BASE);
    let mut names = BTreeSet::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            assert!(names.insert(operation["operationId"].as_str().unwrap().to_owned()), "{method} {path}");
            assert!(operation["summary"].as_str().unwrap().ends_with('.'), "{method} {path}");
            if method == "put" {
                assert!(operation.get("requestBody").is_some(), "{method} {path}");
            }
        }
    }
}

//! The template as the checks read it: resources by type, and a function's properties with the globals merged in.

use contract::event::FunctionName;
use contract::message::Lane;
use local::wiring::{Wiring, template};
use platform::lambda::queue_variables;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

/// The text of the template.
pub const TEXT: &str = include_str!("../../../infra/template.yaml");
/// The manual of the template.
pub const README: &str = include_str!("../../../infra/README.md");
/// The functions, in the order of the flow: the name, and how logical ids begin.
pub const FUNCTIONS: [(&str, &str); 5] =
    [("ingest", "Ingest"), ("score", "Score"), ("trigger", "Trigger"), ("escalate", "Escalate"), ("report", "Report")];

/// The queues on which a function puts work for itself: the variable that names each, and the queue of that lane.
pub fn own_lanes(function: &str) -> Vec<(&'static str, String)> {
    let name = FunctionName::ALL.into_iter().find(|name| name.as_str() == function).unwrap();
    let queues = wiring().queues;
    let of = |lane: &Lane| {
        let found = queues.iter().find(|queue| queue.consumer == function && queue.lane == *lane);
        found.unwrap_or_else(|| panic!("{function} has no queue for {} work", lane.as_str())).name.clone()
    };
    queue_variables(name).iter().map(|(lane, variable)| (*variable, of(lane))).collect()
}

/// The whole template.
pub fn document() -> &'static Value {
    static DOCUMENT: LazyLock<Value> = LazyLock::new(|| template::read(TEXT).unwrap());
    &DOCUMENT
}

/// What is connected with what, with the parameters' defaults.
pub fn wiring() -> Wiring {
    static WIRING: LazyLock<Wiring> = LazyLock::new(|| Wiring::read(TEXT, &BTreeMap::new()).unwrap());
    WIRING.clone()
}

/// A resource.
#[track_caller]
pub fn resource(id: &str) -> Value {
    document().pointer(&format!("/Resources/{id}")).unwrap_or_else(|| panic!("there is no resource `{id}`")).clone()
}

/// A resource's properties.
#[track_caller]
pub fn properties(id: &str) -> Value {
    resource(id)["Properties"].clone()
}

/// The logical ids and properties of all resources of a type.
pub fn of_type(kind: &str) -> Vec<(String, Value)> {
    let resources = document()["Resources"].as_object().unwrap();
    let found = resources.iter().filter(|(_, resource)| resource["Type"] == kind);
    found.map(|(id, resource)| (id.clone(), resource["Properties"].clone())).collect()
}

/// A function's properties, as the transform sees them: on top of the globals.
pub fn function(prefix: &str) -> Value {
    merged(document()["Globals"]["Function"].clone(), properties(&format!("{prefix}Function")))
}

fn merged(below: Value, above: Value) -> Value {
    match (below, above) {
        (Value::Object(mut below), Value::Object(above)) if !is_intrinsic(&above) => {
            for (key, value) in above {
                let under = below.remove(&key).unwrap_or(Value::Null);
                below.insert(key, merged(under, value));
            }
            Value::Object(below)
        }
        (_, above) => above,
    }
}

fn is_intrinsic(map: &Map<String, Value>) -> bool {
    map.len() == 1 && map.keys().all(|key| key == "Ref" || key.starts_with("Fn::"))
}

/// `!Ref id`.
pub fn reference(id: &str) -> Value {
    json!({ "Ref": id })
}

/// `!GetAtt id.attribute`.
pub fn attribute(id: &str, attribute: &str) -> Value {
    json!({ "Fn::GetAtt": [id, attribute] })
}

/// A value that may be one or a list, as a list.
pub fn list(value: &Value) -> Vec<Value> {
    match value {
        Value::Array(items) => items.clone(),
        Value::Null => Vec::new(),
        one => vec![one.clone()],
    }
}

/// The logical id that `!GetAtt id.Arn` points at.
#[track_caller]
pub fn pointed_at(value: &Value) -> String {
    value.pointer("/Fn::GetAtt/0").and_then(Value::as_str).unwrap_or_else(|| panic!("no `!GetAtt`: {value}")).to_owned()
}

/// Everything that takes what could not be done: behind queues, behind targets of rules, behind failed calls.
pub fn dead_letters() -> BTreeSet<String> {
    let behind_queues = wiring().queues.into_iter().map(|queue| queue.dead_letters);
    let behind_targets =
        targets().into_iter().map(|(_, target)| pointed_at(target.pointer("/DeadLetterConfig/Arn").unwrap()));
    let calls = FUNCTIONS.map(|(_, prefix)| function(prefix));
    let behind_calls =
        calls.iter().filter_map(|call| call.pointer("/EventInvokeConfig/DestinationConfig/OnFailure/Destination"));
    behind_queues.chain(behind_targets).chain(behind_calls.map(pointed_at)).collect()
}

/// Every target of every rule, with the rule's logical id.
pub fn targets() -> Vec<(String, Value)> {
    let rules = of_type("AWS::Events::Rule");
    rules
        .iter()
        .flat_map(|(id, rule)| list(&rule["Targets"]).into_iter().map(move |target| (id.clone(), target)))
        .collect()
}

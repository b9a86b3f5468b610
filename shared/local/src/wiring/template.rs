//! Reads a CloudFormation template into plain JSON: the short tags (`!Ref`, `!GetAtt`, `!Sub` …) become the long form that
//! CloudFormation itself uses (`{"Ref": …}`, `{"Fn::GetAtt": […]}`), so nothing behind this file knows about tags.
//!
//! Guarantees: a tag that CloudFormation does not know and a key that stands twice in one mapping are refused; nothing is
//! evaluated here.

use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use serde_saphyr::Tagged;
use std::fmt;

/// The text is not a template.
#[derive(Debug, thiserror::Error)]
#[error("the template cannot be read: {0}")]
pub struct TemplateError(String);

/// The intrinsic functions with a short tag that become `Fn::<name>`.
const FUNCTIONS: [&str; 14] = [
    "And",
    "Base64",
    "Cidr",
    "Equals",
    "FindInMap",
    "GetAZs",
    "GetAtt",
    "If",
    "ImportValue",
    "Join",
    "Not",
    "Or",
    "Select",
    "Split",
];

/// Reads a template (or any piece of YAML with its tags) into JSON.
pub fn read(text: &str) -> Result<Value, TemplateError> {
    serde_saphyr::from_str::<Plain>(text).map(|plain| plain.0).map_err(|error| TemplateError(error.to_string()))
}

/// A node without tags.
struct Plain(Value);

impl<'de> Deserialize<'de> for Plain {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Tagged(Bare(value), tag) = Tagged::<Bare>::deserialize(deserializer)?;
        match tag {
            None => Ok(Self(value)),
            Some(tag) => long_form(&tag, value).map(Self).map_err(de::Error::custom),
        }
    }
}

/// `!Tag value` in CloudFormation's long form. YAML's own tags (`!!str`) have done their work by now.
fn long_form(tag: &str, value: Value) -> Result<Value, String> {
    if tag.starts_with("tag:yaml.org,2002:") {
        return Ok(value);
    }
    let name = tag.trim_start_matches('!');
    let (key, value) = match (name, value) {
        ("Ref" | "Condition", value) => (name.to_owned(), value),
        ("GetAtt", Value::String(path)) => {
            let (resource, attribute) =
                path.split_once('.').ok_or_else(|| format!("`!GetAtt {path}` names no attribute"))?;
            ("Fn::GetAtt".to_owned(), Value::from(vec![resource, attribute]))
        }
        ("Sub" | "Transform", value) => (format!("Fn::{name}"), value),
        (name, value) if FUNCTIONS.contains(&name) => (format!("Fn::{name}"), value),
        _ => return Err(format!("unknown tag `{tag}`")),
    };
    Ok(Value::Object(Map::from_iter([(key, value)])))
}

/// What a node holds when its own tag is taken off.
struct Bare(Value);

impl<'de> Deserialize<'de> for Bare {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(BareVisitor).map(Self)
    }
}

struct BareVisitor;

impl<'de> Visitor<'de> for BareVisitor {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a scalar, a list or a mapping")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(Plain(item)) = access.next_element()? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut entries = Map::new();
        while let Some((key, Plain(value))) = access.next_entry::<String, Plain>()? {
            entries.insert(key, value);
        }
        Ok(Value::Object(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check(text: &str, expected: Value) {
        assert_eq!(read(text).unwrap(), expected);
    }

    #[test]
    fn short_tags_become_the_long_form() {
        check("a: !Ref Table", json!({"a": {"Ref": "Table"}}));
        check("a: !GetAtt Table.Arn", json!({"a": {"Fn::GetAtt": ["Table", "Arn"]}}));
        check("a: !GetAtt [Table, Arn]", json!({"a": {"Fn::GetAtt": ["Table", "Arn"]}}));
        check("a: !Sub '${Table}/x'", json!({"a": {"Fn::Sub": "${Table}/x"}}));
        check("a: !If [Yes1, !Ref B, 5]", json!({"a": {"Fn::If": ["Yes1", {"Ref": "B"}, 5]}}));
        check("a: !Sub\n  - '${x}'\n  - {x: !Ref B}", json!({"a": {"Fn::Sub": ["${x}", {"x": {"Ref": "B"}}]}}));
    }

    #[test]
    fn plain_yaml_stays_what_it_is() {
        check(
            "a: 2012-10-17\nb: [1, -2, 0.5, true, ~]\nc: '1'",
            json!({"a": "2012-10-17", "b": [1, -2, 0.5, true, null], "c": "1"}),
        );
        check("!!str 5", json!("5"));
    }

    #[test]
    fn a_tag_of_no_meaning_is_refused() {
        let error = read("a: !Reff Table").unwrap_err().to_string();
        assert!(error.contains("unknown tag `!Reff`"), "{error}");
        let error = read("a: !GetAtt Table").unwrap_err().to_string();
        assert!(error.contains("`!GetAtt Table` names no attribute"), "{error}");
    }

    #[test]
    fn a_key_that_stands_twice_is_refused() {
        assert!(read("a: 1\na: 2").unwrap_err().to_string().contains("duplicate mapping key"));
    }
}

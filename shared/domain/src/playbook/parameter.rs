//! The parameters of a playbook: their schema, and whether what somebody gives fits it.

use super::PlaybookFault;
use super::evidence::check_link;
use super::nearest::unknown;
use crate::day::Day;
use crate::fixed::Quantity;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// The longest text that somebody gives, in characters.
pub const MAX_TEXT: usize = 500;

/// One parameter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// What it is, in plain words.
    pub title: String,
    /// Which values it takes.
    pub kind: ParameterKind,
    /// Whether nothing begins without it.
    pub required: bool,
}

/// Which values a parameter takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ParameterKind {
    /// Any text that is not empty.
    Text,
    /// A link.
    Link,
    /// Yes or no.
    Flag,
    /// A day.
    Date,
    /// One of these words.
    Choice(Vec<String>),
    /// A number, both ends possible.
    Number {
        /// The least.
        least: Quantity,
        /// The most.
        most: Quantity,
    },
}

/// A value as it comes in and as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Value {
    /// A text.
    Text(String),
    /// A number.
    Number(Quantity),
    /// Yes or no.
    Flag(bool),
    /// A day.
    Date(Day),
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Number(number) => write!(f, "{number}"),
            Self::Flag(flag) => write!(f, "{flag}"),
            Self::Date(day) => write!(f, "{day}"),
        }
    }
}

impl ParameterKind {
    /// The value as it is kept, or what is wrong with it and what would be right.
    fn read(&self, given: &Value) -> Result<Value, String> {
        match (self, given) {
            (Self::Text, Value::Text(text)) => {
                let length = text.chars().count();
                let fits = !text.trim().is_empty() && length <= MAX_TEXT;
                fits.then(|| given.clone()).ok_or_else(|| format!("has {length} characters; give 1 to {MAX_TEXT}"))
            }
            (Self::Link, Value::Text(link)) => check_link(link).map(|()| given.clone()),
            (Self::Flag, Value::Flag(_)) | (Self::Date, Value::Date(_)) => Ok(given.clone()),
            (Self::Date, Value::Text(text)) => {
                text.parse().map(Value::Date).map_err(|error| format!("is no day: {error}"))
            }
            (Self::Choice(words), Value::Text(word)) if words.contains(word) => Ok(given.clone()),
            (Self::Choice(words), Value::Text(word)) => Err(format!("cannot be `{word}`; give {}", words.join(", "))),
            (Self::Number { least, most }, Value::Number(number)) => {
                let fits = number >= least && number <= most;
                fits.then(|| given.clone()).ok_or_else(|| format!("is {number}; give {least} to {most}"))
            }
            _ => Err(format!("is not {}", self.words())),
        }
    }

    /// What it takes, in plain words.
    fn words(&self) -> String {
        match self {
            Self::Text => "a text".into(),
            Self::Link => "a text that is a link".into(),
            Self::Flag => "true or false".into(),
            Self::Date => "a day such as 2026-11-22".into(),
            Self::Choice(words) => format!("one of {}", words.join(", ")),
            Self::Number { least, most } => format!("a number from {least} to {most}"),
        }
    }
}

/// Fits what somebody gives to the schema. Names every fault at once, each by the parameter's name.
pub fn arguments(
    parameters: &[Parameter],
    given: &BTreeMap<String, Value>,
) -> Result<BTreeMap<String, Value>, Vec<PlaybookFault>> {
    let mut faults = Vec::new();
    let mut fault =
        |name: &str, reason: String| faults.push(PlaybookFault { path: format!("parameters.{name}"), reason });
    let known: Vec<&str> = parameters.iter().map(|parameter| parameter.name.as_str()).collect();
    for name in given.keys().filter(|name| !known.contains(&name.as_str())) {
        fault(name, unknown(name, known.iter().copied()));
    }
    let mut kept = BTreeMap::new();
    for parameter in parameters {
        match given.get(&parameter.name).map(|value| parameter.kind.read(value)) {
            Some(Ok(value)) => drop(kept.insert(parameter.name.clone(), value)),
            Some(Err(reason)) => fault(&parameter.name, reason),
            None if parameter.required => {
                fault(&parameter.name, format!("is missing; give {}", parameter.kind.words()))
            }
            None => {}
        }
    }
    if faults.is_empty() { Ok(kept) } else { Err(faults) }
}

/// The names in braces of a text.
pub fn names_in(text: &str) -> impl Iterator<Item = &str> {
    text.split('{').skip(1).filter_map(|rest| rest.split_once('}').map(|(name, _)| name))
}

/// The text with each `{name}` replaced by its value; what was not given is left out in words.
pub fn filled(text: &str, arguments: &BTreeMap<String, Value>) -> String {
    let mut filled = String::new();
    let mut parts = text.split('{');
    filled.push_str(parts.next().unwrap_or_default());
    for part in parts {
        match part.split_once('}') {
            Some((name, rest)) => {
                filled.push_str(&arguments.get(name).map_or_else(|| format!("(no {name})"), ToString::to_string));
                filled.push_str(rest);
            }
            None => {
                filled.push('{');
                filled.push_str(part);
            }
        }
    }
    filled
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema() -> Vec<Parameter> {
        let of = |name: &str, kind, required| Parameter { name: name.into(), title: "A title".into(), kind, required };
        vec![
            of("sponsor", ParameterKind::Text, true),
            of("plan", ParameterKind::Link, false),
            of("kick_off", ParameterKind::Date, true),
            of("size", ParameterKind::Number { least: Quantity::whole(1), most: Quantity::whole(9) }, false),
            of("model", ParameterKind::Choice(vec!["guided".into(), "self_service".into()]), false),
            of("on_site", ParameterKind::Flag, false),
        ]
    }

    fn text(text: &str) -> Value {
        Value::Text(text.into())
    }

    #[test]
    fn a128_what_fits_the_schema_is_kept_as_its_type() {
        let given = BTreeMap::from([
            ("sponsor".to_owned(), text("Kim")),
            ("kick_off".to_owned(), text("2026-11-22")),
            ("size".to_owned(), Value::Number(Quantity::whole(9))),
        ]);
        let kept = arguments(&schema(), &given).unwrap();
        assert_eq!(kept["kick_off"], Value::Date("2026-11-22".parse().unwrap()));
        assert_eq!(kept.len(), 3);
    }

    #[test]
    fn a128_every_fault_of_the_parameters_is_named_at_once() {
        let given = BTreeMap::from([
            ("sponsr".to_owned(), text("Kim")),
            ("plan".to_owned(), text("plan.pdf")),
            ("kick_off".to_owned(), text("22.11.2026")),
            ("size".to_owned(), Value::Number(Quantity::whole(10))),
            ("model".to_owned(), text("free")),
            ("on_site".to_owned(), text("yes")),
        ]);
        let faults = arguments(&schema(), &given).unwrap_err();
        let paths: Vec<&str> = faults.iter().map(|fault| fault.path.as_str()).collect();
        let expected = ["sponsr", "sponsor", "plan", "kick_off", "size", "model", "on_site"];
        assert_eq!(paths, expected.map(|name| format!("parameters.{name}")));
        assert!(faults[0].reason.contains("`sponsor`"), "{}", faults[0].reason);
        assert_eq!(faults[4].reason, "is 10; give 1 to 9");
    }

    #[test]
    fn a128_parameters_are_put_into_the_words() {
        let given = BTreeMap::from([("who".to_owned(), text("Kim"))]);
        assert_eq!(filled("Meet {who} and {them}, {", &given), "Meet Kim and (no them), {");
        assert_eq!(names_in("Meet {who} and {them}, {").collect::<Vec<_>>(), ["who", "them"]);
    }
}

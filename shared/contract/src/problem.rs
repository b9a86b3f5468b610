//! Errors as people and programs read them: RFC 9457 problem details.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One thing wrong with a document or record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Fault {
    /// Where: the path in the document, such as `signals[3].value`.
    pub path: String,
    /// What is wrong and what would be right.
    pub reason: String,
}

impl Fault {
    /// A fault at a path.
    pub fn new(path: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { path: path.into(), reason: reason.into() }
    }

    /// The fault of a document that has not the shape of its type. `place` is where the document lies in what was sent;
    /// `.` or nothing where it is all of it. A field that is missing is named by its own path, not by that of what it is
    /// missing in.
    pub fn of_shape<E: std::fmt::Display>(place: &str, error: &serde_path_to_error::Error<E>) -> Self {
        let reason = error.inner().to_string();
        // What every type that serde derives says of a field that is not there.
        let missing = reason.strip_prefix("missing field `").and_then(|rest| rest.split('`').next());
        let inner = error.path().to_string();
        // `?` is the path of a text that ends too early.
        let known = |part: &&str| !matches!(*part, "" | "." | "?");
        let path: Vec<&str> = [place, &inner, missing.unwrap_or_default()].into_iter().filter(known).collect();
        let path = if path.is_empty() { place.to_owned() } else { path.join(".") };
        Self::new(shortened(&path), shortened(&reason))
    }
}

/// The longest path and the longest reason of a shape's fault, in characters: they may quote a document of any length.
const MAX_TEXT: usize = 1000;

fn shortened(text: &str) -> String {
    match text.char_indices().nth(MAX_TEXT) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// The body of every answer that is an error (`application/problem+json`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Problem {
    /// Names the kind of problem: `urn:cs-ops:problem:<code>`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The kind of problem in words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What happened this time, and what to do about it.
    pub detail: String,
    /// The request that this answers.
    pub instance: String,
    /// Every fault found, where the request's content was at fault.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<Fault>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only its shape is read")]
    struct Leaf {
        size: u32,
    }

    fn fault(place: &str, text: &str) -> (String, String) {
        let mut json = serde_json::Deserializer::from_str(text);
        let error = serde_path_to_error::deserialize::<_, Vec<Leaf>>(&mut json).unwrap_err();
        let fault = Fault::of_shape(place, &error);
        (fault.path, fault.reason)
    }

    #[test]
    fn what_is_missing_is_named_by_its_own_path_and_what_is_wrong_by_its_place() {
        assert_eq!(fault(".", r#"[{"size":1},{}]"#).0, "[1].size");
        assert_eq!(fault("data", r#"[{"size":-1}]"#).0, "data.[0].size");
        assert_eq!((fault(".", "7").0, fault("", "7").0, fault("data", "7").0), (".".into(), "".into(), "data".into()));
        assert_eq!(fault(".", "").0, ".");
    }

    #[test]
    fn a_fault_does_not_quote_a_document_of_any_length() {
        let (path, reason) = fault(".", &format!(r#"[{{"size":"{}"}}]"#, "x".repeat(100_000)));
        assert_eq!(path, "[0].size");
        assert_eq!(reason.chars().count(), MAX_TEXT + 1);
    }
}

//! The segments file: YAML that becomes [`domain::segment::Segments`], or says everything that is wrong with it.

use crate::document;
use crate::problem::Fault;
use crate::rules::{ConditionFile, Reader, Vocabulary, hinted};
use domain::id::SegmentId;
use domain::segment::{Segment, Segments};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The segments that hold where none were given.
pub const DEFAULT: &str = include_str!("../defaults/segments.yaml");

/// The segments that hold where none were given.
pub fn built_in() -> Result<Segments, Vec<Fault>> {
    segments(document::built_in(include_str!(concat!(env!("OUT_DIR"), "/segments.json")))?, &Vocabulary::default())
}

/// Reads a segments file. Names every fault with its path. Which measures there are is not known here: see [`read_for`].
#[cfg(feature = "yaml")]
pub fn read(text: &str) -> Result<Segments, Vec<Fault>> {
    segments(document::yaml(text)?, &Vocabulary::default())
}

/// The same for the measures and dimensions of these scorecards: others are refused.
#[cfg(feature = "yaml")]
pub fn read_for(text: &str, scorecards: &domain::scorecard::Scorecards) -> Result<Segments, Vec<Fault>> {
    segments(document::yaml(text)?, &Vocabulary::of(scorecards))
}

fn segments(file: SegmentsFile, vocabulary: &Vocabulary) -> Result<Segments, Vec<Fault>> {
    let mut reader = Reader::new(vocabulary);
    let mut read = Vec::new();
    for (index, value) in file.segments.into_iter().enumerate() {
        let path = format!("segments[{index}]");
        if let Some(segment) = segment(&mut reader, &path, value) {
            read.push((path, segment));
        }
    }
    let mut faults = reader.into_faults();
    match Segments::with_paths(file.name, read) {
        Ok(segments) if faults.is_empty() => return Ok(segments),
        Ok(_) => {}
        Err(more) => faults.extend(more.into_iter().map(|fault| Fault::new(fault.path, fault.reason))),
    }
    Err(faults)
}

/// A segment, or its faults: those of its condition too where the rest has not the shape of a segment.
fn segment(reader: &mut Reader<'_>, path: &str, value: Value) -> Option<Segment> {
    let when = value.get("when").filter(|when| !when.is_null()).cloned();
    let when = when.and_then(|when| reader.root(&format!("{path}.when"), when));
    match document::shape::<SegmentFile>(path, value) {
        Ok(SegmentFile { id, description, .. }) => Some(Segment { id, description, when: when? }),
        Err(fault) => {
            reader.fault(hinted(fault));
            None
        }
    }
}

/// A segments file as it is written; its segments are read one by one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SegmentsFile {
    /// What people call the set.
    pub name: String,
    /// The segments.
    #[schemars(with = "Vec<SegmentFile>")]
    pub segments: Vec<Value>,
}

/// A name for the accounts that fit a condition.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SegmentFile {
    /// The segment's name.
    #[schemars(with = "String")]
    pub id: SegmentId,
    /// Who is meant, in plain words.
    pub description: String,
    /// Who fits.
    #[schemars(with = "ConditionFile")]
    pub when: Value,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a116_the_default_segments_hold() {
        let segments = read(DEFAULT).unwrap();
        let ids: Vec<&str> = segments.segments().map(|segment| segment.id.as_str()).collect();
        assert_eq!(ids, ["growing", "large-at-risk", "new-customers", "quiet", "renewal-due", "unattended"]);
        assert_eq!(segments, built_in().unwrap(), "made into JSON and back");
        assert_eq!(segments, read_for(DEFAULT, &crate::scorecard::built_in().unwrap()).unwrap());
    }

    #[test]
    fn a15_every_fault_of_every_segment_is_named_with_its_path() {
        let text = DEFAULT
            .replace("[onboarding]", "[onbording]")
            .replace("at_least: 100000", "at_lest: 100000")
            .replace("at_most: 90", "at_most: -1")
            .replace("description: Nobody looks", "desc: Nobody looks");
        let faults = read(&text).unwrap_err();
        let found: Vec<(&str, &str)> =
            faults.iter().map(|fault| (fault.path.as_str(), fault.reason.as_str())).collect();
        let expected = [
            ("segments[0].when.stage[0]", "`onbording` is not known; did you mean `onboarding`?"),
            ("segments[2].when.all[0].arr.at_lest", "unknown field `at_lest`; did you mean `at_least`?"),
            ("segments[5].desc", "unknown field `desc`; did you mean `description`?"),
            ("segments[1].when.days_to_renewal", "can never be true: nothing is at least 0 and at most -1"),
        ];
        assert_eq!(found, expected);
    }
}

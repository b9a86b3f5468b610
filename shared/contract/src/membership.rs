//! Who is in which segment: the facts that tell it, and the answers of the routes that are asked.

use domain::id::SegmentId;
use domain::rule::{Finding, Truth};
use domain::segment::{Answer, Change, Membership, Memberships, Segment, Segments};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// An account entered a segment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SegmentEntered {
    /// Which segment.
    #[schemars(with = "String")]
    pub segment: SegmentId,
    /// The hash of the segments' definitions.
    pub definitions: String,
    /// The words of the leaves that made it so.
    pub reasons: Vec<String>,
}

/// An account left a segment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SegmentLeft {
    /// Which segment.
    #[schemars(with = "String")]
    pub segment: SegmentId,
    /// The hash of the segments' definitions.
    pub definitions: String,
    /// The words of the leaves that made it so.
    pub reasons: Vec<String>,
}

impl SegmentEntered {
    /// What a change tells.
    pub fn of(change: &Change, segments: &Segments) -> Self {
        let (definitions, reasons) = (segments.version().to_string(), change.reasons.clone());
        Self { segment: change.segment.clone(), definitions, reasons }
    }
}

impl SegmentLeft {
    /// What a change tells.
    pub fn of(change: &Change, segments: &Segments) -> Self {
        let (definitions, reasons) = (segments.version().to_string(), change.reasons.clone());
        Self { segment: change.segment.clone(), definitions, reasons }
    }
}

/// `GET /segments`: the segments that there are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SegmentList {
    /// What people call the set.
    pub name: String,
    /// The hash of the definitions.
    pub definitions: String,
    /// The segments, by name.
    pub segments: Vec<SegmentItem>,
}

/// A segment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SegmentItem {
    /// The segment's name.
    pub segment: String,
    /// Who is meant.
    pub description: String,
    /// Who fits: the condition as it is held, with every limit that it could have.
    pub when: Value,
}

impl SegmentList {
    /// The list of these segments.
    pub fn of(segments: &Segments) -> Result<Self, serde_json::Error> {
        let item = |segment: &Segment| {
            Ok(SegmentItem {
                segment: segment.id.to_string(),
                description: segment.description.clone(),
                when: serde_json::to_value(&segment.when)?,
            })
        };
        Ok(Self {
            name: segments.name().to_owned(),
            definitions: segments.version().to_string(),
            segments: segments.segments().map(item).collect::<Result<_, _>>()?,
        })
    }
}

/// `GET /segments/{id}/accounts`: who is in a segment, in the order of their ids.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AudiencePage {
    /// The segment.
    pub segment: String,
    /// The accounts of this page, as they were last looked at.
    pub accounts: Vec<AudienceItem>,
    /// Give this as `cursor` for the next page; absent on the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// An account that is in a segment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AudienceItem {
    /// Which account.
    pub account: String,
    /// Since when.
    #[schemars(with = "String")]
    pub since: Timestamp,
}

/// `GET /accounts/{id}/segments`: why an account is in each segment or out of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AccountSegments {
    /// The account.
    pub account: String,
    /// The moment of the answer.
    #[schemars(with = "String")]
    pub as_of: Timestamp,
    /// The hash of the definitions.
    pub definitions: String,
    /// Every segment, by name.
    pub segments: Vec<SegmentAnswer>,
}

/// Why an account is in a segment or out of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SegmentAnswer {
    /// The segment.
    pub segment: String,
    /// Whether the account is in it, as it was last looked at. Who is in it stays until it is known not to fit.
    pub member: bool,
    /// Since when it is in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub since: Option<Timestamp>,
    /// Since when it cannot be said any more whether it fits: the membership is stale.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub unknown_since: Option<Timestamp>,
    /// Whether it fits now: `true`, `false` or `unknown`. The next look at the account goes by this.
    #[schemars(with = "String")]
    pub fits: Truth,
    /// What each leaf of the condition says now.
    pub leaves: Vec<LeafBody>,
}

/// What a leaf of a condition says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LeafBody {
    /// What it looks at.
    pub leaf: String,
    /// `true`, `false` or `unknown`.
    #[schemars(with = "String")]
    pub says: Truth,
    /// The number that it compared, if it compared one.
    pub value: Option<String>,
    /// How many days ago the latest was reported that it rests on.
    pub age_days: Option<i32>,
    /// Why, in plain words.
    pub why: String,
}

impl From<Finding> for LeafBody {
    fn from(finding: Finding) -> Self {
        let Finding { leaf, truth, value, age_days, why } = finding;
        Self { leaf, says: truth, value: value.map(|value| value.to_string()), age_days, why }
    }
}

impl SegmentAnswer {
    /// An answer beside what was decided.
    pub fn of(answer: Answer, memberships: &Memberships) -> Self {
        let member: Option<&Membership> = memberships.get(&answer.segment);
        Self {
            segment: answer.segment.to_string(),
            member: member.is_some(),
            since: member.map(|member| member.since),
            unknown_since: member.and_then(|member| member.unknown_since),
            fits: answer.verdict.truth,
            leaves: answer.verdict.trace.into_iter().map(LeafBody::from).collect(),
        }
    }
}

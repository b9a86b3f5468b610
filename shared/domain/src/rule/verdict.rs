//! Three-valued verdicts and what they rest on.

use crate::day::Day;
use crate::fixed::Quantity;
use serde::{Deserialize, Serialize};

/// True, false, or not known. Unknown is not false.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Truth {
    /// It is known not to be so.
    False,
    /// It cannot be said.
    Unknown,
    /// It is known to be so.
    True,
}

impl Truth {
    /// True when both are; false when one is false.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        self.min(other)
    }

    /// True when one is; false when both are false.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        self.max(other)
    }

    /// The opposite; unknown stays unknown.
    #[must_use]
    pub const fn negated(self) -> Self {
        match self {
            Self::False => Self::True,
            Self::Unknown => Self::Unknown,
            Self::True => Self::False,
        }
    }

    /// True or false.
    pub const fn known(value: bool) -> Self {
        if value { Self::True } else { Self::False }
    }

    /// Whether it is known to be so.
    pub const fn is_true(self) -> bool {
        matches!(self, Self::True)
    }
}

/// What one leaf of a condition found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// What the leaf looks at, such as `decline of active_users`.
    pub leaf: String,
    /// What it says.
    pub truth: Truth,
    /// The number that it compared, in the unit of `why`.
    pub value: Option<Quantity>,
    /// Days since the latest data that it rests on.
    pub age_days: Option<i32>,
    /// Why, in plain words.
    pub why: String,
}

impl Finding {
    /// A finding without a number.
    pub fn new(leaf: impl Into<String>, truth: Truth, why: impl Into<String>) -> Self {
        Self { leaf: leaf.into(), truth, value: None, age_days: None, why: why.into() }
    }

    /// With the number that was compared.
    #[must_use]
    pub fn with_value(mut self, value: Quantity) -> Self {
        self.value = Some(value);
        self
    }

    /// With the age of what it rests on.
    #[must_use]
    pub fn with_age(mut self, days: i32) -> Self {
        self.age_days = Some(days);
        self
    }
}

/// What a true condition rests on: tells a new cause from one that merely goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// The latest day of what was seen.
    pub seen_on: Day,
    /// The latest day of an event, where events are counted.
    pub latest_event: Option<Day>,
    /// How many events are in the window, where events are counted.
    pub events: u64,
}

impl Evidence {
    /// A state that was seen on a day.
    pub const fn state(seen_on: Day) -> Self {
        Self { seen_on, latest_event: None, events: 0 }
    }

    /// So many events, the latest on a day.
    pub const fn events(latest: Day, events: u64) -> Self {
        Self { seen_on: latest, latest_event: Some(latest), events }
    }

    /// Both together.
    #[must_use]
    pub fn with(self, other: Self) -> Self {
        Self {
            seen_on: self.seen_on.max(other.seen_on),
            latest_event: self.latest_event.max(other.latest_event),
            events: self.events.saturating_add(other.events),
        }
    }

    /// Whether something happened that `earlier` does not hold.
    pub fn is_news_after(&self, earlier: &Self) -> bool {
        self.latest_event > earlier.latest_event || self.events > earlier.events
    }
}

/// What a condition says, what that rests on and every leaf that was asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// The answer.
    pub truth: Truth,
    /// What it rests on, when true.
    pub evidence: Option<Evidence>,
    /// How sure it is when true, 0-100.
    pub confidence_percent: u32,
    /// The leaves in the order of the condition.
    pub trace: Vec<Finding>,
}

impl Verdict {
    /// The verdict of one leaf, sure and without evidence.
    pub fn leaf(finding: Finding) -> Self {
        Self { truth: finding.truth, evidence: None, confidence_percent: 100, trace: vec![finding] }
    }

    /// With what it rests on.
    #[must_use]
    pub const fn resting_on(mut self, evidence: Evidence) -> Self {
        self.evidence = Some(evidence);
        self
    }

    /// With how sure it is, at most 100.
    #[must_use]
    pub fn sure_to(mut self, percent: u32) -> Self {
        self.confidence_percent = percent.min(100);
        self
    }

    /// The words of the leaves that made it true.
    pub fn reasons(&self) -> Vec<String> {
        let said = |finding: &&Finding| finding.truth == self.truth;
        self.trace.iter().filter(said).map(|finding| format!("{}: {}", finding.leaf, finding.why)).collect()
    }
}

//! What is unusual about a source, measured by its own past and by nothing else.
//!
//! Each [`Check`] comes to one of three verdicts. Too little history is [`Verdict::Insufficient`] and says what is missing;
//! it is neither a finding nor its end ([`changes`]). A finding is told when it begins and when it ends, however often
//! somebody looks in between. Silence is no check: it is its own fact ([`super::silence`]).
//!
//! The bounds are such that flat noise is told next to never; a test measures how often. A day is compared when it is
//! over and [`SETTLED_AFTER_HOURS`] more have passed, so that what comes late in the night is there.

mod rates;
mod schema;
mod values;
mod volume;

use super::silence::Rhythm;
use super::{Quality, SourceDay, find};
use crate::day::Day;
use crate::id::SourceId;
use crate::series::Series;
use crate::signal::Metric;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// How long after its end a day is compared, in hours.
pub const SETTLED_AFTER_HOURS: i64 = 6;

/// What is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// How many records came on the last settled day, against the same weekday of the eight weeks before.
    Volume,
    /// The share of records that lacked a field in the last week, against the weeks before.
    NullRate,
    /// The share of records that said what cannot be.
    InvalidRate,
    /// Records of another shape, a metric that came up, or one that ended.
    SchemaDrift,
    /// The level or the spread of a metric's values.
    ValueDrift,
}

impl Kind {
    /// The name as it is written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Volume => "volume",
            Self::NullRate => "null_rate",
            Self::InvalidRate => "invalid_rate",
            Self::SchemaDrift => "schema_drift",
            Self::ValueDrift => "value_drift",
        }
    }
}

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Weight {
    /// Worth knowing.
    Notice,
    /// Somebody should look.
    Warning,
    /// Most of what the source says is lost.
    Severe,
}

impl Weight {
    /// The name as it is written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Notice => "notice",
            Self::Warning => "warning",
            Self::Severe => "severe",
        }
    }
}

/// What is unusual, in numbers and words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How much it matters.
    pub weight: Weight,
    /// The first day on which it was so.
    pub since: Day,
    /// What is so, with the numbers, in plain words.
    pub text: String,
}

/// What a check came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// As ever.
    Usual,
    /// Too little is known to say; the text says what is missing.
    Insufficient(String),
    /// Not as ever.
    Found(Finding),
}

/// What a check is about: told apart by it, and stored by its text (`volume`, `value_drift:uptime`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Subject {
    /// What is looked at.
    pub kind: Kind,
    /// Of which metric, where it is about one.
    pub metric: Option<Metric>,
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.metric {
            Some(metric) => write!(f, "{}:{metric}", self.kind.name()),
            None => f.write_str(self.kind.name()),
        }
    }
}

/// One check of one source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// What it is about.
    pub subject: Subject,
    /// What it came to.
    pub verdict: Verdict,
}

/// A source as the checks see it.
struct Past<'a> {
    days: &'a [(Day, SourceDay)],
    /// The last day that can be compared.
    settled: Day,
    today: Day,
}

impl Past<'_> {
    fn on(&self, day: Day) -> SourceDay {
        find(self.days, day).unwrap_or_default()
    }
}

/// Every check of a source, as of `now`. Values are looked at where a series is given: those of metrics that no other
/// source reports, for the series does not say who said what.
pub fn checks(
    quality: &Quality,
    source: &SourceId,
    series: Option<&Series>,
    rhythm: Rhythm,
    now: Timestamp,
) -> Vec<Check> {
    let today = Day::of(now);
    let settled = Day::of(now.saturating_sub(SignedDuration::from_hours(SETTLED_AFTER_HOURS)).unwrap_or(now)).plus(-1);
    let all = quality.days(source);
    let past =
        Past { days: all.get(..all.partition_point(|(day, _)| *day <= today)).unwrap_or_default(), settled, today };
    let check = |kind, metric, verdict| Check { subject: Subject { kind, metric }, verdict };
    let volume = if rhythm.is_silent(now) {
        Verdict::Insufficient("the source is silent".into())
    } else {
        volume::verdict(&past)
    };
    let mut checks = vec![
        check(Kind::Volume, None, volume),
        check(Kind::NullRate, None, rates::verdict(&past, rates::Count::Missing)),
        check(Kind::InvalidRate, None, rates::verdict(&past, rates::Count::Invalid)),
        check(Kind::SchemaDrift, None, rates::verdict(&past, rates::Count::Unfit)),
    ];
    for metric in Metric::ALL.iter().copied().filter(|metric| past.days.iter().any(|(_, day)| day.reports(*metric))) {
        checks.push(check(Kind::SchemaDrift, Some(metric), schema::verdict(&past, metric)));
        if let Some(series) = series.filter(|_| quality.is_alone_with(source, metric)) {
            checks.push(check(Kind::ValueDrift, Some(metric), values::verdict(&past, series, metric)));
        }
    }
    checks
}

/// The findings that were told, by source and subject, with the first day of each.
pub type Told = BTreeMap<SourceId, BTreeMap<String, Day>>;

/// A finding that began or ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// What it is about, as [`Subject`] is written.
    pub subject: String,
    /// What was found; nothing where it ended.
    pub found: Option<Finding>,
    /// Since when it was so.
    pub since: Day,
}

/// What is to be told of a source. What nobody can say at the moment stays as it was told; what is not looked at any more
/// has ended.
pub fn changes(told: &mut Told, source: &SourceId, checks: &[Check]) -> Vec<Change> {
    let before = told.remove(source).unwrap_or_default();
    let mut open = BTreeMap::new();
    let mut changes = Vec::new();
    for check in checks {
        let subject = check.subject.to_string();
        match (&check.verdict, before.get(&subject)) {
            (Verdict::Found(_) | Verdict::Insufficient(_), Some(since)) => drop(open.insert(subject, *since)),
            (Verdict::Found(found), None) => {
                open.insert(subject.clone(), found.since);
                changes.push(Change { subject, found: Some(found.clone()), since: found.since });
            }
            (Verdict::Usual | Verdict::Insufficient(_), _) => {}
        }
    }
    let ended = before.into_iter().filter(|(subject, _)| !open.contains_key(subject));
    changes.extend(ended.map(|(subject, since)| Change { subject, found: None, since }));
    if !open.is_empty() {
        told.insert(source.clone(), open);
    }
    changes
}

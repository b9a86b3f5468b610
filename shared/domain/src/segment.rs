//! Segments of the tenant's own making: who is meant by a name follows from a condition, and changes as accounts change.
//!
//! A segment is a typed predicate in the language of rules. An account enters when it is known to fit and leaves when it is
//! known not to; what is not known changes nothing. Why an account is in or out is answered with every leaf of the condition,
//! its value and its age.

use crate::digest::Digest;
use crate::id::SegmentId;
use crate::rule::{Condition, Facts, Questions, RuleFault, Truth, Verdict};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The most segments of a set.
pub const MAX_SEGMENTS: usize = 200;
/// The longest description, in characters.
pub const MAX_DESCRIPTION: usize = 500;
/// The most segments that an account enters or leaves at once: each is a write, and a commit takes so many. The next look
/// goes on with the others.
pub const MAX_CHANGES: usize = 40;

/// A name for the accounts that fit a condition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Segment {
    /// The segment's name.
    pub id: SegmentId,
    /// Who is meant, in plain words.
    pub description: String,
    /// Who fits.
    pub when: Condition,
}

/// A versioned set of segments. One that exists is valid: ids are unique and no condition contradicts itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segments {
    name: String,
    version: Digest,
    /// In the order of their ids.
    segments: Vec<Segment>,
    questions: Questions,
}

/// Why an account is in a segment or out of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The segment.
    pub segment: SegmentId,
    /// Whether the account fits, and why.
    pub verdict: Verdict,
}

/// The segments that an account is in.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Memberships(BTreeMap<SegmentId, Membership>);

/// That an account is in a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Membership {
    /// Since when.
    pub since: Timestamp,
    /// Since when it cannot be said any more; the membership stands until it is known to have ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unknown_since: Option<Timestamp>,
}

/// An account entered a segment or left one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Which segment.
    pub segment: SegmentId,
    /// Whether it is in it now.
    pub entered: bool,
    /// The words of the leaves that made it so.
    pub reasons: Vec<String>,
}

/// What has changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// What each segment says of the account, in the order of their ids.
    pub truths: Vec<Truth>,
    /// The memberships as they are now.
    pub memberships: Memberships,
    /// Who entered or left, by segment.
    pub changes: Vec<Change>,
}

impl Segments {
    /// Checks the segments, each with the path by which its faults are named, and gives the set its version. Names every
    /// fault at once.
    pub fn with_paths(name: impl Into<String>, segments: Vec<(String, Segment)>) -> Result<Self, Vec<RuleFault>> {
        let name = name.into();
        let mut faults = Vec::new();
        let mut add = |path: String, reason: String| faults.push(RuleFault { path, reason });
        if segments.len() > MAX_SEGMENTS {
            add("segments".into(), format!("has {} segments; give at most {MAX_SEGMENTS}", segments.len()));
        }
        let (mut by_id, mut conditions) = (BTreeMap::new(), Vec::new());
        for (path, segment) in segments {
            let length = segment.description.chars().count();
            if segment.description.trim().is_empty() || length > MAX_DESCRIPTION {
                let reason = format!("has {length} characters; say it in 1 to {MAX_DESCRIPTION}");
                add(format!("{path}.description"), reason);
            }
            if by_id.contains_key(&segment.id) {
                add(format!("{path}.id"), format!("`{}` is taken by an earlier segment", segment.id));
            }
            conditions.push((format!("{path}.when"), segment.when.clone()));
            by_id.insert(segment.id.clone(), segment);
        }
        if let Err(more) = Questions::new(conditions) {
            faults.extend(more);
        }
        let version = Digest::of_json("segments", &(&name, &by_id));
        let segments: Vec<Segment> = by_id.into_values().collect();
        // In their own order this time, so that the place of a segment is the place of its question.
        let in_order = segments.iter().map(|segment| (segment.id.to_string(), segment.when.clone())).collect();
        match (version, Questions::new(in_order)) {
            (Ok(version), Ok(questions)) if faults.is_empty() => Ok(Self { name, version, segments, questions }),
            (Err(error), _) => {
                faults.push(RuleFault { path: "segments".into(), reason: error.to_string() });
                Err(faults)
            }
            _ => Err(faults),
        }
    }

    /// What people call the set.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Follows from the content: another set has another version.
    pub const fn version(&self) -> Digest {
        self.version
    }

    /// The segments in the order of their ids.
    pub fn segments(&self) -> impl Iterator<Item = &Segment> {
        self.segments.iter()
    }

    /// The segment with this id.
    pub fn get(&self, id: &SegmentId) -> Option<&Segment> {
        self.segments.get(self.place(id)?)
    }

    fn place(&self, id: &SegmentId) -> Option<usize> {
        self.segments.binary_search_by(|segment| segment.id.cmp(id)).ok()
    }

    /// Whether an account fits each segment, in the order of their ids.
    pub fn truths(&self, facts: &Facts<'_>) -> Vec<Truth> {
        self.questions.answers(facts)
    }

    /// Why an account is in each segment or out of it.
    pub fn answers(&self, facts: &Facts<'_>) -> Vec<Answer> {
        let each = self.segments.iter().zip(self.questions.verdicts(facts));
        each.map(|(segment, verdict)| Answer { segment: segment.id.clone(), verdict }).collect()
    }

    /// Why an account is in one segment or out of it. None where there is no such segment.
    pub fn why(&self, id: &SegmentId, facts: &Facts<'_>) -> Option<Verdict> {
        self.questions.verdict(self.place(id)?, facts)
    }
}

impl Memberships {
    /// Whether the account is in no segment.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The segments that the account is in, by id.
    pub fn iter(&self) -> impl Iterator<Item = (&SegmentId, &Membership)> {
        self.0.iter()
    }

    /// Since when the account is in a segment, if it is.
    pub fn get(&self, id: &SegmentId) -> Option<&Membership> {
        self.0.get(id)
    }
}

/// Decides what an account enters and leaves. The same facts decide the same; deciding twice changes nothing the second time.
/// Who is in a segment that there is no more leaves it.
pub fn decide(segments: &Segments, before: &Memberships, facts: &Facts<'_>) -> Decision {
    let truths = segments.truths(facts);
    let mut decision = Decision { truths, memberships: before.clone(), changes: Vec::new() };
    let (members, changes) = (&mut decision.memberships.0, &mut decision.changes);
    for (place, (Segment { id, .. }, truth)) in segments.segments.iter().zip(&decision.truths).enumerate() {
        let entered = match (members.get_mut(id), truth) {
            (None, Truth::True) => true,
            (Some(_), Truth::False) => false,
            (Some(member), Truth::True) => {
                member.unknown_since = None;
                continue;
            }
            (Some(member), Truth::Unknown) => {
                member.unknown_since = member.unknown_since.or(Some(facts.now));
                continue;
            }
            (None, Truth::False | Truth::Unknown) => continue,
        };
        if changes.len() == MAX_CHANGES {
            continue;
        }
        if entered {
            members.insert(id.clone(), Membership { since: facts.now, unknown_since: None });
        } else {
            members.remove(id);
        }
        // Words cost more than the answer: only what changes is told.
        let reasons = segments.questions.verdict(place, facts).map(|verdict| verdict.reasons()).unwrap_or_default();
        changes.push(Change { segment: id.clone(), entered, reasons });
    }
    members.retain(|id, _| {
        let stays = segments.get(id).is_some() || changes.len() == MAX_CHANGES;
        if !stays {
            let reasons = vec!["the segment was withdrawn".to_owned()];
            changes.push(Change { segment: id.clone(), entered: false, reasons });
        }
        stays
    });
    decision
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::{Account, LifecycleStage};
    use crate::fixed::Quantity;
    use crate::health::tests::account;
    use crate::page::fixtures::{daily, day, series};
    use crate::rule::leaf::Statistic;
    use crate::rule::leaf::{Absent, Bounds, Value};
    use crate::series::Series;
    use crate::signal::Metric;

    fn segment(id: &str, when: Condition) -> Segment {
        Segment { id: SegmentId::new(id).unwrap(), description: "who is meant".into(), when }
    }

    fn set(of: Vec<Segment>) -> Result<Segments, Vec<RuleFault>> {
        let of = of.into_iter().enumerate().map(|(index, segment)| (format!("segments[{index}]"), segment)).collect();
        Segments::with_paths("test", of)
    }

    /// More than 10 sign-ins within a week.
    fn busy() -> Condition {
        let bounds = Bounds { above: Some(Quantity::whole(10)), ..Bounds::default() };
        Condition::Value(Value { metric: Metric::Logins, statistic: Statistic::Sum, days: 7, least_values: 1, bounds })
    }

    fn now() -> Timestamp {
        day("2026-11-22").start()
    }

    fn facts<'a>(account: &'a Account, series: &'a Series) -> Facts<'a> {
        Facts { account, series, health: None, standing: None, now: now() }
    }

    fn logins(value: &'static str) -> Series {
        series(daily(Metric::Logins, [(day("2026-11-20"), value)]))
    }

    #[test]
    fn a116_an_account_enters_when_it_fits_stays_while_unknown_and_leaves_when_it_does_not() {
        let segments = set(vec![segment("busy", busy())]).unwrap();
        let account = account(LifecycleStage::Steady, None);
        let step = |before: &Memberships, series: &Series| {
            let first = decide(&segments, before, &facts(&account, series));
            let again = decide(&segments, &first.memberships, &facts(&account, series));
            assert_eq!((&again.memberships, again.changes.len()), (&first.memberships, 0), "twice is once");
            first
        };
        let nobody = Memberships::default();
        assert!(step(&nobody, &Series::default()).changes.is_empty(), "unknown is not in");
        let entered = step(&nobody, &logins("11"));
        assert!(entered.changes[0].entered);
        assert_eq!(entered.changes[0].reasons, ["sum of logins: of 1 values in 7 days is 11.0; asked for: above 10"]);
        let unknown = step(&entered.memberships, &Series::default());
        assert!(unknown.changes.is_empty());
        let busy = SegmentId::new("busy").unwrap();
        assert_eq!(unknown.memberships.get(&busy).unwrap().unknown_since, Some(now()), "staleness is told");
        assert_eq!(step(&unknown.memberships, &logins("11")).memberships, entered.memberships);
        let left = step(&unknown.memberships, &logins("10"));
        assert_eq!((left.changes[0].entered, left.memberships.iter().count()), (false, 0));
    }

    #[test]
    fn a116_why_an_account_is_in_or_out_is_answered_with_every_leaf_and_its_age() {
        let segments = set(vec![segment("quiet", Condition::Not(Box::new(busy()))), segment("busy", busy())]).unwrap();
        let (account, series) = (account(LifecycleStage::Churned, None), logins("11"));
        let why = |id: &str| segments.why(&SegmentId::new(id).unwrap(), &facts(&account, &series));
        let quiet = why("quiet").unwrap();
        assert_eq!((quiet.truth, quiet.trace[0].truth, quiet.trace[0].age_days), (Truth::False, Truth::True, Some(2)));
        assert_eq!(why("busy").unwrap().truth, Truth::True, "who left is asked too");
        assert_eq!(why("other"), None);
        let both: Vec<_> =
            segments.answers(&facts(&account, &series)).into_iter().map(|one| one.verdict.truth).collect();
        assert_eq!(both, [Truth::True, Truth::False], "by id");
    }

    #[test]
    fn who_is_in_a_segment_that_there_is_no_more_leaves_it() {
        let (one, other) = (set(vec![segment("busy", busy())]).unwrap(), set(Vec::new()).unwrap());
        let account = account(LifecycleStage::Steady, None);
        let series = logins("11");
        let before = decide(&one, &Memberships::default(), &facts(&account, &series)).memberships;
        let after = decide(&other, &before, &facts(&account, &series));
        assert_eq!(after.changes[0].reasons, ["the segment was withdrawn"]);
        assert_ne!(one.version(), other.version());
    }

    #[test]
    fn a15_every_fault_of_a_segment_is_named_with_its_path() {
        let days = |days| Condition::Absent(Absent { metric: Metric::Logins, days });
        let mut nameless = segment("a", Condition::Stage([LifecycleStage::Churned].into()));
        nameless.description = " ".into();
        let faults = set(vec![nameless, segment("a", days(0)), segment("b", Condition::All(vec![busy(), days(9)]))]);
        let paths: Vec<String> = faults.unwrap_err().into_iter().map(|fault| fault.path).collect();
        let expected =
            ["segments[0].description", "segments[1].id", "segments[1].when.absent.days", "segments[2].when.all[1]"];
        assert_eq!(paths, expected);
    }

    #[test]
    fn what_does_not_fit_into_one_commit_follows_with_the_next_look() {
        let many = (0..MAX_CHANGES + 5).map(|number| segment(&format!("s-{number:03}"), busy())).collect();
        let (many, none) = (set(many).unwrap(), set(Vec::new()).unwrap());
        let (account, series) = (account(LifecycleStage::Steady, None), logins("11"));
        let step = |segments: &Segments, before: &Memberships| decide(segments, before, &facts(&account, &series));
        let first = step(&many, &Memberships::default());
        let second = step(&many, &first.memberships);
        assert_eq!((first.changes.len(), second.changes.len()), (MAX_CHANGES, 5));
        assert_eq!(step(&many, &second.memberships).changes, []);
        let left = step(&none, &second.memberships);
        assert_eq!((left.changes.len(), step(&none, &left.memberships).memberships.is_empty()), (MAX_CHANGES, true));
    }
}

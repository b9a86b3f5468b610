//! How bad a case is, and when it needs the next tier: rules over what is known of it, none of them a judgement.

use crate::account::{Money, Segment};
use crate::case::Case;
use crate::roster::Tier;
use crate::signal::{CaseStatus, Severity};
use serde::{Deserialize, Serialize};

/// How much of the customer's work it stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Impact {
    /// All of it.
    High,
    /// Some of it.
    Medium,
    /// None of it.
    Low,
}

/// How soon it has to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Urgency {
    /// At once.
    High,
    /// Soon.
    Medium,
    /// Some time.
    Low,
}

impl Impact {
    /// All of them, the greatest first.
    pub const ALL: [Self; 3] = [Self::High, Self::Medium, Self::Low];
}

impl Urgency {
    /// All of them, the greatest first.
    pub const ALL: [Self; 3] = [Self::High, Self::Medium, Self::Low];
}

/// What a ticketing system says of how a case is to be ranked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Priority {
    /// How much it stops.
    pub impact: Impact,
    /// How soon it has to end.
    pub urgency: Urgency,
}

impl Priority {
    /// The severity that follows for an account.
    pub const fn severity(self, importance: Importance) -> Severity {
        severity(self.impact, self.urgency, importance)
    }
}

/// How much an account counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Importance {
    /// One of the largest.
    Top,
    /// Any other.
    #[default]
    Ordinary,
}

/// What makes an account one of the largest, and a case one for the next tier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PriorityPolicy {
    /// Annual recurring revenue from which on an account is one of the largest, whichever its segment.
    pub top_arr: Money,
    /// A case that came back so often goes to the next tier.
    pub reopened: u32,
    /// A case that went from one to another so often is complex.
    pub handoffs: u32,
}

impl Default for PriorityPolicy {
    fn default() -> Self {
        Self { top_arr: Money::from_cents(100_000_000), reopened: 3, handoffs: 2 }
    }
}

impl PriorityPolicy {
    /// How much an account counts by its revenue.
    pub fn importance(&self, segment: Segment, arr: Money) -> Importance {
        // A large company that pays little yet is not one of the largest customers.
        let small = segment == Segment::SmallBusiness;
        if !small && arr >= self.top_arr { Importance::Top } else { Importance::Ordinary }
    }

    /// The tier that a case belongs to which is in one: the next where it came back too often, or is complex and about one
    /// of the largest accounts; with the reason.
    pub fn next_tier(
        &self,
        tier: Tier,
        reopened: u32,
        handoffs: u32,
        importance: Importance,
    ) -> Option<(Tier, String)> {
        let reason = if reopened >= self.reopened {
            format!("it came back {reopened} times")
        } else if importance == Importance::Top && handoffs >= self.handoffs {
            format!("it is about one of the largest accounts and was handed on {handoffs} times")
        } else {
            return None;
        };
        Some((tier.next()?, reason))
    }
}

/// The severity of a case: its impact and urgency, one more for the largest accounts.
pub const fn severity(impact: Impact, urgency: Urgency, importance: Importance) -> Severity {
    let plain = match (impact, urgency) {
        (Impact::High, Urgency::High) => Severity::Critical,
        (Impact::High, Urgency::Medium) | (Impact::Medium, Urgency::High) => Severity::High,
        (Impact::High, Urgency::Low) | (Impact::Medium, Urgency::Medium) | (Impact::Low, Urgency::High) => {
            Severity::Medium
        }
        (Impact::Medium, Urgency::Low) | (Impact::Low, Urgency::Medium | Urgency::Low) => Severity::Low,
    };
    match (importance, plain) {
        (Importance::Ordinary, plain) => plain,
        (Importance::Top, Severity::Critical | Severity::High) => Severity::Critical,
        (Importance::Top, Severity::Medium) => Severity::High,
        (Importance::Top, Severity::Low) => Severity::Medium,
    }
}

/// How often a case came back after it was resolved.
pub fn reopened(case: &Case) -> u32 {
    let back = case
        .news()
        .zip(case.news().skip(1))
        .filter(|(before, after)| before.status == CaseStatus::Resolved && after.status != CaseStatus::Resolved);
    u32::try_from(back.count()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::News;
    use crate::id::{CaseId, SignalId, SourceId};
    use jiff::Timestamp;
    use std::collections::BTreeMap;

    #[test]
    fn a90_every_cell_of_impact_and_urgency_maps_to_one_row_of_the_targets() {
        let mut rows: BTreeMap<Severity, u32> = BTreeMap::new();
        for impact in Impact::ALL {
            for urgency in Urgency::ALL {
                let (plain, top) =
                    (severity(impact, urgency, Importance::Ordinary), severity(impact, urgency, Importance::Top));
                *rows.entry(plain).or_default() += 1;
                assert!(top <= plain && (top < plain || plain == Severity::Critical), "{impact:?} {urgency:?}");
                // Worse never makes it less.
                assert!(severity(Impact::High, urgency, Importance::Ordinary) <= plain);
                assert!(severity(impact, Urgency::High, Importance::Ordinary) <= plain);
            }
        }
        let expected = [(Severity::Critical, 1), (Severity::High, 2), (Severity::Medium, 3), (Severity::Low, 3)];
        assert_eq!(rows, BTreeMap::from(expected), "each row is reached, and nine cells are all");
    }

    #[test]
    fn a93_what_came_back_three_times_or_is_complex_and_important_goes_to_the_next_tier() {
        let policy = PriorityPolicy::default();
        let next = |reopened, handoffs, importance| {
            policy.next_tier(Tier::Second, reopened, handoffs, importance).map(|(tier, _)| tier)
        };
        assert_eq!(next(3, 0, Importance::Ordinary), Some(Tier::Third));
        assert_eq!(next(2, 9, Importance::Ordinary), None, "complex, but not important");
        assert_eq!(next(2, 1, Importance::Top), None, "important, but not complex");
        assert_eq!(next(0, 2, Importance::Top), Some(Tier::Third));
        assert_eq!(policy.next_tier(Tier::Fourth, 3, 2, Importance::Top), None, "there is none after the last");
        let top = |segment, dollars: i64| policy.importance(segment, Money::from_cents(dollars * 100));
        assert_eq!(top(Segment::Enterprise, 1_000_000), Importance::Top);
        assert_eq!(top(Segment::Enterprise, 999_999), Importance::Ordinary);
        assert_eq!(top(Segment::SmallBusiness, 2_000_000), Importance::Ordinary);
    }

    #[test]
    fn a93_a_case_knows_how_often_it_came_back() {
        let news = |(number, status): (i64, CaseStatus)| News {
            at: Timestamp::from_second(number).unwrap(),
            status,
            severity: Severity::Low,
            source: SourceId::new("desk").unwrap(),
            id: SignalId::new(format!("{number}")).unwrap(),
            about: Default::default(),
        };
        use CaseStatus::{InProgress, Opened, Resolved};
        let all = [Opened, Resolved, Resolved, InProgress, Resolved, Opened, Resolved];
        let mut all = (0_i64..).zip(all).map(news);
        let (mut case, _) = Case::new(CaseId::new("c").unwrap(), all.next().unwrap());
        all.for_each(|news| drop(case.record(news)));
        assert_eq!(reopened(&case), 2);
    }
}

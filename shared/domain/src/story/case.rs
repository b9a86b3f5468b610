//! What a case comes to, for those who count cases.

use super::Second;
use crate::case::Case;
use crate::id::{CategoryId, PersonId};
use crate::signal::{CaseStatus, Channel, Severity};
use serde::{Deserialize, Serialize};

/// What a case comes to: a function of the case alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseView {
    /// How bad it is.
    pub severity: Severity,
    /// By which way it was opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<Channel>,
    /// What it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<CategoryId>,
    /// Who worked on it last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assignee: Option<PersonId>,
    /// When the customer opened it.
    pub opened: Second,
    /// When it was first answered.
    pub answered: Option<Second>,
    /// Since when it is solved.
    pub resolved: Option<Second>,
    /// How often it came back after it had been solved.
    pub reopened: u32,
    /// How often it went from one to another.
    pub handoffs: u32,
    /// For how many seconds it waited on the customer, as far as it went on since.
    pub waited: u64,
    latest: Second,
}

impl CaseView {
    /// What a case comes to.
    pub fn of(case: &Case) -> Self {
        let back = |pair: &(&crate::case::News, &crate::case::News)| {
            pair.0.status == CaseStatus::Resolved && pair.1.status != CaseStatus::Resolved
        };
        let reopened = case.news().zip(case.news().skip(1)).filter(back).count();
        let waited = case.waiting().into_iter().filter_map(|stretch| {
            let until = stretch.until?;
            u64::try_from(until.as_second().saturating_sub(stretch.from.as_second())).ok()
        });
        Self {
            severity: case.severity(),
            channel: case.opened_by(),
            category: case.category().cloned(),
            assignee: case.news().rev().find_map(|news| news.about.assignee.clone()),
            opened: case.opened_at().as_second(),
            answered: case.responded_at().map(|at| at.as_second()),
            resolved: case.resolved_at().map(|at| at.as_second()),
            reopened: u32::try_from(reopened).unwrap_or(u32::MAX),
            handoffs: case.handoffs(),
            waited: waited.sum(),
            latest: case.news().next_back().map_or(0, |news| news.at.as_second()),
        }
    }

    pub(super) const fn latest(&self) -> Second {
        self.latest
    }

    /// For how many seconds somebody worked on it: from the first answer to the resolution that stands, without what it
    /// waited on the customer. None while it is not solved.
    pub fn handled(&self) -> Option<u64> {
        let spent = u64::try_from(self.resolved?.saturating_sub(self.answered?)).unwrap_or_default();
        Some(spent.saturating_sub(self.waited))
    }
}

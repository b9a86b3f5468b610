//! Pieces of work on an account: when each came, when somebody began, and when it was done.

use super::{Heard, MAX_TOLD, Second};
use crate::id::{PersonId, RuleId};
use crate::signal::Severity;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// How a call to action ended.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Ending {
    /// When.
    pub at: Second,
    /// `cleared`, `closed` or `dismissed`.
    pub how: String,
    /// Why.
    pub reason: String,
}

/// A call to action.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct CtaPiece {
    /// The rule.
    pub rule: Option<RuleId>,
    /// When its episode began.
    pub opened: Option<Second>,
    /// When it was last said to be open.
    last_open: Option<Second>,
    ending: Option<Ending>,
}

impl CtaPiece {
    pub(super) fn open(&mut self, at: Second, rule: RuleId, opened: Second) {
        self.rule = Some(rule);
        self.opened = earlier(self.opened, opened);
        self.last_open = self.last_open.max(Some(at));
    }

    pub(super) fn end(&mut self, ending: Ending) {
        self.ending = self.ending.take().max(Some(ending));
    }

    pub(super) fn forget(&mut self, oldest: Second) {
        for moment in [&mut self.opened, &mut self.last_open] {
            *moment = moment.filter(|at| *at >= oldest);
        }
        self.ending = self.ending.take().filter(|ending| ending.at >= oldest);
    }

    pub(super) fn latest(&self) -> Option<Second> {
        self.ending.as_ref().map(|ending| ending.at).max(self.last_open).max(self.opened)
    }

    /// How it ended, unless it was opened again.
    pub fn ended(&self) -> Option<&Ending> {
        self.ending.as_ref().filter(|ending| self.last_open.is_none_or(|opened| opened <= ending.at))
    }
}

/// An escalation.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct EscalationPiece {
    /// How bad it was when it was opened.
    severity: Option<(Second, Severity)>,
    /// When it was opened.
    pub opened: Option<Second>,
    /// When people of which role were told; the first is the way that it went.
    pub told: BTreeSet<(Second, String)>,
    /// When somebody first took it on.
    pub taken_on: Option<Second>,
    /// Who did.
    pub by: Option<PersonId>,
    ended: Option<Second>,
    reopened: Option<Second>,
}

impl EscalationPiece {
    pub(super) fn hear(&mut self, at: Second, severity: Severity, opened: Second, what: Heard) {
        let heard = (at, severity);
        self.severity = Some(self.severity.map_or(heard, |known| known.min(heard)));
        self.opened = earlier(self.opened, opened);
        match what {
            Heard::Told(role) => {
                self.told.insert((at, role));
                while self.told.len() > MAX_TOLD {
                    self.told.pop_last();
                }
            }
            Heard::TakenOn(by) => {
                let first = self.taken_on.map(|known| (known, self.by.clone()));
                let (at, by) = first.map_or_else(|| (at, by.clone()), |known| known.min((at, by.clone())));
                (self.taken_on, self.by) = (Some(at), by);
            }
            Heard::Ended => self.ended = self.ended.max(Some(at)),
            Heard::Reopened => self.reopened = self.reopened.max(Some(at)),
        }
    }

    pub(super) fn forget(&mut self, oldest: Second) {
        for moment in [&mut self.opened, &mut self.taken_on, &mut self.ended, &mut self.reopened] {
            *moment = moment.filter(|at| *at >= oldest);
        }
        self.severity = self.severity.filter(|(at, _)| *at >= oldest);
        self.told.retain(|(at, _)| *at >= oldest);
    }

    pub(super) fn latest(&self) -> Option<Second> {
        let told = self.told.last().map(|(at, _)| *at);
        let heard = self.severity.map(|(at, _)| at);
        [self.opened, self.taken_on, self.ended, self.reopened, told, heard].into_iter().max().flatten()
    }

    /// When it ended, unless it was opened again.
    pub fn resolved(&self) -> Option<Second> {
        self.ended.filter(|ended| self.reopened.is_none_or(|opened| opened <= *ended))
    }

    /// How bad it was when it was first heard of.
    pub fn severity(&self) -> Option<Severity> {
        self.severity.map(|(_, severity)| severity)
    }

    /// The way that it went: how bad it was, and who was told first.
    pub fn route(&self) -> Option<String> {
        let (_, role) = self.told.first()?;
        Some(format!("{} → {role}", self.severity()?.name()))
    }
}

/// A step of a playbook.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct StepPiece {
    /// The playbook and the step.
    pub step: String,
    /// Since when it is to be done.
    pub opened: Option<Second>,
    /// When it was settled.
    pub settled: Option<Second>,
    /// Whether it was settled late.
    pub late: bool,
}

impl StepPiece {
    pub(super) fn open(&mut self, at: Second, step: String) {
        self.step = step;
        self.opened = earlier(self.opened, at);
    }

    pub(super) fn settle(&mut self, at: Second, step: String, late: bool) {
        self.step = step;
        self.settled = earlier(self.settled, at);
        self.late |= late;
    }

    pub(super) fn forget(&mut self, oldest: Second) {
        for moment in [&mut self.opened, &mut self.settled] {
            *moment = moment.filter(|at| *at >= oldest);
        }
    }

    pub(super) fn latest(&self) -> Option<Second> {
        self.opened.max(self.settled)
    }
}

fn earlier(known: Option<Second>, at: Second) -> Option<Second> {
    Some(known.map_or(at, |known| known.min(at)))
}

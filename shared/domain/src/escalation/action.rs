//! What people do with an escalation beside taking it on and ending it: give it back, put it off, hand it over, open it again.
//!
//! Asking for what is so already changes nothing. Putting off tells nobody until its end; a hand-over that nobody accepts
//! goes to the next step, so that it is never between two people for longer than somebody has to take it on.

use super::{By, Cause, Escalation, EscalationFact, EscalationPolicies, Happened, Status, TransitionError, What};
use crate::id::PersonId;
use crate::sla::after;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The longest that an escalation is put off, in days.
pub const MAX_SNOOZE_DAYS: i64 = 7;
/// How long ago clocks may begin at the most, in days.
pub const MAX_BACK_DAYS: i64 = 30;

/// That somebody is asked to take an escalation over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Handover {
    /// Who asks.
    pub from: PersonId,
    /// Who is asked.
    pub to: PersonId,
    /// By when they have to say yes.
    pub accept_by: Timestamp,
}

impl Escalation {
    /// Whoever has it gives it back: from now on the role of its step has to take it on, and is told.
    pub fn unacknowledge(&self, by: PersonId, now: Timestamp) -> Result<Happened, TransitionError> {
        let mut escalation = self.clone();
        match self.status {
            Status::Open => Ok((escalation, Vec::new())),
            Status::Acknowledged { .. } => {
                escalation.nobodys(now);
                escalation.given_back_at = Some(now);
                Ok((escalation, one(now, What::GivenBack { by })))
            }
            Status::Snoozed { .. } | Status::Resolved { .. } => Err(self.not_possible("unacknowledge")),
        }
    }

    /// Nobody is told until a moment; then the role of its step is told again. Clocks run on.
    pub fn snooze(&self, by: PersonId, until: Timestamp, now: Timestamp) -> Result<Happened, TransitionError> {
        if !self.status.is_active() {
            return Err(self.not_possible("snooze"));
        }
        if until <= now || until > after(now, MAX_SNOOZE_DAYS * 86_400_000) {
            return Err(TransitionError::Snooze(until));
        }
        let mut escalation = self.clone();
        let status = Status::Snoozed { until, by: by.clone() };
        if self.status == status {
            return Ok((escalation, Vec::new()));
        }
        (escalation.status, escalation.handover) = (status, None);
        Ok((escalation, one(now, What::Snoozed { by, until })))
    }

    /// Asks somebody to take it over. It stays with whoever has it until they say yes, for as long as its step gives people to
    /// take it on; then it goes to the next step.
    pub fn hand_over(
        &self,
        by: PersonId,
        to: PersonId,
        policies: &EscalationPolicies,
        now: Timestamp,
    ) -> Result<Happened, TransitionError> {
        let mut escalation = self.clone();
        if !matches!(self.status, Status::Acknowledged { .. }) {
            return Err(self.not_possible("hand over"));
        }
        let has_it = matches!(&self.status, Status::Acknowledged { by: By::Person(person), .. } if *person == to);
        if has_it || self.handover.as_ref().is_some_and(|handover| handover.to == to) {
            return Ok((escalation, Vec::new()));
        }
        let seconds = policies.policy(self).step(self.step).acknowledge_within_seconds;
        let accept_by = after(now, i64::from(seconds) * 1_000);
        escalation.handover = Some(Handover { from: by.clone(), to: to.clone(), accept_by });
        Ok((escalation, one(now, What::HandedOver { by, to, accept_by })))
    }

    /// Whoever was asked takes it over.
    pub fn accept(&self, by: PersonId, now: Timestamp) -> Result<Happened, TransitionError> {
        let mut escalation = self.clone();
        if matches!(&self.status, Status::Acknowledged { by: By::Person(person), .. } if *person == by) {
            return Ok((escalation, Vec::new()));
        }
        if self.handover.as_ref().is_none_or(|handover| handover.to != by) {
            return Err(TransitionError::NotTheirs(by));
        }
        escalation.handover = None;
        escalation.handoffs = self.handoffs.saturating_add(1);
        escalation.status = Status::Acknowledged { at: now, by: By::Person(by.clone()) };
        Ok((escalation, one(now, What::Accepted { by })))
    }

    /// Its clocks count from another moment on: from an earlier one, because the customer had said it before the case was
    /// opened; or anew from a later one, where marks are told again.
    pub fn set_clocks(
        &self,
        by: PersonId,
        since: Timestamp,
        policies: &EscalationPolicies,
        now: Timestamp,
    ) -> Result<Happened, TransitionError> {
        if !self.status.is_active() {
            return Err(self.not_possible("set the clocks of"));
        }
        let Cause::Case { case } = &self.cause else { return Err(TransitionError::Clocks(since)) };
        if since > now || since < after(now, -MAX_BACK_DAYS * 86_400_000) {
            return Err(TransitionError::Clocks(since));
        }
        let mut escalation = self.clone();
        let before = self.clocks_since.unwrap_or_else(|| policies.sla_of(self).begins(case));
        if since == before {
            return Ok((escalation, Vec::new()));
        }
        if since > before {
            escalation.told.clear();
        }
        escalation.clocks_since = Some(since);
        Ok((escalation, one(now, What::ClocksSet { by, since })))
    }

    /// It ended too early: it begins again with its first step.
    pub fn reopen(&self, by: PersonId, now: Timestamp) -> Result<Happened, TransitionError> {
        let mut escalation = self.clone();
        if self.status.is_active() {
            return Ok((escalation, Vec::new()));
        }
        escalation.nobodys(now);
        escalation.step = 0;
        escalation.given_back_at = Some(now);
        Ok((escalation, one(now, What::Reopened { by })))
    }

    /// When something happens by itself beside clocks and steps: it wakes, or a hand-over was not accepted.
    pub(super) fn awaited(&self) -> Option<Timestamp> {
        match &self.status {
            Status::Snoozed { until, .. } => Some(*until),
            Status::Acknowledged { .. } => self.handover.as_ref().map(|handover| handover.accept_by),
            Status::Open | Status::Resolved { .. } => None,
        }
    }

    pub(super) fn wake(&mut self, now: Timestamp, facts: &mut Vec<EscalationFact>) {
        if let Status::Snoozed { until, .. } = self.status
            && until <= now
        {
            self.nobodys(until);
            self.given_back_at = Some(until);
            facts.extend(one(until, What::Woke));
        }
    }

    /// Nobody said yes in time: the next role is told, the last one again.
    pub(super) fn miss_handover(
        &mut self,
        policies: &EscalationPolicies,
        now: Timestamp,
        facts: &mut Vec<EscalationFact>,
    ) {
        let Some(at) = self.handover.as_ref().map(|handover| handover.accept_by).filter(|at| *at <= now) else {
            return;
        };
        let policy = policies.policy(self);
        let (step, role) = {
            let next = self.step.saturating_add(1).min(policy.last());
            (next, policy.step(next).role)
        };
        self.nobodys(at);
        (self.step, self.given_back_at) = (step, Some(at));
        facts.extend(one(at, What::Advanced { step, role, repeats: 0 }));
    }

    /// It is nobody's from a moment on, at which the role of its step is told.
    fn nobodys(&mut self, at: Timestamp) {
        (self.status, self.handover) = (Status::Open, None);
        (self.repeats, self.told_role_at) = (0, at);
    }

    const fn not_possible(&self, action: &'static str) -> TransitionError {
        TransitionError::Status { action, status: self.status.name() }
    }
}

fn one(at: Timestamp, what: What) -> Vec<EscalationFact> {
    vec![EscalationFact { at, what }]
}

//! Which way a case goes beside its severity: its tier, its customer and how much that one counts, as these change.
//!
//! What passed stays: hours that a new contract counts count from then on, and a tier that a case comes to is told only
//! where nobody has it.

use super::{Cause, Escalation, EscalationFact, EscalationPolicies, Happened, Standing, Status, What};
use crate::account::Account;
use crate::case::Case;
use crate::priority::{Importance, reopened};
use crate::routing::{Route, Work};
use crate::signal::Severity;
use crate::sla::Terms;
use jiff::Timestamp;

impl EscalationPolicies {
    /// How a case of an account stands: the tier of its category, or the next one where it came back too often or is complex
    /// and important, with the reason. `handed_over` is how often it went from person to person here.
    pub fn standing(&self, case: &Case, account: Option<&Account>, handed_over: u32) -> (Standing, Option<String>) {
        let plain = Standing::default();
        let priority = self.policies.priority;
        let segment = account.map_or(plain.segment, |account| account.segment);
        let importance = account.map_or(Importance::Ordinary, |known| priority.importance(known.segment, known.arr));
        let tier = case.category().and_then(|category| self.category(category)).map_or(plain.tier, |known| known.tier);
        let handoffs = case.handoffs().saturating_add(handed_over);
        let raised = priority.next_tier(tier, reopened(case), handoffs, importance);
        let (tier, reason) = raised.map_or((tier, None), |(tier, reason)| (tier, Some(reason)));
        (Standing { tier, segment, importance }, reason)
    }
}

impl Escalation {
    /// It stands otherwise from now on: another contract, another tier, another importance of its customer.
    pub fn stands(
        &self,
        (standing, reason): (Standing, Option<String>),
        policies: &EscalationPolicies,
        now: Timestamp,
    ) -> Happened {
        let mut escalation = self.clone();
        let mut facts = Vec::new();
        let before = std::mem::replace(&mut escalation.standing, standing);
        escalation.severity = escalation.severity_now();
        if self.status.is_active() {
            escalation.take_terms(policies, now);
        }
        if before.tier < standing.tier && self.status.is_active() {
            if self.status == Status::Open {
                (escalation.step, escalation.repeats, escalation.told_role_at) = (0, 0, now);
            }
            let reason = reason.unwrap_or_else(|| "it is about something else than was said".to_owned());
            facts.push(EscalationFact { at: now, what: What::Raised { tier: standing.tier, reason } });
        }
        (escalation, facts)
    }

    /// What whoever takes its case needs; nothing where it does not come from a case.
    pub fn work(&self, policies: &EscalationPolicies) -> Option<Work> {
        let Cause::Case { case } = &self.cause else { return None };
        let category = case.category().and_then(|category| policies.category(category));
        let skills = category.map(|category| category.skills.clone()).unwrap_or_default();
        Some(Work { tier: self.standing.tier, severity: self.severity, skills })
    }

    /// When the tier opens that it waits for, where nobody has it.
    pub(super) fn tier_opens_at(&self) -> Option<Timestamp> {
        match (&self.status, &self.route) {
            (Status::Open, Some(Route::Waits { until, .. })) => *until,
            _ => None,
        }
    }

    /// The tier that it waited for is open: whoever it goes to there is told.
    pub(super) fn enter_tier(&mut self, now: Timestamp, facts: &mut Vec<EscalationFact>) {
        if let Some(at) = self.tier_opens_at().filter(|at| *at <= now) {
            self.route = None;
            (self.repeats, self.told_role_at) = (0, at);
            facts.push(EscalationFact { at, what: What::Woke });
        }
    }

    /// How bad it is by what is known now: as its case says, or as follows from impact, urgency and whose it is.
    pub(super) fn severity_now(&self) -> Severity {
        let Cause::Case { case } = &self.cause else { return self.severity };
        case.priority().map_or_else(|| case.severity(), |priority| priority.severity(self.standing.importance))
    }

    /// The hours of its contract count from now on, if they did not.
    pub(super) fn take_terms(&mut self, policies: &EscalationPolicies, now: Timestamp) {
        if !matches!(self.cause, Cause::Case { .. }) {
            return;
        }
        let hours = &policies.sla_of(self).hours;
        match &mut self.terms {
            Some(terms) => terms.change(now, hours),
            None => self.terms = Some(Terms::from(hours.clone())),
        }
    }
}

//! Escalations: an episode that needs people, who are told in order until somebody takes it on.
//!
//! Nothing that is acknowledged pages again, nothing that is resolved does anything, and asking for what is so already
//! changes nothing. What happens depends on the moments alone, not on how often [`Escalation::tick`] is asked. An
//! escalation that comes from a case follows its news: they drive the clocks, an answer acknowledges it, the solution
//! resolves it.

mod action;
mod fact;
pub mod glass;
pub mod policy;
mod standing;

pub use action::{Handover, MAX_BACK_DAYS, MAX_SNOOZE_DAYS};
pub use fact::{EscalationFact, TransitionError, What};
pub use policy::{Category, Cell, EscalationPolicies, Policies, Policy, PolicyFault, Role, Step, Target};

use crate::account::Segment;
use crate::case::{Case, News};
use crate::digest::Digest;
use crate::id::{AccountId, CtaId, EscalationId, IdError, PersonId, RuleId, TenantId};
use crate::priority::Importance;
use crate::roster::Tier;
use crate::routing::Route;
use crate::signal::{CaseStatus, Severity};
use crate::sla::{Clock, ClockKind, Mark, Terms, Under, after};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The longest outcome, in characters.
pub const MAX_WORDS: usize = 500;

/// What brought an escalation about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "cause", rename_all = "snake_case")]
pub enum Cause {
    /// A support case.
    Case {
        /// The case, as far as it is known here.
        case: Case,
    },
    /// A rule that asks for people.
    Rule {
        /// The rule.
        rule: RuleId,
        /// The call to action of its episode.
        cta: CtaId,
    },
    /// Somebody who breaks the glass: executives are told at once.
    Person {
        /// Tells this emergency from others: who breaks the glass again with the same key joins the same escalation.
        key: CtaId,
        /// Who.
        by: PersonId,
    },
}

impl Cause {
    /// The id that an escalation from this cause has: the same cause never opens two.
    pub fn escalation_id(&self, tenant: &TenantId, account: &AccountId) -> Result<EscalationId, IdError> {
        let (kind, key) = match self {
            Self::Case { case } => ("case", case.id.as_str()),
            Self::Rule { cta, .. } => ("rule", cta.as_str()),
            Self::Person { key, .. } => ("person", key.as_str()),
        };
        let digest = Digest::of("escalation", [tenant.as_str(), account.as_str(), kind, key]);
        EscalationId::new(format!("esc-{}", digest.short()))
    }
}

/// Who did something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// A person.
    Person(PersonId),
    /// The news of the case.
    Case,
}

/// Where an escalation is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum Status {
    /// Nobody has taken it on.
    Open,
    /// Somebody has taken it on.
    Acknowledged {
        /// When.
        at: Timestamp,
        /// Who.
        by: By,
    },
    /// Nobody is told until then.
    Snoozed {
        /// When it wakes.
        until: Timestamp,
        /// Who wants that.
        by: PersonId,
    },
    /// It ended.
    Resolved {
        /// When.
        at: Timestamp,
        /// Who ended it.
        by: By,
        /// How, in plain words.
        outcome: String,
    },
}

impl Status {
    /// The status as it is written.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Acknowledged { .. } => "acknowledged",
            Self::Snoozed { .. } => "snoozed",
            Self::Resolved { .. } => "resolved",
        }
    }

    /// Whether it has not ended.
    pub const fn is_active(&self) -> bool {
        !matches!(self, Self::Resolved { .. })
    }
}

/// What decides beside the severity which way an escalation goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// The support tier that it begins in.
    pub tier: Tier,
    /// Which kind of customer it is about.
    pub segment: Segment,
    /// How much that customer counts.
    #[serde(default)]
    pub importance: Importance,
}

impl Default for Standing {
    /// Where nothing else is known.
    fn default() -> Self {
        Self { tier: Tier::First, segment: Segment::MidMarket, importance: Importance::Ordinary }
    }
}

/// An episode that needs people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Escalation {
    /// Follows from its cause.
    pub id: EscalationId,
    /// About which account.
    pub account: AccountId,
    /// What brought it about.
    pub cause: Cause,
    /// How bad it is.
    pub severity: Severity,
    /// Why, in plain words.
    pub reason: String,
    /// Where it is.
    pub status: Status,
    /// The step of its policy, from 0.
    pub step: u32,
    /// How often the role of this step has been told again.
    pub repeats: u32,
    /// When the role of this step was last told.
    pub told_role_at: Timestamp,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// The last mark of each clock that was told.
    pub told: BTreeMap<ClockKind, Mark>,
    /// Which way it goes.
    #[serde(default)]
    pub standing: Standing,
    /// Who is to take it over, if somebody is asked to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handover: Option<Handover>,
    /// How often it went from one person to another.
    #[serde(default)]
    pub handoffs: u32,
    /// Since when it is nobody's again, where whoever had it gave it back or opened it again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub given_back_at: Option<Timestamp>,
    /// The hours that its clocks have counted in, as contracts changed them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terms: Option<Terms>,
    /// From when on its clocks count, where somebody said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clocks_since: Option<Timestamp>,
    /// Since when the customer waits for the answer of which marks were told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub round_since: Option<Timestamp>,
    /// To whom its case goes, and why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route: Option<Route>,
}

/// An escalation as it is now, and what happened to it.
pub type Happened = (Escalation, Vec<EscalationFact>);

impl Escalation {
    /// Opens an escalation of which nothing else is known. A case that is answered or solved already is told so at once.
    pub fn open(
        tenant: &TenantId,
        account: &AccountId,
        cause: Cause,
        severity: Severity,
        reason: impl Into<String>,
        policies: &EscalationPolicies,
        now: Timestamp,
    ) -> Result<Happened, IdError> {
        Self::open_as(tenant, account, (cause, Standing::default()), severity, reason, policies, now)
    }

    /// Opens an escalation that goes the way of its standing.
    pub fn open_as(
        tenant: &TenantId,
        account: &AccountId,
        (cause, standing): (Cause, Standing),
        severity: Severity,
        reason: impl Into<String>,
        policies: &EscalationPolicies,
        now: Timestamp,
    ) -> Result<Happened, IdError> {
        let mut escalation = Self {
            id: cause.escalation_id(tenant, account)?,
            account: account.clone(),
            severity,
            cause,
            reason: reason.into(),
            status: Status::Open,
            step: 0,
            repeats: 0,
            told_role_at: now,
            opened_at: now,
            told: BTreeMap::new(),
            standing,
            handover: None,
            handoffs: 0,
            given_back_at: None,
            terms: None,
            clocks_since: None,
            round_since: None,
            route: None,
        };
        escalation.severity = escalation.severity_now();
        escalation.take_terms(policies, now);
        let mut facts = vec![EscalationFact { at: now, what: What::Opened }];
        let (escalation, more) = escalation.follow_case(policies, now);
        facts.extend(more);
        Ok((escalation, facts))
    }

    /// Takes in one piece of news of its case. An escalation that comes from a rule has no case: nothing changes.
    pub fn record(&self, news: News, policies: &EscalationPolicies, now: Timestamp) -> Happened {
        self.record_all([news], policies, now)
    }

    /// Takes in news of its case, all together: what an earlier one alone would look like is never told.
    pub fn record_all(
        &self,
        all: impl IntoIterator<Item = News>,
        policies: &EscalationPolicies,
        now: Timestamp,
    ) -> Happened {
        let mut escalation = self.clone();
        let Cause::Case { case } = &mut escalation.cause else { return (escalation, Vec::new()) };
        let new = all.into_iter().filter_map(|news| case.record(news)).count();
        if new == 0 { (escalation, Vec::new()) } else { escalation.follow_case(policies, now) }
    }

    /// Somebody takes it on.
    pub fn acknowledge(&self, by: PersonId, now: Timestamp) -> Result<Happened, TransitionError> {
        let mut escalation = self.clone();
        match self.status {
            Status::Resolved { .. } => Err(TransitionError::Resolved),
            Status::Acknowledged { .. } => Ok((escalation, Vec::new())),
            Status::Open | Status::Snoozed { .. } => {
                let fact = escalation.acknowledged(By::Person(by), now);
                Ok((escalation, vec![fact]))
            }
        }
    }

    /// Somebody ends it.
    pub fn resolve(&self, by: PersonId, outcome: &str, now: Timestamp) -> Result<Happened, TransitionError> {
        let mut escalation = self.clone();
        if !self.status.is_active() {
            return Ok((escalation, Vec::new()));
        }
        let length = outcome.chars().count();
        if outcome.trim().is_empty() || length > MAX_WORDS {
            return Err(TransitionError::Words(length));
        }
        let fact = escalation.resolved(By::Person(by), outcome.to_owned(), now);
        Ok((escalation, vec![fact]))
    }

    /// What is due by now: marks of the clocks, and roles to be told because nobody took it on.
    pub fn tick(&self, policies: &EscalationPolicies, now: Timestamp) -> Happened {
        let mut escalation = self.clone();
        let mut facts = Vec::new();
        if escalation.status.is_active() {
            escalation.tell_marks(policies, now, &mut facts);
            escalation.wake(now, &mut facts);
            escalation.enter_tier(now, &mut facts);
            escalation.miss_handover(policies, now, &mut facts);
            escalation.tell_roles(policies, now, &mut facts);
            facts.sort_by_key(|fact| fact.at);
        }
        (escalation, facts)
    }

    /// When [`Escalation::tick`] will next have something to say, as things stand.
    pub fn next_due(&self, policies: &EscalationPolicies) -> Option<Timestamp> {
        if !self.status.is_active() {
            return None;
        }
        let marks = self.clocks(policies).into_iter().filter_map(|clock| clock.next_due(self.told_of(&clock)));
        let role = self.next_role(policies).map(|(at, ..)| at);
        marks.map(|(at, _)| at).chain(role).chain(self.awaited()).chain(self.tier_opens_at()).min()
    }

    /// The clocks that its case runs or ran against; none where it does not come from a case.
    pub fn clocks(&self, policies: &EscalationPolicies) -> Vec<Clock> {
        match &self.cause {
            Cause::Case { case } => {
                let policy = policies.sla_of(self);
                let terms = self.terms.clone().unwrap_or_else(|| policy.hours.clone().into());
                let under = Under { severity: self.severity, policy, terms: &terms, since: self.clocks_since };
                ClockKind::ALL.into_iter().flat_map(|kind| Clock::all_of(kind, case, &under)).collect()
            }
            Cause::Rule { .. } | Cause::Person { .. } => Vec::new(),
        }
    }

    /// When the next clock runs out; where all that run have run out, when the first one did.
    pub fn breach_at(&self, policies: &EscalationPolicies, now: Timestamp) -> Option<Timestamp> {
        if !self.status.is_active() {
            return None;
        }
        let running = self.clocks(policies).into_iter().filter(|clock| clock.stopped_at.is_none());
        let breaches: Vec<Timestamp> = running.filter_map(|clock| clock.reaches(Mark::BREACH)).collect();
        breaches.iter().filter(|at| **at > now).min().or_else(|| breaches.iter().min()).copied()
    }

    /// The role that is told at the step where it is.
    pub fn role(&self, policies: &EscalationPolicies) -> Role {
        policies.policy(self).step(self.step).role
    }

    fn acknowledged(&mut self, by: By, at: Timestamp) -> EscalationFact {
        (self.handover, self.given_back_at) = (None, None);
        self.status = Status::Acknowledged { at, by: by.clone() };
        EscalationFact { at, what: What::Acknowledged { by } }
    }

    fn resolved(&mut self, by: By, outcome: String, at: Timestamp) -> EscalationFact {
        self.handover = None;
        self.status = Status::Resolved { at, by, outcome: outcome.clone() };
        EscalationFact { at, what: What::Resolved { outcome } }
    }

    /// What the news of the case mean: another severity, an answer, the solution, or that it came back.
    fn follow_case(mut self, policies: &EscalationPolicies, now: Timestamp) -> Happened {
        let mut facts = Vec::new();
        let Cause::Case { case } = &self.cause else { return (self, facts) };
        let resolved_at = case.resolved_at();
        // What was answered before somebody gave it back does not make it theirs again.
        let responded_at = match self.given_back_at {
            None => case.responded_at(),
            Some(since) => {
                case.news().find(|news| news.at > since && news.status != CaseStatus::Opened).map(|news| news.at)
            }
        };
        if matches!(self.status, Status::Resolved { by: By::Person(_), .. }) {
            return (self, facts);
        }
        self.severity = self.severity_now();
        if !self.status.is_active() && resolved_at.is_none() {
            self.status = Status::Open;
            (self.step, self.repeats, self.told_role_at) = (0, 0, now);
            facts.push(EscalationFact { at: now, what: What::Opened });
        } else if let (Status::Open | Status::Snoozed { .. }, Some(at)) = (&self.status, responded_at) {
            // Told as of now: what was told before this news came is older than it.
            facts.push(EscalationFact { at: now, ..self.acknowledged(By::Case, at.max(self.opened_at)) });
        }
        if self.status.is_active() {
            // Before it ends: what the clocks passed until then is told.
            self.tell_marks(policies, now, &mut facts);
            if let Some(at) = resolved_at {
                let resolved = self.resolved(By::Case, "the case was resolved".into(), at.max(self.opened_at));
                facts.push(EscalationFact { at: now, ..resolved });
            }
        }
        (self, facts)
    }

    fn tell_marks(&mut self, policies: &EscalationPolicies, now: Timestamp, facts: &mut Vec<EscalationFact>) {
        for clock in self.clocks(policies) {
            if clock.kind == ClockKind::NextResponse {
                match self.round_since {
                    Some(since) if clock.started_at < since => continue,
                    Some(since) if clock.started_at == since => {}
                    _ => {
                        self.told.remove(&clock.kind);
                        self.round_since = Some(clock.started_at);
                    }
                }
            }
            while let Some((at, mark)) = clock.next_due(self.told_of(&clock))
                && at <= now
            {
                self.told.insert(clock.kind, mark);
                let what = match mark {
                    Mark::BREACH => What::SlaBreached { clock: clock.kind },
                    mark => What::SlaWarned { clock: clock.kind, percent: mark.percent() },
                };
                facts.push(EscalationFact { at, what });
            }
        }
    }

    /// The last mark of a clock that was told: of a round of answers that began later than the last one that was looked at,
    /// none; of one before it, all.
    fn told_of(&self, clock: &Clock) -> Option<Mark> {
        let told = self.told.get(&clock.kind).copied();
        match (clock.kind, self.round_since) {
            (ClockKind::NextResponse, Some(since)) if clock.started_at < since => Some(Mark::BREACH),
            (ClockKind::NextResponse, Some(since)) if clock.started_at == since => told,
            (ClockKind::NextResponse, _) => None,
            _ => told,
        }
    }

    fn tell_roles(&mut self, policies: &EscalationPolicies, now: Timestamp, facts: &mut Vec<EscalationFact>) {
        while let Some((at, step, repeats)) = self.next_role(policies)
            && at <= now
        {
            (self.step, self.repeats, self.told_role_at) = (step, repeats, at);
            let role = policies.policy(self).step(step).role;
            facts.push(EscalationFact { at, what: What::Advanced { step, role, repeats } });
        }
    }

    /// When which step is told next, if nobody takes it on: the same role again as often as it has repeats, then the next.
    fn next_role(&self, policies: &EscalationPolicies) -> Option<(Timestamp, u32, u32)> {
        if self.status != Status::Open {
            return None;
        }
        let policy = policies.policy(self);
        let step = policy.step(self.step);
        let at = after(self.told_role_at, i64::from(step.acknowledge_within_seconds) * 1_000);
        let now_at = self.step.min(policy.last());
        if self.repeats < step.repeats {
            Some((at, now_at, self.repeats + 1))
        } else if now_at < policy.last() {
            Some((at, now_at + 1, 0))
        } else {
            None
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;

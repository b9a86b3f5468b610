//! What the outcomes of the rules do to the episodes of an account.
//!
//! While the account may be lost nobody works on its growth: a rule of expansion opens nothing while a call to action about
//! a risk is live, and what it had opened ends; when the risk is over and the rule is still true, it comes back.

use super::{Cta, CtaChange, Ending, Episode, Episodes, EscalationRequest, Status, cta_id, days_after, priority};
use crate::account::Account;
use crate::calendar::WorkCalendar;
use crate::id::{RuleId, TenantId};
use crate::rule::{CtaKind, Evidence, Outcome, Rule, RuleSet, Truth};
use jiff::Timestamp;
use std::collections::BTreeMap;

/// What has changed, and what is to be done about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// The episodes as they are now.
    pub episodes: Episodes,
    /// What became of calls to action: those of withdrawn rules, then by rule, those of expansion behind the others.
    pub changes: Vec<CtaChange>,
    /// Who is asked for, by rule.
    pub requests: Vec<EscalationRequest>,
}

impl Decision {
    /// The rules whose calls to action it opens or reopens.
    pub fn opened(&self) -> impl Iterator<Item = &RuleId> {
        self.changes.iter().filter_map(|change| match change {
            CtaChange::Opened { cta, .. } => Some(&cta.rule),
            _ => None,
        })
    }
}

/// Decides. The same outcomes at the same moment decide the same; deciding twice changes nothing the second time.
pub fn decide(
    tenant: &TenantId,
    account: &Account,
    rules: &RuleSet,
    episodes: &Episodes,
    outcomes: &[Outcome],
    now: Timestamp,
) -> Decision {
    let mut decision = Decision { episodes: episodes.clone(), changes: Vec::new(), requests: Vec::new() };
    // First: a risk whose rule is gone holds nothing back.
    for episode in decision.episodes.by_rule.values_mut() {
        if episode.cta.status.is_live() && rules.get(&episode.cta.rule).is_none() {
            let reason = "the rule was withdrawn".to_owned();
            end(episode, now, reason.clone());
            decision.changes.push(CtaChange::Closed { cta: episode.cta.clone(), how: Ending::Cleared, reason });
        }
    }
    let outcomes: BTreeMap<_, _> = outcomes.iter().map(|outcome| (&outcome.rule, outcome)).collect();
    let all = outcomes.values().filter_map(|outcome| rules.get(&outcome.rule).map(|rule| (rule, *outcome)));
    let (growth, others): (Vec<_>, Vec<_>) = all.partition(|(rule, _)| rule.cta.kind == CtaKind::Expansion);
    for (rule, outcome) in others.into_iter().chain(growth) {
        let held_back = rule.cta.kind == CtaKind::Expansion && decision.episodes.is_at_risk();
        let context = Context { tenant, account, rule, calendar: rules.calendar(), outcome, held_back, now };
        let episode = decision.episodes.by_rule.remove(&rule.id);
        let before = episode.clone();
        let Some(episode) = context.step(episode) else { continue };
        decision.changes.extend(context.change(before.as_ref(), &episode));
        if before.is_none_or(|before| before.number != episode.number) {
            decision.requests.extend(context.request(&episode.cta));
        }
        decision.episodes.by_rule.insert(rule.id.clone(), episode);
    }
    decision
}

fn end(episode: &mut Episode, now: Timestamp, outcome: String) {
    episode.cta.status = Status::Closed { at: now, outcome, cleared: true };
    episode.cta.updated_at = now;
    episode.paused = true;
}

/// One rule on one account at one moment.
struct Context<'a> {
    tenant: &'a TenantId,
    account: &'a Account,
    rule: &'a Rule,
    calendar: Option<&'a WorkCalendar>,
    outcome: &'a Outcome,
    /// Whether a risk goes before it.
    held_back: bool,
    now: Timestamp,
}

impl Context<'_> {
    /// The episode after this moment; nothing where there was none and none begins.
    fn step(&self, episode: Option<Episode>) -> Option<Episode> {
        let fires = self.outcome.when.truth.is_true() && !self.held_back;
        match episode {
            None if fires => self.begin(1),
            None => None,
            Some(episode) if episode.cta.status.is_live() => Some(self.go_on(episode)),
            Some(episode) => Some(self.after_the_end(episode, fires)),
        }
    }

    fn begin(&self, number: u32) -> Option<Episode> {
        // Made of our own digits: always an id.
        let id = cta_id(self.tenant, &self.account.id, &self.rule.id, number).ok()?;
        let template = &self.rule.cta;
        let cta = Cta {
            id,
            account: self.account.id.clone(),
            rule: self.rule.id.clone(),
            kind: template.kind,
            reason: template.reason.clone(),
            evidence: self.outcome.when.reasons(),
            severity: template.severity,
            confidence_percent: self.outcome.when.confidence_percent,
            priority: priority(self.account.arr, template.severity, self.outcome.when.confidence_percent),
            owner: self.account.owner.clone(),
            status: Status::Open,
            opened_at: self.now,
            updated_at: self.now,
            due_at: self.due(),
            fired: 1,
            reopened: 0,
        };
        let evidence = self.outcome.when.evidence;
        Some(Episode { number, cta, evidence, false_since: None, not_true_since: None, paused: false })
    }

    /// When a call to action is due that opens now.
    fn due(&self) -> Timestamp {
        let days = self.rule.cta.due_in_days;
        self.calendar.map_or_else(|| days_after(self.now, days), |calendar| calendar.due(self.now, days))
    }

    /// An episode that has not ended: it may fire again, wake or end.
    fn go_on(&self, mut episode: Episode) -> Episode {
        let before = episode.cta.clone();
        if let Status::Snoozed { until, .. } = episode.cta.status
            && until <= self.now
        {
            episode.cta.status = Status::Open;
        }
        if self.is_news(&episode) {
            episode.cta.fired = episode.cta.fired.saturating_add(1);
            episode.cta.evidence = self.outcome.when.reasons();
            episode.cta.confidence_percent = self.outcome.when.confidence_percent;
        }
        episode.cta.owner.clone_from(&self.account.owner);
        episode.cta.priority = priority(self.account.arr, episode.cta.severity, episode.cta.confidence_percent);
        self.remember(&mut episode);
        let over = |since: Option<Timestamp>, days| since.is_some_and(|since| days_after(since, days) <= self.now);
        if self.held_back {
            end(&mut episode, self.now, "a risk goes before growth; it comes back when that is over".to_owned());
        } else if over(episode.false_since, self.rule.clear_days) {
            end(&mut episode, self.now, format!("the cause has been gone for {} days", self.rule.clear_days));
        } else if over(episode.not_true_since, self.rule.lapse_days) {
            end(&mut episode, self.now, format!("the cause was not seen for {} days", self.rule.lapse_days));
        }
        if episode.cta != before {
            episode.cta.updated_at = self.now;
        }
        episode
    }

    /// An ended episode: its cause may come back, or a new one may begin once the cool-off is over.
    fn after_the_end(&self, mut episode: Episode, fires: bool) -> Episode {
        let ended_at = episode.cta.status.ended_at().unwrap_or(self.now);
        let cool = days_after(ended_at, self.rule.cool_off_days) <= self.now;
        let news = self.is_news(&episode);
        if self.outcome.when.truth == Truth::False {
            episode.paused = true;
        }
        if fires && cool {
            return self.begin(episode.number.saturating_add(1)).unwrap_or(episode);
        }
        let can_come_back = matches!(episode.cta.status, Status::Closed { .. }) && (episode.paused || news);
        if fires && can_come_back {
            let cta = &mut episode.cta;
            cta.status = Status::Open;
            cta.reopened = cta.reopened.saturating_add(1);
            cta.fired = cta.fired.saturating_add(1);
            cta.updated_at = self.now;
            cta.due_at = self.due();
            cta.evidence = self.outcome.when.reasons();
            cta.confidence_percent = self.outcome.when.confidence_percent;
            cta.priority = priority(self.account.arr, cta.severity, cta.confidence_percent);
            episode.paused = false;
        }
        self.remember(&mut episode);
        episode
    }

    /// Whether the rule rests on something that it had not seen when it was last looked at.
    fn is_news(&self, episode: &Episode) -> bool {
        let when = &self.outcome.when;
        when.truth.is_true()
            && match (&when.evidence, &episode.evidence) {
                (Some(now), Some(earlier)) => now.is_news_after(earlier),
                _ => false,
            }
    }

    /// Changes nothing while nothing changes, so that looking again and again writes nothing.
    fn remember(&self, episode: &mut Episode) {
        let events = |evidence: &Option<Evidence>| evidence.map(|evidence| (evidence.latest_event, evidence.events));
        let seen = self.outcome.when.evidence;
        if self.outcome.when.truth.is_true() && events(&seen) != events(&episode.evidence) {
            episode.evidence = seen;
        }
        let stays = self.outcome.stays;
        let since = |was: Option<Timestamp>, is: bool| if is { was.or(Some(self.now)) } else { None };
        episode.false_since = since(episode.false_since, stays == Truth::False);
        episode.not_true_since = since(episode.not_true_since, !stays.is_true());
    }

    fn change(&self, before: Option<&Episode>, after: &Episode) -> Option<CtaChange> {
        let cta = after.cta.clone();
        let Some(before) = before.filter(|before| before.number == after.number) else {
            return Some(CtaChange::Opened { cta, reopened: false });
        };
        match (before.cta.status.is_live(), &after.cta.status) {
            (true, Status::Closed { outcome, .. }) => {
                Some(CtaChange::Closed { reason: outcome.clone(), cta, how: Ending::Cleared })
            }
            (false, status) if status.is_live() => Some(CtaChange::Opened { cta, reopened: true }),
            _ => (before.cta != after.cta).then_some(CtaChange::Updated { cta }),
        }
    }

    fn request(&self, cta: &Cta) -> Option<EscalationRequest> {
        self.rule.escalation.as_ref().map(|template| EscalationRequest {
            rule: self.rule.id.clone(),
            cta: cta.id.clone(),
            severity: template.severity,
            reason: template.reason.clone(),
            at: self.now,
        })
    }
}

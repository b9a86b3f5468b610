//! The portfolio's rows: what a fact says of its account, put where its row is. Any order of the facts, each any number of
//! times, gives the same rows.

use crate::timeline;
use async_trait::async_trait;
use contract::event::{BandChanged, CtaBody, EscalationBody, Event, Fact, HealthScored};
use domain::account::Money;
use domain::band::Band;
use domain::fixed::Points;
use domain::id::AccountId;
use domain::portfolio::{self, CtaView, EscalationView, Fall, Health, Profile, Row, Stamp};
use platform::function::{Failure, Ports};
use platform::keys;
use platform::once::{self, Decide, Effect};

/// Takes a fact in. One that is about no account changes no row.
pub async fn take_in(ports: &Ports, event: &Event) -> Result<(), Failure> {
    let Some(account) = &event.meta.account else {
        return Ok(());
    };
    let row = TakeIn { ports, event, account, facts: of_row(event)? };
    once::handle(ports, &keys::portfolio_row(&event.meta.tenant, account), &event.meta.event_id, &row).await?;
    Ok(())
}

struct TakeIn<'a> {
    ports: &'a Ports,
    event: &'a Event,
    account: &'a AccountId,
    facts: Vec<portfolio::Fact>,
}

#[async_trait]
impl Decide for TakeIn<'_> {
    type State = Row;

    async fn decide(&self, state: Option<Row>) -> Result<Option<Effect<Row>>, Failure> {
        let known = state.is_some();
        let mut row = state.unwrap_or_else(|| Row::new(self.account.clone()));
        let stamp = Stamp { at: self.event.meta.occurred_at, event: self.event.meta.event_id.clone() };
        let mut changed = !known;
        for fact in &self.facts {
            changed |= row.apply(stamp.clone(), fact.clone());
        }
        let line = timeline::line(self.ports, self.event, self.account).await?;
        if !changed && line.is_none() {
            return Ok(None);
        }
        Ok(Some(Effect { state: row, writes: line.into_iter().collect(), events: Vec::new() }))
    }
}

/// What an event says of its account's row.
fn of_row(event: &Event) -> Result<Vec<portfolio::Fact>, Failure> {
    Ok(match &event.fact {
        Fact::AccountChanged(fact) => vec![portfolio::Fact::Profile(Profile {
            name: fact.account.name.clone(),
            arr: Money::from_cents(fact.account.arr_cents),
            segment: fact.account.segment,
            stage: fact.account.stage,
        })],
        Fact::HealthScored(fact) => vec![health(fact)?],
        Fact::HealthBlanked(_) => vec![portfolio::Fact::Left],
        Fact::BandChanged(fact) => fall(fact)?.into_iter().collect(),
        Fact::CtaOpened(fact) => vec![cta(&fact.cta)],
        Fact::CtaUpdated(fact) => vec![cta(&fact.cta)],
        Fact::CtaClosed(fact) => vec![portfolio::Fact::CtaEnded(fact.cta.clone())],
        Fact::EscalationOpened(fact) => vec![escalation(&fact.escalation, false)],
        Fact::EscalationAdvanced(fact) => vec![escalation(&fact.escalation, false)],
        Fact::EscalationMoved(fact) => vec![escalation(&fact.escalation, fact.acknowledged)],
        Fact::EscalationUpdated(fact) => vec![escalation(&fact.escalation, fact.acknowledged)],
        Fact::EscalationAcknowledged(fact) => vec![escalation(&fact.escalation, true)],
        Fact::EscalationResolved(fact) => vec![portfolio::Fact::EscalationEnded(fact.escalation.escalation.clone())],
        // A clock's mark says nothing of who has it: the row learns of that from the facts above.
        Fact::SlaWarned(_) | Fact::SlaBreached(_) => Vec::new(),
        Fact::SignalsRecorded(_)
        | Fact::CaseOpened(_)
        | Fact::CaseChanged(_)
        | Fact::SourceSilent(_)
        | Fact::DataQualityChanged(_)
        | Fact::RecordsQuarantined(_)
        | Fact::ScoreRunCompleted(_)
        | Fact::RiskChanged(_)
        | Fact::AnomalyFound(_)
        | Fact::RulesActivated(_)
        | Fact::RuleHeld(_)
        | Fact::RuleReleased(_)
        | Fact::EscalationRequested(_)
        | Fact::AccountAllocated(_)
        | Fact::SegmentEntered(_)
        | Fact::SegmentLeft(_)
        | Fact::ExperimentExposed(_)
        | Fact::DestinationDown(_)
        | Fact::DestinationRecovered(_)
        | Fact::DeliveryGivenUp(_)
        // A late step is told by its call to action.
        | Fact::PlaybookStarted(_)
        | Fact::StepOpened(_)
        | Fact::StepCompleted(_)
        | Fact::StepOverdue(_)
        | Fact::PlaybookReplanned(_)
        | Fact::PlaybookStuck(_)
        | Fact::EffectRequested(_)
        | Fact::PlaybookFinished(_) => Vec::new(),
    })
}

fn health(fact: &HealthScored) -> Result<portfolio::Fact, Failure> {
    let (score, band) = (points(&fact.score)?, band(&fact.band));
    Ok(portfolio::Fact::Health(Health { score, band, provisional: fact.provisional }))
}

/// A band that was left downwards. The reasons add up to the fall.
fn fall(fact: &BandChanged) -> Result<Option<portfolio::Fact>, Failure> {
    let (Some(from), Some(to)) = (fact.from.as_deref().and_then(band), band(&fact.to)) else {
        return Ok(None);
    };
    if to >= from {
        return Ok(None);
    }
    let score = points(&fact.score)?;
    let moved =
        fact.reasons.iter().try_fold(Points::ZERO, |sum, reason| points(&reason.points).map(|part| sum.plus(part)))?;
    let reasons = fact.reasons.iter().map(|reason| reason.text.clone()).collect();
    Ok(Some(portfolio::Fact::Fell(Fall { from: score.minus(moved), to: score, reasons })))
}

/// What is snoozed is nobody's task until it wakes.
fn cta(body: &CtaBody) -> portfolio::Fact {
    if body.status == "snoozed" {
        return portfolio::Fact::CtaEnded(body.cta.clone());
    }
    let view = CtaView {
        rule: body.rule.clone(),
        reason: body.reason.clone(),
        priority: body.priority,
        owner: body.owner.clone(),
        opened_at: body.opened_at,
        due_at: body.due_at,
    };
    portfolio::Fact::CtaLive(body.cta.clone(), view)
}

fn escalation(body: &EscalationBody, acknowledged: bool) -> portfolio::Fact {
    let view = EscalationView {
        severity: body.severity,
        reason: body.reason.clone(),
        role: body.role.clone(),
        acknowledged,
        opened_at: body.opened_at,
        breach_at: body.breach_at,
    };
    portfolio::Fact::EscalationLive(body.escalation.clone(), view)
}

fn band(name: &str) -> Option<Band> {
    Band::ALL.into_iter().find(|band| band.name() == name)
}

fn points(text: &str) -> Result<Points, Failure> {
    text.parse().map_err(|error| Failure::Unhandled(format!("score `{text}` {error}")))
}

//! The portfolio's rows: what a fact says of its account, put where its row is. Any order of the facts, each any number of
//! times, gives the same rows.

use crate::{counting, kept, timeline};
use async_trait::async_trait;
use contract::event::{BandChanged, CtaBody, CtaOpened, EscalationBody, Event, Fact, HealthScored};
use domain::account::Money;
use domain::band::Band;
use domain::fixed::Points;
use domain::id::{AccountId, PersonId};
use domain::portfolio::{self, AnomalyView, CtaView, EscalationView, Fall, Health, Profile, Row, Stamp};
use domain::rule::CtaKind;
use platform::function::{Failure, Ports};
use platform::keys;
use platform::once::{self, Decide, Effect};

/// Takes a fact in. One that is about no account changes no row.
pub async fn take_in(ports: &Ports, event: &Event) -> Result<(), Failure> {
    let Some(account) = &event.meta.account else {
        return Ok(());
    };
    let row = TakeIn { ports, event, account, is_told: is_told(event)? };
    once::handle(ports, &keys::portfolio_row(&event.meta.tenant, account), &event.meta.event_id, &row).await?;
    Ok(())
}

struct TakeIn<'a> {
    ports: &'a Ports,
    event: &'a Event,
    account: &'a AccountId,
    is_told: bool,
}

#[async_trait]
impl Decide for TakeIn<'_> {
    type State = Row;

    async fn decide(&self, state: Option<Row>) -> Result<Option<Effect<Row>>, Failure> {
        if !self.is_told {
            return Ok(None);
        }
        // What is kept is in the row: both are written together, so that it is counted once.
        let Some(kept) = kept::write(self.ports, self.event, self.account).await? else {
            return Ok(None);
        };
        let mut row = state.unwrap_or_else(|| Row::new(self.account.clone()));
        put_in(&mut row, self.event)?;
        Ok(Some(Effect { state: row, writes: vec![kept], events: Vec::new() }))
    }
}

/// Whether an event says anything of its account.
fn is_told(event: &Event) -> Result<bool, Failure> {
    Ok(timeline::entry(event).is_some() || !counting::counts(event).is_empty() || !of_row(event)?.is_empty())
}

/// Puts an event into its account's row. Once for each event: what is counted bears no repetition.
pub fn put_in(row: &mut Row, event: &Event) -> Result<(), Failure> {
    let stamp = Stamp { at: event.meta.occurred_at, event: event.meta.event_id.clone() };
    for fact in of_row(event)? {
        row.apply(stamp.clone(), fact);
    }
    row.count(stamp.at, &counting::counts(event));
    Ok(())
}

/// What an event says of its account's row.
fn of_row(event: &Event) -> Result<Vec<portfolio::Fact>, Failure> {
    Ok(match &event.fact {
        Fact::AccountChanged(fact) => vec![portfolio::Fact::Profile(Profile {
            name: fact.account.name.clone(),
            arr: Money::from_cents(fact.account.arr_cents),
            segment: fact.account.segment,
            stage: fact.account.stage,
            renewal_on: fact.account.renewal_on,
        })],
        Fact::HealthScored(fact) => vec![health(fact)?],
        Fact::HealthBlanked(_) => vec![portfolio::Fact::Left],
        Fact::BandChanged(fact) => moved(fact)?.into_iter().collect(),
        Fact::CtaOpened(fact) => opened(fact)?,
        Fact::CtaUpdated(fact) => vec![cta(&fact.cta)?],
        Fact::CtaClosed(fact) => vec![portfolio::Fact::CtaEnded(fact.cta.clone())],
        Fact::EscalationOpened(fact) => vec![escalation(&fact.escalation, false)],
        Fact::EscalationAdvanced(fact) => vec![escalation(&fact.escalation, false)],
        Fact::EscalationMoved(fact) => {
            let acted = fact.by.clone().map(portfolio::Fact::Acted);
            [escalation(&fact.escalation, fact.acknowledged)].into_iter().chain(acted).collect()
        }
        Fact::EscalationUpdated(fact) => vec![escalation(&fact.escalation, fact.acknowledged)],
        Fact::EscalationAcknowledged(fact) => {
            [escalation(&fact.escalation, true)].into_iter().chain(acted(Some(&fact.by))).collect()
        }
        Fact::EscalationResolved(fact) => vec![portfolio::Fact::EscalationEnded(fact.escalation.escalation.clone())],
        Fact::StepCompleted(fact) => acted(fact.step.by.as_ref()).collect(),
        Fact::AccountAllocated(fact) => vec![
            portfolio::Fact::Owned(fact.role.clone(), fact.person.clone()),
            portfolio::Fact::Acted(fact.by.clone()),
        ],
        Fact::ExperimentExposed(fact) if fact.held_out => {
            vec![portfolio::Fact::HeldOut(fact.experiment.clone())]
        }
        Fact::DataQualityChanged(fact) => {
            let what = format!("{}#{}#{}", fact.source, fact.kind, fact.metric.as_deref().unwrap_or_default());
            vec![portfolio::Fact::Data(what, fact.status == "began")]
        }
        Fact::SignalsRecorded(fact) => fact
            .reported
            .iter()
            .map(|reported| portfolio::Fact::Measured(reported.metric, reported.at, reported.latest))
            .collect(),
        Fact::AnomalyFound(fact) => vec![portfolio::Fact::Unusual(AnomalyView {
            metric: fact.metric.clone(),
            direction: fact.direction.clone(),
            severity: fact.severity.name().to_owned(),
            reason: fact.reason.clone(),
        })],
        // A clock's mark says nothing of who has it: the row learns of that from the facts above.
        Fact::SlaWarned(_) | Fact::SlaBreached(_) => Vec::new(),
        Fact::CaseOpened(_)
        | Fact::CaseChanged(_)
        | Fact::SourceSilent(_)
        | Fact::RecordsQuarantined(_)
        | Fact::ScoreRunCompleted(_)
        | Fact::RiskChanged(_)
        | Fact::RulesActivated(_)
        | Fact::RuleHeld(_)
        | Fact::RuleReleased(_)
        | Fact::EscalationRequested(_)
        | Fact::CapacityAlert(_)
        | Fact::SegmentEntered(_)
        | Fact::SegmentLeft(_)
        | Fact::ExperimentExposed(_)
        | Fact::DestinationDown(_)
        | Fact::DestinationRecovered(_)
        | Fact::DeliveryGivenUp(_)
        // A late step is told by its call to action.
        | Fact::PlaybookStarted(_)
        | Fact::StepOpened(_)
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

/// A call to action that came: whether an earlier one goes on or not, it is to be done; a new one is something begun.
fn opened(fact: &CtaOpened) -> Result<Vec<portfolio::Fact>, Failure> {
    let begun = match kind(&fact.cta)? {
        CtaKind::Risk => Some(portfolio::Fact::Begun(fact.cta.cta.clone())),
        CtaKind::Expansion => Some(portfolio::Fact::Opportunity(fact.cta.cta.clone())),
        CtaKind::Lifecycle | CtaKind::Objective => None,
    };
    Ok([cta(&fact.cta)?].into_iter().chain(begun.filter(|_| !fact.reopened)).collect())
}

/// Who did something, where that is a person.
fn acted(by: Option<&String>) -> impl Iterator<Item = portfolio::Fact> {
    by.and_then(|by| PersonId::new(by.as_str()).ok()).map(portfolio::Fact::Acted).into_iter()
}

/// A band that was left: upwards it is a rise; downwards a fall, whose reasons add up to it.
fn moved(fact: &BandChanged) -> Result<Option<portfolio::Fact>, Failure> {
    let (Some(from), Some(to)) = (fact.from.as_deref().and_then(band), band(&fact.to)) else {
        return Ok(None);
    };
    if to >= from {
        return Ok((to > from).then_some(portfolio::Fact::Rose));
    }
    let score = points(&fact.score)?;
    let moved =
        fact.reasons.iter().try_fold(Points::ZERO, |sum, reason| points(&reason.points).map(|part| sum.plus(part)))?;
    let reasons = fact.reasons.iter().map(|reason| reason.text.clone()).collect();
    Ok(Some(portfolio::Fact::Fell(Fall { from: score.minus(moved), to: score, reasons })))
}

/// What is snoozed is nobody's task until it wakes.
fn cta(body: &CtaBody) -> Result<portfolio::Fact, Failure> {
    if body.status == "snoozed" {
        return Ok(portfolio::Fact::CtaEnded(body.cta.clone()));
    }
    let view = CtaView {
        rule: body.rule.clone(),
        kind: kind(body)?,
        reason: body.reason.clone(),
        priority: body.priority,
        owner: body.owner.clone(),
        opened_at: body.opened_at,
        due_at: body.due_at,
    };
    Ok(portfolio::Fact::CtaLive(body.cta.clone(), view))
}

fn kind(body: &CtaBody) -> Result<CtaKind, Failure> {
    let all = [CtaKind::Risk, CtaKind::Lifecycle, CtaKind::Expansion, CtaKind::Objective];
    let found = all.into_iter().find(|kind| kind.name() == body.cta_type);
    found.ok_or_else(|| Failure::Unhandled(format!("there are no calls to action of type `{}`", body.cta_type)))
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

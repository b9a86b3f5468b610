//! The timeline of an account: a line for every fact that people care about, in plain words, and never rewritten.

use contract::event::{Event, Fact, RiskChanged};
use contract::report::{Timeline, TimelineEntry};
use domain::id::AccountId;
use platform::function::Ports;
use platform::http::{Caller, Problem, Request, Response};
use platform::keys;
use platform::table::{self, Range};

/// The most lines in one page.
const MAX_PAGE: usize = 100;

/// An event's line, unless it is not worth one.
pub fn entry(event: &Event) -> Option<TimelineEntry> {
    Some(TimelineEntry {
        at: event.meta.occurred_at,
        fact: event.fact.name().to_owned(),
        text: words(&event.fact)?,
        event_id: event.meta.event_id.to_string(),
        correlation_id: event.meta.correlation_id.clone(),
    })
}

/// `GET /accounts/{id}/timeline`.
pub async fn read(ports: &Ports, caller: &Caller, request: &Request) -> Result<Response, Problem> {
    let name = request.parameters.get("id").map(String::as_str).unwrap_or_default();
    let not_found = || Problem::not_found("account", name);
    let account = AccountId::new(name).map_err(|_| not_found())?;
    if ports.table.get(&keys::portfolio_row(&caller.tenant, &account)).await?.is_none() {
        return Err(not_found());
    }
    let range = Range::prefix(keys::account(&caller.tenant, &account), "timeline#")
        .newest_first()
        .limit(MAX_PAGE)
        .after(request.query.get("cursor").cloned());
    let page = ports.table.query(&range).await?;
    let entries = page.items.iter().map(table::read).collect::<Result<Vec<TimelineEntry>, _>>()?;
    Response::json(
        200,
        &Timeline { account: account.to_string(), as_of: ports.clock.now(), entries, cursor: page.next },
    )
}

/// A change of a risk's level, with what it rests on and the first reasons.
fn risk(fact: &RiskChanged) -> String {
    let what = if fact.kind == "churn" { "the risk that it leaves" } else { "the prospect that it grows" };
    let chance = fact.chance.as_ref().map(|chance| format!(", a chance of {chance}")).unwrap_or_default();
    let by = if fact.basis == "model" { "by the model" } else { "by the scorecard" };
    let reasons = fact.reasons.iter().take(3).map(|reason| reason.text.as_str()).collect::<Vec<_>>().join("; ");
    format!("{what} is {} now, {by}{chance}: {reasons}", fact.to)
}

/// A fact in plain words. Nothing for those that come with every signal.
fn words(fact: &Fact) -> Option<String> {
    Some(match fact {
        Fact::SignalsRecorded(_)
        | Fact::HealthScored(_)
        | Fact::ScoreRunCompleted(_)
        | Fact::RulesActivated(_)
        | Fact::RuleHeld(_)
        | Fact::RuleReleased(_)
        | Fact::CtaUpdated(_)
        | Fact::DestinationDown(_)
        | Fact::DestinationRecovered(_)
        | Fact::CapacityAlert(_)
        | Fact::EscalationUpdated(_) => {
            return None;
        }
        Fact::AccountChanged(fact) if fact.created => format!("{} became an account", fact.account.name),
        Fact::AccountChanged(fact) => format!("the description of {} changed", fact.account.name),
        Fact::CaseOpened(fact) => format!("case {} was opened", fact.case),
        Fact::CaseChanged(fact) => format!("case {} changed", fact.case),
        Fact::SourceSilent(fact) => format!("source {} is silent since {}", fact.source, fact.last_seen),
        Fact::DataQualityChanged(fact) => {
            let metric = fact.metric.as_deref().map(|metric| format!(" of {metric}")).unwrap_or_default();
            format!("data of source {}: {}{metric} {}: {}", fact.source, fact.kind, fact.status, fact.text)
        }
        Fact::RecordsQuarantined(fact) => format!("{} records were put aside", fact.count),
        Fact::BandChanged(fact) => {
            let why: Vec<&str> = fact.reasons.iter().take(3).map(|reason| reason.text.as_str()).collect();
            let from = fact.from.as_deref().unwrap_or("unscored");
            format!("from {from} to {} at {}: {}", fact.to, fact.score, why.join("; "))
        }
        Fact::RiskChanged(fact) => risk(fact),
        Fact::AnomalyFound(fact) => format!("unusual: {}", fact.reason),
        Fact::HealthBlanked(fact) => format!("is no customer any more; the last score was {}", fact.last_score),
        Fact::CtaOpened(fact) if fact.reopened => format!("{} came back: {}", fact.cta.rule, fact.cta.reason),
        Fact::CtaOpened(fact) => format!("{}: {}", fact.cta.rule, fact.cta.reason),
        Fact::CtaClosed(fact) => format!("call to action {} {}: {}", fact.cta, fact.how, fact.reason),
        Fact::SegmentEntered(fact) => format!("is in {} now: {}", fact.segment, fact.reasons.join("; ")),
        Fact::SegmentLeft(fact) => format!("is in {} no more: {}", fact.segment, fact.reasons.join("; ")),
        Fact::ExperimentExposed(fact) => format!("{} is tried on it: {}", fact.experiment, fact.arm),
        Fact::EscalationRequested(fact) => format!("{} asks for people: {}", fact.rule, fact.reason),
        Fact::PlaybookStarted(fact) => format!("{} began {}", fact.started_by, fact.execution.playbook),
        Fact::StepOpened(fact) => format!("{}: to be done: {}", fact.execution.playbook, fact.step.title),
        Fact::StepCompleted(fact) => format!("{}: {}: {}", fact.execution.playbook, fact.step.state, fact.step.title),
        Fact::StepOverdue(fact) => format!("{}: late: {}", fact.execution.playbook, fact.step.title),
        Fact::PlaybookReplanned(fact) => {
            format!("{}: {} steps are due on other days", fact.execution.playbook, fact.steps.len())
        }
        Fact::PlaybookStuck(fact) => format!("{} stands still: {}", fact.execution.playbook, fact.step.title),
        Fact::EffectRequested(fact) => format!("{}: {}", fact.effect, fact.text),
        Fact::PlaybookFinished(fact) => format!("{} is {}", fact.execution.playbook, fact.execution.status),
        Fact::EscalationOpened(fact) => format!("escalated to {}: {}", fact.escalation.role, fact.escalation.reason),
        Fact::EscalationAcknowledged(fact) => format!("{} has it: {}", fact.by, fact.escalation.reason),
        Fact::EscalationAdvanced(fact) => {
            format!("nobody took it on, {} was told: {}", fact.escalation.role, fact.escalation.reason)
        }
        Fact::SlaWarned(fact) => format!("{} is at {} percent: {}", fact.clock, fact.percent, fact.escalation.reason),
        Fact::SlaBreached(fact) => format!("{} is breached: {}", fact.clock, fact.escalation.reason),
        Fact::EscalationMoved(fact) => {
            let by = fact.by.as_ref().map(|by| format!("{by}: ")).unwrap_or_default();
            let to = fact.to.as_ref().map(|to| format!(" to {to}")).unwrap_or_default();
            format!("{by}{}{to}: {}", fact.how.replace('_', " "), fact.escalation.reason)
        }
        Fact::AccountAllocated(fact) => match &fact.exception {
            Some(why) => format!("{} is its {} beyond the limit of accounts: {why}", fact.person, fact.role),
            None => format!("{} is its {} now", fact.person, fact.role),
        },
        Fact::EscalationResolved(fact) => format!("{}: {}", fact.outcome, fact.escalation.reason),
        Fact::DeliveryGivenUp(fact) => format!("{} was not told ({}): {}", fact.destination, fact.told, fact.reason),
    })
}

//! What an event counts. Each event is counted once, whatever else is known of its account: all that a figure is made of
//! lies in the fact itself.

use contract::event::{CaseTurns, Event, Fact, MetricReported};
use contract::workflow::{PlaybookFinished, StepCompleted};
use domain::fixed::ONE;
use domain::kpi::{Counter, Counts};
use domain::signal::Metric;
use jiff::Timestamp;

/// The playbook that brings a customer in.
const ONBOARDING: &str = "onboarding";

/// What an event counts; nothing for most.
pub fn counts(event: &Event) -> Counts {
    let mut counts = Counts::default();
    let mut one = |counter| counts.add(counter, 1);
    let at = event.meta.occurred_at;
    match &event.fact {
        Fact::CtaOpened(fact) if !fact.reopened => one(Counter::CtasOpened),
        Fact::CtaClosed(fact) => match fact.how.as_str() {
            "closed" => one(Counter::CtasCarriedOut),
            "dismissed" => one(Counter::CtasDismissed),
            _ => one(Counter::CtasEndedByThemselves),
        },
        Fact::CaseOpened(_) => one(Counter::CasesOpened),
        Fact::CaseChanged(fact) => turns(&mut counts, fact.turns),
        Fact::EscalationOpened(_) => one(Counter::EscalationsOpened),
        Fact::EscalationAcknowledged(fact) => {
            one(Counter::EscalationsTakenOn);
            counts.add(Counter::TakeOnSeconds, seconds(fact.escalation.opened_at, at));
        }
        Fact::EscalationAdvanced(_) => one(Counter::EscalationsAdvanced),
        Fact::EscalationResolved(fact) => {
            one(Counter::EscalationsResolved);
            counts.add(Counter::EscalationSeconds, seconds(fact.escalation.opened_at, at));
        }
        Fact::SlaBreached(_) => one(Counter::SlaBreaches),
        Fact::StepCompleted(fact) => step(&mut counts, fact),
        Fact::EffectRequested(fact) => {
            one(Counter::EffectsSent);
            counts.add(Counter::OutreachSent, u64::from(fact.effect == "outreach"));
        }
        Fact::PlaybookStarted(_) => one(Counter::PlaybooksStarted),
        Fact::PlaybookFinished(fact) => playbook(&mut counts, fact, at),
        Fact::SignalsRecorded(fact) => fact.reported.iter().for_each(|reported| answers(&mut counts, reported)),
        _ => {}
    }
    counts
}

fn turns(counts: &mut Counts, turns: CaseTurns) {
    if let Some(seconds) = turns.answered_after_seconds {
        counts.add(Counter::CasesAnswered, 1);
        counts.add(Counter::AnswerSeconds, seconds);
    }
    if let Some(seconds) = turns.resolved_after_seconds {
        counts.add(Counter::CasesResolved, 1);
        counts.add(Counter::CaseSeconds, seconds);
        counts.add(Counter::CasesResolvedAtFirstContact, u64::from(turns.at_first_contact));
    }
    counts.add(Counter::CasesReopened, u64::from(turns.reopened));
}

fn step(counts: &mut Counts, fact: &StepCompleted) {
    let step = &fact.step;
    counts.add(Counter::StepsSettled, 1);
    counts.add(if step.by.is_some() { Counter::StepsByPeople } else { Counter::StepsByMachine }, 1);
    if step.due_on.is_some() {
        counts.add(Counter::StepsDue, 1);
        counts.add(Counter::StepsLate, u64::from(step.late));
    }
}

fn playbook(counts: &mut Counts, fact: &PlaybookFinished, at: Timestamp) {
    let execution = &fact.execution;
    let completed = execution.status == "completed";
    if completed {
        counts.add(Counter::PlaybooksCompleted, 1);
        counts.add(Counter::PlaybookSeconds, seconds(execution.started_at, at));
    } else {
        counts.add(Counter::PlaybooksCancelled, 1);
    }
    if execution.playbook.as_str() == ONBOARDING {
        counts.add(Counter::OnboardingsEnded, 1);
        counts.add(Counter::OnboardingsCompleted, u64::from(completed));
    }
}

fn answers(counts: &mut Counts, reported: &MetricReported) {
    match reported.metric {
        Metric::NpsAnswer => {
            counts.add(Counter::NpsAnswers, reported.count.into());
            counts.add(Counter::NpsPromoters, reported.promoters.into());
            counts.add(Counter::NpsDetractors, reported.detractors.into());
        }
        Metric::Csat => {
            // Hundredths of a percent: a value of 100 is 10,000.
            let reached = reported.sum.micros() / (ONE / 100);
            counts.add(Counter::CsatAnswers, reported.count.into());
            counts.add(Counter::CsatHundredths, u64::try_from(reached).unwrap_or_default());
        }
        _ => {}
    }
}

fn seconds(from: Timestamp, until: Timestamp) -> u64 {
    u64::try_from(until.duration_since(from).as_secs()).unwrap_or_default()
}

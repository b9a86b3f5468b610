//! What a decision about an execution comes to: the entries by which it is found, the log that its stream is read from,
//! the events that tell it, and the link in the chain of decisions.

use super::library::Library;
use crate::change::Changed;
use contract::event::{
    Cause, EffectRequested, EscalationRequested, Event, Fact, PlaybookFinished, PlaybookReplanned, PlaybookStarted,
    PlaybookStuck, StepCompleted, StepOpened, StepOverdue,
};
use contract::execution::{ExecutionEvent, ExecutionItem};
use contract::message::cause_id;
use contract::workflow::{ExecutionBody, StepBody};
use domain::audit::{self, Record};
use domain::digest::Digest;
use domain::id::{AccountId, DestinationId, StepId};
use domain::playbook::{Change, Decision, Does, EffectRequest, Playbook, Status, StepState, What};
use jiff::{SignedDuration, Timestamp};
use platform::function::{Failure, Ports};
use platform::keys;
use platform::table::{self, Expect, Write};

/// How long an ended execution is listed, in days.
const LISTED_DAYS: i64 = 400;
/// How long a change is kept for streams, in days: longer than any playbook takes.
const LOGGED_DAYS: i64 = 1_200;

/// Where a decision comes from.
pub struct Told<'a> {
    pub ports: &'a Ports,
    pub cause: &'a Cause,
    pub account: &'a AccountId,
    pub library: &'a Library,
    pub now: Timestamp,
}

impl Told<'_> {
    /// The entries of the lists and of the log.
    pub async fn writes(&self, playbook: &Playbook, decision: &Decision) -> Result<Vec<Write>, Failure> {
        let mut writes = self.changed(decision).entries().await?;
        let (tenant, execution) = (&self.cause.tenant, &decision.execution);
        let key = keys::execution_index(tenant, &execution.id);
        let found = self.ports.table.get(&key).await?;
        let item = ExecutionItem::of(playbook, execution, self.now);
        let expires_at = execution.status.ended_at().and_then(|at| days_after(at, LISTED_DAYS));
        writes.push(Write::Put { key, expect: Expect::of(found.as_ref()), body: table::body(&item)?, expires_at });
        if !decision.changes.is_empty() {
            let key = keys::execution_log(tenant, &execution.id, execution.changes);
            let log: Vec<ExecutionEvent> =
                decision.changes.iter().map(|change| ExecutionEvent::of(playbook, execution, change)).collect();
            let expires_at = days_after(self.now, LOGGED_DAYS);
            writes.push(Write::Put { key, expect: Expect::Absent, body: table::body(&log)?, expires_at });
        }
        Ok(writes)
    }

    fn changed<'a>(&'a self, decision: &'a Decision) -> Changed<'a> {
        let Self { ports, cause, account, now, .. } = *self;
        Changed { ports, cause, account, now, changes: &decision.ctas, requests: &[] }
    }

    /// What happened, and what the machine is to do.
    pub fn events(&self, playbook: &Playbook, decision: &Decision) -> Vec<Event> {
        let body = ExecutionBody::of(playbook, &decision.execution, self.now);
        let told = decision.changes.iter().filter_map(|change| {
            let fact = self.fact(playbook, decision, &body, change)?;
            Some(self.event(&format!("{}#{}", body.execution, change.number), fact))
        });
        let asked = decision.effects.iter().filter_map(|effect| Some(self.event(&effect.key, ask(decision, effect)?)));
        told.chain(asked).chain(self.changed(decision).events()).collect()
    }

    /// An event that is known by what it tells, whichever message brought it about: the same one has the same id.
    fn event(&self, key: &str, fact: Fact) -> Event {
        let seed = format!("{}#execution#{}#{key}", self.cause.tenant, fact.name());
        let mut event = Event::new(self.cause, Some(self.account), key, self.now, fact);
        event.meta.event_id = cause_id(&seed);
        event
    }

    fn fact(&self, playbook: &Playbook, decision: &Decision, body: &ExecutionBody, change: &Change) -> Option<Fact> {
        let step = |id: &StepId| StepBody::of(playbook, &decision.execution, id, self.now);
        let execution = body.clone();
        Some(match &change.what {
            What::Started => {
                PlaybookStarted { execution, started_by: decision.execution.started_by.to_string() }.into()
            }
            What::Opened { step: id } => StepOpened { execution, step: step(id)? }.into(),
            What::Settled { step: id } => {
                let state = decision.execution.steps.get(id).map(|record| &record.state);
                // What the way goes past is nobody's news; the stream and the entry say it.
                if matches!(state, Some(StepState::Passed { .. } | StepState::Barred { .. })) {
                    return None;
                }
                StepCompleted { execution, step: step(id)? }.into()
            }
            What::Moved { steps } => {
                PlaybookReplanned { execution, steps: steps.iter().filter_map(step).collect() }.into()
            }
            What::Late { step: id } => StepOverdue { execution, step: step(id)? }.into(),
            What::Stuck { step: id } => PlaybookStuck { execution, step: step(id)? }.into(),
            What::Finished => {
                let reason = match &decision.execution.status {
                    Status::Cancelled { reason, .. } => Some(reason.clone()),
                    _ => None,
                };
                PlaybookFinished { execution, reason }.into()
            }
            // Nothing has happened to the customer yet; the stream and the entry say what waits, and until when.
            What::Held { .. } => return None,
            // The effect that belongs to it, and the call to action that ends, say it.
            What::Escalated { .. } | What::InTimeAgain { .. } => return None,
        })
    }

    /// The decision in its place behind the ones before it, and the write of it.
    pub fn link(
        &self,
        chain: &audit::Head,
        what: String,
        inputs_hash: Digest,
        decided: &[(&Playbook, &Decision)],
    ) -> Result<(audit::Head, Write), Failure> {
        let outcome = decided.iter().map(|(_, decision)| {
            let execution = &decision.execution;
            format!("{} of {} is {}", execution.id, execution.playbook, execution.status.name())
        });
        let reasons =
            decided.iter().flat_map(|(_, decision)| decision.changes.iter().map(|change| said(decision, change)));
        let playbooks = decided.iter().map(|(playbook, _)| playbook.version());
        let versions = playbooks.chain([self.library.contact().version()]).map(|version| *version.as_bytes());
        let record = Record {
            at: self.now,
            what,
            inputs_hash,
            config_hash: Digest::of("playbooks and contact", versions),
            outcome: outcome.collect::<Vec<_>>().join(", "),
            reasons: reasons.collect(),
        };
        let link = audit::append(chain, record);
        let key = keys::audit(&self.cause.tenant, self.account, "playbook", link.seq);
        let write = Write::Put { key, expect: Expect::Absent, body: table::body(&link)?, expires_at: None };
        Ok((link.head(), write))
    }
}

/// A change in a few words, for the chain.
fn said(decision: &Decision, change: &Change) -> String {
    let state = |id: &StepId| decision.execution.steps.get(id).map_or("", |record| record.state.name());
    match (&change.what, change.what.step()) {
        (What::Settled { .. }, Some(step)) => format!("{step} is {}", state(step)),
        (what, Some(step)) => format!("{} {step}", what.name()),
        (what, None) => what.name().to_owned(),
    }
}

fn ask(decision: &Decision, effect: &EffectRequest) -> Option<Fact> {
    let key = effect.key.clone();
    let told = |kind: &str, role: Option<String>, text: &str, destination: &Option<DestinationId>| {
        let (key, execution, step) = (key.clone(), decision.execution.id.clone(), effect.step.clone());
        let (text, destination) = (text.to_owned(), destination.clone());
        EffectRequested { key, execution, step, effect: kind.to_owned(), role, text, destination }.into()
    };
    Some(match &effect.does {
        Does::Notify { role, text, destination } => told("notify", Some(role.name().to_owned()), text, destination),
        Does::Outreach { text, destination } => told("outreach", None, text, destination),
        Does::Escalate { severity, reason } => EscalationRequested {
            rule: decision.execution.rule().ok()?,
            cta: None,
            deduplication_key: key.clone(),
            severity: *severity,
            reason: reason.clone(),
        }
        .into(),
    })
}

fn days_after(at: Timestamp, days: i64) -> Option<Timestamp> {
    at.checked_add(SignedDuration::from_hours(24 * days)).ok()
}

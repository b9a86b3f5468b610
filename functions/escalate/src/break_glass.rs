//! Somebody breaks the glass: executives are told about an account at once, with the reason, and not all day long.

use crate::Plan;
use crate::change::{Change, Door, nothing_yet};
use async_trait::async_trait;
use contract::escalate::{BreakGlassRequest, EscalationItem};
use contract::event::FunctionName;
use contract::problem::Fault;
use domain::escalation::glass::{self, TooOften};
use domain::escalation::{Cause, Escalation, MAX_WORDS};
use domain::id::{AccountId, CtaId};
use domain::record::EscalationRecord;
use domain::signal::Severity;
use platform::function::{Failure, Ports};
use platform::http::{self, Caller, Problem, Request, Response};
use platform::once::{self, Decide, Effect};
use platform::{keys, table};
use std::sync::{Mutex, PoisonError};

/// `POST /accounts/{id}/break-glass`.
pub async fn break_glass(ports: &Ports, plan: &Plan, caller: &Caller, request: &Request) -> Result<Response, Problem> {
    let name = request.parameters.get("id").map(String::as_str).unwrap_or_default();
    let not_found = || Problem::not_found("account", name);
    let account = AccountId::new(name).map_err(|_| not_found())?;
    ports.table.get(&keys::profile(&caller.tenant, &account)).await?.ok_or_else(not_found)?;
    let asked: BreakGlassRequest = http::read_json(request)?;
    let key = read(&asked)?;
    let opened = Cause::Person { key, by: caller.subject.clone() };
    let id = opened.escalation_id(&caller.tenant, &account).map_err(|error| Problem::internal(&error))?;
    let cause = request.cause(caller, FunctionName::Escalate);
    let now = ports.clock.now();
    let change = Change { ports, plan, cause: &cause, account: &account, now, door: Door::Http };
    let alarm = Alarm { change, opened, reason: asked.reason, refused: Mutex::new(None) };
    let message = request.cause_id(caller, FunctionName::Escalate);
    once::handle(ports, &keys::escalations(&caller.tenant, &account), &message, &alarm).await?;
    if let Some(refusal) = alarm.refused.into_inner().unwrap_or_else(PoisonError::into_inner) {
        let mut problem = Problem::new(429, "too_often", "It was asked too often", refusal.to_string());
        problem.retry_after_seconds = u32::try_from(refusal.retry_at.duration_since(now).as_secs().max(1)).ok();
        return Err(problem);
    }
    let item = ports.table.get(&keys::escalation_index(&caller.tenant, &id)).await?.ok_or_else(not_found)?;
    Response::json(200, &table::read::<EscalationItem>(&item)?.seen_at(now))
}

fn read(asked: &BreakGlassRequest) -> Result<CtaId, Problem> {
    let mut faults = Vec::new();
    let length = asked.reason.chars().count();
    if asked.reason.trim().is_empty() || length > MAX_WORDS {
        faults.push(Fault::new("reason", format!("has {length} characters; say it in 1 to {MAX_WORDS}")));
    }
    let key = CtaId::new(&asked.key).map_err(|error| faults.push(Fault::new("key", error.to_string())));
    match key {
        Ok(key) if faults.is_empty() => Ok(key),
        _ => Err(Problem::invalid("the request has faults", faults)),
    }
}

struct Alarm<'a> {
    change: Change<'a>,
    opened: Cause,
    reason: String,
    /// Why the domain refused: known only once the state was read.
    refused: Mutex<Option<TooOften>>,
}

#[async_trait]
impl Decide for Alarm<'_> {
    type State = EscalationRecord;

    async fn decide(&self, state: Option<EscalationRecord>) -> Result<Option<Effect<EscalationRecord>>, Failure> {
        let Change { plan: Plan { policies, .. }, cause, account, now, .. } = self.change;
        let record = state.unwrap_or_else(|| nothing_yet(&cause.tenant, account));
        let refused = |error: domain::id::IdError| Failure::Unhandled(format!("escalation {error}"));
        let id = self.opened.escalation_id(&cause.tenant, account).map_err(refused)?;
        if record.escalations.contains_key(&id) {
            return Ok(None);
        }
        let allowed = glass::may_break(record.escalations.values(), now);
        *self.refused.lock().unwrap_or_else(PoisonError::into_inner) = allowed.err();
        if allowed.is_err() {
            return Ok(None);
        }
        let (tenant, opened) = (&cause.tenant, self.opened.clone());
        let (escalation, facts) =
            Escalation::open(tenant, account, opened, Severity::Critical, self.reason.as_str(), policies, now)
                .map_err(refused)?;
        self.change.effect(record, escalation, &facts).await
    }
}

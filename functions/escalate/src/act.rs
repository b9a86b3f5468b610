//! What people do with an escalation.

use crate::Plan;
use crate::change::{Change, Door};
use async_trait::async_trait;
use contract::escalate::{EscalationActionRequest, EscalationItem};
use contract::event::FunctionName;
use contract::problem::Fault;
use domain::escalation::{Escalation, EscalationFact, TransitionError};
use domain::id::{AccountId, EscalationId, PersonId};
use domain::record::EscalationRecord;
use jiff::Timestamp;
use platform::function::{Failure, Ports};
use platform::http::{self, Caller, Problem, Request, Response};
use platform::keys;
use platform::once::{self, Decide, Effect};
use platform::table;
use std::sync::{Mutex, PoisonError};

/// What people may do.
const ACTIONS: &str = "acknowledge, unacknowledge, snooze, hand-over, accept, set-clocks, resolve or reopen";

/// `POST /escalations/{id}/{action}`.
pub async fn act(ports: &Ports, plan: &Plan, caller: &Caller, request: &Request) -> Result<Response, Problem> {
    let parameter = |name: &str| request.parameters.get(name).map(String::as_str).unwrap_or_default();
    let action = read_action(parameter("action"), request)?;
    if let Action::HandOver { to } = &action
        && plan.roster.person(to).is_none()
    {
        return Err(missing("to", &format!("`{to}` is not in the roster")));
    }
    let not_found = || Problem::not_found("escalation", parameter("id"));
    let id = EscalationId::new(parameter("id")).map_err(|_| not_found())?;
    let index = keys::escalation_index(&caller.tenant, &id);
    let listed: EscalationItem = table::read(&ports.table.get(&index).await?.ok_or_else(not_found)?)?;
    let account = AccountId::new(&listed.account).map_err(|error| Problem::internal(&error))?;
    let cause = request.cause(caller, FunctionName::Escalate);
    let change = Change { ports, plan, cause: &cause, account: &account, now: ports.clock.now(), door: Door::Http };
    let act = Act { change, by: &caller.subject, id: &id, action: &action, refused: Mutex::new(None) };
    let message = request.cause_id(caller, FunctionName::Escalate);
    once::handle(ports, &keys::escalations(&caller.tenant, &account), &message, &act).await?;
    if let Some(refusal) = act.refused.into_inner().unwrap_or_else(PoisonError::into_inner) {
        return Err(problem(&refusal));
    }
    let item: EscalationItem = table::read(&ports.table.get(&index).await?.ok_or_else(not_found)?)?;
    Response::json(200, &item.seen_at(ports.clock.now()))
}

enum Action {
    Acknowledge,
    Unacknowledge,
    Snooze { until: Timestamp },
    HandOver { to: PersonId },
    SetClocks { since: Timestamp },
    Accept,
    Reopen,
    Resolve { outcome: String },
}

fn read_action(name: &str, request: &Request) -> Result<Action, Problem> {
    let body =
        || if request.body.is_empty() { Ok(EscalationActionRequest::default()) } else { http::read_json(request) };
    match name {
        "acknowledge" => body().map(|_| Action::Acknowledge),
        "unacknowledge" => body().map(|_| Action::Unacknowledge),
        "accept" => body().map(|_| Action::Accept),
        "reopen" => body().map(|_| Action::Reopen),
        "snooze" => match body()?.until {
            Some(until) => Ok(Action::Snooze { until }),
            None => Err(missing("until", "say until when nobody is to be told")),
        },
        "set-clocks" => match body()?.since {
            Some(since) => Ok(Action::SetClocks { since }),
            None => Err(missing("since", "say from when on its clocks count")),
        },
        "hand-over" => match body()?.to {
            Some(to) => Ok(Action::HandOver { to }),
            None => Err(missing("to", "say who is to take it over")),
        },
        "resolve" => Ok(Action::Resolve { outcome: body()?.outcome.unwrap_or_default() }),
        other => Err(Problem::new(
            404,
            "not_found",
            "There is no such thing",
            format!("there is no action `{other}`; use {ACTIONS}"),
        )),
    }
}

fn missing(field: &str, reason: &str) -> Problem {
    Problem::invalid("the request has a fault", vec![Fault::new(field, reason)])
}

fn problem(refusal: &TransitionError) -> Problem {
    match refusal {
        TransitionError::Resolved | TransitionError::Status { .. } | TransitionError::NotTheirs(_) => {
            Problem::conflict(refusal.to_string())
        }
        TransitionError::Clocks(_) => missing("since", &refusal.to_string()),
        TransitionError::Snooze(_) => missing("until", &refusal.to_string()),
        TransitionError::Words(_) => {
            Problem::invalid("the outcome is not valid", vec![Fault::new("outcome", refusal.to_string())])
        }
    }
}

struct Act<'a> {
    change: Change<'a>,
    by: &'a PersonId,
    id: &'a EscalationId,
    action: &'a Action,
    /// Why the domain refused: known only once the state was read.
    refused: Mutex<Option<TransitionError>>,
}

impl Act<'_> {
    fn apply(&self, known: &Escalation) -> Result<(Escalation, Vec<EscalationFact>), TransitionError> {
        match self.action {
            Action::Acknowledge => known.acknowledge(self.by.clone(), self.change.now),
            Action::Unacknowledge => known.unacknowledge(self.by.clone(), self.change.now),
            Action::Snooze { until } => known.snooze(self.by.clone(), *until, self.change.now),
            Action::HandOver { to } => {
                known.hand_over(self.by.clone(), to.clone(), &self.change.plan.policies, self.change.now)
            }
            Action::SetClocks { since } => {
                known.set_clocks(self.by.clone(), *since, &self.change.plan.policies, self.change.now)
            }
            Action::Accept => known.accept(self.by.clone(), self.change.now),
            Action::Reopen => known.reopen(self.by.clone(), self.change.now),
            Action::Resolve { outcome } => known.resolve(self.by.clone(), outcome, self.change.now),
        }
    }
}

#[async_trait]
impl Decide for Act<'_> {
    type State = EscalationRecord;

    async fn decide(&self, state: Option<EscalationRecord>) -> Result<Option<Effect<EscalationRecord>>, Failure> {
        let missing =
            || Failure::Unhandled(format!("escalation `{}` is listed, but its account does not have it", self.id));
        let record = state.ok_or_else(missing)?;
        let applied = match (record.escalations.get(self.id), self.action) {
            (Some(known), _) => self.apply(known),
            // It ended so long ago that the account has forgotten it; the list still says how.
            (None, Action::Resolve { .. }) => return Ok(None),
            (None, _) => Err(TransitionError::Resolved),
        };
        match applied {
            Ok((escalation, facts)) => self.change.effect(record, escalation, &facts).await,
            Err(refusal) => {
                *self.refused.lock().unwrap_or_else(PoisonError::into_inner) = Some(refusal);
                Ok(None)
            }
        }
    }
}

//! The list of active escalations, and what people do with them.

use crate::Plan;
use crate::change::{Change, Door};
use async_trait::async_trait;
use contract::escalate::{ActiveEscalations, EscalationActionRequest, EscalationItem};
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
use platform::table::{self, Range};
use std::sync::{Mutex, PoisonError};

/// The most escalations in one answer.
const MAX_PAGE: usize = 100;
/// What people may do.
const ACTIONS: &str = "acknowledge, unacknowledge, snooze, hand-over, accept, resolve or reopen";
/// The most active escalations that are put in order.
const MAX_LISTED: usize = 10_000;

/// `GET /escalations/active`.
pub async fn active(ports: &Ports, caller: &Caller, request: &Request) -> Result<Response, Problem> {
    let now = ports.clock.now();
    let skip = read_cursor(request)?;
    let wanted = |name: &str, value: &str| request.query.get(name).is_none_or(|wanted| wanted == value);
    let severity = |item: &EscalationItem| {
        serde_json::to_value(item.severity).ok().and_then(|name| name.as_str().map(str::to_owned))
    };
    let is_wanted = |item: &EscalationItem| {
        item.status != "resolved"
            && wanted("status", &item.status)
            && wanted("account", &item.account)
            && wanted("severity", &severity(item).unwrap_or_default())
    };
    let mut all = Vec::new();
    let mut range = Range::prefix(keys::tenant_partition(&caller.tenant, "ESCALATION"), "");
    loop {
        let page = ports.table.query(&range).await?;
        for item in &page.items {
            all.extend(Some(table::read::<EscalationItem>(item)?.seen_at(now)).filter(&is_wanted));
        }
        if all.len() > MAX_LISTED {
            // A part of them would leave out some that breach next.
            let detail = format!("there are more than {MAX_LISTED}; ask by severity, status or account");
            return Err(Problem::invalid(detail, Vec::new()));
        }
        match page.next {
            Some(next) => range.after = Some(next),
            None => break,
        }
    }
    all.sort_by(|a, b| {
        let key = |item: &EscalationItem| (item.seconds_to_breach.is_none(), item.seconds_to_breach, item.severity);
        key(a).cmp(&key(b)).then_with(|| a.escalation.cmp(&b.escalation))
    });
    let next = skip.saturating_add(MAX_PAGE);
    let cursor = (all.len() > next).then(|| next.to_string());
    let escalations = all.into_iter().skip(skip).take(MAX_PAGE).collect();
    Response::json(200, &ActiveEscalations { as_of: now, escalations, cursor })
}

fn read_cursor(request: &Request) -> Result<usize, Problem> {
    request.query.get("cursor").map_or(Ok(0), |cursor| {
        cursor.parse().map_err(|_| {
            Problem::invalid(
                "the cursor is not one of ours",
                vec![Fault::new("cursor", "give the `cursor` of the page before, or none")],
            )
        })
    })
}

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
    let change = Change {
        ports,
        policies: &plan.policies,
        roster: &plan.roster,
        cause: &cause,
        account: &account,
        now: ports.clock.now(),
        door: Door::Http,
    };
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
                known.hand_over(self.by.clone(), to.clone(), self.change.policies, self.change.now)
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

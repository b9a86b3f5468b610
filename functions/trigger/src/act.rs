//! The list of calls to action, and what people do with them.

use crate::book::Books;
use crate::change::Changed;
use async_trait::async_trait;
use contract::event::{Cause, FunctionName};
use contract::problem::Fault;
use contract::trigger::{CloseRequest, CtaItem, CtaPage, DismissRequest, SnoozeRequest};
use domain::cta::{Action, ActionError};
use domain::digest::Digest;
use domain::id::{AccountId, CtaId, PersonId};
use domain::playbook::execution::PLAYBOOK_RULE;
use domain::record::EpisodeRecord;
use jiff::Timestamp;
use platform::function::{Failure, Ports};
use platform::http::{self, Caller, Problem, Request, Response};
use platform::once::{self, Decide, Effect};
use platform::table::{self, Range};
use platform::{keys, keys::tenant_partition};
use std::sync::Mutex;

/// The most calls to action in one page.
const MAX_PAGE: usize = 100;

/// How many calls to action are looked at for one answer.
const MAX_LOOKED_AT: usize = 10_000;

/// `GET /ctas`.
pub async fn list(ports: &Ports, caller: &Caller, request: &Request) -> Result<Response, Problem> {
    let mut range = Range::prefix(tenant_partition(&caller.tenant, "CTA"), "")
        .limit(MAX_PAGE)
        .after(request.query.get("cursor").cloned());
    let wanted = |name: &str, value: &str| request.query.get(name).is_none_or(|wanted| wanted == value);
    let mut looked_at = 0;
    // A filter that few pass would make many empty pages: look on until one passes, but not for ever.
    loop {
        let page = ports.table.query(&range).await?;
        let mut ctas = page.items.iter().map(table::read).collect::<Result<Vec<CtaItem>, _>>()?;
        ctas.retain(|cta| {
            wanted("status", &cta.status) && wanted("account", &cta.account) && wanted("rule", &cta.rule)
        });
        looked_at += page.items.len();
        if ctas.is_empty() && page.next.is_some() && looked_at < MAX_LOOKED_AT {
            range = range.after(page.next);
        } else {
            return Response::json(200, &CtaPage { ctas, cursor: page.next });
        }
    }
}

/// `POST /ctas/{id}/{action}`.
pub async fn act(ports: &Ports, books: &Books, caller: &Caller, request: &Request) -> Result<Response, Problem> {
    let parameter = |name: &str| request.parameters.get(name).map(String::as_str).unwrap_or_default();
    let action = read_action(parameter("action"), request)?;
    let not_found = || Problem::not_found("call to action", parameter("id"));
    let id = CtaId::new(parameter("id")).map_err(|_| not_found())?;
    let entry = ports.table.get(&keys::cta_index(&caller.tenant, &id)).await?.ok_or_else(not_found)?;
    let listed: CtaItem = table::read(&entry)?;
    if listed.rule.starts_with(PLAYBOOK_RULE) {
        let detail =
            format!("`{}` is about a step that is late; settle the step: {}", listed.cta, listed.evidence.join("; "));
        return Err(Problem::conflict(detail));
    }
    let account = AccountId::new(&listed.account).map_err(|error| Problem::internal(&error))?;
    let act = Act {
        ports,
        cause: request.cause(caller, FunctionName::Trigger),
        by: &caller.subject,
        account: &account,
        id: &id,
        action: &action,
        config: books.holding(ports.table.as_ref(), &caller.tenant).await?.rules.version(),
        now: ports.clock.now(),
        refused: Mutex::new(None),
    };
    let message = request.cause_id(caller, FunctionName::Trigger);
    once::handle(ports, &keys::episodes(&caller.tenant, &account), &message, &act).await?;
    if let Some(refusal) = act.refused.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner) {
        return Err(problem(&refusal));
    }
    let entry = ports.table.get(&keys::cta_index(&caller.tenant, &id)).await?.ok_or_else(not_found)?;
    Response::json(200, &table::read::<CtaItem>(&entry)?)
}

fn read_action(name: &str, request: &Request) -> Result<Action, Problem> {
    match name {
        "snooze" => http::read_json::<SnoozeRequest>(request).map(Action::from),
        "close" => http::read_json::<CloseRequest>(request).map(Action::from),
        "dismiss" => http::read_json::<DismissRequest>(request).map(Action::from),
        other => Err(Problem::new(
            404,
            "not_found",
            "There is no such thing",
            format!("there is no action `{other}`; use snooze, close or dismiss"),
        )),
    }
}

fn problem(refusal: &ActionError) -> Problem {
    match refusal {
        ActionError::NotFound(_) | ActionError::Ended { .. } => Problem::conflict(refusal.to_string()),
        ActionError::Until { .. } => {
            Problem::invalid("the snooze is not valid", vec![Fault::new("until", refusal.to_string())])
        }
        ActionError::Words(_) => {
            Problem::invalid("the words are not valid", vec![Fault::new(".", refusal.to_string())])
        }
    }
}

struct Act<'a> {
    ports: &'a Ports,
    cause: Cause,
    by: &'a PersonId,
    account: &'a AccountId,
    id: &'a CtaId,
    action: &'a Action,
    config: Digest,
    now: Timestamp,
    /// Why the domain refused: known only once the state was read.
    refused: Mutex<Option<ActionError>>,
}

#[async_trait]
impl Decide for Act<'_> {
    type State = EpisodeRecord;

    async fn decide(&self, state: Option<EpisodeRecord>) -> Result<Option<Effect<EpisodeRecord>>, Failure> {
        let Some(record) = state else {
            return Err(Failure::Unhandled(format!(
                "call to action `{}` is listed, but its account has no episodes",
                self.id
            )));
        };
        let (episodes, change) = match record.episodes.act(self.id, self.action, self.now) {
            Ok(acted) => acted,
            Err(refusal) => {
                *self.refused.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(refusal);
                return Ok(None);
            }
        };
        let Some(change) = change else {
            return Ok(None);
        };
        let changes = [change];
        let changed = Changed {
            ports: self.ports,
            cause: &self.cause,
            account: self.account,
            now: self.now,
            changes: &changes,
            requests: &[],
        };
        let mut writes = changed.entries().await?;
        let inputs = Digest::of("action", [self.by.as_str(), self.id.as_str(), self.action.name()]);
        let link = changed.link(&record.audit, &format!("{} by {}", self.action.name(), self.by), inputs, self.config);
        writes.push(changed.link_write(&link)?);
        let events = changed.events();
        Ok(Some(Effect { state: EpisodeRecord { episodes, audit: link.head(), ..record }, writes, events }))
    }
}

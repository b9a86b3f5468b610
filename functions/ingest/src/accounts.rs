//! `PUT /accounts/{id}`: the account as the CRM describes it, with its place in the portfolio.

use async_trait::async_trait;
use contract::event::{AccountChanged, Cause, Event, FunctionName};
use contract::ingest::AccountAnswer;
use contract::signal::AccountBody;
use domain::account::Account;
use domain::id::AccountId;
use platform::function::{Failure, Ports};
use platform::http::{self, Caller, Problem, Request, Response};
use platform::once::{self, Decide, Effect, Outcome};
use platform::table::{Expect, Key, Write};
use platform::{keys, table};

/// Answers the request.
pub async fn put(ports: &Ports, caller: &Caller, request: &Request) -> Result<Response, Problem> {
    let name = request.parameters.get("id").map(String::as_str).unwrap_or_default();
    let id = AccountId::new(name).map_err(|error| {
        Problem::invalid("the account's id is not valid", vec![contract::problem::Fault::new("id", error.to_string())])
    })?;
    let body: AccountBody = http::read_json(request)?;
    let account = body.check(&id).map_err(|fault| Problem::invalid("the account is not valid", vec![fault]))?;
    let message = request.cause_id(caller, FunctionName::Ingest);
    let cause = request.cause(caller, FunctionName::Ingest);
    let head = keys::profile(&caller.tenant, &id);
    let created = ports.table.get(&head).await?.is_none();
    let outcome = once::handle(ports, &head, &message, &Describe { ports, cause: &cause, account: &account }).await?;
    Response::json(200, &AccountAnswer { id: id.to_string(), created, changed: outcome != Outcome::Unchanged })
}

struct Describe<'a> {
    ports: &'a Ports,
    cause: &'a Cause,
    account: &'a Account,
}

#[async_trait]
impl Decide for Describe<'_> {
    type State = Account;

    async fn decide(&self, state: Option<Account>) -> Result<Option<Effect<Account>>, Failure> {
        if state.as_ref() == Some(self.account) {
            return Ok(None);
        }
        let created = state.is_none();
        let tenant = &self.cause.tenant;
        let mut writes = Vec::new();
        if created {
            for key in [keys::shard_entry(tenant, &self.account.id), keys::tenant_entry(tenant)] {
                writes.extend(self.entry(key).await?);
            }
        }
        let fact = AccountChanged { created, account: self.account.into() };
        let event = Event::new(self.cause, Some(&self.account.id), "", self.ports.clock.now(), fact);
        Ok(Some(Effect { state: self.account.clone(), writes, events: vec![event] }))
    }
}

impl Describe<'_> {
    async fn entry(&self, key: Key) -> Result<Option<Write>, Failure> {
        let present = self.ports.table.get(&key).await?.is_some();
        let body = table::body(&serde_json::json!({}))?;
        Ok((!present).then_some(Write::Put { key, expect: Expect::Absent, body, expires_at: None }))
    }
}

//! `PUT /accounts/{id}`: the account as the CRM describes it, with its place in the portfolio. With `If-None-Match: *`
//! an account that somebody has described stays as it is. What a customer wishes of those who want to reach them stays until
//! something else is said of it: a description that says nothing does not take an opt-out back.

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
    let only_new = http::only_if_absent(request)?;
    let body: AccountBody = http::read_json(request)?;
    let account = body.check(&id).map_err(|fault| Problem::invalid("the account is not valid", vec![fault]))?;
    let message = request.cause_id(caller, FunctionName::Ingest);
    let cause = request.cause(caller, FunctionName::Ingest);
    let head = keys::profile(&caller.tenant, &id);
    let created = ports.table.get(&head).await?.is_none();
    let keeps_wishes = body.contact.is_none();
    let describe = Describe { ports, cause: &cause, account: &account, keeps_wishes, only_new };
    let outcome = once::handle(ports, &head, &message, &describe).await?;
    if only_new && outcome == Outcome::Unchanged {
        let detail = format!(
            "account `{id}` is described already and stays as it is; without `If-None-Match` it is described anew"
        );
        return Err(Problem::new(412, "exists_already", "There is one already", detail));
    }
    // A repeat had its effect when it came first; whatever became of the account since then, it is not changed now.
    Response::json(200, &AccountAnswer { id: id.to_string(), created, changed: outcome == Outcome::Done })
}

struct Describe<'a> {
    ports: &'a Ports,
    cause: &'a Cause,
    account: &'a Account,
    keeps_wishes: bool,
    only_new: bool,
}

#[async_trait]
impl Decide for Describe<'_> {
    type State = Account;

    async fn decide(&self, state: Option<Account>) -> Result<Option<Effect<Account>>, Failure> {
        let created = state.is_none();
        let mut account = self.account.clone();
        if let Some(known) = state {
            if self.keeps_wishes {
                account.contact = known.contact.clone();
            }
            if self.only_new || known == account {
                return Ok(None);
            }
        }
        let tenant = &self.cause.tenant;
        let mut writes = Vec::new();
        if created {
            for key in [keys::shard_entry(tenant, &self.account.id), keys::tenant_entry(tenant)] {
                writes.extend(self.entry(key).await?);
            }
        }
        let fact = AccountChanged { created, account: (&account).into() };
        let event = Event::new(self.cause, Some(&self.account.id), "", self.ports.clock.now(), fact);
        Ok(Some(Effect { state: account, writes, events: vec![event] }))
    }
}

impl Describe<'_> {
    async fn entry(&self, key: Key) -> Result<Option<Write>, Failure> {
        let present = self.ports.table.get(&key).await?.is_some();
        let body = table::body(&serde_json::json!({}))?;
        Ok((!present).then_some(Write::Put { key, expect: Expect::Absent, body, expires_at: None }))
    }
}

//! The reads of score: an account's health, and its scores as they were.

use contract::score::{HealthAnswer, HistoryEntry, HistoryPage};
use domain::id::AccountId;
use domain::record::HealthRecord;
use platform::function::Ports;
use platform::http::{Caller, Problem, Request, Response};
use platform::table::{self, Range};
use platform::{keys, once};

/// The most scores in one page.
const MAX_PAGE: usize = 100;

/// `GET /accounts/{id}/health`.
pub async fn health(ports: &Ports, caller: &Caller, request: &Request) -> Result<Response, Problem> {
    let account = account(request)?;
    let item = ports.table.get(&keys::health(&caller.tenant, &account)).await?;
    let item = item.ok_or_else(|| Problem::not_found("health of account", account.as_str()))?;
    let record: HealthRecord = once::state_of(&item)?;
    Response::json(200, &HealthAnswer::of(&account, &record.health, ports.clock.now()))
}

/// `GET /accounts/{id}/health/history`.
pub async fn history(ports: &Ports, caller: &Caller, request: &Request) -> Result<Response, Problem> {
    let account = account(request)?;
    let range = Range::prefix(keys::account(&caller.tenant, &account), "score#")
        .newest_first()
        .limit(MAX_PAGE)
        .after(request.query.get("cursor").cloned());
    let page = ports.table.query(&range).await?;
    if page.items.is_empty() && ports.table.get(&keys::profile(&caller.tenant, &account)).await?.is_none() {
        return Err(Problem::not_found("account", account.as_str()));
    }
    let entries = page.items.iter().map(table::read).collect::<Result<Vec<HistoryEntry>, _>>()?;
    Response::json(200, &HistoryPage { account: account.to_string(), entries, cursor: page.next })
}

fn account(request: &Request) -> Result<AccountId, Problem> {
    let name = request.parameters.get("id").map(String::as_str).unwrap_or_default();
    AccountId::new(name).map_err(|_| Problem::not_found("account", name))
}

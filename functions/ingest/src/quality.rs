//! Data quality over HTTP: of an account, worked out when somebody asks, and of a source over all accounts, from what the
//! last watch summed up.

use contract::quality::{DataQuality, SourceBody, SourcesPage};
use domain::id::{AccountId, SourceId};
use domain::quality::score::assess;
use domain::record::AccountRecord;
use platform::function::Ports;
use platform::http::{Caller, Problem, Request, Response};
use platform::table::{Item, Range};
use platform::{keys, once};

use crate::sources::SourceRecord;

/// The most sources in one page.
const MAX_PAGE: usize = 100;

/// `GET /accounts/{id}/data-quality`. An account of which nothing came has no sources and no score; one that nobody
/// described is 404.
pub async fn account(ports: &Ports, caller: &Caller, request: &Request) -> Result<Response, Problem> {
    let name = request.parameters.get("id").map(String::as_str).unwrap_or_default();
    let not_found = || Problem::not_found("account", name);
    let account = AccountId::new(name).map_err(|_| not_found())?;
    if ports.table.get(&keys::profile(&caller.tenant, &account)).await?.is_none() {
        return Err(not_found());
    }
    let item = ports.table.get(&keys::series(&caller.tenant, &account)).await?;
    let record: AccountRecord = item.as_ref().map(once::state_of).transpose()?.unwrap_or_default();
    let now = ports.clock.now();
    let sources = assess(&record.quality, Some(&record.series), now);
    Response::json(200, &DataQuality::of(&account, &sources, &record.reported_findings, now))
}

/// `GET /sources`.
pub async fn list(ports: &Ports, caller: &Caller, request: &Request) -> Result<Response, Problem> {
    let range = Range::prefix(keys::source_partition(&caller.tenant), "")
        .limit(MAX_PAGE)
        .after(request.query.get("cursor").cloned());
    let page = ports.table.query(&range).await?;
    let sources = page.items.iter().map(|item| body(ports, item)).collect::<Result<Vec<_>, _>>()?;
    let sources = sources.into_iter().flatten().collect();
    Response::json(200, &SourcesPage { as_of: ports.clock.now(), sources, cursor: page.next })
}

/// `GET /sources/{id}`.
pub async fn one(ports: &Ports, caller: &Caller, request: &Request) -> Result<Response, Problem> {
    let name = request.parameters.get("id").map(String::as_str).unwrap_or_default();
    let not_found = || Problem::not_found("source", name);
    let source = SourceId::new(name).map_err(|_| not_found())?;
    let item = ports.table.get(&keys::source(&caller.tenant, &source)).await?.ok_or_else(not_found)?;
    Response::json(200, &body(ports, &item)?.ok_or_else(not_found)?)
}

fn body(ports: &Ports, item: &Item) -> Result<Option<SourceBody>, Problem> {
    let record: SourceRecord = once::state_of(item)?;
    let sources = assess(&record.quality, None, ports.clock.now());
    Ok(sources.first().map(|source| SourceBody::of(source, &record.reported)))
}

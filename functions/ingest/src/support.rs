//! `GET /accounts/{id}/support`: how many cases an account had, how long they took, and what people said of it.

use contract::ingest::SupportAnswer;
use contract::problem::Fault;
use domain::case::Case;
use domain::day::Day;
use domain::id::AccountId;
use domain::record::AccountRecord;
use domain::support::Support;
use platform::function::Ports;
use platform::http::{Caller, Problem, Request, Response};
use platform::table::Range;
use platform::{keys, once, table};

/// How many days are looked at where nobody says, and how many at most: what people said is kept no longer.
const DAYS: i32 = 90;
const MAX_DAYS: i32 = 400;

/// Answers the request.
pub async fn get(ports: &Ports, caller: &Caller, request: &Request) -> Result<Response, Problem> {
    let name = request.parameters.get("id").map(String::as_str).unwrap_or_default();
    let not_found = || Problem::not_found("account", name);
    let account = AccountId::new(name).map_err(|_| not_found())?;
    let days = days(request)?;
    let (table, tenant) = (ports.table.as_ref(), &caller.tenant);
    if table.get(&keys::profile(tenant, &account)).await?.is_none() {
        return Err(not_found());
    }
    let record = table.get(&keys::series(tenant, &account)).await?;
    let record: AccountRecord = record.as_ref().map(once::state_of).transpose()?.unwrap_or_default();
    let items = table::query_all(table, Range::prefix(keys::account(tenant, &account), keys::CASES)).await?;
    let cases: Vec<Case> = items.iter().map(table::read).collect::<Result<_, _>>()?;
    let to = Day::of(ports.clock.now());
    let from = to.plus(1 - days);
    let support = Support::of(&cases, &record.series, from, to);
    Response::json(200, &SupportAnswer::of(&account, from, to, &support))
}

fn days(request: &Request) -> Result<i32, Problem> {
    let Some(text) = request.query.get("days") else { return Ok(DAYS) };
    text.parse().ok().filter(|days| (1..=MAX_DAYS).contains(days)).ok_or_else(|| {
        let reason = format!("cannot be `{}`; give 1 to {MAX_DAYS}", text.escape_default());
        Problem::invalid("the query is not one that this route takes", vec![Fault::new("days", reason)])
    })
}

//! `GET /accounts/{id}/signals/{day}`: the signals themselves, for whoever follows a score down to what it rests on.

use contract::ingest::SignalsOfDay;
use contract::problem::Fault;
use contract::signal::SignalBody;
use domain::day::Day;
use domain::id::AccountId;
use domain::page::Page;
use platform::function::Ports;
use platform::http::{Caller, Problem, Request, Response};
use platform::{keys, table};

/// Answers the request. A day of which nothing is known has no signals; an account that nobody described is 404.
pub async fn signals(ports: &Ports, caller: &Caller, request: &Request) -> Result<Response, Problem> {
    let parameter = |name: &str| request.parameters.get(name).map(String::as_str).unwrap_or_default();
    let not_found = || Problem::not_found("account", parameter("id"));
    let account = AccountId::new(parameter("id")).map_err(|_| not_found())?;
    let day: Day = parameter("day").parse().map_err(|error: domain::day::DayError| {
        Problem::invalid("the day cannot be read", vec![Fault::new("day", error.to_string())])
    })?;
    if ports.table.get(&keys::profile(&caller.tenant, &account)).await?.is_none() {
        return Err(not_found());
    }
    let item = ports.table.get(&keys::signal_page(&caller.tenant, &account, day)).await?;
    let page: Option<Page> = item.as_ref().map(table::read).transpose()?;
    let wanted = request.query.get("metric");
    let signals = page.iter().flat_map(Page::signals);
    let signals = signals.filter(|signal| wanted.is_none_or(|metric| metric == signal.metric.name()));
    let signals = signals.map(|signal| SignalBody::of(&account, signal)).collect();
    Response::json(200, &SignalsOfDay { account: account.to_string(), day, signals })
}

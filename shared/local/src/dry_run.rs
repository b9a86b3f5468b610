//! A dry run through the host in this process: asked for by HTTP as by everybody, and worked off message by message, so
//! that somebody can look on.

use crate::client::{Ask, Client, ClientError};
use crate::host::{Host, at_once};
use contract::backtest::{RulesDryRunAnswer, RulesDryRunRequest};
use contract::comparison::{DryRunAnswer, DryRunRequest};
use domain::id::TenantId;
use platform::keys::{self, PORTFOLIO_SHARDS};
use platform::table::{Range, Table, TableError};

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum DryRunError {
    /// The host refused something.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The table fails.
    #[error(transparent)]
    Table(#[from] TableError),
    /// Messages are given up.
    #[error("the dry run did not come to its end: {0}")]
    Unfinished(String),
}

/// Tries a scorecard; `look_on` is told of how many accounts were looked at. `id` names the dry run: one that was cut off
/// does not go on, so another try has another id.
pub fn scorecard(
    host: &mut Host,
    client: &Client,
    id: &str,
    request: &DryRunRequest,
    mut look_on: impl FnMut(u64),
) -> Result<DryRunAnswer, DryRunError> {
    let ask = Ask { function: "score", method: "POST", route: "/scorecards/dry-run", parameters: &[], id };
    let mut answer: DryRunAnswer = client.expect(host, &ask, request)?;
    while answer.status != "complete" {
        go_on(host)?;
        let parameters = &[("id", answer.dry_run.as_str())];
        let (method, route) = ("GET", "/scorecards/dry-runs/{id}");
        answer = client.expect(host, &Ask { function: "score", method, route, parameters, id: "look" }, &())?;
        look_on(answer.visited);
    }
    Ok(answer)
}

/// The same of rules.
pub fn rules(
    host: &mut Host,
    client: &Client,
    id: &str,
    request: &RulesDryRunRequest,
    mut look_on: impl FnMut(u64),
) -> Result<RulesDryRunAnswer, DryRunError> {
    let ask = Ask { function: "trigger", method: "POST", route: "/rules/dry-run", parameters: &[], id };
    let mut answer: RulesDryRunAnswer = client.expect(host, &ask, request)?;
    while answer.status != "complete" {
        go_on(host)?;
        let parameters = &[("id", answer.dry_run.as_str())];
        let (method, route) = ("GET", "/rules/dry-runs/{id}");
        answer = client.expect(host, &Ask { function: "trigger", method, route, parameters, id: "look" }, &())?;
        look_on(answer.visited);
    }
    Ok(answer)
}

/// Works off one message.
fn go_on(host: &mut Host) -> Result<(), DryRunError> {
    if host.deliver() {
        return Ok(());
    }
    let letters = host.queues().dead_letters();
    let why = letters.last().map_or("a message waits for its next try", |letter| letter.reason.as_str());
    Err(DryRunError::Unfinished(why.to_owned()))
}

/// How many accounts a portfolio has.
pub fn accounts(table: &dyn Table, tenant: &TenantId) -> Result<u64, TableError> {
    let mut count = 0;
    for shard in 0..PORTFOLIO_SHARDS {
        let mut range = Range::prefix(keys::shard(tenant, shard), "").limit(1_000);
        loop {
            let away = || TableError::Refused("the table went away".to_owned());
            let page = at_once(table.query(&range)).ok_or_else(away)??;
            count += page.items.len() as u64;
            if page.next.is_none() {
                break;
            }
            range = range.after(page.next);
        }
    }
    Ok(count)
}

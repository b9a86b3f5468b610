//! The facts that report has taken in, each kept once beside what follows from it: with its line of the timeline, or by
//! itself where it has none. What was kept is not counted again, and the rows can be made anew of it.

use crate::{rows, timeline};
use async_trait::async_trait;
use contract::event::Event;
use contract::message::cause_id;
use contract::report::TimelineEntry;
use domain::id::{AccountId, TenantId};
use domain::portfolio::Row;
use platform::function::{Failure, Ports, Tick};
use platform::once::{self, Decide, Effect};
use platform::table::{self, Expect, Key, Range, Write};
use platform::{keys, sweep};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// A fact as it is kept.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    /// Its line, where it has one.
    #[serde(flatten)]
    line: Option<TimelineEntry>,
    /// What came.
    event: Event,
}

/// The write that keeps an event, unless it is kept already.
pub async fn write(ports: &Ports, event: &Event, account: &AccountId) -> Result<Option<Write>, Failure> {
    let line = timeline::entry(event);
    let place = if line.is_some() { keys::timeline } else { keys::kept_fact };
    let key = place(&event.meta.tenant, account, event.meta.occurred_at, &event.meta.event_id);
    if ports.table.get(&key).await?.is_some() {
        return Ok(None);
    }
    let body = table::body(&Kept { line, event: event.clone() })?;
    Ok(Some(Write::Put { key, expect: Expect::Absent, body, expires_at: None }))
}

/// All facts of an account that are kept.
async fn of_account(ports: &Ports, tenant: &TenantId, account: &AccountId) -> Result<Vec<Event>, Failure> {
    let mut events = Vec::new();
    for prefix in ["timeline#", "fact#"] {
        let range = Range::prefix(keys::account(tenant, account), prefix);
        for item in table::query_all(ports.table.as_ref(), range).await? {
            events.push(table::read::<Kept>(&item)?.event);
        }
    }
    Ok(events)
}

/// Makes every row anew of the facts that are kept. A row that is as it should be is not written.
pub async fn rebuild(ports: &Ports, tick: &Tick) -> Result<(), Failure> {
    for tenant in sweep::tenants(ports).await? {
        for account in accounts(ports, &tenant).await? {
            let anew = Anew { ports, tenant: &tenant, account: &account };
            let message = cause_id(&format!("rebuild#{tenant}#{account}#{}", tick.time));
            once::handle(ports, &keys::portfolio_row(&tenant, &account), &message, &anew).await?;
        }
    }
    Ok(())
}

/// Accounts that have a row, and those that should: a row may be lost.
async fn accounts(ports: &Ports, tenant: &TenantId) -> Result<BTreeSet<AccountId>, Failure> {
    let shards = (0..keys::PORTFOLIO_SHARDS).map(|shard| keys::shard(tenant, shard));
    let mut accounts = BTreeSet::new();
    for partition in shards.chain([keys::portfolio_partition(tenant)]) {
        let items = table::query_all(ports.table.as_ref(), Range::prefix(partition, "")).await?;
        let names = items
            .iter()
            .map(|item| AccountId::new(item.key.sk.as_str()).map_err(|error| unreadable(&item.key, &error)));
        accounts.extend(names.collect::<Result<Vec<_>, _>>()?);
    }
    Ok(accounts)
}

fn unreadable(key: &Key, error: &dyn std::fmt::Display) -> Failure {
    Failure::Unhandled(format!("{key:?} is no account's place: {error}"))
}

struct Anew<'a> {
    ports: &'a Ports,
    tenant: &'a TenantId,
    account: &'a AccountId,
}

#[async_trait]
impl Decide for Anew<'_> {
    type State = Row;

    async fn decide(&self, state: Option<Row>) -> Result<Option<Effect<Row>>, Failure> {
        let events = of_account(self.ports, self.tenant, self.account).await?;
        if events.is_empty() {
            return Ok(None);
        }
        let mut row = Row::new(self.account.clone());
        for event in &events {
            rows::put_in(&mut row, event)?;
        }
        Ok((state.as_ref() != Some(&row)).then(|| Effect::new(row, Vec::new())))
    }
}

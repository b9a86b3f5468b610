//! Scheduled runs over the whole portfolio: a tick becomes one run per tenant, a run becomes one message per shard, a
//! shard is gone through page by page.
//!
//! A slot that fires twice is one run. A page that is delivered twice visits its accounts under the same message ids, so
//! each has its effect once. An account that fails does not stop the others: its page comes back, the rest goes on.

use crate::function::{Failure, Ports, Tick};
use crate::keys::{self, PORTFOLIO_SHARDS};
use crate::once::Outcome;
use crate::table::{self, Expect, Item, Key, Range, TableError, Write};
use async_trait::async_trait;
use contract::event::FunctionName;
use contract::message::{Sweep, Task, Work, cause_id};
use domain::id::{AccountId, CauseId, TenantId};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::collections::BTreeMap;

/// How many accounts one message visits.
pub const PAGE: usize = 100;
/// How long a run's record is kept, in days.
const KEPT_DAYS: i64 = 30;

/// What a function does with each account of a run.
#[async_trait]
pub trait Visit: Send + Sync {
    /// Visits one account; `message` names this visit, so that a repeat is recognised.
    async fn visit(&self, account: &AccountId, message: &CauseId) -> Result<Outcome, Failure>;
}

/// A run that has gone through its whole portfolio.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Finished {
    /// How many accounts were visited.
    pub accounts: u64,
    /// On how many of them the run had an effect.
    pub changed: u64,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Run {
    fanned_out: bool,
}

/// The progress of one shard: its pages by the account that they begin behind.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Shard {
    pages: BTreeMap<String, PageRecord>,
}

#[derive(Debug, Default, Clone, Serialize, Deserialize)]
struct PageRecord {
    accounts: u64,
    changed: u64,
    done: bool,
    last: bool,
}

/// A schedule fired: starts one run for each tenant.
pub async fn start(ports: &Ports, function: FunctionName, tick: &Tick) -> Result<(), Failure> {
    for tenant in tenants(ports).await? {
        start_for(ports, function, tick, &tenant).await?;
    }
    Ok(())
}

/// Every tenant.
pub async fn tenants(ports: &Ports) -> Result<Vec<TenantId>, Failure> {
    let items = table::query_all(ports.table.as_ref(), Range::prefix(keys::TENANTS, "")).await?;
    items
        .iter()
        .map(|item| TenantId::new(&item.key.sk).map_err(|error| Failure::Unhandled(format!("tenant {error}"))))
        .collect()
}

async fn start_for(ports: &Ports, function: FunctionName, tick: &Tick, tenant: &TenantId) -> Result<(), Failure> {
    let run = format!("{}@{}", tick.tick, tick.time);
    let key = keys::run(tenant, function.as_str(), &run);
    let item = ports.table.get(&key).await?;
    if load::<Run>(item.as_ref())?.fanned_out {
        return Ok(());
    }
    let work: Vec<Work> =
        (0..PORTFOLIO_SHARDS).map(|shard| shard_work(tenant, function, &run, tick.time, shard, None)).collect();
    ports.queue.send(&work).await?;
    match save(ports, key, item.as_ref(), &Run { fanned_out: true }).await {
        // Somebody else started the same run at the same moment.
        Ok(()) | Err(Failure::Table(TableError::Conflict(_))) => Ok(()),
        Err(error) => Err(error),
    }
}

fn shard_work(
    tenant: &TenantId,
    function: FunctionName,
    run: &str,
    at: Timestamp,
    shard: u32,
    after: Option<AccountId>,
) -> Work {
    let place = after.as_ref().map_or("", AccountId::as_str);
    let work_id = cause_id(&format!("{tenant}#{}#{run}#{shard}#{place}", function.as_str()));
    let task = Task::Sweep(Sweep { run: run.to_owned(), at, shard, after });
    Work { correlation_id: format!("{}:{run}", function.as_str()), work_id, tenant: tenant.clone(), task }
}

/// Goes through one page of a shard. Says when with it the whole run is done.
pub async fn page(
    ports: &Ports,
    function: FunctionName,
    work: &Work,
    visit: &dyn Visit,
) -> Result<Option<Finished>, Failure> {
    let Task::Sweep(Sweep { run, at, shard, after }) = &work.task else {
        return Err(Failure::Unhandled("work is not a sweep".into()));
    };
    let begin = after.as_ref().map(ToString::to_string);
    let range = Range::prefix(keys::shard(&work.tenant, *shard), "").limit(PAGE).after(begin.clone());
    let accounts = ports.table.query(&range).await?;
    let mut record = PageRecord { last: accounts.next.is_none(), ..PageRecord::default() };
    let mut failed = None;
    for item in &accounts.items {
        let account = AccountId::new(&item.key.sk).map_err(|error| Failure::Unhandled(format!("account {error}")))?;
        let message = cause_id(&format!("{}#{}#{run}#{account}", work.tenant, function.as_str()));
        match visit.visit(&account, &message).await {
            Ok(outcome) => {
                record.accounts += 1;
                record.changed += u64::from(outcome != Outcome::Unchanged);
            }
            Err(error) => {
                tracing::warn!(%account, %error, run, "an account of a run failed; its page will come back");
                failed = Some(error);
            }
        }
    }
    record.done = failed.is_none();
    let next = accounts
        .next
        .map(|place| AccountId::new(place).map_err(|error| Failure::Unhandled(format!("account {error}"))))
        .transpose()?;
    go_on(ports, function, work, run, *at, *shard, begin.unwrap_or_default(), next, record).await?;
    match failed {
        Some(error) => Err(error),
        None => finished(ports, function, &work.tenant, run).await,
    }
}

/// Sends the next page on its way, once, and records this one.
#[expect(clippy::too_many_arguments, reason = "the parts of one message, taken apart by its only caller")]
async fn go_on(
    ports: &Ports,
    function: FunctionName,
    work: &Work,
    run: &str,
    at: Timestamp,
    shard: u32,
    begin: String,
    next: Option<AccountId>,
    record: PageRecord,
) -> Result<(), Failure> {
    let key = shard_key(&work.tenant, function, run, shard);
    let item = ports.table.get(&key).await?;
    let mut progress: Shard = load(item.as_ref())?;
    if let Some(next) = next
        && !progress.pages.contains_key(&begin)
    {
        ports.queue.send(&[shard_work(&work.tenant, function, run, at, shard, Some(next))]).await?;
    }
    progress.pages.insert(begin, record);
    save(ports, key, item.as_ref(), &progress).await
}

async fn finished(
    ports: &Ports,
    function: FunctionName,
    tenant: &TenantId,
    run: &str,
) -> Result<Option<Finished>, Failure> {
    let pk = keys::run(tenant, function.as_str(), run).pk;
    let shards = table::query_all(ports.table.as_ref(), Range::prefix(pk, &format!("{run}#"))).await?;
    if u32::try_from(shards.len()).ok() != Some(PORTFOLIO_SHARDS) {
        return Ok(None);
    }
    let mut sum = Finished::default();
    for item in &shards {
        let shard: Shard = table::read(item)?;
        if !shard.pages.values().any(|page| page.last) || shard.pages.values().any(|page| !page.done) {
            return Ok(None);
        }
        for page in shard.pages.values() {
            sum.accounts += page.accounts;
            sum.changed += page.changed;
        }
    }
    Ok(Some(sum))
}

fn shard_key(tenant: &TenantId, function: FunctionName, run: &str, shard: u32) -> Key {
    keys::run(tenant, function.as_str(), &format!("{run}#{shard:02}"))
}

fn load<T: Default + DeserializeOwned>(item: Option<&Item>) -> Result<T, Failure> {
    Ok(item.map(table::read).transpose()?.unwrap_or_default())
}

async fn save<T: Serialize>(ports: &Ports, key: Key, found: Option<&Item>, value: &T) -> Result<(), Failure> {
    let expires_at = ports.clock.now().checked_add(SignedDuration::from_hours(24 * KEPT_DAYS)).ok();
    let write = Write::Put { key, expect: Expect::of(found), body: table::body(value)?, expires_at };
    Ok(ports.table.commit(vec![write]).await?)
}

//! Scheduled runs over the whole portfolio: a tick becomes one run per tenant, a run becomes one message per shard, a
//! shard is gone through page by page.
//!
//! A slot that fires twice is one run. While a run of a function is under way no other one of it starts for that tenant
//! ([`lock`]). A page that is delivered twice visits its accounts under the same message ids, so each has its effect
//! once, and a page that was done is not visited again. An account that fails does not stop the others: its page comes
//! back, the rest goes on. What is kept of a shard ([`progress`]) does not grow with the portfolio.

mod lock;
mod progress;

use crate::function::{Failure, Ports, Tick};
use crate::keys::{self, PORTFOLIO_SHARDS};
use crate::metrics::Metric;
use crate::once::{ATTEMPTS, Outcome};
use crate::table::{self, Expect, Item, Key, Page, Range, TableError, Write};
use async_trait::async_trait;
use contract::event::FunctionName;
use contract::message::{Sweep, Task, Work, cause_id};
use domain::id::{AccountId, CauseId, TenantId};
use jiff::{SignedDuration, Timestamp};
use lock::Locked;
use progress::{Progress, Tried, Visited};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

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
    if let Locked::By(other) = lock::take(ports, function, tenant, &run).await? {
        tracing::warn!(%tenant, run, other, "a run does not start: the one before has not ended");
        ports.metrics.record(&[(Metric::RunsSkipped, 1)]);
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
    let Task::Sweep(sweep) = &work.task else {
        return Err(Failure::Unhandled("work is not a sweep".into()));
    };
    let walk = Walk { ports, function, tenant: &work.tenant, sweep };
    let found = ports.table.get(&walk.key()).await?;
    let recorded = Progress::of(found.as_ref())?;
    let progress = if recorded.is_done(walk.begin()) {
        // It is delivered again, perhaps because it could not send the next one on its way.
        walk.send(&recorded).await?;
        recorded
    } else {
        walk.visit(found, visit).await?
    };
    if progress.is_complete() { walk.finish().await } else { Ok(None) }
}

/// One page of a run, on the way through its shard.
struct Walk<'a> {
    ports: &'a Ports,
    function: FunctionName,
    tenant: &'a TenantId,
    sweep: &'a Sweep,
}

impl Walk<'_> {
    fn key(&self) -> Key {
        let place = format!("{}#{:02}", self.sweep.run, self.sweep.shard);
        keys::run(self.tenant, self.function.as_str(), &place)
    }

    /// The account behind which the page begins.
    fn begin(&self) -> &str {
        self.sweep.after.as_ref().map_or("", AccountId::as_str)
    }

    /// Visits the accounts of the page, records it, and sends the next one on its way.
    async fn visit(&self, found: Option<Item>, visit: &dyn Visit) -> Result<Progress, Failure> {
        let tried = Progress::of(found.as_ref())?.tried(self.begin()).cloned();
        let (items, next) = self.accounts(tried).await?;
        let mut visited = Visited::default();
        let mut failed = None;
        for item in &items {
            let account = account_id(&item.key.sk)?;
            let of_run = format!("{}#{}#{}#{account}", self.tenant, self.function.as_str(), self.sweep.run);
            match visit.visit(&account, &cause_id(&of_run)).await {
                Ok(outcome) => visited.count(outcome),
                Err(error) => {
                    let run = &self.sweep.run;
                    tracing::warn!(%account, %error, run, "an account of a run failed; its page will come back");
                    failed = Some(error);
                }
            }
        }
        let visited = failed.is_none().then_some(visited);
        let progress = self.settle(found, next.as_deref(), visited).await?;
        self.send(&progress).await?;
        failed.map_or(Ok(progress), Err)
    }

    /// The accounts of the page, and where the next one begins. A page that was tried before ends where it ended then.
    async fn accounts(&self, tried: Option<Tried>) -> Result<(Vec<Item>, Option<String>), Failure> {
        let begin = self.sweep.after.as_ref().map(ToString::to_string);
        let rest = Range::prefix(keys::shard(self.tenant, self.sweep.shard), "").after(begin);
        let Some(Tried { until }) = tried else {
            let Page { items, next } = self.ports.table.query(&rest.limit(PAGE)).await?;
            return Ok((items, next));
        };
        let last = until.clone().unwrap_or_else(|| rest.last.clone());
        Ok((table::query_all(self.ports.table.as_ref(), Range { last, ..rest }).await?, until))
    }

    /// Records the page. Where another page of the shard was recorded meanwhile, this one is added to that; where it was
    /// this one, delivered twice, that stands.
    async fn settle(
        &self,
        mut found: Option<Item>,
        next: Option<&str>,
        visited: Option<Visited>,
    ) -> Result<Progress, Failure> {
        let mut lost = TableError::Conflict(vec![self.key()]);
        for _ in 0..ATTEMPTS {
            let mut progress = Progress::of(found.as_ref())?;
            if progress.is_done(self.begin()) {
                return Ok(progress);
            }
            progress.settle(self.begin(), next, visited, self.ports.clock.now());
            match save(self.ports, self.key(), found.as_ref(), &progress).await {
                Ok(()) => return Ok(progress),
                Err(Failure::Table(conflict @ TableError::Conflict(_))) => lost = conflict,
                Err(error) => return Err(error),
            }
            found = self.ports.table.get(&self.key()).await?;
        }
        Err(lost.into())
    }

    /// Sends the page on its way that nobody has tried yet. Sent twice, it is done once.
    async fn send(&self, progress: &Progress) -> Result<(), Failure> {
        let Some(begin) = progress.to_send() else {
            return Ok(());
        };
        let Sweep { run, at, shard, .. } = self.sweep;
        let work = shard_work(self.tenant, self.function, run, *at, *shard, Some(account_id(begin)?));
        Ok(self.ports.queue.send(&[work]).await?)
    }

    /// What the whole run amounts to, if every shard is done; then another run may begin.
    async fn finish(&self) -> Result<Option<Finished>, Failure> {
        let shards = shards(self.ports, self.function, self.tenant, &self.sweep.run).await?;
        if u32::try_from(shards.len()).ok() != Some(PORTFOLIO_SHARDS) || !shards.iter().all(Progress::is_complete) {
            return Ok(None);
        }
        lock::release(self.ports, self.function, self.tenant, &self.sweep.run).await?;
        Ok(Some(shards.iter().fold(Finished::default(), |sum, shard| shard.added_to(sum))))
    }
}

/// How far each shard of a run has come, of those that have begun.
async fn shards(ports: &Ports, function: FunctionName, tenant: &TenantId, run: &str) -> Result<Vec<Progress>, Failure> {
    let pk = keys::run(tenant, function.as_str(), run).pk;
    let items = table::query_all(ports.table.as_ref(), Range::prefix(pk, &format!("{run}#"))).await?;
    items.iter().map(|item| Progress::of(Some(item))).collect()
}

fn account_id(place: &str) -> Result<AccountId, Failure> {
    AccountId::new(place).map_err(|error| Failure::Unhandled(format!("account {error}")))
}

fn load<T: Default + DeserializeOwned>(item: Option<&Item>) -> Result<T, Failure> {
    Ok(item.map(table::read).transpose()?.unwrap_or_default())
}

async fn save<T: Serialize>(ports: &Ports, key: Key, found: Option<&Item>, value: &T) -> Result<(), Failure> {
    let expires_at = ports.clock.now().checked_add(SignedDuration::from_hours(24 * KEPT_DAYS)).ok();
    let write = Write::Put { key, expect: Expect::of(found), body: table::body(value)?, expires_at };
    Ok(ports.table.commit(vec![write]).await?)
}

#[cfg(feature = "doubles")]
#[cfg(test)]
mod tests;

//! Scheduled runs over the whole portfolio: a tick becomes one run per tenant, a run becomes one message per shard, a
//! shard is gone through page by page.
//!
//! A slot that fires twice is one run. While a run of a function is under way no other one of it starts for that tenant
//! ([`lock`]). A page that is delivered twice visits its accounts under the same message ids, so each has its effect
//! once, and a page that was done is not visited again. An account that fails does not stop the others: its page comes
//! back, the rest goes on. A page for which an invocation has no time left is done as far as it came; its rest is a page. What the visits come to is added up shard by shard; what is kept of a shard ([`progress`]) does
//! not grow with the portfolio.
//!
//! A run that somebody asked for ([`ask`]) goes the same way beside the scheduled ones: it holds no other run up.

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
pub use progress::Sum;
use progress::{Bounded, Gone, Progress, Visited};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// How many accounts one message visits.
pub const PAGE: usize = 100;
/// How long a run's record is kept, in days.
const KEPT_DAYS: i64 = 30;

/// What a function does with each account of a run.
#[async_trait]
pub trait Visit: Send + Sync {
    /// What the visits add up to.
    type Sum: Sum;

    /// Visits one account; `message` names this visit, so that a repeat is recognised. What it came to goes into the sum.
    async fn visit(&self, account: &AccountId, message: &CauseId, sum: &mut Self::Sum) -> Result<(), Failure>;
}

/// How far a run has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Standing<S> {
    /// How many accounts were visited.
    pub accounts: u64,
    /// Whether these are all.
    pub complete: bool,
    /// When it last got further.
    pub moved_at: Option<Timestamp>,
    /// What their visits came to.
    pub sum: S,
}

impl<S> Standing<S> {
    /// `complete`, `running`, or `stalled`: nothing has moved for so long that it will not go on by itself. Its messages are
    /// dead letters then, and it goes on when they are put back.
    pub fn status(&self, began: Timestamp, now: Timestamp) -> &'static str {
        if self.complete {
            "complete"
        } else if now.duration_since(self.moved_at.unwrap_or(began)) >= lock::STALLED {
            "stalled"
        } else {
            "running"
        }
    }
}

/// On how many accounts a run had an effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Changed {
    /// So many.
    pub changed: u64,
}

impl Changed {
    /// One more account. What an earlier delivery of its page changed was changed by this run.
    pub fn count(&mut self, outcome: Outcome) {
        self.changed += u64::from(outcome != Outcome::Unchanged);
    }
}

impl Sum for Changed {
    fn add(&mut self, other: Self) {
        self.changed += other.changed;
    }
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
    fan_out(ports, function, tenant, &run, tick.time, item.as_ref()).await
}

/// Somebody asks for a run over a tenant's portfolio, called `run`. Asked for twice, it is one run.
pub async fn ask(
    ports: &Ports,
    function: FunctionName,
    tenant: &TenantId,
    run: &str,
    at: Timestamp,
) -> Result<(), Failure> {
    let item = ports.table.get(&keys::run(tenant, function.as_str(), run)).await?;
    if load::<Run>(item.as_ref())?.fanned_out {
        return Ok(());
    }
    fan_out(ports, function, tenant, run, at, item.as_ref()).await
}

/// Keeps what a run is about that somebody asks for, as long as the run's own records, and once: asked again, it is what was
/// kept.
pub async fn keep<Q: Serialize + DeserializeOwned>(ports: &Ports, key: Key, question: Q) -> Result<Q, TableError> {
    if let Some(found) = ports.table.get(&key).await? {
        return table::read(&found);
    }
    let write =
        Write::Put { key, expect: Expect::Absent, body: table::body(&question)?, expires_at: kept_until(ports) };
    ports.table.commit(vec![write]).await?;
    Ok(question)
}

/// Sends the first page of every shard on its way.
async fn fan_out(
    ports: &Ports,
    function: FunctionName,
    tenant: &TenantId,
    run: &str,
    at: Timestamp,
    found: Option<&Item>,
) -> Result<(), Failure> {
    let work: Vec<Work> =
        (0..PORTFOLIO_SHARDS).map(|shard| shard_work(tenant, function, run, at, shard, None)).collect();
    ports.queue.send(&work).await?;
    let key = keys::run(tenant, function.as_str(), run);
    match save(ports, key, found, &Run { fanned_out: true }).await {
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

/// Goes through one page of a shard, one account at least, until a moment comes. Says when with it the whole run is done.
pub async fn page<V: Visit>(
    ports: &Ports,
    function: FunctionName,
    work: &Work,
    until: Timestamp,
    visit: &V,
) -> Result<Option<Standing<V::Sum>>, Failure> {
    let Task::Sweep(sweep) = &work.task else {
        return Err(Failure::Unhandled("work is not a sweep".into()));
    };
    let walk = Walk { ports, function, tenant: &work.tenant, sweep, until };
    let found = ports.table.get(&walk.key()).await?;
    let recorded = Progress::<V::Sum>::of(found.as_ref())?;
    let progress = if recorded.is_done(walk.begin()) {
        // It is delivered again, perhaps because it could not send the next one on its way.
        walk.send(&recorded).await?;
        recorded
    } else {
        walk.visit(found, visit).await?
    };
    if progress.is_complete() { walk.finish::<V::Sum>().await } else { Ok(None) }
}

/// One page of a run, on the way through its shard.
struct Walk<'a> {
    ports: &'a Ports,
    function: FunctionName,
    tenant: &'a TenantId,
    sweep: &'a Sweep,
    until: Timestamp,
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
    async fn visit<V: Visit>(&self, found: Option<Item>, visit: &V) -> Result<Progress<V::Sum>, Failure> {
        let was = Progress::<V::Sum>::of(found.as_ref())?.bounded(self.begin()).cloned();
        let (items, mut until) = self.accounts(was.as_ref()).await?;
        let mut visited = Visited { accounts: 0, sum: V::Sum::default() };
        let (mut failed, mut last, mut stopped) = (None, None, false);
        for item in &items {
            if last.is_some() && self.ports.clock.now() >= self.until {
                (until, stopped) = (last, true);
                break;
            }
            last = Some(item.key.sk.clone());
            let account = account_id(&item.key.sk)?;
            let of_run = format!("{}#{}#{}#{account}", self.tenant, self.function.as_str(), self.sweep.run);
            match visit.visit(&account, &cause_id(&of_run), &mut visited.sum).await {
                Ok(()) => visited.accounts += 1,
                Err(error) => {
                    let run = &self.sweep.run;
                    tracing::warn!(%account, %error, run, "an account of a run failed; its page will come back");
                    failed = Some(error);
                }
            }
        }
        let visited = failed.is_none().then_some(visited);
        let gone = Gone { begin: self.begin(), was, until: until.as_deref(), stopped, visited };
        let progress = self.settle(found, &gone).await?;
        self.send(&progress).await?;
        failed.map_or(Ok(progress), Err)
    }

    /// The accounts of the page, and where the next one begins. A page whose end is known ends there.
    async fn accounts(&self, was: Option<&Bounded>) -> Result<(Vec<Item>, Option<String>), Failure> {
        let begin = self.sweep.after.as_ref().map(ToString::to_string);
        let rest = Range::prefix(keys::shard(self.tenant, self.sweep.shard), "").after(begin);
        let Some(was) = was else {
            let Page { items, next } = self.ports.table.query(&rest.limit(PAGE)).await?;
            return Ok((items, next));
        };
        let last = was.until.clone().unwrap_or_else(|| rest.last.clone());
        let items = table::query_all(self.ports.table.as_ref(), Range { last, ..rest }).await?;
        Ok((items, was.until.clone()))
    }

    /// Records the page. Where another page of the shard was recorded meanwhile, this one is added to that; where it was
    /// this one, delivered twice, that stands.
    async fn settle<S: Sum>(&self, mut found: Option<Item>, gone: &Gone<'_, S>) -> Result<Progress<S>, Failure> {
        let mut lost = TableError::Conflict(vec![self.key()]);
        for _ in 0..ATTEMPTS {
            let mut progress = Progress::<S>::of(found.as_ref())?;
            if !progress.settle(gone, self.ports.clock.now()) {
                return Ok(progress);
            }
            match save(self.ports, self.key(), found.as_ref(), &progress).await {
                Ok(()) => return Ok(progress),
                Err(Failure::Table(conflict @ TableError::Conflict(_))) => lost = conflict,
                Err(error) => return Err(error),
            }
            found = self.ports.table.get(&self.key()).await?;
        }
        Err(lost.into())
    }

    /// Sends the page behind this one on its way that nobody has tried yet. Sent twice, it is done once.
    async fn send<S: Sum>(&self, progress: &Progress<S>) -> Result<(), Failure> {
        let Some(begin) = progress.to_send(self.begin()) else {
            return Ok(());
        };
        let Sweep { run, at, shard, .. } = self.sweep;
        let work = shard_work(self.tenant, self.function, run, *at, *shard, Some(account_id(begin)?));
        Ok(self.ports.queue.send(&[work]).await?)
    }

    /// What the whole run amounts to, if every shard is done; then another run may begin.
    async fn finish<S: Sum>(&self) -> Result<Option<Standing<S>>, Failure> {
        let standing = standing(self.ports, self.function, self.tenant, &self.sweep.run).await?;
        if !standing.complete {
            return Ok(None);
        }
        lock::release(self.ports, self.function, self.tenant, &self.sweep.run).await?;
        Ok(Some(standing))
    }
}

/// How far a run has come.
pub async fn standing<S: Sum>(
    ports: &Ports,
    function: FunctionName,
    tenant: &TenantId,
    run: &str,
) -> Result<Standing<S>, Failure> {
    let records = shards(ports, function, tenant, run).await?;
    let begun = u32::try_from(records.len()).ok();
    let complete = begun == Some(PORTFOLIO_SHARDS);
    let mut standing = Standing { accounts: 0, complete, moved_at: None, sum: S::default() };
    for record in &records {
        let shard = Progress::<S>::of(Some(record))?;
        standing.accounts += shard.accounts;
        standing.moved_at = standing.moved_at.max(shard.moved_at);
        standing.complete &= shard.is_complete();
        standing.sum.add(shard.sum);
    }
    Ok(standing)
}

/// The records of a run's shards, of those that have begun.
async fn shards(ports: &Ports, function: FunctionName, tenant: &TenantId, run: &str) -> Result<Vec<Item>, Failure> {
    let pk = keys::run(tenant, function.as_str(), run).pk;
    Ok(table::query_all(ports.table.as_ref(), Range::prefix(pk, &format!("{run}#"))).await?)
}

fn account_id(place: &str) -> Result<AccountId, Failure> {
    AccountId::new(place).map_err(|error| Failure::Unhandled(format!("account {error}")))
}

fn load<T: Default + DeserializeOwned>(item: Option<&Item>) -> Result<T, Failure> {
    Ok(item.map(table::read).transpose()?.unwrap_or_default())
}

async fn save<T: Serialize>(ports: &Ports, key: Key, found: Option<&Item>, value: &T) -> Result<(), Failure> {
    let write = Write::Put { key, expect: Expect::of(found), body: table::body(value)?, expires_at: kept_until(ports) };
    Ok(ports.table.commit(vec![write]).await?)
}

fn kept_until(ports: &Ports) -> Option<Timestamp> {
    ports.clock.now().checked_add(SignedDuration::from_hours(24 * KEPT_DAYS)).ok()
}

#[cfg(feature = "doubles")]
#[cfg(test)]
mod tests;

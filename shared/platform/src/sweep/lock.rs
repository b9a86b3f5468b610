//! Which run of a function is under way for a tenant: one at a time, so that a portfolio that takes longer than the
//! schedule's interval is not gone through by two runs at once, each slowing the other down.
//!
//! The lock is taken when a run starts and released by whoever finishes its last page. A run that died for good (its
//! messages are dead letters, or it never got all of them out) holds it until nothing has moved for [`STALLED`]; its
//! pages may still be put back afterwards, and do no harm beside the run that started meanwhile.

use super::{Run, load, progress, save, shards};
use crate::function::{Failure, Ports};
use crate::keys;
use crate::once::ATTEMPTS;
use crate::table::TableError;
use contract::event::FunctionName;
use domain::id::TenantId;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// For how long nothing moves in a run before it is taken for dead. A page's five receives take half an hour, so this is
/// far longer than any page waits by itself, and short enough that a daily run that died does not cost the next one; of an
/// hourly one it costs six.
pub(super) const STALLED: SignedDuration = SignedDuration::from_hours(6);

/// Who has the lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Locked {
    /// The one who asked, now or since an earlier try.
    Taken,
    /// Another run, which goes on.
    By(String),
}

/// The item of the lock.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Lock {
    /// The run that has it, or had it last.
    run: String,
    taken_at: Timestamp,
    released: bool,
}

/// Takes the lock for a run, unless another one has it and is alive.
pub(super) async fn take(
    ports: &Ports,
    function: FunctionName,
    tenant: &TenantId,
    run: &str,
) -> Result<Locked, Failure> {
    let key = keys::run_lock(tenant, function.as_str());
    let mut lost = TableError::Conflict(vec![key.clone()]);
    for _ in 0..ATTEMPTS {
        let item = ports.table.get(&key).await?;
        let lock: Lock = load(item.as_ref())?;
        if lock.run == run {
            return Ok(Locked::Taken);
        }
        if item.is_some() && !lock.released && is_alive(ports, function, tenant, &lock).await? {
            return Ok(Locked::By(lock.run));
        }
        let mine = Lock { run: run.to_owned(), taken_at: ports.clock.now(), released: false };
        match save(ports, key.clone(), item.as_ref(), &mine).await {
            Ok(()) => return Ok(Locked::Taken),
            Err(Failure::Table(conflict @ TableError::Conflict(_))) => lost = conflict,
            Err(error) => return Err(error),
        }
    }
    Err(lost.into())
}

/// Whether a run may still get further by itself. One that never got all its messages out cannot end, whatever moves.
async fn is_alive(ports: &Ports, function: FunctionName, tenant: &TenantId, lock: &Lock) -> Result<bool, Failure> {
    let record = ports.table.get(&keys::run(tenant, function.as_str(), &lock.run)).await?;
    let moved_at = if load::<Run>(record.as_ref())?.fanned_out {
        let shards = shards(ports, function, tenant, &lock.run).await?;
        let moved = shards.iter().map(progress::moved_at).collect::<Result<Vec<_>, _>>()?;
        moved.into_iter().flatten().max()
    } else {
        None
    };
    let last = moved_at.map_or(lock.taken_at, |moved_at| moved_at.max(lock.taken_at));
    Ok(ports.clock.now().duration_since(last) < STALLED)
}

/// Releases the lock, if this run still has it.
pub(super) async fn release(
    ports: &Ports,
    function: FunctionName,
    tenant: &TenantId,
    run: &str,
) -> Result<(), Failure> {
    let key = keys::run_lock(tenant, function.as_str());
    let item = ports.table.get(&key).await?;
    let lock: Lock = load(item.as_ref())?;
    if lock.run != run || lock.released {
        return Ok(());
    }
    match save(ports, key, item.as_ref(), &Lock { released: true, ..lock }).await {
        // Whoever was faster released it, or took it from a run that had seemed dead.
        Ok(()) | Err(Failure::Table(TableError::Conflict(_))) => Ok(()),
        Err(error) => Err(error),
    }
}

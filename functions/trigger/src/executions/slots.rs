//! At most twenty executions of a tenant are worked on at once.
//!
//! An execution lives for months and mostly waits; what is bounded is the work on them that people and programs ask for:
//! starting one, and settling a step of one. Whoever works holds a place, by a lease in the table: a holder that dies
//! frees it when the lease ends. Each place is an item of its own, so that holders do not get into one another's way.

use domain::digest::Digest;
use domain::id::TenantId;
use jiff::{SignedDuration, Timestamp};
use platform::function::Ports;
use platform::http::Problem;
use platform::keys;
use platform::table::{self, Expect, Item, Key, Range, TableError, Write};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How many executions of a tenant are worked on at once.
pub const SLOTS: usize = 20;
/// How long a place is held at most. Longer than any function runs.
pub const LEASE: SignedDuration = SignedDuration::from_secs(60);
/// How often a lost race for the last free places is looked at again.
const ATTEMPTS: usize = 4;

#[derive(Debug, Serialize, Deserialize)]
struct Lease {
    holder: String,
    until: Timestamp,
}

/// A place that is held.
#[derive(Debug)]
pub struct Slot {
    key: Key,
    version: u64,
}

/// Takes a place. The same holder again gets its own place again: it is the same work, after a crash.
pub async fn take(ports: &Ports, tenant: &TenantId, holder: &str) -> Result<Slot, Problem> {
    let mut soonest = None;
    for _ in 0..ATTEMPTS {
        let now = ports.clock.now();
        let held = read(ports, tenant).await?;
        let numbers = order(holder).map(|number| keys::workflow_slot(tenant, number));
        let (mut own, mut free) = (None, Vec::new());
        for key in numbers {
            match held.get(&key.sk) {
                Some((item, lease)) if lease.holder == holder => own = Some((key, Expect::Version(item.version))),
                Some((item, lease)) if lease.until <= now => free.push((key, Expect::Version(item.version))),
                Some(_) => {}
                None => free.push((key, Expect::Absent)),
            }
        }
        soonest = held.values().map(|(_, lease)| lease.until).filter(|until| *until > now).min();
        let candidates = own.into_iter().chain(free).collect::<Vec<_>>();
        if candidates.is_empty() {
            break;
        }
        for (key, expect) in candidates {
            match put(ports, &key, expect, holder, now.checked_add(LEASE).unwrap_or(Timestamp::MAX)).await {
                Ok(()) => return Ok(Slot { key, version: expect.next_version() }),
                Err(TableError::Conflict(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
    Err(too_many(soonest, ports.clock.now()))
}

impl Slot {
    /// Gives the place back. Where that fails, or another took it after the lease had ended, there is nothing to do.
    pub async fn release(self, ports: &Ports) {
        match put(ports, &self.key, Expect::Version(self.version), "", ports.clock.now()).await {
            Ok(()) | Err(TableError::Conflict(_)) => {}
            Err(error) => tracing::warn!(%error, "a place was not given back; its lease will end"),
        }
    }
}

/// The places in the order in which a holder tries them: each begins somewhere else.
fn order(holder: &str) -> impl Iterator<Item = usize> {
    let begin = usize::from(Digest::of("slot", [holder]).as_bytes()[0]);
    (0..SLOTS).map(move |number| (begin + number) % SLOTS)
}

async fn read(ports: &Ports, tenant: &TenantId) -> Result<BTreeMap<String, (Item, Lease)>, Problem> {
    let partition = keys::workflow_slot(tenant, 0).pk;
    let items = table::query_all(ports.table.as_ref(), Range::prefix(partition, "")).await?;
    items
        .into_iter()
        .map(|item| {
            let lease = table::read(&item)?;
            Ok((item.key.sk.clone(), (item, lease)))
        })
        .collect()
}

async fn put(ports: &Ports, key: &Key, expect: Expect, holder: &str, until: Timestamp) -> Result<(), TableError> {
    let body = table::body(&Lease { holder: holder.to_owned(), until })?;
    ports.table.commit(vec![Write::Put { key: key.clone(), expect, body, expires_at: None }]).await
}

fn too_many(soonest: Option<Timestamp>, now: Timestamp) -> Problem {
    let seconds = soonest.map_or(1, |until| until.duration_since(now).as_secs().max(1));
    Problem {
        retry_after_seconds: Some(u32::try_from(seconds).unwrap_or(u32::MAX)),
        ..Problem::new(
            429,
            "too_many_executions",
            "Too many at once",
            format!(
                "{SLOTS} executions of this tenant are being worked on; send the same request again later, with the same Idempotency-Key"
            ),
        )
    }
}

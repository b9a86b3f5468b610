//! The scorecards that hold, and those by which something was scored before: a scorecard is kept under its content's
//! fingerprint before the first score by it, so that every score of the past can be explained.

use domain::account::Account;
use domain::digest::Digest;
use domain::id::TenantId;
use domain::scorecard::{Draft, Scorecard, Scorecards};
use platform::keys::{self, Key};
use platform::once::ATTEMPTS;
use platform::table::{self, Expect, Table, TableError, Write};
use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

/// The scorecards of this function.
pub struct Cards {
    holding: Scorecards,
    /// Those that are known to be kept.
    kept: Mutex<BTreeSet<(TenantId, Digest)>>,
}

impl Cards {
    /// These hold.
    pub const fn new(holding: Scorecards) -> Self {
        Self { holding, kept: Mutex::new(BTreeSet::new()) }
    }

    /// The scorecards that hold.
    pub const fn holding(&self) -> &Scorecards {
        &self.holding
    }

    /// The scorecard of an account's health.
    pub fn of(&self, account: &Account) -> &Scorecard {
        self.holding.of(account)
    }

    /// Keeps a scorecard for the tenant, once.
    pub async fn keep(&self, table: &dyn Table, tenant: &TenantId, card: &Scorecard) -> Result<(), TableError> {
        let name = (tenant.clone(), card.hash());
        if self.kept.lock().unwrap_or_else(PoisonError::into_inner).contains(&name) {
            return Ok(());
        }
        put_once(table, keys::scorecard(tenant, card.hash()), card).await?;
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).insert(name);
        Ok(())
    }

    /// The scorecard with this fingerprint, if it holds or something was scored by it.
    pub async fn find(
        &self,
        table: &dyn Table,
        tenant: &TenantId,
        hash: Digest,
    ) -> Result<Option<Scorecard>, TableError> {
        let mut holding = self.holding.of_health().chain([self.holding.maturity()]);
        if let Some(card) = holding.find(|card| card.hash() == hash) {
            return Ok(Some(card.clone()));
        }
        let Some(item) = table.get(&keys::scorecard(tenant, hash)).await? else { return Ok(None) };
        let draft: Draft = table::read(&item)?;
        Scorecard::new(draft).map(Some).map_err(|_| TableError::Refused(format!("scorecard `{hash}` is not sound")))
    }

    /// The scorecard by which something was scored.
    pub async fn by_which(&self, table: &dyn Table, tenant: &TenantId, hash: Digest) -> Result<Scorecard, TableError> {
        let found = self.find(table, tenant, hash).await?;
        found.ok_or_else(|| TableError::Refused(format!("the scorecard `{hash}` of a score is not kept")))
    }
}

/// What is said where somebody names a measure that a scorecard does not have.
pub fn no_measure(card: &Scorecard, name: &str) -> String {
    let measures = card.dimensions().iter().flat_map(|dimension| &dimension.measures);
    let known: Vec<&str> = measures.map(|measure| measure.id.as_str()).collect();
    format!("`{}` is no measure of `{}`; give one of: {}", name.escape_default(), card.version(), known.join(", "))
}

/// Whoever loses the race looks again: somebody else may have kept it, the content is the same, for the name is. A table
/// may also call a race lost that nobody won.
async fn put_once(table: &dyn Table, key: Key, card: &Scorecard) -> Result<(), TableError> {
    let mut lost = TableError::Conflict(vec![key.clone()]);
    for _ in 0..ATTEMPTS {
        if table.get(&key).await?.is_some() {
            return Ok(());
        }
        let body = table::body(card.content())?;
        let write = Write::Put { key: key.clone(), expect: Expect::Absent, body, expires_at: None };
        match table.commit(vec![write]).await {
            Ok(()) => return Ok(()),
            Err(conflict @ TableError::Conflict(_)) => lost = conflict,
            Err(error) => return Err(error),
        }
    }
    Err(lost)
}

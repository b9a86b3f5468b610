//! All of an account's working state, as one query of the table brings it.

use crate::keys::{self, STATE};
use crate::once;
use crate::table::{self, Item, Key, Range, Table, TableError};
use domain::account::Account;
use domain::id::{AccountId, TenantId};
use domain::record::{AccountRecord, EpisodeRecord, HealthRecord};
use serde::de::DeserializeOwned;

/// What the functions know of an account at this moment. Each part is read when it is asked for.
#[derive(Debug)]
pub struct Snapshot {
    items: Vec<Item>,
}

impl Snapshot {
    /// Reads an account's state.
    pub async fn read(table: &dyn Table, tenant: &TenantId, account: &AccountId) -> Result<Self, TableError> {
        let items = table::query_all(table, Range::prefix(keys::account(tenant, account), STATE)).await?;
        Ok(Self { items })
    }

    /// Reads an account's state together with the head of whoever decides about it, which is a part of it.
    pub async fn with_head(
        table: &dyn Table,
        tenant: &TenantId,
        account: &AccountId,
        head: &Key,
    ) -> Result<(Option<Item>, Self), TableError> {
        let known = Self::read(table, tenant, account).await?;
        Ok((known.item(&head.sk).cloned(), known))
    }

    /// The account as the CRM describes it.
    pub fn account(&self) -> Result<Option<Account>, TableError> {
        self.part(keys::PROFILE)
    }

    /// What came in about it; nothing where all that came was refused.
    pub fn record(&self) -> Result<Option<AccountRecord>, TableError> {
        let record: Option<AccountRecord> = self.part(keys::SERIES)?;
        Ok(record.filter(|record| !record.series.is_empty()))
    }

    /// Its health.
    pub fn health(&self) -> Result<Option<HealthRecord>, TableError> {
        self.part(keys::HEALTH)
    }

    /// Its calls to action.
    pub fn episodes(&self) -> Result<Option<EpisodeRecord>, TableError> {
        self.part(keys::EPISODES)
    }

    /// The item at a place, for the one who decides on it.
    pub fn item(&self, place: &str) -> Option<&Item> {
        self.items.iter().find(|item| item.key.sk == place)
    }

    fn part<S: DeserializeOwned>(&self, place: &str) -> Result<Option<S>, TableError> {
        self.item(place).map(once::state_of).transpose()
    }
}

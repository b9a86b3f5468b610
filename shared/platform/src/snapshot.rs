//! All of an account's working state, as one query of the table brings it.

use crate::keys::{self, STATE};
use crate::once;
use crate::table::{self, Item, Range, Table, TableError};
use domain::account::Account;
use domain::id::{AccountId, TenantId};
use domain::record::{AccountRecord, HealthRecord};
use serde::de::DeserializeOwned;

/// What the functions know of an account at this moment.
#[derive(Debug, Default)]
pub struct Snapshot {
    /// As the CRM describes it.
    pub account: Option<Account>,
    /// What came in about it.
    pub record: Option<AccountRecord>,
    /// Its health.
    pub health: Option<HealthRecord>,
}

impl Snapshot {
    /// Reads an account's state.
    pub async fn read(table: &dyn Table, tenant: &TenantId, account: &AccountId) -> Result<Self, TableError> {
        let items = table::query_all(table, Range::prefix(keys::account(tenant, account), STATE)).await?;
        Ok(Self {
            account: state(&items, &keys::profile(tenant, account))?,
            record: state(&items, &keys::series(tenant, account))?,
            health: state(&items, &keys::health(tenant, account))?,
        })
    }
}

fn state<S: DeserializeOwned>(items: &[Item], key: &keys::Key) -> Result<Option<S>, TableError> {
    items.iter().find(|item| item.key == *key).map(once::state_of).transpose()
}

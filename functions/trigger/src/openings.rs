//! How much each rule opened today, shard by shard of the portfolio: what the kill switch goes by.

use domain::day::Day;
use domain::id::{AccountId, RuleId, TenantId};
use platform::keys::{self, PORTFOLIO_SHARDS};
use platform::table::{self, Expect, Item, Range, Table, TableError, Write};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How many calls to action were opened in one shard on one day.
#[derive(Debug, Default, Serialize, Deserialize)]
struct OfShard {
    day: Option<Day>,
    opened: BTreeMap<RuleId, u64>,
}

/// How many calls to action each rule opened today.
pub struct Openings {
    /// In the whole portfolio.
    pub of_all: BTreeMap<RuleId, u64>,
    shard: u32,
    item: Option<Item>,
    own: OfShard,
}

impl Openings {
    /// Of this day; `account` tells in which shard more are to be counted.
    pub async fn on(table: &dyn Table, tenant: &TenantId, account: &AccountId, day: Day) -> Result<Self, TableError> {
        let shard = keys::shard_of(account);
        let own_key = keys::openings(tenant, shard);
        let mut openings = Self { of_all: BTreeMap::new(), shard, item: None, own: OfShard::default() };
        for item in table::query_all(table, Range::prefix(own_key.pk.clone(), "")).await? {
            let of_shard: OfShard = table::read(&item)?;
            let is_own = item.key == own_key;
            if is_own {
                openings.item = Some(item);
            }
            if of_shard.day != Some(day) {
                continue;
            }
            for (rule, opened) in &of_shard.opened {
                *openings.of_all.entry(rule.clone()).or_default() += opened;
            }
            if is_own {
                openings.own = of_shard;
            }
        }
        openings.own.day = Some(day);
        Ok(openings)
    }

    /// So many rules open one more each.
    pub fn count<'a>(
        mut self,
        tenant: &TenantId,
        rules: impl Iterator<Item = &'a RuleId>,
    ) -> Result<Write, TableError> {
        for rule in rules {
            *self.own.opened.entry(rule.clone()).or_default() += 1;
        }
        Ok(Write::Put {
            key: keys::openings(tenant, self.shard),
            expect: Expect::of(self.item.as_ref()),
            body: table::body(&self.own)?,
            expires_at: None,
        })
    }
}

/// How many accounts a portfolio has. Asked once for each tenant: later the daily look at all of them says it.
pub async fn accounts(table: &dyn Table, tenant: &TenantId) -> Result<u64, TableError> {
    let mut count = 0;
    for shard in 0..PORTFOLIO_SHARDS {
        let items = table::query_all(table, Range::prefix(keys::shard(tenant, shard), "")).await?;
        count += items.len() as u64;
    }
    Ok(count)
}

//! An account's scores as they were kept, for functions that look back.

use crate::keys;
use crate::table::{self, Range, Table, TableError};
use domain::backtest::Scored;
use domain::digest::Digest;
use domain::health::Entry;
use domain::id::{AccountId, TenantId};
use domain::scorecard::{Draft, Scorecard};
use jiff::Timestamp;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The scorecards of past scores, each read once.
#[derive(Debug, Default)]
pub struct PastCards(Mutex<BTreeMap<Digest, Arc<Scorecard>>>);

impl PastCards {
    async fn get(&self, table: &dyn Table, tenant: &TenantId, hash: Digest) -> Result<Arc<Scorecard>, TableError> {
        if let Some(card) = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&hash) {
            return Ok(card.clone());
        }
        let refused = |what: &str| TableError::Refused(format!("scorecard `{hash}` of a score {what}"));
        let item = table.get(&keys::scorecard(tenant, hash)).await?.ok_or_else(|| refused("is not kept"))?;
        let card = Arc::new(Scorecard::new(table::read::<Draft>(&item)?).map_err(|_| refused("is not sound"))?);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(hash, card.clone());
        Ok(card)
    }
}

/// The scores from one moment to another, the earliest first.
pub async fn scores(
    table: &dyn Table,
    cards: &PastCards,
    tenant: &TenantId,
    account: &AccountId,
    [from, to]: [Timestamp; 2],
) -> Result<Vec<Scored>, TableError> {
    /// Why it moved is not read.
    #[derive(Deserialize)]
    struct Past {
        entry: Entry,
    }
    let range = Range {
        first: format!("score#{}", keys::time(from)),
        last: format!("score#{}\u{10FFFF}", keys::time(to)),
        ..Range::prefix(keys::account(tenant, account), "score#")
    };
    let mut scores = Vec::new();
    for item in table::query_all(table, range).await? {
        let Past { entry } = table::read(&item)?;
        let card = cards.get(table, tenant, entry.scorecard).await?;
        let health = entry.health(&card).filter(|_| !entry.blank);
        scores.push(Scored { at: entry.scored_at, health, band: entry.band });
    }
    Ok(scores)
}

//! The rules look at an account.

use crate::book::Holding;
use crate::brake::{Brake, Swept};
use crate::change::Changed;
use async_trait::async_trait;
use contract::event::Cause;
use domain::audit;
use domain::cta::{Episodes, decide};
use domain::digest::Digest;
use domain::health::Health;
use domain::id::{AccountId, CauseId};
use domain::record::{EpisodeRecord, HealthRecord};
use domain::rule::{Facts, Standing};
use jiff::Timestamp;
use platform::function::{Failure, Ports};
use platform::keys;
use platform::once::{self, Effect, Evaluate};
use platform::snapshot::Snapshot;
use platform::table::{Item, Key, Table};
use std::sync::Mutex;

/// One look at one account.
pub struct Evaluation<'a> {
    pub ports: &'a Ports,
    pub holding: &'a Holding,
    pub cause: Cause,
    pub account: &'a AccountId,
    pub now: Timestamp,
}

impl Evaluation<'_> {
    /// Looks, once in effect.
    pub async fn run(&self, message: &CauseId) -> Result<Swept, Failure> {
        let Self { ports, holding, cause, account, now } = self;
        let brake = Brake { ports, holding, cause, account, now: *now, noted: Mutex::default() };
        let look = Braked { evaluation: self, brake: &brake };
        once::handle(ports, &keys::episodes(&cause.tenant, account), message, &look).await?;
        brake.settle().await
    }
}

/// A look with the kill switches.
struct Braked<'a> {
    evaluation: &'a Evaluation<'a>,
    brake: &'a Brake<'a>,
}

#[async_trait]
impl Evaluate for Braked<'_> {
    type State = EpisodeRecord;
    type Known = Snapshot;

    async fn load(&self, table: &dyn Table, head: &Key) -> Result<(Option<Item>, Snapshot), Failure> {
        Ok(Snapshot::with_head(table, &self.evaluation.cause.tenant, self.evaluation.account, head).await?)
    }

    async fn evaluate(
        &self,
        state: Option<EpisodeRecord>,
        known: Snapshot,
    ) -> Result<Option<Effect<EpisodeRecord>>, Failure> {
        let Evaluation { ports, holding, cause, account: id, now } = self.evaluation;
        let (tenant, rules, now) = (&cause.tenant, holding.rules.as_ref(), *now);
        let Some(account) = known.account()? else {
            return Ok(None);
        };
        let record = known.record()?.unwrap_or_default();
        let (episodes, chain) = state.map_or_else(
            || (Episodes::default(), audit::Head::start(tenant, id)),
            |state| (state.episodes, state.audit),
        );
        let scored = known.health()?;
        let standing = scored.as_ref().and_then(standing);
        let health = scored.as_ref().and_then(health);
        let facts = Facts { account: &account, series: &record.series, health, standing, now };
        let mut outcomes = self.brake.outcomes(&rules.look(&facts), &facts);
        let decided = |outcomes: &[domain::rule::Outcome]| decide(tenant, &account, rules, &episodes, outcomes, now);
        let (decision, openings) = self.brake.decide(&mut outcomes, decided).await?;
        if decision.episodes == episodes {
            return Ok(None);
        }
        let changed =
            Changed { ports, cause, account: id, now, changes: &decision.changes, requests: &decision.requests };
        let mut writes = changed.entries().await?;
        writes.extend(openings);
        let mut audit = chain;
        if !decision.changes.is_empty() {
            let inputs =
                Digest::of_json("rule outcomes", &outcomes).map_err(|error| Failure::Unhandled(error.to_string()))?;
            let link = changed.link(&chain, "rules", inputs, rules.version());
            writes.push(changed.link_write(&link)?);
            audit = link.head();
        }
        let events = changed.events();
        Ok(Some(Effect { state: EpisodeRecord { episodes: decision.episodes, audit }, writes, events }))
    }
}

/// An account's health. One that has left has none: what is kept is its last one.
pub fn health(record: &HealthRecord) -> Option<&Health> {
    Some(&record.health).filter(|state| state.blank_since.is_none()).map(|state| &state.health)
}

/// The band that an account shows, once it has one.
pub fn standing(record: &HealthRecord) -> Option<Standing> {
    let health = &record.health;
    Some(Standing {
        band: health.shown_band()?,
        from: health.band_from,
        since: health.band_since?,
        provisional: health.health.provisional,
    })
}

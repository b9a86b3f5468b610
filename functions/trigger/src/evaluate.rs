//! The rules and the segments look at an account.

use crate::change::Changed;
use crate::segments::Told;
use async_trait::async_trait;
use contract::event::Cause;
use domain::audit;
use domain::cta::{Episodes, decide};
use domain::digest::Digest;
use domain::health::Health;
use domain::id::{AccountId, CauseId};
use domain::record::{EpisodeRecord, HealthRecord};
use domain::rule::{Facts, RuleSet, Standing};
use domain::segment::{self, Memberships, Segments};
use jiff::Timestamp;
use platform::function::{Failure, Ports};
use platform::keys;
use platform::once::{self, Effect, Evaluate, Outcome};
use platform::snapshot::Snapshot;
use platform::table::{Item, Key, Table};

/// One look at one account.
pub struct Evaluation<'a> {
    pub ports: &'a Ports,
    pub rules: &'a RuleSet,
    pub segments: &'a Segments,
    pub cause: Cause,
    pub account: &'a AccountId,
    pub now: Timestamp,
}

impl Evaluation<'_> {
    /// Looks, once in effect.
    pub async fn run(&self, message: &CauseId) -> Result<Outcome, Failure> {
        once::handle(self.ports, &keys::episodes(&self.cause.tenant, self.account), message, self).await
    }
}

#[async_trait]
impl Evaluate for Evaluation<'_> {
    type State = EpisodeRecord;
    type Known = Snapshot;

    async fn load(&self, table: &dyn Table, head: &Key) -> Result<(Option<Item>, Snapshot), Failure> {
        Ok(Snapshot::with_head(table, &self.cause.tenant, self.account, head).await?)
    }

    async fn evaluate(
        &self,
        state: Option<EpisodeRecord>,
        known: Snapshot,
    ) -> Result<Option<Effect<EpisodeRecord>>, Failure> {
        let tenant = &self.cause.tenant;
        let Some(account) = known.account()? else {
            return Ok(None);
        };
        let record = known.record()?.unwrap_or_default();
        let (episodes, memberships, chain) = state.map_or_else(
            || (Episodes::default(), Memberships::default(), audit::Head::start(tenant, self.account)),
            |state| (state.episodes, state.segments, state.audit),
        );
        let scored = known.health()?;
        let standing = scored.as_ref().and_then(standing);
        let health = scored.as_ref().and_then(health);
        let facts = Facts { account: &account, series: &record.series, health, standing, now: self.now };
        let outcomes = self.rules.evaluate(&facts);
        let decision = decide(tenant, &account, self.rules, &episodes, &outcomes, self.now);
        let membership = segment::decide(self.segments, &memberships, &facts);
        if decision.episodes == episodes && membership.memberships == memberships {
            return Ok(None);
        }
        let changed = Changed {
            ports: self.ports,
            cause: &self.cause,
            account: self.account,
            now: self.now,
            changes: &decision.changes,
            requests: &decision.requests,
        };
        let mut writes = changed.entries().await?;
        let mut audit = chain;
        if !decision.changes.is_empty() {
            let inputs =
                Digest::of_json("rule outcomes", &outcomes).map_err(|error| Failure::Unhandled(error.to_string()))?;
            let link = changed.link(&chain, "rules", inputs, self.rules.version());
            writes.push(changed.link_write(&link)?);
            audit = link.head();
        }
        let mut events = changed.events();
        if !membership.changes.is_empty() {
            let (segments, cause, account, now) = (self.segments, &self.cause, self.account, self.now);
            let told = Told { segments, cause, account, now, decision: &membership };
            let link = told.link(&audit)?;
            writes.extend(told.entries()?);
            writes.push(changed.link_write(&link)?);
            events.extend(told.events());
            audit = link.head();
        }
        let (episodes, segments) = (decision.episodes, membership.memberships);
        Ok(Some(Effect { state: EpisodeRecord { episodes, segments, audit }, writes, events }))
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

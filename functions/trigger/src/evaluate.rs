//! The rules and the segments look at an account.

use crate::book::Holding;
use crate::brake::{Brake, Swept};
use crate::change::Changed;
use crate::{experiments, segments};
use async_trait::async_trait;
use contract::event::{Cause, Event};
use domain::audit;
use domain::cta::{Episodes, decide};
use domain::digest::Digest;
use domain::experiment::{Experiments, Exposures, Look, Trial};
use domain::health::Health;
use domain::id::{AccountId, CauseId};
use domain::record::{EpisodeRecord, HealthRecord};
use domain::rule::{self, Facts, Standing};
use domain::segment::{self, Memberships, Segments};
use jiff::Timestamp;
use platform::function::{Failure, Ports};
use platform::keys;
use platform::once::{self, Effect, Evaluate};
use platform::snapshot::Snapshot;
use platform::table::{Item, Key, Table, Write};
use std::sync::Mutex;

/// One look at one account.
pub struct Evaluation<'a> {
    pub ports: &'a Ports,
    pub holding: &'a Holding,
    pub segments: &'a Segments,
    pub experiments: &'a Experiments,
    pub cause: Cause,
    pub account: &'a AccountId,
    pub now: Timestamp,
    /// Whether all accounts are looked at.
    pub of_all: bool,
}

impl Evaluation<'_> {
    /// Looks, once in effect.
    pub async fn run(&self, message: &CauseId) -> Result<Swept, Failure> {
        let Self { ports, holding, cause, account, now, of_all, .. } = self;
        let (now, of_all) = (*now, *of_all);
        let brake = Brake { ports, holding, cause, account, now, of_all, noted: Mutex::default() };
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
        let Evaluation { ports, holding, segments, experiments, cause, account: id, now, .. } = self.evaluation;
        let (tenant, rules, now) = (&cause.tenant, holding.rules.as_ref(), *now);
        let Some(account) = known.account()? else {
            return Ok(None);
        };
        let record = known.record()?.unwrap_or_default();
        let before = state.unwrap_or_else(|| EpisodeRecord {
            episodes: Episodes::default(),
            segments: Memberships::default(),
            exposures: Exposures::default(),
            audit: audit::Head::start(tenant, id),
        });
        let scored = known.health()?;
        let standing = scored.as_ref().and_then(standing);
        let health = scored.as_ref().and_then(health);
        let facts = Facts { account: &account, series: &record.series, health, standing, now };
        let mut outcomes = self.brake.outcomes(&facts);
        let look = Look { tenant, experiments, rules, facts: &facts };
        let decided = |outcomes: &[rule::Outcome]| decide(tenant, &account, rules, &before.episodes, outcomes, now);
        // What an experiment holds out is not opened, and does not count as opened.
        let decided = |outcomes: &[rule::Outcome]| {
            let decision = decided(outcomes);
            let trial = look.run(&before.exposures, outcomes, &decision.opened().collect());
            (trial.outcomes.as_ref().map_or(decision, |outcomes| decided(outcomes)), trial)
        };
        let (decision, trial, openings) = self.brake.decide(&mut outcomes, decided).await?;
        let membership = segment::decide(segments, &before.segments, &facts);
        if decision.episodes == before.episodes && membership.memberships == before.segments && trial.changed.is_empty()
        {
            return Ok(None);
        }
        let changed =
            Changed { ports, cause, account: id, now, changes: &decision.changes, requests: &decision.requests };
        let mut writes = changed.entries().await?;
        writes.extend(openings);
        let mut audit = before.audit;
        if !decision.changes.is_empty() {
            let inputs =
                Digest::of_json("rule outcomes", &outcomes).map_err(|error| Failure::Unhandled(error.to_string()))?;
            let link = changed.link(&audit, "rules", inputs, rules.version());
            writes.push(changed.link_write(&link)?);
            audit = link.head();
        }
        let mut events = changed.events();
        let more = self.evaluation.beside(&membership, &trial, audit).await?;
        for link in &more.links {
            writes.push(changed.link_write(link)?);
            audit = link.head();
        }
        writes.extend(more.writes);
        events.extend(more.events);
        let (episodes, segments, exposures) = (decision.episodes, membership.memberships, trial.exposures);
        Ok(Some(Effect { state: EpisodeRecord { episodes, segments, exposures, audit }, writes, events }))
    }
}

/// What a look comes to beside its calls to action.
struct Beside {
    writes: Vec<Write>,
    events: Vec<Event>,
    links: Vec<audit::Link>,
}

impl Evaluation<'_> {
    /// What is entered and left, and what the account was exposed to.
    async fn beside(
        &self,
        membership: &segment::Decision,
        trial: &Trial,
        mut audit: audit::Head,
    ) -> Result<Beside, Failure> {
        let Self { ports, segments, experiments, cause, account, now, .. } = self;
        let (now, mut links) = (*now, Vec::new());
        let moved = segments::Told { segments, cause, account, now, decision: membership };
        let mut writes = moved.entries()?;
        if !membership.changes.is_empty() {
            let link = moved.link(&audit)?;
            audit = link.head();
            links.push(link);
        }
        let tried = experiments::Told { ports, experiments, cause, account, now, trial };
        writes.extend(tried.entries().await?);
        if !trial.exposed.is_empty() {
            links.push(tried.link(&audit));
        }
        let events = moved.events().into_iter().chain(tried.events()).collect();
        Ok(Beside { writes, events, links })
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

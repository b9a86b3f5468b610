//! What a new score changes: the kept state of an account's health, and its band.
//!
//! Nothing changed, nothing is written. A provisional score is kept and shown but changes no band. Where nothing is
//! known any more the last known score stands, marked as stale.

use super::{Contribution, Health, Inputs, Reason, compute, reasons, shortfalls};
use crate::band::{Band, BandState, Bands, advance};
use crate::day::SECONDS;
use crate::fixed::Points;
use crate::scorecard::BasisPoints;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// How many days back a change of band is explained from.
pub const REASON_DAYS: i64 = 28;

/// Why an account is scored now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trigger {
    /// A scheduled run: counts towards the dwell of bands.
    Scheduled,
    /// News about the account.
    News,
}

/// What is kept of an account's health.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HealthState {
    /// The last score with its parts.
    pub health: Health,
    /// The band; none until a score was not provisional.
    pub band: Option<BandState>,
    /// The band before this one, if there was one.
    pub band_from: Option<Band>,
    /// Since when it is in its band.
    pub band_since: Option<Timestamp>,
    /// When this state came about.
    pub scored_at: Timestamp,
}

/// An account entered a band.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BandChange {
    /// The band it left; none at its first.
    pub from: Option<Band>,
    /// The band it entered.
    pub to: Band,
    /// The score with which it did.
    pub score: Points,
    /// Why, the largest first.
    pub reasons: Vec<Reason>,
}

/// What to do after scoring.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// The state to keep.
    pub state: HealthState,
    /// Whether it is another one than before: if not, there is nothing to write or to tell.
    pub scored: bool,
    /// Set when the account entered a band.
    pub band_change: Option<BandChange>,
}

/// Scores an account and decides what that changes. None where nothing is known and nothing was.
pub fn assess(
    previous: Option<&HealthState>,
    inputs: &Inputs<'_>,
    trigger: Trigger,
    now: Timestamp,
) -> Option<Decision> {
    let Some(health) = compute(inputs, now) else {
        return previous.map(last_known);
    };
    let mut decision = decide(previous, health, inputs.scorecard.bands(), trigger, now);
    if let Some(change) = decision.band_change.as_mut().filter(|change| change.from.is_some())
        && let Ok(then) = now.checked_sub(SignedDuration::from_secs(REASON_DAYS * SECONDS))
        && let Some(before) = compute(&Inputs { open_critical_case: false, ..*inputs }, then)
    {
        // Against weeks ago rather than the last run: a slow slide takes many small steps.
        change.reasons = reasons(&before, &decision.state.health);
    }
    Some(decision)
}

/// What a new health changes.
pub fn decide(
    previous: Option<&HealthState>,
    health: Health,
    bands: &Bands,
    trigger: Trigger,
    now: Timestamp,
) -> Decision {
    let before = previous.and_then(|state| state.band);
    let band = if health.provisional {
        before
    } else {
        let scheduled = trigger == Trigger::Scheduled;
        let moved = |state| advance(state, health.score, scheduled, bands);
        Some(before.map_or_else(|| BandState::at_rest(bands.of(health.score)), moved))
    };
    if let Some(state) = previous.filter(|state| state.health == health && state.band == band) {
        return Decision { state: state.clone(), scored: false, band_change: None };
    }
    let from = before.map(|state| state.band);
    let entered = band.map(|state| state.band).filter(|to| Some(*to) != from);
    let band_change = entered.map(|to| {
        let reasons = previous.map_or_else(|| shortfalls(&health), |state| reasons(&state.health, &health));
        BandChange { from, to, score: health.score, reasons }
    });
    let state = HealthState {
        health,
        band,
        band_from: if entered.is_some() { from } else { previous.and_then(|state| state.band_from) },
        band_since: if entered.is_some() { Some(now) } else { previous.and_then(|state| state.band_since) },
        scored_at: now,
    };
    Decision { state, scored: true, band_change }
}

/// The last known score, marked as resting on no fresh data. When it was scored stays as it was.
fn last_known(previous: &HealthState) -> Decision {
    let mut state = previous.clone();
    let newest = state.health.measures.iter().filter_map(|part: &Contribution| part.as_of).max();
    state.health.provisional = true;
    state.health.coverage = BasisPoints::default();
    state.health.stale_since = state.health.stale_since.or(newest);
    Decision { scored: state != *previous, state, band_change: None }
}

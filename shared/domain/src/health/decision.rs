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
        // Against weeks ago rather than the last run: a slow slide takes many small steps. Unless the score moved the
        // other way since then: that would explain a fall by what rose.
        let after = &decision.state.health;
        let fell = change.from.is_some_and(|from| change.to < from);
        if (after.score < before.score) == fell {
            change.reasons = reasons(&before, after);
        }
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

#[cfg(test)]
mod tests {
    use super::super::tests::{account, four, score, today};
    use super::*;
    use crate::account::LifecycleStage;
    use crate::band::tests::BANDS;
    use crate::page::fixtures::{daily, series};
    use crate::scorecard::Scorecard;
    use crate::scorecard::tests::draft;
    use crate::series::Series;
    use crate::signal::Metric;

    fn health(values: [&'static str; 4]) -> Health {
        score(draft(), &four(values), today()).unwrap()
    }

    fn at(hour: i64) -> Timestamp {
        today().start() + SignedDuration::from_hours(hour)
    }

    fn step(previous: Option<&Decision>, health: Health, hour: i64) -> Decision {
        decide(previous.map(|decision| &decision.state), health, &BANDS, Trigger::Scheduled, at(hour))
    }

    #[test]
    fn a_first_score_enters_its_band_from_none() {
        let first = step(None, health(["80", "90", "70", "60"]), 0);
        let change = first.band_change.unwrap();
        assert_eq!((change.from, change.to, change.score), (None, Band::AtRisk, Points::whole(77)));
        assert_eq!(change.reasons[0].text, "renewal stands at 60 %");
        assert_eq!((first.state.band_from, first.state.band_since), (None, Some(at(0))));
    }

    #[test]
    fn nothing_changed_nothing_is_written() {
        let first = step(None, health(["80", "90", "70", "60"]), 0);
        let second = step(Some(&first), health(["80", "90", "70", "60"]), 1);
        assert_eq!((second.scored, second.band_change), (false, None));
        assert_eq!(second.state, first.state);
    }

    #[test]
    fn a68_a_band_is_left_after_the_dwell_though_the_score_stays() {
        let first = step(None, health(["80", "90", "80", "75"]), 0);
        assert_eq!(first.state.band, Some(BandState::at_rest(Band::Healthy)));
        let low = || health(["80", "90", "80", "70"]);
        assert_eq!(low().score, Points::whole(81));
        let lower = || health(["80", "90", "75", "68"]);
        assert_eq!(lower().score.to_string(), "79.6");
        let second = step(Some(&first), lower(), 1);
        assert_eq!((second.scored, second.band_change.is_none()), (true, true));
        let third = step(Some(&second), lower(), 2);
        let change = third.band_change.clone().unwrap();
        assert_eq!((change.from, change.to), (Some(Band::Healthy), Band::AtRisk));
        assert_eq!((third.state.band_from, third.state.band_since), (Some(Band::Healthy), Some(at(2))));
        let fourth = step(Some(&third), lower(), 3);
        assert!(!fourth.scored);
    }

    #[test]
    fn a_provisional_score_is_kept_but_changes_no_band() {
        let first = step(None, health(["80", "90", "80", "75"]), 0);
        let provisional = Health { provisional: true, ..health(["10", "10", "10", "10"]) };
        let second = step(Some(&first), provisional.clone(), 1);
        assert_eq!((second.scored, second.band_change), (true, None));
        assert_eq!((second.state.band, second.state.health.score), (first.state.band, Points::whole(10)));
        let unknown = step(None, provisional, 0);
        assert_eq!((unknown.state.band, unknown.band_change), (None, None));
    }

    #[test]
    fn a11_the_last_known_score_stands_marked_as_stale() {
        let (account, scorecard) = (account(LifecycleStage::Steady, None), Scorecard::new(draft()).unwrap());
        let assess_on = |previous: Option<&Decision>, series: &Series, now| {
            let inputs = Inputs { series, account: &account, scorecard: &scorecard, open_critical_case: false };
            assess(previous.map(|decision| &decision.state), &inputs, Trigger::Scheduled, now)
        };
        let series = four(["80", "90", "70", "60"]);
        assert_eq!(assess_on(None, &Series::default(), at(0)), None);
        let first = assess_on(None, &series, at(0)).unwrap();
        let later = today().plus(30).start();
        let dark = assess_on(Some(&first), &series, later).unwrap();
        assert_eq!((dark.scored, dark.band_change.is_none()), (true, true));
        assert_eq!((dark.state.health.score, dark.state.band), (Points::whole(77), first.state.band));
        assert_eq!((dark.state.health.stale_since, dark.state.health.provisional), (Some(today()), true));
        assert_eq!(dark.state.scored_at, at(0));
        assert!(!assess_on(Some(&dark), &series, later).unwrap().scored);
    }

    /// The first band change of an account that was healthy eight days ago, when this is what audits found so many days
    /// back and all else stood still.
    fn change_of_band(audits: impl Fn(i32) -> &'static str) -> BandChange {
        let mut signals = Vec::new();
        for (metric, value) in [(Metric::Uptime, "80"), (Metric::Csat, "80"), (Metric::RenewalProbability, "85")] {
            signals.extend(daily(metric, (0..70).map(|back| (today().plus(-back), value))));
        }
        signals.extend(daily(Metric::AuditCompleteness, (0..70).map(|back| (today().plus(-back), audits(back)))));
        let series = series(signals);
        let (account, scorecard) = (account(LifecycleStage::Steady, None), Scorecard::new(draft()).unwrap());
        let inputs = Inputs { series: &series, account: &account, scorecard: &scorecard, open_critical_case: false };
        let mut previous = assess(None, &inputs, Trigger::News, today().plus(-8).start()).unwrap();
        assert_eq!(previous.state.band, Some(BandState::at_rest(Band::Healthy)));
        let mut change = None;
        for back in (0..8).rev() {
            previous = assess(Some(&previous.state), &inputs, Trigger::News, today().plus(-back).start()).unwrap();
            change = change.or(previous.band_change);
        }
        change.unwrap()
    }

    #[test]
    fn a_slow_slide_is_explained_from_weeks_ago() {
        let change = change_of_band(|back| if back < 7 { "70" } else { "80" });
        assert_eq!((change.from, change.to), (Some(Band::Healthy), Band::AtRisk));
        assert_eq!(change.reasons.len(), 1);
        assert!(change.reasons[0].text.starts_with("audit fell from 80 % to 7"), "{:?}", change.reasons);
    }

    #[test]
    fn a_fall_is_not_explained_by_what_rose_since_weeks_ago() {
        let change = change_of_band(|back| match back {
            ..7 => "70",
            7..24 => "82",
            _ => "50",
        });
        assert_eq!((change.from, change.to), (Some(Band::Healthy), Band::AtRisk));
        assert!(change.reasons[0].text.starts_with("audit fell"), "{:?}", change.reasons);
    }
}

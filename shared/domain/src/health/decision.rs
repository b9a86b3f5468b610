//! What a new score changes: the kept state of an account's health, and its band.
//!
//! Nothing changed, nothing is written. A provisional score is kept and shown but changes no band. Where nothing is
//! known any more the last known score stands, marked as stale. An account that has left has no health: it is blank.

use super::{Contribution, Health, Inputs, Overrides, Reason, compute, reasons, shortfalls};
use crate::account::LifecycleStage;
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
    /// The band as it was computed; none until a score was not provisional.
    pub band: Option<BandState>,
    /// The band before this one, if there was one.
    pub band_from: Option<Band>,
    /// Since when it is in its band.
    pub band_since: Option<Timestamp>,
    /// When this state came about.
    pub scored_at: Timestamp,
    /// Since when the account is no customer any more: then this is its last health, and it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blank_since: Option<Timestamp>,
}

impl HealthState {
    /// The band that holds: what a person says, else what was computed. None of an account that has left.
    pub fn shown_band(&self) -> Option<Band> {
        let band = || self.health.overrides.band().or(self.band.map(|state| state.band));
        if self.blank_since.is_some() { None } else { band() }
    }
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
    if inputs.account.stage == LifecycleStage::Churned {
        return previous.map(|previous| blank(previous, now));
    }
    let previous = previous.filter(|state| state.blank_since.is_none());
    let Some(health) = compute(inputs, now) else {
        return previous.map(|previous| last_known(previous, &inputs.overrides.at(now), now));
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
            let said = said_of_band(previous, &after.overrides);
            change.reasons = said.into_iter().chain(reasons(&before, after)).collect();
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
    let from = previous.and_then(HealthState::shown_band);
    let shown = health.overrides.band().or(band.map(|state| state.band));
    let entered = shown.filter(|to| Some(*to) != from);
    let band_change = entered.map(|to| {
        let why = previous.map_or_else(|| shortfalls(&health), |state| reasons(&state.health, &health));
        let said = said_of_band(previous, &health.overrides);
        BandChange { from, to, score: health.score, reasons: said.into_iter().chain(why).collect() }
    });
    let state = HealthState {
        health,
        band,
        band_from: if entered.is_some() { from } else { previous.and_then(|state| state.band_from) },
        band_since: if entered.is_some() { Some(now) } else { previous.and_then(|state| state.band_since) },
        scored_at: now,
        blank_since: None,
    };
    Decision { state, scored: true, band_change }
}

/// What a person says of the band, or says no longer, as a reason.
fn said_of_band(previous: Option<&HealthState>, overrides: &Overrides) -> Option<Reason> {
    let before = previous.and_then(|state| state.health.overrides.about("band"));
    let now = overrides.about("band").map(|word| format!("{} says so: {}", word.author, word.reason));
    let text = now.or_else(|| before.map(|word| format!("{} no longer says so", word.author)))?;
    Some(Reason { measure: None, text, delta: Points::ZERO })
}

/// No health any more: the account has left. What it last was is kept.
fn blank(previous: &HealthState, now: Timestamp) -> Decision {
    let mut state = previous.clone();
    if state.blank_since.is_none() {
        state.band_from = state.shown_band();
        state.band = None;
        state.band_since = None;
        state.blank_since = Some(now);
        state.scored_at = now;
    }
    Decision { scored: state != *previous, state, band_change: None }
}

/// The last known score, marked as resting on no fresh data. When it was scored stays as it was. What people say of the
/// score and the band begins and ends all the same; what they say of a measure stays in the last known score.
fn last_known(previous: &HealthState, overrides: &Overrides, now: Timestamp) -> Decision {
    let mut state = previous.clone();
    let newest = state.health.measures.iter().filter_map(|part: &Contribution| part.as_of).max();
    state.health.provisional = true;
    state.health.coverage = BasisPoints::default();
    state.health.stale_since = state.health.stale_since.or(newest);
    state.health.overrides = overrides.clone();
    state.health.score = overrides.score().unwrap_or(state.health.computed);
    let (from, shown) = (previous.shown_band(), state.shown_band());
    let band_change = shown.filter(|to| Some(*to) != from).map(|to| {
        state.band_from = from;
        state.band_since = Some(now);
        let said = said_of_band(Some(previous), overrides);
        BandChange { from, to, score: state.health.score, reasons: said.into_iter().collect() }
    });
    Decision { scored: state != *previous, state, band_change }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{account, four, score, today};
    use super::super::{Computed, Override, State, Word};
    use super::*;
    use crate::account::LifecycleStage;
    use crate::band::tests::BANDS;
    use crate::id::PersonId;
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
            let overrides = &Overrides::default();
            let inputs =
                Inputs { series, account: &account, scorecard: &scorecard, open_critical_case: false, overrides };
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

    #[test]
    fn what_people_say_begins_and_ends_though_nothing_is_known_any_more() {
        let (account, scorecard) = (account(LifecycleStage::Steady, None), Scorecard::new(draft()).unwrap());
        let series = four(["80", "90", "70", "60"]);
        let assess_on = |previous: Option<&Decision>, overrides: &Overrides, now| {
            let inputs = Inputs {
                series: &series,
                account: &account,
                scorecard: &scorecard,
                open_critical_case: false,
                overrides,
            };
            assess(previous.map(|decision| &decision.state), &inputs, Trigger::Scheduled, now).unwrap()
        };
        let first = assess_on(None, &Overrides::default(), at(0));
        let later = today().plus(30).start();
        let author = PersonId::new("kim").unwrap();
        let (word, reason) = (Word::Band(Band::Emergency), "nobody answers".to_owned());
        let expires_at = later + SignedDuration::from_hours(2);
        let said =
            Overrides::default().set(Override { word, reason, author, set_at: later, expires_at }, later).unwrap();
        let dark = assess_on(Some(&first), &said, later);
        assert_eq!(dark.state.shown_band(), Some(Band::Emergency));
        assert_eq!(dark.band_change.clone().unwrap().reasons[0].text, "kim says so: nobody answers");
        let ended = assess_on(Some(&dark), &said, expires_at);
        assert_eq!(ended.state.shown_band(), first.state.shown_band());
        assert_eq!(ended.band_change.clone().unwrap().reasons[0].text, "kim no longer says so");
        assert!(!assess_on(Some(&ended), &said, expires_at).scored);
    }

    #[test]
    fn an_override_shows_beside_what_was_computed_and_ends_by_itself() {
        let (account, scorecard) = (account(LifecycleStage::Steady, None), Scorecard::new(draft()).unwrap());
        let series = four(["80", "90", "70", "60"]);
        let said = |words: &[Word]| {
            words.iter().fold(Overrides::default(), |all, word| {
                let author = PersonId::new("kim").unwrap();
                let reason = "sponsor left".to_owned();
                let word = Override { word: word.clone(), reason, author, set_at: at(0), expires_at: at(5) };
                all.set(word, at(0)).unwrap()
            })
        };
        let assess_at = |previous: Option<&Decision>, overrides: &Overrides, hour| {
            let inputs = Inputs {
                series: &series,
                account: &account,
                scorecard: &scorecard,
                open_critical_case: false,
                overrides,
            };
            assess(previous.map(|decision| &decision.state), &inputs, Trigger::News, at(hour)).unwrap()
        };
        let first = assess_at(None, &Overrides::default(), 0);
        assert_eq!(first.state.shown_band(), Some(Band::AtRisk));

        let words =
            said(&[Word::Band(Band::Emergency), Word::Measure { measure: "csat".into(), points: Points::ZERO }]);
        let second = assess_at(Some(&first), &words, 1);
        let change = second.band_change.clone().unwrap();
        assert_eq!((change.from, change.to), (Some(Band::AtRisk), Band::Emergency));
        assert_eq!(change.reasons[0].text, "kim says so: sponsor left");
        let csat = second.state.health.measures.iter().find(|part| part.measure == "csat").unwrap();
        let computed = Computed { state: State::Present, points: Some(Points::whole(70)) };
        assert_eq!((csat.points, csat.computed), (Some(Points::ZERO), Some(computed)));
        assert_eq!((second.state.health.score, second.state.health.coverage), (Points::whole(63), BasisPoints::WHOLE));
        assert!(!assess_at(Some(&second), &words, 2).scored, "a rescore keeps it");

        let third = assess_at(Some(&second), &said(&[Word::Score(Points::whole(95))]), 3);
        assert_eq!((third.state.health.score, third.state.health.computed), (Points::whole(95), Points::whole(77)));
        assert_eq!(third.state.shown_band(), Some(Band::Champion));
        let ended = assess_at(Some(&third), &said(&[Word::Score(Points::whole(95))]), 5);
        assert_eq!((ended.state.health.score, ended.scored), (Points::whole(77), true));
        assert_eq!(ended.state.shown_band(), Some(Band::AtRisk));
    }

    #[test]
    fn health_is_blank_at_churn_and_begins_anew_when_they_come_back() {
        let scorecard = Scorecard::new(draft()).unwrap();
        let (series, overrides) = (four(["80", "90", "70", "60"]), &Overrides::default());
        let assess_as = |stage, previous: Option<&Decision>, hour| {
            let account = &account(stage, None);
            let inputs =
                Inputs { series: &series, account, scorecard: &scorecard, open_critical_case: false, overrides };
            assess(previous.map(|decision| &decision.state), &inputs, Trigger::News, at(hour))
        };
        assert_eq!(assess_as(LifecycleStage::Churned, None, 0), None);
        let first = assess_as(LifecycleStage::Steady, None, 0).unwrap();
        let left = assess_as(LifecycleStage::Churned, Some(&first), 1).unwrap();
        assert_eq!((left.scored, left.band_change.is_none(), left.state.shown_band()), (true, true, None));
        assert_eq!((left.state.blank_since, left.state.band_from), (Some(at(1)), Some(Band::AtRisk)));
        assert_eq!(left.state.health, first.state.health, "what it last was is kept");
        assert!(!assess_as(LifecycleStage::Churned, Some(&left), 2).unwrap().scored);
        let back = assess_as(LifecycleStage::Onboarding, Some(&left), 3).unwrap();
        assert_eq!((back.state.blank_since, back.band_change.unwrap().from), (None, None));
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
        let overrides = &Overrides::default();
        let inputs =
            Inputs { series: &series, account: &account, scorecard: &scorecard, open_critical_case: false, overrides };
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

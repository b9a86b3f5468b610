//! What it would take to reach a score: the smallest changes of measures that would do it.
//!
//! Only measures that count today are moved: what nobody knows cannot be promised to become good. A measure that does it
//! alone is an alternative; where none does, the fewest that do it together are named, those that can bring the most
//! first, the last one moved no further than needed.

use super::{Contribution, Health, HealthState, State, weigh};
use crate::band::Band;
use crate::fixed::{ONE, Points, Quantity};
use crate::scorecard::{Formula, Measure, Scorecard};
use jiff::Timestamp;

/// A measure moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Which measure.
    pub measure: String,
    /// The unit of its value.
    pub unit: String,
    /// Where it stands.
    pub from: Quantity,
    /// Where it would have to stand, at the least.
    pub to: Quantity,
    /// What that would bring to the score.
    pub gain: Points,
}

/// What it would take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reach {
    /// The score to reach.
    pub score: Points,
    /// Caps that would have to end, for they allow less.
    pub caps: Vec<String>,
    /// Measures of which each alone would do it, the one that has to bring the least in front.
    pub alone: Vec<Step>,
    /// Where none does it alone: those that do it together. Empty where even all of them would not.
    pub together: Vec<Step>,
}

/// A band higher, and what it would take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NextBand {
    /// The band.
    pub band: Band,
    /// How that stands.
    pub outlook: Outlook,
    /// What it would take by what was computed.
    pub reach: Reach,
}

/// How the next band stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outlook {
    /// The changes would do it.
    Open,
    /// The score is there; the band follows.
    Waiting {
        /// After so many scheduled runs.
        runs_left: u8,
    },
    /// There is too little data: nothing moves the band until there is more.
    Provisional,
    /// A person's word holds it.
    Overridden {
        /// Until then.
        until: Timestamp,
    },
    /// Even the best values of all that counts today would not do it.
    OutOfReach,
}

/// The band above the one that holds. None above the highest one, and of an account that has left. A person's word that
/// has ended since it was scored holds nothing.
pub fn next_band(state: &HealthState, scorecard: &Scorecard, now: Timestamp) -> Option<NextBand> {
    let (health, bands) = (&state.health, scorecard.bands());
    if state.blank_since.is_some() {
        return None;
    }
    let band = state.shown_band().unwrap_or_else(|| bands.of(health.score));
    let next = Band::ALL.into_iter().find(|higher| *higher > band)?;
    let reach = reach(health, scorecard, bands.floor(next));
    let words = health.overrides.unexpired(now);
    let word = words.about("band").or_else(|| words.about("score"));
    let outlook = if let Some(word) = word {
        Outlook::Overridden { until: word.expires_at }
    } else if health.provisional {
        Outlook::Provisional
    } else if health.computed >= reach.score {
        let runs = state.band.and_then(|state| state.pending).map_or(0, |pending| pending.runs);
        Outlook::Waiting { runs_left: bands.dwell_runs.saturating_sub(runs) }
    } else if health.uncapped < reach.score && reach.alone.is_empty() && reach.together.is_empty() {
        Outlook::OutOfReach
    } else {
        Outlook::Open
    };
    Some(NextBand { band: next, outlook, reach })
}

/// The smallest changes that would bring a health to a score. Nothing to do where it has it.
pub fn reach(health: &Health, scorecard: &Scorecard, score: Points) -> Reach {
    let caps = health.caps.iter().filter(|cap| cap.at_most < score).map(|cap| cap.cap.clone()).collect();
    let mut reach = Reach { score, caps, alone: Vec::new(), together: Vec::new() };
    if health.uncapped >= score {
        return reach;
    }
    let board = Board::new(health, scorecard);
    let mut movable: Vec<(Points, Place)> =
        board.movable().into_iter().map(|place| (board.most(place), place)).collect();
    movable.sort_by_key(|(most, place)| (std::cmp::Reverse(*most), *place));
    reach.alone = movable.iter().filter_map(|(_, place)| board.least(*place, score)).collect();
    reach.alone.sort_by(|a, b| a.gain.cmp(&b.gain).then_with(|| a.measure.cmp(&b.measure)));
    if reach.alone.is_empty() {
        reach.together = together(board, &movable, score);
    }
    reach
}

fn together(mut board: Board<'_>, movable: &[(Points, Place)], score: Points) -> Vec<Step> {
    let mut steps = Vec::new();
    for (_, place) in movable {
        if let Some(step) = board.least(*place, score) {
            steps.push(step);
            return steps;
        }
        let before = board.score();
        let Some((measure, part)) = board.at(*place) else { continue };
        let (from, to) = (part.value.unwrap_or_default(), best(measure));
        let (measure, unit) = (part.measure.clone(), part.unit.clone());
        board.put(*place, to);
        steps.push(Step { measure, unit, from, to, gain: board.score().minus(before) });
    }
    Vec::new()
}

/// A dimension and a measure in it.
type Place = (usize, usize);

/// The measures as they stand, to be moved.
struct Board<'a> {
    scorecard: &'a Scorecard,
    parts: Vec<Vec<Contribution>>,
}

impl<'a> Board<'a> {
    fn new(health: &Health, scorecard: &'a Scorecard) -> Self {
        let mut measures = health.measures.iter().cloned();
        let own = |dimension: &crate::scorecard::Dimension| measures.by_ref().take(dimension.measures.len()).collect();
        Self { scorecard, parts: scorecard.dimensions().iter().map(own).collect() }
    }

    fn movable(&self) -> Vec<Place> {
        let rows = self.parts.iter().enumerate();
        let places = rows.flat_map(|(d, row)| row.iter().enumerate().map(move |(m, part)| ((d, m), part)));
        let counts = |part: &Contribution| matches!(part.state, State::Present | State::Held) && part.value.is_some();
        places.filter(|(_, part)| counts(part)).map(|(place, _)| place).collect()
    }

    fn at(&self, (d, m): Place) -> Option<(&'a Measure, &Contribution)> {
        let measure = self.scorecard.dimensions().get(d)?.measures.get(m)?;
        Some((measure, self.parts.get(d)?.get(m)?))
    }

    fn put(&mut self, place: Place, value: Quantity) {
        let points = self.at(place).map(|(measure, _)| measure.curve.points(value));
        if let Some(part) = self.parts.get_mut(place.0).and_then(|row| row.get_mut(place.1)) {
            part.value = Some(value);
            part.points = points;
        }
    }

    fn score(&self) -> Points {
        weigh(self.scorecard, &mut self.parts.clone()).0
    }

    /// The score with one measure elsewhere.
    fn score_with(&self, place: Place, value: Quantity) -> Points {
        let mut moved = Self { scorecard: self.scorecard, parts: self.parts.clone() };
        moved.put(place, value);
        moved.score()
    }

    /// The most that a measure can bring.
    fn most(&self, place: Place) -> Points {
        let best = self.at(place).map(|(measure, _)| best(measure));
        best.map_or(Points::ZERO, |best| self.score_with(place, best).minus(self.score()))
    }

    /// The smallest move of one measure that brings the score to this, if one does.
    fn least(&self, place: Place, score: Points) -> Option<Step> {
        let (measure, part) = self.at(place)?;
        let (from, best) = (part.value?, best(measure));
        if self.score_with(place, best) < score {
            return None;
        }
        let step = step_of(measure);
        // In whole steps from zero, so that what people read is what is meant; `best` itself need not be one.
        let (mut low, mut high) = (from.micros().div_euclid(step), best.micros().div_euclid(step));
        let up = best > from;
        if up {
            high += 1
        } else {
            low += 1
        }
        // Between one that is not enough (`low`) and one that is (`high`): on either way.
        while low.abs_diff(high) > 1 {
            let middle = i64::midpoint(low, high);
            if self.score_with(place, Quantity::from_micros(middle * step)) >= score {
                high = middle
            } else {
                low = middle
            }
        }
        let found = Quantity::from_micros(high * step);
        let to = if up { found.min(best) } else { found.max(best) };
        let gain = self.score_with(place, to).minus(self.score());
        Some(Step { measure: part.measure.clone(), unit: part.unit.clone(), from, to, gain })
    }
}

/// The first value from which on a measure has the most points that it can have.
fn best(measure: &Measure) -> Quantity {
    let knots = &measure.curve.0;
    let most = knots.iter().map(|(_, points)| *points).max().unwrap_or_default();
    let falls = knots.first().map(|knot| knot.1) > knots.last().map(|knot| knot.1);
    let mut with_most = knots.iter().filter(|(_, points)| *points == most).map(|(value, _)| *value);
    let best = if falls { with_most.next_back() } else { with_most.next() };
    best.unwrap_or_default()
}

/// In which steps a value moves: things and days are whole, all else moves in hundredths.
const fn step_of(measure: &Measure) -> i64 {
    match measure.formula {
        Formula::Sum(_) | Formula::DaysSince(_) => ONE,
        _ => ONE / 100,
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{account, four, score as health_of, today};
    use super::super::{Inputs, Override, Overrides, Word, compute, suppose};
    use super::*;
    use crate::account::LifecycleStage;
    use crate::band::{BandState, Pending};
    use crate::id::PersonId;
    use crate::scorecard::tests::{curve, draft};
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn told(steps: &[Step]) -> Vec<String> {
        steps.iter().map(|step| format!("{} {} -> {} ({})", step.measure, step.from, step.to, step.gain)).collect()
    }

    #[test]
    fn every_measure_that_does_it_alone_is_named_with_the_least_it_needs() {
        // 0.3 × 80 + 0.3 × 90 + 0.2 × 70 + 0.2 × 60 = 77, three short of 80.
        let health = health_of(draft(), &four(["80", "90", "70", "60"]), today()).unwrap();
        let scorecard = Scorecard::new(draft()).unwrap();
        let reach = super::reach(&health, &scorecard, Points::whole(80));
        assert_eq!(
            told(&reach.alone),
            ["audit 90 -> 100 (3)", "csat 70 -> 85 (3)", "renewal 60 -> 75 (3)", "uptime 80 -> 90 (3)"]
        );
        assert_eq!((reach.together.len(), reach.caps.len()), (0, 0));
    }

    #[test]
    fn where_none_does_it_alone_the_fewest_do_it_together() {
        let health = health_of(draft(), &four(["80", "90", "70", "60"]), today()).unwrap();
        let scorecard = Scorecard::new(draft()).unwrap();
        let reach = super::reach(&health, &scorecard, Points::whole(90));
        assert_eq!(reach.alone, []);
        assert_eq!(told(&reach.together), ["renewal 60 -> 100 (8)", "uptime 80 -> 96.67 (5.001)"]);
        assert_eq!(super::reach(&health, &scorecard, Points::whole(77)).alone, [], "it has that already");
    }

    #[test]
    fn what_should_be_small_is_moved_down_and_a_cap_is_named() {
        let mut draft = draft();
        let measure = &mut draft.dimensions[0].measures[0];
        measure.curve = curve(&[(0, 100), (10, 80), (100, 0)]);
        measure.target = crate::scorecard::Target::AtMost(Quantity::whole(10));
        let (series, account) = (four(["55", "90", "70", "60"]), account(LifecycleStage::Steady, None));
        let scorecard = Scorecard::new(draft).unwrap();
        let overrides = &Overrides::default();
        let inputs =
            Inputs { series: &series, account: &account, scorecard: &scorecard, open_critical_case: true, overrides };
        let health = compute(&inputs, today().start()).unwrap();
        let reach = super::reach(&health, &scorecard, Points::whole(75));
        assert_eq!(reach.caps, Vec::<String>::new(), "65 is under the cap's 69 as it is");
        assert!(told(&reach.alone).contains(&"uptime 55 -> 17.5 (10)".to_owned()), "{:?}", told(&reach.alone));
    }

    fn outlook(values: [&'static str; 4], change: impl FnOnce(&mut HealthState)) -> Option<(Band, Outlook)> {
        outlook_at(today().start(), values, change)
    }

    fn outlook_at(
        now: Timestamp,
        values: [&'static str; 4],
        change: impl FnOnce(&mut HealthState),
    ) -> Option<(Band, Outlook)> {
        let health = health_of(draft(), &four(values), today()).unwrap();
        let scorecard = Scorecard::new(draft()).unwrap();
        let band = Some(BandState::at_rest(scorecard.bands().of(health.score)));
        let scored_at = today().start();
        let mut state = HealthState { health, band, band_from: None, band_since: None, scored_at, blank_since: None };
        change(&mut state);
        next_band(&state, &scorecard, now).map(|next| (next.band, next.outlook))
    }

    #[test]
    fn the_next_band_is_open_waited_for_held_by_a_person_or_out_of_reach() {
        let values = ["80", "90", "70", "60"];
        assert_eq!(outlook(values, |_| ()), Some((Band::Healthy, Outlook::Open)));
        assert_eq!(outlook(["100"; 4], |_| ()), None, "there is none above");
        assert_eq!(outlook(values, |state| state.blank_since = Some(state.scored_at)), None, "it has left");
        // 77 lies in "at risk" already, and a run was seen there.
        let waits = |state: &mut HealthState| {
            let pending = Some(Pending { to: Band::AtRisk, runs: 1 });
            state.band = Some(BandState { band: Band::Critical, pending });
        };
        assert_eq!(outlook(values, waits), Some((Band::AtRisk, Outlook::Waiting { runs_left: 1 })));
        let too_little = |state: &mut HealthState| {
            waits(state);
            state.health.provisional = true;
        };
        assert_eq!(outlook(values, too_little), Some((Band::AtRisk, Outlook::Provisional)), "no run moves it");
        let until = today().plus(9).start();
        let says = |state: &mut HealthState| {
            let word = Override {
                word: Word::Band(Band::Emergency),
                reason: "known better".into(),
                author: PersonId::new("kim").unwrap(),
                set_at: state.scored_at,
                expires_at: until,
            };
            state.health.overrides = Overrides::default().set(word, state.scored_at).unwrap();
        };
        assert_eq!(outlook(values, says), Some((Band::Critical, Outlook::Overridden { until })));
        let (_, ended) = outlook_at(until, values, says).unwrap();
        assert_ne!(ended, Outlook::Overridden { until }, "a word that has ended holds nothing");
        // What nobody knows cannot be promised: with nothing that could be moved it cannot be reached.
        let blind = |state: &mut HealthState| {
            state.health.measures.iter_mut().for_each(|part| part.state = State::Neutral);
        };
        assert_eq!(outlook(values, blind), Some((Band::Healthy, Outlook::OutOfReach)));
    }

    proptest! {
        #[test]
        fn what_is_named_reaches_it_and_a_step_less_does_not(
            values in prop::collection::vec(0_i64..=10_000, 4), score in 1_i32..=100,
        ) {
            let texts: Vec<&'static str> = values
                .iter()
                .map(|value| &*Quantity::from_micros(value * 10_000).to_string().leak())
                .collect();
            let series = four([texts[0], texts[1], texts[2], texts[3]]);
            let (account, scorecard) = (account(LifecycleStage::Steady, Some(today().plus(30))), Scorecard::new(draft()).unwrap());
            let overrides = &Overrides::default();
            let inputs = Inputs { series: &series, account: &account, scorecard: &scorecard, open_critical_case: false, overrides };
            let health = compute(&inputs, today().start()).unwrap();
            let score = Points::whole(score);
            let reach = super::reach(&health, &scorecard, score);
            let with = |steps: &[Step], less: i64| {
                let values = steps.iter().map(|step| (step.measure.clone(), step.to)).collect::<BTreeMap<_, _>>();
                let mut values = values;
                if let (Some(step), true) = (steps.last(), less > 0) {
                    values.insert(step.measure.clone(), Quantity::from_micros(step.to.micros() - less));
                }
                suppose(&inputs, today().start(), &values).unwrap().score
            };
            for step in &reach.alone {
                prop_assert!(with(std::slice::from_ref(step), 0) >= score);
                prop_assert!(with(std::slice::from_ref(step), 10_000) < score);
            }
            if reach.alone.is_empty() && health.score < score {
                prop_assert!(with(&reach.together, 0) >= score);
            }
        }
    }
}

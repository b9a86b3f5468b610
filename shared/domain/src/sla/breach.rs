//! How probable it is that an open clock breaches, from how long clocks like it have taken.
//!
//! Of the recorded clocks that were still open after as much time as this one has used, the share that breached; drawn
//! towards the share of all where there are few. Where fewer than [`MIN_HISTORY`] got so far, the share of the target that is
//! used says it instead, and the answer says so. How well that held is measured by playing the record again, each clock seen
//! with what had ended before it began alone, and is part of the answer.

use super::{Clock, ClockState};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;

/// How many recorded clocks that were open for as long are needed.
pub const MIN_HISTORY: usize = 20;
/// How many recorded clocks are kept: the latest.
pub const MAX_HISTORY: usize = 2_000;
/// How many clocks of the usual outcome the share of all counts for.
const DRAWN: u64 = 4;
/// The shares of the target, in percent, at which the record is asked when it is played again.
const ASKED_AT: [i64; 3] = [25, 50, 75];

/// A probability in hundredths of a percent: 10,000 is certain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BasisPoints(u32);

impl BasisPoints {
    /// It has happened.
    pub const CERTAIN: Self = Self(10_000);

    /// So many of so many, at most all; nothing of nothing.
    fn share(part: u64, whole: u64) -> Self {
        let share = part.saturating_mul(10_000).checked_div(whole).unwrap_or_default();
        Self(u32::try_from(share).unwrap_or(10_000).min(10_000))
    }

    /// In hundredths of a percent.
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl fmt::Display for BasisPoints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:02} %", self.0 / 100, self.0 % 100)
    }
}

/// A clock that has stopped: met, or breached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Ended {
    /// When.
    pub at: Timestamp,
    /// When it had started.
    pub started_at: Timestamp,
    /// The time that counted, in milliseconds.
    pub elapsed_millis: i64,
    /// Its target, in milliseconds.
    pub target_millis: i64,
}

impl Ended {
    /// What a clock came to, once it has stopped.
    pub fn of(clock: &Clock) -> Option<Self> {
        let at = clock.stopped_at?;
        let elapsed_millis = clock.at(at).elapsed_millis;
        let target_millis = i64::from(clock.target_seconds) * 1_000;
        Some(Self { at, started_at: clock.started_at, elapsed_millis, target_millis })
    }

    /// Whether it breached.
    pub const fn breached(&self) -> bool {
        self.elapsed_millis >= self.target_millis
    }

    /// Time of it in millionths of its target: clocks with other targets are compared by their shares.
    fn share(millis: i64, target_millis: i64) -> i64 {
        let share = i128::from(millis).saturating_mul(1_000_000).checked_div(i128::from(target_millis));
        share.and_then(|share| i64::try_from(share).ok()).unwrap_or(i64::MAX)
    }
}

/// What a probability rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "basis", rename_all = "snake_case")]
pub enum Basis {
    /// So many recorded clocks that were open for as long.
    History {
        /// How many.
        clocks: u32,
    },
    /// The share of the target that is used, for the record is too short.
    UsedTime,
    /// It has breached.
    Breached,
}

/// How probable it is that a clock breaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prediction {
    /// How probable.
    pub probability: BasisPoints,
    /// What that rests on.
    #[serde(flatten)]
    pub basis: Basis,
}

/// Clocks of one kind and severity that have stopped, the latest of them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct History(Vec<Ended>);

impl History {
    /// A record of these, in any order.
    pub fn of(ended: impl IntoIterator<Item = Ended>) -> Self {
        let mut all: Vec<Ended> = ended.into_iter().collect();
        all.sort_unstable();
        all.dedup();
        let too_many = all.len().saturating_sub(MAX_HISTORY);
        all.drain(..too_many);
        Self(all)
    }

    /// One more has stopped.
    pub fn record(&mut self, ended: Ended) {
        let place = self.0.partition_point(|known| *known < ended);
        if self.0.get(place) != Some(&ended) {
            self.0.insert(place, ended);
        }
        if self.0.len() > MAX_HISTORY {
            self.0.remove(0);
        }
    }

    /// How many there are.
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How probable it is that an open clock breaches; nothing where it has stopped.
    pub fn predict(&self, clock: &Clock, now: Timestamp) -> Option<Prediction> {
        let reading = clock.at(now);
        match reading.state {
            ClockState::Met => None,
            ClockState::Breached if clock.stopped_at.is_some_and(|stop| stop <= now) => None,
            ClockState::Breached | ClockState::Running | ClockState::Paused => {
                Some(self.predict_used(reading.elapsed_millis, i64::from(clock.target_seconds) * 1_000))
            }
        }
    }

    /// How probable it is that a clock breaches that is open and has used so many of so many milliseconds.
    pub fn predict_used(&self, used_millis: i64, target_millis: i64) -> Prediction {
        if used_millis >= target_millis {
            return Prediction { probability: BasisPoints::CERTAIN, basis: Basis::Breached };
        }
        predict(self.0.iter(), Ended::share(used_millis, target_millis))
    }

    /// How well this record would have foretold itself.
    pub fn calibration(&self) -> Calibration {
        let mut calibration = Calibration::default();
        for (index, ended) in self.0.iter().enumerate() {
            // What had not ended when it began was not known then.
            let before = || self.0.iter().take(index).filter(|known| known.at <= ended.started_at);
            for percent in ASKED_AT {
                let share = percent * 10_000;
                if Ended::share(ended.elapsed_millis, ended.target_millis) > share {
                    calibration.add(predict(before(), share), ended.breached());
                }
            }
        }
        calibration
    }
}

/// The share of those that breached, of those that were still open at a share of their target.
fn predict<'a>(history: impl Iterator<Item = &'a Ended>, used: i64) -> Prediction {
    let (mut all, mut all_breached, mut open, mut breached) = (0_u64, 0_u64, 0_u64, 0_u64);
    for ended in history {
        let late = u64::from(ended.breached());
        (all, all_breached) = (all + 1, all_breached + late);
        if Ended::share(ended.elapsed_millis, ended.target_millis) > used {
            (open, breached) = (open + 1, breached + late);
        }
    }
    if open < MIN_HISTORY as u64 {
        let probability = BasisPoints::share(u64::try_from(used).unwrap_or_default(), 1_000_000);
        return Prediction { probability, basis: Basis::UsedTime };
    }
    // As if some more had been open for as long, with the outcome of all.
    let part = breached * all + DRAWN * all_breached;
    let probability = BasisPoints::share(part, all * (open + DRAWN));
    Prediction { probability, basis: Basis::History { clocks: u32::try_from(open).unwrap_or(u32::MAX) } }
}

/// Predictions of one tenth of all probabilities, and what came of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Tenth {
    /// How many.
    pub count: u64,
    /// What they said together, in hundredths of a percent.
    pub said: u64,
    /// How many breached.
    pub breached: u64,
}

/// How well predictions held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Calibration {
    /// By what was said: below 10 %, below 20 %, and so on.
    pub tenths: [Tenth; 10],
    /// Squares of what was said less what came, added up.
    squares: u64,
}

impl Calibration {
    fn add(&mut self, prediction: Prediction, breached: bool) {
        let said = u64::from(prediction.probability.get());
        let place = usize::try_from(said / 1_000).unwrap_or_default().min(9);
        if let Some(tenth) = self.tenths.get_mut(place) {
            tenth.count += 1;
            tenth.said += said;
            tenth.breached += u64::from(breached);
        }
        let came = if breached { 10_000 } else { 0 };
        self.squares += said.abs_diff(came).pow(2);
    }

    /// How many predictions there were.
    pub fn count(&self) -> u64 {
        self.tenths.iter().map(|tenth| tenth.count).sum()
    }

    /// The share that breached, whatever was said.
    pub fn base_rate(&self) -> BasisPoints {
        BasisPoints::share(self.tenths.iter().map(|tenth| tenth.breached).sum(), self.count())
    }

    /// The mean of the squares of what was said less what came, in ten-thousandths: 0 where everything was foretold, 2,500
    /// for who always says half.
    pub fn brier(&self) -> Option<u64> {
        self.squares.checked_div(self.count().saturating_mul(10_000))
    }
}

impl fmt::Display for Calibration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(brier) = self.brier() else { return write!(f, "no record to hold predictions against") };
        write!(f, "{} predictions, {} breached, Brier 0.{brier:04}", self.count(), self.base_rate())?;
        for (index, tenth) in self.tenths.iter().enumerate().filter(|(_, tenth)| tenth.count > 0) {
            let said = BasisPoints::share(tenth.said, tenth.count.saturating_mul(10_000));
            let came = BasisPoints::share(tenth.breached, tenth.count);
            write!(f, "\n{:>3}-{:<3}% said {said}, came {came}, n {}", index * 10, index * 10 + 10, tenth.count)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sla::ClockKind;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    const HOUR: i64 = 3_600_000;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millisecond(1_790_000_000_000 + millis).unwrap()
    }

    fn ended(number: i64, elapsed_millis: i64) -> Ended {
        Ended {
            at: at(number * 10 * HOUR + elapsed_millis),
            started_at: at(number * 10 * HOUR),
            elapsed_millis,
            target_millis: HOUR,
        }
    }

    fn clock() -> Clock {
        Clock {
            kind: ClockKind::FirstResponse,
            started_at: at(0),
            target_seconds: 3_600,
            pauses: Vec::new(),
            stopped_at: None,
            warn_percent: BTreeSet::new(),
            hours: crate::calendar::Hours::All.into(),
        }
    }

    #[test]
    fn a129_a_probability_is_the_share_of_those_that_were_open_for_as_long() {
        // Thirty took a quarter of an hour, thirty took two hours.
        let all = (0..60).map(|number| ended(number, if number % 2 == 0 { HOUR / 4 } else { 2 * HOUR }));
        let history = History::of(all);
        let asked = |millis| history.predict(&clock(), at(millis)).unwrap();
        assert_eq!(asked(0).basis, Basis::History { clocks: 60 });
        assert_eq!(asked(0).probability.get(), 5_000);
        // After half an hour the quick ones are gone: 30 of 30, and four more with half of them.
        assert_eq!(asked(HOUR / 2).basis, Basis::History { clocks: 30 });
        assert_eq!(asked(HOUR / 2).probability.get(), 32 * 10_000 / 34);
        assert_eq!(asked(HOUR), Prediction { probability: BasisPoints::CERTAIN, basis: Basis::Breached });
    }

    #[test]
    fn a129_a_short_record_says_the_share_of_the_target_that_is_used() {
        let history = History::of((0..19).map(|number| ended(number, 2 * HOUR)));
        let prediction = history.predict(&clock(), at(HOUR / 4)).unwrap();
        assert_eq!((prediction.basis, prediction.probability.get()), (Basis::UsedTime, 2_500));
        let stopped = Clock { stopped_at: Some(at(5)), ..clock() };
        assert_eq!(history.predict(&stopped, at(9)), None);
    }

    #[test]
    fn a129_the_calibration_is_printed_with_base_rate_and_score() {
        assert_eq!(History::default().calibration().to_string(), "no record to hold predictions against");
        let history =
            History::of((0..400).map(|number| ended(number, if number % 4 == 0 { 2 * HOUR } else { HOUR / 2 + 1 })));
        let text = history.calibration().to_string();
        // All were open after a quarter of their time, and those that breach at the half and at three quarters.
        assert!(text.starts_with("600 predictions, 50.00 % breached"), "{text}");
        let calibration = history.calibration();
        assert!(calibration.brier().unwrap() < 1_900, "{text}");
        assert!(text.contains("20-30 % said 25") || text.contains("20-30 % said 24"), "{text}");
    }

    #[test]
    fn a_record_keeps_the_latest_and_each_once() {
        let mut history = History::of((0..3_000).map(|number| ended(number, HOUR)));
        assert_eq!(history.len(), MAX_HISTORY);
        history.record(ended(2_999, HOUR));
        assert_eq!(history.len(), MAX_HISTORY);
        history.record(ended(3_000, HOUR));
        assert_eq!((history.len(), history.0[0]), (MAX_HISTORY, ended(1_001, HOUR)));
    }

    proptest! {
        /// What is said of clocks that are drawn alike comes about as often as it is said.
        ///
        /// A clock weighs at most three predictions, which were said before it began. By the inequality of Azuma and Hoeffding
        /// n predictions miss by more than the root of 30 n in four of a thousand million records at most; twice that leaves
        /// as much for what a short record cannot know.
        #[test]
        fn a129_predictions_hold_within_their_spread(seed in any::<u64>(), late in 1..9_u64) {
            let mut state = seed | 1;
            let mut draw = || {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                state >> 33
            };
            let history = History::of((0..1_500).map(|number| {
                let breaches = draw() % 10 < late;
                ended(number, if breaches { HOUR + 1 } else { HOUR * 4 / 5 })
            }));
            let calibration = history.calibration();
            for tenth in calibration.tenths.iter().filter(|tenth| tenth.count > 500) {
                let missed_by = tenth.said.abs_diff(tenth.breached * 10_000) / 10_000;
                prop_assert!(missed_by.pow(2) < 4 * 30 * tenth.count, "{}", calibration);
            }
        }

        #[test]
        fn any_order_gives_the_same_record(mut elapsed in prop::collection::vec(1..2 * HOUR, 1..60)) {
            let all: Vec<Ended> = (0_i64..).zip(&elapsed).map(|(number, millis)| ended(number, *millis)).collect();
            let mut one = History::default();
            all.iter().rev().for_each(|ended| one.record(*ended));
            prop_assert_eq!(&one, &History::of(all.clone()));
            elapsed.clear();
            let prediction = one.predict(&clock(), at(HOUR / 3)).unwrap();
            prop_assert!(prediction.probability <= BasisPoints::CERTAIN);
        }
    }
}

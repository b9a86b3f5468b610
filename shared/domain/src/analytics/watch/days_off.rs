//! Days off, told from what is done on them: a working day on which as little is done as at weekends.

use crate::day::Day;

/// Memory of what a weekday comes to: some five weeks.
const MEMORY: f64 = 0.2;
/// A weekday on which less than this share of the busiest is done is a day of rest.
const REST: f64 = 0.6;
/// How often a weekday has to be seen before anything rests on it.
const LEAST: u32 = 3;
/// So many working days in a row may be off. What goes on for longer is no holiday.
const IN_A_ROW: u32 = 3;

/// What each weekday comes to, Monday first.
#[derive(Debug, Clone, Default)]
pub(super) struct DaysOff {
    levels: [(f64, u32); 7],
    row: u32,
}

impl DaysOff {
    /// Whether a day is off; what it teaches is learnt where it is not.
    pub(super) fn is_one(&mut self, day: Day, value: f64) -> bool {
        let weekday = usize::from(day.weekday());
        let looks_like_rest = self.looks_like_rest(weekday, value);
        if looks_like_rest && self.row < IN_A_ROW {
            self.row += 1;
            return true;
        }
        // Days of rest lie between working days and say nothing about them.
        if !looks_like_rest && !self.rests(weekday) {
            self.row = 0;
        }
        if let Some((level, seen)) = self.levels.get_mut(weekday) {
            *seen = seen.saturating_add(1);
            *level += MEMORY.max(1.0 / f64::from(*seen)) * (value - *level);
        }
        false
    }

    fn known(&self) -> impl Iterator<Item = f64> {
        self.levels.iter().filter(|(_, seen)| *seen >= LEAST).map(|(level, _)| *level)
    }

    /// Whether a weekday is one of rest.
    fn rests(&self, weekday: usize) -> bool {
        let busiest = self.known().fold(0.0, f64::max);
        self.levels.get(weekday).is_some_and(|(level, seen)| *seen >= LEAST && *level < REST * busiest)
    }

    /// Whether so much on a working day is what is done on days of rest.
    fn looks_like_rest(&self, weekday: usize, value: f64) -> bool {
        let rest = (0..7).filter(|other| self.rests(*other)).filter_map(|other| self.levels.get(other));
        let (low, high) = rest.fold((f64::MAX, 0.0_f64), |(low, high), (level, _)| (low.min(*level), high.max(*level)));
        let working = self.levels.get(weekday).is_some_and(|(_, seen)| *seen >= LEAST) && !self.rests(weekday);
        working && (0.5 * low..=1.35 * high).contains(&value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn monday() -> Day {
        "2026-01-05".parse().unwrap()
    }

    /// Five weeks of 100, with 30 at weekends.
    fn taught() -> DaysOff {
        let mut days = DaysOff::default();
        for number in 0..35 {
            let day = monday().plus(number);
            assert!(!days.is_one(day, if day.weekday() >= 5 { 30.0 } else { 100.0 }));
        }
        days
    }

    #[test]
    fn a37_a_holiday_is_a_working_day_that_looks_like_a_weekend() {
        let mut days = taught();
        assert!(days.is_one(monday().plus(35), 35.0));
        assert!(!days.is_one(monday().plus(36), 50.0), "half of it is no weekend");
        assert!(!days.is_one(monday().plus(37), 100.0));
        assert!(!days.is_one(monday().plus(38), 5.0), "nor is next to nothing");
        assert!(!days.is_one(monday().plus(40), 30.0), "a weekend is none");
    }

    #[test]
    fn a37_what_goes_on_for_longer_is_no_holiday() {
        let mut days = taught();
        let off: Vec<bool> = [35, 36, 37, 38, 39, 42].map(|number| days.is_one(monday().plus(number), 30.0)).into();
        assert_eq!(off, [true, true, true, false, false, false]);
    }

    #[test]
    fn without_days_of_rest_nothing_is_off() {
        let mut days = DaysOff::default();
        for number in 0..35 {
            assert!(!days.is_one(monday().plus(number), 100.0));
        }
        assert!(!days.is_one(monday().plus(35), 30.0));
    }
}

//! Hours that count: all of them, or those of a place's working days; and how much of them lies between two moments.
//!
//! A moment lies within hours if the clock of the place says so at that moment. So an hour that comes twice in autumn
//! counts twice, one that is left out in spring not at all, and hours that end where others begin leave no gap between
//! them, whatever the clocks do. Lengths are true time, in milliseconds.

use super::{Weekday, WorkCalendar, Zone, day_of};
use crate::day::Day;
use jiff::Timestamp;
use jiff::civil::Time;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// A stretch from its first moment to the first one after it, in milliseconds since 1970.
pub type Window = (i64, i64);

const DAY: i64 = 86_400_000;
/// How far ahead is looked for hours that count, in days: some 50 years.
const HORIZON: i64 = 18_300;
/// How many days are laid out at a time.
const STRIDE: i64 = 32;

/// Which hours count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hours {
    /// Every hour of every day.
    All,
    /// Working hours.
    Work(WorkCalendar),
}

impl Hours {
    /// Whether a moment counts.
    pub fn contain(&self, moment: Timestamp) -> bool {
        match self {
            Self::All => true,
            Self::Work(calendar) => calendar.is_open(moment),
        }
    }

    /// How much of the time between two moments counts, in milliseconds; 0 where they are not in order.
    pub fn millis_between(&self, from: Timestamp, until: Timestamp) -> i64 {
        let (from, until) = (from.as_millisecond(), until.as_millisecond());
        match self {
            Self::All => until.saturating_sub(from).max(0),
            Self::Work(calendar) => strides(from, until)
                .flat_map(|(from, until)| calendar.windows(from, until))
                .map(|(from, until)| until - from)
                .sum(),
        }
    }

    /// The moment at which so many milliseconds that count have passed; nothing where that lies beyond half a century.
    pub fn later(&self, from: Timestamp, millis: i64) -> Option<Timestamp> {
        let Self::Work(calendar) = self else {
            return Timestamp::from_millisecond(from.as_millisecond().saturating_add(millis)).ok();
        };
        if millis <= 0 {
            return Some(from);
        }
        let first = from.as_millisecond();
        let mut left = millis;
        for (begin, end) in strides(first, first.saturating_add(HORIZON * DAY)) {
            for (open, close) in calendar.windows(begin, end) {
                if left <= close - open {
                    return Timestamp::from_millisecond(open + left).ok();
                }
                left -= close - open;
            }
        }
        None
    }

    /// The first moment from this one on that counts.
    pub fn opens(&self, from: Timestamp) -> Option<Timestamp> {
        let Self::Work(calendar) = self else { return Some(from) };
        let first = from.as_millisecond();
        let mut strides = strides(first, first.saturating_add(HORIZON * DAY));
        let open = strides.find_map(|(begin, end)| calendar.windows(begin, end).first().map(|window| window.0));
        if calendar.is_open(from) { Some(from) } else { open.and_then(|open| Timestamp::from_millisecond(open).ok()) }
    }

    /// The stretches that count between two moments, in order and apart from each other.
    pub(crate) fn windows(&self, from: i64, until: i64) -> Vec<Window> {
        match self {
            Self::All if from < until => vec![(from, until)],
            Self::All => Vec::new(),
            Self::Work(calendar) => calendar.windows(from, until),
        }
    }
}

impl WorkCalendar {
    /// Whether people work at a moment.
    pub fn is_open(&self, moment: Timestamp) -> bool {
        let local = self.zone.at(moment);
        self.is_working(day_of(local)) && (self.from..self.until).contains(&local.time())
    }

    fn windows(&self, from: i64, until: i64) -> Vec<Window> {
        windows(&self.zone, (self.from, self.until), |day| self.is_working(day), from, until)
    }
}

/// Hours of the week in a place, such as those of a shift. They pass midnight where they end before they begin, and last
/// a whole day where they end as they begin; they belong to the day on which they begin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WeekHours {
    /// Whose clock is meant.
    pub zone: Zone,
    /// The days of the week on which they begin.
    pub days: BTreeSet<Weekday>,
    /// When they begin.
    pub from: Time,
    /// When they end.
    pub until: Time,
}

impl WeekHours {
    /// The day on which the hours began in which a moment lies, if it lies in them.
    pub fn begun_on(&self, moment: Timestamp) -> Option<Day> {
        let local = self.zone.at(moment);
        let (today, time) = (day_of(local), local.time());
        let on = |day: Day| self.days.contains(&Weekday::of(day)).then_some(day);
        let over_midnight = self.until <= self.from;
        if time >= self.from && (over_midnight || time < self.until) {
            on(today)
        } else if over_midnight && time < self.until {
            on(today.plus(-1))
        } else {
            None
        }
    }

    /// The stretches between two moments that lie in these hours.
    pub(crate) fn windows(&self, from: i64, until: i64) -> Vec<Window> {
        windows(&self.zone, (self.from, self.until), |day| self.days.contains(&Weekday::of(day)), from, until)
    }
}

fn strides(from: i64, until: i64) -> impl Iterator<Item = Window> {
    let count = until.saturating_sub(from).max(0).div_euclid(STRIDE * DAY);
    (0..=count).map(move |number| {
        let begin = from + number * STRIDE * DAY;
        (begin, begin.saturating_add(STRIDE * DAY).min(until))
    })
}

/// Stretches in which the clock of a place is within hours that began on a day that counts.
fn windows(
    zone: &Zone,
    (begin, end): (Time, Time),
    counts: impl Fn(Day) -> bool,
    from: i64,
    until: i64,
) -> Vec<Window> {
    let (begin, end) = (millis(begin), if end > begin { millis(end) } else { millis(end) + DAY });
    let mut windows: Vec<Window> = Vec::new();
    for (first, last, offset) in zone.pieces(from, until) {
        let (first, last) = (first + offset, last + offset);
        for number in first.div_euclid(DAY) - 1..=last.div_euclid(DAY) {
            let open = (number * DAY + begin).max(first);
            let close = (number * DAY + end).min(last);
            let Ok(day) = i32::try_from(number) else { continue };
            if open >= close || !counts(Day::from_number(day)) {
                continue;
            }
            match windows.last_mut() {
                Some(before) if before.1 >= open - offset => before.1 = before.1.max(close - offset),
                _ => windows.push((open - offset, close - offset)),
            }
        }
    }
    windows
}

impl Zone {
    /// The first moment of a day there, in milliseconds since 1970.
    pub(crate) fn begins(&self, day: Day) -> i64 {
        let around = day.start().as_millisecond();
        let whole = windows(self, (Time::MIN, Time::MIN), |other| other == day, around - DAY, around + 2 * DAY);
        whole.first().map_or(around, |window| window.0)
    }

    /// The stretches between two moments in which the clock of the place goes at the same distance from UTC, each with
    /// that distance in milliseconds.
    fn pieces(&self, from: i64, until: i64) -> Vec<(i64, i64, i64)> {
        let mut pieces = Vec::new();
        let mut at = from;
        while at < until {
            let Ok(moment) = Timestamp::from_millisecond(at) else { break };
            let offset = i64::from(self.0.to_offset(moment).seconds()) * 1_000;
            let change = self.0.following(moment).next().map(|change| change.timestamp().as_millisecond());
            let next = change.filter(|change| *change > at).unwrap_or(until).min(until);
            pieces.push((at, next, offset));
            at = next;
        }
        pieces
    }
}

fn millis(time: Time) -> i64 {
    let seconds = (i64::from(time.hour()) * 60 + i64::from(time.minute())) * 60 + i64::from(time.second());
    seconds * 1_000 + i64::from(time.millisecond())
}

#[cfg(test)]
pub(crate) mod tests {
    #![allow(
        clippy::cast_possible_truncation,
        clippy::cast_possible_wrap,
        clippy::cast_sign_loss,
        reason = "the numbers of these tests are small"
    )]

    use super::*;
    use crate::calendar::tests::berlin;
    use proptest::prelude::*;

    const MINUTE: i64 = 60_000;

    fn moment(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn time(hour: i8, minute: i8) -> Time {
        Time::constant(hour, minute, 0, 0)
    }

    /// Three places with different summer times, the last one in the southern half of the world.
    pub(crate) const ZONES: [&str; 3] = ["Europe/Berlin", "America/New_York", "Australia/Sydney"];

    #[test]
    fn a63_friday_half_past_five_with_four_working_hours_ends_on_monday() {
        let hours = Hours::Work(berlin());
        // 16:30 in Berlin: half an hour is left of Friday.
        let due = hours.later(moment("2026-11-20T15:30:00Z"), 4 * 60 * MINUTE);
        assert_eq!(due, Some(moment("2026-11-23T11:30:00Z")));
        // 17:30 in Berlin: nothing is left of Friday.
        let due = hours.later(moment("2026-11-20T16:30:00Z"), 4 * 60 * MINUTE);
        assert_eq!(due, Some(moment("2026-11-23T12:00:00Z")));
        assert_eq!(hours.opens(moment("2026-11-20T16:30:00Z")), Some(moment("2026-11-23T08:00:00Z")));
    }

    #[test]
    fn a63_holidays_do_not_count() {
        let hours = Hours::Work(berlin());
        // Thursday, Christmas, the weekend, Monday.
        let between = hours.millis_between(moment("2026-12-24T15:00:00Z"), moment("2026-12-28T09:00:00Z"));
        assert_eq!(between, 2 * 60 * MINUTE);
    }

    #[test]
    fn a63_an_hour_that_comes_twice_counts_twice_and_one_that_is_left_out_does_not() {
        let night = |day: Weekday| WeekHours {
            zone: Zone::new("Europe/Berlin").unwrap(),
            days: [day].into(),
            from: time(22, 0),
            until: time(6, 0),
        };
        let length = |from: &str, until: &str| -> i64 {
            let windows =
                night(Weekday::Saturday).windows(moment(from).as_millisecond(), moment(until).as_millisecond());
            assert_eq!(windows.len(), 1, "clocks that go back do not cut a night in two");
            windows.iter().map(|(from, until)| until - from).sum()
        };
        assert_eq!(length("2026-10-24T12:00:00Z", "2026-10-25T12:00:00Z"), 9 * 60 * MINUTE);
        assert_eq!(length("2027-03-27T12:00:00Z", "2027-03-28T12:00:00Z"), 7 * 60 * MINUTE);
        assert_eq!(length("2026-11-21T12:00:00Z", "2026-11-22T12:00:00Z"), 8 * 60 * MINUTE);
    }

    pub(crate) fn any_calendar() -> impl Strategy<Value = WorkCalendar> {
        let zone = prop::sample::select(ZONES.to_vec());
        let days = prop::collection::btree_set(0..7_i32, 1..7);
        // Around the changes of the clocks in all three places.
        let holidays = prop::collection::btree_set(20_500..20_800_i32, 0..40);
        (zone, days, 0..47_i8, 1..48_i8, holidays)
            .prop_map(|(zone, days, from, length, holidays)| {
                let until = (from + length).min(47);
                let half = |number: i8| time(number / 2, number % 2 * 30);
                let days = days.into_iter().map(|day| Weekday::of(Day::from_number(day))).collect();
                let holidays = holidays.into_iter().map(Day::from_number).collect();
                WorkCalendar::new(Zone::new(zone).unwrap(), days, half(from), half(until.max(from + 1)), holidays)
            })
            .prop_filter_map("hours that end after they begin", Result::ok)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        /// Days in which clocks change are among them: every minute is asked for by the clock on the wall.
        #[test]
        fn a63_working_time_equals_a_count_minute_by_minute(
            calendar in any_calendar(), first in 20_500..20_790_i64, start in 0..1440_i64, length in 0..9_000_i64,
        ) {
            let from = first * DAY + start * MINUTE;
            let hours = Hours::Work(calendar.clone());
            let at = |minute: i64| Timestamp::from_millisecond(from + minute * MINUTE).unwrap();
            let open: Vec<bool> = (0..length).map(|minute| calendar.is_open(at(minute))).collect();
            let counted = open.iter().filter(|open| **open).count() as i64;
            prop_assert_eq!(hours.millis_between(at(0), at(length)), counted * MINUTE);
            // And back: the moment by which so much has passed is the end of the last minute that counts.
            if let Some(last) = open.iter().rposition(|open| *open) {
                prop_assert_eq!(hours.later(at(0), counted * MINUTE), Some(at(last as i64 + 1)));
            }
            if let Some(opening) = open.iter().position(|open| *open) {
                prop_assert_eq!(hours.opens(at(0)), Some(at(opening as i64)));
            }
        }

        #[test]
        fn a51_shifts_equal_the_clock_on_the_wall_at_every_minute(
            zone in prop::sample::select(ZONES.to_vec()), days in prop::collection::btree_set(0..7_i32, 0..7),
            from in 0..48_i8, until in 0..48_i8, first in 20_500..20_790_i64,
        ) {
            let half = |number: i8| time(number / 2, number % 2 * 30);
            let days = days.into_iter().map(|day| Weekday::of(Day::from_number(day))).collect();
            let shift = WeekHours { zone: Zone::new(zone).unwrap(), days, from: half(from), until: half(until) };
            let windows = shift.windows(first * DAY, (first + 4) * DAY);
            for minute in 0..4 * 1440 {
                let at = first * DAY + minute * MINUTE;
                let inside = windows.iter().any(|(from, until)| (*from..*until).contains(&at));
                prop_assert_eq!(inside, shift.begun_on(Timestamp::from_millisecond(at).unwrap()).is_some());
            }
            prop_assert!(windows.windows(2).all(|pair| pair[0].1 < pair[1].0), "apart from each other");
        }

        #[test]
        fn working_time_adds_up(calendar in any_calendar(), a in 0..10_000_000_i64, b in 0..10_000_000_i64, c in 0..10_000_000_i64) {
            let hours = Hours::Work(calendar);
            let mut all = [a, b, c].map(|seconds| Timestamp::from_second(1_780_000_000 + seconds).unwrap());
            all.sort_unstable();
            let [a, b, c] = all;
            prop_assert_eq!(hours.millis_between(a, b) + hours.millis_between(b, c), hours.millis_between(a, c));
        }
    }
}

//! Working days: which days and hours count where somebody has to do something.
//!
//! What comes outside of working hours counts as coming at the beginning of the next ones. Something is due when the
//! working hours of its last day end. Clocks that go forward or back move no day: days and hours are those of the place.

pub mod hours;

pub use hours::{Hours, WeekHours};

use crate::day::Day;
use jiff::Timestamp;
use jiff::civil::{DateTime, Time};
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The most holidays of a calendar.
pub const MAX_HOLIDAYS: usize = 400;

/// A place's time, by its name in the IANA database, such as `Europe/Berlin`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone(TimeZone);

/// Why a text is not a time zone.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a time zone; write it as Europe/Berlin or UTC")]
pub struct ZoneError(String);

impl Zone {
    /// Greenwich's time, without a summer time.
    pub const UTC: Self = Self(TimeZone::UTC);

    /// The zone with this name.
    pub fn new(name: &str) -> Result<Self, ZoneError> {
        let shown = || ZoneError(name.chars().take(80).collect());
        TimeZone::get(name).ok().filter(|zone| zone.iana_name().is_some()).map(Self).ok_or_else(shown)
    }

    /// Its name.
    pub fn name(&self) -> &str {
        self.0.iana_name().unwrap_or("UTC")
    }

    /// The date and the time of day there.
    pub fn at(&self, moment: Timestamp) -> DateTime {
        self.0.to_datetime(moment)
    }

    /// The day that it is there.
    pub fn day(&self, moment: Timestamp) -> Day {
        day_of(self.at(moment))
    }

    /// The moment at which it is so late there on that day. A time that comes twice is the second one; in place of one that
    /// is left out comes the one after it.
    pub fn moment(&self, day: Day, time: Time) -> Timestamp {
        let date = TimeZone::UTC.to_datetime(day.start()).date();
        self.0.to_ambiguous_timestamp(date.to_datetime(time)).later().unwrap_or(Timestamp::MAX)
    }
}

/// The day of a date, whichever place it is taken of.
pub(crate) fn day_of(local: DateTime) -> Day {
    TimeZone::UTC.to_timestamp(local.date().at(0, 0, 0, 0)).map_or_else(|_| Day::default(), Day::of)
}

impl Serialize for Zone {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Zone {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

/// A day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Weekday {
    /// The first one.
    Monday,
    /// The second one.
    Tuesday,
    /// The third one.
    Wednesday,
    /// The fourth one.
    Thursday,
    /// The fifth one.
    Friday,
    /// The sixth one.
    Saturday,
    /// The last one.
    Sunday,
}

impl Weekday {
    /// The day of the week that a day is.
    pub const fn of(day: Day) -> Self {
        match day.weekday() {
            0 => Self::Monday,
            1 => Self::Tuesday,
            2 => Self::Wednesday,
            3 => Self::Thursday,
            4 => Self::Friday,
            5 => Self::Saturday,
            _ => Self::Sunday,
        }
    }
}

/// A fault of a calendar, with the field that it is in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{path}` {reason}")]
pub struct CalendarFault {
    /// The field.
    pub path: &'static str,
    /// What is wrong and what would be right.
    pub reason: String,
}

/// When people work. Has a day of the week on which they do, and hours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Stored")]
pub struct WorkCalendar {
    zone: Zone,
    days: BTreeSet<Weekday>,
    from: Time,
    until: Time,
    holidays: BTreeSet<Day>,
}

/// A calendar as it was written down.
#[derive(Deserialize)]
struct Stored {
    zone: Zone,
    days: BTreeSet<Weekday>,
    from: Time,
    until: Time,
    holidays: BTreeSet<Day>,
}

impl TryFrom<Stored> for WorkCalendar {
    type Error = String;
    fn try_from(stored: Stored) -> Result<Self, String> {
        let Stored { zone, days, from, until, holidays } = stored;
        Self::new(zone, days, from, until, holidays)
            .map_err(|faults| faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))
    }
}

impl WorkCalendar {
    /// Checks the calendar. Names every fault at once.
    pub fn new(
        zone: Zone,
        days: BTreeSet<Weekday>,
        from: Time,
        until: Time,
        holidays: BTreeSet<Day>,
    ) -> Result<Self, Vec<CalendarFault>> {
        let mut faults = Vec::new();
        if days.is_empty() {
            faults.push(CalendarFault { path: "days", reason: "names no day; name at least one".into() });
        }
        if from >= until {
            let reason = format!("is {until}, not after the beginning at {from}");
            faults.push(CalendarFault { path: "until", reason });
        }
        if holidays.len() > MAX_HOLIDAYS {
            let reason = format!("has {} days; give at most {MAX_HOLIDAYS}", holidays.len());
            faults.push(CalendarFault { path: "holidays", reason });
        }
        if faults.is_empty() { Ok(Self { zone, days, from, until, holidays }) } else { Err(faults) }
    }

    /// Whether people work on a day.
    pub fn is_working(&self, day: Day) -> bool {
        self.days.contains(&Weekday::of(day)) && !self.holidays.contains(&day)
    }

    /// When something is due that comes at a moment and may take so many working days beside the one on which it comes.
    pub fn due(&self, moment: Timestamp, days: u32) -> Timestamp {
        let local = self.zone.at(moment);
        let today = day_of(local);
        let first = if local.time() < self.until { today } else { today.plus(1) };
        let last = (0..days).fold(self.working_from(first), |day, _| self.working_from(day.plus(1)));
        self.zone.moment(last, self.until)
    }

    /// The first working day from a day on. There is one: people work on a day of each week, and holidays end.
    fn working_from(&self, day: Day) -> Day {
        let weeks = i32::try_from(self.holidays.len()).unwrap_or(i32::MAX).saturating_add(1);
        (0..weeks.saturating_mul(7)).map(|later| day.plus(later)).find(|day| self.is_working(*day)).unwrap_or(day)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Berlin, Monday to Friday from 9 to 17, but for Christmas.
    pub(crate) fn berlin() -> WorkCalendar {
        let days = [Weekday::Monday, Weekday::Tuesday, Weekday::Wednesday, Weekday::Thursday, Weekday::Friday];
        let holidays = ["2026-12-25", "2026-12-26", "2027-01-01"].map(|day| day.parse().unwrap());
        let (zone, hour) = (Zone::new("Europe/Berlin").unwrap(), |hour| Time::constant(hour, 0, 0, 0));
        WorkCalendar::new(zone, days.into(), hour(9), hour(17), holidays.into()).unwrap()
    }

    #[track_caller]
    fn check(from: &str, days: u32, due: &str) {
        let due: Timestamp = due.parse().unwrap();
        assert_eq!(berlin().due(from.parse().unwrap(), days), due, "{from} and {days} days");
    }

    #[test]
    fn weekends_do_not_count() {
        // 2026-11-20 was a Friday. Berlin is an hour ahead of UTC in winter.
        check("2026-11-20T10:00:00Z", 0, "2026-11-20T16:00:00Z");
        check("2026-11-20T10:00:00Z", 1, "2026-11-23T16:00:00Z");
        check("2026-11-20T10:00:00Z", 5, "2026-11-27T16:00:00Z");
    }

    #[test]
    fn what_comes_after_hours_counts_as_coming_in_the_next_ones() {
        check("2026-11-20T15:59:59Z", 1, "2026-11-23T16:00:00Z");
        check("2026-11-20T16:00:00Z", 1, "2026-11-24T16:00:00Z");
        check("2026-11-21T10:00:00Z", 1, "2026-11-24T16:00:00Z");
        check("2026-11-23T01:00:00Z", 1, "2026-11-24T16:00:00Z");
    }

    #[test]
    fn the_day_is_that_of_the_place() {
        // In Berlin it is Monday already.
        check("2026-11-22T23:30:00Z", 0, "2026-11-23T16:00:00Z");
    }

    #[test]
    fn holidays_do_not_count() {
        check("2026-12-24T10:00:00Z", 1, "2026-12-28T16:00:00Z");
        check("2026-12-31T10:00:00Z", 1, "2027-01-04T16:00:00Z");
    }

    #[test]
    fn summer_time_moves_no_day() {
        check("2027-03-26T10:00:00Z", 0, "2027-03-26T16:00:00Z");
        check("2027-03-26T10:00:00Z", 1, "2027-03-29T15:00:00Z");
    }

    #[test]
    fn an_hour_that_is_left_out_or_comes_twice_has_a_moment() {
        let (zone, half_past_two) = (Zone::new("Europe/Berlin").unwrap(), Time::constant(2, 30, 0, 0));
        let at = |day: &str| zone.moment(day.parse().unwrap(), half_past_two).to_string();
        assert_eq!(at("2027-03-28"), "2027-03-28T01:30:00Z", "at half past three");
        assert_eq!(at("2026-10-25"), "2026-10-25T01:30:00Z", "the second one");
    }

    #[test]
    fn a_zone_is_known_by_its_name() {
        let zone: Zone = serde_json::from_str("\"Asia/Kolkata\"").unwrap();
        assert_eq!(serde_json::to_string(&zone).unwrap(), "\"Asia/Kolkata\"");
        assert_eq!(serde_json::from_str::<Zone>("\"UTC\"").unwrap().name(), "UTC");
        let error = Zone::new("Europe/Nowhere").unwrap_err().to_string();
        assert_eq!(error, "`Europe/Nowhere` is not a time zone; write it as Europe/Berlin or UTC");
    }

    #[test]
    fn every_fault_of_a_calendar_is_named() {
        let nine = Time::constant(9, 0, 0, 0);
        let faults = WorkCalendar::new(Zone::UTC, BTreeSet::new(), nine, nine, BTreeSet::new()).unwrap_err();
        let paths: Vec<&str> = faults.iter().map(|fault| fault.path).collect();
        assert_eq!(paths, ["days", "until"]);
    }

    proptest! {
        /// Whenever it comes: due on a working day, never before it came, and never sooner for more days.
        #[test]
        fn due_lies_on_a_working_day_behind_the_moment(second in 0..4_000_000_000_i64, days in 0..400_u32) {
            let (calendar, moment) = (berlin(), Timestamp::from_second(second).unwrap());
            let due = calendar.due(moment, days);
            prop_assert!(due > moment);
            let local = calendar.zone.at(due);
            prop_assert!(calendar.is_working(day_of(local)));
            prop_assert_eq!(local.time(), calendar.until);
            prop_assert!(calendar.due(moment, days + 1) > due);
            // That many working days lie between.
            let came = day_of(calendar.zone.at(moment));
            let between = (1..=day_of(local).since(came)).filter(|later| calendar.is_working(came.plus(*later))).count();
            prop_assert!(between == usize::try_from(days).unwrap() || between == usize::try_from(days + 1).unwrap());
        }

        /// No calendar and no moment take it beyond its limits.
        #[test]
        fn every_calendar_ends(
            first in any::<i32>(), second in any::<i64>(), weekday in 0..7_i32, free in 0..MAX_HOLIDAYS, days in 0..400_u32,
        ) {
            // Every day of the week on which people work is a holiday, for as long as a calendar can say so.
            let day = Weekday::of(Day::from_number(weekday));
            let holidays = (0..i32::try_from(free).unwrap()).map(|week| Day::from_number(first).plus(week * 7)).collect();
            let hour = |hour| Time::constant(hour, 0, 0, 0);
            let calendar = WorkCalendar::new(Zone::UTC, [day].into(), hour(9), hour(17), holidays).unwrap();
            let limits = Timestamp::MIN.as_second()..Timestamp::MAX.as_second();
            let moment = Timestamp::from_second(second.clamp(limits.start, limits.end)).unwrap();
            prop_assert!(calendar.due(moment, days) > moment || moment.as_second() > limits.end - 500 * 604_800);
        }
    }
}

//! Calendars as files write them: days of the week, hours, holidays and the place whose they are.

use crate::problem::Fault;
use domain::calendar::{Weekday, WorkCalendar, Zone};
use domain::day::Day;
use jiff::civil::Time;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// When people work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CalendarFile {
    /// Whose hours these are: `UTC`, `Europe/Berlin`.
    pub time_zone: String,
    /// The days of the week on which people work: `monday` to `sunday`.
    #[schemars(with = "BTreeSet<String>")]
    pub days: BTreeSet<Weekday>,
    /// When the working day begins: `09:00`.
    pub from: String,
    /// When it ends: `17:00`.
    pub until: String,
    /// Days on which nobody works: `2026-12-25`.
    #[serde(default)]
    #[schemars(with = "BTreeSet<String>")]
    pub holidays: BTreeSet<Day>,
}

impl CalendarFile {
    /// The calendar, or every fault of it with its path.
    pub(crate) fn read(self, path: &str) -> Result<WorkCalendar, Vec<Fault>> {
        let mut faults = Vec::new();
        let zone = zone(&format!("{path}.time_zone"), &self.time_zone, &mut faults);
        let from = time(&format!("{path}.from"), &self.from, &mut faults);
        let until = time(&format!("{path}.until"), &self.until, &mut faults);
        let (Some(zone), Some(from), Some(until)) = (zone, from, until) else { return Err(faults) };
        WorkCalendar::new(zone, self.days, from, until, self.holidays).map_err(|faults| {
            faults.into_iter().map(|fault| Fault::new(format!("{path}.{}", fault.path), fault.reason)).collect()
        })
    }
}

/// The time zone with this name; nothing, with a fault, where there is none.
pub(crate) fn zone(path: &str, name: &str, faults: &mut Vec<Fault>) -> Option<Zone> {
    Zone::new(name).map_err(|error| faults.push(Fault::new(path, error.to_string()))).ok()
}

/// A time of day such as 09:00; nothing, with a fault, where it is none.
pub(crate) fn time(path: &str, text: &str, faults: &mut Vec<Fault>) -> Option<Time> {
    let number = |part: &str| part.parse::<i8>().ok().filter(|_| part.len() == 2 && !part.starts_with(['+', '-']));
    let parts = text.split_once(':').and_then(|(hour, minute)| Some((number(hour)?, number(minute)?)));
    let time = parts.and_then(|(hour, minute)| Time::new(hour, minute, 0, 0).ok());
    if time.is_none() {
        let shown: String = text.chars().take(80).collect();
        faults.push(Fault::new(path, format!("`{shown}` is not a time of day; write it as 09:00")));
    }
    time
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_of_day_is_read_as_people_write_it() {
        let mut faults = Vec::new();
        let nine = time("from", "09:00", &mut faults);
        assert_eq!(
            (nine, time("from", "23:59", &mut faults)),
            (Time::new(9, 0, 0, 0).ok(), Time::new(23, 59, 0, 0).ok())
        );
        assert_eq!(faults, []);
        for wrong in ["", "9", "9:00", "24:00", "09:60", "09:00:00", "+9:00", "noon", "09-00"] {
            assert_eq!(time("from", wrong, &mut faults), None, "{wrong}");
        }
        assert_eq!(faults.len(), 9);
        assert_eq!(faults[3].reason, "`24:00` is not a time of day; write it as 09:00");
    }
}

//! Whole days in UTC: the grain of every series.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Seconds in a day.
pub const SECONDS: i64 = 86_400;

/// A calendar day in UTC, counted from 1970-01-01. Written as `2026-11-22`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Day(i32);

/// Why a text is not a day.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a day; write it as 2026-11-22")]
pub struct DayError(String);

impl Day {
    /// The day with this number, counted from 1970-01-01.
    pub const fn from_number(number: i32) -> Self {
        Self(number)
    }

    /// Days since 1970-01-01.
    pub const fn number(self) -> i32 {
        self.0
    }

    /// The day in which this moment lies.
    pub fn of(moment: Timestamp) -> Self {
        Self(i32::try_from(moment.as_second().div_euclid(SECONDS)).unwrap_or(if moment.as_second() < 0 {
            i32::MIN
        } else {
            i32::MAX
        }))
    }

    /// The first moment of the day.
    pub fn start(self) -> Timestamp {
        Timestamp::from_second(i64::from(self.0) * SECONDS).unwrap_or(if self.0 < 0 {
            Timestamp::MIN
        } else {
            Timestamp::MAX
        })
    }

    /// The day that many days later (or earlier, when negative).
    #[must_use]
    pub const fn plus(self, days: i32) -> Self {
        Self(self.0.saturating_add(days))
    }

    /// Days from `earlier` to this one.
    pub const fn since(self, earlier: Self) -> i32 {
        self.0.saturating_sub(earlier.0)
    }

    /// 0 for Monday to 6 for Sunday.
    pub const fn weekday(self) -> u8 {
        // 1970-01-01 was a Thursday.
        let [weekday, ..] = self.0.wrapping_add(3).rem_euclid(7).to_le_bytes();
        weekday
    }
}

impl std::str::FromStr for Day {
    type Err = DayError;
    fn from_str(text: &str) -> Result<Self, DayError> {
        let date: jiff::civil::Date = text.parse().map_err(|_| DayError(text.to_owned()))?;
        date.to_zoned(jiff::tz::TimeZone::UTC)
            .map(|zoned| Self::of(zoned.timestamp()))
            .map_err(|_| DayError(text.to_owned()))
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", jiff::tz::TimeZone::UTC.to_datetime(self.start()).date())
    }
}

impl fmt::Debug for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl Serialize for Day {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Day {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_written_as_a_date() {
        let day: Day = "2026-11-22".parse().unwrap();
        assert_eq!(day.to_string(), "2026-11-22");
        assert_eq!(day.weekday(), 6, "a Sunday");
        assert_eq!(Day::of("2026-11-22T23:59:59.999Z".parse().unwrap()), day);
        assert_eq!(Day::of("1969-12-31T23:00:00Z".parse().unwrap()).number(), -1);
        assert!("22.11.2026".parse::<Day>().is_err());
    }
}

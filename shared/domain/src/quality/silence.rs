//! Silence: a source that has said nothing for nearly twice as long as it usually rests.
//!
//! Its cadence is learned from the hours in which its records lie. Each day on which it speaks ends a longest rest, and the
//! longest of those is the cadence, so that nights, weekends and the lack of a rhythm are no silence; of ten rests or more
//! the longest but one, so that an outage is no rhythm. A source is silent when its last hour lies twice
//! the cadence back, less [`WATCH_HOURS`]: whoever looks once in so many hours tells of it within twice the cadence.
//! Records that lie at 00:00 day after day are totals of their days, and speak until the end of them.

use super::SourceDay;
use crate::day::Day;
use jiff::{SignedDuration, Timestamp};

/// How often somebody looks, in hours.
pub const WATCH_HOURS: i64 = 1;
/// The shortest cadence, in hours: a source that speaks more often is measured by this.
pub const SHORTEST_HOURS: i64 = 2;
/// From how many rests on a cadence is known.
const MINIMUM_RESTS: usize = 3;
/// From how many rests on the longest one may have been an outage.
const FORGIVING_RESTS: usize = 10;

/// When a source speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rhythm {
    /// Until when it has spoken: the beginning of its last hour, or the end of the last day of which it gave totals.
    pub last_seen: Timestamp,
    /// How long it usually rests at most; nothing where it has not spoken often enough.
    pub cadence_hours: Option<i64>,
}

impl Rhythm {
    /// Whether it has been silent for too long. Of a source without a cadence nobody knows.
    pub fn is_silent(&self, now: Timestamp) -> bool {
        let silent =
            |hours: i64| now.duration_since(self.last_seen) >= SignedDuration::from_hours(2 * hours - WATCH_HOURS);
        self.cadence_hours.is_some_and(silent)
    }

    /// Of a source as it was known at `now`: from its days and hours, and where those are too few, from `spoken`, the days
    /// on which it spoke further back.
    pub fn of(days: &[(Day, SourceDay)], spoken: &[Day], now: Timestamp) -> Option<Self> {
        let today = Day::of(now);
        let until = now.as_second().div_euclid(3600);
        let hours: Vec<(Day, i64)> = days.iter().flat_map(hours_of).take_while(|(_, hour)| *hour <= until).collect();
        let are_totals = hours.len() >= MINIMUM_RESTS && hours.iter().all(|(_, hour)| hour % 24 == 0);
        let rests = cadence(longest_rests(&hours));
        let slow = || {
            let spoken = spoken.get(..spoken.partition_point(|day| *day <= today)).unwrap_or_default();
            let hours: Vec<_> = spoken.iter().map(|day| (*day, i64::from(day.number()) * 24)).collect();
            cadence(longest_rests(&hours))
        };
        let last = match hours.last() {
            Some((_, hour)) => *hour,
            None => i64::from(spoken.iter().rfind(|day| **day <= today)?.number()) * 24 + 23,
        };
        let last = if are_totals { last + 24 } else { last };
        let last_seen = Timestamp::from_second(last * 3600).ok()?.min(now);
        Some(Self { last_seen, cadence_hours: rests.or_else(slow) })
    }
}

/// The hours of a day in which it spoke, counted from 1970-01-01.
fn hours_of((day, amount): &(Day, SourceDay)) -> impl Iterator<Item = (Day, i64)> {
    let (day, mask) = (*day, amount.hours);
    (0..24).filter(move |hour| mask & (1 << hour) != 0).map(move |hour| (day, i64::from(day.number()) * 24 + hour))
}

/// For each day but the first the longest rest that ended on it.
fn longest_rests(hours: &[(Day, i64)]) -> Vec<i64> {
    let mut rests: Vec<(Day, i64)> = Vec::new();
    for pair in hours.windows(2) {
        let (Some((_, before)), Some((day, hour))) = (pair.first(), pair.last()) else { continue };
        match rests.last_mut() {
            Some((last, rest)) if last == day => *rest = (*rest).max(hour - before),
            _ => rests.push((*day, hour - before)),
        }
    }
    rests.into_iter().map(|(_, rest)| rest).collect()
}

fn cadence(mut rests: Vec<i64>) -> Option<i64> {
    if rests.len() < MINIMUM_RESTS {
        return None;
    }
    rests.sort_unstable_by(|a, b| b.cmp(a));
    let forgiven = usize::from(rests.len() >= FORGIVING_RESTS);
    rests.get(forgiven).map(|rest| (*rest).max(SHORTEST_HOURS))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signal::Metric;

    const FIRST: i32 = 20_454;

    fn hour(number: i64) -> Timestamp {
        Timestamp::from_second((i64::from(FIRST) * 24 + number) * 3600).unwrap()
    }

    fn days(hours: impl IntoIterator<Item = i64>) -> Vec<(Day, SourceDay)> {
        let mut days: std::collections::BTreeMap<Day, SourceDay> = std::collections::BTreeMap::new();
        for number in hours {
            days.entry(Day::of(hour(number))).or_default().accept(Metric::Logins, hour(number));
        }
        days.into_iter().collect()
    }

    /// The first hour after the last one spoken in which the silence is told; the cadence.
    #[track_caller]
    fn check(hours: impl IntoIterator<Item = i64>, cadence: i64) {
        let hours: Vec<i64> = hours.into_iter().collect();
        let (days, last) = (days(hours.iter().copied()), *hours.last().unwrap());
        let told =
            (0..2000).find(|after| Rhythm::of(&days, &[], hour(last + after)).unwrap().is_silent(hour(last + after)));
        let rhythm = Rhythm::of(&days, &[], hour(last)).unwrap();
        assert_eq!(rhythm.cadence_hours, Some(cadence));
        let told = told.unwrap();
        let spoken = if hours.iter().all(|hour| hour % 24 == 0) { 24 } else { 0 };
        assert!((cadence..2 * cadence).contains(&(told - spoken)), "told after {told} hours, cadence {cadence}");
        // While it spoke nobody called it silent, once its cadence was known.
        let learned = hours.iter().position(|now| *now > 24 * 15).unwrap_or(hours.len());
        for (index, pair) in hours.windows(2).enumerate().skip(learned) {
            let known = days_until(&hours, index);
            let just_before = hour(pair[1]) - SignedDuration::from_secs(1);
            let rhythm = Rhythm::of(&known, &[], just_before).unwrap();
            assert!(!rhythm.is_silent(just_before), "{pair:?} {rhythm:?}");
        }
    }

    fn days_until(hours: &[i64], index: usize) -> Vec<(Day, SourceDay)> {
        days(hours.iter().take(index + 1).copied())
    }

    #[test]
    fn a32_silent_source_is_told_within_twice_its_cadence() {
        check(0..60 * 24, SHORTEST_HOURS);
        check((0..60 * 24).step_by(6), 6);
        check((9..60 * 24).step_by(24), 24);
        check((0..60 * 24).step_by(24), 24);
        check((9..60 * 24).step_by(7 * 24), 7 * 24);
        // By day from 8 to 20 only: its nights are longer than its hours, and no silence.
        check((0..60 * 24).filter(|hour| (8..=20).contains(&(hour % 24))), 12);
        // From Thursday on: it rests on the third and fourth day of each week.
        check((9..60 * 24).step_by(24).filter(|hour| !matches!(hour / 24 % 7, 2 | 3)), 72);
    }

    #[test]
    fn one_outage_is_no_rhythm() {
        let with_outage = (9..60 * 24).step_by(24).filter(|hour| !(20..25).contains(&(hour / 24)));
        let rhythm = Rhythm::of(&days(with_outage), &[], hour(60 * 24)).unwrap();
        assert_eq!(rhythm.cadence_hours, Some(24));
    }

    #[test]
    fn of_a_source_that_spoke_three_times_no_cadence_is_known() {
        let rhythm = Rhythm::of(&days([9, 33, 57]), &[], hour(5000)).unwrap();
        assert_eq!((rhythm.cadence_hours, rhythm.is_silent(hour(5000))), (None, false));
        assert_eq!(Rhythm::of(&[], &[], hour(0)), None);
    }

    #[test]
    fn a_slow_source_is_measured_by_the_days_further_back() {
        let spoken: Vec<Day> = (0..6).map(|number| Day::from_number(FIRST - 150 + number * 30)).collect();
        let rhythm = Rhythm::of(&days([9]), &spoken, hour(9)).unwrap();
        assert_eq!(rhythm.cadence_hours, Some(30 * 24));
        assert!(!rhythm.is_silent(hour(9 + 59 * 24)) && rhythm.is_silent(hour(9 + 60 * 24)));
    }

    #[test]
    fn what_came_later_does_not_tell_of_the_past() {
        let days = days((9..40 * 24).step_by(24));
        let then = hour(20 * 24);
        assert_eq!(Rhythm::of(&days, &[], then).unwrap().last_seen, hour(19 * 24 + 9));
    }
}

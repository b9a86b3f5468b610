//! The schedules of the template. A slot is a multiple of the schedule's rate since the epoch, so a host that is stopped
//! and started again, and two runs over the same time, have the same slots.

use crate::wiring::ScheduleWiring;
use jiff::{SignedDuration, Timestamp};

/// How often a tick that failed is tried again, and after how many seconds: Lambda's own retries of an asynchronous call.
pub const RETRY_AFTER_SECONDS: [i64; 2] = [60, 120];

/// The first slot after this moment.
pub fn slot_after(schedule: &ScheduleWiring, moment: Timestamp) -> Timestamp {
    let every = i64::try_from(schedule.every_seconds).unwrap_or(i64::MAX).max(1);
    let slots = moment.as_second().div_euclid(every).saturating_add(1);
    Timestamp::from_second(slots.saturating_mul(every)).unwrap_or(Timestamp::MAX)
}

/// The text that a schedule's rule hands to its function.
pub fn input(schedule: &ScheduleWiring, slot: Timestamp) -> String {
    serde_json::json!({ "tick": schedule.tick, "time": format!("{slot:.0}") }).to_string()
}

/// When a tick that failed is tried again, if it is.
pub fn retry_at(failed_at: Timestamp, attempts: usize) -> Option<Timestamp> {
    let seconds = RETRY_AFTER_SECONDS.get(attempts.checked_sub(1)?)?;
    failed_at.checked_add(SignedDuration::from_secs(*seconds)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use platform::function::Tick;

    fn every(seconds: u64) -> ScheduleWiring {
        ScheduleWiring {
            name: "Clock".into(),
            function: "escalate".into(),
            tick: "due_clock".into(),
            every_seconds: seconds,
        }
    }

    #[track_caller]
    fn check(seconds: u64, moment: &str, slot: &str) {
        assert_eq!(slot_after(&every(seconds), moment.parse().unwrap()), slot.parse().unwrap());
    }

    #[test]
    fn a41_slots_are_aligned_whatever_the_start() {
        check(3600, "2026-01-01T00:00:00Z", "2026-01-01T01:00:00Z");
        check(3600, "2026-01-01T00:59:59.999Z", "2026-01-01T01:00:00Z");
        check(60, "2026-01-01T00:00:01Z", "2026-01-01T00:01:00Z");
        check(7 * 86_400, "2026-01-05T12:00:00Z", "2026-01-08T00:00:00Z");
    }

    #[test]
    fn a_tick_reads_back_from_its_text() {
        let slot = "2026-01-01T01:00:00Z".parse().unwrap();
        let tick: Tick = serde_json::from_str(&input(&every(60), slot)).unwrap();
        assert_eq!(tick, Tick { tick: "due_clock".into(), time: slot });
    }

    #[test]
    fn a_failed_tick_is_tried_twice_more() {
        let at: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let seconds: Vec<Option<i64>> =
            (1..=3).map(|attempts| retry_at(at, attempts).map(|retry| retry.as_second() - at.as_second())).collect();
        assert_eq!(seconds, [Some(60), Some(120), None]);
    }
}

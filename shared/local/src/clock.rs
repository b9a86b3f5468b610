//! The clock of the local host: it stands until the host moves it on.
//!
//! The host alone decides when time passes, so everything that happens at one moment happens at exactly that moment, and
//! the same run gives the same times.

use jiff::Timestamp;
use platform::clock::Clock;
use std::sync::{Mutex, PoisonError};

/// A clock that is moved by hand, never backwards.
#[derive(Debug)]
pub struct StandingClock(Mutex<Timestamp>);

impl StandingClock {
    /// A clock that shows this moment.
    pub const fn new(now: Timestamp) -> Self {
        Self(Mutex::new(now))
    }

    /// Moves the clock on. A moment that has passed already changes nothing.
    pub fn move_to(&self, now: Timestamp) {
        let mut shown = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *shown = (*shown).max(now);
    }
}

impl Clock for StandingClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_moves_on_and_never_back() {
        let [early, late] = ["2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"].map(|at| at.parse::<Timestamp>().unwrap());
        let clock = StandingClock::new(early);
        clock.move_to(late);
        clock.move_to(early);
        assert_eq!(clock.now(), late);
    }
}

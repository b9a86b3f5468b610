//! Whether and when something that failed is tried again: exponential back-off with full jitter, a bounded number of
//! attempts, and only what a new try may better.
//!
//! Full jitter spreads the new tries of many callers evenly over the whole interval (M. Brooker, "Exponential Backoff
//! And Jitter", AWS Architecture Blog, 2015).

use jiff::SignedDuration;

/// How often and how fast something is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// The attempts in all, the first included.
    pub attempts: u32,
    /// The longest pause before the second attempt; doubled for each further one.
    pub first: SignedDuration,
    /// No pause is longer than this.
    pub longest: SignedDuration,
}

/// Why an attempt failed, as far as it matters for the next one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// A new attempt may succeed. The other side may have said how long to wait.
    Transient {
        /// Its `Retry-After`.
        retry_after: Option<SignedDuration>,
    },
    /// The same attempt will fail again.
    Permanent,
}

/// A draw between none and all of something, from a random source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Roll(pub u32);

impl Cause {
    /// What an HTTP status means: time-outs, throttling and the server's own failures pass; any other refusal stays.
    pub const fn of_status(status: u16, retry_after: Option<SignedDuration>) -> Self {
        match status {
            408 | 425 | 429 | 500..=599 => Self::Transient { retry_after },
            _ => Self::Permanent,
        }
    }
}

impl Budget {
    /// How long to wait before the next attempt after `made` attempts; nothing, where there is to be none. Whoever is
    /// asked to wait longer than the longest pause gives up.
    pub fn pause(&self, made: u32, cause: Cause, roll: Roll) -> Option<SignedDuration> {
        let Cause::Transient { retry_after } = cause else {
            return None;
        };
        if made == 0 || made >= self.attempts {
            return None;
        }
        let doublings = (made - 1).min(62);
        let ceiling = self.first.as_millis().saturating_mul(1_i128 << doublings).clamp(0, self.longest.as_millis());
        let drawn = ceiling.saturating_mul(i128::from(roll.0)) / i128::from(u32::MAX);
        let jittered = SignedDuration::from_millis(i64::try_from(drawn).unwrap_or(i64::MAX));
        let pause = retry_after.map_or(jittered, |asked| asked.max(jittered));
        (pause <= self.longest).then_some(pause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const BUDGET: Budget =
        Budget { attempts: 5, first: SignedDuration::from_millis(100), longest: SignedDuration::from_millis(350) };
    const ANY: Cause = Cause::Transient { retry_after: None };

    #[test]
    fn a13_the_pause_doubles_up_to_the_longest_and_is_drawn_from_all_of_it() {
        let pauses = |roll| (1..=5).map(|made| BUDGET.pause(made, ANY, Roll(roll))).collect::<Vec<_>>();
        let millis = |pauses: [i64; 4]| {
            pauses.map(SignedDuration::from_millis).map(Some).into_iter().chain([None]).collect::<Vec<_>>()
        };
        assert_eq!(pauses(u32::MAX), millis([100, 200, 350, 350]));
        assert_eq!(pauses(u32::MAX / 2), millis([49, 99, 174, 174]));
        assert_eq!(pauses(0), millis([0, 0, 0, 0]));
    }

    #[test]
    fn a13_who_says_how_long_to_wait_is_obeyed_or_left() {
        let asked = |millis| {
            let retry_after = Some(SignedDuration::from_millis(millis));
            BUDGET.pause(1, Cause::Transient { retry_after }, Roll(u32::MAX)).map(|pause| pause.as_millis())
        };
        assert_eq!((asked(50), asked(300), asked(351)), (Some(100), Some(300), None));
    }

    proptest! {
        #[test]
        fn a13_no_pause_is_longer_than_the_longest_and_no_attempt_is_over_the_budget(
            attempts in 0_u32..70, first in 0_i64..10_000_000, longest in 0_i64..10_000_000, roll: u32,
            retry_after in prop::option::of(0_i64..20_000_000),
        ) {
            let budget = Budget {
                attempts,
                first: SignedDuration::from_millis(first),
                longest: SignedDuration::from_millis(longest),
            };
            let cause = Cause::Transient { retry_after: retry_after.map(SignedDuration::from_millis) };
            let mut made = 1;
            while let Some(pause) = budget.pause(made, cause, Roll(roll)) {
                prop_assert!(pause <= budget.longest && pause >= SignedDuration::ZERO);
                prop_assert!(retry_after.is_none_or(|asked| pause >= SignedDuration::from_millis(asked)));
                made += 1;
            }
            prop_assert!(made <= attempts.max(1));
        }

        #[test]
        fn a13_a_refusal_that_stays_is_never_tried_again(status in 400_u16..500, roll: u32) {
            let again = BUDGET.pause(1, Cause::of_status(status, None), Roll(roll)).is_some();
            prop_assert_eq!(again, [408, 425, 429].contains(&status));
        }

        #[test]
        fn a13_the_servers_own_failure_is_tried_again(status in 500_u16..600, roll: u32) {
            prop_assert!(BUDGET.pause(1, Cause::of_status(status, None), Roll(roll)).is_some());
        }
    }
}

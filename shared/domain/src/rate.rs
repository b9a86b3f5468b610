//! How fast something may go: so many at once, and from then on one each so often.
//!
//! The generic cell rate algorithm (ITU-T I.371, annex A): a token bucket whose whole state is one moment, the one at
//! which the bucket will be full again.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// The most in a minute that can be asked for.
pub const MAX_PER_MINUTE: u32 = 6_000;

/// So many at once, and so many a minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RateLimit {
    /// In a minute, 1 to [`MAX_PER_MINUTE`].
    pub per_minute: u32,
    /// At once, at least 1.
    pub burst: u32,
}

/// What was used up lately.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Bucket {
    /// When it is full again; nothing where it never was used.
    full_at: Option<Timestamp>,
}

impl Bucket {
    /// Takes one out, or says when there will be one.
    pub fn take(&self, limit: RateLimit, now: Timestamp) -> Result<Self, Timestamp> {
        // Rounded up: never faster than was allowed.
        let each = SignedDuration::from_millis(i64::from(60_000_u32.div_ceil(limit.per_minute.max(1))));
        let room = each.saturating_mul(i32::try_from(limit.burst.max(1) - 1).unwrap_or(i32::MAX));
        let full_at = self.full_at.map_or(now, |at| at.max(now));
        let allowed_at = full_at.checked_sub(room).unwrap_or(Timestamp::MIN);
        if allowed_at > now {
            return Err(allowed_at);
        }
        Ok(Self { full_at: full_at.checked_add(each).ok() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millisecond(1_767_571_200_000 + millis).unwrap()
    }

    #[test]
    fn a_burst_goes_at_once_and_the_next_one_says_when() {
        let limit = RateLimit { per_minute: 60, burst: 3 };
        let mut bucket = Bucket::default();
        for _ in 0..3 {
            bucket = bucket.take(limit, at(0)).unwrap();
        }
        assert_eq!(bucket.take(limit, at(0)), Err(at(1_000)));
        assert!(bucket.take(limit, at(1_000)).is_ok());
        let rested = bucket.take(limit, at(60_000)).unwrap();
        assert!(rested.take(limit, at(60_000)).is_ok());
    }

    proptest! {
        #[test]
        fn no_stretch_of_time_holds_more_than_the_burst_and_its_share(
            per_minute in 1_u32..=MAX_PER_MINUTE, burst in 1_u32..50, pauses in prop::collection::vec(0_i64..3_000, 1..200),
        ) {
            let limit = RateLimit { per_minute, burst };
            let (mut bucket, mut now, mut gone) = (Bucket::default(), 0, Vec::new());
            for pause in pauses {
                now += pause;
                match bucket.take(limit, at(now)) {
                    Ok(next) => {
                        bucket = next;
                        gone.push(now);
                    }
                    Err(when) => prop_assert!(when > at(now) && bucket.take(limit, when).is_ok()),
                }
            }
            for (first, from) in gone.iter().enumerate() {
                for (last, until) in gone.iter().enumerate().skip(first) {
                    let share = (until - from) * i64::from(per_minute) / 60_000;
                    prop_assert!(i64::try_from(last - first).unwrap() < i64::from(burst) + share + 1);
                }
            }
        }
    }
}

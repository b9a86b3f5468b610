//! Numbers that look random and follow from a seed: the same on every machine and in every order of asking.
//!
//! Whole numbers only. A [`Dice`] is made from the seed and the names of what it decides, so each decision stands on
//! its own: a day can be made without making the days before it.

/// A stream of numbers (SplitMix64).
#[derive(Debug, Clone)]
pub(super) struct Dice {
    state: u64,
}

impl Dice {
    /// The stream for this decision under this seed.
    pub(super) fn of(seed: u64, decision: &[u64]) -> Self {
        let mut dice = Self { state: seed };
        for part in decision {
            dice.state = dice.next() ^ part.wrapping_mul(0xD6E8_FEB8_6659_FD93);
        }
        dice
    }

    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.state ^ (self.state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A whole number from `low` to `high`, both possible. With `high` below `low` it is `low`.
    pub(super) fn between(&mut self, low: i64, high: i64) -> i64 {
        let width = i128::from(high) - i128::from(low) + 1;
        if width < 1 {
            return low;
        }
        let offset = (i128::from(self.next()) * width) >> 64;
        i64::try_from(i128::from(low) + offset).unwrap_or(low)
    }

    /// True so many times in a thousand.
    pub(super) fn per_mille(&mut self, times: i64) -> bool {
        self.between(0, 999) < times
    }

    /// A number from `-spread` to `spread`; the middle is the most frequent.
    pub(super) fn noise(&mut self, spread: i64) -> i64 {
        (self.between(-spread, spread) + self.between(-spread, spread)) / 2
    }

    /// Puts a list in another order.
    pub(super) fn shuffle<T>(&mut self, list: &mut [T]) {
        for last in (1..list.len()).rev() {
            let other = self.between(0, i64::try_from(last).unwrap_or(0));
            list.swap(last, usize::try_from(other).unwrap_or(0));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_the_published_ones_of_splitmix64() {
        let mut dice = Dice { state: 1_234_567 };
        assert_eq!(dice.next(), 6_457_827_717_110_365_317);
        assert_eq!(dice.next(), 3_203_168_211_198_807_973);
    }

    #[test]
    fn a_range_is_reached_at_both_ends_and_never_left() {
        let mut dice = Dice::of(7, &[1, 2]);
        let drawn: std::collections::BTreeSet<i64> = (0..1_000).map(|_| dice.between(-2, 3)).collect();
        assert_eq!(drawn.into_iter().collect::<Vec<_>>(), [-2, -1, 0, 1, 2, 3]);
    }

    #[test]
    fn a_decision_has_its_own_stream() {
        assert_ne!(Dice::of(7, &[1, 2]).next(), Dice::of(7, &[2, 1]).next());
        assert_ne!(Dice::of(7, &[1]).next(), Dice::of(8, &[1]).next());
    }
}

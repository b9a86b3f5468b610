//! Exponential, logarithm and the generator of the trainer, from sums and products alone.
//!
//! The standard functions are the operating system's and differ in their last digit from one to the next; with these the
//! same data and seed give the same artifact on every machine. Rust never fuses or reorders floating-point operations.

/// Below this, and above its opposite, log-odds are held to it: a chance of one in 13 million.
const FARTHEST: f64 = 16.4;

/// One over the factorials of 13 down to 0.
const INVERSE_FACTORIALS: [f64; 14] = [
    1.0 / 6_227_020_800.0,
    1.0 / 479_001_600.0,
    1.0 / 39_916_800.0,
    1.0 / 3_628_800.0,
    1.0 / 362_880.0,
    1.0 / 40_320.0,
    1.0 / 5_040.0,
    1.0 / 720.0,
    1.0 / 120.0,
    1.0 / 24.0,
    1.0 / 6.0,
    0.5,
    1.0,
    1.0,
];

/// e to the `x`, to within 2 units in the last place for `|x| < 700`.
pub fn exp(x: f64) -> f64 {
    let x = x.clamp(-700.0, 700.0);
    let whole = (x * std::f64::consts::LOG2_E).round();
    // ln 2 in two parts: the first has so few digits that its product with `whole` is exact.
    let rest = (x - whole * 0.693_147_180_369_123_8) - whole * 1.908_214_929_270_587_7e-10;
    // Taylor's series on |rest| <= ln 2 / 2.
    let mut sum = 0.0;
    for coefficient in INVERSE_FACTORIALS {
        sum = sum * rest + coefficient;
    }
    sum * power_of_two(whole)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between -1010 and 1010 by the caller")]
fn power_of_two(whole: f64) -> f64 {
    f64::from_bits(((whole as i64 + 1023) as u64) << 52)
}

/// The natural logarithm of a normal positive number; of anything else, of the smallest normal one.
#[expect(clippy::cast_possible_wrap, reason = "an exponent has eleven bits")]
pub fn ln(x: f64) -> f64 {
    let bits = if x.is_normal() && x > 0.0 { x.to_bits() } else { f64::MIN_POSITIVE.to_bits() };
    let mut exponent = ((bits >> 52) & 0x7ff) as i64 - 1023;
    let mut fraction = f64::from_bits((bits & 0x000f_ffff_ffff_ffff) | (1023 << 52));
    if fraction > std::f64::consts::SQRT_2 {
        fraction *= 0.5;
        exponent += 1;
    }
    // ln f = 2 artanh((f - 1) / (f + 1)), a series in odd powers.
    let t = (fraction - 1.0) / (fraction + 1.0);
    let square = t * t;
    let mut sum = 0.0;
    for divisor in [25.0, 23.0, 21.0, 19.0, 17.0, 15.0, 13.0, 11.0, 9.0, 7.0, 5.0, 3.0, 1.0] {
        sum = sum * square + 1.0 / divisor;
    }
    exponent as f64 * std::f64::consts::LN_2 + 2.0 * t * sum
}

/// The chance that log-odds stand for.
pub fn chance(log_odds: f64) -> f64 {
    1.0 / (1.0 + exp(-log_odds.clamp(-FARTHEST, FARTHEST)))
}

/// The log-odds of a chance.
pub fn log_odds(chance: f64) -> f64 {
    (ln(chance) - ln(1.0 - chance)).clamp(-FARTHEST, FARTHEST)
}

/// What a prediction costs when the outcome is known: its negative log likelihood.
pub fn cost(log_odds: f64, outcome: bool) -> f64 {
    let chance = chance(log_odds);
    -ln(if outcome { chance } else { 1.0 - chance })
}

/// A seeded generator (SplitMix64: Steele, Lea and Flood, 2014).
#[derive(Debug, Clone)]
pub struct Generator(u64);

impl Generator {
    /// From a seed.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `end`, which is not zero; for zero, zero.
    pub fn below(&mut self, end: usize) -> usize {
        let wide = (u128::from(self.bits()) * end as u128) >> 64;
        usize::try_from(wide).unwrap_or_default()
    }

    /// A number from 0 to below 1, in steps of one in 2 to the 53.
    pub fn share(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Puts things into a random order (Fisher and Yates).
    pub fn shuffle<T>(&mut self, things: &mut [T]) {
        for end in (1..things.len()).rev() {
            let other = self.below(end + 1);
            things.swap(end, other);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exponential_and_logarithm_agree_with_the_standard_ones() {
        for step in -4000..=4000 {
            let x = f64::from(step) * 0.0101;
            assert!((exp(x) / x.exp() - 1.0).abs() < 1e-14, "exp {x}");
            let y = x.exp();
            assert!((ln(y) - y.ln()).abs() < 1e-14 * (1.0 + x.abs()), "ln {y}");
        }
        assert!((log_odds(chance(1.25)) - 1.25).abs() < 1e-12);
        assert!((cost(0.0, true) - std::f64::consts::LN_2).abs() < 1e-12);
    }

    #[test]
    fn what_cannot_be_computed_is_held_to_the_farthest() {
        assert!(chance(1e9) < 1.0 && chance(-1e9) > 0.0);
        assert!(cost(-1e9, true).is_finite() && log_odds(0.0).is_finite() && log_odds(1.0).is_finite());
    }

    #[test]
    fn the_generator_gives_what_its_seed_gives() {
        let (mut one, mut same) = (Generator::new(7), Generator::new(7));
        assert_eq!((one.bits(), one.bits()), (same.bits(), same.bits()));
        let mut order: Vec<usize> = (0..100).collect();
        one.shuffle(&mut order);
        assert_ne!(order, (0..100).collect::<Vec<_>>());
        order.sort_unstable();
        assert_eq!(order, (0..100).collect::<Vec<_>>());
        // The published first value of seed 0.
        assert_eq!(Generator::new(0).bits(), 0xe220_a839_7b1d_cdaf);
    }
}

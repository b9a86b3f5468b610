//! Exact numbers: what is summed, compared or chained is a whole number of millionths.
//!
//! [`Quantity`] is a measured value in its metric's unit, [`Points`] is a score between 0 and 100. Both hold six
//! decimal places; text with more is rounded half to even, once, where it comes in.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Millionths in one.
pub const ONE: i64 = 1_000_000;

/// Why a text or number is not a fixed-point value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FixedError {
    /// Not a decimal number.
    #[error("is not a decimal number")]
    NotANumber,
    /// NaN or an infinity.
    #[error("is not a finite number")]
    NotFinite,
    /// Beyond ±9.2 × 10^12.
    #[error("is too large; the largest is 9000000000000")]
    TooLarge,
}

macro_rules! fixed {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        pub struct $name(i64);

        impl $name {
            /// Zero.
            pub const ZERO: Self = Self(0);

            /// From a count of millionths.
            pub const fn from_micros(micros: i64) -> Self {
                Self(micros)
            }

            /// From a whole number.
            pub const fn whole(value: i32) -> Self {
                Self(value as i64 * ONE)
            }

            /// The count of millionths.
            pub const fn micros(self) -> i64 {
                self.0
            }

            /// Adds; a sum past the range stays at its end.
            #[must_use]
            pub const fn plus(self, other: Self) -> Self {
                Self(self.0.saturating_add(other.0))
            }

            /// Subtracts; a difference past the range stays at its end.
            #[must_use]
            pub const fn minus(self, other: Self) -> Self {
                Self(self.0.saturating_sub(other.0))
            }

            /// From a floating-point number by its shortest decimal text.
            pub fn from_f64(value: f64) -> Result<Self, FixedError> {
                if !value.is_finite() {
                    return Err(FixedError::NotFinite);
                }
                format!("{value}").parse()
            }

            /// As floating point, for statistics and display only.
            #[expect(clippy::cast_precision_loss, reason = "statistics and display only; sums stay in whole numbers")]
            pub fn to_f64(self) -> f64 {
                self.0 as f64 / ONE as f64
            }

            /// Rounded half to even to `places` decimals (0-6) as text, with no trailing zeros dropped.
            pub fn rounded(self, places: u32) -> String {
                let step = 10_i64.pow(6_u32.saturating_sub(places.min(6)));
                decimal(divide_half_even(i128::from(self.0), i128::from(step)) * i128::from(step), places.min(6) as usize)
            }
        }

        impl std::str::FromStr for $name {
            type Err = FixedError;
            fn from_str(text: &str) -> Result<Self, FixedError> {
                parse(text).map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let text = decimal(i128::from(self.0), 6);
                f.write_str(text.trim_end_matches('0').trim_end_matches('.'))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{self}")
            }
        }

        // As a decimal text: JSON readers that hold numbers as floating point cannot change it.
        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_any(Visitor).map(Self)
            }
        }
    )*};
}

fixed! {
    /// A measured value in the unit of its metric.
    Quantity
    /// A score or a part of one: 0-100, six decimal places.
    Points
}

impl Points {
    /// The lowest score.
    pub const MIN: Self = Self::ZERO;
    /// The highest score.
    pub const MAX: Self = Self::whole(100);
}

struct Visitor;

impl serde::de::Visitor<'_> for Visitor {
    type Value = i64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a decimal number, as a number or as text")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<i64, E> {
        parse(text).map_err(|error| E::custom(format!("`{text}` {error}")))
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<i64, E> {
        value.checked_mul(ONE).ok_or_else(|| E::custom(format!("`{value}` {}", FixedError::TooLarge)))
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<i64, E> {
        i64::try_from(value)
            .ok()
            .and_then(|value| value.checked_mul(ONE))
            .ok_or_else(|| E::custom(format!("`{value}` {}", FixedError::TooLarge)))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<i64, E> {
        Quantity::from_f64(value).map(Quantity::micros).map_err(|error| E::custom(format!("`{value}` {error}")))
    }
}

/// `numerator / denominator`, rounded half to even. A zero denominator gives zero.
pub const fn divide_half_even(numerator: i128, denominator: i128) -> i128 {
    if denominator == 0 {
        return 0;
    }
    let (numerator, denominator) = if denominator < 0 { (-numerator, -denominator) } else { (numerator, denominator) };
    let quotient = numerator.div_euclid(denominator);
    let twice = numerator.rem_euclid(denominator) * 2;
    if twice > denominator || (twice == denominator && quotient % 2 != 0) { quotient + 1 } else { quotient }
}

/// Plain decimal notation with an optional exponent, to millionths, half to even.
fn parse(text: &str) -> Result<i64, FixedError> {
    let text = text.trim();
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().map_err(|_| FixedError::NotANumber)?),
        None => (text, 0),
    };
    let (negative, digits) = match mantissa.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, mantissa.strip_prefix('+').unwrap_or(mantissa)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if (whole.is_empty() && fraction.is_empty()) || !whole.chars().chain(fraction.chars()).all(|c| c.is_ascii_digit()) {
        return Err(FixedError::NotANumber);
    }
    let all: String = format!("{whole}{fraction}");
    let all = all.trim_start_matches('0');
    if all.is_empty() {
        return Ok(0);
    }
    // value = all × 10^(exponent − fraction.len()); we want it times 10^6.
    let fraction = i32::try_from(fraction.len()).map_err(|_| FixedError::NotANumber)?;
    let shift = exponent.saturating_sub(fraction).saturating_add(6);
    let length = i32::try_from(all.len()).map_err(|_| FixedError::TooLarge)?;
    if length.saturating_add(shift) > 19 {
        return Err(FixedError::TooLarge);
    }
    if length.saturating_add(shift) < 0 {
        return Ok(0);
    }
    // Digits beyond the nineteenth after scaling only matter for rounding; 30 digits are kept, the rest is sticky.
    let kept: String = all.chars().take(30).collect();
    let sticky = all.chars().skip(30).any(|c| c != '0');
    let dropped = length - i32::try_from(kept.len()).unwrap_or(30);
    let value: i128 = kept.parse().map_err(|_| FixedError::NotANumber)?;
    let shift = shift + dropped;
    let micros = if shift >= 0 {
        value.checked_mul(10_i128.pow(shift.unsigned_abs())).ok_or(FixedError::TooLarge)?
    } else {
        let (value, shift) = if sticky { (value * 10 + 1, shift - 1) } else { (value, shift) };
        10_i128.checked_pow(shift.unsigned_abs()).map_or(0, |scale| divide_half_even(value, scale))
    };
    let micros = i64::try_from(micros).map_err(|_| FixedError::TooLarge)?;
    if micros > 9_000_000_000_000 * 1_000_000 {
        return Err(FixedError::TooLarge);
    }
    Ok(if negative { -micros } else { micros })
}

fn decimal(micros: i128, places: usize) -> String {
    let sign = if micros < 0 { "-" } else { "" };
    let (whole, fraction) = (micros.abs() / i128::from(ONE), micros.abs() % i128::from(ONE));
    let fraction = format!("{fraction:06}");
    if places == 0 {
        format!("{sign}{whole}")
    } else {
        format!("{sign}{whole}.{}", fraction.get(..places).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(text.parse::<Quantity>().map(|q| q.to_string()), Ok(expected.to_owned()), "{text}");
    }

    #[test]
    fn decimals_are_read_exactly_and_rounded_half_to_even() {
        check("0.1", "0.1");
        check("-12.5", "-12.5");
        check("1e3", "1000");
        check("2.5e-6", "0.000002");
        check("3.5e-6", "0.000004");
        check("0.00000050000000000000000000000000000000001", "0.000001");
        check("1e-300", "0");
        check("000", "0");
        check("9000000000000", "9000000000000");
    }

    #[test]
    fn what_is_not_a_number_is_refused() {
        for text in ["", ".", "-", "NaN", "inf", "1,5", "0x10", "1e", "--1"] {
            assert_eq!(text.parse::<Quantity>(), Err(FixedError::NotANumber), "{text}");
        }
        assert_eq!("9000000000001".parse::<Quantity>(), Err(FixedError::TooLarge));
        assert_eq!("1e400".parse::<Quantity>(), Err(FixedError::TooLarge));
        assert_eq!(Quantity::from_f64(f64::NAN), Err(FixedError::NotFinite));
    }

    #[test]
    fn json_numbers_and_texts_are_read_alike() {
        assert_eq!(
            serde_json::from_str::<Points>("77.1").unwrap(),
            serde_json::from_str::<Points>("\"77.1\"").unwrap()
        );
        assert_eq!(serde_json::to_string(&Points::whole(77)).unwrap(), "\"77\"");
    }

    #[test]
    fn rounding_for_people_keeps_its_places() {
        assert_eq!(Points::from_micros(77_050_000).rounded(1), "77.0");
        assert_eq!(Points::from_micros(-5_150_001).rounded(1), "-5.2");
        assert_eq!(Points::from_micros(77_500_000).rounded(0), "78");
    }
}

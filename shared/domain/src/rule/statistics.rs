//! The statistics of features, in whole numbers: medians, ranks, lines, deviations.

use super::leaf::Direction;
use crate::fixed::{ONE, Quantity, divide_half_even};

/// Millionths as a quantity; what is too large stays at the end of the range.
pub(super) fn quantity(micros: i128) -> Quantity {
    Quantity::from_micros(i64::try_from(micros).unwrap_or(if micros < 0 { i64::MIN } else { i64::MAX }))
}

/// The smallest value that is not below `percentile` percent of the values.
pub(super) fn nearest_rank(sorted: &[i128], percentile: u32) -> i128 {
    let rank = (sorted.len() * percentile as usize).div_ceil(100);
    sorted.get(rank.saturating_sub(1)).or(sorted.last()).copied().unwrap_or(0)
}

/// The value that half of the values do not exceed.
pub(super) fn median(sorted: &[i128]) -> i128 {
    nearest_rank(sorted, 50)
}

/// How many robust deviations a value lies from the median of a history, in millionths, towards zero. A history of one value
/// alone has no deviation: every other value lies as far from it as can be said.
pub(super) fn deviations(value: i128, sorted: &[i128]) -> i128 {
    let middle = median(sorted);
    let distance = value.saturating_sub(middle);
    let mut spread: Vec<i128> = sorted.iter().map(|one| one.saturating_sub(middle).saturating_abs()).collect();
    spread.sort_unstable();
    let parts = |factor: i128, of: i128| {
        let scaled = distance.saturating_mul(factor).saturating_mul(i128::from(ONE) / 10_000);
        scaled.checked_div(of)
    };
    // 0.6745 / MAD, or 1 / (1.2533 × mean): both in ten-thousandths.
    let by_median = parts(6_745, median(&spread));
    let count = i128::try_from(spread.len()).unwrap_or(i128::MAX);
    let sum = spread.iter().fold(0_i128, |sum, one| sum.saturating_add(*one));
    let by_mean = || parts(7_979_i128.saturating_mul(count), sum);
    by_median.or_else(by_mean).unwrap_or(if distance == 0 { 0 } else { distance.signum() * i128::from(i64::MAX) })
}

/// A line through values, and whether they go its way more than chance would have it.
pub(super) struct Line {
    /// How far it falls from the first day to the last, in millionths; negative when it rises.
    pub fall: i128,
    pub is_no_chance: bool,
}

/// The slope of the least-squares line says how far it falls; Kendall's test says whether that could be chance: with S
/// falling pairs more than rising ones among n values, (S − 1)² > z² · n(n − 1)(2n + 5)/18, one-sided at 5 % (z = 1.645).
pub(super) fn line(points: &[(i128, i128)], direction: Direction) -> Line {
    Line { fall: fall_along_line(points), is_no_chance: is_no_chance(points, direction) }
}

fn fall_along_line(points: &[(i128, i128)]) -> i128 {
    let (Some((first, _)), Some((last, _))) = (points.first(), points.last()) else { return 0 };
    let (mut n, mut x_sum, mut y_sum, mut xy, mut xx) = (0_i128, 0_i128, 0_i128, 0_i128, 0_i128);
    for (day, value) in points {
        let x = day - first;
        n += 1;
        x_sum += x;
        xx += x * x;
        y_sum = y_sum.saturating_add(*value);
        xy = xy.saturating_add(value.saturating_mul(x));
    }
    let over = n.saturating_mul(xy).saturating_sub(x_sum.saturating_mul(y_sum));
    divide_half_even(over.saturating_mul(first - last), n * xx - x_sum * x_sum)
}

fn is_no_chance(points: &[(i128, i128)], direction: Direction) -> bool {
    let mut falling = 0_i128;
    for (index, (_, earlier)) in points.iter().enumerate() {
        for (_, later) in points.iter().skip(index + 1) {
            falling += i128::from(later < earlier) - i128::from(later > earlier);
        }
    }
    let surplus = if direction == Direction::Fall { falling } else { -falling };
    let n = i128::try_from(points.len()).unwrap_or(i128::MAX);
    surplus > 0 && (surplus - 1) * (surplus - 1) * 18 * 1_000_000 > 1_645 * 1_645 * n * (n - 1) * (2 * n + 5)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a140_deviations_are_those_of_the_median_and_of_the_mean_where_most_values_are_one() {
        let history: Vec<i128> = (1..=9).map(|value| value * i128::from(ONE)).collect();
        // Median 5, median absolute deviation 2.
        assert_eq!(deviations(15 * i128::from(ONE), &history), 3_372_500);
        assert_eq!(deviations(-5 * i128::from(ONE), &history), -3_372_500);
        // Median 5, more than half of them 5, mean absolute deviation 1.
        let most = [3, 5, 5, 5, 5, 5, 7, 9].map(|value| value * i128::from(ONE));
        assert_eq!(deviations(9 * i128::from(ONE), &most), 3_191_600);
        assert_eq!(deviations(5, &[5, 5, 5]), 0);
        assert_eq!(deviations(6, &[5, 5, 5]), i128::from(i64::MAX));
        assert_eq!(deviations(4, &[5, 5, 5]), -i128::from(i64::MAX));
    }
}

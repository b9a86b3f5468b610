//! The robust statistics of the detectors: floating point that decides, and never goes out unrounded.

/// What the median absolute deviation of a normal distribution is multiplied by to be its standard deviation.
pub(super) const TO_DEVIATION: f64 = 1.4826;

/// The middle value; of an even number the mean of the two. Nothing has no median.
pub(super) fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let upper = *sorted.get(sorted.len() / 2)?;
    if sorted.len() % 2 == 1 {
        return Some(upper);
    }
    sorted.get((sorted.len() / 2).checked_sub(1)?).map(|lower| f64::midpoint(*lower, upper))
}

/// The median distance from the median.
pub(super) fn median_deviation(values: &[f64]) -> Option<f64> {
    let middle = median(values)?;
    median(&values.iter().map(|value| (value - middle).abs()).collect::<Vec<_>>())
}

/// How many standard deviations a count lies from what is expected, if counts were all that varies (Anscombe's transform
/// of the Poisson distribution).
pub(super) fn count_distance(count: f64, expected: f64) -> f64 {
    2.0 * ((count + 0.375).sqrt() - (expected + 0.375).sqrt())
}

/// How many standard deviations lie between two shares (`k` of `n`), if both were the same one.
pub(super) fn share_distance((k, n): (f64, f64), (before_k, before_n): (f64, f64)) -> f64 {
    let share = (k + before_k + 1.0) / (n + before_n + 2.0);
    (k / n - before_k / before_n) / (share * (1.0 - share) * (1.0 / n + 1.0 / before_n)).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_and_a_wild_value_moves_it_little() {
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[3.0, 1.0, 1e12]), Some(3.0));
        assert_eq!(median(&[4.0, 1.0, 3.0, 2.0]), Some(2.5));
        assert_eq!(median_deviation(&[1.0, 2.0, 3.0, 4.0, 1000.0]), Some(1.0));
    }

    #[test]
    fn distances_are_in_standard_deviations() {
        assert!((count_distance(130.0, 100.0) - 2.8).abs() < 0.1);
        assert!((count_distance(100.0, 100.0)).abs() < 1e-9);
        assert!((share_distance((7.0, 7.0), (0.0, 56.0)) - 7.6).abs() < 0.1);
        assert!(share_distance((2.0, 100.0), (20.0, 1000.0)).abs() < 1e-9);
    }
}

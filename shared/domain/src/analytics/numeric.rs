//! The numbers under the statistics: order statistics, distributions, a bounded minimiser.
//!
//! Nothing here panics or fails; what is not defined is not a number. All of it is deterministic.

use std::f64::consts::{PI, SQRT_2};

/// What the median absolute deviation of a normal distribution is multiplied by to be its standard deviation.
pub(super) const TO_DEVIATION: f64 = 1.482_602_218_505_602;

/// The value at a place, zero outside.
#[inline]
pub(super) fn at(values: &[f64], place: usize) -> f64 {
    values.get(place).copied().unwrap_or(0.0)
}

/// A count as a number.
#[inline]
pub(super) fn number(count: usize) -> f64 {
    count as f64
}

/// The mean; of nothing, zero.
pub(super) fn mean(values: &[f64]) -> f64 {
    if values.is_empty() { 0.0 } else { values.iter().sum::<f64>() / number(values.len()) }
}

/// The middle value, of an even number the mean of the two; of nothing, not a number. The order of `values` is lost.
pub(super) fn median(values: &mut [f64]) -> f64 {
    let middle = values.len() / 2;
    if middle >= values.len() {
        return f64::NAN;
    }
    let odd = values.len() % 2 == 1;
    let (lower, upper, _) = values.select_nth_unstable_by(middle, f64::total_cmp);
    if odd {
        return *upper;
    }
    let below = lower.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    f64::midpoint(below, *upper)
}

/// The median distance from `centre`, as a standard deviation.
pub(super) fn robust_deviation(values: &[f64], centre: f64) -> f64 {
    TO_DEVIATION * median(&mut values.iter().map(|value| (value - centre).abs()).collect::<Vec<_>>())
}

/// Twelve digits that say something, the rest cut: what leaves the analytics is the same on every machine.
pub(super) fn rounded(value: f64) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return if value == 0.0 { 0.0 } else { value };
    }
    // The shortest way to the digits of a decimal that is right for every size of number is its text.
    format!("{value:.11e}").parse().unwrap_or(value)
}

/// The share of a standard normal distribution that lies above `x`.
pub(super) fn normal_tail(x: f64) -> f64 {
    0.5 * erfc(x / SQRT_2)
}

/// The value below which the share `p` of a standard normal distribution lies. Found by bisection of its tail, once a
/// call; endless at the ends.
pub(super) fn normal_quantile(p: f64) -> f64 {
    if p.is_nan() || p <= 0.0 || p >= 1.0 {
        return if p >= 1.0 { f64::INFINITY } else { f64::NEG_INFINITY };
    }
    let (mut low, mut high) = (-40.0, 40.0);
    for _ in 0..80 {
        let middle = f64::midpoint(low, high);
        if 1.0 - normal_tail(middle) < p {
            low = middle;
        } else {
            high = middle;
        }
    }
    f64::midpoint(low, high)
}

/// The complementary error function: its power series near zero, its continued fraction further out.
fn erfc(x: f64) -> f64 {
    if x.is_nan() {
        return x;
    }
    if x < 0.0 {
        return 2.0 - erfc(-x);
    }
    if x < 2.5 {
        let (mut term, mut sum) = (x, x);
        for n in 1..200 {
            term *= -x * x / f64::from(n);
            let next = term / f64::from(2 * n + 1);
            sum += next;
            if next.abs() < 1e-18 {
                break;
            }
        }
        return 1.0 - 2.0 / PI.sqrt() * sum;
    }
    let mut fraction = 0.0;
    for n in (1..=120).rev() {
        fraction = f64::from(n) / 2.0 / (x + fraction);
    }
    (-x * x).exp() / PI.sqrt() / (x + fraction)
}

/// The share of Student's distribution that lies beyond `t` on both sides.
pub(super) fn student_both_tails(t: f64, freedom: f64) -> f64 {
    if t.is_nan() || freedom <= 0.0 {
        return f64::NAN;
    }
    if t.is_infinite() { 0.0 } else { incomplete_beta(freedom / 2.0, 0.5, freedom / (freedom + t * t)) }
}

/// The regularised incomplete beta function, by the continued fraction of Lentz.
fn incomplete_beta(a: f64, b: f64, x: f64) -> f64 {
    if x <= 0.0 || x >= 1.0 {
        return if x <= 0.0 { 0.0 } else { 1.0 };
    }
    if x > (a + 1.0) / (a + b + 2.0) {
        return 1.0 - incomplete_beta(b, a, 1.0 - x);
    }
    let front = (log_gamma(a + b) - log_gamma(a) - log_gamma(b) + a * x.ln() + b * (-x).ln_1p()).exp() / a;
    let apart = |value: f64| if value.abs() < 1e-300 { 1e-300 } else { value };
    let (mut c, mut d) = (1.0, 1.0 / apart(1.0 - (a + b) * x / (a + 1.0)));
    let mut fraction = d;
    for m in (1..400).map(f64::from) {
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        let mut change = 1.0;
        for part in [even, odd] {
            d = 1.0 / apart(1.0 + part * d);
            c = apart(1.0 + part / c);
            change = c * d;
            fraction *= change;
        }
        if (change - 1.0).abs() < 1e-16 {
            break;
        }
    }
    front * fraction
}

/// The logarithm of the gamma function, by the approximation of Lanczos (g = 7, nine terms).
fn log_gamma(x: f64) -> f64 {
    const TERMS: [f64; 8] = [
        676.520_368_121_885_1,
        -1_259.139_216_722_402_8,
        771.323_428_777_653_1,
        -176.615_029_162_140_6,
        12.507_343_278_686_905,
        -0.138_571_095_265_720_12,
        9.984_369_578_019_572e-6,
        1.505_632_735_149_311_6e-7,
    ];
    if x < 0.5 {
        return (PI / (PI * x).sin()).ln() - log_gamma(1.0 - x);
    }
    let z = x - 1.0;
    let sum = TERMS.iter().zip(1..).fold(0.999_999_999_999_809_9, |sum, (term, n)| sum + term / (z + f64::from(n)));
    let t = z + 7.5;
    0.5 * (2.0 * PI).ln() + (z + 0.5) * t.ln() - t + sum.ln()
}

/// Where a function of several numbers, each within its bounds, is small: the method of Nelder and Mead from `start`,
/// with points outside the bounds moved to them. Deterministic; ends after `most` evaluations at the latest.
pub(super) fn minimise(
    start: &[f64],
    bounds: &[(f64, f64)],
    most: usize,
    mut loss: impl FnMut(&[f64]) -> f64,
) -> (Vec<f64>, f64) {
    let mut cost = |point: &[f64]| {
        let value = loss(point);
        if value.is_finite() { value } else { f64::MAX }
    };
    let inside = |point: Vec<f64>| -> Vec<f64> {
        point.into_iter().zip(bounds).map(|(value, (low, high))| value.max(*low).min(*high)).collect()
    };
    let first = inside(start.to_vec());
    let mut simplex = vec![(cost(&first), first.clone())];
    for (place, (low, high)) in bounds.iter().enumerate() {
        let mut corner = first.clone();
        if let Some(value) = corner.get_mut(place) {
            let step = (high - low) * 0.1;
            *value = if *value + step <= *high { *value + step } else { *value - step };
        }
        simplex.push((cost(&corner), corner));
    }
    let mut evaluations = simplex.len();
    let dimensions = number(first.len().max(1));
    while evaluations < most {
        simplex.sort_by(|one, other| one.0.total_cmp(&other.0));
        let (Some((best, _)), Some((worst, last))) = (simplex.first(), simplex.last()) else { break };
        if (worst - best).abs() <= 1e-9 * (best.abs() + 1e-9) {
            break;
        }
        let (best, worst, last) = (*best, *worst, last.clone());
        let second = simplex.iter().rev().nth(1).map_or(worst, |(cost, _)| *cost);
        let mut centre = vec![0.0; last.len()];
        for (_, point) in simplex.iter().rev().skip(1) {
            centre.iter_mut().zip(point).for_each(|(sum, value)| *sum += value / dimensions);
        }
        let along = |by: f64| inside(centre.iter().zip(&last).map(|(c, l)| c + by * (c - l)).collect());
        let reflected = along(1.0);
        let reflected_cost = cost(&reflected);
        evaluations += 1;
        let replacement = if reflected_cost < best {
            let expanded = along(2.0);
            let expanded_cost = cost(&expanded);
            evaluations += 1;
            Some(if expanded_cost < reflected_cost { (expanded_cost, expanded) } else { (reflected_cost, reflected) })
        } else if reflected_cost < second {
            Some((reflected_cost, reflected))
        } else {
            let contracted = along(if reflected_cost < worst { 0.5 } else { -0.5 });
            let contracted_cost = cost(&contracted);
            evaluations += 1;
            (contracted_cost < worst.min(reflected_cost)).then_some((contracted_cost, contracted))
        };
        match (replacement, simplex.last_mut()) {
            (Some(better), Some(place)) => *place = better,
            _ => {
                let anchor = simplex.first().map(|(_, point)| point.clone()).unwrap_or_default();
                for (value, point) in simplex.iter_mut().skip(1) {
                    point.iter_mut().zip(&anchor).for_each(|(one, to)| *one = f64::midpoint(*one, *to));
                    *value = cost(point);
                }
                evaluations += first.len();
            }
        }
    }
    simplex.sort_by(|one, other| one.0.total_cmp(&other.0));
    simplex.into_iter().next().map_or((first, f64::MAX), |(cost, point)| (point, cost))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distributions_are_those_of_the_tables() {
        for (x, tail) in [
            (0.0, 0.5),
            (1.0, 0.158_655_253_931_457_05),
            (-1.0, 0.841_344_746_068_543),
            (5.0, 2.866_515_718_791_945_5e-7),
        ] {
            assert!((normal_tail(x) - tail).abs() <= 1e-14_f64.max(tail * 1e-12), "{x}");
        }
        assert!((normal_quantile(0.975) - 1.959_963_984_540_054).abs() < 1e-12);
        for (t, freedom, both) in [
            (2.0, 10.0, 0.073_388_034_770_740_36),
            (0.5, 3.0, 0.651_447_964_848_151),
            (6.0, 28.0, 1.830_062_454_433_110_2e-6),
        ] {
            assert!((student_both_tails(t, freedom) - both).abs() < 1e-11 * both.max(1e-3), "{t} {freedom}");
        }
    }

    #[test]
    fn a_bounded_minimum_is_found_inside_and_at_the_edge() {
        let bowl = |point: &[f64]| (point[0] - 0.3).powi(2) + 4.0 * (point[1] + 2.0).powi(2);
        let (point, _) = minimise(&[0.9, 0.5], &[(0.0, 1.0), (-1.0, 1.0)], 400, bowl);
        assert!((point[0] - 0.3).abs() < 1e-3 && (point[1] + 1.0).abs() < 1e-3, "{point:?}");
        let (point, cost) = minimise(&[0.5], &[(0.0, 1.0)], 100, |_| f64::NAN);
        assert!(point.len() == 1 && cost == f64::MAX);
    }

    #[test]
    fn rounding_keeps_twelve_digits() {
        assert_eq!(rounded(1.0 / 3.0), 0.333_333_333_333);
        assert_eq!(rounded(-0.0), 0.0);
        assert_eq!(rounded(123_456_789_012_345.0), 123_456_789_012_000.0);
        assert_eq!(rounded(f64::INFINITY), f64::INFINITY);
    }

    #[test]
    fn the_median_of_nothing_is_not_a_number() {
        assert!(median(&mut []).is_nan());
        assert_eq!(median(&mut [4.0, 1.0, 3.0, 2.0]), 2.5);
        assert_eq!(median(&mut [5.0, 1.0, 3.0]), 3.0);
    }
}

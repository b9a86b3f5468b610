#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "the numbers of these tests are small"
)]

use super::*;

/// Numbers that look like noise of deviation 1, the same every time.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> f64 {
        let mut sum = 0.0;
        for _ in 0..12 {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            sum += (self.0 >> 33) as f64 / f64::from(1_u32 << 31);
        }
        sum - 6.0
    }
}

fn known(values: &[f64]) -> Vec<Option<f64>> {
    values.iter().map(|value| Some(*value)).collect()
}

#[test]
fn a43_a_plain_season_is_continued() {
    let values: Vec<f64> = (0..70).map(|day| [10.0, 20.0, 30.0, 40.0, 50.0, 5.0, 5.0][day % 7]).collect();
    let forecast = forecast(&known(&values), 7, 14).unwrap();
    for (step, expected) in forecast.steps.iter().zip(values) {
        assert!((step.expected - expected).abs() < 0.5, "{step:?} {expected}");
    }
}

#[test]
fn a43_a_line_is_continued_at_least_in_part() {
    let values: Vec<f64> = (0..40).map(|day| 100.0 + 2.0 * f64::from(day)).collect();
    let forecast = forecast(&known(&values), 1, 5).unwrap();
    let last = forecast.steps[4].expected;
    assert!((183.0..=189.0).contains(&last), "{last}");
    assert!(forecast.outlook(mean(&values[35..])).rises);
}

#[test]
fn a43_four_of_five_and_nineteen_of_twenty_values_lie_in_their_intervals() {
    let mut noise = Noise(7);
    let (mut eighty, mut ninety_five, mut all) = (0.0, 0.0, 0.0);
    for series in 0..60 {
        let (mut level, mut values) = (200.0, Vec::new());
        for day in 0..74 {
            level += if series % 2 == 0 { 0.0 } else { noise.next() };
            values.push(level + [0.0, 6.0, 12.0, 6.0, 0.0, -12.0, -12.0][day % 7] + 3.0 * noise.next());
        }
        let forecast = forecast(&known(&values[..60]), 7, 14).unwrap();
        for (step, actual) in forecast.steps.iter().zip(&values[60..]) {
            eighty += f64::from(u8::from(step.eighty.0 <= *actual && *actual <= step.eighty.1));
            ninety_five += f64::from(u8::from(step.ninety_five.0 <= *actual && *actual <= step.ninety_five.1));
            all += 1.0;
        }
    }
    assert!((0.75..=0.85).contains(&(eighty / all)), "{}", eighty / all);
    assert!((0.92..=0.98).contains(&(ninety_five / all)), "{}", ninety_five / all);
}

#[test]
fn a43_a_forecast_that_does_not_beat_the_naive_one_says_so() {
    let mut noise = Noise(3);
    let mut level = 1000.0;
    let wandering: Vec<f64> = (0..200)
        .map(|_| {
            level += noise.next();
            level
        })
        .collect();
    assert!(matches!(forecast(&known(&wandering), 1, 1).unwrap().skill, Skill::NotBetter { ratio } if ratio < 1.1));
    let still: Vec<f64> = (0..100).map(|_| 100.0 + noise.next()).collect();
    assert!(matches!(forecast(&known(&still), 1, 5).unwrap().skill, Skill::Better { ratio } if ratio < 0.9));
    assert_eq!(forecast(&[Some(5.0); 30], 7, 3).unwrap().skill, Skill::Unknown);
}

#[test]
fn a43_too_little_is_insufficient() {
    assert_eq!(forecast(&[], 7, 3), Err(ForecastError::Insufficient { have: 0, need: 6 }));
    let gaps = [Some(1.0), None, Some(f64::NAN), Some(2.0), Some(f64::INFINITY)];
    let error = forecast(&gaps, 7, 3).unwrap_err();
    assert_eq!(error.to_string(), "insufficient: 2 values are known, 6 are needed");
}

#[test]
fn a_constant_stays_and_has_no_width() {
    for value in [0.0, 5.0, -3.0, 1e300, 1e-300] {
        let forecast = forecast(&[Some(value); 40], 7, 9).unwrap();
        for step in &forecast.steps {
            assert!((step.expected - value).abs() <= value.abs() * 1e-9, "{step:?}");
            assert!((step.eighty.1 - step.eighty.0).abs() <= value.abs() * 1e-6, "{step:?}");
        }
    }
}

#[test]
fn any_series_has_a_finite_forecast_in_order() {
    let mut noise = Noise(11);
    let wild = [0.0, -0.0, 1e308, -1e308, 1e-308, f64::NAN, f64::INFINITY, 1.0, -7.0];
    for round in 0..150 {
        let length = 6 + round % 40;
        let values: Vec<Option<f64>> = (0..length)
            .map(|_| match (noise.next() * 10.0).abs() {
                pick if pick < 2.0 => None,
                pick if pick < 6.0 => wild.get((noise.next().abs() * 4.0) as usize).copied(),
                _ => Some(noise.next() * 1e3),
            })
            .collect();
        for period in [0, 1, 4, 7, 500] {
            let Ok(forecast) = forecast(&values, period, 5) else { continue };
            assert_eq!(forecast.steps.len(), 5);
            for step in forecast.steps {
                assert!(step.expected.is_finite(), "{values:?}");
                assert!(step.ninety_five.0 <= step.eighty.0 && step.eighty.1 <= step.ninety_five.1, "{step:?}");
                assert!(step.eighty.0 <= step.expected && step.expected <= step.eighty.1, "{step:?}");
            }
        }
    }
}

#[test]
fn the_same_series_has_the_same_forecast_whatever_its_unit() {
    let mut noise = Noise(5);
    let values: Vec<f64> = (0..50).map(|_| 100.0 + 10.0 * noise.next()).collect();
    let thousands: Vec<f64> = values.iter().map(|value| value * 1024.0).collect();
    let one = forecast(&known(&values), 7, 7).unwrap();
    let other = forecast(&known(&thousands), 7, 7).unwrap();
    for (one, other) in one.steps.iter().zip(&other.steps) {
        assert!((one.expected * 1024.0 - other.expected).abs() < 1e-6);
        assert!((one.eighty.0 * 1024.0 - other.eighty.0).abs() < 1e-6);
    }
}

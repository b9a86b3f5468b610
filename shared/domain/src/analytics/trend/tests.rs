use super::*;
use serde_json::Value;

fn oracle() -> Value {
    serde_json::from_str(include_str!("../oracle/vectors.json")).unwrap()
}

fn numbered(values: &[f64]) -> Vec<(i32, f64)> {
    values.iter().zip(0..).map(|(value, day)| (day, *value)).collect()
}

#[test]
fn a36_slope_range_tau_and_chance_are_those_of_scipy() {
    let oracle = oracle();
    for (name, expected) in oracle["trends"].as_object().unwrap() {
        let values: Vec<f64> =
            expected["values"].as_array().unwrap().iter().map(|value| value.as_f64().unwrap()).collect();
        let days = i32::try_from(values.len()).unwrap();
        let found = trend(&numbered(&values), days - 1, days, TrendSettings::default()).unwrap();
        let pairs = [
            (found.slope, "slope"),
            (found.range.0, "low"),
            (found.range.1, "high"),
            (found.tau, "tau"),
            (found.chance, "p"),
        ];
        for (ours, key) in pairs {
            let theirs = expected[key].as_f64().unwrap();
            assert!((ours - theirs).abs() < 1e-9, "{name} {key}: {ours} {theirs}");
        }
    }
}

/// Noise between -0.5 and 0.5, the same every time.
fn noise(seed: u64) -> impl Iterator<Item = f64> {
    std::iter::successors(Some(seed), |state| {
        Some(state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407))
    })
    .skip(1)
    .map(|state| (state >> 33) as f64 / f64::from(1_u32 << 31) - 0.5)
}

#[test]
fn a36_a_known_slope_is_recovered_within_a_twentieth() {
    for window in WINDOWS {
        for (slope, direction) in [(2.0, Direction::Up), (-2.0, Direction::Down)] {
            let values: Vec<f64> =
                (0..window).zip(noise(3)).map(|(day, noise)| 300.0 + slope * f64::from(day) + 0.2 * noise).collect();
            let settings = TrendSettings { dead_band: 0.01, ..TrendSettings::default() };
            let found = trend(&numbered(&values), window - 1, window, settings).unwrap();
            assert!((found.slope / slope - 1.0).abs() < 0.05, "{window} {found:?}");
            assert_eq!(found.direction, direction, "{window} {found:?}");
        }
    }
}

#[test]
fn a36_noise_is_flat_and_so_is_what_does_not_matter() {
    let mut not_flat = 0;
    for seed in 0..200 {
        let values: Vec<f64> = noise(seed).take(30).map(|noise| 100.0 + 5.0 * noise).collect();
        let found = trend(&numbered(&values), 29, 30, TrendSettings::default()).unwrap();
        not_flat += u32::from(found.direction != Direction::Flat);
    }
    assert!(not_flat <= 10, "{not_flat} of 200");
    let creeping: Vec<f64> = (0..30).map(|day| 1000.0 + 0.1 * f64::from(day)).collect();
    let found = trend(&numbered(&creeping), 29, 30, TrendSettings::default()).unwrap();
    assert!(found.chance < 1e-6 && found.direction == Direction::Flat);
}

#[test]
fn a36_too_few_days_are_insufficient_and_nothing_breaks_it() {
    let few = trend(&numbered(&[1.0, 2.0, 3.0]), 2, 7, TrendSettings::default());
    assert_eq!(few, Err(Insufficient { have: 3, need: 5 }));
    assert_eq!(trend(&[], 0, 0, TrendSettings::default()), Err(Insufficient { have: 0, need: 5 }));
    let wild = [f64::NAN, 1e308, -1e308, f64::INFINITY, 0.0, 1e-308, 5.0, -1e308, 1e308];
    let found = trend(&numbered(&wild), 8, 9, TrendSettings::default()).unwrap();
    assert!(!found.slope.is_nan() && !found.chance.is_nan(), "{found:?}");
    let still = trend(&numbered(&[4.0; 30]), 29, 30, TrendSettings::default()).unwrap();
    assert_eq!((still.slope, still.chance, still.direction), (0.0, 1.0, Direction::Flat));
    let same_day = trend(&[(1, 1.0); 8], 1, 7, TrendSettings::default());
    assert!(same_day.is_err());
    assert!(trend(&[(i32::MIN, 1.0), (i32::MAX, 2.0)], i32::MAX, i32::MAX, TrendSettings::default()).is_err());
}

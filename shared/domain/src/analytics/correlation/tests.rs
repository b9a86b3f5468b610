use super::*;
use serde_json::Value;

fn oracle() -> Value {
    serde_json::from_str(include_str!("../oracle/vectors.json")).unwrap()
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|value| value.as_f64().unwrap()).collect()
}

fn known(values: &[f64]) -> Vec<Option<f64>> {
    values.iter().map(|value| Some(*value)).collect()
}

/// Noise between -0.5 and 0.5, the same every time.
fn noise(seed: u64, count: usize) -> Vec<f64> {
    let step =
        |state: &u64| Some(state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407));
    let states = std::iter::successors(Some(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15)), step).skip(3).take(count);
    states.map(|state| (state >> 33) as f64 / f64::from(1_u32 << 31) - 0.5).collect()
}

#[test]
fn a42_rho_and_chance_are_those_of_scipy() {
    let oracle = oracle();
    let (one, other) = (numbers(&oracle["first"]), numbers(&oracle["second"]));
    let found = lagged(&known(&one), &known(&other), 0..=5);
    assert_eq!(found.len(), 6);
    for (found, expected) in found.iter().zip(oracle["correlations"].as_array().unwrap()) {
        assert!((found.rho - expected["rho"].as_f64().unwrap()).abs() < 1e-9, "{found:?} {expected}");
        let plain = chance(found.rho, number(found.pairs));
        assert!((plain - expected["p"].as_f64().unwrap()).abs() < 1e-9, "{plain} {expected}");
        assert!(found.chance >= plain - 1e-9);
    }
}

#[test]
fn a42_chances_are_corrected_as_scipy_does() {
    let oracle = oracle();
    let ours = corrected(&numbers(&oracle["chances"]));
    for (ours, theirs) in ours.iter().zip(numbers(&oracle["corrected"])) {
        assert!((ours - theirs).abs() < 1e-12);
    }
    assert!(corrected(&[]).is_empty());
}

#[test]
fn a42_a_planted_lag_is_found() {
    let cause = noise(1, 123);
    let effect: Vec<f64> = (0..120)
        .zip(noise(2, 120))
        .map(|(day, noise)| if day < 3 { noise } else { cause[day - 3] + 0.5 * noise })
        .collect();
    let (cause, effect) = (known(&cause[..120]), known(&effect));
    let found = finds(&[(&cause, &effect)], 0..=14, FALSE_FINDS);
    assert_eq!(found[0].lagged.lag, 3, "{found:?}");
    assert!(found[0].lagged.rho > 0.7 && found[0].corrected < 1e-9);
}

#[test]
fn a42_fifty_random_pairs_are_found_no_more_often_than_said() {
    let series: Vec<Vec<Option<f64>>> = (0..100).map(|seed| known(&noise(seed + 10, 90))).collect();
    let pairs: Vec<Pair<'_>> = series.chunks(2).map(|pair| (pair[0].as_slice(), pair[1].as_slice())).collect();
    assert_eq!(pairs.len(), 50);
    let found = finds(&pairs, 0..=14, FALSE_FINDS);
    assert!(found.len() <= 2, "{found:?}");
}

#[test]
fn a42_series_that_wander_are_not_taken_for_related() {
    let wander = |seed: u64| -> Vec<Option<f64>> {
        let mut level = 0.0;
        noise(seed, 120)
            .into_iter()
            .map(|step| {
                level += step;
                Some(level)
            })
            .collect()
    };
    let series: Vec<Vec<Option<f64>>> = (0..100).map(|seed| wander(seed + 500)).collect();
    let pairs: Vec<Pair<'_>> = series.chunks(2).map(|pair| (pair[0].as_slice(), pair[1].as_slice())).collect();
    let corrected = finds(&pairs, 0..=0, FALSE_FINDS).len();
    let plain = pairs
        .iter()
        .flat_map(|(one, other)| lagged(one, other, 0..=0))
        .filter(|found| chance(found.rho, number(found.pairs)) < 0.05)
        .count();
    assert!(plain >= 25 && corrected <= 8, "{plain} without the correction, {corrected} with it");
}

#[test]
fn too_few_constant_or_missing_values_have_no_correlation() {
    assert!(lagged(&[Some(1.0); 9], &[Some(2.0); 9], 0..=3).is_empty());
    assert!(lagged(&[Some(1.0); 50], &known(&noise(1, 50)), 0..=3).is_empty());
    assert!(lagged(&[None; 50], &[Some(f64::NAN); 50], 0..=200).is_empty());
    let wild: Vec<Option<f64>> = (0..40).map(|place| Some([1e308, -1e308, 0.0, 5.0][place * 7 % 4])).collect();
    for found in lagged(&wild, &wild, 0..=5) {
        assert!(found.rho.abs() <= 1.0 && (0.0..=1.0).contains(&found.chance), "{found:?}");
    }
}

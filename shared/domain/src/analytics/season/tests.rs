#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "the numbers of these tests are small"
)]

use super::*;
use serde_json::Value;

/// 2024-01-01, a Monday.
const MONDAY: i32 = 19_723;
const WEEK: [f64; 7] = [4.0, 6.0, 8.0, 6.0, 2.0, -12.0, -14.0];

fn wobble(day: i32) -> f64 {
    [0.3, -0.5, 0.1, 0.6, -0.4][usize::try_from(day.rem_euclid(5)).unwrap()]
}

fn weeks(days: i32) -> Vec<(i32, f64)> {
    (0..days)
        .map(|day| {
            let weekday = usize::try_from(day % 7).unwrap();
            (MONDAY + day, 100.0 + 0.1 * f64::from(day) + WEEK[weekday] + wobble(day))
        })
        .collect()
}

#[test]
fn stl_is_that_of_statsmodels() {
    let oracle: Value = serde_json::from_str(include_str!("../oracle/vectors.json")).unwrap();
    let numbers = |key: &str| -> Vec<f64> {
        oracle["stl"][key].as_array().unwrap().iter().map(|value| value.as_f64().unwrap()).collect()
    };
    let parts = stl(&numbers("values"), 7, 13).unwrap();
    for (ours, theirs) in parts.seasonal().iter().zip(numbers("seasonal")) {
        assert!((ours - theirs).abs() < 1e-3, "{ours} {theirs}");
    }
    for (ours, theirs) in parts.trend().iter().zip(numbers("trend")) {
        assert!((ours - theirs).abs() < 1e-3, "{ours} {theirs}");
    }
}

#[test]
fn a37_a_weekly_season_is_found_even_with_gaps_and_a_wild_day() {
    let mut points = weeks(70);
    points[30].1 = 900.0;
    points.retain(|(day, _)| day % 11 != 3);
    let season = weekdays(&points).unwrap();
    assert!(season.strength > 0.5 && season.cycles == 9, "{season:?}");
    for (found, planted) in season.adds.iter().zip(WEEK) {
        assert!((found - planted).abs() < 1.5, "{season:?}");
    }
    let saturday = without_weekday(&season, MONDAY + 5, 88.5);
    assert!((saturday - 100.5).abs() < 1.5, "{saturday}");
}

#[test]
fn a37_less_than_two_cycles_are_insufficient() {
    assert_eq!(weekdays(&weeks(13)), Err(Insufficient { have: 13, need: 14 }));
    assert_eq!(weekdays(&[]), Err(Insufficient { have: 0, need: 14 }));
    assert!(weekdays(&weeks(14)).is_ok());
    assert!(months(&weeks(400)).is_err());
    let mondays: Vec<(i32, f64)> = weeks(200).into_iter().filter(|(day, _)| (day - MONDAY) % 7 == 0).collect();
    assert!(weekdays(&mondays).is_err(), "no other day is known");
    assert_eq!(holiday(&weeks(60), &[MONDAY + 20]), Err(Insufficient { have: 1, need: 2 }));
}

#[test]
fn a37_months_and_holidays_are_found_over_years() {
    let points: Vec<(i32, f64)> = (0..1_100)
        .map(|day| {
            let date = jiff::civil::date(2024, 1, 1).checked_add(day.days()).unwrap();
            let december = if date.month() == 12 { 24.0 } else { 0.0 };
            let christmas = if date.month() == 12 && date.day() == 25 { -60.0 } else { 0.0 };
            (MONDAY + day, 100.0 + december + christmas + wobble(day))
        })
        .collect();
    let season = months(&points).unwrap();
    assert!(season.adds[11] > 15.0 && season.adds[5] < 0.0, "{season:?}");
    let christmas: Vec<i32> = [2024, 2025]
        .map(|year| {
            let since = jiff::civil::date(1970, 1, 1).until(jiff::civil::date(year, 12, 25)).unwrap();
            since.get_days()
        })
        .into();
    let found = holiday(&points, &christmas).unwrap();
    assert!(found.seen == 2 && (found.adds + 60.0).abs() < 6.0, "{found:?}");
}

#[test]
fn a37_noise_has_no_strong_season_and_nothing_breaks_it() {
    let mut state = 7_u64;
    let noise: Vec<(i32, f64)> = (0..200)
        .map(|day| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (MONDAY + day, (state >> 33) as f64)
        })
        .collect();
    let season = weekdays(&noise).unwrap();
    assert!(season.strength < STRONG, "{season:?}");
    assert_eq!(without_weekday(&season, MONDAY, 5.0), 5.0);
    let still: Vec<(i32, f64)> = (0..50).map(|day| (day, 0.0)).collect();
    assert_eq!(weekdays(&still).unwrap().strength, 0.0);
    let wild: Vec<(i32, f64)> =
        (0..80).map(|day| (day, [1e308, -1e308, f64::NAN, 0.0, 3.0][day as usize * 3 % 5])).collect();
    if let Ok(season) = weekdays(&wild) {
        assert!(season.strength.is_finite());
    }
    assert!(weekdays(&[(i32::MIN, 1.0), (i32::MAX, 2.0)]).is_err());
}

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "the numbers of these tests are small"
)]

use super::*;

const DAY: i64 = 86_400;

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

fn week(day: i64) -> f64 {
    [1.0, 1.05, 1.1, 1.0, 0.9, 0.4, 0.35][usize::try_from(day.rem_euclid(7)).unwrap()]
}

fn run(values: impl Iterator<Item = (i64, f64)>) -> Vec<(i64, Finding)> {
    let (mut state, settings) = (State::default(), Settings::daily());
    values.filter_map(|(day, value)| Some((day, state.observe(&settings, day * DAY, value)?))).collect()
}

#[test]
fn a27_flat_noise_raises_nothing() {
    let mut found = 0;
    for seed in 0..50 {
        let mut noise = Noise(seed);
        found += run((0..365).map(|day| (day, 100.0 + 10.0 * noise.next()))).len();
    }
    // Fifty years of days.
    assert!(found <= 2, "{found}");
    let mut noise = Noise(1);
    assert!(run((0..365).map(|day| (day, 100.0 + 10.0 * noise.next()))).is_empty());
}

#[test]
fn a37_a_weekly_season_raises_nothing() {
    let mut noise = Noise(5);
    let found = run((0..200).map(|day| (day, 1000.0 * week(day) * (1.0 + 0.05 * noise.next()))));
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn a27_planted_drops_are_found_soon_with_their_direction() {
    let (mut hits, mut false_alarms, mut late) = (0, 0, 0);
    for series in 0..100_i64 {
        let mut noise = Noise(series.unsigned_abs() + 100);
        let (from, factor) = (70 + series, if series % 2 == 0 { 0.5 } else { 1.8 });
        let found = run((0..200).map(|day| {
            let usual = 1000.0 * week(day) * (1.0 + 0.08 * noise.next());
            (day, if day < from { usual } else { usual * factor })
        }));
        false_alarms += found.iter().filter(|(day, _)| *day < from).count();
        if let Some((day, finding)) = found.iter().find(|(day, _)| (from..from + 14).contains(day)) {
            let expected = if factor < 1.0 { Direction::Down } else { Direction::Up };
            hits += i64::from(finding.direction == expected);
            late += day - from;
        }
    }
    assert!(hits >= 90, "recall {hits} of 100");
    assert!(false_alarms <= 3, "{false_alarms} false alarms");
    assert!(late <= 3 * hits, "{late} days late");
}

#[test]
fn a27_after_a_finding_there_is_quiet_unless_it_gets_much_louder() {
    let mut noise = Noise(9);
    let values = |day: i64, noise: f64| match day {
        100..=104 => 200.0,
        107 => 5000.0,
        _ => 100.0 + 5.0 * noise,
    };
    let found = run((0..112).map(|day| (day, values(day, noise.next()))));
    let days: Vec<i64> = found.iter().map(|(day, _)| *day).collect();
    assert_eq!(days, [100, 107], "{found:?}");
    assert!(found.iter().all(|(_, finding)| finding.direction == Direction::Up && finding.severity == Severity::High));
}

#[test]
fn the_state_is_the_same_in_any_parts_through_json_and_with_repeats() {
    let settings = Settings::daily();
    let mut noise = Noise(3);
    let values: Vec<(i64, f64)> = (0..200).map(|day| (day * DAY, 100.0 * week(day) + noise.next())).collect();
    let mut whole = State::default();
    let all: Vec<_> = values.iter().map(|(time, value)| whole.observe(&settings, *time, *value)).collect();
    for part in [1, 3, 50] {
        let mut state = State::default();
        let mut found = Vec::new();
        for chunk in values.chunks(part) {
            for (time, value) in chunk {
                found.push(state.observe(&settings, *time, *value));
            }
            for (time, value) in chunk {
                assert_eq!(state.observe(&settings, *time, value + 1e6), None, "a repeat");
            }
            state = serde_json::from_str(&serde_json::to_string(&state).unwrap()).unwrap();
        }
        for (one, other) in all.iter().zip(&found) {
            let score = |finding: &Option<Finding>| finding.map_or(0.0, |finding| finding.score);
            assert!((score(one) - score(other)).abs() < 1e-9);
        }
        assert!((state.level - whole.level).abs() < 1e-9 && (state.spread - whole.spread).abs() < 1e-9);
    }
}

#[test]
fn the_state_does_not_grow() {
    let settings = Settings::dense();
    let mut noise = Noise(4);
    let mut state = State::default();
    for step in 0..30_000 {
        state.observe(&settings, step * 300, noise.next());
        assert_eq!(state.profile.len(), 24);
    }
    assert_eq!(state.seen(), 30_000);
    assert!(serde_json::to_string(&state).unwrap().len() < 2_500);
}

#[test]
fn nothing_breaks_it() {
    let wild = [0.0, f64::NAN, 1e308, -1e308, f64::INFINITY, 1e-308, -0.0, 5.0, f64::MAX, f64::MIN];
    let absurd = Settings { places: 0, cycle: 0, least: 0, refractory: 0, ..Settings::daily() };
    for settings in [Settings::daily(), Settings::dense(), absurd] {
        let mut noise = Noise(8);
        let mut state = State::default();
        for step in 0..2_000 {
            let pick = ((noise.next() + 6.0) * 7.0) as usize;
            if let Some(finding) = state.observe(&settings, step * 1_000 - 500_000, wild[pick % wild.len()]) {
                assert!(finding.score.is_finite() && finding.score <= HIGHEST && finding.expected.is_finite());
            }
        }
        assert!(
            state.level.is_finite() && state.spread.is_finite() && state.largest.iter().all(|size| size.is_finite())
        );
        state.observe(&settings, i64::MAX, 1.0);
        assert_eq!(state.observe(&settings, i64::MIN, 1.0), None);
    }
    let mut state = State::default();
    for day in 0..100 {
        assert_eq!(state.observe(&Settings::daily(), day * DAY, 7.0), None, "a constant");
    }
}

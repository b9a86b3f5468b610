use super::*;
use crate::digest::Digest;
use crate::page::fixtures::{day, series, signal};
use crate::page::{DayFold, Page};
use crate::risk::real::Generator;
use crate::signal::Signal;
use proptest::prelude::*;

fn first() -> Day {
    day("2026-01-05")
}

/// Users of so many days, by the day's number; about 1,000 with quiet weekends.
fn users(days: i32, factor: impl Fn(i32) -> f64) -> Vec<Signal> {
    let mut generator = Generator::new(11);
    let of = |number: i32, noise: f64| {
        let usual = if first().plus(number).weekday() >= 5 { 350.0 } else { 1_000.0 };
        (usual * noise * factor(number)).round()
    };
    (0..days)
        .map(|number| {
            let noise = 0.95 + f64::from(u32::try_from(generator.below(100)).unwrap()) / 1_000.0;
            let day = first().plus(number);
            signal("telemetry", &day.to_string(), day.start(), Metric::ActiveUsers, &format!("{}", of(number, noise)))
        })
        .collect()
}

/// Looks every morning, and says what was told when.
fn mornings(all: &[Signal], from: i32, to: i32) -> Vec<(i32, Anomaly)> {
    let mut watch = Watch::default();
    let mut told = Vec::new();
    for morning in from..=to {
        let today = first().plus(morning);
        let known = all.iter().filter(|signal| signal.at < today.start()).cloned();
        let (next, found) = watch.look(&series(known), today);
        watch = next;
        told.extend(found.into_iter().map(|anomaly| (morning, anomaly)));
    }
    told
}

#[test]
fn a27_a_real_drop_is_told_the_morning_after_once_with_what_was_expected() {
    let all = users(120, |number| if number >= 80 { 0.6 } else { 1.0 });
    let told = mornings(&all, 30, 110);
    let (morning, anomaly) = &told[0];
    assert!((81..=83).contains(morning), "{told:?}");
    assert_eq!((anomaly.metric, anomaly.direction), (Metric::ActiveUsers, Direction::Down));
    assert!(anomaly.value < anomaly.expected && anomaly.confidence_percent >= 50, "{anomaly:?}");
    assert!(anomaly.sentence().starts_with("active users "), "{}", anomaly.sentence());
    let days: Vec<i32> = told.iter().map(|(morning, _)| *morning).collect();
    let quiet = i32::try_from(Settings::daily().refractory).unwrap();
    let louder = |pair: &[(i32, Anomaly)]| pair[1].0 - pair[0].0 >= quiet || pair[1].1.severity > pair[0].1.severity;
    assert!(told.windows(2).all(louder), "{days:?}");
}

#[test]
fn a27_a_week_is_no_anomaly_and_flat_noise_is_none() {
    assert_eq!(mornings(&users(200, |_| 1.0), 10, 200), []);
}

#[test]
fn a37_a_holiday_is_not_told_and_a_fall_to_the_level_of_weekends_is_within_the_week() {
    let holidays = |number| if matches!(number, 60 | 63 | 88 | 91) { 0.35 } else { 1.0 };
    assert_eq!(mornings(&users(130, holidays), 30, 130), []);
    let told = mornings(&users(95, |number| if number >= 80 { 0.35 } else { 1.0 }), 78, 95);
    assert!(!told.is_empty() && told[0].0 <= 87 && told[0].1.direction == Direction::Down, "{told:?}");
}

#[test]
fn a27_what_was_told_is_not_told_again_and_nothing_new_is_nothing() {
    let known = series(users(82, |number| if number >= 80 { 0.6 } else { 1.0 }));
    let today = first().plus(82);
    let (watch, found) = Watch::default().look(&known, today);
    assert_eq!(found.len(), 1);
    assert_eq!(watch.look(&known, today), (watch.clone(), Vec::new()));
    assert_eq!(watch.look(&known, today.plus(1)).1, Vec::new());
}

#[test]
fn a27_imported_history_tells_of_no_old_days() {
    let known = series(users(140, |number| if number >= 80 { 0.6 } else { 1.0 }));
    assert!(!anomalies(&known, Metric::ActiveUsers, first().plus(139)).is_empty());
    assert_eq!(Watch::default().look(&known, first().plus(140)).1, Vec::new());
}

#[test]
fn a27_what_comes_late_has_the_past_looked_at_anew_and_tells_nothing_twice() {
    let all = users(90, |number| if number >= 80 { 0.6 } else { 1.0 });
    let late = |signal: &&Signal| Day::of(signal.at) != first().plus(80);
    let today = first().plus(82);
    let until = |signal: &&Signal| signal.at < today.start();
    let (watch, found) = Watch::default().look(&series(all.iter().filter(until).filter(late).cloned()), today);
    assert_eq!(found.iter().map(|anomaly| anomaly.on).collect::<Vec<_>>(), [first().plus(81)]);
    let (after, found) = watch.look(&series(all.iter().filter(until).cloned()), today);
    assert_eq!(found, [], "the fall is the same one, a day earlier");
    assert_ne!(after, watch, "other data were looked at");
}

#[test]
fn a_metric_that_people_report_now_and_then_is_not_watched() {
    assert!(!WATCHED.iter().any(|metric| matches!(metric.kind(), crate::signal::Kind::Survey)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn streaming_equals_batch_in_any_order_batches_and_repeats(seed in any::<u64>(), batch in 1_usize..40) {
        let all = users(100, |number| if number >= 96 { 0.6 } else { 1.0 });
        let mut shuffled = all.clone();
        shuffled.extend(all.iter().take(20).cloned());
        shuffled.sort_by_key(|signal| {
            Digest::of("shuffle", [&seed.to_be_bytes()[..], signal.id.as_str().as_bytes()])
        });
        let mut pages: BTreeMap<Day, Page> = BTreeMap::new();
        let mut arrived = Series::default();
        for batch in shuffled.chunks(batch) {
            for signal in batch {
                let day = Day::of(signal.at);
                let page = pages.entry(day).or_insert_with(|| Page::new(day));
                page.merge([signal.clone()]);
                let fold: DayFold = page.fold();
                arrived.set(day, fold);
            }
        }
        let today = first().plus(100);
        let whole = Watch::default().look(&series(all), today);
        prop_assert!(!whole.1.is_empty());
        prop_assert_eq!(Watch::default().look(&arrived, today), whole);
    }
}

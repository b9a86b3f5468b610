//! The same whatever the order; faults that are planted are found; noise is not.

use super::detect::{self, Change, Check, Told, Verdict, changes};
use super::score::{Assessment, Score, assess, score};
use super::*;
use crate::digest::Digest;
use crate::fixed::{Points, Quantity};
use crate::page::Page;
use crate::page::fixtures::{any_signal, signal};
use crate::series::Series;
use jiff::SignedDuration;
use proptest::prelude::*;

/// A Monday.
const FIRST: i32 = 20_458;

fn day(number: i32) -> Day {
    Day::from_number(FIRST + number)
}

fn source() -> SourceId {
    SourceId::new("telemetry").unwrap()
}

/// Dice that fall the same way each time.
struct Dice(u64);

impl Dice {
    /// Evenly from 0 to 1.
    fn even(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let mixed = (self.0 ^ (self.0 >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        (mixed >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn normal(&mut self) -> f64 {
        (-2.0 * (1.0 - self.even()).ln()).sqrt() * (std::f64::consts::TAU * self.even()).cos()
    }

    /// How many of that many on average.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is a small whole number, and not negative"
    )]
    fn count(&mut self, mean: f64) -> u32 {
        if mean > 50.0 {
            return (mean + mean.sqrt() * self.normal()).round().max(0.0) as u32;
        }
        let (limit, mut product, mut count) = ((-mean).exp(), self.even(), 0);
        while product > limit {
            product *= self.even();
            count += 1;
        }
        count
    }
}

/// A source as it is made up: day by day, with the series of one metric beside it.
#[derive(Clone, Default)]
struct Story {
    days: BTreeMap<Day, SourceDay>,
    values: Vec<(Day, f64)>,
}

impl Story {
    /// So many records on a day, of these metrics.
    fn tell(&mut self, number: i32, records: u32, metrics: &[Metric]) -> &mut Self {
        let at = day(number).start() + SignedDuration::from_hours(9);
        let amount = self.days.entry(day(number)).or_default();
        for index in 0..usize::try_from(records).unwrap() {
            amount.accept(metrics[index % metrics.len()], at);
        }
        self
    }

    fn refuse(&mut self, number: i32, records: u32, why: Refusal) -> &mut Self {
        (0..records).for_each(|_| self.days.entry(day(number)).or_default().refuse(why));
        self
    }

    fn quality(&self) -> Quality {
        let mut quality = Quality::default();
        for (day, amount) in &self.days {
            quality.set(*day, &BTreeMap::from([(source(), *amount)]));
        }
        quality
    }

    fn series(&self) -> Series {
        let mut series = Series::default();
        for (day, value) in &self.values {
            let mut page = Page::new(*day);
            let value = Quantity::from_f64(*value).unwrap().to_string();
            page.merge([signal("telemetry", "v", day.start(), Metric::ResponseTime, &value)]);
            series.set(*day, page.fold());
        }
        series
    }

    /// The checks on a day at noon: the day before is settled.
    fn checks(&self, number: i32) -> Vec<Check> {
        let now = day(number).start() + SignedDuration::from_hours(12);
        assess(&self.quality(), Some(&self.series()), now).into_iter().flat_map(|source| source.checks).collect()
    }

    fn found(&self, number: i32) -> Vec<String> {
        let found = self.checks(number).into_iter().filter_map(|check| match check.verdict {
            Verdict::Found(finding) => Some(format!(
                "{} {} since {}: {}",
                check.subject,
                finding.weight.name(),
                finding.since.since(day(0)),
                finding.text
            )),
            _ => None,
        });
        found.collect()
    }
}

const TWO: [Metric; 2] = [Metric::ActiveUsers, Metric::Logins];

/// Fifty days of 40 records each, half as many at weekends.
fn steady(days: i32) -> Story {
    let mut story = Story::default();
    for number in 0..days {
        let records = if day(number).weekday() >= 5 { 20 } else { 40 };
        story.tell(number, records + u32::try_from(number % 3).unwrap(), &TWO);
    }
    story
}

#[track_caller]
fn check(story: &Story, number: i32, expected: &[&str]) {
    assert_eq!(story.found(number), expected);
}

#[test]
fn a32_volume_is_compared_with_the_same_weekday() {
    let story = steady(50);
    check(&story, 50, &[]);
    let mut fallen = story.clone();
    fallen.tell(50, 3, &TWO);
    check(&fallen, 51, &["volume severe since 50: 3 records on 2026-02-24, usually 41 on a Tuesday (7 weeks)"]);
    let mut gone = steady(49);
    gone.tell(50, 40, &TWO);
    check(&gone, 50, &["volume severe since 49: 0 records on 2026-02-23, usually 41 on a Monday (7 weeks)"]);
    let mut risen = story.clone();
    risen.tell(50, 150, &TWO);
    check(&risen, 51, &["volume warning since 50: 150 records on 2026-02-24, usually 41 on a Tuesday (7 weeks)"]);
    // As few as on a Sunday, on a Saturday: as ever.
    let mut weekend = steady(54);
    weekend.tell(54, 20, &TWO);
    check(&weekend, 55, &[]);
}

#[test]
fn a32_null_rate_is_compared_with_the_weeks_before() {
    let mut story = steady(56);
    for number in 0..56 {
        story.refuse(number, 1, Refusal::Missing);
    }
    check(&story, 56, &[]);
    story.refuse(53, 40, Refusal::Missing).refuse(54, 20, Refusal::Missing);
    check(
        &story,
        55,
        &["null_rate warning since 49: 67 of 314 records in 7 days lacked a field (21.3 %), usually 2.8 %"],
    );
    let mut invalid = steady(56);
    invalid.refuse(55, 400, Refusal::Invalid);
    check(
        &invalid,
        55,
        &["invalid_rate severe since 55: 400 of 647 records in 7 days said what cannot be (61.8 %), usually 0.0 %"],
    );
}

#[test]
fn a32_drift_of_the_schema_is_a_shape_that_never_came_a_metric_that_ends_or_one_that_comes_up() {
    let mut unit = steady(56);
    unit.refuse(55, 40, Refusal::Unfit);
    let words = "had a unit, a metric or a field that does not belong there";
    check(
        &unit,
        55,
        &[&format!("schema_drift warning since 55: 40 of 287 records in 7 days {words} (13.9 %), usually 0.0 %")],
    );

    let mut ended = steady(50);
    (50..54).for_each(|number| {
        ended.tell(number, 40, &TWO[..1]);
    });
    check(&ended, 52, &[]);
    let text = "came on 50 of 50 days until 2026-02-23, and on none of the 3 since";
    check(&ended, 53, &[&format!("schema_drift:logins warning since 50: {text}")]);

    let mut new = steady(50);
    (50..53).for_each(|number| {
        new.tell(number, 2, &[Metric::Uptime]);
    });
    (50..53).for_each(|number| {
        new.tell(number, 40, &TWO);
    });
    check(&new, 52, &[]);
    check(&new, 53, &["schema_drift:uptime notice since 50: comes since 2026-02-24, after 50 days without it"]);

    // What comes once a week is not missed on the other days.
    let mut weekly = steady(50);
    (0..50).step_by(7).for_each(|number| {
        weekly.tell(number, 1, &[Metric::NpsAnswer]);
    });
    check(&weekly, 50, &[]);
}

fn measured(values: impl IntoIterator<Item = f64>) -> Story {
    let mut story = Story::default();
    for (number, value) in (0..).zip(values) {
        story.tell(number, 40, &[Metric::ResponseTime]);
        story.values.push((day(number), value));
    }
    story
}

#[test]
fn a32_drift_of_values_is_a_level_or_a_spread_that_moved_or_a_value_that_stands_still() {
    let mut dice = Dice(7);
    let calm: Vec<f64> = (0..63).map(|_| 60.0 + 5.0 * dice.normal()).collect();
    check(&measured(calm.clone()), 63, &[]);
    let then = |days: usize, change: &dyn Fn(usize, f64) -> f64| {
        let one = |(index, value): (usize, &f64)| if index + days >= 63 { change(index, *value) } else { *value };
        measured(calm.iter().enumerate().map(one))
    };
    // Seconds instead of milliseconds.
    let seconds = then(7, &|_, value| value / 1000.0).found(63);
    assert_eq!(seconds, ["value_drift:response_time warning since 56: is 0.07 a day in the last week, usually 59.84"]);
    let wild = then(14, &|index, value| value + [0.0, 30.0, -30.0][index % 3]).found(63);
    assert!(wild[0].starts_with("value_drift:response_time warning since 49: spreads by "), "{wild:?}");
    let still = then(8, &|_, _| 61.0).found(63);
    assert!(still[0].contains("since 55: is 61 on each of the last 8 days"), "{still:?}");
    // A fifth more is no drift of the source: that is for the scores.
    assert_eq!(then(7, &|_, value| value * 1.2).found(63), Vec::<String>::new());
}

#[test]
fn without_enough_history_a_check_says_so_and_finds_nothing() {
    let mut story = measured((0..5).map(f64::from));
    story.tell(5, 4000, &TWO).refuse(5, 4000, Refusal::Missing);
    for check in story.checks(6) {
        assert!(
            matches!(&check.verdict, Verdict::Insufficient(text) if !text.is_empty())
                || check.verdict == Verdict::Usual,
            "{check:?}"
        );
        let rated = check.subject.metric.is_none();
        assert!(!rated || matches!(check.verdict, Verdict::Insufficient(_)), "{check:?}");
    }
    check(&story, 6, &[]);
}

#[test]
fn a_finding_is_told_when_it_begins_and_when_it_ends_and_not_while_nobody_can_say() {
    let mut told = Told::new();
    let mut look = |story: &Story, number| {
        let checks = story.checks(number);
        let words =
            |change: Change| format!("{} {}", change.subject, if change.found.is_some() { "begins" } else { "ends" });
        let first: Vec<String> = changes(&mut told, &source(), &checks).into_iter().map(words).collect();
        assert_eq!(changes(&mut told, &source(), &checks), [], "a second look tells nothing new");
        first
    };
    let mut story = steady(50);
    assert!(look(&story, 50).is_empty());
    story.tell(50, 3, &TWO);
    assert_eq!(look(&story, 51), ["volume begins"]);
    story.tell(51, 3, &TWO);
    assert!(look(&story, 52).is_empty(), "the same episode");
    assert!(look(&story, 56).is_empty(), "it is silent: that ends nothing");
    for number in 52..58 {
        story.tell(number, if day(number).weekday() >= 5 { 20 } else { 40 }, &TWO);
    }
    assert_eq!(look(&story, 58), ["volume ends"]);
    assert_eq!(told, Told::new());
}

/// Many sources without a fault, of all sizes, each looked at on every day after its eighth week. Those that seem silent
/// for once are the ones that speak by chance every other day.
#[test]
fn a32_noise_is_told_next_to_never() {
    let (mut sources, mut looks, mut silences, mut told) = (0, 0, Vec::new(), Vec::new());
    for seed in 0..300_u64 {
        let mut dice = Dice(seed);
        let mean = [0.5, 2.0, 8.0, 40.0, 400.0][usize::try_from(seed % 5).unwrap()];
        let (bad, rough) = ([0.0, 0.01, 0.1][usize::try_from(seed / 5 % 3).unwrap()], 0.1 * dice.even());
        let mut story = Story::default();
        for number in 0..90 {
            let factor = (if day(number).weekday() >= 5 { 0.4 } else { 1.0 }) * (rough * dice.normal()).exp();
            for metric in TWO {
                let records = dice.count(mean * factor / 2.0);
                story.tell(number, records, &[metric]);
            }
            let refused = dice.count(mean * factor * bad);
            story.refuse(number, refused, Refusal::Missing);
            story.tell(number, dice.count(mean / 2.0), &[Metric::ResponseTime]);
            story.values.push((day(number), (60.0 * (0.3 * dice.normal()).exp() * factor.sqrt()).round()));
        }
        sources += 1;
        let (mut state, mut days, mut was_silent) = (Told::new(), Story::default(), false);
        for number in 0..90 {
            days.days.extend(
                story.days.get(&day(number)).filter(|amount| amount.records() > 0).map(|amount| (day(number), *amount)),
            );
            days.values.push(story.values[usize::try_from(number).unwrap()]);
            if number < 56 {
                continue;
            }
            let now = day(number + 1).start() + SignedDuration::from_hours(12);
            for assessment in assess(&days.quality(), Some(&days.series()), now) {
                looks += 1;
                silences.extend((assessment.is_silent && !was_silent).then_some(mean));
                was_silent = assessment.is_silent;
                let changes = changes(&mut state, &assessment.source, &assessment.checks);
                told.extend(
                    changes.into_iter().filter_map(|change| Some((seed, number, change.subject, change.found?.text))),
                );
            }
        }
    }
    println!(
        "{sources} sources without a fault, {looks} daily looks: findings {told:#?}, silences by mean {silences:?}"
    );
    assert!(looks > 10_000 && told.len() * 2_000 <= looks && silences.len() * 500 <= looks, "{told:?} {silences:?}");
}

#[test]
fn a115_the_score_is_the_sum_of_four_shares_to_the_last_digit() {
    let mut story = steady(56);
    story.refuse(55, 10, Refusal::Missing).refuse(55, 5, Refusal::Invalid).refuse(55, 2, Refusal::Unfit);
    let now = day(56).start();
    let sources = assess(&story.quality(), None, now);
    let Score { shares, points, score } = score(&sources);
    let accepted: u64 = (29..56).map(|number| u64::from(story.days[&day(number)].accepted)).sum();
    let expected = [(accepted + 7, accepted + 17), (1, 1), (accepted, accepted + 7), (5, 6)];
    assert_eq!(shares.map(|share| (share.good, share.all)), expected);
    assert_eq!(points.map(|part| part.to_string()), ["24.740664", "25", "24.816562", "20.833333"]);
    assert_eq!(score.unwrap().to_string(), "95.390559");
    assert_eq!(points.iter().fold(Points::ZERO, |sum, part| sum.plus(*part)), score.unwrap());
}

#[test]
fn a115_what_is_unknown_is_neither_zero_nor_full() {
    assert_eq!(score(&[]).score, None);
    let mut story = Story::default();
    story.tell(0, 3, &TWO).refuse(0, 1, Refusal::Missing);
    let Score { shares, score, .. } = score(&assess(&story.quality(), None, day(1).start()));
    assert_eq!(shares.map(score::Share::basis_points), [Some(7500), None, Some(10_000), None]);
    assert_eq!(score.unwrap().to_string(), "87.5", "75 and 100 are known");
}

#[test]
fn a115_a_silent_source_is_not_fresh() {
    let sources = assess(&steady(50).quality(), None, day(60).start());
    assert!(sources[0].is_silent);
    assert_eq!(score(&sources).shares[1], score::Share { good: 0, all: 1 });
}

#[test]
fn two_months_of_a_source_are_small() {
    let bytes = serde_json::to_vec(&steady(63).quality()).unwrap().len();
    assert!(bytes < 400, "{bytes} bytes");
}

#[test]
fn stored_days_that_were_tampered_with_are_refused() {
    let good = serde_json::to_string(&steady(2).quality()).unwrap();
    assert!(serde_json::from_str::<Quality>(&good).is_ok());
    let text = good.split('"').rfind(|part| part.len() > 8).unwrap();
    for bad in ["", "!", "AA", "gICAgICAgICAgICAgICAgA", &format!("{text}{text}")] {
        assert!(serde_json::from_str::<Quality>(&good.replace(text, bad)).is_err(), "{bad}");
    }
}

/// Bits are kept by the place in the catalogue: metrics are added at its end.
#[test]
fn a_metric_keeps_its_bit() {
    assert!(Metric::ALL.len() <= 64);
    for (place, name) in [(0, "active_users"), (10, "response_time"), (15, "nps_answer"), (33, "contract_value")] {
        assert_eq!(Metric::ALL[place].name(), name);
        assert_eq!(bit(Metric::ALL[place]), 1 << place);
    }
}

#[derive(Debug, Clone)]
enum Arrival {
    Taken(crate::signal::Signal),
    Refused(i32, u8, Refusal),
}

fn any_arrival() -> impl Strategy<Value = Arrival> {
    let why = prop::sample::select(vec![Refusal::Missing, Refusal::Unfit, Refusal::Invalid]);
    prop_oneof![
        3 => any_signal(90).prop_map(Arrival::Taken),
        1 => (0..90, 0..20_u8, why).prop_map(|(day, name, why)| Arrival::Refused(20_454 + day, name, why)),
    ]
}

fn arrive(batches: &[&[Arrival]]) -> Quality {
    let (mut pages, mut quality): (BTreeMap<Day, Page>, Quality) = Default::default();
    for batch in batches {
        let mut touched = BTreeSet::new();
        for arrival in *batch {
            let day = match arrival {
                Arrival::Taken(signal) => Day::of(signal.at),
                Arrival::Refused(day, ..) => Day::from_number(*day),
            };
            let page = pages.entry(day).or_insert_with(|| Page::new(day));
            match arrival {
                Arrival::Taken(signal) => drop(page.merge([signal.clone()])),
                Arrival::Refused(_, name, why) => drop(page.refuse(format!("{name}-{why:?}"), source(), *why)),
            }
            touched.insert(day);
        }
        for day in touched {
            quality.set(day, &pages[&day].fold().told);
        }
    }
    quality
}

proptest! {
    #[test]
    fn a32_any_order_batching_and_repetition_give_the_same_bytes(
        arrivals in prop::collection::vec(any_arrival(), 0..80),
        seed in any::<u64>(),
        batch in 1_usize..9,
    ) {
        let mut shuffled = arrivals.clone();
        shuffled.extend(arrivals.iter().take(10).cloned());
        shuffled.sort_by_key(|one| Digest::of("shuffle", [&seed.to_be_bytes()[..], format!("{one:?}").as_bytes()]));
        let bytes = |quality: &Quality| serde_json::to_vec(quality).unwrap();
        let arrived = arrive(&shuffled.chunks(batch).collect::<Vec<_>>());
        prop_assert_eq!(bytes(&arrived), bytes(&arrive(&[&arrivals])));
        prop_assert_eq!(serde_json::from_slice::<Quality>(&bytes(&arrived)).unwrap(), arrived);
    }

    #[test]
    fn accounts_add_up_in_any_order(
        parts in prop::collection::vec(prop::collection::vec(any_arrival(), 0..20), 1..5),
        turn in 0_usize..5,
    ) {
        let parts: Vec<Quality> = parts.iter().map(|part| arrive(&[part])).collect();
        let sum = |parts: &[Quality]| parts.iter().fold(Quality::default(), |mut sum, part| { sum.add(part); sum });
        let mut turned = parts.clone();
        turned.rotate_left(turn % parts.len());
        prop_assert_eq!(sum(&turned), sum(&parts));
    }

    #[test]
    fn no_history_makes_a_check_fail_to_answer(
        arrivals in prop::collection::vec(any_arrival(), 0..80),
        number in 0..120,
    ) {
        let now = Day::from_number(20_454 + number).start();
        let sources = assess(&arrive(&[&arrivals]), None, now);
        if let Some(score) = score(&sources).score {
            prop_assert!((Points::ZERO..=Points::from_micros(100_000_002)).contains(&score));
        }
        for Assessment { source, checks, .. } in &sources {
            let subjects: BTreeSet<detect::Subject> = checks.iter().map(|check| check.subject).collect();
            prop_assert_eq!(subjects.len(), checks.len(), "{:?}", source);
        }
    }
}

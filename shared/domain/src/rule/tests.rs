//! The triggers of the requirements, condition by condition.

mod decline;
mod leaves;
mod operators;
mod oracle;
mod properties;
mod samples;

use super::condition::AtLeast;
use super::leaf::{AboveUsual, Absent, AverageBelow, CompetitorSeen, Counted, Declined, Trend};
use super::*;
use crate::account::{Account, LifecycleStage, Money, Segment};
use crate::band::Band;
use crate::day::Day;
use crate::fixed::{ONE, Quantity};
use crate::id::AccountId;
use crate::page::{Bucket, DayFold, Sighting};
use crate::series::Series;
use crate::signal::Metric;
use jiff::Timestamp;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// 2026-11-22, a Sunday, at noon.
const NOW: &str = "2026-11-22T12:00:00Z";

fn now() -> Timestamp {
    NOW.parse().unwrap()
}

fn ago(days: i32) -> Day {
    Day::of(now()).plus(-days)
}

/// The past of an account, written as so many days ago.
#[derive(Default)]
struct History(BTreeMap<Day, DayFold>);

impl History {
    fn bucket(mut self, metric: Metric, days_ago: i32, count: u32, micros: i64) -> Self {
        let bucket = Bucket { count, sum: micros };
        self.0.entry(ago(days_ago)).or_default().buckets.insert(metric, bucket);
        self
    }

    /// One value of a metric on a day.
    fn value(self, metric: Metric, days_ago: i32, value: i64) -> Self {
        self.bucket(metric, days_ago, 1, value * ONE)
    }

    /// Millionths of active users for each of these days ago.
    fn usage(self, days_ago: impl IntoIterator<Item = i32>, micros: impl Fn(i32) -> i64) -> Self {
        days_ago.into_iter().fold(self, |history, day| history.bucket(Metric::ActiveUsers, day, 1, micros(day)))
    }

    fn sighting(mut self, days_ago: i32, confidence: i32, expires_at: &str) -> Self {
        let fold = self.0.entry(ago(days_ago)).or_default();
        let expires_at = expires_at.parse().unwrap();
        let (confidence, at) = (Quantity::whole(confidence), ago(days_ago).start());
        fold.sightings.push(Sighting { confidence, expires_at, at, competitor: "rival".into() });
        self.bucket(Metric::CompetitorSeen, days_ago, 1, confidence.micros())
    }

    fn series(self) -> Series {
        let mut series = Series::default();
        for (day, fold) in self.0 {
            series.set(day, fold);
        }
        series
    }
}

fn account() -> Account {
    Account {
        id: AccountId::new("acme").unwrap(),
        name: "Acme".into(),
        arr: Money::from_cents(10_000_000),
        segment: Segment::Enterprise,
        stage: LifecycleStage::Steady,
        renewal_on: None,
        owner: None,
        contact: Default::default(),
    }
}

fn verdict(condition: &Condition, history: History) -> Verdict {
    ask(condition, &Facts { account: &account(), series: &history.series(), health: None, standing: None, now: now() })
}

/// What the compiled form says, which is what the oracle says.
#[track_caller]
fn ask(condition: &Condition, facts: &Facts<'_>) -> Verdict {
    let verdict = condition.evaluate(facts);
    properties::agree(&verdict, &oracle::verdict(condition, facts));
    verdict
}

#[track_caller]
fn check(condition: &Condition, history: History, expected: Truth) -> Verdict {
    let verdict = verdict(condition, history);
    assert_eq!(verdict.truth, expected, "{:#?}", verdict.trace);
    verdict
}

fn why(verdict: &Verdict) -> &str {
    &verdict.trace[0].why
}

// ---- usage decline (A74, A37)

fn declined() -> Declined {
    Declined {
        metric: Metric::ActiveUsers,
        days: 14,
        by_basis_points: 2_000,
        floor: Quantity::whole(10),
        least_days: 10,
        fresh_days: 3,
        profile_weeks: 8,
        cycle_weeks: 52,
        holiday_basis_points: 1_000,
    }
}

fn decline() -> Condition {
    Condition::Declined(declined())
}

/// The last fourteen whole days, the fourteen before, the eight weeks before those.
const AFTER: std::ops::RangeInclusive<i32> = 1..=14;
const BEFORE: std::ops::RangeInclusive<i32> = 15..=28;
const PROFILE: std::ops::RangeInclusive<i32> = 29..=84;

fn fell_to(micros: i64) -> History {
    History::default().usage(PROFILE, |_| 100 * ONE).usage(BEFORE, |_| 100 * ONE).usage(AFTER, |_| micros)
}

#[test]
fn a74_a_fall_of_20_percent_fires_and_one_of_19_9_does_not() {
    let verdict = check(&decline(), fell_to(80 * ONE), Truth::True);
    assert_eq!(verdict.trace[0].value, Some(Quantity::whole(-20)));
    assert_eq!(verdict.trace[0].age_days, Some(1));
    assert_eq!(verdict.confidence_percent, 100);
    assert!(why(&verdict).starts_with("mean of 14 days changed by -20.0 % against the 14 days before"));
    check(&decline(), fell_to(80 * ONE + ONE / 10), Truth::False);
    check(&decline(), fell_to(80 * ONE + 1), Truth::False);
    check(&decline(), fell_to(120 * ONE), Truth::False);
    check(&decline(), fell_to(0), Truth::True);
}

#[test]
fn a74_today_which_is_not_over_does_not_count() {
    check(&decline(), fell_to(100 * ONE).usage([0], |_| ONE), Truth::False);
}

#[test]
fn a74_below_the_volume_floor_nothing_is_called_a_decline() {
    let small = |before: i64| History::default().usage(BEFORE, move |_| before).usage(AFTER, |_| ONE);
    let verdict = check(&decline(), small(10 * ONE - 1), Truth::False);
    assert!(why(&verdict).contains("floor"));
    check(&decline(), small(10 * ONE), Truth::True);
}

/// 100 on weekdays, 20 at weekends.
fn weekly(day: i32) -> i64 {
    if ago(day).weekday() < 5 { 100 * ONE } else { 20 * ONE }
}

fn is_weekend(day: &i32) -> bool {
    ago(*day).weekday() >= 5
}

#[test]
fn a37_a_weekly_cycle_with_missing_days_does_not_fire_and_a_real_fall_does() {
    let past = || History::default().usage(PROFILE, weekly).usage(BEFORE, weekly);
    // Four weekdays without data and a fall of 10 %: the plain means fell by 20.6 %.
    let missing = AFTER.filter(|day| is_weekend(day) || *day > 5);
    check(&decline(), past().usage(missing, |day| weekly(day) * 9 / 10), Truth::False);
    // Weekends without data and a fall of 20 %: the plain means rose.
    let weekdays = AFTER.filter(|day| !is_weekend(day));
    let verdict = check(&decline(), past().usage(weekdays, |day| weekly(day) * 8 / 10), Truth::True);
    assert_eq!(verdict.confidence_percent, 85, "24 of 28 days have data");
}

#[test]
fn a37_with_too_few_weeks_every_weekday_counts_alike() {
    let past = History::default().usage(29..=35, weekly).usage(BEFORE, weekly);
    check(&decline(), past.usage(AFTER, |day| weekly(day) * 8 / 10), Truth::True);
}

/// A year ago usage fell by 30 % in the same two weeks.
fn holiday_last_year() -> History {
    History::default().usage((364 + 15)..=(364 + 28), |_| 100 * ONE).usage((364 + 1)..=(364 + 14), |_| 70 * ONE)
}

#[test]
fn a74_a_holiday_dip_seen_one_cycle_ago_suppresses_and_a_deeper_fall_fires() {
    let past = || holiday_last_year().usage(PROFILE, |_| 100 * ONE).usage(BEFORE, |_| 100 * ONE);
    let verdict = check(&decline(), past().usage(AFTER, |_| 70 * ONE), Truth::False);
    assert!(
        why(&verdict).ends_with("the same days one cycle ago lost 30.0 %, taken as a holiday"),
        "{}",
        why(&verdict)
    );
    check(&decline(), past().usage(AFTER, |_| 56 * ONE), Truth::True);
    check(&decline(), past().usage(AFTER, |_| 56 * ONE + 1), Truth::False);
}

#[test]
fn a74_a_small_fall_one_cycle_ago_is_no_holiday() {
    let last_year = History::default().usage(379..=392, |_| 100 * ONE).usage(365..=378, |_| 91 * ONE);
    check(&decline(), last_year.usage(BEFORE, |_| 100 * ONE).usage(AFTER, |_| 80 * ONE), Truth::True);
}

#[test]
fn a74_a_silent_source_is_unknown_and_not_a_decline() {
    let until = |last: i32| {
        History::default().usage(PROFILE, |_| 100 * ONE).usage(BEFORE, |_| 100 * ONE).usage(last..=14, |_| 10 * ONE)
    };
    check(&decline(), until(3), Truth::True);
    let verdict = check(&decline(), until(4), Truth::Unknown);
    assert_eq!(why(&verdict), "the source is silent since 2026-11-18");
    check(&decline(), History::default(), Truth::Unknown);
}

#[test]
fn a74_too_few_days_with_data_are_unknown() {
    let with = |days: i32| History::default().usage(BEFORE, |_| 100 * ONE).usage(1..=days, |_| ONE);
    check(&decline(), with(10), Truth::True);
    let verdict = check(&decline(), with(9), Truth::Unknown);
    assert_eq!(why(&verdict), "has data on 9 of the 14 days to 2026-11-21, 10 are needed");
}

#[test]
fn numbers_too_large_to_compare_are_unknown() {
    let huge = i64::MAX / 2;
    check(
        &decline(),
        History::default().usage(BEFORE, |_| huge).usage(AFTER, |_| huge / 2).usage(PROFILE, |_| huge),
        Truth::Unknown,
    );
}

proptest! {
    #[test]
    fn a74_with_full_windows_the_answer_is_that_of_the_plain_sums(
        before in prop::collection::vec(10_000_000..200_000_000_i64, 14),
        after in prop::collection::vec(0..200_000_000_i64, 14),
        profile in prop::collection::vec(0..200_000_000_i64, 56),
    ) {
        // A weekday that is worth nothing cannot be compared; that is another case.
        prop_assume!(profile.iter().all(|value| *value > 0));
        let at = |values: &[i64], first: i32, day: i32| values[usize::try_from(day - first).unwrap()];
        let history = History::default()
            .usage(PROFILE, |day| at(&profile, 29, day))
            .usage(BEFORE, |day| at(&before, 15, day))
            .usage(AFTER, |day| at(&after, 1, day));
        let fell = after.iter().sum::<i64>() * 100 <= before.iter().sum::<i64>() * 80;
        prop_assert_eq!(verdict(&decline(), history).truth, Truth::known(fell));
    }
}

// ---- several incidents (A75) and missed meetings (A77)

fn incidents() -> Condition {
    Condition::Counted(Counted { metric: Metric::SevereIncidents, days: 14, at_least: 2, since_last: None })
}

#[test]
fn a75_two_severe_incidents_in_14_days_fire() {
    let on = |days: &[i32]| {
        days.iter().fold(History::default(), |history, day| history.value(Metric::SevereIncidents, *day, 1))
    };
    check(&incidents(), on(&[]), Truth::False);
    check(&incidents(), on(&[0]), Truth::False);
    let verdict = check(&incidents(), on(&[13, 0]), Truth::True);
    assert_eq!(verdict.evidence, Some(Evidence::events(ago(0), 2)));
    check(&incidents(), on(&[14, 0]), Truth::False);
    check(&incidents(), History::default().bucket(Metric::SevereIncidents, 3, 2, 2 * ONE), Truth::True);
    check(&incidents(), History::default().bucket(Metric::SevereIncidents, 3, 0, 0), Truth::False);
}

fn meetings() -> Condition {
    let (metric, since_last) = (Metric::ExecutiveMeetingsMissed, Some(Metric::SponsorReplaced));
    Condition::Counted(Counted { metric, days: 60, at_least: 2, since_last })
}

#[test]
fn a77_one_missed_meeting_does_not_fire_two_in_60_days_do() {
    let missed = |days: &[i32]| {
        days.iter().fold(History::default(), |history, day| history.value(Metric::ExecutiveMeetingsMissed, *day, 1))
    };
    check(&meetings(), missed(&[5]), Truth::False);
    check(&meetings(), missed(&[59, 5]), Truth::True);
    check(&meetings(), missed(&[60, 5]), Truth::False);
}

#[test]
fn a77_a_replaced_sponsor_starts_anew() {
    let missed = || {
        History::default().value(Metric::ExecutiveMeetingsMissed, 30, 1).value(Metric::ExecutiveMeetingsMissed, 10, 1)
    };
    check(&meetings(), missed().value(Metric::SponsorReplaced, 40, 1), Truth::True);
    let verdict = check(&meetings(), missed().value(Metric::SponsorReplaced, 20, 1), Truth::False);
    assert_eq!(why(&verdict), "1 in 60 days, 2 are needed; only those after sponsor_replaced on 2026-11-02 count");
    check(&meetings(), missed().value(Metric::SponsorReplaced, 10, 1), Truth::False);
}

fn replies() -> Condition {
    Condition::AboveUsual(AboveUsual {
        metric: Metric::ExecutiveReplyTime,
        recent_days: 30,
        history_days: 180,
        percentile: 90,
        least_recent: 4,
        least_history: 20,
    })
}

/// Twenty earlier replies of 1 to 20 hours: the 90th percentile is 18.
fn reply_history(recent: &[i64]) -> History {
    let history = (1..=20).fold(History::default(), |history, hours| {
        history.value(Metric::ExecutiveReplyTime, 30 + 4 * hours, i64::from(hours))
    });
    recent.iter().zip(0..).fold(history, |history, (hours, day)| history.value(Metric::ExecutiveReplyTime, day, *hours))
}

#[test]
fn a77_replies_slower_than_the_accounts_own_90th_percentile_fire() {
    check(&replies(), reply_history(&[18, 18, 18, 18]), Truth::False);
    let verdict = check(&replies(), reply_history(&[19, 19, 30, 1]), Truth::True);
    assert_eq!(why(&verdict), "the median of 4 recent days is 19.0, percentile 90 of 20 earlier days is 18.0");
    check(&replies(), reply_history(&[1000, 1, 1, 1]), Truth::False);
    check(&replies(), reply_history(&[100, 100, 100]), Truth::Unknown);
}

#[test]
fn a77_without_enough_history_the_reply_time_is_unknown() {
    let history = (0..4).fold(History::default(), |history, day| history.value(Metric::ExecutiveReplyTime, day, 900));
    check(&replies(), history, Truth::Unknown);
}

// ---- complaints (A76)

fn promoters() -> Condition {
    let below = Quantity::whole(50);
    Condition::AverageBelow(AverageBelow { metric: Metric::NetPromoter, days: 90, below, least_values: 5 })
}

#[test]
fn a76_a_net_promoter_score_below_50_fires_with_5_answers() {
    let answers = |count: u32, sum: i64| History::default().bucket(Metric::NetPromoter, 3, count, sum * ONE);
    check(&promoters(), answers(5, 249), Truth::True);
    check(&promoters(), answers(5, 250), Truth::False);
    check(&promoters(), History::default(), Truth::Unknown);
}

#[test]
fn a76_49_from_two_answers_does_not_fire_because_n_is_low() {
    let verdict = check(&promoters(), History::default().bucket(Metric::NetPromoter, 3, 2, 98 * ONE), Truth::Unknown);
    assert_eq!(why(&verdict), "low n: 2 values, 5 are needed; their mean is 49.0");
}

fn mood() -> Condition {
    let by = Quantity::whole(15);
    Condition::TrendsDown(Trend { metric: Metric::Sentiment, days: 60, by, least_values: 5 })
}

fn moods(values: &[i64]) -> History {
    values
        .iter()
        .rev()
        .zip(0..)
        .fold(History::default(), |history, (value, day)| history.value(Metric::Sentiment, day * 7, *value))
}

#[test]
fn a76_a_negative_sentiment_trend_fires() {
    let verdict = check(&mood(), moods(&[60, 40, 30, 10, -5]), Truth::True);
    assert_eq!(verdict.trace[0].value, Some(Quantity::whole(64)), "least squares: -16 a week over four weeks");
    check(&mood(), moods(&[60, 40, 30, 10]), Truth::Unknown);
    check(&mood(), moods(&[-5, 10, 30, 40, 60]), Truth::False);
    check(&mood(), moods(&[20, 20, 20, 20, 20]), Truth::False);
}

#[test]
fn a76_a_fall_that_is_small_or_could_be_chance_does_not_fire() {
    check(&mood(), moods(&[20, 17, 14, 11, 8]), Truth::False);
    check(&mood(), moods(&[60, 10, 50, 0, 30]), Truth::False);
}

#[test]
fn five_answers_on_one_day_are_no_trend() {
    check(&mood(), History::default().bucket(Metric::Sentiment, 1, 5, -500 * ONE), Truth::False);
}

// ---- competitors (A78)

#[test]
fn a78_a_sighting_fires_until_it_expires_and_only_when_sure_enough() {
    let seen = Condition::CompetitorSeen(CompetitorSeen { confidence_at_least: Quantity::whole(60) });
    let verdict = check(&seen, History::default().sighting(5, 60, "2026-11-22T12:00:01Z"), Truth::True);
    assert_eq!(verdict.confidence_percent, 60);
    check(&seen, History::default().sighting(5, 60, NOW), Truth::False);
    check(&seen, History::default().sighting(5, 59, "2026-12-31T00:00:00Z"), Truth::False);
    check(&seen, History::default(), Truth::False);
}

// ---- bands (A79)

#[track_caller]
fn check_band(condition: &Condition, from: Option<Band>, band: Band, provisional: bool, expected: Truth) {
    let standing = Some(Standing { band, from, since: now(), provisional });
    let verdict =
        ask(condition, &Facts { account: &account(), series: &Series::default(), health: None, standing, now: now() });
    assert_eq!(verdict.truth, expected, "{from:?} {band}");
}

#[test]
fn a79_a_band_is_entered_from_above_only() {
    let entered = Condition::BandEntered(Band::AtRisk);
    check_band(&entered, Some(Band::Healthy), Band::AtRisk, false, Truth::True);
    check_band(&entered, Some(Band::Champion), Band::AtRisk, false, Truth::True);
    check_band(&entered, None, Band::AtRisk, false, Truth::True);
    check_band(&entered, Some(Band::Critical), Band::AtRisk, false, Truth::False);
    check_band(&entered, Some(Band::AtRisk), Band::Critical, false, Truth::False);
    check_band(&entered, Some(Band::Healthy), Band::AtRisk, true, Truth::Unknown);
    check(&entered, History::default(), Truth::Unknown);
}

#[test]
fn a79_entering_a_band_again_is_news() {
    let entered_on = |moment: &str| {
        let standing = Standing {
            band: Band::AtRisk,
            from: Some(Band::Healthy),
            since: moment.parse().unwrap(),
            provisional: false,
        };
        let facts = Facts {
            account: &account(),
            series: &Series::default(),
            health: None,
            standing: Some(standing),
            now: now(),
        };
        ask(&Condition::BandEntered(Band::AtRisk), &facts).evidence.unwrap()
    };
    let first = entered_on("2026-11-01T00:00:00Z");
    assert!(!entered_on("2026-11-01T00:00:00Z").is_news_after(&first));
    assert!(entered_on("2026-11-20T00:00:00Z").is_news_after(&first));
}

#[test]
fn a79_a_band_at_most_holds_for_all_lower_ones() {
    let low = Condition::BandAtMost(Band::AtRisk);
    check_band(&low, None, Band::Healthy, false, Truth::False);
    check_band(&low, None, Band::AtRisk, false, Truth::True);
    check_band(&low, None, Band::Emergency, false, Truth::True);
    check_band(&low, None, Band::Emergency, true, Truth::Unknown);
}

// ---- the other leaves

#[test]
fn a11_absence_speaks_only_of_what_was_once_reported() {
    let absent = Condition::Absent(Absent { metric: Metric::Logins, days: 10 });
    check(&absent, History::default(), Truth::Unknown);
    check(&absent, History::default().value(Metric::Logins, 9, 5), Truth::False);
    check(&absent, History::default().value(Metric::Logins, 10, 5), Truth::True);
}

#[test]
fn segment_and_stage_are_always_known() {
    check(&Condition::Segment(BTreeSet::from([Segment::Enterprise])), History::default(), Truth::True);
    check(&Condition::Segment(BTreeSet::from([Segment::MidMarket])), History::default(), Truth::False);
    check(&Condition::Stage(BTreeSet::from([LifecycleStage::Steady])), History::default(), Truth::True);
}

// ---- combining (A18, A135)

/// A condition that is known to be the given truth.
fn constant(truth: Truth) -> Condition {
    let yes = Condition::Segment(BTreeSet::from([Segment::Enterprise]));
    match truth {
        Truth::True => yes,
        Truth::False => Condition::Not(Box::new(yes)),
        Truth::Unknown => decline(),
    }
}

const ALL: [Truth; 3] = [Truth::False, Truth::Unknown, Truth::True];

#[test]
fn a18_the_truth_tables_are_those_of_three_valued_logic() {
    use Truth::{False, True, Unknown};
    let and = [[False, False, False], [False, Unknown, Unknown], [False, Unknown, True]];
    let or = [[False, Unknown, True], [Unknown, Unknown, True], [True, True, True]];
    for (row, one) in ALL.into_iter().enumerate() {
        for (column, other) in ALL.into_iter().enumerate() {
            let pair = || vec![constant(one), constant(other)];
            check(&Condition::All(pair()), History::default(), and[row][column]);
            check(&Condition::Any(pair()), History::default(), or[row][column]);
        }
        check(&Condition::Not(Box::new(constant(one))), History::default(), [True, Unknown, False][row]);
    }
}

fn two_of_three() -> Condition {
    let of = vec![
        Condition::Counted(Counted { metric: Metric::SevereIncidents, days: 60, at_least: 1, since_last: None }),
        Condition::Counted(Counted {
            metric: Metric::ExecutiveMeetingsMissed,
            days: 60,
            at_least: 1,
            since_last: None,
        }),
        Condition::CompetitorSeen(CompetitorSeen { confidence_at_least: Quantity::whole(60) }),
    ];
    Condition::AtLeast(AtLeast { count: 2, within_days: Some(14), of })
}

#[test]
fn a135_two_of_three_within_14_days_fire_and_15_days_apart_do_not() {
    let both = |days: i32| {
        History::default().value(Metric::SevereIncidents, days, 1).value(Metric::ExecutiveMeetingsMissed, 0, 1)
    };
    let verdict = check(&two_of_three(), both(13), Truth::True);
    assert_eq!(verdict.trace.len(), 3, "every member is in the trace");
    check(&two_of_three(), both(14), Truth::False);
    check(&two_of_three(), both(15), Truth::False);
}

proptest! {
    #[test]
    fn a135_at_least_k_of_n_counts_truths(truths in prop::collection::vec(prop::sample::select(ALL.to_vec()), 1..6), count in 1..6_u32) {
        let of = truths.iter().map(|truth| constant(*truth)).collect();
        let are = |truth| truths.iter().filter(|is| **is == truth).count();
        let expected = if are(Truth::True) >= count as usize {
            Truth::True
        } else if are(Truth::True) + are(Truth::Unknown) < count as usize {
            Truth::False
        } else {
            Truth::Unknown
        };
        let condition = Condition::AtLeast(AtLeast { count, within_days: Some(14), of });
        prop_assert_eq!(verdict(&condition, History::default()).truth, expected);
    }
}

// ---- rules and sets

fn rule(id: &str, when: Condition) -> Rule {
    let cta = CtaTemplate {
        kind: CtaKind::Risk,
        reason: "look".into(),
        severity: Severity::High,
        due_in_days: 5,
        experiment: None,
    };
    let id = RuleId::new(id).unwrap();
    Rule { id, when, stays_while: None, cta, clear_days: 7, lapse_days: 30, cool_off_days: 30, escalation: None }
}

#[test]
fn a15_every_fault_of_a_rule_set_is_named_with_its_path() {
    let mut bad = rule("a", Condition::Any(vec![decline(), Condition::Any(Vec::new())]));
    bad.lapse_days = 3;
    bad.cta.reason = " ".into();
    let faults = RuleSet::new("x", vec![rule("a", incidents()), bad]).unwrap_err();
    let paths: Vec<&str> = faults.iter().map(|fault| fault.path.as_str()).collect();
    assert_eq!(paths, ["rules[1].when.any[1].any", "rules[1].lapse_days", "rules[1].cta.reason", "rules[1].id"]);
    assert!(RuleSet::new("x", Vec::new()).is_err());
}

#[test]
fn the_version_follows_from_the_content() {
    let set = |days| {
        let mut rule = rule("a", incidents());
        rule.clear_days = days;
        RuleSet::new("x", vec![rule]).unwrap().version()
    };
    assert_eq!(set(7), set(7));
    assert_ne!(set(7), set(8));
}

#[test]
fn no_rule_speaks_of_an_account_that_is_no_customer() {
    let rules = RuleSet::new("x", vec![rule("a", constant(Truth::True))]).unwrap();
    let churned = Account { stage: LifecycleStage::Churned, ..account() };
    let outcome = |account: &Account| {
        let facts = Facts { account, series: &Series::default(), health: None, standing: None, now: now() };
        rules.evaluate(&facts).remove(0).when.truth
    };
    assert_eq!((outcome(&account()), outcome(&churned)), (Truth::True, Truth::False));
}

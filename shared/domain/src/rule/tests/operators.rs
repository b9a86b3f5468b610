//! The operators beside the trigger table, at their boundaries.

use super::*;
use crate::rule::leaf::{
    Bounds, Change, Changed, Dates, Direction, MonthDay, Season, Side, Statistic, Sustained, Unusual, Value, Weekday,
};

fn at_least(limit: i32) -> Bounds {
    Bounds { at_least: Some(Quantity::whole(limit)), ..Bounds::default() }
}

fn above(limit: i32) -> Bounds {
    Bounds { above: Some(Quantity::whole(limit)), ..Bounds::default() }
}

fn changed(direction: Direction, by: Change) -> Condition {
    Condition::Changed(Changed { metric: Metric::ResponseTime, days: 3, direction, by, least_days: 2 })
}

/// So many milliseconds on each of the three whole days before these.
fn response(before: [i64; 3], after: [i64; 3]) -> History {
    let days = (1..=6).zip(after.into_iter().chain(before));
    days.fold(History::default(), |history, (day, value)| history.bucket(Metric::ResponseTime, day, 1, value))
}

#[test]
fn a18_a_change_over_a_window_is_told_in_percent_and_in_amounts_to_the_millionth() {
    let rise = changed(Direction::Rise, Change::BasisPoints(2_000));
    check(&rise, response([100 * ONE; 3], [120 * ONE; 3]), Truth::True);
    check(&rise, response([100 * ONE; 3], [120 * ONE, 120 * ONE, 120 * ONE - 1]), Truth::False);
    let fall = changed(Direction::Fall, Change::Amount(Quantity::whole(20)));
    let verdict = check(&fall, response([100 * ONE; 3], [80 * ONE; 3]), Truth::True);
    assert_eq!(why(&verdict), "mean of 3 days is 80.0, 100.0 before; a fall by 20 is the limit");
    check(&fall, response([100 * ONE; 3], [80 * ONE, 80 * ONE, 80 * ONE + 1]), Truth::False);
    check(&fall, response([100 * ONE; 3], [120 * ONE; 3]), Truth::False);
    check(&rise, response([0; 3], [120 * ONE; 3]), Truth::Unknown);
    check(&rise, History::default().bucket(Metric::ResponseTime, 1, 1, ONE), Truth::Unknown);
}

#[test]
fn a18_what_is_sustained_holds_on_each_whole_day_and_an_unknown_day_is_unknown() {
    let slow = Condition::Sustained(Sustained { metric: Metric::ErrorRate, days: 3, bounds: above(2) });
    let errors = |days: &[(i32, i64)]| {
        days.iter().fold(History::default(), |history, (day, value)| history.value(Metric::ErrorRate, *day, *value))
    };
    check(&slow, errors(&[(1, 3), (2, 3), (3, 3)]), Truth::True);
    check(&slow, errors(&[(0, 0), (1, 3), (2, 3), (3, 3), (4, 0)]), Truth::True);
    let verdict = check(&slow, errors(&[(1, 3), (2, 2), (3, 3)]), Truth::False);
    assert_eq!(why(&verdict), "was 2.0 on 2026-11-20; asked for: above 2");
    check(&slow, errors(&[(1, 3), (3, 3)]), Truth::Unknown);
    check(&slow, errors(&[(1, 3), (2, 2)]), Truth::False);
    check(&slow, errors(&[(0, 3)]), Truth::Unknown);
}

#[test]
fn a140_what_is_unusual_is_measured_by_the_accounts_own_history() {
    let unusual = |side, least_change| {
        Condition::Unusual(Unusual {
            metric: Metric::Uptime,
            side,
            by_deviations: Quantity::from_micros(3_500_000),
            recent_days: 1,
            history_days: 20,
            least_recent: 1,
            least_history: 9,
            least_change: Quantity::whole(least_change),
        })
    };
    // Median 45, median absolute deviation 20: 3.5 deviations are 103.8 away.
    let past = |today: i64| {
        (1..=9)
            .fold(History::default(), |history, day| history.value(Metric::Uptime, day, i64::from(day) * 10 - 5))
            .value(Metric::Uptime, 0, today)
    };
    let verdict = check(&unusual(Side::High, 0), past(149), Truth::True);
    assert_eq!(
        why(&verdict),
        "the median of 1 recent days is 149.0, that of 9 earlier days 45.0: 3.5 deviations away, 3.5 above is the limit"
    );
    check(&unusual(Side::High, 0), past(148), Truth::False);
    check(&unusual(Side::Low, 0), past(149), Truth::False);
    check(&unusual(Side::Low, 0), past(-59), Truth::True);
    check(&unusual(Side::Either, 0), past(-59), Truth::True);
    check(&unusual(Side::Either, 104), past(149), Truth::True);
    check(&unusual(Side::Either, 105), past(149), Truth::False);
    check(&unusual(Side::High, 0), History::default().value(Metric::Uptime, 0, 149), Truth::Unknown);
}

#[test]
fn what_the_last_days_amount_to_is_compared_when_there_are_enough() {
    let value =
        |statistic, metric, bounds| Condition::Value(Value { metric, statistic, days: 3, least_values: 2, bounds });
    let logins = |of: &[(i32, i64)]| {
        of.iter().fold(History::default(), |history, (day, value)| history.value(Metric::Logins, *day, *value))
    };
    let past = || logins(&[(0, 9), (2, 4), (3, 50)]);
    check(&value(Statistic::Sum, Metric::Logins, at_least(13)), past(), Truth::True);
    check(&value(Statistic::Sum, Metric::Logins, at_least(14)), past(), Truth::False);
    check(&value(Statistic::Highest, Metric::Logins, at_least(10)), past(), Truth::False);
    check(&value(Statistic::Lowest, Metric::Logins, above(3)), past(), Truth::True);
    check(&value(Statistic::Latest, Metric::Logins, at_least(9)), past(), Truth::True);
    check(&value(Statistic::Median, Metric::Logins, above(4)), past(), Truth::False);
    let half = Bounds { at_least: Some("6.5".parse().unwrap()), ..Bounds::default() };
    check(&value(Statistic::Mean, Metric::Logins, half), past(), Truth::True);
    let verdict = check(&value(Statistic::Sum, Metric::Logins, at_least(1)), logins(&[(0, 9)]), Truth::Unknown);
    assert_eq!(why(&verdict), "low n: 1 values, 2 are needed; it is 9.0");
}

#[test]
fn a18_the_calendar_knows_weekdays_parts_of_the_year_and_days() {
    let on = |condition: Condition, expected| check(&condition, History::default(), expected);
    // A Sunday.
    on(Condition::Weekday([Weekday::Saturday, Weekday::Sunday].into()), Truth::True);
    on(Condition::Weekday([Weekday::Monday].into()), Truth::False);
    let season = |from: &str, to: &str| {
        let day = |text: &str| text.parse::<MonthDay>().unwrap();
        Condition::Season(Season { from: day(from), to: day(to) })
    };
    on(season("11-22", "11-22"), Truth::True);
    on(season("11-23", "12-31"), Truth::False);
    on(season("11-22", "01-06"), Truth::True);
    on(season("12-15", "11-21"), Truth::False);
    on(season("12-15", "11-22"), Truth::True);
    let dates = |from: Option<i32>, to: Option<i32>| Condition::Dates(Dates { from: from.map(ago), to: to.map(ago) });
    on(dates(Some(0), Some(0)), Truth::True);
    on(dates(Some(-1), None), Truth::False);
    on(dates(None, Some(1)), Truth::False);
    let days = |least: i32, most: i32| {
        let (at_least, at_most) = (Some(Quantity::whole(least)), Some(Quantity::whole(most)));
        Condition::DaysToRenewal(Bounds { at_least, at_most, ..Bounds::default() })
    };
    let renewal = |condition: &Condition, renewal_on: Option<Day>| {
        let account = Account { renewal_on, ..account() };
        let (series, standing) = (Series::default(), None);
        ask(condition, &Facts { account: &account, series: &series, health: None, standing, now: now() }).truth
    };
    assert_eq!(renewal(&days(0, 90), Some(ago(-90))), Truth::True);
    assert_eq!(renewal(&days(0, 90), Some(ago(-91))), Truth::False);
    assert_eq!(renewal(&days(-7, -1), Some(ago(7))), Truth::True);
    assert_eq!(renewal(&days(0, 90), None), Truth::Unknown);
}

#[test]
fn a79_a_band_is_left_for_another_either_way() {
    let left = Condition::BandLeft(Band::Healthy);
    check_band(&left, Some(Band::Healthy), Band::AtRisk, false, Truth::True);
    check_band(&left, Some(Band::Healthy), Band::Champion, false, Truth::True);
    check_band(&left, Some(Band::Champion), Band::Healthy, false, Truth::False);
    check_band(&left, None, Band::Healthy, false, Truth::False);
    check_band(&left, Some(Band::Healthy), Band::AtRisk, true, Truth::Unknown);
}

#[test]
fn a135_without_a_window_what_is_old_counts_too_and_with_one_the_latest_of_several_decides() {
    let counted = |metric| Condition::Counted(Counted { metric, days: 60, at_least: 1, since_last: None });
    let of = |within_days, of| Condition::AtLeast(AtLeast { count: 1, within_days, of });
    let (old, new) = (counted(Metric::SevereIncidents), counted(Metric::ExecutiveMeetingsMissed));
    let past = || History::default().value(Metric::SevereIncidents, 30, 1).value(Metric::ExecutiveMeetingsMissed, 3, 1);
    check(&of(None, vec![old.clone()]), past(), Truth::True);
    check(&of(Some(14), vec![old.clone()]), past(), Truth::False);
    check(&of(Some(14), vec![Condition::All(vec![old.clone(), new.clone()])]), past(), Truth::True);
    check(&of(Some(3), vec![Condition::All(vec![old.clone(), new])]), past(), Truth::False);
    // What is not so was seen on no day.
    let nothing = Condition::Not(Box::new(counted(Metric::SponsorReplaced)));
    check(&of(Some(1), vec![nothing]), past(), Truth::True);
    check(&of(Some(14), vec![Condition::Any(vec![old, counted(Metric::SponsorReplaced)])]), past(), Truth::False);
}

//! Clocks against examples worked by hand, and against a count minute by minute.

use super::*;
use crate::calendar::hours::tests::{ZONES, any_calendar};
use crate::calendar::{Weekday, WorkCalendar, Zone};
use crate::case::News;
use crate::id::{CaseId, SignalId, SourceId};
use crate::signal::About;
use proptest::prelude::*;

const HOUR: i64 = 3_600;

fn policy() -> SlaPolicy {
    let targets = |first: u32, last: u32| Targets {
        first_response_seconds: first * 3_600,
        next_response_seconds: Some(first * 1_800),
        resolution_seconds: last * 3_600,
    };
    SlaPolicy {
        critical: targets(1, 4),
        high: targets(2, 8),
        medium: targets(4, 24),
        low: targets(8, 48),
        warn_percent: BTreeSet::from([50, 75]),
        hours: Hours::All,
        channels: BTreeMap::new(),
    }
}

fn clock_of(kind: ClockKind, case: &Case) -> Clock {
    clock_under(kind, case, &policy(), None).unwrap()
}

fn clock_under(kind: ClockKind, case: &Case, policy: &SlaPolicy, since: Option<Timestamp>) -> Option<Clock> {
    let terms = Terms::from(policy.hours.clone());
    Clock::of(kind, case, &Under { severity: case.severity(), policy, terms: &terms, since })
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + seconds).unwrap()
}

fn case(all: &[(i64, CaseStatus, Severity)]) -> Case {
    let news = |(index, &(seconds, status, severity)): (usize, &(i64, CaseStatus, Severity))| News {
        at: at(seconds),
        status,
        severity,
        source: SourceId::new("desk").unwrap(),
        id: SignalId::new(format!("n{index}")).unwrap(),
        about: About::default(),
    };
    let mut all = all.iter().enumerate().map(news);
    let (mut case, _) = Case::new(CaseId::new("c").unwrap(), all.next().unwrap());
    for news in all {
        case.record(news);
    }
    case
}

fn opened(severity: Severity) -> Case {
    case(&[(0, CaseStatus::Opened, severity)])
}

/// One second before the target it is met, at the target it is breached: while it runs, and when it is reached then.
#[track_caller]
fn check(severity: Severity, kind: ClockKind, hours: i64) {
    let running = clock_of(kind, &opened(severity));
    let target = hours * HOUR;
    assert_eq!(running.at(at(target - 1)).state, ClockState::Running);
    assert_eq!(running.at(at(target - 1)).remaining_millis, 1_000);
    assert_eq!(running.at(at(target)).state, ClockState::Breached);
    assert_eq!(running.reaches(Mark::at(50)), Some(at(target / 2)));
    assert_eq!(running.reaches(Mark::at(75)), Some(at(target * 3 / 4)));
    assert_eq!(running.reaches(Mark::BREACH), Some(at(target)));
    let end = if kind == ClockKind::FirstResponse { CaseStatus::Responded } else { CaseStatus::Resolved };
    for (seconds, state, breach) in
        [(target - 1, ClockState::Met, None), (target, ClockState::Breached, Some(at(target)))]
    {
        let case = case(&[(0, CaseStatus::Opened, severity), (seconds, end, severity)]);
        let clock = clock_of(kind, &case);
        assert_eq!(clock.at(at(target * 9)).state, state, "ended after {seconds} s");
        assert_eq!(clock.reaches(Mark::BREACH), breach, "ended after {seconds} s");
    }
}

#[test]
fn a60_critical_answers_within_1_hour_and_is_solved_within_4() {
    check(Severity::Critical, ClockKind::FirstResponse, 1);
    check(Severity::Critical, ClockKind::Resolution, 4);
}

#[test]
fn a61_high_answers_within_2_hours_and_is_solved_within_8() {
    check(Severity::High, ClockKind::FirstResponse, 2);
    check(Severity::High, ClockKind::Resolution, 8);
}

#[test]
fn a62_medium_answers_within_4_hours_and_is_solved_within_24() {
    check(Severity::Medium, ClockKind::FirstResponse, 4);
    check(Severity::Medium, ClockKind::Resolution, 24);
}

#[test]
fn a63_low_answers_within_8_hours_and_is_solved_within_48() {
    check(Severity::Low, ClockKind::FirstResponse, 8);
    check(Severity::Low, ClockKind::Resolution, 48);
}

#[test]
fn a60_the_last_millisecond_before_the_target_is_met() {
    let clock = clock_of(ClockKind::FirstResponse, &opened(Severity::Critical));
    assert_eq!(clock.at(after(at(HOUR), -1)).state, ClockState::Running);
}

#[test]
fn a_clock_stands_still_while_waiting_on_the_customer() {
    let case = case(&[
        (0, CaseStatus::Opened, Severity::Critical),
        (HOUR / 2, CaseStatus::WaitingOnCustomer, Severity::Critical),
        (10 * HOUR, CaseStatus::InProgress, Severity::Critical),
    ]);
    let clock = clock_of(ClockKind::Resolution, &case);
    let waiting = clock.at(at(5 * HOUR));
    assert_eq!(
        (waiting.state, waiting.elapsed_millis, waiting.paused_millis),
        (ClockState::Paused, 1_800_000, 16_200_000)
    );
    assert_eq!(clock.at(at(10 * HOUR)).state, ClockState::Running);
    assert_eq!(clock.reaches(Mark::BREACH), Some(at(10 * HOUR + 3 * HOUR + HOUR / 2)));
    assert_eq!(clock.next_due(None), Some((at(11 * HOUR + HOUR / 2), Mark::at(50))));
}

#[test]
fn a_clock_that_waits_reaches_no_mark() {
    let case =
        case(&[(0, CaseStatus::Opened, Severity::Critical), (HOUR, CaseStatus::WaitingOnCustomer, Severity::Critical)]);
    let clock = clock_of(ClockKind::Resolution, &case);
    assert_eq!(clock.next_due(None), None);
    assert_eq!(clock.at(at(1_000 * HOUR)).elapsed_millis, HOUR * 1_000);
}

#[test]
fn a63_elapsed_and_paused_time_survive_a_change_of_severity() {
    let news = |severity| {
        [
            (0, CaseStatus::Opened, Severity::Low),
            (HOUR, CaseStatus::WaitingOnCustomer, Severity::Low),
            (3 * HOUR, CaseStatus::InProgress, severity),
        ]
    };
    let now = at(6 * HOUR - 1);
    let (low, critical) = (case(&news(Severity::Low)), case(&news(Severity::Critical)));
    let (before, after) = (clock_of(ClockKind::Resolution, &low), clock_of(ClockKind::Resolution, &critical));
    assert_eq!((before.target_seconds, after.target_seconds), (48 * 3_600, 4 * 3_600));
    assert_eq!(before.at(now).elapsed_millis, after.at(now).elapsed_millis);
    assert_eq!(before.at(now).paused_millis, after.at(now).paused_millis);
    assert_eq!((after.at(now).state, after.at(at(6 * HOUR)).state), (ClockState::Running, ClockState::Breached));
}

#[test]
fn a_case_that_comes_back_goes_on_where_its_clock_stood() {
    let case = case(&[
        (0, CaseStatus::Opened, Severity::Critical),
        (HOUR, CaseStatus::Resolved, Severity::Critical),
        (50 * HOUR, CaseStatus::InProgress, Severity::Critical),
    ]);
    let clock = clock_of(ClockKind::Resolution, &case);
    assert_eq!(clock.at(at(51 * HOUR)).elapsed_millis, 2 * HOUR * 1_000);
    assert_eq!(clock.reaches(Mark::BREACH), Some(at(53 * HOUR)));
}

#[test]
fn marks_come_one_after_the_other() {
    let clock = clock_of(ClockKind::FirstResponse, &opened(Severity::Critical));
    assert_eq!(clock.next_due(None), Some((at(HOUR / 2), Mark::at(50))));
    assert_eq!(clock.next_due(Some(Mark::at(50))), Some((at(HOUR * 3 / 4), Mark::at(75))));
    assert_eq!(clock.next_due(Some(Mark::at(75))), Some((at(HOUR), Mark::BREACH)));
    assert_eq!(clock.next_due(Some(Mark::BREACH)), None);
}

/// Three tenants of one support desk: each with the calendar of its own place.
#[test]
fn a63_a_question_of_friday_evening_is_answered_within_the_working_hours_of_monday() {
    let hours = Hours::Work(crate::calendar::tests::berlin());
    let moment = |text: &str| text.parse::<Timestamp>().unwrap();
    let clock = Clock {
        kind: ClockKind::FirstResponse,
        started_at: moment("2026-11-20T16:30:00Z"),
        target_seconds: 4 * 3_600,
        pauses: Vec::new(),
        stopped_at: None,
        warn_percent: BTreeSet::from([50, 75]),
        hours: hours.into(),
    };
    assert_eq!(clock.reaches(Mark::BREACH), Some(moment("2026-11-23T12:00:00Z")));
    assert_eq!(clock.reaches(Mark::at(50)), Some(moment("2026-11-23T10:00:00Z")));
    let last = clock.at(moment("2026-11-23T11:59:59Z"));
    assert_eq!((last.state, last.remaining_millis), (ClockState::Running, 1_000));
    assert_eq!(clock.at(moment("2026-11-23T12:00:00Z")).state, ClockState::Breached);
    // Over Christmas it stands still, and a pause at night takes nothing away.
    let holiday = Clock {
        started_at: moment("2026-12-24T15:00:00Z"),
        pauses: vec![Stretch { from: moment("2026-12-24T20:00:00Z"), until: Some(moment("2026-12-28T06:00:00Z")) }],
        ..clock
    };
    assert_eq!(holiday.reaches(Mark::BREACH), Some(moment("2026-12-28T11:00:00Z")));
    assert_eq!(holiday.at(moment("2026-12-28T09:00:00Z")).paused_millis, 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    /// In three places, over changes of the clocks and holidays: counted minute by minute.
    #[test]
    fn a63_a_clock_equals_a_count_minute_by_minute(
        calendar in crate::calendar::hours::tests::any_calendar(), first in 20_500..20_790_i64,
        steps in prop::collection::vec(1..900_i64, 0..8), target in 1..3_000_u32, probe in 0..9_000_i64,
    ) {
        let minute = |number: i64| Timestamp::from_second(first * 86_400 + number * 60).unwrap();
        // Runs and rests in turn; the last rest ends.
        let mut edges: Vec<i64> = steps.iter().scan(0, |at, step| { *at += step; Some(*at) }).collect();
        edges.truncate(edges.len() / 2 * 2);
        let pauses: Vec<Stretch> =
            edges.chunks(2).map(|pair| Stretch { from: minute(pair[0]), until: Some(minute(pair[1])) }).collect();
        let clock = Clock {
            kind: ClockKind::Resolution,
            started_at: minute(0),
            target_seconds: target * 60,
            pauses: pauses.clone(),
            stopped_at: None,
            warn_percent: BTreeSet::new(),
            hours: Hours::Work(calendar.clone()).into(),
        };
        let (mut elapsed, mut paused, mut closed, mut breach) = (0_i64, 0_i64, 0_i64, None);
        for number in 0..probe {
            let at = minute(number);
            if !calendar.is_open(at) {
                closed += 1;
            } else if pauses.iter().any(|pause| pause.from <= at && pause.until.is_some_and(|until| at < until)) {
                paused += 1;
            } else {
                elapsed += 1;
                if elapsed == i64::from(target) {
                    breach = Some(minute(number + 1));
                }
            }
        }
        let reading = clock.at(minute(probe));
        prop_assert_eq!(
            (reading.elapsed_millis, reading.paused_millis, reading.closed_millis),
            (elapsed * 60_000, paused * 60_000, closed * 60_000)
        );
        prop_assert_eq!(elapsed + paused + closed, probe, "nothing is lost");
        prop_assert_eq!(reading.state == ClockState::Breached, breach.is_some());
        prop_assert_eq!(clock.reaches(Mark::BREACH).filter(|at| *at <= minute(probe)), breach);
    }
}

proptest! {
    /// At every moment elapsed and paused time add up to the time since the start, and the mark agrees with the reading.
    #[test]
    fn readings_and_marks_agree(
        steps in prop::collection::vec((1..20_000_i64, prop::sample::select(vec![
            CaseStatus::WaitingOnCustomer, CaseStatus::InProgress, CaseStatus::Resolved,
        ])), 0..12),
        probe in 0..300_000_i64,
    ) {
        let mut seconds = 0;
        let mut news = vec![(0, CaseStatus::Opened, Severity::Critical)];
        for (later, status) in steps {
            seconds += later;
            news.push((seconds, status, Severity::Critical));
        }
        let clock = clock_of(ClockKind::Resolution, &case(&news));
        // Pauses are known up to the last news; what comes after is asked of that.
        let now = at(seconds + probe);
        let reading = clock.at(now);
        let end = clock.stopped_at.map_or(now, |stop| stop.min(now));
        prop_assert_eq!(reading.elapsed_millis + reading.paused_millis, millis(at(0), end));
        prop_assert_eq!(reading.state == ClockState::Breached, clock.reaches(Mark::BREACH).is_some_and(|at| at <= now));
        for mark in clock.marks() {
            if let Some(moment) = clock.reaches(mark) {
                let share = i64::from(clock.target_seconds) * 10 * i64::from(mark.percent());
                prop_assert_eq!(clock.at(moment).elapsed_millis, share);
            }
        }
    }
}

/// Nine to five on working days, in a place.
fn office(zone: &str, holidays: &[&str]) -> Hours {
    let days = [Weekday::Monday, Weekday::Tuesday, Weekday::Wednesday, Weekday::Thursday, Weekday::Friday];
    let time = |hour| jiff::civil::Time::constant(hour, 0, 0, 0);
    let holidays = holidays.iter().map(|day| day.parse().unwrap()).collect();
    Hours::Work(WorkCalendar::new(Zone::new(zone).unwrap(), days.into(), time(9), time(17), holidays).unwrap())
}

/// A case opened at a moment under these hours breaches so, to the second.
#[track_caller]
fn breaches(hours: &Hours, opened: &str, seconds: u32, expected: &str) {
    let (opened, expected): (Timestamp, Timestamp) = (opened.parse().unwrap(), expected.parse().unwrap());
    let clock = Clock {
        kind: ClockKind::Resolution,
        started_at: opened,
        target_seconds: seconds,
        pauses: Vec::new(),
        stopped_at: None,
        warn_percent: BTreeSet::from([50, 75]),
        hours: hours.clone().into(),
    };
    assert_eq!(clock.reaches(Mark::BREACH), Some(expected));
    assert_eq!(clock.at(after(expected, -1_000)).state, ClockState::Running, "59:59 is met");
    assert_eq!(clock.at(after(expected, -1_000)).remaining_millis, 1_000);
    assert_eq!(clock.at(expected).state, ClockState::Breached, "1:00:00 is breached");
}

#[test]
fn a63_a_question_of_friday_half_past_five_ends_on_monday_in_three_places() {
    // 17:30 there, and Monday at 17:00: eight hours.
    breaches(&office(ZONES[0], &[]), "2026-11-20T16:30:00Z", 8 * 3_600, "2026-11-23T16:00:00Z");
    breaches(&office(ZONES[1], &[]), "2026-11-20T22:30:00Z", 8 * 3_600, "2026-11-23T22:00:00Z");
    breaches(&office(ZONES[2], &[]), "2026-11-20T06:30:00Z", 8 * 3_600, "2026-11-23T06:00:00Z");
}

#[test]
fn a63_clocks_that_go_forward_or_back_over_a_weekend_move_no_working_hour_in_three_places() {
    // From 16:00 on Friday to 10:00 on Monday there: two hours, whatever the clocks did on Sunday.
    let two_hours = 2 * 3_600;
    breaches(&office(ZONES[0], &[]), "2026-03-27T15:00:00Z", two_hours, "2026-03-30T08:00:00Z");
    breaches(&office(ZONES[0], &[]), "2026-10-23T14:00:00Z", two_hours, "2026-10-26T09:00:00Z");
    breaches(&office(ZONES[1], &[]), "2026-03-06T21:00:00Z", two_hours, "2026-03-09T14:00:00Z");
    breaches(&office(ZONES[1], &[]), "2026-10-30T20:00:00Z", two_hours, "2026-11-02T15:00:00Z");
    breaches(&office(ZONES[2], &[]), "2026-04-03T05:00:00Z", two_hours, "2026-04-06T00:00:00Z");
    breaches(&office(ZONES[2], &[]), "2026-10-02T06:00:00Z", two_hours, "2026-10-04T23:00:00Z");
}

#[test]
fn a63_holidays_of_a_place_do_not_count_there() {
    // Christmas is a Friday: from 16:00 on the eve to 10:00 on Monday.
    let eve = "2026-12-24T15:00:00Z";
    breaches(&office(ZONES[0], &["2026-12-25"]), eve, 7_200, "2026-12-28T09:00:00Z");
    breaches(&office(ZONES[0], &[]), eve, 7_200, "2026-12-25T09:00:00Z");
    // Thanksgiving and the day after, where they are kept.
    breaches(&office(ZONES[1], &["2026-11-26", "2026-11-27"]), "2026-11-25T21:00:00Z", 7_200, "2026-11-30T15:00:00Z");
    // Australia Day is a Monday.
    breaches(&office(ZONES[2], &["2026-01-26"]), "2026-01-23T05:00:00Z", 7_200, "2026-01-26T23:00:00Z");
}

#[test]
fn a63_an_hour_that_comes_twice_counts_twice_where_all_hours_count() {
    breaches(&Hours::All, "2026-10-24T22:00:00Z", 8 * 3_600, "2026-10-25T06:00:00Z");
}

/// News as seconds, status, and the channel by which they came.
fn through(all: &[(i64, CaseStatus, Option<Channel>)]) -> Case {
    let news = |(seconds, status, channel): &(i64, CaseStatus, Option<Channel>)| News {
        at: at(*seconds),
        status: *status,
        severity: Severity::Medium,
        source: SourceId::new("desk").unwrap(),
        id: SignalId::new(format!("n{seconds}")).unwrap(),
        about: About { channel: *channel, ..About::default() },
    };
    let (mut case, _) = Case::new(CaseId::new("c").unwrap(), news(&all[0]));
    all[1..].iter().for_each(|one| drop(case.record(news(one))));
    case
}

#[test]
fn a64_a_chat_outside_of_its_hours_begins_its_clock_when_chat_opens() {
    let chat = [(Channel::Chat, office("UTC", &[]))].into();
    let policy = SlaPolicy { channels: chat, ..policy() };
    // The tests' moment is a Tuesday at 22:13:20: chat opens on Wednesday at nine.
    let nine = 10 * HOUR + 46 * 60 + 40;
    let begins = |channel| {
        let case = through(&[(0, CaseStatus::Opened, channel)]);
        let clock = clock_under(ClockKind::FirstResponse, &case, &policy, None).unwrap();
        (clock.started_at, clock.reaches(Mark::BREACH).unwrap())
    };
    assert_eq!(begins(Some(Channel::Chat)), (at(nine), at(nine + 4 * HOUR)));
    for channel in [None, Some(Channel::Email), Some(Channel::Phone), Some(Channel::Portal), Some(Channel::Emergency)] {
        assert_eq!(begins(channel), (at(0), at(4 * HOUR)), "{channel:?} is open at any hour");
    }
    // Who answers before is early, not late.
    let early = through(&[(0, CaseStatus::Opened, Some(Channel::Chat)), (60, CaseStatus::Responded, None)]);
    let clock = clock_under(ClockKind::FirstResponse, &early, &policy, None).unwrap();
    assert_eq!((clock.at(at(nine * 9)).state, clock.reaches(Mark::BREACH)), (ClockState::Met, None));
}

#[test]
fn a95_a_case_that_goes_from_email_to_chat_keeps_its_clock() {
    let policy = SlaPolicy { channels: [(Channel::Chat, office("UTC", &[]))].into(), ..policy() };
    let clock = |case: &Case| clock_under(ClockKind::Resolution, case, &policy, None).unwrap();
    let mut news = vec![(0, CaseStatus::Opened, Some(Channel::Email)), (HOUR, CaseStatus::WaitingOnCustomer, None)];
    news.push((3 * HOUR, CaseStatus::InProgress, None));
    let by_email = clock(&through(&news));
    news.push((4 * HOUR, CaseStatus::InProgress, Some(Channel::Chat)));
    news.push((5 * HOUR, CaseStatus::InProgress, Some(Channel::Phone)));
    assert_eq!(clock(&through(&news)), by_email, "unbroken");
    assert_eq!(by_email.at(at(5 * HOUR)).elapsed_millis, 3 * HOUR * 1_000);
    assert_eq!(by_email.at(at(5 * HOUR)).paused_millis, 2 * HOUR * 1_000);
}

#[test]
fn a60_a_customer_who_comes_back_is_answered_within_the_next_response_time() {
    let all = [
        (0, CaseStatus::Opened, Severity::Critical),
        (HOUR / 6, CaseStatus::WaitingOnCustomer, Severity::Critical),
        (2 * HOUR, CaseStatus::InProgress, Severity::Critical),
    ];
    assert!(clock_under(ClockKind::NextResponse, &case(&all[..2]), &policy(), None).is_none(), "nobody waits for it");
    let waiting = clock_of(ClockKind::NextResponse, &case(&all));
    let due = 2 * HOUR + HOUR / 2;
    assert_eq!(waiting.at(at(due - 1)).state, ClockState::Running);
    assert_eq!(waiting.at(at(due)).state, ClockState::Breached);
    for (seconds, state) in [(due - 1, ClockState::Met), (due, ClockState::Breached)] {
        let answered = [&all[..], &[(seconds, CaseStatus::Responded, Severity::Critical)]].concat();
        assert_eq!(clock_of(ClockKind::NextResponse, &case(&answered)).at(at(9 * HOUR)).state, state);
        // It begins anew when they come back again.
        let again = [
            &answered[..],
            &[(5 * HOUR, CaseStatus::WaitingOnCustomer, Severity::Critical)],
            &[(6 * HOUR, CaseStatus::InProgress, Severity::Critical)],
        ];
        let again = clock_of(ClockKind::NextResponse, &case(&again.concat()));
        assert_eq!((again.started_at, again.at(at(6 * HOUR + 1)).elapsed_millis), (at(6 * HOUR), 1_000));
    }
    let without = SlaPolicy { critical: Targets { next_response_seconds: None, ..policy().critical }, ..policy() };
    assert!(clock_under(ClockKind::NextResponse, &case(&all), &without, None).is_none(), "no target, no clock");
}

#[test]
fn a60_a_clock_begins_earlier_or_anew_where_somebody_says_so() {
    let all = [
        (0, CaseStatus::Opened, Severity::Critical),
        (HOUR / 2, CaseStatus::Responded, Severity::Critical),
        (HOUR, CaseStatus::WaitingOnCustomer, Severity::Critical),
        (2 * HOUR, CaseStatus::InProgress, Severity::Critical),
    ];
    let since = |kind, seconds| clock_under(kind, &case(&all), &policy(), Some(at(seconds))).unwrap();
    // The customer had called half an hour before: it was answered after an hour, which is too late.
    let early = since(ClockKind::FirstResponse, -HOUR / 2);
    assert_eq!(early.at(at(9 * HOUR)).state, ClockState::Breached);
    assert_eq!(since(ClockKind::Resolution, -HOUR / 2).at(at(3 * HOUR)).elapsed_millis, (5 * HOUR / 2) * 1_000);
    // Begun anew in the middle of a pause: what was before does not count, neither as work nor as rest.
    let anew = since(ClockKind::Resolution, HOUR + HOUR / 2).at(at(3 * HOUR));
    assert_eq!((anew.elapsed_millis, anew.paused_millis), (HOUR * 1_000, HOUR * 500));
    assert_eq!(since(ClockKind::FirstResponse, HOUR / 2).stopped_at, Some(at(HOUR)), "an answer before it is none");
}

#[test]
fn a63_hours_that_change_count_from_then_on_and_no_pause_is_lost() {
    // 24 hours a day until Tuesday at 23:13:20, an hour after the opening; office hours from then on.
    let mut terms = Terms::from(Hours::All);
    terms.change(at(HOUR), &office("UTC", &[]));
    terms.change(at(HOUR), &office("UTC", &[]));
    assert_eq!(terms.latest(), &office("UTC", &[]));
    let resting = case(&[
        (0, CaseStatus::Opened, Severity::Critical),
        (HOUR / 2, CaseStatus::WaitingOnCustomer, Severity::Critical),
        (12 * HOUR, CaseStatus::InProgress, Severity::Critical),
    ]);
    let under = Under { severity: Severity::Critical, policy: &policy(), terms: &terms, since: None };
    let clock = Clock::of(ClockKind::Resolution, &resting, &under).unwrap();
    let change = clock.at(at(HOUR));
    assert_eq!((change.elapsed_millis, change.paused_millis), (HOUR * 500, HOUR * 500), "as it was counted");
    let nine = 10 * HOUR + 46 * 60 + 40;
    let later = clock.at(at(12 * HOUR));
    assert_eq!(later.elapsed_millis, HOUR * 500);
    assert_eq!(later.paused_millis, HOUR * 500 + (12 * HOUR - nine) * 1_000);
    assert_eq!(later.closed_millis, (nine - HOUR) * 1_000);
    assert_eq!(clock.reaches(Mark::BREACH), Some(at(12 * HOUR + 7 * HOUR / 2)));
    let text = serde_json::to_string(&terms).unwrap();
    assert_eq!(serde_json::from_str::<Terms>(&text).unwrap(), terms);
}

/// Hours that count in turn: all of them, or those of a place.
fn any_terms() -> impl Strategy<Value = (Terms, Vec<i64>)> {
    let hours = prop_oneof![Just(Hours::All), any_calendar().prop_map(Hours::Work)];
    (hours.clone(), prop::collection::vec((1..3_000_i64, hours), 0..4), 20_500..20_790_i64).prop_map(
        |(first, changes, day)| {
            let (mut terms, mut minute, mut changed) = (Terms::from(first), 0, vec![day]);
            for (later, hours) in changes {
                minute += later;
                terms.change(Timestamp::from_second(day * 86_400 + minute * 60).unwrap(), &hours);
                changed.push(minute);
            }
            (terms, changed)
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    /// Over calendars in three places, changes of the hours and pauses: minute by minute, nothing is lost, and it never goes
    /// back.
    #[test]
    fn a63_elapsed_paused_and_closed_time_are_all_time_whatever_changes(
        (terms, changed) in any_terms(), steps in prop::collection::vec(1..900_i64, 0..8), target in 1..3_000_u32,
    ) {
        let minute = |number: i64| Timestamp::from_second(changed[0] * 86_400 + number * 60).unwrap();
        let mut edges: Vec<i64> = steps.iter().scan(0, |at, step| { *at += step; Some(*at) }).collect();
        edges.truncate(edges.len() / 2 * 2);
        let pauses: Vec<Stretch> =
            edges.chunks(2).map(|pair| Stretch { from: minute(pair[0]), until: Some(minute(pair[1])) }).collect();
        let clock = Clock {
            kind: ClockKind::Resolution,
            started_at: minute(0),
            target_seconds: target * 60,
            pauses: pauses.clone(),
            stopped_at: None,
            warn_percent: BTreeSet::from([50]),
            hours: terms.clone(),
        };
        let (mut elapsed, mut paused, mut closed, mut breach) = (0_i64, 0_i64, 0_i64, None);
        let mut before = clock.at(minute(0));
        for number in 0..9_000 {
            let at = minute(number);
            if !terms.contain(at) {
                closed += 1;
            } else if pauses.iter().any(|pause| pause.from <= at && pause.until.is_some_and(|until| at < until)) {
                paused += 1;
            } else {
                elapsed += 1;
                if elapsed == i64::from(target) {
                    breach = Some(minute(number + 1));
                }
            }
            if number % 97 == 0 {
                let reading = clock.at(minute(number + 1));
                prop_assert_eq!(
                    (reading.elapsed_millis, reading.paused_millis, reading.closed_millis),
                    (elapsed * 60_000, paused * 60_000, closed * 60_000)
                );
                prop_assert_eq!(elapsed + paused + closed, number + 1);
                prop_assert!(reading.elapsed_millis >= before.elapsed_millis && reading.paused_millis >= before.paused_millis);
                prop_assert!(before.state != ClockState::Breached || reading.state == ClockState::Breached);
                before = reading;
            }
        }
        prop_assert_eq!(clock.reaches(Mark::BREACH).filter(|at| *at <= minute(9_000)), breach);
    }

    /// News of one moment come in any order: the clocks are the same.
    #[test]
    fn a63_the_order_of_news_of_one_moment_does_not_matter(
        (all, shuffled) in prop::collection::vec((0..4_i64, 0..5_usize, 0..4_usize), 1..12)
            .prop_flat_map(|all| (Just(all.clone()), Just(all).prop_shuffle())),
    ) {
        let statuses = [
            CaseStatus::Opened, CaseStatus::Responded, CaseStatus::WaitingOnCustomer, CaseStatus::InProgress,
            CaseStatus::Resolved,
        ];
        let made = |all: &[(i64, usize, usize)]| {
            case(&all.iter().map(|(hour, status, severity)| (hour * HOUR, statuses[*status], Severity::ALL[*severity])).collect::<Vec<_>>())
        };
        // Each piece of news has a name of its own: that of its place would be another in another order.
        let named = |all: &[(i64, usize, usize)]| {
            let mut case = made(&all[..1]);
            for (hour, status, severity) in all {
                case.record(News {
                    at: at(hour * HOUR),
                    status: statuses[*status],
                    severity: Severity::ALL[*severity],
                    source: SourceId::new("desk").unwrap(),
                    id: SignalId::new(format!("{hour}-{status}-{severity}")).unwrap(),
                    about: About::default(),
                });
            }
            case
        };
        prop_assume!(all[0] == shuffled[0]);
        for kind in ClockKind::ALL {
            let (one, other) = (named(&all), named(&shuffled));
            let clock = |case: &Case| clock_under(kind, case, &policy(), None);
            prop_assert_eq!(clock(&one), clock(&other));
        }
    }
}

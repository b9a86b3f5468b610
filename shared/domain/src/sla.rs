//! Service level clocks: first response and resolution, in the hours that the contract counts.
//!
//! A clock is a function of its start, its pauses, its end and its target, so time that passed is never lost when the
//! severity (and with it the target) changes. 59 min 59 s of one hour is met, one hour is breached. Times are taken to
//! the millisecond.

pub mod breach;

use crate::calendar::Hours;
use crate::case::{Case, Stretch};
use crate::signal::Severity;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The longest target, in seconds: 400 days.
pub const MAX_SECONDS: u32 = 400 * 86_400;

/// What a clock measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClockKind {
    /// Until somebody answers.
    FirstResponse,
    /// Until it is solved.
    Resolution,
}

impl ClockKind {
    /// Both.
    pub const ALL: [Self; 2] = [Self::FirstResponse, Self::Resolution];

    /// The kind as it is written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::FirstResponse => "first_response",
            Self::Resolution => "resolution",
        }
    }
}

/// The targets of a severity, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Targets {
    /// Until somebody answers.
    pub first_response_seconds: u32,
    /// Until it is solved.
    pub resolution_seconds: u32,
}

impl Targets {
    /// The target of a clock.
    pub const fn of(&self, kind: ClockKind) -> u32 {
        match kind {
            ClockKind::FirstResponse => self.first_response_seconds,
            ClockKind::Resolution => self.resolution_seconds,
        }
    }
}

/// The targets for every severity, the marks before them and the hours that count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SlaPolicy {
    /// Production is down.
    pub critical: Targets,
    /// Degraded.
    pub high: Targets,
    /// Minor.
    pub medium: Targets,
    /// A question.
    pub low: Targets,
    /// Percentages of the target at which a clock warns, each 1-99.
    pub warn_percent: BTreeSet<u8>,
    /// Which hours count.
    pub hours: Hours,
}

impl SlaPolicy {
    /// The targets of a severity: there is no severity without.
    pub const fn targets(&self, severity: Severity) -> Targets {
        match severity {
            Severity::Critical => self.critical,
            Severity::High => self.high,
            Severity::Medium => self.medium,
            Severity::Low => self.low,
        }
    }
}

/// A share of the target, in percent, at which something is said. 100 is the breach.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Mark(u8);

impl Mark {
    /// The target is reached.
    pub const BREACH: Self = Self(100);

    /// A mark at so many percent, at most 100.
    pub const fn at(percent: u8) -> Self {
        Self(if percent > 100 { 100 } else { percent })
    }

    /// In percent of the target.
    pub const fn percent(self) -> u8 {
        self.0
    }
}

/// A clock that runs against a target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Clock {
    /// What it measures.
    pub kind: ClockKind,
    /// When it started.
    pub started_at: Timestamp,
    /// How long it may run.
    pub target_seconds: u32,
    /// When it stood still: in order, without overlap, only the last one open.
    pub pauses: Vec<Stretch>,
    /// When what it measures was reached.
    pub stopped_at: Option<Timestamp>,
    /// Percentages at which it warns.
    pub warn_percent: BTreeSet<u8>,
    /// Which hours count.
    pub hours: Hours,
}

/// How a clock stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClockState {
    /// It runs.
    Running,
    /// It stands still.
    Paused,
    /// Reached in time.
    Met,
    /// The target has passed.
    Breached,
}

/// What a clock shows at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reading {
    /// Time that counts, in milliseconds.
    pub elapsed_millis: i64,
    /// Time that would have counted, had it not stood still, in milliseconds.
    pub paused_millis: i64,
    /// Time outside of the hours that count, in milliseconds. The three together are all the time since its start.
    pub closed_millis: i64,
    /// Time left, in milliseconds; negative after the breach.
    pub remaining_millis: i64,
    /// How it stands.
    pub state: ClockState,
}

impl Clock {
    /// A case's clock under a policy.
    pub fn of(kind: ClockKind, case: &Case, policy: &SlaPolicy) -> Self {
        let stopped_at = match kind {
            ClockKind::FirstResponse => case.responded_at(),
            ClockKind::Resolution => case.resolved_at(),
        };
        Self {
            kind,
            started_at: case.opened_at(),
            target_seconds: policy.targets(case.severity()).of(kind),
            pauses: case
                .resting()
                .into_iter()
                .filter(|pause| stopped_at.is_none_or(|stop| pause.from < stop))
                .collect(),
            stopped_at,
            warn_percent: policy.warn_percent.clone(),
            hours: policy.hours.clone(),
        }
    }

    /// What it shows at a moment.
    pub fn at(&self, now: Timestamp) -> Reading {
        let end = self.stopped_at.map_or(now, |stop| stop.min(now)).max(self.started_at);
        let paused_millis = self.pauses.iter().map(|pause| self.overlap(pause, end)).sum();
        let counted = self.hours.millis_between(self.started_at, end);
        let closed_millis = millis(self.started_at, end).saturating_sub(counted);
        let elapsed_millis = counted.saturating_sub(paused_millis);
        let target = self.target_millis();
        let state = if elapsed_millis >= target {
            ClockState::Breached
        } else if self.stopped_at.is_some_and(|stop| stop <= now) {
            ClockState::Met
        } else if self.pauses.iter().any(|pause| pause.from <= now && pause.until.is_none_or(|until| now < until)) {
            ClockState::Paused
        } else {
            ClockState::Running
        };
        let remaining_millis = target.saturating_sub(elapsed_millis);
        Reading { elapsed_millis, paused_millis, closed_millis, remaining_millis, state }
    }

    /// The moment at which it reaches a mark, by what is known of its pauses and its end; nothing if it never does.
    pub fn reaches(&self, mark: Mark) -> Option<Timestamp> {
        // A target is whole seconds, so every percentage of it is whole milliseconds.
        let needed = i64::from(self.target_seconds) * 10 * i64::from(mark.percent());
        let mut at = self.hours.later(self.started_at, needed)?;
        for pause in &self.pauses {
            if at <= pause.from {
                break;
            }
            let rested = self.hours.millis_between(pause.from.max(self.started_at), pause.until?);
            at = self.hours.later(at, rested)?;
        }
        self.stopped_at.is_none_or(|stop| at <= stop).then_some(at)
    }

    /// The marks that it has, in their order; the breach is the last.
    pub fn marks(&self) -> impl Iterator<Item = Mark> {
        self.warn_percent.iter().map(|percent| Mark::at(*percent)).chain([Mark::BREACH])
    }

    /// The first mark after `told` that it will reach as it stands now, and when.
    pub fn next_due(&self, told: Option<Mark>) -> Option<(Timestamp, Mark)> {
        let open = self.marks().filter(|mark| told.is_none_or(|told| *mark > told));
        open.filter_map(|mark| Some((self.reaches(mark)?, mark))).next()
    }

    fn target_millis(&self) -> i64 {
        i64::from(self.target_seconds) * 1_000
    }

    fn overlap(&self, pause: &Stretch, end: Timestamp) -> i64 {
        let until = pause.until.map_or(end, |until| until.min(end));
        self.hours.millis_between(pause.from.max(self.started_at), until)
    }
}

fn millis(from: Timestamp, until: Timestamp) -> i64 {
    until.as_millisecond().saturating_sub(from.as_millisecond())
}

/// That many milliseconds later; a moment past the end of time is the end of time.
pub(crate) fn after(moment: Timestamp, millis: i64) -> Timestamp {
    Timestamp::from_millisecond(moment.as_millisecond().saturating_add(millis)).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::News;
    use crate::id::{CaseId, SignalId, SourceId};
    use crate::signal::CaseStatus;
    use proptest::prelude::*;

    const HOUR: i64 = 3_600;

    fn policy() -> SlaPolicy {
        let targets =
            |first: u32, last: u32| Targets { first_response_seconds: first * 3_600, resolution_seconds: last * 3_600 };
        SlaPolicy {
            critical: targets(1, 4),
            high: targets(2, 8),
            medium: targets(4, 24),
            low: targets(8, 48),
            warn_percent: BTreeSet::from([50, 75]),
            hours: Hours::All,
        }
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
        let running = Clock::of(kind, &opened(severity), &policy());
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
            let clock = Clock::of(kind, &case, &policy());
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
        let clock = Clock::of(ClockKind::FirstResponse, &opened(Severity::Critical), &policy());
        assert_eq!(clock.at(after(at(HOUR), -1)).state, ClockState::Running);
    }

    #[test]
    fn a_clock_stands_still_while_waiting_on_the_customer() {
        let case = case(&[
            (0, CaseStatus::Opened, Severity::Critical),
            (HOUR / 2, CaseStatus::WaitingOnCustomer, Severity::Critical),
            (10 * HOUR, CaseStatus::InProgress, Severity::Critical),
        ]);
        let clock = Clock::of(ClockKind::Resolution, &case, &policy());
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
        let case = case(&[
            (0, CaseStatus::Opened, Severity::Critical),
            (HOUR, CaseStatus::WaitingOnCustomer, Severity::Critical),
        ]);
        let clock = Clock::of(ClockKind::Resolution, &case, &policy());
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
        let (before, after) =
            (Clock::of(ClockKind::Resolution, &low, &policy()), Clock::of(ClockKind::Resolution, &critical, &policy()));
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
        let clock = Clock::of(ClockKind::Resolution, &case, &policy());
        assert_eq!(clock.at(at(51 * HOUR)).elapsed_millis, 2 * HOUR * 1_000);
        assert_eq!(clock.reaches(Mark::BREACH), Some(at(53 * HOUR)));
    }

    #[test]
    fn marks_come_one_after_the_other() {
        let clock = Clock::of(ClockKind::FirstResponse, &opened(Severity::Critical), &policy());
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
            hours,
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
                hours: Hours::Work(calendar.clone()),
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
            let clock = Clock::of(ClockKind::Resolution, &case(&news), &policy());
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
}

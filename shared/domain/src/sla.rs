//! Service level clocks: first response and resolution.
//!
//! A clock is a function of its start, its pauses, its end and its target, so time that passed is never lost when the
//! severity (and with it the target) changes. 59 min 59 s of one hour is met, one hour is breached. Times are taken to
//! the millisecond.

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

/// Which hours count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Calendar {
    /// Every hour of every day.
    AllHours,
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
    pub calendar: Calendar,
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
    /// Time that it stood still, in milliseconds.
    pub paused_millis: i64,
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
            pauses: case.resting().into_iter().filter(|pause| stopped_at.is_none_or(|stop| pause.from < stop)).collect(),
            stopped_at,
            warn_percent: policy.warn_percent.clone(),
        }
    }

    /// What it shows at a moment.
    pub fn at(&self, now: Timestamp) -> Reading {
        let end = self.stopped_at.map_or(now, |stop| stop.min(now)).max(self.started_at);
        let paused_millis = self.pauses.iter().map(|pause| self.overlap(pause, end)).sum();
        let elapsed_millis = millis(self.started_at, end).saturating_sub(paused_millis);
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
        Reading { elapsed_millis, paused_millis, remaining_millis: target.saturating_sub(elapsed_millis), state }
    }

    /// The moment at which it reaches a mark, by what is known of its pauses and its end; nothing if it never does.
    pub fn reaches(&self, mark: Mark) -> Option<Timestamp> {
        // A target is whole seconds, so every percentage of it is whole milliseconds.
        let needed = i64::from(self.target_seconds) * 10 * i64::from(mark.percent());
        let mut at = after(self.started_at, needed);
        for pause in &self.pauses {
            if at <= pause.from {
                break;
            }
            at = after(at, millis(pause.from.max(self.started_at), pause.until?));
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
        millis(pause.from.max(self.started_at), until).max(0)
    }
}

fn millis(from: Timestamp, until: Timestamp) -> i64 {
    until.as_millisecond().saturating_sub(from.as_millisecond())
}

/// That many milliseconds later; a moment past the end of time is the end of time.
pub(crate) fn after(moment: Timestamp, millis: i64) -> Timestamp {
    Timestamp::from_millisecond(moment.as_millisecond().saturating_add(millis)).unwrap_or(Timestamp::MAX)
}

//! Service level clocks: first response, next response and resolution, in the hours that the contract counts.
//!
//! A clock is a function of its start, its pauses, its end and its target, so time that passed is never lost when the
//! severity (and with it the target), the contract or the channel changes: hours that came to count later count from then
//! on ([`Terms`]). 59 min 59 s of one hour is met, one hour is breached. Times are taken to the millisecond.

pub mod breach;
mod terms;

pub use terms::{MAX_CHANGES, Terms};

use crate::calendar::Hours;
use crate::case::{Case, Stretch};
use crate::signal::{CaseStatus, Channel, Severity};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The longest target, in seconds: 400 days.
pub const MAX_SECONDS: u32 = 400 * 86_400;

/// What a clock measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClockKind {
    /// Until somebody answers.
    FirstResponse,
    /// Until a customer who came back is answered; begins anew each time.
    NextResponse,
    /// Until it is solved.
    Resolution,
}

impl ClockKind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::FirstResponse, Self::NextResponse, Self::Resolution];

    /// The kind as it is written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::FirstResponse => "first_response",
            Self::NextResponse => "next_response",
            Self::Resolution => "resolution",
        }
    }
}

/// The targets of a severity, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Targets {
    /// Until somebody answers.
    pub first_response_seconds: u32,
    /// Until a customer who came back is answered; there is no such clock where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_response_seconds: Option<u32>,
    /// Until it is solved.
    pub resolution_seconds: u32,
}

impl Targets {
    /// The target of a clock, if it has one.
    pub const fn of(&self, kind: ClockKind) -> Option<u32> {
        match kind {
            ClockKind::FirstResponse => Some(self.first_response_seconds),
            ClockKind::NextResponse => self.next_response_seconds,
            ClockKind::Resolution => Some(self.resolution_seconds),
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
    /// When a channel is open that is not open always: clocks of what comes by it begin when it opens.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub channels: BTreeMap<Channel, Hours>,
}

impl SlaPolicy {
    /// When the clocks of a case begin: when it was opened, or when the channel next opens by which it was. Whichever way it
    /// goes later, that stays.
    pub fn begins(&self, case: &Case) -> Timestamp {
        let opened_at = case.opened_at();
        let channel = case.opened_by().and_then(|channel| self.channels.get(&channel));
        channel.and_then(|hours| hours.opens(opened_at)).unwrap_or(opened_at)
    }

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
    pub hours: Terms,
}

/// What the clocks of a case run under.
#[derive(Debug, Clone, Copy)]
pub struct Under<'a> {
    /// How bad it is.
    pub severity: Severity,
    /// The targets.
    pub policy: &'a SlaPolicy,
    /// The hours that count, with those that counted before.
    pub terms: &'a Terms,
    /// From when on somebody lets them count instead: earlier than the opening, or anew.
    pub since: Option<Timestamp>,
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
    /// A case's clock, if it has one of this kind: of the next response, the latest.
    pub fn of(kind: ClockKind, case: &Case, under: &Under<'_>) -> Option<Self> {
        Self::all_of(kind, case, under).pop()
    }

    /// All clocks of a kind that a case has had, in their order: more than one of the next response.
    pub fn all_of(kind: ClockKind, case: &Case, under: &Under<'_>) -> Vec<Self> {
        let Under { severity, policy, since, .. } = *under;
        let Some(target_seconds) = policy.targets(severity).of(kind) else { return Vec::new() };
        // What was answered before the clock began anew does not stop it.
        let counts = |at: Timestamp| since.is_none_or(|since| at > since);
        let begins = || since.unwrap_or_else(|| policy.begins(case));
        let stretches = match kind {
            ClockKind::FirstResponse => {
                let answer = case.news().find(|news| news.status != CaseStatus::Opened && counts(news.at));
                vec![(begins(), answer.map(|news| news.at))]
            }
            ClockKind::NextResponse => {
                let rounds = case.awaiting().into_iter().filter(|round| round.until.is_none_or(counts));
                rounds.map(|round| (since.map_or(round.from, |since| since.max(round.from)), round.until)).collect()
            }
            ClockKind::Resolution => vec![(begins(), case.resolved_at())],
        };
        let resting = case.resting();
        let clock = |(started_at, stopped_at): (Timestamp, Option<Timestamp>)| {
            let within = |pause: &&Stretch| {
                stopped_at.is_none_or(|stop| pause.from < stop) && pause.until.is_none_or(|until| until > started_at)
            };
            Self {
                kind,
                started_at,
                target_seconds,
                pauses: resting.iter().filter(within).copied().collect(),
                stopped_at,
                warn_percent: policy.warn_percent.clone(),
                hours: under.terms.clone(),
            }
        };
        stretches.into_iter().map(clock).collect()
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
mod tests;

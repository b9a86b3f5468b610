//! Hours at which a tier is open and nobody is on duty.
//!
//! Exact, not sampled: who is on duty changes at the edges of shifts and of absences alone, and both are laid out with
//! the changes of the clocks from the roster's first day on, for more than a year and until the last absence has ended.

use super::{CHECKED_DAYS, Roster, RosterFault, Shift, Tier, check};
use crate::calendar::hours::Window;
use crate::day::Day;
use crate::escalation::Role;
use jiff::Timestamp;
use std::collections::BTreeSet;

const DAY: i64 = 86_400_000;

/// A fault for each tier with gaps: the first one by its hours, and how many there are.
pub(super) fn gaps(roster: &Roster, from: Day) -> Vec<RosterFault> {
    let absences = roster.absences.values().flatten();
    let last = check::last_day(from, absences.map(|absence| absence.last));
    let (begin, end) = (from.start().as_millisecond(), last.start().as_millisecond());
    let fault = |(index, tier): (usize, Tier)| {
        let plan = roster.tier(tier);
        let covered = covered(roster, plan.role, begin, end);
        let mut gaps = Vec::new();
        let mut at = begin;
        while at < end {
            let next = (at + 32 * DAY).min(end);
            gaps.extend(plan.hours.windows(at, next).into_iter().flat_map(|open| without(open, &covered)));
            at = next;
        }
        let reason = words(roster, plan.role, &joined(gaps))?;
        Some(RosterFault { path: format!("tiers[{index}]"), reason })
    };
    Tier::ALL.into_iter().enumerate().filter_map(fault).collect()
}

/// When somebody of a role is on duty, in order and apart from each other.
fn covered(roster: &Roster, role: Role, begin: i64, end: i64) -> Vec<Window> {
    let shifts = roster.schedules.iter().filter(|schedule| schedule.role == role).flat_map(|schedule| &schedule.shifts);
    let mut all: Vec<Window> = shifts.flat_map(|shift| staffed(roster, role, shift, begin, end)).collect();
    all.sort_unstable();
    joined(all)
}

/// The parts of a shift at which somebody of it, or who stands in for them, is there.
fn staffed(roster: &Roster, role: Role, shift: &Shift, begin: i64, end: i64) -> Vec<Window> {
    let windows = shift.hours.windows(begin, end);
    let absent = shift.people.iter().all(|person| roster.absences.contains_key(person));
    if !absent {
        return windows;
    }
    let edges = edges(roster, begin, end);
    let there = |at: i64| {
        let Ok(moment) = Timestamp::from_millisecond(at) else { return false };
        shift.people.iter().any(|person| roster.stand_in(person, role, moment).is_some())
    };
    let mut staffed = Vec::new();
    for (open, close) in windows {
        let mut at = open;
        for edge in edges.range(open + 1..close).copied().chain([close]) {
            if there(at) {
                staffed.push((at, edge));
            }
            at = edge;
        }
    }
    staffed
}

/// The moments at which somebody's absence begins or ends.
fn edges(roster: &Roster, begin: i64, end: i64) -> BTreeSet<i64> {
    let of = |(person, absences): (_, &Vec<super::Absence>)| -> Vec<i64> {
        let Some(person) = roster.people.get(person) else { return Vec::new() };
        absences
            .iter()
            .flat_map(|absence| [person.zone.begins(absence.first), person.zone.begins(absence.last.plus(1))])
            .collect()
    };
    roster.absences.iter().flat_map(of).filter(|at| (begin..end).contains(at)).collect()
}

/// What is left of a window without the others.
fn without(window: Window, others: &[Window]) -> Vec<Window> {
    let first = others.partition_point(|other| other.1 <= window.0);
    let mut left = Vec::new();
    let mut at = window.0;
    for other in others.iter().skip(first).take_while(|other| other.0 < window.1) {
        if other.0 > at {
            left.push((at, other.0));
        }
        at = at.max(other.1);
    }
    if at < window.1 {
        left.push((at, window.1));
    }
    left
}

/// Windows in their order, those that touch made one.
fn joined(windows: Vec<Window>) -> Vec<Window> {
    let mut joined: Vec<Window> = Vec::new();
    for window in windows {
        match joined.last_mut() {
            Some(last) if window.0 <= last.1 => last.1 = last.1.max(window.1),
            _ => joined.push(window),
        }
    }
    joined
}

fn words(roster: &Roster, role: Role, gaps: &[Window]) -> Option<String> {
    let (first, more) = gaps.split_first()?;
    let name = role.name();
    let Some(shift) =
        roster.schedules.iter().filter(|schedule| schedule.role == role).find_map(|schedule| schedule.shifts.first())
    else {
        return Some(format!("has no schedule for `{name}`"));
    };
    let zone = &shift.hours.zone;
    let local = |at: i64| {
        let at = Timestamp::from_millisecond(at).unwrap_or(Timestamp::MAX);
        zone.at(at).strftime("%A %Y-%m-%d %H:%M").to_string()
    };
    let others = match more.len() {
        0 => String::new(),
        count => format!(", and {count} more such gaps"),
    };
    let (from, until) = (local(first.0), local(first.1));
    Some(format!(
        "has no `{name}` on duty from {from} to {until} ({}){others}; give somebody a shift there",
        zone.name()
    ))
}

const _: () = assert!(CHECKED_DAYS > 366, "every change of the clocks is among them");

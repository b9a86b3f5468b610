//! Who is on duty at a moment, and who stands in for whom.

use super::{Absence, Roster, Schedule, Shift, Tier};
use crate::day::Day;
use crate::escalation::Role;
use crate::id::{PersonId, ScheduleId};
use crate::signal::Severity;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Somebody who is there for something.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Duty {
    /// Who.
    pub person: PersonId,
    /// For whom they stand in, if they do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instead_of: Option<PersonId>,
    /// The schedule that says so; none where it is their role alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<ScheduleId>,
}

/// Where something that comes to a tier goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    /// To these people of this tier, now.
    Now {
        /// The tier: the one that was asked for, or one after it where that was closed.
        tier: Tier,
        /// Who is on duty, the first to be told first.
        people: Vec<Duty>,
    },
    /// It waits until a tier opens.
    Waits {
        /// The tier.
        tier: Tier,
        /// When it opens; nothing where it never does.
        until: Option<Timestamp>,
    },
}

impl Roster {
    /// Whether somebody is there by their absences. Who is not known is not there.
    pub fn is_present(&self, person: &PersonId, at: Timestamp) -> bool {
        self.people.contains_key(person) && self.absence(person, at).is_none()
    }

    /// Who is on duty for a role by the shifts, the first to be told first; nobody where it has no shift at that moment.
    pub fn on_call(&self, role: Role, at: Timestamp) -> Vec<Duty> {
        distinct(self.schedules.iter().filter(|schedule| schedule.role == role).flat_map(|s| self.on_schedule(s, at)))
    }

    /// Who is on duty by one schedule.
    pub fn on_schedule(&self, schedule: &Schedule, at: Timestamp) -> Vec<Duty> {
        let there = |id: &PersonId| {
            let person = self.stand_in(id, schedule.role, at)?;
            let instead_of = (person != *id).then(|| id.clone());
            Some(Duty { person, instead_of, schedule: Some(schedule.id.clone()) })
        };
        let begun = schedule.shifts.iter().filter_map(|shift| Some((shift, shift.hours.begun_on(at)?)));
        distinct(begun.flat_map(|(shift, day)| in_turn(shift, day)).filter_map(there))
    }

    /// Whom a role means at a moment: those on duty; where the role has no shifts, all of it who are there.
    pub fn in_role(&self, role: Role, at: Timestamp) -> Vec<Duty> {
        if self.schedules.iter().any(|schedule| schedule.role == role) {
            return self.on_call(role, at);
        }
        let of_role = self.people.values().filter(|person| person.roles.contains(&role));
        let there = of_role.filter(|person| self.absence(&person.id, at).is_none());
        there.map(|person| Duty { person: person.id.clone(), instead_of: None, schedule: None }).collect()
    }

    /// One person, or who stands in for them in any of their roles; nothing where nobody does.
    pub fn reachable(&self, id: &PersonId, at: Timestamp) -> Option<Duty> {
        let person = self.people.get(id)?;
        let present = self.absence(id, at).is_none().then(|| id.clone());
        let deputy = || person.roles.iter().find_map(|role| self.stand_in(id, *role, at));
        let found = present.or_else(deputy)?;
        Some(Duty { instead_of: (found != *id).then(|| id.clone()), person: found, schedule: None })
    }

    /// The one who is told where nobody else is there, or their deputy; in the end the one, absent or not.
    pub fn fallback(&self, at: Timestamp) -> Duty {
        self.reachable(&self.fallback, at).unwrap_or_else(|| Duty {
            person: self.fallback.clone(),
            instead_of: None,
            schedule: None,
        })
    }

    /// Where something of a severity goes that comes to a tier: those on duty; while the tier is closed it waits, or is
    /// passed on.
    pub fn reach(&self, tier: Tier, severity: Severity, at: Timestamp) -> Reach {
        let plan = self.tier(tier);
        if plan.hours.contain(at) {
            return Reach::Now { tier, people: self.on_call(plan.role, at) };
        }
        match tier.next().filter(|_| plan.skipped_by.contains(&severity)) {
            Some(next) => self.reach(next, severity, at),
            None => Reach::Waits { tier, until: plan.hours.opens(at) },
        }
    }

    /// The person, or who stands in for them in a role, through any number of deputies.
    pub(super) fn stand_in(&self, id: &PersonId, role: Role, at: Timestamp) -> Option<PersonId> {
        let mut asked = BTreeSet::new();
        let mut id = id;
        // Two who stand in for each other, both absent, leave nobody.
        while asked.insert(id) {
            let person = self.people.get(id).filter(|person| person.roles.contains(&role))?;
            match self.absence(&person.id, at) {
                None => return Some(id.clone()),
                Some(absence) => id = absence.deputy.as_ref()?,
            }
        }
        None
    }

    fn absence(&self, id: &PersonId, at: Timestamp) -> Option<&Absence> {
        let absences = self.absences.get(id)?;
        let today = self.people.get(id)?.zone.day(at);
        absences.iter().find(|absence| (absence.first..=absence.last).contains(&today))
    }
}

/// The people of a shift that began on a day, in the order in which they are told.
fn in_turn(shift: &Shift, day: Day) -> impl Iterator<Item = &PersonId> {
    let week = day.plus(-i32::from(day.weekday())).number().div_euclid(7);
    let turn = i32::try_from(shift.rotate_every_weeks).ok().and_then(|weeks| week.checked_div_euclid(weeks));
    let count = i32::try_from(shift.people.len()).unwrap_or(i32::MAX).max(1);
    let first = turn.and_then(|turn| usize::try_from(turn.rem_euclid(count)).ok()).unwrap_or_default();
    shift.people.iter().cycle().skip(first).take(shift.people.len())
}

/// The first of each person.
fn distinct(all: impl Iterator<Item = Duty>) -> Vec<Duty> {
    let mut seen = BTreeSet::new();
    all.filter(|duty| seen.insert(duty.person.clone())).collect()
}

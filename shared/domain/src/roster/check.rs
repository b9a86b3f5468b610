//! What is wrong with a roster apart from its gaps.

use super::{
    Absence, CHECKED_DAYS, Draft, LAST_ABSENCE, MAX_ABSENCES, MAX_PEOPLE, MAX_SHIFTS, MAX_TURNS, Person, RosterFault,
    Schedule, Tier,
};
use crate::calendar::Hours;
use crate::id::PersonId;
use std::collections::{BTreeMap, BTreeSet};

struct Faults<'a> {
    people: BTreeMap<&'a PersonId, &'a Person>,
    found: Vec<RosterFault>,
}

/// Every fault, in the order of the file.
pub(super) fn faults(draft: &Draft) -> Vec<RosterFault> {
    let people = draft.people.iter().map(|person| (&person.id, person)).collect();
    let mut faults = Faults { people, found: Vec::new() };
    let shifts: usize = draft.schedules.iter().map(|schedule| schedule.shifts.len()).sum();
    for (what, count, most) in [
        ("people", draft.people.len(), MAX_PEOPLE),
        ("schedules", shifts, MAX_SHIFTS),
        ("absences", draft.absences.len(), MAX_ABSENCES),
    ] {
        if count > most {
            faults.add(what, format!("has {count} entries; give at most {most}"));
            return faults.found;
        }
    }
    faults.people(draft);
    for (index, schedule) in draft.schedules.iter().enumerate() {
        if draft.schedules.iter().take(index).any(|earlier| earlier.id == schedule.id) {
            faults.add(format!("schedules[{index}].id"), format!("`{}` is an earlier schedule", schedule.id));
        }
        faults.shifts(index, schedule, draft);
    }
    faults.absences(draft);
    if let [.., fourth] = &draft.tiers
        && fourth.hours != Hours::All
    {
        // Whoever breaks the glass is not told to wait.
        faults.add("tiers[3].hours", "is not every hour; the last tier is on call at any of them");
    }
    faults.known("fallback", &draft.fallback);
    faults.found
}

impl Faults<'_> {
    fn add(&mut self, path: impl Into<String>, reason: impl Into<String>) {
        self.found.push(RosterFault { path: path.into(), reason: reason.into() });
    }

    fn known(&mut self, path: impl Into<String>, id: &PersonId) -> Option<Person> {
        let known = self.people.get(id).map(|person| (*person).clone());
        if known.is_none() {
            self.add(path, format!("`{id}` is not among the people"));
        }
        known
    }

    fn people(&mut self, draft: &Draft) {
        let mut seen = BTreeSet::new();
        for (index, person) in draft.people.iter().enumerate() {
            if !seen.insert(&person.id) {
                self.add(format!("people[{index}].id"), format!("`{}` is an earlier person", person.id));
            }
            if person.roles.is_empty() {
                self.add(format!("people[{index}].roles"), "names no role; name at least one");
            }
        }
    }

    fn shifts(&mut self, number: usize, schedule: &Schedule, draft: &Draft) {
        for (index, shift) in schedule.shifts.iter().enumerate() {
            let path = format!("schedules[{number}].shifts[{index}]");
            if shift.hours.days.is_empty() {
                self.add(format!("{path}.days"), "names no day; name at least one");
            }
            if !(1..=MAX_TURNS).contains(&shift.people.len()) {
                let reason = format!("has {} people; give 1 to {MAX_TURNS}", shift.people.len());
                self.add(format!("{path}.people"), reason);
            }
            for (turn, id) in shift.people.iter().enumerate() {
                let path = format!("{path}.people[{turn}]");
                let Some(person) = self.known(&path, id) else { continue };
                if !person.roles.contains(&schedule.role) {
                    self.add(&path, format!("`{id}` is no `{}`", schedule.role.name()));
                }
                self.tiers(&path, &person, schedule, draft);
            }
        }
    }

    /// Whoever works in a tier knows what it needs.
    fn tiers(&mut self, path: &str, person: &Person, schedule: &Schedule, draft: &Draft) {
        for (tier, plan) in Tier::ALL.into_iter().zip(&draft.tiers).filter(|(_, plan)| plan.role == schedule.role) {
            if let Some((skill, level)) =
                plan.needs.iter().find(|(skill, level)| person.skills.get(*skill).is_none_or(|known| known < level))
            {
                let (number, level) = (tier.number(), level.get());
                self.add(
                    path,
                    format!("`{}` does not know `{skill}` at {level}, which tier {number} needs", person.id),
                );
            }
        }
    }

    fn absences(&mut self, draft: &Draft) {
        let mut by_person: BTreeMap<&PersonId, Vec<(usize, &Absence)>> = BTreeMap::new();
        for (index, absence) in draft.absences.iter().enumerate() {
            let path = format!("absences[{index}]");
            if absence.last < absence.first {
                let reason = format!("is {}, before the first day {}", absence.last, absence.first);
                self.add(format!("{path}.until"), reason);
            }
            if absence.last.since(draft.from) > LAST_ABSENCE {
                let reason = format!("is more than {LAST_ABSENCE} days after {}", draft.from);
                self.add(format!("{path}.until"), reason);
            }
            let person = self.known(format!("{path}.person"), &absence.person);
            self.deputy(&format!("{path}.deputy"), person.as_ref(), absence);
            let others = by_person.entry(&absence.person).or_default();
            let overlaps = |other: &Absence| other.first <= absence.last && absence.first <= other.last;
            if let Some((other, _)) = others.iter().find(|(_, other)| overlaps(other)) {
                self.add(path, format!("overlaps with `absences[{other}]`; make one of them"));
            }
            others.push((index, absence));
        }
    }

    fn deputy(&mut self, path: &str, person: Option<&Person>, absence: &Absence) {
        let Some(id) = &absence.deputy else { return };
        let Some(deputy) = self.known(path, id) else { return };
        let Some(person) = person else { return };
        if person.id == deputy.id {
            self.add(path, "is the one who is absent; name somebody else");
        } else if person.roles.is_disjoint(&deputy.roles) {
            self.add(path, format!("`{id}` has no role of `{}`", person.id));
        }
    }
}

/// The days for which a roster is looked at: from its first one to this one.
pub(super) fn last_day(from: crate::day::Day, absences: impl Iterator<Item = crate::day::Day>) -> crate::day::Day {
    // Two more days, so that the end of an absence has come in every place.
    absences.map(|last| last.plus(2)).max().unwrap_or(from).max(from.plus(CHECKED_DAYS))
}

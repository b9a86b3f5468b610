//! Who was told of escalations, and how often when they were off: the guard against burning people out.
//!
//! Whoever was on duty for a role at the moment counts as told, as the roster says now. Off is before eight, from six in
//! the evening on and at the weekend, by their own clock.

use crate::escalation::Role;
use crate::id::PersonId;
use crate::roster::Roster;
use jiff::Timestamp;
use jiff::civil::Weekday;
use std::collections::BTreeMap;

/// Over how many days turns are counted.
pub const DAYS: i64 = 28;

/// How often somebody was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Turn {
    /// How often.
    pub told: u32,
    /// How often when they were off.
    pub nights: u32,
}

/// Who was told how often.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Turns {
    /// By person; whoever was not told is not in it.
    pub by_person: BTreeMap<PersonId, Turn>,
    /// Whoever was told more than twice as often as their share among those on duty for the same roles, where that were at
    /// least ten times in all: the rotation does not share the work.
    pub uneven: Vec<PersonId>,
}

/// Who was told, of the times at which people of a role were told in the 28 days before a moment.
pub fn turns(told: &[(Timestamp, Role)], roster: &Roster, now: Timestamp) -> Turns {
    let mut turns = Turns::default();
    let mut by_role: BTreeMap<Role, BTreeMap<PersonId, u32>> = BTreeMap::new();
    let since = now.as_second().saturating_sub(DAYS * crate::day::SECONDS);
    for (at, role) in told.iter().filter(|(at, _)| *at <= now && at.as_second() > since) {
        let Some(duty) = roster.in_role(*role, *at).into_iter().next() else { continue };
        let turn = turns.by_person.entry(duty.person.clone()).or_default();
        turn.told += 1;
        turn.nights += u32::from(is_off(roster, &duty.person, *at));
        *by_role.entry(*role).or_default().entry(duty.person).or_default() += 1;
    }
    for (role, people) in by_role {
        let total: u32 = people.values().sum();
        let in_role = roster.people().filter(|person| person.roles.contains(&role)).count();
        let in_role = u32::try_from(in_role).unwrap_or(u32::MAX).max(1);
        let too_often =
            |count: u32| total >= 10 && in_role > 1 && u64::from(count) * u64::from(in_role) > 2 * u64::from(total);
        turns.uneven.extend(people.into_iter().filter(|(_, count)| too_often(*count)).map(|(person, _)| person));
    }
    turns.uneven.sort();
    turns.uneven.dedup();
    turns
}

fn is_off(roster: &Roster, person: &PersonId, at: Timestamp) -> bool {
    let Some(person) = roster.person(person) else { return false };
    let local = person.zone.at(at);
    let weekend = matches!(local.weekday(), Weekday::Saturday | Weekday::Sunday);
    weekend || !(8..18).contains(&local.hour())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::roster::tests::draft;

    #[test]
    fn a130_who_is_told_when_they_are_off_is_counted_by_their_own_clock() {
        let roster = Roster::new(draft()).unwrap();
        let role = Role::SupportEngineer;
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let now = at("2026-03-20T00:00:00Z");
        let times = ["2026-03-18T12:00:00Z", "2026-03-19T03:00:00Z", "2026-03-15T12:00:00Z", "2026-02-01T12:00:00Z"];
        let told: Vec<_> = times.iter().map(|text| (at(text), role)).collect();
        let found = turns(&told, &roster, now);
        let sum = found.by_person.values().fold((0, 0), |sum, turn| (sum.0 + turn.told, sum.1 + turn.nights));
        assert_eq!(sum.0, 3, "one is more than 28 days ago");
        // By hand: for each time, whether the one on duty is off by their own clock.
        let off = told.iter().take(3).filter(|(at, role)| {
            let duty = roster.in_role(*role, *at).remove(0);
            let local = roster.person(&duty.person).unwrap().zone.at(*at);
            matches!(local.weekday(), Weekday::Saturday | Weekday::Sunday) || local.hour() < 8 || local.hour() >= 18
        });
        assert_eq!(sum.1 as usize, off.count());
        assert!(sum.1 >= 1, "a Sunday is off for everybody");
    }

    #[test]
    fn a_rotation_that_always_tells_the_same_is_uneven() {
        let roster = Roster::new(draft()).unwrap();
        let now: Timestamp = "2026-03-20T00:00:00Z".parse().unwrap();
        let noon: Timestamp = "2026-03-18T12:00:00Z".parse().unwrap();
        let told: Vec<_> = (0..12).map(|_| (noon, Role::SupportEngineer)).collect();
        let of_role = roster.people().filter(|person| person.roles.contains(&Role::SupportEngineer)).count();
        let uneven = turns(&told, &roster, now).uneven;
        assert_eq!(uneven.is_empty(), of_role <= 2, "{of_role} people share the work of one");
        assert!(turns(&told[..9], &roster, now).uneven.is_empty(), "too few to say");
    }
}

//! Who is there: people with their roles and skills, the shifts in which they take turns, and who stands in for whom.
//!
//! A roster that exists leaves no hour of a support tier without somebody on duty: shifts, changes of the clocks and
//! absences are all looked at when it is made, and every gap is named. Whom to tell is answered for any moment, the same
//! way each time, and never with somebody who is absent.

mod check;
mod coverage;
mod duty;

pub use duty::{Duty, Reach};

use crate::calendar::{Hours, WeekHours, Zone};
use crate::day::Day;
use crate::digest::Digest;
use crate::escalation::Role;
use crate::id::{PersonId, ScheduleId, SkillId};
use crate::signal::Severity;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The most people of a roster.
pub const MAX_PEOPLE: usize = 2_000;
/// The most shifts of a roster, all schedules together.
pub const MAX_SHIFTS: usize = 300;
/// The most people of a shift.
pub const MAX_TURNS: usize = 50;
/// The most absences of a roster.
pub const MAX_ABSENCES: usize = 5_000;
/// How many days from its first one on a roster is looked at for gaps: all changes of the clocks, and some more.
pub const CHECKED_DAYS: i32 = 400;
/// How many days after a roster's first one an absence ends at the latest.
pub const LAST_ABSENCE: i32 = 1_500;

/// How well somebody knows something, from 1 to 5.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct Level(u8);

/// Why a number is not a level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a level; give 1 to 5")]
pub struct LevelError(u8);

impl Level {
    /// The highest one.
    pub const MAX: u8 = 5;

    /// The number.
    pub const fn get(self) -> u8 {
        self.0
    }
}

impl TryFrom<u8> for Level {
    type Error = LevelError;
    fn try_from(number: u8) -> Result<Self, LevelError> {
        if (1..=Self::MAX).contains(&number) { Ok(Self(number)) } else { Err(LevelError(number)) }
    }
}

impl From<Level> for u8 {
    fn from(level: Level) -> Self {
        level.0
    }
}

/// What somebody knows how to do, and how well.
pub type Skills = BTreeMap<SkillId, Level>;

/// Somebody of the tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Person {
    /// Their id, as tokens say it.
    pub id: PersonId,
    /// What people call them.
    pub name: String,
    /// What they are for customers. At least one.
    pub roles: BTreeSet<Role>,
    /// What they know how to do.
    pub skills: Skills,
    /// Whose days are meant when they are absent.
    pub zone: Zone,
}

impl Person {
    /// Whether they know all of this at least so well.
    pub fn knows(&self, needed: &Skills) -> bool {
        needed.iter().all(|(skill, level)| self.skills.get(skill).is_some_and(|known| known >= level))
    }
}

/// Hours of the week in which people are on duty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Shift {
    /// When.
    pub hours: WeekHours,
    /// Who: the first is told, the others when the first is not there.
    pub people: Vec<PersonId>,
    /// After how many weeks the next one is the first; 0 where the order stays.
    pub rotate_every_weeks: u32,
}

/// Shifts of people of one role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Schedule {
    /// Its name.
    pub id: ScheduleId,
    /// What those on duty are.
    pub role: Role,
    /// When who is on duty.
    pub shifts: Vec<Shift>,
}

/// Days on which somebody is not there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Absence {
    /// Who.
    pub person: PersonId,
    /// The first day, by their own clock.
    pub first: Day,
    /// The last day.
    pub last: Day,
    /// Who stands in.
    pub deputy: Option<PersonId>,
}

/// A support tier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tier {
    /// First answer.
    First,
    /// Advanced.
    Second,
    /// Whoever builds the product.
    Third,
    /// Executives on call.
    Fourth,
}

impl Tier {
    /// All of them, in their order.
    pub const ALL: [Self; 4] = [Self::First, Self::Second, Self::Third, Self::Fourth];

    /// From 1 to 4.
    pub const fn number(self) -> u8 {
        match self {
            Self::First => 1,
            Self::Second => 2,
            Self::Third => 3,
            Self::Fourth => 4,
        }
    }

    /// The tier with this number.
    pub fn of(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|tier| tier.number() == number)
    }

    /// The one after it.
    pub const fn next(self) -> Option<Self> {
        match self {
            Self::First => Some(Self::Second),
            Self::Second => Some(Self::Third),
            Self::Third => Some(Self::Fourth),
            Self::Fourth => None,
        }
    }
}

/// What a tier is: people who are there at its hours and know what it needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TierPlan {
    /// Who works in it.
    pub role: Role,
    /// When it is open.
    pub hours: Hours,
    /// What everybody in it knows.
    pub needs: Skills,
    /// How bad it has to be to go on to the next tier while this one is closed; anything else waits until it opens.
    pub skipped_by: BTreeSet<Severity>,
}

/// A roster as it is written, not yet looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Draft {
    /// What people call it.
    pub name: String,
    /// The first day that it is made for.
    pub from: Day,
    /// Everybody.
    pub people: Vec<Person>,
    /// Their shifts.
    pub schedules: Vec<Schedule>,
    /// When they are not there.
    pub absences: Vec<Absence>,
    /// The support tiers, the first one first.
    pub tiers: [TierPlan; 4],
    /// Who is told where nobody else is there.
    pub fallback: PersonId,
}

/// A fault of a roster, with the path to it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{path}` {reason}")]
pub struct RosterFault {
    /// Where.
    pub path: String,
    /// What is wrong and what would be right.
    pub reason: String,
}

/// Who is there. Everybody that it names exists, and no tier is without somebody at its hours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Roster {
    name: String,
    version: Digest,
    people: BTreeMap<PersonId, Person>,
    schedules: Vec<Schedule>,
    absences: BTreeMap<PersonId, Vec<Absence>>,
    tiers: [TierPlan; 4],
    fallback: PersonId,
}

impl Roster {
    /// Checks the roster and gives it its version. Names every fault at once; gaps once the rest is right.
    pub fn new(draft: Draft) -> Result<Self, Vec<RosterFault>> {
        let mut faults = check::faults(&draft);
        let version = Digest::of_json("roster", &draft)
            .map_err(|error| vec![RosterFault { path: "roster".into(), reason: error.to_string() }])?;
        if !faults.is_empty() {
            return Err(faults);
        }
        let mut absences: BTreeMap<PersonId, Vec<Absence>> = BTreeMap::new();
        for absence in draft.absences {
            absences.entry(absence.person.clone()).or_default().push(absence);
        }
        let roster = Self {
            name: draft.name,
            version,
            people: draft.people.into_iter().map(|person| (person.id.clone(), person)).collect(),
            schedules: draft.schedules,
            absences,
            tiers: draft.tiers,
            fallback: draft.fallback,
        };
        faults.extend(coverage::gaps(&roster, draft.from));
        if faults.is_empty() { Ok(roster) } else { Err(faults) }
    }

    /// What people call it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Follows from the content: another roster has another version.
    pub const fn version(&self) -> Digest {
        self.version
    }

    /// Everybody, in the order of their ids.
    pub fn people(&self) -> impl Iterator<Item = &Person> {
        self.people.values()
    }

    /// The person with this id.
    pub fn person(&self, id: &PersonId) -> Option<&Person> {
        self.people.get(id)
    }

    /// The schedule with this id.
    pub fn schedule(&self, id: &ScheduleId) -> Option<&Schedule> {
        self.schedules.iter().find(|schedule| schedule.id == *id)
    }

    /// What a tier is.
    pub const fn tier(&self, tier: Tier) -> &TierPlan {
        let [first, second, third, fourth] = &self.tiers;
        match tier {
            Tier::First => first,
            Tier::Second => second,
            Tier::Third => third,
            Tier::Fourth => fourth,
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;

//! The roster file: YAML that becomes a [`domain::roster::Roster`], or says everything that is wrong with it, gaps included.

use crate::calendar::{CalendarFile, time, zone};
use crate::document;
use crate::problem::Fault;
use domain::calendar::{Hours, WeekHours, Weekday, Zone};
use domain::day::Day;
use domain::escalation::Role;
use domain::id::{PersonId, ScheduleId, SkillId};
use domain::roster::{Absence, Draft, Level, Person, Roster, Schedule, Shift, Skills, TierPlan};
use domain::signal::Severity;
use jiff::civil::Time;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The roster that holds where none was given: the people of the sample.
pub const DEFAULT: &str = include_str!("../defaults/roster.yaml");

/// The roster that holds where none was given.
pub fn built_in() -> Result<Roster, Vec<Fault>> {
    document::built_in::<RosterFile>(include_str!(concat!(env!("OUT_DIR"), "/roster.json")))?.try_into()
}

/// Reads a roster file. Content that is wrong is named all at once, gaps once the rest is right; where the file has not the
/// shape of one, the first place where it has not.
#[cfg(feature = "yaml")]
pub fn read(text: &str) -> Result<Roster, Vec<Fault>> {
    document::yaml::<RosterFile>(text)?.try_into()
}

/// A roster file as it is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RosterFile {
    /// What people call it.
    pub name: String,
    /// The first day that it is made for: `2026-01-01`.
    #[schemars(with = "String")]
    pub from: Day,
    /// Who is told where nobody else is there.
    #[schemars(with = "String")]
    pub fallback: PersonId,
    /// Everybody.
    pub people: Vec<PersonFile>,
    /// Their shifts.
    pub schedules: Vec<ScheduleFile>,
    /// When they are not there.
    #[serde(default)]
    pub absences: Vec<AbsenceFile>,
    /// The four support tiers, the first one first.
    pub tiers: Vec<TierFile>,
}

/// Somebody of the tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PersonFile {
    /// Their id, as tokens say it.
    #[schemars(with = "String")]
    pub id: PersonId,
    /// What people call them.
    pub name: String,
    /// What they are for customers, such as `support_engineer`.
    #[schemars(with = "BTreeSet<String>")]
    pub roles: BTreeSet<Role>,
    /// What they know how to do, from 1 to 5.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, u8>")]
    pub skills: BTreeMap<SkillId, u8>,
    /// Where they are: `UTC`, `Europe/Berlin`.
    pub time_zone: String,
}

/// Shifts of people of one role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ScheduleFile {
    /// Its name.
    #[schemars(with = "String")]
    pub id: ScheduleId,
    /// What those on duty are.
    #[schemars(with = "String")]
    pub role: Role,
    /// When who is on duty.
    pub shifts: Vec<ShiftFile>,
}

/// Hours of the week in which people are on duty: past midnight where they end before they begin, a whole day where they
/// end as they begin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ShiftFile {
    /// Whose clock is meant: `UTC`, `Europe/Berlin`.
    pub time_zone: String,
    /// The days of the week on which they begin: `monday` to `sunday`.
    #[schemars(with = "BTreeSet<String>")]
    pub days: BTreeSet<Weekday>,
    /// When they begin: `18:00`.
    pub from: String,
    /// When they end: `06:00`.
    pub until: String,
    /// Who: the first is told, the others when the first is not there.
    #[schemars(with = "Vec<String>")]
    pub people: Vec<PersonId>,
    /// After how many weeks the next one is the first; the order stays where nothing is given.
    #[serde(default)]
    pub rotate_every_weeks: u32,
}

/// Days on which somebody is not there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AbsenceFile {
    /// Who.
    #[schemars(with = "String")]
    pub person: PersonId,
    /// The first day: `2026-12-24`.
    #[schemars(with = "String")]
    pub from: Day,
    /// The last day.
    #[schemars(with = "String")]
    pub until: Day,
    /// Who stands in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub deputy: Option<PersonId>,
}

/// A support tier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TierFile {
    /// Who works in it.
    #[schemars(with = "String")]
    pub role: Role,
    /// When it is open; at any hour where nothing is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hours: Option<CalendarFile>,
    /// What everybody in it knows, from 1 to 5.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, u8>")]
    pub needs: BTreeMap<SkillId, u8>,
    /// The severities that go on to the next tier while this one is closed; the others wait.
    #[serde(default)]
    #[schemars(with = "BTreeSet<String>")]
    pub skipped_by: BTreeSet<Severity>,
}

impl TryFrom<RosterFile> for Roster {
    type Error = Vec<Fault>;
    fn try_from(file: RosterFile) -> Result<Self, Vec<Fault>> {
        let mut faults = Vec::new();
        let people =
            file.people.into_iter().enumerate().map(|(index, file)| person(index, file, &mut faults)).collect();
        let schedules =
            file.schedules.into_iter().enumerate().map(|(index, file)| schedule(index, file, &mut faults)).collect();
        let absence = |file: AbsenceFile| Absence {
            person: file.person,
            first: file.from,
            last: file.until,
            deputy: file.deputy,
        };
        let absences = file.absences.into_iter().map(absence).collect();
        let count = file.tiers.len();
        let tiers: Vec<TierPlan> =
            file.tiers.into_iter().enumerate().map(|(index, file)| tier(index, file, &mut faults)).collect();
        let Ok(tiers) = tiers.try_into() else {
            faults.push(Fault::new("tiers", format!("has {count} tiers; give all four")));
            return Err(faults);
        };
        let (name, from, fallback) = (file.name, file.from, file.fallback);
        let roster = Self::new(Draft { name, from, people, schedules, absences, tiers, fallback });
        match roster {
            Ok(roster) if faults.is_empty() => return Ok(roster),
            Ok(_) => {}
            // A gap may come of what could not be read: only what is wrong on its own stands beside that.
            Err(more) => {
                let readable = faults.is_empty();
                let own = more.into_iter().filter(|fault| readable || !fault.path.starts_with("tiers["));
                faults.extend(own.map(|fault| Fault::new(fault.path, fault.reason)));
            }
        }
        Err(faults)
    }
}

fn person(index: usize, file: PersonFile, faults: &mut Vec<Fault>) -> Person {
    let path = format!("people[{index}]");
    Person {
        id: file.id,
        name: file.name,
        roles: file.roles,
        skills: skills(&format!("{path}.skills"), file.skills, faults),
        zone: zone(&format!("{path}.time_zone"), &file.time_zone, faults).unwrap_or(Zone::UTC),
    }
}

fn schedule(index: usize, file: ScheduleFile, faults: &mut Vec<Fault>) -> Schedule {
    let shift = |(number, file): (usize, ShiftFile)| {
        let path = format!("schedules[{index}].shifts[{number}]");
        let hours = WeekHours {
            zone: zone(&format!("{path}.time_zone"), &file.time_zone, faults).unwrap_or(Zone::UTC),
            days: file.days,
            from: time(&format!("{path}.from"), &file.from, faults).unwrap_or(Time::MIN),
            until: time(&format!("{path}.until"), &file.until, faults).unwrap_or(Time::MIN),
        };
        Shift { hours, people: file.people, rotate_every_weeks: file.rotate_every_weeks }
    };
    Schedule { id: file.id, role: file.role, shifts: file.shifts.into_iter().enumerate().map(shift).collect() }
}

fn tier(index: usize, file: TierFile, faults: &mut Vec<Fault>) -> TierPlan {
    let path = format!("tiers[{index}]");
    let hours = file.hours.map_or(Hours::All, |hours| {
        hours.read(&format!("{path}.hours")).map_or_else(
            |more| {
                faults.extend(more);
                Hours::All
            },
            Hours::Work,
        )
    });
    let needs = skills(&format!("{path}.needs"), file.needs, faults);
    TierPlan { role: file.role, hours, needs, skipped_by: file.skipped_by }
}

fn skills(path: &str, all: BTreeMap<SkillId, u8>, faults: &mut Vec<Fault>) -> Skills {
    let mut read = |(skill, level): (SkillId, u8)| match Level::try_from(level) {
        Ok(level) => Some((skill, level)),
        Err(error) => {
            faults.push(Fault::new(format!("{path}.{skill}"), error.to_string()));
            None
        }
    };
    all.into_iter().filter_map(&mut read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::roster::Tier;
    use jiff::Timestamp;

    fn faults(text: &str) -> Vec<(String, String)> {
        read(text).unwrap_err().into_iter().map(|fault| (fault.path, fault.reason)).collect()
    }

    #[test]
    fn a51_the_sample_has_somebody_on_duty_around_the_clock() {
        let roster = read(DEFAULT).unwrap();
        assert_eq!(roster, built_in().unwrap(), "made into JSON and back");
        let start: Timestamp = "2026-10-20T00:00:00Z".parse().unwrap();
        for half_hour in 0..48 * 30 {
            let at = Timestamp::from_second(start.as_second() + half_hour * 1_800).unwrap();
            for role in [Role::SupportEngineer, Role::SeniorSupportEngineer, Role::Executive] {
                assert!(!roster.on_call(role, at).is_empty(), "{} at {at}", role.name());
            }
        }
        let christmas = roster.on_call(Role::Executive, "2026-12-26T12:00:00Z".parse().unwrap());
        assert_eq!(christmas[0].person.as_str(), "vp-02");
        assert_eq!(roster.tier(Tier::Third).role, Role::Engineering);
    }

    #[test]
    fn a51_a_gap_of_a_file_is_refused_with_its_hours() {
        let text = DEFAULT.replace(
            r#"from: "09:00", until: "20:00", people: [sup-03"#,
            r#"from: "09:00", until: "17:00", people: [sup-03"#,
        );
        let found = faults(&text);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].0, "tiers[0]");
        assert!(found[0].1.contains("no `support_engineer` on duty from"), "{}", found[0].1);
    }

    #[test]
    fn every_fault_of_a_file_is_named_with_its_path() {
        let text = DEFAULT
            .replace("negotiation: 5", "negotiation: 6")
            .replace("Cora Small, roles: [customer_success_manager]", "Cora Small, roles: []")
            .replace(
                r#"from: "07:00", until: "17:00", people: [sup-01"#,
                r#"from: "7am", until: "17:00", people: [sup-99"#,
            )
            .replace("fallback: vp-01", "fallback: vp-09");
        let paths: Vec<String> = faults(&text).into_iter().map(|(path, _)| path).collect();
        assert_eq!(
            paths,
            [
                "people[0].skills.negotiation",
                "schedules[0].shifts[1].from",
                "people[3].roles",
                "schedules[0].shifts[1].people[0]",
                "fallback",
            ]
        );
        assert_eq!(faults(&DEFAULT.replace("  - { role: executive }\n", ""))[0].1, "has 3 tiers; give all four");
        assert_eq!(faults(&DEFAULT.replace("fallback:", "fall_back:"))[0].0, "fall_back");
    }
}

//! The body of `GET /capacity/forecast`.

use domain::capacity::{Forecast, RoleLoad, SkillLoad, Turn, Turns};
use domain::day::Day;
use domain::fixed::Quantity;
use domain::id::PersonId;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `GET /capacity/forecast`: how full roles are, when they will be fuller than is good, and what is missing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CapacityForecast {
    /// The moment that this speaks of.
    #[schemars(with = "String")]
    pub as_of: Timestamp,
    /// How full the fullest role is that anybody is in, in percent: the number that CloudWatch has under the same name.
    pub capacity_utilization_percent: Option<u64>,
    /// How full a role may be, in percent.
    pub target_percent: u64,
    /// Whether somebody is to be hired by now.
    pub hiring_due: bool,
    /// The role that bounds what all can do: the fullest, or one that is needed and that nobody is in.
    pub binding: Option<String>,
    /// By how many accounts the portfolio grew in the last 90 days; negative where it shrank.
    pub growth_90_days: i64,
    /// The roles.
    pub roles: Vec<RoleCapacity>,
    /// What has to be known, by role and skill.
    pub skills: Vec<SkillCapacity>,
    /// What too few know, the widest gap first.
    pub gaps: Vec<SkillCapacity>,
    /// Who was told of escalations in the last 28 days.
    pub turns: Vec<PersonTurns>,
}

/// How full a role is. Work and room are in hundredths of a steady, healthy account of plain complexity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RoleCapacity {
    /// Which role.
    pub role: String,
    /// How many people are in it.
    pub people: u64,
    /// How many accounts need it.
    pub accounts: u64,
    /// The work.
    pub load: u64,
    /// The room.
    pub room: u64,
    /// The work for the room, in percent; absent where nobody is in the role.
    pub utilization_percent: Option<String>,
    /// The work above what is good.
    pub overflow: u64,
    /// The accounts that go to the overflow lane so that the rest fits; at most 100.
    pub overflow_lane: Vec<String>,
    /// The first day on which it will be fuller than is good (2026-11-22); absent where that is not within a year.
    pub full_on: Option<String>,
    /// The day on which to decide to hire; today where it should have been before.
    pub hire_on: Option<String>,
}

/// How much work needs a skill, and how much room those have who know it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SkillCapacity {
    /// In which role.
    pub role: String,
    /// What.
    pub skill: String,
    /// The work that needs it.
    pub load: u64,
    /// The room of those who know it.
    pub room: u64,
    /// The work for the room, in percent; absent where nobody knows it.
    pub utilization_percent: Option<String>,
}

/// How often somebody was told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PersonTurns {
    /// Who.
    pub person: String,
    /// How often.
    pub told: u32,
    /// How often before eight, from six in the evening on or at the weekend, by their own clock.
    pub out_of_hours: u32,
    /// Whether that is more than anybody should be.
    pub too_often: bool,
    /// Whether they are told more than twice as often as their share: the rotation does not share the work.
    pub uneven: bool,
}

/// The most accounts of an overflow lane that are named.
const MAX_LANE: usize = 100;

impl CapacityForecast {
    /// The answer with this forecast, as of a moment.
    pub fn of(forecast: &Forecast, turns: &Turns, growth: i64, target_percent: u64, as_of: Timestamp) -> Self {
        let person = |(person, turn): (&PersonId, &Turn)| PersonTurns {
            person: person.to_string(),
            told: turn.told,
            out_of_hours: turn.nights,
            too_often: forecast.tired.contains(person),
            uneven: turns.uneven.contains(person),
        };
        Self {
            as_of,
            capacity_utilization_percent: forecast.utilisation_percent(),
            target_percent,
            hiring_due: forecast.is_hiring_due(Day::of(as_of)),
            binding: forecast.binding.map(|role| role.name().to_owned()),
            growth_90_days: growth,
            roles: forecast.roles.iter().map(RoleCapacity::from).collect(),
            skills: forecast.skills.iter().map(SkillCapacity::from).collect(),
            gaps: forecast.gaps.iter().map(SkillCapacity::from).collect(),
            turns: turns.by_person.iter().map(person).collect(),
        }
    }
}

impl From<&RoleLoad> for RoleCapacity {
    fn from(load: &RoleLoad) -> Self {
        Self {
            role: load.role.name().to_owned(),
            people: load.people,
            accounts: load.accounts,
            load: load.load,
            room: load.room,
            utilization_percent: percent(load.utilisation),
            overflow: load.overflow,
            overflow_lane: load.lane.iter().take(MAX_LANE).map(ToString::to_string).collect(),
            full_on: load.full_on.map(|day| day.to_string()),
            hire_on: load.hire_on.map(|day| day.to_string()),
        }
    }
}

impl From<&SkillLoad> for SkillCapacity {
    fn from(load: &SkillLoad) -> Self {
        Self {
            role: load.role.name().to_owned(),
            skill: load.skill.clone(),
            load: load.load,
            room: load.room,
            utilization_percent: percent(load.utilisation),
        }
    }
}

/// A share in percent, as a decimal text.
pub(crate) fn percent(share: Option<Quantity>) -> Option<String> {
    share.map(|share| Quantity::from_micros(share.micros().saturating_mul(100)).to_string())
}

/// How full people are has changed: a role is fuller than is good, or is not any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CapacityAlert {
    /// Which role.
    pub role: String,
    /// `began` or `ended`.
    pub status: String,
    /// The work for the room, in percent; absent where nobody is in the role.
    pub utilization_percent: Option<String>,
    /// How full it may be, in percent.
    pub target_percent: u64,
    /// How many accounts need it.
    pub accounts: u64,
    /// How many people are in it.
    pub people: u64,
    /// The day on which to decide to hire, if there is one.
    pub hire_on: Option<String>,
}

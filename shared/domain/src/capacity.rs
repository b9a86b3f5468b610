//! Whether there are enough people: how full each role is today, when it will be fuller than is good, and what is missing.
//!
//! Work is counted in hundredths of a steady account: an account weighs by its stage, its band and its complexity, each in
//! percent. A role's room is what its people may look after, by the limit of the allocation policy. It is full at 85 % of
//! that, for people are ill, on leave and in meetings; what lies above is overflow. From the accounts that came and went a
//! straight line says when a role will be full, and hiring is triggered as long before as it takes to hire.

use crate::account::LifecycleStage;
use crate::allocation::AllocationPolicy;
use crate::band::Band;
use crate::day::Day;
use crate::escalation::Role;
use crate::fixed::Quantity;
use crate::id::{AccountId, PersonId};
use crate::revenue::share;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// A steady account of a good band and plain complexity.
const STEADY: u64 = 100;

/// What a forecast is made by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CapacityPolicy {
    /// How full a role may be, in percent of its room.
    pub target_percent: u64,
    /// How much work an account is by its band, in percent of a healthy one. Without a band it is a healthy one.
    pub band_percent: BTreeMap<Band, u64>,
    /// How many days it takes from the decision to hire until somebody has taken accounts over.
    pub days_to_hire: u32,
    /// Somebody who was told of escalations out of their working hours more often than so in 28 days is not to be told of
    /// more.
    pub most_nights: u32,
}

impl Default for CapacityPolicy {
    /// 85 % is full; an account in trouble is half as much work again, one in an emergency twice as much.
    fn default() -> Self {
        Self {
            target_percent: 85,
            band_percent: BTreeMap::from([
                (Band::Emergency, 200),
                (Band::Critical, 150),
                (Band::AtRisk, 125),
                (Band::Healthy, 100),
                (Band::Champion, 80),
            ]),
            days_to_hire: 90,
            most_nights: 4,
        }
    }
}

/// Work that somebody of a role has to do for an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Demand {
    /// Which account.
    pub account: AccountId,
    /// Who has to do it.
    pub role: Role,
    /// Who has it; none where it waits for somebody.
    pub person: Option<PersonId>,
    /// Where the account is on its way.
    pub stage: LifecycleStage,
    /// Its band, if it has one.
    pub band: Option<Band>,
    /// How complex it is, in percent of a plain one.
    pub complexity_percent: u64,
    /// What somebody has to know for it.
    pub skills: BTreeSet<String>,
}

/// Somebody who can take work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Supply {
    /// Who.
    pub person: PersonId,
    /// In which role.
    pub role: Role,
    /// What they know.
    pub skills: BTreeSet<String>,
    /// How often they were told of an escalation out of their working hours in the last 28 days.
    pub nights: u32,
}

/// How full a role is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleLoad {
    /// Which role.
    pub role: Role,
    /// How many people are in it.
    pub people: u64,
    /// How many accounts need it.
    pub accounts: u64,
    /// The work, in hundredths of a steady account.
    pub load: u64,
    /// The room, in the same measure.
    pub room: u64,
    /// The work for the room, in one; none where nobody is in the role.
    pub utilisation: Option<Quantity>,
    /// The work above what is good, in hundredths of a steady account: it goes to others, or waits.
    pub overflow: u64,
    /// The first day on which it will be fuller than is good, by the straight line; none within a year.
    pub full_on: Option<Day>,
    /// The day on which to decide to hire; today where it should have been before.
    pub hire_on: Option<Day>,
}

/// What people would have to know, and too few do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SkillGap {
    /// In which role.
    pub role: Role,
    /// What.
    pub skill: String,
    /// The work that needs it, in hundredths of a steady account.
    pub load: u64,
    /// The room of those who know it.
    pub room: u64,
}

/// A forecast of capacity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forecast {
    /// Each role that is needed or there, in the roles' order.
    pub roles: Vec<RoleLoad>,
    /// The role that is the fullest: it bounds what all can do.
    pub binding: Option<Role>,
    /// What too few know, the widest gap first.
    pub gaps: Vec<SkillGap>,
    /// Who was told out of hours too often.
    pub tired: Vec<PersonId>,
}

/// How full each role is and will be. `growth` is by how many accounts the portfolio grew in the last 90 days, negative
/// where it shrank.
pub fn forecast(
    demand: &[Demand],
    supply: &[Supply],
    growth: i64,
    allocation: &AllocationPolicy,
    policy: &CapacityPolicy,
    today: Day,
) -> Forecast {
    let needed = demand.iter().map(|demand| demand.role);
    let names: BTreeSet<Role> = needed
        .chain(supply.iter().map(|supply| supply.role))
        .filter(|role| allocation.capacity.contains_key(role))
        .collect();
    let roles: Vec<RoleLoad> =
        names.into_iter().map(|role| role_load(role, demand, supply, growth, allocation, policy, today)).collect();
    let binding = roles
        .iter()
        .filter(|load| load.load > 0)
        .max_by(|a, b| fuller(a).cmp(&fuller(b)).then_with(|| b.role.cmp(&a.role)))
        .map(|load| load.role);
    let mut tired: Vec<PersonId> =
        supply.iter().filter(|person| person.nights > policy.most_nights).map(|person| person.person.clone()).collect();
    tired.sort();
    Forecast { gaps: gaps(demand, supply, allocation, policy), roles, binding, tired }
}

/// A role without people is the fullest that there is.
fn fuller(load: &RoleLoad) -> Quantity {
    load.utilisation.unwrap_or(Quantity::from_micros(i64::MAX))
}

fn role_load(
    role: Role,
    demand: &[Demand],
    supply: &[Supply],
    growth: i64,
    allocation: &AllocationPolicy,
    policy: &CapacityPolicy,
    today: Day,
) -> RoleLoad {
    let of_role: Vec<&Demand> = demand.iter().filter(|demand| demand.role == role).collect();
    let people = supply.iter().filter(|supply| supply.role == role).count() as u64;
    let load = of_role.iter().map(|demand| weight(demand, allocation, policy)).sum();
    let room = people * room_of_one(role, allocation);
    let good = room * policy.target_percent / 100;
    let accounts = of_role.len() as u64;
    // What an account weighs on average is what one more will weigh.
    let a_day = if accounts == 0 { 0 } else { i128::from(growth) * i128::from(load) };
    let full_on = full_on(load, good, a_day, accounts, today);
    let days_to_hire = i32::try_from(policy.days_to_hire).unwrap_or(i32::MAX);
    RoleLoad {
        role,
        people,
        accounts,
        load,
        room,
        utilisation: i64::try_from(room).ok().zip(i64::try_from(load).ok()).and_then(|(room, load)| share(load, room)),
        overflow: load.saturating_sub(good),
        full_on,
        hire_on: full_on.map(|day| day.plus(-days_to_hire).max(today)),
    }
}

/// The first day on which the work is more than is good: today where it is already. It grows by `a_day` for each account
/// in 90 days.
fn full_on(load: u64, good: u64, a_day: i128, accounts: u64, today: Day) -> Option<Day> {
    if load > good {
        return Some(today);
    }
    let missing = i128::from(good - load);
    // load + days × growth / 90 × (load / accounts) > good
    let days = (a_day > 0).then(|| missing * 90 * i128::from(accounts) / a_day + 1)?;
    i32::try_from(days).ok().filter(|days| *days <= 365).map(|days| today.plus(days))
}

fn weight(demand: &Demand, allocation: &AllocationPolicy, policy: &CapacityPolicy) -> u64 {
    let stage = u64::from(allocation.weight(demand.stage));
    let band = demand.band.and_then(|band| policy.band_percent.get(&band)).copied().unwrap_or(100);
    STEADY * stage * band * demand.complexity_percent / 1_000_000
}

fn room_of_one(role: Role, allocation: &AllocationPolicy) -> u64 {
    allocation.capacity.get(&role).map_or(0, |capacity| u64::from(capacity.high) * STEADY)
}

fn gaps(demand: &[Demand], supply: &[Supply], allocation: &AllocationPolicy, policy: &CapacityPolicy) -> Vec<SkillGap> {
    let mut needed: BTreeMap<(Role, &str), u64> = BTreeMap::new();
    for demand in demand.iter().filter(|demand| allocation.capacity.contains_key(&demand.role)) {
        for skill in &demand.skills {
            *needed.entry((demand.role, skill)).or_default() += weight(demand, allocation, policy);
        }
    }
    let mut gaps: Vec<SkillGap> = needed
        .into_iter()
        .map(|((role, skill), load)| {
            let knowing = supply.iter().filter(|person| person.role == role && person.skills.contains(skill)).count();
            SkillGap { role, skill: skill.to_owned(), load, room: knowing as u64 * room_of_one(role, allocation) }
        })
        .filter(|gap| gap.load > gap.room * policy.target_percent / 100)
        .collect();
    gaps.sort_by_key(|gap| (std::cmp::Reverse(gap.load.saturating_sub(gap.room)), gap.role, gap.skill.clone()));
    gaps
}

#[cfg(test)]
mod tests {
    use super::*;

    fn demand(number: usize, stage: LifecycleStage, band: Option<Band>) -> Demand {
        Demand {
            account: AccountId::new(format!("a{number}")).unwrap(),
            role: Role::CustomerSuccessManager,
            person: None,
            stage,
            band,
            complexity_percent: 100,
            skills: BTreeSet::new(),
        }
    }

    fn steady(count: usize) -> Vec<Demand> {
        (0..count).map(|number| demand(number, LifecycleStage::Steady, Some(Band::Healthy))).collect()
    }

    fn supply(count: usize) -> Vec<Supply> {
        let person = |number| Supply {
            person: PersonId::new(format!("csm-{number}")).unwrap(),
            role: Role::CustomerSuccessManager,
            skills: BTreeSet::new(),
            nights: 0,
        };
        (0..count).map(person).collect()
    }

    fn today() -> Day {
        Day::from_number(20_000)
    }

    fn look(demand: &[Demand], supply: &[Supply], growth: i64) -> Forecast {
        forecast(demand, supply, growth, &AllocationPolicy::default(), &CapacityPolicy::default(), today())
    }

    #[test]
    fn a130_three_managers_with_nine_accounts_are_full_and_hiring_is_triggered() {
        let found = look(&steady(9), &supply(3), 0);
        let load = &found.roles[0];
        assert_eq!(load.utilisation.unwrap().to_string(), "1");
        assert_eq!((load.load, load.room), (900, 900));
        assert_eq!((load.full_on, load.hire_on), (Some(today()), Some(today())), "the trigger is on");
        assert_eq!(found.binding, Some(Role::CustomerSuccessManager));
    }

    #[test]
    fn a138_what_lies_above_85_percent_is_overflow_and_at_85_nothing_is() {
        // 20 people have room for 60 accounts: 51 are 85 %.
        let at = |accounts| look(&steady(accounts), &supply(20), 0).roles[0].clone();
        assert_eq!((at(51).overflow, at(51).hire_on), (0, None));
        assert_eq!((at(52).overflow, at(52).hire_on), (100, Some(today())));
        let complex: Vec<Demand> =
            steady(51).into_iter().map(|demand| Demand { complexity_percent: 110, ..demand }).collect();
        assert_eq!(look(&complex, &supply(20), 0).roles[0].overflow, 510, "complex accounts are more work");
    }

    #[test]
    fn stage_and_band_weigh() {
        let load = |stage, band| look(&[demand(1, stage, band)], &supply(1), 0).roles[0].load;
        assert_eq!(load(LifecycleStage::Onboarding, Some(Band::Emergency)), 300);
        assert_eq!(load(LifecycleStage::Steady, Some(Band::Champion)), 80);
        assert_eq!(load(LifecycleStage::Steady, None), 100);
        assert_eq!(load(LifecycleStage::Churned, Some(Band::Critical)), 0);
    }

    #[test]
    fn a_role_that_grows_says_when_it_will_be_full_and_when_to_decide() {
        // Room for 60, 51 are good, 42 are there: 9 more in 90 days is one in ten days, and the 52nd is one too many.
        let grows = look(&steady(42), &supply(20), 9).roles[0].clone();
        assert_eq!(grows.full_on, Some(today().plus(91)));
        assert_eq!(grows.hire_on, Some(today().plus(1)));
        assert_eq!(look(&steady(42), &supply(20), 1).roles[0].full_on, None, "not within a year");
        assert_eq!(look(&steady(42), &supply(20), -9).roles[0].full_on, None, "it shrinks");
    }

    #[test]
    fn a_role_without_people_binds_first_and_has_no_utilisation() {
        let mut work = steady(9);
        work.push(Demand { role: Role::TechnicalAccountManager, ..demand(10, LifecycleStage::Steady, None) });
        let found = look(&work, &supply(3), 0);
        assert_eq!(found.binding, Some(Role::TechnicalAccountManager));
        assert_eq!(found.roles.iter().find(|load| load.people == 0).unwrap().utilisation, None);
    }

    #[test]
    fn a_skill_that_too_few_know_is_a_gap() {
        let skills = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
        let work: Vec<Demand> =
            steady(4).into_iter().map(|demand| Demand { skills: skills(&["renewal"]), ..demand }).collect();
        let mut people = supply(4);
        people[0].skills = skills(&["renewal", "adoption"]);
        let gaps = look(&work, &people, 0).gaps;
        assert_eq!(
            gaps.iter().map(|gap| (gap.skill.as_str(), gap.load, gap.room)).collect::<Vec<_>>(),
            [("renewal", 400, 300)]
        );
        people[1].skills = skills(&["renewal"]);
        assert_eq!(look(&work, &people, 0).gaps, []);
    }

    #[test]
    fn who_is_told_out_of_hours_too_often_is_named() {
        let mut people = supply(2);
        people[0].nights = 4;
        people[1].nights = 5;
        assert_eq!(look(&[], &people, 0).tired, [people[1].person.clone()]);
    }
}

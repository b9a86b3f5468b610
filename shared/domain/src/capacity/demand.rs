//! The work that stories ask of each role, and how the portfolio grew.

use super::{CapacityPolicy, Demand, Supply, Turns};
use crate::account::LifecycleStage;
use crate::allocation::AllocationPolicy;
use crate::day::SECONDS;
use crate::escalation::Role;
use crate::insight::journey::stays;
use crate::roster::Roster;
use crate::story::{Second, Story};

/// Over how many days growth is counted.
const GROWTH_DAYS: i64 = 90;

/// What every customer among these accounts asks of whom: the roles that its kind needs, and those that somebody is in for
/// it.
pub fn demand<'a>(
    stories: impl IntoIterator<Item = &'a Story>,
    allocation: &AllocationPolicy,
    policy: &CapacityPolicy,
) -> Vec<Demand> {
    let customers = stories.into_iter().filter(|story| story.is_customer());
    customers.flat_map(|story| of_account(story, allocation, policy)).collect()
}

fn of_account(story: &Story, allocation: &AllocationPolicy, policy: &CapacityPolicy) -> Vec<Demand> {
    let Some(description) = story.description() else { return Vec::new() };
    let needs = |role: &Role| policy.needs_roles.get(&description.segment).is_some_and(|roles| roles.contains(role));
    let skills = |role: Role| policy.needs_skills.get(&role).and_then(|stages| stages.get(&description.stage));
    let one = |role: Role| {
        let owner = || description.owner.clone().filter(|_| role == Role::CustomerSuccessManager);
        let person = story.holder(role.name()).cloned().or_else(owner);
        (needs(&role) || person.is_some()).then(|| Demand {
            account: story.account.clone(),
            role,
            person,
            stage: description.stage,
            band: story.bands.latest().copied(),
            complexity_percent: policy.complexity_percent.get(&description.segment).copied().unwrap_or(100),
            skills: skills(role).cloned().unwrap_or_default(),
        })
    };
    allocation.capacity.keys().copied().filter_map(one).collect()
}

/// Everybody of the roster who looks after accounts.
pub fn supply(roster: &Roster, turns: &Turns, allocation: &AllocationPolicy) -> Vec<Supply> {
    let of_person = |person: &crate::roster::Person| {
        let roles: Vec<Role> =
            person.roles.iter().copied().filter(|role| allocation.capacity.contains_key(role)).collect();
        let one = |role: Role| Supply {
            person: person.id.clone(),
            role,
            skills: person.skills.keys().map(ToString::to_string).collect(),
            nights: turns.by_person.get(&person.id).map_or(0, |turn| turn.nights),
        };
        roles.into_iter().map(one).collect::<Vec<_>>()
    };
    roster.people().flat_map(of_person).collect()
}

/// By how many customers the portfolio grew in the 90 days before a moment: those that came, without those that left.
pub fn growth<'a>(stories: impl IntoIterator<Item = &'a Story>, now: Second) -> i64 {
    let since = now.saturating_sub(GROWTH_DAYS * SECONDS);
    let was = |story: &Story, at: Second| {
        let stay = stays(story).into_iter().take_while(|stay| stay.from <= at).last();
        i64::from(stay.is_some_and(|stay| stay.stage != LifecycleStage::Churned))
    };
    stories.into_iter().map(|story| was(story, now) - was(story, since)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::Segment;
    use crate::id::PersonId;
    use crate::insight::fixtures::{any_stages, days, staged, story};
    use crate::story::News;
    use proptest::prelude::*;

    fn look(stories: &[Story]) -> Vec<(String, &'static str, Option<String>, u64)> {
        demand(stories, &AllocationPolicy::default(), &CapacityPolicy::default())
            .into_iter()
            .map(|one| {
                let person = one.person.map(|person| person.to_string());
                (one.account.to_string(), one.role.name(), person, one.complexity_percent)
            })
            .collect()
    }

    #[test]
    fn a138_an_account_asks_for_the_roles_of_its_kind_and_those_that_it_has() {
        let mut large = story("large", Segment::Enterprise, 1);
        large.apply(
            days(1),
            News::Held { role: "customer_success_manager".into(), person: PersonId::new("csm-1").unwrap() },
        );
        let small = story("small", Segment::SmallBusiness, 1);
        let gone = staged("gone", &[(0, LifecycleStage::Churned)]);
        let csm = "customer_success_manager";
        let expected = [
            ("large".to_owned(), csm, Some("csm-1".to_owned()), 125),
            ("large".to_owned(), "technical_account_manager", None, 125),
            ("small".to_owned(), csm, None, 75),
        ];
        assert_eq!(look(&[large, small, gone]), expected);
    }

    proptest! {
        #[test]
        fn growth_equals_brute_force(histories in prop::collection::vec(any_stages(), 0..20), today in 0_i64..250) {
            let stories: Vec<Story> =
                histories.iter().enumerate().map(|(number, stages)| staged(&format!("a{number}"), stages)).collect();
            let customers = |day: i64| {
                histories
                    .iter()
                    .filter(|stages| {
                        let told = stages.iter().filter(|(at, _)| *at <= day).max();
                        told.is_some_and(|(_, stage)| *stage != LifecycleStage::Churned)
                    })
                    .count()
            };
            let expected = i64::try_from(customers(today)).unwrap() - i64::try_from(customers(today - 90)).unwrap();
            prop_assert_eq!(growth(&stories, days(today).as_second()), expected);
        }
    }
}

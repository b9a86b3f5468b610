//! Where a case goes: to somebody on duty in its tier who knows what it needs and has the least to do.
//!
//! Whoever lacks what is needed is never given it: where nobody on duty knows it the next tier is asked, and in the end the
//! one who is told is told just that. The same facts give the same route with the same reasons.

use crate::escalation::Role;
use crate::id::PersonId;
use crate::roster::{Duty, Reach, Roster, Skills, Tier};
use crate::signal::Severity;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What a case needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Work {
    /// The tier that it comes to.
    pub tier: Tier,
    /// How bad it is.
    pub severity: Severity,
    /// What whoever takes it has to know: follows from its category.
    pub skills: Skills,
}

/// Where a case goes, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "route", rename_all = "snake_case")]
pub enum Route {
    /// To somebody, now.
    To {
        /// The tier.
        tier: Tier,
        /// Who.
        person: Duty,
        /// Who could take it as well, in their order.
        others: Vec<PersonId>,
        /// Why, in plain words.
        reasons: Vec<String>,
    },
    /// It waits for a tier to open.
    Waits {
        /// The tier.
        tier: Tier,
        /// When it opens, if it does.
        until: Option<Timestamp>,
        /// Why, in plain words.
        reasons: Vec<String>,
    },
    /// Nobody on duty knows what it needs: somebody is told that.
    Unskilled {
        /// Who is told.
        told: Duty,
        /// Why, in plain words.
        reasons: Vec<String>,
    },
}

/// Routes a case. `open` is how many cases everybody has.
pub fn route(work: &Work, roster: &Roster, open: &BTreeMap<PersonId, u32>, at: Timestamp) -> Route {
    let mut reasons = Vec::new();
    let mut next = Some(work.tier);
    while let Some(tier) = next {
        match roster.reach(tier, work.severity, at) {
            Reach::Waits { tier, until } => {
                reasons.push(format!("tier {} is closed, and `{}` waits", tier.number(), work.severity.name()));
                return Route::Waits { tier, until, reasons };
            }
            Reach::Now { tier: reached, people } => {
                if reached != tier {
                    let severity = work.severity.name();
                    reasons.push(format!("tier {} is closed, and `{severity}` goes on", tier.number()));
                }
                let role = roster.tier(reached).role;
                if let Some(found) = best(work, roster, open, (reached, role), people, &mut reasons) {
                    return found;
                }
                next = reached.next();
            }
        }
    }
    Route::Unskilled { told: roster.fallback(at), reasons }
}

fn best(
    work: &Work,
    roster: &Roster,
    open: &BTreeMap<PersonId, u32>,
    (tier, role): (Tier, Role),
    people: Vec<Duty>,
    reasons: &mut Vec<String>,
) -> Option<Route> {
    let count = people.len();
    let knowing = |duty: &Duty| roster.person(&duty.person).is_some_and(|person| person.knows(&work.skills));
    let busy = |duty: &Duty| open.get(&duty.person).copied().unwrap_or_default();
    let level = |duty: &Duty| -> u32 {
        let skills = roster.person(&duty.person).map(|person| &person.skills);
        let known = skills.into_iter().flat_map(|skills| work.skills.keys().filter_map(|skill| skills.get(skill)));
        known.map(|level| u32::from(level.get())).sum()
    };
    // A stable sort: among equals whoever is first on duty is first.
    let mut able: Vec<Duty> = people.into_iter().filter(knowing).collect();
    able.sort_by_key(|duty| (busy(duty), std::cmp::Reverse(level(duty))));
    let number = tier.number();
    if able.is_empty() {
        let needed: Vec<String> =
            work.skills.iter().map(|(skill, level)| format!("{skill} at {}", level.get())).collect();
        reasons.push(match (count, needed.is_empty()) {
            (0, _) | (_, true) => format!("nobody is on duty in tier {number}"),
            _ => format!("nobody of the {count} on duty in tier {number} knows {}", needed.join(" and ")),
        });
        return None;
    }
    let mut able = able.into_iter();
    let person = able.next()?;
    reasons.push(format!("`{}` is on duty in tier {number} as `{}`", person.person, role.name()));
    if !work.skills.is_empty() {
        let each = work.skills.iter().map(|(skill, level)| format!("{skill} at {}", level.get()));
        reasons.push(format!("knows {} or better", each.collect::<Vec<_>>().join(" and ")));
    }
    reasons.push(format!("has {} open cases, the least of the {} who could", busy(&person), able.len() + 1));
    reasons.extend(person.instead_of.as_ref().map(|other| format!("stands in for `{other}`")));
    Some(Route::To { tier, others: able.map(|duty| duty.person).collect(), person, reasons: std::mem::take(reasons) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::SkillId;
    use crate::roster::Level;
    use crate::roster::tests::{at, id, roster};
    use proptest::prelude::*;

    fn work(tier: Tier, severity: Severity, skills: &[(&str, u8)]) -> Work {
        let level = |(skill, level): &(&str, u8)| (SkillId::new(skill).unwrap(), Level::try_from(*level).unwrap());
        Work { tier, severity, skills: skills.iter().map(level).collect() }
    }

    fn noon() -> Timestamp {
        at("2026-11-23T11:00:00Z")
    }

    fn to(work: &Work, open: &[(&str, u32)]) -> (String, Vec<String>) {
        let open = open.iter().map(|(name, count)| (id(name), *count)).collect();
        match route(work, &roster(), &open, noon()) {
            Route::To { person, reasons, .. } => (person.person.to_string(), reasons),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a89_the_least_busy_of_those_who_know_it_takes_it_with_reasons() {
        let plain = work(Tier::First, Severity::Low, &[("network", 2)]);
        let expected = [
            "`bob` is on duty in tier 1 as `support_engineer`",
            "knows network at 2 or better",
            "has 1 open cases, the least of the 2 who could",
        ];
        assert_eq!(to(&plain, &[("ada", 2), ("bob", 1)]), ("bob".into(), expected.map(str::to_owned).to_vec()));
        assert_eq!(to(&plain, &[("ada", 1), ("bob", 2)]).0, "ada");
        assert_eq!(to(&plain, &[]).0, "bob", "of two who have as much to do, whoever knows it better");
        assert_eq!(to(&work(Tier::First, Severity::Low, &[]), &[]).0, "ada", "else whoever is first on duty");
    }

    #[test]
    fn a96_where_nobody_on_duty_knows_it_the_next_tier_is_asked_and_nobody_is_given_what_they_do_not_know() {
        let (person, reasons) = to(&work(Tier::First, Severity::High, &[("database", 2)]), &[]);
        assert_eq!(person, "cleo");
        assert_eq!(reasons[0], "nobody of the 2 on duty in tier 1 knows database at 2");
        let unknown = work(Tier::First, Severity::High, &[("sorcery", 1)]);
        let Route::Unskilled { told, reasons } = route(&unknown, &roster(), &BTreeMap::new(), noon()) else {
            panic!("somebody is given what they do not know")
        };
        assert_eq!((told.person, reasons.len()), (id("fay"), 4));
    }

    #[test]
    fn a59_what_waits_for_the_third_tier_says_until_when() {
        let saturday = at("2026-11-21T01:00:00Z");
        let route = |severity| route(&work(Tier::Third, severity, &[]), &roster(), &BTreeMap::new(), saturday);
        let until = Some(at("2026-11-23T08:00:00Z"));
        assert!(
            matches!(route(Severity::Medium), Route::Waits { tier: Tier::Third, until: found, .. } if found == until)
        );
        assert!(matches!(route(Severity::Critical), Route::To { tier: Tier::Fourth, .. }));
    }

    proptest! {
        #[test]
        fn a96_ties_are_stable_and_the_skill_is_there(
            tier in prop::sample::select(Tier::ALL.to_vec()), open in prop::collection::vec(0..3_u32, 4),
            level in 1..6_u8, skill in prop::sample::select(vec!["network", "database", "sorcery"]), hour in 0..200_i64,
        ) {
            let work = work(tier, Severity::High, &[(skill, level)]);
            let open = ["ada", "bob", "cleo", "dan"].into_iter().map(id).zip(open).collect();
            let at = Timestamp::from_second(noon().as_second() + hour * 3_600).unwrap();
            let found = route(&work, &roster(), &open, at);
            prop_assert_eq!(&found, &route(&work, &roster(), &open, at));
            if let Route::To { person, others, .. } = found {
                for person in others.iter().chain([&person.person]) {
                    prop_assert!(roster().person(person).unwrap().knows(&work.skills));
                    prop_assert!(roster().is_present(person, at));
                }
            }
        }
    }
}

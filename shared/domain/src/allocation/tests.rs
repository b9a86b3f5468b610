use super::*;
use crate::id::SkillId;
use crate::roster::tests::{at, draft, id, person};
use crate::roster::{Absence, Level};
use proptest::prelude::*;

const CSM: Role = Role::CustomerSuccessManager;
const TAM: Role = Role::TechnicalAccountManager;

fn now() -> Timestamp {
    at("2026-11-23T10:00:00Z")
}

/// Three customer success managers and two technical account managers beside those of the roster.
fn team() -> Roster {
    let mut draft = draft();
    draft.people.retain(|person| !person.roles.contains(&CSM) && !person.roles.contains(&TAM));
    draft.people.extend([
        person("csm-a", &[CSM], &[("adoption", 4), ("renewal", 2)]),
        person("csm-b", &[CSM], &[("adoption", 2)]),
        person("csm-c", &[CSM], &[("renewal", 5)]),
        person("tam-a", &[TAM], &[("network", 3)]),
        person("tam-b", &[TAM], &[("network", 3)]),
    ]);
    draft.absences.push(Absence {
        person: id("csm-c"),
        first: "2026-12-01".parse().unwrap(),
        last: "2026-12-02".parse().unwrap(),
        deputy: None,
    });
    Roster::new(draft).unwrap()
}

fn need(role: Role, skills: &[(&str, u8)]) -> Need {
    let level = |(skill, level): &(&str, u8)| (SkillId::new(skill).unwrap(), Level::try_from(*level).unwrap());
    Need {
        account: AccountId::new("acme").unwrap(),
        stage: LifecycleStage::Steady,
        role,
        skills: skills.iter().map(level).collect(),
    }
}

fn holding(count: usize, stage: LifecycleStage) -> Load {
    let held = |number: usize| {
        (AccountId::new(format!("account-{number}")).unwrap(), Held { stage, since: at("2026-01-01T00:00:00Z") })
    };
    Load { accounts: (0..count).map(held).collect(), ..Load::default() }
}

fn loads(all: &[(&str, Load)]) -> BTreeMap<PersonId, Load> {
    all.iter().map(|(name, load)| (id(name), load.clone())).collect()
}

fn order(ranking: &Ranking) -> Vec<&str> {
    ranking.ranked.iter().map(|ranked| ranked.person.as_str()).collect()
}

fn ask<'a>(by: &'a PersonId, person: Option<&'a PersonId>, exception: Option<&'a str>) -> Commit<'a> {
    Commit { by, person, replaces: None, exception }
}

#[test]
fn a49_the_fourth_account_of_a_manager_is_refused_with_the_reason_and_alternatives() {
    let (roster, policy) = (team(), AllocationPolicy::default());
    let full = loads(&[("csm-a", holding(3, LifecycleStage::Steady))]);
    let ranking = rank(&need(CSM, &[]), &roster, &full, &policy, now());
    assert_eq!(order(&ranking), ["csm-b", "csm-c"]);
    let (kim, csm) = (id("kim"), id("csm-a"));
    let refused = commit(&ranking, None, &ask(&kim, Some(&csm), None), &roster, now()).unwrap_err();
    assert_eq!(refused.to_string(), "`csm-a` has 3 accounts and may have 3");
    let CommitError::Refused { alternatives, .. } = refused else { panic!("{refused}") };
    assert_eq!(alternatives, [id("csm-b"), id("csm-c")]);
    // The third is taken.
    let two = loads(&[("csm-a", holding(2, LifecycleStage::Onboarding))]);
    let ranking = rank(&need(CSM, &[]), &roster, &two, &policy, now());
    assert_eq!(commit(&ranking, None, &ask(&kim, Some(&csm), None), &roster, now()).unwrap().person, csm);
}

#[test]
fn a49_an_exception_is_a_vice_presidents_decision_with_a_reason() {
    let (roster, policy) = (team(), AllocationPolicy::default());
    let full = loads(&[("csm-a", holding(3, LifecycleStage::Steady))]);
    let ranking = rank(&need(CSM, &[("adoption", 3)]), &roster, &full, &policy, now());
    let (csm, kim, fay) = (id("csm-a"), id("hal"), id("fay"));
    let asked =
        |by: &PersonId, reason: &str| commit(&ranking, None, &ask(by, Some(&csm), Some(reason)), &roster, now());
    assert_eq!(asked(&kim, "they asked for her"), Err(CommitError::NotVicePresident(kim.clone())));
    assert_eq!(asked(&fay, "  "), Err(CommitError::Words(2)));
    let allocated = asked(&fay, "they asked for her").unwrap();
    assert_eq!(allocated.exception, Some(Exception { by: fay.clone(), reason: "they asked for her".into() }));
    // An exception is one from the limit, not from what is needed.
    let other = id("csm-b");
    let unskilled = commit(&ranking, None, &ask(&fay, Some(&other), Some("it will do")), &roster, now()).unwrap_err();
    assert_eq!(unskilled.to_string(), "`csm-b` does not know `adoption` at 3");
}

#[test]
fn a50_the_eighth_account_of_a_technical_manager_is_refused_and_fewer_than_five_are_slack() {
    let (roster, policy) = (team(), AllocationPolicy::default());
    let ranking = |count: usize| {
        let loads =
            loads(&[("tam-a", holding(count, LifecycleStage::Steady)), ("tam-b", holding(7, LifecycleStage::Steady))]);
        rank(&need(TAM, &[]), &roster, &loads, &policy, now())
    };
    for (count, slack) in [(0, 5), (4, 1), (5, 0), (6, 0)] {
        let ranking = ranking(count);
        assert_eq!((order(&ranking), ranking.ranked[0].slack), (vec!["tam-a"], slack), "{count} accounts");
    }
    let ranking = ranking(7);
    assert_eq!(order(&ranking), Vec::<&str>::new());
    let kim = id("kim");
    let nobody = commit(&ranking, None, &ask(&kim, None, None), &roster, now()).unwrap_err().to_string();
    let each = "has 7 accounts and may have 7";
    assert_eq!(nobody, format!("nobody can take it: `tam-a` {each}; `tam-b` {each}"));
}

#[test]
fn a50_load_is_weighed_by_the_stage_of_what_somebody_has() {
    let (roster, policy) = (team(), AllocationPolicy::default());
    let loads =
        loads(&[("tam-a", holding(5, LifecycleStage::Onboarding)), ("tam-b", holding(5, LifecycleStage::Steady))]);
    let ranking = rank(&need(TAM, &[]), &roster, &loads, &policy, now());
    assert_eq!(order(&ranking), ["tam-b", "tam-a"]);
    let percent: Vec<u32> = ranking.ranked.iter().map(|ranked| ranked.load_percent).collect();
    assert_eq!(percent, [500, 750]);
}

#[test]
fn a96_nobody_is_proposed_who_lacks_what_is_needed_or_is_absent() {
    let (roster, policy) = (team(), AllocationPolicy::default());
    let needed = need(CSM, &[("renewal", 2)]);
    let ranking = rank(&needed, &roster, &BTreeMap::new(), &policy, now());
    assert_eq!(order(&ranking), ["csm-c", "csm-a"], "who knows it better comes first");
    assert_eq!(ranking.refused[0].refusal.to_string(), "does not know `renewal` at 2");
    let away = rank(&needed, &roster, &BTreeMap::new(), &policy, at("2026-12-01T10:00:00Z"));
    assert_eq!(order(&away), ["csm-a"]);
    assert_eq!(away.refused[1].refusal, Refusal::Absent);
}

#[test]
fn a139_expertise_room_rotation_and_success_each_decide_alone() {
    let (roster, policy) = (team(), AllocationPolicy::default());
    let first = |one: Load, other: Load| {
        let ranking = rank(&need(TAM, &[]), &roster, &loads(&[("tam-a", one), ("tam-b", other)]), &policy, now());
        assert!(
            ranking
                .ranked
                .iter()
                .all(|ranked| ranked.points == ranked.parts.iter().map(|part| part.points).sum::<u32>())
        );
        order(&ranking)[0].to_owned()
    };
    let none = Load::default();
    assert_eq!(first(none.clone(), none.clone()), "tam-a", "the same every time");
    assert_eq!(first(holding(1, LifecycleStage::Steady), none.clone()), "tam-b");
    let turn = Load { last_at: Some(at("2026-11-20T00:00:00Z")), ..none.clone() };
    assert_eq!(first(turn, none.clone()), "tam-b");
    assert_eq!(first(Load { lost: 2, ..none.clone() }, Load { kept: 2, ..none }), "tam-b");
}

#[test]
fn a131_who_comes_second_learns_of_the_first() {
    let (roster, policy) = (team(), AllocationPolicy::default());
    let ranking = rank(&need(CSM, &[]), &roster, &BTreeMap::new(), &policy, now());
    let (kim, lee) = (id("kim"), id("lee"));
    let (one, other) = (id("csm-a"), id("csm-b"));
    let won = commit(&ranking, None, &ask(&kim, Some(&one), None), &roster, now()).unwrap();
    let asked = |commit_: Commit<'_>| commit(&ranking, Some(&won), &commit_, &roster, at("2026-11-23T11:00:00Z"));
    assert_eq!(asked(ask(&lee, Some(&other), None)), Err(CommitError::Taken(one.clone())));
    assert_eq!(asked(ask(&lee, None, None)), Err(CommitError::Taken(one.clone())));
    assert_eq!(asked(ask(&lee, Some(&one), None)), Ok(won.clone()), "it is so already");
    let known = Commit { replaces: Some(&one), ..ask(&lee, Some(&other), None) };
    assert_eq!(asked(known).unwrap().person, other);
    let anybody = Commit { replaces: Some(&one), ..ask(&lee, None, None) };
    assert_eq!(asked(anybody).unwrap().person, other, "the best but for who is replaced");
}

/// The best of all ways to give the accounts away, tried one after the other.
fn brute_force(needs: &[Need], roster: &Roster, loads: &BTreeMap<PersonId, Load>) -> (usize, i64) {
    fn go(
        left: &[Need],
        roster: &Roster,
        loads: &BTreeMap<PersonId, Load>,
        given: &mut BTreeMap<PersonId, u32>,
    ) -> (usize, i64) {
        let policy = AllocationPolicy::default();
        let Some((need, rest)) = left.split_first() else { return (0, 0) };
        let mut best = go(rest, roster, loads, given);
        for person in roster.people().filter(|person| person.roles.contains(&need.role)) {
            let load = loads.get(&person.id).cloned().unwrap_or_default();
            let capacity = policy.capacity[&need.role];
            let taken = given.get(&person.id).copied().unwrap_or_default();
            if load.count() + taken >= capacity.high
                || !person.knows(&need.skills)
                || !roster.is_present(&person.id, now())
            {
                continue;
            }
            // By hand: a steady account for each that was taken before, and the three other parts.
            let percent = load.percent(&policy) + taken * 100;
            let room = policy.room * (capacity.high * 100).saturating_sub(percent) / (capacity.high * 100);
            let alone = rank(need, roster, loads, &policy, now());
            let ranked = alone.ranked.iter().find(|ranked| ranked.person == person.id).unwrap();
            let fit: u32 = ranked.parts.iter().filter(|part| part.name != "room").map(|part| part.points).sum::<u32>();
            *given.entry(person.id.clone()).or_default() += 1;
            let (count, points) = go(rest, roster, loads, given);
            *given.get_mut(&person.id).unwrap() -= 1;
            best = best.max((count + 1, points + i64::from(fit + room)));
        }
        best
    }
    go(needs, roster, loads, &mut BTreeMap::new())
}

fn any_need(number: usize) -> impl Strategy<Value = Need> {
    let skills = prop::collection::btree_map(prop::sample::select(vec!["adoption", "renewal"]), 1..6_u8, 0..2);
    skills.prop_map(move |skills| {
        let skills: Vec<(&str, u8)> = skills.into_iter().collect();
        Need { account: AccountId::new(format!("new-{number}")).unwrap(), ..need(CSM, &skills) }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn a139_a_whole_team_gets_the_best_of_all_assignments(
        needs in (1..6_usize).prop_flat_map(|count| (0..count).map(any_need).collect::<Vec<_>>()),
        held in prop::collection::vec((0..4_usize, 0..3_u32, 0..3_u32, 0..100_i64), 3),
    ) {
        let (roster, policy) = (team(), AllocationPolicy::default());
        let loads: BTreeMap<PersonId, Load> = ["csm-a", "csm-b", "csm-c"].into_iter().zip(held)
            .map(|(name, (count, kept, lost, days))| {
                let last_at = Timestamp::from_second(now().as_second() - days * 86_400).ok();
                (id(name), Load { kept, lost, last_at, ..holding(count, LifecycleStage::Steady) })
            })
            .collect();
        let found = assign_team(&needs, &roster, &loads, &policy, now()).unwrap();
        let count = found.by_account.values().flatten().count();
        prop_assert_eq!((count, found.points), brute_force(&needs, &roster, &loads));
        // Nobody beyond the limit, nobody without what is needed, and the order of the accounts plays no part.
        for (name, load) in &loads {
            let given = found.by_account.values().flatten().filter(|person| *person == name).count();
            prop_assert!(load.accounts.len().max(3) >= load.accounts.len() + given);
        }
        for need in &needs {
            let person = found.by_account[&need.account].as_ref();
            prop_assert!(person.is_none_or(|person| roster.person(person).unwrap().knows(&need.skills)));
        }
        let mut other = needs.clone();
        other.reverse();
        prop_assert_eq!(assign_team(&other, &roster, &loads, &policy, now()).unwrap(), found);
    }

    #[test]
    fn a89_the_same_facts_give_the_same_order_and_reasons(
        counts in prop::collection::vec(0..4_usize, 3), skills in any_need(0),
    ) {
        let (roster, policy) = (team(), AllocationPolicy::default());
        let loads: BTreeMap<PersonId, Load> = ["csm-a", "csm-b", "csm-c"].into_iter().zip(counts)
            .map(|(name, count)| (id(name), holding(count, LifecycleStage::Steady))).collect();
        let one = rank(&skills, &roster, &loads, &policy, now());
        prop_assert_eq!(&one, &rank(&skills, &roster, &loads, &policy, now()));
        prop_assert_eq!(one.ranked.len() + one.refused.len(), 3);
        prop_assert!(one.ranked.windows(2).all(|pair| pair[0].points >= pair[1].points));
    }
}

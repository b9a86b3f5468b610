use super::*;
use crate::calendar::Weekday;
use crate::calendar::tests::berlin;
use jiff::Timestamp;
use jiff::civil::Time;
use proptest::prelude::*;

const WEEK: [Weekday; 7] = [
    Weekday::Monday,
    Weekday::Tuesday,
    Weekday::Wednesday,
    Weekday::Thursday,
    Weekday::Friday,
    Weekday::Saturday,
    Weekday::Sunday,
];

pub(crate) fn id(name: &str) -> PersonId {
    PersonId::new(name).unwrap()
}

pub(crate) fn person(name: &str, roles: &[Role], skills: &[(&str, u8)]) -> Person {
    let level = |(skill, level): &(&str, u8)| (SkillId::new(skill).unwrap(), Level::try_from(*level).unwrap());
    Person {
        id: id(name),
        name: name.to_owned(),
        roles: roles.iter().copied().collect(),
        skills: skills.iter().map(level).collect(),
        zone: Zone::new("Europe/Berlin").unwrap(),
    }
}

fn shift(zone: &str, days: &[Weekday], from: i8, until: i8, people: &[&str]) -> Shift {
    let hour = |hour: i8| Time::constant(hour % 24, 0, 0, 0);
    let hours = WeekHours {
        zone: Zone::new(zone).unwrap(),
        days: days.iter().copied().collect(),
        from: hour(from),
        until: hour(until),
    };
    Shift { hours, people: people.iter().map(|name| id(name)).collect(), rotate_every_weeks: 0 }
}

fn schedule(name: &str, role: Role, shifts: Vec<Shift>) -> Schedule {
    Schedule { id: ScheduleId::new(name).unwrap(), role, shifts }
}

fn plan(role: Role, hours: Hours) -> TierPlan {
    TierPlan { role, hours, needs: Skills::new(), skipped_by: [Severity::Critical, Severity::High].into() }
}

fn absent(name: &str, first: &str, last: &str, deputy: Option<&str>) -> Absence {
    Absence { person: id(name), first: first.parse().unwrap(), last: last.parse().unwrap(), deputy: deputy.map(id) }
}

/// Day and night shifts in Berlin for the first two tiers, working hours for the third, one executive with a deputy.
pub(crate) fn draft() -> Draft {
    let around = |one: &str, other: &str| {
        vec![shift("Europe/Berlin", &WEEK, 6, 18, &[one, other]), shift("Europe/Berlin", &WEEK, 18, 6, &[other, one])]
    };
    let senior = [("database", 3)];
    Draft {
        name: "test".into(),
        from: "2026-11-01".parse().unwrap(),
        people: vec![
            person("ada", &[Role::SupportEngineer], &[("network", 2)]),
            person("bob", &[Role::SupportEngineer], &[("network", 4)]),
            person("cleo", &[Role::SeniorSupportEngineer], &senior),
            person("dan", &[Role::SeniorSupportEngineer], &senior),
            person("eve", &[Role::Engineering], &[]),
            person("fay", &[Role::Executive, Role::VicePresident], &[]),
            person("gus", &[Role::Executive], &[]),
            person("hal", &[Role::CustomerSuccessManager], &[]),
            person("ida", &[Role::TechnicalAccountManager, Role::Trainer], &[]),
        ],
        schedules: vec![
            schedule("first-line", Role::SupportEngineer, around("ada", "bob")),
            schedule("second-line", Role::SeniorSupportEngineer, around("cleo", "dan")),
            schedule("makers", Role::Engineering, vec![shift("Europe/Berlin", &WEEK, 8, 18, &["eve"])]),
            schedule("executives", Role::Executive, vec![shift("UTC", &WEEK, 0, 0, &["fay"])]),
        ],
        absences: vec![absent("fay", "2026-12-24", "2026-12-31", Some("gus"))],
        tiers: [
            plan(Role::SupportEngineer, Hours::All),
            TierPlan {
                needs: BTreeMap::from([(SkillId::new("database").unwrap(), Level(3))]),
                ..plan(Role::SeniorSupportEngineer, Hours::All)
            },
            plan(Role::Engineering, Hours::Work(berlin())),
            plan(Role::Executive, Hours::All),
        ],
        fallback: id("fay"),
    }
}

pub(crate) fn roster() -> Roster {
    Roster::new(draft()).unwrap()
}

fn faults(draft: Draft) -> Vec<(String, String)> {
    Roster::new(draft).unwrap_err().into_iter().map(|fault| (fault.path, fault.reason)).collect()
}

pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn names(duties: &[Duty]) -> Vec<&str> {
    duties.iter().map(|duty| duty.person.as_str()).collect()
}

#[test]
fn a51_whoever_has_the_shift_is_first_at_any_instant() {
    let roster = roster();
    let told = |text: &str| names(&roster.on_call(Role::SupportEngineer, at(text))).join(" ");
    // Berlin is an hour ahead in winter: shifts change at 5:00 and 17:00.
    assert_eq!(told("2026-11-22T04:59:59.999Z"), "bob ada");
    assert_eq!(told("2026-11-22T05:00:00Z"), "ada bob");
    assert_eq!(told("2026-11-22T16:59:59.999Z"), "ada bob");
    assert_eq!(told("2026-11-22T17:00:00Z"), "bob ada");
    // Two hours in summer.
    assert_eq!(told("2027-07-01T03:59:59Z"), "bob ada");
    assert_eq!(told("2027-07-01T04:00:00Z"), "ada bob");
}

#[test]
fn a51_turns_change_with_the_week_and_not_within_a_night() {
    let mut draft = draft();
    draft.schedules[0].shifts[1].rotate_every_weeks = 1;
    let roster = Roster::new(draft).unwrap();
    let first = |text: &str| roster.on_call(Role::SupportEngineer, at(text))[0].person.to_string();
    // 2026-11-22 was a Sunday; its night ends on Monday.
    let (sunday, monday) = (first("2026-11-22T22:00:00Z"), first("2026-11-23T22:00:00Z"));
    assert_ne!(sunday, monday);
    assert_eq!(first("2026-11-23T04:00:00Z"), sunday);
    assert_eq!(first("2026-11-30T22:00:00Z"), sunday);
    let firsts: Vec<String> = (23..30).map(|day| first(&format!("2026-11-{day}T22:00:00Z"))).collect();
    assert_eq!(firsts, vec![monday; 7]);
}

#[test]
fn a51_a_gap_is_refused_with_its_hours() {
    let mut draft = draft();
    draft.schedules[0].shifts[1].hours.days.remove(&Weekday::Saturday);
    let (path, reason) = faults(draft).remove(0);
    assert_eq!(path, "tiers[0]");
    assert_eq!(
        reason,
        "has no `support_engineer` on duty from Sunday 2026-11-01 01:00 to Sunday 2026-11-01 06:00 (Europe/Berlin), \
         and 57 more such gaps; give somebody a shift there"
    );
}

#[test]
fn a51_an_hour_that_opens_between_two_places_when_one_changes_its_clocks_first_is_a_gap() {
    let mut draft = draft();
    // New York goes home at 18:00, which is midnight in Berlin, but for the weeks in which New York has its summer time
    // and Berlin has not.
    draft.schedules[0].shifts =
        vec![shift("Europe/Berlin", &WEEK, 0, 14, &["ada"]), shift("America/New_York", &WEEK, 8, 18, &["bob"])];
    let reason = faults(draft.clone()).remove(0).1;
    let named = "from Sunday 2027-03-14 23:00 to Monday 2027-03-15 00:00 (Europe/Berlin), and 20 more";
    assert!(reason.contains(named), "14 nights in spring, 7 in autumn: {reason}");
    draft.schedules[0].shifts[1].hours.until = Time::constant(19, 0, 0, 0);
    assert!(Roster::new(draft).is_ok());
}

#[test]
fn a51_everybody_of_a_shift_absent_is_a_gap_until_somebody_stands_in() {
    let mut draft = draft();
    draft.absences.push(absent("ada", "2027-02-01", "2027-02-03", None));
    assert!(Roster::new(draft.clone()).is_ok(), "bob is there");
    draft.absences.push(absent("bob", "2027-02-03", "2027-02-04", None));
    let expected = "has no `support_engineer` on duty from Wednesday 2027-02-03 00:00 to Thursday 2027-02-04 00:00 \
                    (Europe/Berlin); give somebody a shift there";
    assert_eq!(faults(draft.clone()), [("tiers[0]".to_owned(), expected.to_owned())]);
    draft.people.push(person("jo", &[Role::SupportEngineer], &[]));
    draft.absences[2].deputy = Some(id("jo"));
    let roster = Roster::new(draft).unwrap();
    let duties = roster.on_call(Role::SupportEngineer, at("2027-02-03T12:00:00Z"));
    let schedule = ScheduleId::new("first-line").ok();
    assert_eq!(duties, [Duty { person: id("jo"), instead_of: Some(id("bob")), schedule }]);
}

#[test]
fn a51_an_absence_behind_the_year_that_is_looked_at_is_looked_at_all_the_same() {
    let mut draft = draft();
    draft.absences.push(absent("eve", "2029-01-08", "2029-01-09", None));
    let reason = faults(draft).remove(0).1;
    assert!(
        reason.starts_with("has no `engineering` on duty from Monday 2029-01-08 09:00 to Monday 2029-01-08 17:00"),
        "{reason}"
    );
    assert!(reason.contains("and 1 more"), "{reason}");
}

#[test]
fn a48_every_role_has_somebody_in_it_or_the_fallback_is_told() {
    let roster = roster();
    let now = at("2026-11-22T12:00:00Z");
    for role in [
        Role::VicePresident,
        Role::CustomerSuccessManager,
        Role::TechnicalAccountManager,
        Role::Trainer,
        Role::SupportEngineer,
    ] {
        let found = roster.in_role(role, now);
        assert!(!found.is_empty(), "{}", role.name());
        assert!(found.iter().all(|duty| roster.person(&duty.person).unwrap().roles.contains(&role)));
    }
    assert_eq!(roster.in_role(Role::ChiefExecutive, now), []);
    assert_eq!(roster.fallback(now).person, id("fay"));
    let away = roster.fallback(at("2026-12-25T12:00:00Z"));
    assert_eq!((away.person, away.instead_of), (id("gus"), Some(id("fay"))));
}

#[test]
fn a48_two_who_stand_in_for_each_other_and_are_both_absent_leave_nobody() {
    let mut draft = draft();
    draft.absences = vec![
        absent("cleo", "2027-01-04", "2027-01-08", Some("dan")),
        absent("dan", "2027-01-08", "2027-01-09", Some("cleo")),
    ];
    let reason = faults(draft).remove(0).1;
    assert!(reason.contains("from Friday 2027-01-08 00:00 to Saturday 2027-01-09 00:00"), "{reason}");
}

#[test]
fn a59_what_comes_to_the_third_tier_at_night_waits_or_goes_on_by_its_severity() {
    let roster = roster();
    // Saturday, two o'clock in Berlin.
    let night = at("2026-11-21T01:00:00Z");
    let Reach::Now { tier, people } = roster.reach(Tier::Third, Severity::Critical, night) else { panic!("waits") };
    assert_eq!((tier, names(&people)), (Tier::Fourth, vec!["fay"]));
    let waits = Reach::Waits { tier: Tier::Third, until: Some(at("2026-11-23T08:00:00Z")) };
    assert_eq!(roster.reach(Tier::Third, Severity::Low, night), waits);
    let Reach::Now { tier, .. } = roster.reach(Tier::Third, Severity::Low, at("2026-11-23T08:00:00Z")) else {
        panic!("waits in working hours")
    };
    assert_eq!(tier, Tier::Third);
    for tier in [Tier::First, Tier::Second, Tier::Fourth] {
        assert!(matches!(roster.reach(tier, Severity::Low, night), Reach::Now { tier: found, .. } if found == tier));
    }
}

#[test]
fn a59_whoever_works_in_a_tier_knows_what_it_needs() {
    let mut draft = draft();
    draft.people[3].skills.clear();
    let expected = "`dan` does not know `database` at 3, which tier 2 needs";
    assert!(faults(draft).iter().all(|(path, reason)| path.starts_with("schedules[1].shifts[") && reason == expected));
}

#[test]
fn every_fault_is_named_with_its_path() {
    let mut draft = draft();
    draft.people[0].roles.clear();
    draft.people[8].id = id("hal");
    draft.schedules[2].shifts[0].people.push(id("zoe"));
    draft.schedules[3].shifts[0].hours.days.clear();
    draft.absences.push(absent("fay", "2026-12-31", "2026-12-30", Some("hal")));
    draft.absences.push(absent("gus", "2026-12-01", "2036-12-30", Some("gus")));
    draft.absences.push(absent("gus", "2026-12-05", "2026-12-06", None));
    draft.tiers[3].hours = Hours::Work(berlin());
    draft.fallback = id("nobody");
    let paths: Vec<String> = faults(draft).into_iter().map(|(path, _)| path).collect();
    assert_eq!(
        paths,
        [
            "people[0].roles",
            "people[8].id",
            "schedules[0].shifts[0].people[0]",
            "schedules[0].shifts[1].people[1]",
            "schedules[2].shifts[0].people[1]",
            "schedules[3].shifts[0].days",
            "absences[1].until",
            "absences[1].deputy",
            "absences[1]",
            "absences[2].until",
            "absences[2].deputy",
            "absences[3]",
            "tiers[3].hours",
            "fallback",
        ]
    );
}

#[test]
fn another_roster_has_another_version() {
    let mut other = draft();
    other.people[0].skills.clear();
    assert_ne!(Roster::new(other).unwrap().version(), roster().version());
    assert_eq!(roster().version(), roster().version());
}

fn any_shift() -> impl Strategy<Value = Shift> {
    let zone = prop::sample::select(crate::calendar::hours::tests::ZONES.to_vec());
    let days = prop::collection::btree_set(0..7_usize, 3..8);
    let people = prop::sample::subsequence(vec!["ada", "bob"], 1..3);
    (zone, days, 0..24_i8, 0..24_i8, people, 0..3_u32).prop_map(|(zone, days, from, until, people, weeks)| {
        let days: Vec<Weekday> = days.into_iter().map(|day| WEEK[day]).collect();
        Shift { rotate_every_weeks: weeks, ..shift(zone, &days, from, until, &people) }
    })
}

fn any_absence(name: &'static str) -> impl Strategy<Value = Option<Absence>> {
    let deputy = prop::option::of(prop::sample::select(vec!["ada", "bob", "cleo"]));
    prop::option::of((0..400_i32, 0..9_i32, deputy).prop_map(move |(first, days, deputy)| {
        let first = "2026-11-01".parse::<Day>().unwrap().plus(first);
        Absence {
            person: id(name),
            first,
            last: first.plus(days),
            deputy: deputy.filter(|other| *other != name).map(id),
        }
    }))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    /// A roster that is taken has somebody at every half hour; one that is refused has the gap that it names.
    #[test]
    fn a51_what_is_taken_has_no_gap_and_what_is_refused_has_the_first_one(
        shifts in prop::collection::vec(any_shift(), 1..6), ada in any_absence("ada"), bob in any_absence("bob"),
    ) {
        let mut draft = draft();
        draft.people[2].roles.insert(Role::SupportEngineer);
        draft.schedules[0].shifts = shifts;
        draft.absences.extend(ada.into_iter().chain(bob));
        let from = draft.from;
        let result = Roster::new(draft.clone());
        // The same people without tiers that need them, to ask who is there.
        let mut free = draft.clone();
        free.tiers[0].role = Role::Executive;
        let Ok(roster) = Roster::new(free) else { return Err(TestCaseError::fail("the rest is right")) };
        let empty = |half: &i64| {
            let at = Timestamp::from_second(from.start().as_second() + half * 1_800).unwrap();
            roster.on_call(Role::SupportEngineer, at).is_empty()
        };
        let first = (0..i64::from(CHECKED_DAYS) * 48).find(empty);
        match (result, first) {
            (Ok(_), first) => prop_assert_eq!(first, None),
            (Err(faults), Some(half)) => {
                let zone = &draft.schedules[0].shifts[0].hours.zone;
                let at = Timestamp::from_second(from.start().as_second() + half * 1_800).unwrap();
                let named = format!("on duty from {}", zone.at(at).strftime("%A %Y-%m-%d %H:%M"));
                prop_assert!(faults[0].reason.contains(&named), "{} {}", faults[0].reason, named);
            }
            (Err(faults), None) => prop_assert!(false, "{:?}", faults),
        }
    }

    /// Whom the roster tells is there, has the role, and is told once.
    #[test]
    fn a48_nobody_is_told_who_is_absent_or_not_in_role(
        ada in any_absence("ada"), bob in any_absence("bob"), second in 0..30_000_000_i64,
    ) {
        let mut draft = draft();
        draft.absences.extend(ada.into_iter().chain(bob));
        draft.tiers[0].role = Role::Executive;
        draft.people[2].roles.insert(Role::SupportEngineer);
        let Ok(roster) = Roster::new(draft) else { return Err(TestCaseError::fail("the rest is right")) };
        let now = Timestamp::from_second(at("2026-11-01T00:00:00Z").as_second() + second).unwrap();
        let told = roster.on_call(Role::SupportEngineer, now);
        for duty in &told {
            prop_assert!(roster.is_present(&duty.person, now));
            prop_assert!(roster.person(&duty.person).unwrap().roles.contains(&Role::SupportEngineer));
            prop_assert!(duty.instead_of.as_ref().is_none_or(|other| !roster.is_present(other, now)));
        }
        let people: BTreeSet<_> = told.iter().map(|duty| &duty.person).collect();
        prop_assert_eq!(people.len(), told.len());
    }
}

//! Clocks of an escalation while contracts, tiers, channels and people change around it.

use super::*;
use crate::account::{Account, LifecycleStage, Money};
use crate::calendar::{Weekday, WorkCalendar, Zone};
use crate::priority::{Impact, Priority, Urgency};
use crate::routing;
use crate::signal::About;

/// The same policies, with office hours for large companies.
fn with_contract() -> EscalationPolicies {
    let base = policies();
    let days = [Weekday::Monday, Weekday::Tuesday, Weekday::Wednesday, Weekday::Thursday, Weekday::Friday];
    let time = |hour| jiff::civil::Time::constant(hour, 0, 0, 0);
    let hours = WorkCalendar::new(Zone::UTC, days.into(), time(9), time(17), BTreeSet::new()).unwrap();
    let contract = SlaPolicy { hours: Hours::Work(hours), ..base.sla.clone() };
    let contracts = [(Segment::Enterprise, contract)].into();
    EscalationPolicies::new("x", base.sla.clone(), Policies { contracts, ..base.policies.clone() }).unwrap()
}

fn customer(segment: Segment, dollars: i64) -> Account {
    Account {
        id: AccountId::new("acme").unwrap(),
        name: "Acme".to_owned(),
        arr: Money::from_cents(dollars * 100),
        segment,
        stage: LifecycleStage::Steady,
        renewal_on: None,
        owner: None,
        contact: Default::default(),
    }
}

fn case_of(escalation: &Escalation) -> &Case {
    let Cause::Case { case } = &escalation.cause else { panic!("a case") };
    case
}

fn resolution(escalation: &Escalation, policies: &EscalationPolicies) -> Clock {
    escalation.clocks(policies).into_iter().find(|clock| clock.kind == ClockKind::Resolution).unwrap()
}

#[test]
fn a63_time_that_passed_and_pauses_survive_a_change_of_contract() {
    let policies = with_contract();
    let (waits, works) = (CaseStatus::WaitingOnCustomer, CaseStatus::InProgress);
    let all = [
        news(0, CaseStatus::Opened, Severity::Critical),
        news(HOUR, waits, Severity::Critical),
        news(2 * HOUR, works, Severity::Critical),
    ];
    let (escalation, _) = open(of_case(&all), 0);
    let before = resolution(&escalation, &policies).at(at(3 * HOUR));
    assert_eq!((before.elapsed_millis, before.paused_millis), (2 * HOUR * 1_000, HOUR * 1_000));
    let standing = policies.standing(case_of(&escalation), Some(&customer(Segment::Enterprise, 0)), 0);
    assert_eq!(standing.0.segment, Segment::Enterprise);
    let (escalation, facts) = escalation.stands(standing, &policies, at(3 * HOUR));
    assert_eq!(words(&facts), Vec::<String>::new());
    // The tests' moment is a Monday at 14:13:20 and the change three hours later: the office is closed.
    let after = resolution(&escalation, &policies).at(at(10 * HOUR));
    assert_eq!((after.elapsed_millis, after.paused_millis), (before.elapsed_millis, before.paused_millis));
    let nine = at(18 * HOUR + 46 * MINUTE + 40);
    assert_eq!(
        resolution(&escalation, &policies).reaches(Mark::BREACH),
        Some(crate::sla::after(nine, 2 * HOUR * 1_000))
    );
    // And back: nothing that passed is counted again.
    let back = policies.standing(case_of(&escalation), Some(&customer(Segment::MidMarket, 0)), 0);
    let (escalation, _) = escalation.stands(back, &policies, at(11 * HOUR));
    assert_eq!(resolution(&escalation, &policies).at(at(12 * HOUR)).elapsed_millis, 3 * HOUR * 1_000);
    let text = serde_json::to_string(&escalation).unwrap();
    assert_eq!(serde_json::from_str::<Escalation>(&text).unwrap(), escalation, "as it is stored");
}

#[test]
fn a63_what_has_been_acknowledged_pages_nobody_months_later_whatever_changes() {
    let policies = with_contract();
    let (mut escalation, _) = critical().acknowledge(kim(), at(MINUTE)).unwrap();
    let mut all = Vec::new();
    for day in 1..200 {
        let segment = if day % 2 == 0 { Segment::Enterprise } else { Segment::MidMarket };
        let standing = policies.standing(case_of(&escalation), Some(&customer(segment, 0)), 0);
        let (stands, facts) = escalation.stands(standing, &policies, at(day * 24 * HOUR));
        all.extend(facts);
        let (told, facts) = stands.tick(&policies, at(day * 24 * HOUR));
        all.extend(facts);
        escalation = told;
    }
    let marks = ["30: first_response 50", "45: first_response 75", "60: first_response breached"];
    let resolution = ["120: resolution 50", "180: resolution 75", "240: resolution breached"];
    assert_eq!(words(&all), [marks, resolution].concat(), "each mark once, and nobody is paged");
    assert_eq!(escalation.next_due(&policies), None);
}

#[test]
fn a60_marks_of_the_next_response_are_told_anew_for_each_round() {
    let base = policies();
    let critical = Targets { next_response_seconds: Some(1_800), ..base.sla.critical };
    let sla = SlaPolicy { critical, ..base.sla.clone() };
    let policies = EscalationPolicies::new("x", sla, base.policies.clone()).unwrap();
    let all = |count: usize| {
        let mut all =
            vec![news(0, CaseStatus::Opened, Severity::Critical), news(60, CaseStatus::Responded, Severity::Critical)];
        for round in 0..i64::try_from(count).unwrap() {
            let begin = (1 + round) * 5 * MINUTE + round * HOUR;
            all.push(news(begin, CaseStatus::WaitingOnCustomer, Severity::Critical));
            all.push(news(begin + MINUTE, CaseStatus::InProgress, Severity::Critical));
        }
        all
    };
    let mut escalation = open(of_case(&all(0)), 60).0;
    let mut told = Vec::new();
    for round in 1..=2_i64 {
        let now = at(round * 5 * MINUTE + (round - 1) * HOUR + MINUTE);
        let (next, mut facts) = escalation.record_all(all(usize::try_from(round).unwrap()), &policies, now);
        let (next, more) = next.tick(&policies, crate::sla::after(now, 20 * 60_000));
        facts.extend(more);
        told.extend(words(&facts).into_iter().filter(|word| word.contains("next")));
        assert_eq!(next.tick(&policies, crate::sla::after(now, 20 * 60_000)).1, [], "told once");
        escalation = next;
    }
    let first = ["21: next_response 50", "28: next_response 75", "36: next_response breached"];
    assert_eq!(told, [&first[..], &["86: next_response 50"]].concat(), "what passed before the second round as well");
}

#[test]
fn a60_clocks_begin_anew_or_earlier_where_somebody_says_so_and_say_it_again() {
    let policies = policies();
    let (taken, _) = critical().acknowledge(kim(), at(MINUTE)).unwrap();
    let (taken, _) = taken.tick(&policies, at(40 * MINUTE));
    let (anew, facts) = taken.set_clocks(kim(), at(40 * MINUTE), &policies, at(40 * MINUTE)).unwrap();
    assert_eq!(words(&facts), ["40: clocks from 40"]);
    let marks = words(&anew.tick(&policies, at(75 * MINUTE)).1);
    assert_eq!(marks, ["70: first_response 50"]);
    let (early, _) = taken.set_clocks(kim(), at(-30 * MINUTE), &policies, at(40 * MINUTE)).unwrap();
    let marks = words(&early.tick(&policies, at(40 * MINUTE)).1);
    assert_eq!(marks, ["15: first_response 75", "30: first_response breached"], "what was told is not told again");
    for wrong in [at(41 * MINUTE), at(-31 * 24 * HOUR)] {
        assert_eq!(taken.set_clocks(kim(), wrong, &policies, at(40 * MINUTE)), Err(TransitionError::Clocks(wrong)));
    }
    let rule = open(of_rule("other"), 0).0;
    assert!(rule.set_clocks(kim(), at(0), &policies, at(0)).is_err(), "it has none");
}

#[test]
fn a90_severity_follows_from_impact_urgency_and_whose_case_it_is() {
    let mut said = news(0, CaseStatus::Opened, Severity::High);
    let priority = Priority { impact: Impact::High, urgency: Urgency::Medium };
    said.about = About { priority: Some(priority), ..About::default() };
    let Cause::Case { case } = of_case(&[said]) else { panic!("a case") };
    let (tenant, account) = (TenantId::new("t").unwrap(), AccountId::new("acme").unwrap());
    let severity = |dollars| {
        let (standing, _) = policies().standing(&case, Some(&customer(Segment::Enterprise, dollars)), 0);
        let cause = (Cause::Case { case: case.clone() }, standing);
        Escalation::open_as(&tenant, &account, cause, Severity::Low, "why", &policies(), at(0)).unwrap().0.severity
    };
    assert_eq!((severity(0), severity(2_000_000)), (Severity::High, Severity::Critical));
}

/// A case about databases that was resolved and came back so often.
fn came_back(times: i64) -> Vec<News> {
    let mut all = vec![news(0, CaseStatus::Opened, Severity::Critical)];
    all[0].about.category = Some(CategoryId::new("database").unwrap());
    for round in 1..=times {
        all.push(news(round * HOUR, CaseStatus::Resolved, Severity::Critical));
        all.push(news(round * HOUR + MINUTE, CaseStatus::Opened, Severity::Critical));
    }
    all
}

#[test]
fn a93_what_comes_back_for_the_third_time_goes_to_the_next_tier() {
    let tier = |times| {
        let Cause::Case { case } = of_case(&came_back(times)) else { panic!("a case") };
        let (standing, reason) = policies().standing(&case, None, 0);
        (standing.tier, reason)
    };
    assert_eq!(tier(2), (Tier::Second, None), "its category begins in the second");
    assert_eq!(tier(3), (Tier::Third, Some("it came back 3 times".to_owned())));
    // Open: the next tier is told. Taken on: it is said, and nobody is paged.
    let (open_one, _) = open(of_case(&came_back(0)), 0);
    let open_one = Escalation { standing: Standing { tier: Tier::Second, ..open_one.standing }, ..open_one };
    let (taken, _) = open_one.acknowledge(kim(), at(MINUTE)).unwrap();
    let raised = (Standing { tier: Tier::Third, ..open_one.standing }, Some("why".to_owned()));
    let (open_now, facts) = open_one.stands(raised.clone(), &policies(), at(2 * MINUTE));
    assert_eq!((words(&facts), open_now.told_role_at), (vec!["2: raised to tier 3".to_owned()], at(2 * MINUTE)));
    let (taken_now, facts) = taken.stands(raised.clone(), &policies(), at(2 * MINUTE));
    assert_eq!((words(&facts), &taken_now.status), (vec!["2: raised to tier 3".to_owned()], &taken.status));
    assert_eq!(open_now.stands(raised, &policies(), at(3 * MINUTE)).1, [], "once");
}

#[test]
fn a93_hand_offs_make_a_case_of_one_of_the_largest_accounts_one_for_the_next_tier() {
    let mut all = vec![news(0, CaseStatus::Opened, Severity::Low)];
    for (minute, who) in [(1, "ada"), (2, "bob"), (3, "ada")] {
        let mut said = news(minute * MINUTE, CaseStatus::InProgress, Severity::Low);
        said.about.assignee = Some(PersonId::new(who).unwrap());
        all.push(said);
    }
    let Cause::Case { case } = of_case(&all) else { panic!("a case") };
    let tier = |dollars, here| policies().standing(&case, Some(&customer(Segment::Enterprise, dollars)), here).0.tier;
    assert_eq!((tier(2_000_000, 0), tier(10, 9)), (Tier::Second, Tier::First));
}

#[test]
fn a59_who_waits_for_a_tier_is_told_when_it_opens() {
    let (escalation, _) = open(of_case(&[news(0, CaseStatus::Opened, Severity::High)]), 0);
    let until = Some(at(3 * HOUR));
    let route = routing::Route::Waits { tier: Tier::Third, until, reasons: Vec::new() };
    let escalation = Escalation { route: Some(route), ..escalation };
    assert_eq!(escalation.next_due(&policies()), Some(at(HOUR)), "a clock's mark comes before");
    let (told, facts) = escalation.tick(&policies(), at(3 * HOUR));
    assert!(words(&facts).contains(&"180: woke".to_owned()), "{:?}", words(&facts));
    assert_eq!((told.route, told.told_role_at), (None, at(3 * HOUR)));
}

#[test]
fn a89_what_a_case_needs_follows_from_its_category() {
    let (escalation, _) = open(of_case(&came_back(0)), 0);
    let work = escalation.work(&policies()).unwrap();
    assert_eq!(work.skills.keys().map(ToString::to_string).collect::<Vec<_>>(), ["database"]);
    assert_eq!(open(of_rule("other"), 0).0.work(&policies()), None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    /// Contracts, tiers and severities change at any moment: elapsed and paused time never go back, and no mark is told
    /// twice.
    #[test]
    fn a63_no_change_takes_time_back_or_tells_a_mark_twice(
        changes in prop::collection::vec((1..400_i64, any::<bool>(), 0..4_usize, any::<bool>()), 1..12),
    ) {
        let policies = with_contract();
        let mut all = vec![news(0, CaseStatus::Opened, Severity::Critical)];
        let (mut escalation, mut facts) = open(of_case(&all), 0);
        let (mut now, mut before) = (0, (0, 0));
        for (minutes, large, severity, waits) in changes {
            now += minutes * MINUTE;
            let segment = if large { Segment::Enterprise } else { Segment::MidMarket };
            let standing = policies.standing(case_of(&escalation), Some(&customer(segment, 0)), 0);
            let (stands, more) = escalation.stands(standing, &policies, at(now));
            facts.extend(more);
            let status = if waits { CaseStatus::WaitingOnCustomer } else { CaseStatus::InProgress };
            all.push(news(now, status, Severity::ALL[severity]));
            let (told, more) = stands.record_all(all.clone(), &policies, at(now));
            facts.extend(more);
            let reading = resolution(&told, &policies).at(at(now));
            prop_assert!(reading.elapsed_millis >= before.0 && reading.paused_millis >= before.1);
            prop_assert_eq!(reading.elapsed_millis + reading.paused_millis + reading.closed_millis, now * 1_000);
            before = (reading.elapsed_millis, reading.paused_millis);
            escalation = told;
        }
        let mut marks: Vec<String> = words(&facts).into_iter().filter_map(|word| word.split_once(": ").map(|(_, mark)| mark.to_owned())).filter(|word| word.contains("resolution")).collect();
        let count = marks.len();
        marks.sort_unstable();
        marks.dedup();
        prop_assert_eq!(marks.len(), count);
    }
}

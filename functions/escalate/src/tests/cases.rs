//! To whom cases go: by what they need, by who has how much to do, and by how they have gone so far.

use super::people::describe;
use super::*;
use contract::escalate::RouteBody;
use domain::account::Segment;
use domain::id::{CategoryId, PersonId};
use domain::priority::{Impact, Priority, Urgency};
use domain::signal::Channel;

/// Two hours after the tests begin, a Monday at two in the night: it is morning in Singapore, where sup-05, sup-06 and
/// senior-03 are on duty, and everybody else is asleep.
const MORNING: i64 = 2 * HOUR;

fn morning() -> Stage {
    let stage = stage();
    stage.doubles.set_now(stage.at(MORNING));
    stage
}

fn about(stage: &Stage, category: &str) {
    stage.about.borrow_mut().category = Some(CategoryId::new(category).unwrap());
}

fn listed(stage: &Stage, case: &str) -> EscalationItem {
    stage.active("t", &[]).into_iter().find(|item| item.cause_id == case).unwrap()
}

fn route(stage: &Stage, case: &str) -> RouteBody {
    listed(stage, case).route.unwrap()
}

/// Who a new case of a category goes to.
fn goes_to(stage: &Stage, case: &str, category: &str, severity: Severity) -> Option<String> {
    about(stage, category);
    stage.case(case, severity, &[(MORNING, CaseStatus::Opened)]);
    route(stage, case).person
}

#[test]
fn a96_a_case_goes_to_somebody_on_duty_who_knows_what_it_needs() {
    let stage = morning();
    assert_eq!(goes_to(&stage, "n", "network", Severity::High).as_deref(), Some("sup-05"));
    assert_eq!(goes_to(&stage, "d", "database", Severity::High).as_deref(), Some("sup-06"));
    assert_eq!(goes_to(&stage, "d2", "database", Severity::High).as_deref(), Some("sup-06"), "nobody else knows it");
    assert_eq!(goes_to(&stage, "m", "migration", Severity::High).as_deref(), Some("senior-03"));
    let reasons = route(&stage, "m").reasons;
    assert_eq!(reasons[0], "nobody of the 2 on duty in tier 1 knows migration at 3");
    let told: Vec<String> =
        listed(&stage, "m").told.into_iter().map(|told| format!("{} {}", told.person, told.role)).collect();
    assert_eq!(told, ["senior-03 senior_support_engineer"], "whoever it goes to is told");
}

#[test]
fn a89_whoever_has_the_least_to_do_is_told_and_the_same_facts_give_the_same_route() {
    let make = || {
        let stage = morning();
        let people: Vec<Option<String>> =
            (0..6).map(|number| goes_to(&stage, &format!("c{number}"), "other", Severity::High)).collect();
        let reasons = route(&stage, "c5").reasons;
        (stage, people, reasons)
    };
    let (stage, people, reasons) = make();
    let count = |name: &str| people.iter().filter(|person| person.as_deref() == Some(name)).count();
    assert_eq!((count("sup-05"), count("sup-06")), (3, 3), "{people:?}");
    assert!(reasons.contains(&"has 2 open cases, the least of the 2 who could".to_owned()), "{reasons:?}");
    let (_, again, same) = make();
    assert_eq!((people, reasons), (again, same));
    // What has ended is nobody's work, and what somebody took on is theirs.
    let has = |person: &str, id: &str| {
        let (person, id) = (PersonId::new(person).unwrap(), domain::id::EscalationId::new(id).unwrap());
        stage.doubles.value(&keys::open_case(&tenant(), &person, &id)).is_some()
    };
    let item = listed(&stage, "c0");
    let routed = item.route.unwrap().person.unwrap();
    assert!(has(&routed, &item.escalation));
    stage.act("t", &item.escalation, "acknowledge", "").unwrap();
    assert!(!has(&routed, &item.escalation) && has("kim", &item.escalation));
    stage.act("t", &item.escalation, "resolve", r#"{"outcome":"done"}"#).unwrap();
    assert!(!has("kim", &item.escalation));
    assert_eq!(goes_to(&stage, "c6", "other", Severity::High), Some(routed), "who has one less");
}

#[test]
fn a59_what_is_for_a_tier_that_is_closed_waits_for_it_or_goes_on() {
    let stage = morning();
    assert_eq!(goes_to(&stage, "low", "defect", Severity::Low), None);
    let item = listed(&stage, "low");
    // Nine o'clock in Berlin.
    assert_eq!((item.tier, item.route.unwrap().waits_until), (3, Some(stage.at(8 * HOUR))));
    assert_eq!(item.told[0].role, "support_engineer", "until then the policy's first step has it");
    let unskilled = goes_to(&stage, "critical", "defect", Severity::Critical);
    assert_eq!(unskilled, None, "executives do not know it, and nobody is given what they do not know");
    let reasons = route(&stage, "critical").reasons;
    assert!(reasons.last().unwrap().contains("is told that nobody on duty knows what it needs"), "{reasons:?}");
    stage.tick(8 * HOUR).unwrap();
    let item = listed(&stage, "low");
    let person = item.route.unwrap().person.unwrap();
    assert!(person.starts_with("eng-"), "{person}");
    let told = item.told.last().unwrap();
    assert_eq!(
        (told.person.as_str(), told.role.as_str(), told.at),
        (person.as_str(), "engineering", stage.at(8 * HOUR))
    );
}

#[test]
fn a93_a_case_that_comes_back_for_the_third_time_goes_to_the_next_tier() {
    let stage = stage();
    let mut news = vec![(0, CaseStatus::Opened)];
    let mut tiers = Vec::new();
    for round in 0..4 {
        stage.doubles.set_now(stage.at(round * 10 * MINUTE));
        stage.case("c", Severity::High, &news);
        tiers.push(listed(&stage, "c").tier);
        news.push((round * 10 * MINUTE + MINUTE, CaseStatus::Resolved));
        stage.doubles.set_now(stage.at(round * 10 * MINUTE + MINUTE));
        stage.case("c", Severity::High, &news);
        news.push(((round + 1) * 10 * MINUTE, CaseStatus::Opened));
    }
    assert_eq!(tiers, [1, 1, 1, 2]);
}

#[test]
fn a93_an_open_case_that_is_handed_on_and_important_is_raised_and_the_next_tier_is_told() {
    let stage = morning();
    describe(&stage, Segment::Enterprise, 2_000_000);
    let case = |names: &[&str]| {
        let mut all = names.iter().zip(0_i64..).map(|(name, seconds)| News {
            at: stage.at(MORNING + seconds),
            status: CaseStatus::Opened,
            severity: Severity::High,
            source: SourceId::new("desk").unwrap(),
            id: SignalId::new(format!("hand-{seconds}")).unwrap(),
            about: About { assignee: Some(PersonId::new(name).unwrap()), ..About::default() },
        });
        let id = CaseId::new("c").unwrap();
        let (mut case, _) = Case::new(id.clone(), all.next().unwrap());
        all.for_each(|news| drop(case.record(news)));
        stage.doubles.put(&keys::case(&tenant(), &acme(), &id), &case);
        let fact = CaseOpened { case: id, severity: Severity::High, opened_at: stage.start };
        stage.tell(&format!("{}", names.len()), fact);
    };
    case(&["ada", "bob"]);
    assert_eq!(listed(&stage, "c").tier, 1);
    let from = stage.told(0).len();
    case(&["ada", "bob", "ada"]);
    let item = listed(&stage, "c");
    assert_eq!((item.tier, item.handoffs, stage.told(from)), (2, 2, vec!["120: raised".to_owned()]));
    assert_eq!(item.route.unwrap().person.as_deref(), Some("senior-03"));
    assert_eq!(item.told.last().unwrap().person, "senior-03");
}

#[test]
fn a90_impact_and_urgency_and_whose_case_it_is_say_how_bad_it_is() {
    for (dollars, expected) in [(10, Severity::High), (2_000_000, Severity::Critical)] {
        let stage = stage();
        describe(&stage, Segment::Enterprise, dollars);
        let priority = Priority { impact: Impact::High, urgency: Urgency::Medium };
        stage.about.borrow_mut().priority = Some(priority);
        stage.case("c", Severity::High, &[(0, CaseStatus::Opened)]);
        assert_eq!(listed(&stage, "c").severity, expected);
    }
}

#[test]
fn a95_a_case_that_goes_from_email_to_chat_is_one_and_its_clocks_go_on() {
    let stage = stage();
    stage.about.borrow_mut().channel = Some(Channel::Email);
    stage.case("c", Severity::High, &[(0, CaseStatus::Opened)]);
    let before = listed(&stage, "c");
    stage.about.borrow_mut().channel = Some(Channel::Chat);
    stage.doubles.set_now(stage.at(HOUR));
    stage.case("c", Severity::High, &[(0, CaseStatus::Opened), (HOUR, CaseStatus::InProgress)]);
    let after = listed(&stage, "c");
    assert_eq!((before.channel.as_deref(), after.channel.as_deref()), (Some("email"), Some("chat")));
    assert_eq!((&before.escalation, before.clocks[0].started_at), (&after.escalation, after.clocks[0].started_at));
    let resolution = after.clocks.iter().find(|clock| clock.clock.name() == "resolution").unwrap();
    assert_eq!(resolution.elapsed_seconds, HOUR);
}

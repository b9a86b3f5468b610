//! Escalations on a clock that the tests move: who is told when, what the clocks say, and what ends it.

use super::policy::BySeverity;
use super::*;
use crate::calendar::Hours;
use crate::id::{CaseId, CategoryId, SignalId, SkillId, SourceId};
use crate::priority::PriorityPolicy;
use crate::roster::Level;
use crate::signal::CaseStatus;
use crate::sla::{SlaPolicy, Targets};
use proptest::prelude::*;
use std::collections::BTreeSet;

mod actions;
mod clocks;

const MINUTE: i64 = 60;
const HOUR: i64 = 3_600;

pub(crate) fn policies() -> EscalationPolicies {
    let hours = |first: u32, last: u32| Targets {
        first_response_seconds: first * 3_600,
        next_response_seconds: None,
        resolution_seconds: last * 3_600,
    };
    let sla = SlaPolicy {
        critical: hours(1, 4),
        high: hours(2, 8),
        medium: hours(4, 24),
        low: hours(8, 48),
        warn_percent: BTreeSet::from([50, 75]),
        hours: Hours::All,
        channels: BTreeMap::new(),
    };
    let step = |role, minutes: u32, repeats| Step {
        role,
        to: None,
        acknowledge_within_seconds: minutes * 60,
        repeats,
        destinations: Default::default(),
    };
    let short = || Policy::new(vec![step(Role::SupportEngineer, 480, 0)]).unwrap();
    let critical = Policy::new(vec![step(Role::SupportEngineer, 10, 1), step(Role::Executive, 30, 1)]).unwrap();
    let own = Policy::new(vec![step(Role::ChiefExecutive, 60, 0)]).unwrap();
    let by_severity = BySeverity { critical, high: short(), medium: short(), low: short() };
    let by_rule = BTreeMap::from([(RuleId::new("emergency").unwrap(), own)]);
    let glass = Policy::new(vec![step(Role::Executive, 15, 2), step(Role::ChiefExecutive, 15, 0)]).unwrap();
    let matrix = vec![Cell {
        severities: [Severity::Low].into(),
        tiers: BTreeSet::new(),
        segments: [Segment::Enterprise].into(),
        policy: Policy::new(vec![step(Role::CustomerSuccessManager, 60, 0)]).unwrap(),
    }];
    let category = |tier, skill: &str, level| Category {
        tier,
        skills: [(SkillId::new(skill).unwrap(), Level::try_from(level).unwrap())].into(),
    };
    let database = (CategoryId::new("database").unwrap(), category(Tier::Second, "database", 2));
    let policies = Policies {
        by_severity,
        matrix,
        by_rule,
        break_glass: glass,
        contracts: BTreeMap::new(),
        priority: PriorityPolicy::default(),
        categories: [database].into(),
    };
    EscalationPolicies::new("x", sla, policies).unwrap()
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_790_000_000 + seconds).unwrap()
}

fn news(seconds: i64, status: CaseStatus, severity: Severity) -> News {
    let (source, id) = (SourceId::new("desk").unwrap(), SignalId::new(format!("n{seconds}")).unwrap());
    News { at: at(seconds), status, severity, source, id, about: Default::default() }
}

fn kim() -> PersonId {
    PersonId::new("kim").unwrap()
}

fn open(cause: Cause, now: i64) -> Happened {
    let (tenant, account) = (TenantId::new("t").unwrap(), AccountId::new("acme").unwrap());
    Escalation::open(&tenant, &account, cause, Severity::Critical, "why", &policies(), at(now)).unwrap()
}

fn of_case(all: &[News]) -> Cause {
    let (mut case, _) = Case::new(CaseId::new("c").unwrap(), all[0].clone());
    for news in &all[1..] {
        case.record(news.clone());
    }
    Cause::Case { case }
}

fn critical() -> Escalation {
    open(of_case(&[news(0, CaseStatus::Opened, Severity::Critical)]), 0).0
}

fn of_rule(rule: &str) -> Cause {
    Cause::Rule { rule: RuleId::new(rule).unwrap(), cta: CtaId::new("cta-1").unwrap() }
}

/// Facts as short words with their minute.
fn words(facts: &[EscalationFact]) -> Vec<String> {
    let word = |fact: &EscalationFact| {
        let minute = (fact.at.as_second() - at(0).as_second()) / MINUTE;
        let what = match &fact.what {
            What::Opened => "opened".into(),
            What::Acknowledged { by: By::Case } => "answered".into(),
            What::Acknowledged { by: By::Person(who) } => format!("taken on by {who}"),
            What::Advanced { role, repeats, .. } => format!("{} {repeats}", role.name()),
            What::GivenBack { by } => format!("given back by {by}"),
            What::Snoozed { .. } => "snoozed".into(),
            What::Woke => "woke".into(),
            What::HandedOver { to, .. } => format!("handed to {to}"),
            What::Accepted { by } => format!("accepted by {by}"),
            What::Reopened { .. } => "reopened".into(),
            What::Raised { tier, .. } => format!("raised to tier {}", tier.number()),
            What::ClocksSet { since, .. } => {
                format!("clocks from {}", (since.as_second() - at(0).as_second()) / MINUTE)
            }
            What::SlaWarned { clock, percent } => format!("{} {percent}", clock.name()),
            What::SlaBreached { clock } => format!("{} breached", clock.name()),
            What::Resolved { .. } => "resolved".into(),
        };
        format!("{minute}: {what}")
    };
    facts.iter().map(word).collect()
}

#[test]
fn nobody_takes_it_on_so_the_roles_are_told_in_their_order() {
    let (_, facts) = open(of_rule("other"), 0);
    assert_eq!(words(&facts), ["0: opened"]);
    let (escalation, facts) = open(of_rule("other"), 0).0.tick(&policies(), at(24 * HOUR));
    assert_eq!(words(&facts), ["10: support_engineer 1", "20: executive 0", "50: executive 1"]);
    assert_eq!(escalation.next_due(&policies()), None, "after the last repeat nobody is left to be told");
    assert_eq!(escalation.role(&policies()), Role::Executive);
}

#[test]
fn what_is_not_due_is_not_told() {
    let escalation = critical();
    assert_eq!(escalation.next_due(&policies()), Some(at(10 * MINUTE)));
    assert_eq!(escalation.tick(&policies(), at(10 * MINUTE - 1)), (escalation.clone(), Vec::new()));
    assert_eq!(words(&escalation.tick(&policies(), at(10 * MINUTE)).1), ["10: support_engineer 1"]);
}

#[test]
fn a_rule_with_its_own_policy_goes_its_own_way() {
    assert_eq!(open(of_rule("emergency"), 0).0.role(&policies()), Role::ChiefExecutive);
    assert_eq!(open(of_rule("emergency"), 0).0.breach_at(&policies(), at(0)), None);
}

#[test]
fn nothing_that_is_acknowledged_pages_again_but_its_clocks_run_on() {
    let (escalation, facts) = critical().acknowledge(kim(), at(5 * MINUTE)).unwrap();
    assert_eq!(words(&facts), ["5: taken on by kim"]);
    assert_eq!(
        escalation.acknowledge(kim(), at(6 * MINUTE)).unwrap(),
        (escalation.clone(), Vec::new()),
        "twice is once"
    );
    let (_, facts) = escalation.tick(&policies(), at(5 * HOUR));
    let expected = [
        "30: first_response 50",
        "45: first_response 75",
        "60: first_response breached",
        "120: resolution 50",
        "180: resolution 75",
        "240: resolution breached",
    ];
    assert_eq!(words(&facts), expected);
}

#[test]
fn nothing_that_is_resolved_does_anything() {
    let (escalation, facts) = critical().resolve(kim(), "restarted", at(5 * MINUTE)).unwrap();
    assert_eq!(words(&facts), ["5: resolved"]);
    assert_eq!(
        escalation.resolve(kim(), "again", at(6 * MINUTE)).unwrap(),
        (escalation.clone(), Vec::new()),
        "twice is once"
    );
    assert_eq!(escalation.tick(&policies(), at(99 * HOUR)), (escalation.clone(), Vec::new()));
    assert_eq!((escalation.next_due(&policies()), escalation.breach_at(&policies(), at(0))), (None, None));
    assert_eq!(escalation.acknowledge(kim(), at(7 * MINUTE)), Err(TransitionError::Resolved));
    let (_, facts) = escalation.record(news(9, CaseStatus::InProgress, Severity::Critical), &policies(), at(9));
    assert_eq!(facts, [], "what a person has ended stays ended");
}

#[test]
fn an_outcome_says_something() {
    assert_eq!(critical().resolve(kim(), "  ", at(1)), Err(TransitionError::Words(2)));
}

#[test]
fn an_answer_acknowledges_and_the_solution_resolves() {
    let policies = policies();
    let (answered, facts) =
        critical().record(news(20 * MINUTE, CaseStatus::Responded, Severity::Critical), &policies, at(21 * MINUTE));
    assert_eq!(words(&facts), ["21: answered"], "told when it is known, not before what was told already");
    assert_eq!(answered.tick(&policies, at(2 * HOUR - 1)).1, [], "answered in time, nobody is paged");
    let (solved, facts) =
        answered.record(news(3 * HOUR, CaseStatus::Resolved, Severity::Critical), &policies, at(3 * HOUR));
    assert_eq!(words(&facts), ["120: resolution 50", "180: resolution 75", "180: resolved"]);
    assert_eq!(solved.record(news(3 * HOUR, CaseStatus::Resolved, Severity::Critical), &policies, at(4 * HOUR)).1, []);
}

#[test]
fn a_breach_is_told_even_when_the_solution_is_known_first() {
    let late = news(5 * HOUR, CaseStatus::Resolved, Severity::Critical);
    let (_, facts) = critical().record(late, &policies(), at(6 * HOUR));
    assert!(words(&facts).contains(&"240: resolution breached".to_owned()), "{:?}", words(&facts));
}

#[test]
fn a_case_that_is_known_late_and_answered_already_is_told_so_before_anything_is_due() {
    let policies = policies();
    let known =
        [news(0, CaseStatus::Opened, Severity::Critical), news(20 * MINUTE, CaseStatus::Responded, Severity::Critical)];
    let (escalation, facts) = open(of_case(&known), HOUR);
    assert_eq!(words(&facts), ["60: opened", "60: answered"], "answered in time: no mark was passed");
    assert_eq!(escalation.tick(&policies, at(2 * HOUR - 1)).1, [], "nobody is paged");
    assert_eq!(escalation.next_due(&policies), Some(at(2 * HOUR)), "half of the time to solve it");
}

#[test]
fn a_case_that_is_known_late_and_solved_already_tells_what_its_clocks_passed_and_ends() {
    let known = [
        news(0, CaseStatus::Opened, Severity::Critical),
        news(40 * MINUTE, CaseStatus::Responded, Severity::Critical),
        news(3 * HOUR, CaseStatus::Resolved, Severity::Critical),
    ];
    let (escalation, facts) = open(of_case(&known), 9 * HOUR);
    let expected = [
        "540: opened",
        "540: answered",
        "30: first_response 50",
        "120: resolution 50",
        "180: resolution 75",
        "540: resolved",
    ];
    assert_eq!(words(&facts), expected);
    assert!(!escalation.status.is_active());
    assert_eq!(escalation.tick(&policies(), at(99 * HOUR)), (escalation.clone(), Vec::new()));
}

#[test]
fn news_that_come_together_are_taken_in_together() {
    let waiting = [
        news(20 * MINUTE, CaseStatus::Responded, Severity::Critical),
        news(30 * MINUTE, CaseStatus::WaitingOnCustomer, Severity::Critical),
        news(6 * HOUR, CaseStatus::InProgress, Severity::Critical),
    ];
    let (_, facts) = critical().record_all(waiting, &policies(), at(6 * HOUR));
    assert_eq!(words(&facts), ["360: answered"], "the clock stood still for most of the six hours");
}

#[test]
fn a_case_that_comes_back_opens_again_and_repeats_no_mark() {
    let policies = policies();
    let solved = critical().record(news(3 * HOUR, CaseStatus::Resolved, Severity::Critical), &policies, at(3 * HOUR)).0;
    let (again, facts) =
        solved.record(news(9 * HOUR, CaseStatus::InProgress, Severity::Critical), &policies, at(9 * HOUR));
    assert_eq!(words(&facts), ["540: opened"]);
    assert_eq!(again.breach_at(&policies, at(9 * HOUR)), Some(at(10 * HOUR)));
    let (again, _) = again.acknowledge(kim(), at(9 * HOUR)).unwrap();
    assert_eq!(words(&again.tick(&policies, at(20 * HOUR)).1), ["600: resolution breached"]);
}

#[test]
fn another_severity_brings_another_policy_and_keeps_the_time() {
    let policies = policies();
    let low = open(of_case(&[news(0, CaseStatus::Opened, Severity::Low)]), 0).0;
    assert_eq!(low.next_due(&policies), Some(at(4 * HOUR)), "half of eight hours");
    let (escalation, facts) = low.record(news(HOUR, CaseStatus::Opened, Severity::Critical), &policies, at(HOUR));
    assert_eq!(escalation.severity, Severity::Critical);
    assert_eq!(words(&facts), ["30: first_response 50", "45: first_response 75", "60: first_response breached"]);
}

#[test]
fn the_time_to_breach_is_that_of_the_next_clock() {
    let escalation = critical();
    assert_eq!(escalation.breach_at(&policies(), at(0)), Some(at(HOUR)));
    assert_eq!(escalation.breach_at(&policies(), at(HOUR)), Some(at(4 * HOUR)));
    assert_eq!(escalation.breach_at(&policies(), at(9 * HOUR)), Some(at(HOUR)), "the first that ran out");
    let waiting =
        escalation.record(news(HOUR / 2, CaseStatus::WaitingOnCustomer, Severity::Critical), &policies(), at(HOUR)).0;
    assert_eq!(waiting.breach_at(&policies(), at(HOUR)), None);
}

#[test]
fn the_id_follows_from_the_cause() {
    let id = |cause: &Cause, account: &str| {
        cause.escalation_id(&TenantId::new("t").unwrap(), &AccountId::new(account).unwrap()).unwrap()
    };
    let early = of_case(&[news(0, CaseStatus::Opened, Severity::Low)]);
    let late = of_case(&[news(0, CaseStatus::Opened, Severity::Low), news(9, CaseStatus::Responded, Severity::High)]);
    assert_eq!(id(&early, "a"), id(&late, "a"));
    assert_ne!(id(&early, "a"), id(&early, "b"));
    assert_ne!(id(&early, "a"), id(&of_rule("c"), "a"));
}

#[test]
fn every_fault_of_the_policies_is_named_with_its_path() {
    let step = |minutes: u32, repeats| Step {
        role: Role::Executive,
        to: None,
        acknowledge_within_seconds: minutes * 60,
        repeats,
        destinations: BTreeSet::new(),
    };
    let fine = || Policy::new(vec![step(5, 0)]).unwrap();
    let mut sla = policies().sla;
    sla.low.resolution_seconds = 0;
    sla.warn_percent.insert(100);
    let high = Policy::new(vec![step(5, 0), step(0, 11)]).unwrap();
    let many = Policy::new(vec![step(5, 0); 13]).unwrap();
    let by_severity = BySeverity { critical: fine(), high, medium: many, low: fine() };
    let policies = Policies {
        by_severity,
        matrix: Vec::new(),
        by_rule: BTreeMap::new(),
        break_glass: fine(),
        contracts: BTreeMap::new(),
        priority: PriorityPolicy::default(),
        categories: BTreeMap::new(),
    };
    let faults = EscalationPolicies::new("x", sla, policies).unwrap_err();
    let paths: Vec<&str> = faults.iter().map(|fault| fault.path.as_str()).collect();
    let expected = [
        "policies.high[1].acknowledge_within",
        "policies.high[1].repeats",
        "policies.medium",
        "sla.low.resolution",
        "sla.warn_percent",
    ];
    assert_eq!(paths, expected);
}

#[test]
fn an_escalation_is_read_as_it_is_written() {
    let escalation = critical().tick(&policies(), at(2 * HOUR)).0;
    let text = serde_json::to_string(&escalation).unwrap();
    assert_eq!(serde_json::from_str::<Escalation>(&text).unwrap(), escalation);
}

fn any_news() -> impl Strategy<Value = News> {
    let status = prop::sample::select(vec![
        CaseStatus::Responded,
        CaseStatus::WaitingOnCustomer,
        CaseStatus::InProgress,
        CaseStatus::Resolved,
    ]);
    let severity = prop::sample::select(vec![Severity::Critical, Severity::High, Severity::Low]);
    (1..400_000_i64, status, severity).prop_map(|(at, status, severity)| news(at, status, severity))
}

proptest! {
    /// What happens depends on the moments alone, not on how often it is asked.
    #[test]
    fn ticking_often_is_ticking_once(moments in prop::collection::btree_set(1..100_000_i64, 1..20), answered in prop::option::of(1..100_000_i64)) {
        let start = match answered {
            Some(seconds) => critical().record(news(seconds, CaseStatus::Responded, Severity::Critical), &policies(), at(0)).0,
            None => critical(),
        };
        let last = *moments.last().unwrap();
        let (mut often, mut told) = (start.clone(), Vec::new());
        for moment in moments {
            let (next, facts) = often.tick(&policies(), at(moment));
            told.extend(facts);
            often = next;
        }
        let (once, facts) = start.tick(&policies(), at(last));
        prop_assert_eq!(often, once);
        prop_assert_eq!(told, facts);
    }

    /// Nothing is due before `next_due`, something is due at it.
    #[test]
    fn the_next_due_moment_is_right(all in prop::collection::vec(any_news(), 0..4), since in 0..100_000_i64) {
        let mut escalation = critical();
        for news in all {
            escalation = escalation.record(news, &policies(), at(0)).0;
        }
        escalation = escalation.tick(&policies(), at(since)).0;
        match escalation.next_due(&policies()) {
            None => prop_assert_eq!(escalation.tick(&policies(), at(9_999_999)).1, []),
            Some(due) => {
                prop_assert_eq!(escalation.tick(&policies(), after(due, -1)).1, []);
                prop_assert_ne!(escalation.tick(&policies(), due).1, []);
            }
        }
    }

    /// No mark of a clock is told twice, whatever the news and however late.
    #[test]
    fn every_mark_is_told_once(all in prop::collection::vec((any_news(), 0..200_000_i64), 0..10)) {
        let (mut escalation, mut told, mut now) = (critical(), BTreeSet::new(), 0);
        for (news, later) in all {
            now += later;
            let (recorded, mut facts) = escalation.record(news, &policies(), at(now));
            let (ticked, more) = recorded.tick(&policies(), at(now));
            facts.extend(more);
            for fact in facts {
                let mark = match fact.what {
                    What::SlaWarned { clock, percent } => (clock, percent),
                    What::SlaBreached { clock } => (clock, 100),
                    _ => continue,
                };
                prop_assert!(told.insert(mark), "{mark:?} twice");
            }
            escalation = ticked;
        }
    }
}

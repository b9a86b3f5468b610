//! What people do with an escalation, whom its steps mean, and which way the matrix sends it.

use super::*;
use crate::id::ScheduleId;
use crate::roster::tests::{at as moment, id, roster};

fn person(name: &str) -> PersonId {
    PersonId::new(name).unwrap()
}

fn taken() -> Escalation {
    critical().acknowledge(kim(), at(MINUTE)).unwrap().0
}

#[test]
fn a19_every_cell_of_the_matrix_has_a_way() {
    let policies = policies();
    for severity in Severity::ALL {
        for tier in Tier::ALL {
            for segment in Segment::ALL {
                let mut escalation = critical();
                (escalation.severity, escalation.standing) =
                    (severity, Standing { tier, segment, ..Standing::default() });
                let policy = policies.policy(&escalation);
                let own = severity == Severity::Low && segment == Segment::Enterprise;
                let expected = if own { Role::CustomerSuccessManager } else { Role::SupportEngineer };
                assert_eq!(policy.step(0).role, expected, "{severity:?} {tier:?} {segment:?}");
                assert!(policy.step(0).acknowledge_within_seconds >= 60);
            }
        }
    }
}

#[test]
fn a19_a_line_of_the_matrix_that_never_holds_is_refused() {
    let base = policies();
    let line = |severities: &[Severity]| Cell {
        severities: severities.iter().copied().collect(),
        tiers: BTreeSet::new(),
        segments: BTreeSet::new(),
        policy: base.cell(Severity::Critical, Tier::First, Segment::Enterprise).clone(),
    };
    let mut policies = base.policies.clone();
    policies.matrix = vec![line(&[Severity::High]), line(&[]), line(&[Severity::Low, Severity::High])];
    let faults = EscalationPolicies::new("x", base.sla.clone(), policies).unwrap_err();
    let paths: Vec<&str> = faults.iter().map(|fault| fault.path.as_str()).collect();
    assert_eq!(paths, ["policies.matrix[2]"]);
}

#[test]
fn a19_steps_mean_roles_schedules_and_people_and_in_the_end_the_fallback() {
    let (roster, noon) = (roster(), moment("2026-11-23T11:00:00Z"));
    let people = |role, to: Option<Target>, severity, at| -> Vec<String> {
        let step = Step { role, to, acknowledge_within_seconds: 60, repeats: 0, destinations: Default::default() };
        step.people(severity, &roster, at).into_iter().map(|duty| duty.person.to_string()).collect()
    };
    let low = Severity::Low;
    assert_eq!(people(Role::SupportEngineer, None, low, noon), ["ada", "bob"]);
    let schedule = |name: &str| Some(Target::Schedule(ScheduleId::new(name).unwrap()));
    assert_eq!(people(Role::Engineering, schedule("second-line"), low, noon), ["cleo", "dan"]);
    assert_eq!(people(Role::Engineering, schedule("none"), low, noon), ["fay"], "the fallback");
    assert_eq!(people(Role::VicePresident, Some(Target::Person(id("hal"))), low, noon), ["hal"]);
    assert_eq!(people(Role::ChiefExecutive, None, low, noon), ["fay"], "nobody has the role");
    // A deputy is told for somebody who is absent.
    let christmas = moment("2026-12-25T11:00:00Z");
    assert_eq!(people(Role::Executive, Some(Target::Person(id("fay"))), low, christmas), ["gus"]);
    assert_eq!(people(Role::Executive, None, low, christmas), ["gus"]);
    // Saturday, two in the morning: the third tier is closed.
    let night = moment("2026-11-21T01:00:00Z");
    assert_eq!(people(Role::Engineering, None, low, night), Vec::<String>::new(), "it waits");
    assert_eq!(people(Role::Engineering, None, Severity::Critical, night), ["fay"], "it goes on to the fourth");
}

#[test]
fn a19_a_step_that_names_nobody_of_the_roster_is_a_fault() {
    let base = policies();
    let mut policies = base.policies.clone();
    let to = |target| Step {
        role: Role::Executive,
        to: Some(target),
        acknowledge_within_seconds: 60,
        repeats: 0,
        destinations: Default::default(),
    };
    let steps = vec![to(Target::Person(person("nobody"))), to(Target::Schedule(ScheduleId::new("none").unwrap()))];
    policies.break_glass = Policy::new(steps).unwrap();
    let faults = EscalationPolicies::new("x", base.sla.clone(), policies).unwrap().unknown_to(&roster());
    let told: Vec<String> = faults.iter().map(ToString::to_string).collect();
    let expected = [
        "`policies.break_glass[0]` names person `nobody`, which is not in the roster `test`",
        "`policies.break_glass[1]` names schedule `none`, which is not in the roster `test`",
    ];
    assert_eq!(told, expected);
    assert_eq!(base.unknown_to(&roster()), []);
}

#[test]
fn a65_who_breaks_the_glass_has_executives_told_at_once_and_the_same_key_is_the_same_escalation() {
    let cause = |by: &str| Cause::Person { key: CtaId::new("fire").unwrap(), by: person(by) };
    let (escalation, facts) = open(cause("kim"), 0);
    assert_eq!((words(&facts), escalation.role(&policies())), (vec!["0: opened".to_owned()], Role::Executive));
    assert_eq!(open(cause("lee"), 9).0.id, escalation.id);
    let (_, facts) = escalation.tick(&policies(), at(HOUR));
    assert_eq!(words(&facts), ["15: executive 1", "30: executive 2", "45: chief_executive 0"]);
}

#[test]
fn a65_the_glass_is_broken_at_most_three_times_within_an_hour() {
    use crate::escalation::glass::{TooOften, may_break};
    let broken = |minute: i64| {
        let cause = Cause::Person { key: CtaId::new(format!("fire-{minute}")).unwrap(), by: kim() };
        open(cause, minute * MINUTE).0
    };
    let all: Vec<Escalation> = [0, 10, 50].map(broken).into();
    assert_eq!(may_break(&all[..2], at(50 * MINUTE)), Ok(()));
    assert_eq!(may_break(&all, at(59 * MINUTE)), Err(TooOften { retry_at: at(HOUR) }));
    assert_eq!(may_break(&all, at(HOUR)), Ok(()));
    assert_eq!(may_break(&[critical(), critical(), critical()], at(0)), Ok(()), "cases do not count");
}

#[test]
fn a105_a_hand_over_that_nobody_accepts_goes_to_the_next_step() {
    let (asked, facts) = taken().hand_over(kim(), person("lee"), &policies(), at(2 * MINUTE)).unwrap();
    assert_eq!(words(&facts), ["2: handed to lee"]);
    assert_eq!(asked.next_due(&policies()), Some(at(12 * MINUTE)), "as long as the step gives people");
    assert_eq!(asked.tick(&policies(), at(12 * MINUTE - 1)).1, []);
    let (missed, facts) = asked.tick(&policies(), at(12 * MINUTE));
    assert_eq!(words(&facts), ["12: executive 0"]);
    assert_eq!((missed.status.clone(), missed.handover.clone()), (Status::Open, None));
    assert_eq!(missed.accept(person("lee"), at(13 * MINUTE)), Err(TransitionError::NotTheirs(person("lee"))));
}

#[test]
fn a105_who_accepts_a_hand_over_has_it_and_nobody_is_told_again() {
    let asked = taken().hand_over(kim(), person("lee"), &policies(), at(2 * MINUTE)).unwrap().0;
    assert_eq!(asked.accept(person("ida"), at(3 * MINUTE)), Err(TransitionError::NotTheirs(person("ida"))));
    let (accepted, facts) = asked.accept(person("lee"), at(3 * MINUTE)).unwrap();
    assert_eq!((words(&facts), accepted.handoffs), (vec!["3: accepted by lee".to_owned()], 1));
    assert_eq!(accepted.accept(person("lee"), at(4 * MINUTE)).unwrap().1, [], "it is so already");
    let told = words(&accepted.tick(&policies(), at(30 * HOUR)).1);
    let mark = |word: &String| word.contains("resolution") || word.contains("first_response");
    assert!(told.iter().all(mark), "its clocks alone: {told:?}");
    assert!(matches!(
        critical().hand_over(kim(), person("lee"), &policies(), at(1)),
        Err(TransitionError::Status { .. })
    ));
}

#[test]
fn a65_what_is_given_back_is_told_again_and_an_old_answer_does_not_take_it_on() {
    let (given, facts) = taken().unacknowledge(kim(), at(5 * MINUTE)).unwrap();
    assert_eq!(words(&facts), ["5: given back by kim"]);
    assert_eq!(words(&given.tick(&policies(), at(15 * MINUTE)).1), ["15: support_engineer 1"]);
    let old = given.record(news(2 * MINUTE, CaseStatus::Responded, Severity::Critical), &policies(), at(6 * MINUTE)).0;
    assert_eq!(old.status, Status::Open);
    let new = old.record(news(7 * MINUTE, CaseStatus::InProgress, Severity::Critical), &policies(), at(7 * MINUTE)).0;
    assert!(matches!(new.status, Status::Acknowledged { by: By::Case, .. }));
}

#[test]
fn what_is_put_off_tells_nobody_until_it_wakes_and_its_clocks_run_on() {
    let rule = open(of_rule("other"), 0).0;
    let (snoozed, facts) = rule.snooze(kim(), at(2 * HOUR), at(MINUTE)).unwrap();
    assert_eq!((words(&facts), snoozed.next_due(&policies())), (vec!["1: snoozed".to_owned()], Some(at(2 * HOUR))));
    assert_eq!(words(&snoozed.tick(&policies(), at(2 * HOUR)).1), ["120: woke"]);
    assert_eq!(words(&snoozed.tick(&policies(), at(131 * MINUTE)).1), ["120: woke", "130: support_engineer 1"]);
    let day = 24 * HOUR;
    for until in [at(MINUTE), at(MINUTE + 7 * day + 1)] {
        assert_eq!(rule.snooze(kim(), until, at(MINUTE)), Err(TransitionError::Snooze(until)));
    }
    let marks = critical().snooze(kim(), at(day), at(MINUTE)).unwrap().0.tick(&policies(), at(HOUR)).1;
    assert_eq!(words(&marks), ["30: first_response 50", "45: first_response 75", "60: first_response breached"]);
}

#[test]
fn what_ended_too_early_begins_again_with_its_first_step() {
    let ended = taken().resolve(kim(), "done", at(2 * MINUTE)).unwrap().0;
    let (again, facts) = ended.reopen(kim(), at(9 * MINUTE)).unwrap();
    assert_eq!((words(&facts), again.step, again.status.clone()), (vec!["9: reopened".to_owned()], 0, Status::Open));
    assert_eq!(again.reopen(kim(), at(10 * MINUTE)).unwrap().1, []);
    let refused = ended.snooze(kim(), at(HOUR), at(3 * MINUTE)).unwrap_err().to_string();
    assert_eq!(refused, "cannot snooze an escalation that is resolved");
}

#[derive(Debug, Clone)]
enum Act {
    Wait,
    Acknowledge,
    GiveBack,
    Snooze(i64),
    HandOver(&'static str),
    Accept(&'static str),
    Resolve,
    Reopen,
    News(CaseStatus),
}

fn any_act() -> impl Strategy<Value = Act> {
    let name = prop::sample::select(vec!["lee", "ida"]);
    prop_oneof![
        3 => Just(Act::Wait),
        2 => Just(Act::Acknowledge),
        1 => Just(Act::GiveBack),
        1 => (1..8_000_i64).prop_map(Act::Snooze),
        2 => name.clone().prop_map(Act::HandOver),
        1 => name.prop_map(Act::Accept),
        1 => Just(Act::Resolve),
        1 => Just(Act::Reopen),
        1 => prop::sample::select(vec![CaseStatus::Responded, CaseStatus::InProgress, CaseStatus::Resolved]).prop_map(Act::News),
    ]
}

fn apply(escalation: &Escalation, act: &Act, now: i64) -> Happened {
    let same = || (escalation.clone(), Vec::new());
    let done = match act {
        Act::Wait => return same(),
        Act::Acknowledge => escalation.acknowledge(kim(), at(now)),
        Act::GiveBack => escalation.unacknowledge(kim(), at(now)),
        Act::Snooze(later) => escalation.snooze(kim(), at(now + later), at(now)),
        Act::HandOver(to) => escalation.hand_over(kim(), person(to), &policies(), at(now)),
        Act::Accept(by) => escalation.accept(person(by), at(now)),
        Act::Resolve => escalation.resolve(kim(), "done", at(now)),
        Act::Reopen => escalation.reopen(kim(), at(now)),
        Act::News(status) => return escalation.record(news(now, *status, Severity::Critical), &policies(), at(now)),
    };
    done.unwrap_or_else(|_| same())
}

proptest! {
    /// Somebody is told only while it is nobody's: not while it is acknowledged, put off or resolved, however late the clock
    /// is asked; a hand-over that is missed is the one way from somebody to everybody.
    #[test]
    fn a65_nothing_acknowledged_or_resolved_ever_pages_again(acts in prop::collection::vec((any_act(), 1..4_000_i64), 1..25)) {
        let (mut escalation, mut now) = (critical(), 0);
        for (act, later) in acts {
            now += later;
            let missed = escalation.handover.as_ref().map(|handover| handover.accept_by);
            let before = escalation.status.clone();
            let (ticked, facts) = escalation.tick(&policies(), at(now));
            for fact in &facts {
                if let What::Advanced { .. } = fact.what {
                    let quiet = match &before {
                        Status::Open => false,
                        Status::Snoozed { until, .. } => fact.at < *until,
                        Status::Acknowledged { .. } => missed.is_none_or(|missed| fact.at < missed),
                        Status::Resolved { .. } => true,
                    };
                    prop_assert!(!quiet, "{:?} while {:?}", fact, before);
                }
            }
            // Often or once: the same.
            let halfway = escalation.tick(&policies(), at(now - later / 2));
            let (rest, more) = halfway.0.tick(&policies(), at(now));
            prop_assert_eq!(&rest, &ticked);
            prop_assert_eq!(halfway.1.into_iter().chain(more).collect::<Vec<_>>(), facts);
            // What is not due is not told.
            let due = escalation.next_due(&policies());
            prop_assert!(due.is_none_or(|due| escalation.tick(&policies(), after(due, -1)).1.is_empty() || due <= at(now - later)));
            let (next, _) = apply(&ticked, &act, now);
            prop_assert_eq!(&apply(&next, &act, now).0.status.name(), &next.status.name(), "doing it again changes nothing");
            escalation = next;
        }
    }
}

//! What time does to an execution: waits end, dates move, steps are late, nothing moves.

use super::*;
use crate::cta::CtaChange;
use crate::playbook::entry::{Closed, refusals};
use crate::rule::Condition;

fn renewal() -> Playbook {
    let until = |days| StepKind::Wait { until: Due { from: Anchor::Date(RENEWAL.into()), days } };
    let mut review = task("review", &["early"]);
    review.due = due(Anchor::Date(RENEWAL.into()), -150);
    let mut offer = task("offer", &["talks"]);
    offer.due = due(Anchor::Step(id("talks")), 10);
    book(vec![of_kind(until(-180), "early", &[]), review, of_kind(until(-90), "talks", &["early"]), offer])
}

fn days_before(world: &World, days: i32) -> Option<Day> {
    world.account.renewal_on.map(|day| day.plus(-days))
}

#[test]
fn a82_the_stages_begin_180_and_90_days_before_the_renewal() {
    let (book, mut world) = (renewal(), World::new());
    let mut execution = world.start(&book, &[]).execution;
    let start = Day::of(world.now);
    for (before, expected) in [(181, "pending"), (180, "open"), (91, "open"), (90, "open")] {
        world.now = days_before(&world, before).unwrap().start();
        execution = world.look(&book, &execution).execution;
        assert_eq!(execution.steps[&id("review")].state.name(), expected, "{before}");
        let offer = if before > 90 { "pending" } else { "open" };
        assert_eq!(execution.steps[&id("offer")].state.name(), offer, "{before}");
    }
    assert!(start < Day::of(world.now));
}

#[test]
fn a82_moving_the_date_moves_the_steps_and_doubles_none() {
    let (book, mut world) = (renewal(), World::new());
    let begun = world.start(&book, &[]).execution;
    assert_eq!(begun.steps[&id("early")].due_on, days_before(&world, 180));
    world.account.renewal_on = world.account.renewal_on.map(|day| day.plus(30));
    let moved = world.look(&book, &begun);
    assert_eq!(names(&moved.changes), ["moved"]);
    let What::Moved { steps } = &moved.changes[0].what else { panic!() };
    assert_eq!(steps, &["early", "review", "talks", "offer"].map(id));
    assert_eq!(moved.execution.steps[&id("offer")].due_on, days_before(&world, 80), "counted from the wait's day");
    assert_eq!(world.look(&book, &moved.execution).changes, [], "the same date again is no news");

    // Into the first stage, and then the contract is made longer: the stage is not begun again.
    world.now = days_before(&world, 180).unwrap().start();
    let opened = world.look(&book, &moved.execution);
    assert_eq!(names(&opened.changes), ["settled early", "opened review", "opened talks"]);
    world.account.renewal_on = world.account.renewal_on.map(|day| day.plus(365));
    let later = world.look(&book, &opened.execution);
    assert_eq!(names(&later.changes), ["moved"]);
    assert_eq!(later.execution.steps[&id("early")].state, opened.execution.steps[&id("early")].state);
    assert_eq!(later.execution.steps[&id("review")].due_on, days_before(&world, 150));
    assert_eq!(later.execution.steps.len(), 4);
    // Nobody knows the date any more: nothing is due, nothing ends.
    world.account.renewal_on = None;
    world.pass(1_000);
    let unknown = world.look(&book, &later.execution).execution;
    assert_eq!((unknown.steps[&id("review")].due_on, unknown.steps[&id("talks")].state.name()), (None, "open"));
}

fn kick_off() -> Playbook {
    let mut kick_off = task("kick-off", &[]);
    kick_off.due = due(Anchor::Date("kick_off".into()), 7);
    book(vec![kick_off])
}

#[test]
fn a52_a_milestone_that_is_missing_on_day_eight_is_told_once() {
    let mut first = task("kick-off", &[]);
    first.due = due(Anchor::Start, 6);
    let (book, mut world) = (book(vec![first]), World::new());
    let mut execution = world.start(&book, &[]).execution;
    world.pass(6);
    let seventh = world.look(&book, &execution);
    assert_eq!(seventh.changes, [], "day 7 is in time");
    world.pass(1);
    let eighth = world.look(&book, &execution);
    assert_eq!(names(&eighth.changes), ["late kick-off"]);
    let [CtaChange::Opened { cta, reopened: false }] = &eighth.ctas[..] else { panic!("{:?}", eighth.ctas) };
    assert_eq!((cta.kind, cta.rule.as_str()), (CtaKind::Lifecycle, "playbook:book"));
    assert!(cta.reason.contains("technical_account_manager"), "{}", cta.reason);
    execution = eighth.execution;
    for _ in 0..5 {
        world.pass(1);
        let looked = world.look(&book, &execution);
        assert_eq!((looked.changes, looked.ctas), (vec![], vec![]), "told once");
        execution = looked.execution;
    }
    let done = world.run(&book, &execution, &complete("kick-off"));
    let [CtaChange::Closed { cta: closed, .. }] = &done.ctas[..] else { panic!("{:?}", done.ctas) };
    assert_eq!(closed.id, cta.id);
    assert!(done.execution.steps[&id("kick-off")].late);
}

#[test]
fn a82_a_step_that_is_late_is_so_no_more_when_its_date_moves_on() {
    let (book, mut world) = (kick_off(), World::new());
    let mut execution = world.start(&book, &[("kick_off", "2026-11-22")]).execution;
    world.pass(8);
    execution = world.look(&book, &execution).execution;
    execution.arguments.insert("kick_off".into(), Value::Date("2026-12-22".parse().unwrap()));
    let moved = world.look(&book, &execution);
    assert_eq!(names(&moved.changes), ["moved", "in_time_again kick-off"]);
    assert!(matches!(&moved.ctas[..], [CtaChange::Closed { .. }]));
    world.pass(60);
    let again = world.look(&book, &moved.execution);
    assert!(matches!(&again.ctas[..], [CtaChange::Opened { reopened: true, .. }]), "the same call to action");
}

#[test]
fn a147_what_stands_still_goes_to_the_deputy_and_then_to_people_once_each() {
    let mut first = task("first", &[]);
    first.due = due(Anchor::Start, 0);
    let (book, mut world) = (book(vec![first, task("second", &["first"])]), World::new());
    let mut execution = world.start(&book, &[]).execution;
    let (mut changes, mut effects) = (Vec::new(), Vec::new());
    for day in 1..=30 {
        world.pass(1);
        let looked = world.look(&book, &execution);
        changes.extend(names(&looked.changes).into_iter().map(|name| format!("{day}: {name}")));
        effects.extend(looked.effects);
        execution = looked.execution;
    }
    assert_eq!(changes, ["1: late first", "7: stuck first", "14: escalated first"]);
    let [EffectRequest { does: Does::Escalate { severity, .. }, .. }] = &effects[..] else { panic!("{effects:?}") };
    assert_eq!(*severity, Severity::High);
    assert!(execution.steps[&id("first")].with_deputy);
    let done = world.run(&book, &execution, &complete("first"));
    assert_eq!(done.execution.stuck, None, "it moves again");
}

#[test]
fn a147_a_sweep_that_was_missed_is_caught_up_with() {
    let mut first = task("first", &[]);
    first.due = due(Anchor::Start, 0);
    let (book, mut world) = (book(vec![first]), World::new());
    let begun = world.start(&book, &[]).execution;
    world.pass(100);
    let looked = world.look(&book, &begun);
    assert_eq!(names(&looked.changes), ["late first", "stuck first", "escalated first"]);
    assert_eq!(looked.effects.len(), 1);
}

#[test]
fn a21_adherence_is_what_was_done_in_time_of_what_can_be_judged() {
    let dated = |name: &str, days| {
        let mut step = task(name, &[]);
        step.due = due(Anchor::Start, days);
        step
    };
    let steps = vec![dated("in-time", 5), dated("late", 5), dated("left-out", 5), dated("open", 5), dated("later", 50)];
    let (book, mut world) = (book(steps), World::new());
    let begun = world.start(&book, &[]).execution;
    let none = Progress::of(&book, &begun, world.now);
    assert_eq!((none.completion_basis_points(), none.adherence_basis_points()), (0, None));
    let execution = world.run(&book, &begun, &complete("in-time")).execution;
    let execution = world.run(&book, &execution, &skip("left-out")).execution;
    world.pass(6);
    let execution = world.run(&book, &execution, &complete("late")).execution;
    let some = Progress::of(&book, &execution, world.now);
    assert_eq!(some, Progress { settled: 3, of: 5, kept: 1, judged: 4 });
    assert_eq!((some.completion_basis_points(), some.adherence_basis_points()), (6_000, Some(2_500)));
}

#[test]
fn a81_a120_every_reason_against_beginning_is_named() {
    let mut world = World::new();
    let mut closed = draft(vec![task("a", &[])]);
    closed.entry = Entry {
        when: Some(Condition::Stage(BTreeSet::from([LifecycleStage::Churned]))),
        not_while_open: BTreeSet::from([CtaKind::Risk]),
        days_in_stage: 90,
        again_after_days: 180,
    };
    let book = Playbook::new(closed).unwrap();
    let open = BTreeSet::from([CtaKind::Risk, CtaKind::Expansion]);
    let (ended, since) = (world.now, world.now);
    world.pass(89);
    let situation = Situation {
        facts: world.facts(),
        open: &open,
        in_stage_since: Some(since),
        is_running: true,
        ended_at: Some(ended),
    };
    let found = refusals(&book, &situation);
    assert!(
        matches!(
            &found[..],
            [
                Closed::Running,
                Closed::Condition(_),
                Closed::Cta(CtaKind::Risk),
                Closed::Stage { .. },
                Closed::Again(..)
            ]
        ),
        "{found:?}"
    );
    world.account.stage = LifecycleStage::Churned;
    let none = BTreeSet::new();
    let churned = |world: &World, since| {
        let situation =
            Situation { facts: world.facts(), open: &none, in_stage_since: since, is_running: false, ended_at: None };
        refusals(&book, &situation)
    };
    assert_eq!(churned(&world, Some(since)).len(), 1, "a120: day 89 is within the cool-off");
    assert_eq!(churned(&world, None).len(), 1, "a time that nobody knows is not over");
    world.pass(1);
    assert_eq!(churned(&world, Some(since)), []);
}

#[test]
fn a_customer_who_leaves_ends_what_was_begun_for_a_customer() {
    let (book, mut world) = (kick_off(), World::new());
    let begun = world.start(&book, &[("kick_off", "2026-11-22")]).execution;
    world.account.stage = LifecycleStage::Churned;
    let left = world.look(&book, &begun).execution;
    assert!(matches!(left.status, Status::Cancelled { by: None, .. }), "{:?}", left.status);
    let back = world.start(&book, &[("kick_off", "2026-11-22")]).execution;
    assert!(back.is_running(), "what was begun for somebody who left goes on");
    assert!(world.look(&book, &back).execution.is_running());
}

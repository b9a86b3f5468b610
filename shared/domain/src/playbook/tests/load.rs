//! What is refused when a playbook is loaded.

use super::*;
use crate::lifecycle::StageWindow;
use crate::rule::Condition;
use crate::rule::leaf::Absent;

#[track_caller]
fn refused(draft: Draft, expected: &[(&str, &str)]) {
    let faults = Playbook::new(draft).expect_err("it is faulty");
    let found: Vec<&str> = faults.iter().map(|fault| fault.path.as_str()).collect();
    assert_eq!(found, expected.iter().map(|(path, _)| *path).collect::<Vec<_>>(), "{faults:?}");
    for (fault, (_, says)) in faults.iter().zip(expected) {
        assert!(fault.reason.contains(says), "{fault} does not say `{says}`");
    }
}

#[test]
fn a_playbook_has_a_version_that_follows_from_its_content() {
    let (one, other) = (book(vec![task("a", &[])]), book(vec![task("b", &[])]));
    assert_eq!(one.version(), book(vec![task("a", &[])]).version());
    assert_ne!(one.version(), other.version());
}

#[test]
fn a16_a_step_that_waits_for_itself_is_refused_with_the_circle() {
    let steps = vec![task("free", &[]), task("a", &["free", "c"]), task("b", &["a"]), task("c", &["b"])];
    refused(draft(steps), &[("steps[1].after", "a after c after b after a")]);
    refused(draft(vec![task("a", &["a"])]), &[("steps[0].after", "a after a")]);
    refused(draft(vec![branch("a", &["b"], &["b"], &[]), task("b", &[])]), &[("steps[0].after", "waits for itself")]);
}

#[test]
fn a134_every_unknown_name_is_named_with_the_nearest_known_one() {
    let mut steps = vec![
        task("kick-off", &[]),
        task("train", &["kickoff"]),
        branch("route", &[], &["trian"], &["zzzzzz"]),
        gate("go", &[], &["traine"]),
    ];
    steps[1].title = "Train {whom}".into();
    steps[1].due = due(Anchor::Date("kickoff".into()), 1);
    steps[0].due = due(Anchor::Date("who".into()), 1);
    steps[3].kind = StepKind::Gate { requires: vec!["plan".into()], refused: ids(&[]) };
    refused(
        draft(steps),
        &[
            ("steps[0].due.from", "no date"),
            ("steps[1].title", "perhaps `who`"),
            ("steps[1].after", "perhaps `kick-off`"),
            ("steps[1].due.from", "perhaps `kick_off`"),
            ("steps[2].arms[0].to", "perhaps `train`"),
            ("steps[2].otherwise", "there are"),
            ("steps[3].requires[0]", "there is none"),
        ],
    );
}

#[test]
fn a_step_that_no_way_reaches_is_refused() {
    // Behind the gate, and done where the gate stays shut: never.
    let steps = vec![gate("go", &[], &["sorry"]), task("work", &["go"]), task("sorry", &["work"])];
    refused(draft(steps), &[("steps[2]", "reached on no way")]);
}

#[test]
fn a_step_is_chosen_in_one_place() {
    let steps = vec![branch("one", &[], &["x"], &[]), branch("two", &[], &["x"], &[]), task("x", &[])];
    refused(draft(steps), &[("steps[2]", "chosen in 2 places")]);
}

#[test]
fn an_arm_that_asks_what_an_earlier_one_asked_is_refused() {
    let mut route = branch("route", &[], &["x"], &[]);
    let StepKind::Branch { arms, .. } = &mut route.kind else { panic!() };
    arms.push(Arm { to: ids(&["y"]), ..arms[0].clone() });
    refused(draft(vec![route, task("x", &[]), task("y", &[])]), &[("steps[0].arms[1].when", "earlier arm")]);
}

#[test]
fn a94_outreach_without_a_gate_on_any_way_is_refused() {
    refused(draft(vec![outreach("send", &[])]), &[("steps[0].outreach", "without a gate")]);
    book(vec![gate("go", &[], &[]), outreach("send", &["go"])]);
    // The gate lies on one of two ways.
    let steps = vec![
        branch("route", &[], &["go"], &["skip-it"]),
        gate("go", &[], &[]),
        task("skip-it", &[]),
        outreach("send", &["go", "skip-it"]),
    ];
    refused(draft(steps), &[("steps[3].outreach", "without a gate")]);
    // Told to the customer where the answer was no.
    refused(draft(vec![gate("go", &[], &["send"]), outreach("send", &[])]), &[("steps[1].outreach", "without a gate")]);
}

#[test]
fn every_fault_of_a_playbook_is_named_at_once() {
    let mut faulty = draft(vec![task("a", &[]), task("a", &[]), task("b", &[])]);
    faulty.title = " ".into();
    faulty.stuck.escalate_after_days = 3;
    faulty.deputies.insert(Role::Trainer, Role::Trainer);
    faulty.entry.when = Some(Condition::Absent(Absent { metric: Metric::Logins, days: 0 }));
    faulty.parameters.push(Parameter { name: "Renewal".into(), ..faulty.parameters[0].clone() });
    let number = EvidenceKind::Number { least: Quantity::whole(100), most: Quantity::whole(50) };
    let metric = |at_least| EvidenceKind::Metric { metric: Metric::Uptime, at_least, at_most: None, within_days: 30 };
    let evidence = |name: &str, kind| Evidence { name: name.into(), kind };
    let b = &mut faulty.steps[2];
    b.evidence = vec![
        evidence("pilot", number),
        evidence("up", metric(Some(Quantity::whole(101)))),
        evidence("up", metric(None)),
    ];
    b.article = Some("http://docs.example.com".into());
    b.owner = None;
    b.due = due(Anchor::Step(id("a")), 2_000);
    refused(
        faulty,
        &[
            ("title", "characters"),
            ("parameters[3].name", "small letters"),
            ("entry.when.absent.days", "give 1 to"),
            ("stuck.escalate_after_days", "give 7 to"),
            ("deputies.trainer", "another role"),
            ("steps[1].id", "taken"),
            ("steps[2].evidence[2].name", "taken"),
            ("steps[2].due.days", "give -1000 to 1000"),
            ("steps[2].article", "https://"),
            ("steps[2].owner", "missing"),
            ("steps[2].evidence[0].most", "no number is right"),
            ("steps[2].evidence[1].at_least", "between 0 and 100"),
            ("steps[2].evidence[2]", "no threshold"),
            ("steps[2].due.from", "does not come before"),
        ],
    );
}

#[test]
fn too_many_ways_steps_or_long_names_are_refused() {
    let gates: Vec<Step> = (0..13).map(|number| gate(&format!("g{number}"), &[], &[])).collect();
    refused(draft(gates), &[("steps", "more than 4096 ways")]);
    refused(draft(vec![]), &[("steps", "give 1 to")]);
    refused(draft(vec![task(&"x".repeat(51), &[])]), &[("steps[0].id", "at most 50")]);
}

#[test]
fn a_task_that_ends_by_itself_is_shown_by_what_is_measured() {
    refused(draft(vec![of_kind(StepKind::Task { automatic: true }, "a", &[])]), &[("steps[0].automatic", "measured")]);
    let mut wait = of_kind(StepKind::Wait { until: Due { from: Anchor::Start, days: 1 } }, "a", &[]);
    wait.evidence = vec![Evidence { name: "x".into(), kind: EvidenceKind::Document }];
    refused(draft(vec![wait]), &[("steps[0].evidence", "only tasks and gates")]);
}

#[test]
fn a52_the_stages_of_a_way_follow_one_another_through_their_gates() {
    let window = |stage, from_day, to_day, gate: &str| StageWindow { stage, from_day, to_day, gate: id(gate) };
    let of = |mut step: Step, stage| {
        step.stage = Some(stage);
        step
    };
    use LifecycleStage::{Expansion, Onboarding, Optimization};
    let good = Draft {
        stages: vec![window(Onboarding, 1, 30, "go"), window(Expansion, 31, 90, "grown")],
        ..draft(vec![
            of(task("pilot", &[]), Onboarding),
            of(gate("go", &["pilot"], &[]), Onboarding),
            of(task("wave", &["go"]), Expansion),
            of(gate("grown", &["wave"], &[]), Expansion),
        ])
    };
    Playbook::new(good.clone()).unwrap();
    let mut faulty = good;
    faulty.stages[1].from_day = 40;
    faulty.stages[0].gate = id("pilot");
    faulty.steps[2].after = ids(&[]);
    faulty.steps.push(of(task("late", &["grown"]), Optimization));
    refused(
        faulty,
        &[
            ("stages[0].gate", "no gate of this stage"),
            ("stages[1].from_day", "begin on day 31"),
            ("steps[2].after", "does not come after the gate"),
            ("steps[3].after", "does not come after the gate"),
            ("steps[4].stage", "not among the stages"),
        ],
    );
}

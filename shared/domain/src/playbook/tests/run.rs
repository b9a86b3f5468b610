//! How an execution goes on: by people, by itself, in any order, and through crashes.

use super::*;
use proptest::prelude::*;

/// A task with a link, a branch, a gate that asks for a number, an effect behind it and one where it is refused.
fn whole() -> Playbook {
    let mut plan = task("plan", &[]);
    plan.evidence = vec![Evidence { name: "plan".into(), kind: EvidenceKind::Document }];
    let mut go = gate("go", &["coach", "alone"], &["sorry"]);
    go.kind = StepKind::Gate { requires: vec!["plan".into()], refused: ids(&["sorry"]) };
    book(vec![
        plan,
        branch("route", &["plan"], &["coach"], &["alone"]),
        task("coach", &[]),
        task("alone", &[]),
        go,
        notify("sorry", &[]),
        outreach("send", &["go"]),
        task("thank", &["send"]),
    ])
}

fn link() -> Value {
    Value::Text("https://docs.example.com/plan".into())
}

#[test]
fn a16_steps_open_when_what_they_follow_is_settled_and_the_way_ends() {
    let (book, world) = (whole(), World::new());
    let begun = world.start(&book, &[("model", "guided"), ("who", "Acme")]);
    assert_eq!(names(&begun.changes), ["started", "opened plan"]);
    let planned = world.run(&book, &begun.execution, &show("plan", "plan", link()));
    assert_eq!(names(&planned.changes), ["settled plan", "settled route", "opened coach", "settled alone"]);
    let coached = world.run(&book, &planned.execution, &complete("coach"));
    let opened = world.run(&book, &coached.execution, &approve("go"));
    let [effect] = &opened.effects[..] else { panic!("{:?}", opened.effects) };
    assert_eq!(effect.key, "exec-1/send");
    assert_eq!(effect.does, Does::Outreach { text: "Welcome Acme".into(), destination: None });
    let ended = world.run(&book, &opened.execution, &complete("thank"));
    assert_eq!(
        states(&book, &ended.execution),
        [
            "plan done",
            "route branched",
            "coach done",
            "alone passed",
            "go approved",
            "sorry passed",
            "send done",
            "thank done"
        ]
    );
    assert_eq!(ended.execution.status, Status::Completed { at: world.now });
    let numbers = [begun.changes, planned.changes, coached.changes, opened.changes, ended.changes].concat();
    assert!(numbers.iter().map(|change| change.number).eq(1..=ended.execution.changes), "numbered without a gap");
}

#[test]
fn a134_a_gate_blocks_until_it_is_opened_and_bars_what_follows_when_it_is_refused() {
    let (book, world) = (whole(), World::new());
    let begun = world.start(&book, &[]);
    let planned = world.run(&book, &begun.execution, &show("plan", "plan", link()));
    let ready = world.run(&book, &planned.execution, &complete("alone"));
    let looked = world.look(&book, &ready.execution);
    assert_eq!((looked.changes, looked.effects), (vec![], vec![]), "nothing goes out while it is shut");
    let refused = world.run(&book, &ready.execution, &refuse("go"));
    let keys: Vec<&str> = refused.effects.iter().map(|effect| effect.key.as_str()).collect();
    assert_eq!(keys, ["exec-1/sorry"], "a94: nothing is sent that was not approved");
    assert_eq!(refused.execution.status, Status::Refused { at: world.now });
    assert_eq!(states(&book, &refused.execution)[6..], ["send barred", "thank barred"]);
}

#[test]
fn a110_a_skipped_step_blocks_nothing_but_a_gate_still_asks_for_its_evidence() {
    let (book, world) = (whole(), World::new());
    let begun = world.start(&book, &[]);
    let skipped = world.run(&book, &begun.execution, &skip("plan"));
    let skipped = world.run(&book, &skipped.execution, &skip("alone"));
    let refusal = decide(&book, &skipped.execution, &approve("go"), &world.facts(), &world.door()).unwrap_err();
    let Refusal::Evidence(faults) = refusal else { panic!("{refusal:?}") };
    assert_eq!(faults[0].path, "evidence.plan");
    let evidence = BTreeMap::from([("plan".to_owned(), link())]);
    let shown = Command::Settle { step: id("go"), deed: Deed::Approve { evidence }, by: kim() };
    let opened = world.run(&book, &skipped.execution, &shown);
    assert_eq!(opened.execution.steps[&id("thank")].state.name(), "open");
    assert!(matches!(
        decide(&book, &skipped.execution, &skip("go"), &world.facts(), &world.door()),
        Err(Refusal::OtherKind { .. })
    ));
}

#[test]
fn a_command_that_cannot_be_is_refused_and_says_why() {
    let (book, world) = (whole(), World::new());
    let begun = world.start(&book, &[]).execution;
    let refusal = |execution: &Execution, command: &Command| {
        decide(&book, execution, command, &world.facts(), &world.door()).unwrap_err().to_string()
    };
    assert!(refusal(&begun, &complete("plam")).contains("perhaps `plan`"));
    assert_eq!(refusal(&begun, &complete("thank")), "`thank` is not open; first settle `send`");
    assert_eq!(refusal(&begun, &approve("plan")), "cannot approve `plan`, which is a task");
    let no_words = Command::Settle { step: id("plan"), deed: Deed::Skip { reason: " ".into() }, by: kim() };
    assert!(refusal(&begun, &no_words).starts_with("the reason has 1 characters"));
    for value in [None, Some(Value::Text("plan.pdf".into())), Some(Value::Flag(true))] {
        let evidence = value.map(|value| ("plan".to_owned(), value)).into_iter().collect();
        let command = Command::Settle { step: id("plan"), deed: Deed::Complete { evidence }, by: kim() };
        assert_eq!(refusal(&begun, &command), "the evidence is not enough");
    }
    let done = world.run(&book, &begun, &show("plan", "plan", link())).execution;
    let other = Value::Text("https://docs.example.com/other".into());
    assert_eq!(refusal(&done, &show("plan", "plan", other)), "`plan` is done already");
    assert_eq!(refusal(&done, &skip("plan")), "`plan` is done already");
    let cancel = Command::Cancel { by: kim(), reason: "they left".into() };
    let cancelled = world.run(&book, &done, &cancel);
    assert_eq!(names(&cancelled.changes), ["finished"]);
    assert_eq!(world.run(&book, &cancelled.execution, &cancel).changes, [], "twice is once");
    assert_eq!(refusal(&cancelled.execution, &complete("alone")), "the execution is cancelled");
}

#[test]
fn a55_fifty_to_a_hundred_are_a_pilot() {
    let world = World::new();
    let kind = EvidenceKind::Number { least: Quantity::whole(50), most: Quantity::whole(100) };
    let mut pilot = task("pilot", &[]);
    pilot.evidence = vec![Evidence { name: "users".into(), kind }];
    let book = book(vec![pilot]);
    let begun = world.start(&book, &[]).execution;
    for (users, taken) in [(49, false), (50, true), (100, true), (101, false)] {
        let command = show("pilot", "users", Value::Number(Quantity::whole(users)));
        assert_eq!(decide(&book, &begun, &command, &world.facts(), &world.door()).is_ok(), taken, "{users}");
    }
}

#[test]
fn a53_what_is_measured_completes_a_milestone() {
    let mut world = World::new();
    let kind = EvidenceKind::Metric {
        metric: Metric::MigratedUsers,
        at_least: Some(Quantity::whole(500)),
        at_most: None,
        within_days: 30,
    };
    let mut wave = of_kind(StepKind::Task { automatic: true }, "wave", &[]);
    wave.evidence = vec![Evidence { name: "migrated".into(), kind }];
    let book = book(vec![wave]);
    let begun = world.start(&book, &[]).execution;
    world.measure(Metric::MigratedUsers, 499);
    assert_eq!(world.look(&book, &begun).changes, []);
    assert!(decide(&book, &begun, &complete("wave"), &world.facts(), &world.door()).is_err(), "nor can anybody say so");
    world.measure(Metric::MigratedUsers, 500);
    let seen = world.look(&book, &begun);
    assert_eq!(names(&seen.changes), ["settled wave", "finished"]);
    let on = Day::of(world.now);
    assert_eq!(seen.execution.evidence["migrated"], Shown::Measured { value: Quantity::whole(500), on });
    world.pass(31);
    assert_eq!(world.look(&book, &begun).execution.status, Status::Running, "a month ago says nothing of today");
}

#[test]
fn a110_a_branch_waits_for_what_is_not_known_and_then_goes_on() {
    let mut world = World::new();
    let when = Ask::Account(crate::rule::Condition::BandAtMost(crate::band::Band::AtRisk));
    let arms = vec![Arm { when, to: ids(&["rescue"]) }];
    let kind = StepKind::Branch { arms, otherwise: ids(&["grow"]), patience_days: 5 };
    let book = book(vec![of_kind(kind, "route", &[]), task("rescue", &[]), task("grow", &[])]);
    let begun = world.start(&book, &[]).execution;
    world.pass(4);
    assert_eq!(world.look(&book, &begun).changes, [], "unknown is not no");
    world.pass(1);
    let looked = world.look(&book, &begun);
    assert_eq!(names(&looked.changes), ["settled route", "settled rescue", "opened grow"]);
}

/// What a host does with decisions: it keeps the state and does the effects in one commit, and may die before or after.
#[derive(Clone)]
struct Host {
    execution: Execution,
    effects: Vec<String>,
}

impl Host {
    fn handle(&mut self, world: &World, book: &Playbook, command: &Command) {
        // A refused command changes nothing.
        if let Ok(decision) = decide(book, &self.execution, command, &world.facts(), &world.door()) {
            self.execution = decision.execution;
            self.effects.extend(decision.effects.into_iter().map(|effect| effect.key));
        }
    }
}

/// Steps at random: each follows some of those before it, branches and gates choose some of those behind them.
pub(super) fn any_book() -> impl Strategy<Value = Playbook> {
    let step = (0..7_u8, any::<u16>(), any::<u16>());
    prop::collection::vec(step, 1..9).prop_filter_map("no whole playbook", |made| {
        let name = |number: usize| format!("s{number}");
        let mut chosen = BTreeSet::new();
        let mut choices = Vec::new();
        for (number, (kind, _, picks)) in made.iter().enumerate() {
            let mut picked = [Vec::new(), Vec::new()];
            if matches!(kind, 3 | 4) {
                for (bit, target) in (number + 1..made.len()).enumerate() {
                    if picks >> bit & 1 == 1 && chosen.insert(target) {
                        picked[usize::from(picks >> (bit + 8) & 1 == 1)].push(name(target));
                    }
                }
            }
            choices.push(picked);
        }
        let step = |number: usize, reaches| {
            let ((kind, follows, _), [one, other]) = (&made[number], &choices[number]);
            let after: Vec<String> = (0..number).filter(|before| follows >> before & 1 == 1).map(name).collect();
            let after: Vec<&str> = after.iter().map(String::as_str).collect();
            let (one, other): (Vec<&str>, Vec<&str>) =
                (one.iter().map(String::as_str).collect(), other.iter().map(String::as_str).collect());
            match kind {
                3 => branch(&name(number), &after, &one, &other),
                4 => gate(&name(number), &after, &[one, other].concat()),
                5 => notify(&name(number), &after),
                6 if reaches => outreach(&name(number), &after),
                6 => notify(&name(number), &after),
                _ => task(&name(number), &after),
            }
        };
        let steps = |reaches| (0..made.len()).map(|number| step(number, reaches)).collect();
        // Where a way to what reaches the customer has no gate, our own people are told instead.
        Playbook::new(draft(steps(true))).or_else(|_| Playbook::new(draft(steps(false)))).ok()
    })
}

/// Every command that somebody could give, some of them contrary to one another: by step, one of them.
pub(super) fn commands(book: &Playbook, choices: u32) -> Vec<Command> {
    book.in_order()
        .enumerate()
        .map(|(number, step)| match (&step.kind, choices >> (number % 32) & 1 == 1) {
            (StepKind::Gate { .. }, true) => approve(step.id.as_str()),
            (StepKind::Gate { .. }, false) => refuse(step.id.as_str()),
            (_, true) => complete(step.id.as_str()),
            (_, false) => skip(step.id.as_str()),
        })
        .collect()
}

fn settled(execution: &Execution) -> Vec<(String, &'static str)> {
    execution.steps.iter().map(|(id, record)| (id.to_string(), record.state.name())).collect()
}

proptest! {
    #[test]
    fn a110_every_branch_of_every_playbook_reaches_an_end(book in any_book(), choices: u32, guided: bool) {
        let world = World::new();
        let arguments: &[(&str, &str)] = if guided { &[("model", "guided")] } else { &[] };
        let begun = world.start(&book, arguments);
        let mut host = Host { execution: begun.execution, effects: vec![] };
        for command in commands(&book, choices) {
            host.handle(&world, &book, &command);
        }
        prop_assert!(!host.execution.is_running(), "{:?}", states(&book, &host.execution));
    }

    #[test]
    fn a16_any_order_and_any_repeat_of_commands_ends_the_same(
        book in any_book(), choices: u32, order in prop::collection::vec(any::<u8>(), 0..60),
    ) {
        let world = World::new();
        let commands = commands(&book, choices);
        let begun = world.start(&book, &[]);
        let effects: Vec<String> = begun.effects.iter().map(|effect| effect.key.clone()).collect();
        let mut straight = Host { execution: begun.execution, effects };
        let mut crooked = straight.clone();
        for command in &commands {
            straight.handle(&world, &book, command);
        }
        for pick in &order {
            crooked.handle(&world, &book, &commands[usize::from(*pick) % commands.len()]);
        }
        for command in &commands {
            crooked.handle(&world, &book, command);
        }
        prop_assert_eq!(settled(&straight.execution), settled(&crooked.execution));
        prop_assert_eq!(&straight.execution.evidence, &crooked.execution.evidence);
        crooked.effects.sort();
        straight.effects.sort();
        prop_assert_eq!(straight.effects, crooked.effects);
    }

    #[test]
    fn a16_a_crash_between_any_two_steps_resumes_and_each_effect_happens_once(
        book in any_book(), choices: u32, crashes: u64,
    ) {
        let world = World::new();
        let begun = world.start(&book, &[]);
        let effects: Vec<String> = begun.effects.iter().map(|effect| effect.key.clone()).collect();
        let mut host = Host { execution: begun.execution, effects };
        for (number, command) in commands(&book, choices).iter().enumerate() {
            match crashes >> (2 * number % 64) & 3 {
                // Dies before the commit: what was decided is lost, and the command comes again.
                1 => host.clone().handle(&world, &book, command),
                // Dies behind the commit: the command comes again to the state as it was written.
                2 => {
                    host.handle(&world, &book, command);
                    let written = serde_json::to_vec(&host.execution).unwrap();
                    host.execution = serde_json::from_slice(&written).unwrap();
                }
                _ => {}
            }
            host.handle(&world, &book, command);
            host.handle(&world, &book, &Command::Look);
        }
        let done = |step: &&Step| {
            matches!(step.kind, StepKind::Effect(_)) && host.execution.steps[&step.id].state.name() == "done"
        };
        let mut expected: Vec<String> = book.in_order().filter(done).map(|step| format!("exec-1/{}", step.id)).collect();
        expected.sort();
        host.effects.sort();
        prop_assert_eq!(host.effects, expected);
    }

    #[test]
    fn looking_twice_at_the_same_moment_changes_nothing(book in any_book(), choices: u32, upto in 0..9_usize, days in 0..40_i64) {
        let mut world = World::new();
        let mut host = Host { execution: world.start(&book, &[]).execution, effects: vec![] };
        for command in commands(&book, choices).iter().take(upto) {
            host.handle(&world, &book, command);
        }
        world.pass(days);
        let once = world.look(&book, &host.execution).execution;
        let twice = world.look(&book, &once);
        prop_assert_eq!(twice.execution, once);
        prop_assert!(twice.changes.is_empty() && twice.effects.is_empty() && twice.ctas.is_empty());
    }
}

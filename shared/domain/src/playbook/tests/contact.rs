//! What an execution sends to the customer: behind a gate, at their hours, as often as they bear it, or not at all.

use super::*;
use crate::calendar::Zone;
use crate::contact::Wishes;
use crate::contact::tests::policy;
use proptest::prelude::*;

/// A letter behind a gate, and something to do after it.
fn letter() -> Playbook {
    book(vec![gate("go", &[], &[]), outreach("send", &["go"]), task("thank", &["send"])])
}

fn held(execution: &Execution) -> Option<(String, String)> {
    let held = execution.steps[&id("send")].held.as_ref()?;
    Some((held.until.to_string(), held.reason.clone()))
}

fn sent(decision: &Decision) -> usize {
    let outreach = |effect: &&EffectRequest| matches!(effect.does, Does::Outreach { .. });
    let count = decision.effects.iter().filter(outreach).count();
    assert_eq!(decision.reaches_the_customer(), count > 0);
    count
}

#[test]
fn a104_in_quiet_hours_it_is_held_back_told_once_and_goes_when_they_end() {
    let (book, mut world) = (letter(), World::new());
    world.account.contact.time_zone = Some(Zone::new("Asia/Tokyo").unwrap());
    let begun = world.start(&book, &[]).execution;
    let opened = world.run(&book, &begun, &approve("go"));
    assert_eq!((names(&opened.changes), sent(&opened)), (vec!["settled go".into(), "held send".into()], 0));
    let until = "2026-11-22T23:00:00Z";
    assert_eq!(held(&opened.execution), Some((until.into(), "these are quiet hours in Asia/Tokyo".into())));
    world.now = "2026-11-22T22:59:59Z".parse().unwrap();
    let looked = world.look(&book, &opened.execution);
    assert_eq!((looked.changes, looked.effects), (vec![], vec![]));
    world.now = until.parse().unwrap();
    let looked = world.look(&book, &opened.execution);
    assert_eq!((names(&looked.changes), sent(&looked)), (vec!["settled send".into(), "opened thank".into()], 1));
    assert_eq!(held(&looked.execution), None);
    assert_eq!(looked.contacts.iter().collect::<Vec<_>>(), [world.now]);
}

#[test]
fn a104_to_somebody_who_opted_out_nothing_goes_and_the_way_goes_on() {
    let (book, mut world) = (letter(), World::new());
    world.account.contact.opted_out = true;
    let begun = world.start(&book, &[]).execution;
    let opened = world.run(&book, &begun, &approve("go"));
    assert_eq!((sent(&opened), opened.contacts), (0, Contacts::default()));
    let reason = "the customer does not want to be reached".to_owned();
    assert_eq!(opened.execution.steps[&id("send")].state, StepState::Withheld { at: world.now, reason });
    assert_eq!(names(&opened.changes), ["settled go", "settled send", "opened thank"]);
    world.account.contact.opted_out = false;
    world.pass(1);
    assert_eq!(sent(&world.look(&book, &opened.execution)), 0, "it is not sent later either");
}

#[test]
fn a104_whoever_opts_out_while_something_is_held_back_does_not_get_it() {
    let (book, mut world) = (letter(), World::new());
    world.now = "2026-11-22T21:00:00Z".parse().unwrap();
    let begun = world.start(&book, &[]).execution;
    let opened = world.run(&book, &begun, &approve("go")).execution;
    assert!(held(&opened).is_some());
    world.account.contact.opted_out = true;
    for hours in [0, 12] {
        world.now += SignedDuration::from_hours(hours);
        let looked = world.look(&book, &opened);
        assert_eq!((sent(&looked), looked.execution.steps[&id("send")].state.name()), (0, "withheld"));
    }
}

#[test]
fn a104_what_is_held_back_can_be_left_out_by_people() {
    let (book, mut world) = (letter(), World::new());
    world.now = "2026-11-22T21:00:00Z".parse().unwrap();
    let begun = world.start(&book, &[]).execution;
    let opened = world.run(&book, &begun, &approve("go")).execution;
    let skipped = world.run(&book, &opened, &skip("send"));
    assert_eq!((names(&skipped.changes), sent(&skipped)), (vec!["settled send".into(), "opened thank".into()], 0));
    world.pass(1);
    assert_eq!(sent(&world.look(&book, &skipped.execution)), 0);
}

#[test]
fn a99_the_cap_holds_across_executions() {
    let (book, mut world) = (letter(), World::new());
    world.policy = policy(1);
    let begun = world.start(&book, &[]).execution;
    let first = world.run(&book, &begun, &approve("go"));
    assert_eq!(sent(&first), 1);
    world.contacts = first.contacts;
    world.pass(2);
    let second = world.run(&book, &begun, &approve("go"));
    assert_eq!(sent(&second), 0);
    let reason = "the customer was reached 1 times within 7 days, which is the most";
    assert_eq!(held(&second.execution), Some(("2026-11-29T12:00:00Z".into(), reason.into())));
    world.pass(5);
    assert_eq!(sent(&world.look(&book, &second.execution)), 1);
}

/// The steps that come before a step, however far.
fn before(book: &Playbook, step: &Step) -> BTreeSet<StepId> {
    let mut found = BTreeSet::new();
    let mut left = vec![step];
    while let Some(step) = left.pop() {
        let chooser = book.chooser(&step.id).map(|chooser| &chooser.id);
        for id in step.after.iter().chain(chooser) {
            if found.insert(id.clone()) {
                left.extend(book.step(id));
            }
        }
    }
    found
}

proptest! {
    /// Whatever the playbook and whatever people do: what goes to the customer comes behind a gate that somebody opened.
    #[test]
    fn a94_nothing_goes_out_that_nobody_approved(book in run::any_book(), choices: u32, order in prop::collection::vec(any::<u8>(), 0..40)) {
        let world = World::new();
        let commands = run::commands(&book, choices);
        let begun = world.start(&book, &[]);
        prop_assert_eq!(sent(&begun), 0);
        let mut execution = begun.execution;
        for command in order.iter().map(|pick| &commands[usize::from(*pick) % commands.len()]).chain(&commands) {
            let Ok(decision) = decide(&book, &execution, command, &world.facts(), &world.door()) else { continue };
            execution = decision.execution;
            for effect in decision.effects.iter().filter(|effect| matches!(effect.does, Does::Outreach { .. })) {
                let step = book.step(&effect.step).unwrap();
                let approved = |id: &StepId| matches!(execution.steps[id].state, StepState::Approved { .. });
                prop_assert!(before(&book, step).iter().any(approved), "{}", effect.step);
            }
        }
    }

    /// Several executions of one account, looked at in any order and at any time, with crashes before and behind the commit:
    /// each letter goes at most once, the cap holds over all of them, and nobody who opted out gets one.
    #[test]
    fn a99_a104_many_executions_keep_to_the_cap_and_the_wishes(
        at_most in 1..4_u32, turns in prop::collection::vec((0..5_usize, 0..60_u32, 0..12_u8), 1..80),
    ) {
        let (book, mut world) = (letter(), World::new());
        world.policy = policy(at_most);
        let begun = world.start(&book, &[]).execution;
        let mut executions = vec![begun; 5];
        let mut letters: Vec<(usize, Timestamp)> = Vec::new();
        for (which, hours, luck) in turns {
            world.now += SignedDuration::from_hours(i64::from(hours));
            if luck == 0 {
                world.account.contact = Wishes { opted_out: !world.account.contact.opted_out, time_zone: None };
            }
            let decided = decide(&book, &executions[which], &approve("go"), &world.facts(), &world.door());
            // One in twelve dies before the commit: nothing of it was.
            let Some(decision) = decided.ok().filter(|_| luck != 1) else { continue };
            if decision.reaches_the_customer() {
                prop_assert!(!world.account.contact.opted_out);
                letters.push((which, world.now));
            }
            executions[which] = decision.execution;
            world.contacts = decision.contacts;
        }
        let once: BTreeSet<usize> = letters.iter().map(|(which, _)| *which).collect();
        prop_assert_eq!(once.len(), letters.len(), "each once");
        let week = SignedDuration::from_hours(7 * 24);
        for (_, first) in &letters {
            let within = letters.iter().filter(|(_, other)| first <= other && *other < *first + week).count();
            prop_assert!(within <= usize::try_from(at_most).unwrap());
        }
    }
}

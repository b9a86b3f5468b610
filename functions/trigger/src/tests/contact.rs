//! What goes out to customers: not against their wishes, not at night, not more often than they bear, each once.

use super::*;
use async_trait::async_trait;
use domain::calendar::Zone;
use domain::contact::{ContactPolicy, Draft, QuietHours};
use jiff::civil::Time;
use platform::function::Ports;
use platform::table::{Item, Key, Page as TablePage, Range, Table, TableError, Write};
use std::sync::{Arc, Mutex};

fn offer() -> Value {
    json!({ "contact": "Lee", "offer": "The old trouble is over." })
}

/// So often in fourteen days, and not from eight in the evening to eight in the morning.
fn policy(at_most: u32) -> ContactPolicy {
    let hour = |hour| Time::constant(hour, 0, 0, 0);
    let quiet = Some(QuietHours { from: hour(20), until: hour(8) });
    ContactPolicy::new(Draft { at_most, within_days: 14, quiet, time_zone: Zone::UTC }).unwrap()
}

/// Two playbooks that write to whoever left.
fn library(at_most: u32) -> Library {
    let mut files = contract::playbook::built_in().unwrap();
    files.retain(|file| file.id.as_str() == "win-back");
    let mut again = files[0].clone();
    again.id = domain::id::PlaybookId::new("win-back-again").unwrap();
    files.push(again);
    Library::new(files).unwrap().reaching(policy(at_most))
}

fn trigger(ports: Ports, at_most: u32) -> Trigger {
    Trigger::with(
        ports,
        contract::rules::built_in().unwrap(),
        contract::segments::built_in().unwrap(),
        library(at_most),
    )
}

/// A customer who left long enough ago, at noon.
fn left(at_most: u32) -> Stage {
    let mut stage = stage();
    stage.trigger = trigger(stage.doubles.ports(), at_most);
    stage.describe(|account| account.stage = LifecycleStage::Churned);
    stage.hear("they left");
    stage.pass(90);
    stage
}

impl Stage {
    /// Begins a playbook and comes to its gate.
    fn come_to_the_gate(&self, playbook: &str) -> String {
        let id = self.begin(playbook, &offer());
        self.complete(&id, "reasons");
        id
    }

    fn release(&self, id: &str) -> Result<(u16, Value), Problem> {
        self.settle(id, "release", "approve", &json!({}))
    }

    /// The keys of what was sent to the customer, each event once.
    fn letters(&self) -> Vec<String> {
        let events = self.doubles.published();
        let sent: BTreeMap<String, String> = events
            .iter()
            .filter_map(|event| match &event.fact {
                Fact::EffectRequested(fact) if fact.effect == "outreach" => {
                    Some((event.meta.event_id.to_string(), fact.key.clone()))
                }
                _ => None,
            })
            .collect();
        sent.into_values().collect()
    }

    fn letter(&self, id: &str) -> contract::execution::StepItem {
        self.execution(id).steps.into_iter().find(|step| step.step == "letter").unwrap()
    }

    fn at_hour(&self, hour: i64) {
        let day = Day::of(self.doubles.now()).start();
        self.doubles.set_now(day + SignedDuration::from_hours(hour));
    }
}

#[test]
fn a104_at_night_a_letter_waits_is_shown_with_its_reason_and_goes_once_in_the_morning() {
    let stage = left(2);
    let id = stage.come_to_the_gate("win-back");
    stage.at_hour(22);
    stage.release(&id).unwrap();
    assert_eq!(stage.letters(), Vec::<String>::new());
    let waits = stage.letter(&id);
    let morning = Day::of(stage.doubles.now()).plus(1).start() + SignedDuration::from_hours(8);
    assert_eq!((waits.state.as_str(), waits.held_until), ("open", Some(morning)));
    assert_eq!(waits.reason.as_deref(), Some("these are quiet hours in UTC"));
    let stream = stage.get("t", "/executions/{id}/events", &id, &[]).unwrap().body;
    assert_eq!(stream.matches("event: held\n").count(), 1, "{stream}");
    stage.at_hour(23);
    stage.sweep();
    assert_eq!(stage.letters(), Vec::<String>::new());
    stage.doubles.set_now(morning);
    stage.sweep();
    stage.doubles.set_now(morning + SignedDuration::from_hours(1));
    stage.sweep();
    assert_eq!(stage.letters(), [format!("{id}/letter")]);
    let went = stage.letter(&id);
    assert_eq!((went.state.as_str(), went.held_until, went.at), ("done", None, Some(morning)));
}

#[test]
fn a104_to_whoever_opted_out_nothing_goes_and_that_is_told_with_its_reason() {
    let stage = left(2);
    let id = stage.come_to_the_gate("win-back");
    stage.describe(|account| account.contact.opted_out = true);
    stage.release(&id).unwrap();
    stage.sweep();
    assert_eq!(stage.letters(), Vec::<String>::new());
    let letter = stage.letter(&id);
    assert_eq!(
        (letter.state.as_str(), letter.reason.as_deref()),
        ("withheld", Some("the customer does not want to be reached"))
    );
    let told = stage.doubles.published().into_iter().filter_map(|event| match event.fact {
        Fact::StepCompleted(fact) if fact.step.step.as_str() == "letter" => Some((fact.step.state, fact.step.reason)),
        _ => None,
    });
    assert_eq!(told.collect::<Vec<_>>(), [(letter.state, letter.reason)]);
    assert_eq!(stage.state(&id, "answer"), "open", "the way goes on");
}

#[test]
fn a104_an_opt_out_takes_what_waits_at_the_next_news() {
    let stage = left(2);
    let id = stage.come_to_the_gate("win-back");
    stage.at_hour(22);
    stage.release(&id).unwrap();
    stage.describe(|account| account.contact.opted_out = true);
    stage.hear("they opted out");
    assert_eq!((stage.letter(&id).state.as_str(), stage.letters().len()), ("withheld", 0));
}

#[test]
fn a99_the_cap_holds_across_playbooks() {
    let stage = left(1);
    let first = stage.come_to_the_gate("win-back");
    let second = stage.come_to_the_gate("win-back-again");
    stage.release(&first).unwrap();
    let sent_at = stage.doubles.now();
    stage.day();
    stage.release(&second).unwrap();
    assert_eq!(stage.letters(), [format!("{first}/letter")]);
    let waits = stage.letter(&second);
    assert_eq!(waits.held_until, Some(sent_at + SignedDuration::from_hours(14 * 24)));
    assert!(waits.reason.unwrap().contains("reached 1 times within 14 days"));
    for _ in 0..12 {
        stage.day();
        assert_eq!(stage.letters().len(), 1);
    }
    stage.day();
    assert_eq!(stage.letters().len(), 2, "fourteen days after the first one");
}

#[test]
fn a99_the_cap_holds_where_one_look_comes_to_several_letters() {
    let stage = left(1);
    let ids = ["win-back", "win-back-again"].map(|playbook| stage.come_to_the_gate(playbook));
    stage.at_hour(22);
    for id in &ids {
        stage.release(id).unwrap();
    }
    stage.doubles.set_now(stage.doubles.now() + SignedDuration::from_hours(10));
    stage.sweep();
    assert_eq!(stage.letters().len(), 1);
    let mut states = ids.map(|id| stage.state(&id, "letter"));
    states.sort();
    assert_eq!(states, ["done", "open"]);
}

/// A table on which something happens right before the first commit that sends something to the customer.
struct Meddled {
    inner: Arc<dyn Table>,
    before: Mutex<Option<Box<dyn FnOnce() + Send>>>,
}

#[async_trait]
impl Table for Meddled {
    async fn get(&self, key: &Key) -> Result<Option<Item>, TableError> {
        self.inner.get(key).await
    }

    async fn query(&self, range: &Range) -> Result<TablePage, TableError> {
        self.inner.query(range).await
    }

    async fn commit(&self, writes: Vec<Write>) -> Result<(), TableError> {
        let sends = |write: &Write| matches!(write, Write::Check { key, .. } if key.sk == keys::PROFILE);
        if writes.iter().any(sends)
            && let Some(before) = self.before.lock().unwrap().take()
        {
            before();
        }
        self.inner.commit(writes).await
    }
}

fn meddle(stage: &mut Stage, before: impl FnOnce() + Send + 'static) {
    let ports = stage.doubles.ports();
    let table = Meddled { inner: ports.table.clone(), before: Mutex::new(Some(Box::new(before))) };
    stage.trigger = trigger(Ports { table: Arc::new(table), ..ports }, 1);
}

#[test]
fn a104_an_opt_out_between_the_look_and_the_commit_wins() {
    let mut stage = left(1);
    let id = stage.come_to_the_gate("win-back");
    let (ports, account) = (stage.doubles.ports(), stage.account());
    meddle(&mut stage, move || {
        let key = keys::profile(&tenant(), &account.id);
        let found = block_on(ports.table.get(&key)).unwrap();
        let mut account = account;
        account.contact.opted_out = true;
        let body = platform::table::body(&json!({ "state": account })).unwrap();
        let expect = platform::table::Expect::of(found.as_ref());
        block_on(ports.table.commit(vec![Write::Put { key, expect, body, expires_at: None }])).unwrap();
    });
    stage.release(&id).unwrap();
    assert_eq!((stage.letters(), stage.letter(&id).state.as_str()), (vec![], "withheld"));
}

#[test]
fn a99_two_executions_that_race_keep_to_the_cap() {
    let mut stage = left(1);
    let first = stage.come_to_the_gate("win-back");
    let second = stage.come_to_the_gate("win-back-again");
    let other = trigger(stage.doubles.ports(), 1);
    let id = second.clone();
    meddle(&mut stage, move || {
        let parameters = [("id", id.as_str()), ("step", "release"), ("action", "approve")];
        let request = Request {
            method: "POST".into(),
            route: "/executions/{id}/steps/{step}/{action}".into(),
            parameters: parameters.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
            body: "{}".into(),
            cause: Some(contract::message::cause_id("the other one")),
            ..Request::default()
        };
        assert_eq!(block_on(other.call(&caller("t", "ash"), &request)).unwrap().status, 200);
    });
    stage.release(&first).unwrap();
    assert_eq!(stage.letters(), [format!("{second}/letter")], "the other one was first");
    assert!(stage.letter(&first).held_until.is_some());
}

/// A request that can be sent again.
type Sending<'a> = &'a dyn Fn() -> Result<(u16, Value), Problem>;

#[test]
fn a99_a_crash_at_any_commit_sends_each_letter_once_and_counts_it_once() {
    let way = |stage: &Stage, send: &dyn Fn(Sending<'_>)| {
        let ids = ["win-back", "win-back-again"].map(|playbook| stage.come_to_the_gate(playbook));
        stage.doubles.take_calls();
        ids.iter().for_each(|id| send(&|| stage.release(id)));
        ids
    };
    let straight = left(1);
    let ids = way(&straight, &|send| drop(send().unwrap()));
    let commits = straight.doubles.take_calls().commits;
    assert!(commits >= 6, "{commits}");
    for crash in 0..commits {
        let crooked = left(1);
        let began = Cell::new(false);
        let again = way(&crooked, &|send| {
            if !began.replace(true) {
                crooked.doubles.fail_commits_after(crash);
            }
            if send().is_err() {
                crooked.doubles.fail_commits_after(usize::MAX);
                send().unwrap_or_else(|problem| panic!("crash at {crash}: {problem:?}"));
            }
        });
        crooked.doubles.fail_commits_after(usize::MAX);
        crooked.sweep();
        assert_eq!((&again, crooked.letters()), (&ids, straight.letters()), "crash at {crash}");
        assert_eq!(again.each_ref().map(|id| crooked.letter(id)), ids.each_ref().map(|id| straight.letter(id)));
        let head = crooked.doubles.value(&keys::executions(&tenant(), &acme().id)).unwrap();
        assert_eq!(head["state"]["contacts"].as_array().unwrap().len(), 1, "crash at {crash}");
    }
}

//! What destinations hear of escalations: each thing once, whatever happens on the way, and nothing that is not so any
//! more.

use super::*;
use contract::message::Work;
use domain::destination::{Destination, Kind, Route, SlaOwner};
use domain::escalation::policy::BySeverity;
use domain::escalation::{Policies, Policy, Role, Step};
use domain::id::DestinationId;
use domain::rate::RateLimit;
use platform::connector::rehearsal::played;
use platform::connector::{OutboundRequest, OutboundResponse, Secret, SecretError, Secrets, Transport, TransportError};
use platform::table::Range;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex};

/// What people were told outside.
#[derive(Default)]
struct Outside {
    /// Answers with this status instead of well; 1 is no answer, 2 an answer that is lost.
    status: AtomicU16,
    heard: Mutex<Vec<OutboundRequest>>,
    /// What was taken, by the id under which it is known there.
    records: Mutex<BTreeMap<String, usize>>,
}

#[async_trait]
impl Transport for Outside {
    async fn send(&self, request: OutboundRequest) -> Result<OutboundResponse, TransportError> {
        self.heard.lock().unwrap().push(request.clone());
        let (key, answer) = played(&request);
        let take = || *self.records.lock().unwrap().entry(key).or_default() += 1;
        match self.status.load(Ordering::SeqCst) {
            0 => {
                take();
                Ok(answer)
            }
            1 => Err(TransportError::TimedOut),
            2 => {
                take();
                Err(TransportError::TimedOut)
            }
            status => Ok(OutboundResponse { status, ..OutboundResponse::default() }),
        }
    }
}

pub(super) struct Vault;

#[async_trait]
impl Secrets for Vault {
    async fn secret(&self, _: &str) -> Result<Secret, SecretError> {
        Ok(Secret::new("whsec_aHVzaGh1c2hodXNoaHVzaGh1c2hodXNo"))
    }
}

struct Reach {
    stage: Stage,
    outside: Arc<Outside>,
}

pub(super) fn destination(id: &str, kind: Kind) -> Destination {
    Destination {
        id: DestinationId::new(id).unwrap(),
        kind,
        secret: Some("s".into()),
        limit: RateLimit { per_minute: 60, burst: 60 },
        source: None,
        sla_owner: SlaOwner::Us,
    }
}

pub(super) fn hook() -> Destination {
    destination("hook", Kind::Webhook { url: "https://hooks.example/x".into() })
}

fn desk() -> Destination {
    let kind = Kind::ServiceNow { instance: "https://desk.example".into(), table: "u_cs_ops".into() };
    Destination { source: Some(SourceId::new("desk").unwrap()), ..destination("desk", kind) }
}

fn reach(all: Vec<Destination>) -> Reach {
    let (mut stage, outside) = (stage(), Arc::new(Outside::default()));
    let route = Route { to: all.iter().map(|one| one.id.clone()).collect(), ..Route::default() };
    let destinations = Destinations::new(all, vec![route]).unwrap();
    let connector = Connector::new(outside.clone(), Arc::new(Vault), stage.doubles.ports().clock);
    stage.escalate = Escalate::new(stage.doubles.ports()).unwrap().reaching(destinations, Arc::new(connector));
    Reach { stage, outside }
}

impl Reach {
    fn set(&self, status: u16) {
        self.outside.status.store(status, Ordering::SeqCst);
    }

    fn work(&self) -> Vec<Work> {
        self.stage.doubles.take_work()
    }

    /// Does what the function set itself to do.
    fn pump(&self) {
        for work in self.work() {
            self.deliver(work).unwrap();
        }
    }

    fn deliver(&self, work: Work) -> Result<(), Failure> {
        block_on(self.stage.escalate.message(&Incoming::Work(Box::new(work)), Timestamp::MAX))
    }

    fn tick(&self, seconds: i64) {
        self.stage.tick(seconds).unwrap();
        self.pump();
    }

    /// What was heard, in short and in its order.
    fn heard(&self) -> Vec<String> {
        let word = |request: &OutboundRequest| {
            let body: Value = serde_json::from_str(&request.body).unwrap();
            let of_hook = body["type"].as_str().map(|kind| {
                let role = body["data"]["role"].as_str().unwrap_or_default();
                format!("{} {role} {}", kind.trim_start_matches("escalation."), body["data"]["repeats"])
            });
            of_hook.unwrap_or_else(|| body["u_state"].as_str().unwrap().to_owned())
        };
        self.outside.heard.lock().unwrap().iter().map(word).collect()
    }

    fn waiting(&self, destination: &str) -> usize {
        let id = DestinationId::new(destination).unwrap();
        let in_lane = |urgent| {
            let range = Range::prefix(keys::outbox_partition(&tenant(), &id, urgent), "");
            block_on(self.stage.doubles.ports().table.query(&range)).unwrap().items.len()
        };
        in_lane(true) + in_lane(false)
    }

    fn facts(&self) -> Vec<String> {
        let published = self.stage.doubles.published();
        let names = published.iter().filter(|event| {
            matches!(event.fact, Fact::DestinationDown(_) | Fact::DestinationRecovered(_) | Fact::DeliveryGivenUp(_))
        });
        names.map(|event| event.fact.name().to_owned()).collect()
    }

    fn escalation(&self) -> String {
        self.stage.active("t", &[])[0].escalation.clone()
    }
}

#[test]
fn people_are_told_step_by_step_until_somebody_has_it_and_records_follow() {
    let reach = reach(vec![hook()]);
    reach.stage.case("c", Severity::Critical, &[(0, CaseStatus::Opened)]);
    reach.pump();
    reach.tick(10 * MINUTE);
    reach.tick(20 * MINUTE);
    let expected = ["page support_engineer 0", "page support_engineer 1", "page senior_support_engineer 0"];
    assert_eq!(reach.heard(), expected);
    let id = reach.escalation();
    reach.stage.act("t", &id, "acknowledge", "").unwrap();
    reach.pump();
    reach.tick(50 * MINUTE);
    reach.stage.act("t", &id, "resolve", r#"{"outcome":"repaired"}"#).unwrap();
    reach.pump();
    for minute in 51..300 {
        reach.tick(minute * MINUTE);
    }
    assert_eq!(reach.heard()[3..], ["acknowledged  null", "resolved  null"]);
    assert_eq!((reach.waiting("hook"), reach.facts()), (0, Vec::new()));
}

#[test]
fn a12_while_a_destination_is_down_for_an_hour_everything_waits_and_is_told_once_when_it_is_back() {
    let reach = reach(vec![hook()]);
    reach.set(503);
    for number in 0..8 {
        reach.stage.case(&format!("c{number}"), Severity::Critical, &[(0, CaseStatus::Opened)]);
    }
    reach.pump();
    for minute in 1..60 {
        // Each tick is another process: nothing but the table remembers.
        let cold = Escalate::new(reach.stage.doubles.ports()).unwrap();
        let Plan { destinations, connector, .. } = &reach.stage.escalate.plan;
        let cold = cold.reaching(destinations.clone(), connector.clone().unwrap());
        let tick = Tick { tick: "due_clock".into(), time: reach.stage.at(minute * MINUTE) };
        reach.stage.doubles.set_now(tick.time);
        block_on(cold.tick(&tick)).unwrap();
        for work in reach.work() {
            block_on(cold.message(&Incoming::Work(Box::new(work)), Timestamp::MAX)).unwrap();
        }
    }
    let tried = reach.heard().len();
    assert!(tried <= 5 + 16, "{tried} tries while it was down");
    assert_eq!((reach.facts(), reach.outside.records.lock().unwrap().len()), (vec!["DestinationDown".to_owned()], 0));
    reach.set(0);
    for minute in 60..75 {
        reach.tick(minute * MINUTE);
    }
    let records = reach.outside.records.lock().unwrap();
    assert!(records.values().all(|times| *times == 1), "{records:?}");
    // Three roles had their turn, each of them twice; the fourth is told after an hour and ten minutes.
    let pages: BTreeSet<&String> = records.keys().collect();
    assert!(pages.len() >= 8 * 6, "{}", pages.len());
    assert_eq!((reach.waiting("hook"), reach.facts().len()), (0, 2));
    assert_eq!(reach.facts()[1], "DestinationRecovered");
}

#[test]
fn nobody_is_paged_for_what_somebody_has_by_then() {
    let reach = reach(vec![hook()]);
    reach.set(1);
    reach.stage.case("c", Severity::Critical, &[(0, CaseStatus::Opened)]);
    reach.pump();
    let tried = reach.heard().len();
    assert!(tried > 0 && reach.waiting("hook") == 1);
    reach.set(0);
    reach.stage.act("t", &reach.escalation(), "acknowledge", "").unwrap();
    for minute in 1..20 {
        reach.tick(minute * MINUTE);
    }
    // It was tried to tell them, and not known to have failed: the record there is told how it went on.
    assert_eq!(reach.heard()[tried..], ["acknowledged  null"]);
    assert_eq!(reach.waiting("hook"), 0);
}

#[test]
fn who_never_heard_of_it_does_not_hear_of_its_end() {
    let reach = reach(vec![hook()]);
    reach.stage.case("c", Severity::Critical, &[(0, CaseStatus::Opened)]);
    reach.work();
    reach.stage.act("t", &reach.escalation(), "resolve", r#"{"outcome":"a mistake"}"#).unwrap();
    reach.pump();
    reach.tick(MINUTE);
    assert_eq!((reach.heard(), reach.waiting("hook")), (Vec::<String>::new(), 0));
}

#[test]
fn a17_an_answer_that_was_lost_is_asked_for_again_and_is_one_record_there() {
    let reach = reach(vec![hook()]);
    reach.set(2);
    reach.stage.case("c", Severity::Low, &[(0, CaseStatus::Opened)]);
    reach.pump();
    reach.set(0);
    for minute in 1..10 {
        reach.tick(minute * MINUTE);
    }
    let records = reach.outside.records.lock().unwrap();
    assert_eq!(records.len(), 1);
    assert!(*records.values().next().unwrap() >= 2);
    assert_eq!(reach.waiting("hook"), 0);
}

#[test]
fn what_a_destination_refuses_is_given_up_told_and_kept() {
    let reach = reach(vec![hook()]);
    reach.set(400);
    reach.stage.case("c", Severity::Low, &[(0, CaseStatus::Opened)]);
    reach.pump();
    assert_eq!((reach.heard().len(), reach.waiting("hook")), (1, 0));
    let given_up = reach.stage.doubles.published().into_iter().find_map(|event| match event.fact {
        Fact::DeliveryGivenUp(fact) => Some(fact),
        _ => None,
    });
    let given_up = given_up.unwrap();
    assert_eq!((given_up.told.as_str(), given_up.reason.as_str(), given_up.attempts), ("page", "it answered 400", 1));
    assert!(reach.stage.doubles.value(&keys::given_up(&tenant(), &given_up.message)).is_some());
}

#[test]
fn a84_an_echo_of_what_was_told_ends_after_one_round() {
    let reach = reach(vec![desk()]);
    let mut news = vec![(0, CaseStatus::Opened)];
    reach.stage.case("c", Severity::High, &news);
    reach.pump();
    let id = reach.escalation();
    reach.stage.act("t", &id, "acknowledge", "").unwrap();
    reach.pump();
    assert_eq!(reach.heard(), ["open", "acknowledged"]);
    // Whatever it is told it tells back as news of the case, and so on.
    for round in 1..20 {
        let before = reach.heard().len();
        reach.stage.doubles.set_now(reach.stage.at(round * MINUTE));
        news.push((round * MINUTE, if round < 10 { CaseStatus::Responded } else { CaseStatus::Resolved }));
        reach.stage.case("c", Severity::High, &news);
        reach.pump();
        reach.tick(round * MINUTE + 1);
        assert_eq!(reach.heard().len(), before, "round {round}");
    }
    assert_eq!(reach.stage.active("t", &[]).len(), 0, "what it said was taken in");
}

#[test]
fn a_rate_is_kept_and_the_rest_goes_with_the_next_ticks() {
    let slow = Destination { limit: RateLimit { per_minute: 2, burst: 2 }, ..hook() };
    let reach = reach(vec![slow]);
    for number in 0..6 {
        reach.stage.case(&format!("c{number}"), Severity::Low, &[(0, CaseStatus::Opened)]);
    }
    reach.pump();
    assert_eq!(reach.heard().len(), 2);
    reach.tick(MINUTE);
    assert_eq!(reach.heard().len(), 4);
    reach.tick(2 * MINUTE);
    assert_eq!((reach.heard().len(), reach.waiting("hook")), (6, 0));
}

#[test]
fn whatever_commit_fails_on_the_way_it_is_told_and_known_as_one() {
    for commits in 0..8 {
        let reach = reach(vec![hook()]);
        reach.stage.case("c", Severity::Low, &[(0, CaseStatus::Opened)]);
        let work = reach.work();
        reach.stage.doubles.fail_commits_after(commits);
        let failed = work.into_iter().any(|work| reach.deliver(work).is_err());
        assert_eq!(failed, commits < 2, "a claim and what became of it");
        reach.stage.doubles.fail_commits_after(usize::MAX);
        for minute in 1..5 {
            reach.tick(minute * MINUTE);
        }
        let records = reach.outside.records.lock().unwrap();
        assert_eq!((records.len(), reach.waiting("hook")), (1, 0), "{commits}");
        let expected = if commits == 1 { 2 } else { 1 };
        assert_eq!(records.values().copied().collect::<Vec<_>>(), [expected], "{commits}");
    }
}

#[test]
fn two_that_want_the_same_message_send_it_once() {
    let reach = reach(vec![hook()]);
    reach.stage.case("c", Severity::Low, &[(0, CaseStatus::Opened)]);
    let work = reach.work();
    for _ in 0..3 {
        work.iter().cloned().for_each(|work| reach.deliver(work).unwrap());
    }
    assert_eq!(reach.heard().len(), 1);
}

#[test]
fn what_is_due_together_is_one_page_for_a_role() {
    let reach = reach(vec![hook()]);
    reach.stage.case("c", Severity::Critical, &[(0, CaseStatus::Opened)]);
    reach.pump();
    reach.tick(9 * HOUR);
    let roles: Vec<String> =
        reach.heard()[1..].iter().map(|heard| heard.rsplit_once(' ').unwrap().0.to_owned()).collect();
    let distinct: BTreeSet<&String> = roles.iter().collect();
    assert_eq!((roles.len(), distinct.len()), (4, 4), "{roles:?}");
}

#[test]
fn a79_a_step_is_told_where_it_says_and_nowhere_else() {
    let step = |role, to: &[&str]| Step {
        role,
        to: None,
        acknowledge_within_seconds: 600,
        repeats: 0,
        destinations: to.iter().map(|id| DestinationId::new(id).unwrap()).collect(),
    };
    let steps = || vec![step(Role::SupportEngineer, &["night"]), step(Role::SeniorSupportEngineer, &[])];
    let policy = || Policy::new(steps()).unwrap();
    let by_severity = BySeverity { critical: policy(), high: policy(), medium: policy(), low: policy() };
    let policies = Policies {
        by_severity,
        matrix: vec![],
        by_rule: BTreeMap::new(),
        break_glass: policy(),
        contracts: BTreeMap::new(),
        priority: Default::default(),
        categories: BTreeMap::new(),
    };
    let sla = contract::escalation::built_in().unwrap().sla;
    let mut reach = reach(vec![hook(), destination("night", Kind::PagerDuty)]);
    reach.stage.escalate.plan.policies = EscalationPolicies::new("x", sla, policies).unwrap();
    reach.stage.case("c", Severity::Critical, &[(0, CaseStatus::Opened)]);
    reach.pump();
    let of = |reach: &Reach| -> Vec<String> {
        reach.outside.heard.lock().unwrap().iter().map(|request| request.url.clone()).collect()
    };
    assert_eq!(of(&reach), ["https://events.pagerduty.com/v2/enqueue"]);
    reach.tick(10 * MINUTE);
    // The second role has no place of its own: both hear of it by the route.
    assert_eq!(of(&reach)[1..].iter().filter(|url| url.contains("hooks")).count(), 1);
}

#[test]
fn a105_who_is_asked_to_take_over_is_told_and_what_nobody_accepts_goes_to_the_next_role() {
    let reach = reach(vec![hook()]);
    reach.stage.case("c", Severity::Critical, &[(0, CaseStatus::Opened)]);
    reach.pump();
    let id = reach.escalation();
    reach.stage.act("t", &id, "acknowledge", "").unwrap();
    reach.stage.act("t", &id, "hand-over", r#"{"to":"senior-01"}"#).unwrap();
    reach.pump();
    let heard = reach.heard();
    let mut after: Vec<&str> = heard[1..].iter().map(|heard| heard.split(' ').next().unwrap()).collect();
    after.sort_unstable();
    assert_eq!(after, ["acknowledged", "handed_over"]);
    reach.tick(9 * MINUTE);
    assert_eq!(reach.heard().len(), 3, "there is time yet to say yes");
    reach.tick(11 * MINUTE);
    assert_eq!(reach.heard()[3..], ["page senior_support_engineer 0"]);
}

#[test]
fn a79_whoever_breaks_the_glass_pages_executives_at_once() {
    let reach = reach(vec![hook()]);
    super::allocation::accounts(&reach.stage.doubles, &["acme"]);
    let request = Request {
        method: "POST".into(),
        route: "/accounts/{id}/break-glass".into(),
        parameters: BTreeMap::from([("id".into(), "acme".into())]),
        body: r#"{"key":"fire","reason":"the data centre burns"}"#.to_owned().into(),
        ..Request::default()
    };
    reach.stage.ask("t", request).unwrap();
    reach.pump();
    assert_eq!(reach.heard(), ["page executive 0"]);
}

#[test]
fn a84_a_record_is_open_again_after_it_was_given_back_put_off_or_opened_again() {
    let reach = reach(vec![desk()]);
    reach.stage.case("c", Severity::High, &[(0, CaseStatus::Opened)]);
    reach.pump();
    let id = reach.escalation();
    let until = format!(r#"{{"until":"{}"}}"#, reach.stage.at(50 * MINUTE));
    let steps = [
        ("acknowledge", "", "acknowledged"),
        ("unacknowledge", "", "open"),
        ("snooze", until.as_str(), "snoozed"),
        ("resolve", r#"{"outcome":"done"}"#, "resolved"),
        ("reopen", "", "open"),
    ];
    for (minute, (action, body, expected)) in (1..).zip(steps) {
        reach.stage.doubles.set_now(reach.stage.at(minute * MINUTE));
        reach.stage.act("t", &id, action, body).unwrap();
        reach.pump();
        assert_eq!(reach.heard().last().unwrap(), expected, "{action}");
    }
    let records = reach.outside.records.lock().unwrap();
    assert_eq!((records.len(), reach.heard().len()), (1, 6), "one record there: {records:?}");
}

fn effect(key: &str, destination: Option<&str>) -> contract::event::EffectRequested {
    contract::event::EffectRequested {
        key: key.into(),
        execution: domain::id::ExecutionId::new("exec-1").unwrap(),
        step: domain::id::StepId::new("letter").unwrap(),
        effect: "outreach".into(),
        role: None,
        text: "It is over.".into(),
        destination: destination.map(|id| DestinationId::new(id).unwrap()),
    }
}

#[test]
fn a16_what_a_step_of_a_playbook_says_to_a_destination_goes_there_once() {
    let reach = reach(vec![hook()]);
    reach.stage.tell("1", effect("exec-1/letter", None));
    assert_eq!(reach.work().len(), 0, "nobody outside is named");
    reach.set(503);
    for message in ["2", "2", "3"] {
        reach.stage.tell(message, effect("exec-1/letter", Some("hook")));
    }
    reach.pump();
    reach.set(0);
    for minute in 1..10 {
        reach.tick(minute * MINUTE);
    }
    reach.stage.tell("4", effect("exec-1/letter", Some("hook")));
    reach.pump();
    let records = reach.outside.records.lock().unwrap();
    assert_eq!((records.len(), records.values().next(), reach.waiting("hook")), (1, Some(&1), 0));
    let body: Value = serde_json::from_str(&reach.outside.heard.lock().unwrap()[0].body).unwrap();
    assert_eq!((&body["type"], &body["data"]["reason"]), (&json!("execution.effect"), &json!("It is over.")));
}

#[test]
fn what_is_for_a_destination_that_there_is_not_is_told_as_given_up_once() {
    let reach = reach(vec![hook()]);
    for message in ["1", "1", "2"] {
        reach.stage.tell(message, effect("exec-1/letter", Some("hoook")));
    }
    let published = reach.stage.doubles.published();
    let given_up = published.iter().filter_map(|event| match &event.fact {
        Fact::DeliveryGivenUp(fact) => Some((fact.execution.is_some(), fact.reason.as_str())),
        _ => None,
    });
    assert_eq!(given_up.collect::<Vec<_>>(), [(true, "there is no such destination")]);
}

#[test]
fn a5_a_critical_page_goes_before_what_waits_for_the_same_destination() {
    let slow = Destination { limit: RateLimit { per_minute: 1, burst: 1 }, ..hook() };
    let reach = reach(vec![slow]);
    for number in 0..30 {
        reach.stage.case(&format!("low-{number}"), Severity::Low, &[(0, CaseStatus::Opened)]);
    }
    reach.pump();
    assert_eq!(reach.heard().len(), 1);
    reach.stage.doubles.set_now(reach.stage.at(59));
    reach.stage.case("burning", Severity::Critical, &[(0, CaseStatus::Opened)]);
    let work = reach.work();
    assert!(work.iter().any(|work| work.lane() == contract::message::Lane::Urgent), "it has its lane");
    reach.stage.doubles.set_now(reach.stage.at(61));
    // Even work that is not urgent tells first what is.
    work.into_iter().rev().for_each(|work| reach.deliver(work).unwrap());
    let last = reach.outside.heard.lock().unwrap().last().unwrap().body.clone();
    assert!(reach.heard().len() == 2 && last.contains("case burning needs people"), "{last}");
}

#[test]
fn operators_see_that_something_waits_for_a_destination_that_is_down_and_that_it_has_gone() {
    use platform::metrics::Metric;
    let reach = reach(vec![hook()]);
    reach.set(503);
    for number in 0..6 {
        reach.stage.case(&format!("c{number}"), Severity::Low, &[(0, CaseStatus::Opened)]);
    }
    reach.pump();
    for seconds in [10, 20, 30] {
        reach.tick(seconds);
    }
    let total = |metric| reach.stage.doubles.metrics.total(metric);
    assert!(total(Metric::DestinationsDown) >= 1 && total(Metric::NoticesFailed) == 5);
    reach.set(0);
    for minute in 2..12 {
        reach.tick(minute * MINUTE);
    }
    let down = total(Metric::DestinationsDown);
    assert_eq!(total(Metric::NoticesDelivered), 6);
    reach.tick(13 * MINUTE);
    assert_eq!(total(Metric::DestinationsDown), down, "it is over");
}

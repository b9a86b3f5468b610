//! Cases, rules, people and the clock through the doors of escalate: who is told, when, and what ends it.

use super::*;
use contract::escalate::{ActiveEscalations, EscalationItem};
use contract::event::{CaseChanged, CaseOpened, CaseTurns, Cause, EscalationRequested, Event};
use domain::case::{Case, News};
use domain::id::{AccountId, CaseId, CtaId, RuleId, SignalId, SourceId, TenantId};
use domain::record::EscalationRecord;
use domain::signal::{About, CaseStatus, Severity};
use jiff::{SignedDuration, Timestamp};
use platform::doubles::{Doubles, block_on, caller};
use platform::keys;
use platform::once;
use platform::table::Table as _;
use serde_json::{Value, json};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

mod allocation;
mod cases;
mod lists;
mod outbox;
mod outside;
mod people;

const HOUR: i64 = 3_600;
const MINUTE: i64 = 60;

/// Escalate beside an ingest that is played by hand. Moments are seconds since the start.
struct Stage {
    doubles: Doubles,
    escalate: Escalate,
    start: Timestamp,
    asked: Cell<u32>,
    /// What news of cases say beside where these are.
    about: RefCell<About>,
}

fn stage() -> Stage {
    let doubles = Doubles::new();
    let (escalate, start) = (Escalate::new(doubles.ports()).unwrap(), doubles.now());
    let stage = Stage { doubles, escalate, start, asked: Cell::default(), about: RefCell::default() };
    stage.doubles.put(&keys::tenant_entry(&tenant()), &json!({}));
    stage
}

fn tenant() -> TenantId {
    TenantId::new("t").unwrap()
}

fn acme() -> AccountId {
    AccountId::new("acme").unwrap()
}

impl Stage {
    fn at(&self, seconds: i64) -> Timestamp {
        self.start + SignedDuration::from_secs(seconds)
    }

    /// A fact comes in. Facts with one name are one message.
    fn tell(&self, name: &str, fact: impl Into<Fact>) {
        block_on(self.try_tell(name, fact)).unwrap();
    }

    async fn try_tell(&self, name: &str, fact: impl Into<Fact>) -> Result<(), Failure> {
        let cause = Cause { tenant: tenant(), correlation_id: name.into(), causation_id: name.into() };
        let event = Event::new(&cause, Some(&acme()), "", self.doubles.now(), fact);
        self.escalate.message(&Incoming::Fact(Box::new(event)), Timestamp::MAX).await
    }

    /// Ingest knows these news of a case, each at its moment, and says so now.
    fn case(&self, id: &str, severity: Severity, news: &[(i64, CaseStatus)]) {
        let id = CaseId::new(id).unwrap();
        let mut news = news.iter().map(|(seconds, status)| News {
            at: self.at(*seconds),
            status: *status,
            severity,
            source: SourceId::new("desk").unwrap(),
            id: SignalId::new(format!("{id}-{seconds}")).unwrap(),
            about: self.about.borrow().clone(),
        });
        let (mut case, _) = Case::new(id.clone(), news.next().unwrap());
        let more = news.filter_map(|news| case.record(news)).count();
        self.doubles.put(&keys::case(&tenant(), &acme(), &id), &case);
        let (opened_at, changed_at) = (case.opened_at(), self.doubles.now());
        let name = format!("{id}-{more}");
        match case.status() {
            CaseStatus::Opened => self.tell(&name, CaseOpened { case: id, severity, opened_at }),
            status => {
                let turns = CaseTurns::default();
                self.tell(&name, CaseChanged { case: id, severity, status, changed_at, opened_at, turns })
            }
        }
    }

    fn request(&self, name: &str, rule: &str, cta: &str) {
        let fact = EscalationRequested {
            rule: RuleId::new(rule).unwrap(),
            cta: Some(CtaId::new(cta).unwrap()),
            deduplication_key: cta.into(),
            severity: Severity::High,
            reason: "somebody has to talk".into(),
        };
        self.tell(name, fact);
    }

    /// What the account's record says is due lies where a tick finds it.
    #[track_caller]
    fn assert_due_work_is_where_it_is_looked_for(&self) {
        let get = |key| block_on(self.doubles.table.get(&key)).unwrap();
        let record: EscalationRecord = once::state_of(&get(keys::escalations(&tenant(), &acme())).unwrap()).unwrap();
        for (id, at) in &record.due {
            assert!(get(keys::due(&tenant(), *at, &acme(), id)).is_some(), "nobody will look at {id} at {at}");
        }
    }

    fn tick(&self, seconds: i64) -> Result<(), Failure> {
        self.doubles.set_now(self.at(seconds));
        block_on(self.escalate.tick(&Tick { tick: "due_clock".into(), time: self.at(seconds) }))
    }

    /// What the clocks have to say at a moment.
    fn marks_at(&self, seconds: i64) -> Vec<String> {
        let from = self.doubles.published().len();
        self.tick(seconds).unwrap();
        self.told(from)
            .into_iter()
            .filter(|told| told.contains("first_response") || told.contains("resolution"))
            .collect()
    }

    fn ask(&self, who: &str, request: Request) -> Result<Value, Problem> {
        self.ask_as(who, "kim", request)
    }

    fn ask_as(&self, who: &str, person: &str, request: Request) -> Result<Value, Problem> {
        let caller = caller(who, person);
        self.asked.set(self.asked.get() + 1);
        let request = Request { request_id: format!("request-{}", self.asked.get()), ..request };
        let response = block_on(self.escalate.call(&caller, &request))?;
        Ok(serde_json::from_str(&response.body).unwrap())
    }

    fn active(&self, who: &str, query: &[(&str, &str)]) -> Vec<EscalationItem> {
        let query = query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let route = "/escalations/active".into();
        let answer = self.ask(who, Request { method: "GET".into(), route, query, ..Request::default() }).unwrap();
        serde_json::from_value::<ActiveEscalations>(answer).unwrap().escalations
    }

    fn act(&self, who: &str, id: &str, action: &str, body: &str) -> Result<Value, Problem> {
        self.act_as(who, "kim", id, action, body)
    }

    fn act_as(&self, who: &str, person: &str, id: &str, action: &str, body: &str) -> Result<Value, Problem> {
        let parameters = BTreeMap::from([("id".into(), id.into()), ("action".into(), action.into())]);
        let (method, route, body) = ("POST".into(), "/escalations/{id}/{action}".into(), body.to_owned().into());
        self.ask_as(who, person, Request { method, route, parameters, body, ..Request::default() })
    }

    /// What was told since, in short, each with its minute.
    fn told(&self, from: usize) -> Vec<String> {
        let word = |event: &Event| {
            let what = match &event.fact {
                Fact::EscalationOpened(fact) => format!("opened for {}", fact.escalation.role),
                Fact::EscalationAcknowledged(fact) => format!("{} has it", fact.by),
                Fact::EscalationAdvanced(fact) => format!("{} is told", fact.escalation.role),
                Fact::SlaWarned(fact) => format!("{} {}", fact.clock, fact.percent),
                Fact::SlaBreached(fact) => format!("{} breached", fact.clock),
                Fact::EscalationUpdated(fact) => {
                    let breach = fact.escalation.breach_at.map(|at| at.duration_since(self.start).as_secs() / MINUTE);
                    format!("{:?} until {breach:?}", fact.escalation.severity)
                }
                Fact::EscalationMoved(fact) => fact.how.clone(),
                Fact::EscalationResolved(fact) => format!("ended: {}", fact.outcome),
                other => other.name().to_owned(),
            };
            format!("{}: {what}", event.meta.occurred_at.duration_since(self.start).as_secs() / MINUTE)
        };
        self.doubles.published()[from..].iter().map(word).collect()
    }
}

/// A case of this severity is taken on at once and never answered: its clocks speak at their moments and not before.
#[track_caller]
fn speaks_at(severity: Severity, first_hours: i64, resolution_hours: i64) {
    let stage = stage();
    stage.case("c", severity, &[(0, CaseStatus::Opened)]);
    let id = stage.active("t", &[])[0].escalation.clone();
    stage.act("t", &id, "acknowledge", "").unwrap();
    let mut expected = BTreeMap::new();
    for (clock, hours) in [("first_response", first_hours), ("resolution", resolution_hours)] {
        for (percent, word) in [(50, "50"), (75, "75"), (100, "breached")] {
            let at = hours * HOUR * percent / 100;
            expected.entry(at).or_insert_with(Vec::new).push(format!("{}: {clock} {word}", at / MINUTE));
        }
    }
    for (at, words) in expected {
        assert_eq!(stage.marks_at(at - 1), Vec::<String>::new(), "a second before");
        assert_eq!(stage.marks_at(at), words);
        assert_eq!(stage.marks_at(at), Vec::<String>::new(), "told once");
    }
}

#[test]
fn a60_a_critical_case_has_one_hour_and_four() {
    speaks_at(Severity::Critical, 1, 4);
}

#[test]
fn a61_a_high_case_has_two_hours_and_eight() {
    speaks_at(Severity::High, 2, 8);
}

#[test]
fn a62_a_medium_case_has_four_hours_and_twenty_four() {
    speaks_at(Severity::Medium, 4, 24);
}

#[test]
fn nobody_takes_it_on_so_the_next_is_told_at_the_tick() {
    let stage = stage();
    stage.case("c", Severity::Critical, &[(0, CaseStatus::Opened)]);
    for minute in 1..=21 {
        stage.tick(minute * MINUTE).unwrap();
    }
    let expected =
        ["0: opened for support_engineer", "10: support_engineer is told", "20: senior_support_engineer is told"];
    assert_eq!(stage.told(0), expected);
    let active = &stage.active("t", &[])[0];
    assert_eq!((active.role.as_str(), active.seconds_to_breach), ("senior_support_engineer", Some(39 * MINUTE)));
}

#[test]
fn a_case_that_is_answered_and_solved_in_time_leaves_the_clocks_nothing_to_say() {
    let stage = stage();
    let news = [(0, CaseStatus::Opened), (5 * MINUTE, CaseStatus::Responded), (HOUR, CaseStatus::Resolved)];
    for known in 1..=3 {
        stage.doubles.set_now(stage.at(news[known - 1].0));
        stage.case("c", Severity::Critical, &news[..known]);
    }
    for hour in 1..=48 {
        stage.tick(hour * HOUR).unwrap();
    }
    let expected = ["0: opened for support_engineer", "5: the case has it", "60: ended: the case was resolved"];
    assert_eq!(stage.told(0), expected);
    assert_eq!(stage.active("t", &[]), []);
}

#[test]
fn a_clock_that_stops_and_a_severity_that_changes_are_told_to_those_who_list_it() {
    let stage = stage();
    let news = [
        (0, CaseStatus::Opened),
        (5 * MINUTE, CaseStatus::Responded),
        (HOUR, CaseStatus::WaitingOnCustomer),
        (9 * HOUR, CaseStatus::InProgress),
    ];
    for known in 1..=4 {
        stage.doubles.set_now(stage.at(news[known - 1].0));
        stage.case("c", Severity::Critical, &news[..known]);
    }
    let expected = [
        "0: opened for support_engineer",
        "5: the case has it",
        "60: Critical until None",
        "540: Critical until Some(720)",
    ];
    assert_eq!(stage.told(0), expected);
    stage.case("c", Severity::High, &[&news[..], &[(9 * HOUR + 1, CaseStatus::InProgress)]].concat());
    assert_eq!(stage.told(4), ["540: High until Some(960)"]);
}

#[test]
fn a_case_that_is_known_late_is_told_in_order_and_ends_where_it_has_ended() {
    let stage = stage();
    stage.doubles.set_now(stage.at(6 * HOUR));
    let news = [(0, CaseStatus::Opened), (40 * MINUTE, CaseStatus::Responded), (5 * HOUR, CaseStatus::Resolved)];
    stage.case("c", Severity::Critical, &news);
    let mut told = stage.told(0);
    assert_eq!(told.first().unwrap(), "360: opened for support_engineer");
    assert_eq!(told.pop().unwrap(), "360: ended: the case was resolved");
    for mark in ["30: first_response 50", "240: resolution breached", "360: the case has it"] {
        assert!(told.contains(&mark.to_owned()), "`{mark}` is not in {told:?}");
    }
    assert!(!told.contains(&"60: first_response breached".to_owned()), "answered in time: {told:?}");
    assert_eq!(stage.marks_at(48 * HOUR), Vec::<String>::new());
}

#[test]
fn news_of_a_case_in_the_wrong_order_open_one_escalation() {
    let stage = stage();
    let news = [(0, CaseStatus::Opened), (0, CaseStatus::Responded)];
    stage.case("c", Severity::High, &news);
    stage
        .tell("late", CaseOpened { case: CaseId::new("c").unwrap(), severity: Severity::High, opened_at: stage.start });
    assert_eq!(stage.told(0), ["0: opened for support_engineer", "0: the case has it"]);
}

#[test]
fn people_take_it_on_and_end_it_once() {
    let stage = stage();
    stage.case("c", Severity::Critical, &[(0, CaseStatus::Opened)]);
    let id = stage.active("t", &[])[0].escalation.clone();
    stage.doubles.set_now(stage.at(3 * MINUTE));
    for body in ["", "{}"] {
        let answer = stage.act("t", &id, "acknowledge", body).unwrap();
        assert_eq!((&answer["status"], &answer["by"]), (&json!("acknowledged"), &json!("kim")));
    }
    stage.tick(20 * MINUTE).unwrap();
    for _ in 0..2 {
        let answer = stage.act("t", &id, "resolve", r#"{"outcome":"restarted"}"#).unwrap();
        assert_eq!((&answer["status"], &answer["breach_at"]), (&json!("resolved"), &Value::Null));
    }
    for hour in 1..=48 {
        stage.tick(hour * HOUR).unwrap();
    }
    assert_eq!(stage.told(0), ["0: opened for support_engineer", "3: kim has it", "20: ended: restarted"]);
    assert_eq!(stage.active("t", &[]), []);
    let refused = stage.act("t", &id, "acknowledge", "").unwrap_err();
    assert_eq!(refused.status, 409, "{}", refused.detail);
}

#[test]
fn an_action_that_cannot_be_is_refused_and_says_why() {
    let stage = stage();
    stage.case("c", Severity::Critical, &[(0, CaseStatus::Opened)]);
    let id = stage.active("t", &[])[0].escalation.clone();
    let refused = [
        ("t", id.as_str(), "ignore", "", 404),
        ("t", "esc-none", "acknowledge", "", 404),
        ("t", "a#b", "acknowledge", "", 404),
        ("u", &id, "acknowledge", "", 404),
        ("t", &id, "acknowledge", "now", 400),
        ("t", &id, "resolve", "", 422),
        ("t", &id, "resolve", r#"{"outcome":" "}"#, 422),
    ];
    for (who, id, action, body, status) in refused {
        let problem = stage.act(who, id, action, body).unwrap_err();
        assert_eq!(problem.status, status, "{action} {body}: {}", problem.detail);
    }
    assert_eq!(stage.active("t", &[])[0].status, "open");
}

#[test]
fn a79_a_rule_that_asks_for_people_opens_one_escalation_for_each_cause() {
    let stage = stage();
    stage.request("1", "band-critical", "cta-1");
    stage.request("1", "band-critical", "cta-1");
    stage.request("2", "band-critical", "cta-1");
    assert_eq!(stage.told(0), ["0: opened for vice_president"]);
    stage.request("3", "band-emergency", "cta-2");
    assert_eq!(stage.told(1), ["0: opened for executive"]);
    assert_eq!(stage.marks_at(96 * HOUR), Vec::<String>::new(), "no case, no clock");
    let id = stage.active("t", &[])[0].escalation.clone();
    stage.act("t", &id, "resolve", r#"{"outcome":"talked"}"#).unwrap();
    stage.request("4", "band-critical", "cta-1");
    stage.request("5", "band-emergency", "cta-2");
    assert_eq!(stage.active("t", &[]).len(), 1, "what has ended is not opened again by the same cause");
}

#[test]
fn the_list_has_the_next_to_breach_first_and_is_the_tenants_own() {
    let stage = stage();
    stage.request("1", "band-critical", "cta-1");
    stage.case("low", Severity::Low, &[(0, CaseStatus::Opened)]);
    stage.case("high", Severity::High, &[(0, CaseStatus::Opened)]);
    stage.case("critical", Severity::Critical, &[(0, CaseStatus::Opened), (1, CaseStatus::Responded)]);
    let found = |query: &[(&str, &str)]| -> Vec<String> {
        stage.active("t", query).into_iter().map(|item| item.cause_id).collect()
    };
    assert_eq!(found(&[]), ["high", "critical", "low", "band-critical"]);
    assert_eq!(found(&[("severity", "high")]), ["high", "band-critical"]);
    assert_eq!(found(&[("status", "acknowledged")]), ["critical"]);
    assert_eq!(found(&[("account", "globex")]).len(), 0);
    assert_eq!(stage.active("u", &[]), []);
}

#[test]
fn a144_what_a_tick_could_not_tell_the_next_one_tells_once() {
    let stage = stage();
    stage.case("c", Severity::Critical, &[(0, CaseStatus::Opened), (1, CaseStatus::Responded)]);
    stage.doubles.fail_next_publish();
    assert!(stage.tick(2 * HOUR).is_err());
    assert_eq!(stage.marks_at(2 * HOUR + MINUTE), ["120: resolution 50"]);
    assert_eq!(stage.marks_at(2 * HOUR + 2 * MINUTE), Vec::<String>::new());
}

#[test]
fn what_fell_due_while_no_tick_came_is_told_by_the_first_that_comes() {
    let stage = stage();
    stage.case("c", Severity::Critical, &[(0, CaseStatus::Opened), (1, CaseStatus::Responded)]);
    let expected = ["120: resolution 50", "180: resolution 75", "240: resolution breached"];
    assert_eq!(stage.marks_at(9 * HOUR), expected);
}

#[test]
fn an_account_with_a_long_history_of_cases_forgets_the_oldest_and_goes_on() {
    let stage = stage();
    for number in 0..60 {
        let start = number * HOUR;
        let mut news = vec![(start, CaseStatus::Opened)];
        news.extend((1..60).map(|minute| (start + minute, CaseStatus::InProgress)));
        news.push((start + 60, CaseStatus::Resolved));
        stage.doubles.set_now(stage.at(start + 60));
        stage.case(&format!("case-{number}"), Severity::Low, &news);
    }
    let ended = |told: &String| told.contains("ended");
    assert_eq!(stage.told(0).iter().filter(|told| ended(told)).count(), 60);
    let told = stage.told(0).len();
    stage.case("case-59", Severity::Low, &[(59 * HOUR, CaseStatus::Opened)]);
    assert_eq!(stage.told(told), Vec::<String>::new(), "the latest are kept in mind");
    stage.case("now", Severity::Critical, &[(60 * HOUR, CaseStatus::Opened)]);
    assert_eq!(stage.active("t", &[]).len(), 1);

    let first = stage.doubles.published().into_iter().find_map(|event| match event.fact {
        Fact::EscalationOpened(fact) => Some(fact.escalation.escalation.to_string()),
        _ => None,
    });
    let first = first.unwrap();
    assert_eq!(stage.act("t", &first, "resolve", r#"{"outcome":"again"}"#).unwrap()["status"], "resolved");
    assert_eq!(stage.act("t", &first, "acknowledge", "").unwrap_err().status, 409);
}

#[test]
fn news_of_a_case_that_is_not_in_the_table_goes_back_to_the_queue() {
    let stage = stage();
    let fact = CaseOpened { case: CaseId::new("c").unwrap(), severity: Severity::High, opened_at: stage.start };
    let failure = block_on(stage.try_tell("1", fact)).unwrap_err();
    assert!(failure.to_string().contains("case `c` of account `acme` is not in the table"), "{failure}");
}

/// People act twice at one moment, and between the two a tick has been.
#[test]
fn a12_a_look_that_falls_due_twice_at_one_moment_is_taken_twice() {
    let stage = stage();
    stage.case("c", Severity::High, &[(0, CaseStatus::Opened)]);
    let id = stage.active("t", &[])[0].escalation.clone();
    stage.doubles.set_now(stage.at(MINUTE));
    for action in ["acknowledge", "unacknowledge"] {
        stage.act("t", &id, action, "").unwrap();
        stage.tick(MINUTE).unwrap();
    }
    stage.assert_due_work_is_where_it_is_looked_for();
    let from = stage.doubles.published().len();
    stage.tick(2 * HOUR).unwrap();
    let told = stage.told(from);
    assert!(told.iter().any(|told| told.ends_with("first_response breached")), "{told:?}");
}

/// The case was resolved when a look was overdue: the look finds nothing to say, and must leave nothing behind.
#[test]
fn a83_a_case_that_comes_back_after_an_overdue_look_is_told_again() {
    let stage = stage();
    stage.case("c", Severity::Critical, &[(0, CaseStatus::Opened)]);
    stage.doubles.set_now(stage.at(20 * MINUTE));
    stage.case("c", Severity::Critical, &[(0, CaseStatus::Opened), (19 * MINUTE, CaseStatus::Resolved)]);
    stage.tick(21 * MINUTE).unwrap();
    stage.assert_due_work_is_where_it_is_looked_for();
    stage.doubles.set_now(stage.at(30 * MINUTE));
    let news = [(0, CaseStatus::Opened), (19 * MINUTE, CaseStatus::Resolved), (29 * MINUTE, CaseStatus::Opened)];
    stage.case("c", Severity::Critical, &news);
    let from = stage.doubles.published().len();
    stage.tick(50 * MINUTE).unwrap();
    let told = stage.told(from);
    assert!(told.iter().any(|told| told.ends_with("is told")), "{told:?}");
}

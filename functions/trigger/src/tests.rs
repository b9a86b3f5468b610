//! Facts and people through the doors of trigger: what opens a call to action, what keeps it one, and what ends it.

mod contact;
mod experiments;
mod playbooks;
mod rules;
mod segments;

use super::*;
use contract::event::{DataQualityChanged, Event, Fact, HealthScored, SignalsRecorded, SourceSilent};
use contract::message::cause_id;
use contract::trigger::{CtaItem, CtaPage};
use domain::account::{Account, LifecycleStage, Money, Segment};
use domain::audit;
use domain::band::{Band, BandState};
use domain::day::Day;
use domain::health;
use domain::id::{CaseId, CtaId, MeetingId, PersonId, SignalId, SourceId, TenantId};
use domain::page::Page;
use domain::record::{AccountRecord, HealthRecord};
use domain::signal::{CaseStatus, Detail, MeetingResult, Metric, Severity, Signal};
use jiff::{SignedDuration, Timestamp};
use platform::doubles::{Doubles, block_on, caller};
use platform::keys;
use serde_json::{Value, json};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

/// Trigger beside an ingest and a score that are played by hand. Day 0 is today.
struct Stage {
    doubles: Doubles,
    trigger: Trigger,
    /// What came in about `acme`.
    pages: RefCell<BTreeMap<Day, Page>>,
    asked: Cell<u32>,
}

fn stage() -> Stage {
    let doubles = Doubles::new();
    doubles.set_now(doubles.now() + SignedDuration::from_hours(12));
    let trigger = Trigger::new(doubles.ports()).unwrap();
    let stage = Stage { doubles, trigger, pages: RefCell::default(), asked: Cell::default() };
    stage.doubles.put(&keys::tenant_entry(&tenant()), &json!({}));
    stage.doubles.put(&keys::shard_entry(&tenant(), &acme().id), &json!({}));
    stage.doubles.put(&keys::profile(&tenant(), &acme().id), &json!({ "state": acme() }));
    stage.learn(vec![]);
    stage
}

fn tenant() -> TenantId {
    TenantId::new("t").unwrap()
}

fn acme() -> Account {
    Account {
        id: AccountId::new("acme").unwrap(),
        name: "Acme".into(),
        arr: Money::from_cents(5_000_000),
        segment: Segment::Enterprise,
        stage: LifecycleStage::Steady,
        renewal_on: None,
        owner: Some(PersonId::new("kim").unwrap()),
        contact: Default::default(),
    }
}

impl Stage {
    fn days_ago(&self, days: i64) -> Timestamp {
        self.doubles.now() - SignedDuration::from_hours(24 * days)
    }

    fn pass(&self, days: i64) {
        self.doubles.set_now(self.days_ago(-days));
    }

    fn signal(&self, days_ago: i64, metric: Metric, value: i32, detail: Detail) -> Signal {
        let at = self.days_ago(days_ago);
        let number: usize = self.pages.borrow().values().map(Page::len).sum();
        Signal {
            at,
            source: SourceId::new("source").unwrap(),
            id: SignalId::new(cause_id(&format!("{metric}-{at}-{number}-{detail:?}")).as_str()).unwrap(),
            metric,
            value: domain::fixed::Quantity::whole(value),
            detail,
        }
    }

    fn incident(&self, days_ago: i64, case: &str) -> Signal {
        let case = CaseId::new(case).unwrap();
        let detail =
            Detail::Case { case, severity: Severity::High, status: CaseStatus::Opened, about: Default::default() };
        self.signal(days_ago, Metric::CaseEvent, 1, detail)
    }

    fn missed(&self, days_ago: i64, meeting: &str) -> Signal {
        let meeting = MeetingId::new(meeting).unwrap();
        let detail = Detail::Meeting { meeting, result: MeetingResult::Missed, executive: true };
        self.signal(days_ago, Metric::MeetingEvent, 1, detail)
    }

    fn competitor(&self, confidence: i32, days: i64) -> Signal {
        let detail = Detail::Competitor { competitor: "Rival".into(), expires_at: self.days_ago(-days) };
        self.signal(0, Metric::CompetitorSeen, confidence, detail)
    }

    /// Twelve weeks of daily use, the last two of them at `now` of 100.
    fn usage(&self, now: i32) -> Vec<Signal> {
        let value = |age| if age <= 14 { now } else { 100 };
        (1..=84).map(|age| self.signal(age, Metric::ActiveUsers, value(age), Detail::None)).collect()
    }

    /// Another account of which nothing was measured.
    fn beside(&self, account: &Account) {
        self.doubles.put(&keys::shard_entry(&tenant(), &account.id), &json!({}));
        self.doubles.put(&keys::profile(&tenant(), &account.id), &json!({ "state": account }));
    }

    /// Ingest recorded signals of `acme`.
    fn learn(&self, signals: Vec<Signal>) {
        let mut pages = self.pages.borrow_mut();
        for signal in signals {
            let day = Day::of(signal.at);
            assert!(pages.entry(day).or_insert_with(|| Page::new(day)).merge([signal]).changed());
        }
        let mut record = AccountRecord::default();
        for (day, page) in pages.iter() {
            record.series.set(*day, page.fold());
        }
        self.doubles.put(&keys::series(&tenant(), &acme().id), &json!({ "state": record }));
    }

    /// Score says that `acme` came into a band.
    fn enter(&self, band: Band, provisional: bool) {
        let scorecards = contract::scorecard::built_in().unwrap();
        let signal = self.signal(0, Metric::Uptime, 90, Detail::None);
        let mut page = Page::new(Day::of(signal.at));
        page.merge([signal]);
        let mut series = domain::series::Series::default();
        series.set(page.day(), page.fold());
        let account = acme();
        let inputs = health::Inputs {
            series: &series,
            account: &account,
            scorecard: scorecards.general(),
            open_critical_case: false,
            overrides: &health::Overrides::default(),
        };
        let now = self.doubles.now();
        let mut state = health::assess(None, &inputs, health::Trigger::News, now).unwrap().state;
        state.health.provisional = provisional;
        (state.band, state.band_from) = (Some(BandState::at_rest(band)), Some(Band::Healthy));
        state.band_since = Some(now);
        let record = HealthRecord {
            health: state,
            overrides: health::Overrides::default(),
            audit: audit::Head::start(&tenant(), &account.id),
            seen: None,
            risks: Default::default(),
            watch: Default::default(),
            arr: None,
            happened: Default::default(),
        };
        self.doubles.put(&keys::health(&tenant(), &account.id), &json!({ "state": record }));
    }

    /// A fact about `acme` comes in. Facts with one name are one message.
    fn tell(&self, name: &str, fact: impl Into<Fact>) {
        let cause = Cause { tenant: tenant(), correlation_id: name.into(), causation_id: name.into() };
        let event = Event::new(&cause, Some(&acme().id), "", self.doubles.now(), fact);
        block_on(self.trigger.message(&Incoming::Fact(Box::new(event)), Timestamp::MAX)).unwrap();
    }

    fn hear(&self, name: &str) {
        let now = self.doubles.now();
        self.tell(name, SignalsRecorded { added: 1, metrics: vec![], oldest: now, newest: now, reported: vec![] });
    }

    fn sweep(&self) {
        block_on(self.trigger.tick(&Tick { tick: "rule_sweep".into(), time: self.doubles.now() })).unwrap();
        for work in self.doubles.take_work() {
            block_on(self.trigger.message(&Incoming::Work(Box::new(work)), Timestamp::MAX)).unwrap();
        }
    }

    fn ask(&self, who: &str, request: Request) -> Result<Value, Problem> {
        let caller = caller(who, "kim");
        self.asked.set(self.asked.get() + 1);
        let request = Request { request_id: format!("request-{}", self.asked.get()), ..request };
        let response = block_on(self.trigger.call(&caller, &request))?;
        Ok(serde_json::from_str(&response.body).unwrap())
    }

    fn list(&self, who: &str, query: &[(&str, &str)]) -> Vec<CtaItem> {
        let query = query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let request = Request { method: "GET".into(), route: "/ctas".into(), query, ..Request::default() };
        let page: CtaPage = serde_json::from_value(self.ask(who, request).unwrap()).unwrap();
        page.ctas
    }

    /// The only call to action there is.
    fn cta(&self) -> CtaItem {
        let [cta] = &self.list("t", &[])[..] else { panic!("{:?}", self.list("t", &[])) };
        cta.clone()
    }

    fn act(&self, who: &str, cta: &str, action: &str, body: &Value) -> Result<Value, Problem> {
        let parameters = BTreeMap::from([("id".into(), cta.into()), ("action".into(), action.into())]);
        let (method, route, body) = ("POST".into(), "/ctas/{id}/{action}".into(), body.to_string().into());
        self.ask(who, Request { method, route, parameters, body, ..Request::default() })
    }

    /// What was told of calls to action and executions.
    fn published(&self) -> Vec<Event> {
        let mut events = self.doubles.published();
        events.retain(|event| !matches!(event.fact, Fact::SegmentEntered(_) | Fact::SegmentLeft(_)));
        events
    }

    /// What was told of them since, in short.
    fn told(&self, from: usize) -> Vec<String> {
        let events = self.published();
        let told = events[from..].iter().map(|event| match &event.fact {
            Fact::CtaOpened(fact) if fact.reopened => format!("reopened {}", fact.cta.rule),
            Fact::CtaOpened(fact) => format!("opened {}", fact.cta.rule),
            Fact::CtaUpdated(fact) => format!("updated {}", fact.cta.rule),
            Fact::CtaClosed(fact) => format!("{}: {}", fact.how, fact.reason),
            Fact::EscalationRequested(fact) => format!("people for {}", fact.rule),
            other => other.name().to_owned(),
        });
        told.collect()
    }
}

#[track_caller]
fn opens(expected: &[&str], came_in: impl FnOnce(&Stage)) {
    let stage = stage();
    came_in(&stage);
    stage.hear("1");
    stage.hear("2");
    assert_eq!(stage.told(0), expected);
}

#[test]
fn a74_a_fall_in_usage_opens_one_call_to_action() {
    opens(&["opened usage-decline"], |stage| stage.learn(stage.usage(80)));
    opens(&[], |stage| stage.learn(stage.usage(81)));
}

#[test]
fn a76_discontent_opens_one_call_to_action() {
    let answers = |stage: &Stage, count: i64| {
        let answer = |age| stage.signal(age, Metric::NpsAnswer, 5, Detail::None);
        stage.learn((0..count).map(answer).collect());
    };
    opens(&["opened user-complaints"], |stage| answers(stage, 5));
    opens(&[], |stage| answers(stage, 4));
}

#[test]
fn a77_two_missed_executive_meetings_open_one_call_to_action() {
    opens(&["opened executive-disengagement"], |stage| stage.learn(vec![stage.missed(40, "a"), stage.missed(3, "b")]));
    opens(&[], |stage| stage.learn(vec![stage.missed(3, "a")]));
}

#[test]
fn a79_each_low_band_brings_its_action_and_the_lowest_two_bring_people() {
    opens(&["opened band-at-risk"], |stage| stage.enter(Band::AtRisk, false));
    opens(&["opened band-critical", "people for band-critical"], |stage| stage.enter(Band::Critical, false));
    opens(&["opened band-emergency", "people for band-emergency"], |stage| stage.enter(Band::Emergency, false));
    opens(&[], |stage| stage.enter(Band::Healthy, false));
}

#[test]
fn a75_a_third_incident_updates_the_call_to_action_of_the_second() {
    let stage = stage();
    stage.learn(vec![stage.incident(3, "c1")]);
    stage.hear("1");
    assert_eq!(stage.told(0), Vec::<String>::new(), "one is not enough");
    stage.learn(vec![stage.incident(2, "c2")]);
    stage.hear("2");
    let opened = stage.cta();
    stage.learn(vec![stage.incident(1, "c3")]);
    stage.hear("3");
    stage.hear("3");
    assert_eq!(stage.told(0), ["opened performance-issues", "updated performance-issues"]);
    let updated = stage.cta();
    assert_eq!((&updated.cta, opened.fired, updated.fired), (&opened.cta, 1, 2));
    assert_ne!(updated.evidence, opened.evidence);
    assert_eq!(updated.owner.as_deref(), Some("kim"));
}

#[test]
fn a78_a_sighting_opens_a_call_to_action_until_it_expires() {
    let stage = stage();
    stage.learn(vec![stage.competitor(59, 20)]);
    stage.hear("1");
    assert_eq!(stage.told(0), Vec::<String>::new(), "not sure enough");
    stage.learn(vec![stage.competitor(80, 10)]);
    stage.hear("2");
    assert_eq!(stage.told(0), ["opened competitive-activity"]);
    for _ in 0..16 {
        stage.pass(1);
        stage.sweep();
    }
    assert_eq!(stage.cta().status, "open", "it expired on the tenth day, and a week's calm is not over");
    for _ in 0..2 {
        stage.pass(1);
        stage.sweep();
    }
    assert_eq!(stage.told(1), ["cleared: the cause has been gone for 7 days"]);
    assert_eq!(stage.cta().status, "closed");
}

#[test]
fn a71_a_provisional_score_fires_nothing_and_the_same_one_with_data_does() {
    let stage = stage();
    stage.enter(Band::Critical, true);
    let scored = HealthScored {
        score: "65".into(),
        previous: None,
        band: "critical".into(),
        coverage_basis_points: 100,
        provisional: true,
        scorecard: "hash".into(),
        run: None,
        reasons: vec![],
    };
    stage.tell("1", scored.clone());
    stage.sweep();
    assert_eq!(stage.told(0), Vec::<String>::new());
    stage.enter(Band::Critical, false);
    stage.tell("2", HealthScored { provisional: false, ..scored });
    assert_eq!(stage.told(0), ["opened band-critical", "people for band-critical"]);
}

#[test]
fn a11_a_silent_source_is_no_decline() {
    let stage = stage();
    stage.learn(stage.usage(100));
    stage.pass(10);
    let fact = SourceSilent { source: "source".into(), last_seen: stage.days_ago(11), cadence_seconds: 86_400 };
    stage.tell("1", fact);
    stage.sweep();
    assert_eq!(stage.told(0), Vec::<String>::new());
}

#[test]
fn a32_what_is_unusual_about_data_opens_nothing() {
    let stage = stage();
    stage.learn(stage.usage(100));
    for (number, kind) in ["volume", "null_rate", "invalid_rate", "schema_drift", "value_drift"].into_iter().enumerate()
    {
        let fact = DataQualityChanged {
            source: "source".into(),
            kind: kind.into(),
            metric: Some("active_users".into()),
            status: "began".into(),
            severity: Some("severe".into()),
            since: "2026-01-04".into(),
            text: "0 records, usually 40".into(),
        };
        stage.tell(&number.to_string(), fact);
    }
    stage.sweep();
    assert_eq!(stage.told(0), Vec::<String>::new());
}

#[test]
fn what_is_snoozed_wakes_at_its_time_and_is_closed_once() {
    let stage = stage();
    stage.learn(stage.usage(50));
    stage.hear("1");
    let cta = stage.cta().cta;
    let until = stage.days_ago(-2);
    let snoozed = stage.act("t", &cta, "snooze", &json!({ "until": until, "reason": "on holiday" })).unwrap();
    assert_eq!(snoozed["status"], "snoozed");
    stage.pass(1);
    stage.sweep();
    assert_eq!(stage.cta().status, "snoozed");
    stage.pass(1);
    stage.sweep();
    assert_eq!(stage.cta().status, "open");

    let outcome = json!({ "outcome": "they trained the new team" });
    assert_eq!(stage.act("t", &cta, "close", &outcome).unwrap()["status"], "closed");
    let before = stage.published().len();
    assert_eq!(stage.act("t", &cta, "close", &outcome).unwrap()["status"], "closed", "twice is once");
    let refused = stage.act("t", &cta, "dismiss", &json!({ "cause": "no" })).unwrap_err();
    assert_eq!(refused.status, 409, "{}", refused.detail);
    stage.hear("2");
    assert_eq!(stage.told(before), Vec::<String>::new(), "the same cause stays dealt with");
    let expected =
        ["opened usage-decline", "updated usage-decline", "updated usage-decline", "closed: they trained the new team"];
    assert_eq!(stage.told(0), expected);
}

#[test]
fn a122_what_is_dismissed_stays_away_within_the_cool_off() {
    let stage = stage();
    stage.learn(vec![stage.missed(9, "a"), stage.missed(3, "b")]);
    stage.hear("1");
    let cta = stage.cta().cta;
    stage.act("t", &cta, "dismiss", &json!({ "cause": "the sponsor was ill" })).unwrap();
    stage.learn(vec![stage.missed(0, "c")]);
    stage.hear("2");
    stage.pass(5);
    stage.sweep();
    assert_eq!(stage.told(0), ["opened executive-disengagement", "dismissed: the sponsor was ill"]);
    assert_eq!(stage.cta().status, "dismissed");
}

#[test]
fn an_action_that_cannot_be_is_refused_and_says_why() {
    let stage = stage();
    stage.learn(stage.usage(50));
    stage.hear("1");
    let cta = stage.cta().cta;
    let snooze = |until: Timestamp| json!({ "until": until, "reason": "later" });
    let refused = [
        ("t", cta.as_str(), "praise", json!({}), 404),
        ("t", "cta-none", "close", json!({ "outcome": "done" }), 404),
        ("t", "a#b", "close", json!({ "outcome": "done" }), 404),
        ("u", &cta, "close", json!({ "outcome": "done" }), 404),
        ("t", &cta, "close", json!({}), 400),
        ("t", &cta, "close", json!({ "outcome": " " }), 422),
        ("t", &cta, "snooze", snooze(stage.days_ago(1)), 422),
        ("t", &cta, "snooze", snooze(stage.days_ago(-91)), 422),
    ];
    for (who, cta, action, body, status) in refused {
        let problem = stage.act(who, cta, action, &body).unwrap_err();
        assert_eq!(problem.status, status, "{action} {body}: {}", problem.detail);
    }
    assert_eq!((stage.cta().status.as_str(), stage.told(1)), ("open", Vec::new()));
}

#[test]
fn the_list_is_filtered_and_is_the_tenants_own() {
    let stage = stage();
    stage.learn(stage.usage(50));
    stage.learn(vec![stage.missed(9, "a"), stage.missed(3, "b")]);
    stage.hear("1");
    let found =
        |query: &[(&str, &str)]| -> Vec<String> { stage.list("t", query).into_iter().map(|cta| cta.rule).collect() };
    assert_eq!(found(&[]).len(), 2);
    assert_eq!(found(&[("rule", "usage-decline")]), ["usage-decline"]);
    assert_eq!(found(&[("account", "globex")]).len(), 0);
    let declined = stage.list("t", &[("rule", "usage-decline")]).remove(0).cta;
    stage.act("t", &declined, "close", &json!({ "outcome": "done" })).unwrap();
    assert_eq!(found(&[("status", "open"), ("account", "acme")]), ["executive-disengagement"]);
    assert_eq!(found(&[("status", "closed")]), ["usage-decline"]);
    assert_eq!(stage.list("u", &[]), []);
}

#[test]
fn a_filter_that_few_pass_finds_them_behind_many_others() {
    let stage = stage();
    stage.learn(stage.usage(50));
    stage.hear("1");
    let other = stage.cta();
    for number in 0..3 * 100 {
        let cta = CtaItem { cta: format!("z-{number:03}"), account: "globex".into(), ..other.clone() };
        stage.doubles.put(&keys::cta_index(&tenant(), &CtaId::new(&cta.cta).unwrap()), &cta);
    }
    let cta = CtaItem { cta: "z-last".into(), account: "initech".into(), ..other };
    stage.doubles.put(&keys::cta_index(&tenant(), &CtaId::new(&cta.cta).unwrap()), &cta);
    assert_eq!(stage.list("t", &[("account", "initech")]), [cta]);
}

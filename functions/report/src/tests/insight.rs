//! What stories come to, through the doors of report.

use super::*;
use contract::analytics::{
    ActionsAnswer, AdoptionAnswer, AdvocacyAnswer, AgentsAnswer, BenchmarksAnswer, DeskAnswer, JourneyAnswer,
    LiftAnswer, RepliesAnswer, VoiceAnswer,
};
use contract::capacity::CapacityForecast;
use contract::event::{AccountAllocated, CaseChanged, Meta, SignalsRecorded, Topic};
use contract::optimize::OptimizeAnswer;
use contract::roster::RosterFile;
use domain::case::{Case, News};
use domain::day::Day;
use domain::fixed::Quantity;
use domain::id::{CaseId, CategoryId, PersonId, SignalId, SourceId};
use domain::page::{Bucket, DayFold};
use domain::record::AccountRecord;
use domain::series::Series;
use domain::signal::{About, CaseStatus, Channel, Metric};
use platform::keys;
use platform::metrics::Metric as Measured;
use serde_json::{Value, json};

/// Three who look after accounts, and one of each role that a roster cannot be without, at any hour.
fn three_managers() -> Roster {
    let person = |id: &str, role: &str, skills: Value| json!({ "id": id, "name": id, "roles": [role], "skills": skills, "time_zone": "UTC" });
    let knows = json!({ "onboarding": 3, "adoption": 3, "renewal": 3 });
    let mut people: Vec<Value> =
        (1..=3).map(|number| person(&format!("csm-{number}"), "customer_success_manager", knows.clone())).collect();
    let roles = ["support_engineer", "senior_support_engineer", "engineering", "executive"];
    people.extend(roles.map(|role| person(role, role, json!({}))));
    let days = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
    let schedule = |role: &str| {
        let shift = json!({ "time_zone": "UTC", "days": days, "from": "00:00", "until": "00:00", "people": [role] });
        json!({ "id": role, "role": role, "shifts": [shift] })
    };
    let file = json!({
        "name": "small", "from": "2026-01-01", "fallback": "executive", "people": people,
        "schedules": roles.map(schedule), "tiers": roles.map(|role| json!({ "role": role })),
    });
    serde_json::from_value::<RosterFile>(file).unwrap().try_into().unwrap()
}

/// A small team at noon.
fn small() -> Stage {
    let doubles = Doubles::new();
    doubles.set_now(noon());
    Stage { report: Report::new(doubles.ports()).unwrap().staffed_by(three_managers()), doubles }
}

impl Stage {
    fn send(&self, method: &str, route: &str, request: Request) -> Result<String, Problem> {
        let request = Request { method: method.into(), route: route.into(), ..request };
        block_on(self.report.call(&caller("t", "kim"), &request)).map(|response| response.body)
    }

    fn read<T: DeserializeOwned>(&self, route: &str, query: &[(&str, &str)]) -> T {
        let query = query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let body = self.send("GET", route, Request { query, ..Request::default() }).unwrap();
        serde_json::from_str(&body).unwrap()
    }

    fn say(&self, route: &str, account: &str, action: &str, id: &str, body: &Value) -> Result<RepliesAnswer, Problem> {
        let parameters = BTreeMap::from([("id".into(), account.into()), ("action".into(), action.into())]);
        let (body, request_id) = (body.to_string().into_bytes().into(), id.to_owned());
        let body = self.send("POST", route, Request { parameters, body, request_id, ..Request::default() })?;
        Ok(serde_json::from_str(&body).unwrap())
    }

    fn watch(&self) {
        block_on(self.report.tick(&Tick { tick: "capacity_watch".into(), time: self.doubles.now() })).unwrap();
    }

    /// Numbers of an account as ingest keeps them, and the fact that says so.
    fn measure(&self, account: &str, minutes: i64, values: &[(Metric, i32)]) {
        let mut series = Series::default();
        let one =
            |(metric, value): &(Metric, i32)| (*metric, Bucket { count: 1, sum: Quantity::whole(*value).micros() });
        let fold = DayFold { buckets: values.iter().map(one).collect(), ..DayFold::default() };
        series.set(Day::of(noon()), fold);
        let record = AccountRecord { series, ..AccountRecord::default() };
        let id = AccountId::new(account).unwrap();
        self.doubles.put(&keys::series(&TenantId::new("t").unwrap(), &id), &json!({ "state": record }));
        let metrics = values.iter().map(|(metric, _)| metric.name().to_owned()).collect();
        let fact = SignalsRecorded { added: 1, metrics, oldest: noon(), newest: noon(), reported: vec![] };
        self.hear(&[event(account, minutes, fact)]);
    }

    /// A case as ingest keeps it, by how many hours before noon each of its news was, and the fact that says so.
    fn case(&self, account: &str, name: &str, about: &About, news: &[(i64, CaseStatus)]) {
        let one = |(number, (hours, status)): (usize, &(i64, CaseStatus))| News {
            at: noon() - SignedDuration::from_hours(*hours),
            status: *status,
            severity: Severity::High,
            source: SourceId::new("desk").unwrap(),
            id: SignalId::new(format!("{number}")).unwrap(),
            about: about.clone(),
        };
        let mut all = news.iter().enumerate().map(one);
        let (mut case, _) = Case::new(CaseId::new(name).unwrap(), all.next().unwrap());
        all.for_each(|news| drop(case.record(news)));
        let id = AccountId::new(account).unwrap();
        self.doubles.put(&keys::case(&TenantId::new("t").unwrap(), &id, &case.id), &case);
        let (hours, status) = *news.last().unwrap();
        let (changed_at, opened_at) = (noon() - SignedDuration::from_hours(hours), case.opened_at());
        let fact = CaseChanged {
            case: case.id,
            severity: Severity::High,
            status,
            changed_at,
            opened_at,
            turns: Default::default(),
        };
        self.hear(&[event(account, hours * 60, fact)]);
    }
}

fn of_kind(name: &str, segment: Segment, stage: LifecycleStage) -> AccountChanged {
    let mut fact = described(name);
    (fact.account.segment, fact.account.stage) = (segment, stage);
    fact
}

fn nine_accounts(stage: &Stage) {
    for number in 0..9 {
        let account = format!("a{number}");
        stage.hear(&[event(&account, 90, of_kind(&account, Segment::MidMarket, LifecycleStage::Steady))]);
    }
}

#[test]
fn a130_three_managers_with_nine_accounts_are_full_and_hiring_is_due() {
    let stage = small();
    nine_accounts(&stage);
    let found: CapacityForecast = stage.read("/capacity/forecast", &[]);
    assert_eq!((found.capacity_utilization_percent, found.hiring_due), (Some(100), true));
    assert_eq!(found.binding.as_deref(), Some("customer_success_manager"));
    let role = found.roles.iter().find(|role| role.role == "customer_success_manager").unwrap();
    assert_eq!((role.people, role.accounts, role.utilization_percent.as_deref()), (3, 9, Some("100")));
    assert_eq!(role.hire_on.as_deref(), Some("2026-01-05"), "today");
    assert_eq!((role.overflow, role.overflow_lane.len()), (135, 2), "765 of 900 is 85 %");
    assert_eq!(
        (found.growth_90_days, found.gaps.len()),
        (9, 1),
        "all of them are new, and the skill is as full as they are"
    );
}

#[test]
fn a145_the_metric_is_the_number_of_the_answer_and_the_topic_hears_of_a_change_once() {
    let stage = small();
    nine_accounts(&stage);
    stage.doubles.put(&keys::tenant_entry(&TenantId::new("t").unwrap()), &json!({}));
    stage.watch();
    let answer: CapacityForecast = stage.read("/capacity/forecast", &[]);
    let measured: Vec<u64> = stage
        .doubles
        .metrics
        .values()
        .into_iter()
        .filter(|(metric, _)| *metric == Measured::CapacityUtilizationPercent)
        .map(|(_, value)| value)
        .collect();
    assert_eq!(measured, [answer.capacity_utilization_percent.unwrap()]);
    let told = |stage: &Stage| -> Vec<(String, String, Topic)> {
        let all = stage.doubles.published().into_iter();
        all.filter_map(|Event { meta: Meta { topic, .. }, fact }| match fact {
            Fact::CapacityAlert(fact) => Some((fact.role, fact.status, topic)),
            _ => None,
        })
        .collect()
    };
    let role = "customer_success_manager".to_owned();
    assert_eq!(told(&stage), [(role.clone(), "began".into(), Topic::CapacitySignals)]);
    stage.doubles.set_now(noon() + SignedDuration::from_hours(1));
    stage.watch();
    assert_eq!(told(&stage).len(), 1, "nothing changed");
    for number in 0..3 {
        let gone = of_kind("gone", Segment::MidMarket, LifecycleStage::Churned);
        stage.hear(&[event(&format!("a{number}"), 1, gone)]);
    }
    stage.doubles.set_now(noon() + SignedDuration::from_hours(2));
    stage.watch();
    assert_eq!(told(&stage).last(), Some(&(role, "ended".into(), Topic::CapacitySignals)));
}

#[test]
fn a133_what_waits_the_longest_is_the_constraint_and_nothing_is_changed() {
    let stage = stage();
    for number in 0..4 {
        let account = format!("a{number}");
        let mut planted = opened("slow", 1);
        planted.cta.opened_at = noon() - SignedDuration::from_hours(24 * 30);
        let closed = CtaClosed { cta: planted.cta.cta.clone(), how: "closed".into(), reason: "done".into() };
        stage.hear(&[event(&account, 60 * 24 * 30, planted), event(&account, 60, closed)]);
        let quick = EscalationBody { opened_at: noon() - SignedDuration::from_mins(30), ..escalation("quick", 90) };
        stage.hear(&[
            event(&account, 30, EscalationOpened { escalation: quick.clone() }),
            event(&account, 20, EscalationAcknowledged { escalation: quick.clone(), by: "kim".into() }),
            event(&account, 5, EscalationResolved { escalation: quick, outcome: "fine".into() }),
        ]);
    }
    stage.doubles.take_calls();
    let ask = |body: &Value| {
        let body = body.to_string().into_bytes().into();
        stage.send("POST", "/optimize", Request { body, ..Request::default() })
    };
    let found: OptimizeAnswer = serde_json::from_str(&ask(&json!({})).unwrap()).unwrap();
    assert_eq!(found.constraint.as_deref(), Some("call to action usage-decline"));
    let waits: Vec<_> = found.steps.iter().map(|step| (step.step.as_str(), step.waiting_seconds)).collect();
    let month = 30 * 86_400 - 3_600;
    let expected = [("call to action usage-decline", 4 * month), ("escalation high → support_engineer", 4 * 600)];
    assert_eq!(waits, expected);
    assert!(found.steps.iter().all(|step| step.difference_percent == 0), "all of it came and went: Little's law holds");
    assert!(found.options[..4].iter().all(|option| option.constraint));
    assert!(found.options[0].return_percent >= found.options[1].return_percent);
    assert_eq!(found.experiment, None);
    let drafted: OptimizeAnswer = serde_json::from_str(&ask(&json!({ "draft_experiment": true })).unwrap()).unwrap();
    let draft = drafted.experiment.unwrap();
    assert_eq!((draft.registered, draft.rule.as_str()), (false, "usage-decline"));
    assert_eq!(stage.doubles.take_calls().commits, 0, "dry");
    assert_eq!(ask(&json!({ "days": 3 })).unwrap_err().status, 422);
}

#[test]
fn a106_the_funnel_of_stages_reconciles() {
    let stage = stage();
    for (account, minutes, to) in [
        ("a", 90, LifecycleStage::Onboarding),
        ("a", 60, LifecycleStage::Expansion),
        ("b", 80, LifecycleStage::Onboarding),
        ("c", 70, LifecycleStage::Steady),
        ("c", 10, LifecycleStage::Churned),
    ] {
        stage.hear(&[event(account, minutes, of_kind(account, Segment::Enterprise, to))]);
    }
    let found: JourneyAnswer = stage.read("/analytics/journey", &[]);
    let stages: Vec<_> =
        found.stages.iter().map(|one| (one.stage.as_str(), one.began, one.entered, one.still)).collect();
    assert_eq!(stages, [("onboarding", 2, 2, 1), ("expansion", 0, 1, 1), ("steady", 1, 1, 0), ("churned", 0, 1, 1)]);
    for one in &found.stages {
        assert_eq!(one.entered, one.still + one.moved.values().sum::<u64>());
    }
    let reached: Vec<u64> = found.way.iter().map(|step| step.reached).collect();
    assert_eq!(reached, [3, 2, 1, 1]);
}

#[test]
fn a111_adoption_and_a103_benchmarks_come_from_the_numbers_that_ingest_keeps() {
    let stage = stage();
    for number in 0..5 {
        let account = format!("a{number}");
        stage.hear(&[event(&account, 90, of_kind(&account, Segment::MidMarket, LifecycleStage::Steady))]);
        let active = 20 * number;
        stage.measure(&account, 50, &[(Metric::LicensedUsers, 100), (Metric::ActiveUsers, active)]);
    }
    stage.hear(&[event("alone", 90, of_kind("alone", Segment::Enterprise, LifecycleStage::Steady))]);
    stage.measure("alone", 50, &[(Metric::LicensedUsers, 10), (Metric::ActiveUsers, 10)]);
    let found: AdoptionAnswer = stage.read("/analytics/adoption", &[]);
    let steps: Vec<_> = found.steps.iter().map(|step| (step.step.as_str(), step.accounts)).collect();
    assert_eq!(steps, [("licensed", 6), ("used", 5), ("regular", 3), ("adopted", 0)]);
    assert_eq!((found.barrier.as_deref(), found.measured), (Some("adopted"), 6));
    let peers: BenchmarksAnswer = stage.read("/analytics/benchmarks", &[("account", "alone")]);
    let told: Vec<_> = peers.benchmarks.iter().map(|one| (one.segment.as_str(), one.withheld, one.peers)).collect();
    assert_eq!(told, [("enterprise", true, None), ("mid_market", false, Some(5))]);
    assert_eq!(peers.benchmarks[0].percentiles, BTreeMap::new(), "of one account nothing is said");
    assert_eq!(peers.benchmarks[1].percentiles["p50"], "40");
    assert_eq!((peers.places[0].value.as_str(), &peers.places[0].median), ("100", &None));
    let unknown = Request { query: [("account".into(), "nobody".into())].into(), ..Request::default() };
    assert_eq!(stage.send("GET", "/analytics/benchmarks", unknown).unwrap_err().status, 404);
}

#[test]
fn a100_and_a97_cases_are_counted_by_what_ingest_keeps_of_them() {
    use CaseStatus::{Opened, Resolved, Responded};
    let stage = stage();
    let about = About {
        channel: Some(Channel::Phone),
        category: Some(CategoryId::new("network").unwrap()),
        assignee: Some(PersonId::new("ann").unwrap()),
        ..About::default()
    };
    stage.case("a", "c1", &about, &[(50, Opened), (49, Responded), (40, Resolved)]);
    stage.case("a", "c2", &about, &[(30, Opened), (27, Responded), (20, Resolved), (10, Responded)]);
    stage.case("b", "c3", &about, &[(24 * 200, Opened), (24 * 199, Resolved)]);
    let desk: DeskAnswer = stage.read("/analytics/support", &[]);
    assert_eq!((desk.all.opened, desk.all.resolved, desk.all.reopened, desk.open), (2, 1, 1, 1));
    assert_eq!(desk.by_channel["phone"].first_response.p50, Some(3_600));
    let all: DeskAnswer = stage.read("/analytics/support", &[("days", "365")]);
    assert_eq!(all.all.resolved, 2);
    let agents: AgentsAnswer = stage.read("/analytics/agents", &[("draw", "week-2")]);
    let ann = &agents.agents[0];
    assert_eq!((ann.person.as_str(), ann.resolved, ann.handle.p50), ("ann", 1, Some(9 * 3_600)));
    assert_eq!((ann.sample[0].case.as_str(), agents.drawn_by.as_str()), ("c1", "week-2"));
}

#[test]
fn a107_a_loop_is_closed_by_the_case_or_by_whoever_told_the_customer() {
    use CaseStatus::{Opened, Resolved};
    let stage = stage();
    let category = |name: &str| About { category: Some(CategoryId::new(name).unwrap()), ..About::default() };
    stage.hear(&[event("a", 90, described("a"))]);
    stage.doubles.put(&keys::tenant_entry(&TenantId::new("t").unwrap()), &json!({}));
    stage.case("a", "c1", &category("network"), &[(24 * 20, Opened)]);
    stage.case("a", "c2", &category("billing"), &[(24 * 30, Opened), (24 * 29, Resolved)]);
    let look = || -> VoiceAnswer { stage.read("/analytics/voice", &[]) };
    let loops: Vec<_> = look().loops.into_iter().map(|one| (one.theme, one.told_at.is_some(), one.late)).collect();
    assert_eq!(loops, [("case:network".to_owned(), false, true), ("case:billing".to_owned(), true, false)]);
    stage.watch();
    assert_eq!(stage.doubles.metrics.total(Measured::FeedbackLoopsLate), 1);
    let told = |theme: &str, id| stage.say("/accounts/{id}/feedback-told", "a", "", id, &json!({ "theme": theme }));
    assert_eq!(told("weather", "r1").unwrap_err().status, 422);
    told("case:network", "r2").unwrap();
    assert_eq!(look().late, 0);
    assert_eq!(look().themes[0].open, 0);
}

#[test]
fn a122_what_was_dismissed_for_a_cause_is_not_proposed_again_inside_the_window() {
    let stage = stage();
    stage.hear(&[event("a", 90, described("a")), event("a", 80, moved("healthy", "critical", "62", &[]))]);
    let has = |stage: &Stage| {
        let found: ActionsAnswer = stage.read("/analytics/actions", &[]);
        found.actions.iter().any(|one| one.action == "recover")
    };
    let found: ActionsAnswer = stage.read("/analytics/actions", &[]);
    assert_eq!(found.actions[0].evidence, ["it is critical", "0 calls to action are open"]);
    let dismiss = |id| {
        let body = json!({ "accepted": false, "cause": "they move to another product of ours" });
        stage.say("/accounts/{id}/advice/{action}", "a", "recover", id, &body)
    };
    let said = dismiss("r1").unwrap();
    assert_eq!(said.answered["recover"], "2026-02-04");
    assert!(!has(&stage));
    let after: ActionsAnswer = stage.read("/analytics/actions", &[]);
    assert_eq!(after.answered["recover"].dismissed, 1);
    stage.doubles.set_now(noon() + SignedDuration::from_hours(24 * 30));
    assert!(has(&stage), "the window is over");
    let unknown = stage.say("/accounts/{id}/advice/{action}", "a", "dance", "r2", &json!({}));
    assert_eq!(unknown.unwrap_err().status, 404);
    let silent =
        stage.say("/accounts/{id}/advice/{action}", "a", "recover", "r3", &json!({ "accepted": false, "cause": " " }));
    assert_eq!(silent.unwrap_err().status, 422, "a cause is needed");
}

#[test]
fn a109_the_cap_on_references_is_enforced() {
    let stage = stage();
    stage.hear(&[event("a", 90, described("a")), event("a", 80, moved("healthy", "champion", "93", &[]))]);
    stage.measure("a", 70, &[(Metric::ReferenceWillingness, 90)]);
    let eligible = |stage: &Stage| stage.read::<AdvocacyAnswer>("/analytics/advocacy", &[]).eligible;
    let ask = |id| stage.say("/accounts/{id}/references", "a", "", id, &json!({ "what": "a call with a prospect" }));
    assert_eq!(eligible(&stage), 1);
    assert_eq!(ask("r1").unwrap().references_in_a_year, 1);
    assert_eq!(ask("r1").unwrap().references_in_a_year, 1, "the same request once");
    assert_eq!(eligible(&stage), 0);
    let refused = ask("r2").unwrap_err();
    assert_eq!(refused.status, 409);
    assert!(refused.detail.contains("was asked 0 days ago"), "{}", refused.detail);
    stage.doubles.set_now(noon() + SignedDuration::from_hours(24 * 60));
    assert_eq!(ask("r3").unwrap().references_in_a_year, 2);
}

#[test]
fn a136_lift_by_route_names_n_and_says_too_few() {
    let stage = stage();
    for (account, escalated) in [("a", true), ("b", false)] {
        stage.hear(&[
            event(account, 90, described(account)),
            event(account, 80, moved("healthy", "critical", "62", &[])),
        ]);
        if escalated {
            let body = EscalationBody { opened_at: noon() - SignedDuration::from_mins(70), ..escalation("e", 9) };
            stage.hear(&[event(account, 70, EscalationOpened { escalation: body })]);
        }
        stage.hear(&[event(account, 10, moved("critical", "healthy", "82", &[]))]);
    }
    let found: LiftAnswer = stage.read("/analytics/lift", &[]);
    let route = &found.routes[0];
    assert_eq!((route.route.as_str(), route.with, route.without), ("high → support_engineer", 1, 1));
    assert_eq!(route.with_recovered_percent.as_deref(), Some("100"));
    assert!(route.too_few && route.lift_points.is_none());
}

#[test]
fn the_review_is_a_page_without_a_script_and_everything_from_outside_is_escaped() {
    let stage = stage();
    stage.hear(&morning());
    stage.hear(&[event("acme", 5, described("<script>alert(1)</script> & Sons"))]);
    let parameters = BTreeMap::from([("id".to_owned(), "acme".to_owned())]);
    let request =
        Request { method: "GET".into(), route: "/accounts/{id}/review".into(), parameters, ..Request::default() };
    let page = block_on(stage.report.call(&caller("t", "kim"), &request)).unwrap();
    assert!(page.headers["content-security-policy"].starts_with("default-src 'none'"));
    assert!(page.body.contains("Review of &lt;script&gt;alert(1)&lt;/script&gt; &amp; Sons"));
    assert!(!page.body.contains("<script") && !page.body.contains("http"), "{}", page.body);
    for text in ["62.0 critical", "Yearly revenue", "50\u{202f}000", "usage decline", "from healthy to critical at 62"]
    {
        assert!(page.body.contains(text), "`{text}` in {}", page.body);
    }
    let other = block_on(stage.report.call(&caller("u", "kim"), &request)).unwrap_err();
    assert_eq!(other.status, 404, "another tenant has no such account");
}

#[test]
fn a144_stories_are_the_same_in_any_order_and_any_number_of_times() {
    let told = |stage: &Stage, events: &[Event]| {
        stage.hear(events);
        let key = keys::story(&TenantId::new("t").unwrap(), &AccountId::new("acme").unwrap());
        stage.doubles.value(&key).unwrap()["state"].clone()
    };
    let mut events = morning();
    let held = AccountAllocated {
        role: "customer_success_manager".into(),
        person: PersonId::new("csm-01").unwrap(),
        replaces: None,
        by: PersonId::new("vp-01").unwrap(),
        exception: None,
    };
    events.push(event("acme", 45, held));
    let expected = told(&stage(), &events);
    let mut shuffled = events.clone();
    shuffled.reverse();
    shuffled.rotate_left(4);
    shuffled.extend(events);
    assert_eq!(told(&stage(), &shuffled), expected);
}

#[test]
fn stories_can_be_made_anew_to_the_same_bytes() {
    use CaseStatus::{Opened, Resolved};
    let stage = stage();
    let tenant = TenantId::new("t").unwrap();
    stage.hear(&morning());
    stage.measure("acme", 50, &[(Metric::LicensedUsers, 100), (Metric::ActiveUsers, 20)]);
    stage.case("acme", "c1", &About::default(), &[(24, Opened), (20, Resolved)]);
    stage.doubles.put(&keys::tenant_entry(&tenant), &json!({}));
    let key = keys::story(&tenant, &AccountId::new("acme").unwrap());
    let state = || stage.doubles.value(&key).unwrap()["state"].clone();
    let expected = state();
    assert!(expected["measures"].is_object() && expected["cases"]["c1"].is_object(), "{expected}");
    let empty = domain::story::Story::new(AccountId::new("acme").unwrap());
    stage.doubles.put(&key, &json!({ "state": empty }));
    block_on(stage.report.tick(&Tick { tick: "rebuild".into(), time: noon() })).unwrap();
    assert_eq!(state(), expected);
}

//! Playbooks through the doors of trigger: begun once, driven by people and time, resumed after every crash.

use super::*;
use contract::execution::{ExecutionItem, ExecutionPage};
use contract::message::cause_id;
use platform::table::{self, Range, Table};
use std::collections::BTreeSet;

const DOCUMENT: &str = "https://docs.example.com/x";

impl Stage {
    /// The CRM describes `acme` anew.
    pub(super) fn describe(&self, change: impl FnOnce(&mut Account)) {
        let mut account = self.account();
        change(&mut account);
        self.doubles.put(&keys::profile(&tenant(), &account.id), &json!({ "state": account }));
    }

    pub(super) fn account(&self) -> Account {
        let profile = self.doubles.value(&keys::profile(&tenant(), &acme().id)).unwrap();
        serde_json::from_value(profile["state"].clone()).unwrap()
    }

    /// A request whose repeats have this cause.
    fn post(
        &self,
        cause: &str,
        route: &str,
        parameters: &[(&str, &str)],
        body: &Value,
    ) -> Result<(u16, Value), Problem> {
        let parameters = parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let request = Request {
            method: "POST".into(),
            route: route.into(),
            parameters,
            body: body.to_string().into(),
            cause: Some(cause_id(cause)),
            ..Request::default()
        };
        let response = block_on(self.trigger.call(&caller("t", "kim"), &request))?;
        Ok((response.status, serde_json::from_str(&response.body).unwrap()))
    }

    pub(super) fn execute(&self, cause: &str, playbook: &str, parameters: &Value) -> Result<(u16, Value), Problem> {
        let body = json!({ "account": "acme", "parameters": parameters });
        self.post(cause, "/execute/{workflow_id}", &[("workflow_id", playbook)], &body)
    }

    /// Begins a playbook and says what its execution is called.
    pub(super) fn begin(&self, playbook: &str, parameters: &Value) -> String {
        let (status, body) =
            self.execute(playbook, playbook, parameters).unwrap_or_else(|problem| panic!("{problem:?}"));
        assert_eq!(status, 202);
        body["execution"].as_str().unwrap().to_owned()
    }

    pub(super) fn settle(
        &self,
        execution: &str,
        step: &str,
        action: &str,
        body: &Value,
    ) -> Result<(u16, Value), Problem> {
        let route = "/executions/{id}/steps/{step}/{action}";
        let cause = format!("{execution} {step} {action} {body}");
        self.post(&cause, route, &[("id", execution), ("step", step), ("action", action)], body)
    }

    pub(super) fn complete(&self, execution: &str, step: &str) {
        let item = self.execution(execution);
        let asked = &item.steps.iter().find(|found| found.step == step).unwrap().evidence;
        let shown = |name: &String| (name.clone(), if name == "pilot_users" { json!(60) } else { json!(DOCUMENT) });
        let evidence: serde_json::Map<String, Value> = asked.keys().map(shown).collect();
        self.settle(execution, step, "complete", &json!({ "evidence": evidence }))
            .unwrap_or_else(|problem| panic!("{step}: {problem:?}"));
    }

    pub(super) fn get(&self, who: &str, route: &str, id: &str, headers: &[(&str, &str)]) -> Result<Response, Problem> {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let parameters = BTreeMap::from([("id".to_owned(), id.to_owned())]);
        let request = Request { method: "GET".into(), route: route.into(), parameters, headers, ..Request::default() };
        block_on(self.trigger.call(&caller(who, "kim"), &request))
    }

    pub(super) fn execution(&self, id: &str) -> ExecutionItem {
        let response = self.get("t", "/executions/{id}", id, &[]).unwrap();
        serde_json::from_str(&response.body).unwrap()
    }

    pub(super) fn state(&self, id: &str, step: &str) -> String {
        self.execution(id).steps.into_iter().find(|found| found.step == step).unwrap().state
    }

    fn executions(&self, who: &str, query: &[(&str, &str)]) -> Vec<String> {
        let query = query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let request = Request { method: "GET".into(), route: "/executions".into(), query, ..Request::default() };
        let page: ExecutionPage = serde_json::from_value(self.ask(who, request).unwrap()).unwrap();
        page.executions.into_iter().map(|item| item.playbook).collect()
    }

    /// Another day, and the sweep of it.
    pub(super) fn day(&self) {
        self.pass(1);
        self.sweep();
    }
}

fn sponsor() -> Value {
    json!({ "sponsor": "Lee" })
}

/// A customer on its first day.
fn onboarding() -> Stage {
    let stage = stage();
    stage.describe(|account| account.stage = LifecycleStage::Onboarding);
    stage
}

#[test]
fn a128_the_same_request_begins_one_execution_and_gets_the_same_answer() {
    let stage = onboarding();
    let first = stage.execute("a", "onboarding", &sponsor()).unwrap();
    assert_eq!((first.0, first.1["status"].as_str()), (202, Some("running")));
    for _ in 0..5 {
        assert_eq!(stage.execute("a", "onboarding", &sponsor()).unwrap(), first);
    }
    let other = stage.execute("b", "onboarding", &sponsor()).unwrap_err();
    assert_eq!((other.status, other.code), (409, "entry_closed"), "one at a time");
    assert_eq!(stage.executions("t", &[]), ["onboarding"]);
    assert_eq!(stage.told(0).iter().filter(|told| *told == "PlaybookStarted").count(), 1);
    let item = stage.execution(first.1["execution"].as_str().unwrap());
    assert_eq!((item.started_by.as_str(), item.completion_basis_points), ("kim", 0));
    assert!(item.steps[0].owner.is_some() && item.steps[0].due_on.is_some());
}

#[test]
fn a128_what_does_not_fit_the_schema_is_refused_with_every_path() {
    let stage = onboarding();
    let refused = stage.execute("a", "onboardin", &sponsor()).unwrap_err();
    assert_eq!(refused.status, 404);
    assert!(refused.detail.contains("perhaps `onboarding`"), "{}", refused.detail);
    let body = json!({ "account": "a#b", "parameters": { "sponser": "Lee", "training": 3 } });
    let refused = stage.post("b", "/execute/{workflow_id}", &[("workflow_id", "onboarding")], &body).unwrap_err();
    let paths: Vec<&str> = refused.errors.iter().map(|fault| fault.path.as_str()).collect();
    assert_eq!(refused.status, 422);
    assert_eq!(paths, ["account", "parameters.sponser", "parameters.sponsor", "parameters.training"]);
    let body = json!({ "account": "globex", "parameters": sponsor() });
    let refused = stage.post("c", "/execute/{workflow_id}", &[("workflow_id", "onboarding")], &body).unwrap_err();
    assert_eq!(refused.status, 404);
    assert_eq!(stage.executions("t", &[]), Vec::<String>::new());
}

#[test]
fn a81_a108_expansion_does_not_begin_beside_an_open_risk() {
    let stage = stage();
    stage.enter(Band::Healthy, false);
    stage.learn(stage.usage(50));
    stage.hear("1");
    let refused = stage.execute("a", "expansion", &sponsor()).unwrap_err();
    assert_eq!((refused.status, refused.errors.len()), (409, 1));
    assert!(refused.errors[0].reason.contains("`risk`"), "{:?}", refused.errors);
    let cta = stage.cta().cta;
    stage.act("t", &cta, "close", &json!({ "outcome": "they are back" })).unwrap();
    assert_eq!(stage.execute("b", "expansion", &sponsor()).unwrap().0, 202);
    stage.enter(Band::AtRisk, false);
    let refused = stage.execute("c", "expansion", &sponsor()).unwrap_err();
    assert_eq!(refused.errors.len(), 2, "it runs, and the band is too low: {:?}", refused.errors);
}

#[test]
fn a143_the_twenty_first_waits_and_a_holder_that_died_frees_its_place() {
    let stage = onboarding();
    for number in 0..20 {
        // It takes its place, and then it dies.
        stage.doubles.fail_commits_after(1);
        let died = stage.execute(&format!("{number}"), "onboarding", &sponsor()).unwrap_err();
        assert_eq!(died.status, 503);
    }
    stage.doubles.fail_commits_after(usize::MAX);
    stage.doubles.set_now(stage.doubles.now() + SignedDuration::from_secs(10));
    let refused = stage.execute("21", "onboarding", &sponsor()).unwrap_err();
    assert_eq!((refused.status, refused.retry_after_seconds), (429, Some(50)));
    assert_eq!(stage.execute("7", "onboarding", &sponsor()).unwrap().0, 202, "the same work has its place still");
    let id = stage.executions("t", &[]).len();
    assert_eq!(id, 1);
    stage.doubles.set_now(stage.doubles.now() + SignedDuration::from_secs(50));
    let body = json!({ "account": "acme", "parameters": sponsor() });
    let refused = stage.post("22", "/execute/{workflow_id}", &[("workflow_id", "onboarding")], &body).unwrap_err();
    assert_eq!(refused.code, "entry_closed", "there is a place again: only the entry is closed");
}

#[test]
fn a143_places_are_given_back_and_are_the_tenants_own() {
    let stage = onboarding();
    let id = stage.begin("onboarding", &sponsor());
    for number in 0..40 {
        let refused = stage.settle(&id, "survey", "complete", &json!({ "evidence": { "x": number } })).unwrap_err();
        assert_eq!(refused.status, 409, "never 429: {}", refused.detail);
    }
}

/// The way of an onboarding from its start to its end, each request as it is sent again until it is answered.
fn whole_way(stage: &Stage, mut send: impl FnMut(&dyn Fn() -> Result<(), Problem>)) {
    send(&|| stage.execute("start", "onboarding", &sponsor()).map(drop));
    let [id] = &stage.executions_ids()[..] else { panic!() };
    for step in [
        "environment",
        "stakeholders",
        "success-criteria",
        "plan",
        "infrastructure",
        "security",
        "training-guided",
        "pilot",
        "technical-validation",
        "business-validation",
        "survey",
    ] {
        let item = stage.execution(id);
        let asked = &item.steps.iter().find(|found| found.step == step).unwrap().evidence;
        let shown = |name: &String| (name.clone(), if name == "pilot_users" { json!(60) } else { json!(DOCUMENT) });
        let evidence: serde_json::Map<String, Value> = asked.keys().map(shown).collect();
        send(&|| stage.settle(id, step, "complete", &json!({ "evidence": evidence })).map(drop));
    }
    send(&|| stage.settle(id, "executive-review", "skip", &json!({ "reason": "they met at the fair" })).map(drop));
}

impl Stage {
    fn executions_ids(&self) -> Vec<String> {
        let request = Request { method: "GET".into(), route: "/executions".into(), ..Request::default() };
        let page: ExecutionPage = serde_json::from_value(self.ask("t", request).unwrap()).unwrap();
        page.executions.into_iter().map(|item| item.execution).collect()
    }

    /// Which events were told, by id, with their names.
    fn events(&self) -> BTreeMap<String, String> {
        let events = self.published();
        events.iter().map(|event| (event.meta.event_id.to_string(), event.fact.name().to_owned())).collect()
    }
}

#[test]
fn a16_a_crash_at_any_commit_resumes_and_tells_everything_once() {
    let straight = onboarding();
    whole_way(&straight, |send| send().unwrap());
    let [id] = &straight.executions_ids()[..] else { panic!() };
    let (expected, events) = (straight.execution(id), straight.events());
    assert_eq!((expected.status.as_str(), expected.completion_basis_points), ("completed", 10_000));
    let commits = straight.doubles.take_calls().commits;
    assert!(commits > 40, "{commits}");
    for crash in 0..commits {
        let crooked = onboarding();
        crooked.doubles.fail_commits_after(crash);
        whole_way(&crooked, |send| {
            if send().is_err() {
                crooked.doubles.fail_commits_after(usize::MAX);
                send().unwrap_or_else(|problem| panic!("crash at {crash}: {problem:?}"));
            }
        });
        // Where the last place could not be given back, nobody was told.
        crooked.doubles.fail_commits_after(usize::MAX);
        crooked.sweep();
        assert_eq!(crooked.execution(id), expected, "crash at {crash}");
        assert_eq!(crooked.events(), events, "crash at {crash}");
    }
}

#[test]
fn a16_a_bus_that_fails_loses_nothing() {
    let stage = onboarding();
    stage.doubles.fail_next_publish();
    assert_eq!(stage.execute("a", "onboarding", &sponsor()).unwrap_err().status, 503);
    assert_eq!(stage.told(0), Vec::<String>::new());
    assert_eq!(stage.execute("a", "onboarding", &sponsor()).unwrap().0, 202);
    let told = stage.told(0);
    assert_eq!(told.first().map(String::as_str), Some("PlaybookStarted"));
    stage.sweep();
    assert_eq!(stage.told(0), told);
}

#[test]
fn a52_a_late_step_opens_one_call_to_action_that_ends_with_the_step() {
    let stage = onboarding();
    let id = stage.begin("lifecycle", &sponsor());
    for _ in 0..10 {
        stage.day();
    }
    let late = stage.list("t", &[]);
    let kick_off: Vec<&CtaItem> = late.iter().filter(|cta| cta.reason.contains("Kick-off")).collect();
    let [cta] = kick_off[..] else { panic!("{late:?}") };
    assert_eq!((cta.cta_type.as_str(), cta.rule.as_str(), cta.fired), ("lifecycle", "playbook:lifecycle", 1));
    assert_eq!(cta.opened_at, stage.days_ago(3), "on the eighth day");
    let refused = stage.act("t", &cta.cta, "close", &json!({ "outcome": "done" })).unwrap_err();
    assert_eq!(refused.status, 409);
    assert!(refused.detail.contains("step kick-off"), "{}", refused.detail);
    stage.complete(&id, "kick-off");
    let found = stage.list("t", &[]).into_iter().find(|found| found.cta == cta.cta).unwrap();
    assert_eq!(found.status, "closed");
    assert_eq!(stage.told(0).iter().filter(|told| *told == "StepOverdue").count(), 4, "the four of the first week");
}

#[test]
fn a147_what_stands_still_goes_to_the_deputy_and_then_to_people_once() {
    let stage = onboarding();
    let id = stage.begin("onboarding", &sponsor());
    for _ in 0..25 {
        stage.day();
        stage.hear("the same news");
    }
    let told = stage.told(0);
    let count = |name: &str| told.iter().filter(|told| *told == name).count();
    assert_eq!((count("PlaybookStuck"), count("people for playbook:onboarding")), (1, 1), "{told:?}");
    assert_eq!(stage.executions("t", &[("stuck", "true")]), ["onboarding"]);
    let item = stage.execution(&id);
    let waits = item.steps.iter().find(|step| Some(&step.step) == item.stuck_on.as_ref()).unwrap();
    assert_eq!((waits.step.as_str(), waits.owner.as_deref()), ("environment", Some("customer_success_manager")));
    stage.complete(&id, "environment");
    assert_eq!(stage.execution(&id).stuck_on, None);
}

#[test]
fn a82_moving_the_renewal_date_moves_the_steps_and_doubles_none() {
    let stage = stage();
    let day = |days: i64| Day::of(stage.days_ago(-days));
    assert_eq!(stage.execute("early", "renewal", &sponsor()).unwrap_err().code, "entry_closed", "no date is known");
    stage.describe(|account| account.renewal_on = Some(day(200)));
    let id = stage.begin("renewal", &sponsor());
    let due = |step: &str| stage.execution(&id).steps.into_iter().find(|found| found.step == step).unwrap().due_on;
    assert_eq!(due("early"), Some(day(20).to_string()));
    stage.describe(|account| account.renewal_on = Some(day(230)));
    stage.hear("moved");
    stage.hear("moved");
    stage.sweep();
    assert_eq!(due("early"), Some(day(50).to_string()));
    assert_eq!(stage.told(0).iter().filter(|told| *told == "PlaybookReplanned").count(), 1);
    let (twentieth, fiftieth) = (day(20), day(50));
    while Day::of(stage.doubles.now()) < twentieth {
        stage.day();
    }
    assert_eq!(stage.state(&id, "success-review"), "pending", "the old date says nothing any more");
    while Day::of(stage.doubles.now()) < fiftieth {
        stage.day();
    }
    assert_eq!(stage.state(&id, "success-review"), "open");
    let reviews = stage.execution(&id).steps.iter().filter(|step| step.step == "success-review").count();
    assert_eq!(reviews, 1);
}

#[test]
fn a120_nobody_is_won_back_before_the_cool_off() {
    let stage = stage();
    stage.sweep();
    stage.describe(|account| account.stage = LifecycleStage::Churned);
    let offer = json!({ "contact": "Lee", "offer": "The old trouble is over." });
    assert_eq!(stage.execute("0", "win-back", &offer).unwrap_err().code, "entry_closed", "nobody knows since when");
    stage.hear("they left");
    for day in 1..90 {
        stage.day();
        assert_eq!(stage.execute(&format!("{day}"), "win-back", &offer).unwrap_err().code, "entry_closed", "day {day}");
    }
    stage.day();
    assert_eq!(stage.execute("90", "win-back", &offer).unwrap().0, 202);
}

#[test]
fn a94_nothing_goes_out_before_its_gate_is_opened_and_both_are_audited() {
    let stage = stage();
    stage.describe(|account| account.stage = LifecycleStage::Churned);
    stage.hear("they left");
    stage.pass(90);
    let id = stage.begin("win-back", &json!({ "contact": "Lee", "offer": "The old trouble is over." }));
    stage.complete(&id, "reasons");
    stage.sweep();
    let asked = |stage: &Stage| stage.told(0).iter().filter(|told| *told == "EffectRequested").count();
    assert_eq!(asked(&stage), 0);
    let approve = || stage.settle(&id, "release", "approve", &json!({})).unwrap();
    assert_eq!(approve(), approve(), "twice is once");
    assert_eq!(asked(&stage), 1);
    let sent = stage.doubles.published().into_iter().find_map(|event| match event.fact {
        Fact::EffectRequested(fact) => Some(fact),
        _ => None,
    });
    let sent = sent.unwrap();
    assert_eq!(
        (sent.key, sent.effect.as_str(), sent.text.as_str()),
        (format!("{id}/letter"), "outreach", "The old trouble is over.")
    );

    let chain = Range::prefix(keys::account(&tenant(), &acme().id), "audit#playbook#");
    let links = block_on(table::query_all(stage.doubles.table.as_ref(), chain)).unwrap();
    let links: Vec<audit::Link> = links.iter().map(|item| table::read(item).unwrap()).collect();
    audit::verify(audit::Head::start(&tenant(), &acme().id), &links).unwrap();
    let what: Vec<&str> = links.iter().map(|link| link.record.what.as_str()).collect();
    assert_eq!(what, ["start win-back by kim", "complete reasons by kim", "approve release by kim"]);
}

#[test]
fn a134_a_command_that_cannot_be_is_refused_and_says_why() {
    let stage = onboarding();
    let id = stage.begin("onboarding", &sponsor());
    let none = json!({});
    let why = json!({ "reason": "no time" });
    let refused = [
        (id.as_str(), "environment", "praise", &none, 404),
        (&id, "environmnt", "complete", &none, 404),
        ("exec-none", "environment", "complete", &none, 404),
        (&id, "environment", "complete", &none, 422),
        (&id, "environment", "complete", &why, 400),
        (&id, "environment", "skip", &json!({ "reason": " " }), 422),
        (&id, "environment", "approve", &none, 409),
        (&id, "pilot", "complete", &none, 409),
    ];
    for (execution, step, action, body, status) in refused {
        let problem = stage.settle(execution, step, action, body).unwrap_err();
        assert_eq!(problem.status, status, "{step} {action} {body}: {}", problem.detail);
    }
    let cancel = |cause: &str| stage.post(cause, "/executions/{id}/cancel", &[("id", &id)], &why);
    assert_eq!(cancel("1").unwrap().1["status"], "cancelled");
    assert_eq!(cancel("1").unwrap().1["status"], "cancelled", "the same request again");
    assert_eq!(cancel("2").unwrap_err().status, 409);
    assert_eq!(stage.settle(&id, "environment", "skip", &why).unwrap_err().status, 409);
    assert_eq!(stage.execute("again", "onboarding", &sponsor()).unwrap().0, 202, "it may begin anew");
}

#[test]
fn the_list_is_filtered_and_is_the_tenants_own() {
    let stage = onboarding();
    let id = stage.begin("onboarding", &sponsor());
    stage.begin("lifecycle", &sponsor());
    assert_eq!(stage.executions("t", &[]).len(), 2);
    assert_eq!(stage.executions("t", &[("playbook", "lifecycle")]), ["lifecycle"]);
    assert_eq!(stage.executions("t", &[("account", "globex")]), Vec::<String>::new());
    assert_eq!(stage.executions("t", &[("stuck", "true")]), Vec::<String>::new());
    let why = json!({ "reason": "no time" });
    stage.post("1", "/executions/{id}/cancel", &[("id", &id)], &why).unwrap();
    assert_eq!(stage.executions("t", &[("status", "running")]), ["lifecycle"]);
    assert_eq!(stage.executions("u", &[]), Vec::<String>::new());
    assert_eq!(stage.get("u", "/executions/{id}", &id, &[]).unwrap_err().status, 404);
}

/// The ids of the events of a stream, with their names.
fn ids(response: &Response) -> Vec<(u64, String)> {
    let field = |block: &str, name: &str| {
        block
            .lines()
            .find_map(|line| line.strip_prefix(name).map(|rest| rest.trim_start_matches([':', ' ']).to_owned()))
    };
    let blocks = response.body.split("\n\n").filter(|block| block.contains("data: "));
    let event = |block: &str| {
        let data: Value = serde_json::from_str(&field(block, "data").unwrap()).unwrap();
        let (id, name) = (field(block, "id").unwrap().parse().unwrap(), field(block, "event").unwrap());
        assert_eq!((&data["number"], &data["what"]), (&json!(id), &json!(name)));
        (id, name)
    };
    blocks.map(event).collect()
}

#[test]
fn a128_a_stream_goes_on_behind_the_last_event_that_was_seen_and_ends_with_the_execution() {
    let stage = onboarding();
    let id = stage.begin("onboarding", &sponsor());
    let events = |seen: Option<&str>| {
        let headers: Vec<(&str, &str)> = seen.map(|seen| ("last-event-id", seen)).into_iter().collect();
        stage.get("t", "/executions/{id}/events", &id, &headers)
    };
    let first = events(None).unwrap();
    assert_eq!(first.headers["content-type"], "text/event-stream");
    assert!(first.body.starts_with("retry: 5000\n\n"), "{}", first.body);
    let begun = ids(&first);
    assert_eq!(begun[0], (1, "started".into()));
    assert_eq!(ids(&events(Some("1")).unwrap()), begun[1..], "from the middle of what was told together");
    let last = begun.last().unwrap().0.to_string();
    let quiet = events(Some(&last)).unwrap();
    assert_eq!((quiet.status, ids(&quiet)), (200, vec![]));
    stage.complete(&id, "environment");
    assert_eq!(ids(&events(Some(&last)).unwrap()).first().map(|event| event.1.clone()), Some("settled".into()));
    stage.post("1", "/executions/{id}/cancel", &[("id", &id)], &json!({ "reason": "no time" })).unwrap();
    let all = ids(&events(None).unwrap());
    assert_eq!(all.last().unwrap().1, "finished");
    assert!(all.iter().map(|event| event.0).eq(1..=all.len() as u64), "each once, in order");
    assert_eq!(events(Some(&all.len().to_string())).unwrap().status, 204, "clients stop here");
    assert_eq!(events(Some("x")).unwrap_err().status, 400);
    assert_eq!(stage.get("u", "/executions/{id}/events", &id, &[]).unwrap_err().status, 404);
}

#[test]
fn an_execution_goes_on_with_the_playbook_that_it_began_with() {
    let mut stage = onboarding();
    let id = stage.begin("onboarding", &sponsor());
    let version = stage.execution(&id).version;
    let mut files = contract::playbook::built_in().unwrap();
    files.retain(|file| file.id.as_str() == "onboarding");
    files[0].steps.retain(|step| step["id"] == "environment");
    let (rules, segments) = (contract::rules::built_in().unwrap(), contract::segments::built_in().unwrap());
    stage.trigger = Trigger::with(stage.doubles.ports(), rules, segments, Library::new(files).unwrap());
    stage.complete(&id, "environment");
    let item = stage.execution(&id);
    assert_eq!((item.version, item.status.as_str()), (version, "running"), "the twelve tasks, not the one");
    assert_eq!(stage.state(&id, "stakeholders"), "open");
}

#[test]
fn an_account_without_executions_costs_nothing_to_write() {
    let stage = stage();
    stage.hear("1");
    stage.doubles.take_calls();
    stage.hear("2");
    assert_eq!(stage.doubles.take_calls().commits, 0);
    assert!(block_on(stage.doubles.table.get(&keys::executions(&tenant(), &acme().id))).unwrap().is_none());
}

#[test]
fn the_built_in_library_holds_and_a_faulty_file_is_named() {
    let names: BTreeSet<String> =
        Library::built_in().unwrap().playbooks().iter().map(|playbook| playbook.id.to_string()).collect();
    assert_eq!(names.len(), 5);
    let mut files = contract::playbook::built_in().unwrap();
    files[2].steps.push(json!({ "id": "environment", "title": "twice", "kind": "task" }));
    files.push(files[0].clone());
    let faults = Library::new(files).unwrap_err();
    let paths: Vec<&str> = faults.iter().map(|fault| fault.path.as_str()).collect();
    assert_eq!(paths, ["onboarding.steps[14].id", "onboarding.steps[14].owner", "playbooks[4].id"], "{faults:?}");
}

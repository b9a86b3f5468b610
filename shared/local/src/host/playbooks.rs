//! A playbook on the whole host, from the edge to the report, against the same without a fault.
//!
//! An onboarding is begun and driven over two weeks, one step of it too late. Under each seed messages are duplicated,
//! delayed and reordered, functions crash around their commits, commits lose races and answers, bus and queue fail. In
//! the end every step is where it would be, on the same days, and every event and call to action was there once.

use super::*;
use crate::client::{Ask, Client};
use crate::clock::StandingClock;
use crate::command::TEMPLATE;
use crate::faults::{Fault, Faults, Rates};
use crate::functions;
use contract::event::Event;
use contract::execution::{Executed, ExecutionItem};
use contract::trigger::CtaPage;
use domain::id::{PersonId, TenantId};
use jiff::SignedDuration;
use platform::metrics::Nowhere;
use platform::table::embedded::EmbeddedTable;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Mutex;

const SEEDS: u64 = 15;
const TRIES: u32 = 60;

struct Stage {
    host: Host,
    faults: Arc<Faults>,
    client: Client,
    events: Arc<Mutex<BTreeMap<String, Event>>>,
}

/// What is the same at the end, whatever happened on the way.
#[derive(Debug, PartialEq)]
struct End {
    status: String,
    steps: Vec<String>,
    ctas: Vec<String>,
    events: Vec<String>,
}

fn begin() -> Timestamp {
    "2026-01-05T06:00:00Z".parse().unwrap()
}

fn day(number: i64) -> Timestamp {
    begin() + SignedDuration::from_hours(24 * (number - 1))
}

fn stage(faults: Arc<Faults>) -> Stage {
    let rates =
        [("ScoreSchedule", "rate(1 day)"), ("SweepSchedule", "rate(1 day)"), ("ClockSchedule", "rate(12 hours)")];
    let wiring = Wiring::read(TEMPLATE, &rates.map(|(name, rate)| (name.to_owned(), rate.to_owned())).into()).unwrap();
    let clock = Arc::new(StandingClock::new(begin()));
    let table = Arc::new(EmbeddedTable::memory(clock.clone()).unwrap());
    let events = Arc::new(Mutex::new(BTreeMap::new()));
    let heard = events.clone();
    // Tokens end long after the clock at which they are checked.
    let client =
        Client::new(TenantId::new("t").unwrap(), PersonId::new("kim").unwrap(), Arc::new(StandingClock::new(begin())));
    let parts = Parts {
        wiring,
        table,
        clock,
        faults: faults.clone(),
        metrics: Arc::new(Nowhere),
        witness: Arc::new(move |event| {
            heard.lock().unwrap().insert(event.meta.event_id.to_string(), event.clone());
        }),
    };
    Stage { host: Host::new(parts, functions::build).unwrap(), faults, client: client.unwrap(), events }
}

impl Stage {
    /// Asks until there is an answer: busy, gone away, or the first try still holds the key means the same again later.
    fn insist(&mut self, ask: &Ask<'_>, body: &Value) -> String {
        for _ in 0..TRIES {
            let response = self.client.ask(&self.host, ask, serde_json::to_vec(body).unwrap()).unwrap();
            let later = response.status >= 500
                || response.status == 429
                || (response.status == 409 && response.headers.contains_key("retry-after"));
            match response.status {
                200..300 => return response.body,
                _ if later => self.host.advance(self.host.now() + SignedDuration::from_secs(61)),
                status => panic!("{ask} was answered with {status}: {}", response.body),
            }
        }
        panic!("{ask} was tried {TRIES} times")
    }

    fn post(&mut self, id: &str, route: &str, parameters: &[(&str, &str)], body: &Value) -> String {
        self.insist(&Ask { function: "trigger", method: "POST", route, parameters, id }, body)
    }

    fn get(&mut self, route: &str, parameters: &[(&str, &str)]) -> String {
        self.insist(&Ask { function: "trigger", method: "GET", route, parameters, id: "get" }, &json!({}))
    }

    fn complete(&mut self, execution: &str, step: &str, evidence: &Value) {
        let route = "/executions/{id}/steps/{step}/{action}";
        let parameters = [("id", execution), ("step", step), ("action", "complete")];
        self.post(&format!("complete-{step}"), route, &parameters, &json!({ "evidence": evidence }));
    }

    fn come_to(&mut self, number: i64) {
        self.host.advance(day(number).max(self.host.now()));
    }

    /// Two weeks of an onboarding; what success is was agreed two days too late.
    fn live(&mut self) -> End {
        let link = "https://docs.example.com/x";
        let account = json!({
            "name": "Acme", "arr_cents": 25_000_000, "segment": "enterprise", "stage": "onboarding",
            "renewal_on": "2027-01-05", "owner": "csm-1"
        });
        let put = Ask {
            function: "ingest",
            method: "PUT",
            route: "/accounts/{id}",
            parameters: &[("id", "acme")],
            id: "put",
        };
        self.insist(&put, &account);
        let body = json!({ "account": "acme", "parameters": { "sponsor": "Lee" } });
        let begun = self.post("begin", "/execute/{workflow_id}", &[("workflow_id", "onboarding")], &body);
        let id = serde_json::from_str::<Executed>(&begun).unwrap().execution;
        self.come_to(4);
        self.complete(&id, "environment", &json!({ "environment_report": link }));
        self.complete(&id, "stakeholders", &json!({}));
        self.come_to(6);
        self.complete(&id, "plan", &json!({ "project_plan": link }));
        self.come_to(9);
        self.complete(&id, "success-criteria", &json!({ "success_criteria": link }));
        self.complete(&id, "infrastructure", &json!({}));
        self.come_to(12);
        self.faults.stop();
        self.come_to(13);
        self.host.queues().redrive(self.host.now());
        self.come_to(14);
        self.end(&id)
    }

    fn end(&mut self, id: &str) -> End {
        let item: ExecutionItem = serde_json::from_str(&self.get("/executions/{id}", &[("id", id)])).unwrap();
        let on = |at: Option<Timestamp>| at.map(|at| domain::day::Day::of(at).to_string()).unwrap_or_default();
        let step = |step: &contract::execution::StepItem| {
            format!("{} {} {} {:?} {}", step.step, step.state, on(step.at), step.due_on, step.late)
        };
        let page: CtaPage = serde_json::from_str(&self.get("/ctas", &[])).unwrap();
        let events = self.events.lock().unwrap();
        let of_playbook = |event: &&Event| {
            ["Playbook", "Step", "Effect", "Cta"].iter().any(|kind| event.fact.name().starts_with(kind))
        };
        let mut told: Vec<String> =
            events.values().filter(of_playbook).map(|event| event.fact.name().to_owned()).collect();
        told.sort();
        End {
            status: item.status,
            steps: item.steps.iter().map(step).collect(),
            ctas: page
                .ctas
                .iter()
                .map(|cta| format!("{} {} {} {}", cta.rule, cta.reason, cta.status, cta.fired))
                .collect(),
            events: told,
        }
    }
}

#[test]
fn a16_an_onboarding_under_faults_ends_as_without_them() {
    let expected = stage(Faults::none()).live();
    assert_eq!(expected.ctas.len(), 1, "one step was late: {:?}", expected.ctas);
    assert!(expected.ctas[0].contains("closed 1"), "{:?}", expected.ctas);
    let count = |name: &str| expected.events.iter().filter(|event| *event == name).count();
    assert_eq!(
        (count("PlaybookStarted"), count("StepOverdue"), count("StepCompleted")),
        (1, 1, 6),
        "five and the branch"
    );
    let mut struck = 0;
    for seed in 0..SEEDS {
        let rates: Rates = Fault::ALL.map(|fault| (fault, 40)).into();
        let mut stage = stage(Faults::seeded(seed, rates));
        assert_eq!(stage.live(), expected, "seed {seed}");
        struck += stage.faults.struck().values().sum::<u64>();
    }
    assert!(struck > SEEDS * 10, "{struck} faults struck");
}

#[test]
fn a128_the_edge_gives_the_same_answer_to_the_same_key_and_refuses_it_for_other_content() {
    let mut stage = stage(Faults::none());
    let account = json!({ "name": "Acme", "arr_cents": 1, "segment": "enterprise", "stage": "onboarding" });
    let put =
        Ask { function: "ingest", method: "PUT", route: "/accounts/{id}", parameters: &[("id", "acme")], id: "put" };
    stage.insist(&put, &account);
    let parameters = [("workflow_id", "onboarding")];
    let execute = Ask {
        function: "trigger",
        method: "POST",
        route: "/execute/{workflow_id}",
        parameters: &parameters,
        id: "key",
    };
    let ask = |sponsor: &str| {
        let body = json!({ "account": "acme", "parameters": { "sponsor": sponsor } });
        stage.client.ask(&stage.host, &execute, serde_json::to_vec(&body).unwrap()).unwrap()
    };
    let first = ask("Lee");
    assert_eq!(first.status, 202, "{}", first.body);
    assert!(first.headers["location"].starts_with("/api/v1/cs-ops/executions/exec-"), "{:?}", first.headers);
    for _ in 0..3 {
        let again = ask("Lee");
        assert_eq!((again.status, &again.body), (202, &first.body));
        assert_eq!(again.headers["idempotent-replayed"], "true");
    }
    let other = ask("Kim");
    assert_eq!(other.status, 409);
    assert!(other.body.contains("idempotency_key_reused"), "{}", other.body);
}

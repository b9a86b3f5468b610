//! A thousand seeds of faults over a small portfolio, against the same portfolio without a fault.
//!
//! Five accounts live through an eventful morning, one of four: a competitor is seen and executives stay away; incidents
//! come and are answered or not; cases are taken on and end; people begin a playbook, settle its steps and close a call to
//! action. Records are refused, come twice and overtake each other.
//! Under each seed messages are duplicated, delayed and reordered,
//! functions crash between commit and publish, commits lose races and answers, bus and queue fail. Whoever is told by a
//! webhook is told through a destination that is down for an hour, fails and loses receipts ([`outside`]). When the faults
//! have stopped and the dead letters were put back once, it must be as if nothing had happened:
//!
//! - **the same state**: every item of the table, but for what says *how* it came about. Left out are: items of runs and
//!   idempotency keys, what doors counted of their answers, the cursor and the places of due work, the leased places of executions, and the score history, the
//!   chain of decisions, the timeline and the facts that report keeps, which hold one entry for each look that was taken; of the others, versions and what names them, the
//!   handled messages, what points into the chain, the moments at which functions looked, and of an escalation who of a
//!   role was told and, once it is taken on, how far up the ladder it had got, for both depend on when its news arrived. Kept are: accounts, series,
//!   signals, cases, health with its parts, episodes with their calls to action, escalations with their clocks,
//!   quarantine, the rows of the report (but for what they count of facts, and when: each fact tells of a look).
//! - **told**: everybody outside was told each thing, a repeat under the same id, and nothing that was over by then.
//! - **each once**: one opening of each call to action, escalation and step of a playbook, and one effect of each step,
//!   however often it was told.
//! - **nothing lost**: no outbox holds an event that did not go out, and every opening is in the timeline.
//! - **queues empty**: what is not handled is a dead letter with its reason (A6).

#[path = "simulation/outside.rs"]
mod outside;

use contract::event::{Event, Fact, FunctionName};
use contract::execution::{Executed, ExecutionItem};
use contract::ingest::SignalsAnswer;
use contract::trigger::CtaPage;
use domain::id::{PersonId, TenantId};
use jiff::{SignedDuration, Timestamp};
use local::client::{Ask, Client};
use local::clock::StandingClock;
use local::command::TEMPLATE;
use local::faults::{Fault, Faults, Rates};
use local::functions;
use local::host::{Host, Parts};
use local::wiring::Wiring;
use outside::Outside;
use platform::environment::Environment;
use platform::function::{Function, Ports};
use platform::metrics::Nowhere;
use platform::table::Item;
use platform::table::embedded::{Durability, EmbeddedTable};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

/// How many seeds are played; others with `CS_OPS_SEEDS`.
const SEEDS: u64 = 1000;
const TENANT: &str = "t";
const LINK: &str = "https://docs.example.com/x";
/// How often a client sends a request again before it gives up.
const TRIES: u32 = 40;

/// What is the same at the end, whatever happened on the way.
#[derive(Debug, PartialEq)]
struct End {
    /// The items, without what says how they came about.
    items: BTreeMap<String, Value>,
    /// How often each call to action, escalation and step was opened, and each effect asked for: by distinct events.
    openings: BTreeMap<String, usize>,
}

/// What somebody does.
enum Deed {
    /// A source sends records, so many of which are refused.
    Tell(Vec<Value>, usize),
    /// A person begins the onboarding of an account, which was signed just now.
    Begin(&'static str),
    /// A person completes a step, with its evidence.
    Complete(&'static str, Value),
    /// A person closes what a rule opened on an account.
    Close(&'static str, &'static str),
}

/// A morning: what is done, by the minute.
type Story = Vec<(i64, Deed)>;

/// What a run went through.
#[derive(Default)]
struct Tally {
    struck: BTreeMap<Fault, u64>,
    dead_letters: usize,
    missed_ticks: usize,
    differences: Vec<String>,
    /// Pages that reached somebody outside.
    pages: usize,
    /// How often the destination was taken for down.
    downs: usize,
}

struct Stage<'a> {
    host: Host,
    table: Arc<EmbeddedTable>,
    outside: Arc<Outside>,
    faults: Arc<Faults>,
    client: &'a Client,
    events: Arc<Mutex<BTreeMap<String, Event>>>,
    /// The playbook that runs.
    execution: String,
}

fn morning() -> Timestamp {
    "2026-01-05T06:00:00Z".parse().unwrap()
}

fn after_minutes(minutes: i64) -> Timestamp {
    morning() + SignedDuration::from_mins(minutes)
}

/// The deployed wiring, with two runs over the portfolio in the time that is simulated.
fn wiring() -> Wiring {
    let rates = [
        ("ScoreSchedule", "rate(8 hours)"),
        ("SweepSchedule", "rate(8 hours)"),
        ("WatchSchedule", "rate(8 hours)"),
        ("ClockSchedule", "rate(15 minutes)"),
    ];
    Wiring::read(TEMPLATE, &rates.map(|(name, rate)| (name.to_owned(), rate.to_owned())).into()).unwrap()
}

/// What all stages have in common: reading the template and making keys take longer than a morning.
struct House {
    wiring: Wiring,
    client: Client,
}

impl House {
    fn new() -> Self {
        // Tokens end long after the clock at which they are checked.
        let clock = Arc::new(StandingClock::new(morning()));
        let client = Client::new(TenantId::new(TENANT).unwrap(), PersonId::new("feed").unwrap(), clock).unwrap();
        Self { wiring: wiring(), client }
    }
}

fn stage(house: &House, faults: Arc<Faults>, down: Range<i64>) -> Stage<'_> {
    let clock = Arc::new(StandingClock::new(morning()));
    let table = Arc::new(EmbeddedTable::memory(clock.clone()).unwrap());
    table.set_durability(Durability::OnFlush);
    let events = Arc::new(Mutex::new(BTreeMap::new()));
    let heard = events.clone();
    let parts = Parts {
        wiring: house.wiring.clone(),
        table: table.clone(),
        clock: clock.clone(),
        faults: faults.clone(),
        metrics: Arc::new(Nowhere),
        witness: Arc::new(move |event| {
            heard.lock().unwrap().insert(event.meta.event_id.to_string(), event.clone());
        }),
    };
    let down = after_minutes(down.start)..after_minutes(down.end);
    let outside = Arc::new(Outside::new(faults.clone(), clock, table.clone(), down));
    let reached = outside.clone();
    let build = move |name, ports: Ports| -> Result<Arc<dyn Function>, String> {
        match name {
            FunctionName::Escalate => Ok(Arc::new(reached.clone().connected(ports)?)),
            other => functions::build(other, ports),
        }
    };
    let host = Host::new(parts, build).unwrap();
    Stage { host, table, outside, faults, client: &house.client, events, execution: String::new() }
}

impl Stage<'_> {
    /// Asks until there is an answer, as a client does that wants its facts in: at most a minute apart.
    fn insist(&mut self, ask: &Ask<'_>, body: &Value) -> String {
        let mut last = String::new();
        for _ in 0..TRIES {
            let response = self.client.ask(&self.host, ask, serde_json::to_vec(body).unwrap()).unwrap();
            match response.status {
                200..300 => return response.body,
                // Busy, went away, or the first try still holds the key: the same again a little later.
                409 | 429 | 500.. => {
                    last = response.body;
                    self.host.advance(self.host.now() + SignedDuration::from_secs(61));
                }
                status => panic!("{ask} was answered with {status}: {}", response.body),
            }
        }
        panic!("{ask} was tried {TRIES} times: {last}")
    }

    fn account(&mut self, id: &str, stage: &str) {
        let body = json!({
            "name": format!("Account {id}"), "arr_cents": 25_000_000, "segment": "enterprise", "stage": stage,
            "renewal_on": "2026-06-30", "owner": "csm-1"
        });
        let name = format!("put-{id}-{stage}");
        let ask =
            Ask { function: "ingest", method: "PUT", route: "/accounts/{id}", parameters: &[("id", id)], id: &name };
        self.insist(&ask, &body);
    }

    fn signals(&mut self, name: &str, signals: &[Value]) -> SignalsAnswer {
        let ask = Ask { function: "ingest", method: "POST", route: "/signals", parameters: &[], id: name };
        serde_json::from_str(&self.insist(&ask, &json!({ "signals": signals }))).unwrap()
    }

    fn begin(&mut self, account: &str) {
        self.account(account, "onboarding");
        let body = json!({ "account": account, "parameters": { "sponsor": "Lee" } });
        let parameters = [("workflow_id", "onboarding")];
        let (route, id) = ("/execute/{workflow_id}", "begin");
        let answer =
            self.insist(&Ask { function: "trigger", method: "POST", route, parameters: &parameters, id }, &body);
        self.execution = serde_json::from_str::<Executed>(&answer).unwrap().execution;
    }

    /// Tries until it is so, a minute apart: what is to be changed may not be there yet, or be changed by a try whose answer
    /// was lost.
    fn see_to(&mut self, ask: &Ask<'_>, body: &Value, is_so: impl Fn(&mut Self) -> bool) {
        for number in 0..TRIES {
            if is_so(self) {
                return;
            }
            let id = format!("{}-{number}", ask.id);
            let response =
                self.client.ask(&self.host, &Ask { id: &id, ..*ask }, serde_json::to_vec(body).unwrap()).unwrap();
            match response.status {
                200..300 => return,
                404 | 409 | 429 | 500.. => self.host.advance(self.host.now() + SignedDuration::from_secs(61)),
                status => panic!("{ask} was answered with {status}: {}", response.body),
            }
        }
        panic!("{ask} was tried {TRIES} times")
    }

    fn get(&mut self, route: &str, parameters: &[(&str, &str)]) -> String {
        self.insist(&Ask { function: "trigger", method: "GET", route, parameters, id: "get" }, &json!({}))
    }

    fn complete(&mut self, step: &str, evidence: &Value) {
        let execution = self.execution.clone();
        let parameters = [("id", execution.as_str()), ("step", step), ("action", "complete")];
        let route = "/executions/{id}/steps/{step}/{action}";
        let ask = Ask { function: "trigger", method: "POST", route, parameters: &parameters, id: step };
        self.see_to(&ask, &json!({ "evidence": evidence }), |stage| {
            let item: ExecutionItem = serde_json::from_str(&stage.get("/executions/{id}", &parameters[..1])).unwrap();
            item.steps.iter().any(|one| one.step == step && one.state == "done")
        });
    }

    /// Closes a call to action, once it is there.
    fn close(&mut self, account: &str, rule: &str) {
        for _ in 0..TRIES {
            let page: CtaPage = serde_json::from_str(&self.get("/ctas", &[])).unwrap();
            let Some(cta) = page.ctas.into_iter().find(|cta| cta.account == account && cta.rule == rule) else {
                self.host.advance(self.host.now() + SignedDuration::from_secs(61));
                continue;
            };
            let parameters = [("id", cta.cta.as_str()), ("action", "close")];
            let ask = Ask {
                function: "trigger",
                method: "POST",
                route: "/ctas/{id}/{action}",
                parameters: &parameters,
                id: "close",
            };
            return self.see_to(&ask, &json!({ "outcome": "won them back" }), |stage| {
                let page: CtaPage = serde_json::from_str(&stage.get("/ctas", &[])).unwrap();
                page.ctas.iter().any(|one| one.cta == cta.cta && one.status == "closed")
            });
        }
        panic!("`{rule}` opened nothing on `{account}`")
    }

    /// A morning. What is done depends on nothing but the minute.
    fn live(&mut self, story: &Story) {
        for id in ["a", "b", "c", "d", "e"] {
            self.account(id, "steady");
        }
        for (minutes, deed) in story {
            self.host.advance(after_minutes(*minutes).max(self.host.now()));
            match deed {
                Deed::Tell(signals, refused) => {
                    let answer = self.signals(&format!("post-{minutes}"), signals);
                    assert_eq!(answer.refused, *refused, "{:?}", answer.results);
                }
                Deed::Begin(account) => self.begin(account),
                Deed::Complete(step, evidence) => self.complete(step, evidence),
                Deed::Close(account, rule) => self.close(account, rule),
            }
        }
        self.host.advance(after_minutes(8 * 60));
    }

    /// No more faults. What waits comes to its end; what was given up is put back once; a last run looks at everything.
    fn calm(&mut self, tally: &mut Tally) {
        self.faults.stop();
        self.host.advance(after_minutes(9 * 60 + 30));
        let letters = self.host.queues().dead_letters();
        assert!(letters.iter().all(|letter| !letter.reason.is_empty()), "{letters:?}");
        tally.dead_letters += letters.len();
        tally.missed_ticks += self.host.missed_ticks().len();
        self.host.queues().redrive(self.host.now());
        self.host.advance(after_minutes(16 * 60));
        let queues = self.host.queues();
        assert_eq!((queues.waiting(), queues.dead_letters()), (0, Vec::new()), "queues are not empty");
        for (fault, count) in self.faults.struck() {
            *tally.struck.entry(fault).or_default() += count;
        }
        let events = self.events.lock().unwrap();
        tally.pages += self.outside.assert_everybody_was_told(events.values());
        tally.downs += events.values().filter(|event| matches!(event.fact, Fact::DestinationDown(_))).count();
    }

    fn end(&self) -> End {
        let items: Vec<Item> = self.table.export().unwrap().map(Result::unwrap).collect();
        let timeline: String =
            items.iter().filter(|item| item.key.sk.starts_with("timeline#")).map(|item| item.key.sk.as_str()).collect();
        let mut openings = BTreeMap::new();
        for event in self.events.lock().unwrap().values() {
            let account = event.meta.account.as_ref().map_or("", |account| account.as_str());
            let what = match &event.fact {
                Fact::CtaOpened(opened) => format!("{account} cta {}", opened.cta.rule),
                Fact::EscalationOpened(opened) => format!("{account} escalation {}", opened.escalation.escalation),
                Fact::StepOpened(opened) => format!("{account} step {}", opened.step.step),
                Fact::EffectRequested(asked) => format!("{account} effect of {}", asked.step),
                _ => continue,
            };
            *openings.entry(what).or_default() += 1;
            assert!(timeline.contains(event.meta.event_id.as_str()), "not in the timeline: {event:?}");
        }
        items.iter().for_each(|item| self.assert_nothing_kept_back(item));
        End { items: items.iter().filter_map(kept).collect(), openings }
    }

    /// An outbox may still hold events when only its emptying failed, but none that did not go out.
    fn assert_nothing_kept_back(&self, item: &Item) {
        let body: Value = serde_json::from_slice(&item.body).unwrap();
        for event in body.get("outbox").and_then(Value::as_array).into_iter().flatten() {
            let id = event["meta"]["event_id"].as_str().unwrap();
            assert!(
                self.events.lock().unwrap().contains_key(id),
                "{:?} holds an event that did not go out: {event}",
                item.key
            );
        }
    }
}

/// What is done on each morning.
fn stories() -> [Story; 4] {
    let case = |account: &str, case: &str, severity: &str, status: &str, minute: i64| {
        let mut signal = signal(account, "helpdesk", &format!("{case}-{status}"), minute, "case_event", 1);
        signal["case"] = json!({ "id": case, "severity": severity, "status": status });
        signal
    };
    let meeting = |id: &str, minute: i64| {
        let mut signal = signal("e", "calendar", id, minute, "meeting_event", 1);
        signal["meeting"] = json!({ "id": id, "result": "missed", "executive": true });
        signal
    };
    let mut competitor = signal("a", "crm", "rival", 5, "competitor_seen", 80);
    competitor["unit"] = json!("percent");
    competitor["competitor"] = json!({ "name": "Rival", "expires_at": "2026-03-01T00:00:00Z" });
    let use_of = |account: &str, minute: i64| {
        signal(account, "telemetry", &format!("use-{account}-{minute}"), minute, "active_users", 120)
    };
    let nonsense = signal("a", "telemetry", "bad", 20, "active_users", -5);
    [
        vec![
            (10, Deed::Tell(vec![use_of("a", 1), use_of("b", 2), competitor.clone(), meeting("m1", 3)], 0)),
            (40, Deed::Tell(vec![nonsense, competitor.clone(), use_of("a", 35), meeting("m2", 30)], 1)),
            (90, Deed::Tell(vec![use_of("a", 34), use_of("e", 80)], 0)),
        ],
        vec![
            (25, Deed::Tell(vec![case("b", "b1", "critical", "opened", 20), use_of("b", 10)], 0)),
            (
                55,
                Deed::Tell(
                    vec![case("b", "b1", "critical", "responded", 50), case("b", "b2", "high", "opened", 45)],
                    0,
                ),
            ),
            (120, Deed::Tell(vec![case("b", "b1", "critical", "resolved", 115), use_of("b", 9)], 0)),
        ],
        vec![
            (60, Deed::Tell(vec![case("c", "c1", "high", "opened", 45), use_of("c", 50)], 0)),
            (
                150,
                Deed::Tell(vec![case("c", "c1", "high", "responded", 130), case("d", "d1", "low", "opened", 100)], 0),
            ),
            (
                240,
                Deed::Tell(vec![case("c", "c1", "high", "resolved", 230), case("d", "d1", "low", "responded", 235)], 0),
            ),
        ],
        vec![
            (5, Deed::Begin("b")),
            (20, Deed::Tell(vec![competitor, use_of("b", 15)], 0)),
            (60, Deed::Complete("stakeholders", json!({}))),
            (61, Deed::Complete("environment", json!({ "environment_report": LINK }))),
            (120, Deed::Close("a", "competitive-activity")),
            (180, Deed::Complete("plan", json!({ "project_plan": LINK }))),
            (200, Deed::Complete("infrastructure", json!({}))),
            (201, Deed::Complete("security", json!({ "compliance_confirmation": LINK }))),
        ],
    ]
}

fn signal(account: &str, source: &str, id: &str, minute: i64, metric: &str, value: i64) -> Value {
    let at = after_minutes(minute).to_string();
    json!({ "source": source, "id": id, "account": account, "at": at, "metric": metric, "value": value, "unit": "count" })
}

/// An item without what says how it came about; nothing, where it says nothing else.
fn kept(item: &Item) -> Option<(String, Value)> {
    let (pk, sk) = (item.key.pk.as_str(), item.key.sk.as_str());
    let partitions = [
        "#RUN#",
        "#IDEMPOTENCY#",
        "#DUE",
        "#WORKFLOW_SLOT",
        "#ESCALATION_LOG#",
        "#OPEN_CASE",
        "#SLA_HISTORY#",
        "#TOLD#",
        "#DESTINATION",
        "#ANSWERS",
    ];
    let how = partitions.iter().any(|part| pk.contains(part))
        || ["score#", "audit#", "timeline#", "fact#"].iter().any(|part| sk.starts_with(part));
    if how {
        return None;
    }
    let mut body: Value = serde_json::from_slice(&item.body).unwrap();
    if let Some(head) = body.as_object_mut() {
        head.remove("handled");
        head.remove("outbox");
        // What was counted, and when it was so, is of the facts that came, and they are of the looks that were taken.
        if let Some(row) = head.get_mut("state").and_then(Value::as_object_mut).filter(|_| pk.contains("#PORTFOLIO")) {
            ["past", "counted"].iter().for_each(|name| drop(row.remove(*name)));
        }
    }
    let of_ingest =
        ["state#account", "state#series"].contains(&sk) || sk.starts_with("signal#") || sk.starts_with("case#");
    if !of_ingest {
        forget_looks(&mut body);
    }
    if pk.contains("#STORY") {
        forget_seconds(&mut body);
    }
    Some((format!("{pk} {sk}"), body))
}

/// Takes away the moments of a story, which are whole numbers there, and who of a ladder was told at them.
fn forget_seconds(value: &mut Value) {
    match value {
        Value::Number(number) if number.as_i64() > Some(1_000_000_000) => *value = json!("(a moment)"),
        Value::Array(values) => values.iter_mut().for_each(forget_seconds),
        Value::Object(fields) => {
            fields.remove("told");
            fields.values_mut().for_each(forget_seconds);
        }
        _ => {}
    }
}

/// Takes away the moments at which functions looked, what counts their looks or points to them, how far up the ladder
/// an escalation got before it was taken on, and who of a role was told (the role is kept): these depend on when the
/// news arrived, for shifts change in the morning and whoever has the least to do is asked.
fn forget_looks(value: &mut Value) {
    match value {
        Value::String(text) if text.parse::<Timestamp>().is_ok() => *value = json!("(a moment)"),
        Value::Array(values) => values.iter_mut().for_each(forget_looks),
        Value::Object(fields) => {
            let taken_on = ["acknowledged", "resolved"].map(Value::from);
            let status = fields.get("status").map(|status| status.get("status").unwrap_or(status));
            let acknowledged = fields.get("acknowledged") == Some(&Value::Bool(true));
            if acknowledged || status.is_some_and(|status| taken_on.contains(status)) {
                ["step", "repeats", "role", "told"].iter().for_each(|name| drop(fields.remove(*name)));
            }
            // To whom a case went and what its clocks showed when it was written down.
            let looked = ["route", "state", "elapsed_seconds", "paused_seconds", "closed_seconds"];
            let is_clock = fields.contains_key("elapsed_seconds");
            let names = looked.iter().filter(|name| is_clock || **name == "route");
            names.for_each(|name| drop(fields.remove(*name)));
            ["audit", "event", "seconds_to_breach", "seen"].iter().for_each(|name| drop(fields.remove(*name)));
            if let Some(Value::Array(told)) = fields.get_mut("told") {
                told.iter_mut().filter_map(Value::as_object_mut).for_each(|told| drop(told.remove("person")));
            }
            fields.values_mut().for_each(forget_looks);
        }
        _ => {}
    }
}

fn rates(seed: u64) -> Rates {
    let often = [10, 30, 60][usize::try_from(seed / 4 % 3).unwrap()];
    Fault::ALL.map(|fault| (fault, often)).into()
}

/// When the destination is down: an hour, on each seed another one; never where nothing is to go wrong.
fn down(seed: Option<u64>) -> Range<i64> {
    seed.map_or(0..0, |seed| {
        let from = 15 + i64::try_from(seed / 12 % 10).unwrap() * 10;
        from..from + 60
    })
}

fn run(house: &House, morning: usize, seed: Option<u64>, tally: &mut Tally) -> End {
    let faults = seed.map_or_else(Faults::none, |seed| Faults::seeded(seed, rates(seed)));
    let mut stage = stage(house, faults, down(seed));
    stage.live(&stories()[morning]);
    stage.calm(tally);
    stage.end()
}

/// Where two ends differ.
fn differences(actual: &End, expected: &End) -> Vec<String> {
    let names: BTreeSet<&String> = actual.items.keys().chain(expected.items.keys()).collect();
    let items = names.into_iter().filter_map(|name| {
        let (actual, expected) = (actual.items.get(name), expected.items.get(name));
        (actual != expected).then(|| {
            let text = |value: Option<&Value>| value.map_or("nothing".to_owned(), Value::to_string);
            format!("item {name}\n  is        {}\n  should be {}", text(actual), text(expected))
        })
    });
    let mut found: Vec<String> = items.collect();
    if actual.openings != expected.openings {
        found.push(format!("openings\n  are       {:?}\n  should be {:?}", actual.openings, expected.openings));
    }
    found
}

/// Takes seeds until there are none left.
fn work(house: &House, next: &AtomicU64, seeds: u64, expected: &[End]) -> Tally {
    let mut tally = Tally::default();
    loop {
        let seed = next.fetch_add(1, Ordering::Relaxed);
        if seed >= seeds {
            return tally;
        }
        let morning = usize::try_from(seed).unwrap() % expected.len();
        let end = run(house, morning, Some(seed), &mut tally);
        let differences = differences(&end, &expected[morning]);
        tally.differences.extend(differences.into_iter().map(|text| format!("seed {seed}: {text}")));
    }
}

#[test]
fn a6_a144_a_thousand_seeds_of_faults_end_as_if_nothing_had_happened() {
    let house = House::new();
    let mut calm = Tally::default();
    let expected = [0, 1, 2, 3].map(|morning| run(&house, morning, None, &mut calm));
    assert_eq!((calm.dead_letters, calm.missed_ticks), (0, 0), "without a fault nothing is given up");
    for end in &expected {
        assert!(end.openings.len() >= 2, "too little happens: {:?}", end.openings);
        assert!(end.openings.values().all(|count| *count == 1), "{:?}", end.openings);
    }

    let asked = Environment::process().get("CS_OPS_SEEDS").and_then(|text| text.parse().ok());
    let (next, seeds) = (AtomicU64::new(0), asked.unwrap_or(SEEDS));
    let tallies: Vec<Tally> = std::thread::scope(|scope| {
        let threads = std::thread::available_parallelism().map_or(2, usize::from);
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(|| work(&house, &next, seeds, &expected))).collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).collect()
    });

    let differences: Vec<&String> = tallies.iter().flat_map(|tally| &tally.differences).collect();
    let shown: Vec<&str> = differences.iter().take(10).map(|text| text.as_str()).collect();
    assert!(differences.is_empty(), "{} differences, the first of them:\n{}", differences.len(), shown.join("\n"));
    let sum = |count: fn(&Tally) -> usize| tallies.iter().map(count).sum::<usize>();
    let (letters, missed) = (sum(|tally| tally.dead_letters), sum(|tally| tally.missed_ticks));
    let (pages, downs) = (sum(|tally| tally.pages), sum(|tally| tally.downs));
    println!("{seeds} seeds; {letters} dead letters put back; {missed} ticks missed");
    println!("{pages} pages arrived; the destination was taken for down {downs} times");
    for fault in Fault::ALL {
        let struck = tallies.iter().filter_map(|tally| tally.struck.get(&fault)).sum::<u64>();
        println!("{fault:?} struck {struck} times");
        assert!(struck > seeds / 10, "{fault:?} struck {struck} times");
    }
    assert!(letters > 0, "no message was ever given up, so putting back was not tried");
    let least = usize::try_from(seeds / 10).unwrap();
    assert!(pages > least && downs > least, "{pages} pages arrived, {downs} times it was down");
}

#[test]
fn the_same_seed_of_faults_gives_the_same_bytes() {
    let house = House::new();
    let bytes = |seed| {
        let mut stage = stage(&house, Faults::seeded(seed, rates(6)), down(Some(seed)));
        stage.live(&stories()[1]);
        stage.table.export().unwrap().map(|item| format!("{:?}", item.unwrap())).collect::<Vec<_>>()
    };
    assert_eq!(bytes(11), bytes(11));
    assert_ne!(bytes(11), bytes(12));
}

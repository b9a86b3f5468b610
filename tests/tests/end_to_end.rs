//! The whole set on LocalStack, deployed from the template: what goes in by HTTP comes out as scores, calls to action,
//! escalations and reports, once in effect; what is wrong harms only itself.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking, helpers included"
)]
#![expect(
    clippy::disallowed_methods,
    reason = "the deployed functions run on the machine's clock, so their signals must too"
)]

use domain::id::{PersonId, TenantId};
use jiff::{SignedDuration, Timestamp};
use local::client::SCOPES;
use local::issuer::Issuer;
use serde_json::{Value, json};
use std::io::{BufReader, Write};
use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tests::bootstrap::http::Exchange;
use tests::localstack::{Emulator, Stack, TimedOut, functions, wait_until};

const BASE: &str = "/api/v1/cs-ops";
const ISSUER: &str = "https://issuer.example";
const ACCOUNT: &str = "acme";

#[test]
fn signals_become_scores_calls_to_action_escalations_and_reports() {
    let set = Deployed::new();
    set.the_edge_refuses_who_may_not_ask();
    set.an_account_is_described();
    set.a_malformed_record_is_refused_with_its_path_and_its_neighbours_are_kept();
    set.the_score_is_in_the_table_and_on_the_bus();
    set.a_decline_opened_a_call_to_action_and_a_critical_case_an_escalation();
    set.the_live_report_shows_them();
    set.a41_a_scheduled_rule_fires_a_scoring_run();
    set.a_redelivered_message_changes_nothing();
    set.a6_a_poison_message_ends_with_the_dead_letters_and_its_neighbours_do_not();
    set.emulator.stop().unwrap();
}

/// The stack, a token for it, and a queue that hears everything on its bus.
struct Deployed {
    emulator: Emulator,
    stack: Stack,
    issuer: Arc<Issuer>,
    api: String,
    probe: String,
}

impl Deployed {
    fn new() -> Self {
        let emulator = Emulator::start().unwrap();
        let code = functions::place().unwrap();
        let issuer = Arc::new(Issuer::named(ISSUER).unwrap());
        let jwks_url = serve(issuer.key_set().unwrap());
        let template = Path::new(env!("CARGO_MANIFEST_DIR")).join("../infra/template.yaml");
        let parameters = [
            ("Architecture", "x86_64"),
            ("Stage", "test"),
            ("JwtIssuer", ISSUER),
            ("JwtAudience", "cs-ops"),
            ("JwksUrl", &jwks_url),
            ("ScoreSchedule", "rate(1 minute)"),
        ];
        let stack = emulator.deploy(&template, &code, &parameters).unwrap();
        let probe = hear_everything(&emulator, &stack);
        let api = emulator.api_url(stack.physical_id("Api").unwrap(), "test");
        Self { emulator, stack, issuer, api, probe }
    }

    fn token(&self, tenant: &str, scopes: &[&str]) -> String {
        let (tenant, person) = (TenantId::new(tenant).unwrap(), PersonId::new("end-to-end").unwrap());
        self.issuer.mint(&tenant, &person, scopes, SignedDuration::from_hours(1), Timestamp::now()).unwrap()
    }

    fn ask(
        &self,
        method: &str,
        path: &str,
        token: Option<&str>,
        key: Option<&str>,
        body: Option<&Value>,
    ) -> (u16, Value) {
        let mut request = ureq::http::Request::builder().method(method).uri(format!("{}{BASE}{path}", self.api));
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(60)))
            .build();
        let body = body.map(Value::to_string).unwrap_or_default();
        let request = request.header("content-type", "application/json").body(body).unwrap();
        let mut answer = ureq::Agent::new_with_config(agent).run(request).unwrap();
        let text = answer.body_mut().read_to_string().unwrap();
        (answer.status().as_u16(), serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    fn get(&self, path: &str) -> (u16, Value) {
        self.ask("GET", path, Some(&self.token("t1", &SCOPES)), None, None)
    }

    /// Waits until a read answers with what is looked for.
    #[track_caller]
    fn wait_for<T>(&self, what: &str, look: impl Fn() -> Option<T>) -> T {
        wait_until::<T, TimedOut>(Duration::from_secs(240), what, || Ok(look()))
            .unwrap_or_else(|error| panic!("{error}{}", self.emulator.diagnosis()))
    }

    fn the_edge_refuses_who_may_not_ask(&self) {
        let (status, body) = self.ask("GET", "/ctas", None, None, None);
        assert_eq!(
            (status, &body["type"]),
            (401, &json!("urn:cs-ops:problem:unauthorized")),
            "{body}{}",
            self.emulator.diagnosis()
        );
        let reader = self.token("t1", &["cs-ops.report.read"]);
        let (status, body) = self.ask("GET", "/ctas", Some(&reader), None, None);
        assert_eq!(status, 403, "a142: {body}");
        assert!(body["detail"].as_str().unwrap().contains("cs-ops.trigger.read"), "{body}");
    }

    fn an_account_is_described(&self) {
        let account = json!({"name": "Acme", "arr_cents": 12_000_000, "segment": "enterprise", "stage": "steady"});
        let (status, body) =
            self.ask("PUT", &format!("/accounts/{ACCOUNT}"), Some(&self.token("t1", &SCOPES)), None, Some(&account));
        assert_eq!((status, &body["created"]), (200, &json!(true)), "{body}");
    }

    fn a_malformed_record_is_refused_with_its_path_and_its_neighbours_are_kept(&self) {
        let mut signals: Vec<Value> = (1..=84).map(|age| usage(age, if age <= 14 { 55 } else { 100 })).collect();
        let mut malformed = usage(1, 0);
        malformed["value"] = json!("many");
        signals.insert(3, malformed);
        signals.push(critical_case());
        let body = json!({"signals": signals});
        let token = self.token("t1", &SCOPES);
        let (status, answer) = self.ask("POST", "/signals", Some(&token), Some("first-batch"), Some(&body));
        assert_eq!((status, &answer["accepted"], &answer["refused"]), (202, &json!(85), &json!(1)), "{answer}");
        assert_eq!(answer["results"][3]["errors"][0]["path"], "signals[3].value", "{answer}");
        let (_, again) = self.ask("POST", "/signals", Some(&token), Some("first-batch"), Some(&body));
        assert_eq!(again, answer, "the same key answers the same");
        let (status, other) = self.ask("POST", "/signals", Some(&token), Some("first-batch"), Some(&usage(1, 7)));
        assert_eq!(status, 409, "{other}");
        let (_, quarantine) = self.get("/quarantine");
        assert_eq!(quarantine["records"].as_array().unwrap().len(), 1, "{quarantine}");
    }

    fn the_score_is_in_the_table_and_on_the_bus(&self) {
        let score = self.wait_for("the account's score", || {
            let (status, body) = self.get(&format!("/accounts/{ACCOUNT}/health"));
            (status == 200).then(|| body["score"].as_str().unwrap().to_owned())
        });
        let item = self.item("state#health").expect("the score is in DynamoDB");
        assert!(item["state"]["health"]["health"]["score"].is_string(), "{item}");
        let event = self.hear("HealthScored");
        assert_eq!(event["detail"]["meta"]["account"], ACCOUNT);
        assert!(!score.is_empty());
        let (status, _) =
            self.ask("GET", &format!("/accounts/{ACCOUNT}/health"), Some(&self.token("t2", &SCOPES)), None, None);
        assert_eq!(status, 404, "another tenant's account does not exist");
    }

    fn a_decline_opened_a_call_to_action_and_a_critical_case_an_escalation(&self) {
        self.wait_for("a call to action from the decline", || {
            let (_, body) = self.get("/ctas?status=open");
            body["ctas"].as_array()?.iter().find(|cta| cta["rule"] == "usage-decline").cloned()
        });
        let escalation = self.wait_for("an escalation from the critical case", || {
            let (_, body) = self.get("/escalations/active");
            body["escalations"].as_array()?.iter().find(|escalation| escalation["cause"] == "case").cloned()
        });
        assert_eq!(
            (&escalation["severity"], &escalation["status"]),
            (&json!("critical"), &json!("open")),
            "{escalation}"
        );
    }

    fn the_live_report_shows_them(&self) {
        self.wait_for("the live report", || {
            let (_, live) = self.get("/performance/live");
            let shown = live["accounts"] == 1
                && live["open_cta_count"].as_u64()? >= 1
                && live["open_escalation_count"].as_u64()? >= 1;
            shown.then_some(())
        });
        let (status, page) = self.ask("GET", "/dashboard", None, None, None);
        assert!(status == 200 && page.as_str().unwrap().contains("<h1>Portfolio</h1>"), "{page}");
    }

    fn a41_a_scheduled_rule_fires_a_scoring_run(&self) {
        let event = self.hear("ScoreRunCompleted");
        assert_eq!(event["detail"]["data"]["accounts"], 1, "{event}");
    }

    fn a_redelivered_message_changes_nothing(&self) {
        let opened = self.hear_kept("CaseOpened");
        let before = self.effects();
        for _ in 0..3 {
            self.send("EscalationsQueue", &opened.to_string());
        }
        self.wait_for("the repeats to be handled", || self.is_drained("EscalationsQueue").then_some(()));
        assert_eq!(self.effects(), before);
    }

    fn a6_a_poison_message_ends_with_the_dead_letters_and_its_neighbours_do_not(&self) {
        let queue = self.queue("SignalsQueue");
        // Production waits minutes between tries; a test need not.
        self.aws(&["sqs", "set-queue-attributes", "--queue-url", &queue, "--attributes", "VisibilityTimeout=1"]);
        self.send("SignalsQueue", "this is poison");
        let token = self.token("t1", &SCOPES);
        let (status, answer) = self.ask("POST", "/signals", Some(&token), Some("beside-poison"), Some(&usage(0, 41)));
        assert_eq!(status, 202, "{answer}");
        self.wait_for("the poison among the dead letters", || {
            let dead = self.aws(&[
                "sqs",
                "receive-message",
                "--queue-url",
                &self.queue("SignalsDeadLetters"),
                "--visibility-timeout",
                "0",
            ]);
            (dead["Messages"][0]["Body"] == "this is poison").then_some(())
        });
        self.wait_for("the neighbour's signal", || {
            let page = self.item(&format!("signal#{}", day(0)))?;
            page.to_string().contains("u-0").then_some(())
        });
    }

    /// What decisions about the account left behind: its escalations, and every link of their chain.
    fn effects(&self) -> Vec<Option<Value>> {
        let state = self.item("state#escalations").map(|mut head| head["state"].take());
        let links = (1..=9).map(|number| self.item(&format!("audit#escalate#{number:012}")));
        std::iter::once(state).chain(links).collect()
    }

    fn item(&self, sk: &str) -> Option<Value> {
        let table = self.stack.physical_id("Table").unwrap();
        let key = json!({"pk": {"S": format!("T#t1#A#{ACCOUNT}")}, "sk": {"S": sk}}).to_string();
        let found = self.aws(&["dynamodb", "get-item", "--consistent-read", "--table-name", table, "--key", &key]);
        let body = found["Item"]["body"]["B"].as_str()?;
        serde_json::from_slice(&base64_decode(body)).ok()
    }

    fn queue(&self, logical_id: &str) -> String {
        self.stack.physical_id(logical_id).unwrap().to_owned()
    }

    fn send(&self, queue: &str, body: &str) {
        self.aws(&["sqs", "send-message", "--queue-url", &self.queue(queue), "--message-body", body]);
    }

    fn is_drained(&self, queue: &str) -> bool {
        let url = self.queue(queue);
        let names = "ApproximateNumberOfMessages";
        let answer = self.aws(&[
            "sqs",
            "get-queue-attributes",
            "--queue-url",
            &url,
            "--attribute-names",
            names,
            "ApproximateNumberOfMessagesNotVisible",
        ]);
        let count = |name: &str| answer["Attributes"][name].as_str().and_then(|count| count.parse::<u64>().ok());
        count(names) == Some(0) && count("ApproximateNumberOfMessagesNotVisible") == Some(0)
    }

    /// Waits for an event of this name on the bus, and takes it from the probe.
    fn hear(&self, name: &str) -> Value {
        self.hear_kept(name)
    }

    /// The probe keeps what it hears: messages become visible again at once.
    fn hear_kept(&self, name: &str) -> Value {
        self.wait_for(&format!("`{name}` on the bus"), || {
            let heard = self.aws(&[
                "sqs",
                "receive-message",
                "--queue-url",
                &self.probe,
                "--max-number-of-messages",
                "10",
                "--visibility-timeout",
                "1",
            ]);
            let events = heard["Messages"]
                .as_array()?
                .iter()
                .filter_map(|message| serde_json::from_str(message["Body"].as_str()?).ok());
            events.into_iter().find(|event: &Value| event["detail-type"] == name)
        })
    }

    fn aws(&self, arguments: &[&str]) -> Value {
        self.emulator.aws(arguments).unwrap_or_else(|error| panic!("{error}{}", self.emulator.diagnosis()))
    }
}

fn day(age: i64) -> String {
    Timestamp::now().checked_sub(SignedDuration::from_hours(24 * age)).unwrap().to_string()[..10].to_owned()
}

fn usage(age: i64, value: u32) -> Value {
    let at = Timestamp::now().checked_sub(SignedDuration::from_hours(24 * age)).unwrap();
    json!({"source": "telemetry", "id": format!("u-{age}"), "account": ACCOUNT, "at": at, "metric": "active_users", "value": value, "unit": "count"})
}

fn critical_case() -> Value {
    let case = json!({"id": "case-1", "severity": "critical", "status": "opened"});
    json!({"source": "support", "id": "c-1", "account": ACCOUNT, "at": Timestamp::now(), "metric": "case_event", "value": 1, "unit": "count", "case": case})
}

/// A queue behind a rule that matches every fact.
fn hear_everything(emulator: &Emulator, stack: &Stack) -> String {
    let aws = |arguments: &[&str]| emulator.aws(arguments).unwrap();
    let url = aws(&["sqs", "create-queue", "--queue-name", "probe"])["QueueUrl"].as_str().unwrap().to_owned();
    let attributes = aws(&["sqs", "get-queue-attributes", "--queue-url", &url, "--attribute-names", "QueueArn"]);
    let arn = attributes["Attributes"]["QueueArn"].as_str().unwrap().to_owned();
    let bus = stack.physical_id("Bus").unwrap();
    let pattern = json!({"source": [{"prefix": "cs-ops"}]}).to_string();
    aws(&["events", "put-rule", "--name", "probe", "--event-bus-name", bus, "--event-pattern", &pattern]);
    let targets = json!([{"Id": "probe", "Arn": arn}]).to_string();
    aws(&["events", "put-targets", "--rule", "probe", "--event-bus-name", bus, "--targets", &targets]);
    url
}

/// Serves the issuer's key set on loopback for as long as the test runs.
fn serve(key_set: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/jwks.json", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            if let Ok(Some(_)) = Exchange::read(&mut BufReader::new(&stream)) {
                let head = format!(
                    "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                    key_set.len()
                );
                stream.write_all(format!("{head}{key_set}").as_bytes()).ok();
            }
        }
    });
    url
}

fn base64_decode(text: &str) -> Vec<u8> {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.decode(text).unwrap()
}

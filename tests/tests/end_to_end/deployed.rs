//! The set as it stands deployed, and how a test asks it: over HTTP as callers do, and behind that its table, queues, bus
//! and logs.

use crate::hook::{self, Hook};
use domain::id::{PersonId, TenantId};
use jiff::{SignedDuration, Timestamp};
use local::client::SCOPES;
use local::issuer::Issuer;
use platform::clock::WallClock;
use platform::environment::Environment;
use platform::lambda::aws::Aws;
use platform::table::Table;
use serde_json::{Value, json};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::BufReader;
use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tests::bootstrap::http::{self, Exchange};
use tests::localstack::{Emulator, Stack, TimedOut, functions, wait_until};

const BASE: &str = "/api/v1/cs-ops";
const ISSUER: &str = "https://issuer.example";
const STAGE: &str = "test";
const LIMIT: Duration = Duration::from_secs(180);

/// The queues, lane by lane.
const QUEUES: [&str; 11] = [
    "SignalsUrgentQueue",
    "SignalsQueue",
    "SignalsBulkQueue",
    "ScoresQueue",
    "ScoresBulkQueue",
    "TriggersUrgentQueue",
    "TriggersQueue",
    "TriggersBulkQueue",
    "EscalationsUrgentQueue",
    "EscalationsQueue",
    "FactsQueue",
];

/// The stack, whose tokens it takes, and what was heard on its bus.
pub struct Deployed {
    emulator: Emulator,
    stack: Stack,
    issuer: Issuer,
    api: String,
    probe: String,
    heard: RefCell<Vec<Value>>,
    /// Where people are told.
    pub hook: Hook,
    /// When the test began: what it sends is dated from here.
    pub began: Timestamp,
}

/// Calls of the table.
#[derive(Debug, Clone, Copy)]
pub struct TableCalls {
    pub reads: usize,
    pub writes: usize,
}

/// An answer over HTTP: its status and its body as JSON, or as text where it is none.
pub type Answer = (u16, Value);

impl Deployed {
    /// Deploys the template, with the schedule of the scoring run as fast as it goes.
    #[expect(
        clippy::disallowed_methods,
        reason = "the deployed functions run on the machine's clock, so must the test"
    )]
    pub fn new() -> Self {
        // A new day moves windows and schedules: what is compared must lie within one.
        let midnight_is_far = || (Timestamp::now().as_second() % 86_400 < 86_400 - 600).then_some(());
        wait_until::<(), TimedOut>(Duration::from_secs(900), "the next day", || Ok(midnight_is_far())).unwrap();
        let emulator = Emulator::start().unwrap();
        let code = functions::place().unwrap();
        let issuer = Issuer::named(ISSUER).unwrap();
        let jwks_url = serve(issuer.key_set().unwrap());
        let hook = Hook::listen();
        let destination = json!({"webhook": {"url": hook.url}, "secret": hook::SECRET_NAME});
        let destinations = json!({"destinations": {"hook": destination}, "routes": [{"to": ["hook"]}]}).to_string();
        let secret = ["--name", hook::SECRET_NAME, "--secret-string", &Hook::secret()];
        emulator.aws(&[&["secretsmanager", "create-secret"], &secret[..]].concat()).unwrap();
        let template = Path::new(env!("CARGO_MANIFEST_DIR")).join("../infra/template.yaml");
        let parameters = [
            ("Architecture", if cfg!(target_arch = "aarch64") { "arm64" } else { "x86_64" }),
            ("Stage", STAGE),
            ("JwtIssuer", ISSUER),
            ("JwtAudience", "cs-ops"),
            ("JwksUrl", &jwks_url),
            ("ScoreSchedule", "rate(1 minute)"),
            ("ScoreScheduleSeconds", "60"),
            ("PapersSchedule", "rate(1 minute)"),
            ("PapersScheduleSeconds", "60"),
            ("ProtectTable", "false"),
            ("Destinations", &destinations),
        ];
        let stack = emulator.deploy(&template, &code, &parameters).unwrap();
        let api = emulator.api_url(stack.physical_id("Api").unwrap(), STAGE);
        let probe = hear_everything(&emulator, &stack);
        Self { emulator, stack, issuer, api, probe, heard: RefCell::default(), hook, began: Timestamp::now() }
    }

    /// Stops everything.
    pub fn stop(self) {
        self.emulator.stop().unwrap();
    }

    /// The names of the papers that lie in the bucket.
    pub fn papers(&self) -> Vec<String> {
        let bucket = self.stack.output("PapersBucketName").unwrap();
        let listed = self.emulator.aws(&["s3api", "list-objects-v2", "--bucket", bucket]).unwrap();
        let contents = listed["Contents"].as_array().cloned().unwrap_or_default();
        contents.iter().map(|one| one["Key"].as_str().unwrap().to_owned()).collect()
    }

    /// A paper.
    pub fn paper(&self, name: &str) -> String {
        let bucket = self.stack.output("PapersBucketName").unwrap();
        let path = self.emulator.folder().join("paper");
        let place = path.to_str().unwrap();
        self.emulator.aws(&["s3api", "get-object", "--bucket", bucket, "--key", name, place]).unwrap();
        std::fs::read_to_string(&path).unwrap()
    }

    /// A token of this tenant with these scopes.
    pub fn token(&self, tenant: &str, scopes: &[&str]) -> String {
        let (tenant, person) = (TenantId::new(tenant).unwrap(), PersonId::new("end-to-end").unwrap());
        self.issuer.mint(&tenant, &person, scopes, SignedDuration::from_hours(1), self.began).unwrap()
    }

    /// Asks the API, with nothing but these headers.
    pub fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Option<&Value>) -> Answer {
        let mut request = ureq::http::Request::builder().method(method).uri(format!("{}{BASE}{path}", self.api));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = body.map(Value::to_string).unwrap_or_default();
        let request = request.header("content-type", "application/json").body(body).unwrap();
        let agent =
            ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(Duration::from_secs(60)));
        let mut answer = ureq::Agent::new_with_config(agent.build()).run(request).unwrap();
        let text = answer.body_mut().read_to_string().unwrap();
        (answer.status().as_u16(), serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    /// Asks as somebody of the tenant `t1` who may do everything.
    fn ask_with(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Option<&Value>) -> Answer {
        let token = format!("Bearer {}", self.token("t1", &SCOPES));
        self.ask(method, path, &[&[("authorization", token.as_str())], headers].concat(), body)
    }

    /// Reads as somebody who may.
    pub fn get(&self, path: &str) -> Answer {
        self.ask_with("GET", path, &[], None)
    }

    /// Puts as somebody who may.
    pub fn put(&self, path: &str, body: &Value) -> Answer {
        self.ask_with("PUT", path, &[], Some(body))
    }

    /// Posts as somebody who may, under an idempotency key, and with a correlation id of the same name.
    pub fn post(&self, path: &str, key: &str, body: &Value) -> Answer {
        self.ask_with("POST", path, &[("idempotency-key", key), ("x-correlation-id", key)], Some(body))
    }

    /// Waits until a look gives something. Otherwise the test fails with the ends of all logs.
    #[track_caller]
    pub fn wait_for<T>(&self, what: &str, look: impl FnMut() -> Option<T>) -> T {
        self.wait_within(LIMIT, what, look)
    }

    /// The same within another time.
    #[track_caller]
    pub fn wait_within<T>(&self, limit: Duration, what: &str, mut look: impl FnMut() -> Option<T>) -> T {
        wait_until::<T, TimedOut>(limit, what, || Ok(look()))
            .unwrap_or_else(|error| panic!("{error}{}", self.emulator.diagnosis()))
    }

    /// The first event of this name on the bus that is as it is wanted, waiting for it.
    #[track_caller]
    pub fn hear(&self, name: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        self.wait_for(&format!("`{name}` on the bus"), || {
            let found = |heard: &[Value]| {
                heard.iter().find(|event| event["detail-type"] == name && wanted(&event["detail"])).cloned()
            };
            found(&self.heard()).or_else(|| {
                self.listen();
                found(&self.heard())
            })
        })
    }

    /// Every event that was on the bus since the deployment, as far as it was listened to.
    pub fn heard(&self) -> Vec<Value> {
        self.heard.borrow().clone()
    }

    /// How often each event was on the bus, by its id.
    pub fn heard_how_often(&self) -> BTreeMap<String, usize> {
        let mut times = BTreeMap::new();
        for event in self.heard.borrow().iter() {
            *times.entry(event["detail"]["meta"]["event_id"].as_str().unwrap().to_owned()).or_default() += 1;
        }
        times
    }

    /// Takes all that waits in the probe.
    pub fn listen(&self) {
        loop {
            let taken = ["--max-number-of-messages", "10", "--attribute-names", "All"];
            let news = self.aws(&[&["sqs", "receive-message", "--queue-url", &self.probe][..], &taken].concat());
            let Some(messages) = news["Messages"].as_array() else { return };
            let events =
                messages.iter().map(|message| serde_json::from_str(message["Body"].as_str().unwrap()).unwrap());
            self.heard.borrow_mut().extend(events);
        }
    }

    /// Publishes events once more, as they were.
    pub fn publish_again(&self, events: &[Value]) {
        let entry = |event: &Value| {
            json!({
                "Source": event["source"],
                "DetailType": event["detail-type"],
                "Detail": event["detail"].to_string(),
                "EventBusName": self.id("Bus"),
            })
        };
        for call in events.chunks(10) {
            let entries: Vec<Value> = call.iter().map(entry).collect();
            let answer = self.aws(&["events", "put-events", "--entries", &json!(entries).to_string()]);
            assert_eq!(answer["FailedEntryCount"], 0, "{answer}");
        }
    }

    /// Waits until nothing is under way any more, and returns all items of a partition of the table as they are then.
    #[track_caller]
    pub fn settled(&self, partitions: &[String]) -> BTreeMap<String, Value> {
        let mut before = None;
        self.wait_for("everything to come to rest", || {
            let now = QUEUES.iter().all(|queue| self.waiting(queue) == 0).then(|| self.items(partitions));
            let rests = now.is_some() && now == before;
            before = now;
            if rests { before.take() } else { None }
        })
    }

    fn items(&self, partitions: &[String]) -> BTreeMap<String, Value> {
        let mut items = BTreeMap::new();
        for partition in partitions {
            let values = json!({":pk": {"S": partition}}).to_string();
            let key = ["--key-condition-expression", "pk = :pk", "--expression-attribute-values", &values];
            let found = self.aws(
                &[&["dynamodb", "query", "--consistent-read", "--table-name", &self.id("Table")][..], &key].concat(),
            );
            for item in found["Items"].as_array().unwrap() {
                items.insert(format!("{partition} {}", item["sk"]["S"].as_str().unwrap()), item.clone());
            }
        }
        items
    }

    /// The body of an item of the table.
    pub fn item(&self, pk: &str, sk: &str) -> Option<Value> {
        let key = json!({"pk": {"S": pk}, "sk": {"S": sk}}).to_string();
        let found =
            self.aws(&["dynamodb", "get-item", "--consistent-read", "--table-name", &self.id("Table"), "--key", &key]);
        serde_json::from_slice(&base64_decode(found["Item"]["body"]["B"].as_str()?)).ok()
    }

    /// How many messages are in a queue or on their way out of it.
    pub fn waiting(&self, queue: &str) -> u64 {
        let names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"];
        let url = self.id(queue);
        let arguments = ["sqs", "get-queue-attributes", "--queue-url", &url, "--attribute-names"];
        let answer = self.aws(&[&arguments[..], &names].concat());
        names.iter().map(|name| answer["Attributes"][name].as_str().unwrap().parse::<u64>().unwrap()).sum()
    }

    /// The lines of a function's log in CloudWatch whose field has this value.
    pub fn log_lines(&self, function: &str, field: &str, value: &str) -> Vec<Value> {
        // Fields are compared here: LocalStack's filters do not know them.
        let group = format!("/aws/lambda/cs-ops-{function}");
        let found = self.aws(&["logs", "filter-log-events", "--log-group-name", &group]);
        let events = found["events"].as_array().cloned().unwrap_or_default();
        let lines = events.iter().filter_map(|event| serde_json::from_str::<Value>(event["message"].as_str()?).ok());
        lines.filter(|line| line[field] == value).collect()
    }

    /// What CloudFormation made of a resource.
    pub fn id(&self, logical_id: &str) -> String {
        self.stack.physical_id(logical_id).unwrap().to_owned()
    }

    /// The table, through the adapter that the functions have.
    pub fn table(&self) -> impl Table {
        let environment = Environment::of([
            ("AWS_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", "test"),
            ("AWS_SECRET_ACCESS_KEY", "test"),
            ("AWS_ENDPOINT_URL", &self.emulator.endpoint()),
        ]);
        Aws::new(&environment).unwrap().table(self.id("Table"), Arc::new(WallClock))
    }

    /// How often the table was read and written so far, by whomever.
    pub fn table_calls(&self) -> TableCalls {
        let calls = self.emulator.calls("dynamodb");
        let sum = |operations: &[&str]| operations.iter().filter_map(|operation| calls.get(*operation)).sum();
        TableCalls {
            reads: sum(&["GetItem", "Query"]),
            writes: sum(&["PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems"]),
        }
    }

    /// Fires a schedule's tick at a function.
    pub fn tick(&self, function: &str, tick: &Value) {
        let payload = tick.to_string();
        let asked = ["--payload", &payload, "/dev/null"];
        let answer = self.aws(&[&["lambda", "invoke", "--function-name", &self.id(function)][..], &asked].concat());
        assert_eq!(answer["FunctionError"], Value::Null, "{answer}");
    }

    /// Asks a service.
    #[track_caller]
    pub fn aws(&self, arguments: &[&str]) -> Value {
        self.emulator.aws(arguments).unwrap_or_else(|error| panic!("{error}{}", self.emulator.diagnosis()))
    }
}

/// A queue behind a rule that matches every fact. What is taken from it does not come back.
fn hear_everything(emulator: &Emulator, stack: &Stack) -> String {
    let aws = |arguments: &[&str]| emulator.aws(arguments).unwrap();
    let half_a_day = ["--attributes", "VisibilityTimeout=43200"];
    let made = aws(&[&["sqs", "create-queue", "--queue-name", "probe"], &half_a_day[..]].concat());
    let url = made["QueueUrl"].as_str().unwrap().to_owned();
    let attributes = aws(&["sqs", "get-queue-attributes", "--queue-url", &url, "--attribute-names", "QueueArn"]);
    let bus = stack.physical_id("Bus").unwrap();
    let pattern = json!({"source": [{"prefix": "cs-ops"}]}).to_string();
    aws(&["events", "put-rule", "--name", "probe", "--event-bus-name", bus, "--event-pattern", &pattern]);
    let targets = json!([{"Id": "probe", "Arn": attributes["Attributes"]["QueueArn"]}]).to_string();
    aws(&["events", "put-targets", "--rule", "probe", "--event-bus-name", bus, "--targets", &targets]);
    url
}

/// Serves the issuer's key set on loopback for as long as the test runs.
fn serve(key_set: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/jwks.json", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            if let Ok(Some(_)) = Exchange::read(&mut BufReader::new(&stream)) {
                let headers = [("content-type", "application/json".to_owned()), ("connection", "close".to_owned())];
                http::answer(&stream, 200, &headers, &key_set).ok();
            }
        }
    });
    url
}

fn base64_decode(text: &str) -> Vec<u8> {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.decode(text).unwrap()
}

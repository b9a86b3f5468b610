//! Runs a program as Lambda would: a Runtime API of its own, and an AWS behind it that holds nothing and takes
//! everything. For what a host does by itself, and for how fast it starts; what it does with a real table, bus and
//! queue is tried on LocalStack.

pub mod http;

use http::Exchange;
use serde_json::{Value, json};
use std::io::{self, Read};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long a program may take for anything.
const LIMIT: Duration = Duration::from_secs(30);

/// What the program said about a call.
#[derive(Debug, Clone, PartialEq)]
pub enum Said {
    /// The call succeeded with this answer.
    Answered(Value),
    /// The call failed with this diagnostic.
    Failed(Value),
}

/// A program that is running and waits for calls.
pub struct Bootstrap {
    child: Child,
    complaints: Complaints,
    calls: Sender<Value>,
    heard: Receiver<Heard>,
    began: Instant,
    started_in: Duration,
    targets: Arc<Mutex<Vec<String>>>,
}

enum Heard {
    Asked(Instant),
    Said(Said, Instant),
}

impl Bootstrap {
    /// Starts a program with the given variables beside Lambda's own, and returns when it asks for its first call.
    ///
    /// # Errors
    /// When it does not start, or does not ask in time.
    pub fn start(program: &Path, variables: &[(&str, &str)]) -> io::Result<Self> {
        let (calls, taken) = channel();
        let (tell, heard) = channel();
        let targets = Arc::<Mutex<Vec<String>>>::default();
        let runtime_api = serve(runtime_api(taken, tell))?;
        let aws = serve(empty_aws(targets.clone()))?;
        let mut command = Command::new(program);
        command.env_clear().stdin(Stdio::null()).env("AWS_LAMBDA_RUNTIME_API", runtime_api);
        command.env("AWS_ENDPOINT_URL", format!("http://{aws}")).envs(LAMBDA).envs(variables.iter().copied());
        let began = now();
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
        let complaints = Complaints::of(&mut child);
        let mut bootstrap = Self { child, complaints, calls, heard, began, started_in: Duration::ZERO, targets };
        bootstrap.started_in = bootstrap.asked()?.duration_since(began);
        Ok(bootstrap)
    }

    /// From the start of the process to its first question for a call.
    #[must_use]
    pub const fn started_in(&self) -> Duration {
        self.started_in
    }

    /// Makes a call and returns what the program said, and how long it took.
    ///
    /// # Errors
    /// When the program says nothing in time, or ends.
    pub fn call(&mut self, payload: Value) -> io::Result<(Said, Duration)> {
        let began = now();
        self.calls.send(payload).map_err(|_| gone("the program has gone"))?;
        let Heard::Said(said, at) = self.hear()? else { return Err(gone("the program asked without an answer")) };
        self.asked()?;
        Ok((said, at.duration_since(began)))
    }

    /// The operations that the program asked of AWS so far, such as `DynamoDB_20120810.GetItem`.
    #[must_use]
    pub fn asked_of_aws(&self) -> Vec<String> {
        self.targets.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn asked(&mut self) -> io::Result<Instant> {
        match self.hear()? {
            Heard::Asked(at) => Ok(at),
            Heard::Said(said, _) => Err(gone(&format!("the program said {said:?} without a call"))),
        }
    }

    fn hear(&mut self) -> io::Result<Heard> {
        while now().duration_since(self.began) < LIMIT {
            match self.heard.recv_timeout(Duration::from_millis(100)) {
                Ok(heard) => return Ok(heard),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {
                    if let Some(status) = self.child.try_wait()? {
                        return Err(gone(&format!("the program ended with {status}: {}", self.complaints.all())));
                    }
                }
            }
        }
        Err(io::Error::new(io::ErrorKind::TimedOut, format!("the program was silent for {LIMIT:?}")))
    }
}

/// What the program writes to its standard error.
struct Complaints(Option<std::thread::JoinHandle<String>>);

impl Complaints {
    fn of(child: &mut Child) -> Self {
        Self(child.stderr.take().map(|mut stderr| {
            std::thread::spawn(move || {
                let mut text = Vec::new();
                stderr.read_to_end(&mut text).ok();
                String::from_utf8_lossy(&text).into_owned()
            })
        }))
    }

    /// All of it, once the program has ended.
    fn all(&mut self) -> String {
        self.0.take().and_then(|reading| reading.join().ok()).unwrap_or_default()
    }
}

impl Drop for Bootstrap {
    fn drop(&mut self) {
        // It may have ended by itself.
        self.child.kill().and_then(|()| self.child.wait().map(drop)).ok();
    }
}

/// What Lambda sets for every function, besides the address of its Runtime API.
const LAMBDA: [(&str, &str); 6] = [
    ("AWS_LAMBDA_FUNCTION_NAME", "function"),
    ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
    ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
    ("AWS_REGION", "us-east-1"),
    ("AWS_ACCESS_KEY_ID", "test"),
    ("AWS_SECRET_ACCESS_KEY", "test"),
];

/// What the template sets for every function.
pub const SETTINGS: [(&str, &str); 13] = [
    ("CS_OPS_REPORTS_BUCKET", "papers"),
    ("CS_OPS_TABLE", "table"),
    ("CS_OPS_BUS", "cs-ops"),
    ("CS_OPS_SIGNALS_URGENT_QUEUE_URL", "http://127.0.0.1/000000000000/signals-urgent"),
    ("CS_OPS_SIGNALS_QUEUE_URL", "http://127.0.0.1/000000000000/signals"),
    ("CS_OPS_SIGNALS_BULK_QUEUE_URL", "http://127.0.0.1/000000000000/signals-bulk"),
    ("CS_OPS_SCORES_BULK_QUEUE_URL", "http://127.0.0.1/000000000000/scores-bulk"),
    ("CS_OPS_TRIGGERS_BULK_QUEUE_URL", "http://127.0.0.1/000000000000/triggers-bulk"),
    ("CS_OPS_ESCALATIONS_URGENT_QUEUE_URL", "http://127.0.0.1/000000000000/escalations-urgent"),
    ("CS_OPS_ESCALATIONS_QUEUE_URL", "http://127.0.0.1/000000000000/escalations"),
    ("CS_OPS_JWT_ISSUER", "https://issuer.example"),
    ("CS_OPS_JWT_AUDIENCE", "cs-ops"),
    ("CS_OPS_JWKS_URL", "https://issuer.example/keys.json"),
];

type Handler = Box<dyn Fn(&Exchange) -> Option<(u16, Vec<(&'static str, String)>, String)> + Send + Sync>;

/// Serves on a loopback port of its own until the process ends.
fn serve(handler: Handler) -> io::Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?.to_string();
    let handler = Arc::new(handler);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let handler = Arc::clone(&handler);
            // A connection that breaks is the program's end.
            std::thread::spawn(move || converse(stream, &handler).ok());
        }
    });
    Ok(address)
}

fn converse(stream: TcpStream, handler: &Handler) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = io::BufReader::new(stream.try_clone()?);
    while let Some(exchange) = Exchange::read(&mut reader)? {
        let Some((status, headers, body)) = handler(&exchange) else { return Ok(()) };
        http::answer(&stream, status, &headers, &body)?;
    }
    Ok(())
}

/// The Runtime API: hands out calls, and tells what is said about them.
fn runtime_api(calls: Receiver<Value>, tell: Sender<Heard>) -> Handler {
    let calls = Mutex::new(calls);
    Box::new(move |exchange| {
        let at = now();
        if exchange.path.ends_with("/invocation/next") {
            tell.send(Heard::Asked(at)).ok()?;
            let payload = calls.lock().unwrap_or_else(PoisonError::into_inner).recv().ok()?;
            return Some((200, invocation(), payload.to_string()));
        }
        let body = serde_json::from_slice(&exchange.body).unwrap_or(Value::Null);
        let said = if exchange.path.ends_with("/response") { Said::Answered(body) } else { Said::Failed(body) };
        tell.send(Heard::Said(said, at)).ok()?;
        Some((202, Vec::new(), String::new()))
    })
}

#[expect(clippy::disallowed_methods, reason = "a deadline is a moment of the wall clock")]
fn invocation() -> Vec<(&'static str, String)> {
    let since_epoch = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    vec![
        ("lambda-runtime-aws-request-id", "00000000-0000-0000-0000-000000000000".to_owned()),
        ("lambda-runtime-deadline-ms", (since_epoch + LIMIT).as_millis().to_string()),
        ("lambda-runtime-invoked-function-arn", "arn:aws:lambda:us-east-1:000000000000:function:function".to_owned()),
    ]
}

/// A table without items, a bus and a queue that take everything.
fn empty_aws(targets: Arc<Mutex<Vec<String>>>) -> Handler {
    Box::new(move |exchange| {
        let target = exchange.header("x-amz-target").unwrap_or_default().to_owned();
        let request: Value = serde_json::from_slice(&exchange.body).unwrap_or_default();
        let entries = request.get("Entries").and_then(Value::as_array).cloned().unwrap_or_default();
        let answer = match target.rsplit('.').next().unwrap_or_default() {
            "PutEvents" => {
                json!({ "FailedEntryCount": 0, "Entries": entries.iter().map(|_| json!({ "EventId": "e" })).collect::<Vec<_>>() })
            }
            "SendMessageBatch" => {
                let taken = |entry: &Value| json!({ "Id": entry["Id"], "MessageId": "m", "MD5OfMessageBody": "" });
                json!({ "Successful": entries.iter().map(taken).collect::<Vec<_>>(), "Failed": [] })
            }
            "Query" => json!({ "Items": [], "Count": 0 }),
            _ => json!({}),
        };
        targets.lock().unwrap_or_else(PoisonError::into_inner).push(target);
        Some((200, vec![("content-type", "application/x-amz-json-1.0".to_owned())], answer.to_string()))
    })
}

#[expect(clippy::disallowed_methods, reason = "how long a process takes is told by the machine's clock")]
fn now() -> Instant {
    Instant::now()
}

fn gone(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::BrokenPipe, what.to_owned())
}

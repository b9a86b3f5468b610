//! The host with a function that does what its messages say.

use super::*;
use crate::doubles::Doubles;
use crate::http::auth::Verifier;
use crate::http::jwks::StaticKeys;
use crate::http::{Caller, Method, Problem, Response, Route};
use crate::metrics::Metric;
use async_trait::async_trait;
use contract::message::{Incoming, Sweep, Task};
use serde_json::json;
use std::sync::Mutex;

/// Fails, panics or hangs on messages whose run says so; remembers the others, and until when each may work.
struct Obedient {
    ports: Ports,
    handled: Mutex<Vec<String>>,
    until: Mutex<Vec<Timestamp>>,
}

const ROUTES: &[Route] = &[Route::new(Method::Get, "/echo/{id}", "Says what it was asked.")];

#[async_trait]
impl Function for Obedient {
    fn name(&self) -> FunctionName {
        FunctionName::Score
    }

    fn routes(&self) -> &'static [Route] {
        ROUTES
    }

    fn ports(&self) -> &Ports {
        &self.ports
    }

    async fn call(&self, _caller: &Caller, request: &Request) -> Result<Response, Problem> {
        Response::json(200, &request.parameters)
    }

    async fn message(&self, message: &Incoming, until: Timestamp) -> Result<(), Failure> {
        let Incoming::Work(work) = message else { return Err(Failure::Unhandled("not work".into())) };
        let Task::Sweep(Sweep { run, .. }) = &work.task else { return Err(Failure::Unhandled("not a sweep".into())) };
        match run.as_str() {
            "fail" => Err(Failure::Unhandled("asked to fail".into())),
            "panic" => panic!("asked to panic"),
            "hang" => std::future::pending().await,
            _ => {
                self.handled.lock().unwrap().push(run.clone());
                self.until.lock().unwrap().push(until);
                Ok(())
            }
        }
    }

    async fn tick(&self, tick: &Tick) -> Result<(), Failure> {
        match tick.tick.as_str() {
            "score_run" => Ok(()),
            other => Err(Failure::Unhandled(format!("tick `{other}`"))),
        }
    }
}

fn host(doubles: &Doubles) -> Host<Obedient> {
    let ports = doubles.ports();
    let keys = Arc::new(StaticKeys(r#"{"keys":[]}"#.into()));
    let verifier = Verifier::new("https://issuer", "cs-ops", keys, ports.clock.clone());
    Host { function: Obedient { ports, handled: Mutex::default(), until: Mutex::default() }, verifier }
}

fn work(run: &str) -> String {
    json!({
        "work_id": format!("w-{run}"),
        "tenant": "t1",
        "correlation_id": "c1",
        "work": "sweep",
        "data": { "run": run, "at": "2026-01-05T00:00:00Z", "shard": 0, "after": null },
    })
    .to_string()
}

fn batch(bodies: &[&str]) -> Value {
    let record = |(index, body): (usize, &&str)| json!({ "messageId": format!("m{index}"), "body": body, "attributes": { "ApproximateReceiveCount": "1" }, "eventSource": "aws:sqs" });
    json!({ "Records": bodies.iter().enumerate().map(record).collect::<Vec<_>>() })
}

async fn call_before(host: &Host<Obedient>, payload: Value, milliseconds_left: i64) -> Result<Value, CallError> {
    let deadline = host.function.ports.clock.now().as_millisecond() + milliseconds_left;
    let mut context = lambda_runtime::Context::default();
    context.deadline = u64::try_from(deadline).unwrap();
    let answer = host.handle(LambdaEvent::new(payload, context)).await?;
    Ok(serde_json::to_value(answer).unwrap())
}

async fn call(host: &Host<Obedient>, payload: Value) -> Result<Value, CallError> {
    call_before(host, payload, 30_000).await
}

fn failures(ids: &[&str]) -> Value {
    json!({ "batchItemFailures": ids.iter().map(|id| json!({ "itemIdentifier": id })).collect::<Vec<_>>() })
}

#[tokio::test]
async fn a_batch_names_the_messages_that_failed_and_handles_the_others() {
    let doubles = Doubles::new();
    let host = host(&doubles);
    let bodies = [&work("first"), "not JSON", &work("fail"), r#"{"work":"sweep"}"#, &work("panic"), &work("last")];
    let answer = call(&host, batch(&bodies.map(|body| body as &str))).await.unwrap();
    assert_eq!(answer, failures(&["m1", "m2", "m3", "m4"]));
    assert_eq!(*host.function.handled.lock().unwrap(), ["first", "last"]);
    assert_eq!(doubles.metrics.total(Metric::MessagesFailed), 4);
    assert_eq!(doubles.metrics.total(Metric::MessagesHandled), 2);
}

#[tokio::test]
async fn a_batch_without_failures_is_taken_from_the_queue() {
    let doubles = Doubles::new();
    let answer = call(&host(&doubles), batch(&[&work("a"), &work("b")])).await.unwrap();
    assert_eq!(answer, failures(&[]));
}

#[tokio::test]
async fn when_every_message_fails_the_invocation_fails() {
    let doubles = Doubles::new();
    let error = call(&host(&doubles), batch(&["{", &work("fail")])).await.unwrap_err();
    let CallError::Batch(error) = error else { panic!("{error:?}") };
    let text = error.to_string();
    assert!(text.starts_with("all 2 messages of the batch failed, the first: message is malformed at `.`"), "{text}");
}

#[tokio::test]
async fn a_message_that_takes_too_long_fails_alone() {
    let doubles = Doubles::new();
    let host = host(&doubles);
    let answer = call_before(&host, batch(&[&work("first"), &work("hang")]), 505).await.unwrap();
    assert_eq!(answer, failures(&["m1"]));
}

#[tokio::test]
async fn a_message_may_take_its_share_of_the_time_that_is_left() {
    let doubles = Doubles::new();
    let host = host(&doubles);
    call_before(&host, batch(&[&work("first"), &work("second"), &work("third")]), 12_500).await.unwrap();
    let began = doubles.now();
    let until = host.function.until.lock().unwrap();
    let shares: Vec<i128> = until.iter().map(|until| until.duration_since(began).as_millis()).collect();
    // The clock stands still: nobody takes any time, so that each finds all of it and fewer who wait.
    assert_eq!(shares, [3_000, 4_000, 6_000]);
}

#[tokio::test]
async fn a_message_is_not_begun_without_time() {
    let doubles = Doubles::new();
    let host = host(&doubles);
    assert!(call_before(&host, batch(&[&work("late")]), 400).await.is_err());
    assert!(host.function.handled.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_request_of_api_gateway_is_answered() {
    let doubles = Doubles::new();
    let request = json!({
        "httpMethod": "GET",
        "resource": "/api/v1/cs-ops/echo/{id}",
        "path": "/api/v1/cs-ops/echo/a",
        "pathParameters": { "id": "a" },
        "headers": null,
        "requestContext": { "requestId": "r-1" },
        "body": null,
        "isBase64Encoded": false,
    });
    let answer = call(&host(&doubles), request.clone()).await.unwrap();
    assert_eq!(answer["statusCode"], 200);
    assert_eq!(answer["body"], r#"{"id":"a"}"#);
    assert_eq!(answer["isBase64Encoded"], false);
    let mut unknown = request;
    unknown["resource"] = json!("/api/v1/cs-ops/nothing");
    assert_eq!(call(&host(&doubles), unknown).await.unwrap()["statusCode"], 404);
}

#[tokio::test]
async fn a_tick_that_fails_fails_the_invocation() {
    let doubles = Doubles::new();
    let tick = |name: &str| json!({ "tick": name, "time": "2026-01-05T00:00:00Z" });
    assert_eq!(call(&host(&doubles), tick("score_run")).await.unwrap(), json!({}));
    let error = call(&host(&doubles), tick("lunch")).await.unwrap_err();
    assert_eq!(error.to_string(), "tick `lunch` of 2026-01-05T00:00:00Z failed: cannot be handled: tick `lunch`");
    assert_eq!(Diagnostic::from(error).error_type, "TickFailed");
}

#[tokio::test]
async fn an_unknown_payload_is_an_error_that_says_where() {
    let doubles = Doubles::new();
    let error = call(&host(&doubles), json!({ "detail": {} })).await.unwrap_err();
    assert!(matches!(error, CallError::UnknownPayload));
    let error = call(&host(&doubles), json!({ "Records": [{ "messageId": 1 }] })).await.unwrap_err();
    assert!(error.to_string().starts_with("the payload cannot be read at `Records[0].messageId`"), "{error}");
}

#[test]
fn a_function_set_up_wrongly_names_everything_that_is_missing() {
    let environment = Environment::of([
        ("AWS_REGION", "eu-central-1"),
        ("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:9001"),
        ("AWS_LAMBDA_FUNCTION_NAME", "f"),
        ("AWS_LAMBDA_FUNCTION_VERSION", "1"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
        ("CS_OPS_TABLE", "t"),
        ("CS_OPS_JWT_ISSUER", "https://issuer"),
        ("CS_OPS_JWT_AUDIENCE", "cs-ops"),
        ("CS_OPS_JWKS_URL", "http://issuer/keys"),
    ]);
    let Err(error) = connect(FunctionName::Score, &environment) else { panic!("connected") };
    let text = error.to_string();
    for name in
        ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "CS_OPS_BUS", "CS_OPS_SCORES_BULK_QUEUE_URL", "CS_OPS_JWKS_URL"]
    {
        assert!(text.contains(name), "`{name}` is missing from: {text}");
    }
    assert!(!text.contains("CS_OPS_TABLE"), "{text}");
}

#[test]
fn causes_are_told_once() {
    let inner = std::io::Error::other("connection refused");
    let error = crate::table::TableError::Unavailable(Box::new(inner));
    assert_eq!(batch::with_causes(&error), "the table is not available: connection refused");
    let failure = Failure::Table(error);
    assert_eq!(batch::with_causes(&failure), "table: the table is not available: connection refused");
}

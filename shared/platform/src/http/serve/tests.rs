//! The edge as callers meet it: every refusal with its status and body, and a POST that is done once.

use super::super::Method;
use super::*;
use crate::doubles::Doubles;
use crate::function::{Failure, Ports, Tick};
use crate::http::auth::tests::{Signer, key_set};
use crate::http::idempotency::{KEPT, LEASE};
use crate::http::jwks::StaticKeys;
use crate::http::{Parameter, read_json};
use async_trait::async_trait;
use contract::event::FunctionName;
use contract::message::Incoming;
use domain::id::CauseId;
use jiff::SignedDuration;
use serde_json::{Value, json};
use std::pin::pin;
use std::sync::{Arc, LazyLock, Mutex};

const DRY_RUN: &[Parameter] = &[Parameter::text("dry_run", "Only says what it would do.")];
const ROUTES: &[Route] = &[
    Route { status: 202, ..Route::new(Method::Post, "/things", "Makes.").scope("cs-ops.ingest.write").query(DRY_RUN) },
    Route::new(Method::Post, "/things/{id}/{action}", "Acts.").scope("cs-ops.ingest.write"),
    Route::new(Method::Put, "/accounts/{id}", "Puts.").scope("cs-ops.ingest.write"),
    Route::new(Method::Get, "/accounts/{id}", "Reads.")
        .scope("cs-ops.ingest.read")
        .query(&[Parameter::CURSOR, Parameter::one_of("status", "Only those.", &["open", "closed"])]),
    Route::new(Method::Get, "/health", "Lives."),
];
const DAY: i64 = 86_400;

static SIGNER: LazyLock<Signer> = LazyLock::new(|| Signer::es256("k1"));

/// A function that notes the cause of every call, lets others go first and answers with the status it is asked for.
struct Desk {
    ports: Ports,
    calls: Mutex<Vec<(Caller, CauseId)>>,
}

#[async_trait]
impl Function for Desk {
    fn name(&self) -> FunctionName {
        FunctionName::Ingest
    }
    fn routes(&self) -> &'static [Route] {
        ROUTES
    }
    fn ports(&self) -> &Ports {
        &self.ports
    }
    async fn call(&self, caller: &Caller, request: &Request) -> Result<Response, Problem> {
        let number = {
            let mut calls = self.calls.lock().unwrap();
            calls.push((caller.clone(), request.cause_id(caller, self.name())));
            calls.len()
        };
        tracing::info!("called");
        tokio::task::yield_now().await;
        if request.method == "GET" {
            return Response::json(200, &json!({ "call": number }));
        }
        let body: Value = read_json(request)?;
        match body.get("status").and_then(Value::as_u64) {
            None => Response::json(202, &json!({ "call": number })),
            Some(429) => Err(Problem { retry_after_seconds: Some(9), ..Problem::new(429, "busy", "Busy", "wait") }),
            Some(503) => {
                Err(Problem { retry_after_seconds: Some(5), ..Problem::new(503, "unavailable", "Busy", "wait") })
            }
            Some(_) => Err(Problem::not_found("thing", "x")),
        }
    }
    async fn message(&self, _: &Incoming, _: jiff::Timestamp) -> Result<(), Failure> {
        Ok(())
    }
    async fn tick(&self, _: &Tick) -> Result<(), Failure> {
        Ok(())
    }
}

struct Edge {
    doubles: Doubles,
    desk: Desk,
    verifier: Verifier,
}

impl Edge {
    fn new() -> Self {
        let doubles = Doubles::new();
        let ports = doubles.ports();
        let verifier = Verifier::new("iss", "aud", Arc::new(StaticKeys(key_set(&[&SIGNER]))), ports.clock.clone());
        Self { desk: Desk { ports, calls: Mutex::default() }, doubles, verifier }
    }

    async fn send(&self, request: Request) -> Response {
        serve(&self.desk, &self.verifier, request).await
    }

    fn calls(&self) -> usize {
        self.desk.calls.lock().unwrap().len()
    }

    fn causes(&self) -> Vec<CauseId> {
        self.desk.calls.lock().unwrap().iter().map(|(_, cause)| cause.clone()).collect()
    }

    fn pass(&self, by: SignedDuration) {
        self.doubles.set_now(self.doubles.now().checked_add(by).unwrap());
    }
}

fn token(changes: Value) -> String {
    let mut claims = json!({
        "iss": "iss", "aud": "aud", "exp": 1_767_571_200 + 30 * DAY, "sub": "ada", "cs_ops_tenant": "t1",
        "scope": "cs-ops.ingest.write",
    });
    claims.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    SIGNER.token(&claims)
}

fn request(method: &str, route: &str) -> Request {
    Request {
        method: method.into(),
        route: route.into(),
        headers: BTreeMap::from([("authorization".into(), token(json!({})))]),
        request_id: "r1".into(),
        ..Request::default()
    }
}

fn post(key: &str, body: &str) -> Request {
    let mut request = request("POST", "/things");
    request.headers.insert("idempotency-key".into(), key.into());
    request.body = body.to_owned().into();
    request
}

#[track_caller]
fn check_problem(response: &Response, status: u16, code: &str, says: &str) {
    assert_eq!(response.status, status, "{}", response.body);
    assert_eq!(response.headers.get("content-type").map(String::as_str), Some("application/problem+json"));
    let body: contract::problem::Problem = serde_json::from_str(&response.body).unwrap();
    assert_eq!(body.kind, format!("urn:cs-ops:problem:{code}"));
    assert_eq!(body.status, status);
    assert_eq!(body.instance, "r1");
    assert!(!body.title.is_empty());
    assert!(body.detail.contains(says), "{}", body.detail);
}

fn header<'a>(response: &'a Response, name: &str) -> Option<&'a str> {
    response.headers.get(name).map(String::as_str)
}

#[tokio::test]
async fn a_route_that_does_not_exist_is_404_and_a_method_that_it_does_not_take_is_405_with_those_it_takes() {
    let edge = Edge::new();
    check_problem(&edge.send(request("GET", "/nothing")).await, 404, "no_such_route", "/api/v1/cs-ops/nothing");
    let response = edge.send(request("POST", "/accounts/{id}")).await;
    check_problem(&response, 405, "method_not_allowed", "it takes PUT, GET");
    assert_eq!(header(&response, "allow"), Some("PUT, GET"));
    assert_eq!(edge.calls(), 0);
}

#[tokio::test]
async fn a_query_that_the_route_does_not_take_is_422_and_says_what_it_takes() {
    let edge = Edge::new();
    let ask = |route: &str, query: &[(&str, &str)]| {
        let query = query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let mut request = Request { query, ..request("GET", route) };
        request.headers.insert("authorization".into(), token(json!({ "scope": "cs-ops.ingest.read" })));
        edge.send(request)
    };
    assert_eq!(ask("/accounts/{id}", &[("status", "open"), ("cursor", "any")]).await.status, 200);
    let response = ask("/accounts/{id}", &[("status", "opne"), ("stauts", "open")]).await;
    check_problem(&response, 422, "invalid", "query");
    let problem: contract::problem::Problem = serde_json::from_str(&response.body).unwrap();
    let faults = [
        Fault::new("status", "cannot be `opne`; give open, closed"),
        Fault::new("stauts", "is not known; give cursor, status"),
    ];
    assert_eq!(problem.errors, faults);
    check_problem(&ask("/health", &[("deep", "1")]).await, 422, "invalid", "query");
    assert_eq!(edge.calls(), 1);
}

#[tokio::test]
async fn a_body_of_two_mebibytes_is_413() {
    let edge = Edge::new();
    let exactly = format!("{{{}}}", " ".repeat(MAX_BODY_BYTES - 2));
    assert_eq!(edge.send(post("k", &exactly)).await.status, 202);
    check_problem(&edge.send(post("k2", &" ".repeat(2 * MAX_BODY_BYTES))).await, 413, "too_large", "2097152 bytes");
    assert_eq!(edge.calls(), 1);
}

#[tokio::test]
async fn a_body_that_is_not_json_is_400_with_the_path_of_the_fault() {
    let response = Edge::new().send(post("k", "{\"a\": ")).await;
    check_problem(&response, 400, "malformed", "not the JSON");
    assert!(response.body.contains(r#""errors":[{"path":"#), "{}", response.body);
    check_problem(&Edge::new().send(post("k", "{} {}")).await, 400, "malformed", "goes on behind its JSON");
}

#[tokio::test]
async fn a142_a_missing_malformed_expired_or_foreign_token_is_401_with_a_challenge() {
    let edge = Edge::new();
    let mut missing = request("GET", "/accounts/{id}");
    missing.headers.clear();
    let response = edge.send(missing).await;
    check_problem(&response, 401, "token_missing", "Authorization: Bearer <token>");
    assert_eq!(header(&response, "www-authenticate"), Some(r#"Bearer realm="cs-ops""#));
    let cases = [
        ("Bearer nonsense".to_owned(), "token_refused", "JWT signed with"),
        (token(json!({ "exp": 1_767_571_200 - 60 })), "token_expired", "get a new one"),
        (token(json!({ "aud": "other" })), "token_refused", "audience `aud`"),
    ];
    for (token, code, says) in cases {
        let mut request = request("GET", "/accounts/{id}");
        request.headers.insert("authorization".into(), token);
        let response = edge.send(request).await;
        check_problem(&response, 401, code, says);
        assert_eq!(header(&response, "www-authenticate"), Some(r#"Bearer realm="cs-ops", error="invalid_token""#));
    }
    assert_eq!(edge.calls(), 0);
}

#[tokio::test]
async fn a142_a_wrong_scope_is_403_on_every_route_and_names_the_scope_needed() {
    let edge = Edge::new();
    for route in ROUTES {
        let Some(scope) = route.scope else { continue };
        let mut request = request(route.method.as_str(), route.path);
        let others =
            "cs-ops.ingest.admin cs-ops.score.write cs-ops.ingest cs-ops.ingest.write.all cs-ops.ingest.reader";
        request.headers.insert("authorization".into(), token(json!({ "scope": others })));
        request.headers.insert("idempotency-key".into(), "k".into());
        let response = edge.send(request).await;
        check_problem(&response, 403, "scope_missing", &format!("`{scope}`"));
        let challenge = format!(r#"Bearer realm="cs-ops", error="insufficient_scope", scope="{scope}""#);
        assert_eq!(header(&response, "www-authenticate"), Some(challenge.as_str()));
    }
    assert_eq!(edge.calls(), 0);
}

#[tokio::test]
async fn a142_the_tenant_is_the_tokens_whatever_the_request_says() {
    let edge = Edge::new();
    let mut request = request("PUT", "/accounts/{id}");
    request.headers.insert("cs_ops_tenant".into(), "t2".into());
    request.headers.insert("x-tenant".into(), "t2".into());
    request.body = "{\"tenant\":\"t2\"}".into();
    assert_eq!(edge.send(request).await.status, 202);
    assert_eq!(edge.desk.calls.lock().unwrap()[0].0.tenant.as_str(), "t1");
}

#[tokio::test]
async fn an_open_route_needs_no_token_and_owns_no_tenant() {
    let edge = Edge::new();
    let mut open = request("GET", "/health");
    open.headers.insert("authorization".into(), "Bearer nonsense".into());
    assert_eq!(edge.send(open).await.status, 200);
    assert_eq!(edge.desk.calls.lock().unwrap()[0].0, Caller::anonymous());
}

#[tokio::test]
async fn every_answer_has_the_requests_id_and_is_neither_sniffed_nor_stored() {
    let edge = Edge::new();
    for request in [request("GET", "/health"), request("GET", "/nothing"), request("POST", "/things"), post("k", "{}")]
    {
        let response = edge.send(request).await;
        assert_eq!(header(&response, "x-request-id"), Some("r1"));
        assert_eq!(header(&response, "x-content-type-options"), Some("nosniff"));
        assert_eq!(header(&response, "cache-control"), Some("no-store"));
    }
    let nameless = edge.send(Request { request_id: String::new(), ..request("GET", "/health") }).await;
    assert!(header(&nameless, "x-request-id").is_some_and(|id| id.len() == 36));
}

#[tokio::test]
async fn a_post_without_a_usable_key_is_400_and_says_so() {
    let edge = Edge::new();
    check_problem(&edge.send(request("POST", "/things")).await, 400, "idempotency_key_missing", "`Idempotency-Key`");
    for bad in ["", " ", "a b", "schlüssel", "a\n", &"k".repeat(256)] {
        check_problem(&edge.send(post(bad, "{}")).await, 400, "idempotency_key_malformed", "1 to 255");
    }
    assert_eq!(edge.calls(), 0);
    assert_eq!(edge.send(post(&"~".repeat(255), "{}")).await.status, 202);
}

#[tokio::test]
async fn the_same_key_and_content_gets_the_same_answer_and_is_done_once() {
    let edge = Edge::new();
    let first = edge.send(post("k", "{}")).await;
    assert_eq!((first.status, header(&first, "idempotent-replayed")), (202, None));
    let again = edge.send(Request { request_id: "r2".into(), ..post("k", "{}") }).await;
    assert_eq!((again.status, &again.body), (first.status, &first.body));
    assert_eq!(header(&again, "idempotent-replayed"), Some("true"));
    assert_eq!(header(&again, "x-request-id"), Some("r2"));
    assert_eq!(edge.calls(), 1);
}

#[tokio::test]
async fn a_refusal_of_the_content_is_kept_like_any_answer() {
    let edge = Edge::new();
    let first = edge.send(post("k", r#"{"status": 404}"#)).await;
    check_problem(&first, 404, "not_found", "does not exist");
    let again = edge.send(post("k", r#"{"status": 404}"#)).await;
    assert_eq!(again.body, first.body);
    assert_eq!(edge.calls(), 1);
}

#[tokio::test]
async fn the_same_key_with_anything_else_is_409() {
    let edge = Edge::new();
    edge.send(post("k", "{}")).await;
    let mut other_query = post("k", "{}");
    other_query.query.insert("dry_run".into(), "true".into());
    let mut other_subject = post("k", "{}");
    other_subject.headers.insert("authorization".into(), token(json!({ "sub": "grace" })));
    let mut other_route = Request { route: "/things/{id}/{action}".into(), ..post("k", "{}") };
    other_route.parameters.insert("id".into(), "x".into());
    for other in [post("k", "{ }"), other_query, other_subject, other_route] {
        check_problem(&edge.send(other).await, 409, "idempotency_key_reused", "use a new key");
    }
    assert_eq!(edge.calls(), 1);
}

#[tokio::test]
async fn a1_the_same_key_of_another_tenant_is_another_key() {
    let edge = Edge::new();
    edge.send(post("k", "{}")).await;
    let mut other = post("k", "{}");
    other.headers.insert("authorization".into(), token(json!({ "cs_ops_tenant": "t2" })));
    let response = edge.send(other).await;
    assert_eq!((response.status, header(&response, "idempotent-replayed")), (202, None));
    let causes = edge.causes();
    assert_ne!(causes[0], causes[1]);
}

#[tokio::test]
async fn of_many_at_the_same_time_one_works_and_the_others_are_told_to_wait() {
    let edge = Edge::new();
    let (a, b, c, d) = tokio::join!(
        edge.send(post("k", "{}")),
        edge.send(post("k", "{}")),
        edge.send(post("k", "{}")),
        edge.send(post("k", "{ }")),
    );
    assert_eq!(a.status, 202);
    for waiting in [&b, &c] {
        check_problem(waiting, 409, "request_in_progress", "send it again later");
        assert_eq!(header(waiting, "retry-after"), Some("60"));
    }
    check_problem(&d, 409, "idempotency_key_reused", "use a new key");
    assert_eq!(edge.calls(), 1);
    assert_eq!(edge.send(post("k", "{}")).await.body, a.body);
}

#[tokio::test]
async fn a_lost_race_for_the_record_is_looked_at_again() {
    let edge = Edge::new();
    edge.doubles.conflict_next_commits(1);
    assert_eq!(edge.send(post("k", "{}")).await.status, 202);
    assert_eq!(edge.calls(), 1);
    edge.doubles.conflict_next_commits(100);
    check_problem(&edge.send(post("k2", "{}")).await, 409, "request_in_progress", "send it again later");
    assert_eq!(edge.calls(), 1, "who does not hold the record does not work");
}

#[tokio::test]
async fn a_request_that_died_frees_its_key_after_the_lease_and_its_retry_has_the_same_cause() {
    let edge = Edge::new();
    {
        let mut dying = pin!(edge.send(post("k", "{}")));
        let waker = std::task::Waker::noop();
        assert!(dying.as_mut().poll(&mut std::task::Context::from_waker(waker)).is_pending());
    }
    assert_eq!(edge.calls(), 1);
    edge.pass(LEASE - SignedDuration::from_secs(1));
    let early = edge.send(post("k", "{}")).await;
    check_problem(&early, 409, "request_in_progress", "send it again later");
    assert_eq!(header(&early, "retry-after"), Some("1"));
    edge.pass(SignedDuration::from_secs(1));
    let response = edge.send(Request { request_id: "r2".into(), ..post("k", "{}") }).await;
    assert_eq!((response.status, header(&response, "idempotent-replayed")), (202, None));
    let causes = edge.causes();
    assert_eq!(causes[0], causes[1]);
    assert_eq!(edge.send(post("k", "{}")).await.body, response.body);
    assert_eq!(edge.calls(), 2);
}

#[tokio::test]
async fn an_answer_that_a_retry_may_better_is_not_kept() {
    for status in [503, 429] {
        let edge = Edge::new();
        let body = format!(r#"{{"status": {status}}}"#);
        for call in 1..=3 {
            let response = edge.send(post("k", &body)).await;
            assert_eq!(response.status, status);
            assert!(header(&response, "retry-after").is_some());
            assert_eq!(edge.calls(), call, "tried again at once, no lease to wait for");
        }
        let causes = edge.causes();
        assert!(
            causes.iter().all(|cause| *cause == causes[0]),
            "the same cause, so that what was done is not done again"
        );
    }
}

#[tokio::test]
async fn a_key_is_forgotten_after_a_day_and_then_other_content_is_another_cause() {
    let edge = Edge::new();
    edge.send(post("k", "{}")).await;
    edge.pass(KEPT - SignedDuration::from_secs(1));
    assert_eq!(header(&edge.send(post("k", "{}")).await, "idempotent-replayed"), Some("true"));
    edge.pass(SignedDuration::from_secs(1));
    assert_eq!(edge.send(post("k", "{ }")).await.status, 202);
    let causes = edge.causes();
    assert_ne!(causes[0], causes[1]);
}

#[tokio::test]
async fn a_put_needs_no_key_and_each_is_its_own_cause() {
    let edge = Edge::new();
    let put = |id: &str| Request { body: "{}".into(), request_id: id.into(), ..request("PUT", "/accounts/{id}") };
    for id in ["r1", "r2"] {
        assert_eq!(edge.send(put(id)).await.status, 202);
    }
    let causes = edge.causes();
    assert_ne!(causes[0], causes[1]);
}

#[tokio::test]
async fn a14_the_correlation_id_is_the_callers_or_the_requests_own_and_goes_into_events_and_the_answer() {
    let edge = Edge::new();
    for (given, expected) in [(None, "r1"), (Some("deal-42"), "deal-42"), (Some("not an id\n"), "r1"), (Some(""), "r1")]
    {
        let mut request = request("GET", "/health");
        request.headers.extend(given.map(|given| ("x-correlation-id".to_owned(), given.to_owned())));
        assert_eq!(request.cause(&Caller::anonymous(), FunctionName::Ingest).correlation_id, expected);
        assert_eq!(header(&edge.send(request).await, "x-correlation-id"), Some(expected));
    }
}

thread_local! {
    static WRITTEN: std::cell::RefCell<Vec<u8>> = const { std::cell::RefCell::new(Vec::new()) };
}

/// Writes each thread's lines apart. The log of a process is one, and one set for a single thread can miss lines: a place
/// that logs is asked once for the whole process who listens, perhaps by a thread of which nobody listens.
struct PerThread;

impl std::io::Write for PerThread {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        WRITTEN.with_borrow_mut(|written| written.extend_from_slice(bytes));
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a14_every_log_line_of_a_request_says_whose_it_is() {
    use tracing_subscriber::layer::SubscriberExt;
    let edge = Edge::new();
    let layer = crate::log::JsonLines::new(FunctionName::Ingest, edge.desk.ports.clock.clone(), PerThread);
    tracing::subscriber::set_global_default(tracing_subscriber::registry().with(layer)).unwrap();
    let mut put = Request { body: "{}".into(), ..request("PUT", "/accounts/{id}") };
    put.parameters.insert("id".into(), "acme".into());
    put.headers.insert("x-correlation-id".into(), "deal-42".into());
    edge.send(put).await;
    let text = String::from_utf8(WRITTEN.take()).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.iter().map(|line| line["message"].as_str().unwrap()).collect::<Vec<_>>(), ["called", "answered"]);
    for line in &lines {
        for (name, value) in [
            ("correlation_id", "deal-42"),
            ("request_id", "r1"),
            ("tenant", "t1"),
            ("account", "acme"),
            ("function", "ingest"),
        ] {
            assert_eq!(line[name], value, "{line}");
        }
    }
    assert_eq!(lines[1]["status"], 202);
}

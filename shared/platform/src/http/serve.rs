//! The edge: the one way from an HTTP request to a function and back, for every host.
//!
//! In this order: the route (404, 405), the size of the body (413), the token (401), its scope (403), the query
//! (422), for a POST the `Idempotency-Key` (400, 409), then the function. Every answer has the request's id; every error is problem details.

use super::auth::Verifier;
use super::idempotency::{self, Begun};
use super::{BASE, Caller, MAX_BODY_BYTES, Problem, Request, Response, Route};
use crate::answers;
use crate::function::Function;
use crate::random;
use contract::problem::Fault;
use std::collections::BTreeMap;
use tracing::Instrument;
use tracing::field::Empty;

/// Answers a request with the function.
pub async fn serve(function: &dyn Function, verifier: &Verifier, mut request: Request) -> Response {
    if request.request_id.is_empty() {
        request.request_id = random::id();
    }
    let span = tracing::error_span!(
        "request",
        function = function.name().as_str(),
        correlation_id = request.correlation_id(),
        request_id = request.request_id,
        tenant = Empty,
        account = Empty,
    );
    answer(function, verifier, request).instrument(span).await
}

async fn answer(function: &dyn Function, verifier: &Verifier, mut request: Request) -> Response {
    let clock = &function.ports().clock;
    let began = clock.now();
    let mut caller = None;
    let mut response = match find_route(function.routes(), &request) {
        Ok(route) => match dispatch(function, verifier, route, &mut request, &mut caller).await {
            Ok(response) => response,
            Err(problem) => render(&problem, &request, Some(route)),
        },
        Err((problem, allow)) => {
            let mut response = render(&problem, &request, None);
            response.headers.extend(allow.map(|allow| ("allow".to_owned(), allow)));
            response
        }
    };
    add_common_headers(&mut response, &request);
    if let Some(Caller { tenant, subject, .. }) = &caller {
        answers::count(function.ports(), function.name(), tenant, subject, response.status).await;
    }
    tracing::info!(
        method = request.method,
        route = request.route,
        status = response.status,
        milliseconds = i64::try_from(clock.now().duration_since(began).as_millis()).unwrap_or(i64::MAX),
        "answered"
    );
    response
}

/// The route that the front matched. The error comes with the methods that the path takes, where there are any.
fn find_route<'a>(routes: &'a [Route], request: &Request) -> Result<&'a Route, (Problem, Option<String>)> {
    let on_path: Vec<&Route> = routes.iter().filter(|route| route.path == request.route).collect();
    if let Some(route) = on_path.iter().find(|route| route.method.as_str() == request.method) {
        return Ok(route);
    }
    let path = format!("{BASE}{}", request.route);
    if on_path.is_empty() {
        let detail = format!("there is no `{path}`; the API's description lists what there is");
        return Err((Problem::new(404, "no_such_route", "There is no such route", detail), None));
    }
    let allow = on_path.iter().map(|route| route.method.as_str()).collect::<Vec<_>>().join(", ");
    let detail = format!("`{path}` does not take {}; it takes {allow}", request.method);
    Err((Problem::new(405, "method_not_allowed", "The route does not take this method", detail), Some(allow)))
}

async fn dispatch(
    function: &dyn Function,
    verifier: &Verifier,
    route: &Route,
    request: &mut Request,
    whose: &mut Option<Caller>,
) -> Result<Response, Problem> {
    if request.body.len() > MAX_BODY_BYTES {
        let detail =
            format!("the body has {} bytes; send at most {MAX_BODY_BYTES}, in several requests", request.body.len());
        return Err(Problem::new(413, "too_large", "The request is too large", detail));
    }
    let caller = authorize(verifier, route, request).await?;
    *whose = route.scope.map(|_| caller.clone());
    record_whose(&caller, route, request);
    check_query(route, request)?;
    if !route.acts() {
        return function.call(&caller, request).await;
    }
    let identity = idempotency::identify(function.name(), &caller, request)?;
    request.cause = Some(identity.cause.clone());
    let ports = function.ports();
    match idempotency::begin(ports.table.as_ref(), identity, ports.clock.now()).await? {
        Begun::Done(mut response) => {
            response.headers.insert("idempotent-replayed".into(), "true".into());
            Ok(response)
        }
        Begun::Taken(taken) => {
            let called = function.call(&caller, request).await;
            let response = called.unwrap_or_else(|problem| render(&problem, request, Some(route)));
            taken.end(ports.table.as_ref(), &response, ports.clock.now()).await;
            Ok(response)
        }
    }
}

async fn authorize(verifier: &Verifier, route: &Route, request: &Request) -> Result<Caller, Problem> {
    let Some(scope) = route.scope else {
        return Ok(Caller::anonymous());
    };
    let caller = verifier.verify(request.headers.get("authorization").map(String::as_str)).await?;
    if !caller.scopes.contains(scope) {
        let detail = format!("the token does not hold the scope `{scope}`; ask the issuer for one that does");
        return Err(Problem::new(403, "scope_missing", "The token does not allow it", detail));
    }
    Ok(caller)
}

/// A parameter that is not known is refused: a filter with a typing error must not list everything.
fn check_query(route: &Route, request: &Request) -> Result<(), Problem> {
    let fault = |(name, value): (&String, &String)| {
        let known = route.query.iter().find(|parameter| parameter.name == name);
        match known.map(|parameter| parameter.values) {
            None if route.query.is_empty() => Some(Fault::new(name, "is not known; this route takes no query")),
            None => {
                let names: Vec<&str> = route.query.iter().map(|parameter| parameter.name).collect();
                Some(Fault::new(name, format!("is not known; give {}", names.join(", "))))
            }
            Some([]) => None,
            Some(values) => (!values.contains(&value.as_str()))
                .then(|| Fault::new(name, format!("cannot be `{value}`; give {}", values.join(", ")))),
        }
    };
    let faults: Vec<Fault> = request.query.iter().filter_map(fault).collect();
    if faults.is_empty() { Ok(()) } else { Err(Problem::invalid("the query is not one that this route takes", faults)) }
}

fn record_whose(caller: &Caller, route: &Route, request: &Request) {
    let span = tracing::Span::current();
    span.record("tenant", caller.tenant.as_str());
    if route.path.starts_with("/accounts/{id}")
        && let Some(account) = request.parameters.get("id")
    {
        span.record("account", account.as_str());
    }
}

/// Makes problem details (RFC 9457) of a problem.
fn render(problem: &Problem, request: &Request, route: Option<&Route>) -> Response {
    let document = contract::problem::Problem {
        kind: format!("urn:cs-ops:problem:{}", problem.code),
        title: problem.title.to_owned(),
        status: problem.status,
        detail: problem.detail.clone(),
        instance: request.request_id.clone(),
        errors: problem.errors.clone(),
    };
    let mut headers = BTreeMap::from([("content-type".to_owned(), "application/problem+json".to_owned())]);
    headers.extend(problem.retry_after_seconds.map(|seconds| ("retry-after".to_owned(), seconds.to_string())));
    let challenge = challenge(problem, route.and_then(|route| route.scope));
    headers.extend(challenge.map(|challenge| ("www-authenticate".to_owned(), challenge)));
    // Texts and numbers alone: this cannot fail, and an error without its details is still an error.
    let body = serde_json::to_string(&document).unwrap_or_default();
    Response { status: problem.status, headers, body }
}

/// What a client is told to do about its token (RFC 6750).
fn challenge(problem: &Problem, scope: Option<&str>) -> Option<String> {
    const REALM: &str = r#"Bearer realm="cs-ops""#;
    match (problem.code, scope) {
        ("token_missing", _) => Some(REALM.to_owned()),
        ("token_refused" | "token_expired", _) => Some(format!(r#"{REALM}, error="invalid_token""#)),
        ("scope_missing", Some(scope)) => Some(format!(r#"{REALM}, error="insufficient_scope", scope="{scope}""#)),
        _ => None,
    }
}

fn add_common_headers(response: &mut Response, request: &Request) {
    let headers = &mut response.headers;
    headers.insert("x-request-id".into(), request.request_id.clone());
    headers.insert("x-correlation-id".into(), request.correlation_id().to_owned());
    headers.insert("x-content-type-options".into(), "nosniff".into());
    headers.entry("cache-control".into()).or_insert_with(|| "no-store".into());
}

#[cfg(test)]
mod tests;

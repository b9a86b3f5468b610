//! HTTP as functions see it, whatever host stands in front: requests, answers, routes, problems and callers.

pub mod auth;
mod idempotency;
pub mod jwks;
pub mod openapi;
mod serve;

pub use serve::serve;

use bytes::Bytes;
use contract::event::{Cause, FunctionName};
use contract::message::cause_id;
use contract::problem::Fault;
use domain::id::{CauseId, PersonId, TenantId};
use schemars::JsonSchema;
use serde::{Serialize, de::DeserializeOwned};
use std::collections::{BTreeMap, BTreeSet};

/// All routes begin with this.
pub const BASE: &str = "/api/v1/cs-ops";
/// The largest request body, in bytes.
pub const MAX_BODY_BYTES: usize = 1024 * 1024;

/// A request method.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Method {
    /// Reads.
    Get,
    /// Does something; wants an `Idempotency-Key`.
    Post,
    /// Puts in place; the same twice is the same once.
    Put,
    /// Takes away; what is not there is taken away already.
    Delete,
}

impl Method {
    /// The method as it is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
        }
    }
}

/// A route of a function.
#[derive(Debug, Clone, Copy)]
pub struct Route {
    /// The method.
    pub method: Method,
    /// The path behind [`BASE`], with parameters in braces: `/accounts/{id}/health`.
    pub path: &'static str,
    /// What it does, in a sentence.
    pub summary: &'static str,
    /// The scope that the caller's token must hold; nothing for open routes.
    pub scope: Option<&'static str>,
    /// What its query may hold; anything else is refused.
    pub query: &'static [Parameter],
    /// Whether it takes `If-None-Match: *`: then it makes what is not there, and answers 412 where something is.
    pub conditional: bool,
    /// Whether it only asks, though it is a POST: then it wants no `Idempotency-Key`.
    pub asks: bool,
    /// Whether its answer is a stream of server-sent events, each with such data.
    pub streams: bool,
    /// The JSON Schema of the request's body.
    pub request: Option<fn() -> schemars::Schema>,
    /// The JSON Schema of a good answer.
    pub response: Option<fn() -> schemars::Schema>,
    /// The status of a good answer.
    pub status: u16,
}

/// A parameter of a query. None has to be given.
#[derive(Debug, Clone, Copy)]
pub struct Parameter {
    /// Its name.
    pub name: &'static str,
    /// What it does, in a sentence.
    pub summary: &'static str,
    /// The values that it takes; where none is named, any text.
    pub values: &'static [&'static str],
}

impl Parameter {
    /// Where a list goes on.
    pub const CURSOR: Self = Self::text(
        "cursor",
        "The `cursor` of the page before; without it the list begins. A page may be short: the list ends where there is no `cursor`.",
    );

    /// A parameter that takes any text.
    pub const fn text(name: &'static str, summary: &'static str) -> Self {
        Self { name, summary, values: &[] }
    }

    /// A parameter that takes one of these values.
    pub const fn one_of(name: &'static str, summary: &'static str, values: &'static [&'static str]) -> Self {
        Self { name, summary, values }
    }
}

impl Route {
    /// An open route without bodies, which answers 200.
    pub const fn new(method: Method, path: &'static str, summary: &'static str) -> Self {
        Self {
            method,
            path,
            summary,
            scope: None,
            query: &[],
            conditional: false,
            asks: false,
            streams: false,
            request: None,
            response: None,
            status: 200,
        }
    }

    /// The caller's token must hold this scope.
    #[must_use]
    pub const fn scope(mut self, scope: &'static str) -> Self {
        self.scope = Some(scope);
        self
    }

    /// The query may hold these.
    #[must_use]
    pub const fn query(mut self, parameters: &'static [Parameter]) -> Self {
        self.query = parameters;
        self
    }

    /// Takes `If-None-Match: *`; the function reads it with [`only_if_absent`].
    #[must_use]
    pub const fn conditional(mut self) -> Self {
        self.conditional = true;
        self
    }

    /// A POST that changes nothing: its question does not fit into a query.
    #[must_use]
    pub const fn asks(mut self) -> Self {
        self.asks = true;
        self
    }

    /// Its answer is a stream of server-sent events, each with such data.
    #[must_use]
    pub const fn streams<T: JsonSchema>(mut self) -> Self {
        self.streams = true;
        self.answers::<T>(200)
    }

    /// Whether it does something that must not be done twice.
    pub fn acts(&self) -> bool {
        self.method == Method::Post && !self.asks
    }

    /// The request's body is such a one.
    #[must_use]
    pub const fn takes<T: JsonSchema>(mut self) -> Self {
        self.request = Some(schema_of::<T>);
        self
    }

    /// A good answer has this status and such a body.
    #[must_use]
    pub const fn answers<T: JsonSchema>(mut self, status: u16) -> Self {
        self.status = status;
        self.response = Some(schema_of::<T>);
        self
    }
}

fn schema_of<T: JsonSchema>() -> schemars::Schema {
    schemars::schema_for!(T)
}

/// A request.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// The method, in capitals.
    pub method: String,
    /// The route's path behind [`BASE`], with its parameters in braces, as the front matched it.
    pub route: String,
    /// The values of the path's parameters, decoded.
    pub parameters: BTreeMap<String, String>,
    /// The query, decoded.
    pub query: BTreeMap<String, String>,
    /// The headers, names in lower case.
    pub headers: BTreeMap<String, String>,
    /// The body.
    pub body: Bytes,
    /// The id of the request, in every log line and in the answer.
    pub request_id: String,
    /// What the repeats of one request have in common; the edge makes it from the `Idempotency-Key`.
    pub cause: Option<CauseId>,
}

impl Request {
    /// The id from which the ids of everything that this request brings about are made. For a POST it follows from the
    /// tenant, the function, the `Idempotency-Key` and the content: a retry has the same one, even when the record of
    /// the first try is lost. Otherwise it follows from the request's own id.
    pub fn cause_id(&self, caller: &Caller, function: FunctionName) -> CauseId {
        let own = || cause_id(&format!("request#{}#{}#{}", caller.tenant, function.as_str(), self.request_id));
        self.cause.clone().unwrap_or_else(own)
    }

    /// The cause of the events that this request brings about.
    pub fn cause(&self, caller: &Caller, function: FunctionName) -> Cause {
        Cause {
            tenant: caller.tenant.clone(),
            correlation_id: self.correlation_id().to_owned(),
            causation_id: self.cause_id(caller, function).to_string(),
        }
    }

    /// One id from the first request to the last effect: the caller's `x-correlation-id` where it gives one that can be
    /// an id, otherwise the request's own id.
    pub fn correlation_id(&self) -> &str {
        let given = self.headers.get("x-correlation-id").filter(|id| CauseId::new(id.as_str()).is_ok());
        given.unwrap_or(&self.request_id)
    }
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Response {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: BTreeMap<String, String>,
    /// The body.
    pub body: String,
}

impl Response {
    /// A JSON answer.
    pub fn json<T: Serialize>(status: u16, value: &T) -> Result<Self, Problem> {
        let body = serde_json::to_string(value).map_err(|error| Problem::internal(&error))?;
        Ok(Self { status, headers: BTreeMap::from([("content-type".into(), "application/json".into())]), body })
    }
}

/// Who asks: a checked token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// Whose data it may see. Taken from the token, never from the request.
    pub tenant: TenantId,
    /// The person or system.
    pub subject: PersonId,
    /// What it may do.
    pub scopes: BTreeSet<String>,
}

impl Caller {
    /// The tenant of callers without a token. No token can name it, so it owns nothing.
    pub const NO_TENANT: &str = "-";

    /// Whoever asks on an open route.
    pub fn anonymous() -> Self {
        match (TenantId::new(Self::NO_TENANT), PersonId::new("anonymous")) {
            (Ok(tenant), Ok(subject)) => Self { tenant, subject, scopes: BTreeSet::new() },
            _ => unreachable!("both are ids"),
        }
    }
}

/// An error answer. Becomes problem details (RFC 9457).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The HTTP status.
    pub status: u16,
    /// The kind: the last part of `urn:cs-ops:problem:<code>`.
    pub code: &'static str,
    /// The kind in words.
    pub title: &'static str,
    /// What happened, and what to do about it.
    pub detail: String,
    /// Every fault in the request's content.
    pub errors: Vec<Fault>,
    /// When to try again, in seconds.
    pub retry_after_seconds: Option<u32>,
}

impl Problem {
    /// A problem of this kind.
    pub fn new(status: u16, code: &'static str, title: &'static str, detail: impl Into<String>) -> Self {
        Self { status, code, title, detail: detail.into(), errors: Vec::new(), retry_after_seconds: None }
    }

    /// 400: the body cannot be read at all.
    pub fn malformed(detail: impl Into<String>, errors: Vec<Fault>) -> Self {
        Self { errors, ..Self::new(400, "malformed", "The request cannot be read", detail) }
    }

    /// 404: there is no such thing for this tenant.
    pub fn not_found(what: &str, id: &str) -> Self {
        Self::new(404, "not_found", "There is no such thing", format!("{what} `{id}` does not exist for this tenant"))
    }

    /// 409: the state does not allow it.
    pub fn conflict(detail: impl Into<String>) -> Self {
        Self::new(409, "conflict", "The state does not allow it", detail)
    }

    /// 422: the content is readable and wrong.
    pub fn invalid(detail: impl Into<String>, errors: Vec<Fault>) -> Self {
        Self { errors, ..Self::new(422, "invalid", "The content is not valid", detail) }
    }

    /// 500: a defect here. The cause is in the log under the request id, not in the answer.
    pub fn internal(error: &dyn std::fmt::Display) -> Self {
        tracing::error!(%error, "request failed");
        Self::new(
            500,
            "internal",
            "Something is wrong here",
            "the request failed here; nothing was changed; tell the operator the request id in `instance`",
        )
    }
}

impl From<crate::function::Failure> for Problem {
    fn from(failure: crate::function::Failure) -> Self {
        use crate::function::Failure;
        match &failure {
            Failure::Table(error) if error.is_retryable() => unavailable(&failure),
            Failure::Bus(_) | Failure::Queue(_) => unavailable(&failure),
            _ => Self::internal(&failure),
        }
    }
}

impl From<crate::table::TableError> for Problem {
    fn from(error: crate::table::TableError) -> Self {
        crate::function::Failure::from(error).into()
    }
}

fn unavailable(failure: &dyn std::fmt::Display) -> Problem {
    tracing::warn!(error = %failure, "a dependency did not answer");
    Problem {
        retry_after_seconds: Some(5),
        ..Problem::new(
            503,
            "unavailable",
            "Busy",
            "a part behind this did not answer in time; send the same request again with the same Idempotency-Key",
        )
    }
}

/// Whether the request is to be done only where nothing is yet: `If-None-Match: *` (RFC 9110). Any other value is
/// refused, for no answer has a tag to compare: whoever wants to spare what is there must not change it by a typing error.
pub fn only_if_absent(request: &Request) -> Result<bool, Problem> {
    match request.headers.get("if-none-match").map(|value| value.trim()) {
        None => Ok(false),
        Some("*") => Ok(true),
        Some(_) => Err(Problem::malformed(
            "the header `If-None-Match` cannot be read",
            vec![Fault::new("If-None-Match", "takes `*` alone; there are no tags here")],
        )),
    }
}

/// Reads a JSON body. The problem names the path of the fault.
pub fn read_json<T: DeserializeOwned>(request: &Request) -> Result<T, Problem> {
    let mut deserializer = serde_json::Deserializer::from_slice(&request.body);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        Problem::malformed("the body is not the JSON that this route takes", vec![Fault::of_shape(".", &error)])
    })?;
    deserializer.end().map_err(|error| {
        Problem::malformed("the body goes on behind its JSON", vec![Fault::new(".", error.to_string())])
    })?;
    Ok(value)
}

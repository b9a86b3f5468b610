//! The HTTP front on loopback: the template's routes and no others, answered by the same edge as on AWS.
//!
//! A path that the template does not have is a 404 that names it. Before a request is answered, and once a second, the
//! host's time is brought up to the moment; before an answer is given, everything that it set going has come to its end
//! or waits for its next try.

use crate::data::DataError;
use crate::host::Host;
use crate::wiring::{RouteWiring, Wiring};
use axum::body::{Body, to_bytes};
use axum::response::{IntoResponse, Redirect};
use bytes::Bytes;
use contract::problem::Problem;
use jiff::Timestamp;
use percent_encoding::percent_decode_str;
use platform::clock::Clock;
use platform::http::auth::Verifier;
use platform::http::{BASE, Request, Response};
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, PoisonError};

/// API Gateway's limit of a request's body, in bytes. The functions' own limit is lower and answers clearly.
const MAX_BODY_BYTES: usize = 10 * 1024 * 1024;

/// Why the front could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum FrontError {
    /// Another program listens there.
    #[error("port {0} is in use; name another one with --port")]
    PortInUse(u16),
    /// The system does not let it be opened.
    #[error("port {port} cannot be opened")]
    Port {
        /// Which port.
        port: u16,
        /// What the system says.
        source: std::io::Error,
    },
    /// Two routes of the template cannot be told apart.
    #[error("the template's route `{path}` cannot be served: {reason}")]
    Route {
        /// Which route.
        path: String,
        /// Why.
        reason: String,
    },
    /// What happened could not be written down at the end.
    #[error(transparent)]
    Data(#[from] DataError),
    /// Serving ended with an error.
    #[error("the front stopped")]
    Stopped(#[source] std::io::Error),
}

/// How the host's time follows the wall's: from where it stood, at the wall's pace.
pub struct Pace {
    /// The wall's clock.
    pub wall: Arc<dyn Clock>,
    /// What the wall's clock showed at the beginning.
    pub wall_began: Timestamp,
    /// What the host's clock showed at the beginning.
    pub host_began: Timestamp,
}

impl Pace {
    /// Time goes on from where the host stands.
    pub fn from(host_began: Timestamp, wall: Arc<dyn Clock>) -> Self {
        Self { wall_began: wall.now(), wall, host_began }
    }

    /// What time it is for the host.
    pub fn now(&self) -> Timestamp {
        let elapsed = self.wall.now().duration_since(self.wall_began);
        self.host_began.saturating_add(elapsed).unwrap_or(self.host_began)
    }
}

/// Everything that a request needs.
pub struct Front {
    host: Mutex<Host>,
    routes: matchit::Router<Resource>,
    verifier: Verifier,
    pace: Pace,
    /// Called when the host has moved on.
    moved: Box<Moved>,
}

/// Told whenever the host has moved on. Nothing is answered before it is done.
type Moved = dyn Fn(&Host) -> Result<(), DataError> + Send + Sync;

/// A path of the template.
struct Resource {
    route: String,
    functions: BTreeMap<String, String>,
}

impl Front {
    /// A front for a host. `moved` is called whenever the host has moved on.
    pub fn new(
        host: Host,
        wiring: &Wiring,
        verifier: Verifier,
        pace: Pace,
        moved: impl Fn(&Host) -> Result<(), DataError> + Send + Sync + 'static,
    ) -> Result<Self, FrontError> {
        let routes = routes(&wiring.routes)?;
        Ok(Self { host: Mutex::new(host), routes, verifier, pace, moved: Box::new(moved) })
    }

    /// Opens the port on loopback. Whoever calls before [`Front::serve`] waits for their answer.
    pub fn listen(port: u16) -> Result<TcpListener, FrontError> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let opened = TcpListener::bind(address).and_then(|listener| listener.set_nonblocking(true).map(|()| listener));
        opened.map_err(|source| match source.kind() {
            std::io::ErrorKind::AddrInUse => FrontError::PortInUse(port),
            _ => FrontError::Port { port, source },
        })
    }

    /// Answers until it is told to stop, then gives the host its last turn.
    pub async fn serve(
        self: Arc<Self>,
        listener: TcpListener,
        stop: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), FrontError> {
        let listener = tokio::net::TcpListener::from_std(listener).map_err(FrontError::Stopped)?;
        let front = self.clone();
        let router = axum::Router::new().fallback(move |request| {
            let front = front.clone();
            async move { front.answer(request).await }
        });
        let schedules = tokio::spawn(self.clone().keep_time());
        let served = axum::serve(listener, router).with_graceful_shutdown(stop).await;
        schedules.abort();
        self.with_host(|host| (self.moved)(host))?;
        served.map_err(FrontError::Stopped)
    }

    async fn keep_time(self: Arc<Self>) {
        let mut seconds = tokio::time::interval(std::time::Duration::from_secs(1));
        seconds.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            seconds.tick().await;
            if let Err(error) = self.with_host(|host| (self.moved)(host)) {
                tracing::error!(%error, "what happened was not written down");
            }
        }
    }

    /// Brings the host's time up to the moment and lets it do something.
    fn with_host<T>(&self, act: impl FnOnce(&mut Host) -> T) -> T {
        let mut host = self.host.lock().unwrap_or_else(PoisonError::into_inner);
        host.advance(self.pace.now());
        act(&mut host)
    }

    async fn answer(&self, request: axum::extract::Request) -> axum::response::Response {
        if request.uri().path() == "/" {
            return Redirect::temporary(&format!("{BASE}/dashboard")).into_response();
        }
        let (parts, body) = request.into_parts();
        let Ok(body) = to_bytes(body, MAX_BODY_BYTES).await else {
            return problem(
                413,
                "too_large",
                "The request is too large",
                format!("send at most {MAX_BODY_BYTES} bytes"),
            );
        };
        match self.read(&parts, body) {
            Some((function, request)) => self.call(&function, request),
            None => {
                let detail = format!("`{}` is not a route of the template", parts.uri.path());
                problem(404, "no_such_route", "There is no such route", detail)
            }
        }
    }

    fn call(&self, function: &str, request: Request) -> axum::response::Response {
        let answer = self.with_host(|host| {
            let answer = host.call(function, &self.verifier, request);
            host.pump();
            (self.moved)(host).map(|()| answer)
        });
        match answer {
            Ok(answer) => into_http(answer),
            Err(error) => {
                tracing::error!(%error, "what a request changed was not written down");
                let detail = "what this changed could not be written to the data folder, see the log; send the same \
                    request again with the same Idempotency-Key";
                problem(503, "unavailable", "Busy", detail.to_owned())
            }
        }
    }

    /// The function that a request is for, and the request as functions see it.
    fn read(&self, parts: &axum::http::request::Parts, body: Bytes) -> Option<(String, Request)> {
        let found = self.routes.at(parts.uri.path()).ok()?;
        let method = parts.method.as_str().to_owned();
        // A method that the path does not have is refused by any function of the path, which knows the ones it has.
        let functions = &found.value.functions;
        let function = functions.get(&method).or_else(|| functions.values().next())?;
        let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
        let request = Request {
            method,
            route: found.value.route.clone(),
            parameters: found.params.iter().map(|(name, value)| (name.to_owned(), decoded(value))).collect(),
            query: query(parts.uri.query().unwrap_or_default()),
            headers: headers(&parts.headers),
            body,
            ..Request::default()
        };
        Some((function.clone(), request))
    }
}

fn routes(wiring: &[RouteWiring]) -> Result<matchit::Router<Resource>, FrontError> {
    let mut resources: BTreeMap<&str, Resource> = BTreeMap::new();
    for route in wiring {
        let resource = resources.entry(&route.path).or_insert_with(|| Resource {
            route: route.path.strip_prefix(BASE).unwrap_or(&route.path).to_owned(),
            functions: BTreeMap::new(),
        });
        resource.functions.insert(route.method.clone(), route.function.clone());
    }
    let mut router = matchit::Router::new();
    for (path, resource) in resources {
        let unserved =
            |error: matchit::InsertError| FrontError::Route { path: path.to_owned(), reason: error.to_string() };
        router.insert(path, resource).map_err(unserved)?;
    }
    Ok(router)
}

/// The query, decoded. Of a name that stands twice the last value counts, as with API Gateway.
fn query(text: &str) -> BTreeMap<String, String> {
    let decoded = |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
    let pairs = text.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (decoded(name), decoded(value)))
        .collect()
}

/// The headers. One that was sent twice holds both values: two tokens are then no token.
fn headers(map: &axum::http::HeaderMap) -> BTreeMap<String, String> {
    let mut headers: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in map {
        let value = String::from_utf8_lossy(value.as_bytes());
        let joined = headers
            .get(name.as_str())
            .map_or_else(|| value.clone().into_owned(), |before| format!("{before}, {value}"));
        headers.insert(name.as_str().to_owned(), joined);
    }
    headers
}

fn problem(status: u16, code: &str, title: &str, detail: String) -> axum::response::Response {
    let problem = Problem {
        kind: format!("urn:cs-ops:problem:{code}"),
        title: title.to_owned(),
        status,
        detail,
        instance: platform::random::id(),
        errors: Vec::new(),
    };
    let body = serde_json::to_string(&problem).unwrap_or_default();
    into_http(Response {
        status,
        headers: BTreeMap::from([("content-type".to_owned(), "application/problem+json".to_owned())]),
        body,
    })
}

fn into_http(response: Response) -> axum::response::Response {
    let mut builder = axum::http::Response::builder().status(response.status);
    for (name, value) in &response.headers {
        builder = builder.header(name, value);
    }
    builder
        .body(Body::from(response.body))
        .unwrap_or_else(|_| axum::http::StatusCode::INTERNAL_SERVER_ERROR.into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn router() -> matchit::Router<Resource> {
        let route = |method: &str, path: &str, function: &str| RouteWiring {
            function: function.into(),
            method: method.into(),
            path: format!("{BASE}{path}"),
        };
        routes(&[
            route("PUT", "/accounts/{id}", "ingest"),
            route("GET", "/accounts/{id}/health", "score"),
            route("GET", "/ctas", "trigger"),
            route("POST", "/ctas/{id}/{action}", "trigger"),
        ])
        .unwrap()
    }

    #[test]
    fn a_path_finds_its_route_and_its_parameters() {
        let router = router();
        let found = router.at("/api/v1/cs-ops/ctas/c%201/close").unwrap();
        assert_eq!(found.value.route, "/ctas/{id}/{action}");
        assert_eq!(found.params.get("id"), Some("c%201"));
        assert_eq!(found.value.functions["POST"], "trigger");
        for stranger in ["/api/v1/cs-ops/nothing", "/ctas", "/api/v1/cs-ops/ctas/", "/api/v1/cs-ops/accounts/a/b"] {
            assert!(router.at(stranger).is_err(), "{stranger}");
        }
    }

    #[test]
    fn a_query_is_decoded_and_its_last_value_counts() {
        let read = query("limit=5&cursor=a%2Bb+c&limit=6&&empty");
        let expected = [("cursor", "a+b c"), ("empty", ""), ("limit", "6")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(read, BTreeMap::from(expected));
    }

    #[test]
    fn two_tokens_are_not_one() {
        let mut map = axum::http::HeaderMap::new();
        map.append("Authorization", "Bearer a".parse().unwrap());
        map.append("Authorization", "Bearer b".parse().unwrap());
        assert_eq!(headers(&map)["authorization"], "Bearer a, Bearer b");
    }

    #[test]
    fn a_port_in_use_is_named_with_what_to_do() {
        let held = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = held.local_addr().unwrap().port();
        let error = Front::listen(port).unwrap_err();
        assert_eq!(error.to_string(), format!("port {port} is in use; name another one with --port"));
    }

    #[test]
    fn the_hosts_time_goes_on_from_where_it_stood() {
        let wall = Arc::new(crate::clock::StandingClock::new("2026-11-22T12:00:00Z".parse().unwrap()));
        let pace = Pace::from("2026-07-04T00:00:00Z".parse().unwrap(), wall.clone());
        wall.move_to("2026-11-22T12:00:05Z".parse().unwrap());
        assert_eq!(pace.now(), "2026-07-04T00:00:05Z".parse().unwrap());
    }
}

//! `report`: every fact comes in and becomes read models; people and programs read what is, and why.
//!
//! A row per account ([`rows`]) and a line per fact ([`timeline`]) follow from the facts in any order. The reads answer
//! from them ([`live`]), the dashboard shows them ([`dashboard`]).

mod dashboard;
mod live;
mod rows;
mod status;
mod timeline;

use async_trait::async_trait;
use contract::event::FunctionName;
use contract::message::Incoming;
use platform::function::{Failure, Function, Ports, Tick};
use platform::http::{Caller, Method, Problem, Request, Response, Route};

/// The function.
pub struct Report {
    ports: Ports,
}

impl Report {
    /// Connects the function to its ports.
    pub const fn new(ports: Ports) -> Self {
        Self { ports }
    }
}

const fn read(
    path: &'static str,
    scope: Option<&'static str>,
    summary: &'static str,
    response: Option<fn() -> schemars::Schema>,
) -> Route {
    Route { method: Method::Get, path, scope, summary, request: None, response, status: 200 }
}

/// What this function answers.
pub const ROUTES: &[Route] = &[
    read(
        "/performance/live",
        Some("cs-ops.report.read"),
        "What is: accounts by band, biggest falls, open calls to action and escalations.",
        Some(|| schemars::schema_for!(contract::report::LivePerformance)),
    ),
    read(
        "/accounts/{id}/timeline",
        Some("cs-ops.report.read"),
        "What happened to an account and why, the newest first.",
        Some(|| schemars::schema_for!(contract::report::Timeline)),
    ),
    read("/dashboard", None, "The dashboard's page; its data come from /performance/live with a token.", None),
    read("/dashboard/{file}", None, "The dashboard's script and style.", None),
    read("/health", None, "Whether the function is alive.", Some(|| schemars::schema_for!(contract::report::Status))),
    read(
        "/ready",
        None,
        "Whether what the function needs answers.",
        Some(|| schemars::schema_for!(contract::report::Status)),
    ),
];

#[async_trait]
impl Function for Report {
    fn name(&self) -> FunctionName {
        FunctionName::Report
    }

    fn routes(&self) -> &'static [Route] {
        ROUTES
    }

    fn ports(&self) -> &Ports {
        &self.ports
    }

    async fn call(&self, caller: &Caller, request: &Request) -> Result<Response, Problem> {
        match (request.method.as_str(), request.route.as_str()) {
            ("GET", "/performance/live") => live::performance(&self.ports, caller).await,
            ("GET", "/accounts/{id}/timeline") => timeline::read(&self.ports, caller, request).await,
            ("GET", "/dashboard") => Ok(dashboard::page()),
            ("GET", "/dashboard/{file}") => dashboard::file(request),
            ("GET", "/health") => status::health(),
            ("GET", "/ready") => status::ready(&self.ports).await,
            _ => Err(Problem::not_found("route", &request.route)),
        }
    }

    async fn message(&self, message: &Incoming) -> Result<(), Failure> {
        match message {
            Incoming::Fact(event) => rows::take_in(&self.ports, event).await,
            Incoming::Work(_) => Err(Failure::Unhandled("there is no work for report".into())),
        }
    }

    async fn tick(&self, tick: &Tick) -> Result<(), Failure> {
        Err(Failure::Unhandled(format!("there is no tick `{}` in report", tick.tick)))
    }
}

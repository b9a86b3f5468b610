//! `report`: every fact comes in and becomes read models; people and programs read what is, and why.
//!
//! A row per account ([`rows`]) and a line per fact ([`timeline`]) follow from the facts in any order. The reads answer
//! from them ([`live`]), the dashboard shows them ([`dashboard`]), and every day they are written down ([`papers`]).

mod dashboard;
mod live;
mod papers;
mod rows;
mod status;
mod timeline;

use async_trait::async_trait;
use contract::event::FunctionName;
use contract::message::Incoming;
use jiff::Timestamp;
use platform::function::{Failure, Function, Ports, Tick};
use platform::http::{Caller, Method, Parameter, Problem, Request, Response, Route};
use platform::shelf::{Nowhere, Shelf};
use std::sync::Arc;

/// The variable that names the bucket in which papers lie.
pub const REPORTS_VARIABLE: &str = "CS_OPS_REPORTS_BUCKET";

/// The function.
pub struct Report {
    ports: Ports,
    shelf: Arc<dyn Shelf>,
}

impl Report {
    /// Connects the function to its ports. Its papers lie nowhere.
    pub fn new(ports: Ports) -> Self {
        Self { ports, shelf: Arc::new(Nowhere) }
    }

    /// The same, laying its papers on this shelf.
    #[must_use]
    pub fn laying_on(mut self, shelf: Arc<dyn Shelf>) -> Self {
        self.shelf = shelf;
        self
    }
}

/// What this function answers.
pub const ROUTES: &[Route] = &[
    Route::new(
        Method::Get,
        "/performance/live",
        "What is: accounts by band, biggest falls, open calls to action and escalations.",
    )
    .scope("cs-ops.report.read")
    .answers::<contract::report::LivePerformance>(200),
    Route::new(Method::Get, "/accounts/{id}/timeline", "What happened to an account and why, the newest first.")
        .scope("cs-ops.report.read")
        .query(&[Parameter::CURSOR])
        .answers::<contract::report::Timeline>(200),
    Route::new(Method::Get, "/dashboard", "The dashboard's page; its data come from /performance/live with a token."),
    Route::new(Method::Get, "/dashboard/{file}", "The dashboard's script and style."),
    Route::new(Method::Get, "/health", "Whether the function is alive.").answers::<contract::report::Status>(200),
    Route::new(Method::Get, "/ready", "Whether what the function needs answers.")
        .answers::<contract::report::Status>(200),
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

    async fn message(&self, message: &Incoming, _: Timestamp) -> Result<(), Failure> {
        match message {
            Incoming::Fact(event) => rows::take_in(&self.ports, event).await,
            Incoming::Work(_) => Err(Failure::Unhandled("there is no work for report".into())),
        }
    }

    async fn tick(&self, tick: &Tick) -> Result<(), Failure> {
        match tick.tick.as_str() {
            "papers" => papers::tick(&self.ports, self.shelf.as_ref(), tick).await,
            other => Err(Failure::Unhandled(format!("there is no tick `{other}` in report"))),
        }
    }
}

#[cfg(test)]
mod tests;

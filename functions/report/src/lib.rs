//! `report`: every fact comes in and becomes read models; people and programs read what is, and why.
//!
//! A row per account ([`rows`]) and a line per fact ([`timeline`]) follow from the facts in any order; each fact is kept
//! and counted once ([`kept`], [`counting`]). The reads answer from them: what is ([`live`], with [`kpis`] and [`budget`]),
//! what was ([`history`]) and what is paid ([`money`], [`renewals`]). The dashboard shows them ([`dashboard`]),
//! and every day they are written down ([`papers`]).

mod budget;
mod counting;
mod dashboard;
mod history;
mod kept;
mod kpis;
mod live;
mod money;
mod papers;
mod renewals;
mod rows;
mod status;
mod timeline;

use async_trait::async_trait;
use contract::event::FunctionName;
use contract::message::Incoming;
use contract::roi::RoiFile;
use domain::kpi::Registry;
use jiff::Timestamp;
use platform::function::{ConfigurationError, Failure, Function, Ports, Tick};
use platform::http::{Caller, Method, Parameter, Problem, Request, Response, Route};
use platform::shelf::{Nowhere, Shelf};
use std::sync::Arc;

/// The variable that names the bucket in which papers lie.
pub const REPORTS_VARIABLE: &str = "CS_OPS_REPORTS_BUCKET";

/// The function.
pub struct Report {
    ports: Ports,
    figures: Figures,
    shelf: Arc<dyn Shelf>,
}

/// What the figures are made by.
pub struct Figures {
    /// The key figures.
    pub kpis: Registry,
    /// What customer success costs and brings.
    pub roi: RoiFile,
}

impl Figures {
    /// Those that are built in.
    pub fn built_in() -> Result<Self, ConfigurationError> {
        let kpis = contract::kpis::built_in().map_err(|faults| ConfigurationError { file: "kpis.yaml", faults })?;
        let roi = contract::roi::built_in().map_err(|faults| ConfigurationError { file: "roi.yaml", faults })?;
        Ok(Self { kpis, roi })
    }
}

impl Report {
    /// Connects the function to its ports, with the figures that are built in.
    pub fn new(ports: Ports) -> Result<Self, ConfigurationError> {
        Ok(Self::with(ports, Figures::built_in()?))
    }

    /// Connects the function to its ports, with these figures. Its papers lie nowhere.
    pub fn with(ports: Ports, figures: Figures) -> Self {
        Self { ports, figures, shelf: Arc::new(Nowhere) }
    }

    /// The same, laying its papers on this shelf.
    #[must_use]
    pub fn laying_on(mut self, shelf: Arc<dyn Shelf>) -> Self {
        self.shelf = shelf;
        self
    }
}

/// What the query of the return may name: the lines of the sheet.
const AMOUNTS: &[Parameter] = &[
    amount("vice_president"),
    amount("success_managers"),
    amount("technical_managers"),
    amount("support_engineers"),
    amount("trainers"),
    amount("success_platform"),
    amount("support_tools"),
    amount("training_platform"),
    amount("operations"),
    amount("renewals"),
    amount("expansion"),
    amount("references"),
    amount("reduced_churn"),
    amount("support_efficiency"),
    amount("sales_efficiency"),
];

const fn amount(line: &'static str) -> Parameter {
    Parameter::text(line, "What this line is assumed to be a year, in whole units of the currency.")
}

/// What this function answers.
pub const ROUTES: &[Route] = &[
    Route::new(
        Method::Get,
        "/performance/live",
        "What is: accounts by band, biggest falls, what is open, key figures, what is unusual, where accounts may grow, and the error budget.",
    )
    .scope("cs-ops.report.read")
    .answers::<contract::report::LivePerformance>(200),
    Route::new(Method::Get, "/performance/history", "The accounts by band at the end of each week.")
        .scope("cs-ops.report.read")
        .query(&[Parameter::text("weeks", "How many weeks, the current one among them: 1 to 53, 26 where nothing is given.")])
        .answers::<contract::report::PerformanceHistory>(200),
    Route::new(Method::Get, "/revenue", "What customers pay, how that moved in a year, who stayed, and what is to be renewed.")
        .scope("cs-ops.report.read")
        .answers::<contract::report::RevenueAnswer>(200),
    Route::new(Method::Get, "/roi", "What customer success costs and brings a year, with what both are assumed from.")
        .scope("cs-ops.report.read")
        .query(AMOUNTS)
        .answers::<contract::report::RoiAnswer>(200),
    Route::new(Method::Get, "/accounts/{id}/timeline", "What happened to an account and why, the newest first.")
        .scope("cs-ops.report.read")
        .query(&[Parameter::CURSOR])
        .answers::<contract::report::Timeline>(200),
    Route::new(Method::Get, "/dashboard", "The dashboard's page; its data come from /performance/live with a token."),
    Route::new(Method::Get, "/dashboard/{file}", "The dashboard's scripts, style and icon."),
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
            ("GET", "/performance/live") => live::performance(&self.ports, &self.figures.kpis, caller).await,
            ("GET", "/performance/history") => history::read(&self.ports, caller, request).await,
            ("GET", "/revenue") => money::revenue(&self.ports, caller).await,
            ("GET", "/roi") => money::roi(&self.ports, &self.figures.roi, request),
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
            "papers" => papers::tick(&self.ports, &self.figures.kpis, self.shelf.as_ref(), tick).await,
            // Nothing calls it by schedule: whoever changes what rows are made of does, once.
            "rebuild" => kept::rebuild(&self.ports, tick).await,
            other => Err(Failure::Unhandled(format!("there is no tick `{other}` in report"))),
        }
    }
}

#[cfg(test)]
mod tests;

//! `report`: every fact comes in and becomes read models; people and programs read what is, and why.
//!
//! A row per account ([`rows`]), its story ([`story`]) and a line per fact ([`timeline`]) follow from the facts in any
//! order; each fact is kept and counted once ([`kept`], [`counting`]). The reads answer from them: what is ([`live`], with
//! [`kpis`] and [`budget`]), what was ([`history`]), what is paid ([`money`], [`renewals`]), what all accounts come to
//! together ([`analytics`]), whether there are enough people ([`capacity`]) and where work waits ([`optimize`]). People say
//! what they make of it ([`replies`]). The dashboard shows it ([`dashboard`]), one account is drawn on a page to print
//! ([`account_review`]), and every day it is written down ([`papers`]).

mod account_review;
mod analytics;
mod budget;
mod capacity;
mod counting;
mod dashboard;
mod history;
mod kept;
mod kpis;
mod live;
mod money;
mod optimize;
mod papers;
mod renewals;
mod replies;
mod rows;
mod status;
mod story;
mod timeline;

use async_trait::async_trait;
use contract::event::FunctionName;
use contract::message::Incoming;
use contract::roi::RoiFile;
use domain::allocation::AllocationPolicy;
use domain::capacity::CapacityPolicy;
use domain::kpi::Registry;
use domain::roster::Roster;
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
    team: Team,
    shelf: Arc<dyn Shelf>,
}

/// Who is there, and how much they may look after.
struct Team {
    roster: Roster,
    allocation: AllocationPolicy,
    capacity: CapacityPolicy,
}

impl Team {
    fn of(roster: Roster) -> Self {
        Self { roster, allocation: AllocationPolicy::default(), capacity: CapacityPolicy::default() }
    }
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
    /// Connects the function to its ports, with the figures and the roster that are built in. Its papers lie nowhere.
    pub fn new(ports: Ports) -> Result<Self, ConfigurationError> {
        let roster =
            contract::roster::built_in().map_err(|faults| ConfigurationError { file: "roster.yaml", faults })?;
        Ok(Self { ports, figures: Figures::built_in()?, team: Team::of(roster), shelf: Arc::new(Nowhere) })
    }

    /// The same, with these figures.
    #[must_use]
    pub fn with(mut self, figures: Figures) -> Self {
        self.figures = figures;
        self
    }

    /// The same, with these people.
    #[must_use]
    pub fn staffed_by(mut self, roster: Roster) -> Self {
        self.team = Team::of(roster);
        self
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
    Route::new(
        Method::Get,
        "/accounts/{id}/review",
        "One account on a page to print and to talk about with the customer.",
    )
    .scope("cs-ops.report.read"),
    Route::new(
        Method::Post,
        "/accounts/{id}/advice/{action}",
        "Takes a proposal on, or dismisses it for a cause: then it is not made again for 30 days.",
    )
    .scope("cs-ops.report.write")
    .takes::<contract::analytics::VerdictRequest>()
    .answers::<contract::analytics::RepliesAnswer>(200),
    Route::new(
        Method::Post,
        "/accounts/{id}/feedback-told",
        "Says that the customer was told what came of what they said: the loop is closed.",
    )
    .scope("cs-ops.report.write")
    .takes::<contract::analytics::ToldRequest>()
    .answers::<contract::analytics::RepliesAnswer>(200),
    Route::new(
        Method::Post,
        "/accounts/{id}/references",
        "Says that the account is asked to speak for the product; refused where it is not to be asked now.",
    )
    .scope("cs-ops.report.write")
    .takes::<contract::analytics::ReferenceRequest>()
    .answers::<contract::analytics::RepliesAnswer>(200),
    Route::new(
        Method::Get,
        "/capacity/forecast",
        "How full roles are, when they will be fuller than is good, and what too few know.",
    )
    .scope("cs-ops.report.read")
    .answers::<contract::capacity::CapacityForecast>(200),
    Route::new(
        Method::Post,
        "/optimize",
        "Where work waits, which step holds the others up, and what could be done about it. Nothing is changed.",
    )
    .scope("cs-ops.report.read")
    .asks()
    .takes::<contract::optimize::OptimizeRequest>()
    .answers::<contract::optimize::OptimizeAnswer>(200),
    Route::new(
        Method::Get,
        "/analytics/journey",
        "From which stage customers went to which, and how long they stayed.",
    )
    .scope("cs-ops.report.read")
    .answers::<contract::analytics::JourneyAnswer>(200),
    Route::new(
        Method::Get,
        "/analytics/adoption",
        "How far the product is adopted, and at which step most accounts stop.",
    )
    .scope("cs-ops.report.read")
    .answers::<contract::analytics::AdoptionAnswer>(200),
    Route::new(
        Method::Get,
        "/analytics/benchmarks",
        "What the customers of each segment have, told only of five or more together.",
    )
    .scope("cs-ops.report.read")
    .query(&[analytics::ACCOUNT])
    .answers::<contract::analytics::BenchmarksAnswer>(200),
    Route::new(Method::Get, "/analytics/voice", "What customers say, and whether they were told what came of it.")
        .scope("cs-ops.report.read")
        .answers::<contract::analytics::VoiceAnswer>(200),
    Route::new(Method::Get, "/analytics/support", "What support came to over all accounts.")
        .scope("cs-ops.report.read")
        .query(&[analytics::DAYS])
        .answers::<contract::analytics::DeskAnswer>(200),
    Route::new(
        Method::Get,
        "/analytics/agents",
        "How those who work on cases get on, and which of their cases are looked at for quality.",
    )
    .scope("cs-ops.report.read")
    .query(&[analytics::DAYS, analytics::WORD])
    .answers::<contract::analytics::AgentsAnswer>(200),
    Route::new(Method::Get, "/analytics/actions", "What to do next for which account, the most worth first.")
        .scope("cs-ops.report.read")
        .answers::<contract::analytics::ActionsAnswer>(200),
    Route::new(Method::Get, "/analytics/advocacy", "Who may be asked to speak for the product, and why others not.")
        .scope("cs-ops.report.read")
        .answers::<contract::analytics::AdvocacyAnswer>(200),
    Route::new(Method::Get, "/analytics/lift", "What escalations came to, by the way they went.")
        .scope("cs-ops.report.read")
        .answers::<contract::analytics::LiftAnswer>(200),
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
            ("GET", "/accounts/{id}/review") => account_review::page(&self.ports, caller, request).await,
            ("POST", "/accounts/{id}/advice/{action}") => replies::verdict(&self.ports, caller, request).await,
            ("POST", "/accounts/{id}/feedback-told") => replies::told(&self.ports, caller, request).await,
            ("POST", "/accounts/{id}/references") => replies::reference(&self.ports, caller, request).await,
            ("GET", "/capacity/forecast") => capacity::forecast(&self.ports, &self.team, caller).await,
            ("POST", "/optimize") => optimize::optimize(&self.ports, caller, request).await,
            ("GET", "/analytics/journey") => analytics::journey(&self.ports, caller).await,
            ("GET", "/analytics/adoption") => analytics::adoption(&self.ports, caller).await,
            ("GET", "/analytics/benchmarks") => analytics::benchmarks(&self.ports, caller, request).await,
            ("GET", "/analytics/voice") => analytics::voice(&self.ports, caller).await,
            ("GET", "/analytics/support") => analytics::support(&self.ports, caller, request).await,
            ("GET", "/analytics/agents") => analytics::agents(&self.ports, caller, request).await,
            ("GET", "/analytics/actions") => analytics::actions(&self.ports, caller).await,
            ("GET", "/analytics/advocacy") => analytics::advocacy(&self.ports, caller).await,
            ("GET", "/analytics/lift") => analytics::lift(&self.ports, caller).await,
            ("GET", "/dashboard") => Ok(dashboard::page()),
            ("GET", "/dashboard/{file}") => dashboard::file(request),
            ("GET", "/health") => status::health(),
            ("GET", "/ready") => status::ready(&self.ports).await,
            _ => Err(Problem::not_found("route", &request.route)),
        }
    }

    async fn message(&self, message: &Incoming, _: Timestamp) -> Result<(), Failure> {
        match message {
            Incoming::Fact(event) => {
                rows::take_in(&self.ports, event).await?;
                story::take_in(&self.ports, event).await
            }
            Incoming::Work(_) => Err(Failure::Unhandled("there is no work for report".into())),
        }
    }

    async fn tick(&self, tick: &Tick) -> Result<(), Failure> {
        match tick.tick.as_str() {
            "capacity_watch" => capacity::watch(&self.ports, &self.team, tick).await,
            "papers" => papers::tick(&self.ports, &self.figures.kpis, self.shelf.as_ref(), tick).await,
            // Nothing calls it by schedule: whoever changes what rows are made of does, once.
            "rebuild" => kept::rebuild(&self.ports, tick).await,
            other => Err(Failure::Unhandled(format!("there is no tick `{other}` in report"))),
        }
    }
}

#[cfg(test)]
mod tests;

//! `ingest`: facts come in, each with a verdict of its own, and become the account's record.
//!
//! Over HTTP records are checked one by one ([`door`]); good ones go onto the signals queue, bad ones into quarantine
//! with the reason ([`quarantine`]). From the queue they are recorded, once in effect ([`record`]). A schedule looks for
//! sources that stopped sending ([`watch`]).

mod accounts;
mod door;
mod quarantine;
mod record;
mod watch;

use async_trait::async_trait;
use contract::event::FunctionName;
use contract::message::{Incoming, Task};
use platform::function::{Failure, Function, Ports, Tick};
use platform::http::{Caller, Method, Problem, Request, Response, Route};

/// The function.
pub struct Ingest {
    ports: Ports,
}

impl Ingest {
    /// Connects the function to its ports.
    pub const fn new(ports: Ports) -> Self {
        Self { ports }
    }
}

/// What this function answers.
pub const ROUTES: &[Route] = &[
    Route {
        method: Method::Post,
        path: "/signals",
        scope: Some("cs-ops.ingest.write"),
        summary: "Takes in one signal or up to 500, with a verdict for each.",
        request: Some(|| schemars::schema_for!(contract::ingest::SignalsRequest)),
        response: Some(|| schemars::schema_for!(contract::ingest::SignalsAnswer)),
        status: 202,
    },
    Route {
        method: Method::Put,
        path: "/accounts/{id}",
        scope: Some("cs-ops.ingest.write"),
        summary: "Describes an account; the same twice is the same once.",
        request: Some(|| schemars::schema_for!(contract::signal::AccountBody)),
        response: Some(|| schemars::schema_for!(contract::ingest::AccountAnswer)),
        status: 200,
    },
    Route {
        method: Method::Get,
        path: "/quarantine",
        scope: Some("cs-ops.ingest.read"),
        summary: "Lists refused records with the reasons.",
        request: None,
        response: Some(|| schemars::schema_for!(contract::ingest::QuarantinePage)),
        status: 200,
    },
    Route {
        method: Method::Post,
        path: "/quarantine/{id}/release",
        scope: Some("cs-ops.ingest.write"),
        summary: "Sends a refused record in again, as it is or mended.",
        request: Some(|| schemars::schema_for!(contract::ingest::ReleaseRequest)),
        response: Some(|| schemars::schema_for!(contract::ingest::ReleaseAnswer)),
        status: 202,
    },
];

#[async_trait]
impl Function for Ingest {
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
        match (request.method.as_str(), request.route.as_str()) {
            ("POST", "/signals") => door::post(&self.ports, caller, request).await,
            ("PUT", "/accounts/{id}") => accounts::put(&self.ports, caller, request).await,
            ("GET", "/quarantine") => quarantine::list(&self.ports, caller, request).await,
            ("POST", "/quarantine/{id}/release") => quarantine::release(&self.ports, caller, request).await,
            _ => Err(Problem::not_found("route", &request.route)),
        }
    }

    async fn message(&self, message: &Incoming) -> Result<(), Failure> {
        match message {
            Incoming::Work(work) => match &work.task {
                Task::RecordSignals(data) => record::signals(&self.ports, work, &data.account, &data.signals).await,
                Task::Sweep(_) => watch::shard(&self.ports, work).await,
            },
            Incoming::Fact(event) => Err(Failure::Unhandled(format!("`{}` is not for ingest", event.fact.name()))),
        }
    }

    async fn tick(&self, tick: &Tick) -> Result<(), Failure> {
        match tick.tick.as_str() {
            "source_watch" => platform::sweep::start(&self.ports, FunctionName::Ingest, tick).await,
            other => Err(Failure::Unhandled(format!("there is no tick `{other}` in ingest"))),
        }
    }
}

//! `ingest`: facts come in, each with a verdict of its own, and become the account's record.
//!
//! Over HTTP records are checked one by one ([`door`]); good ones go onto the signals queue, bad ones into quarantine
//! with the reason ([`quarantine`]). From the queue they are recorded, once in effect ([`record`]). A schedule looks for
//! sources that stopped sending or send what is unusual ([`watch`]), and sums them up over all accounts ([`sources`]).

mod accounts;
mod door;
mod quality;
mod quarantine;
mod read;
mod record;
mod refusal;
mod sources;
mod support;
mod watch;

use async_trait::async_trait;
use contract::event::FunctionName;
use contract::message::{Incoming, Task};
use jiff::Timestamp;
use platform::function::{Failure, Function, Ports, Tick};
use platform::http::{Caller, Method, Parameter, Problem, Request, Response, Route};

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
    Route::new(Method::Post, "/signals", "Takes in one signal or up to 500, with a verdict for each.")
        .scope("cs-ops.ingest.write")
        .takes::<contract::ingest::SignalsRequest>()
        .answers::<contract::ingest::SignalsAnswer>(202),
    Route::new(Method::Get, "/accounts/{id}/signals/{day}", "What came in about an account on one UTC day.")
        .scope("cs-ops.ingest.read")
        .query(&[Parameter::text("metric", "Only what reports this metric.")])
        .answers::<contract::ingest::SignalsOfDay>(200),
    Route::new(Method::Get, "/accounts/{id}/support", "How many cases an account had and how long they took.")
        .scope("cs-ops.ingest.read")
        .query(&[Parameter::text("days", "How many days, today counted: 1 to 400; 90 where nothing is given.")])
        .answers::<contract::ingest::SupportAnswer>(200),
    Route::new(Method::Put, "/accounts/{id}", "Describes an account; the same twice is the same once.")
        .scope("cs-ops.ingest.write")
        .conditional()
        .takes::<contract::signal::AccountBody>()
        .answers::<contract::ingest::AccountAnswer>(200),
    Route::new(
        Method::Get,
        "/accounts/{id}/data-quality",
        "How good the data about an account are: its sources with what is unusual about them, and a score of four parts.",
    )
    .scope("cs-ops.ingest.read")
    .answers::<contract::quality::DataQuality>(200),
    Route::new(Method::Get, "/sources", "Lists the sources over all accounts, as the last watch found them.")
        .scope("cs-ops.ingest.read")
        .query(&[Parameter::CURSOR])
        .answers::<contract::quality::SourcesPage>(200),
    Route::new(Method::Get, "/sources/{id}", "A source over all accounts, as the last watch found it.")
        .scope("cs-ops.ingest.read")
        .answers::<contract::quality::SourceBody>(200),
    Route::new(Method::Get, "/quarantine", "Lists refused records with the reasons.")
        .scope("cs-ops.ingest.read")
        .query(&[Parameter::CURSOR])
        .answers::<contract::ingest::QuarantinePage>(200),
    Route::new(Method::Post, "/quarantine/{id}/release", "Sends a refused record in again, as it is or mended.")
        .scope("cs-ops.ingest.write")
        .takes::<contract::ingest::ReleaseRequest>()
        .answers::<contract::ingest::ReleaseAnswer>(202),
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
            ("GET", "/accounts/{id}/signals/{day}") => read::signals(&self.ports, caller, request).await,
            ("GET", "/accounts/{id}/support") => support::get(&self.ports, caller, request).await,
            ("PUT", "/accounts/{id}") => accounts::put(&self.ports, caller, request).await,
            ("GET", "/accounts/{id}/data-quality") => quality::account(&self.ports, caller, request).await,
            ("GET", "/sources") => quality::list(&self.ports, caller, request).await,
            ("GET", "/sources/{id}") => quality::one(&self.ports, caller, request).await,
            ("GET", "/quarantine") => quarantine::list(&self.ports, caller, request).await,
            ("POST", "/quarantine/{id}/release") => quarantine::release(&self.ports, caller, request).await,
            _ => Err(Problem::not_found("route", &request.route)),
        }
    }

    async fn message(&self, message: &Incoming, until: Timestamp) -> Result<(), Failure> {
        match message {
            Incoming::Work(work) => match &work.task {
                Task::RecordSignals(data) => record::signals(&self.ports, work, data).await,
                Task::Sweep(_) => watch::shard(&self.ports, work, until).await,
                Task::Deliver(_) => Err(Failure::Unhandled("deliveries are not for ingest".into())),
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

#[cfg(test)]
mod tests;

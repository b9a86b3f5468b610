//! `escalate`: what needs people comes in, and is driven until somebody has it and it is done.
//!
//! Cases and rules open escalations ([`follow`]), a clock tells what is due ([`clock`]), people acknowledge and resolve
//! ([`act`]). Whatever the door, one place writes what happened ([`change`]).

mod act;
mod change;
mod clock;
mod follow;

use async_trait::async_trait;
use contract::event::{Fact, FunctionName};
use contract::message::Incoming;
use domain::escalation::EscalationPolicies;
use jiff::Timestamp;
use platform::function::{ConfigurationError, Failure, Function, Ports, Tick};
use platform::http::{Caller, Method, Parameter, Problem, Request, Response, Route};

/// The function.
pub struct Escalate {
    ports: Ports,
    policies: EscalationPolicies,
}

impl Escalate {
    /// Connects the function to its ports, with the default policies.
    pub fn new(ports: Ports) -> Result<Self, ConfigurationError> {
        let policies = contract::escalation::built_in()
            .map_err(|faults| ConfigurationError { file: "escalation.yaml", faults })?;
        Ok(Self::with(ports, policies))
    }

    /// Connects the function to its ports, with these policies.
    pub const fn with(ports: Ports, policies: EscalationPolicies) -> Self {
        Self { ports, policies }
    }
}

const LISTED_BY: &[Parameter] = &[
    Parameter::one_of("severity", "Only those of this severity.", &["critical", "high", "medium", "low"]),
    Parameter::one_of("status", "Only those of this status.", &["open", "acknowledged"]),
    Parameter::text("account", "Only those about this account."),
    Parameter::CURSOR,
];

/// What this function answers.
pub const ROUTES: &[Route] = &[
    Route::new(Method::Get, "/escalations/active", "Escalations that have not ended, the next to breach first.")
        .scope("cs-ops.escalate.read")
        .query(LISTED_BY)
        .answers::<contract::escalate::ActiveEscalations>(200),
    Route::new(Method::Post, "/escalations/{id}/{action}", "Acknowledges or resolves an escalation.")
        .scope("cs-ops.escalate.write")
        .takes::<contract::escalate::EscalationActionRequest>()
        .answers::<contract::escalate::EscalationItem>(200),
];

#[async_trait]
impl Function for Escalate {
    fn name(&self) -> FunctionName {
        FunctionName::Escalate
    }

    fn routes(&self) -> &'static [Route] {
        ROUTES
    }

    fn ports(&self) -> &Ports {
        &self.ports
    }

    async fn call(&self, caller: &Caller, request: &Request) -> Result<Response, Problem> {
        match (request.method.as_str(), request.route.as_str()) {
            ("GET", "/escalations/active") => act::active(&self.ports, caller, request).await,
            ("POST", "/escalations/{id}/{action}") => act::act(&self.ports, &self.policies, caller, request).await,
            _ => Err(Problem::not_found("route", &request.route)),
        }
    }

    async fn message(&self, message: &Incoming, _: Timestamp) -> Result<(), Failure> {
        let Incoming::Fact(event) = message else {
            return Err(Failure::Unhandled("there is no work for escalate".into()));
        };
        let Some(account) = &event.meta.account else {
            return Err(Failure::Unhandled(format!("`{}` without an account is not for escalate", event.fact.name())));
        };
        match &event.fact {
            Fact::CaseOpened(fact) => follow::case(&self.ports, &self.policies, event, account, &fact.case).await,
            Fact::CaseChanged(fact) => follow::case(&self.ports, &self.policies, event, account, &fact.case).await,
            Fact::EscalationRequested(fact) => follow::request(&self.ports, &self.policies, event, account, fact).await,
            other => Err(Failure::Unhandled(format!("`{}` is not for escalate", other.name()))),
        }
    }

    async fn tick(&self, tick: &Tick) -> Result<(), Failure> {
        match tick.tick.as_str() {
            "due_clock" => clock::tick(&self.ports, &self.policies).await,
            other => Err(Failure::Unhandled(format!("there is no tick `{other}` in escalate"))),
        }
    }
}

#[cfg(test)]
mod tests;

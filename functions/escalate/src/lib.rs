//! `escalate`: what needs people comes in, and is driven until somebody has it and it is done.
//!
//! Cases and rules open escalations ([`follow`]), a clock tells what is due ([`clock`]), people acknowledge and resolve
//! ([`act`]), break the glass ([`break_glass`]), and give accounts to one another ([`allocate`]). Whatever the door, one place
//! writes what happened to an escalation ([`change`]).

mod act;
mod allocate;
mod break_glass;
mod change;
mod clock;
mod follow;

use async_trait::async_trait;
use contract::event::{Fact, FunctionName};
use contract::message::Incoming;
use domain::allocation::AllocationPolicy;
use domain::escalation::EscalationPolicies;
use domain::roster::Roster;
use jiff::Timestamp;
use platform::function::{ConfigurationError, Failure, Function, Ports, Tick};
use platform::http::{Caller, Method, Parameter, Problem, Request, Response, Route};

/// Who is told about what: policies, and the people that they mean.
struct Plan {
    policies: EscalationPolicies,
    roster: Roster,
}

/// The function.
pub struct Escalate {
    ports: Ports,
    plan: Plan,
    allocation: AllocationPolicy,
}

impl Escalate {
    /// Connects the function to its ports, with the default policies and the built-in roster.
    pub fn new(ports: Ports) -> Result<Self, ConfigurationError> {
        let policies = contract::escalation::built_in()
            .map_err(|faults| ConfigurationError { file: "escalation.yaml", faults })?;
        let roster =
            contract::roster::built_in().map_err(|faults| ConfigurationError { file: "roster.yaml", faults })?;
        Ok(Self::with(ports, policies, roster))
    }

    /// Connects the function to its ports, with these policies and these people.
    pub fn with(ports: Ports, policies: EscalationPolicies, roster: Roster) -> Self {
        Self { ports, plan: Plan { policies, roster }, allocation: AllocationPolicy::default() }
    }
}

const LISTED_BY: &[Parameter] = &[
    Parameter::one_of("severity", "Only those of this severity.", &["critical", "high", "medium", "low"]),
    Parameter::one_of("status", "Only those of this status.", &["open", "acknowledged", "snoozed"]),
    Parameter::text("account", "Only those about this account."),
    Parameter::CURSOR,
];

/// What this function answers.
pub const ROUTES: &[Route] = &[
    Route::new(Method::Get, "/escalations/active", "Escalations that have not ended, the next to breach first.")
        .scope("cs-ops.escalate.read")
        .query(LISTED_BY)
        .answers::<contract::escalate::ActiveEscalations>(200),
    Route::new(
        Method::Post,
        "/escalations/{id}/{action}",
        "Acknowledges, unacknowledges, snoozes, hands over, accepts, resolves or reopens an escalation.",
    )
    .scope("cs-ops.escalate.write")
    .takes::<contract::escalate::EscalationActionRequest>()
    .answers::<contract::escalate::EscalationItem>(200),
    Route::new(Method::Post, "/accounts/{id}/break-glass", "Tells executives about an account at once.")
        .scope("cs-ops.escalate.write")
        .takes::<contract::escalate::BreakGlassRequest>()
        .answers::<contract::escalate::EscalationItem>(200),
    Route::new(
        Method::Post,
        "/allocate/{customer_id}",
        "Ranks who could look after an account, with reasons; gives it to one of them where that is asked for.",
    )
    .scope("cs-ops.escalate.write")
    .takes::<contract::allocate::AllocateRequest>()
    .answers::<contract::allocate::AllocateAnswer>(200),
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
            ("POST", "/escalations/{id}/{action}") => act::act(&self.ports, &self.plan, caller, request).await,
            ("POST", "/accounts/{id}/break-glass") => {
                break_glass::break_glass(&self.ports, &self.plan, caller, request).await
            }
            ("POST", "/allocate/{customer_id}") => {
                let team = allocate::Team { ports: &self.ports, roster: &self.plan.roster, policy: &self.allocation };
                allocate::allocate(&team, caller, request).await
            }
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
            Fact::CaseOpened(fact) => follow::case(&self.ports, &self.plan, event, account, &fact.case).await,
            Fact::CaseChanged(fact) => follow::case(&self.ports, &self.plan, event, account, &fact.case).await,
            Fact::EscalationRequested(fact) => follow::request(&self.ports, &self.plan, event, account, fact).await,
            other => Err(Failure::Unhandled(format!("`{}` is not for escalate", other.name()))),
        }
    }

    async fn tick(&self, tick: &Tick) -> Result<(), Failure> {
        match tick.tick.as_str() {
            "due_clock" => clock::tick(&self.ports, &self.plan).await,
            other => Err(Failure::Unhandled(format!("there is no tick `{other}` in escalate"))),
        }
    }
}

#[cfg(test)]
mod tests;

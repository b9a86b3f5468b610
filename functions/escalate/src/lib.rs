//! `escalate`: what needs people comes in, and is driven until somebody has it and it is done.
//!
//! Cases and rules open escalations ([`follow`]), a clock tells what is due ([`clock`]), people acknowledge and resolve
//! ([`act`]), look at what there is ([`list`]), break the glass ([`break_glass`]), and give accounts to one another
//! ([`allocate`], [`team`]). Whatever the door, one place writes what happened to an escalation ([`change`]), and with it what
//! is told elsewhere ([`outbox`], [`deliver`]).

mod act;
mod allocate;
mod break_glass;
mod change;
mod clock;
mod deliver;
mod follow;
mod history;
mod list;
mod outbox;
mod route;
mod team;

use async_trait::async_trait;
use contract::event::{Event, Fact, FunctionName};
use contract::message::{Incoming, Task};
use contract::problem::Fault;
use domain::allocation::AllocationPolicy;
use domain::destination::Destinations;
use domain::escalation::{Escalation, EscalationPolicies};
use domain::id::{AccountId, EscalationId, TenantId};
use domain::record::EscalationRecord;
use domain::roster::Roster;
use jiff::Timestamp;
use platform::connector::Connector;
use platform::function::{ConfigurationError, Failure, Function, Ports, Tick};
use platform::http::{Caller, Method, Parameter, Problem, Request, Response, Route};
use platform::table::Item;
use platform::{keys, once, sweep};
use std::sync::Arc;

/// Where a deployment gives its destinations.
pub const DESTINATIONS_VARIABLE: &str = "CS_OPS_DESTINATIONS";

/// Who is told about what, and where: policies, the people that they mean, and the places where these are told.
struct Plan {
    policies: EscalationPolicies,
    roster: Roster,
    destinations: Destinations,
    /// Without one nothing leaves.
    connector: Option<Arc<Connector>>,
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

    /// Connects the function to its ports, with these policies and these people. Nobody is told anywhere.
    pub fn with(ports: Ports, policies: EscalationPolicies, roster: Roster) -> Self {
        let plan = Plan { policies, roster, destinations: Destinations::none(), connector: None };
        Self { ports, plan, allocation: AllocationPolicy::default() }
    }

    /// Connects the function to its ports and to the destinations that the deployment gives, as JSON of the file's shape;
    /// to the built-in ones where it gives none.
    pub fn connected(
        ports: Ports,
        connector: Arc<Connector>,
        destinations: Option<&str>,
    ) -> Result<Self, ConfigurationError> {
        let (file, read) = match destinations {
            Some(text) => (DESTINATIONS_VARIABLE, contract::destinations::read_json(text)),
            None => ("destinations.yaml", contract::destinations::built_in()),
        };
        let destinations = read.map_err(|faults| ConfigurationError { file, faults })?;
        let function = Self::new(ports)?;
        let unknown = function.plan.policies.without_destination(&destinations);
        let faults: Vec<_> = unknown.into_iter().map(|fault| Fault::new(fault.path, fault.reason)).collect();
        if faults.is_empty() {
            Ok(function.reaching(destinations, connector))
        } else {
            Err(ConfigurationError { file: "escalation.yaml", faults })
        }
    }

    /// The same, telling people at these destinations.
    #[must_use]
    pub fn reaching(mut self, destinations: Destinations, connector: Arc<Connector>) -> Self {
        self.plan.destinations = destinations;
        self.plan.connector = Some(connector);
        self
    }

    async fn fact(&self, event: &Event) -> Result<(), Failure> {
        let Some(account) = &event.meta.account else {
            return Err(Failure::Unhandled(format!("`{}` without an account is not for escalate", event.fact.name())));
        };
        match &event.fact {
            Fact::CaseOpened(fact) => follow::case(&self.ports, &self.plan, event, account, &fact.case).await,
            Fact::CaseChanged(fact) => follow::case(&self.ports, &self.plan, event, account, &fact.case).await,
            Fact::EscalationRequested(fact) => follow::request(&self.ports, &self.plan, event, account, fact).await,
            Fact::EffectRequested(fact) => outbox::effect(&self.ports, &self.plan, event, account, fact).await,
            other => Err(Failure::Unhandled(format!("`{}` is not for escalate", other.name()))),
        }
    }

    /// Has destinations told at once what a request brought about. What is missed here the next tick finds.
    async fn wake(&self, caller: &Caller, request: &Request) {
        let woken = outbox::wake(&self.ports, &self.plan, &caller.tenant, &request.request_id).await;
        woken.unwrap_or_else(|error| tracing::warn!(%error, "destinations are told with the next tick"));
    }

    /// Has destinations told what fell due, for every tenant.
    async fn wake_all(&self, tick: &Tick) -> Result<(), Failure> {
        if !self.plan.destinations.is_empty() {
            for tenant in sweep::tenants(&self.ports).await? {
                outbox::wake(&self.ports, &self.plan, &tenant, &tick.time.to_string()).await?;
            }
        }
        Ok(())
    }
}

const LISTED_BY: &[Parameter] = &[
    Parameter::one_of("severity", "Only those of this severity.", &["critical", "high", "medium", "low"]),
    Parameter::one_of("status", "Only those of this status.", &["open", "acknowledged", "snoozed"]),
    Parameter::text("account", "Only those about this account."),
    Parameter::text("person", "Only those that this person has, is asked to take over or was told of."),
    Parameter::one_of("tier", "Only those in this support tier.", &["1", "2", "3", "4"]),
    Parameter::one_of(
        "channel",
        "Only those whose case is spoken of by this way now.",
        &["email", "chat", "phone", "portal", "emergency"],
    ),
    Parameter::CURSOR,
];

/// What this function answers.
pub const ROUTES: &[Route] = &[
    Route::new(Method::Get, "/escalations/active", "Escalations that have not ended, the next to breach first.")
        .scope("cs-ops.escalate.read")
        .query(LISTED_BY)
        .answers::<contract::escalate::ActiveEscalations>(200),
    Route::new(Method::Get, "/escalations/{id}/timeline", "What happened to an escalation, the latest first.")
        .scope("cs-ops.escalate.read")
        .query(&[Parameter::CURSOR])
        .answers::<contract::escalate::EscalationTimeline>(200),
    Route::new(
        Method::Post,
        "/escalations/{id}/{action}",
        "Acknowledges, unacknowledges, snoozes, hands over, accepts, sets the clocks of, resolves or reopens an escalation.",
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
    Route::new(
        Method::Post,
        "/allocate",
        "Shares many accounts out among a whole team with the most points together; gives them away where that is asked for.",
    )
    .scope("cs-ops.escalate.write")
    .takes::<contract::allocate::AllocateTeamRequest>()
    .answers::<contract::allocate::AllocateTeamAnswer>(200),
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
            ("GET", "/escalations/active") => list::active(&self.ports, &self.plan, caller, request).await,
            ("GET", "/escalations/{id}/timeline") => list::timeline(&self.ports, &self.plan, caller, request).await,
            ("POST", "/escalations/{id}/{action}") => {
                let answer = act::act(&self.ports, &self.plan, caller, request).await?;
                self.wake(caller, request).await;
                Ok(answer)
            }
            ("POST", "/accounts/{id}/break-glass") => {
                let answer = break_glass::break_glass(&self.ports, &self.plan, caller, request).await?;
                self.wake(caller, request).await;
                Ok(answer)
            }
            ("POST", "/allocate/{customer_id}") => {
                let team = allocate::Team { ports: &self.ports, roster: &self.plan.roster, policy: &self.allocation };
                allocate::allocate(&team, caller, request).await
            }
            ("POST", "/allocate") => {
                let team = allocate::Team { ports: &self.ports, roster: &self.plan.roster, policy: &self.allocation };
                team::allocate(&team, caller, request).await
            }
            _ => Err(Problem::not_found("route", &request.route)),
        }
    }

    async fn message(&self, message: &Incoming, until: Timestamp) -> Result<(), Failure> {
        match message {
            Incoming::Fact(event) => {
                self.fact(event).await?;
                outbox::wake(&self.ports, &self.plan, &event.meta.tenant, event.meta.event_id.as_str()).await
            }
            Incoming::Work(work) => match &work.task {
                Task::Deliver(asked) => deliver::deliver(&self.ports, &self.plan, &work.tenant, asked, until).await,
                _ => Err(Failure::Unhandled("this work is not for escalate".into())),
            },
        }
    }

    async fn tick(&self, tick: &Tick) -> Result<(), Failure> {
        match tick.tick.as_str() {
            "due_clock" => {
                let told = clock::tick(&self.ports, &self.plan).await;
                self.wake_all(tick).await?;
                told
            }
            other => Err(Failure::Unhandled(format!("there is no tick `{other}` in escalate"))),
        }
    }
}

/// An escalation as it is now, with the item of its account's record.
async fn lookup(
    ports: &Ports,
    tenant: &TenantId,
    account: &AccountId,
    id: &EscalationId,
) -> Result<(Option<Item>, Option<Escalation>), Failure> {
    let item = ports.table.get(&keys::escalations(tenant, account)).await?;
    let record = item.as_ref().map(once::state_of::<EscalationRecord>).transpose()?;
    let escalation = record.and_then(|mut record| record.escalations.remove(id));
    Ok((item, escalation))
}

#[cfg(test)]
mod tests;

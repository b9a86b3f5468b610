//! `trigger`: facts about an account come in, calls to action for people go out, once per cause.
//!
//! Whatever the fact, the rules look at all that is known of the account ([`evaluate`]); people act on what was opened
//! ([`act`]). A schedule has the rules look at every account, so that what ends by mere passing of time ends.

mod act;
mod change;
mod evaluate;

use async_trait::async_trait;
use contract::event::FunctionName;
use contract::message::{Incoming, Task, Work};
use domain::id::{AccountId, CauseId};
use domain::rule::RuleSet;
use evaluate::Evaluation;
use platform::function::{ConfigurationError, Failure, Function, Ports, Tick};
use platform::http::{Caller, Method, Parameter, Problem, Request, Response, Route};
use platform::sweep::{self, Visit};

/// The function.
pub struct Trigger {
    ports: Ports,
    rules: RuleSet,
}

impl Trigger {
    /// Connects the function to its ports, with the default rules.
    pub fn new(ports: Ports) -> Result<Self, ConfigurationError> {
        let rules = contract::rules::built_in().map_err(|faults| ConfigurationError { file: "rules.yaml", faults })?;
        Ok(Self::with(ports, rules))
    }

    /// Connects the function to its ports, with these rules.
    pub const fn with(ports: Ports, rules: RuleSet) -> Self {
        Self { ports, rules }
    }
}

const LISTED_BY: &[Parameter] = &[
    Parameter::one_of("status", "Only those of this status.", &["open", "snoozed", "closed", "dismissed"]),
    Parameter::text("account", "Only those about this account."),
    Parameter::text("rule", "Only those that this rule opened."),
    Parameter::CURSOR,
];

/// What this function answers.
pub const ROUTES: &[Route] = &[
    Route::new(Method::Get, "/ctas", "Lists calls to action.")
        .scope("cs-ops.trigger.read")
        .query(LISTED_BY)
        .answers::<contract::trigger::CtaPage>(200),
    Route::new(Method::Post, "/ctas/{id}/{action}", "Snoozes, closes or dismisses a call to action.")
        .scope("cs-ops.trigger.write")
        .takes::<contract::trigger::CtaActionRequest>()
        .answers::<contract::trigger::CtaItem>(200),
];

#[async_trait]
impl Function for Trigger {
    fn name(&self) -> FunctionName {
        FunctionName::Trigger
    }

    fn routes(&self) -> &'static [Route] {
        ROUTES
    }

    fn ports(&self) -> &Ports {
        &self.ports
    }

    async fn call(&self, caller: &Caller, request: &Request) -> Result<Response, Problem> {
        match (request.method.as_str(), request.route.as_str()) {
            ("GET", "/ctas") => act::list(&self.ports, caller, request).await,
            ("POST", "/ctas/{id}/{action}") => act::act(&self.ports, &self.rules, caller, request).await,
            _ => Err(Problem::not_found("route", &request.route)),
        }
    }

    async fn message(&self, message: &Incoming) -> Result<(), Failure> {
        match message {
            Incoming::Fact(event) => {
                let Some(account) = &event.meta.account else {
                    return Err(Failure::Unhandled(format!(
                        "`{}` without an account is not for trigger",
                        event.fact.name()
                    )));
                };
                self.evaluation(event.as_cause(), account).run(&event.meta.event_id).await?;
                Ok(())
            }
            Incoming::Work(work) => match &work.task {
                Task::Sweep(_) => {
                    sweep::page(&self.ports, FunctionName::Trigger, work, &RuleSweep { trigger: self, work }).await?;
                    Ok(())
                }
                Task::RecordSignals(_) => Err(Failure::Unhandled("signals are not for trigger".into())),
            },
        }
    }

    async fn tick(&self, tick: &Tick) -> Result<(), Failure> {
        match tick.tick.as_str() {
            "rule_sweep" => sweep::start(&self.ports, FunctionName::Trigger, tick).await,
            other => Err(Failure::Unhandled(format!("there is no tick `{other}` in trigger"))),
        }
    }
}

impl Trigger {
    fn evaluation<'a>(&'a self, cause: contract::event::Cause, account: &'a AccountId) -> Evaluation<'a> {
        Evaluation { ports: &self.ports, rules: &self.rules, cause, account, now: self.ports.clock.now() }
    }
}

struct RuleSweep<'a> {
    trigger: &'a Trigger,
    work: &'a Work,
}

#[async_trait]
impl Visit for RuleSweep<'_> {
    type Sum = ();

    async fn visit(&self, account: &AccountId, message: &CauseId, (): &mut ()) -> Result<(), Failure> {
        self.trigger.evaluation(self.work.cause_of(message), account).run(message).await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests;

//! `trigger`: facts about an account come in, calls to action for people go out, once per cause.
//!
//! Whatever the fact, the rules and the segments look at all that is known of the account ([`evaluate`]), and so do the
//! playbooks that run on it ([`executions`]); people act on what was opened ([`act`]), begin playbooks ([`execute`]) and settle their steps. A
//! schedule has both look at every account, so that what ends by mere passing of time ends.

mod act;
mod activate;
mod book;
mod brake;
mod change;
mod dry_run;
mod evaluate;
mod execute;
mod executions;
mod experiments;
mod openings;
mod segments;

pub use executions::library::Library;

use async_trait::async_trait;
use book::{Books, Holding};
use brake::Swept;
use contract::event::{Cause, FunctionName};
use contract::message::{Incoming, Task, Work};
use contract::rules::Vocabulary;
use domain::experiment::Experiments;
use domain::id::{AccountId, CauseId};
use domain::rule::RuleSet;
use domain::segment::Segments;
use evaluate::Evaluation;
use executions::look::Look;
use jiff::Timestamp;
use platform::function::{ConfigurationError, Failure, Function, Ports, Tick};
use platform::http::{Caller, Method, Parameter, Problem, Request, Response, Route};
use platform::sweep::{self, Sum as _, Visit};

/// The function.
pub struct Trigger {
    ports: Ports,
    books: Books,
    segments: Segments,
    experiments: Experiments,
    library: Library,
}

impl Trigger {
    /// Connects the function to its ports, with the default rules, segments and playbooks.
    pub fn new(ports: Ports) -> Result<Self, ConfigurationError> {
        let rules = contract::rules::built_in().map_err(|faults| ConfigurationError { file: "rules.yaml", faults })?;
        let segments =
            contract::segments::built_in().map_err(|faults| ConfigurationError { file: "segments.yaml", faults })?;
        let library = Library::built_in().map_err(|faults| ConfigurationError { file: "playbooks", faults })?;
        Ok(Self::with(ports, rules, segments, library))
    }

    /// Connects the function to its ports, with these rules, segments and playbooks.
    pub fn with(ports: Ports, rules: RuleSet, segments: Segments, library: Library) -> Self {
        let names = Vocabulary::default().with_segments(&segments);
        Self { ports, books: Books::new(rules, names), segments, experiments: Experiments::none(), library }
    }

    /// The same with these experiments, which the rules name.
    #[must_use]
    pub fn with_experiments(mut self, experiments: Experiments) -> Self {
        self.books = self.books.with_experiments(&experiments);
        self.experiments = experiments;
        self
    }
}

const LISTED_BY: &[Parameter] = &[
    Parameter::one_of("status", "Only those of this status.", &["open", "snoozed", "closed", "dismissed"]),
    Parameter::text("account", "Only those about this account."),
    Parameter::text("rule", "Only those that this rule opened."),
    Parameter::CURSOR,
];

const EXECUTIONS_BY: &[Parameter] = &[
    Parameter::one_of("status", "Only those of this status.", &["running", "completed", "refused", "cancelled"]),
    Parameter::text("account", "Only those on this account."),
    Parameter::text("playbook", "Only those of this playbook."),
    Parameter::one_of("stuck", "Only those that stand still past due, or only the others.", &["true", "false"]),
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
    Route::new(Method::Post, "/execute/{workflow_id}", "Begins a playbook on an account.")
        .scope("cs-ops.trigger.write")
        .takes::<contract::execution::ExecuteRequest>()
        .answers::<contract::execution::Executed>(202),
    Route::new(Method::Get, "/executions", "Lists executions of playbooks.")
        .scope("cs-ops.trigger.read")
        .query(EXECUTIONS_BY)
        .answers::<contract::execution::ExecutionPage>(200),
    Route::new(Method::Get, "/executions/{id}", "Says how an execution is.")
        .scope("cs-ops.trigger.read")
        .answers::<contract::execution::ExecutionItem>(200),
    Route::new(
        Method::Get,
        "/executions/{id}/events",
        "Tells what has happened to an execution since `Last-Event-ID`, as server-sent events. The answer ends then; \
         `retry` says when to ask again. 204 when the execution has ended and all was told.",
    )
    .scope("cs-ops.trigger.read")
    .streams::<contract::execution::ExecutionEvent>(),
    Route::new(
        Method::Post,
        "/executions/{id}/steps/{step}/{action}",
        "Completes or skips a step of an execution, or approves or refuses a gate.",
    )
    .scope("cs-ops.trigger.write")
    .takes::<contract::execution::StepActionRequest>()
    .answers::<contract::execution::ExecutionItem>(200),
    Route::new(Method::Post, "/executions/{id}/cancel", "Ends an execution.")
        .scope("cs-ops.trigger.write")
        .takes::<contract::execution::ReasonRequest>()
        .answers::<contract::execution::ExecutionItem>(200),
    Route::new(Method::Get, "/rules", "The rules that hold, and which of them are held.")
        .scope("cs-ops.trigger.read")
        .answers::<contract::backtest::RulesAnswer>(200),
    Route::new(
        Method::Post,
        "/rules/dry-run",
        "Compares a set of rules with the one that holds, over the portfolio and its past; nothing is changed.",
    )
    .scope("cs-ops.trigger.write")
    .takes::<contract::backtest::RulesDryRunRequest>()
    .answers::<contract::backtest::RulesDryRunAnswer>(202),
    Route::new(Method::Get, "/rules/dry-runs/{id}", "How far a dry run of rules has come, and what it found.")
        .scope("cs-ops.trigger.read")
        .answers::<contract::backtest::RulesDryRunAnswer>(200),
    Route::new(Method::Post, "/rules/activate", "Makes the rules of a dry run the ones that hold.")
        .scope("cs-ops.trigger.write")
        .takes::<contract::backtest::ActivateRequest>()
        .answers::<contract::backtest::RulesAnswer>(200),
    Route::new(Method::Post, "/rules/{id}/release", "Lets a rule go on that a kill switch holds.")
        .scope("cs-ops.trigger.write")
        .takes::<contract::execution::ReasonRequest>()
        .answers::<contract::backtest::RulesAnswer>(200),
    Route::new(Method::Get, "/segments", "Lists the segments.")
        .scope("cs-ops.trigger.read")
        .answers::<contract::membership::SegmentList>(200),
    Route::new(Method::Get, "/segments/{id}/accounts", "Lists the accounts that are in a segment.")
        .scope("cs-ops.trigger.read")
        .query(&[Parameter::CURSOR])
        .answers::<contract::membership::AudiencePage>(200),
    Route::new(Method::Get, "/accounts/{id}/segments", "Says why an account is in each segment or out of it.")
        .scope("cs-ops.trigger.read")
        .answers::<contract::membership::AccountSegments>(200),
    Route::new(
        Method::Get,
        "/experiments/{id}",
        "Counts the accounts of an experiment and what became of them, by arm.",
    )
    .scope("cs-ops.trigger.read")
    .answers::<contract::experiments::ExperimentAnswer>(200),
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
            ("POST", "/ctas/{id}/{action}") => act::act(&self.ports, &self.books, caller, request).await,
            ("POST", "/execute/{workflow_id}") => execute::execute(&self.ports, &self.library, caller, request).await,
            ("GET", "/executions") => executions::list(&self.ports, caller, request).await,
            ("GET", "/executions/{id}") => executions::read(&self.ports, caller, request).await,
            ("GET", "/executions/{id}/events") => executions::stream::events(&self.ports, caller, request).await,
            ("POST", "/executions/{id}/steps/{step}/{action}") => {
                executions::act(&self.ports, &self.library, caller, request).await
            }
            ("POST", "/executions/{id}/cancel") => {
                executions::cancel(&self.ports, &self.library, caller, request).await
            }
            ("GET", "/rules") => activate::read(&self.ports, &self.books, caller).await,
            ("POST", "/rules/dry-run") => dry_run::start(&self.ports, &self.books, caller, request).await,
            ("GET", "/rules/dry-runs/{id}") => dry_run::read(&self.ports, caller, request).await,
            ("POST", "/rules/activate") => activate::activate(&self.ports, &self.books, caller, request).await,
            ("POST", "/rules/{id}/release") => activate::release(&self.ports, &self.books, caller, request).await,
            ("GET", "/segments") => segments::list(&self.segments),
            ("GET", "/segments/{id}/accounts") => {
                segments::audience(&self.ports, &self.segments, caller, request).await
            }
            ("GET", "/accounts/{id}/segments") => {
                segments::of_account(&self.ports, &self.segments, caller, request).await
            }
            ("GET", "/experiments/{id}") => experiments::read(&self.ports, &self.experiments, caller, request).await,
            _ => Err(Problem::not_found("route", &request.route)),
        }
    }

    async fn message(&self, message: &Incoming, until: Timestamp) -> Result<(), Failure> {
        match message {
            Incoming::Fact(event) => {
                let Some(account) = &event.meta.account else {
                    return Err(Failure::Unhandled(format!(
                        "`{}` without an account is not for trigger",
                        event.fact.name()
                    )));
                };
                let holding = self.books.holding(self.ports.table.as_ref(), &event.meta.tenant).await?;
                self.look(&holding, event.as_cause(), account, &event.meta.event_id, false).await?;
                Ok(())
            }
            Incoming::Work(work) => match &work.task {
                Task::Sweep(sweep) if dry_run::is_one(&sweep.run) => {
                    dry_run::page(&self.ports, &self.books, work, &sweep.run, until).await
                }
                Task::Sweep(_) => self.sweep(work, until).await,
                Task::RecordSignals(_) => Err(Failure::Unhandled("signals are not for trigger".into())),
                Task::Deliver(_) => Err(Failure::Unhandled("deliveries are not for trigger".into())),
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
    /// The rules and the running playbooks look at an account, each once in effect.
    async fn look(
        &self,
        holding: &Holding,
        cause: Cause,
        account: &AccountId,
        message: &CauseId,
        of_all: bool,
    ) -> Result<Swept, Failure> {
        let Self { ports, segments, experiments, library, .. } = self;
        let (cause_of_both, now) = (cause.clone(), ports.clock.now());
        let evaluation =
            Evaluation { ports, holding, segments, experiments, cause: cause_of_both, account, now, of_all };
        let swept = evaluation.run(message).await?;
        Look { ports, library, cause, account, now: ports.clock.now() }.run(message).await?;
        Ok(swept)
    }

    /// Goes through one page of all accounts; with the last one it is known how many they are, and how old their data.
    async fn sweep(&self, work: &Work, until: Timestamp) -> Result<(), Failure> {
        let holding = self.books.holding(self.ports.table.as_ref(), &work.tenant).await?;
        let visits = RuleSweep { trigger: self, holding: &holding, work };
        if let Some(done) = sweep::page(&self.ports, FunctionName::Trigger, work, until, &visits).await? {
            done.sum.settle(&self.ports, &holding, &work.as_cause()).await?;
        }
        Ok(())
    }
}

struct RuleSweep<'a> {
    trigger: &'a Trigger,
    holding: &'a Holding,
    work: &'a Work,
}

#[async_trait]
impl Visit for RuleSweep<'_> {
    type Sum = Swept;

    async fn visit(&self, account: &AccountId, message: &CauseId, sum: &mut Swept) -> Result<(), Failure> {
        sum.add(self.trigger.look(self.holding, self.work.cause_of(message), account, message, true).await?);
        Ok(())
    }
}

#[cfg(test)]
mod tests;

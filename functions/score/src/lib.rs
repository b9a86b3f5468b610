//! `score`: news about an account comes in, its new health goes out; a scheduled run looks at every account.
//!
//! Both ways lead through one evaluator ([`evaluate`]). Nothing is written when nothing changed.

mod evaluate;
mod read;

use async_trait::async_trait;
use contract::event::{Event, Fact, FunctionName, ScoreRunCompleted};
use contract::message::{Incoming, Task, Work};
use domain::health::Trigger;
use domain::id::{AccountId, CauseId};
use domain::scorecard::Scorecard;
use evaluate::Evaluation;
use platform::function::{ConfigurationError, Failure, Function, Ports, Tick};
use platform::http::{Caller, Method, Parameter, Problem, Request, Response, Route};
use platform::once::Outcome;
use platform::sweep::{self, Visit};

/// The function.
pub struct Score {
    ports: Ports,
    scorecard: Scorecard,
}

impl Score {
    /// Connects the function to its ports, with the default scorecard.
    pub fn new(ports: Ports) -> Result<Self, ConfigurationError> {
        let scorecard =
            contract::scorecard::built_in().map_err(|faults| ConfigurationError { file: "scorecard.yaml", faults })?;
        Ok(Self::with(ports, scorecard))
    }

    /// Connects the function to its ports, with this scorecard.
    pub const fn with(ports: Ports, scorecard: Scorecard) -> Self {
        Self { ports, scorecard }
    }
}

/// What this function answers.
pub const ROUTES: &[Route] = &[
    Route::new(Method::Get, "/accounts/{id}/health", "An account's health with everything that it is made of.")
        .scope("cs-ops.score.read")
        .answers::<contract::score::HealthAnswer>(200),
    Route::new(Method::Get, "/accounts/{id}/health/history", "An account's scores as they were, the newest first.")
        .scope("cs-ops.score.read")
        .query(&[Parameter::CURSOR])
        .answers::<contract::score::HistoryPage>(200),
];

#[async_trait]
impl Function for Score {
    fn name(&self) -> FunctionName {
        FunctionName::Score
    }

    fn routes(&self) -> &'static [Route] {
        ROUTES
    }

    fn ports(&self) -> &Ports {
        &self.ports
    }

    async fn call(&self, caller: &Caller, request: &Request) -> Result<Response, Problem> {
        match (request.method.as_str(), request.route.as_str()) {
            ("GET", "/accounts/{id}/health") => read::health(&self.ports, caller, request).await,
            ("GET", "/accounts/{id}/health/history") => read::history(&self.ports, caller, request).await,
            _ => Err(Problem::not_found("route", &request.route)),
        }
    }

    async fn message(&self, message: &Incoming) -> Result<(), Failure> {
        match message {
            Incoming::Fact(event) => match (&event.fact, &event.meta.account) {
                (Fact::SignalsRecorded(_) | Fact::AccountChanged(_), Some(account)) => {
                    let evaluation = self.evaluation(event.as_cause(), account, Trigger::News, None);
                    evaluation.run(&event.meta.event_id).await?;
                    Ok(())
                }
                _ => Err(Failure::Unhandled(format!("`{}` is not for score", event.fact.name()))),
            },
            Incoming::Work(work) => match &work.task {
                Task::Sweep(sweep) => self.sweep(work, &sweep.run, sweep.at).await,
                Task::RecordSignals(_) => Err(Failure::Unhandled("signals are not for score".into())),
            },
        }
    }

    async fn tick(&self, tick: &Tick) -> Result<(), Failure> {
        match tick.tick.as_str() {
            "score_run" => sweep::start(&self.ports, FunctionName::Score, tick).await,
            other => Err(Failure::Unhandled(format!("there is no tick `{other}` in score"))),
        }
    }
}

impl Score {
    fn evaluation<'a>(
        &'a self,
        cause: contract::event::Cause,
        account: &'a AccountId,
        trigger: Trigger,
        run: Option<&'a str>,
    ) -> Evaluation<'a> {
        Evaluation {
            ports: &self.ports,
            scorecard: &self.scorecard,
            cause,
            account,
            trigger,
            run,
            now: self.ports.clock.now(),
        }
    }

    async fn sweep(&self, work: &Work, run: &str, at: jiff::Timestamp) -> Result<(), Failure> {
        let visits = ScheduledRun { score: self, work, run };
        let Some(done) = sweep::page(&self.ports, FunctionName::Score, work, &visits).await? else {
            return Ok(());
        };
        let fact = ScoreRunCompleted { run: run.to_owned(), accounts: done.accounts, changed: done.changed };
        let mut cause = work.as_cause();
        // Whichever shard ends last says it, in the name of the run: said twice, it is one event.
        cause.causation_id = run.to_owned();
        self.ports.bus.publish(&[Event::new(&cause, None, "", at, fact)]).await?;
        Ok(())
    }
}

struct ScheduledRun<'a> {
    score: &'a Score,
    work: &'a Work,
    run: &'a str,
}

#[async_trait]
impl Visit for ScheduledRun<'_> {
    async fn visit(&self, account: &AccountId, message: &CauseId) -> Result<Outcome, Failure> {
        self.score
            .evaluation(self.work.cause_of(message), account, Trigger::Scheduled, Some(self.run))
            .run(message)
            .await
    }
}

#[cfg(test)]
mod tests;

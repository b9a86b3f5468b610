//! `score`: news about an account comes in, its new health goes out; a scheduled run looks at every account.
//!
//! Both ways lead through one evaluator ([`evaluate`]). Nothing is written when nothing changed.

mod cards;
mod dry_run;
mod evaluate;
mod foresight;
mod history;
mod overrides;
mod read;
mod suppose;

use async_trait::async_trait;
use cards::Cards;
use contract::comparison::{DryRunAnswer, DryRunRequest};
use contract::event::{Event, Fact, FunctionName, ScoreRunCompleted};
use contract::message::{Incoming, Task, Work};
use contract::problem::Fault;
use contract::risk::{ForecastAnswer, LedgerAnswer, RiskAnswer};
use contract::score::{
    DifferenceAnswer, EvidenceAnswer, HealthAnswer, MaturityAnswer, OverrideRequest, RescoreAnswer, RescorePage,
    RescoreRequest, ScorecardAnswer, ScorecardList, WhatIfAnswer, WhatIfRequest,
};
use domain::health::Trigger;
use domain::id::{AccountId, CauseId};
use domain::risk::account::Models;
use domain::scorecard::{Scorecard, Scorecards};
use evaluate::Evaluation;
use jiff::Timestamp;
use platform::function::{ConfigurationError, Failure, Function, Ports, Tick};
use platform::http::{Caller, Method, Parameter, Problem, Request, Response, Route};
use platform::sweep::{self, Changed, Visit};

/// The function.
pub struct Score {
    ports: Ports,
    cards: Cards,
    models: Models,
}

impl Score {
    /// Connects the function to its ports, with the built-in scorecards and without models of risk.
    pub fn new(ports: Ports) -> Result<Self, ConfigurationError> {
        let scorecards =
            contract::scorecard::built_in().map_err(|faults| ConfigurationError { file: "scorecard.yaml", faults })?;
        Ok(Self::with(ports, scorecards))
    }

    /// Connects the function to its ports, with these scorecards.
    pub const fn with(ports: Ports, scorecards: Scorecards) -> Self {
        Self { ports, cards: Cards::new(scorecards), models: Models::none() }
    }

    /// The same, asking these models about risks. Where there is none the scorecard stands in.
    #[must_use]
    pub fn with_models(mut self, models: Models) -> Self {
        self.models = models;
        self
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
    Route::new(
        Method::Get,
        "/accounts/{id}/health/difference",
        "Why one score of an account is another one than an earlier one.",
    )
    .scope("cs-ops.score.read")
    .query(&[
        Parameter::text("from", "The earlier moment, as 2026-11-22T08:00:00Z; a week before `to` where none is given."),
        Parameter::text("to", "The later moment; now where none is given."),
    ])
    .answers::<DifferenceAnswer>(200),
    Route::new(Method::Get, "/accounts/{id}/health/evidence", "The days of data that a measure's value rests on.")
        .scope("cs-ops.score.read")
        .query(&[Parameter::text("measure", "Which measure. Has to be given.")])
        .answers::<EvidenceAnswer>(200),
    Route::new(Method::Post, "/accounts/{id}/health/what-if", "The score with other values; nothing is changed.")
        .scope("cs-ops.score.read")
        .asks()
        .takes::<WhatIfRequest>()
        .answers::<WhatIfAnswer>(200),
    Route::new(
        Method::Post,
        "/accounts/{id}/health/rescore",
        "Scores a past moment anew and keeps that beside what was scored then.",
    )
    .scope("cs-ops.score.write")
    .takes::<RescoreRequest>()
    .answers::<RescoreAnswer>(200),
    Route::new(
        Method::Get,
        "/accounts/{id}/health/rescores",
        "Past moments that were scored anew, the latest moment first.",
    )
    .scope("cs-ops.score.read")
    .query(&[Parameter::CURSOR])
    .answers::<RescorePage>(200),
    Route::new(
        Method::Put,
        "/accounts/{id}/health/overrides/{subject}",
        "A person says what the score, the band or a measure is, until an end.",
    )
    .scope("cs-ops.score.write")
    .takes::<OverrideRequest>()
    .answers::<HealthAnswer>(200),
    Route::new(Method::Delete, "/accounts/{id}/health/overrides/{subject}", "A person no longer says so.")
        .scope("cs-ops.score.write")
        .answers::<HealthAnswer>(200),
    Route::new(
        Method::Get,
        "/accounts/{id}/risk",
        "The risk that an account leaves and the prospect that it grows, each with all that it is made of.",
    )
    .scope("cs-ops.score.read")
    .answers::<RiskAnswer>(200),
    Route::new(Method::Get, "/accounts/{id}/forecast", "Where an account's score goes in the next four weeks.")
        .scope("cs-ops.score.read")
        .answers::<ForecastAnswer>(200),
    Route::new(Method::Get, "/risks/ledger", "What models predicted of accounts, and what came of it.")
        .scope("cs-ops.score.read")
        .answers::<LedgerAnswer>(200),
    Route::new(Method::Get, "/accounts/{id}/maturity", "How much of the product an account makes its own.")
        .scope("cs-ops.score.read")
        .answers::<MaturityAnswer>(200),
    Route::new(Method::Get, "/scorecards", "The scorecards that hold.")
        .scope("cs-ops.score.read")
        .answers::<ScorecardList>(200),
    Route::new(Method::Get, "/scorecards/{hash}", "A scorecard by which something is or was scored.")
        .scope("cs-ops.score.read")
        .answers::<ScorecardAnswer>(200),
    Route::new(
        Method::Post,
        "/scorecards/dry-run",
        "Compares a scorecard with the one that holds, over the portfolio and its past; nothing is changed.",
    )
    .scope("cs-ops.score.write")
    .takes::<DryRunRequest>()
    .answers::<DryRunAnswer>(202),
    Route::new(Method::Get, "/scorecards/dry-runs/{id}", "How far a scorecard's dry run has come, and what it found.")
        .scope("cs-ops.score.read")
        .answers::<DryRunAnswer>(200),
];

/// The account that a request is about.
fn account(request: &Request) -> Result<AccountId, Problem> {
    let name = request.parameters.get("id").map(String::as_str).unwrap_or_default();
    AccountId::new(name).map_err(|_| Problem::not_found("account", name))
}

/// A moment of the query, if it is given.
fn moment(request: &Request, name: &str) -> Result<Option<Timestamp>, Problem> {
    let read = |text: &String| {
        text.parse().map_err(|_| {
            let reason = format!("cannot be `{}`; write it as 2026-11-22T08:00:00Z", text.escape_default());
            Problem::invalid("the query is not one that this route takes", vec![Fault::new(name, reason)])
        })
    };
    request.query.get(name).map(read).transpose()
}

/// A measure that the scorecard does not have.
fn no_measure(card: &Scorecard, path: &str, name: &str) -> Problem {
    Problem::invalid("there is no such measure", vec![Fault::new(path, cards::no_measure(card, name))])
}

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
        let (ports, cards) = (&self.ports, &self.cards);
        match (request.method.as_str(), request.route.as_str()) {
            ("GET", "/accounts/{id}/health") => read::health(ports, cards, caller, request).await,
            ("GET", "/accounts/{id}/health/history") => history::page(ports, caller, request).await,
            ("GET", "/accounts/{id}/health/difference") => history::difference(ports, cards, caller, request).await,
            ("GET", "/accounts/{id}/health/evidence") => read::evidence(ports, cards, caller, request).await,
            ("POST", "/accounts/{id}/health/what-if") => suppose::what_if(ports, cards, caller, request).await,
            ("POST", "/accounts/{id}/health/rescore") => suppose::rescore(ports, cards, caller, request).await,
            ("GET", "/accounts/{id}/health/rescores") => suppose::rescores(ports, caller, request).await,
            ("PUT", "/accounts/{id}/health/overrides/{subject}") => overrides::put(self, caller, request).await,
            ("DELETE", "/accounts/{id}/health/overrides/{subject}") => overrides::delete(self, caller, request).await,
            ("GET", "/accounts/{id}/risk") => foresight::risk(ports, &self.models, caller, request).await,
            ("GET", "/accounts/{id}/forecast") => foresight::forecast(ports, cards, caller, request).await,
            ("GET", "/risks/ledger") => foresight::ledger(ports, caller).await,
            ("GET", "/accounts/{id}/maturity") => read::maturity(ports, cards, caller, request).await,
            ("GET", "/scorecards") => read::scorecards(cards),
            ("GET", "/scorecards/{hash}") => read::scorecard(ports, cards, caller, request).await,
            ("POST", "/scorecards/dry-run") => dry_run::start(ports, cards, caller, request).await,
            ("GET", "/scorecards/dry-runs/{id}") => dry_run::read(ports, caller, request).await,
            _ => Err(Problem::not_found("route", &request.route)),
        }
    }

    async fn message(&self, message: &Incoming, until: Timestamp) -> Result<(), Failure> {
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
                Task::Sweep(sweep) if dry_run::is_one(&sweep.run) => {
                    dry_run::page(&self.ports, &self.cards, work, &sweep.run, until).await
                }
                Task::Sweep(sweep) => self.sweep(work, &sweep.run, sweep.at, until).await,
                Task::RecordSignals(_) => Err(Failure::Unhandled("signals are not for score".into())),
                Task::Deliver(_) => Err(Failure::Unhandled("deliveries are not for score".into())),
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
            cards: &self.cards,
            models: &self.models,
            cause,
            account,
            trigger,
            run,
            said: None,
        }
    }

    async fn sweep(&self, work: &Work, run: &str, at: Timestamp, until: Timestamp) -> Result<(), Failure> {
        let visits = ScheduledRun { score: self, work, run };
        let Some(done) = sweep::page(&self.ports, FunctionName::Score, work, until, &visits).await? else {
            return Ok(());
        };
        let fact = ScoreRunCompleted { run: run.to_owned(), accounts: done.accounts, changed: done.sum.changed };
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
    type Sum = Changed;

    async fn visit(&self, account: &AccountId, message: &CauseId, sum: &mut Changed) -> Result<(), Failure> {
        let cause = self.work.cause_of(message);
        let evaluation = self.score.evaluation(cause, account, Trigger::Scheduled, Some(self.run));
        sum.count(evaluation.run(message).await?);
        Ok(())
    }
}

#[cfg(test)]
mod tests;

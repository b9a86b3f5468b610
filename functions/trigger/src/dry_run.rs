//! Rules tried before they hold: a run over the portfolio whose visits only read, and whose sum is the answer.
//!
//! What it writes is its own: the question with the candidate, and how far the run has come. It tells nobody anything.

use crate::book::Books;
use crate::evaluate::{health, standing};
use async_trait::async_trait;
use contract::backtest::{BacktestBody, RulesDryRunAnswer, RulesDryRunRequest};
use contract::event::FunctionName;
use contract::message::Work;
use contract::problem::Fault;
use contract::rules::RulesFile;
use domain::account::Account;
use domain::backtest::{Backtest, Known, Scored, Terms, said_of};
use domain::cta::Episodes;
use domain::day::Day;
use domain::digest::Digest;
use domain::id::{AccountId, CauseId, PersonId, RuleId, TenantId};
use domain::record::{AccountRecord, HealthRecord};
use domain::rule::RuleSet;
use domain::rulebook::Limits;
use jiff::Timestamp;
use platform::function::{Failure, Ports};
use platform::history::{PastCards, scores};
use platform::http::{self, Caller, Problem, Request, Response};
use platform::keys;
use platform::snapshot::Snapshot;
use platform::sweep::{self, Standing, Visit};
use platform::table::{self, Table, TableError};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// For how long before the days that are replayed the band of an account is looked for.
const BAND_DAYS: i32 = 35;
/// What the names of its runs begin with.
const RUN: &str = "rules_dry_run@";

/// What is asked.
#[derive(Debug, Serialize, Deserialize)]
pub struct Question {
    pub rules: RulesFile,
    /// Their version.
    pub version: Digest,
    /// The version that held when it was asked.
    pub against: Digest,
    /// What the rules of either are called, those that hold first: it can be read when neither is known any more.
    pub names: [Vec<RuleId>; 2],
    /// When a rule of the candidate would be held.
    pub limits: Limits,
    pub terms: Terms,
    /// What now is.
    pub as_of: Timestamp,
    pub asked_by: PersonId,
}

impl Question {
    /// The candidate, which was checked before it was kept.
    pub fn candidate(&self, books: &Books) -> Result<RuleSet, TableError> {
        books.read(self.rules.clone()).map_err(|_| TableError::Refused("the candidate is not sound".into()))
    }
}

/// What came of a dry run so far.
pub type Found = Standing<Sum>;

/// Whether a run is a dry run.
pub fn is_one(run: &str) -> bool {
    run.starts_with(RUN)
}

/// `POST /rules/dry-run`.
pub async fn start(ports: &Ports, books: &Books, caller: &Caller, request: &Request) -> Result<Response, Problem> {
    let asked: RulesDryRunRequest = http::read_json(request)?;
    let refused = |faults| Problem::invalid("the dry run is not one that can be made", faults);
    let now = ports.clock.now();
    let terms = asked.terms(Day::of(now)).map_err(refused)?;
    // The file is a part of the body: so are the paths of its faults.
    let in_body = |fault: Fault| Fault::new(format!("rules.{}", fault.path), fault.reason);
    let candidate = books.read(asked.rules.clone());
    let candidate = candidate.map_err(|faults| refused(faults.into_iter().map(in_body).collect()))?;
    let holding = books.holding(ports.table.as_ref(), &caller.tenant).await?;
    let question = Question {
        rules: asked.rules,
        version: candidate.version(),
        against: holding.rules.version(),
        limits: *candidate.limits(),
        names: [holding.rules.as_ref(), &candidate].map(|set| set.rules().map(|rule| rule.id.clone()).collect()),
        terms,
        as_of: now,
        asked_by: caller.subject.clone(),
    };
    let id = request.cause_id(caller, FunctionName::Trigger);
    let question = sweep::keep(ports, keys::rules_dry_run(&caller.tenant, &id), question).await?;
    sweep::ask(ports, FunctionName::Trigger, &caller.tenant, &run_of(&id), question.as_of).await?;
    answer(ports, &caller.tenant, &id, &question, 202).await
}

/// `GET /rules/dry-runs/{id}`.
pub async fn read(ports: &Ports, caller: &Caller, request: &Request) -> Result<Response, Problem> {
    let name = request.parameters.get("id").map(String::as_str).unwrap_or_default();
    let (id, question) = find(ports, &caller.tenant, name).await?;
    answer(ports, &caller.tenant, &id, &question, 200).await
}

/// The dry run with this name.
pub async fn find(ports: &Ports, tenant: &TenantId, name: &str) -> Result<(CauseId, Question), Problem> {
    let not_found = || Problem::not_found("dry run", name);
    let id = CauseId::new(name).map_err(|_| not_found())?;
    let found = ports.table.get(&keys::rules_dry_run(tenant, &id)).await?.ok_or_else(not_found)?;
    Ok((id, table::read(&found)?))
}

/// How far it has come.
pub async fn found(ports: &Ports, tenant: &TenantId, id: &CauseId) -> Result<Found, Problem> {
    let found = sweep::standing(ports, FunctionName::Trigger, tenant, &run_of(id)).await;
    found.map_err(|error| Problem::internal(&error))
}

/// Goes through one page of a dry run.
pub async fn page(ports: &Ports, books: &Books, work: &Work, run: &str, until: Timestamp) -> Result<(), Failure> {
    let unknown = || Failure::Unhandled(format!("there is no dry run `{run}`"));
    let id = run.strip_prefix(RUN).and_then(|id| CauseId::new(id).ok()).ok_or_else(unknown)?;
    let found = ports.table.get(&keys::rules_dry_run(&work.tenant, &id)).await?.ok_or_else(unknown)?;
    let question: Question = table::read(&found)?;
    let candidate = question.candidate(books)?;
    let gone = || TableError::Refused(format!("the rules `{}`, which held then, were deployed over", question.against));
    let today = books.find(ports.table.as_ref(), &work.tenant, question.against).await?.ok_or_else(gone)?;
    let (tenant, cards) = (&work.tenant, PastCards::default());
    let visits = Look { ports, tenant, question, today, candidate, cards };
    sweep::page(ports, FunctionName::Trigger, work, until, &visits).await?;
    Ok(())
}

fn run_of(id: &CauseId) -> String {
    format!("{RUN}{id}")
}

async fn answer(
    ports: &Ports,
    tenant: &TenantId,
    id: &CauseId,
    question: &Question,
    status: u16,
) -> Result<Response, Problem> {
    let standing = found(ports, tenant, id).await?;
    let status_now = standing.status(question.as_of, ports.clock.now());
    let terms = &question.terms;
    let answer = RulesDryRunAnswer {
        dry_run: id.to_string(),
        status: status_now.to_owned(),
        visited: standing.accounts,
        as_of: question.as_of,
        asked_by: question.asked_by.to_string(),
        name: question.rules.name.clone(),
        version: question.version.to_string(),
        against: question.against.to_string(),
        until: terms.until.to_string(),
        days: terms.days,
        step_days: terms.step_days,
        horizon_days: terms.horizon_days,
        found: BacktestBody::of(&standing.sum.0, &question.names, terms, &question.limits),
    };
    Response::json(status, &answer)
}

/// What the visits add up to.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sum(pub Backtest);

impl sweep::Sum for Sum {
    fn add(&mut self, other: Self) {
        self.0.add(other.0);
    }
}

/// A look at each account by both sets of rules.
struct Look<'a> {
    ports: &'a Ports,
    tenant: &'a TenantId,
    question: Question,
    today: Arc<RuleSet>,
    candidate: RuleSet,
    cards: PastCards,
}

impl Look<'_> {
    /// The scores of the days that are replayed.
    async fn scores(&self, account: &AccountId) -> Result<Vec<Scored>, TableError> {
        let Terms { until, days, .. } = self.question.terms;
        if days == 0 {
            return Ok(Vec::new());
        }
        let range = [until.plus(-i32::from(days) - BAND_DAYS).start(), until.plus(1).start()];
        scores(self.ports.table.as_ref(), &self.cards, self.tenant, account, range).await
    }
}

#[async_trait]
impl Visit for Look<'_> {
    type Sum = Sum;

    async fn visit(&self, account: &AccountId, _: &CauseId, sum: &mut Sum) -> Result<(), Failure> {
        let Some(state) = State::read(self.ports.table.as_ref(), self.tenant, account).await? else {
            return Ok(());
        };
        let scores = self.scores(account).await?;
        let Question { terms, as_of, .. } = &self.question;
        let sets = [self.today.as_ref(), &self.candidate];
        sum.0.add(Backtest::of(&state.known(self.tenant, &scores), sets, terms, *as_of));
        Ok(())
    }
}

/// An account as it is.
struct State {
    account: Account,
    record: AccountRecord,
    scored: Option<HealthRecord>,
    episodes: Episodes,
}

impl State {
    async fn read(table: &dyn Table, tenant: &TenantId, account: &AccountId) -> Result<Option<Self>, TableError> {
        let known = Snapshot::read(table, tenant, account).await?;
        let Some(account) = known.account()? else { return Ok(None) };
        Ok(Some(Self {
            account,
            record: known.record()?.unwrap_or_default(),
            scored: known.health()?,
            episodes: known.episodes()?.map(|record| record.episodes).unwrap_or_default(),
        }))
    }

    fn known<'a>(&'a self, tenant: &'a TenantId, scores: &'a [Scored]) -> Known<'a> {
        Known {
            tenant,
            account: &self.account,
            record: &self.record,
            health: self.scored.as_ref().and_then(health),
            standing: self.scored.as_ref().and_then(standing),
            episodes: &self.episodes,
            scores,
        }
    }
}

/// What the candidate says of an account now; none of one that is no longer there.
pub async fn said_now(
    ports: &Ports,
    tenant: &TenantId,
    account: &AccountId,
    candidate: &RuleSet,
) -> Result<Option<Digest>, TableError> {
    let state = State::read(ports.table.as_ref(), tenant, account).await?;
    Ok(state.map(|state| said_of(&state.known(tenant, &[]), candidate, ports.clock.now())))
}

//! A scorecard tried before it holds: a run over the portfolio whose visits only read, and whose sum is the answer.
//!
//! What it writes is its own: the question with the candidate, and how far the run has come. It tells nobody anything.

use crate::cards::Cards;
use crate::suppose::health_card;
use async_trait::async_trait;
use contract::comparison::{ComparisonBody, DryRunAnswer, DryRunRequest};
use contract::event::FunctionName;
use contract::message::Work;
use contract::problem::Fault;
use domain::account::{Account, Segment};
use domain::comparison::{Comparison, Terms};
use domain::digest::Digest;
use domain::id::{AccountId, CauseId, PersonId, TenantId};
use domain::scorecard::{Draft, Scorecard};
use jiff::Timestamp;
use platform::function::{Failure, Ports};
use platform::http::{self, Caller, Problem, Request, Response};
use platform::keys;
use platform::snapshot::Snapshot;
use platform::sweep::{self, Standing, Visit};
use platform::table;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// What the names of its runs begin with.
const RUN: &str = "scorecard_dry_run@";

/// What is asked.
#[derive(Debug, Serialize, Deserialize)]
struct Question {
    candidate: Draft,
    /// Only the accounts of these segments; of all where it is empty.
    segments: BTreeSet<Segment>,
    against: Option<Digest>,
    terms: Terms,
    /// What today is.
    as_of: Timestamp,
    asked_by: PersonId,
}

/// Whether a run is a dry run.
pub fn is_one(run: &str) -> bool {
    run.starts_with(RUN)
}

/// `POST /scorecards/dry-run`.
pub async fn start(ports: &Ports, cards: &Cards, caller: &Caller, request: &Request) -> Result<Response, Problem> {
    let asked: DryRunRequest = http::read_json(request)?;
    let refused = |faults| Problem::invalid("the dry run is not one that can be made", faults);
    let terms = asked.terms().map_err(refused)?;
    let against = match &asked.against {
        Some(name) => {
            let unknown = || {
                let reason = format!("`{}` is no scorecard by which anything is or was scored", name.escape_default());
                refused(vec![Fault::new("against", reason)])
            };
            let hash: Digest = name.parse().map_err(|_| unknown())?;
            cards.find(ports.table.as_ref(), &caller.tenant, hash).await?.ok_or_else(unknown)?;
            Some(hash)
        }
        None => None,
    };
    let candidate = health_card(asked.scorecard)?;
    let id = request.cause_id(caller, FunctionName::Score);
    let question = Question {
        candidate: candidate.scorecard.content().clone(),
        segments: candidate.segments,
        against,
        terms,
        as_of: ports.clock.now(),
        asked_by: caller.subject.clone(),
    };
    let question = sweep::keep(ports, keys::scorecard_dry_run(&caller.tenant, &id), question).await?;
    sweep::ask(ports, FunctionName::Score, &caller.tenant, &run_of(&id), question.as_of).await?;
    answer(ports, &caller.tenant, &id, &question, 202).await
}

/// `GET /scorecards/dry-runs/{id}`.
pub async fn read(ports: &Ports, caller: &Caller, request: &Request) -> Result<Response, Problem> {
    let name = request.parameters.get("id").map(String::as_str).unwrap_or_default();
    let not_found = || Problem::not_found("dry run", name);
    let id = CauseId::new(name).map_err(|_| not_found())?;
    let found = ports.table.get(&keys::scorecard_dry_run(&caller.tenant, &id)).await?.ok_or_else(not_found)?;
    answer(ports, &caller.tenant, &id, &table::read(&found)?, 200).await
}

/// Goes through one page of a dry run.
pub async fn page(ports: &Ports, cards: &Cards, work: &Work, run: &str, until: Timestamp) -> Result<(), Failure> {
    let unknown = || Failure::Unhandled(format!("there is no dry run `{run}`"));
    let id = run.strip_prefix(RUN).and_then(|id| CauseId::new(id).ok()).ok_or_else(unknown)?;
    let found = ports.table.get(&keys::scorecard_dry_run(&work.tenant, &id)).await?.ok_or_else(unknown)?;
    let question: Question = table::read(&found)?;
    let candidate =
        candidate(&question).ok_or_else(|| Failure::Unhandled(format!("the candidate of `{run}` is not sound")))?;
    let against = match question.against {
        Some(hash) => Some(cards.by_which(ports.table.as_ref(), &work.tenant, hash).await?),
        None => None,
    };
    let visits = Look { ports, cards, tenant: &work.tenant, question, candidate, against };
    sweep::page(ports, FunctionName::Score, work, until, &visits).await?;
    Ok(())
}

/// The candidate, which was checked before it was kept.
fn candidate(question: &Question) -> Option<Scorecard> {
    Scorecard::new(question.candidate.clone()).ok()
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
    let standing: Standing<Sum> = sweep::standing(ports, FunctionName::Score, tenant, &run_of(id))
        .await
        .map_err(|error| Problem::internal(&error))?;
    let (terms, found) = (&question.terms, &standing.sum.0);
    let candidate = candidate(question).ok_or_else(|| Problem::internal(&"the candidate is not sound"))?;
    let status_now = standing.status(question.as_of, ports.clock.now());
    let answer = DryRunAnswer {
        dry_run: id.to_string(),
        status: status_now.to_owned(),
        visited: standing.accounts,
        not_compared: standing.accounts.saturating_sub(found.accounts + found.unscored + found.left),
        as_of: question.as_of,
        asked_by: question.asked_by.to_string(),
        scorecard: candidate.version().to_owned(),
        scorecard_hash: candidate.hash().to_string(),
        against: question.against.map(|hash| hash.to_string()),
        days: terms.days,
        step_days: terms.step_days,
        horizon_days: terms.horizon_days,
        alert_at: terms.alert_at.to_string(),
        found: ComparisonBody::of(found, terms),
    };
    Response::json(status, &answer)
}

/// What the visits add up to.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(transparent)]
struct Sum(Comparison);

impl sweep::Sum for Sum {
    fn add(&mut self, other: Self) {
        self.0.add(other.0);
    }
}

/// A look at each account by both scorecards.
struct Look<'a> {
    ports: &'a Ports,
    cards: &'a Cards,
    tenant: &'a TenantId,
    question: Question,
    candidate: Scorecard,
    against: Option<Scorecard>,
}

impl Look<'_> {
    /// Whether the candidate would score this account: one of its segments, or, where it names none, one that has no
    /// scorecard of its own. Against a scorecard that is named everybody is compared.
    fn is_about(&self, account: &Account) -> bool {
        if !self.question.segments.is_empty() {
            return self.question.segments.contains(&account.segment);
        }
        self.against.is_some() || self.cards.of(account).hash() == self.cards.holding().general().hash()
    }
}

#[async_trait]
impl Visit for Look<'_> {
    type Sum = Sum;

    async fn visit(&self, account: &AccountId, _: &CauseId, sum: &mut Sum) -> Result<(), Failure> {
        let known = Snapshot::read(self.ports.table.as_ref(), self.tenant, account).await?;
        if let Some(account) = known.account()?.filter(|account| self.is_about(account)) {
            let record = known.record()?.unwrap_or_default();
            let today = self.against.as_ref().unwrap_or_else(|| self.cards.of(&account));
            let Question { terms, as_of, .. } = &self.question;
            sum.0.add(Comparison::of(&account, &record, [today, &self.candidate], terms, *as_of));
        }
        Ok(())
    }
}

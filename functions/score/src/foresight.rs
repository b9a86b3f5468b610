//! What comes next for an account: where its risks stand, what is unusual about its days, and where its score goes.
//!
//! Both are decided with the score, from the same read, and committed with it. Nothing is written when nothing changed.

use crate::cards::Cards;
use crate::read::Known;
use contract::event::{AnomalyFound, Cause, Event, RiskChanged};
use contract::risk::{ForecastAnswer, JudgementBody, LedgerAnswer, RiskAnswer, RiskBody};
use domain::account::Account;
use domain::analytics::watch::{Anomaly, Watch};
use domain::day::Day;
use domain::digest::Digest;
use domain::health::ahead::ahead;
use domain::health::{Decision, Overrides};
use domain::id::TenantId;
use domain::record::HealthRecord;
use domain::risk::account::Models;
use domain::risk::account::standing::{Followed, Question, Standings, follow};
use domain::risk::ledger::{Entry, HORIZON_DAYS, Happened, Outcomes, is_expansion, judge};
use domain::risk::model::Kind;
use domain::series::Series;
use jiff::Timestamp;
use platform::function::Ports;
use platform::http::{Caller, Problem, Request, Response};
use platform::keys::{self, PORTFOLIO_SHARDS};
use platform::table::{self, Expect, Range, TableError, Write};
use std::collections::BTreeMap;

/// How much of each shard of the ledger one answer reads.
const MOST_OF_SHARD: usize = 2_000;

/// What a look at an account found out beside its score.
pub struct Foresight {
    followed: Followed,
    watch: Watch,
    found: Vec<Anomaly>,
    outcomes: Vec<Happened>,
    changed: bool,
}

impl Foresight {
    /// Looks at an account whose score was decided.
    pub fn of(
        before: Option<&HealthRecord>,
        decision: &Decision,
        account: &Account,
        series: &Series,
        models: &Models,
        now: Timestamp,
    ) -> Self {
        let today = Day::of(now);
        let none = Standings::new();
        let stood = before.map_or(&none, |before| &before.risks);
        let kept = before.map(|before| before.watch.clone()).unwrap_or_default();
        let outcomes = outcomes(before, decision, account, today);
        // Who has left has no risk of leaving, and nobody looks at its days; who comes back goes on from where it stood.
        let (followed, (watch, found)) = if decision.state.blank_since.is_some() {
            (Followed { standings: stood.clone(), ..Followed::default() }, (kept, Vec::new()))
        } else {
            let band_change = decision.band_change.as_ref();
            let question = Question { account, health: &decision.state, band_change, today };
            (follow(stood, models, &question), kept.look(series, today))
        };
        let changed = followed.standings != *stood;
        Self { followed, watch, found, outcomes, changed }
    }

    /// Whether it has to be kept though the score stays.
    pub fn is_news(&self) -> bool {
        self.changed || !self.found.is_empty() || !self.followed.entries.is_empty() || !self.outcomes.is_empty()
    }

    /// Where the risks stand, the watch, and on which day each outcome was last recorded: to be kept.
    pub fn kept(&self, before: Option<&HealthRecord>) -> (Standings, Watch, BTreeMap<Kind, Day>) {
        let mut happened = before.map(|before| before.happened.clone()).unwrap_or_default();
        happened.extend(self.outcomes.iter().map(|outcome| (outcome.kind, outcome.on)));
        (self.followed.standings.clone(), self.watch.clone(), happened)
    }

    /// What is to be told.
    pub fn events(&self, cause: &Cause, account: &Account, at: Timestamp) -> Vec<Event> {
        let moved = self
            .followed
            .moved
            .iter()
            .map(|moved| Event::new(cause, Some(&account.id), moved.kind.name(), at, RiskChanged::from(moved)));
        let found = self.found.iter().map(|found| {
            Event::new(cause, Some(&account.id), found.metric.name(), at, AnomalyFound::of(found, account.arr))
        });
        moved.chain(found).collect()
    }

    /// What the audit chain says of it: what came out, and why. Nothing where nothing is told.
    pub fn audited(&self) -> Option<(String, Vec<String>)> {
        let risks = self.followed.moved.iter().map(|moved| format!("{} {}", moved.kind.name(), moved.to.name()));
        let days = self.found.iter().map(|found| format!("unusual {}", found.metric));
        let outcome: Vec<String> = risks.chain(days).collect();
        let reasons = self.followed.moved.iter().flat_map(|moved| &moved.reasons).map(|part| part.what.clone());
        let sentences = self.found.iter().map(Anomaly::sentence);
        (!outcome.is_empty()).then(|| (outcome.join(", "), reasons.chain(sentences).collect()))
    }

    /// What goes into the ledger.
    pub fn ledger(&self, tenant: &TenantId) -> Result<Vec<Write>, TableError> {
        let predicted = self.followed.entries.iter().map(|entry| {
            (keys::prediction(tenant, &entry.account, entry.kind.name(), entry.predicted_on), table::body(entry))
        });
        let happened = self.outcomes.iter().map(|outcome| {
            (keys::outcome(tenant, &outcome.account, outcome.kind.name(), outcome.on), table::body(outcome))
        });
        let put = |(key, body): (keys::Key, Result<_, TableError>)| {
            Ok(Write::Put { key, expect: Expect::Absent, body: body?, expires_at: None })
        };
        predicted.chain(happened).map(put).collect()
    }
}

/// An account that has left since it was scored last, or that pays a good deal more; each once a day.
fn outcomes(before: Option<&HealthRecord>, decision: &Decision, account: &Account, today: Day) -> Vec<Happened> {
    let Some(before) = before else { return Vec::new() };
    let kind = if decision.state.blank_since.is_some() {
        before.health.blank_since.is_none().then_some(Kind::Churn)
    } else {
        before.arr.filter(|arr| is_expansion(*arr, account.arr)).map(|_| Kind::Expansion)
    };
    let new = kind.filter(|kind| before.happened.get(kind) != Some(&today));
    new.map(|kind| Happened { account: account.id.clone(), kind, on: today }).into_iter().collect()
}

/// `GET /accounts/{id}/risk`.
pub async fn risk(ports: &Ports, models: &Models, caller: &Caller, request: &Request) -> Result<Response, Problem> {
    let account = super::account(request)?;
    let known = Known::of_customer(ports, &caller.tenant, &account).await?;
    let now = ports.clock.now();
    let record = known.health.as_ref().ok_or_else(|| Problem::not_found("risk of account", account.as_str()))?;
    let question = Question { account: &known.account, health: &record.health, band_change: None, today: Day::of(now) };
    let of = |kind| {
        let risk = question.risk(kind, models);
        let before = record.risks.get(&kind).filter(|before| before.model == risk.model());
        let level = question.level(kind, &risk, models, before);
        RiskBody::of(kind, &risk, level, models)
    };
    let answer =
        RiskAnswer { account: account.to_string(), as_of: now, churn: of(Kind::Churn), expansion: of(Kind::Expansion) };
    Response::json(200, &answer)
}

/// `GET /accounts/{id}/forecast`.
pub async fn forecast(ports: &Ports, cards: &Cards, caller: &Caller, request: &Request) -> Result<Response, Problem> {
    let account = super::account(request)?;
    let known = Known::of_customer(ports, &caller.tenant, &account).await?;
    let now = ports.clock.now();
    let nobody = Overrides::default();
    let expected = ahead(&known.inputs(cards.of(&known.account), &nobody), now);
    Response::json(200, &ForecastAnswer::of(account.as_str(), now, &expected))
}

/// `GET /risks/ledger`.
pub async fn ledger(ports: &Ports, caller: &Caller) -> Result<Response, Problem> {
    let (mut entries, mut outcomes, mut complete) = (Vec::<Entry>::new(), Outcomes::default(), true);
    for shard in 0..PORTFOLIO_SHARDS {
        let partition = keys::ledger(&caller.tenant, shard);
        let (items, all) = some(ports, Range::prefix(partition.clone(), keys::PREDICTIONS)).await?;
        entries.extend(items.iter().map(table::read).collect::<Result<Vec<Entry>, _>>()?);
        complete &= all;
        let (items, all) = some(ports, Range::prefix(partition, keys::OUTCOMES)).await?;
        for item in &items {
            outcomes.insert(table::read::<Happened>(item)?);
        }
        complete &= all;
    }
    let now = ports.clock.now();
    let judged = judge(&entries, |entry| outcomes.after(entry), Day::of(now));
    let body = |((kind, model), judgement): (&(Kind, Digest), _)| JudgementBody::of(*kind, *model, judgement);
    let answer = LedgerAnswer {
        as_of: now,
        horizon_days: HORIZON_DAYS,
        outcomes: u64::try_from(outcomes.len()).unwrap_or(u64::MAX),
        complete,
        models: judged.iter().map(body).collect(),
    };
    Response::json(200, &answer)
}

/// What a range begins with, and whether that is all of it.
async fn some(ports: &Ports, range: Range) -> Result<(Vec<platform::table::Item>, bool), TableError> {
    let mut range = range.limit(MOST_OF_SHARD);
    let mut items = Vec::new();
    while items.len() < MOST_OF_SHARD {
        let page = ports.table.query(&range).await?;
        items.extend(page.items);
        match page.next {
            Some(next) => range.after = Some(next),
            None => return Ok((items, true)),
        }
    }
    Ok((items, false))
}

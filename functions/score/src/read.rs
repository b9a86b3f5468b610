//! What can be asked about an account now: its health, its maturity, what a measure rests on, and the scorecards.

use crate::cards::Cards;
use crate::history;
use contract::score::{
    EvidenceAnswer, EvidenceDay, HealthAnswer, HealthBody, MaturityAnswer, NextBand, ReachBody, ScorecardAnswer,
    ScorecardItem, ScorecardList, state_name,
};
use contract::scorecard::Purpose;
use domain::account::{Account, LifecycleStage};
use domain::band::Band;
use domain::day::Day;
use domain::digest::Digest;
use domain::fixed::Quantity;
use domain::health::{Evidence, Inputs, Overrides, compute, evidence as evidence_of, next_band, reach};
use domain::id::{AccountId, TenantId};
use domain::page::Bucket;
use domain::record::{AccountRecord, HealthRecord};
use domain::scorecard::Scorecard;
use domain::signal::Metric;
use platform::function::Ports;
use platform::http::{Caller, Problem, Request, Response};
use platform::snapshot::Snapshot;
use platform::{keys, once};

/// What is known of an account.
pub struct Known {
    pub account: Account,
    pub record: AccountRecord,
    pub health: Option<HealthRecord>,
}

impl Known {
    /// Reads it; 404 where nothing is known.
    pub async fn of(ports: &Ports, tenant: &TenantId, account: &AccountId) -> Result<Self, Problem> {
        let known = Snapshot::read(ports.table.as_ref(), tenant, account).await?;
        let nothing = || Problem::not_found("account", account.as_str());
        Ok(Self {
            account: known.account()?.ok_or_else(nothing)?,
            record: known.record()?.unwrap_or_default(),
            health: known.health()?,
        })
    }

    /// The same of a customer; 409 where it is one no more: then it has no health that could be another.
    pub async fn of_customer(ports: &Ports, tenant: &TenantId, account: &AccountId) -> Result<Self, Problem> {
        let known = Self::of(ports, tenant, account).await?;
        if known.account.stage == LifecycleStage::Churned {
            return Err(Problem::conflict("the account is no customer any more and has no health"));
        }
        Ok(known)
    }

    /// What its health is computed from.
    pub fn inputs<'a>(&'a self, scorecard: &'a Scorecard, overrides: &'a Overrides) -> Inputs<'a> {
        Inputs {
            series: &self.record.series,
            account: &self.account,
            scorecard,
            open_critical_case: self.record.has_open_critical_case(),
            overrides,
        }
    }
}

/// `GET /accounts/{id}/health`.
pub async fn health(ports: &Ports, cards: &Cards, caller: &Caller, request: &Request) -> Result<Response, Problem> {
    let account = super::account(request)?;
    let item = ports.table.get(&keys::health(&caller.tenant, &account)).await?;
    let item = item.ok_or_else(|| Problem::not_found("health of account", account.as_str()))?;
    let record: HealthRecord = once::state_of(&item)?;
    let health = &record.health.health;
    let card = cards.by_which(ports.table.as_ref(), &caller.tenant, health.scorecard_hash).await?;
    let mut answer = HealthAnswer::of(&account, &record.health, &card, ports.clock.now());
    if record.health.blank_since.is_none() {
        answer.summary = history::summary(ports, cards, &caller.tenant, &account, health).await?;
        answer.next_band = next_band(&record.health, &card, ports.clock.now()).map(|next| NextBand::from(&next));
    }
    Response::json(200, &answer)
}

/// `GET /accounts/{id}/maturity`.
pub async fn maturity(ports: &Ports, cards: &Cards, caller: &Caller, request: &Request) -> Result<Response, Problem> {
    let account = super::account(request)?;
    let known = Known::of_customer(ports, &caller.tenant, &account).await?;
    let (now, card) = (ports.clock.now(), cards.holding().maturity());
    let health = compute(&known.inputs(card, &Overrides::default()), now)
        .ok_or_else(|| Problem::not_found("maturity of account", account.as_str()))?;
    let band = card.bands().of(health.score);
    let level = Band::ALL.iter().zip(1..).find(|(of, _)| **of == band).map_or(1, |(_, level)| level);
    let next = Band::ALL.into_iter().find(|higher| *higher > band);
    let answer = MaturityAnswer {
        account: account.to_string(),
        as_of: now,
        score: health.score.to_string(),
        level,
        next_level: next.map(|next| ReachBody::from(&reach(&health, card, card.bands().floor(next)))),
        made_of: HealthBody::of(&health, card, now),
    };
    Response::json(200, &answer)
}

/// `GET /accounts/{id}/health/evidence`.
pub async fn evidence(ports: &Ports, cards: &Cards, caller: &Caller, request: &Request) -> Result<Response, Problem> {
    let account = super::account(request)?;
    let known = Known::of(ports, &caller.tenant, &account).await?;
    let (now, card) = (ports.clock.now(), cards.of(&known.account));
    let name = request.query.get("measure").map(String::as_str).unwrap_or_default();
    let measure = card.measure(name).ok_or_else(|| super::no_measure(card, "measure", name))?;
    let overrides = known.health.as_ref().map(|record| record.overrides.clone()).unwrap_or_default();
    let health = compute(&known.inputs(card, &overrides), now);
    let part = health.as_ref().and_then(|health| health.measures.iter().find(|part| part.measure == name));
    let today = Day::of(now);
    let Evidence { first, last, days } = evidence_of(&known.inputs(card, &overrides), measure, now);
    let day_of = |(metric, day, bucket): &(Metric, Day, Bucket)| EvidenceDay {
        day: *day,
        age_days: today.since(*day),
        metric: metric.to_string(),
        values: bucket.count,
        sum: Quantity::from_micros(bucket.sum).to_string(),
    };
    let mut days: Vec<EvidenceDay> = days.iter().map(day_of).collect();
    days.sort_by(|a, b| b.day.cmp(&a.day).then_with(|| a.metric.cmp(&b.metric)));
    let answer = EvidenceAnswer {
        account: account.to_string(),
        measure: name.to_owned(),
        value: part.and_then(|part| part.value).map(|value| value.to_string()),
        unit: measure.unit.clone(),
        state: part.map_or("excluded", |part| state_name(part.state)).to_owned(),
        window_from: first,
        window_to: last,
        age_days: part.and_then(|part| part.age_days(today)),
        days,
    };
    Response::json(200, &answer)
}

/// `GET /scorecards`.
pub fn scorecards(cards: &Cards) -> Result<Response, Problem> {
    let item = |purpose| {
        move |card: &Scorecard| ScorecardItem {
            version: card.version().to_owned(),
            hash: card.hash().to_string(),
            purpose,
            measures: card.dimensions().iter().map(|dimension| dimension.measures.len()).sum(),
        }
    };
    let mut scorecards: Vec<ScorecardItem> = cards.holding().of_health().map(item(Purpose::Health)).collect();
    scorecards.push(item(Purpose::Maturity)(cards.holding().maturity()));
    Response::json(200, &ScorecardList { scorecards })
}

/// `GET /scorecards/{hash}`.
pub async fn scorecard(ports: &Ports, cards: &Cards, caller: &Caller, request: &Request) -> Result<Response, Problem> {
    let name = request.parameters.get("hash").map(String::as_str).unwrap_or_default();
    let not_found = || Problem::not_found("scorecard", name);
    let hash: Digest = name.parse().map_err(|_| not_found())?;
    let card = cards.find(ports.table.as_ref(), &caller.tenant, hash).await?.ok_or_else(not_found)?;
    let content = serde_json::to_value(card.content()).map_err(|error| Problem::internal(&error))?;
    Response::json(200, &ScorecardAnswer { hash: name.to_owned(), content })
}

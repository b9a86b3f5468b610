//! What a score would be with other values, or by another scorecard. What holds is not touched.

use crate::cards::Cards;
use crate::history;
use crate::read::Known;
use contract::event::{FunctionName, ReasonBody};
use contract::problem::Fault;
use contract::score::{HealthBody, RescoreAnswer, RescorePage, RescoreRequest, WhatIfAnswer, WhatIfRequest};
use contract::scorecard::{Card, Purpose, ScorecardFile};
use domain::health::{Contribution, Health, State, compute, reasons, shortfalls, suppose};
use domain::scorecard::Scorecard;
use platform::function::Ports;
use platform::http::{self, Caller, Problem, Request, Response};
use platform::keys;
use platform::table::{self, Expect, Range, Write};

/// The most entries in one page.
const MAX_PAGE: usize = 25;

/// `POST /accounts/{id}/health/what-if`.
pub async fn what_if(ports: &Ports, cards: &Cards, caller: &Caller, request: &Request) -> Result<Response, Problem> {
    let account = super::account(request)?;
    let WhatIfRequest { values } = http::read_json(request)?;
    let known = Known::of_customer(ports, &caller.tenant, &account).await?;
    let (now, card) = (ports.clock.now(), cards.of(&known.account));
    let unknown = values.keys().find(|name| card.measure(name).is_none());
    if let Some(name) = unknown {
        return Err(super::no_measure(card, &format!("values.{name}"), name));
    }
    let overrides = known.health.as_ref().map(|record| record.overrides.clone()).unwrap_or_default();
    let inputs = known.inputs(card, &overrides);
    let nothing = || Problem::conflict("nothing is known of the account's measures today, and nothing was supposed");
    let after = suppose(&inputs, now, &values).ok_or_else(nothing)?;
    let idle = after.measures.iter().filter(|part| values.contains_key(&part.measure)).filter_map(without_effect);
    // Over the score itself nothing has an effect.
    let over_all = after.overrides.about("score").map(|word| {
        Fault::new(
            "values",
            format!("would change nothing: {} says what the score is; take that back first", word.author),
        )
    });
    let idle: Vec<Fault> = idle.chain(over_all).collect();
    if !idle.is_empty() {
        return Err(Problem::invalid("not every value would have an effect", idle));
    }
    let before = compute(&inputs, now);
    let changes = before.as_ref().map_or_else(|| shortfalls(&after), |before| reasons(before, &after));
    let answer = WhatIfAnswer {
        account: account.to_string(),
        as_of: now,
        now: before.as_ref().map(|before| before.score.to_string()),
        score: after.score.to_string(),
        band: band_of(&after, card),
        changes: changes.iter().map(ReasonBody::from).collect(),
        made_of: HealthBody::of(&after, card, now),
    };
    Response::json(200, &answer)
}

/// Why another value of a measure would change nothing, where it would not.
fn without_effect(part: &Contribution) -> Option<Fault> {
    let reason = match part.state {
        State::NotApplicable => "does not count for this account at this time; leave it out",
        State::Overridden => "is what a person says it is, whatever its value; take the override back, or leave it out",
        _ => return None,
    };
    Some(Fault::new(format!("values.{}", part.measure), reason))
}

/// `POST /accounts/{id}/health/rescore`.
pub async fn rescore(ports: &Ports, cards: &Cards, caller: &Caller, request: &Request) -> Result<Response, Problem> {
    let account = super::account(request)?;
    let RescoreRequest { at, scorecard } = http::read_json(request)?;
    let known = Known::of(ports, &caller.tenant, &account).await?;
    let now = ports.clock.now();
    if at > now {
        let fault = Fault::new("at", format!("lies after now, {now}; give a moment of the past"));
        return Err(Problem::invalid("the future cannot be scored", vec![fault]));
    }
    let given = scorecard.map(health_card).transpose()?;
    let card = given.as_ref().map(|given| &given.scorecard).unwrap_or_else(|| cards.of(&known.account));
    let then = history::entry_at(ports, &caller.tenant, &account, at).await?;
    // What people said then, and which caps lowered the score, is known from what was scored then alone.
    let said = then.as_ref().map(|then| then.overrides.clone()).unwrap_or_default();
    let mut inputs = known.inputs(card, &said);
    inputs.open_critical_case = then.as_ref().is_some_and(|then| !then.caps.is_empty());
    let nothing = || Problem::conflict(format!("nothing is known of the account's measures at {at}"));
    let health = compute(&inputs, at).ok_or_else(nothing)?;
    let before = match &then {
        Some(entry) => Some(history::health_of(ports, cards, &caller.tenant, entry).await?),
        None => None,
    };
    let changes = before.as_ref().map_or_else(|| shortfalls(&health), |before| reasons(before, &health));
    let answer = RescoreAnswer {
        account: account.to_string(),
        at,
        rescored_at: now,
        score: health.score.to_string(),
        band: band_of(&health, card),
        scored_then: then.as_ref().map(Into::into),
        changes: changes.iter().map(ReasonBody::from).collect(),
        made_of: HealthBody::of(&health, card, at),
    };
    cards.keep(ports.table.as_ref(), &caller.tenant, card).await?;
    let key = keys::rescore(&caller.tenant, &account, at, &request.cause_id(caller, FunctionName::Score));
    // The same request once more finds its first answer kept.
    if ports.table.get(&key).await?.is_none() {
        let write = Write::Put { key, expect: Expect::Absent, body: table::body(&answer)?, expires_at: None };
        ports.table.commit(vec![write]).await?;
    }
    Response::json(200, &answer)
}

/// `GET /accounts/{id}/health/rescores`.
pub async fn rescores(ports: &Ports, caller: &Caller, request: &Request) -> Result<Response, Problem> {
    let account = super::account(request)?;
    let range = Range::prefix(keys::account(&caller.tenant, &account), "rescore#")
        .newest_first()
        .limit(MAX_PAGE)
        .after(request.query.get("cursor").cloned());
    let page = ports.table.query(&range).await?;
    let entries = page.items.iter().map(table::read).collect::<Result<Vec<RescoreAnswer>, _>>()?;
    Response::json(200, &RescorePage { account: account.to_string(), entries, cursor: page.next })
}

/// A scorecard of health out of a request.
pub fn health_card(file: ScorecardFile) -> Result<Card, Problem> {
    let refused = |faults: Vec<Fault>| {
        let faults = faults.into_iter().map(|fault| Fault::new(format!("scorecard.{}", fault.path), fault.reason));
        Problem::invalid("the scorecard is not valid", faults.collect())
    };
    let card = Card::try_from(file).map_err(refused)?;
    if card.purpose != Purpose::Health {
        return Err(refused(vec![Fault::new("purpose", "is maturity; give a scorecard of health")]));
    }
    Ok(card)
}

fn band_of(health: &Health, card: &Scorecard) -> String {
    card.bands().of(health.score).to_string()
}

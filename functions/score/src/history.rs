//! Scores as they were: what is kept of each, and how one is found by its time.

use crate::cards::Cards;
use contract::event::ReasonBody;
use contract::problem::Fault;
use contract::score::{DifferenceAnswer, HistoryEntry, HistoryPage};
use domain::day::Day;
use domain::health::{Entry, Health, reasons, sentence};
use domain::id::{AccountId, TenantId};
use jiff::{SignedDuration, Timestamp};
use platform::function::Ports;
use platform::http::{Caller, Problem, Request, Response};
use platform::keys;
use platform::table::{self, Range, TableError};
use serde::{Deserialize, Serialize};

/// The most scores in one page.
const MAX_PAGE: usize = 100;
/// How far back a movement is told from where nobody says.
const WEEK: SignedDuration = SignedDuration::from_hours(24 * 7);

/// A score as it is kept.
#[derive(Debug, Serialize, Deserialize)]
pub struct Past {
    /// The health of then.
    pub entry: Entry,
    /// Why it moved.
    pub reasons: Vec<ReasonBody>,
}

/// `GET /accounts/{id}/health/history`.
pub async fn page(ports: &Ports, caller: &Caller, request: &Request) -> Result<Response, Problem> {
    let account = super::account(request)?;
    let range = Range::prefix(keys::account(&caller.tenant, &account), "score#")
        .newest_first()
        .limit(MAX_PAGE)
        .after(request.query.get("cursor").cloned());
    let page = ports.table.query(&range).await?;
    if page.items.is_empty() && ports.table.get(&keys::profile(&caller.tenant, &account)).await?.is_none() {
        return Err(Problem::not_found("account", account.as_str()));
    }
    let past = page.items.iter().map(table::read).collect::<Result<Vec<Past>, _>>()?;
    let entries = past.into_iter().map(|past| HistoryEntry::of(&past.entry, past.reasons)).collect();
    Response::json(200, &HistoryPage { account: account.to_string(), entries, cursor: page.next })
}

/// The last score at or before a moment.
pub async fn entry_at(
    ports: &Ports,
    tenant: &TenantId,
    account: &AccountId,
    at: Timestamp,
) -> Result<Option<Entry>, TableError> {
    let range = Range {
        first: "score#".to_owned(),
        last: format!("score#{}\u{10FFFF}", keys::time(at)),
        ..Range::prefix(keys::account(tenant, account), "score#").newest_first().limit(1)
    };
    let page = ports.table.query(&range).await?;
    page.items.first().map(|item| table::read::<Past>(item).map(|past| past.entry)).transpose()
}

/// The health that an entry stands for.
pub async fn health_of(ports: &Ports, cards: &Cards, tenant: &TenantId, entry: &Entry) -> Result<Health, Problem> {
    let card = cards.by_which(ports.table.as_ref(), tenant, entry.scorecard).await?;
    entry.health(&card).ok_or_else(|| Problem::internal(&"an entry of history does not fit its scorecard"))
}

/// `GET /accounts/{id}/health/difference`.
pub async fn difference(ports: &Ports, cards: &Cards, caller: &Caller, request: &Request) -> Result<Response, Problem> {
    let account = super::account(request)?;
    let now = ports.clock.now();
    let to = super::moment(request, "to")?.unwrap_or(now);
    let from = super::moment(request, "from")?.unwrap_or_else(|| to.checked_sub(WEEK).unwrap_or(Timestamp::MIN));
    if from > to {
        let fault = Fault::new("from", format!("lies after `to`, {to}; give the earlier moment"));
        return Err(Problem::invalid("the query is not one that this route takes", vec![fault]));
    }
    let account_of = &account;
    let then = |at| async move {
        let entry = entry_at(ports, &caller.tenant, account_of, at).await?;
        entry.ok_or_else(|| {
            let detail =
                format!("nothing was scored at or before {at}; `GET /accounts/{{id}}/health/history` lists what was");
            Problem::new(404, "not_found", "There is no such thing", detail)
        })
    };
    let (before, after) = (then(from).await?, then(to).await?);
    let old = health_of(ports, cards, &caller.tenant, &before).await?;
    let new = health_of(ports, cards, &caller.tenant, &after).await?;
    let answer = DifferenceAnswer {
        account: account.to_string(),
        from: (&before).into(),
        to: (&after).into(),
        difference: new.score.minus(old.score).to_string(),
        changes: reasons(&old, &new).iter().map(ReasonBody::from).collect(),
        sentence: sentence(&old, &new, &day_in_words(from, now)),
    };
    Response::json(200, &answer)
}

/// What moved in the last week, in a sentence. None where nothing was scored a week ago.
pub async fn summary(
    ports: &Ports,
    cards: &Cards,
    tenant: &TenantId,
    account: &AccountId,
    health: &Health,
) -> Result<Option<String>, Problem> {
    let now = ports.clock.now();
    let week_ago = now.checked_sub(WEEK).unwrap_or(Timestamp::MIN);
    let entry = entry_at(ports, tenant, account, week_ago).await?;
    let Some(entry) = entry.filter(|entry| !entry.blank) else { return Ok(None) };
    let before = health_of(ports, cards, tenant, &entry).await?;
    Ok(Some(sentence(&before, health, &day_in_words(week_ago, now))))
}

/// `Monday` for the last six days, else `2026-03-02`.
fn day_in_words(then: Timestamp, now: Timestamp) -> String {
    const DAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
    let (then, now) = (Day::of(then), Day::of(now));
    let name = DAYS.get(usize::from(then.weekday())).filter(|_| (1..7).contains(&now.since(then)));
    name.map_or_else(|| then.to_string(), |name| (*name).to_owned())
}

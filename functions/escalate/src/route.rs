//! To whom a case goes: what decides it is read here, [`domain::routing`] decides.
//!
//! Who has how much to do is counted from one small item for each case that somebody has, so cases that open at the same
//! time never wait for each other; two of them may count alike, and the next one evens it out.

use crate::Plan;
use crate::change::Change;
use domain::account::Account;
use domain::case::Case;
use domain::escalation::{By, Cause, Escalation, EscalationFact, Role, Standing, Status, What};
use domain::id::{EscalationId, PersonId, TenantId};
use domain::roster::{Duty, Reach, Tier};
use domain::routing::{self, Route, Work};
use jiff::Timestamp;
use platform::function::{Failure, Ports};
use platform::table::{self, Expect, Range, Write};
use platform::{keys, once};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

/// Who has so many cases is not counted further.
const COUNTED: usize = 100;

/// How a case stands by what is known of its account now, with the reason where it is one for the next tier.
pub async fn standing(
    change: &Change<'_>,
    case: &Case,
    handed_over: u32,
) -> Result<(Standing, Option<String>), Failure> {
    let account = account(change).await?;
    Ok(change.plan.policies.standing(case, account.as_ref(), handed_over))
}

/// How an escalation stands that does not come from a case.
pub async fn plain_standing(change: &Change<'_>) -> Result<Standing, Failure> {
    let plain = Standing::default();
    Ok(account(change).await?.map_or(plain, |account| Standing { segment: account.segment, ..plain }))
}

async fn account(change: &Change<'_>) -> Result<Option<Account>, Failure> {
    let profile = change.ports.table.get(&keys::profile(&change.cause.tenant, change.account)).await?;
    Ok(profile.as_ref().map(once::state_of).transpose()?)
}

/// Finds out to whom a case goes that somebody is told of now. Whether that was asked.
pub async fn again(
    change: &Change<'_>,
    escalation: &mut Escalation,
    facts: &[EscalationFact],
) -> Result<bool, Failure> {
    let told = facts.iter().any(|fact| names_somebody(&fact.what));
    if escalation.status != Status::Open || !(told || escalation.route.is_none()) {
        return Ok(false);
    }
    let Some(work) = escalation.work(&change.plan.policies) else { return Ok(false) };
    let open = open_cases(change, &work, &escalation.id).await?;
    escalation.route = Some(routing::route(&work, &change.plan.roster, &open, change.now));
    Ok(true)
}

/// Whether a fact tells whoever the case goes to.
const fn names_somebody(what: &What) -> bool {
    matches!(what, What::Opened | What::GivenBack { .. } | What::Reopened { .. } | What::Woke | What::Raised { .. })
}

/// Whom a fact tells, and as what: whoever the case goes to; else those on duty for the step of its policy.
pub fn told(plan: &Plan, escalation: &Escalation, fact: &EscalationFact) -> Option<(Role, Vec<Duty>)> {
    let number = match &fact.what {
        What::Opened | What::Reopened { .. } | What::Raised { .. } => 0,
        What::Advanced { step, .. } => *step,
        What::GivenBack { .. } | What::Woke => escalation.step,
        _ => return None,
    };
    if matches!(fact.what, What::Raised { .. }) && escalation.status != Status::Open {
        return None;
    }
    let routed = escalation.route.as_ref().filter(|_| names_somebody(&fact.what));
    let step = plan.policies.policy(escalation).step(number);
    Some(match routed {
        Some(Route::To { tier, person, .. }) => (plan.roster.tier(*tier).role, vec![person.clone()]),
        Some(Route::Unskilled { told, .. }) => (step.role, vec![told.clone()]),
        Some(Route::Waits { .. }) | None => (step.role, step.people(escalation.severity, &plan.roster, fact.at)),
    })
}

/// Why the case goes where it goes.
pub fn reasons(escalation: &Escalation) -> Vec<String> {
    match &escalation.route {
        Some(Route::To { reasons, .. } | Route::Waits { reasons, .. } | Route::Unskilled { reasons, .. }) => {
            reasons.clone()
        }
        None => Vec::new(),
    }
}

/// The writes by which whoever has a case is known to have it.
pub fn writes(tenant: &TenantId, before: Option<&Escalation>, after: &Escalation) -> Result<Vec<Write>, Failure> {
    let (before, now) = (before.and_then(holder), holder(after));
    if before == now {
        return Ok(Vec::new());
    }
    let key = |person| keys::open_case(tenant, person, &after.id);
    let mut writes: Vec<Write> = before.map(|person| Write::Delete { key: key(person) }).into_iter().collect();
    if let Some(person) = now {
        let body = table::body(&json!({ "account": after.account }))?;
        writes.push(Write::Put { key: key(person), expect: Expect::Absent, body, expires_at: None });
    }
    Ok(writes)
}

/// Who has a case to work on: whoever took it on, or it goes to.
fn holder(escalation: &Escalation) -> Option<&PersonId> {
    if !matches!(escalation.cause, Cause::Case { .. }) {
        return None;
    }
    match (&escalation.status, &escalation.route) {
        (Status::Resolved { .. }, _) => None,
        (Status::Acknowledged { by: By::Person(person), .. }, _) => Some(person),
        (_, Some(Route::To { person, .. })) => Some(&person.person),
        _ => None,
    }
}

/// How many cases everybody has who may be asked.
async fn open_cases(change: &Change<'_>, work: &Work, but: &EscalationId) -> Result<BTreeMap<PersonId, u32>, Failure> {
    let mut open = BTreeMap::new();
    for person in may_be_asked(change.plan, work, change.now) {
        let count = count(change.ports, &change.cause.tenant, &person, but).await?;
        open.insert(person, count);
    }
    Ok(open)
}

async fn count(ports: &Ports, tenant: &TenantId, person: &PersonId, but: &EscalationId) -> Result<u32, Failure> {
    let range = Range::prefix(keys::open_case_partition(tenant), &format!("{person}#")).limit(COUNTED);
    let own = keys::open_case(tenant, person, but);
    let page = ports.table.query(&range).await?;
    Ok(u32::try_from(page.items.iter().filter(|item| item.key != own).count()).unwrap_or(u32::MAX))
}

/// Those on duty in the tier that a case comes to, and in the ones after it where nobody there knows what it needs.
fn may_be_asked(plan: &Plan, work: &Work, at: Timestamp) -> BTreeSet<PersonId> {
    let mut asked = BTreeSet::new();
    let mut next = Some(work.tier);
    while let Some(tier) = next {
        let Reach::Now { tier, people } = plan.roster.reach(tier, work.severity, at) else { break };
        let knows = |duty: &Duty| plan.roster.person(&duty.person).is_some_and(|person| person.knows(&work.skills));
        let found = people.iter().any(knows);
        asked.extend(people.into_iter().map(|duty| duty.person));
        next = if found { None } else { Tier::next(tier) };
    }
    asked
}

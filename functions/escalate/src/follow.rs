//! What opens escalations: support cases, which they then follow, and rules that ask for people.

use crate::change::{Change, Door, nothing_yet};
use crate::{Plan, route};
use async_trait::async_trait;
use contract::event::{EscalationRequested, Event};
use domain::case::Case;
use domain::escalation::{Cause, Escalation};
use domain::id::{AccountId, CaseId, CtaId};
use domain::record::EscalationRecord;
use domain::signal::Severity;
use platform::function::{Failure, Ports};
use platform::once::{self, Decide, Effect};
use platform::{keys, table};

/// News of a case. What it says is read from the case itself, so that news may come in any order.
pub async fn case(
    ports: &Ports,
    plan: &Plan,
    event: &Event,
    account: &AccountId,
    case: &CaseId,
) -> Result<(), Failure> {
    let tenant = &event.meta.tenant;
    let item = ports.table.get(&keys::case(tenant, account, case)).await?;
    let item =
        item.ok_or_else(|| Failure::Unhandled(format!("case `{case}` of account `{account}` is not in the table")))?;
    let case: Case = table::read(&item)?;
    let (severity, reason) = (case.severity(), format!("case {} needs people", case.id));
    follow(ports, plan, event, account, Cause::Case { case }, severity, reason).await
}

/// A rule asks for people.
pub async fn request(
    ports: &Ports,
    plan: &Plan,
    event: &Event,
    account: &AccountId,
    fact: &EscalationRequested,
) -> Result<(), Failure> {
    // A request without a call to action is known by its own key.
    let named = || CtaId::new(&fact.deduplication_key);
    let cta = fact.cta.clone().map_or_else(named, Ok);
    let cta = cta.map_err(|error| Failure::Unhandled(format!("deduplication_key {error}")))?;
    let cause = Cause::Rule { rule: fact.rule.clone(), cta };
    follow(ports, plan, event, account, cause, fact.severity, fact.reason.clone()).await
}

async fn follow(
    ports: &Ports,
    plan: &Plan,
    event: &Event,
    account: &AccountId,
    cause: Cause,
    severity: Severity,
    reason: String,
) -> Result<(), Failure> {
    let event_cause = event.as_cause();
    let change = Change { ports, plan, cause: &event_cause, account, now: ports.clock.now(), door: Door::Queue };
    let head = keys::escalations(&event.meta.tenant, account);
    once::handle(ports, &head, &event.meta.event_id, &Follow { change, cause, severity, reason }).await?;
    Ok(())
}

struct Follow<'a> {
    change: Change<'a>,
    cause: Cause,
    severity: Severity,
    reason: String,
}

#[async_trait]
impl Decide for Follow<'_> {
    type State = EscalationRecord;

    async fn decide(&self, state: Option<EscalationRecord>) -> Result<Option<Effect<EscalationRecord>>, Failure> {
        let Change { plan: Plan { policies, .. }, cause, account, now, .. } = self.change;
        let record = state.unwrap_or_else(|| nothing_yet(&cause.tenant, account));
        let refused = |error: domain::id::IdError| Failure::Unhandled(format!("escalation {error}"));
        let id = self.cause.escalation_id(&cause.tenant, account).map_err(refused)?;
        let (escalation, facts) = match (record.escalations.get(&id), &self.cause) {
            (Some(known), Cause::Case { case }) => {
                let standing = route::standing(&self.change, case, known.handoffs).await?;
                let (known, mut facts) = known.stands(standing, policies, now);
                let (escalation, more) = known.record_all(case.news().cloned(), policies, now);
                facts.extend(more);
                (escalation, facts)
            }
            (Some(_), Cause::Rule { .. } | Cause::Person { .. }) => return Ok(None),
            (None, _) => {
                let standing = match &self.cause {
                    Cause::Case { case } => route::standing(&self.change, case, 0).await?.0,
                    _ => route::plain_standing(&self.change).await?,
                };
                let opened = (self.cause.clone(), standing);
                Escalation::open_as(&cause.tenant, account, opened, self.severity, self.reason.as_str(), policies, now)
                    .map_err(refused)?
            }
        };
        self.change.effect(record, escalation, &facts).await
    }
}

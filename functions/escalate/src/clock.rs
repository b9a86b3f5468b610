//! The minute's tick: finds what is due and has it told. Its cost grows with what is due, not with what is open.
//!
//! A piece of due work is deleted only after what it brought about was published: a tick that fails in between finds it
//! again.

use crate::change::{Change, Door, Due, nothing_yet};
use crate::{Plan, route};
use async_trait::async_trait;
use contract::event::Cause;
use contract::message::cause_id;
use domain::id::{EscalationId, TenantId};
use domain::record::EscalationRecord;
use jiff::Timestamp;
use platform::function::{Failure, Ports};
use platform::once::{self, Decide, Effect};
use platform::table::{self, Expect, Item, Range, TableError, Write};
use platform::{keys, sweep};
use serde::{Deserialize, Serialize};

/// The oldest hour that may still hold due work.
#[derive(Debug, Serialize, Deserialize)]
struct Cursor {
    hour: i64,
}

/// Tells what is due by now, for every tenant. One that fails does not stop the others.
pub async fn tick(ports: &Ports, plan: &Plan) -> Result<(), Failure> {
    let mut failed = None;
    for tenant in sweep::tenants(ports).await? {
        if let Err(error) = tick_for(ports, plan, &tenant).await {
            tracing::warn!(%tenant, %error, "due work is left for the next tick");
            failed = Some(error);
        }
    }
    failed.map_or(Ok(()), Err)
}

async fn tick_for(ports: &Ports, plan: &Plan, tenant: &TenantId) -> Result<(), Failure> {
    let now = ports.clock.now();
    let this_hour = keys::hour_of(now);
    let cursor_key = keys::due_cursor(tenant);
    let cursor = ports.table.get(&cursor_key).await?;
    // Without a cursor there was no due work before this hour: the first one brings it.
    let from = cursor.as_ref().map(table::read::<Cursor>).transpose()?.map_or(this_hour - 1, |cursor| cursor.hour);
    let mut failed = None;
    for hour in from..=this_hour {
        let until = format!("{}\u{10FFFF}", keys::time(now));
        let range = Range { last: until, ..Range::prefix(keys::due_bucket(tenant, hour), "") };
        for item in table::query_all(ports.table.as_ref(), range).await? {
            if let Err(error) = tell(ports, plan, tenant, &item).await {
                tracing::warn!(due = %item.key.sk, %error, "a piece of due work is left for the next tick");
                failed = Some(error);
            }
        }
    }
    if let Some(error) = failed {
        return Err(error);
    }
    // One hour behind, for a message that read the clock just before the hour and commits just after it.
    if from < this_hour - 1 || cursor.is_none() {
        let body = table::body(&Cursor { hour: this_hour - 1 })?;
        let write = Write::Put { key: cursor_key, expect: Expect::of(cursor.as_ref()), body, expires_at: None };
        match ports.table.commit(vec![write]).await {
            // Another tick was faster, or the first due work came in between: what they wrote is right.
            Ok(()) | Err(TableError::Conflict(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// The write that has due work looked for from now on; nothing where it is looked for already. It belongs to the first
/// due work of a tenant, so that none is passed over when no tick comes for a while.
pub async fn begin(ports: &Ports, tenant: &TenantId, now: Timestamp) -> Result<Option<Write>, Failure> {
    let key = keys::due_cursor(tenant);
    if ports.table.get(&key).await?.is_some() {
        return Ok(None);
    }
    let body = table::body(&Cursor { hour: keys::hour_of(now) - 1 })?;
    Ok(Some(Write::Put { key, expect: Expect::Absent, body, expires_at: None }))
}

async fn tell(ports: &Ports, plan: &Plan, tenant: &TenantId, item: &Item) -> Result<(), Failure> {
    let due: Due = table::read(item)?;
    let message = cause_id(&format!("{tenant}#due#{}#{}", item.key.sk, due.asked_by));
    let cause =
        Cause { tenant: tenant.clone(), correlation_id: due.escalation.to_string(), causation_id: message.to_string() };
    let change =
        Change { ports, plan, cause: &cause, account: &due.account, now: ports.clock.now(), door: Door::Clock };
    let head = keys::escalations(tenant, &due.account);
    once::handle(ports, &head, &message, &Tell { change, escalation: &due.escalation }).await?;
    ports.table.commit(vec![Write::Delete { key: item.key.clone() }]).await?;
    Ok(())
}

struct Tell<'a> {
    change: Change<'a>,
    escalation: &'a EscalationId,
}

#[async_trait]
impl Decide for Tell<'_> {
    type State = EscalationRecord;

    async fn decide(&self, state: Option<EscalationRecord>) -> Result<Option<Effect<EscalationRecord>>, Failure> {
        let Change { plan, cause, account, now, .. } = self.change;
        let record = state.unwrap_or_else(|| nothing_yet(&cause.tenant, account));
        let Some(known) = record.escalations.get(self.escalation) else {
            return Ok(None);
        };
        // A contract that changed since, or a hand-over, may send it another way.
        let (known, mut facts) = match &known.cause {
            domain::escalation::Cause::Case { case } => {
                let standing = route::standing(&self.change, case, known.handoffs).await?;
                known.stands(standing, &plan.policies, now)
            }
            _ => (known.clone(), Vec::new()),
        };
        let (escalation, more) = known.tick(&plan.policies, now);
        facts.extend(more);
        self.change.effect(record, escalation, &facts).await
    }
}

//! What opens escalations: support cases, which they then follow, and rules that ask for people.

use crate::Plan;
use crate::change::{Change, Door, nothing_yet};
use async_trait::async_trait;
use contract::event::{EscalationRequested, Event};
use domain::account::Account;
use domain::case::Case;
use domain::escalation::{Cause, Escalation, Standing};
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
    let change = Change {
        ports,
        policies: &plan.policies,
        roster: &plan.roster,
        cause: &event_cause,
        account,
        now: ports.clock.now(),
        door: Door::Queue,
    };
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
        let Change { policies, cause, account, now, .. } = self.change;
        let record = state.unwrap_or_else(|| nothing_yet(&cause.tenant, account));
        let refused = |error: domain::id::IdError| Failure::Unhandled(format!("escalation {error}"));
        let id = self.cause.escalation_id(&cause.tenant, account).map_err(refused)?;
        let (escalation, facts) = match (record.escalations.get(&id), &self.cause) {
            (Some(known), Cause::Case { case }) => known.record_all(case.news().cloned(), policies, now),
            (Some(_), Cause::Rule { .. } | Cause::Person { .. }) => return Ok(None),
            (None, _) => {
                let standing = self.standing().await?;
                let cause = self.cause.clone();
                Escalation::open(
                    &self.change.cause.tenant,
                    account,
                    cause,
                    self.severity,
                    self.reason.as_str(),
                    policies,
                    now,
                )
                .map_err(refused)
                .map(|(escalation, facts)| (Escalation { standing, ..escalation }, facts))?
            }
        };
        self.change.effect(record, escalation, &facts).await
    }
}

impl Follow<'_> {
    /// Which way it goes beside its severity: what kind of customer it is about.
    async fn standing(&self) -> Result<Standing, Failure> {
        let Change { ports, cause, account, .. } = self.change;
        let profile = ports.table.get(&keys::profile(&cause.tenant, account)).await?;
        let described: Option<Account> = profile.as_ref().map(once::state_of).transpose()?;
        let plain = Standing::default();
        Ok(described.map_or(plain, |account| Standing { segment: account.segment, ..plain }))
    }
}

//! What became of clocks: each that stops is recorded, and what was recorded says how probable it is that an open one
//! breaches.

use crate::change::Change;
use contract::escalate::{CalibrationBody, EscalationItem};
use domain::escalation::Escalation;
use domain::id::TenantId;
use domain::signal::Severity;
use domain::sla::ClockKind;
use domain::sla::breach::{Ended, History, Prediction};
use jiff::{SignedDuration, Timestamp};
use platform::function::{Failure, Ports};
use platform::keys;
use platform::table::{self, Expect, Range, Write};
use std::collections::{BTreeMap, BTreeSet};

/// How long a clock that stopped is remembered, in days.
const KEPT_DAYS: i64 = 180;
/// How many clocks of a kind and a severity are looked at: the latest.
const LOOKED_AT: usize = 300;

/// The writes that record the clocks which a change has stopped.
pub async fn writes(
    change: &Change<'_>,
    before: Option<&Escalation>,
    after: &Escalation,
) -> Result<Vec<Write>, Failure> {
    let policies = &change.plan.policies;
    let known = before.map(|before| before.clocks(policies)).unwrap_or_default();
    let expires_at = change.now.checked_add(SignedDuration::from_hours(24 * KEPT_DAYS)).ok();
    let mut writes = Vec::new();
    for clock in after.clocks(policies) {
        let same = |other: &&domain::sla::Clock| {
            (other.kind, other.started_at, other.stopped_at) == (clock.kind, clock.started_at, clock.stopped_at)
        };
        let Some(ended) = Ended::of(&clock).filter(|_| known.iter().find(same).is_none()) else { continue };
        let key = keys::sla_history(&change.cause.tenant, clock.kind, after.severity, ended.at, &after.id);
        // A case that comes back and turns out never to have come back stops its clock at the same moment again.
        let expect = Expect::of(change.ports.table.get(&key).await?.as_ref());
        writes.push(Write::Put { key, expect, body: table::body(&ended)?, expires_at });
    }
    Ok(writes)
}

/// What is recorded of the clocks of some kinds and severities.
pub struct Histories(BTreeMap<(ClockKind, Severity), History>);

impl Histories {
    /// Reads what the open clocks of these escalations are compared with.
    pub async fn read(ports: &Ports, tenant: &TenantId, items: &[EscalationItem]) -> Result<Self, Failure> {
        let open = |item: &EscalationItem| {
            let running = item.clocks.iter().filter(|clock| clock.stopped_at.is_none());
            running.map(|clock| (clock.clock, item.severity)).collect::<Vec<_>>()
        };
        let wanted: BTreeSet<(ClockKind, Severity)> = items.iter().flat_map(open).collect();
        let mut histories = BTreeMap::new();
        for kind in wanted {
            histories.insert(kind, read(ports, tenant, kind).await?);
        }
        Ok(Self(histories))
    }

    /// How probable it is that an open clock breaches.
    pub fn predict(&self, kind: ClockKind, severity: Severity, used_seconds: i64, target_seconds: u32) -> Prediction {
        let nothing = History::default();
        let history = self.0.get(&(kind, severity)).unwrap_or(&nothing);
        history.predict_used(used_seconds.saturating_mul(1_000), i64::from(target_seconds).saturating_mul(1_000))
    }

    /// How well that would have held.
    pub fn calibration(&self) -> Vec<CalibrationBody> {
        let body = |(&(kind, severity), history): (&(ClockKind, Severity), &History)| {
            CalibrationBody::of(kind, severity, &history.calibration())
        };
        self.0.iter().map(body).collect()
    }
}

async fn read(ports: &Ports, tenant: &TenantId, (kind, severity): (ClockKind, Severity)) -> Result<History, Failure> {
    let range = Range::prefix(keys::sla_history_partition(tenant, kind, severity), "").newest_first().limit(LOOKED_AT);
    let page = ports.table.query(&range).await?;
    let ended = page.items.iter().map(table::read).collect::<Result<Vec<Ended>, _>>()?;
    Ok(History::of(ended))
}

/// As of when an item's clocks are foreseen.
pub fn foreseen(
    items: Vec<EscalationItem>,
    plan: &crate::Plan,
    histories: &Histories,
    now: Timestamp,
) -> Vec<EscalationItem> {
    let predict = |kind, severity, used, target| histories.predict(kind, severity, used, target);
    items.into_iter().map(|item| item.seen_at(now).foreseen(&plan.policies, now, predict)).collect()
}

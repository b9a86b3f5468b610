//! `GET /performance/live`: the summary over all rows of the portfolio, as of now.

use crate::budget::Doors;
use crate::kpis::Figures;
use contract::report::{
    BandCount, Fall, FoundAnomaly, InterventionFigures, LivePerformance, OpenCta, OpenEscalation, Opportunity,
};
use domain::band::Band;
use domain::id::{AccountId, TenantId};
use domain::kpi::Registry;
use domain::portfolio::{AnomalyView, Row, Summary};
use domain::rule::CtaKind;
use jiff::{SignedDuration, Timestamp};
use platform::function::Ports;
use platform::http::{Caller, Problem, Response};
use platform::table::{self, Range, TableError};
use platform::{keys, once};
use std::collections::BTreeMap;

/// The most calls to action, and the most escalations, in one answer.
const MAX_LISTED: usize = 100;

/// How far back what was unusual is told, in days.
const ANOMALY_DAYS: i64 = 7;

/// Answers the request.
pub async fn performance(ports: &Ports, registry: &Registry, caller: &Caller) -> Result<Response, Problem> {
    Response::json(200, &of(ports, registry, &caller.tenant).await?)
}

/// What is, for a tenant.
pub async fn of(ports: &Ports, registry: &Registry, tenant: &TenantId) -> Result<LivePerformance, TableError> {
    // What is committed while it is read is in the answer or not; the answer says the moment before.
    let now = ports.clock.now();
    let rows = rows(ports, tenant).await?;
    let doors = Doors::read(ports, tenant, now).await?;
    let figures = Figures::of(&rows, registry, &doors, now);
    let mut told = answer(&rows, &Summary::of(&rows, now), now);
    told.kpis = figures.told(registry);
    told.interventions = figures.interventions;
    told.error_budget = doors.budget(now);
    Ok(told)
}

/// All rows of a tenant's portfolio.
pub async fn rows(ports: &Ports, tenant: &TenantId) -> Result<Vec<Row>, TableError> {
    let range = Range::prefix(keys::portfolio_partition(tenant), "");
    let items = table::query_all(ports.table.as_ref(), range).await?;
    items.iter().map(once::state_of).collect()
}

fn answer(rows: &[Row], summary: &Summary, as_of: Timestamp) -> LivePerformance {
    let by_account: BTreeMap<_, _> = rows.iter().map(|row| (&row.account, row)).collect();
    LivePerformance {
        as_of,
        accounts: summary.accounts as u64,
        bands: bands(summary),
        falls: summary
            .biggest_falls
            .iter()
            .map(|fall| {
                let health = by_account.get(&fall.account).and_then(|row| row.health());
                Fall {
                    account: fall.account.to_string(),
                    name: fall.name.clone(),
                    band: health.and_then(|health| health.band).map(|band| band.to_string()).unwrap_or_default(),
                    score: health.map_or(fall.fall.to, |health| health.score).to_string(),
                    fell: fall.fall.depth().to_string(),
                    at: fall.at,
                    reasons: fall.fall.reasons.clone(),
                }
            })
            .collect(),
        open_ctas: summary.open_ctas.iter().take(MAX_LISTED).map(cta).collect(),
        open_cta_count: summary.open_ctas.len() as u64,
        open_escalations: summary.open_escalations.iter().take(MAX_LISTED).map(escalation).collect(),
        open_escalation_count: summary.open_escalations.len() as u64,
        kpis: Vec::new(),
        anomalies: anomalies(rows, as_of),
        opportunities: opportunities(summary, &by_account),
        error_budget: None,
        interventions: InterventionFigures {
            window_days: 0,
            judged: 0,
            succeeded: 0,
            held_out: 0,
            held_out_succeeded: 0,
            pending: 0,
        },
    }
}

fn bands(summary: &Summary) -> Vec<BandCount> {
    let count = |band: Band| summary.by_band.get(&band).copied().unwrap_or_default();
    let known = Band::ALL.into_iter().rev().map(|band| (band.name(), count(band)));
    let unknown = [("provisional", summary.provisional), ("unscored", summary.unscored)];
    known
        .chain(unknown)
        .map(|(band, accounts)| BandCount { band: band.to_owned(), accounts: accounts as u64 })
        .collect()
}

/// The newest first.
fn anomalies(rows: &[Row], as_of: Timestamp) -> Vec<FoundAnomaly> {
    let since = as_of.checked_sub(SignedDuration::from_hours(24 * ANOMALY_DAYS)).unwrap_or(Timestamp::MIN);
    let of = |row: &Row, (at, view): (Timestamp, &AnomalyView)| FoundAnomaly {
        account: row.account.to_string(),
        name: row.name().to_owned(),
        metric: view.metric.clone(),
        direction: view.direction.clone(),
        severity: view.severity.clone(),
        at,
        reason: view.reason.clone(),
    };
    let mut found: Vec<FoundAnomaly> =
        rows.iter().flat_map(|row| row.anomalies(since).map(move |one| of(row, one))).collect();
    found.sort_by(|a, b| b.at.cmp(&a.at).then_with(|| (&a.account, &a.metric).cmp(&(&b.account, &b.metric))));
    found.truncate(MAX_LISTED);
    found
}

fn opportunities(summary: &Summary, by_account: &BTreeMap<&AccountId, &Row>) -> Vec<Opportunity> {
    let expansion = summary.open_ctas.iter().filter(|open| open.cta.kind == CtaKind::Expansion);
    let told = expansion.take(MAX_LISTED).map(|open| Opportunity {
        account: open.account.to_string(),
        name: open.name.clone(),
        cta: open.id.to_string(),
        reason: open.cta.reason.clone(),
        priority: open.cta.priority,
        arr_cents: by_account.get(&open.account).and_then(|row| row.profile()).map_or(0, |is| is.arr.cents()),
    });
    told.collect()
}

fn cta(open: &domain::portfolio::OpenCta) -> OpenCta {
    OpenCta {
        cta: open.id.to_string(),
        account: open.account.to_string(),
        name: open.name.clone(),
        rule: open.cta.rule.to_string(),
        reason: open.cta.reason.clone(),
        priority: open.cta.priority,
        owner: open.cta.owner.clone(),
        opened_at: open.cta.opened_at,
        due_at: open.cta.due_at,
    }
}

fn escalation(open: &domain::portfolio::OpenEscalation) -> OpenEscalation {
    let view = &open.escalation;
    OpenEscalation {
        escalation: open.id.to_string(),
        account: open.account.to_string(),
        name: open.name.clone(),
        severity: view.severity,
        status: if view.acknowledged { "acknowledged" } else { "open" }.to_owned(),
        role: view.role.clone(),
        reason: view.reason.clone(),
        opened_at: view.opened_at,
        breach_at: view.breach_at,
        seconds_to_breach: open.seconds_to_breach,
    }
}

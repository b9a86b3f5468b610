//! `GET /performance/live`: the summary over all rows of the portfolio, as of now.

use contract::report::{BandCount, Fall, InterventionFigures, LivePerformance, OpenCta, OpenEscalation};
use domain::band::Band;
use domain::portfolio::{Row, Summary};
use platform::function::Ports;
use platform::http::{Caller, Problem, Response};
use platform::table::{self, Range};
use platform::{keys, once};
use std::collections::BTreeMap;

/// The most calls to action, and the most escalations, in one answer.
const MAX_LISTED: usize = 100;

/// Answers the request.
pub async fn performance(ports: &Ports, caller: &Caller) -> Result<Response, Problem> {
    let items =
        table::query_all(ports.table.as_ref(), Range::prefix(keys::portfolio_partition(&caller.tenant), "")).await?;
    let rows = items.iter().map(once::state_of).collect::<Result<Vec<Row>, _>>()?;
    let now = ports.clock.now();
    Response::json(200, &answer(&rows, &Summary::of(&rows, now), now))
}

fn answer(rows: &[Row], summary: &Summary, as_of: jiff::Timestamp) -> LivePerformance {
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
        anomalies: Vec::new(),
        opportunities: Vec::new(),
        error_budget: None,
        interventions: InterventionFigures {
            window_days: 30,
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

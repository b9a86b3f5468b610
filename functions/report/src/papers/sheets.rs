//! What stands in a paper: one sheet for each part of what is, each cell as it is read.

use contract::report::LivePerformance;
use jiff::Timestamp;
use serde::Serialize;

/// A table with a title. Every row has as many cells as there are columns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Sheet {
    /// What it is about.
    pub title: &'static str,
    /// What its columns are.
    pub columns: &'static [&'static str],
    /// The cells, row by row.
    pub rows: Vec<Vec<String>>,
}

/// The sheets of what is, in the order in which they are read.
pub fn of(live: &LivePerformance) -> Vec<Sheet> {
    vec![bands(live), kpis(live), falls(live), escalations(live), ctas(live), anomalies(live), opportunities(live)]
}

fn bands(live: &LivePerformance) -> Sheet {
    let rows = live.bands.iter().map(|band| vec![band.band.clone(), band.accounts.to_string()]).collect();
    Sheet { title: "Accounts by band", columns: &["band", "accounts"], rows }
}

fn kpis(live: &LivePerformance) -> Sheet {
    let row = |kpi: &contract::report::KpiFigure| {
        let texts = [kpi.value.clone(), kpi.target.clone(), kpi.baseline.clone()].map(Option::unwrap_or_default);
        let [value, target, baseline] = texts;
        let (unit, standing, counted) = (kpi.unit.clone(), kpi.standing.clone(), kpi.counted.to_string());
        vec![kpi.name.clone(), value, unit, target, baseline, standing, counted]
    };
    Sheet {
        title: "Key figures",
        columns: &["figure", "value", "unit", "target", "baseline", "standing", "counted"],
        rows: live.kpis.iter().map(row).collect(),
    }
}

fn falls(live: &LivePerformance) -> Sheet {
    let row = |fall: &contract::report::Fall| {
        vec![
            fall.account.clone(),
            fall.name.clone(),
            fall.band.clone(),
            fall.score.clone(),
            fall.fell.clone(),
            moment(fall.at),
            fall.reasons.join("; "),
        ]
    };
    Sheet {
        title: "Biggest falls of 30 days",
        columns: &["account", "name", "band", "score", "fell by", "at", "why"],
        rows: live.falls.iter().map(row).collect(),
    }
}

fn escalations(live: &LivePerformance) -> Sheet {
    let row = |open: &contract::report::OpenEscalation| {
        vec![
            open.account.clone(),
            open.name.clone(),
            open.severity.name().to_owned(),
            open.status.clone(),
            open.role.clone(),
            open.reason.clone(),
            moment(open.opened_at),
            open.breach_at.map(moment).unwrap_or_default(),
        ]
    };
    Sheet {
        title: "Open escalations",
        columns: &["account", "name", "severity", "status", "told", "why", "opened", "next breach"],
        rows: live.open_escalations.iter().map(row).collect(),
    }
}

fn ctas(live: &LivePerformance) -> Sheet {
    let row = |open: &contract::report::OpenCta| {
        vec![
            open.account.clone(),
            open.name.clone(),
            open.rule.clone(),
            open.reason.clone(),
            open.priority.to_string(),
            open.owner.clone().unwrap_or_default(),
            moment(open.opened_at),
            moment(open.due_at),
        ]
    };
    Sheet {
        title: "Open calls to action",
        columns: &["account", "name", "rule", "why", "priority", "owner", "opened", "due"],
        rows: live.open_ctas.iter().map(row).collect(),
    }
}

fn anomalies(live: &LivePerformance) -> Sheet {
    let row = |found: &contract::report::FoundAnomaly| {
        let (account, name, metric) = (found.account.clone(), found.name.clone(), found.metric.clone());
        let (direction, severity) = (found.direction.clone(), found.severity.clone());
        vec![account, name, metric, direction, severity, moment(found.at), found.reason.clone()]
    };
    Sheet {
        title: "Unusual in the last seven days",
        columns: &["account", "name", "metric", "direction", "severity", "at", "what"],
        rows: live.anomalies.iter().map(row).collect(),
    }
}

fn opportunities(live: &LivePerformance) -> Sheet {
    let row = |found: &contract::report::Opportunity| {
        let (account, name, reason) = (found.account.clone(), found.name.clone(), found.reason.clone());
        vec![account, name, reason, found.priority.to_string()]
    };
    Sheet {
        title: "Where accounts may grow",
        columns: &["account", "name", "why", "priority"],
        rows: live.opportunities.iter().map(row).collect(),
    }
}

fn moment(at: Timestamp) -> String {
    format!("{at:.0}")
}

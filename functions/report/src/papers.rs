//! Papers: every day what is, and on Mondays the week, as a page, a table and data, laid on the shelf ([`sheets`] says what
//! stands in them). The three hold the same numbers, for they are three ways to write the same sheets.
//!
//! A day has one paper of each form; a tick that comes twice writes it again. What cannot be laid down for one tenant holds
//! up no other, and is tried again with the tick.

mod sheets;

use crate::live;
use contract::report::LivePerformance;
use domain::day::Day;
use domain::id::TenantId;
use domain::kpi::Registry;
use jiff::Timestamp;
use platform::function::{Failure, Ports, Tick};
use platform::shelf::{Paper, Shelf};
use platform::sweep;
use serde::Serialize;
use sheets::Sheet;

/// What a paper is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Period {
    Daily,
    Weekly,
}

impl Period {
    const fn name(self) -> &'static str {
        match self {
            Self::Daily => "daily",
            Self::Weekly => "weekly",
        }
    }
}

/// A paper before it is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Draft {
    period: Period,
    /// The day on which it was written.
    on: String,
    /// The moment that it speaks of.
    as_of: Timestamp,
    sheets: Vec<Sheet>,
}

/// Writes the day's papers for every tenant, and the week's on a Monday.
pub async fn tick(ports: &Ports, registry: &Registry, shelf: &dyn Shelf, tick: &Tick) -> Result<(), Failure> {
    let on = Day::of(tick.time);
    let mut failed = None;
    for tenant in sweep::tenants(ports).await? {
        if let Err(error) = write(ports, registry, shelf, &tenant, on).await {
            tracing::warn!(%tenant, %error, "the day's papers are not laid down");
            failed = Some(error);
        }
    }
    failed.map_or(Ok(()), Err)
}

async fn write(
    ports: &Ports,
    registry: &Registry,
    shelf: &dyn Shelf,
    tenant: &TenantId,
    on: Day,
) -> Result<(), Failure> {
    let live = live::of(ports, registry, tenant).await?;
    let weekly = (on.weekday() == 0).then_some(Period::Weekly);
    for period in [Period::Daily].into_iter().chain(weekly) {
        for paper in papers(tenant, &draft(period, on, &live))? {
            shelf.lay(&paper).await.map_err(|error| Failure::Unhandled(error.to_string()))?;
        }
    }
    Ok(())
}

fn draft(period: Period, on: Day, live: &LivePerformance) -> Draft {
    Draft { period, on: on.to_string(), as_of: live.as_of, sheets: sheets::of(live) }
}

/// The three forms of a draft.
fn papers(tenant: &TenantId, draft: &Draft) -> Result<[Paper; 3], Failure> {
    let unwritten = |error: &dyn std::fmt::Display| Failure::Unhandled(format!("a paper cannot be written: {error}"));
    let named = |form: &str, media_type, text| {
        let name = format!("{tenant}/{}/{}.{form}", draft.period.name(), draft.on);
        Paper { name, media_type, text }
    };
    let json = serde_json::to_string_pretty(draft).map_err(|error| unwritten(&error))?;
    let csv = csv(draft).map_err(|error| unwritten(&*error))?;
    Ok([
        named("html", "text/html; charset=utf-8", html(draft)),
        named("csv", "text/csv; charset=utf-8", csv),
        named("json", "application/json", json),
    ])
}

/// One line for each cell: what several tables have in common.
fn csv(draft: &Draft) -> Result<String, Box<dyn std::error::Error + Send + Sync>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(["sheet", "row", "column", "value"])?;
    for sheet in &draft.sheets {
        for (number, row) in (1..).zip(&sheet.rows) {
            for (column, cell) in sheet.columns.iter().zip(row) {
                writer.write_record([sheet.title, &i32::to_string(&number), column, &harmless(cell)])?;
            }
        }
    }
    Ok(String::from_utf8(writer.into_inner()?)?)
}

/// A cell that no spreadsheet takes for a formula: what people typed in may begin like one.
fn harmless(cell: &str) -> String {
    let number = cell.parse::<f64>().is_ok();
    if !number && cell.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{cell}") } else { cell.to_owned() }
}

/// A page of tables that prints.
fn html(draft: &Draft) -> String {
    let title = match draft.period {
        Period::Daily => format!("Customer success on {}", draft.on),
        Period::Weekly => format!("Customer success in the week before {}", draft.on),
    };
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>{title}</title>\n<style>{STYLE}</style>\n</head>\n\
         <body>\n<h1>{title}</h1>\n<p>As of {:.0}.</p>\n",
        draft.as_of
    );
    for sheet in &draft.sheets {
        page.push_str(&table(sheet));
    }
    page.push_str("</body>\n</html>\n");
    page
}

fn table(sheet: &Sheet) -> String {
    if sheet.rows.is_empty() {
        return format!("<h2>{}</h2>\n<p>Nothing.</p>\n", escaped(sheet.title));
    }
    let cells = |tag: &str, cells: &mut dyn Iterator<Item = &str>| -> String {
        cells.map(|cell| format!("<{tag}>{}</{}>", escaped(cell), tag.split(' ').next().unwrap_or(tag))).collect()
    };
    let head = cells("th scope=\"col\"", &mut sheet.columns.iter().copied());
    let rows = sheet.rows.iter().map(|row| format!("<tr>{}</tr>\n", cells("td", &mut row.iter().map(String::as_str))));
    let rows: String = rows.collect();
    format!("<h2>{}</h2>\n<table>\n<tr>{head}</tr>\n{rows}</table>\n", escaped(sheet.title))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

const STYLE: &str = "body{font:15px/1.4 system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem}\
table{border-collapse:collapse;width:100%}th,td{border-bottom:1px solid #ccc;padding:.3rem .6rem .3rem 0;text-align:left;\
vertical-align:top}@media print{body{margin:0}h2{break-after:avoid}tr{break-inside:avoid}}";

#[cfg(test)]
mod tests;

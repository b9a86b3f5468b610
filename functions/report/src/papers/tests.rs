//! The same numbers in each form, whatever people typed in; each tenant's papers on their days.

use super::*;
use crate::Report;
use async_trait::async_trait;
use platform::doubles::{Doubles, block_on};
use platform::function::Function;
use platform::keys;
use platform::shelf::ShelfError;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

/// What was laid down, by its name; nothing of a tenant whose door is closed.
#[derive(Default)]
struct Table {
    papers: Mutex<BTreeMap<String, String>>,
    closed: Option<&'static str>,
}

#[async_trait]
impl Shelf for Table {
    async fn lay(&self, paper: &Paper) -> Result<(), ShelfError> {
        if self.closed.is_some_and(|tenant| paper.name.starts_with(tenant)) {
            return Err(ShelfError { name: paper.name.clone(), reason: "it is closed".into() });
        }
        self.papers.lock().unwrap().insert(paper.name.clone(), paper.text.clone());
        Ok(())
    }
}

fn tick_at(time: &str) -> Tick {
    Tick { tick: "papers".into(), time: time.parse().unwrap() }
}

fn stage(closed: Option<&'static str>) -> (Doubles, Arc<Table>, Report) {
    let (doubles, table) = (Doubles::new(), Arc::new(Table { closed, ..Table::default() }));
    for tenant in ["t", "u"] {
        doubles.put(&keys::tenant_entry(&TenantId::new(tenant).unwrap()), &json!({}));
    }
    let report = Report::new(doubles.ports()).unwrap().laying_on(table.clone());
    (doubles, table, report)
}

fn names(table: &Table) -> Vec<String> {
    table.papers.lock().unwrap().keys().cloned().collect()
}

#[test]
fn each_tenant_has_a_paper_of_each_form_every_day_and_one_more_on_mondays() {
    let (_doubles, table, report) = stage(None);
    block_on(report.tick(&tick_at("2026-01-06T04:00:00Z"))).unwrap();
    let of = |tenant: &str, period: &str, day: &str| {
        ["csv", "html", "json"].map(|form| format!("{tenant}/{period}/{day}.{form}"))
    };
    assert_eq!(names(&table), [of("t", "daily", "2026-01-06"), of("u", "daily", "2026-01-06")].concat());
    block_on(report.tick(&tick_at("2026-01-12T04:00:00Z"))).unwrap();
    assert_eq!(names(&table).len(), 6 + 12);
    assert!(names(&table).contains(&"u/weekly/2026-01-12.html".to_owned()));
    // It comes again: the same papers.
    block_on(report.tick(&tick_at("2026-01-12T04:00:00Z"))).unwrap();
    assert_eq!(names(&table).len(), 6 + 12);
}

#[test]
fn one_tenant_whose_papers_cannot_be_laid_down_holds_up_no_other() {
    let (_doubles, table, report) = stage(Some("t"));
    let failed = block_on(report.tick(&tick_at("2026-01-06T04:00:00Z"))).unwrap_err();
    assert!(failed.to_string().contains("`t/daily/2026-01-06.html` could not be laid down: it is closed"), "{failed}");
    assert_eq!(names(&table).len(), 3);
}

fn draft_of(cells: &[[&str; 2]]) -> Draft {
    let rows = cells.iter().map(|row| row.map(str::to_owned).to_vec()).collect();
    let sheet = Sheet { title: "Accounts & bands", columns: &["band", "accounts"], rows };
    let as_of = "2026-01-06T04:00:00Z".parse().unwrap();
    Draft { period: Period::Daily, on: "2026-01-06".into(), as_of, sheets: vec![sheet] }
}

/// The cells that a form holds, read back.
fn read_back(paper: &Paper) -> Vec<String> {
    if paper.name.ends_with(".json") {
        let data: Value = serde_json::from_str(&paper.text).unwrap();
        let rows = data["sheets"].as_array().unwrap().iter().flat_map(|sheet| sheet["rows"].as_array().unwrap());
        return rows.flat_map(|row| row.as_array().unwrap()).map(|cell| cell.as_str().unwrap().to_owned()).collect();
    }
    if paper.name.ends_with(".csv") {
        let mut reader = csv::Reader::from_reader(paper.text.as_bytes());
        return reader.records().map(|record| record.unwrap()[3].trim_start_matches('\'').to_owned()).collect();
    }
    let cells = paper.text.split("<td>").skip(1).map(|rest| rest.split("</td>").next().unwrap());
    let plain =
        |cell: &str| cell.replace("&quot;", "\"").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
    cells.map(plain).collect()
}

#[test]
fn the_page_the_table_and_the_data_hold_the_same_cells() {
    let cells = [["healthy", "7"], ["a \"b\", <script>c</script> & d", "-3.5"], ["=cmd()", ""]];
    let draft = draft_of(&cells);
    let papers = papers(&TenantId::new("t").unwrap(), &draft).unwrap();
    for paper in &papers {
        assert_eq!(read_back(paper), cells.concat(), "{}", paper.name);
    }
    assert!(!papers[0].text.contains("<script>"), "{}", papers[0].text);
    assert!(papers[1].text.contains(",'=cmd()") && papers[1].text.contains(",-3.5"), "{}", papers[1].text);
}

#[test]
fn every_row_has_as_many_cells_as_there_are_columns() {
    let (doubles, _table, _report) = stage(None);
    let live = block_on(live::of(&doubles.ports(), &contract::kpis::built_in().unwrap(), &TenantId::new("t").unwrap()))
        .unwrap();
    let sheets = sheets::of(&live);
    assert_eq!(sheets[0].rows.len(), live.bands.len());
    for sheet in sheets {
        assert!(sheet.rows.iter().all(|row| row.len() == sheet.columns.len()), "{}", sheet.title);
    }
}

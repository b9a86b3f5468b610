//! The papers of the deployed set: written by the schedule, in the bucket, with the numbers that the live report answers.

use crate::deployed::Deployed;
use serde_json::Value;

/// The schedule calls report, and the day's papers lie in the bucket: page, table and data.
pub fn the_scheduled_report_lies_in_the_bucket(set: &Deployed) {
    let names = set.wait_for("the day's papers", || {
        let of_tenant: Vec<String> = set.papers().into_iter().filter(|name| name.starts_with("t1/daily/")).collect();
        (of_tenant.len() >= 3).then_some(of_tenant)
    });
    let forms: Vec<&str> = names.iter().map(|name| name.rsplit('.').next().unwrap()).collect();
    assert_eq!(forms, ["csv", "html", "json"], "{names:?}");
    let paper: Value = serde_json::from_str(&set.paper(&names[2])).unwrap();
    let sheet = &paper["sheets"][0];
    assert_eq!(sheet["title"], "Accounts by band", "{paper}");
    let counted: u64 = sheet["rows"].as_array().unwrap().iter().map(|row| number(&row[1])).sum();
    assert!(counted >= 1, "{paper}");
}

fn number(cell: &Value) -> u64 {
    cell.as_str().unwrap().parse().unwrap()
}

//! The papers of the deployed set: written by the schedule, in the bucket, with the numbers that the live report answers.

use crate::deployed::{Deployed, TENANT};
use serde_json::Value;

/// The schedule calls report, and the day's papers lie in the bucket: page, table and data.
pub fn the_scheduled_report_lies_in_the_bucket(set: &Deployed) {
    let bucket = set.stack.output("PapersBucketName").unwrap();
    let names = set.wait_for("the day's papers", || {
        let listed = set.emulator.aws(&["s3api", "list-objects-v2", "--bucket", bucket]).unwrap();
        let names = listed["Contents"].as_array()?.iter().map(|one| one["Key"].as_str().unwrap().to_owned());
        let of_tenant: Vec<String> = names.filter(|name| name.starts_with(&format!("{TENANT}/daily/"))).collect();
        (of_tenant.len() >= 3).then_some(of_tenant)
    });
    let forms: Vec<&str> = names.iter().map(|name| name.rsplit('.').next().unwrap()).collect();
    assert_eq!(forms, ["csv", "html", "json"], "{names:?}");
    let path = set.emulator.folder().join("paper.json");
    let place = path.to_str().unwrap();
    set.emulator.aws(&["s3api", "get-object", "--bucket", bucket, "--key", &names[2], place]).unwrap();
    let paper: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    let sheet = &paper["sheets"][0];
    assert_eq!(sheet["title"], "Accounts by band", "{paper}");
    let counted: u64 = sheet["rows"].as_array().unwrap().iter().map(|row| number(&row[1])).sum();
    assert!(counted >= 1, "{paper}");
}

fn number(cell: &Value) -> u64 {
    cell.as_str().unwrap().parse().unwrap()
}

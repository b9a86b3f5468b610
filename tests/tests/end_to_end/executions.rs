//! Playbooks on the deployed set: begun once however often that is asked, settled step by step, twenty at once.

use crate::deployed::Deployed;
use bytes::Bytes;
use domain::id::TenantId;
use jiff::{SignedDuration, Timestamp};
use platform::keys;
use platform::table::{self, Expect, Table, Write};
use serde_json::{Value, json};

const INITECH: &str = "initech";
/// As many places as a tenant has.
const PLACES: usize = 20;

/// A start that comes twice begins one execution, and so does one whose facts are delivered again.
pub fn a128_a_playbook_is_begun_once_and_its_steps_are_settled(set: &Deployed) {
    let account = json!({"name": INITECH, "arr_cents": 12_000_000, "segment": "enterprise", "stage": "onboarding"});
    assert_eq!(set.put(&format!("/accounts/{INITECH}"), &account).0, 200);
    let (status, begun) = begin(set, "begin-onboarding", "Lee");
    assert_eq!(status, 202, "{begun}");
    assert_eq!(begin(set, "begin-onboarding", "Lee"), (202, begun.clone()), "the same request again");
    assert_eq!(begin(set, "begin-onboarding", "Kim").0, 409, "another request under the same key");
    let id = begun["execution"].as_str().unwrap();
    set.hear("PlaybookStarted", |detail| detail["data"]["execution"]["execution"] == id);
    assert_eq!(step(set, id, "environment"), "open");
    let shown = json!({"evidence": {"environment_report": "https://files.example/environment.pdf"}});
    let settle = format!("/executions/{id}/steps/environment/complete");
    let (status, answer) = set.post(&settle, "environment-is-known", &shown);
    assert_eq!(status, 200, "{answer}");
    set.hear("StepCompleted", |detail| {
        detail["data"]["execution"]["execution"] == id && detail["data"]["step"]["step"] == "environment"
    });
    assert_eq!(step(set, id, "environment"), "done");
    set.listen();
    let of_execution = |event: &&Value| event["detail"]["data"]["execution"]["execution"] == id;
    let told: Vec<Value> = set.heard().iter().filter(of_execution).cloned().collect();
    let account = format!("T#t1#A#{INITECH}");
    let before = set.settled(std::slice::from_ref(&account));
    let known = set.heard_how_often();
    set.publish_again(&told);
    set.wait_for("the repeats on the bus", || {
        set.listen();
        let now = set.heard_how_often();
        let id = |event: &Value| event["detail"]["meta"]["event_id"].as_str().unwrap().to_owned();
        told.iter().map(id).all(|id| now[&id] > known[&id]).then_some(())
    });
    assert_eq!(set.settled(&[account]), before);
    let (_, list) = set.get(&format!("/executions?account={INITECH}"));
    assert_eq!(list["executions"].as_array().map(Vec::len), Some(1), "{list}");
}

/// Twenty places are held; the twenty-first waits until one of the leases has ended.
pub fn a143_the_twenty_first_is_refused_until_a_lease_ends(set: &Deployed) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let table = set.table();
    runtime.block_on(hold(&table, set.began + SignedDuration::from_hours(24)));
    let (status, refused) = begin(set, "one-too-many", "Lee");
    assert_eq!((status, &refused["type"]), (429, &json!("urn:cs-ops:problem:too_many_executions")), "{refused}");
    runtime.block_on(hold(&table, set.began));
    let (status, answer) = begin(set, "one-too-many", "Lee");
    // A place is there now, and what is asked is refused for what it is: the account has such an execution.
    assert_eq!((status, &answer["type"]), (409, &json!("urn:cs-ops:problem:entry_closed")), "{answer}");
}

fn begin(set: &Deployed, key: &str, sponsor: &str) -> (u16, Value) {
    let body = json!({"account": INITECH, "parameters": {"sponsor": sponsor}});
    set.post("/execute/onboarding", key, &body)
}

fn step(set: &Deployed, execution: &str, name: &str) -> String {
    let (status, item) = set.get(&format!("/executions/{execution}"));
    assert_eq!(status, 200, "{item}");
    let steps = item["steps"].as_array().unwrap();
    let found = steps.iter().find(|step| step["step"] == name).unwrap_or_else(|| panic!("{item}"));
    found["state"].as_str().unwrap().to_owned()
}

/// Somebody else holds every place until then.
async fn hold(table: &impl Table, until: Timestamp) {
    for number in 0..PLACES {
        let key = keys::workflow_slot(&TenantId::new("t1").unwrap(), number);
        let expect = Expect::of(table.get(&key).await.unwrap().as_ref());
        let lease = json!({"holder": format!("somebody-{number}"), "until": until});
        let body: Bytes = table::body(&lease).unwrap();
        table.commit(vec![Write::Put { key, expect, body, expires_at: None }]).await.unwrap();
    }
}

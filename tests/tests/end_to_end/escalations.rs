//! Escalations on the deployed set: people are told where they are, again when nobody takes it on, until somebody does;
//! what waits for a place that is down is there when it is back, once.

use crate::deployed::Deployed;
use jiff::SignedDuration;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Duration;

const UMBRELLA: &str = "umbrella";
/// As many failures in a row as open a breaker.
const FAILURES: usize = 5;
/// Longer than a step of a critical case waits for somebody (10 minutes), from the beginning of the whole test.
const A_STEP: Duration = Duration::from_secs(12 * 60);

/// A place that is down is left alone, asked with a probe, and then told what waited for it, each thing once.
pub fn a12_a_destination_that_is_down_is_left_alone_and_told_when_it_is_back(set: &Deployed) {
    let account = json!({"name": UMBRELLA, "arr_cents": 12_000_000, "segment": "enterprise", "stage": "steady"});
    assert_eq!(set.put(&format!("/accounts/{UMBRELLA}"), &account).0, 200);
    set.hook.is_down(true);
    let cases: Vec<String> = (0..=FAILURES).map(|number| format!("down-{number}")).collect();
    for case in &cases {
        open(set, case);
    }
    let down = set.hear("DestinationDown", |_| true);
    assert_eq!(down["detail"]["data"]["destination"], "hook", "{down}");
    assert_eq!(heard(set), Vec::<Value>::new(), "it was asked, and said nothing but 503");
    set.hook.is_down(false);
    let back = set.hear("DestinationRecovered", |_| true);
    assert_eq!(back["detail"]["data"]["destination"], "hook", "{back}");
    set.wait_for("every page that waited", || {
        let heard = heard(set);
        let told: BTreeSet<&str> = heard.iter().filter_map(|body| body["data"]["case"].as_str()).collect();
        cases.iter().all(|case| told.contains(case.as_str())).then_some(())
    });
    let mut ids = set.hook.ids();
    let known = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), known, "each message once, by its id");
}

/// The critical case with which everything began was told at once. Nobody takes it on, so it is told again by the schedule;
/// then somebody does, and nobody hears of it any more.
pub fn a17_a_case_that_nobody_takes_on_is_told_again_until_somebody_does(set: &Deployed) {
    let escalation = active(set, "case-1").unwrap();
    let id = escalation["escalation"].as_str().unwrap().to_owned();
    let pages = || {
        let heard = set.hook.heard();
        let of_it = |body: &&Value| body["data"]["escalation"] == id.as_str();
        heard.iter().filter(of_it).map(|body| body["type"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(pages().first().map(String::as_str), Some("escalation.page"), "told at once");
    set.wait_within(A_STEP, "the next page by the schedule", || {
        let told = pages().iter().filter(|kind| *kind == "escalation.page").count();
        (told >= 2).then_some(())
    });
    let actions = [("acknowledge", "acknowledged", json!({})), ("resolve", "resolved", json!({"outcome": "solved"}))];
    for (action, status, body) in actions {
        let (code, answer) = set.post(&format!("/escalations/{id}/{action}"), &format!("{action}-{id}"), &body);
        assert_eq!((code, &answer["status"]), (200, &json!(status)), "{answer}");
        set.wait_for(&format!("{status} at the destination"), || {
            pages().contains(&format!("escalation.{status}")).then_some(())
        });
    }
    assert_eq!(active(set, "case-1"), None);
    assert_eq!(pages().last().unwrap(), "escalation.resolved", "nothing is told after its end");
}

/// What the destination heard of the account.
fn heard(set: &Deployed) -> Vec<Value> {
    set.hook.heard().into_iter().filter(|body| body["data"]["account"] == UMBRELLA).collect()
}

fn open(set: &Deployed, case: &str) {
    let at = set.began + SignedDuration::from_secs(1);
    let body = json!({"signals": [{
        "source": "support", "id": case, "account": UMBRELLA, "at": at, "metric": "case_event", "value": 1,
        "unit": "count", "case": {"id": case, "severity": "critical", "status": "opened"},
    }]});
    let (status, answer) = set.post("/signals", case, &body);
    assert_eq!((status, &answer["refused"]), (202, &json!(0)), "{answer}");
}

fn active(set: &Deployed, case: &str) -> Option<Value> {
    let (status, body) = set.get("/escalations/active");
    assert_eq!(status, 200, "{body}");
    body["escalations"].as_array().unwrap().iter().find(|escalation| escalation["cause_id"] == case).cloned()
}

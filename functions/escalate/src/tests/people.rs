//! What people do with escalations, by the routes: break the glass, put off, give back, hand over, open again.

use super::*;
use domain::account::{Account, LifecycleStage, Money, Segment};
use domain::id::EscalationId;

/// A customer as ingest describes it.
pub fn describe(stage: &Stage, segment: Segment, dollars: i64) {
    let account = Account {
        id: acme(),
        name: "Acme".to_owned(),
        arr: Money::from_cents(dollars * 100),
        segment,
        stage: LifecycleStage::Steady,
        renewal_on: None,
        owner: None,
        contact: Default::default(),
    };
    stage.doubles.put(&keys::profile(&tenant(), &acme()), &json!({ "state": account }));
}

fn break_glass(stage: &Stage, body: &Value) -> Result<Value, Problem> {
    let parameters = BTreeMap::from([("id".into(), "acme".into())]);
    let (method, route, body) = ("POST".into(), "/accounts/{id}/break-glass".into(), body.to_string().into());
    stage.ask("t", Request { method, route, parameters, body, ..Request::default() })
}

/// A critical case that kim has.
fn taken() -> (Stage, String) {
    let stage = stage();
    stage.case("c", Severity::Critical, &[(0, CaseStatus::Opened)]);
    let id = stage.active("t", &[])[0].escalation.clone();
    stage.act("t", &id, "acknowledge", "").unwrap();
    (stage, id)
}

fn item(stage: &Stage, id: &str) -> EscalationItem {
    stage.active("t", &[]).into_iter().find(|item| item.escalation == id).unwrap()
}

#[test]
fn a65_who_breaks_the_glass_pages_the_fourth_tier_at_once_with_a_reason_that_is_kept() {
    let stage = stage();
    let emergency = json!({ "reason": "their chief executive called", "key": "call-1" });
    assert_eq!(break_glass(&stage, &emergency).unwrap_err().status, 404, "nobody knows the account");
    describe(&stage, Segment::Enterprise, 10);
    for wrong in [json!({ "reason": " ", "key": "x" }), json!({ "reason": "why", "key": "a#b" }), json!({ "key": "x" })]
    {
        let refused = break_glass(&stage, &wrong).unwrap_err();
        assert!([400, 422].contains(&refused.status), "{wrong}: {}", refused.status);
    }
    let opened = break_glass(&stage, &emergency).unwrap();
    assert_eq!(
        (&opened["role"], &opened["severity"], &opened["cause"]),
        (&json!("executive"), &json!("critical"), &json!("person"))
    );
    let told = &opened["told"][0];
    assert!(["vp-01", "vp-02"].contains(&told["person"].as_str().unwrap()), "{told}");
    let again = break_glass(&stage, &emergency).unwrap();
    assert_eq!(again["escalation"], opened["escalation"], "who breaks it again for the same joins");
    assert_eq!(stage.told(0), ["0: opened for executive"]);
    let link = stage.doubles.value(&keys::audit(&tenant(), &acme(), "escalate", 1)).unwrap();
    assert!(
        link["record"]["reasons"].to_string().contains("kim broke the glass: their chief executive called"),
        "{link}"
    );
}

#[test]
fn a65_the_glass_is_not_broken_all_day_long() {
    let stage = stage();
    describe(&stage, Segment::Enterprise, 10);
    let ask = |key: &str| break_glass(&stage, &json!({ "reason": "why", "key": key }));
    for key in ["one", "two", "three"] {
        ask(key).unwrap();
    }
    stage.doubles.set_now(stage.at(20 * MINUTE));
    let refused = ask("four").unwrap_err();
    assert_eq!((refused.status, refused.retry_after_seconds), (429, Some(2_400)));
    ask("one").unwrap();
    stage.doubles.set_now(stage.at(HOUR));
    ask("four").unwrap();
    assert_eq!(stage.active("t", &[]).len(), 4);
}

#[test]
fn a105_a_hand_over_is_theirs_once_they_say_yes() {
    let (stage, id) = taken();
    let handed = stage.act("t", &id, "hand-over", r#"{"to":"sup-02"}"#).unwrap();
    assert_eq!((&handed["handed_to"], &handed["by"]), (&json!("sup-02"), &json!("kim")), "it stays hers until then");
    assert_eq!(stage.act_as("t", "sup-01", &id, "accept", "").unwrap_err().status, 409, "they were not asked");
    stage.doubles.set_now(stage.at(5 * MINUTE));
    let accepted = stage.act_as("t", "sup-02", &id, "accept", "").unwrap();
    assert_eq!(
        (&accepted["by"], &accepted["handed_to"], &accepted["handoffs"]),
        (&json!("sup-02"), &Value::Null, &json!(1))
    );
    assert_eq!(stage.act_as("t", "sup-02", &id, "accept", "").unwrap()["by"], "sup-02", "twice is once");
    assert_eq!(stage.told(1), ["0: kim has it", "0: handed_over", "5: accepted"]);
    for minute in 6..60 {
        stage.tick(minute * MINUTE).unwrap();
    }
    let paged = stage.told(4).into_iter().filter(|told| told.contains("is told")).count();
    assert_eq!(paged, 0, "whoever has it is not paged");
}

#[test]
fn a105_a_hand_over_that_nobody_accepts_escalates() {
    let (stage, id) = taken();
    stage.act("t", &id, "hand-over", r#"{"to":"sup-02"}"#).unwrap();
    for minute in 1..=10 {
        stage.tick(minute * MINUTE).unwrap();
    }
    assert_eq!(stage.told(2), ["0: handed_over", "10: senior_support_engineer is told"]);
    assert_eq!((item(&stage, &id).status.as_str(), item(&stage, &id).handed_to), ("open", None));
    let wrong = [(r#"{"to":"nobody"}"#, 422), ("", 422), (r#"{"to":"sup-02"}"#, 409)];
    for (body, status) in wrong {
        assert_eq!(stage.act("t", &id, "hand-over", body).unwrap_err().status, status, "{body}");
    }
}

#[test]
fn a105_what_is_put_off_tells_nobody_until_then_and_wakes() {
    let stage = stage();
    stage.case("c", Severity::Low, &[(0, CaseStatus::Opened)]);
    let id = stage.active("t", &[])[0].escalation.clone();
    let until = |seconds: i64| json!({ "until": stage.at(seconds) }).to_string();
    for body in ["", "{}", &until(-1), &until(8 * 24 * HOUR)] {
        assert_eq!(stage.act("t", &id, "snooze", body).unwrap_err().status, 422, "{body}");
    }
    let snoozed = stage.act("t", &id, "snooze", &until(20 * HOUR)).unwrap();
    assert_eq!((&snoozed["status"], &snoozed["snoozed_until"]), (&json!("snoozed"), &json!(stage.at(20 * HOUR))));
    let from = stage.told(0).len();
    for hour in 1..20 {
        stage.tick(hour * HOUR).unwrap();
    }
    let told = stage.told(from);
    assert!(told.iter().all(|told| told.contains("first_response")), "clocks run on, people sleep: {told:?}");
    stage.tick(20 * HOUR).unwrap();
    assert_eq!(stage.told(from).last().unwrap(), "1200: woke");
    assert_eq!(item(&stage, &id).told.len(), 2, "who has it is told when it wakes");
}

#[test]
fn a105_what_is_given_back_or_opened_again_is_told_again() {
    let (stage, id) = taken();
    stage.doubles.set_now(stage.at(3 * MINUTE));
    let back = stage.act("t", &id, "unacknowledge", "").unwrap();
    assert_eq!((&back["status"], back["told"].as_array().unwrap().len()), (&json!("open"), 2));
    assert_eq!(stage.act("t", &id, "unacknowledge", "").unwrap()["status"], "open", "twice is once");
    for minute in 4..=13 {
        stage.tick(minute * MINUTE).unwrap();
    }
    assert_eq!(stage.told(2), ["3: given_back", "13: support_engineer is told"]);
    assert_eq!(stage.act("t", &id, "resolve", r#"{"outcome":"restarted"}"#).unwrap()["status"], "resolved");
    assert_eq!(stage.act("t", &id, "unacknowledge", "").unwrap_err().status, 409);
    let again = stage.act("t", &id, "reopen", "").unwrap();
    assert_eq!((&again["status"], &again["step"]), (&json!("open"), &json!(0)));
    assert_eq!(stage.told(4), ["13: ended: restarted", "13: reopened"]);
    assert_eq!(stage.act("t", &id, "reopen", "").unwrap()["status"], "open");
}

#[test]
fn a60_somebody_lets_the_clocks_of_a_case_begin_when_the_customer_called() {
    let (stage, id) = taken();
    stage.doubles.set_now(stage.at(10 * MINUTE));
    let since = |seconds: i64| json!({ "since": stage.at(seconds) }).to_string();
    for body in ["", &since(11 * MINUTE), &since(-31 * 24 * HOUR)] {
        assert_eq!(stage.act("t", &id, "set-clocks", body).unwrap_err().status, 422, "{body}");
    }
    let set = stage.act("t", &id, "set-clocks", &since(-40 * MINUTE)).unwrap();
    assert_eq!(
        (&set["seconds_to_breach"], &set["clocks"][0]["started_at"]),
        (&json!(10 * MINUTE), &json!(stage.at(-40 * MINUTE)))
    );
    assert_eq!(stage.marks_at(11 * MINUTE), ["-10: first_response 50", "5: first_response 75"]);
    assert_eq!(stage.marks_at(20 * MINUTE), ["20: first_response breached"]);
}

#[test]
fn what_happened_to_an_escalation_is_told_with_who_was_told_and_why_them() {
    let (stage, id) = taken();
    stage.doubles.set_now(stage.at(2 * MINUTE));
    stage.act("t", &id, "unacknowledge", "").unwrap();
    stage.act("t", &id, "resolve", r#"{"outcome":"restarted"}"#).unwrap();
    let timeline = |who: &str, id: &str| {
        let parameters = BTreeMap::from([("id".into(), id.into())]);
        let (method, route) = ("GET".into(), "/escalations/{id}/timeline".into());
        stage.ask(who, Request { method, route, parameters, ..Request::default() })
    };
    let found: contract::escalate::EscalationTimeline = serde_json::from_value(timeline("t", &id).unwrap()).unwrap();
    let lines: Vec<&str> = found.lines.iter().map(|line| line.text.as_str()).collect();
    assert_eq!(lines, ["resolved: restarted", "given back by kim", "acknowledged by kim", "opened"]);
    let opened = &found.lines[3];
    assert_eq!(opened.told.len(), 1);
    assert!(opened.reasons[0].contains(&opened.told[0].person), "{:?}", opened.reasons);
    assert_eq!((found.escalation.status.as_str(), found.cursor), ("resolved", None));
    for (who, id) in [("u", id.as_str()), ("t", "esc-none"), ("t", "a#b")] {
        assert_eq!(timeline(who, id).unwrap_err().status, 404);
    }
    assert!(EscalationId::new(id).is_ok());
}

//! The whole set on LocalStack, deployed from the template: what goes in by HTTP comes out as scores, calls to action,
//! escalations and reports, once in effect; what is wrong harms only itself.

#[path = "end_to_end/deployed.rs"]
mod deployed;
#[path = "end_to_end/escalations.rs"]
mod escalations;
#[path = "end_to_end/executions.rs"]
mod executions;
#[path = "end_to_end/hook.rs"]
mod hook;
#[path = "end_to_end/papers.rs"]
mod papers;
#[path = "end_to_end/portfolio.rs"]
mod portfolio;

use contract::event::Cause;
use contract::message::{RecordSignals, Task, Work, cause_id};
use deployed::Deployed;
use domain::id::{AccountId, TenantId};
use jiff::SignedDuration;
use serde_json::{Value, json};
use std::collections::BTreeSet;

const ACME: &str = "acme";
/// The account of the messages beside the poison.
const GLOBEX: &str = "globex";
/// The first request's key, which is its correlation id too.
const FIRST: &str = "first-batch";
const POISON: &str = "this is poison";
const FUNCTIONS: [&str; 5] = ["ingest", "score", "trigger", "escalate", "report"];

/// One test, because a deployment takes longer than all that is tried on it.
#[test]
fn signals_become_scores_calls_to_action_escalations_and_reports() {
    let set = Deployed::new();
    the_edge_refuses_who_may_not_ask(&set);
    accounts_are_described(&set);
    poison_is_sent_among_nine_others(&set);
    a41_a_scheduled_rule_fires_a_scoring_run(&set);
    a6_the_poison_ends_among_the_dead_letters_and_its_neighbours_in_the_table(&set);
    a_malformed_record_is_refused_with_its_path_and_its_neighbours_are_kept(&set);
    the_score_is_in_the_table_and_on_the_bus(&set);
    a_decline_opened_a_call_to_action_and_a_critical_case_an_escalation(&set);
    the_live_report_shows_them(&set);
    a14_one_correlation_id_is_followed_through_all_five_functions(&set);
    what_is_delivered_again_changes_nothing(&set);
    executions::a128_a_playbook_is_begun_once_and_its_steps_are_settled(&set);
    executions::a143_the_twenty_first_is_refused_until_a_lease_ends(&set);
    portfolio::a39_a_run_over_a_portfolio_scores_each_account_once(&set);
    portfolio::a5_a_critical_case_is_taken_on_before_what_came_earlier(&set);
    escalations::a12_a_destination_that_is_down_is_left_alone_and_told_when_it_is_back(&set);
    papers::the_scheduled_report_lies_in_the_bucket(&set);
    escalations::a17_a_case_that_nobody_takes_on_is_told_again_until_somebody_does(&set);
    set.stop();
}

fn the_edge_refuses_who_may_not_ask(set: &Deployed) {
    let (status, body) = set.ask("GET", "/ctas", &[], None);
    assert_eq!((status, &body["type"]), (401, &json!("urn:cs-ops:problem:token_missing")), "{body}");
    let reader = format!("Bearer {}", set.token("t1", &["cs-ops.report.read"]));
    let (status, body) = set.ask("GET", "/ctas", &[("authorization", &reader)], None);
    assert_eq!((status, &body["type"]), (403, &json!("urn:cs-ops:problem:scope_missing")), "a142: {body}");
    assert!(body["detail"].as_str().unwrap().contains("cs-ops.trigger.read"), "{body}");
}

fn accounts_are_described(set: &Deployed) {
    for account in [ACME, GLOBEX] {
        let body = json!({"name": account, "arr_cents": 12_000_000, "segment": "enterprise", "stage": "steady"});
        let (status, answer) = set.put(&format!("/accounts/{account}"), &body);
        assert_eq!((status, &answer["created"]), (200, &json!(true)), "{answer}");
    }
}

/// Ten messages in one delivery, nine of them good.
fn poison_is_sent_among_nine_others(set: &Deployed) {
    let queue = set.id("SignalsQueue");
    // Production waits minutes between tries; a test need not.
    set.aws(&["sqs", "set-queue-attributes", "--queue-url", &queue, "--attributes", "VisibilityTimeout=1"]);
    let cause = Cause {
        tenant: TenantId::new("t1").unwrap(),
        correlation_id: "beside-poison".into(),
        causation_id: "beside-poison".into(),
    };
    let work = |number: i64| Work {
        work_id: cause_id(&format!("beside-poison-{number}")),
        tenant: cause.tenant.clone(),
        correlation_id: cause.correlation_id.clone(),
        task: Task::RecordSignals(RecordSignals {
            account: AccountId::new(GLOBEX).unwrap(),
            signals: vec![serde_json::from_value(usage(set, GLOBEX, number, 50)).unwrap()],
            refused: Vec::new(),
        }),
    };
    let mut bodies: Vec<String> = (1..=9).map(|number| serde_json::to_string(&work(number)).unwrap()).collect();
    bodies.insert(4, POISON.to_owned());
    let entries: Vec<Value> =
        bodies.iter().enumerate().map(|(id, body)| json!({"Id": id.to_string(), "MessageBody": body})).collect();
    let entries = json!(entries).to_string();
    let sent = set.aws(&["sqs", "send-message-batch", "--queue-url", &queue, "--entries", &entries]);
    assert_eq!(sent["Successful"].as_array().unwrap().len(), 10, "{sent}");
}

fn a41_a_scheduled_rule_fires_a_scoring_run(set: &Deployed) {
    let event = set.hear("ScoreRunCompleted", |detail| detail["data"]["accounts"] == 2);
    assert!(event["detail"]["data"]["run"].as_str().unwrap().starts_with("score_run@"), "{event}");
    // From here on only messages set things in motion, so that what follows has one cause each.
    set.aws(&["events", "remove-targets", "--rule", &set.id("ScoreRun"), "--ids", "score"]);
}

fn a6_the_poison_ends_among_the_dead_letters_and_its_neighbours_in_the_table(set: &Deployed) {
    let dead = set.id("SignalsDeadLetters");
    let look = ["sqs", "receive-message", "--queue-url", &dead, "--visibility-timeout", "0"];
    let letter = set.wait_for("the poison among the dead letters", || {
        set.aws(&look)["Messages"].as_array().map(|letters| letters[0].clone())
    });
    assert_eq!(letter["Body"], POISON);
    assert_eq!(set.waiting("SignalsDeadLetters"), 1, "nothing else died");
    let receives = set.wait_for("the log of every receive", || {
        let lines = set.log_lines("ingest", "message", "message failed");
        let of_poison = lines.iter().filter(|line| line["queue_message_id"] == letter["MessageId"]);
        let receives: BTreeSet<String> = of_poison.map(|line| line["receives"].as_str().unwrap().to_owned()).collect();
        (receives.len() >= 5).then_some(receives)
    });
    assert_eq!(receives.into_iter().collect::<Vec<_>>(), ["1", "2", "3", "4", "5"], "as often as the template says");
    for number in 1..=9 {
        set.wait_for("the signal of a neighbour", || {
            let page = set.item(&partition(GLOBEX), &format!("signal#{}", day(set, number)))?;
            page.to_string().contains(&format!("\"u-{number}\"")).then_some(())
        });
    }
    let visibility = ["--attributes", "VisibilityTimeout=180"];
    set.aws(&[&["sqs", "set-queue-attributes", "--queue-url", &set.id("SignalsQueue")][..], &visibility].concat());
}

fn a_malformed_record_is_refused_with_its_path_and_its_neighbours_are_kept(set: &Deployed) {
    let mut signals = good_signals(set);
    let mut malformed = usage(set, ACME, 85, 0);
    malformed["value"] = json!("many");
    signals.insert(3, malformed);
    let body = json!({"signals": signals});
    let (status, answer) = set.post("/signals", FIRST, &body);
    assert_eq!((status, &answer["accepted"], &answer["refused"]), (202, &json!(85), &json!(1)), "{answer}");
    assert_eq!(answer["results"][3]["errors"][0]["path"], "signals[3].value", "{answer}");
    assert_eq!(set.post("/signals", FIRST, &body), (status, answer), "the same key answers the same");
    let (status, other) = set.post("/signals", FIRST, &usage(set, ACME, 1, 7));
    assert_eq!(status, 409, "the same key with other content: {other}");
    let (_, quarantine) = set.get("/quarantine");
    assert_eq!(quarantine["records"].as_array().unwrap().len(), 1, "{quarantine}");
    let oldest = set
        .wait_for("the oldest of its neighbours", || set.item(&partition(ACME), &format!("signal#{}", day(set, 84))));
    assert!(oldest.to_string().contains("\"u-84\""), "{oldest}");
}

fn the_score_is_in_the_table_and_on_the_bus(set: &Deployed) {
    let event = set.hear("HealthScored", of_first);
    assert_eq!(event["detail"]["meta"]["account"], ACME);
    let item = set.item(&partition(ACME), "state#health").expect("the score is in DynamoDB");
    assert!(item["state"]["health"]["health"]["score"].is_string(), "{item}");
    let (status, health) = set.get(&format!("/accounts/{ACME}/health"));
    assert!(status == 200 && health["score"].is_string(), "{health}");
    let other = format!("Bearer {}", set.token("t2", &["cs-ops.score.read"]));
    let (status, body) = set.ask("GET", &format!("/accounts/{ACME}/health"), &[("authorization", &other)], None);
    assert_eq!(status, 404, "another tenant's account does not exist: {body}");
}

fn a_decline_opened_a_call_to_action_and_a_critical_case_an_escalation(set: &Deployed) {
    let cta = set.wait_for("a call to action from the decline", || {
        let (_, body) = set.get("/ctas?status=open");
        body["ctas"].as_array()?.iter().find(|cta| cta["rule"] == "usage-decline").cloned()
    });
    assert_eq!(cta["account"], ACME, "{cta}");
    let escalation = set.wait_for("an escalation from the critical case", || {
        let (_, body) = set.get("/escalations/active");
        body["escalations"].as_array()?.iter().find(|escalation| escalation["cause"] == "case").cloned()
    });
    assert_eq!((&escalation["severity"], &escalation["status"]), (&json!("critical"), &json!("open")), "{escalation}");
}

fn the_live_report_shows_them(set: &Deployed) {
    set.wait_for("the live report", || {
        let (_, live) = set.get("/performance/live");
        let has = |list: &str| live[list].as_array().is_some_and(|all| all.iter().any(|one| one["account"] == ACME));
        (live["accounts"] == 2 && has("open_ctas") && has("open_escalations")).then_some(())
    });
    let (status, page) = set.ask("GET", "/dashboard", &[], None);
    assert!(status == 200 && page.as_str().unwrap().contains(">Portfolio</h1>"), "{page}");
}

/// In the events of those that publish, in what the report keeps, and in the logs of all.
fn a14_one_correlation_id_is_followed_through_all_five_functions(set: &Deployed) {
    for (function, fact) in [
        ("ingest", "RecordsQuarantined"),
        ("ingest", "SignalsRecorded"),
        ("ingest", "CaseOpened"),
        ("score", "HealthScored"),
        ("trigger", "CtaOpened"),
        ("escalate", "EscalationOpened"),
    ] {
        let event = set.hear(fact, of_first);
        assert_eq!(event["source"], format!("cs-ops.{function}"), "{event}");
    }
    set.wait_for("the facts on the account's timeline", || {
        let (_, timeline) = set.get(&format!("/accounts/{ACME}/timeline"));
        let entries = timeline["entries"].as_array()?;
        let of_first = entries.iter().filter(|entry| entry["correlation_id"] == FIRST);
        let facts: BTreeSet<&str> = of_first.filter_map(|entry| entry["fact"].as_str()).collect();
        ["CaseOpened", "CtaOpened", "EscalationOpened"].iter().all(|fact| facts.contains(fact)).then_some(())
    });
    for function in FUNCTIONS {
        let done = if function == "ingest" { "answered" } else { "handled" };
        set.wait_for(&format!("a line of {function}'s log"), || {
            let lines = set.log_lines(function, "correlation_id", FIRST);
            lines.iter().any(|line| line["function"] == function && line["message"] == done).then_some(())
        });
    }
}

/// Every fact about the account is on the bus once more, for all functions, and its signals come in once more under
/// another key.
fn what_is_delivered_again_changes_nothing(set: &Deployed) {
    let partitions = [partition(ACME), "T#t1#PORTFOLIO".to_owned()];
    let before = set.settled(&partitions);
    assert!(before.len() > 80, "signals, states, histories, chains, rows: {:?}", before.keys());
    set.listen();
    let (events, known) = (set.heard(), set.heard_how_often());
    let events: Vec<Value> = events.into_iter().filter(|event| event["detail"]["meta"]["account"] == ACME).collect();
    set.publish_again(&events);
    let (status, answer) = set.post("/signals", "again", &json!({"signals": good_signals(set)}));
    assert_eq!((status, &answer["accepted"]), (202, &json!(85)), "{answer}");
    set.wait_for("the repeats on the bus", || {
        set.listen();
        let now = set.heard_how_often();
        let id = |event: &Value| event["detail"]["meta"]["event_id"].as_str().unwrap().to_owned();
        events.iter().map(id).all(|id| now[&id] > known[&id]).then_some(())
    });
    let after = set.settled(&partitions);
    for (key, item) in &after {
        assert_eq!(Some(item), before.get(key), "{key}");
    }
    assert_eq!(after.len(), before.len());
    set.listen();
    assert_eq!(set.heard_how_often().keys().collect::<Vec<_>>(), known.keys().collect::<Vec<_>>(), "nothing new");
}

fn of_first(detail: &Value) -> bool {
    detail["meta"]["correlation_id"] == FIRST
}

/// Twelve weeks of use that fell by almost half two weeks ago, and a critical case of now.
fn good_signals(set: &Deployed) -> Vec<Value> {
    let mut signals: Vec<Value> = (1..=84).map(|age| usage(set, ACME, age, if age <= 14 { 55 } else { 100 })).collect();
    let case = json!({"id": "case-1", "severity": "critical", "status": "opened"});
    signals.push(json!({
        "source": "support", "id": "c-1", "account": ACME, "at": set.began,
        "metric": "case_event", "value": 1, "unit": "count", "case": case,
    }));
    signals
}

fn usage(set: &Deployed, account: &str, age: i64, value: u32) -> Value {
    json!({
        "source": "telemetry", "id": format!("u-{age}"), "account": account, "at": at(set, age),
        "metric": "active_users", "value": value, "unit": "count",
    })
}

fn at(set: &Deployed, age: i64) -> jiff::Timestamp {
    set.began.checked_sub(SignedDuration::from_hours(24 * age)).unwrap()
}

fn day(set: &Deployed, age: i64) -> String {
    at(set, age).to_string()[..10].to_owned()
}

fn partition(account: &str) -> String {
    format!("T#t1#A#{account}")
}

//! Facts through the doors of ingest: what is taken in, what is refused and why, and what becomes of both.

mod quality;

use super::*;
use contract::event::Fact;
use contract::ingest::MAX_RECORDS;
use domain::case::Case;
use domain::id::{AccountId, CaseId, PersonId, TenantId};
use domain::page::Page;
use domain::record::AccountRecord;
use domain::signal::{CaseStatus, Metric};
use jiff::{SignedDuration, Timestamp};
use platform::doubles::{Doubles, block_on, caller};
use platform::table::{self, Item, Key, Table};
use platform::{keys, once};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Ingest with the account `acme` of the tenant `t` described.
struct Stage {
    doubles: Doubles,
    ingest: Ingest,
}

fn stage() -> Stage {
    let doubles = Doubles::new();
    let stage = Stage { ingest: Ingest::new(doubles.ports()), doubles };
    stage.describe("acme");
    stage
}

fn tenant() -> TenantId {
    TenantId::new("t").unwrap()
}

fn acme() -> AccountId {
    AccountId::new("acme").unwrap()
}

impl Stage {
    /// Asks as somebody of the tenant `t`. Requests with one id are one request that is sent again.
    fn ask(&self, id: &str, method: &str, route: &str, parameter: &str, body: &str) -> Result<(u16, Value), Problem> {
        self.ask_as("t", id, method, route, parameter, body)
    }

    fn ask_as(
        &self,
        tenant: &str,
        id: &str,
        method: &str,
        route: &str,
        parameter: &str,
        body: &str,
    ) -> Result<(u16, Value), Problem> {
        let caller = caller(tenant, "feed");
        let request = Request {
            method: method.into(),
            route: route.into(),
            parameters: BTreeMap::from([("id".into(), parameter.into())]),
            body: body.to_owned().into(),
            request_id: id.into(),
            ..Request::default()
        };
        let response = block_on(self.ingest.call(&caller, &request))?;
        Ok((response.status, serde_json::from_str(&response.body).unwrap()))
    }

    fn describe(&self, account: &str) -> Value {
        let id = format!("describe-{account}-{}", self.doubles.published().len());
        self.ask(&id, "PUT", "/accounts/{id}", account, &description().to_string()).unwrap().1
    }

    /// Describes an account under a condition; gives the status of the answer.
    fn put_if(&self, condition: &str, id: &str, account: &str) -> Result<u16, u16> {
        let caller = Caller { tenant: tenant(), subject: PersonId::new("feed").unwrap(), scopes: BTreeSet::new() };
        let request = Request {
            method: "PUT".into(),
            route: "/accounts/{id}".into(),
            parameters: BTreeMap::from([("id".into(), account.into())]),
            headers: BTreeMap::from([("if-none-match".into(), condition.into())]),
            body: with(description(), "arr_cents", json!(1)).to_string().into(),
            request_id: id.into(),
            ..Request::default()
        };
        let answer = block_on(self.ingest.call(&caller, &request));
        answer.map(|response| response.status).map_err(|problem| problem.status)
    }

    /// Sends records and has what was accepted recorded.
    fn send(&self, id: &str, signals: &[Value]) -> Value {
        let (status, answer) = self.post(id, &json!({ "signals": signals }).to_string()).unwrap();
        assert_eq!(status, 202);
        self.work();
        answer
    }

    fn post(&self, id: &str, body: &str) -> Result<(u16, Value), Problem> {
        self.ask(id, "POST", "/signals", "", body)
    }

    /// What each refused record is refused for: the path of its first fault.
    fn refusals(&self, id: &str, signals: &[Value]) -> Vec<String> {
        let answer = self.send(id, signals);
        let results = answer["results"].as_array().unwrap().iter();
        let paths = results.filter_map(|result| result["errors"][0]["path"].as_str().map(str::to_owned));
        paths.collect()
    }

    /// Handles all work, and the work that comes of it.
    fn work(&self) {
        loop {
            let work = self.doubles.take_work();
            if work.is_empty() {
                return;
            }
            for work in work {
                block_on(self.ingest.message(&Incoming::Work(Box::new(work)), Timestamp::MAX)).unwrap();
            }
        }
    }

    fn watch(&self) {
        let tick = Tick { tick: "source_watch".into(), time: self.doubles.now() };
        block_on(self.ingest.tick(&tick)).unwrap();
        self.work();
    }

    fn pass(&self, hours: i64) {
        self.doubles.set_now(self.doubles.now() + SignedDuration::from_hours(hours));
    }

    fn quarantine(&self) -> Vec<Value> {
        self.ask("list", "GET", "/quarantine", "", "").unwrap().1["records"].as_array().unwrap().clone()
    }

    fn release(&self, id: &str, body: &str) -> Result<(u16, Value), Problem> {
        self.ask("release", "POST", "/quarantine/{id}/release", id, body)
    }

    fn item(&self, key: &Key) -> Option<Item> {
        block_on(self.doubles.table.get(key)).unwrap()
    }

    /// The day's page of `acme`.
    fn page(&self, at: Timestamp) -> Option<Page> {
        let item = self.item(&keys::signal_page(&tenant(), &acme(), domain::day::Day::of(at)));
        item.map(|item| table::read(&item).unwrap())
    }

    fn record(&self) -> AccountRecord {
        once::state_of(&self.item(&keys::series(&tenant(), &acme())).unwrap()).unwrap()
    }

    /// How `acme` is described.
    fn account(&self) -> domain::account::Account {
        once::state_of(&self.item(&keys::profile(&tenant(), &acme())).unwrap()).unwrap()
    }

    fn facts(&self) -> Vec<Fact> {
        self.doubles.published().into_iter().map(|event| event.fact).collect()
    }

    /// A good record of an hour ago.
    fn usage(&self, id: &str) -> Value {
        self.usage_at(id, self.doubles.now() - SignedDuration::from_hours(1))
    }

    fn usage_at(&self, id: &str, at: Timestamp) -> Value {
        json!({
            "source": "telemetry", "id": id, "account": "acme", "at": at,
            "metric": "active_users", "value": 40, "unit": "count"
        })
    }

    fn case(&self, id: &str, case: &str, status: &str, at: Timestamp) -> Value {
        let mut signal = self.usage_at(id, at);
        signal["metric"] = json!("case_event");
        signal["value"] = json!(1);
        signal["case"] = json!({ "id": case, "severity": "critical", "status": status });
        signal
    }
}

fn description() -> Value {
    json!({ "name": "Acme", "arr_cents": 5_000_000, "segment": "enterprise", "stage": "steady" })
}

/// A record with one field changed, or taken out where it is null.
fn with(mut record: Value, field: &str, value: Value) -> Value {
    if value.is_null() {
        record.as_object_mut().unwrap().remove(field);
    } else {
        record[field] = value;
    }
    record
}

fn verdicts(answer: &Value) -> Vec<&str> {
    answer["results"].as_array().unwrap().iter().map(|result| result["verdict"].as_str().unwrap()).collect()
}

#[test]
fn a25_every_record_of_a_batch_has_its_verdict_and_a_bad_one_harms_only_itself() {
    let stage = stage();
    let bad = with(stage.usage("2"), "value", json!("many"));
    let answer = stage.send("batch", &[stage.usage("1"), bad, stage.usage("3")]);
    assert_eq!(verdicts(&answer), ["accepted", "refused", "accepted"]);
    assert_eq!(answer["results"][1]["errors"][0]["path"], "signals[1].value", "{answer}");
    assert_eq!(stage.page(stage.doubles.now()).map_or(0, |page| page.len()), 0);
    let page = stage.page(stage.doubles.now() - SignedDuration::from_hours(1)).unwrap();
    assert_eq!(page.signals().map(|signal| signal.id.as_str()).collect::<Vec<_>>(), ["1", "3"]);
    assert_eq!(stage.quarantine()[0]["quarantine_id"], answer["results"][1]["quarantine_id"]);
}

#[test]
fn a25_a_record_may_come_alone() {
    let stage = stage();
    let (status, answer) = stage.post("single", &stage.usage("1").to_string()).unwrap();
    assert_eq!((status, verdicts(&answer)), (202, vec!["accepted"]));
    assert_eq!(stage.doubles.take_work().len(), 1);
}

#[test]
fn a25_three_replays_store_once() {
    let stage = stage();
    let signals = [stage.usage("1"), stage.usage("2"), with(stage.usage("3"), "unit", json!("percent"))];
    let heads = || {
        let at = stage.doubles.now() - SignedDuration::from_hours(1);
        let page = keys::signal_page(&tenant(), &acme(), domain::day::Day::of(at));
        (stage.item(&page), stage.record(), stage.quarantine())
    };
    let first = stage.send("batch", &signals);
    let stored = heads();
    assert_eq!(stored.2.len(), 1);
    for id in ["batch", "batch", "batch"] {
        assert_eq!(stage.send(id, &signals), first);
    }
    assert_eq!(heads(), stored, "the same request");
    for id in ["again", "and again", "and again and again"] {
        stage.send(id, &signals[..2]);
    }
    assert_eq!(heads(), stored, "the same records in other requests");
    let recorded: Vec<u32> = stage
        .facts()
        .iter()
        .filter_map(|fact| if let Fact::SignalsRecorded(fact) = fact { Some(fact.added) } else { None })
        .collect();
    assert_eq!(recorded, [2], "told once");
}

#[test]
fn a25_only_what_is_new_is_told_as_new() {
    let stage = stage();
    let early = with(stage.usage("1"), "at", json!(stage.doubles.now() - SignedDuration::from_hours(9)));
    stage.send("first", std::slice::from_ref(&early));
    stage.send("second", &[early, with(stage.usage("2"), "metric", json!("logins"))]);
    let Some(Fact::SignalsRecorded(fact)) = stage.facts().pop() else { panic!("{:?}", stage.facts()) };
    let new_at = stage.doubles.now() - SignedDuration::from_hours(1);
    assert_eq!((fact.added, fact.metrics, fact.oldest), (1, vec!["logins".to_owned()], new_at));
}

#[test]
fn a69_telemetry_without_its_unit_or_more_than_five_minutes_ahead_is_refused_with_the_fields_path() {
    let stage = stage();
    let ahead = |seconds| stage.usage_at("1", stage.doubles.now() + SignedDuration::from_secs(seconds));
    assert_eq!(stage.refusals("1", &[with(stage.usage("1"), "unit", Value::Null)]), ["signals[0].unit"]);
    assert_eq!(stage.refusals("2", &[with(stage.usage("1"), "unit", json!("percent"))]), ["signals[0].unit"]);
    assert_eq!(stage.refusals("3", &[with(stage.usage("1"), "unit", json!("parsecs"))]), ["signals[0].unit"]);
    assert_eq!(stage.refusals("4", &[ahead(301)]), ["signals[0].at"]);
    assert_eq!(stage.refusals("5", &[ahead(300)]), Vec::<String>::new());
}

#[test]
fn a31_what_a_record_cannot_be_is_refused_with_its_path() {
    let stage = stage();
    let days = |days: i64| json!(stage.doubles.now() - SignedDuration::from_hours(24 * days));
    let bad = [
        ("account", json!("nobody"), "account"),
        ("account", json!("a#b"), "account"),
        ("at", days(401), "at"),
        ("at", json!("yesterday"), "at"),
        ("value", json!(-1), "value"),
        ("value", json!(100_000_001), "value"),
        ("value", json!("1e999"), "value"),
        ("value", json!("NaN"), "value"),
        ("value", json!("-Infinity"), "value"),
        ("value", json!(["4"]), "value"),
        ("value", Value::Null, "value"),
        ("metric", json!("net_promoter"), "metric"),
        ("metric", json!("mood"), "metric"),
        ("source", json!(""), "source"),
        ("colour", json!("red"), "colour"),
        ("meeting", json!({ "id": "m", "result": "held", "executive": true }), "meeting"),
    ];
    let records: Vec<Value> =
        bad.iter().map(|(field, value, _)| with(stage.usage("1"), field, value.clone())).collect();
    let expected: Vec<String> =
        bad.iter().enumerate().map(|(index, (.., path))| format!("signals[{index}].{path}")).collect();
    assert_eq!(stage.refusals("bad", &records), expected);
    assert_eq!(stage.refusals("old", &[with(stage.usage("1"), "at", days(400))]), Vec::<String>::new());
    // A number beyond what a computer's floating point holds is a number in JSON.
    let (_, answer) = stage.post("1e999", &stage.usage("1").to_string().replace("40", "1e999")).unwrap();
    assert_eq!(answer["results"][0]["errors"][0]["path"], "signals[0].value", "{answer}");
}

#[test]
fn a31_a_fault_that_quotes_a_huge_record_harms_only_that_record() {
    let stage = stage();
    let huge = "x".repeat(400 * 1024);
    let records = [
        stage.usage("1"),
        with(stage.usage("2"), "metric", json!(huge)),
        with(stage.usage("3"), &huge, json!(1)),
        stage.usage("4"),
    ];
    let (status, answer) = stage.post("huge", &json!({ "signals": records }).to_string()).unwrap();
    assert_eq!((status, verdicts(&answer)), (202, vec!["accepted", "refused", "refused", "accepted"]));
    assert!(answer.to_string().len() < 5_000, "{} bytes", answer.to_string().len());
    assert_eq!(stage.quarantine().len(), 2);
}

#[test]
fn a_body_that_holds_no_records_is_refused_whole_and_nothing_is_put_aside() {
    let stage = stage();
    let many = |count: usize| json!({ "signals": vec![stage.usage("1"); count] }).to_string();
    let nan = stage.usage("1").to_string().replace("40", "NaN");
    let refused = [
        ("", 400),
        ("account,value\nacme,1", 400),
        (nan.as_str(), 400),
        ("[]", 400),
        (r#"{"signals":3}"#, 400),
        (r#"{"signals":[]}"#, 422),
        (&many(MAX_RECORDS + 1), 413),
    ];
    for (body, status) in refused {
        let problem = stage.post("bad", body).unwrap_err();
        assert_eq!(problem.status, status, "{}: {}", body.get(..40).unwrap_or(body), problem.detail);
    }
    assert_eq!((stage.doubles.take_work(), stage.quarantine()), (Vec::new(), Vec::new()));
    let (_, answer) = stage.post("most", &many(MAX_RECORDS)).unwrap();
    assert_eq!((&answer["accepted"], &answer["duplicates"]), (&json!(1), &json!(MAX_RECORDS - 1)));
}

#[test]
fn an_id_that_stands_twice_in_a_batch_is_a_duplicate_or_with_other_content_refused() {
    let stage = stage();
    let other = with(stage.usage("1"), "value", json!(41));
    let elsewhere = with(stage.usage("1"), "source", json!("crm"));
    let answer = stage.send("batch", &[stage.usage("1"), stage.usage("1"), other, elsewhere]);
    assert_eq!(verdicts(&answer), ["accepted", "duplicate", "refused", "accepted"]);
    assert_eq!(answer["results"][2]["errors"][0]["path"], "signals[2].id", "{answer}");
}

#[test]
fn a31_a_quarantined_record_is_released_as_it_is_or_mended() {
    let stage = stage();
    let unknown = with(stage.usage("1"), "account", json!("globex"));
    let negative = with(stage.usage("2"), "value", json!(-1));
    let answer = stage.send("batch", &[unknown, negative]);
    let id = |index: usize| answer["results"][index]["quarantine_id"].as_str().unwrap();
    assert_eq!(stage.quarantine().len(), 2);

    let still = stage.release(id(0), "").unwrap_err();
    assert_eq!((still.status, still.errors[0].path.as_str()), (422, "record.account"));
    stage.describe("globex");
    let (status, answer) = stage.release(id(0), "{}").unwrap();
    assert_eq!((status, &answer["verdict"]), (202, &json!("accepted")));

    let still = stage.release(id(1), "").unwrap_err();
    assert_eq!((still.status, still.errors[0].path.as_str()), (422, "record.value"));
    stage.release(id(1), &json!({ "record": stage.usage("2") }).to_string()).unwrap();

    stage.work();
    assert_eq!(stage.quarantine(), Vec::<Value>::new());
    assert_eq!(stage.page(stage.doubles.now() - SignedDuration::from_hours(1)).unwrap().len(), 1);
    let globex = keys::series(&tenant(), &AccountId::new("globex").unwrap());
    assert!(stage.item(&globex).is_some(), "recorded where it belongs");
    assert_eq!(stage.release(id(1), "").unwrap_err().status, 404, "it has left");
}

#[test]
fn a1_another_tenant_neither_knows_the_account_nor_sees_what_was_put_aside() {
    let stage = stage();
    let answer = stage.send("batch", &[with(stage.usage("1"), "value", json!(-1))]);
    let id = answer["results"][0]["quarantine_id"].as_str().unwrap();
    let foreign = |method, route, parameter, body: &str| stage.ask_as("u", "foreign", method, route, parameter, body);
    let usage = stage.usage("1").to_string();
    let (_, answer) = foreign("POST", "/signals", "", &usage).unwrap();
    assert_eq!(answer["results"][0]["errors"][0]["path"], "signals[0].account", "{answer}");
    assert_eq!(foreign("GET", "/quarantine", "", "").unwrap().1["records"].as_array().unwrap().len(), 1, "its own");
    assert_eq!(foreign("POST", "/quarantine/{id}/release", id, "").unwrap_err().status, 404);
}

#[test]
fn a_batch_of_many_cases_or_for_a_full_day_is_recorded_whole() {
    let stage = stage();
    let at = stage.doubles.now() - SignedDuration::from_hours(1);
    let cases: Vec<Value> =
        (0..250).map(|number| stage.case(&format!("c-{number}"), &format!("case-{number}"), "opened", at)).collect();
    stage.send("cases", &cases);
    assert_eq!(stage.record().open_cases.len(), 250);

    let before = stage.page(at).unwrap().len();
    for batch in 0..4 {
        let records: Vec<Value> = (0..500).map(|number| stage.usage(&format!("{batch}-{number}"))).collect();
        stage.send(&batch.to_string(), &records);
    }
    assert_eq!(stage.page(at).unwrap().len(), domain::page::MAX_SIGNALS);
    let put_aside: u32 = stage
        .facts()
        .iter()
        .filter_map(|fact| if let Fact::RecordsQuarantined(fact) = fact { Some(fact.count) } else { None })
        .sum();
    assert_eq!(usize::try_from(put_aside).unwrap(), before, "what the page cannot hold is in quarantine");
}

#[test]
fn late_records_for_many_crowded_days_are_recorded_though_one_commit_cannot_hold_them() {
    let stage = stage();
    let long = "x".repeat(110);
    let at = |day: i64| stage.doubles.now() - SignedDuration::from_hours(24 * day + 1);
    for day in 0..24 {
        for half in 0..3 {
            let one = |number| stage.usage_at(&format!("{long}-{day}-{half}-{number}"), at(day));
            stage.send(&format!("{day}-{half}"), &(0..480).map(one).collect::<Vec<_>>());
        }
    }
    let crowded = stage.page(at(3)).unwrap().len();
    let late: Vec<Value> = (0..24).map(|day| stage.usage_at(&format!("late-{day}"), at(day))).collect();
    for id in ["late", "and again"] {
        stage.send(id, &late);
        for day in 0..24 {
            assert_eq!(stage.page(at(day)).unwrap().len(), crowded + 1, "{day} days ago");
        }
    }
}

#[test]
fn an_account_that_is_described_twice_alike_changes_once() {
    let stage = stage();
    let answer = |body: &Value| stage.ask(&body.to_string(), "PUT", "/accounts/{id}", "acme", &body.to_string());
    let flags = |body: &Value| {
        let (_, answer) = answer(body).unwrap();
        (answer["created"].as_bool().unwrap(), answer["changed"].as_bool().unwrap())
    };
    assert_eq!(stage.describe("globex"), json!({ "id": "globex", "created": true, "changed": true }));
    assert_eq!(flags(&description()), (false, false));
    assert_eq!(flags(&with(description(), "arr_cents", json!(6_000_000))), (false, true));
    let told: Vec<(bool, i64)> = stage
        .facts()
        .iter()
        .filter_map(|fact| match fact {
            Fact::AccountChanged(fact) => Some((fact.created, fact.account.arr_cents)),
            _ => None,
        })
        .collect();
    assert_eq!(told, [(true, 5_000_000), (true, 5_000_000), (false, 6_000_000)]);

    let refused = answer(&with(description(), "arr_cents", json!(-1))).unwrap_err();
    assert_eq!((refused.status, refused.errors[0].path.as_str()), (422, "arr_cents"));
    let refused = stage.ask("id", "PUT", "/accounts/{id}", "a#b", &description().to_string()).unwrap_err();
    assert_eq!((refused.status, refused.errors[0].path.as_str()), (422, "id"));
}

#[test]
fn a_repeated_description_says_that_it_changes_nothing_now() {
    let stage = stage();
    let put = |id: &str, arr: i64| {
        let body = with(description(), "arr_cents", json!(arr)).to_string();
        stage.ask(id, "PUT", "/accounts/{id}", "acme", &body).unwrap().1["changed"].clone()
    };
    assert_eq!(put("a", 6_000_000), true);
    assert_eq!(put("b", 7_000_000), true);
    assert_eq!(put("a", 6_000_000), false, "the request of before; the account stays as the later one described it");
    assert_eq!(stage.account().arr.cents(), 7_000_000);
}

#[test]
fn a104_an_opt_out_stays_until_somebody_says_that_it_does_not() {
    let stage = stage();
    let put = |id: &str, arr: i64, contact: Option<Value>| {
        let mut body = description();
        body["arr_cents"] = json!(arr);
        if let Some(contact) = contact {
            body["contact"] = contact;
        }
        stage.ask(id, "PUT", "/accounts/{id}", "acme", &body.to_string()).unwrap().1["changed"].clone()
    };
    let wishes = || {
        let profile = stage.doubles.value(&keys::profile(&tenant(), &AccountId::new("acme").unwrap())).unwrap();
        profile["state"]["contact"].clone()
    };
    let out = json!({ "opted_out": true, "time_zone": "Europe/Berlin" });
    assert_eq!((put("a", 1_000, Some(out.clone())), wishes()), (json!(true), out.clone()));
    assert_eq!((put("b", 2_000, None), wishes()), (json!(true), out), "the CRM says nothing of it");
    assert_eq!(put("c", 2_000, None), json!(false));
    assert_eq!((put("d", 2_000, Some(json!({ "opted_out": false }))), wishes()), (json!(true), Value::Null));
    let mut body = description();
    body["contact"] = json!({ "opted_out": true, "time_zone": "Mars" });
    let refused = stage.ask("e", "PUT", "/accounts/{id}", "acme", &body.to_string()).unwrap_err();
    assert_eq!((refused.status, refused.errors[0].path.as_str()), (400, "contact.time_zone"));
}

#[test]
fn with_if_none_match_an_account_is_described_only_where_nobody_has_described_it() {
    let stage = stage();
    let put = |id: &str, account: &str, condition: &str| stage.put_if(condition, id, account);
    let told = stage.facts().len();
    assert_eq!(put("1", "acme", "*"), Err(412));
    assert_eq!((stage.account().arr.cents(), stage.facts().len()), (5_000_000, told), "as it was, and nothing is told");
    assert_eq!(put("2", "globex", "*"), Ok(200));
    assert_eq!(put("2", "globex", "*"), Ok(200), "the same request again is not refused for what it did itself");
    assert_eq!(put("3", "globex", "*"), Err(412));
    assert_eq!(stage.facts().len(), told + 1);
    assert_eq!(put("4", "acme", "\"tag\""), Err(400), "a condition that cannot be read changes nothing");
    assert_eq!(stage.account().arr.cents(), 5_000_000);
}

#[test]
fn a144_what_a_crash_kept_back_goes_out_though_the_repeat_finds_the_account_described() {
    let stage = stage();
    let told = stage.facts().len();
    stage.doubles.fail_next_publish();
    assert_eq!(stage.put_if("*", "1", "globex"), Err(503));
    assert_eq!(stage.put_if("*", "2", "globex"), Err(412));
    assert_eq!(stage.facts().len(), told + 1);
}

#[test]
fn a11_a_silent_source_is_told_once_for_each_silence() {
    let stage = stage();
    let silences = || stage.facts().iter().filter(|fact| matches!(fact, Fact::SourceSilent(_))).count();
    let week = |name: &str| {
        for number in 0..14 {
            stage.pass(24);
            stage.send(&format!("{name}-{number}"), &[stage.usage(&format!("{name}-{number}"))]);
            stage.watch();
        }
    };
    week("first");
    assert_eq!(silences(), 0, "it speaks every day");
    for _ in 0..5 {
        stage.pass(24);
        stage.watch();
    }
    assert_eq!(silences(), 1);
    let Some(Fact::SourceSilent(fact)) = stage.facts().pop() else { panic!("the last fact is the silence") };
    assert_eq!((fact.source.as_str(), fact.cadence_seconds), ("telemetry", 86_400));
    week("second");
    for _ in 0..5 {
        stage.pass(24);
        stage.watch();
    }
    assert_eq!(silences(), 2, "another silence");
}

#[test]
fn a_case_is_told_when_it_opens_and_when_it_changes() {
    let stage = stage();
    let at = |minutes| stage.doubles.now() - SignedDuration::from_mins(minutes);
    let told = || -> Vec<(&'static str, CaseStatus)> {
        let facts = stage.facts();
        let of_case = facts.iter().filter_map(|fact| match fact {
            Fact::CaseOpened(_) => Some(("opened", CaseStatus::Opened)),
            Fact::CaseChanged(fact) => Some(("changed", fact.status)),
            _ => None,
        });
        of_case.collect()
    };
    stage.send("1", &[stage.case("1", "c", "opened", at(60))]);
    assert_eq!(told(), [("opened", CaseStatus::Opened)]);
    stage.send("2", &[stage.case("2", "c", "responded", at(30))]);
    stage.send("3", &[stage.case("2", "c", "responded", at(30))]);
    assert_eq!(told()[1..], [("changed", CaseStatus::Responded)], "the same news is no news");
    assert_eq!(stage.record().open_cases.len(), 1);
    stage.send("4", &[stage.case("3", "c", "resolved", at(10))]);
    assert_eq!(stage.record().open_cases.len(), 0);
    stage.send("5", &[stage.case("4", "late", "opened", at(50)), stage.case("5", "late", "responded", at(40))]);
    assert_eq!(told()[3..], [("opened", CaseStatus::Opened), ("changed", CaseStatus::Responded)], "known at once");
}

#[test]
fn a21_each_turn_of_a_case_is_told_by_one_fact() {
    let stage = stage();
    let at = |minutes| stage.doubles.now() - SignedDuration::from_mins(minutes);
    let news = [("1", "opened", 60), ("2", "responded", 50), ("3", "in_progress", 45), ("4", "resolved", 30)];
    for (id, status, minutes) in news.into_iter().chain([("5", "in_progress", 20), ("6", "resolved", 10)]) {
        stage.send(id, &[stage.case(id, "c", status, at(minutes))]);
    }
    let waited = [("7", "opened", 60), ("8", "waiting_on_customer", 40), ("9", "resolved", 20)];
    stage.send("at once", &waited.map(|(id, status, minutes)| stage.case(id, "d", status, at(minutes))));
    let facts = stage.facts();
    let turns: Vec<(Option<u64>, Option<u64>, bool, bool)> = facts
        .iter()
        .filter_map(|fact| if let Fact::CaseChanged(fact) = fact { Some(fact.turns) } else { None })
        .map(|told| (told.answered_after_seconds, told.resolved_after_seconds, told.at_first_contact, told.reopened))
        .collect();
    let expected = [
        (Some(600), None, false, false),
        (None, None, false, false),
        (None, Some(1_800), true, false),
        (None, None, false, true),
        (None, Some(3_000), false, false),
        // One fact for all that a message did; it waited on the customer.
        (Some(1_200), Some(2_400), false, false),
    ];
    assert_eq!(turns, expected);
}

#[test]
fn a24_what_signals_report_of_the_metrics_of_figures_is_told_with_them() {
    let stage = stage();
    let answer = |id: &str, metric: &str, value: i64, unit: &str| {
        let signal = with(stage.usage(id), "metric", json!(metric));
        with(with(signal, "value", json!(value)), "unit", json!(unit))
    };
    let nps = |id: &str, value| answer(id, "nps_answer", value, "rating");
    stage.send(
        "1",
        &[nps("a", 10), nps("b", 9), nps("c", 7), nps("d", 6), answer("e", "csat", 80, "percent"), stage.usage("f")],
    );
    let Some(Fact::SignalsRecorded(fact)) = stage.facts().pop() else { panic!("{:?}", stage.facts()) };
    let told: Vec<(&str, u32, String, u32, u32)> = fact
        .reported
        .iter()
        .map(|one| (one.metric.name(), one.count, one.sum.to_string(), one.promoters, one.detractors))
        .collect();
    assert_eq!(told, [("nps_answer", 4, "32".into(), 2, 1), ("csat", 1, "80".into(), 0, 0)]);
}

/// A source that names two moments alike: the page keeps the later one, the case whatever was said of it.
#[test]
fn the_same_news_of_a_case_in_any_order_and_batching_leave_the_same_case() {
    let end = |batches: &[&[&str]]| {
        let stage = stage();
        let at = |minutes| stage.doubles.now() - SignedDuration::from_mins(minutes);
        let news: BTreeMap<&str, Value> = BTreeMap::from([
            ("early", stage.case("twin", "c", "opened", at(50))),
            ("late", stage.case("twin", "c", "responded", at(20))),
            ("use", stage.usage("u")),
        ]);
        for (number, batch) in batches.iter().enumerate() {
            let records: Vec<Value> = batch.iter().map(|name| news[name].clone()).collect();
            stage.send(&number.to_string(), &records);
        }
        let case = stage.item(&keys::case(&tenant(), &acme(), &CaseId::new("c").unwrap())).unwrap();
        (table::read::<Case>(&case).unwrap(), stage.page(at(20)), stage.record())
    };
    let expected = end(&[&["early"], &["late"], &["use"]]);
    for batches in [
        &[&["late"][..], &["early"], &["use"]][..],
        &[&["late"], &["early", "use"]],
        &[&["use"], &["late"], &["early"], &["early"]],
    ] {
        assert_eq!(end(batches), expected, "{batches:?}");
    }
}

#[test]
fn what_is_not_for_ingest_is_said_to_be_so() {
    let stage = stage();
    let event = stage.doubles.published().pop().unwrap();
    let failure = block_on(stage.ingest.message(&Incoming::Fact(Box::new(event)), Timestamp::MAX)).unwrap_err();
    assert!(failure.to_string().contains("`AccountChanged` is not for ingest"), "{failure}");
    let tick = Tick { tick: "due_clock".into(), time: stage.doubles.now() };
    assert!(block_on(stage.ingest.tick(&tick)).unwrap_err().to_string().contains("`due_clock`"));
}

proptest! {
    /// Whatever the numbers, what reaches the queue lies in its metric's range, and nothing else is lost.
    #[test]
    fn a31_what_is_accepted_lies_in_its_range(
        records in prop::collection::vec((prop::sample::select(Metric::ALL), any::<f64>(), -10..110_i32, any::<bool>()), 1..20)
    ) {
        let stage = stage();
        let signals: Vec<Value> = records
            .iter()
            .enumerate()
            .map(|(number, (metric, wild, tame, is_tame))| {
                let value = if *is_tame { json!(tame) } else { json!(wild.to_string()) };
                let record = with(stage.usage(&number.to_string()), "metric", json!(metric.name()));
                with(with(record, "unit", json!(metric.unit())), "value", value)
            })
            .collect();
        let (_, answer) = stage.post("any", &json!({ "signals": signals }).to_string()).unwrap();
        let work = stage.doubles.take_work();
        let accepted = work.iter().flat_map(|work| match &work.task {
            Task::RecordSignals(task) => task.signals.clone(),
            Task::Sweep(_) | Task::Deliver(_) => Vec::new(),
        });
        let mut count = 0_usize;
        for signal in accepted {
            let (least, most) = signal.metric.range();
            prop_assert!(least <= signal.value && signal.value <= most, "{signal:?}");
            count += 1;
        }
        prop_assert_eq!(&answer["accepted"], &json!(count));
        prop_assert_eq!(stage.quarantine().len(), signals.len() - count);
    }
}

#[test]
fn what_came_in_on_a_day_is_read_as_it_was_sent() {
    let stage = stage();
    let at = stage.doubles.now() - SignedDuration::from_hours(1);
    let sent = [stage.usage_at("1", at), stage.case("2", "c-1", "opened", at)];
    stage.send("batch", &sent);
    let day = domain::day::Day::of(at).to_string();
    let read = |account: &str, day: &str, query: &[(&str, &str)]| {
        let request = Request {
            method: "GET".into(),
            route: "/accounts/{id}/signals/{day}".into(),
            parameters: BTreeMap::from([("id".into(), account.into()), ("day".into(), day.into())]),
            query: query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            ..Request::default()
        };
        let response = block_on(stage.ingest.call(&caller("t", "kim"), &request)).map_err(|problem| problem.status)?;
        Ok::<_, u16>(serde_json::from_str::<contract::ingest::SignalsOfDay>(&response.body).unwrap().signals)
    };
    let bodies = sent.map(|signal| serde_json::from_value::<contract::signal::SignalBody>(signal).unwrap());
    let all: BTreeSet<String> = bodies.iter().map(|body| format!("{body:?}")).collect();
    let found = read("acme", &day, &[]).unwrap();
    assert_eq!(found.iter().map(|body| format!("{body:?}")).collect::<BTreeSet<_>>(), all);
    assert_eq!(read("acme", &day, &[("metric", "case_event")]).unwrap(), bodies[1..]);
    assert_eq!(read("acme", "2001-01-01", &[]), Ok(vec![]));
    assert_eq!((read("nobody", &day, &[]), read("acme", "Monday", &[])), (Err(404), Err(422)));
}

#[test]
fn a98_a_chatbot_that_hands_over_twice_opens_one_case() {
    let stage = stage();
    let handoff = |id: &str, minutes| {
        let at = stage.doubles.now() - SignedDuration::from_mins(minutes);
        with(stage.case(id, "handoff-7", "opened", at), "source", json!("chatbot"))
    };
    stage.send("once", &[handoff("h-1", 9), stage.usage("u")]);
    stage.send("again", &[handoff("h-1", 9)]);
    stage.send("under another name", &[handoff("h-2", 5)]);
    let opened = stage.facts().into_iter().filter(|fact| matches!(fact, Fact::CaseOpened(_))).count();
    let case = stage.item(&keys::case(&tenant(), &acme(), &CaseId::new("handoff-7").unwrap()));
    assert_eq!((opened, case.is_some()), (1, true));
}

#[test]
fn a72_what_support_came_to_is_answered_from_the_cases() {
    let stage = stage();
    let at = |minutes| stage.doubles.now() - SignedDuration::from_mins(minutes);
    let (opened, resolved) = (stage.case("1", "c", "opened", at(600)), stage.case("2", "c", "resolved", at(60)));
    stage.send("1", &[opened, resolved, stage.case("3", "d", "opened", at(5))]);
    let route = "/accounts/{id}/support";
    let (status, answer) = stage.ask("a", "GET", route, "acme", "").unwrap();
    assert_eq!((status, &answer["resolved"], &answer["open"]), (200, &json!(1), &json!(1)), "{answer}");
    assert_eq!(answer["resolution"], json!({ "count": 1, "p50_seconds": 540 * 60, "p90_seconds": 540 * 60 }));
    assert_eq!(answer["opened"].as_object().unwrap().values().map(|count| count.as_u64().unwrap()).sum::<u64>(), 2);
    assert_eq!(stage.ask("b", "GET", route, "nobody", "").unwrap_err().status, 404);
}

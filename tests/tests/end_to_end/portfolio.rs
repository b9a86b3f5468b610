//! A portfolio of a tenant of its own, laid down as ingest leaves it, and a scheduled run over it.
//!
//! Two hundred accounts, because each call goes through LocalStack and takes some tens of milliseconds there;
//! `CS_OPS_TEST_ACCOUNTS=2000` makes them more. At that pace the ten pages of a batch are not done within the function's
//! minute, so the run ends only because each page stops in time and its rest goes on.

use crate::deployed::Deployed;
use bytes::Bytes;
use domain::account::{Account, LifecycleStage, Money, Segment};
use domain::day::Day;
use domain::fixed::Quantity;
use domain::id::{AccountId, SignalId, SourceId, TenantId};
use domain::page::Page;
use domain::record::AccountRecord;
use domain::signal::{Detail, Metric, Signal};
use jiff::{SignedDuration, Timestamp};
use platform::environment::Environment;
use platform::keys;
use platform::table::{self, Expect, Key, MAX_WRITES, Range, Table, Write};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const TENANT: &str = "many";
/// What is known of every account, with the least that it may be.
const KNOWN: [(Metric, i32); 9] = [
    (Metric::Uptime, 97),
    (Metric::MigrationSuccess, 90),
    (Metric::ErrorRate, 0),
    (Metric::ResponseTime, 50),
    (Metric::CostSaving, 60),
    (Metric::EffortReduction, 70),
    (Metric::FeatureAdoption, 60),
    (Metric::Csat, 80),
    (Metric::TrainingCompletion, 70),
];

/// How long a run may take.
const LIMIT: Duration = Duration::from_secs(900);

/// Fires the schedule twice over a portfolio: each account is scored once, and where nothing changed nothing is written.
/// The other functions listen meanwhile: rates and calls of the first run are of all of them.
pub fn a39_a_run_over_a_portfolio_scores_each_account_once(set: &Deployed) {
    let accounts = Environment::process().get("CS_OPS_TEST_ACCOUNTS").map_or(200, |number| number.parse().unwrap());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let table = set.table();
    runtime.block_on(lay_down(&table, accounts, set.began));
    for (number, changed) in [(1, accounts as u64), (2, 0)] {
        let slot = set.began + SignedDuration::from_secs(number);
        // What the other functions make of the run before is not this one's.
        set.settled(&[]);
        let (began, before, mut looks) = (now(), set.table_calls(), 0);
        set.tick("ScoreFunction", &json!({ "tick": "score_run", "time": slot }));
        let done = set.wait_within(LIMIT, "the end of the run", || {
            looks += 1;
            runtime.block_on(standing(&table, slot))
        });
        let each = |calls: usize| calls as f64 / accounts as f64;
        let rate = accounts as f64 / began.elapsed().as_secs_f64();
        let after = set.table_calls();
        // A look at the run that is not over yet is one read, or two.
        let reads = each(after.reads - before.reads - looks);
        let writes = each(after.writes - before.writes);
        println!(
            "LocalStack: run {number} over {accounts} accounts, {changed} of them new: {rate:.1} accounts/s, \
             {reads:.2} reads and {writes:.2} writes an account",
        );
        assert_eq!(done, (accounts as u64, changed));
        assert!(changed > 0 || (reads < 1.5 && writes < 0.5), "nothing changed: {reads} reads, {writes} writes");
    }
    runtime.block_on(each_was_scored_once(&table, accounts));
}

/// Hundreds of messages come in, and after them a critical case: it is with people while others of them still wait.
pub fn a5_a_critical_case_is_taken_on_before_what_came_earlier(set: &Deployed) {
    let scopes = ["cs-ops.ingest.write", "cs-ops.escalate.read"];
    let token = format!("Bearer {}", set.token(TENANT, &scopes));
    let post = |key: &str, signals: &[Value]| {
        let headers = [("authorization", token.as_str()), ("idempotency-key", key)];
        let (status, answer) = set.ask("POST", "/signals", &headers, Some(&json!({ "signals": signals })));
        assert_eq!((status, &answer["refused"]), (202, &json!(0)), "{answer}");
    };
    for age in 1..=3 {
        let at = set.began - SignedDuration::from_hours(24 * age);
        let usage = |number| {
            json!({
                "source": "telemetry", "id": format!("u-{age}"), "account": account(number).id, "at": at,
                "metric": "active_users", "value": 50, "unit": "count",
            })
        };
        post(&format!("usage-{age}"), &(0..200).map(usage).collect::<Vec<_>>());
    }
    let case = json!({ "id": "case-1", "severity": "critical", "status": "opened" });
    let signal = json!({
        "source": "support", "id": "c-1", "account": account(0).id, "at": set.began,
        "metric": "case_event", "value": 1, "unit": "count", "case": case,
    });
    post("critical", &[signal]);
    set.wait_for("the escalation of the critical case", || {
        let (_, body) = set.ask("GET", "/escalations/active", &[("authorization", &token)], None);
        body["escalations"].as_array()?.iter().any(|one| one["severity"] == "critical").then_some(())
    });
    let waiting = set.waiting("SignalsQueue");
    println!("LocalStack: a critical case was with people while {waiting} of 600 earlier messages waited");
    assert!(waiting > 0, "everything that came before it was done first, or too little came");
}

async fn lay_down(table: &impl Table, accounts: usize, now: Timestamp) {
    let mut writes = vec![put(keys::tenant_entry(&tenant()), &json!({}))];
    for number in 0..accounts {
        let account = account(number);
        writes.push(put(keys::profile(&tenant(), &account.id), &json!({ "state": account })));
        writes.push(put(keys::series(&tenant(), &account.id), &json!({ "state": record(number, now) })));
        writes.push(put(keys::shard_entry(&tenant(), &account.id), &json!({})));
        if writes.len() + 3 > MAX_WRITES || number + 1 == accounts {
            table.commit(std::mem::take(&mut writes)).await.unwrap();
        }
    }
}

fn tenant() -> TenantId {
    TenantId::new(TENANT).unwrap()
}

fn account(number: usize) -> Account {
    Account {
        id: AccountId::new(format!("account-{number:04}")).unwrap(),
        name: format!("Account {number}"),
        arr: Money::from_cents(1_000_000),
        segment: Segment::Enterprise,
        stage: LifecycleStage::Steady,
        renewal_on: None,
        owner: None,
        contact: Default::default(),
    }
}

fn record(number: usize, now: Timestamp) -> AccountRecord {
    let mut page = Page::new(Day::of(now));
    page.merge(KNOWN.iter().enumerate().map(|(place, (metric, least))| Signal {
        at: now,
        source: SourceId::new("telemetry").unwrap(),
        id: SignalId::new(metric.name()).unwrap(),
        metric: *metric,
        value: Quantity::whole(least + i32::try_from((number + place) % 3).unwrap()),
        detail: Detail::None,
    }));
    let mut record = AccountRecord::default();
    record.series.set(Day::of(now), page.fold());
    record
}

fn put(key: Key, body: &Value) -> Write {
    let body: Bytes = table::body(body).unwrap();
    Write::Put { key, expect: Expect::Absent, body, expires_at: None }
}

/// How many accounts a run has visited, and how many it changed, when every shard of it is done.
async fn standing(table: &impl Table, slot: Timestamp) -> Option<(u64, u64)> {
    // The next run may begin when the lock is released, which is the last thing that this one does.
    let lock = table.get(&keys::run_lock(&tenant(), "score")).await.unwrap()?;
    let lock: Value = table::read(&lock).unwrap();
    if lock["run"] != format!("score_run@{slot}") || lock["released"] != json!(true) {
        return None;
    }
    let pk = keys::run(&tenant(), "score", "").pk;
    let shards = table::query_all(table, Range::prefix(pk, &format!("score_run@{slot}#"))).await.unwrap();
    let shards: Vec<Value> = shards.iter().map(|item| table::read(item).unwrap()).collect();
    let done = shards.iter().filter(|shard| shard["open"] == json!({})).count();
    let sum = |of: &dyn Fn(&Value) -> u64| shards.iter().map(of).sum();
    (done == keys::PORTFOLIO_SHARDS as usize).then(|| {
        (sum(&|shard| shard["accounts"].as_u64().unwrap()), sum(&|shard| shard["sum"]["changed"].as_u64().unwrap()))
    })
}

async fn each_was_scored_once(table: &impl Table, accounts: usize) {
    for number in 0..accounts {
        let id = account(number).id;
        let scores = Range::prefix(keys::account(&tenant(), &id), "score#");
        assert_eq!(table::query_all(table, scores).await.unwrap().len(), 1, "{id}");
    }
}

#[expect(clippy::disallowed_methods, reason = "how long something takes is told by the machine's clock")]
fn now() -> Instant {
    Instant::now()
}

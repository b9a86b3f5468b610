//! The AWS adapters on LocalStack: the table is held to the same suite as the embedded one, the bus and the queue take
//! more than fits into one call.

use contract::event::{Cause, Event, RecordsQuarantined};
use contract::message::{Sweep, Task, Work, cause_id};
use domain::id::TenantId;
use platform::bus::Bus;
use platform::clock::{Clock, WallClock};
use platform::environment::Environment;
use platform::lambda::aws::Aws;
use platform::queue::Queue;
use platform::table::conformance::{CASES, Fixture};
use serde_json::Value;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tests::localstack::{Emulator, TimedOut, wait_until};

#[test]
fn the_adapters_keep_their_promises_on_localstack() {
    let emulator = Emulator::start().unwrap();
    let environment = Environment::of([
        ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("AWS_ENDPOINT_URL", &emulator.endpoint()),
    ]);
    let aws = Aws::new(&environment).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        the_table_conforms(&emulator, &aws).await;
        the_bus_takes_more_than_a_call_holds(&emulator, &aws).await;
        the_queue_takes_more_than_a_call_holds(&emulator, &aws).await;
    });
    emulator.stop().unwrap();
}

async fn the_table_conforms(emulator: &Emulator, aws: &Aws) {
    let table = aws.table("conformance", Arc::new(WallClock));
    let attributes = ["AttributeName=pk,AttributeType=S", "AttributeName=sk,AttributeType=S"];
    let keys = ["AttributeName=pk,KeyType=HASH", "AttributeName=sk,KeyType=RANGE"];
    let create = ["dynamodb", "create-table", "--table-name", "conformance", "--billing-mode", "PAY_PER_REQUEST"];
    let arguments = [&create, &["--attribute-definitions"][..], &attributes, &["--key-schema"], &keys].concat();
    emulator.aws(&arguments).unwrap();
    let mut broken = Vec::new();
    for case in CASES {
        let fixture = Fixture::new(&table, WallClock.now(), case.name);
        if let Err(what) = (case.run)(&fixture).await {
            broken.push(format!("{}: {what}", case.name));
        }
    }
    assert!(broken.is_empty(), "of {} promises {} do not hold:\n{}", CASES.len(), broken.len(), broken.join("\n"));
}

fn cause() -> Cause {
    Cause { tenant: TenantId::new("t1").unwrap(), correlation_id: "c1".into(), causation_id: "r1".into() }
}

async fn the_bus_takes_more_than_a_call_holds(emulator: &Emulator, aws: &Aws) {
    let run = |arguments: &[&str]| emulator.aws(arguments).unwrap();
    run(&["events", "create-event-bus", "--name", "cs-ops"]);
    let queue = run(&["sqs", "create-queue", "--queue-name", "facts"]);
    let url = queue["QueueUrl"].as_str().unwrap();
    run(&[
        "events",
        "put-rule",
        "--name",
        "all",
        "--event-bus-name",
        "cs-ops",
        "--event-pattern",
        r#"{"source":[{"prefix":"cs-ops."}]}"#,
    ]);
    let target = "Id=queue,Arn=arn:aws:sqs:us-east-1:000000000000:facts";
    run(&["events", "put-targets", "--rule", "all", "--event-bus-name", "cs-ops", "--targets", target]);

    let now = WallClock.now();
    let event = |n: usize| {
        let fact = RecordsQuarantined { count: 1, quarantine_ids: vec!["q".repeat(20_000)] };
        Event::new(&cause(), None, &n.to_string(), now, fact)
    };
    let events: Vec<Event> = (0..25).map(event).collect();
    aws.bus("cs-ops").publish(&events).await.unwrap();
    let received = drain(emulator, url, events.len());
    let ids: BTreeSet<&str> =
        received.iter().map(|body| body["detail"]["meta"]["event_id"].as_str().unwrap()).collect();
    assert_eq!(ids, events.iter().map(|event| event.meta.event_id.as_str()).collect());
}

async fn the_queue_takes_more_than_a_call_holds(emulator: &Emulator, aws: &Aws) {
    let queue = emulator.aws(&["sqs", "create-queue", "--queue-name", "work"]).unwrap();
    let url = queue["QueueUrl"].as_str().unwrap();
    let sweep = |shard: u32| Work {
        work_id: cause_id(&format!("w{shard}")),
        tenant: cause().tenant,
        correlation_id: "c1".into(),
        task: Task::Sweep(Sweep { run: "r".repeat(30_000), at: WallClock.now(), shard, after: None }),
    };
    let work: Vec<Work> = (0..16).map(sweep).collect();
    aws.queue(url).send(&work).await.unwrap();
    let received = drain(emulator, url, work.len());
    let ids: BTreeSet<&str> = received.iter().map(|body| body["work_id"].as_str().unwrap()).collect();
    assert_eq!(ids, work.iter().map(|work| work.work_id.as_str()).collect());
    assert!(aws.queue(format!("{url}-that-is-not-there")).send(&work[..1]).await.is_err());
}

/// So many messages of the queue, as JSON.
fn drain(emulator: &Emulator, url: &str, count: usize) -> Vec<Value> {
    let mut bodies = Vec::new();
    let arguments =
        ["sqs", "receive-message", "--queue-url", url, "--max-number-of-messages", "10", "--wait-time-seconds", "1"];
    let all = wait_until(Duration::from_secs(60), "the messages", || -> Result<_, TimedOut> {
        let answer = emulator.aws(&arguments).unwrap_or_default();
        let messages = answer["Messages"].as_array().cloned().unwrap_or_default();
        bodies.extend(messages.iter().map(|message| serde_json::from_str(message["Body"].as_str().unwrap()).unwrap()));
        Ok((bodies.len() >= count).then_some(()))
    });
    all.unwrap();
    bodies
}

//! The wiring of a small template, and what is said when a template has a hole.

use super::*;
use serde_json::json;

const SMALL: &str = r#"
Parameters:
  Every: {Type: String, Default: rate(2 hours)}
  Nothing: {Type: String}
Resources:
  Letters: {Type: "AWS::SQS::Queue"}
  Work:
    Type: AWS::SQS::Queue
    Properties:
      VisibilityTimeout: 60
      RedrivePolicy: {deadLetterTargetArn: !GetAtt Letters.Arn, maxReceiveCount: 5}
      Tags: [{Key: lane, Value: bulk}]
  Worker:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: ../target/lambda/score/
      Events:
        Health: {Type: Api, Properties: {Path: "/a/{id}", Method: get, RestApiId: !Ref Api}}
        Work: {Type: SQS, Properties: {Queue: !GetAtt Work.Arn, BatchSize: 10}}
  Facts:
    Type: AWS::Events::Rule
    Properties:
      EventPattern: {source: [one, {prefix: two.}], detail-type: [Happened]}
      Targets: [{Id: work, Arn: !GetAtt Work.Arn}]
  Clock:
    Type: AWS::Events::Rule
    Properties:
      ScheduleExpression: !Ref Every
      Targets:
        - Id: worker
          Arn: !GetAtt Worker.Arn
          InputTransformer:
            InputPathsMap: {time: $.time}
            InputTemplate: '{"tick":"score_run","time":<time>}'
"#;

fn read(text: &str) -> Result<Wiring, WiringError> {
    Wiring::read(text, &BTreeMap::new())
}

/// The small template with one place changed.
fn changed(from: &str, to: &str) -> String {
    assert!(SMALL.contains(from), "`{from}` is not in the template");
    SMALL.replacen(from, to, 1)
}

#[track_caller]
fn refuses(from: &str, to: &str, expected: &str) {
    assert_eq!(read(&changed(from, to)).unwrap_err().to_string(), expected);
}

#[test]
fn everything_that_is_connected_is_found() {
    let pattern = Pattern {
        sources: vec![SourcePattern::Exactly("one".into()), SourcePattern::Prefix("two.".into())],
        detail_types: vec!["Happened".into()],
        data: BTreeMap::new(),
    };
    let expected = Wiring {
        routes: vec![RouteWiring { function: "score".into(), method: "GET".into(), path: "/a/{id}".into() }],
        queues: vec![QueueWiring {
            name: "Work".into(),
            consumer: "score".into(),
            lane: Lane::Bulk,
            batch_size: 10,
            max_receive_count: 5,
            visibility_seconds: 60,
            dead_letters: "Letters".into(),
        }],
        rules: vec![RuleWiring { name: "Facts".into(), pattern, queue: "Work".into() }],
        schedules: vec![ScheduleWiring {
            name: "Clock".into(),
            function: "score".into(),
            tick: "score_run".into(),
            every_seconds: 7_200,
        }],
    };
    assert_eq!(read(SMALL).unwrap(), expected);
}

#[test]
fn a_given_parameter_stands_before_its_default() {
    let given = BTreeMap::from([("Every".to_owned(), "rate(1 minute)".to_owned())]);
    assert_eq!(Wiring::read(SMALL, &given).unwrap().schedules[0].every_seconds, 60);
    let misspelt = BTreeMap::from([("Evry".to_owned(), "rate(1 minute)".to_owned())]);
    assert_eq!(Wiring::read(SMALL, &misspelt).unwrap_err().to_string(), "the template has no parameter `Evry`");
}

#[test]
fn a_rule_takes_a_fact_when_source_and_type_fit() {
    let matches = |text: &str, source, fact| {
        read(text).unwrap().rules[0].pattern.matches(source, fact, || panic!("the data do not matter"))
    };
    assert!(matches(SMALL, "one", "Happened"));
    assert!(matches(SMALL, "two.a", "Happened"));
    assert!(!matches(SMALL, "one.a", "Happened"));
    assert!(!matches(SMALL, "one", "Else"));
    assert!(matches(&changed(", detail-type: [Happened]", ""), "one", "Else"));
}

#[test]
fn a_rule_takes_a_fact_by_its_data() {
    let matches = |patterns: &str, data: serde_json::Value| {
        let text = changed("detail-type: [Happened]", &format!("detail: {{data: {{to: {patterns}}}}}"));
        read(&text).unwrap().rules[0].pattern.matches("one", "Happened", || &data)
    };
    let (critical, healthy, none) = (json!({"to": "critical"}), json!({"to": "healthy"}), json!({"from": "critical"}));
    for (patterns, taken) in [
        ("[critical]", [true, false, false]),
        ("[critical, healthy]", [true, true, false]),
        ("[{anything-but: [critical]}]", [false, true, false]),
        ("[{exists: false}]", [false, false, true]),
        ("[{exists: false}, {anything-but: [critical]}]", [false, true, true]),
    ] {
        assert_eq!([&critical, &healthy, &none].map(|data| matches(patterns, data.clone())), taken, "{patterns}");
    }
    for (from, to, expected) in [
        ("detail-type: [Happened]", "detail: {meta: {a: [b]}}", "detail.meta`: only `data` is known here"),
        (
            "detail-type: [Happened]",
            "detail: {data: {a: [{exists: true}]}}",
            "detail.data.a.0`: only `{exists: false}` is known here",
        ),
        ("Value: bulk", "Value: slow", "Tags.0.Value`: `slow` is none of `urgent`, `standard`, `bulk`"),
        ("Key: lane", "Key: lone", "Tags`: no tag is called `lane`"),
    ] {
        let error = read(&changed(from, to)).unwrap_err().to_string();
        assert!(error.ends_with(expected), "{error}");
    }
}

#[test]
fn what_is_missing_is_named_with_its_path() {
    refuses(
        "VisibilityTimeout: 60",
        "DelaySeconds: 1",
        "template at `Resources.Work.Properties`: `VisibilityTimeout` is missing",
    );
    refuses(
        "maxReceiveCount: 5",
        "maxReceives: 5",
        "template at `Resources.Work.Properties.RedrivePolicy`: `maxReceiveCount` is missing",
    );
    refuses(
        ", BatchSize: 10",
        "",
        "template at `Resources.Worker.Properties.Events.Work.Properties`: `BatchSize` is missing",
    );
    refuses(
        "\"tick\":",
        "\"tock\":",
        "template at `Resources.Clock.Properties.Targets.0.InputTransformer.InputTemplate`: names no `tick`",
    );
}

#[test]
fn what_points_nowhere_is_named_with_its_path() {
    refuses(
        "!GetAtt Letters.Arn",
        "!GetAtt Worker.Arn",
        "template at `Resources.Work.Properties.RedrivePolicy.deadLetterTargetArn`: there is no `AWS::SQS::Queue` called `Worker`",
    );
    refuses(
        "!Ref Every",
        "!Ref Ever",
        "template at `Resources.Clock.Properties.ScheduleExpression`: there is no parameter `Ever`",
    );
    refuses(
        "!Ref Every",
        "!Ref Nothing",
        "template at `Resources.Clock.Properties.ScheduleExpression`: parameter `Nothing` has no default and was not given",
    );
}

#[test]
fn what_the_local_host_could_not_follow_is_refused() {
    refuses(
        "!Ref Every",
        "cron(0 1 * * ? *)",
        "template at `Resources.Clock.Properties.ScheduleExpression`: `cron(0 1 * * ? *)` is not of the form `rate(5 minutes)`",
    );
    refuses(
        "source: [one, {prefix: two.}]",
        "source: [one], account: [x]",
        "template at `Resources.Facts.Properties.EventPattern.account`: only `source`, `detail-type` and `detail.data` are known here",
    );
    refuses(
        "Type: Api",
        "Type: HttpApi",
        "template at `Resources.Worker.Properties.Events.Health`: events of type `HttpApi` are not known here",
    );
    refuses(
        "BatchSize: 10",
        "BatchSize: 0",
        "template at `Resources.Worker.Properties.Events.Work.Properties.BatchSize`: `0` is not a whole number from 1 on",
    );
}

#[test]
fn a_rate_is_counted_in_seconds() {
    for (rate, expected) in
        [("rate(1 minute)", 60), ("rate(5 minutes)", 300), ("rate(1 hour)", 3_600), ("rate(2 days)", 172_800)]
    {
        assert_eq!(read(&changed("rate(2 hours)", rate)).unwrap().schedules[0].every_seconds, expected);
    }
    for broken in ["rate(0 minutes)", "rate(minute)", "rate(1 week)", "rate(-1 hours)", "1 hour"] {
        assert!(read(&changed("rate(2 hours)", broken)).is_err(), "{broken}");
    }
}

/// The template that is deployed has the wiring of the architecture.
#[test]
fn the_deployed_template_can_be_read() {
    let text = include_str!("../../../../infra/template.yaml");
    let wiring = read(text).unwrap();
    let consumers = wiring.queues.iter().map(|queue| (queue.name.as_str(), queue.consumer.as_str(), queue.lane));
    let consumers: Vec<_> = consumers.collect();
    let expected = [
        ("EscalationsQueue", "escalate", Lane::Standard),
        ("EscalationsUrgentQueue", "escalate", Lane::Urgent),
        ("SignalsQueue", "ingest", Lane::Standard),
        ("SignalsBulkQueue", "ingest", Lane::Bulk),
        ("SignalsUrgentQueue", "ingest", Lane::Urgent),
        ("FactsQueue", "report", Lane::Standard),
        ("ScoresQueue", "score", Lane::Standard),
        ("ScoresBulkQueue", "score", Lane::Bulk),
        ("TriggersQueue", "trigger", Lane::Standard),
        ("TriggersBulkQueue", "trigger", Lane::Bulk),
        ("TriggersUrgentQueue", "trigger", Lane::Urgent),
    ];
    assert_eq!(consumers, expected);
    let ticks: Vec<_> =
        wiring.schedules.iter().map(|schedule| (schedule.tick.as_str(), schedule.every_seconds)).collect();
    let expected = [
        ("capacity_watch", 3_600),
        ("due_clock", 60),
        ("papers", 86_400),
        ("rule_sweep", 3_600),
        ("score_run", 86_400),
        ("source_watch", 3_600),
    ];
    assert_eq!(ticks, expected);
}

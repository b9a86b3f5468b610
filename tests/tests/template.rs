//! Holds `infra/template.yaml` to the architecture where LocalStack cannot show it: retries and dead letters of rules,
//! rights, logs, alarms, the table's protection.

#[path = "template/alarms.rs"]
mod alarms;
#[path = "template/document.rs"]
mod document;
#[path = "template/rights.rs"]
mod rights;

use contract::message::Lane;
use document::{
    FUNCTIONS, TEXT, attribute, document, function, list, of_type, pointed_at, properties, reference, resource,
};
use document::{targets, wiring};
use domain::band::Band;
use domain::signal::Severity;
use local::wiring::SourcePattern;
use platform::http::{BASE, Route};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

const FOURTEEN_DAYS: u64 = 14 * 24 * 60 * 60;

#[track_caller]
fn seconds(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("not a number: {value}"))
}

#[test]
fn a6_every_queue_has_dead_letters_that_outlive_it() {
    let queues = wiring().queues;
    assert_eq!(queues.len(), 11);
    for queue in queues {
        let lane = match queue.lane {
            Lane::Urgent => "UrgentQueue",
            Lane::Standard => "Queue",
            Lane::Bulk => "BulkQueue",
        };
        let function = queue.name.strip_suffix(lane).unwrap_or_else(|| panic!("{} is not of its lane", queue.name));
        assert_eq!(queue.dead_letters, format!("{function}DeadLetters"), "the lanes of a function share them");
        assert_eq!(queue.max_receive_count, 5, "{}", queue.name);
        let kept = seconds(&properties(&queue.name)["MessageRetentionPeriod"]);
        assert!(kept < FOURTEEN_DAYS, "{}", queue.name);
    }
    for name in document::dead_letters() {
        assert_eq!(properties(&name)["MessageRetentionPeriod"], FOURTEEN_DAYS, "{name}");
    }
}

#[test]
fn a_message_stays_unseen_for_six_times_as_long_as_its_function_may_take() {
    for queue in wiring().queues {
        let prefix = FUNCTIONS.iter().find(|(name, _)| *name == queue.consumer).unwrap().1;
        let timeout = seconds(&properties(&format!("{prefix}Function"))["Timeout"]);
        assert!(u64::from(queue.visibility_seconds) >= 6 * timeout, "{}", queue.name);
    }
}

#[test]
fn every_queue_is_encrypted_and_no_queue_is_left_alone() {
    let used = document::dead_letters().len() + wiring().queues.len();
    let queues = of_type("AWS::SQS::Queue");
    assert_eq!(queues.len(), used);
    for (id, queue) in queues {
        assert_eq!(queue["SqsManagedSseEnabled"], true, "{id}");
    }
}

#[test]
fn every_target_of_a_rule_has_dead_letters_and_a_retry_policy() {
    let targets = targets();
    assert_eq!(targets.len(), 12);
    for (rule, target) in targets {
        let is_schedule = !properties(&rule)["ScheduleExpression"].is_null();
        let letters = if is_schedule { "MissedTicks" } else { "UndeliveredFacts" };
        assert_eq!(target["DeadLetterConfig"]["Arn"], attribute(letters, "Arn"), "{rule}");
        assert!(target["RetryPolicy"]["MaximumRetryAttempts"].as_u64().is_some_and(|tries| tries <= 185), "{rule}");
        let age = seconds(&target["RetryPolicy"]["MaximumEventAgeInSeconds"]);
        assert!((60..=86_400).contains(&age), "{rule}");
        let admitted = list(
            &properties(&format!("{letters}Policy"))["PolicyDocument"]["Statement"][0]["Condition"]["ArnEquals"]["aws:SourceArn"],
        );
        assert!(admitted.contains(&attribute(&rule, "Arn")), "{letters} does not take from {rule}");
    }
}

#[test]
fn the_rules_carry_each_fact_to_those_who_need_it() {
    let rules = wiring().rules;
    let queues_by = |source: &str, fact: &str, data: &Value| -> Vec<String> {
        let fitting = rules.iter().filter(|rule| rule.pattern.matches(source, fact, || data));
        fitting.map(|rule| rule.queue.trim_end_matches("Queue").to_owned()).collect()
    };
    let queues = |source: &str, fact: &str| queues_by(source, fact, &json!({"severity": "high", "to": "at_risk"}));
    assert_eq!(queues("cs-ops.ingest", "SignalsRecorded"), ["Facts", "Scores", "Triggers"]);
    assert_eq!(queues("cs-ops.ingest", "AccountChanged"), ["Facts", "Scores", "Triggers"]);
    assert_eq!(queues("cs-ops.ingest", "SourceSilent"), ["Facts", "Triggers"]);
    assert_eq!(queues("cs-ops.ingest", "DataQualityChanged"), ["Facts"]);
    for fact in ["HealthScored", "BandChanged", "AnomalyFound", "RiskChanged"] {
        assert_eq!(queues("cs-ops.score", fact), ["Facts", "Triggers"], "{fact}");
    }
    for (source, fact) in [("ingest", "CaseOpened"), ("ingest", "CaseChanged"), ("trigger", "EscalationRequested")] {
        let source = format!("cs-ops.{source}");
        assert_eq!(queues(&source, fact), ["Escalations", "Facts"], "{fact}");
        assert_eq!(
            queues_by(&source, fact, &json!({})),
            ["Escalations", "Facts"],
            "{fact} that says nothing is not lost"
        );
        for severity in [Severity::Critical, Severity::High, Severity::Medium, Severity::Low] {
            let lane = if severity == Severity::Critical { "EscalationsUrgent" } else { "Escalations" };
            let queues = queues_by(&source, fact, &json!({"severity": severity}));
            assert_eq!(queues, [lane, "Facts"], "{fact}, {severity:?}, in one lane");
        }
    }
    for band in Band::ALL {
        let lane = if band <= Band::Critical { "TriggersUrgent" } else { "Triggers" };
        let queues: BTreeSet<_> = queues_by("cs-ops.score", "BandChanged", &json!({"to": band})).into_iter().collect();
        assert_eq!(queues, ["Facts", lane].map(str::to_owned).into(), "{band:?}, in one lane");
    }
    assert_eq!(queues_by("cs-ops.trigger", "EffectRequested", &json!({})), ["Escalations", "Facts"]);
    assert_eq!(queues("cs-ops.trigger", "CtaOpened"), ["Facts"]);
    assert_eq!(queues("cs-ops.escalate", "EscalationOpened"), ["Facts"]);
    assert_eq!(queues("somebody.else", "SignalsRecorded"), Vec::<String>::new());
    assert!(rules.iter().any(|rule| rule.pattern.sources == [SourcePattern::Prefix("cs-ops.".into())]));
}

#[test]
fn a_queue_lets_its_rule_in() {
    for rule in wiring().rules {
        let policies = of_type("AWS::SQS::QueuePolicy");
        let policy = policies.iter().find(|(_, policy)| policy["Queues"] == json!([reference(&rule.queue)]));
        let statement =
            &policy.unwrap_or_else(|| panic!("{} has no policy", rule.queue)).1["PolicyDocument"]["Statement"][0];
        assert_eq!(statement["Resource"], attribute(&rule.queue, "Arn"));
        assert_eq!(list(&statement["Condition"]["ArnEquals"]["aws:SourceArn"]), [attribute(&rule.name, "Arn")]);
    }
}

#[test]
fn every_schedule_may_call_its_function_and_says_when_it_did() {
    let called: BTreeMap<_, _> =
        wiring().schedules.into_iter().map(|one| (one.name, (one.function, one.tick))).collect();
    let expected = [
        ("CapacityWatch", "report", "capacity_watch"),
        ("DueClock", "escalate", "due_clock"),
        ("PapersRun", "report", "papers"),
        ("RuleSweep", "trigger", "rule_sweep"),
        ("ScoreRun", "score", "score_run"),
        ("SourceWatch", "ingest", "source_watch"),
    ];
    assert_eq!(
        called,
        expected.map(|(name, function, tick)| (name.to_owned(), (function.to_owned(), tick.to_owned()))).into()
    );
    for name in called.keys() {
        let target = &properties(name)["Targets"][0];
        assert_eq!(target["InputTransformer"]["InputPathsMap"], json!({"time": "$.time"}), "{name}");
        assert!(target["InputTransformer"]["InputTemplate"].as_str().unwrap().contains("\"time\":<time>"), "{name}");
        let permission = properties(&format!("{name}Permission"));
        assert_eq!(permission["FunctionName"], reference(&pointed_at(&target["Arn"])));
        assert_eq!(permission["SourceArn"], attribute(name, "Arn"));
        assert_eq!(permission["Principal"], "events.amazonaws.com");
    }
}

#[test]
fn a_call_that_a_function_fails_on_is_kept() {
    for schedule in wiring().schedules {
        let prefix = FUNCTIONS.iter().find(|(name, _)| *name == schedule.function).unwrap().1;
        let calls = &function(prefix)["EventInvokeConfig"];
        let kept = &calls["DestinationConfig"]["OnFailure"];
        assert_eq!(kept, &json!({"Type": "SQS", "Destination": attribute("MissedTicks", "Arn")}), "{prefix}");
        assert!(calls["MaximumRetryAttempts"].is_u64() && calls["MaximumEventAgeInSeconds"].is_u64(), "{prefix}");
    }
}

#[test]
fn every_function_is_traced_and_logs_json_into_a_group_that_forgets() {
    for (name, prefix) in FUNCTIONS {
        let function = function(prefix);
        assert_eq!(function["FunctionName"], json!({"Fn::Sub": format!("${{AWS::StackName}}-{name}")}));
        assert_eq!(function["CodeUri"], format!("../target/lambda/{name}/"));
        assert_eq!((&function["Runtime"], &function["Handler"]), (&json!("provided.al2023"), &json!("bootstrap")));
        assert_eq!(function["Architectures"], json!([reference("Architecture")]));
        assert_eq!(function["Tracing"], "Active");
        assert_eq!(function["LoggingConfig"]["LogFormat"], "JSON");
        assert_eq!(function["LoggingConfig"]["LogGroup"], reference(&format!("{prefix}Log")));
        let own = properties(&format!("{prefix}Function"));
        assert!(own["MemorySize"].is_u64() && own["Timeout"].is_u64(), "{name} relies on the defaults of Lambda");
    }
    let groups = of_type("AWS::Logs::LogGroup");
    assert_eq!(groups.len(), FUNCTIONS.len() + 1);
    for (id, group) in groups {
        assert_eq!(group["RetentionInDays"], reference("LogRetentionDays"), "{id}");
    }
}

#[test]
fn a_function_finds_what_it_needs_in_its_environment() {
    let shared = json!({
        "CS_OPS_TABLE": {"Fn::If": ["TableIsRestored", reference("RestoredTable"), reference("Table")]},
        "CS_OPS_BUS": reference("Bus"),
        "CS_OPS_STAGE": reference("Stage"),
        "CS_OPS_JWT_ISSUER": reference("JwtIssuer"),
        "CS_OPS_JWT_AUDIENCE": reference("JwtAudience"),
        "CS_OPS_JWKS_URL": reference("JwksUrl"),
        "CS_OPS_LOG": "info",
    });
    for (name, prefix) in FUNCTIONS {
        let mut expected = shared.clone();
        for (variable, queue) in document::own_lanes(name) {
            expected[variable] = reference(&queue);
        }
        if name == "escalate" {
            expected[escalate::DESTINATIONS_VARIABLE] = reference("Destinations");
        }
        if name == "report" {
            expected[report::REPORTS_VARIABLE] = reference("PapersBucket");
        }
        assert_eq!(function(prefix)["Environment"]["Variables"], expected, "{prefix}");
    }
}

#[test]
fn a6_a_batch_answers_for_each_message_and_has_a_bound() {
    for (name, prefix) in FUNCTIONS {
        let function = function(prefix);
        let queues = wiring().queues.into_iter().filter(|queue| queue.consumer == name).count();
        let events = function["Events"].as_object().unwrap().values().filter(|event| event["Type"] == "SQS");
        assert_eq!(events.clone().count(), queues, "{name}");
        for event in events {
            assert_eq!(event["Properties"]["FunctionResponseTypes"], json!(["ReportBatchItemFailures"]));
            assert!(event["Properties"]["ScalingConfig"]["MaximumConcurrency"].as_u64().is_some_and(|most| most >= 2));
        }
    }
}

#[test]
fn a5_nothing_waits_behind_another_in_the_urgent_lane() {
    for queue in wiring().queues {
        assert_eq!(queue.batch_size, if queue.lane == Lane::Urgent { 1 } else { 10 }, "{}", queue.name);
    }
    let urgent: Vec<_> = wiring().queues.into_iter().filter(|queue| queue.lane == Lane::Urgent).collect();
    let consumers: Vec<_> = urgent.into_iter().map(|queue| queue.consumer).collect();
    assert_eq!(consumers, ["escalate", "ingest", "trigger"], "whoever stands between a critical case and people");
}

#[test]
fn the_routes_are_those_that_the_functions_answer() {
    let mut found: Vec<_> = wiring().routes.iter().map(|r| format!("{} {} {}", r.function, r.method, r.path)).collect();
    found.sort_unstable();
    let functions = [
        ("ingest", ingest::ROUTES),
        ("score", score::ROUTES),
        ("trigger", trigger::ROUTES),
        ("escalate", escalate::ROUTES),
        ("report", report::ROUTES),
    ];
    let answered = |(name, routes): (&str, &'static [Route])| {
        let name = name.to_owned();
        routes.iter().map(move |route| format!("{name} {} {BASE}{}", route.method.as_str(), route.path))
    };
    let mut expected: Vec<_> = functions.into_iter().flat_map(answered).collect();
    expected.sort_unstable();
    assert_eq!(found, expected);
}

#[test]
fn the_api_is_bounded_traced_and_writes_down_every_request() {
    let api = properties("Api");
    assert_eq!(api["StageName"], reference("Stage"));
    assert_eq!(api["TracingEnabled"], true);
    let limits = &api["MethodSettings"][0];
    assert_eq!((&limits["ResourcePath"], &limits["HttpMethod"]), (&json!("/*"), &json!("*")));
    assert!(limits["ThrottlingRateLimit"].is_u64() && limits["ThrottlingBurstLimit"].is_u64());
    let line: Value = serde_json::from_str(api["AccessLogSetting"]["Format"].as_str().unwrap()).unwrap();
    assert_eq!(line["request_id"], "$context.requestId");
    assert_eq!(api["AccessLogSetting"]["DestinationArn"], attribute("ApiLog", "Arn"));
    for (name, answer) in api["GatewayResponses"].as_object().unwrap() {
        let body = answer["ResponseTemplates"]["application/json"].as_str().unwrap();
        let problem: Value = serde_json::from_str(body).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(problem["type"].as_str().is_some_and(|kind| kind.starts_with("urn:cs-ops:problem:")), "{name}");
        assert!(problem["title"].is_string() && problem["detail"].is_string(), "{name}");
        assert_eq!(problem["instance"], "$context.requestId", "{name}");
        // A status of a default would become the status of every answer of its kind.
        assert_eq!(answer["StatusCode"].is_null(), name.starts_with("DEFAULT_"), "{name}");
        assert_eq!(answer["StatusCode"], problem["status"], "{name}");
    }
    let statuses = ["THROTTLED", "MISSING_AUTHENTICATION_TOKEN", "REQUEST_TOO_LARGE", "DEFAULT_4XX", "DEFAULT_5XX"]
        .map(|name| api["GatewayResponses"][name]["StatusCode"].as_u64());
    assert_eq!(statuses, [Some(429), Some(404), Some(413), None, None]);
    let limit = platform::http::MAX_BODY_BYTES.to_string();
    let too_large = &api["GatewayResponses"]["REQUEST_TOO_LARGE"]["ResponseTemplates"]["application/json"];
    assert!(too_large.as_str().unwrap().contains(&limit));
    assert!(api["GatewayResponses"]["DEFAULT_4XX"]["ResponseTemplates"]["application/json"].is_string());
    assert!(api["GatewayResponses"]["THROTTLED"]["ResponseParameters"]["Headers"]["Retry-After"].is_string());
}

#[test]
fn a10_the_table_can_be_restored_and_is_not_lost_with_its_stack() {
    let table = resource("Table");
    assert_eq!((&table["DeletionPolicy"], &table["UpdateReplacePolicy"]), (&json!("Retain"), &json!("Retain")));
    let table = &table["Properties"];
    assert_eq!(table["BillingMode"], "PAY_PER_REQUEST");
    assert_eq!(table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"], true);
    assert_eq!(table["SSESpecification"]["SSEEnabled"], true);
    assert_eq!(table["StreamSpecification"]["StreamViewType"], "NEW_AND_OLD_IMAGES");
    assert_eq!(table["TimeToLiveSpecification"], json!({"AttributeName": "expires_at", "Enabled": true}));
    assert_eq!(table["DeletionProtectionEnabled"], json!({"Fn::If": ["TableIsProtected", true, false]}));
    assert_eq!(document()["Parameters"]["ProtectTable"]["Default"], "true");
    let keys = json!([{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}]);
    assert_eq!(table["KeySchema"], keys);
}

#[test]
fn papers_are_encrypted_nobody_outside_reads_them_and_they_outlive_the_stack() {
    let bucket = resource("PapersBucket");
    assert_eq!((&bucket["DeletionPolicy"], &bucket["UpdateReplacePolicy"]), (&json!("Retain"), &json!("Retain")));
    let bucket = properties("PapersBucket");
    let blocked = bucket["PublicAccessBlockConfiguration"].as_object().unwrap();
    assert_eq!((blocked.len(), blocked.values().all(|value| value == true)), (4, true), "{blocked:?}");
    assert!(bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"][0].is_object());
}

#[test]
fn every_fact_is_archived() {
    let archive = properties("BusArchive");
    assert_eq!(archive["SourceArn"], attribute("Bus", "Arn"));
    assert_eq!(archive["EventPattern"], json!({"source": [{"prefix": "cs-ops."}]}));
}

#[test]
fn the_dashboard_is_json() {
    let body = properties("Dashboard")["DashboardBody"]["Fn::Sub"][0].as_str().unwrap().to_owned();
    let dashboard: Value = serde_json::from_str(&body).unwrap();
    let widgets = list(&dashboard["widgets"]);
    assert!(!widgets.is_empty());
    for widget in widgets {
        assert_eq!(widget["properties"]["region"], "${AWS::Region}");
    }
}

#[test]
fn a3_no_region_is_named() {
    assert_eq!(region_literals(TEXT), Vec::<&str>::new());
    assert_eq!(region_literals("a: us-east-1\nb: arn:aws:sqs:ap-southeast-2:1:q"), ["us-east-1", "ap-southeast-2"]);
}

/// Words like `eu-west-1`.
fn region_literals(text: &str) -> Vec<&str> {
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-'));
    let is_region = |word: &&str| {
        let parts: Vec<_> = word.split('-').collect();
        let directions = ["north", "south", "east", "west", "central"];
        matches!(parts.as_slice(), [area, .., side, number]
            if area.len() == 2 && directions.iter().any(|one| side.starts_with(one)) && number.parse::<u8>().is_ok())
    };
    words.filter(is_region).collect()
}

#[test]
fn what_a_deployment_needs_to_know_is_put_out() {
    let outputs = document()["Outputs"].clone();
    for name in
        ["ApiUrl", "TableName", "BusName", "AlarmTopicArn", "UndeliveredFactsUrl", "MissedTicksUrl", "PapersBucketName"]
    {
        assert!(outputs[name]["Value"].is_object(), "{name}");
    }
    for (_, prefix) in FUNCTIONS {
        assert_eq!(outputs[format!("{prefix}FunctionName")]["Value"], reference(&format!("{prefix}Function")));
    }
    for queue in wiring().queues {
        assert_eq!(outputs[format!("{}Url", queue.name)]["Value"], reference(&queue.name));
        assert_eq!(outputs[format!("{}Url", queue.dead_letters)]["Value"], reference(&queue.dead_letters));
    }
}

#[test]
fn the_manual_explains_every_parameter() {
    for parameter in document()["Parameters"].as_object().unwrap().keys() {
        assert!(
            document::README.contains(&format!("| `{parameter}` |")),
            "infra/README.md does not explain `{parameter}`"
        );
    }
}

//! Nobody may do more than it needs.

use crate::document::{FUNCTIONS, attribute, function, list, of_type, own_lanes, properties, reference, wiring};
use serde_json::{Value, json};

/// What the table's port can ask for.
const TABLE_ACTIONS: [&str; 5] =
    ["dynamodb:GetItem", "dynamodb:Query", "dynamodb:PutItem", "dynamodb:DeleteItem", "dynamodb:ConditionCheckItem"];
/// What AWS offers no narrower resource for.
const WITHOUT_RESOURCES: [&str; 2] = ["xray:PutTraceSegments", "xray:PutTelemetryRecords"];
/// A secret's ARN ends in characters that are not known before it is made.
const SECRETS: &str = ":secret:cs-ops/*";
/// A paper's name is that of its day.
const PAPERS: &str = "${PapersBucket.Arn}/*";

/// Every statement of a function's role: its own, and those that all functions share.
fn statements(prefix: &str) -> Vec<Value> {
    let role = properties(&format!("{prefix}Role"));
    let shared = list(&properties("FunctionPolicy")["PolicyDocument"]["Statement"]);
    let own = list(&role["Policies"]).into_iter().flat_map(|policy| list(&policy["PolicyDocument"]["Statement"]));
    own.chain(shared).collect()
}

fn actions(statement: &Value) -> Vec<String> {
    list(&statement["Action"]).iter().map(|action| action.as_str().unwrap().to_owned()).collect()
}

/// Every statement of every policy in the template.
fn all_statements() -> Vec<(String, Value)> {
    let kinds = ["AWS::IAM::ManagedPolicy", "AWS::IAM::Role", "AWS::SQS::QueuePolicy", "AWS::SNS::TopicPolicy"];
    let documents = kinds.into_iter().flat_map(of_type).flat_map(|(id, policy)| {
        let inline = list(&policy["Policies"]).into_iter().map(|inline| inline["PolicyDocument"].clone());
        let whole = [policy["PolicyDocument"].clone(), policy["AssumeRolePolicyDocument"].clone()];
        inline.chain(whole).map(move |document| (id.clone(), document)).collect::<Vec<_>>()
    });
    documents
        .flat_map(|(id, document)| list(&document["Statement"]).into_iter().map(move |one| (id.clone(), one)))
        .collect()
}

#[test]
fn a4_nothing_may_scan_and_no_action_has_a_wildcard() {
    let statements = all_statements();
    assert!(statements.len() > 20, "only {} statements were found", statements.len());
    for (id, statement) in statements {
        assert_eq!(statement["Effect"], "Allow", "{id}");
        let actions = actions(&statement);
        assert!(!actions.is_empty(), "{id}: {statement}");
        for action in actions {
            assert!(!action.contains('*'), "{id} allows `{action}`");
            assert!(
                !action.starts_with("dynamodb:") || TABLE_ACTIONS.contains(&action.as_str()),
                "{id} allows `{action}`"
            );
        }
    }
}

#[test]
fn only_tracing_has_no_resource() {
    for (id, statement) in all_statements() {
        let resource = statement["Resource"].to_string();
        let named_later = match actions(&statement).as_slice() {
            [one] if one == "secretsmanager:GetSecretValue" => SECRETS,
            [one] if one == "s3:PutObject" => PAPERS,
            _ => "\0",
        };
        if !resource.replace(named_later, "").contains('*') {
            continue;
        }
        let unlimited: Vec<_> =
            actions(&statement).into_iter().filter(|one| !WITHOUT_RESOURCES.contains(&one.as_str())).collect();
        assert_eq!(unlimited, Vec::<String>::new(), "{id}");
    }
}

#[test]
fn each_function_has_a_role_of_its_own_without_policies_of_aws() {
    for (_, prefix) in FUNCTIONS {
        let function = function(prefix);
        assert_eq!(function["Role"], attribute(&format!("{prefix}Role"), "Arn"));
        assert_eq!(function["Policies"], Value::Null);
        let role = properties(&format!("{prefix}Role"));
        assert_eq!(role["ManagedPolicyArns"], json!([reference("FunctionPolicy")]));
        assert_eq!(
            role["AssumeRolePolicyDocument"]["Statement"][0]["Principal"],
            json!({"Service": "lambda.amazonaws.com"})
        );
    }
}

#[test]
fn a_function_publishes_under_its_own_name_alone() {
    for (name, prefix) in FUNCTIONS {
        let all = statements(prefix);
        let publishing: Vec<_> =
            all.iter().filter(|one| actions(one).contains(&"events:PutEvents".to_owned())).collect();
        let [publish] = publishing.as_slice() else { panic!("{name} has {} statements to publish", publishing.len()) };
        assert_eq!(publish["Resource"], attribute("Bus", "Arn"));
        assert_eq!(publish["Condition"], json!({"StringEquals": {"events:source": format!("cs-ops.{name}")}}));
    }
}

#[test]
fn a_function_reaches_its_own_queue_and_log_alone() {
    for (name, prefix) in FUNCTIONS {
        let queues: Vec<_> = wiring().queues.into_iter().filter(|queue| queue.consumer == name).collect();
        let arns = |names: Vec<&str>| -> Vec<Value> { names.into_iter().map(|name| attribute(name, "Arn")).collect() };
        let allowed = |action: &str| -> Vec<Value> {
            let all = statements(prefix);
            all.iter()
                .filter(|one| actions(one).iter().any(|known| known == action))
                .flat_map(|one| list(&one["Resource"]))
                .collect()
        };
        let sorted = |mut arns: Vec<Value>| {
            arns.sort_by_key(Value::to_string);
            arns
        };
        let consumed = queues.iter().map(|queue| queue.name.as_str()).collect();
        assert_eq!(sorted(allowed("sqs:ReceiveMessage")), sorted(arns(consumed)), "{name}");
        assert_eq!(allowed("logs:PutLogEvents"), [attribute(&format!("{prefix}Log"), "Arn")], "{name}");
        let own = own_lanes(name);
        let sends = own.iter().map(|(_, queue)| queue.as_str()).chain(["MissedTicks"]);
        assert_eq!(sorted(allowed("sqs:SendMessage")), sorted(arns(sends.collect())), "{name}");
    }
}

#[test]
fn queues_take_events_from_their_rules_alone() {
    for (id, policy) in of_type("AWS::SQS::QueuePolicy") {
        for statement in list(&policy["PolicyDocument"]["Statement"]) {
            assert_eq!(statement["Principal"], json!({"Service": "events.amazonaws.com"}), "{id}");
            assert_eq!(statement["Action"], "sqs:SendMessage", "{id}");
            let sources = list(&statement["Condition"]["ArnEquals"]["aws:SourceArn"]);
            assert!(
                !sources.is_empty() && sources.iter().all(|one| one.pointer("/Fn::GetAtt/1") == Some(&json!("Arn"))),
                "{id}"
            );
        }
    }
}

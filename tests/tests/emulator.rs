//! Tries the LocalStack harness without the project's own stack: services, a function, a refused resource, the end.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};
use tests::localstack::{Emulator, Stack, TimedOut, wait_until};

/// Does what its payload says: answers, fails, ends, or takes too long.
const BOOTSTRAP: &str = r#"#!/usr/bin/env python3
import json, os, sys, time, urllib.request

API = "http://" + os.environ["AWS_LAMBDA_RUNTIME_API"] + "/2018-06-01/runtime/invocation/"
while True:
    offered = urllib.request.urlopen(API + "next")
    invocation, event = API + offered.headers["Lambda-Runtime-Aws-Request-Id"], json.load(offered)
    print("asked to", event.get("do"), flush=True)
    if event.get("do") == "end":
        sys.exit(7)
    if event.get("do") == "dawdle":
        time.sleep(60)
    failing = event.get("do") == "fail"
    said = {"errorType": "Asked", "errorMessage": "to fail"} if failing else {"statusCode": 200, "body": os.environ["GREETING"]}
    request = urllib.request.Request(invocation + ("/error" if failing else "/response"), json.dumps(said).encode())
    urllib.request.urlopen(request)
"#;

const TEMPLATE: &str = "
Transform: AWS::Serverless-2016-10-31
Parameters:
  Greeting: {Type: String}
Resources:
  Hello:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: provided.al2023
      Handler: bootstrap
      CodeUri: ../target/lambda/hello/
      Timeout: 1
      Environment: {Variables: {GREETING: !Ref Greeting}}
      Events:
        Get: {Type: Api, Properties: {Path: /hello, Method: get}}
Outputs:
  Function: {Value: !Ref Hello}
";

const UNSUPPORTED_RESOURCE: &str = "
Resources:
  NeverMade: {Type: 'AWS::Pipes::Pipe', Properties: {Source: a, Target: b, RoleArn: c}}
";

#[test]
fn the_emulator_serves_deploys_and_leaves_nothing_behind() {
    let emulator = Emulator::start().unwrap();
    let run = emulator.folder().to_owned();
    queue_and_table_work(&emulator);
    function_works(&emulator, &deploy(&emulator, TEMPLATE, &[("Greeting", "hello there")]).unwrap());
    let refused = deploy(&emulator, UNSUPPORTED_RESOURCE, &[]).unwrap_err();
    assert!(refused.contains("NeverMade (AWS::Pipes::Pipe)") && refused.contains("localstack.log"), "{refused}");
    assert!(processes_of(&run).len() >= 3, "LocalStack, DynamoDB and a function run: {:?}", processes_of(&run));
    emulator.stop().unwrap();
    assert_eq!(processes_of(&run), Vec::<String>::new());
}

#[test]
fn an_emulator_that_is_dropped_ends_with_all_it_started() {
    let emulator = Emulator::start().unwrap();
    let run = emulator.folder().to_owned();
    assert!(processes_of(&run).len() >= 2, "LocalStack and its supervisor run: {:?}", processes_of(&run));
    drop(emulator);
    assert_eq!(processes_of(&run), Vec::<String>::new());
}

fn queue_and_table_work(emulator: &Emulator) {
    let aws = |arguments: &[&str]| emulator.aws(arguments).unwrap();
    let queue = aws(&["sqs", "create-queue", "--queue-name", "letters"]);
    let url = queue["QueueUrl"].as_str().unwrap();
    assert!(url.starts_with(&emulator.endpoint()), "{url}");
    aws(&["sqs", "send-message", "--queue-url", url, "--message-body", "dear"]);
    let received = aws(&["sqs", "receive-message", "--queue-url", url, "--wait-time-seconds", "5"]);
    assert_eq!(received["Messages"][0]["Body"], "dear");

    aws(&[
        "dynamodb",
        "create-table",
        "--table-name",
        "things",
        "--billing-mode",
        "PAY_PER_REQUEST",
        "--attribute-definitions",
        "AttributeName=pk,AttributeType=S",
        "--key-schema",
        "AttributeName=pk,KeyType=HASH",
    ]);
    aws(&["dynamodb", "put-item", "--table-name", "things", "--item", r#"{"pk":{"S":"one"},"n":{"N":"7"}}"#]);
    let item = aws(&["dynamodb", "get-item", "--table-name", "things", "--key", r#"{"pk":{"S":"one"}}"#]);
    assert_eq!(item["Item"]["n"]["N"], "7");
}

fn deploy(emulator: &Emulator, template: &str, parameters: &[(&str, &str)]) -> Result<Stack, String> {
    let project = tempfile::tempdir().unwrap();
    let (infra, code) = (project.path().join("infra"), project.path().join("built"));
    fs::create_dir_all(&infra).unwrap();
    fs::create_dir_all(code.join("hello")).unwrap();
    let (template_file, bootstrap) = (infra.join("template.yaml"), code.join("hello/bootstrap"));
    fs::write(&template_file, template).unwrap();
    fs::write(&bootstrap, BOOTSTRAP).unwrap();
    fs::set_permissions(&bootstrap, fs::Permissions::from_mode(0o755)).unwrap();
    emulator.deploy(&template_file, &code, parameters).map_err(|error| error.to_string())
}

fn function_works(emulator: &Emulator, stack: &Stack) {
    let function = stack.output("Function").unwrap();
    assert_eq!(stack.physical_id("Hello"), Some(function));
    let answer = emulator.folder().join("answer.json");
    let ask = |what: &str| -> Value {
        let payload = json!({ "do": what }).to_string();
        let path = answer.to_str().unwrap();
        emulator.aws(&["lambda", "invoke", "--function-name", function, "--payload", &payload, path]).unwrap();
        serde_json::from_slice(&fs::read(&answer).unwrap()).unwrap()
    };
    assert_eq!(ask("greet")["body"], "hello there");
    assert_eq!(ask("fail"), json!({"errorType": "Asked", "errorMessage": "to fail"}));
    let ended = ask("end");
    assert_eq!(ended["errorType"], "Runtime.ExitError");
    assert!(ended["errorMessage"].as_str().unwrap().ends_with("status 7"), "{ended}");
    assert_eq!(ask("greet")["body"], "hello there", "a new process follows one that ended");
    let late = ask("dawdle");
    assert!(late["errorMessage"].as_str().unwrap().ends_with("timed out after 1.00 seconds"), "{late}");
    assert_eq!(ask("greet")["body"], "hello there", "a new process follows one that took too long");

    let api = emulator.api_url(stack.physical_id("ServerlessRestApi").unwrap(), "Prod");
    assert!(page(&format!("{api}/hello")).ends_with("\r\n\r\nhello there"), "{}", page(&format!("{api}/hello")));
    assert!(emulator.diagnosis().contains("asked to dawdle"), "the function's log is shown");
    log_reaches_cloudwatch(emulator, function);
}

fn page(url: &str) -> String {
    let (address, path) = url.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET /{path} HTTP/1.0\r\nHost: {address}\r\n\r\n").unwrap();
    let mut page = String::new();
    stream.read_to_string(&mut page).unwrap();
    page
}

fn log_reaches_cloudwatch(emulator: &Emulator, function: &str) {
    let group = format!("/aws/lambda/{function}");
    let filter = ["logs", "filter-log-events", "--log-group-name", &group, "--filter-pattern", "dawdle"];
    let found = wait_until(Duration::from_secs(30), "the function's log", || -> Result<_, TimedOut> {
        let events = emulator.aws(&filter).unwrap_or_default();
        Ok(events["events"].as_array().is_some_and(|events| !events.is_empty()).then_some(()))
    });
    found.unwrap();
}

/// The command lines of the processes that have the run's folder in their environment.
fn processes_of(run: &Path) -> Vec<String> {
    let listing = Command::new("ps").args(["axeww", "-o", "pid,command"]).output().unwrap();
    assert!(listing.status.success(), "{listing:?}");
    let mark = format!("CS_OPS_RUN={} ", run.display());
    let listing = String::from_utf8_lossy(&listing.stdout).into_owned();
    let lines = listing.lines().map(|line| format!("{line} "));
    lines.filter(|line| line.contains(&mark)).map(|line| line.chars().take(200).collect()).collect()
}

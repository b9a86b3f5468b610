//! Deploys a template with the same CloudFormation calls that a deployment to AWS makes.
//!
//! LocalStack reports a resource of a type that it does not know as created, with the physical id `unknown`. Such a
//! resource is an error here, unless its type is in `tests/localstack/unsupported-types.txt` with the reason why the
//! tests can do without.

use std::collections::BTreeMap;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{fmt, fs};

use serde_json::Value;

use super::{CommandError, Emulator, REGION, TimedOut, command, http, wait_until};

const STACK: &str = "cs-ops";
const BUCKET: &str = "code";
const DEPLOY_LIMIT: Duration = Duration::from_secs(300);
const UNKNOWN: &str = "unknown";
const UNSUPPORTED: &str = include_str!("../../localstack/unsupported-types.txt");

/// Why there is no stack. The text ends with the ends of the logs.
#[derive(thiserror::Error)]
#[error("{problem}{diagnosis}")]
pub struct DeployError {
    problem: Problem,
    diagnosis: String,
}

impl fmt::Debug for DeployError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        command::in_full(self, formatter)
    }
}

#[derive(Debug, thiserror::Error)]
enum Problem {
    #[error("`{path}` could not be used: {source}")]
    File { path: PathBuf, source: std::io::Error },
    #[error(transparent)]
    Command(#[from] CommandError),
    #[error("LocalStack did not answer: {0}")]
    Answer(std::io::Error),
    #[error(transparent)]
    TimedOut(#[from] TimedOut),
    #[error("the stack is `{status}`:\n{reasons}")]
    Failed { status: String, reasons: String },
    #[error("LocalStack did not really make these, and `tests/localstack/unsupported-types.txt` has no reason: {0}")]
    NotMade(String),
}

/// A deployed stack.
#[derive(Debug)]
pub struct Stack {
    outputs: BTreeMap<String, String>,
    resources: BTreeMap<String, Resource>,
}

#[derive(Debug)]
struct Resource {
    kind: String,
    physical_id: String,
}

impl Stack {
    /// The value of an output of the template.
    #[must_use]
    pub fn output(&self, name: &str) -> Option<&str> {
        self.outputs.get(name).map(String::as_str)
    }

    /// The physical id of a resource: a table's or function's name, a queue's URL, a topic's ARN, an API's id.
    #[must_use]
    pub fn physical_id(&self, logical_id: &str) -> Option<&str> {
        self.resources.get(logical_id).map(|resource| resource.physical_id.as_str())
    }
}

impl Emulator {
    /// Packages and deploys a template, or updates the stack if there is one, and returns when it is complete.
    /// `code` is the folder that the template calls `../target/lambda`.
    ///
    /// # Errors
    /// [`DeployError`] when a call fails, the stack does, or a resource was not really made.
    pub fn deploy(&self, template: &Path, code: &Path, parameters: &[(&str, &str)]) -> Result<Stack, DeployError> {
        self.try_deploy(template, code, parameters)
            .map_err(|problem| DeployError { problem, diagnosis: self.diagnosis() })
    }

    fn try_deploy(&self, template: &Path, code: &Path, parameters: &[(&str, &str)]) -> Result<Stack, Problem> {
        command::text(&mut self.aws_command(&["s3", "mb", &format!("s3://{BUCKET}")]))?;
        let packaged = self.package(template, code)?;
        if let Some(change_set) = self.create_change_set(&packaged, parameters)? {
            self.aws(&["cloudformation", "execute-change-set", "--change-set-name", &change_set])?;
        }
        let description = self.wait_until_complete()?;
        let resources = self.aws(&["cloudformation", "list-stack-resources", "--stack-name", STACK])?;
        let stack = Stack { outputs: outputs(&description), resources: read_resources(&resources) };
        match not_made(&stack.resources, UNSUPPORTED) {
            missing if missing.is_empty() => Ok(stack),
            missing => Err(Problem::NotMade(missing.join(", "))),
        }
    }

    /// Uploads the functions' code and writes a template that points to it.
    fn package(&self, template: &Path, code: &Path) -> Result<PathBuf, Problem> {
        // The template's paths are relative to it, and the build folder need not be the project's `target`: lay both
        // out as the template sees them.
        let layout = self.folder().join("package");
        let at = |path: &Path| {
            let path = path.to_owned();
            move |source| Problem::File { path, source }
        };
        let template = template.canonicalize().map_err(at(template))?;
        let code = code.canonicalize().map_err(at(code))?;
        let (Some(infra), Some(file)) = (template.parent(), template.file_name()) else {
            return Err(at(&template)(std::io::ErrorKind::IsADirectory.into()));
        };
        // What an earlier deployment laid out, if there was one.
        drop(fs::remove_dir_all(&layout));
        fs::create_dir_all(layout.join("target")).map_err(at(&layout))?;
        symlink(infra, layout.join("infra")).map_err(at(infra))?;
        symlink(&code, layout.join("target/lambda")).map_err(at(&code))?;

        let packaged = layout.join("packaged.yaml");
        let mut aws = self.aws_command(&["cloudformation", "package", "--s3-bucket", BUCKET]);
        aws.arg("--template-file").arg(layout.join("infra").join(file));
        aws.arg("--output-template-file").arg(&packaged);
        command::text(&mut aws)?;
        Ok(packaged)
    }

    /// The change set's ARN, or nothing if the stack is already as the template wants it.
    fn create_change_set(&self, packaged: &Path, parameters: &[(&str, &str)]) -> Result<Option<String>, Problem> {
        // `deploy` alone would execute the change set too, but looks only every 30 s whether that is done.
        let mut aws = self.aws_command(&["cloudformation", "deploy", "--no-execute-changeset"]);
        aws.args(["--no-fail-on-empty-changeset", "--stack-name", STACK, "--s3-bucket", BUCKET]);
        aws.args(["--capabilities", "CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]);
        aws.arg("--template-file").arg(packaged);
        if !parameters.is_empty() {
            aws.arg("--parameter-overrides").args(parameters.iter().map(|(name, value)| format!("{name}={value}")));
        }
        let said = command::text(&mut aws)?;
        Ok(said.split_whitespace().find(|word| word.contains(":changeSet/")).map(str::to_owned))
    }

    fn wait_until_complete(&self) -> Result<Value, Problem> {
        let ask = format!("Action=DescribeStacks&Version=2010-05-15&StackName={STACK}");
        wait_until(DEPLOY_LIMIT, "the stack to be complete", || -> Result<_, Problem> {
            let answer = http::action(self.port, "cloudformation", REGION, &ask).map_err(Problem::Answer)?;
            Ok(answer.element("StackStatus").is_some_and(|status| !status.ends_with("_IN_PROGRESS")).then_some(()))
        })?;
        let description = self.aws(&["cloudformation", "describe-stacks", "--stack-name", STACK])?;
        match status(&description) {
            "CREATE_COMPLETE" | "UPDATE_COMPLETE" => Ok(description),
            status => {
                let events = self.aws(&["cloudformation", "describe-stack-events", "--stack-name", STACK])?;
                Err(Problem::Failed { status: status.to_owned(), reasons: failures(&events).join("\n") })
            }
        }
    }
}

fn status(description: &Value) -> &str {
    description.pointer("/Stacks/0/StackStatus").and_then(Value::as_str).unwrap_or(UNKNOWN)
}

fn outputs(description: &Value) -> BTreeMap<String, String> {
    let outputs = list(description.pointer("/Stacks/0/Outputs"));
    outputs.iter().map(|output| (field(output, "OutputKey"), field(output, "OutputValue"))).collect()
}

fn read_resources(answer: &Value) -> BTreeMap<String, Resource> {
    let resources = list(answer.get("StackResourceSummaries"));
    let resource = |summary: &Value| Resource {
        kind: field(summary, "ResourceType"),
        physical_id: field(summary, "PhysicalResourceId"),
    };
    resources.iter().map(|summary| (field(summary, "LogicalResourceId"), resource(summary))).collect()
}

fn failures(events: &Value) -> Vec<String> {
    let failed = |event: &&Value| field(event, "ResourceStatus").ends_with("FAILED");
    let line = |event: &Value| {
        ["LogicalResourceId", "ResourceType", "ResourceStatus", "ResourceStatusReason"]
            .map(|name| field(event, name))
            .join(" ")
    };
    list(events.get("StackEvents")).iter().filter(failed).map(line).collect()
}

/// The resources that have no real physical id, but for the types that are known to be unsupported.
fn not_made(resources: &BTreeMap<String, Resource>, unsupported: &str) -> Vec<String> {
    let lines = unsupported.lines().filter(|line| !line.starts_with('#'));
    let known: Vec<&str> = lines.filter_map(|line| line.split_whitespace().next()).collect();
    let unreal = |resource: &Resource| resource.physical_id.is_empty() || resource.physical_id == UNKNOWN;
    let missing = resources.iter().filter(|(_, resource)| unreal(resource) && !known.contains(&resource.kind.as_str()));
    missing.map(|(logical_id, resource)| format!("{logical_id} ({})", resource.kind)).collect()
}

fn list(value: Option<&Value>) -> &[Value] {
    value.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

fn field(value: &Value, name: &str) -> String {
    value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn resources(physical_id: &str, kind: &str) -> BTreeMap<String, Resource> {
        read_resources(&json!({"StackResourceSummaries": [
            {"LogicalResourceId": "Thing", "PhysicalResourceId": physical_id, "ResourceType": kind},
        ]}))
    }

    #[test]
    fn a_resource_that_was_only_reported_as_made_is_found_out() {
        assert_eq!(not_made(&resources("unknown", "AWS::Pipes::Pipe"), ""), ["Thing (AWS::Pipes::Pipe)"]);
        assert_eq!(not_made(&resources("", "AWS::Pipes::Pipe"), ""), ["Thing (AWS::Pipes::Pipe)"]);
        assert_eq!(not_made(&resources("thing-1", "AWS::Pipes::Pipe"), ""), Vec::<String>::new());
    }

    #[test]
    fn a_type_on_the_list_may_be_missing() {
        let unsupported = "# AWS::SQS::Queue is not\nAWS::Pipes::Pipe  because\n";
        assert_eq!(not_made(&resources("unknown", "AWS::Pipes::Pipe"), unsupported), Vec::<String>::new());
        assert_eq!(not_made(&resources("unknown", "AWS::SQS::Queue"), unsupported), ["Thing (AWS::SQS::Queue)"]);
    }

    #[test]
    fn every_type_on_the_list_has_a_reason() {
        for line in UNSUPPORTED.lines().filter(|line| !line.starts_with('#')) {
            assert!(line.starts_with("AWS::") && line.split_whitespace().count() > 3, "{line}");
        }
    }

    #[test]
    fn the_reasons_of_a_failure_are_the_failed_events() {
        let events = json!({"StackEvents": [
            {"LogicalResourceId": "Bus", "ResourceType": "AWS::Events::EventBus",
             "ResourceStatus": "CREATE_FAILED", "ResourceStatusReason": "name taken"},
            {"LogicalResourceId": "Table", "ResourceType": "AWS::DynamoDB::Table", "ResourceStatus": "CREATE_COMPLETE"},
        ]});
        assert_eq!(failures(&events), ["Bus AWS::Events::EventBus CREATE_FAILED name taken"]);
    }
}

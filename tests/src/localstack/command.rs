//! Runs another program to its end and turns a failure into an error that can be acted on.

use std::error::Error;
use std::process::{Command, Output};
use std::{env, fmt};

use serde_json::Value;

const OUTPUT_LINES: usize = 40;

/// A program that could not be run, failed, or answered with something that is not JSON.
#[derive(thiserror::Error)]
#[error("`{command}` {problem}{output}")]
pub struct CommandError {
    command: String,
    problem: String,
    output: String,
}

impl CommandError {
    fn new(command: &Command, problem: String, output: Option<&Output>) -> CommandError {
        let output = output.map(|output| format!(":\n{}", end_of(output))).unwrap_or_default();
        CommandError { command: in_words(command), problem, output }
    }
}

impl fmt::Debug for CommandError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        in_full(self, formatter)
    }
}

/// The error and its causes as text that a person reads: what `unwrap` in a test prints.
pub(super) fn in_full(error: &dyn Error, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(formatter, "{error}")?;
    let mut cause = error.source();
    while let Some(error) = cause {
        write!(formatter, ": {error}")?;
        cause = error.source();
    }
    Ok(())
}

/// Runs the command and returns what it wrote to standard output.
pub(super) fn text(command: &mut Command) -> Result<String, CommandError> {
    let output = finished(command)?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Runs the command and returns all it wrote, to standard output and standard error.
pub(super) fn all_text(command: &mut Command) -> Result<String, CommandError> {
    Ok(everything(&finished(command)?))
}

/// Runs the command and reads its standard output as JSON; nothing written is `null`.
pub(super) fn json(command: &mut Command) -> Result<Value, CommandError> {
    let output = finished(command)?;
    if output.stdout.trim_ascii().is_empty() {
        return Ok(Value::Null);
    }
    serde_json::from_slice(&output.stdout)
        .map_err(|error| CommandError::new(command, format!("did not answer in JSON ({error})"), Some(&output)))
}

/// Lets nothing of the surroundings reach the program but what finds programs and the home folder: a proxy, an AWS
/// profile or a debug switch of the user would change what is tested.
pub(super) fn without_surroundings(command: &mut Command) -> &mut Command {
    command.env_clear();
    for name in ["PATH", "HOME", "JAVA_HOME"] {
        if let Some(value) = env::var_os(name) {
            command.env(name, value);
        }
    }
    command.env("LANG", "C.UTF-8")
}

/// The last `count` lines of a text.
pub(super) fn last_lines(text: &str, count: usize) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let skipped = lines.len().saturating_sub(count);
    lines.into_iter().skip(skipped).collect::<Vec<_>>().join("\n")
}

fn finished(command: &mut Command) -> Result<Output, CommandError> {
    let output =
        command.output().map_err(|error| CommandError::new(command, format!("did not run ({error})"), None))?;
    if output.status.success() {
        return Ok(output);
    }
    Err(CommandError::new(command, format!("failed ({})", output.status), Some(&output)))
}

fn everything(output: &Output) -> String {
    [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes)).concat()
}

fn end_of(output: &Output) -> String {
    last_lines(&everything(output), OUTPUT_LINES)
}

fn in_words(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn a_failure_shows_the_command_its_status_and_its_output() {
        let error = text(&mut shell("echo lost >&2; exit 3")).unwrap_err();
        assert_eq!(error.to_string(), "`sh -c echo lost >&2; exit 3` failed (exit status: 3):\nlost");
    }

    #[test]
    fn a_program_that_is_not_there_is_named() {
        let error = text(&mut Command::new("no-such-program")).unwrap_err();
        assert!(error.to_string().starts_with("`no-such-program` did not run"), "{error}");
    }

    #[test]
    fn an_answer_is_json_or_nothing() {
        assert_eq!(json(&mut shell("echo '{\"a\":1}'")).unwrap(), serde_json::json!({"a": 1}));
        assert_eq!(json(&mut shell("true")).unwrap(), Value::Null);
        let error = json(&mut shell("echo sorry")).unwrap_err();
        assert!(error.to_string().contains("did not answer in JSON"), "{error}");
    }

    #[test]
    fn surroundings_are_left_behind_but_for_the_paths() {
        let mut command = shell("env");
        let seen = text(without_surroundings(command.env("AWS_PROFILE", "mine"))).unwrap();
        assert!(seen.contains("PATH=") && !seen.contains("AWS_PROFILE") && !seen.contains("CARGO"), "{seen}");
    }

    #[test]
    fn the_last_lines_of_a_short_text_are_all_of_it() {
        assert_eq!(last_lines("a\nb\nc\n", 2), "b\nc");
        assert_eq!(last_lines("a", 2), "a");
    }
}

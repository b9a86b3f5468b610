//! Builds the five functions as Lambda would run them, for this machine's architecture.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::{SetupError, command, folders};

/// The functions, by the names of their packages and programs.
pub const NAMES: [&str; 5] = ["ingest", "score", "trigger", "escalate", "report"];

/// Builds the functions and returns the folder that holds `<name>/bootstrap` for each.
///
/// # Errors
/// [`SetupError`] with the compiler's messages when one does not build.
pub fn build() -> Result<PathBuf, SetupError> {
    let folder = folders::target()?.join("lambda");
    for (name, program) in programs()? {
        place(&program, &folder.join(name))?;
    }
    Ok(folder)
}

fn programs() -> Result<Vec<(&'static str, PathBuf)>, SetupError> {
    let mut cargo = folders::cargo();
    cargo.args(["build", "--locked", "--bins", "--features", "lambda"]);
    cargo.args(["--message-format", "json-render-diagnostics"]);
    cargo.args(NAMES.iter().flat_map(|name| ["--package", *name]));
    let messages = command::text(&mut cargo).map_err(|source| SetupError::Part { part: "the functions", source })?;
    let messages: Vec<Value> = messages.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let program = |name: &'static str| {
        let missing = || SetupError::Answer { what: format!("program `{name}`"), command: "cargo build" };
        executable(&messages, name).map(|path| (name, path)).ok_or_else(missing)
    };
    NAMES.into_iter().map(program).collect()
}

/// Where cargo says that it put the program of this name.
fn executable(messages: &[Value], name: &str) -> Option<PathBuf> {
    let made_it = |message: &&Value| message.pointer("/target/name").is_some_and(|made| made == name);
    let path = |message: &Value| message.get("executable")?.as_str().map(PathBuf::from);
    messages.iter().filter(made_it).find_map(path)
}

/// Puts a program where the template looks for it. Without its debug symbols, which Lambda would not want either.
fn place(program: &Path, folder: &Path) -> Result<(), SetupError> {
    fs::create_dir_all(folder).map_err(SetupError::file(folder))?;
    // Another test process may be reading the one that is there: replace it in one step.
    let new = tempfile::Builder::new().prefix(".bootstrap").tempfile_in(folder).map_err(SetupError::file(folder))?;
    match Command::new("strip").arg("-o").arg(new.path()).arg(program).output() {
        Ok(output) if output.status.success() => {}
        Ok(_) => copy(program, new.path())?,
        Err(error) if error.kind() == ErrorKind::NotFound => copy(program, new.path())?,
        Err(error) => return Err(SetupError::file(program)(error)),
    }
    let bootstrap = folder.join("bootstrap");
    let permissions = fs::metadata(program).map_err(SetupError::file(program))?.permissions();
    fs::set_permissions(new.path(), permissions).map_err(SetupError::file(new.path()))?;
    new.persist(&bootstrap).map_err(|error| SetupError::file(&bootstrap)(error.error))?;
    Ok(())
}

fn copy(from: &Path, to: &Path) -> Result<(), SetupError> {
    fs::copy(from, to).map(|_| ()).map_err(SetupError::file(to))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_program_is_where_cargo_says() {
        let messages = [
            json!({"reason": "compiler-artifact", "target": {"name": "score"}, "executable": null}),
            json!({"reason": "compiler-artifact", "target": {"name": "score"}, "executable": "/target/debug/score"}),
            json!({"reason": "build-finished", "success": true}),
        ];
        assert_eq!(executable(&messages, "score"), Some(PathBuf::from("/target/debug/score")));
        assert_eq!(executable(&messages, "report"), None);
    }

    #[test]
    fn a_placed_program_runs_and_replaces_the_one_before() {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("program");
        fs::write(&program, "#!/bin/sh\necho new\n").unwrap();
        let permissions = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        fs::set_permissions(&program, permissions).unwrap();
        let place_of_score = folder.path().join("lambda/score");
        fs::create_dir_all(&place_of_score).unwrap();
        fs::write(place_of_score.join("bootstrap"), "old").unwrap();
        place(&program, &place_of_score).unwrap();
        let said = command::text(&mut Command::new(place_of_score.join("bootstrap"))).unwrap();
        assert_eq!(said, "new\n");
        assert_eq!(folders::files_in(&place_of_score).len(), 1);
    }
}

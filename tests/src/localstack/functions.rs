//! The five functions as Lambda would run them, for this machine's architecture.
//!
//! Cargo builds their programs with the tests (`tests/Cargo.toml`); here they are only put where the template and the
//! tests look for them. Not in `target/lambda`: what lies there is built to be deployed.

use std::env;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{SetupError, folders};

/// The functions, by the names of their packages.
pub const NAMES: [&str; 5] = ["ingest", "score", "trigger", "escalate", "report"];

/// Puts the programs that were built with the running test into a folder, as `<name>/bootstrap`, and returns it.
///
/// # Errors
/// [`SetupError`] when a program is not there or cannot be put in place.
pub fn place() -> Result<PathBuf, SetupError> {
    let built = beside_this_program()?;
    let folder = folders::target()?.join("localstack/functions");
    for name in NAMES {
        place_one(&built.join(format!("{name}-function")), &folder.join(name))?;
    }
    Ok(folder)
}

/// Where cargo puts programs: the folder above that of the test programs.
fn beside_this_program() -> Result<PathBuf, SetupError> {
    let program = env::current_exe().map_err(SetupError::file(Path::new("this program")))?;
    let folder = program.ancestors().nth(2).map(Path::to_owned);
    folder.ok_or_else(|| SetupError::file(&program)(ErrorKind::NotFound.into()))
}

/// Puts a program where the template looks for it. Without its debug symbols, which Lambda would not want either.
fn place_one(program: &Path, folder: &Path) -> Result<(), SetupError> {
    fs::create_dir_all(folder).map_err(SetupError::file(folder))?;
    let permissions = fs::metadata(program).map_err(SetupError::file(program))?.permissions();
    // Another test process may be reading the one that is there: replace it in one step.
    let new = tempfile::Builder::new().prefix(".bootstrap").tempfile_in(folder).map_err(SetupError::file(folder))?;
    match Command::new("strip").arg("-o").arg(new.path()).arg(program).output() {
        Ok(output) if output.status.success() => {}
        Ok(_) => copy(program, new.path())?,
        Err(error) if error.kind() == ErrorKind::NotFound => copy(program, new.path())?,
        Err(error) => return Err(SetupError::file(program)(error)),
    }
    let bootstrap = folder.join("bootstrap");
    fs::set_permissions(new.path(), permissions).map_err(SetupError::file(new.path()))?;
    new.persist(&bootstrap).map_err(|error| SetupError::file(&bootstrap)(error.error))?;
    Ok(())
}

fn copy(from: &Path, to: &Path) -> Result<(), SetupError> {
    fs::copy(from, to).map(|_| ()).map_err(SetupError::file(to))
}

#[cfg(test)]
mod tests {
    use super::super::command;
    use super::*;

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
        place_one(&program, &place_of_score).unwrap();
        let said = command::text(&mut Command::new(place_of_score.join("bootstrap"))).unwrap();
        assert_eq!(said, "new\n");
        assert_eq!(folders::files_in(&place_of_score).len(), 1);
    }

    #[test]
    fn a_program_that_was_not_built_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let error = place_one(&folder.path().join("score-function"), &folder.path().join("score")).unwrap_err();
        assert!(error.to_string().contains("score-function` could not be used"), "{error}");
    }
}

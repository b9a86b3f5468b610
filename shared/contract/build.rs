//! Turns the built-in configuration into JSON: a function that starts reads it some ten times faster than YAML, and need not
//! carry a YAML reader.

use std::error::Error;
use std::path::Path;

#[expect(clippy::disallowed_methods, reason = "cargo says in the environment where a build script writes to")]
fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=defaults");
    let out = std::env::var("OUT_DIR")?;
    for name in ["scorecard", "maturity", "rules", "segments", "escalation"] {
        let text = std::fs::read_to_string(format!("defaults/{name}.yaml"))?;
        let value: serde_json::Value = serde_saphyr::from_str(&text)?;
        std::fs::write(Path::new(&out).join(name).with_extension("json"), serde_json::to_vec(&value)?)?;
    }
    Ok(())
}

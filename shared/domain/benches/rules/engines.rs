//! The others at work: programs that are told on their input what to run and say how long it took.

use crate::portfolio::{Sample, Text};
use crate::{ACCOUNTS, Problem, RULES, same};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// json-rules-engine is asked about so many accounts only: it takes thousands of times as long.
const FEW_ACCOUNTS: usize = 100;
/// The version of json-rules-engine.
const JSON_RULES_ENGINE: &str = "json-rules-engine@7.3.1";

/// A program that runs one or two engines.
pub struct Engine {
    names: Vec<(&'static str, usize)>,
    child: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
}

/// Every other engine, started, with verdicts that are ours.
pub fn engines(samples: &[Sample], texts: &[Text], verdicts: &[u8]) -> Result<Vec<Engine>, Problem> {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("rules");
    std::fs::create_dir_all(&target)?;
    let facts: Vec<&Value> = samples.iter().map(|sample| &sample.facts).collect();
    std::fs::write(target.join("facts.json"), serde_json::to_vec(&facts)?)?;
    let of = |text: fn(&Text) -> Value| texts.iter().map(text).collect::<Vec<Value>>();
    let plan = json!({
        "few": FEW_ACCOUNTS,
        "zen": of(|text| json!(text.zen)),
        "cel": of(|text| json!(text.cel)),
        "json": of(|text| text.json.clone()),
    });
    std::fs::write(target.join("plan.json"), plan.to_string())?;

    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches").join("rules");
    let mut engines = vec![
        Engine::start(
            Command::new(rust(&here, &target)?).arg(&target),
            &[("zen-expression", ACCOUNTS), ("cel", ACCOUNTS)],
        )?,
        Engine::start(
            Command::new("node").arg(node(&here, &target)?).arg(&target),
            &[("json-rules-engine", FEW_ACCOUNTS)],
        )?,
    ];
    for engine in &mut engines {
        engine.wait_until_ready()?;
        for (name, accounts) in engine.names() {
            let theirs = std::fs::read(target.join(name).with_extension("bin"))?;
            if theirs.len() != accounts * RULES {
                return Err(format!("{name}: {} verdicts", theirs.len()).into());
            }
            same(name, verdicts, &theirs)?;
        }
    }
    Ok(engines)
}

/// Builds the program with the engines that are crates.
fn rust(here: &Path, target: &Path) -> Result<PathBuf, Problem> {
    let target = target.join("engines");
    let build = ["build", "--release", "--locked", "--quiet", "--manifest-path"];
    let manifest = here.join("engines").join("Cargo.toml");
    run(Command::new(env!("CARGO")).args(build).arg(manifest).arg("--target-dir").arg(&target))?;
    Ok(target.join("release").join("engines"))
}

/// Installs the engine that is a package of npm, where it is not there yet.
fn node(here: &Path, target: &Path) -> Result<PathBuf, Problem> {
    let place = target.join("node");
    std::fs::create_dir_all(&place)?;
    let ready = place.join("ready");
    if !std::fs::read_to_string(&ready).is_ok_and(|installed| installed == JSON_RULES_ENGINE) {
        let install = ["install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix"];
        run(Command::new("npm").args(install).arg(&place).arg(JSON_RULES_ENGINE))?;
        std::fs::write(ready, JSON_RULES_ENGINE)?;
    }
    // A module finds packages beside itself.
    std::fs::copy(here.join("engine.mjs"), place.join("engine.mjs"))?;
    Ok(place.join("engine.mjs"))
}

fn run(command: &mut Command) -> Result<(), Problem> {
    let told = format!("{command:?}");
    let status = command.status().map_err(|error| format!("{told}: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("{told}: {status}").into()) }
}

impl Engine {
    fn start(command: &mut Command, names: &[(&'static str, usize)]) -> Result<Self, Problem> {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let questions = child.stdin.take().ok_or("no way to ask")?;
        let answers = BufReader::new(child.stdout.take().ok_or("no way to hear")?);
        Ok(Self { names: names.to_vec(), child, questions, answers })
    }

    fn wait_until_ready(&mut self) -> Result<(), Problem> {
        match self.hear()?.as_str() {
            "ready" => Ok(()),
            other => Err(format!("an engine said `{other}`").into()),
        }
    }

    /// The engines, each with the number of accounts about which it is asked.
    pub fn names(&self) -> Vec<(&'static str, usize)> {
        self.names.clone()
    }

    fn hear(&mut self) -> Result<String, Problem> {
        let mut line = String::new();
        if self.answers.read_line(&mut line)? == 0 {
            return Err(format!("an engine ended: {}", self.child.wait()?).into());
        }
        Ok(line.trim().to_owned())
    }

    /// The CPU seconds of one time.
    pub fn ask(&mut self, name: &str) -> Result<f64, Problem> {
        writeln!(self.questions, "{name}")?;
        Ok(self.hear()?.parse()?)
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        if let Err(error) = self.child.kill().and_then(|()| self.child.wait()) {
            println!("an engine was not ended: {error}");
        }
    }
}

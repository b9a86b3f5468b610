//! How fast the functions start and how large they are: `cargo run -p tests --example start`.
//!
//! Builds the five functions and a hello-world of the same runtime as they are deployed, starts each in turn, and
//! prints the time from the start of the process to its first question for a call, beside hello's in the same run, and
//! from there to the answer of the first call that asks the table. The figures tell of this machine; the ratios travel.
//!
//! With the name of a folder it builds nothing and measures the programs that lie there.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use tests::bootstrap::{Bootstrap, SETTINGS};

const ROUNDS: usize = 40;
const FUNCTIONS: [&str; 5] = ["ingest", "score", "trigger", "escalate", "report"];

fn main() -> Result<(), Box<dyn Error>> {
    let release = std::env::args_os().nth(1).map_or_else(build, |folder| Ok(folder.into()))?;
    let mut programs = vec![Program::new("hello", release.join("examples/hello"))];
    programs.extend(FUNCTIONS.map(|name| Program::new(name, release.join(name))));
    // The first round only warms the machine's file cache. In turn, so that a busy moment meets all of them.
    for round in 0..=ROUNDS {
        for program in &mut programs {
            let (start, call) = measure(program)?;
            if round > 0 {
                program.starts.push(start);
                program.calls.extend(call);
            }
        }
    }
    let hello = programs.first_mut().map(|hello| median(&mut hello.starts)).unwrap_or_default();
    line("program", "size", "start: median", "least", "x hello", "first table call");
    for program in &mut programs {
        report(program, hello)?;
    }
    Ok(())
}

/// A program with what was measured of it.
struct Program {
    name: &'static str,
    path: PathBuf,
    starts: Vec<Duration>,
    calls: Vec<Duration>,
}

impl Program {
    const fn new(name: &'static str, path: PathBuf) -> Self {
        Self { name, path, starts: Vec::new(), calls: Vec::new() }
    }
}

fn report(program: &mut Program, hello: Duration) -> Result<(), Box<dyn Error>> {
    let start = median(&mut program.starts);
    let least = program.starts.first().copied().unwrap_or_default();
    let size = format!("{} kB", std::fs::metadata(&program.path)?.len() / 1000);
    let ratio = format!("{:.2}", start.as_secs_f64() / hello.as_secs_f64());
    let call = if program.calls.is_empty() { "-".to_owned() } else { milliseconds(median(&mut program.calls)) };
    line(program.name, &size, &milliseconds(start), &milliseconds(least), &ratio, &call);
    Ok(())
}

/// Builds what is measured, as it is deployed, and says where it lies.
fn build() -> Result<PathBuf, Box<dyn Error>> {
    let packages: Vec<&str> = FUNCTIONS.iter().flat_map(|name| ["-p", *name]).collect();
    cargo(&[&["build", "--locked", "--release", "--bins", "--features", "lambda"], packages.as_slice()].concat())?;
    cargo(&["build", "--locked", "--release", "-p", "platform", "--example", "hello", "--features", "lambda"])?;
    let own = std::env::current_exe()?;
    let target = own.ancestors().nth(3).ok_or("this program does not lie in a build folder")?;
    Ok(target.join("release"))
}

fn cargo(arguments: &[&str]) -> Result<(), Box<dyn Error>> {
    let status = Command::new(env!("CARGO")).args(arguments).current_dir(env!("CARGO_MANIFEST_DIR")).status()?;
    if status.success() { Ok(()) } else { Err(format!("cargo {arguments:?} failed").into()) }
}

/// Starts a program once and gives it a message of its queue, for which every function looks into the table.
fn measure(program: &Program) -> Result<(Duration, Option<Duration>), Box<dyn Error>> {
    let name = program.name;
    let mut bootstrap = Bootstrap::start(&program.path, &SETTINGS)?;
    let started_in = bootstrap.started_in();
    if name == "hello" {
        return Ok((started_in, None));
    }
    let payload = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../events/invocations/{name}-sqs.json"));
    let (said, took) = bootstrap.call(serde_json::from_slice(&std::fs::read(payload)?)?)?;
    if !bootstrap.asked_of_aws().iter().any(|target| target.starts_with("DynamoDB")) {
        return Err(format!("`{name}` did not ask the table: {said:?}").into());
    }
    Ok((started_in, Some(took)))
}

/// The middle one; afterwards they are in order.
fn median(times: &mut [Duration]) -> Duration {
    times.sort();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

fn milliseconds(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1e3)
}

fn line(name: &str, size: &str, start: &str, least: &str, ratio: &str, call: &str) {
    println!("{name:<10} {size:>9} {start:>14} {least:>9} {ratio:>8} {call:>17}");
}

//! The command line: what can be asked for, and who does it.
//!
//! Results go to standard output, everything else (progress, logs, hints) to standard error.

mod dry_run;
mod evaluate;
mod export;
mod import;
mod run;
mod token;
mod train;

pub use export::write as write_state;

use crate::clock::StandingClock;
use crate::data;
use crate::wiring::{Wiring, WiringError};
use clap::{Args, Parser, Subcommand};
use jiff::Timestamp;
use platform::table::embedded::EmbeddedTable;
use std::collections::BTreeMap;
use std::error::Error;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The template that is deployed, as it was when this program was built.
pub const TEMPLATE: &str = include_str!("../../../infra/template.yaml");
/// The data folder, unless another one is named.
pub const DATA: &str = ".cs-ops";
/// The data folder of imports, unless another one is named.
pub const IMPORTED: &str = ".cs-ops-import";

/// Customer success operations on one machine: the five functions in one process, wired as on AWS.
#[derive(Debug, Parser)]
#[command(name = "cs-ops", version, args_conflicts_with_subcommands = true)]
pub struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    run: run::Run,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Loads the sample portfolio on the first start, says how it stands, and serves the API (this is the default)
    Run(run::Run),
    /// Mints a token that this machine's API takes
    Token(token::Token),
    /// Takes in facts from a CSV or NDJSON file
    Import(import::Import),
    /// Tries a scorecard or rules on the portfolio and its past, beside what holds, and changes nothing
    DryRun(dry_run::DryRun),
    /// Trains a model of churn or expansion from a CSV file of accounts and what happened to them
    Train(train::Train),
    /// Measures the predictions on public data, beside what others reach on it
    Evaluate(evaluate::Evaluate),
    /// Writes the whole state as NDJSON, in the order of its keys
    Export(export::Export),
}

/// Where the wiring comes from.
#[derive(Debug, Args)]
struct Template {
    /// Read the wiring from this template instead of the built-in one
    #[arg(long, value_name = "FILE")]
    template: Option<PathBuf>,
}

impl Template {
    fn wiring(&self) -> Result<Wiring, Box<dyn Error>> {
        match &self.template {
            None => Ok(Wiring::read(TEMPLATE, &BTreeMap::new())?),
            Some(path) => Ok(read_wiring(path)?),
        }
    }
}

fn read_wiring(path: &Path) -> Result<Wiring, TemplateError> {
    let named = |reason: String| TemplateError { path: path.to_owned(), reason };
    let text = std::fs::read_to_string(path).map_err(|error| named(error.to_string()))?;
    Wiring::read(&text, &BTreeMap::new()).map_err(|error: WiringError| named(error.to_string()))
}

/// Why a template cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("template `{}` cannot be used: {reason}", .path.display())]
struct TemplateError {
    path: PathBuf,
    reason: String,
}

/// Does what was asked for.
pub fn execute(arguments: Arguments, out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    match arguments.command.unwrap_or(Command::Run(arguments.run)) {
        Command::Run(run) => run.execute(out),
        Command::Token(token) => token.execute(out),
        Command::Import(import) => import.execute(out),
        Command::DryRun(dry_run) => dry_run.execute(out),
        Command::Train(train) => train.execute(out),
        Command::Evaluate(evaluate) => evaluate.execute(out),
        Command::Export(export) => export.execute(out),
    }
}

/// The table of a data folder that was filled before, and its clock: where the folder stands.
fn open_filled(data: &Path) -> Result<(Arc<EmbeddedTable>, Arc<StandingClock>), Box<dyn Error>> {
    if !data.join(data::TABLE_FILE).exists() {
        return Err(format!("data folder `{}` holds no table; name the right one with --data", data.display()).into());
    }
    let clock = Arc::new(StandingClock::new(Timestamp::UNIX_EPOCH));
    let table = data::open(Some(data), clock.clone())?;
    if let Some(standing) = data::standing(&table)? {
        clock.move_to(standing.now);
    }
    Ok((table, clock))
}

/// A bar on standard error.
fn bar(length: u64, unit: &str) -> Result<indicatif::ProgressBar, Box<dyn Error>> {
    let template = format!("{{msg}} [{{bar:40}}] {{pos}}/{{len}} {unit}, {{eta}} left");
    let style = indicatif::ProgressStyle::with_template(&template)?.progress_chars("=> ");
    Ok(indicatif::ProgressBar::new(length).with_style(style))
}

/// A line on standard error. A hint that nobody reads is no reason to fail.
fn hint(text: &str) {
    drop(writeln!(std::io::stderr(), "{text}"));
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_contradicts_itself_nowhere() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn the_built_in_template_can_be_read() {
        assert!(!Wiring::read(TEMPLATE, &BTreeMap::new()).unwrap().routes.is_empty());
    }

    #[test]
    fn a_template_that_is_not_there_is_named() {
        let error = read_wiring(Path::new("no/such/template.yaml")).unwrap_err().to_string();
        assert!(error.starts_with("template `no/such/template.yaml` cannot be used: "), "{error}");
    }
}

//! `cs-ops evaluate`: how good the predictions are on public data, beside what others reach on it.

use crate::evaluate::{self, PARTS, Part};
use clap::Args;
use std::error::Error;
use std::io::Write;
use std::path::PathBuf;

/// What is measured, on what.
#[derive(Debug, Args)]
pub struct Evaluate {
    /// The folder with the public sets; parts whose file is not in it are skipped
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
    /// Measure only these parts
    #[arg(long, value_name = "PART", value_delimiter = ',', value_parser = part)]
    only: Vec<&'static str>,
}

fn part(text: &str) -> Result<&'static str, String> {
    let names = || PARTS.iter().map(|part| part.name).collect::<Vec<_>>().join(", ");
    PARTS.iter().map(|part| part.name).find(|name| *name == text).ok_or_else(|| format!("give one of {}", names()))
}

impl Evaluate {
    pub(super) fn execute(self, out: &mut impl Write) -> Result<(), Box<dyn Error>> {
        let asked = |part: &&Part| self.only.is_empty() || self.only.contains(&part.name);
        let parts: Vec<Part> = PARTS.iter().filter(asked).copied().collect();
        let tally = evaluate::run(out, &self.folder, &parts)?;
        match tally.failed {
            0 => Ok(()),
            failed => Err(format!("{failed} of {} parts could not be measured", parts.len()).into()),
        }
    }
}

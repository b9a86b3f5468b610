//! `cs-ops`: the one-machine host on the command line. This file only connects things; [`local::command`] does them.

use clap::Parser;
use local::command::{Arguments, execute};
use std::io::{self, Write as _};
use std::process::ExitCode;

fn main() -> ExitCode {
    match execute(Arguments::parse(), &mut io::stdout().lock()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let causes = std::iter::successors(error.source(), |cause| cause.source());
            let text = causes.fold(format!("error: {error}"), |text, cause| format!("{text}: {cause}"));
            // Where even this cannot be written, the exit status still says that it failed.
            drop(writeln!(io::stderr(), "{text}"));
            ExitCode::FAILURE
        }
    }
}

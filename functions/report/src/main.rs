//! `report` on AWS Lambda: every fact comes in, what is and what was achieved goes out.
//!
//! This file only connects things: the library decides what is done, [`platform::lambda`] talks to AWS. A function that
//! is set up wrongly ends here, at deployment, not at its first message.

use contract::event::FunctionName;
use platform::environment::EnvironmentError;
use platform::lambda::{ServeError, serve_reaching};

fn main() -> Result<(), ServeError> {
    serve_reaching(FunctionName::Report, |ports, outside, environment| {
        let [bucket] = environment.require([report::REPORTS_VARIABLE])?;
        Ok::<_, EnvironmentError>(report::Report::new(ports).laying_on(outside.bucket(&bucket)))
    })
}

//! `report` on AWS Lambda: every fact comes in, what is and what was achieved goes out.
//!
//! This file only connects things: the library decides what is done, [`platform::lambda`] talks to AWS. A function that
//! is set up wrongly ends here, at deployment, not at its first message.

use contract::event::FunctionName;
use platform::lambda::{ServeError, serve_reaching};
use std::error::Error;

fn main() -> Result<(), ServeError> {
    serve_reaching(FunctionName::Report, |ports, outside, environment| -> Result<_, Box<dyn Error>> {
        let [bucket] = environment.require([report::REPORTS_VARIABLE])?;
        Ok(report::Report::new(ports)?.laying_on(outside.bucket(&bucket)))
    })
}

//! `report` on AWS Lambda: every fact comes in, what is and what was achieved goes out.
//!
//! This file only connects things: the library decides what is done, [`platform::lambda`] talks to AWS. A function that
//! is set up wrongly ends here, at deployment, not at its first message.

use contract::event::FunctionName;
use platform::lambda::{ServeError, serve};

fn main() -> Result<(), ServeError> {
    serve(FunctionName::Report, report::Report::new)
}

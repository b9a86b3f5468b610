//! `ingest` on AWS Lambda: facts about accounts come in, over HTTP and from its queue.
//!
//! This file only connects things: the library decides what is done, [`platform::lambda`] talks to AWS. A function that
//! is set up wrongly ends here, at deployment, not at its first message.

use contract::event::FunctionName;
use platform::lambda::{ServeError, serve};
use std::convert::Infallible;

fn main() -> Result<(), ServeError> {
    serve(FunctionName::Ingest, |ports| Ok::<_, Infallible>(ingest::Ingest::new(ports)))
}

//! `escalate` on AWS Lambda: what needs people comes in, and is driven until somebody has it and it is done.
//!
//! This file only connects things: the library decides what is done, [`platform::lambda`] talks to AWS. A function that
//! is set up wrongly ends here, at deployment, not at its first message.

use contract::event::FunctionName;
use platform::lambda::{ServeError, serve_reaching};

fn main() -> Result<(), ServeError> {
    serve_reaching(FunctionName::Escalate, |ports, outside, environment| {
        escalate::Escalate::connected(ports, outside.connector, environment.get(escalate::DESTINATIONS_VARIABLE))
    })
}

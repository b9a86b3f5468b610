//! What the tests that cross functions share: for now LocalStack on this machine.

pub mod bootstrap;
pub mod localstack;

//! What the tests that cross functions share: LocalStack on this machine, and a Runtime API for one program.

pub mod bootstrap;
pub mod localstack;

//! The ports (table, bus, queue, clock) with their adapters, the function trait with its hosts' common part, HTTP, logs
//! and metrics. No business decision is made here.
//!
//! Features: `embedded` brings the table on redb, `lambda` brings the AWS adapters and the Lambda host.

pub mod answers;
pub mod bus;
pub mod clock;
pub mod connector;
#[cfg(feature = "doubles")]
pub mod doubles;
pub mod environment;
pub mod function;
pub mod history;
pub mod http;
pub mod keys;
#[cfg(feature = "lambda")]
pub mod lambda;
pub mod log;
pub mod metrics;
pub mod once;
pub mod queue;
pub mod random;
pub mod shelf;
pub mod snapshot;
pub mod sweep;
pub mod table;

//! The one-machine host and its command line: the same five functions as on AWS, in one process on the embedded table,
//! wired by the same template, with queues that redeliver and dead-letter, schedules, an HTTP front, virtual time and
//! injected faults.
//!
//! Nothing here is ever linked into a function, and no AWS crate is linked in here.

pub mod bus;
pub mod client;
pub mod clock;
pub mod command;
pub mod configuration;
pub mod data;
pub mod dry_run;
pub mod evaluate;
pub mod examples;
pub mod faults;
pub mod front;
pub mod functions;
pub mod host;
pub mod import;
pub mod issuer;
pub mod play;
pub mod post;
pub mod queue;
pub mod sample;
pub mod schedule;
pub mod shelf;
pub mod summary;
pub mod wiring;

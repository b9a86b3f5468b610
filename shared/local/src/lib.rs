//! The one-machine host and its command line: the same five functions as on AWS, in one process on the embedded table,
//! wired by the same template, with queues that redeliver and dead-letter, schedules, an HTTP front, virtual time and
//! injected faults.
//!
//! Nothing here is ever linked into a function, and no AWS crate is linked in here.

pub mod bus;
pub mod clock;
pub mod faults;
pub mod host;
pub mod issuer;
pub mod queue;
pub mod sample;
pub mod schedule;
pub mod wiring;

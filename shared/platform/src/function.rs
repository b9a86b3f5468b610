//! What a function is: three doors, and the ports it works through. The Lambda host and the local host drive the same
//! trait.

use crate::answers::Gathered;
use crate::bus::{Bus, BusError};
use crate::clock::Clock;
use crate::http::{Caller, Problem, Request, Response, Route};
use crate::metrics::Metrics;
use crate::queue::{Queue, QueueError};
use crate::table::{Table, TableError};
use async_trait::async_trait;
use contract::event::FunctionName;
use contract::message::{Incoming, MessageError};
use jiff::Timestamp;
use std::sync::Arc;

/// The ports of a function.
#[derive(Clone)]
pub struct Ports {
    /// The table.
    pub table: Arc<dyn Table>,
    /// The bus.
    pub bus: Arc<dyn Bus>,
    /// The function's own queue.
    pub queue: Arc<dyn Queue>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Where metrics go.
    pub metrics: Arc<dyn Metrics>,
    /// How the door answered, as far as that is not recorded yet.
    pub answers: Arc<Gathered>,
}

/// A schedule's call: its name and the slot it stands for. A slot that fires twice has the same time.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Tick {
    /// Which schedule: `score_run`, `rule_sweep`, `source_watch`, `due_clock`.
    pub tick: String,
    /// The slot.
    pub time: Timestamp,
}

/// Why a message or a tick could not be handled.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The table.
    #[error("table: {0}")]
    Table(#[from] TableError),
    /// The bus.
    #[error("bus: {0}")]
    Bus(#[from] BusError),
    /// The queue.
    #[error("queue: {0}")]
    Queue(#[from] QueueError),
    /// A message that cannot be read.
    #[error(transparent)]
    Malformed(#[from] MessageError),
    /// A message that does not belong here, or a state that contradicts it. Trying again does not help.
    #[error("cannot be handled: {0}")]
    Unhandled(String),
}

/// A function of the set.
#[async_trait]
pub trait Function: Send + Sync {
    /// Which one.
    fn name(&self) -> FunctionName;

    /// The routes that it answers.
    fn routes(&self) -> &'static [Route];

    /// The ports that it works through.
    fn ports(&self) -> &Ports;

    /// Answers an HTTP request on one of its routes. The caller is known and has the route's scope.
    async fn call(&self, caller: &Caller, request: &Request) -> Result<Response, Problem>;

    /// Handles one message of its queue: at least once in, once in effect. Work that consists of many small pieces ends
    /// at `until`, and what remains of it goes on as a message of its own.
    async fn message(&self, message: &Incoming, until: Timestamp) -> Result<(), Failure>;

    /// Handles a schedule's call.
    async fn tick(&self, tick: &Tick) -> Result<(), Failure>;
}

/// A configuration file that cannot be used: refused whole, with every fault and its path.
#[derive(Debug, thiserror::Error)]
#[error("{file} cannot be used: {}", .faults.iter().map(|fault| format!("`{}` {}", fault.path, fault.reason)).collect::<Vec<_>>().join("; "))]
pub struct ConfigurationError {
    /// Which file.
    pub file: &'static str,
    /// What is wrong with it.
    pub faults: Vec<contract::problem::Fault>,
}

//! The bus port: facts go out, to whoever listens.

#[cfg(feature = "lambda")]
pub mod eventbridge;

use async_trait::async_trait;
use contract::event::Event;

/// Why facts did not go out. They lie in the outbox and go out with the next try.
#[derive(Debug, thiserror::Error)]
pub enum BusError {
    /// The bus took some or none. A repeat is harmless: consumers know an event by its id.
    #[error("the bus did not take {failed} of {sent} events: {reason}")]
    NotTaken {
        /// How many were sent.
        sent: usize,
        /// How many were not taken.
        failed: usize,
        /// What the bus said of the first.
        reason: String,
    },
    /// An event is over the bus's size limit. Trying again does not help.
    #[error("event {0} is over the bus's limit of 256 KiB")]
    TooLarge(String),
    /// The bus does not answer.
    #[error("the bus is not available")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// The bus.
#[async_trait]
pub trait Bus: Send + Sync {
    /// Publishes all events; an error when any was not taken.
    async fn publish(&self, events: &[Event]) -> Result<(), BusError>;
}

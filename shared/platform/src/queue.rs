//! The queue port: a function's own queue, on which it puts work for itself.

#[cfg(feature = "lambda")]
pub mod sqs;

use async_trait::async_trait;
use contract::message::Work;

/// Why work did not get onto the queue.
#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    /// The queue took some or none. A repeat is harmless: work is known by its id.
    #[error("the queue did not take {failed} of {sent} messages: {reason}")]
    NotTaken {
        /// How many were sent.
        sent: usize,
        /// How many were not taken.
        failed: usize,
        /// What the queue said of the first.
        reason: String,
    },
    /// A message is over the queue's size limit. Trying again does not help.
    #[error("message {0} is over the queue's limit of 256 KiB")]
    TooLarge(String),
    /// The queue does not answer.
    #[error("the queue is not available")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// The function's own queue.
#[async_trait]
pub trait Queue: Send + Sync {
    /// Sends all; an error when any was not taken.
    async fn send(&self, work: &[Work]) -> Result<(), QueueError>;
}

//! A batch of a queue: each message on its own, and an answer that names those that failed.
//!
//! A message that fails, cannot be read, panics or finds no time left goes back to the queue, and after its receives to
//! the dead letters; its neighbours are done with. When every message failed the invocation itself fails, so that the
//! function's error metric shows it; for the queue that means the same.

use crate::function::Function;
use crate::log;
use crate::metrics::{Metric, record_message};
use contract::message::Incoming;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::error::Error;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;
use tracing::Instrument;

/// What is left free before the deadline to give the answer.
const RESERVE: Duration = Duration::from_millis(500);

/// A batch as Lambda hands it over.
#[derive(Debug, Deserialize)]
pub struct Batch {
    #[serde(rename = "Records")]
    records: Vec<Record>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    message_id: String,
    body: String,
    #[serde(default)]
    attributes: RecordAttributes,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RecordAttributes {
    approximate_receive_count: Option<String>,
}

impl Record {
    /// How often the queue has handed the message out, this time included.
    fn receives(&self) -> Option<&str> {
        self.attributes.approximate_receive_count.as_deref()
    }
}

/// The messages that failed. An empty list means that all were handled.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchAnswer {
    batch_item_failures: Vec<ItemFailure>,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct ItemFailure {
    item_identifier: String,
}

/// Every message of a batch failed.
#[derive(Debug, thiserror::Error)]
#[error("all {count} messages of the batch failed, the first: {first}")]
pub struct AllFailed {
    count: usize,
    first: String,
}

/// When an invocation ends, and how many messages of its batch are not done yet.
#[derive(Debug, Clone, Copy)]
struct End {
    deadline: Timestamp,
    waiting: usize,
}

impl End {
    /// The time that is left for all that wait.
    fn left(self, now: Timestamp) -> Duration {
        Duration::try_from(self.deadline.duration_since(now)).unwrap_or_default().saturating_sub(RESERVE)
    }

    /// When one message should end of itself, so that the others find the same time. One share more than there are
    /// messages, for what each of them does when it ends.
    fn share(self, now: Timestamp) -> Timestamp {
        let shares = u32::try_from(self.waiting).unwrap_or(u32::MAX).saturating_add(1);
        now.checked_add(self.left(now) / shares).unwrap_or(self.deadline)
    }
}

/// Handles a batch, message by message in the order of the batch.
pub async fn handle(function: &dyn Function, batch: Batch, deadline: Timestamp) -> Result<BatchAnswer, AllFailed> {
    let count = batch.records.len();
    let mut answer = BatchAnswer::default();
    let mut first = None;
    for (place, record) in batch.records.into_iter().enumerate() {
        let end = End { deadline, waiting: count - place };
        if let Err(reason) = handle_record(function, &record, end).await {
            first.get_or_insert(reason);
            answer.batch_item_failures.push(ItemFailure { item_identifier: record.message_id });
        }
    }
    match first {
        Some(first) if answer.batch_item_failures.len() == count => Err(AllFailed { count, first }),
        _ => Ok(answer),
    }
}

/// Handles one message. The error is the reason, which has been logged.
async fn handle_record(function: &dyn Function, record: &Record, end: End) -> Result<(), String> {
    let message = match Incoming::parse(&record.body) {
        Ok(message) => message,
        Err(error) => {
            function.ports().metrics.record(&[(Metric::MessagesFailed, 1)]);
            let reason = error.to_string();
            report(function, record, &reason);
            return Err(reason);
        }
    };
    let span = log::message_span(function.name(), &message);
    async {
        let result = within(function, &message, end).await;
        record_message(function.ports().metrics.as_ref(), &message, result.is_ok(), function.ports().clock.now());
        match &result {
            // So that one search for a correlation id finds every function that it came to.
            Ok(()) => tracing::info!(receives = record.receives(), "handled"),
            Err(reason) => report(function, record, reason),
        }
        result
    }
    .instrument(span)
    .await
}

fn report(function: &dyn Function, record: &Record, reason: &str) {
    tracing::error!(
        function = function.name().as_str(),
        queue_message_id = record.message_id,
        receives = record.receives(),
        error = reason,
        "message failed"
    );
}

/// Lets the function handle the message in the time that is left.
async fn within(function: &dyn Function, message: &Incoming, end: End) -> Result<(), String> {
    let now = function.ports().clock.now();
    let left = end.left(now);
    if left.is_zero() {
        return Err("no time is left in this invocation".into());
    }
    match tokio::time::timeout(left, unwound(function, message, end.share(now))).await {
        Ok(result) => result,
        Err(_) => Err("the time of this invocation ran out".into()),
    }
}

/// Handles the message; a panic becomes a failure of this message alone.
async fn unwound(function: &dyn Function, message: &Incoming, until: Timestamp) -> Result<(), String> {
    let mut handling = pin!(function.message(message, until));
    // The function keeps no state of its own between messages that a panic could leave half changed.
    poll_fn(|context| match catch_unwind(AssertUnwindSafe(|| handling.as_mut().poll(context))) {
        Ok(poll) => poll.map(|result| result.map_err(|failure| with_causes(&failure))),
        Err(_) => Poll::Ready(Err("the function panicked".into())),
    })
    .await
}

/// An error with its causes, in one line. A cause that the text of its error names already is not named again.
pub fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        if !text.ends_with(&next) {
            text.push_str(": ");
            text.push_str(&next);
        }
        cause = error.source();
    }
    text
}

//! The queue port: a function's own queue, on which it puts work for itself. A function may have several, one a lane.

#[cfg(feature = "lambda")]
pub mod sqs;

use async_trait::async_trait;
use contract::message::{Lane, Work};
use std::collections::BTreeMap;
use std::sync::Arc;

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

/// The queues of one function: each piece of work goes into its own lane, the most urgent first.
#[derive(Default)]
pub struct Lanes(pub BTreeMap<Lane, Arc<dyn Queue>>);

#[async_trait]
impl Queue for Lanes {
    async fn send(&self, work: &[Work]) -> Result<(), QueueError> {
        let mut lanes: BTreeMap<Lane, Vec<Work>> = BTreeMap::new();
        for work in work {
            lanes.entry(work.lane()).or_default().push(work.clone());
        }
        if let Some((lane, pieces)) = lanes.iter().find(|(lane, _)| !self.0.contains_key(lane)) {
            return Err(QueueError::NotTaken {
                sent: work.len(),
                failed: pieces.len(),
                reason: format!("the function has no queue for {} work", lane.as_str()),
            });
        }
        for (lane, pieces) in lanes {
            if let Some(queue) = self.0.get(&lane) {
                queue.send(&pieces).await?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doubles::block_on;
    use contract::message::{RecordSignals, Sweep, Task, cause_id};
    use domain::id::{AccountId, TenantId};
    use std::sync::{Mutex, PoisonError};

    /// Writes down in which lane which work came.
    struct Noting(Lane, Arc<Mutex<Vec<(Lane, String)>>>);

    #[async_trait]
    impl Queue for Noting {
        async fn send(&self, work: &[Work]) -> Result<(), QueueError> {
            let mut noted = self.1.lock().unwrap_or_else(PoisonError::into_inner);
            noted.extend(work.iter().map(|work| (self.0, work.correlation_id.clone())));
            Ok(())
        }
    }

    fn work(name: &str, task: Task) -> Work {
        let tenant = TenantId::new("t").unwrap();
        Work { work_id: cause_id(name), tenant, correlation_id: name.to_owned(), task }
    }

    fn case(severity: &str) -> Task {
        let signal = serde_json::json!({
            "source": "desk", "id": "s", "account": "acme", "at": "2026-03-02T12:00:00Z", "metric": "case_event",
            "value": 1, "unit": "count", "case": { "id": "c", "severity": severity, "status": "opened" }
        });
        let signals = vec![serde_json::from_value(signal).unwrap()];
        Task::RecordSignals(RecordSignals { account: AccountId::new("acme").unwrap(), signals, refused: Vec::new() })
    }

    fn page() -> Task {
        let at = "2026-03-02T12:00:00Z".parse().unwrap();
        Task::Sweep(Sweep { run: "r".into(), at, shard: 0, after: None })
    }

    #[test]
    fn a5_a_critical_case_goes_before_other_news_and_news_before_runs() {
        let noted = Arc::default();
        let lane = |lane| (lane, Arc::new(Noting(lane, Arc::clone(&noted))) as Arc<dyn Queue>);
        let queue = Lanes(Lane::ALL.map(lane).into());
        let sent = [work("run", page()), work("low", case("low")), work("critical", case("critical"))];
        block_on(queue.send(&sent)).unwrap();
        let expected = [(Lane::Urgent, "critical"), (Lane::Standard, "low"), (Lane::Bulk, "run")];
        assert_eq!(*noted.lock().unwrap(), expected.map(|(lane, name)| (lane, name.to_owned())));
    }

    #[test]
    fn work_for_a_lane_that_is_not_there_is_an_error_and_nothing_is_sent() {
        let noted = Arc::default();
        let standard = Arc::new(Noting(Lane::Standard, Arc::clone(&noted))) as Arc<dyn Queue>;
        let queue = Lanes([(Lane::Standard, standard)].into());
        let error = block_on(queue.send(&[work("low", case("low")), work("run", page())])).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the queue did not take 1 of 2 messages: the function has no queue for bulk work"
        );
        assert_eq!(noted.lock().unwrap().len(), 0);
    }
}

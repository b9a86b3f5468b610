//! The queue on Amazon SQS. A message that SQS did not take is an error, although the call succeeds.

use crate::lambda::delivery::{self, CallError, Courier, MAX_BYTES, Refusal, Undelivered};
use crate::lambda::failure;
use crate::queue::{Queue, QueueError};
use async_trait::async_trait;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{BatchResultErrorEntry, SendMessageBatchRequestEntry};
use contract::message::Work;

/// A queue.
#[derive(Debug, Clone)]
pub struct Sqs {
    client: Client,
    url: String,
}

impl Sqs {
    /// The queue at this URL.
    pub(crate) const fn new(client: Client, url: String) -> Self {
        Self { client, url }
    }
}

#[async_trait]
impl Queue for Sqs {
    async fn send(&self, work: &[Work]) -> Result<(), QueueError> {
        let mut too_large = None;
        let mut bodies = Vec::with_capacity(work.len());
        for work in work {
            let body = serde_json::to_string(work).map_err(|error| QueueError::NotTaken {
                sent: 1,
                failed: 1,
                reason: error.to_string(),
            })?;
            if body.len() > MAX_BYTES {
                too_large.get_or_insert_with(|| work.work_id.to_string());
            } else {
                bodies.push(body);
            }
        }
        delivery::deliver(self, bodies).await.map_err(|undelivered| match undelivered {
            Undelivered::Unavailable(error) => QueueError::Unavailable(error),
            Undelivered::NotTaken { failed, reason } => QueueError::NotTaken { sent: work.len(), failed, reason },
        })?;
        too_large.map_or(Ok(()), |id| Err(QueueError::TooLarge(id)))
    }
}

#[async_trait]
impl Courier for Sqs {
    /// A message's body.
    type Parcel = String;

    fn size(body: &String) -> usize {
        body.len()
    }

    async fn call(&self, bodies: &[String]) -> Result<Vec<Refusal>, CallError> {
        let entries = bodies.iter().enumerate().map(|(index, body)| {
            SendMessageBatchRequestEntry::builder().id(index.to_string()).message_body(body).build()
        });
        let entries = entries.collect::<Result<Vec<_>, _>>().map_err(|error| CallError::Refused(error.to_string()))?;
        let answer = self
            .client
            .send_message_batch()
            .queue_url(&self.url)
            .set_entries(Some(entries))
            .send()
            .await
            .map_err(failure::of_call)?;
        refusals(answer.failed())
    }
}

/// The messages that were not taken, named by the place that was their id: the call itself succeeds all the same.
fn refusals(failed: &[BatchResultErrorEntry]) -> Result<Vec<Refusal>, CallError> {
    let refused = failed.iter().map(|entry| {
        let unknown = |_| CallError::Refused(format!("the queue names an unknown message `{}`", entry.id()));
        let index = entry.id().parse().map_err(unknown)?;
        Ok(Refusal { index, reason: format!("{}: {}", entry.code(), entry.message().unwrap_or_default()) })
    });
    refused.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(id: &str) -> BatchResultErrorEntry {
        BatchResultErrorEntry::builder()
            .id(id)
            .sender_fault(false)
            .code("ServiceUnavailable")
            .message("busy")
            .build()
            .unwrap()
    }

    #[test]
    fn a_message_that_failed_is_refused_although_the_call_succeeds() {
        let refused = refusals(&[failed("3")]).unwrap();
        assert_eq!(refused, [Refusal { index: 3, reason: "ServiceUnavailable: busy".into() }]);
        assert!(refusals(&[failed("elsewhere")]).is_err());
    }
}

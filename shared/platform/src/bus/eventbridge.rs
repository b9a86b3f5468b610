//! The bus on Amazon EventBridge. An event that EventBridge did not take is an error, although the call succeeds.

use crate::bus::{Bus, BusError};
use crate::lambda::delivery::{self, CallError, Courier, MAX_BYTES, Refusal, Undelivered};
use crate::lambda::failure;
use async_trait::async_trait;
use aws_sdk_eventbridge::Client;
use aws_sdk_eventbridge::operation::put_events::PutEventsOutput;
use aws_sdk_eventbridge::primitives::DateTime;
use aws_sdk_eventbridge::types::PutEventsRequestEntry;
use contract::event::Event;

/// What EventBridge counts for an entry's time.
const TIME_BYTES: usize = 14;

/// A bus.
#[derive(Debug, Clone)]
pub struct EventBridge {
    client: Client,
    name: String,
}

impl EventBridge {
    /// The bus of this name.
    pub(crate) const fn new(client: Client, name: String) -> Self {
        Self { client, name }
    }

    fn entry(&self, event: &Event) -> Result<PutEventsRequestEntry, BusError> {
        let detail =
            event.detail().map_err(|error| BusError::NotTaken { sent: 1, failed: 1, reason: error.to_string() })?;
        Ok(PutEventsRequestEntry::builder()
            .event_bus_name(&self.name)
            .source(event.source())
            .detail_type(event.fact.name())
            .time(DateTime::from_secs(event.meta.occurred_at.as_second()))
            .detail(detail)
            .build())
    }
}

#[async_trait]
impl Bus for EventBridge {
    async fn publish(&self, events: &[Event]) -> Result<(), BusError> {
        let mut too_large = None;
        let mut entries = Vec::with_capacity(events.len());
        for event in events {
            let entry = self.entry(event)?;
            if Self::size(&entry) > MAX_BYTES {
                too_large.get_or_insert_with(|| event.meta.event_id.to_string());
            } else {
                entries.push(entry);
            }
        }
        delivery::deliver(self, entries).await.map_err(|undelivered| match undelivered {
            Undelivered::Unavailable(error) => BusError::Unavailable(error),
            Undelivered::NotTaken { failed, reason } => BusError::NotTaken { sent: events.len(), failed, reason },
        })?;
        too_large.map_or(Ok(()), |id| Err(BusError::TooLarge(id)))
    }
}

#[async_trait]
impl Courier for EventBridge {
    type Parcel = PutEventsRequestEntry;

    fn size(entry: &PutEventsRequestEntry) -> usize {
        let texts = [entry.source(), entry.detail_type(), entry.detail()];
        texts.into_iter().flatten().map(str::len).fold(TIME_BYTES, usize::saturating_add)
    }

    async fn call(&self, entries: &[PutEventsRequestEntry]) -> Result<Vec<Refusal>, CallError> {
        let answer =
            self.client.put_events().set_entries(Some(entries.to_vec())).send().await.map_err(failure::of_call)?;
        refusals(&answer, entries.len())
    }
}

/// The entries that were not taken: the call itself succeeds all the same.
fn refusals(answer: &PutEventsOutput, sent: usize) -> Result<Vec<Refusal>, CallError> {
    let refused = answer.entries().iter().enumerate().filter_map(|(index, entry)| {
        let code = entry.error_code()?;
        Some(Refusal { index, reason: format!("{code}: {}", entry.error_message().unwrap_or_default()) })
    });
    let refused: Vec<Refusal> = refused.collect();
    if refused.is_empty() && answer.failed_entry_count() > 0 {
        return Err(CallError::Refused(format!(
            "{} of {sent} entries failed without a name",
            answer.failed_entry_count()
        )));
    }
    Ok(refused)
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_eventbridge::types::PutEventsResultEntry;

    fn answer(failed: i32, entries: Vec<PutEventsResultEntry>) -> PutEventsOutput {
        PutEventsOutput::builder().failed_entry_count(failed).set_entries(Some(entries)).build()
    }

    #[test]
    fn an_entry_that_failed_is_refused_although_the_call_succeeds() {
        let taken = PutEventsResultEntry::builder().event_id("e1").build();
        let failed = PutEventsResultEntry::builder().error_code("InternalFailure").error_message("try again").build();
        let refused = refusals(&answer(1, vec![taken, failed]), 2).unwrap();
        assert_eq!(refused, [Refusal { index: 1, reason: "InternalFailure: try again".into() }]);
    }

    #[test]
    fn a_count_of_failures_without_their_names_is_no_success() {
        assert!(refusals(&answer(1, Vec::new()), 2).is_err());
        assert!(refusals(&answer(0, Vec::new()), 2).unwrap().is_empty());
    }
}

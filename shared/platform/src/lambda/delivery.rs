//! Sending many parcels to a service that takes ten at a time and may take only some of them: the bus and the queue.
//!
//! A parcel that was refused is sent again a bounded number of times. What is left then is an error, never a success.

use crate::random;
use async_trait::async_trait;
use domain::retry::{Budget, Cause};
use jiff::SignedDuration;

/// The most parcels in one call, of EventBridge and SQS alike.
const MAX_PARCELS: usize = 10;
/// The most bytes in one call and in one parcel.
pub const MAX_BYTES: usize = 256 * 1024;

/// A parcel that the service did not take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Its place in the call.
    pub index: usize,
    /// What the service said.
    pub reason: String,
}

/// Why a call failed as a whole.
#[derive(Debug)]
pub enum CallError {
    /// The service does not answer.
    Unavailable(Box<dyn std::error::Error + Send + Sync>),
    /// The service refuses the call.
    Refused(String),
}

/// What could not be delivered.
#[derive(Debug)]
pub enum Undelivered {
    /// The service does not answer. Some parcels may have been taken.
    Unavailable(Box<dyn std::error::Error + Send + Sync>),
    /// The service refused parcels, after all tries.
    NotTaken {
        /// How many.
        failed: usize,
        /// What it said of the first.
        reason: String,
    },
}

/// Makes the calls.
#[async_trait]
pub trait Courier: Send + Sync {
    /// What is sent.
    type Parcel: Clone + Send + Sync;

    /// How often a parcel that is refused is sent.
    const BUDGET: Budget =
        Budget { attempts: 3, first: SignedDuration::from_millis(100), longest: SignedDuration::from_secs(1) };

    /// The parcel's size in bytes, as the service counts it.
    fn size(parcel: &Self::Parcel) -> usize;

    /// One call: at most ten parcels and [`MAX_BYTES`]. Names the parcels that were not taken.
    async fn call(&self, parcels: &[Self::Parcel]) -> Result<Vec<Refusal>, CallError>;
}

/// Delivers every parcel, in as few calls as the limits allow.
pub async fn deliver<C: Courier>(courier: &C, parcels: Vec<C::Parcel>) -> Result<(), Undelivered> {
    let mut pending = parcels;
    let mut made = 0;
    loop {
        let (refused, reason) = round(courier, &pending).await?;
        if refused.is_empty() {
            return Ok(());
        }
        made += 1;
        tracing::warn!(attempt = made, failed = refused.len(), %reason, "parcels were not taken");
        let Some(pause) = C::BUDGET.pause(made, Cause::Transient { retry_after: None }, random::roll()) else {
            return Err(Undelivered::NotTaken { failed: refused.len(), reason });
        };
        tokio::time::sleep(pause.unsigned_abs()).await;
        pending = refused;
    }
}

/// Sends every parcel once. Gives back those that were refused, and why the first of them was.
async fn round<C: Courier>(courier: &C, parcels: &[C::Parcel]) -> Result<(Vec<C::Parcel>, String), Undelivered> {
    let mut refused = Vec::new();
    let mut first = None;
    let mut rest = parcels;
    while !rest.is_empty() {
        let (call, behind) = rest.split_at_checked(fitting::<C>(rest)).unwrap_or((rest, &[]));
        rest = behind;
        let refusals = match courier.call(call).await {
            Ok(refusals) => refusals,
            Err(CallError::Unavailable(error)) => return Err(Undelivered::Unavailable(error)),
            Err(CallError::Refused(reason)) => {
                (0..call.len()).map(|index| Refusal { index, reason: reason.clone() }).collect()
            }
        };
        for refusal in refusals {
            refused.extend(call.get(refusal.index).cloned());
            first.get_or_insert(refusal.reason);
        }
    }
    Ok((refused, first.unwrap_or_default()))
}

/// How many parcels from the front fit into one call: at least one.
fn fitting<C: Courier>(parcels: &[C::Parcel]) -> usize {
    let mut bytes = 0_usize;
    let fit = parcels
        .iter()
        .take(MAX_PARCELS)
        .take_while(|parcel| {
            bytes = bytes.saturating_add(C::size(parcel));
            bytes <= MAX_BYTES
        })
        .count();
    fit.max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    /// Parcels are their sizes. Refuses each parcel of `stubborn` so often; keeps what each call held.
    struct Service {
        stubborn: Mutex<Vec<(usize, u32)>>,
        calls: Mutex<Vec<Vec<usize>>>,
    }

    impl Service {
        fn new(stubborn: &[(usize, u32)]) -> Self {
            Self { stubborn: Mutex::new(stubborn.to_vec()), calls: Mutex::default() }
        }

        fn calls(&self) -> Vec<Vec<usize>> {
            self.calls.lock().unwrap().clone()
        }
    }

    #[async_trait]
    impl Courier for Service {
        type Parcel = usize;
        const BUDGET: Budget = Budget { attempts: 3, first: SignedDuration::ZERO, longest: SignedDuration::ZERO };

        fn size(parcel: &usize) -> usize {
            *parcel
        }

        async fn call(&self, parcels: &[usize]) -> Result<Vec<Refusal>, CallError> {
            self.calls.lock().unwrap().push(parcels.to_vec());
            let mut stubborn = self.stubborn.lock().unwrap();
            let mut refusals = Vec::new();
            for (index, parcel) in parcels.iter().enumerate() {
                if let Some(entry) = stubborn.iter_mut().find(|entry| entry.0 == *parcel && entry.1 > 0) {
                    entry.1 -= 1;
                    refusals.push(Refusal { index, reason: format!("no room for {parcel}") });
                }
            }
            Ok(refusals)
        }
    }

    #[tokio::test]
    async fn a_call_holds_ten_parcels_and_256_kib_at_most() {
        let service = Service::new(&[]);
        deliver(&service, (0..23).collect()).await.unwrap();
        assert_eq!(service.calls().iter().map(Vec::len).collect::<Vec<_>>(), [10, 10, 3]);

        let service = Service::new(&[]);
        deliver(&service, vec![MAX_BYTES / 2, MAX_BYTES / 2, 1, MAX_BYTES]).await.unwrap();
        assert_eq!(service.calls(), [vec![MAX_BYTES / 2, MAX_BYTES / 2], vec![1], vec![MAX_BYTES]]);
    }

    #[tokio::test]
    async fn a13_only_what_was_refused_is_sent_again() {
        let service = Service::new(&[(2, 1), (4, 2)]);
        deliver(&service, vec![1, 2, 3, 4]).await.unwrap();
        assert_eq!(service.calls(), [vec![1, 2, 3, 4], vec![2, 4], vec![4]]);
    }

    #[tokio::test]
    async fn a13_a_parcel_that_is_always_refused_is_an_error_after_three_tries() {
        let service = Service::new(&[(2, u32::MAX)]);
        let Err(Undelivered::NotTaken { failed: 1, reason }) = deliver(&service, vec![1, 2, 3]).await else {
            panic!("was delivered")
        };
        assert_eq!(reason, "no room for 2");
        assert_eq!(service.calls().len(), 3);
    }
}

//! Plays the sample portfolio through the host on virtual time: a day at a time, by HTTP, as a real feed would bring it.
//!
//! The ids of all requests follow from seed and day, so that a day which is played again after a crash changes nothing
//! twice.

use crate::bus::Witness;
use crate::client::{Ask, Client, ClientError};
use crate::data::Sighting;
use crate::host::Host;
use crate::issuer::IssuerError;
use crate::sample::{Arrival, Portfolio, SLA_BREACH};
use contract::event::{Event, Fact};
use contract::ingest::{MAX_RECORDS, SignalsAnswer, SignalsRequest};
use domain::day::Day;
use domain::id::{PersonId, TenantId};
use platform::clock::Clock;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

/// The tenant of this machine, unless another one is named.
pub const TENANT: &str = "local";
/// Who brings the sample's records.
const FEED: &str = "sample-feed";
/// Records that arrive within so many seconds are sent together.
const SLICE_SECONDS: i64 = 900;

/// Why a day of the sample could not be played.
#[derive(Debug, thiserror::Error)]
pub enum PlayError {
    /// The host refused something.
    #[error("the sample could not be played")]
    Client(#[from] ClientError),
    /// The host took a record for a bad one.
    #[error("the sample holds a record that is refused: {0}")]
    Refused(String),
}

/// A client for the sample's tenant.
pub fn client(clock: Arc<dyn Clock>) -> Result<Client, IssuerError> {
    match (TenantId::new(TENANT), PersonId::new(FEED)) {
        (Ok(tenant), Ok(feed)) => Client::new(tenant, feed, clock),
        _ => unreachable!("both are ids"),
    }
}

/// Keeps what the functions make of the facts.
#[derive(Debug, Clone, Default)]
pub struct Sightings(Arc<Mutex<BTreeSet<Sighting>>>);

impl Sightings {
    /// Goes on with what was seen before.
    pub fn of(seen: &[Sighting]) -> Self {
        Self(Arc::new(Mutex::new(seen.iter().cloned().collect())))
    }

    /// What was seen.
    pub fn all(&self) -> Vec<Sighting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    /// Sees what the bus carries.
    pub fn witness(&self) -> Witness {
        let seen = self.0.clone();
        Arc::new(move |event| seen.lock().unwrap_or_else(PoisonError::into_inner).extend(sighting(event)))
    }
}

/// A call to action or an escalation by a rule, or a breached clock.
fn sighting(event: &Event) -> Option<Sighting> {
    let rule = match &event.fact {
        Fact::CtaOpened(opened) => opened.cta.rule.to_string(),
        Fact::EscalationRequested(requested) => requested.rule.to_string(),
        Fact::SlaBreached(_) => SLA_BREACH.to_owned(),
        _ => return None,
    };
    Some(Sighting { account: event.meta.account.clone()?, rule, at: event.meta.occurred_at })
}

/// Plays one day of the sample and says how many records that were. Time ends up at the beginning of the next day.
pub fn day(host: &mut Host, client: &Client, portfolio: &Portfolio, seed: u64, day: Day) -> Result<u64, PlayError> {
    host.advance(day.start());
    let first = day == portfolio.start;
    let changes = if first { portfolio.accounts.clone() } else { portfolio.changes_of(day) };
    for (account, body) in &changes {
        let id = format!("sample-{seed}-{day}-{account}");
        let ask = Ask {
            function: "ingest",
            method: "PUT",
            route: "/accounts/{id}",
            parameters: &[("id", account.as_str())],
            id: &id,
        };
        client.expect::<_, serde_json::Value>(host, &ask, body)?;
    }
    let mut records = 0;
    let arrivals = portfolio.arrivals_of(day);
    let slice = |arrival: &Arrival| arrival.at.as_second().div_euclid(SLICE_SECONDS);
    for (number, together) in arrivals.chunk_by(|a, b| slice(a) == slice(b)).enumerate() {
        host.advance(together.last().map_or(host.now(), |arrival| arrival.at));
        for (part, batch) in together.chunks(MAX_RECORDS).enumerate() {
            send(host, client, &format!("sample-{seed}-{day}-{number}-{part}"), batch)?;
            records += u64::try_from(batch.len()).unwrap_or_default();
        }
    }
    host.advance(day.plus(1).start());
    Ok(records)
}

fn send(host: &mut Host, client: &Client, id: &str, batch: &[Arrival]) -> Result<(), PlayError> {
    let request = SignalsRequest { signals: batch.iter().map(|arrival| arrival.signal.clone()).collect() };
    let ask = Ask { function: "ingest", method: "POST", route: "/signals", parameters: &[], id };
    let answer: SignalsAnswer = client.expect(host, &ask, &request)?;
    host.pump();
    match answer.results.iter().find(|result| !result.errors.is_empty()) {
        Some(refused) => Err(PlayError::Refused(format!("{id}: {:?}", refused.errors))),
        None => Ok(()),
    }
}

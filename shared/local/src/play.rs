//! Plays the sample portfolio through the host on virtual time: a day at a time, by HTTP, as a real feed would bring it.
//!
//! The ids of all requests follow from seed and day, so that a day which is played again after a crash changes nothing
//! twice.

use crate::bus::Witness;
use crate::client::{Ask, Client, ClientError};
use crate::data::Sighting;
use crate::host::Host;
use crate::issuer::IssuerError;
use crate::sample::{Arrival, Portfolio, SLA_BREACH, unusual};
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
const SLICE_SECONDS: i64 = 8 * 3_600;

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

/// A call to action or an escalation by a rule, a breached clock, or an unusual day.
fn sighting(event: &Event) -> Option<Sighting> {
    let rule = match &event.fact {
        Fact::AnomalyFound(found) => unusual(&found.metric),
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
    for (number, together) in batches(portfolio.arrivals_of(day)).iter().enumerate() {
        host.advance(together.last().map_or(host.now(), |arrival| arrival.at));
        for (part, batch) in together.chunks(MAX_RECORDS).enumerate() {
            send(host, client, &format!("sample-{seed}-{day}-{number}-{part}"), batch)?;
            records += u64::try_from(batch.len()).unwrap_or_default();
        }
    }
    host.advance(day.plus(1).start());
    Ok(records)
}

/// News of cases goes out when it arrives, because clocks run on it; the rest as feeds send it, some hours' worth at once.
fn batches(arrivals: Vec<Arrival>) -> Vec<Vec<Arrival>> {
    let slice = |arrival: &Arrival| arrival.at.as_second().div_euclid(SLICE_SECONDS);
    let (cases, others): (Vec<_>, Vec<_>) = arrivals.into_iter().partition(|arrival| arrival.signal.case.is_some());
    let mut batches: Vec<Vec<Arrival>> =
        others.chunk_by(|a, b| slice(a) == slice(b)).map(<[Arrival]>::to_vec).collect();
    batches.extend(cases.into_iter().map(|arrival| vec![arrival]));
    batches.sort_by_key(|batch| batch.last().map(|arrival| arrival.at));
    batches
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::StandingClock;
    use crate::command::TEMPLATE;
    use crate::data::{Content, Played, keep, restore_queues, standing};
    use crate::faults::Faults;
    use crate::functions;
    use crate::host::Parts;
    use crate::sample::START;
    use crate::wiring::Wiring;
    use platform::metrics::Nowhere;
    use platform::table::embedded::{Durability, EmbeddedTable};
    use std::collections::BTreeMap;

    struct Stage {
        host: Host,
        table: Arc<EmbeddedTable>,
        client: Client,
        sightings: Sightings,
    }

    fn stage() -> Stage {
        let clock = Arc::new(StandingClock::new(START.start()));
        let table = Arc::new(EmbeddedTable::memory(clock.clone()).unwrap());
        table.set_durability(Durability::OnFlush);
        let sightings = Sightings::default();
        let parts = Parts {
            wiring: Wiring::read(TEMPLATE, &BTreeMap::new()).unwrap(),
            table: table.clone(),
            clock: clock.clone(),
            faults: Faults::none(),
            metrics: Arc::new(Nowhere),
            witness: sightings.witness(),
        };
        let host = Host::new(parts, functions::build).unwrap();
        Stage { host, table, client: client(clock).unwrap(), sightings }
    }

    /// The state, without how often doors answered: a repeat is an answer too.
    fn export(table: &EmbeddedTable) -> String {
        let mut text = Vec::new();
        crate::command::write_state(table, &mut text).unwrap();
        let text = String::from_utf8(text).unwrap();
        text.lines().filter(|line| !line.contains("#ANSWERS\"")).map(|line| format!("{line}\n")).collect()
    }

    fn played(seed: u64) -> Stage {
        let mut stage = stage();
        let portfolio = Portfolio::generate(seed);
        assert!(day(&mut stage.host, &stage.client, &portfolio, seed, START).unwrap() > 100);
        stage
    }

    #[test]
    fn the_same_seed_gives_the_same_state_and_another_gives_another() {
        let state = export(&played(1).table);
        assert!(state.lines().count() > 500, "{}", state.lines().count());
        assert_eq!(state, export(&played(1).table));
        assert_ne!(state, export(&played(2).table));
    }

    #[test]
    fn a_day_that_is_played_again_changes_nothing() {
        let mut stage = played(1);
        let (state, seen) = (export(&stage.table), stage.sightings.all());
        day(&mut stage.host, &stage.client, &Portfolio::generate(1), 1, START).unwrap();
        assert_eq!(export(&stage.table), state);
        assert_eq!(stage.sightings.all(), seen);
    }

    #[test]
    fn what_the_host_wrote_down_is_what_it_goes_on_with() {
        let stage = played(1);
        stage.host.queues().send("FactsQueue", "{}".to_owned(), stage.host.now());
        let content = Content::Sample(Played { days: 1, seen: stage.sightings.all(), ..Played::nothing(1) });
        keep(&stage.table, &stage.host, &content).unwrap();
        let standing = standing(&stage.table).unwrap().unwrap();
        assert_eq!((standing.content, standing.now), (content, START.plus(1).start()));
        let other = self::stage();
        restore_queues(&stage.table, &other.host).unwrap();
        assert_eq!(other.host.queues().hold(), stage.host.queues().hold());
        assert_eq!(other.host.queues().waiting(), 1);
    }
}

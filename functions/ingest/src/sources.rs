//! Sources over all accounts, summed up while the watch goes through them.
//!
//! What is known of a source lies with each account and is written in the commit that records its signals: there is no
//! item that all batches of a source would race for. The watch, which reads every account anyway, adds them up on its way,
//! each page once; whoever ends the run keeps each source that changed, and tells what began or ended.

use crate::watch;
use async_trait::async_trait;
use contract::event::{Cause, Event};
use contract::message::{Sweep, Work, cause_id};
use domain::id::SourceId;
use domain::quality::Quality;
use domain::quality::detect::Told;
use domain::quality::score::assess;
use jiff::Timestamp;
use platform::function::{Failure, Ports};
use platform::keys;
use platform::once::{self, Decide, Effect};
use platform::sweep::Sum;
use serde::{Deserialize, Serialize};

/// A source over all accounts.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SourceRecord {
    /// Its days.
    pub quality: Quality,
    /// The findings that were reported.
    #[serde(default, skip_serializing_if = "Told::is_empty")]
    pub reported: Told,
}

/// What the watch adds up, account by account.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sources(pub Quality);

impl Sum for Sources {
    fn add(&mut self, other: Self) {
        self.0.add(&other.0);
    }
}

/// A run has gone through all accounts: keeps every source, and tells what began or ended. The last page of a run that is
/// delivered again does the same under the same names.
pub async fn settle(ports: &Ports, work: &Work, of: &Sweep, Sources(quality): &Sources) -> Result<(), Failure> {
    let run = format!("{}#ingest#{}", work.tenant, of.run);
    let cause = work.cause_of(&cause_id(&run));
    for source in quality.sources() {
        let message = cause_id(&format!("{run}#sources#{source}"));
        let settle = Settle { cause: &cause, source, quality: quality.only(source), now: ports.clock.now() };
        once::handle(ports, &keys::source(&work.tenant, source), &message, &settle).await?;
    }
    Ok(())
}

struct Settle<'a> {
    cause: &'a Cause,
    source: &'a SourceId,
    quality: Quality,
    now: Timestamp,
}

#[async_trait]
impl Decide for Settle<'_> {
    type State = SourceRecord;

    async fn decide(&self, state: Option<SourceRecord>) -> Result<Option<Effect<SourceRecord>>, Failure> {
        let before = state.clone().unwrap_or_default();
        let mut record = SourceRecord { quality: self.quality.clone(), reported: before.reported.clone() };
        let assessed = assess(&record.quality, None, self.now);
        let events: Vec<Event> = assessed
            .iter()
            .filter(|assessed| assessed.source == *self.source)
            .flat_map(|assessed| watch::findings(self.cause, None, &mut record.reported, assessed, self.now))
            .collect();
        Ok((state.is_none() || record != before).then(|| Effect::new(record, events)))
    }
}

//! The watch over sources: one that says nothing for more than twice its usual gap is a fact of its own. It is reported
//! once for each silence, and it is never a risk of the account.

use async_trait::async_trait;
use contract::event::{Cause, Event, FunctionName, SourceSilent};
use contract::message::Work;
use domain::day::{Day, SECONDS};
use domain::id::{AccountId, CauseId};
use domain::record::AccountRecord;
use jiff::Timestamp;
use platform::function::{Failure, Ports};
use platform::keys;
use platform::once::{self, Decide, Effect};
use platform::sweep::{self, Visit};

/// Goes through one page of a shard.
pub async fn shard(ports: &Ports, work: &Work) -> Result<(), Failure> {
    sweep::page(ports, FunctionName::Ingest, work, &Watch { ports, work }).await?;
    Ok(())
}

struct Watch<'a> {
    ports: &'a Ports,
    work: &'a Work,
}

#[async_trait]
impl Visit for Watch<'_> {
    type Sum = ();

    async fn visit(&self, account: &AccountId, message: &CauseId, (): &mut ()) -> Result<(), Failure> {
        let head = keys::series(&self.work.tenant, account);
        let cause = self.work.cause_of(message);
        // The account's description comes by HTTP, which nobody delivers again.
        once::flush(self.ports, &keys::profile(&self.work.tenant, account)).await?;
        once::handle(self.ports, &head, message, &Look { cause, account, now: self.ports.clock.now() }).await?;
        Ok(())
    }
}

struct Look<'a> {
    cause: Cause,
    account: &'a AccountId,
    now: Timestamp,
}

#[async_trait]
impl Decide for Look<'_> {
    type State = AccountRecord;

    async fn decide(&self, state: Option<AccountRecord>) -> Result<Option<Effect<AccountRecord>>, Failure> {
        let Some(mut record) = state else {
            return Ok(None);
        };
        let silent = record.series.silent_sources(Day::of(self.now));
        let events = silent
            .iter()
            .filter(|silent| record.reported_silent.get(&silent.source) != Some(&silent.last_day))
            .map(|silent| {
                let fact = SourceSilent {
                    source: silent.source.to_string(),
                    last_seen: silent.last_day.start(),
                    cadence_seconds: i64::from(silent.usual_gap_days) * SECONDS,
                };
                Event::new(&self.cause, Some(self.account), silent.source.as_str(), self.now, fact)
            })
            .collect();
        let reported = silent.into_iter().map(|silent| (silent.source, silent.last_day)).collect();
        if record.reported_silent == reported {
            return Ok(None);
        }
        record.reported_silent = reported;
        Ok(Some(Effect::new(record, events)))
    }
}

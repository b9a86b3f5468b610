//! The watch over sources: one that says nothing for nearly twice its usual rest is a fact of its own, and so is what is
//! unusual about what it says. Each is told once for each silence and for each beginning and end, and neither is a risk
//! of the account.

use crate::sources::{self, Sources};
use async_trait::async_trait;
use contract::event::{Cause, DataQualityChanged, Event, FunctionName, SourceSilent};
use contract::message::{Task, Work};
use domain::day::Day;
use domain::id::{AccountId, CauseId, SourceId};
use domain::quality::Quality;
use domain::quality::detect::{Change, Told, changes};
use domain::quality::score::{Assessment, assess};
use domain::record::AccountRecord;
use jiff::Timestamp;
use platform::function::{Failure, Ports};
use platform::keys;
use platform::once::{self, Effect, Evaluate};
use platform::sweep::{self, Sum, Visit};
use platform::table::{Item, Key, Table};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Goes through one page of a shard.
pub async fn shard(ports: &Ports, work: &Work, until: Timestamp) -> Result<(), Failure> {
    let done = sweep::page(ports, FunctionName::Ingest, work, until, &Watch { ports, work }).await?;
    match (done, &work.task) {
        (Some(run), Task::Sweep(of)) => sources::settle(ports, work, of, &run.sum).await,
        _ => Ok(()),
    }
}

struct Watch<'a> {
    ports: &'a Ports,
    work: &'a Work,
}

#[async_trait]
impl Visit for Watch<'_> {
    type Sum = Sources;

    async fn visit(&self, account: &AccountId, message: &CauseId, sum: &mut Sources) -> Result<(), Failure> {
        let head = keys::series(&self.work.tenant, account);
        let cause = self.work.cause_of(message);
        // The account's description comes by HTTP, which nobody delivers again.
        once::flush(self.ports, &keys::profile(&self.work.tenant, account)).await?;
        let look = Look { cause, account, now: self.ports.clock.now(), seen: Mutex::default() };
        once::handle(self.ports, &head, message, &look).await?;
        sum.add(Sources(look.seen.into_inner().unwrap_or_else(PoisonError::into_inner)));
        Ok(())
    }
}

struct Look<'a> {
    cause: Cause,
    account: &'a AccountId,
    now: Timestamp,
    /// What was read last, decided on or not: a page that comes back finds accounts that it has looked at before.
    seen: Mutex<Quality>,
}

#[async_trait]
impl Evaluate for Look<'_> {
    type State = AccountRecord;
    type Known = ();

    async fn load(&self, table: &dyn Table, head: &Key) -> Result<(Option<Item>, ()), Failure> {
        /// The rest is not read.
        #[derive(Deserialize)]
        struct Record {
            #[serde(default)]
            quality: Quality,
        }
        let item = table.get(head).await?;
        let record: Option<Record> = item.as_ref().map(once::state_of).transpose()?;
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) =
            record.map(|record| record.quality).unwrap_or_default();
        Ok((item, ()))
    }

    async fn evaluate(&self, state: Option<AccountRecord>, (): ()) -> Result<Option<Effect<AccountRecord>>, Failure> {
        let Some(mut record) = state else {
            return Ok(None);
        };
        let assessed = assess(&record.quality, Some(&record.series), self.now);
        let (silent, mut events) = self.silences(&record, &assessed);
        let mut reported = record.reported_findings.clone();
        reported.retain(|source, _| assessed.iter().any(|assessed| assessed.source == *source));
        for assessed in &assessed {
            events.extend(findings(&self.cause, Some(self.account), &mut reported, assessed, self.now));
        }
        if record.reported_silent == silent && record.reported_findings == reported {
            return Ok(None);
        }
        (record.reported_silent, record.reported_findings) = (silent, reported);
        Ok(Some(Effect::new(record, events)))
    }
}

impl Look<'_> {
    /// Who is silent, with the day on which it spoke last, and what is to be told of it.
    fn silences(&self, record: &AccountRecord, assessed: &[Assessment]) -> (BTreeMap<SourceId, Day>, Vec<Event>) {
        let (mut silent, mut events) = (BTreeMap::new(), Vec::new());
        for Assessment { source, rhythm, .. } in assessed.iter().filter(|assessed| assessed.is_silent) {
            let last_day = Day::of(rhythm.last_seen);
            silent.insert(source.clone(), last_day);
            if record.reported_silent.get(source) != Some(&last_day) {
                let fact = SourceSilent {
                    source: source.to_string(),
                    last_seen: rhythm.last_seen,
                    cadence_seconds: rhythm.cadence_hours.unwrap_or_default() * 3600,
                };
                events.push(Event::new(&self.cause, Some(self.account), source.as_str(), self.now, fact));
            }
        }
        (silent, events)
    }
}

/// What is to be told of a source's data.
pub fn findings(
    cause: &Cause,
    account: Option<&AccountId>,
    reported: &mut Told,
    assessed: &Assessment,
    now: Timestamp,
) -> Vec<Event> {
    let source = &assessed.source;
    let event = |change: Change| {
        let key = format!("{source}#{}", change.subject);
        Event::new(cause, account, &key, now, fact(source, change))
    };
    changes(reported, source, &assessed.checks).into_iter().map(event).collect()
}

fn fact(source: &SourceId, change: Change) -> DataQualityChanged {
    let (kind, metric) = match change.subject.split_once(':') {
        Some((kind, metric)) => (kind.to_owned(), Some(metric.to_owned())),
        None => (change.subject, None),
    };
    let (status, severity, text) = match change.found {
        Some(found) => ("began", Some(found.weight.name().to_owned()), found.text),
        None => ("ended", None, format!("it is no longer so, after it was since {}", change.since)),
    };
    DataQualityChanged {
        source: source.to_string(),
        kind,
        metric,
        status: status.to_owned(),
        severity,
        since: change.since.to_string(),
        text,
    }
}

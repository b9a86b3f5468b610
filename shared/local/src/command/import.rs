//! `cs-ops import`: facts from a file, through the same door as all others, then the portfolio as it stands.
//!
//! A batch is on the disk before the import says that it is done, so a killed import goes on where it stopped.

use super::{IMPORTED, Template, bar, hint};
use crate::bus::nobody;
use crate::clock::StandingClock;
use crate::data::{self, Content};
use crate::faults::Faults;
use crate::functions;
use crate::host::{Host, Parts};
use crate::import::door::{Door, DoorError, HostDoor};
use crate::import::{self, Options, Order, Summary, weekly};
use crate::issuer::Issuer;
use crate::play::TENANT;
use crate::{client::Client, summary};
use clap::Args;
use contract::ingest::SignalsAnswer;
use contract::signal::{AccountBody, SignalBody};
use domain::id::{AccountId, PersonId, TenantId};
use jiff::{SignedDuration, Timestamp};
use platform::clock::{Clock as _, WallClock};
use platform::metrics::Nowhere;
use platform::table::embedded::{Durability, EmbeddedTable};
use std::error::Error;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

/// What is imported, and where to.
#[derive(Debug, Args)]
pub struct Import {
    /// The file: CSV or NDJSON
    file: PathBuf,
    /// The mapping of its columns to signals
    #[arg(long, value_name = "FILE")]
    mapping: PathBuf,
    /// Let time pass as the records say: they come in their order, and scoring runs once a week
    #[arg(long)]
    by_time: bool,
    /// Whose facts these are
    #[arg(long, default_value = TENANT)]
    tenant: String,
    /// The data folder
    #[arg(long, value_name = "FOLDER", default_value = IMPORTED)]
    data: PathBuf,
    #[command(flatten)]
    template: Template,
}

impl Import {
    pub(super) fn execute(self, out: &mut impl Write) -> Result<(), Box<dyn Error>> {
        let clock = Arc::new(StandingClock::new(Timestamp::UNIX_EPOCH));
        let table = data::open(Some(&self.data), clock.clone())?;
        let import = import::Import::open(&self.options())?;
        let content = self.set_out(&table, &clock, import.first_moment())?;
        let wiring = self.template.wiring()?;
        let parts = Parts {
            wiring: if self.by_time { weekly(wiring) } else { wiring },
            table: table.clone(),
            clock: clock.clone(),
            faults: Faults::none(),
            metrics: Arc::new(Nowhere),
            witness: nobody(),
        };
        let mut host = Host::new(parts, functions::build)?;
        data::restore_queues(&table, &host)?;
        table.set_durability(Durability::OnFlush);
        let done = self.take(import, &mut host, &table, content)?;
        self.tell(out, &done, &host, clock)
    }

    fn options(&self) -> Options {
        let order = if self.by_time { Order::ByTime } else { Order::AsWritten };
        Options { file: self.file.clone(), mapping: self.mapping.clone(), output: self.data.clone(), order }
    }

    /// Sets the clock, and refuses a data folder that these records do not belong into.
    fn set_out(
        &self,
        table: &EmbeddedTable,
        clock: &StandingClock,
        first: Option<Timestamp>,
    ) -> Result<Content, Box<dyn Error>> {
        let standing = data::standing(table)?;
        let folder = self.data.display();
        let content = if self.by_time { Content::History } else { Content::Own };
        if let Some(other) = standing.as_ref().filter(|standing| standing.content != content) {
            let holds = match other.content {
                Content::Sample(_) => "the sample portfolio",
                Content::Own => "facts on the wall's time",
                Content::History => "facts that were imported with --by-time",
            };
            return Err(format!("data folder `{folder}` holds {holds}; name another one with --data").into());
        }
        if self.by_time {
            let stands = standing.map(|standing| standing.now);
            if let (Some(stands), Some(first)) = (stands, first)
                && stands > first
            {
                return Err(format!(
                    "data folder `{folder}` stands at {stands:.0}, and the first record is of {first:.0}; name another one with --data"
                )
                .into());
            }
            clock.move_to(stands.or(first).unwrap_or_else(|| WallClock.now()));
        } else {
            clock.move_to(WallClock.now());
        }
        Ok(content)
    }

    fn take(
        &self,
        import: import::Import,
        host: &mut Host,
        table: &EmbeddedTable,
        content: Content,
    ) -> Result<Summary, Box<dyn Error>> {
        let issuer = Issuer::in_memory()?;
        let verifier = issuer.verifier(host.clock())?;
        let (tenant, subject) = (TenantId::new(&self.tenant)?, PersonId::new("import")?);
        let token = |now| {
            let minted = issuer.mint(&tenant, &subject, &["cs-ops.ingest.write"], SignedDuration::from_hours(1), now);
            minted.unwrap_or_default()
        };
        let bar = bar(import.lines(), "lines")?.with_message("import");
        let mut door =
            LastingDoor { door: HostDoor { host, verifier: &verifier, token: &token }, table, content, fault: None };
        let done = import.run(&mut door, &WallClock, &bar)?;
        bar.finish_and_clear();
        door.settle();
        match door.fault {
            Some(fault) => Err(fault.into()),
            None => Ok(done),
        }
    }

    fn tell(
        &self,
        out: &mut impl Write,
        done: &Summary,
        host: &Host,
        clock: Arc<StandingClock>,
    ) -> Result<(), Box<dyn Error>> {
        let Summary { records, accepted, duplicates, refused, resumed_behind, seconds, records_per_second } = done;
        writeln!(out, "{records} records: {accepted} accepted, {duplicates} twice in the file, {refused} refused")?;
        if *resumed_behind > 0 {
            writeln!(out, "{resumed_behind} of them had been done by an earlier start")?;
        }
        if *refused > 0 {
            writeln!(out, "refused records, with the reasons: {}", self.options().refused().display())?;
        }
        writeln!(out, "{seconds:.1} s, {records_per_second:.0} records/s\n")?;
        let client = Client::new(TenantId::new(&self.tenant)?, PersonId::new("import")?, clock)?;
        summary::portfolio(out, &super::run::live(host, &client)?)?;
        hint(&format!("\nTo look at it: cs-ops --data {}", self.data.display()));
        Ok(())
    }
}

/// A door behind which a batch is on the disk before it counts as done.
struct LastingDoor<'a> {
    door: HostDoor<'a>,
    table: &'a EmbeddedTable,
    content: Content,
    fault: Option<String>,
}

impl LastingDoor<'_> {
    fn last(&mut self) -> Result<(), data::DataError> {
        data::keep(self.table, self.door.host, &self.content)?;
        Ok(self.table.flush()?)
    }

    fn sound(&self, what: &str) -> Result<(), DoorError> {
        let refuse = |fault: &String| Err(DoorError { what: what.to_owned(), status: 0, detail: fault.clone() });
        self.fault.as_ref().map_or(Ok(()), refuse)
    }
}

impl Door for LastingDoor<'_> {
    fn put_account(&mut self, id: &AccountId, body: &AccountBody) -> Result<(), DoorError> {
        self.sound("PUT account")?;
        self.door.put_account(id, body)
    }

    fn post_signals(&mut self, key: &str, signals: &[SignalBody]) -> Result<SignalsAnswer, DoorError> {
        self.sound("POST signals")?;
        self.door.post_signals(key, signals)
    }

    fn settle(&mut self) {
        self.door.settle();
        if let Err(error) = self.last() {
            self.fault = Some(error.to_string());
        }
    }

    fn pass_to(&mut self, moment: Timestamp) {
        self.door.pass_to(moment);
    }
}

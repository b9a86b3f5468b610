//! `cs-ops import`: facts from a file, through the same door as all others, then the portfolio as it stands.
//!
//! A batch is on the disk before the import says that it is done, so a killed import goes on where it stopped.

use super::{IMPORTED, Template, bar, hint};
use crate::bus::nobody;
use crate::clock::StandingClock;
use crate::configuration::Files;
use crate::data::{self, Content};
use crate::faults::Faults;
use crate::host::{Host, Parts};
use crate::import::door::{Door, DoorError, HostDoor};
use crate::import::journal::Refusal;
use crate::import::{self, Options, Order, Summary, listed, weekly};
use crate::issuer::Issuer;
use crate::play::TENANT;
use crate::{client::Client, summary};
use clap::Args;
use contract::ingest::SignalsAnswer;
use contract::signal::{AccountBody, SignalBody};
use domain::day::Day;
use domain::id::{AccountId, PersonId, TenantId};
use domain::signal::MAX_AGE_DAYS;
use jiff::{SignedDuration, Timestamp};
use platform::clock::{Clock as _, WallClock};
use platform::metrics::Nowhere;
use platform::table::embedded::{Durability, EmbeddedTable};
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::error::Error;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How many reasons of refused records are printed.
const REASONS: usize = 5;

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
    #[arg(long, value_name = "ID", default_value = TENANT, value_parser = |text: &str| TenantId::new(text))]
    tenant: TenantId,
    /// The data folder
    #[arg(long, value_name = "FOLDER", default_value = IMPORTED)]
    data: PathBuf,
    #[command(flatten)]
    files: Files,
    #[command(flatten)]
    template: Template,
}

impl Import {
    pub(super) fn execute(self, out: &mut impl Write) -> Result<(), Box<dyn Error>> {
        let options = self.options();
        // Before the data folder is made: a file or mapping that cannot be used leaves nothing behind.
        let import = import::Import::open(&options)?;
        let clock = Arc::new(StandingClock::new(Timestamp::UNIX_EPOCH));
        let table = data::open(Some(&self.data), clock.clone())?;
        let content = self.set_out(&table, &clock, &import)?;
        let configuration = self.files.configure(&table)?;
        let wiring = self.template.wiring()?;
        let parts = Parts {
            wiring: if self.by_time { weekly(wiring) } else { wiring },
            table: table.clone(),
            clock: clock.clone(),
            faults: Faults::none(),
            metrics: Arc::new(Nowhere),
            witness: nobody(),
        };
        let mut host = Host::new(parts, |name, ports| configuration.build(name, ports))?;
        data::restore_queues(&table, &host)?;
        table.set_durability(Durability::OnFlush);
        let complete = import.is_complete();
        let done = self.take(&options, import, &mut host, &table, content)?;
        if complete {
            writeln!(out, "This file was imported before, as it is; nothing was sent again. What it came to then:")?;
        }
        Self::tell(out, &options, &done)?;
        let client = Client::new(options.tenant, PersonId::new("import")?, clock)?;
        summary::portfolio(out, &super::run::live(&host, &client)?)?;
        super::run::dead_letters(out, &host)?;
        hint(&format!("\nTo look at it: cs-ops --data {}", self.data.display()));
        Ok(())
    }

    fn options(&self) -> Options {
        Options {
            file: self.file.clone(),
            mapping: self.mapping.clone(),
            tenant: self.tenant.clone(),
            output: self.data.clone(),
            order: if self.by_time { Order::ByTime } else { Order::AsWritten },
        }
    }

    /// Sets the clock, and refuses a data folder that these records do not belong into.
    fn set_out(
        &self,
        table: &EmbeddedTable,
        clock: &StandingClock,
        import: &import::Import,
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
            let (stands, first) = (standing.map(|standing| standing.now), import.first_moment());
            // An import that goes on may send its last batch again, which is of the day at which the folder stands.
            if let (Some(stands), Some(first)) = (stands, first)
                && stands > first
                && !import.was_begun()
            {
                let late =
                    format!("data folder `{folder}` stands at {stands:.0}, and the first record is of {first:.0}");
                if Day::of(stands).since(Day::of(first)) > MAX_AGE_DAYS {
                    return Err(format!("{late}, too late to be taken in; name another one with --data").into());
                }
                hint(&format!("{late}: records of before are taken in as late news."));
            }
            clock.move_to(stands.or(first).unwrap_or_else(|| WallClock.now()));
        } else {
            clock.move_to(WallClock.now());
        }
        Ok(content)
    }

    fn take(
        &self,
        options: &Options,
        import: import::Import,
        host: &mut Host,
        table: &EmbeddedTable,
        content: Content,
    ) -> Result<Summary, Box<dyn Error>> {
        let issuer = Issuer::in_memory()?;
        let verifier = issuer.verifier(host.clock())?;
        let subject = PersonId::new("import")?;
        let token = |now| {
            let hour = SignedDuration::from_hours(1);
            issuer.mint(&options.tenant, &subject, &["cs-ops.ingest.write"], hour, now).unwrap_or_default()
        };
        let bar = bar(import.lines(), "lines")?.with_message("import");
        let mut door = LastingDoor { door: HostDoor { host, verifier: &verifier, token: &token }, table, content };
        let done = import.run(&mut door, &WallClock, &bar);
        bar.finish_and_clear();
        // What was done stays done, and whoever reads of a failure wants to know that.
        let stopped = |error| {
            format!("the import stopped: {error}; what was taken in stays, and the same command goes on behind it")
        };
        Ok(done.map_err(stopped)?)
    }

    fn tell(out: &mut impl Write, options: &Options, done: &Summary) -> Result<(), Box<dyn Error>> {
        let Summary { records, accepted, duplicates, refused, resumed_behind, seconds, records_per_second } = done;
        writeln!(out, "{records} records: {accepted} accepted, {duplicates} twice in the file, {refused} refused")?;
        if *resumed_behind > 0 && resumed_behind < records {
            writeln!(out, "{resumed_behind} of them had been done by an earlier start")?;
        }
        if *refused > 0 {
            writeln!(out, "refused records, with the reasons: {}", options.refused().display())?;
            let reasons = commonest(&options.refused())?;
            for (count, reason) in &reasons {
                writeln!(out, "  {count} x {reason}")?;
            }
            advise(&reasons);
        }
        if records > resumed_behind {
            writeln!(out, "{seconds:.1} s, {records_per_second:.0} records/s")?;
        }
        Ok(writeln!(out)?)
    }
}

/// What helps against reasons that have their cause in how the import was asked for.
fn advise(reasons: &[(u64, String)]) {
    let any =
        |path: &str, words: &str| reasons.iter().any(|(_, reason)| reason.starts_with(path) && reason.contains(words));
    if any("at: ", "days in the past") {
        hint("Records of long ago are taken in with --by-time, which lets time pass as they say.");
    }
    if any("account: ", "is not known") {
        hint("The mapping's `create_accounts` describes accounts that are not known.");
    }
}

/// The reasons for which most records were refused, with how many those were.
fn commonest(refused: &Path) -> Result<Vec<(u64, String)>, Box<dyn Error>> {
    let mut reasons: BTreeMap<String, u64> = BTreeMap::new();
    for line in BufReader::new(File::open(refused)?).lines() {
        let refusal: Refusal = serde_json::from_str(&line?)?;
        for fault in &refusal.errors {
            *reasons.entry(listed(std::slice::from_ref(fault)).trim().to_owned()).or_default() += 1;
        }
    }
    let mut reasons: Vec<(u64, String)> = reasons.into_iter().map(|(reason, count)| (count, reason)).collect();
    reasons.sort_by_key(|(count, _)| Reverse(*count));
    reasons.truncate(REASONS);
    Ok(reasons)
}

/// A door behind which a batch is on the disk before it counts as done.
struct LastingDoor<'a> {
    door: HostDoor<'a>,
    table: &'a EmbeddedTable,
    content: Content,
}

impl Door for LastingDoor<'_> {
    fn put_new_account(&mut self, key: &str, id: &AccountId, body: &AccountBody) -> Result<(), DoorError> {
        self.door.put_new_account(key, id, body)
    }

    fn post_signals(&mut self, key: &str, signals: &[SignalBody]) -> Result<SignalsAnswer, DoorError> {
        self.door.post_signals(key, signals)
    }

    fn settle(&mut self) -> Result<(), DoorError> {
        self.door.settle()?;
        data::keep(self.table, self.door.host, &self.content).map_err(|error| DoorError::NotKept(error.to_string()))
    }

    fn pass_to(&mut self, moment: Timestamp) {
        self.door.pass_to(moment);
    }
}

//! `cs-ops dry-run`: what another scorecard would make of the portfolio in a data folder, and how it would have done.

use super::{DATA, TEMPLATE, bar, hint, open_filled};
use crate::bus::nobody;
use crate::configuration::Files;
use crate::data::{self, Content};
use crate::dry_run;
use crate::faults::Faults;
use crate::host::{Host, Parts};
use crate::import::listed;
use crate::play::{self, TENANT};
use crate::summary;
use crate::wiring::Wiring;
use clap::Args;
use contract::comparison::DryRunRequest;
use domain::band::Band;
use domain::id::TenantId;
use platform::clock::{Clock, WallClock};
use platform::metrics::Nowhere;
use std::collections::BTreeMap;
use std::error::Error;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

/// What is tried.
#[derive(Debug, Args)]
pub struct DryRun {
    /// The scorecard to try
    #[arg(long, value_name = "FILE")]
    scorecard: PathBuf,
    /// Compare with the scorecard of this fingerprint instead of the one that holds
    #[arg(long, value_name = "HASH")]
    against: Option<String>,
    /// How many days of the past to look at [default: 182]
    #[arg(long)]
    days: Option<u16>,
    /// Score every so many days of the past [default: 7]
    #[arg(long)]
    step_days: Option<u16>,
    /// Judge a score by who left within so many days after it [default: 90, or as far back as is looked]
    #[arg(long)]
    horizon_days: Option<u16>,
    /// Accounts in this band or a lower one are alerts [default: critical]
    #[arg(long, value_name = "BAND", value_parser = band)]
    alert_at: Option<Band>,
    /// Print the answer as JSON, as the API gives it
    #[arg(long)]
    json: bool,
    /// The data folder
    #[arg(long, value_name = "FOLDER", default_value = DATA)]
    data: PathBuf,
}

fn band(text: &str) -> Result<Band, String> {
    let names = || Band::ALL.map(Band::name).join(", ");
    Band::ALL.into_iter().find(|band| band.name() == text).ok_or_else(|| format!("give one of {}", names()))
}

impl DryRun {
    pub(super) fn execute(self, out: &mut impl Write) -> Result<(), Box<dyn Error>> {
        let request = self.request()?;
        let (table, clock) = open_filled(&self.data)?;
        if data::standing(&table)?.is_none_or(|standing| standing.content == Content::Own) {
            clock.move_to(WallClock.now());
        }
        let configuration = Files::default().configure(&table)?;
        let mut wiring = Wiring::read(TEMPLATE, &BTreeMap::new())?;
        // Nothing goes on meanwhile: what waits in the folder's queues waits on.
        wiring.schedules.clear();
        let parts = Parts {
            wiring,
            table: table.clone(),
            clock: clock.clone(),
            faults: Faults::none(),
            metrics: Arc::new(Nowhere),
            witness: nobody(),
        };
        let mut host = Host::new(parts, |name, ports| configuration.build(name, ports))?;
        let bar = bar(dry_run::accounts(table.as_ref(), &TenantId::new(TENANT)?)?, "accounts")?;
        let client = play::client(clock)?;
        // The folder's time may stand still, so it does not tell one dry run from another.
        let id = format!("dry-run-{}", WallClock.now());
        let answer = dry_run::scorecard(&mut host, &client, &id, &request, |visited| bar.set_position(visited))?;
        bar.finish_and_clear();
        if self.json {
            writeln!(out, "{}", serde_json::to_string_pretty(&answer)?)?;
        } else {
            summary::dry_run(out, &answer)?;
            hint("\nNothing was changed. `cargo run -- --scorecard <file>` makes it the one that holds.");
        }
        Ok(out.flush()?)
    }

    fn request(&self) -> Result<DryRunRequest, Box<dyn Error>> {
        let path = self.scorecard.display();
        let text = std::fs::read_to_string(&self.scorecard)
            .map_err(|error| format!("scorecard `{path}` cannot be read: {error}"))?;
        let file = contract::scorecard::file(&text)
            .map_err(|faults| format!("scorecard `{path}` cannot be used:{}", listed(&faults)))?;
        let default = DryRunRequest::of(file);
        Ok(DryRunRequest {
            against: self.against.clone(),
            days: self.days.unwrap_or(default.days),
            step_days: self.step_days.unwrap_or(default.step_days),
            horizon_days: self.horizon_days,
            alert_at: self.alert_at.unwrap_or(default.alert_at),
            ..default
        })
    }
}

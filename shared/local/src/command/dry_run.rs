//! `cs-ops dry-run`: what another scorecard, or other rules, would make of the portfolio in a data folder, and how they would
//! have done.

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
use contract::backtest::RulesDryRunRequest;
use contract::comparison::DryRunRequest;
use domain::band::Band;
use domain::day::Day;
use domain::id::TenantId;
use platform::clock::{Clock, WallClock};
use platform::metrics::Nowhere;
use std::collections::BTreeMap;
use std::error::Error;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What is tried.
#[derive(Debug, Args)]
pub struct DryRun {
    /// The scorecard to try
    #[arg(long, value_name = "FILE", required_unless_present = "rules", conflicts_with = "rules")]
    scorecard: Option<PathBuf>,
    /// The rules to try
    #[arg(long, value_name = "FILE", conflicts_with_all = ["against", "alert_at"])]
    rules: Option<PathBuf>,
    /// The last day of the past to replay rules over [default: today]
    #[arg(long, value_name = "DAY", requires = "rules")]
    until: Option<Day>,
    /// Compare with the scorecard of this fingerprint instead of the one that holds
    #[arg(long, value_name = "HASH")]
    against: Option<String>,
    /// How many days of the past to look at [default: 182 for a scorecard; rules are only tried on today]
    #[arg(long)]
    days: Option<u16>,
    /// Look every so many days of the past [default: 7 for a scorecard, 1 for rules]
    #[arg(long)]
    step_days: Option<u16>,
    /// Judge by who left within so many days after it [default: 90, or as far back as is looked]
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

/// What is tried, and how.
enum Candidate {
    Scorecard(Box<DryRunRequest>),
    Rules(Box<RulesDryRunRequest>),
}

fn text(what: &str, path: &Path) -> Result<String, String> {
    std::fs::read_to_string(path).map_err(|error| format!("{what} `{}` cannot be read: {error}", path.display()))
}

fn band(text: &str) -> Result<Band, String> {
    let names = || Band::ALL.map(Band::name).join(", ");
    Band::ALL.into_iter().find(|band| band.name() == text).ok_or_else(|| format!("give one of {}", names()))
}

impl DryRun {
    pub(super) fn execute(self, out: &mut impl Write) -> Result<(), Box<dyn Error>> {
        let candidate = self.candidate()?;
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
        let look_on = |visited| bar.set_position(visited);
        match candidate {
            Candidate::Scorecard(request) => {
                let answer = dry_run::scorecard(&mut host, &client, &id, &request, look_on)?;
                bar.finish_and_clear();
                if self.json {
                    writeln!(out, "{}", serde_json::to_string_pretty(&answer)?)?;
                } else {
                    summary::dry_run(out, &answer)?;
                    hint("\nNothing was changed. `cargo run -- --scorecard <file>` makes it the one that holds.");
                }
            }
            Candidate::Rules(request) => {
                let answer = dry_run::rules(&mut host, &client, &id, &request, look_on)?;
                bar.finish_and_clear();
                if self.json {
                    writeln!(out, "{}", serde_json::to_string_pretty(&answer)?)?;
                } else {
                    summary::rules_dry_run(out, &answer)?;
                    let dry_run = &answer.dry_run;
                    hint(&format!("\nNothing was changed. `POST /rules/activate` with `{dry_run}` makes them hold."));
                }
            }
        }
        Ok(out.flush()?)
    }

    fn candidate(&self) -> Result<Candidate, Box<dyn Error>> {
        match (&self.scorecard, &self.rules) {
            (Some(path), _) => Ok(Candidate::Scorecard(Box::new(self.scorecard(path)?))),
            (None, Some(path)) => Ok(Candidate::Rules(Box::new(self.rules(path)?))),
            (None, None) => Err("give a scorecard or rules to try".into()),
        }
    }

    fn rules(&self, path: &Path) -> Result<RulesDryRunRequest, Box<dyn Error>> {
        let text = text("rules", path)?;
        let file = contract::rules::file(&text)
            .map_err(|faults| format!("rules `{}` cannot be used:{}", path.display(), listed(&faults)))?;
        let default = RulesDryRunRequest::of(file);
        Ok(RulesDryRunRequest {
            days: self.days.unwrap_or(default.days),
            until: self.until,
            step_days: self.step_days.unwrap_or(default.step_days),
            horizon_days: self.horizon_days,
            ..default
        })
    }

    fn scorecard(&self, path: &Path) -> Result<DryRunRequest, Box<dyn Error>> {
        let text = text("scorecard", path)?;
        let file = contract::scorecard::file(&text)
            .map_err(|faults| format!("scorecard `{}` cannot be used:{}", path.display(), listed(&faults)))?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        dry_run: DryRun,
    }

    #[test]
    fn a_scorecard_or_rules_are_tried_each_with_its_options() {
        let reads = |line: &str| Line::try_parse_from(line.split(' ')).is_ok();
        assert!(reads("x --rules r.yaml --days 90 --until 2026-03-01 --step-days 2 --horizon-days 30 --json --data d"));
        assert!(reads("x --scorecard s.yaml --days 90 --alert-at critical --against abc --json --data d"));
        for line in ["x", "x --data d", "x --rules r.yaml --scorecard s.yaml", "x --rules r.yaml --alert-at critical"] {
            assert!(!reads(line), "{line}");
        }
        let until = Line::try_parse_from(["x", "--rules", "r.yaml", "--until", "2026-03-01"]).unwrap().dry_run.until;
        assert_eq!(until.map(|day| day.to_string()).as_deref(), Some("2026-03-01"));
    }
}

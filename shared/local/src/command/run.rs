//! `cs-ops` and `cs-ops run`: the first start plays the sample portfolio; each start says how the portfolio stands and,
//! unless `--once`, serves the API.
//!
//! On standard output stands only what follows from the seed and the facts. A host that is stopped and started again
//! goes on with what it had: the sample goes on behind the last day that was played, and is never played twice.

use super::{DATA, Template, bar, hint};
use crate::bus::nobody;
use crate::client::{Ask, Client, DASHBOARD_SCOPES, SCOPES};
use crate::clock::StandingClock;
use crate::configuration::{Configuration, Files};
use crate::data::{self, Content, Keeper, Played, Standing};
use crate::faults::Faults;
use crate::front::{Front, Pace};
use crate::host::{Host, Parts};
use crate::issuer::Issuer;
use crate::play::{self, Sightings, TENANT};
use crate::sample::{DAYS, DEFAULT_SEED, Portfolio};
use crate::summary;
use crate::wiring::Wiring;
use clap::Args;
use contract::report::LivePerformance;
use domain::id::{PersonId, TenantId};
use jiff::{SignedDuration, Timestamp};
use platform::clock::{Clock, WallClock};
use platform::environment::Environment;
use platform::http::BASE;
use platform::metrics::Nowhere;
use platform::table::embedded::{Durability, EmbeddedTable};
use std::error::Error;
use std::io::Write;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How often schedules fire at most while the sample is played, in seconds: half a year has 260,000 minutes, and a fact of
/// a clock bears its own moment however late it is told.
const PLAY_TICK_SECONDS: u64 = 900;
/// How often sources and accounts are looked at while the sample is played.
const PLAY_LOOK_SECONDS: u64 = 86_400;

/// How it is to run.
#[derive(Debug, Args)]
pub struct Run {
    /// End after the portfolio was printed
    #[arg(long)]
    once: bool,
    /// Keep nothing: the table is in memory
    #[arg(long, conflicts_with = "data")]
    memory: bool,
    /// Begin without the sample, on the wall's time
    #[arg(long, conflicts_with = "seed")]
    empty: bool,
    /// The data folder
    #[arg(long, value_name = "FOLDER", default_value = DATA)]
    data: PathBuf,
    /// The seed of the sample portfolio
    #[arg(long)]
    seed: Option<u64>,
    /// The port of the API, on loopback
    #[arg(long, default_value_t = 8787)]
    port: u16,
    #[command(flatten)]
    files: Files,
    #[command(flatten)]
    template: Template,
}

/// What stays open while it runs.
struct Stage {
    wiring: Wiring,
    table: Arc<EmbeddedTable>,
    clock: Arc<StandingClock>,
    content: Content,
    configuration: Configuration,
}

impl Run {
    pub(super) fn execute(self, out: &mut impl Write) -> Result<(), Box<dyn Error>> {
        begin_log()?;
        let mut stage = self.stage()?;
        // Opened before the sample is played: a port in use is better known now than after minutes.
        let listener = (!self.once).then(|| Front::listen(self.port)).transpose()?;
        let mut host = match stage.content.clone() {
            Content::Sample(played) => stage.play(played)?,
            Content::Own | Content::History => stage.host(nobody())?,
        };
        print(&stage, &mut host, out)?;
        let Some(listener) = listener else {
            return Ok(());
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(self.serve(stage, host, listener))
    }

    /// Opens the data folder and finds out what it holds.
    fn stage(&self) -> Result<Stage, Box<dyn Error>> {
        let wiring = self.template.wiring()?;
        let clock = Arc::new(StandingClock::new(Timestamp::UNIX_EPOCH));
        let table = data::open((!self.memory).then_some(self.data.as_path()), clock.clone())?;
        let mut configuration = self.files.configure(&table)?;
        if !self.memory {
            configuration = configuration.sent_to(self.data.join("sent.jsonl")).papers_in(self.data.join("papers"));
        }
        let standing = data::standing(&table)?;
        let (content, now) = match standing {
            Some(Standing { content: Content::Own, .. }) => (Content::Own, WallClock.now()),
            Some(Standing { content, now }) => (self.same_seed(content)?, now),
            None if self.empty => (Content::Own, WallClock.now()),
            None => {
                let seed = self.seed.unwrap_or(DEFAULT_SEED);
                (Content::Sample(Played::nothing(seed)), crate::sample::START.start())
            }
        };
        clock.move_to(now);
        table.sweep()?;
        Ok(Stage { wiring, table, clock, content, configuration })
    }

    fn same_seed(&self, content: Content) -> Result<Content, Box<dyn Error>> {
        match (&content, self.seed) {
            (Content::Sample(played), Some(seed)) if played.seed != seed => Err(format!(
                "data folder `{}` holds the sample of seed {}; name another folder with --data for seed {seed}",
                self.data.display(),
                played.seed
            )
            .into()),
            _ => Ok(content),
        }
    }

    async fn serve(&self, stage: Stage, host: Host, listener: TcpListener) -> Result<(), Box<dyn Error>> {
        let wall: Arc<dyn Clock> = Arc::new(WallClock);
        let folder = (!self.memory).then_some(self.data.as_path());
        let issuer = folder.map_or_else(Issuer::in_memory, Issuer::open)?;
        let verifier = issuer.verifier(wall.clone())?;
        let port = listener.local_addr()?.port();
        let api = format!("http://127.0.0.1:{port}{BASE}");
        hint(&format!("\nServing {api} until Ctrl-C."));
        hint(&format!("Dashboard: {api}/dashboard#token={}", token(&issuer, &DASHBOARD_SCOPES)?));
        hint(&match stage.content {
            Content::Own => "Time is the wall's.".to_owned(),
            _ => format!(
                "Time goes on from {:.0}, where the facts end, at the wall's pace; it stands while this is stopped.",
                host.now()
            ),
        });
        hint(&token_hint(&issuer, folder)?);
        let pace = Pace::from(host.now(), wall);
        let keeper = Keeper::new(stage.table, stage.content);
        let front = Front::new(host, &stage.wiring, verifier, pace, move |host| keeper.keep(host))?;
        Arc::new(front).serve(listener, stop_asked()?).await?;
        hint("Stopped.");
        Ok(())
    }
}

/// Says how to get a token; of an issuer in memory it can only be had here.
fn token_hint(issuer: &Issuer, folder: Option<&Path>) -> Result<String, Box<dyn Error>> {
    let Some(folder) = folder else {
        return Ok(format!("A token for a day, for everything: {}", token(issuer, &SCOPES)?));
    };
    let data = if folder == Path::new(DATA) { String::new() } else { format!(" --data {}", folder.display()) };
    Ok(format!("For other tokens: cs-ops token{data} --scope <scope>"))
}

/// A token for a day. The dashboard's may only read.
fn token(issuer: &Issuer, scopes: &[&str]) -> Result<String, Box<dyn Error>> {
    let (tenant, subject) = (TenantId::new(TENANT)?, PersonId::new("developer")?);
    Ok(issuer.mint(&tenant, &subject, scopes, SignedDuration::from_hours(24), WallClock.now())?)
}

/// Warnings only, unless the environment asks for more: the sample brings a hundred thousand messages.
fn begin_log() -> Result<(), Box<dyn Error>> {
    let environment = Environment::process();
    let environment = if environment.get(platform::log::FILTER_VARIABLE).is_some() {
        environment
    } else {
        Environment::of([(platform::log::FILTER_VARIABLE, "warn")])
    };
    Ok(platform::log::init_local(&environment)?)
}

impl Stage {
    fn host(&self, witness: crate::bus::Witness) -> Result<Host, Box<dyn Error>> {
        self.host_with(self.wiring.clone(), witness)
    }

    fn host_with(&self, wiring: Wiring, witness: crate::bus::Witness) -> Result<Host, Box<dyn Error>> {
        let parts = Parts {
            wiring,
            table: self.table.clone(),
            clock: self.clock.clone(),
            faults: Faults::none(),
            metrics: Arc::new(Nowhere),
            witness,
        };
        let host = Host::new(parts, |name, ports| self.configuration.build(name, ports))?;
        data::restore_queues(&self.table, &host)?;
        Ok(host)
    }

    /// Plays what is left of the sample. Each day is on the disk when it is over.
    fn play(&mut self, mut played: Played) -> Result<Host, Box<dyn Error>> {
        if played.days >= DAYS {
            return self.host(nobody());
        }
        let sightings = Sightings::of(&played.seen);
        // Half a year of hourly looks at everything would be most of the play, and finds no more than daily ones.
        let wiring = self.wiring.clone().no_faster_than(PLAY_TICK_SECONDS);
        let looks = ["source_watch", "rule_sweep", "capacity_watch"];
        let wiring = looks.into_iter().fold(wiring, |wiring, tick| wiring.slowed(tick, PLAY_LOOK_SECONDS));
        let mut host = self.host_with(wiring, sightings.witness())?;
        let portfolio = Portfolio::generate(played.seed);
        let client = play::client(self.clock.clone())?;
        self.table.set_durability(Durability::OnFlush);
        let bar =
            bar(DAYS.unsigned_abs().into(), "days")?.with_message(format!("sample portfolio, seed {}", played.seed));
        while played.days < DAYS {
            bar.set_position(played.days.unsigned_abs().into());
            let day = portfolio.start.plus(played.days);
            played.records += play::day(&mut host, &client, &portfolio, played.seed, day)?;
            played.days += 1;
            played.seen = sightings.all();
            data::keep(&self.table, &host, &Content::Sample(played.clone()))?;
        }
        bar.finish_and_clear();
        self.content = Content::Sample(played);
        self.host(nobody())
    }
}

/// Prints how the portfolio stands.
fn print(stage: &Stage, host: &mut Host, out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let client = play::client(stage.clock.clone())?;
    if let Content::Sample(played) = &stage.content {
        let Played { seed, days, records, .. } = played;
        writeln!(out, "Sample portfolio of seed {seed}: {records} records over {days} days")?;
    }
    summary::portfolio(out, &live(host, &client)?)?;
    if let Content::Sample(played) = &stage.content {
        summary::planted(out, &played.assessment(&Portfolio::generate(played.seed).planted))?;
    }
    dead_letters(out, host)?;
    Ok(out.flush()?)
}

/// Prints what could not be handled, where there is something.
pub fn dead_letters(out: &mut impl Write, host: &Host) -> std::io::Result<()> {
    let letters = host.queues().dead_letters();
    if !letters.is_empty() {
        writeln!(out, "\n{} dead letters", letters.len())?;
        for letter in letters.iter().take(10) {
            writeln!(out, "  {}: {}", letter.queue, letter.reason)?;
        }
    }
    Ok(())
}

/// The portfolio as report tells it.
pub fn live(host: &Host, client: &Client) -> Result<LivePerformance, crate::client::ClientError> {
    let ask = Ask { function: "report", method: "GET", route: "/performance/live", parameters: &[], id: "live" };
    client.expect(host, &ask, &())
}

/// Ends when somebody asks the process to stop: at the keyboard, or as service managers do.
fn stop_asked() -> std::io::Result<impl Future<Output = ()> + Send + 'static> {
    #[cfg(unix)]
    let mut terminated = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    Ok(async move {
        let interrupted = async { drop(tokio::signal::ctrl_c().await) };
        #[cfg(unix)]
        tokio::select! {
            () = interrupted => {}
            _ = terminated.recv() => {}
        }
        #[cfg(not(unix))]
        interrupted.await;
    })
}

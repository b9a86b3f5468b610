//! The dashboard in a headless Chromium: `tests/dashboard/check.mjs` looks at it, this file gives it something to look at.
//!
//! The first days of the sample are played in memory and served as the one-machine host does; then npm installs what
//! `tests/dashboard/package-lock.json` pins, a Chromium among it, below the build folder, where pictures of everything that
//! was seen lie afterwards. Where something cannot be installed the test fails and says what it needs.

use domain::id::{PersonId, TenantId};
use jiff::SignedDuration;
use local::client::DASHBOARD_SCOPES;
use local::clock::StandingClock;
use local::command::TEMPLATE;
use local::faults::Faults;
use local::front::{Front, Pace};
use local::functions;
use local::host::{Host, Parts};
use local::issuer::Issuer;
use local::play::{self, TENANT};
use local::sample::{DEFAULT_SEED, Portfolio, START};
use local::wiring::Wiring;
use platform::clock::{Clock, WallClock};
use platform::http::BASE;
use platform::metrics::Nowhere;
use platform::table::embedded::EmbeddedTable;
use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

/// So many days have falls, escalations, calls to action and a curve that is worth a look.
const DAYS: i32 = 101;

/// A host that has lived through the first days of the sample. Schedules fire seldom: a deadline that is looked at every
/// quarter of an hour is late by less than a day.
fn played() -> Result<(Host, Wiring), Box<dyn Error>> {
    let clock = Arc::new(StandingClock::new(START.start()));
    let wiring = Wiring::read(TEMPLATE, &BTreeMap::new())?;
    let mut seldom = wiring.clone();
    for schedule in &mut seldom.schedules {
        schedule.every_seconds =
            schedule.every_seconds.max(if schedule.tick == "due_clock" { 900 } else { 12 * 3_600 });
    }
    let parts = Parts {
        wiring: seldom,
        table: Arc::new(EmbeddedTable::memory(clock.clone())?),
        clock: clock.clone(),
        faults: Faults::none(),
        metrics: Arc::new(Nowhere),
        witness: local::bus::nobody(),
    };
    let mut host = Host::new(parts, functions::build)?;
    let client = play::client(clock)?;
    let portfolio = Portfolio::generate(DEFAULT_SEED);
    for number in 0..DAYS {
        play::day(&mut host, &client, &portfolio, DEFAULT_SEED, portfolio.start.plus(number))?;
    }
    assert!(host.queues().dead_letters().is_empty(), "{:?}", host.queues().dead_letters());
    Ok((host, wiring))
}

/// Installs what looks at the page. What was installed by the same lock file is taken as it is.
fn installed() -> Result<PathBuf, Box<dyn Error>> {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/dashboard");
    let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join("dashboard");
    fs::create_dir_all(&place)?;
    let lock = fs::read(sources.join("package-lock.json"))?;
    let stamp = place.join("installed");
    for entry in fs::read_dir(&sources)? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            fs::copy(entry.path(), place.join(entry.file_name()))?;
        }
    }
    if fs::read(&stamp).ok().as_ref() != Some(&lock) {
        run(npm(&place).args(["ci", "--no-audit", "--no-fund", "--ignore-scripts"]))?;
        fs::write(&stamp, &lock)?;
    }
    Ok(place)
}

fn npm(place: &Path) -> Command {
    let mut command = Command::new("npm");
    command.current_dir(place);
    command
}

fn run(command: &mut Command) -> Result<String, Box<dyn Error>> {
    let needed = "npm with Node.js 20 or newer is needed (Debian: `apt install npm`, macOS: `brew install node`)";
    let output = command.output().map_err(|error| format!("`{command:?}` does not run: {error}; {needed}"))?;
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    if output.status.success() { Ok(text) } else { Err(format!("`{command:?}` failed; {needed}:\n{text}").into()) }
}

#[test]
fn people_can_use_the_dashboard_whatever_they_see_it_with() {
    match look() {
        Ok(seen) => println!("{seen}"),
        Err(error) => panic!("{error}"),
    }
}

/// Serves the host, has it looked at, and tells what was seen.
fn look() -> Result<String, Box<dyn Error>> {
    let place = installed()?;
    let (host, wiring) = played()?;
    let wall: Arc<dyn Clock> = Arc::new(WallClock);
    let issuer = Issuer::in_memory()?;
    let (tenant, person) = (TenantId::new(TENANT)?, PersonId::new("reader")?);
    let token = issuer.mint(&tenant, &person, &DASHBOARD_SCOPES, SignedDuration::from_hours(1), wall.now())?;
    let listener = Front::listen(0)?;
    let address = format!("http://{}{BASE}/dashboard#token={token}", listener.local_addr()?);
    let pace = Pace::from(host.now(), wall.clone());
    let front = Arc::new(Front::new(host, &wiring, issuer.verifier(wall)?, pace, |_| Ok(()))?);

    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let serving = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| error.to_string())?;
        runtime.block_on(front.serve(listener, async { drop(stopped.await) })).map_err(|error| error.to_string())
    });
    // The packaged browser is unpacked into the temporary folder.
    let unpacked = tempfile::tempdir_in(&place)?;
    let looked = run(npm(&place)
        .args(["run", "--silent", "check"])
        .env("CS_OPS_DASHBOARD", &address)
        .env("CS_OPS_PICTURES", place.join("pictures"))
        .env("TMPDIR", unpacked.path()));
    drop(stop);
    serving.join().map_err(|_| "the host broke off")??;
    looked
}

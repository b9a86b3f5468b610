//! `GET /performance/history`: the accounts by band at the end of each week.

use crate::live;
use contract::problem::Fault;
use contract::report::{BandCount, PerformanceHistory, WeekOfBands};
use domain::band::Band;
use domain::day::Day;
use domain::portfolio::{KEPT_WEEKS, Place, Row, monday};
use jiff::Timestamp;
use platform::function::Ports;
use platform::http::{Caller, Problem, Request, Response};
use std::collections::BTreeMap;

/// How many weeks are told where nothing is asked.
const WEEKS: i32 = 26;

/// Answers the request.
pub async fn read(ports: &Ports, caller: &Caller, request: &Request) -> Result<Response, Problem> {
    let weeks = weeks(request.query.get("weeks").map(String::as_str))?;
    let rows = live::rows(ports, &caller.tenant).await?;
    Response::json(200, &history(&rows, weeks, ports.clock.now()))
}

fn weeks(text: Option<&str>) -> Result<i32, Problem> {
    let Some(text) = text else { return Ok(WEEKS) };
    let weeks = text.parse().ok().filter(|weeks| (1..=KEPT_WEEKS).contains(weeks));
    weeks.ok_or_else(|| {
        let fault = Fault::new("weeks", format!("cannot be `{text}`; give 1 to {KEPT_WEEKS}"));
        Problem::invalid("the query is not one that this route takes", vec![fault])
    })
}

/// The weeks until a moment, the oldest first.
fn history(rows: &[Row], weeks: i32, as_of: Timestamp) -> PerformanceHistory {
    let today = Day::of(as_of);
    let sunday = monday(today).plus(6);
    let ends = (0..weeks).rev().map(|ago| sunday.plus(-7 * ago).min(today));
    PerformanceHistory { as_of, weeks: ends.map(|on| week(rows, on)).collect() }
}

fn week(rows: &[Row], on: Day) -> WeekOfBands {
    let mut places: BTreeMap<Place, u64> = BTreeMap::new();
    for place in rows.iter().filter_map(|row| row.past.place(on)) {
        *places.entry(place).or_default() += 1;
    }
    let count = |place| places.get(&place).copied().unwrap_or_default();
    let bands = Band::ALL.into_iter().rev().map(|band| (band.name(), count(Place::In(band))));
    let unknown = [("provisional", count(Place::Provisional)), ("unscored", count(Place::Unscored))];
    let bands = bands.chain(unknown).map(|(band, accounts)| BandCount { band: band.to_owned(), accounts });
    WeekOfBands { on: on.to_string(), bands: bands.collect() }
}

//! Whether there are enough people: `GET /capacity/forecast`, and the watch that measures the same number every hour and
//! tells when a role becomes fuller than is good, or is not any more.

use crate::{Team, story};
use async_trait::async_trait;
use contract::capacity::{CapacityAlert, CapacityForecast, RoleCapacity};
use contract::event::{Cause, Event};
use contract::message::cause_id;
use domain::capacity::{self, Forecast, RoleLoad, Turns};
use domain::day::Day;
use domain::escalation::Role;
use domain::id::TenantId;
use domain::insight::advice::Replies;
use domain::insight::voice;
use domain::story::Story;
use jiff::Timestamp;
use platform::function::{Failure, Ports, Tick};
use platform::http::{Caller, Problem, Response};
use platform::keys;
use platform::metrics::Metric;
use platform::once::{self, Decide, Effect};
use platform::sweep;
use std::collections::BTreeSet;

/// What is known of a tenant's people and work.
struct Found {
    forecast: Forecast,
    turns: Turns,
    growth: i64,
}

/// `GET /capacity/forecast`.
pub async fn forecast(ports: &Ports, team: &Team, caller: &Caller) -> Result<Response, Problem> {
    let now = ports.clock.now();
    let found = look(team, &story::all(ports, &caller.tenant).await?, now);
    let target = team.capacity.target_percent;
    Response::json(200, &CapacityForecast::of(&found.forecast, &found.turns, found.growth, target, now))
}

fn look(team: &Team, stories: &[Story], now: Timestamp) -> Found {
    let turns = capacity::turns(&told(stories), &team.roster, now);
    let growth = capacity::growth(stories, now.as_second());
    let demand = capacity::demand(stories, &team.allocation, &team.capacity);
    let supply = capacity::supply(&team.roster, &turns, &team.allocation);
    let forecast = capacity::forecast(&demand, &supply, growth, &team.allocation, &team.capacity, Day::of(now));
    Found { forecast, turns, growth }
}

/// When people of which role were told of an escalation.
fn told(stories: &[Story]) -> Vec<(Timestamp, Role)> {
    let all = stories.iter().flat_map(|story| story.escalations.values()).flat_map(|escalation| &escalation.told);
    all.filter_map(|(at, role)| Some((Timestamp::from_second(*at).ok()?, role_named(role)?))).collect()
}

fn role_named(name: &str) -> Option<Role> {
    serde_json::from_value(serde_json::Value::from(name)).ok()
}

/// The tick `capacity_watch`: measures every tenant, and tells what changed.
pub async fn watch(ports: &Ports, team: &Team, tick: &Tick) -> Result<(), Failure> {
    for tenant in sweep::tenants(ports).await? {
        let stories = story::all(ports, &tenant).await?;
        let found = look(team, &stories, tick.time);
        let percent = found.forecast.utilisation_percent();
        let mut values: Vec<_> =
            percent.map(|percent| (Metric::CapacityUtilizationPercent, percent)).into_iter().collect();
        values.push((Metric::FeedbackLoopsLate, late_loops(ports, &tenant, &stories, tick.time).await?));
        ports.metrics.record(&values);
        let id = cause_id(&format!("{}@{}#{tenant}", tick.tick, tick.time));
        let cause = Cause { tenant: tenant.clone(), correlation_id: id.to_string(), causation_id: id.to_string() };
        let alarm = Alarm { cause, found: &found, target_percent: team.capacity.target_percent, at: tick.time };
        once::handle(ports, &keys::capacity_watch(&tenant), &id, &alarm).await?;
    }
    Ok(())
}

/// How many customers were not told in time what came of what they said.
async fn late_loops(ports: &Ports, tenant: &TenantId, stories: &[Story], now: Timestamp) -> Result<u64, Failure> {
    let replies = story::replies(ports, tenant).await?;
    let none = Replies::default();
    let told = stories.iter().map(|story| (story, &replies.get(&story.account).unwrap_or(&none).told));
    Ok(voice::loops(told, now.as_second()).iter().filter(|one| one.late).count() as u64)
}

/// Tells which roles became fuller than is good since the last look, and which are not any more.
struct Alarm<'a> {
    cause: Cause,
    found: &'a Found,
    target_percent: u64,
    at: Timestamp,
}

#[async_trait]
impl Decide for Alarm<'_> {
    /// The roles that were fuller than is good.
    type State = BTreeSet<Role>;

    async fn decide(&self, state: Option<BTreeSet<Role>>) -> Result<Option<Effect<BTreeSet<Role>>>, Failure> {
        let before = state.unwrap_or_default();
        let roles = &self.found.forecast.roles;
        let full: BTreeSet<Role> = roles.iter().filter(|load| load.overflow > 0).map(|load| load.role).collect();
        if full == before {
            return Ok(None);
        }
        let event = |role: &Role| {
            let load = roles.iter().find(|load| load.role == *role);
            let fact = self.fact(*role, load, if full.contains(role) { "began" } else { "ended" });
            Event::new(&self.cause, None, role.name(), self.at, fact)
        };
        let events = full.symmetric_difference(&before).map(event).collect();
        Ok(Some(Effect::new(full, events)))
    }
}

impl Alarm<'_> {
    fn fact(&self, role: Role, load: Option<&RoleLoad>, status: &str) -> CapacityAlert {
        let body = load.map(RoleCapacity::from);
        CapacityAlert {
            role: role.name().to_owned(),
            status: status.to_owned(),
            target_percent: self.target_percent,
            accounts: load.map_or(0, |load| load.accounts),
            people: load.map_or(0, |load| load.people),
            utilization_percent: body.as_ref().and_then(|body| body.utilization_percent.clone()),
            hire_on: body.and_then(|body| body.hire_on),
        }
    }
}

//! A whole team at once: the assignment of many accounts with the most points together.
//!
//! Each place that somebody has left is a column, each account a row. What somebody is worth to an account does not depend
//! on the place; what it costs to have one more does, and rises from place to place, so places are taken in their order.

use super::rank::{Candidate, fit, refusal, room_points};
use super::{AllocationPolicy, Capacity, Load, Need};
use crate::id::{AccountId, PersonId};
use crate::roster::Roster;
use jiff::Timestamp;
use pathfinding::matrix::Matrix;
use pathfinding::prelude::kuhn_munkres_min;
use std::collections::BTreeMap;

/// The most accounts that are allocated together.
pub const MAX_ACCOUNTS: usize = 300;
/// The most places of a team.
pub const MAX_PLACES: usize = 1_200;

/// What an account costs that nobody takes: more than any number of points.
const NOBODY: i64 = 1_000_000;

/// Who takes which account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    /// By account; nobody where no one could take it.
    pub by_account: BTreeMap<AccountId, Option<PersonId>>,
    /// The points of all together.
    pub points: i64,
}

/// Why a team cannot be looked at together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TeamError {
    /// Too many accounts at once.
    #[error("{0} accounts are too many at once; give at most {MAX_ACCOUNTS}")]
    Accounts(usize),
    /// Too many places.
    #[error("the team has {0} places, more than the {MAX_PLACES} that are looked at together")]
    Places(usize),
}

struct Place<'a> {
    candidate: Candidate<'a>,
    /// How many accounts the same person takes before this one.
    before: u32,
    capacity: Option<Capacity>,
}

/// Assigns accounts to the people of their role, with the most points together; as many as possible get somebody.
pub fn assign_team(
    needs: &[Need],
    roster: &Roster,
    loads: &BTreeMap<PersonId, Load>,
    policy: &AllocationPolicy,
    now: Timestamp,
) -> Result<Assignment, TeamError> {
    if needs.len() > MAX_ACCOUNTS {
        return Err(TeamError::Accounts(needs.len()));
    }
    let nothing = Load::default();
    let places = places(needs, roster, loads, &nothing, policy);
    if places.len() > MAX_PLACES {
        return Err(TeamError::Places(places.len()));
    }
    // In the order of their ids, so that the same accounts in another order get the same people.
    let mut rows: Vec<&Need> = needs.iter().collect();
    rows.sort_by(|a, b| a.account.cmp(&b.account));
    let mut assignment = Assignment { by_account: BTreeMap::new(), points: 0 };
    if rows.is_empty() {
        return Ok(assignment);
    }
    let columns = places.len() + rows.len();
    let cost = |need: &Need, place: &Place<'_>| -> i64 {
        points(need, place, roster, policy, now).map_or(2 * NOBODY, |points| -points)
    };
    let values = rows.iter().flat_map(|need| {
        let own = places.iter().map(|place| cost(need, place)).collect::<Vec<_>>();
        own.into_iter().chain(std::iter::repeat_n(NOBODY, rows.len()))
    });
    let Ok(matrix) = Matrix::from_vec(rows.len(), columns, values.collect()) else {
        return Err(TeamError::Places(columns));
    };
    let (_, chosen) = kuhn_munkres_min(&matrix);
    for (need, column) in rows.into_iter().zip(chosen) {
        let taken = places.get(column).and_then(|place| Some((place, points(need, place, roster, policy, now)?)));
        assignment.points += taken.as_ref().map_or(0, |(_, points)| *points);
        let person = taken.map(|(place, _)| place.candidate.person.id.clone());
        assignment.by_account.insert(need.account.clone(), person);
    }
    Ok(assignment)
}

/// The places that are left. Who has no limit has as many as there are accounts.
fn places<'a>(
    needs: &[Need],
    roster: &'a Roster,
    loads: &'a BTreeMap<PersonId, Load>,
    nothing: &'a Load,
    policy: &AllocationPolicy,
) -> Vec<Place<'a>> {
    let count = u32::try_from(needs.len()).unwrap_or(u32::MAX);
    let role = needs.first().map(|need| need.role);
    let people = roster.people().filter(|person| role.is_some_and(|role| person.roles.contains(&role)));
    let of = |person: &'a crate::roster::Person| {
        let load = loads.get(&person.id).unwrap_or(nothing);
        let capacity = role.and_then(|role| policy.capacity.get(&role).copied());
        let left = capacity.map_or(count, |capacity| capacity.high.saturating_sub(load.count())).min(count);
        (0..left).map(move |before| Place { candidate: Candidate { person, load }, before, capacity })
    };
    people.flat_map(of).collect()
}

/// What it is worth that somebody takes an account at a place; nothing where they cannot. Those who were taken before at
/// earlier places count as steady accounts: which ones they are is not known yet.
fn points(need: &Need, place: &Place<'_>, roster: &Roster, policy: &AllocationPolicy, now: Timestamp) -> Option<i64> {
    if refusal(need, &place.candidate, roster, policy, now).is_some() {
        return None;
    }
    let percent = place.candidate.load.percent(policy).saturating_add(place.before.saturating_mul(100));
    let room = room_points(percent, place.capacity, policy);
    Some(i64::from(fit(need, &place.candidate, policy, now)) + i64::from(room))
}

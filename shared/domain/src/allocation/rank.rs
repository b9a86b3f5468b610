//! The order of those who could look after an account, and why the others cannot.

use super::{AllocationPolicy, Capacity, Load, Need};
use crate::id::{PersonId, SkillId};
use crate::roster::{Person, Roster};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A turn that is so many days ago counts as much as none.
const ROTATION_DAYS: i64 = 90;

/// Somebody who is looked at, with what they look after.
#[derive(Debug, Clone)]
pub struct Candidate<'a> {
    /// Who.
    pub person: &'a Person,
    /// What they look after in the role that is asked for.
    pub load: &'a Load,
}

/// One part of somebody's points.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// `expertise`, `room`, `rotation` or `success`.
    pub name: String,
    /// What it adds, in points.
    pub points: u32,
    /// What it rests on, in plain words.
    pub reason: String,
}

/// Somebody who could do it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ranked {
    /// Who.
    pub person: PersonId,
    /// The parts together, at most a thousand with the weights that are built in.
    pub points: u32,
    /// What the points come of.
    pub parts: Vec<Part>,
    /// How many accounts they have.
    pub accounts: u32,
    /// How much work these are, in percent of a steady account.
    pub load_percent: u32,
    /// How many accounts are missing until they have as many as they should at least.
    pub slack: u32,
}

/// Why somebody cannot do it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "why", rename_all = "snake_case")]
pub enum Refusal {
    /// It is not what they are.
    #[error("is not in the role")]
    NotInRole,
    /// They are away.
    #[error("is absent")]
    Absent,
    /// They lack something.
    #[error("does not know `{skill}` at {needed}")]
    Unskilled {
        /// What.
        skill: SkillId,
        /// How well it has to be known.
        needed: u8,
    },
    /// They have as many as they may have.
    #[error("has {accounts} accounts and may have {high}")]
    Full {
        /// How many they have.
        accounts: u32,
        /// How many they may have.
        high: u32,
    },
}

/// Somebody who cannot do it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// Who.
    pub person: PersonId,
    /// Why not.
    #[serde(flatten)]
    pub refusal: Refusal,
}

/// Everybody in a role, in their order.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Ranking {
    /// Who could do it, the best first.
    pub ranked: Vec<Ranked>,
    /// Who cannot, in the order of their ids.
    pub refused: Vec<Refused>,
}

/// Ranks everybody of the role that is needed.
pub fn rank(
    need: &Need,
    roster: &Roster,
    loads: &BTreeMap<PersonId, Load>,
    policy: &AllocationPolicy,
    now: Timestamp,
) -> Ranking {
    let nothing = Load::default();
    let mut ranking = Ranking::default();
    for person in roster.people().filter(|person| person.roles.contains(&need.role)) {
        let candidate = Candidate { person, load: loads.get(&person.id).unwrap_or(&nothing) };
        match refusal(need, &candidate, roster, policy, now) {
            Some(refusal) => ranking.refused.push(Refused { person: person.id.clone(), refusal }),
            None => ranking.ranked.push(ranked(need, &candidate, policy, now)),
        }
    }
    ranking.ranked.sort_by(|a, b| {
        let key = |one: &Ranked| (std::cmp::Reverse(one.points), one.load_percent);
        key(a).cmp(&key(b)).then_with(|| a.person.cmp(&b.person))
    });
    ranking
}

pub(super) fn refusal(
    need: &Need,
    candidate: &Candidate<'_>,
    roster: &Roster,
    policy: &AllocationPolicy,
    now: Timestamp,
) -> Option<Refusal> {
    let Candidate { person, load } = candidate;
    if !roster.is_present(&person.id, now) {
        return Some(Refusal::Absent);
    }
    let lacking =
        need.skills.iter().find(|(skill, level)| person.skills.get(*skill).is_none_or(|known| known < *level));
    if let Some((skill, level)) = lacking {
        return Some(Refusal::Unskilled { skill: skill.clone(), needed: level.get() });
    }
    let held = load.accounts.contains_key(&need.account);
    let accounts = load.count();
    let full = policy.capacity.get(&need.role).filter(|capacity| !held && accounts >= capacity.high);
    full.map(|capacity| Refusal::Full { accounts, high: capacity.high })
}

fn ranked(need: &Need, candidate: &Candidate<'_>, policy: &AllocationPolicy, now: Timestamp) -> Ranked {
    let Candidate { person, load } = candidate;
    let capacity = policy.capacity.get(&need.role).copied();
    let percent = load.percent(policy);
    let mut parts = vec![expertise(need, person, policy), room(percent, load.count(), capacity, policy)];
    parts.extend([rotation(load, policy, now), success(load, policy)]);
    Ranked {
        person: person.id.clone(),
        points: parts.iter().map(|part| part.points).sum(),
        parts,
        accounts: load.count(),
        load_percent: percent,
        slack: capacity.map_or(0, |capacity| load.slack(capacity)),
    }
}

/// What does not depend on how much somebody has.
pub(super) fn fit(need: &Need, candidate: &Candidate<'_>, policy: &AllocationPolicy, now: Timestamp) -> u32 {
    let Candidate { person, load } = candidate;
    expertise(need, person, policy).points + rotation(load, policy, now).points + success(load, policy).points
}

fn part(name: &str, points: u32, reason: String) -> Part {
    Part { name: name.to_owned(), points, reason }
}

/// The mean level of what is needed, of the highest level.
fn expertise(need: &Need, person: &Person, policy: &AllocationPolicy) -> Part {
    let levels: Vec<u32> =
        need.skills.keys().filter_map(|skill| person.skills.get(skill)).map(|level| u32::from(level.get())).collect();
    let most = u32::try_from(levels.len()).unwrap_or(u32::MAX).saturating_mul(u32::from(crate::roster::Level::MAX));
    let sum: u32 = levels.iter().sum();
    let points = policy.expertise.saturating_mul(sum).checked_div(most).unwrap_or(policy.expertise);
    let named = |skill: &SkillId| person.skills.get(skill).map(|level| format!("{skill} {}", level.get()));
    let known: Vec<String> = need.skills.keys().filter_map(named).collect();
    let reason =
        if known.is_empty() { "nothing special is needed".to_owned() } else { format!("knows {}", known.join(", ")) };
    part("expertise", points, reason)
}

fn room(percent: u32, accounts: u32, capacity: Option<Capacity>, policy: &AllocationPolicy) -> Part {
    let reason = match capacity {
        Some(capacity) => format!("has {accounts} of {} accounts, {percent} percent of one in work", capacity.high),
        None => format!("has {accounts} accounts, {percent} percent of one in work"),
    };
    part("room", room_points(percent, capacity, policy), reason)
}

/// Room falls with the work that somebody has; at as many steady accounts as the limit is there is none.
pub(super) fn room_points(percent: u32, capacity: Option<Capacity>, policy: &AllocationPolicy) -> u32 {
    let most = capacity.map_or(1_000, |capacity| capacity.high.saturating_mul(100));
    policy.room.saturating_mul(most.saturating_sub(percent)).checked_div(most).unwrap_or_default()
}

fn rotation(load: &Load, policy: &AllocationPolicy, now: Timestamp) -> Part {
    let Some(last) = load.last_at else { return part("rotation", policy.rotation, "had no turn yet".to_owned()) };
    let days = now.duration_since(last).as_hours().div_euclid(24).clamp(0, ROTATION_DAYS);
    let points = i64::from(policy.rotation) * days / ROTATION_DAYS;
    part("rotation", u32::try_from(points).unwrap_or_default(), format!("had the last turn {days} days ago"))
}

/// How many of somebody's accounts stayed, as if there had been one more of each kind: without a past it is a half.
fn success(load: &Load, policy: &AllocationPolicy) -> Part {
    let all = load.kept.saturating_add(load.lost).saturating_add(2);
    let points = policy.success.saturating_mul(load.kept.saturating_add(1)) / all.max(1);
    part("success", points, format!("{} accounts stayed and {} were lost", load.kept, load.lost))
}

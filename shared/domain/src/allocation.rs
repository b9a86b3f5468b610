//! Who looks after which account: candidates are ranked with reasons, limits hold, and exceptions are somebody's decision.
//!
//! Nobody is proposed who is not in the role, is absent, lacks a skill that is needed, or is full. Everything is whole
//! numbers and ties are broken by load and then by id, so the same facts give the same order. A whole team is allocated at
//! once by a minimum-cost assignment; what that gains over one after the other is that nobody takes the last place of the
//! only one who could have done something else.

mod rank;
mod team;

pub use rank::{Candidate, Part, Ranked, Ranking, Refusal, Refused, rank};
pub use team::{Assignment, MAX_ACCOUNTS as MAX_TEAM_ACCOUNTS, TeamError, assign_team};

use crate::account::LifecycleStage;
use crate::escalation::Role;
use crate::id::{AccountId, PersonId};
use crate::roster::{Roster, Skills};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The longest reason of an exception, in characters.
pub const MAX_WORDS: usize = 500;

/// How many accounts somebody of a role looks after.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capacity {
    /// Fewer than so many leave room that is shown as slack; 0 where there is no such number.
    pub low: u32,
    /// More than so many need an exception.
    pub high: u32,
}

/// What an allocation is weighed by. The weights of the parts are in points of a thousand together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AllocationPolicy {
    /// The limits of each role that looks after accounts.
    pub capacity: BTreeMap<Role, Capacity>,
    /// How much work an account is by its stage, in percent of a steady one.
    pub stage_percent: BTreeMap<LifecycleStage, u32>,
    /// How much it counts that somebody knows what is needed.
    pub expertise: u32,
    /// How much it counts that somebody has room.
    pub room: u32,
    /// How much it counts that somebody's last turn is long ago.
    pub rotation: u32,
    /// How much it counts that somebody's accounts stayed.
    pub success: u32,
}

impl Default for AllocationPolicy {
    /// At most 3 accounts for a customer success manager, 5 to 7 for a technical account manager.
    fn default() -> Self {
        use LifecycleStage::{Churned, Expansion, Onboarding, Optimization, Steady};
        Self {
            capacity: BTreeMap::from([
                (Role::CustomerSuccessManager, Capacity { low: 0, high: 3 }),
                (Role::TechnicalAccountManager, Capacity { low: 5, high: 7 }),
            ]),
            stage_percent: BTreeMap::from([
                (Onboarding, 150),
                (Expansion, 125),
                (Optimization, 110),
                (Steady, 100),
                (Churned, 0),
            ]),
            expertise: 400,
            room: 300,
            rotation: 150,
            success: 150,
        }
    }
}

impl AllocationPolicy {
    /// How much work an account is, in percent of a steady one.
    pub fn weight(&self, stage: LifecycleStage) -> u32 {
        self.stage_percent.get(&stage).copied().unwrap_or(100)
    }
}

/// An account that somebody looks after.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// Its stage when it was allocated.
    pub stage: LifecycleStage,
    /// Since when.
    pub since: Timestamp,
}

/// What somebody looks after in one role.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Load {
    /// The accounts.
    pub accounts: BTreeMap<AccountId, Held>,
    /// When the last one was allocated to them.
    pub last_at: Option<Timestamp>,
    /// How many accounts left them as customers.
    #[serde(default)]
    pub kept: u32,
    /// How many accounts left them otherwise.
    #[serde(default)]
    pub lost: u32,
}

impl Load {
    /// How many accounts.
    pub fn count(&self) -> u32 {
        u32::try_from(self.accounts.len()).unwrap_or(u32::MAX)
    }

    /// How much work they are, in percent of a steady account.
    pub fn percent(&self, policy: &AllocationPolicy) -> u32 {
        self.accounts.values().map(|held| policy.weight(held.stage)).fold(0, u32::saturating_add)
    }

    /// How many accounts are missing until this is as much as it should be at least.
    pub fn slack(&self, capacity: Capacity) -> u32 {
        capacity.low.saturating_sub(self.count())
    }
}

/// What an account needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Need {
    /// Which account.
    pub account: AccountId,
    /// Its stage.
    pub stage: LifecycleStage,
    /// As what somebody looks after it.
    pub role: Role,
    /// What they have to know.
    pub skills: Skills,
}

/// That a limit does not hold this once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exception {
    /// The vice president who says so.
    pub by: PersonId,
    /// Why, in plain words.
    pub reason: String,
}

/// Who looks after an account, and who decided that.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Allocated {
    /// Who.
    pub person: PersonId,
    /// Since when.
    pub at: Timestamp,
    /// Who decided it.
    pub by: PersonId,
    /// What made it possible above the limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exception: Option<Exception>,
}

/// Why an allocation is refused. Asking again does not help unless something has changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CommitError {
    /// Somebody looks after it already, whom this did not expect.
    #[error("`{0}` looks after it")]
    Taken(PersonId),
    /// Whoever is named cannot.
    #[error("`{person}` {refusal}")]
    Refused {
        /// Who.
        person: PersonId,
        /// Why not.
        refusal: Refusal,
        /// Who could, the best first.
        alternatives: Vec<PersonId>,
    },
    /// Nobody can.
    #[error("nobody can take it: {}", .0.iter().map(|one| format!("`{}` {}", one.person, one.refusal)).collect::<Vec<_>>().join("; "))]
    Nobody(Vec<Refused>),
    /// Who asks for an exception may not allow it.
    #[error("an exception is a vice president's decision, and `{0}` is none")]
    NotVicePresident(PersonId),
    /// An exception without a reason.
    #[error("the reason of an exception has {0} characters; say it in 1 to {MAX_WORDS}")]
    Words(usize),
}

/// What somebody asks to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit<'a> {
    /// Who asks.
    pub by: &'a PersonId,
    /// Whom they want; the best where nobody is named.
    pub person: Option<&'a PersonId>,
    /// Whom they take it from, if they know of somebody.
    pub replaces: Option<&'a PersonId>,
    /// Why a limit should not hold this once.
    pub exception: Option<&'a str>,
}

/// Decides an allocation. `holder` is who looks after the account now. It is refused where somebody does whom the asking one
/// did not name: who comes second learns of the first. Asking for what is so already changes nothing.
pub fn commit(
    ranking: &Ranking,
    holder: Option<&Allocated>,
    commit: &Commit<'_>,
    roster: &Roster,
    now: Timestamp,
) -> Result<Allocated, CommitError> {
    let alternatives = || ranking.ranked.iter().map(|ranked| ranked.person.clone()).collect();
    if let Some(holder) = holder {
        if commit.person == Some(&holder.person) {
            return Ok(holder.clone());
        }
        if commit.replaces != Some(&holder.person) {
            return Err(CommitError::Taken(holder.person.clone()));
        }
    }
    // Whoever is replaced is not the best to replace them.
    let best = ranking.ranked.iter().find(|ranked| holder.is_none_or(|holder| holder.person != ranked.person));
    let wanted = match (commit.person, best) {
        (Some(person), _) => person.clone(),
        (None, Some(best)) => best.person.clone(),
        (None, None) => return Err(CommitError::Nobody(ranking.refused.clone())),
    };
    let allocated = |exception| Allocated { person: wanted.clone(), at: now, by: commit.by.clone(), exception };
    if ranking.ranked.iter().any(|ranked| ranked.person == wanted) {
        return Ok(allocated(None));
    }
    let found = ranking.refused.iter().find(|refused| refused.person == wanted);
    let refusal = found.map_or(Refusal::NotInRole, |refused| refused.refusal.clone());
    match commit.exception {
        Some(reason) if matches!(refusal, Refusal::Full { .. }) => {
            let exception = approve(commit.by, reason, roster)?;
            Ok(allocated(Some(exception)))
        }
        _ => Err(CommitError::Refused { person: wanted, refusal, alternatives: alternatives() }),
    }
}

fn approve(by: &PersonId, reason: &str, roster: &Roster) -> Result<Exception, CommitError> {
    if !roster.person(by).is_some_and(|person| person.roles.contains(&Role::VicePresident)) {
        return Err(CommitError::NotVicePresident(by.clone()));
    }
    let length = reason.chars().count();
    if reason.trim().is_empty() || length > MAX_WORDS {
        return Err(CommitError::Words(length));
    }
    Ok(Exception { by: by.clone(), reason: reason.to_owned() })
}

#[cfg(test)]
mod tests;

//! The bodies of `POST /allocate/{customer_id}` and `POST /allocate`.

use domain::allocation::{Allocated, Ranked, Ranking, Refused};
use domain::escalation::Role;
use domain::id::{AccountId, PersonId, SkillId};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Who is asked for, and what is to be done about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AllocateRequest {
    /// As what somebody is to look after the account: `customer_success_manager` or `technical_account_manager`.
    #[schemars(with = "String")]
    pub role: Role,
    /// What they have to know, each from 1 to 5.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, u8>")]
    pub skills: BTreeMap<SkillId, u8>,
    /// Whether it is to be done; else candidates are ranked and nothing changes.
    #[serde(default)]
    pub commit: bool,
    /// Who is to do it; the first of the ranked where nobody is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub person: Option<PersonId>,
    /// Who does it now and is to be replaced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub replaces: Option<PersonId>,
    /// Why the limit of accounts should not hold this once: a vice president says so, in 1 to 500 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exception: Option<String>,
}

/// Somebody who could do it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RankedBody {
    /// Who.
    pub person: String,
    /// All parts together.
    pub points: u32,
    /// What the points come of.
    pub parts: Vec<RankPartBody>,
    /// How many accounts they have.
    pub accounts: u32,
    /// How much work these are, in percent of a steady account.
    pub load_percent: u32,
    /// How many accounts are missing until they have as many as they should at least.
    pub slack: u32,
}

/// One part of somebody's points.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RankPartBody {
    /// `expertise`, `room`, `rotation` or `success`.
    pub name: String,
    /// What it adds.
    pub points: u32,
    /// What it rests on.
    pub reason: String,
}

/// Somebody who cannot do it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RefusedBody {
    /// Who.
    pub person: String,
    /// Why not.
    pub reason: String,
}

/// Who does it now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HolderBody {
    /// Who.
    pub person: String,
    /// Since when.
    #[schemars(with = "String")]
    pub since: Timestamp,
    /// Who decided it.
    pub by: String,
    /// Why the limit did not hold, if it did not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exception: Option<String>,
}

/// Who could look after an account, and who does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AllocateAnswer {
    /// The account.
    pub account: String,
    /// As what.
    pub role: String,
    /// The moment that this speaks of.
    #[schemars(with = "String")]
    pub as_of: Timestamp,
    /// Who does it now, if anybody does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holder: Option<HolderBody>,
    /// Who could do it, the best first.
    pub ranked: Vec<RankedBody>,
    /// Who cannot, and why.
    pub refused: Vec<RefusedBody>,
}

impl AllocateAnswer {
    /// The answer as of a moment.
    pub fn of(account: &str, role: Role, ranking: Ranking, holder: Option<&Allocated>, as_of: Timestamp) -> Self {
        Self {
            account: account.to_owned(),
            role: role.name().to_owned(),
            as_of,
            holder: holder.map(HolderBody::from),
            ranked: ranking.ranked.into_iter().map(RankedBody::from).collect(),
            refused: ranking.refused.into_iter().map(RefusedBody::from).collect(),
        }
    }
}

impl From<&Allocated> for HolderBody {
    fn from(allocated: &Allocated) -> Self {
        Self {
            person: allocated.person.to_string(),
            since: allocated.at,
            by: allocated.by.to_string(),
            exception: allocated.exception.as_ref().map(|exception| exception.reason.clone()),
        }
    }
}

impl From<Ranked> for RankedBody {
    fn from(ranked: Ranked) -> Self {
        let part =
            |part: domain::allocation::Part| RankPartBody { name: part.name, points: part.points, reason: part.reason };
        Self {
            person: ranked.person.to_string(),
            points: ranked.points,
            parts: ranked.parts.into_iter().map(part).collect(),
            accounts: ranked.accounts,
            load_percent: ranked.load_percent,
            slack: ranked.slack,
        }
    }
}

impl From<Refused> for RefusedBody {
    fn from(refused: Refused) -> Self {
        Self { person: refused.person.to_string(), reason: refused.refusal.to_string() }
    }
}

/// `POST /allocate`: which accounts are shared out among everybody of a role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AllocateTeamRequest {
    /// As what people are to look after them: `customer_success_manager` or `technical_account_manager`.
    #[schemars(with = "String")]
    pub role: Role,
    /// The accounts, each once: 1 to 300, of which at most 100 are given away at once. One that somebody looks after already
    /// stays with them.
    #[schemars(with = "Vec<String>")]
    pub accounts: Vec<AccountId>,
    /// What people have to know for each of them, from 1 to 5.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, u8>")]
    pub skills: BTreeMap<SkillId, u8>,
    /// Whether they are to be given away; else nothing changes.
    #[serde(default)]
    pub commit: bool,
}

/// What becomes of one account of many.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TeamPlaceBody {
    /// The account.
    pub account: String,
    /// Who looks after it, or would.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<String>,
    /// `has`: somebody looked after it before; `would_get`: by this plan; `given`; `taken`: somebody else was given it in the
    /// meantime; `refused`; `nobody`: no one could take it.
    pub outcome: String,
    /// Why, where that is not plain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Who looks after which account, or would.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AllocateTeamAnswer {
    /// As what.
    pub role: String,
    /// The moment that this speaks of.
    #[schemars(with = "String")]
    pub as_of: Timestamp,
    /// Whether accounts were given away.
    pub committed: bool,
    /// The points of all that are shared out, together.
    pub points: i64,
    /// What becomes of each account, in the order of their ids.
    pub accounts: Vec<TeamPlaceBody>,
}

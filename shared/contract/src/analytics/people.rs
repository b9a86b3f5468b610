//! What customers say, how those who help them get on, what to do next, and who may be asked for a reference.

use super::SpreadBody;
use crate::capacity::percent;
use domain::insight::advice::{Advice, Replies, silent_until};
use domain::insight::agents::Agent;
use domain::insight::voice::{LATE_DAYS, Loop, Theme};
use domain::story::Second;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// `GET /analytics/voice`: what customers say, and whether they were told what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct VoiceAnswer {
    /// The moment that this speaks of.
    #[schemars(with = "String")]
    pub as_of: Timestamp,
    /// A loop that is open for more than so many days is late.
    pub late_after_days: i64,
    /// How many loops are late.
    pub late: u64,
    /// The themes, the one that weighs the most first.
    pub themes: Vec<ThemeBody>,
    /// The loops, the one that is open the longest first; at most 200.
    pub loops: Vec<LoopBody>,
    /// How many there are in all.
    pub loop_count: u64,
}

/// A theme over all accounts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ThemeBody {
    /// `case:` with the category of cases, or `survey:` with the kind of answers.
    pub theme: String,
    /// How many accounts say it.
    pub accounts: u64,
    /// How often.
    pub mentions: u64,
    /// What those accounts pay a year, in cents.
    pub arr_cents: i64,
    /// How many loops are open.
    pub open: u64,
    /// How many of these are late.
    pub late: u64,
}

/// What an account said, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LoopBody {
    /// Which account.
    pub account: String,
    /// What about.
    pub theme: String,
    /// How often lately.
    pub mentions: u64,
    /// When they said it last.
    #[schemars(with = "String")]
    pub heard_at: Timestamp,
    /// When somebody first did something about it.
    #[schemars(with = "Option<String>")]
    pub acted_at: Option<Timestamp>,
    /// When the customer was told; absent while the loop is open.
    #[schemars(with = "Option<String>")]
    pub told_at: Option<Timestamp>,
    /// Whether it is open for too long.
    pub late: bool,
}

/// The most loops that are named.
const MAX_LOOPS: usize = 200;

fn moment(second: Second) -> Timestamp {
    Timestamp::from_second(second).unwrap_or_default()
}

impl VoiceAnswer {
    /// The answer with these loops and themes.
    pub fn of(loops: &[Loop], themes: &[Theme], as_of: Timestamp) -> Self {
        let one = |one: &Loop| LoopBody {
            account: one.account.to_string(),
            theme: one.theme.clone(),
            mentions: one.mentions,
            heard_at: moment(one.heard),
            acted_at: one.acted.map(moment),
            told_at: one.told.map(moment),
            late: one.late,
        };
        let theme = |theme: &Theme| ThemeBody {
            theme: theme.theme.clone(),
            accounts: theme.accounts,
            mentions: theme.mentions,
            arr_cents: theme.arr.cents(),
            open: theme.open,
            late: theme.late,
        };
        Self {
            as_of,
            late_after_days: LATE_DAYS,
            late: themes.iter().map(|theme| theme.late).sum(),
            themes: themes.iter().map(theme).collect(),
            loops: loops.iter().take(MAX_LOOPS).map(one).collect(),
            loop_count: loops.len() as u64,
        }
    }
}

/// `POST /accounts/{id}/feedback-told`: the customer was told what came of what they said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ToldRequest {
    /// What about: a theme of `GET /analytics/voice`.
    pub theme: String,
}

/// `POST /accounts/{id}/advice/{action}`: what somebody says to a proposal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VerdictRequest {
    /// Whether they take it on; else it is dismissed and not proposed again for 30 days.
    pub accepted: bool,
    /// Why, in 1 to 500 characters.
    pub cause: String,
}

/// `POST /accounts/{id}/references`: the account is asked to speak for the product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReferenceRequest {
    /// What for, in 1 to 500 characters.
    pub what: String,
}

/// What people said of an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RepliesAnswer {
    /// Which account.
    pub account: String,
    /// The moment that this speaks of.
    #[schemars(with = "String")]
    pub as_of: Timestamp,
    /// The proposals that were answered, each with the day from which on it may be made again.
    pub answered: BTreeMap<String, String>,
    /// When the customer was told, by theme.
    #[schemars(with = "BTreeMap<String, String>")]
    pub told: BTreeMap<String, Timestamp>,
    /// How often it was used as a reference in the last 365 days.
    pub references_in_a_year: u64,
}

impl RepliesAnswer {
    /// The answer with these words.
    pub fn of(account: String, replies: &Replies, as_of: Timestamp) -> Self {
        let answered = replies.verdicts.iter();
        Self {
            account,
            as_of,
            answered: answered.map(|(one, said)| (one.name().to_owned(), silent_until(said).to_string())).collect(),
            told: replies.told.iter().map(|(theme, at)| (theme.clone(), moment(*at))).collect(),
            references_in_a_year: replies.uses.in_a_year(as_of.as_second()) as u64,
        }
    }
}

/// `GET /analytics/agents`: how those who work on cases get on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AgentsAnswer {
    /// The moment that this speaks of.
    #[schemars(with = "String")]
    pub as_of: Timestamp,
    /// The first day (2026-11-22).
    pub from: String,
    /// The last day.
    pub to: String,
    /// The word by which the sample is drawn: the same word draws the same cases.
    pub drawn_by: String,
    /// Everybody whose cases were solved within the days, by their ids.
    pub agents: Vec<AgentBody>,
}

/// How somebody gets on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AgentBody {
    /// Who.
    pub person: String,
    /// How many cases that they worked on last were solved within the days and still are.
    pub resolved: u64,
    /// How many of these had come back before, in percent.
    pub reopened_percent: Option<String>,
    /// How often these went from one to another.
    pub handoffs: u64,
    /// From the first answer to the resolution, without what waited on the customer, in seconds.
    pub handle: SpreadBody,
    /// The cases whose quality is looked at.
    pub sample: Vec<SampledCase>,
}

/// A case that was drawn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SampledCase {
    /// Whose.
    pub account: String,
    /// Which case.
    pub case: String,
}

impl From<&Agent> for AgentBody {
    fn from(agent: &Agent) -> Self {
        let case = |(account, case): &(domain::id::AccountId, domain::id::CaseId)| SampledCase {
            account: account.to_string(),
            case: case.to_string(),
        };
        Self {
            person: agent.person.to_string(),
            resolved: agent.resolved,
            reopened_percent: percent(agent.reopened_share),
            handoffs: agent.handoffs,
            handle: (&agent.handle).into(),
            sample: agent.sample.iter().map(case).collect(),
        }
    }
}

/// `GET /analytics/actions`: what to do next, the most worth first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ActionsAnswer {
    /// The moment that this speaks of.
    #[schemars(with = "String")]
    pub as_of: Timestamp,
    /// For how many days what was answered is not proposed again.
    pub silent_days: i64,
    /// The proposals; at most 100.
    pub actions: Vec<AdviceBody>,
    /// How many there are in all.
    pub action_count: u64,
    /// What people said to each kind of proposal.
    pub answered: BTreeMap<String, ActionTally>,
}

/// A proposal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AdviceBody {
    /// For which account.
    pub account: String,
    /// `recover`, `prepare_renewal`, `tell_customer`, `start_use`, `raise_adoption`, `ask_reference` or `grow`.
    pub action: String,
    /// What speaks for it, in plain words.
    pub evidence: Vec<String>,
    /// The revenue that it is about, in cents.
    pub worth_cents: i64,
}

/// What people said to a kind of proposal.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ActionTally {
    /// How often somebody took it on.
    pub accepted: u64,
    /// How often somebody dismissed it.
    pub dismissed: u64,
}

impl From<&Advice> for AdviceBody {
    fn from(advice: &Advice) -> Self {
        Self {
            account: advice.account.to_string(),
            action: advice.action.name().to_owned(),
            evidence: advice.evidence.clone(),
            worth_cents: advice.worth.cents(),
        }
    }
}

/// `GET /analytics/advocacy`: who may be asked to speak for the product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AdvocacyAnswer {
    /// The moment that this speaks of.
    #[schemars(with = "String")]
    pub as_of: Timestamp,
    /// At most so often an account is asked in 365 days.
    pub most_in_a_year: u64,
    /// And not within so many days after the last time.
    pub rest_days: i64,
    /// The customers, those who may be asked first; at most 200.
    pub accounts: Vec<AdvocateBody>,
    /// How many may be asked.
    pub eligible: u64,
}

/// A customer who may be asked, or why not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AdvocateBody {
    /// Which account.
    pub account: String,
    /// Whether it may be asked now.
    pub eligible: bool,
    /// Why not.
    pub objections: Vec<String>,
    /// How often it was asked in the last 365 days.
    pub used_in_a_year: u64,
}

//! Many accounts at once: shared out among everybody of a role with the most points together, dry unless asked to commit.
//!
//! A commit gives each account away by the same conditional write as one alone: where somebody was faster, the answer says
//! who, and the others are given all the same. Who asks again gives nothing twice.

use crate::allocate::{Give, Team, need};
use contract::allocate::{AllocateRequest, AllocateTeamAnswer, AllocateTeamRequest, TeamPlaceBody};
use contract::event::{Cause, FunctionName};
use contract::message::cause_id;
use contract::problem::Fault;
use domain::account::Account;
use domain::allocation::{self, Allocated, CommitError, Need};
use domain::id::{AccountId, CauseId, PersonId, TenantId};
use domain::record::AllocationRecord;
use jiff::Timestamp;
use platform::http::{self, Caller, Problem, Request, Response};
use platform::{keys, once};
use std::collections::BTreeSet;

/// The most accounts that are given away in one request: each is a write of its own.
const MAX_COMMITTED: usize = 100;

/// `POST /allocate`.
pub async fn allocate(team: &Team<'_>, caller: &Caller, request: &Request) -> Result<Response, Problem> {
    let asked: AllocateTeamRequest = http::read_json(request)?;
    let now = team.ports.clock.now();
    let needs = needs(team, &caller.tenant, &asked).await?;
    let mut places = Vec::new();
    let mut free = Vec::new();
    for need in needs {
        match holder(team, &caller.tenant, &need).await? {
            Some(holder) => places.push(place(&need.account, Some(&holder.person), "has", None)),
            None => free.push(need),
        }
    }
    let (loads, _) = team.loads(&caller.tenant, asked.role).await?;
    let assignment = allocation::assign_team(&free, team.roster, &loads, team.policy, now)
        .map_err(|error| Problem::invalid("the team is too large", vec![Fault::new("accounts", error.to_string())]))?;
    let (cause, message) =
        (request.cause(caller, FunctionName::Escalate), request.cause_id(caller, FunctionName::Escalate));
    let commit = Commit { team, caller, cause: &cause, message: &message, asked: &asked, now };
    for need in &free {
        let person = assignment.by_account.get(&need.account).and_then(Option::as_ref);
        places.push(match person {
            None => place(&need.account, None, "nobody", Some("nobody who has room knows what is needed".to_owned())),
            Some(person) if asked.commit => commit.give(need, person).await?,
            Some(person) => place(&need.account, Some(person), "would_get", None),
        });
    }
    places.sort_by(|one, other| one.account.cmp(&other.account));
    let points = assignment.points;
    let role = asked.role.name().to_owned();
    Response::json(200, &AllocateTeamAnswer { role, as_of: now, committed: asked.commit, points, accounts: places })
}

async fn needs(team: &Team<'_>, tenant: &TenantId, asked: &AllocateTeamRequest) -> Result<Vec<Need>, Problem> {
    let most = if asked.commit { MAX_COMMITTED } else { allocation::MAX_TEAM_ACCOUNTS };
    let distinct: BTreeSet<&AccountId> = asked.accounts.iter().collect();
    if asked.accounts.is_empty() || asked.accounts.len() > most || distinct.len() != asked.accounts.len() {
        let reason = format!("has {} accounts; give 1 to {most}, each once", asked.accounts.len());
        return Err(Problem::invalid("the request has a fault", vec![Fault::new("accounts", reason)]));
    }
    let (mut needs, mut faults) = (Vec::new(), Vec::new());
    for account in distinct {
        match team.ports.table.get(&keys::profile(tenant, account)).await? {
            None => faults.push(Fault::new("accounts", format!("`{account}` is not known"))),
            Some(profile) => {
                let described: Account = once::state_of(&profile)?;
                needs.push(need(&single(asked, None), account, described.stage, team.policy)?);
            }
        }
    }
    if faults.is_empty() { Ok(needs) } else { Err(Problem::invalid("the request has faults", faults)) }
}

/// The same asked of one account.
fn single(asked: &AllocateTeamRequest, person: Option<&PersonId>) -> AllocateRequest {
    AllocateRequest {
        role: asked.role,
        skills: asked.skills.clone(),
        commit: asked.commit,
        person: person.cloned(),
        replaces: None,
        exception: None,
    }
}

async fn holder(team: &Team<'_>, tenant: &TenantId, need: &Need) -> Result<Option<Allocated>, Problem> {
    let known = team.ports.table.get(&keys::allocation(tenant, &need.account)).await?;
    let record: Option<AllocationRecord> = known.as_ref().map(once::state_of).transpose()?;
    Ok(record.and_then(|mut record| record.by_role.remove(&need.role)))
}

fn place(account: &AccountId, person: Option<&PersonId>, outcome: &str, reason: Option<String>) -> TeamPlaceBody {
    let person = person.map(ToString::to_string);
    TeamPlaceBody { account: account.to_string(), person, outcome: outcome.to_owned(), reason }
}

struct Commit<'a> {
    team: &'a Team<'a>,
    caller: &'a Caller,
    cause: &'a Cause,
    message: &'a CauseId,
    asked: &'a AllocateTeamRequest,
    now: Timestamp,
}

impl Commit<'_> {
    async fn give(&self, need: &Need, person: &PersonId) -> Result<TeamPlaceBody, Problem> {
        let asked = single(self.asked, Some(person));
        let give = Give::new(self.team, self.cause, &self.caller.subject, &asked, need, self.now);
        let head = keys::allocation(&self.caller.tenant, &need.account);
        let message = cause_id(&format!("{}#{}", self.message, need.account));
        once::handle(self.team.ports, &head, &message, &give).await?;
        match give.refusal() {
            Some(CommitError::Taken(winner)) => {
                let reason = format!("`{winner}` looks after it");
                Ok(place(&need.account, Some(&winner), "taken", Some(reason)))
            }
            Some(refusal) => Ok(place(&need.account, None, "refused", Some(refusal.to_string()))),
            None => {
                let holder = holder(self.team, &self.caller.tenant, need).await?;
                Ok(place(&need.account, holder.as_ref().map(|holder| &holder.person), "given", None))
            }
        }
    }
}

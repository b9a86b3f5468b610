//! Who looks after an account: candidates in their order, and the one write that gives it to one of them.
//!
//! The account's record and what the person has are written together, each only as it was read: of two who give one account
//! away, or one person's last place, one wins, and the other decides again with what the first wrote.

use async_trait::async_trait;
use contract::allocate::{AllocateAnswer, AllocateRequest};
use contract::event::{AccountAllocated, Cause, Event, FunctionName};
use contract::problem::Fault;
use domain::account::{Account, LifecycleStage};
use domain::allocation::{self, Allocated, AllocationPolicy, Commit, CommitError, Held, Load, Need, Ranking};
use domain::audit::{self, Record};
use domain::digest::Digest;
use domain::escalation::Role;
use domain::id::{AccountId, PersonId, TenantId};
use domain::record::AllocationRecord;
use domain::roster::{Level, Roster};
use jiff::Timestamp;
use platform::function::{Failure, Ports};
use platform::http::{self, Caller, Problem, Request, Response};
use platform::keys;
use platform::once::{self, Decide, Effect};
use platform::table::{self, Expect, Item, Range, Write};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// The people, and what an allocation is weighed by.
pub struct Team<'a> {
    pub ports: &'a Ports,
    pub roster: &'a Roster,
    pub policy: &'a AllocationPolicy,
}

/// `POST /allocate/{customer_id}`.
pub async fn allocate(team: &Team<'_>, caller: &Caller, request: &Request) -> Result<Response, Problem> {
    let name = request.parameters.get("customer_id").map(String::as_str).unwrap_or_default();
    let not_found = || Problem::not_found("account", name);
    let account = AccountId::new(name).map_err(|_| not_found())?;
    let asked: AllocateRequest = http::read_json(request)?;
    let profile = team.ports.table.get(&keys::profile(&caller.tenant, &account)).await?.ok_or_else(not_found)?;
    let described: Account = once::state_of(&profile)?;
    let need = need(&asked, &account, described.stage, team.policy)?;
    let now = team.ports.clock.now();
    let head = keys::allocation(&caller.tenant, &account);
    if asked.commit {
        let cause = request.cause(caller, FunctionName::Escalate);
        let give = Give::new(team, &cause, &caller.subject, &asked, &need, now);
        once::handle(team.ports, &head, &request.cause_id(caller, FunctionName::Escalate), &give).await?;
        if let Some(refusal) = give.refusal() {
            return Err(problem(&refusal));
        }
    }
    let known = team.ports.table.get(&head).await?;
    let record: Option<AllocationRecord> = known.as_ref().map(once::state_of).transpose()?;
    let holder = record.as_ref().and_then(|record| record.by_role.get(&need.role));
    let (ranking, _) = team.rank(&caller.tenant, &need, now).await?;
    Response::json(200, &AllocateAnswer::of(account.as_str(), need.role, ranking, holder, now))
}

/// What an account needs of whoever is to look after it.
pub fn need(
    asked: &AllocateRequest,
    account: &AccountId,
    stage: LifecycleStage,
    policy: &AllocationPolicy,
) -> Result<Need, Problem> {
    let mut faults = Vec::new();
    if !policy.capacity.contains_key(&asked.role) {
        let names: Vec<&str> = policy.capacity.keys().map(|role| role.name()).collect();
        let reason = format!("`{}` looks after no accounts; give {}", asked.role.name(), names.join(" or "));
        faults.push(Fault::new("role", reason));
    }
    let mut skills = BTreeMap::new();
    for (skill, level) in &asked.skills {
        match Level::try_from(*level) {
            Ok(level) => drop(skills.insert(skill.clone(), level)),
            Err(error) => faults.push(Fault::new(format!("skills.{skill}"), error.to_string())),
        }
    }
    if !faults.is_empty() {
        return Err(Problem::invalid("the request has faults", faults));
    }
    Ok(Need { account: account.clone(), stage, role: asked.role, skills })
}

fn problem(refusal: &CommitError) -> Problem {
    let text = refusal.to_string();
    match refusal {
        CommitError::Taken(person) => {
            Problem { errors: vec![Fault::new("holder", person.to_string())], ..Problem::conflict(text) }
        }
        CommitError::Refused { alternatives, .. } => {
            let names: Vec<String> = alternatives.iter().map(|person| format!("`{person}`")).collect();
            let could =
                if names.is_empty() { "nobody else could".to_owned() } else { format!("{} could", names.join(", ")) };
            Problem::conflict(format!("{text}; {could}"))
        }
        CommitError::Nobody(_) => Problem::conflict(text),
        CommitError::NotVicePresident(_) => Problem::new(403, "not_allowed", "It is not theirs to decide", text),
        CommitError::Words(_) => Problem::invalid("the exception is not valid", vec![Fault::new("exception", text)]),
    }
}

/// What everybody of a role looks after, with the items that say so.
pub type Loads = (BTreeMap<PersonId, Load>, BTreeMap<PersonId, Item>);

impl Team<'_> {
    async fn rank(&self, tenant: &TenantId, need: &Need, now: Timestamp) -> Result<(Ranking, Loads), Failure> {
        let (loads, items) = self.loads(tenant, need.role).await?;
        let ranking = allocation::rank(need, self.roster, &loads, self.policy, now);
        Ok((ranking, (loads, items)))
    }

    /// What everybody of a role looks after.
    pub async fn loads(&self, tenant: &TenantId, role: Role) -> Result<Loads, Failure> {
        let range = Range::prefix(keys::load_partition(tenant, role.name()), "");
        let (mut loads, mut items) = (BTreeMap::new(), BTreeMap::new());
        for item in table::query_all(self.ports.table.as_ref(), range).await? {
            let person = PersonId::new(&item.key.sk).map_err(|error| Failure::Unhandled(format!("load of {error}")))?;
            loads.insert(person.clone(), table::read(&item)?);
            items.insert(person, item);
        }
        Ok((loads, items))
    }
}

/// Gives an account to somebody, once, within limits.
pub struct Give<'a> {
    team: &'a Team<'a>,
    cause: &'a Cause,
    by: &'a PersonId,
    asked: &'a AllocateRequest,
    need: &'a Need,
    now: Timestamp,
    /// Why the domain refused: known only once the state was read.
    refused: Mutex<Option<CommitError>>,
}

#[async_trait]
impl Decide for Give<'_> {
    type State = AllocationRecord;

    async fn decide(&self, state: Option<AllocationRecord>) -> Result<Option<Effect<AllocationRecord>>, Failure> {
        let (tenant, account, role) = (&self.cause.tenant, &self.need.account, self.need.role);
        let mut record = state.unwrap_or_else(|| AllocationRecord {
            by_role: BTreeMap::new(),
            audit: audit::Head::start(tenant, account),
        });
        let (ranking, loads) = self.team.rank(tenant, self.need, self.now).await?;
        let commit = Commit {
            by: self.by,
            person: self.asked.person.as_ref(),
            replaces: self.asked.replaces.as_ref(),
            exception: self.asked.exception.as_deref(),
        };
        let holder = record.by_role.get(&role).cloned();
        *self.refused.lock().unwrap_or_else(PoisonError::into_inner) = None;
        let allocated = match allocation::commit(&ranking, holder.as_ref(), &commit, self.team.roster, self.now) {
            Ok(allocated) if holder.as_ref() == Some(&allocated) => return Ok(None),
            Ok(allocated) => allocated,
            Err(refusal) => {
                *self.refused.lock().unwrap_or_else(PoisonError::into_inner) = Some(refusal);
                return Ok(None);
            }
        };
        let mut writes = self.moved(holder.as_ref(), &allocated, loads)?;
        let link = self.link(&record.audit, holder.as_ref(), &allocated, &ranking)?;
        let key = keys::audit(tenant, account, "allocation", link.seq);
        writes.push(Write::Put { key, expect: Expect::Absent, body: table::body(&link)?, expires_at: None });
        record.audit = link.head();
        let fact = AccountAllocated {
            role: role.name().to_owned(),
            person: allocated.person.clone(),
            replaces: holder.map(|holder| holder.person),
            by: allocated.by.clone(),
            exception: allocated.exception.as_ref().map(|exception| exception.reason.clone()),
        };
        let event = Event::new(self.cause, Some(account), &format!("{account}#{}", role.name()), self.now, fact);
        record.by_role.insert(role, allocated);
        Ok(Some(Effect { state: record, writes, events: vec![event] }))
    }
}

impl<'a> Give<'a> {
    /// Gives an account as it is asked.
    pub const fn new(
        team: &'a Team<'a>,
        cause: &'a Cause,
        by: &'a PersonId,
        asked: &'a AllocateRequest,
        need: &'a Need,
        now: Timestamp,
    ) -> Self {
        Self { team, cause, by, asked, need, now, refused: Mutex::new(None) }
    }

    /// Why it was refused, if it was.
    pub fn refusal(self) -> Option<CommitError> {
        self.refused.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    /// The account goes from one person's load to another's.
    fn moved(
        &self,
        from: Option<&Allocated>,
        to: &Allocated,
        (mut loads, items): Loads,
    ) -> Result<Vec<Write>, Failure> {
        let account = &self.need.account;
        let mut changed = BTreeMap::new();
        if let Some(from) = from {
            let mut load = loads.remove(&from.person).unwrap_or_default();
            if load.accounts.remove(account).is_some() {
                // Whoever hands a customer on has kept it; whoever is left with none has lost it.
                match self.need.stage {
                    LifecycleStage::Churned => load.lost = load.lost.saturating_add(1),
                    _ => load.kept = load.kept.saturating_add(1),
                }
                changed.insert(from.person.clone(), load);
            }
        }
        let mut load = changed.remove(&to.person).or_else(|| loads.remove(&to.person)).unwrap_or_default();
        load.accounts.insert(account.clone(), Held { stage: self.need.stage, since: self.now });
        load.last_at = Some(self.now);
        changed.insert(to.person.clone(), load);
        let write = |(person, load): (PersonId, Load)| -> Result<Write, Failure> {
            let key = keys::load(&self.cause.tenant, self.need.role.name(), &person);
            let expect = Expect::of(items.get(&person));
            Ok(Write::Put { key, expect, body: table::body(&load)?, expires_at: None })
        };
        changed.into_iter().map(write).collect()
    }

    fn link(
        &self,
        chain: &audit::Head,
        from: Option<&Allocated>,
        to: &Allocated,
        ranking: &Ranking,
    ) -> Result<audit::Link, Failure> {
        let unhandled = |error: serde_json::Error| Failure::Unhandled(error.to_string());
        let mut reasons: Vec<String> = from.iter().map(|from| format!("instead of {}", from.person)).collect();
        reasons.push(format!("decided by {}", to.by));
        let ranked = ranking.ranked.iter().find(|ranked| ranked.person == to.person);
        reasons.extend(
            ranked
                .iter()
                .flat_map(|ranked| &ranked.parts)
                .map(|part| format!("{}: {} points, {}", part.name, part.points, part.reason)),
        );
        reasons.extend(
            to.exception.iter().map(|exception| format!("beyond the limit, by {}: {}", exception.by, exception.reason)),
        );
        let record = Record {
            at: self.now,
            what: "allocation".to_owned(),
            inputs_hash: Digest::of_json("allocation", ranking).map_err(unhandled)?,
            config_hash: Digest::of_json("allocation", &(self.team.policy, self.team.roster.version()))
                .map_err(unhandled)?,
            outcome: format!("{} is its {}", to.person, self.need.role.name()),
            reasons,
        };
        Ok(audit::append(chain, record))
    }
}

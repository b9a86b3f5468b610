//! Executions of playbooks: how they are listed and read, and what people do with them.
//!
//! The running executions of an account lie in one head item, so that whatever is decided about them is decided once
//! ([`look`] when time passes, [`crate::execute`] when one begins, [`act`] when somebody settles a step). Beside the head
//! lies an entry for each execution, by which it is found, and a log of its changes ([`stream`]).
//!
//! The head also holds when the customer was reached, so that executions cannot reach them more often together than they
//! may; and whatever goes out is committed only if the account's description is the one that was looked at, so that an
//! opt-out that was answered before holds.

pub mod library;
pub mod look;
pub mod slots;
pub mod stream;
pub mod told;

use crate::evaluate::{health, standing};
use async_trait::async_trait;
use contract::event::{Cause, FunctionName};
use contract::execution::{EvidenceRequest, ExecutionItem, ExecutionPage, ReasonRequest};
use contract::problem::Fault;
use domain::account::Account;
use domain::audit;
use domain::digest::Digest;
use domain::id::{AccountId, ExecutionId, StepId, TenantId};
use domain::playbook::{Command, Decision, Deed, Execution, PlaybookFault, Refusal, decide};
use domain::record::{AccountRecord, ExecutionRecord, HealthRecord};
use domain::rule::Facts;
use jiff::Timestamp;
use library::Library;
use platform::function::{Failure, Ports};
use platform::http::{self, Caller, Problem, Request, Response};
use platform::keys::{self, tenant_partition};
use platform::once::{self, Effect, Evaluate};
use platform::snapshot::Snapshot;
use platform::table::{self, Expect, Item, Key, Range, Table, Write};
use std::sync::Mutex;
use told::Told;

/// The most executions in one page.
const MAX_PAGE: usize = 25;
/// How many executions are looked at for one answer.
const MAX_LOOKED_AT: usize = 5_000;

/// What executions are decided from.
pub struct Known {
    pub account: Account,
    /// As which version of its description that is known.
    pub described: Expect,
    pub record: AccountRecord,
    pub scored: Option<HealthRecord>,
}

impl Known {
    /// What is known of an account; nothing where there is no such account.
    pub fn read(snapshot: &Snapshot) -> Result<Option<Self>, Failure> {
        let Some(account) = snapshot.account()? else { return Ok(None) };
        let record = snapshot.record()?.unwrap_or_default();
        let described = Expect::of(snapshot.item(keys::PROFILE));
        Ok(Some(Self { account, described, record, scored: snapshot.health()? }))
    }

    /// Makes sure that the customer's wishes are as they were looked at, where something goes out to them.
    pub fn check_wishes(&self, tenant: &TenantId, decisions: &[&Decision]) -> Option<Write> {
        let reached = decisions.iter().any(|decision| decision.reaches_the_customer());
        reached.then(|| Write::Check { key: keys::profile(tenant, &self.account.id), expect: self.described })
    }

    /// The same as conditions take it.
    pub fn facts(&self, now: Timestamp) -> Facts<'_> {
        let (account, series, scored) = (&self.account, &self.record.series, self.scored.as_ref());
        Facts { account, series, health: scored.and_then(health), standing: scored.and_then(standing), now }
    }
}

/// The record of an account on which nothing was begun.
pub fn nothing_yet(tenant: &TenantId, account: &AccountId) -> ExecutionRecord {
    let audit = audit::Head::start(tenant, account);
    ExecutionRecord {
        running: Default::default(),
        ended: Default::default(),
        stay: None,
        contacts: Default::default(),
        audit,
    }
}

/// Puts an execution into its place; one that has ended leaves behind when that was.
pub fn put_in(record: &mut ExecutionRecord, execution: Execution) {
    match execution.status.ended_at() {
        Some(at) => {
            record.running.remove(&execution.id);
            record.ended.insert(execution.playbook, at);
        }
        None => drop(record.running.insert(execution.id.clone(), execution)),
    }
}

fn parameter<'a>(request: &'a Request, name: &str) -> &'a str {
    request.parameters.get(name).map(String::as_str).unwrap_or_default()
}

/// The execution that a request names.
async fn find(ports: &Ports, caller: &Caller, request: &Request) -> Result<(ExecutionId, ExecutionItem), Problem> {
    let not_found = || Problem::not_found("execution", parameter(request, "id"));
    let id = ExecutionId::new(parameter(request, "id")).map_err(|_| not_found())?;
    let entry = ports.table.get(&keys::execution_index(&caller.tenant, &id)).await?.ok_or_else(not_found)?;
    Ok((id, table::read(&entry)?))
}

/// `GET /executions/{id}`.
pub async fn read(ports: &Ports, caller: &Caller, request: &Request) -> Result<Response, Problem> {
    Response::json(200, &find(ports, caller, request).await?.1)
}

/// `GET /executions`.
pub async fn list(ports: &Ports, caller: &Caller, request: &Request) -> Result<Response, Problem> {
    let mut range = Range::prefix(tenant_partition(&caller.tenant, "EXECUTION"), "")
        .limit(MAX_PAGE)
        .after(request.query.get("cursor").cloned());
    let wanted = |name: &str, value: &str| request.query.get(name).is_none_or(|wanted| wanted == value);
    let stuck = |item: &ExecutionItem| if item.stuck_on.is_some() { "true" } else { "false" };
    let mut looked_at = 0;
    // A filter that few pass would make many empty pages: look on until one passes, but not for ever.
    loop {
        let page = ports.table.query(&range).await?;
        let mut executions = page.items.iter().map(table::read).collect::<Result<Vec<ExecutionItem>, _>>()?;
        executions.retain(|item| {
            wanted("status", &item.status)
                && wanted("account", &item.account)
                && wanted("playbook", &item.playbook)
                && wanted("stuck", stuck(item))
        });
        looked_at += page.items.len();
        if executions.is_empty() && page.next.is_some() && looked_at < MAX_LOOKED_AT {
            range = range.after(page.next);
        } else {
            return Response::json(200, &ExecutionPage { executions, cursor: page.next });
        }
    }
}

/// `POST /executions/{id}/steps/{step}/{action}`.
pub async fn act(ports: &Ports, library: &Library, caller: &Caller, request: &Request) -> Result<Response, Problem> {
    let deed = match parameter(request, "action") {
        "complete" => http::read_json::<EvidenceRequest>(request)?.complete(),
        "approve" => http::read_json::<EvidenceRequest>(request)?.approve(),
        "skip" => Deed::Skip { reason: http::read_json::<ReasonRequest>(request)?.reason },
        "refuse" => Deed::Refuse { reason: http::read_json::<ReasonRequest>(request)?.reason },
        other => {
            let detail = format!("there is no action `{other}`; use complete, skip, approve or refuse");
            return Err(Problem::new(404, "not_found", "There is no such thing", detail));
        }
    };
    let step =
        StepId::new(parameter(request, "step")).map_err(|_| Problem::not_found("step", parameter(request, "step")))?;
    let slot = slots::take(ports, &caller.tenant, request.cause_id(caller, FunctionName::Trigger).as_str()).await?;
    let by = caller.subject.clone();
    let acted = command(ports, library, caller, request, Command::Settle { step, deed, by }).await;
    slot.release(ports).await;
    acted
}

/// `POST /executions/{id}/cancel`.
pub async fn cancel(ports: &Ports, library: &Library, caller: &Caller, request: &Request) -> Result<Response, Problem> {
    let ReasonRequest { reason } = http::read_json(request)?;
    let command_of = Command::Cancel { by: caller.subject.clone(), reason };
    command(ports, library, caller, request, command_of).await
}

/// Carries a command out, and answers with the execution as it is then.
async fn command(
    ports: &Ports,
    library: &Library,
    caller: &Caller,
    request: &Request,
    command: Command,
) -> Result<Response, Problem> {
    let (id, item) = find(ports, caller, request).await?;
    let account = AccountId::new(&item.account).map_err(|error| Problem::internal(&error))?;
    let act = Act {
        ports,
        library,
        cause: request.cause(caller, FunctionName::Trigger),
        account: &account,
        id: &id,
        command: &command,
        now: ports.clock.now(),
        refused: Mutex::new(None),
    };
    let message = request.cause_id(caller, FunctionName::Trigger);
    once::handle(ports, &keys::executions(&caller.tenant, &account), &message, &act).await?;
    if let Some(refused) = act.refused.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner) {
        return Err(problem(refused, &item));
    }
    Response::json(200, &find(ports, caller, request).await?.1)
}

/// Why a command is not carried out: known only once the state was read.
enum Refused {
    /// The execution has ended.
    Ended,
    /// The domain refuses.
    By(Refusal),
}

fn problem(refused: Refused, item: &ExecutionItem) -> Problem {
    let refusal = match refused {
        Refused::Ended => return Problem::conflict(format!("the execution `{}` has ended", item.execution)),
        Refused::By(refusal) => refusal,
    };
    match &refusal {
        Refusal::NoSuchStep(_) => Problem::new(404, "not_found", "There is no such thing", refusal.to_string()),
        Refusal::Evidence(faults) => Problem::invalid(refusal.to_string(), faults_of(faults)),
        Refusal::Words(_) => {
            Problem::invalid("the reason is not valid", vec![Fault::new("reason", refusal.to_string())])
        }
        Refusal::Ended(_) | Refusal::NotOpen { .. } | Refusal::Settled { .. } | Refusal::OtherKind { .. } => {
            Problem::conflict(refusal.to_string())
        }
    }
}

/// The domain's faults as an answer names them.
pub fn faults_of(faults: &[PlaybookFault]) -> Vec<Fault> {
    faults.iter().map(|fault| Fault::new(fault.path.clone(), fault.reason.clone())).collect()
}

struct Act<'a> {
    ports: &'a Ports,
    library: &'a Library,
    cause: Cause,
    account: &'a AccountId,
    id: &'a ExecutionId,
    command: &'a Command,
    now: Timestamp,
    refused: Mutex<Option<Refused>>,
}

impl Act<'_> {
    fn refuse<T>(&self, refused: Refused) -> Option<T> {
        *self.refused.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(refused);
        None
    }

    /// What is done, and by whom, for the chain.
    fn what(&self) -> String {
        match self.command {
            Command::Settle { step, deed, by } => format!("{} {step} by {by}", deed.name()),
            Command::Cancel { by, .. } => format!("cancel by {by}"),
            Command::Look => "playbooks".to_owned(),
        }
    }
}

#[async_trait]
impl Evaluate for Act<'_> {
    type State = ExecutionRecord;
    type Known = Snapshot;

    async fn load(&self, table: &dyn Table, head: &Key) -> Result<(Option<Item>, Snapshot), Failure> {
        Ok(Snapshot::with_head(table, &self.cause.tenant, self.account, head).await?)
    }

    async fn evaluate(
        &self,
        state: Option<ExecutionRecord>,
        known: Snapshot,
    ) -> Result<Option<Effect<ExecutionRecord>>, Failure> {
        let (Some(mut record), Some(known)) = (state, Known::read(&known)?) else {
            return Err(Failure::Unhandled(format!("execution `{}` is listed, but its account has none", self.id)));
        };
        let Some(execution) = record.running.get(self.id) else { return Ok(self.refuse(Refused::Ended)) };
        let playbook = self.library.of(self.ports.table.as_ref(), &self.cause.tenant, execution).await?;
        let decision = match decide(
            &playbook,
            execution,
            self.command,
            &known.facts(self.now),
            &self.library.door(&record.contacts),
        ) {
            Ok(decision) => decision,
            Err(refusal) => return Ok(self.refuse(Refused::By(refusal))),
        };
        if decision.execution == *execution {
            return Ok(None);
        }
        let told =
            Told { ports: self.ports, cause: &self.cause, account: self.account, library: self.library, now: self.now };
        let mut writes = told.writes(&playbook, &decision).await?;
        writes.extend(known.check_wishes(&self.cause.tenant, &[&decision]));
        let events = told.events(&playbook, &decision);
        let inputs = Digest::of("playbook command", [self.id.as_str(), &format!("{:?}", self.command)]);
        let (audit, write) = told.link(&record.audit, self.what(), inputs, &[(&playbook, &decision)])?;
        writes.push(write);
        record.contacts = decision.contacts;
        put_in(&mut record, decision.execution);
        record.audit = audit;
        Ok(Some(Effect { state: record, writes, events }))
    }
}

//! `POST /execute/{workflow_id}`: begins a playbook on an account.
//!
//! The same request, however often it comes, begins one execution: its id follows from the request's cause. Whether a
//! call to action stands against it is made sure of in the same commit.

use crate::executions::library::Library;
use crate::executions::told::Told;
use crate::executions::{Known, faults_of, nothing_yet, put_in, slots};
use async_trait::async_trait;
use contract::event::{Cause, FunctionName};
use contract::execution::{ExecuteRequest, Executed, ExecutionItem, values};
use contract::problem::Fault;
use domain::digest::Digest;
use domain::id::{AccountId, ExecutionId, PersonId, PlaybookId};
use domain::playbook::entry::{Closed, refusals};
use domain::playbook::{Playbook, Situation, Value, parameter, start};
use domain::record::{EpisodeRecord, ExecutionRecord};
use domain::rule::CtaKind;
use jiff::Timestamp;
use platform::function::{Failure, Ports};
use platform::http::{self, BASE, Caller, Problem, Request, Response};
use platform::keys;
use platform::once::{self, Effect, Evaluate};
use platform::snapshot::Snapshot;
use platform::table::{self, Expect, Item, Key, Table, Write};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

/// The most executions that run on one account: what is decided about them goes into one commit.
const MAX_RUNNING: usize = 10;

/// Begins a playbook.
pub async fn execute(
    ports: &Ports,
    library: &Library,
    caller: &Caller,
    request: &Request,
) -> Result<Response, Problem> {
    let named = request.parameters.get("workflow_id").map(String::as_str).unwrap_or_default();
    let playbook = PlaybookId::new(named).ok().and_then(|id| library.playbooks().get(&id)).ok_or_else(|| {
        let detail = format!("the path {}", library.playbooks().unknown(named));
        Problem::new(404, "not_found", "There is no such thing", detail)
    })?;
    let ExecuteRequest { account, parameters } = http::read_json(request)?;
    let (account, arguments) = checked(playbook, &account, values(parameters))?;
    let message = request.cause_id(caller, FunctionName::Trigger);
    let id = domain::playbook::Execution::id_of(&caller.tenant, &playbook.id, &account, &message)
        .map_err(|error| Problem::internal(&error))?;
    let slot = slots::take(ports, &caller.tenant, message.as_str()).await?;
    let begin = Start {
        ports,
        library,
        playbook,
        cause: request.cause(caller, FunctionName::Trigger),
        by: &caller.subject,
        account: &account,
        id: &id,
        arguments: &arguments,
        now: ports.clock.now(),
        refused: Mutex::new(None),
    };
    let handled = once::handle(ports, &keys::executions(&caller.tenant, &account), &message, &begin).await;
    slot.release(ports).await;
    handled?;
    if let Some(refused) = begin.refused.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner) {
        return Err(problem(refused, &account));
    }
    accepted(ports, caller, &id).await
}

/// The account and the arguments, or every fault of them.
fn checked(
    playbook: &Playbook,
    account: &str,
    given: BTreeMap<String, Value>,
) -> Result<(AccountId, BTreeMap<String, Value>), Problem> {
    let account = AccountId::new(account).map_err(|error| vec![Fault::new("account", error.to_string())]);
    let arguments = parameter::arguments(&playbook.parameters, &given).map_err(|faults| faults_of(&faults));
    match (account, arguments) {
        (Ok(account), Ok(arguments)) => Ok((account, arguments)),
        (account, arguments) => {
            let faults = account.err().into_iter().chain(arguments.err()).flatten().collect();
            Err(Problem::invalid(format!("the playbook `{}` cannot begin with this", playbook.id), faults))
        }
    }
}

async fn accepted(ports: &Ports, caller: &Caller, id: &ExecutionId) -> Result<Response, Problem> {
    let entry = ports.table.get(&keys::execution_index(&caller.tenant, id)).await?;
    let entry = entry.ok_or_else(|| Problem::internal(&format!("execution `{id}` began and is not listed")))?;
    let ExecutionItem { execution, status, .. } = table::read(&entry)?;
    let mut response = Response::json(202, &Executed { execution, status })?;
    response.headers.insert("location".into(), format!("{BASE}/executions/{id}"));
    Ok(response)
}

/// Why nothing begins: known only once the state was read.
enum Refused {
    /// There is no such account.
    NoAccount,
    /// Too many run on it.
    Full,
    /// Its time has not come.
    Closed(Vec<Closed>),
}

fn problem(refused: Refused, account: &AccountId) -> Problem {
    match refused {
        Refused::NoAccount => Problem::not_found("account", account.as_str()),
        Refused::Full => Problem::conflict(format!(
            "{MAX_RUNNING} executions run on the account `{account}`; cancel one, or wait until one ends"
        )),
        Refused::Closed(reasons) => Problem {
            errors: reasons.iter().map(|reason| Fault::new("entry", reason.to_string())).collect(),
            ..Problem::new(
                409,
                "entry_closed",
                "The playbook may not begin now",
                format!("the playbook may not begin on the account `{account}`; `errors` says why"),
            )
        },
    }
}

struct Start<'a> {
    ports: &'a Ports,
    library: &'a Library,
    playbook: &'a Playbook,
    cause: Cause,
    by: &'a PersonId,
    account: &'a AccountId,
    id: &'a ExecutionId,
    arguments: &'a BTreeMap<String, Value>,
    now: Timestamp,
    refused: Mutex<Option<Refused>>,
}

impl Start<'_> {
    fn refuse<T>(&self, refused: Refused) -> Option<T> {
        *self.refused.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(refused);
        None
    }

    /// Every reason against beginning now.
    fn closed(&self, record: &ExecutionRecord, known: &Known, open: &BTreeSet<CtaKind>) -> Vec<Closed> {
        let of_stage = record.stay.filter(|stay| stay.stage == known.account.stage);
        let situation = Situation {
            facts: known.facts(self.now),
            open,
            in_stage_since: of_stage.map(|stay| stay.since),
            is_running: record.running.values().any(|execution| execution.playbook == self.playbook.id),
            ended_at: record.ended.get(&self.playbook.id).copied(),
        };
        refusals(self.playbook, &situation)
    }
}

/// The kinds of the calls to action that are to be done, of rules and of late steps.
fn open_kinds(episodes: Option<&EpisodeRecord>, record: &ExecutionRecord) -> BTreeSet<CtaKind> {
    let of_rules = episodes.into_iter().flat_map(|record| record.episodes.live());
    let of_steps = record.running.values().flat_map(|execution| execution.open_ctas());
    of_rules.chain(of_steps).map(|cta| cta.kind).collect()
}

#[async_trait]
impl Evaluate for Start<'_> {
    type State = ExecutionRecord;
    type Known = Snapshot;

    async fn load(&self, table: &dyn Table, head: &Key) -> Result<(Option<Item>, Snapshot), Failure> {
        Ok(Snapshot::with_head(table, &self.cause.tenant, self.account, head).await?)
    }

    async fn evaluate(
        &self,
        state: Option<ExecutionRecord>,
        snapshot: Snapshot,
    ) -> Result<Option<Effect<ExecutionRecord>>, Failure> {
        let tenant = &self.cause.tenant;
        let Some(known) = Known::read(&snapshot)? else { return Ok(self.refuse(Refused::NoAccount)) };
        let mut record = state.unwrap_or_else(|| nothing_yet(tenant, self.account));
        if record.running.contains_key(self.id) {
            return Ok(None);
        }
        let episodes = snapshot.item(keys::EPISODES);
        let open = open_kinds(episodes.map(once::state_of).transpose()?.as_ref(), &record);
        let closed = self.closed(&record, &known, &open);
        if !closed.is_empty() {
            return Ok(self.refuse(Refused::Closed(closed)));
        }
        if record.running.len() >= MAX_RUNNING {
            return Ok(self.refuse(Refused::Full));
        }
        let facts = known.facts(self.now);
        let decision = start(
            self.playbook,
            self.id.clone(),
            self.arguments.clone(),
            self.by.clone(),
            &facts,
            &self.library.door(&record.contacts),
        );
        let told =
            Told { ports: self.ports, cause: &self.cause, account: self.account, library: self.library, now: self.now };
        let mut writes = told.writes(self.playbook, &decision).await?;
        writes.extend(known.check_wishes(tenant, &[&decision]));
        writes.extend(self.library.keep(self.ports.table.as_ref(), tenant, self.playbook).await?);
        if !self.playbook.entry.not_while_open.is_empty() {
            let expect = Expect::of(episodes);
            writes.push(Write::Check { key: keys::episodes(tenant, self.account), expect });
        }
        let events = told.events(self.playbook, &decision);
        let inputs = Digest::of_json("playbook start", &(&self.id, &self.arguments))
            .map_err(|error| Failure::Unhandled(error.to_string()))?;
        let what = format!("start {} by {}", self.playbook.id, self.by);
        let (audit, write) = told.link(&record.audit, what, inputs, &[(self.playbook, &decision)])?;
        writes.push(write);
        record.contacts = decision.contacts;
        put_in(&mut record, decision.execution);
        record.audit = audit;
        Ok(Some(Effect { state: record, writes, events }))
    }
}

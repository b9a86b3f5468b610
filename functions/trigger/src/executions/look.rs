//! Time and news come to the executions of an account: waits end, dates move, steps are late, nothing moves.

use super::Known;
use super::library::Library;
use super::told::Told;
use async_trait::async_trait;
use contract::event::Cause;
use domain::account::Account;
use domain::audit;
use domain::digest::Digest;
use domain::id::{AccountId, CauseId};
use domain::playbook::{Command, Decision, Playbook, decide};
use domain::record::{ExecutionRecord, Stay};
use domain::rule::{Facts, Truth};
use jiff::Timestamp;
use platform::function::{Failure, Ports};
use platform::keys;
use platform::once::{self, Effect, Evaluate, Outcome};
use platform::snapshot::Snapshot;
use platform::table::{Item, Key, MAX_WRITES, Table};
use std::borrow::Cow;

/// The most writes that one execution comes to: a call to action for each of its steps, its entry, its log, the link and
/// the head; and the look at the customer's wishes.
const MOST_WRITES: usize = domain::playbook::MAX_STEPS + 5;

/// One look at the executions of one account.
pub struct Look<'a> {
    pub ports: &'a Ports,
    pub library: &'a Library,
    pub cause: Cause,
    pub account: &'a AccountId,
    pub now: Timestamp,
}

impl Look<'_> {
    /// Looks, once in effect.
    pub async fn run(&self, message: &CauseId) -> Result<Outcome, Failure> {
        once::handle(self.ports, &keys::executions(&self.cause.tenant, self.account), message, self).await
    }

    /// Whether some playbook asks for how long the account has been in its stage.
    fn stay_matters(&self, facts: &Facts<'_>) -> bool {
        let asks = |playbook: &Playbook| {
            let when = playbook.entry.when.as_ref();
            playbook.entry.days_in_stage > 0 && when.is_none_or(|when| when.evaluate(facts).truth == Truth::True)
        };
        self.library.playbooks().iter().any(asks)
    }

    /// Since when the account has been in its stage, as far as that was seen.
    fn stay(&self, before: Option<Stay>, account: &Account, facts: &Facts<'_>) -> Option<Stay> {
        let same = before.filter(|stay| stay.stage == account.stage);
        same.or_else(|| self.stay_matters(facts).then_some(Stay { stage: account.stage, since: self.now }))
    }
}

#[async_trait]
impl Evaluate for Look<'_> {
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
        let Some(known) = Known::read(&known)? else { return Ok(None) };
        let facts = known.facts(self.now);
        let mut record = state.unwrap_or_else(|| super::nothing_yet(&self.cause.tenant, self.account));
        let stay = self.stay(record.stay, &known.account, &facts);
        let stayed = std::mem::replace(&mut record.stay, stay) == stay;
        let told =
            Told { ports: self.ports, cause: &self.cause, account: self.account, library: self.library, now: self.now };
        let (mut writes, mut events) = (Vec::new(), Vec::new());
        let mut decided: Vec<(Cow<'_, Playbook>, Decision)> = Vec::new();
        let mut contacts = record.contacts.clone();
        for execution in record.running.values() {
            // What does not fit into one commit is looked at by the next news or the next sweep.
            if writes.len() + MOST_WRITES > MAX_WRITES {
                break;
            }
            let playbook = self.library.of(self.ports.table.as_ref(), &self.cause.tenant, execution).await?;
            let decision = decide(&playbook, execution, &Command::Look, &facts, &self.library.door(&contacts))
                .map_err(|refusal| Failure::Unhandled(refusal.to_string()))?;
            if decision.execution != *execution {
                writes.extend(told.writes(&playbook, &decision).await?);
                events.extend(told.events(&playbook, &decision));
                // What the next one sends comes on top of what this one does.
                contacts.clone_from(&decision.contacts);
                decided.push((playbook, decision));
            }
        }
        if decided.is_empty() && stayed {
            return Ok(None);
        }
        record.contacts = contacts;
        for (_, decision) in &decided {
            super::put_in(&mut record, decision.execution.clone());
        }
        if !decided.is_empty() {
            let links: Vec<(&Playbook, &Decision)> =
                decided.iter().map(|(playbook, decision)| (playbook.as_ref(), decision)).collect();
            let decisions: Vec<&Decision> = decided.iter().map(|(_, decision)| decision).collect();
            writes.extend(known.check_wishes(&self.cause.tenant, &decisions));
            let inputs = Digest::of("playbook look", [self.now.to_string()]);
            let (head, write): (audit::Head, _) = told.link(&record.audit, "playbooks".to_owned(), inputs, &links)?;
            record.audit = head;
            writes.push(write);
        }
        Ok(Some(Effect { state: record, writes, events }))
    }
}

//! The stories of accounts: what analytics ask of a fact, put where the account's story is. Any order of the facts, each any
//! number of times, gives the same stories.
//!
//! A story is an item of its own beside the account's row, for most facts change one of the two alone. What cases and
//! numbers come to is read from where ingest keeps them when a fact says that they changed: a fact tells that something is
//! new, not what it amounts to, and whoever reads last has seen it all.

use crate::kept;
use async_trait::async_trait;
use contract::event::{EscalationBody, Event, Fact};
use contract::workflow::{ExecutionBody, StepBody};
use domain::band::Band;
use domain::case::Case;
use domain::id::{AccountId, CaseId, CauseId, PersonId, TenantId};
use domain::insight::advice::Replies;
use domain::record::AccountRecord;
use domain::signal::Metric;
use domain::story::{CaseView, Description, Heard, Measures, News, Story, measured};
use jiff::Timestamp;
use platform::function::{Failure, Ports};
use platform::keys;
use platform::once::{self, Decide, Effect};
use platform::table::{self, Range, TableError};
use std::collections::BTreeMap;

/// What is to be learned of a fact.
enum Learn {
    /// It says so itself.
    Told(News),
    /// A case changed.
    Case(CaseId),
    /// Numbers came in.
    Numbers,
}

/// Takes a fact in. Most facts say nothing that a story keeps.
pub async fn take_in(ports: &Ports, event: &Event) -> Result<(), Failure> {
    let Some(account) = &event.meta.account else {
        return Ok(());
    };
    let Some(learn) = learn(&event.fact) else {
        return Ok(());
    };
    let tell = Tell { ports, event, account, learn };
    once::handle(ports, &keys::story(&event.meta.tenant, account), &event.meta.event_id, &tell).await?;
    Ok(())
}

struct Tell<'a> {
    ports: &'a Ports,
    event: &'a Event,
    account: &'a AccountId,
    learn: Learn,
}

#[async_trait]
impl Decide for Tell<'_> {
    type State = Story;

    async fn decide(&self, state: Option<Story>) -> Result<Option<Effect<Story>>, Failure> {
        // What is read beside the story is read after it: of two who look at once, the one that writes last has seen all.
        let Some(news) = self.learn.news(self.ports, &self.event.meta.tenant, self.account).await? else {
            return Ok(None);
        };
        let mut story = state.clone().unwrap_or_else(|| Story::new(self.account.clone()));
        story.apply(self.event.meta.occurred_at, news);
        let is_new = state.as_ref() != Some(&story);
        Ok(is_new.then(|| Effect::new(story, Vec::new())))
    }
}

impl Learn {
    async fn news(&self, ports: &Ports, tenant: &TenantId, account: &AccountId) -> Result<Option<News>, Failure> {
        let table = ports.table.as_ref();
        match self {
            Self::Told(news) => Ok(Some(news.clone())),
            Self::Case(id) => {
                let item = table.get(&keys::case(tenant, account, id)).await?;
                let case: Option<Case> = item.as_ref().map(table::read).transpose()?;
                Ok(case.map(|case| News::Case(id.clone(), CaseView::of(&case))))
            }
            Self::Numbers => {
                let item = table.get(&keys::series(tenant, account)).await?;
                let record: Option<AccountRecord> = item.as_ref().map(once::state_of).transpose()?;
                Ok(record.and_then(|record| Measures::of(&record.series)).map(News::Measured))
            }
        }
    }
}

/// Makes an account's story anew of the facts that are kept.
pub async fn rebuild(ports: &Ports, tenant: &TenantId, account: &AccountId, message: &CauseId) -> Result<(), Failure> {
    once::handle(ports, &keys::story(tenant, account), message, &Anew { ports, tenant, account }).await?;
    Ok(())
}

struct Anew<'a> {
    ports: &'a Ports,
    tenant: &'a TenantId,
    account: &'a AccountId,
}

#[async_trait]
impl Decide for Anew<'_> {
    type State = Story;

    async fn decide(&self, state: Option<Story>) -> Result<Option<Effect<Story>>, Failure> {
        let mut story = Story::new(self.account.clone());
        let mut is_told = false;
        let told = kept::of_account(self.ports, self.tenant, self.account).await?;
        let told = told.iter().filter_map(|event| Some((event.meta.occurred_at, learn(&event.fact)?)));
        // Not every fact of numbers is kept, and the numbers lie elsewhere: they are read once, whatever was told.
        let told = told.filter(|(_, learn)| !matches!(learn, Learn::Numbers));
        for (at, learn) in told.chain([(Timestamp::MIN, Learn::Numbers)]) {
            if let Some(news) = learn.news(self.ports, self.tenant, self.account).await? {
                story.apply(at, news);
                is_told = true;
            }
        }
        Ok((is_told && state.as_ref() != Some(&story)).then(|| Effect::new(story, Vec::new())))
    }
}

fn learn(fact: &Fact) -> Option<Learn> {
    Some(Learn::Told(match fact {
        Fact::SignalsRecorded(fact) => {
            let counts = fact.metrics.iter().filter_map(|name| Metric::named(name)).any(measured);
            return counts.then_some(Learn::Numbers);
        }
        Fact::CaseOpened(fact) => return Some(Learn::Case(fact.case.clone())),
        Fact::CaseChanged(fact) => return Some(Learn::Case(fact.case.clone())),
        Fact::AccountChanged(fact) => News::Described(Description {
            stage: fact.account.stage,
            segment: fact.account.segment,
            arr: domain::account::Money::from_cents(fact.account.arr_cents),
            renewal_on: fact.account.renewal_on,
            owner: fact.account.owner.clone(),
        }),
        Fact::BandChanged(fact) => News::Banded(Band::ALL.into_iter().find(|band| band.name() == fact.to)?),
        Fact::CtaOpened(fact) => {
            News::CtaOpened { cta: fact.cta.cta.clone(), rule: fact.cta.rule.clone(), opened: fact.cta.opened_at }
        }
        Fact::CtaClosed(fact) => {
            News::CtaEnded { cta: fact.cta.clone(), how: fact.how.clone(), reason: fact.reason.clone() }
        }
        Fact::EscalationOpened(fact) => escalation(&fact.escalation, Heard::Told(fact.escalation.role.clone())),
        Fact::EscalationAdvanced(fact) => escalation(&fact.escalation, Heard::Told(fact.escalation.role.clone())),
        Fact::EscalationAcknowledged(fact) => {
            escalation(&fact.escalation, Heard::TakenOn(PersonId::new(&fact.by).ok()))
        }
        Fact::EscalationResolved(fact) => escalation(&fact.escalation, Heard::Ended),
        Fact::EscalationMoved(fact) => match fact.how.as_str() {
            "reopened" => escalation(&fact.escalation, Heard::Reopened),
            "raised" => escalation(&fact.escalation, Heard::Told(fact.escalation.role.clone())),
            _ => return None,
        },
        Fact::StepOpened(fact) if is_work(&fact.step) => {
            let (key, step) = names(&fact.execution, &fact.step);
            News::StepOpened { key, step }
        }
        Fact::StepCompleted(fact) if is_work(&fact.step) => {
            let (key, step) = names(&fact.execution, &fact.step);
            News::StepSettled { key, step, late: fact.step.late }
        }
        Fact::AccountAllocated(fact) => News::Held { role: fact.role.clone(), person: fact.person.clone() },
        _ => return None,
    }))
}

fn escalation(body: &EscalationBody, what: Heard) -> News {
    News::Escalation { escalation: body.escalation.clone(), severity: body.severity, opened: body.opened_at, what }
}

/// Whether people do it: what the machine does, and what time does, is no work that waits for somebody.
fn is_work(step: &StepBody) -> bool {
    matches!(step.kind.as_str(), "task" | "gate")
}

fn names(execution: &ExecutionBody, step: &StepBody) -> (String, String) {
    (format!("{}/{}", execution.execution, step.step), format!("{}/{}", execution.playbook, step.step))
}

/// One account's story.
pub async fn one(ports: &Ports, tenant: &TenantId, account: &AccountId) -> Result<Option<Story>, TableError> {
    ports.table.get(&keys::story(tenant, account)).await?.as_ref().map(once::state_of).transpose()
}

/// Every story of a tenant, by account.
pub async fn all(ports: &Ports, tenant: &TenantId) -> Result<Vec<Story>, TableError> {
    let items = table::query_all(ports.table.as_ref(), Range::prefix(keys::story_partition(tenant), "")).await?;
    items.iter().map(once::state_of).collect()
}

/// What people said, by account.
pub async fn replies(ports: &Ports, tenant: &TenantId) -> Result<BTreeMap<AccountId, Replies>, Failure> {
    let items = table::query_all(ports.table.as_ref(), Range::prefix(keys::replies_partition(tenant), "")).await?;
    let one = |item: &table::Item| {
        let account = AccountId::new(&item.key.sk).map_err(|error| Failure::Unhandled(format!("reply {error}")))?;
        Ok((account, once::state_of(item)?))
    };
    items.iter().map(one).collect()
}

//! Which rules hold for a tenant: those that were activated, else those that were deployed; and which of them are held.
//!
//! Every change of it goes through one head, so each is once in effect and is told.

use async_trait::async_trait;
use contract::event::{Cause, Event, Fact, RuleHeld};
use contract::message::cause_id;
use contract::problem::Fault;
use contract::rules::{self, RulesFile, Vocabulary};
use domain::digest::Digest;
use domain::experiment::Experiments;
use domain::id::{CauseId, RuleId, TenantId};
use domain::rule::RuleSet;
use domain::rulebook::{Cause as Why, Rulebook};
use jiff::Timestamp;
use platform::function::{Failure, Ports};
use platform::keys;
use platform::once::{self, Decide, Effect};
use platform::table::{self, Table, TableError};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The sets of rules that this function knows.
pub struct Books {
    deployed: Arc<RuleSet>,
    /// What rules may name.
    names: Vocabulary,
    activated: Mutex<BTreeMap<Digest, Arc<RuleSet>>>,
}

/// What holds for a tenant.
pub struct Holding {
    pub rules: Arc<RuleSet>,
    pub book: Rulebook,
}

impl Books {
    /// These hold where nobody activated others.
    pub fn new(deployed: RuleSet, names: Vocabulary) -> Self {
        Self { deployed: Arc::new(deployed), names, activated: Mutex::default() }
    }

    /// Rules may name these experiments too.
    #[must_use]
    pub fn with_experiments(mut self, experiments: &Experiments) -> Self {
        self.names = self.names.with_experiments(experiments);
        self
    }

    /// The rules of a file, or everything that is wrong with it.
    pub fn read(&self, file: RulesFile) -> Result<RuleSet, Vec<Fault>> {
        rules::of_file(file, &self.names)
    }

    /// The version that holds where nobody activated another.
    pub fn deployed(&self) -> Digest {
        self.deployed.version()
    }

    /// What holds for a tenant now.
    pub async fn holding(&self, table: &dyn Table, tenant: &TenantId) -> Result<Holding, TableError> {
        let item = table.get(&keys::rulebook(tenant)).await?;
        let book: Rulebook = item.as_ref().map(once::state_of).transpose()?.unwrap_or_default();
        let rules = match book.active.as_ref().map(|active| active.version) {
            None => self.deployed.clone(),
            Some(version) => self.find(table, tenant, version).await?.ok_or_else(|| {
                TableError::Refused(format!("the rules `{version}`, which were activated, are not kept"))
            })?,
        };
        Ok(Holding { rules, book })
    }

    /// The set of this version, if it was deployed or activated.
    pub async fn find(
        &self,
        table: &dyn Table,
        tenant: &TenantId,
        version: Digest,
    ) -> Result<Option<Arc<RuleSet>>, TableError> {
        if version == self.deployed.version() {
            return Ok(Some(self.deployed.clone()));
        }
        if let Some(rules) = self.activated.lock().unwrap_or_else(PoisonError::into_inner).get(&version) {
            return Ok(Some(rules.clone()));
        }
        let Some(item) = table.get(&keys::rule_set(tenant, version)).await? else { return Ok(None) };
        let refused = |_| TableError::Refused(format!("the rules `{version}` are not sound"));
        let rules = Arc::new(self.read(table::read::<RulesFile>(&item)?).map_err(refused)?);
        self.activated.lock().unwrap_or_else(PoisonError::into_inner).insert(version, rules.clone());
        Ok(Some(rules))
    }
}

/// A kill switch goes off: these rules are held, each once, and it is told. `number` of customers were counted, if they were.
pub struct HoldRules<'a> {
    pub cause: &'a Cause,
    pub version: Digest,
    pub rules: &'a BTreeMap<RuleId, Why>,
    pub customers: Option<u64>,
    pub now: Timestamp,
}

impl HoldRules<'_> {
    /// Holds them.
    pub async fn run(&self, ports: &Ports) -> Result<(), Failure> {
        let names: Vec<&str> = self.rules.keys().map(RuleId::as_str).collect();
        let message = cause_id(&format!("{}#hold#{}", self.cause.causation_id, names.join("#")));
        once::handle(ports, &keys::rulebook(&self.cause.tenant), &message, self).await?;
        Ok(())
    }
}

#[async_trait]
impl Decide for HoldRules<'_> {
    type State = Rulebook;

    async fn decide(&self, state: Option<Rulebook>) -> Result<Option<Effect<Rulebook>>, Failure> {
        let before = state.unwrap_or_default();
        let mut book = before.clone();
        book.customers = self.customers.or(book.customers);
        let mut events = Vec::new();
        for (rule, why) in self.rules {
            if book.hold(rule, *why, self.now) {
                tracing::warn!(%rule, reason = %why, "a rule is held");
                events.push(held(self.cause, rule, self.version, why, self.now));
            }
        }
        Ok((book != before).then(|| Effect::new(book, events)))
    }
}

/// That a rule is held, as it is told.
pub fn held(cause: &Cause, rule: &RuleId, version: Digest, why: &Why, now: Timestamp) -> Event {
    let fact = RuleHeld { rule: rule.clone(), version: version.to_string(), reason: why.to_string() };
    Event::new(cause, None, rule.as_str(), now, Fact::from(fact))
}

/// The id of a caller's change of the book.
pub fn change_id(cause: &Cause, what: &str) -> CauseId {
    cause_id(&format!("{}#{what}", cause.causation_id))
}

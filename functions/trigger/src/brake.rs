//! The kill switches at one look: what is held opens nothing, and what would open too much is held.

use crate::book::{HoldRules, Holding};
use crate::openings::{self, Openings};
use contract::event::Cause;
use domain::account::LifecycleStage;
use domain::backtest::stale;
use domain::cta::Decision;
use domain::day::Day;
use domain::id::{AccountId, RuleId};
use domain::rule::{Facts, Outcome};
use domain::rulebook::Cause as Why;
use jiff::Timestamp;
use platform::function::{Failure, Ports};
use platform::table::Write;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// The kill switches of a tenant while an account is looked at.
pub struct Brake<'a> {
    pub ports: &'a Ports,
    pub holding: &'a Holding,
    pub cause: &'a Cause,
    pub account: &'a AccountId,
    pub now: Timestamp,
    /// Whether all accounts are looked at: then what has aged is counted.
    pub of_all: bool,
    /// What the look came to: known only once it was taken.
    pub noted: Mutex<Noted>,
}

/// What a look tells of the rules.
#[derive(Debug, Clone, Default)]
pub struct Noted {
    /// The rules that would open too much.
    floods: BTreeMap<RuleId, Why>,
    /// How many accounts there are, where it had to be counted.
    counted: Option<u64>,
    /// What the look adds to what is known of all accounts.
    pub swept: Swept,
}

/// What a look at all accounts adds up to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Swept {
    /// How many are customers.
    customers: u64,
    /// Of how many of them each rule can say nothing because their data have aged.
    stale: BTreeMap<RuleId, u64>,
}

impl platform::sweep::Sum for Swept {
    fn add(&mut self, other: Self) {
        self.customers += other.customers;
        for (rule, accounts) in other.stale {
            *self.stale.entry(rule).or_default() += accounts;
        }
    }
}

impl Swept {
    /// Keeps how many customers there are, and holds the rules whose data have aged on too many.
    pub async fn settle(&self, ports: &Ports, holding: &Holding, cause: &Cause) -> Result<(), Failure> {
        let limits = holding.rules.limits();
        let judge =
            |(rule, accounts): (&RuleId, &u64)| Some((rule.clone(), limits.judge(0, *accounts, self.customers)?));
        let rules = self.stale.iter().filter_map(judge).collect();
        let (version, customers) = (holding.rules.version(), Some(self.customers));
        HoldRules { cause, version, rules: &rules, customers, now: ports.clock.now() }.run(ports).await
    }
}

impl Brake<'_> {
    fn note(&self, note: impl FnOnce(&mut Noted)) {
        note(&mut self.noted.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// What the rules say, those that are held held back.
    pub fn outcomes(&self, facts: &Facts<'_>) -> Vec<Outcome> {
        let rules = self.holding.rules.as_ref();
        let mut swept = Swept::default();
        if self.of_all && facts.account.stage != LifecycleStage::Churned {
            swept.customers = 1;
            swept.stale = stale(rules, facts).into_iter().map(|rule| (rule.clone(), 1)).collect();
        }
        self.note(|noted| *noted = Noted { swept, ..Noted::default() });
        let mut outcomes = rules.evaluate(facts);
        for outcome in &mut outcomes {
            if let Some(hold) = self.holding.book.held.get(&outcome.rule) {
                outcome.hold_back(&format!("the rule is held: {}", hold.cause));
            }
        }
        outcomes
    }

    /// Decides, and once more without those rules that would open too much today. With the decision and what else comes with
    /// it is the write that counts what is opened.
    pub async fn decide<T>(
        &self,
        outcomes: &mut [Outcome],
        decide: impl Fn(&[Outcome]) -> (Decision, T),
    ) -> Result<(Decision, T, Option<Write>), Failure> {
        let (mut decision, mut more) = decide(outcomes);
        let opens: Vec<RuleId> = decision.opened().cloned().collect();
        if opens.is_empty() {
            return Ok((decision, more, None));
        }
        let (table, tenant) = (self.ports.table.as_ref(), &self.cause.tenant);
        let openings = Openings::on(table, tenant, self.account, Day::of(self.now)).await?;
        let mut floods = BTreeMap::new();
        for rule in opens {
            if let Some(why) = self.flood(&rule, &openings).await? {
                floods.insert(rule, why);
            }
        }
        if !floods.is_empty() {
            for outcome in outcomes.iter_mut().filter(|outcome| floods.contains_key(&outcome.rule)) {
                let why = floods.get(&outcome.rule).map(ToString::to_string).unwrap_or_default();
                outcome.hold_back(&format!("the rule is held: {why}"));
            }
            (decision, more) = decide(outcomes);
            self.note(|noted| noted.floods = floods);
        }
        let rest: Vec<RuleId> = decision.opened().cloned().collect();
        let write = if rest.is_empty() { None } else { Some(openings.count(tenant, rest.iter())?) };
        Ok((decision, more, write))
    }

    /// Whether one more call to action of a rule is too much.
    async fn flood(&self, rule: &RuleId, openings: &Openings) -> Result<Option<Why>, Failure> {
        let opens = openings.of_all.get(rule).copied().unwrap_or_default() + 1;
        let limits = self.holding.rules.limits();
        if opens <= limits.opens_at_least || !self.holding.book.may_hold(rule, self.now) {
            return Ok(None);
        }
        let customers = match self.holding.book.customers {
            Some(customers) => customers,
            None => {
                let counted = openings::accounts(self.ports.table.as_ref(), &self.cause.tenant).await?;
                self.note(|noted| noted.counted = Some(counted));
                counted
            }
        };
        Ok(limits.judge(opens, 0, customers))
    }

    /// Holds the rules that would have opened too much, and says what the look came to.
    pub async fn settle(self) -> Result<Swept, Failure> {
        let Noted { floods, counted, swept } = self.noted.into_inner().unwrap_or_else(PoisonError::into_inner);
        if !floods.is_empty() || counted.is_some() {
            let (cause, version, now) = (self.cause, self.holding.rules.version(), self.now);
            HoldRules { cause, version, rules: &floods, customers: counted, now }.run(self.ports).await?;
        }
        Ok(swept)
    }
}

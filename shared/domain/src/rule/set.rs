//! Rule sets, and what they say of an account or of many.

use super::check::{self, Faults};
use super::columns::{Answers, Columns};
use super::condition::Condition;
use super::facts::Facts;
use super::feature::Input;
use super::look::{Seen, Step};
use super::program::{Compiled, Program, Stack};
use super::verdict::{Finding, Truth, Verdict};
use super::{MAX_RULES, Rule, RuleFault};
use crate::account::LifecycleStage;
use crate::calendar::WorkCalendar;
use crate::digest::Digest;
use crate::id::RuleId;
use crate::rulebook::Limits;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// A versioned set of rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleSet {
    name: String,
    version: Digest,
    /// In the order of their ids.
    rules: Vec<Rule>,
    /// By which days what they ask for is due; every day counts where there is none.
    calendar: Option<WorkCalendar>,
    /// When a rule of it is held.
    limits: Limits,
    program: Program,
    /// The conditions of each rule in the program: `when`, and `stays_while` where there is one.
    plans: Vec<Plan>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Plan {
    when: usize,
    stays: Option<usize>,
}

/// What a rule says of an account now, in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// The rule.
    pub rule: RuleId,
    /// Whether its condition is true, and why.
    pub when: Verdict,
    /// Whether an open episode stays open.
    pub stays: Truth,
}

impl Outcome {
    /// The rule is held: what it would open it does not open, and what is open stays as it is.
    pub fn hold_back(&mut self, why: &str) {
        if self.when.truth.is_true() {
            self.when.truth = Truth::Unknown;
            self.when.evidence = None;
            self.when.trace.push(Finding::new("kill switch", Truth::Unknown, why));
        }
    }
}

/// What a rule says of an account now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Said<'a> {
    /// The rule.
    pub rule: &'a Rule,
    /// Whether its condition is true.
    pub when: Truth,
    /// Whether an open episode stays open.
    pub stays: Truth,
}

impl RuleSet {
    /// Checks the rules and gives the set its version. Names every fault at once.
    pub fn new(name: impl Into<String>, rules: Vec<Rule>) -> Result<Self, Vec<RuleFault>> {
        Self::with_paths(
            name,
            rules.into_iter().enumerate().map(|(index, rule)| (format!("rules[{index}]"), rule)).collect(),
        )
    }

    /// The same for rules that come from somewhere: each with the path by which its faults are named.
    pub fn with_paths(name: impl Into<String>, rules: Vec<(String, Rule)>) -> Result<Self, Vec<RuleFault>> {
        let name = name.into();
        let mut faults = Faults::default();
        if rules.is_empty() || rules.len() > MAX_RULES {
            faults.add("rules", format!("has {} rules; give 1 to {MAX_RULES}", rules.len()));
        }
        let mut by_id = BTreeMap::new();
        for (path, rule) in rules {
            check::rule(&rule, &path, &mut faults);
            if by_id.contains_key(&rule.id) {
                faults.add(&format!("{path}.id"), format!("`{}` is taken by an earlier rule", rule.id));
            }
            by_id.insert(rule.id.clone(), rule);
        }
        match Digest::of_json("rules", &(&name, &by_id)) {
            Ok(version) if faults.is_empty() => return Ok(Self::compiled(name, version, by_id)),
            Ok(_) => {}
            Err(error) => faults.add("rules", error.to_string()),
        }
        Err(faults.into_list())
    }

    /// Rules that nobody checked.
    #[cfg(test)]
    pub(super) fn unchecked(name: &str, rules: Vec<Rule>) -> Self {
        let rules = rules.into_iter().map(|rule| (rule.id.clone(), rule)).collect();
        Self::compiled(name.into(), Digest::of("rules", [name]), rules)
    }

    fn compiled(name: String, version: Digest, rules: BTreeMap<RuleId, Rule>) -> Self {
        let rules: Vec<Rule> = rules.into_values().collect();
        let mut conditions: Vec<&Condition> = Vec::new();
        let mut plans = Vec::with_capacity(rules.len());
        for rule in &rules {
            let when = conditions.len();
            conditions.push(&rule.when);
            let stays = rule.stays_while.as_ref().map(|stays| {
                conditions.push(stays);
                when + 1
            });
            plans.push(Plan { when, stays });
        }
        let program = Program::of(conditions);
        Self { name, version, rules, calendar: None, limits: Limits::DEFAULT, program, plans }
    }

    /// The same rules with due dates in the working days of a calendar. That is another version.
    pub fn on_calendar(self, calendar: WorkCalendar) -> Result<Self, Vec<RuleFault>> {
        match Digest::of_json("rules on a calendar", &(self.version.to_string(), &calendar)) {
            Ok(version) => Ok(Self { version, calendar: Some(calendar), ..self }),
            Err(error) => Err(vec![RuleFault { path: "calendar".into(), reason: error.to_string() }]),
        }
    }

    /// The same rules within other limits. That is another version.
    pub fn within(self, limits: Limits) -> Result<Self, Vec<RuleFault>> {
        match Digest::of_json("rules within limits", &(self.version.to_string(), &limits)) {
            Ok(version) => Ok(Self { version, limits, ..self }),
            Err(error) => Err(vec![RuleFault { path: "limits".into(), reason: error.to_string() }]),
        }
    }

    /// When a rule of it is held.
    pub const fn limits(&self) -> &Limits {
        &self.limits
    }

    /// The calendar by whose days what they ask for is due; every day counts where there is none.
    pub const fn calendar(&self) -> Option<&WorkCalendar> {
        self.calendar.as_ref()
    }

    /// What people call the set.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Follows from the content: another set has another version.
    pub const fn version(&self) -> Digest {
        self.version
    }

    /// The rules in the order of their ids.
    pub fn rules(&self) -> impl Iterator<Item = &Rule> {
        self.rules.iter()
    }

    /// The rule with this id.
    pub fn get(&self, id: &RuleId) -> Option<&Rule> {
        self.rules.get(self.place(id)?)
    }

    fn place(&self, id: &RuleId) -> Option<usize> {
        self.rules.binary_search_by(|rule| rule.id.cmp(id)).ok()
    }

    /// What every rule says, in the order of their ids, in words.
    pub fn evaluate(&self, facts: &Facts<'_>) -> Vec<Outcome> {
        self.look(facts).outcomes()
    }

    /// What every rule says.
    pub fn look(&self, facts: &Facts<'_>) -> Look<'_> {
        self.looked(Seen::all(&self.program, facts), facts, (0..self.rules.len()).collect())
    }

    /// What those rules say that some news concerns. Time alone can change what the others say too.
    pub fn look_at_news(&self, facts: &Facts<'_>, news: &BTreeSet<Input>) -> Look<'_> {
        let places: Vec<usize> = (0..self.rules.len()).filter(|place| self.concerns(*place, news)).collect();
        let conditions: Vec<&Compiled> = places.iter().flat_map(|place| self.conditions(*place)).collect();
        self.looked(Seen::some(&self.program, &conditions, facts), facts, places)
    }

    /// The rules that some news concerns, in the order of their ids. What describes the account concerns them all: whether it
    /// is a customer, what is at stake, and who looks after it.
    pub fn concerned_by(&self, news: &BTreeSet<Input>) -> impl Iterator<Item = &Rule> {
        self.rules.iter().enumerate().filter(|(place, _)| self.concerns(*place, news)).map(|(_, rule)| rule)
    }

    fn concerns(&self, place: usize, news: &BTreeSet<Input>) -> bool {
        news.contains(&Input::Account) || self.conditions(place).any(|of| !of.inputs.is_disjoint(news))
    }

    fn conditions(&self, place: usize) -> impl Iterator<Item = &Compiled> {
        let plan = self.plans.get(place);
        let places = plan.into_iter().flat_map(|plan| std::iter::once(plan.when).chain(plan.stays));
        places.filter_map(|place| self.program.conditions().get(place))
    }

    fn looked(&self, seen: Seen, facts: &Facts<'_>, places: Vec<usize>) -> Look<'_> {
        // No rule speaks of an account that is no longer a customer.
        let is_customer = facts.account.stage != LifecycleStage::Churned;
        let mut stack = Stack::default();
        let mut truth = |place: usize| match self.program.conditions().get(place) {
            Some(of) if is_customer => seen.truth(&self.program, of, &mut stack),
            Some(_) => Truth::False,
            None => Truth::Unknown,
        };
        let truths = places.iter().filter_map(|place| self.plans.get(*place)).map(|plan| {
            let when = truth(plan.when);
            (when, plan.stays.map_or(when, |stays| truth(stays).or(when)))
        });
        Look { truths: truths.collect(), rules: self, seen, is_customer, places }
    }

    /// A place for the features of many accounts, all of whom are answered at once.
    pub fn portfolio(&self) -> Portfolio<'_> {
        Portfolio { columns: Columns::of(&self.program), rules: self, customers: Vec::new() }
    }
}

/// What the rules said of an account, and the readings that it rests on.
#[derive(Debug, Clone)]
pub struct Look<'a> {
    rules: &'a RuleSet,
    seen: Seen,
    is_customer: bool,
    /// The rules that were asked, and what each said.
    places: Vec<usize>,
    truths: Vec<(Truth, Truth)>,
}

impl<'a> Look<'a> {
    /// What each rule says that was asked, in the order of their ids.
    pub fn said(&self) -> impl Iterator<Item = Said<'a>> {
        let each = self.places.iter().zip(&self.truths);
        each.filter_map(|(place, (when, stays))| {
            Some(Said { rule: self.rules.rules.get(*place)?, when: *when, stays: *stays })
        })
    }

    /// What each leaf of a rule's condition said, with the value and its age. Nothing where the rule was not asked.
    pub fn trace(&self, rule: &RuleId) -> Vec<Step> {
        let asked = self.rules.place(rule).filter(|place| self.is_customer && self.places.binary_search(place).is_ok());
        let condition = asked.and_then(|place| self.rules.conditions(place).next());
        condition.map(|of| self.seen.steps(&self.rules.program, of).collect()).unwrap_or_default()
    }

    /// What every rule says that was asked, in words, in the order of their ids.
    pub fn outcomes(&self) -> Vec<Outcome> {
        let each = self.places.iter().zip(&self.truths);
        each.filter_map(|(place, (_, stays))| {
            let rule = self.rules.rules.get(*place)?;
            Some(Outcome { rule: rule.id.clone(), when: self.verdict(*place, rule)?, stays: *stays })
        })
        .collect()
    }

    fn verdict(&self, place: usize, rule: &Rule) -> Option<Verdict> {
        if !self.is_customer {
            return Some(Verdict::leaf(Finding::new("lifecycle stage", Truth::False, "is no longer a customer")));
        }
        let of = self.rules.conditions(place).next()?;
        Some(self.seen.verdict(&self.rules.program, &rule.when, of))
    }
}

/// The features of many accounts, for what needs no words: dry runs and backtests.
#[derive(Debug, Clone)]
pub struct Portfolio<'a> {
    rules: &'a RuleSet,
    columns: Columns,
    /// A bit for each account.
    customers: Vec<u64>,
}

/// What a rule says of the accounts of a portfolio, in the order in which they were added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleAnswers {
    /// Whether its condition is true.
    pub when: Answers,
    /// Whether an open episode stays open.
    pub stays: Answers,
}

impl Portfolio<'_> {
    /// Adds an account at a moment. Only numbers are kept: some bytes for each feature.
    pub fn push(&mut self, facts: &Facts<'_>) {
        let row = self.columns.rows();
        self.columns.push(&self.rules.program.read(facts), facts.today());
        if row.is_multiple_of(64) {
            self.customers.push(0);
        }
        if let Some(word) = self.customers.last_mut() {
            *word |= u64::from(facts.account.stage != LifecycleStage::Churned) << (row % 64);
        }
    }

    /// How many accounts there are.
    pub const fn accounts(&self) -> usize {
        self.columns.rows()
    }

    /// Forgets the accounts and keeps the memory for the next ones.
    pub fn clear(&mut self) {
        self.columns.clear();
        self.customers.clear();
    }

    /// What each rule says of them, in the order of the rules' ids.
    pub fn answers(&self) -> Vec<RuleAnswers> {
        let rows = self.accounts();
        let none = || RuleAnswers { when: Answers::with_rows(rows), stays: Answers::with_rows(rows) };
        let mut answers: Vec<RuleAnswers> = self.rules.plans.iter().map(|_| none()).collect();
        self.columns.answer(&self.rules.program, |place, said| {
            let customers = self.customers.get(place).copied().unwrap_or_default();
            let of = |place: usize| {
                let (sure, possible) = said.get(place).copied().unwrap_or((0, u64::MAX));
                (sure & customers, possible & customers)
            };
            for (plan, answer) in self.rules.plans.iter().zip(&mut answers) {
                let when = of(plan.when);
                let stays = plan.stays.map_or((0, 0), of);
                answer.when.push(when);
                answer.stays.push((when.0 | stays.0, when.1 | stays.1));
            }
        });
        answers
    }
}

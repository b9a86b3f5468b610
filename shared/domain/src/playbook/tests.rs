//! What a playbook may be, and what its running copies do.

mod contact;
mod load;
mod run;
mod time;

use super::*;
use crate::account::{Account, LifecycleStage, Money, Segment};
use crate::contact::{ContactPolicy, Contacts, Door};
use crate::day::Day;
use crate::escalation::policy::Role;
use crate::fixed::{ONE, Quantity};
use crate::id::{AccountId, ExecutionId, PersonId};
use crate::page::{Bucket, DayFold};
use crate::rule::Facts;
use crate::series::Series;
use crate::signal::Metric;
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeSet;

const TAM: Role = Role::TechnicalAccountManager;

fn id(text: &str) -> StepId {
    StepId::new(text).unwrap()
}

fn ids(of: &[&str]) -> BTreeSet<StepId> {
    of.iter().map(|text| id(text)).collect()
}

fn task(name: &str, after: &[&str]) -> Step {
    Step {
        id: id(name),
        title: format!("Do {name}"),
        kind: StepKind::Task { automatic: false },
        after: ids(after),
        owner: Some(TAM),
        due: None,
        evidence: vec![],
        article: None,
        stage: None,
    }
}

fn of_kind(kind: StepKind, name: &str, after: &[&str]) -> Step {
    Step { kind, ..task(name, after) }
}

fn gate(name: &str, after: &[&str], refused: &[&str]) -> Step {
    of_kind(StepKind::Gate { requires: vec![], refused: ids(refused) }, name, after)
}

fn branch(name: &str, after: &[&str], guided: &[&str], otherwise: &[&str]) -> Step {
    let when = Ask::Parameter { name: "model".into(), is: "guided".into() };
    let arms = vec![Arm { when, to: ids(guided) }];
    of_kind(StepKind::Branch { arms, otherwise: ids(otherwise), patience_days: 0 }, name, after)
}

fn notify(name: &str, after: &[&str]) -> Step {
    of_kind(StepKind::Effect(Effect::Notify { role: TAM, text: "Hello {who}".into(), destination: None }), name, after)
}

fn outreach(name: &str, after: &[&str]) -> Step {
    of_kind(StepKind::Effect(Effect::Outreach { text: "Welcome {who}".into(), destination: None }), name, after)
}

fn due(from: Anchor, days: i32) -> Option<Due> {
    Some(Due { from, days })
}

fn draft(steps: Vec<Step>) -> Draft {
    let parameter = |name: &str, kind| Parameter { name: name.into(), title: "A title".into(), kind, required: false };
    Draft {
        id: PlaybookId::new("book").unwrap(),
        title: "Book".into(),
        objective: "To be tried".into(),
        parameters: vec![
            parameter("who", ParameterKind::Text),
            parameter("model", ParameterKind::Choice(vec!["guided".into(), "alone".into()])),
            parameter("kick_off", ParameterKind::Date),
        ],
        entry: Entry::default(),
        overdue: Overdue { kind: CtaKind::Lifecycle, severity: Severity::Medium, due_in_days: 3 },
        stuck: Stuck { tell_after_days: 7, escalate_after_days: 14, severity: Severity::High },
        deputies: BTreeMap::from([(TAM, Role::VicePresident)]),
        stages: vec![],
        steps,
    }
}

fn book(steps: Vec<Step>) -> Playbook {
    Playbook::new(draft(steps)).unwrap_or_else(|faults| panic!("{faults:?}"))
}

/// An account and what is measured of it, at a moment that moves on.
struct World {
    account: Account,
    series: Series,
    policy: ContactPolicy,
    contacts: Contacts,
    now: Timestamp,
}

impl World {
    fn new() -> Self {
        let account = Account {
            id: AccountId::new("acme").unwrap(),
            name: "Acme".into(),
            arr: Money::from_cents(100_000),
            segment: Segment::Enterprise,
            stage: LifecycleStage::Onboarding,
            renewal_on: Some("2027-11-22".parse().unwrap()),
            owner: Some(kim()),
            contact: Default::default(),
        };
        let (policy, contacts) = (crate::contact::tests::policy(100), Contacts::default());
        Self { account, series: Series::default(), policy, contacts, now: "2026-11-22T12:00:00Z".parse().unwrap() }
    }

    fn facts(&self) -> Facts<'_> {
        Facts { account: &self.account, series: &self.series, health: None, standing: None, now: self.now }
    }

    fn door(&self) -> Door<'_> {
        Door { policy: &self.policy, contacts: &self.contacts }
    }

    fn pass(&mut self, days: i64) {
        self.now += SignedDuration::from_hours(24 * days);
    }

    fn measure(&mut self, metric: Metric, value: i64) {
        let day = Day::of(self.now);
        let buckets = BTreeMap::from([(metric, Bucket { count: 1, sum: value * ONE })]);
        self.series.set(day, DayFold { buckets, ..DayFold::default() });
    }

    fn start(&self, book: &Playbook, arguments: &[(&str, &str)]) -> Decision {
        let given = arguments.iter().map(|(name, value)| ((*name).to_owned(), Value::Text((*value).to_owned())));
        let arguments = parameter::arguments(&book.parameters, &given.collect()).unwrap();
        start(book, ExecutionId::new("exec-1").unwrap(), arguments, kim(), &self.facts(), &self.door())
    }

    fn run(&self, book: &Playbook, execution: &Execution, command: &Command) -> Decision {
        decide(book, execution, command, &self.facts(), &self.door())
            .unwrap_or_else(|refusal| panic!("{command:?}: {refusal}"))
    }

    fn look(&self, book: &Playbook, execution: &Execution) -> Decision {
        self.run(book, execution, &Command::Look)
    }
}

fn kim() -> PersonId {
    PersonId::new("kim").unwrap()
}

fn complete(step: &str) -> Command {
    Command::Settle { step: id(step), deed: Deed::Complete { evidence: BTreeMap::new() }, by: kim() }
}

fn show(step: &str, name: &str, value: Value) -> Command {
    let evidence = BTreeMap::from([(name.to_owned(), value)]);
    Command::Settle { step: id(step), deed: Deed::Complete { evidence }, by: kim() }
}

fn skip(step: &str) -> Command {
    Command::Settle { step: id(step), deed: Deed::Skip { reason: "not needed".into() }, by: kim() }
}

fn approve(step: &str) -> Command {
    Command::Settle { step: id(step), deed: Deed::Approve { evidence: BTreeMap::new() }, by: kim() }
}

fn refuse(step: &str) -> Command {
    Command::Settle { step: id(step), deed: Deed::Refuse { reason: "not yet".into() }, by: kim() }
}

/// The steps with where they are, in order.
fn states(book: &Playbook, execution: &Execution) -> Vec<String> {
    book.in_order().map(|step| format!("{} {}", step.id, execution.steps[&step.id].state.name())).collect()
}

fn names(changes: &[Change]) -> Vec<String> {
    let name = |change: &Change| match change.what.step() {
        Some(step) => format!("{} {step}", change.what.name()),
        None => change.what.name().to_owned(),
    };
    changes.iter().map(name).collect()
}

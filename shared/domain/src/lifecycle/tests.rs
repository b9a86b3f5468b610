//! How far a customer has come.

use super::*;
use crate::account::{Account, Money, Segment};
use crate::contact::{Contacts, Door};
use crate::escalation::policy::Role;
use crate::id::{AccountId, ExecutionId, PersonId, PlaybookId};
use crate::playbook::{Anchor, Command, Deed, Due, Entry, Overdue, Step, Stuck, decide, start};
use crate::rule::{CtaKind, Facts};
use crate::series::Series;
use crate::signal::Severity;
use jiff::{SignedDuration, Timestamp};

fn id(text: &str) -> StepId {
    StepId::new(text).unwrap()
}

fn way() -> Playbook {
    use LifecycleStage::{Expansion, Onboarding};
    let step = |name: &str, after: &[&str], stage, day: i32, kind| Step {
        id: id(name),
        title: name.into(),
        kind,
        after: after.iter().map(|name| id(name)).collect(),
        owner: Some(Role::CustomerSuccessManager),
        due: Some(Due { from: Anchor::Start, days: day - 1 }),
        evidence: vec![],
        article: None,
        stage: Some(stage),
    };
    let task = || StepKind::Task { automatic: false };
    let gate = || StepKind::Gate { requires: vec![], refused: BTreeSet::new() };
    let window = |stage, from_day, to_day, gate: &str| StageWindow { stage, from_day, to_day, gate: id(gate) };
    Playbook::new(Draft {
        id: PlaybookId::new("way").unwrap(),
        title: "Way".into(),
        objective: "To be gone".into(),
        parameters: vec![],
        entry: Entry::default(),
        overdue: Overdue { kind: CtaKind::Lifecycle, severity: Severity::Medium, due_in_days: 1 },
        stuck: Stuck { tell_after_days: 7, escalate_after_days: 14, severity: Severity::High },
        deputies: BTreeMap::new(),
        stages: vec![window(Onboarding, 1, 30, "go"), window(Expansion, 31, 90, "grown")],
        steps: vec![
            step("kick-off", &[], Onboarding, 7, task()),
            step("pilot", &["kick-off"], Onboarding, 28, task()),
            step("go", &["pilot"], Onboarding, 30, gate()),
            step("wave", &["go"], Expansion, 60, task()),
            step("grown", &["wave"], Expansion, 90, gate()),
        ],
    })
    .unwrap()
}

#[test]
fn a52_a_stage_is_left_through_its_gate_and_not_by_the_calendar() {
    let way = way();
    let account = Account {
        id: AccountId::new("acme").unwrap(),
        name: "Acme".into(),
        arr: Money::from_cents(1),
        segment: Segment::Enterprise,
        stage: LifecycleStage::Onboarding,
        renewal_on: None,
        owner: None,
        contact: Default::default(),
    };
    let series = Series::default();
    let begin: Timestamp = "2026-11-22T12:00:00Z".parse().unwrap();
    let on = |day: i64| Facts {
        account: &account,
        series: &series,
        health: None,
        standing: None,
        now: begin + SignedDuration::from_hours(24 * (day - 1)),
    };
    let kim = PersonId::new("kim").unwrap();
    let (policy, contacts) = (crate::contact::tests::policy(1), Contacts::default());
    let door = Door { policy: &policy, contacts: &contacts };
    let mut execution =
        start(&way, ExecutionId::new("e").unwrap(), BTreeMap::new(), kim.clone(), &on(1), &door).execution;
    let mut settle = |step: &str, day| {
        let none = BTreeMap::new();
        let deed = if matches!(step, "go" | "grown") {
            Deed::Approve { evidence: none }
        } else {
            Deed::Complete { evidence: none }
        };
        let command = Command::Settle { step: id(step), deed, by: kim.clone() };
        execution = decide(&way, &execution, &command, &on(day), &door).unwrap().execution;
        let journey = journey(&way, &execution, on(day).today()).unwrap();
        let stages: Vec<(u32, u32, usize)> =
            journey.stages.iter().map(|stage| (stage.reached, stage.of, stage.late.len())).collect();
        (journey.day, journey.stage, journey.expected, stages)
    };
    use LifecycleStage::{Expansion, Onboarding, Steady};
    assert_eq!(settle("kick-off", 5), (5, Onboarding, Onboarding, vec![(1, 2, 0), (0, 1, 0)]));
    assert_eq!(settle("pilot", 31), (31, Onboarding, Expansion, vec![(2, 2, 0), (0, 1, 0)]), "the gate is shut");
    assert_eq!(settle("go", 61), (61, Expansion, Expansion, vec![(2, 2, 0), (0, 1, 1)]), "the wave is late");
    assert_eq!(settle("wave", 62), (62, Expansion, Expansion, vec![(2, 2, 0), (1, 1, 0)]));
    assert_eq!(settle("grown", 91), (91, Steady, Steady, vec![(2, 2, 0), (1, 1, 0)]));
}

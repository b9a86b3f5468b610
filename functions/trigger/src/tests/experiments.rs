//! A rule with an experiment: who is held out is logged and left alone, who is not is told what to try, and both are counted.

use super::*;
use contract::experiments::ExperimentAnswer;
use domain::experiment::{Experiments, HOLD_OUT};
use std::collections::BTreeSet;

const RULES: &str = "
name: mine
rules:
  - id: unattended
    when: { has_owner: false }
    cta: { type: risk, reason: Find an owner., severity: low, due_in_days: 5, experiment: calls }
    clear_days: 0
    lapse_days: 1
    cool_off_days: 0
";

const EXPERIMENTS: &str = "
name: mine
experiments:
  - id: calls
    description: Does a call help more than nothing?
    hold_out_percent: 40
    variants:
      - { id: call, weight_percent: 60, asks: Call them within a day. }
    guardrail: { by: cleared, margin_percent: 10, least_exposed: 5 }
";

fn experiments(text: &str) -> Experiments {
    contract::experiments::read(text).unwrap_or_else(|faults| panic!("{faults:?}"))
}

/// Forty accounts that nobody attends to.
fn trial(text: &str) -> (Stage, Vec<Account>) {
    let mut stage = stage();
    stage.try_out(text);
    let of = |number| Account { id: AccountId::new(format!("a-{number:02}")).unwrap(), owner: None, ..acme() };
    let accounts: Vec<Account> = (0..40).map(of).collect();
    accounts.iter().for_each(|account| stage.beside(account));
    // It fires on everybody, which is what a kill switch is for.
    stage.let_go("unattended");
    (stage, accounts)
}

impl Stage {
    fn try_out(&mut self, text: &str) {
        let experiments = experiments(text);
        let vocabulary = contract::rules::Vocabulary::default().with_experiments(&experiments);
        let rules = contract::rules::read_with(RULES, &vocabulary).unwrap();
        let (segments, library) = (contract::segments::built_in().unwrap(), Library::built_in().unwrap());
        self.trigger = Trigger::with(self.doubles.ports(), rules, segments, library).with_experiments(experiments);
    }

    fn experiment(&self, who: &str, id: &str) -> Result<ExperimentAnswer, Problem> {
        let parameters = BTreeMap::from([("id".to_owned(), id.to_owned())]);
        let (method, route) = ("GET".into(), "/experiments/{id}".into());
        let answer = self.ask(who, Request { method, route, parameters, ..Request::default() })?;
        Ok(serde_json::from_value(answer).unwrap())
    }

    /// The arm of every account that was exposed, and those for which something was opened.
    fn exposed(&self) -> (Vec<(String, String)>, BTreeSet<String>) {
        let (mut arms, mut opened) = (Vec::new(), BTreeSet::new());
        for event in self.doubles.published() {
            let account = event.meta.account.map(|account| account.to_string()).unwrap_or_default();
            match event.fact {
                Fact::ExperimentExposed(fact) => {
                    assert_eq!(fact.held_out, fact.arm.as_str() == HOLD_OUT);
                    arms.push((account, fact.arm.to_string()));
                }
                Fact::CtaOpened(_) => {
                    opened.insert(account);
                }
                _ => {}
            }
        }
        (arms, opened)
    }
}

#[test]
fn a141_who_is_held_out_is_logged_and_left_alone_and_the_others_are_told_what_to_try() {
    let (stage, accounts) = trial(EXPERIMENTS);
    stage.sweep();
    stage.pass(1);
    stage.sweep();
    let (arms, opened) = stage.exposed();
    assert_eq!(arms.len(), accounts.len(), "each account once");
    let tried: BTreeSet<String> =
        arms.iter().filter(|(_, arm)| arm == "call").map(|(account, _)| account.clone()).collect();
    assert_eq!(opened, tried);
    assert!((10..=35).contains(&tried.len()), "{}", tried.len());
    let cta = stage.list("t", &[]).remove(0);
    assert_eq!(cta.evidence.last().unwrap(), "experiment calls: `call` is tried: Call them within a day.");
    let answer = stage.experiment("t", "calls").unwrap();
    let counts: Vec<(&str, usize)> =
        answer.arms.iter().map(|arm| (arm.arm.as_str(), usize::try_from(arm.exposed).unwrap())).collect();
    assert_eq!(counts, [(HOLD_OUT, accounts.len() - tried.len()), ("call", tried.len())]);
    assert!(answer.complete && answer.warnings.is_empty(), "{answer:?}");
    assert_eq!(stage.experiment("t", "mails").unwrap_err().status, 404);
    assert_eq!(stage.experiment("u", "calls").unwrap().arms[1].exposed, 0, "another tenant's accounts");
}

#[test]
fn a141_who_is_held_out_does_not_count_as_opened() {
    let mut stage = stage();
    let most = EXPERIMENTS.replace("hold_out_percent: 40", "hold_out_percent: 90");
    stage.try_out(&most.replace("weight_percent: 60", "weight_percent: 10"));
    for number in 0..40 {
        stage.beside(&Account { id: AccountId::new(format!("a-{number:02}")).unwrap(), owner: None, ..acme() });
    }
    stage.sweep();
    stage.pass(1);
    stage.sweep();
    let (arms, opened) = stage.exposed();
    assert!(arms.len() == 40 && (1..=10).contains(&opened.len()), "{} and {}", arms.len(), opened.len());
    let held = stage.doubles.published().into_iter().filter(|event| matches!(event.fact, Fact::RuleHeld(_))).count();
    assert_eq!(held, 0, "a rule may open calls to action on ten accounts, and it did on fewer");
}

#[test]
fn a141_a_look_that_changes_nothing_writes_nothing_for_those_held_out_too() {
    let (stage, _) = trial(EXPERIMENTS);
    stage.sweep();
    stage.sweep();
    stage.doubles.take_calls();
    let before = stage.doubles.published().len();
    stage.pass(1);
    let held_out = stage.exposed().0.into_iter().find(|(_, arm)| arm == HOLD_OUT).unwrap().0;
    let account = AccountId::new(held_out).unwrap();
    let cause = Cause { tenant: tenant(), correlation_id: "x".into(), causation_id: "x".into() };
    let message = contract::message::cause_id("x");
    let holding = block_on(stage.trigger.books.holding(stage.doubles.table.as_ref(), &tenant())).unwrap();
    block_on(stage.trigger.look(&holding, cause, &account, &message, false)).unwrap();
    assert_eq!((stage.doubles.take_calls().commits, stage.doubles.published().len()), (0, before));
}

#[test]
fn a141_what_becomes_of_the_accounts_is_counted_by_arm_and_harm_is_told() {
    let (stage, accounts) = trial(EXPERIMENTS);
    stage.sweep();
    let arms: BTreeMap<String, String> = stage.exposed().0.into_iter().collect();
    // Whoever was held out finds an owner; of the others nobody does, and one leaves.
    let mut left = 0;
    for account in &accounts {
        if arms[account.id.as_str()] == HOLD_OUT {
            stage.beside(&Account { owner: acme().owner, ..account.clone() });
        } else if left == 0 {
            left += 1;
            stage.beside(&Account { stage: LifecycleStage::Churned, ..account.clone() });
        }
    }
    stage.pass(1);
    stage.sweep();
    let answer = stage.experiment("t", "calls").unwrap();
    let [held_out, tried] = &answer.arms[..] else { panic!("{answer:?}") };
    assert_eq!((held_out.cleared, held_out.left), (held_out.exposed, 0));
    assert_eq!((tried.cleared, tried.left), (0, 1));
    let words = "stop `call`: of those held out 100.00 % cleared, of those with it 0.00 %; 10 points are the limit";
    assert_eq!(answer.warnings, [words]);
}

#[test]
fn a141_who_was_exposed_is_not_put_elsewhere_when_the_shares_change() {
    let (mut stage, _) = trial(EXPERIMENTS);
    stage.sweep();
    let before = stage.exposed();
    let turned = EXPERIMENTS.replace("percent: 40", "percent: 4").replace("percent: 60", "percent: 96");
    stage.try_out(&turned);
    stage.pass(1);
    stage.sweep();
    assert_eq!(stage.exposed(), before, "the same arms, and nobody is held out no more");
}

//! Random histories: any order and repetition gives the same rows, what is counted is what a slow recomputation over the
//! facts counts, and rows that are made anew of what is kept are the same bytes.

use super::figures::{closed, fact, moment, person, reported, step, turned};
use super::*;
use contract::event::CaseTurns;
use domain::signal::Metric;
use platform::keys;
use proptest::prelude::*;
use serde_json::Value;

const ACCOUNTS: [&str; 3] = ["acme", "globex", "initech"];

fn any_fact() -> impl Strategy<Value = Fact> {
    let how = prop::sample::select(vec!["closed", "dismissed", "cleared"]);
    let turns = (prop::option::of(0..9_000_u64), prop::option::of(0..9_000_u64), any::<bool>(), any::<bool>());
    prop_oneof![
        how.prop_map(closed),
        (0..4_u32, any::<bool>())
            .prop_map(|(number, reopened)| { CtaOpened { cta: cta(&format!("cta-{number}"), 1), reopened }.into() }),
        turns.prop_map(|(answered_after_seconds, resolved_after_seconds, at_first_contact, reopened)| {
            turned(CaseTurns { answered_after_seconds, resolved_after_seconds, at_first_contact, reopened })
        }),
        (prop::option::of(0..3_usize), any::<bool>(), any::<bool>()).prop_map(|(by, due, late)| step(
            by.map(|by| ["kim", "lee", "mia"][by]),
            due,
            late
        )),
        (0..9_u32, 0..9_u32).prop_map(|(more, less)| {
            reported(&[(Metric::NpsAnswer, more + less, 1, more, less), (Metric::FeatureAdoption, 1, 3, 0, 0)])
        }),
        (0..4_u32).prop_map(|number| EscalationOpened { escalation: escalation(&format!("e-{number}"), 5) }.into()),
        (0..4_u32).prop_map(|number| {
            let escalation = escalation(&format!("e-{number}"), 5);
            EscalationAcknowledged { escalation, by: "kim".into() }.into()
        }),
        (0..9_i64, any::<bool>()).prop_map(|(arr, left)| {
            let mut fact = described("A");
            fact.account.arr_cents = arr;
            fact.account.stage = if left { LifecycleStage::Churned } else { LifecycleStage::Steady };
            fact.into()
        }),
        (0..100_i32).prop_map(|score| scored(&score.to_string(), "critical", score % 3 == 0).into()),
        any::<bool>().prop_map(|up| {
            let (from, to) = if up { ("critical", "healthy") } else { ("healthy", "critical") };
            moved(from, to, "60", &[("so", "-3")]).into()
        }),
    ]
}

/// Facts of four months, each with an id of its own.
fn any_history() -> impl Strategy<Value = Vec<Event>> {
    let one = (0..ACCOUNTS.len(), 0..120_i64, 0..3_i64, any_fact());
    prop::collection::vec(one, 1..60).prop_map(|facts| {
        let event = |(number, (account, days, seconds, told)): (u32, (usize, i64, i64, Fact))| {
            let at = noon() - SignedDuration::from_secs(days * 86_400 + seconds);
            fact(number, ACCOUNTS[account], &at.to_string(), told)
        };
        (0..).zip(facts).map(event).collect()
    })
}

fn tenant() -> TenantId {
    TenantId::new("t").unwrap()
}

/// The state of each row, as bytes.
fn rows(stage: &Stage) -> BTreeMap<&'static str, String> {
    let row = |account| stage.doubles.value(&keys::portfolio_row(&tenant(), &AccountId::new(account).unwrap()));
    let state = |account: &'static str| Some((account, row(account)?.get("state")?.to_string()));
    ACCOUNTS.into_iter().filter_map(state).collect()
}

/// A share in percent, as a figure is told.
fn share(part: u64, whole: u64) -> Option<String> {
    (whole > 0).then(|| {
        let micros = domain::fixed::divide_half_even(i128::from(part) * 100_000_000, i128::from(whole));
        domain::fixed::Quantity::from_micros(i64::try_from(micros).unwrap()).to_string()
    })
}

/// What the figures should be, by going through all facts again for each of them.
fn recomputed(events: &[Event]) -> BTreeMap<&'static str, Option<String>> {
    let counted: Vec<&Event> = events.iter().filter(|event| event.meta.occurred_at >= moment("2025-11-01")).collect();
    let count = |is: &dyn Fn(&Fact) -> bool| counted.iter().filter(|event| is(&event.fact)).count() as u64;
    let ended = |how: &'static str| count(&move |fact| matches!(fact, Fact::CtaClosed(fact) if fact.how == how));
    let sum = |of: &dyn Fn(&Fact) -> u64| counted.iter().map(|event| of(&event.fact)).sum::<u64>();
    let due = count(&|fact| matches!(fact, Fact::StepCompleted(fact) if fact.step.due_on.is_some()));
    let late = count(&|fact| matches!(fact, Fact::StepCompleted(fact) if fact.step.due_on.is_some() && fact.step.late));
    let all = count(&|fact| matches!(fact, Fact::StepCompleted(_)));
    let machine = count(&|fact| matches!(fact, Fact::StepCompleted(fact) if fact.step.by.is_none()));
    let resolved_after = |fact: &Fact| match fact {
        Fact::CaseChanged(fact) => fact.turns.resolved_after_seconds,
        _ => None,
    };
    let resolved = count(&|fact| resolved_after(fact).is_some());
    let seconds = sum(&|fact| resolved_after(fact).unwrap_or_default());
    let escalations = count(&|fact| matches!(fact, Fact::EscalationOpened(_)));
    BTreeMap::from([
        ("alert_precision", share(ended("closed"), ended("closed") + ended("dismissed"))),
        ("actionable", share(ended("closed"), ended("closed") + ended("dismissed") + ended("cleared"))),
        ("playbook_adherence", share(due - late, due)),
        ("automation", share(machine, all)),
        // A share of a hundredth of the whole is a mean.
        ("mttr", share(seconds, resolved * 100)),
        ("escalations", Some(escalations.to_string())),
    ])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a22_a148_any_order_of_facts_gives_the_same_rows_and_the_figures_of_a_slow_recomputation(
        (history, shuffled) in any_history().prop_flat_map(|history| {
            let twice: Vec<Event> = history.iter().chain(&history).cloned().collect();
            (Just(history), Just(twice).prop_shuffle())
        })
    ) {
        let (there, back) = (stage(), stage());
        there.hear(&history);
        back.hear(&shuffled);
        prop_assert_eq!(rows(&there), rows(&back));
        let live = back.live("t");
        for (id, expected) in recomputed(&history) {
            let told = live.kpis.iter().find(|figure| figure.id == id).unwrap();
            prop_assert_eq!(&told.value, &expected, "{}", id);
        }
    }

    #[test]
    fn rows_that_are_made_anew_of_what_is_kept_are_the_same_bytes(history in any_history()) {
        let stage = stage();
        stage.hear(&history);
        let before = rows(&stage);
        let versions = |stage: &Stage| -> Vec<Option<u64>> {
            let item = |account| block_on(stage.doubles.table.get(&keys::portfolio_row(&tenant(), &AccountId::new(account).unwrap())));
            ACCOUNTS.into_iter().map(|account| item(account).unwrap().map(|item| item.version)).collect()
        };
        let untouched = versions(&stage);
        stage.doubles.put(&keys::tenant_entry(&tenant()), &Value::Null);
        let rebuild = |time: &str| {
            let tick = Tick { tick: "rebuild".into(), time: moment(time) };
            block_on(stage.report.tick(&tick)).unwrap();
        };
        rebuild("2026-01-05");
        prop_assert_eq!(versions(&stage), untouched, "what is as it should be is not written");
        // One row is lost, one tells something else.
        let key = |account| keys::portfolio_row(&tenant(), &AccountId::new(account).unwrap());
        for account in before.keys() {
            let id = AccountId::new(*account).unwrap();
            stage.doubles.put(&keys::shard_entry(&tenant(), &id), &Value::Null);
        }
        block_on(stage.doubles.table.commit(vec![Write::Delete { key: key("acme") }])).unwrap();
        let mut wrong = domain::portfolio::Row::new(AccountId::new("globex").unwrap());
        let stamp = domain::portfolio::Stamp { at: Timestamp::MAX, event: domain::id::CauseId::new("x").unwrap() };
        wrong.apply(stamp, domain::portfolio::Fact::Acted(person("nobody")));
        stage.doubles.put(&key("globex"), &serde_json::json!({ "state": wrong }));
        rebuild("2026-01-06");
        let mut after = rows(&stage);
        if !before.contains_key("globex") {
            // Nothing is kept of it that a row could be made of.
            after.remove("globex");
        }
        prop_assert_eq!(after, before);
    }
}

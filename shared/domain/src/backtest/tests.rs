//! Rule sets against each other on accounts whose past is written down here.

use super::*;
use crate::account::Money;
use crate::health::tests::account;
use crate::id::PersonId;
use crate::page::fixtures::{any_signal, daily, day, series};
use crate::rule::leaf::{AverageBelow, Counted};
use crate::rule::{Condition, CtaKind, CtaTemplate, Rule};
use crate::rulebook::{Cause, Limits};
use crate::signal::{Metric, Severity, Signal};
use proptest::prelude::*;

const TERMS: Terms = Terms { until: Day::from_number(20_542), days: 84, step_days: 7, horizon_days: 28 };

fn today() -> Day {
    TERMS.until
}

fn now() -> Timestamp {
    today().start()
}

fn rule(id: &str, kind: CtaKind, when: Condition) -> Rule {
    Rule {
        id: RuleId::new(id).unwrap(),
        when,
        stays_while: None,
        cta: CtaTemplate { kind, reason: "look".into(), severity: Severity::High, due_in_days: 5, experiment: None },
        clear_days: 7,
        lapse_days: 30,
        cool_off_days: 14,
        escalation: None,
    }
}

fn incidents(at_least: u32) -> Condition {
    Condition::Counted(Counted { metric: Metric::SevereIncidents, days: 14, at_least, since_last: None })
}

fn unhappy(below: i32) -> Condition {
    let below = crate::fixed::Quantity::whole(below);
    Condition::AverageBelow(AverageBelow { metric: Metric::Csat, days: 14, below, least_values: 3 })
}

/// Three incidents, or unhappy below 50.
fn active() -> RuleSet {
    let rules = vec![rule("incidents", CtaKind::Risk, incidents(3)), rule("unhappy", CtaKind::Risk, unhappy(50))];
    RuleSet::new("active", rules).unwrap()
}

/// Two incidents; nothing about how happy anybody is.
fn candidate() -> RuleSet {
    RuleSet::new("candidate", vec![rule("incidents", CtaKind::Risk, incidents(2))]).unwrap()
}

/// Speaks of what any account is made of.
fn lively() -> RuleSet {
    let uptime =
        AverageBelow { metric: Metric::Uptime, days: 7, below: crate::fixed::Quantity::whole(6), least_values: 1 };
    let rules = vec![
        rule("incidents", CtaKind::Risk, incidents(1)),
        rule("uptime", CtaKind::Risk, Condition::AverageBelow(uptime)),
    ];
    RuleSet::new("lively", rules).unwrap()
}

fn tenant() -> TenantId {
    TenantId::new("t").unwrap()
}

fn named(name: &str) -> Account {
    let owner = Some(PersonId::new(format!("owner-of-{name}")).unwrap());
    Account { id: AccountId::new(name).unwrap(), owner, ..account(LifecycleStage::Steady, None) }
}

fn record(signals: Vec<Signal>) -> AccountRecord {
    AccountRecord { series: series(signals), ..AccountRecord::default() }
}

fn on(metric: Metric, value: &'static str, backs: &[i32]) -> Vec<Signal> {
    daily(metric, backs.iter().map(|back| (today().plus(-back), value)))
}

fn tried(account: &Account, record: &AccountRecord, episodes: &Episodes, terms: &Terms) -> Backtest {
    let tenant = tenant();
    let known = Known { tenant: &tenant, account, record, health: None, standing: None, episodes, scores: &[] };
    Backtest::of(&known, [&active(), &candidate()], terms, now())
}

fn live_only(account: &Account, record: &AccountRecord, episodes: &Episodes) -> Backtest {
    tried(account, record, episodes, &Terms { days: 0, ..TERMS })
}

#[test]
fn who_enters_and_who_leaves_is_named_with_its_priority_and_who_would_be_asked() {
    let two_incidents = record(on(Metric::SevereIncidents, "1", &[1, 3]));
    let unhappy = record(on(Metric::Csat, "40", &[1, 2, 3, 4]));
    let mut sum = live_only(&named("a"), &two_incidents, &Episodes::default());
    sum.add(live_only(&named("b"), &unhappy, &Episodes::default()));
    let changes: Vec<_> =
        sum.changes.iter().map(|one| (one.account.as_str(), one.before.is_some(), one.after.is_some())).collect();
    assert_eq!(changes, [("a", false, true), ("b", true, false)]);
    let [by_active, by_candidate] = sum.rules[&RuleId::new("incidents").unwrap()];
    assert_eq!((by_active.opens, by_candidate.opens, by_candidate.live), (0, 1, 1));
    let asked: Vec<_> = sum.people.asked().into_iter().map(|(person, counts)| (person.as_str(), counts)).collect();
    assert_eq!(asked, [("owner-of-a", [0, 1]), ("owner-of-b", [1, 0])]);
}

#[test]
fn what_is_open_already_is_live_and_not_opened() {
    let three = record(on(Metric::SevereIncidents, "1", &[1, 2, 3]));
    let account = named("a");
    let facts = Facts { account: &account, series: &three.series, health: None, standing: None, now: now() };
    let open = decide(&tenant(), &account, &active(), &Episodes::default(), &active().evaluate(&facts), now());
    let sum = live_only(&account, &three, &open.episodes);
    let [by_active, by_candidate] = sum.rules[&RuleId::new("incidents").unwrap()];
    assert_eq!((by_active.live, by_active.opens, by_candidate.live, by_candidate.opens), (1, 0, 1, 0));
    assert_eq!(sum.changes, []);
}

#[test]
fn a_rule_that_opens_on_too_many_or_whose_data_have_aged_is_held() {
    let loud = record(on(Metric::SevereIncidents, "1", &[1, 3]));
    let aged = record(on(Metric::Csat, "90", &[12, 13, 14]));
    let mut sum = Backtest::default();
    for number in 0..30 {
        let (account, record) = (named(&format!("a{number}")), if number < 11 { &loud } else { &aged });
        sum.add(live_only(&account, record, &Episodes::default()));
    }
    let held = sum.held(&Limits::DEFAULT);
    assert_eq!(held.into_values().collect::<Vec<_>>(), [Cause::Flood { opens: 11, customers: 30 }]);
    let unhappy = sum.rules[&RuleId::new("unhappy").unwrap()][0];
    assert_eq!((unhappy.unknown, unhappy.stale), (30, 19), "of the others nothing was ever known");
}

#[test]
fn the_past_counts_what_was_opened_and_judges_by_who_left() {
    // Two incidents 40 days ago, gone 20 days ago: the judged look lies 28 days ago.
    let mut signals = on(Metric::SevereIncidents, "1", &[38, 40]);
    signals.extend(on(Metric::ContractValue, "100", &[80]));
    signals.extend(on(Metric::ContractValue, "0", &[20]));
    let left = record(signals);
    let stayed = record(on(Metric::SevereIncidents, "1", &[70]));
    let gone = Account { stage: LifecycleStage::Churned, arr: Money::from_cents(0), ..named("gone") };
    let mut sum = tried(&gone, &left, &Episodes::default(), &TERMS);
    sum.add(tried(&named("here"), &stayed, &Episodes::default(), &TERMS));
    assert_eq!((sum.accounts, sum.left), (1, 1));
    let [by_active, by_candidate] = &sum.judgements;
    assert_eq!((by_candidate.judged(), by_candidate.left(), by_candidate.alerts()), (2, 1, 1));
    assert_eq!((by_candidate.recall(), by_active.recall()), (Some("1".parse().unwrap()), Some("0".parse().unwrap())));
    assert_eq!(by_candidate.precision(), Some("1".parse().unwrap()));
    assert_eq!((by_candidate.warned(), by_candidate.median_lead_days()), (1, Some(15)), "35 days ago, of 20");
    assert_eq!(sum.rules[&RuleId::new("incidents").unwrap()].map(|tally| tally.opened), [0, 1]);
}

#[test]
fn a_leaver_whose_end_nobody_recorded_is_counted_and_judges_nothing() {
    let gone = Account { stage: LifecycleStage::Churned, ..named("gone") };
    let sum = tried(&gone, &record(on(Metric::Csat, "40", &[1, 2, 3])), &Episodes::default(), &TERMS);
    assert_eq!((sum.left, sum.left_undated, sum.judgements[1].judged()), (1, 1, 0));
}

#[test]
fn people_are_counted_exactly_while_they_are_few_and_stand_for_all_when_they_are_many() {
    let asked = |people: std::ops::Range<u32>| {
        people.fold(People::default(), |mut sum, number| {
            let person = PersonId::new(format!("p{number}")).unwrap();
            sum.add(Some(&person), 1);
            sum
        })
    };
    let mut few = asked(0..300);
    few.join(asked(0..10));
    few.add(None, 0);
    assert!(few.is_everybody());
    assert_eq!((few.asked().len(), few.asked()[0].1, few.nobody), (300, [0, 2], [1, 0]));
    let mut many = asked(0..3_000);
    many.join(asked(2_000..5_000));
    assert!(!many.is_everybody());
    let mut other_way = asked(2_000..5_000);
    other_way.join(asked(0..3_000));
    assert_eq!(many, other_way);
    for (person, [_, times]) in many.asked() {
        let number: u32 = person.as_str()[1..].parse().unwrap();
        assert_eq!(
            times,
            1 + u64::from((2_000..3_000).contains(&number)),
            "{person}: who is kept was counted everywhere"
        );
    }
}

fn course_of(record: &AccountRecord, terms: &Terms) -> replay::Course {
    let (account, tenant, episodes) = (named("a"), tenant(), Episodes::default());
    let known = Known {
        tenant: &tenant,
        account: &account,
        record,
        health: None,
        standing: None,
        episodes: &episodes,
        scores: &[],
    };
    replay::course(&known, &lively(), terms, None)
}

fn any_signals() -> impl Strategy<Value = Vec<Signal>> {
    prop::collection::vec(any_signal(90), 0..120)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_came_later_is_not_known_to_an_earlier_look(signals in any_signals(), back in 7_i32..60) {
        let until = today().plus(-back);
        let terms = Terms { until, days: 28, step_days: 3, horizon_days: 7 };
        let before = signals.iter().filter(|signal| Day::of(signal.at) <= until).cloned().collect();
        let (now, then) = (course_of(&record(signals), &terms), course_of(&record(before), &terms));
        prop_assert_eq!((now.opened, now.at_risk_since), (then.opened, then.at_risk_since));
    }

    #[test]
    fn what_is_opened_is_what_looking_at_every_rule_each_time_opens(signals in any_signals()) {
        let (account, record, set) = (named("a"), record(signals), lively());
        let (mut episodes, mut opened) = (Episodes::default(), Vec::new());
        for back in TERMS.looks() {
            let now = today().plus(1 - i32::from(back)).start() - jiff::SignedDuration::from_millis(1);
            let facts = Facts { account: &account, series: &record.series, health: None, standing: None, now };
            let decision = decide(&tenant(), &account, &set, &episodes, &set.evaluate(&facts), now);
            opened.extend(decision.opened().cloned());
            episodes = decision.episodes;
        }
        prop_assert_eq!(course_of(&record, &TERMS).opened, opened);
    }

    #[test]
    fn a_portfolio_adds_up_in_any_order(records in prop::collection::vec(any_signals(), 1..6), seed: u64) {
        let parts: Vec<Backtest> = records.iter().enumerate()
            .map(|(number, signals)| tried(&named(&format!("a{number}")), &record(signals.clone()), &Episodes::default(), &TERMS)).collect();
        let mut order: Vec<usize> = (0..parts.len()).collect();
        order.sort_by_key(|place| Digest::of("order", [seed.to_string(), place.to_string()]).short());
        let sum = |order: &[usize]| order.iter().fold(Backtest::default(), |mut sum, place| {
            sum.add(parts[*place].clone());
            sum
        });
        prop_assert_eq!(sum(&(0..parts.len()).collect::<Vec<_>>()), sum(&order));
    }
}

#[test]
fn terms_say_what_is_wrong_with_them() {
    let faults = |terms: Terms| terms.faults(today()).into_iter().map(|(name, _)| name).collect::<Vec<_>>();
    assert_eq!(faults(TERMS), [""; 0]);
    assert_eq!(faults(Terms { days: 366, step_days: 0, ..TERMS }), ["days", "step_days", "until"]);
    assert_eq!(faults(Terms { horizon_days: 85, ..TERMS }), ["horizon_days"]);
    assert_eq!(faults(Terms { until: today().plus(1), ..TERMS }), ["until"]);
    assert_eq!(faults(Terms { until: today().plus(-300), ..TERMS }), ["until"]);
    assert_eq!(day("2026-03-30"), today());
}

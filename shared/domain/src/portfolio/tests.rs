//! Rows from facts in any order, and the summary over them.

use super::*;
use proptest::prelude::*;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + seconds).unwrap()
}

fn stamp(seconds: i64, event: u32) -> Stamp {
    Stamp { at: at(seconds), event: CauseId::new(format!("e{event}")).unwrap() }
}

fn health(score: i32, band: Band) -> Fact {
    Fact::Health(Health { score: Points::whole(score), band: Some(band), provisional: false })
}

fn fell(from: i32, to: i32) -> Fact {
    Fact::Fell(Fall { from: Points::whole(from), to: Points::whole(to), reasons: vec!["usage".into()] })
}

fn cta_id(number: u32) -> CtaId {
    CtaId::new(format!("cta-{number}")).unwrap()
}

fn cta(number: u32, priority: i64) -> Fact {
    Fact::CtaLive(
        cta_id(number),
        CtaView {
            rule: RuleId::new("r").unwrap(),
            kind: CtaKind::Risk,
            reason: "look".into(),
            priority,
            owner: None,
            opened_at: at(0),
            due_at: at(0),
        },
    )
}

fn escalation(number: u32, breach_at: Option<i64>) -> Fact {
    let breach_at = breach_at.map(at);
    let view = EscalationView {
        severity: Severity::High,
        reason: "why".into(),
        role: "executive".into(),
        acknowledged: false,
        opened_at: at(0),
        breach_at,
    };
    Fact::EscalationLive(EscalationId::new(format!("esc-{number}")).unwrap(), view)
}

fn row(account: &str, facts: impl IntoIterator<Item = Fact>) -> Row {
    let mut row = Row::new(AccountId::new(account).unwrap());
    for (number, fact) in (0..).zip(facts) {
        row.apply(stamp(i64::from(number), number), fact);
    }
    row
}

#[test]
fn of_one_moment_the_end_is_the_latest_whatever_the_ids_of_the_events() {
    for ids in [[1, 2], [2, 1]] {
        for end_first in [false, true] {
            let mut row = Row::new(AccountId::new("a").unwrap());
            let facts = [(ids[0], cta(1, 5)), (ids[1], Fact::CtaEnded(cta_id(1)))];
            let order = if end_first { [1, 0] } else { [0, 1] };
            for index in order {
                let (event, fact) = facts[index].clone();
                row.apply(stamp(7, event), fact);
            }
            assert_eq!(row.ctas().count(), 0, "{ids:?} {end_first}");
        }
    }
}

#[test]
fn an_older_fact_that_comes_late_changes_nothing() {
    let mut row = row("a", [Fact::Rose]);
    assert!(row.apply(stamp(9, 1), health(60, Band::Critical)));
    assert!(!row.apply(stamp(8, 2), health(90, Band::Champion)));
    assert!(!row.apply(stamp(9, 1), health(60, Band::Critical)), "the same fact again");
    assert_eq!(row.health().unwrap().band, Some(Band::Critical));
    assert!(row.apply(stamp(20, 3), Fact::CtaEnded(cta_id(1))));
    assert!(!row.apply(stamp(10, 4), cta(1, 5)));
    assert_eq!(row.ctas().count(), 0);
}

#[test]
fn what_ended_is_forgotten_at_last() {
    let mut row = row("a", [cta(0, 1)]);
    for number in 1..=400 {
        row.apply(stamp(i64::from(number), number), Fact::CtaEnded(cta_id(number)));
    }
    assert_eq!((row.ctas.len(), row.ctas().count()), (MAX_ENDED + 1, 1));
    assert!(!row.ctas.contains_key(&cta_id(100)) && row.ctas.contains_key(&cta_id(101)));
}

#[test]
fn the_summary_counts_ranks_and_orders() {
    let rows = [
        row("a", [health(95, Band::Champion), fell(97, 95), cta(1, 5)]),
        row("b", [health(50, Band::Emergency), fell(90, 50), cta(2, 9), escalation(1, None), escalation(2, Some(500))]),
        row("c", [health(75, Band::AtRisk), fell(80, 75), escalation(3, Some(-60))]),
        row("d", [Fact::Health(Health { score: Points::whole(10), band: None, provisional: true })]),
        row("e", [fell(80, 75)]),
        row("f", [fell(60, 59)]),
        row("g", [fell(60, 57)]),
        row("h", [fell(60, 61)]),
    ];
    let summary = Summary::of(&rows, at(0));
    assert_eq!(summary.accounts, 8);
    assert_eq!(
        (summary.by_band[&Band::Champion], summary.by_band[&Band::Emergency], summary.by_band[&Band::Healthy]),
        (1, 1, 0)
    );
    assert_eq!((summary.provisional, summary.unscored), (1, 4));
    let falls: Vec<&str> = summary.biggest_falls.iter().map(|fall| fall.account.as_str()).collect();
    assert_eq!(falls, ["b", "c", "e", "g", "a"], "the deepest first, of equal ones the first by name");
    let ctas: Vec<i64> = summary.open_ctas.iter().map(|open| open.cta.priority).collect();
    assert_eq!(ctas, [9, 5]);
    let breaches: Vec<Option<i64>> = summary.open_escalations.iter().map(|open| open.seconds_to_breach).collect();
    assert_eq!(breaches, [Some(-60), Some(500), None]);
}

#[test]
fn an_account_that_left_is_in_no_band_and_no_fall() {
    let left = row("a", [health(50, Band::Emergency), fell(80, 50), Fact::Left]);
    let back = row("b", [Fact::Left, health(90, Band::Champion)]);
    let summary = Summary::of([&left, &back], at(0));
    assert_eq!((summary.accounts, summary.by_band[&Band::Emergency], summary.by_band[&Band::Champion]), (1, 0, 1));
    assert_eq!((summary.unscored, summary.biggest_falls.len()), (0, 0));
}

#[test]
fn a_fall_that_was_made_good_or_is_long_past_is_not_named() {
    let made_good = row("a", [fell(80, 60), health(81, Band::Healthy)]);
    let still_down = row("b", [fell(80, 60), health(79, Band::AtRisk)]);
    let named = |rows: [&Row; 2], now| Summary::of(rows, now).biggest_falls.len();
    assert_eq!(named([&made_good, &still_down], at(0)), 1);
    assert_eq!(named([&made_good, &still_down], at(31 * 86_400)), 0);
}

fn person(number: u32) -> PersonId {
    PersonId::new(format!("p{number}")).unwrap()
}

fn profile(arr: i64, days: i32) -> Fact {
    Fact::Profile(Profile {
        name: "A".into(),
        arr: Money::from_cents(arr),
        segment: Segment::Enterprise,
        stage: if arr == 2 { LifecycleStage::Churned } else { LifecycleStage::Steady },
        renewal_on: Some(Day::from_number(20_000 + days)),
    })
}

fn unusual(number: u32) -> Fact {
    let text = || format!("{number}");
    Fact::Unusual(AnomalyView { metric: text(), direction: "up".into(), severity: "notice".into(), reason: text() })
}

#[test]
fn who_left_pays_nothing_and_pays_again_when_it_is_back() {
    let mut row = row("a", []);
    for (number, arr) in [(1_u32, 5), (2, 2), (3, 7)] {
        row.apply(stamp(i64::from(number) * 86_400, number), profile(arr, 0));
    }
    let first = Day::of(at(0));
    let paid: Vec<i64> = (0..5).map(|days| row.ledger.on(first.plus(days)).cents()).collect();
    assert_eq!(paid, [0, 5, 0, 7, 7]);
}

#[test]
fn who_did_something_is_known_for_a_while() {
    let row = row("a", [Fact::Acted(person(1))]);
    let mut later = row.clone();
    later.apply(stamp(140 * 86_400, 9), Fact::Acted(person(2)));
    assert!(!later.apply(stamp(0, 1), Fact::Acted(person(3))), "that is too long ago by then");
    assert_eq!((row.actors().len(), later.actors().len()), (1, 1));
}

#[test]
fn what_a_row_knows_is_the_same_when_it_was_written_and_read() {
    let facts = [
        profile(5, 3),
        health(60, Band::Critical),
        cta(1, 5),
        escalation(1, None),
        unusual(1),
        Fact::Data("crm".into(), true),
        Fact::Measured(Metric::Csat, at(3), Quantity::whole(3)),
        Fact::Owned("csm".into(), person(1)),
        Fact::Acted(person(2)),
        Fact::Begun(cta_id(2)),
        Fact::HeldOut(ExperimentId::new("e").unwrap()),
        Fact::Opportunity(cta_id(3)),
        Fact::Rose,
        Fact::Left,
    ];
    let mut row = row("a", facts);
    let mut counts = Counts::default();
    counts.add(crate::kpi::Counter::CasesOpened, 2);
    row.count(at(0), &counts);
    let read: Row = serde_json::from_str(&serde_json::to_string(&row).unwrap()).unwrap();
    assert_eq!(read, row);
    assert!(read.has_unusual_data());
}

fn any_fact() -> impl Strategy<Value = (Stamp, Fact)> {
    let bands = prop::sample::select(Band::ALL.to_vec());
    let fact = prop_oneof![
        (0..100, bands).prop_map(|(score, band)| health(score, band)),
        (0..100, 0..100).prop_map(|(from, to)| fell(from, to)),
        (0..4_u32, 0..9_i64).prop_map(|(number, priority)| cta(number, priority)),
        (0..4_u32).prop_map(|number| Fact::CtaEnded(cta_id(number))),
        (0..4_u32, prop::option::of(0..99_i64)).prop_map(|(number, breach)| escalation(number, breach)),
        (0..4_u32).prop_map(|number| Fact::EscalationEnded(EscalationId::new(format!("esc-{number}")).unwrap())),
        (0..3_i64, 0..3_i32).prop_map(|(arr, days)| profile(arr, days)),
        Just(Fact::Left),
        Just(Fact::Rose),
        (0..80_u32).prop_map(|number| Fact::Begun(cta_id(number))),
        (0..80_u32).prop_map(|number| Fact::Opportunity(cta_id(number))),
        (0..80_u32).prop_map(|number| Fact::HeldOut(ExperimentId::new(format!("e-{number}")).unwrap())),
        (0..30_u32).prop_map(unusual),
        (0..3_i64, 0..3_i32).prop_map(|(seconds, value)| Fact::Measured(
            Metric::Csat,
            at(seconds),
            Quantity::whole(value)
        )),
        (0..3_u32).prop_map(|number| Fact::Owned("csm".into(), person(number))),
        (0..3_u32, any::<bool>()).prop_map(|(number, open)| Fact::Data(format!("source-{number}"), open)),
        (0..3_u32).prop_map(|number| Fact::Acted(person(number))),
    ];
    // Some within seconds, some so far apart that what is kept has to be forgotten.
    let at = prop_oneof![0..6_i64, (0..500_i64).prop_map(|days| days * 86_400)];
    ((at, 0..4_u32).prop_map(|(seconds, event)| stamp(seconds, event)), fact)
}

proptest! {
    #[test]
    fn any_order_and_repetition_of_the_same_facts_gives_the_same_row(
        (all, shuffled) in prop::collection::vec(any_fact(), 1..60).prop_flat_map(|all| {
            let twice: Vec<_> = all.iter().chain(&all).cloned().collect();
            (Just(all), Just(twice).prop_shuffle())
        })
    ) {
        let fold = |facts: Vec<(Stamp, Fact)>| {
            let mut row = row("a", []);
            for (stamp, fact) in facts {
                row.apply(stamp, fact);
            }
            serde_json::to_string(&row).unwrap()
        };
        prop_assert_eq!(fold(all), fold(shuffled));
    }
}

#[test]
fn a_call_to_action_that_was_written_down_before_kinds_were_kept_is_still_read() {
    let written = r#"{"rule":"usage-decline","reason":"fewer log in","priority":9,"owner":null,
        "opened_at":"2026-01-05T00:00:00Z","due_at":"2026-01-07T00:00:00Z"}"#;
    let view: CtaView = serde_json::from_str(written).unwrap();
    assert_eq!(view.kind, CtaKind::Risk);
}

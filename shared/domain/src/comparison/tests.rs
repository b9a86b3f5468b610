//! Scorecards against each other on accounts whose past is written down here.

use super::*;
use crate::health::tests::account;
use crate::page::fixtures::{any_signal, daily, day, series};
use crate::scorecard::tests::draft;
use proptest::prelude::*;

const TERMS: Terms = Terms { days: 84, step_days: 7, horizon_days: 28, alert_at: Band::Critical };

fn today() -> Day {
    day("2026-03-30")
}

/// Four measures, each day the same value from 100 days ago up to some days ago.
fn level(value: &'static str, from: i32, to: i32) -> impl Iterator<Item = crate::signal::Signal> {
    [Metric::Uptime, Metric::AuditCompleteness, Metric::Csat]
        .into_iter()
        .flat_map(move |metric| daily(metric, (to..=from).map(move |back| (today().plus(-back), value))))
}

fn record(series: Series) -> AccountRecord {
    AccountRecord { series, ..AccountRecord::default() }
}

fn card() -> Scorecard {
    Scorecard::new(draft()).unwrap()
}

/// A scorecard that is content with less: every band begins thirty points lower.
fn lenient() -> Scorecard {
    let mut draft = draft();
    draft.version = "lenient".into();
    let lower = |points: Points| points.minus(Points::whole(30));
    draft.bands.champion = lower(draft.bands.champion);
    draft.bands.healthy = lower(draft.bands.healthy);
    draft.bands.at_risk = lower(draft.bands.at_risk);
    draft.bands.critical = lower(draft.bands.critical);
    Scorecard::new(draft).unwrap()
}

fn named(name: &str) -> Account {
    Account { id: AccountId::new(name).unwrap(), ..account(LifecycleStage::Steady, None) }
}

fn compared(account: &Account, record: &AccountRecord, terms: &Terms) -> Comparison {
    Comparison::of(account, record, [&card(), &lenient()], terms, today().start())
}

#[test]
fn a_scorecard_against_itself_changes_nothing() {
    let record = record(series(level("70", 100, 0)));
    let comparison = Comparison::of(&named("a"), &record, [&card(), &card()], &TERMS, today().start());
    assert_eq!((comparison.accounts, comparison.changed_band(), comparison.shift_micros), (1, 0, 0));
    assert_eq!(comparison.movers, []);
    assert_eq!(comparison.today, comparison.candidate);
}

#[test]
fn who_changes_band_is_counted_with_what_they_pay() {
    let record = record(series(level("65", 100, 0)));
    let mut sum = compared(&named("a"), &record, &TERMS);
    sum.add(compared(&named("b"), &record, &TERMS));
    let [moved] = &sum.moves[..] else { panic!("{:?}", sum.moves) };
    assert!(moved.from < moved.to, "{moved:?}");
    assert_eq!((moved.accounts, moved.arr), (2, Money::from_cents(20_000_000)));
    assert_eq!(sum.changed_band(), 2);
    assert_eq!((sum.today.alerting, sum.candidate.alerting), (2, 0), "the alert load falls");
}

#[test]
fn a_fall_into_the_alert_bands_is_one_alert_however_long_it_lasts() {
    let record = record(series(level("95", 100, 40).chain(level("30", 39, 0))));
    let comparison = compared(&named("a"), &record, &TERMS);
    assert_eq!((comparison.today.alerts, comparison.today.alerting), (1, 1));
}

#[test]
fn who_left_is_judged_by_the_score_before_and_who_was_warned_by_when() {
    // Fell 60 days ago, left 14 days ago: the judged look lies 28 days ago.
    let gone = |days: i32| daily(Metric::ContractValue, [(today().plus(-days), "0")]);
    let fell = record(series(level("95", 100, 60).chain(level("20", 59, 0)).chain(gone(14))));
    let comparison = compared(&gone_by("a"), &fell, &TERMS);
    let judgement = &comparison.today.judgement;
    assert_eq!((comparison.left, comparison.accounts, comparison.today.alerting), (1, 0, 0), "it is no customer today");
    assert_eq!((judgement.judged(), judgement.left(), judgement.alerts()), (1, 1, 1));
    let lead = judgement.median_lead_days().unwrap();
    // A fall is seen at the next look, a week later at most, when the windows have followed.
    assert!((28..=46).contains(&lead), "{lead}");
    // Left before the judged look: nothing to judge, but it was warned or not.
    let early = compared(
        &gone_by("b"),
        &record(series(level("95", 100, 60).chain(level("20", 59, 0)).chain(gone(35)))),
        &TERMS,
    );
    assert_eq!((early.today.judgement.judged(), early.today.judgement.leavers()), (0, 1));
    // One that stayed.
    let stayed = compared(&named("c"), &record(series(level("95", 100, 0))), &TERMS);
    assert_eq!((stayed.today.judgement.judged(), stayed.today.judgement.left()), (1, 0));
    let mut sum = comparison.clone();
    sum.add(stayed);
    assert_eq!(sum.today.judgement.auc(), Some(crate::fixed::Quantity::whole(1)));
}

fn gone_by(name: &str) -> Account {
    Account { stage: LifecycleStage::Churned, ..named(name) }
}

#[test]
fn what_became_of_an_account_is_not_known_to_its_earlier_scores() {
    // Renewal counts before the renewal alone, and who has left has none any more.
    let renewal = daily(Metric::RenewalProbability, (0..=100).map(|back| (today().plus(-back), "90")));
    let past = record(series(level("70", 100, 0).chain(renewal)));
    let mut restricted = draft();
    restricted.dimensions[3].measures[0].applies.renewal_within_days = Some(90);
    let card = Scorecard::new(restricted).unwrap();
    let course = |account: &Account, left_on| Course::of(account, &past, &card, &TERMS, left_on, today().start());
    let renews = Account { renewal_on: Some(today().plus(20)), ..named("a") };
    let gone = course(&gone_by("a"), Some(today().plus(-10)));
    let stays = course(&renews, None);
    assert_eq!(stays.judged, gone.judged);
    assert_ne!(stays.last, gone.last, "today it is known");
}

#[test]
fn where_all_data_have_aged_the_last_score_stands_as_provisional() {
    let mut soon_old = draft();
    soon_old.dimensions.iter_mut().flat_map(|dimension| &mut dimension.measures).for_each(|measure| {
        measure.freshness_days = 10;
    });
    let card = Scorecard::new(soon_old).unwrap();
    let past = record(series(level("40", 100, 40)));
    let comparison = Comparison::of(&named("a"), &past, [&card, &card], &TERMS, today().start());
    assert_eq!((comparison.accounts, comparison.unscored, comparison.today.provisional), (1, 0, 1));
    assert_eq!((comparison.today.alerting, comparison.today.judgement.alerts()), (1, 1), "as it would in operation");
}

#[test]
fn who_comes_into_sight_among_the_alerts_is_one() {
    let new = record(series(level("30", 20, 0)));
    assert_eq!(compared(&named("a"), &new, &TERMS).today.alerts, 1);
    let old = record(series(level("30", 100, 0)));
    assert_eq!(compared(&named("a"), &old, &TERMS).today.alerts, 0, "it was there before the days began");
}

#[test]
fn a_pilot_that_is_worth_nothing_yet_is_a_customer() {
    let signals = level("70", 50, 0).chain(daily(Metric::ContractValue, [(today().plus(-30), "0")]));
    let comparison = compared(&named("a"), &record(series(signals)), &TERMS);
    assert_eq!((comparison.accounts, comparison.left), (1, 0));
}

#[test]
fn who_came_back_has_not_left() {
    let left_on = |contracts| left_on(&named("a"), &record(series(contracts)), today());
    let contracts = daily(Metric::ContractValue, [(today().plus(-50), "0"), (today().plus(-20), "1000")]);
    assert_eq!(left_on(contracts), None);
    let contracts = daily(Metric::ContractValue, [(today().plus(-50), "10"), (today().plus(-20), "0"), (today(), "0")]);
    assert_eq!(left_on(contracts), Some(today().plus(-20)), "the first day of nothing");
}

#[test]
fn who_left_without_a_day_is_told_apart() {
    let account = Account { stage: LifecycleStage::Churned, ..named("a") };
    let comparison = compared(&account, &record(series(level("70", 100, 0))), &TERMS);
    assert_eq!((comparison.left, comparison.left_undated, comparison.today.judgement.judged()), (1, 1, 0));
}

#[test]
fn a_customer_of_which_nothing_is_known_is_told_apart() {
    let comparison = compared(&named("a"), &AccountRecord::default(), &TERMS);
    assert_eq!((comparison.accounts, comparison.unscored), (0, 1));
}

#[test]
fn terms_that_make_no_sense_are_named() {
    assert_eq!(TERMS.faults(), []);
    let named = |terms: Terms| terms.faults().into_iter().map(|(name, _)| name).collect::<Vec<_>>();
    let terms = Terms { days: 28, step_days: 0, horizon_days: 90, alert_at: Band::Champion };
    assert_eq!(named(terms), ["step_days", "alert_at"], "the horizon depends on the step");
    assert_eq!(named(Terms { days: 6, ..terms }), ["days", "alert_at"], "the others depend on it");
    // The look that is judged has to be one of those that are taken.
    assert_eq!(named(Terms { days: 30, step_days: 7, horizon_days: 29, ..TERMS }), ["horizon_days"]);
}

proptest! {
    #[test]
    fn accounts_add_up_in_any_order(
        pasts in prop::collection::vec(prop::collection::vec(any_signal(60), 0..40), 1..12), turn in 0_usize..12,
    ) {
        let parts: Vec<Comparison> = pasts
            .into_iter()
            .enumerate()
            .map(|(number, signals)| compared(&named(&format!("a{number}")), &record(series(signals)), &TERMS))
            .collect();
        let sum = |parts: &[Comparison]| {
            let mut sum = Comparison::default();
            parts.iter().for_each(|part| sum.add(part.clone()));
            sum
        };
        let whole = sum(&parts);
        let (one, other) = parts.split_at(turn.min(parts.len()));
        let mut turned = sum(other);
        turned.add(sum(one));
        prop_assert_eq!(&turned, &whole);
        prop_assert_eq!(whole.accounts + whole.unscored + whole.left, u64::try_from(parts.len()).unwrap());
        prop_assert!(whole.movers.len() <= MOVERS);
        let text = serde_json::to_string(&whole).unwrap();
        prop_assert_eq!(serde_json::from_str::<Comparison>(&text).unwrap(), whole, "it is kept between pages");
    }
}

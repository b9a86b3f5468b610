use super::super::tests::{account, assessed, health, model};
use super::*;
use crate::band::BandState;
use crate::fixed::Points;
use crate::health::tests::today;
use crate::health::{Reason, Trigger, decide};
use crate::scorecard::Scorecard;
use crate::scorecard::tests::draft;

const GOOD: [&str; 4] = ["95", "50", "50", "50"];
const BAD: [&str; 4] = ["10", "50", "50", "50"];

fn learnt() -> Models {
    let mut models = Models::none();
    assert_eq!(models.insert(model().clone()).unwrap(), None);
    models
}

fn state(values: [&'static str; 4]) -> HealthState {
    let card = Scorecard::new(draft()).unwrap();
    decide(None, health(values), card.bands(), Trigger::News, today().start()).state
}

/// Follows an account whose measures are these on a day.
fn follow_on(before: &Standings, models: &Models, values: [&'static str; 4], today: Day) -> Followed {
    let (account, state) = (account(), state(values));
    follow(before, models, &Question { account: &account, health: &state, band_change: None, today })
}

fn banded(before: &Standings, from: Option<Band>, to: Band, reasons: Vec<Reason>) -> Followed {
    let (account, mut state) = (account(), state(GOOD));
    state.band = Some(BandState::at_rest(to));
    let change = BandChange { from, to, score: Points::whole(60), reasons };
    follow(
        before,
        &Models::none(),
        &Question { account: &account, health: &state, band_change: Some(&change), today: today() },
    )
}

#[test]
fn a101_a_risk_that_rises_is_told_once_with_what_changed_exactly() {
    let (models, calm) = (learnt(), assessed(GOOD));
    let first = follow_on(&Standings::new(), &models, GOOD, today());
    assert_eq!(first.standings[&Kind::Churn].level, Level::Low);
    assert_eq!(first.moved.iter().filter(|moved| moved.kind == Kind::Churn).count(), 0, "low from the beginning");
    let second = follow_on(&first.standings, &models, BAD, today());
    let [moved] = &second.moved.iter().filter(|moved| moved.kind == Kind::Churn).collect::<Vec<_>>()[..] else {
        panic!("{:?}", second.moved)
    };
    assert_eq!((moved.from, moved.to, moved.since_before), (Some(Level::Low), Level::High, true));
    let sum = moved.reasons.iter().fold(Quantity::ZERO, |sum, part| sum.plus(part.adds));
    assert_eq!(sum, assessed(BAD).log_odds.minus(calm.log_odds));
    assert!(moved.confidence_percent > 50);
    assert_eq!(moved.priority, priority(account().arr, Severity::High, moved.confidence_percent));
    let again = follow_on(&second.standings, &models, BAD, today());
    assert_eq!((again.standings, again.moved, again.entries), (second.standings.clone(), vec![], vec![]));
    let back = follow_on(&second.standings, &models, GOOD, today());
    assert_eq!(back.moved.iter().map(|moved| moved.to).collect::<Vec<_>>(), [Level::Low]);
}

#[test]
fn a_level_is_left_only_past_its_margin() {
    let mut assessment = assessed(GOOD);
    assessment.predicts = None;
    let at = |log_odds: Quantity| Assessment { log_odds, ..assessment.clone() };
    let edge = model().usual();
    let just_below = edge.minus(Quantity::from_micros(1));
    assert_eq!(level(model(), &at(just_below), None), Level::Low);
    assert_eq!(level(model(), &at(edge), None), Level::Raised);
    assert_eq!(level(model(), &at(just_below), Some(Level::Raised)), Level::Raised);
    assert_eq!(level(model(), &at(edge.minus(MARGIN)), Some(Level::Raised)), Level::Raised);
    assert_eq!(
        level(model(), &at(edge.minus(MARGIN).minus(Quantity::from_micros(1))), Some(Level::Raised)),
        Level::Low
    );
    assert_eq!(level(model(), &at(Quantity::ZERO.minus(MARGIN)), Some(Level::High)), Level::High);
}

#[test]
fn a46_a_prediction_goes_into_the_ledger_at_first_when_its_level_changes_and_once_a_month() {
    let models = learnt();
    let of =
        |followed: &Followed| followed.entries.iter().map(|entry| (entry.kind, entry.predicted_on)).collect::<Vec<_>>();
    let first = follow_on(&Standings::new(), &models, GOOD, today());
    assert_eq!(of(&first), [(Kind::Churn, today())]);
    assert_eq!(first.entries[0].until, today().plus(HORIZON_DAYS));
    let same = follow_on(&first.standings, &models, GOOD, today().plus(RECORD_DAYS - 1));
    assert_eq!((of(&same), &same.standings), (vec![], &first.standings));
    let month = follow_on(&first.standings, &models, GOOD, today().plus(RECORD_DAYS));
    assert_eq!(of(&month), [(Kind::Churn, today().plus(RECORD_DAYS))]);
    let again = follow_on(&month.standings, &models, BAD, today().plus(RECORD_DAYS));
    assert_eq!(of(&again), [], "the first one of a day stands");
    let worse = follow_on(&month.standings, &models, BAD, today().plus(RECORD_DAYS + 1));
    assert_eq!(of(&worse), [(Kind::Churn, today().plus(RECORD_DAYS + 1))]);
}

#[test]
fn a46_without_a_model_the_band_gives_the_level_and_its_reasons_are_told_and_nothing_is_predicted() {
    let reasons =
        vec![Reason { measure: Some("uptime".into()), text: "uptime fell".into(), delta: Points::whole(-20) }];
    let first = banded(&Standings::new(), None, Band::Champion, vec![]);
    let told: Vec<_> = first.moved.iter().map(|moved| (moved.kind, moved.from, moved.to)).collect();
    assert_eq!(told, [(Kind::Expansion, None, Level::High)], "low churn is no news, room to grow is");
    assert_eq!(first.entries, []);
    let fell = banded(&first.standings, Some(Band::Champion), Band::Critical, reasons);
    let told: Vec<_> = fell.moved.iter().map(|moved| (moved.kind, moved.from, moved.to)).collect();
    let churn = (Kind::Churn, Some(Level::Low), Level::High);
    assert_eq!(told, [churn, (Kind::Expansion, Some(Level::High), Level::Low)]);
    let adds: Vec<String> = fell.moved.iter().map(|moved| moved.reasons[0].adds.to_string()).collect();
    assert_eq!(adds, ["20", "-20"], "what takes health away adds to one risk and takes from the other");
    let worse = banded(&fell.standings, Some(Band::Critical), Band::Emergency, vec![]);
    assert_eq!((worse.moved, worse.standings), (vec![], fell.standings));
}

#[test]
fn where_no_band_is_known_there_is_no_level() {
    let (account, mut state) = (account(), state(GOOD));
    state.band = None;
    let question = Question { account: &account, health: &state, band_change: None, today: today() };
    assert_eq!(follow(&Standings::new(), &Models::none(), &question), Followed::default());
}

#[test]
fn a_new_artifact_begins_anew_and_tells_a_level_that_is_another_one_with_all_that_it_is_made_of() {
    let scored = banded(&Standings::new(), None, Band::Healthy, vec![]);
    assert_eq!(scored.standings[&Kind::Churn].level, Level::Low);
    let learnt = learnt();
    let after = follow_on(&scored.standings, &learnt, BAD, today());
    let moved = after.moved.iter().find(|moved| moved.kind == Kind::Churn).unwrap();
    assert_eq!((moved.from, moved.to, moved.since_before), (Some(Level::Low), Level::High, false));
    let sum = moved.reasons.iter().fold(model().base, |sum, part| sum.plus(part.adds));
    assert_eq!(sum, moved.risk.total());
    assert_eq!(after.standings[&Kind::Churn].model, moved.risk.model());
}

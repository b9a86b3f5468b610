use super::*;
use crate::account::LifecycleStage;
use crate::health::tests::{four, score, today};
use crate::risk::examples::{Examples, Feature, Values};
use crate::risk::real::Generator;
use crate::risk::train::{Recipe, train};
use crate::scorecard::tests::draft;
use std::sync::OnceLock;

fn account() -> Account {
    crate::health::tests::account(LifecycleStage::Optimization, Some(Day::from_number(today().number() + 90)))
}

fn health(values: [&'static str; 4]) -> Health {
    score(draft(), &four(values), today()).unwrap()
}

fn traits(values: [&'static str; 4]) -> Traits {
    Traits::of(&account(), &health(values), today())
}

/// Learnt from accounts of which those with little uptime left, and audits said nothing.
fn model() -> &'static Model {
    static MODEL: OnceLock<Model> = OnceLock::new();
    MODEL.get_or_init(|| {
        let mut generator = Generator::new(3);
        let (mut uptime, mut audit, mut left) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..400 {
            let percent = i32::try_from(generator.below(100)).unwrap();
            uptime.push(Some(Quantity::whole(percent)));
            audit.push(Some(Quantity::whole(i32::try_from(generator.below(100)).unwrap())));
            left.push(generator.below(100) < if percent < 50 { 90 } else { 5 });
        }
        let feature =
            |name: &str, values| Feature { name: name.to_owned(), protected: false, values: Values::Numbers(values) };
        let examples = Examples::new(vec![feature("uptime", uptime), feature("audit", audit)], left).unwrap();
        train(Kind::Churn, &examples, Recipe { seed: 1, with_protected: false }).unwrap().model
    })
}

fn holding() -> Holding<'static> {
    Holding { model: model(), digest: model().digest().unwrap() }
}

fn assessed(values: [&'static str; 4]) -> Assessment {
    match risk(Kind::Churn, Some(holding()), &traits(values), &health(values)) {
        Risk::Learnt { assessment, .. } => assessment,
        Risk::Scored { because, .. } => panic!("{because:?}"),
    }
}

#[test]
fn a101_a_model_gives_a_chance_with_reasons_that_add_up() {
    let low = assessed(["10", "50", "50", "50"]);
    assert_eq!(low.predicts, Some(true));
    assert_eq!(low.reasons.first().map(|reason| reason.of.as_str()), Some("uptime"));
    let sum = low.reasons.iter().fold(model().base, |sum, reason| sum.plus(reason.log_odds));
    assert_eq!(sum, low.log_odds);
}

#[test]
fn a46_without_outcomes_the_scorecard_is_asked_and_it_is_said() {
    let values = ["80", "90", "70", "60"];
    let (traits, health) = (traits(values), health(values));
    let scored = risk(Kind::Churn, None, &traits, &health);
    let Risk::Scored { because, points, ref reasons, .. } = scored else { panic!("{scored:?}") };
    assert_eq!((because, points), (Fallback::NoModel, Points::MAX.minus(health.score)));
    let missing = reasons.iter().fold(Points::ZERO, |sum, reason| sum.minus(reason.delta));
    assert_eq!(missing, points);
    assert_eq!(scored.entry(&account(), Kind::Churn, today(), today()), None);
    let grows = risk(Kind::Expansion, None, &traits, &health);
    assert!(matches!(grows, Risk::Scored { points, ref reasons, .. } if points == health.score && reasons.is_empty()));
}

#[test]
fn a101_a_model_of_churn_says_nothing_about_expansion() {
    let values = ["80", "90", "70", "60"];
    let other = risk(Kind::Expansion, Some(holding()), &traits(values), &health(values));
    assert!(matches!(other, Risk::Scored { because: Fallback::OtherKind, .. }), "{other:?}");
}

#[test]
fn a_model_of_features_that_nobody_measures_is_not_asked() {
    let values = ["80", "90", "70", "60"];
    let mut unknown = model().clone();
    for (at, single) in unknown.features.iter_mut().enumerate() {
        single.name = format!("unknown_{at}");
    }
    let holding = Holding { model: &unknown, digest: unknown.digest().unwrap() };
    let told = risk(Kind::Churn, Some(holding), &traits(values), &health(values));
    assert!(matches!(told, Risk::Scored { because: Fallback::TooLittleKnown, .. }), "{told:?}");
}

#[test]
fn a_risk_that_rises_is_told_once_with_what_changed_exactly() {
    let (calm, bad) = (assessed(["95", "50", "50", "50"]), assessed(["10", "50", "50", "50"]));
    let before = Standing::of(model(), &calm, None);
    assert_eq!(before.level, Level::Low);
    let moved_to = moved(model(), &before, &bad).unwrap();
    assert_eq!((moved_to.from, moved_to.to), (Level::Low, Level::High));
    let sum = moved_to.reasons.iter().fold(Quantity::ZERO, |sum, reason| sum.plus(reason.log_odds));
    assert_eq!(sum, bad.log_odds.minus(calm.log_odds));
    let after = Standing::of(model(), &bad, Some(before.level));
    assert_eq!(moved(model(), &after, &bad), None);
    assert_eq!(moved(model(), &after, &calm).map(|moved| moved.to), Some(Level::Low));
}

#[test]
fn a_level_is_left_only_past_its_margin() {
    let mut assessment = assessed(["95", "50", "50", "50"]);
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

use super::*;
use crate::account::LifecycleStage;
use crate::health::tests::{four, score, today};
use crate::risk::examples::{Examples, Feature, Values};
use crate::risk::real::Generator;
use crate::risk::train::{Recipe, train};
use crate::scorecard::tests::draft;
use std::sync::OnceLock;

pub(super) fn account() -> Account {
    crate::health::tests::account(LifecycleStage::Optimization, Some(Day::from_number(today().number() + 90)))
}

pub(super) fn health(values: [&'static str; 4]) -> Health {
    score(draft(), &four(values), today()).unwrap()
}

fn traits(values: [&'static str; 4]) -> Traits {
    Traits::of(&account(), &health(values), today())
}

/// Learnt from accounts of which those with little uptime left, and audits said nothing.
pub(super) fn model() -> &'static Model {
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

pub(super) fn assessed(values: [&'static str; 4]) -> Assessment {
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
    let missing = reasons.iter().fold(Quantity::ZERO, |sum, part| sum.plus(part.adds));
    assert_eq!(missing.micros(), points.micros(), "what is missing adds up to the points");
    assert_eq!(scored.entry(&account(), Kind::Churn, today(), today()), None);
    let grows = risk(Kind::Expansion, None, &traits, &health);
    assert!(matches!(grows, Risk::Scored { points, .. } if points == health.score));
    let sum = grows.parts().iter().fold(grows.base(Kind::Expansion, &Models::none()), |sum, part| sum.plus(part.adds));
    assert_eq!(sum, grows.total());
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

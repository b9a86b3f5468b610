//! Models made from small examples, and what they may never do.

use super::examples::{Examples, Feature, Value, Values};
use super::logistic::Design;
use super::model::{Kind, Model, ModelError};
use super::real::Generator;
use super::train::{LEAST_OUTCOMES, Recipe, TrainError, Trained, divide, train};
use crate::fixed::Quantity;
use std::sync::OnceLock;

const RECIPE: Recipe = Recipe { seed: 1, with_protected: false };

/// Accounts whose risk depends on usage, on the plan, on the two together, and on nothing else. The region of a
/// contact is protected, and says a part of what the plan says.
fn accounts(count: usize) -> Examples {
    let mut generator = Generator::new(5);
    let (mut usage, mut noise, mut plan, mut region, mut left) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..count {
        let used = generator.below(100);
        let small = generator.below(2) == 0;
        let odds = match (used < 40, small) {
            (true, true) => 80,
            (true, false) => 25,
            (false, true) => 10,
            (false, false) => 12,
        };
        left.push(generator.below(100) < odds);
        let known = generator.below(10) > 0;
        usage.push(known.then(|| Quantity::whole(i32::try_from(used).unwrap())));
        noise.push(Some(Quantity::whole(i32::try_from(generator.below(50)).unwrap())));
        plan.push(Some(if small { "small" } else { "large" }.to_owned()));
        region.push(Some(if small == (generator.below(10) < 8) { "north" } else { "south" }.to_owned()));
    }
    let feature = |name: &str, values: Values| Feature { name: name.to_owned(), protected: name == "region", values };
    let features = vec![
        feature("usage", Values::Numbers(usage)),
        feature("noise", Values::Numbers(noise)),
        feature("plan", Values::Words(plan)),
        feature("region", Values::Words(region)),
    ];
    Examples::new(features, left).unwrap()
}

/// Trained once for all tests.
fn trained() -> &'static (Examples, Trained) {
    static TRAINED: OnceLock<(Examples, Trained)> = OnceLock::new();
    TRAINED.get_or_init(|| {
        let examples = accounts(600);
        let trained = train(Kind::Churn, &examples, RECIPE).unwrap();
        (examples, trained)
    })
}

#[test]
fn a38_the_same_data_and_seed_give_the_same_artifact() {
    let (examples, trained) = trained();
    let again = train(Kind::Churn, examples, RECIPE).unwrap();
    assert_eq!(serde_json::to_vec(&again.model).unwrap(), serde_json::to_vec(&trained.model).unwrap());
    let other = train(Kind::Churn, examples, Recipe { seed: 2, ..RECIPE }).unwrap();
    assert_ne!(other.model.digest().unwrap(), trained.model.digest().unwrap());
}

#[test]
fn an_artifact_is_read_as_it_was_written() {
    let model = &trained().1.model;
    let read: Model = serde_json::from_slice(&serde_json::to_vec(model).unwrap()).unwrap();
    assert_eq!((&read, read.digest().unwrap()), (model, model.digest().unwrap()));
    assert_eq!(read.check(), Ok(()));
}

#[test]
fn a119_reasons_sum_to_the_log_odds_exactly() {
    let (examples, trained) = trained();
    for row in 0..examples.outcomes().len() {
        let value = |name: &str| examples.value(row, name);
        let assessment = trained.model.assess(value);
        let sum = assessment.reasons.iter().fold(trained.model.base, |sum, reason| sum.plus(reason.log_odds));
        assert_eq!(sum, assessment.log_odds);
        assert_eq!(trained.model.log_odds(value), assessment.log_odds);
        assert!(assessment.reasons.is_sorted_by_key(|reason| std::cmp::Reverse(reason.log_odds.micros().abs())));
    }
}

#[test]
fn a101_what_was_planted_is_learnt_with_what_acts_together() {
    let model = &trained().1.model;
    let chance = |usage: i32, plan: &'static str| {
        let value = move |name: &str| match name {
            "usage" => Value::Number(Quantity::whole(usage)),
            "plan" => Value::Word(plan),
            _ => Value::Unknown,
        };
        model.assess(value)
    };
    let (low_small, low_large) = (chance(10, "small"), chance(10, "large"));
    let (high_small, high_large) = (chance(80, "small"), chance(80, "large"));
    assert!((low_small.chance.to_f64() - 0.80).abs() < 0.12, "{low_small:?}");
    assert!((low_large.chance.to_f64() - 0.25).abs() < 0.12, "{low_large:?}");
    assert!((high_small.chance.to_f64() - 0.10).abs() < 0.10, "{high_small:?}");
    assert!((high_large.chance.to_f64() - 0.12).abs() < 0.10, "{high_large:?}");
    assert!(low_small.reasons.first().is_some_and(|reason| reason.what.contains("usage")), "{low_small:?}");
}

#[test]
fn a46_it_refuses_to_learn_from_fewer_than_thirty_outcomes() {
    let examples = accounts(600);
    let (happened, others): (Vec<usize>, Vec<usize>) = (0..600).partition(|row| examples.outcomes()[*row]);
    let with = |count: usize| examples.select(&[&happened[..count], &others[..200]].concat());
    let refused = train(Kind::Expansion, &with(LEAST_OUTCOMES - 1), RECIPE).unwrap_err();
    assert_eq!(refused, TrainError::TooFew { kind: Kind::Expansion, happened: 29, others: 200 });
    assert_eq!(
        refused.to_string(),
        "29 outcomes of `expansion` and 200 without are too few to learn from; it takes 30 of each"
    );
    assert!(train(Kind::Expansion, &with(LEAST_OUTCOMES), RECIPE).is_ok());
}

#[test]
fn a46_of_what_it_predicts_enough_is_right_and_about_the_rest_it_abstains() {
    let (examples, trained) = trained();
    let record = &trained.model.record;
    assert!(
        record.accuracy.to_f64() >= 0.85 && record.coverage.to_f64() < 1.0 && record.coverage.to_f64() > 0.3,
        "{record:?}"
    );
    let rows = 0..examples.outcomes().len();
    let assessed = rows.map(|row| trained.model.assess(|name| examples.value(row, name)));
    let (issued, abstained): (Vec<_>, Vec<_>) = assessed.partition(|assessment| assessment.predicts.is_some());
    assert!(!issued.is_empty() && !abstained.is_empty());
    let least = trained.model.least_sureness.to_f64();
    assert!(
        abstained
            .iter()
            .all(|assessment| assessment.chance.to_f64() < least && assessment.chance.to_f64() > 1.0 - least)
    );
}

#[test]
fn protected_attributes_are_dropped_and_what_that_costs_is_said() {
    let (examples, trained) = trained();
    assert_eq!(trained.model.record.dropped, ["region"]);
    assert!(trained.model.record.dropping_costs.is_some_and(|cost| cost.to_f64().abs() < 0.03));
    assert!(trained.model.features.iter().all(|single| single.name != "region"));
    let shown =
        train(Kind::Churn, &examples.select(&(0..300).collect::<Vec<_>>()), Recipe { with_protected: true, ..RECIPE })
            .unwrap();
    assert!(shown.model.features.iter().any(|single| single.name == "region"));
    assert_eq!((shown.model.record.dropped.len(), shown.model.record.dropping_costs), (0, None));
}

#[test]
fn what_is_unknown_has_a_bin_of_its_own_and_says_nothing_where_nothing_was_unknown() {
    let model = &trained().1.model;
    let single = |name: &str| model.features.iter().find(|single| single.name == name).unwrap();
    assert!(single("usage").examples[0] > 30);
    assert_eq!((single("noise").examples[0], single("noise").table[0]), (0, Quantity::ZERO));
    assert_eq!((single("plan").examples[0], single("plan").table[0]), (0, Quantity::ZERO));
}

#[test]
fn every_table_says_nothing_on_average() {
    for single in &trained().1.model.features {
        let count: u64 = single.examples.iter().sum();
        let sum: i128 = single
            .table
            .iter()
            .zip(&single.examples)
            .map(|(cell, count)| i128::from(cell.micros()) * i128::from(*count))
            .sum();
        assert!((sum / i128::from(count)).abs() <= 1, "{}", single.name);
    }
}

#[test]
fn a_model_whose_tables_do_not_fit_is_refused() {
    let mut model = trained().1.model.clone();
    model.features[0].table.pop();
    assert_eq!(model.check(), Err(ModelError::Table("usage".to_owned())));
    let mut model = trained().1.model.clone();
    model.pairs[0].second = 99;
    assert_eq!(model.check(), Err(ModelError::Pair(0)));
}

#[test]
fn examples_are_divided_once_each_and_evenly() {
    let outcomes: Vec<bool> = (0..100).map(|row| row % 10 == 0).collect();
    let parts = divide(&outcomes, 5, &mut Generator::new(1));
    let mut all = parts.concat();
    all.sort_unstable();
    assert_eq!(all, (0..100).collect::<Vec<_>>());
    assert!(parts.iter().all(|part| part.iter().filter(|row| outcomes[**row]).count() == 2));
}

/// Made by `oracles/logistic.py`.
#[test]
fn logistic_regression_agrees_with_scikit_learn() {
    #[derive(serde::Deserialize)]
    struct Oracle {
        rows: Vec<[f64; 3]>,
        outcomes: Vec<u8>,
        fits: Vec<OracleFit>,
    }
    #[derive(serde::Deserialize)]
    struct OracleFit {
        c: f64,
        intercept: f64,
        coefficients: [f64; 3],
    }
    let oracle: Oracle = serde_json::from_str(include_str!("../../oracles/logistic.json")).unwrap();
    let rows = oracle.rows.iter().map(|row| vec![(0, 1.0), (1, row[0]), (2, row[1]), (3, row[2])]).collect();
    let design = Design { columns: 4, rows };
    let outcomes: Vec<bool> = oracle.outcomes.iter().map(|outcome| *outcome == 1).collect();
    let all: Vec<usize> = (0..outcomes.len()).collect();
    assert_eq!(oracle.fits.len(), 3);
    for fit in &oracle.fits {
        // Its C weighs the costs; here the penalty is weighed instead.
        let penalty: Vec<_> = (1..4).map(|column| (column, column, 1.0 / fit.c)).collect();
        let ours = design.fit(&outcomes, &all, &penalty, vec![0.0; 4], 50).coefficients;
        let theirs = [fit.intercept, fit.coefficients[0], fit.coefficients[1], fit.coefficients[2]];
        for (ours, theirs) in ours.iter().zip(theirs) {
            assert!((ours - theirs).abs() < 1e-6, "{ours} {theirs}");
        }
    }
}

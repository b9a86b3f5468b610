//! Risks, forecasts and anomalies through the doors of score.

use super::*;
use contract::event::{AnomalyFound, RiskChanged};
use contract::risk::{ForecastAnswer, LedgerAnswer, RiskAnswer, RiskBody};
use domain::fixed::Quantity;
use domain::risk::model::{Kind, Model, Record, Single};
use domain::risk::scale::Scale;

/// Those with an uptime of at most 99 leave: log-odds of 3 for them, of -3 for the others.
fn model() -> Model {
    let number = |text: &str| text.parse::<Quantity>().unwrap();
    let single = |name: &str, edge: &str, table: [&str; 3]| Single {
        name: name.into(),
        scale: Scale::Numbers(vec![number(edge)]),
        table: table.map(number).to_vec(),
        examples: vec![0, 50, 50],
    };
    let record = Record {
        examples: 100,
        happened: 50,
        auc: number("0.9"),
        log_loss: number("0.3"),
        brier: number("0.1"),
        coverage: number("0.8"),
        accuracy: number("0.9"),
        calibrated: false,
        dropped: vec![],
        dropping_costs: None,
    };
    Model {
        kind: Kind::Churn,
        seed: 1,
        record,
        base: number("-0.1"),
        features: vec![single("uptime", "99", ["0", "3", "-3"]), single("csat", "50", ["0", "0.25", "-0.125"])],
        pairs: vec![],
        least_sureness: number("0.8"),
    }
}

fn stage_with_model() -> Stage {
    let mut stage = stage();
    let models = contract::risk::together(vec![model()]).unwrap();
    stage.score = Score::new(stage.doubles.ports()).unwrap().with_models(models);
    stage
}

impl Stage {
    pub(super) fn risks(&self) -> Vec<RiskChanged> {
        let facts = self.doubles.published().into_iter().map(|event| event.fact);
        facts.filter_map(|fact| if let Fact::RiskChanged(fact) = fact { Some(fact) } else { None }).collect()
    }

    fn anomalies(&self) -> Vec<AnomalyFound> {
        let facts = self.doubles.published().into_iter().map(|event| event.fact);
        facts.filter_map(|fact| if let Fact::AnomalyFound(fact) = fact { Some(fact) } else { None }).collect()
    }

    fn risk(&self) -> RiskAnswer {
        self.ask("t", "/accounts/{id}/risk", "acme", None).unwrap()
    }

    fn ledger(&self) -> LedgerAnswer {
        self.ask("t", "/risks/ledger", "acme", None).unwrap()
    }

    /// So many days with a run each, on which these values come in.
    fn days(&self, days: i64, values: impl Fn(i64) -> Vec<(Metric, String)>) {
        for day in 0..days {
            self.pass(1);
            let values = values(day);
            let values: Vec<(Metric, &str)> = values.iter().map(|(metric, value)| (*metric, value.as_str())).collect();
            self.learn(&values);
            self.run();
        }
    }

    fn describe_as(&self, name: &str, value: serde_json::Value) {
        let profile = keys::profile(&tenant(), &id("acme"));
        let mut state = self.doubles.value(&profile).unwrap()["state"].clone();
        state[name] = value;
        self.doubles.put(&profile, &json!({ "state": state }));
    }
}

fn sum(body: &RiskBody) -> Quantity {
    let number = |text: &String| text.parse::<Quantity>().unwrap();
    body.contributions.iter().fold(number(&body.base), |sum, part| sum.plus(number(&part.adds)))
}

/// About a thousand users a day, fewer at weekends, never quite the same.
fn users(day: i64, factor: f64) -> Vec<(Metric, String)> {
    let usual = if day % 7 >= 5 { 400.0 } else { 1_000.0 };
    let noise = 1.0 + f64::from(i32::try_from(day * 37 % 11).unwrap() - 5) / 100.0;
    vec![(Metric::ActiveUsers, format!("{}", (usual * noise * factor).round())), (Metric::Uptime, "99.95".to_owned())]
}

#[test]
fn a101_without_a_model_the_scorecard_says_both_risks_and_that_it_does() {
    let stage = stage();
    stage.learn(GOOD);
    stage.hear("1");
    let risk = stage.risk();
    for body in [&risk.churn, &risk.expansion] {
        assert_eq!((body.basis.as_str(), body.by.as_str(), body.unit.as_str()), ("scorecard", "default-1", "points"));
        assert!(body.because.as_deref().unwrap().contains("no model"), "{body:?}");
        assert_eq!((body.abstains, &body.chance, &body.record), (true, &None, &None), "points are no chance");
        assert_eq!(sum(body).to_string(), body.total, "{body:?}");
    }
    assert_eq!(risk.churn.level.as_deref(), Some("low"));
    assert_ne!(risk.churn.total, risk.expansion.total);
    for (who, account) in [("u", "acme"), ("t", "nobody")] {
        assert_eq!(stage.ask::<RiskAnswer>(who, "/accounts/{id}/risk", account, None).err(), Some(404));
    }
}

#[test]
fn a101_a_fall_through_the_bands_is_a_risk_that_rose_told_once_with_the_reasons() {
    let stage = stage();
    stage.learn(GOOD);
    stage.hear("1");
    let before = stage.risks().len();
    stage.pass(1);
    let fallen: Vec<(Metric, &str)> = GOOD.iter().map(|(metric, _)| (*metric, "1")).collect();
    stage.learn(&fallen);
    stage.hear("2");
    let told = stage.risks();
    let churn: Vec<&RiskChanged> = told[before..].iter().filter(|fact| fact.kind == "churn").collect();
    let [churn] = churn[..] else { panic!("{told:?}") };
    assert_eq!((churn.from.as_deref(), churn.to.as_str(), churn.direction.as_str()), (Some("low"), "high", "up"));
    assert_eq!((churn.basis.as_str(), churn.severity, churn.since_before), ("scorecard", Severity::High, true));
    assert!(churn.reasons[0].adds.parse::<Quantity>().unwrap() > Quantity::ZERO, "{churn:?}");
    assert!(churn.priority > 0 && churn.priority % 50_000 == 0, "revenue × severity × confidence: {}", churn.priority);
    let told = stage.doubles.published().len();
    stage.hear("2");
    stage.hear("3");
    assert_eq!(stage.risks().len(), before + 2, "churn and expansion, once");
    assert_eq!(stage.doubles.published().len(), told);
}

#[test]
fn a101_a_model_is_asked_where_there_is_one_and_a_change_of_level_adds_up_exactly() {
    let stage = stage_with_model();
    stage.learn(GOOD);
    stage.hear("1");
    let good = stage.risk();
    assert_eq!((good.churn.basis.as_str(), good.churn.predicts), ("model", Some(false)));
    assert_eq!((good.churn.total.as_str(), sum(&good.churn).to_string().as_str()), ("-3.225", "-3.225"));
    assert_eq!(good.churn.record.as_ref().map(|record| record.examples), Some(100));
    assert_eq!(good.expansion.basis, "scorecard", "nobody trained a model of expansion");
    stage.pass(14);
    stage.learn(&[(Metric::Uptime, "90"), (Metric::Csat, "96")]);
    stage.hear("2");
    let told = stage.risks();
    let churn = told.iter().rfind(|fact| fact.kind == "churn").unwrap();
    assert_eq!((churn.basis.as_str(), churn.from.as_deref(), churn.to.as_str()), ("model", Some("low"), "high"));
    assert_eq!(churn.by, good.churn.by, "the artifact's fingerprint");
    let moved = churn.reasons.iter().fold(Quantity::ZERO, |sum, part| sum.plus(part.adds.parse().unwrap()));
    let total = |text: &str| text.parse::<Quantity>().unwrap();
    assert_eq!(moved, total(&stage.risk().churn.total).minus(total(&good.churn.total)));
    assert_eq!(churn.chance, stage.risk().churn.chance);
}

#[test]
fn a101_a_model_that_is_not_sure_abstains() {
    let stage = stage_with_model();
    let values: Vec<_> = GOOD.iter().copied().filter(|(metric, _)| *metric != Metric::Uptime).collect();
    stage.learn(&values);
    stage.hear("1");
    let churn = stage.risk().churn;
    assert_eq!((churn.basis.as_str(), churn.predicts, churn.abstains), ("model", None, true));
    assert!(churn.chance.is_some());
}

#[test]
fn a27_a_real_drop_in_use_is_told_with_value_and_expectation_and_a_week_is_not() {
    let stage = stage();
    stage.days(70, |day| users(day, 1.0));
    assert_eq!(stage.anomalies(), []);
    stage.days(8, |day| users(70 + day, 0.6));
    let found = stage.anomalies();
    assert!((1..=2).contains(&found.len()), "{found:#?}");
    let first = &found[0];
    assert_eq!((first.metric.as_str(), first.direction.as_str()), ("active_users", "down"));
    let number = |text: &str| text.parse::<Quantity>().unwrap();
    assert!(number(&first.value) < number(&first.expected), "{first:?}");
    assert!(first.priority > 0 && first.reason.contains("to be expected"), "{first:?}");
}

#[test]
fn a27_anomalies_and_risks_cost_no_read_more_and_nothing_where_nothing_changed() {
    let stage = stage();
    stage.days(70, |day| users(day, 1.0));
    stage.days(2, |day| users(70 + day, 0.6));
    stage.pass(1);
    stage.doubles.take_calls();
    stage.hear("next day");
    assert_eq!(stage.doubles.take_calls().reads, 1);
    stage.keep();
    stage.doubles.take_calls();
    let told = stage.doubles.published().len();
    stage.hear("again");
    assert_eq!((stage.doubles.take_calls(), stage.doubles.published().len()), (Calls { reads: 1, commits: 0 }, told));
}

#[test]
fn a119_what_was_predicted_is_kept_and_joined_with_what_happened() {
    let stage = stage_with_model();
    stage.learn(&[GOOD, &[(Metric::Uptime, "90")]].concat());
    stage.hear("1");
    let ledger = stage.ledger();
    assert_eq!((ledger.outcomes, ledger.complete, ledger.models.len()), (0, true, 1));
    assert_eq!((ledger.models[0].judged, ledger.models[0].open), (0, 1));
    assert_eq!(ledger.models[0].model, stage.risk().churn.by);
    stage.pass(100);
    stage.describe_as("stage", json!("churned"));
    stage.hear("2");
    stage.run();
    let ledger = stage.ledger();
    let judged = &ledger.models[0];
    assert_eq!((ledger.outcomes, judged.judged, judged.happened, judged.open), (1, 1, 1, 0));
    assert_eq!(judged.figures, None, "one outcome is too few for figures");
}

#[test]
fn a119_a_customer_that_buys_more_is_an_outcome_and_a_price_that_rises_is_none() {
    let stage = stage();
    stage.learn(GOOD);
    stage.hear("1");
    let run_with = |cents: i64| {
        stage.pass(1);
        stage.describe_as("arr", json!(cents));
        stage.run();
    };
    run_with(5_400_000);
    assert_eq!(stage.ledger().outcomes, 0);
    run_with(7_000_000);
    run_with(7_000_000);
    assert_eq!(stage.ledger().outcomes, 1);
}

#[test]
fn a43_the_score_is_forecast_and_too_short_a_history_says_so() {
    let stage = stage();
    stage.learn(GOOD);
    stage.hear("1");
    let forecast = || stage.ask::<ForecastAnswer>("t", "/accounts/{id}/forecast", "acme", None).unwrap();
    let short = forecast();
    assert_eq!((short.points.len(), short.beats_naive), (0, false));
    assert!(short.note.starts_with("insufficient: 1 "), "{}", short.note);
    stage.days(60, |day| {
        let falls = f64::from(i32::try_from(day).unwrap());
        let good = GOOD.iter().filter(|(metric, _)| *metric != Metric::Csat);
        let mut values: Vec<_> = good.map(|(metric, value)| (*metric, (*value).to_owned())).collect();
        values.push((Metric::Csat, format!("{}", 96.0 - falls)));
        values
    });
    let long = forecast();
    assert_eq!(long.points.len(), 28);
    assert_eq!(long.points[0].on, Day::of(stage.doubles.now()).plus(1));
    for point in &long.points {
        let lines = [&point.low_95, &point.low_80, &point.middle, &point.high_80, &point.high_95];
        let lines = lines.map(|text| text.parse::<Points>().unwrap());
        assert!(lines.is_sorted(), "{point:?}");
    }
    assert_eq!(stage.ask::<ForecastAnswer>("u", "/accounts/{id}/forecast", "acme", None).err(), Some(404));
}

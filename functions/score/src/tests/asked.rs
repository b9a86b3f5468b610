//! What people ask of score and say to it: overrides, differences, suppositions, evidence, the past under another scorecard.

use super::*;
use contract::score::{
    DifferenceAnswer, EvidenceAnswer, MaturityAnswer, RescoreAnswer, RescorePage, ScorecardAnswer, ScorecardList,
    WhatIfAnswer,
};
use serde_json::Value;

const OVERRIDE: &str = "/accounts/{id}/health/overrides/{subject}";

impl Stage {
    /// Asks about `acme`: the method and the route with the values of its other parameters.
    pub(super) fn request(
        &self,
        asked: (&str, &str),
        parameters: &[(&str, &str)],
        query: &[(&str, &str)],
        body: &Value,
    ) -> Result<Value, Problem> {
        let of = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        let mut parameters = of(parameters);
        parameters.insert("id".into(), "acme".into());
        let request = Request {
            method: asked.0.into(),
            route: asked.1.into(),
            parameters,
            query: of(query),
            body: body.to_string().into(),
            request_id: format!("{asked:?}{query:?}{body}{}", self.doubles.now()),
            ..Request::default()
        };
        let response = block_on(self.score.call(&caller("t", "kim"), &request))?;
        Ok(serde_json::from_str(&response.body).unwrap())
    }

    fn get<T: DeserializeOwned>(&self, route: &str, query: &[(&str, &str)]) -> T {
        serde_json::from_value(self.request(("GET", route), &[], query, &Value::Null).unwrap()).unwrap()
    }

    fn say(&self, subject: &str, body: &Value) -> Result<Value, Problem> {
        self.request(("PUT", OVERRIDE), &[("subject", subject)], &[], body)
    }

    /// `acme` is no customer any more.
    fn leave(&self) {
        let profile = keys::profile(&tenant(), &id("acme"));
        let mut state = self.doubles.value(&profile).unwrap()["state"].clone();
        state["stage"] = json!("churned");
        self.doubles.put(&profile, &json!({ "state": state }));
    }

    fn until(&self, hours: i64) -> String {
        (self.doubles.now() + SignedDuration::from_hours(hours)).to_string()
    }

    pub(super) fn faults(problem: Problem) -> Vec<String> {
        problem.errors.into_iter().map(|fault| format!("{} {}", fault.path, fault.reason)).collect()
    }
}

/// A scorecard of uptime alone.
pub(super) fn uptime() -> Value {
    serde_json::from_str(include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/tests/uptime.json"))).unwrap()
}

fn good() -> Stage {
    let stage = stage();
    stage.learn(GOOD);
    stage.hear("1");
    stage
}

#[test]
fn an_override_shows_both_values_is_kept_by_a_rescore_and_ends() {
    let stage = good();
    let before = stage.health();
    let said = json!({ "points": 40, "reason": "the sponsor leaves in March", "expires_at": stage.until(48) });
    stage.say("score", &said).unwrap();
    stage.say("csat", &json!({ "points": 0, "reason": "they called", "expires_at": stage.until(1) })).unwrap();
    let health = stage.health();
    assert_eq!((health.score.as_deref(), health.band.as_deref()), (Some("40"), Some("emergency")));
    assert!(points(&health.made_of.computed) < points(before.score.as_ref().unwrap()), "csat counts for nothing");
    let csat = health.made_of.measures.iter().find(|part| part.measure == "csat").unwrap();
    assert_eq!((csat.state.as_str(), csat.points.as_deref()), ("overridden", Some("0")));
    assert!(csat.computed_points.as_deref().is_some_and(|points| points != "0"));
    let by: Vec<(&str, &str)> =
        health.made_of.overrides.iter().map(|said| (said.subject.as_str(), said.author.as_str())).collect();
    assert_eq!(by, [("csat", "kim"), ("score", "kim")]);
    assert_eq!(stage.moved().last().unwrap().to, "emergency", "whoever acts on bands hears of it");

    stage.pass(1);
    stage.learn(GOOD);
    stage.run();
    let rescored = stage.health();
    assert_eq!(
        (rescored.score.as_deref(), rescored.made_of.computed.as_str()),
        (Some("40"), before.made_of.computed.as_str())
    );
    stage.pass(1);
    stage.run();
    let ended = stage.health();
    assert_eq!((ended.made_of.overrides.len(), ended.score), (0, Some(ended.made_of.computed.clone())));
    let [.., last] = &stage.scored()[..] else { panic!() };
    assert!(last.reasons.iter().any(|reason| reason.text == "kim no longer says so"), "{:?}", last.reasons);
}

#[test]
fn a_band_is_said_and_taken_back() {
    let stage = good();
    let computed = stage.health().band;
    let said = json!({ "band": "critical", "reason": "they are shopping around", "expires_at": stage.until(48) });
    stage.say("band", &said).unwrap();
    let health = stage.health();
    assert_eq!((health.band.as_deref(), &health.computed_band), (Some("critical"), &computed));
    let [.., moved] = &stage.moved()[..] else { panic!() };
    assert_eq!(
        (moved.to.as_str(), moved.reasons[0].text.as_str()),
        ("critical", "kim says so: they are shopping around")
    );
    stage.request(("DELETE", OVERRIDE), &[("subject", "band")], &[], &Value::Null).unwrap();
    assert_eq!(stage.health().band, computed);
    assert_eq!(stage.history(None).entries.len(), 3, "each is kept");
}

#[test]
fn an_override_that_makes_no_sense_is_refused_by_its_path_and_nothing_is_written() {
    let stage = good();
    let until = stage.until(48);
    let refused = |subject: &str, body: Value| Stage::faults(stage.say(subject, &body).unwrap_err()).join("; ");
    let points = json!({ "points": 40, "reason": "x", "expires_at": until });
    assert!(
        refused("smiles", points.clone()).starts_with("subject `smiles` is no measure of `default-1`; give one of: ")
    );
    assert!(refused("band", points.clone()).starts_with("band is what an override of the band has"));
    assert!(
        refused("score", json!({ "band": "critical", "reason": "x", "expires_at": until })).starts_with("points are")
    );
    assert!(refused("score", json!({ "points": 140, "reason": "x", "expires_at": until })).starts_with("points `140`"));
    assert!(refused("score", json!({ "points": 40, "reason": " ", "expires_at": until })).starts_with("reason "));
    let past = json!({ "points": 40, "reason": "x", "expires_at": "2001-01-01T00:00:00Z" });
    assert!(refused("score", past).starts_with("expires_at it would end at 2001-01-01T00:00:00Z; give"));
    assert!(refused("score", json!({ "points": 40, "expires_at": until })).starts_with("reason missing field"));
    assert_eq!(stage.history(None).entries.len(), 1);
    assert_eq!(super::stage().say("score", &points).unwrap_err().status, 404, "nothing was scored yet");
}

#[test]
fn health_is_blank_at_churn_and_its_last_state_stays_readable() {
    let stage = good();
    let said = json!({ "points": 0, "reason": "they called", "expires_at": stage.until(48) });
    stage.say("csat", &said).unwrap();
    let (last, entries) = (stage.health(), stage.history(None).entries.len());
    stage.leave();
    stage.hear("2");
    stage.hear("3");
    let health = stage.health();
    assert_eq!((health.score, health.band, health.blank_since), (None, None, Some(stage.doubles.now())));
    assert_eq!(health.made_of.computed, last.made_of.computed);
    let blanked: Vec<_> = stage
        .doubles
        .published()
        .into_iter()
        .filter_map(|event| if let Fact::HealthBlanked(fact) = event.fact { Some(fact) } else { None })
        .collect();
    assert_eq!(blanked.len(), 1);
    assert_eq!((&Some(blanked[0].last_score.clone()), &blanked[0].last_band), (&last.score, &last.band));
    assert!(stage.history(None).entries[0].then.blank);
    stage.pass(3);
    stage.run();
    assert_eq!(stage.history(None).entries.len(), entries + 1, "the end of an override blanks nobody again");
    let said = json!({ "points": 40, "reason": "x", "expires_at": stage.until(1) });
    assert_eq!(stage.say("score", &said).unwrap_err().status, 409);
}

#[test]
fn any_two_scores_of_the_past_are_compared_to_the_last_digit() {
    let stage = good();
    let first = stage.doubles.now();
    stage.pass(3);
    stage.learn(&[(Metric::Uptime, "96"), (Metric::Csat, "60")]);
    stage.hear("2");
    stage.pass(3);
    stage.learn(&[(Metric::Csat, "61")]);
    stage.hear("3");
    let (from, to) = (first.to_string(), stage.doubles.now().to_string());
    let answer: DifferenceAnswer = stage.get("/accounts/{id}/health/difference", &[("from", &from), ("to", &to)]);
    let sum = answer.changes.iter().fold(Points::ZERO, |sum, change| sum.plus(points(&change.points)));
    assert_eq!(sum, points(&answer.difference));
    assert_eq!(points(&answer.from.score).plus(sum), points(&answer.to.score));
    assert_eq!((answer.from.scored_at, answer.to.scored_at), (first, stage.doubles.now()));
    let sentence = &answer.sentence;
    assert!(sentence.starts_with("down ") && sentence.contains("uptime fell from 99.95 % to "), "{sentence}");
    let missing = stage.request(
        ("GET", "/accounts/{id}/health/difference"),
        &[],
        &[("from", "2001-01-01T00:00:00Z")],
        &Value::Null,
    );
    assert_eq!(missing.unwrap_err().status, 404);
    let wrong = stage.request(("GET", "/accounts/{id}/health/difference"), &[], &[("from", "Monday")], &Value::Null);
    assert_eq!(Stage::faults(wrong.unwrap_err()), ["from cannot be `Monday`; write it as 2026-11-22T08:00:00Z"]);
}

#[test]
fn health_says_what_moved_in_a_week_and_what_the_next_band_would_take() {
    let stage = stage();
    let weaker: Vec<(Metric, &str)> = GOOD
        .iter()
        .map(|(metric, value)| (*metric, if *metric == Metric::CostSaving { "30" } else { *value }))
        .collect();
    stage.learn(GOOD);
    stage.hear("1");
    assert_eq!(stage.health().summary, None, "there is no week before");
    stage.pass(8);
    stage.learn(&weaker);
    stage.hear("2");
    let health = stage.health();
    let summary = health.summary.unwrap();
    assert!(summary.contains("cost saving fell from 75 % to 30 %"), "{summary}");
    let next = health.next_band.unwrap();
    let step = next.reach.alone.iter().find(|step| step.measure == "cost_saving").unwrap();
    let values = json!({ "values": { "cost_saving": step.to.parse::<f64>().unwrap() } });
    let supposed = stage.request(("POST", "/accounts/{id}/health/what-if"), &[], &[], &values).unwrap();
    let supposed: WhatIfAnswer = serde_json::from_value(supposed).unwrap();
    assert_eq!((supposed.band, supposed.now, next.status.as_str()), (next.band, health.score, "open"));
    let sum = supposed.changes.iter().fold(Points::ZERO, |sum, change| sum.plus(points(&change.points)));
    assert_eq!(points(&supposed.score).minus(sum), points(stage.health().score.as_ref().unwrap()));
    assert_eq!(stage.history(None).entries.len(), 2, "a supposition changes nothing");
    let wrong = stage.request(("POST", "/accounts/{id}/health/what-if"), &[], &[], &json!({ "values": { "joy": 1 } }));
    assert!(
        Stage::faults(wrong.unwrap_err())[0]
            .starts_with("values.joy `joy` is no measure of `default-1`; give one of: uptime")
    );
}

#[test]
fn evidence_names_the_days_and_how_old_they_are() {
    let stage = good();
    stage.pass(2);
    stage.learn(&[(Metric::Uptime, "98")]);
    stage.hear("2");
    let answer: EvidenceAnswer = stage.get("/accounts/{id}/health/evidence", &[("measure", "uptime")]);
    let days: Vec<(i32, &str)> = answer.days.iter().map(|day| (day.age_days, day.sum.as_str())).collect();
    assert_eq!(days, [(0, "98"), (2, "99.95")]);
    assert_eq!((answer.value.as_deref(), answer.state.as_str(), answer.age_days), (Some("98.975"), "present", Some(0)));
    assert_eq!(answer.window_to.since(answer.window_from), 6);
}

#[test]
fn evidence_of_a_value_that_is_held_is_of_its_own_days() {
    let stage = good();
    stage.pass(10);
    stage.run();
    let answer: EvidenceAnswer = stage.get("/accounts/{id}/health/evidence", &[("measure", "uptime")]);
    assert_eq!((answer.value.as_deref(), answer.state.as_str(), answer.age_days), (Some("99.95"), "held", Some(10)));
    assert_eq!(answer.days.iter().map(|day| day.age_days).collect::<Vec<_>>(), [10]);
    assert_eq!((answer.days[0].day, answer.window_to.since(answer.window_from)), (answer.window_to, 6));
    // One value stands for cost saving, whenever it was told.
    let answer: EvidenceAnswer = stage.get("/accounts/{id}/health/evidence", &[("measure", "cost_saving")]);
    assert_eq!(answer.days.iter().map(|day| day.sum.as_str()).collect::<Vec<_>>(), ["75"]);
}

#[test]
fn a_supposition_that_would_have_no_effect_is_refused() {
    let stage = good();
    let suppose = |values: Value| {
        let body = json!({ "values": values });
        stage.request(("POST", "/accounts/{id}/health/what-if"), &[], &[], &body)
    };
    stage.say("uptime", &json!({ "points": 10, "reason": "it was down", "expires_at": stage.until(48) })).unwrap();
    let faults = Stage::faults(suppose(json!({ "uptime": 100, "renewal_probability": 90 })).unwrap_err());
    assert!(faults.len() == 2 && faults[0].starts_with("values.uptime is what a person says"), "{faults:?}");
    assert!(faults[1].starts_with("values.renewal_probability does not count"), "{faults:?}");
    stage.say("score", &json!({ "points": 40, "reason": "they said so", "expires_at": stage.until(48) })).unwrap();
    let faults = Stage::faults(suppose(json!({ "csat": 96 })).unwrap_err());
    assert!(faults[0].starts_with("values would change nothing: kim says what the score is"), "{faults:?}");
    stage.leave();
    assert_eq!(suppose(json!({ "csat": 90 })).unwrap_err().status, 409, "it has no health that could be another");
    assert_eq!(stage.request(("GET", "/accounts/{id}/maturity"), &[], &[], &Value::Null).unwrap_err().status, 409);
}

#[test]
fn the_past_under_another_scorecard_is_kept_beside_what_was_scored_then() {
    let stage = good();
    let then = stage.doubles.now();
    let first = stage.history(None).entries;
    stage.pass(5);
    stage.learn(&[(Metric::Uptime, "90")]);
    stage.hear("2");
    let mut card = uptime();
    let rescore = |card: &Value| {
        let body = json!({ "at": then, "scorecard": card });
        stage.request(("POST", "/accounts/{id}/health/rescore"), &[], &[], &body)
    };
    let answer: RescoreAnswer = serde_json::from_value(rescore(&card).unwrap()).unwrap();
    assert_eq!((answer.score.as_str(), answer.made_of.scorecard.as_str()), ("95", "uptime-1"), "as of then");
    assert_eq!(answer.scored_then.as_ref(), Some(&first[0].then));
    let sum = answer.changes.iter().fold(Points::ZERO, |sum, change| sum.plus(points(&change.points)));
    assert_eq!(points(&first[0].then.score).plus(sum), points(&answer.score));
    rescore(&card).unwrap();
    let kept: RescorePage = stage.get("/accounts/{id}/health/rescores", &[]);
    assert_eq!(kept.entries, std::slice::from_ref(&answer));
    stage.pass(1);
    rescore(&card).unwrap();
    let kept: RescorePage = stage.get("/accounts/{id}/health/rescores", &[]);
    assert_eq!(kept.entries.len(), 2, "what was found before stays");
    assert!(kept.entries.contains(&answer));
    assert_eq!(stage.history(None).entries[1..], first, "history is not rewritten");
    let hash = answer.made_of.scorecard_hash.as_str();
    let found = stage.request(("GET", "/scorecards/{hash}"), &[("hash", hash)], &[], &Value::Null).unwrap();
    let found: ScorecardAnswer = serde_json::from_value(found).unwrap();
    assert_eq!(found.content["version"], "uptime-1");
    card["dimensions"][0]["weight"] = json!(0.5);
    let faults = Stage::faults(rescore(&card).unwrap_err());
    assert_eq!(faults, ["scorecard.dimensions have weights that add to 0.5; they must add to 1"]);
}

#[test]
fn a113_maturity_is_a_second_scorecard_on_the_same_engine() {
    let stage = good();
    let maturity: MaturityAnswer = stage.get("/accounts/{id}/maturity", &[]);
    let sum = maturity.made_of.measures.iter().fold(Points::ZERO, |sum, part| sum.plus(points(&part.contribution)));
    assert_eq!((sum, maturity.made_of.scorecard.as_str()), (points(&maturity.score), "maturity-1"));
    assert_eq!((maturity.level, maturity.next_level), (5, None));
    assert_eq!(stage.scored().len(), 1, "nothing is told or kept of it");
    let list: ScorecardList = stage.get("/scorecards", &[]);
    let names: Vec<&str> = list.scorecards.iter().map(|card| card.version.as_str()).collect();
    assert_eq!(names, ["default-1", "maturity-1"]);
}

#[test]
fn a_lost_race_for_keeping_a_scorecard_is_run_again() {
    let stage = stage();
    stage.learn(GOOD);
    stage.doubles.conflict_next_commits(1);
    stage.hear("1");
    let hash = stage.health().made_of.scorecard_hash.parse().unwrap();
    assert!(stage.doubles.value(&keys::scorecard(&tenant(), hash)).is_some());
}

//! A scorecard tried over the portfolio: what is found, and that nothing else is touched.

use super::asked::uptime;
use super::*;
use contract::comparison::DryRunAnswer;
use platform::doubles::GuardedTable;
use serde_json::Value;
use std::sync::Arc;

const START: (&str, &str) = ("POST", "/scorecards/dry-run");

impl Stage {
    fn start(&self, body: &Value) -> Result<DryRunAnswer, Problem> {
        self.request(START, &[], &[], body).map(|answer| serde_json::from_value(answer).unwrap())
    }

    fn dry_run(&self, id: &str) -> DryRunAnswer {
        let request = Request {
            method: "GET".into(),
            route: "/scorecards/dry-runs/{id}".into(),
            parameters: BTreeMap::from([("id".into(), id.into())]),
            ..Request::default()
        };
        let response = block_on(self.score.call(&caller("t", "kim"), &request)).unwrap();
        serde_json::from_str(&response.body).unwrap()
    }

    /// Puts down an account of which `acme`'s series is known.
    fn with(&self, account: &str) {
        self.describe(account);
        self.doubles.put(&keys::series(&tenant(), &id(account)), &json!({ "state": *self.known.borrow() }));
    }

    /// Handles work until there is none.
    fn work_off(&self) {
        while self.work(1) > 0 {}
    }
}

/// What a dry run writes for itself.
const OWN: &[&str] = &["T#t#SCORECARD-DRY-RUN", "T#t#RUN#score"];

#[test]
fn a_dry_run_says_what_a_scorecard_would_change_and_changes_nothing() {
    let stage = stage();
    stage.learn(GOOD);
    stage.learn(&[(Metric::Uptime, "91")]);
    stage.hear("1");
    (0..300).for_each(|number| stage.with(&format!("a{number}")));
    let told = stage.doubles.published().len();
    let before = stage.doubles.value(&keys::health(&tenant(), &id("acme")));
    let guarded = Ports {
        table: Arc::new(GuardedTable { table: stage.doubles.table.clone(), writable: OWN }),
        ..stage.doubles.ports()
    };
    let stage = Stage { score: Score::new(guarded).unwrap(), ..stage };

    let started = stage.start(&json!({ "scorecard": uptime(), "days": 28 })).unwrap();
    assert_eq!((started.status.as_str(), started.visited), ("running", 0));
    stage.work_off();
    let answer = stage.dry_run(&started.dry_run);
    assert_eq!((answer.status.as_str(), answer.visited, answer.found.accounts), ("complete", 301, 301));
    assert_eq!(answer.found.changed_band, 301, "{:?}", answer.found.moves);
    assert_eq!(answer.found.moves[0].to.as_deref(), Some("emergency"));
    assert_eq!(answer.found.movers.len(), 20);
    assert_eq!((answer.found.today.alerting, answer.found.candidate.alerting), (0, 301));
    assert_eq!(answer.found.today.judged, 0, "nothing is known of four weeks ago");

    assert_eq!(stage.doubles.published().len(), told, "nobody is told anything");
    assert_eq!(stage.doubles.value(&keys::health(&tenant(), &id("acme"))), before);
}

#[test]
fn a39_a_dry_run_whose_pages_come_twice_counts_everybody_once() {
    let stage = stage();
    stage.learn(GOOD);
    (0..300).for_each(|number| stage.with(&format!("a{number}")));
    let body = json!({ "scorecard": uptime() });
    let started = stage.start(&body).unwrap();
    // Asked for once more it is the same one.
    assert_eq!(stage.start(&body).unwrap().dry_run, started.dry_run);
    while stage.work(2) > 0 {}
    let answer = stage.dry_run(&started.dry_run);
    assert_eq!((answer.visited, answer.found.accounts), (301, 301));
}

#[test]
fn a_dry_run_does_not_hold_up_the_scheduled_run() {
    let stage = stage();
    stage.learn(GOOD);
    stage.start(&json!({ "scorecard": uptime() })).unwrap();
    stage.tick(stage.doubles.now());
    stage.work_off();
    let completed = |event: &&Event| matches!(event.fact, Fact::ScoreRunCompleted(_));
    assert_eq!(stage.doubles.published().iter().filter(completed).count(), 1, "and is not told as one");
}

#[test]
fn a_candidate_for_a_segment_is_compared_on_its_accounts_alone() {
    let stage = stage();
    stage.learn(GOOD);
    let mut card = uptime();
    card["segments"] = json!(["small_business"]);
    let started = stage.start(&json!({ "scorecard": card })).unwrap();
    stage.work_off();
    let answer = stage.dry_run(&started.dry_run);
    assert_eq!((answer.visited, answer.not_compared, answer.found.accounts), (1, 1, 0));
}

#[test]
fn a_dry_run_that_will_not_go_on_says_so() {
    let stage = stage();
    let started = stage.start(&json!({ "scorecard": uptime() })).unwrap();
    assert_eq!(stage.dry_run(&started.dry_run).status, "running");
    stage.pass(1);
    assert_eq!(stage.dry_run(&started.dry_run).status, "stalled", "its messages are dead letters");
    stage.work_off();
    assert_eq!(stage.dry_run(&started.dry_run).status, "complete", "put back, they go on");
}

#[test]
fn a_dry_run_that_cannot_be_made_is_refused_with_everything_that_is_wrong() {
    let stage = stage();
    let refused = |body: Value| Stage::faults(stage.start(&body).unwrap_err());
    assert_eq!(
        refused(json!({ "scorecard": uptime(), "days": 14, "step_days": 40 })),
        ["step_days is 40; give 1 to 14"]
    );
    let faults = refused(json!({ "scorecard": uptime(), "against": "nothing" }));
    assert_eq!(faults, ["against `nothing` is no scorecard by which anything is or was scored"]);
    let mut card = uptime();
    card["purpose"] = json!("maturity");
    assert_eq!(refused(json!({ "scorecard": card })), ["scorecard.purpose is maturity; give a scorecard of health"]);
}

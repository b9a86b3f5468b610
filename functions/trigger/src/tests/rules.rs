//! Rules tried over the portfolio, activated, held by a kill switch and let go.

use super::*;
use contract::backtest::{RulesAnswer, RulesDryRunAnswer};
use platform::doubles::GuardedTable;
use platform::table::{Range, Table};
use std::sync::Arc;

/// One incident within two weeks is enough.
fn candidate(at_least: u32) -> Value {
    json!({ "name": "candidate", "rules": [{
        "id": "performance-issues",
        "when": { "counted": { "metric": "severe_incidents", "days": 14, "at_least": at_least } },
        "cta": { "type": "risk", "reason": "Look at it.", "severity": "high", "due_in_days": 3 },
        "clear_days": 7,
        "lapse_days": 30,
        "cool_off_days": 14,
    }] })
}

fn named(number: usize) -> AccountId {
    AccountId::new(format!("a{number:02}")).unwrap()
}

impl Stage {
    /// So many more accounts of which the same is known as of `acme`.
    fn with(&self, accounts: std::ops::Range<usize>) {
        let series = block_on(self.doubles.table.get(&keys::series(&tenant(), &acme().id))).unwrap().unwrap();
        let series: Value = platform::table::read(&series).unwrap();
        for number in accounts {
            let account = Account { id: named(number), ..acme() };
            self.doubles.put(&keys::shard_entry(&tenant(), &account.id), &json!({}));
            self.doubles.put(&keys::profile(&tenant(), &account.id), &json!({ "state": account }));
            self.doubles.put(&keys::series(&tenant(), &account.id), &series);
        }
    }

    fn put_to(&self, route: &str, id: Option<&str>, body: &Value) -> Result<Value, Problem> {
        let parameters = id.map(|id| ("id".to_owned(), id.to_owned())).into_iter().collect();
        let (method, route, body) = ("POST".into(), route.into(), body.to_string().into());
        self.ask("t", Request { method, route, parameters, body, ..Request::default() })
    }

    fn rehearse(&self, body: &Value) -> RulesDryRunAnswer {
        let asked = self.put_to("/rules/dry-run", None, body).unwrap();
        self.work_off();
        self.read(asked["dry_run"].as_str().unwrap())
    }

    fn read(&self, dry_run: &str) -> RulesDryRunAnswer {
        let parameters = BTreeMap::from([("id".to_owned(), dry_run.to_owned())]);
        let (method, route) = ("GET".into(), "/rules/dry-runs/{id}".into());
        serde_json::from_value(self.ask("t", Request { method, route, parameters, ..Request::default() }).unwrap())
            .unwrap()
    }

    fn work_off(&self) {
        loop {
            let waiting = self.doubles.take_work();
            if waiting.is_empty() {
                return;
            }
            for work in waiting {
                block_on(self.trigger.message(&Incoming::Work(Box::new(work)), Timestamp::MAX)).unwrap();
            }
        }
    }

    fn activate(&self, dry_run: &str) -> Result<RulesAnswer, Problem> {
        let body = json!({ "dry_run": dry_run, "reason": "One incident is one too many." });
        self.put_to("/rules/activate", None, &body).map(|answer| serde_json::from_value(answer).unwrap())
    }

    fn rules(&self) -> RulesAnswer {
        let request = Request { method: "GET".into(), route: "/rules".into(), ..Request::default() };
        serde_json::from_value(self.ask("t", request).unwrap()).unwrap()
    }

    fn facts(&self, name: &str) -> usize {
        self.doubles.published().iter().filter(|event| event.fact.name() == name).count()
    }
}

/// What a dry run writes for itself.
const OWN: &[&str] = &["T#t#RULES-DRY-RUN", "T#t#RUN#trigger"];

#[test]
fn a_dry_run_says_who_enters_and_touches_nothing() {
    let mut stage = stage();
    stage.learn(vec![stage.incident(3, "c-1")]);
    stage.with(0..4);
    let ports = stage.doubles.ports();
    stage.trigger =
        Trigger::new(Ports { table: Arc::new(GuardedTable { table: ports.table.clone(), writable: OWN }), ..ports })
            .unwrap();
    let before = stage.rules().version;
    let told = stage.doubles.published().len();
    let answer = stage.rehearse(&json!({ "rules": candidate(1), "days": 28 }));
    assert_eq!((answer.status.as_str(), answer.visited, answer.found.accounts), ("complete", 5, 5));
    let entered: Vec<_> = answer.found.changes.iter().map(|one| (one.account.as_str(), one.change.as_str())).collect();
    assert_eq!(
        entered,
        [("a00", "enters"), ("a01", "enters"), ("a02", "enters"), ("a03", "enters"), ("acme", "enters")]
    );
    let tally = answer.found.rules.iter().find(|rule| rule.rule == "performance-issues").unwrap();
    let opened = (tally.today.unwrap().opened, tally.candidate.unwrap().opened, tally.candidate.unwrap().opens);
    assert_eq!(opened, (0, 5, 5));
    let [person] = &answer.found.people.most[..] else { panic!("{:?}", answer.found.people) };
    assert_eq!((person.person.as_str(), person.today.as_str(), person.candidate.as_str()), ("kim", "0.00", "1.25"));
    assert!(answer.found.candidate.is_some(), "judged by who left, where days are replayed");
    assert_eq!((stage.rules().version, stage.doubles.published().len()), (before, told));
}

#[test]
fn a_dry_run_can_be_read_when_other_rules_were_deployed() {
    let mut stage = stage();
    stage.learn(vec![stage.incident(3, "c-1")]);
    let found = stage.rehearse(&json!({ "rules": candidate(1) }));
    let file = serde_json::from_value(candidate(3)).unwrap();
    let deployed = contract::rules::of_file(file, &Vocabulary::default()).unwrap();
    let library = Library::built_in().unwrap();
    stage.trigger = Trigger::with(stage.doubles.ports(), deployed, contract::segments::built_in().unwrap(), library);
    assert_eq!(stage.read(&found.dry_run), found);
    assert_ne!(stage.rules().version, found.against);
}

#[test]
fn rules_that_cannot_be_are_refused_with_every_path() {
    let stage = stage();
    let mut rules = candidate(1);
    rules["rules"][0]["when"]["counted"]["metric"] = json!("sever_incidents");
    let problem = stage.put_to("/rules/dry-run", None, &json!({ "rules": rules })).unwrap_err();
    assert_eq!(problem.status, 422);
    assert!(format!("{problem:?}").contains("severe_incidents"), "{problem:?}");
    assert_eq!(problem.errors[0].path, "rules.rules[0].when.counted.metric");
    let problem = stage.put_to("/rules/dry-run", None, &json!({ "rules": candidate(1), "days": 400 })).unwrap_err();
    assert!(format!("{problem:?}").contains("give 0 to 365"), "{problem:?}");
}

#[test]
fn an_activation_names_its_dry_run_and_from_then_on_those_rules_decide() {
    let stage = stage();
    stage.learn(vec![stage.incident(3, "c-1")]);
    stage.hear("one incident");
    assert_eq!(stage.list("t", &[]), [], "by the rules that were deployed two are needed");
    assert_eq!(stage.activate("no-such-dry-run").unwrap_err().status, 404);
    let tried = stage.rehearse(&json!({ "rules": candidate(1) }));
    let holds = stage.activate(&tried.dry_run).unwrap();
    assert_eq!((holds.version.as_str(), holds.held.len()), (tried.version.as_str(), 0));
    assert_eq!(holds.activation.unwrap().dry_run, tried.dry_run);
    stage.hear("the same again");
    assert_eq!(stage.cta().rule, "performance-issues");
    assert_eq!(stage.facts("RulesActivated"), 1);
    // Its decision records the version that decided.
    let chain = Range::prefix(keys::account(&tenant(), &acme().id), "audit#trigger#");
    let links = block_on(platform::table::query_all(stage.doubles.table.as_ref(), chain)).unwrap();
    let last: Value = platform::table::read(links.last().unwrap()).unwrap();
    assert_eq!(last["record"]["config_hash"], tried.version);
}

#[test]
fn an_activation_is_refused_when_the_portfolio_or_the_rules_are_not_those_of_the_dry_run() {
    let stage = stage();
    stage.with(0..9);
    let tried = stage.rehearse(&json!({ "rules": candidate(1) }));
    stage.with(9..11);
    let problem = stage.activate(&tried.dry_run).unwrap_err();
    assert!(problem.detail.contains("had 10 accounts and has 12"), "{problem:?}");
    let tried = stage.rehearse(&json!({ "rules": candidate(1) }));
    stage.learn(vec![stage.incident(0, "c-1")]);
    stage.with(0..2);
    let problem = stage.activate(&tried.dry_run).unwrap_err();
    assert!(problem.detail.contains("something else of 3 of the 12 accounts"), "{problem:?}");
    let (first, second) =
        (stage.rehearse(&json!({ "rules": candidate(1) })), stage.rehearse(&json!({ "rules": candidate(3) })));
    stage.activate(&first.dry_run).unwrap();
    let problem = stage.activate(&second.dry_run).unwrap_err();
    assert!(problem.status == 409 && problem.detail.contains("hold now"), "{problem:?}");
    let late = stage.rehearse(&json!({ "rules": candidate(3) }));
    stage.pass(8);
    let problem = stage.activate(&late.dry_run).unwrap_err();
    assert!(problem.detail.contains("older than 7 days"), "{problem:?}");
}

#[test]
fn a_rule_that_would_open_too_much_is_held_told_and_let_go_by_a_person() {
    let stage = stage();
    stage.learn(vec![stage.incident(3, "c-1"), stage.incident(2, "c-2")]);
    stage.with(0..29);
    stage.sweep();
    assert_eq!(stage.list("t", &[]).len(), 10, "as many as any rule may open in a day");
    let held = stage.rules().held;
    let [rule] = &held[..] else { panic!("{held:?}") };
    assert_eq!(rule.rule, "performance-issues");
    assert_eq!(rule.reason, "it would open calls to action on 11 of 30 customers within a day");
    assert_eq!(stage.facts("RuleHeld"), 1, "told once");
    stage.pass(2);
    stage.sweep();
    assert_eq!(stage.list("t", &[]).len(), 10, "it stays held whatever day it is");
    let reason = json!({ "reason": "There was an outage; everybody is to be called." });
    let answer = stage.put_to("/rules/{id}/release", Some("performance-issues"), &reason).unwrap();
    assert_eq!(answer["held"], json!([]));
    stage.pass(0);
    stage.doubles.set_now(stage.doubles.now() + SignedDuration::from_hours(1));
    stage.sweep();
    assert_eq!((stage.list("t", &[]).len(), stage.facts("RuleReleased")), (30, 1));
    let problem = stage.put_to("/rules/{id}/release", Some("usage-decline"), &reason).unwrap_err();
    assert!(problem.status == 409 && problem.detail.contains("is not held"), "{problem:?}");
    assert_eq!(stage.put_to("/rules/{id}/release", Some("nothing"), &reason).unwrap_err().status, 404);
}

#[test]
fn how_much_is_too_much_is_said_by_the_rules() {
    let mut stage = stage();
    stage.learn(vec![stage.incident(3, "c-1")]);
    stage.with(0..29);
    let mut rules = candidate(1);
    rules["limits"] = json!({ "opens_at_least": 3, "opens_percent": 15 });
    let deployed = contract::rules::of_file(serde_json::from_value(rules).unwrap(), &Vocabulary::default()).unwrap();
    let (segments, library) = (contract::segments::built_in().unwrap(), Library::built_in().unwrap());
    stage.trigger = Trigger::with(stage.doubles.ports(), deployed, segments, library);
    stage.sweep();
    assert_eq!(stage.list("t", &[]).len(), 4, "more than three, and 15 percent of 30 are four and a half");
    assert_eq!(stage.rules().held[0].reason, "it would open calls to action on 5 of 30 customers within a day");
}

#[test]
fn a_rule_whose_data_have_aged_on_too_many_is_held_after_a_look_at_all() {
    let stage = stage();
    stage.learn(stage.usage(100));
    stage.with(0..29);
    stage.sweep();
    assert_eq!(stage.rules().held, []);
    stage.pass(10);
    stage.sweep();
    let held = stage.rules().held;
    let found = held.iter().find(|held| held.rule == "usage-decline");
    let reason = found.unwrap_or_else(|| panic!("{held:?}")).reason.as_str();
    assert_eq!(reason, "the data that it needs are too old on 30 of 30 customers");
}

#[test]
fn what_a_candidate_would_open_on_too_many_is_held_from_its_activation_on() {
    let stage = stage();
    stage.learn(vec![stage.incident(3, "c-1")]);
    stage.with(0..29);
    let tried = stage.rehearse(&json!({ "rules": candidate(1) }));
    let [held] = &tried.found.held[..] else { panic!("{:?}", tried.found.held) };
    assert_eq!(held.reason, "it would open calls to action on 30 of 30 customers within a day");
    assert_eq!(stage.activate(&tried.dry_run).unwrap().held.len(), 1);
    stage.sweep();
    assert_eq!((stage.list("t", &[]), stage.facts("RuleHeld")), (Vec::new(), 1));
}

impl Stage {
    /// A person let a rule go on a moment ago: no kill switch holds it today.
    pub fn let_go(&self, rule: &str) {
        let release = json!({ "by": "kim", "at": self.doubles.now(), "reason": "it is meant" });
        self.doubles.put(&keys::rulebook(&tenant()), &json!({ "state": { "released": { rule: release } } }));
    }
}

//! News and runs through the doors of score: what is scored, what is told, and what is read.

use super::*;
use contract::event::{BandChanged, Cause, HealthScored, ScoreRunCompleted, SignalsRecorded};
use contract::score::{HealthAnswer, HistoryPage};
use domain::account::{Account, LifecycleStage, Money, Segment};
use domain::day::Day;
use domain::fixed::Points;
use domain::id::{CaseId, SignalId, SourceId, TenantId};
use domain::page::Page;
use domain::record::AccountRecord;
use domain::signal::{Detail, Metric, Severity, Signal};
use jiff::{SignedDuration, Timestamp};
use platform::doubles::{Calls, Doubles, block_on, caller};
use platform::keys;
use platform::table::{self, Table as _};
use serde::de::DeserializeOwned;
use serde_json::json;
use std::cell::RefCell;
use std::collections::BTreeMap;

/// Most of the scorecard's weight, on target.
const GOOD: &[(Metric, &str)] = &[
    (Metric::Uptime, "99.95"),
    (Metric::MigrationSuccess, "97"),
    (Metric::ErrorRate, "0.2"),
    (Metric::ResponseTime, "60"),
    (Metric::CostSaving, "75"),
    (Metric::EffortReduction, "85"),
    (Metric::AuditCompleteness, "100"),
    (Metric::FeatureAdoption, "85"),
    (Metric::Csat, "96"),
    (Metric::ReferenceWillingness, "80"),
    (Metric::Throughput, "120"),
    (Metric::TrainingCompletion, "92"),
    (Metric::ExecutiveReplyTime, "10"),
];

/// Score beside an ingest that is played by hand.
struct Stage {
    doubles: Doubles,
    score: Score,
    /// What came in about `acme`.
    known: RefCell<AccountRecord>,
}

fn stage() -> Stage {
    let doubles = Doubles::new();
    let score = Score::new(doubles.ports()).unwrap();
    let stage = Stage { doubles, score, known: RefCell::default() };
    stage.doubles.put(&keys::tenant_entry(&tenant()), &json!({}));
    stage.describe("acme");
    stage
}

fn tenant() -> TenantId {
    TenantId::new("t").unwrap()
}

fn id(account: &str) -> AccountId {
    AccountId::new(account).unwrap()
}

fn points(text: &str) -> Points {
    text.parse().unwrap()
}

impl Stage {
    fn describe(&self, account: &str) {
        let account = Account {
            id: id(account),
            name: account.to_owned(),
            arr: Money::from_cents(5_000_000),
            segment: Segment::Enterprise,
            stage: LifecycleStage::Steady,
            renewal_on: None,
            owner: None,
            contact: Default::default(),
        };
        self.doubles.put(&keys::profile(&tenant(), &account.id), &json!({ "state": account }));
        self.doubles.put(&keys::shard_entry(&tenant(), &account.id), &json!({}));
    }

    /// Values of today come in about `acme`.
    fn learn(&self, values: &[(Metric, &str)]) {
        let now = self.doubles.now();
        let signal = |(metric, value): &(Metric, &str)| Signal {
            at: now,
            source: SourceId::new("telemetry").unwrap(),
            id: SignalId::new(metric.name()).unwrap(),
            metric: *metric,
            value: value.parse().unwrap(),
            detail: Detail::None,
        };
        let mut page = Page::new(Day::of(now));
        page.merge(values.iter().map(signal));
        self.known.borrow_mut().series.set(Day::of(now), page.fold());
        self.keep();
    }

    fn keep(&self) {
        self.doubles.put(&keys::series(&tenant(), &id("acme")), &json!({ "state": *self.known.borrow() }));
    }

    /// The news that signals of `acme` were recorded. News with one name are one message.
    fn hear(&self, name: &str) {
        let cause = Cause { tenant: tenant(), correlation_id: name.into(), causation_id: name.into() };
        let now = self.doubles.now();
        let fact = SignalsRecorded { added: 1, metrics: vec![], oldest: now, newest: now, reported: vec![] };
        let event = Event::new(&cause, Some(&id("acme")), "", now, fact);
        block_on(self.score.message(&Incoming::Fact(Box::new(event)), Timestamp::MAX)).unwrap();
    }

    fn tick(&self, time: Timestamp) {
        block_on(self.score.tick(&Tick { tick: "score_run".into(), time })).unwrap();
    }

    /// Handles all work, each piece as often as given.
    fn work(&self, times: usize) -> usize {
        let work = self.doubles.take_work();
        for work in &work {
            for _ in 0..times {
                block_on(self.score.message(&Incoming::Work(Box::new(work.clone())), Timestamp::MAX)).unwrap();
            }
        }
        work.len()
    }

    fn run(&self) {
        self.tick(self.doubles.now());
        self.work(1);
    }

    fn pass(&self, days: i64) {
        self.doubles.set_now(self.doubles.now() + SignedDuration::from_hours(24 * days));
    }

    fn ask<T: DeserializeOwned>(
        &self,
        who: &str,
        route: &str,
        account: &str,
        cursor: Option<String>,
    ) -> Result<T, u16> {
        let caller = caller(who, "kim");
        let request = Request {
            method: "GET".into(),
            route: route.into(),
            parameters: BTreeMap::from([("id".into(), account.into())]),
            query: cursor.map(|cursor| ("cursor".to_owned(), cursor)).into_iter().collect(),
            ..Request::default()
        };
        let response = block_on(self.score.call(&caller, &request)).map_err(|problem| problem.status)?;
        assert_eq!(response.status, 200);
        Ok(serde_json::from_str(&response.body).unwrap())
    }

    fn health(&self) -> HealthAnswer {
        self.ask("t", "/accounts/{id}/health", "acme", None).unwrap()
    }

    fn history(&self, cursor: Option<String>) -> HistoryPage {
        self.ask("t", "/accounts/{id}/health/history", "acme", cursor).unwrap()
    }

    fn scored(&self) -> Vec<HealthScored> {
        let facts = self.doubles.published().into_iter().map(|event| event.fact);
        facts.filter_map(|fact| if let Fact::HealthScored(fact) = fact { Some(fact) } else { None }).collect()
    }

    fn moved(&self) -> Vec<BandChanged> {
        let facts = self.doubles.published().into_iter().map(|event| event.fact);
        facts.filter_map(|fact| if let Fact::BandChanged(fact) = fact { Some(fact) } else { None }).collect()
    }

    fn completed(&self) -> Vec<(String, ScoreRunCompleted)> {
        let events = self.doubles.published().into_iter();
        let completed = events.filter_map(|event| match event.fact {
            Fact::ScoreRunCompleted(fact) => Some((event.meta.event_id.to_string(), fact)),
            _ => None,
        });
        completed.collect()
    }
}

#[test]
fn news_is_scored_with_reasons_that_add_up_to_the_movement() {
    let stage = stage();
    stage.learn(GOOD);
    stage.hear("1");
    stage.pass(1);
    stage.learn(&[(Metric::Uptime, "96"), (Metric::Csat, "60"), (Metric::ResponseTime, "40")]);
    stage.hear("2");
    let [first, second] = &stage.scored()[..] else { panic!("{:?}", stage.scored()) };
    assert_eq!((&first.previous, first.provisional, first.run.as_deref()), (&None, false, None));
    assert_eq!(second.previous.as_ref(), Some(&first.score));
    let sum = second.reasons.iter().fold(Points::ZERO, |sum, reason| sum.plus(points(&reason.points)));
    assert_eq!(points(&first.score).plus(sum), points(&second.score), "{:?}", second.reasons);
    assert!(second.reasons[0].text.contains("uptime"), "the largest part first: {:?}", second.reasons);
}

#[test]
fn a67_the_parts_of_an_answer_sum_to_its_score_to_the_last_digit() {
    let stage = stage();
    stage.learn(GOOD);
    stage.hear("1");
    let health = stage.health();
    let sum = |parts: Vec<&String>| parts.into_iter().fold(Points::ZERO, |sum, part| sum.plus(points(part)));
    assert_eq!(
        sum(health.made_of.dimensions.iter().map(|part| &part.contribution).collect()),
        points(&health.made_of.uncapped)
    );
    assert_eq!(
        sum(health.made_of.measures.iter().map(|part| &part.contribution).collect()),
        points(&health.made_of.uncapped)
    );
    assert_eq!(
        health.made_of.dimensions.iter().map(|part| part.weight_basis_points).collect::<Vec<_>>(),
        [3000, 3000, 2000, 2000]
    );
    assert_eq!(health.made_of.scorecard_hash, stage.scored()[0].scorecard, "the version of the configuration");
}

#[test]
fn nothing_is_written_or_told_when_nothing_changed() {
    let stage = stage();
    stage.learn(GOOD);
    stage.hear("1");
    let written = || {
        let range = table::Range::prefix(keys::account(&tenant(), &id("acme")), "");
        block_on(table::query_all(stage.doubles.table.as_ref(), range)).unwrap()
    };
    let (items, events) = (written(), stage.doubles.published());
    for news in ["1", "2", "3"] {
        stage.hear(news);
    }
    stage.run();
    assert_eq!(written(), items);
    assert_eq!(stage.scored().len() + stage.moved().len() + stage.risks().len(), events.len());
}

#[test]
fn an_account_is_read_once_and_written_only_when_it_changed() {
    let stage = stage();
    stage.learn(GOOD);
    stage.doubles.take_calls();
    stage.hear("1");
    let with_card = Calls { reads: 2, commits: 3 };
    assert_eq!(stage.doubles.take_calls(), with_card, "its score, the emptying of the outbox, and the scorecard, once");
    stage.learn(&[(Metric::Uptime, "91")]);
    stage.doubles.take_calls();
    stage.hear("b");
    assert_eq!(stage.doubles.take_calls(), Calls { reads: 1, commits: 2 }, "its score, and the emptying of the outbox");
    stage.keep();
    stage.doubles.take_calls();
    stage.hear("2");
    assert_eq!(stage.doubles.take_calls(), Calls { reads: 1, commits: 0 }, "computed, with the same result");
    stage.learn(&[(Metric::Uptime, "90")]);
    stage.doubles.take_calls();
    stage.doubles.conflict_next_commits(1);
    stage.hear("3");
    assert_eq!(stage.doubles.take_calls(), Calls { reads: 2, commits: 3 }, "a lost race reads all of it again");
}

#[test]
fn news_recorded_together_are_one_evaluation_and_the_scheduled_run_looks_whatever_was_seen() {
    let stage = stage();
    stage.learn(GOOD);
    stage.hear("1");
    // A coverage that does not follow from the facts shows whether anybody computes it again.
    let bend = || {
        let key = keys::health(&tenant(), &id("acme"));
        let item = block_on(stage.doubles.table.get(&key)).unwrap().unwrap();
        let mut body: serde_json::Value = serde_json::from_slice(&item.body).unwrap();
        *body.pointer_mut("/state/health/health/coverage").unwrap() = json!(1);
        stage.doubles.put(&key, &body);
        stage.doubles.take_calls();
    };
    let bent = || stage.health().made_of.coverage_basis_points == 1;
    bend();
    stage.hear("2");
    stage.hear("3");
    assert_eq!(stage.doubles.take_calls(), Calls { reads: 2, commits: 0 });
    assert!(bent(), "these facts were seen");
    stage.run();
    assert!(!bent(), "a run looks at everything");
    bend();
    stage.keep();
    stage.hear("4");
    assert!(!bent(), "another version of the facts");
    bend();
    stage.pass(1);
    stage.hear("5");
    assert!(!bent(), "another day");
}

/// Accounts of which one metric is known, enough for two pages in each shard.
fn portfolio(stage: &Stage, accounts: usize) {
    stage.learn(&[(Metric::Uptime, "99")]);
    let known = json!({ "state": *stage.known.borrow() });
    for number in 1..accounts {
        let account = format!("a{number}");
        stage.describe(&account);
        stage.doubles.put(&keys::series(&tenant(), &id(&account)), &known);
    }
}

#[test]
fn a39_a_run_that_is_killed_again_and_again_scores_every_account_exactly_once() {
    const ACCOUNTS: usize = 2_000;
    let stage = stage();
    portfolio(&stage, ACCOUNTS);
    stage.tick(stage.doubles.now());
    let (mut kills, mut waiting) = (0, stage.doubles.take_work());
    while !waiting.is_empty() {
        let mut again = Vec::new();
        for work in waiting {
            // At its beginning, in the middle of a page, between a score and the emptying of its outbox.
            stage.doubles.fail_commits_after(if kills < 40 { 3 * (kills % 20) } else { usize::MAX });
            if block_on(stage.score.message(&Incoming::Work(Box::new(work.clone())), Timestamp::MAX)).is_err() {
                kills += 1;
                again.push(work);
            }
            stage.doubles.fail_commits_after(usize::MAX);
        }
        again.extend(stage.doubles.take_work());
        waiting = again;
    }
    assert_eq!(kills, 40);
    for account in (1..ACCOUNTS).map(|number| format!("a{number}")).chain(["acme".into()]) {
        let range = table::Range::prefix(keys::account(&tenant(), &id(&account)), "score#");
        assert_eq!(block_on(table::query_all(stage.doubles.table.as_ref(), range)).unwrap().len(), 1, "{account}");
    }
    let events = stage.doubles.published();
    let scored = events.iter().filter(|event| matches!(event.fact, Fact::HealthScored(_)));
    let told: std::collections::BTreeSet<_> = scored.map(|event| event.meta.event_id.to_string()).collect();
    assert_eq!(told.len(), ACCOUNTS);
    let completed = stage.completed();
    let count = u64::try_from(ACCOUNTS).unwrap();
    assert!(completed.iter().all(|told| *told == completed[0]), "{completed:?}");
    assert_eq!((completed[0].1.accounts, completed[0].1.changed), (count, count));
}

#[test]
fn a68_a_fall_is_told_with_both_bands_and_an_open_critical_case_caps_the_score() {
    let stage = stage();
    stage.learn(GOOD);
    stage.hear("1");
    stage.known.borrow_mut().open_cases.insert(CaseId::new("c").unwrap(), Severity::Critical);
    stage.keep();
    stage.hear("2");
    let health = stage.health();
    assert_eq!((health.score.as_deref(), health.made_of.caps.len()), (Some("69"), 1));
    assert!(points(&health.made_of.uncapped) > points("69"));
    let moved = stage.moved();
    assert_eq!(moved[0].from, None);
    assert_eq!((moved[1].from.as_ref(), moved[1].to.as_str()), (Some(&moved[0].to), "critical"));
}

#[test]
fn a11_when_data_stop_the_last_known_score_stands_and_says_since_when() {
    let stage = stage();
    stage.learn(GOOD);
    stage.hear("1");
    let fresh = stage.health();
    assert_eq!(fresh.made_of.stale_since, None);
    let last = Day::of(stage.doubles.now());
    stage.pass(10);
    stage.run();
    let held = stage.health();
    assert_eq!((held.made_of.provisional, held.made_of.stale_since), (false, Some(last)), "held values");
    stage.pass(300);
    stage.run();
    let dark = stage.health();
    assert_eq!((&dark.score, &dark.band), (&held.score, &fresh.band), "missing is not zero");
    assert_eq!(
        (dark.made_of.provisional, dark.made_of.coverage_basis_points, dark.made_of.stale_since),
        (true, 0, Some(last))
    );
    assert!(stage.scored().last().unwrap().provisional);
    assert_eq!(stage.moved().len(), 1, "no band is left for want of data");
    stage.pass(1);
    let told = stage.scored().len();
    stage.run();
    assert_eq!(stage.scored().len(), told, "told once");
}

#[test]
fn what_is_not_known_enough_is_provisional_and_enters_no_band() {
    let stage = stage();
    stage.learn(&[(Metric::Uptime, "80")]);
    stage.hear("1");
    let health = stage.health();
    assert_eq!((health.made_of.provisional, health.band), (true, None));
    assert_eq!(stage.moved(), []);
}

#[test]
fn a41_a_slot_that_fires_twice_is_one_run() {
    let stage = stage();
    stage.describe("globex");
    stage.learn(GOOD);
    let slot = stage.doubles.now();
    stage.tick(slot);
    stage.doubles.set_now(slot + SignedDuration::from_mins(2));
    stage.tick(slot);
    assert_eq!(
        stage.work(2),
        usize::try_from(keys::PORTFOLIO_SHARDS).unwrap(),
        "each shard once, though delivered twice"
    );
    assert_eq!(stage.scored().len(), 1);
    let run = format!("score_run@{slot}");
    assert_eq!(stage.scored()[0].run.as_ref(), Some(&run));
    let completed = stage.completed();
    assert!(completed.iter().all(|told| *told == completed[0]), "told again it is the same event: {completed:?}");
    assert_eq!(completed[0].1, ScoreRunCompleted { run, accounts: 2, changed: 1 });
    stage.tick(slot);
    assert_eq!(stage.work(1), 0, "long after");
}

#[test]
fn a_run_that_reads_an_account_nobody_described_or_spoke_of_passes_it_by() {
    let stage = stage();
    stage.run();
    assert_eq!((stage.scored(), stage.completed()[0].1.changed), (Vec::new(), 0));
    stage.hear("1");
    assert_eq!(stage.scored(), []);
}

#[test]
fn history_is_read_page_by_page_the_newest_first_and_is_never_rewritten() {
    let stage = stage();
    stage.learn(GOOD);
    stage.hear("0");
    let first = stage.history(None).entries;
    for number in 1..150 {
        stage.doubles.set_now(stage.doubles.now() + SignedDuration::from_mins(1));
        stage.learn(&[GOOD, &[(Metric::TimeToValue, ["10", "40"][number % 2])]].concat());
        stage.hear(&number.to_string());
    }
    let page = stage.history(None);
    let rest = stage.history(page.cursor.clone());
    assert_eq!((page.entries.len(), rest.entries.len(), rest.cursor.as_deref()), (100, 50, None));
    let all: Vec<_> = page.entries.iter().chain(&rest.entries).collect();
    assert!(all.windows(2).all(|pair| pair[0].then.scored_at > pair[1].then.scored_at));
    assert_eq!(all.last().copied(), first.first());
}

#[test]
fn a1_another_tenants_account_does_not_exist() {
    let stage = stage();
    stage.learn(GOOD);
    stage.hear("1");
    for route in ["/accounts/{id}/health", "/accounts/{id}/health/history"] {
        assert_eq!(stage.ask::<serde_json::Value>("u", route, "acme", None).err(), Some(404), "{route}");
        assert_eq!(stage.ask::<serde_json::Value>("t", route, "nobody", None).err(), Some(404), "{route}");
        assert_eq!(stage.ask::<serde_json::Value>("t", route, "a#b", None).err(), Some(404), "{route}");
    }
}

mod asked;
mod dry_run;
mod foresight;

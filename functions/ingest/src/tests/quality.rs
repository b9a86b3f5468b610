//! Data quality through the doors: what is counted, told once, and answered.

use super::*;
use contract::event::DataQualityChanged;
use contract::message::Work;
use contract::quality::{DataQuality, SourceBody, SourcesPage};

impl Stage {
    /// A day goes by with so many good records of an account and so many without a unit.
    fn day(&self, name: &str, account: &str, good: usize, bad: usize) {
        self.pass(24);
        let metrics = ["active_users", "logins"];
        let one = |number: usize| {
            let record = with(self.usage(&format!("{name}-{number}")), "metric", json!(metrics[number % 2]));
            let record = with(record, "account", json!(account));
            if number < good { record } else { with(record, "unit", Value::Null) }
        };
        self.send(&format!("{name}-{account}"), &(0..good + bad).map(one).collect::<Vec<_>>());
    }

    fn findings(&self) -> Vec<(Option<String>, DataQualityChanged)> {
        let published = self.doubles.published().into_iter();
        let of = published.filter_map(|event| match event.fact {
            Fact::DataQualityChanged(fact) => Some((event.meta.account.map(|account| account.to_string()), fact)),
            _ => None,
        });
        of.collect()
    }

    fn told(&self) -> Vec<String> {
        let findings = self.findings().into_iter();
        let words = |(account, fact): (Option<String>, DataQualityChanged)| {
            format!("{} {} {}", account.as_deref().unwrap_or("all"), fact.kind, fact.status)
        };
        findings.map(words).collect()
    }

    fn quality(&self, account: &str) -> DataQuality {
        let (status, answer) = self.ask("q", "GET", "/accounts/{id}/data-quality", account, "").unwrap();
        assert_eq!(status, 200);
        serde_json::from_value(answer).unwrap()
    }

    fn sources(&self, tenant: &str) -> Vec<SourceBody> {
        let (_, answer) = self.ask_as(tenant, "s", "GET", "/sources", "", "").unwrap();
        serde_json::from_value::<SourcesPage>(answer).unwrap().sources
    }
}

/// Sixty days of forty records each.
fn with_history() -> Stage {
    let stage = stage();
    (0..60).for_each(|number| stage.day(&format!("h-{number}"), "acme", 40, 0));
    stage.watch();
    assert_eq!(stage.told(), Vec::<String>::new());
    stage
}

#[test]
fn a32_a_null_rate_is_told_once_when_it_begins_and_once_when_it_ends() {
    let stage = with_history();
    stage.day("bad", "acme", 40, 30);
    for _ in 0..3 {
        stage.watch();
        stage.pass(1);
    }
    assert_eq!(stage.told(), ["acme null_rate began", "all null_rate began"]);
    let (_, fact) = stage.findings().remove(0);
    assert_eq!((fact.severity.as_deref(), fact.metric), (Some("warning"), None));
    assert_eq!(fact.text, "30 of 270 records in 7 days lacked a field (11.1 %), usually 0.0 %");
    (0..8).for_each(|number| stage.day(&format!("after-{number}"), "acme", 40, 0));
    stage.watch();
    assert_eq!(stage.told()[2..], ["acme null_rate ended", "all null_rate ended"]);
}

#[test]
fn a32_volume_and_drift_are_told_at_the_first_look_after_they_are_seen() {
    let stage = with_history();
    stage.day("few", "acme", 3, 0);
    stage.pass(5);
    stage.watch();
    assert_eq!(stage.told(), Vec::<String>::new(), "the day is not settled");
    stage.watch_later();
    assert_eq!(stage.told(), ["acme volume began", "all volume began"]);
    let unit = |number: usize| with(stage.usage(&format!("u-{number}")), "unit", json!("percent"));
    stage.send("units", &(0..40).map(unit).collect::<Vec<_>>());
    stage.watch_later();
    assert_eq!(stage.told()[2..], ["acme schema_drift began", "all schema_drift began"]);
}

impl Stage {
    fn watch_later(&self) {
        self.pass(1);
        self.watch();
    }
}

/// The source falls silent at 23:00; somebody looks every hour.
#[test]
fn a32_silent_source_is_told_within_twice_its_cadence_and_is_no_finding() {
    let stage = with_history();
    let hours = (1..100).find(|_| {
        stage.watch_later();
        stage.facts().iter().any(|fact| matches!(fact, Fact::SourceSilent(_)))
    });
    let Some(Fact::SourceSilent(fact)) = stage.facts().into_iter().find(|fact| matches!(fact, Fact::SourceSilent(_)))
    else {
        panic!("it is told")
    };
    let after = stage.doubles.now().duration_since(fact.last_seen).as_secs();
    assert!(after <= 2 * fact.cadence_seconds && after > fact.cadence_seconds, "{hours:?}: {after} seconds");
    assert!(stage.quality("acme").sources[0].silent && stage.sources("t")[0].silent);
    let told = stage.told();
    assert!(told.iter().all(|told| told.ends_with("volume began")), "{told:?}");
}

#[test]
fn a115_an_account_says_how_good_its_data_are_and_adds_up() {
    let stage = with_history();
    stage.day("bad", "acme", 30, 10);
    let answer = stage.quality("acme");
    let parts = answer.quality.parts.iter().map(|part| (part.part.as_str(), part.good, part.all));
    // 26 days of 40, one of 30, and today with the 10 that lacked a field, which are more than ever.
    let expected = [("complete", 1070, 1080), ("fresh", 1, 1), ("valid", 1070, 1070), ("consistent", 7, 8)];
    assert_eq!(parts.collect::<Vec<_>>(), expected);
    assert_eq!(answer.quality.score.as_deref(), Some("96.643519"));
    assert_eq!((answer.quality.coverage_basis_points, answer.quality.target.as_str()), (10_000, "95"));
    let [source] = answer.sources.as_slice() else { panic!("one source: {answer:?}") };
    assert_eq!((source.source.as_str(), source.cadence_seconds, source.silent), ("telemetry", Some(86_400), false));
    assert_eq!(source.records.null_rate_basis_points, Some(93));
    assert_eq!(source.last_seen, stage.doubles.now() - SignedDuration::from_hours(1));
}

#[test]
fn a115_of_an_account_of_which_nothing_came_nothing_is_said() {
    let stage = stage();
    let answer = stage.quality("acme");
    assert_eq!((answer.quality.score, answer.quality.coverage_basis_points, answer.sources), (None, 0, Vec::new()));
    let missing = stage.ask("q", "GET", "/accounts/{id}/data-quality", "nobody", "").unwrap_err();
    assert_eq!(missing.status, 404);
    assert_eq!(stage.ask("q", "GET", "/sources/{id}", "telemetry", "").unwrap_err().status, 404);
}

#[test]
fn a32_the_same_refusals_in_any_order_batching_and_repetition_leave_the_same_bytes() {
    let end = |batches: &[&[usize]]| {
        let stage = stage();
        let records = [
            stage.usage("1"),
            with(stage.usage("2"), "value", Value::Null),
            with(stage.usage("3"), "unit", json!("percent")),
            with(stage.usage("4"), "value", json!(-1)),
            with(stage.usage("5"), "source", json!("crm")),
        ];
        for (number, batch) in batches.iter().enumerate() {
            stage.send(&number.to_string(), &batch.iter().map(|index| records[*index].clone()).collect::<Vec<_>>());
        }
        let pages = [0, 1].map(|hours| stage.page(stage.doubles.now() - SignedDuration::from_hours(hours)));
        (serde_json::to_value(stage.record()).unwrap(), pages, stage.quality("acme"))
    };
    let expected = end(&[&[0, 1, 2, 3, 4]]);
    assert_eq!(expected.2.sources[1].records.missing + expected.2.sources[1].records.unfit, 2);
    for batches in
        [&[&[4, 3][..], &[2], &[1, 0]][..], &[&[1], &[1, 1], &[0], &[3, 2, 4]], &[&[0, 4], &[0, 1, 2, 3, 4], &[3]]]
    {
        assert_eq!(end(batches), expected, "{batches:?}");
    }
}

#[test]
fn accounts_add_up_to_their_source_once_though_every_page_of_the_watch_comes_twice() {
    let stage = stage();
    stage.describe("globex");
    for number in 0..3 {
        stage.day(&number.to_string(), "acme", 4, 1);
        stage.pass(-24);
        stage.day(&number.to_string(), "globex", 2, 0);
    }
    let tick = Tick { tick: "source_watch".into(), time: stage.doubles.now() };
    block_on(stage.ingest.tick(&tick)).unwrap();
    let mut waiting: Vec<Work> = stage.doubles.take_work();
    while !waiting.is_empty() {
        for work in waiting.iter().chain(&waiting) {
            block_on(stage.ingest.message(&Incoming::Work(Box::new(work.clone())), Timestamp::MAX)).unwrap();
        }
        waiting = stage.doubles.take_work();
    }
    let [source] = stage.sources("t").try_into().unwrap();
    assert_eq!((source.records.accepted, source.records.missing), (18, 3));
    let (_, one) = stage.ask("one", "GET", "/sources/{id}", "telemetry", "").unwrap();
    assert_eq!(serde_json::from_value::<SourceBody>(one).unwrap(), source);
    assert_eq!(stage.sources("u"), [], "another tenant has its own");
}

#[test]
fn where_all_that_came_was_refused_nothing_is_known_of_the_account() {
    let stage = stage();
    stage.day("1", "acme", 0, 5);
    let known = block_on(platform::snapshot::Snapshot::read(stage.doubles.table.as_ref(), &tenant(), &acme())).unwrap();
    assert_eq!(known.record().unwrap(), None);
    assert_eq!(stage.quality("acme").sources[0].records.missing, 5);
}

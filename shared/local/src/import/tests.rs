//! Imports against a door that keeps what it is given and can be made to fail.

use super::*;
use contract::signal::AccountBody;
use std::collections::BTreeMap;
use std::io::Write as _;
use std::sync::atomic::{AtomicI64, Ordering};

/// A second passes each time that somebody looks.
#[derive(Default)]
struct Stopwatch(AtomicI64);

impl Clock for Stopwatch {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(self.0.fetch_add(1, Ordering::Relaxed)).unwrap()
    }
}

/// Keeps signals by their name, as the pages do.
#[derive(Default)]
struct Memory {
    accounts: BTreeMap<AccountId, AccountBody>,
    descriptions: usize,
    names: BTreeMap<String, (AccountId, AccountBody)>,
    signals: BTreeMap<(String, String), SignalBody>,
    batches: Vec<usize>,
    keys: BTreeMap<String, Vec<SignalBody>>,
    moments: Vec<Timestamp>,
    /// Fails at this batch, after it was taken: as when the process is killed before the position is saved.
    dies_at: Option<usize>,
}

impl Door for Memory {
    fn put_new_account(&mut self, key: &str, id: &AccountId, body: &AccountBody) -> Result<(), DoorError> {
        let known = self.names.entry(key.to_owned()).or_insert_with(|| (id.clone(), body.clone()));
        assert_eq!((&known.0, &known.1), (id, body), "a key stands for one description: {key}");
        self.descriptions += 1;
        self.accounts.entry(id.clone()).or_insert_with(|| body.clone());
        Ok(())
    }

    fn post_signals(&mut self, key: &str, signals: &[SignalBody]) -> Result<SignalsAnswer, DoorError> {
        let known = self.keys.entry(key.to_owned()).or_insert_with(|| signals.to_vec());
        assert_eq!(known, signals, "a key stands for one content: {key}");
        self.batches.push(signals.len());
        let mut answer = SignalsAnswer { accepted: 0, duplicates: 0, refused: 0, results: vec![] };
        for (index, signal) in signals.iter().enumerate() {
            let negative = signal.value.micros() < 0;
            let errors =
                if negative { vec![Fault::new(format!("signals[{index}].value"), "is negative")] } else { vec![] };
            let verdict = if negative { Verdict::Refused } else { Verdict::Accepted };
            answer.results.push(RecordResult { index, verdict, quarantine_id: None, errors });
            if !negative {
                self.signals.insert((signal.account.to_string(), signal.id.to_string()), signal.clone());
            }
        }
        if self.dies_at == Some(self.batches.len()) {
            return Err(DoorError::Answered { what: "POST /signals".into(), status: 503, detail: "killed".into() });
        }
        Ok(answer)
    }

    fn settle(&mut self) -> Result<(), DoorError> {
        Ok(())
    }

    fn pass_to(&mut self, moment: Timestamp) {
        self.moments.push(moment);
    }
}

struct Bench {
    folder: tempfile::TempDir,
    options: Options,
}

const MAPPING: &str = "
format: csv
account: { column: who }
source: { constant: shop }
id: { made_of: { columns: [who, day, n], repeats: another } }
metric: { constant: purchases }
at: { column: day, format: '%Y%m%d' }
value: { column: n }
unit: { constant: count }
create_accounts: { segment: small_business, stage: steady, arr_cents: 0 }
";

fn bench(mapping: &str, file: &[u8], order: Order) -> Bench {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    std::fs::write(path("map.yaml"), mapping).unwrap();
    std::fs::write(path("data"), file).unwrap();
    let options = Options {
        file: path("data"),
        mapping: path("map.yaml"),
        tenant: TenantId::new("t").unwrap(),
        output: folder.path().to_owned(),
        order,
    };
    Bench { folder, options }
}

impl Bench {
    fn run(&self, door: &mut Memory) -> Result<Summary, ImportError> {
        Import::open(&self.options)?.run(door, &Stopwatch::default(), &ProgressBar::hidden())
    }

    fn refused(&self) -> Vec<Refusal> {
        let text = std::fs::read_to_string(self.options.refused()).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

#[test]
fn every_record_has_a_verdict_and_a_bad_one_harms_only_itself() {
    let file = "who,day,n\na,20260101,2\nb,2026-01-02,1\n\"c\",20260103,-1\nd,20260104\ne#,20260105,1\n\"multi\nline\",20260106,x\nf,20260107,3\n";
    let bench = bench(MAPPING, file.as_bytes(), Order::AsWritten);
    let mut door = Memory::default();
    let summary = bench.run(&mut door).unwrap();
    assert_eq!((summary.records, summary.accepted, summary.duplicates, summary.refused), (7, 2, 0, 5));
    assert_eq!(door.accounts.keys().map(AccountId::as_str).collect::<Vec<_>>(), ["a", "c", "f"]);
    let refused: Vec<(u64, String, String)> = bench
        .refused()
        .into_iter()
        .map(|refusal| (refusal.line, refusal.errors[0].path.clone(), refusal.original))
        .collect();
    let expected = [
        (3, "at", "b,2026-01-02,1"),
        (5, "", "d,20260104"),
        (6, "account", "e#,20260105,1"),
        (7, "value", "\"multi\nline\",20260106,x"),
        (4, "value", "\"c\",20260103,-1"),
    ];
    assert_eq!(refused, expected.map(|(line, path, original)| (line, path.to_owned(), original.to_owned())));
}

#[test]
fn equal_rows_are_two_records_where_the_mapping_says_so_and_one_where_not() {
    let file = b"who,day,n\na,20260101,2\na,20260101,2\na,20260102,2\n";
    for (repeats, accepted, duplicates) in [("another", 3, 0), ("same", 2, 1)] {
        let bench = bench(&MAPPING.replace("another", repeats), file, Order::AsWritten);
        let mut door = Memory::default();
        let summary = bench.run(&mut door).unwrap();
        assert_eq!((summary.accepted, summary.duplicates), (accepted, duplicates));
        assert_eq!(door.signals.len() as u64, accepted);
    }
}

fn many(count: usize) -> String {
    let row = |n: usize| format!("c{},202601{:02},{}\n", n % 50, n % 28 + 1, if n % 100 == 7 { -1 } else { 1 });
    format!("who,day,n\n{}", (0..count).map(row).collect::<String>())
}

#[test]
fn batches_have_at_most_500_records() {
    let bench = bench(MAPPING, many(1_200).as_bytes(), Order::AsWritten);
    let mut door = Memory::default();
    bench.run(&mut door).unwrap();
    assert_eq!(door.batches, [500, 500, 200]);
    assert_eq!((door.accounts.len(), door.descriptions), (50, 50), "an account is described once");
}

#[test]
fn an_import_that_was_killed_goes_on_and_ends_as_if_it_had_not_been() {
    for order in [Order::AsWritten, Order::ByTime] {
        let whole = bench(MAPPING, many(2_000).as_bytes(), order);
        let mut undisturbed = Memory::default();
        let expected = whole.run(&mut undisturbed).unwrap();
        for dies_at in [1, 3, undisturbed.batches.len()] {
            let bench = bench(MAPPING, many(2_000).as_bytes(), order);
            let mut door = Memory { dies_at: Some(dies_at), ..Memory::default() };
            assert!(matches!(bench.run(&mut door), Err(ImportError::Door(_))));
            // The batch that was lost left a refusal behind that was never counted.
            let mut refused = std::fs::OpenOptions::new().append(true).open(bench.options.refused()).unwrap();
            refused.write_all(b"{\"line\":99,\"err").unwrap();
            let summary = bench.run(&mut door).unwrap();
            assert_eq!(
                (summary.records, summary.accepted, summary.refused),
                (expected.records, expected.accepted, expected.refused)
            );
            assert!(dies_at == 1 || summary.resumed_behind > 0, "the second start goes on");
            assert_eq!(door.signals, undisturbed.signals);
            assert_eq!(bench.refused(), whole.refused());
        }
    }
}

#[test]
fn a_description_is_another_request_in_another_import_and_the_same_one_when_an_import_goes_on() {
    let file = b"who,day,n\na,20260101,1\nb,20260102,1\n";
    let mut door = Memory { dies_at: Some(1), ..Memory::default() };
    let first = bench(MAPPING, file, Order::AsWritten);
    first.run(&mut door).unwrap_err();
    first.run(&mut door).unwrap();
    assert_eq!((door.descriptions, door.names.len()), (4, 2), "killed before its position was saved, and gone on");
    let corrected = MAPPING.replace("arr_cents: 0", "arr_cents: 500");
    bench(&corrected, file, Order::AsWritten).run(&mut door).unwrap();
    assert_eq!((door.descriptions, door.names.len()), (6, 4));
}

#[test]
fn a_complete_import_sends_nothing_again_and_says_what_it_did() {
    let bench = bench(MAPPING, many(700).as_bytes(), Order::AsWritten);
    let first = bench.run(&mut Memory::default()).unwrap();
    let refused = bench.refused();
    let mut again = Memory::default();
    assert!(Import::open(&bench.options).unwrap().is_complete());
    let summary = bench.run(&mut again).unwrap();
    assert_eq!((summary.resumed_behind, again.batches.len(), again.descriptions), (700, 0, 0));
    assert_eq!((summary.accepted, summary.refused), (first.accepted, first.refused));
    assert_eq!(bench.refused(), refused);
}

#[test]
fn another_tenant_is_another_import() {
    let mut bench = bench(MAPPING, many(10).as_bytes(), Order::AsWritten);
    let mut door = Memory::default();
    bench.run(&mut door).unwrap();
    bench.options.tenant = TenantId::new("other").unwrap();
    let summary = bench.run(&mut door).unwrap();
    assert_eq!((summary.resumed_behind, door.batches.as_slice()), (0, &[10, 10][..]));
}

#[test]
fn the_first_record_with_a_time_says_when_the_data_begin() {
    let file = b"who,day,n\na,never,1\nb,,1\nb,20260102,1\na,20260101,1\n";
    let bench = bench(MAPPING, file, Order::ByTime);
    let first = || Import::open(&bench.options).unwrap().first_moment().map(|first| first.to_string());
    assert_eq!(first().as_deref(), Some("2026-01-01T00:00:00Z"));
    assert!(!bench.options.position().exists(), "looking at an import begins nothing");
    // Killed when the first of the two good ones was done.
    let mut door = Memory { dies_at: Some(2), ..Memory::default() };
    bench.run(&mut door).unwrap_err();
    assert_eq!(first().as_deref(), Some("2026-01-02T00:00:00Z"));
}

#[test]
fn in_the_order_of_time_a_batch_is_of_one_day_and_time_passes_with_it() {
    let file = b"who,day,n\na,20260103,1\nb,20260101,1\na,20260102,1\nc,20260101,1\nd,never,1\n";
    let bench = bench(MAPPING, file, Order::ByTime);
    assert_eq!(Import::open(&bench.options).unwrap().items.count(), 5);
    let mut door = Memory::default();
    let summary = bench.run(&mut door).unwrap();
    assert!(summary.seconds > 0.0 && summary.records_per_second > 0.0);
    assert_eq!((summary.accepted, summary.refused), (4, 1));
    assert_eq!(door.batches, [2, 1, 1]);
    let moments: Vec<String> = door.moments.iter().map(ToString::to_string).collect();
    assert_eq!(
        moments,
        ["2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z", "2026-01-03T00:00:00Z", "2026-01-10T00:00:00Z"]
    );
}

#[test]
fn json_lines_are_read_and_lines_that_are_none_are_refused() {
    let mapping = MAPPING.replace("format: csv", "format: ndjson");
    let long = format!("{{\"who\":\"{}\"}}", "x".repeat(rows::MAX_ROW_BYTES));
    let good = r#"{"who":"a","day":20260101,"n":1.5}"#;
    let file = format!("{good}\n\n[1]\n{{\"who\":\n{long}\n{}", good.replace("1.5", "2.5"));
    let bench = bench(&mapping, file.as_bytes(), Order::AsWritten);
    let mut door = Memory::default();
    let summary = bench.run(&mut door).unwrap();
    assert_eq!((summary.records, summary.accepted, summary.refused), (5, 2, 3));
    assert_eq!(bench.refused().iter().map(|refusal| refusal.line).collect::<Vec<_>>(), [3, 4, 5]);
}

#[test]
fn a_column_that_is_not_there_is_told_before_anything_is_sent() {
    let bench = bench(MAPPING, b"who,date,n\na,20260101,1\n", Order::AsWritten);
    let error = Import::open(&bench.options).err().unwrap().to_string();
    assert_eq!(error, "the mapping names the column `day`, which the file does not have; it has who, date, n");
    assert!(!bench.options.position().exists());
    drop(bench.folder);
}

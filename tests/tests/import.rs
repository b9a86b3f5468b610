//! An import through the real host: what goes in at the door is what lies on the pages, once, however often it is sent.

use contract::ingest::SignalsAnswer;
use contract::signal::{AccountBody, SignalBody};
use domain::id::{AccountId, PersonId, TenantId};
use indicatif::ProgressBar;
use jiff::{SignedDuration, Timestamp};
use local::bus::nobody;
use local::clock::StandingClock;
use local::command::TEMPLATE;
use local::configuration::Files;
use local::faults::Faults;
use local::host::{Host, Parts};
use local::import::door::{Door, DoorError, HostDoor};
use local::import::{Import, ImportError, Options, Order, Summary, weekly};
use local::issuer::Issuer;
use local::wiring::Wiring;
use platform::clock::WallClock;
use platform::http::Request;
use platform::metrics::Nowhere;
use platform::table::embedded::EmbeddedTable;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

const START: &str = "1997-01-01T00:00:00Z";

struct Machine {
    host: Host,
    table: Arc<EmbeddedTable>,
    issuer: Issuer,
}

fn machine() -> Machine {
    let clock = Arc::new(StandingClock::new(START.parse().unwrap()));
    let table = Arc::new(EmbeddedTable::memory(clock.clone()).unwrap());
    let parts = Parts {
        wiring: weekly(Wiring::read(TEMPLATE, &BTreeMap::new()).unwrap()),
        table: table.clone(),
        clock,
        faults: Faults::none(),
        metrics: Arc::new(Nowhere),
        witness: nobody(),
    };
    let files = Files { scorecards: vec![cdnow("scorecard")], rules: Some(cdnow("rules")), ..Files::default() };
    let configuration = files.configure(&table).unwrap();
    let host = Host::new(parts, |name, ports| configuration.build(name, ports)).unwrap();
    Machine { host, table, issuer: Issuer::in_memory().unwrap() }
}

/// A file of the mapping, scorecard and rules for CDNOW's purchases.
fn cdnow(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("mappings/cdnow/{name}.yaml"))
}

/// A door behind which the process is killed: a batch was taken in and lasts, and the import does not hear of it.
struct Killed<D> {
    door: D,
    batches_to_live: Option<u32>,
}

impl<D: Door> Door for Killed<D> {
    fn put_new_account(&mut self, key: &str, id: &AccountId, body: &AccountBody) -> Result<(), DoorError> {
        self.door.put_new_account(key, id, body)
    }

    fn post_signals(&mut self, key: &str, signals: &[SignalBody]) -> Result<SignalsAnswer, DoorError> {
        self.door.post_signals(key, signals)
    }

    fn settle(&mut self) -> Result<(), DoorError> {
        self.door.settle()?;
        match self.batches_to_live.as_mut() {
            Some(0) => return Err(DoorError::NotKept("killed".to_owned())),
            Some(left) => *left -= 1,
            None => {}
        }
        Ok(())
    }

    fn pass_to(&mut self, moment: Timestamp) {
        self.door.pass_to(moment);
    }
}

impl Machine {
    fn import(&mut self, options: &Options) -> Summary {
        self.import_until(options, None).unwrap()
    }

    fn import_until(&mut self, options: &Options, batches_to_live: Option<u32>) -> Result<Summary, ImportError> {
        let verifier = self.issuer.verifier(self.host.clock()).unwrap();
        let issuer = &self.issuer;
        let token = |now: Timestamp| {
            let (tenant, subject) = (TenantId::new("t").unwrap(), PersonId::new("import").unwrap());
            issuer.mint(&tenant, &subject, &["cs-ops.ingest.write"], SignedDuration::from_hours(1), now).unwrap()
        };
        let door = HostDoor { host: &mut self.host, verifier: &verifier, token: &token };
        let mut door = Killed { door, batches_to_live };
        Import::open(options)?.run(&mut door, &WallClock, &ProgressBar::hidden())
    }

    /// Describes an account as anybody would, over the API.
    fn put(&self, account: &str, body: &serde_json::Value) {
        let verifier = self.issuer.verifier(self.host.clock()).unwrap();
        let (tenant, subject) = (TenantId::new("t").unwrap(), PersonId::new("crm").unwrap());
        let hour = SignedDuration::from_hours(1);
        let token = self.issuer.mint(&tenant, &subject, &["cs-ops.ingest.write"], hour, self.host.now()).unwrap();
        let request = Request {
            method: "PUT".to_owned(),
            route: "/accounts/{id}".to_owned(),
            parameters: BTreeMap::from([("id".to_owned(), account.to_owned())]),
            headers: BTreeMap::from([("authorization".to_owned(), format!("Bearer {token}"))]),
            body: body.to_string().into(),
            ..Request::default()
        };
        let response = self.host.call("ingest", &verifier, request);
        assert_eq!(response.status, 200, "{}", response.body);
    }

    /// How all accounts are described.
    fn profiles(&self) -> BTreeMap<String, String> {
        self.items("state#account")
    }

    /// The pages of all accounts, as they are stored.
    fn pages(&self) -> BTreeMap<String, String> {
        self.items("signal#")
    }

    /// What is stored below a place.
    fn items(&self, place: &str) -> BTreeMap<String, String> {
        let items = self.table.export().unwrap().map(Result::unwrap);
        let there = items.filter(|item| item.key.sk.starts_with(place));
        there
            .map(|item| (format!("{}/{}", item.key.pk, item.key.sk), String::from_utf8(item.body.to_vec()).unwrap()))
            .collect()
    }
}

/// Purchases as CDNOW's file has them: two equal lines are two purchases; one line has no day.
const PURCHASES: &str = "customer_id,date,cds,dollars,fold
00001,19970101,1,11.77,4
00002,19970112,1,12.00,3
00002,19970112,1,12.00,3
00002,19970112,5,77.00,3
00003,19970102,2,20.76,2
00003,19970330,2,20.76,2
00003,,2,19.54,2
00004,19970101,2,29.33,2
";

fn options(folder: &Path, file: &str, order: Order) -> Options {
    let path = folder.join("purchases.csv");
    std::fs::write(&path, file).unwrap();
    Options {
        file: path,
        mapping: cdnow("mapping"),
        tenant: TenantId::new("t").unwrap(),
        output: folder.to_owned(),
        order,
    }
}

fn signals(pages: &BTreeMap<String, String>) -> usize {
    pages.values().map(|page| page.matches("\"purchases\"").count()).sum()
}

#[test]
fn the_same_file_twice_counts_once() {
    let folder = tempfile::tempdir().unwrap();
    let options = options(folder.path(), PURCHASES, Order::ByTime);
    let mut machine = machine();
    let first = machine.import(&options);
    assert_eq!((first.records, first.accepted, first.duplicates, first.refused), (8, 7, 0, 1));
    let pages = machine.pages();
    assert_eq!(signals(&pages), 7, "{pages:#?}");
    let again = machine.import(&options);
    assert_eq!((again.records, again.accepted, again.refused, again.resumed_behind), (8, 7, 1, 8));
    assert_eq!(machine.pages(), pages);
    // Without the note of how far it came everything is sent once more, and nothing counts twice.
    std::fs::remove_file(options.position()).unwrap();
    let again = machine.import(&options);
    assert_eq!((again.records, again.refused, again.resumed_behind), (8, 1, 0));
    assert_eq!(machine.pages(), pages);
    let refused = std::fs::read_to_string(options.refused()).unwrap();
    assert!(refused.contains("column `date` has no value") && refused.contains("00003,,2,19.54,2"), "{refused}");
}

#[test]
fn an_account_that_somebody_has_described_keeps_its_description() {
    let folder = tempfile::tempdir().unwrap();
    let mut machine = machine();
    let acme = serde_json::json!({
        "name": "Acme", "arr_cents": 1_200_000_000_u64, "segment": "enterprise", "stage": "expansion",
        "renewal_on": "1997-10-01", "owner": "dana",
    });
    machine.put("cdnow-00002", &acme);
    let described = machine.profiles();
    let summary = machine.import(&options(folder.path(), PURCHASES, Order::ByTime));
    assert_eq!((summary.records, machine.profiles().len()), (8, 4), "whom nobody had described, the mapping describes");
    for (key, profile) in &described {
        assert_eq!(machine.profiles().get(key), Some(profile));
        assert!(profile.contains("Acme") && profile.contains("dana") && profile.contains("1200000000"), "{profile}");
    }
}

#[test]
fn an_import_that_was_killed_ends_with_the_same_bytes() {
    let whole = tempfile::tempdir().unwrap();
    let mut undisturbed = machine();
    let expected = undisturbed.import(&options(whole.path(), PURCHASES, Order::ByTime));
    for batches_to_live in 0..4 {
        let folder = tempfile::tempdir().unwrap();
        let options = options(folder.path(), PURCHASES, Order::ByTime);
        let mut machine = machine();
        machine.import_until(&options, Some(batches_to_live)).unwrap_err();
        let summary = machine.import(&options);
        assert_eq!(
            (summary.records, summary.accepted, summary.refused),
            (expected.records, expected.accepted, expected.refused)
        );
        assert_eq!(machine.items(""), undisturbed.items(""), "killed at batch {batches_to_live}");
    }
}

#[test]
fn in_the_order_of_time_old_records_are_scored_as_of_then() {
    let folder = tempfile::tempdir().unwrap();
    let options = options(folder.path(), PURCHASES, Order::ByTime);
    let import = Import::open(&options).unwrap();
    assert_eq!(import.first_moment().unwrap().to_string(), "1997-01-01T12:00:00Z");
    drop(import);
    let mut machine = machine();
    machine.import(&options);
    // A week behind the last purchase, so that it is scored too.
    assert_eq!(machine.host.now().to_string(), "1997-04-06T12:00:00Z");
    assert!(machine.host.queues().dead_letters().is_empty());
    let scores = machine.items("score#1997-");
    let of = |account: &str| -> Vec<(String, String, String)> {
        let own = scores.iter().filter(|(key, _)| key.contains(account)).map(|(_, score)| score);
        own.map(|score| serde_json::from_str::<serde_json::Value>(score).unwrap()["entry"].take())
            .map(|entry| ["scored_at", "score", "band"].map(|name| entry[name].as_str().unwrap().to_owned()).into())
            .collect()
    };
    let score = |at: &str, score: &str, band: &str| (at.to_owned(), score.to_owned(), band.to_owned());
    // With the purchase, and in the first weekly run in which it is older than a quarter.
    let once = [score("1997-01-01T12:00:00Z", "74", "at_risk"), score("1997-04-03T00:00:00Z", "50", "emergency")];
    assert_eq!(of("cdnow-00001"), once);
    assert_eq!(of("cdnow-00002"), [score("1997-01-12T12:00:00Z", "96", "champion")]);
    let again = [
        score("1997-01-02T12:00:00Z", "74", "at_risk"),
        score("1997-03-30T12:00:00Z", "87", "healthy"),
        score("1997-04-03T00:00:00Z", "84", "healthy"),
    ];
    assert_eq!(of("cdnow-00003"), again);
}

#[test]
fn who_stops_buying_is_called_for_after_a_quarter_and_no_longer_when_buying_again() {
    let folder = tempfile::tempdir().unwrap();
    let more = format!("{PURCHASES}00002,19970701,1,9.99,3\n00004,19970714,1,9.99,2\n");
    let options = options(folder.path(), &more, Order::ByTime);
    let mut machine = machine();
    machine.import(&options);
    let of = |account: &str| {
        let items = machine.items("state#episodes");
        let (_, own) = items.iter().find(|(key, _)| key.contains(account)).unwrap();
        let own: serde_json::Value = serde_json::from_str(own).unwrap();
        let cta = &own["state"]["episodes"]["buyer-gone-quiet"]["cta"];
        let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
        (text(&cta["opened_at"]), text(&cta["status"]["status"]), text(&cta["status"]["at"]))
    };
    let cta = |opened: &str, status: &str, ended: &str| (opened.to_owned(), status.to_owned(), ended.to_owned());
    assert_eq!(of("cdnow-00001"), cta("1997-04-03T00:00:00Z", "open", ""));
    assert_eq!(of("cdnow-00003"), cta("1997-07-03T00:00:00Z", "open", ""));
    assert_eq!(of("cdnow-00002"), cta("1997-04-17T00:00:00Z", "closed", "1997-07-03T00:00:00Z"));
    assert_eq!(of("cdnow-00004"), cta("1997-04-03T00:00:00Z", "closed", "1997-07-17T00:00:00Z"));
}

#[test]
fn a31_what_lies_too_far_back_or_in_the_future_is_refused_with_its_path() {
    let folder = tempfile::tempdir().unwrap();
    let recent = PURCHASES.replace("00004,19970101", "00004,19951101");
    let options = options(folder.path(), &recent, Order::AsWritten);
    let mut machine = machine();
    // The clock stands on 1 January: later purchases lie in the future, and one lies too far back.
    let summary = machine.import(&options);
    assert_eq!((summary.records, summary.accepted, summary.refused), (8, 0, 8));
    let refused = std::fs::read_to_string(options.refused()).unwrap();
    assert!(refused.contains("in the past") && refused.contains("in the future"), "{refused}");
    assert_eq!(refused.matches("\"path\":\"at\"").count(), 8, "{refused}");
}

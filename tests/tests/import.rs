//! An import through the real host: what goes in at the door is what lies on the pages, once, however often it is sent.

use domain::id::{PersonId, TenantId};
use indicatif::ProgressBar;
use jiff::{SignedDuration, Timestamp};
use local::bus::nobody;
use local::clock::StandingClock;
use local::command::TEMPLATE;
use local::faults::Faults;
use local::functions;
use local::host::{Host, Parts};
use local::import::door::HostDoor;
use local::import::{Import, Options, Order, Summary, weekly};
use local::issuer::Issuer;
use local::wiring::Wiring;
use platform::clock::WallClock;
use platform::metrics::Nowhere;
use platform::table::embedded::EmbeddedTable;
use std::collections::BTreeMap;
use std::path::Path;
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
    Machine { host: Host::new(parts, functions::build).unwrap(), table, issuer: Issuer::in_memory().unwrap() }
}

impl Machine {
    fn import(&mut self, options: &Options) -> Summary {
        let verifier = self.issuer.verifier(self.host.clock()).unwrap();
        let issuer = &self.issuer;
        let token = |now: Timestamp| {
            let (tenant, subject) = (TenantId::new("t").unwrap(), PersonId::new("import").unwrap());
            issuer.mint(&tenant, &subject, &["cs-ops.ingest.write"], SignedDuration::from_hours(1), now).unwrap()
        };
        let mut door = HostDoor { host: &mut self.host, verifier: &verifier, token: &token };
        Import::open(options).unwrap().run(&mut door, &WallClock, &ProgressBar::hidden()).unwrap()
    }

    /// The pages of all accounts, as they are stored.
    fn pages(&self) -> BTreeMap<String, String> {
        let items = self.table.export().unwrap().map(Result::unwrap);
        let pages = items.filter(|item| item.key.sk.starts_with("signal#"));
        pages
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
    let mapping = Path::new(env!("CARGO_MANIFEST_DIR")).join("mappings/cdnow.yaml");
    Options { file: path, mapping, output: folder.to_owned(), order }
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
    assert_eq!((again.records, again.refused), (8, 1));
    assert_eq!(machine.pages(), pages);
    let refused = std::fs::read_to_string(options.refused()).unwrap();
    assert!(refused.contains("column `date` has no value") && refused.contains("00003,,2,19.54,2"), "{refused}");
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

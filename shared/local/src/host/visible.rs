//! From the commit to the read: what a source tells is in the answers of report within five seconds.

use super::*;
use crate::bus::nobody;
use crate::client::{Ask, Client};
use crate::command::TEMPLATE;
use crate::faults::Faults;
use crate::functions;
use contract::report::{LivePerformance, RevenueAnswer};
use domain::id::{PersonId, TenantId};
use jiff::SignedDuration;
use platform::metrics::Nowhere;
use platform::table::embedded::EmbeddedTable;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

struct Stage {
    host: Host,
    client: Client,
}

fn stage() -> Stage {
    let clock = Arc::new(StandingClock::new("2026-01-05T06:00:00Z".parse().unwrap()));
    let table = Arc::new(EmbeddedTable::memory(clock.clone()).unwrap());
    let client = Client::new(TenantId::new("t").unwrap(), PersonId::new("kim").unwrap(), clock.clone()).unwrap();
    let parts = Parts {
        wiring: Wiring::read(TEMPLATE, &BTreeMap::new()).unwrap(),
        table,
        clock,
        faults: Faults::none(),
        metrics: Arc::new(Nowhere),
        witness: nobody(),
    };
    Stage { host: Host::new(parts, functions::build).unwrap(), client }
}

impl Stage {
    fn put(&mut self, id: &str, function: &str, method: &str, route: &str, body: &Value) -> Timestamp {
        let ask = Ask { function, method, route, parameters: &[("id", "acme")], id };
        let _: Value = self.client.expect(&self.host, &ask, body).unwrap();
        self.host.now()
    }

    fn read<T: DeserializeOwned>(&self, route: &str) -> T {
        let ask = Ask { function: "report", method: "GET", route, parameters: &[], id: "read" };
        self.client.expect(&self.host, &ask, &()).unwrap()
    }

    fn five_seconds_after(&mut self, committed: Timestamp) {
        self.host.advance(committed + SignedDuration::from_secs(5));
    }
}

#[test]
fn a28_a_change_is_in_the_answers_within_five_seconds_of_its_commit() {
    let mut stage = stage();
    assert_eq!(stage.read::<LivePerformance>("/performance/live").accounts, 0);
    let acme = json!({ "name": "Acme", "arr_cents": 5_000_000, "segment": "enterprise", "stage": "steady" });
    let committed = stage.put("1", "ingest", "PUT", "/accounts/{id}", &acme);
    stage.five_seconds_after(committed);
    let live: LivePerformance = stage.read("/performance/live");
    assert_eq!((live.accounts, live.as_of), (1, committed + SignedDuration::from_secs(5)));
    assert_eq!(stage.read::<RevenueAnswer>("/revenue").movements.new_cents, 5_000_000);

    let signal = |id: &str, status: &str, metric: &str, value: i64| {
        json!({
            "source": "desk", "id": id, "account": "acme", "at": committed, "metric": metric, "value": value,
            "unit": if metric == "csat" { "percent" } else { "count" },
            "case": (metric == "case_event").then(|| json!({ "id": "c", "severity": "low", "status": status })),
        })
    };
    let without_nothing = |mut signal: Value| {
        signal.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        signal
    };
    let told =
        [signal("1", "opened", "case_event", 1), signal("2", "resolved", "case_event", 1), signal("3", "", "csat", 90)];
    let told: Vec<Value> = told.map(without_nothing).into();
    let committed = stage.put("2", "ingest", "POST", "/signals", &json!({ "signals": told }));
    stage.five_seconds_after(committed);
    let live: LivePerformance = stage.read("/performance/live");
    let figure = |id: &str| live.kpis.iter().find(|figure| figure.id == id).unwrap();
    assert_eq!(figure("first_contact").value.as_deref(), Some("100"), "{:?}", live.kpis);
    assert_eq!(figure("csat").value.as_deref(), Some("90"));
}

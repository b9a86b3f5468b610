//! `GET /health` says that the function is alive; `GET /ready` asks whether what it needs answers.

use contract::report::Status;
use platform::function::Ports;
use platform::http::{Problem, Response};
use platform::keys;
use platform::table::Range;
use std::collections::BTreeMap;

/// `GET /health`.
pub fn health() -> Result<Response, Problem> {
    Response::json(200, &Status { status: "ok".to_owned(), checks: BTreeMap::new() })
}

/// `GET /ready`.
pub async fn ready(ports: &Ports) -> Result<Response, Problem> {
    let table = match ports.table.query(&Range::prefix(keys::TENANTS, "").limit(1)).await {
        Ok(_) => "ok".to_owned(),
        // The route is open: what exactly fails is for the log.
        Err(error) => {
            tracing::error!(%error, "the table does not answer");
            "unavailable".to_owned()
        }
    };
    let (status, word) = if table == "ok" { (200, "ok") } else { (503, "unavailable") };
    Response::json(status, &Status { status: word.to_owned(), checks: BTreeMap::from([("table".to_owned(), table)]) })
}

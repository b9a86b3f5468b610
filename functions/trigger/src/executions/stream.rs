//! `GET /executions/{id}/events`: what has happened to an execution, as server-sent events.
//!
//! Behind API Gateway an answer of a Lambda function ends when the function does: it cannot be held open. So an answer
//! holds what has happened since `Last-Event-ID` and ends; `retry` tells the client when to ask again, and every client
//! of server-sent events does that by itself, with the last id that it saw. Nothing is missed and nothing comes twice.
//! When the execution has ended and all was told, the answer is 204, at which clients stop.

use contract::execution::{ExecutionEvent, ExecutionItem};
use contract::problem::Fault;
use domain::id::ExecutionId;
use platform::function::Ports;
use platform::http::{Caller, Problem, Request, Response};
use platform::keys;
use platform::table::{self, Range};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// How soon a client asks again, in milliseconds.
const RETRY_MILLISECONDS: u32 = 5_000;
/// The most entries of the log in one answer.
const MAX_ENTRIES: usize = 50;

/// Answers with what has happened since the last id that the client saw.
pub async fn events(ports: &Ports, caller: &Caller, request: &Request) -> Result<Response, Problem> {
    let (id, item) = super::find(ports, caller, request).await?;
    let seen = last_seen(request)?;
    let events = since(ports, caller, &id, seen).await?;
    if events.is_empty() && item.ended_at.is_some() && seen >= item.changes {
        return Ok(Response { status: 204, headers: BTreeMap::new(), body: String::new() });
    }
    let body = written(&events, &item).map_err(|error| Problem::internal(&error))?;
    let headers = BTreeMap::from([("content-type".to_owned(), "text/event-stream".to_owned())]);
    Ok(Response { status: 200, headers, body })
}

fn last_seen(request: &Request) -> Result<u64, Problem> {
    let Some(id) = request.headers.get("last-event-id") else { return Ok(0) };
    id.trim().parse().map_err(|_| {
        let fault = Fault::new("Last-Event-ID", "is the `id` of an event of this stream: a whole number");
        Problem::malformed("the header `Last-Event-ID` cannot be read", vec![fault])
    })
}

/// An entry lies at the number of its last change: the ones from there on hold all that came later.
async fn since(ports: &Ports, caller: &Caller, id: &ExecutionId, seen: u64) -> Result<Vec<ExecutionEvent>, Problem> {
    let first = keys::execution_log(&caller.tenant, id, seen.saturating_add(1));
    let range = Range { first: first.sk, ..Range::prefix(first.pk, "") }.limit(MAX_ENTRIES);
    let page = ports.table.query(&range).await?;
    let mut events = Vec::new();
    for item in &page.items {
        events.extend(table::read::<Vec<ExecutionEvent>>(item)?);
    }
    events.retain(|event| event.number > seen);
    Ok(events)
}

fn written(events: &[ExecutionEvent], item: &ExecutionItem) -> Result<String, serde_json::Error> {
    let mut body = format!("retry: {RETRY_MILLISECONDS}\n\n");
    if events.is_empty() {
        // A comment: it says that there is no news, and clients pass over it.
        let said = format!(": {} after {} changes\n\n", item.status, item.changes);
        body.push_str(&said);
    }
    for event in events {
        let data = serde_json::to_string(event)?;
        // Writing into a text cannot fail.
        write!(body, "id: {}\nevent: {}\ndata: {data}\n\n", event.number, event.what).unwrap_or_default();
    }
    Ok(body)
}

//! Quarantine: refused records with their reasons, kept for [`KEPT_DAYS`] days, and the way back in.

use crate::door::{self, Refused};
use contract::event::{Cause, Event, FunctionName, RecordsQuarantined};
use contract::ingest::{QuarantinePage, QuarantinedRecord, ReleaseAnswer, ReleaseRequest, Verdict};
use contract::message::{RecordSignals, cause_id};
use contract::problem::Fault;
use domain::id::CauseId;
use jiff::{SignedDuration, Timestamp};
use platform::function::{Failure, Ports};
use platform::http::{self, Caller, Problem, Request, Response};
use platform::keys;
use platform::table::{self, Expect, Key, MAX_WRITES, Range, TableError, Write};

/// How long a refused record is kept, in days.
pub const KEPT_DAYS: i64 = 30;
/// The longest record that is kept whole, in bytes; a longer one is cut there and says so in its errors.
const MAX_RECORD_BYTES: usize = 32 * 1024;
/// The most records in one page.
const MAX_PAGE: usize = 100;

/// The name of a refused record: the same request sent again refuses it under the same name.
pub fn id(cause: &Cause, index: usize) -> CauseId {
    cause_id(&format!("{}#{}#quarantine#{index}", cause.tenant, cause.causation_id))
}

/// Puts refused records aside, and says so on the bus.
pub async fn put_aside(ports: &Ports, cause: &Cause, refused: &[Refused]) -> Result<(), Problem> {
    if refused.is_empty() {
        return Ok(());
    }
    let now = ports.clock.now();
    let ids: Vec<CauseId> = refused.iter().map(|refused| id(cause, refused.index)).collect();
    let mut writes = Vec::new();
    for (id, refused) in ids.iter().zip(refused) {
        let key = keys::quarantine(&cause.tenant, id);
        if ports.table.get(&key).await?.is_none() {
            writes.push(write(&key, id, &refused.record, refused.errors.clone(), now)?);
        }
    }
    for chunk in writes.chunks(MAX_WRITES) {
        ports.table.commit(chunk.to_vec()).await?;
    }
    let fact = RecordsQuarantined {
        count: u32::try_from(ids.len()).unwrap_or(u32::MAX),
        quarantine_ids: ids.iter().map(ToString::to_string).collect(),
    };
    ports.bus.publish(&[Event::new(cause, None, "", now, fact)]).await.map_err(Failure::from)?;
    Ok(())
}

/// The write that puts a record aside.
pub fn write(
    key: &Key,
    id: &CauseId,
    record: &str,
    mut errors: Vec<Fault>,
    now: Timestamp,
) -> Result<Write, TableError> {
    let mut end = record.len().min(MAX_RECORD_BYTES);
    while !record.is_char_boundary(end) {
        end -= 1;
    }
    if end < record.len() {
        errors.push(Fault::new(
            ".",
            format!("has {} bytes and was cut at {end}; release it with a mended `record`", record.len()),
        ));
    }
    let record = record.get(..end).unwrap_or_default().to_owned();
    let body = table::body(&QuarantinedRecord { quarantine_id: id.clone(), received_at: now, record, errors })?;
    Ok(Write::Put { key: key.clone(), expect: Expect::Absent, body, expires_at: Some(expiry(now)) })
}

fn expiry(now: Timestamp) -> Timestamp {
    now.checked_add(SignedDuration::from_hours(24 * KEPT_DAYS)).unwrap_or(Timestamp::MAX)
}

/// `GET /quarantine`.
pub async fn list(ports: &Ports, caller: &Caller, request: &Request) -> Result<Response, Problem> {
    let range = Range::prefix(keys::quarantine_partition(&caller.tenant), "")
        .limit(MAX_PAGE)
        .after(request.query.get("cursor").cloned());
    let page = ports.table.query(&range).await?;
    let records = page.items.iter().map(table::read).collect::<Result<Vec<QuarantinedRecord>, _>>()?;
    Response::json(200, &QuarantinePage { records, cursor: page.next })
}

/// `POST /quarantine/{id}/release`: checks the record again and sends it on. What is still wrong stays where it is.
pub async fn release(ports: &Ports, caller: &Caller, request: &Request) -> Result<Response, Problem> {
    let name = request.parameters.get("id").map(String::as_str).unwrap_or_default();
    let not_found = || Problem::not_found("quarantined record", name);
    let id = CauseId::new(name).map_err(|_| not_found())?;
    let key = keys::quarantine(&caller.tenant, &id);
    let item = ports.table.get(&key).await?.ok_or_else(not_found)?;
    let kept: QuarantinedRecord = table::read(&item)?;
    let mended: ReleaseRequest =
        if request.body.is_empty() { ReleaseRequest::default() } else { http::read_json(request)? };
    let record = match &mended.record {
        Some(record) => serde_json::to_string(record).map_err(|error| Problem::internal(&error))?,
        None => kept.record,
    };
    let cause = request.cause(caller, FunctionName::Ingest);
    let still_wrong = |errors| {
        Problem::invalid("the record is still not valid and stays in quarantine; send a mended `record`", errors)
    };
    let body = door::read_record(&record, "record", ports.clock.now()).map_err(still_wrong)?;
    if !door::is_known(ports, &cause, &body.account).await? {
        return Err(still_wrong(vec![door::unknown_account("record", &body.account)]));
    }
    // First onto the queue, then out of quarantine: a crash between the two sends it twice, which counts once.
    let data = RecordSignals { account: body.account.clone(), signals: vec![body], refused: Vec::new() };
    ports.queue.send(&[door::record_work(&cause, id.as_str(), data)]).await.map_err(Failure::from)?;
    ports.table.commit(vec![Write::Delete { key }]).await?;
    Response::json(202, &ReleaseAnswer { quarantine_id: id, verdict: Verdict::Accepted })
}

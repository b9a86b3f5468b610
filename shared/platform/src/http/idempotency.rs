//! The record of a POST, by its `Idempotency-Key`: in progress, then done with its answer.
//!
//! Guarantees, for a day: the same key with the same content gets the same answer, and the work is not done again; the
//! same key with other content is refused; of two at the same time one works and the other is told to wait. The record
//! is taken and completed by conditional writes. A taker that dies holds it no longer than its lease. Answers that a
//! retry may better (5xx and 429) are not kept.
//!
//! The record alone is not what makes a request happen once in effect: whoever takes over an abandoned record does the
//! work again, with the same cause id, and the head that the work changes knows that id.

use super::{Caller, Problem, Request, Response};
use crate::keys::{self, Key};
use crate::table::{self, Expect, Table, TableError, Write};
use contract::event::FunctionName;
use contract::message::cause_id;
use domain::id::CauseId;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The longest `Idempotency-Key`, in characters.
pub const MAX_KEY: usize = 255;
/// How long a request may work before another may take its record. Longer than any function runs.
pub const LEASE: SignedDuration = SignedDuration::from_secs(60);
/// How long an answer is kept.
pub const KEPT: SignedDuration = SignedDuration::from_hours(24);
/// How often a lost race for the record is looked at again.
const ATTEMPTS: usize = 4;

/// What a POST is known by.
#[derive(Debug, Clone)]
pub(super) struct Identity {
    key: Key,
    fingerprint: String,
    /// The same for every repeat of the request.
    pub(super) cause: CauseId,
}

#[derive(Serialize, Deserialize)]
struct Record {
    fingerprint: String,
    #[serde(flatten)]
    state: State,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
enum State {
    InProgress { until: Timestamp },
    Done { response: Response },
}

/// What the record says of a request.
#[derive(Debug)]
pub(super) enum Begun {
    /// Nobody did it yet: do it, then complete the record.
    Taken(Taken),
    /// It was done; this was the answer.
    Done(Response),
}

/// A record that is held while the request works.
#[derive(Debug)]
pub(super) struct Taken {
    identity: Identity,
    version: u64,
}

/// Reads the `Idempotency-Key` and makes out what the request is known by.
pub(super) fn identify(function: FunctionName, caller: &Caller, request: &Request) -> Result<Identity, Problem> {
    let Some(key) = request.headers.get("idempotency-key") else {
        return Err(Problem::new(
            400,
            "idempotency_key_missing",
            "An Idempotency-Key is needed",
            "send the header `Idempotency-Key` with 1 to 255 visible ASCII characters, a new one for each thing to be done and the same one for a retry",
        ));
    };
    if key.is_empty() || key.len() > MAX_KEY || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Problem::new(
            400,
            "idempotency_key_malformed",
            "The Idempotency-Key cannot be used",
            format!("the header `Idempotency-Key` has 1 to {MAX_KEY} visible ASCII characters"),
        ));
    }
    let fingerprint = fingerprint(caller, request);
    // The content belongs to the cause: a key that is used for something else, when its record is gone, is another cause.
    let cause = cause_id(&format!("request#{}#{}#{key}#{fingerprint}", caller.tenant, function.as_str()));
    Ok(Identity { key: keys::idempotency(&caller.tenant, function.as_str(), key), fingerprint, cause })
}

/// SHA-256 of who asks for what. Each part is led by its length, so that no two requests run together to one text.
fn fingerprint(caller: &Caller, request: &Request) -> String {
    let mut hash = Sha256::new();
    let mut add = |part: &[u8]| {
        hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(part);
    };
    for part in [caller.subject.as_str(), &request.method, &request.route] {
        add(part.as_bytes());
    }
    for values in [&request.parameters, &request.query] {
        add(values.len().to_string().as_bytes());
        for (name, value) in values {
            add(name.as_bytes());
            add(value.as_bytes());
        }
    }
    add(&request.body);
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Takes the record, or says why that is not to be.
pub(super) async fn begin(table: &dyn Table, identity: Identity, now: Timestamp) -> Result<Begun, Problem> {
    for _ in 0..ATTEMPTS {
        let item = table.get(&identity.key).await?;
        if let Some(item) = &item {
            let record: Record = table::read(item)?;
            if record.fingerprint != identity.fingerprint {
                return Err(other_content());
            }
            match record.state {
                State::Done { response } => return Ok(Begun::Done(response)),
                State::InProgress { until } if until > now => return Err(in_progress(until, now)),
                State::InProgress { .. } => {}
            }
        }
        let expect = Expect::of(item.as_ref());
        match put(table, &identity, expect, State::InProgress { until: later(now, LEASE) }, now).await {
            Ok(()) => return Ok(Begun::Taken(Taken { identity, version: expect.next_version() })),
            Err(TableError::Conflict(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(in_progress(later(now, SignedDuration::from_secs(1)), now))
}

impl Taken {
    /// Completes the record. Where that fails the answer goes out all the same: the work is done, and the lease frees
    /// the record for a retry that will find it done.
    pub(super) async fn end(self, table: &dyn Table, response: &Response, now: Timestamp) {
        let state = if response.status >= 500 || response.status == 429 {
            State::InProgress { until: now }
        } else {
            State::Done { response: response.clone() }
        };
        if let Err(error) = put(table, &self.identity, Expect::Version(self.version), state, now).await {
            tracing::warn!(%error, "the answer to an Idempotency-Key was not kept");
        }
    }
}

async fn put(
    table: &dyn Table,
    identity: &Identity,
    expect: Expect,
    state: State,
    now: Timestamp,
) -> Result<(), TableError> {
    let body = table::body(&Record { fingerprint: identity.fingerprint.clone(), state })?;
    let expires_at = Some(later(now, KEPT));
    table.commit(vec![Write::Put { key: identity.key.clone(), expect, body, expires_at }]).await
}

fn later(now: Timestamp, by: SignedDuration) -> Timestamp {
    now.checked_add(by).unwrap_or(Timestamp::MAX)
}

fn other_content() -> Problem {
    Problem::new(
        409,
        "idempotency_key_reused",
        "The Idempotency-Key was used for something else",
        "this `Idempotency-Key` came with another request before; use a new key for a new request",
    )
}

fn in_progress(until: Timestamp, now: Timestamp) -> Problem {
    let seconds = u32::try_from(until.duration_since(now).as_secs().max(1)).unwrap_or(u32::MAX);
    Problem {
        retry_after_seconds: Some(seconds),
        ..Problem::new(
            409,
            "request_in_progress",
            "The same request is being worked on",
            "a request with this `Idempotency-Key` is being worked on; send it again later to get its answer",
        )
    }
}

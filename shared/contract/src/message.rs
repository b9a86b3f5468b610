//! What lies in a queue: a fact from the bus, or work that a function set itself.

use crate::event::{Cause, Event};
use crate::signal::SignalBody;
use domain::id::{AccountId, CauseId, TenantId};
use serde::{Deserialize, Serialize};

/// The same text gives the same id, everywhere and always.
pub fn cause_id(seed: &str) -> CauseId {
    // A fixed namespace, made once for cs-ops.
    const NAMESPACE: uuid::Uuid = uuid::Uuid::from_u128(0x6373_2d6f_7073_4a1e_9c55_0f6e_2d1b_7a01);
    let id = uuid::Uuid::new_v5(&NAMESPACE, seed.as_bytes()).hyphenated().to_string();
    match CauseId::new(id) {
        Ok(id) => id,
        Err(_) => unreachable!("a UUID is an id"),
    }
}

/// Work that a function puts on its own queue.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Work {
    /// Made from its cause: the same work sent twice has the same id.
    pub work_id: CauseId,
    /// Whose it is.
    pub tenant: TenantId,
    /// One id from the first request to the last effect.
    pub correlation_id: String,
    /// What to do.
    #[serde(flatten)]
    pub task: Task,
}

impl Work {
    /// The cause of what this work brings about.
    pub fn as_cause(&self) -> Cause {
        self.cause_of(&self.work_id)
    }

    /// The cause of what a part of this work brings about, where the part has an id of its own.
    pub fn cause_of(&self, part: &CauseId) -> Cause {
        Cause {
            tenant: self.tenant.clone(),
            correlation_id: self.correlation_id.clone(),
            causation_id: part.to_string(),
        }
    }
}

/// What to do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "work", content = "data", rename_all = "snake_case")]
pub enum Task {
    /// Ingest: record accepted signals of one account.
    RecordSignals {
        /// The account.
        account: AccountId,
        /// The signals, each checked at the door.
        signals: Vec<SignalBody>,
    },
    /// Score or trigger: look at every account of one shard of the portfolio.
    Sweep {
        /// The run, named by its slot: a slot that fires twice is one run.
        run: String,
        /// The moment that the run stands for.
        at: jiff::Timestamp,
        /// The shard.
        shard: u32,
        /// Go on after this account, when an earlier message stopped there.
        after: Option<AccountId>,
    },
}

/// A message of a queue.
#[derive(Debug, Clone, PartialEq)]
pub enum Incoming {
    /// Something happened.
    Fact(Box<Event>),
    /// Something is to be done.
    Work(Box<Work>),
}

impl Incoming {
    /// Reads the body of a queue message. The error names the path of the fault.
    pub fn parse(body: &str) -> Result<Self, MessageError> {
        let value: serde_json::Value =
            serde_json::from_str(body).map_err(|error| MessageError { path: ".".into(), reason: error.to_string() })?;
        if value.get("work").is_some() {
            return read(value).map(|work| Self::Work(Box::new(work)));
        }
        let (Some(name), Some(detail)) = (value.get("detail-type"), value.get("detail")) else {
            return Err(MessageError { path: ".".into(), reason: "is neither a bus event nor work".into() });
        };
        let mut detail = detail.clone();
        if let Some(detail) = detail.as_object_mut() {
            detail.insert("detail-type".into(), name.clone());
        }
        read(detail).map(|event| Self::Fact(Box::new(event)))
    }

    /// The id by which a repeat is recognised.
    pub fn id(&self) -> &CauseId {
        match self {
            Self::Fact(event) => &event.meta.event_id,
            Self::Work(work) => &work.work_id,
        }
    }

    /// Whose it is.
    pub fn tenant(&self) -> &TenantId {
        match self {
            Self::Fact(event) => &event.meta.tenant,
            Self::Work(work) => &work.tenant,
        }
    }

    /// The cause of what this message brings about.
    pub fn as_cause(&self) -> Cause {
        match self {
            Self::Fact(event) => event.as_cause(),
            Self::Work(work) => work.as_cause(),
        }
    }
}

fn read<T: serde::de::DeserializeOwned>(value: serde_json::Value) -> Result<T, MessageError> {
    serde_path_to_error::deserialize(value)
        .map_err(|error| MessageError { path: error.path().to_string(), reason: error.into_inner().to_string() })
}

/// Why a message cannot be read. Trying again does not help.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("message is malformed at `{path}`: {reason}")]
pub struct MessageError {
    /// Where.
    pub path: String,
    /// What is wrong.
    pub reason: String,
}

//! What lies in a queue: a fact from the bus, or work that a function set itself.

use crate::event::{Cause, Event, Fact, Meta};
use crate::problem::Fault;
use crate::signal::SignalBody;
use domain::day::Day;
use domain::id::{AccountId, CauseId, DestinationId, SourceId, TenantId};
use domain::quality::Refusal;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

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

/// Work that a function puts on its own queue. It is read by [`Incoming::parse`].
#[derive(Debug, Clone, PartialEq, Serialize)]
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
    /// In which lane it waits: the news of a critical case before other news, and what somebody waits for before what goes
    /// through the whole portfolio.
    pub fn lane(&self) -> Lane {
        match &self.task {
            Task::RecordSignals(task) if task.signals.iter().any(SignalBody::is_urgent) => Lane::Urgent,
            Task::Deliver(Deliver { urgent: true, .. }) => Lane::Urgent,
            Task::RecordSignals(_) | Task::Deliver(_) => Lane::Standard,
            Task::Sweep(_) => Lane::Bulk,
        }
    }

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

/// A lane of a function's messages: a queue of its own, so that nothing in a slower lane stands before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lane {
    /// Somebody is to be called now.
    Urgent,
    /// News.
    Standard,
    /// Runs over the portfolio.
    Bulk,
}

impl Lane {
    /// All three, the most urgent first.
    pub const ALL: [Self; 3] = [Self::Urgent, Self::Standard, Self::Bulk];

    /// The name as it is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Urgent => "urgent",
            Self::Standard => "standard",
            Self::Bulk => "bulk",
        }
    }
}

/// What to do.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "work", content = "data", rename_all = "snake_case")]
pub enum Task {
    /// Ingest: record accepted signals of one account.
    RecordSignals(RecordSignals),
    /// Score or trigger: look at every account of one shard of the portfolio.
    Sweep(Sweep),
    /// Escalate: tell a destination what waits for it.
    Deliver(Deliver),
}

/// Record accepted signals of one account.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RecordSignals {
    /// The account.
    pub account: AccountId,
    /// The signals, each checked at the door.
    pub signals: Vec<SignalBody>,
    /// Records about the account that the door refused.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refused: Vec<RefusedRecord>,
}

/// A record that the door refused: what the quality of its source is measured by. The record itself lies in quarantine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedRecord {
    /// Made from the record's content: the same record sent again has the same name.
    pub name: String,
    /// Who sent it.
    pub source: SourceId,
    /// The day on which it came.
    pub day: Day,
    /// Why it was refused.
    pub why: Refusal,
}

/// Look at every account of one shard of the portfolio.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sweep {
    /// The run, named by its slot: a slot that fires twice is one run.
    pub run: String,
    /// The moment that the run stands for.
    pub at: jiff::Timestamp,
    /// The shard.
    pub shard: u32,
    /// Go on after this account, when an earlier message stopped there.
    pub after: Option<AccountId>,
}

/// Tell a destination what waits for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deliver {
    /// Which one.
    pub destination: DestinationId,
    /// Only what cannot wait for the rest: what is critical.
    #[serde(default)]
    pub urgent: bool,
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
        let envelope: Envelope = read(".", body)?;
        match (envelope.work, envelope.name, envelope.detail) {
            (Some(name), ..) => Work::parse(body, &name).map(|work| Self::Work(Box::new(work))),
            (None, Some(name), Some(detail)) => Event::parse(&name, detail).map(|event| Self::Fact(Box::new(event))),
            _ => Err(MessageError { path: ".".into(), reason: "is neither a bus event nor work".into() }),
        }
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

/// What tells the kinds of messages apart. Inner parts are read by their own types, so that a fault's path is known.
#[derive(Deserialize)]
struct Envelope<'a> {
    work: Option<String>,
    #[serde(rename = "detail-type")]
    name: Option<String>,
    #[serde(borrow)]
    detail: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct WorkParts<'a> {
    work_id: CauseId,
    tenant: TenantId,
    correlation_id: String,
    #[serde(borrow)]
    data: &'a RawValue,
}

#[derive(Deserialize)]
struct Detail<'a> {
    meta: Meta,
    #[serde(borrow)]
    data: &'a RawValue,
}

impl Work {
    fn parse(body: &str, name: &str) -> Result<Self, MessageError> {
        let parts: WorkParts = read(".", body)?;
        let data = parts.data.get();
        let task = match name {
            "record_signals" => Task::RecordSignals(read("data", data)?),
            "sweep" => Task::Sweep(read("data", data)?),
            "deliver" => Task::Deliver(read("data", data)?),
            _ => return Err(MessageError { path: "work".into(), reason: format!("there is no work `{name}`") }),
        };
        let WorkParts { work_id, tenant, correlation_id, .. } = parts;
        Ok(Self { work_id, tenant, correlation_id, task })
    }
}

impl Event {
    fn parse(name: &str, detail: &RawValue) -> Result<Self, MessageError> {
        let Detail { meta, data } = read("detail", detail.get())?;
        Ok(Self { meta, fact: Fact::parse(name, data.get())? })
    }
}

/// Reads a part of a message. `place` is where the part lies in it.
pub(crate) fn read<'de, T: Deserialize<'de>>(place: &str, text: &'de str) -> Result<T, MessageError> {
    let mut json = serde_json::Deserializer::from_str(text);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let Fault { path, reason } = Fault::of_shape(place, &error);
        MessageError { path, reason }
    })?;
    json.end().map_err(|error| MessageError { path: ".".into(), reason: error.to_string() })?;
    Ok(value)
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

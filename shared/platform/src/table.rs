//! The table port: get, query a key range, commit a set of conditional writes. That is its whole vocabulary; there is no
//! scan. Two adapters keep the same promises and are held to them by one conformance suite ([`conformance`]).
//!
//! Every item carries a version that starts at 1 and grows by one with each put; a write names the version it expects.

#[cfg(feature = "conformance")]
pub mod conformance;
#[cfg(feature = "lambda")]
pub mod dynamodb;
#[cfg(feature = "embedded")]
pub mod embedded;

pub use crate::keys::Key;
use async_trait::async_trait;
use bytes::Bytes;
use jiff::Timestamp;

/// The largest body of an item, in bytes. DynamoDB's limit is 400 KiB with keys and attribute names.
pub const MAX_BODY_BYTES: usize = 390 * 1024;
/// The most writes in one commit.
pub const MAX_WRITES: usize = 100;
/// The most bytes in one commit.
pub const MAX_COMMIT_BYTES: usize = 4 * 1024 * 1024;
/// The most items in one page of a query.
pub const MAX_PAGE: usize = 1000;

/// An item as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Where it lies.
    pub key: Key,
    /// Grows by one with each put.
    pub version: u64,
    /// What it holds.
    pub body: Bytes,
    /// When it may be deleted. An expired item is never returned, whether it is deleted yet or not.
    pub expires_at: Option<Timestamp>,
}

/// What a write expects to find.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expect {
    /// Nothing there (an expired item counts as nothing).
    Absent,
    /// An item of this version.
    Version(u64),
}

impl Expect {
    /// What follows from having read this: its version, or nothing there.
    pub fn of(item: Option<&Item>) -> Self {
        item.map_or(Self::Absent, |item| Self::Version(item.version))
    }

    /// The version that a put gives.
    pub const fn next_version(self) -> u64 {
        match self {
            Self::Absent => 1,
            Self::Version(version) => version.saturating_add(1),
        }
    }
}

/// One conditional write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Write {
    /// Writes an item.
    Put {
        /// Where.
        key: Key,
        /// What it expects to find.
        expect: Expect,
        /// What it holds.
        body: Bytes,
        /// When it may be deleted.
        expires_at: Option<Timestamp>,
    },
    /// Deletes an item. One that is not there is deleted already.
    Delete {
        /// Where.
        key: Key,
    },
    /// Writes nothing, but fails the commit where the expectation does not hold.
    Check {
        /// Where.
        key: Key,
        /// What it expects to find.
        expect: Expect,
    },
}

impl Write {
    /// Where it writes.
    pub const fn key(&self) -> &Key {
        match self {
            Self::Put { key, .. } | Self::Delete { key } | Self::Check { key, .. } => key,
        }
    }
}

/// A range of places in one partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Range {
    /// The partition.
    pub pk: String,
    /// The first place, included.
    pub first: String,
    /// The last place, included.
    pub last: String,
    /// From the last to the first.
    pub descending: bool,
    /// At most so many items (1 to [`MAX_PAGE`]); a page may hold fewer and still have a next one.
    pub limit: usize,
    /// Goes on behind this place, which a page named.
    pub after: Option<String>,
}

impl Range {
    /// Every place of the partition that begins with the prefix.
    pub fn prefix(pk: impl Into<String>, prefix: &str) -> Self {
        // No id or key part holds this character: it sorts behind all of them.
        Self {
            pk: pk.into(),
            first: if prefix.is_empty() { " ".into() } else { prefix.to_owned() },
            last: format!("{prefix}\u{10FFFF}"),
            descending: false,
            limit: MAX_PAGE,
            after: None,
        }
    }

    /// At most so many items in a page.
    #[must_use]
    pub fn limit(mut self, limit: usize) -> Self {
        self.limit = limit.clamp(1, MAX_PAGE);
        self
    }

    /// From the last to the first.
    #[must_use]
    pub fn newest_first(mut self) -> Self {
        self.descending = true;
        self
    }

    /// Goes on behind this place.
    #[must_use]
    pub fn after(mut self, place: Option<String>) -> Self {
        self.after = place;
        self
    }
}

/// A part of a query's answer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Page {
    /// The items, in order.
    pub items: Vec<Item>,
    /// Where the next page begins, if there is one.
    pub next: Option<String>,
}

/// Why the table did not do it.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// An expectation did not hold: somebody else wrote. Load again and decide again.
    #[error("lost a race at {0:?}")]
    Conflict(Vec<Key>),
    /// Too many requests. Trying again later helps.
    #[error("the table is throttling")]
    Throttled(#[source] Option<Box<dyn std::error::Error + Send + Sync>>),
    /// Too large an item, or too many writes at once. Trying again does not help.
    #[error("commit is over a limit: {0}")]
    TooLarge(String),
    /// The table does not answer. Trying again later helps.
    #[error("the table is not available")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The table refuses the request or holds something unreadable. Trying again does not help.
    #[error("the table refused: {0}")]
    Refused(String),
}

impl TableError {
    /// Whether the same request may succeed later.
    pub const fn is_retryable(&self) -> bool {
        matches!(self, Self::Conflict(_) | Self::Throttled(_) | Self::Unavailable(_))
    }
}

/// The table.
#[async_trait]
pub trait Table: Send + Sync {
    /// One item, as of its last committed write.
    async fn get(&self, key: &Key) -> Result<Option<Item>, TableError>;

    /// A page of a key range, as of the last committed writes.
    async fn query(&self, range: &Range) -> Result<Page, TableError>;

    /// All the writes or none of them.
    async fn commit(&self, writes: Vec<Write>) -> Result<(), TableError>;
}

/// Every item of a range, page by page. For ranges that are known to be short.
pub async fn query_all(table: &dyn Table, mut range: Range) -> Result<Vec<Item>, TableError> {
    let mut items = Vec::new();
    loop {
        let page = table.query(&range).await?;
        items.extend(page.items);
        match page.next {
            Some(next) => range.after = Some(next),
            None => return Ok(items),
        }
    }
}

/// Checks a commit against the limits that hold for every adapter.
pub fn check_limits(writes: &[Write]) -> Result<(), TableError> {
    if writes.len() > MAX_WRITES {
        return Err(TableError::TooLarge(format!("{} writes; at most {MAX_WRITES}", writes.len())));
    }
    let mut total = 0_usize;
    let mut keys = std::collections::BTreeSet::new();
    for write in writes {
        if !keys.insert(write.key()) {
            return Err(TableError::Refused(format!("two writes of one commit at {:?}", write.key())));
        }
        if let Write::Put { body, key, .. } = write {
            if body.len() > MAX_BODY_BYTES {
                return Err(TableError::TooLarge(format!("{} bytes at {key:?}; at most {MAX_BODY_BYTES}", body.len())));
            }
            total = total.saturating_add(body.len());
        }
    }
    if total > MAX_COMMIT_BYTES {
        return Err(TableError::TooLarge(format!("{total} bytes; at most {MAX_COMMIT_BYTES}")));
    }
    Ok(())
}

/// Reads an item's body as JSON. The error names the item and the path.
pub fn read<T: serde::de::DeserializeOwned>(item: &Item) -> Result<T, TableError> {
    serde_json::from_slice(&item.body).or_else(|_| read_with_path(item))
}

/// Follows the path, which costs as much again as the reading: only where it is needed.
fn read_with_path<T: serde::de::DeserializeOwned>(item: &Item) -> Result<T, TableError> {
    let mut deserializer = serde_json::Deserializer::from_slice(&item.body);
    serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        TableError::Refused(format!("item {:?} is unreadable at `{}`: {}", item.key, error.path(), error.inner()))
    })
}

/// An item's body as JSON.
pub fn body<T: serde::Serialize>(value: &T) -> Result<Bytes, TableError> {
    serde_json::to_vec(value)
        .map(Bytes::from)
        .map_err(|error| TableError::Refused(format!("value cannot be written: {error}")))
}

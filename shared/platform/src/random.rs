//! The one place where randomness comes in: ids for things that have no cause yet, such as a request without an id.

/// A new id, ordered by time.
#[expect(clippy::disallowed_methods, reason = "this is the one place")]
pub fn id() -> String {
    uuid::Uuid::now_v7().hyphenated().to_string()
}

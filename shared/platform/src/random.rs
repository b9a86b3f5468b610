//! The one place where randomness comes in: ids for things that have no cause yet, such as a request without an id.

use domain::retry::Roll;

/// A new id, ordered by time.
#[expect(clippy::disallowed_methods, reason = "this is the one place")]
pub fn id() -> String {
    uuid::Uuid::now_v7().hyphenated().to_string()
}

/// Sixteen hexadecimal digits, as X-Ray names its parts.
#[expect(clippy::disallowed_methods, reason = "this is the one place")]
pub fn hex_id() -> String {
    let (first, last) = uuid::Uuid::now_v7().as_u64_pair();
    // The moment, the count within it, and chance, each of which alone may be the same.
    format!("{:016x}", first.rotate_left(24) ^ last)
}

/// A draw, for pauses that are to differ.
#[expect(clippy::disallowed_methods, reason = "this is the one place")]
pub fn roll() -> Roll {
    // The last bits of such an id are random; those before them count.
    let [.., a, b, c, d] = uuid::Uuid::now_v7().into_bytes();
    Roll(u32::from_be_bytes([a, b, c, d]))
}

//! How often the glass may be broken: an alarm that rings all day is heard by nobody.

use super::{Cause, Escalation};
use crate::sla::after;
use jiff::Timestamp;

/// How often people break the glass for one account within [`WITHIN_SECONDS`].
pub const AT_MOST: usize = 3;
/// In any stretch of so many seconds.
pub const WITHIN_SECONDS: i64 = 3_600;

/// Too often. It helps to try again later, and more to join what is under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the glass was broken {AT_MOST} times within an hour; join what is under way, or try again at {retry_at}")]
pub struct TooOften {
    /// When it is possible again.
    pub retry_at: Timestamp,
}

/// Whether somebody may break the glass now, by what is known of an account's escalations.
pub fn may_break<'a>(escalations: impl IntoIterator<Item = &'a Escalation>, now: Timestamp) -> Result<(), TooOften> {
    let broken = escalations.into_iter().filter(|escalation| matches!(escalation.cause, Cause::Person { .. }));
    let end = |opened: Timestamp| after(opened, WITHIN_SECONDS * 1_000);
    let mut recent: Vec<Timestamp> =
        broken.map(|escalation| end(escalation.opened_at)).filter(|end| *end > now).collect();
    recent.sort_unstable();
    // There is room again once all but so many have passed.
    match recent.len().checked_sub(AT_MOST).and_then(|passed| recent.get(passed)) {
        Some(retry_at) => Err(TooOften { retry_at: *retry_at }),
        None => Ok(()),
    }
}

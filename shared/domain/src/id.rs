//! Names of things: one type for each, so that an account's name is never passed where a tenant's is meant.
//!
//! Every id is 1-128 characters from `A-Z a-z 0-9 . _ : @ / + = -`; `#` separates the parts of a table key and is never
//! part of an id.

use serde::{Deserialize, Serialize};
use std::fmt;

/// The longest id, in characters.
pub const MAX_LENGTH: usize = 128;

/// Why a text is not an id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// Nothing was given.
    #[error("is empty; give 1 to {MAX_LENGTH} characters")]
    Empty,
    /// More than [`MAX_LENGTH`] characters.
    #[error("has {0} characters; give at most {MAX_LENGTH}")]
    TooLong(usize),
    /// A character that an id cannot have.
    #[error("has the character `{}`; use letters, digits and . _ : @ / + = -", .0.escape_default())]
    Character(char),
}

fn check(text: &str) -> Result<(), IdError> {
    // Nearly every text is an id, and each that is read comes by here: bytes first.
    if (1..=MAX_LENGTH).contains(&text.len()) && text.bytes().all(is_allowed) {
        return Ok(());
    }
    why_not(text)
}

const fn is_allowed(byte: u8) -> bool {
    matches!(byte, b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b':' | b'@' | b'/' | b'+' | b'=' | b'-')
}

fn why_not(text: &str) -> Result<(), IdError> {
    if text.is_empty() {
        return Err(IdError::Empty);
    }
    let length = text.chars().count();
    if length > MAX_LENGTH {
        return Err(IdError::TooLong(length));
    }
    match text.chars().find(|c| !u8::try_from(*c).is_ok_and(is_allowed)) {
        Some(c) => Err(IdError::Character(c)),
        None => Ok(()),
    }
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(std::sync::Arc<str>);

        impl $name {
            /// Checks the text and makes it an id.
            pub fn new(text: impl AsRef<str>) -> Result<Self, IdError> {
                check(text.as_ref())?;
                Ok(Self(text.as_ref().into()))
            }

            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;
            fn try_from(text: String) -> Result<Self, IdError> {
                Self::new(text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0.as_ref().to_owned()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0)
            }
        }
    )*};
}

ids! {
    /// One company that runs this system; leads every key.
    TenantId
    /// A customer of the tenant.
    AccountId
    /// A person of the tenant: an owner, an author, someone on duty.
    PersonId
    /// Something that a person knows how to do.
    SkillId
    /// What a case is about, as the ticketing system sorts it.
    CategoryId
    /// Shifts of people who take turns.
    ScheduleId
    /// A system that sends signals.
    SourceId
    /// A signal, as its source names it. The pair (source, signal) is unique within an account's UTC day: see `page`.
    SignalId
    /// A support case, as the ticketing system names it.
    CaseId
    /// A meeting, as the calendar names it: the same meeting from two calendars has one id.
    MeetingId
    /// A rule of the rule set.
    RuleId
    /// A segment of the tenant's own making.
    SegmentId
    /// An experiment: a question that is put to accounts.
    ExperimentId
    /// An arm of an experiment: a variant, or those for whom nothing is done.
    ArmId
    /// A call to action.
    CtaId
    /// An escalation.
    EscalationId
    /// A place where people are told: a channel, a service, a mailbox.
    DestinationId
    /// A playbook: a template of steps.
    PlaybookId
    /// A step of a playbook.
    StepId
    /// A running copy of a playbook.
    ExecutionId
    /// A message, event or command: made from its cause, so that a repeat has the same id.
    CauseId
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_no_key_separator_and_a_limit() {
        assert_eq!(AccountId::new(""), Err(IdError::Empty));
        assert_eq!(AccountId::new("a#b"), Err(IdError::Character('#')));
        assert_eq!(AccountId::new("a".repeat(129)), Err(IdError::TooLong(129)));
        assert_eq!(AccountId::new("acme.eu-1").unwrap().as_str(), "acme.eu-1");
    }

    #[test]
    fn an_id_is_checked_when_it_is_read() {
        assert!(serde_json::from_str::<TenantId>(r#""a b""#).is_err());
    }
}

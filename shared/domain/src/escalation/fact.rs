//! What happens to an escalation, and why something that was asked does not.

use super::{By, MAX_BACK_DAYS, MAX_SNOOZE_DAYS, MAX_WORDS, Role};
use crate::id::PersonId;
use crate::roster::Tier;
use crate::sla::ClockKind;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What happened to an escalation, at its moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EscalationFact {
    /// When.
    pub at: Timestamp,
    /// What.
    pub what: What,
}

/// What happened to an escalation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum What {
    /// It was opened, or a case came back: the first role is told.
    Opened,
    /// Somebody took it on.
    Acknowledged {
        /// Who.
        by: By,
    },
    /// Nobody took it on in time: a role is told.
    Advanced {
        /// The step.
        step: u32,
        /// Who is told.
        role: Role,
        /// How often this role has been told again.
        repeats: u32,
    },
    /// Whoever had it gave it back: the role of this step is told again.
    GivenBack {
        /// Who.
        by: PersonId,
    },
    /// Nobody is told for a while.
    Snoozed {
        /// Who wants that.
        by: PersonId,
        /// Until when.
        until: Timestamp,
    },
    /// The while is over, or the tier that it waits for is open: the role of this step is told again.
    Woke,
    /// Somebody else is asked to take it over.
    HandedOver {
        /// Who asks.
        by: PersonId,
        /// Who is asked.
        to: PersonId,
        /// If they have not said yes by then, the next role is told.
        accept_by: Timestamp,
    },
    /// Somebody took it over.
    Accepted {
        /// Who.
        by: PersonId,
    },
    /// It ended too early: the first role is told again.
    Reopened {
        /// Who says so.
        by: PersonId,
    },
    /// It goes to another tier from now on. Where nobody has it, that tier is told.
    Raised {
        /// The tier.
        tier: Tier,
        /// Why, in plain words.
        reason: String,
    },
    /// Its clocks count from another moment on.
    ClocksSet {
        /// Who says so.
        by: PersonId,
        /// From when on.
        since: Timestamp,
    },
    /// A clock passed a warning mark.
    SlaWarned {
        /// Which clock.
        clock: ClockKind,
        /// In percent of its target.
        percent: u8,
    },
    /// A clock ran out.
    SlaBreached {
        /// Which clock.
        clock: ClockKind,
    },
    /// It ended.
    Resolved {
        /// How.
        outcome: String,
    },
}

/// Why a person's action is refused. Trying again does not help.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TransitionError {
    /// It has ended.
    #[error("cannot acknowledge an escalation that is resolved")]
    Resolved,
    /// The action does not fit to where it is.
    #[error("cannot {action} an escalation that is {status}")]
    Status {
        /// What was asked.
        action: &'static str,
        /// Where it is.
        status: &'static str,
    },
    /// Somebody else was asked.
    #[error("it is not handed over to `{0}`")]
    NotTheirs(PersonId),
    /// Too long, or over already.
    #[error("snooze until a moment within the next {MAX_SNOOZE_DAYS} days, not until {0}")]
    Snooze(Timestamp),
    /// It has no clocks, or they cannot begin then.
    #[error("its clocks can begin within the last {MAX_BACK_DAYS} days, not at {0}")]
    Clocks(Timestamp),
    /// An outcome is needed.
    #[error("the outcome has {0} characters; say it in 1 to {MAX_WORDS}")]
    Words(usize),
}

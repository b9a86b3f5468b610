//! What a person can do with a call to action.

use super::{Cta, CtaChange, Ending, Episodes, Status, days_after};
use crate::id::CtaId;
use jiff::Timestamp;

/// The longest snooze, in days.
pub const MAX_SNOOZE_DAYS: u32 = 90;
/// The longest reason, outcome or cause, in characters.
pub const MAX_WORDS: usize = 500;

/// What a person does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Puts it off.
    Snooze {
        /// Until when.
        until: Timestamp,
        /// Why.
        reason: String,
    },
    /// Did what was asked.
    Close {
        /// What came of it.
        outcome: String,
    },
    /// Refuses.
    Dismiss {
        /// Why.
        cause: String,
    },
}

impl Action {
    /// The action as it is written.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Snooze { .. } => "snooze",
            Self::Close { .. } => "close",
            Self::Dismiss { .. } => "dismiss",
        }
    }

    const fn words(&self) -> &String {
        match self {
            Self::Snooze { reason, .. } => reason,
            Self::Close { outcome } => outcome,
            Self::Dismiss { cause } => cause,
        }
    }
}

/// Why an action is refused. Trying again does not help.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ActionError {
    /// No such call to action among the latest episodes of the account.
    #[error("there is no call to action `{0}`, or a later episode took its place")]
    NotFound(CtaId),
    /// It has ended already.
    #[error("cannot {action} a call to action that is {status}")]
    Ended {
        /// What was asked.
        action: &'static str,
        /// What it is.
        status: &'static str,
    },
    /// A snooze must end later than now and within the limit.
    #[error("cannot snooze until {until}; choose a time after {now}, at most {MAX_SNOOZE_DAYS} days ahead")]
    Until {
        /// What was asked.
        until: Timestamp,
        /// When it was asked.
        now: Timestamp,
    },
    /// A reason is needed.
    #[error("the reason has {0} characters; say it in 1 to {MAX_WORDS}")]
    Words(usize),
}

impl Episodes {
    /// Does what a person asks. Asking again for what is so already changes nothing and gives no change.
    pub fn act(&self, id: &CtaId, action: &Action, now: Timestamp) -> Result<(Self, Option<CtaChange>), ActionError> {
        let mut episodes = self.clone();
        let found = episodes.by_rule.values_mut().find(|episode| episode.cta.id == *id);
        let episode = found.ok_or_else(|| ActionError::NotFound(id.clone()))?;
        if asks_for_what_is(&episode.cta.status, action) {
            return Ok((episodes, None));
        }
        check(&episode.cta.status, action, now)?;
        let change = act(&mut episode.cta, action, now);
        // Until the condition is seen false once, the cause is the one that the person has dealt with.
        episode.paused = false;
        Ok((episodes, Some(change)))
    }
}

fn asks_for_what_is(status: &Status, action: &Action) -> bool {
    match (status, action) {
        (Status::Snoozed { until, reason }, Action::Snooze { until: asked, reason: why }) => {
            until == asked && reason == why
        }
        (Status::Closed { outcome, cleared: false, .. }, Action::Close { outcome: asked }) => outcome == asked,
        (Status::Dismissed { cause, .. }, Action::Dismiss { cause: asked }) => cause == asked,
        _ => false,
    }
}

fn check(status: &Status, action: &Action, now: Timestamp) -> Result<(), ActionError> {
    if !status.is_live() {
        return Err(ActionError::Ended { action: action.name(), status: status.name() });
    }
    let length = action.words().chars().count();
    if action.words().trim().is_empty() || length > MAX_WORDS {
        return Err(ActionError::Words(length));
    }
    match action {
        Action::Snooze { until, .. } if *until <= now || *until > days_after(now, MAX_SNOOZE_DAYS) => {
            Err(ActionError::Until { until: *until, now })
        }
        _ => Ok(()),
    }
}

fn act(cta: &mut Cta, action: &Action, now: Timestamp) -> CtaChange {
    cta.updated_at = now;
    match action {
        Action::Snooze { until, reason } => {
            cta.status = Status::Snoozed { until: *until, reason: reason.clone() };
            CtaChange::Updated { cta: cta.clone() }
        }
        Action::Close { outcome } => {
            cta.status = Status::Closed { at: now, outcome: outcome.clone(), cleared: false };
            CtaChange::Closed { cta: cta.clone(), how: Ending::Closed, reason: outcome.clone() }
        }
        Action::Dismiss { cause } => {
            cta.status = Status::Dismissed { at: now, cause: cause.clone() };
            CtaChange::Closed { cta: cta.clone(), how: Ending::Dismissed, reason: cause.clone() }
        }
    }
}

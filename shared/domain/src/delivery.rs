//! What is told to a destination, and what becomes of it: once delivered, later again, or given up and said so.
//!
//! The same thing told again has the same ids, there and here, so a destination that heard it twice has one record.
//! Nothing is given up in silence. What says something of the destination (it is down, it is closed to us) counts for
//! its breaker; what says something of the message alone does not.

use crate::breaker::{self, Breaker, BreakerPolicy, Permit};
use crate::digest::Digest;
use crate::escalation::{Escalation, Role, Status};
use crate::id::{AccountId, CaseId, DestinationId, EscalationId, ExecutionId, PersonId, SourceId, StepId, TenantId};
use crate::rate::{Bucket, RateLimit};
use crate::retry::{self, Budget, Roll};
use crate::signal::Severity;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// The longest reason that is kept of a failure, in characters.
const MAX_REASON: usize = 200;

/// What it is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum About {
    /// An escalation.
    Escalation(EscalationId),
    /// A step of this execution of a playbook.
    Execution(ExecutionId),
}

/// What is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "told", rename_all = "snake_case")]
pub enum Told {
    /// Somebody is needed.
    Page {
        /// In which role.
        role: Role,
        /// Who of them has the duty.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        person: Option<PersonId>,
        /// At which step of the policy.
        step: u32,
        /// How often this role was told before.
        repeats: u32,
    },
    /// Somebody is asked to take it over.
    HandedOver {
        /// Who asks.
        by: PersonId,
        /// Who is asked.
        to: PersonId,
    },
    /// Somebody has it.
    Acknowledged {
        /// Who.
        by: String,
    },
    /// Nobody is needed for a while.
    Snoozed {
        /// Who says so.
        by: PersonId,
        /// Until when.
        until: Timestamp,
    },
    /// It ended.
    Resolved {
        /// How.
        outcome: String,
    },
    /// A step of a playbook says something.
    Effect {
        /// The same effect always has the same key.
        key: String,
        /// The step.
        step: StepId,
        /// `notify` or `outreach`.
        effect: String,
        /// Whom, by role, where it is somebody of our own people.
        role: Option<String>,
    },
}

impl Told {
    /// What is told, as it is written.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Page { .. } => "page",
            Self::HandedOver { .. } => "handed_over",
            Self::Acknowledged { .. } => "acknowledged",
            Self::Snoozed { .. } => "snoozed",
            Self::Resolved { .. } => "resolved",
            Self::Effect { .. } => "effect",
        }
    }

    /// Whether somebody is to hear it for its own sake, and not to follow what was told before.
    pub const fn stands_alone(&self) -> bool {
        matches!(self, Self::Page { .. } | Self::HandedOver { .. } | Self::Effect { .. })
    }
}

/// One thing that one destination is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// Whose it is.
    pub tenant: TenantId,
    /// About which account.
    pub account: AccountId,
    /// About what of it.
    pub about: About,
    /// Where it is told.
    pub destination: DestinationId,
    /// What.
    #[serde(flatten)]
    pub told: Told,
    /// When it happened.
    pub at: Timestamp,
    /// How bad it is, where it is about an escalation.
    pub severity: Option<Severity>,
    /// Why, in plain words.
    pub reason: String,
    /// The case that it comes from.
    pub case: Option<CaseId>,
    /// When the next clock runs out.
    pub breach_at: Option<Timestamp>,
    /// The source that said it, where it came from news of the case.
    pub said_by: Option<SourceId>,
}

impl Notice {
    /// The id under which the destination knows this one message: a repeat has the same.
    pub fn id(&self) -> String {
        let detail = match &self.told {
            Told::Page { role, step, repeats, .. } => format!("{}#{step}#{repeats}", role.name()),
            Told::HandedOver { to, .. } => to.to_string(),
            Told::Snoozed { until, .. } => until.to_string(),
            Told::Acknowledged { .. } | Told::Resolved { .. } => String::new(),
            Told::Effect { key, .. } => key.clone(),
        };
        let (at, name) = (self.at.to_string(), self.told.name());
        let Self { tenant, account, about, destination, .. } = self;
        let about = match about {
            About::Escalation(id) => id.as_str(),
            About::Execution(id) => id.as_str(),
        };
        let parts = [tenant.as_str(), account.as_str(), about, destination.as_str(), name, &detail, &at];
        format!("msg_{}", Digest::of("notice", parts).short())
    }

    /// The id of the record that the destination keeps: one for an escalation, whatever is told of it, and one for each
    /// effect of a playbook.
    pub fn record(&self) -> String {
        let of = match (&self.told, &self.about) {
            (Told::Effect { key, .. }, _) => key.as_str(),
            (_, About::Escalation(id)) => id.as_str(),
            (_, About::Execution(id)) => id.as_str(),
        };
        let parts = [self.tenant.as_str(), of, self.destination.as_str()];
        format!("cs-ops-{}", Digest::of("record", parts).short())
    }

    /// Whether it goes before what is not critical.
    pub fn is_urgent(&self) -> bool {
        self.severity == Some(Severity::Critical)
    }

    /// The escalation that it is about.
    pub const fn escalation(&self) -> Option<&EscalationId> {
        match &self.about {
            About::Escalation(id) => Some(id),
            About::Execution(_) => None,
        }
    }

    /// Whether it is still so, as the escalation is now: nobody is paged for what somebody has, nobody hears who had it
    /// before, and nobody hears that somebody has it once it has ended.
    pub fn still_holds(&self, escalation: Option<&Escalation>) -> bool {
        let status = escalation.map(|escalation| &escalation.status);
        match (&self.told, status) {
            (Told::Effect { .. }, _) => true,
            (Told::Page { step, .. }, Some(Status::Open)) => escalation.is_some_and(|known| {
                // What was said before somebody gave it back belongs to an earlier round.
                *step <= known.step && known.given_back_at.is_none_or(|since| since <= self.at)
            }),
            (Told::HandedOver { to, .. }, Some(Status::Acknowledged { .. })) => {
                let handover = escalation.and_then(|known| known.handover.as_ref());
                handover.is_some_and(|handover| handover.to == *to)
            }
            (Told::Acknowledged { .. }, Some(Status::Acknowledged { at, .. })) => *at <= self.at,
            (Told::Snoozed { until, .. }, Some(Status::Snoozed { until: now_until, .. })) => until == now_until,
            (Told::Resolved { .. }, Some(Status::Resolved { at, .. })) => *at <= self.at,
            // An account forgets what ended long ago; that it ended remains true.
            (Told::Resolved { .. }, None) => true,
            _ => false,
        }
    }
}

/// What a destination made of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It has it, as its record of this name where it gave one.
    Delivered {
        /// Its own id.
        external_id: Option<String>,
    },
    /// It does not have it, or did not say so.
    Failed {
        /// What that means.
        cause: Cause,
        /// Why, in plain words.
        reason: String,
    },
}

impl Answer {
    /// It failed, for this reason.
    pub fn failed(cause: Cause, reason: impl Into<String>) -> Self {
        let reason: String = reason.into();
        Self::Failed { cause, reason: reason.chars().take(MAX_REASON).collect() }
    }

    /// What an HTTP status that is no success means.
    pub fn of_status(status: u16, retry_after: Option<SignedDuration>) -> Self {
        let cause = match (status, retry::Cause::of_status(status, retry_after)) {
            (429, _) => Cause::Throttled { retry_after },
            (401 | 403 | 404 | 407 | 410, _) => Cause::Closed,
            // A redirect is not followed: it would carry the secret somewhere else.
            (300..=399, _) => Cause::Closed,
            (_, retry::Cause::Transient { retry_after }) => Cause::Down { retry_after },
            (_, retry::Cause::Permanent) => Cause::Refused,
        };
        Self::failed(cause, format!("it answered {status}"))
    }
}

/// What a failure means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// It is well, and asks for less.
    Throttled {
        /// Its `Retry-After`.
        retry_after: Option<SignedDuration>,
    },
    /// It does not answer, or not sensibly.
    Down {
        /// Its `Retry-After`.
        retry_after: Option<SignedDuration>,
    },
    /// It does not let us in: a secret or an address is wrong, for every message alike.
    Closed,
    /// It does not want this message, now or ever.
    Refused,
}

impl Cause {
    /// Whether the destination is at fault, and not the message or the moment.
    const fn is_of_destination(self) -> bool {
        matches!(self, Self::Down { .. } | Self::Closed)
    }

    const fn retry_after(self) -> Option<SignedDuration> {
        match self {
            Self::Throttled { retry_after } | Self::Down { retry_after } => retry_after,
            Self::Closed | Self::Refused => None,
        }
    }
}

/// How messages are delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeliveryPolicy {
    /// How often and how fast one is tried again.
    pub budget: Budget,
    /// One that is older is given up.
    pub give_up_after: SignedDuration,
    /// Of a try of which nothing was heard for so long nothing will be heard any more.
    pub answer_within: SignedDuration,
    /// When a destination is left alone.
    pub breaker: BreakerPolicy,
}

impl DeliveryPolicy {
    /// A day's patience. A destination that fails five times in a row is asked once a minute, then less, and at least
    /// once in five minutes.
    pub const DEFAULT: Self = Self {
        budget: Budget { attempts: 200, first: SignedDuration::from_secs(5), longest: SignedDuration::from_secs(600) },
        give_up_after: SignedDuration::from_hours(24),
        answer_within: SignedDuration::from_secs(60),
        breaker: BreakerPolicy {
            failures: 5,
            open_for: SignedDuration::from_secs(60),
            open_at_most: SignedDuration::from_secs(300),
            probe_within: SignedDuration::from_secs(60),
        },
    };
}

/// A message that waits, or of which one waits to hear.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// What is told.
    pub notice: Notice,
    /// The tries that were made.
    #[serde(default)]
    pub attempts: u32,
    /// Why the last one failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What becomes of a message after a try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// It is there.
    Done {
        /// The destination's own id.
        external_id: Option<String>,
    },
    /// It is tried again at this moment.
    Again(Box<Delivery>, Timestamp),
    /// Nobody will hear it.
    GivenUp {
        /// Why.
        reason: String,
    },
}

impl Delivery {
    /// A message that was never tried.
    pub const fn new(notice: Notice) -> Self {
        Self { notice, attempts: 0, reason: None }
    }

    /// The message while it is tried, and when it is tried again if nothing is heard of that.
    pub fn begun(&self, policy: &DeliveryPolicy, now: Timestamp) -> (Self, Timestamp) {
        (Self { attempts: self.attempts.saturating_add(1), ..self.clone() }, later(now, policy.answer_within))
    }

    /// What becomes of it after this answer.
    pub fn answered(&self, answer: &Answer, policy: &DeliveryPolicy, now: Timestamp) -> Next {
        let (cause, reason) = match answer {
            Answer::Delivered { external_id } => return Next::Done { external_id: external_id.clone() },
            Answer::Failed { cause, reason } => (*cause, reason),
        };
        let given_up = |why: &str| Next::GivenUp { reason: format!("{why}; the last try: {reason}") };
        if cause == Cause::Refused {
            return Next::GivenUp { reason: reason.clone() };
        }
        let transient = retry::Cause::Transient { retry_after: None };
        let Some(pause) = policy.budget.pause(self.attempts, transient, self.roll()) else {
            return given_up(&format!("tried {} times", self.attempts));
        };
        // Whoever says how long to wait is obeyed, however long that is.
        let at = later(now, cause.retry_after().map_or(pause, |asked| asked.max(pause)));
        if at >= later(self.notice.at, policy.give_up_after) {
            return given_up(&format!("older than {} hours", policy.give_up_after.as_hours()));
        }
        Next::Again(Box::new(Self { reason: Some(reason.clone()), ..self.clone() }), at)
    }

    /// Differs from message to message and from try to try, and is the same wherever it is worked out.
    fn roll(&self) -> Roll {
        let digest = Digest::of("roll", [self.notice.id(), self.attempts.to_string()]);
        let [a, b, c, d, ..] = *digest.as_bytes();
        Roll(u32::from_be_bytes([a, b, c, d]))
    }
}

/// How a destination is, for everybody who has something for it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct DestinationState {
    /// Its breaker.
    pub breaker: Breaker,
    /// What it was asked lately.
    pub bucket: Bucket,
    /// It asked to be left alone until then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_until: Option<Timestamp>,
}

impl DestinationState {
    /// Leave to tell it one thing, or the moment before which there is none.
    pub fn ask(&self, policy: &DeliveryPolicy, limit: RateLimit, now: Timestamp) -> Result<(Self, Permit), Timestamp> {
        if let Some(until) = self.held_until.filter(|until| now < *until) {
            return Err(until);
        }
        let bucket = self.bucket.take(limit, now)?;
        let (breaker, permit) = self.breaker.ask(&policy.breaker, now)?;
        Ok((Self { breaker, bucket, held_until: None }, permit))
    }

    /// What its answer says of it.
    pub fn answered(
        &self,
        permit: Permit,
        answer: &Answer,
        policy: &DeliveryPolicy,
        now: Timestamp,
    ) -> (Self, Option<breaker::Change>) {
        let cause = match answer {
            Answer::Delivered { .. } => None,
            Answer::Failed { cause, .. } => Some(*cause),
        };
        let (breaker, change) = match cause {
            Some(cause) if cause.is_of_destination() => self.breaker.failed(permit, &policy.breaker, now),
            _ => self.breaker.succeeded(permit),
        };
        let asked = cause.and_then(Cause::retry_after);
        // A day at most: who asks for more is asked again then.
        let asked = asked.map(|asked| later(now, asked.min(policy.give_up_after)));
        (Self { breaker, bucket: self.bucket, held_until: self.held_until.max(asked) }, change)
    }
}

/// Reads a `Retry-After`: whole seconds, or a moment as HTTP writes it (RFC 9110, 10.2.3).
pub fn retry_after(text: &str, now: Timestamp) -> Option<SignedDuration> {
    let text = text.trim();
    let seconds = || text.parse::<u32>().ok().map(|seconds| SignedDuration::from_secs(seconds.into()));
    let moment = || {
        let at = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
        Some(at.duration_since(now).max(SignedDuration::ZERO))
    };
    seconds().or_else(moment)
}

fn later(now: Timestamp, by: SignedDuration) -> Timestamp {
    now.checked_add(by).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests;

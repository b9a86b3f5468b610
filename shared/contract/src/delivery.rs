//! What is told of destinations: that one is down or back, and what could not be told to it.

use domain::id::{DestinationId, EscalationId, ExecutionId};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A destination fails again and again, and is left alone for a while. What is for it waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DestinationDown {
    /// Which one.
    #[schemars(with = "String")]
    pub destination: DestinationId,
    /// Why the last try failed.
    pub reason: String,
}

/// A destination answers again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DestinationRecovered {
    /// Which one.
    #[schemars(with = "String")]
    pub destination: DestinationId,
    /// Since when it did not.
    #[schemars(with = "String")]
    pub down_since: Timestamp,
}

/// Something was not told to a destination, and will not be: somebody else has to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DeliveryGivenUp {
    /// The message's id, as the destination would have known it.
    pub message: String,
    /// Which destination.
    #[schemars(with = "String")]
    pub destination: DestinationId,
    /// About which escalation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub escalation: Option<EscalationId>,
    /// About which execution of a playbook.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub execution: Option<ExecutionId>,
    /// `page`, `handed_over`, `acknowledged`, `snoozed`, `resolved` or `effect`.
    pub told: String,
    /// How often it was tried.
    pub attempts: u32,
    /// Why it was given up.
    pub reason: String,
}

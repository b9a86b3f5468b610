//! Who is told, in which order and how soon. Total: every escalation has a policy, every policy a first step.

use super::{Cause, Escalation};
use crate::digest::Digest;
use crate::id::RuleId;
use crate::signal::Severity;
use crate::sla::{ClockKind, MAX_SECONDS, SlaPolicy};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The most steps of a policy.
pub const MAX_STEPS: usize = 12;
/// The most times that one role is told again.
pub const MAX_REPEATS: u32 = 10;

/// What somebody is for a customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Support tier 1: first answer, at any hour.
    SupportEngineer,
    /// Support tier 2: advanced, at any hour.
    SeniorSupportEngineer,
    /// Support tier 3: whoever builds the product.
    Engineering,
    /// Looks after the customer's success.
    CustomerSuccessManager,
    /// Looks after the customer's technology.
    TechnicalAccountManager,
    /// Trains the customer's people.
    Trainer,
    /// Leads customer success.
    VicePresident,
    /// Support tier 4: an executive on call.
    Executive,
    /// Leads the company.
    ChiefExecutive,
}

impl Role {
    /// The role as it is written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::SupportEngineer => "support_engineer",
            Self::SeniorSupportEngineer => "senior_support_engineer",
            Self::Engineering => "engineering",
            Self::CustomerSuccessManager => "customer_success_manager",
            Self::TechnicalAccountManager => "technical_account_manager",
            Self::Trainer => "trainer",
            Self::VicePresident => "vice_president",
            Self::Executive => "executive",
            Self::ChiefExecutive => "chief_executive",
        }
    }
}

/// One role that is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Who is told.
    pub role: Role,
    /// How long they have to take it on, in seconds.
    pub acknowledge_within_seconds: u32,
    /// How often they are told again before the next step.
    pub repeats: u32,
}

/// Roles that are told, one after the other. Has a first step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    first: Step,
    more: Vec<Step>,
}

impl Policy {
    /// A policy of these steps; nothing where there is none.
    pub fn new(steps: Vec<Step>) -> Option<Self> {
        let mut steps = steps.into_iter();
        let first = steps.next()?;
        Some(Self { first, more: steps.collect() })
    }

    /// The step with this number, from 0; the last where there are fewer.
    pub fn step(&self, number: u32) -> &Step {
        let Some(index) = number.checked_sub(1) else { return &self.first };
        usize::try_from(index).ok().and_then(|index| self.more.get(index)).or(self.more.last()).unwrap_or(&self.first)
    }

    /// The number of the last step.
    pub fn last(&self) -> u32 {
        u32::try_from(self.more.len()).unwrap_or(u32::MAX)
    }

    fn steps(&self) -> impl Iterator<Item = &Step> {
        std::iter::once(&self.first).chain(&self.more)
    }
}

/// A policy for each severity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BySeverity {
    /// Production is down.
    pub critical: Policy,
    /// Degraded.
    pub high: Policy,
    /// Minor.
    pub medium: Policy,
    /// A question.
    pub low: Policy,
}

/// Everything that decides how an escalation goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EscalationPolicies {
    name: String,
    version: Digest,
    /// The targets of the clocks.
    pub sla: SlaPolicy,
    by_severity: BySeverity,
    by_rule: BTreeMap<RuleId, Policy>,
}

/// A fault of the policies, with the path to it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{path}` {reason}")]
pub struct PolicyFault {
    /// Where.
    pub path: String,
    /// What is wrong and what would be right.
    pub reason: String,
}

impl EscalationPolicies {
    /// Checks the policies and gives them their version. Names every fault at once.
    pub fn new(
        name: impl Into<String>,
        sla: SlaPolicy,
        by_severity: BySeverity,
        by_rule: BTreeMap<RuleId, Policy>,
    ) -> Result<Self, Vec<PolicyFault>> {
        let name = name.into();
        let mut faults = Vec::new();
        for severity in [Severity::Critical, Severity::High, Severity::Medium, Severity::Low] {
            check_targets(&sla, severity, &mut faults);
            check_steps(of(&by_severity, severity), &format!("policies.{}", word(severity)), &mut faults);
        }
        for percent in sla.warn_percent.iter().filter(|percent| !(1..=99).contains(*percent)) {
            faults
                .push(PolicyFault { path: "sla.warn_percent".into(), reason: format!("has {percent}; give 1 to 99") });
        }
        for (rule, policy) in &by_rule {
            check_steps(policy, &format!("policies.rules.{rule}"), &mut faults);
        }
        match Digest::of_json("escalation", &(&name, &sla, &by_severity, &by_rule)) {
            Ok(version) if faults.is_empty() => return Ok(Self { name, version, sla, by_severity, by_rule }),
            Ok(_) => {}
            Err(error) => faults.push(PolicyFault { path: "policies".into(), reason: error.to_string() }),
        }
        Err(faults)
    }

    /// What people call them.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Follows from the content: other policies have another version.
    pub const fn version(&self) -> Digest {
        self.version
    }

    /// The policy of an escalation: its rule's own where there is one, else its severity's.
    pub fn policy(&self, escalation: &Escalation) -> &Policy {
        let own = match &escalation.cause {
            Cause::Rule { rule, .. } => self.by_rule.get(rule),
            Cause::Case { .. } => None,
        };
        own.unwrap_or_else(|| of(&self.by_severity, escalation.severity))
    }
}

const fn of(policies: &BySeverity, severity: Severity) -> &Policy {
    match severity {
        Severity::Critical => &policies.critical,
        Severity::High => &policies.high,
        Severity::Medium => &policies.medium,
        Severity::Low => &policies.low,
    }
}

const fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "critical",
        Severity::High => "high",
        Severity::Medium => "medium",
        Severity::Low => "low",
    }
}

fn check_targets(sla: &SlaPolicy, severity: Severity, faults: &mut Vec<PolicyFault>) {
    for kind in ClockKind::ALL {
        let seconds = sla.targets(severity).of(kind);
        if seconds == 0 || seconds > MAX_SECONDS {
            let path = format!("sla.{}.{}", word(severity), kind.name());
            faults.push(PolicyFault { path, reason: format!("is {seconds} seconds; give 1 to {MAX_SECONDS}") });
        }
    }
}

fn check_steps(policy: &Policy, path: &str, faults: &mut Vec<PolicyFault>) {
    let mut fault = |path: String, reason: String| faults.push(PolicyFault { path, reason });
    if policy.more.len() >= MAX_STEPS {
        fault(path.to_owned(), format!("has {} steps; give 1 to {MAX_STEPS}", policy.more.len() + 1));
    }
    for (index, step) in policy.steps().enumerate() {
        if step.acknowledge_within_seconds < 60 || step.acknowledge_within_seconds > MAX_SECONDS {
            let reason = format!("is {} seconds; give 60 to {MAX_SECONDS}", step.acknowledge_within_seconds);
            fault(format!("{path}[{index}].acknowledge_within"), reason);
        }
        if step.repeats > MAX_REPEATS {
            fault(format!("{path}[{index}].repeats"), format!("is {}; give 0 to {MAX_REPEATS}", step.repeats));
        }
    }
}

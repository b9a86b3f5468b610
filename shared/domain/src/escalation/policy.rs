//! Who is told, in which order and how soon. Total: every escalation has a policy, every policy a first step.
//!
//! The matrix of severity, tier and kind of customer has a way in each cell: the first line of it that fits, else the
//! severity's own way. A line that no cell comes to is a fault, so nobody relies on one that never holds.

use super::{Cause, Escalation};
use crate::account::Segment;
use crate::destination::Destinations;
use crate::digest::Digest;
use crate::id::{CategoryId, DestinationId, PersonId, RuleId, ScheduleId};
use crate::priority::PriorityPolicy;
use crate::roster::{Duty, Reach, Roster, Skills, Tier};
use crate::signal::Severity;
use crate::sla::{ClockKind, MAX_SECONDS, SlaPolicy};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The most steps of a policy.
pub const MAX_STEPS: usize = 12;
/// The most lines of the matrix: as many as it has cells.
pub const MAX_CELLS: usize = 48;
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

/// Whom a step means where it does not mean whoever is on duty in its role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// Whoever is on duty by this schedule.
    Schedule(ScheduleId),
    /// This person, or who stands in for them.
    Person(PersonId),
}

/// One role that is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Who is told.
    pub role: Role,
    /// Whom exactly, where it is not whoever is on duty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Target>,
    /// How long they have to take it on, in seconds.
    pub acknowledge_within_seconds: u32,
    /// How often they are told again before the next step.
    pub repeats: u32,
    /// Where they are told, where that is not by the routes of the destinations.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub destinations: BTreeSet<DestinationId>,
}

impl Step {
    /// Whom this step means at a moment, the first to be told first: those on duty, in the end the roster's fallback. Nobody
    /// where its tier is closed and this severity waits for it to open: the step after it comes by its own time.
    pub fn people(&self, severity: Severity, roster: &Roster, at: Timestamp) -> Vec<Duty> {
        let found = match &self.to {
            Some(Target::Person(person)) => roster.reachable(person, at).into_iter().collect(),
            Some(Target::Schedule(id)) => {
                roster.schedule(id).map(|schedule| roster.on_schedule(schedule, at)).unwrap_or_default()
            }
            None => match Tier::ALL.into_iter().find(|tier| roster.tier(*tier).role == self.role) {
                None => roster.in_role(self.role, at),
                Some(tier) => match roster.reach(tier, severity, at) {
                    Reach::Now { people, .. } => people,
                    Reach::Waits { .. } => return Vec::new(),
                },
            },
        };
        if found.is_empty() { vec![roster.fallback(at)] } else { found }
    }
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

/// A line of the matrix: which escalations go which way. Who is not named is meant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cell {
    /// How bad they are; any where none is named.
    pub severities: BTreeSet<Severity>,
    /// The tier that they begin in; any where none is named.
    pub tiers: BTreeSet<Tier>,
    /// Which customers they are about; all where none is named.
    pub segments: BTreeSet<Segment>,
    /// Who is told.
    pub policy: Policy,
}

impl Cell {
    fn fits(&self, severity: Severity, tier: Tier, segment: Segment) -> bool {
        fn named<T: Ord>(all: &BTreeSet<T>, one: &T) -> bool {
            all.is_empty() || all.contains(one)
        }
        named(&self.severities, &severity) && named(&self.tiers, &tier) && named(&self.segments, &segment)
    }
}

/// What cases of a category need.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Category {
    /// The tier that they begin in.
    pub tier: Tier,
    /// What whoever takes one has to know.
    pub skills: Skills,
}

/// Who is told about what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Policies {
    /// What holds where no line of the matrix does.
    pub by_severity: BySeverity,
    /// The matrix: the first line that fits holds.
    pub matrix: Vec<Cell>,
    /// What rules ask for goes its own way where it has one.
    pub by_rule: BTreeMap<RuleId, Policy>,
    /// Where somebody breaks the glass.
    pub break_glass: Policy,
    /// Other targets and hours, by the contract of a kind of customer.
    pub contracts: BTreeMap<Segment, SlaPolicy>,
    /// What makes a case more than it says, and one for the next tier.
    pub priority: PriorityPolicy,
    /// What cases need by what they are about; any other begins in the first tier and needs nothing special.
    pub categories: BTreeMap<CategoryId, Category>,
}

/// Everything that decides how an escalation goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EscalationPolicies {
    name: String,
    version: Digest,
    /// The targets of the clocks.
    pub sla: SlaPolicy,
    pub(super) policies: Policies,
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
    pub fn new(name: impl Into<String>, sla: SlaPolicy, policies: Policies) -> Result<Self, Vec<PolicyFault>> {
        let name = name.into();
        let mut faults = Vec::new();
        for severity in Severity::ALL {
            check_targets(&sla, "sla", severity, &mut faults);
            for (segment, sla) in &policies.contracts {
                check_targets(sla, &format!("sla.contracts.{}", segment.name()), severity, &mut faults);
            }
            check_steps(of(&policies.by_severity, severity), &format!("policies.{}", severity.name()), &mut faults);
        }
        for percent in sla.warn_percent.iter().filter(|percent| !(1..=99).contains(*percent)) {
            faults
                .push(PolicyFault { path: "sla.warn_percent".into(), reason: format!("has {percent}; give 1 to 99") });
        }
        for (rule, policy) in &policies.by_rule {
            check_steps(policy, &format!("policies.rules.{rule}"), &mut faults);
        }
        check_steps(&policies.break_glass, "policies.break_glass", &mut faults);
        check_matrix(&policies.matrix, &mut faults);
        match Digest::of_json("escalation", &(&name, &sla, &policies)) {
            Ok(version) if faults.is_empty() => return Ok(Self { name, version, sla, policies }),
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

    /// The policy of an escalation: its rule's own where there is one, else that of its cell of the matrix.
    pub fn policy(&self, escalation: &Escalation) -> &Policy {
        let own = match &escalation.cause {
            Cause::Rule { rule, .. } => self.policies.by_rule.get(rule),
            Cause::Person { .. } => Some(&self.policies.break_glass),
            Cause::Case { .. } => None,
        };
        let standing = escalation.standing;
        own.unwrap_or_else(|| self.cell(escalation.severity, standing.tier, standing.segment))
    }

    /// The targets and hours of an escalation: those of its contract.
    pub fn sla_of(&self, escalation: &Escalation) -> &SlaPolicy {
        self.contract(escalation.standing.segment)
    }

    /// The targets and hours of the contract of a kind of customer.
    pub fn contract(&self, segment: Segment) -> &SlaPolicy {
        self.policies.contracts.get(&segment).unwrap_or(&self.sla)
    }

    /// What cases of a category need.
    pub fn category(&self, category: &CategoryId) -> Option<&Category> {
        self.policies.categories.get(category)
    }

    /// The policy of a cell of the matrix: there is no cell without.
    pub fn cell(&self, severity: Severity, tier: Tier, segment: Segment) -> &Policy {
        let line = self.policies.matrix.iter().find(|cell| cell.fits(severity, tier, segment));
        line.map_or_else(|| of(&self.policies.by_severity, severity), |cell| &cell.policy)
    }

    /// Every schedule and person that a step names and a roster does not know.
    pub fn unknown_to(&self, roster: &Roster) -> Vec<PolicyFault> {
        let unknown = |step: &Step| match &step.to {
            Some(Target::Schedule(id)) if roster.schedule(id).is_none() => vec![format!("schedule `{id}`")],
            Some(Target::Person(id)) if roster.person(id).is_none() => vec![format!("person `{id}`")],
            _ => Vec::new(),
        };
        self.unknown(unknown, &format!("in the roster `{}`", roster.name()))
    }

    /// Every destination that a step names and that is none.
    pub fn without_destination(&self, destinations: &Destinations) -> Vec<PolicyFault> {
        let unknown = |step: &Step| {
            let named = step.destinations.iter().filter(|id| destinations.get(id).is_none());
            named.map(|id| format!("destination `{id}`")).collect()
        };
        self.unknown(unknown, "among the destinations")
    }

    fn unknown(&self, of_step: impl Fn(&Step) -> Vec<String>, place: &str) -> Vec<PolicyFault> {
        let Policies { by_severity, matrix, by_rule, break_glass, .. } = &self.policies;
        let by_severity =
            Severity::ALL.map(|severity| (format!("policies.{}", severity.name()), of(by_severity, severity)));
        let matrix =
            matrix.iter().enumerate().map(|(index, cell)| (format!("policies.matrix[{index}].steps"), &cell.policy));
        let by_rule = by_rule.iter().map(|(rule, policy)| (format!("policies.rules.{rule}"), policy));
        let all = by_severity.into_iter().chain(matrix).chain(by_rule);
        let all = all.chain([("policies.break_glass".to_owned(), break_glass)]);
        let mut faults = Vec::new();
        for (path, policy) in all {
            for (index, step) in policy.steps().enumerate() {
                for unknown in of_step(step) {
                    let reason = format!("names {unknown}, which is not {place}");
                    faults.push(PolicyFault { path: format!("{path}[{index}]"), reason });
                }
            }
        }
        faults
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

fn check_targets(sla: &SlaPolicy, path: &str, severity: Severity, faults: &mut Vec<PolicyFault>) {
    for kind in ClockKind::ALL {
        let Some(seconds) = sla.targets(severity).of(kind) else { continue };
        if seconds == 0 || seconds > MAX_SECONDS {
            let path = format!("{path}.{}.{}", severity.name(), kind.name());
            faults.push(PolicyFault { path, reason: format!("is {seconds} seconds; give 1 to {MAX_SECONDS}") });
        }
    }
}

/// Every line of the matrix holds in some cell.
fn check_matrix(matrix: &[Cell], faults: &mut Vec<PolicyFault>) {
    if matrix.len() > MAX_CELLS {
        let reason = format!("has {} lines; give at most {MAX_CELLS}", matrix.len());
        faults.push(PolicyFault { path: "policies.matrix".into(), reason });
    }
    let mut holds = BTreeSet::new();
    for severity in Severity::ALL {
        for tier in Tier::ALL {
            for segment in Segment::ALL {
                holds.extend(matrix.iter().position(|cell| cell.fits(severity, tier, segment)));
            }
        }
    }
    for (index, cell) in matrix.iter().enumerate() {
        check_steps(&cell.policy, &format!("policies.matrix[{index}].steps"), faults);
        if !holds.contains(&index) {
            let reason = "never holds: earlier lines take all that it names; move it before them".to_owned();
            faults.push(PolicyFault { path: format!("policies.matrix[{index}]"), reason });
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

//! The escalation file: YAML that becomes [`domain::escalation::EscalationPolicies`], or says everything that is wrong
//! with it. Durations are written as `15m`, `1h` or `2d`.

use crate::calendar::CalendarFile;
use crate::document;
use crate::problem::Fault;
use domain::account::{Money, Segment};
use domain::calendar::Hours;
use domain::escalation::policy::BySeverity;
use domain::escalation::{Category, Cell, EscalationPolicies, Policies, Policy, Role, Step, Target};
use domain::id::{CategoryId, DestinationId, PersonId, RuleId, ScheduleId, SkillId};
use domain::priority::PriorityPolicy;
use domain::roster::{Level, Tier};
use domain::signal::{Channel, Severity};
use domain::sla::{SlaPolicy, Targets};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The policies that hold where none were given.
pub const DEFAULT: &str = include_str!("../defaults/escalation.yaml");

/// The policies that hold where none were given.
pub fn built_in() -> Result<EscalationPolicies, Vec<Fault>> {
    document::built_in::<EscalationFile>(include_str!(concat!(env!("OUT_DIR"), "/escalation.json")))?.try_into()
}

/// Reads an escalation file. Content that is wrong is named all at once; where the file has not the shape of one, the
/// first place where it has not.
#[cfg(feature = "yaml")]
pub fn read(text: &str) -> Result<EscalationPolicies, Vec<Fault>> {
    document::yaml::<EscalationFile>(text)?.try_into()
}

/// An escalation file as it is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EscalationFile {
    /// What people call it.
    pub name: String,
    /// The targets of the clocks.
    pub sla: SlaFile,
    /// Who is told.
    pub policies: PoliciesFile,
    /// What makes a case more than it says.
    #[serde(default)]
    pub priority: PriorityFile,
    /// What cases need by what they are about; any other begins in tier 1 and needs nothing special.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, CategoryFile>")]
    pub categories: BTreeMap<CategoryId, CategoryFile>,
}

/// What makes a case more than it says, and one for the next tier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PriorityFile {
    /// Annual recurring revenue from which on an account is one of the largest, in hundredths of the tenant's currency.
    pub top_arr_cents: i64,
    /// A case that came back so often goes to the next tier.
    pub reopened: u32,
    /// A case of one of the largest accounts that went from one to another so often does as well.
    pub handoffs: u32,
}

impl Default for PriorityFile {
    fn default() -> Self {
        let PriorityPolicy { top_arr, reopened, handoffs } = PriorityPolicy::default();
        Self { top_arr_cents: top_arr.cents(), reopened, handoffs }
    }
}

/// What cases of a category need.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CategoryFile {
    /// The support tier that they begin in, from 1 to 4.
    #[serde(default = "first_tier")]
    pub tier: u8,
    /// What whoever takes one has to know, each from 1 to 5.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, u8>")]
    pub skills: BTreeMap<SkillId, u8>,
}

const fn first_tier() -> u8 {
    1
}

/// The targets of the clocks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SlaFile {
    /// Which hours count: `all_hours`, or those of a place.
    pub calendar: HoursFile,
    /// Percentages of a target at which a clock warns.
    pub warn_percent: BTreeSet<u8>,
    /// Production is down.
    pub critical: TargetsFile,
    /// Degraded.
    pub high: TargetsFile,
    /// Minor.
    pub medium: TargetsFile,
    /// A question.
    pub low: TargetsFile,
    /// Other targets and hours by the contract of a kind of customer: `enterprise`, `mid_market` or `small_business`.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, ContractFile>")]
    pub contracts: BTreeMap<Segment, ContractFile>,
    /// When a channel is open that is not open always, by `email`, `chat`, `phone` or `portal`: clocks of a case that is
    /// opened by it begin when it opens.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, CalendarFile>")]
    pub channels: BTreeMap<Channel, CalendarFile>,
}

/// Which hours count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum HoursFile {
    /// Every hour of every day.
    All(AllHours),
    /// Working hours.
    Work(CalendarFile),
}

/// Every hour of every day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AllHours {
    /// As it is written.
    AllHours,
}

/// The targets and hours of a contract.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ContractFile {
    /// Which hours count.
    pub calendar: HoursFile,
    /// Production is down.
    pub critical: TargetsFile,
    /// Degraded.
    pub high: TargetsFile,
    /// Minor.
    pub medium: TargetsFile,
    /// A question.
    pub low: TargetsFile,
}

/// The targets of a severity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TargetsFile {
    /// Until somebody answers.
    pub first_response: String,
    /// Until a customer who came back is answered; there is no such clock where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_response: Option<String>,
    /// Until it is solved.
    pub resolution: String,
}

/// Who is told, in which order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PoliciesFile {
    /// Production is down.
    pub critical: Vec<StepFile>,
    /// Degraded.
    pub high: Vec<StepFile>,
    /// Minor.
    pub medium: Vec<StepFile>,
    /// A question.
    pub low: Vec<StepFile>,
    /// Ways of their own for some severities, tiers and kinds of customers; the first line that fits holds.
    #[serde(default)]
    pub matrix: Vec<CellFile>,
    /// Where somebody breaks the glass.
    pub break_glass: Vec<StepFile>,
    /// What these rules ask for goes its own way.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, Vec<StepFile>>")]
    pub rules: BTreeMap<RuleId, Vec<StepFile>>,
}

/// A line of the matrix. What is not named is any.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CellFile {
    /// How bad: `critical`, `high`, `medium` or `low`.
    #[serde(default)]
    #[schemars(with = "BTreeSet<String>")]
    pub severities: BTreeSet<Severity>,
    /// The support tier that it begins in, from 1 to 4.
    #[serde(default)]
    pub tiers: BTreeSet<u8>,
    /// Whose: `enterprise`, `mid_market` or `small_business`.
    #[serde(default)]
    #[schemars(with = "BTreeSet<String>")]
    pub segments: BTreeSet<Segment>,
    /// Who is told.
    pub steps: Vec<StepFile>,
}

/// One role that is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StepFile {
    /// Who is told, such as `support_engineer`.
    #[schemars(with = "String")]
    pub role: Role,
    /// Only those on duty by this schedule of the roster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub schedule: Option<ScheduleId>,
    /// Only this person, or who stands in for them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub person: Option<PersonId>,
    /// How long they have to take it on.
    pub acknowledge_within: String,
    /// How often they are told again.
    pub repeats: u32,
    /// Where they are told, by name; where the routes of the destinations lead, if none is named.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    #[schemars(with = "BTreeSet<String>")]
    pub destinations: BTreeSet<DestinationId>,
}

impl TryFrom<EscalationFile> for EscalationPolicies {
    type Error = Vec<Fault>;
    fn try_from(file: EscalationFile) -> Result<Self, Vec<Fault>> {
        let mut faults = Vec::new();
        let SlaFile { calendar, warn_percent, critical, high, medium, low, contracts, channels } = file.sla;
        let shared = Shared { warn_percent, channels: read_channels(channels, &mut faults) };
        let contract = ContractFile { calendar, critical, high, medium, low };
        let sla_of_contract = sla("sla", contract, &shared, &mut faults);
        let read = |(segment, file): (Segment, ContractFile)| {
            (segment, sla(&format!("sla.contracts.{}", segment.name()), file, &shared, &mut faults))
        };
        let contracts = contracts.into_iter().map(read).collect();
        let sla = sla_of_contract;
        let categories = file.categories.into_iter().filter_map(|(id, file)| category(id, file, &mut faults)).collect();
        let priority = priority(&file.priority, &mut faults);
        let mut policy = |name: &str, steps| policy(&format!("policies.{name}"), steps, &mut faults);
        let PoliciesFile { critical, high, medium, low, matrix, break_glass, rules } = file.policies;
        let severities =
            (policy("critical", critical), policy("high", high), policy("medium", medium), policy("low", low));
        let rules = rules.into_iter().map(|(id, steps)| (policy(&format!("rules.{id}"), steps), id));
        let by_rule = rules.filter_map(|(policy, id)| Some((id, policy?))).collect();
        let break_glass = policy("break_glass", break_glass);
        let matrix =
            matrix.into_iter().enumerate().filter_map(|(index, file)| cell(index, file, &mut faults)).collect();
        let (Some(critical), Some(high), Some(medium), Some(low)) = severities else { return Err(faults) };
        let Some(break_glass) = break_glass else { return Err(faults) };
        let by_severity = BySeverity { critical, high, medium, low };
        let policies = Policies { by_severity, matrix, by_rule, break_glass, contracts, priority, categories };
        match Self::new(file.name, sla, policies) {
            Ok(policies) if faults.is_empty() => Ok(policies),
            Ok(_) => Err(faults),
            Err(more) => {
                // What could not be read stands as 0 and has its fault already.
                for fault in more {
                    if !faults.iter().any(|known| known.path == fault.path) {
                        faults.push(Fault::new(fault.path, fault.reason));
                    }
                }
                Err(faults)
            }
        }
    }
}

/// What is one for all contracts.
struct Shared {
    warn_percent: BTreeSet<u8>,
    channels: BTreeMap<Channel, Hours>,
}

fn read_channels(files: BTreeMap<Channel, CalendarFile>, faults: &mut Vec<Fault>) -> BTreeMap<Channel, Hours> {
    let mut channels = BTreeMap::new();
    for (channel, file) in files {
        let path = format!("sla.channels.{}", channel.name());
        if channel == Channel::Emergency {
            faults.push(Fault::new(path, "is open at any hour; leave it out"));
            continue;
        }
        match file.read(&path) {
            Ok(calendar) => drop(channels.insert(channel, Hours::Work(calendar))),
            Err(more) => faults.extend(more),
        }
    }
    channels
}

fn priority(file: &PriorityFile, faults: &mut Vec<Fault>) -> PriorityPolicy {
    for (name, number) in [("reopened", file.reopened), ("handoffs", file.handoffs)] {
        if number == 0 {
            faults.push(Fault::new(format!("priority.{name}"), "is 0, which every case has reached; give 1 or more"));
        }
    }
    PriorityPolicy { top_arr: Money::from_cents(file.top_arr_cents), reopened: file.reopened, handoffs: file.handoffs }
}

fn category(id: CategoryId, file: CategoryFile, faults: &mut Vec<Fault>) -> Option<(CategoryId, Category)> {
    let path = format!("categories.{id}");
    let mut skills = BTreeMap::new();
    for (skill, level) in file.skills {
        match Level::try_from(level) {
            Ok(level) => drop(skills.insert(skill, level)),
            Err(error) => faults.push(Fault::new(format!("{path}.skills.{skill}"), error.to_string())),
        }
    }
    let Some(tier) = Tier::of(file.tier) else {
        faults.push(Fault::new(format!("{path}.tier"), format!("is {}; give 1 to 4", file.tier)));
        return None;
    };
    Some((id, Category { tier, skills }))
}

fn sla(path: &str, file: ContractFile, shared: &Shared, faults: &mut Vec<Fault>) -> SlaPolicy {
    let mut targets = |name: &str, file: &TargetsFile| Targets {
        first_response_seconds: seconds(&format!("{path}.{name}.first_response"), &file.first_response, faults),
        next_response_seconds: file
            .next_response
            .as_ref()
            .map(|text| seconds(&format!("{path}.{name}.next_response"), text, faults)),
        resolution_seconds: seconds(&format!("{path}.{name}.resolution"), &file.resolution, faults),
    };
    let (critical, high) = (targets("critical", &file.critical), targets("high", &file.high));
    let (medium, low) = (targets("medium", &file.medium), targets("low", &file.low));
    let hours = match file.calendar {
        HoursFile::All(AllHours::AllHours) => Hours::All,
        HoursFile::Work(calendar) => calendar.read(&format!("{path}.calendar")).map_or_else(
            |more| {
                faults.extend(more);
                Hours::All
            },
            Hours::Work,
        ),
    };
    let Shared { warn_percent, channels } = shared;
    let (warn_percent, channels) = (warn_percent.clone(), channels.clone());
    SlaPolicy { critical, high, medium, low, warn_percent, hours, channels }
}

fn cell(index: usize, file: CellFile, faults: &mut Vec<Fault>) -> Option<Cell> {
    let path = format!("policies.matrix[{index}]");
    let mut tiers = BTreeSet::new();
    for number in &file.tiers {
        match Tier::of(*number) {
            Some(tier) => drop(tiers.insert(tier)),
            None => faults.push(Fault::new(format!("{path}.tiers"), format!("has {number}; give 1 to 4"))),
        }
    }
    let policy = policy(&format!("{path}.steps"), file.steps, faults)?;
    Some(Cell { severities: file.severities, tiers, segments: file.segments, policy })
}

fn policy(path: &str, steps: Vec<StepFile>, faults: &mut Vec<Fault>) -> Option<Policy> {
    let step = |(index, file): (usize, StepFile)| Step {
        role: file.role,
        to: match (file.schedule, file.person) {
            (None, None) => None,
            (Some(schedule), None) => Some(Target::Schedule(schedule)),
            (None, Some(person)) => Some(Target::Person(person)),
            (Some(_), Some(person)) => {
                let reason = "names a schedule and a person; give one of them";
                faults.push(Fault::new(format!("{path}[{index}]"), reason));
                Some(Target::Person(person))
            }
        },
        acknowledge_within_seconds: seconds(
            &format!("{path}[{index}].acknowledge_within"),
            &file.acknowledge_within,
            faults,
        ),
        repeats: file.repeats,
        destinations: file.destinations,
    };
    let policy = Policy::new(steps.into_iter().enumerate().map(step).collect());
    if policy.is_none() {
        faults.push(Fault::new(path, "has no steps; give at least one"));
    }
    policy
}

/// Whole seconds of a duration; 0 with a fault where the text is none.
fn seconds(path: &str, text: &str, faults: &mut Vec<Fault>) -> u32 {
    let days = text
        .strip_suffix('d')
        .and_then(|days| days.trim().parse::<u32>().ok())
        .and_then(|days| days.checked_mul(86_400));
    let read = || {
        let duration: jiff::SignedDuration = text.parse().ok()?;
        u32::try_from(duration.as_secs()).ok().filter(|_| duration.subsec_nanos() == 0)
    };
    days.or_else(read).unwrap_or_else(|| {
        faults
            .push(Fault::new(path, format!("`{text}` is not a duration in whole seconds; write it as 15m, 1h or 2d")));
        0
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(text: &str) -> Vec<(String, String)> {
        read(text).unwrap_err().into_iter().map(|fault| (fault.path, fault.reason)).collect()
    }

    #[test]
    fn the_default_targets_are_those_of_the_requirements() {
        let policies = read(DEFAULT).unwrap();
        assert_eq!(policies, built_in().unwrap(), "made into JSON and back");
        let hours = |severity| {
            let targets = policies.sla.targets(severity);
            (targets.first_response_seconds / 3600, targets.resolution_seconds / 3600)
        };
        assert_eq!(hours(Severity::Critical), (1, 4));
        assert_eq!(hours(Severity::High), (2, 8));
        assert_eq!(hours(Severity::Medium), (4, 24));
        assert_eq!(hours(Severity::Low), (8, 48));
        assert_eq!(policies.sla.warn_percent, BTreeSet::from([50, 75]));
    }

    #[test]
    fn durations_are_read_as_people_write_them() {
        let mut faults = Vec::new();
        let read = ["15m", "1h", "2d", "1h 30m", "90s"].map(|text| seconds("x", text, &mut faults));
        assert_eq!((read, faults.len()), ([900, 3_600, 172_800, 5_400, 90], 0));
        for text in ["", "1", "-1h", "1.5x", "500ms", "99999999999h"] {
            assert_eq!(seconds("x", text, &mut faults), 0, "{text}");
        }
        assert_eq!(faults.len(), 6);
    }

    #[test]
    fn every_fault_is_named_once_with_its_path() {
        let text = DEFAULT
            .replace("critical: { first_response: 1h", "critical: { first_response: soon")
            .replace("low: { first_response: 8h, resolution: 48h", "low: { first_response: 8h, resolution: 0h")
            .replace("warn_percent: [50, 75]", "warn_percent: [50, 100]")
            .replace(
                "role: vice_president, acknowledge_within: 2h, repeats: 1",
                "role: vice_president, acknowledge_within: 2h, repeats: 11",
            );
        let found = faults(&text);
        let paths: Vec<&str> = found.iter().map(|(path, _)| path.as_str()).collect();
        assert_eq!(
            paths,
            ["sla.critical.first_response", "policies.high[3].repeats", "sla.low.resolution", "sla.warn_percent"]
        );
    }

    #[test]
    fn a_policy_has_a_step() {
        let text = DEFAULT.replace("    band-critical:\n", "    other: []\n    band-critical:\n");
        assert_eq!(faults(&text), [("policies.rules.other".into(), "has no steps; give at least one".into())]);
    }

    #[test]
    fn a19_lines_of_the_matrix_are_read_and_checked() {
        let line = |text: &str| {
            DEFAULT.replace("  # What a rule asks for", &format!("  matrix:\n{text}\n  # What a rule asks for"))
        };
        let step = "{ role: executive, acknowledge_within: 5m, repeats: 0";
        let policies =
            read(&line(&format!("    - {{ severities: [critical], segments: [enterprise], steps: [{step} }}] }}")))
                .unwrap();
        let role = |segment| policies.cell(Severity::Critical, Tier::First, segment).step(0).role;
        assert_eq!(role(Segment::Enterprise), Role::Executive);
        assert_eq!(role(Segment::MidMarket), Role::SupportEngineer);
        let wrong = [
            format!("    - {{ tiers: [5], steps: [{step}, schedule: a, person: b }}] }}"),
            format!("    - {{ severities: [low], steps: [{step} }}] }}"),
        ];
        let paths: Vec<String> = faults(&line(&wrong.join("\n"))).into_iter().map(|(path, _)| path).collect();
        assert_eq!(paths, ["policies.matrix[0].tiers", "policies.matrix[0].steps[0]", "policies.matrix[1]"]);
    }

    #[test]
    fn a19_the_default_steps_name_nobody_whom_the_default_roster_does_not_know() {
        let (policies, roster) = (built_in().unwrap(), crate::roster::built_in().unwrap());
        assert_eq!(policies.unknown_to(&roster), []);
    }

    #[test]
    fn a63_a_contract_has_targets_and_hours_of_its_own() {
        let contract = |zone: &str| {
            let hours = format!("{{ time_zone: {zone}, days: [monday], from: \"09:00\", until: \"17:00\" }}");
            let each = ["critical", "high", "medium", "low"]
                .map(|name| format!("      {name}: {{ first_response: 30m, resolution: 2d }}\n"));
            let text =
                format!("  contracts:\n    enterprise:\n      calendar: {hours}\n{}\n# Each role has", each.concat());
            DEFAULT.replace("\n# Each role has", &text)
        };
        let policies = read(&contract("Europe/Berlin")).unwrap();
        assert_eq!(policies.sla, built_in().unwrap().sla, "that of all others");
        assert_ne!(policies.version(), built_in().unwrap().version());
        let paths: Vec<String> = faults(&contract("Mars/Base")).into_iter().map(|(path, _)| path).collect();
        assert_eq!(paths, ["sla.contracts.enterprise.calendar.time_zone"]);
    }

    #[test]
    fn a64_channels_have_hours_and_a89_categories_a_tier_and_skills() {
        let more = |channel: &str, hours: &str, rest: &str| {
            let sla = format!("sla:\n  channels:\n    {channel}: {hours}");
            DEFAULT
                .replacen("sla:", &sla, 1)
                .replace("critical: { first_response: 1h,", "critical: { first_response: 1h, next_response: 30m,")
                + rest
        };
        let hours = "{ time_zone: UTC, days: [monday], from: \"09:00\", until: \"17:00\" }";
        let policies =
            read(&more("chat", hours, "priority: { top_arr_cents: 5, reopened: 2, handoffs: 1 }\n")).unwrap();
        assert_eq!(policies.sla.channels.keys().collect::<Vec<_>>(), [&Channel::Chat]);
        assert_eq!(policies.sla.critical.next_response_seconds, Some(1_800));
        let database = policies.category(&CategoryId::new("database").unwrap()).unwrap();
        assert_eq!((database.tier, database.skills.len()), (Tier::First, 1));
        let wrong = faults(&more("emergency", hours, "priority: { top_arr_cents: 5, reopened: 0, handoffs: 1 }\n"));
        let paths: Vec<&str> = wrong.iter().map(|(path, _)| path.as_str()).collect();
        assert_eq!(paths, ["sla.channels.emergency", "priority.reopened"]);
        let wrong = DEFAULT.replace("skills: { database: 2 }", "tier: 5, skills: { database: 9 }");
        let paths: Vec<String> = faults(&wrong).into_iter().map(|(path, _)| path).collect();
        assert_eq!(paths, ["categories.database.skills.database", "categories.database.tier"]);
    }

    #[test]
    fn a_severity_cannot_be_left_out() {
        let text = DEFAULT.replace("  high: {", "  hihg: {");
        assert_eq!(faults(&text)[0].0, "sla.hihg");
    }
}

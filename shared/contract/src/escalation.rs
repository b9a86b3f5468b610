//! The escalation file: YAML that becomes [`domain::escalation::EscalationPolicies`], or says everything that is wrong
//! with it. Durations are written as `15m`, `1h` or `2d`.

use crate::document;
use crate::problem::Fault;
use domain::account::Segment;
use domain::escalation::policy::BySeverity;
use domain::escalation::{Cell, EscalationPolicies, Policies, Policy, Role, Step, Target};
use domain::id::{PersonId, RuleId, ScheduleId};
use domain::roster::Tier;
use domain::signal::Severity;
use domain::sla::{Calendar, SlaPolicy, Targets};
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
}

/// The targets of the clocks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SlaFile {
    /// `all_hours`.
    #[schemars(with = "String")]
    pub calendar: Calendar,
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
}

/// The targets of a severity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TargetsFile {
    /// Until somebody answers.
    pub first_response: String,
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
}

impl TryFrom<EscalationFile> for EscalationPolicies {
    type Error = Vec<Fault>;
    fn try_from(file: EscalationFile) -> Result<Self, Vec<Fault>> {
        let mut faults = Vec::new();
        let sla = sla(file.sla, &mut faults);
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
        match Self::new(file.name, sla, Policies { by_severity, matrix, by_rule, break_glass }) {
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

fn sla(file: SlaFile, faults: &mut Vec<Fault>) -> SlaPolicy {
    let mut targets = |name: &str, file: &TargetsFile| Targets {
        first_response_seconds: seconds(&format!("sla.{name}.first_response"), &file.first_response, faults),
        resolution_seconds: seconds(&format!("sla.{name}.resolution"), &file.resolution, faults),
    };
    SlaPolicy {
        critical: targets("critical", &file.critical),
        high: targets("high", &file.high),
        medium: targets("medium", &file.medium),
        low: targets("low", &file.low),
        warn_percent: file.warn_percent,
        calendar: file.calendar,
    }
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
    fn a_severity_cannot_be_left_out() {
        let text = DEFAULT.replace("  high: {", "  hihg: {");
        assert_eq!(faults(&text)[0].0, "sla.hihg");
    }
}

//! The rules file: YAML that becomes a [`domain::rule::RuleSet`], or says everything that is wrong with it.
//!
//! Each rule is read by itself, so a rule that has not the shape of a rule does not hide the faults of the others.

use crate::document;
use crate::problem::Fault;
use domain::account::{LifecycleStage, Segment};
use domain::band::Band;
use domain::fixed::Quantity;
use domain::id::RuleId;
use domain::rule::condition as leaf;
use domain::rule::{Condition, CtaKind, CtaTemplate, EscalationTemplate, Rule, RuleSet};
use domain::signal::{Metric, Severity};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The rules that hold where none were given.
pub const DEFAULT: &str = include_str!("../defaults/rules.yaml");

/// The rules that hold where none were given.
pub fn built_in() -> Result<RuleSet, Vec<Fault>> {
    rule_set(document::built_in(include_str!(concat!(env!("OUT_DIR"), "/rules.json")))?)
}

/// Reads a rules file. Names every fault with its path.
#[cfg(feature = "yaml")]
pub fn read(text: &str) -> Result<RuleSet, Vec<Fault>> {
    rule_set(document::yaml(text)?)
}

fn rule_set(RulesFile { name, rules }: RulesFile) -> Result<RuleSet, Vec<Fault>> {
    let mut faults = Vec::new();
    let mut read = Vec::new();
    for (index, value) in rules.into_iter().enumerate() {
        let path = format!("rules[{index}]");
        match document::shape::<RuleFile>(&path, value) {
            Ok(rule) => read.push((path, rule.into())),
            Err(fault) => faults.push(fault),
        }
    }
    match RuleSet::with_paths(name, read) {
        Ok(rules) if faults.is_empty() => Ok(rules),
        Ok(_) => Err(faults),
        Err(more) => {
            faults.extend(more.into_iter().map(|fault| Fault::new(fault.path, fault.reason)));
            Err(faults)
        }
    }
}

/// A rules file as it is written; its rules are read one by one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RulesFile {
    /// What people call the set.
    pub name: String,
    /// The rules.
    #[schemars(with = "Vec<RuleFile>")]
    pub rules: Vec<Value>,
}

/// A condition and what it asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RuleFile {
    /// The rule's name.
    #[schemars(with = "String")]
    pub id: RuleId,
    /// Opens an episode when true.
    pub when: ConditionFile,
    /// Keeps an episode open while true; `when` where nothing is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stays_while: Option<ConditionFile>,
    /// The call to action that it opens.
    pub cta: CtaFile,
    /// An episode ends when its condition has been false for so many days.
    pub clear_days: u32,
    /// An episode ends when its condition has not been true for so many days.
    pub lapse_days: u32,
    /// A cause that comes back within so many days goes on with the same episode.
    pub cool_off_days: u32,
    /// Who is asked for when an episode opens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub escalation: Option<EscalationFile>,
}

/// The call to action that a rule opens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CtaFile {
    /// `risk`, `lifecycle`, `expansion` or `objective`.
    #[serde(rename = "type")]
    #[schemars(with = "String")]
    pub kind: CtaKind,
    /// Why, and what to do, in plain words.
    pub reason: String,
    /// `critical`, `high`, `medium` or `low`.
    #[schemars(with = "String")]
    pub severity: Severity,
    /// Days from opening until it is due.
    pub due_in_days: u32,
}

/// The escalation that a rule asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EscalationFile {
    /// `critical`, `high`, `medium` or `low`.
    #[schemars(with = "String")]
    pub severity: Severity,
    /// Who is needed and for what, in plain words.
    pub reason: String,
}

/// A question about an account: one operator with what it needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ConditionFile {
    /// Every one is true.
    All(Vec<ConditionFile>),
    /// At least one is true.
    Any(Vec<ConditionFile>),
    /// It is false.
    Not(Box<ConditionFile>),
    /// So many are true of what was seen within the last days.
    AtLeast(AtLeastFile),
    /// A daily value fell, with the season removed.
    Declined(DeclinedFile),
    /// Events happened so often.
    Counted(CountedFile),
    /// The mean of answers is too low.
    AverageBelow(AverageBelowFile),
    /// Values go down, more than chance would have it.
    TrendsDown(TrendsDownFile),
    /// Values are above what is usual for this account.
    AboveUsual(AboveUsualFile),
    /// A competitor was seen, and that still counts.
    CompetitorSeen(CompetitorSeenFile),
    /// Nothing was reported for so many days.
    Absent(AbsentFile),
    /// The account came down into this band and is in it.
    BandEntered(#[schemars(with = "String")] Band),
    /// The account is in this band or a lower one.
    BandAtMost(#[schemars(with = "String")] Band),
    /// The account is of one of these segments.
    Segment(#[schemars(with = "Vec<String>")] Vec<Segment>),
    /// The account is in one of these stages.
    Stage(#[schemars(with = "Vec<String>")] Vec<LifecycleStage>),
}

/// So many of several conditions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AtLeastFile {
    /// How many must be true.
    pub count: u32,
    /// What was seen earlier is left out.
    pub within_days: u32,
    /// The conditions.
    pub of: Vec<ConditionFile>,
}

/// A fall between two neighbouring windows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeclinedFile {
    /// What is measured.
    #[schemars(with = "String")]
    pub metric: Metric,
    /// The length of each window.
    pub days: u32,
    /// By how much at least.
    pub by_percent: Percent,
    /// Below this daily mean before, nothing is called a decline.
    #[schemars(with = "f64")]
    pub floor: Quantity,
    /// Each window needs data on so many days.
    pub least_days: u32,
    /// Older data says nothing about today.
    pub fresh_days: u32,
    /// The weekday profile comes from so many weeks before.
    pub profile_weeks: u32,
    /// One cycle of the year.
    pub cycle_weeks: u32,
    /// How deep a fall one cycle ago counts as a holiday.
    pub holiday_percent: Percent,
}

/// So many events in a window.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CountedFile {
    /// What is counted.
    #[schemars(with = "String")]
    pub metric: Metric,
    /// The window.
    pub days: u32,
    /// How many.
    pub at_least: u32,
    /// Only events after the last day of this one count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub since_last: Option<Metric>,
}

/// A mean below a limit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AverageBelowFile {
    /// What is averaged.
    #[schemars(with = "String")]
    pub metric: Metric,
    /// The window.
    pub days: u32,
    /// The limit.
    #[schemars(with = "f64")]
    pub below: Quantity,
    /// With fewer values nothing can be said.
    pub least_values: u32,
}

/// A fall along the line through the values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TrendsDownFile {
    /// What is measured.
    #[schemars(with = "String")]
    pub metric: Metric,
    /// The window.
    pub days: u32,
    /// By how much at least.
    #[schemars(with = "f64")]
    pub by: Quantity,
    /// With fewer values nothing can be said.
    pub least_values: u32,
}

/// A median above a percentile of the account's own history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AboveUsualFile {
    /// What is measured.
    #[schemars(with = "String")]
    pub metric: Metric,
    /// The recent window.
    pub recent_days: u32,
    /// The history before it.
    pub history_days: u32,
    /// Which percentile.
    pub percentile: u32,
    /// With fewer recent days nothing can be said.
    pub least_recent: u32,
    /// With fewer days of history nothing can be said.
    pub least_history: u32,
}

/// A sighting by a source that is sure enough.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CompetitorSeenFile {
    /// How sure at least, in percent.
    #[schemars(with = "f64")]
    pub confidence_at_least: Quantity,
}

/// No data for so many days.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AbsentFile {
    /// What is not reported.
    #[schemars(with = "String")]
    pub metric: Metric,
    /// For how many days.
    pub days: u32,
}

/// A percentage with two decimal places at most, from 0 to 100.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "Quantity", into = "Quantity")]
#[schemars(with = "f64")]
pub struct Percent(u32);

impl TryFrom<Quantity> for Percent {
    type Error = String;
    fn try_from(percent: Quantity) -> Result<Self, String> {
        let basis_points = u32::try_from(percent.micros() / 10_000).ok().filter(|points| *points <= 10_000);
        match basis_points {
            Some(points) if percent.micros() % 10_000 == 0 => Ok(Self(points)),
            _ => Err(format!("is {percent}; give 0 to 100 with two decimal places at most")),
        }
    }
}

impl From<Percent> for Quantity {
    fn from(percent: Percent) -> Self {
        Self::from_micros(i64::from(percent.0) * 10_000)
    }
}

impl From<RuleFile> for Rule {
    fn from(file: RuleFile) -> Self {
        let CtaFile { kind, reason, severity, due_in_days } = file.cta;
        Self {
            id: file.id,
            when: file.when.into(),
            stays_while: file.stays_while.map(Into::into),
            cta: CtaTemplate { kind, reason, severity, due_in_days },
            clear_days: file.clear_days,
            lapse_days: file.lapse_days,
            cool_off_days: file.cool_off_days,
            escalation: file
                .escalation
                .map(|EscalationFile { severity, reason }| EscalationTemplate { severity, reason }),
        }
    }
}

impl From<ConditionFile> for Condition {
    fn from(file: ConditionFile) -> Self {
        let each = |of: Vec<ConditionFile>| of.into_iter().map(Into::into).collect();
        match file {
            ConditionFile::All(of) => Self::All(each(of)),
            ConditionFile::Any(of) => Self::Any(each(of)),
            ConditionFile::Not(of) => Self::Not(Box::new((*of).into())),
            ConditionFile::AtLeast(AtLeastFile { count, within_days, of }) => {
                Self::AtLeast(leaf::AtLeast { count, within_days, of: each(of) })
            }
            ConditionFile::Declined(file) => Self::Declined(file.into()),
            ConditionFile::Counted(CountedFile { metric, days, at_least, since_last }) => {
                Self::Counted(leaf::Counted { metric, days, at_least, since_last })
            }
            ConditionFile::AverageBelow(AverageBelowFile { metric, days, below, least_values }) => {
                Self::AverageBelow(leaf::AverageBelow { metric, days, below, least_values })
            }
            ConditionFile::TrendsDown(TrendsDownFile { metric, days, by, least_values }) => {
                Self::TrendsDown(leaf::TrendsDown { metric, days, by, least_values })
            }
            ConditionFile::AboveUsual(file) => Self::AboveUsual(file.into()),
            ConditionFile::CompetitorSeen(CompetitorSeenFile { confidence_at_least }) => {
                Self::CompetitorSeen(leaf::CompetitorSeen { confidence_at_least })
            }
            ConditionFile::Absent(AbsentFile { metric, days }) => Self::Absent(leaf::Absent { metric, days }),
            ConditionFile::BandEntered(band) => Self::BandEntered(band),
            ConditionFile::BandAtMost(band) => Self::BandAtMost(band),
            ConditionFile::Segment(of) => Self::Segment(of.into_iter().collect()),
            ConditionFile::Stage(of) => Self::Stage(of.into_iter().collect()),
        }
    }
}

impl From<DeclinedFile> for leaf::Declined {
    fn from(file: DeclinedFile) -> Self {
        Self {
            metric: file.metric,
            days: file.days,
            by_basis_points: file.by_percent.0,
            floor: file.floor,
            least_days: file.least_days,
            fresh_days: file.fresh_days,
            profile_weeks: file.profile_weeks,
            cycle_weeks: file.cycle_weeks,
            holiday_basis_points: file.holiday_percent.0,
        }
    }
}

impl From<AboveUsualFile> for leaf::AboveUsual {
    fn from(file: AboveUsualFile) -> Self {
        Self {
            metric: file.metric,
            recent_days: file.recent_days,
            history_days: file.history_days,
            percentile: file.percentile,
            least_recent: file.least_recent,
            least_history: file.least_history,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(text: &str) -> Vec<(String, String)> {
        read(text).unwrap_err().into_iter().map(|fault| (fault.path, fault.reason)).collect()
    }

    #[test]
    fn the_default_rules_hold() {
        let rules = read(DEFAULT).unwrap();
        let ids: Vec<&str> = rules.rules().map(|rule| rule.id.as_str()).collect();
        assert_eq!(
            ids,
            [
                "band-at-risk",
                "band-critical",
                "band-emergency",
                "competitive-activity",
                "executive-disengagement",
                "performance-issues",
                "usage-decline",
                "user-complaints"
            ]
        );
        assert_eq!(rules, built_in().unwrap(), "made into JSON and back");
    }

    #[test]
    fn the_default_triggers_have_the_numbers_of_the_requirements() {
        let rules = read(DEFAULT).unwrap();
        let when = |id: &str| rules.get(&RuleId::new(id).unwrap()).unwrap().when.clone();
        let Condition::Declined(decline) = when("usage-decline") else { panic!() };
        assert_eq!((decline.metric, decline.days, decline.by_basis_points), (Metric::ActiveUsers, 14, 2_000));
        let count = |metric, days, since_last| leaf::Counted { metric, days, at_least: 2, since_last };
        assert_eq!(when("performance-issues"), Condition::Counted(count(Metric::SevereIncidents, 14, None)));
        let Condition::Any(complaints) = when("user-complaints") else { panic!() };
        let below = Quantity::whole(50);
        let promoters = leaf::AverageBelow { metric: Metric::NetPromoter, days: 90, below, least_values: 5 };
        assert_eq!(complaints[0], Condition::AverageBelow(promoters));
        let Condition::Any(executives) = when("executive-disengagement") else { panic!() };
        let missed = count(Metric::ExecutiveMeetingsMissed, 60, Some(Metric::SponsorReplaced));
        assert_eq!(executives[0], Condition::Counted(missed));
        assert_eq!(when("band-emergency"), Condition::BandEntered(Band::Emergency));
        let asks = |id: &str| rules.get(&RuleId::new(id).unwrap()).unwrap().escalation.is_some();
        assert_eq!(["band-at-risk", "band-critical", "band-emergency"].map(asks), [false, true, true]);
    }

    #[test]
    fn another_number_is_another_version() {
        let changed = DEFAULT.replace("by_percent: 20", "by_percent: 20.01");
        assert_ne!(read(&changed).unwrap().version(), read(DEFAULT).unwrap().version());
    }

    #[test]
    fn a_file_of_another_shape_says_where() {
        assert_eq!(faults("rules: []")[0].0, "name");
        assert_eq!(faults("name: x\nrules: []\nextra: 1")[0].0, "extra");
        assert!(!faults("name: [").is_empty());
        assert!(faults(&" ".repeat(document::MAX_BYTES + 1))[0].1.starts_with("has 262145 bytes"));
    }

    #[test]
    fn a15_every_fault_of_every_rule_is_named_with_its_path() {
        let text = DEFAULT
            .replace("metric: active_users", "metric: activ_users")
            .replace("severe_incidents, days: 14", "severe_incidents, days: 500")
            .replace("below: 50", "below: 101")
            .replace("percentile: 90", "percentile: 100")
            .replace("confidence_at_least: 60", "confidence_at_least: -1")
            .replace("id: band-critical", "id: band-at-risk");
        let found = faults(&text);
        let paths: Vec<&str> = found.iter().map(|(path, _)| path.as_str()).collect();
        assert_eq!(
            paths,
            [
                "rules[0].when.declined.metric",
                "rules[1].when.counted.days",
                "rules[2].when.any[0].average_below.below",
                "rules[3].when.any[1].above_usual.percentile",
                "rules[4].when.competitor_seen.confidence_at_least",
                "rules[6].id",
            ]
        );
        assert_eq!(found[1].1, "is 500; give 1 to 400");
    }

    #[test]
    fn conditions_cannot_be_nested_without_end() {
        let deep = format!("{}{{ absent: {{ metric: logins, days: 3 }} }}{}", "{ not: ".repeat(8), " }".repeat(8));
        let text = DEFAULT.replace("{ band_entered: at_risk }", &deep);
        assert_eq!(faults(&text)[0].1, "is nested deeper than 8");
    }

    #[test]
    fn a_percentage_has_two_decimal_places_at_most() {
        let found = faults(&DEFAULT.replace("by_percent: 20", "by_percent: 20.001"));
        assert_eq!(
            found,
            [(
                "rules[0].when.declined.by_percent".into(),
                "is 20.001; give 0 to 100 with two decimal places at most".into()
            )]
        );
    }

    #[test]
    fn an_operator_that_does_not_exist_is_refused() {
        let found = faults(&DEFAULT.replace("competitor_seen:", "competitor_heard:"));
        assert_eq!(found.len(), 1);
        assert!(found[0].0.starts_with("rules[4].when"), "{found:?}");
        assert!(found[0].1.contains("competitor_heard"), "{found:?}");
    }
}

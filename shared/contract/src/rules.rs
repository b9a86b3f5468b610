//! The rules file: YAML that becomes a [`domain::rule::RuleSet`], or says everything that is wrong with it.
//!
//! Each rule is read by itself, and each condition of it, so what cannot be read does not hide the faults of the rest. A name
//! that is not known is answered with the nearest one that is.

mod condition;
mod names;
mod reader;

pub use condition::{ConditionFile, SegmentNames};
pub use names::Vocabulary;
pub(crate) use names::hinted;
pub(crate) use reader::Reader;

use crate::calendar::CalendarFile;
use crate::document;
use crate::problem::Fault;
use domain::id::{ExperimentId, RuleId};
use domain::rule::{CtaKind, CtaTemplate, EscalationTemplate, Rule, RuleSet};
use domain::rulebook::Limits;
use domain::signal::Severity;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The rules that hold where none were given.
pub const DEFAULT: &str = include_str!("../defaults/rules.yaml");

/// The rules that hold where none were given.
pub fn built_in() -> Result<RuleSet, Vec<Fault>> {
    rule_set(document::built_in(include_str!(concat!(env!("OUT_DIR"), "/rules.json")))?, &Vocabulary::default())
}

/// Reads a rules file. Names every fault with its path. Which measures there are is not known here: see [`read_for`].
#[cfg(feature = "yaml")]
pub fn read(text: &str) -> Result<RuleSet, Vec<Fault>> {
    rule_set(document::yaml(text)?, &Vocabulary::default())
}

/// The rules of a file that came over HTTP, or is kept; it may name what there is.
pub fn of_file(file: RulesFile, names: &Vocabulary) -> Result<RuleSet, Vec<Fault>> {
    rule_set(file, names)
}

/// A rules file as it is written; its rules are not read yet.
#[cfg(feature = "yaml")]
pub fn file(text: &str) -> Result<RulesFile, Vec<Fault>> {
    document::yaml(text)
}

/// The same for the measures and dimensions of these scorecards: others are refused.
#[cfg(feature = "yaml")]
pub fn read_for(text: &str, scorecards: &domain::scorecard::Scorecards) -> Result<RuleSet, Vec<Fault>> {
    read_with(text, &Vocabulary::of(scorecards))
}

/// The same for the names that there are: others are refused.
#[cfg(feature = "yaml")]
pub fn read_with(text: &str, vocabulary: &Vocabulary) -> Result<RuleSet, Vec<Fault>> {
    rule_set(document::yaml(text)?, vocabulary)
}

fn rule_set(file: RulesFile, vocabulary: &Vocabulary) -> Result<RuleSet, Vec<Fault>> {
    let RulesFile { name, calendar, limits, rules } = file;
    let mut reader = Reader::new(vocabulary);
    let mut read = Vec::new();
    for (index, value) in rules.into_iter().enumerate() {
        let path = format!("rules[{index}]");
        if let Some(rule) = rule(&mut reader, &path, value) {
            read.push((path, rule));
        }
    }
    let (rules, more) = match RuleSet::with_paths(name, read) {
        Ok(rules) => (Some(rules), Vec::new()),
        Err(more) => (None, more.into_iter().map(|fault| reader.place(fault.path, fault.reason)).collect()),
    };
    let mut faults = reader.into_faults();
    faults.extend(more);
    let calendar = calendar.and_then(|file| file.read("calendar").map_err(|more| faults.extend(more)).ok());
    let limits = limits.and_then(|file| file.read().map_err(|more| faults.extend(more)).ok());
    let rules = rules.map(|rules| match calendar {
        Some(calendar) => rules.on_calendar(calendar),
        None => Ok(rules),
    });
    let rules = rules.map(|rules| match limits {
        Some(limits) => rules.and_then(|rules| rules.within(limits)),
        None => rules,
    });
    match rules {
        Some(Ok(rules)) if faults.is_empty() => return Ok(rules),
        Some(Err(more)) => faults.extend(more.into_iter().map(|fault| Fault::new(fault.path, fault.reason))),
        _ => {}
    }
    Err(faults)
}

/// A rule, or its faults: those of its conditions too where the rest has not the shape of a rule.
fn rule(reader: &mut Reader<'_>, path: &str, value: Value) -> Option<Rule> {
    let condition = |name: &str| value.get(name).filter(|value| !value.is_null()).cloned();
    let (when, stays_while) = (condition("when"), condition("stays_while"));
    let has_stays = stays_while.is_some();
    let when = when.and_then(|when| reader.root(&format!("{path}.when"), when));
    let stays_while = stays_while.and_then(|stays| reader.root(&format!("{path}.stays_while"), stays));
    let file = match document::shape::<RuleFile>(path, value) {
        Ok(file) => file,
        Err(fault) => {
            reader.fault(hinted(fault));
            return None;
        }
    };
    if has_stays && stays_while.is_none() {
        return None;
    }
    let CtaFile { kind, reason, severity, due_in_days, experiment } = file.cta;
    if let Some(experiment) = &experiment {
        reader.experiment(&format!("{path}.cta.experiment"), experiment);
    }
    Some(Rule {
        id: file.id,
        when: when?,
        stays_while,
        cta: CtaTemplate { kind, reason, severity, due_in_days, experiment },
        clear_days: file.clear_days,
        lapse_days: file.lapse_days,
        cool_off_days: file.cool_off_days,
        escalation: file.escalation.map(|EscalationFile { severity, reason }| EscalationTemplate { severity, reason }),
    })
}

/// A rules file as it is written; its rules are read one by one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RulesFile {
    /// What people call the set.
    pub name: String,
    /// By which days what they ask for is due; every day counts where nothing is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calendar: Option<CalendarFile>,
    /// When a kill switch holds a rule, and what a dry run is worth.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<LimitsFile>,
    /// The rules.
    #[schemars(with = "Vec<RuleFile>")]
    pub rules: Vec<Value>,
}

/// When a kill switch holds a rule, and what a dry run is worth. What is left out is as it is by default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LimitsFile {
    /// The largest share of the portfolio on which a rule may open calls to action within a day, in percent, 1 to 100; 10.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opens_percent: Option<u64>,
    /// On so many accounts it may in any case, up to 1,000,000; 10.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opens_at_least: Option<u64>,
    /// The largest share of the portfolio whose data may be too old for a rule, in percent, 1 to 100; 50.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stale_percent: Option<u64>,
    /// On so many accounts they may be in any case, up to 1,000,000; 10.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stale_at_least: Option<u64>,
    /// The largest share of the portfolio that may have changed between a dry run and its activation, in percent, 1 to 100;
    /// 10.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed_percent: Option<u64>,
}

impl LimitsFile {
    fn read(self) -> Result<Limits, Vec<Fault>> {
        let mut faults = Vec::new();
        let mut within = |name: &str, given: Option<u64>, default: u64, least: u64, most: u64| {
            let value = given.unwrap_or(default);
            if !(least..=most).contains(&value) {
                faults.push(Fault::new(format!("limits.{name}"), format!("is {value}; give {least} to {most}")));
            }
            value
        };
        let other = Limits::DEFAULT;
        let limits = Limits {
            opens_percent: within("opens_percent", self.opens_percent, other.opens_percent, 1, 100),
            opens_at_least: within("opens_at_least", self.opens_at_least, other.opens_at_least, 0, 1_000_000),
            stale_percent: within("stale_percent", self.stale_percent, other.stale_percent, 1, 100),
            stale_at_least: within("stale_at_least", self.stale_at_least, other.stale_at_least, 0, 1_000_000),
            changed_percent: within("changed_percent", self.changed_percent, other.changed_percent, 1, 100),
        };
        if faults.is_empty() { Ok(limits) } else { Err(faults) }
    }
}

/// A condition and what it asks for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RuleFile {
    /// The rule's name.
    #[schemars(with = "String")]
    pub id: RuleId,
    /// Opens an episode when true.
    #[schemars(with = "ConditionFile")]
    pub when: Value,
    /// Keeps an episode open while true; `when` where nothing is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<ConditionFile>")]
    pub stays_while: Option<Value>,
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
    #[schemars(schema_with = "names::cta_kinds")]
    pub kind: CtaKind,
    /// Why, and what to do, in plain words.
    pub reason: String,
    /// `critical`, `high`, `medium` or `low`.
    #[schemars(schema_with = "names::severities")]
    pub severity: Severity,
    /// Days from opening until it is due: working days where the file has a calendar.
    pub due_in_days: u32,
    /// The experiment that says for whom it is opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub experiment: Option<ExperimentId>,
}

/// The escalation that a rule asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EscalationFile {
    /// `critical`, `high`, `medium` or `low`.
    #[schemars(schema_with = "names::severities")]
    pub severity: Severity,
    /// Who is needed and for what, in plain words.
    pub reason: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::band::Band;
    use domain::fixed::Quantity;
    use domain::rule::{Condition, leaf};
    use domain::signal::Metric;

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
    fn a_calendar_belongs_to_the_version_and_its_faults_are_named() {
        let rules = read(DEFAULT).unwrap();
        assert!(rules.calendar().is_some());
        let without = DEFAULT.split_once("calendar:").unwrap().0.to_owned()
            + "rules:"
            + DEFAULT.split_once("rules:\n").unwrap().1;
        let every_day = read(&without).unwrap_or_else(|faults| panic!("{faults:?}"));
        assert_eq!(every_day.calendar(), None);
        let holiday = read(&DEFAULT.replace("holidays: []", "holidays: [2026-12-25]")).unwrap();
        assert!(rules.version() != every_day.version() && rules.version() != holiday.version());
        let text = DEFAULT.replace("time_zone: UTC", "time_zone: Utopia").replace("until: \"17:00\"", "until: late");
        let paths: Vec<String> = faults(&text).into_iter().map(|(path, _)| path).collect();
        assert_eq!(paths, ["calendar.time_zone", "calendar.until"]);
        let text = DEFAULT.replace("until: \"17:00\"", "until: \"08:00\"");
        assert_eq!(faults(&text)[0].0, "calendar.until");
    }

    #[test]
    fn limits_belong_to_the_version_and_what_is_left_out_is_the_default() {
        let rules = read(DEFAULT).unwrap();
        assert_eq!(*rules.limits(), Limits::DEFAULT, "the file says what holds by default");
        let one = "limits: { opens_percent: 25 }\n\nrules:\n";
        let start = DEFAULT.find("limits:").unwrap();
        let text = DEFAULT[..start].to_owned() + one + DEFAULT.split_once("rules:\n").unwrap().1;
        let other = read(&text).unwrap_or_else(|faults| panic!("{faults:?}"));
        assert_eq!(*other.limits(), Limits { opens_percent: 25, ..Limits::DEFAULT });
        assert_ne!(other.version(), rules.version());
        let text =
            DEFAULT.replace("opens_percent: 10", "opens_percent: 0").replace("stale_percent: 50", "stale_percent: 101");
        let said: Vec<_> = faults(&text).into_iter().map(|(path, reason)| format!("{path} {reason}")).collect();
        assert_eq!(said, ["limits.opens_percent is 0; give 1 to 100", "limits.stale_percent is 101; give 1 to 100"]);
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

    /// The faults of a rule with this condition.
    fn of(when: &str) -> Vec<(String, String)> {
        let cards = crate::scorecard::built_in().unwrap();
        let text = DEFAULT.replace("{ band_entered: at_risk }", when);
        let faults = read_for(&text, &cards).err().unwrap_or_default();
        let short = |path: String| path.strip_prefix("rules[5].when").map(str::to_owned).unwrap_or(path);
        faults.into_iter().map(|fault| (short(fault.path), fault.reason)).collect()
    }

    #[track_caller]
    fn check(when: &str, expected: &[(&str, &str)]) {
        let found = of(when);
        let found: Vec<(&str, &str)> = found.iter().map(|(path, reason)| (path.as_str(), reason.as_str())).collect();
        assert_eq!(found, expected, "{when}");
    }

    #[test]
    fn a18_every_operator_is_read() {
        for when in [
            "{ all: [{ absent: { metric: logins, days: 3 } }, { not: { has_owner: true } }] }",
            "{ any: [{ segment: [enterprise, mid_market] }, { stage: [onboarding] }] }",
            "{ at_least: { count: 1, of: [{ band_left: healthy }, { band_at_least: champion }] } }",
            "{ at_least: { count: 2, within_days: 14, of: [{ band_left: healthy }, { band_at_most: critical }] } }",
            "{ trends_up: { metric: error_rate, days: 30, by: 1, least_values: 10, unit: percent } }",
            "{ unusual: { metric: logins, side: low, by_deviations: 3.5, recent_days: 3, history_days: 60, least_recent: 2, least_history: 20 } }",
            "{ value: { metric: uptime, statistic: mean, days: 30, below: 99.5, unit: percent } }",
            "{ changed: { metric: logins, days: 7, direction: fall, by_percent: 33.33, least_days: 5 } }",
            "{ changed: { metric: logins, days: 7, direction: rise, by_percent: 300, unit: percent, least_days: 5 } }",
            "{ changed: { metric: response_time, days: 7, direction: rise, by: 50, unit: milliseconds, least_days: 5 } }",
            "{ sustained: { metric: error_rate, days: 5, above: 2 } }",
            "{ score: { below: 70, unit: points } }",
            "{ score: { dimension: user_adoption, at_least: 50, below: 70 } }",
            "{ measure: { measure: uptime, of: value, below: 99, unit: '%' } }",
            "{ measure: { measure: uptime, of: points, below: 60 } }",
            "{ arr: { at_least: 100000, unit: currency } }",
            "{ days_to_renewal: { at_least: 0, at_most: 90, unit: days } }",
            "{ all: [{ has_renewal_date: true }, { owner: [kim] }, { account: [acme] }, { named: [Acme] }] }",
            "{ weekday: [monday, friday] }",
            "{ season: { from: 12-15, to: 01-06 } }",
            "{ dates: { from: 2026-12-01 } }",
        ] {
            check(when, &[]);
        }
    }

    /// The version of the rules, or their faults, where `when` is asked and a segment stands for `champions`.
    fn among(when: &str, champions: &str) -> Result<RuleSet, Vec<(String, String)>> {
        let segments = format!("name: x\nsegments:\n  - {{ id: champions, description: Good., when: {champions} }}");
        let segments = crate::segments::read(&segments).unwrap();
        let vocabulary = Vocabulary::of(&crate::scorecard::built_in().unwrap()).with_segments(&segments);
        let faults = |faults: Vec<Fault>| faults.into_iter().map(|fault| (fault.path, fault.reason)).collect();
        read_with(&DEFAULT.replace("{ band_entered: at_risk }", when), &vocabulary).map_err(faults)
    }

    #[test]
    fn a116_a_rule_may_ask_for_a_segment_by_name_and_is_another_version_when_the_segment_is() {
        let by_name = |stands_for| among("{ all: [{ segment: champions }, { has_owner: true }] }", stands_for);
        let low = "{ band_at_most: critical }";
        let written = "{ all: [{ band_at_most: critical }, { has_owner: true }] }";
        assert_eq!(by_name(low), among(written, low), "the same as what it stands for");
        let versions = [by_name(low), by_name("{ band_at_most: at_risk }")].map(|rules| rules.unwrap().version());
        assert_ne!(versions[0], versions[1]);
    }

    #[test]
    fn a15_a_segment_that_is_not_known_is_told_and_so_is_what_it_stands_for() {
        let good = "{ band_at_least: champion }";
        #[track_caller]
        fn check(when: &str, stands_for: &str, path: &str, reason: &str) {
            let expected = vec![(format!("rules[5].when{path}"), reason.to_owned())];
            assert_eq!(among(when, stands_for).unwrap_err(), expected, "{when}");
        }
        check("{ segment: champion }", good, ".segment", "`champion` is not known; did you mean `champions`?");
        let kind = "`enterprise` is a kind of customer; write [enterprise]";
        check("{ segment: enterprise }", good, ".segment", kind);
        check("{ segment: 5 }", good, ".segment", "give the name of a segment, or a list of kinds of customer");
        assert_eq!(of("{ segment: champions }").len(), 1, "nobody said what it stands for");
        let against = "{ all: [{ segment: champions }, { stage: [steady] }] }";
        let both = "{ all: [{ has_owner: true }, { stage: [onboarding] }] }";
        let found = among(against, both).unwrap_err();
        assert_eq!(found.len(), 1, "{found:?}");
        let deep = "{ not: { not: { not: { not: { not: { not: { segment: champions } } } } } } }";
        let nested = "{ all: [{ any: [{ has_owner: true }, { stage: [steady] }] }, { not: { stage: [churned] } }] }";
        let found = among(deep, nested).unwrap_err();
        let place = "rules[5].when.not.not.not.not.not.not.segment";
        assert_eq!(found.iter().filter(|(path, _)| path == place).count(), found.len(), "{found:?}");
        assert!(found[0].1.starts_with("in `champions` `all[0]") && found[0].1.ends_with("deeper than 8"), "{found:?}");
    }

    #[test]
    fn a141_an_experiment_that_is_not_known_is_told() {
        let text = DEFAULT.replacen("      due_in_days:", "      experiment: cals\n      due_in_days:", 1);
        let experiments = "name: x\nexperiments:\n  - id: calls\n    description: x\n    hold_out_percent: 50\n    variants: [{ id: a, weight_percent: 50, asks: x }]";
        let experiments = crate::experiments::read(experiments).unwrap();
        let vocabulary = Vocabulary::default().with_experiments(&experiments);
        let faults = read_with(&text, &vocabulary).unwrap_err();
        let found: Vec<(&str, &str)> =
            faults.iter().map(|fault| (fault.path.as_str(), fault.reason.as_str())).collect();
        assert_eq!(found, [("rules[0].cta.experiment", "`cals` is not known; did you mean `calls`?")]);
        assert_eq!(read(&text).unwrap_err()[0].reason, "`cals` is not known; no experiments are given");
        assert!(read_with(&text.replace("cals", "calls"), &vocabulary).is_ok());
    }

    #[test]
    fn a15_the_nearest_known_name_is_told() {
        let metric = "`net_promotr` is not known; did you mean `net_promoter`?";
        check("{ absent: { metric: net_promotr, days: 3 } }", &[(".absent.metric", metric)]);
        check("{ band_entered: at_rsk }", &[(".band_entered", "`at_rsk` is not known; did you mean `at_risk`?")]);
        let segment = "`enterprize` is not known; did you mean `enterprise`?";
        check("{ segment: [mid_market, enterprize] }", &[(".segment[1]", segment)]);
        check("{ stage: [stedy] }", &[(".stage[0]", "`stedy` is not known; did you mean `steady`?")]);
        check("{ weekday: [mondy] }", &[(".weekday[0]", "`mondy` is not known; did you mean `monday`?")]);
        let measure = "`uptme` is not known; did you mean `uptime`?";
        check("{ measure: { measure: uptme, of: points, below: 5 } }", &[(".measure.measure", measure)]);
        let dimension = "`user_adaption` is not known; did you mean `user_adoption`?";
        check("{ score: { dimension: user_adaption, below: 5 } }", &[(".score.dimension", dimension)]);
        check("{ absnt: { metric: logins, days: 3 } }", &[("", "unknown variant `absnt`; did you mean `absent`?")]);
        let side = "`hihg` is not known; did you mean `high`?";
        let unusual = "{ unusual: { metric: logins, side: hihg, by_deviations: 3, recent_days: 3, history_days: 60, least_recent: 2, least_history: 20 } }";
        check(unusual, &[(".unusual.side", side)]);
    }

    #[test]
    fn a15_another_unit_than_that_of_what_is_compared_is_refused() {
        let count = "is `percent`; what is compared is in `count`";
        check(
            "{ value: { metric: logins, statistic: sum, days: 7, below: 20, unit: percent } }",
            &[(".value.unit", count)],
        );
        let points = "is `percent`; what is compared is in `points`";
        check("{ score: { below: 20, unit: percent } }", &[(".score.unit", points)]);
        let changed =
            "{ changed: { metric: logins, days: 7, direction: fall, by_percent: 30, unit: count, least_days: 5 } }";
        check(changed, &[(".changed.unit", "is `count`; what is compared is in `percent`")]);
        let near = "`persent` is not known; did you mean `percent`?";
        check("{ sustained: { metric: uptime, days: 5, below: 99, unit: persent } }", &[(".sustained.unit", near)]);
        let of_measure = "is `hours`; what is compared is in `percent`";
        check(
            "{ measure: { measure: uptime, of: value, below: 20, unit: h } }",
            &[(".measure.unit", &of_measure.replace("hours", "h"))],
        );
    }

    #[test]
    fn a15_what_cannot_be_read_does_not_hide_the_rest() {
        let when = "{ all: [{ absent: { metric: x, dys: 3, days: 4, mtric: y } }, { absent: { metric: logins, days: 999 } }, { score: { below: 101 } }, { owner: ['a b'] }, { any: [] , all: [] }] }";
        let found = of(when);
        let paths: Vec<&str> = found.iter().map(|(path, _)| path.as_str()).collect();
        let expected = [
            ".all[0].absent.dys",
            ".all[0].absent.mtric",
            ".all[0].absent.metric",
            ".all[3].owner[0]",
            ".all[4]",
            ".all[1].absent.days",
            ".all[2].score.below",
        ];
        assert_eq!(paths, expected, "{found:#?}");
        let text =
            DEFAULT.replace("{ band_entered: at_risk }", "{ band_entered: x }").replacen("due_in_days: 5", "due: 5", 1);
        let all = faults(&text);
        let paths: Vec<&str> = all.iter().map(|(path, _)| path.as_str()).collect();
        assert_eq!(paths, ["rules[0].cta.due", "rules[5].when.band_entered"], "{all:?}");
    }

    #[test]
    fn a15_a_rule_that_contradicts_itself_is_refused() {
        let reason = "contradicts `rules[5].when.all[0]`: both can never hold at once";
        check("{ all: [{ score: { below: 50 } }, { score: { at_least: 60 } }] }", &[(".all[1]", reason)]);
        let text =
            DEFAULT.replace("stays_while: { band_at_most: at_risk }", "stays_while: { band_at_least: champion }");
        assert_eq!(faults(&text).len(), 3);
        assert_eq!(faults(&text)[0].0, "rules[5].stays_while");
    }

    #[test]
    fn limits_must_be_given_and_leave_something() {
        let none = "gives no limit; give `at_least`, `above`, `at_most` or `below`";
        check("{ arr: {} }", &[(".arr", none)]);
        let empty = "can never be true: nothing is at least 5 and below 5";
        check("{ arr: { at_least: 5, below: 5 } }", &[(".arr", empty)]);
        let both = "give either `by_percent` or `by`";
        check("{ changed: { metric: logins, days: 7, direction: fall, least_days: 5 } }", &[(".changed", both)]);
        check("{ dates: {} }", &[(".dates", "names no day; give `from`, `to` or both")]);
        let turned = "is 2026-01-01, before `from` 2026-01-02";
        check("{ dates: { from: 2026-01-02, to: 2026-01-01 } }", &[(".dates.to", turned)]);
        let season = "`13-01` is not a day of the year; write it as 12-24";
        check("{ season: { from: 13-01, to: 01-06 } }", &[(".season.from", season)]);
    }
}

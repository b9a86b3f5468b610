//! The scorecard file: YAML that becomes a [`domain::scorecard::Scorecard`], or says everything that is wrong with it;
//! and several of them, which together say who is scored by what.

use crate::document;
use crate::problem::Fault;
use domain::account::{LifecycleStage, Segment};
use domain::band::Bands;
use domain::fixed::{ONE, Points, Quantity};
use domain::scorecard as card;
use domain::signal::Metric;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The scorecard that holds where none was given.
pub const DEFAULT: &str = include_str!("../defaults/scorecard.yaml");

/// The scorecards that hold where none were given.
pub fn built_in() -> Result<card::Scorecards, Vec<Fault>> {
    let card = |json| Card::try_from(document::built_in::<ScorecardFile>(json)?);
    let general = card(include_str!(concat!(env!("OUT_DIR"), "/scorecard.json")))?;
    let maturity = card(include_str!(concat!(env!("OUT_DIR"), "/maturity.json")))?;
    Ok(card::Scorecards::new(general.scorecard, BTreeMap::new(), maturity.scorecard))
}

/// Puts scorecards together. Where no general one is among them, or none of maturity, it is the built-in one. A fault's
/// path is the place of its scorecard.
pub fn together(cards: Vec<Card>) -> Result<card::Scorecards, Vec<Fault>> {
    let built_in = built_in()?;
    let (mut general, mut maturity, mut by_segment) = (None, None, BTreeMap::new());
    let mut faults = Vec::new();
    for (place, Card { scorecard, purpose, segments }) in cards.into_iter().enumerate() {
        let mut twice = |whose: &str| {
            let reason = format!("`{}` is the second scorecard {whose}; give one", scorecard.version());
            faults.push(Fault::new(format!("[{place}]"), reason));
        };
        match purpose {
            Purpose::Maturity if maturity.is_some() => twice("of maturity"),
            Purpose::Maturity => maturity = Some(scorecard),
            Purpose::Health if segments.is_empty() && general.is_some() => twice("for every segment"),
            Purpose::Health if segments.is_empty() => general = Some(scorecard),
            Purpose::Health => {
                for segment in segments {
                    if by_segment.insert(segment, scorecard.clone()).is_some() {
                        twice(&format!("for the segment `{}`", segment.name()));
                    }
                }
            }
        }
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    let general = general.unwrap_or_else(|| built_in.general().clone());
    Ok(card::Scorecards::new(general, by_segment, maturity.unwrap_or_else(|| built_in.maturity().clone())))
}

/// A scorecard, and for what it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Card {
    /// The scorecard.
    pub scorecard: card::Scorecard,
    /// What it scores.
    pub purpose: Purpose,
    /// Whose health it scores; everybody's where none is named.
    pub segments: BTreeSet<Segment>,
}

/// What a scorecard scores.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// Health.
    #[default]
    Health,
    /// Maturity.
    Maturity,
}

/// Reads a scorecard file. Content that is wrong is named all at once; where the file has not the shape of a
/// scorecard, the first place where it has not.
#[cfg(feature = "yaml")]
pub fn read(text: &str) -> Result<Card, Vec<Fault>> {
    document::yaml::<ScorecardFile>(text)?.try_into()
}

/// Reads a scorecard file as it is written. Its content is checked like that of [`read`].
#[cfg(feature = "yaml")]
pub fn file(text: &str) -> Result<ScorecardFile, Vec<Fault>> {
    let file: ScorecardFile = document::yaml(text)?;
    Card::try_from(file.clone())?;
    Ok(file)
}

/// A scorecard as it is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ScorecardFile {
    /// Its name and version.
    pub version: String,
    /// What it scores; health where nothing is given.
    #[serde(default)]
    pub purpose: Purpose,
    /// Health: only for these segments (`enterprise`, `mid_market`, `small_business`), which then have no other.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    #[schemars(with = "Vec<String>")]
    pub segments: BTreeSet<Segment>,
    /// Below this share of fresh data, from 0 to 1, a score is provisional.
    #[schemars(with = "f64")]
    pub minimum_coverage: Quantity,
    /// What a measure with `absence: neutral` counts as, 0-100.
    #[schemars(with = "f64")]
    pub neutral_points: Points,
    /// Where bands begin and end.
    pub bands: BandsFile,
    /// What limits the score.
    #[serde(default)]
    pub caps: Vec<CapFile>,
    /// The groups of measures; their weights add to 1.
    pub dimensions: Vec<DimensionFile>,
}

/// Where bands begin and how hard they are to leave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BandsFile {
    /// The lowest score of a champion.
    #[schemars(with = "f64")]
    pub champion: Points,
    /// The lowest score of a healthy account.
    #[schemars(with = "f64")]
    pub healthy: Points,
    /// The lowest score of an account at risk.
    #[schemars(with = "f64")]
    pub at_risk: Points,
    /// The lowest score of a critical account.
    #[schemars(with = "f64")]
    pub critical: Points,
    /// Past an edge by more than this, a band is left at once.
    #[schemars(with = "f64")]
    pub margin: Points,
    /// Past an edge for so many scheduled runs, a band is left.
    pub dwell_runs: u8,
}

/// A rule that the score is at most so much.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CapFile {
    /// Its name.
    pub id: String,
    /// When it holds.
    pub when: CapConditionFile,
    /// The highest score then.
    #[schemars(with = "f64")]
    pub at_most: Points,
}

/// When a cap holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CapConditionFile {
    /// While a case of critical severity is open.
    OpenCriticalCase,
}

/// A group of measures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DimensionFile {
    /// Its name.
    pub id: String,
    /// Its share of the score, from 0 to 1.
    #[schemars(with = "f64")]
    pub weight: Quantity,
    /// Its measures; their weights add to 1.
    pub measures: Vec<MeasureFile>,
}

/// One number on 0-100.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MeasureFile {
    /// Its name.
    pub id: String,
    /// The unit of its value, for people.
    pub unit: String,
    /// How its value comes about.
    pub formula: FormulaFile,
    /// Over how many days, today included.
    pub window_days: u16,
    /// Data older than this count as absent, in days.
    pub freshness_days: u16,
    /// What becomes of it without fresh data.
    pub absence: AbsenceFile,
    /// Its share of the dimension, from 0 to 1.
    #[schemars(with = "f64")]
    pub weight: Quantity,
    /// What its value should be.
    pub target: TargetFile,
    /// Values and their points.
    #[schemars(with = "Vec<(f64, f64)>")]
    pub curve: Vec<(Quantity, Points)>,
    /// For which accounts it counts.
    #[serde(default)]
    pub applies: AppliesFile,
}

/// How a measure's value comes about. Metrics are named as in the catalogue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum FormulaFile {
    /// The mean over the window.
    Mean(String),
    /// The sum over the window.
    Sum(String),
    /// The latest value in the window.
    Latest(String),
    /// In percent: the mean of one metric over the window, of the latest of another.
    Share {
        /// What is counted.
        part: String,
        /// Of how many.
        whole: String,
    },
    /// One sum divided by another, over the days on which both are known.
    Quotient {
        /// What is divided.
        numerator: String,
        /// By what.
        denominator: String,
    },
    /// Days since the metric last had a value.
    DaysSince(String),
    /// The net promoter score.
    NetPromoter {
        /// From how many answers on it says something.
        minimum_answers: u32,
    },
    /// The confidence of the surest competitor sighting that has not expired.
    CompetitorExposure,
}

/// What becomes of a measure without fresh data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AbsenceFile {
    /// Left out.
    Exclude,
    /// The last value stands until its freshness ends.
    Hold,
    /// Counts as the neutral points.
    Neutral,
    /// Counts as no points.
    Penalise,
}

/// What a value should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TargetFile {
    /// This or more.
    AtLeast(#[schemars(with = "f64")] Quantity),
    /// This or less.
    AtMost(#[schemars(with = "f64")] Quantity),
    /// Less than this.
    Below(#[schemars(with = "f64")] Quantity),
}

/// For which accounts a measure counts.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AppliesFile {
    /// Only in these lifecycle stages.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<String>")]
    pub stages: Vec<LifecycleStage>,
    /// Only from so many days before the renewal until the renewal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub renewal_within_days: Option<u16>,
}

impl TryFrom<ScorecardFile> for Card {
    type Error = Vec<Fault>;

    fn try_from(file: ScorecardFile) -> Result<Self, Vec<Fault>> {
        let (purpose, segments) = (file.purpose, file.segments.clone());
        let mut faults = Vec::new();
        if purpose == Purpose::Maturity && !segments.is_empty() {
            faults.push(Fault::new("segments", "are of health; maturity has one scorecard for all"));
        }
        let scorecard = scorecard(file, faults)?;
        Ok(Self { scorecard, purpose, segments })
    }
}

fn scorecard(file: ScorecardFile, mut faults: Vec<Fault>) -> Result<card::Scorecard, Vec<Fault>> {
    let draft = draft(file, &mut faults);
    match card::Scorecard::new(draft) {
        Ok(scorecard) if faults.is_empty() => Ok(scorecard),
        Ok(_) => Err(faults),
        Err(problems) => {
            // What could not be read has a stand-in, of which nothing is said.
            let read = faults.len();
            for problem in problems {
                // A weight's stand-in spoils the sum of its group, too.
                let concerns = |fault: &Fault| {
                    within(&problem.path, &fault.path)
                        || fault.path.ends_with(".weight") && within(&fault.path, &problem.path)
                };
                if !faults.iter().take(read).any(concerns) {
                    faults.push(Fault::new(problem.path, problem.reason));
                }
            }
            Err(faults)
        }
    }
}

fn within(path: &str, outer: &str) -> bool {
    path.starts_with(outer)
}

fn draft(file: ScorecardFile, faults: &mut Vec<Fault>) -> card::Draft {
    let when = |when| match when {
        CapConditionFile::OpenCriticalCase => card::CapCondition::OpenCriticalCase,
    };
    let BandsFile { champion, healthy, at_risk, critical, margin, dwell_runs } = file.bands;
    card::Draft {
        version: file.version,
        minimum_coverage: share("minimum_coverage".to_owned(), file.minimum_coverage, faults),
        neutral_points: file.neutral_points,
        bands: Bands { champion, healthy, at_risk, critical, margin, dwell_runs },
        caps: file
            .caps
            .into_iter()
            .map(|cap| card::Cap { id: cap.id, when: when(cap.when), at_most: cap.at_most })
            .collect(),
        dimensions: file
            .dimensions
            .into_iter()
            .enumerate()
            .map(|(place, dimension)| self::dimension(&format!("dimensions[{place}]"), dimension, faults))
            .collect(),
    }
}

fn dimension(path: &str, file: DimensionFile, faults: &mut Vec<Fault>) -> card::Dimension {
    let weight = share(format!("{path}.weight"), file.weight, faults);
    let measures = file.measures.into_iter().enumerate();
    card::Dimension {
        id: file.id,
        weight,
        measures: measures
            .map(|(m, measure)| self::measure(&format!("{path}.measures[{m}]"), measure, faults))
            .collect(),
    }
}

fn measure(path: &str, file: MeasureFile, faults: &mut Vec<Fault>) -> card::Measure {
    card::Measure {
        id: file.id,
        unit: file.unit,
        formula: formula(&format!("{path}.formula"), &file.formula, faults),
        window_days: file.window_days,
        freshness_days: file.freshness_days,
        absence: match file.absence {
            AbsenceFile::Exclude => card::Absence::Exclude,
            AbsenceFile::Hold => card::Absence::Hold,
            AbsenceFile::Neutral => card::Absence::Neutral,
            AbsenceFile::Penalise => card::Absence::Penalise,
        },
        weight: share(format!("{path}.weight"), file.weight, faults),
        target: match file.target {
            TargetFile::AtLeast(value) => card::Target::AtLeast(value),
            TargetFile::AtMost(value) => card::Target::AtMost(value),
            TargetFile::Below(value) => card::Target::Below(value),
        },
        curve: card::Curve(file.curve),
        applies: card::Applies {
            stages: file.applies.stages.into_iter().collect(),
            renewal_within_days: file.applies.renewal_within_days,
        },
    }
}

fn formula(path: &str, file: &FormulaFile, faults: &mut Vec<Fault>) -> card::Formula {
    let mut metric = |name: &str| {
        Metric::named(name).unwrap_or_else(|| {
            faults.push(Fault::new(path, format!("names the metric `{}`, which is not known", name.escape_default())));
            Metric::ActiveUsers
        })
    };
    match file {
        FormulaFile::Mean(name) => card::Formula::Mean(metric(name)),
        FormulaFile::Sum(name) => card::Formula::Sum(metric(name)),
        FormulaFile::Latest(name) => card::Formula::Latest(metric(name)),
        FormulaFile::Share { part, whole } => card::Formula::Share { part: metric(part), whole: metric(whole) },
        FormulaFile::Quotient { numerator, denominator } => {
            card::Formula::Quotient { numerator: metric(numerator), denominator: metric(denominator) }
        }
        FormulaFile::DaysSince(name) => card::Formula::DaysSince(metric(name)),
        FormulaFile::NetPromoter { minimum_answers } => {
            card::Formula::NetPromoter { minimum_answers: *minimum_answers }
        }
        FormulaFile::CompetitorExposure => card::Formula::CompetitorExposure,
    }
}

/// A share from 0 to 1 with at most four decimals.
fn share(path: String, value: Quantity, faults: &mut Vec<Fault>) -> card::BasisPoints {
    const STEP: i64 = ONE / 10_000;
    let exact = (value.micros() % STEP == 0).then(|| u16::try_from(value.micros() / STEP).ok());
    exact.flatten().and_then(card::BasisPoints::new).unwrap_or_else(|| {
        faults.push(Fault::new(path, format!("is {value}; give 0 to 1 with at most 4 decimals")));
        card::BasisPoints::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::scorecard::{Formula, Measure, POINTS_AT_TARGET, Scorecard};

    fn default() -> Scorecard {
        read(DEFAULT).unwrap().scorecard
    }

    fn measure(id: &str) -> Measure {
        default().measure(id).unwrap().clone()
    }

    /// The value on target has its points and is met; the value past it is worth less and is not.
    #[track_caller]
    fn check(id: &str, on: &str, past: &str) {
        let measure = measure(id);
        let (on, past): (Quantity, Quantity) = (on.parse().unwrap(), past.parse().unwrap());
        assert!(measure.curve.points(on) >= POINTS_AT_TARGET, "{id}: {on} is worth {}", measure.curve.points(on));
        assert!(
            measure.curve.points(past) < measure.curve.points(on),
            "{id}: {past} is worth {}",
            measure.curve.points(past)
        );
        assert!(measure.target.is_met_by(on) && !measure.target.is_met_by(past), "{id}");
    }

    #[track_caller]
    fn faults(text: &str, expected: &[&str]) {
        let faults = read(text).err().unwrap_or_default();
        let faults: Vec<String> = faults.iter().map(|fault| format!("{}: {}", fault.path, fault.reason)).collect();
        assert_eq!(faults.len(), expected.len(), "{faults:#?}");
        for (fault, expected) in faults.iter().zip(expected) {
            assert!(fault.starts_with(expected), "{fault}");
        }
    }

    #[test]
    fn a67_the_four_dimensions_weigh_30_30_20_20() {
        let scorecard = default();
        let weights = scorecard.dimensions().iter().map(|dimension| (dimension.id.as_str(), dimension.weight.value()));
        let expected = [
            ("technical_performance", 3_000),
            ("business_outcomes", 3_000),
            ("user_adoption", 2_000),
            ("relationship_strength", 2_000),
        ];
        assert_eq!(weights.collect::<Vec<_>>(), expected);
        assert_eq!(&scorecard, built_in().unwrap().general(), "made into JSON and back");
    }

    #[test]
    fn a56_a57_a58_every_measure_gives_its_target_80_points_and_goes_one_way() {
        for measure in default().dimensions().iter().flat_map(|dimension| &dimension.measures) {
            let points = |percent: i64| {
                let (first, last) = (measure.curve.0[0].0.micros(), measure.curve.0.last().unwrap().0.micros());
                measure.curve.points(Quantity::from_micros(first + (last - first) * percent / 100)).micros()
            };
            let way = (points(100) - points(0)).signum();
            assert!((0..100).all(|percent| (points(percent + 1) - points(percent)) * way >= 0), "{}", measure.id);
            assert!(measure.curve.points(measure.target.value()) >= POINTS_AT_TARGET, "{}", measure.id);
        }
    }

    #[test]
    fn a56_technical_targets() {
        check("uptime", "99.9", "99.89");
        check("migration_success", "95", "94.9");
        check("response_time", "99.9", "100");
        check("throughput", "100", "99");
        check("error_rate", "0.49", "0.5");
        check("rollback_time", "4.9", "5");
        check("severe_incidents", "1", "2");
    }

    #[test]
    fn a57_time_to_value_of_29_days_is_met_and_of_30_is_missed() {
        check("time_to_value", "29", "30");
        check("cost_saving", "70", "69.9");
        check("effort_reduction", "80", "79.9");
        check("audit_completeness", "100", "99.9");
        check("nps", "70", "69.9");
        check("csat", "95", "94.9");
    }

    #[test]
    fn a58_relationship_targets_and_the_31st_day_without_a_meeting() {
        check("executive_meeting_recency", "30", "31");
        check("renewal_probability", "90", "89.9");
        check("missed_executive_meetings", "0", "1");
        check("competitive_activity", "19.9", "20");
        assert_eq!(measure("renewal_probability").applies.renewal_within_days, Some(90));
        assert_eq!(measure("nps").formula, Formula::NetPromoter { minimum_answers: 5 });
    }

    #[test]
    fn scorecards_together_say_who_is_scored_by_what() {
        let card = |version: &str, head: &str| {
            read(&DEFAULT.replace("version: default-1", &format!("version: {version}\n{head}"))).unwrap()
        };
        let small = || card("small", "segments: [small_business, mid_market]");
        let cards = together(vec![small(), card("all", ""), card("grown", "purpose: maturity")]).unwrap();
        let versions = [cards.general().version(), cards.maturity().version()];
        assert_eq!((versions, cards.of_health().count()), (["all", "grown"], 3));
        let cards = together(vec![small()]).unwrap();
        assert_eq!([cards.general().version(), cards.maturity().version()], ["default-1", "maturity-1"]);
        let twice = together(vec![small(), card("tiny", "segments: [small_business]"), card("a", ""), card("b", "")]);
        let twice: Vec<String> = twice.unwrap_err().into_iter().map(|fault| fault.path + " " + &fault.reason).collect();
        assert_eq!(
            twice,
            [
                "[1] `tiny` is the second scorecard for the segment `small_business`; give one",
                "[3] `b` is the second scorecard for every segment; give one",
            ]
        );
        let grown = DEFAULT.replace("version: default-1", "version: x\npurpose: maturity\nsegments: [enterprise]");
        faults(&grown, &["segments: are of health"]);
    }

    #[test]
    fn a_file_is_written_as_it_is_read() {
        let file: ScorecardFile = serde_saphyr::from_str(DEFAULT).unwrap();
        let json = serde_json::to_string(&file).unwrap();
        let again: ScorecardFile = serde_json::from_str(&json).unwrap();
        assert_eq!(again, file);
        assert_eq!(Card::try_from(again).unwrap().scorecard.hash(), default().hash());
    }

    #[test]
    fn a_metric_that_is_not_known_does_not_hide_that_the_weights_are_wrong() {
        let text = DEFAULT.replace("{ mean: uptime }", "{ mean: up_time }").replacen("weight: 0.25", "weight: 0.20", 1);
        let path = "dimensions[0].measures";
        faults(
            &text,
            &[
                &format!("{path}[0].formula: names the metric `up_time`"),
                &format!("{path}: have weights that add to 0.95"),
            ],
        );
    }

    #[test]
    fn every_fault_is_named_at_once_with_its_path() {
        let text = DEFAULT
            .replace("{ mean: uptime }", "{ mean: up_time }")
            .replace(
                "weight: 0.30\n    measures:\n      - id: cost_saving",
                "weight: 0.29\n    measures:\n      - id: cost_saving",
            )
            .replace("at_most: 69", "at_most: 169")
            .replace("minimum_coverage: 0.5", "minimum_coverage: 1.5")
            .replace("[[0, 0], [30, 45], [55, 85], [70, 100]]", "[[0, 0], [30, 45], [25, 85], [70, 100]]");
        faults(
            &text,
            &[
                "minimum_coverage: is 1.5; give 0 to 1 with at most 4 decimals",
                "dimensions[0].measures[0].formula: names the metric `up_time`, which is not known",
                "dimensions: have weights that add to 0.99",
                "dimensions[2].measures[0].curve[2]: comes after 30; values must rise",
                "caps[0].at_most: is 169",
            ],
        );
        let text = DEFAULT.replace(
            "weight: 0.30\n    measures:\n      - id: cost_saving",
            "weight: 0.29\n    measures:\n      - id: cost_saving",
        );
        faults(&text, &["dimensions: have weights that add to 0.99; they must add to 1"]);
    }

    #[test]
    fn a_file_of_another_shape_is_refused_where_it_differs() {
        faults(&DEFAULT.replace("absence: exclude", "absence: ignore"), &["dimensions[0].measures[6].absence"]);
        faults(&DEFAULT.replace("dwell_runs: 2", "dwell_runs: two"), &["bands.dwell_runs"]);
        faults(&DEFAULT.replace("neutral_points: 50", "neutral_point: 50"), &["neutral_point: "]);
        faults("- 1", &[": "]);
        faults("", &["version: "]);
        faults(&"#".repeat(document::MAX_BYTES + 1), &[": has 262145 bytes"]);
    }
}

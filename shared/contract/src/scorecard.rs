//! The scorecard file: YAML that becomes a [`domain::scorecard::Scorecard`], or says everything that is wrong with it.

use crate::problem::Fault;
use domain::account::LifecycleStage;
use domain::band::Bands;
use domain::fixed::{ONE, Points, Quantity};
use domain::scorecard as card;
use domain::signal::Metric;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The scorecard that holds where none was given.
pub const DEFAULT: &str = include_str!("../defaults/scorecard.yaml");
/// The largest scorecard file, in bytes.
pub const MAX_BYTES: usize = 256 * 1024;

/// Reads a scorecard file. Content that is wrong is named all at once; where the file has not the shape of a
/// scorecard, the first place where it has not.
pub fn read(text: &str) -> Result<card::Scorecard, Vec<Fault>> {
    if text.len() > MAX_BYTES {
        return Err(vec![Fault::new("", format!("has {} bytes; give at most {MAX_BYTES}", text.len()))]);
    }
    let mut path = String::new();
    let parsed = serde_saphyr::with_deserializer_from_str(text, |yaml| {
        serde_path_to_error::deserialize::<_, ScorecardFile>(yaml).map_err(|error| {
            path = error.path().to_string();
            error.into_inner()
        })
    });
    let file = parsed.map_err(|error| {
        let path = if path == "." { String::new() } else { path };
        vec![Fault::new(path, error.to_string())]
    })?;
    file.try_into()
}

/// A scorecard as it is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ScorecardFile {
    /// Its name and version.
    pub version: String,
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

impl TryFrom<ScorecardFile> for card::Scorecard {
    type Error = Vec<Fault>;

    fn try_from(file: ScorecardFile) -> Result<Self, Vec<Fault>> {
        let mut faults = Vec::new();
        let draft = draft(file, &mut faults);
        match Self::new(draft) {
            Ok(scorecard) if faults.is_empty() => Ok(scorecard),
            Ok(_) => Err(faults),
            Err(problems) => {
                // What could not be read has a stand-in, of which nothing is said.
                let read = faults.len();
                for problem in problems {
                    let concerns =
                        |fault: &Fault| within(&fault.path, &problem.path) || within(&problem.path, &fault.path);
                    if !faults.iter().take(read).any(concerns) {
                        faults.push(Fault::new(problem.path, problem.reason));
                    }
                }
                Err(faults)
            }
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

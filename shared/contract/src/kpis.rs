//! The file of key figures: YAML that becomes a [`domain::kpi::Registry`], or says everything that is wrong with it.
//!
//! A figure is computed from what is recorded, never typed in: the file says how it follows and what it should be. What it
//! was before is in the file only where somebody has measured it.

use crate::document;
use crate::problem::Fault;
use domain::fixed::Quantity;
use domain::kpi::{Counter, Direction, Draft, Formula, Given, Kpi, Registry, Target};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The figures that hold where none were given.
pub const DEFAULT: &str = include_str!("../defaults/kpis.yaml");

/// The figures that hold where none were given.
pub fn built_in() -> Result<Registry, Vec<Fault>> {
    document::built_in::<KpisFile>(include_str!(concat!(env!("OUT_DIR"), "/kpis.json")))?.try_into()
}

/// Reads a file of figures. Content that is wrong is named all at once; where the file has not the shape of one, the first
/// place where it has not.
#[cfg(feature = "yaml")]
pub fn read(text: &str) -> Result<Registry, Vec<Fault>> {
    document::yaml::<KpisFile>(text)?.try_into()
}

/// A file of figures as it is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KpisFile {
    /// What people call the set.
    pub name: String,
    /// Over how many months of the calendar events are counted, the current one among them.
    pub counted_months: i32,
    /// Within how many days after something was begun about a risk an account has to rise for that to count.
    pub intervention_days: i32,
    /// Within how many days after an opportunity was found an account has to pay more for that to count.
    pub upsell_days: i32,
    /// The figures, in the order in which they are shown.
    pub kpis: Vec<KpiFile>,
}

/// A key figure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KpiFile {
    /// Its name.
    pub id: String,
    /// The row of the requirements that asks for it.
    pub requirement: String,
    /// What people call it.
    pub name: String,
    /// How it follows from what is recorded, or why it cannot be told, in plain words.
    pub means: String,
    /// `percent`, `seconds`, `count` or `currency`.
    pub unit: String,
    /// `up` where more is better, `down` where less is.
    #[schemars(with = "String")]
    pub direction: Direction,
    /// How it follows.
    pub formula: FormulaFile,
    /// What it was before; left out where nobody has measured it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<f64>")]
    pub baseline: Option<Quantity>,
    /// What it should be.
    pub target: TargetFile,
}

/// How a figure follows from what is counted: each name is a counter, or a figure of the portfolio.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum FormulaFile {
    /// The share of some counts in others, in percent.
    Share {
        /// What is counted as the part.
        of: Vec<String>,
        /// The whole.
        over: Vec<String>,
    },
    /// What is not part of a share, in percent.
    Rest {
        /// What is left out.
        of: Vec<String>,
        /// The whole.
        over: Vec<String>,
    },
    /// A sum for each of a count.
    Mean {
        /// The sum.
        of: String,
        /// For each of these.
        per: String,
    },
    /// A sum of hundredths of a percent for each of a count, in percent.
    MeanPercent {
        /// The sum.
        of: String,
        /// For each of these.
        per: String,
    },
    /// A count itself.
    Count(String),
    /// One share less another one of the same whole, in percent.
    Balance {
        /// What speaks for it.
        of: String,
        /// What speaks against it.
        less: String,
        /// The whole.
        over: String,
    },
    /// Counts for each account of the portfolio.
    PerAccount(Vec<String>),
    /// A figure of the portfolio.
    Given(String),
    /// No recorded fact tells it: it has no value until one does.
    NotRecorded,
}

/// What a figure should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum TargetFile {
    /// That, or better.
    Level(#[schemars(with = "f64")] Quantity),
    /// Better than the baseline by so many percent of it.
    ChangePercent(#[schemars(with = "f64")] Quantity),
}

impl TryFrom<KpisFile> for Registry {
    type Error = Vec<Fault>;

    fn try_from(file: KpisFile) -> Result<Self, Vec<Fault>> {
        let mut names = Names::default();
        let KpisFile { counted_months, intervention_days, upsell_days, kpis, .. } = file;
        let kpis = kpis.into_iter().enumerate().map(|(place, kpi)| names.kpi(place, kpi)).collect();
        let faults = match Self::new(Draft { counted_months, intervention_days, upsell_days, kpis }) {
            Ok(registry) if names.faults.is_empty() => return Ok(registry),
            Ok(_) => Vec::new(),
            Err(faults) => faults,
        };
        let more = faults.into_iter().map(|fault| Fault::new(fault.path, fault.reason));
        Err(names.faults.into_iter().chain(more).collect())
    }
}

/// Finds what is named. What is not there has its fault, and something else stands for it while the rest is looked at.
#[derive(Default)]
struct Names {
    faults: Vec<Fault>,
}

impl Names {
    fn kpi(&mut self, place: usize, file: KpiFile) -> Kpi {
        let formula = self.formula(&format!("kpis[{place}].formula"), file.formula);
        let target = match file.target {
            TargetFile::Level(level) => Target::Level(level),
            TargetFile::ChangePercent(change) => Target::ChangePercent(change),
        };
        let KpiFile { id, requirement, name, means, unit, direction, baseline, .. } = file;
        Kpi { id, requirement, name, means, unit, direction, baseline, formula, target }
    }

    fn formula(&mut self, at: &str, file: FormulaFile) -> Formula {
        match file {
            FormulaFile::Share { of, over } => Formula::Share {
                of: self.counters(&format!("{at}.share.of"), of),
                over: self.counters(&format!("{at}.share.over"), over),
            },
            FormulaFile::Rest { of, over } => Formula::Rest {
                of: self.counters(&format!("{at}.rest.of"), of),
                over: self.counters(&format!("{at}.rest.over"), over),
            },
            FormulaFile::Mean { of, per } => Formula::Mean {
                of: self.counter(&format!("{at}.mean.of"), &of),
                per: self.counter(&format!("{at}.mean.per"), &per),
            },
            FormulaFile::MeanPercent { of, per } => Formula::MeanPercent {
                of: self.counter(&format!("{at}.mean_percent.of"), &of),
                per: self.counter(&format!("{at}.mean_percent.per"), &per),
            },
            FormulaFile::Count(of) => Formula::Count(self.counter(&format!("{at}.count"), &of)),
            FormulaFile::Balance { of, less, over } => Formula::Balance {
                of: self.counter(&format!("{at}.balance.of"), &of),
                less: self.counter(&format!("{at}.balance.less"), &less),
                over: self.counter(&format!("{at}.balance.over"), &over),
            },
            FormulaFile::PerAccount(of) => Formula::PerAccount(self.counters(&format!("{at}.per_account"), of)),
            FormulaFile::Given(name) => Formula::Given(Given::named(&name).unwrap_or_else(|| {
                let names = Given::ALL.iter().map(|given| given.name());
                self.unknown(format!("{at}.given"), &name, "figure of the portfolio", names);
                Given::Accounts
            })),
            FormulaFile::NotRecorded => Formula::NotRecorded,
        }
    }

    fn counters(&mut self, at: &str, names: Vec<String>) -> Vec<Counter> {
        names.iter().enumerate().map(|(place, name)| self.counter(&format!("{at}[{place}]"), name)).collect()
    }

    fn counter(&mut self, at: &str, name: &str) -> Counter {
        Counter::named(name).unwrap_or_else(|| {
            self.unknown(at.to_owned(), name, "counter", Counter::ALL.iter().map(|counter| counter.name()));
            Counter::CtasOpened
        })
    }

    fn unknown(&mut self, at: String, name: &str, what: &str, names: impl Iterator<Item = &'static str>) {
        let names: Vec<&str> = names.collect();
        let near =
            domain::nearest::nearest(name, &names).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        self.faults.push(Fault::new(at, format!("there is no {what} `{name}`{near}")));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_built_in_is_what_the_file_says() {
        assert_eq!(built_in().unwrap(), read(DEFAULT).unwrap());
    }

    #[test]
    fn a118_every_row_that_names_a_number_has_its_figures() {
        let registry = built_in().unwrap();
        for row in ["A21", "A22", "A23", "A24", "A46", "A47", "A87", "A124", "A125", "A126", "A127", "A148"] {
            assert!(registry.kpis().iter().any(|kpi| kpi.requirement == row), "{row}");
        }
        assert!(registry.kpis().iter().all(|kpi| kpi.baseline.is_none()), "nobody has measured anything yet");
    }

    #[test]
    fn a15_every_fault_is_named_with_its_path() {
        let text = "
name: mine
counted_months: 3
intervention_days: 30
upsell_days: 90
kpis:
  - { id: a, requirement: A1, name: A, means: so, unit: miles, direction: up, formula: { count: cases_open }, target: { level: 1 } }
  - { id: a, requirement: A1, name: A, means: so, unit: count, direction: up, formula: { given: helthy_share }, target: { level: 1 } }
";
        let faults = read(text).unwrap_err();
        let told: Vec<(&str, &str)> = faults.iter().map(|fault| (fault.path.as_str(), fault.reason.as_str())).collect();
        let expected = [
            ("kpis[0].formula.count", "there is no counter `cases_open`; did you mean `cases_opened`?"),
            (
                "kpis[1].formula.given",
                "there is no figure of the portfolio `helthy_share`; did you mean `healthy_share`?",
            ),
            ("kpis[0].unit", "`miles` is no unit; write one of percent, seconds, count, currency"),
            ("kpis[1].id", "`a` is there already; give each figure an id of its own"),
        ];
        assert_eq!(told, expected);
        assert_eq!(read(&text.replace("direction: up", "direction: around")).unwrap_err().len(), 1);
    }
}

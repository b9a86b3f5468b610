//! Which scorecard, rules and escalation policies the host's functions work with: those that are built in, or files.
//!
//! A file with a fault is refused whole, with every fault and its path, before anything else happens. A data folder
//! remembers the files that it was given: a later start without them goes on as before and does not fall back to the
//! built-in ones, which would close every call to action whose rule they do not know.

use crate::data::{self, DataError};
use crate::import::listed;
use clap::Args;
use contract::event::FunctionName;
use contract::problem::Fault;
use contract::{escalation, rules, scorecard};
use domain::escalation::EscalationPolicies;
use domain::rule::RuleSet;
use domain::scorecard::Scorecard;
use platform::function::{Function, Ports};
use platform::table::embedded::EmbeddedTable;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Files that take the place of the built-in configuration.
#[derive(Debug, Clone, Default, Args)]
pub struct Files {
    /// Score by this scorecard; the data folder remembers it
    #[arg(long, value_name = "FILE")]
    pub scorecard: Option<PathBuf>,
    /// Open calls to action by these rules; the data folder remembers them
    #[arg(long, value_name = "FILE")]
    pub rules: Option<PathBuf>,
    /// Escalate by these policies; the data folder remembers them
    #[arg(long, value_name = "FILE")]
    pub escalation: Option<PathBuf>,
}

/// The texts of the files that were given.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Texts {
    scorecard: Option<Text>,
    rules: Option<Text>,
    escalation: Option<Text>,
}

/// A file as it was when it was given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Text {
    path: PathBuf,
    text: String,
}

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigurationError {
    /// A file is not there or is no text.
    #[error("{what} `{}` cannot be read", .path.display())]
    Unreadable {
        /// What it is.
        what: &'static str,
        /// Which file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A file has faults.
    #[error("{what} `{}` cannot be used:{}", .path.display(), listed(.faults))]
    Faulty {
        /// What it is.
        what: &'static str,
        /// Which file.
        path: PathBuf,
        /// Everything that is wrong with it.
        faults: Vec<Fault>,
    },
    /// The data folder fails.
    #[error(transparent)]
    Data(#[from] DataError),
}

/// What the functions work with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Configuration {
    scorecard: Scorecard,
    rules: RuleSet,
    policies: EscalationPolicies,
}

impl Files {
    /// The configuration of a host on this table: the files, else what the table remembers, else what is built in.
    pub fn configure(&self, table: &EmbeddedTable) -> Result<Configuration, ConfigurationError> {
        let remembered = data::configuration(table)?.unwrap_or_default();
        let texts = self.read()?.over(&remembered);
        let configuration = Configuration::of(&texts)?;
        if texts != remembered {
            data::remember_configuration(table, &texts)?;
        }
        Ok(configuration)
    }

    /// The texts of the files.
    pub fn read(&self) -> Result<Texts, ConfigurationError> {
        Ok(Texts {
            scorecard: text("scorecard", self.scorecard.as_deref())?,
            rules: text("rules", self.rules.as_deref())?,
            escalation: text("escalation policies", self.escalation.as_deref())?,
        })
    }
}

fn text(what: &'static str, path: Option<&Path>) -> Result<Option<Text>, ConfigurationError> {
    let Some(path) = path else { return Ok(None) };
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(Text { path: path.to_owned(), text })),
        Err(source) => Err(ConfigurationError::Unreadable { what, path: path.to_owned(), source }),
    }
}

impl Texts {
    /// Each of these; where there is none, the other one.
    fn over(self, other: &Self) -> Self {
        Self {
            scorecard: self.scorecard.or_else(|| other.scorecard.clone()),
            rules: self.rules.or_else(|| other.rules.clone()),
            escalation: self.escalation.or_else(|| other.escalation.clone()),
        }
    }
}

impl Configuration {
    /// Reads the texts; what is not given is the built-in one.
    pub fn of(texts: &Texts) -> Result<Self, ConfigurationError> {
        Ok(Self {
            scorecard: one("scorecard", texts.scorecard.as_ref(), scorecard::built_in, scorecard::read)?,
            rules: one("rules", texts.rules.as_ref(), rules::built_in, rules::read)?,
            policies: one("escalation policies", texts.escalation.as_ref(), escalation::built_in, escalation::read)?,
        })
    }

    /// Makes a function of its ports.
    pub fn build(&self, name: FunctionName, ports: Ports) -> Result<Arc<dyn Function>, String> {
        Ok(match name {
            FunctionName::Ingest => Arc::new(ingest::Ingest::new(ports)),
            FunctionName::Score => Arc::new(score::Score::with(ports, self.scorecard.clone())),
            FunctionName::Trigger => Arc::new(trigger::Trigger::with(ports, self.rules.clone())),
            FunctionName::Escalate => Arc::new(escalate::Escalate::with(ports, self.policies.clone())),
            FunctionName::Report => Arc::new(report::Report::new(ports)),
        })
    }
}

fn one<T>(
    what: &'static str,
    given: Option<&Text>,
    built_in: fn() -> Result<T, Vec<Fault>>,
    read: fn(&str) -> Result<T, Vec<Fault>>,
) -> Result<T, ConfigurationError> {
    let path = given.map_or_else(|| "built in".into(), |given| given.path.clone());
    let read = given.map_or_else(built_in, |given| read(&given.text));
    read.map_err(|faults| ConfigurationError::Faulty { what, path, faults })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::StandingClock;
    use jiff::Timestamp;

    fn table() -> Arc<EmbeddedTable> {
        data::open(None, Arc::new(StandingClock::new(Timestamp::UNIX_EPOCH))).unwrap()
    }

    fn rules_of(folder: &Path, text: &str) -> Files {
        let path = folder.join("rules.yaml");
        std::fs::write(&path, text).unwrap();
        Files { rules: Some(path), ..Files::default() }
    }

    const RULES: &str = "
name: mine
rules:
  - id: quiet
    when: { absent: { metric: purchases, days: 90 } }
    cta: { type: risk, reason: Nothing was bought., severity: low, due_in_days: 14 }
    clear_days: 1
    lapse_days: 30
    cool_off_days: 30
";

    #[test]
    fn without_files_the_configuration_is_the_built_in_one() {
        let configuration = Files::default().configure(&table()).unwrap();
        assert_eq!(configuration.rules, rules::read(rules::DEFAULT).unwrap());
        assert_eq!(configuration.scorecard, scorecard::read(scorecard::DEFAULT).unwrap());
    }

    #[test]
    fn a_data_folder_remembers_the_files_that_it_was_given() {
        let (folder, table) = (tempfile::tempdir().unwrap(), table());
        let given = rules_of(folder.path(), RULES).configure(&table).unwrap();
        assert_eq!(given.rules, rules::read(RULES).unwrap());
        assert_eq!(given.scorecard, scorecard::read(scorecard::DEFAULT).unwrap());
        drop(folder);
        assert_eq!(Files::default().configure(&table).unwrap(), given);
    }

    #[test]
    fn a_faulty_file_is_refused_with_every_fault_and_nothing_is_remembered() {
        let (folder, table) = (tempfile::tempdir().unwrap(), table());
        let text = RULES.replace("metric: purchases", "metric: sales").replace(
            "name: mine\nrules:",
            "name: mine\nrules:\n  - { id: quiet, when: { all: [] }, cta: { type: risk, reason: x, severity: low, due_in_days: 0 }, clear_days: 1, lapse_days: 1, cool_off_days: 1 }",
        );
        let error = rules_of(folder.path(), &text).configure(&table).unwrap_err().to_string();
        assert!(error.starts_with("rules `") && error.contains("rules.yaml` cannot be used:\n"), "{error}");
        assert!(
            error.contains("\n  rules[0].when.all") && error.contains("\n  rules[1].when.absent.metric"),
            "{error}"
        );
        assert_eq!(data::configuration(&table).unwrap(), None);
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let files = Files { scorecard: Some("no/such.yaml".into()), ..Files::default() };
        assert_eq!(files.read().unwrap_err().to_string(), "scorecard `no/such.yaml` cannot be read");
    }
}

//! Which scorecard, rules, segments, playbooks and policies the host's functions work with: those that are built in, or
//! files.
//!
//! A file with a fault is refused whole, with every fault and its path, before anything else happens. A data folder
//! remembers the files that it was given: a later start without them goes on as before and does not fall back to the
//! built-in ones, which would close every call to action whose rule they do not know.

use crate::data::{self, DataError};
use crate::import::listed;
use crate::post;
use crate::shelf::Folder;
use clap::Args;
use contract::event::FunctionName;
use contract::problem::Fault;
use contract::{contact, destinations, escalation, experiments, playbook, risk, roster, rules, scorecard, segments};
use domain::destination::Destinations;
use domain::escalation::EscalationPolicies;
use domain::experiment::Experiments;
use domain::risk::account::Models;
use domain::roster::Roster;
use domain::rule::RuleSet;
use domain::scorecard::Scorecards;
use domain::segment::Segments;
use platform::function::{Function, Ports};
use platform::table::embedded::EmbeddedTable;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Files that take the place of the built-in configuration.
#[derive(Debug, Clone, Default, Args)]
pub struct Files {
    /// Score by this scorecard; give it again for those of segments and of maturity. The data folder remembers them
    #[arg(long = "scorecard", value_name = "FILE")]
    pub scorecards: Vec<PathBuf>,
    /// Open calls to action by these rules; the data folder remembers them
    #[arg(long, value_name = "FILE")]
    pub rules: Option<PathBuf>,
    /// Sort accounts into these segments; the data folder remembers them
    #[arg(long, value_name = "FILE")]
    pub segments: Option<PathBuf>,
    /// Try these experiments, which the rules name; the data folder remembers them
    #[arg(long, value_name = "FILE")]
    pub experiments: Option<PathBuf>,
    /// Escalate by these policies; the data folder remembers them
    #[arg(long, value_name = "FILE")]
    pub escalation: Option<PathBuf>,
    /// Tell the people of this roster; the data folder remembers it
    #[arg(long, value_name = "FILE")]
    pub roster: Option<PathBuf>,
    /// Offer this playbook instead of the built-in ones; give it again for each. The data folder remembers them
    #[arg(long = "playbook", value_name = "FILE")]
    pub playbooks: Vec<PathBuf>,
    /// Reach customers by this policy; the data folder remembers it
    #[arg(long, value_name = "FILE")]
    pub contact: Option<PathBuf>,
    /// Tell people at these destinations: what would be sent is written down, nothing leaves. The data folder remembers it
    #[arg(long, value_name = "FILE")]
    pub destinations: Option<PathBuf>,
    /// Ask this model about risks, as `train` wrote it; give it again for the other kind. The data folder remembers them
    #[arg(long = "risk-model", value_name = "FILE")]
    pub risk_models: Vec<PathBuf>,
}

/// The texts of the files that were given.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Texts {
    scorecards: Vec<Text>,
    rules: Option<Text>,
    segments: Option<Text>,
    experiments: Option<Text>,
    escalation: Option<Text>,
    roster: Option<Text>,
    playbooks: Vec<Text>,
    contact: Option<Text>,
    destinations: Option<Text>,
    risk_models: Vec<Text>,
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
    scorecards: Scorecards,
    rules: RuleSet,
    segments: Segments,
    experiments: Experiments,
    policies: EscalationPolicies,
    roster: Roster,
    playbooks: trigger::Library,
    destinations: Destinations,
    models: Models,
    sent: Option<PathBuf>,
    papers: Option<PathBuf>,
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
            scorecards: self.scorecards.iter().map(|path| text("scorecard", path)).collect::<Result<_, _>>()?,
            rules: self.rules.as_deref().map(|path| text("rules", path)).transpose()?,
            segments: self.segments.as_deref().map(|path| text("segments", path)).transpose()?,
            experiments: self.experiments.as_deref().map(|path| text("experiments", path)).transpose()?,
            escalation: self.escalation.as_deref().map(|path| text("escalation policies", path)).transpose()?,
            roster: self.roster.as_deref().map(|path| text("roster", path)).transpose()?,
            playbooks: self.playbooks.iter().map(|path| text("playbook", path)).collect::<Result<_, _>>()?,
            contact: self.contact.as_deref().map(|path| text("contact policy", path)).transpose()?,
            destinations: self.destinations.as_deref().map(|path| text("destinations", path)).transpose()?,
            risk_models: self.risk_models.iter().map(|path| text("risk model", path)).collect::<Result<_, _>>()?,
        })
    }
}

fn text(what: &'static str, path: &Path) -> Result<Text, ConfigurationError> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Text { path: path.to_owned(), text }),
        Err(source) => Err(ConfigurationError::Unreadable { what, path: path.to_owned(), source }),
    }
}

impl Texts {
    /// Each of these; where there is none, the other one.
    fn over(self, other: &Self) -> Self {
        Self {
            scorecards: if self.scorecards.is_empty() { other.scorecards.clone() } else { self.scorecards },
            rules: self.rules.or_else(|| other.rules.clone()),
            segments: self.segments.or_else(|| other.segments.clone()),
            experiments: self.experiments.or_else(|| other.experiments.clone()),
            escalation: self.escalation.or_else(|| other.escalation.clone()),
            roster: self.roster.or_else(|| other.roster.clone()),
            playbooks: if self.playbooks.is_empty() { other.playbooks.clone() } else { self.playbooks },
            contact: self.contact.or_else(|| other.contact.clone()),
            destinations: self.destinations.or_else(|| other.destinations.clone()),
            risk_models: if self.risk_models.is_empty() { other.risk_models.clone() } else { self.risk_models },
        }
    }
}

impl Configuration {
    /// Reads the texts; what is not given is the built-in one.
    pub fn of(texts: &Texts) -> Result<Self, ConfigurationError> {
        let scorecards = scorecards(&texts.scorecards)?;
        // Segments may name measures: those of these scorecards. Rules may name segments and experiments too.
        let read_segments = |text: &str| segments::read_for(text, &scorecards);
        let segments = one("segments", texts.segments.as_ref(), segments::built_in, read_segments)?;
        let none = || Ok(Experiments::none());
        let experiments = one("experiments", texts.experiments.as_ref(), none, experiments::read)?;
        let vocabulary = rules::Vocabulary::of(&scorecards).with_segments(&segments).with_experiments(&experiments);
        let read_rules = |text: &str| rules::read_with(text, &vocabulary);
        let rules = one("rules", texts.rules.as_ref(), rules::built_in, read_rules)?;
        let policies = one("escalation policies", texts.escalation.as_ref(), escalation::built_in, escalation::read)?;
        let roster = one("roster", texts.roster.as_ref(), roster::built_in, roster::read)?;
        known(&policies, &roster, texts.escalation.as_ref())?;
        let contact = one("contact policy", texts.contact.as_ref(), contact::built_in, contact::read)?;
        let playbooks = playbooks(&texts.playbooks)?.reaching(contact);
        let destinations =
            one("destinations", texts.destinations.as_ref(), destinations::built_in, destinations::read)?;
        reachable(&policies, &playbooks, &destinations, texts)?;
        let models = models(&texts.risk_models)?;
        Ok(Self {
            scorecards,
            rules,
            segments,
            experiments,
            policies,
            roster,
            playbooks,
            destinations,
            models,
            sent: None,
            papers: None,
        })
    }

    /// What destinations would be sent is written down in this file; without one, in the log.
    #[must_use]
    pub fn sent_to(mut self, path: PathBuf) -> Self {
        self.sent = Some(path);
        self
    }

    /// Papers are laid in this folder; without one, nowhere.
    #[must_use]
    pub fn papers_in(mut self, path: PathBuf) -> Self {
        self.papers = Some(path);
        self
    }

    /// Makes a function of its ports.
    pub fn build(&self, name: FunctionName, ports: Ports) -> Result<Arc<dyn Function>, String> {
        Ok(match name {
            FunctionName::Ingest => Arc::new(ingest::Ingest::new(ports)),
            FunctionName::Score => {
                Arc::new(score::Score::with(ports, self.scorecards.clone()).with_models(self.models.clone()))
            }
            FunctionName::Trigger => {
                let (rules, segments) = (self.rules.clone(), self.segments.clone());
                let trigger = trigger::Trigger::with(ports, rules, segments, self.playbooks.clone());
                Arc::new(trigger.with_experiments(self.experiments.clone()))
            }
            FunctionName::Escalate => {
                let connector = Arc::new(post::rehearsing(self.sent.as_deref(), ports.clock.clone()));
                let escalate = escalate::Escalate::with(ports, self.policies.clone(), self.roster.clone());
                Arc::new(escalate.reaching(self.destinations.clone(), connector))
            }
            FunctionName::Report => {
                let report =
                    report::Report::new(ports).map_err(|error| error.to_string())?.staffed_by(self.roster.clone());
                Arc::new(match &self.papers {
                    Some(path) => report.laying_on(Arc::new(Folder(path.clone()))),
                    None => report,
                })
            }
        })
    }
}

/// Several files become one library; without any it is the built-in one. A fault names its file.
fn playbooks(given: &[Text]) -> Result<trigger::Library, ConfigurationError> {
    let faulty = |path: PathBuf, faults| ConfigurationError::Faulty { what: "playbook", path, faults };
    if given.is_empty() {
        return trigger::Library::built_in().map_err(|faults| faulty("built in".into(), faults));
    }
    let read = |text: &Text| playbook::read(&text.text).map_err(|faults| faulty(text.path.clone(), faults));
    let files = given.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    trigger::Library::new(files).map_err(|faults| faulty(paths_of(given), faults))
}

/// Several files become one set: a fault names its file.
fn scorecards(given: &[Text]) -> Result<Scorecards, ConfigurationError> {
    let faulty = |path: &Path, faults| ConfigurationError::Faulty { what: "scorecard", path: path.to_owned(), faults };
    let read = |text: &Text| scorecard::read(&text.text).map_err(|faults| faulty(&text.path, faults));
    let cards = given.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    scorecard::together(cards).map_err(|faults| faulty(&paths_of(given), faults))
}

/// Several models, one of each kind: a fault names its file.
fn models(given: &[Text]) -> Result<Models, ConfigurationError> {
    let faulty = |path: PathBuf, faults| ConfigurationError::Faulty { what: "risk model", path, faults };
    let read = |text: &Text| risk::read(&text.text).map_err(|faults| faulty(text.path.clone(), faults));
    let models = given.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    risk::together(models).map_err(|faults| faulty(paths_of(given), faults))
}

/// Policies name nobody who is not in the roster.
fn known(policies: &EscalationPolicies, roster: &Roster, given: Option<&Text>) -> Result<(), ConfigurationError> {
    let unknown = policies.unknown_to(roster).into_iter().map(|fault| Fault::new(fault.path, fault.reason));
    without_fault("escalation policies", path_of(given), unknown.collect())
}

/// Neither a step of a policy nor one of a playbook names a destination that there is not.
fn reachable(
    policies: &EscalationPolicies,
    playbooks: &trigger::Library,
    destinations: &Destinations,
    texts: &Texts,
) -> Result<(), ConfigurationError> {
    let unknown = policies.without_destination(destinations).into_iter();
    let faults = unknown.map(|fault| Fault::new(fault.path, fault.reason)).collect();
    without_fault("escalation policies", path_of(texts.escalation.as_ref()), faults)?;
    let unknown = playbooks.playbooks().without_destination(destinations).into_iter();
    let faults = unknown.map(|fault| Fault::new(fault.path, fault.reason)).collect();
    without_fault("playbook", paths_of(&texts.playbooks), faults)
}

fn without_fault(what: &'static str, path: PathBuf, faults: Vec<Fault>) -> Result<(), ConfigurationError> {
    if faults.is_empty() { Ok(()) } else { Err(ConfigurationError::Faulty { what, path, faults }) }
}

fn path_of(given: Option<&Text>) -> PathBuf {
    given.map_or_else(|| "built in".into(), |given| given.path.clone())
}

/// The files of a set, as one name of an error.
fn paths_of(given: &[Text]) -> PathBuf {
    let paths: Vec<String> = given.iter().map(|text| text.path.display().to_string()).collect();
    paths.join("`, `").into()
}

fn one<T>(
    what: &'static str,
    given: Option<&Text>,
    built_in: fn() -> Result<T, Vec<Fault>>,
    read: impl FnOnce(&str) -> Result<T, Vec<Fault>>,
) -> Result<T, ConfigurationError> {
    let path = path_of(given);
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
        assert_eq!(configuration.scorecards, scorecard::built_in().unwrap());
    }

    #[test]
    fn a_data_folder_remembers_the_files_that_it_was_given() {
        let (folder, table) = (tempfile::tempdir().unwrap(), table());
        let given = rules_of(folder.path(), RULES).configure(&table).unwrap();
        assert_eq!(given.rules, rules::read(RULES).unwrap());
        assert_eq!(given.scorecards, scorecard::built_in().unwrap());
        drop(folder);
        assert_eq!(Files::default().configure(&table).unwrap(), given);
    }

    #[test]
    fn a_contact_policy_goes_with_the_playbooks() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("contact.yaml");
        std::fs::write(&path, "at_most: 1\nwithin_days: 30\ntime_zone: Europe/Berlin\n").unwrap();
        let table = table();
        let given = Files { contact: Some(path), ..Files::default() }.configure(&table).unwrap();
        assert_ne!(given.playbooks.contact(), &contact::built_in().unwrap());
        assert_eq!(Files::default().configure(&table).unwrap(), given, "it is remembered");
    }

    #[test]
    fn a48_policies_that_name_somebody_who_is_not_in_the_roster_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("escalation.yaml");
        let step = "- { role: support_engineer, acknowledge_within: 10m, repeats: 1 }";
        let text = escalation::DEFAULT.replacen(step, &step.replace("10m,", "10m, person: sup-99,"), 1);
        std::fs::write(&path, text).unwrap();
        let files = Files { escalation: Some(path), ..Files::default() };
        let error = files.configure(&table()).unwrap_err().to_string();
        assert!(error.contains("policies.critical[0]") && error.contains("person `sup-99`"), "{error}");
    }

    #[test]
    fn steps_that_name_a_destination_that_there_is_not_are_refused_and_those_that_name_one_are_taken() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let step = "- { role: support_engineer, acknowledge_within: 10m, repeats: 1 }";
        let named = escalation::DEFAULT.replacen(step, &step.replace("1 }", "1, destinations: [pager] }"), 1);
        let policies = file("escalation.yaml", &named);
        let there = file("destinations.yaml", "destinations:\n  pager: { pagerduty: {}, secret: cs-ops/pager }\n");
        let files = Files { escalation: Some(policies), ..Files::default() };
        let error = files.configure(&table()).unwrap_err().to_string();
        assert!(error.contains("policies.critical[0]") && error.contains("destination `pager`"), "{error}");
        let files = Files { destinations: Some(there.clone()), ..files };
        assert_eq!(files.configure(&table()).unwrap().destinations.all().count(), 1);

        let book = include_str!("../../contract/defaults/playbooks/win-back.yaml");
        let book = book.replace("text: \"{offer}\"", "text: \"{offer}\", destination: pagre");
        let files = Files { playbooks: vec![file("book.yaml", &book)], destinations: Some(there), ..Files::default() };
        let error = files.configure(&table()).unwrap_err().to_string();
        assert!(error.contains("outreach.destination") && error.contains("pager"), "{error}");
    }

    #[test]
    fn several_scorecards_become_one_set_and_two_of_a_kind_are_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, head: &str| {
            let path = folder.path().join(name);
            let text = scorecard::DEFAULT.replace("version: default-1", &format!("version: {name}\n{head}"));
            std::fs::write(&path, text).unwrap();
            path
        };
        let of = |scorecards| Files { scorecards, ..Files::default() }.configure(&table());
        let small = file("small", "segments: [small_business]");
        let given = of(vec![file("mine", ""), small.clone()]).unwrap();
        assert_eq!((given.scorecards.general().version(), given.scorecards.of_health().count()), ("mine", 2));
        let error = of(vec![small.clone(), small]).unwrap_err().to_string();
        assert!(
            error.contains("[1]") && error.contains("second scorecard for the segment `small_business`"),
            "{error}"
        );
    }

    #[test]
    fn rules_may_ask_for_the_segments_that_are_given_and_for_no_others() {
        let (folder, table) = (tempfile::tempdir().unwrap(), table());
        let path = folder.path().join("segments.yaml");
        let quiet = "name: mine\nsegments:\n  - { id: hushed, description: Nobody., when: { absent: { metric: logins, days: 9 } } }";
        std::fs::write(&path, quiet).unwrap();
        let by_name = RULES.replace("{ absent: { metric: purchases, days: 90 } }", "{ segment: hushed }");
        let rules = rules_of(folder.path(), &by_name);
        let error = rules.configure(&table).unwrap_err().to_string();
        assert!(error.contains("rules[0].when.segment") && error.contains("`hushed` is not known"), "{error}");
        let given = Files { segments: Some(path), ..rules }.configure(&table).unwrap();
        assert_eq!(given.segments.name(), "mine");
        drop(folder);
        assert_eq!(Files::default().configure(&table).unwrap(), given, "the data folder remembers both");
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
    fn a38_a_model_that_is_none_is_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.json");
        std::fs::write(&path, "{\"kind\": \"love\"}").unwrap();
        let error = Files { risk_models: vec![path], ..Files::default() }.configure(&table()).unwrap_err().to_string();
        assert!(error.starts_with("risk model `") && error.contains("love"), "{error}");
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let files = Files { scorecards: vec!["no/such.yaml".into()], ..Files::default() };
        assert_eq!(files.read().unwrap_err().to_string(), "scorecard `no/such.yaml` cannot be read");
    }
}

//! `cs-ops train`: a model of churn or expansion from a CSV file of accounts and what happened to them.
//!
//! The artifact goes to a file; what it learnt from, how good it was on held-out examples and its fingerprint are printed.

use super::hint;
use crate::examples::{Columns, Sheet};
use clap::Args;
use domain::risk::contest::{Winner, contest};
use domain::risk::model::{Kind, Model};
use domain::risk::real::chance;
use domain::risk::train::{Recipe, train};
use std::error::Error;
use std::io::Write;
use std::path::{Path, PathBuf};

/// What is learnt, from what.
#[derive(Debug, Args)]
pub struct Train {
    /// The CSV file: one row per account, as it was known before what is predicted happened or not
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// What is predicted: churn or expansion
    #[arg(long, value_name = "KIND", value_parser = kind)]
    kind: Kind,
    /// The column that says whether it happened
    #[arg(long, value_name = "COLUMN")]
    outcome: String,
    /// What that column holds where it happened
    #[arg(long, value_name = "VALUE", default_value = "Yes")]
    happened: String,
    /// Columns that are protected attributes; the model is not shown them
    #[arg(long, value_name = "COLUMN", value_delimiter = ',')]
    protected: Vec<String>,
    /// Show the model the protected attributes nevertheless
    #[arg(long, requires = "protected")]
    with_protected: bool,
    /// Columns that are no features, such as an id
    #[arg(long, value_name = "COLUMN", value_delimiter = ',')]
    leave_out: Vec<String>,
    /// The seed
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Where the artifact goes
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// The model that holds, to compare with on the held-out examples; it is judged too kindly where it learnt from them
    #[arg(long, value_name = "FILE")]
    champion: Option<PathBuf>,
}

fn kind(text: &str) -> Result<Kind, String> {
    Kind::ALL.into_iter().find(|kind| kind.name() == text).ok_or_else(|| "give one of churn, expansion".to_owned())
}

fn words(of: &[String]) -> Vec<&str> {
    of.iter().map(String::as_str).collect()
}

fn model(path: &Path) -> Result<Model, Box<dyn Error>> {
    let named = |error: &dyn Error| format!("model `{}` cannot be used: {error}", path.display());
    let bytes = std::fs::read(path).map_err(|error| named(&error))?;
    let model: Model = serde_json::from_slice(&bytes).map_err(|error| named(&error))?;
    model.check().map_err(|error| named(&error))?;
    Ok(model)
}

impl Train {
    pub(super) fn execute(self, out: &mut impl Write) -> Result<(), Box<dyn Error>> {
        let named = |error: &dyn Error| format!("`{}` cannot be learnt from: {error}", self.file.display());
        let champion = self.champion.as_deref().map(model).transpose()?;
        let text = std::fs::read_to_string(&self.file).map_err(|error| named(&error))?;
        let (protected, left_out) = (words(&self.protected), words(&self.leave_out));
        let columns =
            Columns { outcome: &self.outcome, happened: &self.happened, protected: &protected, left_out: &left_out };
        let examples = Sheet::read(&text).and_then(|sheet| sheet.examples(&columns)).map_err(|error| named(&error))?;
        hint("Learning; this takes a minute or so for five thousand accounts.");
        let recipe = Recipe { seed: self.seed, with_protected: self.with_protected };
        let trained = train(self.kind, &examples, recipe).map_err(|error| named(&error))?;
        let model = &trained.model;
        let mut bytes = serde_json::to_vec(model)?;
        bytes.push(b'\n');
        std::fs::write(&self.out, bytes)
            .map_err(|error| format!("`{}` cannot be written: {error}", self.out.display()))?;
        report(out, model)?;
        if let Some(champion) = champion {
            let rows = trained.held.iter().enumerate();
            let of = |row: usize| chance(champion.log_odds(|name| examples.value(row, name)).to_f64());
            let predicted: Vec<_> = rows.map(|(row, (challenger, outcome))| (of(row), *challenger, *outcome)).collect();
            let contest = contest(&predicted);
            let [ours, theirs] = contest.log_loss;
            let verdict = match contest.winner {
                Winner::Nobody => "too few outcomes to say",
                Winner::Champion => "the champion stays",
                Winner::Challenger => "the challenger is better",
            };
            writeln!(out, "log loss    {ours} of the champion, {theirs} of the challenger: {verdict}")?;
        }
        Ok(out.flush()?)
    }
}

fn report(out: &mut impl Write, model: &Model) -> Result<(), Box<dyn Error>> {
    let record = &model.record;
    writeln!(out, "artifact    {}", model.digest()?)?;
    writeln!(out, "learnt      {} of {} accounts: {} happened", model.kind.name(), record.examples, record.happened)?;
    writeln!(out, "held out    AUC {}, log loss {}, Brier {}", record.auc, record.log_loss, record.brier)?;
    let right = format!("{} of its predictions are right", record.accuracy);
    writeln!(out, "issued      {right}, at a coverage of {}; otherwise it abstains", record.coverage)?;
    writeln!(out, "calibrated  {}", if record.calibrated { "yes" } else { "no: it does not help" })?;
    if let Some(costs) = record.dropping_costs {
        writeln!(out, "dropped     {}: this costs {costs} of AUC", record.dropped.join(", "))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::{Arguments, execute};
    use clap::Parser as _;
    use std::path::Path;

    /// Accounts of which those that are used little leave, but for some of each.
    fn accounts(count: usize) -> String {
        let row = |at: usize| {
            let usage = at * 37 % 100;
            let left = (usage < 40) != at.is_multiple_of(11);
            format!("a{at},{usage},{},{}\n", ["small", "large"][at % 2], if left { "Yes" } else { "No" })
        };
        format!("id,usage,region,left\n{}", (0..count).map(row).collect::<String>())
    }

    fn train(folder: &Path, rows: usize, out: &str) -> Result<String, String> {
        let (file, out) = (folder.join("accounts.csv"), folder.join(out));
        std::fs::write(&file, accounts(rows)).unwrap();
        let (file, out) = (file.to_str().unwrap(), out.to_str().unwrap());
        let words = ["cs-ops", "train", file, "--kind", "churn", "--outcome", "left", "--leave-out", "id"];
        let more = ["--protected", "region", "--seed", "7", "--out", out];
        let mut printed = Vec::new();
        let arguments = Arguments::try_parse_from(words.into_iter().chain(more)).unwrap();
        execute(arguments, &mut printed).map_err(|error| error.to_string())?;
        Ok(String::from_utf8(printed).unwrap())
    }

    #[test]
    fn a38_the_same_file_and_seed_give_the_same_artifact_and_what_was_dropped_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let (one, same) =
            (train(folder.path(), 200, "one.json").unwrap(), train(folder.path(), 200, "same.json").unwrap());
        assert_eq!(one, same);
        let bytes = |name: &str| std::fs::read(folder.path().join(name)).unwrap();
        assert_eq!(bytes("one.json"), bytes("same.json"));
        assert!(one.starts_with("artifact    ") && one.contains("dropped     region: this costs "), "{one}");
        assert!(one.contains("of its predictions are right, at a coverage of "), "{one}");
    }

    #[test]
    fn a46_too_few_outcomes_are_refused_and_no_artifact_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let error = train(folder.path(), 60, "model.json").unwrap_err();
        assert!(error.ends_with("are too few to learn from; it takes 30 of each"), "{error}");
        assert!(error.contains("cannot be learnt from: ") && !folder.path().join("model.json").exists(), "{error}");
    }
}

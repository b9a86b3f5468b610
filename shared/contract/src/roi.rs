//! The sheet of costs and benefits: YAML that becomes a [`domain::roi::Sheet`], and the answer that adds it up.

use crate::document;
use crate::problem::Fault;
use crate::report::{RoiAnswer, RoiLine};
use domain::account::Money;
use domain::fixed::Quantity;
use domain::roi::{Line, Sheet};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The sheet that holds where none was given.
pub const DEFAULT: &str = include_str!("../defaults/roi.yaml");

/// The most that a line may be a year, in the currency's unit.
const MAX_AMOUNT: i64 = 1_000_000_000_000;

/// The sheet that holds where none was given.
pub fn built_in() -> Result<RoiFile, Vec<Fault>> {
    document::built_in(include_str!(concat!(env!("OUT_DIR"), "/roi.json")))
}

/// Reads a sheet.
#[cfg(feature = "yaml")]
pub fn read(text: &str) -> Result<RoiFile, Vec<Fault>> {
    document::yaml(text)
}

/// A sheet as it is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RoiFile {
    /// What people call it.
    pub name: String,
    /// What people cost.
    pub team: Vec<RoiLineFile>,
    /// What tools and operations cost.
    pub technology: Vec<RoiLineFile>,
    /// What it brings.
    pub benefits: Vec<RoiLineFile>,
}

/// A line of costs or benefits a year.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RoiLineFile {
    /// Its name: a query of the same name puts another amount in its place.
    pub id: String,
    /// What it is.
    pub name: String,
    /// How much a year, in whole units of the currency; left out where nobody has put a number to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<i64>,
    /// What the amount is assumed from.
    pub assumption: String,
}

impl RoiFile {
    /// The same with other amounts, by the lines' names. Says everything that is wrong with them.
    pub fn with(mut self, amounts: &BTreeMap<String, String>) -> Result<Self, Vec<Fault>> {
        let mut faults = Vec::new();
        for line in self.team.iter_mut().chain(&mut self.technology).chain(&mut self.benefits) {
            let Some(text) = amounts.get(&line.id) else { continue };
            match text.parse::<i64>().ok().filter(|amount| (0..=MAX_AMOUNT).contains(amount)) {
                Some(amount) => {
                    line.amount = Some(amount);
                    line.assumption = "as given in the request".into();
                }
                None => faults.push(Fault::new(
                    &line.id,
                    format!("`{text}` is no amount; give a whole number of the currency's unit, 0 to {MAX_AMOUNT}"),
                )),
            }
        }
        if faults.is_empty() { Ok(self) } else { Err(faults) }
    }

    /// What comes of it.
    pub fn answer(&self, as_of: Timestamp) -> RoiAnswer {
        let lines = |lines: &[RoiLineFile]| lines.iter().map(Line::from).collect();
        let sheet =
            Sheet { team: lines(&self.team), technology: lines(&self.technology), benefits: lines(&self.benefits) };
        let total = sheet.total();
        let shown = |lines: &[RoiLineFile]| lines.iter().map(RoiLine::from).collect();
        let percent = |share: Option<Quantity>| share.map(|share| percent(share, 2));
        RoiAnswer {
            as_of,
            team: shown(&self.team),
            technology: shown(&self.technology),
            benefits: shown(&self.benefits),
            team_cents: total.team.cents(),
            technology_cents: total.technology.cents(),
            cost_cents: total.cost.cents(),
            benefit_cents: total.benefits.cents(),
            gross_percent: percent(total.gross),
            net_percent: percent(total.net),
            not_counted: total.not_counted,
        }
    }
}

/// A share in one as percent, with so many places.
pub fn percent(share: Quantity, places: u32) -> String {
    Quantity::from_micros(share.micros().saturating_mul(100)).rounded(places)
}

impl From<&RoiLineFile> for Line {
    fn from(line: &RoiLineFile) -> Self {
        let amount = line.amount.map(|amount| Money::from_cents(amount.saturating_mul(100)));
        Self { name: line.name.clone(), amount, assumption: line.assumption.clone() }
    }
}

impl From<&RoiLineFile> for RoiLine {
    fn from(line: &RoiLineFile) -> Self {
        Self {
            id: line.id.clone(),
            name: line.name.clone(),
            amount_cents: line.amount.map(|amount| amount.saturating_mul(100)),
            assumption: line.assumption.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(amounts: &[(&str, &str)]) -> Result<RoiAnswer, Vec<Fault>> {
        let amounts = amounts.iter().map(|(id, amount)| ((*id).to_owned(), (*amount).to_owned())).collect();
        built_in().unwrap().with(&amounts).map(|file| file.answer(Timestamp::UNIX_EPOCH))
    }

    #[test]
    fn a44_a86_a87_the_sheet_returns_425_percent_gross_and_325_net() {
        assert_eq!(built_in().unwrap(), read(DEFAULT).unwrap());
        let told = answer(&[]).unwrap();
        assert_eq!((told.team_cents, told.technology_cents, told.cost_cents), (214_000_000, 45_000_000, 259_000_000));
        assert_eq!((told.benefit_cents, told.not_counted.len()), (1_100_000_000, 2));
        assert_eq!((told.gross_percent.unwrap(), told.net_percent.unwrap()), ("424.71".into(), "324.71".into()));
    }

    #[test]
    fn an_amount_of_the_request_takes_the_place_of_the_one_that_is_assumed() {
        let told = answer(&[("sales_efficiency", "1000000"), ("operations", "535000")]).unwrap();
        assert_eq!((told.gross_percent.as_deref(), told.cost_cents), (Some("400.00"), 300_000_000));
        assert_eq!(told.not_counted, ["Support efficiency"]);
        let faults = answer(&[("operations", "much"), ("trainers", "-1")]).unwrap_err();
        assert_eq!(faults.iter().map(|fault| fault.path.as_str()).collect::<Vec<_>>(), ["trainers", "operations"]);
    }
}

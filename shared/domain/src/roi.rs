//! Return on investment: what customer success costs, what it brings, and what both rest on.
//!
//! Gross is what it brings for what it costs; net is what is left after the cost. Every line names what it is assumed
//! from, and a line without an amount is shown as not counted: nothing is invented to fill it.

use crate::account::Money;
use crate::fixed::Quantity;
use crate::revenue::share;
use serde::{Deserialize, Serialize};

/// A line of costs or benefits a year.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// What it is.
    pub name: String,
    /// How much a year; none where nobody has put a number to it.
    pub amount: Option<Money>,
    /// What the amount is assumed from.
    pub assumption: String,
}

/// What customer success costs and brings, in a year.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Sheet {
    /// What people cost.
    pub team: Vec<Line>,
    /// What tools and operations cost.
    pub technology: Vec<Line>,
    /// What it brings.
    pub benefits: Vec<Line>,
}

/// What comes of a sheet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Return {
    /// What people cost.
    pub team: Money,
    /// What tools and operations cost.
    pub technology: Money,
    /// Both.
    pub cost: Money,
    /// What it brings.
    pub benefits: Money,
    /// Benefits for the cost, in one; none without a cost.
    pub gross: Option<Quantity>,
    /// What is left of the benefits after the cost, for the cost.
    pub net: Option<Quantity>,
    /// The lines to which nobody has put a number.
    pub not_counted: Vec<String>,
}

impl Sheet {
    /// Adds it up.
    pub fn total(&self) -> Return {
        let (team, technology, benefits) = (sum(&self.team), sum(&self.technology), sum(&self.benefits));
        let cost = team.saturating_add(technology);
        let lines = self.team.iter().chain(&self.technology).chain(&self.benefits);
        Return {
            team: Money::from_cents(team),
            technology: Money::from_cents(technology),
            cost: Money::from_cents(cost),
            benefits: Money::from_cents(benefits),
            gross: share(benefits, cost),
            net: share(benefits.saturating_sub(cost), cost),
            not_counted: lines.filter(|line| line.amount.is_none()).map(|line| line.name.clone()).collect(),
        }
    }
}

fn sum(lines: &[Line]) -> i64 {
    lines.iter().filter_map(|line| line.amount).fold(0, |sum, amount| sum.saturating_add(amount.cents()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(name: &str, thousands: Option<i64>) -> Line {
        let amount = thousands.map(|thousands| Money::from_cents(thousands * 100_000));
        Line { name: name.into(), amount, assumption: "the plan".into() }
    }

    fn plan() -> Sheet {
        let lines = |lines: &[(&str, i64)]| lines.iter().map(|(name, amount)| line(name, Some(*amount))).collect();
        let mut benefits: Vec<Line> =
            lines(&[("renewals", 2_500), ("expansion", 1_500), ("references", 2_000), ("reduced churn", 5_000)]);
        benefits.push(line("support efficiency", None));
        benefits.push(line("sales efficiency", None));
        Sheet {
            team: lines(&[("VP", 250), ("CSM", 450), ("TAM", 600), ("support", 640), ("trainers", 200)]),
            technology: lines(&[("platform", 150), ("support tools", 100), ("training", 75), ("operations", 125)]),
            benefits,
        }
    }

    #[test]
    fn a86_the_sheet_of_the_plan_adds_up_to_its_totals() {
        let total = plan().total();
        let thousands = [total.team, total.technology, total.cost, total.benefits].map(|sum| sum.cents() / 100_000);
        assert_eq!(thousands, [2_140, 450, 2_590, 11_000]);
    }

    #[test]
    fn a44_a87_the_plan_returns_425_percent_gross_and_325_net() {
        let total = plan().total();
        assert_eq!(total.gross.unwrap().rounded(2), "4.25");
        assert_eq!(total.net.unwrap().rounded(2), "3.25");
        assert_eq!(total.not_counted, ["support efficiency", "sales efficiency"]);
    }

    #[test]
    fn without_a_cost_there_is_no_return_to_speak_of() {
        let sheet = Sheet { benefits: vec![line("renewals", Some(1))], ..Sheet::default() };
        assert_eq!((sheet.total().gross, sheet.total().net), (None, None));
    }
}

//! What could be done about the constraint, by what it is expected to bring for what it costs.
//!
//! What an hour of waiting costs, what a measure costs and by how much of the waiting it is expected to take away are
//! assumptions that are shown; the hours are counted. What is done about another step than the constraint brings nothing
//! until the constraint is wider, so it is ranked behind.

use super::StepFlow;
use crate::account::Money;
use crate::fixed::Quantity;
use crate::revenue::share;
use serde::{Deserialize, Serialize};

/// What can be done about a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// One more person for the step.
    AddPerson,
    /// Let those with time do what waits.
    ShareOut,
    /// Let the machine do a part of it.
    Automate,
    /// Let less come: find and end the commonest cause.
    EndCause,
}

impl Measure {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::AddPerson, Self::ShareOut, Self::Automate, Self::EndCause];

    /// Its name as it is written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::AddPerson => "add_person",
            Self::ShareOut => "share_out",
            Self::Automate => "automate",
            Self::EndCause => "end_cause",
        }
    }

    /// What is done, in plain words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::AddPerson => "one more person works on it",
            Self::ShareOut => "whoever has time takes what waits the longest",
            Self::Automate => "a playbook's effect does the part that is always the same",
            Self::EndCause => "the commonest cause is found and ended, so that less comes",
        }
    }
}

/// What a measure is assumed to cost and to bring.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assumed {
    /// What.
    pub measure: Measure,
    /// What it costs in 90 days.
    pub cost: Money,
    /// By how much of the waiting it is expected to take away, in percent.
    pub relief_percent: u32,
}

/// By what options are ranked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OptimizePolicy {
    /// What an hour of waiting costs.
    pub waiting_hour: Money,
    /// What measures cost and bring.
    pub assumed: Vec<Assumed>,
}

impl Default for OptimizePolicy {
    /// An hour of waiting costs five; a person 25,000 a quarter.
    fn default() -> Self {
        let assumed = |measure, dollars: i64, relief_percent| Assumed {
            measure,
            cost: Money::from_cents(dollars * 100),
            relief_percent,
        };
        Self {
            waiting_hour: Money::from_cents(500),
            assumed: vec![
                assumed(Measure::AddPerson, 25_000, 60),
                assumed(Measure::ShareOut, 1_500, 20),
                assumed(Measure::Automate, 8_000, 40),
                assumed(Measure::EndCause, 12_000, 30),
            ],
        }
    }
}

/// Something that could be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// About which step.
    pub step: String,
    /// Whether that is the constraint.
    pub constraint: bool,
    /// What.
    pub measure: Measure,
    /// By how many hours in 90 days less is waited.
    pub hours: u64,
    /// What that is worth.
    pub benefit: Money,
    /// What it costs.
    pub cost: Money,
    /// What is left of the benefit for the cost, in one; none without a cost.
    pub return_on_cost: Option<Quantity>,
}

/// What could be done about the steps that work waits for the longest, the constraint's first, of each step the highest
/// return first. `flows` are in the order of [`super::flows`], over so many days.
pub fn proposals(flows: &[StepFlow], days: u64, policy: &OptimizePolicy, steps: usize) -> Vec<Proposal> {
    let waiting = flows.iter().filter(|flow| flow.waiting > 0).take(steps);
    let mut all = Vec::new();
    for (place, flow) in waiting.enumerate() {
        let mut of_step: Vec<Proposal> =
            policy.assumed.iter().map(|assumed| proposal(flow, place == 0, days, policy, assumed)).collect();
        of_step.sort_by(|one, other| {
            other.return_on_cost.cmp(&one.return_on_cost).then_with(|| one.measure.cmp(&other.measure))
        });
        all.extend(of_step);
    }
    all
}

fn proposal(flow: &StepFlow, constraint: bool, days: u64, policy: &OptimizePolicy, assumed: &Assumed) -> Proposal {
    let relieved = flow.waiting.saturating_mul(u64::from(assumed.relief_percent)) / 100;
    let hours = relieved.saturating_mul(90) / days.max(1) / 3_600;
    let benefit = i64::try_from(hours).unwrap_or(i64::MAX).saturating_mul(policy.waiting_hour.cents());
    Proposal {
        step: flow.step.clone(),
        constraint,
        measure: assumed.measure,
        hours,
        benefit: Money::from_cents(benefit),
        cost: assumed.cost,
        return_on_cost: share(benefit.saturating_sub(assumed.cost.cents()), assumed.cost.cents()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::{Piece, flows};
    use jiff::Timestamp;

    fn at(hour: i64) -> Timestamp {
        Timestamp::from_second(1_790_000_000 + hour * 3_600).unwrap()
    }

    #[test]
    fn a137_options_of_the_constraint_come_first_ranked_by_their_return() {
        // 100 pieces that wait 50 hours each for a review, and as many that wait one for a plan.
        let piece = |step: &str, wait: i64, number: i64| Piece {
            step: step.into(),
            came: at(number),
            begun: Some(at(number + wait)),
            done: Some(at(number + wait)),
        };
        let pieces: Vec<Piece> =
            (0..100).flat_map(|number| [piece("plan", 1, number), piece("review", 50, number)]).collect();
        let found = proposals(&flows(&pieces, at(0), at(90 * 24)), 90, &OptimizePolicy::default(), 2);
        let told: Vec<_> = found[..4]
            .iter()
            .map(|one| (one.step.as_str(), one.measure, one.hours, one.return_on_cost.unwrap().to_string()))
            .collect();
        let expected = [
            ("review", Measure::ShareOut, 1_000, "2.333333".to_owned()),
            ("review", Measure::Automate, 2_000, "0.25".to_owned()),
            ("review", Measure::EndCause, 1_500, "-0.375".to_owned()),
            ("review", Measure::AddPerson, 3_000, "-0.4".to_owned()),
        ];
        assert_eq!(told, expected);
        assert!(found[..4].iter().all(|one| one.constraint) && found[4..].iter().all(|one| !one.constraint));
        assert_eq!(proposals(&flows(&[], at(0), at(1)), 90, &OptimizePolicy::default(), 2), []);
    }
}

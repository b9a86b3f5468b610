//! A health as history keeps it: what cannot be found again in its scorecard, and nothing else.
//!
//! An entry is about a fifth of the health that it stands for. Together with the scorecard by which it was scored it is
//! that health again, to the last digit: the past can be explained and compared, and is never computed anew.

use super::composite::mean;
use super::{AppliedCap, Computed, Contribution, DimensionScore, Health, HealthState, Overrides, State};
use crate::band::Band;
use crate::day::Day;
use crate::digest::Digest;
use crate::fixed::{Points, Quantity};
use crate::scorecard::{BasisPoints, Dimension, Scorecard};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A health as it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// When it was scored.
    pub scored_at: Timestamp,
    /// The score.
    pub score: Points,
    /// The score as it was computed.
    pub computed: Points,
    /// What the contributions add up to.
    pub uncapped: Points,
    /// The band that held.
    pub band: Option<Band>,
    /// Whether the account had left: then it had no health, and the rest is what it last had.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub blank: bool,
    /// The caps that lowered it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub caps: Vec<AppliedCap>,
    /// The share of the weight with fresh data.
    pub coverage: BasisPoints,
    /// Too little data: fired nothing.
    pub provisional: bool,
    /// The oldest day that a held value rested on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stale_since: Option<Day>,
    /// What people said.
    #[serde(default, skip_serializing_if = "Overrides::is_empty")]
    pub overrides: Overrides,
    /// The fingerprint of the scorecard.
    pub scorecard: Digest,
    /// The measures, in the order of the scorecard.
    parts: Vec<Part>,
}

/// A measure's part: what it rested on, its value, points and contribution, its last day, and what a person's word hid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Part(State, Option<Quantity>, Option<Points>, Points, Option<Day>, Option<Computed>);

impl Entry {
    /// The entry of a state.
    pub fn of(state: &HealthState) -> Self {
        let health = &state.health;
        let part = |part: &Contribution| {
            Part(part.state, part.value, part.points, part.contribution, part.as_of, part.computed)
        };
        Self {
            scored_at: state.scored_at,
            score: health.score,
            computed: health.computed,
            uncapped: health.uncapped,
            band: state.shown_band(),
            blank: state.blank_since.is_some(),
            caps: health.caps.clone(),
            coverage: health.coverage,
            provisional: health.provisional,
            stale_since: health.stale_since,
            overrides: health.overrides.clone(),
            scorecard: health.scorecard_hash,
            parts: health.measures.iter().map(part).collect(),
        }
    }

    /// The health that it stands for. None with another scorecard than its own.
    pub fn health(&self, scorecard: &Scorecard) -> Option<Health> {
        let members = || scorecard.dimensions().iter().flat_map(|dimension| &dimension.measures);
        if scorecard.hash() != self.scorecard || members().count() != self.parts.len() {
            return None;
        }
        let mut parts = self.parts.iter();
        let (mut dimensions, mut measures) = (Vec::new(), Vec::new());
        for dimension in scorecard.dimensions() {
            let own: Vec<Contribution> = contributions(dimension, parts.by_ref().take(dimension.measures.len()));
            dimensions.push(dimension_score(dimension, &own));
            measures.extend(own);
        }
        Some(Health {
            score: self.score,
            computed: self.computed,
            uncapped: self.uncapped,
            caps: self.caps.clone(),
            coverage: self.coverage,
            provisional: self.provisional,
            stale_since: self.stale_since,
            overrides: self.overrides.clone(),
            dimensions,
            measures,
            scorecard: scorecard.version().to_owned(),
            scorecard_hash: scorecard.hash(),
        })
    }
}

fn contributions<'a>(dimension: &Dimension, parts: impl Iterator<Item = &'a Part>) -> Vec<Contribution> {
    let whole = |(measure, part): (&crate::scorecard::Measure, &Part)| {
        let Part(state, value, points, contribution, as_of, computed) = part.clone();
        Contribution {
            dimension: dimension.id.clone(),
            measure: measure.id.clone(),
            state,
            value,
            unit: measure.unit.clone(),
            on_target: value.map(|value| measure.target.is_met_by(value)),
            points,
            computed,
            weight: measure.weight,
            contribution,
            as_of,
        }
    };
    dimension.measures.iter().zip(parts).map(whole).collect()
}

fn dimension_score(dimension: &Dimension, parts: &[Contribution]) -> DimensionScore {
    DimensionScore {
        dimension: dimension.id.clone(),
        weight: dimension.weight,
        points: mean(parts.iter().filter_map(|part| Some((part.weight, part.points?)))),
        contribution: parts.iter().fold(Points::ZERO, |sum, part| sum.plus(part.contribution)),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::account;
    use super::super::{Inputs, Trigger, assess};
    use super::*;
    use crate::account::LifecycleStage;
    use crate::page::fixtures::{any_signal, series};
    use crate::scorecard::tests::draft;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn an_entry_with_its_scorecard_is_the_health_again(signals in prop::collection::vec(any_signal(12), 1..80), open_critical_case: bool) {
            let (account, scorecard) = (account(LifecycleStage::Steady, None), Scorecard::new(draft()).unwrap());
            let (series, overrides) = (series(signals), &Overrides::default());
            let inputs = Inputs { series: &series, account: &account, scorecard: &scorecard, open_critical_case, overrides };
            if let Some(decision) = assess(None, &inputs, Trigger::News, Day::from_number(20_467).start()) {
                let text = serde_json::to_string(&Entry::of(&decision.state)).unwrap();
                let entry: Entry = serde_json::from_str(&text).unwrap();
                prop_assert_eq!(entry.health(&scorecard), Some(decision.state.health));
                let mut other = draft();
                other.version = "other".into();
                prop_assert_eq!(entry.health(&Scorecard::new(other).unwrap()), None);
            }
        }
    }
}

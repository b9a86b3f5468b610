//! How customers come along: from which stage they went to which, and how long they stayed.
//!
//! Every entry into a stage either goes on to one other stage or still stands, so the sums hold: entries are what moved on
//! and what still stands; entries are also what began there and what came from other stages.

use crate::account::LifecycleStage;
use crate::day::SECONDS;
use crate::fixed::Quantity;
use crate::insight::ratio;
use crate::story::{Second, Story};
use crate::support::Durations;
use std::collections::BTreeMap;

/// The way through the stages, leaving aside that some leave.
pub const WAY: [LifecycleStage; 4] =
    [LifecycleStage::Onboarding, LifecycleStage::Expansion, LifecycleStage::Optimization, LifecycleStage::Steady];

/// A stay in a stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stay {
    /// Which stage.
    pub stage: LifecycleStage,
    /// Since when.
    pub from: Second,
    /// Until when, and the stage that followed.
    pub then: Option<(Second, LifecycleStage)>,
}

/// The stays of an account, in order.
pub fn stays(story: &Story) -> Vec<Stay> {
    let mut stays: Vec<Stay> = Vec::new();
    for (at, description) in story.descriptions.iter() {
        match stays.last_mut() {
            Some(last) if last.stage == description.stage => continue,
            Some(last) => last.then = Some((at, description.stage)),
            None => {}
        }
        stays.push(Stay { stage: description.stage, from: at, then: None });
    }
    stays
}

/// What went through a stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StageFlow {
    /// Which stage.
    pub stage: LifecycleStage,
    /// How often an account began in it.
    pub began: u64,
    /// How often an account entered it, from another stage or as its first.
    pub entered: u64,
    /// To which stage how many went on.
    pub moved: BTreeMap<LifecycleStage, u64>,
    /// How many are in it.
    pub still: u64,
    /// How many days those stayed who have gone on.
    pub days: Durations,
}

/// A step of the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WayStep {
    /// The stage.
    pub stage: LifecycleStage,
    /// How many accounts have been in it or in a later one of the way.
    pub reached: u64,
    /// How many of those who reached the step before, in one.
    pub of_before: Option<Quantity>,
}

/// What went through every stage that any account was in, in the order of the stages.
pub fn flows<'a>(stories: impl IntoIterator<Item = &'a Story>) -> Vec<StageFlow> {
    #[derive(Default)]
    struct Sum {
        began: u64,
        entered: u64,
        moved: BTreeMap<LifecycleStage, u64>,
        still: u64,
        days: Vec<i64>,
    }
    let mut sums: BTreeMap<LifecycleStage, Sum> = BTreeMap::new();
    for story in stories {
        for (number, stay) in stays(story).into_iter().enumerate() {
            let sum = sums.entry(stay.stage).or_default();
            sum.began += u64::from(number == 0);
            sum.entered += 1;
            match stay.then {
                None => sum.still += 1,
                Some((until, next)) => {
                    *sum.moved.entry(next).or_default() += 1;
                    sum.days.push(until.saturating_sub(stay.from) / SECONDS);
                }
            }
        }
    }
    let flow = |(stage, sum): (LifecycleStage, Sum)| StageFlow {
        stage,
        began: sum.began,
        entered: sum.entered,
        moved: sum.moved,
        still: sum.still,
        days: sum.days.into_iter().collect(),
    };
    sums.into_iter().map(flow).collect()
}

/// How many accounts came how far.
pub fn way<'a>(stories: impl IntoIterator<Item = &'a Story>) -> Vec<WayStep> {
    let mut reached = [0_u64; WAY.len()];
    for story in stories {
        let place = |stay: &Stay| WAY.iter().position(|stage| *stage == stay.stage);
        let Some(furthest) = stays(story).iter().filter_map(place).max() else { continue };
        reached.iter_mut().take(furthest + 1).for_each(|count| *count += 1);
    }
    let before = std::iter::once(None).chain(reached.iter().copied().map(Some));
    let step = |((stage, reached), before): ((LifecycleStage, u64), Option<u64>)| WayStep {
        stage,
        reached,
        of_before: before.and_then(|before| ratio(reached, before)),
    };
    WAY.into_iter().zip(reached).zip(before).map(step).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::insight::fixtures::{any_stages, staged};
    use proptest::prelude::*;

    #[test]
    fn a106_stays_are_worked_by_hand() {
        use LifecycleStage::{Churned, Expansion, Onboarding, Steady};
        let stories = [
            staged("a", &[(0, Onboarding), (10, Onboarding), (30, Expansion)]),
            staged("b", &[(0, Onboarding), (20, Expansion), (80, Steady)]),
            staged("c", &[(0, Onboarding), (40, Churned)]),
            staged("d", &[(5, Steady)]),
        ];
        let flows = flows(&stories);
        let onboarding = &flows[0];
        assert_eq!((onboarding.entered, onboarding.still, onboarding.days.percentile(50)), (3, 0, Some(30)));
        assert_eq!(onboarding.moved, BTreeMap::from([(Expansion, 2), (Churned, 1)]));
        let way: Vec<_> =
            way(&stories).into_iter().map(|step| (step.reached, step.of_before.map(|of| of.to_string()))).collect();
        let share = |text: &str| Some(text.to_owned());
        assert_eq!(way, [(4, None), (3, share("0.75")), (2, share("0.666667")), (2, share("1"))]);
    }

    proptest! {
        #[test]
        fn a106_sums_reconcile_for_any_histories(histories in prop::collection::vec(any_stages(), 0..20)) {
            let stories: Vec<Story> =
                histories.iter().enumerate().map(|(number, stages)| staged(&format!("a{number}"), stages)).collect();
            let flows = flows(&stories);
            for flow in &flows {
                prop_assert_eq!(flow.entered, flow.still + flow.moved.values().sum::<u64>());
                let came: u64 = flows.iter().filter_map(|other| other.moved.get(&flow.stage)).sum();
                prop_assert_eq!(flow.entered, flow.began + came);
                prop_assert_eq!(flow.days.count() as u64, flow.moved.values().sum::<u64>());
                // By hand: every account's days, the latest word of a moment standing.
                let mut by_hand = 0;
                for stages in &histories {
                    let mut sorted = stages.clone();
                    sorted.sort();
                    sorted.dedup();
                    let mut last = None;
                    for (_, stage) in sorted {
                        by_hand += u64::from(stage == flow.stage && last != Some(stage));
                        last = Some(stage);
                    }
                }
                prop_assert_eq!(flow.entered, by_hand);
            }
            let described = histories.iter().filter(|stages| !stages.is_empty()).count() as u64;
            prop_assert_eq!(flows.iter().map(|flow| flow.still).sum::<u64>(), described);
            prop_assert_eq!(flows.iter().map(|flow| flow.began).sum::<u64>(), described);
        }
    }
}

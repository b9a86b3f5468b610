//! How far the product is adopted: how many of the licensed people use it, how long the first use took, and at which step
//! most accounts stop.

use crate::fixed::{Quantity, divide_half_even};
use crate::insight::{peers::percentile, ratio};
use crate::signal::Metric;
use crate::story::{Measures, Story};
use crate::support::Durations;

/// The share of licensed people that makes use regular, in percent.
pub const REGULAR_PERCENT: Quantity = Quantity::whole(50);
/// The share of the licensed features that is the target.
pub const ADOPTED_PERCENT: Quantity = Quantity::whole(80);

/// A step of adoption. Whoever is at a step has taken those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// People have licences.
    Licensed,
    /// Somebody has used it.
    Used,
    /// At least half of the licensed people use it on a day.
    Regular,
    /// At least 80 % of the licensed features are in use.
    Adopted,
}

impl Step {
    /// All of them, in order.
    pub const ALL: [Self; 4] = [Self::Licensed, Self::Used, Self::Regular, Self::Adopted];

    /// Its name as it is written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Licensed => "licensed",
            Self::Used => "used",
            Self::Regular => "regular",
            Self::Adopted => "adopted",
        }
    }

    fn is_taken(self, measures: &Measures) -> bool {
        match self {
            Self::Licensed => measures.value(Metric::LicensedUsers).is_some_and(|users| users > Quantity::ZERO),
            Self::Used => measures.first_use.is_some(),
            Self::Regular => measures.active_percent().is_some_and(|percent| percent >= REGULAR_PERCENT),
            Self::Adopted => measures.value(Metric::FeatureAdoption).is_some_and(|share| share >= ADOPTED_PERCENT),
        }
    }
}

/// A step with the accounts that took it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// The step.
    pub step: Step,
    /// How many accounts took it and all before it.
    pub accounts: u64,
    /// How many of those who took the step before did not take it.
    pub stopped: u64,
    /// How many of those who took the step before, in one.
    pub of_before: Option<Quantity>,
}

/// How far the product is adopted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Adoption {
    /// Of how many accounts numbers are known.
    pub measured: u64,
    /// Of how many no numbers are known.
    pub unmeasured: u64,
    /// The steps.
    pub steps: Vec<Taken>,
    /// The step at which most accounts stop, the earliest of equals; none where nobody stops.
    pub barrier: Option<Step>,
    /// People who use it on a day for those who may, in percent, over all accounts of which both are known.
    pub active_percent: Option<Quantity>,
    /// The share of features in use: the accounts' median, in percent.
    pub features_median: Option<Quantity>,
    /// Days from the first licence to the first use.
    pub days_to_use: Durations,
}

/// How far the customers among these accounts are.
pub fn adoption<'a>(stories: impl IntoIterator<Item = &'a Story>) -> Adoption {
    let customers: Vec<&Story> = stories.into_iter().filter(|story| story.is_customer()).collect();
    let measured: Vec<&Measures> = customers.iter().filter_map(|story| story.measures.as_ref()).collect();
    let steps = steps(&measured);
    let most = steps.iter().map(|taken| taken.stopped).max().unwrap_or_default();
    let barrier = steps.iter().find(|taken| taken.stopped == most && most > 0).map(|taken| taken.step);
    let mut features: Vec<Quantity> =
        measured.iter().filter_map(|measures| measures.value(Metric::FeatureAdoption)).collect();
    features.sort_unstable();
    let to_use = measured.iter().filter_map(|measures| {
        let (licensed, used) = (measures.licensed_on?, measures.first_use?);
        Some(i64::from(used.since(licensed).max(0)))
    });
    Adoption {
        measured: measured.len() as u64,
        unmeasured: (customers.len() - measured.len()) as u64,
        barrier,
        steps,
        active_percent: active_percent(&measured),
        features_median: percentile(&features, 50),
        days_to_use: to_use.collect(),
    }
}

fn steps(measured: &[&Measures]) -> Vec<Taken> {
    let mut before = measured.len() as u64;
    let mut left: Vec<&Measures> = measured.to_vec();
    let mut taken = Vec::new();
    for step in Step::ALL {
        left.retain(|measures| step.is_taken(measures));
        let accounts = left.len() as u64;
        taken.push(Taken { step, accounts, stopped: before - accounts, of_before: ratio(accounts, before) });
        before = accounts;
    }
    taken
}

fn active_percent(measured: &[&Measures]) -> Option<Quantity> {
    let both = measured
        .iter()
        .filter_map(|measures| Some((measures.value(Metric::ActiveUsers)?, measures.value(Metric::LicensedUsers)?)));
    let (active, licensed) = both.fold((0_i128, 0_i128), |(active, licensed), (a, l)| {
        (active + i128::from(a.micros()), licensed + i128::from(l.micros()))
    });
    let micros = (licensed > 0).then(|| divide_half_even(active * 100_000_000, licensed))?;
    i64::try_from(micros).ok().map(Quantity::from_micros)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::Segment;
    use crate::day::Day;
    use crate::insight::fixtures::{days, measures, story};
    use crate::story::News;
    use proptest::prelude::*;

    fn account(number: usize, licensed: Option<u32>, active: Option<u32>, features: Option<u32>, used: bool) -> Story {
        let mut values = Vec::new();
        let texts = [licensed, active, features].map(|value| value.map(|value| value.to_string()));
        let metrics = [Metric::LicensedUsers, Metric::ActiveUsers, Metric::FeatureAdoption];
        for (metric, text) in metrics.into_iter().zip(&texts) {
            values.extend(text.as_deref().map(|text| (metric, text)));
        }
        let mut found = measures(&values);
        found.licensed_on = licensed.map(|_| Day::of(days(1)));
        found.first_use = used.then(|| Day::of(days(4)));
        let mut story = story(&format!("a{number}"), Segment::MidMarket, 100);
        story.apply(days(1), News::Measured(found));
        story
    }

    #[test]
    fn a111_the_barrier_is_where_most_stop() {
        let stories = [
            account(0, Some(100), Some(60), Some(85), true),
            account(1, Some(100), Some(50), Some(79), true),
            account(2, Some(100), Some(10), Some(90), true),
            account(3, Some(100), Some(20), None, true),
            account(4, Some(100), None, None, false),
        ];
        let found = adoption(&stories);
        let counts: Vec<_> = found.steps.iter().map(|taken| (taken.accounts, taken.stopped)).collect();
        assert_eq!(counts, [(5, 0), (4, 1), (2, 2), (1, 1)]);
        assert_eq!(found.barrier, Some(Step::Regular));
        assert_eq!(found.active_percent.unwrap().to_string(), "35", "140 of the 400 of whom both are known");
        assert_eq!(found.features_median.unwrap().to_string(), "85");
        assert_eq!((found.days_to_use.count(), found.days_to_use.percentile(50)), (4, Some(3)));
    }

    proptest! {
        #[test]
        fn a111_the_funnel_equals_brute_force(
            accounts in prop::collection::vec(
                (prop::option::of(0_u32..200), prop::option::of(0_u32..200), prop::option::of(0_u32..=100), any::<bool>()), 0..30,
            ),
        ) {
            let stories: Vec<Story> = accounts
                .iter()
                .enumerate()
                .map(|(number, (licensed, active, features, used))| account(number, *licensed, *active, *features, *used))
                .collect();
            let found = adoption(&stories);
            let licensed = |one: &&(Option<u32>, Option<u32>, Option<u32>, bool)| one.0.unwrap_or(0) > 0;
            let regular = |one: &&(Option<u32>, Option<u32>, Option<u32>, bool)| {
                one.1.is_some_and(|active| 2 * active >= one.0.unwrap_or(0))
            };
            let count = [
                accounts.iter().filter(licensed).count(),
                accounts.iter().filter(licensed).filter(|one| one.3).count(),
                accounts.iter().filter(licensed).filter(|one| one.3).filter(regular).count(),
                accounts.iter().filter(licensed).filter(|one| one.3).filter(regular).filter(|one| one.2 >= Some(80)).count(),
            ];
            for (taken, count) in found.steps.iter().zip(count) {
                prop_assert_eq!(taken.accounts, count as u64);
            }
            prop_assert_eq!(found.measured, accounts.len() as u64);
            let both: Vec<_> = accounts.iter().filter_map(|one| Some((one.1?, one.0?))).collect();
            let (active, licensed): (u32, u32) = both.iter().fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
            prop_assert_eq!(found.active_percent.is_some(), licensed > 0);
            if let Some(percent) = found.active_percent {
                let exact = f64::from(active) * 100.0 / f64::from(licensed);
                prop_assert!((percent.to_f64() - exact).abs() < 0.000_001);
            }
        }
    }
}

//! How an account stands among its like: what the customers of a segment have, told only of five or more together.
//!
//! A percentile is the least value that so many of a hundred do not exceed (the nearest rank): a value that somebody has.
//! Of fewer than five nothing is said, for it would say what one of them has.

use crate::account::Segment;
use crate::fixed::{Points, Quantity};
use crate::id::AccountId;
use crate::signal::Metric;
use crate::story::Story;
use std::collections::BTreeMap;

/// Of fewer peers nothing is said.
pub const LEAST_PEERS: usize = 5;
/// The percentiles that are told.
pub const PERCENTS: [usize; 5] = [10, 25, 50, 75, 90];

/// What an account has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Value {
    /// Which account.
    pub account: AccountId,
    /// Which kind of customer.
    pub segment: Segment,
    /// What is measured.
    pub measure: String,
    /// How much.
    pub value: Quantity,
}

/// What the accounts of a segment have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Benchmark {
    /// Which kind of customer.
    pub segment: Segment,
    /// What is measured.
    pub measure: String,
    /// How many accounts it is told of; withheld where there are too few.
    pub peers: Option<u64>,
    /// The values at [`PERCENTS`]; withheld where there are too few.
    pub percentiles: Option<Vec<Quantity>>,
}

/// How an account stands among the others of its segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// What is measured.
    pub measure: String,
    /// What it has.
    pub value: Quantity,
    /// The others' middle; withheld where there are too few.
    pub median: Option<Quantity>,
    /// How many of a hundred others have less; withheld where there are too few.
    pub above_percent: Option<u64>,
}

/// What a customer has, by measure: its score, how far it has adopted the product, and what it gets from it.
pub fn values(story: &Story, score: Option<Points>) -> Vec<Value> {
    let Some(description) = story.description().filter(|_| story.is_customer()) else { return Vec::new() };
    let value = |measure: &str, value: Quantity| Value {
        account: story.account.clone(),
        segment: description.segment,
        measure: measure.to_owned(),
        value,
    };
    let mut found: Vec<Value> =
        score.map(|score| value("health_score", Quantity::from_micros(score.micros()))).into_iter().collect();
    if let Some(measures) = &story.measures {
        let compared = |metric: &&Metric| **metric != Metric::LicensedUsers && **metric != Metric::ActiveUsers;
        let known = measures.values.keys().filter(compared);
        found.extend(known.filter_map(|metric| Some(value(metric.name(), measures.value(*metric)?))));
        found.extend(measures.active_percent().map(|percent| value("active_percent", percent)));
        let answers = measures.answers.iter();
        found.extend(answers.filter_map(|(metric, answers)| Some(value(metric.name(), answers.mean()?))));
    }
    found
}

/// The least value that so many of a hundred do not exceed, of values in order.
pub fn percentile(sorted: &[Quantity], percent: usize) -> Option<Quantity> {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied()
}

/// What the accounts of each segment have, by segment and measure.
pub fn benchmarks(values: &[Value]) -> Vec<Benchmark> {
    let mut groups: BTreeMap<(Segment, &str), Vec<Quantity>> = BTreeMap::new();
    for value in values {
        groups.entry((value.segment, &value.measure)).or_default().push(value.value);
    }
    let told = |((segment, measure), mut values): ((Segment, &str), Vec<Quantity>)| {
        values.sort_unstable();
        let enough = values.len() >= LEAST_PEERS;
        let percentiles = || PERCENTS.into_iter().filter_map(|percent| percentile(&values, percent)).collect();
        Benchmark {
            segment,
            measure: measure.to_owned(),
            peers: enough.then_some(values.len() as u64),
            percentiles: enough.then(percentiles),
        }
    };
    groups.into_iter().map(told).collect()
}

/// How one account stands among the others of its segment, by measure.
pub fn places(values: &[Value], account: &AccountId) -> Vec<Place> {
    let own = values.iter().filter(|value| value.account == *account);
    let mut places: Vec<Place> = own.map(|own| place(values, own)).collect();
    places.sort_by(|one, other| one.measure.cmp(&other.measure));
    places
}

fn place(values: &[Value], own: &Value) -> Place {
    let is_peer =
        |value: &&Value| value.segment == own.segment && value.measure == own.measure && value.account != own.account;
    let mut peers: Vec<Quantity> = values.iter().filter(is_peer).map(|value| value.value).collect();
    peers.sort_unstable();
    let enough = peers.len() >= LEAST_PEERS;
    let less = peers.partition_point(|value| *value < own.value);
    Place {
        measure: own.measure.clone(),
        value: own.value,
        median: percentile(&peers, 50).filter(|_| enough),
        above_percent: enough.then(|| (less * 100 / peers.len()) as u64),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn value(number: usize, segment: Segment, value: i32) -> Value {
        let account = AccountId::new(format!("a{number}")).unwrap();
        Value { account, segment, measure: "score".into(), value: Quantity::whole(value) }
    }

    fn values(count: usize) -> Vec<Value> {
        (0..count).map(|number| value(number, Segment::Enterprise, i32::try_from(number).unwrap() * 10)).collect()
    }

    #[test]
    fn a103_of_fewer_than_five_peers_nothing_is_said() {
        let told = |count| benchmarks(&values(count)).remove(0);
        assert_eq!((told(4).peers, told(4).percentiles), (None, None));
        let five = told(5);
        assert_eq!(five.peers, Some(5));
        let texts: Vec<_> = five.percentiles.unwrap().iter().map(ToString::to_string).collect();
        assert_eq!(texts, ["0", "10", "20", "30", "40"]);
        let first = AccountId::new("a2").unwrap();
        assert_eq!(places(&values(5), &first)[0].median, None, "it is not its own peer");
        let place = places(&values(6), &first).remove(0);
        assert_eq!((place.median.unwrap().to_string(), place.above_percent), ("30".into(), Some(40)));
    }

    proptest! {
        #[test]
        fn a103_percentiles_equal_brute_force(all in prop::collection::vec((0_usize..3, -50_i32..50), 0..40)) {
            let values: Vec<Value> =
                all.iter().enumerate().map(|(number, (segment, amount))| value(number, Segment::ALL[*segment], *amount)).collect();
            for benchmark in benchmarks(&values) {
                let peers: Vec<i32> = all
                    .iter()
                    .filter(|(segment, _)| Segment::ALL[*segment] == benchmark.segment)
                    .map(|(_, amount)| *amount)
                    .collect();
                prop_assert_eq!(benchmark.percentiles.is_some(), peers.len() >= 5);
                let Some(told) = benchmark.percentiles else { continue };
                for (percent, told) in PERCENTS.into_iter().zip(told) {
                    let covers = |limit: &i32| peers.iter().filter(|one| *one <= limit).count() * 100 >= peers.len() * percent;
                    let least = peers.iter().copied().filter(covers).min().unwrap();
                    prop_assert_eq!(told, Quantity::whole(least));
                }
            }
        }
    }
}

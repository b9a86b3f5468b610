//! What support came to over all accounts: how many cases, how fast they were answered and solved, by how bad they were, by
//! the way they came and by week, and what people said of it.

use crate::day::Day;
use crate::fixed::{Quantity, divide_half_even};
use crate::signal::{Channel, Metric, Severity};
use crate::story::{CaseView, Second, Story};
use crate::support::Durations;
use jiff::Timestamp;
use std::collections::BTreeMap;

/// What some cases come to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rollup {
    /// How many were opened within the days.
    pub opened: u64,
    /// How many were solved within the days and still are.
    pub resolved: u64,
    /// How often those that were opened within the days came back after they had been solved.
    pub reopened: u64,
    /// From opening to the first answer, of those opened within the days that have one, in seconds.
    pub first_response: Durations,
    /// From opening to the resolution that stands, of those solved within the days, in seconds.
    pub resolution: Durations,
}

/// What support came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Desk {
    /// All together.
    pub all: Rollup,
    /// Cases that are open now, whenever they were opened.
    pub open: u64,
    /// By how bad they are.
    pub by_severity: BTreeMap<Severity, Rollup>,
    /// By the way they came; none where nobody said.
    pub by_channel: BTreeMap<Option<Channel>, Rollup>,
    /// By the Monday of the week in which they were opened, or solved.
    pub by_week: BTreeMap<Day, Rollup>,
    /// How many people answered how content they are in the 90 days before their account's last news, and the mean.
    pub csat: Option<(u64, Quantity)>,
}

/// The day on which a second lies.
pub fn day_of(second: Second) -> Day {
    Timestamp::from_second(second).map_or(Day::default(), Day::of)
}

/// A case with the days for which it counts.
struct Counted<'a> {
    case: &'a CaseView,
    opened: Option<Day>,
    resolved: Option<Day>,
}

/// What support came to from one day to another, both included.
pub fn desk<'a>(stories: impl IntoIterator<Item = &'a Story>, first: Day, last: Day) -> Desk {
    let stories: Vec<&Story> = stories.into_iter().collect();
    let cases: Vec<&CaseView> = stories.iter().flat_map(|story| story.cases.values()).collect();
    let within = |second: Second| Some(day_of(second)).filter(|day| (first..=last).contains(day));
    let counted: Vec<Counted<'_>> = cases
        .iter()
        .map(|case| Counted { case, opened: within(case.opened), resolved: case.resolved.and_then(within) })
        .filter(|counted| counted.opened.is_some() || counted.resolved.is_some())
        .collect();
    Desk {
        all: rollup(&counted, |_| true, |_| true),
        open: cases.iter().filter(|case| case.resolved.is_none()).count() as u64,
        by_severity: by(&counted, |counted| counted.case.severity),
        by_channel: by(&counted, |counted| counted.case.channel),
        by_week: by_week(&counted),
        csat: csat(&stories),
    }
}

fn by<K: Ord>(counted: &[Counted<'_>], key: impl Fn(&Counted<'_>) -> K) -> BTreeMap<K, Rollup> {
    let same = |one: &Counted<'_>, other: &K| key(one) == *other;
    let told = |key: K| {
        let rollup = rollup(counted, |one| same(one, &key), |one| same(one, &key));
        (key, rollup)
    };
    counted.iter().map(&key).map(told).collect()
}

fn by_week(counted: &[Counted<'_>]) -> BTreeMap<Day, Rollup> {
    let monday = |day: Day| day.plus(-i32::from(day.weekday()));
    let weeks = counted.iter().flat_map(|one| [one.opened, one.resolved]).flatten().map(monday);
    let told = |week: Day| {
        let is = |day: Option<Day>| day.map(monday) == Some(week);
        (week, rollup(counted, |one| is(one.opened), |one| is(one.resolved)))
    };
    weeks.map(told).collect()
}

/// What those come to that were opened, or solved, within the days and are meant.
fn rollup(
    counted: &[Counted<'_>],
    opened: impl Fn(&Counted<'_>) -> bool,
    resolved: impl Fn(&Counted<'_>) -> bool,
) -> Rollup {
    let opened: Vec<&CaseView> =
        counted.iter().filter(|one| one.opened.is_some() && opened(one)).map(|one| one.case).collect();
    let resolved: Vec<&CaseView> =
        counted.iter().filter(|one| one.resolved.is_some() && resolved(one)).map(|one| one.case).collect();
    let took = |case: &CaseView, until: Option<Second>| Some(until?.saturating_sub(case.opened));
    Rollup {
        opened: opened.len() as u64,
        resolved: resolved.len() as u64,
        reopened: opened.iter().map(|case| u64::from(case.reopened)).sum(),
        first_response: opened.iter().filter_map(|case| took(case, case.answered)).collect(),
        resolution: resolved.iter().filter_map(|case| took(case, case.resolved)).collect(),
    }
}

fn csat(stories: &[&Story]) -> Option<(u64, Quantity)> {
    let answers = stories.iter().filter_map(|story| story.measures.as_ref()?.answers.get(&Metric::Csat));
    let (count, sum) =
        answers.fold((0_u64, 0_i128), |(count, sum), one| (count + one.count, sum + i128::from(one.sum)));
    let mean = (count > 0).then(|| divide_half_even(sum, i128::from(count)))?;
    Some((count, Quantity::from_micros(i64::try_from(mean).ok()?)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::Segment;
    use crate::insight::fixtures::{START, about, any_about, any_case_news, case, story, with_case};
    use crate::signal::{About, CaseStatus};
    use proptest::prelude::*;

    fn stories(cases: &[(About, Vec<(i64, CaseStatus)>)]) -> Vec<Story> {
        let mut stories = vec![story("a", Segment::MidMarket, 1), story("b", Segment::Enterprise, 1)];
        for (number, (about, news)) in cases.iter().enumerate() {
            with_case(&mut stories[number % 2], &case(&format!("c{number}"), about, news));
        }
        stories
    }

    #[test]
    fn a100_support_is_worked_by_hand() {
        use CaseStatus::{Opened, Resolved, Responded};
        let phone = about(Some(Channel::Phone), None, None);
        let stories = stories(&[
            (phone.clone(), vec![(1, Opened), (2, Responded), (11, Resolved)]),
            (phone, vec![(30, Opened), (33, Responded), (40, Resolved), (50, Responded)]),
            (About::default(), vec![(200, Opened)]),
        ]);
        let first = day_of(START);
        let desk = desk(&stories, first, first.plus(6));
        assert_eq!((desk.all.opened, desk.all.resolved, desk.all.reopened, desk.open), (2, 1, 1, 2));
        let phone = &desk.by_channel[&Some(Channel::Phone)];
        assert_eq!((phone.first_response.percentile(50), phone.resolution.percentile(90)), (Some(3_600), Some(36_000)));
        assert_eq!(desk.by_week.len(), 1, "two days of January, a Thursday and a Friday, are of one week");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(100))]
        #[test]
        fn a100_rollups_and_percentiles_equal_brute_force(
            all in prop::collection::vec((any_about(), any_case_news()), 0..25), from in 0_i32..50, days in 0_i32..30,
        ) {
            let stories = stories(&all);
            let first = day_of(START).plus(from);
            let last = first.plus(days);
            let desk = desk(&stories, first, last);
            // By hand, from the news of each case alone.
            let mut took: BTreeMap<Option<Channel>, Vec<i64>> = BTreeMap::new();
            let (mut opened, mut open) = (0, 0);
            for (number, (about, news)) in all.iter().enumerate() {
                let case = case(&format!("c{number}"), about, news);
                let news: Vec<_> = case.news().collect();
                let solved_at = news.iter().rposition(|one| one.status != CaseStatus::Resolved).map_or(0, |place| place + 1);
                let begun = news[0].at;
                opened += u64::from((first..=last).contains(&Day::of(begun)));
                match news.get(solved_at) {
                    None => open += 1,
                    Some(solved) if (first..=last).contains(&Day::of(solved.at)) => {
                        took.entry(about.channel).or_default().push(solved.at.as_second() - begun.as_second());
                    }
                    Some(_) => {}
                }
            }
            prop_assert_eq!((desk.all.opened, desk.open), (opened, open));
            for (channel, rollup) in &desk.by_channel {
                let took = took.remove(channel).unwrap_or_default();
                prop_assert_eq!(rollup.resolution.count(), took.len());
                for percent in [50, 90, 95] {
                    let covers = |limit: &i64| took.iter().filter(|one| *one <= limit).count() * 100 >= took.len() * percent;
                    prop_assert_eq!(rollup.resolution.percentile(percent), took.iter().copied().filter(covers).min());
                }
            }
            prop_assert!(took.is_empty(), "no way is left out");
            let sums = |rollups: Vec<&Rollup>| {
                rollups.iter().fold((0, 0), |sum, one| (sum.0 + one.opened, sum.1 + one.resolved))
            };
            let whole = (desk.all.opened, desk.all.resolved);
            prop_assert_eq!(sums(desk.by_channel.values().collect()), whole);
            prop_assert_eq!(sums(desk.by_severity.values().collect()), whole);
            prop_assert_eq!(sums(desk.by_week.values().collect()), whole);
        }
    }
}

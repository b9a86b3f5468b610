//! What an account's support came to over some days: how many cases, how long they took, and what people said of it.
//!
//! A percentile is the least value that so many of a hundred do not exceed (the nearest rank): it is a time that a case
//! took, never one between two.

use crate::case::Case;
use crate::day::Day;
use crate::fixed::Quantity;
use crate::series::Series;
use crate::signal::{CaseStatus, Metric, Severity};
use jiff::Timestamp;
use std::collections::BTreeMap;

/// Support over some days.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Support {
    /// Cases that were opened within the days, by severity.
    pub opened: BTreeMap<Severity, u64>,
    /// Cases that were resolved within the days and still are.
    pub resolved: u64,
    /// How often a case came back within the days after it was resolved.
    pub reopened: u64,
    /// Cases that are open now, whenever they were opened.
    pub open: u64,
    /// From opening to the first answer, of the cases opened within the days that have one.
    pub first_response: Durations,
    /// From opening to the resolution that stands, of the cases resolved within the days.
    pub resolution: Durations,
    /// How many answers there were to "how content are you", and their mean in percent.
    pub csat: Option<(u64, Quantity)>,
}

/// How long something took, in seconds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Durations {
    sorted: Vec<i64>,
}

impl Durations {
    /// How many there are.
    pub const fn count(&self) -> usize {
        self.sorted.len()
    }

    /// The least that `percent` of a hundred do not exceed. None of none.
    pub fn percentile(&self, percent: usize) -> Option<i64> {
        let rank = (self.sorted.len() * percent).div_ceil(100).max(1);
        self.sorted.get(rank - 1).copied()
    }
}

impl FromIterator<i64> for Durations {
    fn from_iter<I: IntoIterator<Item = i64>>(durations: I) -> Self {
        let mut sorted: Vec<i64> = durations.into_iter().collect();
        sorted.sort_unstable();
        Self { sorted }
    }
}

impl Support {
    /// What it came to from one day to another, both included.
    pub fn of(cases: &[Case], series: &Series, first: Day, last: Day) -> Self {
        let within = |moment: Timestamp| (first..=last).contains(&Day::of(moment));
        let took = |case: &Case, until: Timestamp| until.duration_since(case.opened_at()).as_secs();
        let opened = || cases.iter().filter(|case| within(case.opened_at()));
        let mut by_severity = BTreeMap::new();
        opened().for_each(|case| *by_severity.entry(case.severity()).or_default() += 1);
        let resolved: Vec<(&Case, Timestamp)> = cases
            .iter()
            .filter_map(|case| case.resolved_at().map(|at| (case, at)))
            .filter(|(_, at)| within(*at))
            .collect();
        let answers: Vec<_> =
            series.buckets(Metric::Csat, first, last).iter().map(|(_, bucket)| bucket.count).collect();
        let days = u32::try_from(last.since(first) + 1).unwrap_or_default();
        let mean = series.window(Metric::Csat, last, days).mean();
        Self {
            opened: by_severity,
            resolved: resolved.len() as u64,
            reopened: cases.iter().map(|case| returns(case).filter(|at| within(*at)).count() as u64).sum(),
            open: cases.iter().filter(|case| case.status() != CaseStatus::Resolved).count() as u64,
            first_response: opened().filter_map(|case| Some(took(case, case.responded_at()?))).collect(),
            resolution: resolved.iter().map(|(case, at)| took(case, *at)).collect(),
            csat: mean.map(|mean| (answers.iter().map(|count| u64::from(*count)).sum(), mean)),
        }
    }
}

/// When a case came back after it had been resolved.
fn returns(case: &Case) -> impl Iterator<Item = Timestamp> + '_ {
    let pairs = case.news().zip(case.news().skip(1));
    let came_back = |(before, after): &(&crate::case::News, &crate::case::News)| {
        before.status == CaseStatus::Resolved && after.status != CaseStatus::Resolved
    };
    pairs.filter(came_back).map(|(_, after)| after.at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::News;
    use crate::id::{CaseId, SignalId, SourceId};
    use crate::page::fixtures::{daily, day, series};
    use proptest::prelude::*;

    fn today() -> Day {
        day("2026-03-30")
    }

    /// A case by how many hours before the end of today each of its news was.
    fn case(name: &str, news: &[(i64, CaseStatus)]) -> Case {
        let one = |(number, (hours, status)): (usize, &(i64, CaseStatus))| News {
            at: today().plus(1).start() - jiff::SignedDuration::from_hours(*hours),
            status: *status,
            severity: Severity::High,
            source: SourceId::new("desk").unwrap(),
            id: SignalId::new(format!("{number}")).unwrap(),
            about: Default::default(),
        };
        let mut all = news.iter().enumerate().map(one);
        let (mut case, _) = Case::new(CaseId::new(name).unwrap(), all.next().unwrap());
        all.for_each(|news| drop(case.record(news)));
        case
    }

    #[test]
    fn a72_what_a_case_counts_for_is_worked_by_hand() {
        use CaseStatus::{Opened, Resolved, Responded};
        let cases = [
            case("a", &[(50, Opened), (48, Responded), (40, Resolved)]),
            case("b", &[(30, Opened), (29, Responded), (20, Resolved), (10, Responded), (5, Resolved)]),
            case("c", &[(24 * 40, Opened), (2, Resolved)]),
            case("d", &[(3, Opened)]),
        ];
        let csat = series(daily(Metric::Csat, [(today(), "90"), (today().plus(-1), "80"), (today().plus(-60), "10")]));
        let support = Support::of(&cases, &csat, today().plus(-29), today());
        assert_eq!(support.opened, BTreeMap::from([(Severity::High, 3)]), "one was opened before");
        assert_eq!((support.resolved, support.reopened, support.open), (3, 1, 1));
        assert_eq!(support.first_response.percentile(50), Some(3_600));
        assert_eq!(support.resolution.percentile(50), Some(25 * 3_600), "up to the resolution that stands");
        assert_eq!(support.csat, Some((2, Quantity::whole(85))));
        let nothing = Support::of(&[], &Series::default(), today(), today());
        assert_eq!((nothing.csat, nothing.resolution.percentile(90)), (None, None));
    }

    fn any_case() -> impl Strategy<Value = Vec<(i64, CaseStatus)>> {
        use CaseStatus::{Opened, Resolved, Responded, WaitingOnCustomer};
        let status = prop::sample::select(vec![Opened, Responded, WaitingOnCustomer, Resolved]);
        prop::collection::vec((0_i64..24 * 60, status), 1..8)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(100))]
        #[test]
        fn a72_percentiles_of_random_case_streams_equal_brute_force(
            streams in prop::collection::vec(any_case(), 1..40), days in 1_i32..60,
        ) {
            let cases: Vec<Case> =
                streams.iter().enumerate().map(|(number, news)| case(&format!("c{number}"), news)).collect();
            let (first, last) = (today().plus(1 - days), today());
            let support = Support::of(&cases, &Series::default(), first, last);
            // By hand: every case from its news alone.
            let mut took = Vec::new();
            for case in &cases {
                let news: Vec<&News> = case.news().collect();
                let mut resolved = None;
                for one in &news {
                    resolved = match (one.status, resolved) {
                        (CaseStatus::Resolved, None) => Some(one.at),
                        (CaseStatus::Resolved, since) => since,
                        _ => None,
                    };
                }
                if let Some(at) = resolved.filter(|at| Day::of(*at) >= first && Day::of(*at) <= last) {
                    took.push(at.as_second() - news[0].at.as_second());
                }
            }
            prop_assert_eq!(support.resolution.count(), took.len());
            for percent in [50, 90] {
                let covers = |limit: &i64| took.iter().filter(|seconds| *seconds <= limit).count() * 100 >= took.len() * percent;
                let expected = took.iter().filter(|limit| covers(limit)).min().copied();
                prop_assert_eq!(support.resolution.percentile(percent), expected);
            }
        }
    }
}

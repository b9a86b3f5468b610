//! Pages: the set of an account's signals of one UTC day, and what the day's signals amount to.
//!
//! A page is a set: any order, batching or repetition of the same signals gives the same page, byte for byte, as long
//! as it is not full. A signal is named by its source and its id; when a source sends two different contents under one
//! name, the greater in the order of [`Signal`] stands (the later in time), whichever came first.

#[cfg(test)]
pub(crate) mod fixtures;

use crate::day::Day;
use crate::fixed::{ONE, Quantity};
use crate::id::{CaseId, MeetingId, SignalId, SourceId};
use crate::quality::{Refusal, SourceDay};
use crate::signal::{CaseStatus, Detail, Fold, MeetingResult, Metric, Severity, Signal};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The most signals of one account on one day.
pub const MAX_SIGNALS: usize = 2_000;
/// The most sources that speak of one account on one day.
pub const MAX_SOURCES: usize = 32;
/// The most bytes of a page as JSON, with room below the table's limit of 400 KB for one item.
pub const MAX_BYTES: usize = 350_000;
/// The most refused records that a page remembers, each by its name and source alone.
pub const MAX_REFUSALS: usize = 200;
/// The most competitor sightings that are kept of one day.
pub const MAX_SIGHTINGS: usize = 8;

/// The signals of one account on one UTC day, and that records about it were refused that day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "stored::Page", into = "stored::Page")]
pub struct Page {
    day: Day,
    sources: BTreeMap<SourceId, BTreeMap<SignalId, Signal>>,
    signals: usize,
    bytes: usize,
    /// By the record's name.
    refused: BTreeMap<String, (SourceId, Refusal)>,
}

/// What became of the signals that were put on a page.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Merged {
    /// Signals that the page did not have.
    pub added: usize,
    /// Signals that took the place of another content under the same name.
    pub replaced: usize,
    /// Signals that the page had already, or whose name it has with a content that stands before theirs.
    pub duplicates: usize,
    /// Signals that the page cannot hold: it is full, or they are of another day.
    pub refused: Vec<Signal>,
}

impl Merged {
    /// Whether the page is another one than before.
    pub const fn changed(&self) -> bool {
        self.added + self.replaced > 0
    }
}

/// What one metric amounts to on one day. A bucket that exists is knowledge: with `count` 0 it says "none that day".
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Bucket {
    /// How many values went in.
    pub count: u32,
    /// Their sum in millionths of the unit; of metrics that fold to one value a day, that value.
    pub sum: i64,
}

/// A competitor was seen at the account.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Sighting {
    /// How sure the source is, in percent.
    pub confidence: Quantity,
    /// From when on it no longer counts.
    pub expires_at: Timestamp,
    /// When it was seen.
    pub at: Timestamp,
    /// Who was seen.
    pub competitor: String,
}

/// What a page amounts to: all that the series keeps of a day.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DayFold {
    /// A bucket for each metric that is known of the day.
    pub buckets: BTreeMap<Metric, Bucket>,
    /// Competitor sightings, the surest first; those that another outdoes in both confidence and expiry are left out.
    pub sightings: Vec<Sighting>,
    /// Who spoke that day.
    pub sources: BTreeSet<SourceId>,
    /// What each source's records came to, the refused ones included.
    pub told: BTreeMap<SourceId, SourceDay>,
}

impl Page {
    /// An empty page.
    pub const fn new(day: Day) -> Self {
        Self { day, sources: BTreeMap::new(), signals: 0, bytes: 0, refused: BTreeMap::new() }
    }

    /// The page's day.
    pub const fn day(&self) -> Day {
        self.day
    }

    /// How many signals it holds.
    pub const fn len(&self) -> usize {
        self.signals
    }

    /// Whether it holds none.
    pub const fn is_empty(&self) -> bool {
        self.signals == 0
    }

    /// The signals, by source and id.
    pub fn signals(&self) -> impl Iterator<Item = &Signal> {
        self.sources.values().flat_map(BTreeMap::values)
    }

    /// The signal of this name, if the page has it.
    pub fn get(&self, source: &SourceId, id: &SignalId) -> Option<&Signal> {
        self.sources.get(source)?.get(id)
    }

    /// Puts signals on the page. What is on it already stays; what does not fit is handed back.
    pub fn merge(&mut self, signals: impl IntoIterator<Item = Signal>) -> Merged {
        let mut merged = Merged::default();
        for signal in signals {
            if Day::of(signal.at) != self.day {
                merged.refused.push(signal);
            } else if let Some(present) = self.sources.get_mut(&signal.source).and_then(|ids| ids.get_mut(&signal.id)) {
                if *present >= signal {
                    merged.duplicates += 1;
                } else {
                    self.bytes = (self.bytes + bytes_of(&signal)).saturating_sub(bytes_of(present));
                    *present = signal;
                    merged.replaced += 1;
                }
            } else if self.has_room_for(&signal) {
                self.bytes += bytes_of(&signal);
                self.signals += 1;
                self.sources.entry(signal.source.clone()).or_default().insert(signal.id.clone(), signal);
                merged.added += 1;
            } else {
                merged.refused.push(signal);
            }
        }
        merged
    }

    /// Remembers that a record was refused. Says whether the page is another one now. The name is made from the record's
    /// content, so that what is sent again counts once. Of too many those with the least names are remembered: which they
    /// are depends on nothing but the names.
    pub fn refuse(&mut self, name: String, source: SourceId, why: Refusal) -> bool {
        if self.refused.contains_key(&name) {
            return false;
        }
        let greatest = self.refused.last_key_value().map(|(name, _)| name);
        if self.refused.len() >= MAX_REFUSALS && greatest.is_some_and(|greatest| *greatest < name) {
            return false;
        }
        self.refused.insert(name, (source, why));
        if self.refused.len() > MAX_REFUSALS {
            self.refused.pop_last();
        }
        true
    }

    /// Records by source: those that it holds, and those that were refused of at most [`MAX_SOURCES`] sources.
    fn told(&self) -> BTreeMap<SourceId, SourceDay> {
        let mut told: BTreeMap<SourceId, SourceDay> = BTreeMap::new();
        for signal in self.signals() {
            told.entry(signal.source.clone()).or_default().accept(signal.metric, signal.at);
        }
        let sources: BTreeSet<&SourceId> = self.refused.values().map(|(source, _)| source).collect();
        let counted: BTreeSet<&SourceId> = sources.into_iter().take(MAX_SOURCES).collect();
        for (source, why) in self.refused.values().filter(|(source, _)| counted.contains(source)) {
            told.entry(source.clone()).or_default().refuse(*why);
        }
        told
    }

    fn has_room_for(&self, signal: &Signal) -> bool {
        self.signals < MAX_SIGNALS
            && self.bytes + bytes_of(signal) <= MAX_BYTES
            && (self.sources.len() < MAX_SOURCES || self.sources.contains_key(&signal.source))
    }

    /// What the day's signals amount to. Exact: whole numbers only, and the same for the same set of signals.
    pub fn fold(&self) -> DayFold {
        let mut fold =
            DayFold { sources: self.sources.keys().cloned().collect(), told: self.told(), ..DayFold::default() };
        // In the order of time, so that the last value is the latest.
        let mut signals: Vec<&Signal> = self.signals().collect();
        signals.sort_unstable();
        for signal in &signals {
            fold.add(signal.metric, signal.value.micros());
            if signal.metric == Metric::NpsAnswer {
                fold.add(Metric::NetPromoter, net_promoter(signal.value));
            }
        }
        fold.severe_incidents(&signals);
        fold.executive_meetings(&signals);
        fold.sightings = sightings(&signals);
        fold
    }
}

impl DayFold {
    fn add(&mut self, metric: Metric, micros: i64) {
        let bucket = self.buckets.entry(metric).or_default();
        *bucket = match metric.fold() {
            Fold::Sum | Fold::Mean => Bucket { count: bucket.count + 1, sum: bucket.sum.saturating_add(micros) },
            Fold::Last => Bucket { count: 1, sum: micros },
            Fold::Max if bucket.count == 0 => Bucket { count: 1, sum: micros },
            Fold::Max => Bucket { count: 1, sum: bucket.sum.max(micros) },
        };
    }

    fn set_count(&mut self, metric: Metric, count: usize) {
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        self.buckets.insert(metric, Bucket { count, sum: i64::from(count) * ONE });
    }

    /// Distinct cases opened as critical or high. A day with other case news only is a day with none.
    fn severe_incidents(&mut self, signals: &[&Signal]) {
        let mut heard = false;
        let mut severe: BTreeSet<&CaseId> = BTreeSet::new();
        for signal in signals {
            if let Detail::Case { case, severity, status, .. } = &signal.detail {
                heard = true;
                if *status == CaseStatus::Opened && matches!(severity, Severity::Critical | Severity::High) {
                    severe.insert(case);
                }
            }
        }
        if heard {
            self.set_count(Metric::SevereIncidents, severe.len());
        }
    }

    /// Distinct executive meetings held and not held. Where two calendars disagree the later statement stands.
    fn executive_meetings(&mut self, signals: &[&Signal]) {
        let mut results: BTreeMap<&MeetingId, MeetingResult> = BTreeMap::new();
        for signal in signals {
            if let Detail::Meeting { meeting, result, executive: true } = &signal.detail {
                results.insert(meeting, *result);
            }
        }
        if !results.is_empty() {
            let held = results.values().filter(|result| **result == MeetingResult::Held).count();
            self.set_count(Metric::ExecutiveMeetingsHeld, held);
            self.set_count(Metric::ExecutiveMeetingsMissed, results.len() - held);
        }
    }
}

/// +100 for a promoter (9-10), −100 for a detractor (0-6), in millionths.
fn net_promoter(answer: Quantity) -> i64 {
    if answer >= Quantity::whole(9) {
        100 * ONE
    } else if answer >= Quantity::whole(7) {
        0
    } else {
        -100 * ONE
    }
}

/// The sightings that can ever be the surest one, the surest first.
fn sightings(signals: &[&Signal]) -> Vec<Sighting> {
    let mut all: Vec<Sighting> = signals
        .iter()
        .filter_map(|signal| match &signal.detail {
            Detail::Competitor { competitor, expires_at } => Some(Sighting {
                confidence: signal.value,
                expires_at: *expires_at,
                at: signal.at,
                competitor: competitor.clone(),
            }),
            _ => None,
        })
        .collect();
    all.sort_unstable_by(|a, b| b.cmp(a));
    let mut kept: Vec<Sighting> = Vec::new();
    for sighting in all {
        if kept.len() < MAX_SIGHTINGS && kept.iter().all(|surer| surer.expires_at < sighting.expires_at) {
            kept.push(sighting);
        }
    }
    kept
}

/// At most how many bytes a signal takes on a page: its fixed parts, and its texts with every character escaped.
fn bytes_of(signal: &Signal) -> usize {
    const FIXED: usize = 110;
    let detail = match &signal.detail {
        Detail::None => 0,
        Detail::Case { case, about, .. } => {
            let texts = about.category.as_ref().map_or(0, |id| id.as_str().len())
                + about.assignee.as_ref().map_or(0, |id| id.as_str().len());
            if about.is_nothing() { 80 + case.as_str().len() } else { 240 + case.as_str().len() + texts }
        }
        Detail::Meeting { meeting, .. } => 80 + meeting.as_str().len(),
        Detail::Competitor { competitor, .. } => 100 + 2 * competitor.len(),
        Detail::Milestone { milestone } => 40 + 2 * milestone.len(),
    };
    FIXED + signal.id.as_str().len() + detail
}

/// The page as it is stored: sources once, signals as short rows.
mod stored {
    use super::MAX_REFUSALS;
    use super::{
        Day, Deserialize, Detail, Metric, Quantity, Refusal, Serialize, Signal, SignalId, SourceId, Timestamp,
    };
    use std::collections::BTreeMap;

    type Row = (SignalId, Timestamp, Metric, Quantity, Option<Detail>);

    #[derive(Serialize, Deserialize)]
    pub(super) struct Page {
        day: Day,
        sources: BTreeMap<SourceId, Vec<Row>>,
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        refused: BTreeMap<String, (SourceId, Refusal)>,
    }

    #[derive(Debug, thiserror::Error)]
    #[error("the page of {0} holds signals that do not belong on it")]
    pub(super) struct PageError(Day);

    impl From<super::Page> for Page {
        fn from(page: super::Page) -> Self {
            let row = |signal: Signal| {
                let detail = Some(signal.detail).filter(|detail| *detail != Detail::None);
                (signal.id, signal.at, signal.metric, signal.value, detail)
            };
            let sources = page.sources.into_iter().map(|(source, ids)| (source, ids.into_values().map(row).collect()));
            Self { day: page.day, sources: sources.collect(), refused: page.refused }
        }
    }

    impl TryFrom<Page> for super::Page {
        type Error = PageError;
        fn try_from(stored: Page) -> Result<Self, PageError> {
            let mut page = Self::new(stored.day);
            if stored.refused.len() > MAX_REFUSALS {
                return Err(PageError(stored.day));
            }
            page.refused = stored.refused;
            for (source, rows) in stored.sources {
                let signal = |(id, at, metric, value, detail): Row| {
                    let detail = detail.unwrap_or(Detail::None);
                    Signal { at, source: source.clone(), id, metric, value, detail }
                };
                let merged = page.merge(rows.into_iter().map(signal));
                if merged.duplicates + merged.replaced + merged.refused.len() > 0 {
                    return Err(PageError(stored.day));
                }
            }
            Ok(page)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::fixtures::*;
    use super::*;
    use proptest::prelude::*;

    fn page(signals: impl IntoIterator<Item = Signal>) -> Page {
        let mut page = Page::new(day("2026-03-02"));
        assert_eq!(page.merge(signals).refused, []);
        page
    }

    #[track_caller]
    fn check(signals: impl IntoIterator<Item = Signal>, metric: Metric, expected: Option<(u32, &str)>) {
        let bucket = page(signals).fold().buckets.get(&metric).copied();
        let expected = expected.map(|(count, sum)| Bucket { count, sum: sum.parse::<Quantity>().unwrap().micros() });
        assert_eq!(bucket, expected);
    }

    const NINE: &str = "2026-03-02T09:00:00Z";
    const TEN: &str = "2026-03-02T10:00:00Z";

    #[test]
    fn a70_a_day_is_folded_as_its_metric_says() {
        let two =
            |metric, late, early| [signal("a", "2", at(TEN), metric, late), signal("a", "1", at(NINE), metric, early)];
        check(two(Metric::Logins, "3", "4"), Metric::Logins, Some((2, "7")));
        check(two(Metric::Uptime, "99.5", "100"), Metric::Uptime, Some((2, "199.5")));
        check(two(Metric::LicensedUsers, "3", "4"), Metric::LicensedUsers, Some((1, "3")));
        check(two(Metric::NpsAnswer, "9", "6"), Metric::NpsAnswer, Some((2, "15")));
        check(two(Metric::NpsAnswer, "9", "6"), Metric::NetPromoter, Some((2, "0")));
        check(two(Metric::NpsAnswer, "10", "7"), Metric::NetPromoter, Some((2, "100")));
        check(two(Metric::Logins, "3", "4"), Metric::ActiveUsers, None);
    }

    #[test]
    fn a73_the_same_meeting_from_two_calendars_counts_once() {
        let held = || {
            [
                meeting("google", "g1", at(NINE), "qbr", MeetingResult::Held),
                meeting("outlook", "o1", at(TEN), "qbr", MeetingResult::Held),
            ]
        };
        check(held(), Metric::ExecutiveMeetingsHeld, Some((1, "1")));
        check(held(), Metric::ExecutiveMeetingsMissed, Some((0, "0")));
    }

    #[test]
    fn a73_where_calendars_disagree_the_later_statement_stands() {
        let first = meeting("google", "g1", at(NINE), "qbr", MeetingResult::Held);
        let later = meeting("outlook", "o1", at(TEN), "qbr", MeetingResult::Missed);
        for signals in [[first.clone(), later.clone()], [later, first]] {
            check(signals.clone(), Metric::ExecutiveMeetingsHeld, Some((0, "0")));
            check(signals, Metric::ExecutiveMeetingsMissed, Some((1, "1")));
        }
    }

    #[test]
    fn meetings_without_an_executive_are_not_counted() {
        let mut working = meeting("google", "g1", at(NINE), "weekly", MeetingResult::Missed);
        working.detail = Detail::Meeting {
            meeting: MeetingId::new("weekly").unwrap(),
            result: MeetingResult::Missed,
            executive: false,
        };
        check([working.clone()], Metric::ExecutiveMeetingsMissed, None);
        check([working], Metric::MeetingEvent, Some((1, "1")));
    }

    #[test]
    fn severe_incidents_are_distinct_cases_opened_and_none_is_known_from_other_case_news() {
        let opened = |id, name, severity| case(id, at(NINE), name, severity, CaseStatus::Opened);
        let signals = [
            opened("1", "a", Severity::Critical),
            opened("2", "a", Severity::High),
            opened("3", "b", Severity::High),
            opened("4", "c", Severity::Medium),
            case("5", at(TEN), "d", Severity::Critical, CaseStatus::Resolved),
        ];
        check(signals, Metric::SevereIncidents, Some((2, "2")));
        check([opened("4", "c", Severity::Low)], Metric::SevereIncidents, Some((0, "0")));
    }

    #[test]
    fn sightings_that_another_outdoes_are_left_out() {
        let until = |text: &str| at(&format!("{text}T00:00:00Z"));
        let fold = page([
            competitor("1", at(NINE), "80", until("2026-03-20")),
            competitor("2", at(NINE), "70", until("2026-03-10")),
            competitor("3", at(NINE), "40", until("2026-04-20")),
        ])
        .fold();
        let kept: Vec<String> = fold.sightings.iter().map(|sighting| sighting.confidence.to_string()).collect();
        assert_eq!(kept, ["80", "40"]);
        assert_eq!(fold.buckets[&Metric::CompetitorSeen], Bucket { count: 1, sum: 80 * ONE });
    }

    #[test]
    fn of_two_contents_under_one_name_the_later_stands_whichever_came_first() {
        let early = signal("a", "1", at(NINE), Metric::Logins, "9");
        let late = signal("a", "1", at(TEN), Metric::Logins, "3");
        let mut one = Page::new(day("2026-03-02"));
        let merged = one.merge([early.clone(), late.clone()]);
        assert_eq!((merged.added, merged.replaced, merged.duplicates), (1, 1, 0));
        let mut other = Page::new(day("2026-03-02"));
        let merged = other.merge([late, early]);
        assert_eq!((merged.added, merged.replaced, merged.duplicates), (1, 0, 1));
        assert_eq!(one, other);
        assert_eq!(one.fold().buckets[&Metric::Logins].sum, 3 * ONE);
    }

    #[test]
    fn a_full_page_hands_back_what_is_new_and_still_knows_what_it_has() {
        let many = |from: usize, to: usize| {
            (from..to).map(|n| signal("a", &n.to_string(), at(NINE), Metric::Logins, "1")).collect::<Vec<_>>()
        };
        let mut page = page(many(0, MAX_SIGNALS));
        let merged = page.merge(many(MAX_SIGNALS - 5, MAX_SIGNALS + 5));
        assert_eq!((merged.added, merged.duplicates, merged.refused.len()), (0, 5, 5));
        assert!(!merged.changed());
        assert_eq!(page.len(), MAX_SIGNALS);
    }

    #[test]
    fn a_page_refuses_signals_of_another_day_and_a_crowd_of_sources() {
        let mut page = Page::new(day("2026-03-02"));
        let stranger = signal("a", "1", at("2026-03-03T00:00:00Z"), Metric::Logins, "1");
        assert_eq!(page.merge([stranger.clone()]).refused, [stranger]);
        let crowd = (0..=MAX_SOURCES).map(|n| signal(&format!("s{n}"), "1", at(NINE), Metric::Logins, "1"));
        assert_eq!(page.merge(crowd).refused.len(), 1);
    }

    #[test]
    fn the_largest_page_fits_into_an_item() {
        let long = "x".repeat(128);
        let wide = |n: usize| {
            let competitor = "\"".repeat(128);
            let detail = Detail::Competitor { competitor, expires_at: at("2026-12-02T09:00:00.123456789Z") };
            let id = format!("{n:0>128}");
            let at = at("2026-03-02T09:00:00.123456789Z");
            Signal { detail, ..signal(&long, &id, at, Metric::CompetitorSeen, "99.123456") }
        };
        let mut page = Page::new(day("2026-03-02"));
        let refused = page.merge((0..MAX_SIGNALS).map(wide)).refused.len();
        let bytes = serde_json::to_vec(&page).unwrap().len();
        assert!(refused > 0 && bytes <= MAX_BYTES + 1_000 && bytes > MAX_BYTES / 2, "{bytes} bytes, {refused} refused");
    }

    #[test]
    fn a_stored_page_with_a_signal_of_another_day_is_refused() {
        let text = r#"{"day":"2026-03-02","sources":{"a":[["1","2026-03-03T09:00:00Z","logins","1",null]]}}"#;
        assert!(serde_json::from_str::<Page>(text).is_err());
        assert!(serde_json::from_str::<Page>(&text.replace("03-03T", "03-02T")).is_ok());
    }

    proptest! {
        #[test]
        fn any_order_batching_and_repetition_gives_the_same_bytes(
            signals in prop::collection::vec(any_signal(1), 0..60),
            again in prop::collection::vec(any::<prop::sample::Index>(), 0..20),
            cuts in 1_usize..7,
            seed in any::<u64>(),
        ) {
            let once = |signals: &[Signal]| {
                let mut page = Page::new(Day::from_number(20_454));
                page.merge(signals.iter().cloned());
                page
            };
            let mut shuffled = signals.clone();
            if !signals.is_empty() {
                shuffled.extend(again.iter().map(|index| index.get(&signals).clone()));
            }
            // A fixed shuffle of the seed's making.
            shuffled.sort_by_key(|signal| crate::digest::Digest::of("shuffle", [&seed.to_be_bytes()[..], format!("{signal:?}").as_bytes()]));
            let mut page = Page::new(Day::from_number(20_454));
            for batch in shuffled.chunks(cuts) {
                page.merge(batch.iter().cloned());
            }
            let bytes = serde_json::to_vec(&page).unwrap();
            prop_assert_eq!(&bytes, &serde_json::to_vec(&once(&signals)).unwrap());
            prop_assert_eq!(serde_json::from_slice::<Page>(&bytes).unwrap(), page);
        }

        #[test]
        fn a70_the_fold_equals_brute_force(signals in prop::collection::vec(any_signal(1), 0..60)) {
            let mut page = Page::new(Day::from_number(20_454));
            page.merge(signals);
            let fold = page.fold();
            let of = |metric: Metric| page.signals().filter(move |signal| signal.metric == metric);
            let sum = |metric| of(metric).map(|signal| i128::from(signal.value.micros())).sum::<i128>();
            for metric in [Metric::Logins, Metric::ActiveUsers, Metric::Uptime, Metric::CaseEvent] {
                let bucket = fold.buckets.get(&metric).copied().unwrap_or_default();
                prop_assert_eq!(u32::try_from(of(metric).count()).unwrap(), bucket.count);
                prop_assert_eq!(sum(metric), i128::from(bucket.sum));
            }
            let last = of(Metric::LicensedUsers).max().map(|signal| signal.value.micros());
            prop_assert_eq!(last, fold.buckets.get(&Metric::LicensedUsers).map(|bucket| bucket.sum));
            let promoters = of(Metric::NpsAnswer).filter(|signal| signal.value.micros() >= 9 * ONE).count();
            let detractors = of(Metric::NpsAnswer).filter(|signal| signal.value.micros() < 7 * ONE).count();
            let net = 100 * ONE * (i64::try_from(promoters).unwrap() - i64::try_from(detractors).unwrap());
            prop_assert_eq!(net, fold.buckets.get(&Metric::NetPromoter).map_or(0, |bucket| bucket.sum));
            let severe = |name: &str| of(Metric::CaseEvent).any(|signal| matches!(&signal.detail,
                Detail::Case { case, severity: Severity::Critical | Severity::High, status: CaseStatus::Opened, .. }
                if case.as_str() == name));
            let severe = ["case-0", "case-1", "case-2", "case-3"].into_iter().filter(|name| severe(name)).count();
            let counted = fold.buckets.get(&Metric::SevereIncidents).map_or(0, |bucket| bucket.count);
            prop_assert_eq!(u32::try_from(severe).unwrap(), counted);
        }

        #[test]
        fn the_sightings_kept_answer_as_all_would(signals in prop::collection::vec(any_signal(1), 0..60), hours in 0_i64..2_000) {
            let mut page = Page::new(Day::from_number(20_454));
            page.merge(signals);
            let then = Timestamp::from_second(1_768_000_000 + hours * 3_600).unwrap();
            let all = page.signals().filter_map(|signal| match &signal.detail {
                Detail::Competitor { expires_at, .. } if *expires_at > then => Some(signal.value),
                _ => None,
            });
            let kept = page.fold().sightings.into_iter().filter(|sighting| sighting.expires_at > then);
            prop_assert_eq!(all.max(), kept.map(|sighting| sighting.confidence).max());
        }
    }
}

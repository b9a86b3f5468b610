//! Pages: the set of an account's signals of one UTC day, and what the day's signals amount to.
//!
//! A page is a set: any order, batching or repetition of the same signals gives the same page, byte for byte, as long
//! as it is not full. A signal is named by its source and its id; when a source sends two different contents under one
//! name, the greater in the order of [`Signal`] stands (the later in time), whichever came first.

use crate::day::Day;
use crate::fixed::{ONE, Quantity};
use crate::id::{CaseId, MeetingId, SignalId, SourceId};
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
/// The most competitor sightings that are kept of one day.
pub const MAX_SIGHTINGS: usize = 8;

/// The signals of one account on one UTC day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "stored::Page", into = "stored::Page")]
pub struct Page {
    day: Day,
    sources: BTreeMap<SourceId, BTreeMap<SignalId, Signal>>,
    signals: usize,
    bytes: usize,
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
}

impl Page {
    /// An empty page.
    pub const fn new(day: Day) -> Self {
        Self { day, sources: BTreeMap::new(), signals: 0, bytes: 0 }
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

    fn has_room_for(&self, signal: &Signal) -> bool {
        self.signals < MAX_SIGNALS
            && self.bytes + bytes_of(signal) <= MAX_BYTES
            && (self.sources.len() < MAX_SOURCES || self.sources.contains_key(&signal.source))
    }

    /// What the day's signals amount to. Exact: whole numbers only, and the same for the same set of signals.
    pub fn fold(&self) -> DayFold {
        let mut fold = DayFold { sources: self.sources.keys().cloned().collect(), ..DayFold::default() };
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
            if let Detail::Case { case, severity, status } = &signal.detail {
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
        Detail::Case { case, .. } => 80 + case.as_str().len(),
        Detail::Meeting { meeting, .. } => 80 + meeting.as_str().len(),
        Detail::Competitor { competitor, .. } => 100 + 2 * competitor.len(),
        Detail::Milestone { milestone } => 40 + 2 * milestone.len(),
    };
    FIXED + signal.id.as_str().len() + detail
}

/// The page as it is stored: sources once, signals as short rows.
mod stored {
    use super::{Day, Deserialize, Detail, Metric, Quantity, Serialize, Signal, SignalId, SourceId, Timestamp};
    use std::collections::BTreeMap;

    type Row = (SignalId, Timestamp, Metric, Quantity, Option<Detail>);

    #[derive(Serialize, Deserialize)]
    pub(super) struct Page {
        day: Day,
        sources: BTreeMap<SourceId, Vec<Row>>,
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
            Self { day: page.day, sources: sources.collect() }
        }
    }

    impl TryFrom<Page> for super::Page {
        type Error = PageError;
        fn try_from(stored: Page) -> Result<Self, PageError> {
            let mut page = Self::new(stored.day);
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

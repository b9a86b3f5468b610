//! Signals for tests: short to write down, and any number of them for properties.

use super::Page;
use crate::day::Day;
use crate::fixed::Quantity;
use crate::id::{CaseId, MeetingId, SignalId, SourceId};
use crate::series::Series;
use crate::signal::{CaseStatus, Detail, MeetingResult, Metric, Severity, Signal};
use jiff::Timestamp;
use proptest::prelude::*;
use std::collections::BTreeMap;

pub(crate) fn day(text: &str) -> Day {
    text.parse().unwrap()
}

pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub(crate) fn signal(source: &str, id: &str, at: Timestamp, metric: Metric, value: &str) -> Signal {
    Signal {
        at,
        source: SourceId::new(source).unwrap(),
        id: SignalId::new(id).unwrap(),
        metric,
        value: value.parse().unwrap(),
        detail: Detail::None,
    }
}

pub(crate) fn meeting(source: &str, id: &str, at: Timestamp, meeting: &str, result: MeetingResult) -> Signal {
    let meeting = MeetingId::new(meeting).unwrap();
    let detail = Detail::Meeting { meeting, result, executive: true };
    Signal { detail, ..signal(source, id, at, Metric::MeetingEvent, "1") }
}

pub(crate) fn case(id: &str, at: Timestamp, case: &str, severity: Severity, status: CaseStatus) -> Signal {
    let detail = Detail::Case { case: CaseId::new(case).unwrap(), severity, status, about: Default::default() };
    Signal { detail, ..signal("desk", id, at, Metric::CaseEvent, "1") }
}

pub(crate) fn competitor(id: &str, at: Timestamp, confidence: &str, expires_at: Timestamp) -> Signal {
    let detail = Detail::Competitor { competitor: "Rival".into(), expires_at };
    Signal { detail, ..signal("crm", id, at, Metric::CompetitorSeen, confidence) }
}

/// The series of these signals.
pub(crate) fn series(signals: impl IntoIterator<Item = Signal>) -> Series {
    let mut pages: BTreeMap<Day, Page> = BTreeMap::new();
    for signal in signals {
        let day = Day::of(signal.at);
        let merged = pages.entry(day).or_insert_with(|| Page::new(day)).merge([signal]);
        assert!(merged.refused.is_empty());
    }
    let mut series = Series::default();
    for (day, page) in pages {
        series.set(day, page.fold());
    }
    series
}

/// One value a day over these days.
pub(crate) fn daily(metric: Metric, days: impl IntoIterator<Item = (Day, &'static str)>) -> Vec<Signal> {
    let one = |(day, value): (Day, &str)| signal("telemetry", &format!("{metric}-{day}"), day.start(), metric, value);
    days.into_iter().map(one).collect()
}

/// Any signal within `days` days, from few sources with few ids, so that names meet.
pub(crate) fn any_signal(days: i32) -> impl Strategy<Value = Signal> {
    let plain = [
        Metric::ActiveUsers,
        Metric::Logins,
        Metric::Uptime,
        Metric::LicensedUsers,
        Metric::NpsAnswer,
        Metric::FeatureAdoption,
    ];
    let metric = prop::sample::select(plain.to_vec());
    let plain = (metric, 0_i64..=10_000_000).prop_map(|(metric, micros)| (metric, micros, Detail::None));
    let severity = prop::sample::select(vec![Severity::Critical, Severity::High, Severity::Medium, Severity::Low]);
    let status = prop::sample::select(vec![CaseStatus::Opened, CaseStatus::Responded, CaseStatus::Resolved]);
    let case = (0..4_u8, severity, status).prop_map(|(case, severity, status)| {
        let case = CaseId::new(format!("case-{case}")).unwrap();
        (Metric::CaseEvent, 1_000_000, Detail::Case { case, severity, status, about: Default::default() })
    });
    let result = prop::sample::select(vec![MeetingResult::Held, MeetingResult::Missed, MeetingResult::Declined]);
    let meeting = (0..3_u8, result, any::<bool>()).prop_map(|(meeting, result, executive)| {
        let meeting = MeetingId::new(format!("meeting-{meeting}")).unwrap();
        (Metric::MeetingEvent, 1_000_000, Detail::Meeting { meeting, result, executive })
    });
    let sighting = (0..=100_i64, 0..2_000_i64).prop_map(|(confidence, hours)| {
        let expires_at = Timestamp::from_second(1_768_000_000 + hours * 3_600).unwrap();
        (Metric::CompetitorSeen, confidence * 1_000_000, Detail::Competitor { competitor: "Rival".into(), expires_at })
    });
    let what = prop_oneof![4 => plain, 1 => case, 1 => meeting, 1 => sighting];
    (what, 0..3_u8, 0..40_u8, 0..days, 0..24_i64).prop_map(|((metric, micros, detail), source, id, day, hour)| Signal {
        at: Timestamp::from_second(Day::from_number(20_454 + day).start().as_second() + hour * 3_600).unwrap(),
        source: SourceId::new(format!("source-{source}")).unwrap(),
        // The day is part of the id: these signals are alike on one day only.
        id: SignalId::new(format!("{day}-{id}")).unwrap(),
        metric,
        value: Quantity::from_micros(micros),
        detail,
    })
}

//! The data quality of an account (or of one source) as one number from 0 to 100, exactly.
//!
//! Four parts, each a share of whole numbers over the last [`DAYS`] days:
//!
//! - *complete*: of the records that came, those that lacked no field;
//! - *fresh*: of the sources whose cadence is known, those that are not silent;
//! - *valid*: of the complete records, those that were taken in;
//! - *consistent*: of the checks that came to a verdict, those that found nothing.
//!
//! `score = Σ 100 / known · share`, over the parts of which anything is known: what is unknown is neither zero nor full, and
//! coverage says how many of the four are known. Each part is rounded to a millionth, half to even, and the score is their
//! sum: the parts add up to it to the last digit.

use super::detect::{self, Check, Verdict};
use super::silence::Rhythm;
use super::{Quality, SourceDay};
use crate::day::Day;
use crate::fixed::{ONE, Points, divide_half_even};
use crate::id::SourceId;
use crate::series::Series;
use jiff::Timestamp;

/// Over how many days records are counted, today included.
pub const DAYS: i32 = 28;

/// What is known of a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assessment {
    /// Which source.
    pub source: SourceId,
    /// When it speaks.
    pub rhythm: Rhythm,
    /// Whether it has said nothing for too long.
    pub is_silent: bool,
    /// All its records of the last [`DAYS`] days.
    pub records: SourceDay,
    /// What was looked at.
    pub checks: Vec<Check>,
}

/// Assesses every source that has spoken, as of `now`. Those that spoke last before the window are known from the series.
pub fn assess(quality: &Quality, series: Option<&Series>, now: Timestamp) -> Vec<Assessment> {
    let mut sources: Vec<&SourceId> = quality.sources().chain(series.into_iter().flat_map(Series::sources)).collect();
    sources.sort_unstable();
    sources.dedup();
    sources.into_iter().filter_map(|source| of_source(quality, source, series, now)).collect()
}

fn of_source(quality: &Quality, source: &SourceId, series: Option<&Series>, now: Timestamp) -> Option<Assessment> {
    let days = quality.days(source);
    let spoken = series.map_or(&[][..], |series| series.days_of(source));
    let rhythm =
        Rhythm::of(days, spoken, now).unwrap_or(Rhythm { last_seen: days.last()?.0.start(), cadence_hours: None });
    let window = Day::of(now).plus(1 - DAYS)..=Day::of(now);
    let recent = days.iter().filter(|(day, _)| window.contains(day));
    Some(Assessment {
        source: source.clone(),
        rhythm,
        is_silent: rhythm.is_silent(now),
        records: recent.fold(SourceDay::default(), |sum, (_, day)| sum.plus(*day)),
        checks: detect::checks(quality, source, series, rhythm, now),
    })
}

/// One part: `good` of `all`. Of nothing no share is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Share {
    /// How many are as they should be.
    pub good: u64,
    /// Of how many.
    pub all: u64,
}

impl Share {
    const fn is_known(self) -> bool {
        self.all > 0
    }

    /// In hundredths of a percent, half to even.
    pub fn basis_points(self) -> Option<u32> {
        let share = divide_half_even(i128::from(self.good) * 10_000, i128::from(self.all));
        u32::try_from(share).ok().filter(|_| self.is_known())
    }
}

/// The score with its parts, in the order complete, fresh, valid, consistent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Score {
    /// The four shares.
    pub shares: [Share; 4],
    /// What each adds to the score.
    pub points: [Points; 4],
    /// Their sum; nothing where nothing is known.
    pub score: Option<Points>,
}

/// The names of the parts, in their order.
pub const PARTS: [&str; 4] = ["complete", "fresh", "valid", "consistent"];

/// The score of these sources together.
pub fn score(sources: &[Assessment]) -> Score {
    let sum = |of: &dyn Fn(&Assessment) -> (u64, u64)| {
        sources
            .iter()
            .map(of)
            .fold(Share::default(), |sum, (good, all)| Share { good: sum.good + good, all: sum.all + all })
    };
    let shares = [
        sum(&|source| (u64::from(source.records.records() - source.records.missing), source.records.records().into())),
        sum(&|source| {
            let known = source.rhythm.cadence_hours.is_some();
            (u64::from(known && !source.is_silent), u64::from(known))
        }),
        sum(&|source| (source.records.accepted.into(), u64::from(source.records.records() - source.records.missing))),
        sum(&|source| {
            let verdicts = || source.checks.iter().map(|check| &check.verdict);
            let usual = verdicts().filter(|verdict| **verdict == Verdict::Usual).count() as u64;
            (usual, usual + verdicts().filter(|verdict| matches!(verdict, Verdict::Found(_))).count() as u64)
        }),
    ];
    let known = shares.iter().filter(|share| share.is_known()).count() as i128;
    let points = shares.map(|share| {
        let micros = divide_half_even(100 * i128::from(ONE) * i128::from(share.good), known * i128::from(share.all));
        Points::from_micros(i64::try_from(micros).unwrap_or_default())
    });
    let score = points.iter().fold(Points::ZERO, |sum, part| sum.plus(*part));
    Score { shares, points, score: (known > 0).then_some(score) }
}

//! The series as it is stored: JSON whose days and buckets are base 64 of variable-length integers, seven bits a byte,
//! the least significant first.

use super::WINDOW_DAYS;
use crate::day::Day;
use crate::id::SourceId;
use crate::page::{Bucket, Sighting};
use crate::signal::Metric;
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

#[derive(Serialize, Deserialize)]
pub(super) struct Series {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    newest: Option<Day>,
    metrics: BTreeMap<Metric, String>,
    sources: BTreeMap<SourceId, String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    sightings: BTreeMap<Day, Vec<Sighting>>,
}

#[derive(Debug, thiserror::Error)]
#[error("the stored series of `{0}` cannot be read")]
pub(super) struct SeriesError(String);

impl From<super::Series> for Series {
    fn from(series: super::Series) -> Self {
        Self {
            newest: series.newest,
            metrics: series.metrics.iter().map(|(metric, buckets)| (*metric, write_buckets(buckets))).collect(),
            sources: series.sources.iter().map(|(source, days)| (source.clone(), write_days(days))).collect(),
            sightings: series.sightings,
        }
    }
}

impl TryFrom<Series> for super::Series {
    type Error = SeriesError;
    fn try_from(stored: Series) -> Result<Self, SeriesError> {
        let mut series = Self { newest: stored.newest, sightings: stored.sightings, ..Self::default() };
        for (metric, text) in stored.metrics {
            let buckets: Option<Vec<(Day, Bucket)>> = read_buckets(&text);
            series.metrics.insert(metric, buckets.ok_or_else(|| SeriesError(metric.to_string()))?);
        }
        for (source, text) in stored.sources {
            let days = read_days(&text).ok_or_else(|| SeriesError(source.to_string()))?;
            series.sources.insert(source, days);
        }
        Ok(series)
    }
}

/// Buckets of successive days: twice the count, plus one when days are left out and their number follows; the sum
/// without its trailing zeros, times seven, plus the number of zeros (at most six).
fn write_buckets(buckets: &[(Day, Bucket)]) -> String {
    let mut bytes = Vec::new();
    let mut next = 0;
    for (day, bucket) in buckets {
        let skipped = i128::from(day.number()) - next;
        put(&mut bytes, u128::from(bucket.count) * 2 + u128::from(skipped != 0));
        if skipped != 0 {
            put(&mut bytes, zigzag(skipped));
        }
        let (mut sum, mut zeros) = (i128::from(bucket.sum), 0);
        while zeros < 6 && sum != 0 && sum % 10 == 0 {
            sum /= 10;
            zeros += 1;
        }
        put(&mut bytes, zigzag(sum) * 7 + zeros);
        next = i128::from(day.number()) + 1;
    }
    STANDARD_NO_PAD.encode(bytes)
}

fn read_buckets(text: &str) -> Option<Vec<(Day, Bucket)>> {
    let bytes = STANDARD_NO_PAD.decode(text).ok()?;
    let mut rest = bytes.as_slice();
    let mut buckets: Vec<(Day, Bucket)> = Vec::new();
    let mut next = 0_i128;
    while !rest.is_empty() {
        let head = take(&mut rest)?;
        let skipped = if head % 2 == 1 { unzigzag(take(&mut rest)?) } else { 0 };
        let day = Day::from_number(i32::try_from(next.checked_add(skipped)?).ok()?);
        let sum = take(&mut rest)?;
        let scale = 10_i128.pow(u32::try_from(sum % 7).ok()?);
        let sum = i64::try_from(unzigzag(sum / 7).checked_mul(scale)?).ok()?;
        if buckets.last().is_some_and(|(last, _)| *last >= day) {
            return None;
        }
        buckets.push((day, Bucket { count: u32::try_from(head / 2).ok()?, sum }));
        next = i128::from(day.number()) + 1;
    }
    Some(buckets).filter(|buckets| !buckets.is_empty())
}

/// Runs of days: how many are left out before the run, how many follow its first.
fn write_days(days: &[Day]) -> String {
    let mut bytes = Vec::new();
    let mut next = 0;
    for run in days.chunk_by(|a, b| b.since(*a) == 1) {
        let (Some(first), Some(last)) = (run.first(), run.last()) else { continue };
        put(&mut bytes, zigzag(i128::from(first.number()) - next));
        put(&mut bytes, zigzag(i128::from(last.since(*first))));
        next = i128::from(last.number()) + 1;
    }
    STANDARD_NO_PAD.encode(bytes)
}

fn read_days(text: &str) -> Option<Vec<Day>> {
    let bytes = STANDARD_NO_PAD.decode(text).ok()?;
    let mut rest = bytes.as_slice();
    let mut days: Vec<Day> = Vec::new();
    let mut next = 0_i128;
    while !rest.is_empty() {
        let first = i32::try_from(next.checked_add(unzigzag(take(&mut rest)?))?).ok()?;
        let more = i32::try_from(unzigzag(take(&mut rest)?)).ok()?;
        let fits = (0..WINDOW_DAYS).contains(&more);
        if !fits || days.last().is_some_and(|last| last.number() >= first) {
            return None;
        }
        let last = first.checked_add(more)?;
        days.extend((first..=last).map(Day::from_number));
        next = i128::from(last) + 1;
    }
    Some(days).filter(|days| !days.is_empty())
}

pub(crate) const fn zigzag(value: i128) -> u128 {
    ((value << 1) ^ (value >> 127)).cast_unsigned()
}

pub(crate) const fn unzigzag(value: u128) -> i128 {
    (value >> 1).cast_signed() ^ -((value & 1).cast_signed())
}

pub(crate) fn put(bytes: &mut Vec<u8>, mut value: u128) {
    loop {
        let [low, ..] = (value & 0x7f).to_le_bytes();
        value >>= 7;
        if value == 0 {
            bytes.push(low);
            return;
        }
        bytes.push(low | 0x80);
    }
}

pub(crate) fn take(bytes: &mut &[u8]) -> Option<u128> {
    let mut value = 0_u128;
    // Eleven bytes hold more than any sum needs.
    for shift in 0..11 {
        let (first, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u128::from(first & 0x7f) << (7 * shift);
        if first & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

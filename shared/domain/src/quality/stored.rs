//! Quality as it is stored: of each source its days as base 64 of variable-length integers. A day is how many days it
//! lies behind the one before, which of its numbers are others than on that one, and those numbers: a source that sends
//! the same every day costs two bytes a day.

use super::{SourceDay, WINDOW_DAYS};
use crate::day::Day;
use crate::id::SourceId;
use crate::series::stored::{put, take, unzigzag, zigzag};
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

#[derive(Serialize, Deserialize)]
pub(super) struct Quality {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    newest: Option<Day>,
    sources: BTreeMap<SourceId, String>,
}

#[derive(Debug, thiserror::Error)]
#[error("the stored days of source `{0}` cannot be read")]
pub(super) struct QualityError(SourceId);

impl From<super::Quality> for Quality {
    fn from(quality: super::Quality) -> Self {
        let sources = quality.sources.iter().map(|(source, days)| (source.clone(), write(days)));
        Self { newest: quality.newest, sources: sources.collect() }
    }
}

impl TryFrom<Quality> for super::Quality {
    type Error = QualityError;
    fn try_from(stored: Quality) -> Result<Self, QualityError> {
        let mut quality = Self { newest: stored.newest, ..Self::default() };
        for (source, text) in stored.sources {
            let days = read(&text).ok_or_else(|| QualityError(source.clone()))?;
            quality.sources.insert(source, days);
        }
        Ok(quality)
    }
}

const fn numbers(day: SourceDay) -> [u64; 6] {
    [day.accepted as u64, day.missing as u64, day.unfit as u64, day.invalid as u64, day.metrics, day.hours as u64]
}

fn write(days: &[(Day, SourceDay)]) -> String {
    let mut bytes = Vec::new();
    let (mut next, mut before) = (0, [0; 6]);
    for (day, amount) in days {
        let amount = numbers(*amount);
        put(&mut bytes, zigzag(i128::from(day.number()) - next));
        let pairs = || amount.iter().zip(&before).enumerate().filter(|(_, (now, before))| now != before);
        put(&mut bytes, pairs().map(|(place, _)| 1_u128 << place).sum());
        pairs().for_each(|(_, (now, _))| put(&mut bytes, u128::from(*now)));
        (next, before) = (i128::from(day.number()) + 1, amount);
    }
    STANDARD_NO_PAD.encode(bytes)
}

fn read(text: &str) -> Option<Vec<(Day, SourceDay)>> {
    let bytes = STANDARD_NO_PAD.decode(text).ok()?;
    let mut rest = bytes.as_slice();
    let mut days: Vec<(Day, SourceDay)> = Vec::new();
    let (mut next, mut numbers) = (0_i128, [0_u64; 6]);
    while !rest.is_empty() {
        let number = i32::try_from(next.checked_add(unzigzag(take(&mut rest)?))?).ok()?;
        let changed = take(&mut rest)?;
        for (place, number) in numbers.iter_mut().enumerate() {
            if changed & (1 << place) != 0 {
                *number = u64::try_from(take(&mut rest)?).ok()?;
            }
        }
        let day = Day::from_number(number);
        let fits = changed < 64 && days.len() < usize::try_from(WINDOW_DAYS).ok()?;
        if !fits || days.last().is_some_and(|(last, _)| *last >= day) {
            return None;
        }
        days.push((day, of_numbers(numbers)?));
        next = i128::from(number) + 1;
    }
    Some(days).filter(|days| !days.is_empty())
}

fn of_numbers([accepted, missing, unfit, invalid, metrics, hours]: [u64; 6]) -> Option<SourceDay> {
    let count = |number| u32::try_from(number).ok();
    let day = SourceDay {
        accepted: count(accepted)?,
        missing: count(missing)?,
        unfit: count(unfit)?,
        invalid: count(invalid)?,
        metrics,
        hours: count(hours)?,
    };
    Some(day).filter(|day| day.records() > 0)
}

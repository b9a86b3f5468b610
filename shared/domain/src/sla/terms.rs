//! Hours that count while a clock runs, as contracts change them: what passed under earlier hours stays as it was counted.

use crate::calendar::Hours;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The most changes of its hours that a clock remembers.
pub const MAX_CHANGES: usize = 16;

/// Hours that count, and those that took their place, each from its moment on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    first: Hours,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    more: Vec<(Timestamp, Hours)>,
}

impl From<Hours> for Terms {
    fn from(first: Hours) -> Self {
        Self { first, more: Vec::new() }
    }
}

impl Terms {
    /// From a moment on other hours count. The moment is not before that of an earlier change.
    pub fn change(&mut self, at: Timestamp, hours: &Hours) {
        if self.latest() == hours {
            return;
        }
        let full = self.more.len() >= MAX_CHANGES;
        match self.more.last_mut() {
            // Who changes them without end changes the last ones.
            Some(last) if full || last.0 >= at => last.1 = hours.clone(),
            _ => self.more.push((at, hours.clone())),
        }
    }

    /// Those that count now.
    pub fn latest(&self) -> &Hours {
        self.more.last().map_or(&self.first, |(_, hours)| hours)
    }

    /// Whether a moment counts.
    pub fn contain(&self, moment: Timestamp) -> bool {
        self.stretches(moment).next().is_some_and(|(_, hours, _)| hours.contain(moment))
    }

    /// How much of the time between two moments counts, in milliseconds; 0 where they are not in order.
    pub fn millis_between(&self, from: Timestamp, until: Timestamp) -> i64 {
        let counted = |(begin, hours, end): (Timestamp, &Hours, Option<Timestamp>)| {
            hours.millis_between(begin, end.map_or(until, |end| end.min(until)))
        };
        self.stretches(from).map(counted).sum()
    }

    /// The moment at which so many milliseconds that count have passed; nothing where that lies beyond half a century.
    pub fn later(&self, from: Timestamp, millis: i64) -> Option<Timestamp> {
        let mut left = millis;
        for (begin, hours, end) in self.stretches(from) {
            match end {
                None => return hours.later(begin, left),
                Some(end) => {
                    let counted = hours.millis_between(begin, end);
                    if left <= counted {
                        return hours.later(begin, left);
                    }
                    left -= counted;
                }
            }
        }
        None
    }

    /// The stretches of time from a moment on with the hours that count in them; the last one has no end.
    fn stretches(&self, from: Timestamp) -> impl Iterator<Item = (Timestamp, &Hours, Option<Timestamp>)> {
        let begins = std::iter::once((from, &self.first)).chain(self.more.iter().map(|(at, hours)| (*at, hours)));
        let ends = self.more.iter().map(|(at, _)| Some(*at)).chain([None]);
        begins
            .zip(ends)
            .filter(move |(_, end)| end.is_none_or(|end| end > from))
            .map(move |((begin, hours), end)| (begin.max(from), hours, end))
    }
}

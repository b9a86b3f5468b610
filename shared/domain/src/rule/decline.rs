//! The usage decline: two neighbouring windows of days, compared with the season removed.
//!
//! What a window should hold is taken from the weekday profile of the weeks before, so a day without data does not look
//! like a fall. With full windows the profile cancels out and the comparison is that of the plain sums, exact to the
//! millionth. A fall that the same windows also showed one cycle ago is a holiday: only what goes beyond it counts.

use super::condition::days;
use super::facts::{Facts, value};
use super::feature::{Decline, UNKNOWN};
use super::reading::{self, Reading};
use crate::day::Day;
use crate::fixed::{ONE, Quantity, divide_half_even};

/// A whole, in hundredths of a percent.
const WHOLE: i128 = 10_000;

/// What words need to tell of a decline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Note {
    /// There are no data.
    NoData,
    /// The data are too old.
    Silent(Day),
    /// The window that ends with the day has data on too few days.
    TooFew { days: u32, last: Day },
    /// What was before is nothing.
    Nothing,
    /// The numbers are too large to compare.
    TooLarge,
    /// The value before the fall is below the floor.
    BelowTheFloor,
    /// The change in percent, what a holiday took in percent, and how much of both windows has data.
    Found { change: Quantity, holiday: Option<Quantity>, covered_percent: u32 },
}

/// How deep the fall is, in millionths of a percent: whole hundredths of a percent, rounded down, beyond what a holiday
/// took.
pub(super) fn read(windows: &Decline, facts: &Facts<'_>) -> Reading {
    let Some(latest) = facts.last_day_with(windows.metric) else {
        return Reading { note: reading::Note::Decline(Note::NoData), ..Reading::UNREAD };
    };
    let say = |value, note| Reading { value, data: Some(latest), seen: None, note: reading::Note::Decline(note) };
    if facts.today().since(latest) > days(windows.fresh_days) {
        return say(UNKNOWN, Note::Silent(latest));
    }
    // Today is not over yet: the windows end with yesterday.
    let last = facts.today().plus(-1);
    let now = match Fall::at(windows, facts, last) {
        Ok(fall) => fall,
        Err(note) => return say(UNKNOWN, note),
    };
    if now.before.sum < i128::from(windows.floor.micros()) * i128::from(now.before.days) {
        return say(UNKNOWN + 1, Note::BelowTheFloor);
    }
    let holiday = holiday(windows, facts, last);
    let Some(deep) = now.deep(holiday) else { return say(UNKNOWN, Note::TooLarge) };
    let lost =
        |ratio: i128| Quantity::from_micros(i64::try_from((WHOLE - ratio) * i128::from(ONE) / 100).unwrap_or(i64::MAX));
    let covered_percent = now.covered_percent(windows);
    let note = Note::Found { change: now.percent(), holiday: holiday.map(lost), covered_percent };
    Reading { seen: Some(last), ..say(deep, note) }
}

/// One window: what was measured and what the weekday profile would expect of the days that have data.
struct Window {
    sum: i128,
    expected: i128,
    days: u32,
}

/// Two neighbouring windows.
struct Fall {
    before: Window,
    after: Window,
}

impl Fall {
    /// The two windows that end with `last`; says why where there is too little to compare.
    fn at(windows: &Decline, facts: &Facts<'_>, last: Day) -> Result<Self, Note> {
        let middle = last.plus(-days(windows.days));
        let profile = Profile::before(windows, facts, middle.plus(-days(windows.days)));
        let after = profile.window(windows, facts, last)?;
        let before = profile.window(windows, facts, middle)?;
        if before.sum <= 0 || before.expected <= 0 || after.expected <= 0 {
            return Err(Note::Nothing);
        }
        Ok(Self { before, after })
    }

    /// How deep it is beyond what a holiday took (as a ratio in hundredths of a percent): the largest whole number of
    /// hundredths of a percent by which after/expected ≤ before/expected × (1 − fall) × holiday. Cross-multiplied.
    fn deep(&self, holiday: Option<i128>) -> Option<i64> {
        let mut left = self.after.sum.checked_mul(self.before.expected)?.checked_mul(WHOLE)?;
        let mut right = self.before.sum.checked_mul(self.after.expected)?;
        if let Some(ratio) = holiday {
            left = left.checked_mul(WHOLE)?;
            right = right.checked_mul(ratio)?;
        }
        let rest = match right {
            // A holiday took all: only what is nothing fell as deep, and then as deep as can be.
            0 => return Some(if left <= 0 { i64::MAX } else { UNKNOWN + 1 }),
            right => left.checked_neg()?.checked_div_euclid(right)?.checked_neg()?,
        };
        let deep = WHOLE.checked_sub(rest)?.checked_mul(i128::from(ONE) / 100)?;
        Some(i64::try_from(deep).unwrap_or(UNKNOWN + 1))
    }

    /// After as a share of before, in hundredths of a percent.
    fn ratio(&self) -> Option<i128> {
        let left = self.after.sum.checked_mul(self.before.expected)?.checked_mul(WHOLE)?;
        Some(divide_half_even(left, self.before.sum.checked_mul(self.after.expected)?))
    }

    /// The change in percent, for people.
    fn percent(&self) -> Quantity {
        let change = || {
            let left = self.after.sum.checked_mul(self.before.expected)?;
            let right = self.before.sum.checked_mul(self.after.expected)?;
            let change = left.checked_sub(right)?.checked_mul(100 * i128::from(ONE))?;
            i64::try_from(divide_half_even(change, right)).ok()
        };
        Quantity::from_micros(change().unwrap_or(i64::MAX))
    }

    /// How much of both windows has data.
    fn covered_percent(&self, windows: &Decline) -> u32 {
        (self.before.days + self.after.days) * 100 / windows.days.saturating_mul(2).max(1)
    }
}

/// What the windows of one cycle ago left of their value, where they show a fall that counts as a holiday. One that went below
/// zero took all.
fn holiday(windows: &Decline, facts: &Facts<'_>, last: Day) -> Option<i128> {
    let weeks = i32::try_from(windows.cycle_weeks).ok().filter(|weeks| *weeks > 0)?;
    let then = Fall::at(windows, facts, last.plus(weeks.saturating_mul(-7))).ok()?;
    let ratio = then.ratio()?;
    (ratio <= WHOLE - i128::from(windows.holiday_basis_points)).then_some(ratio.max(0))
}

/// What each weekday is worth; all the same where there is too little history to say.
struct Profile([i128; 7]);

impl Profile {
    /// From the weeks that end with `last`.
    fn before(windows: &Decline, facts: &Facts<'_>, last: Day) -> Self {
        let first = last.plus(1).plus(days(windows.profile_weeks).saturating_mul(-7));
        let mut of = [(0_i128, 0_i128); 7];
        for (day, bucket) in facts.days(windows.metric, first, last) {
            if let Some((sum, count)) = of.get_mut(usize::from(day.weekday())) {
                *sum = sum.saturating_add(value(windows.metric, bucket));
                *count += 1;
            }
        }
        // Fewer than two of a weekday say nothing about weeks.
        if of.iter().any(|(_, count)| *count < 2) {
            return Self([1; 7]);
        }
        Self(of.map(|(sum, count)| divide_half_even(sum, count).max(0)))
    }

    fn window(&self, windows: &Decline, facts: &Facts<'_>, last: Day) -> Result<Window, Note> {
        let mut window = Window { sum: 0, expected: 0, days: 0 };
        for (day, bucket) in facts.days(windows.metric, last.plus(1).plus(-days(windows.days)), last) {
            window.days += 1;
            window.sum = window.sum.saturating_add(value(windows.metric, bucket));
            window.expected += self.0.get(usize::from(day.weekday())).copied().unwrap_or(0);
        }
        if window.days < windows.least_days {
            return Err(Note::TooFew { days: window.days, last });
        }
        Ok(window)
    }
}

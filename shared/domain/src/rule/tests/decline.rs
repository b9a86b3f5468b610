//! The usage decline as the oracle answers it, with its words: two neighbouring windows of days, compared with the season removed.
//!
//! What a window should hold is taken from the weekday profile of the weeks before, so a day without data does not look
//! like a fall. With full windows the profile cancels out and the comparison is that of the plain sums, exact to the
//! millionth. A fall that the same windows also showed one cycle ago is a holiday: only what goes beyond it counts.

use crate::day::Day;
use crate::fixed::{ONE, Quantity, divide_half_even};
use crate::rule::condition::days;
use crate::rule::facts::{Facts, value};
use crate::rule::leaf::Declined;
use crate::rule::verdict::{Evidence, Finding, Truth, Verdict};

/// A whole, in hundredths of a percent.
const WHOLE: i128 = 10_000;

pub fn evaluate(leaf: &Declined, facts: &Facts<'_>) -> Verdict {
    let name = format!("decline of {}", leaf.metric);
    let Some(latest) = facts.last_day_with(leaf.metric) else {
        return Verdict::leaf(Finding::new(name, Truth::Unknown, "has no data"));
    };
    let age = facts.today().since(latest);
    let say = |truth, why: String| Verdict::leaf(Finding::new(name.clone(), truth, why).with_age(age));
    if age > days(leaf.fresh_days) {
        return say(Truth::Unknown, format!("the source is silent since {latest}"));
    }
    // Today is not over yet: the windows end with yesterday.
    let last = facts.today().plus(-1);
    let now = match Fall::at(leaf, facts, last) {
        Ok(fall) => fall,
        Err(why) => return say(Truth::Unknown, why),
    };
    if now.before.sum < i128::from(leaf.floor.micros()) * i128::from(now.before.days) {
        return say(Truth::False, format!("is below the floor of {} a day before the fall", leaf.floor));
    }
    let holiday = holiday(leaf, facts, last);
    let Some(deep) = now.at_least(leaf.by_basis_points, holiday) else {
        return say(Truth::Unknown, "the numbers are too large to compare".into());
    };
    let mut why =
        format!("mean of {} days changed by {} % against the {0} days before", leaf.days, now.percent().rounded(1));
    if let Some(ratio) = holiday {
        let fall = Quantity::from_micros(i64::try_from((WHOLE - ratio) * i128::from(ONE) / 100).unwrap_or(i64::MAX));
        why.push_str(&format!("; the same days one cycle ago lost {} %, taken as a holiday", fall.rounded(1)));
    }
    let mut verdict = say(Truth::known(deep), why).sure_to(now.covered_percent(leaf)).resting_on(Evidence::state(last));
    for finding in &mut verdict.trace {
        finding.value = Some(now.percent());
    }
    verdict
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
    fn at(leaf: &Declined, facts: &Facts<'_>, last: Day) -> Result<Self, String> {
        let middle = last.plus(-days(leaf.days));
        let profile = Profile::before(leaf, facts, middle.plus(-days(leaf.days)));
        let after = profile.window(leaf, facts, last)?;
        let before = profile.window(leaf, facts, middle)?;
        if before.sum <= 0 || before.expected <= 0 || after.expected <= 0 {
            return Err("has nothing to compare with".into());
        }
        Ok(Self { before, after })
    }

    /// Whether it is at least so deep, beyond what a holiday took (as a ratio in hundredths of a percent). Cross-multiplied:
    /// after/expected ≤ before/expected × (1 − fall) × holiday.
    fn at_least(&self, basis_points: u32, holiday: Option<i128>) -> Option<bool> {
        let left = self.after.sum.checked_mul(self.before.expected)?.checked_mul(WHOLE)?;
        let right = self.before.sum.checked_mul(self.after.expected)?.checked_mul(WHOLE - i128::from(basis_points))?;
        match holiday {
            None => Some(left <= right),
            Some(ratio) => Some(left.checked_mul(WHOLE)? <= right.checked_mul(ratio)?),
        }
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
            let change = (left - right).checked_mul(100 * i128::from(ONE))?;
            i64::try_from(divide_half_even(change, right)).ok()
        };
        Quantity::from_micros(change().unwrap_or(i64::MAX))
    }

    /// How much of both windows has data.
    fn covered_percent(&self, leaf: &Declined) -> u32 {
        (self.before.days + self.after.days) * 100 / (leaf.days * 2).max(1)
    }
}

/// What the windows of one cycle ago left of their value, where they show a fall that counts as a holiday. One that went below
/// zero took all.
fn holiday(leaf: &Declined, facts: &Facts<'_>, last: Day) -> Option<i128> {
    let weeks = i32::try_from(leaf.cycle_weeks).ok().filter(|weeks| *weeks > 0)?;
    let then = Fall::at(leaf, facts, last.plus(-7 * weeks)).ok()?;
    let ratio = then.ratio()?;
    (ratio <= WHOLE - i128::from(leaf.holiday_basis_points)).then_some(ratio.max(0))
}

/// What each weekday is worth; all the same where there is too little history to say.
struct Profile([i128; 7]);

impl Profile {
    /// From the weeks that end with `last`.
    fn before(leaf: &Declined, facts: &Facts<'_>, last: Day) -> Self {
        let first = last.plus(1).plus(-7 * days(leaf.profile_weeks));
        let mut of = [(0_i128, 0_i128); 7];
        for (day, bucket) in facts.days(leaf.metric, first, last) {
            if let Some((sum, count)) = of.get_mut(usize::from(day.weekday())) {
                *sum = sum.saturating_add(value(leaf.metric, bucket));
                *count += 1;
            }
        }
        // Fewer than two of a weekday say nothing about weeks.
        if of.iter().any(|(_, count)| *count < 2) {
            return Self([1; 7]);
        }
        Self(of.map(|(sum, count)| divide_half_even(sum, count).max(0)))
    }

    fn window(&self, leaf: &Declined, facts: &Facts<'_>, last: Day) -> Result<Window, String> {
        let mut window = Window { sum: 0, expected: 0, days: 0 };
        for (day, bucket) in facts.days(leaf.metric, last.plus(1).plus(-days(leaf.days)), last) {
            window.days += 1;
            window.sum += value(leaf.metric, bucket);
            window.expected += self.0.get(usize::from(day.weekday())).copied().unwrap_or(0);
        }
        if window.days < leaf.least_days {
            let why = format!(
                "has data on {} of the {} days to {last}, {} are needed",
                window.days, leaf.days, leaf.least_days
            );
            return Err(why);
        }
        Ok(window)
    }
}

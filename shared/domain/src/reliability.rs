//! The error budget: how much may fail in 30 days, how much has, and how fast it is used up.
//!
//! A request or message that was answered as it should be is good. With an objective of 99.9 % one in a thousand may fail:
//! in time, 43.2 minutes of 30 days. The burn rate says how many times faster than evenly the budget is being used up; over
//! an hour 14.4 uses 2 % of a month's budget, which is an alarm
//! (<https://sre.google/workbook/alerting-on-slos/>).

use crate::fixed::{ONE, Quantity, divide_half_even};

/// What is promised, and over how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Objective {
    /// The share that is good, in millionths.
    pub good_micros: i64,
    /// Over how many days.
    pub days: u32,
}

impl Default for Objective {
    /// 99.9 % of 30 days.
    fn default() -> Self {
        Self { good_micros: 999_000, days: 30 }
    }
}

/// What was counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counted {
    /// All that should have been good.
    pub valid: u64,
    /// What was.
    pub good: u64,
}

/// How a budget stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// For how long all may fail, in seconds.
    pub seconds: u64,
    /// The share of the budget that is used, in one; more than one where the promise is broken. None before anything was
    /// counted.
    pub used: Option<Quantity>,
}

impl Objective {
    /// The share that may fail, in millionths.
    const fn may_fail(self) -> i64 {
        ONE - self.good_micros
    }

    /// The budget, with what was counted over its days.
    pub fn budget(self, counted: Counted) -> Budget {
        let allowed = u64::try_from(self.may_fail()).unwrap_or_default();
        Budget { seconds: u64::from(self.days) * 86_400 * allowed / ONE.unsigned_abs(), used: self.burn(counted) }
    }

    /// How many times faster than evenly the budget is used up, by what was counted in some stretch of time.
    pub fn burn(self, counted: Counted) -> Option<Quantity> {
        let bad = counted.valid.saturating_sub(counted.good);
        let allowed = i128::from(counted.valid) * i128::from(self.may_fail());
        let micros =
            (allowed > 0).then(|| divide_half_even(i128::from(bad) * i128::from(ONE) * i128::from(ONE), allowed))?;
        i64::try_from(micros).ok().map(Quantity::from_micros)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(valid: u64, bad: u64) -> Counted {
        Counted { valid, good: valid - bad }
    }

    #[test]
    fn a7_the_budget_of_30_days_is_43_minutes_and_12_seconds() {
        assert_eq!(Objective::default().budget(counted(0, 0)), Budget { seconds: 43 * 60 + 12, used: None });
    }

    #[test]
    fn a7_an_hour_that_burns_at_14_4_uses_up_two_percent_of_the_month() {
        let objective = Objective::default();
        // 100,000 requests an hour: 1,440 bad ones.
        assert_eq!(objective.burn(counted(100_000, 1_440)).unwrap().to_string(), "14.4");
        assert_eq!(objective.budget(counted(72_000_000, 1_440)).used.unwrap().to_string(), "0.02");
        assert_eq!(objective.burn(counted(100_000, 0)), Some(Quantity::ZERO));
        assert_eq!(objective.burn(counted(0, 0)), None, "nothing was asked, so nothing is known");
    }
}

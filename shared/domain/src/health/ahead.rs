//! Where an account's score goes: a forecast of its days, with intervals, from the scores that its facts come to.
//!
//! The past is scored anew, day by day, by the scorecard that holds and from what is known today, without caps and without
//! what people say: these come and go by decisions, and what is left is what the customer does. A forecast that is no
//! better than repeating last week says so.

use super::{Inputs, Overrides, compute};
use crate::analytics::forecast::{ForecastError, Skill, forecast};
use crate::day::{Day, SECONDS};
use crate::fixed::Points;
use jiff::{SignedDuration, Timestamp};

/// How many days ahead.
pub const AHEAD_DAYS: usize = 28;
/// How many days back it looks.
pub const BACK_DAYS: i32 = 182;
/// The fewest known days that it rests on: four weeks.
pub const LEAST_DAYS: usize = 28;

/// What is expected of the next days.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ahead {
    /// By day, tomorrow first.
    pub points: Vec<Expected>,
    /// Whether it has been better, on this very series, than repeating last week; unknown where neither errs.
    pub beats_naive: Option<bool>,
    /// On how many scored days it rests.
    pub days: usize,
}

/// What is expected of a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expected {
    /// Which day.
    pub on: Day,
    /// The middle.
    pub middle: Points,
    /// Where four of five days are to lie.
    pub eighty: (Points, Points),
    /// Where nineteen of twenty days are to lie.
    pub ninety_five: (Points, Points),
}

/// Expects the scores of the days after today.
pub fn ahead(inputs: &Inputs<'_>, now: Timestamp) -> Result<Ahead, ForecastError> {
    let scores = past(inputs, now);
    let known = scores.iter().flatten().count();
    if known < LEAST_DAYS {
        return Err(ForecastError::Insufficient { have: known, need: LEAST_DAYS });
    }
    let found = forecast(&scores, 7, AHEAD_DAYS)?;
    let points = |value: f64| Points::from_f64(value.clamp(0.0, 100.0)).unwrap_or_default();
    let both = |(low, high): (f64, f64)| (points(low), points(high));
    let expected = found.steps.iter().zip(1_i32..).map(|(step, after)| Expected {
        on: Day::of(now).plus(after),
        middle: points(step.expected),
        eighty: both(step.eighty),
        ninety_five: both(step.ninety_five),
    });
    let beats_naive = match found.skill {
        Skill::Better { .. } => Some(true),
        Skill::NotBetter { .. } => Some(false),
        Skill::Unknown => None,
    };
    Ok(Ahead { points: expected.collect(), beats_naive, days: known })
}

/// The scores of the last days, today's last. A day of which too little is known has none.
fn past(inputs: &Inputs<'_>, now: Timestamp) -> Vec<Option<f64>> {
    let (today, nobody) = (Day::of(now), Overrides::default());
    let plain = Inputs { open_critical_case: false, overrides: &nobody, ..*inputs };
    let first = inputs.series.first_day().map_or(today, |first| first.max(today.plus(1 - BACK_DAYS)));
    let of = |day: Day| {
        let end = day.start().checked_add(SignedDuration::from_secs(SECONDS - 1)).unwrap_or(now);
        let health = compute(&plain, end.min(now)).filter(|health| !health.provisional)?;
        Some(health.uncapped.to_f64())
    };
    (0..=today.since(first)).map(|after| of(first.plus(after))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::LifecycleStage;
    use crate::health::tests::{account, today};
    use crate::page::fixtures::{series, signal};
    use crate::scorecard::Scorecard;
    use crate::scorecard::tests::draft;
    use crate::signal::Metric;

    /// So many days up to today, whose values fall by a quarter of a point a day, with lower weekends.
    fn of_days(days: i32) -> Result<Ahead, ForecastError> {
        let metrics = [Metric::Uptime, Metric::AuditCompleteness, Metric::Csat, Metric::RenewalProbability];
        let signals = (0..days).flat_map(|ago| {
            let day = today().plus(-ago);
            let weekend = if day.weekday() >= 5 { 6 } else { 0 };
            let value = format!("{}", f64::from(50 + ago - weekend) / 2.0 + 20.0);
            metrics.map(move |metric| signal("telemetry", &format!("{metric}-{day}"), day.start(), metric, &value))
        });
        let (series, account, card) =
            (series(signals), account(LifecycleStage::Steady, None), Scorecard::new(draft()).unwrap());
        let overrides = &Overrides::default();
        let inputs =
            Inputs { series: &series, account: &account, scorecard: &card, open_critical_case: false, overrides };
        ahead(&inputs, today().start() + SignedDuration::from_hours(20))
    }

    #[test]
    fn a43_scores_are_expected_with_intervals_that_hold_the_middle() {
        let ahead = of_days(80).unwrap();
        assert_eq!((ahead.points.len(), ahead.days), (AHEAD_DAYS, 80));
        assert_eq!(ahead.points[0].on, today().plus(1));
        for point in &ahead.points {
            assert!(point.ninety_five.0 <= point.eighty.0 && point.eighty.0 <= point.middle, "{point:?}");
            assert!(point.middle <= point.eighty.1 && point.eighty.1 <= point.ninety_five.1, "{point:?}");
            assert!(point.ninety_five.1 <= Points::MAX);
        }
        let (first, last) = (ahead.points[6].middle, ahead.points[AHEAD_DAYS - 1].middle);
        assert!(last < first, "it goes on falling: {first} to {last}");
        assert_eq!(ahead.beats_naive, Some(true));
    }

    #[test]
    fn a43_too_short_a_history_is_insufficient() {
        assert_eq!(of_days(27), Err(ForecastError::Insufficient { have: 27, need: 28 }));
    }
}

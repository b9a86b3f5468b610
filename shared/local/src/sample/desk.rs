//! Where the records of one account on one day are written: their names, times and streams of dice.

use super::dice::Dice;
use super::story::Actor;
use contract::signal::SignalBody;
use domain::day::Day;
use domain::fixed::Quantity;
use domain::id::{SignalId, SourceId};
use domain::signal::Metric;
use jiff::Timestamp;

/// Millionths in one.
pub(super) const MILLION: i64 = domain::fixed::ONE;
/// Minutes in a day.
pub(super) const DAY_MINUTES: i64 = 24 * 60;

/// One account on one day of the sample.
#[derive(Debug, Clone, Copy)]
pub(super) struct Desk<'a> {
    pub(super) seed: u64,
    pub(super) start: Day,
    pub(super) actor: &'a Actor,
    /// The day, from the start of the sample.
    pub(super) day: i32,
}

impl Desk<'_> {
    /// The dice of one decision of this account and day.
    pub(super) fn dice(&self, decision: u64) -> Dice {
        Dice::of(self.seed, &[decision, self.actor.index.unsigned_abs(), self.day.unsigned_abs().into()])
    }

    /// Whether something that happens every so many days happens today; the accounts take turns.
    pub(super) fn is_turn(&self, days: i32) -> bool {
        (i64::from(self.day) + self.actor.index * 3) % i64::from(days) == 0
    }

    /// A moment of this day. Minutes past midnight belong to the next one.
    pub(super) fn at(&self, minute: i64) -> Timestamp {
        let midnight = self.start.plus(self.day).start();
        Timestamp::from_second(midnight.as_second() + minute * 60).unwrap_or(midnight)
    }

    /// A record with no more to say than its number.
    pub(super) fn record(
        &self,
        source: &str,
        key: &str,
        metric: Metric,
        minute: i64,
        micros: i64,
    ) -> Option<SignalBody> {
        Some(SignalBody {
            source: SourceId::new(source).ok()?,
            id: SignalId::new(key).ok()?,
            account: self.actor.id.clone(),
            at: self.at(minute),
            metric,
            value: Quantity::from_micros(micros),
            unit: metric.unit(),
            case: None,
            meeting: None,
            competitor: None,
            milestone: None,
        })
    }

    /// The day's figure of a metric, reported in its last hour.
    pub(super) fn daily(&self, source: &str, metric: Metric, micros: i64) -> Option<SignalBody> {
        let key = format!("{metric}-{}", self.start.plus(self.day));
        self.record(source, &key, metric, 23 * 60 + self.actor.index % 50, micros)
    }
}

/// A value on its way from `well` to `broken`, so many thousandths of it.
pub(super) const fn pull(well: i64, broken: i64, strain: i64) -> i64 {
    well + (broken - well) * strain / 1_000
}

/// The value inside its metric's range.
pub(super) fn within(metric: Metric, micros: i64) -> i64 {
    let (min, max) = metric.range();
    micros.clamp(min.micros(), max.micros())
}

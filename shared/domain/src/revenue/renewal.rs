//! What is to be renewed, and how much of it is expected to be: learned from the renewals that are over.
//!
//! The share of renewals that went on, band by band, is drawn towards that of all bands where a band has seen few
//! ([`DRAWN_BY`] renewals' worth). The interval holds both that each renewal may go either way and that the share itself is
//! not known exactly; it is that of a normal distribution, cut at nothing and at all. From fewer than [`LEAST_OUTCOMES`]
//! renewals nothing is foretold. The forecast is held against the past: each month as it would have been foretold then.

use super::cohort::month_of;
use crate::account::Money;
use crate::band::Band;
use crate::day::Day;
use crate::fixed::Quantity;
use jiff::civil::Date;
use std::collections::BTreeMap;

/// With fewer renewals that are over nothing is foretold.
pub const LEAST_OUTCOMES: usize = 30;
/// How sure the intervals are, in percent.
pub const INTERVAL_PERCENT: u32 = 80;
/// So many days after its date it is known whether a contract went on.
pub const SETTLED_AFTER_DAYS: i32 = 30;
/// Half of an interval of 80 % of a normal distribution, in standard deviations.
const HALF_INTERVAL: f64 = 1.281_552;
/// With how many renewals of all bands a band's own are drawn towards these.
const DRAWN_BY: f64 = 10.0;

/// A contract that ended, and whether it went on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PastRenewal {
    /// When it ended.
    pub on: Day,
    /// What was paid a year.
    pub arr: Money,
    /// In which band the account was then, if in any.
    pub band: Option<Band>,
    /// Whether it went on.
    pub stayed: bool,
}

/// A contract that ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due {
    /// When it ends.
    pub on: Day,
    /// What is paid a year.
    pub arr: Money,
    /// In which band the account is, if in any.
    pub band: Option<Band>,
}

/// What is expected of a month.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outcome {
    /// How much is expected to stay.
    pub expected: Money,
    /// The lower end of the interval.
    pub low: Money,
    /// The upper end of the interval.
    pub high: Money,
}

/// What is to be renewed in a month.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expected {
    /// The first day of the month.
    pub month: Date,
    /// How many contracts end.
    pub accounts: u64,
    /// What is paid for them a year.
    pub due: Money,
    /// What is expected of it; nothing where too few renewals are over.
    pub outcome: Option<Outcome>,
}

/// What the forecast would have said of the past.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Backtest {
    /// How many months could be foretold.
    pub months: u64,
    /// In how many of them what came lay in the interval.
    pub inside: u64,
    /// The mean difference between what was foretold and what came, in percent of what was due.
    pub mean_error_percent: Option<Quantity>,
}

/// What is to be renewed, month by month.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forecast {
    /// How many renewals it is learned from.
    pub outcomes: u64,
    /// The months, the first one in front; those without a renewal are left out.
    pub months: Vec<Expected>,
    /// The forecast held against the past.
    pub backtest: Backtest,
}

/// Foretells what is due from what is over.
pub fn forecast(past: &[PastRenewal], due: &[Due]) -> Forecast {
    let learned = Learned::from(past.iter());
    let mut by_month: BTreeMap<Date, Vec<Due>> = BTreeMap::new();
    due.iter().for_each(|due| by_month.entry(month_of(due.on)).or_default().push(*due));
    let expected = |(month, due): (Date, Vec<Due>)| Expected {
        month,
        accounts: due.len() as u64,
        due: sum(due.iter().map(|due| due.arr)),
        outcome: learned.as_ref().map(|learned| learned.expect(&due)),
    };
    Forecast {
        outcomes: past.len() as u64,
        months: by_month.into_iter().map(expected).collect(),
        backtest: backtest(past),
    }
}

/// Each month of the past as it would have been foretold on its first day.
fn backtest(past: &[PastRenewal]) -> Backtest {
    let mut by_month: BTreeMap<Date, Vec<&PastRenewal>> = BTreeMap::new();
    past.iter().for_each(|renewal| by_month.entry(month_of(renewal.on)).or_default().push(renewal));
    let (mut test, mut errors) = (Backtest::default(), 0.0);
    for (month, renewals) in by_month {
        let was_known = |renewal: &&PastRenewal| month_of(renewal.on.plus(SETTLED_AFTER_DAYS)) < month;
        let Some(learned) = Learned::from(past.iter().filter(was_known)) else { continue };
        let due: Vec<Due> =
            renewals.iter().map(|PastRenewal { on, arr, band, .. }| Due { on: *on, arr: *arr, band: *band }).collect();
        let foretold = learned.expect(&due);
        let came = sum(renewals.iter().filter(|renewal| renewal.stayed).map(|renewal| renewal.arr));
        let all = sum(due.iter().map(|due| due.arr));
        test.months += 1;
        test.inside += u64::from((foretold.low..=foretold.high).contains(&came));
        errors += 100.0 * (amount(foretold.expected) - amount(came)).abs() / amount(all).max(1.0);
    }
    if test.months > 0 {
        let mean = errors / number(test.months);
        test.mean_error_percent = format!("{mean:.3}").parse().ok();
    }
    test
}

/// The share of renewals that went on.
#[derive(Debug, Clone, Copy, Default)]
struct Share {
    all: f64,
    stayed: f64,
}

struct Learned {
    of_all: Share,
    by_band: BTreeMap<Option<Band>, Share>,
}

impl Learned {
    fn from<'a>(past: impl Iterator<Item = &'a PastRenewal>) -> Option<Self> {
        let mut learned = Self { of_all: Share::default(), by_band: BTreeMap::new() };
        let mut count = 0;
        for renewal in past {
            count += 1;
            learned.of_all.add(renewal.stayed);
            learned.by_band.entry(renewal.band).or_default().add(renewal.stayed);
        }
        (count >= LEAST_OUTCOMES).then_some(learned)
    }

    /// The probability that a contract goes on, and how many renewals it rests on.
    fn share(&self, band: Option<Band>) -> (f64, f64) {
        let of_all = (self.of_all.stayed + 1.0) / (self.of_all.all + 2.0);
        let own = self.by_band.get(&band).copied().unwrap_or_default();
        ((own.stayed + DRAWN_BY * of_all) / (own.all + DRAWN_BY), own.all + DRAWN_BY)
    }

    fn expect(&self, due: &[Due]) -> Outcome {
        let (mut expected, mut variance) = (0.0, 0.0);
        let mut by_band: BTreeMap<Option<Band>, f64> = BTreeMap::new();
        for due in due {
            let ((share, _), arr) = (self.share(due.band), amount(due.arr));
            expected += arr * share;
            variance += arr * arr * share * (1.0 - share);
            *by_band.entry(due.band).or_default() += arr;
        }
        for (band, arr) in by_band {
            let (share, rests_on) = self.share(band);
            variance += arr * arr * share * (1.0 - share) / (rests_on + 1.0);
        }
        let (half, all) = (HALF_INTERVAL * variance.sqrt(), amount(sum(due.iter().map(|due| due.arr))));
        let [expected, low, high] =
            [expected, expected - half, expected + half].map(|value| money(value.clamp(0.0, all)));
        Outcome { expected, low, high }
    }
}

impl Share {
    fn add(&mut self, stayed: bool) {
        self.all += 1.0;
        self.stayed += if stayed { 1.0 } else { 0.0 };
    }
}

fn sum(amounts: impl Iterator<Item = Money>) -> Money {
    Money::from_cents(amounts.fold(0, |sum, amount| sum.saturating_add(amount.cents())))
}

#[expect(clippy::cast_precision_loss, reason = "statistics: what comes of it is rounded to the cent")]
const fn amount(money: Money) -> f64 {
    money.cents() as f64
}

#[expect(clippy::cast_precision_loss, reason = "a count of months")]
const fn number(count: u64) -> f64 {
    count as f64
}

#[expect(clippy::cast_possible_truncation, reason = "clamped to what is due, which is a whole number of cents")]
fn money(cents: f64) -> Money {
    Money::from_cents(cents.round() as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Day {
        text.parse().unwrap()
    }

    fn past(on: &str, count: usize, band: Band, stayed: bool) -> Vec<PastRenewal> {
        vec![PastRenewal { on: day(on), arr: Money::from_cents(10_000), band: Some(band), stayed }; count]
    }

    fn due(on: &str, band: Band, dollars: i64) -> Due {
        Due { on: day(on), arr: Money::from_cents(dollars * 100), band: Some(band) }
    }

    #[test]
    fn a121_what_is_expected_follows_from_the_renewals_of_its_band() {
        let known =
            [past("2025-01-10", 90, Band::Healthy, true), past("2025-01-10", 10, Band::Emergency, false)].concat();
        let forecast =
            forecast(&known, &[due("2026-02-01", Band::Healthy, 100), due("2026-02-28", Band::Emergency, 100)]);
        // Of all 91/102 stayed. Healthy: (90 + 10 × 91/102) / 100 = 0.98922; emergency: (0 + 10 × 91/102) / 20 = 0.44608.
        let [month] = &forecast.months[..] else { panic!("{forecast:?}") };
        assert_eq!((month.month.to_string().as_str(), month.accounts, month.due.cents()), ("2026-02-01", 2, 20_000));
        let outcome = month.outcome.unwrap();
        assert_eq!(outcome.expected.cents(), 9_892 + 4_461);
        // The variance in dollars²: 10000 × (0.98922 × 0.01078 × (1 + 1/101) + 0.44608 × 0.55392 × (1 + 1/21)).
        assert_eq!((outcome.low.cents(), outcome.high.cents()), (7_680, 20_000));
    }

    #[test]
    fn a121_from_few_renewals_nothing_is_foretold() {
        let told = |count| {
            let known = past("2025-01-10", count, Band::Healthy, true);
            forecast(&known, &[due("2026-02-01", Band::Healthy, 100)]).months[0].outcome.is_some()
        };
        assert_eq!((told(LEAST_OUTCOMES - 1), told(LEAST_OUTCOMES)), (false, true));
    }

    #[test]
    fn a121_the_forecast_is_held_against_months_that_it_had_not_seen() {
        let known = [
            past("2025-01-10", 27, Band::Healthy, true),
            past("2025-01-10", 3, Band::Healthy, false),
            // As it was before.
            past("2025-06-10", 9, Band::Healthy, true),
            past("2025-06-10", 1, Band::Healthy, false),
            // Everybody leaves.
            past("2025-09-10", 10, Band::Healthy, false),
        ]
        .concat();
        let test = forecast(&known, &[]).backtest;
        assert_eq!((test.months, test.inside), (2, 1), "January had nothing to learn from");
        assert!(test.mean_error_percent.unwrap() > Quantity::whole(40), "{test:?}");
    }
}

//! Any condition and any account, small enough to meet each other.

use super::{account, ago, now};
use crate::account::{Account, LifecycleStage, Money, Segment};
use crate::band::Band;
use crate::day::Day;
use crate::digest::Digest;
use crate::fixed::{ONE, Points, Quantity};
use crate::health::{Contribution, DimensionScore, Health, Overrides, State};
use crate::id::{AccountId, PersonId};
use crate::page::{Bucket, DayFold, Sighting};
use crate::rule::condition::AtLeast;
use crate::rule::leaf::*;
use crate::rule::{Condition, Facts, Standing};
use crate::scorecard::BasisPoints;
use crate::series::Series;
use crate::signal::Metric;
use jiff::SignedDuration;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use std::collections::BTreeMap;

/// An account with all that is known of it.
#[derive(Debug, Clone)]
pub struct Sample {
    pub account: Account,
    pub series: Series,
    pub health: Option<Health>,
    pub standing: Option<Standing>,
}

impl Sample {
    pub fn facts(&self) -> Facts<'_> {
        let Self { account, series, health, standing } = self;
        Facts { account, series, health: health.as_ref(), standing: *standing, now: now() }
    }
}

const METRICS: [Metric; 8] = [
    Metric::ActiveUsers,
    Metric::Logins,
    Metric::Uptime,
    Metric::NetPromoter,
    Metric::Sentiment,
    Metric::SevereIncidents,
    Metric::SponsorReplaced,
    Metric::FeatureAdoption,
];
const STAGES: [LifecycleStage; 5] = [
    LifecycleStage::Onboarding,
    LifecycleStage::Expansion,
    LifecycleStage::Optimization,
    LifecycleStage::Steady,
    LifecycleStage::Churned,
];
const SEGMENTS: [Segment; 3] = [Segment::Enterprise, Segment::MidMarket, Segment::SmallBusiness];

fn metric() -> impl Strategy<Value = Metric> {
    select(METRICS.to_vec())
}

fn small() -> BoxedStrategy<Quantity> {
    (-4_i64..=12).prop_map(|half| Quantity::from_micros(half * ONE / 2)).boxed()
}

fn bounds() -> BoxedStrategy<Bounds> {
    let maybe = || prop::option::weighted(0.4, small());
    (maybe(), maybe(), maybe(), maybe())
        .prop_map(|(at_least, above, at_most, below)| Bounds { at_least, above, at_most, below })
        .boxed()
}

fn counting() -> BoxedStrategy<Condition> {
    let events =
        (metric(), 1..12_u32, 1..6_u32, prop::option::of(metric())).prop_map(|(metric, days, at_least, since_last)| {
            Condition::Counted(Counted { metric, days, at_least, since_last })
        });
    let mean = (metric(), 1..12_u32, small(), 1..5_u32).prop_map(|(metric, days, below, least_values)| {
        Condition::AverageBelow(AverageBelow { metric, days, below, least_values })
    });
    let absent = (metric(), 1..12_u32).prop_map(|(metric, days)| Condition::Absent(Absent { metric, days }));
    let value = (metric(), select(Statistic::ALL.to_vec()), 1..12_u32, 1..4_u32, bounds()).prop_map(
        |(metric, statistic, days, least_values, bounds)| {
            Condition::Value(Value { metric, statistic, days, least_values, bounds })
        },
    );
    let row = (metric(), 1..4_u32, bounds())
        .prop_map(|(metric, days, bounds)| Condition::Sustained(Sustained { metric, days, bounds }));
    let sighting = (0..4_i32)
        .prop_map(|tens| Condition::CompetitorSeen(CompetitorSeen { confidence_at_least: Quantity::whole(tens * 30) }));
    prop_oneof![events, mean, absent, value, row, sighting].boxed()
}

fn moving() -> BoxedStrategy<Condition> {
    let declined = (metric(), 1..8_u32, 1..10_000_u32, 0..3_i32, 0..2_u32, 0..3_u32).prop_map(
        |(metric, days, by_basis_points, floor, profile_weeks, cycle_weeks)| {
            Condition::Declined(Declined {
                metric,
                days,
                by_basis_points,
                floor: Quantity::whole(floor),
                least_days: 1,
                fresh_days: 9,
                profile_weeks,
                cycle_weeks,
                holiday_basis_points: 1_000,
            })
        },
    );
    let trend = || {
        (metric(), 2..12_u32, 0..3_i32, 2..5_u32).prop_map(|(metric, days, by, least_values)| Trend {
            metric,
            days,
            by: Quantity::whole(by),
            least_values,
        })
    };
    let usual = (metric(), 1..6_u32, 1..20_u32, 1..=99_u32, 1..3_u32, 1..5_u32).prop_map(
        |(metric, recent_days, history_days, percentile, least_recent, least_history)| {
            let usual = AboveUsual { metric, recent_days, history_days, percentile, least_recent, least_history };
            Condition::AboveUsual(usual)
        },
    );
    let unusual =
        (metric(), select(vec![Side::High, Side::Low, Side::Either]), 1..60_i64, 1..6_u32, 1..20_u32, 0..2_i32)
            .prop_map(|(metric, side, tenths, recent_days, history_days, least_change)| {
                Condition::Unusual(Unusual {
                    metric,
                    side,
                    by_deviations: Quantity::from_micros(tenths * ONE / 10),
                    recent_days,
                    history_days,
                    least_recent: 1,
                    least_history: 2,
                    least_change: Quantity::whole(least_change),
                })
            });
    let by = prop_oneof![
        (1..4_i32).prop_map(|by| Change::Amount(Quantity::whole(by))),
        (1..20_000_u32).prop_map(Change::BasisPoints)
    ];
    let changed = (metric(), 1..8_u32, select(vec![Direction::Fall, Direction::Rise]), by, 1..3_u32).prop_map(
        |(metric, days, direction, by, least_days)| {
            Condition::Changed(Changed { metric, days, direction, by, least_days })
        },
    );
    prop_oneof![
        declined,
        trend().prop_map(Condition::TrendsDown),
        trend().prop_map(Condition::TrendsUp),
        usual,
        unusual,
        changed
    ]
    .boxed()
}

fn describing() -> BoxedStrategy<Condition> {
    let band = || select(Band::ALL.to_vec());
    let part = select(vec![MeasurePart::Points, MeasurePart::Value]);
    let known = || select(vec!["one".to_owned(), "two".to_owned(), "three".to_owned()]);
    let month_day =
        || (1..=12_u32, 1..=28_u32).prop_map(|(month, day)| format!("{month:02}-{day:02}").parse().unwrap());
    let near = || prop::option::of((-3..4_i32).prop_map(ago));
    let scored = prop_oneof![
        band().prop_map(Condition::BandEntered),
        band().prop_map(Condition::BandLeft),
        band().prop_map(Condition::BandAtMost),
        band().prop_map(Condition::BandAtLeast),
        (prop::option::of(known()), bounds())
            .prop_map(|(dimension, bounds)| Condition::Score(Score { dimension, bounds })),
        (known(), part, bounds()).prop_map(|(measure, of, bounds)| Condition::Measure(Measure { measure, of, bounds })),
    ];
    let described = prop_oneof![
        subsequence(SEGMENTS.to_vec(), 1..=2).prop_map(|of| Condition::Segment(of.into_iter().collect())),
        subsequence(STAGES.to_vec(), 1..=3).prop_map(|of| Condition::Stage(of.into_iter().collect())),
        bounds().prop_map(Condition::Arr),
        bounds().prop_map(Condition::DaysToRenewal),
        any::<bool>().prop_map(Condition::HasRenewalDate),
        any::<bool>().prop_map(Condition::HasOwner),
        select(vec!["kim", "lee"]).prop_map(|who| Condition::Owner([PersonId::new(who).unwrap()].into())),
        select(vec!["acme", "other"]).prop_map(|which| Condition::Account([AccountId::new(which).unwrap()].into())),
        select(vec!["Acme", "Other"]).prop_map(|name| Condition::Named([name.to_owned()].into())),
    ];
    let calendar = prop_oneof![
        subsequence(Weekday::ALL.to_vec(), 1..=5).prop_map(|of| Condition::Weekday(of.into_iter().collect())),
        (month_day(), month_day()).prop_map(|(from, to)| Condition::Season(Season { from, to })),
        (near(), near()).prop_map(|(from, to)| Condition::Dates(Dates { from, to })),
    ];
    prop_oneof![2 => scored, 2 => described, 1 => calendar].boxed()
}

/// Any condition, also such as a rule set refuses.
pub fn condition() -> BoxedStrategy<Condition> {
    let leaf = prop_oneof![3 => counting(), 2 => moving(), 3 => describing()];
    leaf.prop_recursive(4, 24, 4, |inner| {
        let some = || prop::collection::vec(inner.clone(), 1..4);
        let at_least = (1..4_u32, prop::option::weighted(0.7, 1..12_u32), some())
            .prop_map(|(count, within_days, of)| Condition::AtLeast(AtLeast { count, within_days, of }));
        prop_oneof![
            some().prop_map(Condition::All),
            some().prop_map(Condition::Any),
            inner.clone().prop_map(|of| Condition::Not(Box::new(of))),
            at_least,
        ]
    })
    .boxed()
}

/// Any account with any past.
pub fn sample() -> BoxedStrategy<Sample> {
    let value = (metric(), 0..24_i32, 0..4_u32, -4..=12_i64);
    let sightings = prop::collection::vec((0..12_i32, 0..=100_i32, -3..6_i64), 0..2);
    (
        prop::collection::vec(value, 0..60),
        sightings,
        described(),
        prop::option::of(health()),
        prop::option::of(standing()),
    )
        .prop_map(|(values, sightings, account, health, standing)| {
            let mut days: BTreeMap<Day, DayFold> = BTreeMap::new();
            for (metric, back, count, half) in values {
                let (least, most) = metric.range();
                let sum = (half * ONE / 2).clamp(least.micros(), most.micros()) * i64::from(count);
                days.entry(ago(back)).or_default().buckets.insert(metric, Bucket { count, sum });
            }
            for (back, confidence, days_left) in sightings {
                let (confidence, at) = (Quantity::whole(confidence), ago(back).start());
                let expires_at = now() + SignedDuration::from_hours(24 * days_left);
                let sighting = Sighting { confidence, expires_at, at, competitor: "rival".into() };
                days.entry(ago(back)).or_default().sightings.push(sighting);
            }
            let mut series = Series::default();
            for (day, fold) in days {
                series.set(day, fold);
            }
            Sample { account, series, health, standing }
        })
        .boxed()
}

fn described() -> BoxedStrategy<Account> {
    let renewal = prop::option::of((-8..8_i32).prop_map(ago));
    let owner = prop::option::of(select(vec!["kim", "ash"]));
    (-400..2_000_i64, select(SEGMENTS.to_vec()), select(STAGES.to_vec()), renewal, owner)
        .prop_map(|(cents, segment, stage, renewal_on, owner)| Account {
            arr: Money::from_cents(cents),
            segment,
            stage,
            renewal_on,
            owner: owner.map(|owner| PersonId::new(owner).unwrap()),
            ..account()
        })
        .boxed()
}

fn standing() -> BoxedStrategy<Standing> {
    let band = || select(Band::ALL.to_vec());
    (band(), prop::option::of(band()), 0..20_i32, prop::bool::weighted(0.2))
        .prop_map(|(band, from, back, provisional)| Standing { band, from, since: ago(back).start(), provisional })
        .boxed()
}

fn health() -> BoxedStrategy<Health> {
    let points = || (-4_i64..=12).prop_map(|half| Points::from_micros(half.max(0) * ONE / 2));
    let part = || (prop::option::of(points()), prop::option::of(small()), prop::option::of((0..9_i32).prop_map(ago)));
    (points(), prop::bool::weighted(0.2), part(), part())
        .prop_map(|(score, provisional, one, two)| Health {
            score,
            computed: score,
            uncapped: score,
            caps: Vec::new(),
            coverage: BasisPoints::WHOLE,
            provisional,
            stale_since: None,
            overrides: Overrides::default(),
            dimensions: vec![DimensionScore {
                dimension: "one".into(),
                weight: BasisPoints::WHOLE,
                points: one.0,
                contribution: score,
            }],
            measures: [("one", one), ("two", two)]
                .map(|(measure, (points, value, as_of))| Contribution {
                    dimension: "one".into(),
                    measure: measure.into(),
                    state: State::Present,
                    value,
                    unit: "percent".into(),
                    on_target: None,
                    points,
                    computed: None,
                    weight: BasisPoints::WHOLE,
                    contribution: Points::ZERO,
                    as_of,
                })
                .into(),
            scorecard: "test".into(),
            scorecard_hash: Digest::of("test", ["scorecard"]),
        })
        .boxed()
}

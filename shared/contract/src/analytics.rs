//! The bodies of `GET /analytics/…`, and what people say to them.

mod people;

pub use people::{
    ActionTally, ActionsAnswer, AdviceBody, AdvocacyAnswer, AdvocateBody, AgentBody, AgentsAnswer, LoopBody,
    ReferenceRequest, RepliesAnswer, SampledCase, ThemeBody, ToldRequest, VerdictRequest, VoiceAnswer,
};

use crate::capacity::percent;
use domain::account::LifecycleStage;
use domain::fixed::Quantity;
use domain::insight::adoption::Adoption;
use domain::insight::desk::{Desk, Rollup};
use domain::insight::journey::{StageFlow, WayStep};
use domain::insight::lift::{self, Lift};
use domain::insight::peers::{Benchmark, LEAST_PEERS, PERCENTS, Place};
use domain::support::Durations;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// `GET /analytics/journey`: how customers come along.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct JourneyAnswer {
    /// The moment that this speaks of.
    #[schemars(with = "String")]
    pub as_of: Timestamp,
    /// How many accounts came how far on the way from onboarding to steady.
    pub way: Vec<JourneyStep>,
    /// What went through every stage. Entries are what began there and what came from other stages, and also what moved on
    /// and what is still there.
    pub stages: Vec<JourneyStage>,
}

/// A step of the way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct JourneyStep {
    /// The stage.
    pub stage: String,
    /// How many accounts have been in it or in a later one.
    pub reached: u64,
    /// How many of those who reached the step before, in percent.
    pub of_before_percent: Option<String>,
}

/// What went through a stage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct JourneyStage {
    /// Which stage.
    pub stage: String,
    /// How many accounts began in it.
    pub began: u64,
    /// How often an account entered it, those that began in it among them.
    pub entered: u64,
    /// To which stage how many went on.
    pub moved: BTreeMap<String, u64>,
    /// How many are in it.
    pub still: u64,
    /// How many days the middle one of those stayed who have gone on.
    pub days_median: Option<i64>,
    /// Within how many days nine of ten of them have gone on.
    pub days_p90: Option<i64>,
}

impl JourneyAnswer {
    /// The answer with these flows.
    pub fn of(way: &[WayStep], flows: &[StageFlow], as_of: Timestamp) -> Self {
        let name = |stage: &LifecycleStage| stage.name().to_owned();
        let step = |step: &WayStep| JourneyStep {
            stage: name(&step.stage),
            reached: step.reached,
            of_before_percent: percent(step.of_before),
        };
        let stage = |flow: &StageFlow| JourneyStage {
            stage: name(&flow.stage),
            began: flow.began,
            entered: flow.entered,
            moved: flow.moved.iter().map(|(stage, count)| (name(stage), *count)).collect(),
            still: flow.still,
            days_median: flow.days.percentile(50),
            days_p90: flow.days.percentile(90),
        };
        Self { as_of, way: way.iter().map(step).collect(), stages: flows.iter().map(stage).collect() }
    }
}

/// `GET /analytics/adoption`: how far the product is adopted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AdoptionAnswer {
    /// The moment that this speaks of.
    #[schemars(with = "String")]
    pub as_of: Timestamp,
    /// Of how many customers numbers are known.
    pub measured: u64,
    /// Of how many none are.
    pub unmeasured: u64,
    /// The steps: whoever is at one has taken those before it.
    pub steps: Vec<AdoptionStep>,
    /// The step at which most accounts stop.
    pub barrier: Option<String>,
    /// People who use it on a day for those who may, in percent.
    pub active_percent: Option<String>,
    /// The share of features in use, the middle account's, in percent.
    pub features_median_percent: Option<String>,
    /// Days from the first licence to the first use: the middle account's.
    pub days_to_use_median: Option<i64>,
    /// Within how many days nine of ten accounts used it.
    pub days_to_use_p90: Option<i64>,
}

/// A step of adoption.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AdoptionStep {
    /// `licensed`, `used`, `regular` (half of the licensed use it on a day) or `adopted` (80 % of the features).
    pub step: String,
    /// How many accounts took it and all before it.
    pub accounts: u64,
    /// How many of those who took the step before did not.
    pub stopped: u64,
    /// How many of those who took the step before, in percent.
    pub of_before_percent: Option<String>,
}

impl AdoptionAnswer {
    /// The answer with these figures.
    pub fn of(found: &Adoption, as_of: Timestamp) -> Self {
        let step = |taken: &domain::insight::adoption::Taken| AdoptionStep {
            step: taken.step.name().to_owned(),
            accounts: taken.accounts,
            stopped: taken.stopped,
            of_before_percent: percent(taken.of_before),
        };
        Self {
            as_of,
            measured: found.measured,
            unmeasured: found.unmeasured,
            steps: found.steps.iter().map(step).collect(),
            barrier: found.barrier.map(|step| step.name().to_owned()),
            active_percent: found.active_percent.map(|percent| percent.to_string()),
            features_median_percent: found.features_median.map(|percent| percent.to_string()),
            days_to_use_median: found.days_to_use.percentile(50),
            days_to_use_p90: found.days_to_use.percentile(90),
        }
    }
}

/// `GET /analytics/benchmarks`: what the customers of each segment have, and how one of them stands among the others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BenchmarksAnswer {
    /// The moment that this speaks of.
    #[schemars(with = "String")]
    pub as_of: Timestamp,
    /// Of fewer accounts nothing is said.
    pub least_peers: u64,
    /// What the accounts of each segment have, by segment and measure.
    pub benchmarks: Vec<BenchmarkBody>,
    /// How the account stands that was asked for, by measure.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub places: Vec<PlaceBody>,
}

/// What the accounts of a segment have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BenchmarkBody {
    /// `enterprise`, `mid_market` or `small_business`.
    pub segment: String,
    /// What is measured.
    pub measure: String,
    /// Whether nothing is said because there are too few.
    pub withheld: bool,
    /// How many accounts it is told of.
    pub peers: Option<u64>,
    /// The value that so many of a hundred do not exceed: `p10`, `p25`, `p50`, `p75`, `p90`.
    pub percentiles: BTreeMap<String, String>,
}

/// How an account stands among the others of its segment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PlaceBody {
    /// What is measured.
    pub measure: String,
    /// What it has.
    pub value: String,
    /// The others' middle; absent where there are too few.
    pub median: Option<String>,
    /// How many of a hundred others have less; absent where there are too few.
    pub above_percent: Option<u64>,
}

impl BenchmarksAnswer {
    /// The answer with these figures.
    pub fn of(benchmarks: &[Benchmark], places: &[Place], as_of: Timestamp) -> Self {
        let benchmark = |found: &Benchmark| BenchmarkBody {
            segment: found.segment.name().to_owned(),
            measure: found.measure.clone(),
            withheld: found.peers.is_none(),
            peers: found.peers,
            percentiles: percentiles(found.percentiles.as_deref().unwrap_or_default()),
        };
        let place = |found: &Place| PlaceBody {
            measure: found.measure.clone(),
            value: found.value.to_string(),
            median: found.median.map(|median| median.to_string()),
            above_percent: found.above_percent,
        };
        Self {
            as_of,
            least_peers: LEAST_PEERS as u64,
            benchmarks: benchmarks.iter().map(benchmark).collect(),
            places: places.iter().map(place).collect(),
        }
    }
}

fn percentiles(values: &[Quantity]) -> BTreeMap<String, String> {
    PERCENTS.iter().zip(values).map(|(percent, value)| (format!("p{percent}"), value.to_string())).collect()
}

/// `GET /analytics/support`: what support came to over all accounts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DeskAnswer {
    /// The moment that this speaks of.
    #[schemars(with = "String")]
    pub as_of: Timestamp,
    /// The first day (2026-11-22).
    pub from: String,
    /// The last day.
    pub to: String,
    /// All together.
    pub all: RollupBody,
    /// Cases that are open now, whenever they were opened.
    pub open: u64,
    /// By how bad they are.
    pub by_severity: BTreeMap<String, RollupBody>,
    /// By the way they came; `unknown` where nobody said.
    pub by_channel: BTreeMap<String, RollupBody>,
    /// By the Monday of their week.
    pub by_week: BTreeMap<String, RollupBody>,
    /// How many people said how content they are, in the 90 days before each account's last news.
    pub csat_answers: u64,
    /// What they said, the mean in percent.
    pub csat_mean: Option<String>,
}

/// What some cases come to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RollupBody {
    /// How many were opened within the days.
    pub opened: u64,
    /// How many were solved within the days and still are.
    pub resolved: u64,
    /// How often those opened within the days came back after they had been solved.
    pub reopened: u64,
    /// From opening to the first answer, in seconds, of those opened within the days.
    pub first_response: SpreadBody,
    /// From opening to the resolution that stands, in seconds, of those solved within the days.
    pub resolution: SpreadBody,
}

/// How values are spread. A percentile is a value that one of them has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SpreadBody {
    /// How many.
    pub count: u64,
    /// The middle one.
    pub p50: Option<i64>,
    /// What nine of ten do not exceed.
    pub p90: Option<i64>,
    /// What 95 of a hundred do not exceed.
    pub p95: Option<i64>,
}

impl From<&Durations> for SpreadBody {
    fn from(all: &Durations) -> Self {
        let at = |percent| all.percentile(percent);
        Self { count: all.count() as u64, p50: at(50), p90: at(90), p95: at(95) }
    }
}

impl From<&Rollup> for RollupBody {
    fn from(rollup: &Rollup) -> Self {
        Self {
            opened: rollup.opened,
            resolved: rollup.resolved,
            reopened: rollup.reopened,
            first_response: (&rollup.first_response).into(),
            resolution: (&rollup.resolution).into(),
        }
    }
}

impl DeskAnswer {
    /// The answer with these figures.
    pub fn of(desk: &Desk, from: domain::day::Day, to: domain::day::Day, as_of: Timestamp) -> Self {
        let channel = |channel: &Option<domain::signal::Channel>| {
            channel.map_or("unknown", domain::signal::Channel::name).to_owned()
        };
        Self {
            as_of,
            from: from.to_string(),
            to: to.to_string(),
            all: (&desk.all).into(),
            open: desk.open,
            by_severity: desk.by_severity.iter().map(|(key, one)| (key.name().to_owned(), one.into())).collect(),
            by_channel: desk.by_channel.iter().map(|(key, one)| (channel(key), one.into())).collect(),
            by_week: desk.by_week.iter().map(|(key, one)| (key.to_string(), one.into())).collect(),
            csat_answers: desk.csat.map_or(0, |(count, _)| count),
            csat_mean: desk.csat.map(|(_, mean)| mean.to_string()),
        }
    }
}

/// `GET /analytics/lift`: what escalations came to, by the way they went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LiftAnswer {
    /// The moment that this speaks of.
    #[schemars(with = "String")]
    pub as_of: Timestamp,
    /// For how many days each time below healthy is followed.
    pub window_days: i64,
    /// With fewer on either side nothing is said of the difference.
    pub least: u64,
    /// The ways, by name. This is what went together, not what caused it.
    pub routes: Vec<LiftBody>,
}

/// What a way came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LiftBody {
    /// How bad it was, and who was told first.
    pub route: String,
    /// How many times below healthy had an escalation of this way.
    pub with: u64,
    /// How many of them recovered, in percent.
    pub with_recovered_percent: Option<String>,
    /// How many times below healthy had none.
    pub without: u64,
    /// How many of them recovered, in percent.
    pub without_recovered_percent: Option<String>,
    /// The difference, in percentage points; absent where there are too few.
    pub lift_points: Option<String>,
    /// Whether there are too few on either side.
    pub too_few: bool,
}

impl LiftAnswer {
    /// The answer with these figures.
    pub fn of(lifts: &[Lift], as_of: Timestamp) -> Self {
        let route = |found: &Lift| LiftBody {
            route: found.route.clone(),
            with: found.with.n,
            with_recovered_percent: percent(found.with.share()),
            without: found.without.n,
            without_recovered_percent: percent(found.without.share()),
            lift_points: percent(found.lift),
            too_few: found.lift.is_none(),
        };
        Self { as_of, window_days: lift::WINDOW_DAYS, least: lift::LEAST, routes: lifts.iter().map(route).collect() }
    }
}

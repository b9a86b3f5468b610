//! Health: one score of an account, made of contributions that add up to it to the last digit.
//!
//! A measure without data is never zero: the scorecard says what its absence means, and coverage says how much of the
//! weight rests on fresh data. Where nothing at all is known there is no score. All numbers are whole millionths; how
//! they are weighed and split is told in [`composite`].

pub mod ahead;
pub mod composite;
mod decision;
mod difference;
mod entry;
mod overrides;
mod reach;
mod sentence;
mod value;

pub use decision::{BandChange, Decision, HealthState, REASON_DAYS, Trigger, assess, decide};
pub use difference::{Cause, Change, Reason, difference, reasons, shortfalls};
pub use entry::Entry;

pub use overrides::{MAX_OVERRIDES, Override, OverrideError, Overrides, Word};
pub use reach::{NextBand, Outlook, Reach, Step, next_band, reach};
pub use sentence::sentence;
pub use value::{Evidence, evidence};

use crate::account::Account;
use crate::day::Day;
use crate::digest::Digest;
use crate::fixed::{Points, Quantity};
use crate::scorecard::{Absence, Applies, BasisPoints, CapCondition, Dimension, Measure, Scorecard};
use crate::series::Series;
use composite::Composite;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What a score is computed from, besides the time.
#[derive(Debug, Clone, Copy)]
pub struct Inputs<'a> {
    /// What is known of the account by day.
    pub series: &'a Series,
    /// The account.
    pub account: &'a Account,
    /// What is measured and how.
    pub scorecard: &'a Scorecard,
    /// Whether a case of critical severity is open.
    pub open_critical_case: bool,
    /// What people say it is.
    pub overrides: &'a Overrides,
}

/// What a measure's part in the score rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Fresh data.
    Present,
    /// The last value, whose freshness has not ended.
    Held,
    /// No fresh data; counts as the neutral points.
    Neutral,
    /// No fresh data; counts as no points.
    Penalised,
    /// No fresh data; left out.
    Excluded,
    /// The measure does not count for this account at this time.
    NotApplicable,
    /// A person's word stands in the place of what was computed.
    Overridden,
}

/// What would count without a person's word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Computed {
    /// What it would rest on.
    pub state: State,
    /// What it would be worth.
    pub points: Option<Points>,
}

/// A measure's part in the score.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contribution {
    /// Which dimension.
    pub dimension: String,
    /// Which measure.
    pub measure: String,
    /// What it rests on.
    pub state: State,
    /// The measure's value, where there is one.
    pub value: Option<Quantity>,
    /// The unit of the value, for people.
    pub unit: String,
    /// Whether the value reaches its target.
    pub on_target: Option<bool>,
    /// What the value is worth, or what its absence counts as, or what a person says.
    pub points: Option<Points>,
    /// What would count without a person's word, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub computed: Option<Computed>,
    /// Its share of the dimension in the scorecard.
    pub weight: BasisPoints,
    /// How much of the score it brings.
    pub contribution: Points,
    /// The last day of which data are known.
    pub as_of: Option<Day>,
}

impl Contribution {
    /// Days since the last data.
    pub fn age_days(&self, today: Day) -> Option<i32> {
        self.as_of.map(|as_of| today.since(as_of))
    }
}

/// A dimension's part in the score.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DimensionScore {
    /// Which dimension.
    pub dimension: String,
    /// Its share of the score in the scorecard.
    pub weight: BasisPoints,
    /// Its points; none when none of its measures counts.
    pub points: Option<Points>,
    /// How much of the score it brings.
    pub contribution: Points,
}

/// A cap that lowers the score.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppliedCap {
    /// Which cap.
    pub cap: String,
    /// The highest score it allows.
    pub at_most: Points,
}

/// The health of an account at a moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// The score, 0-100: what a person says, else what was computed.
    pub score: Points,
    /// The score as it was computed, after caps.
    pub computed: Points,
    /// The score before caps: what the contributions add up to.
    pub uncapped: Points,
    /// The caps that lowered it.
    pub caps: Vec<AppliedCap>,
    /// The share of the weight that rests on fresh data.
    pub coverage: BasisPoints,
    /// Whether coverage is too low for the score to change a band or fire anything.
    pub provisional: bool,
    /// The oldest day that a held value rests on: the score is not of today alone.
    pub stale_since: Option<Day>,
    /// What people say, where it holds.
    #[serde(default, skip_serializing_if = "Overrides::is_empty")]
    pub overrides: Overrides,
    /// The dimensions, in the order of the scorecard. Their contributions add up to `uncapped`.
    pub dimensions: Vec<DimensionScore>,
    /// The measures, in the order of the scorecard. Those of a dimension add up to its contribution.
    pub measures: Vec<Contribution>,
    /// The scorecard's name and version.
    pub scorecard: String,
    /// The fingerprint of the scorecard's content.
    pub scorecard_hash: Digest,
}

/// The health at this moment, from what is known of the days up to it. None where nothing is known: that is not zero.
pub fn compute(inputs: &Inputs<'_>, now: Timestamp) -> Option<Health> {
    suppose(inputs, now, &BTreeMap::new())
}

/// The health at a moment of which it is not known in which stage the account was and when it would renew: measures that
/// count for some accounts alone do not count.
pub fn compute_past(inputs: &Inputs<'_>, then: Timestamp) -> Option<Health> {
    let nothing = value::Reading { state: State::NotApplicable, value: None, as_of: None };
    assemble(inputs, then, |measure| {
        if measure.applies == Applies::default() { value::read(inputs, measure, then) } else { nothing.clone() }
    })
}

/// The health as it would be if these measures had these values today.
pub fn suppose(inputs: &Inputs<'_>, now: Timestamp, values: &BTreeMap<String, Quantity>) -> Option<Health> {
    assemble(inputs, now, |measure| {
        let reading = value::read(inputs, measure, now);
        match values.get(&measure.id) {
            Some(_) if reading.state == State::NotApplicable => reading,
            Some(value) => value::Reading { state: State::Present, value: Some(*value), as_of: Some(Day::of(now)) },
            None => reading,
        }
    })
}

/// Puts a health together from what each measure reads.
fn assemble(inputs: &Inputs<'_>, now: Timestamp, read: impl Fn(&Measure) -> value::Reading) -> Option<Health> {
    let scorecard = inputs.scorecard;
    let mut measures: Vec<Vec<Contribution>> = Vec::with_capacity(scorecard.dimensions().len());
    for dimension in scorecard.dimensions() {
        let part = |measure: &Measure| contribution(inputs.scorecard, dimension, measure, read(measure));
        measures.push(dimension.measures.iter().map(part).collect());
    }
    if !measures.iter().flatten().any(|part| matches!(part.state, State::Present | State::Held)) {
        return None;
    }
    let coverage = coverage(scorecard, &measures);
    let overrides = inputs.overrides.at(now);
    measures.iter_mut().flatten().for_each(|part| override_points(part, &overrides));
    let (uncapped, dimensions) = weigh(scorecard, &mut measures);
    let caps = caps(inputs, uncapped);
    let held = measures.iter().flatten().filter(|part| part.state == State::Held);
    let computed = caps.iter().map(|cap| cap.at_most).min().unwrap_or(uncapped);
    Some(Health {
        score: overrides.score().unwrap_or(computed),
        computed,
        uncapped,
        caps,
        coverage,
        provisional: coverage < scorecard.minimum_coverage(),
        stale_since: held.filter_map(|part| part.as_of).min(),
        overrides,
        dimensions,
        measures: measures.into_iter().flatten().collect(),
        scorecard: scorecard.version().to_owned(),
        scorecard_hash: scorecard.hash(),
    })
}

/// What a measure's value is worth. How much of the score it brings follows when all are known.
fn contribution(
    scorecard: &Scorecard,
    dimension: &Dimension,
    measure: &Measure,
    reading: value::Reading,
) -> Contribution {
    let points = match reading.state {
        State::Present | State::Held => reading.value.map(|value| measure.curve.points(value)),
        State::Neutral => Some(scorecard.neutral_points()),
        State::Penalised => Some(Points::MIN),
        State::Excluded | State::NotApplicable | State::Overridden => None,
    };
    Contribution {
        dimension: dimension.id.clone(),
        measure: measure.id.clone(),
        state: reading.state,
        value: reading.value,
        unit: measure.unit.clone(),
        on_target: reading.value.map(|value| measure.target.is_met_by(value)),
        points,
        computed: None,
        weight: measure.weight,
        contribution: Points::ZERO,
        as_of: reading.as_of,
    }
}

/// Puts a person's word in the place of what was computed. A measure that does not count stays out.
fn override_points(part: &mut Contribution, overrides: &Overrides) {
    if let Some(points) = overrides.points(&part.measure)
        && part.state != State::NotApplicable
    {
        part.computed = Some(Computed { state: part.state, points: part.points });
        part.state = State::Overridden;
        part.points = Some(points);
    }
}

/// The share of the applicable weight that rests on fresh data, rounded down.
fn coverage(scorecard: &Scorecard, measures: &[Vec<Contribution>]) -> BasisPoints {
    let (mut fresh, mut all) = (0_u64, 0_u64);
    for (dimension, parts) in scorecard.dimensions().iter().zip(measures) {
        for part in parts.iter().filter(|part| part.state != State::NotApplicable) {
            let weight = u64::from(dimension.weight.value()) * u64::from(part.weight.value());
            all += weight;
            fresh += if part.state == State::Present { weight } else { 0 };
        }
    }
    share_of(fresh, all)
}

/// How sure a score is on a day: the share of the applicable weight that rests on data, where data count the less the
/// nearer they are to the end of their freshness. It falls every day without news, so no score holds it: it is worked out
/// when somebody asks.
pub fn confidence(health: &Health, scorecard: &Scorecard, today: Day) -> BasisPoints {
    let (mut sure, mut all) = (0_u64, 0_u64);
    let mut parts = health.measures.iter();
    for dimension in scorecard.dimensions() {
        for (measure, part) in dimension.measures.iter().zip(parts.by_ref()) {
            let state = part.computed.map_or(part.state, |computed| computed.state);
            let weight = u64::from(dimension.weight.value()) * u64::from(measure.weight.value());
            all += if state == State::NotApplicable { 0 } else { weight };
            if matches!(state, State::Present | State::Held) {
                let days = u64::from(measure.freshness_days) + 1;
                let age = part.age_days(today).and_then(|age| u64::try_from(age).ok()).unwrap_or_default();
                sure += weight * days.saturating_sub(age) / days;
            }
        }
    }
    share_of(sure, all)
}

fn share_of(part: u64, all: u64) -> BasisPoints {
    let share = (part * u64::from(BasisPoints::WHOLE.value())).checked_div(all).unwrap_or_default();
    u16::try_from(share).ok().and_then(BasisPoints::new).unwrap_or_default()
}

/// The score, and what each dimension and measure brings to it.
fn weigh(scorecard: &Scorecard, measures: &mut [Vec<Contribution>]) -> (Points, Vec<DimensionScore>) {
    let weighed = Composite::of(scorecard).weigh(measures.iter().flatten().map(|part| part.points));
    for (part, contribution) in measures.iter_mut().flatten().zip(weighed.measures) {
        part.contribution = contribution;
    }
    let brought = weighed.dimension_points.into_iter().zip(weighed.dimensions);
    let dimensions = scorecard.dimensions().iter().zip(brought).map(|(dimension, (points, contribution))| {
        DimensionScore { dimension: dimension.id.clone(), weight: dimension.weight, points, contribution }
    });
    (weighed.score.unwrap_or_default(), dimensions.collect())
}

/// The caps that hold and lower this score.
fn caps(inputs: &Inputs<'_>, uncapped: Points) -> Vec<AppliedCap> {
    let holds = |when| match when {
        CapCondition::OpenCriticalCase => inputs.open_critical_case,
    };
    let lowers = inputs.scorecard.caps().iter().filter(|cap| holds(cap.when) && cap.at_most < uncapped);
    lowers.map(|cap| AppliedCap { cap: cap.id.clone(), at_most: cap.at_most }).collect()
}

/// What absence means for a measure whose data are not fresh.
const fn absent(absence: Absence) -> State {
    match absence {
        Absence::Exclude | Absence::Hold => State::Excluded,
        Absence::Neutral => State::Neutral,
        Absence::Penalise => State::Penalised,
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::account::{LifecycleStage, Money, Segment};
    use crate::id::AccountId;
    use crate::page::fixtures::*;
    use crate::page::{Bucket, DayFold};
    use crate::scorecard::tests::{basis, curve, dimension, draft, measure};
    use crate::scorecard::{Applies, Draft, Formula, Target};
    use crate::signal::{CaseStatus, MeetingResult, Metric, Severity, Signal};
    use proptest::prelude::*;

    pub(crate) fn account(stage: LifecycleStage, renewal_on: Option<Day>) -> Account {
        Account {
            id: AccountId::new("acme").unwrap(),
            name: "Acme".into(),
            arr: Money::from_cents(10_000_000),
            segment: Segment::Enterprise,
            stage,
            renewal_on,
            owner: None,
            contact: Default::default(),
        }
    }

    pub(crate) fn today() -> Day {
        day("2026-03-30")
    }

    /// The house's four measures at these values today.
    pub(crate) fn four(values: [&'static str; 4]) -> Series {
        let metrics = [Metric::Uptime, Metric::AuditCompleteness, Metric::Csat, Metric::RenewalProbability];
        series(metrics.into_iter().zip(values).flat_map(|(metric, value)| daily(metric, [(today(), value)])))
    }

    pub(crate) fn score(draft: Draft, series: &Series, on: Day) -> Option<Health> {
        let account = account(LifecycleStage::Steady, Some(today().plus(30)));
        let scorecard = Scorecard::new(draft).unwrap();
        let overrides = &Overrides::default();
        compute(
            &Inputs { series, account: &account, scorecard: &scorecard, open_critical_case: false, overrides },
            on.start(),
        )
    }

    /// One measure alone, as of so many days after its data.
    fn one(measure: Measure, signals: impl IntoIterator<Item = Signal>, on: Day) -> Option<Contribution> {
        let other = self::measure("other", Metric::Sentiment, 10_000);
        let mut draft = draft();
        draft.dimensions = vec![dimension("a", 5_000, vec![measure]), dimension("b", 5_000, vec![other])];
        let mut signals: Vec<Signal> = signals.into_iter().collect();
        signals.extend(daily(Metric::Sentiment, [(on, "50")]));
        score(draft, &series(signals), on).map(|health| health.measures[0].clone())
    }

    #[test]
    fn a67_80_90_70_60_make_77() {
        let health = score(draft(), &four(["80", "90", "70", "60"]), today()).unwrap();
        assert_eq!(health.score, Points::whole(77));
        let contributions: Vec<String> = health.measures.iter().map(|part| part.contribution.to_string()).collect();
        assert_eq!(contributions, ["24", "27", "14", "12"]);
        assert_eq!((health.coverage, health.provisional), (BasisPoints::WHOLE, false));
        assert_eq!(health.scorecard, "test-1");
    }

    #[test]
    fn confidence_falls_with_the_age_of_the_data_before_coverage_does() {
        let on = |days| {
            let today = today().plus(days);
            let health = score(draft(), &four(["80", "90", "70", "60"]), today).unwrap();
            let confidence = confidence(&health, &Scorecard::new(draft()).unwrap(), today);
            (health.coverage.to_string(), confidence.to_string())
        };
        assert_eq!(on(0), ("100 %".into(), "100 %".into()));
        // A freshness of seven days: after two of them, six parts of eight.
        assert_eq!(on(2), ("100 %".into(), "75 %".into()));
    }

    #[test]
    fn a67_contributions_sum_to_the_score_where_thirds_do_not() {
        let mut draft = draft();
        draft.dimensions[0].measures = vec![
            measure("a", Metric::Uptime, 3_333),
            measure("b", Metric::ErrorRate, 3_333),
            measure("c", Metric::MigrationSuccess, 3_334),
        ];
        let mut signals = daily(Metric::Uptime, [(today(), "100")]);
        signals.extend(daily(Metric::ErrorRate, [(today(), "33.333333")]));
        let health = score(draft, &series(signals), today()).unwrap();
        // Two of the three count: (100 + 33.333333) / 2 = 66.6666665, to even.
        assert_eq!(health.score.to_string(), "66.666666");
        assert_eq!(health.measures[0].contribution.to_string(), "50");
        assert_eq!(health.measures[1].contribution.to_string(), "16.666666");
        assert_eq!(health.measures[2].contribution, Points::ZERO);
    }

    #[test]
    fn a71_missing_is_not_zero() {
        let series = series(daily(Metric::Uptime, [(today(), "80")]));
        let health = score(draft(), &series, today()).unwrap();
        assert_eq!(health.score, Points::whole(80));
        assert_eq!(health.coverage, basis(3_000));
        assert!(health.provisional, "coverage is below one half");
        assert_eq!(health.measures[1].state, State::Excluded);
        assert_eq!((health.measures[1].value, health.measures[1].points), (None, None));
        let zero = self::series(daily(Metric::AuditCompleteness, [(today(), "0")]));
        assert_eq!(score(draft(), &zero, today()).unwrap().score, Points::ZERO, "a zero that was reported is one");
    }

    #[test]
    fn a71_where_nothing_is_known_there_is_no_score() {
        assert_eq!(score(draft(), &Series::default(), today()), None);
        let mut penalising = draft();
        for dimension in &mut penalising.dimensions {
            dimension.measures[0].absence = Absence::Penalise;
        }
        assert_eq!(score(penalising, &Series::default(), today()), None);
    }

    #[test]
    fn a11_a_held_value_stands_until_its_freshness_ends_and_flags_the_score() {
        let held = || Measure {
            window_days: 3,
            freshness_days: 10,
            absence: Absence::Hold,
            ..measure("uptime", Metric::Uptime, 10_000)
        };
        let mut draft = draft();
        draft.dimensions[0].measures = vec![held()];
        let mut signals = daily(Metric::Uptime, [(today(), "80")]);
        signals.extend(daily(Metric::Csat, (0..20).map(|ahead| (today().plus(ahead), "80"))));
        let series = series(signals);
        let on = |ahead| score(draft.clone(), &series, today().plus(ahead)).unwrap();
        assert_eq!((on(2).measures[0].state, on(2).stale_since), (State::Present, None));
        let stale = on(3);
        assert_eq!((stale.measures[0].state, stale.stale_since), (State::Held, Some(today())));
        assert_eq!((stale.score, stale.coverage), (Points::whole(80), basis(2_000)));
        assert_eq!(stale.measures[0].age_days(today().plus(3)), Some(3));
        assert_eq!(on(10).measures[0].state, State::Held);
        assert_eq!((on(11).measures[0].state, on(11).stale_since), (State::Excluded, None));
        assert_eq!(on(11).score, Points::whole(80));
    }

    #[test]
    fn absence_counts_as_the_scorecard_says() {
        let part = |absence| {
            let measure = Measure { absence, ..measure("uptime", Metric::Uptime, 10_000) };
            one(measure, [], today()).unwrap()
        };
        assert_eq!(
            (part(Absence::Neutral).state, part(Absence::Neutral).points),
            (State::Neutral, Some(Points::whole(50)))
        );
        assert_eq!(
            (part(Absence::Penalise).state, part(Absence::Penalise).points),
            (State::Penalised, Some(Points::ZERO))
        );
        assert_eq!((part(Absence::Exclude).state, part(Absence::Exclude).points), (State::Excluded, None));
        assert_eq!((part(Absence::Hold).state, part(Absence::Hold).points), (State::Excluded, None));
    }

    #[test]
    fn a_measure_that_does_not_apply_lowers_no_coverage() {
        let mut draft = draft();
        draft.dimensions[3].measures[0].applies = Applies { renewal_within_days: Some(29), ..Applies::default() };
        let health = score(draft, &four(["80", "90", "70", "60"]), today()).unwrap();
        assert_eq!(health.measures[3].state, State::NotApplicable);
        assert_eq!(health.coverage, BasisPoints::WHOLE);
        // (0.3 × 80 + 0.3 × 90 + 0.2 × 70) / 0.8
        assert_eq!(health.score.to_string(), "81.25");
    }

    #[test]
    fn a_cap_is_visible_beside_the_score_that_it_lowers() {
        let account = account(LifecycleStage::Steady, None);
        let scorecard = Scorecard::new(draft()).unwrap();
        let capped = |values| {
            let series = four(values);
            let overrides = &Overrides::default();
            let inputs = Inputs {
                series: &series,
                account: &account,
                scorecard: &scorecard,
                open_critical_case: true,
                overrides,
            };
            compute(&inputs, today().start()).unwrap()
        };
        let high = capped(["80", "90", "70", "60"]);
        assert_eq!((high.score, high.uncapped), (Points::whole(69), Points::whole(77)));
        assert_eq!(high.caps, [AppliedCap { cap: "open_critical_case".into(), at_most: Points::whole(69) }]);
        let low = capped(["50", "50", "50", "50"]);
        assert_eq!((low.score, low.caps.len()), (Points::whole(50), 0), "a cap that lowers nothing is not shown");
    }

    #[track_caller]
    fn check_formula(formula: Formula, signals: Vec<Signal>, expected: Option<&str>) {
        let more = Target::AtLeast(Quantity::whole(100));
        let measure = Measure { formula, target: more, window_days: 14, ..measure("m", Metric::Uptime, 10_000) };
        let part = one(measure, signals, today()).unwrap();
        assert_eq!(part.value.map(|value| value.to_string()).as_deref(), expected);
    }

    #[test]
    fn formulas_worked_by_hand() {
        let days = |metric, values: &[(i32, &'static str)]| {
            daily(metric, values.iter().map(|(back, value)| (today().plus(-back), *value)))
        };
        let both = |a: Vec<Signal>, b: Vec<Signal>| a.into_iter().chain(b).collect::<Vec<_>>();
        check_formula(Formula::Mean(Metric::Logins), days(Metric::Logins, &[(0, "3"), (5, "4")]), Some("3.5"));
        check_formula(Formula::Sum(Metric::Logins), days(Metric::Logins, &[(0, "3"), (13, "4"), (14, "9")]), Some("7"));
        check_formula(
            Formula::Latest(Metric::CostSaving),
            days(Metric::CostSaving, &[(2, "70"), (3, "50")]),
            Some("70"),
        );
        let share = Formula::Share { part: Metric::ActiveUsers, whole: Metric::LicensedUsers };
        let active = || days(Metric::ActiveUsers, &[(0, "30"), (1, "50")]);
        check_formula(share, both(active(), days(Metric::LicensedUsers, &[(90, "80")])), Some("50"));
        check_formula(share, active(), None);
        check_formula(share, both(active(), days(Metric::LicensedUsers, &[(0, "0")])), None);
        let quotient = Formula::Quotient { numerator: Metric::Logins, denominator: Metric::ActiveUsers };
        // The day on which only one of the two is known counts for neither.
        check_formula(quotient, both(active(), days(Metric::Logins, &[(0, "45"), (2, "99")])), Some("1.5"));
        let nps = Formula::NetPromoter { minimum_answers: 3 };
        check_formula(nps, days(Metric::NpsAnswer, &[(0, "10"), (1, "9"), (2, "6")]), Some("33.333333"));
        check_formula(nps, days(Metric::NpsAnswer, &[(0, "10"), (1, "9")]), None);
    }

    #[test]
    fn a58_the_31st_day_without_an_executive_meeting_lowers_the_measure() {
        let recency = || Measure {
            formula: Formula::DaysSince(Metric::ExecutiveMeetingsHeld),
            freshness_days: 400,
            target: Target::AtMost(Quantity::whole(30)),
            curve: curve(&[(0, 100), (30, 90), (60, 50), (120, 0)]),
            ..measure("recency", Metric::Uptime, 10_000)
        };
        let held = meeting("calendar", "1", today().start(), "qbr", MeetingResult::Held);
        let missed = meeting("calendar", "2", today().plus(25).start(), "next", MeetingResult::Missed);
        let on = |ahead| one(recency(), [held.clone(), missed.clone()], today().plus(ahead)).unwrap();
        assert_eq!((on(30).points.unwrap().to_string(), on(30).on_target), ("90".into(), Some(true)));
        assert_eq!((on(31).points.unwrap().to_string(), on(31).on_target), ("88.666667".into(), Some(false)));
    }

    #[test]
    fn no_news_of_cases_is_not_no_incidents() {
        let incidents = || Measure {
            formula: Formula::Sum(Metric::SevereIncidents),
            window_days: 14,
            freshness_days: 60,
            target: Target::AtMost(Quantity::ZERO),
            curve: curve(&[(0, 100), (4, 0)]),
            ..measure("incidents", Metric::Uptime, 10_000)
        };
        let opened = case("1", today().start(), "a", Severity::High, CaseStatus::Opened);
        let on = |ahead| one(incidents(), [opened.clone()], today().plus(ahead)).unwrap();
        assert_eq!(on(13).value, Some(Quantity::whole(1)));
        assert_eq!(on(14).value, Some(Quantity::ZERO), "the case system spoke lately: none is known to be none");
        assert_eq!(on(61).state, State::Excluded);
        assert_eq!(one(incidents(), [], today()).unwrap().state, State::Excluded);
    }

    #[test]
    fn a_competitor_counts_until_the_sighting_expires() {
        let exposure = || Measure {
            formula: Formula::CompetitorExposure,
            freshness_days: 180,
            target: Target::AtMost(Quantity::ZERO),
            curve: curve(&[(0, 100), (100, 0)]),
            ..measure("competitors", Metric::Uptime, 10_000)
        };
        let seen = competitor("1", today().start(), "85", today().plus(45).start());
        let on = |ahead| one(exposure(), [seen.clone()], today().plus(ahead)).unwrap();
        assert_eq!(on(44).points, Some(Points::whole(15)));
        assert_eq!(on(45).points, Some(Points::whole(100)));
        assert_eq!(on(181).state, State::Excluded);
        assert_eq!(one(exposure(), [], today()).unwrap().state, State::Excluded);
    }

    #[test]
    fn the_past_can_be_scored_again_and_does_not_see_what_came_later() {
        let before = four(["80", "90", "70", "60"]);
        let mut after = before.clone();
        let low = Bucket { count: 1, sum: 0 };
        after.set(today().plus(1), DayFold { buckets: BTreeMap::from([(Metric::Uptime, low)]), ..DayFold::default() });
        assert_eq!(score(draft(), &after, today()), score(draft(), &before, today()));
        assert_ne!(score(draft(), &after, today().plus(1)), score(draft(), &before, today().plus(1)));
    }

    /// A scorecard of any shape and data for any part of it.
    pub(crate) fn any_case() -> impl Strategy<Value = (Draft, Series)> {
        let metrics = Metric::ALL.iter().copied().filter(|metric| metric.range().0 >= Quantity::ZERO).take(12);
        let metrics: Vec<Metric> = metrics.collect();
        let value = prop::option::weighted(0.8, 0_i64..=100_000_000);
        let absence = prop::sample::select(vec![Absence::Exclude, Absence::Hold, Absence::Neutral, Absence::Penalise]);
        let measure = (1_u16..=100, absence, value, 0..12_i32);
        let dimensions = prop::collection::vec((1_u16..=100, prop::collection::vec(measure, 1..4)), 1..5);
        dimensions.prop_map(move |dimensions| {
            let mut series = Series::default();
            let mut folds: BTreeMap<Day, DayFold> = BTreeMap::new();
            let mut free = metrics.iter().copied();
            let weights = shares(dimensions.iter().map(|(weight, _)| *weight));
            let mut made = Vec::new();
            for (d, ((_, measures), weight)) in dimensions.into_iter().zip(weights).enumerate() {
                let within = shares(measures.iter().map(|(weight, ..)| *weight));
                let mut members = Vec::new();
                for (m, ((_, absence, value, back), weight)) in measures.into_iter().zip(within).enumerate() {
                    let metric = free.next().unwrap();
                    if let Some(sum) = value {
                        let fold = folds.entry(today().plus(-back)).or_default();
                        fold.buckets.insert(metric, Bucket { count: 1, sum });
                    }
                    let base = self::measure(&format!("m{d}{m}"), metric, weight);
                    members.push(Measure { absence, freshness_days: 9, ..base });
                }
                made.push(dimension(&format!("d{d}"), weight, members));
            }
            for (day, fold) in folds {
                series.set(day, fold);
            }
            (Draft { dimensions: made, ..draft() }, series)
        })
    }

    /// Basis points in these proportions.
    fn shares(parts: impl Iterator<Item = u16>) -> Vec<u16> {
        let parts: Vec<u32> = parts.map(u32::from).collect();
        let sum: u32 = parts.iter().sum();
        let mut shares: Vec<u16> = parts.iter().map(|part| u16::try_from(part * 10_000 / sum).unwrap()).collect();
        shares[0] += 10_000 - shares.iter().sum::<u16>();
        shares
    }

    proptest! {
        #[test]
        fn a67_contributions_sum_to_the_score_exactly((draft, series) in any_case()) {
            let Some(health) = score(draft, &series, today()) else { return Ok(()) };
            let sum = |parts: &mut dyn Iterator<Item = Points>| parts.fold(Points::ZERO, Points::plus);
            prop_assert_eq!(sum(&mut health.dimensions.iter().map(|part| part.contribution)), health.uncapped);
            for dimension in &health.dimensions {
                let own = health.measures.iter().filter(|part| part.dimension == dimension.dimension);
                prop_assert_eq!(sum(&mut own.map(|part| part.contribution)), dimension.contribution);
            }
            prop_assert!(health.measures.iter().all(|part| part.contribution >= Points::ZERO));
            prop_assert!(health.measures.iter().all(|part| part.points.is_some() || part.contribution == Points::ZERO));
            prop_assert!(Points::MIN <= health.score && health.score <= Points::MAX);
        }

        #[test]
        fn a67_more_points_of_a_measure_never_lower_the_score((draft, series) in any_case(), more in 1_i64..=50_000_000) {
            let Some(before) = score(draft.clone(), &series, today()) else { return Ok(()) };
            for part in before.measures.iter().filter(|part| part.state == State::Present) {
                let Some(Formula::Mean(metric)) = Scorecard::new(draft.clone()).unwrap().measure(&part.measure).map(|m| m.formula) else { continue };
                let (first, last) = (today().plus(-6), today());
                let mut richer = series.clone();
                for (day, _) in series.buckets(metric, first, last) {
                    let all = Metric::ALL.iter().filter_map(|other| Some((*other, series.bucket(*other, *day)?)));
                    let mut fold = DayFold { buckets: all.collect(), ..DayFold::default() };
                    fold.buckets.entry(metric).and_modify(|bucket| bucket.sum += more);
                    richer.set(*day, fold);
                }
                prop_assert!(score(draft.clone(), &richer, today()).unwrap().score >= before.score);
            }
        }
    }
}

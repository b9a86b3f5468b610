//! The sample portfolio is what it says: the same from the same seed, valid when it arrives, and with a known story.

use contract::backtest::RulesDryRunRequest;
use contract::comparison::DryRunRequest;
use domain::day::Day;
use domain::signal::{CaseStatus, Metric, Severity};
use local::clock::StandingClock;
use local::command::TEMPLATE;
use local::data::Played;
use local::faults::Faults;
use local::functions;
use local::host::{Host, Parts};
use local::play::Sightings;
use local::sample::{ACCOUNTS, Arrival, DAYS, DEFAULT_SEED, Portfolio, START, Seen, What, assess, by_rule};
use local::wiring::Wiring;
use platform::metrics::Nowhere;
use platform::table::embedded::EmbeddedTable;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

fn days(portfolio: &Portfolio) -> impl Iterator<Item = Day> + '_ {
    (0..DAYS).map(|number| portfolio.start.plus(number))
}

fn arrivals(portfolio: &Portfolio) -> Vec<Arrival> {
    days(portfolio).flat_map(|day| portfolio.arrivals_of(day)).collect()
}

fn bytes(seed: u64) -> String {
    let portfolio = Portfolio::generate(seed);
    let signals: Vec<_> = arrivals(&portfolio).into_iter().map(|arrival| (arrival.at, arrival.signal)).collect();
    let changes: Vec<_> = days(&portfolio).map(|day| portfolio.changes_of(day)).collect();
    serde_json::to_string(&(&portfolio.accounts, &portfolio.planted, changes, signals)).unwrap()
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_seed_others() {
    let first = bytes(DEFAULT_SEED);
    assert!(first == bytes(DEFAULT_SEED), "the same seed gave other bytes");
    assert!(first != bytes(DEFAULT_SEED + 1), "another seed gave the same bytes");
}

#[test]
fn every_record_is_valid_when_it_arrives_and_arrives_on_its_day() {
    for seed in [DEFAULT_SEED, 2, 77] {
        let portfolio = Portfolio::generate(seed);
        for day in days(&portfolio) {
            let mut last = day.start();
            for Arrival { at, signal } in portfolio.arrivals_of(day) {
                assert_eq!(Day::of(at), day);
                assert!(last <= at, "arrivals are in order");
                last = at;
                signal.check(at).unwrap_or_else(|fault| panic!("seed {seed}, {day}: {fault:?} in {signal:?}"));
                assert!(at.as_second() - signal.at.as_second() <= 4 * 86_400, "no record is later than three days");
            }
        }
        for (id, body) in
            portfolio.accounts.iter().cloned().chain(days(&portfolio).flat_map(|day| portfolio.changes_of(day)))
        {
            body.check(&id).unwrap();
        }
    }
}

#[test]
fn outside_its_days_the_sample_is_silent() {
    let portfolio = Portfolio::generate(DEFAULT_SEED);
    assert_eq!(portfolio.start.to_string(), "2026-01-05");
    assert_eq!(portfolio.start.weekday(), 0);
    assert!(portfolio.signals_of(portfolio.start.plus(-1)).is_empty());
    assert!(portfolio.signals_of(portfolio.end().plus(1)).is_empty());
    assert!(!portfolio.signals_of(portfolio.end()).is_empty());
}

#[test]
fn one_record_in_ten_comes_twice_late_or_out_of_order_and_twice_means_the_same() {
    let portfolio = Portfolio::generate(DEFAULT_SEED);
    let mut seen = BTreeMap::new();
    let (mut twice, mut late, mut delayed) = (0, 0, 0);
    let all = arrivals(&portfolio);
    for Arrival { at, signal } in &all {
        let key = (signal.account.clone(), signal.source.clone(), signal.id.clone());
        if let Some(first) = seen.insert(key, signal.clone()) {
            assert_eq!(&first, signal, "a repeat has the same content");
            twice += 1;
        } else if Day::of(*at) > Day::of(signal.at) {
            late += 1;
        } else if *at > signal.at {
            delayed += 1;
        }
    }
    let per_mille = (twice + late + delayed) * 1_000 / all.len();
    assert!((80..=110).contains(&per_mille), "{per_mille} of 1000 records are in disorder");
    assert!(twice > 1_000 && late > 1_000 && delayed > 100, "{twice} twice, {late} late, {delayed} delayed");
}

#[test]
fn every_plot_is_planted_for_every_seed() {
    for seed in [DEFAULT_SEED, 5, 6, 7] {
        let portfolio = Portfolio::generate(seed);
        assert_eq!(portfolio.accounts.len(), ACCOUNTS);
        let mut counts: BTreeMap<&str, u32> = BTreeMap::new();
        for plant in &portfolio.planted {
            assert!(
                portfolio.start <= plant.from && plant.from <= plant.by && plant.by <= portfolio.end(),
                "{plant:?}"
            );
            *counts.entry(if let What::Rule(rule) = &plant.what { rule } else { "nothing" }).or_default() += 1;
        }
        let expected = [
            ("band-at-risk", 4),
            ("band-critical", 5),
            ("band-emergency", 1),
            ("competitive-activity", 2),
            ("executive-disengagement", 4),
            ("nothing", 35),
            ("performance-issues", 3),
            ("sla-breach", 2),
            ("unusual active_users", 6),
            ("unusual logins", 6),
            ("unusual uptime", 5),
            ("usage-decline", 8),
            ("user-complaints", 4),
        ];
        assert_eq!(counts, expected.into_iter().collect(), "seed {seed}");
    }
}

#[test]
fn all_sources_and_all_reportable_metrics_of_the_story_are_there() {
    let portfolio = Portfolio::generate(DEFAULT_SEED);
    let all = arrivals(&portfolio);
    let sources: BTreeSet<&str> = all.iter().map(|arrival| arrival.signal.source.as_str()).collect();
    assert_eq!(sources, ["calendar", "crm", "support", "survey", "telemetry"].into());
    let metrics: BTreeSet<Metric> = all.iter().map(|arrival| arrival.signal.metric).collect();
    let absent: Vec<&Metric> =
        Metric::ALL.iter().filter(|metric| !Metric::DERIVED.contains(metric) && !metrics.contains(metric)).collect();
    assert_eq!(absent, [&Metric::Purchases, &Metric::PilotUsers, &Metric::MilestoneReached, &Metric::MigratedUsers]);
}

#[test]
fn cases_open_before_they_are_answered_and_two_critical_ones_never_are() {
    let portfolio = Portfolio::generate(DEFAULT_SEED);
    let mut cases: BTreeMap<_, BTreeMap<_, (CaseStatus, Severity)>> = BTreeMap::new();
    for Arrival { signal, .. } in arrivals(&portfolio) {
        if let Some(case) = signal.case {
            let (severity, _) = case.severity().unwrap();
            cases.entry(case.id).or_default().insert(signal.at, (case.status, severity));
        }
    }
    let mut unanswered = 0;
    for (case, steps) in &cases {
        let steps: Vec<_> = steps.values().collect();
        assert_eq!(steps[0].0, CaseStatus::Opened, "{case}");
        let answered = steps.iter().any(|(status, _)| *status == CaseStatus::Responded);
        unanswered += u32::from(!answered && steps[0].1 == Severity::Critical);
    }
    assert_eq!(unanswered, 2);
    assert!(cases.len() > 500, "{} cases", cases.len());
}

/// Plays the whole sample on a host whose schedules are thinned out: what comes in is scored at once anyway, and a clock
/// that is looked at every quarter of an hour is late by less than a day.
fn play(seed: u64) -> (Played, Host) {
    let clock = Arc::new(StandingClock::new(START.start()));
    let mut wiring = Wiring::read(TEMPLATE, &BTreeMap::new()).unwrap();
    for schedule in &mut wiring.schedules {
        schedule.every_seconds =
            schedule.every_seconds.max(if schedule.tick == "due_clock" { 900 } else { 12 * 3_600 });
    }
    let sightings = Sightings::default();
    let parts = Parts {
        wiring,
        table: Arc::new(EmbeddedTable::memory(clock.clone()).unwrap()),
        clock: clock.clone(),
        faults: Faults::none(),
        metrics: Arc::new(Nowhere),
        witness: sightings.witness(),
    };
    let mut host = Host::new(parts, functions::build).unwrap();
    let client = local::play::client(clock).unwrap();
    let portfolio = Portfolio::generate(seed);
    let mut played = Played::nothing(seed);
    for day in days(&portfolio) {
        played.records += local::play::day(&mut host, &client, &portfolio, seed, day).unwrap();
        played.days += 1;
    }
    assert!(host.queues().dead_letters().is_empty(), "{:?}", host.queues().dead_letters());
    assert!(host.missed_ticks().is_empty(), "{:?}", host.missed_ticks());
    played.seen = sightings.all();
    (played, host)
}

/// The scorecard that holds against itself: nobody changes, and what happened is told by both alike.
fn try_the_scorecard_that_holds(host: &mut Host) {
    let file = contract::scorecard::file(contract::scorecard::DEFAULT).unwrap();
    let request = DryRunRequest { horizon_days: Some(60), ..DryRunRequest::of(file) };
    let client = local::play::client(host.clock()).unwrap();
    let mut seen = Vec::new();
    let answer = local::dry_run::scorecard(host, &client, "try", &request, |accounts| seen.push(accounts)).unwrap();
    assert!(seen.is_sorted() && seen.last() == Some(&answer.visited), "{seen:?}");
    let found = answer.found;
    assert_eq!((answer.visited, found.accounts + found.unscored + found.left), (60, 60));
    assert_eq!((found.changed_band, found.movers.len(), &found.today), (0, 0, &found.candidate));
    assert_eq!((found.today.leavers, found.today.warned), (1, 1), "who left in the sample was seen to be leaving");
    assert_eq!((found.today.judged_left, found.today.auc.as_deref()), (1, Some("1")), "and had the lowest score");
}

/// The rules that hold against themselves, replayed over the days of the sample: neither set would have done anything else,
/// and both would have opened what was opened.
fn replay_the_rules_that_hold(host: &mut Host, played: &Played) {
    let file = contract::rules::file(contract::rules::DEFAULT).unwrap();
    let days = u16::try_from(played.days - 1).unwrap();
    let request = RulesDryRunRequest { days, horizon_days: Some(60), ..RulesDryRunRequest::of(file) };
    let client = local::play::client(host.clock()).unwrap();
    let answer = local::dry_run::rules(host, &client, "replay", &request, |_| {}).unwrap();
    let found = answer.found;
    assert_eq!((answer.visited, found.changes, found.held), (60, Vec::new(), Vec::new()));
    assert_eq!(found.today, found.candidate);
    let mut opened = BTreeMap::new();
    for seen in &played.seen {
        *opened.entry(seen.rule.as_str()).or_default() += 1;
    }
    for rule in &found.rules {
        assert_eq!(rule.today, rule.candidate);
        let (then, now) = (opened.get(rule.rule.as_str()).copied().unwrap_or(0), rule.candidate.unwrap().opened);
        assert_eq!(now, then, "`{}` opened {then} times then", rule.rule);
    }
}

#[test]
fn what_was_planted_is_found_and_next_to_nothing_else() {
    let portfolio = Portfolio::generate(DEFAULT_SEED);
    let (played, mut host) = play(DEFAULT_SEED);
    let seen: Vec<Seen> = played
        .seen
        .iter()
        .map(|seen| Seen { account: seen.account.clone(), rule: seen.rule.clone(), on: Day::of(seen.at) })
        .collect();
    let rules = by_rule(&portfolio.planted, &seen);
    for (rule, assessment) in &rules {
        // Each rule has something to find: switched off, it misses it.
        assert!(assessment.found > 0, "`{rule}` found nothing: {rules:#?}");
        // Two low days and a slow slide are hard to tell from what was before; a fall to a half is not.
        let misses = if rule.starts_with("unusual ") { 2 } else { 0 };
        assert!(assessment.missed <= misses, "`{rule}` missed something: {rules:#?}");
    }
    let all = assess(&portfolio.planted, &seen);
    assert!(all.found >= 33 + 12 && all.false_ <= 2, "{all:?}: {rules:#?}");
    try_the_scorecard_that_holds(&mut host);
    replay_the_rules_that_hold(&mut host, &played);
}

//! The key figures of each row of the requirements, from small histories that are counted by hand.

use super::*;
use contract::event::{
    AccountAllocated, AnomalyFound, CaseChanged, CaseTurns, DataQualityChanged, EffectRequested, ExperimentExposed,
    MetricReported, PlaybookFinished, SignalsRecorded, SlaBreached, StepCompleted,
};
use contract::report::{KpiFigure, PerformanceHistory, RevenueAnswer, RoiAnswer};
use contract::workflow::{ExecutionBody, StepBody};
use domain::day::Day;
use domain::fixed::Quantity;
use domain::id::{ArmId, CaseId, ExecutionId, ExperimentId, PersonId, PlaybookId, StepId};
use domain::signal::{CaseStatus, Metric};
use platform::answers::{Answers, Hour};
use platform::keys;

pub(super) fn moment(text: &str) -> Timestamp {
    let text = if text.contains('T') { text.to_owned() } else { format!("{text}T00:00:00Z") };
    text.parse().unwrap()
}

/// A fact about an account; the number tells it from others.
pub(super) fn fact(number: u32, account: &str, at: &str, fact: impl Into<Fact>) -> Event {
    let account = AccountId::new(account).unwrap();
    let tenant = TenantId::new("t").unwrap();
    let cause = Cause { tenant, correlation_id: "story".into(), causation_id: number.to_string() };
    Event::new(&cause, Some(&account), "", moment(at), fact)
}

/// Numbers the facts.
fn numbered(facts: Vec<(&str, &str, Fact)>) -> Vec<Event> {
    (0..).zip(facts).map(|(number, (account, at, told))| fact(number, account, at, told)).collect()
}

pub(super) fn person(name: &str) -> PersonId {
    PersonId::new(name).unwrap()
}

fn pays(arr_cents: i64, stage: LifecycleStage, renewal_on: Option<&str>) -> Fact {
    let mut fact = described("Somebody");
    fact.account.arr_cents = arr_cents;
    fact.account.stage = stage;
    fact.account.renewal_on = renewal_on.map(|on| on.parse().unwrap());
    fact.into()
}

pub(super) fn turned(turns: CaseTurns) -> Fact {
    let now = noon();
    let status = if turns.reopened { CaseStatus::InProgress } else { CaseStatus::Resolved };
    let case = CaseId::new("c").unwrap();
    CaseChanged { case, severity: Severity::Low, status, changed_at: now, opened_at: now, turns }.into()
}

pub(super) fn step(by: Option<&str>, due: bool, late: bool) -> Fact {
    let step = StepBody {
        step: StepId::new("plan").unwrap(),
        title: "Plan".into(),
        kind: "task".into(),
        state: "done".into(),
        owner: None,
        due_on: due.then(|| "2026-01-02".into()),
        late,
        by: by.map(ToOwned::to_owned),
        reason: None,
    };
    StepCompleted { execution: execution("onboarding", "running", "2026-01-01"), step }.into()
}

fn execution(playbook: &str, status: &str, started: &str) -> ExecutionBody {
    ExecutionBody {
        execution: ExecutionId::new("exec").unwrap(),
        playbook: PlaybookId::new(playbook).unwrap(),
        version: "v".into(),
        status: status.into(),
        started_at: moment(started),
        completion_basis_points: 0,
        adherence_basis_points: None,
    }
}

fn finished(playbook: &str, status: &str, started: &str) -> Fact {
    PlaybookFinished { execution: execution(playbook, status, started), reason: None }.into()
}

fn effect(kind: &str) -> Fact {
    EffectRequested {
        key: "k".into(),
        execution: ExecutionId::new("exec").unwrap(),
        step: StepId::new("plan").unwrap(),
        effect: kind.into(),
        role: None,
        text: "Hello.".into(),
        destination: None,
    }
    .into()
}

pub(super) fn closed(how: &str) -> Fact {
    CtaClosed { cta: CtaId::new("cta").unwrap(), how: how.into(), reason: "so".into() }.into()
}

fn begun(id: &str, kind: &str) -> Fact {
    let cta = CtaBody { cta_type: kind.into(), ..cta(id, 7) };
    CtaOpened { cta, reopened: false }.into()
}

fn allocated(to: &str, by: &str) -> Fact {
    let role = "customer_success_manager".into();
    AccountAllocated { role, person: person(to), replaces: None, by: person(by), exception: None }.into()
}

fn held_out() -> Fact {
    ExperimentExposed {
        experiment: ExperimentId::new("calls").unwrap(),
        arm: ArmId::new("hold_out").unwrap(),
        held_out: true,
        rule: RuleId::new("usage-decline").unwrap(),
        definitions: "d".into(),
    }
    .into()
}

pub(super) fn reported(metrics: &[(Metric, u32, i32, u32, u32)]) -> Fact {
    let one = |(metric, count, sum, promoters, detractors): &(Metric, u32, i32, u32, u32)| MetricReported {
        metric: *metric,
        count: *count,
        sum: Quantity::whole(*sum),
        latest: Quantity::whole(*sum),
        at: noon(),
        promoters: *promoters,
        detractors: *detractors,
    };
    let (metrics, reported) = (Vec::new(), metrics.iter().map(one).collect());
    SignalsRecorded { added: 1, metrics, oldest: noon(), newest: noon(), reported }.into()
}

fn unusual(source: &str, status: &str) -> Fact {
    DataQualityChanged {
        source: source.into(),
        kind: "volume".into(),
        metric: None,
        status: status.into(),
        severity: None,
        since: "2026-01-03".into(),
        text: "half of what it was".into(),
    }
    .into()
}

fn rose() -> Fact {
    moved("critical", "at_risk", "75", &[]).into()
}

fn at(opened: &str) -> EscalationBody {
    EscalationBody { opened_at: moment(opened), ..escalation("esc", 90) }
}

/// A Sunday of two accounts, on which much is done.
fn work() -> Vec<Event> {
    let steady = LifecycleStage::Steady;
    let day = "2026-01-04T10:00:00Z";
    let turns = |answered: Option<u64>, resolved: Option<u64>, at_first_contact| CaseTurns {
        answered_after_seconds: answered,
        resolved_after_seconds: resolved,
        at_first_contact,
        reopened: false,
    };
    let on_the_day: Vec<(&str, Fact)> = vec![
        ("acme", pays(5_000_000, steady, None)),
        ("globex", pays(5_000_000, steady, None)),
        ("acme", scored("85", "healthy", false).into()),
        ("globex", scored("65", "critical", false).into()),
        ("acme", turned(turns(Some(3_600), None, false))),
        ("acme", turned(turns(None, Some(7_200), true))),
        ("globex", turned(turns(Some(1_800), Some(10_800), false))),
        ("globex", turned(CaseTurns { reopened: true, ..CaseTurns::default() })),
        ("acme", EscalationOpened { escalation: at(day) }.into()),
        ("globex", EscalationOpened { escalation: at(day) }.into()),
        ("acme", EscalationAcknowledged { escalation: at("2026-01-04T09:50:00Z"), by: "kim".into() }.into()),
        ("acme", EscalationResolved { escalation: at("2026-01-04T09:40:00Z"), outcome: "done".into() }.into()),
        ("globex", SlaBreached { escalation: at(day), clock: "resolution".into() }.into()),
        ("acme", step(Some("kim"), true, false)),
        ("acme", step(Some("lee"), true, true)),
        ("globex", step(None, false, false)),
        ("globex", step(None, false, false)),
        ("acme", closed("closed")),
        ("acme", closed("closed")),
        ("globex", closed("closed")),
        ("globex", closed("dismissed")),
        ("globex", closed("cleared")),
        ("acme", effect("outreach")),
        ("globex", effect("outreach")),
        ("globex", effect("notify")),
        ("acme", finished("onboarding", "completed", "2025-12-30T10:00:00Z")),
        ("globex", finished("onboarding", "cancelled", "2025-12-30T10:00:00Z")),
        ("globex", finished("renewal", "completed", "2026-01-01T10:00:00Z")),
        ("acme", reported(&[(Metric::NpsAnswer, 4, 30, 3, 1), (Metric::Csat, 2, 185, 0, 0)])),
        ("acme", reported(&[(Metric::FeatureAdoption, 1, 80, 0, 0), (Metric::CostSaving, 1, 75, 0, 0)])),
        ("globex", reported(&[(Metric::FeatureAdoption, 1, 60, 0, 0), (Metric::CostSaving, 1, 70, 0, 0)])),
        ("acme", reported(&[(Metric::EffortReduction, 1, 79, 0, 0), (Metric::ReferenceWillingness, 1, 50, 0, 0)])),
        ("globex", reported(&[(Metric::ReferenceWillingness, 1, 49, 0, 0)])),
        ("acme", allocated("csm-01", "boss")),
        ("globex", allocated("csm-01", "boss")),
        ("globex", unusual("crm", "began")),
        ("acme", unusual("crm", "began")),
    ];
    let mut facts: Vec<(&str, &str, Fact)> =
        on_the_day.into_iter().map(|(account, fact)| (account, day, fact)).collect();
    facts.push(("acme", "2026-01-04T11:00:00Z", unusual("crm", "ended")));
    numbered(facts)
}

/// What is paid over a year: one customer grows, one leaves.
fn year() -> Vec<Event> {
    let (steady, churned) = (LifecycleStage::Steady, LifecycleStage::Churned);
    numbered(vec![
        ("acme", "2025-01-01", pays(5_000_000, steady, Some("2025-11-01"))),
        ("globex", "2025-01-01", pays(5_000_000, steady, Some("2025-11-01"))),
        ("acme", "2025-01-11", begun("e1", "expansion")),
        ("acme", "2025-06-01", begun("e2", "expansion")),
        ("acme", "2025-07-01", pays(6_000_000, steady, Some("2025-11-01"))),
        ("acme", "2025-09-15", begun("e3", "expansion")),
        ("globex", "2025-11-10", pays(5_000_000, churned, Some("2025-11-01"))),
    ])
}

fn figures(events: &[Event]) -> BTreeMap<String, KpiFigure> {
    let stage = stage();
    stage.hear(events);
    stage.live("t").kpis.into_iter().map(|figure| (figure.id.clone(), figure)).collect()
}

/// Each figure's value, standing and whole.
#[track_caller]
fn check(events: &[Event], expected: &[(&str, &str, &str, u64)]) {
    let figures = figures(events);
    for (id, value, standing, counted) in expected {
        let told = &figures[*id];
        let value = Some(*value).filter(|value| *value != "-");
        assert_eq!((told.value.as_deref(), told.standing.as_str(), told.counted), (value, *standing, *counted), "{id}");
    }
}

#[test]
fn a21_work_by_hand_answers_escalations_and_first_contact() {
    check(
        &work(),
        &[
            ("manual_work", "2.5", "no_baseline", 2),
            ("answer_time_change", "2700", "no_baseline", 2),
            ("escalations", "2", "no_baseline", 2),
            ("first_contact_change", "50", "no_baseline", 2),
        ],
    );
}

#[test]
fn a22_accounts_for_each_manager_overhead_consistency_and_rework() {
    check(
        &work(),
        &[
            ("accounts_per_csm", "2", "no_baseline", 2),
            ("overhead", "3.5", "no_baseline", 2),
            ("consistency_change", "50", "no_baseline", 2),
            ("rework", "50", "no_baseline", 2),
        ],
    );
}

/// Risks that something was begun about in November, and accounts for which nothing was.
fn interventions() -> Vec<Event> {
    let of = |account, facts: Vec<(&'static str, Fact)>| -> Vec<(&str, &str, Fact)> {
        facts.into_iter().map(|(at, fact)| (account, at, fact)).collect()
    };
    numbered(
        [
            of("acme", vec![("2025-11-10", begun("a", "risk")), ("2025-11-20", rose())]),
            of("globex", vec![("2025-11-10", begun("b", "risk")), ("2025-12-11", rose())]),
            of("hooli", vec![("2025-11-10", begun("c", "risk")), ("2025-12-09", rose())]),
            of("initech", vec![("2025-12-30", begun("d", "risk")), ("2026-01-02", rose())]),
            of("umbrella", vec![("2025-11-10", held_out()), ("2025-11-15", rose())]),
            of("stark", vec![("2025-11-10", held_out())]),
            // Before the months that are counted.
            of("wayne", vec![("2025-10-10", begun("e", "risk")), ("2025-10-11", rose())]),
        ]
        .concat(),
    )
}

#[test]
fn a23_an_intervention_succeeds_within_its_window_and_stands_beside_those_held_out() {
    check(
        &interventions(),
        &[("intervention_success", "66.666667", "missed", 3), ("intervention_lift", "16.666667", "missed", 2)],
    );
    let stage = stage();
    stage.hear(&interventions());
    let told = stage.live("t").interventions;
    assert_eq!((told.window_days, told.judged, told.succeeded, told.pending), (30, 3, 2, 1));
    assert_eq!((told.held_out, told.held_out_succeeded), (2, 1));
}

#[test]
fn a23_renewals_lifetime_value_and_the_time_until_an_opportunity_is_found() {
    check(
        &year(),
        &[
            ("renewal_rate", "50", "no_baseline", 2),
            // 60,000 a year from the one who is there, of two of whom one left.
            ("lifetime_value", "120000", "no_baseline", 1),
            ("expansion_identified", "864000", "no_baseline", 1),
        ],
    );
}

#[test]
fn a24_satisfaction_outreach_and_what_nobody_records() {
    check(
        &work(),
        &[
            ("csat_change", "92.5", "no_baseline", 2),
            ("answer_time_satisfaction", "2700", "no_baseline", 2),
            ("outreach", "2", "no_baseline", 2),
            ("stakeholder_satisfaction", "-", "no_data", 0),
        ],
    );
}

#[test]
fn a46_without_anybody_held_out_nothing_is_gained_that_is_known() {
    let without: Vec<Event> =
        interventions().into_iter().filter(|event| !matches!(event.fact, Fact::ExperimentExposed(_))).collect();
    check(&without, &[("intervention_lift", "-", "no_data", 0), ("intervention_success", "66.666667", "missed", 3)]);
}

#[test]
fn a47_use_by_people_is_what_a_log_of_who_did_what_says() {
    // Thursday to Saturday, and today, which is not over.
    let log = [
        ("2026-01-01", "kim"),
        ("2026-01-01", "kim"),
        ("2026-01-02", "kim"),
        ("2026-01-02", "lee"),
        ("2026-01-03", "lee"),
    ];
    let acted = |(number, (day, who)): (u32, &(&str, &str))| fact(number, "acme", day, step(Some(who), false, false));
    let mut events: Vec<Event> = (0..).zip(&log).map(acted).collect();
    events.push(fact(90, "acme", "2026-01-05T09:00:00Z", step(Some("mia"), false, false)));
    // Who looks after an account and does nothing is one of them too.
    events.push(fact(91, "acme", "2026-01-02", allocated("csm-01", "kim")));
    let stage = stage();
    stage.hear(&events);
    let told = |stage: &Stage| {
        let live = stage.live("t");
        let daily = live.kpis.iter().find(|figure| figure.id == "daily_use").unwrap();
        (daily.value.clone().unwrap(), daily.counted)
    };
    // On two working days one and two of three people.
    assert_eq!(told(&stage), ("50".into(), 3));
    // Whoever only looks is seen by the doors: on Friday another one.
    let answers = Answers { hours: BTreeMap::new(), people: [person("noa"), person("kim")].into() };
    let tenant = TenantId::new("t").unwrap();
    stage.doubles.put(&keys::answers(&tenant, "2026-01-02".parse().unwrap(), "score"), &answers);
    assert_eq!(told(&stage), ("50".into(), 4), "one and three of four");
}

#[test]
fn a87_what_customers_save_and_how_satisfied_they_are() {
    check(
        &work(),
        &[
            ("csat_level", "92.5", "missed", 2),
            ("cost_saving", "72.5", "met", 2),
            ("time_reduction", "79", "missed", 1),
            ("return", "-", "no_data", 0),
        ],
    );
}

#[test]
fn a124_support_answers_resolves_satisfies_and_gets_done() {
    check(
        &work(),
        &[
            ("answer_time", "2700", "met", 2),
            ("first_contact", "50", "missed", 2),
            ("csat", "92.5", "met", 2),
            ("support_automation", "-", "no_data", 0),
            // Six things by three people on one day.
            ("support_productivity", "2", "no_baseline", 3),
        ],
    );
}

#[test]
fn a125_health_onboarding_adoption_retention_and_recommendation() {
    check(
        &work(),
        &[
            ("healthy", "50", "missed", 2),
            ("onboarding", "50", "missed", 2),
            ("feature_adoption", "70", "missed", 2),
            ("retention", "-", "no_data", 0),
            ("nps", "50", "missed", 4),
        ],
    );
    check(&year(), &[("retention", "50", "missed", 2)]);
}

#[test]
fn a126_growth_follows_from_what_is_paid() {
    check(
        &year(),
        &[
            ("expansion", "10", "missed", 2),
            ("net_retention", "60", "missed", 2),
            // Found in January, June and September; more was paid from July on.
            ("upsell", "33.333333", "missed", 3),
            ("advocacy", "-", "no_data", 0),
        ],
    );
    check(&work(), &[("references", "50", "met", 2)]);
}

#[test]
fn a127_insights_lead_to_action_and_data_are_sound() {
    check(
        &work(),
        &[
            ("actionable", "60", "missed", 5),
            ("data_quality", "50", "missed", 2),
            ("prediction_accuracy", "-", "no_data", 0),
            // Who did anything did so on a Sunday.
            ("analytics_adoption", "-", "no_data", 0),
        ],
    );
}

#[test]
fn a148_automation_times_adherence_and_alerts() {
    check(
        &work(),
        &[
            ("automation", "50", "missed", 4),
            ("escalation_time", "1200", "no_baseline", 1),
            ("mttr", "9000", "no_baseline", 2),
            ("take_on_time", "600", "no_baseline", 1),
            ("playbook_adherence", "50", "missed", 2),
            ("sla_adherence", "50", "missed", 2),
            ("match", "-", "no_data", 0),
            ("productivity", "2", "no_baseline", 3),
            // Five days and three.
            ("process_time", "345600", "no_baseline", 2),
            ("alert_precision", "75", "missed", 4),
            ("audit_coverage", "-", "no_data", 0),
            ("burnout", "-", "no_baseline", 0),
            ("return_multiple", "-", "no_data", 0),
        ],
    );
}

#[test]
fn a118_every_figure_of_the_registry_is_told_with_how_it_follows() {
    let told = figures(&work());
    let registry = contract::kpis::built_in().unwrap();
    assert_eq!(told.len(), registry.kpis().len());
    assert!(told.values().all(|figure| !figure.means.is_empty() && figure.baseline.is_none()));
    for figure in figures(&[]).values() {
        let nothing = ["no_data", "no_baseline"].contains(&figure.standing.as_str());
        assert!(nothing && figure.value.is_none(), "before anything is recorded nothing is known: {figure:?}");
    }
}

#[test]
fn a132_one_answer_speaks_of_one_moment() {
    let stage = stage();
    stage.hear(&work());
    stage.hear(&interventions());
    let live = stage.live("t");
    assert_eq!(live.as_of, noon());
    assert_eq!(live.bands.iter().map(|count| count.accounts).sum::<u64>(), live.accounts);
    let healthy = live.kpis.iter().find(|figure| figure.id == "healthy").unwrap();
    let banded: u64 = live.bands.iter().take(5).map(|count| count.accounts).sum();
    assert_eq!(healthy.counted, banded);
    let history: PerformanceHistory = stage.ask("t", "/performance/history", "", None).unwrap();
    assert_eq!(history.weeks.last().unwrap().bands, live.bands, "the weeks end with now");
}

#[test]
fn a7_the_budget_is_told_of_thirty_days_with_how_fast_it_is_used_up() {
    let stage = stage();
    assert_eq!(stage.live("t").error_budget, None, "nothing was counted yet");
    let tenant = TenantId::new("t").unwrap();
    let put = |day: &str, function: &str, hours: &[(u8, u64, u64)]| {
        let hours = hours.iter().map(|(hour, good, bad)| (*hour, Hour { good: *good, bad: *bad })).collect();
        let answers = Answers { hours, ..Answers::default() };
        stage.doubles.put(&keys::answers(&tenant, day.parse().unwrap(), function), &answers);
    };
    // Half an hour too old, and not.
    put("2025-12-06", "score", &[(10, 1, 1_000), (12, 99_870, 0)]);
    put("2026-01-05", "score", &[(10, 0, 20), (11, 50, 4)]);
    put("2026-01-05", "report", &[(11, 50, 6)]);
    let told = stage.live("t").error_budget.unwrap();
    assert_eq!((told.target.as_str(), told.window_days, told.budget_seconds), ("99.9", 30, 2_592));
    // 30 of 100,000 failed, where 100 may.
    assert_eq!((told.spent_seconds, told.remaining_share.as_str()), (777, "0.7"));
    // 10 of 110 in the hour.
    assert_eq!(told.burn_rate_1h.as_deref(), Some("90.909091"));
    assert_eq!(told.measured_since, moment("2025-12-06T12:00:00Z"));
    assert_eq!(stage.live("u").error_budget, None, "another tenant has its own");
}

#[test]
fn opportunities_are_open_calls_to_action_about_growth() {
    let stage = stage();
    stage.hear(&year());
    stage.hear(&interventions());
    let told = stage.live("t").opportunities;
    let ctas: Vec<(&str, &str, i64)> =
        told.iter().map(|one| (one.account.as_str(), one.cta.as_str(), one.arr_cents)).collect();
    assert_eq!(ctas, [("acme", "e1", 6_000_000), ("acme", "e2", 6_000_000), ("acme", "e3", 6_000_000)]);
}

#[test]
fn what_was_unusual_in_the_last_seven_days_is_told_the_newest_first() {
    let found = |metric: &str, on: &str| -> Fact {
        AnomalyFound {
            metric: metric.into(),
            on: on.parse().unwrap(),
            value: "3".into(),
            expected: "40".into(),
            direction: "down".into(),
            severity: Severity::High,
            score: "0.9".into(),
            confidence_percent: 80,
            priority: 7,
            shown_by: "point".into(),
            reason: format!("{metric} is 3 where 40 was to be expected"),
        }
        .into()
    };
    let stage = stage();
    stage.hear(&numbered(vec![
        ("acme", "2026-01-02", pays(1, LifecycleStage::Steady, None)),
        ("acme", "2025-12-29T11:59:59Z", found("uptime", "2025-12-29")),
        ("acme", "2025-12-29T12:00:00Z", found("logins", "2025-12-29")),
        ("acme", "2026-01-04", found("active_users", "2026-01-04")),
    ]));
    let told = stage.live("t").anomalies;
    let metrics: Vec<(&str, Timestamp)> = told.iter().map(|one| (one.metric.as_str(), one.at)).collect();
    assert_eq!(metrics, [("active_users", moment("2026-01-04")), ("logins", moment("2025-12-29T12:00:00Z"))]);
    let newest = &told[0];
    assert_eq!(
        (newest.name.as_str(), newest.direction.as_str(), newest.severity.as_str()),
        ("Somebody", "down", "high")
    );
    assert_eq!(newest.reason, "active_users is 3 where 40 was to be expected");
}

#[test]
fn a_week_shows_the_bands_as_they_were_at_its_end() {
    let stage = stage();
    stage.hear(&numbered(vec![
        ("acme", "2025-12-20", pays(1, LifecycleStage::Steady, None)),
        ("acme", "2025-12-23", scored("85", "healthy", false).into()),
        ("acme", "2025-12-30", scored("65", "critical", false).into()),
        ("globex", "2025-12-31", scored("65", "critical", true).into()),
    ]));
    let ask = |weeks: &str| {
        let request = Request {
            method: "GET".into(),
            route: "/performance/history".into(),
            query: BTreeMap::from([("weeks".into(), weeks.into())]),
            ..Request::default()
        };
        block_on(stage.report.call(&caller("t", "kim"), &request))
    };
    let told: PerformanceHistory = serde_json::from_str(&ask("4").unwrap().body).unwrap();
    let week = |week: &contract::report::WeekOfBands| {
        let there = week.bands.iter().filter(|count| count.accounts > 0);
        format!("{}: {}", week.on, there.map(|count| count.band.as_str()).collect::<Vec<_>>().join(" "))
    };
    let weeks: Vec<String> = told.weeks.iter().map(week).collect();
    let expected = [
        "2025-12-21: unscored",
        "2025-12-28: healthy",
        "2026-01-04: critical provisional",
        "2026-01-05: critical provisional",
    ];
    assert_eq!(weeks, expected);
    for weeks in ["0", "54", "many"] {
        assert_eq!(ask(weeks).unwrap_err().status, 422, "{weeks}");
    }
}

#[test]
fn a126_revenue_moves_to_the_cent_and_cohorts_follow_from_the_same_ledger() {
    let stage = stage();
    stage.hear(&year());
    let told: RevenueAnswer = stage.ask("t", "/revenue", "", None).unwrap();
    let moved = &told.movements;
    assert_eq!((told.from.as_str(), told.until.as_str()), ("2025-01-05", "2026-01-05"));
    assert_eq!((moved.start_cents, moved.end_cents), (10_000_000, 6_000_000));
    assert_eq!((moved.expansion_cents, moved.churn_cents, moved.customers, moved.left), (1_000_000, 5_000_000, 2, 1));
    let came = moved.new_cents + moved.returned_cents + moved.expansion_cents;
    assert_eq!(moved.start_cents + came - moved.contraction_cents - moved.churn_cents, moved.end_cents);
    let shares = [&told.gross_retention_percent, &told.net_retention_percent, &told.logo_retention_percent];
    assert_eq!(shares.map(|share| share.as_deref().unwrap()), ["50.00", "60.00", "50.00"]);
    let [cohort] = &told.cohorts[..] else { panic!("{:?}", told.cohorts) };
    assert_eq!((cohort.month.as_str(), cohort.customers, cohort.ages.len()), ("2025-01-01", 2, 11));
    let last = cohort.ages.last().unwrap();
    assert_eq!((last.logo_percent.as_deref(), last.net_percent.as_deref()), (Some("50.00"), Some("60.00")));
    assert_eq!((told.renewals.outcomes, told.renewals.months.len()), (2, 0), "too few to learn from, and none is due");
}

#[test]
fn a121_what_is_due_is_foretold_from_enough_renewals() {
    let stage = stage();
    let (steady, churned) = (LifecycleStage::Steady, LifecycleStage::Churned);
    let mut events = Vec::new();
    for number in 0..40 {
        let name = format!("a{number}");
        events.push(fact(number, &name, "2025-01-01", pays(1_000_000, steady, Some("2025-09-01"))));
        if number < 8 {
            events.push(fact(100 + number, &name, "2025-08-20", pays(0, churned, Some("2025-09-01"))));
        } else {
            events.push(fact(100 + number, &name, "2025-08-25", pays(1_000_000, steady, Some("2026-09-01"))));
        }
    }
    stage.hear(&events);
    let told: RevenueAnswer = stage.ask("t", "/revenue", "", None).unwrap();
    let [month] = &told.renewals.months[..] else { panic!("{:?}", told.renewals) };
    assert_eq!((month.month.as_str(), month.accounts, month.due_cents), ("2026-09-01", 32, 32_000_000));
    // 32 of 40 went on; drawn towards 33/42 by ten: (32 + 7.857) / 50 of 320,000.
    assert_eq!(month.expected_cents, Some(25_508_571));
    let (low, high) = (month.low_cents.unwrap(), month.high_cents.unwrap());
    assert!(low > 20_000_000 && low < 25_508_571 && high > 25_508_571 && high < 32_000_000, "{low} {high}");
}

#[test]
fn a44_a86_a87_the_return_names_its_assumptions_and_takes_others() {
    let stage = stage();
    let ask = |query: &[(&str, &str)]| {
        let query = query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let request = Request { method: "GET".into(), route: "/roi".into(), query, ..Request::default() };
        block_on(stage.report.call(&caller("t", "kim"), &request))
    };
    let told: RoiAnswer = serde_json::from_str(&ask(&[]).unwrap().body).unwrap();
    assert_eq!((told.cost_cents, told.benefit_cents), (259_000_000, 1_100_000_000));
    assert_eq!((told.gross_percent.as_deref(), told.net_percent.as_deref()), (Some("424.71"), Some("324.71")));
    let lines = [&told.team, &told.technology, &told.benefits].into_iter().flatten();
    let mut names: Vec<&str> = lines.clone().map(|line| line.id.as_str()).collect();
    assert!(lines.clone().all(|line| !line.assumption.is_empty()));
    let mut known: Vec<&str> = AMOUNTS.iter().map(|parameter| parameter.name).collect();
    names.sort_unstable();
    known.sort_unstable();
    assert_eq!(names, known, "every line may be given, and nothing else");
    let other: RoiAnswer = serde_json::from_str(&ask(&[("operations", "535000")]).unwrap().body).unwrap();
    assert_eq!(other.cost_cents, 300_000_000);
    assert_eq!(ask(&[("operations", "much")]).unwrap_err().status, 422);
}

#[test]
fn day_of_the_stage_is_a_monday() {
    assert_eq!(Day::of(noon()).weekday(), 0, "what is counted by working days above rests on it");
}

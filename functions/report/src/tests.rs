//! Facts through the doors of report: what is, what happened, and whether the function can work.

mod insight;

use super::*;
use async_trait::async_trait;
use contract::event::{
    AccountChanged, BandChanged, Cause, CtaBody, CtaClosed, CtaOpened, CtaUpdated, EscalationAcknowledged,
    EscalationBody, EscalationOpened, EscalationResolved, EscalationUpdated, Event, Fact, HealthScored, ReasonBody,
    ScoreRunCompleted,
};
use contract::report::{LivePerformance, Status, Timeline};
use contract::signal::AccountBody;
use domain::account::{LifecycleStage, Segment};
use domain::id::{AccountId, CtaId, EscalationId, RuleId, TenantId};
use domain::signal::Severity;
use jiff::{SignedDuration, Timestamp};
use platform::doubles::{Doubles, block_on, caller};
use platform::table::{Item, Key, Page, Range, Table, TableError, Write};
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::sync::Arc;

mod figures;
mod histories;

/// Report at noon, with all that it is told in the minutes before.
struct Stage {
    doubles: Doubles,
    report: Report,
}

fn stage() -> Stage {
    let doubles = Doubles::new();
    doubles.set_now(noon());
    Stage { report: Report::new(doubles.ports()).unwrap(), doubles }
}

fn noon() -> Timestamp {
    "2026-01-05T12:00:00Z".parse().unwrap()
}

/// A fact about an account at so many minutes before noon.
fn event(account: &str, minutes: i64, fact: impl Into<Fact>) -> Event {
    let (account, fact) = (AccountId::new(account).unwrap(), fact.into());
    let name = format!("{minutes}");
    let tenant = TenantId::new("t").unwrap();
    let cause = Cause { tenant, correlation_id: format!("story-{minutes}"), causation_id: name };
    Event::new(&cause, Some(&account), "", noon() - SignedDuration::from_mins(minutes), fact)
}

fn described(name: &str) -> AccountChanged {
    let body = AccountBody {
        name: name.into(),
        arr_cents: 5_000_000,
        segment: Segment::Enterprise,
        stage: LifecycleStage::Steady,
        renewal_on: None,
        owner: None,
        contact: None,
    };
    AccountChanged { created: true, account: body }
}

fn scored(score: &str, band: &str, provisional: bool) -> HealthScored {
    HealthScored {
        score: score.into(),
        previous: None,
        band: band.into(),
        coverage_basis_points: 10_000,
        provisional,
        scorecard: "hash".into(),
        run: None,
        reasons: vec![],
    }
}

fn moved(from: &str, to: &str, score: &str, parts: &[(&str, &str)]) -> BandChanged {
    let reason = |(text, points): &(&str, &str)| ReasonBody {
        measure: "uptime".into(),
        points: (*points).into(),
        text: (*text).into(),
    };
    BandChanged {
        from: Some(from.into()),
        to: to.into(),
        score: score.into(),
        reasons: parts.iter().map(reason).collect(),
    }
}

fn cta(id: &str, priority: i64) -> CtaBody {
    CtaBody {
        cta: CtaId::new(id).unwrap(),
        rule: RuleId::new("usage-decline").unwrap(),
        cta_type: "risk".into(),
        reason: "Usage fell.".into(),
        status: "open".into(),
        priority,
        owner: None,
        opened_at: noon(),
        due_at: noon(),
        fired: 1,
    }
}

fn opened(id: &str, priority: i64) -> CtaOpened {
    CtaOpened { cta: cta(id, priority), reopened: false }
}

fn escalation(id: &str, breaches_in_minutes: i64) -> EscalationBody {
    EscalationBody {
        escalation: EscalationId::new(id).unwrap(),
        severity: Severity::High,
        step: 0,
        role: "support_engineer".into(),
        reason: "case c needs people".into(),
        opened_at: noon(),
        breach_at: Some(noon() + SignedDuration::from_mins(breaches_in_minutes)),
    }
}

impl Stage {
    fn hear(&self, events: &[Event]) {
        for event in events {
            block_on(self.report.message(&Incoming::Fact(Box::new(event.clone())), Timestamp::MAX)).unwrap();
        }
    }

    fn ask<T: DeserializeOwned>(
        &self,
        who: &str,
        route: &str,
        account: &str,
        cursor: Option<String>,
    ) -> Result<T, Problem> {
        let response = ask(&self.report, who, route, account, cursor)?;
        assert_eq!(response.status, 200);
        Ok(serde_json::from_str(&response.body).unwrap())
    }

    fn live(&self, who: &str) -> LivePerformance {
        self.ask(who, "/performance/live", "", None).unwrap()
    }

    fn timeline(&self, account: &str, cursor: Option<String>) -> Timeline {
        self.ask("t", "/accounts/{id}/timeline", account, cursor).unwrap()
    }
}

fn ask(report: &Report, who: &str, route: &str, parameter: &str, cursor: Option<String>) -> Result<Response, Problem> {
    let caller = caller(who, "kim");
    let request = Request {
        method: "GET".into(),
        route: route.into(),
        parameters: BTreeMap::from([("id".into(), parameter.into()), ("file".into(), parameter.into())]),
        query: cursor.map(|cursor| ("cursor".to_owned(), cursor)).into_iter().collect(),
        ..Request::default()
    };
    block_on(report.call(&caller, &request))
}

/// A morning of two accounts: one falls and is looked after, the other has just come.
fn morning() -> Vec<Event> {
    vec![
        event("acme", 90, described("Acme")),
        event("acme", 80, scored("84.5", "healthy", false)),
        event("acme", 60, scored("62", "critical", false)),
        event("acme", 60, moved("healthy", "critical", "62", &[("uptime fell", "-20"), ("csat fell", "-2.5")])),
        event("acme", 50, opened("cta-1", 10)),
        event("acme", 49, opened("cta-2", 30)),
        event("acme", 48, opened("cta-3", 20)),
        event("acme", 40, CtaClosed { cta: cta("cta-3", 0).cta, how: "closed".into(), reason: "done".into() }),
        event("acme", 35, EscalationOpened { escalation: escalation("esc-1", 90) }),
        event("acme", 34, EscalationOpened { escalation: escalation("esc-2", -5) }),
        event("acme", 30, EscalationAcknowledged { escalation: escalation("esc-1", 90), by: "kim".into() }),
        event("acme", 20, CtaUpdated { cta: cta("cta-1", 40) }),
        event("globex", 10, described("Globex")),
    ]
}

#[test]
fn the_live_report_counts_accounts_by_band_and_names_what_is_open() {
    let stage = stage();
    stage.hear(&morning());
    stage.hear(&[event("initech", 5, described("Initech")), event("initech", 4, scored("70", "at_risk", true))]);
    stage.hear(&[event("umbrella", 3, described("Umbrella")), event("umbrella", 2, scored("40", "unscored", true))]);
    let live = stage.live("t");
    assert_eq!((live.as_of, live.accounts), (noon(), 4));
    let bands: Vec<(&str, u64)> = live.bands.iter().map(|count| (count.band.as_str(), count.accounts)).collect();
    let expected = [
        ("champion", 0),
        ("healthy", 0),
        ("at_risk", 0),
        ("critical", 1),
        ("emergency", 0),
        ("provisional", 2),
        ("unscored", 1),
    ];
    assert_eq!(bands, expected);
    let ctas: Vec<(&str, i64)> = live.open_ctas.iter().map(|cta| (cta.cta.as_str(), cta.priority)).collect();
    assert_eq!((ctas, live.open_cta_count), (vec![("cta-1", 40), ("cta-2", 30)], 2), "the most urgent first");
    let escalations: Vec<(&str, &str, Option<i64>)> = live
        .open_escalations
        .iter()
        .map(|open| (open.escalation.as_str(), open.status.as_str(), open.seconds_to_breach))
        .collect();
    assert_eq!(escalations, [("esc-2", "open", Some(-300)), ("esc-1", "acknowledged", Some(5_400))]);
    assert_eq!(stage.live("u").accounts, 0, "another tenant sees its own");
}

#[test]
fn a_fall_is_named_with_its_depth_and_reasons_until_it_is_made_good() {
    let stage = stage();
    stage.hear(&morning());
    let [fall] = &stage.live("t").falls[..] else { panic!("{:?}", stage.live("t").falls) };
    assert_eq!((fall.name.as_str(), fall.band.as_str(), fall.score.as_str()), ("Acme", "critical", "62"));
    assert_eq!(fall.fell, "22.5", "the reasons add up to it");
    assert_eq!(fall.reasons, ["uptime fell", "csat fell"]);
    stage.hear(&[
        event("acme", 2, scored("88", "healthy", false)),
        event("acme", 2, moved("critical", "healthy", "88", &[("uptime rose", "26")])),
    ]);
    assert_eq!(stage.live("t").falls, []);
}

#[test]
fn what_has_ended_is_not_open_whatever_is_heard_of_it_later() {
    let stage = stage();
    stage.hear(&morning());
    let resolved = EscalationResolved { escalation: escalation("esc-2", -5), outcome: "ended".into() };
    stage.hear(&[event("acme", 1, resolved)]);
    stage.hear(&morning());
    let live = stage.live("t");
    assert_eq!(live.open_escalations.iter().map(|open| open.escalation.as_str()).collect::<Vec<_>>(), ["esc-1"]);
    assert_eq!((live.open_cta_count, live.open_escalation_count), (2, 1));
}

#[test]
fn an_escalation_whose_clocks_stand_still_has_no_time_to_breach() {
    let stage = stage();
    stage.hear(&morning());
    let waiting = EscalationBody { breach_at: None, ..escalation("esc-1", 0) };
    let updated = EscalationUpdated { escalation: waiting, acknowledged: true };
    stage.hear(&[event("acme", 10, updated)]);
    let live = stage.live("t");
    let waiting = live.open_escalations.iter().find(|open| open.escalation == "esc-1").unwrap();
    assert_eq!((waiting.status.as_str(), waiting.seconds_to_breach), ("acknowledged", None));
    assert_eq!(stage.timeline("acme", None).entries.len(), 9, "its case has a line, it has none");
}

#[test]
fn a144_facts_in_any_order_and_any_number_of_times_give_the_same_report() {
    let expected = stage();
    expected.hear(&morning());
    let mut shuffled = morning();
    shuffled.reverse();
    shuffled.rotate_left(5);
    shuffled.extend(morning());
    let other = stage();
    other.hear(&shuffled);
    assert_eq!(other.live("t"), expected.live("t"));
    assert_eq!(other.timeline("acme", None), expected.timeline("acme", None));
}

#[test]
fn the_timeline_says_in_words_what_happened_the_newest_first() {
    let stage = stage();
    stage.hear(&morning());
    let timeline = stage.timeline("acme", None);
    let lines: Vec<&str> = timeline.entries.iter().map(|entry| entry.text.as_str()).collect();
    let expected = [
        "kim has it: case c needs people",
        "escalated to support_engineer: case c needs people",
        "escalated to support_engineer: case c needs people",
        "call to action cta-3 closed: done",
        "usage-decline: Usage fell.",
        "usage-decline: Usage fell.",
        "usage-decline: Usage fell.",
        "from healthy to critical at 62: uptime fell; csat fell",
        "Acme became an account",
    ];
    assert_eq!(lines, expected);
    assert_eq!((timeline.as_of, timeline.entries[8].correlation_id.as_str()), (noon(), "story-90"));
}

#[test]
fn a_long_timeline_is_read_page_by_page() {
    let stage = stage();
    let events: Vec<Event> = (0..150).map(|minutes| event("acme", minutes, opened("cta-1", 1))).collect();
    stage.hear(&events);
    let page = stage.timeline("acme", None);
    let rest = stage.timeline("acme", page.cursor.clone());
    assert_eq!((page.entries.len(), rest.entries.len(), rest.cursor.as_deref()), (100, 50, None));
    let moments: Vec<Timestamp> = page.entries.iter().chain(&rest.entries).map(|entry| entry.at).collect();
    let expected: Vec<Timestamp> = (0..150).map(|minutes| noon() - SignedDuration::from_mins(minutes)).collect();
    assert_eq!(moments, expected);
}

#[test]
fn a1_an_account_that_is_unknown_or_another_tenants_has_no_timeline() {
    let stage = stage();
    stage.hear(&morning());
    for (who, account) in [("u", "acme"), ("t", "nobody"), ("t", "a#b")] {
        let problem = stage.ask::<Timeline>(who, "/accounts/{id}/timeline", account, None).unwrap_err();
        assert_eq!(problem.status, 404, "{who} {account}: {}", problem.detail);
    }
}

#[test]
fn a_fact_about_no_account_is_taken_and_a_score_that_is_no_number_is_not() {
    let stage = stage();
    let mut of_all = event("acme", 1, ScoreRunCompleted { run: "r".into(), accounts: 1, changed: 0 });
    of_all.meta.account = None;
    stage.hear(&[of_all]);
    assert_eq!(stage.live("t").accounts, 0);
    let nonsense = Incoming::Fact(Box::new(event("acme", 1, scored("much", "healthy", false))));
    let failure = block_on(stage.report.message(&nonsense, Timestamp::MAX)).unwrap_err();
    assert!(failure.to_string().contains("score `much`"), "{failure}");
}

/// A table that does not answer.
struct Dark;

fn dark<T>() -> Result<T, TableError> {
    Err(TableError::Unavailable("connection refused".into()))
}

#[async_trait]
impl Table for Dark {
    async fn get(&self, _: &Key) -> Result<Option<Item>, TableError> {
        dark()
    }
    async fn query(&self, _: &Range) -> Result<Page, TableError> {
        dark()
    }
    async fn commit(&self, _: Vec<Write>) -> Result<(), TableError> {
        dark()
    }
}

#[test]
fn a8_ready_is_503_while_the_table_does_not_answer_and_health_is_not() {
    let stage = stage();
    let status = |report: &Report, route| {
        let response = ask(report, "-", route, "", None).unwrap();
        (response.status, serde_json::from_str::<Status>(&response.body).unwrap())
    };
    let ok = || BTreeMap::from([("table".to_owned(), "ok".to_owned())]);
    assert_eq!(status(&stage.report, "/ready"), (200, Status { status: "ok".into(), checks: ok() }));
    let cut_off = Report::new(Ports { table: Arc::new(Dark), ..stage.doubles.ports() }).unwrap();
    let (code, answer) = status(&cut_off, "/ready");
    assert_eq!((code, answer.status.as_str()), (503, "unavailable"));
    assert_eq!(answer.checks["table"], "unavailable", "what fails is for the log");
    assert_eq!(status(&cut_off, "/health").0, 200);
    let problem = ask(&cut_off, "t", "/performance/live", "", None).unwrap_err();
    assert_eq!((problem.status, problem.retry_after_seconds), (503, Some(5)), "the same request may succeed later");
}

#[test]
fn the_dashboard_is_served_from_here_alone() {
    let stage = stage();
    let file = |route, name| ask(&stage.report, "-", route, name, None);
    let page = file("/dashboard", "").unwrap();
    assert!(page.headers["content-security-policy"].starts_with("default-src 'none'"), "{:?}", page.headers);
    let no_links = !page.body.contains("http://") && !page.body.contains("https://");
    assert!(no_links && !page.body.contains("<script>"), "{}", page.body);
    let (script, style, icon) = ("text/javascript; charset=utf-8", "text/css; charset=utf-8", "image/svg+xml");
    for (name, content_type) in [("app.js", script), ("style.css", style), ("icon.svg", icon)] {
        assert!(page.body.contains(name), "the page names `{name}`");
        assert_eq!(file("/dashboard/{file}", name).unwrap().headers["content-type"], content_type);
    }
    assert_eq!(file("/dashboard/{file}", "../lib.rs").unwrap_err().status, 404);
}

#[test]
fn what_is_snoozed_is_not_open_until_it_wakes() {
    let stage = stage();
    let told = |minutes_ago, status: &str| {
        let cta = CtaBody { status: status.into(), ..cta("cta-1", 40) };
        stage.hear(&[event("acme", minutes_ago, CtaUpdated { cta })]);
        stage.live("t").open_cta_count
    };
    stage.hear(&[event("acme", 30, opened("cta-1", 40))]);
    assert_eq!((told(20, "snoozed"), told(10, "open")), (0, 1));
}

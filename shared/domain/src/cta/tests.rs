//! Episodes on a clock that the tests move: what opens, goes on, ends and comes back.

use super::*;
use crate::account::{Account, LifecycleStage, Segment};
use crate::day::Day;
use crate::rule::{Condition, CtaTemplate, EscalationTemplate, Finding, Outcome, Rule, RuleSet, Truth, Verdict};
use proptest::prelude::*;
use std::collections::BTreeSet;

fn tenant() -> TenantId {
    TenantId::new("t").unwrap()
}

fn account() -> Account {
    Account {
        id: AccountId::new("acme").unwrap(),
        name: "Acme".into(),
        arr: Money::from_cents(10_000_000),
        segment: Segment::Enterprise,
        stage: LifecycleStage::Steady,
        renewal_on: None,
        owner: Some(PersonId::new("kim").unwrap()),
        contact: Default::default(),
    }
}

fn id() -> RuleId {
    RuleId::new("r").unwrap()
}

/// Clears after 7 days, lapses after 30, cools off for 30.
fn rules() -> RuleSet {
    let rule = Rule {
        id: id(),
        when: Condition::Segment(BTreeSet::from([Segment::Enterprise])),
        stays_while: None,
        cta: CtaTemplate {
            kind: CtaKind::Risk,
            reason: "look".into(),
            severity: Severity::High,
            due_in_days: 5,
            experiment: None,
        },
        clear_days: 7,
        lapse_days: 30,
        cool_off_days: 30,
        escalation: Some(EscalationTemplate { severity: Severity::Critical, reason: "come".into() }),
    };
    RuleSet::new("x", vec![rule]).unwrap()
}

fn day(number: i64) -> Timestamp {
    Timestamp::from_second(1_790_000_000 + number * 86_400).unwrap()
}

fn outcome(truth: Truth, evidence: Option<Evidence>) -> Outcome {
    let when = Verdict { evidence, ..Verdict::leaf(Finding::new("leaf", truth, "because")) };
    Outcome { rule: id(), when, stays: truth }
}

fn incidents(latest: i64, events: u64) -> Outcome {
    outcome(Truth::True, Some(Evidence::events(Day::of(day(latest)), events)))
}

/// An account whose rule is looked at from time to time.
#[derive(Default)]
struct Story {
    episodes: Episodes,
}

impl Story {
    fn see(&mut self, outcome: &Outcome, at: i64) -> Decision {
        let decision = decide(&tenant(), &account(), &rules(), &self.episodes, std::slice::from_ref(outcome), day(at));
        let again = decide(&tenant(), &account(), &rules(), &decision.episodes, std::slice::from_ref(outcome), day(at));
        assert_eq!(
            (&again.episodes, again.changes.len(), again.requests.len()),
            (&decision.episodes, 0, 0),
            "deciding twice changes nothing"
        );
        self.episodes = decision.episodes.clone();
        decision
    }

    /// What happened when the rule was seen so: `+` opened, `~` reopened, `*` updated, `-` closed, `!` people asked for.
    fn saw(&mut self, outcome: &Outcome, at: i64) -> String {
        let decision = self.see(outcome, at);
        let mark = |change: &CtaChange| match change {
            CtaChange::Opened { reopened: false, .. } => '+',
            CtaChange::Opened { reopened: true, .. } => '~',
            CtaChange::Updated { .. } => '*',
            CtaChange::Closed { .. } => '-',
        };
        decision.changes.iter().map(mark).chain(decision.requests.iter().map(|_| '!')).collect()
    }

    fn is(&mut self, truth: Truth, at: i64) -> String {
        self.saw(&outcome(truth, None), at)
    }

    fn act(&mut self, action: &Action, at: i64) -> Result<Option<CtaChange>, ActionError> {
        let (episodes, change) = self.episodes.act(&self.cta().id, action, day(at))?;
        self.episodes = episodes;
        Ok(change)
    }

    fn cta(&self) -> &Cta {
        &self.episodes.of(&id()).unwrap().cta
    }
}

#[test]
fn a108_no_work_on_growth_while_a_risk_is_open() {
    let growth = RuleId::new("growth").unwrap();
    let risk = rules().get(&id()).unwrap().clone();
    let cta = CtaTemplate { kind: CtaKind::Expansion, ..risk.cta.clone() };
    // Its name comes before the other one's.
    let rules =
        RuleSet::new("x", vec![Rule { id: growth.clone(), cta, escalation: None, ..risk.clone() }, risk]).unwrap();
    let mut episodes = Episodes::default();
    let mut see = |risk: Truth, at: i64| {
        let outcomes = [outcome(risk, None), Outcome { rule: growth.clone(), ..outcome(Truth::True, None) }];
        let decision = decide(&tenant(), &account(), &rules, &episodes, &outcomes, day(at));
        let again = decide(&tenant(), &account(), &rules, &decision.episodes, &outcomes, day(at));
        assert_eq!((&again.episodes, again.changes.len()), (&decision.episodes, 0));
        episodes = decision.episodes;
        let status = |rule: &RuleId| episodes.of(rule).map(|episode| episode.cta.status.name());
        (status(&id()), status(&growth), episodes.of(&growth).map(|episode| episode.cta.reopened))
    };
    assert_eq!(see(Truth::True, 0), (Some("open"), None, None), "both are true, the risk alone opens");
    assert_eq!(see(Truth::False, 1), (Some("open"), None, None), "the risk is not over yet");
    assert_eq!(see(Truth::False, 9), (Some("closed"), Some("open"), Some(0)));
    assert_eq!(see(Truth::True, 12), (Some("open"), Some("closed"), Some(0)), "what was begun waits");
    assert_eq!(see(Truth::False, 13), (Some("open"), Some("closed"), Some(0)));
    assert_eq!(see(Truth::False, 20), (Some("closed"), Some("open"), Some(1)), "and comes back as the same");
}

#[test]
fn a108_a_risk_whose_rule_was_withdrawn_holds_nothing_back() {
    let mut story = Story::default();
    story.is(Truth::True, 0);
    let growth = RuleId::new("growth").unwrap();
    let risk = rules().get(&id()).unwrap().clone();
    let cta = CtaTemplate { kind: CtaKind::Expansion, ..risk.cta.clone() };
    let rules = RuleSet::new("x", vec![Rule { id: growth.clone(), cta, ..risk }]).unwrap();
    let outcomes = [Outcome { rule: growth, ..outcome(Truth::True, None) }];
    let decision = decide(&tenant(), &account(), &rules, &story.episodes, &outcomes, day(1));
    assert!(matches!(decision.changes.as_slice(), [CtaChange::Closed { .. }, CtaChange::Opened { .. }]));
    let again = decide(&tenant(), &account(), &rules, &decision.episodes, &outcomes, day(1));
    assert_eq!((again.episodes, again.changes), (decision.episodes, vec![]));
}

#[test]
fn a_cause_opens_one_call_to_action_and_asks_for_people_once() {
    let mut story = Story::default();
    assert_eq!(story.is(Truth::False, 0), "");
    assert_eq!(story.is(Truth::Unknown, 1), "");
    assert_eq!(story.is(Truth::True, 2), "+!");
    assert_eq!(story.is(Truth::True, 3), "");
    assert_eq!(story.cta().due_at, day(7));
    assert_eq!(story.cta().evidence, ["leaf: because"]);
}

#[test]
fn a75_the_second_incident_fires_once_and_the_third_updates_the_same_call_to_action() {
    let mut story = Story::default();
    assert_eq!(story.saw(&incidents(5, 2), 5), "+!");
    let first = story.cta().id.clone();
    assert_eq!(story.saw(&incidents(5, 2), 6), "");
    assert_eq!(story.saw(&incidents(7, 3), 7), "*");
    assert_eq!((story.cta().fired, &story.cta().id), (2, &first));
    // The oldest incident leaves the window: that is no news. A late one of an earlier day is.
    assert_eq!(story.saw(&incidents(7, 2), 8), "");
    assert_eq!(story.saw(&incidents(7, 3), 9), "*");
    assert_eq!(story.cta().fired, 3);
}

#[test]
fn looking_again_while_nothing_changes_changes_nothing() {
    let state = |day| outcome(Truth::True, Some(Evidence::state(Day::of(self::day(day)))));
    let mut story = Story::default();
    story.saw(&state(0), 0);
    let before = story.episodes.clone();
    story.saw(&state(1), 1);
    assert_eq!(story.episodes, before);
    story.is(Truth::False, 2);
    let before = story.episodes.clone();
    story.is(Truth::False, 3);
    assert_eq!(story.episodes, before);
}

#[test]
fn an_episode_ends_when_its_cause_has_been_gone_for_the_clear_period() {
    let mut story = Story::default();
    story.is(Truth::True, 0);
    assert_eq!(story.is(Truth::False, 1), "");
    assert_eq!(story.is(Truth::False, 7), "");
    assert_eq!(story.is(Truth::False, 8), "-");
    assert_eq!(story.cta().status.name(), "closed");
    assert_eq!(story.is(Truth::False, 9), "");
}

#[test]
fn a_cause_that_returns_or_becomes_unknown_starts_the_clear_period_anew() {
    for between in [Truth::True, Truth::Unknown] {
        let mut story = Story::default();
        story.is(Truth::True, 0);
        story.is(Truth::False, 1);
        assert_eq!(story.is(between, 5), "");
        assert_eq!(story.is(Truth::False, 8), "");
        assert_eq!(story.is(Truth::False, 14), "");
        assert_eq!(story.is(Truth::False, 15), "-");
    }
}

#[test]
fn unknown_clears_nothing_until_the_cause_lapses() {
    let mut story = Story::default();
    story.is(Truth::True, 0);
    assert_eq!(story.is(Truth::Unknown, 1), "");
    assert_eq!(story.is(Truth::Unknown, 30), "");
    assert_eq!(story.is(Truth::Unknown, 31), "-");
}

#[test]
fn a79_re_entering_within_the_cool_off_opens_the_same_episode_again() {
    let mut story = Story::default();
    assert_eq!(story.is(Truth::True, 0), "+!");
    let first = story.cta().id.clone();
    story.is(Truth::False, 1);
    assert_eq!(story.is(Truth::False, 8), "-");
    assert_eq!(story.is(Truth::True, 37), "~");
    assert_eq!((&story.cta().id, story.cta().reopened, story.cta().due_at), (&first, 1, day(42)));
}

#[test]
fn a79_after_the_cool_off_a_new_episode_begins() {
    let mut story = Story::default();
    story.is(Truth::True, 0);
    let first = story.cta().id.clone();
    story.is(Truth::False, 1);
    story.is(Truth::False, 8);
    assert_eq!(story.is(Truth::True, 38), "+!");
    assert_ne!(story.cta().id, first);
    assert_eq!(story.episodes.of(&id()).unwrap().number, 2);
}

#[test]
fn what_a_person_has_closed_does_not_open_again_while_the_cause_goes_on() {
    let mut story = Story::default();
    story.saw(&incidents(0, 2), 0);
    let closed = story.act(&Action::Close { outcome: "talked".into() }, 1).unwrap();
    assert!(matches!(closed, Some(CtaChange::Closed { how: Ending::Closed, .. })));
    assert_eq!(story.saw(&incidents(0, 2), 2), "");
    assert_eq!(story.saw(&incidents(3, 3), 3), "~", "a new incident is news");
}

#[test]
fn what_a_person_has_closed_opens_again_when_the_cause_comes_back() {
    let mut story = Story::default();
    story.is(Truth::True, 0);
    story.act(&Action::Close { outcome: "talked".into() }, 1).unwrap();
    story.is(Truth::False, 2);
    assert_eq!(story.is(Truth::True, 3), "~");
}

#[test]
fn a122_what_was_dismissed_is_not_repeated_within_the_cool_off() {
    let mut story = Story::default();
    story.saw(&incidents(0, 2), 0);
    story.act(&Action::Dismiss { cause: "planned".into() }, 1).unwrap();
    story.is(Truth::False, 2);
    assert_eq!(story.saw(&incidents(3, 3), 3), "");
    assert_eq!(story.saw(&incidents(30, 3), 30), "");
    assert_eq!(story.saw(&incidents(30, 3), 31), "+!");
}

#[test]
fn a_snooze_ends_at_its_time() {
    let mut story = Story::default();
    story.is(Truth::True, 0);
    let snooze = |until| Action::Snooze { until: day(until), reason: "they are away".into() };
    assert!(matches!(story.act(&snooze(5), 1), Ok(Some(CtaChange::Updated { .. }))));
    assert_eq!(story.act(&snooze(5), 1), Ok(None), "asked twice");
    assert_eq!(story.is(Truth::True, 4), "");
    assert_eq!(story.is(Truth::True, 5), "*");
    assert_eq!(story.cta().status, Status::Open);
}

#[test]
fn a_cause_that_ends_closes_what_is_snoozed() {
    let mut story = Story::default();
    story.is(Truth::True, 0);
    story.act(&Action::Snooze { until: day(60), reason: "later".into() }, 1).unwrap();
    story.is(Truth::False, 2);
    assert_eq!(story.is(Truth::False, 9), "-");
}

#[test]
fn wrong_actions_are_refused_with_what_would_be_right() {
    let mut story = Story::default();
    story.is(Truth::True, 0);
    let error = |story: &mut Story, action: Action| story.act(&action, 1).unwrap_err().to_string();
    let snooze = |until| Action::Snooze { until: day(until), reason: "x".into() };
    assert!(error(&mut story, snooze(1)).contains("choose a time after"));
    assert!(error(&mut story, snooze(92)).contains("at most 90 days ahead"));
    assert_eq!(
        error(&mut story, Action::Close { outcome: " ".into() }),
        "the reason has 1 characters; say it in 1 to 500"
    );
    story.act(&Action::Close { outcome: "done".into() }, 1).unwrap();
    assert_eq!(story.act(&Action::Close { outcome: "done".into() }, 1), Ok(None), "asked twice");
    assert_eq!(
        error(&mut story, Action::Dismiss { cause: "x".into() }),
        "cannot dismiss a call to action that is closed"
    );
    let nobody = CtaId::new("cta-0").unwrap();
    assert!(matches!(story.episodes.act(&nobody, &snooze(5), day(1)), Err(ActionError::NotFound(_))));
}

#[test]
fn a_call_to_action_is_due_in_working_days_where_the_rules_have_a_calendar() {
    let calendar = crate::calendar::tests::berlin();
    let working = rules().on_calendar(calendar.clone()).unwrap();
    assert_ne!(working.version(), rules().version());
    let see = |episodes: &Episodes, truth, at| {
        decide(&tenant(), &account(), &working, episodes, &[outcome(truth, None)], day(at)).episodes
    };
    let due = |episodes: &Episodes| episodes.of(&id()).unwrap().cta.due_at;
    let mut episodes = see(&Episodes::default(), Truth::True, 0);
    assert_eq!(due(&episodes), calendar.due(day(0), 5));
    assert!(due(&episodes) > day(5), "a weekend lies between");
    for (truth, at) in [(Truth::False, 1), (Truth::False, 9), (Truth::True, 12)] {
        episodes = see(&episodes, truth, at);
    }
    assert_eq!(due(&episodes), calendar.due(day(12), 5), "opened again");
}

#[test]
fn a_rule_that_is_withdrawn_ends_its_episode() {
    let mut story = Story::default();
    story.is(Truth::True, 0);
    let other = RuleSet::new(
        "y",
        rules().rules().map(|rule| Rule { id: RuleId::new("other").unwrap(), ..rule.clone() }).collect(),
    );
    let decision = decide(&tenant(), &account(), &other.unwrap(), &story.episodes, &[], day(1));
    assert!(matches!(decision.changes.as_slice(), [CtaChange::Closed { how: Ending::Cleared, .. }]));
}

#[test]
fn a_new_owner_or_another_revenue_is_an_update() {
    let mut story = Story::default();
    story.is(Truth::True, 0);
    let account = Account { arr: Money::from_cents(20_000_000), owner: None, ..account() };
    let decision = decide(&tenant(), &account, &rules(), &story.episodes, &[outcome(Truth::True, None)], day(1));
    let [CtaChange::Updated { cta }] = decision.changes.as_slice() else { panic!("{:?}", decision.changes) };
    assert_eq!((cta.owner.clone(), cta.priority, cta.updated_at), (None, 200_000 * 4 * 100, day(1)));
}

#[test]
fn ids_follow_from_their_cause_alone() {
    let id = |tenant: &str, account: &str, number| {
        cta_id(&TenantId::new(tenant).unwrap(), &AccountId::new(account).unwrap(), &id(), number).unwrap()
    };
    assert_eq!(id("t", "a", 1), id("t", "a", 1));
    let different =
        BTreeSet::from([id("t", "a", 1), id("t", "a", 2), id("t", "b", 1), id("u", "a", 1), id("ta", "a", 1)]);
    assert_eq!(different.len(), 5);
}

#[test]
fn episodes_are_read_as_they_are_written() {
    let mut story = Story::default();
    story.saw(&incidents(0, 2), 0);
    story.act(&Action::Snooze { until: day(5), reason: "later".into() }, 1).unwrap();
    let text = serde_json::to_string(&story.episodes).unwrap();
    assert_eq!(serde_json::from_str::<Episodes>(&text).unwrap(), story.episodes);
}

fn severities() -> impl Strategy<Value = Severity> {
    prop::sample::select(vec![Severity::Critical, Severity::High, Severity::Medium, Severity::Low])
}

proptest! {
    #[test]
    fn a140_priority_never_falls_when_revenue_severity_or_confidence_rise(
        cents in 0..i64::MAX, more in 0..i64::MAX, severity in severities(), worse in severities(), sure in 0..=100_u32, surer in 0..=100_u32,
    ) {
        let of = |cents, severity, sure| priority(Money::from_cents(cents), severity, sure);
        prop_assert!(of(cents.max(more), severity, sure) >= of(cents.min(more), severity, sure));
        prop_assert!(of(cents, severity.min(worse), sure) >= of(cents, severity.max(worse), sure));
        prop_assert!(of(cents, severity, sure.max(surer)) >= of(cents, severity, sure.min(surer)));
    }

    /// Whatever is seen, hour by hour: at most one live call to action, and every closing was opened before.
    #[test]
    fn every_story_is_well_formed(seen in prop::collection::vec((prop::sample::select(vec![Truth::False, Truth::Unknown, Truth::True]), 0..20_i64), 1..60)) {
        let mut story = Story::default();
        let (mut live, mut at, mut asked) = (false, 0, BTreeSet::new());
        for (truth, later) in seen {
            at += later;
            let decision = story.see(&outcome(truth, None), at);
            for change in &decision.changes {
                match change {
                    CtaChange::Opened { .. } => { prop_assert!(!live && truth == Truth::True); live = true; }
                    CtaChange::Updated { .. } => prop_assert!(live),
                    CtaChange::Closed { .. } => { prop_assert!(live && truth != Truth::True); live = false; }
                }
            }
            for request in &decision.requests {
                prop_assert!(asked.insert(request.cta.clone()), "asked for twice in one episode");
            }
            prop_assert_eq!(story.episodes.live().len(), usize::from(live));
        }
    }
}

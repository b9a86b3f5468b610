//! Messages and destinations under a clock that is set by hand.

use super::*;
use crate::breaker::{Change, State};
use proptest::prelude::*;

const POLICY: DeliveryPolicy = DeliveryPolicy::DEFAULT;
const LIMIT: RateLimit = RateLimit { per_minute: 600, burst: 600 };

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_767_571_200 + seconds).unwrap()
}

fn page(step: u32, repeats: u32) -> Notice {
    Notice {
        tenant: TenantId::new("t").unwrap(),
        account: AccountId::new("acme").unwrap(),
        about: About::Escalation(EscalationId::new("esc-1").unwrap()),
        destination: DestinationId::new("pager").unwrap(),
        told: Told::Page { role: Role::Executive, person: None, step, repeats },
        at: at(0),
        severity: Some(Severity::Critical),
        reason: "case c needs people".into(),
        case: None,
        breach_at: None,
        said_by: None,
    }
}

fn down() -> Answer {
    Answer::of_status(503, None)
}

fn again(delivery: &Delivery, answer: &Answer, now: Timestamp) -> i64 {
    match delivery.answered(answer, &POLICY, now) {
        Next::Again(_, at) => at.duration_since(now).as_secs(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_message_has_its_own_id_and_all_messages_of_an_escalation_have_one_record() {
    let ids: std::collections::BTreeSet<String> =
        [page(0, 0), page(0, 1), page(1, 0), Notice { told: Told::Acknowledged { by: "kim".into() }, ..page(0, 0) }]
            .iter()
            .inspect(|notice| assert_eq!(notice.record(), page(0, 0).record()))
            .map(Notice::id)
            .collect();
    assert_eq!(ids.len(), 4);
    assert_eq!(page(0, 0).id(), page(0, 0).id());
    let elsewhere = Notice { tenant: TenantId::new("u").unwrap(), ..page(0, 0) };
    assert!(elsewhere.id() != page(0, 0).id() && elsewhere.record() != page(0, 0).record());
}

#[test]
fn an_effect_of_a_playbook_has_a_record_of_its_own_and_holds_whatever_becomes_of_escalations() {
    let effect = |key: &str| Notice {
        about: About::Execution(ExecutionId::new("exec-1").unwrap()),
        told: Told::Effect {
            key: key.into(),
            step: StepId::new("welcome").unwrap(),
            effect: "notify".into(),
            role: None,
        },
        severity: None,
        ..page(0, 0)
    };
    assert_eq!(effect("a").record(), effect("a").record());
    assert!(effect("a").record() != effect("b").record() && effect("a").id() != effect("b").id());
    assert!(effect("a").still_holds(None));
    let read: Notice = serde_json::from_str(&serde_json::to_string(&effect("a")).unwrap()).unwrap();
    assert_eq!(read, effect("a"), "as it lies in the table");
}

fn opened() -> Escalation {
    let policies = crate::escalation::tests::policies();
    let cause = crate::escalation::Cause::Rule {
        rule: crate::id::RuleId::new("r").unwrap(),
        cta: crate::id::CtaId::new("c").unwrap(),
    };
    let (tenant, account) = (TenantId::new("t").unwrap(), AccountId::new("acme").unwrap());
    Escalation::open(&tenant, &account, cause, Severity::Critical, "why", &policies, at(0)).unwrap().0
}

fn told(told: Told, seconds: i64) -> Notice {
    Notice { told, at: at(seconds), ..page(0, 0) }
}

fn by(name: &str) -> PersonId {
    PersonId::new(name).unwrap()
}

#[test]
fn what_is_acknowledged_put_off_or_ended_pages_nobody() {
    let open = opened();
    let first = page(0, 0);
    assert!(first.still_holds(Some(&open)) && !page(1, 0).still_holds(Some(&open)), "a step that did not come");
    let (has_it, _) = open.acknowledge(by("kim"), at(60)).unwrap();
    let (later, _) = open.snooze(by("kim"), at(3_600), at(60)).unwrap();
    let (ended, _) = open.resolve(by("kim"), "done", at(60)).unwrap();
    for known in [Some(&has_it), Some(&later), Some(&ended), None] {
        assert!(!first.still_holds(known), "{known:?}");
    }
    let (again, _) = has_it.unacknowledge(by("kim"), at(120)).unwrap();
    assert!(!first.still_holds(Some(&again)), "of the round before");
    assert!(told(first.told, 120).still_holds(Some(&again)));
}

#[test]
fn nobody_hears_who_had_it_before_nor_that_it_ended_when_it_was_opened_again() {
    let policies = crate::escalation::tests::policies();
    let (kims, _) = opened().acknowledge(by("kim"), at(60)).unwrap();
    let (asked, _) = kims.hand_over(by("kim"), by("bo"), &policies, at(120)).unwrap();
    let ask = told(Told::HandedOver { by: by("kim"), to: by("bo") }, 120);
    let kim_has_it = told(Told::Acknowledged { by: "kim".into() }, 60);
    assert!(ask.still_holds(Some(&asked)) && kim_has_it.still_holds(Some(&asked)));
    let (bos, _) = asked.accept(by("bo"), at(180)).unwrap();
    assert!(!ask.still_holds(Some(&bos)) && !kim_has_it.still_holds(Some(&bos)));
    assert!(told(Told::Acknowledged { by: "bo".into() }, 180).still_holds(Some(&bos)));
    let (ended, _) = bos.resolve(by("bo"), "done", at(240)).unwrap();
    let end = told(Told::Resolved { outcome: "done".into() }, 240);
    assert!(end.still_holds(Some(&ended)) && end.still_holds(None));
    let (again, _) = ended.reopen(by("bo"), at(300)).unwrap();
    assert!(!end.still_holds(Some(&again)));
    let (put_off, _) = again.snooze(by("bo"), at(900), at(310)).unwrap();
    let quiet = |until| told(Told::Snoozed { by: by("bo"), until: at(until) }, 310);
    assert!(quiet(900).still_holds(Some(&put_off)) && !quiet(800).still_holds(Some(&put_off)));
}

#[test]
fn what_a_status_means() {
    let of = |status| match Answer::of_status(status, None) {
        Answer::Failed { cause, .. } => cause,
        Answer::Delivered { .. } => panic!("{status}"),
    };
    assert_eq!(of(429), Cause::Throttled { retry_after: None });
    assert_eq!([408, 500, 502, 503, 599].map(of), [Cause::Down { retry_after: None }; 5]);
    assert_eq!([301, 401, 403, 404, 410].map(of), [Cause::Closed; 5]);
    assert_eq!([400, 413, 422].map(of), [Cause::Refused; 3]);
}

#[test]
fn whoever_says_how_long_to_wait_is_obeyed_however_long() {
    let (begun, _) = Delivery::new(page(0, 0)).begun(&POLICY, at(0));
    for seconds in [30, 3_600, 20_000] {
        let answer = Answer::of_status(429, Some(SignedDuration::from_secs(seconds)));
        assert_eq!(again(&begun, &answer, at(0)), seconds.max(again(&begun, &down(), at(0))));
        let (state, permit) = DestinationState::default().ask(&POLICY, LIMIT, at(0)).unwrap();
        let (state, change) = state.answered(permit, &answer, &POLICY, at(0));
        assert_eq!(change, None, "it is well");
        assert_eq!(state.ask(&POLICY, LIMIT, at(seconds - 1)).map(drop), Err(at(seconds)), "others wait as well");
        assert!(state.ask(&POLICY, LIMIT, at(seconds)).is_ok());
    }
}

#[test]
fn a_retry_after_is_read_as_seconds_and_as_a_moment() {
    let now = "2015-10-21T07:27:00Z".parse().unwrap();
    let read = |text| retry_after(text, now).map(|pause| pause.as_secs());
    assert_eq!(read("120"), Some(120));
    assert_eq!(read(" 0 "), Some(0));
    assert_eq!(read("Wed, 21 Oct 2015 07:28:00 GMT"), Some(60));
    assert_eq!(read("Wed, 21 Oct 2015 07:00:00 GMT"), Some(0));
    assert_eq!((read("soon"), read("-1"), read("")), (None, None, None));
}

#[test]
fn what_is_refused_is_given_up_at_once_and_what_is_old_is_given_up_later_never_in_silence() {
    let (begun, _) = Delivery::new(page(0, 0)).begun(&POLICY, at(0));
    let refused = begun.answered(&Answer::of_status(400, None), &POLICY, at(0));
    assert_eq!(refused, Next::GivenUp { reason: "it answered 400".into() });
    let old = begun.answered(&down(), &POLICY, at(24 * 3_600));
    assert_eq!(old, Next::GivenUp { reason: "older than 24 hours; the last try: it answered 503".into() });
    let often = Delivery { attempts: 200, ..begun }.answered(&down(), &POLICY, at(0));
    assert_eq!(often, Next::GivenUp { reason: "tried 200 times; the last try: it answered 503".into() });
}

#[test]
fn a_door_that_is_closed_to_us_gives_no_message_up_and_opens_the_breaker() {
    let (mut state, closed) = (DestinationState::default(), Answer::of_status(401, None));
    for try_number in 1..=5 {
        let (asked, permit) = state.ask(&POLICY, LIMIT, at(0)).unwrap();
        let (next, change) = asked.answered(permit, &closed, &POLICY, at(0));
        assert_eq!(change, (try_number == 5).then_some(Change::Down));
        state = next;
    }
    let (begun, _) = Delivery::new(page(0, 0)).begun(&POLICY, at(0));
    assert!(matches!(begun.answered(&closed, &POLICY, at(0)), Next::Again(..)));
}

#[test]
fn a_destination_that_refuses_one_message_is_well() {
    let (mut state, refused) = (DestinationState::default(), Answer::of_status(422, None));
    for _ in 0..20 {
        let (asked, permit) = state.ask(&POLICY, LIMIT, at(0)).unwrap();
        state = asked.answered(permit, &refused, &POLICY, at(0)).0;
    }
    assert_eq!(state.breaker.state(), &State::Closed { failures: 0 });
}

/// A destination that is down for a while and an outbox of messages before it, minute by minute, each minute a process
/// that knows nothing but what was written down.
fn live(messages: u32, down_from: i64, down_until: i64, minutes: i64) -> (Vec<(i64, String)>, u32, usize) {
    let mut outbox: Vec<(Timestamp, Delivery)> =
        (0..messages).map(|number| (at(0), Delivery::new(page(number, 0)))).collect();
    let (mut state, mut heard, mut asked_while_down, mut changes) = (DestinationState::default(), Vec::new(), 0, 0);
    for minute in 0..minutes {
        let now = at(minute * 60);
        outbox.sort_by_key(|(due, delivery)| (*due, delivery.notice.id()));
        for (due, delivery) in std::mem::take(&mut outbox) {
            let cold = serde_json::from_str::<DestinationState>(&serde_json::to_string(&state).unwrap()).unwrap();
            let permit = if due <= now { cold.ask(&POLICY, LIMIT, now).ok() } else { None };
            let Some((asked, permit)) = permit else {
                outbox.push((due, delivery));
                continue;
            };
            let is_down = (down_from..down_until).contains(&minute);
            asked_while_down += u32::from(is_down);
            let answer = if is_down { down() } else { Answer::Delivered { external_id: None } };
            let (begun, _) = delivery.begun(&POLICY, now);
            let (next, change) = asked.answered(permit, &answer, &POLICY, now);
            (state, changes) = (next, changes + usize::from(change.is_some()));
            match begun.answered(&answer, &POLICY, now) {
                Next::Done { .. } => heard.push((minute, begun.notice.id())),
                Next::Again(delivery, due) => outbox.push((due, *delivery)),
                Next::GivenUp { reason } => panic!("{reason}"),
            }
        }
    }
    assert!(outbox.is_empty(), "{} wait still", outbox.len());
    (heard, asked_while_down, changes)
}

#[test]
fn a12_a_destination_that_is_down_for_an_hour_is_asked_seldom_and_hears_everything_once_it_is_back() {
    let (heard, asked, changes) = live(40, 0, 60, 90);
    let distinct: std::collections::BTreeSet<&String> = heard.iter().map(|(_, id)| id).collect();
    assert_eq!((heard.len(), distinct.len(), changes), (40, 40, 2), "down once, back once");
    assert!(asked <= 5 + 15, "asked {asked} times while it was down");
    assert!(heard.iter().all(|(minute, _)| (60..=75).contains(minute)), "{heard:?}");
}

proptest! {
    #[test]
    fn a12_whenever_it_is_down_nothing_is_lost_and_nothing_heard_twice(
        messages in 1_u32..30, down_from in 0_i64..5, length in 0_i64..120,
    ) {
        let (heard, asked, _) = live(messages, down_from, down_from + length, down_from + length + 40);
        prop_assert_eq!(heard.len(), usize::try_from(messages).unwrap());
        let distinct: std::collections::BTreeSet<&String> = heard.iter().map(|(_, id)| id).collect();
        prop_assert_eq!(distinct.len(), heard.len());
        prop_assert!(i64::from(asked) <= 5 + length);
    }

    #[test]
    fn a13_the_next_try_is_drawn_from_the_whole_pause_and_comes_within_it(attempts in 1_u32..199, step: u32) {
        let delivery = Delivery { attempts, ..Delivery::new(page(step, 0)) };
        let pause = again(&delivery, &down(), at(0));
        prop_assert!((0..=600).contains(&pause));
        prop_assert!(attempts > 6 || pause <= 5 << (attempts - 1));
    }
}

//! Stories hold what was told, whatever the order.

use super::*;
use crate::insight::fixtures::{any_band, any_stage, days, described, hours};
use crate::page::fixtures::{daily, day, series};
use crate::signal::Metric;
use proptest::prelude::*;

fn new() -> Story {
    Story::new(AccountId::new("a").unwrap())
}

fn cta(number: u32) -> CtaId {
    CtaId::new(format!("c{number}")).unwrap()
}

fn ended(how: &str) -> News {
    News::CtaEnded { cta: cta(1), how: how.into(), reason: "done".into() }
}

fn opened(day: i64) -> News {
    News::CtaOpened { cta: cta(1), rule: RuleId::new("r").unwrap(), opened: days(day) }
}

#[test]
fn a_call_to_action_that_came_back_has_not_ended() {
    let mut story = new();
    story.apply(days(1), opened(1));
    story.apply(days(3), ended("closed"));
    assert_eq!(story.ctas[&cta(1)].ended().unwrap().at, days(3).as_second());
    story.apply(days(5), opened(1));
    assert_eq!(story.ctas[&cta(1)].ended(), None);
}

#[test]
fn what_is_older_than_the_window_is_forgotten() {
    let mut story = new();
    story.apply(days(1), opened(1));
    story.apply(days(2), ended("closed"));
    story.apply(days(500), News::Banded(Band::Healthy));
    assert_eq!(story.ctas.len(), 0);
    story.apply(days(3), opened(3));
    assert_eq!(story.ctas.len(), 0, "however late it is told");
}

#[test]
fn numbers_are_the_latest_or_the_mean_of_28_days() {
    let on = |text: &str| day(text);
    let mut signals = daily(Metric::ActiveUsers, [(on("2026-01-02"), "10"), (on("2026-03-30"), "30")]);
    signals.extend(daily(Metric::LicensedUsers, [(on("2026-01-01"), "100"), (on("2026-03-01"), "60")]));
    signals.extend(daily(Metric::Csat, [(on("2026-03-02"), "90"), (on("2026-03-03"), "40")]));
    let found = Measures::of(&series(signals)).unwrap();
    assert_eq!((found.licensed_on, found.first_use), (Some(on("2026-01-01")), Some(on("2026-01-02"))));
    assert_eq!(found.active_percent().unwrap().to_string(), "50");
    let csat = &found.answers[&Metric::Csat];
    assert_eq!((csat.count, csat.bad_days, csat.last_bad), (2, 1, Some(on("2026-03-03"))));
    assert_eq!(csat.mean().unwrap().to_string(), "65");
}

fn any_news() -> impl Strategy<Value = (i64, News)> {
    let escalation = |id: u32| EscalationId::new(format!("e{id}")).unwrap();
    let person = |id: u32| PersonId::new(format!("p{id}")).unwrap();
    let heard = prop_oneof![
        "[ab]".prop_map(Heard::Told),
        (0_u32..3).prop_map(move |id| Heard::TakenOn(Some(person(id)))),
        Just(Heard::Ended),
        Just(Heard::Reopened),
    ];
    let news = prop_oneof![
        any_stage().prop_map(|stage| News::Described(described(stage, Segment::MidMarket, 1))),
        any_band().prop_map(News::Banded),
        (0_u32..3, 0_i64..100).prop_map(|(id, hour)| News::CtaOpened {
            cta: cta(id),
            rule: RuleId::new("r").unwrap(),
            opened: hours(hour),
        }),
        (0_u32..3, "[xy]").prop_map(|(id, how)| News::CtaEnded { cta: cta(id), how, reason: "why".into() }),
        (0_u32..3, heard).prop_map(move |(id, what)| News::Escalation {
            escalation: escalation(id),
            severity: Severity::High,
            opened: hours(1),
            what,
        }),
        "[ab]".prop_map(|key| News::StepOpened { step: format!("book/{key}"), key }),
        ("[ab]", any::<bool>()).prop_map(|(key, late)| News::StepSettled { step: format!("book/{key}"), key, late }),
        (0_u32..3).prop_map(move |id| News::Held { role: "csm".into(), person: person(id) }),
    ];
    (0_i64..2_000, news)
}

proptest! {
    #[test]
    fn a144_any_order_and_any_repetition_of_the_news_give_the_same_bytes(
        (told, shuffled, again) in prop::collection::vec(any_news(), 0..40).prop_flat_map(|told| {
            let shuffled = Just(told.clone()).prop_shuffle();
            (Just(told.clone()), shuffled, prop::sample::subsequence(told.clone(), 0..=told.len()))
        }),
    ) {
        let tell = |all: Vec<(i64, News)>| {
            let mut story = new();
            all.into_iter().for_each(|(hour, news)| story.apply(hours(hour), news));
            serde_json::to_string(&story).unwrap()
        };
        let once = tell(told);
        prop_assert_eq!(&tell(shuffled.clone()), &once);
        prop_assert_eq!(&tell(shuffled.into_iter().chain(again).collect()), &once);
        let back: Story = serde_json::from_str(&once).unwrap();
        prop_assert_eq!(serde_json::to_string(&back).unwrap(), once);
    }
}

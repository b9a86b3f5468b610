//! What escalations came to, by the way they went: of the accounts that got into trouble, how many recovered with an
//! escalation of that way and how many without.
//!
//! Trouble begins when an account comes below healthy. It has recovered when it is healthy again within the window and has
//! not left by its end. A trouble counts once its window is over, or once it has recovered or left. This is what went
//! together, not what caused it: who is escalated is worse off from the start.

use crate::account::LifecycleStage;
use crate::band::Band;
use crate::day::SECONDS;
use crate::fixed::Quantity;
use crate::insight::ratio;
use crate::story::{Second, Story};
use std::collections::{BTreeMap, BTreeSet};

/// How long a trouble is followed, in days.
pub const WINDOW_DAYS: i64 = 90;
/// With fewer on either side nothing is said of the difference.
pub const LEAST: u64 = 20;

/// How many there were, and how many of them recovered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Side {
    /// How many.
    pub n: u64,
    /// How many recovered.
    pub recovered: u64,
}

impl Side {
    /// The share that recovered, in one.
    pub fn share(&self) -> Option<Quantity> {
        ratio(self.recovered, self.n)
    }

    fn count(&mut self, recovered: bool) {
        self.n += 1;
        self.recovered += u64::from(recovered);
    }
}

/// What a way came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lift {
    /// The way: how bad it was, and who was told first.
    pub route: String,
    /// Troubles with an escalation that went this way.
    pub with: Side,
    /// Troubles without one.
    pub without: Side,
    /// By how much more of them recovered, in one; none where there are too few on either side.
    pub lift: Option<Quantity>,
}

/// A time below healthy.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Trouble {
    routes: BTreeSet<String>,
    recovered: bool,
}

/// What every way came to that any escalation went, by name.
pub fn lifts<'a>(stories: impl IntoIterator<Item = &'a Story>, now: Second) -> Vec<Lift> {
    let stories: Vec<&Story> = stories.into_iter().collect();
    let troubles: Vec<Trouble> = stories.iter().flat_map(|story| troubles(story, now)).collect();
    let routes: BTreeSet<&String> = troubles.iter().flat_map(|trouble| &trouble.routes).collect();
    let mut sides: BTreeMap<&String, [Side; 2]> = routes.iter().map(|route| (*route, Default::default())).collect();
    for trouble in &troubles {
        for (route, [with, without]) in &mut sides {
            let side = if trouble.routes.contains(*route) { with } else { without };
            side.count(trouble.recovered);
        }
    }
    let lift = |(route, [with, without]): (&String, [Side; 2])| Lift {
        route: route.clone(),
        lift: (with.n >= LEAST && without.n >= LEAST).then(|| Some(with.share()?.minus(without.share()?))).flatten(),
        with,
        without,
    };
    sides.into_iter().map(lift).collect()
}

fn troubles(story: &Story, now: Second) -> Vec<Trouble> {
    let mut found = Vec::new();
    let mut below = false;
    for (at, band) in story.bands.iter() {
        let begins = !below && *band < Band::Healthy;
        below = *band < Band::Healthy;
        if begins {
            found.extend(trouble(story, at, now));
        }
    }
    found
}

/// A trouble that began at this moment, once it can be judged.
fn trouble(story: &Story, from: Second, now: Second) -> Option<Trouble> {
    let until = from.saturating_add(WINDOW_DAYS * SECONDS);
    let within = |at: Second| from < at && at <= until.min(now);
    let left = story.descriptions.iter().any(|(at, one)| within(at) && one.stage == LifecycleStage::Churned);
    let healthy = story.bands.iter().any(|(at, band)| within(at) && *band >= Band::Healthy);
    let is_over = now >= until || left || healthy;
    let opened_within = |opened: Second| from <= opened && opened <= until.min(now);
    let routes = story.escalations.values().filter(|one| one.opened.is_some_and(opened_within));
    is_over.then(|| Trouble { routes: routes.filter_map(|one| one.route()).collect(), recovered: healthy && !left })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::Segment;
    use crate::id::EscalationId;
    use crate::insight::fixtures::{any_band, days, described, story};
    use crate::signal::Severity;
    use crate::story::{Heard, News};
    use proptest::prelude::*;

    fn troubled(number: usize, escalated: bool, recovers: bool) -> Story {
        let mut story = story(&format!("a{number}"), Segment::MidMarket, 1);
        story.apply(days(1), News::Banded(Band::Healthy));
        story.apply(days(5), News::Banded(Band::Critical));
        if escalated {
            escalate(&mut story, "e", 6, "executive");
        }
        if recovers {
            story.apply(days(30), News::Banded(Band::Healthy));
        }
        story
    }

    fn escalate(story: &mut Story, id: &str, day: i64, role: &str) {
        let (severity, opened) = (Severity::High, days(day));
        let what = Heard::Told(role.into());
        story.apply(days(day), News::Escalation { escalation: EscalationId::new(id).unwrap(), severity, opened, what });
    }

    #[test]
    fn a136_lift_by_route_is_told_with_n_and_not_at_all_of_too_few() {
        let stories = |with: usize| -> Vec<Story> {
            let escalated = (0..with).map(|number| troubled(number, true, number % 4 != 0));
            escalated.chain((0..40).map(|number| troubled(100 + number, false, number % 2 == 0))).collect()
        };
        let now = days(200).as_second();
        let found = lifts(&stories(20), now).remove(0);
        assert_eq!(found.route, "high → executive");
        assert_eq!((found.with, found.without), (Side { n: 20, recovered: 15 }, Side { n: 40, recovered: 20 }));
        assert_eq!(found.lift.unwrap().to_string(), "0.25");
        assert_eq!(lifts(&stories(19), now)[0].lift, None, "too few");
        assert_eq!(lifts(&stories(20), days(20).as_second()), [], "nothing is over yet");
    }

    #[test]
    fn who_leaves_has_not_recovered() {
        let mut story = troubled(1, true, true);
        story.apply(days(60), News::Described(described(LifecycleStage::Churned, Segment::MidMarket, 1)));
        assert_eq!(lifts([&story], days(200).as_second())[0].with, Side { n: 1, recovered: 0 });
    }

    proptest! {
        #[test]
        fn a136_both_sides_are_all_troubles(
            histories in prop::collection::vec(
                (prop::collection::vec((0_i64..300, any_band()), 0..8), prop::collection::vec((0_i64..300, 0_usize..3), 0..4)), 0..15,
            ),
        ) {
            let now = days(300).as_second();
            let stories: Vec<Story> = histories.iter().enumerate().map(|(number, (bands, escalations))| {
                let mut story = story(&format!("a{number}"), Segment::MidMarket, 1);
                bands.iter().for_each(|(day, band)| story.apply(days(*day), News::Banded(*band)));
                for (place, (day, role)) in escalations.iter().enumerate() {
                    escalate(&mut story, &format!("e{place}"), *day, ["executive", "engineering", "trainer"][*role]);
                }
                story
            }).collect();
            // By hand: every day on which an account came below healthy, followed for ninety.
            let mut recovered = Vec::new();
            for (bands, escalations) in &histories {
                let mut sorted = bands.clone();
                sorted.sort();
                sorted.dedup();
                for (place, (day, band)) in sorted.iter().enumerate() {
                    let before = place.checked_sub(1).map(|before| sorted[before].1);
                    if *band >= Band::Healthy || before.is_some_and(|before| before < Band::Healthy) {
                        continue;
                    }
                    let well = sorted.iter().any(|(other, band)| other > day && *other <= day + 90 && *band >= Band::Healthy);
                    if well || day + 90 <= 300 {
                        let executive = escalations.iter().any(|(other, role)| *role == 0 && other >= day && *other <= day + 90);
                        recovered.push((executive, well));
                    }
                }
            }
            let side = |with: bool| Side {
                n: recovered.iter().filter(|one| one.0 == with).count() as u64,
                recovered: recovered.iter().filter(|one| **one == (with, true)).count() as u64,
            };
            match lifts(&stories, now).into_iter().find(|lift| lift.route == "high → executive") {
                Some(found) => prop_assert_eq!((found.with, found.without), (side(true), side(false))),
                None => prop_assert_eq!(side(true).n, 0),
            }
        }
    }
}

//! How those who work on cases get on: how many they solve, how long that takes, how often it does not hold, and which of
//! their cases are looked at for quality.
//!
//! The sample is drawn by a hash of a word that is given and of the case: nobody can choose it, and the same word draws the
//! same cases for everybody.

use crate::day::Day;
use crate::digest::Digest;
use crate::fixed::Quantity;
use crate::id::{AccountId, CaseId, PersonId};
use crate::insight::{desk::day_of, ratio};
use crate::story::{CaseView, Story};
use crate::support::Durations;
use std::collections::BTreeMap;

/// The most cases of one person that are drawn.
pub const MAX_SAMPLE: usize = 20;

/// How somebody gets on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agent {
    /// Who.
    pub person: PersonId,
    /// How many cases that they worked on last were solved within the days and still are.
    pub resolved: u64,
    /// How many of these had come back before.
    pub reopened: u64,
    /// Those for the solved ones, in one.
    pub reopened_share: Option<Quantity>,
    /// How often these went from one to another.
    pub handoffs: u64,
    /// From the first answer to the resolution, without what waited on the customer, in seconds.
    pub handle: Durations,
    /// The cases that are looked at.
    pub sample: Vec<(AccountId, CaseId)>,
}

/// How everybody gets on whose cases were solved from one day to another, by their ids. Of each so many cases are drawn.
pub fn agents<'a>(
    stories: impl IntoIterator<Item = &'a Story>,
    first: Day,
    last: Day,
    word: &str,
    sample: usize,
) -> Vec<Agent> {
    let mut by_person: BTreeMap<&PersonId, Vec<(&AccountId, &CaseId, &CaseView)>> = BTreeMap::new();
    for story in stories {
        for (id, case) in &story.cases {
            let within = case.resolved.is_some_and(|at| (first..=last).contains(&day_of(at)));
            let Some(person) = case.assignee.as_ref().filter(|_| within) else { continue };
            by_person.entry(person).or_default().push((&story.account, id, case));
        }
    }
    by_person.into_iter().map(|(person, cases)| agent(person, &cases, word, sample)).collect()
}

fn agent(person: &PersonId, cases: &[(&AccountId, &CaseId, &CaseView)], word: &str, sample: usize) -> Agent {
    let resolved = cases.len() as u64;
    let reopened = cases.iter().filter(|(_, _, case)| case.reopened > 0).count() as u64;
    Agent {
        person: person.clone(),
        resolved,
        reopened,
        reopened_share: ratio(reopened, resolved),
        handoffs: cases.iter().map(|(_, _, case)| u64::from(case.handoffs)).sum(),
        handle: cases.iter().filter_map(|(_, _, case)| i64::try_from(case.handled()?).ok()).collect(),
        sample: draw(cases, word, sample),
    }
}

fn draw(cases: &[(&AccountId, &CaseId, &CaseView)], word: &str, count: usize) -> Vec<(AccountId, CaseId)> {
    let lot = |account: &AccountId, case: &CaseId| {
        *Digest::of("quality sample", [word, account.as_str(), case.as_str()]).as_bytes()
    };
    let mut drawn: Vec<_> = cases.iter().map(|(account, case, _)| (lot(account, case), *account, *case)).collect();
    drawn.sort_unstable();
    let count = count.min(MAX_SAMPLE);
    drawn.into_iter().take(count).map(|(_, account, case)| (account.clone(), case.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::Segment;
    use crate::insight::fixtures::{START, about, any_about, any_case_news, case, story, with_case};
    use crate::signal::{About, CaseStatus};
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn one_story(cases: &[(About, Vec<(i64, CaseStatus)>)]) -> Story {
        let mut story = story("a", Segment::MidMarket, 1);
        for (number, (about, news)) in cases.iter().enumerate() {
            with_case(&mut story, &case(&format!("c{number}"), about, news));
        }
        story
    }

    fn look(story: &Story, word: &str, sample: usize) -> Vec<Agent> {
        let first = day_of(START);
        agents([story], first, first.plus(365), word, sample)
    }

    #[test]
    fn a97_handle_time_leaves_out_what_waited_on_the_customer() {
        use CaseStatus::{InProgress, Opened, Resolved, Responded, WaitingOnCustomer};
        let ann = about(None, None, Some("ann"));
        let story = one_story(&[
            (ann.clone(), vec![(0, Opened), (1, Responded), (2, WaitingOnCustomer), (12, InProgress), (14, Resolved)]),
            (ann, vec![(0, Opened), (1, Responded), (2, Resolved), (3, Responded), (9, Resolved)]),
        ]);
        let found = look(&story, "week", 1).remove(0);
        assert_eq!((found.resolved, found.reopened), (2, 1));
        assert_eq!(found.reopened_share.unwrap().to_string(), "0.5");
        assert_eq!((found.handle.percentile(50), found.handle.percentile(100)), (Some(3 * 3_600), Some(8 * 3_600)));
        assert_eq!(found.sample.len(), 1);
    }

    #[test]
    fn a97_the_sample_is_the_same_for_everybody_and_another_word_draws_others() {
        use CaseStatus::{Opened, Resolved};
        let bob = about(None, None, Some("bob"));
        let cases: Vec<_> = (0..40).map(|hour| (bob.clone(), vec![(hour, Opened), (hour + 1, Resolved)])).collect();
        let story = one_story(&cases);
        let draw = |word: &str| look(&story, word, 5).remove(0).sample;
        assert_eq!(draw("2026-01"), draw("2026-01"));
        assert_ne!(draw("2026-01"), draw("2026-02"));
        let drawn: BTreeSet<_> = (0..60).flat_map(|number| draw(&format!("{number}"))).collect();
        assert!(drawn.len() > 35, "everybody's cases come up: {}", drawn.len());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(100))]
        #[test]
        fn a97_agents_equal_brute_force(all in prop::collection::vec((any_about(), any_case_news()), 0..25)) {
            let story = one_story(&all);
            let found = look(&story, "w", 3);
            let mut by_hand: BTreeMap<PersonId, (u64, u64)> = BTreeMap::new();
            for (number, (about, news)) in all.iter().enumerate() {
                let case = case(&format!("c{number}"), about, news);
                let statuses: Vec<_> = case.news().map(|news| news.status).collect();
                let Some(person) = about.assignee.clone() else { continue };
                if *statuses.last().unwrap() != CaseStatus::Resolved {
                    continue;
                }
                let came_back = statuses.windows(2).any(|pair| pair[0] == CaseStatus::Resolved && pair[1] != CaseStatus::Resolved);
                let sum = by_hand.entry(person).or_default();
                *sum = (sum.0 + 1, sum.1 + u64::from(came_back));
            }
            let told: BTreeMap<_, _> = found.iter().map(|one| (one.person.clone(), (one.resolved, one.reopened))).collect();
            prop_assert_eq!(told, by_hand);
            for agent in &found {
                prop_assert_eq!(agent.sample.len() as u64, agent.resolved.min(3));
            }
        }
    }
}

//! What customers say, and whether they were told what came of it.
//!
//! What an account says has a theme: the category of its cases, or a kind of survey answer. Of each account and theme a
//! loop is open from what was said last until the customer was told: a case that is solved tells them, and people say that
//! they did. A survey answer is acted on by the first call to action that is carried out, or the first step that is done,
//! after it.

use crate::account::Money;
use crate::day::{Day, SECONDS};
use crate::id::AccountId;
use crate::story::{Second, Story};
use std::collections::BTreeMap;

/// A theme's longest name, in characters: `case:` and a category.
pub const MAX_THEME: usize = 140;
/// A loop that is open for more than so many days is late.
pub const LATE_DAYS: i64 = 14;

/// When customers were told what came of it, by theme.
pub type Told = BTreeMap<String, Second>;

/// What an account said, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loop {
    /// Which account.
    pub account: AccountId,
    /// What about.
    pub theme: String,
    /// How often lately: cases that are known, or days with complaints of the last 90.
    pub mentions: u64,
    /// When they said it last.
    pub heard: Second,
    /// When somebody first did something about it after that.
    pub acted: Option<Second>,
    /// When the customer was told after that.
    pub told: Option<Second>,
    /// Whether it is open for too long.
    pub late: bool,
}

/// A theme over all accounts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Theme {
    /// What about.
    pub theme: String,
    /// How many accounts say it.
    pub accounts: u64,
    /// How often.
    pub mentions: u64,
    /// What those accounts pay a year.
    pub arr: Money,
    /// How many loops are open.
    pub open: u64,
    /// How many of these are late.
    pub late: u64,
}

/// Every loop of the customers among these accounts, the one that is open the longest first; closed ones come last.
pub fn loops<'a>(stories: impl IntoIterator<Item = (&'a Story, &'a Told)>, now: Second) -> Vec<Loop> {
    let customers = stories.into_iter().filter(|(story, _)| story.is_customer());
    let mut loops: Vec<Loop> = customers.flat_map(|(story, told)| of_account(story, told, now)).collect();
    loops.sort_by(|one, other| order(one).cmp(&order(other)));
    loops
}

fn order(one: &Loop) -> (bool, Second, &AccountId, &str) {
    (one.told.is_some(), one.heard, &one.account, &one.theme)
}

/// The themes, the one that weighs the most first.
pub fn themes<'a>(loops: &[Loop], arr: impl Fn(&AccountId) -> Money + 'a) -> Vec<Theme> {
    let mut themes: BTreeMap<&str, Theme> = BTreeMap::new();
    for one in loops {
        let theme = themes.entry(&one.theme).or_insert_with(|| Theme {
            theme: one.theme.clone(),
            accounts: 0,
            mentions: 0,
            arr: Money::default(),
            open: 0,
            late: 0,
        });
        theme.accounts += 1;
        theme.mentions += one.mentions;
        theme.arr = Money::from_cents(theme.arr.cents().saturating_add(arr(&one.account).cents()));
        theme.open += u64::from(one.told.is_none());
        theme.late += u64::from(one.late);
    }
    let mut themes: Vec<Theme> = themes.into_values().collect();
    themes.sort_by(|one, other| (other.arr, other.mentions, &one.theme).cmp(&(one.arr, one.mentions, &other.theme)));
    themes
}

fn of_account(story: &Story, told: &Told, now: Second) -> Vec<Loop> {
    cases(story).into_iter().chain(surveys(story)).map(|one| close(one, story, told, now)).collect()
}

/// What the cases say: of a category it is open while any of its cases is.
fn cases(story: &Story) -> Vec<Loop> {
    let mut themes: BTreeMap<String, Loop> = BTreeMap::new();
    for case in story.cases.values() {
        let Some(category) = &case.category else { continue };
        let theme = format!("case:{category}");
        let news = Loop {
            account: story.account.clone(),
            theme: theme.clone(),
            mentions: 1,
            heard: case.opened,
            acted: case.answered,
            told: case.resolved,
            late: false,
        };
        let known = themes.entry(theme).or_insert_with(|| Loop { mentions: 0, ..news.clone() });
        // The one that is open, of several the one that was opened first; of closed ones the last.
        let rank = |one: &Loop| (one.told.is_none(), if one.told.is_none() { -one.heard } else { one.heard });
        let mentions = known.mentions + 1;
        if rank(&news) > rank(known) {
            *known = news;
        }
        known.mentions = mentions;
    }
    themes.into_values().collect()
}

fn surveys(story: &Story) -> Vec<Loop> {
    let answers = story.measures.iter().flat_map(|measures| &measures.answers);
    let one = |(metric, answers): (&crate::signal::Metric, &crate::story::Answers)| {
        let heard = day_start(answers.last_bad?);
        Some(Loop {
            account: story.account.clone(),
            theme: format!("survey:{metric}"),
            mentions: u64::from(answers.bad_days),
            heard,
            acted: None,
            told: None,
            late: false,
        })
    };
    // An answer to "would you recommend" comes as a rating and as the net promoter score that is derived from it: one theme.
    answers.filter(|(metric, _)| **metric != crate::signal::Metric::NetPromoter).filter_map(one).collect()
}

fn close(one: Loop, story: &Story, told: &Told, now: Second) -> Loop {
    let after = |at: &Second| *at >= one.heard;
    let carried_out = story.ctas.values().filter_map(|cta| cta.ended()).filter(|ending| ending.how == "closed");
    let settled = story.steps.values().filter_map(|step| step.settled);
    let acted = carried_out.map(|ending| ending.at).chain(settled).filter(after).min();
    let by_hand = told.get(&one.theme).copied().filter(after);
    let told = [one.told, by_hand].into_iter().flatten().min();
    let late = told.is_none() && now.saturating_sub(one.heard) > LATE_DAYS * SECONDS;
    Loop { acted: one.acted.or(acted), told, late, ..one }
}

fn day_start(day: Day) -> Second {
    day.start().as_second()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::Segment;
    use crate::insight::fixtures::{START, about, any_about, any_case_news, case, days, measures, story, with_case};
    use crate::signal::{CaseStatus, Metric};
    use crate::story::{Answers, News};
    use proptest::prelude::*;

    fn complaining(name: &str, on: i64) -> Story {
        let mut story = story(name, Segment::MidMarket, 100);
        let mut found = measures(&[]);
        let last_bad = Some(Day::of(days(on)));
        found.answers.insert(Metric::Csat, Answers { count: 3, sum: 90_000_000, bad_days: 2, last_bad });
        story.apply(days(on), News::Measured(found));
        story
    }

    fn second(day: i64) -> Second {
        days(day).as_second()
    }

    #[test]
    fn a107_a_loop_is_open_until_the_customer_was_told_and_late_after_fourteen_days() {
        let mut story = complaining("a", 10);
        let look = |story: &Story, told: &Told, day| loops([(story, told)], second(day)).remove(0);
        let open = look(&story, &Told::new(), 24);
        assert_eq!((open.theme.as_str(), open.mentions, open.told, open.late), ("survey:csat", 2, None, false));
        assert!(look(&story, &Told::new(), 25).late);
        let cta = crate::id::CtaId::new("c").unwrap();
        story.apply(days(12), News::CtaEnded { cta, how: "closed".into(), reason: "called".into() });
        let told = |day| Told::from([("survey:csat".to_owned(), second(day))]);
        assert_eq!(look(&story, &told(9), 25).told, None, "told before they said it");
        let closed = look(&story, &told(20), 25);
        assert_eq!((closed.acted, closed.told, closed.late), (Some(second(12)), Some(second(20)), false));
    }

    #[test]
    fn a107_a_case_that_is_solved_tells_the_customer() {
        use CaseStatus::{Opened, Resolved, Responded};
        let mut story = story("a", Segment::MidMarket, 100);
        let network = about(None, Some("network"), None);
        with_case(&mut story, &case("c1", &network, &[(0, Opened), (1, Responded), (2, Resolved)]));
        let closed = loops([(&story, &Told::new())], second(90)).remove(0);
        assert_eq!((closed.told, closed.late), (Some(START + 7_200), false));
        with_case(&mut story, &case("c2", &network, &[(24, Opened)]));
        let open = loops([(&story, &Told::new())], second(90)).remove(0);
        assert_eq!((open.mentions, open.told, open.late), (2, None, true));
        let themes = themes(&[open], |_| Money::from_cents(7));
        assert_eq!((themes[0].theme.as_str(), themes[0].open, themes[0].arr.cents()), ("case:network", 1, 7));
    }

    proptest! {
        #[test]
        fn a107_themes_reconcile_with_the_cases(all in prop::collection::vec((any_about(), any_case_news()), 0..20)) {
            let mut stories = [story("a", Segment::MidMarket, 1), story("b", Segment::MidMarket, 1)];
            for (number, (about, news)) in all.iter().enumerate() {
                with_case(&mut stories[number % 2], &case(&format!("c{number}"), about, news));
            }
            let none = Told::new();
            let found = loops(stories.iter().map(|story| (story, &none)), second(100));
            let with_category = all.iter().filter(|(about, _)| about.category.is_some()).count() as u64;
            prop_assert_eq!(found.iter().map(|one| one.mentions).sum::<u64>(), with_category);
            for one in &found {
                let own = stories.iter().find(|story| story.account == one.account).unwrap();
                let theme = |view: &&crate::story::CaseView| view.category.as_ref().is_some_and(|c| format!("case:{c}") == one.theme);
                let any_open = own.cases.values().filter(theme).any(|view| view.resolved.is_none());
                prop_assert_eq!(one.told.is_none(), any_open);
            }
        }
    }
}

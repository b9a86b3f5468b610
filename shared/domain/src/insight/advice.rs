//! What to do next for which account: proposals with what speaks for them, the one that is worth the most first.
//!
//! What somebody dismissed for a cause is not proposed again within the window, and neither is what somebody took on.

use crate::account::Money;
use crate::band::Band;
use crate::day::{Day, SECONDS};
use crate::fixed::Quantity;
use crate::id::{AccountId, PersonId};
use crate::insight::adoption::{ADOPTED_PERCENT, REGULAR_PERCENT};
use crate::insight::advocacy::{AdvocacyPolicy, Uses, objections};
use crate::insight::voice::{Told, loops};
use crate::signal::Metric;
use crate::story::{Second, Story};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// For how many days what was answered is not proposed again.
pub const WINDOW_DAYS: i64 = 30;
/// The longest cause of a dismissal, in characters.
pub const MAX_CAUSE: usize = 500;
/// A contract that ends within so many days is to be prepared.
const RENEWAL_DAYS: i32 = 90;

/// What can be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Get an account out of trouble.
    Recover,
    /// Prepare the renewal.
    PrepareRenewal,
    /// Tell the customer what came of what they said.
    TellCustomer,
    /// Get people to use the product at all.
    StartUse,
    /// Get more people, or more features, into use.
    RaiseAdoption,
    /// Ask for a reference.
    AskReference,
    /// Talk about more of the product.
    Grow,
}

impl Action {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Recover,
        Self::PrepareRenewal,
        Self::TellCustomer,
        Self::StartUse,
        Self::RaiseAdoption,
        Self::AskReference,
        Self::Grow,
    ];

    /// Its name as it is written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Recover => "recover",
            Self::PrepareRenewal => "prepare_renewal",
            Self::TellCustomer => "tell_customer",
            Self::StartUse => "start_use",
            Self::RaiseAdoption => "raise_adoption",
            Self::AskReference => "ask_reference",
            Self::Grow => "grow",
        }
    }

    /// The action with this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.name() == name)
    }

    /// The share of the yearly revenue that it is about, in percent: an assumption by which unlike things are put in order.
    const fn at_stake_percent(self) -> i64 {
        match self {
            Self::Recover => 40,
            Self::PrepareRenewal => 20,
            Self::StartUse => 25,
            Self::TellCustomer => 8,
            Self::RaiseAdoption => 10,
            Self::Grow => 15,
            Self::AskReference => 2,
        }
    }
}

/// What somebody said to a proposal.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Verdict {
    /// When.
    pub at: Second,
    /// Whether they take it on.
    pub accepted: bool,
    /// Who.
    pub by: PersonId,
    /// Why.
    pub cause: String,
}

/// What people said of an account: to proposals, to the customer, and when they used it as a reference.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Replies {
    /// The last word on each proposal.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub verdicts: BTreeMap<Action, Verdict>,
    /// How often each proposal was taken on, and dismissed.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub counts: BTreeMap<Action, (u64, u64)>,
    /// When the customer was told, by theme.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub told: Told,
    /// When it was used as a reference.
    #[serde(default, skip_serializing_if = "Uses::is_empty")]
    pub uses: Uses,
}

impl Replies {
    /// Takes a word on a proposal.
    pub fn say(&mut self, action: Action, verdict: Verdict) {
        let (accepted, dismissed) = self.counts.entry(action).or_default();
        *if verdict.accepted { accepted } else { dismissed } += 1;
        self.verdicts.insert(action, verdict);
    }

    /// Whether a proposal was answered lately.
    pub fn is_answered(&self, action: Action, now: Second) -> bool {
        let verdict = self.verdicts.get(&action);
        verdict.is_some_and(|verdict| now.saturating_sub(verdict.at) < WINDOW_DAYS * SECONDS)
    }
}

/// A proposal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advice {
    /// For which account.
    pub account: AccountId,
    /// What.
    pub action: Action,
    /// What speaks for it, in plain words.
    pub evidence: Vec<String>,
    /// What it is about: the revenue at stake.
    pub worth: Money,
}

/// What to do next for some accounts, the most worth first.
pub fn advise<'a>(
    accounts: impl IntoIterator<Item = (&'a Story, &'a Replies)>,
    policy: &AdvocacyPolicy,
    now: Second,
) -> Vec<Advice> {
    let mut all: Vec<Advice> = Vec::new();
    for (story, replies) in accounts {
        if !story.is_customer() {
            continue;
        }
        let arr = story.description().map_or(0, |description| description.arr.cents());
        for action in Action::ALL {
            let Some(evidence) = evidence(action, story, replies, policy, now) else { continue };
            if replies.is_answered(action, now) {
                continue;
            }
            let worth = Money::from_cents(arr.saturating_mul(action.at_stake_percent()) / 100);
            all.push(Advice { account: story.account.clone(), action, evidence, worth });
        }
    }
    all.sort_by(|one, other| {
        other.worth.cmp(&one.worth).then_with(|| (&one.account, one.action).cmp(&(&other.account, other.action)))
    });
    all
}

/// What speaks for an action; none where nothing does.
fn evidence(
    action: Action,
    story: &Story,
    replies: &Replies,
    policy: &AdvocacyPolicy,
    now: Second,
) -> Option<Vec<String>> {
    let band = story.bands.latest().copied();
    let measures = story.measures.as_ref();
    let found = match action {
        Action::Recover => {
            let band = band.filter(|band| *band <= Band::Critical)?;
            let open = story.ctas.values().filter(|cta| cta.opened.is_some() && cta.ended().is_none()).count();
            vec![format!("it is {band}"), format!("{open} calls to action are open")]
        }
        Action::PrepareRenewal => {
            let on = story.description()?.renewal_on?;
            let days = on.since(crate::insight::desk::day_of(now));
            (0..=RENEWAL_DAYS).contains(&days).then(|| vec![format!("the contract ends on {on}, in {days} days")])?
        }
        Action::TellCustomer => {
            let open: Vec<_> = loops([(story, &replies.told)], now).into_iter().filter(|one| one.late).collect();
            let words = |one: &crate::insight::voice::Loop| {
                format!("{} was last said {} days ago", one.theme, (now - one.heard) / SECONDS)
            };
            (!open.is_empty()).then(|| open.iter().map(words).collect())?
        }
        Action::StartUse => {
            let measures = measures.filter(|measures| measures.first_use.is_none())?;
            vec![format!("people have licences since {} and nobody has used them", measures.licensed_on?)]
        }
        Action::RaiseAdoption => {
            let measures = measures.filter(|measures| measures.first_use.is_some())?;
            low(measures.active_percent(), REGULAR_PERCENT, "of the licensed people use it on a day")
                .into_iter()
                .chain(low(measures.value(Metric::FeatureAdoption), ADOPTED_PERCENT, "of the features are in use"))
                .collect()
        }
        Action::AskReference => {
            band?;
            objections(story, &replies.uses, policy, now)
                .is_empty()
                .then(|| vec!["it is well and willing".to_owned()])?
        }
        Action::Grow => {
            let band = band.filter(|band| *band == Band::Champion)?;
            let active = measures?.active_percent().filter(|percent| *percent >= Quantity::whole(80))?;
            vec![format!("it is {band}"), format!("{} % of the licensed people use it on a day", active.rounded(1))]
        }
    };
    (!found.is_empty()).then_some(found)
}

fn low(value: Option<Quantity>, target: Quantity, words: &str) -> Option<String> {
    let value = value.filter(|value| *value < target)?;
    Some(format!("{} % {words}; {target} % is good", value.rounded(1)))
}

/// Up to which day an answered proposal is not made again.
pub fn silent_until(verdict: &Verdict) -> Day {
    crate::insight::desk::day_of(verdict.at.saturating_add(WINDOW_DAYS * SECONDS))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::Segment;
    use crate::insight::fixtures::{days, measures, story};
    use crate::story::News;

    fn troubled(name: &str, dollars: i64) -> Story {
        let mut story = story(name, Segment::Enterprise, dollars);
        story.apply(days(1), News::Banded(Band::Critical));
        let mut found = measures(&[(Metric::ActiveUsers, "10"), (Metric::LicensedUsers, "100")]);
        found.first_use = Some(Day::of(days(1)));
        story.apply(days(1), News::Measured(found));
        story
    }

    fn look(accounts: &[(&Story, &Replies)], day: i64) -> Vec<(String, Action)> {
        let all = advise(accounts.iter().copied(), &AdvocacyPolicy::default(), days(day).as_second());
        all.into_iter().map(|advice| (advice.account.to_string(), advice.action)).collect()
    }

    #[test]
    fn a122_what_is_worth_the_most_comes_first_with_what_speaks_for_it() {
        let (small, large, none) = (troubled("small", 100), troubled("large", 1_000), Replies::default());
        let expected = [("large", Action::Recover), ("large", Action::RaiseAdoption), ("small", Action::Recover)];
        let found = look(&[(&small, &none), (&large, &none)], 2);
        assert_eq!(found[..3], expected.map(|(name, action)| (name.to_owned(), action)));
        let all = advise([(&large, &none)], &AdvocacyPolicy::default(), days(2).as_second());
        assert_eq!(all[1].evidence, ["10.0 % of the licensed people use it on a day; 50 % is good"]);
        assert_eq!(all[0].worth.cents(), 40_000);
    }

    #[test]
    fn a122_what_was_dismissed_for_a_cause_is_not_repeated_inside_the_window() {
        let story = troubled("a", 100);
        let mut replies = Replies::default();
        let by = PersonId::new("kim").unwrap();
        let verdict =
            |day: i64, accepted| Verdict { at: days(day).as_second(), accepted, by: by.clone(), cause: "known".into() };
        replies.say(Action::Recover, verdict(10, false));
        let has = |replies: &Replies, day| look(&[(&story, replies)], day).iter().any(|one| one.1 == Action::Recover);
        assert!(!has(&replies, 10) && !has(&replies, 39));
        assert!(has(&replies, 40), "the window is over");
        replies.say(Action::Recover, verdict(50, true));
        assert!(!has(&replies, 60), "somebody has it");
        assert_eq!(replies.counts[&Action::Recover], (1, 1));
        assert!(look(&[(&story, &replies)], 60).iter().any(|one| one.1 == Action::RaiseAdoption), "the others stay");
    }
}

//! Support cases, mirrored from the news about them.
//!
//! A case is a function of the set of its news: any order, batching or repetition of the same news gives the same case,
//! byte for byte. The latest news (by time; of the same time, by how far the case has come) says what the case is now.

use crate::id::{CaseId, CategoryId, SignalId, SourceId};
use crate::priority::Priority;
use crate::signal::{About, CaseStatus, Channel, Detail, Severity, Signal};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The most news of a case that is kept: the first, and the latest of the rest.
pub const MAX_NEWS: usize = 500;

/// One thing that a ticketing system said about a case. Ordered by time, then by how far the case has come.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct News {
    /// When it was so.
    pub at: Timestamp,
    /// Where the case was.
    pub status: CaseStatus,
    /// How bad it was.
    pub severity: Severity,
    /// The system that says it.
    pub source: SourceId,
    /// What that system calls the news.
    pub id: SignalId,
    /// What more is said of it.
    #[serde(default, skip_serializing_if = "About::is_nothing")]
    pub about: About,
}

impl News {
    /// What a signal says of a case, if it speaks of one.
    pub fn of(signal: &Signal) -> Option<(CaseId, Self)> {
        let Detail::Case { case, severity, status, about } = &signal.detail else { return None };
        let news = Self {
            at: signal.at,
            status: *status,
            severity: *severity,
            source: signal.source.clone(),
            id: signal.id.clone(),
            about: about.clone(),
        };
        Some((case.clone(), news))
    }
}

/// A support case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Case {
    /// The ticketing system's name for it.
    pub id: CaseId,
    news: BTreeSet<News>,
}

/// What news did to a case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum CaseChange {
    /// The case was not known before.
    Opened {
        /// The news that made it known.
        news: News,
    },
    /// Something new is known of it, about now or about earlier.
    Changed {
        /// What is new.
        news: News,
    },
}

/// A stretch of time; without an end it goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stretch {
    /// Its first moment.
    pub from: Timestamp,
    /// The first moment after it.
    pub until: Option<Timestamp>,
}

impl Case {
    /// A case by the first news of it.
    pub fn new(id: CaseId, news: News) -> (Self, CaseChange) {
        (Self { id, news: BTreeSet::from([news.clone()]) }, CaseChange::Opened { news })
    }

    /// Takes news in. Nothing where it is known already or too old to be kept.
    pub fn record(&mut self, news: News) -> Option<CaseChange> {
        // A source that says two things under one name: the greater stands, whichever came first.
        let named_alike =
            self.news.iter().find(|known| (known.at, &known.source, &known.id) == (news.at, &news.source, &news.id));
        match named_alike.cloned() {
            Some(known) if known >= news => return None,
            Some(known) => drop(self.news.take(&known)),
            None => {}
        }
        self.news.insert(news.clone());
        if self.news.len() > MAX_NEWS
            && let Some(oldest_but_first) = self.news.iter().nth(1).cloned()
        {
            self.news.remove(&oldest_but_first);
        }
        self.news.contains(&news).then_some(CaseChange::Changed { news })
    }

    /// All that is known, in the order of time.
    pub fn news(&self) -> impl DoubleEndedIterator<Item = &News> {
        self.news.iter()
    }

    fn latest(&self) -> Option<&News> {
        self.news.last()
    }

    /// When the customer opened it: the earliest that is known of it.
    pub fn opened_at(&self) -> Timestamp {
        self.news.first().map_or(Timestamp::MIN, |news| news.at)
    }

    /// How bad it is now.
    pub fn severity(&self) -> Severity {
        self.latest().map_or(Severity::Low, |news| news.severity)
    }

    /// Where it is now.
    pub fn status(&self) -> CaseStatus {
        self.latest().map_or(CaseStatus::Opened, |news| news.status)
    }

    /// When somebody first answered: whatever follows the opening is an answer.
    pub fn responded_at(&self) -> Option<Timestamp> {
        self.news().find(|news| news.status != CaseStatus::Opened).map(|news| news.at)
    }

    /// Since when it is solved, if it is.
    pub fn resolved_at(&self) -> Option<Timestamp> {
        let solved = self.news().rev().take_while(|news| news.status == CaseStatus::Resolved);
        solved.last().map(|news| news.at)
    }

    /// By which way it was opened, if that was said.
    pub fn opened_by(&self) -> Option<Channel> {
        self.news.first().and_then(|news| news.about.channel)
    }

    /// By which way it is spoken of now: it is one case whichever ways it goes.
    pub fn channel(&self) -> Option<Channel> {
        self.news().rev().find_map(|news| news.about.channel)
    }

    /// What it is about, as was said last.
    pub fn category(&self) -> Option<&CategoryId> {
        self.news().rev().find_map(|news| news.about.category.as_ref())
    }

    /// Its impact and urgency, where the latest news give them instead of a severity.
    pub fn priority(&self) -> Option<Priority> {
        self.latest().and_then(|news| news.about.priority)
    }

    /// How often it went from one who works on it to another.
    pub fn handoffs(&self) -> u32 {
        let assignees: Vec<_> = self.news().filter_map(|news| news.about.assignee.as_ref()).collect();
        let changes = assignees.windows(2).filter(|pair| matches!(pair, [before, after] if before != after));
        u32::try_from(changes.count()).unwrap_or(u32::MAX)
    }

    /// When the customer, who was waited for, waited for the next answer: in order, only the last one open.
    pub fn awaiting(&self) -> Vec<Stretch> {
        let (mut all, mut waited): (Vec<Stretch>, bool) = (Vec::new(), false);
        for news in self.news() {
            match (news.status, all.last_mut()) {
                (CaseStatus::InProgress, _) if waited => all.push(Stretch { from: news.at, until: None }),
                // Opened again is no answer, and neither is more work.
                (CaseStatus::InProgress | CaseStatus::Opened, _) | (_, None) => {}
                (_, Some(stretch)) => stretch.until = stretch.until.or(Some(news.at)),
            }
            waited = news.status == CaseStatus::WaitingOnCustomer;
        }
        all
    }

    /// When it waited on the customer.
    pub fn waiting(&self) -> Vec<Stretch> {
        self.stretches(|status| status == CaseStatus::WaitingOnCustomer)
    }

    /// When nobody had to work on it: it waited on the customer, or was solved and came back later.
    pub fn resting(&self) -> Vec<Stretch> {
        self.stretches(|status| matches!(status, CaseStatus::WaitingOnCustomer | CaseStatus::Resolved))
    }

    fn stretches(&self, inside: impl Fn(CaseStatus) -> bool) -> Vec<Stretch> {
        let mut stretches: Vec<Stretch> = Vec::new();
        for news in self.news() {
            let open = stretches.last_mut().filter(|stretch| stretch.until.is_none());
            match (open, inside(news.status)) {
                (None, true) => stretches.push(Stretch { from: news.at, until: None }),
                (Some(stretch), false) => stretch.until = Some(news.at),
                _ => {}
            }
        }
        stretches
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + seconds).unwrap()
    }

    fn news(seconds: i64, status: CaseStatus, severity: Severity, id: &str) -> News {
        News {
            at: at(seconds),
            status,
            severity,
            source: SourceId::new("desk").unwrap(),
            id: SignalId::new(id).unwrap(),
            about: About::default(),
        }
    }

    fn case(all: &[News]) -> Case {
        let (mut case, _) = Case::new(CaseId::new("c-1").unwrap(), all[0].clone());
        for news in &all[1..] {
            case.record(news.clone());
        }
        case
    }

    #[test]
    fn the_latest_news_says_what_a_case_is_now() {
        let case = case(&[
            news(60, CaseStatus::Responded, Severity::High, "b"),
            news(0, CaseStatus::Opened, Severity::Medium, "a"),
            news(300, CaseStatus::InProgress, Severity::High, "d"),
            news(120, CaseStatus::WaitingOnCustomer, Severity::High, "c"),
        ]);
        assert_eq!(case.opened_at(), at(0));
        assert_eq!((case.severity(), case.status()), (Severity::High, CaseStatus::InProgress));
        assert_eq!(case.responded_at(), Some(at(60)));
        assert_eq!(case.waiting(), [Stretch { from: at(120), until: Some(at(300)) }]);
        assert_eq!(case.resolved_at(), None);
    }

    #[test]
    fn a_case_that_comes_back_is_not_resolved() {
        let mut case =
            case(&[news(0, CaseStatus::Opened, Severity::Low, "a"), news(9, CaseStatus::Resolved, Severity::Low, "b")]);
        assert_eq!(case.resolved_at(), Some(at(9)));
        case.record(news(20, CaseStatus::InProgress, Severity::Low, "c"));
        assert_eq!(case.resolved_at(), None);
        assert_eq!(case.resting(), [Stretch { from: at(9), until: Some(at(20)) }]);
        assert_eq!(case.waiting(), []);
    }

    #[test]
    fn a95_one_case_goes_from_channel_to_channel_and_counts_its_hand_offs() {
        let said = |seconds, channel, assignee: Option<&str>| {
            let mut news = news(seconds, CaseStatus::InProgress, Severity::High, &format!("n{seconds}"));
            news.about.channel = channel;
            news.about.assignee = assignee.map(|name| crate::id::PersonId::new(name).unwrap());
            news
        };
        let case = case(&[
            said(0, Some(Channel::Email), Some("ada")),
            said(10, None, None),
            said(20, Some(Channel::Chat), Some("bob")),
            said(30, None, Some("bob")),
            said(40, None, Some("ada")),
        ]);
        assert_eq!((case.opened_by(), case.channel()), (Some(Channel::Email), Some(Channel::Chat)));
        assert_eq!(case.handoffs(), 2);
        let text = serde_json::to_string(&case).unwrap();
        assert_eq!(serde_json::from_str::<Case>(&text).unwrap(), case);
    }

    #[test]
    fn a_customer_who_comes_back_waits_until_the_next_answer() {
        use CaseStatus::{InProgress, Opened, Responded, WaitingOnCustomer};
        let all = [Opened, Responded, WaitingOnCustomer, InProgress, InProgress, Responded, InProgress];
        let news = |count: usize| -> Vec<News> {
            let all = all.iter().take(count).zip(0..);
            all.map(|(status, minute)| news(minute * 60, *status, Severity::Low, &format!("n{minute}"))).collect()
        };
        let awaiting = |count| case(&news(count)).awaiting();
        assert_eq!(awaiting(3), []);
        assert_eq!(awaiting(5), [Stretch { from: at(180), until: None }]);
        assert_eq!(awaiting(7), [Stretch { from: at(180), until: Some(at(300)) }]);
    }

    #[test]
    fn news_that_is_known_changes_nothing() {
        let mut case = case(&[news(0, CaseStatus::Opened, Severity::Low, "a")]);
        let before = case.clone();
        assert_eq!(case.record(news(0, CaseStatus::Opened, Severity::Low, "a")), None);
        assert_eq!(case, before);
    }

    #[test]
    fn a_case_does_not_grow_without_end_and_keeps_its_opening() {
        let mut case = case(&[news(0, CaseStatus::Opened, Severity::Low, "first")]);
        for minute in 1..=600 {
            case.record(news(minute * 60, CaseStatus::InProgress, Severity::Low, &format!("n{minute}")));
        }
        assert_eq!(case.news().count(), MAX_NEWS);
        assert_eq!(case.opened_at(), at(0));
        assert_eq!(case.record(news(61, CaseStatus::InProgress, Severity::Low, "late")), None, "too old to be kept");
    }

    fn any_news() -> impl Strategy<Value = News> {
        let status = prop::sample::select(vec![
            CaseStatus::Opened,
            CaseStatus::Responded,
            CaseStatus::WaitingOnCustomer,
            CaseStatus::InProgress,
            CaseStatus::Resolved,
        ]);
        let severity = prop::sample::select(vec![Severity::Critical, Severity::High, Severity::Medium, Severity::Low]);
        (0..6_i64, status, severity, 0..4_u8)
            .prop_map(|(at, status, severity, id)| news(at, status, severity, &format!("n{id}")))
    }

    proptest! {
        #[test]
        fn any_order_of_the_same_news_gives_the_same_case(
            (all, shuffled) in prop::collection::vec(any_news(), 1..20).prop_flat_map(|all| (Just(all.clone()), Just(all).prop_shuffle()))
        ) {
            let (one, other) = (case(&all), case(&shuffled));
            prop_assert_eq!(serde_json::to_string(&one).unwrap(), serde_json::to_string(&other).unwrap());
        }
    }
}

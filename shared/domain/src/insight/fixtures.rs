//! Stories for tests.

use crate::account::{LifecycleStage, Money, Segment};
use crate::band::Band;
use crate::case::{Case, News as CaseNews};
use crate::fixed::Quantity;
use crate::id::{AccountId, CaseId, CategoryId, PersonId, SignalId, SourceId};
use crate::signal::{About, CaseStatus, Channel, Metric, Severity};
use crate::story::{CaseView, Description, Measures, News, Story};
use jiff::Timestamp;
use proptest::prelude::*;
use std::collections::BTreeMap;

/// The start of all of them: 2026-01-01.
pub(crate) const START: i64 = 1_767_225_600;

pub(crate) fn hours(hours: i64) -> Timestamp {
    Timestamp::from_second(START + hours * 3_600).unwrap()
}

pub(crate) fn days(days: i64) -> Timestamp {
    hours(days * 24)
}

pub(crate) fn described(stage: LifecycleStage, segment: Segment, dollars: i64) -> Description {
    Description { stage, segment, arr: Money::from_cents(dollars * 100), renewal_on: None, owner: None }
}

pub(crate) fn story(name: &str, segment: Segment, dollars: i64) -> Story {
    let mut story = Story::new(AccountId::new(name).unwrap());
    story.apply(days(0), News::Described(described(LifecycleStage::Steady, segment, dollars)));
    story
}

pub(crate) fn staged(name: &str, stages: &[(i64, LifecycleStage)]) -> Story {
    let mut story = Story::new(AccountId::new(name).unwrap());
    for (day, stage) in stages {
        story.apply(days(*day), News::Described(described(*stage, Segment::MidMarket, 100)));
    }
    story
}

pub(crate) fn any_stage() -> impl Strategy<Value = LifecycleStage> {
    use LifecycleStage::{Churned, Expansion, Onboarding, Optimization, Steady};
    prop::sample::select(vec![Onboarding, Expansion, Optimization, Steady, Churned])
}

pub(crate) fn any_stages() -> impl Strategy<Value = Vec<(i64, LifecycleStage)>> {
    prop::collection::vec((0_i64..200, any_stage()), 0..10)
}

pub(crate) fn any_band() -> impl Strategy<Value = Band> {
    prop::sample::select(Band::ALL.to_vec())
}

/// A case by the hour of each of its news.
pub(crate) fn case(name: &str, about: &About, news: &[(i64, CaseStatus)]) -> Case {
    let one = |(number, (hour, status)): (usize, &(i64, CaseStatus))| CaseNews {
        at: hours(*hour),
        status: *status,
        severity: Severity::High,
        source: SourceId::new("desk").unwrap(),
        id: SignalId::new(format!("{number}")).unwrap(),
        about: about.clone(),
    };
    let mut all = news.iter().enumerate().map(one);
    let (mut case, _) = Case::new(CaseId::new(name).unwrap(), all.next().unwrap());
    all.for_each(|news| drop(case.record(news)));
    case
}

pub(crate) fn about(channel: Option<Channel>, category: Option<&str>, assignee: Option<&str>) -> About {
    About {
        channel,
        priority: None,
        category: category.map(|name| CategoryId::new(name).unwrap()),
        assignee: assignee.map(|name| PersonId::new(name).unwrap()),
    }
}

pub(crate) fn with_case(story: &mut Story, case: &Case) {
    let view = CaseView::of(case);
    story.apply(Timestamp::from_second(START).unwrap(), News::Case(case.id.clone(), view));
}

pub(crate) fn any_about() -> impl Strategy<Value = About> {
    let channel = prop::option::of(prop::sample::select(Channel::ALL.to_vec()));
    let name = |names: &[&'static str]| prop::option::of(prop::sample::select(names.to_vec()));
    (channel, name(&["network", "billing"]), name(&["ann", "bob", "cy"]))
        .prop_map(|(channel, category, assignee)| about(channel, category, assignee))
}

pub(crate) fn any_case_news() -> impl Strategy<Value = Vec<(i64, CaseStatus)>> {
    use CaseStatus::{InProgress, Opened, Resolved, Responded, WaitingOnCustomer};
    let status = prop::sample::select(vec![Opened, Responded, WaitingOnCustomer, InProgress, Resolved]);
    prop::collection::vec((0_i64..24 * 60, status), 1..8)
}

pub(crate) fn measures(values: &[(Metric, &str)]) -> Measures {
    Measures {
        as_of: crate::day::Day::of(days(0)),
        licensed_on: None,
        first_use: None,
        values: values.iter().map(|(metric, value)| (*metric, value.parse::<Quantity>().unwrap())).collect(),
        answers: BTreeMap::new(),
    }
}

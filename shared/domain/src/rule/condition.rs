//! Conditions: a tree of typed questions about an account. Its depth and size have limits, so that every evaluation ends
//! soon; a condition of a [`super::RuleSet`] is within them.

use super::facts::Facts;
use super::leaf::{
    AboveUsual, Absent, AverageBelow, Bounds, Changed, CompetitorSeen, Counted, Dates, Declined, Measure, Score,
    Season, Sustained, Trend, Unusual, Value, Weekday,
};
use super::look::verdict_of;
use super::verdict::Verdict;
use crate::account::{LifecycleStage, Segment};
use crate::band::Band;
use crate::id::{AccountId, PersonId};
use serde::Serialize;
use std::collections::BTreeSet;

/// How deep conditions may be nested.
pub const MAX_DEPTH: usize = 8;
/// How many conditions one operator may hold, and how many names one may list.
pub const MAX_WIDTH: usize = 32;
/// How many questions one condition may ask in all.
pub const MAX_LEAVES: usize = 64;

/// A question about an account that is answered with true, false or unknown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// Every one is true.
    All(Vec<Condition>),
    /// At least one is true.
    Any(Vec<Condition>),
    /// It is false.
    Not(Box<Condition>),
    /// So many are true, of what was seen within the last days where a window is given.
    AtLeast(AtLeast),
    /// A daily value fell, with the season removed.
    Declined(Declined),
    /// Events happened so often.
    Counted(Counted),
    /// The mean of answers is too low.
    AverageBelow(AverageBelow),
    /// Values go down, more than chance would have it.
    TrendsDown(Trend),
    /// Values go up, more than chance would have it.
    TrendsUp(Trend),
    /// Values are above what is usual for this account.
    AboveUsual(AboveUsual),
    /// Values are far from what is usual for this account.
    Unusual(Unusual),
    /// A competitor was seen, and that still counts.
    CompetitorSeen(CompetitorSeen),
    /// Nothing was reported for so many days.
    Absent(Absent),
    /// What the last days amount to lies between limits.
    Value(Value),
    /// The mean daily value rose or fell.
    Changed(Changed),
    /// A value lay between limits day after day.
    Sustained(Sustained),
    /// The score, or one of a dimension, lies between limits.
    Score(Score),
    /// A measure of the health lies between limits.
    Measure(Measure),
    /// The account came down into this band and is in it.
    BandEntered(Band),
    /// The account left this band for the one in which it is.
    BandLeft(Band),
    /// The account is in this band or a lower one.
    BandAtMost(Band),
    /// The account is in this band or a higher one.
    BandAtLeast(Band),
    /// The account is of one of these segments.
    Segment(BTreeSet<Segment>),
    /// The account is in one of these stages.
    Stage(BTreeSet<LifecycleStage>),
    /// The annual recurring revenue lies between limits, in the tenant's currency.
    Arr(Bounds),
    /// The days until the contract ends lie between limits; negative after its end.
    DaysToRenewal(Bounds),
    /// It is known when the contract ends, or it is not.
    HasRenewalDate(bool),
    /// Somebody looks after the account, or nobody does.
    HasOwner(bool),
    /// One of these people looks after the account.
    Owner(BTreeSet<PersonId>),
    /// The account is one of these.
    Account(BTreeSet<AccountId>),
    /// People call the account by one of these names.
    Named(BTreeSet<String>),
    /// Today is one of these days of the week, in UTC.
    Weekday(BTreeSet<Weekday>),
    /// Today is in this part of the year, in UTC.
    Season(Season),
    /// Today is one of these days, in UTC.
    Dates(Dates),
}

/// So many of several conditions, each by what was seen within the last days.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AtLeast {
    /// How many must be true.
    pub count: u32,
    /// What was seen earlier than so many days ago, today counted, is left out.
    pub within_days: Option<u32>,
    /// The conditions.
    pub of: Vec<Condition>,
}

impl Condition {
    /// Answers the question for one account. Who asks many accounts, or many questions, makes a
    /// [`super::RuleSet`], which asks each thing once.
    pub fn evaluate(&self, facts: &Facts<'_>) -> Verdict {
        verdict_of(self, facts)
    }

    /// The conditions that it joins; none where it is a leaf.
    pub(super) fn members(&self) -> Option<&[Self]> {
        match self {
            Self::All(of) | Self::Any(of) => Some(of),
            Self::AtLeast(of) => Some(&of.of),
            Self::Not(of) => Some(std::slice::from_ref(of)),
            _ => None,
        }
    }

    /// Its leaves, in the order in which they are written.
    pub(super) fn leaves(&self) -> Vec<&Self> {
        match self.members() {
            Some(members) => members.iter().flat_map(Self::leaves).collect(),
            None => vec![self],
        }
    }
}

/// A number of days as the calendar takes it; a rule's days are at most [`super::MAX_DAYS`].
pub(super) fn days(days: u32) -> i32 {
    i32::try_from(days).unwrap_or(i32::MAX)
}

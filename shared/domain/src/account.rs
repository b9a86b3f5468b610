//! An account: a customer of the tenant, as the CRM describes it.

use crate::contact::Wishes;
use crate::day::Day;
use crate::id::{AccountId, PersonId};
use serde::{Deserialize, Serialize};

/// An amount of money in the tenant's currency, in hundredths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Money(i64);

impl Money {
    /// From hundredths of the currency unit.
    pub const fn from_cents(cents: i64) -> Self {
        Self(cents)
    }

    /// Hundredths of the currency unit.
    pub const fn cents(self) -> i64 {
        self.0
    }
}

/// Which kind of customer: decides the scorecard, the support tier and the route of an escalation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Segment {
    /// The largest customers.
    Enterprise,
    /// Between the two.
    MidMarket,
    /// Small customers.
    SmallBusiness,
}

impl Segment {
    /// All of them, the largest first.
    pub const ALL: [Self; 3] = [Self::Enterprise, Self::MidMarket, Self::SmallBusiness];

    /// The segment's name as it is written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Enterprise => "enterprise",
            Self::MidMarket => "mid_market",
            Self::SmallBusiness => "small_business",
        }
    }
}

/// Where an account is on its way: onboarding (day 1-30), expansion (31-90), optimization (91-180), then steady.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LifecycleStage {
    /// Day 1-30: kick-off, infrastructure, training, pilot migration.
    Onboarding,
    /// Day 31-90: departments, then the whole organisation.
    Expansion,
    /// Day 91-180: performance, ROI validation, production licence.
    Optimization,
    /// After the first 180 days.
    Steady,
    /// No longer a customer.
    Churned,
}

impl LifecycleStage {
    /// The stage's name as it is written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Onboarding => "onboarding",
            Self::Expansion => "expansion",
            Self::Optimization => "optimization",
            Self::Steady => "steady",
            Self::Churned => "churned",
        }
    }
}

/// A customer of the tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// The tenant's name for it.
    pub id: AccountId,
    /// What people call it.
    pub name: String,
    /// Annual recurring revenue.
    pub arr: Money,
    /// Which kind of customer.
    pub segment: Segment,
    /// Where it is on its way.
    pub stage: LifecycleStage,
    /// When the contract ends, if that is known.
    pub renewal_on: Option<Day>,
    /// Who looks after it, if anybody does.
    pub owner: Option<PersonId>,
    /// What it wishes of those who want to reach it.
    #[serde(default, skip_serializing_if = "Wishes::is_none")]
    pub contact: Wishes,
}

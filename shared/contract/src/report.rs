//! The bodies of report's routes.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `GET /performance/live`: what is, as of a moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LivePerformance {
    /// The moment that this speaks of.
    #[schemars(with = "String")]
    pub as_of: Timestamp,
    /// How many accounts there are.
    pub accounts: u64,
    /// How many of them are in each band, the best first; then those with too little data (`provisional`) and those
    /// that were not scored yet (`unscored`).
    pub bands: Vec<BandCount>,
    /// The biggest falls of the last 30 days that have not been made good, the biggest first.
    pub falls: Vec<Fall>,
    /// Open calls to action, the most urgent first.
    pub open_ctas: Vec<OpenCta>,
    /// How many there are in all; the list holds at most 100.
    pub open_cta_count: u64,
    /// Open escalations, the next to breach first.
    pub open_escalations: Vec<OpenEscalation>,
    /// How many there are in all; the list holds at most 100.
    pub open_escalation_count: u64,
    /// The key figures in the order of their registry, each with what it should be.
    pub kpis: Vec<KpiFigure>,
    /// What was found to be unusual in the last seven days, the newest first.
    pub anomalies: Vec<FoundAnomaly>,
    /// Open calls to action that say where an account may grow, the most urgent first.
    pub opportunities: Vec<Opportunity>,
    /// How much of what may fail has failed; nothing before anything was counted.
    pub error_budget: Option<ErrorBudget>,
    /// What became of accounts for which something was begun, beside those for which nothing was.
    pub interventions: InterventionFigures,
}

/// A key figure: computed from recorded facts, never typed in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KpiFigure {
    /// Its name.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// `percent`, `seconds`, `count` or `currency`.
    pub unit: String,
    /// `up` where more is better, `down` where less is.
    pub direction: String,
    /// What it is; nothing where nothing was counted that it could be told from.
    pub value: Option<String>,
    /// What it was before; nothing where nobody has measured it.
    pub baseline: Option<String>,
    /// The level that it should reach; nothing where that hangs on a baseline that nobody has measured.
    pub target: Option<String>,
    /// `met`, `missed`, `no_data` or `no_baseline`.
    pub standing: String,
    /// How many facts or accounts its whole is made of.
    pub counted: u64,
    /// How it follows from what is recorded, or why it cannot be told, in plain words.
    pub means: String,
}

/// Something unusual about an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FoundAnomaly {
    /// Which account.
    pub account: String,
    /// What people call the account.
    pub name: String,
    /// In which metric.
    pub metric: String,
    /// `up` or `down`.
    pub direction: String,
    /// How bad it may be: `critical`, `high`, `medium` or `low`.
    pub severity: String,
    /// When it was found.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// What is unusual, with the numbers, in plain words.
    pub reason: String,
}

/// Where an account may grow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Opportunity {
    /// Which account.
    pub account: String,
    /// What people call the account.
    pub name: String,
    /// The call to action.
    pub cta: String,
    /// Why, in plain words.
    pub reason: String,
    /// The larger, the more urgent.
    pub priority: i64,
    /// What the account pays a year, in hundredths.
    pub arr_cents: i64,
}

/// The error budget of what this deployment answers: what may fail in its days, and what has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ErrorBudget {
    /// The share of answers that should be good, in percent: `99.9`.
    pub target: String,
    /// Over how many days.
    pub window_days: u32,
    /// For how long everything may fail in that time, in seconds.
    pub budget_seconds: u64,
    /// How much of that time is used up.
    pub spent_seconds: u64,
    /// The share of the budget that is left, in one; less than nothing where the promise is broken.
    pub remaining_share: String,
    /// How many times faster than evenly the budget was used up in the last hour; nothing where nobody asked anything.
    pub burn_rate_1h: Option<String>,
    /// The first hour that was counted; what was before is not known.
    #[schemars(with = "String")]
    pub measured_since: Timestamp,
}

/// What became of accounts for which something was begun, beside those that an experiment holds out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct InterventionFigures {
    /// Within how many days an outcome counts.
    pub window_days: u32,
    /// Risks for which something was begun, and whose days are over.
    pub judged: u64,
    /// How many of these accounts rose to a better band in those days and stayed customers.
    pub succeeded: u64,
    /// Accounts that were held out, and whose days are over.
    pub held_out: u64,
    /// How many of them rose all the same.
    pub held_out_succeeded: u64,
    /// What is begun and not yet to be judged.
    pub pending: u64,
}

/// `GET /performance/history`: the accounts by band at the end of each week, the oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PerformanceHistory {
    /// The moment that this speaks of.
    #[schemars(with = "String")]
    pub as_of: Timestamp,
    /// The weeks. The last one is the current one, as it is now.
    pub weeks: Vec<WeekOfBands>,
}

/// The accounts by band at the end of a week.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WeekOfBands {
    /// The week's Sunday; of the current week, today.
    pub on: String,
    /// How many accounts were in each band, in the order of `GET /performance/live`.
    pub bands: Vec<BandCount>,
}

/// `GET /roi`: what customer success costs and brings a year, with what both are assumed from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RoiAnswer {
    /// The moment of the answer.
    #[schemars(with = "String")]
    pub as_of: Timestamp,
    /// What people cost.
    pub team: Vec<RoiLine>,
    /// What tools and operations cost.
    pub technology: Vec<RoiLine>,
    /// What it brings.
    pub benefits: Vec<RoiLine>,
    /// What people cost in all, in hundredths.
    pub team_cents: i64,
    /// What tools and operations cost in all, in hundredths.
    pub technology_cents: i64,
    /// Both.
    pub cost_cents: i64,
    /// What it brings in all, in hundredths.
    pub benefit_cents: i64,
    /// Benefits for the cost, in percent; nothing without a cost.
    pub gross_percent: Option<String>,
    /// What is left of the benefits after the cost, for the cost, in percent.
    pub net_percent: Option<String>,
    /// The lines to which nobody has put a number: they are in no sum.
    pub not_counted: Vec<String>,
}

/// A line of costs or benefits a year.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RoiLine {
    /// Its name: a query of the same name puts another amount in its place.
    pub id: String,
    /// What it is.
    pub name: String,
    /// How much a year, in hundredths; nothing where nobody has put a number to it.
    pub amount_cents: Option<i64>,
    /// What the amount is assumed from.
    pub assumption: String,
}

/// `GET /revenue`: what customers pay, how that moved, who stayed, and what is to be renewed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RevenueAnswer {
    /// The moment that this speaks of.
    #[schemars(with = "String")]
    pub as_of: Timestamp,
    /// What moved from the end of this day …
    pub from: String,
    /// … to the end of this one.
    pub until: String,
    /// What moved.
    pub movements: RevenueMovements,
    /// Gross revenue retention, in percent; nothing without revenue at the beginning.
    pub gross_retention_percent: Option<String>,
    /// Net revenue retention, in percent.
    pub net_retention_percent: Option<String>,
    /// The share of customers that stayed, in percent.
    pub logo_retention_percent: Option<String>,
    /// Customers by the month in which they started, the oldest first.
    pub cohorts: Vec<RevenueCohort>,
    /// What is to be renewed, by months, the next first.
    pub renewals: RenewalForecast,
}

/// What moved between the ends of two days, in hundredths a year. `start + new + returned + expansion − contraction − churn`
/// is `end`, to the cent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RevenueMovements {
    /// What was paid at the beginning.
    pub start_cents: i64,
    /// From customers who had never paid before.
    pub new_cents: i64,
    /// From customers who had left before the beginning.
    pub returned_cents: i64,
    /// By how much those who were there at the beginning pay more.
    pub expansion_cents: i64,
    /// By how much they pay less and stay.
    pub contraction_cents: i64,
    /// What those paid who left.
    pub churn_cents: i64,
    /// What is paid at the end.
    pub end_cents: i64,
    /// How many customers there were at the beginning.
    pub customers: u64,
    /// How many of them left.
    pub left: u64,
}

/// Customers who started in the same month.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RevenueCohort {
    /// The first day of that month.
    pub month: String,
    /// How many started.
    pub customers: u64,
    /// What there was of them at the end of each later month that is over.
    pub ages: Vec<CohortAge>,
}

/// What there is of a cohort after some months.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CohortAge {
    /// How many months after the one of the start.
    pub months: u32,
    /// The share of customers that are still there, in percent.
    pub logo_percent: Option<String>,
    /// The share of revenue that stayed, growth left out, in percent.
    pub gross_percent: Option<String>,
    /// With growth.
    pub net_percent: Option<String>,
}

/// What is to be renewed in the next months, and how much of it is expected to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RenewalForecast {
    /// How many renewals in the past it is learned from.
    pub outcomes: u64,
    /// With fewer, nothing is expected.
    pub least_outcomes: u64,
    /// How sure the intervals are, in percent.
    pub interval_percent: u32,
    /// The months, the current one first; those without a renewal are left out.
    pub months: Vec<RenewalMonth>,
    /// What it would have said of the past: each month as it would have been foretold from those before.
    pub backtest: RenewalBacktest,
}

/// What is to be renewed in a month.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RenewalMonth {
    /// The first day of the month.
    pub month: String,
    /// How many accounts are to renew.
    pub accounts: u64,
    /// What they pay a year, in hundredths.
    pub due_cents: i64,
    /// How much of it is expected to stay; nothing where too few renewals are known.
    pub expected_cents: Option<i64>,
    /// The lower end of the interval.
    pub low_cents: Option<i64>,
    /// The upper end of the interval.
    pub high_cents: Option<i64>,
}

/// What a forecast would have said of the past.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RenewalBacktest {
    /// How many months could be foretold.
    pub months: u64,
    /// In how many of them what came lay in the interval.
    pub inside: u64,
    /// The mean difference between what was foretold and what came, in percent of what was due.
    pub mean_error_percent: Option<String>,
}

/// How many accounts are in a band.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BandCount {
    /// The band.
    pub band: String,
    /// How many.
    pub accounts: u64,
}

/// An account whose score fell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Fall {
    /// Which account.
    pub account: String,
    /// What people call it.
    pub name: String,
    /// The band that it is in now.
    pub band: String,
    /// Its score now.
    pub score: String,
    /// How many points it fell.
    pub fell: String,
    /// When it came down.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// Why, the largest part first.
    pub reasons: Vec<String>,
}

/// An open call to action.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OpenCta {
    /// Which one.
    pub cta: String,
    /// The account.
    pub account: String,
    /// What people call the account.
    pub name: String,
    /// The rule that opened it.
    pub rule: String,
    /// Why.
    pub reason: String,
    /// The larger, the more urgent.
    pub priority: i64,
    /// Who has it, if anybody.
    pub owner: Option<String>,
    /// When it was opened.
    #[schemars(with = "String")]
    pub opened_at: Timestamp,
    /// When it is due.
    #[schemars(with = "String")]
    pub due_at: Timestamp,
}

/// An open escalation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OpenEscalation {
    /// Which one.
    pub escalation: String,
    /// The account.
    pub account: String,
    /// What people call the account.
    pub name: String,
    /// `critical`, `high`, `medium` or `low`.
    #[schemars(with = "String")]
    pub severity: domain::signal::Severity,
    /// `open` or `acknowledged`.
    pub status: String,
    /// The role that was told last.
    pub role: String,
    /// Why.
    pub reason: String,
    /// When it was opened.
    #[schemars(with = "String")]
    pub opened_at: Timestamp,
    /// When its next clock runs out, if one runs.
    #[schemars(with = "Option<String>")]
    pub breach_at: Option<Timestamp>,
    /// Seconds from `as_of` to that; negative once it is breached.
    pub seconds_to_breach: Option<i64>,
}

/// One line of `GET /accounts/{id}/timeline`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TimelineEntry {
    /// When it happened.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// The fact's name.
    pub fact: String,
    /// In plain words.
    pub text: String,
    /// The event.
    pub event_id: String,
    /// One id from the first request to the last effect.
    pub correlation_id: String,
}

/// `GET /accounts/{id}/timeline`, the newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Timeline {
    /// Which account.
    pub account: String,
    /// The moment that this speaks of.
    #[schemars(with = "String")]
    pub as_of: Timestamp,
    /// What happened.
    pub entries: Vec<TimelineEntry>,
    /// Give this as `cursor` for the next page; absent on the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// `GET /health` and `GET /ready`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Status {
    /// `ok` or `unavailable`.
    pub status: String,
    /// What was looked at, each `ok` or the reason why not.
    pub checks: std::collections::BTreeMap<String, String>,
}

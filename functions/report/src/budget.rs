//! How doors answered: the error budget of the last thirty days, and who used what is here.

use contract::report::ErrorBudget;
use domain::day::{Day, SECONDS};
use domain::fixed::{ONE, Quantity};
use domain::id::{PersonId, TenantId};
use domain::kpi::ratio;
use domain::reliability::{Counted, Objective};
use jiff::{SignedDuration, Timestamp};
use platform::answers::{Answers, Hour};
use platform::function::Ports;
use platform::keys;
use platform::table::{self, Range, TableError};
use std::collections::{BTreeMap, BTreeSet};

/// How every function answered a tenant lately.
#[derive(Debug, Default)]
pub struct Doors {
    /// By the first moment of each hour.
    hours: BTreeMap<Timestamp, Hour>,
    /// Who was answered, by day.
    pub people: BTreeMap<Day, BTreeSet<PersonId>>,
}

impl Doors {
    /// Reads what is recorded of the objective's days.
    pub async fn read(ports: &Ports, tenant: &TenantId, now: Timestamp) -> Result<Self, TableError> {
        let first = Day::of(now).plus(-i32::try_from(Objective::default().days).unwrap_or(i32::MAX));
        let mut range = Range::prefix(keys::answers_partition(tenant), "");
        range.first = first.to_string();
        let mut doors = Self::default();
        for item in table::query_all(ports.table.as_ref(), range).await? {
            let day = item.key.sk.split('#').next().and_then(|day| day.parse().ok());
            let Some(day) = day else { continue };
            doors.add(day, &table::read(&item)?);
        }
        Ok(doors)
    }

    fn add(&mut self, day: Day, answers: &Answers) {
        for (hour, counted) in &answers.hours {
            let Ok(at) = day.start().checked_add(SignedDuration::from_hours(i64::from(*hour))) else { continue };
            let known = self.hours.entry(at).or_default();
            known.good = known.good.saturating_add(counted.good);
            known.bad = known.bad.saturating_add(counted.bad);
        }
        self.people.entry(day).or_default().extend(answers.people.iter().cloned());
    }

    /// How the budget stands; nothing before anything was counted.
    pub fn budget(&self, now: Timestamp) -> Option<ErrorBudget> {
        let objective = Objective::default();
        let first = now.checked_sub(SignedDuration::from_secs(i64::from(objective.days) * SECONDS)).ok()?;
        let hour = SignedDuration::from_hours(1);
        // An hour is counted while any of it lies inside.
        let since = |moment: Timestamp| self.hours.iter().filter(move |(at, _)| **at + hour > moment);
        let (measured_since, _) = since(first).next()?;
        let budget = objective.budget(sum(since(first).map(|(_, hour)| hour)));
        let used = budget.used.unwrap_or_default();
        let spent = i128::from(budget.seconds) * i128::from(used.micros()) / i128::from(ONE);
        Some(ErrorBudget {
            target: Quantity::from_micros(objective.good_micros * 100).to_string(),
            window_days: objective.days,
            budget_seconds: budget.seconds,
            spent_seconds: u64::try_from(spent).unwrap_or_default(),
            remaining_share: Quantity::whole(1).minus(used).to_string(),
            burn_rate_1h: objective.burn(sum(since(now - hour).map(|(_, hour)| hour))).map(|burn| burn.to_string()),
            measured_since: *measured_since,
        })
    }
}

fn sum<'a>(hours: impl Iterator<Item = &'a Hour>) -> Counted {
    hours.fold(Counted::default(), |sum, hour| {
        let more = hour.counted();
        Counted { valid: sum.valid.saturating_add(more.valid), good: sum.good.saturating_add(more.good) }
    })
}

/// The share of people who did anything on a working day, in percent: the mean of the working days from the first on which
/// anybody did, of those before today. With how many people there are: who did anything in these days, and who looks after
/// an account.
pub fn daily_adoption(
    seen: &BTreeMap<Day, BTreeSet<PersonId>>,
    owners: &BTreeSet<PersonId>,
    today: Day,
) -> Option<(Quantity, u64)> {
    let days: Vec<(Day, &BTreeSet<PersonId>)> =
        seen.range(today.plus(-ADOPTION_DAYS)..today).map(|(day, people)| (*day, people)).collect();
    let (first, _) = days.first()?;
    let is_workday = |day: Day| day.weekday() < 5;
    let workdays = (0..today.since(*first)).filter(|days| is_workday(first.plus(*days))).count() as u64;
    let team: BTreeSet<&PersonId> = days.iter().flat_map(|(_, people)| people.iter()).chain(owners).collect();
    let used: usize = days.iter().filter(|(day, _)| is_workday(*day)).map(|(_, people)| people.len()).sum();
    let share = ratio(used as u64, workdays.saturating_mul(team.len() as u64), 100)?;
    Some((share, team.len() as u64))
}

/// Over how many days the use by people is told.
const ADOPTION_DAYS: i32 = 30;

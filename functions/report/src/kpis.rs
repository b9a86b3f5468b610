//! The key figures as they stand: counts of the registry's months, and what the portfolio is, from its rows.

use crate::budget::{self, Doors};
use crate::renewals;
use contract::report::{InterventionFigures, KpiFigure};
use domain::band::Band;
use domain::day::{Day, SECONDS};
use domain::fixed::Quantity;
use domain::id::PersonId;
use domain::kpi::{Counter, Counts, Direction, Given, Known, Kpi, Month, Portfolio, Registry, Standing, ratio};
use domain::portfolio::{Place, Row, Verdict};
use domain::revenue::{Movements, movements, share};
use domain::signal::Metric;
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// Over how many days revenue is told.
const YEAR: i32 = 365;
/// From here on a customer is rather willing than not, in percent.
const RATHER: Quantity = Quantity::whole(50);
/// The role of those who look after customers.
const MANAGER: &str = "customer_success_manager";
/// The most months of which it is known who did anything.
const ACTOR_MONTHS: i32 = 3;

/// The figures at a moment.
pub struct Figures {
    counts: Counts,
    portfolio: Portfolio,
    /// What became of what was begun.
    pub interventions: InterventionFigures,
}

impl Figures {
    /// Adds the rows up.
    pub fn of(rows: &[Row], registry: &Registry, doors: &Doors, now: Timestamp) -> Self {
        let this = Month::of(now);
        let first = this.before(registry.counted_months() - 1);
        let interventions = interventions(rows, registry, first.first_day().start(), now);
        let portfolio = View { rows, registry, doors, interventions: &interventions, now }.portfolio();
        Self { counts: counted(rows, first, this), portfolio, interventions }
    }

    /// What the answer says of each.
    pub fn told(&self, registry: &Registry) -> Vec<KpiFigure> {
        registry.kpis().iter().map(|kpi| self.one(kpi)).collect()
    }

    fn one(&self, kpi: &Kpi) -> KpiFigure {
        let reading = kpi.read(&self.counts, &self.portfolio);
        let text = |value: Option<Quantity>| value.map(|value| value.to_string());
        let direction = match kpi.direction {
            Direction::Up => "up",
            Direction::Down => "down",
        };
        let standing = match reading.standing {
            Standing::Met => "met",
            Standing::Missed => "missed",
            Standing::NoData => "no_data",
            Standing::NoBaseline => "no_baseline",
        };
        KpiFigure {
            id: kpi.id.clone(),
            name: kpi.name.clone(),
            unit: kpi.unit.clone(),
            direction: direction.to_owned(),
            value: text(reading.value),
            baseline: text(kpi.baseline),
            target: text(reading.target),
            standing: standing.to_owned(),
            counted: reading.counted,
            means: kpi.means.clone(),
        }
    }
}

fn counted(rows: &[Row], from: Month, until: Month) -> Counts {
    let mut sum = Counts::default();
    rows.iter().for_each(|row| sum.merge(&row.counted.between(from, until)));
    sum
}

fn interventions(rows: &[Row], registry: &Registry, since: Timestamp, now: Timestamp) -> InterventionFigures {
    let days = registry.intervention_days();
    let mut figures = InterventionFigures {
        window_days: u32::try_from(days).unwrap_or_default(),
        judged: 0,
        succeeded: 0,
        held_out: 0,
        held_out_succeeded: 0,
        pending: 0,
    };
    for row in rows {
        for verdict in row.past.interventions(since, days, now) {
            figures.judged += u64::from(verdict != Verdict::Pending);
            figures.succeeded += u64::from(verdict == Verdict::Succeeded);
            figures.pending += u64::from(verdict == Verdict::Pending);
        }
        for verdict in row.past.without(since, days, now) {
            figures.held_out += u64::from(verdict != Verdict::Pending);
            figures.held_out_succeeded += u64::from(verdict == Verdict::Succeeded);
        }
    }
    figures
}

/// What the figures of the portfolio are told from.
struct View<'a> {
    rows: &'a [Row],
    registry: &'a Registry,
    doors: &'a Doors,
    interventions: &'a InterventionFigures,
    now: Timestamp,
}

impl View<'_> {
    fn portfolio(&self) -> Portfolio {
        let year = movements(self.rows.iter().map(|row| &row.ledger), self.today().plus(-YEAR), self.today());
        let adoption = budget::daily_adoption(&self.seen(), &self.owners(), self.today());
        let figures = [
            (Given::Accounts, Some(self.customers().count() as u64).map(|count| (whole(count), count))),
            (Given::HealthyShare, self.healthy()),
            (Given::GrossRetention, percent(year.gross_retention(), year.customers)),
            (Given::NetRetention, percent(year.net_retention(), year.customers)),
            (Given::LogoRetention, percent(year.logo_retention(), year.customers)),
            (Given::ExpansionRate, percent(share(year.expansion.cents(), year.start.cents()), year.customers)),
            (Given::RenewalRate, self.renewed()),
            (Given::LifetimeValue, self.lifetime_value(&year)),
            (Given::InterventionSuccess, self.success()),
            (Given::InterventionLift, self.lift()),
            (Given::UpsellSuccess, self.upsell()),
            (Given::ExpansionIdentified, self.identified()),
            (Given::AccountsPerCsm, self.accounts_per_manager()),
            (Given::FeatureAdoption, self.mean_of(Metric::FeatureAdoption)),
            (Given::CostSaving, self.mean_of(Metric::CostSaving)),
            (Given::EffortReduction, self.mean_of(Metric::EffortReduction)),
            (Given::References, self.references()),
            (Given::DataQuality, self.part_of(self.customers(), |row| !row.has_unusual_data())),
            (Given::DailyAdoption, adoption),
            (Given::WorkPerDay, self.work_per_day()),
        ];
        let known =
            |(given, figure): (Given, Option<(Quantity, u64)>)| figure.map(|(value, of)| (given, Known { value, of }));
        figures.into_iter().filter_map(known).collect()
    }

    fn today(&self) -> Day {
        Day::of(self.now)
    }

    fn customers(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(|row| !row.has_left())
    }

    fn part_of<'r>(&self, rows: impl Iterator<Item = &'r Row>, is: impl Fn(&Row) -> bool) -> Option<(Quantity, u64)> {
        let (mut part, mut whole) = (0, 0);
        for row in rows {
            whole += 1;
            part += u64::from(is(row));
        }
        Some((ratio(part, whole, 100)?, whole))
    }

    fn healthy(&self) -> Option<(Quantity, u64)> {
        let place = |row: &Row| row.health().map(domain::portfolio::Health::place);
        let banded = self.customers().filter(|row| matches!(place(row), Some(Place::In(_))));
        self.part_of(banded, |row| matches!(place(row), Some(Place::In(Band::Healthy | Band::Champion))))
    }

    fn renewed(&self) -> Option<(Quantity, u64)> {
        let since = self.today().plus(-YEAR);
        let (mut stayed, mut all) = (0, 0);
        for renewal in
            self.rows.iter().flat_map(|row| renewals::past(row, self.today())).filter(|past| past.on >= since)
        {
            all += 1;
            stayed += u64::from(renewal.stayed);
        }
        Some((ratio(stayed, all, 100)?, all))
    }

    /// What a customer pays a year, for the share that leaves in a year.
    fn lifetime_value(&self, year: &Movements) -> Option<(Quantity, u64)> {
        let paying = self.rows.iter().filter(|row| row.ledger.on(self.today()).cents() > 0).count() as u64;
        let pays = u64::try_from(year.end.cents()).ok()?.checked_mul(year.customers)?;
        Some((ratio(pays, paying.checked_mul(year.left)?.checked_mul(100)?, 1)?, paying))
    }

    fn success(&self) -> Option<(Quantity, u64)> {
        let told = self.interventions;
        Some((ratio(told.succeeded, told.judged, 100)?, told.judged))
    }

    fn lift(&self) -> Option<(Quantity, u64)> {
        let told = self.interventions;
        let without = ratio(told.held_out_succeeded, told.held_out, 100)?;
        Some((ratio(told.succeeded, told.judged, 100)?.minus(without), told.held_out))
    }

    fn upsell(&self) -> Option<(Quantity, u64)> {
        let (days, since) = (self.registry.upsell_days(), self.today().plus(-YEAR));
        let (mut grew, mut all) = (0, 0);
        for row in self.rows {
            let found = row.past.opportunities().map(Day::of);
            for on in found.filter(|on| *on >= since && on.plus(days) < self.today()) {
                all += 1;
                grew += u64::from(row.ledger.on(on.plus(days)) > row.ledger.on(on));
            }
        }
        Some((ratio(grew, all, 100)?, all))
    }

    fn identified(&self) -> Option<(Quantity, u64)> {
        let (mut seconds, mut all) = (0, 0);
        for row in self.rows {
            if let (Some(start), Some(found)) = (row.ledger.started(), row.past.first_opportunity()) {
                all += 1;
                seconds += u64::try_from(i64::from(Day::of(found).since(start)) * SECONDS).unwrap_or_default();
            }
        }
        Some((ratio(seconds, all, 1)?, all))
    }

    fn accounts_per_manager(&self) -> Option<(Quantity, u64)> {
        let managers: Vec<&PersonId> = self.customers().filter_map(|row| row.owner(MANAGER)).collect();
        let accounts = managers.len() as u64;
        let managers: BTreeSet<&PersonId> = managers.into_iter().collect();
        Some((ratio(accounts, managers.len() as u64, 1)?, accounts))
    }

    fn mean_of(&self, metric: Metric) -> Option<(Quantity, u64)> {
        let values: Vec<Quantity> = self.customers().filter_map(|row| row.measured(metric)).collect();
        let sum = values.iter().fold(Quantity::ZERO, |sum, value| sum.plus(*value));
        let mean = domain::fixed::divide_half_even(
            sum.micros().into(),
            i128::try_from(values.len()).ok().filter(|all| *all > 0)?,
        );
        Some((Quantity::from_micros(i64::try_from(mean).ok()?), values.len() as u64))
    }

    fn references(&self) -> Option<(Quantity, u64)> {
        let willing = |row: &Row| row.measured(Metric::ReferenceWillingness);
        let said = self.customers().filter(|row| willing(row).is_some());
        self.part_of(said, |row| willing(row).is_some_and(|value| value >= RATHER))
    }

    /// Who looked or acted, by day.
    fn seen(&self) -> BTreeMap<Day, BTreeSet<PersonId>> {
        let mut seen = self.doors.people.clone();
        for (day, people) in self.rows.iter().flat_map(|row| row.actors()) {
            seen.entry(*day).or_default().extend(people.iter().cloned());
        }
        seen
    }

    fn owners(&self) -> BTreeSet<PersonId> {
        self.customers().flat_map(Row::owners).cloned().collect()
    }

    fn work_per_day(&self) -> Option<(Quantity, u64)> {
        let this = Month::of(self.now);
        let first = this.before(self.registry.counted_months().min(ACTOR_MONTHS) - 1);
        let counts = counted(self.rows, first, this);
        let done = [Counter::CtasCarriedOut, Counter::StepsByPeople, Counter::EscalationsResolved];
        let done = done.into_iter().fold(0_u64, |sum, counter| sum.saturating_add(counts.get(counter)));
        let mut days: BTreeMap<Day, BTreeSet<&PersonId>> = BTreeMap::new();
        for (day, people) in self.rows.iter().flat_map(|row| row.actors().range(first.first_day()..)) {
            days.entry(*day).or_default().extend(people);
        }
        let days: usize = days.values().map(BTreeSet::len).sum();
        Some((ratio(done, days as u64, 1)?, days as u64))
    }
}

fn whole(count: u64) -> Quantity {
    Quantity::whole(i32::try_from(count).unwrap_or(i32::MAX))
}

fn percent(share: Option<Quantity>, of: u64) -> Option<(Quantity, u64)> {
    Some((Quantity::from_micros(share?.micros().saturating_mul(100)), of))
}

//! `GET /revenue` and `GET /roi`: what is paid and how that moved, and what customer success costs and brings.

use crate::{live, renewals};
use contract::report::{
    CohortAge, RenewalBacktest, RenewalForecast, RenewalMonth, RevenueAnswer, RevenueCohort, RevenueMovements,
};
use contract::roi::{self, RoiFile};
use domain::account::Money;
use domain::day::Day;
use domain::fixed::Quantity;
use domain::portfolio::Row;
use domain::revenue::{
    self, Age, Cohort, Expected, Forecast, INTERVAL_PERCENT, LEAST_OUTCOMES, Movements, cohorts, movements,
};
use jiff::Timestamp;
use platform::function::Ports;
use platform::http::{Caller, Problem, Request, Response};

/// Over how many days movements are told.
const YEAR: i32 = 365;
/// To how many places shares are told, in percent.
const PLACES: u32 = 2;

/// `GET /revenue`.
pub async fn revenue(ports: &Ports, caller: &Caller) -> Result<Response, Problem> {
    let rows = live::rows(ports, &caller.tenant).await?;
    Response::json(200, &answer(&rows, ports.clock.now()))
}

/// `GET /roi`.
pub fn roi(ports: &Ports, sheet: &RoiFile, request: &Request) -> Result<Response, Problem> {
    let sheet = sheet.clone().with(&request.query);
    let sheet = sheet.map_err(|faults| Problem::invalid("the query is not one that this route takes", faults))?;
    Response::json(200, &sheet.answer(ports.clock.now()))
}

fn answer(rows: &[Row], as_of: Timestamp) -> RevenueAnswer {
    let today = Day::of(as_of);
    let from = today.plus(-YEAR);
    let ledgers = || rows.iter().map(|row| &row.ledger);
    let moved = movements(ledgers(), from, today);
    let past: Vec<_> = rows.iter().flat_map(|row| renewals::past(row, today)).collect();
    let due: Vec<_> = rows.iter().filter_map(|row| renewals::due(row, today)).collect();
    RevenueAnswer {
        as_of,
        from: from.to_string(),
        until: today.to_string(),
        movements: told(&moved),
        gross_retention_percent: percent(moved.gross_retention()),
        net_retention_percent: percent(moved.net_retention()),
        logo_retention_percent: percent(moved.logo_retention()),
        cohorts: cohorts(ledgers(), today).iter().map(cohort).collect(),
        renewals: forecast(&revenue::forecast(&past, &due)),
    }
}

const fn told(moved: &Movements) -> RevenueMovements {
    RevenueMovements {
        start_cents: moved.start.cents(),
        new_cents: moved.new.cents(),
        returned_cents: moved.returned.cents(),
        expansion_cents: moved.expansion.cents(),
        contraction_cents: moved.contraction.cents(),
        churn_cents: moved.churn.cents(),
        end_cents: moved.end.cents(),
        customers: moved.customers,
        left: moved.left,
    }
}

fn cohort(cohort: &Cohort) -> RevenueCohort {
    let age = |age: &Age| CohortAge {
        months: age.months,
        logo_percent: percent(age.logo),
        gross_percent: percent(age.gross),
        net_percent: percent(age.net),
    };
    RevenueCohort {
        month: cohort.month.to_string(),
        customers: cohort.customers,
        ages: cohort.ages.iter().map(age).collect(),
    }
}

fn forecast(forecast: &Forecast) -> RenewalForecast {
    let month = |month: &Expected| RenewalMonth {
        month: month.month.to_string(),
        accounts: month.accounts,
        due_cents: month.due.cents(),
        expected_cents: month.outcome.map(|outcome| Money::cents(outcome.expected)),
        low_cents: month.outcome.map(|outcome| Money::cents(outcome.low)),
        high_cents: month.outcome.map(|outcome| Money::cents(outcome.high)),
    };
    let test = forecast.backtest;
    RenewalForecast {
        outcomes: forecast.outcomes,
        least_outcomes: LEAST_OUTCOMES as u64,
        interval_percent: INTERVAL_PERCENT,
        months: forecast.months.iter().map(month).collect(),
        backtest: RenewalBacktest {
            months: test.months,
            inside: test.inside,
            mean_error_percent: test.mean_error_percent.map(|error| error.rounded(PLACES)),
        },
    }
}

fn percent(share: Option<Quantity>) -> Option<String> {
    share.map(|share| roi::percent(share, PLACES))
}

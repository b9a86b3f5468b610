//! Contracts that ended and whether they went on, and those that end: from what is known of an account.

use domain::day::Day;
use domain::portfolio::Row;
use domain::revenue::{Due, PastRenewal, SETTLED_AFTER_DAYS};

/// So many days before its end a contract is looked at: who leaves in these days did not renew.
const LOOKED_AT_DAYS: i32 = 90;
/// How far ahead renewals are foretold, in days.
const AHEAD_DAYS: i32 = 365;

/// The contracts that ended, as far as it is known whether they went on. A day that was named counts, whether or not
/// another one was named since: a customer who renews early has renewed.
pub fn past(row: &Row, today: Day) -> impl Iterator<Item = PastRenewal> {
    let ended = row.past.renewals().filter(move |on| on.plus(SETTLED_AFTER_DAYS) <= today);
    ended.filter_map(|on| {
        let arr = row.ledger.on(on.plus(-LOOKED_AT_DAYS));
        let stayed = row.ledger.on(on.plus(SETTLED_AFTER_DAYS)).cents() > 0;
        (arr.cents() > 0).then(|| PastRenewal { on, arr, band: row.past.band(on.plus(-LOOKED_AT_DAYS)), stayed })
    })
}

/// The contract that ends next, if that is within a year.
pub fn due(row: &Row, today: Day) -> Option<Due> {
    let on = row.profile()?.renewal_on.filter(|on| (today..=today.plus(AHEAD_DAYS)).contains(on))?;
    let arr = row.ledger.on(today);
    (arr.cents() > 0).then(|| Due { on, arr, band: row.past.band(today) })
}

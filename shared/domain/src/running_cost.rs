//! What running this costs: what was counted, times the public price list.
//!
//! A price list says where and when it was read. Nothing is rounded before the end: amounts are millionths of a cent. Free
//! tiers and discounts are left out, so a bill is not higher than this for what is counted here.

use crate::day::Day;
use crate::fixed::divide_half_even;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What is paid for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Meter {
    /// Calls of functions.
    FunctionCalls,
    /// Memory of functions times their time, in thousandths of a gigabyte-second.
    FunctionGigabyteMilliseconds,
    /// Strongly consistent reads of up to 4 KiB.
    TableReads,
    /// Writes of up to 1 KiB; a write of a transaction counts twice.
    TableWrites,
    /// Events that the bus took, each 64 KiB.
    BusEvents,
    /// Calls of queues.
    QueueCalls,
    /// Requests of the API.
    ApiRequests,
    /// Bytes of logs, in thousandths of a gigabyte.
    LogMegabytes,
    /// Bytes that lie in the table for a month, in thousandths of a gigabyte.
    TableMegabyteMonths,
}

/// A price: so many millionths of a US dollar for a million of what is counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Price {
    /// Millionths of a dollar for a million.
    pub micros_per_million: i64,
    /// Where it stands.
    pub source: String,
}

/// A list of prices.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PriceList {
    /// Whose prices, and where.
    pub name: String,
    /// When they were looked up.
    pub read_on: Day,
    /// The prices.
    pub prices: BTreeMap<Meter, Price>,
}

/// What was counted, and for how many accounts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Usage {
    /// How many accounts it was counted for.
    pub accounts: u64,
    /// How much of what.
    pub counted: BTreeMap<Meter, u64>,
}

/// What it costs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cost {
    /// By what is paid for, for a million accounts, in cents.
    pub cents: BTreeMap<Meter, i64>,
    /// All together, in cents.
    pub total_cents: i64,
    /// What was counted and has no price: the sum is too low by it.
    pub unpriced: Vec<Meter>,
}

/// What a usage costs for each million of accounts. None of no accounts.
pub fn per_million_accounts(usage: &Usage, prices: &PriceList) -> Option<Cost> {
    if usage.accounts == 0 {
        return None;
    }
    let mut cost = Cost { cents: BTreeMap::new(), total_cents: 0, unpriced: Vec::new() };
    let mut total = 0_i128;
    // A million of accounts and a price for a million of things cancel out.
    let in_cents = |micros: i128| divide_half_even(micros, i128::from(usage.accounts) * 10_000);
    for (meter, counted) in &usage.counted {
        let Some(price) = prices.prices.get(meter) else {
            cost.unpriced.push(*meter);
            continue;
        };
        let micros = i128::from(*counted) * i128::from(price.micros_per_million);
        total += micros;
        cost.cents.insert(*meter, i64::try_from(in_cents(micros)).unwrap_or(i64::MAX));
    }
    cost.total_cents = i64::try_from(in_cents(total)).unwrap_or(i64::MAX);
    Some(cost)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn prices() -> PriceList {
        let price = |dollars_per_million: f64| Price {
            #[expect(clippy::cast_possible_truncation, reason = "small numbers of a test")]
            micros_per_million: (dollars_per_million * 1e6).round() as i64,
            source: "made up".into(),
        };
        PriceList {
            name: "made up".into(),
            read_on: Day::from_number(0),
            prices: BTreeMap::from([
                (Meter::FunctionCalls, price(0.2)),
                (Meter::TableReads, price(0.125)),
                (Meter::TableWrites, price(0.625)),
            ]),
        }
    }

    #[test]
    fn the_golden_cost_of_a_thousand_accounts_is_worked_by_hand() {
        let counted = BTreeMap::from([
            (Meter::FunctionCalls, 3_000),
            (Meter::TableReads, 40_000),
            (Meter::TableWrites, 8_000),
            (Meter::BusEvents, 5),
        ]);
        let cost = per_million_accounts(&Usage { accounts: 1_000, counted }, &prices()).unwrap();
        // For a million accounts: 3 million calls at 0.20, 40 million reads at 0.125 and 8 million writes at 0.625 dollars.
        let cents: Vec<i64> = cost.cents.values().copied().collect();
        assert_eq!((cents, cost.total_cents), (vec![60, 500, 500], 1_060));
        assert_eq!(cost.unpriced, [Meter::BusEvents], "what has no price is named");
        assert_eq!(per_million_accounts(&Usage { accounts: 0, counted: BTreeMap::new() }, &prices()), None);
    }

    proptest! {
        #[test]
        fn twice_the_accounts_with_twice_the_use_cost_the_same(accounts in 1_u64..100_000, calls in 0_u64..10_000_000) {
            let cost = |factor: u64| {
                let counted = BTreeMap::from([(Meter::FunctionCalls, calls * factor)]);
                per_million_accounts(&Usage { accounts: accounts * factor, counted }, &prices())
            };
            prop_assert_eq!(cost(1), cost(2));
        }
    }
}

//! The public price list, as it was read: data with its source and its date, never numbers in code.

use crate::document;
use crate::problem::Fault;
use domain::running_cost::PriceList;

/// The built-in list.
pub fn built_in() -> Result<PriceList, Vec<Fault>> {
    document::built_in(include_str!(concat!(env!("OUT_DIR"), "/prices.json")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::running_cost::{Meter, Usage, per_million_accounts};
    use std::collections::BTreeMap;

    #[test]
    fn the_golden_month_of_a_thousand_accounts_is_worked_by_hand() {
        let prices = built_in().unwrap();
        assert!(prices.prices.values().all(|price| price.source.starts_with("https://aws.amazon.com/")));
        // Ten signals and one score a day for each of a thousand accounts, thirty days.
        let counted = BTreeMap::from([
            (Meter::FunctionCalls, 600_000),
            (Meter::FunctionGigabyteMilliseconds, 600_000 * 5),
            (Meter::TableReads, 2_000_000),
            (Meter::TableWrites, 1_500_000),
            (Meter::BusEvents, 330_000),
            (Meter::QueueCalls, 900_000),
            (Meter::ApiRequests, 300_000),
            (Meter::LogMegabytes, 120),
            (Meter::TableMegabyteMonths, 60),
        ]);
        let cost = per_million_accounts(&Usage { accounts: 1_000, counted }, &prices).unwrap();
        let dollars: Vec<(Meter, i64)> = cost.cents.iter().map(|(meter, cents)| (*meter, cents / 100)).collect();
        let expected = [
            (Meter::FunctionCalls, 120),
            (Meter::FunctionGigabyteMilliseconds, 40),
            (Meter::TableReads, 250),
            (Meter::TableWrites, 937),
            (Meter::BusEvents, 330),
            (Meter::QueueCalls, 360),
            (Meter::ApiRequests, 1_050),
            (Meter::LogMegabytes, 60),
            (Meter::TableMegabyteMonths, 15),
        ];
        assert_eq!(dollars, expected);
        assert_eq!((cost.total_cents, cost.unpriced.len()), (316_250, 0));
    }
}

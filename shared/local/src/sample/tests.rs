use super::*;
use domain::analytics::watch::{WATCHED, anomalies};
use domain::page::Page;
use domain::series::Series;
use std::collections::BTreeMap;

/// What each account's days come to.
fn series(portfolio: &Portfolio) -> BTreeMap<AccountId, Series> {
    let mut pages: BTreeMap<(AccountId, Day), Page> = BTreeMap::new();
    for Arrival { at, signal } in (0..DAYS).flat_map(|number| portfolio.arrivals_of(portfolio.start.plus(number))) {
        let (account, signal) = (signal.account.clone(), signal.check(at).unwrap());
        let day = Day::of(signal.at);
        pages.entry((account, day)).or_insert_with(|| Page::new(day)).merge([signal]);
    }
    let mut all: BTreeMap<AccountId, Series> = BTreeMap::new();
    for ((account, day), page) in pages {
        all.entry(account).or_default().set(day, page.fold());
    }
    all
}

#[test]
fn a27_unusual_days_that_were_planted_are_found_and_no_others_holidays_or_not() {
    for seed in [DEFAULT_SEED, 2, 3] {
        let portfolio = Portfolio::generate(seed);
        let mut seen = Vec::new();
        for (account, series) in series(&portfolio) {
            for found in WATCHED.iter().flat_map(|metric| anomalies(&series, *metric, portfolio.end())) {
                let rule = unusual(found.metric.name());
                seen.push(Seen { account: account.clone(), rule, on: found.on.plus(1) });
            }
        }
        let planted: Vec<Planted> = portfolio
            .planted
            .iter()
            .filter(|plant| matches!(&plant.what, What::Rule(rule) if rule.starts_with("unusual ")))
            .cloned()
            .collect();
        let all = assess(&planted, &seen);
        let rules = by_rule(&planted, &seen);
        println!("seed {seed}: {all:?} {rules:?}");
        assert_eq!(all.found + all.missed, 17);
        assert!(all.found >= 10 && all.false_ <= 3, "seed {seed}: {all:?}: {rules:#?}");
    }
}

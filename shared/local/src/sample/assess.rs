//! Was it found? What the generator planted against what the system saw.

use super::{Planted, What};
use domain::day::Day;
use domain::id::AccountId;
use serde::Serialize;
use std::collections::BTreeMap;

/// So many days after a plant the same rule on the same account is its echo: an episode that is told again.
const ECHO_DAYS: i32 = 60;

/// Something that the system made of the facts: a call to action or an escalation by a rule, or a breached clock.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seen {
    /// On which account.
    pub account: AccountId,
    /// By which rule, or [`super::SLA_BREACH`].
    pub rule: String,
    /// When.
    pub on: Day,
}

/// How much of what was planted was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Assessment {
    /// Planted and seen in time.
    pub found: u32,
    /// Planted and not seen, or not in time.
    pub missed: u32,
    /// Seen and not planted; an account counts once for each rule.
    #[serde(rename = "false")]
    pub false_: u32,
}

/// The assessment of each rule, by its name.
pub fn by_rule(planted: &[Planted], seen: &[Seen]) -> BTreeMap<String, Assessment> {
    let mut rules: BTreeMap<String, Assessment> = BTreeMap::new();
    for plant in planted {
        if let What::Rule(rule) = &plant.what {
            let of_rule = rules.entry(rule.clone()).or_default();
            if seen.iter().any(|seen| plant.is_met_by(seen)) { of_rule.found += 1 } else { of_rule.missed += 1 }
        }
    }
    let mut strangers: Vec<(&AccountId, &str)> = seen
        .iter()
        .filter(|seen| !planted.iter().any(|plant| plant.explains(seen)))
        .map(|seen| (&seen.account, seen.rule.as_str()))
        .collect();
    strangers.sort_unstable();
    strangers.dedup();
    for (_, rule) in strangers {
        rules.entry(rule.to_owned()).or_default().false_ += 1;
    }
    rules
}

/// The assessment over all rules.
pub fn assess(planted: &[Planted], seen: &[Seen]) -> Assessment {
    by_rule(planted, seen).values().fold(Assessment::default(), |sum, rule| Assessment {
        found: sum.found + rule.found,
        missed: sum.missed + rule.missed,
        false_: sum.false_ + rule.false_,
    })
}

impl Planted {
    fn is_met_by(&self, seen: &Seen) -> bool {
        self.explains(seen) && seen.on <= self.by
    }

    /// What comes too late is missed, and not false on top of that.
    fn explains(&self, seen: &Seen) -> bool {
        let in_time = self.from <= seen.on && seen.on.since(self.by) <= ECHO_DAYS;
        in_time && self.account == seen.account && matches!(&self.what, What::Rule(rule) if *rule == seen.rule)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(name: &str) -> AccountId {
        AccountId::new(name).unwrap()
    }

    fn planted(name: &str, what: What) -> Planted {
        Planted { account: account(name), what, from: Day::from_number(10), by: Day::from_number(20) }
    }

    fn seen(name: &str, rule: &str, on: i32) -> Seen {
        Seen { account: account(name), rule: rule.into(), on: Day::from_number(on) }
    }

    #[test]
    fn what_is_seen_in_time_is_found_and_what_is_not_planted_is_false() {
        let planted = [
            planted("a", What::Rule("usage-decline".into())),
            planted("b", What::Rule("usage-decline".into())),
            planted("c", What::Nothing),
        ];
        let seen = [
            seen("a", "usage-decline", 20),
            seen("a", "usage-decline", 15),
            seen("b", "usage-decline", 21),
            seen("a", "usage-decline", 9),
            seen("b", "usage-decline", 81),
            seen("c", "user-complaints", 12),
            seen("c", "user-complaints", 13),
        ];
        assert_eq!(assess(&planted, &seen), Assessment { found: 1, missed: 1, false_: 3 });
        assert_eq!(by_rule(&planted, &seen)["user-complaints"], Assessment { found: 0, missed: 0, false_: 1 });
    }
}

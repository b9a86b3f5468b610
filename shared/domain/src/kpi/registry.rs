//! The registry of figures: checked whole, every fault with its path.

use super::{Formula, KEPT_MONTHS, Kpi};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The units in which figures are told.
const UNITS: [&str; 4] = ["percent", "seconds", "count", "currency"];
/// The most figures.
const MAX_KPIS: usize = 200;
/// The longest window, in days: what an account keeps of its past reaches a year back.
const MAX_DAYS: i32 = 180;

/// A registry as it is written.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Draft {
    /// Over how many months events are counted, the current one among them.
    pub counted_months: i32,
    /// Within how many days after something was begun an account has to rise for that to count.
    pub intervention_days: i32,
    /// Within how many days after an opportunity was found an account has to pay more for that to count.
    pub upsell_days: i32,
    /// The figures in the order in which they are shown.
    pub kpis: Vec<Kpi>,
}

/// What is wrong with a registry, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {reason}")]
pub struct RegistryFault {
    /// Where.
    pub path: String,
    /// What.
    pub reason: String,
}

/// Figures that are sound.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Registry(Draft);

impl Registry {
    /// Checks a draft: all that is wrong with it.
    pub fn new(draft: Draft) -> Result<Self, Vec<RegistryFault>> {
        let mut faults = Vec::new();
        let mut fault = |path: String, reason: String| faults.push(RegistryFault { path, reason });
        if draft.kpis.len() > MAX_KPIS {
            fault("kpis".into(), format!("has {} figures; name at most {MAX_KPIS}", draft.kpis.len()));
        }
        let mut between = |field: &str, value: i32, most: i32| {
            if !(1..=most).contains(&value) {
                fault(field.into(), format!("is {value}; give 1 to {most}"));
            }
        };
        between("counted_months", draft.counted_months, KEPT_MONTHS);
        between("intervention_days", draft.intervention_days, MAX_DAYS);
        between("upsell_days", draft.upsell_days, MAX_DAYS);
        let mut names = BTreeSet::new();
        for (place, kpi) in draft.kpis.iter().enumerate() {
            let at = |field: &str| format!("kpis[{place}].{field}");
            if !names.insert(kpi.id.as_str()) {
                fault(at("id"), format!("`{}` is there already; give each figure an id of its own", kpi.id));
            }
            if !UNITS.contains(&kpi.unit.as_str()) {
                fault(at("unit"), format!("`{}` is no unit; write one of {}", kpi.unit, UNITS.join(", ")));
            }
            if kpi.name.trim().is_empty() {
                fault(at("name"), "is empty; say what people call it".into());
            }
            if kpi.means.trim().is_empty() {
                fault(at("means"), "is empty; say how it follows, or why it cannot be told".into());
            }
            if kpi.formula.counters().is_empty() && matches!(kpi.formula, Formula::PerAccount(_)) {
                fault(at("formula"), "counts nothing; name a counter".into());
            }
            if let Some(baseline) = kpi.baseline.filter(|baseline| baseline.micros() < 0) {
                fault(at("baseline"), format!("{baseline} is below 0; nothing that is counted is"));
            }
        }
        if faults.is_empty() { Ok(Self(draft)) } else { Err(faults) }
    }

    /// The figures in the order in which they are shown.
    pub fn kpis(&self) -> &[Kpi] {
        &self.0.kpis
    }

    /// Over how many months events are counted, the current one among them.
    pub const fn counted_months(&self) -> i32 {
        self.0.counted_months
    }

    /// Within how many days after something was begun an account has to rise for that to count.
    pub const fn intervention_days(&self) -> i32 {
        self.0.intervention_days
    }

    /// Within how many days after an opportunity was found an account has to pay more for that to count.
    pub const fn upsell_days(&self) -> i32 {
        self.0.upsell_days
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Counter, Direction, Target};
    use super::*;
    use crate::fixed::Quantity;

    fn kpi(id: &str) -> Kpi {
        Kpi {
            id: id.into(),
            name: "Cases".into(),
            requirement: "A1".into(),
            means: "cases that were opened".into(),
            unit: "count".into(),
            formula: Formula::Count(Counter::CasesOpened),
            direction: Direction::Down,
            baseline: None,
            target: Target::Level(Quantity::whole(5)),
        }
    }

    fn draft(kpis: Vec<Kpi>) -> Draft {
        Draft { counted_months: 3, intervention_days: 30, upsell_days: 90, kpis }
    }

    #[test]
    fn every_fault_is_told_with_its_path() {
        let odd = Kpi { unit: "furlongs".into(), name: " ".into(), baseline: Some(Quantity::whole(-1)), ..kpi("a") };
        let faults =
            Registry::new(Draft { counted_months: 14, upsell_days: 0, ..draft(vec![kpi("a"), odd]) }).unwrap_err();
        let paths: Vec<&str> = faults.iter().map(|fault| fault.path.as_str()).collect();
        assert_eq!(paths[..2], ["counted_months", "upsell_days"]);
        assert_eq!(paths[2..], ["kpis[1].id", "kpis[1].unit", "kpis[1].name", "kpis[1].baseline"]);
        assert_eq!(
            faults[3].to_string(),
            "kpis[1].unit: `furlongs` is no unit; write one of percent, seconds, count, currency"
        );
        assert_eq!(Registry::new(draft(vec![kpi("a"), kpi("b")])).unwrap().kpis().len(), 2);
    }
}

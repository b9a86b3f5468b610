//! The registry of figures: checked whole, every fault with its path.

use super::Kpi;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The units in which figures are told.
const UNITS: [&str; 3] = ["percent", "seconds", "count"];
/// The most figures.
const MAX_KPIS: usize = 200;

/// A registry as it is written.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Draft {
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
pub struct Registry(Vec<Kpi>);

impl Registry {
    /// Checks a draft: all that is wrong with it.
    pub fn new(draft: Draft) -> Result<Self, Vec<RegistryFault>> {
        let mut faults = Vec::new();
        let mut fault = |path: String, reason: String| faults.push(RegistryFault { path, reason });
        if draft.kpis.len() > MAX_KPIS {
            fault("kpis".into(), format!("has {} figures; name at most {MAX_KPIS}", draft.kpis.len()));
        }
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
            if let Some(baseline) = kpi.baseline.filter(|baseline| baseline.micros() < 0) {
                fault(at("baseline"), format!("{baseline} is below 0; nothing that is counted is"));
            }
        }
        if faults.is_empty() { Ok(Self(draft.kpis)) } else { Err(faults) }
    }

    /// The figures in the order in which they are shown.
    pub fn kpis(&self) -> &[Kpi] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Counter, Direction, Formula, Target};
    use super::*;
    use crate::fixed::Quantity;

    fn kpi(id: &str) -> Kpi {
        Kpi {
            id: id.into(),
            name: "Cases".into(),
            unit: "count".into(),
            formula: Formula::Count(Counter::CasesOpened),
            direction: Direction::Down,
            baseline: None,
            target: Target::Level(Quantity::whole(5)),
        }
    }

    #[test]
    fn every_fault_is_told_with_its_path() {
        let odd = Kpi { unit: "furlongs".into(), name: " ".into(), baseline: Some(Quantity::whole(-1)), ..kpi("a") };
        let faults = Registry::new(Draft { kpis: vec![kpi("a"), odd] }).unwrap_err();
        let paths: Vec<&str> = faults.iter().map(|fault| fault.path.as_str()).collect();
        assert_eq!(paths, ["kpis[1].id", "kpis[1].unit", "kpis[1].name", "kpis[1].baseline"]);
        assert_eq!(faults[1].to_string(), "kpis[1].unit: `furlongs` is no unit; write one of percent, seconds, count");
        assert_eq!(Registry::new(Draft { kpis: vec![kpi("a"), kpi("b")] }).unwrap().kpis().len(), 2);
    }
}

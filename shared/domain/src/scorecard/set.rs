//! The scorecards of a tenant: which one an account is scored by.

use super::Scorecard;
use crate::account::{Account, Segment};
use std::collections::BTreeMap;

/// One scorecard for everybody, others for segments that have their own, and one for maturity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scorecards {
    general: Scorecard,
    by_segment: BTreeMap<Segment, Scorecard>,
    maturity: Scorecard,
}

impl Scorecards {
    /// Puts scorecards together.
    pub const fn new(general: Scorecard, by_segment: BTreeMap<Segment, Scorecard>, maturity: Scorecard) -> Self {
        Self { general, by_segment, maturity }
    }

    /// The scorecard of this account's health.
    pub fn of(&self, account: &Account) -> &Scorecard {
        self.by_segment.get(&account.segment).unwrap_or(&self.general)
    }

    /// The scorecard of those whose segment has none of its own.
    pub const fn general(&self) -> &Scorecard {
        &self.general
    }

    /// The scorecard of maturity: how much of the product an account makes its own. It runs on the same engine as health,
    /// and nothing is fired by it.
    pub const fn maturity(&self) -> &Scorecard {
        &self.maturity
    }

    /// The scorecards of health, each once.
    pub fn of_health(&self) -> impl Iterator<Item = &Scorecard> {
        std::iter::once(&self.general).chain(self.by_segment.values())
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::draft;
    use super::*;
    use crate::account::LifecycleStage;
    use crate::health::tests::account;

    #[test]
    fn a_segment_with_a_scorecard_of_its_own_is_scored_by_it() {
        let card = |version: &str| {
            let mut draft = draft();
            draft.version = version.into();
            Scorecard::new(draft).unwrap()
        };
        let cards = Scorecards::new(card("g"), BTreeMap::from([(Segment::SmallBusiness, card("s"))]), card("m"));
        let of = |segment| {
            let mut account = account(LifecycleStage::Steady, None);
            account.segment = segment;
            cards.of(&account).version().to_owned()
        };
        assert_eq!((of(Segment::Enterprise), of(Segment::SmallBusiness)), ("g".to_owned(), "s".to_owned()));
    }
}

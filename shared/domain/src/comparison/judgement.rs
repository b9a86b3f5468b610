//! How well scores told who would leave: each judged account with the score of then and whether it left within the
//! horizon, and each one that left with how long before that it had been an alert.
//!
//! Counts alone are kept, so judgements add up. Scores are told apart to a tenth of a point: two accounts within the same
//! tenth count as equal.

use crate::fixed::{Points, Quantity, divide_half_even};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// From how many days on a warning is an early one.
pub const EARLY_DAYS: i32 = 90;
/// Millionths in one tenth of a point.
const TENTH: i64 = 100_000;
const ONE: i128 = 1_000_000;

/// The outcomes of judged accounts.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Judgement {
    /// Accounts that stayed, by the tenths of a point of their score.
    stayed: BTreeMap<i64, u64>,
    /// Accounts that left.
    left: BTreeMap<i64, u64>,
    /// Accounts that stayed and had no score.
    stayed_unscored: u64,
    /// Accounts that left and had no score.
    left_unscored: u64,
    /// Of those that stayed, the alerts.
    false_alerts: u64,
    /// Of those that left, the alerts.
    true_alerts: u64,
    /// Accounts that left within the days, by how many days before they had become an alert and remained one.
    leads: BTreeMap<i32, u64>,
    /// Accounts that left within the days without having been an alert.
    unwarned: u64,
    /// Accounts that left and had been looked at for at least [`EARLY_DAYS`] before.
    looked_at_early: u64,
}

impl Judgement {
    /// An account whose outcome is known: whether it left within the horizon, and its score of before, with whether that
    /// was an alert.
    pub fn add_judged(&mut self, left: bool, score: Option<(Points, bool)>) {
        let (scored, unscored, alerts) = if left {
            (&mut self.left, &mut self.left_unscored, &mut self.true_alerts)
        } else {
            (&mut self.stayed, &mut self.stayed_unscored, &mut self.false_alerts)
        };
        match score {
            Some((score, alert)) => {
                *scored.entry(score.micros().div_euclid(TENTH)).or_default() += 1;
                *alerts += u64::from(alert);
            }
            None => *unscored += 1,
        }
    }

    /// The same of an account of which nothing is known but whether it was an alert.
    pub fn add_verdict(&mut self, left: bool, alert: bool) {
        self.add_judged(left, None);
        let alerts = if left { &mut self.true_alerts } else { &mut self.false_alerts };
        *alerts += u64::from(alert);
    }

    /// An account that left: for how many days it had been an alert then, if it was one, and for how many it was looked at.
    pub fn add_leaver(&mut self, alert_for_days: Option<i32>, looked_at_days: i32) {
        self.looked_at_early += u64::from(looked_at_days >= EARLY_DAYS);
        match alert_for_days {
            Some(days) => *self.leads.entry(days).or_default() += 1,
            None => self.unwarned += 1,
        }
    }

    /// Adds what other accounts came to.
    pub fn add(&mut self, other: Self) {
        fn all<K: Ord>(into: &mut BTreeMap<K, u64>, from: BTreeMap<K, u64>) {
            from.into_iter().for_each(|(key, count)| *into.entry(key).or_default() += count);
        }
        all(&mut self.stayed, other.stayed);
        all(&mut self.left, other.left);
        all(&mut self.leads, other.leads);
        self.stayed_unscored += other.stayed_unscored;
        self.left_unscored += other.left_unscored;
        self.false_alerts += other.false_alerts;
        self.true_alerts += other.true_alerts;
        self.unwarned += other.unwarned;
        self.looked_at_early += other.looked_at_early;
    }

    /// How many were judged.
    pub fn judged(&self) -> u64 {
        self.stayed() + self.left()
    }

    /// How many of them left.
    pub fn left(&self) -> u64 {
        self.left.values().sum::<u64>() + self.left_unscored
    }

    fn stayed(&self) -> u64 {
        self.stayed.values().sum::<u64>() + self.stayed_unscored
    }

    /// The share of the judged that left: what an alert for everybody would have as its precision.
    pub fn base_rate(&self) -> Option<Quantity> {
        share(self.left().into(), self.judged().into())
    }

    /// How many alerts there were among the judged.
    pub const fn alerts(&self) -> u64 {
        self.true_alerts + self.false_alerts
    }

    /// The share of the alerts that left.
    pub fn precision(&self) -> Option<Quantity> {
        share(self.true_alerts.into(), self.alerts().into())
    }

    /// The share of those that left that were alerts. One that had no score was none.
    pub fn recall(&self) -> Option<Quantity> {
        share(self.true_alerts.into(), self.left().into())
    }

    /// The area under the ROC curve: how often one that left had a lower score than one that stayed, equal ones counted
    /// half (the Mann-Whitney statistic over the number of pairs; Hanley and McNeil, 1982). None without pairs.
    pub fn auc(&self) -> Option<Quantity> {
        let (mut left_below, mut twice_won) = (0_i128, 0_i128);
        let mut left = self.left.iter().peekable();
        for (score, stayed) in &self.stayed {
            while let Some((_, count)) = left.next_if(|(lower, _)| *lower < score) {
                left_below += i128::from(*count);
            }
            let equal = left.peek().filter(|(same, _)| *same == score).map_or(0, |(_, count)| i128::from(**count));
            twice_won += i128::from(*stayed) * (2 * left_below + equal);
        }
        let total = |counts: &BTreeMap<i64, u64>| counts.values().map(|count| i128::from(*count)).sum::<i128>();
        share(twice_won, 2 * total(&self.left) * total(&self.stayed))
    }

    /// How many accounts left within the days.
    pub fn leavers(&self) -> u64 {
        self.warned() + self.unwarned
    }

    /// How many of them were alerts when they left.
    pub fn warned(&self) -> u64 {
        self.leads.values().sum()
    }

    /// The median of the days for which they had been, or longer: nobody is looked at for longer than the days.
    pub fn median_lead_days(&self) -> Option<i32> {
        let half = self.warned().div_ceil(2);
        let mut so_far = 0;
        let lead = self.leads.iter().find(|(_, count)| {
            so_far += **count;
            so_far >= half
        });
        lead.map(|(days, _)| *days)
    }

    /// How many had been for at least [`EARLY_DAYS`], and how many of those that left were looked at for as long.
    pub fn warned_early(&self) -> (u64, u64) {
        (self.leads.range(EARLY_DAYS..).map(|(_, count)| count).sum(), self.looked_at_early)
    }
}

/// A share to six places. None of nothing.
fn share(part: i128, whole: i128) -> Option<Quantity> {
    let micros = (whole > 0).then(|| divide_half_even(part * ONE, whole))?;
    i64::try_from(micros).ok().map(Quantity::from_micros)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn points(tenths: i64) -> Points {
        Points::from_micros(tenths * TENTH)
    }

    fn judged(left: &[i64], stayed: &[i64], alert_below: i64) -> Judgement {
        let mut judgement = Judgement::default();
        for (leaves, scores) in [(true, left), (false, stayed)] {
            scores.iter().for_each(|score| {
                judgement.add_judged(leaves, Some((points(*score), *score < alert_below)));
            });
        }
        judgement
    }

    #[test]
    fn a119_the_figures_of_a_case_by_hand() {
        // Pairs: 30 below 40 and 90; 80 below 90 alone: 3 of 4.
        let mut judgement = judged(&[300, 800], &[400, 900], 700);
        assert_eq!(judgement.auc(), Some("0.75".parse().unwrap()));
        assert_eq!(judgement.precision(), Some("0.5".parse().unwrap()));
        assert_eq!(judgement.recall(), Some("0.5".parse().unwrap()));
        assert_eq!(judgement.base_rate(), Some("0.5".parse().unwrap()));
        judgement.add_judged(true, None);
        assert_eq!(judgement.recall(), Some("0.333333".parse().unwrap()), "who had no score was not found");
        assert_eq!(judgement.auc(), Some("0.75".parse().unwrap()), "and is no pair");
        for (lead, looked_at) in [(Some(10), 40), (Some(30), 100), (Some(95), 100), (None, 20)] {
            judgement.add_leaver(lead, looked_at);
        }
        assert_eq!((judgement.leavers(), judgement.warned(), judgement.median_lead_days()), (4, 3, Some(30)));
        assert_eq!(judgement.warned_early(), (1, 2), "of two that were looked at for so long");
    }

    #[test]
    fn where_nobody_left_nothing_is_said() {
        let judgement = judged(&[], &[400, 900], 700);
        assert_eq!((judgement.auc(), judgement.recall(), judgement.median_lead_days()), (None, None, None));
        assert_eq!(Judgement::default().base_rate(), None);
    }

    proptest! {
        #[test]
        fn a119_the_area_is_the_share_of_pairs_told_right(
            left in prop::collection::vec(0_i64..40, 1..30), stayed in prop::collection::vec(0_i64..40, 1..30), cut in 0_usize..60,
        ) {
            let half_wins: i128 = left.iter().flat_map(|left| stayed.iter().map(move |stayed| match left.cmp(stayed) {
                std::cmp::Ordering::Less => 2,
                std::cmp::Ordering::Equal => 1,
                std::cmp::Ordering::Greater => 0,
            })).sum();
            let pairs = i128::try_from(left.len() * stayed.len()).unwrap();
            let expected = Quantity::from_micros(i64::try_from(divide_half_even(half_wins * ONE, 2 * pairs)).unwrap());
            prop_assert_eq!(judged(&left, &stayed, 0).auc(), Some(expected));
            // Cut in two and added again it is the same.
            let (cut_left, cut_stayed) = (cut.min(left.len()), cut.min(stayed.len()));
            let mut sum = judged(&left[cut_left..], &stayed[..cut_stayed], 20);
            sum.add(judged(&left[..cut_left], &stayed[cut_stayed..], 20));
            prop_assert_eq!(sum, judged(&left, &stayed, 20));
        }
    }
}

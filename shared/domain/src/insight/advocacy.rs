//! Who may be asked to speak for the product, and how often: whoever is well, says so and is willing, and has not been
//! asked too often.

use crate::band::Band;
use crate::day::SECONDS;
use crate::fixed::Quantity;
use crate::signal::{Metric, Severity};
use crate::story::{Second, Story};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// By what accounts are asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdvocacyPolicy {
    /// In no lower band.
    pub least_band: Band,
    /// Where anybody said how willing they are: at least so willing, in percent.
    pub least_willing: Quantity,
    /// Where anybody answered: a net promoter score of at least this.
    pub least_promoter: Quantity,
    /// At most so often in 365 days.
    pub most_in_a_year: usize,
    /// And not within so many days after the last time.
    pub rest_days: i64,
}

impl Default for AdvocacyPolicy {
    /// Healthy, 60 % willing, a net promoter score of 50; four times a year, with 60 days in between.
    fn default() -> Self {
        Self {
            least_band: Band::Healthy,
            least_willing: Quantity::whole(60),
            least_promoter: Quantity::whole(50),
            most_in_a_year: 4,
            rest_days: 60,
        }
    }
}

/// When an account was used as a reference, and what for.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Uses(BTreeSet<(Second, String)>);

/// The most uses that are remembered.
const MAX_USES: usize = 100;

impl Uses {
    /// Whether there were none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Remembers one.
    pub fn add(&mut self, at: Second, what: String) {
        self.0.insert((at, what));
        while self.0.len() > MAX_USES {
            self.0.pop_first();
        }
    }

    /// How many there were in the 365 days before a moment.
    pub fn in_a_year(&self, now: Second) -> usize {
        self.0.iter().filter(|(at, _)| *at <= now && now - at < 365 * SECONDS).count()
    }

    /// The last one.
    pub fn last(&self) -> Option<&(Second, String)> {
        self.0.last()
    }
}

/// Why an account is not to be asked now, in plain words; none where it may be.
pub fn objections(story: &Story, uses: &Uses, policy: &AdvocacyPolicy, now: Second) -> Vec<String> {
    let mut reasons = Vec::new();
    if !story.is_customer() {
        reasons.push("is no customer".to_owned());
    }
    match story.bands.latest() {
        None => reasons.push("has no band yet".to_owned()),
        Some(band) if *band < policy.least_band => reasons.push(format!("is {band}")),
        Some(_) => {}
    }
    let measures = story.measures.as_ref();
    let willing = measures.and_then(|measures| measures.value(Metric::ReferenceWillingness));
    let promoter = measures.and_then(|measures| measures.answers.get(&Metric::NetPromoter)?.mean());
    match (willing, promoter) {
        (None, None) => reasons.push("nobody knows whether it would recommend the product".to_owned()),
        (willing, promoter) => {
            let little = willing.filter(|willing| *willing < policy.least_willing);
            reasons.extend(little.map(|willing| format!("is willing by {willing} %")));
            let low = promoter.filter(|score| *score < policy.least_promoter);
            reasons.extend(low.map(|score| format!("has a net promoter score of {score}")));
        }
    }
    let bad = [Severity::Critical, Severity::High];
    let open = story.cases.values().filter(|case| case.resolved.is_none() && bad.contains(&case.severity)).count();
    if open > 0 {
        reasons.push(format!("has {open} severe cases open"));
    }
    reasons.extend(cap(uses, policy, now));
    reasons
}

/// Why it was asked often enough.
pub fn cap(uses: &Uses, policy: &AdvocacyPolicy, now: Second) -> Option<String> {
    let used = uses.in_a_year(now);
    if used >= policy.most_in_a_year {
        return Some(format!("was asked {used} times in a year; {} is the most", policy.most_in_a_year));
    }
    let days = (now - uses.last()?.0) / SECONDS;
    (days < policy.rest_days).then(|| format!("was asked {days} days ago; {} is the least", policy.rest_days))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::Segment;
    use crate::insight::fixtures::{days, measures, story};
    use crate::story::News;
    use proptest::prelude::*;

    fn willing(percent: &str) -> Story {
        let mut story = story("a", Segment::Enterprise, 1);
        story.apply(days(1), News::Banded(Band::Champion));
        story.apply(days(1), News::Measured(measures(&[(Metric::ReferenceWillingness, percent)])));
        story
    }

    fn look(story: &Story, uses: &Uses, day: i64) -> Vec<String> {
        objections(story, uses, &AdvocacyPolicy::default(), days(day).as_second())
    }

    #[test]
    fn a109_who_is_well_and_willing_may_be_asked() {
        assert_eq!(look(&willing("60"), &Uses::default(), 10), [""; 0]);
        assert_eq!(look(&willing("59"), &Uses::default(), 10), ["is willing by 59 %"]);
        let mut fallen = willing("90");
        fallen.apply(days(5), News::Banded(Band::AtRisk));
        assert_eq!(look(&fallen, &Uses::default(), 10), ["is at_risk"]);
        let stranger = story("b", Segment::Enterprise, 1);
        assert_eq!(look(&stranger, &Uses::default(), 10).len(), 2);
    }

    #[test]
    fn a109_the_cap_is_held_to_the_day() {
        let mut uses = Uses::default();
        uses.add(days(100).as_second(), "a call".into());
        assert_eq!(look(&willing("90"), &uses, 159), ["was asked 59 days ago; 60 is the least"]);
        assert_eq!(look(&willing("90"), &uses, 160), [""; 0]);
        for day in [160, 220, 280] {
            uses.add(days(day).as_second(), "a call".into());
        }
        assert_eq!(look(&willing("90"), &uses, 400), ["was asked 4 times in a year; 4 is the most"]);
        assert_eq!(look(&willing("90"), &uses, 465), [""; 0], "the first is a year ago");
    }

    proptest! {
        #[test]
        fn a109_whoever_asks_only_where_the_cap_allows_never_passes_it(steps in prop::collection::vec(1_i64..50, 1..80)) {
            let policy = AdvocacyPolicy::default();
            let (mut uses, mut now, mut all) = (Uses::default(), 0, Vec::new());
            for step in steps {
                now += step * SECONDS;
                if cap(&uses, &policy, now).is_none() {
                    uses.add(now, "a call".into());
                    all.push(now);
                }
            }
            for end in &all {
                let year = all.iter().filter(|at| *at <= end && end - *at < 365 * SECONDS).count();
                prop_assert!(year <= policy.most_in_a_year);
            }
            prop_assert!(all.windows(2).all(|pair| pair[1] - pair[0] >= policy.rest_days * SECONDS));
        }
    }
}

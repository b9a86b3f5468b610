//! What must hold for every condition and every account: the compiled form, the columns and the oracle say the same, the
//! trace tells what was said, nothing panics, and the check calls nothing impossible that is.

use super::samples::{Sample, condition, sample};
use super::*;
use crate::rule::set::RuleSet;
use std::collections::BTreeSet;

/// The compiled form said what the oracle says, leaf by leaf; where the oracle has words, in the same words.
#[track_caller]
pub fn agree(ours: &Verdict, oracle: &Verdict) {
    let mut ours = ours.clone();
    assert_eq!(ours.trace.len(), oracle.trace.len(), "{ours:#?} {oracle:#?}");
    for (ours, oracle) in ours.trace.iter_mut().zip(&oracle.trace) {
        assert!(!ours.leaf.is_empty() && !ours.why.is_empty(), "{ours:?}");
        if oracle.why.is_empty() {
            (ours.leaf, ours.why) = (String::new(), String::new());
        }
        if oracle.value.is_none() {
            // An oracle without words does not say what only words need.
            assert!(oracle.why.is_empty() || ours.value.is_none(), "{ours:?} {oracle:?}");
            ours.value = None;
        }
    }
    if oracle.truth == Truth::True {
        assert_eq!(ours.evidence, oracle.evidence, "{ours:#?} {oracle:#?}");
    }
    ours.evidence = oracle.evidence;
    assert_eq!(&ours, oracle);
}

fn rules(of: Vec<(Condition, Option<Condition>)>) -> RuleSet {
    let one = |(index, (when, stays_while)): (usize, (Condition, Option<Condition>))| Rule {
        stays_while,
        ..rule(&format!("rule-{index:03}"), when)
    };
    let rules: Vec<Rule> = of.into_iter().enumerate().map(one).collect();
    RuleSet::unchecked("any", rules)
}

fn some_rules() -> impl Strategy<Value = Vec<(Condition, Option<Condition>)>> {
    prop::collection::vec((condition(), prop::option::of(condition())), 1..6)
}

/// What each rule says by the oracle.
fn expected(rules: &RuleSet, sample: &Sample) -> Vec<(Truth, Truth)> {
    let customer = sample.account.stage != LifecycleStage::Churned;
    let ask = |condition: &Condition| {
        if customer { oracle::verdict(condition, &sample.facts()).truth } else { Truth::False }
    };
    let each = rules.rules().map(|rule| {
        let when = ask(&rule.when);
        (when, rule.stays_while.as_ref().map_or(when, |stays| ask(stays).or(when)))
    });
    each.collect()
}

/// The most that a look may have in memory at once, in bytes for each leaf of its rules and one more: a window's values of 400
/// days twice, with room.
const BYTES_FOR_A_LEAF: u64 = 16 * 1024;

proptest! {
    #[test]
    fn a15_a_look_allocates_within_the_limit_that_its_rules_set(of in some_rules(), sample in sample()) {
        let rules = rules(of);
        let facts = sample.facts();
        let conditions = rules.rules().flat_map(|rule| std::iter::once(&rule.when).chain(&rule.stays_while));
        let leaves: usize = conditions.map(|condition| condition.leaves().len()).sum();
        let limit = BYTES_FOR_A_LEAF * (1 + leaves as u64);
        let taken = allocation_counter::measure(|| drop(std::hint::black_box(rules.look(&facts))));
        prop_assert!(taken.bytes_max <= limit, "{} bytes at once for {leaves} leaves", taken.bytes_max);
        prop_assert!(taken.bytes_total <= 4 * limit, "{} bytes in all for {leaves} leaves", taken.bytes_total);
        prop_assert_eq!(taken.bytes_current, 0, "a look that is dropped keeps nothing");
    }

    #[test]
    fn a15_the_compiled_form_says_what_the_oracle_says(of in some_rules(), sample in sample()) {
        let rules = rules(of);
        let facts = sample.facts();
        let look = rules.look(&facts);
        let said: Vec<(Truth, Truth)> = look.said().map(|said| (said.when, said.stays)).collect();
        prop_assert_eq!(&said, &expected(&rules, &sample));
        let outcomes = look.outcomes();
        prop_assert_eq!(&outcomes, &rules.evaluate(&facts));
        for ((rule, outcome), (when, stays)) in rules.rules().zip(&outcomes).zip(said) {
            prop_assert_eq!((&rule.id, outcome.when.truth, outcome.stays), (&outcome.rule, when, stays));
            if sample.account.stage == LifecycleStage::Churned {
                prop_assert!(look.trace(&rule.id).is_empty());
                continue;
            }
            agree(&outcome.when, &oracle::verdict(&rule.when, &facts));
            // The typed trace tells of the same leaves; what a window did is told in words alone.
            let told: Vec<_> = look.trace(&rule.id).into_iter().map(|step| step.truth).collect();
            let words: Vec<_> = outcome.when.trace.iter().filter(|finding| finding.leaf != "window").collect();
            prop_assert_eq!(told, words.iter().map(|finding| finding.truth).collect::<Vec<_>>());
            for (place, step) in look.trace(&rule.id).into_iter().enumerate() {
                prop_assert_eq!((step.leaf, step.value.is_none()), (place, step.truth == Truth::Unknown));
            }
        }
    }

    #[test]
    fn a15_the_columns_say_what_the_oracle_says(of in some_rules(), samples in prop::collection::vec(sample(), 1..5)) {
        let rules = rules(of);
        let mut portfolio = rules.portfolio();
        // More than one word of bits.
        let many: Vec<&Sample> = samples.iter().cycle().take(70).collect();
        for again in 0..2 {
            many.iter().for_each(|sample| portfolio.push(&sample.facts()));
            prop_assert_eq!(portfolio.accounts(), 70);
            let answers = portfolio.answers();
            for (row, sample) in many.iter().enumerate() {
                let said: Vec<_> = answers.iter().map(|of| (of.when.get(row), of.stays.get(row))).collect();
                prop_assert_eq!(said, expected(&rules, sample), "row {} of round {}", row, again);
            }
            for of in &answers {
                let rows: Vec<usize> = (0..70).filter(|row| of.when.get(*row).is_true()).collect();
                prop_assert_eq!(of.when.rows_true().collect::<Vec<_>>(), rows.clone());
                prop_assert_eq!((of.when.count(), of.when.rows()), (rows.len(), 70));
            }
            portfolio.clear();
        }
    }

    #[test]
    fn news_asks_the_rules_that_it_concerns_and_they_say_the_same(of in some_rules(), sample in sample(), metric in prop::sample::select(Metric::ALL)) {
        let rules = rules(of);
        let facts = sample.facts();
        let news = BTreeSet::from([Input::Metric(metric), Input::Band]);
        let concerned: Vec<&RuleId> = rules.concerned_by(&news).map(|rule| &rule.id).collect();
        let outcomes: Vec<Outcome> =
            rules.evaluate(&facts).into_iter().filter(|outcome| concerned.contains(&&outcome.rule)).collect();
        prop_assert_eq!(rules.look_at_news(&facts, &news).outcomes(), outcomes);
        let everybody = BTreeSet::from([Input::Account]);
        prop_assert_eq!(rules.concerned_by(&everybody).count(), rules.rules().count());
    }

    #[test]
    fn news_that_does_not_concern_a_rule_does_not_change_what_it_says(of in condition(), before in sample(), after in sample()) {
        let rules = rules(vec![(of, None)]);
        // All is the same but the series of one metric.
        let metric = Metric::ActiveUsers;
        let mut changed = before.clone();
        for back in 0..24 {
            let mut fold = DayFold::default();
            for other in Metric::ALL {
                let from = if *other == metric { &after.series } else { &before.series };
                fold.buckets.extend(from.bucket(*other, ago(back)).map(|bucket| (*other, bucket)));
            }
            fold.sightings = before.series.sightings().filter(|seen| Day::of(seen.at) == ago(back)).cloned().collect();
            changed.series.set(ago(back), fold);
        }
        if rules.concerned_by(&BTreeSet::from([Input::Metric(metric)])).next().is_none() {
            prop_assert_eq!(rules.evaluate(&before.facts()), rules.evaluate(&changed.facts()));
        }
    }

    #[test]
    fn the_order_in_which_days_become_known_does_not_matter(of in some_rules(), sample in sample()) {
        let rules = rules(of);
        let mut turned = Series::default();
        for back in 0..24 {
            let buckets = Metric::ALL.iter().filter_map(|of| Some((*of, sample.series.bucket(*of, ago(back))?))).collect();
            let sightings = sample.series.sightings().filter(|seen| Day::of(seen.at) == ago(back)).cloned().collect();
            turned.set(ago(back), DayFold { buckets, sightings, ..DayFold::default() });
        }
        let other = Sample { series: turned, ..sample.clone() };
        prop_assert_eq!(rules.evaluate(&sample.facts()), rules.evaluate(&other.facts()));
    }

    #[test]
    fn a15_what_the_check_calls_impossible_never_happens(of in condition(), samples in prop::collection::vec(sample(), 1..6)) {
        let (can_be_true, can_be_false) = crate::rule::reach::can_be(&of);
        for sample in samples.iter().filter(|sample| sample.account.stage != LifecycleStage::Churned) {
            let truth = oracle::verdict(&of, &sample.facts()).truth;
            prop_assert!(truth != Truth::True || can_be_true, "{:?} is true of {:?}", of, sample);
            prop_assert!(truth != Truth::False || can_be_false, "{:?} is false of {:?}", of, sample);
        }
    }

    #[test]
    fn a15_any_rule_is_checked_and_one_that_holds_is_evaluated(of in some_rules(), sample in sample()) {
        let rules: Vec<Rule> = rules(of).rules().cloned().collect();
        match RuleSet::new("any", rules.clone()) {
            Ok(set) => prop_assert_eq!(set.evaluate(&sample.facts()).len(), rules.len()),
            Err(faults) => prop_assert!(faults.iter().all(|fault| fault.path.starts_with("rules["))),
        }
    }
}

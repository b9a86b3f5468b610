//! Conditions answered the slow and obvious way: down the tree, each leaf straight from the account.
//!
//! The leaves of the trigger table say their words too; those of the other leaves are left out (`why` is empty) and are not
//! compared.

use super::{decline, leaves};
use crate::day::Day;
use crate::fixed::{ONE, Quantity, divide_half_even};
use crate::rule::condition::days;
use crate::rule::facts::{Facts, value};
use crate::rule::leaf::*;
use crate::rule::{Condition, Evidence, Finding, Truth, Verdict};
use crate::signal::{Fold, Metric};

pub fn verdict(condition: &Condition, facts: &Facts<'_>) -> Verdict {
    match condition {
        Condition::All(of) => {
            let members = each(of, facts);
            let truth = members.iter().map(|member| member.truth).min().unwrap();
            let evidence = union(members.iter());
            let confidence_percent = members.iter().map(|member| member.confidence_percent).min().unwrap();
            Verdict { truth, evidence, confidence_percent, trace: joined(members) }
        }
        Condition::Any(of) => {
            let members = each(of, facts);
            let truth = members.iter().map(|member| member.truth).max().unwrap();
            let say_so = || members.iter().filter(|member| member.truth == truth);
            let evidence = union(say_so());
            let confidence_percent = say_so().map(|member| member.confidence_percent).max().unwrap();
            Verdict { truth, evidence, confidence_percent, trace: joined(members) }
        }
        Condition::Not(of) => {
            let inner = verdict(of, facts);
            let truth = match inner.truth {
                Truth::True => Truth::False,
                Truth::False => Truth::True,
                Truth::Unknown => Truth::Unknown,
            };
            Verdict { truth, evidence: None, confidence_percent: 100, trace: inner.trace }
        }
        Condition::AtLeast(of) => {
            let mut members = each(&of.of, facts);
            if let Some(window) = of.within_days {
                let first = facts.today().plus(1 - days(window));
                for member in &mut members {
                    if let (Truth::True, Some(evidence)) = (member.truth, member.evidence)
                        && evidence.seen_on < first
                    {
                        let why = format!("was last seen on {}, more than {window} days ago", evidence.seen_on);
                        member.truth = Truth::False;
                        member.trace.push(Finding::new("window", Truth::False, why));
                    }
                }
            }
            let are = |truth: Truth| members.iter().filter(|member| member.truth == truth).count();
            let wanted = of.count as usize;
            let truth = match (are(Truth::True), are(Truth::Unknown)) {
                (sure, _) if sure >= wanted => Truth::True,
                (sure, open) if sure + open < wanted => Truth::False,
                _ => Truth::Unknown,
            };
            let sure = || members.iter().filter(|member| member.truth.is_true());
            let confidence_percent = sure().map(|member| member.confidence_percent).min().unwrap_or(100);
            Verdict { truth, evidence: union(sure()), confidence_percent, trace: joined(members) }
        }
        Condition::Declined(leaf) => decline::evaluate(leaf, facts),
        Condition::Counted(leaf) => leaves::counted(leaf, facts),
        Condition::AverageBelow(leaf) => leaves::average_below(leaf, facts),
        Condition::TrendsDown(leaf) => leaves::trends_down(leaf, facts),
        Condition::AboveUsual(leaf) => leaves::above_usual(leaf, facts),
        Condition::CompetitorSeen(leaf) => leaves::competitor_seen(leaf, facts),
        Condition::Absent(leaf) => leaves::absent(leaf, facts),
        Condition::BandEntered(band) => leaves::band_entered(*band, facts),
        Condition::BandAtMost(band) => leaves::band_at_most(*band, facts),
        Condition::Segment(of) => leaves::member("segment", of.contains(&facts.account.segment)),
        Condition::Stage(of) => leaves::member("lifecycle stage", of.contains(&facts.account.stage)),
        other => newer(other, facts),
    }
}

fn each(of: &[Condition], facts: &Facts<'_>) -> Vec<Verdict> {
    of.iter().map(|condition| verdict(condition, facts)).collect()
}

fn joined(members: Vec<Verdict>) -> Vec<Finding> {
    members.into_iter().flat_map(|member| member.trace).collect()
}

fn union<'a>(members: impl Iterator<Item = &'a Verdict>) -> Option<Evidence> {
    members.filter_map(|member| member.evidence).reduce(Evidence::with)
}

/// A leaf's answer without words.
fn told(truth: Truth, value: Option<i64>, data: Option<Day>, facts: &Facts<'_>) -> Verdict {
    let mut finding = Finding::new("", truth, "");
    finding.value = value.map(Quantity::from_micros);
    finding.age_days = data.map(|day| facts.today().since(day));
    let verdict = Verdict::leaf(finding);
    match data {
        Some(day) if truth != Truth::Unknown => verdict.resting_on(Evidence::state(day)),
        _ => verdict,
    }
}

fn lies(value: i64, bounds: &Bounds) -> Truth {
    let fits = bounds.at_least.is_none_or(|bound| value >= bound.micros())
        && bounds.above.is_none_or(|bound| value > bound.micros())
        && bounds.at_most.is_none_or(|bound| value <= bound.micros())
        && bounds.below.is_none_or(|bound| value < bound.micros());
    Truth::known(fits)
}

/// The days of a window with their values, one by one.
fn daily(facts: &Facts<'_>, metric: Metric, last: Day, length: u32) -> Vec<(Day, i128)> {
    let mut found = Vec::new();
    for back in (0..days(length)).rev() {
        let day = last.plus(-back);
        if let Some(bucket) = facts.series.bucket(metric, day)
            && bucket.count > 0
        {
            found.push((day, value(metric, bucket)));
        }
    }
    found
}

fn newer(leaf: &Condition, facts: &Facts<'_>) -> Verdict {
    let (account, today) = (facts.account, facts.today());
    let flag = |is: bool| told(Truth::known(is), None, None, facts);
    match leaf {
        Condition::TrendsUp(leaf) => trends_up(leaf, facts),
        Condition::Unusual(leaf) => unusual(leaf, facts),
        Condition::Value(leaf) => amount(leaf, facts),
        Condition::Changed(leaf) => changed(leaf, facts),
        Condition::Sustained(leaf) => {
            let found = daily(facts, leaf.metric, today.plus(-1), leaf.days);
            let latest = found.last().map(|(day, _)| *day);
            let breaks = |(_, value): &&(Day, i128)| lies(i64::try_from(*value).unwrap(), &leaf.bounds) == Truth::False;
            match found.iter().rfind(breaks) {
                Some((_, value)) => told(Truth::False, Some(i64::try_from(*value).unwrap()), latest, facts),
                None if found.len() == leaf.days as usize => told(Truth::True, None, latest, facts),
                None => told(Truth::Unknown, None, latest, facts),
            }
        }
        Condition::Score(leaf) => {
            let health = facts.health.filter(|health| !health.provisional);
            let points = health.and_then(|health| match &leaf.dimension {
                None => Some(health.score),
                Some(name) => health.dimensions.iter().find(|one| one.dimension == *name)?.points,
            });
            match points.map(|points| points.micros()) {
                Some(points) => told(lies(points, &leaf.bounds), Some(points), None, facts),
                None => told(Truth::Unknown, None, None, facts),
            }
        }
        Condition::Measure(leaf) => {
            let part = facts.health.and_then(|health| health.measures.iter().find(|one| one.measure == leaf.measure));
            let value = part.filter(|_| facts.health.is_some_and(|health| !health.provisional)).and_then(|part| {
                match leaf.of {
                    MeasurePart::Points => part.points.map(|points| points.micros()),
                    MeasurePart::Value => part.value.map(|value| value.micros()),
                }
            });
            let data = part.and_then(|part| part.as_of);
            match value {
                Some(value) => told(lies(value, &leaf.bounds), Some(value), data, facts),
                None => told(Truth::Unknown, None, data, facts),
            }
        }
        Condition::BandLeft(band) => {
            let Some(standing) = facts.standing else { return told(Truth::Unknown, None, None, facts) };
            let left = Truth::known(standing.from == Some(*band));
            let truth = if standing.provisional { Truth::Unknown } else { left };
            let day = Day::of(standing.since);
            told(truth, None, Some(day), facts).resting_on(Evidence::events(day, 1))
        }
        Condition::BandAtLeast(band) => {
            let Some(standing) = facts.standing.filter(|standing| !standing.provisional) else {
                return told(Truth::Unknown, None, None, facts);
            };
            let since = Day::of(standing.since);
            told(Truth::known(standing.band >= *band), None, None, facts).resting_on(Evidence::state(since))
        }
        Condition::Arr(bounds) => {
            let micros = account.arr.cents() * 10_000;
            told(lies(micros, bounds), Some(micros), None, facts)
        }
        Condition::DaysToRenewal(bounds) => match account.renewal_on {
            None => told(Truth::Unknown, None, None, facts),
            Some(day) => {
                let micros = i64::from(day.since(today)) * ONE;
                told(lies(micros, bounds), Some(micros), None, facts)
            }
        },
        Condition::HasRenewalDate(wanted) => flag(account.renewal_on.is_some() == *wanted),
        Condition::HasOwner(wanted) => flag(account.owner.is_some() == *wanted),
        Condition::Owner(of) => flag(account.owner.as_ref().is_some_and(|owner| of.contains(owner))),
        Condition::Account(of) => flag(of.contains(&account.id)),
        Condition::Named(of) => flag(of.contains(&account.name)),
        Condition::Weekday(of) => flag(of.contains(&Weekday::ALL[usize::from(today.weekday())])),
        Condition::Season(season) => {
            let is = MonthDay::of(today);
            let (from, to) = (season.from, season.to);
            flag(if from <= to { from <= is && is <= to } else { is >= from || is <= to })
        }
        Condition::Dates(dates) => {
            flag(dates.from.is_none_or(|from| from <= today) && dates.to.is_none_or(|to| today <= to))
        }
        other => panic!("{other:?} is no newer leaf"),
    }
}

/// A rise is the fall of what is turned upside down.
fn trends_up(leaf: &Trend, facts: &Facts<'_>) -> Verdict {
    let found = daily(facts, leaf.metric, facts.today(), leaf.days);
    let Some((latest, _)) = found.last() else { return told(Truth::Unknown, None, None, facts) };
    let count: u32 = facts.days(leaf.metric, found[0].0, *latest).map(|(_, bucket)| bucket.count).sum();
    if count < leaf.least_values {
        return Verdict { evidence: None, ..told(Truth::Unknown, None, Some(*latest), facts) };
    }
    let turned: Vec<(i128, i128)> = found.iter().map(|(day, value)| (i128::from(day.number()), -value)).collect();
    let rise = leaves::fall_along_line(&turned);
    let rises = rise >= i128::from(leaf.by.micros()) && rise > 0 && leaves::is_no_chance(&turned);
    told(Truth::known(rises), Some(i64::try_from(rise).unwrap()), Some(*latest), facts)
}

fn middle(mut values: Vec<i128>) -> i128 {
    values.sort_unstable();
    values[(values.len() - 1) / 2]
}

fn unusual(leaf: &Unusual, facts: &Facts<'_>) -> Verdict {
    let last = facts.today().plus(if leaf.metric.fold() == Fold::Sum { -1 } else { 0 });
    let recent = daily(facts, leaf.metric, last, leaf.recent_days);
    let history = daily(facts, leaf.metric, last.plus(-days(leaf.recent_days)), leaf.history_days);
    if recent.len() < leaf.least_recent.max(1) as usize || history.len() < leaf.least_history.max(1) as usize {
        return told(Truth::Unknown, None, None, facts);
    }
    let values = |of: &[(Day, i128)]| of.iter().map(|(_, value)| *value).collect::<Vec<i128>>();
    let (now, usual) = (middle(values(&recent)), middle(values(&history)));
    let distances: Vec<i128> = values(&history).iter().map(|value| (value - usual).abs()).collect();
    let (spread, sum) = (middle(distances.clone()), distances.iter().sum::<i128>());
    let distance = now - usual;
    // In millionths of deviations: at least `by` on either side, without dividing.
    let by = i128::from(leaf.by_deviations.micros().max(1));
    let far = if distance.abs() < i128::from(leaf.least_change.micros()) || distance == 0 {
        false
    } else if spread != 0 {
        distance.abs() * 674_500 >= by * spread
    } else if sum != 0 {
        distance.abs() * 797_900 * distances.len() as i128 >= by * sum
    } else {
        true
    };
    let side = match leaf.side {
        Side::High => distance > 0,
        Side::Low => distance < 0,
        Side::Either => true,
    };
    let latest = recent.last().map(|(day, _)| *day);
    told(Truth::known(far && side), Some(i64::try_from(now).unwrap()), latest, facts)
}

fn amount(leaf: &Value, facts: &Facts<'_>) -> Verdict {
    let found = daily(facts, leaf.metric, facts.today(), leaf.days);
    let Some((latest, last)) = found.last().copied() else { return told(Truth::Unknown, None, None, facts) };
    let buckets: Vec<_> = facts.days(leaf.metric, found[0].0, latest).map(|(_, bucket)| bucket).collect();
    let sum: i128 = buckets.iter().map(|bucket| i128::from(bucket.sum)).sum();
    let count = match leaf.metric.fold() {
        Fold::Sum => found.len() as i128,
        _ => buckets.iter().map(|bucket| i128::from(bucket.count)).sum(),
    };
    let values = || found.iter().map(|(_, value)| *value);
    let amount = match leaf.statistic {
        Statistic::Mean => sum.div_euclid(count),
        Statistic::Sum => sum,
        Statistic::Latest => last,
        Statistic::Lowest => values().min().unwrap(),
        Statistic::Highest => values().max().unwrap(),
        Statistic::Median => middle(values().collect()),
    };
    let amount = i64::try_from(amount).unwrap();
    let enough = count >= i128::from(leaf.least_values);
    let truth = if enough { lies(amount, &leaf.bounds) } else { Truth::Unknown };
    told(truth, Some(amount), Some(latest), facts).resting_on(Evidence::state(latest))
}

fn changed(leaf: &Changed, facts: &Facts<'_>) -> Verdict {
    let last = facts.today().plus(-1);
    let after = daily(facts, leaf.metric, last, leaf.days);
    let before = daily(facts, leaf.metric, last.plus(-days(leaf.days)), leaf.days);
    let least = leaf.least_days.max(1) as usize;
    if before.len() < least || after.len() < least {
        return told(Truth::Unknown, None, None, facts);
    }
    let sum = |of: &[(Day, i128)]| of.iter().map(|(_, value)| *value).sum::<i128>();
    let (n_before, n_after) = (before.len() as i128, after.len() as i128);
    // Both over the same denominator.
    let (was, is) = (sum(&before) * n_after, sum(&after) * n_before);
    let way = if leaf.direction == Direction::Fall { was - is } else { is - was };
    let latest = after.last().map(|(day, _)| *day);
    let truth = match leaf.by {
        Change::Amount(by) => Truth::known(way >= i128::from(by.micros()) * n_before * n_after),
        Change::BasisPoints(_) if was == 0 => return told(Truth::Unknown, None, latest, facts),
        Change::BasisPoints(by) => Truth::known(way * 10_000 >= i128::from(by) * was.abs()),
    };
    let mean = |sum: i128, n: i128| i64::try_from(divide_half_even(sum, n)).unwrap();
    let moved = mean(sum(&after), n_after) - mean(sum(&before), n_before);
    told(truth, Some(moved), latest, facts)
}

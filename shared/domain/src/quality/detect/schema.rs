//! Schema: a metric that a source reported as a rule and reports no more, and one that it never reported and now does.
//!
//! Days are those on which the source spoke. A metric that came on `c` of `n` days is missing by chance `k` days in a row
//! with the chance `(1 − (c + 1) / (n + 2))^k`; below one in a hundred thousand it has ended. So a metric of every day is
//! missed after three or four days, and one that comes now and then is not missed at all.

use super::{Finding, Past, Verdict, Weight};
use crate::day::Day;
use crate::signal::Metric;

const CHANCE: f64 = 1e-5;
/// On how many days the source must have spoken while it reported a metric, for it to have a rule.
const MINIMUM_DAYS: u32 = 14;
/// On how many days the source must have spoken without a metric, for it to be a new one.
const DAYS_WITHOUT: usize = 28;
/// For how many days a metric is new.
const NEW_DAYS: usize = 14;
/// How often it must have come since, and on every second day.
const NEW_TIMES: usize = 3;

pub(super) fn verdict(past: &Past<'_>, metric: Metric) -> Verdict {
    let spoke = past.days.iter().filter(|(day, amount)| *day <= past.settled && amount.accepted > 0);
    let spoke: Vec<(Day, bool)> = spoke.map(|(day, amount)| (*day, amount.reports(metric))).collect();
    let Some(begin) = spoke.iter().position(|(_, reported)| *reported) else {
        return Verdict::Insufficient("it came up today".into());
    };
    let (without, with) = spoke.split_at(begin);
    let end = with.iter().rposition(|(_, reported)| *reported).map_or(0, |place| place + 1);
    let (ruled, missed) = with.split_at(end);
    if let (Some((last, _)), Some((since, _))) = (ruled.last(), missed.first()) {
        return ended(ruled, missed.len(), *last, *since);
    }
    let times = with.iter().filter(|(_, reported)| *reported).count();
    let is_new = without.len() >= DAYS_WITHOUT && with.len() <= NEW_DAYS;
    match with.first() {
        Some((since, _)) if is_new && times >= NEW_TIMES && times * 2 >= with.len() => {
            let text = format!("comes since {since}, after {} days without it", without.len());
            Verdict::Found(Finding { weight: Weight::Notice, since: *since, text })
        }
        _ => Verdict::Usual,
    }
}

fn ended(ruled: &[(Day, bool)], missed: usize, last: Day, since: Day) -> Verdict {
    let days = u32::try_from(ruled.len()).unwrap_or(u32::MAX);
    if days < MINIMUM_DAYS {
        return Verdict::Insufficient(format!("{days} days are known, {MINIMUM_DAYS} are needed"));
    }
    let times = u32::try_from(ruled.iter().filter(|(_, reported)| *reported).count()).unwrap_or(u32::MAX);
    let share = f64::from(times + 1) / f64::from(days + 2);
    let chance = (1.0 - share).powi(i32::try_from(missed).unwrap_or(i32::MAX));
    if chance >= CHANCE {
        return Verdict::Usual;
    }
    let text = format!("came on {times} of {days} days until {last}, and on none of the {missed} since");
    Verdict::Found(Finding { weight: Weight::Warning, since, text })
}

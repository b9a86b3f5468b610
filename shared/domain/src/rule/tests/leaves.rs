//! Leaves answered one by one and straight from the account, with their words: what the compiled form must say too.

use crate::band::Band;
use crate::day::Day;
use crate::fixed::{ONE, Quantity, divide_half_even};
use crate::page::Bucket;
use crate::rule::condition::days;
use crate::rule::facts::{Facts, value};
use crate::rule::leaf::{AboveUsual, Absent, AverageBelow, CompetitorSeen, Counted, Trend};
use crate::rule::verdict::{Evidence, Finding, Truth, Verdict};
use crate::signal::Metric;

/// The days with values of a window that ends today.
fn window(facts: &Facts<'_>, metric: Metric, length: u32) -> Vec<(Day, Bucket)> {
    facts.days(metric, facts.today().plus(1).plus(-days(length)), facts.today()).collect()
}

fn count(days: &[(Day, Bucket)]) -> u64 {
    days.iter().map(|(_, bucket)| u64::from(bucket.count)).sum()
}

fn sum(days: &[(Day, Bucket)]) -> i128 {
    days.iter().map(|(_, bucket)| i128::from(bucket.sum)).sum()
}

fn quantity(micros: i128) -> Quantity {
    Quantity::from_micros(i64::try_from(micros).unwrap_or(if micros < 0 { i64::MIN } else { i64::MAX }))
}

/// Events that did not happen leave no data: none is zero, not unknown.
pub fn counted(leaf: &Counted, facts: &Facts<'_>) -> Verdict {
    let name = format!("count of {}", leaf.metric);
    let reset = leaf.since_last.and_then(|metric| Some((metric, facts.last_day_with(metric)?)));
    let mut found = window(facts, leaf.metric, leaf.days);
    found.retain(|(day, _)| reset.is_none_or(|(_, last)| *day > last));
    let events = sum(&found) / i128::from(ONE);
    let mut why = format!("{events} in {} days, {} are needed", leaf.days, leaf.at_least);
    if let Some((metric, day)) = reset {
        why.push_str(&format!("; only those after {metric} on {day} count"));
    }
    let mut finding = Finding::new(name, Truth::known(events >= i128::from(leaf.at_least)), why);
    finding.value = Some(Quantity::whole(i32::try_from(events).unwrap_or(i32::MAX)));
    match found.last() {
        Some((latest, _)) => {
            let evidence = Evidence::events(*latest, u64::try_from(events).unwrap_or(u64::MAX));
            Verdict::leaf(finding.with_age(facts.today().since(*latest))).resting_on(evidence)
        }
        None => Verdict::leaf(finding),
    }
}

pub fn average_below(leaf: &AverageBelow, facts: &Facts<'_>) -> Verdict {
    let name = format!("average of {}", leaf.metric);
    let found = window(facts, leaf.metric, leaf.days);
    let count = count(&found);
    let Some((latest, _)) = found.last() else {
        return Verdict::leaf(Finding::new(name, Truth::Unknown, format!("has no values in {} days", leaf.days)));
    };
    let sum = sum(&found);
    let mean = quantity(divide_half_even(sum, i128::from(count)));
    let low = sum < i128::from(leaf.below.micros()).saturating_mul(i128::from(count));
    let (truth, why) = if count < u64::from(leaf.least_values) {
        (
            Truth::Unknown,
            format!("low n: {count} values, {} are needed; their mean is {}", leaf.least_values, mean.rounded(1)),
        )
    } else {
        (Truth::known(low), format!("the mean of {count} values is {}, the limit {}", mean.rounded(1), leaf.below))
    };
    let finding = Finding::new(name, truth, why).with_value(mean).with_age(facts.today().since(*latest));
    Verdict::leaf(finding).resting_on(Evidence::state(*latest))
}

/// The slope of the least-squares line says how far it falls; Kendall's test says whether that could be chance: with S
/// falling pairs more than rising ones among n values, (S − 1)² > z² · n(n − 1)(2n + 5)/18, one-sided at 5 % (z = 1.645).
pub fn trends_down(leaf: &Trend, facts: &Facts<'_>) -> Verdict {
    let name = format!("trend of {}", leaf.metric);
    let found = window(facts, leaf.metric, leaf.days);
    let count = count(&found);
    let Some((latest, _)) = found.last() else {
        return Verdict::leaf(Finding::new(name, Truth::Unknown, format!("has no values in {} days", leaf.days)));
    };
    let say = |truth, why: String| Finding::new(name.clone(), truth, why).with_age(facts.today().since(*latest));
    if count < u64::from(leaf.least_values) {
        return Verdict::leaf(say(Truth::Unknown, format!("low n: {count} values, {} are needed", leaf.least_values)));
    }
    let points: Vec<(i128, i128)> =
        found.iter().map(|(day, bucket)| (i128::from(day.number()), value(leaf.metric, *bucket))).collect();
    let fall = fall_along_line(&points);
    let falls = fall >= i128::from(leaf.by.micros()) && fall > 0 && is_no_chance(&points);
    let fall = quantity(fall);
    let why = format!("falls by {} over {} days with values, {} is the limit", fall.rounded(1), points.len(), leaf.by);
    Verdict::leaf(say(Truth::known(falls), why).with_value(fall)).resting_on(Evidence::state(*latest))
}

/// How far the least-squares line falls from the first day to the last, in millionths; negative when it rises.
pub fn fall_along_line(points: &[(i128, i128)]) -> i128 {
    let (Some((first, _)), Some((last, _))) = (points.first(), points.last()) else { return 0 };
    let (mut n, mut x_sum, mut y_sum, mut xy, mut xx) = (0_i128, 0_i128, 0_i128, 0_i128, 0_i128);
    for (day, value) in points {
        let x = day - first;
        n += 1;
        x_sum += x;
        xx += x * x;
        y_sum = y_sum.saturating_add(*value);
        xy = xy.saturating_add(value.saturating_mul(x));
    }
    let over = n.saturating_mul(xy).saturating_sub(x_sum.saturating_mul(y_sum));
    divide_half_even(over.saturating_mul(first - last), n * xx - x_sum * x_sum)
}

pub fn is_no_chance(points: &[(i128, i128)]) -> bool {
    let mut surplus = 0_i128;
    for (index, (_, earlier)) in points.iter().enumerate() {
        for (_, later) in points.iter().skip(index + 1) {
            surplus += i128::from(later < earlier) - i128::from(later > earlier);
        }
    }
    let n = i128::try_from(points.len()).unwrap_or(i128::MAX);
    surplus > 0 && (surplus - 1) * (surplus - 1) * 18 * 1_000_000 > 1_645 * 1_645 * n * (n - 1) * (2 * n + 5)
}

pub fn above_usual(leaf: &AboveUsual, facts: &Facts<'_>) -> Verdict {
    let name = format!("usual {}", leaf.metric);
    let values = |first: Day, last: Day| {
        let mut values: Vec<i128> =
            facts.days(leaf.metric, first, last).map(|(_, bucket)| value(leaf.metric, bucket)).collect();
        values.sort_unstable();
        values
    };
    let recent_from = facts.today().plus(1).plus(-days(leaf.recent_days));
    let recent = values(recent_from, facts.today());
    let history = values(recent_from.plus(-days(leaf.history_days)), recent_from.plus(-1));
    let enough = |values: &[i128], least: u32| u32::try_from(values.len()).unwrap_or(u32::MAX) >= least;
    let (Some(latest), true, true) =
        (facts.last_day_with(leaf.metric), enough(&recent, leaf.least_recent), enough(&history, leaf.least_history))
    else {
        let why = format!(
            "has {} recent days and {} days of history; {} and {} are needed",
            recent.len(),
            history.len(),
            leaf.least_recent,
            leaf.least_history
        );
        return Verdict::leaf(Finding::new(name, Truth::Unknown, why));
    };
    let (now, usual) = (nearest_rank(&recent, 50), nearest_rank(&history, leaf.percentile));
    let why = format!(
        "the median of {} recent days is {}, percentile {} of {} earlier days is {}",
        recent.len(),
        quantity(now).rounded(1),
        leaf.percentile,
        history.len(),
        quantity(usual).rounded(1)
    );
    let finding = Finding::new(name, Truth::known(now > usual), why).with_value(quantity(now));
    Verdict::leaf(finding.with_age(facts.today().since(latest))).resting_on(Evidence::state(latest))
}

/// The smallest value that is not below `percentile` percent of the values.
fn nearest_rank(sorted: &[i128], percentile: u32) -> i128 {
    let rank = (sorted.len() * percentile as usize).div_ceil(100);
    sorted.get(rank.saturating_sub(1)).or(sorted.last()).copied().unwrap_or(0)
}

/// As sure as the surest sighting that has not expired.
pub fn competitor_seen(leaf: &CompetitorSeen, facts: &Facts<'_>) -> Verdict {
    let name = "competitor";
    let Some(seen) = facts.series.competitor(facts.now).filter(|seen| seen.confidence >= leaf.confidence_at_least)
    else {
        let why = format!("no sighting with at least {} % counts now", leaf.confidence_at_least);
        return Verdict::leaf(Finding::new(name, Truth::False, why));
    };
    let day = Day::of(seen.at);
    let why = format!("`{}` was seen on {day}, which counts until {}", seen.competitor, Day::of(seen.expires_at));
    let finding = Finding::new(name, Truth::True, why).with_value(seen.confidence).with_age(facts.today().since(day));
    Verdict::leaf(finding)
        .sure_to(u32::try_from(seen.confidence.micros() / ONE).unwrap_or(0))
        .resting_on(Evidence::events(day, 1))
}

/// What was never reported is not missing.
pub fn absent(leaf: &Absent, facts: &Facts<'_>) -> Verdict {
    let name = format!("absence of {}", leaf.metric);
    let Some(latest) = facts.last_day_with(leaf.metric) else {
        return Verdict::leaf(Finding::new(name, Truth::Unknown, "was never reported"));
    };
    let age = facts.today().since(latest);
    let finding = Finding::new(name, Truth::known(age >= days(leaf.days)), format!("was last reported on {latest}"));
    Verdict::leaf(finding.with_age(age)).resting_on(Evidence::state(facts.today()))
}

/// True while the account is in the band and came into it from a better one, or with its first score.
pub fn band_entered(band: Band, facts: &Facts<'_>) -> Verdict {
    let name = format!("band {band}");
    let Some(standing) = facts.standing else {
        return Verdict::leaf(Finding::new(name, Truth::Unknown, "was not scored yet"));
    };
    let day = Day::of(standing.since);
    let came_down = standing.from.is_none_or(|from| from > standing.band);
    let (truth, why) = if standing.provisional {
        (Truth::Unknown, "the score is provisional".to_owned())
    } else if standing.band != band {
        (Truth::False, format!("is {} since {day}", standing.band))
    } else if came_down {
        (Truth::True, format!("came down into it on {day}"))
    } else {
        (Truth::False, format!("came up into it on {day}"))
    };
    let finding = Finding::new(name, truth, why).with_age(facts.today().since(day));
    Verdict::leaf(finding).resting_on(Evidence::events(day, 1))
}

pub fn band_at_most(band: Band, facts: &Facts<'_>) -> Verdict {
    let name = format!("band at most {band}");
    match facts.standing {
        None => Verdict::leaf(Finding::new(name, Truth::Unknown, "was not scored yet")),
        Some(standing) if standing.provisional => {
            Verdict::leaf(Finding::new(name, Truth::Unknown, "the score is provisional"))
        }
        Some(standing) => {
            let low = standing.band <= band;
            let finding = Finding::new(name, Truth::known(low), format!("is {}", standing.band));
            Verdict::leaf(finding).resting_on(Evidence::state(Day::of(standing.since)))
        }
    }
}

/// Whether the account is of a kind: always known.
pub fn member(name: &str, is: bool) -> Verdict {
    Verdict::leaf(Finding::new(
        name,
        Truth::known(is),
        if is { "is one of those named" } else { "is none of those named" },
    ))
}

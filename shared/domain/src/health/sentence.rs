//! A change of score in one sentence, for people.

use super::{Health, reasons};
use crate::fixed::Points;

/// How many reasons are told; the others are counted.
const TOLD: usize = 3;

/// `down 7.2 since Monday: audit fell from 90 % to 73 %, −5.1; csat fell from 95 % to 81 %, −2.1; and 2 smaller`. What is
/// told and what is counted add up to the difference; numbers are rounded to a decimal each.
pub fn sentence(before: &Health, after: &Health, since: &str) -> String {
    let moved = after.score.minus(before.score);
    let way = match moved.micros() {
        0 => return format!("unchanged since {since} at {}", after.score.rounded(1)),
        ..0 => "down",
        _ => "up",
    };
    let reasons = reasons(before, after);
    let mut parts: Vec<String> =
        reasons.iter().take(TOLD).map(|reason| format!("{}, {}", reason.text, signed(reason.delta))).collect();
    let rest = reasons.get(TOLD..).unwrap_or_default();
    if !rest.is_empty() {
        let sum = rest.iter().fold(Points::ZERO, |sum, reason| sum.plus(reason.delta));
        parts.push(format!("and {} smaller, {}", rest.len(), signed(sum)));
    }
    format!("{way} {} since {since}: {}", signed(moved).trim_start_matches(['+', '−']), parts.join("; "))
}

/// With a sign, to a decimal; what is less than that to the first decimal that says something.
fn signed(points: Points) -> String {
    let sign = if points < Points::ZERO { "−" } else { "+" };
    let size = if points < Points::ZERO { Points::ZERO.minus(points) } else { points };
    let says_something = |text: &String| text.chars().any(|digit| ('1'..='9').contains(&digit));
    let text = (1..=6).map(|places| size.rounded(places)).find(says_something);
    format!("{sign}{}", text.unwrap_or_else(|| size.rounded(1)))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{four, score, today};
    use super::*;
    use crate::scorecard::tests::draft;

    fn told(before: [&'static str; 4], after: [&'static str; 4]) -> String {
        let health = |values| score(draft(), &four(values), today()).unwrap();
        sentence(&health(before), &health(after), "Monday")
    }

    #[test]
    fn a_change_is_told_in_a_sentence_that_adds_up() {
        assert_eq!(
            told(["80", "90", "70", "60"], ["79", "73", "70", "60"]),
            "down 5.4 since Monday: audit fell from 90 % to 73 %, −5.1; uptime fell from 80 % to 79 %, −0.3"
        );
        assert_eq!(
            told(["80", "90", "70", "60"], ["79", "73", "71", "90"]),
            "up 0.8 since Monday: renewal rose from 60 % to 90 %, +6.0; audit fell from 90 % to 73 %, −5.1; \
             uptime fell from 80 % to 79 %, −0.3; and 1 smaller, +0.2"
        );
        assert_eq!(told(["80", "90", "70", "60"], ["80", "90", "70", "60"]), "unchanged since Monday at 77.0");
        assert!(told(["80", "90", "70", "60"], ["80.01", "90", "70", "60"]).ends_with("80.01 %, +0.003"));
        assert_eq!(signed("-0.010214".parse().unwrap()), "−0.01", "no more digits than say something");
        assert_eq!((signed("0.06".parse().unwrap()), signed(Points::ZERO)), ("+0.1".into(), "+0.0".into()));
    }
}

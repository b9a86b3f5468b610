//! Evidence: what a step or a gate needs to be shown, and whether what is shown is that.

use super::parameter::Value;
use crate::day::Day;
use crate::fixed::Quantity;
use crate::rule::Facts;
use crate::signal::Metric;
use serde::{Deserialize, Serialize};

/// The longest link, in characters.
pub const MAX_LINK: usize = 500;

/// One thing that has to be shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Evidence {
    /// Its name, one in the whole playbook.
    pub name: String,
    /// What counts.
    pub kind: EvidenceKind,
}

/// What counts as evidence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EvidenceKind {
    /// A link to a document.
    Document,
    /// A number, both ends possible.
    Number {
        /// The least.
        least: Quantity,
        /// The most.
        most: Quantity,
    },
    /// What was measured last, if that is fresh. Nobody gives it: it is read.
    Metric {
        /// Which metric.
        metric: Metric,
        /// Not less than this.
        at_least: Option<Quantity>,
        /// Not more than this.
        at_most: Option<Quantity>,
        /// Older values show nothing.
        within_days: u32,
    },
}

/// Evidence as it was accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shown {
    /// A link to a document.
    Document(String),
    /// A number that somebody gave.
    Number(Quantity),
    /// A number that was measured.
    Measured {
        /// The value.
        value: Quantity,
        /// Its day.
        on: Day,
    },
}

impl Evidence {
    /// Whether it is read and not given.
    pub const fn is_measured(&self) -> bool {
        matches!(self.kind, EvidenceKind::Metric { .. })
    }

    /// Looks at what is given, or reads what was measured. The error says what is wrong and what would be right.
    pub fn examine(&self, given: Option<&Value>, facts: &Facts<'_>) -> Result<Shown, String> {
        match (&self.kind, given) {
            (EvidenceKind::Metric { .. }, Some(_)) => Err("is measured; leave it out".into()),
            (EvidenceKind::Metric { metric, at_least, at_most, within_days }, None) => {
                measured(*metric, *at_least, *at_most, *within_days, facts)
            }
            (EvidenceKind::Document, Some(Value::Text(link))) => {
                check_link(link)?;
                Ok(Shown::Document(link.clone()))
            }
            (EvidenceKind::Document, _) => Err("is missing; give a link to the document".into()),
            (EvidenceKind::Number { least, most }, Some(Value::Number(number))) => {
                if number < least || number > most {
                    return Err(format!("is {number}; it has to be between {least} and {most}"));
                }
                Ok(Shown::Number(*number))
            }
            (EvidenceKind::Number { least, most }, _) => {
                Err(format!("is missing; give a number between {least} and {most}"))
            }
        }
    }
}

fn measured(
    metric: Metric,
    at_least: Option<Quantity>,
    at_most: Option<Quantity>,
    within_days: u32,
    facts: &Facts<'_>,
) -> Result<Shown, String> {
    let Some((on, value)) = facts.series.latest(metric, facts.today()) else {
        return Err(format!("is not known: `{metric}` was never measured"));
    };
    if facts.today().since(on) > i32::try_from(within_days).unwrap_or(i32::MAX) {
        return Err(format!("is not known: `{metric}` was last measured on {on}, more than {within_days} days ago"));
    }
    if let Some(least) = at_least.filter(|least| value < *least) {
        return Err(format!("is not shown: `{metric}` is {value}, below {least}"));
    }
    if let Some(most) = at_most.filter(|most| value > *most) {
        return Err(format!("is not shown: `{metric}` is {value}, above {most}"));
    }
    Ok(Shown::Measured { value, on })
}

/// A link is an absolute https address without spaces.
pub fn check_link(link: &str) -> Result<(), String> {
    let host = link.strip_prefix("https://").map(|rest| rest.split(['/', '?', '#']).next().unwrap_or_default());
    let length = link.chars().count();
    match host {
        _ if length > MAX_LINK => Err(format!("has {length} characters; a link has at most {MAX_LINK}")),
        Some(host) if is_host(host) && !link.chars().any(|c| c.is_whitespace() || c.is_control()) => Ok(()),
        _ => Err("is no link; give an address that begins with https:// and names a host".into()),
    }
}

fn is_host(host: &str) -> bool {
    let name = host.split_once(':').map_or(host, |(name, _)| name);
    name.contains('.')
        && name
            .split('.')
            .all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a66_a_link_is_an_https_address_that_names_a_host() {
        for link in ["https://docs.example.com", "https://docs.example.com:8443/a/b?c#d"] {
            assert_eq!(check_link(link), Ok(()), "{link}");
        }
        let long = format!("https://docs.example.com/{}", "x".repeat(MAX_LINK));
        for link in [
            "",
            "docs",
            "http://docs.example.com",
            "https://",
            "https:///x",
            "https://docs",
            "https://a b.c",
            "https://a.b/c d",
            &long,
        ] {
            assert!(check_link(link).is_err(), "{link}");
        }
    }
}

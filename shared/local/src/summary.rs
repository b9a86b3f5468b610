//! What the first run prints: the portfolio as it stands, and how much of what was planted in it was found. Nothing in
//! it depends on the wall's time, so that the same seed prints the same bytes.

use crate::sample::Assessment;
use comfy_table::{ContentArrangement, Table, presets};
use contract::backtest::{RuleTallyBody, RulesDryRunAnswer, RulesJudgementBody, TallyBody};
use contract::comparison::{DryRunAnswer, SideBody};
use contract::report::LivePerformance;
use std::collections::BTreeMap;
use std::io::{self, Write};

/// How many falls are printed.
const FALLS: usize = 5;
/// How many open calls to action and escalations are printed.
const OPEN: usize = 10;
/// How wide a table is, in characters.
const WIDTH: u16 = 118;

/// Prints the portfolio as it stands.
pub fn portfolio(out: &mut impl Write, live: &LivePerformance) -> io::Result<()> {
    writeln!(out, "{} accounts on {:.0}", live.accounts, live.as_of)?;
    let bands = live.bands.iter().map(|band| [band.band.clone(), band.accounts.to_string()]);
    table(out, "Accounts by band", ["band", "accounts"], bands)?;

    let falls = live.falls.iter().take(FALLS).map(|fall| {
        let reasons = fall.reasons.iter().take(3).cloned().collect::<Vec<_>>().join("; ");
        [
            fall.name.clone(),
            fall.band.clone(),
            fall.score.clone(),
            format!("-{}", fall.fell.trim_start_matches('-')),
            reasons,
        ]
    });
    table(out, "Biggest falls of the last 30 days", ["account", "band", "score", "fell", "why"], falls)?;

    let ctas = live.open_ctas.iter().take(OPEN).map(|cta| {
        let owner = cta.owner.clone().unwrap_or_else(|| "nobody".to_owned());
        [cta.name.clone(), cta.rule.clone(), owner, format!("{:.0}", cta.due_at), cta.reason.clone()]
    });
    let title = titled("Open calls to action", live.open_cta_count, live.open_ctas.len());
    table(out, &title, ["account", "rule", "owner", "due", "why"], ctas)?;

    let escalations = live.open_escalations.iter().take(OPEN).map(|escalation| {
        let left = escalation.seconds_to_breach.map_or_else(|| "no clock runs".to_owned(), left);
        [
            escalation.name.clone(),
            format!("{:?}", escalation.severity).to_lowercase(),
            escalation.role.clone(),
            left,
            escalation.reason.clone(),
        ]
    });
    let title = titled("Open escalations", live.open_escalation_count, live.open_escalations.len());
    table(out, &title, ["account", "severity", "with", "time to breach", "why"], escalations)
}

/// Prints how much of what was planted was found.
pub fn planted(out: &mut impl Write, rules: &BTreeMap<String, Assessment>) -> io::Result<()> {
    let sum = |count: fn(&Assessment) -> u32| rules.values().map(count).sum::<u32>().to_string();
    let all = ["all".to_owned(), sum(|rule| rule.found), sum(|rule| rule.missed), sum(|rule| rule.false_)];
    let rows = rules.iter().map(|(rule, assessment)| {
        let Assessment { found, missed, false_ } = assessment;
        [rule.clone(), found.to_string(), missed.to_string(), false_.to_string()]
    });
    table(out, "What was planted in the sample", ["rule", "found", "missed", "false"], rows.chain([all]))
}

/// Prints what two scorecards make of a portfolio.
pub fn dry_run(out: &mut impl Write, answer: &DryRunAnswer) -> io::Result<()> {
    let found = &answer.found;
    let changed = found.changed_band;
    writeln!(out, "{} customers on {:.0}: {changed} would be in another band", found.accounts, answer.as_of)?;
    let name = |band: &Option<String>| band.clone().unwrap_or_else(|| "none".to_owned());
    let moves = found.moves.iter().filter(|moved| moved.from != moved.to);
    let rows = moves.map(|moved| {
        let arr = format!("{}.{:02}", moved.arr_cents / 100, moved.arr_cents % 100);
        [name(&moved.from), name(&moved.to), moved.accounts.to_string(), arr]
    });
    table(out, "Who would change band", ["from", "to", "accounts", "yearly revenue"], rows)?;

    let rows = found.movers.iter().map(|mover| {
        [mover.account.clone(), mover.today.clone(), mover.candidate.clone(), name(&mover.from), name(&mover.to)]
    });
    table(out, "The largest differences", ["account", "today", "candidate", "band", "would be"], rows)?;

    let (today, candidate) = (&found.today, &found.candidate);
    let row = |what: &str, of: &dyn Fn(&SideBody) -> String| [what.to_owned(), of(today), of(candidate)];
    let or_none = |value: &Option<String>| value.clone().unwrap_or_else(|| "none to judge".to_owned());
    let alert = format!("`{}` or lower", answer.alert_at);
    let rows = [
        row(&format!("customers in {alert}"), &|side| side.alerting.to_string()),
        row(&format!("falls into {alert} in a week"), &|side| side.alerts_per_week.clone()),
        row("provisional", &|side| side.provisional.to_string()),
        row("judged", &|side| format!("{}, of which {} left", side.judged, side.judged_left)),
        row("AUC", &|side| or_none(&side.auc)),
        row("precision", &|side| or_none(&side.precision)),
        row("base rate", &|side| or_none(&side.base_rate)),
        row("recall", &|side| or_none(&side.recall)),
        row("leavers warned", &|side| format!("{} of {}", side.warned, side.leavers)),
        row("warned 90 days before", &|side| format!("{} of {}", side.warned_90_days, side.leavers_90_days)),
        row("median lead", &|side| {
            side.median_lead_days.map_or_else(|| "none".to_owned(), |days| format!("{days} days"))
        }),
    ];
    let title = format!(
        "{} days in steps of {}; a score is judged by who left within {} days",
        answer.days, answer.step_days, answer.horizon_days
    );
    table(out, &title, ["", "today", "candidate"], rows.into_iter())
}

/// Prints what two sets of rules make of a portfolio.
pub fn rules_dry_run(out: &mut impl Write, answer: &RulesDryRunAnswer) -> io::Result<()> {
    let found = &answer.found;
    writeln!(out, "{} customers on {:.0}: `{}` beside the rules that hold", found.accounts, answer.as_of, answer.name)?;
    let none = || "-".to_owned();
    let pair = |rule: &RuleTallyBody, of: fn(&TallyBody) -> u64| {
        let text = |tally: Option<TallyBody>| tally.map_or_else(none, |tally| of(&tally).to_string());
        [text(rule.today), text(rule.candidate)]
    };
    let rows = found.rules.iter().map(|rule| {
        let [live, would_live] = pair(rule, |tally| tally.live);
        let [opens, would_open] = pair(rule, |tally| tally.opens);
        let [opened, would_have] = pair(rule, |tally| tally.opened);
        [rule.rule.clone(), live, would_live, opens, would_open, opened, would_have]
    });
    let header = ["rule", "open", "would be", "opens now", "would", "opened", "would have"];
    table(out, &format!("Calls to action by rule; those opened are of {} days", answer.days), header, rows)?;

    let priority = |priority: Option<i64>| priority.map_or_else(none, |priority| priority.to_string());
    let rows = found.changes.iter().map(|one| {
        [one.account.clone(), one.rule.clone(), one.change.clone(), priority(one.before), priority(one.after)]
    });
    table(out, "What would be another one now", ["account", "rule", "", "priority", "would be"], rows)?;

    let people = &found.people;
    let rows = people.most.iter().map(|one| [one.person.clone(), one.today.clone(), one.candidate.clone()]);
    let span = if people.days == 0 { "at once" } else { "a week" };
    let who = if people.everybody { "people" } else { "people, who stand for all" };
    table(out, &format!("Asked of {} {who}, {span}", people.people), ["person", "today", "candidate"], rows)?;

    let rows = found.held.iter().map(|held| [held.rule.clone(), held.reason.clone()]);
    table(out, "Rules that would be held", ["rule", "because"], rows)?;

    let (Some(today), Some(candidate)) = (&found.today, &found.candidate) else { return Ok(()) };
    let row = |what: &str, of: &dyn Fn(&RulesJudgementBody) -> String| [what.to_owned(), of(today), of(candidate)];
    let or_none = |value: &Option<String>| value.clone().unwrap_or_else(|| "none to judge".to_owned());
    let rows = [
        row("judged", &|side| format!("{}, of which {} left", side.judged, side.judged_left)),
        row("precision", &|side| or_none(&side.precision)),
        row("base rate", &|side| or_none(&side.base_rate)),
        row("recall", &|side| or_none(&side.recall)),
        row("leavers warned", &|side| format!("{} of {}", side.warned, side.leavers)),
        row("median lead", &|side| side.median_lead_days.map_or_else(none, |days| format!("{days} days"))),
    ];
    let title = format!(
        "{} days up to {} in steps of {}; a risk is judged by who left within {} days",
        answer.days, answer.until, answer.step_days, answer.horizon_days
    );
    table(out, &title, ["", "today", "candidate"], rows.into_iter())
}

fn titled(what: &str, count: u64, listed: usize) -> String {
    let shown = listed.min(OPEN);
    if count > shown as u64 { format!("{what}: {count}, the first {shown}") } else { format!("{what}: {count}") }
}

fn table<const N: usize>(
    out: &mut impl Write,
    title: &str,
    header: [&str; N],
    rows: impl Iterator<Item = [String; N]>,
) -> io::Result<()> {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_content_arrangement(ContentArrangement::Dynamic).set_width(WIDTH).set_header(header);
    table.add_rows(rows);
    writeln!(out, "\n{title}")?;
    if table.row_count() == 0 { writeln!(out, "  none") } else { writeln!(out, "{}", table.trim_fmt()) }
}

/// A time until a breach, or since one.
fn left(seconds: i64) -> String {
    let minutes = seconds.unsigned_abs() / 60;
    let time = match (minutes / 1440, minutes / 60 % 24, minutes % 60) {
        (0, 0, minutes) => format!("{minutes} min"),
        (0, hours, minutes) => format!("{hours} h {minutes} min"),
        (days, hours, _) => format!("{days} d {hours} h"),
    };
    if seconds < 0 { format!("breached {time} ago") } else { time }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_to_breach_is_told_in_the_units_that_matter() {
        assert_eq!(left(59), "0 min");
        assert_eq!(left(3_600 + 120), "1 h 2 min");
        assert_eq!(left(2 * 86_400 + 3 * 3_600 + 59), "2 d 3 h");
        assert_eq!(left(-60), "breached 1 min ago");
    }

    #[test]
    fn rules_are_printed_with_their_sum() {
        let rules = BTreeMap::from([
            ("a".to_owned(), Assessment { found: 2, missed: 1, false_: 0 }),
            ("b".to_owned(), Assessment { found: 3, missed: 0, false_: 4 }),
        ]);
        let mut out = Vec::new();
        planted(&mut out, &rules).unwrap();
        let text = String::from_utf8(out).unwrap();
        let last: Vec<&str> =
            text.lines().filter(|line| line.contains("all")).flat_map(str::split_whitespace).collect();
        assert_eq!(last, ["all", "5", "1", "4"]);
    }

    #[test]
    fn what_is_left_out_is_counted() {
        assert_eq!(titled("Open", 12, 12), "Open: 12, the first 10");
        assert_eq!(titled("Open", 3, 3), "Open: 3");
    }
}

//! What the CRM, the surveys and the calendar say: outcomes, the contract, answers, meetings, competitors.

use super::desk::{Desk, MILLION, pull, within};
use super::story::Plot;
use contract::signal::{CompetitorBody, MeetingBody, SignalBody};
use domain::id::MeetingId;
use domain::signal::{MeetingResult, Metric};

/// Everything of one account on one day that people, not machines, report.
pub(super) fn records(desk: &Desk) -> Vec<SignalBody> {
    if desk.actor.gone(desk.day) {
        return Vec::new();
    }
    let mut records = contract(desk);
    records.extend(outcomes(desk));
    records.extend(rivals(desk));
    records.extend(answers(desk));
    records.extend(opinions(desk));
    records.extend(meetings(desk));
    records
}

/// Values that move between two levels with the account's strain.
fn figures(desk: &Desk, source: &str, first: u64, figures: &[(Metric, i64, i64, i64)]) -> Vec<SignalBody> {
    let strain = desk.actor.strain(desk.day);
    (first..)
        .zip(figures)
        .filter_map(|(decision, (metric, well, broken, noise))| {
            let value = pull(well * MILLION, broken * MILLION, strain) + desk.dice(decision).noise(noise * MILLION);
            desk.daily(source, *metric, within(*metric, value / 10_000 * 10_000))
        })
        .collect()
}

fn contract(desk: &Desk) -> Vec<SignalBody> {
    let mut records = Vec::new();
    if desk.is_turn(7) {
        records.extend(figures(desk, "crm", 40, &[(Metric::RenewalProbability, 94, 20, 2)]));
    }
    if desk.is_turn(28) || desk.day == 0 {
        records.extend(figures(desk, "crm", 41, &[(Metric::ReferenceWillingness, 88, 10, 3)]));
    }
    if desk.day == desk.actor.renewal {
        let micros = desk.actor.renewed_cents() * (MILLION / 100);
        records.extend(desk.daily("crm", Metric::ContractValue, micros));
    }
    records
}

fn outcomes(desk: &Desk) -> Vec<SignalBody> {
    if !desk.is_turn(28) && desk.day != 0 {
        return Vec::new();
    }
    let measured = [
        (Metric::CostSaving, 80, 20, 2),
        (Metric::TimeToValue, 21, 120, 1),
        (Metric::EffortReduction, 88, 25, 2),
        (Metric::AuditCompleteness, 100, 60, 0),
    ];
    figures(desk, "crm", 50, &measured)
}

/// Competitors: seen for sure, or rumoured.
fn rivals(desk: &Desk) -> Option<SignalBody> {
    let confidence = match (desk.actor.plot, desk.actor.plot_day(desk.day)?) {
        (Plot::Competitor, 0) => 85,
        (Plot::Rumour, 0) => 20,
        _ => return None,
    };
    let key = format!("rival-{}", desk.day);
    let seen = desk.record("crm", &key, Metric::CompetitorSeen, 10 * 60, confidence * MILLION)?;
    let expires_at = desk.start.plus(desk.day + 45).start();
    Some(SignalBody { competitor: Some(CompetitorBody { name: "Rival Systems".into(), expires_at }), ..seen })
}

/// Answers to "would you recommend us": every eighth day three promoters and a passive in turn, unless the plot differs.
fn answers(desk: &Desk) -> Option<SignalBody> {
    const WELL: [i64; 4] = [9, 10, 9, 8];
    const BAD: [i64; 9] = [3, 9, 5, 2, 6, 10, 4, 8, 5];
    const NOISY: [i64; 4] = [4, 9, 6, 10];
    let actor = desk.actor;
    let turn = usize::try_from((i64::from(desk.day) + actor.index * 3) / 8).unwrap_or(0);
    let answer = match (actor.plot, actor.plot_day(desk.day)) {
        (Plot::FewAnswers, Some(into)) if into % 5 == 0 => *NOISY.get(usize::try_from(into / 5).ok()?)?,
        (Plot::FewAnswers, _) => return None,
        (Plot::Complaints, Some(into)) if into < 9 => *BAD.get(usize::try_from(into).ok()?)?,
        (Plot::Collapse, Some(into)) if into >= 15 && desk.is_turn(8) => desk.dice(60).between(1, 6),
        _ if desk.is_turn(8) => *WELL.get(turn % WELL.len())?,
        _ => return None,
    };
    desk.record("survey", &format!("nps-{}", desk.day), Metric::NpsAnswer, 14 * 60 + actor.index, answer * MILLION)
}

fn opinions(desk: &Desk) -> Vec<SignalBody> {
    if !desk.is_turn(7) || desk.actor.plot == Plot::FewAnswers {
        return Vec::new();
    }
    // Only where all breaks do words turn sour: elsewhere the slope of the sentiment would be a complaint of its own.
    let sour = if desk.actor.plot == Plot::Collapse { -60 } else { 48 };
    figures(desk, "survey", 61, &[(Metric::Csat, 97, 45, 1), (Metric::Sentiment, 48, sour, 4)])
}

/// A meeting with the executive sponsor every fourth week, a working meeting every second, and what the plot adds.
fn meetings(desk: &Desk) -> Vec<SignalBody> {
    let mut records = Vec::new();
    let plot_day = desk.actor.plot_day(desk.day);
    if desk.is_turn(28) {
        let lost = desk.actor.plot == Plot::Collapse && plot_day.is_some_and(|day| day >= 15);
        records.extend(meeting(
            desk,
            "executive",
            true,
            if lost { MeetingResult::Declined } else { MeetingResult::Held },
        ));
    }
    if desk.is_turn(14) {
        records.extend(meeting(desk, "working", false, MeetingResult::Held));
    }
    let extra = match (desk.actor.plot, plot_day) {
        (Plot::MissedMeetings | Plot::Collapse, Some(0))
        | (Plot::OneMissed, Some(0))
        | (Plot::NewSponsor, Some(0 | 20)) => Some(MeetingResult::Missed),
        (Plot::MissedMeetings | Plot::Collapse, Some(14)) => Some(MeetingResult::Declined),
        _ => None,
    };
    records.extend(extra.and_then(|result| meeting(desk, "review", true, result)));
    if desk.actor.plot == Plot::NewSponsor && plot_day == Some(10) {
        records.extend(desk.record("crm", &format!("sponsor-{}", desk.day), Metric::SponsorReplaced, 11 * 60, MILLION));
    }
    records.extend(reply_time(desk));
    records
}

/// Weekly, in turns: no recent median lies above what was usual before, unless the plot says so.
fn reply_time(desk: &Desk) -> Option<SignalBody> {
    const HOURS: [i64; 4] = [9, 12, 10, 12];
    if !desk.is_turn(7) {
        return None;
    }
    let turn = usize::try_from((i64::from(desk.day) + desk.actor.index * 3) / 7).unwrap_or(0);
    let hours = *HOURS.get(turn % HOURS.len())? * MILLION;
    let late = if desk.actor.plot == Plot::Collapse { hours * 8 } else { hours };
    desk.daily("calendar", Metric::ExecutiveReplyTime, pull(hours, late, desk.actor.strain(desk.day)))
}

fn meeting(desk: &Desk, what: &str, executive: bool, result: MeetingResult) -> Option<SignalBody> {
    let key = format!("{what}-{}", desk.day);
    let event = desk.record("calendar", &key, Metric::MeetingEvent, 15 * 60 + desk.actor.index, MILLION)?;
    let id = MeetingId::new(format!("{}-{key}", desk.actor.id)).ok()?;
    Some(SignalBody { meeting: Some(MeetingBody { id, result, executive }), ..event })
}

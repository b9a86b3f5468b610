//! What the ticketing system says: cases from opening to solution.

use super::desk::{DAY_MINUTES, Desk, MILLION};
use super::story::{Actor, Plot};
use contract::signal::{CaseBody, SignalBody};
use domain::id::CaseId;
use domain::signal::{CaseStatus, Metric, Severity};

/// A step of a case: minutes since it was opened, and where it is from then on.
type Step = (i64, CaseStatus);

use CaseStatus::{InProgress, Opened, Resolved, Responded, WaitingOnCustomer};

const QUESTION: &[Step] = &[(0, Opened), (65, Responded), (400, Resolved)];
const MINOR: &[Step] = &[(0, Opened), (40, Responded), (130, WaitingOnCustomer), (260, InProgress), (430, Resolved)];
const SEVERE: &[Step] = &[(0, Opened), (30, Responded), (90, WaitingOnCustomer), (150, InProgress), (360, Resolved)];
/// Two days of waiting: longer than the time to solve it, which pauses meanwhile.
const WAITS: &[Step] = &[(0, Opened), (30, Responded), (60, WaitingOnCustomer), (2_940, InProgress), (3_180, Resolved)];
/// Nobody answers; it is found and solved on the next day.
const IGNORED: &[Step] = &[(0, Opened), (1_800, Resolved)];
/// Answered, and not solved when the sample ends.
const LAST: &[Step] = &[(0, Opened), (45, Responded)];

/// The longest course of a case, in days: how far back a day must look.
const LONGEST_DAYS: i32 = 3;

/// The case records of one account on one day.
pub(super) fn records(desk: &Desk) -> Vec<SignalBody> {
    let mut records = Vec::new();
    for opened_on in (desk.day - LONGEST_DAYS).max(0)..=desk.day {
        if let Some(case) = case(&Desk { day: opened_on, ..*desk }) {
            records.extend(case.records(desk, opened_on));
        }
    }
    records
}

struct Case {
    severity: Severity,
    /// The minute of the day on which it was opened.
    minute: i64,
    steps: &'static [Step],
}

/// The case that the account opens on this day, if it opens one.
fn case(desk: &Desk) -> Option<Case> {
    let Actor { plot, .. } = desk.actor;
    if desk.actor.gone(desk.day + LONGEST_DAYS) {
        return None;
    }
    let mut dice = desk.dice(20);
    let minute = dice.between(7 * 60, 13 * 60);
    let planted = match (plot, desk.actor.plot_day(desk.day)) {
        (Plot::Incidents, Some(0 | 5 | 10)) | (Plot::RareIncidents, Some(0 | 21)) => Some((Severity::High, SEVERE)),
        (Plot::Unanswered, Some(0)) => Some((Severity::Critical, IGNORED)),
        (Plot::LongWait, Some(0)) => Some((Severity::High, WAITS)),
        (Plot::OpenAtTheEnd, Some(0)) => return Some(Case { severity: Severity::High, minute: 20 * 60, steps: LAST }),
        _ => None,
    };
    let (severity, steps) = match planted {
        Some(planted) => planted,
        None if dice.per_mille(30) => (Severity::Medium, MINOR),
        None if dice.per_mille(60) => (Severity::Low, QUESTION),
        None => return None,
    };
    Some(Case { severity, minute, steps })
}

impl Case {
    /// The steps of the case that fall on this day.
    fn records(&self, desk: &Desk, opened_on: i32) -> Vec<SignalBody> {
        let day = |minute: i64| i64::from(opened_on) + minute.div_euclid(DAY_MINUTES) == i64::from(desk.day);
        self.steps
            .iter()
            .map(|(after, status)| (self.minute + after, *status))
            .filter(|(minute, _)| day(*minute))
            .filter_map(|(minute, status)| self.record(desk, opened_on, minute.rem_euclid(DAY_MINUTES), status))
            .collect()
    }

    fn record(&self, desk: &Desk, opened_on: i32, minute: i64, status: CaseStatus) -> Option<SignalBody> {
        let case = format!("{}-case-{opened_on}", desk.actor.id);
        let key = format!("case-{opened_on}-{}-{minute}", desk.day);
        let event = desk.record("support", &key, Metric::CaseEvent, minute, MILLION)?;
        Some(SignalBody { case: Some(CaseBody::new(CaseId::new(case).ok()?, self.severity, status)), ..event })
    }
}

//! The work that stories tell of, as pieces at steps.

use super::Piece;
use crate::story::{Second, Story};
use jiff::Timestamp;

/// The pieces of work of an account. A call to action is not begun before it is carried out, as far as anybody says; what
/// ended by itself was no work.
pub fn pieces(story: &Story) -> Vec<Piece> {
    let mut found = Vec::new();
    for cta in story.ctas.values() {
        let Some(rule) = &cta.rule else { continue };
        let ended = cta.ended();
        if ended.is_some_and(|ending| ending.how == "cleared") {
            continue;
        }
        let done = ended.map(|ending| ending.at);
        found.extend(piece(format!("call to action {rule}"), cta.opened, done, done));
    }
    for escalation in story.escalations.values() {
        let Some(route) = escalation.route() else { continue };
        let begun = escalation.taken_on.or(escalation.resolved());
        found.extend(piece(format!("escalation {route}"), escalation.opened, begun, escalation.resolved()));
    }
    for case in story.cases.values() {
        let step = format!("case {}", case.severity.name());
        found.extend(piece(step, Some(case.opened), case.answered, case.resolved));
    }
    for step in story.steps.values() {
        found.extend(piece(format!("step {}", step.step), step.opened, step.settled, step.settled));
    }
    found
}

fn piece(step: String, came: Option<Second>, begun: Option<Second>, done: Option<Second>) -> Option<Piece> {
    let moment = |second: Option<Second>| Timestamp::from_second(second?).ok();
    Some(Piece { step, came: moment(came)?, begun: moment(begun), done: moment(done) })
}

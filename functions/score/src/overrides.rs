//! `PUT` and `DELETE /accounts/{id}/health/overrides/{subject}`: a person's word over what was computed.

use crate::Score;
use crate::evaluate::{Refusal, Said, Spoken};
use crate::read;
use contract::event::FunctionName;
use contract::problem::Fault;
use contract::score::OverrideRequest;
use domain::health::{Override, OverrideError, Trigger, Word};
use platform::http::{self, Caller, Problem, Request, Response};

/// `PUT`: says so.
pub async fn put(score: &Score, caller: &Caller, request: &Request) -> Result<Response, Problem> {
    let body: OverrideRequest = http::read_json(request)?;
    let word = Override {
        word: word(subject(request), &body)?,
        reason: body.reason,
        author: caller.subject.clone(),
        set_at: score.ports.clock.now(),
        expires_at: body.expires_at,
    };
    say(score, caller, request, Spoken::Set(word)).await
}

/// `DELETE`: no longer says so.
pub async fn delete(score: &Score, caller: &Caller, request: &Request) -> Result<Response, Problem> {
    say(score, caller, request, Spoken::TakenBack(subject(request).to_owned())).await
}

fn subject(request: &Request) -> &str {
    request.parameters.get("subject").map(String::as_str).unwrap_or_default()
}

fn word(subject: &str, body: &OverrideRequest) -> Result<Word, Problem> {
    let refused = |path, reason: &str| Problem::invalid("the override is not valid", vec![Fault::new(path, reason)]);
    match (subject, body.points, body.band) {
        ("band", None, Some(band)) => Ok(Word::Band(band)),
        ("band", ..) => Err(refused("band", "is what an override of the band has; give it, and no points")),
        ("score", Some(points), None) => Ok(Word::Score(points)),
        (measure, Some(points), None) => Ok(Word::Measure { measure: measure.to_owned(), points }),
        (_, _, _) => Err(refused("points", "are what an override of a score or a measure has; give them, and no band")),
    }
}

async fn say(score: &Score, caller: &Caller, request: &Request, word: Spoken) -> Result<Response, Problem> {
    let account = super::account(request)?;
    let said = Said::new(word);
    let mut evaluation = score.evaluation(request.cause(caller, FunctionName::Score), &account, Trigger::News, None);
    evaluation.said = Some(&said);
    evaluation.run(&request.cause_id(caller, FunctionName::Score)).await?;
    if let Some(refusal) = said.refusal() {
        return Err(problem(&refusal));
    }
    read::health(&score.ports, &score.cards, caller, request).await
}

fn problem(refusal: &Refusal) -> Problem {
    let path = match refusal {
        Refusal::NotScored | Refusal::Blank | Refusal::Override(OverrideError::TooMany) => {
            return Problem::conflict(refusal.to_string());
        }
        Refusal::NoMeasure(_) => "subject",
        Refusal::Override(OverrideError::Reason(_)) => "reason",
        Refusal::Override(OverrideError::Expiry { .. }) => "expires_at",
        Refusal::Override(OverrideError::Points(_)) => "points",
    };
    Problem::invalid("the override is not valid", vec![Fault::new(path, refusal.to_string())])
}

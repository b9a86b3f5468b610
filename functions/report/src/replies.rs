//! What people say: to a proposal, that a customer was told, and that an account is asked for a reference. It is not in any
//! fact, so it is kept beside the read models and lasts when these are built anew.

use crate::story;
use async_trait::async_trait;
use contract::analytics::{ReferenceRequest, RepliesAnswer, ToldRequest, VerdictRequest};
use contract::event::FunctionName;
use contract::problem::Fault;
use domain::id::AccountId;
use domain::insight::advice::{Action, MAX_CAUSE, Replies, Verdict};
use domain::insight::advocacy::{AdvocacyPolicy, objections};
use domain::insight::voice::MAX_THEME;
use domain::story::{Second, Story};
use platform::function::{Failure, Ports};
use platform::http::{self, Caller, Problem, Request, Response};
use platform::keys;
use platform::once::{self, Decide, Effect};
use std::sync::{Mutex, PoisonError};

/// `POST /accounts/{id}/advice/{action}`.
pub async fn verdict(ports: &Ports, caller: &Caller, request: &Request) -> Result<Response, Problem> {
    let name = request.parameters.get("action").map(String::as_str).unwrap_or_default();
    let action = Action::named(name).ok_or_else(|| Problem::not_found("proposal", name))?;
    let body: VerdictRequest = http::read_json(request)?;
    let cause = words("cause", &body.cause)?;
    let (by, at) = (caller.subject.clone(), ports.clock.now().as_second());
    let said = Word::Verdict(action, Verdict { at, accepted: body.accepted, by, cause });
    say(ports, caller, request, said).await
}

/// `POST /accounts/{id}/feedback-told`.
pub async fn told(ports: &Ports, caller: &Caller, request: &Request) -> Result<Response, Problem> {
    let body: ToldRequest = http::read_json(request)?;
    let known = body.theme.starts_with("case:") || body.theme.starts_with("survey:");
    if !known || body.theme.chars().count() > MAX_THEME {
        let reason = "is no theme; give one that `GET /analytics/voice` names";
        return Err(Problem::invalid("the request has faults", vec![Fault::new("theme", reason)]));
    }
    say(ports, caller, request, Word::Told(body.theme)).await
}

/// `POST /accounts/{id}/references`.
pub async fn reference(ports: &Ports, caller: &Caller, request: &Request) -> Result<Response, Problem> {
    let body: ReferenceRequest = http::read_json(request)?;
    let what = words("what", &body.what)?;
    say(ports, caller, request, Word::Reference(what)).await
}

fn words(path: &str, text: &str) -> Result<String, Problem> {
    let length = text.chars().count();
    if !text.trim().is_empty() && length <= MAX_CAUSE {
        return Ok(text.to_owned());
    }
    let fault = Fault::new(path, format!("has {length} characters; give 1 to {MAX_CAUSE}"));
    Err(Problem::invalid("the request has faults", vec![fault]))
}

enum Word {
    Verdict(Action, Verdict),
    Told(String),
    Reference(String),
}

/// Keeps a word, once for each request.
struct Keep<'a> {
    word: &'a Word,
    story: &'a Story,
    now: Second,
    /// Why an account is not to be asked: known only once what was said is read.
    refused: Mutex<Vec<String>>,
}

#[async_trait]
impl Decide for Keep<'_> {
    type State = Replies;

    async fn decide(&self, state: Option<Replies>) -> Result<Option<Effect<Replies>>, Failure> {
        let mut replies = state.unwrap_or_default();
        match self.word {
            Word::Verdict(action, verdict) => replies.say(*action, verdict.clone()),
            Word::Told(theme) => drop(replies.told.insert(theme.clone(), self.now)),
            Word::Reference(what) => {
                let objections = objections(self.story, &replies.uses, &AdvocacyPolicy::default(), self.now);
                let is_refused = !objections.is_empty();
                *self.refused.lock().unwrap_or_else(PoisonError::into_inner) = objections;
                if is_refused {
                    return Ok(None);
                }
                replies.uses.add(self.now, what.clone());
            }
        }
        Ok(Some(Effect::new(replies, Vec::new())))
    }
}

async fn say(ports: &Ports, caller: &Caller, request: &Request, word: Word) -> Result<Response, Problem> {
    let name = request.parameters.get("id").map(String::as_str).unwrap_or_default();
    let not_found = || Problem::not_found("account", name);
    let account = AccountId::new(name).map_err(|_| not_found())?;
    let story = story::one(ports, &caller.tenant, &account).await?.ok_or_else(not_found)?;
    let now = ports.clock.now();
    let keep = Keep { word: &word, story: &story, now: now.as_second(), refused: Mutex::default() };
    let key = keys::replies(&caller.tenant, &account);
    once::handle(ports, &key, &request.cause_id(caller, FunctionName::Report), &keep).await?;
    let refused = keep.refused.into_inner().unwrap_or_else(PoisonError::into_inner);
    if !refused.is_empty() {
        return Err(Problem::conflict(format!("`{account}` is not to be asked now: it {}", refused.join(", and "))));
    }
    let item = ports.table.get(&key).await?;
    let replies: Replies = item.as_ref().map(once::state_of).transpose()?.unwrap_or_default();
    Response::json(200, &RepliesAnswer::of(account.to_string(), &replies, now))
}

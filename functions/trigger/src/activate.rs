//! Which rules hold, and how others come to hold: by an activation that names the dry run it is based on. A rule that a
//! kill switch holds is let go by a person.

use crate::book::{Books, change_id, held};
use crate::dry_run::{self, Found, Question};
use crate::openings;
use async_trait::async_trait;
use contract::backtest::{ActivateRequest, RulesAnswer};
use contract::event::{Cause, Event, FunctionName, RuleReleased, RulesActivated};
use contract::execution::ReasonRequest;
use contract::problem::Fault;
use domain::digest::Digest;
use domain::id::{CauseId, PersonId, RuleId, TenantId};
use domain::rule::{MAX_REASON, RuleSet};
use domain::rulebook::{Activation, Cause as Why, Release, Rulebook, TRIED_WITHIN};
use jiff::Timestamp;
use platform::function::{Failure, Ports};
use platform::http::{self, Caller, Problem, Request, Response};
use platform::keys;
use platform::once::{self, Decide, Effect};
use platform::table::{self, Expect, Write};
use std::collections::BTreeMap;

/// `GET /rules`.
pub async fn read(ports: &Ports, books: &Books, caller: &Caller) -> Result<Response, Problem> {
    let holding = books.holding(ports.table.as_ref(), &caller.tenant).await?;
    Response::json(200, &RulesAnswer::of(&holding.rules, &holding.book))
}

/// `POST /rules/activate`.
pub async fn activate(ports: &Ports, books: &Books, caller: &Caller, request: &Request) -> Result<Response, Problem> {
    let asked: ActivateRequest = http::read_json(request)?;
    let reason = words(&asked.reason)?;
    let (dry_run, question) = dry_run::find(ports, &caller.tenant, &asked.dry_run).await?;
    let standing = dry_run::found(ports, &caller.tenant, &dry_run).await?;
    if !standing.complete {
        return Err(Problem::conflict("the dry run has not come to its end; wait until it is `complete`".to_owned()));
    }
    let now = ports.clock.now();
    if now.duration_since(question.as_of) > TRIED_WITHIN {
        let days = TRIED_WITHIN.as_hours() / 24;
        return Err(Problem::conflict(format!("the dry run is older than {days} days; try the rules again")));
    }
    let candidate = question.candidate(books)?;
    let cause = request.cause(caller, FunctionName::Trigger);
    let before = books.holding(ports.table.as_ref(), &caller.tenant).await?;
    // Asked again, it is done already.
    if before.book.active.as_ref().is_none_or(|active| active.dry_run != dry_run) {
        if before.rules.version() != question.against {
            let held = before.rules.version();
            return Err(Problem::conflict(format!(
                "the dry run compares with the rules `{}`, but `{held}` hold now; try the rules again",
                question.against
            )));
        }
        unchanged(ports, &caller.tenant, &candidate, &standing).await?;
        let activation =
            Activation { version: candidate.version(), dry_run, by: caller.subject.clone(), at: now, reason };
        let held = standing.sum.0.held(candidate.limits());
        let (deployed, cause) = (books.deployed(), &cause);
        let activate =
            Activate { ports, cause, question: &question, candidate: &candidate, deployed, activation, held };
        let message = change_id(cause, "activate");
        once::handle(ports, &keys::rulebook(&caller.tenant), &message, &activate).await.map_err(failed)?;
        let after = books.holding(ports.table.as_ref(), &caller.tenant).await?;
        if after.book.active.as_ref().is_none_or(|active| active.dry_run != activate.activation.dry_run) {
            return Err(Problem::conflict("somebody else activated rules meanwhile; try the rules again".to_owned()));
        }
    }
    read(ports, books, caller).await
}

fn failed(failure: Failure) -> Problem {
    match failure {
        Failure::Table(error) => error.into(),
        other => Problem::internal(&other),
    }
}

fn words(reason: &str) -> Result<String, Problem> {
    let length = reason.chars().count();
    if reason.trim().is_empty() || length > MAX_REASON {
        let fault = Fault::new("reason", format!("has {length} characters; say why in 1 to {MAX_REASON}"));
        return Err(Problem::invalid("the reason is not valid", vec![fault]));
    }
    Ok(reason.to_owned())
}

/// Whether the portfolio is still the one on which the rules were tried: of the accounts that were written down then, how
/// many of which the candidate says something else now.
async fn unchanged(ports: &Ports, tenant: &TenantId, candidate: &RuleSet, tried: &Found) -> Result<(), Problem> {
    let most = candidate.limits().changed_percent;
    let (then, now) = (tried.accounts, openings::accounts(ports.table.as_ref(), tenant).await?);
    if now.abs_diff(then) * 100 > then * most {
        return Err(Problem::conflict(format!(
            "the portfolio has changed since the dry run: it had {then} accounts and has {now}, a difference of more than \
             {most} percent; try the rules again"
        )));
    }
    let (mut looked_at, mut changed) = (0_u64, 0_u64);
    for (account, said) in tried.sum.0.panel.accounts() {
        looked_at += 1;
        let now = dry_run::said_now(ports, tenant, account, candidate).await?;
        changed += u64::from(now != Some(said));
    }
    if changed * 100 > looked_at * most {
        return Err(Problem::conflict(format!(
            "the portfolio has changed since the dry run: the rules say something else of {changed} of the {looked_at} \
             accounts that were written down then, which is more than {most} percent; try the rules again"
        )));
    }
    Ok(())
}

struct Activate<'a> {
    ports: &'a Ports,
    cause: &'a Cause,
    question: &'a Question,
    candidate: &'a RuleSet,
    /// What holds where nothing was activated.
    deployed: Digest,
    activation: Activation,
    held: BTreeMap<RuleId, Why>,
}

#[async_trait]
impl Decide for Activate<'_> {
    type State = Rulebook;

    async fn decide(&self, state: Option<Rulebook>) -> Result<Option<Effect<Rulebook>>, Failure> {
        let mut book = state.unwrap_or_default();
        // Somebody was faster: it is not what was tried.
        if book.active.as_ref().map_or(self.deployed, |active| active.version) != self.question.against {
            return Ok(None);
        }
        let Activation { version, dry_run, by, at, reason } = &self.activation;
        let is_in_set = |rule: &RuleId| self.candidate.get(rule).is_some();
        let let_go = book.activate(self.activation.clone(), &self.held, self.question.as_of, is_in_set);
        let told = RulesActivated {
            version: version.to_string(),
            before: self.question.against.to_string(),
            dry_run: dry_run.to_string(),
            by: by.to_string(),
            reason: reason.clone(),
        };
        let told = Event::new(self.cause, None, "", *at, told);
        let held = self.held.iter().map(|(rule, why)| held(self.cause, rule, *version, why, *at));
        let let_go = let_go.into_iter().map(|rule| {
            let told = RuleReleased { rule: rule.clone(), by: by.to_string(), reason: reason.clone() };
            Event::new(self.cause, None, rule.as_str(), *at, told)
        });
        let events = std::iter::once(told).chain(held).chain(let_go).collect();
        let key = keys::rule_set(&self.cause.tenant, *version);
        let writes = match self.ports.table.get(&key).await? {
            Some(_) => Vec::new(),
            None => vec![Write::Put {
                key,
                expect: Expect::Absent,
                body: table::body(&self.question.rules)?,
                expires_at: None,
            }],
        };
        Ok(Some(Effect { state: book, writes, events }))
    }
}

/// `POST /rules/{id}/release`.
pub async fn release(ports: &Ports, books: &Books, caller: &Caller, request: &Request) -> Result<Response, Problem> {
    let asked: ReasonRequest = http::read_json(request)?;
    let name = request.parameters.get("id").map(String::as_str).unwrap_or_default();
    let rule = RuleId::new(name).map_err(|_| Problem::not_found("rule", name))?;
    let holding = books.holding(ports.table.as_ref(), &caller.tenant).await?;
    if holding.rules.get(&rule).is_none() {
        return Err(Problem::not_found("rule", name));
    }
    let cause = request.cause(caller, FunctionName::Trigger);
    let (by, now, reason) = (caller.subject.clone(), ports.clock.now(), words(&asked.reason)?);
    if !holding.book.held.contains_key(&rule) && !is_released(&holding.book, &rule, &by) {
        return Err(Problem::conflict(format!("the rule `{rule}` is not held")));
    }
    let message: CauseId = change_id(&cause, "release");
    let let_go = LetGo { cause: &cause, rule: &rule, by: &by, now, reason };
    once::handle(ports, &keys::rulebook(&caller.tenant), &message, &let_go).await.map_err(failed)?;
    read(ports, books, caller).await
}

/// Whether the same person released it last: then this is perhaps the same request again.
fn is_released(book: &Rulebook, rule: &RuleId, by: &PersonId) -> bool {
    book.released.get(rule).is_some_and(|release| release.by == *by)
}

struct LetGo<'a> {
    cause: &'a Cause,
    rule: &'a RuleId,
    by: &'a PersonId,
    now: Timestamp,
    reason: String,
}

#[async_trait]
impl Decide for LetGo<'_> {
    type State = Rulebook;

    async fn decide(&self, state: Option<Rulebook>) -> Result<Option<Effect<Rulebook>>, Failure> {
        let mut book = state.unwrap_or_default();
        let release = Release { by: self.by.clone(), at: self.now, reason: self.reason.clone() };
        if book.release(self.rule, release).is_none() {
            return Ok(None);
        }
        let told = RuleReleased { rule: self.rule.clone(), by: self.by.to_string(), reason: self.reason.clone() };
        let event = Event::new(self.cause, None, self.rule.as_str(), self.now, told);
        Ok(Some(Effect::new(book, vec![event])))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use contract::backtest::RulesDryRunRequest;
    use domain::day::Day;
    use domain::rulebook::Limits;
    use platform::doubles::{Doubles, block_on};

    #[test]
    fn whoever_activates_second_by_a_dry_run_against_the_same_rules_changes_nothing() {
        let (doubles, now) = (Doubles::new(), Timestamp::UNIX_EPOCH);
        let (ann, version) = (PersonId::new("ann").unwrap(), Digest::of("rules", ["candidate"]));
        let asked: RulesDryRunRequest =
            serde_json::from_value(serde_json::json!({ "rules": { "name": "candidate", "rules": [] } })).unwrap();
        let question = Question {
            terms: asked.terms(Day::of(now)).unwrap(),
            rules: asked.rules,
            version,
            against: Digest::of("rules", ["deployed"]),
            names: [Vec::new(), Vec::new()],
            limits: Limits::DEFAULT,
            as_of: now,
            asked_by: ann.clone(),
        };
        let activation = |dry_run: &str| Activation {
            version,
            dry_run: CauseId::new(dry_run).unwrap(),
            by: ann.clone(),
            at: now,
            reason: "tried".into(),
        };
        let cause = Cause { tenant: TenantId::new("t").unwrap(), correlation_id: "c".into(), causation_id: "m".into() };
        let ports = doubles.ports();
        let candidate = contract::rules::built_in().unwrap();
        let activate = Activate {
            ports: &ports,
            cause: &cause,
            question: &question,
            candidate: &candidate,
            deployed: Digest::of("rules", ["deployed"]),
            activation: activation("mine"),
            held: BTreeMap::new(),
        };
        let first = block_on(activate.decide(None)).unwrap().expect("what was deployed holds still");
        assert_eq!(first.state.active.as_ref().map(|active| active.dry_run.as_str()), Some("mine"));
        let theirs = Rulebook { active: Some(activation("theirs")), ..Rulebook::default() };
        assert!(block_on(activate.decide(Some(theirs))).unwrap().is_none());
    }
}

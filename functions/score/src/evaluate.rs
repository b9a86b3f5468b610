//! The one evaluator: reads what is known of an account, lets the domain decide, and says what is to be written and told.
//!
//! A person's word over what was computed goes the same way: it is an evaluation with one word more or less.

use crate::cards::{Cards, no_measure};
use crate::foresight::Foresight;
use crate::history::Past;
use async_trait::async_trait;
use contract::event::{BandChanged, Cause, Event, HealthBlanked, HealthScored, ReasonBody};
use domain::account::Account;
use domain::audit::{self, Record};
use domain::day::Day;
use domain::digest::Digest;
use domain::health::{
    Decision, Entry, HealthState, Inputs, Override, OverrideError, Overrides, Trigger, assess, reasons, shortfalls,
};
use domain::id::{AccountId, CauseId};
use domain::record::{HealthRecord, Seen};
use domain::risk::account::Models;
use domain::scorecard::Scorecard;
use jiff::Timestamp;
use platform::function::{Failure, Ports};
use platform::metrics::Metric;
use platform::once::{self, Effect, Evaluate, Outcome};
use platform::snapshot::Snapshot;
use platform::table::{Expect, Item, Key, Table, TableError, Write};
use platform::{keys, table};
use serde::Serialize;
use std::sync::{Mutex, PoisonError};

/// One look at one account.
pub struct Evaluation<'a> {
    pub ports: &'a Ports,
    pub cards: &'a Cards,
    pub models: &'a Models,
    pub cause: Cause,
    pub account: &'a AccountId,
    pub trigger: Trigger,
    pub run: Option<&'a str>,
    pub said: Option<&'a Said>,
}

/// What a person says now, or no longer says.
pub struct Said {
    pub word: Spoken,
    /// Why it cannot be said: known only once the state was read.
    pub refused: Mutex<Option<Refusal>>,
}

/// A word, or one less.
pub enum Spoken {
    Set(Override),
    TakenBack(String),
}

/// Why a person's word is refused.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Refusal {
    #[error("the account has no health yet; it comes with the first scoring after its first signals")]
    NotScored,
    #[error("the account is no customer any more and has no health")]
    Blank,
    #[error("{0}; or give score or band")]
    NoMeasure(String),
    #[error(transparent)]
    Override(#[from] OverrideError),
}

impl Said {
    pub const fn new(word: Spoken) -> Self {
        Self { word, refused: Mutex::new(None) }
    }

    /// Why it was refused, if it was.
    pub fn refusal(&self) -> Option<Refusal> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn refuse(&self, refusal: Refusal) {
        *self.refused.lock().unwrap_or_else(PoisonError::into_inner) = Some(refusal);
    }
}

impl Evaluation<'_> {
    /// Scores the account, once in effect.
    pub async fn run(&self, message: &CauseId) -> Result<Outcome, Failure> {
        let head = keys::health(&self.cause.tenant, self.account);
        let outcome = once::handle(self.ports, &head, message, self).await?;
        self.ports.metrics.record(&[(Metric::AccountsScored, 1)]);
        Ok(outcome)
    }

    /// The overrides after what was said. None where that is refused.
    fn overrides(&self, state: Option<&HealthRecord>, inputs: &Inputs<'_>, now: Timestamp) -> Option<Overrides> {
        let held = state.map(|state| state.overrides.unexpired(now)).unwrap_or_default();
        let Some(said) = self.said else { return Some(held) };
        let after = match (state, &said.word) {
            (None, _) => Err(Refusal::NotScored),
            (Some(state), _) if state.health.blank_since.is_some() => Err(Refusal::Blank),
            (_, Spoken::TakenBack(subject)) => Ok(held.without(subject)),
            (_, Spoken::Set(word)) => known(word, inputs).and_then(|()| Ok(held.set(word.clone(), now)?)),
        };
        after.map_err(|refusal| said.refuse(refusal)).ok()
    }
}

fn known(word: &Override, inputs: &Inputs<'_>) -> Result<(), Refusal> {
    let subject = word.word.subject();
    if matches!(subject, "score" | "band") || inputs.scorecard.measure(subject).is_some() {
        return Ok(());
    }
    Err(Refusal::NoMeasure(no_measure(inputs.scorecard, subject)))
}

#[async_trait]
impl Evaluate for Evaluation<'_> {
    type State = HealthRecord;
    type Known = Snapshot;

    async fn load(&self, table: &dyn Table, head: &Key) -> Result<(Option<Item>, Snapshot), Failure> {
        Ok(Snapshot::with_head(table, &self.cause.tenant, self.account, head).await?)
    }

    async fn evaluate(
        &self,
        state: Option<HealthRecord>,
        known: Snapshot,
    ) -> Result<Option<Effect<HealthRecord>>, Failure> {
        // Read at each try: whoever lost a race decides after the one who won it.
        let now = self.ports.clock.now();
        let seen = seen(&known);
        let Some(account) = known.account()? else {
            return Ok(None);
        };
        let card = self.cards.of(&account);
        if self.is_news() && state.as_ref().is_some_and(|state| self.rests_on(state, card, seen, now)) {
            return Ok(None);
        }
        let Some(record) = known.record()? else {
            return Ok(None);
        };
        let mut inputs = Inputs {
            series: &record.series,
            account: &account,
            scorecard: card,
            open_critical_case: record.has_open_critical_case(),
            overrides: &Overrides::default(),
        };
        let Some(overrides) = self.overrides(state.as_ref(), &inputs, now) else {
            return Ok(None);
        };
        inputs.overrides = &overrides;
        let previous = state.as_ref().map(|state| &state.health);
        let said_otherwise = self.said.is_some() && state.as_ref().is_some_and(|state| state.overrides != overrides);
        let Some(decision) = assess(previous, &inputs, self.trigger, now) else {
            return Ok(None);
        };
        let foresight = Foresight::of(state.as_ref(), &decision, &account, &record.series, self.models, now);
        let scored = decision.scored || said_otherwise;
        if !scored && !foresight.is_news() {
            return Ok(None);
        }
        let inputs_hash = Digest::of_json("inputs", &(&account, &record, &overrides))
            .map_err(|error| Failure::Unhandled(error.to_string()))?;
        self.cards.keep(self.ports.table.as_ref(), &self.cause.tenant, inputs.scorecard).await?;
        let look = Look { decision: &decision, scored, foresight: &foresight, account: &account, inputs_hash, at: now };
        let (risks, watch, happened) = foresight.kept(state.as_ref());
        let health = decision.state.clone();
        let arr = Some(account.arr);
        let state_now = |audit| HealthRecord { health, overrides, audit, seen, risks, watch, arr, happened };
        self.effect(state, &look, state_now).map(Some)
    }
}

/// What a look found out.
struct Look<'a> {
    decision: &'a Decision,
    /// Whether the health is another one.
    scored: bool,
    foresight: &'a Foresight,
    account: &'a Account,
    inputs_hash: Digest,
    at: Timestamp,
}

/// Which facts a look sees, where there are all that it needs.
fn seen(known: &Snapshot) -> Option<Seen> {
    let version = |place| known.item(place).map(|item| item.version);
    Some(Seen { account: version(keys::PROFILE)?, series: version(keys::SERIES)? })
}

impl Evaluation<'_> {
    /// Whether the health was scored today, by this scorecard, from these very facts: several news that were recorded
    /// together, or while the first of them waited, are one evaluation. What time alone changes within a day is for the
    /// scheduled run to notice.
    fn rests_on(&self, state: &HealthRecord, card: &Scorecard, seen: Option<Seen>, now: Timestamp) -> bool {
        seen.is_some()
            && state.seen == seen
            && Day::of(state.health.scored_at) == Day::of(now)
            && state.health.health.scorecard_hash == card.hash()
            && state.overrides == state.overrides.unexpired(now)
    }

    /// Whether facts came in, rather than a schedule or a person's word.
    fn is_news(&self) -> bool {
        self.trigger == Trigger::News && self.said.is_none()
    }

    fn effect(
        &self,
        state: Option<HealthRecord>,
        look: &Look<'_>,
        state_now: impl FnOnce(audit::Head) -> HealthRecord,
    ) -> Result<Effect<HealthRecord>, Failure> {
        let (tenant, at) = (&self.cause.tenant, look.at);
        let start = || audit::Head::start(tenant, self.account);
        let (before, mut chain) = state.map_or_else(|| (None, start()), |state| (Some(state.health), state.audit));
        let (mut writes, mut events) = (Vec::new(), Vec::new());
        if look.scored {
            let (scored, link) = self.scored(before.as_ref(), &chain, look, &mut events)?;
            writes.extend(scored);
            chain = link;
        }
        events.extend(look.foresight.events(&self.cause, look.account, at));
        if let Some((outcome, reasons)) = look.foresight.audited() {
            let config_hash = look.decision.state.health.scorecard_hash;
            let (what, inputs_hash) = ("risk".to_owned(), look.inputs_hash);
            let link = audit::append(&chain, Record { at, what, inputs_hash, config_hash, outcome, reasons });
            writes.push(put(keys::audit(tenant, self.account, "score", link.seq), &link)?);
            chain = link.head();
        }
        writes.extend(look.foresight.ledger(tenant)?);
        Ok(Effect { state: state_now(chain), writes, events })
    }

    /// What is written and told of a score, and the end of the chain behind it.
    fn scored(
        &self,
        before: Option<&HealthState>,
        chain: &audit::Head,
        look: &Look<'_>,
        events: &mut Vec<Event>,
    ) -> Result<(Vec<Write>, audit::Head), Failure> {
        let (tenant, at, now) = (&self.cause.tenant, look.at, &look.decision.state);
        let scored_before = before.filter(|before| before.blank_since.is_none());
        let moved =
            scored_before.map_or_else(|| shortfalls(&now.health), |before| reasons(&before.health, &now.health));
        let why: Vec<ReasonBody> = moved.iter().map(ReasonBody::from).collect();
        let link = audit::append(chain, self.record(now, &moved, look.inputs_hash, at));
        let history = keys::score_history(tenant, self.account, at, link.seq);
        // A last known score that became stale was scored before; that it is stale is known from now on.
        let mut entry = Entry::of(now);
        entry.scored_at = at;
        let past = Past { entry, reasons: why.clone() };
        let writes = vec![put(history, &past)?, put(keys::audit(tenant, self.account, "score", link.seq), &link)?];
        events.extend(self.events(before, look.decision, &why, at));
        Ok((writes, link.head()))
    }

    fn record(
        &self,
        now: &HealthState,
        moved: &[domain::health::Reason],
        inputs_hash: Digest,
        at: Timestamp,
    ) -> Record {
        let (what, said) = match self.said.map(|said| &said.word) {
            None => ("health", None),
            Some(Spoken::Set(word)) => {
                ("override", Some(format!("{} by {}: {}", word.word.subject(), word.author, word.reason)))
            }
            Some(Spoken::TakenBack(subject)) => ("override taken back", Some(subject.clone())),
        };
        Record {
            at,
            what: what.to_owned(),
            inputs_hash,
            config_hash: now.health.scorecard_hash,
            outcome: format!("{} {}", now.health.score, band_name(now)),
            reasons: said.into_iter().chain(moved.iter().map(|reason| reason.text.clone())).collect(),
        }
    }

    fn events(
        &self,
        before: Option<&HealthState>,
        decision: &Decision,
        why: &[ReasonBody],
        at: Timestamp,
    ) -> Vec<Event> {
        let state = &decision.state;
        let event = |fact: contract::event::Fact| Event::new(&self.cause, Some(self.account), "", at, fact);
        if state.blank_since.is_some() {
            let last_band = before.and_then(HealthState::shown_band).map(|band| band.to_string());
            return vec![event(HealthBlanked { last_score: state.health.score.to_string(), last_band }.into())];
        }
        let scored = HealthScored {
            score: state.health.score.to_string(),
            previous: before
                .filter(|before| before.blank_since.is_none())
                .map(|before| before.health.score.to_string()),
            band: band_name(state),
            coverage_basis_points: u32::from(state.health.coverage.value()),
            provisional: state.health.provisional,
            scorecard: state.health.scorecard_hash.to_string(),
            run: self.run.map(str::to_owned),
            reasons: why.to_vec(),
        };
        let mut events = vec![event(scored.into())];
        if let Some(change) = &decision.band_change {
            let changed = BandChanged {
                from: change.from.map(|band| band.to_string()),
                to: change.to.to_string(),
                score: change.score.to_string(),
                reasons: change.reasons.iter().map(ReasonBody::from).collect(),
            };
            events.push(event(changed.into()));
        }
        events
    }
}

/// Something new.
fn put(key: Key, value: &impl Serialize) -> Result<Write, TableError> {
    Ok(Write::Put { key, expect: Expect::Absent, body: table::body(value)?, expires_at: None })
}

fn band_name(state: &HealthState) -> String {
    state.shown_band().map_or_else(|| "unscored".to_owned(), |band| band.to_string())
}

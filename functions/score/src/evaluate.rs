//! The one evaluator: reads what is known of an account, lets the domain decide, and says what is to be written and told.

use async_trait::async_trait;
use contract::event::{BandChanged, Cause, Event, HealthScored, ReasonBody};
use contract::message::cause_id;
use contract::score::HistoryEntry;
use domain::audit::{self, Record};
use domain::day::Day;
use domain::digest::Digest;
use domain::health::{Decision, HealthState, Inputs, Trigger, assess, reasons, shortfalls};
use domain::id::{AccountId, CauseId};
use domain::record::{HealthRecord, Seen};
use domain::scorecard::Scorecard;
use domain::signal::Severity;
use jiff::Timestamp;
use platform::function::{Failure, Ports};
use platform::metrics::Metric;
use platform::once::{self, Effect, Evaluate, Outcome};
use platform::snapshot::Snapshot;
use platform::table::{Expect, Item, Key, Table, Write};
use platform::{keys, table};

/// One look at one account.
pub struct Evaluation<'a> {
    pub ports: &'a Ports,
    pub scorecard: &'a Scorecard,
    pub cause: Cause,
    pub account: &'a AccountId,
    pub trigger: Trigger,
    pub run: Option<&'a str>,
    pub now: Timestamp,
}

impl Evaluation<'_> {
    /// Scores the account, once in effect.
    pub async fn run(&self, message: &CauseId) -> Result<Outcome, Failure> {
        let head = keys::health(&self.cause.tenant, self.account);
        let outcome = once::handle(self.ports, &head, message, self).await?;
        self.ports.metrics.record(&[(Metric::AccountsScored, 1)]);
        Ok(outcome)
    }
}

#[async_trait]
impl Evaluate for Evaluation<'_> {
    type State = HealthRecord;
    type Known = Snapshot;

    async fn load(&self, table: &dyn Table, head: &Key) -> Result<(Option<Item>, Snapshot), Failure> {
        let known = Snapshot::read(table, &self.cause.tenant, self.account).await?;
        Ok((known.item(&head.sk).cloned(), known))
    }

    async fn evaluate(
        &self,
        state: Option<HealthRecord>,
        known: Snapshot,
    ) -> Result<Option<Effect<HealthRecord>>, Failure> {
        let seen = seen(&known);
        if self.trigger == Trigger::News && state.as_ref().is_some_and(|state| self.rests_on(state, seen)) {
            return Ok(None);
        }
        let (Some(account), Some(record)) = (known.account()?, known.record()?) else {
            return Ok(None);
        };
        let inputs = Inputs {
            series: &record.series,
            account: &account,
            scorecard: self.scorecard,
            open_critical_case: record.open_cases.values().any(|severity| *severity == Severity::Critical),
        };
        let previous = state.as_ref().map(|state| &state.health);
        let Some(decision) = assess(previous, &inputs, self.trigger, self.now).filter(|decision| decision.scored)
        else {
            return Ok(None);
        };
        let inputs_hash =
            Digest::of_json("inputs", &(&account, &record)).map_err(|error| Failure::Unhandled(error.to_string()))?;
        self.effect(state, decision, inputs_hash, seen).map(Some)
    }
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
    fn rests_on(&self, state: &HealthRecord, seen: Option<Seen>) -> bool {
        seen.is_some()
            && state.seen == seen
            && Day::of(state.health.scored_at) == Day::of(self.now)
            && state.health.health.scorecard_hash == self.scorecard.hash()
    }

    fn effect(
        &self,
        state: Option<HealthRecord>,
        decision: Decision,
        inputs_hash: Digest,
        seen: Option<Seen>,
    ) -> Result<Effect<HealthRecord>, Failure> {
        let tenant = &self.cause.tenant;
        let start = || audit::Head::start(tenant, self.account);
        let (before, chain) = state.map_or_else(|| (None, start()), |state| (Some(state.health), state.audit));
        let now = &decision.state;
        let moved =
            before.as_ref().map_or_else(|| shortfalls(&now.health), |before| reasons(&before.health, &now.health));
        let why: Vec<ReasonBody> = moved.iter().map(ReasonBody::from).collect();
        let record = Record {
            at: self.now,
            what: "health".to_owned(),
            inputs_hash,
            config_hash: now.health.scorecard_hash,
            outcome: format!("{} {}", now.health.score, band_name(now)),
            reasons: moved.iter().map(|reason| reason.text.clone()).collect(),
        };
        let link = audit::append(&chain, record);
        let history = keys::score_history(tenant, self.account, self.now, &cause_id(&self.cause.causation_id));
        let writes = vec![
            Write::Put {
                key: history,
                expect: Expect::Absent,
                body: table::body(&history_entry(now, &why))?,
                expires_at: None,
            },
            Write::Put {
                key: keys::audit(tenant, self.account, "score", link.seq),
                expect: Expect::Absent,
                body: table::body(&link)?,
                expires_at: None,
            },
        ];
        let events = self.events(before.as_ref(), &decision, &why);
        Ok(Effect { state: HealthRecord { health: decision.state, audit: link.head(), seen }, writes, events })
    }

    fn events(&self, before: Option<&HealthState>, decision: &Decision, why: &[ReasonBody]) -> Vec<Event> {
        let state = &decision.state;
        let scored = HealthScored {
            score: state.health.score.to_string(),
            previous: before.map(|before| before.health.score.to_string()),
            band: band_name(state),
            coverage_basis_points: u32::from(state.health.coverage.value()),
            provisional: state.health.provisional,
            scorecard: state.health.scorecard_hash.to_string(),
            run: self.run.map(str::to_owned),
            reasons: why.to_vec(),
        };
        let mut events = vec![Event::new(&self.cause, Some(self.account), "", self.now, scored)];
        if let Some(change) = &decision.band_change {
            let changed = BandChanged {
                from: change.from.map(|band| band.to_string()),
                to: change.to.to_string(),
                score: change.score.to_string(),
                reasons: change.reasons.iter().map(ReasonBody::from).collect(),
            };
            events.push(Event::new(&self.cause, Some(self.account), "", self.now, changed));
        }
        events
    }
}

fn band_name(state: &HealthState) -> String {
    state.band.map_or_else(|| "unscored".to_owned(), |band| band.band.to_string())
}

fn history_entry(state: &HealthState, why: &[ReasonBody]) -> HistoryEntry {
    HistoryEntry {
        scored_at: state.scored_at,
        score: state.health.score.to_string(),
        band: state.band.map(|band| band.band.to_string()),
        coverage_basis_points: state.health.coverage.value(),
        provisional: state.health.provisional,
        scorecard_hash: state.health.scorecard_hash.to_string(),
        reasons: why.to_vec(),
    }
}

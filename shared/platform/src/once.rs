//! At least once in, once in effect: the one place that every function uses.
//!
//! A function owns a *head* item for what it decides about. One conditional write commits the head's new state, the
//! record that the message was handled and the events to publish; only then are the events published, and then the
//! outbox is emptied. Whatever happens in between, a redelivery finds the message's id in the head, publishes what may
//! not have gone out, and changes nothing. A lost race loads again and decides again.

use crate::function::{Failure, Ports};
use crate::metrics::{self, Metric};
use crate::table::{self, Expect, Item, Key, Table, TableError, Write};
use async_trait::async_trait;
use contract::event::Event;
use domain::id::CauseId;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;
use std::collections::VecDeque;

/// How many handled messages a head remembers. Older repeats are caught by the decision itself: a decision from the same
/// facts changes nothing.
pub const REMEMBERED: usize = 64;
/// How often a lost race is run again before the message goes back to its queue.
pub const ATTEMPTS: usize = 8;

/// A head item: state with the record of what was handled and what is still to go out.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Head<S> {
    /// What the function decides about.
    pub state: S,
    /// The messages whose effect the state holds, oldest first.
    #[serde(default, skip_serializing_if = "VecDeque::is_empty")]
    handled: VecDeque<CauseId>,
    /// Events that may not have gone out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    outbox: Vec<Event>,
}

/// What a decision wants done.
#[derive(Debug)]
pub struct Effect<S> {
    /// The head's new state.
    pub state: S,
    /// Writes that belong to it, to items that this function owns.
    pub writes: Vec<Write>,
    /// What happened.
    pub events: Vec<Event>,
}

impl<S> Effect<S> {
    /// A new state and what happened.
    pub const fn new(state: S, events: Vec<Event>) -> Self {
        Self { state, writes: Vec::new(), events }
    }
}

/// Decides on a message, given the head's state alone. Other reads go through the ports; nothing is written or sent.
#[async_trait]
pub trait Decide: Send + Sync {
    /// The head's state.
    type State: Serialize + DeserializeOwned + Send + Sync;

    /// What is to be done, or nothing: then nothing is written.
    async fn decide(&self, state: Option<Self::State>) -> Result<Option<Effect<Self::State>>, Failure>;
}

/// Decides on a message, given the head's state and what was read together with it. Nothing is written or sent.
///
/// What lies beside the head comes in the same read, and a lost race brings all of it again: a decision never mixes an
/// old head with new facts, and costs one read instead of two. Who needs the head alone is a [`Decide`].
#[async_trait]
pub trait Evaluate: Send + Sync {
    /// The head's state.
    type State: Serialize + DeserializeOwned + Send + Sync;
    /// What is read together with the head.
    type Known: Send + Sync;

    /// Reads the head's item with what is known beside it.
    async fn load(&self, table: &dyn Table, head: &Key) -> Result<(Option<Item>, Self::Known), Failure>;

    /// What is to be done, or nothing: then nothing is written.
    async fn evaluate(
        &self,
        state: Option<Self::State>,
        known: Self::Known,
    ) -> Result<Option<Effect<Self::State>>, Failure>;
}

#[async_trait]
impl<D: Decide> Evaluate for D {
    type State = D::State;
    type Known = ();

    async fn load(&self, table: &dyn Table, head: &Key) -> Result<(Option<Item>, ()), Failure> {
        Ok((table.get(head).await?, ()))
    }

    async fn evaluate(&self, state: Option<D::State>, (): ()) -> Result<Option<Effect<D::State>>, Failure> {
        self.decide(state).await
    }
}

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It had an effect.
    Done,
    /// It changed nothing.
    Unchanged,
    /// It had been handled before.
    Repeated,
}

/// Handles a message once in effect.
pub async fn handle<E: Evaluate>(
    ports: &Ports,
    head_key: &Key,
    message: &CauseId,
    evaluate: &E,
) -> Result<Outcome, Failure> {
    let mut lost = TableError::Conflict(vec![head_key.clone()]);
    for _ in 0..ATTEMPTS {
        let (item, known) = evaluate.load(ports.table.as_ref(), head_key).await?;
        let head: Option<Head<Written>> = item.as_ref().map(table::read).transpose()?;
        if let (Some(head), Some(item)) = (&head, &item)
            && head.handled.contains(message)
        {
            publish_and_settle(ports, head, item.version, head_key).await?;
            ports.metrics.record(&[(Metric::MessagesRepeated, 1)]);
            return Ok(Outcome::Repeated);
        }
        let state = match (&head, &item) {
            (Some(head), Some(item)) => Some(state_in(head, item)?),
            _ => None,
        };
        let (handled, outbox) = head.map_or_else(Default::default, |head| (head.handled, head.outbox));
        let Some(effect) = evaluate.evaluate(state, known).await? else {
            if !outbox.is_empty() {
                flush(ports, head_key).await?;
            }
            return Ok(Outcome::Unchanged);
        };
        let head = next_head(written(&effect.state)?, handled, outbox, message, effect.events);
        let expect = Expect::of(item.as_ref());
        let mut writes = vec![put(head_key, expect, &head)?];
        writes.extend(effect.writes);
        match ports.table.commit(writes).await {
            Ok(()) => {
                publish_and_settle(ports, &head, expect.next_version(), head_key).await?;
                return Ok(Outcome::Done);
            }
            Err(conflict @ TableError::Conflict(_)) => lost = conflict,
            Err(error) => return Err(error.into()),
        }
    }
    Err(lost.into())
}

/// Reads the state of a head, for those who only look.
pub fn state_of<S: DeserializeOwned>(item: &Item) -> Result<S, TableError> {
    /// Neither what was handled nor what goes out is read.
    #[derive(Deserialize)]
    struct State<S> {
        state: S,
    }
    table::read::<State<S>>(item).map(|head| head.state)
}

fn state_in<S: DeserializeOwned>(head: &Head<Written>, item: &Item) -> Result<S, TableError> {
    // The item is read again where the state cannot be: it says where.
    serde_json::from_str(head.state.get()).or_else(|_| state_of(item))
}

/// Publishes what an earlier message may have left in the outbox. For doors without a redelivery: sweeps come by here.
pub async fn flush(ports: &Ports, head_key: &Key) -> Result<(), Failure> {
    let Some(item) = ports.table.get(head_key).await? else {
        return Ok(());
    };
    let head: Head<Written> = table::read(&item)?;
    publish_and_settle(ports, &head, item.version, head_key).await
}

/// A state as JSON: written once, for the commit and for the emptying of the outbox.
type Written = Box<RawValue>;

fn written<S: Serialize>(state: &S) -> Result<Written, TableError> {
    serde_json::value::to_raw_value(state)
        .map_err(|error| TableError::Refused(format!("state cannot be written: {error}")))
}

fn next_head(
    state: Written,
    mut handled: VecDeque<CauseId>,
    mut outbox: Vec<Event>,
    message: &CauseId,
    events: Vec<Event>,
) -> Head<Written> {
    while handled.len() >= REMEMBERED {
        handled.pop_front();
    }
    handled.push_back(message.clone());
    outbox.extend(events);
    Head { state, handled, outbox }
}

fn put(key: &Key, expect: Expect, head: &Head<Written>) -> Result<Write, TableError> {
    Ok(Write::Put { key: key.clone(), expect, body: table::body(head)?, expires_at: None })
}

/// Publishes what lies in the outbox, then empties it. Losing the race for the emptying is harmless: whoever won holds
/// the same outbox and will publish it again, under the same event ids.
async fn publish_and_settle(ports: &Ports, head: &Head<Written>, version: u64, key: &Key) -> Result<(), Failure> {
    if head.outbox.is_empty() {
        return Ok(());
    }
    ports.bus.publish(&head.outbox).await?;
    metrics::record_events(ports.metrics.as_ref(), &head.outbox);
    let settled = Head { state: head.state.clone(), handled: head.handled.clone(), outbox: Vec::new() };
    match ports.table.commit(vec![put(key, Expect::Version(version), &settled)?]).await {
        Ok(()) | Err(TableError::Conflict(_)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

#[cfg(feature = "doubles")]
#[cfg(test)]
mod tests {
    use super::*;
    use crate::doubles::{Calls, Doubles, block_on};
    use contract::event::{Cause, ScoreRunCompleted};
    use contract::message::cause_id;
    use domain::id::TenantId;
    use jiff::Timestamp;

    struct Count;

    #[async_trait]
    impl Decide for Count {
        type State = u64;

        async fn decide(&self, state: Option<u64>) -> Result<Option<Effect<u64>>, Failure> {
            let next = state.unwrap_or_default() + 1;
            let cause = Cause {
                tenant: TenantId::new("t").unwrap(),
                correlation_id: "c".into(),
                causation_id: next.to_string(),
            };
            let fact = ScoreRunCompleted { run: "r".into(), accounts: next, changed: 0 };
            Ok(Some(Effect::new(next, vec![Event::new(&cause, None, "", Timestamp::UNIX_EPOCH, fact)])))
        }
    }

    fn key() -> Key {
        crate::keys::of_tenant(&TenantId::new("t").unwrap(), "TEST", "head")
    }

    fn state(doubles: &Doubles) -> u64 {
        state_of(&block_on(doubles.table.get(&key())).unwrap().unwrap()).unwrap()
    }

    /// Looks, and finds nothing to do.
    struct Look;

    #[async_trait]
    impl Decide for Look {
        type State = u64;

        async fn decide(&self, _: Option<u64>) -> Result<Option<Effect<u64>>, Failure> {
            Ok(None)
        }
    }

    #[test]
    fn a_change_is_one_read_and_two_commits_and_no_change_is_one_read() {
        let doubles = Doubles::new();
        let ports = doubles.ports();
        block_on(handle(&ports, &key(), &cause_id("first"), &Count)).unwrap();
        assert_eq!(doubles.take_calls(), Calls { reads: 1, commits: 2 }, "the second empties the outbox");
        block_on(handle(&ports, &key(), &cause_id("second"), &Look)).unwrap();
        assert_eq!(doubles.take_calls(), Calls { reads: 1, commits: 0 });
        doubles.conflict_next_commits(1);
        block_on(handle(&ports, &key(), &cause_id("third"), &Count)).unwrap();
        assert_eq!(doubles.take_calls(), Calls { reads: 2, commits: 3 }, "a lost race reads and commits again");
    }

    #[test]
    fn a_redelivery_changes_nothing_and_publishes_nothing_again() {
        let doubles = Doubles::new();
        let ports = doubles.ports();
        let message = cause_id("m");
        assert_eq!(block_on(handle(&ports, &key(), &message, &Count)).unwrap(), Outcome::Done);
        assert_eq!(block_on(handle(&ports, &key(), &message, &Count)).unwrap(), Outcome::Repeated);
        assert_eq!((state(&doubles), doubles.published().len()), (1, 1));
    }

    #[test]
    fn a144_what_was_committed_and_not_published_goes_out_with_the_redelivery() {
        let doubles = Doubles::new();
        let ports = doubles.ports();
        let message = cause_id("m");
        doubles.fail_next_publish();
        assert!(block_on(handle(&ports, &key(), &message, &Count)).is_err());
        assert_eq!((state(&doubles), doubles.published().len()), (1, 0), "committed, not published");
        assert_eq!(block_on(handle(&ports, &key(), &message, &Count)).unwrap(), Outcome::Repeated);
        assert_eq!((state(&doubles), doubles.published().len()), (1, 1));
    }

    #[test]
    fn a_later_message_takes_the_outbox_of_a_crashed_one_along() {
        let doubles = Doubles::new();
        let ports = doubles.ports();
        doubles.fail_next_publish();
        assert!(block_on(handle(&ports, &key(), &cause_id("first"), &Count)).is_err());
        block_on(handle(&ports, &key(), &cause_id("second"), &Count)).unwrap();
        assert_eq!((state(&doubles), doubles.published().len()), (2, 2));
        block_on(handle(&ports, &key(), &cause_id("third"), &Count)).unwrap();
        assert_eq!(doubles.published().len(), 3, "the outbox is empty again");
    }

    #[test]
    fn what_a_crash_left_behind_goes_out_with_a_flush() {
        let doubles = Doubles::new();
        let ports = doubles.ports();
        doubles.fail_next_publish();
        assert!(block_on(handle(&ports, &key(), &cause_id("first"), &Count)).is_err());
        block_on(flush(&ports, &key())).unwrap();
        block_on(flush(&ports, &key())).unwrap();
        assert_eq!((state(&doubles), doubles.published().len()), (1, 1));
    }

    #[test]
    fn a_lost_race_decides_again_from_the_new_state() {
        let doubles = Doubles::new();
        let ports = doubles.ports();
        block_on(handle(&ports, &key(), &cause_id("first"), &Count)).unwrap();
        doubles.conflict_next_commits(ATTEMPTS - 1);
        block_on(handle(&ports, &key(), &cause_id("second"), &Count)).unwrap();
        assert_eq!(state(&doubles), 2);
        doubles.conflict_next_commits(ATTEMPTS);
        let lost = block_on(handle(&ports, &key(), &cause_id("third"), &Count)).unwrap_err();
        assert!(matches!(lost, Failure::Table(TableError::Conflict(_))), "{lost}");
    }
}

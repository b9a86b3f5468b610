//! The queues of the local host, as SQS has them: a message that was received stays unseen for the queue's visibility
//! time-out and comes again unless it was deleted; when it has been received as often as the template allows, it goes to
//! the dead letters, with the reason of its last failure.
//!
//! Messages are texts, exactly as they are on AWS. Within a lane, order is the order of sending unless a fault changes it.
//! Between lanes a message goes before those of a slower lane that were sent up to [`patience`] before it, and never before
//! older ones: what is urgent starts at once, and what is not grows old no further than that. (On AWS each lane is a queue
//! with calls of its own, and none waits for another.)

use crate::faults::{Fault, Faults};
use crate::wiring::QueueWiring;
use async_trait::async_trait;
use contract::message::{Lane, Work};
use jiff::{SignedDuration, Timestamp};
use platform::clock::Clock;
use platform::queue::{Queue, QueueError};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::future::pending;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The most bytes of a message: SQS's limit.
pub const MAX_MESSAGE_BYTES: usize = 256 * 1024;

/// A message that waits, or is on its way through a function.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Message {
    body: String,
    received: u32,
    sent_at: Timestamp,
    reason: Option<String>,
}

/// A message that could not be handled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetter {
    /// The queue that it was taken from.
    pub queue: String,
    /// What it says.
    pub body: String,
    /// How often it was tried.
    pub received: u32,
    /// When it was sent.
    pub sent_at: Timestamp,
    /// When it was given up.
    pub died_at: Timestamp,
    /// Why the last try failed.
    pub reason: String,
}

/// A message that was received and is to be handled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The queue it came from.
    pub queue: String,
    /// The function that consumes the queue.
    pub consumer: String,
    /// What it says.
    pub body: String,
    /// Where it comes again, unless it is deleted.
    place: Place,
}

/// For how long messages of faster lanes go before one of this lane.
pub const fn patience(lane: Lane) -> SignedDuration {
    match lane {
        Lane::Urgent => SignedDuration::ZERO,
        Lane::Standard => SignedDuration::from_mins(5),
        Lane::Bulk => SignedDuration::from_mins(15),
    }
}

/// When a message can be seen, and its turn among those of the same moment.
type Place = (Timestamp, u64);

/// What the queues hold, for a host that is stopped and started again.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Held {
    waiting: Vec<(String, Timestamp, Message)>,
    dead: Vec<DeadLetter>,
}

struct OneQueue {
    wiring: QueueWiring,
    waiting: BTreeMap<Place, Message>,
}

#[derive(Default)]
struct State {
    queues: Vec<OneQueue>,
    dead: Vec<DeadLetter>,
    turn: u64,
}

/// All queues.
pub struct Queues {
    state: Mutex<State>,
    faults: Arc<Faults>,
}

impl Queues {
    /// Empty queues, as they are wired.
    pub fn new(wiring: &[QueueWiring], faults: Arc<Faults>) -> Self {
        let queues =
            wiring.iter().map(|wiring| OneQueue { wiring: wiring.clone(), waiting: BTreeMap::new() }).collect();
        Self { state: Mutex::new(State { queues, ..State::default() }), faults }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a message on a queue.
    pub fn send(&self, queue: &str, body: String, now: Timestamp) {
        let copies = 1 + u32::from(self.faults.strikes(Fault::Duplicate));
        for _ in 0..copies {
            let delay = if self.faults.strikes(Fault::Delay) { self.faults.delay() } else { SignedDuration::ZERO };
            let message = Message { body: body.clone(), received: 0, sent_at: now, reason: None };
            self.state().put(queue, now.saturating_add(delay).unwrap_or(now), message);
        }
    }

    /// The next message that can be seen now. It stays unseen until its queue's time-out. Messages that were received
    /// too often go to the dead letters on the way.
    pub fn receive(&self, now: Timestamp) -> Option<Delivery> {
        loop {
            let mut state = self.state();
            let (index, place) = self.pick(&state, now)?;
            let queue = state.queues.get_mut(index)?;
            let mut message = queue.waiting.remove(&place)?;
            let wiring = queue.wiring.clone();
            if message.received >= wiring.max_receive_count {
                state.dead.push(dead_letter(wiring.name, message, now));
                continue;
            }
            message.received = message.received.saturating_add(1);
            let body = message.body.clone();
            let again = now.saturating_add(SignedDuration::from_secs(wiring.visibility_seconds.into())).unwrap_or(now);
            let place = state.put(&wiring.name, again, message)?;
            return Some(Delivery { queue: wiring.name, consumer: wiring.consumer, body, place });
        }
    }

    fn pick(&self, state: &State, now: Timestamp) -> Option<(usize, Place)> {
        // Each with the moment and the turn that it is picked by, its lane's patience included.
        let mut seen: Vec<(Place, Place, usize)> = Vec::new();
        let depth = if self.faults.strikes(Fault::Reorder) { 8 } else { 1 };
        for (index, queue) in state.queues.iter().enumerate() {
            let visible = queue.waiting.iter().take_while(|((at, _), _)| *at <= now).take(depth);
            let patience = patience(queue.wiring.lane);
            // One that comes again does not wait anew for what is faster.
            let picked_by =
                |(at, turn): Place, sent_at: Timestamp| (sent_at.saturating_add(patience).unwrap_or(at).max(at), turn);
            seen.extend(visible.map(|(place, message)| (picked_by(*place, message.sent_at), *place, index)));
        }
        if depth > 1 && !seen.is_empty() {
            let chosen = usize::try_from(self.faults.below(seen.len() as u64)).unwrap_or(0);
            return seen.get(chosen).map(|(_, place, index)| (*index, *place));
        }
        seen.into_iter().min().map(|(_, place, index)| (index, place))
    }

    /// The message was handled.
    pub fn delete(&self, delivery: &Delivery) {
        if let Some(queue) = self.state().queue(&delivery.queue) {
            queue.waiting.remove(&delivery.place);
        }
    }

    /// The message was not handled. It comes again at its time.
    pub fn fail(&self, delivery: &Delivery, reason: String) {
        if let Some(message) =
            self.state().queue(&delivery.queue).and_then(|queue| queue.waiting.get_mut(&delivery.place))
        {
            message.reason = Some(reason);
        }
    }

    /// When the next message can be seen.
    pub fn next_visible(&self) -> Option<Timestamp> {
        self.state().queues.iter().filter_map(|queue| queue.waiting.keys().next()).map(|(at, _)| *at).min()
    }

    /// How many messages wait or are on their way.
    pub fn waiting(&self) -> usize {
        self.state().queues.iter().map(|queue| queue.waiting.len()).sum()
    }

    /// What could not be handled, oldest first.
    pub fn dead_letters(&self) -> Vec<DeadLetter> {
        self.state().dead.clone()
    }

    /// Puts every dead letter back on its queue, as it was, and says how many those were.
    pub fn redrive(&self, now: Timestamp) -> usize {
        let mut state = self.state();
        let letters = std::mem::take(&mut state.dead);
        let count = letters.len();
        for letter in letters {
            let message = Message { body: letter.body, received: 0, sent_at: letter.sent_at, reason: None };
            state.put(&letter.queue, now, message);
        }
        count
    }

    /// What the queues hold.
    pub fn hold(&self) -> Held {
        let state = self.state();
        let of_queue = |queue: &OneQueue| -> Vec<(Place, String, Message)> {
            let name = &queue.wiring.name;
            queue.waiting.iter().map(|(place, message)| (*place, name.clone(), message.clone())).collect()
        };
        let mut waiting: Vec<_> = state.queues.iter().flat_map(of_queue).collect();
        waiting.sort_by_key(|(place, ..)| *place);
        Held {
            waiting: waiting.into_iter().map(|((at, _), queue, message)| (queue, at, message)).collect(),
            dead: state.dead.clone(),
        }
    }

    /// Puts back what was held. A queue that is wired no more drops its messages into the dead letters.
    pub fn restore(&self, held: Held, now: Timestamp) {
        let mut state = self.state();
        state.dead = held.dead;
        for (queue, at, message) in held.waiting {
            if state.queue(&queue).is_some() {
                state.put(&queue, at, message);
            } else {
                let message =
                    Message { reason: Some("its queue is not in the template any more".to_owned()), ..message };
                state.dead.push(dead_letter(queue, message, now));
            }
        }
    }
}

impl State {
    fn queue(&mut self, name: &str) -> Option<&mut OneQueue> {
        self.queues.iter_mut().find(|queue| queue.wiring.name == name)
    }

    fn put(&mut self, queue: &str, at: Timestamp, message: Message) -> Option<Place> {
        self.turn = self.turn.saturating_add(1);
        let place = (at, self.turn);
        self.queue(queue)?.waiting.insert(place, message);
        Some(place)
    }
}

fn dead_letter(queue: String, message: Message, died_at: Timestamp) -> DeadLetter {
    let reason = message.reason.unwrap_or_else(|| "it never came to an end".to_owned());
    DeadLetter { queue, body: message.body, received: message.received, sent_at: message.sent_at, died_at, reason }
}

/// One of a function's own queues.
pub struct LocalQueue {
    /// All queues.
    pub queues: Arc<Queues>,
    /// Which one.
    pub name: String,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// The faults that strike at it.
    pub faults: Arc<Faults>,
}

#[async_trait]
impl Queue for LocalQueue {
    async fn send(&self, work: &[Work]) -> Result<(), QueueError> {
        let mut bodies = Vec::new();
        for work in work {
            let body = serde_json::to_string(work).map_err(|error| QueueError::Unavailable(error.into()))?;
            if body.len() > MAX_MESSAGE_BYTES {
                return Err(QueueError::TooLarge(work.work_id.to_string()));
            }
            bodies.push(body);
        }
        if self.faults.strikes(Fault::CrashAfterCommit) {
            return pending().await;
        }
        let sent = bodies.len();
        let fails = self.faults.strikes(Fault::QueueFailure);
        let taken = if fails { self.faults.below(sent as u64) } else { sent as u64 };
        for (_, body) in (0..taken).zip(bodies) {
            self.queues.send(&self.name, body, self.clock.now());
        }
        let taken = usize::try_from(taken).unwrap_or(sent);
        if fails {
            return Err(QueueError::NotTaken { sent, failed: sent.saturating_sub(taken), reason: "injected".into() });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + seconds).unwrap()
    }

    fn wiring(name: &str) -> QueueWiring {
        QueueWiring {
            name: name.into(),
            consumer: format!("{name}-function"),
            lane: Lane::Standard,
            batch_size: 10,
            max_receive_count: 3,
            visibility_seconds: 60,
            dead_letters: format!("{name}-dead"),
        }
    }

    fn queues() -> Queues {
        Queues::new(&[wiring("a"), wiring("b")], Faults::none())
    }

    fn bodies(queues: &Queues, now: Timestamp) -> Vec<String> {
        std::iter::from_fn(|| queues.receive(now)).map(|delivery| delivery.body).collect()
    }

    #[test]
    fn messages_come_in_the_order_of_sending_over_all_queues() {
        let queues = queues();
        for (queue, body) in [("b", "1"), ("a", "2"), ("b", "3")] {
            queues.send(queue, body.into(), at(0));
        }
        assert_eq!(bodies(&queues, at(0)), ["1", "2", "3"]);
    }

    fn lanes() -> Queues {
        let of = |name: &str, lane| QueueWiring { lane, ..wiring(name) };
        let lanes = [of("urgent", Lane::Urgent), of("standard", Lane::Standard), of("bulk", Lane::Bulk)];
        Queues::new(&lanes, Faults::none())
    }

    /// Takes messages one by one, each for so long, and says when one with this text began.
    fn begins(queues: &Queues, text: &str, mut now: i64, seconds: i64) -> i64 {
        loop {
            let delivery = queues.receive(at(now)).unwrap();
            queues.delete(&delivery);
            if delivery.body == text {
                return now;
            }
            now += seconds;
        }
    }

    #[test]
    fn a5_one_critical_behind_ten_thousand_others_is_next() {
        let queues = lanes();
        (0..5_000).for_each(|n| queues.send("standard", n.to_string(), at(0)));
        (0..5_000).for_each(|n| queues.send("bulk", n.to_string(), at(0)));
        assert_eq!(begins(&queues, "9", 0, 1), 9);
        queues.send("urgent", "critical".into(), at(10));
        assert_eq!(begins(&queues, "critical", 10, 1), 10);
    }

    #[test]
    fn a5_what_is_not_urgent_does_not_grow_old_behind_what_is() {
        // Something urgent comes every second and takes a second: nothing would be left for others.
        let queues = lanes();
        queues.send("bulk", "slow".into(), at(0));
        queues.send("standard", "news".into(), at(0));
        for second in 0..2_000 {
            queues.send("urgent", format!("u{second}"), at(second));
        }
        assert_eq!(begins(&queues, "news", 0, 1), 300, "after its five minutes");
        assert_eq!(begins(&queues, "slow", 301, 1), 901, "after its fifteen, and the one that the news held up");
    }

    #[test]
    fn a5_a_message_that_comes_again_does_not_wait_anew() {
        let queues = lanes();
        queues.send("bulk", "slow".into(), at(0));
        queues.receive(at(0)).unwrap();
        for second in 600..1_000 {
            queues.send("urgent", format!("u{second}"), at(second));
        }
        assert_eq!(begins(&queues, "slow", 600, 1), 900, "fifteen minutes after it was sent");
    }

    #[test]
    fn a_received_message_stays_unseen_until_the_time_out_and_then_comes_again() {
        let queues = queues();
        queues.send("a", "1".into(), at(0));
        queues.receive(at(0)).unwrap();
        assert_eq!(queues.next_visible(), Some(at(60)));
        assert_eq!(queues.receive(at(59)), None);
        assert_eq!(queues.receive(at(60)).unwrap().body, "1");
    }

    #[test]
    fn a_deleted_message_does_not_come_again() {
        let queues = queues();
        queues.send("a", "1".into(), at(0));
        queues.delete(&queues.receive(at(0)).unwrap());
        assert_eq!((queues.waiting(), queues.next_visible()), (0, None));
    }

    #[test]
    fn a6_a_message_goes_to_the_dead_letters_after_its_receives_with_the_last_reason() {
        let queues = queues();
        queues.send("a", "poison".into(), at(0));
        for n in 0..3 {
            let delivery = queues.receive(at(60 * n)).unwrap();
            queues.fail(&delivery, format!("failure {n}"));
        }
        assert_eq!(queues.dead_letters(), []);
        assert_eq!(queues.receive(at(180)), None);
        let letters = queues.dead_letters();
        assert_eq!(letters.len(), 1);
        let expected = ("a", "poison", 3, "failure 2", at(0), at(180));
        let letter = &letters[0];
        let actual = (
            letter.queue.as_str(),
            letter.body.as_str(),
            letter.received,
            letter.reason.as_str(),
            letter.sent_at,
            letter.died_at,
        );
        assert_eq!(actual, expected);
        assert_eq!(queues.waiting(), 0);
    }

    #[test]
    fn a6_a_redriven_message_is_what_it_was_and_has_all_its_receives() {
        let queues = queues();
        queues.send("a", "poison".into(), at(0));
        assert_eq!((0..4).filter_map(|n| queues.receive(at(60 * n))).count(), 3);
        assert_eq!(queues.redrive(at(500)), 1);
        assert_eq!(queues.dead_letters(), []);
        assert_eq!((0..4).filter_map(|n| queues.receive(at(500 + 60 * n))).count(), 3);
        assert_eq!(queues.dead_letters()[0].sent_at, at(0));
    }

    #[test]
    fn what_is_held_can_be_put_back() {
        let queues = queues();
        for body in ["1", "2", "3"] {
            queues.send("a", body.into(), at(0));
        }
        queues.delete(&queues.receive(at(0)).unwrap());
        queues.receive(at(0)).unwrap();
        let text = serde_json::to_string(&queues.hold()).unwrap();
        let again = Queues::new(&[wiring("a")], Faults::none());
        again.restore(serde_json::from_str(&text).unwrap(), at(1));
        assert_eq!(again.hold(), queues.hold());
        assert_eq!(bodies(&again, at(60)), ["3", "2"]);

        let other = Queues::new(&[wiring("b")], Faults::none());
        other.restore(queues.hold(), at(1));
        assert_eq!((other.waiting(), other.dead_letters().len()), (0, 2));
    }

    #[test]
    fn faults_duplicate_delay_and_reorder() {
        let rates = |fault| Faults::seeded(5, [(fault, 1000)].into());
        let twice = Queues::new(&[wiring("a")], rates(Fault::Duplicate));
        twice.send("a", "1".into(), at(0));
        assert_eq!(bodies(&twice, at(0)), ["1", "1"]);

        let late = Queues::new(&[wiring("a")], rates(Fault::Delay));
        late.send("a", "1".into(), at(0));
        assert_eq!(bodies(&late, at(0)), [""; 0]);
        assert_eq!(bodies(&late, at(301)), ["1"]);

        let mixed = Queues::new(&[wiring("a")], rates(Fault::Reorder));
        (0..9).for_each(|n| mixed.send("a", n.to_string(), at(0)));
        let order = bodies(&mixed, at(0));
        let mut sorted = order.clone();
        sorted.sort();
        assert_ne!(order, sorted);
        assert_eq!(sorted.len(), 9);
    }
}

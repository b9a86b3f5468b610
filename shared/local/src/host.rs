//! The five functions in one process: wired as the template says, on one table, in one thread, at the host's own time.
//!
//! Messages and ticks pass as the texts that they are on AWS. [`Host::pump`] delivers until nothing can be delivered at
//! this moment; [`Host::advance`] moves time on and fires schedules and redeliveries in the order of their times. The
//! same input, seed and times give the same bytes. A function that does not come to an end at once was struck by a
//! crash: its future is dropped, and its message comes again when its time-out is over.

use crate::bus::{LocalBus, Witness};
use crate::clock::StandingClock;
use crate::faults::{Fault, Faults, FaultyTable};
use crate::queue::{Delivery, LocalQueue, Queues};
use crate::schedule::{input, retry_at, slot_after};
use crate::wiring::{QueueWiring, ScheduleWiring, Wiring};
use contract::event::FunctionName;
use contract::message::Incoming;
use jiff::Timestamp;
use platform::clock::Clock;
use platform::function::{Failure, Function, Ports, Tick};
use platform::http::auth::Verifier;
use platform::http::{BASE, Request, Response};
use platform::queue::{Lanes, Queue};
use platform::table::Table;
use platform::{log, metrics};
use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use tracing::Instrument as _;

/// Why there is no host.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// A function could not be made.
    #[error("function `{function}` cannot start: {reason}")]
    Function {
        /// Which one.
        function: &'static str,
        /// Why.
        reason: String,
    },
    /// Template and functions do not fit together.
    #[error("the template and the functions do not fit together: {}", .0.join("; "))]
    Unfit(Vec<String>),
}

/// What a host is made of.
pub struct Parts {
    /// What is connected with what.
    pub wiring: Wiring,
    /// The table that all functions share.
    pub table: Arc<dyn Table>,
    /// The clock, which the host moves from now on.
    pub clock: Arc<StandingClock>,
    /// The faults that strike.
    pub faults: Arc<Faults>,
    /// Where metrics go.
    pub metrics: Arc<dyn metrics::Metrics>,
    /// Is told of every event that goes out.
    pub witness: Witness,
}

/// A tick that failed as often as it was tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissedTick {
    /// The logical id of its schedule.
    pub schedule: String,
    /// What the function was given.
    pub input: String,
    /// Why it failed the last time.
    pub reason: String,
}

/// A tick that failed and is tried again.
struct Retry {
    schedule: usize,
    input: String,
    attempts: usize,
}

/// The one-machine host.
pub struct Host {
    functions: BTreeMap<&'static str, Arc<dyn Function>>,
    queues: Arc<Queues>,
    schedules: Vec<(ScheduleWiring, Timestamp)>,
    retries: BTreeMap<(Timestamp, u64), Retry>,
    turn: u64,
    missed: Vec<MissedTick>,
    clock: Arc<StandingClock>,
    faults: Arc<Faults>,
}

impl Host {
    /// Starts every function. A template that does not fit the functions is refused, with every difference.
    /// `build` makes a function of its ports.
    pub fn new(
        parts: Parts,
        build: impl Fn(FunctionName, Ports) -> Result<Arc<dyn Function>, String>,
    ) -> Result<Self, HostError> {
        let queues = Arc::new(Queues::new(&parts.wiring.queues, parts.faults.clone()));
        let mut functions = BTreeMap::new();
        for name in FunctionName::ALL {
            let function = build(name, ports(&parts, &queues, name))
                .map_err(|reason| HostError::Function { function: name.as_str(), reason })?;
            functions.insert(name.as_str(), function);
        }
        let differences = differences(&parts.wiring, &functions);
        if !differences.is_empty() {
            return Err(HostError::Unfit(differences));
        }
        let now = parts.clock.now();
        let schedules = parts.wiring.schedules.into_iter().map(|schedule| (slot_after(&schedule, now), schedule));
        Ok(Self {
            functions,
            queues,
            schedules: schedules.map(|(slot, schedule)| (schedule, slot)).collect(),
            retries: BTreeMap::new(),
            turn: 0,
            missed: Vec::new(),
            clock: parts.clock,
            faults: parts.faults,
        })
    }

    /// What time it is here.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The clock that the functions see.
    pub fn clock(&self) -> Arc<dyn Clock> {
        self.clock.clone()
    }

    /// The queues.
    pub fn queues(&self) -> &Queues {
        &self.queues
    }

    /// Ticks that were given up.
    pub fn missed_ticks(&self) -> &[MissedTick] {
        &self.missed
    }

    /// Delivers messages until none can be seen at this moment.
    pub fn pump(&mut self) {
        while self.deliver() {}
    }

    /// Delivers a message, if one can be seen at this moment.
    pub fn deliver(&mut self) -> bool {
        let Some(delivery) = self.queues.receive(self.clock.now()) else { return false };
        match self.handle(&delivery) {
            Ok(()) => self.queues.delete(&delivery),
            Err(reason) => {
                tracing::warn!(queue = delivery.queue, reason, "a message was not handled");
                self.queues.fail(&delivery, reason);
            }
        }
        true
    }

    /// Moves time on to this moment. What is due on the way happens in its order and at its time.
    pub fn advance(&mut self, to: Timestamp) {
        loop {
            self.pump();
            match self.next_moment().filter(|next| *next <= to) {
                Some(next) => {
                    self.clock.move_to(next);
                    self.fire();
                }
                None => break,
            }
        }
        self.clock.move_to(to);
        self.pump();
    }

    /// When something happens next by itself.
    pub fn next_moment(&self) -> Option<Timestamp> {
        let slots = self.schedules.iter().map(|(_, slot)| *slot);
        let retries = self.retries.keys().map(|(at, _)| *at);
        slots.chain(retries).chain(self.queues.next_visible()).min()
    }

    /// Answers a request with the function that is named.
    pub fn call(&self, function: &str, verifier: &Verifier, request: Request) -> Response {
        let answer = self
            .functions
            .get(function)
            .and_then(|function| at_once(platform::http::serve(function.as_ref(), verifier, request)));
        // What API Gateway says of a function that went away.
        answer.unwrap_or_else(|| Response {
            status: 502,
            headers: BTreeMap::new(),
            body: r#"{"message":"Internal server error"}"#.to_owned(),
        })
    }

    fn handle(&self, delivery: &Delivery) -> Result<(), String> {
        let function = self.functions.get(delivery.consumer.as_str()).ok_or("its function is not there")?;
        let incoming = Incoming::parse(&delivery.body).map_err(|error| error.to_string())?;
        let span = log::message_span(function.name(), &incoming);
        let until = if self.faults.strikes(Fault::ShortTime) { self.clock.now() } else { Timestamp::MAX };
        let result = at_once(function.message(&incoming, until).instrument(span));
        let result = result.unwrap_or_else(|| Err(Failure::Unhandled("the function went away".to_owned())));
        metrics::record_message(function.ports().metrics.as_ref(), &incoming, result.is_ok(), self.clock.now());
        result.map_err(|failure| failure.to_string())
    }

    /// Fires the ticks whose time has come: those of schedules in the template's order, then those that failed before.
    fn fire(&mut self) {
        let now = self.clock.now();
        let mut due: Vec<Retry> = Vec::new();
        for (index, (schedule, slot)) in self.schedules.iter_mut().enumerate() {
            if *slot <= now {
                due.push(Retry { schedule: index, input: input(schedule, *slot), attempts: 0 });
                *slot = slot_after(schedule, *slot);
            }
        }
        while let Some(entry) = self.retries.first_entry().filter(|entry| entry.key().0 <= now) {
            due.push(entry.remove());
        }
        for mut tick in due {
            if let Err(reason) = self.tick(&tick) {
                tick.attempts += 1;
                self.try_again(tick, reason);
            }
        }
    }

    fn tick(&self, tick: &Retry) -> Result<(), String> {
        let (schedule, _) = self.schedules.get(tick.schedule).ok_or("its schedule is not there")?;
        let function = self.functions.get(schedule.function.as_str()).ok_or("its function is not there")?;
        let tick: Tick = serde_json::from_str(&tick.input).map_err(|error| error.to_string())?;
        let span = log::tick_span(function.name(), &tick);
        match at_once(function.tick(&tick).instrument(span)) {
            Some(result) => result.map_err(|failure| failure.to_string()),
            None => Err("the function went away".to_owned()),
        }
    }

    fn try_again(&mut self, tick: Retry, reason: String) {
        let schedule = self.schedules.get(tick.schedule).map_or("", |(schedule, _)| schedule.name.as_str());
        tracing::warn!(schedule, reason, "a tick was not handled");
        if let Some(at) = retry_at(self.clock.now(), tick.attempts) {
            self.turn += 1;
            self.retries.insert((at, self.turn), tick);
        } else {
            self.missed.push(MissedTick { schedule: schedule.to_owned(), input: tick.input, reason });
        }
    }
}

/// Runs a future that waits for nothing outside this thread; nothing, where it does not come to an end or panics. As on
/// Lambda, a panic is the end of one call and not of the process.
pub fn at_once<T>(future: impl Future<Output = T>) -> Option<T> {
    let polled = catch_unwind(AssertUnwindSafe(|| pin!(future).poll(&mut Context::from_waker(Waker::noop()))));
    match polled {
        Ok(Poll::Ready(value)) => Some(value),
        Ok(Poll::Pending) | Err(_) => None,
    }
}

fn ports(parts: &Parts, queues: &Arc<Queues>, function: FunctionName) -> Ports {
    let own = parts.wiring.queues.iter().filter(|queue| queue.consumer == function.as_str());
    let (clock, faults) = (parts.clock.clone(), parts.faults.clone());
    let lane = |queue: &QueueWiring| {
        let (queues, name) = (queues.clone(), queue.name.clone());
        let local = LocalQueue { queues, name, clock: clock.clone(), faults: faults.clone() };
        (queue.lane, Arc::new(local) as Arc<dyn Queue>)
    };
    Ports {
        table: Arc::new(FaultyTable { table: parts.table.clone(), faults: faults.clone() }),
        bus: Arc::new(LocalBus {
            rules: parts.wiring.rules.as_slice().into(),
            queues: queues.clone(),
            clock: clock.clone(),
            faults: faults.clone(),
            witness: parts.witness.clone(),
        }),
        queue: Arc::new(Lanes(own.map(lane).collect())),
        clock,
        metrics: parts.metrics.clone(),
        answers: Arc::default(),
    }
}

/// What the template says otherwise than the functions.
fn differences(wiring: &Wiring, functions: &BTreeMap<&'static str, Arc<dyn Function>>) -> Vec<String> {
    let routed: BTreeSet<(String, String, String)> =
        wiring.routes.iter().map(|route| (route.function.clone(), route.method.clone(), route.path.clone())).collect();
    let declared: BTreeSet<(String, String, String)> = functions
        .values()
        .flat_map(|function| function.routes().iter().map(|route| (function.name(), route)))
        .map(|(name, route)| {
            (name.as_str().to_owned(), route.method.as_str().to_owned(), format!("{BASE}{}", route.path))
        })
        .collect();
    let say = |(function, method, path): &(String, String, String), what: &str| {
        format!("{method} {path} of `{function}` {what}")
    };
    let mut differences: Vec<String> =
        declared.difference(&routed).map(|route| say(route, "is not in the template")).collect();
    differences.extend(routed.difference(&declared).map(|route| say(route, "is in the template alone")));
    let consumers = wiring.queues.iter().map(|queue| (&queue.name, &queue.consumer));
    let called = wiring.schedules.iter().map(|schedule| (&schedule.name, &schedule.function));
    for (name, function) in consumers.chain(called).filter(|(_, function)| !functions.contains_key(function.as_str())) {
        differences.push(format!("`{name}` feeds `{function}`, which is not there"));
    }
    for rule in wiring.rules.iter().filter(|rule| !wiring.queues.iter().any(|queue| queue.name == rule.queue)) {
        differences.push(format!("rule `{}` feeds `{}`, which no function consumes", rule.name, rule.queue));
    }
    differences
}

#[cfg(test)]
mod playbooks;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod visible;

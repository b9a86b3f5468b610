//! Many histories of one destination, each from its seed: it is down for an hour, loses answers and asks for less, while
//! commits and publications fail, work is lost, doubled and late, every call is another process, and people act.
//!
//! What must hold in each: every person is told each thing, a repeat is the same message under the same id, and nobody is
//! told of what somebody has, has put off or has ended.

use super::outbox::{Vault, hook};
use super::*;
use contract::message::Work;
use domain::destination::{Destinations, Route};
use domain::escalation::{Escalation, Status};
use domain::id::EscalationId;
use domain::record::EscalationRecord;
use platform::connector::{OutboundRequest, OutboundResponse, Transport, TransportError};
use platform::environment::Environment;
use platform::once;
use platform::table::{self, Range, Table};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

/// How many histories are played; more with `CS_OPS_HISTORIES`.
const HISTORIES: u64 = 20;
/// When the destination goes down, in minutes, and comes back.
const DOWN: std::ops::Range<i64> = 30..90;
/// From then on nothing fails any more.
const QUIET: i64 = 150;
/// When a history ends.
const END: i64 = 240;

/// Splitmix64: the same seed gives the same history.
struct Dice(Mutex<u64>);

impl Dice {
    fn roll(&self, below: u64) -> u64 {
        let mut state = self.0.lock().unwrap();
        *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = *state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % below
    }

    fn percent(&self, chance: u64) -> bool {
        self.roll(100) < chance
    }
}

/// What arrived there.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Heard {
    message: String,
    body: Value,
    /// It has it.
    taken: bool,
    /// It said so, and nobody heard.
    lost: bool,
    minute: i64,
}

/// The destination and the world around it.
struct World {
    doubles: Doubles,
    dice: Arc<Dice>,
    start: Timestamp,
    heard: Mutex<Vec<Heard>>,
}

impl World {
    fn minute(&self) -> i64 {
        self.doubles.now().duration_since(self.start).as_secs() / MINUTE
    }

    async fn escalation(&self, id: &str) -> Escalation {
        let item = self.doubles.table.get(&keys::escalations(&tenant(), &acme())).await.unwrap().unwrap();
        let record: EscalationRecord = once::state_of(&item).unwrap();
        record.escalations[&EscalationId::new(id).unwrap()].clone()
    }

    /// What becomes of a request: it is taken or not, and what is answered.
    fn fate(&self) -> (bool, Result<OutboundResponse, TransportError>) {
        let status = |status, retry_after: Option<&str>| {
            let retry_after = retry_after.map(str::to_owned);
            Ok(OutboundResponse { status, retry_after, body: String::new() })
        };
        let minute = self.minute();
        if DOWN.contains(&minute) {
            return (false, if self.dice.percent(50) { status(503, None) } else { Err(TransportError::TimedOut) });
        }
        match self.dice.roll(100) {
            0..10 if minute < QUIET => (true, Err(TransportError::TimedOut)),
            10..15 if minute < QUIET => (false, status(429, Some("120"))),
            15..20 if minute < QUIET => (false, status(500, None)),
            _ => (true, status(204, None)),
        }
    }
}

#[async_trait]
impl Transport for World {
    async fn send(&self, request: OutboundRequest) -> Result<OutboundResponse, TransportError> {
        let message = request.headers.iter().find(|(name, _)| *name == "webhook-id").unwrap().1.clone();
        let body: Value = serde_json::from_str(&request.body).unwrap();
        // As it is at this very moment.
        let known = self.escalation(body["data"]["escalation"].as_str().unwrap()).await;
        let kind = body["type"].as_str().unwrap();
        let holds = match kind {
            "escalation.page" => known.status == Status::Open,
            "escalation.handed_over" => known.handover.is_some(),
            "escalation.acknowledged" => known.status.name() == "acknowledged",
            "escalation.snoozed" => known.status.name() == "snoozed",
            "escalation.resolved" => known.status.name() == "resolved",
            other => panic!("{other}"),
        };
        assert!(holds, "{kind} was told, but it is {:?}", known.status);
        let (taken, answer) = self.fate();
        self.heard.lock().unwrap().push(Heard {
            message,
            body,
            taken,
            lost: taken && answer.is_err(),
            minute: self.minute(),
        });
        answer
    }
}

struct History {
    stage: Stage,
    world: Arc<World>,
    dice: Arc<Dice>,
    destinations: Destinations,
    /// Work that is under way.
    queue: Vec<Work>,
    /// Calls that ended in the middle.
    crashes: usize,
    cases: BTreeMap<String, (Severity, Vec<(i64, CaseStatus)>)>,
}

impl History {
    fn new(seed: u64) -> Self {
        let (mut stage, dice) = (stage(), Arc::new(Dice(Mutex::new(seed))));
        let world = Arc::new(World {
            doubles: stage.doubles.clone(),
            dice: dice.clone(),
            start: stage.start,
            heard: Mutex::default(),
        });
        let route = Route { to: vec![hook().id], ..Route::default() };
        let destinations = Destinations::new(vec![hook()], vec![route]).unwrap();
        stage.escalate = cold(&stage.doubles, &world, &destinations);
        Self { stage, world, dice, destinations, queue: Vec::new(), crashes: 0, cases: BTreeMap::new() }
    }

    /// Another process: it knows nothing but what is in the table.
    fn restart(&mut self) {
        self.stage.escalate = cold(&self.stage.doubles, &self.world, &self.destinations);
    }

    /// Something is done in which commits or a publication may fail at any place.
    fn perhaps_failing(&mut self, minute: i64, what: impl Fn(&Stage) -> Result<(), Failure>) -> bool {
        let fails = minute < QUIET && self.dice.percent(15);
        if fails {
            let commits = usize::try_from(self.dice.roll(5)).unwrap();
            self.stage.doubles.fail_commits_after(commits);
        } else if minute < QUIET && self.dice.percent(5) {
            self.stage.doubles.fail_next_publish();
        }
        let done = what(&self.stage).is_ok();
        self.stage.doubles.heal();
        self.crashes += usize::from(!done);
        done
    }

    fn play(&mut self) {
        for minute in 0..END {
            self.restart();
            self.stage.doubles.set_now(self.stage.at(minute * MINUTE));
            if minute < 120 && self.dice.percent(6) {
                self.case(minute);
            }
            if minute < QUIET && self.dice.percent(8) {
                self.somebody_acts(minute);
            }
            self.queue.extend(self.stage.doubles.take_work());
            self.perhaps_failing(minute, |stage| stage.tick(minute * MINUTE));
            self.queue.extend(self.stage.doubles.take_work());
            self.work(minute);
        }
    }

    /// A case comes in, or news of one: twice now and then.
    fn case(&mut self, minute: i64) {
        let number = self.dice.roll(5);
        let severity = [Severity::Critical, Severity::High][usize::from(number > 2)];
        let news = &mut self.cases.entry(format!("c{number}")).or_insert((severity, Vec::new())).1;
        let status = if news.is_empty() { CaseStatus::Opened } else { CaseStatus::Responded };
        news.push((minute * MINUTE, status));
        let (_, news) = &self.cases[&format!("c{number}")];
        for _ in 0..=self.dice.roll(2) {
            self.stage.case(&format!("c{number}"), severity, news);
        }
    }

    fn somebody_acts(&self, minute: i64) {
        let active = self.stage.active("t", &[]);
        if active.is_empty() {
            return;
        }
        let chosen = usize::try_from(self.dice.roll(active.len() as u64)).unwrap();
        let until = format!(r#"{{"until":"{}"}}"#, self.stage.at((minute + 20) * MINUTE));
        let (action, body) = match self.dice.roll(12) {
            0..5 => ("acknowledge", String::new()),
            5..7 => ("unacknowledge", String::new()),
            7..9 => ("snooze", until),
            9 | 10 => ("hand-over", r#"{"to":"senior-01"}"#.to_owned()),
            _ => ("resolve", r#"{"outcome":"done"}"#.to_owned()),
        };
        // What cannot be done as things stand is refused.
        match self.stage.act("t", &active[chosen].escalation, action, &body) {
            Ok(_) => {}
            Err(refused) => assert_eq!(refused.status, 409, "{}", refused.detail),
        }
    }

    /// What lies in the queue is done, twice, later, or got lost on the way.
    fn work(&mut self, minute: i64) {
        let mut late = Vec::new();
        for work in std::mem::take(&mut self.queue) {
            let roll = if minute < QUIET { self.dice.roll(100) } else { 100 };
            match roll {
                0..10 => continue,
                10..20 => {
                    late.push(work);
                    continue;
                }
                20..30 => late.push(work.clone()),
                _ => {}
            }
            let deliver = |stage: &Stage| {
                let message = Incoming::Work(Box::new(work.clone()));
                block_on(stage.escalate.message(&message, Timestamp::MAX))
            };
            if !self.perhaps_failing(minute, deliver) {
                self.restart();
                late.push(work);
            }
        }
        self.queue.extend(late);
    }
}

fn cold(doubles: &Doubles, world: &Arc<World>, destinations: &Destinations) -> Escalate {
    let connector = platform::connector::Connector::new(world.clone(), Arc::new(Vault), doubles.ports().clock);
    Escalate::new(doubles.ports()).unwrap().reaching(destinations.clone(), Arc::new(connector))
}

/// A message is one thing, whatever happened on the way, and comes again only for a reason.
fn repeats_are_the_same(history: &History, heard: &[Heard]) {
    let mut said: BTreeMap<&str, &Value> = BTreeMap::new();
    for one in heard {
        assert_eq!(*said.entry(&one.message).or_insert(&one.body), &one.body, "under one id");
    }
    let mut what = BTreeSet::new();
    for (message, body) in &said {
        let data = &body["data"];
        let thing = format!(
            "{} {} {} {} {} {}",
            body["type"], data["escalation"], data["role"], data["step"], data["repeats"], body["timestamp"]
        );
        assert!(what.insert(thing.clone()), "{thing} has two ids, one is {message}");
    }
    let taken = heard.iter().filter(|one| one.taken).count();
    let once: BTreeSet<&str> = heard.iter().filter(|one| one.taken).map(|one| one.message.as_str()).collect();
    let reasons = history.crashes + heard.iter().filter(|one| one.lost).count();
    assert!(taken - once.len() <= reasons, "{} repeats, {reasons} reasons", taken - once.len());
}

/// Whoever the list says was told was told outside, but for what was void by then.
fn everybody_was_told(history: &History, heard: &[Heard]) -> usize {
    let stage = &history.stage;
    let all = stage.doubles.published();
    let mut pages = 0;
    let entries = block_on(table::query_all(
        stage.doubles.table.as_ref(),
        Range::prefix(keys::tenant_partition(&tenant(), "ESCALATION"), ""),
    ));
    for item in entries.unwrap() {
        let listed: EscalationItem = table::read(&item).unwrap();
        for told in &listed.told {
            let is_this = |one: &&Heard| {
                let (body, data) = (&one.body, &one.body["data"]);
                body["type"] == "escalation.page"
                    && data["escalation"] == json!(listed.escalation)
                    && (&data["role"], &data["person"]) == (&json!(told.role), &json!(told.person))
                    && body["timestamp"] == json!(told.at)
            };
            if heard.iter().filter(is_this).any(|one| one.taken) {
                pages += 1;
                continue;
            }
            // Somebody had it before it could be told, or the same role was told of a later moment together with it.
            let had = all.iter().any(|event| {
                let (is_end, escalation) = match &event.fact {
                    Fact::EscalationAcknowledged(fact) => (true, &fact.escalation),
                    Fact::EscalationResolved(fact) => (true, &fact.escalation),
                    Fact::EscalationMoved(fact) => (true, &fact.escalation),
                    _ => return false,
                };
                is_end && escalation.escalation.as_str() == listed.escalation && event.meta.occurred_at >= told.at
            });
            let later = listed.told.iter().any(|other| other.role == told.role && other.at > told.at);
            assert!(had || later, "{} of {} was not told of {}", told.role, listed.escalation, told.at);
        }
    }
    pages
}

#[test]
fn a12_a84_in_every_history_each_person_is_told_each_thing_and_nothing_after_somebody_has_it() {
    let asked = Environment::process().get("CS_OPS_HISTORIES").and_then(|text| text.parse().ok());
    let histories = asked.unwrap_or(HISTORIES);
    let (mut pages, mut downs, mut repeats) = (0, 0, 0);
    for seed in 0..histories {
        let mut history = History::new(seed);
        history.play();
        let heard = history.world.heard.lock().unwrap().clone();
        repeats_are_the_same(&history, &heard);
        pages += everybody_was_told(&history, &heard);
        let partition = |urgent| keys::outbox_partition(&tenant(), &hook().id, urgent);
        for urgent in [true, false] {
            let range = Range::prefix(partition(urgent), "");
            let waits = block_on(history.stage.doubles.table.query(&range)).unwrap().items;
            assert!(waits.is_empty(), "seed {seed}: {} wait still", waits.len());
        }
        let published = history.stage.doubles.published();
        let count = |name: &str| {
            let named = published.iter().filter(|event| event.fact.name() == name);
            named.map(|event| event.meta.event_id.to_string()).collect::<BTreeSet<_>>().len()
        };
        assert_eq!(count("DeliveryGivenUp"), 0, "seed {seed}");
        assert_eq!(count("DestinationDown"), count("DestinationRecovered"), "seed {seed}");
        let asked = heard.iter().filter(|one| DOWN.contains(&one.minute)).count();
        assert!(asked <= 60, "seed {seed}: asked {asked} times while it was down");
        downs += count("DestinationDown");
        repeats += heard.iter().filter(|one| one.taken).count();
        repeats -= heard.iter().filter(|one| one.taken).map(|one| &one.message).collect::<BTreeSet<_>>().len();
    }
    // The histories are worth something: there was much to tell, it was down, and answers got lost.
    let least = usize::try_from(histories).unwrap();
    assert!(pages >= 5 * least && downs >= least / 2 && repeats > 0, "{pages} pages, {downs} downs, {repeats} repeats");
}

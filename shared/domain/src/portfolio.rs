//! The portfolio as the report shows it: one row an account, folded from facts, and the summary over all rows.
//!
//! A row is a function of the set of its facts: any order, batching or repetition gives the same row, byte for byte.
//! Each field is what its latest fact (by time, then by event id) says. What ended stays known for a while, so that an
//! older fact that comes late does not bring it back. Counts alone do not bear repetition: who counts ([`Row::count`]) does
//! so once for each event.

mod past;
mod summary;

pub use past::{KEPT_WEEKS, Past, Place, Verdict, monday};
pub use summary::{AccountFall, OpenCta, OpenEscalation, Summary};

use crate::account::{LifecycleStage, Money, Segment};
use crate::band::Band;
use crate::day::Day;
use crate::fixed::{Points, Quantity};
use crate::id::{AccountId, CauseId, CtaId, EscalationId, ExperimentId, PersonId, RuleId};
use crate::kpi::{Counts, Month, Monthly};
use crate::revenue::Ledger;
use crate::rule::CtaKind;
use crate::signal::{Metric, Severity};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The most ended calls to action, and the most ended escalations, that a row remembers.
pub const MAX_ENDED: usize = 300;
/// How many falls the summary names.
pub const FALLS: usize = 5;
/// How far back the summary looks for falls, in days.
pub const FALL_DAYS: i64 = 30;
/// The most findings that a row keeps, the latest.
pub const MAX_ANOMALIES: usize = 20;
/// For how many days a row keeps who did something about its account: those until the latest one.
pub const ACTOR_DAYS: i32 = 100;

/// Which of two facts is the later one: by time, then by the event's id.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Stamp {
    /// When it happened.
    pub at: Timestamp,
    /// The event that says it.
    pub event: CauseId,
}

/// What a fact says of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fact {
    /// What the account is.
    Profile(Profile),
    /// How healthy it is.
    Health(Health),
    /// It has no health any more: it is no customer any more.
    Left,
    /// It came down into a lower band, or its score fell.
    Fell(Fall),
    /// A call to action is to be done.
    CtaLive(CtaId, CtaView),
    /// A call to action ended.
    CtaEnded(CtaId),
    /// An escalation is open.
    EscalationLive(EscalationId, EscalationView),
    /// An escalation ended.
    EscalationEnded(EscalationId),
    /// It rose to a better band.
    Rose,
    /// Something was begun about a risk.
    Begun(CtaId),
    /// Nothing was begun for it, so that it can be seen what happens then.
    HeldOut(ExperimentId),
    /// It may grow.
    Opportunity(CtaId),
    /// Something about it is unusual.
    Unusual(AnomalyView),
    /// What a metric was at a moment.
    Measured(Metric, Timestamp, Quantity),
    /// Somebody looks after it in a role.
    Owned(String, PersonId),
    /// Something about its data, by a name of its own, is unusual or is no more.
    Data(String, bool),
    /// Somebody did something about it.
    Acted(PersonId),
}

/// Something unusual about an account.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct AnomalyView {
    /// In which metric.
    pub metric: String,
    /// `up` or `down`.
    pub direction: String,
    /// How unusual.
    pub severity: String,
    /// What is unusual, with the numbers.
    pub reason: String,
}

/// What an account is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Profile {
    /// What people call it.
    pub name: String,
    /// Annual recurring revenue.
    pub arr: Money,
    /// Which kind of customer.
    pub segment: Segment,
    /// Where it is on its way.
    pub stage: LifecycleStage,
    /// When its contract ends, if that is known.
    pub renewal_on: Option<Day>,
}

impl Profile {
    /// What it pays: nothing once it is no customer any more.
    pub fn pays(&self) -> Money {
        if self.stage == LifecycleStage::Churned { Money::default() } else { self.arr }
    }
}

/// How healthy an account is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Health {
    /// The score.
    pub score: Points,
    /// The band; none until a score was not provisional.
    pub band: Option<Band>,
    /// Too little data.
    pub provisional: bool,
}

impl Health {
    /// Where it puts the account.
    pub const fn place(&self) -> Place {
        match (self.provisional, self.band) {
            (true, _) => Place::Provisional,
            (false, Some(band)) => Place::In(band),
            (false, None) => Place::Unscored,
        }
    }
}

/// A fall of the score.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Fall {
    /// The score before.
    pub from: Points,
    /// The score after.
    pub to: Points,
    /// Why, the largest part first.
    pub reasons: Vec<String>,
}

impl Fall {
    /// How many points it fell.
    pub const fn depth(&self) -> Points {
        self.from.minus(self.to)
    }
}

const fn risk() -> CtaKind {
    CtaKind::Risk
}

/// A call to action that is to be done.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct CtaView {
    /// The rule that opened it.
    pub rule: RuleId,
    /// What it is about; what was written down before kinds were kept was about risks most of all.
    #[serde(default = "risk")]
    pub kind: CtaKind,
    /// Why, in plain words.
    pub reason: String,
    /// The larger, the more urgent.
    pub priority: i64,
    /// Who has it, if anybody.
    pub owner: Option<String>,
    /// When the episode began.
    pub opened_at: Timestamp,
    /// When it is due.
    pub due_at: Timestamp,
}

/// An escalation that is open.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct EscalationView {
    /// How bad it is.
    pub severity: Severity,
    /// Why, in plain words.
    pub reason: String,
    /// The role that was told last.
    pub role: String,
    /// Whether somebody took it on.
    pub acknowledged: bool,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// When the next clock runs out, if one runs.
    pub breach_at: Option<Timestamp>,
}

/// What its latest fact says; nothing where that fact is that it ended.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Latest<T> {
    stamp: Stamp,
    value: T,
}

/// One account of the portfolio.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// Which account.
    pub account: AccountId,
    profile: Option<Latest<Profile>>,
    health: Option<Latest<Option<Health>>>,
    fall: Option<Latest<Fall>>,
    ctas: BTreeMap<CtaId, Latest<Option<CtaView>>>,
    escalations: BTreeMap<EscalationId, Latest<Option<EscalationView>>>,
    /// What it was.
    #[serde(default)]
    pub past: Past,
    /// What it pays.
    #[serde(default)]
    pub ledger: Ledger,
    /// What was counted.
    #[serde(default)]
    pub counted: Monthly,
    #[serde(default)]
    anomalies: BTreeSet<(Timestamp, AnomalyView)>,
    #[serde(default)]
    measured: BTreeMap<Metric, Latest<Quantity>>,
    #[serde(default)]
    owners: BTreeMap<String, Latest<PersonId>>,
    #[serde(default)]
    data: BTreeMap<String, Latest<Option<bool>>>,
    #[serde(default)]
    actors: BTreeMap<Day, BTreeSet<PersonId>>,
}

impl Row {
    /// A row that nothing is known of.
    pub fn new(account: AccountId) -> Self {
        Self {
            account,
            profile: None,
            health: None,
            fall: None,
            ctas: BTreeMap::new(),
            escalations: BTreeMap::new(),
            past: Past::default(),
            ledger: Ledger::default(),
            counted: Monthly::default(),
            anomalies: BTreeSet::new(),
            measured: BTreeMap::new(),
            owners: BTreeMap::new(),
            data: BTreeMap::new(),
            actors: BTreeMap::new(),
        }
    }

    /// Takes a fact in. Says whether the row is another one now.
    pub fn apply(&mut self, stamp: Stamp, fact: Fact) -> bool {
        let at = stamp.at;
        let heard = self.past.heard(at);
        heard | self.put(stamp, fact)
    }

    fn put(&mut self, stamp: Stamp, fact: Fact) -> bool {
        let at = stamp.at;
        match fact {
            Fact::Profile(value) => {
                let pays = self.ledger.set(at, value.pays());
                let renews = value.renewal_on.is_some_and(|on| self.past.renewal(on));
                put(&mut self.profile, stamp, value) | pays | renews
            }
            Fact::Health(value) => {
                let was = self.past.was(at, value.place());
                put(&mut self.health, stamp, Some(value)) | was
            }
            Fact::Left => {
                let was = self.past.was(at, Place::Left);
                put(&mut self.health, stamp, None) | was
            }
            Fact::Fell(value) => put(&mut self.fall, stamp, value),
            Fact::CtaLive(id, view) => put_among(&mut self.ctas, id, stamp, Some(view)),
            Fact::CtaEnded(id) => put_among(&mut self.ctas, id, stamp, None),
            Fact::EscalationLive(id, view) => put_among(&mut self.escalations, id, stamp, Some(view)),
            Fact::EscalationEnded(id) => put_among(&mut self.escalations, id, stamp, None),
            Fact::Rose => self.past.rose(at),
            Fact::Begun(cta) => self.past.begun(at, cta),
            Fact::HeldOut(experiment) => self.past.held_out(at, experiment),
            Fact::Opportunity(cta) => self.past.opportunity(at, cta),
            Fact::Unusual(view) => {
                let new = self.anomalies.insert((at, view));
                if self.anomalies.len() > MAX_ANOMALIES {
                    self.anomalies.pop_first();
                }
                new
            }
            Fact::Measured(metric, at, value) => put_in(&mut self.measured, metric, Stamp { at, ..stamp }, value),
            Fact::Owned(role, person) => put_in(&mut self.owners, role, stamp, person),
            Fact::Data(what, open) => put_among(&mut self.data, what, stamp, open.then_some(true)),
            Fact::Acted(person) => self.acted(Day::of(at), person),
        }
    }

    /// Counts what an event says, in the month in which it happened. Once for each event: counts bear no repetition.
    pub fn count(&mut self, at: Timestamp, counts: &Counts) {
        self.past.heard(at);
        self.counted.add(Month::of(at), counts);
    }

    fn acted(&mut self, day: Day, person: PersonId) -> bool {
        let new = self.actors.entry(day).or_default().insert(person);
        if let Some(latest) = self.actors.keys().next_back().copied() {
            self.actors = self.actors.split_off(&latest.plus(1 - ACTOR_DAYS));
        }
        new && self.actors.contains_key(&day)
    }

    /// What the account is.
    pub fn profile(&self) -> Option<&Profile> {
        self.profile.as_ref().map(|latest| &latest.value)
    }

    /// How healthy it is.
    pub fn health(&self) -> Option<&Health> {
        self.health.as_ref()?.value.as_ref()
    }

    /// Whether it is no customer any more.
    pub fn has_left(&self) -> bool {
        self.health.as_ref().is_some_and(|latest| latest.value.is_none())
    }

    /// Its last fall, and when that was.
    pub fn fall(&self) -> Option<(Timestamp, &Fall)> {
        self.fall.as_ref().map(|latest| (latest.stamp.at, &latest.value))
    }

    /// Its last fall, where that was lately and the score has not come back since.
    fn fall_to_name(&self, now: Timestamp) -> Option<(Timestamp, &Fall)> {
        let (at, fall) = self.fall()?;
        let is_recent = now.duration_since(at) <= SignedDuration::from_hours(24 * FALL_DAYS);
        let is_made_good = self.health().is_some_and(|health| health.score >= fall.from);
        (fall.depth() > Points::ZERO && is_recent && !is_made_good && !self.has_left()).then_some((at, fall))
    }

    /// Its calls to action that are to be done.
    pub fn ctas(&self) -> impl Iterator<Item = (&CtaId, &CtaView)> {
        self.ctas.iter().filter_map(|(id, latest)| Some((id, latest.value.as_ref()?)))
    }

    /// Its escalations that are open.
    pub fn escalations(&self) -> impl Iterator<Item = (&EscalationId, &EscalationView)> {
        self.escalations.iter().filter_map(|(id, latest)| Some((id, latest.value.as_ref()?)))
    }

    /// What was unusual since a moment, the oldest first.
    pub fn anomalies(&self, since: Timestamp) -> impl Iterator<Item = (Timestamp, &AnomalyView)> {
        self.anomalies.iter().filter(move |(at, _)| *at >= since).map(|(at, view)| (*at, view))
    }

    /// What a metric was last.
    pub fn measured(&self, metric: Metric) -> Option<Quantity> {
        self.measured.get(&metric).map(|latest| latest.value)
    }

    /// Who looks after it in a role.
    pub fn owner(&self, role: &str) -> Option<&PersonId> {
        self.owners.get(role).map(|latest| &latest.value)
    }

    /// Everybody who looks after it.
    pub fn owners(&self) -> impl Iterator<Item = &PersonId> {
        self.owners.values().map(|latest| &latest.value)
    }

    /// Whether something about its data is unusual.
    pub fn has_unusual_data(&self) -> bool {
        self.data.values().any(|latest| latest.value.is_some())
    }

    /// Who did something about it, by day.
    pub const fn actors(&self) -> &BTreeMap<Day, BTreeSet<PersonId>> {
        &self.actors
    }

    /// What people call it; its id where nobody has said.
    pub fn name(&self) -> &str {
        self.profile().map_or(self.account.as_str(), |profile| &profile.name)
    }
}

fn put<T: Ord>(field: &mut Option<Latest<T>>, stamp: Stamp, value: T) -> bool {
    let news = Latest { stamp, value };
    let later = field.as_ref().is_none_or(|known| *known < news);
    if later {
        *field = Some(news);
    }
    later
}

fn put_in<K: Ord, T: Ord>(fields: &mut BTreeMap<K, Latest<T>>, key: K, stamp: Stamp, value: T) -> bool {
    let news = Latest { stamp, value };
    let later = fields.get(&key).is_none_or(|known| *known < news);
    if later {
        fields.insert(key, news);
    }
    later
}

fn put_among<K: Ord + Clone, T: Ord>(
    field: &mut BTreeMap<K, Latest<Option<T>>>,
    id: K,
    stamp: Stamp,
    value: Option<T>,
) -> bool {
    // Of several facts of one moment (a case that comes in opened, answered and resolved) the end is the latest, and the
    // one that says more is later than the one that says less; the ids of events say nothing about their order.
    fn order<T>(latest: &Latest<Option<T>>) -> (Timestamp, bool, &Option<T>, &CauseId) {
        (latest.stamp.at, latest.value.is_none(), &latest.value, &latest.stamp.event)
    }
    let news = Latest { stamp, value };
    let changed = field.get(&id).is_none_or(|known| order(known) < order(&news));
    if changed {
        field.insert(id, news);
    }
    let ended = field.iter().filter(|(_, latest)| latest.value.is_none());
    if ended.clone().count() > MAX_ENDED
        && let Some(oldest) = ended.min_by_key(|(_, latest)| &latest.stamp).map(|(id, _)| id.clone())
    {
        field.remove(&oldest);
    }
    changed
}

#[cfg(test)]
mod tests;

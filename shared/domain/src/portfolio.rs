//! The portfolio as the report shows it: one row an account, folded from facts, and the summary over all rows.
//!
//! A row is a function of the set of its facts: any order, batching or repetition gives the same row, byte for byte.
//! Each field is what its latest fact (by time, then by event id) says. What ended stays known for a while, so that an
//! older fact that comes late does not bring it back.

use crate::account::{LifecycleStage, Money, Segment};
use crate::band::Band;
use crate::fixed::Points;
use crate::id::{AccountId, CauseId, CtaId, EscalationId};
use crate::signal::Severity;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The most ended calls to action, and the most ended escalations, that a row remembers.
pub const MAX_ENDED: usize = 300;
/// How many falls the summary names.
pub const FALLS: usize = 5;

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
}

/// How healthy an account is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Health {
    /// The score.
    pub score: Points,
    /// The band.
    pub band: Band,
    /// Too little data.
    pub provisional: bool,
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

/// A call to action that is to be done.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct CtaView {
    /// Why, in plain words.
    pub reason: String,
    /// The larger, the more urgent.
    pub priority: i64,
    /// Who has it, if anybody.
    pub owner: Option<String>,
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
    health: Option<Latest<Health>>,
    fall: Option<Latest<Fall>>,
    ctas: BTreeMap<CtaId, Latest<Option<CtaView>>>,
    escalations: BTreeMap<EscalationId, Latest<Option<EscalationView>>>,
}

impl Row {
    /// A row that nothing is known of.
    pub const fn new(account: AccountId) -> Self {
        Self { account, profile: None, health: None, fall: None, ctas: BTreeMap::new(), escalations: BTreeMap::new() }
    }

    /// Takes a fact in. Says whether the row is another one now.
    pub fn apply(&mut self, stamp: Stamp, fact: Fact) -> bool {
        match fact {
            Fact::Profile(value) => put(&mut self.profile, stamp, value),
            Fact::Health(value) => put(&mut self.health, stamp, value),
            Fact::Fell(value) => put(&mut self.fall, stamp, value),
            Fact::CtaLive(id, view) => put_among(&mut self.ctas, id, stamp, Some(view)),
            Fact::CtaEnded(id) => put_among(&mut self.ctas, id, stamp, None),
            Fact::EscalationLive(id, view) => put_among(&mut self.escalations, id, stamp, Some(view)),
            Fact::EscalationEnded(id) => put_among(&mut self.escalations, id, stamp, None),
        }
    }

    /// What the account is.
    pub fn profile(&self) -> Option<&Profile> {
        self.profile.as_ref().map(|latest| &latest.value)
    }

    /// How healthy it is.
    pub fn health(&self) -> Option<&Health> {
        self.health.as_ref().map(|latest| &latest.value)
    }

    /// Its last fall, and when that was.
    pub fn fall(&self) -> Option<(Timestamp, &Fall)> {
        self.fall.as_ref().map(|latest| (latest.stamp.at, &latest.value))
    }

    /// Its calls to action that are to be done.
    pub fn ctas(&self) -> impl Iterator<Item = (&CtaId, &CtaView)> {
        self.ctas.iter().filter_map(|(id, latest)| Some((id, latest.value.as_ref()?)))
    }

    /// Its escalations that are open.
    pub fn escalations(&self) -> impl Iterator<Item = (&EscalationId, &EscalationView)> {
        self.escalations.iter().filter_map(|(id, latest)| Some((id, latest.value.as_ref()?)))
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

fn put_among<K: Ord + Clone, T: Ord>(
    field: &mut BTreeMap<K, Latest<Option<T>>>,
    id: K,
    stamp: Stamp,
    value: Option<T>,
) -> bool {
    let mut known = field.remove(&id);
    let changed = put(&mut known, stamp, value);
    field.extend(known.map(|known| (id, known)));
    let ended = field.iter().filter(|(_, latest)| latest.value.is_none());
    if ended.clone().count() > MAX_ENDED
        && let Some(oldest) = ended.min_by_key(|(_, latest)| &latest.stamp).map(|(id, _)| id.clone())
    {
        field.remove(&oldest);
    }
    changed
}

/// The portfolio at a moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// How many accounts there are.
    pub accounts: usize,
    /// How many accounts are in each band; provisional scores are counted apart.
    pub by_band: BTreeMap<Band, usize>,
    /// How many accounts have a score from too little data.
    pub provisional: usize,
    /// How many accounts were not scored yet.
    pub unscored: usize,
    /// The deepest of the last falls, the deepest first.
    pub biggest_falls: Vec<AccountFall>,
    /// Calls to action that are to be done, the most urgent first.
    pub open_ctas: Vec<OpenCta>,
    /// Escalations that are open, the one that breaches first in front.
    pub open_escalations: Vec<OpenEscalation>,
}

/// The last fall of an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AccountFall {
    /// Which account.
    pub account: AccountId,
    /// What people call it.
    pub name: String,
    /// When.
    pub at: Timestamp,
    /// The fall.
    pub fall: Fall,
}

/// A call to action that is to be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OpenCta {
    /// Which call to action.
    pub id: CtaId,
    /// About which account.
    pub account: AccountId,
    /// What people call it.
    pub name: String,
    /// What is to be done.
    pub cta: CtaView,
}

/// An escalation that is open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OpenEscalation {
    /// Which escalation.
    pub id: EscalationId,
    /// About which account.
    pub account: AccountId,
    /// What people call it.
    pub name: String,
    /// What it is about.
    pub escalation: EscalationView,
    /// Seconds until the next clock runs out; negative when it has, nothing when none runs.
    pub seconds_to_breach: Option<i64>,
}

impl Summary {
    /// The summary of the rows at a moment. The order of the rows does not matter.
    pub fn of<'a>(rows: impl IntoIterator<Item = &'a Row>, now: Timestamp) -> Self {
        let mut summary = Self {
            accounts: 0,
            by_band: Band::ALL.into_iter().map(|band| (band, 0)).collect(),
            provisional: 0,
            unscored: 0,
            biggest_falls: Vec::new(),
            open_ctas: Vec::new(),
            open_escalations: Vec::new(),
        };
        for row in rows {
            summary.add(row, now);
        }
        summary.biggest_falls.sort_by(|a, b| b.fall.depth().cmp(&a.fall.depth()).then_with(|| a.account.cmp(&b.account)));
        summary.biggest_falls.truncate(FALLS);
        summary.open_ctas.sort_by(|a, b| b.cta.priority.cmp(&a.cta.priority).then_with(|| a.id.cmp(&b.id)));
        summary.open_escalations.sort_by(|a, b| {
            let key = |open: &OpenEscalation| (open.seconds_to_breach.is_none(), open.seconds_to_breach, open.escalation.severity);
            key(a).cmp(&key(b)).then_with(|| a.id.cmp(&b.id))
        });
        summary
    }

    fn add(&mut self, row: &Row, now: Timestamp) {
        self.accounts += 1;
        match row.health() {
            None => self.unscored += 1,
            Some(health) if health.provisional => self.provisional += 1,
            Some(health) => *self.by_band.entry(health.band).or_default() += 1,
        }
        let (account, name) = (&row.account, row.name());
        self.biggest_falls.extend(row.fall().filter(|(_, fall)| fall.depth() > Points::ZERO).map(|(at, fall)| AccountFall {
            account: account.clone(),
            name: name.to_owned(),
            at,
            fall: fall.clone(),
        }));
        self.open_ctas.extend(row.ctas().map(|(id, cta)| OpenCta {
            id: id.clone(),
            account: account.clone(),
            name: name.to_owned(),
            cta: cta.clone(),
        }));
        self.open_escalations.extend(row.escalations().map(|(id, escalation)| OpenEscalation {
            id: id.clone(),
            account: account.clone(),
            name: name.to_owned(),
            escalation: escalation.clone(),
            seconds_to_breach: escalation.breach_at.map(|at| seconds(at.duration_since(now))),
        }));
    }
}

const fn seconds(duration: SignedDuration) -> i64 {
    duration.as_secs()
}

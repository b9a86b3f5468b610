//! What the analytics keep of an account: how its description and its band went, the work that was done for it, who looks
//! after it, and what its cases and its numbers come to.
//!
//! A story is a function of the set of its facts, in any order and any number of times, as long as none is older than
//! [`WINDOW_DAYS`] before the newest and no piece has more than is kept; moments that are older are forgotten. A case and
//! the numbers are read where they are kept and put in whole: whoever looks last has seen all that the others saw.

mod case;
mod measures;
mod work;

pub use case::CaseView;
pub use measures::{Answers, Measures, measured};
pub use work::{CtaPiece, Ending, EscalationPiece, StepPiece};

use crate::account::{LifecycleStage, Money, Segment};
use crate::band::Band;
use crate::day::{Day, SECONDS};
use crate::id::{AccountId, CaseId, CtaId, EscalationId, PersonId, RuleId};
use crate::signal::Severity;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// How far back from its newest fact a story goes.
pub const WINDOW_DAYS: i64 = 400;
/// The most descriptions, and the most changes of band, that a story keeps; the latest stay.
pub const MAX_TRACK: usize = 120;
/// The most calls to action, escalations, cases and steps, each, that a story keeps; those with the latest news stay.
pub const MAX_PIECES: usize = 300;
/// The most times at which somebody was told of one escalation.
pub const MAX_TOLD: usize = 12;

/// A moment in whole seconds since 1970: what is counted here is not finer.
pub type Second = i64;

/// Something with the moments from which on it was so, in thousandths of a second: two words of one second stand in order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Track<T: Ord>(BTreeSet<(i64, T)>);

impl<T: Ord> Default for Track<T> {
    fn default() -> Self {
        Self(BTreeSet::new())
    }
}

impl<T: Ord> Track<T> {
    fn add(&mut self, at: Timestamp, value: T) {
        self.0.insert((at.as_millisecond(), value));
        while self.0.len() > MAX_TRACK {
            self.0.pop_first();
        }
    }

    /// What was told, the earliest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (Second, &T)> {
        self.0.iter().map(|(at, value)| (at.div_euclid(1_000), value))
    }

    /// What was so at a moment.
    pub fn at(&self, moment: Second) -> Option<&T> {
        self.iter().take_while(|(at, _)| *at <= moment).last().map(|(_, value)| value)
    }

    /// What is so.
    pub fn latest(&self) -> Option<&T> {
        self.0.last().map(|(_, value)| value)
    }
}

/// What an account is, as far as analytics ask.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Description {
    /// Where it is on its way.
    pub stage: LifecycleStage,
    /// Which kind of customer.
    pub segment: Segment,
    /// What it pays a year.
    pub arr: Money,
    /// When its contract ends.
    pub renewal_on: Option<Day>,
    /// Who looks after it, as the CRM says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<PersonId>,
}

/// What is told of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// Its description is this.
    Described(Description),
    /// It is in this band.
    Banded(Band),
    /// A call to action is open.
    CtaOpened {
        /// Which one.
        cta: CtaId,
        /// The rule.
        rule: RuleId,
        /// When the episode began.
        opened: Timestamp,
    },
    /// A call to action ended.
    CtaEnded {
        /// Which one.
        cta: CtaId,
        /// `cleared`, `closed` or `dismissed`.
        how: String,
        /// Why.
        reason: String,
    },
    /// Something was told of an escalation.
    Escalation {
        /// Which one.
        escalation: EscalationId,
        /// How bad it is.
        severity: Severity,
        /// When it was opened.
        opened: Timestamp,
        /// What.
        what: Heard,
    },
    /// A case is this now.
    Case(CaseId, CaseView),
    /// A step of a playbook is to be done.
    StepOpened {
        /// The execution and the step.
        key: String,
        /// The playbook and the step.
        step: String,
    },
    /// A step was settled.
    StepSettled {
        /// The execution and the step.
        key: String,
        /// The playbook and the step.
        step: String,
        /// Whether it was late.
        late: bool,
    },
    /// Somebody looks after it.
    Held {
        /// As what.
        role: String,
        /// Who.
        person: PersonId,
    },
    /// Its numbers are these.
    Measured(Measures),
}

/// What was told of an escalation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// People of this role were told.
    Told(String),
    /// This person took it on.
    TakenOn(Option<PersonId>),
    /// It ended.
    Ended,
    /// It was opened again.
    Reopened,
}

/// What is kept of an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Story {
    /// Which account.
    pub account: AccountId,
    newest: Second,
    /// When it was first described.
    pub since: Option<Second>,
    /// How its description went.
    pub descriptions: Track<Description>,
    /// How its band went.
    pub bands: Track<Band>,
    /// Its calls to action.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub ctas: BTreeMap<CtaId, CtaPiece>,
    /// Its escalations.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub escalations: BTreeMap<EscalationId, EscalationPiece>,
    /// Its cases.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub cases: BTreeMap<CaseId, CaseView>,
    /// The steps of its playbooks, by execution and step.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub steps: BTreeMap<String, StepPiece>,
    holders: BTreeMap<String, (Second, PersonId)>,
    /// What its numbers come to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measures: Option<Measures>,
}

impl Story {
    /// A story of which nothing is told.
    pub fn new(account: AccountId) -> Self {
        Self {
            account,
            newest: Second::MIN,
            since: None,
            descriptions: Track::default(),
            bands: Track::default(),
            ctas: BTreeMap::new(),
            escalations: BTreeMap::new(),
            cases: BTreeMap::new(),
            steps: BTreeMap::new(),
            holders: BTreeMap::new(),
            measures: None,
        }
    }

    /// Takes news of a moment in.
    pub fn apply(&mut self, moment: Timestamp, news: News) {
        let at = moment.as_second();
        // What is read elsewhere may be read again at any time: when it was read says nothing.
        if !matches!(news, News::Case(..) | News::Measured(_)) {
            self.newest = self.newest.max(at);
        }
        match news {
            News::Described(description) => {
                self.since = Some(self.since.map_or(at, |since| since.min(at)));
                self.descriptions.add(moment, description);
            }
            News::Banded(band) => self.bands.add(moment, band),
            News::CtaOpened { cta, rule, opened } => {
                self.ctas.entry(cta).or_default().open(at, rule, opened.as_second());
            }
            News::CtaEnded { cta, how, reason } => {
                self.ctas.entry(cta).or_default().end(Ending { at, how, reason });
            }
            News::Escalation { escalation, severity, opened, what } => {
                self.escalations.entry(escalation).or_default().hear(at, severity, opened.as_second(), what);
            }
            News::Case(id, case) => drop(self.cases.insert(id, case)),
            News::StepOpened { key, step } => self.steps.entry(key).or_default().open(at, step),
            News::StepSettled { key, step, late } => self.steps.entry(key).or_default().settle(at, step, late),
            News::Held { role, person } => {
                let held = self.holders.entry(role).or_insert_with(|| (at, person.clone()));
                *held = (at, person).max(held.clone());
            }
            News::Measured(measures) => self.measures = Some(measures),
        }
        self.forget();
    }

    /// Forgets what is too old, and what is too much.
    fn forget(&mut self) {
        let oldest = self.newest.saturating_sub(WINDOW_DAYS * SECONDS);
        self.ctas.values_mut().for_each(|piece| piece.forget(oldest));
        self.escalations.values_mut().for_each(|piece| piece.forget(oldest));
        self.steps.values_mut().for_each(|piece| piece.forget(oldest));
        keep_latest(&mut self.ctas, CtaPiece::latest);
        keep_latest(&mut self.escalations, EscalationPiece::latest);
        keep_latest(&mut self.steps, StepPiece::latest);
        keep_latest(&mut self.cases, |case| Some(case.latest()).filter(|at| *at >= oldest));
    }

    /// Its description now.
    pub fn description(&self) -> Option<&Description> {
        self.descriptions.latest()
    }

    /// Whether it is a customer: it was described, and has not left.
    pub fn is_customer(&self) -> bool {
        self.description().is_some_and(|description| description.stage != LifecycleStage::Churned)
    }

    /// Who looks after it in a role.
    pub fn holder(&self, role: &str) -> Option<&PersonId> {
        self.holders.get(role).map(|(_, person)| person)
    }
}

/// Keeps what has news, and of too many those whose news are the latest.
fn keep_latest<K: Ord + Clone, V>(pieces: &mut BTreeMap<K, V>, latest: impl Fn(&V) -> Option<Second>) {
    pieces.retain(|_, piece| latest(piece).is_some());
    while pieces.len() > MAX_PIECES {
        let oldest = pieces.iter().min_by_key(|(key, piece)| (latest(piece), *key)).map(|(key, _)| key.clone());
        let Some(oldest) = oldest else { return };
        pieces.remove(&oldest);
    }
}

#[cfg(test)]
pub(crate) mod tests;

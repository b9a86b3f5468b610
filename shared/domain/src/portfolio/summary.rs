//! The portfolio at a moment: counted, ranked and in order.

use super::{CtaView, EscalationView, FALLS, Fall, Row};
use crate::band::Band;
use crate::id::{AccountId, CtaId, EscalationId};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use std::collections::BTreeMap;

/// The portfolio at a moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// How many accounts there are, without those that have left.
    pub accounts: usize,
    /// How many accounts are in each band; provisional scores are counted apart.
    pub by_band: BTreeMap<Band, usize>,
    /// How many accounts have a score from too little data.
    pub provisional: usize,
    /// How many accounts were not scored yet.
    pub unscored: usize,
    /// The deepest falls of the last [`FALL_DAYS`] days that were not made good, the deepest first.
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
        summary
            .biggest_falls
            .sort_by(|a, b| b.fall.depth().cmp(&a.fall.depth()).then_with(|| a.account.cmp(&b.account)));
        summary.biggest_falls.truncate(FALLS);
        summary.open_ctas.sort_by(|a, b| b.cta.priority.cmp(&a.cta.priority).then_with(|| a.id.cmp(&b.id)));
        summary.open_escalations.sort_by(|a, b| {
            let key = |open: &OpenEscalation| {
                (open.seconds_to_breach.is_none(), open.seconds_to_breach, open.escalation.severity)
            };
            key(a).cmp(&key(b)).then_with(|| a.id.cmp(&b.id))
        });
        summary
    }

    fn count(&mut self, row: &Row) {
        match row.health().map(|health| (health.provisional, health.band)) {
            Some((true, _)) => self.provisional += 1,
            Some((false, Some(band))) => *self.by_band.entry(band).or_default() += 1,
            Some((false, None)) | None => self.unscored += 1,
        }
    }

    fn add(&mut self, row: &Row, now: Timestamp) {
        if !row.has_left() {
            self.accounts += 1;
            self.count(row);
        }
        let (account, name) = (&row.account, row.name());
        self.biggest_falls.extend(row.fall_to_name(now).map(|(at, fall)| AccountFall {
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

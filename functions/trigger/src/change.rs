//! What a change of calls to action comes to: the events that tell it, the entries by which calls to action are listed,
//! and the link in the chain of decisions.

use contract::event::{Cause, CtaClosed, CtaOpened, CtaUpdated, EscalationRequested, Event};
use contract::trigger::CtaItem;
use domain::audit::{self, Record};
use domain::cta::{CtaChange, EscalationRequest};
use domain::digest::Digest;
use domain::id::AccountId;
use jiff::{SignedDuration, Timestamp};
use platform::function::{Failure, Ports};
use platform::table::{Expect, Write};
use platform::{keys, table};

/// How long an ended call to action is listed, in days.
const LISTED_DAYS: i64 = 90;

/// Changes on one account, and where they come from.
pub struct Changed<'a> {
    pub ports: &'a Ports,
    pub cause: &'a Cause,
    pub account: &'a AccountId,
    pub now: Timestamp,
    pub changes: &'a [CtaChange],
    pub requests: &'a [EscalationRequest],
}

impl Changed<'_> {
    /// What happened.
    pub fn events(&self) -> Vec<Event> {
        let told = self.changes.iter().map(|change| {
            let key = change.cta().id.as_str();
            let body = change.cta().into();
            match change {
                CtaChange::Opened { reopened, .. } => self.event(key, CtaOpened { cta: body, reopened: *reopened }),
                CtaChange::Updated { .. } => self.event(key, CtaUpdated { cta: body }),
                CtaChange::Closed { cta, how, reason } => self
                    .event(key, CtaClosed { cta: cta.id.clone(), how: how.name().to_owned(), reason: reason.clone() }),
            }
        });
        let asked = self.requests.iter().map(|request| {
            let fact = EscalationRequested {
                rule: request.rule.clone(),
                cta: Some(request.cta.clone()),
                deduplication_key: request.deduplication_key().to_owned(),
                severity: request.severity,
                reason: request.reason.clone(),
            };
            self.event(request.deduplication_key(), fact)
        });
        told.chain(asked).collect()
    }

    fn event(&self, key: &str, fact: impl Into<contract::event::Fact>) -> Event {
        Event::new(self.cause, Some(self.account), key, self.now, fact)
    }

    /// The entries of the list.
    pub async fn entries(&self) -> Result<Vec<Write>, Failure> {
        let mut writes = Vec::new();
        for change in self.changes {
            let cta = change.cta();
            let key = keys::cta_index(&self.cause.tenant, &cta.id);
            let found = self.ports.table.get(&key).await?;
            let expires_at =
                cta.status.ended_at().and_then(|at| at.checked_add(SignedDuration::from_hours(24 * LISTED_DAYS)).ok());
            let body = table::body(&CtaItem::from(cta))?;
            writes.push(Write::Put { key, expect: Expect::of(found.as_ref()), body, expires_at });
        }
        Ok(writes)
    }

    /// The decision in its place behind the ones before it.
    pub fn link(&self, chain: &audit::Head, what: &str, inputs_hash: Digest, config_hash: Digest) -> audit::Link {
        let told = self.changes.iter().map(|change| match change {
            CtaChange::Opened { cta, reopened: false } => format!("opened {}", cta.id),
            CtaChange::Opened { cta, reopened: true } => format!("reopened {}", cta.id),
            CtaChange::Updated { cta } => format!("updated {}", cta.id),
            CtaChange::Closed { cta, how, .. } => format!("{} {}", how.name(), cta.id),
        });
        let reasons = self.changes.iter().flat_map(|change| {
            let cta = change.cta();
            cta.evidence.iter().map(move |seen| format!("{}: {seen}", cta.rule))
        });
        let record = Record {
            at: self.now,
            what: what.to_owned(),
            inputs_hash,
            config_hash,
            outcome: told.collect::<Vec<_>>().join(", "),
            reasons: reasons.collect(),
        };
        audit::append(chain, record)
    }

    /// The write of a link.
    pub fn link_write(&self, link: &audit::Link) -> Result<Write, Failure> {
        let key = keys::audit(&self.cause.tenant, self.account, "trigger", link.seq);
        Ok(Write::Put { key, expect: Expect::Absent, body: table::body(link)?, expires_at: None })
    }
}

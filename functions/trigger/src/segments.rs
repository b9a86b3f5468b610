//! Segments: what a change of memberships comes to, and what can be asked about them.
//!
//! That an account is in a segment is decided with its episodes ([`crate::evaluate`]) and kept with them. Beside them lies an
//! entry for each member of a segment, written and deleted in the same commit: who is in a segment is a range of keys.

use crate::executions::Known;
use contract::event::{Cause, Event};
use contract::membership::{
    AccountSegments, AudienceItem, AudiencePage, SegmentAnswer, SegmentEntered, SegmentLeft, SegmentList,
};
use domain::audit::{self, Record};
use domain::digest::Digest;
use domain::id::{AccountId, SegmentId};
use domain::record::EpisodeRecord;
use domain::segment::{Change, Decision, Segments};
use jiff::Timestamp;
use platform::function::{Failure, Ports};
use platform::http::{Caller, Problem, Request, Response};
use platform::snapshot::Snapshot;
use platform::table::{self, Expect, Range, Write};
use platform::{keys, once};

/// The most accounts in one page.
const MAX_PAGE: usize = 500;

/// What was decided about one account, and where it comes from.
pub struct Told<'a> {
    pub segments: &'a Segments,
    pub cause: &'a Cause,
    pub account: &'a AccountId,
    pub now: Timestamp,
    pub decision: &'a Decision,
}

impl Told<'_> {
    /// What happened.
    pub fn events(&self) -> Vec<Event> {
        let event = |change: &Change| {
            let fact = |entered| match entered {
                true => contract::event::Fact::from(SegmentEntered::of(change, self.segments)),
                false => SegmentLeft::of(change, self.segments).into(),
            };
            Event::new(self.cause, Some(self.account), change.segment.as_str(), self.now, fact(change.entered))
        };
        self.decision.changes.iter().map(event).collect()
    }

    /// The entries by which a segment's accounts are found.
    pub fn entries(&self) -> Result<Vec<Write>, Failure> {
        let entry = |change: &Change| {
            let key = keys::segment_member(&self.cause.tenant, &change.segment, self.account);
            if !change.entered {
                return Ok(Write::Delete { key });
            }
            let body = table::body(&AudienceItem { account: self.account.to_string(), since: self.now })?;
            Ok(Write::Put { key, expect: Expect::Absent, body, expires_at: None })
        };
        self.decision.changes.iter().map(entry).collect()
    }

    /// The decision in its place behind the ones before it.
    pub fn link(&self, chain: &audit::Head) -> Result<audit::Link, Failure> {
        let inputs_hash = Digest::of_json("segment truths", &self.decision.truths)
            .map_err(|error| Failure::Unhandled(error.to_string()))?;
        let (mut told, mut reasons) = (Vec::new(), Vec::new());
        for change in &self.decision.changes {
            told.push(format!("{} {}", if change.entered { "entered" } else { "left" }, change.segment));
            reasons.extend(change.reasons.iter().map(|reason| format!("{}: {reason}", change.segment)));
        }
        let (at, what, config_hash) = (self.now, "segments".to_owned(), self.segments.version());
        Ok(audit::append(chain, Record { at, what, inputs_hash, config_hash, outcome: told.join(", "), reasons }))
    }
}

/// `GET /segments`.
pub fn list(segments: &Segments) -> Result<Response, Problem> {
    let list = SegmentList::of(segments).map_err(|error| Problem::internal(&error))?;
    Response::json(200, &list)
}

/// `GET /segments/{id}/accounts`.
pub async fn audience(
    ports: &Ports,
    segments: &Segments,
    caller: &Caller,
    request: &Request,
) -> Result<Response, Problem> {
    let name = request.parameters.get("id").map(String::as_str).unwrap_or_default();
    let id = SegmentId::new(name).ok().filter(|id| segments.get(id).is_some());
    let id = id.ok_or_else(|| Problem::not_found("segment", name))?;
    let range = Range::prefix(keys::audience_partition(&caller.tenant, &id), "")
        .limit(MAX_PAGE)
        .after(request.query.get("cursor").cloned());
    let page = ports.table.query(&range).await?;
    let accounts = page.items.iter().map(table::read).collect::<Result<Vec<AudienceItem>, _>>()?;
    Response::json(200, &AudiencePage { segment: id.to_string(), accounts, cursor: page.next })
}

/// `GET /accounts/{id}/segments`.
pub async fn of_account(
    ports: &Ports,
    segments: &Segments,
    caller: &Caller,
    request: &Request,
) -> Result<Response, Problem> {
    let name = request.parameters.get("id").map(String::as_str).unwrap_or_default();
    let not_found = || Problem::not_found("account", name);
    let account = AccountId::new(name).map_err(|_| not_found())?;
    let snapshot = Snapshot::read(ports.table.as_ref(), &caller.tenant, &account).await?;
    let known = Known::read(&snapshot).map_err(|error| Problem::internal(&error))?.ok_or_else(not_found)?;
    let decided: Option<EpisodeRecord> = snapshot.item(keys::EPISODES).map(once::state_of).transpose()?;
    let memberships = decided.map(|record| record.segments).unwrap_or_default();
    let now = ports.clock.now();
    let answers = segments.answers(&known.facts(now)).into_iter();
    Response::json(
        200,
        &AccountSegments {
            account: account.to_string(),
            as_of: now,
            definitions: segments.version().to_string(),
            segments: answers.map(|answer| SegmentAnswer::of(answer, &memberships)).collect(),
        },
    )
}

//! Experiments: what an exposure comes to, and what has become of the accounts of each arm.
//!
//! That an account is exposed is decided with its episodes ([`crate::evaluate`]) and kept with them. Beside them lies a line in
//! the experiment's log, written in the same commit: to count an experiment is to read a range of keys.

use contract::event::{Cause, Event, ExperimentExposed};
use contract::experiments::{ExperimentAnswer, ExposureItem};
use domain::audit::{self, Record};
use domain::digest::Digest;
use domain::experiment::{Experiments, Exposure, Tally, Trial};
use domain::id::{AccountId, ArmId, ExperimentId};
use jiff::Timestamp;
use platform::function::{Failure, Ports};
use platform::http::{Caller, Problem, Request, Response};
use platform::keys;
use platform::table::{self, Expect, Range, Write};
use std::collections::BTreeMap;

/// The most accounts that are counted for one answer.
const MAX_COUNTED: usize = 100_000;

/// What a look came to, and where it comes from.
pub struct Told<'a> {
    pub ports: &'a Ports,
    pub experiments: &'a Experiments,
    pub cause: &'a Cause,
    pub account: &'a AccountId,
    pub now: Timestamp,
    pub trial: &'a Trial,
}

impl Told<'_> {
    fn each<'b>(&'b self, ids: &'b [ExperimentId]) -> impl Iterator<Item = (&'b ExperimentId, &'b Exposure)> {
        ids.iter().filter_map(|id| Some((id, self.trial.exposures.of(id)?)))
    }

    /// What happened.
    pub fn events(&self) -> Vec<Event> {
        let event = |(id, exposure): (&ExperimentId, &Exposure)| {
            let fact = ExperimentExposed {
                experiment: id.clone(),
                arm: exposure.arm.clone(),
                held_out: exposure.is_held_out(),
                rule: exposure.rule.clone(),
                definitions: self.experiments.version().to_string(),
            };
            Event::new(self.cause, Some(self.account), id.as_str(), self.now, fact)
        };
        self.each(&self.trial.exposed).map(event).collect()
    }

    /// The lines of the logs.
    pub async fn entries(&self) -> Result<Vec<Write>, Failure> {
        let mut writes = Vec::new();
        for (id, exposure) in self.each(&self.trial.changed) {
            let key = keys::exposure(&self.cause.tenant, id, self.account);
            let found = self.ports.table.get(&key).await?;
            let item = ExposureItem { account: self.account.to_string(), exposure: exposure.clone() };
            let (expect, body) = (Expect::of(found.as_ref()), table::body(&item)?);
            writes.push(Write::Put { key, expect, body, expires_at: None });
        }
        Ok(writes)
    }

    /// The decision in its place behind the ones before it.
    pub fn link(&self, chain: &audit::Head) -> audit::Link {
        let told = |(id, exposure): (&ExperimentId, &Exposure)| format!("exposed to {id} as {}", exposure.arm);
        let reasons = |(_, exposure): (&ExperimentId, &Exposure)| format!("{} acts", exposure.rule);
        let account = [self.cause.tenant.as_str(), self.account.as_str()];
        let record = Record {
            at: self.now,
            what: "experiments".to_owned(),
            // The arm follows from the account's name and the definitions alone.
            inputs_hash: Digest::of("experiment account", account),
            config_hash: self.experiments.version(),
            outcome: self.each(&self.trial.exposed).map(told).collect::<Vec<_>>().join(", "),
            reasons: self.each(&self.trial.exposed).map(reasons).collect(),
        };
        audit::append(chain, record)
    }
}

/// `GET /experiments/{id}`.
pub async fn read(
    ports: &Ports,
    experiments: &Experiments,
    caller: &Caller,
    request: &Request,
) -> Result<Response, Problem> {
    let name = request.parameters.get("id").map(String::as_str).unwrap_or_default();
    let experiment = ExperimentId::new(name).ok().and_then(|id| experiments.get(&id));
    let experiment = experiment.ok_or_else(|| Problem::not_found("experiment", name))?;
    let mut range = Range::prefix(keys::exposure_partition(&caller.tenant, &experiment.id), "");
    let (mut by_arm, mut counted) = (BTreeMap::<ArmId, Tally>::new(), 0);
    let complete = loop {
        let page = ports.table.query(&range).await?;
        counted += page.items.len();
        for item in &page.items {
            let ExposureItem { exposure, .. } = table::read(item)?;
            by_arm.entry(exposure.arm.clone()).or_default().count(&exposure);
        }
        if page.next.is_none() || counted >= MAX_COUNTED {
            break page.next.is_none();
        }
        range = range.after(page.next);
    };
    let (definitions, now) = (experiments.version().to_string(), ports.clock.now());
    Response::json(200, &ExperimentAnswer::of(experiment, definitions, by_arm, complete, now))
}

//! `POST /signals`: a verdict for every record. A bad record harms only itself, and nothing is lost: what is refused
//! lies in quarantine before the answer goes out, what is accepted lies on the queue.

use crate::quarantine;
use crate::refusal::Claim;
use contract::event::{Cause, FunctionName};
use contract::ingest::{MAX_RECORDS, RecordResult, SignalsAnswer, Verdict};
use contract::message::{RecordSignals, RefusedRecord, Task, Work, cause_id};
use contract::problem::Fault;
use contract::signal::SignalBody;
use domain::day::Day;
use domain::id::{AccountId, SignalId, SourceId};
use jiff::Timestamp;
use platform::function::{Failure, Ports};
use platform::http::{Caller, Problem, Request, Response};
use platform::keys;
use platform::metrics::Metric;
use platform::table::MAX_WRITES;
use serde_json::value::RawValue;
use std::collections::{BTreeMap, BTreeSet};

/// The most signals and days in one message of the queue: beside the head, each day is an item of the commit that records
/// it, and so may each signal be, as a case or in quarantine. With the longest texts they stay below the queue's size limit.
const MAX_ITEMS_IN_A_MESSAGE: usize = MAX_WRITES - 1;
/// The most days in one message.
const MAX_DAYS_IN_A_MESSAGE: usize = 40;

/// Answers the request.
pub async fn post(ports: &Ports, caller: &Caller, request: &Request) -> Result<Response, Problem> {
    let records = split(&request.body)?;
    let cause = request.cause(caller, FunctionName::Ingest);
    let checked = check_all(ports, &cause, &records).await?;
    quarantine::put_aside(ports, &cause, &checked.refused).await?;
    ports.queue.send(&checked.work(&cause)).await.map_err(Failure::from)?;
    let answer = checked.answer();
    let (accepted, refused) = (answer.accepted as u64, answer.refused as u64);
    ports.metrics.record(&[(Metric::SignalsAccepted, accepted), (Metric::SignalsRefused, refused)]);
    Response::json(202, &answer)
}

/// The records as they were sent. Only their outlines are read here, so that one unreadable record spoils no other.
fn split(body: &[u8]) -> Result<Vec<&RawValue>, Problem> {
    #[derive(serde::Deserialize)]
    struct List<'a> {
        #[serde(borrow)]
        signals: Option<Vec<&'a RawValue>>,
    }
    let not_json = |error: serde_json::Error| {
        Problem::malformed(
            "the body is not JSON; send {\"signals\":[…]} with 1 to 500 records, or one record",
            vec![Fault::new(format!("line {}, column {}", error.line(), error.column()), error.to_string())],
        )
    };
    let whole: &RawValue = serde_json::from_slice(body).map_err(not_json)?;
    if !whole.get().starts_with('{') {
        return Err(Problem::malformed("the body is not a JSON object; send {\"signals\":[…]} or one record", vec![]));
    }
    let list: List<'_> = serde_json::from_str(whole.get()).map_err(|error| {
        Problem::malformed("`signals` is not a list of records", vec![Fault::new("signals", error.to_string())])
    })?;
    let records = list.signals.unwrap_or_else(|| vec![whole]);
    match records.len() {
        0 => Err(Problem::invalid("there is no record in `signals`; send 1 to 500", vec![])),
        1..=MAX_RECORDS => Ok(records),
        count => Err(Problem::new(
            413,
            "too_many_records",
            "Too many records",
            format!("{count} records in one request; send at most {MAX_RECORDS} and the rest in further requests"),
        )),
    }
}

/// A record that was refused.
pub struct Refused {
    /// Its place in the request.
    pub index: usize,
    /// As it was sent.
    pub record: String,
    /// Why.
    pub errors: Vec<Fault>,
}

#[derive(Default)]
struct Checked {
    verdicts: Vec<Verdict>,
    accepted: BTreeMap<AccountId, Vec<SignalBody>>,
    refused: Vec<Refused>,
    /// What the quality of their sources counts of the refused ones, by account.
    counted: BTreeMap<AccountId, Vec<RefusedRecord>>,
    quarantine_ids: Vec<domain::id::CauseId>,
}

async fn check_all(ports: &Ports, cause: &Cause, records: &[&RawValue]) -> Result<Checked, Problem> {
    let now = ports.clock.now();
    let parsed: Vec<Result<SignalBody, Vec<Fault>>> = records
        .iter()
        .enumerate()
        .map(|(index, record)| read_record(record.get(), &format!("signals[{index}]"), now))
        .collect();
    let claimed = |(record, parsed): (&&RawValue, &Result<SignalBody, _>)| match parsed {
        Ok(body) => Some(body.account.clone()),
        Err(_) => Claim::read(record.get()).map(|claim| claim.account),
    };
    let named: BTreeSet<AccountId> = records.iter().zip(&parsed).filter_map(claimed).collect();
    let mut known = BTreeSet::new();
    for account in named {
        if is_known(ports, cause, &account).await? {
            known.insert(account);
        }
    }
    let mut checked = Checked::default();
    let mut first: BTreeMap<(AccountId, SourceId, SignalId), (usize, SignalBody)> = BTreeMap::new();
    for (index, (record, parsed)) in records.iter().zip(parsed).enumerate() {
        let verdict = parsed.and_then(|body| {
            if !known.contains(&body.account) {
                return Err(vec![unknown_account(&format!("signals[{index}]"), &body.account)]);
            }
            let name = (body.account.clone(), body.source.clone(), body.id.clone());
            match first.get(&name) {
                None => {
                    first.insert(name, (index, body.clone()));
                    Ok((Verdict::Accepted, body))
                }
                Some((_, earlier)) if *earlier == body => Ok((Verdict::Duplicate, body)),
                Some((place, _)) => Err(vec![Fault::new(
                    format!("signals[{index}].id"),
                    format!("`{}` names other content in signals[{place}]; a signal's id is its own", body.id),
                )]),
            }
        });
        checked.count(index, record.get(), &verdict, &known, Day::of(now));
        checked.add(cause, index, record.get(), verdict);
    }
    Ok(checked)
}

impl Checked {
    /// Counts a refused record for its source, where it names an account that is known.
    fn count(
        &mut self,
        index: usize,
        record: &str,
        verdict: &Result<(Verdict, SignalBody), Vec<Fault>>,
        known: &BTreeSet<AccountId>,
        day: Day,
    ) {
        let Err(errors) = verdict else { return };
        if let Some(claim) = Claim::read(record).filter(|claim| known.contains(&claim.account)) {
            let refused = self.counted.entry(claim.account.clone()).or_default();
            refused.push(claim.refused(record, &format!("signals[{index}]"), errors, day));
        }
    }

    fn add(&mut self, cause: &Cause, index: usize, record: &str, verdict: Result<(Verdict, SignalBody), Vec<Fault>>) {
        match verdict {
            Ok((verdict, body)) => {
                self.verdicts.push(verdict);
                if verdict == Verdict::Accepted {
                    self.accepted.entry(body.account.clone()).or_default().push(body);
                }
            }
            Err(errors) => {
                self.verdicts.push(Verdict::Refused);
                self.quarantine_ids.push(quarantine::id(cause, index));
                self.refused.push(Refused { index, record: record.to_owned(), errors });
            }
        }
    }

    fn work(&self, cause: &Cause) -> Vec<Work> {
        let mut work: Vec<Work> = Vec::new();
        for account in self.accepted.keys().chain(self.counted.keys()).collect::<BTreeSet<_>>() {
            let mut refused = self.counted.get(account).cloned().unwrap_or_default();
            let mut chunks = chunks(self.accepted.get(account).map_or(&[], Vec::as_slice));
            if chunks.is_empty() {
                chunks.push(Vec::new());
            }
            for signals in chunks {
                let data = RecordSignals { account: account.clone(), signals, refused: std::mem::take(&mut refused) };
                work.push(record_work(cause, &work.len().to_string(), data));
            }
        }
        work
    }

    fn answer(&self) -> SignalsAnswer {
        let count = |verdict| self.verdicts.iter().filter(|other| **other == verdict).count();
        let mut refused = self.refused.iter().zip(&self.quarantine_ids);
        let results = self.verdicts.iter().enumerate().map(|(index, verdict)| {
            let put_aside = if *verdict == Verdict::Refused { refused.next() } else { None };
            RecordResult {
                index,
                verdict: *verdict,
                quarantine_id: put_aside.map(|(_, id)| id.clone()),
                errors: put_aside.map(|(refused, _)| refused.errors.clone()).unwrap_or_default(),
            }
        });
        SignalsAnswer {
            accepted: count(Verdict::Accepted),
            duplicates: count(Verdict::Duplicate),
            refused: count(Verdict::Refused),
            results: results.collect(),
        }
    }
}

/// The work of recording what came about one account.
pub fn record_work(cause: &Cause, key: &str, data: RecordSignals) -> Work {
    let account = &data.account;
    Work {
        work_id: cause_id(&format!("{}#{}#{account}#record#{key}", cause.tenant, cause.causation_id)),
        tenant: cause.tenant.clone(),
        correlation_id: cause.correlation_id.clone(),
        task: Task::RecordSignals(data),
    }
}

/// Messages of one account, in the order of time, each small enough for one commit.
fn chunks(signals: &[SignalBody]) -> Vec<Vec<SignalBody>> {
    let mut sorted = signals.to_vec();
    sorted.sort_by(|a, b| (a.at, &a.source, &a.id).cmp(&(b.at, &b.source, &b.id)));
    let mut chunks: Vec<Vec<SignalBody>> = Vec::new();
    let mut days = BTreeSet::new();
    for signal in sorted {
        days.insert(Day::of(signal.at));
        match chunks.last_mut() {
            Some(chunk) if days.len() <= MAX_DAYS_IN_A_MESSAGE && chunk.len() + days.len() < MAX_ITEMS_IN_A_MESSAGE => {
                chunk.push(signal)
            }
            _ => {
                days = BTreeSet::from([Day::of(signal.at)]);
                chunks.push(vec![signal]);
            }
        }
    }
    chunks
}

/// Reads and checks one record. The faults carry their path behind `at`.
pub fn read_record(record: &str, at: &str, now: Timestamp) -> Result<SignalBody, Vec<Fault>> {
    let mut deserializer = serde_json::Deserializer::from_str(record);
    let body: SignalBody =
        serde_path_to_error::deserialize(&mut deserializer).map_err(|error| vec![Fault::of_shape(at, &error)])?;
    body.check(now).map_err(|fault| vec![Fault::new(format!("{at}.{}", fault.path), fault.reason)])?;
    Ok(body)
}

/// Whether the tenant has described this account.
pub async fn is_known(ports: &Ports, cause: &Cause, account: &AccountId) -> Result<bool, Problem> {
    Ok(ports.table.get(&keys::profile(&cause.tenant, account)).await?.is_some())
}

/// The fault of a record about an account that nobody described.
pub fn unknown_account(at: &str, account: &AccountId) -> Fault {
    Fault::new(
        format!("{at}.account"),
        format!("`{account}` is not known; describe it first with PUT /accounts/{account}, then release the record"),
    )
}

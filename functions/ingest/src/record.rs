//! Recording: accepted signals become the account's pages, series and cases, in one commit per message, or in a few where
//! one cannot hold them.
//!
//! Pages are sets and the series follows from the pages, so the same signals in any order, batching or repetition leave
//! the same record. What the door refused goes onto the pages too, as a name with a reason: the quality of a source is in
//! the same commit as its signals, and as indifferent to order and repetition.

use crate::quarantine;
use async_trait::async_trait;
use contract::event::{
    CaseChanged, CaseOpened, CaseTurns, Cause, Event, MetricReported, RecordsQuarantined, SignalsRecorded,
};
use contract::message::{RecordSignals, RefusedRecord, Work, cause_id};
use contract::problem::Fault;
use contract::signal::SignalBody;
use domain::case::{Case, CaseChange, News};
use domain::day::Day;
use domain::fixed::Quantity;
use domain::id::{AccountId, CaseId};
use domain::page::{MAX_SIGNALS, Page};
use domain::record::AccountRecord;
use domain::signal::{CaseStatus, Metric, Signal};
use jiff::Timestamp;
use platform::function::{Failure, Ports};
use platform::once::{self, Decide, Effect};
use platform::table::{Expect, TableError, Write};
use platform::{keys, table};
use std::collections::{BTreeMap, BTreeSet};

/// Records the signals of one message, once in effect.
pub async fn signals(ports: &Ports, work: &Work, data: &RecordSignals) -> Result<(), Failure> {
    let account = &data.account;
    let signals = data
        .signals
        .iter()
        .map(|body| body.to_signal().map(|signal| (signal, body)))
        .collect::<Result<Vec<_>, Fault>>()
        .map_err(|fault| Failure::Unhandled(format!("signal at `{}`: {}", fault.path, fault.reason)))?;
    let head = keys::series(&work.tenant, account);
    let mut parts = vec![(work.work_id.clone(), signals, data.refused.as_slice())];
    while let Some((message, signals, refused)) = parts.pop() {
        let record =
            Record { ports, cause: work.cause_of(&message), account, signals, refused, now: ports.clock.now() };
        match once::handle(ports, &head, &message, &record).await {
            // Its days hold so much already that they cannot be written together: the halves are, one after the other.
            Err(Failure::Table(TableError::TooLarge(_))) if record.signals.len() > 1 => {
                let mut early = record.signals;
                let late = early.split_off(early.len() / 2);
                let half = |name: &str| cause_id(&format!("{message}#{name}"));
                parts.extend([(half("late"), late, &[][..]), (half("early"), early, refused)]);
            }
            outcome => drop(outcome?),
        }
    }
    Ok(())
}

struct Record<'a> {
    ports: &'a Ports,
    cause: Cause,
    account: &'a AccountId,
    signals: Vec<(Signal, &'a SignalBody)>,
    refused: &'a [RefusedRecord],
    now: Timestamp,
}

/// What a message comes to, while it is being decided.
#[derive(Default)]
struct Draft {
    /// What the pages did not have.
    recorded: Vec<Signal>,
    refused: Vec<Signal>,
    writes: Vec<Write>,
    events: Vec<Event>,
}

#[async_trait]
impl Decide for Record<'_> {
    type State = AccountRecord;

    async fn decide(&self, state: Option<AccountRecord>) -> Result<Option<Effect<AccountRecord>>, Failure> {
        let mut record = state.unwrap_or_default();
        let mut draft = Draft::default();
        self.put_on_pages(&mut record, &mut draft).await?;
        self.put_on_cases(&mut record, &mut draft).await?;
        self.put_aside(&mut draft).await?;
        if draft.writes.is_empty() {
            return Ok(None);
        }
        if let Some(fact) = recorded(&draft.recorded) {
            draft.events.insert(0, Event::new(&self.cause, Some(self.account), "", self.now, fact));
        }
        Ok(Some(Effect { state: record, writes: draft.writes, events: draft.events }))
    }
}

impl Record<'_> {
    async fn put_on_pages(&self, record: &mut AccountRecord, draft: &mut Draft) -> Result<(), Failure> {
        let mut days: BTreeMap<Day, Vec<Signal>> = BTreeMap::new();
        for (signal, _) in &self.signals {
            days.entry(Day::of(signal.at)).or_default().push(signal.clone());
        }
        // The day on which records were refused has a page, be it one without a signal.
        for refused in self.refused {
            days.entry(refused.day).or_default();
        }
        for (day, signals) in days {
            let key = keys::signal_page(&self.cause.tenant, self.account, day);
            let item = self.ports.table.get(&key).await?;
            let mut page: Page = item.as_ref().map(table::read).transpose()?.unwrap_or(Page::new(day));
            let known = draft.recorded.len();
            for signal in signals {
                let merged = page.merge([signal.clone()]);
                if merged.changed() {
                    draft.recorded.push(signal);
                }
                draft.refused.extend(merged.refused);
            }
            let refused = self.refused.iter().filter(|refused| refused.day == day);
            let counted = refused
                .filter(|refused| page.refuse(refused.name.clone(), refused.source.clone(), refused.why))
                .count();
            let has_news = draft.recorded.len() > known;
            if has_news || counted > 0 {
                let fold = page.fold();
                record.quality.set(day, &fold.told);
                if has_news {
                    record.series.set(day, fold);
                }
                let write =
                    Write::Put { key, expect: Expect::of(item.as_ref()), body: table::body(&page)?, expires_at: None };
                draft.writes.push(write);
            }
        }
        Ok(())
    }

    /// Cases take in what pages know already, too: which of two contents under one name a page keeps depends on nothing
    /// but the contents, and so must what a case knows.
    async fn put_on_cases(&self, record: &mut AccountRecord, draft: &mut Draft) -> Result<(), Failure> {
        let mut cases: BTreeMap<CaseId, BTreeSet<News>> = BTreeMap::new();
        for (signal, _) in &self.signals {
            if let Some((case, news)) = News::of(signal)
                && !draft.refused.contains(signal)
            {
                cases.entry(case).or_default().insert(news);
            }
        }
        for (id, news) in cases {
            let key = keys::case(&self.cause.tenant, self.account, &id);
            let item = self.ports.table.get(&key).await?;
            let mut case: Option<Case> = item.as_ref().map(table::read).transpose()?;
            let before = Turning::of(case.as_ref());
            let mut changes = Vec::new();
            for news in news {
                match &mut case {
                    Some(case) => changes.extend(case.record(news)),
                    None => {
                        let (opened, change) = Case::new(id.clone(), news);
                        case = Some(opened);
                        changes.push(change);
                    }
                }
            }
            let Some(case) = case.filter(|_| !changes.is_empty()) else { continue };
            let write =
                Write::Put { key, expect: Expect::of(item.as_ref()), body: table::body(&case)?, expires_at: None };
            draft.writes.push(write);
            draft.events.extend(self.case_event(&case, &changes, before));
            if case.status() == CaseStatus::Resolved {
                record.open_cases.remove(&id);
            } else {
                record.open_cases.insert(id, case.severity());
            }
        }
        Ok(())
    }

    /// One fact for all that a message did to a case: that it was opened, or what it is now.
    fn case_event(&self, case: &Case, changes: &[CaseChange], before: Turning) -> Vec<Event> {
        let opened = changes.iter().any(|change| matches!(change, CaseChange::Opened { .. }));
        let mut events = Vec::new();
        if opened {
            let fact = CaseOpened { case: case.id.clone(), severity: case.severity(), opened_at: case.opened_at() };
            events.push(Event::new(&self.cause, Some(self.account), case.id.as_str(), self.now, fact));
        }
        if !opened || case.status() != CaseStatus::Opened {
            let fact = CaseChanged {
                case: case.id.clone(),
                severity: case.severity(),
                status: case.status(),
                changed_at: case.news().next_back().map_or(case.opened_at(), |news| news.at),
                opened_at: case.opened_at(),
                turns: before.turns(case),
            };
            events.push(Event::new(&self.cause, Some(self.account), case.id.as_str(), self.now, fact));
        }
        events
    }

    /// What a full page cannot hold is not lost: it lies in quarantine.
    async fn put_aside(&self, draft: &mut Draft) -> Result<(), Failure> {
        let mut ids = Vec::new();
        for (index, (signal, body)) in self.signals.iter().enumerate() {
            if !draft.refused.contains(signal) {
                continue;
            }
            let id = quarantine::id(&self.cause, index);
            let key = keys::quarantine(&self.cause.tenant, &id);
            if self.ports.table.get(&key).await?.is_none() {
                let text = serde_json::to_string(body)
                    .map_err(|error| Failure::Unhandled(format!("signal cannot be written: {error}")))?;
                let fault = Fault::new(
                    "at",
                    format!("lies on a day that holds {MAX_SIGNALS} signals already; send totals for it"),
                );
                draft.writes.push(quarantine::write(&key, &id, &text, vec![fault], self.now)?);
                ids.push(id.to_string());
            }
        }
        if !ids.is_empty() {
            let fact = RecordsQuarantined { count: u32::try_from(ids.len()).unwrap_or(u32::MAX), quarantine_ids: ids };
            draft.events.push(Event::new(&self.cause, Some(self.account), "", self.now, fact));
        }
        Ok(())
    }
}

fn recorded(signals: &[Signal]) -> Option<SignalsRecorded> {
    let (oldest, newest) =
        (signals.iter().map(|signal| signal.at).min()?, signals.iter().map(|signal| signal.at).max()?);
    let metrics: BTreeSet<String> = signals.iter().map(|signal| signal.metric.to_string()).collect();
    let added = u32::try_from(signals.len()).unwrap_or(u32::MAX);
    Some(SignalsRecorded { added, metrics: metrics.into_iter().collect(), oldest, newest, reported: reported(signals) })
}

/// The metrics that key figures are made of.
const OF_FIGURES: [Metric; 6] = [
    Metric::FeatureAdoption,
    Metric::NpsAnswer,
    Metric::Csat,
    Metric::CostSaving,
    Metric::EffortReduction,
    Metric::ReferenceWillingness,
];

fn reported(signals: &[Signal]) -> Vec<MetricReported> {
    OF_FIGURES.into_iter().filter_map(|metric| reported_of(metric, signals)).collect()
}

fn reported_of(metric: Metric, signals: &[Signal]) -> Option<MetricReported> {
    let all: Vec<&Signal> = signals.iter().filter(|signal| signal.metric == metric).collect();
    let latest = all.iter().max_by_key(|signal| (signal.at, &signal.id))?;
    let among = |from: i32, until: i32| {
        let inside = |signal: &&&Signal| (Quantity::whole(from)..=Quantity::whole(until)).contains(&signal.value);
        let answers = all.iter().filter(inside).filter(|_| metric == Metric::NpsAnswer).count();
        u32::try_from(answers).unwrap_or(u32::MAX)
    };
    Some(MetricReported {
        metric,
        count: u32::try_from(all.len()).unwrap_or(u32::MAX),
        sum: all.iter().fold(Quantity::ZERO, |sum, signal| sum.plus(signal.value)),
        latest: latest.value,
        at: latest.at,
        promoters: among(9, 10),
        detractors: among(0, 6),
    })
}

/// What a case was before news of it.
#[derive(Debug, Clone, Copy)]
struct Turning {
    answered: bool,
    resolved: bool,
}

impl Turning {
    fn of(case: Option<&Case>) -> Self {
        let answered = case.is_some_and(|case| case.responded_at().is_some());
        Self { answered, resolved: case.is_some_and(|case| case.status() == CaseStatus::Resolved) }
    }

    /// The turns that the case took since.
    fn turns(self, case: &Case) -> CaseTurns {
        let after = |at: Timestamp| u64::try_from(at.duration_since(case.opened_at()).as_secs()).unwrap_or_default();
        let is_resolved = case.status() == CaseStatus::Resolved;
        let resolved = case.resolved_at().filter(|_| !self.resolved && is_resolved);
        // One stretch of rest: that which begins with this resolution.
        let at_once = case.resting().len() == 1 && case.waiting().is_empty();
        CaseTurns {
            answered_after_seconds: case.responded_at().filter(|_| !self.answered).map(after),
            resolved_after_seconds: resolved.map(after),
            at_first_contact: resolved.is_some() && at_once,
            reopened: self.resolved && !is_resolved,
        }
    }
}

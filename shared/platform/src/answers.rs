//! How a function's door answered, hour by hour: what the error budget and the use by people are told from.
//!
//! An answer is bad when it is a 5xx: whose fault anything else is, is the caller's. A bad answer is recorded at once. Good
//! ones are gathered in memory and recorded with the next write, at most once a minute: an environment that is ended takes
//! its last minute with it. So what is bad is exact and what is good is never overstated. What the table refuses is kept
//! in memory and recorded later; answering goes on. Only answers to somebody are counted: whose token could not be read,
//! and the open routes, have no tenant.

use crate::function::Ports;
use crate::keys;
use crate::table::{self, Expect, TableError, Write};
use contract::event::FunctionName;
use domain::day::Day;
use domain::id::{PersonId, TenantId};
use domain::reliability::Counted;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How long the answers of a day are kept, in days.
pub const KEPT_DAYS: i64 = 32;
/// How long good answers are gathered before they are recorded.
const GATHERED: SignedDuration = SignedDuration::from_secs(60);
/// How often a lost race is run again before what was gathered waits for the next time.
const ATTEMPTS: usize = 4;
/// The most people that a day's item names.
const MAX_PEOPLE: usize = 1000;

/// How a function answered on one day, as the table keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Answers {
    /// By the hour of the day, in UTC.
    pub hours: BTreeMap<u8, Hour>,
    /// Who was answered well.
    pub people: BTreeSet<PersonId>,
}

/// How it answered in an hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Hour {
    /// How often as it should.
    pub good: u64,
    /// How often not.
    pub bad: u64,
}

impl Hour {
    /// What was counted.
    pub const fn counted(self) -> Counted {
        Counted { valid: self.good.saturating_add(self.bad), good: self.good }
    }
}

impl Answers {
    fn add(&mut self, other: &Self) {
        for (hour, more) in &other.hours {
            let known = self.hours.entry(*hour).or_default();
            known.good = known.good.saturating_add(more.good);
            known.bad = known.bad.saturating_add(more.bad);
        }
        let room = MAX_PEOPLE.saturating_sub(self.people.len());
        let new: Vec<PersonId> = other.people.difference(&self.people).take(room).cloned().collect();
        self.people.extend(new);
    }
}

/// What an environment has not recorded yet.
#[derive(Debug, Default)]
pub struct Gathered(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    waiting: BTreeMap<(TenantId, Day), Answers>,
    /// When it was last recorded, or first gathered.
    since: Option<Timestamp>,
}

impl Gathered {
    /// Takes an answer in. What is to be recorded now comes back.
    fn take_in(
        &self,
        tenant: &TenantId,
        person: &PersonId,
        bad: bool,
        now: Timestamp,
    ) -> BTreeMap<(TenantId, Day), Answers> {
        let mut state = self.state();
        let day = Day::of(now);
        let answers = state.waiting.entry((tenant.clone(), day)).or_default();
        let hour = answers.hours.entry(hour_of(now)).or_default();
        if bad {
            hour.bad = hour.bad.saturating_add(1);
        } else {
            hour.good = hour.good.saturating_add(1);
            answers.people.insert(person.clone());
        }
        let since = *state.since.get_or_insert(now);
        if bad || now.duration_since(since) >= GATHERED {
            state.since = Some(now);
            return std::mem::take(&mut state.waiting);
        }
        BTreeMap::new()
    }

    fn give_back(&self, of: (TenantId, Day), answers: &Answers) {
        self.state().waiting.entry(of).or_default().add(answers);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts an answer to somebody. It never fails: what cannot be recorded now is recorded later.
pub async fn count(ports: &Ports, function: FunctionName, tenant: &TenantId, person: &PersonId, status: u16) {
    let now = ports.clock.now();
    for ((tenant, day), answers) in ports.answers.take_in(tenant, person, status >= 500, now) {
        if let Err(error) = record(ports, function, &tenant, day, &answers).await {
            tracing::warn!(%error, "answers are counted later");
            ports.answers.give_back((tenant, day), &answers);
        }
    }
}

async fn record(
    ports: &Ports,
    function: FunctionName,
    tenant: &TenantId,
    day: Day,
    answers: &Answers,
) -> Result<(), TableError> {
    let key = keys::answers(tenant, day, function.as_str());
    let expires_at = day.start().checked_add(SignedDuration::from_hours(24 * KEPT_DAYS)).ok();
    let mut lost = TableError::Conflict(vec![key.clone()]);
    for _ in 0..ATTEMPTS {
        let item = ports.table.get(&key).await?;
        let mut all: Answers = item.as_ref().map(table::read).transpose()?.unwrap_or_default();
        all.add(answers);
        let (expect, body) = (Expect::of(item.as_ref()), table::body(&all)?);
        match ports.table.commit(vec![Write::Put { key: key.clone(), expect, body, expires_at }]).await {
            Ok(()) => return Ok(()),
            Err(conflict @ TableError::Conflict(_)) => lost = conflict,
            Err(error) => return Err(error),
        }
    }
    Err(lost)
}

/// The hour of the day.
pub fn hour_of(at: Timestamp) -> u8 {
    u8::try_from(at.as_second().div_euclid(3600).rem_euclid(24)).unwrap_or_default()
}

#[cfg(feature = "doubles")]
#[cfg(test)]
mod tests {
    use super::*;
    use crate::doubles::{Doubles, block_on};

    fn told(doubles: &Doubles) -> Option<Answers> {
        let key = keys::answers(&TenantId::new("t").unwrap(), Day::of(doubles.now()), "report");
        doubles.value(&key).map(|value| serde_json::from_value(value).unwrap())
    }

    fn count(doubles: &Doubles, ports: &Ports, person: &str, status: u16) {
        let (tenant, person) = (TenantId::new("t").unwrap(), PersonId::new(person).unwrap());
        block_on(super::count(ports, FunctionName::Report, &tenant, &person, status));
        assert!(doubles.metrics.values().is_empty());
    }

    fn pass(doubles: &Doubles, seconds: i64) {
        doubles.set_now(doubles.now() + SignedDuration::from_secs(seconds));
    }

    #[test]
    fn a7_what_is_bad_is_recorded_at_once_and_what_is_good_once_a_minute() {
        let doubles = Doubles::new();
        let ports = doubles.ports();
        count(&doubles, &ports, "kim", 200);
        count(&doubles, &ports, "lee", 404);
        assert_eq!(told(&doubles), None, "gathered");
        pass(&doubles, 30);
        count(&doubles, &ports, "mia", 503);
        let hour = |good, bad| BTreeMap::from([(0, Hour { good, bad })]);
        assert_eq!(told(&doubles).unwrap().hours, hour(2, 1), "and the good ones with it");
        pass(&doubles, 59);
        count(&doubles, &ports, "kim", 200);
        assert_eq!(told(&doubles).unwrap().hours, hour(2, 1));
        pass(&doubles, 1);
        count(&doubles, &ports, "kim", 200);
        let answers = told(&doubles).unwrap();
        assert_eq!(answers.hours, hour(4, 1));
        let people: Vec<&str> = answers.people.iter().map(PersonId::as_str).collect();
        assert_eq!(people, ["kim", "lee"], "who was not answered could not use it");
    }

    #[test]
    fn a7_what_the_table_refuses_is_recorded_when_it_answers_again() {
        let doubles = Doubles::new();
        let ports = doubles.ports();
        doubles.fail_commits_after(0);
        count(&doubles, &ports, "kim", 500);
        count(&doubles, &ports, "kim", 500);
        assert_eq!(told(&doubles), None);
        doubles.fail_commits_after(usize::MAX);
        pass(&doubles, 61);
        count(&doubles, &ports, "kim", 200);
        assert_eq!(told(&doubles).unwrap().hours, BTreeMap::from([(0, Hour { good: 1, bad: 2 })]));
    }

    #[test]
    fn a7_two_environments_add_up_and_a_lost_race_is_run_again() {
        let doubles = Doubles::new();
        let (one, other) = (doubles.ports(), doubles.ports());
        count(&doubles, &one, "kim", 500);
        doubles.conflict_next_commits(2);
        count(&doubles, &other, "kim", 500);
        assert_eq!(told(&doubles).unwrap().hours, BTreeMap::from([(0, Hour { good: 0, bad: 2 })]));
    }
}

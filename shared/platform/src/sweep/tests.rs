//! Runs over a portfolio of doubles: what starts, what is visited, what comes back, and when a run is over.

use super::*;
use crate::doubles::{Doubles, block_on};
use serde_json::json;
use std::collections::BTreeSet;
use std::sync::Mutex;

const FUNCTION: FunctionName = FunctionName::Score;
/// More than a page in each shard.
const MANY: usize = 2_000;

/// Keeps who was visited, and fails at those that it is told to.
#[derive(Default)]
struct Visits {
    visited: Mutex<Vec<String>>,
    failing: Mutex<BTreeSet<String>>,
}

#[async_trait]
impl Visit for Visits {
    type Sum = Changed;

    async fn visit(&self, account: &AccountId, _: &CauseId, sum: &mut Changed) -> Result<(), Failure> {
        if self.failing.lock().unwrap().contains(account.as_str()) {
            return Err(Failure::Unhandled("on demand".into()));
        }
        self.visited.lock().unwrap().push(account.to_string());
        sum.count(Outcome::Done);
        Ok(())
    }
}

struct Stage {
    doubles: Doubles,
    ports: Ports,
    visits: Visits,
}

/// What a run comes to that changes every account: how many were visited, that these are all, how many changed.
const fn whole(accounts: u64) -> (u64, bool, u64) {
    (accounts, true, accounts)
}

/// The same of one that has come to its end; when it moved last is left out.
fn came_to(done: Standing<Changed>) -> (u64, bool, u64) {
    (done.accounts, done.complete, done.sum.changed)
}

fn tenant() -> TenantId {
    TenantId::new("t").unwrap()
}

fn stage(accounts: usize) -> Stage {
    let doubles = Doubles::new();
    doubles.put(&keys::tenant_entry(&tenant()), &json!({}));
    for number in 0..accounts {
        let account = AccountId::new(format!("a{number:05}")).unwrap();
        doubles.put(&keys::shard_entry(&tenant(), &account), &json!({}));
    }
    Stage { ports: doubles.ports(), doubles, visits: Visits::default() }
}

impl Stage {
    /// The schedule fires at this moment.
    fn fire(&self) -> Tick {
        let tick = Tick { tick: "test_run".into(), time: self.doubles.now() };
        self.fire_again(&tick);
        tick
    }

    fn fire_again(&self, tick: &Tick) {
        block_on(start(&self.ports, FUNCTION, tick)).unwrap();
    }

    fn page(&self, work: &Work) -> Result<Option<(u64, bool, u64)>, Failure> {
        Ok(block_on(page(&self.ports, FUNCTION, work, Timestamp::MAX, &self.visits))?.map(came_to))
    }

    fn deliver(&self, work: &[Work]) {
        for work in work {
            self.page(work).unwrap();
        }
    }

    /// Handles what waits until nothing does. What fails is given back.
    fn work(&self) -> (Vec<(u64, bool, u64)>, Vec<Work>) {
        let (mut finished, mut failed) = (Vec::new(), Vec::new());
        let mut waiting = self.doubles.take_work();
        while !waiting.is_empty() {
            for work in waiting {
                match self.page(&work) {
                    Ok(done) => finished.extend(done),
                    Err(_) => failed.push(work),
                }
            }
            waiting = self.doubles.take_work();
        }
        (finished, failed)
    }

    fn pass(&self, hours: i64) {
        self.doubles.set_now(self.doubles.now() + SignedDuration::from_hours(hours));
    }

    fn skipped(&self) -> u64 {
        self.doubles.metrics.total(Metric::RunsSkipped)
    }

    fn visited(&self) -> usize {
        self.visits.visited.lock().unwrap().len()
    }
}

#[test]
fn a39_a_run_visits_every_account_once_page_by_page() {
    let stage = stage(MANY);
    stage.fire();
    let (finished, failed) = stage.work();
    assert_eq!((finished, failed.len()), (vec![whole(2_000)], 0));
    let visited = stage.visits.visited.lock().unwrap();
    assert_eq!((visited.len(), visited.iter().collect::<BTreeSet<_>>().len()), (MANY, MANY));
}

#[test]
fn a39_a_page_that_comes_back_ends_where_it_ended_whoever_came_meanwhile() {
    let stage = stage(MANY);
    let shard = |name: &str| keys::shard_of(&AccountId::new(name).unwrap());
    let names = (0..MANY).map(|number| format!("a{number:05}"));
    let of_shard: Vec<String> = names.filter(|name| shard(name) == shard("a00000")).collect();
    let last_of_page = of_shard[PAGE - 1].clone();
    stage.visits.failing.lock().unwrap().insert(last_of_page.clone());
    stage.fire();
    let (finished, failed) = stage.work();
    assert_eq!((finished.len(), failed.len()), (0, 1));
    let newcomer = (0..).map(|n| format!("a00000-{n}")).find(|name| shard(name) == shard("a00000")).unwrap();
    stage.doubles.put(&keys::shard_entry(&tenant(), &AccountId::new(&*newcomer).unwrap()), &json!({}));
    stage.visits.failing.lock().unwrap().clear();
    assert_eq!(stage.page(&failed[0]).unwrap().map(|done| done.0), Some(2_001));
    let visited = stage.visits.visited.lock().unwrap();
    assert!(visited.contains(&last_of_page) && visited.contains(&newcomer));
    assert_eq!(visited.iter().collect::<BTreeSet<_>>().len(), MANY + 1);
}

#[test]
fn a41_a_slot_that_fires_twice_is_one_run_whenever_it_fires_again() {
    let stage = stage(10);
    let tick = stage.fire();
    let sent = stage.doubles.take_work();
    stage.fire_again(&tick);
    assert_eq!(stage.doubles.take_work(), [], "under way");
    stage.deliver(&sent);
    stage.pass(100);
    stage.fire_again(&tick);
    assert_eq!((stage.doubles.take_work(), stage.skipped()), (Vec::new(), 0), "long after");
    assert_eq!(stage.visited(), 10);
}

#[test]
fn a41_a_run_does_not_start_on_top_of_one_that_goes_on() {
    let stage = stage(10);
    stage.fire();
    let under_way = stage.doubles.take_work();
    stage.pass(1);
    stage.fire();
    assert_eq!((stage.doubles.take_work(), stage.skipped()), (Vec::new(), 1));
    stage.deliver(&under_way);
    stage.fire();
    assert_eq!(stage.work().0, [whole(10)], "the last page freed the way");
    assert_eq!((stage.visited(), stage.skipped()), (20, 1));
}

#[test]
fn a41_a_run_that_takes_longer_than_the_limit_is_not_dead_while_it_moves() {
    let stage = stage(10);
    stage.fire();
    for work in stage.doubles.take_work() {
        stage.pass(5);
        stage.page(&work).unwrap();
        if stage.visited() < 10 {
            stage.fire();
            assert_eq!(stage.doubles.take_work(), []);
        }
    }
    assert!(stage.skipped() > 5, "{}", stage.skipped());
}

#[test]
fn a41_a_run_that_died_does_not_block_for_ever_and_may_still_end() {
    let stage = stage(10);
    stage.fire();
    let mut dead = stage.doubles.take_work();
    stage.deliver(&[dead.remove(0)]);
    stage.pass(5);
    stage.fire();
    assert_eq!((stage.doubles.take_work(), stage.skipped()), (Vec::new(), 1));
    stage.pass(1);
    stage.fire();
    let second = stage.doubles.take_work();
    assert_eq!(second.len(), 16, "it has not moved for six hours");
    stage.deliver(&dead);
    stage.pass(1);
    stage.fire();
    assert_eq!((stage.doubles.take_work(), stage.skipped()), (Vec::new(), 2), "the end of the first frees nothing");
    stage.deliver(&second);
    stage.fire();
    assert_eq!(stage.doubles.take_work().len(), 16);
}

#[test]
fn a41_tenants_and_functions_do_not_wait_for_each_other() {
    let stage = stage(1);
    stage.doubles.put(&keys::tenant_entry(&TenantId::new("u").unwrap()), &json!({}));
    let tick = stage.fire();
    assert_eq!(stage.doubles.take_work().len(), 32);
    block_on(start(&stage.ports, FunctionName::Trigger, &tick)).unwrap();
    assert_eq!((stage.doubles.take_work().len(), stage.skipped()), (32, 0));
}

#[test]
fn a39_an_account_that_fails_comes_back_alone_with_its_page_and_is_counted_once() {
    let stage = stage(MANY);
    stage.visits.failing.lock().unwrap().insert("a00007".into());
    stage.fire();
    let (finished, failed) = stage.work();
    assert_eq!((finished, failed.len(), stage.visited()), (Vec::new(), 1, MANY - 1), "the others go on");
    stage.visits.failing.lock().unwrap().clear();
    assert_eq!(stage.page(&failed[0]).unwrap(), Some(whole(2_000)));
    assert_eq!(stage.doubles.take_work(), [], "the page after it is done");
}

#[test]
fn a39_a_page_that_could_not_be_recorded_is_visited_again_and_counted_once() {
    let stage = stage(MANY);
    stage.fire();
    let first = stage.doubles.take_work();
    stage.doubles.fail_commits_after(0);
    assert!(first.iter().all(|work| stage.page(work).is_err()));
    assert_eq!(stage.doubles.take_work(), [], "none goes on before it is recorded");
    stage.doubles.fail_commits_after(usize::MAX);
    stage.deliver(&first);
    assert_eq!(stage.work().0, [whole(2_000)]);
}

#[test]
fn a39_a_page_that_is_delivered_again_visits_nobody_and_sends_what_may_not_have_been_sent() {
    let stage = stage(MANY);
    stage.fire();
    let first = stage.doubles.take_work();
    stage.deliver(&first);
    let (visited, second) = (stage.visited(), stage.doubles.take_work());
    stage.deliver(&first);
    assert_eq!((stage.visited(), stage.doubles.take_work()), (visited, second.clone()), "as if it had been lost");
    stage.deliver(&second);
    stage.deliver(&first);
    assert_eq!((stage.visited(), stage.doubles.take_work()), (MANY, Vec::new()));
    let told = second.iter().map(|work| stage.page(work).unwrap());
    assert!(told.into_iter().all(|told| told == Some(whole(2_000))), "told again");
}

#[test]
fn what_is_kept_of_a_shard_does_not_grow_with_its_pages() {
    let size = |accounts: usize| {
        let stage = stage(accounts);
        let tick = stage.fire();
        stage.work();
        let run = format!("{}@{}", tick.tick, tick.time);
        let key = keys::run(&tenant(), FUNCTION.as_str(), &format!("{run}#00"));
        block_on(stage.ports.table.get(&key)).unwrap().unwrap().body.len()
    };
    assert!(size(8_000) <= size(80) + 10);
}

#[test]
fn a_page_costs_two_reads_and_a_commit_beside_its_accounts() {
    let stage = stage(MANY);
    stage.fire();
    let first = stage.doubles.take_work();
    stage.doubles.take_calls();
    stage.page(&first[0]).unwrap();
    let calls = stage.doubles.take_calls();
    assert_eq!((calls.reads, calls.commits), (2, 1));
}

/// Takes a minute for each account.
struct Slow<'a>(&'a Stage);

#[async_trait]
impl Visit for Slow<'_> {
    type Sum = Changed;

    async fn visit(&self, account: &AccountId, message: &CauseId, sum: &mut Changed) -> Result<(), Failure> {
        self.0.doubles.set_now(self.0.doubles.now() + SignedDuration::from_mins(1));
        self.0.visits.visit(account, message, sum).await
    }
}

impl Stage {
    /// Goes through a page that has so many minutes.
    fn page_within(&self, work: &Work, minutes: i64) -> Result<Option<(u64, bool, u64)>, Failure> {
        let until = self.doubles.now() + SignedDuration::from_mins(minutes);
        Ok(block_on(super::page(&self.ports, FUNCTION, work, until, &Slow(self)))?.map(came_to))
    }

    /// The same for all that waits, until nothing does. What fails comes back at once, and may fail no more.
    fn work_within(&self, minutes: i64) -> Vec<(u64, bool, u64)> {
        let mut finished = Vec::new();
        let mut waiting = self.doubles.take_work();
        while let Some(work) = waiting.pop() {
            match self.page_within(&work, minutes) {
                Ok(done) => finished.extend(done),
                Err(_) => waiting.push(work),
            }
            self.visits.failing.lock().unwrap().clear();
            waiting.extend(self.doubles.take_work());
        }
        finished
    }

    fn visited_each_once(&self) -> bool {
        let visited = self.visits.visited.lock().unwrap();
        visited.len() == visited.iter().collect::<BTreeSet<_>>().len()
    }
}

#[test]
fn a39_a_page_without_time_stops_and_its_rest_goes_on() {
    let stage = stage(MANY);
    stage.fire();
    let first = stage.doubles.take_work();
    assert_eq!(stage.page_within(&first[0], 7).unwrap(), None);
    assert_eq!(stage.visited(), 7);
    let rest = stage.doubles.take_work();
    assert_eq!(rest.len(), 1);
    stage.page_within(&first[0], 7).unwrap();
    assert_eq!((stage.visited(), stage.doubles.take_work()), (7, rest.clone()), "delivered again");
    stage.page(&rest[0]).unwrap();
    assert_eq!(stage.visited(), 7 + PAGE);
    stage.deliver(&first[1..]);
    assert_eq!(stage.work().0, [whole(2_000)]);
    assert!(stage.visited_each_once());
}

#[test]
fn a39_without_any_time_a_run_still_gets_on_account_by_account() {
    let stage = stage(300);
    stage.fire();
    assert_eq!(stage.work_within(0), [whole(300)]);
    assert!(stage.visited_each_once());
}

#[test]
fn a39_a_page_that_comes_back_and_stops_leaves_nobody_out_and_counts_nobody_twice() {
    for minutes in [1, 7, 40] {
        let stage = stage(MANY);
        stage.visits.failing.lock().unwrap().extend((0..MANY).step_by(9).map(|number| format!("a{number:05}")));
        stage.fire();
        let sent = stage.doubles.take_work();
        for work in &sent {
            // The first try of every page fails at an account and has no time for the last ones.
            stage.page_within(work, 90).unwrap_err();
        }
        let behind = stage.doubles.take_work();
        assert_eq!(behind.len(), 16);
        stage.visits.failing.lock().unwrap().clear();
        stage.visits.visited.lock().unwrap().clear();
        let mut finished = Vec::new();
        for work in sent.iter().chain(&behind) {
            finished.extend(stage.page_within(work, minutes).unwrap());
        }
        finished.extend(stage.work_within(minutes));
        assert_eq!(finished.last(), Some(&whole(2_000)), "{minutes}");
        assert!(stage.visited_each_once(), "{minutes}");
    }
}

#[test]
fn a39_two_deliveries_of_a_page_that_stop_at_different_accounts_count_each_account_once() {
    let stage = stage(300);
    stage.fire();
    let sent = stage.doubles.take_work();
    stage.visits.failing.lock().unwrap().extend((0..300).map(|number| format!("a{number:05}")));
    // While one delivery works, another one of the same page fails and stops earlier.
    struct Interrupted<'a>(&'a Stage, &'a Work, Mutex<bool>);
    #[async_trait]
    impl Visit for Interrupted<'_> {
        type Sum = Changed;

        async fn visit(&self, _: &AccountId, _: &CauseId, sum: &mut Changed) -> Result<(), Failure> {
            if !std::mem::replace(&mut *self.2.lock().unwrap(), true) {
                let now = self.0.doubles.now();
                page(&self.0.ports, FUNCTION, self.1, now, &self.0.visits).await.unwrap_err();
            }
            sum.count(Outcome::Done);
            Ok(())
        }
    }
    let interrupted = Interrupted(&stage, &sent[0], Mutex::default());
    block_on(page(&stage.ports, FUNCTION, &sent[0], Timestamp::MAX, &interrupted)).unwrap();
    stage.visits.failing.lock().unwrap().clear();
    stage.deliver(&sent);
    let told = stage.work().0;
    assert!(!told.is_empty() && told.iter().all(|told| *told == whole(300)), "{told:?}");
}

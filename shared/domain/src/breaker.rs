//! A circuit breaker: whoever fails again and again is left alone for a while, then asked with one probe.
//!
//! Closed lets everything through. After so many failures in a row it opens and lets nothing through; each time that it
//! opens without having closed it stays open twice as long. When that time is over it is half open: one probe goes, and
//! what becomes of it closes the breaker or opens it again. A probe of which nothing is heard is given up, and another
//! one goes. What is told of a permit that belongs to an earlier state changes nothing: an answer that comes late does
//! not close what has opened since.
//!
//! The state is data and knows no process: whoever reads it goes on where another one stopped (M. Nygard, *Release It!*,
//! 2nd edition, 2018, "Circuit Breaker").

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// How soon a breaker opens, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BreakerPolicy {
    /// It opens after so many failures in a row.
    pub failures: u32,
    /// How long it stays open the first time.
    pub open_for: SignedDuration,
    /// It never stays open longer.
    pub open_at_most: SignedDuration,
    /// A probe of which nothing was heard for so long is given up.
    pub probe_within: SignedDuration,
}

/// A breaker as it is now.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Breaker {
    state: State,
    /// Grows with each change of state and each probe: a permit of an earlier one has nothing to say any more.
    turn: u64,
}

/// Where a breaker is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum State {
    /// Everything goes through.
    Closed {
        /// So many failed in a row.
        failures: u32,
    },
    /// Nothing goes through.
    Open {
        /// Since it closed last.
        down_since: Timestamp,
        /// Until when.
        until: Timestamp,
        /// How often it has opened since it closed last.
        times: u32,
    },
    /// One probe is under way.
    HalfOpen {
        /// Since it closed last.
        down_since: Timestamp,
        /// When the probe is given up.
        until: Timestamp,
        /// How often it has opened since it closed last.
        times: u32,
    },
}

impl Default for State {
    fn default() -> Self {
        Self::Closed { failures: 0 }
    }
}

/// Leave to ask once. What became of it is told with the permit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Permit {
    turn: u64,
}

/// A change that others want to know of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It was closed and is open.
    Down,
    /// It is closed again.
    Recovered {
        /// Since when it was not.
        down_since: Timestamp,
    },
}

impl Breaker {
    /// Where it is.
    pub const fn state(&self) -> &State {
        &self.state
    }

    /// Leave to ask once, or the moment before which there is none.
    pub fn ask(&self, policy: &BreakerPolicy, now: Timestamp) -> Result<(Self, Permit), Timestamp> {
        match self.state {
            State::Closed { .. } => Ok((self.clone(), Permit { turn: self.turn })),
            State::Open { until, .. } | State::HalfOpen { until, .. } if now < until => Err(until),
            State::Open { down_since, times, .. } | State::HalfOpen { down_since, times, .. } => {
                let until = later(now, policy.probe_within);
                let probing = self.become_state(State::HalfOpen { down_since, until, times });
                let permit = Permit { turn: probing.turn };
                Ok((probing, permit))
            }
        }
    }

    /// What was asked with this permit was answered.
    pub fn succeeded(&self, permit: Permit) -> (Self, Option<Change>) {
        match self.state {
            _ if permit.turn != self.turn => (self.clone(), None),
            State::Closed { .. } => (Self { state: State::default(), turn: self.turn }, None),
            State::Open { down_since, .. } | State::HalfOpen { down_since, .. } => {
                (self.become_state(State::default()), Some(Change::Recovered { down_since }))
            }
        }
    }

    /// What was asked with this permit failed.
    pub fn failed(&self, permit: Permit, policy: &BreakerPolicy, now: Timestamp) -> (Self, Option<Change>) {
        if permit.turn != self.turn {
            return (self.clone(), None);
        }
        match self.state {
            State::Closed { failures } if failures.saturating_add(1) < policy.failures => {
                (Self { state: State::Closed { failures: failures.saturating_add(1) }, turn: self.turn }, None)
            }
            State::Closed { .. } => (self.open(policy, now, now, 1), Some(Change::Down)),
            State::Open { down_since, times, .. } | State::HalfOpen { down_since, times, .. } => {
                (self.open(policy, down_since, now, times.saturating_add(1)), None)
            }
        }
    }

    fn open(&self, policy: &BreakerPolicy, down_since: Timestamp, now: Timestamp, times: u32) -> Self {
        let doublings = times.saturating_sub(1).min(30);
        let seconds = policy.open_for.as_secs().saturating_mul(1_i64 << doublings).min(policy.open_at_most.as_secs());
        self.become_state(State::Open { down_since, until: later(now, SignedDuration::from_secs(seconds)), times })
    }

    const fn become_state(&self, state: State) -> Self {
        Self { state, turn: self.turn.saturating_add(1) }
    }
}

fn later(now: Timestamp, by: SignedDuration) -> Timestamp {
    now.checked_add(by).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const POLICY: BreakerPolicy = BreakerPolicy {
        failures: 3,
        open_for: SignedDuration::from_secs(60),
        open_at_most: SignedDuration::from_secs(300),
        probe_within: SignedDuration::from_secs(30),
    };

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_767_571_200 + seconds).unwrap()
    }

    /// What another process reads of it.
    fn cold(breaker: &Breaker) -> Breaker {
        serde_json::from_str(&serde_json::to_string(breaker).unwrap()).unwrap()
    }

    fn fail(breaker: &Breaker, seconds: i64) -> (Breaker, Option<Change>) {
        let (asked, permit) = breaker.ask(&POLICY, at(seconds)).unwrap();
        cold(&asked).failed(permit, &POLICY, at(seconds))
    }

    fn opened() -> Breaker {
        let (first, _) = fail(&Breaker::default(), 0);
        let (second, change) = fail(&cold(&first), 1);
        assert_eq!(change, None);
        let (third, change) = fail(&cold(&second), 2);
        assert_eq!(change, Some(Change::Down));
        third
    }

    #[test]
    fn a12_it_opens_after_three_failures_in_a_row_though_each_is_told_by_another_process() {
        assert_eq!(cold(&opened()).ask(&POLICY, at(61)).map(drop), Err(at(62)));
    }

    #[test]
    fn a12_a_success_in_between_begins_the_count_anew() {
        let (one, _) = fail(&Breaker::default(), 0);
        let (two, _) = fail(&one, 1);
        let (asked, permit) = two.ask(&POLICY, at(2)).unwrap();
        let (well, change) = asked.succeeded(permit);
        assert_eq!((well.clone(), change), (Breaker::default(), None));
        assert_eq!(fail(&fail(&well, 3).0, 4).1, None);
    }

    #[test]
    fn a12_half_open_lets_one_probe_through_and_its_success_closes() {
        let (probing, probe) = cold(&opened()).ask(&POLICY, at(62)).unwrap();
        assert_eq!(cold(&probing).ask(&POLICY, at(63)).map(drop), Err(at(92)), "a second one waits");
        let (closed, change) = cold(&probing).succeeded(probe);
        assert_eq!(change, Some(Change::Recovered { down_since: at(2) }));
        assert_eq!(closed.state(), &State::Closed { failures: 0 });
    }

    #[test]
    fn a12_a_probe_that_fails_opens_it_for_twice_as_long_and_never_for_longer_than_the_longest() {
        let (mut breaker, mut now, mut pauses) = (opened(), 62, Vec::new());
        for _ in 0..4 {
            let (failed, change) = fail(&breaker, now);
            assert_eq!(change, None, "it was down before");
            let until = failed.ask(&POLICY, at(now)).unwrap_err();
            pauses.push(until.duration_since(at(now)).as_secs());
            (breaker, now) = (failed, until.duration_since(at(0)).as_secs());
        }
        assert_eq!(pauses, [120, 240, 300, 300]);
    }

    #[test]
    fn a12_a_probe_that_went_away_is_given_up_and_what_it_says_later_counts_for_nothing() {
        let (probing, lost) = opened().ask(&POLICY, at(62)).unwrap();
        let (again, probe) = cold(&probing).ask(&POLICY, at(92)).unwrap();
        assert_eq!(again.succeeded(lost), (again.clone(), None));
        assert_eq!(again.failed(lost, &POLICY, at(93)), (again.clone(), None));
        assert!(again.succeeded(probe).1.is_some());
    }

    #[test]
    fn a12_an_answer_that_was_asked_for_before_it_opened_does_not_close_it() {
        let (closed, early) = Breaker::default().ask(&POLICY, at(0)).unwrap();
        let open = fail(&fail(&fail(&closed, 0).0, 1).0, 2).0;
        assert_eq!(open.succeeded(early), (open.clone(), None));
    }

    /// What happens to a breaker: time goes by, and a permit that is out comes back well or not, or never.
    #[derive(Debug, Clone)]
    enum Step {
        Ask(i64),
        Answer(bool, prop::sample::Index),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            (0_i64..100).prop_map(Step::Ask),
            (any::<bool>(), any::<prop::sample::Index>()).prop_map(|(well, which)| Step::Answer(well, which)),
        ];
        prop::collection::vec(step, 0..200)
    }

    proptest! {
        #[test]
        fn a12_at_most_one_probe_is_out_and_nothing_goes_before_its_time(steps in steps()) {
            let (mut breaker, mut now, mut out) = (Breaker::default(), 0, Vec::<Permit>::new());
            for step in steps {
                match step {
                    Step::Ask(seconds) => {
                        now += seconds;
                        let before = breaker.clone();
                        match breaker.ask(&POLICY, at(now)) {
                            Ok((next, permit)) => {
                                // While it is down, whoever goes makes it half open, and that holds the next one back.
                                if !matches!(before.state(), State::Closed { .. }) {
                                    prop_assert!(next.ask(&POLICY, at(now)).is_err());
                                    prop_assert!(!out.contains(&permit));
                                }
                                breaker = cold(&next);
                                out.push(permit);
                            }
                            Err(until) => prop_assert!(until > at(now) && until <= at(now + 300)),
                        }
                    }
                    Step::Answer(well, which) if !out.is_empty() => {
                        let permit = out.remove(which.index(out.len()));
                        let (next, change) = if well {
                            breaker.succeeded(permit)
                        } else {
                            breaker.failed(permit, &POLICY, at(now))
                        };
                        let is_closed = |breaker: &Breaker| matches!(breaker.state(), State::Closed { .. });
                        let expected = match (is_closed(&breaker), is_closed(&next)) {
                            (true, false) => !well && change == Some(Change::Down),
                            (false, true) => well && matches!(change, Some(Change::Recovered { .. })),
                            _ => change.is_none(),
                        };
                        prop_assert!(expected, "{breaker:?} became {next:?} and told {change:?}");
                        breaker = cold(&next);
                    }
                    Step::Answer(..) => {}
                }
            }
        }
    }
}

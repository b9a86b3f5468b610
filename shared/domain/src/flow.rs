//! Where work waits: how long it lies in front of each step, which step holds the others up, and what to do about it.
//!
//! Of each piece of work is known when it came to a step, when somebody began with it and when it was done. Over a stretch
//! of time the average number of pieces in a step is the rate at which they come times the time that each is there
//! (Little's law, <https://doi.org/10.1287/opre.9.3.383>). It holds exactly for what came and went within the stretch, so
//! the difference between both sides says how far the numbers of a stretch can be trusted. The constraint is the step for
//! which work waits the longest in all: what is done elsewhere brings nothing before it is wider.

use crate::fixed::{ONE, Quantity, divide_half_even};
use jiff::Timestamp;
use std::collections::BTreeMap;

/// A piece of work at a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// Which step.
    pub step: String,
    /// When it could have been begun.
    pub came: Timestamp,
    /// When somebody began with it; none while it waits.
    pub begun: Option<Timestamp>,
    /// When it was done; none while it is not.
    pub done: Option<Timestamp>,
}

/// What went through a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepFlow {
    /// Which step.
    pub step: String,
    /// How many pieces were there at some time of the stretch.
    pub pieces: u64,
    /// How many of them came in it.
    pub came: u64,
    /// How many of them were done in it.
    pub done: u64,
    /// For how long they waited in it before somebody began, in seconds, all together.
    pub waiting: u64,
    /// For how long they were worked on in it, in seconds, all together.
    pub working: u64,
    /// How many were there on average.
    pub in_step: Quantity,
    /// How many there should have been by Little's law: the rate at which they came times the time that each was there.
    pub by_littles_law: Quantity,
}

/// Every step's flow between two moments, the one for which work waited the longest in all first: that is the constraint.
pub fn flows(pieces: &[Piece], from: Timestamp, until: Timestamp) -> Vec<StepFlow> {
    let mut by_step: BTreeMap<&str, Vec<&Piece>> = BTreeMap::new();
    for piece in pieces.iter().filter(|piece| piece.came < until && piece.done.is_none_or(|done| done > from)) {
        by_step.entry(&piece.step).or_default().push(piece);
    }
    let mut flows: Vec<StepFlow> = by_step.into_iter().map(|(step, pieces)| flow(step, &pieces, from, until)).collect();
    flows.sort_by_key(|flow| (std::cmp::Reverse(flow.waiting), flow.step.clone()));
    flows
}

fn flow(step: &str, pieces: &[&Piece], from: Timestamp, until: Timestamp) -> StepFlow {
    let within = |moment: Timestamp| from <= moment && moment < until;
    let seconds = |begin: Timestamp, end: Timestamp| {
        let (begin, end) = (begin.max(from), end.min(until));
        end.as_second().saturating_sub(begin.as_second()).try_into().unwrap_or(0_u64)
    };
    let end = |piece: &Piece| piece.done.unwrap_or(until);
    let begun = |piece: &Piece| piece.begun.unwrap_or_else(|| end(piece)).min(end(piece));
    let waiting: u64 = pieces.iter().map(|piece| seconds(piece.came, begun(piece))).sum();
    let working: u64 = pieces.iter().map(|piece| seconds(begun(piece), end(piece))).sum();
    let came: Vec<_> = pieces.iter().filter(|piece| within(piece.came)).collect();
    let stretch = u64::try_from(until.as_second().saturating_sub(from.as_second())).unwrap_or_default();
    // Each piece that came counts with all of its time, also with what lies behind the stretch where that is known.
    let stays: u64 = came
        .iter()
        .map(|piece| end(piece).as_second().saturating_sub(piece.came.as_second()).try_into().unwrap_or(0_u64))
        .sum();
    StepFlow {
        step: step.to_owned(),
        pieces: pieces.len() as u64,
        came: came.len() as u64,
        done: pieces.iter().filter(|piece| piece.done.is_some_and(within)).count() as u64,
        waiting,
        working,
        in_step: average(waiting + working, stretch),
        by_littles_law: average(stays, stretch),
    }
}

fn average(sum: u64, over: u64) -> Quantity {
    if over == 0 {
        return Quantity::ZERO;
    }
    let micros = divide_half_even(i128::from(sum) * i128::from(ONE), i128::from(over));
    Quantity::from_micros(i64::try_from(micros).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(1_790_000_000 + minute * 60).unwrap()
    }

    fn piece(step: &str, came: i64, begun: Option<i64>, done: Option<i64>) -> Piece {
        Piece { step: step.into(), came: at(came), begun: begun.map(at), done: done.map(at) }
    }

    #[test]
    fn a137_the_planted_bottleneck_is_ranked_first() {
        let mut pieces = Vec::new();
        // One every ten minutes. The plan takes three, the review waits for one person who takes twelve, training takes nine.
        for number in 0..40 {
            let came = number * 10;
            pieces.push(piece("plan", came, Some(came), Some(came + 3)));
            pieces.push(piece("review", came + 3, Some(3 + number * 12), Some(3 + number * 12 + 12)));
            let reviewed = 3 + number * 12 + 12;
            pieces.push(piece("training", reviewed, Some(reviewed), Some(reviewed + 9)));
        }
        let flows = flows(&pieces, at(0), at(600));
        let order: Vec<_> = flows.iter().map(|flow| (flow.step.as_str(), flow.waiting / 60)).collect();
        assert_eq!(order, [("review", 2 * (0..40).sum::<u64>()), ("plan", 0), ("training", 0)]);
    }

    #[test]
    fn what_still_waits_counts_and_what_ended_before_does_not() {
        let pieces = [piece("a", 0, None, None), piece("a", -50, Some(-40), Some(-10)), piece("b", 5, Some(8), None)];
        let flows = flows(&pieces, at(0), at(10));
        let told: Vec<_> =
            flows.iter().map(|flow| (flow.step.as_str(), flow.pieces, flow.waiting / 60, flow.working / 60)).collect();
        assert_eq!(told, [("a", 1, 10, 0), ("b", 1, 3, 2)]);
    }

    proptest! {
        #[test]
        fn a137_littles_law_holds_exactly_for_what_came_and_went_in_the_stretch(
            times in prop::collection::vec((0_i64..500, 0_i64..100, 0_i64..100), 1..40),
        ) {
            let pieces: Vec<Piece> = times
                .iter()
                .map(|(came, wait, work)| piece("a", *came, Some(came + wait), Some(came + wait + work)))
                .filter(|piece| piece.done > Some(at(0)))
                .collect();
            for flow in flows(&pieces, at(0), at(1000)) {
                prop_assert_eq!(flow.in_step, flow.by_littles_law);
                prop_assert_eq!(flow.came, flow.done);
            }
        }
    }
}

//! Many accounts at once: their features as columns, and every condition answered for 64 accounts by a few operations on
//! words of bits.
//!
//! A three-valued answer is two bits: whether it is surely so, and whether it may be so. Joining conditions joins each of
//! the two bits by itself; the opposite swaps them.

use super::feature::{Test, UNKNOWN};
use super::program::{Compiled, Join, Node, Place, Program};
use super::reading::Reading;
use super::verdict::Truth;
use crate::day::Day;

/// The age of what was seen on no day.
const NEVER: i32 = i32::MIN;
/// The rows of a word.
const ROWS: usize = 64;
/// Members of an operator are counted in so many bits: at most 63.
const COUNTER_BITS: usize = 6;

/// The features of many accounts: a column for each feature, a row for each account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Columns {
    rows: usize,
    columns: Vec<Column>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Column {
    values: Vec<i64>,
    /// How many days ago each was seen; kept where a window asks for it.
    ages: Vec<i32>,
    has_ages: bool,
}

/// One condition's answers: a bit for each account.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Answers {
    rows: usize,
    sure: Vec<u64>,
    possible: Vec<u64>,
}

impl Answers {
    /// What is said of the account of a row.
    pub fn get(&self, row: usize) -> Truth {
        let is_set = |bits: &[u64]| bits.get(row / ROWS).is_some_and(|word| word >> (row % ROWS) & 1 == 1);
        match (is_set(&self.sure), is_set(&self.possible)) {
            (true, _) => Truth::True,
            (false, true) => Truth::Unknown,
            (false, false) => Truth::False,
        }
    }

    /// Of how many accounts it is true.
    pub fn count(&self) -> usize {
        self.sure.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// Of how many accounts there is an answer.
    pub const fn rows(&self) -> usize {
        self.rows
    }

    /// The rows of which it is true.
    pub fn rows_true(&self) -> impl Iterator<Item = usize> {
        let of = |(place, word): (usize, &u64)| {
            let word = *word;
            (0..ROWS).filter(move |bit| word >> bit & 1 == 1).map(move |bit| place * ROWS + bit)
        };
        self.sure.iter().enumerate().flat_map(of)
    }

    pub(super) fn with_rows(rows: usize) -> Self {
        Self { rows, ..Self::default() }
    }

    pub(super) fn push(&mut self, (sure, possible): Bits) {
        self.sure.push(sure);
        self.possible.push(possible);
    }
}

/// Whether it is surely so and whether it may be so, of 64 accounts.
pub(super) type Bits = (u64, u64);

/// The opposite.
const fn not((sure, possible): Bits) -> Bits {
    (!possible, !sure)
}

impl Columns {
    pub fn of(program: &Program) -> Self {
        let follows = program.conditions().iter().any(|of| of.follows_days);
        let mut columns = vec![Column { has_ages: follows, ..Column::default() }; program.features().len()];
        for test in program.tests().iter().filter(|test| test.within_days.is_some()) {
            if let Some(column) = columns.get_mut(test.feature as usize) {
                column.has_ages = true;
            }
        }
        Self { rows: 0, columns }
    }

    /// Forgets the accounts and keeps the memory.
    pub fn clear(&mut self) {
        self.rows = 0;
        for column in &mut self.columns {
            column.values.clear();
            column.ages.clear();
        }
    }

    /// One more account.
    pub fn push(&mut self, readings: &[Reading], today: Day) {
        for (column, reading) in self.columns.iter_mut().zip(readings) {
            column.values.push(reading.value);
            if column.has_ages {
                column.ages.push(reading.seen.map_or(NEVER, |day| today.since(day)));
            }
        }
        self.rows += 1;
    }

    pub const fn rows(&self) -> usize {
        self.rows
    }

    fn value(&self, feature: u32, rows: std::ops::Range<usize>) -> &[i64] {
        self.columns.get(feature as usize).and_then(|column| column.values.get(rows)).unwrap_or_default()
    }

    fn ages(&self, feature: u32, rows: std::ops::Range<usize>) -> &[i32] {
        self.columns.get(feature as usize).and_then(|column| column.ages.get(rows)).unwrap_or_default()
    }

    /// Answers every condition for every account, word by word: `answer` is given the place of the word and what each
    /// condition says of its accounts.
    pub fn answer(&self, program: &Program, mut answer: impl FnMut(usize, &[Bits])) {
        let mut tests: Vec<Bits> = Vec::with_capacity(program.tests().len());
        let mut known: Vec<u64> = Vec::with_capacity(program.features().len());
        let mut stack: Vec<Bits> = Vec::new();
        let mut answers: Vec<Bits> = Vec::with_capacity(program.conditions().len());
        for (place, first) in (0..self.rows).step_by(ROWS).enumerate() {
            let rows = first..self.rows.min(first + ROWS);
            known.clear();
            known.extend(
                (0..).zip(&self.columns).map(|(feature, _)| bits(self.value(feature, rows.clone()), |v| v != UNKNOWN)),
            );
            tests.clear();
            tests.extend(program.tests().iter().map(|test| {
                let known = known.get(test.feature as usize).copied().unwrap_or_default();
                let mut passes = passing(test.test, self.value(test.feature, rows.clone())) & known;
                let mut possible = passes | !known;
                if let Some(within_days) = test.within_days {
                    let within_days = super::condition::days(within_days);
                    let old = bits(self.ages(test.feature, rows.clone()), |age| age >= within_days) & passes;
                    passes &= !old;
                    possible &= !old;
                }
                (passes, possible)
            }));
            answers.clear();
            for of in program.conditions() {
                answers.push(if of.follows_days {
                    self.follow(program, of, &tests, rows.clone())
                } else {
                    run(program, of, &tests, &mut stack)
                });
            }
            // Rows that are not there say nothing.
            let there = u64::MAX >> (ROWS - rows.len());
            answers.iter_mut().for_each(|(sure, possible)| (*sure, *possible) = (*sure & there, *possible & there));
            answer(place, &answers);
        }
    }

    /// Account by account, where a window holds more than leaves.
    fn follow(&self, program: &Program, of: &Compiled, tests: &[Bits], rows: std::ops::Range<usize>) -> Bits {
        let (mut sure, mut possible) = (0, 0);
        for (bit, row) in rows.enumerate() {
            let truth = |test: usize| {
                let (sure, possible) = tests.get(test).copied().unwrap_or((0, u64::MAX));
                match (sure >> bit & 1, possible >> bit & 1) {
                    (1, _) => Truth::True,
                    (_, 1) => Truth::Unknown,
                    _ => Truth::False,
                }
            };
            let age = |feature: u32| self.ages(feature, row..row + 1).first().copied().filter(|age| *age != NEVER);
            let truth = program.follow(of, truth, age);
            sure |= u64::from(truth.is_true()) << bit;
            possible |= u64::from(truth != Truth::False) << bit;
        }
        (sure, possible)
    }
}

/// A bit for each of up to 64 values.
fn bits<T: Copy>(values: &[T], is: impl Fn(T) -> bool) -> u64 {
    values.iter().rev().fold(0, |bits, value| bits << 1 | u64::from(is(*value)))
}

fn passing(test: Test, values: &[i64]) -> u64 {
    match test {
        Test::Within(low, i64::MAX) => bits(values, |value| value >= low),
        Test::Within(low, high) if low <= UNKNOWN + 1 => bits(values, |value| value <= high),
        Test::Within(low, high) => bits(values, |value| (low <= value) & (value <= high)),
        Test::Outside(low, high) => bits(values, |value| (value < low) | (high < value)),
        Test::OneOf(_) => bits(values, |value| test.passes(value)),
    }
}

fn run(program: &Program, of: &Compiled, tests: &[Bits], stack: &mut Vec<Bits>) -> Bits {
    let said = |place: &Place| {
        let bits = tests.get(place.test()).copied().unwrap_or((0, u64::MAX));
        if place.is_negated() { not(bits) } else { bits }
    };
    stack.clear();
    for node in program.nodes(of) {
        let nested = stack.len().saturating_sub(node.nested as usize);
        let leaves = program.places(node).iter().map(said);
        let joined = join(node, leaves.chain(stack.drain(nested..)));
        stack.push(if node.negated { not(joined) } else { joined });
    }
    stack.pop().unwrap_or((0, u64::MAX))
}

fn join(node: &Node, members: impl Iterator<Item = Bits>) -> Bits {
    match node.join {
        Join::All => members.fold((u64::MAX, u64::MAX), |all, one| (all.0 & one.0, all.1 & one.1)),
        Join::Any => members.fold((0, 0), |all, one| (all.0 | one.0, all.1 | one.1)),
        Join::AtLeast { count, .. } => {
            let (mut sure, mut possible) = (Counter::default(), Counter::default());
            for one in members {
                sure.add(one.0);
                possible.add(one.1);
            }
            (sure.at_least(count), possible.at_least(count))
        }
    }
}

/// 64 counters, one bit of all of them in each word.
#[derive(Default)]
struct Counter([u64; COUNTER_BITS]);

impl Counter {
    fn add(&mut self, mut carry: u64) {
        for bit in &mut self.0 {
            (*bit, carry) = (*bit ^ carry, *bit & carry);
        }
    }

    /// Compares from the highest bit down: equal so far, or more already.
    fn at_least(&self, count: u32) -> u64 {
        if count >> COUNTER_BITS != 0 {
            return 0;
        }
        let (mut more, mut equal) = (0, u64::MAX);
        for (place, bit) in self.0.iter().enumerate().rev() {
            if count >> place & 1 == 1 {
                equal &= bit;
            } else {
                more |= equal & bit;
                equal &= !bit;
            }
        }
        more | equal
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_count_up_to_63() {
        let mut counter = Counter::default();
        for count in 0..=63 {
            assert_eq!(counter.at_least(count), u64::MAX, "{count}");
            assert_eq!(counter.at_least(count + 1), 0, "{count}");
            counter.add(u64::MAX);
        }
    }
}

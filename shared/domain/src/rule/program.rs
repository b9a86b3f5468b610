//! Conditions, compiled: a table of features, a table of tests of them, and for each condition a few nodes that join tests.
//!
//! Many conditions are compiled into one program, so that what they have in common is read and tested once. Running it
//! walks flat tables: no recursion, no allocation but for the tables of results, and as many steps as there are tests and
//! nodes.

use super::condition::Condition;
use super::facts::Facts;
use super::feature::{Feature, Input, Test, lower};
use super::reading::Reading;
use super::verdict::Truth;
use crate::day::Day;
use std::collections::{BTreeMap, BTreeSet};

/// Several conditions as one program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Program {
    features: Vec<Feature>,
    tests: Vec<LeafTest>,
    nodes: Vec<Node>,
    /// Leaves of nodes, one node after the other.
    places: Vec<Place>,
    conditions: Vec<Compiled>,
}

/// A test of a feature; where a window is given, of what was seen in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct LeafTest {
    pub within_days: Option<u32>,
    pub feature: u32,
    pub test: Test,
}

/// A test's place in the table of results, twice; one more where its opposite is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place(u32);

impl Place {
    pub const fn test(self) -> usize {
        (self.0 >> 1) as usize
    }

    pub const fn is_negated(self) -> bool {
        self.0 & 1 == 1
    }
}

/// Joins its own leaves and the results of the nodes before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Node {
    pub join: Join,
    pub negated: bool,
    /// So many leaves of the table.
    pub leaves: (u32, u32),
    /// So many results of nodes before.
    pub nested: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Join {
    All,
    Any,
    AtLeast { count: u32, within_days: Option<u32> },
}

/// Where a condition lies in the tables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Compiled {
    nodes: (u32, u32),
    /// Its leaves' tests without windows, in the order in which they are written.
    pub leaves: Vec<u32>,
    /// Whether a window holds more than leaves: then what nodes rest on has to be followed too.
    pub follows_days: bool,
    /// What news can change its answer.
    pub inputs: BTreeSet<Input>,
}

fn number(size: usize) -> u32 {
    u32::try_from(size).unwrap_or(u32::MAX)
}

fn part<T>(table: &[T], (first, count): (u32, u32)) -> &[T] {
    table.get(first as usize..first.saturating_add(count) as usize).unwrap_or_default()
}

impl Program {
    /// Compiles conditions. Their limits are checked by whoever asks.
    pub fn of<'a>(conditions: impl IntoIterator<Item = &'a Condition>) -> Self {
        let conditions: Vec<&Condition> = conditions.into_iter().collect();
        let mut leaves = BTreeSet::new();
        for condition in &conditions {
            collect(condition, None, &mut leaves);
        }
        // Sorted by feature: who tests one after the other reads one after the other.
        let features: BTreeSet<&Feature> = leaves.iter().map(|(_, feature, _)| feature).collect();
        let slots: BTreeMap<&Feature, u32> = features.iter().zip(0..).map(|(feature, slot)| (*feature, slot)).collect();
        let slot = |feature: &Feature| slots.get(feature).copied().unwrap_or(u32::MAX);
        let tests: BTreeSet<LeafTest> = leaves
            .iter()
            .map(|(within_days, feature, test)| LeafTest {
                within_days: *within_days,
                feature: slot(feature),
                test: *test,
            })
            .collect();
        let tests: Vec<LeafTest> = tests.into_iter().collect();
        let mut compiler =
            Compiler { slot: &slot, tests: &tests, nodes: Vec::new(), places: Vec::new(), follows_days: false };
        let conditions: Vec<Compiled> = conditions.into_iter().map(|condition| compiler.condition(condition)).collect();
        let Compiler { nodes, places, .. } = compiler;
        let features = features.iter().map(|feature| (*feature).clone()).collect();
        Self { features, tests, nodes, places, conditions }
    }

    pub fn features(&self) -> &[Feature] {
        &self.features
    }

    pub fn tests(&self) -> &[LeafTest] {
        &self.tests
    }

    pub fn places(&self, node: &Node) -> &[Place] {
        part(&self.places, node.leaves)
    }

    pub fn conditions(&self) -> &[Compiled] {
        &self.conditions
    }

    pub fn nodes(&self, of: &Compiled) -> &[Node] {
        part(&self.nodes, of.nodes)
    }

    /// Reads every feature of an account.
    pub fn read(&self, facts: &Facts<'_>) -> Vec<Reading> {
        self.features.iter().map(|feature| feature.read(facts)).collect()
    }

    /// Reads the features that some conditions need; the others stay unread.
    pub fn read_for(&self, conditions: &[&Compiled], facts: &Facts<'_>) -> Vec<Reading> {
        let mut readings = vec![None; self.features.len()];
        for place in conditions.iter().flat_map(|of| self.nodes(of)).flat_map(|node| self.places(node)) {
            if let Some(test) = self.tests.get(place.test())
                && let Some(reading) = readings.get_mut(test.feature as usize)
                && reading.is_none()
                && let Some(feature) = self.features.get(test.feature as usize)
            {
                *reading = Some(feature.read(facts));
            }
        }
        readings.into_iter().map(|reading| reading.unwrap_or(Reading::UNREAD)).collect()
    }

    /// What each test says of an account's readings.
    pub fn test(&self, readings: &[Reading], today: Day) -> Said {
        let mut said = Vec::with_capacity(2 * self.tests.len());
        for test in &self.tests {
            let code = test.code_of(readings, today);
            said.extend([code, opposite(code)]);
        }
        Said(said)
    }

    /// What the tests of some conditions say; the others say that it is not known.
    pub fn test_for(&self, conditions: &[&Compiled], readings: &[Reading], today: Day) -> Said {
        let mut said = vec![UNKNOWN; 2 * self.tests.len()];
        let mut fill = |place: usize| {
            if let (Some([yes, no]), Some(test)) = (said.as_chunks_mut().0.get_mut(place), self.tests.get(place)) {
                *yes = test.code_of(readings, today);
                *no = opposite(*yes);
            }
        };
        for of in conditions {
            self.nodes(of).iter().flat_map(|node| self.places(node)).for_each(|place| fill(place.test()));
            of.leaves.iter().for_each(|place| fill(*place as usize));
        }
        Said(said)
    }

    /// What a condition says, given what its tests say. `age` tells how many days ago what a feature says was seen.
    pub fn run(&self, of: &Compiled, said: &Said, age: impl Fn(u32) -> Option<i32>, stack: &mut Stack) -> Truth {
        if of.follows_days {
            return self.follow(of, |test| said.of(test), age);
        }
        let Stack(stack) = stack;
        stack.clear();
        for node in self.nodes(of) {
            let first = stack.len().saturating_sub(node.nested as usize);
            let leaves = self.places(node).iter().map(|place| said.0.get(place.0 as usize).copied().unwrap_or(UNKNOWN));
            let members = leaves.chain(stack.get(first..).unwrap_or_default().iter().copied());
            let code = match node.join {
                Join::All => members.fold(TRUE, |all, one| all & one),
                Join::Any => members.fold(FALSE, |all, one| all | one),
                Join::AtLeast { count, .. } => {
                    let each = |(sure, possible), one| (sure + u32::from(one >> 1), possible + u32::from(one & 1));
                    let (sure, possible) = members.fold((0_u32, 0_u32), each);
                    u8::from(sure >= count) << 1 | u8::from(possible >= count)
                }
            };
            stack.truncate(first);
            stack.push(if node.negated { opposite(code) } else { code });
        }
        stack.pop().map_or(Truth::Unknown, truth)
    }

    /// The same where a window holds more than leaves: what is true of old things only is told from what is true of recent
    /// ones by the age of the latest that it rests on.
    pub fn follow(&self, of: &Compiled, truth: impl Fn(usize) -> Truth, age: impl Fn(u32) -> Option<i32>) -> Truth {
        let said = |place: &Place| match (place.is_negated(), self.tests.get(place.test())) {
            (false, Some(test)) => (truth(place.test()), age(test.feature)),
            // What is not so was seen on no day.
            _ => (truth(place.test()).negated(), None),
        };
        let mut stack: Vec<(Truth, Option<i32>)> = Vec::new();
        for node in self.nodes(of) {
            let nested = stack.len().saturating_sub(node.nested as usize);
            let mut members: Vec<(Truth, Option<i32>)> = self.places(node).iter().map(said).collect();
            members.extend(stack.drain(nested..));
            if let Join::AtLeast { within_days: Some(within_days), .. } = node.join {
                members.iter_mut().for_each(|(truth, age)| *truth = in_window(*truth, *age, within_days));
            }
            let each = || members.iter().map(|(truth, _)| *truth);
            let truth = match node.join {
                Join::All => each().fold(Truth::True, Truth::and),
                Join::Any => each().fold(Truth::False, Truth::or),
                Join::AtLeast { count, .. } => at_least(count, each()),
            };
            let counts = |(is, _): &&(Truth, _)| match node.join {
                Join::All => true,
                Join::Any => *is == truth,
                Join::AtLeast { .. } => is.is_true(),
            };
            let age = members.iter().filter(counts).filter_map(|(_, age)| *age).min();
            stack.push(if node.negated { (truth.negated(), None) } else { (truth, age) });
        }
        stack.pop().map_or(Truth::Unknown, |(truth, _)| truth)
    }
}

/// What tests said: for each of them a code and the code of its opposite, so that a [`Place`] is an index.
#[derive(Debug, Clone)]
pub(super) struct Said(Vec<u8>);

impl Said {
    /// What a test said.
    pub fn of(&self, test: usize) -> Truth {
        self.0.get(2 * test).copied().map_or(Truth::Unknown, truth)
    }
}

/// A truth as two bits: whether it is surely so, and whether it may be so. All of several is the `and` of both bits, any of
/// them the `or`.
const FALSE: u8 = 0b00;
const UNKNOWN: u8 = 0b01;
const TRUE: u8 = 0b11;

/// Both bits the other way round, and swapped.
const fn opposite(code: u8) -> u8 {
    (!code & 0b01) << 1 | (!code & 0b10) >> 1
}

const fn truth(code: u8) -> Truth {
    match code {
        FALSE => Truth::False,
        TRUE => Truth::True,
        _ => Truth::Unknown,
    }
}

/// Memory that one run after the other uses.
#[derive(Debug, Default)]
pub(super) struct Stack(Vec<u8>);

/// So many of several are true.
pub(super) fn at_least(count: u32, members: impl Iterator<Item = Truth>) -> Truth {
    let (sure, open) = members.fold((0_u32, 0_u32), |(sure, open), truth| {
        (sure + u32::from(truth.is_true()), open + u32::from(truth == Truth::Unknown))
    });
    if sure >= count {
        Truth::True
    } else if sure + open < count {
        Truth::False
    } else {
        Truth::Unknown
    }
}

/// What is true of things before the window, which ends today, counts as false.
pub(super) fn in_window(truth: Truth, age: Option<i32>, within_days: u32) -> Truth {
    let is_old = age.is_some_and(|age| age >= super::condition::days(within_days));
    if truth.is_true() && is_old { Truth::False } else { truth }
}

impl LeafTest {
    fn code_of(&self, readings: &[Reading], today: Day) -> u8 {
        let Some(reading) = readings.get(self.feature as usize).filter(|reading| reading.is_known()) else {
            return UNKNOWN;
        };
        let passes = self.test.passes(reading.value);
        let in_window = self.within_days.is_none_or(|within_days| {
            let age = reading.seen.map(|day| today.since(day));
            in_window(Truth::known(passes), age, within_days).is_true()
        });
        u8::from(passes & in_window) * TRUE
    }
}

type Leaves = BTreeSet<(Option<u32>, Feature, Test)>;

/// Every leaf that is tested: without a window for the trace, and with the window of the operator that it is a member of.
fn collect(condition: &Condition, within_days: Option<u32>, leaves: &mut Leaves) {
    if let Some((feature, test)) = lower(condition) {
        if within_days.is_some() {
            leaves.insert((within_days, feature.clone(), test));
        }
        leaves.insert((None, feature, test));
        return;
    }
    let window = match condition {
        Condition::AtLeast(of) => of.within_days,
        _ => None,
    };
    for member in condition.members().unwrap_or_default() {
        collect(member, window, leaves);
    }
}

struct Compiler<'a, S: Fn(&Feature) -> u32> {
    slot: &'a S,
    tests: &'a [LeafTest],
    nodes: Vec<Node>,
    places: Vec<Place>,
    follows_days: bool,
}

impl<S: Fn(&Feature) -> u32> Compiler<'_, S> {
    fn condition(&mut self, condition: &Condition) -> Compiled {
        let first = self.nodes.len();
        self.follows_days = false;
        match self.leaf(condition, None, false) {
            Some(place) => self.node(Join::All, false, vec![place], 0),
            None => self.join(condition, false),
        }
        let lowered: Vec<(Feature, Test)> = condition.leaves().into_iter().filter_map(lower).collect();
        Compiled {
            nodes: (number(first), number(self.nodes.len() - first)),
            leaves: lowered.iter().filter_map(|(feature, test)| self.place(feature, *test, None)).collect(),
            follows_days: self.follows_days,
            inputs: lowered.iter().flat_map(|(feature, _)| feature.inputs()).collect(),
        }
    }

    fn place(&self, feature: &Feature, test: Test, within_days: Option<u32>) -> Option<u32> {
        let wanted = LeafTest { within_days, feature: (self.slot)(feature), test };
        self.tests.binary_search(&wanted).ok().map(number)
    }

    /// The place of a leaf, or of the opposite of one.
    fn leaf(&self, condition: &Condition, within_days: Option<u32>, negated: bool) -> Option<Place> {
        if let Condition::Not(of) = condition {
            // What is not so was seen on no day: it is in every window.
            return self.leaf(of, None, !negated);
        }
        let (feature, test) = lower(condition)?;
        self.place(&feature, test, within_days).map(|place| Place(place << 1 | u32::from(negated)))
    }

    /// The nodes of what joins conditions: those of its members first.
    fn join(&mut self, condition: &Condition, negated: bool) {
        let join = match condition {
            Condition::Not(of) => return self.join(of, !negated),
            Condition::Any(_) => Join::Any,
            Condition::AtLeast(of) => Join::AtLeast { count: of.count, within_days: of.within_days },
            _ => Join::All,
        };
        let window = match join {
            Join::AtLeast { within_days, .. } => within_days,
            Join::All | Join::Any => None,
        };
        let (mut places, mut nested) = (Vec::new(), 0);
        for member in condition.members().unwrap_or_default() {
            match self.leaf(member, window, false) {
                Some(place) => places.push(place),
                None => {
                    self.join(member, false);
                    nested += 1;
                    self.follows_days |= window.is_some();
                }
            }
        }
        self.node(join, negated, places, nested);
    }

    fn node(&mut self, join: Join, negated: bool, mut places: Vec<Place>, nested: u32) {
        let leaves = (number(self.places.len()), number(places.len()));
        self.places.append(&mut places);
        self.nodes.push(Node { join, negated, leaves, nested });
    }
}

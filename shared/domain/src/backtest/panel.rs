//! What is kept of people and of accounts where a portfolio has more of them than a sum may hold.
//!
//! Kept are those whose names' fingerprints are the smallest. Whoever is among the smallest of all is among the smallest of
//! every part, so each one that is kept at the end was counted everywhere: figures of those kept are exact, and as who is
//! kept has nothing to do with how much they do, they stand for all. Where there are no more than are kept it is everybody.

use crate::digest::Digest;
use crate::id::{AccountId, PersonId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How many people are kept.
const PEOPLE: usize = 400;
/// How many accounts are kept.
const ACCOUNTS: usize = 200;

/// By the fingerprint of the name: the name, and what is counted of it.
type Kept<N, C> = BTreeMap<String, (N, C)>;

fn place(name: &str) -> String {
    Digest::of("panel", [name]).short()
}

fn keep<N, C>(kept: &mut Kept<N, C>, most: usize) -> bool {
    let mut dropped = false;
    while kept.len() > most {
        kept.pop_last();
        dropped = true;
    }
    dropped
}

/// How often people are asked to do something by either of two rule sets.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct People {
    kept: Kept<PersonId, [u64; 2]>,
    /// Whether there were more than are kept.
    more: bool,
    /// How often nobody has the account.
    pub nobody: [u64; 2],
}

impl People {
    /// Somebody, or nobody, is asked once more by one of the sides.
    pub fn add(&mut self, person: Option<&PersonId>, side: usize) {
        let counts = match person {
            None => &mut self.nobody,
            Some(person) => &mut self.kept.entry(place(person.as_str())).or_insert_with(|| (person.clone(), [0; 2])).1,
        };
        counts.get_mut(side).into_iter().for_each(|count| *count += 1);
        self.more |= keep(&mut self.kept, PEOPLE);
    }

    /// Adds what others were asked.
    pub fn join(&mut self, other: Self) {
        let add =
            |into: &mut [u64; 2], from: [u64; 2]| into.iter_mut().zip(from).for_each(|(into, from)| *into += from);
        add(&mut self.nobody, other.nobody);
        for (place, (person, counts)) in other.kept {
            add(&mut self.kept.entry(place).or_insert((person, [0; 2])).1, counts);
        }
        self.more |= other.more | keep(&mut self.kept, PEOPLE);
    }

    /// Whether everybody is counted, and not only some who stand for all.
    pub const fn is_everybody(&self) -> bool {
        !self.more
    }

    /// Who was asked how often by either side, the most by the candidate first.
    pub fn asked(&self) -> Vec<(&PersonId, [u64; 2])> {
        let mut asked: Vec<_> = self.kept.values().map(|(person, counts)| (person, *counts)).collect();
        asked.sort_by(|(one, [_, by_one]), (other, [_, by_other])| by_other.cmp(by_one).then_with(|| one.cmp(other)));
        asked
    }
}

/// What a rule set said of some of the accounts.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Panel(Kept<AccountId, Digest>);

impl Panel {
    /// One more account.
    pub fn add(&mut self, account: &AccountId, said: Digest) {
        self.0.insert(place(account.as_str()), (account.clone(), said));
        keep(&mut self.0, ACCOUNTS);
    }

    /// Adds other accounts.
    pub fn join(&mut self, other: Self) {
        self.0.extend(other.0);
        keep(&mut self.0, ACCOUNTS);
    }

    /// The accounts with what was said of each.
    pub fn accounts(&self) -> impl ExactSizeIterator<Item = (&AccountId, Digest)> {
        self.0.values().map(|(account, said)| (account, *said))
    }
}

//! The audit chain: every decision about an account, each link holding the fingerprint of the one before.
//!
//! A record that is edited, taken out, put in or moved breaks the chain at that place. That the end was not cut off is
//! seen by comparing the head that [`verify`] returns with the head that is kept apart from the chain.

use crate::digest::Digest;
use crate::id::{AccountId, TenantId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// One decision: what it was made from and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// When.
    pub at: Timestamp,
    /// What was decided, such as `score` or `rules`.
    pub what: String,
    /// The fingerprint of what went in.
    pub inputs_hash: Digest,
    /// The fingerprint of the configuration.
    pub config_hash: Digest,
    /// What came out, in a few words.
    pub outcome: String,
    /// Why, in plain words.
    pub reasons: Vec<String>,
}

/// A record in its place in the chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// Counts the links of an account, from 1.
    pub seq: u64,
    /// The fingerprint of the link before; of the account where there is none.
    pub previous: Digest,
    /// The decision.
    pub record: Record,
    /// The fingerprint of all of the above.
    pub hash: Digest,
}

/// The end of a chain: all that is needed to go on with it, or to know that it is whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// The number of the last link, 0 before the first.
    pub seq: u64,
    /// Its fingerprint.
    pub hash: Digest,
}

/// Where a chain is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the audit chain is broken at record {seq}")]
pub struct Broken {
    /// The number that the first wrong link should have.
    pub seq: u64,
}

impl Head {
    /// The head of an account that nothing was decided about. Chains of different accounts have nothing in common.
    pub fn start(tenant: &TenantId, account: &AccountId) -> Self {
        Self { seq: 0, hash: Digest::of("audit", [tenant.as_str(), account.as_str()]) }
    }
}

/// Puts a decision at the end of a chain.
pub fn append(head: &Head, record: Record) -> Link {
    let seq = head.seq.saturating_add(1);
    let hash = fingerprint(seq, &head.hash, &record);
    Link { seq, previous: head.hash, record, hash }
}

impl Link {
    /// The head of the chain that ends with this link.
    pub const fn head(&self) -> Head {
        Head { seq: self.seq, hash: self.hash }
    }
}

/// Follows a chain from its start (or from any head that is known to be right) and returns where it ends.
pub fn verify<'a>(start: Head, links: impl IntoIterator<Item = &'a Link>) -> Result<Head, Broken> {
    links.into_iter().try_fold(start, |head, link| {
        let seq = head.seq.saturating_add(1);
        let whole =
            link.seq == seq && link.previous == head.hash && link.hash == fingerprint(seq, &head.hash, &link.record);
        if whole { Ok(link.head()) } else { Err(Broken { seq }) }
    })
}

fn fingerprint(seq: u64, previous: &Digest, record: &Record) -> Digest {
    let (seq, at) = (seq.to_string(), record.at.to_string());
    let fixed: [&[u8]; 7] = [
        seq.as_bytes(),
        previous.as_bytes(),
        at.as_bytes(),
        record.what.as_bytes(),
        record.inputs_hash.as_bytes(),
        record.config_hash.as_bytes(),
        record.outcome.as_bytes(),
    ];
    Digest::of("audit link", fixed.into_iter().chain(record.reasons.iter().map(String::as_bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn start() -> Head {
        Head::start(&TenantId::new("t").unwrap(), &AccountId::new("a").unwrap())
    }

    fn record(number: i64) -> Record {
        Record {
            at: Timestamp::from_second(1_700_000_000 + number).unwrap(),
            what: "score".into(),
            inputs_hash: Digest::of("in", [number.to_string()]),
            config_hash: Digest::of("config", ["1"]),
            outcome: format!("{number}"),
            reasons: vec!["usage fell".into(), "an incident".into()],
        }
    }

    fn chain(length: i64) -> Vec<Link> {
        let mut head = start();
        let link = |number| {
            let link = append(&head, record(number));
            head = link.head();
            link
        };
        (1..=length).map(link).collect()
    }

    #[test]
    fn a_whole_chain_ends_at_its_head() {
        let chain = chain(5);
        assert_eq!(verify(start(), &chain), Ok(chain[4].head()));
        assert_eq!(verify(start(), []), Ok(start()));
        assert_eq!(verify(chain[1].head(), &chain[2..]), Ok(chain[4].head()), "from a known head on");
    }

    #[test]
    fn a_chain_is_of_one_account() {
        let other = Head::start(&TenantId::new("t").unwrap(), &AccountId::new("b").unwrap());
        assert_eq!(verify(other, &chain(2)), Err(Broken { seq: 1 }));
    }

    #[test]
    fn moving_a_word_from_one_reason_to_the_next_is_found() {
        let mut chain = chain(2);
        chain[1].record.reasons = vec!["usage fellan".into(), " incident".into()];
        assert_eq!(verify(start(), &chain), Err(Broken { seq: 2 }));
    }

    #[test]
    fn cutting_off_the_end_is_found_by_the_head() {
        let whole = chain(5);
        assert_ne!(verify(start(), &whole[..4]), Ok(whole[4].head()));
    }

    proptest! {
        #[test]
        fn a34_every_edit_is_found(length in 1..12_i64, at in 0..12_usize, field in 0..8_u8) {
            let mut chain = chain(length);
            let at = at % chain.len();
            let link = &mut chain[at];
            match field {
                0 => link.record.outcome.push('!'),
                1 => link.record.what.push('!'),
                2 => link.record.inputs_hash = Digest::of("other", ["x"]),
                3 => link.record.config_hash = Digest::of("other", ["x"]),
                4 => link.record.at = Timestamp::UNIX_EPOCH,
                5 => drop(link.record.reasons.pop()),
                6 => link.seq += 1,
                _ => link.previous = Digest::of("other", ["x"]),
            }
            prop_assert_eq!(verify(start(), &chain), Err(Broken { seq: at as u64 + 1 }));
        }

        #[test]
        fn a34_every_edit_that_hashes_anew_is_found_at_the_next_link(length in 2..12_i64, at in 0..11_usize) {
            let mut chain = chain(length);
            let at = at % (chain.len() - 1);
            let head = if at == 0 { start() } else { chain[at - 1].head() };
            chain[at] = append(&head, Record { outcome: "forged".into(), ..record(0) });
            prop_assert_eq!(verify(start(), &chain), Err(Broken { seq: at as u64 + 2 }));
        }

        #[test]
        fn a34_every_deletion_is_found(length in 2..12_i64, at in 0..12_usize) {
            let mut chain = chain(length);
            let at = at % (chain.len() - 1);
            chain.remove(at);
            prop_assert_eq!(verify(start(), &chain), Err(Broken { seq: at as u64 + 1 }));
        }

        #[test]
        fn a34_every_reordering_is_found(length in 2..12_i64, one in 0..12_usize, other in 0..12_usize) {
            let mut chain = chain(length);
            let (one, other) = (one % chain.len(), other % chain.len());
            prop_assume!(one != other);
            chain.swap(one, other);
            prop_assert_eq!(verify(start(), &chain), Err(Broken { seq: one.min(other) as u64 + 1 }));
        }
    }
}

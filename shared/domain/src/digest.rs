//! SHA-256 fingerprints: of versions, of causes, of the audit chain.
//!
//! Every part is preceded by its length, so that no two different lists of parts have the same bytes.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::fmt;

/// A SHA-256 fingerprint. Written as 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; 32]);

/// Why a text is not a fingerprint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a fingerprint; it has 64 hexadecimal digits in lower case")]
pub struct DigestError(String);

impl Digest {
    /// The fingerprint of a list of parts. `what` keeps fingerprints of different things apart.
    pub fn of<P: AsRef<[u8]>>(what: &str, parts: impl IntoIterator<Item = P>) -> Self {
        let mut hasher = Sha256::new();
        add(&mut hasher, what.as_bytes());
        for part in parts {
            add(&mut hasher, part.as_ref());
        }
        Self(hasher.finalize().into())
    }

    /// The fingerprint of a value by its JSON: fields in the order of the type, maps in the order of their keys.
    pub fn of_json<T: Serialize>(what: &str, value: &T) -> Result<Self, serde_json::Error> {
        Ok(Self::of(what, [serde_json::to_vec(value)?]))
    }

    /// The first 32 hexadecimal digits: enough to name a thing by its cause.
    pub fn short(&self) -> String {
        let mut text = self.to_string();
        text.truncate(32);
        text
    }

    /// The bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

fn add(hasher: &mut Sha256, part: &[u8]) {
    hasher.update((part.len() as u64).to_be_bytes());
    hasher.update(part);
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl std::str::FromStr for Digest {
    type Err = DigestError;
    fn from_str(text: &str) -> Result<Self, DigestError> {
        let refuse = || DigestError(text.chars().take(80).collect());
        let digit = |byte: u8| match byte {
            b'0'..=b'9' => Ok(byte - b'0'),
            b'a'..=b'f' => Ok(byte - b'a' + 10),
            _ => Err(refuse()),
        };
        let mut bytes = [0; 32];
        let (pairs, []) = text.as_bytes().as_chunks::<2>() else { return Err(refuse()) };
        if pairs.len() != bytes.len() {
            return Err(refuse());
        }
        for (byte, &[high, low]) in bytes.iter_mut().zip(pairs) {
            *byte = digit(high)? << 4 | digit(low)?;
        }
        Ok(Self(bytes))
    }
}

impl Serialize for Digest {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_that_read_alike_when_joined_differ() {
        assert_ne!(Digest::of("x", ["ab", "c"]), Digest::of("x", ["a", "bc"]));
        assert_ne!(Digest::of("x", ["a"]), Digest::of("y", ["a"]));
        assert_ne!(Digest::of("x", ["a"]), Digest::of("x", ["a", ""]));
    }

    #[test]
    fn a_fingerprint_is_read_as_it_is_written() {
        let digest = Digest::of("x", ["a"]);
        assert_eq!(digest.to_string().parse(), Ok(digest));
        assert_eq!(digest.short().len(), 32);
        for text in ["", "ab", &"g".repeat(64), &"A".repeat(64), &"a".repeat(66)] {
            assert!(text.parse::<Digest>().is_err(), "{text}");
        }
    }
}

//! The issuer's public keys: where they come from, how long they are kept, and which one a token names.
//!
//! Guarantees: keys are used for [`KEPT_SECONDS`] without asking again; an unknown key id asks again at most once in
//! [`RETRY_SECONDS`], whatever callers send; while the source is down the last good keys serve on, but never beyond
//! [`MAX_AGE_SECONDS`]. Only keys for RS256 and ES256 are taken, each for the one algorithm that fits it.

use async_trait::async_trait;
use jiff::Timestamp;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use std::sync::{Arc, Mutex, PoisonError};

/// How long keys are used without asking again.
pub const KEPT_SECONDS: i64 = 10 * 60;
/// How long to wait after a question before the next one, while there are keys.
pub const RETRY_SECONDS: i64 = 60;
/// How long to wait after a failed question before the next one, while there are no keys.
pub const RETRY_WITHOUT_KEYS_SECONDS: i64 = 5;
/// How long the last good keys serve while the source is down.
pub const MAX_AGE_SECONDS: i64 = 24 * 60 * 60;
/// The largest key set, in bytes.
pub const MAX_SET_BYTES: usize = 256 * 1024;

/// Why the keys did not come.
#[derive(Debug, thiserror::Error)]
pub enum KeySourceError {
    /// The source does not answer, or not with keys.
    #[error("the key set is not available")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The answer is not a key set with a usable key.
    #[error("the key set cannot be used: {0}")]
    Unusable(String),
}

/// Where the issuer's keys come from.
#[async_trait]
pub trait KeySource: Send + Sync {
    /// The key set, as JSON (RFC 7517).
    async fn keys(&self) -> Result<String, KeySourceError>;
}

/// A key set that is given and does not change.
#[derive(Debug, Clone)]
pub struct StaticKeys(pub String);

#[async_trait]
impl KeySource for StaticKeys {
    async fn keys(&self) -> Result<String, KeySourceError> {
        Ok(self.0.clone())
    }
}

/// The address of a key set: https, or http to the machine itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JwksUrl(String);

impl JwksUrl {
    /// Checks an address. The error says what is wrong with it.
    pub fn new(text: &str) -> Result<Self, String> {
        let uri: http::Uri = text.parse().map_err(|error| format!("`{text}` is not an address: {error}"))?;
        let (Some(host), Some(authority)) = (uri.host(), uri.authority()) else {
            return Err(format!("`{text}` names no host"));
        };
        if authority.as_str().contains('@') {
            return Err("the address holds a user name; leave it out".into());
        }
        match uri.scheme_str() {
            Some("https") => Ok(Self(text.to_owned())),
            Some("http") if is_loopback(host) => Ok(Self(text.to_owned())),
            Some("http") => Err(format!("`{text}` is http; keys come over https, http is for loopback addresses")),
            _ => Err(format!("`{text}` is not https")),
        }
    }

    /// The address as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || address.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// A public key with the one algorithm that it is used for.
#[derive(Clone)]
pub(super) struct PublicKey {
    id: Option<String>,
    algorithm: Algorithm,
    pub(super) key: DecodingKey,
}

/// What became of the search for a key.
pub(super) enum Lookup {
    /// This one.
    Found(PublicKey),
    /// The issuer has no such key.
    Unknown,
    /// There are several keys and the token names none.
    IdNeeded,
    /// There are no keys to search.
    Unavailable,
}

/// The keys of a source, kept.
pub(super) struct KeyCache {
    source: Arc<dyn KeySource>,
    state: Mutex<State>,
}

#[derive(Clone, Default)]
struct State {
    keys: Arc<[PublicKey]>,
    fetched_at: Option<Timestamp>,
    asked_at: Option<Timestamp>,
}

impl KeyCache {
    pub(super) fn new(source: Arc<dyn KeySource>) -> Self {
        Self { source, state: Mutex::default() }
    }

    /// The key that a token names, asking the source where that is due.
    pub(super) async fn find(&self, id: Option<&str>, algorithm: Algorithm, now: Timestamp) -> Lookup {
        if self.claim(now, State::is_due) {
            self.ask(now).await;
        }
        let found = self.state().find(id, algorithm, now);
        if matches!(found, Lookup::Unknown) && self.claim(now, State::may_ask_again) {
            self.ask(now).await;
            return self.state().find(id, algorithm, now);
        }
        found
    }

    fn state(&self) -> State {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether it is this caller's turn to ask. While there are keys, one caller asks and the others go on with them.
    fn claim(&self, now: Timestamp, due: impl FnOnce(&State, Timestamp) -> bool) -> bool {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let turn = due(&state, now);
        if turn && !state.keys.is_empty() {
            state.asked_at = Some(now);
        }
        turn
    }

    async fn ask(&self, now: Timestamp) {
        let answer = self.source.keys().await.and_then(|text| parse(&text).map_err(KeySourceError::Unusable));
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.asked_at = Some(now);
        match answer {
            Ok(keys) => {
                state.keys = keys.into();
                state.fetched_at = Some(now);
            }
            Err(error) => {
                let cause = std::error::Error::source(&error).map(ToString::to_string);
                tracing::warn!(%error, cause, kept = state.keys.len(), "the issuer's keys did not come");
            }
        }
    }
}

impl State {
    fn is_due(&self, now: Timestamp) -> bool {
        match self.fetched_at {
            None => elapsed(self.asked_at, now, RETRY_WITHOUT_KEYS_SECONDS),
            fetched_at => elapsed(fetched_at, now, KEPT_SECONDS) && self.may_ask_again(now),
        }
    }

    fn may_ask_again(&self, now: Timestamp) -> bool {
        elapsed(self.asked_at, now, RETRY_SECONDS)
    }

    fn find(&self, id: Option<&str>, algorithm: Algorithm, now: Timestamp) -> Lookup {
        if self.keys.is_empty() || elapsed(self.fetched_at, now, MAX_AGE_SECONDS) {
            return Lookup::Unavailable;
        }
        if id.is_none() && self.keys.len() > 1 {
            return Lookup::IdNeeded;
        }
        let named = |key: &&PublicKey| key.algorithm == algorithm && (id.is_none() || key.id.as_deref() == id);
        self.keys.iter().find(named).cloned().map_or(Lookup::Unknown, Lookup::Found)
    }
}

/// Whether so much time has passed; since never, it always has.
fn elapsed(since: Option<Timestamp>, now: Timestamp, seconds: i64) -> bool {
    since.is_none_or(|since| now.duration_since(since).as_secs() >= seconds)
}

/// The usable keys of a set. Keys of other kinds lie in many sets and are passed over.
fn parse(text: &str) -> Result<Vec<PublicKey>, String> {
    #[derive(Deserialize)]
    struct Set {
        keys: Vec<serde_json::Value>,
    }
    if text.len() > MAX_SET_BYTES {
        return Err(format!("it has {} bytes; at most {MAX_SET_BYTES} are read", text.len()));
    }
    let set: Set = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let keys: Vec<PublicKey> = set.keys.into_iter().filter_map(usable).collect();
    if keys.is_empty() { Err("it holds no signing key for RS256 or ES256".into()) } else { Ok(keys) }
}

fn usable(key: serde_json::Value) -> Option<PublicKey> {
    let jwk: Jwk = serde_json::from_value(key).ok()?;
    if !matches!(jwk.common.public_key_use, None | Some(PublicKeyUse::Signature)) {
        return None;
    }
    let (algorithm, named) = match &jwk.algorithm {
        AlgorithmParameters::RSA(_) => (Algorithm::RS256, KeyAlgorithm::RS256),
        AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P256 => {
            (Algorithm::ES256, KeyAlgorithm::ES256)
        }
        _ => return None,
    };
    if jwk.common.key_algorithm.is_some_and(|algorithm| algorithm != named) {
        return None;
    }
    let key = DecodingKey::from_jwk(&jwk).ok()?;
    Some(PublicKey { id: jwk.common.key_id, algorithm, key })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_over_https_or_from_the_machine_itself() {
        for good in
            ["https://id.example/keys", "http://127.0.0.1:8080/keys", "http://localhost/keys", "http://[::1]:1/keys"]
        {
            assert_eq!(JwksUrl::new(good).map(|url| url.0), Ok(good.to_owned()));
        }
        for bad in [
            "http://id.example/keys",
            "http://127.0.0.1.example/keys",
            "http://localhost@id.example/keys",
            "https://user@id.example/keys",
            "ftp://id.example/keys",
            "/keys",
            "",
        ] {
            assert!(JwksUrl::new(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn keys_of_other_kinds_are_passed_over_and_a_set_without_any_usable_key_is_refused() {
        let secret = r#"{"kty":"oct","k":"c2VjcmV0","kid":"a"}"#;
        let p384 = r#"{"kty":"EC","crv":"P-384","x":"AA","y":"AA"}"#;
        let encryption = r#"{"kty":"RSA","use":"enc","n":"AA","e":"AQAB"}"#;
        let other_algorithm = r#"{"kty":"RSA","alg":"RS512","n":"AA","e":"AQAB"}"#;
        let none = format!(r#"{{"keys":[{secret},{p384},{encryption},{other_algorithm},{{"kty":"new"}},7]}}"#);
        assert!(parse(&none).err().unwrap().contains("no signing key"));
        let one = format!(r#"{{"keys":[{secret},{{"kty":"RSA","n":"AA","e":"AQAB","kid":"b"}}]}}"#);
        let keys = parse(&one).unwrap();
        assert_eq!(keys.iter().map(|key| key.id.as_deref()).collect::<Vec<_>>(), [Some("b")]);
    }

    #[test]
    fn what_is_not_a_key_set_is_refused() {
        for text in ["", "[]", "{}", r#"{"keys":{}}"#, r#"{"keys":[]}"#, "<html>"] {
            assert!(parse(text).is_err(), "{text}");
        }
        assert!(parse(&" ".repeat(MAX_SET_BYTES + 1)).err().unwrap().contains("bytes"));
    }
}

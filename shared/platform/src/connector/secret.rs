//! Secrets: where they come from, and how long they are kept.

use crate::clock::Clock;
use crate::environment::Environment;
use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How long a secret is used before it is asked for again.
pub const KEPT: SignedDuration = SignedDuration::from_mins(5);

/// Something that nobody may see. `Debug` does not show it, and it cannot be written as JSON.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Arc<str>);

impl Secret {
    /// A secret.
    pub fn new(text: impl AsRef<str>) -> Self {
        // Files and consoles like to put a line break behind it.
        Self(text.as_ref().trim().into())
    }

    /// The secret itself: for the request that it opens a door for, and for nothing else.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(***)")
    }
}

/// Why there is no secret.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// There is none of this name.
    #[error("there is no secret `{0}`")]
    Missing(String),
    /// It has not the form that its destination needs.
    #[error("the secret {0}")]
    Unusable(&'static str),
    /// Whoever keeps secrets does not answer.
    #[error("secrets are not available")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Knows secrets by their names.
#[async_trait]
pub trait Secrets: Send + Sync {
    /// The secret of this name.
    async fn secret(&self, name: &str) -> Result<Secret, SecretError>;

    /// The secret of this name did not open its door: it may have been changed.
    fn forget(&self, _name: &str) {}
}

/// Secrets in the environment, for one machine: `cs-ops/slack` is `CS_OPS_SECRET_CS_OPS_SLACK`.
pub struct EnvironmentSecrets(pub Environment);

impl EnvironmentSecrets {
    /// The variable that holds the secret of this name.
    pub fn variable(name: &str) -> String {
        let letter = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' };
        format!("CS_OPS_SECRET_{}", name.chars().map(letter).collect::<String>())
    }
}

#[async_trait]
impl Secrets for EnvironmentSecrets {
    async fn secret(&self, name: &str) -> Result<Secret, SecretError> {
        let variable = Self::variable(name);
        self.0.get(&variable).map(Secret::new).ok_or(SecretError::Missing(variable))
    }
}

/// Asks for each secret once in [`KEPT`]. While nobody answers, the last one serves on.
pub struct CachedSecrets<S> {
    inner: S,
    clock: Arc<dyn Clock>,
    kept: Mutex<BTreeMap<String, (Secret, Timestamp)>>,
}

impl<S> CachedSecrets<S> {
    /// Keeps what these secrets say.
    pub fn new(inner: S, clock: Arc<dyn Clock>) -> Self {
        Self { inner, clock, kept: Mutex::default() }
    }

    fn kept(&self) -> MutexGuard<'_, BTreeMap<String, (Secret, Timestamp)>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl<S: Secrets> Secrets for CachedSecrets<S> {
    async fn secret(&self, name: &str) -> Result<Secret, SecretError> {
        let now = self.clock.now();
        let known = self.kept().get(name).cloned();
        if let Some((secret, asked_at)) = &known
            && now.duration_since(*asked_at) < KEPT
        {
            return Ok(secret.clone());
        }
        match (self.inner.secret(name).await, known) {
            (Ok(secret), _) => {
                self.kept().insert(name.to_owned(), (secret.clone(), now));
                Ok(secret)
            }
            (Err(SecretError::Unavailable(_)), Some((secret, _))) => Ok(secret),
            (Err(error), _) => Err(error),
        }
    }

    fn forget(&self, name: &str) {
        self.kept().remove(name);
    }
}

#[cfg(feature = "doubles")]
#[cfg(test)]
mod tests {
    use super::*;
    use crate::doubles::{Doubles, block_on};
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// Says how often it was asked; answers nothing any more after the third time.
    #[derive(Default)]
    struct Vault(AtomicUsize);

    #[async_trait]
    impl Secrets for Arc<Vault> {
        async fn secret(&self, name: &str) -> Result<Secret, SecretError> {
            match self.0.fetch_add(1, Ordering::SeqCst) {
                count @ 0..=2 => Ok(Secret::new(format!("{name}-{count}\n"))),
                _ => Err(SecretError::Unavailable("closed".into())),
            }
        }
    }

    #[test]
    fn a_secret_is_asked_for_once_in_five_minutes_and_when_it_opened_no_door() {
        let (doubles, vault) = (Doubles::new(), Arc::new(Vault::default()));
        let secrets = CachedSecrets::new(vault.clone(), doubles.ports().clock);
        let ask = || block_on(secrets.secret("a")).unwrap().reveal().to_owned();
        assert_eq!((ask(), ask()), ("a-0".into(), "a-0".into()));
        doubles.set_now(doubles.now() + KEPT);
        assert_eq!(ask(), "a-1");
        secrets.forget("a");
        assert_eq!((ask(), ask()), ("a-2".into(), "a-2".into()));
        doubles.set_now(doubles.now() + KEPT);
        assert_eq!(ask(), "a-2", "the last one serves on");
        assert_eq!(vault.0.load(Ordering::SeqCst), 4);
        assert!(block_on(secrets.secret("b")).is_err());
    }

    #[test]
    fn a_secret_is_not_shown() {
        assert_eq!(format!("{:?}", Secret::new("hush")), "Secret(***)");
    }

    #[test]
    fn on_one_machine_secrets_lie_in_the_environment() {
        let secrets = EnvironmentSecrets(Environment::of([("CS_OPS_SECRET_CS_OPS_SLACK", "xoxb")]));
        assert_eq!(block_on(secrets.secret("cs-ops/slack")).unwrap().reveal(), "xoxb");
        let error = block_on(secrets.secret("cs-ops/other")).unwrap_err();
        assert_eq!(error.to_string(), "there is no secret `CS_OPS_SECRET_CS_OPS_OTHER`");
    }
}

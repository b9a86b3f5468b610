//! The development issuer: mints the tokens that the one-machine host takes.
//!
//! Its key is made at the first start and stays in the data folder, readable by its owner alone, so that tokens outlive
//! a restart; without a data folder it lives in memory. Its issuer name is refused by every deployed function
//! ([`Verifier::for_deployment`]), so no token from here opens anything but this machine.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use domain::id::{PersonId, TenantId};
use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::jwk::{Jwk, JwkSet, PublicKeyUse, ThumbprintHash};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use platform::clock::Clock;
use platform::http::auth::{DEVELOPMENT_ISSUER, Verifier};
use platform::http::jwks::StaticKeys;
use serde::Serialize;
use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The audience of the tokens.
pub const AUDIENCE: &str = "cs-ops";
/// The file of the key, in the data folder: PKCS #8.
pub const KEY_FILE: &str = "development-issuer.p8";
/// The longest lifetime of a token.
pub const MAX_LIFETIME: SignedDuration = SignedDuration::from_hours(366 * 24);

/// Why there is no issuer or no token.
#[derive(Debug, thiserror::Error)]
pub enum IssuerError {
    /// The key file cannot be read or written.
    #[error("the development issuer's key `{path}` cannot be used")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
    /// The key file does not hold a key.
    #[error("`{0}` is not a key; delete it, and a new one is made at the next start (tokens from before end)")]
    NotAKey(PathBuf),
    /// The key file is open to others.
    #[error("`{0}` can be read by others; take that away (`chmod 600`), or delete it if it may have been read")]
    Exposed(PathBuf),
    /// A token cannot live so long, or not at all.
    #[error("a token lives for 1 second to {} days", MAX_LIFETIME.as_hours() / 24)]
    Lifetime,
    /// The cryptography refused.
    #[error("the key cannot be made or used")]
    Key(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Mints tokens.
pub struct Issuer {
    name: String,
    private: EncodingKey,
    public: Jwk,
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    aud: &'a str,
    sub: &'a PersonId,
    iat: i64,
    exp: i64,
    scope: String,
    cs_ops_tenant: &'a TenantId,
}

impl Issuer {
    /// The issuer of a data folder; its key is made where there is none.
    pub fn open(folder: &Path) -> Result<Self, IssuerError> {
        let path = folder.join(KEY_FILE);
        let failed = |source| IssuerError::File { path: path.clone(), source };
        let key = match fs::read(&path) {
            Ok(key) => {
                check_owner_only(&path)?;
                key
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let key = new_key()?;
                keep(folder, &path, &key).map_err(failed)?;
                key
            }
            Err(error) => return Err(failed(error)),
        };
        Self::of(DEVELOPMENT_ISSUER, &key).map_err(|_| IssuerError::NotAKey(path))
    }

    /// An issuer whose key is gone with the process.
    pub fn in_memory() -> Result<Self, IssuerError> {
        Self::named(DEVELOPMENT_ISSUER)
    }

    /// An issuer in memory under another name: what a test of a deployed stack puts in the place of an identity provider.
    pub fn named(name: &str) -> Result<Self, IssuerError> {
        Self::of(name, &new_key()?)
    }

    fn of(name: &str, pkcs8: &[u8]) -> Result<Self, IssuerError> {
        EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8)
            .map_err(|error| IssuerError::Key(error.into()))?;
        let private = EncodingKey::from_ec_der(pkcs8);
        let mut public = Jwk::from_encoding_key(&private, Algorithm::ES256).map_err(key_error)?;
        public.common.key_id = Some(public.thumbprint(ThumbprintHash::SHA256).map_err(key_error)?);
        public.common.public_key_use = Some(PublicKeyUse::Signature);
        Ok(Self { name: name.to_owned(), private, public })
    }

    /// Mints a token for [`AUDIENCE`].
    pub fn mint(
        &self,
        tenant: &TenantId,
        subject: &PersonId,
        scopes: &[&str],
        lifetime: SignedDuration,
        now: Timestamp,
    ) -> Result<String, IssuerError> {
        if lifetime < SignedDuration::from_secs(1) || lifetime > MAX_LIFETIME {
            return Err(IssuerError::Lifetime);
        }
        let iat = now.as_second();
        let claims = Claims {
            iss: &self.name,
            aud: AUDIENCE,
            sub: subject,
            iat,
            exp: iat.saturating_add(lifetime.as_secs()),
            scope: scopes.join(" "),
            cs_ops_tenant: tenant,
        };
        let header = Header { kid: self.public.common.key_id.clone(), ..Header::new(Algorithm::ES256) };
        jsonwebtoken::encode(&header, &claims, &self.private).map_err(key_error)
    }

    /// The public key, as a key set (RFC 7517).
    pub fn key_set(&self) -> Result<String, IssuerError> {
        let set = JwkSet { keys: vec![self.public.clone()] };
        serde_json::to_string(&set).map_err(|error| IssuerError::Key(error.into()))
    }

    /// A verifier of this issuer's tokens.
    pub fn verifier(&self, clock: Arc<dyn Clock>) -> Result<Verifier, IssuerError> {
        Ok(Verifier::new(self.name.as_str(), AUDIENCE, Arc::new(StaticKeys(self.key_set()?)), clock))
    }
}

fn key_error(error: jsonwebtoken::errors::Error) -> IssuerError {
    IssuerError::Key(error.into())
}

fn new_key() -> Result<Vec<u8>, IssuerError> {
    let key = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new());
    key.map(|key| key.as_ref().to_vec()).map_err(|error| IssuerError::Key(error.into()))
}

/// Writes the key beside its place and then moves it there: a start that is cut off leaves no half of a key.
fn keep(folder: &Path, path: &Path, key: &[u8]) -> std::io::Result<()> {
    fs::create_dir_all(folder)?;
    let unfinished = path.with_extension("new");
    match fs::remove_file(&unfinished) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&unfinished)?;
    file.write_all(key)?;
    file.sync_all()?;
    fs::rename(&unfinished, path)
}

#[cfg(unix)]
fn check_owner_only(path: &Path) -> Result<(), IssuerError> {
    use std::os::unix::fs::PermissionsExt;
    let metadata = fs::metadata(path).map_err(|source| IssuerError::File { path: path.to_owned(), source })?;
    if metadata.permissions().mode() & 0o077 == 0 { Ok(()) } else { Err(IssuerError::Exposed(path.to_owned())) }
}

#[cfg(not(unix))]
fn check_owner_only(_: &Path) -> Result<(), IssuerError> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use platform::environment::Environment;

    const NOW: &str = "2026-01-05T00:00:00Z";
    const HOUR: SignedDuration = SignedDuration::from_hours(1);

    struct At(Timestamp);

    impl Clock for At {
        fn now(&self) -> Timestamp {
            self.0
        }
    }

    fn now() -> Timestamp {
        NOW.parse().unwrap()
    }

    fn mint(issuer: &Issuer) -> String {
        let (tenant, subject) = (TenantId::new("t1").unwrap(), PersonId::new("ada").unwrap());
        format!(
            "Bearer {}",
            issuer.mint(&tenant, &subject, &["cs-ops.score.read", "cs-ops.ingest.write"], HOUR, now()).unwrap()
        )
    }

    fn verifier(issuer: &Issuer, at: Timestamp) -> Verifier {
        issuer.verifier(Arc::new(At(at))).unwrap()
    }

    #[tokio::test]
    async fn a142_a_minted_token_is_the_caller_with_its_tenant_and_scopes_until_it_expires() {
        let issuer = Issuer::in_memory().unwrap();
        let caller = verifier(&issuer, now()).verify(Some(&mint(&issuer))).await.unwrap();
        assert_eq!((caller.tenant.as_str(), caller.subject.as_str()), ("t1", "ada"));
        assert_eq!(caller.scopes.into_iter().collect::<Vec<_>>(), ["cs-ops.ingest.write", "cs-ops.score.read"]);
        let later = verifier(&issuer, now() + SignedDuration::from_mins(61));
        assert_eq!(later.verify(Some(&mint(&issuer))).await.unwrap_err().code, "token_expired");
    }

    #[tokio::test]
    async fn a142_a_deployed_function_takes_no_token_of_the_development_issuer() {
        let issuer = Issuer::in_memory().unwrap();
        let keys = issuer.key_set().unwrap();
        let deploy = |name| {
            let variables = [
                ("CS_OPS_JWT_ISSUER", name),
                ("CS_OPS_JWT_AUDIENCE", AUDIENCE),
                ("CS_OPS_JWKS_URL", "https://id.example"),
            ];
            Verifier::for_deployment(&Environment::of(variables), Arc::new(At(now())), |_| {
                Arc::new(StaticKeys(keys.clone()))
            })
        };
        let error = deploy(DEVELOPMENT_ISSUER).err().unwrap();
        assert!(error.to_string().contains("development issuer"), "{error}");
        let error = deploy("https://id.example").unwrap().verify(Some(&mint(&issuer))).await.unwrap_err();
        assert_eq!((error.status, error.code), (401, "token_refused"), "not even with its keys published");
    }

    #[tokio::test]
    async fn tokens_outlive_a_restart_with_the_same_folder_and_no_other() {
        let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let token = mint(&Issuer::open(&folder.path().join("data")).unwrap());
        let again = Issuer::open(&folder.path().join("data")).unwrap();
        verifier(&again, now()).verify(Some(&token)).await.unwrap();
        let stranger = Issuer::open(other.path()).unwrap();
        assert_eq!(verifier(&stranger, now()).verify(Some(&token)).await.unwrap_err().code, "token_refused");
    }

    #[cfg(unix)]
    #[test]
    fn the_key_is_its_owners_alone_and_one_open_to_others_is_not_used() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        Issuer::open(folder.path()).unwrap();
        let path = folder.path().join(KEY_FILE);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(Issuer::open(folder.path()), Err(IssuerError::Exposed(_))));
    }

    #[test]
    fn a_key_file_that_is_no_key_is_named_and_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        Issuer::open(folder.path()).unwrap();
        let path = folder.path().join(KEY_FILE);
        fs::write(&path, b"half").unwrap();
        assert!(matches!(Issuer::open(folder.path()), Err(IssuerError::NotAKey(_))));
        assert_eq!(fs::read(&path).unwrap(), b"half");
    }

    #[test]
    fn what_a_start_that_was_cut_off_left_behind_is_no_hindrance() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(KEY_FILE).with_extension("new"), b"half").unwrap();
        Issuer::open(folder.path()).unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_token_lives_neither_for_ever_nor_not_at_all() {
        let issuer = Issuer::in_memory().unwrap();
        let (tenant, subject) = (TenantId::new("t1").unwrap(), PersonId::new("ada").unwrap());
        for lifetime in
            [SignedDuration::ZERO, SignedDuration::from_secs(-1), MAX_LIFETIME + SignedDuration::from_secs(1)]
        {
            assert!(matches!(issuer.mint(&tenant, &subject, &[], lifetime, now()), Err(IssuerError::Lifetime)));
        }
    }
}

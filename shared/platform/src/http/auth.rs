//! Who asks: a bearer token (JWT) becomes a [`Caller`], or a problem that says what to do.
//!
//! Guarantees: only RS256 and ES256 are taken, each with a key of its own kind, so that neither `none` nor a public key
//! used as a shared secret passes; nothing is read from the claims before the signature holds; time comes from the clock
//! port. The tenant comes from the token alone.

use super::jwks::{JwksUrl, KeyCache, KeySource, Lookup};
use super::{Caller, Problem};
use crate::clock::Clock;
use crate::environment::{Environment, EnvironmentError};
use domain::id::{PersonId, TenantId};
use jiff::Timestamp;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, Validation};
use serde::Deserialize;
use std::sync::Arc;

/// The issuer name of the development issuer, which no deployed function takes.
pub const DEVELOPMENT_ISSUER: &str = "urn:cs-ops:development";
/// How far clocks may be apart, in seconds.
pub const LEEWAY_SECONDS: i64 = 60;
/// The longest token, in bytes.
pub const MAX_TOKEN_BYTES: usize = 8 * 1024;

const ISSUER_VARIABLE: &str = "CS_OPS_JWT_ISSUER";
const AUDIENCE_VARIABLE: &str = "CS_OPS_JWT_AUDIENCE";
const JWKS_URL_VARIABLE: &str = "CS_OPS_JWKS_URL";

/// Checks tokens of one issuer for one audience.
pub struct Verifier {
    issuer: String,
    audience: String,
    keys: KeyCache,
    clock: Arc<dyn Clock>,
}

impl Verifier {
    /// A verifier for the local host and for tests.
    pub fn new(
        issuer: impl Into<String>,
        audience: impl Into<String>,
        keys: Arc<dyn KeySource>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { issuer: issuer.into(), audience: audience.into(), keys: KeyCache::new(keys), clock }
    }

    /// The verifier of a deployed function, from its environment. Every problem is named at once; the development issuer
    /// is one.
    pub fn for_deployment(
        environment: &Environment,
        clock: Arc<dyn Clock>,
        keys_at: impl FnOnce(JwksUrl) -> Arc<dyn KeySource>,
    ) -> Result<Self, EnvironmentError> {
        let [issuer, audience, url] = environment.require([ISSUER_VARIABLE, AUDIENCE_VARIABLE, JWKS_URL_VARIABLE])?;
        let mut problems = Vec::new();
        if issuer == DEVELOPMENT_ISSUER {
            problems.push(format!("`{ISSUER_VARIABLE}` is the development issuer `{issuer}`, whose key lies on a developer's machine; name the issuer of your identity provider"));
        }
        match JwksUrl::new(&url) {
            Ok(url) if problems.is_empty() => return Ok(Self::new(issuer, audience, keys_at(url), clock)),
            Ok(_) => {}
            Err(problem) => problems.push(format!("`{JWKS_URL_VARIABLE}`: {problem}")),
        }
        Err(EnvironmentError(problems))
    }

    /// Checks the value of an `Authorization` header.
    pub async fn verify(&self, authorization: Option<&str>) -> Result<Caller, Problem> {
        let token = bearer(authorization)?;
        let header = jsonwebtoken::decode_header(token).map_err(|_| not_a_token())?;
        if !matches!(header.alg, Algorithm::RS256 | Algorithm::ES256) || header.crit.is_some() {
            return Err(not_a_token());
        }
        let now = self.clock.now();
        let key = match self.keys.find(header.kid.as_deref(), header.alg, now).await {
            Lookup::Found(key) => key,
            Lookup::Unknown => {
                return Err(refused(
                    "the token is signed with a key that its issuer does not publish; get a new token",
                ));
            }
            Lookup::IdNeeded => {
                return Err(refused(
                    "the token does not name its key and the issuer has several; the token's header needs a `kid`",
                ));
            }
            Lookup::Unavailable => return Err(keys_unavailable()),
        };
        let claims = jsonwebtoken::decode::<Claims>(token, &key.key, &signature_only(header.alg))
            .map_err(|error| not_decoded(&error))?;
        self.check(claims.claims, now)
    }

    fn check(&self, claims: Claims, now: Timestamp) -> Result<Caller, Problem> {
        if claims.iss.as_deref() != Some(self.issuer.as_str()) {
            return Err(refused(format!("the token is not from the issuer `{}`; get one there", self.issuer)));
        }
        if !claims.aud.is_some_and(|audience| audience.contains(&self.audience)) {
            return Err(refused(format!(
                "the token is not for the audience `{}`; ask the issuer for one that is",
                self.audience
            )));
        }
        check_times(claims.exp, claims.nbf, now)?;
        let subject = claims.sub.as_deref().and_then(|subject| PersonId::new(subject).ok());
        let subject = subject.ok_or_else(|| refused("the token's `sub` is missing or is not an id"))?;
        let tenant = claims.cs_ops_tenant.as_deref().filter(|tenant| *tenant != Caller::NO_TENANT);
        let tenant = tenant.and_then(|tenant| TenantId::new(tenant).ok());
        let tenant = tenant.ok_or_else(|| {
            refused("the token's `cs_ops_tenant` is missing or is not an id; the issuer must add the tenant")
        })?;
        let scopes = claims.scope.unwrap_or_default().split_ascii_whitespace().map(str::to_owned).collect();
        Ok(Caller { tenant, subject, scopes })
    }
}

#[derive(Deserialize)]
struct Claims {
    iss: Option<String>,
    aud: Option<Audience>,
    exp: Option<f64>,
    nbf: Option<f64>,
    sub: Option<String>,
    scope: Option<String>,
    cs_ops_tenant: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

impl Audience {
    fn contains(&self, audience: &str) -> bool {
        match self {
            Self::One(one) => one == audience,
            Self::Several(several) => several.iter().any(|one| one == audience),
        }
    }
}

fn bearer(authorization: Option<&str>) -> Result<&str, Problem> {
    let Some(value) = authorization.map(str::trim).filter(|value| !value.is_empty()) else {
        return Err(unauthorized(
            "token_missing",
            "A token is needed",
            "send a token in the header `Authorization: Bearer <token>`",
        ));
    };
    match value.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") && token.len() <= MAX_TOKEN_BYTES => {
            Ok(token.trim())
        }
        Some((scheme, _)) if scheme.eq_ignore_ascii_case("bearer") => {
            Err(refused(format!("the token is longer than {MAX_TOKEN_BYTES} bytes")))
        }
        _ => Err(refused("the header `Authorization` is not `Bearer <token>`")),
    }
}

/// The claims are checked here, against the clock port.
fn signature_only(algorithm: Algorithm) -> Validation {
    let mut validation = Validation::new(algorithm);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation.validate_aud = false;
    validation
}

/// Seconds since the epoch; a token may give fractions.
#[expect(clippy::cast_precision_loss, reason = "a moment in seconds is far below the 53 bits that are exact")]
fn check_times(expires: Option<f64>, not_before: Option<f64>, now: Timestamp) -> Result<(), Problem> {
    let (now, leeway) = (now.as_second() as f64, LEEWAY_SECONDS as f64);
    let Some(expires) = expires else {
        return Err(refused("the token has no `exp`; only tokens that expire are taken"));
    };
    if now >= expires + leeway {
        return Err(unauthorized(
            "token_expired",
            "The token has expired",
            "the token has expired; get a new one and send the request again",
        ));
    }
    if not_before.is_some_and(|not_before| now + leeway < not_before) {
        return Err(refused("the token is not valid yet (`nbf`); wait, or set the issuer's clock right"));
    }
    Ok(())
}

fn not_decoded(error: &jsonwebtoken::errors::Error) -> Problem {
    match error.kind() {
        ErrorKind::InvalidSignature => refused("the token's signature does not hold; get a new token from the issuer"),
        ErrorKind::Json(_) => refused(
            "the token's claims cannot be read: `iss`, `sub`, `scope` and `cs_ops_tenant` are texts, `aud` is a text or a list of texts, `exp` and `nbf` are numbers",
        ),
        _ => not_a_token(),
    }
}

fn not_a_token() -> Problem {
    refused("the token cannot be read; it must be a JWT signed with RS256 or ES256")
}

fn refused(detail: impl Into<String>) -> Problem {
    unauthorized("token_refused", "The token is not accepted", detail)
}

fn unauthorized(code: &'static str, title: &'static str, detail: impl Into<String>) -> Problem {
    Problem::new(401, code, title, detail)
}

fn keys_unavailable() -> Problem {
    let detail =
        "the issuer's keys cannot be had at the moment, so no token can be checked; send the same request again";
    Problem { retry_after_seconds: Some(5), ..Problem::new(503, "unavailable", "Busy", detail) }
}

#[cfg(test)]
pub(super) mod tests;

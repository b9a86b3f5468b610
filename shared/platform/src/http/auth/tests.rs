//! Tokens as attackers and careless issuers send them.

use super::*;
use crate::http::jwks::{KeySourceError, MAX_AGE_SECONDS, StaticKeys};
use async_trait::async_trait;
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{EncodingKey, Header};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{LazyLock, Mutex};

const ISSUER: &str = "https://id.example";
const AUDIENCE: &str = "cs-ops";
const NOW: i64 = 1_767_571_200;

/// A key pair of an issuer.
pub(in crate::http) struct Signer {
    id: &'static str,
    algorithm: Algorithm,
    private: EncodingKey,
}

impl Signer {
    pub(in crate::http) fn es256(id: &'static str) -> Self {
        let pair = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new()).unwrap();
        Self { id, algorithm: Algorithm::ES256, private: EncodingKey::from_ec_der(pair.as_ref()) }
    }

    fn rs256(id: &'static str) -> Self {
        let pair = aws_lc_rs::rsa::KeyPair::generate(aws_lc_rs::rsa::KeySize::Rsa2048).unwrap();
        let pkcs8: Pkcs8V1Der<'_> = pair.as_der().unwrap();
        // What the PKCS #8 of a 2048-bit key wraps begins behind 26 bytes that are always the same.
        Self { id, algorithm: Algorithm::RS256, private: EncodingKey::from_rsa_der(&pkcs8.as_ref()[26..]) }
    }

    fn jwk(&self) -> Value {
        let mut jwk = Jwk::from_encoding_key(&self.private, self.algorithm).unwrap();
        jwk.common.key_id = Some(self.id.to_owned());
        serde_json::to_value(jwk).unwrap()
    }

    fn header(&self) -> Header {
        Header { kid: Some(self.id.to_owned()), ..Header::new(self.algorithm) }
    }

    pub(in crate::http) fn token(&self, claims: &Value) -> String {
        self.token_with(&self.header(), claims)
    }

    fn token_with(&self, header: &Header, claims: &Value) -> String {
        format!("Bearer {}", jsonwebtoken::encode(header, claims, &self.private).unwrap())
    }
}

pub(in crate::http) fn key_set(signers: &[&Signer]) -> String {
    json!({ "keys": signers.iter().map(|signer| signer.jwk()).collect::<Vec<_>>() }).to_string()
}

static EC: LazyLock<Signer> = LazyLock::new(|| Signer::es256("ec-1"));
static RSA: LazyLock<Signer> = LazyLock::new(|| Signer::rs256("rsa-1"));

fn claims() -> Value {
    json!({
        "iss": ISSUER,
        "aud": AUDIENCE,
        "exp": NOW + 300,
        "sub": "ada@example.com",
        "scope": "cs-ops.ingest.write cs-ops.score.read",
        "cs_ops_tenant": "t1",
    })
}

/// The claims with one of them changed, or taken away.
fn claims_with(name: &str, value: Value) -> Value {
    let mut claims = claims();
    claims.as_object_mut().unwrap().insert(name.into(), value);
    claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    claims
}

struct Hand(Mutex<i64>);

impl Hand {
    fn at(seconds: i64) -> Arc<Self> {
        Arc::new(Self(Mutex::new(seconds)))
    }

    fn pass(&self, seconds: i64) {
        *self.0.lock().unwrap() += seconds;
    }
}

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(*self.0.lock().unwrap()).unwrap()
    }
}

/// A key source whose answer can be changed and whose questions are counted.
struct Source {
    answer: Mutex<Option<String>>,
    asked: AtomicUsize,
}

impl Source {
    fn new(answer: Option<String>) -> Arc<Self> {
        Arc::new(Self { answer: Mutex::new(answer), asked: AtomicUsize::new(0) })
    }

    fn set(&self, answer: Option<String>) {
        *self.answer.lock().unwrap() = answer;
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl KeySource for Source {
    async fn keys(&self) -> Result<String, KeySourceError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let answer = self.answer.lock().unwrap().clone();
        answer.ok_or_else(|| KeySourceError::Unavailable("down".into()))
    }
}

fn verifier_of(signers: &[&Signer]) -> Verifier {
    Verifier::new(ISSUER, AUDIENCE, Arc::new(StaticKeys(key_set(signers))), Hand::at(NOW))
}

async fn verdict(token: &str) -> Result<Caller, Problem> {
    verifier_of(&[&EC, &RSA]).verify(Some(token)).await
}

#[track_caller]
fn check_refused(verdict: Result<Caller, Problem>, code: &str, says: &str) {
    let problem = verdict.unwrap_err();
    assert_eq!((problem.status, problem.code), (401, code), "{problem:?}");
    assert!(problem.detail.contains(says), "{}", problem.detail);
}

#[tokio::test]
async fn a142_good_tokens_of_both_algorithms_become_the_caller() {
    for signer in [&EC, &RSA] {
        let caller = verdict(&signer.token(&claims())).await.unwrap();
        assert_eq!(caller.tenant.as_str(), "t1");
        assert_eq!(caller.subject.as_str(), "ada@example.com");
        assert_eq!(
            caller.scopes.iter().map(String::as_str).collect::<Vec<_>>(),
            ["cs-ops.ingest.write", "cs-ops.score.read"]
        );
    }
}

#[tokio::test]
async fn a142_without_a_token_the_answer_says_how_to_send_one() {
    let verifier = verifier_of(&[&EC]);
    for nothing in [None, Some(""), Some("  ")] {
        check_refused(verifier.verify(nothing).await, "token_missing", "Authorization: Bearer <token>");
    }
}

#[tokio::test]
async fn a142_what_is_not_a_token_is_refused() {
    check_refused(verdict("Basic YWRhOnNlY3JldA==").await, "token_refused", "Bearer <token>");
    check_refused(verdict("token").await, "token_refused", "Bearer <token>");
    for text in ["Bearer x", "Bearer a.b.c", "Bearer ..", "bearer eyJhbGciOiJFUzI1NiJ9.e30"] {
        check_refused(verdict(text).await, "token_refused", "JWT signed with RS256 or ES256");
    }
    let long = format!("Bearer {}", "a".repeat(MAX_TOKEN_BYTES + 1));
    check_refused(verdict(&long).await, "token_refused", "longer than 8192 bytes");
}

#[tokio::test]
async fn a142_a_token_expires_with_a_leeway_of_a_minute() {
    verdict(&EC.token(&claims_with("exp", (NOW - 59).into()))).await.unwrap();
    verdict(&EC.token(&claims_with("exp", json!(NOW as f64 - 59.5)))).await.unwrap();
    check_refused(verdict(&EC.token(&claims_with("exp", (NOW - 60).into()))).await, "token_expired", "get a new one");
    check_refused(verdict(&EC.token(&claims_with("exp", Value::Null))).await, "token_refused", "no `exp`");
}

#[tokio::test]
async fn a142_a_token_is_not_valid_before_its_time() {
    verdict(&EC.token(&claims_with("nbf", (NOW + 60).into()))).await.unwrap();
    check_refused(verdict(&EC.token(&claims_with("nbf", (NOW + 61).into()))).await, "token_refused", "`nbf`");
}

#[tokio::test]
async fn a142_a_token_for_another_audience_or_from_another_issuer_is_refused() {
    verdict(&EC.token(&claims_with("aud", json!(["other", AUDIENCE])))).await.unwrap();
    for audience in [json!("other"), json!(["other"]), json!([]), Value::Null] {
        check_refused(verdict(&EC.token(&claims_with("aud", audience))).await, "token_refused", "audience `cs-ops`");
    }
    for issuer in [json!("https://other.example"), Value::Null] {
        check_refused(verdict(&EC.token(&claims_with("iss", issuer))).await, "token_refused", ISSUER);
    }
}

#[tokio::test]
async fn a142_the_tenant_and_the_subject_come_from_the_token_and_must_be_ids() {
    for tenant in [Value::Null, json!(""), json!("t1#A#acme"), json!(Caller::NO_TENANT)] {
        check_refused(
            verdict(&EC.token(&claims_with("cs_ops_tenant", tenant))).await,
            "token_refused",
            "`cs_ops_tenant`",
        );
    }
    for subject in [Value::Null, json!("a b")] {
        check_refused(verdict(&EC.token(&claims_with("sub", subject))).await, "token_refused", "`sub`");
    }
}

#[tokio::test]
async fn a142_claims_of_wrong_types_are_refused() {
    for (name, value) in
        [("exp", json!("tomorrow")), ("scope", json!(["a"])), ("cs_ops_tenant", json!(7)), ("aud", json!(7))]
    {
        check_refused(verdict(&EC.token(&claims_with(name, value))).await, "token_refused", "cannot be read");
    }
}

#[tokio::test]
async fn a142_no_scope_is_an_empty_set_and_not_an_error() {
    assert!(verdict(&EC.token(&claims_with("scope", Value::Null))).await.unwrap().scopes.is_empty());
}

/// A part of a token, in its encoding.
fn part(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    bytes
        .chunks(3)
        .flat_map(|chunk| {
            let bits = chunk.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
            (0..=chunk.len()).map(move |index| char::from(ALPHABET[(bits >> (18 - 6 * index)) as usize & 63]))
        })
        .collect()
}

#[tokio::test]
async fn a142_an_unsigned_token_is_refused() {
    for algorithm in ["none", "None", "NONE", ""] {
        let header = part(json!({ "alg": algorithm, "typ": "JWT", "kid": "ec-1" }).to_string().as_bytes());
        let unsigned = format!("Bearer {header}.{}.", part(claims().to_string().as_bytes()));
        check_refused(verdict(&unsigned).await, "token_refused", "JWT signed with RS256 or ES256");
    }
}

#[tokio::test]
async fn a142_a_public_key_used_as_a_shared_secret_does_not_pass() {
    let modulus = RSA.jwk().get("n").unwrap().as_str().unwrap().to_owned();
    for secret in [modulus.clone().into_bytes(), key_set(&[&RSA]).into_bytes(), RSA.jwk().to_string().into_bytes()] {
        let header = Header { kid: Some("rsa-1".into()), ..Header::new(Algorithm::HS256) };
        let forged = jsonwebtoken::encode(&header, &claims(), &EncodingKey::from_secret(&secret)).unwrap();
        check_refused(verdict(&format!("Bearer {forged}")).await, "token_refused", "JWT signed with RS256 or ES256");
    }
}

#[tokio::test]
async fn a142_a_key_is_used_for_its_own_algorithm_alone() {
    let header = Header { kid: Some("rsa-1".into()), ..Header::new(Algorithm::ES256) };
    check_refused(verdict(&EC.token_with(&header, &claims())).await, "token_refused", "does not publish");
    let header = Header { kid: Some("rsa-1".into()), ..Header::new(Algorithm::RS512) };
    check_refused(verdict(&RSA.token_with(&header, &claims())).await, "token_refused", "RS256 or ES256");
}

#[tokio::test]
async fn a142_a_changed_token_and_a_foreign_key_are_refused() {
    let token = EC.token(&claims());
    let parts: Vec<&str> = token.split('.').collect();
    let more = part(claims_with("cs_ops_tenant", json!("t2")).to_string().as_bytes());
    let changed = format!("{}.{more}.{}", parts[0], parts[2]);
    check_refused(verdict(&changed).await, "token_refused", "signature does not hold");
    let foreign = Signer::es256("ec-1").token(&claims());
    check_refused(verdict(&foreign).await, "token_refused", "signature does not hold");
}

#[tokio::test]
async fn a142_a_token_with_extensions_that_must_be_understood_is_refused() {
    let header = Header { crit: Some(vec!["b64".into()]), ..EC.header() };
    check_refused(verdict(&EC.token_with(&header, &claims())).await, "token_refused", "cannot be read");
}

#[tokio::test]
async fn a142_a_token_names_its_key_when_there_are_several() {
    let nameless = EC.token_with(&Header::new(Algorithm::ES256), &claims());
    verifier_of(&[&EC]).verify(Some(&nameless)).await.unwrap();
    check_refused(verdict(&nameless).await, "token_refused", "`kid`");
}

struct Rotation {
    source: Arc<Source>,
    clock: Arc<Hand>,
    verifier: Verifier,
}

impl Rotation {
    fn from(answer: Option<String>) -> Self {
        let (source, clock) = (Source::new(answer), Hand::at(NOW));
        Self { verifier: Verifier::new(ISSUER, AUDIENCE, source.clone(), clock.clone()), source, clock }
    }

    async fn verify(&self, signer: &Signer) -> Result<Caller, Problem> {
        let lasting = claims_with("exp", (NOW + 10 * MAX_AGE_SECONDS).into());
        self.verifier.verify(Some(&signer.token(&lasting))).await
    }
}

#[tokio::test]
async fn a_new_key_is_fetched_when_a_token_names_it_and_at_most_once_a_minute() {
    let (new, unknown) = (Signer::es256("ec-2"), Signer::es256("ec-9"));
    let rotation = Rotation::from(Some(key_set(&[&EC])));
    rotation.verify(&EC).await.unwrap();
    rotation.source.set(Some(key_set(&[&new])));
    check_refused(rotation.verify(&new).await, "token_refused", "does not publish");
    assert_eq!(rotation.source.asked(), 1, "asked less than a minute ago");
    rotation.clock.pass(60);
    rotation.verify(&new).await.unwrap();
    assert_eq!(rotation.source.asked(), 2);
    for _ in 0..100 {
        check_refused(rotation.verify(&unknown).await, "token_refused", "does not publish");
    }
    assert_eq!(rotation.source.asked(), 2, "unknown keys do not become questions");
    check_refused(rotation.verify(&EC).await, "token_refused", "does not publish");
}

#[tokio::test]
async fn a_withdrawn_key_is_taken_no_longer_than_ten_minutes() {
    let new = Signer::es256("ec-2");
    let rotation = Rotation::from(Some(key_set(&[&EC])));
    rotation.verify(&EC).await.unwrap();
    rotation.source.set(Some(key_set(&[&new])));
    rotation.clock.pass(599);
    rotation.verify(&EC).await.unwrap();
    rotation.clock.pass(1);
    check_refused(rotation.verify(&EC).await, "token_refused", "does not publish");
}

#[tokio::test]
async fn the_last_good_keys_serve_while_the_source_is_down_but_not_for_ever() {
    for broken in [None, Some("<html>".to_owned()), Some(r#"{"keys":[]}"#.to_owned())] {
        let rotation = Rotation::from(Some(key_set(&[&EC])));
        rotation.verify(&EC).await.unwrap();
        rotation.source.set(broken);
        rotation.clock.pass(MAX_AGE_SECONDS - 1);
        for _ in 0..10 {
            rotation.verify(&EC).await.unwrap();
        }
        assert_eq!(rotation.source.asked(), 2, "one question a minute");
        rotation.clock.pass(1);
        let problem = rotation.verify(&EC).await.unwrap_err();
        assert_eq!((problem.status, problem.retry_after_seconds), (503, Some(5)));
    }
}

#[tokio::test]
async fn without_any_keys_yet_the_answer_is_to_try_again_and_the_source_is_spared() {
    let rotation = Rotation::from(None);
    for _ in 0..10 {
        let problem = rotation.verify(&EC).await.unwrap_err();
        assert_eq!((problem.status, problem.code), (503, "unavailable"));
    }
    assert_eq!(rotation.source.asked(), 1);
    rotation.source.set(Some(key_set(&[&EC])));
    rotation.clock.pass(5);
    rotation.verify(&EC).await.unwrap();
}

fn deployed(issuer: &str, url: &str) -> Result<Verifier, EnvironmentError> {
    let environment =
        Environment::of([(ISSUER_VARIABLE, issuer), (AUDIENCE_VARIABLE, AUDIENCE), (JWKS_URL_VARIABLE, url)]);
    Verifier::for_deployment(&environment, Hand::at(NOW), |_| Arc::new(StaticKeys(key_set(&[&EC]))))
}

#[tokio::test]
async fn a_deployed_function_checks_tokens_of_the_issuer_in_its_environment() {
    let verifier = deployed(ISSUER, "https://id.example/keys").unwrap();
    verifier.verify(Some(&EC.token(&claims()))).await.unwrap();
}

#[test]
fn a142_a_deployed_function_refuses_the_development_issuer_and_keys_over_plain_http() {
    let error = deployed(DEVELOPMENT_ISSUER, "http://id.example/keys").err().unwrap();
    assert_eq!(error.0.len(), 2, "{error}");
    assert!(error.0[0].contains("`CS_OPS_JWT_ISSUER` is the development issuer"), "{error}");
    assert!(error.0[1].contains("`CS_OPS_JWKS_URL`") && error.0[1].contains("https"), "{error}");
    assert!(deployed(DEVELOPMENT_ISSUER, "https://id.example/keys").is_err());
    let error = Verifier::for_deployment(&Environment::default(), Hand::at(NOW), |_| Source::new(None)).err().unwrap();
    assert_eq!(error.0.len(), 3, "every missing variable is named: {error}");
}

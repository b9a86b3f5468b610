//! A client of the host in the same process: it holds a token of its own and asks through the same edge as everybody.

use crate::host::Host;
use crate::issuer::{Issuer, IssuerError};
use contract::problem::Problem;
use domain::id::{PersonId, TenantId};
use jiff::SignedDuration;
use platform::clock::Clock;
use platform::http::auth::Verifier;
use platform::http::{Request, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Everything that a client of this machine may do.
pub const SCOPES: [&str; 10] = [
    "cs-ops.ingest.read",
    "cs-ops.ingest.write",
    "cs-ops.score.read",
    "cs-ops.score.write",
    "cs-ops.trigger.read",
    "cs-ops.trigger.write",
    "cs-ops.escalate.read",
    "cs-ops.escalate.write",
    "cs-ops.report.read",
    "cs-ops.report.write",
];

/// What the dashboard reads.
pub const DASHBOARD_SCOPES: [&str; 4] =
    ["cs-ops.escalate.read", "cs-ops.report.read", "cs-ops.score.read", "cs-ops.trigger.read"];

/// Why there is no answer to go on with.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// There is no token.
    #[error(transparent)]
    Issuer(#[from] IssuerError),
    /// The request was refused.
    #[error("`{request}` was answered with status {status}: {detail}")]
    Refused {
        /// What was asked.
        request: String,
        /// The status of the answer.
        status: u16,
        /// What the answer says.
        detail: String,
    },
    /// Request or answer is not what it should be.
    #[error("`{request}`: {reason}")]
    Unreadable {
        /// What was asked.
        request: String,
        /// Why.
        reason: String,
    },
}

/// What is asked.
#[derive(Debug, Clone, Copy)]
pub struct Ask<'a> {
    /// Of which function.
    pub function: &'a str,
    /// How: `GET`, `PUT` or `POST`.
    pub method: &'a str,
    /// On which route, with its parameters in braces.
    pub route: &'a str,
    /// The parameters.
    pub parameters: &'a [(&'a str, &'a str)],
    /// Names the request; of a POST it is the `Idempotency-Key` too.
    pub id: &'a str,
}

/// A client.
pub struct Client {
    issuer: Issuer,
    verifier: Verifier,
    tenant: TenantId,
    subject: PersonId,
}

impl Client {
    /// A client of one tenant. Its tokens live by the host's time.
    pub fn new(tenant: TenantId, subject: PersonId, clock: Arc<dyn Clock>) -> Result<Self, IssuerError> {
        let issuer = Issuer::in_memory()?;
        Ok(Self { verifier: issuer.verifier(clock)?, issuer, tenant, subject })
    }

    /// Asks, and gives the answer back whatever it is.
    pub fn ask(&self, host: &Host, ask: &Ask<'_>, body: Vec<u8>) -> Result<Response, ClientError> {
        let hour = SignedDuration::from_hours(1);
        let token = self.issuer.mint(&self.tenant, &self.subject, &SCOPES, hour, host.now())?;
        let mut headers = BTreeMap::from([("authorization".to_owned(), format!("Bearer {token}"))]);
        if ask.method == "POST" {
            headers.insert("idempotency-key".to_owned(), ask.id.to_owned());
        }
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let request = Request {
            method: ask.method.to_owned(),
            route: ask.route.to_owned(),
            parameters: ask.parameters.iter().map(owned).collect(),
            headers,
            body: body.into(),
            request_id: ask.id.to_owned(),
            ..Request::default()
        };
        Ok(host.call(ask.function, &self.verifier, request))
    }

    /// Asks for something good, and reads it.
    pub fn expect<B: Serialize, T: DeserializeOwned>(
        &self,
        host: &Host,
        ask: &Ask<'_>,
        body: &B,
    ) -> Result<T, ClientError> {
        let unreadable =
            |error: serde_json::Error| ClientError::Unreadable { request: ask.to_string(), reason: error.to_string() };
        let response = self.ask(host, ask, serde_json::to_vec(body).map_err(unreadable)?)?;
        if !(200..300).contains(&response.status) {
            let detail = serde_json::from_str::<Problem>(&response.body).map_or(response.body, |problem| {
                let faults = problem.errors.iter().map(|fault| format!("; `{}` {}", fault.path, fault.reason));
                faults.fold(problem.detail.clone(), |text, fault| text + &fault)
            });
            return Err(ClientError::Refused { request: ask.to_string(), status: response.status, detail });
        }
        serde_json::from_str(&response.body).map_err(unreadable)
    }
}

impl std::fmt::Display for Ask<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} {} ({})", self.method, self.route, self.id)
    }
}

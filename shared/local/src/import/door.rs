//! The door that an import goes through: the one that any other sender goes through.

use crate::host::Host;
use contract::ingest::SignalsAnswer;
use contract::problem::Problem;
use contract::signal::{AccountBody, SignalBody};
use domain::id::AccountId;
use jiff::Timestamp;
use platform::http::auth::Verifier;
use platform::http::{Request, Response};
use serde::Serialize;
use std::collections::BTreeMap;

/// Why the door did not take something. Nothing of the batch counts as sent; the import can be started again.
#[derive(Debug, thiserror::Error)]
pub enum DoorError {
    /// The answer was no.
    #[error("`{what}` was answered with status {status}: {detail}")]
    Answered {
        /// The request.
        what: String,
        /// The status of the answer.
        status: u16,
        /// What the answer says.
        detail: String,
    },
    /// A request cannot be written, or its answer cannot be read.
    #[error("`{what}` cannot be understood: {detail}")]
    Garbled {
        /// The request.
        what: String,
        /// Why.
        detail: String,
    },
    /// What was taken in does not last.
    #[error("what was taken in cannot be kept: {0}")]
    NotKept(String),
}

/// What an import needs of the system.
pub trait Door {
    /// Describes an account: `PUT /accounts/{id}`.
    fn put_account(&mut self, id: &AccountId, body: &AccountBody) -> Result<(), DoorError>;

    /// Sends signals: `POST /signals`. `key` is the same when the same batch is sent again in the same import.
    fn post_signals(&mut self, key: &str, signals: &[SignalBody]) -> Result<SignalsAnswer, DoorError>;

    /// Comes back when nothing is on its way any more: what was accepted is recorded, and lasts.
    fn settle(&mut self) -> Result<(), DoorError>;

    /// Time passes until this moment; what is due on the way happens.
    fn pass_to(&mut self, moment: Timestamp);
}

/// The door of the one-machine host.
pub struct HostDoor<'a> {
    /// The host.
    pub host: &'a mut Host,
    /// Checks the tokens.
    pub verifier: &'a Verifier,
    /// Mints a token that is valid at this moment, with the scope `cs-ops.ingest.write`.
    pub token: &'a dyn Fn(Timestamp) -> String,
}

impl HostDoor<'_> {
    fn send<T: Serialize>(
        &self,
        method: &str,
        route: &str,
        id: Option<&AccountId>,
        key: Option<&str>,
        body: &T,
    ) -> Result<Response, DoorError> {
        let what = format!("{method} {}", id.map_or_else(|| route.to_owned(), |id| route.replace("{id}", id.as_str())));
        let garbled = |error: serde_json::Error| DoorError::Garbled { what: what.clone(), detail: error.to_string() };
        let body = serde_json::to_vec(body).map_err(garbled)?;
        let mut headers = BTreeMap::from([
            ("authorization".to_owned(), format!("Bearer {}", (self.token)(self.host.now()))),
            ("content-type".to_owned(), "application/json".to_owned()),
        ]);
        headers.extend(key.map(|key| ("idempotency-key".to_owned(), key.to_owned())));
        let request = Request {
            method: method.to_owned(),
            route: route.to_owned(),
            parameters: id.map(|id| ("id".to_owned(), id.to_string())).into_iter().collect(),
            headers,
            body: body.into(),
            request_id: key.map_or_else(|| format!("import-{}", id.map_or("", AccountId::as_str)), str::to_owned),
            ..Request::default()
        };
        let response = self.host.call("ingest", self.verifier, request);
        if (200..300).contains(&response.status) {
            return Ok(response);
        }
        let detail = serde_json::from_str::<Problem>(&response.body).map_or(response.body, |problem| problem.detail);
        Err(DoorError::Answered { what, status: response.status, detail })
    }
}

impl Door for HostDoor<'_> {
    fn put_account(&mut self, id: &AccountId, body: &AccountBody) -> Result<(), DoorError> {
        self.send("PUT", "/accounts/{id}", Some(id), None, body).map(|_| ())
    }

    fn post_signals(&mut self, key: &str, signals: &[SignalBody]) -> Result<SignalsAnswer, DoorError> {
        #[derive(Serialize)]
        struct Signals<'a> {
            signals: &'a [SignalBody],
        }
        let response = self.send("POST", "/signals", None, Some(key), &Signals { signals })?;
        serde_json::from_str(&response.body)
            .map_err(|error| DoorError::Garbled { what: "POST /signals".to_owned(), detail: error.to_string() })
    }

    fn settle(&mut self) -> Result<(), DoorError> {
        self.host.pump();
        Ok(())
    }

    fn pass_to(&mut self, moment: Timestamp) {
        self.host.advance(moment);
    }
}

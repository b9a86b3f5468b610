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

/// The status of the answer where `If-None-Match: *` meets an account that somebody has described.
const DESCRIBED_ALREADY: u16 = 412;

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
    /// Describes an account, unless somebody has described it: `PUT /accounts/{id}` with `If-None-Match: *`. `key` is
    /// the same when the same description is sent again in the same import.
    fn put_new_account(&mut self, key: &str, id: &AccountId, body: &AccountBody) -> Result<(), DoorError>;

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
    /// Sends a request. `key` names it: sent again with the same name it is the same request.
    fn send<T: Serialize>(&self, key: &str, request: Request, header: Header, body: &T) -> Result<Answer, DoorError> {
        let id = request.parameters.get("id").map_or("", String::as_str);
        let what = format!("{} {}", request.method, request.route.replace("{id}", id));
        let body = serde_json::to_vec(body).map_err(|error| garbled(&what, &error))?;
        let headers = [
            ("authorization", format!("Bearer {}", (self.token)(self.host.now()))),
            ("content-type", "application/json".to_owned()),
            header,
        ];
        let request = Request {
            headers: headers.map(|(name, value)| (name.to_owned(), value)).into(),
            body: body.into(),
            request_id: key.to_owned(),
            ..request
        };
        Ok(Answer { response: self.host.call("ingest", self.verifier, request), what })
    }
}

/// A header with its value.
type Header = (&'static str, String);

/// What was answered to a request.
struct Answer {
    what: String,
    response: Response,
}

impl Answer {
    /// Anything but success is an error.
    fn good(self) -> Result<Self, DoorError> {
        if (200..300).contains(&self.response.status) {
            return Ok(self);
        }
        let Response { status, body, .. } = self.response;
        let detail = serde_json::from_str::<Problem>(&body).map_or(body, |problem| problem.detail);
        Err(DoorError::Answered { what: self.what, status, detail })
    }
}

fn garbled(what: &str, error: &serde_json::Error) -> DoorError {
    DoorError::Garbled { what: what.to_owned(), detail: error.to_string() }
}

impl Door for HostDoor<'_> {
    fn put_new_account(&mut self, key: &str, id: &AccountId, body: &AccountBody) -> Result<(), DoorError> {
        let request = Request {
            method: "PUT".to_owned(),
            route: "/accounts/{id}".to_owned(),
            parameters: BTreeMap::from([("id".to_owned(), id.to_string())]),
            ..Request::default()
        };
        let answer = self.send(key, request, ("if-none-match", "*".to_owned()), body)?;
        if answer.response.status == DESCRIBED_ALREADY {
            return Ok(());
        }
        answer.good().map(|_| ())
    }

    fn post_signals(&mut self, key: &str, signals: &[SignalBody]) -> Result<SignalsAnswer, DoorError> {
        #[derive(Serialize)]
        struct Signals<'a> {
            signals: &'a [SignalBody],
        }
        let request = Request { method: "POST".to_owned(), route: "/signals".to_owned(), ..Request::default() };
        let answer = self.send(key, request, ("idempotency-key", key.to_owned()), &Signals { signals })?.good()?;
        serde_json::from_str(&answer.response.body).map_err(|error| garbled(&answer.what, &error))
    }

    fn settle(&mut self) -> Result<(), DoorError> {
        self.host.pump();
        Ok(())
    }

    fn pass_to(&mut self, moment: Timestamp) {
        self.host.advance(moment);
    }
}

//! The connector: what a destination is told goes out as an HTTP request, and what it answers comes back as what it means.
//!
//! Each kind of destination is a translator without any I/O ([`webhook`], [`slack`], [`pagerduty`], [`servicenow`],
//! [`salesforce`], [`email`]): a notice becomes a request, a response becomes an [`Answer`]. One port sends
//! ([`Transport`]), another one knows secrets ([`Secrets`]). A notice that is sent again is the same request with the
//! same ids. Secrets are in no log, no error and no `Debug`.

pub mod email;
pub mod pagerduty;
pub mod rehearsal;
pub mod request;
pub mod salesforce;
pub mod secret;
pub mod secrets_manager;
pub mod servicenow;
pub mod sigv4;
pub mod slack;
pub mod webhook;

pub use request::{OutboundRequest, OutboundResponse, Transport, TransportError};
pub use secret::{Secret, SecretError, Secrets};

use crate::clock::Clock;
use domain::delivery::{About, Answer, Cause, Notice, Told, retry_after};
use domain::destination::{Destination, Kind, SlaOwner};
use domain::id::{DestinationId, PersonId};
use domain::signal::Severity;
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The longest text of a notice, in characters.
const MAX_TEXT: usize = 1_000;

/// Tells destinations.
pub struct Connector {
    transport: Arc<dyn Transport>,
    secrets: Arc<dyn Secrets>,
    clock: Arc<dyn Clock>,
    /// What was given for a secret, where a destination wants to be logged in to.
    sessions: Mutex<BTreeMap<DestinationId, salesforce::Session>>,
}

impl Connector {
    /// A connector over these ports.
    pub fn new(transport: Arc<dyn Transport>, secrets: Arc<dyn Secrets>, clock: Arc<dyn Clock>) -> Self {
        Self { transport, secrets, clock, sessions: Mutex::default() }
    }

    /// Tells a destination. Whatever goes wrong is an answer: there is no error beside it.
    pub async fn deliver(&self, destination: &Destination, notice: &Notice) -> Answer {
        let answer = match self.request(destination, notice).await {
            Ok(request) => self.send(destination, request).await,
            Err(failed) => failed,
        };
        if matches!(answer, Answer::Failed { cause: Cause::Closed, .. }) {
            // A secret that was changed there is another one next time.
            self.sessions().remove(&destination.id);
            if let Some(name) = &destination.secret {
                self.secrets.forget(name);
            }
        }
        answer
    }

    async fn request(&self, destination: &Destination, notice: &Notice) -> Result<OutboundRequest, Answer> {
        let secret = match &destination.secret {
            Some(name) => Some(self.secrets.secret(name).await.map_err(|error| no_secret(&error))?),
            None => None,
        };
        let now = self.clock.now();
        let wording = Wording::of(destination, notice);
        // A secret that has not the form of one fails for every message alike.
        let closed = |error: SecretError| Answer::failed(Cause::Closed, error.to_string());
        let required = || secret.as_ref().ok_or_else(|| closed(SecretError::Unusable("is not named")));
        match &destination.kind {
            Kind::Webhook { url } => webhook::request(url, &wording, required()?, now).map_err(closed),
            Kind::Slack { channel } => Ok(slack::request(channel, &wording, required()?)),
            Kind::PagerDuty => Ok(pagerduty::request(&wording, required()?)),
            Kind::ServiceNow { instance, table } => Ok(servicenow::request(instance, table, &wording, required()?)),
            Kind::Salesforce { instance, object, external_id } => {
                let session = self.session(destination, instance, required()?).await?;
                Ok(salesforce::request(instance, object, external_id, &wording, &session))
            }
            Kind::Email { region, from, to } => Ok(email::request(region, from, to, &wording)),
        }
    }

    async fn session(
        &self,
        destination: &Destination,
        instance: &str,
        secret: &Secret,
    ) -> Result<salesforce::Session, Answer> {
        if let Some(session) = self.sessions().get(&destination.id) {
            return Ok(session.clone());
        }
        let login =
            salesforce::login(instance, secret).map_err(|error| Answer::failed(Cause::Closed, error.to_string()))?;
        let response = self.transport.send(login).await.map_err(|error| unsent(&error))?;
        let session = salesforce::session(&response).ok_or_else(|| self.refused_login(&response))?;
        self.sessions().insert(destination.id.clone(), session.clone());
        Ok(session)
    }

    fn refused_login(&self, response: &OutboundResponse) -> Answer {
        match failed(response, self.clock.now()) {
            // Who does not accept the login does not accept any message.
            Answer::Failed { cause: Cause::Refused, reason } => Answer::failed(Cause::Closed, reason),
            answer => answer,
        }
    }

    async fn send(&self, destination: &Destination, request: OutboundRequest) -> Answer {
        let response = match self.transport.send(request).await {
            Ok(response) => response,
            Err(error) => return unsent(&error),
        };
        if !(200..300).contains(&response.status) {
            return failed(&response, self.clock.now());
        }
        match &destination.kind {
            Kind::Webhook { .. } => Answer::Delivered { external_id: None },
            Kind::Slack { .. } => slack::answer(&response, self.clock.now()),
            Kind::PagerDuty => pagerduty::answer(&response),
            Kind::ServiceNow { .. } => servicenow::answer(&response),
            Kind::Salesforce { .. } => salesforce::answer(&response),
            Kind::Email { .. } => email::answer(&response),
        }
    }

    fn sessions(&self) -> MutexGuard<'_, BTreeMap<DestinationId, salesforce::Session>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn failed(response: &OutboundResponse, now: Timestamp) -> Answer {
    let asked = response.retry_after.as_deref().and_then(|text| retry_after(text, now));
    Answer::of_status(response.status, asked)
}

/// Success by its status, but not in the words that the destination uses: something else answered in its place.
fn garbage() -> Answer {
    Answer::failed(Cause::Down { retry_after: None }, "it answered with success, but not in its own words")
}

fn unsent(error: &TransportError) -> Answer {
    // Whether it arrived is not known: it is sent again, under the same ids.
    Answer::failed(Cause::Down { retry_after: None }, error.to_string())
}

fn no_secret(error: &SecretError) -> Answer {
    let cause = match error {
        SecretError::Unavailable(_) => Cause::Down { retry_after: None },
        SecretError::Missing(_) | SecretError::Unusable(_) => Cause::Closed,
    };
    Answer::failed(cause, error.to_string())
}

/// A notice in words, with its ids.
#[derive(Debug)]
pub struct Wording<'a> {
    /// The notice.
    pub notice: &'a Notice,
    /// The id of this message.
    pub id: String,
    /// The id of the record that it belongs to.
    pub record: String,
    /// One line.
    pub title: String,
    /// Some more.
    pub text: String,
    /// When the next clock runs out, where that is for the destination to know.
    pub breach_at: Option<Timestamp>,
}

impl<'a> Wording<'a> {
    /// The words for a destination.
    pub fn of(destination: &Destination, notice: &'a Notice) -> Self {
        let account = &notice.account;
        let what = match &notice.told {
            Told::Page { role, person, repeats, .. } => {
                let still = if *repeats > 0 { "still needs" } else { "needs" };
                format!("{account} {still} {}", called(plain(role.name()), person.as_ref()))
            }
            Told::HandedOver { by, to } => format!("{by} asks {to} to take over {account}"),
            Told::Acknowledged { by } => format!("{by} has {account}"),
            Told::Snoozed { by, until } => format!("{by} put {account} off until {until:.0}"),
            Told::Resolved { .. } => format!("{account} is settled"),
            Told::Effect { step, role: Some(role), .. } => format!("{account}, {step}, for {}", plain(role)),
            Told::Effect { step, role: None, .. } => format!("{account}, {step}"),
        };
        let title = severity(notice).map_or_else(|| what.clone(), |severity| format!("{severity}: {what}"));
        let breach_at = notice.breach_at.filter(|_| destination.sla_owner == SlaOwner::Us);
        let mut text = match &notice.told {
            Told::Resolved { outcome } => format!("{}: {outcome}", notice.reason),
            _ => notice.reason.clone(),
        };
        text = text.chars().take(MAX_TEXT).collect();
        if let (Told::Page { .. }, Some(at)) = (&notice.told, breach_at) {
            text.push_str(&format!(" (the next clock runs out at {at:.0})"));
        }
        Self { notice, id: notice.id(), record: notice.record(), title, text, breach_at }
    }
}

fn plain(name: &str) -> String {
    name.replace('_', " ")
}

/// A role, with who has the duty.
fn called(role: String, person: Option<&PersonId>) -> String {
    match person {
        Some(person) => format!("{role} {person}"),
        None => role,
    }
}

/// A severity as it is written.
fn severity(notice: &Notice) -> Option<&'static str> {
    notice.severity.map(Severity::name)
}

/// What a record that follows a notice says of where it is.
const fn state(notice: &Notice) -> &'static str {
    match notice.told {
        Told::Page { .. } => "open",
        Told::HandedOver { .. } | Told::Acknowledged { .. } => "acknowledged",
        Told::Snoozed { .. } => "snoozed",
        Told::Resolved { .. } => "resolved",
        Told::Effect { .. } => "told",
    }
}

/// What a notice is about, by the name and the id that a destination reads.
fn about(notice: &Notice) -> (&'static str, &str) {
    match &notice.about {
        About::Escalation(id) => ("escalation", id.as_str()),
        About::Execution(id) => ("execution", id.as_str()),
    }
}

#[cfg(feature = "doubles")]
#[cfg(test)]
mod tests;

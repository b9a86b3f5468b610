//! A Salesforce organisation: a record is made or changed by its external id, so a repeat is one record. The secret is a
//! connected app's client, with which a session is opened (OAuth 2.0 client credentials) that serves until it is refused.
//!
//! The object has these text fields beside its name and the external id: `About__c`, `Account_Key__c`, `Case_Key__c`,
//! `Description__c` (long), `Message_Id__c`, `Role__c`, `Severity__c`, `Status__c`; and `Breach_At__c`, a date with time.

use crate::connector::request::{OutboundRequest, OutboundResponse};
use crate::connector::secret::{Secret, SecretError};
use crate::connector::{Wording, about, garbage, severity, state};
use domain::delivery::{Answer, Told};
use serde::Deserialize;
use serde_json::{Value, json};

/// The version of the API.
const VERSION: &str = "v61.0";

/// What a login gave.
#[derive(Debug, Clone)]
pub struct Session(Secret);

#[derive(Deserialize)]
struct Client {
    client_id: String,
    client_secret: String,
}

#[derive(Deserialize)]
struct Token {
    access_token: String,
}

/// The request that opens a session.
pub fn login(instance: &str, secret: &Secret) -> Result<OutboundRequest, SecretError> {
    let form = r#"is not {"client_id": …, "client_secret": …}"#;
    let client: Client = serde_json::from_str(secret.reveal()).map_err(|_| SecretError::Unusable(form))?;
    let (id, hush) = (encoded(&client.client_id), Secret::new(encoded(&client.client_secret)));
    let body = format!("grant_type=client_credentials&client_id={id}&client_secret={}", hush.reveal());
    let mut request = OutboundRequest::json("POST", format!("{instance}/services/oauth2/token"), &Value::Null);
    request.headers = vec![("content-type", "application/x-www-form-urlencoded".to_owned())];
    Ok(OutboundRequest { body, ..request.hiding(&hush) })
}

/// Percent-encoding of everything but RFC 3986's unreserved characters.
fn encoded(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(byte).collect()
}

/// The session that an answer gives; nothing, where it gives none.
pub fn session(response: &OutboundResponse) -> Option<Session> {
    let token: Token = serde_json::from_str(&response.body).ok()?;
    (response.status == 200 && !token.access_token.is_empty()).then(|| Session(Secret::new(token.access_token)))
}

/// The request that tells it.
pub fn request(
    instance: &str,
    object: &str,
    external_id: &str,
    wording: &Wording<'_>,
    session: &Session,
) -> OutboundRequest {
    let notice = wording.notice;
    let mut body = json!({
        "Name": name(wording), "Account_Key__c": notice.account, "Status__c": state(notice),
        "About__c": about(notice).1, "Description__c": wording.text, "Message_Id__c": wording.id,
    });
    if let Some(body) = body.as_object_mut() {
        body.extend(severity(notice).map(|severity| ("Severity__c".to_owned(), severity.into())));
        body.extend(wording.breach_at.map(|at| ("Breach_At__c".to_owned(), at.to_string().into())));
        body.extend(notice.case.as_ref().map(|case| ("Case_Key__c".to_owned(), case.as_str().into())));
        if let Told::Page { role, .. } = &notice.told {
            body.insert("Role__c".to_owned(), role.name().into());
        }
    }
    let url = format!("{instance}/services/data/{VERSION}/sobjects/{object}/{external_id}/{}", wording.record);
    OutboundRequest::json("PATCH", url, &body).authorization("Bearer", &session.0)
}

/// A record's name has at most 80 characters.
fn name(wording: &Wording<'_>) -> String {
    wording.title.chars().take(80).collect()
}

/// What a success by status means. An update may be answered without words.
pub fn answer(response: &OutboundResponse) -> Answer {
    if response.status == 204 {
        return Answer::Delivered { external_id: None };
    }
    let body = response.json();
    let of = |name: &str| body.as_ref().and_then(|body| body.get(name));
    match of("success").and_then(Value::as_bool) {
        Some(true) => Answer::Delivered { external_id: of("id").and_then(Value::as_str).map(str::to_owned) },
        _ => garbage(),
    }
}

//! A signed webhook, by the Standard Webhooks specification 1.0.0: `webhook-id`, `webhook-timestamp` and
//! `webhook-signature`, which is HMAC-SHA256 over `id.timestamp.body`.
//!
//! The id is the same at each try, so that whoever listens knows a repeat.

use crate::connector::request::OutboundRequest;
use crate::connector::secret::{Secret, SecretError};
use crate::connector::{Wording, about, severity};
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::delivery::Told;
use jiff::Timestamp;
use serde_json::json;

/// What a secret begins with.
const PREFIX: &str = "whsec_";
/// The bytes of a secret that the specification allows.
const KEY_BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// The request that tells it.
pub fn request(
    url: &str,
    wording: &Wording<'_>,
    secret: &Secret,
    now: Timestamp,
) -> Result<OutboundRequest, SecretError> {
    let notice = wording.notice;
    let (what, id) = about(notice);
    let mut data = json!({
        what: id, "record": wording.record, "account": notice.account,
        "severity": severity(notice), "reason": notice.reason, "title": wording.title,
        "case": notice.case, "breach_at": wording.breach_at,
    });
    let more = match &notice.told {
        Told::Page { role, person, step, repeats } => {
            json!({ "role": role.name(), "person": person, "step": step, "repeats": repeats })
        }
        Told::HandedOver { by, to } => json!({ "by": by, "to": to }),
        Told::Snoozed { by, until } => json!({ "by": by, "until": until }),
        Told::Effect { key, step, effect, role } => {
            json!({ "key": key, "step": step, "effect": effect, "role": role })
        }
        Told::Acknowledged { by } => json!({ "by": by }),
        Told::Resolved { outcome } => json!({ "outcome": outcome }),
    };
    if let (Some(data), serde_json::Value::Object(more)) = (data.as_object_mut(), more) {
        data.extend(more);
    }
    let kind = format!("{what}.{}", notice.told.name());
    let body = json!({ "type": kind, "timestamp": notice.at, "data": data });
    let request = OutboundRequest::json("POST", url.to_owned(), &body);
    let seconds = now.as_second().to_string();
    let signature = sign(secret, &wording.id, &seconds, &request.body)?;
    Ok(request
        .header("webhook-id", wording.id.as_str())
        .header("webhook-timestamp", seconds)
        .header("webhook-signature", signature)
        .hiding(secret))
}

/// The signature of a message: `v1,` and the digest in Base64.
pub fn sign(secret: &Secret, id: &str, seconds: &str, body: &str) -> Result<String, SecretError> {
    let text = secret.reveal();
    let key = STANDARD.decode(text.strip_prefix(PREFIX).unwrap_or(text)).ok();
    let key = key.filter(|key| KEY_BYTES.contains(&key.len()));
    let key = key.ok_or(SecretError::Unusable("is not `whsec_` with 24 to 64 bytes in Base64"))?;
    let signed = format!("{id}.{seconds}.{body}");
    let digest = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), signed.as_bytes());
    Ok(format!("v1,{}", STANDARD.encode(digest)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a17_a_message_is_signed_as_the_libraries_of_the_specification_sign_it() {
        let secret = Secret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        let signature = sign(&secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", r#"{"test": 2432232314}"#).unwrap();
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn a_secret_that_is_none_is_named_without_showing_it() {
        for text in ["", "whsec_", "whsec_!", "whsec_c2hvcnQ="] {
            let error = sign(&Secret::new(text), "id", "0", "").unwrap_err();
            assert_eq!(error.to_string(), "the secret is not `whsec_` with 24 to 64 bytes in Base64");
        }
    }
}

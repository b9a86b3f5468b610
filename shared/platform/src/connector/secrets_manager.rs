//! Secrets from AWS Secrets Manager: one call, `GetSecretValue`, signed here and sent by the transport.

use crate::connector::request::{OutboundRequest, Transport};
use crate::connector::secret::{Secret, SecretError, Secrets};
use async_trait::async_trait;
use serde_json::{Value, json};
use std::sync::Arc;

/// Secrets Manager in a region.
pub struct SecretsManager {
    transport: Arc<dyn Transport>,
    region: String,
}

impl SecretsManager {
    /// Secrets of this region. Nothing is sent yet.
    pub fn new(transport: Arc<dyn Transport>, region: impl Into<String>) -> Self {
        Self { transport, region: region.into() }
    }
}

#[async_trait]
impl Secrets for SecretsManager {
    async fn secret(&self, name: &str) -> Result<Secret, SecretError> {
        let url = format!("https://secretsmanager.{}.amazonaws.com/", self.region);
        let mut request = OutboundRequest::json("POST", url, &json!({ "SecretId": name }));
        request.headers = vec![
            ("content-type", "application/x-amz-json-1.1".to_owned()),
            ("x-amz-target", "secretsmanager.GetSecretValue".to_owned()),
        ];
        request.aws = Some(("secretsmanager", self.region.clone()));
        let response = self.transport.send(request).await.map_err(|error| SecretError::Unavailable(error.into()))?;
        // The body holds the secret: whatever it is, it goes into no error.
        let body = response.json();
        let text = |name: &str| body.as_ref().and_then(|body| body.get(name)).and_then(Value::as_str);
        match (response.status, text("SecretString"), text("__type")) {
            (200, Some(secret), _) => Ok(Secret::new(secret)),
            (200, None, _) => Err(SecretError::Unusable("is not text")),
            (400, _, Some(kind)) if kind.ends_with("ResourceNotFoundException") => {
                Err(SecretError::Missing(name.to_owned()))
            }
            (status, ..) => Err(SecretError::Unavailable(format!("secrets manager answered {status}").into())),
        }
    }
}

#[cfg(feature = "doubles")]
#[cfg(test)]
mod tests {
    use super::*;
    use crate::connector::request::{OutboundResponse, TransportError};
    use crate::doubles::block_on;

    /// Answers every question the same way.
    struct Answers(u16, &'static str);

    #[async_trait]
    impl Transport for Answers {
        async fn send(&self, request: OutboundRequest) -> Result<OutboundResponse, TransportError> {
            assert_eq!(request.aws, Some(("secretsmanager", "eu-central-1".to_owned())));
            assert_eq!(request.body, r#"{"SecretId":"cs-ops/slack"}"#);
            Ok(OutboundResponse { status: self.0, retry_after: None, body: self.1.to_owned() })
        }
    }

    fn ask(status: u16, body: &'static str) -> Result<Secret, SecretError> {
        block_on(SecretsManager::new(Arc::new(Answers(status, body)), "eu-central-1").secret("cs-ops/slack"))
    }

    #[test]
    fn a_secret_is_read_and_what_is_none_is_told_apart() {
        assert_eq!(ask(200, r#"{"SecretString":"xoxb"}"#).unwrap().reveal(), "xoxb");
        let missing = ask(400, r#"{"__type":"ResourceNotFoundException","Message":"x"}"#);
        assert!(matches!(missing, Err(SecretError::Missing(_))));
        let denied = ask(400, r#"{"__type":"AccessDeniedException","Message":"x"}"#);
        assert!(matches!(denied, Err(SecretError::Unavailable(_))));
        assert!(matches!(ask(200, r#"{"SecretBinary":"eA=="}"#), Err(SecretError::Unusable(_))));
        assert!(matches!(ask(500, "<html>"), Err(SecretError::Unavailable(_))));
    }
}

//! The AWS clients of a function: made once, from the environment that Lambda gives, over one connection pool.
//!
//! Settings are read here and not by `aws-config`: in Lambda, credentials and region stand in the environment for the
//! life of the process, so profiles, container and instance metadata, web identity and their refreshing are code that
//! would never run. What is honoured: `AWS_REGION`, `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`
//! and `AWS_ENDPOINT_URL`.

use crate::bus::eventbridge::EventBridge;
use crate::clock::Clock;
use crate::connector::sigv4::Signer;
use crate::environment::{Environment, EnvironmentError};
use crate::lambda::connection::Connection;
use crate::lambda::outbound::Https;
use crate::queue::sqs::Sqs;
use crate::table::dynamodb::DynamoDb;
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_runtime_api::client::behavior_version::BehaviorVersion;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use aws_types::SdkConfig;
use aws_types::region::Region;
use std::sync::Arc;
use std::time::Duration;

/// The tries of one call, the first included. Beyond them the message goes back to its queue, which waits longer.
const ATTEMPTS: u32 = 3;
const FIRST_BACKOFF: Duration = Duration::from_millis(50);
const LONGEST_BACKOFF: Duration = Duration::from_secs(1);
/// One try of a call.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(3);
/// A call with all its tries; well within a function's 30 s.
const CALL_TIMEOUT: Duration = Duration::from_secs(8);

/// The variables without which there are no AWS clients.
pub const REQUIRED: [&str; 3] = ["AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"];

/// What the clients are made from.
#[derive(Debug, Clone)]
pub struct Aws {
    config: SdkConfig,
    connection: Connection,
    signer: Signer,
    region: String,
    endpoint: Option<String>,
}

impl Aws {
    /// Reads the environment. Nothing is sent.
    pub fn new(environment: &Environment) -> Result<Self, EnvironmentError> {
        let [region, access_key, secret_key] = environment.require(REQUIRED)?;
        let token = environment.get("AWS_SESSION_TOKEN").map(str::to_owned);
        let signer = Signer { access_key: access_key.clone(), secret_key: secret_key.clone(), token: token.clone() };
        let credentials = Credentials::new(access_key, secret_key, token, None, "environment");
        let endpoint = environment.get("AWS_ENDPOINT_URL").map(str::to_owned);
        let connection = Connection::default();
        let mut config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(region.clone()))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .http_client(connection.clone())
            .retry_config(
                RetryConfig::standard()
                    .with_max_attempts(ATTEMPTS)
                    .with_initial_backoff(FIRST_BACKOFF)
                    .with_max_backoff(LONGEST_BACKOFF),
            )
            .timeout_config(
                TimeoutConfig::builder()
                    .operation_attempt_timeout(ATTEMPT_TIMEOUT)
                    .operation_timeout(CALL_TIMEOUT)
                    .build(),
            );
        config.set_endpoint_url(endpoint.clone());
        Ok(Self { config: config.build(), connection, signer, region, endpoint })
    }

    /// The table of this name.
    pub fn table(&self, name: impl Into<String>, clock: Arc<dyn Clock>) -> DynamoDb {
        DynamoDb::new(aws_sdk_dynamodb::Client::new(&self.config), name.into(), clock)
    }

    /// The bus of this name.
    pub fn bus(&self, name: impl Into<String>) -> EventBridge {
        EventBridge::new(aws_sdk_eventbridge::Client::new(&self.config), name.into())
    }

    /// The queue at this URL.
    pub fn queue(&self, url: impl Into<String>) -> Sqs {
        Sqs::new(aws_sdk_sqs::Client::new(&self.config), url.into())
    }

    /// What carries requests to destinations outside, over the same connections.
    pub fn outbound(&self, clock: Arc<dyn Clock>) -> Https {
        Https::new(self.connection.clone(), self.signer.clone(), clock, self.endpoint.clone())
    }

    /// The region.
    pub fn region(&self) -> &str {
        &self.region
    }

    /// The connections that all clients share.
    pub fn connection(&self) -> &Connection {
        &self.connection
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_named_at_once() {
        let error = Aws::new(&Environment::of([("AWS_REGION", "eu-central-1")])).unwrap_err();
        assert_eq!(error.0, ["`AWS_ACCESS_KEY_ID` is not set", "`AWS_SECRET_ACCESS_KEY` is not set"]);
    }

    #[test]
    fn the_injected_endpoint_is_honoured() {
        let environment = Environment::of([
            ("AWS_REGION", "eu-central-1"),
            ("AWS_ACCESS_KEY_ID", "id"),
            ("AWS_SECRET_ACCESS_KEY", "secret"),
            ("AWS_ENDPOINT_URL", "http://127.0.0.1:4566"),
        ]);
        assert_eq!(Aws::new(&environment).unwrap().config.endpoint_url(), Some("http://127.0.0.1:4566"));
    }
}

//! Requests to destinations over HTTPS, through the connections that the AWS clients use.

use crate::clock::Clock;
use crate::connector::request::{
    MAX_RESPONSE_BYTES, OutboundRequest, OutboundResponse, TIMEOUT, Transport, TransportError,
};
use crate::connector::sigv4::{Signed, Signer};
use crate::lambda::connection::Connection;
use async_trait::async_trait;
use aws_smithy_types::body::SdkBody;
use http::header::RETRY_AFTER;
use http_body_util::{BodyExt, Limited};
use std::error::Error;
use std::sync::Arc;

/// Sends over HTTPS; never follows a redirect.
#[derive(Clone)]
pub struct Https {
    connection: Connection,
    signer: Signer,
    clock: Arc<dyn Clock>,
    /// Takes the place of scheme and host of AWS's own services, where something else plays them.
    endpoint: Option<String>,
}

impl Https {
    /// A transport over these connections. Nothing is sent yet.
    pub fn new(connection: Connection, signer: Signer, clock: Arc<dyn Clock>, endpoint: Option<String>) -> Self {
        Self { connection, signer, clock, endpoint }
    }

    async fn exchange(&self, request: OutboundRequest) -> Result<OutboundResponse, TransportError> {
        let request = self.prepare(&request).map_err(TransportError::Unreachable)?;
        let sent = self.connection.send(request).await;
        let response = sent.map_err(|error| TransportError::Unreachable(error.into()))?;
        let (parts, body) = response.into_parts();
        let retry_after = parts.headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let body = Limited::new(body, MAX_RESPONSE_BYTES).collect().await.map_err(|error| {
            let too_long = error.downcast_ref::<http_body_util::LengthLimitError>().is_some();
            if too_long { TransportError::TooLong } else { TransportError::Unreachable(error) }
        })?;
        let body = String::from_utf8_lossy(&body.to_bytes()).into_owned();
        Ok(OutboundResponse { status: parts.status.as_u16(), retry_after, body })
    }

    fn prepare(&self, request: &OutboundRequest) -> Result<http::Request<SdkBody>, Box<dyn Error + Send + Sync>> {
        let mut headers = request.headers.clone();
        let mut url = request.url.clone();
        if let Some((service, region)) = &request.aws {
            if let Some(endpoint) = &self.endpoint {
                let path = url.parse::<http::Uri>()?.path().to_owned();
                url = format!("{}{path}", endpoint.trim_end_matches('/'));
            }
            let uri: http::Uri = url.parse()?;
            let host = uri.authority().ok_or("the address names no host")?.as_str();
            let signed = Signed {
                method: request.method,
                host,
                path: uri.path(),
                query: "",
                headers: &request.headers,
                body: &request.body,
            };
            headers.extend(self.signer.headers(&signed, service, region, self.clock.now()));
        }
        let start = http::Request::builder().method(request.method).uri(url);
        let built = headers.into_iter().fold(start, |request, (name, value)| request.header(name, value));
        Ok(built.body(SdkBody::from(request.body.clone()))?)
    }
}

#[async_trait]
impl Transport for Https {
    async fn send(&self, request: OutboundRequest) -> Result<OutboundResponse, TransportError> {
        match tokio::time::timeout(TIMEOUT, self.exchange(request)).await {
            Ok(result) => result,
            Err(_) => Err(TransportError::TimedOut),
        }
    }
}
